//! What kinds of nodes are to kube-scheduler's filters: labels and taints, and not what runs there.

use std::collections::BTreeMap;

use crate::catalog::labels;
use crate::kube;
use crate::platform::Taint;

/// What filters see of a kind of node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeLabels {
    pub labels: BTreeMap<String, String>,
    pub taints: Vec<Taint>,
    /// EC2 may take the node back: not for pods that must not be interrupted.
    pub is_spot: bool,
}

pub const ARCH_LABEL: &str = "kubernetes.io/arch";

impl NodeLabels {
    /// What the nodes of this kind in `zone` are in Kubernetes' words. A kind that does not say its architecture is
    /// amd64.
    pub fn node(&self, zone: Option<&String>) -> kube::Node {
        let mut node = kube::Node { taints: self.taints.clone(), ..kube::Node::default() };
        node.labels.insert(ARCH_LABEL.to_owned(), "amd64".to_owned());
        for (key, value) in &self.labels {
            node.labels.insert(labels::normalized(key).to_owned(), value.clone());
            node.labels.insert(key.clone(), value.clone());
        }
        if let Some(zone) = zone {
            node.labels.insert(labels::ZONE.to_owned(), zone.clone());
        }
        node
    }
}
