//! Pods that fit a group's nodes, and for which Cluster Autoscaler never launches the first one: what it imagines of a
//! group without nodes has no ephemeral storage and is in one zone.

use super::super::Setup;
use crate::control::AutoscaledGroup;
use crate::sim::NodeType;
use crate::sim::kube_scheduler::admits_pod;
use crate::workload::PodClass;

/// Why this group, without nodes, does not grow for pods of `class` though they fit its nodes; `None` if it does, or if
/// it has nodes from the start.
pub(super) fn refuse(
    setup: &Setup,
    group: &AutoscaledGroup,
    node_type: &NodeType,
    class: &PodClass,
) -> Option<String> {
    if group.min.max(group.desired) > 0 {
        return None;
    }
    let imagined = group.nominal - node_type.template.daemons;
    if !class.requests.fits_in(&imagined) {
        return Some(
            "they ask for ephemeral storage, of which Cluster Autoscaler takes a node group without nodes to have none"
                .to_owned(),
        );
    }
    let zone = group.zones.first().and_then(|zone| setup.catalog.zones.get(usize::from(*zone)));
    let fits =
        admits_pod(&node_type.labels, zone, &setup.workload.spec_of(class, &setup.trace.words)).is_some();
    (!fits).then(|| {
        let zone = zone.map_or("its first zone", |zone| zone);
        format!("Cluster Autoscaler takes the next node of a node group without nodes to be in {zone}, where they cannot run")
    })
}
