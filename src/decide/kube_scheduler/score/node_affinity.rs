//! NodeAffinity: the sum of the weights of the preferred terms that a node meets.
//!
//! Source: `pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go`.

use super::{NodeState, PodSpec, normalize};
use crate::kube::Node;

pub(super) fn score(pod: &PodSpec, states: &[&NodeState]) -> Vec<i64> {
    let mut scores: Vec<i64> = states.iter().map(|state| preference(pod, &state.node)).collect();
    normalize(&mut scores, false);
    scores
}

/// What a node is worth to a pod by its labels. An empty term prefers nothing.
pub fn preference(pod: &PodSpec, node: &Node) -> i64 {
    let met = pod.preferred_node_terms.iter().filter(|(_, term)| term.matches(&node.name, &node.labels));
    met.map(|(weight, _)| i64::from(*weight)).sum()
}
