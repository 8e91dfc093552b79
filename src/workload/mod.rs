//! The validated, compact form of a trace that the simulation runs on.
//!
//! A [`Workload`] is a proof that the trace makes sense: every step has a place in an acyclic graph, every pod
//! has positive requests, identical requests are one class. It is columnar: a million pods are a few flat
//! arrays. It knows no file formats and nothing of platforms.

mod build;
mod classes;
mod graph;
mod policies;
mod rules;
mod specs;
mod tasks;
mod timeline;

pub use build::{Built, build};
pub use classes::Assumed;
pub use graph::Graph;
pub use rules::{PodRules, ToldApart};
pub use timeline::{Delays, StepTimes, ideal_timeline, recorded_timeline};

use std::sync::Arc;

use crate::kube::{Labels, PodSpec};
use crate::trace::{Column, OwnerKind, PodArch, Word};
use crate::units::{Memory, Resources, Span, Time};

/// Index into [`Workload::steps`] columns, in canonical order (submit time, run, task, attempt).
pub type StepId = u32;
/// Index into [`Workload::classes`].
pub type ClassId = u32;
/// Index into [`Workload::runs`].
pub type RunId = u32;
/// Index into [`Workload::images`].
pub type ImageId = u32;

#[derive(Clone, Debug, Default)]
pub struct Workload {
    pub steps: Steps,
    /// Predecessors and successors of each step.
    pub graph: Graph,
    pub runs: Vec<Run>,
    pub classes: Vec<PodClass>,
    pub images: Vec<Image>,
    /// Of the scenario, in its order; a class counts them from 1.
    pub templates: Vec<Arc<PodSpec>>,
    /// Labels of pods, as far as anything selects pods by them; the first set is empty.
    pub labels: Vec<Labels>,
    pub window: Window,
    /// Whether the trace has dependencies.
    pub has_dependencies: bool,
    /// Whether the trace has every pod's start and end, so that it can be replayed as it happened.
    pub has_recorded_delays: bool,
}

/// What the steps of all runs are: pods, and steps of the orchestrator. One entry per step in each column.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// Row of the trace.
    pub row: Vec<u32>,
    pub run: Vec<RunId>,
    pub kind: Vec<StepKind>,
    /// How the step ended on the source platform, and so ends here unless the platform prevents it.
    pub ending: Vec<Ending>,
    /// The step did not run on the source platform because a predecessor did not succeed: dependencies are joins on
    /// success. Unset where the row shows that it ran nevertheless (an error handler, a further try).
    pub never_ran: Vec<bool>,
    /// Class of a pod; 0 for other steps.
    pub class: Vec<ClassId>,
    pub work: Vec<Span>,
    /// When the orchestrator made the step eligible: its arrival in open loop, and of roots in closed loop.
    pub submit: Vec<Time>,
    /// Key of the step's random draws: of run, task and attempt.
    pub key: Vec<u64>,
    /// Wait of the orchestrator after the last predecessor was seen to end.
    pub trigger_delay: Column<Span>,
    /// Recorded: eligible → created.
    pub dispatch: Column<Span>,
    /// Recorded: created → running. Dropped on simulated platforms, except for steps that are no pods.
    pub start_delay: Column<Span>,
    /// Recorded: start → end, where it differs from `work`.
    pub recorded_run: Column<Span>,
    /// Recorded: end → noticed.
    pub detection: Column<Span>,
    /// How often the orchestrator starts a task again whose pod was lost, and how long it waits before.
    pub retry_limit: Column<u32>,
    pub retry_interval: Column<Span>,
    /// Work is saved this often; what was saved need not be done again.
    pub checkpoint_interval: Column<Span>,
}

impl Steps {
    pub fn len(&self) -> usize {
        self.row.len()
    }

    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }

    pub fn is_pod(&self, step: StepId) -> bool {
        self.kind[step as usize] == StepKind::Pod
    }

    pub fn pods(&self) -> impl Iterator<Item = StepId> + '_ {
        (0..self.len() as StepId).filter(|step| self.is_pod(*step))
    }
}

impl Workload {
    /// Which runs have a step that is replayed.
    pub fn replayed_runs(&self) -> Vec<bool> {
        let mut replayed = vec![false; self.runs.len()];
        for (run, kind) in self.steps.run.iter().zip(&self.steps.kind) {
            replayed[*run as usize] |= *kind != StepKind::NotReplayed;
        }
        replayed
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    Pod,
    /// Takes time in the orchestrator, but no resources.
    Control,
    /// A row that is not replayed; kept, taking no time, so that the graph stays whole.
    NotReplayed,
}

/// The recorded end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Succeeded,
    Failed,
    Canceled,
}

/// One execution of a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// `Word::EMPTY` for a task without a run: it is a run by itself.
    pub id: Word,
    pub workflow: Word,
    /// Earliest submit time of its steps.
    pub submit: Time,
}

/// What pods that are alike to every controller have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PodClass {
    /// Requests, with `pods: 1`.
    pub requests: Resources,
    pub image: ImageId,
    pub arch: PodArch,
    pub node_selector: Word,
    pub tolerations: Word,
    /// `EMPTY` unless something tells pods apart by their namespaces.
    pub namespace: Word,
    /// Index into [`Workload::labels`].
    pub labels: u32,
    /// Which of [`Workload::templates`] completes it, from 1 on; 0 for none.
    pub template: u16,
    pub priority: i32,
    pub owner: OwnerKind,
    pub do_not_disrupt: bool,
    pub interruptible: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    pub name: Word,
    /// Compressed.
    pub size: Memory,
}

/// The time that the bill covers at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    pub start: Time,
    pub end: Time,
}
