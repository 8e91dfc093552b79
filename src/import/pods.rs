//! What metrics and pod objects tell of pods, whoever asked for them: by name, until they are joined to tasks.
//!
//! Exact statements (a pod object, kube-state-metrics) go to the fields of [`PodSeen`] at once. Series of points are
//! kept in [`Series`] by what they measure and of which container, since several files hold parts of them; when all
//! files are read, [`Pods::finish`] makes numbers and bounds of them where no exact statement was made.

mod finish;
mod main_container;
mod measure;
mod points;
mod series;
mod snapshots;
mod usage;

pub(super) use main_container::main_names;
pub(super) use measure::{Level, Measure, Source};
pub(super) use series::{Series, Statistic};
pub(super) use usage::Usage;

use std::collections::BTreeMap;

use crate::trace::{OwnerKind, PodArch, SourcePlatform, State, Word, Words};
use crate::units::{Cpu, Memory, Span, Time};

/// All pods that any file tells of.
#[derive(Clone, Debug, Default)]
pub(super) struct Pods {
    /// By (namespace, name); the namespace is empty where a source does not say it.
    pub seen: BTreeMap<(String, String), PodSeen>,
    /// Names of containers, and tags that tell series of one container apart.
    pub words: Words,
    /// Series whose metric says nothing about pods that is understood, by its name.
    pub unknown_metrics: BTreeMap<String, u64>,
    /// Points that are no measurement: negative or not finite.
    pub unusable_points: u64,
    /// Series whose points are further apart than pods should be short, and the widest distance.
    pub coarse: (u64, Span),
    /// The smallest distance between two points of any series: what is known of a series with one point.
    pub step: Option<Span>,
    /// The latest time in exports of objects: about when they were made.
    pub latest: Option<Time>,
    /// What the user should know, once each.
    pub notes: std::collections::BTreeSet<String>,
}

impl Pods {
    #[cfg(test)]
    pub fn pod(&mut self, namespace: &str, name: &str) -> &mut PodSeen {
        self.seen.entry((namespace.to_owned(), name.to_owned())).or_default()
    }

    /// The same, for who has the place at hand: the first one that tells of it is kept.
    pub fn pod_at(&mut self, place: crate::trace::Place, namespace: &str, name: &str) -> &mut PodSeen {
        self.seen
            .entry((namespace.to_owned(), name.to_owned()))
            .or_insert_with(|| PodSeen { place, ..PodSeen::default() })
    }

    pub fn word(&mut self, text: &str) -> Word {
        self.words.intern(text)
    }

    pub fn unknown_metric(&mut self, name: &str) {
        *self.unknown_metrics.entry(name.to_owned()).or_default() += 1;
    }
}

/// One pod, as far as anything tells of it.
#[derive(Clone, Debug, Default)]
pub(super) struct PodSeen {
    /// File and line that first told of it.
    pub place: crate::trace::Place,
    /// Of its object or of kube-state-metrics; from metrics, good to a step.
    pub created: Option<Time>,
    pub scheduled: Option<Time>,
    /// Its main container, from its first run to its last one.
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
    pub ephemeral_storage: Option<Memory>,
    pub gpu_request_milli: Option<i64>,
    /// What Fargate gave the pod, its own share of the memory included.
    pub provisioned: Option<(Cpu, Memory)>,
    pub node: Option<String>,
    pub instance_type: Option<String>,
    pub platform: Option<SourcePlatform>,
    pub image: Option<String>,
    /// Compressed.
    pub image_size: Option<Memory>,
    /// From the beginning of the pull to its end.
    pub image_pull: Option<Span>,
    pub owner: OwnerKind,
    /// Name of the owning Job or workflow, for grouping.
    pub owner_name: Option<String>,
    /// As the columns of a trace have them.
    pub node_selector: Option<String>,
    pub tolerations: Option<String>,
    pub arch: Option<PodArch>,
    pub priority: Option<i32>,
    pub do_not_disrupt: bool,
    /// How often its containers were started again.
    pub restarts: u32,
    /// First and last instant at which metrics saw it alive, and the time between two points there.
    pub first_point: Option<Time>,
    pub last_point: Option<Time>,
    pub step: Option<Span>,
    /// Measured usage in order of time, summed over containers: millicores and MiB.
    pub cpu: Vec<f64>,
    pub memory: Vec<f64>,
    /// The same in numbers, and what was measured as numbers only.
    pub usage: Usage,
    /// What is not settled before all files are read.
    pub series: Series,
    pub snapshots: snapshots::Snapshots,
}

impl PodSeen {
    /// Takes in what was told of the same pod under another key; what is known here goes before it.
    fn merge(&mut self, other: Self) {
        macro_rules! take {
            ($($field:ident)*) => { $(self.$field = self.$field.take().or(other.$field);)* };
        }
        take!(created scheduled started ended deleted state exit_reason cpu_request memory_request cpu_limit);
        take!(memory_limit ephemeral_storage gpu_request_milli provisioned node instance_type platform image);
        take!(image_size image_pull owner_name node_selector tolerations arch priority);
        if self.owner == OwnerKind::None {
            self.owner = other.owner;
        }
        self.do_not_disrupt |= other.do_not_disrupt;
        self.restarts = self.restarts.max(other.restarts);
        self.series.merge(other.series);
        self.snapshots.append(other.snapshots);
    }

    /// Takes in the pod's object as it was at a time; `is_over` where its phase is final.
    pub fn snapshot(&mut self, is_over: bool, latest: Option<Time>, pod: Self) {
        self.snapshots.push(is_over, latest, pod);
    }

    /// Makes one of all snapshots. The object knows the pod better than metrics do.
    fn settle_snapshots(&mut self) {
        if let Some(mut pod) = std::mem::take(&mut self.snapshots).into_pod() {
            pod.place = self.place;
            pod.series = std::mem::take(&mut self.series);
            pod.merge(std::mem::take(self));
            *self = pod;
        }
    }
}
