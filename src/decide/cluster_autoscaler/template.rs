//! What a further node of a group is taken to be
//! (`cluster-autoscaler/processors/nodeinfosprovider/mixed_nodeinfos_processor.go`, `simulator/node_info_utils.go`).
//!
//! A copy of a node that has been Ready for more than a minute, or the last such copy. A group that never had one is
//! imagined from its launch template: the whole machine with nothing reserved, in the group's first zone. So a pod may
//! seem to fit a group without nodes and not fit the node that comes; the zone of one node stands for all; and a group
//! of several types counts as if it had one.

use std::sync::Arc;

use super::snapshot::SpecId;
use crate::kube::{Node, PodSpec, ResourceList, Taint};
use crate::units::{Span, Time};

/// A node is copied only once it has been Ready for longer than this.
pub const STABLE_AFTER: Span = Span::from_secs(60);

pub const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";

/// A fresh node of a group, with the pods that every node of it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub node: Arc<Node>,
    /// Pods of DaemonSets, and static ones.
    pub daemons: Vec<SpecId>,
    /// What these request together.
    pub requested: ResourceList,
}

impl Template {
    pub fn new<'a>(node: Arc<Node>, daemons: impl IntoIterator<Item = (SpecId, &'a PodSpec)>) -> Self {
        let mut template = Self { node, daemons: Vec::new(), requested: ResourceList::ZERO };
        for (id, spec) in daemons {
            template.daemons.push(id);
            template.requested += spec.requests;
        }
        template
    }
}

/// Whether a node may be copied while there are better ones.
pub fn is_stable(node: &Node, now: Time) -> bool {
    node.ready_since.is_some_and(|ready| ready + STABLE_AFTER < now) && !node.is_unschedulable
}

/// A fresh node like `node` under another name: without taints that speak of that one node's state
/// (`utils/taints/taints.go`, `SanitizeTaints`).
pub fn fresh_copy(node: &Node, name: String) -> Node {
    let taints = node.taints.iter().filter(|taint| !is_of_state(taint)).cloned().collect();
    let mut copy = Node { name, taints, ..node.clone() };
    copy.labels.insert(HOSTNAME_LABEL.to_owned(), copy.name.clone());
    copy
}

/// Cluster Autoscaler deletes a node with this taint.
pub const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";
/// A node with this taint has been unneeded since the Unix time that is its value.
pub const DELETION_CANDIDATE: &str = "DeletionCandidateOfClusterAutoscaler";

fn is_of_state(taint: &Taint) -> bool {
    const KEYS: [&str; 10] = [
        TO_BE_DELETED,
        DELETION_CANDIDATE,
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/unschedulable",
        "node.kubernetes.io/memory-pressure",
        "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/network-unavailable",
        "node.kubernetes.io/pid-pressure",
        "node.cloudprovider.kubernetes.io/uninitialized",
    ];
    const PREFIXES: [&str; 3] = [
        "startup-taint.cluster-autoscaler.kubernetes.io/",
        "status-taint.cluster-autoscaler.kubernetes.io/",
        "ignore-taint.cluster-autoscaler.kubernetes.io/",
    ];
    KEYS.contains(&taint.key.as_str()) || PREFIXES.iter().any(|prefix| taint.key.starts_with(prefix))
}
