//! Which nodes are used little enough to be looked at
//! (`cluster-autoscaler/core/scaledown/eligibility/eligibility.go`, `simulator/utilization/info.go`).

use super::settings::Settings;
use crate::decide::kube_scheduler::NodeState;
use crate::kube::{CPU, MEMORY, Node, ResourceList};

/// `"true"` keeps a node.
pub const SCALE_DOWN_DISABLED: &str = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
const GPU_LABEL: &str = "k8s.amazonaws.com/accelerator";

/// Whether a node may be looked at at all: it is not being deleted, and nobody forbade it.
pub fn may_go(node: &Node) -> bool {
    let is_deleted = node.taints.iter().any(|taint| taint.key == super::template::TO_BE_DELETED);
    !is_deleted && node.annotations.get(SCALE_DOWN_DISABLED).is_none_or(|value| value != "true")
}

/// Whether a node is used less than the threshold. A node that is exactly half used is not, at the default.
pub fn is_little_used(settings: &Settings, state: &NodeState) -> bool {
    let gpu = settings
        .gpu
        .filter(|gpu| state.node.labels.contains_key(GPU_LABEL) || state.node.allocatable[*gpu] > 0);
    let threshold = match gpu {
        Some(_) => settings.scale_down_gpu_utilization_threshold,
        None => settings.scale_down_utilization_threshold,
    };
    utilization(settings, state, gpu) < threshold
}

/// The larger of CPU's and memory's share of what is allocatable that is requested, DaemonSets included unless they are
/// ignored; of GPUs alone on a node that has some. A node that states nothing allocatable is not used at all.
fn utilization(settings: &Settings, state: &NodeState, gpu: Option<usize>) -> f64 {
    let mut requested = ResourceList::ZERO;
    let mut ignored = ResourceList::ZERO;
    for pod in state.pods() {
        let is_ignored = settings.ignore_daemonsets_utilization && pod.spec.is_of_daemon_set()
            || settings.ignore_mirror_pods_utilization && pod.spec.is_mirror();
        *(if is_ignored { &mut ignored } else { &mut requested }) += pod.spec.requests;
    }
    let of = |resource| share(resource, &requested, &ignored, &state.node.allocatable);
    match gpu {
        Some(gpu) => of(gpu).unwrap_or(0.0),
        // An amount that cannot be known makes the whole 0.
        None => match (of(CPU), of(MEMORY)) {
            (Some(cpu), Some(memory)) => {
                if cpu > memory {
                    cpu
                } else {
                    memory
                }
            }
            _ => 0.0,
        },
    }
}

#[expect(clippy::float_arithmetic, reason = "the real one compares float64 quotients of thousandths")]
fn share(
    resource: usize,
    requested: &ResourceList,
    ignored: &ResourceList,
    allocatable: &ResourceList,
) -> Option<f64> {
    let thousandths = |list: &ResourceList| match resource {
        CPU => list.milli_cpu(),
        _ => list[resource].saturating_mul(1_000),
    };
    let all = thousandths(allocatable);
    (all != 0).then(|| thousandths(requested) as f64 / (all - thousandths(ignored)) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::decide::cluster_autoscaler::fixtures::{node, owned, resources, spec};
    use crate::decide::kube_scheduler::PodOnNode;
    use crate::kube::{PodSpec, Taint, TaintEffect};

    fn on_node(pods: &[PodSpec]) -> NodeState {
        let mut state = NodeState::new(Arc::new(node("n", resources(2_000, 8_192))));
        for (id, pod) in (0..).zip(pods) {
            state.add_pod(PodOnNode::new(id, Arc::new(pod.clone())));
        }
        state
    }

    #[test]
    fn the_larger_share_counts_daemon_sets_included() {
        let daemon = owned("DaemonSet", spec(200, 100));
        let ignoring = Settings { ignore_daemonsets_utilization: true, ..Settings::default() };
        let defaults = Settings::default();
        for (what, pods, settings, expected) in [
            ("empty", vec![], &defaults, true),
            ("CPU below half", vec![spec(999, 10)], &defaults, true),
            ("exactly half", vec![spec(1_000, 10)], &defaults, false),
            ("memory", vec![spec(10, 4_096)], &defaults, false),
            ("with its DaemonSet", vec![daemon.clone(), spec(850, 10)], &defaults, false),
            // 850 of 1,800.
            ("without", vec![daemon.clone(), spec(850, 10)], &ignoring, true),
            // 900 of 1,800.
            ("exactly half without", vec![daemon, spec(900, 10)], &ignoring, false),
        ] {
            assert_eq!(is_little_used(settings, &on_node(&pods)), expected, "{what}");
        }
    }

    #[test]
    fn on_gpu_nodes_only_gpus_count() {
        const GPU: usize = 4;
        let settings = Settings { gpu: Some(GPU), ..Settings::default() };
        let mut busy = spec(1_900, 10);
        let mut state = on_node(&[busy.clone()]);
        assert!(!is_little_used(&settings, &state));
        let mut node = (*state.node).clone();
        node.allocatable[GPU] = 2;
        state.node = Arc::new(node);
        assert!(is_little_used(&settings, &state));
        busy.requests[GPU] = 1;
        state.add_pod(PodOnNode::new(9, Arc::new(busy)));
        assert!(!is_little_used(&settings, &state));
    }

    #[test]
    fn nodes_that_are_deleted_or_protected_are_not_looked_at() {
        let plain = node("n", resources(1, 1));
        assert!(may_go(&plain));
        let mut kept = plain.clone();
        kept.annotations.insert(SCALE_DOWN_DISABLED.to_owned(), "true".to_owned());
        assert!(!may_go(&kept));
        let mut deleted = plain;
        let key = super::super::template::TO_BE_DELETED.to_owned();
        deleted.taints.push(Taint { key, value: "1".to_owned(), effect: TaintEffect::NoSchedule });
        assert!(!may_go(&deleted));
    }
}
