//! What metrics and pod objects tell of pods, whoever asked for them: by name, until they are joined to tasks.

use std::collections::BTreeMap;

use crate::trace::{OwnerKind, SourcePlatform, State};
use crate::units::{Cpu, Memory, Span, Time};

/// All pods that any file tells of.
#[derive(Clone, Debug, Default)]
pub(super) struct Pods {
    /// By (namespace, name); the namespace is empty where a source does not say it.
    pub seen: BTreeMap<(String, String), PodSeen>,
}

impl Pods {
    pub fn pod(&mut self, namespace: &str, name: &str) -> &mut PodSeen {
        self.seen.entry((namespace.to_owned(), name.to_owned())).or_default()
    }
}

/// One pod, as far as anything tells of it.
#[derive(Clone, Debug, Default)]
pub(super) struct PodSeen {
    /// File and line that first told of it.
    pub place: crate::trace::Place,
    /// Of its object or of kube-state-metrics.
    pub created: Option<Time>,
    pub scheduled: Option<Time>,
    /// Its main container, the last run of it.
    pub started: Option<Time>,
    pub ended: Option<Time>,
    pub deleted: Option<Time>,
    pub state: Option<State>,
    pub exit_reason: Option<String>,
    /// Sums over all containers, sidecars included.
    pub cpu_request: Option<Cpu>,
    pub memory_request: Option<Memory>,
    pub cpu_limit: Option<Cpu>,
    pub memory_limit: Option<Memory>,
    pub node: Option<String>,
    pub instance_type: Option<String>,
    pub platform: Option<SourcePlatform>,
    pub image: Option<String>,
    pub owner: OwnerKind,
    /// Name of the owning Job or workflow, for grouping.
    pub owner_name: Option<String>,
    /// First and last instant at which metrics saw it alive, and the time between two points there.
    pub first_point: Option<Time>,
    pub last_point: Option<Time>,
    pub step: Option<Span>,
    /// Measured usage in order of time, summed over containers: millicores and MiB.
    pub cpu: Vec<f64>,
    pub memory: Vec<f64>,
}
