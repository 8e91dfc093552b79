//! The metrics that say something of pods, under the names of kube-state-metrics 1 and 2 and of cAdvisor.
//!
//! Source: `docs/metrics/workload/pod-metrics.md` of kubernetes/kube-state-metrics; cAdvisor's
//! `docs/storage/prometheus.md`.

use Meaning::*;

use crate::import::pods::{Level as L, Measure, Source};

/// What a series says of its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The value is an instant: epoch seconds.
    Created,
    Scheduled,
    /// The kubelet's acknowledgement, before the image is pulled.
    Acknowledged,
    Completed,
    Deleted,
    ContainerStarted,
    /// The value is a size: in cores or bytes, or as the label `resource` says.
    Level(L),
    Requests,
    Limits,
    InitRequests,
    /// Labels say it where the value is above 0.
    Phase,
    Terminated,
    PodReason,
    Node,
    Owner,
    PodLabels,
    Image,
    Running,
    /// CPU-seconds, or cores of a rate of them.
    CpuCounter,
    CpuRate,
    /// Bytes.
    Memory(Measure),
    Restarts,
}

const KUBELET: Source = Source::Kubelet;

/// Longer names before those that they begin with.
pub(super) const METRICS: [(&str, Meaning); 38] = [
    ("kube_pod_created", Created),
    ("kube_pod_status_scheduled_time", Scheduled),
    ("kube_pod_start_time", Acknowledged),
    ("kube_pod_completion_time", Completed),
    ("kube_pod_deletion_timestamp", Deleted),
    ("kube_pod_container_state_started", ContainerStarted),
    ("container_start_time_seconds", ContainerStarted),
    ("kube_pod_init_container_resource_requests_cpu_cores", Level(L::InitCpuRequest)),
    ("kube_pod_init_container_resource_requests_memory_bytes", Level(L::InitMemoryRequest)),
    ("kube_pod_init_container_resource_requests", InitRequests),
    ("kube_pod_container_resource_requests_cpu_cores", Level(L::CpuRequest)),
    ("kube_pod_container_resource_requests_memory_bytes", Level(L::MemoryRequest)),
    ("kube_pod_container_resource_requests", Requests),
    ("kube_pod_container_resource_limits_cpu_cores", Level(L::CpuLimit)),
    ("kube_pod_container_resource_limits_memory_bytes", Level(L::MemoryLimit)),
    ("kube_pod_container_resource_limits", Limits),
    ("kube_pod_overhead_cpu_cores", Level(L::CpuOverhead)),
    ("kube_pod_overhead_memory_bytes", Level(L::MemoryOverhead)),
    ("kube_pod_status_phase", Phase),
    ("kube_pod_status_reason", PodReason),
    ("kube_pod_container_status_last_terminated_reason", Terminated),
    ("kube_pod_container_status_terminated_reason", Terminated),
    ("kube_pod_container_status_running", Running),
    ("kube_pod_container_status_restarts_total", Restarts),
    ("kube_pod_container_info", Image),
    ("kube_pod_info", Node),
    ("kube_pod_owner", Owner),
    ("kube_pod_labels", PodLabels),
    ("container_cpu_usage_seconds_total", CpuCounter),
    ("container_memory_working_set_bytes", Memory(Measure::WorkingSet(KUBELET))),
    ("container_memory_usage_bytes", Memory(Measure::MemoryUsage(KUBELET))),
    ("container_memory_rss", Memory(Measure::Rss(KUBELET))),
    ("container_memory_max_usage_bytes", Memory(Measure::MemoryPeak(KUBELET))),
    // The kubelet's own, for whole pods and for containers.
    ("pod_cpu_usage_seconds_total", CpuCounter),
    ("pod_memory_working_set_bytes", Memory(Measure::WorkingSet(KUBELET))),
    ("node_namespace_pod_container:container_cpu_usage_seconds_total:sum_irate", CpuRate),
    ("node_namespace_pod_container:container_cpu_usage_seconds_total:sum_rate5m", CpuRate),
    ("container_last_seen", Running),
];

/// The metric of this name. What recording rules and names of files put around it may stay, and if they speak of a
/// rate, it is one.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    if let Some((_, meaning)) = METRICS.iter().find(|(known, _)| *known == name) {
        return Some(*meaning);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let stands_alone = |known: &str, at: usize| {
        let after = &name[at + known.len()..];
        !after.starts_with(is_part) || after.starts_with("_2") || after.starts_with("__")
    };
    let longest = METRICS
        .iter()
        .filter(|(known, _)| name.match_indices(known).any(|(at, _)| stands_alone(known, at)))
        .max_by_key(|(known, _)| known.len())?;
    match longest.1 {
        CpuCounter if name.contains("rate") => Some(CpuRate),
        meaning => Some(meaning),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_known_by_name_rule_and_file() {
        for (name, expected) in [
            ("kube_pod_created", Some(Created)),
            ("kube_pod_created-2026-01.json", Some(Created)),
            ("kube_pod_created_2026-01.json", Some(Created)),
            ("container_cpu_usage_seconds_total", Some(CpuCounter)),
            ("namespace:container_cpu_usage_seconds_total:sum_rate", Some(CpuRate)),
            ("rate(container_cpu_usage_seconds_total).json", Some(CpuRate)),
            ("kube_pod_container_resource_requests_cpu_cores", Some(Level(L::CpuRequest))),
            ("cluster:namespace:pod_cpu:active:kube_pod_container_resource_requests", Some(Requests)),
            ("kube_pod_container_info", Some(Image)),
            ("kube_pod_created_by", None),
            ("up", None),
        ] {
            assert_eq!(meaning(name), expected, "{name}");
        }
    }
}
