//! Cluster Autoscaler's flags, by their own names.

use super::super::fields::{Reader, Section};
use super::super::tree::{Entry, Value};
use super::super::values::*;
use super::super::*;

/// Flags that change what it does and that are not simulated.
pub(super) const NOT_SIMULATED: [&str; 8] = [
    "balancing-ignore-label",
    "cores-total",
    "max-graceful-termination-sec",
    "max-pod-eviction-time",
    "memory-total",
    "min-replica-count",
    "ok-total-unready-count",
    "scale-down-unready-time",
];

/// Expanders of the real one that do not work on AWS or need a server.
const NO_EXPANDERS: [&str; 2] = ["price", "grpc"];

const PRIORITIES: &str = "write priorities: {10: [\".*\"], 50: [spot]}";

pub(super) fn read(reader: &mut Reader, platform: &mut Section, ca: &mut ClusterAutoscaler) {
    let mut section = platform.section(reader, "clusterAutoscaler");
    flags(reader, &mut section, ca);
    priorities(reader, &mut section, ca);
    section.refuse(reader, &NOT_SIMULATED, "remove the flag: its default is what is simulated");
    section.finish(reader);
}

/// The flags that change what it does.
pub(super) fn flags(reader: &mut Reader, section: &mut Section, ca: &mut ClusterAutoscaler) {
    section.set(reader, "expander", &mut ca.expanders, |text| {
        let mut expanders: Vec<Expander> = Vec::new();
        for word in text.split(',').map(str::trim) {
            if NO_EXPANDERS.contains(&word) {
                let words: Vec<&str> = Expander::WORDS.iter().map(|(word, _)| *word).collect();
                return Err(Refusal::new("is not simulated: it does not work on AWS, or needs a server")
                    .hint(format!("write {}, or several with commas between", one_of(&words))));
            }
            let expander = choice(word, Expander::WORDS)?;
            if expanders.contains(&expander) {
                return Err(Refusal::new(format!("has {word} twice")));
            }
            expanders.push(expander);
        }
        Ok(expanders)
    });
    let mut span = |name, value: &mut Span, least| {
        section.set(reader, name, value, |t| duration_from(t, least, DAY));
    };
    span("scan-interval", &mut ca.scan_interval, Span::from_secs(1));
    span("new-pod-scale-up-delay", &mut ca.new_pod_scale_up_delay, Span::ZERO);
    span("max-node-provision-time", &mut ca.max_node_provision_time, Span::from_secs(1));
    span("scale-down-delay-after-add", &mut ca.scale_down_delay_after_add, Span::ZERO);
    span("scale-down-delay-after-delete", &mut ca.scale_down_delay_after_delete, Span::ZERO);
    span("unremovable-node-recheck-timeout", &mut ca.unremovable_node_recheck_timeout, Span::ZERO);
    span("scale-down-delay-after-failure", &mut ca.scale_down_delay_after_failure, Span::ZERO);
    span("scale-down-unneeded-time", &mut ca.scale_down_unneeded_time, Span::ZERO);
    span("node-delete-delay-after-taint", &mut ca.node_delete_delay_after_taint, Span::ZERO);
    span("initial-node-group-backoff-duration", &mut ca.initial_node_group_backoff, Span::ZERO);
    span("max-node-group-backoff-duration", &mut ca.max_node_group_backoff, Span::ZERO);
    let mut flag = |name, value: &mut bool| section.set(reader, name, value, boolean);
    flag("frequent-loops-enabled", &mut ca.frequent_loops_enabled);
    flag("scale-down-enabled", &mut ca.scale_down_enabled);
    flag("balance-similar-node-groups", &mut ca.balance_similar_node_groups);
    flag("ignore-daemonsets-utilization", &mut ca.ignore_daemonsets_utilization);
    flag("skip-nodes-with-system-pods", &mut ca.skip_nodes_with_system_pods);
    flag("skip-nodes-with-local-storage", &mut ca.skip_nodes_with_local_storage);
    flag("skip-nodes-with-custom-controller-pods", &mut ca.skip_nodes_with_custom_controller_pods);
    let mut number = |name, value: &mut u32| {
        section.set(reader, name, value, |t| whole(t, 1, 100_000).map(|n| n as u32));
    };
    number("max-nodes-per-scaleup", &mut ca.max_nodes_per_scaleup);
    number("max-scale-down-parallelism", &mut ca.max_scale_down_parallelism);
    number("max-drain-parallelism", &mut ca.max_drain_parallelism);
    section
        .set(reader, "max-nodes-total", &mut ca.max_nodes_total, |t| whole(t, 0, 100_000).map(|n| n as u32));
    section.set(reader, "expendable-pods-priority-cutoff", &mut ca.expendable_pods_priority_cutoff, |t| {
        t.parse().map_err(|_| Refusal::new("is not a priority").hint("write a whole number, such as -10"))
    });
    let threshold = &mut ca.scale_down_utilization_threshold_ppm;
    section.set(reader, "scale-down-utilization-threshold", threshold, fraction);
}

/// What the ConfigMap `cluster-autoscaler-priority-expander` holds.
fn priorities(reader: &mut Reader, section: &mut Section, ca: &mut ClusterAutoscaler) {
    let path = section.path("priorities");
    if let Some(entry) = section.entry(reader, "priorities") {
        let Value::Map(entries) = &entry.value.value else {
            let message = format!("{path} must be a mapping, not {}", entry.value.shape());
            reader.problem(entry.key_place, "priorities", Refusal::new(message).hint(PRIORITIES));
            return;
        };
        for entry in entries {
            ca.priorities.extend(priority(reader, &path, entry));
        }
        ca.priorities.sort_unstable_by_key(|(priority, _)| *priority);
    }
    let is_asked = ca.expanders.contains(&Expander::Priority);
    if is_asked == ca.priorities.is_empty() {
        let at = section.path(if is_asked { "expander" } else { "priorities" });
        let Some(place) = reader.given.place(&at) else { return };
        let message = if is_asked {
            format!("{at} asks for priorities, and there are none")
        } else {
            format!("{at} is of no use without expander: priority")
        };
        reader.problem(place, "priorities", Refusal::new(message).hint(PRIORITIES));
    }
}

fn priority(reader: &mut Reader, path: &str, entry: &Entry) -> Option<(i64, Vec<String>)> {
    let Ok(priority) = entry.key.parse::<i32>() else {
        let message = format!("{path} has the priority {}, which is no whole number", entry.key);
        reader.problem(entry.key_place, &entry.key, Refusal::new(message).hint(PRIORITIES));
        return None;
    };
    let Value::List(items) = &entry.value.value else {
        let message = format!("{path}.{priority} must be a list, not {}", entry.value.shape());
        reader.problem(entry.key_place, &entry.key, Refusal::new(message).hint(PRIORITIES));
        return None;
    };
    let mut names = Vec::with_capacity(items.len());
    for (index, node) in items.iter().enumerate() {
        names.extend(reader.scalar(&format!("{path}.{priority}[{index}]"), node, |text| {
            match regex::Regex::new(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(_) => Err(Refusal::new("is no regular expression").hint(PRIORITIES)),
            }
        }));
    }
    Some((priority.into(), names))
}
