//! Pods that fit a group's nodes, and for which Cluster Autoscaler never launches the first one: what it imagines of a
//! group without nodes has no ephemeral storage and is in one zone.

use super::super::Setup;
use crate::control::ManagedGroup;
use crate::sim::NodeType;
use crate::sim::kube_scheduler::admits_pod;
use crate::units::{Memory, Resources};
use crate::workload::PodClass;

/// Why this group, without nodes, does not grow for pods of `class` though they fit its nodes; `None` if it does, or if
/// it has nodes from the start.
pub(super) fn refuse(
    setup: &Setup,
    group: &ManagedGroup,
    node_type: &NodeType,
    class: &PodClass,
) -> Option<String> {
    if group.min.max(group.desired) > 0 {
        return None;
    }
    let first = group.kinds.first()?;
    let imagined = first.nominal - node_type.template.daemons;
    if !class.requests.fits_in(&imagined) {
        let without_storage = Resources { ephemeral: Memory::ZERO, ..class.requests };
        let why = if without_storage.fits_in(&imagined) {
            "they ask for ephemeral storage, of which Cluster Autoscaler takes a node group without nodes to have none"
        } else {
            "Cluster Autoscaler takes a node group without nodes to have its first instance type only, which is too small"
        };
        return Some(why.to_owned());
    }
    let zone = first.zones.first().and_then(|zone| setup.catalog.zones.get(usize::from(*zone)));
    let fits =
        admits_pod(&node_type.labels, zone, &setup.workload.spec_of(class, &setup.trace.words)).is_some();
    (!fits).then(|| {
        let zone = zone.map_or("its first zone", |zone| zone);
        format!("Cluster Autoscaler takes the next node of a node group without nodes to be in {zone}, where they cannot run")
    })
}
