//! Controllers: what decides which capacity there is.
//!
//! A controller is a deterministic state machine over a read-only view. It emits [`Action`]s; only the engine
//! changes state. It sees prices as the real one would know them, never the ledger or the bill, and nothing of
//! other controllers. Its stages are pure functions that tests call without an event loop.
//!
//! A platform may have several controllers (a fixed group beside Karpenter). Each is told of everything that it
//! [wants](Controller::wants) and minds only the nodes that it asked for.

mod cluster_autoscaler;
mod fargate;
mod fixed_group;
pub mod karpenter;
mod node_group;

pub use cluster_autoscaler::ClusterAutoscaler;
pub use fargate::FargateController;
pub use fixed_group::FixedGroup;
pub use karpenter::Karpenter;
pub use node_group::{GroupKind, ManagedGroup, Upgrade};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, PriceView};
use crate::kube::{Pdb, PodSpec};
use crate::ledger::{EndReason, LeaseId, PodRun, TemplateId};
use crate::sim::kube_scheduler::SchedulingQueue;
use crate::sim::{Cluster, Evictable, Node, NodeId, RunIndex};
use crate::trace::Words;
use crate::units::{Span, Time};
use crate::workload::{ClassId, PodClass, Workload};

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
    pub now: Time,
    pub cluster: &'a Cluster,
    pub classes: &'a [PodClass],
    pub workload: &'a Workload,
    /// Texts of selectors and tolerations.
    pub words: &'a Words,
    pub catalog: &'a Catalog,
    /// On-demand and Spot prices of the last refresh.
    pub prices: &'a PriceView<'a>,
    /// Pods that kube-scheduler could not place.
    pub queue: &'a SchedulingQueue,
    pub(crate) runs: &'a [PodRun],
    pub(crate) node_of_lease: &'a [NodeId],
    pub(crate) stopping: &'a BTreeMap<RunIndex, EndReason>,
    /// What pods ask for, by class.
    pub specs: &'a [Arc<PodSpec>],
    pub pdbs: &'a [Pdb],
}

/// A pod that kube-scheduler has tried to place in vain and will try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingPod {
    pub run: RunIndex,
    pub class: ClassId,
    pub created: Time,
    /// Stands for the pod's UID: random, the same on every platform.
    pub uid: u64,
}

impl<'a> View<'a> {
    /// The node of a lease, unless it is gone.
    pub fn node(&self, lease: LeaseId) -> Option<&Node> {
        let node = self.cluster.nodes.get(*self.node_of_lease.get(lease as usize)? as usize)?;
        (node.lease == lease && node.state != crate::sim::NodeState::Gone).then_some(node)
    }

    /// Which pods may be evicted now.
    pub fn evictable(&self) -> Evictable<'a> {
        Evictable {
            cluster: self.cluster,
            runs: self.runs,
            stopping: self.stopping,
            workload: self.workload,
            specs: self.specs,
            pdbs: self.pdbs,
            now: self.now,
        }
    }

    /// How many pods wait for capacity.
    pub fn pending(&self) -> usize {
        self.queue.waiting()
    }

    /// The pods that wait for capacity, class by class and in no further order.
    pub fn pending_pods(&self) -> impl Iterator<Item = PendingPod> + '_ {
        self.queue
            .waiting_classes()
            .flat_map(move |class| self.queue.waiting_of(class).map(move |run| self.pod(run)))
    }

    /// Whether a pod was asked to stop and has not stopped yet.
    pub fn is_terminating(&self, run: RunIndex) -> bool {
        self.stopping.contains_key(&run)
    }

    /// Any pod that was created.
    pub fn pod(&self, run: RunIndex) -> PendingPod {
        let PodRun { step, attempt, created, .. } = self.runs[run as usize];
        let steps = &self.workload.steps;
        let uid = crate::rng::key_of(&["pod"], steps.key[step as usize] ^ u64::from(attempt - 1) << 48);
        PendingPod { run, class: steps.class[step as usize], created, uid }
    }
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
    /// EC2 has answered a [`Launch`], to the controller that asked: the instance of this lease is on its way.
    Launched {
        token: u32,
        lease: LeaseId,
        kind: TemplateId,
        zone: u8,
    },
    /// EC2 had no capacity for one of a launch's offerings. Comes before the answer to the launch itself.
    NoCapacity {
        token: u32,
        kind: TemplateId,
        zone: u8,
    },
    /// EC2 had no capacity for any of a launch's offerings.
    LaunchFailed {
        token: u32,
    },
    NodeReady(LeaseId),
    /// The last pod of a node has ended; DaemonSets do not count.
    NodeEmpty(LeaseId),
    /// A node was terminated, by whomever.
    NodeGone(LeaseId),
    /// EC2 will take this Spot instance back in two minutes.
    SpotNotice(LeaseId),
    /// EC2 advises to replace this Spot instance: a notice will follow.
    RebalanceRecommended(LeaseId),
}

/// The kinds of triggers a controller is called for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    pub unschedulable_pods: bool,
    /// Everything about nodes: launches, Ready, empty, gone, notices.
    pub nodes: bool,
    /// Pods that it places itself.
    pub created_pods: bool,
}

impl Wants {
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            unschedulable_pods: self.unschedulable_pods || other.unschedulable_pods,
            nodes: self.nodes || other.nodes,
            created_pods: self.created_pods || other.created_pods,
        }
    }

    pub(crate) fn includes(self, trigger: &Trigger) -> bool {
        match trigger {
            Trigger::Start => true,
            Trigger::PodCreated { .. } => self.created_pods,
            Trigger::PodUnschedulable { .. } => self.unschedulable_pods,
            Trigger::Launched { .. }
            | Trigger::NoCapacity { .. }
            | Trigger::LaunchFailed { .. }
            | Trigger::NodeReady(_)
            | Trigger::NodeEmpty(_)
            | Trigger::NodeGone(_)
            | Trigger::SpotNotice(_)
            | Trigger::RebalanceRecommended(_) => self.nodes,
        }
    }
}

/// What a controller asks the engine to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A node that has been there, Ready, since before the simulation.
    Adopt { kind: TemplateId, zone: u8 },
    /// Ask for a new node. The answer comes as [`Trigger::Launched`] or [`Trigger::LaunchFailed`].
    Launch(Launch),
    /// Taint a node so that no further pod is put there, or take the taint away. Pods that run there stay.
    Cordon { lease: LeaseId, on: bool },
    /// Taint a node, evict its pods, and terminate it when they are gone, after `at_least` (the taint's delay) at the
    /// earliest. Pods marked `do_not_disrupt` are not evicted: the node waits for their end, or until `grace` has passed
    /// since (`terminationGracePeriod`), when they are ended all the same.
    Delete { lease: LeaseId, reason: EndReason, at_least: Span, grace: Option<Span> },
    /// Start a micro-VM for this pod alone.
    RunOnFargate { run: RunIndex, kind: TemplateId },
    /// No capacity of this platform can ever hold the pod: it stays pending until it is given up.
    LeavePending { run: RunIndex },
}

/// A request for one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The controller's own name for the request.
    pub token: u32,
    /// What may be launched: all of one capacity type. EC2 chooses (see `sim::ec2`).
    pub offers: Vec<Offer>,
    pub through: LaunchPath,
}

/// A kind of node in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub kind: TemplateId,
    pub zone: u8,
}

/// Who carries the request to EC2: they differ in how long that takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchPath {
    /// A `CreateFleet` call of type `instant`.
    Fleet,
    /// An Auto Scaling group whose desired capacity was raised.
    AutoScalingGroup,
}

/// When a controller wants to be called without a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextWake {
    OnTrigger,
    At(Time),
    /// As soon as a node or what runs there changes, which is no trigger; or at this time.
    OnChange {
        at: Option<Time>,
    },
}
