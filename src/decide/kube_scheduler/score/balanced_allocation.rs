//! NodeResourcesBalancedAllocation: CPU and memory of a node are to run out together.
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go`. Here requests count as they are: a
//! pod without any is not scored, since it would go to the same node as all others like it.

#![allow(clippy::float_arithmetic, reason = "the plugin computes in float64")]

use super::{MAX_SCORE, NodeState, PodSpec};

/// Which formula the plugin uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalancedAllocation {
    /// Kubernetes 1.36 and later: by how much the pod improves the balance.
    Improvement,
    /// Up to 1.35: how balanced the node is with the pod.
    Absolute,
}

pub(super) fn score(pod: &PodSpec, states: &[&NodeState], formula: BalancedAllocation) -> Vec<i64> {
    let asked = (pod.requests.milli_cpu(), pod.requests.memory());
    if asked == (0, 0) {
        return vec![0; states.len()];
    }
    let of_node = |state: &&NodeState| {
        let allocatable = (state.node.allocatable.milli_cpu(), state.node.allocatable.memory());
        let used = (state.requested().milli_cpu(), state.requested().memory());
        let with = balance((used.0 + asked.0, used.1 + asked.1), allocatable);
        balanced_allocation(formula, with, balance(used, allocatable))
    };
    states.iter().map(of_node).collect()
}

/// How evenly CPU (millicores) and memory (bytes) are requested: 100 when their shares are equal.
pub fn balance(requested: (i64, i64), allocatable: (i64, i64)) -> i64 {
    // With one resource alone there is nothing to be uneven.
    if allocatable.0 == 0 || allocatable.1 == 0 {
        return MAX_SCORE;
    }
    let fraction = |asked: i64, all: i64| (asked as f64 / all as f64).min(1.0);
    // The standard deviation of two values is half their distance.
    let distance = fraction(requested.0, allocatable.0) - fraction(requested.1, allocatable.1);
    ((1.0 - (distance / 2.0).abs()) * MAX_SCORE as f64) as i64
}

/// The score from the balance with and without the pod.
pub fn balanced_allocation(formula: BalancedAllocation, with: i64, without: i64) -> i64 {
    match formula {
        BalancedAllocation::Absolute => with,
        // 75 when the pod changes nothing.
        BalancedAllocation::Improvement => MAX_SCORE / 2 + (MAX_SCORE / 2 + with - without) / 2,
    }
}
