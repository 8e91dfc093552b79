//! TaintToleration: the fewer `PreferNoSchedule` taints that a pod does not tolerate, the better.
//!
//! Source: `pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go`.

use super::{NodeState, PodSpec, normalize};
use crate::decide::kube_scheduler::filter::tolerates;
use crate::kube::{Node, TaintEffect};

pub(super) fn score(pod: &PodSpec, states: &[&NodeState]) -> Vec<i64> {
    let mut scores: Vec<i64> = states.iter().map(|state| untolerated(pod, &state.node)).collect();
    normalize(&mut scores, true);
    scores
}

/// How many taints of a node should keep a pod away, though they need not.
pub fn untolerated(pod: &PodSpec, node: &Node) -> i64 {
    let soft = node.taints.iter().filter(|taint| taint.effect == TaintEffect::PreferNoSchedule);
    soft.filter(|taint| !tolerates(pod, taint)).count() as i64
}
