//! Small clusters for the tests of this part.

use std::sync::Arc;

use super::{ClusterState, NodeState, PodOnNode};
use crate::kube::{
    CPU, LabelSelector, Labels, MEMORY, Node, NodeInclusionPolicy, PODS, PodAffinity, PodSpec, PodTerm,
    ResourceList, SpreadConstraint, WhenUnsatisfiable,
};

pub const ZONE: &str = "topology.kubernetes.io/zone";
pub const HOST: &str = "kubernetes.io/hostname";

pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub fn node(name: &str, zone: &str) -> Node {
    let mut allocatable = ResourceList::ZERO;
    (allocatable[CPU], allocatable[MEMORY], allocatable[PODS]) = (4_000_000_000, 8 << 30, 10);
    Node {
        name: name.to_owned(),
        labels: labels(&[(ZONE, zone), (HOST, name)]),
        allocatable,
        ..Node::default()
    }
}

pub fn app(name: &str) -> PodSpec {
    PodSpec { labels: labels(&[("app", name)]), ..PodSpec::default() }
}

pub fn selects(name: &str) -> LabelSelector {
    LabelSelector { match_labels: labels(&[("app", name)]), ..LabelSelector::default() }
}

pub fn term(key: &str, of: &str) -> PodTerm {
    PodTerm {
        topology_key: key.to_owned(),
        selector: Some(selects(of)),
        namespaces: Vec::new(),
        namespace_selector: None,
        match_label_keys: Vec::new(),
        mismatch_label_keys: Vec::new(),
    }
}

pub fn required(key: &str, of: &str) -> PodAffinity {
    PodAffinity { required: vec![term(key, of)], preferred: Vec::new() }
}

pub fn spread(key: &str, max_skew: i32) -> SpreadConstraint {
    SpreadConstraint {
        max_skew,
        topology_key: key.to_owned(),
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: Some(selects("web")),
        min_domains: None,
        node_affinity_policy: NodeInclusionPolicy::Honor,
        node_taints_policy: NodeInclusionPolicy::Ignore,
        match_label_keys: Vec::new(),
    }
}

/// A cluster of these nodes with these pods on them.
pub fn cluster(nodes: &[Node], pods: &[(usize, &PodSpec)]) -> ClusterState {
    let mut cluster = ClusterState::default();
    for node in nodes {
        cluster.add_node(NodeState::new(Arc::new(node.clone())));
    }
    for (id, (node, spec)) in pods.iter().enumerate() {
        cluster.add_pod(*node, PodOnNode::new(id as u64, Arc::new((*spec).clone())));
    }
    cluster
}
