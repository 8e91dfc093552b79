//! NodeResourcesFit: pods go where most is free (LeastAllocated), or where least is (MostAllocated).
//!
//! Source: `pkg/scheduler/framework/plugins/noderesources/{least_allocated,most_allocated,resource_allocation}.go`.
//! CPU and memory weigh the same. Containers that request nothing of them count 100 m and 200 MiB.

use super::{MAX_SCORE, NodeState, PodSpec};

/// `NodeResourcesFit.scoringStrategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// Spreads. The default, and the only one on EKS' own scheduler.
    LeastAllocated,
    /// Packs; needs a second scheduler on EKS.
    MostAllocated,
}

pub(super) fn score(pod: &PodSpec, states: &[&NodeState], scoring: Scoring) -> Vec<i64> {
    let of_node = |state: &&NodeState| {
        let (scored, allocatable) = (state.scored(), &state.node.allocatable);
        let requested = (scored.0 + pod.scored_requests.0, scored.1 + pod.scored_requests.1);
        resources_fit(scoring, requested, (allocatable.milli_cpu(), allocatable.memory()))
    };
    states.iter().map(of_node).collect()
}

/// The mean over CPU (millicores) and memory (bytes) of the free or, for `MostAllocated`, the requested share.
///
/// `requested` includes the pod. A resource that the node does not have is left out.
pub fn resources_fit(scoring: Scoring, requested: (i64, i64), allocatable: (i64, i64)) -> i64 {
    match (allocatable.0 == 0, allocatable.1 == 0) {
        (false, false) => {
            let cpu = share(scoring, requested.0, allocatable.0);
            (cpu + share(scoring, requested.1, allocatable.1)) / 2
        }
        (false, true) => share(scoring, requested.0, allocatable.0),
        (true, false) => share(scoring, requested.1, allocatable.1),
        (true, true) => 0,
    }
}

fn share(scoring: Scoring, requested: i64, allocatable: i64) -> i64 {
    match scoring {
        Scoring::LeastAllocated if requested > allocatable => 0,
        Scoring::LeastAllocated => (allocatable - requested) * MAX_SCORE / allocatable,
        // Requests beyond the capacity can only come from pods that request nothing.
        Scoring::MostAllocated => requested.min(allocatable) * MAX_SCORE / allocatable,
    }
}
