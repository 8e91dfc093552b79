//! Cluster Autoscaler's flags, by their own names.

use super::super::fields::{Reader, Section};
use super::super::values::*;
use super::super::*;

/// Flags that change what it does and that are not simulated.
pub(super) const NOT_SIMULATED: [&str; 17] = [
    "balance-similar-node-groups",
    "balancing-ignore-label",
    "cores-total",
    "expendable-pods-priority-cutoff",
    "ignore-daemonsets-utilization",
    "max-graceful-termination-sec",
    "max-nodes-total",
    "max-pod-eviction-time",
    "memory-total",
    "min-replica-count",
    "ok-total-unready-count",
    "scale-down-delay-after-delete",
    "scale-down-unready-time",
    "skip-nodes-with-custom-controller-pods",
    "skip-nodes-with-local-storage",
    "skip-nodes-with-system-pods",
    "unremovable-node-recheck-timeout",
];

/// Expanders of the real one; `price` and `grpc` do not work on AWS or need a server.
const NO_EXPANDERS: [&str; 5] = ["most-pods", "least-nodes", "priority", "price", "grpc"];

pub(super) fn read(reader: &mut Reader, platform: &mut Section, ca: &mut ClusterAutoscaler) {
    let mut section = platform.section(reader, "clusterAutoscaler");
    flags(reader, &mut section, ca);
    section.refuse(reader, &NOT_SIMULATED, "remove the flag: its default is what is simulated");
    section.finish(reader);
}

/// The flags that change what it does.
pub(super) fn flags(reader: &mut Reader, section: &mut Section, ca: &mut ClusterAutoscaler) {
    section.set(reader, "expander", &mut ca.expander, |text| {
        if NO_EXPANDERS.contains(&text) {
            let words: Vec<&str> = Expander::WORDS.iter().map(|(word, _)| *word).collect();
            return Err(
                Refusal::new("is not simulated by this version").hint(format!("write {}", one_of(&words)))
            );
        }
        choice(text, Expander::WORDS)
    });
    let mut span = |name, value: &mut Span, least| {
        section.set(reader, name, value, |t| duration_from(t, least, DAY));
    };
    span("scan-interval", &mut ca.scan_interval, Span::from_secs(1));
    span("new-pod-scale-up-delay", &mut ca.new_pod_scale_up_delay, Span::ZERO);
    span("max-node-provision-time", &mut ca.max_node_provision_time, Span::from_secs(1));
    span("scale-down-delay-after-add", &mut ca.scale_down_delay_after_add, Span::ZERO);
    span("scale-down-delay-after-failure", &mut ca.scale_down_delay_after_failure, Span::ZERO);
    span("scale-down-unneeded-time", &mut ca.scale_down_unneeded_time, Span::ZERO);
    span("node-delete-delay-after-taint", &mut ca.node_delete_delay_after_taint, Span::ZERO);
    span("initial-node-group-backoff-duration", &mut ca.initial_node_group_backoff, Span::ZERO);
    span("max-node-group-backoff-duration", &mut ca.max_node_group_backoff, Span::ZERO);
    let mut flag = |name, value: &mut bool| section.set(reader, name, value, boolean);
    flag("frequent-loops-enabled", &mut ca.frequent_loops_enabled);
    flag("scale-down-enabled", &mut ca.scale_down_enabled);
    let mut number = |name, value: &mut u32| {
        section.set(reader, name, value, |t| whole(t, 1, 100_000).map(|n| n as u32));
    };
    number("max-nodes-per-scaleup", &mut ca.max_nodes_per_scaleup);
    number("max-scale-down-parallelism", &mut ca.max_scale_down_parallelism);
    number("max-drain-parallelism", &mut ca.max_drain_parallelism);
    let threshold = &mut ca.scale_down_utilization_threshold_ppm;
    section.set(reader, "scale-down-utilization-threshold", threshold, fraction);
}
