//! Controllers: what decides which capacity there is.
//!
//! A controller is a deterministic state machine over a read-only view. It emits [`Action`]s; only the engine
//! changes state. It sees prices as the real one would know them, never the ledger or the bill, and nothing of
//! other controllers. Its stages are pure functions that tests call without an event loop.

mod fargate;
mod fixed_group;

pub use fargate::FargateController;
pub use fixed_group::FixedGroup;

use crate::catalog::PriceView;
use crate::ledger::{LeaseId, TemplateId};
use crate::sim::{Cluster, RunIndex};
use crate::units::Time;
use crate::workload::{ClassId, PodClass};

pub trait Controller {
    /// Looks at what happened at `now` and says what should change. Called at each instant at which a trigger of
    /// [`Self::wants`] occurred or the wake-up asked for is due, after everything else at that instant; and again
    /// if its actions are news to it at once.
    fn step(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) -> NextWake;

    /// Which triggers it wants to see. The start always comes.
    fn wants(&self) -> Wants;
}

/// What a controller can see.
pub struct View<'a> {
    pub cluster: &'a Cluster,
    pub classes: &'a [PodClass],
    /// On-demand and Spot prices of the last refresh.
    pub prices: &'a PriceView<'a>,
}

/// What happened since the last step. Nodes are named by their leases, which are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The simulation begins.
    Start,
    /// A pod that this controller places itself was created.
    PodCreated {
        run: RunIndex,
        class: ClassId,
    },
    /// kube-scheduler found no node for a pod: its first failed attempt.
    PodUnschedulable {
        run: RunIndex,
        class: ClassId,
    },
    NodeReady(LeaseId),
    /// The last pod of a node has ended; DaemonSets do not count.
    NodeEmpty(LeaseId),
}

/// The kinds of triggers a controller is called for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    pub unschedulable_pods: bool,
    pub nodes: bool,
}

/// What a controller asks the engine to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A node that has been there, Ready, since before the simulation.
    Adopt { kind: TemplateId, zone: u8 },
    /// Ask for a new node.
    Launch { kind: TemplateId, zone: u8 },
    /// Remove a Ready node on which no pod runs.
    Terminate { lease: LeaseId },
    /// Start a micro-VM for this pod alone.
    RunOnFargate { run: RunIndex, kind: TemplateId },
    /// No capacity of this platform can ever hold the pod: it stays pending until it is given up.
    LeavePending { run: RunIndex },
}

/// When a controller wants to be called without a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextWake {
    OnTrigger,
    At(Time),
}
