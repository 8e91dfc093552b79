//! Which of the nodes that a pod may run on it prefers: the Score plugins of the default profile and their weights.
//!
//! Each plugin gives every feasible node 0 to 100, some only in comparison to each other (NormalizeScore). A plugin
//! to which the pod gives nothing to compare is skipped by the real one, which counts 0 for every node alike; so does
//! this. `pkg/scheduler/framework/runtime/framework.go: RunScorePlugins`.

pub mod balanced_allocation;
pub mod image_locality;
mod inter_pod_affinity;
mod node_affinity;
pub mod resources_fit;
mod taint_toleration;
mod topology_spread;

pub use balanced_allocation::BalancedAllocation;
pub use node_affinity::preference;
pub use resources_fit::Scoring;
pub use taint_toleration::untolerated;

use super::filter::{Filters, Reason};
use super::state::{ClusterState, NodeState};
use crate::kube::PodSpec;

/// What a plugin can give at most.
pub const MAX_SCORE: i64 = 100;

/// The plugins with their weights, in the profile's order.
pub const PLUGINS: [(&str, i64); 7] = [
    ("TaintToleration", TAINTS_WEIGHT),
    ("NodeAffinity", NODES_WEIGHT),
    ("NodeResourcesFit", 1),
    ("PodTopologySpread", SPREAD_WEIGHT),
    ("InterPodAffinity", AFFINITY_WEIGHT),
    ("NodeResourcesBalancedAllocation", 1),
    ("ImageLocality", 1),
];

const TAINTS_WEIGHT: i64 = 3;
const NODES_WEIGHT: i64 = 2;
const SPREAD_WEIGHT: i64 = 2;
const AFFINITY_WEIGHT: i64 = 2;

/// What a cluster's operator may choose of the scheduler's profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub scoring: Scoring,
    pub balanced_allocation: BalancedAllocation,
    /// `PodTopologySpread.defaultingType: System`: pods of a Service, ReplicaSet, StatefulSet or
    /// ReplicationController that have no constraints of their own are spread over nodes and zones.
    pub default_constraints: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scoring: Scoring::LeastAllocated,
            balanced_allocation: BalancedAllocation::Improvement,
            default_constraints: true,
        }
    }
}

/// How much a pod likes a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeScore {
    /// 0 to 100, in the order of [`PLUGINS`].
    pub by_plugin: [i64; PLUGINS.len()],
    /// Their weighted sum.
    pub total: i64,
}

/// Filters and scores all nodes for a pod that is not in `cluster`: for each the score, or why the pod cannot run
/// there.
///
/// The real one looks at a part of a large cluster only, and does not score where a single node is left.
pub fn evaluate(
    pod: &PodSpec,
    cluster: &ClusterState,
    settings: &Settings,
) -> Vec<Result<NodeScore, Reason>> {
    let filters = Filters::new(pod, cluster);
    let mut results: Vec<_> =
        cluster.nodes().iter().map(|state| filters.check(state).map(|()| NodeScore::default())).collect();
    let feasible: Vec<usize> = (0..results.len()).filter(|node| results[*node].is_ok()).collect();
    for (node, score) in feasible.iter().zip(score(pod, cluster, settings, &feasible)) {
        results[*node] = Ok(score);
    }
    results
}

/// Scores `feasible`, nodes that passed the filters, against each other.
pub fn score(
    pod: &PodSpec,
    cluster: &ClusterState,
    settings: &Settings,
    feasible: &[usize],
) -> Vec<NodeScore> {
    let mut scores = vec![NodeScore::default(); feasible.len()];
    let states: Vec<&NodeState> = feasible.iter().map(|node| cluster.node(*node)).collect();
    let by_plugin: [Vec<i64>; PLUGINS.len()] = [
        taint_toleration::score(pod, &states),
        node_affinity::score(pod, &states),
        resources_fit::score(pod, &states, settings.scoring),
        topology_spread::score(pod, cluster, &states, settings.default_constraints),
        inter_pod_affinity::score(pod, cluster, &states),
        balanced_allocation::score(pod, &states, settings.balanced_allocation),
        image_locality::score(pod, cluster, &states),
    ];
    for (plugin, of_nodes) in by_plugin.iter().enumerate() {
        for (score, of_node) in scores.iter_mut().zip(of_nodes) {
            score.by_plugin[plugin] = *of_node;
            score.total += of_node * PLUGINS[plugin].1;
        }
    }
    scores
}

/// Of [`score`] only what depends on where other pods are, with its weights: PodTopologySpread by the pod's own
/// constraints, and InterPodAffinity. 0 for every node if the pod and the others do not mind.
pub fn topology(pod: &PodSpec, cluster: &ClusterState, feasible: &[usize]) -> Vec<i64> {
    let states: Vec<&NodeState> = feasible.iter().map(|node| cluster.node(*node)).collect();
    let spread = topology_spread::score(pod, cluster, &states, false);
    let affinity = inter_pod_affinity::score(pod, cluster, &states);
    spread
        .iter()
        .zip(affinity)
        .map(|(spread, affinity)| SPREAD_WEIGHT * spread + AFFINITY_WEIGHT * affinity)
        .collect()
}

/// Of [`score`] only what depends on the node's labels and taints, with its weights: TaintToleration and NodeAffinity.
///
/// `nodes` are what [`untolerated`] and [`preference`] say of each feasible node.
pub fn of_labels(nodes: &[(i64, i64)]) -> Vec<i64> {
    let (mut taints, mut affinity): (Vec<i64>, Vec<i64>) = nodes.iter().copied().unzip();
    normalize(&mut taints, true);
    normalize(&mut affinity, false);
    taints
        .iter()
        .zip(affinity)
        .map(|(taints, affinity)| TAINTS_WEIGHT * taints + NODES_WEIGHT * affinity)
        .collect()
}

/// `DefaultNormalizeScore` of `plugins/helper/normalize_score.go`: the highest becomes 100, or 0 where more is worse.
fn normalize(scores: &mut [i64], more_is_worse: bool) {
    let highest = scores.iter().copied().max().unwrap_or(0);
    for score in scores {
        let scaled = if highest == 0 { 0 } else { MAX_SCORE * *score / highest };
        *score = if more_is_worse { MAX_SCORE - scaled } else { scaled };
    }
}

#[cfg(test)]
mod tests;
