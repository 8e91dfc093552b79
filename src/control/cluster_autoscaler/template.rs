//! What Cluster Autoscaler takes a further node of a group to be
//! (`cluster-autoscaler/processors/nodeinfosprovider/mixed_nodeinfos_processor.go`).
//!
//! A copy of a node that has been Ready for a minute, or the last such copy. A group that never had one is imagined
//! from its launch template: the whole machine with nothing reserved, in the group's first zone. So a pod may seem to
//! fit a group without nodes and not fit the node that comes; and the zone of the copied node stands for all.

use super::AutoscaledGroup;
use crate::sim::NodeType;
use crate::units::{Resources, Span};

/// Nodes that have been Ready for less are not copied.
pub const STABLE_AFTER: Span = Span::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    pub capacity: Resources,
    pub allocatable: Resources,
    /// Allocatable less the DaemonSets.
    pub free: Resources,
    pub zone: u8,
}

impl Template {
    /// From the Auto Scaling group: nothing is reserved.
    pub fn from_group(group: &AutoscaledGroup, node_type: &NodeType) -> Self {
        Self {
            capacity: group.nominal,
            allocatable: group.nominal,
            free: group.nominal - node_type.template.daemons,
            zone: group.zones.first().copied().unwrap_or_default(),
        }
    }

    /// A copy of a node in `zone`; the nodes of a group are alike in all else.
    pub fn from_node(group: &AutoscaledGroup, node_type: &NodeType, zone: u8) -> Self {
        let allocatable = node_type.template.allocatable;
        Self { capacity: group.capacity, allocatable, free: allocatable - node_type.template.daemons, zone }
    }
}
