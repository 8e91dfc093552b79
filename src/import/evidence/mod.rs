//! How long a task's container really ran: from the best evidence that there is.

use crate::trace::Word;
use crate::units::{Span as Duration, Time};

/// What is known of the platform on which a trace was recorded, to find work where only the orchestrator's times are
/// known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceModel {
    /// From the orchestrator's queue to the creation of the pod.
    pub agent_wait: Duration,
    /// From the creation of the pod to its container running; fitted to the trace, or of the platform, if `None`.
    pub start_up: Option<Duration>,
    /// From the end of the container to the orchestrator noticing it.
    pub detection_lag: Duration,
}

impl Default for SourceModel {
    fn default() -> Self {
        Self { agent_wait: Duration::ZERO, start_up: None, detection_lag: Duration::from_secs(6) }
    }
}

/// A row of which the orchestrator's side is known. What its columns already have (`pod_created_time`, `start_time`,
/// `end_time`, `finish_observed_time`) stays; the rest is to be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub row: u32,
    /// When the orchestrator queued the task or created the pod.
    pub queued: Time,
    /// When the orchestrator saw its end.
    pub observed: Time,
    /// When the task's log begins, if that is known.
    pub first_log: Option<Time>,
    pub pod: PodKey,
}

/// How to find the pod of a row among those that metrics tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PodKey {
    /// By its name.
    Name(Word),
    /// By the id of its Digdag task, which is part of the pod's name.
    DigdagTask(u64),
    None,
}
