//! Preemption: pods of lower priority make room for a pod that fits nowhere (PostFilter, DefaultPreemption).
//!
//! Source: `pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go` and
//! `pkg/scheduler/framework/preemption/preemption.go`. On a node all pods of lower priority are taken away at first;
//! if the pod fits then, they come back, the most important first, those whose budget would be broken before the
//! others, and those with which it no longer fits are the victims. The node whose victims hurt least is taken.

use std::cmp::Reverse;

use super::filter::{Filters, Reason};
use super::state::{ClusterState, NodeState, PodOnNode};
use crate::kube::{LabelSelector, Pdb, PodSpec};
use crate::units::Time;

/// `minCandidateNodesPercentage` and `minCandidateNodesAbsolute`.
const MIN_CANDIDATES_PERCENT: usize = 10;
const MIN_CANDIDATES: usize = 100;

/// Where a pod is to run once its victims are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preemption {
    /// `nominatedNodeName`.
    pub node: usize,
    /// Numbers of the pods to be evicted, the most important first. Some may be terminating already.
    pub victims: Vec<u64>,
}

/// Finds room for a pod that the filters turned away from every node; `None` if no node would be helped.
///
/// `offset` decides where among so many nodes the search begins: the real one draws it. A pod with a nominated node on
/// which victims of its are still terminating waits for them: that the caller knows, and does not ask.
pub fn preempt(
    pod: &PodSpec,
    cluster: &ClusterState,
    pdbs: &[Pdb],
    offset: impl FnOnce(u64) -> u64,
) -> Option<Preemption> {
    if !pod.preempts {
        return None;
    }
    let filters = Filters::new(pod, cluster);
    let is_resolvable = |state: &NodeState| filters.check(state).err().is_some_and(Reason::is_resolvable);
    let nodes: Vec<usize> = (0..cluster.nodes().len()).filter(|n| is_resolvable(cluster.node(*n))).collect();
    if nodes.is_empty() {
        return None;
    }
    let enough = (nodes.len() * MIN_CANDIDATES_PERCENT / 100).max(MIN_CANDIDATES).min(nodes.len());
    let offset = offset(nodes.len() as u64) as usize;
    let (mut kind, mut violating) = (Vec::new(), Vec::new());
    for i in 0..nodes.len() {
        let node = nodes[(offset + i) % nodes.len()];
        if let Some(candidate) = victims_on(pod, &filters, cluster.node(node), pdbs, node) {
            if candidate.violations == 0 {
                kind.push(candidate);
            } else {
                violating.push(candidate);
            }
            if !kind.is_empty() && kind.len() + violating.len() >= enough {
                break;
            }
        }
    }
    kind.append(&mut violating);
    let best = kind.into_iter().min_by_key(Candidate::cost)?;
    Some(Preemption { node: best.node, victims: best.victims.iter().map(|pod| pod.id).collect() })
}

/// A node that would have room, and at what price.
#[derive(Clone, Debug)]
struct Candidate {
    node: usize,
    /// The most important first.
    victims: Vec<PodOnNode>,
    /// How many of them their budget protects.
    violations: usize,
}

impl Candidate {
    /// `pickOneNodeForPreemption`: fewest broken budgets; the lowest highest priority; the smallest sum of priorities;
    /// the fewest victims; the latest start of those that matter most. Of equals the first counts.
    fn cost(&self) -> (usize, i32, i64, usize, Reverse<Time>) {
        let highest = self.victims.first().map_or(i32::MIN, |pod| pod.spec.priority);
        // Shifted so that more victims of negative priority are not a smaller sum.
        let shifted = |pod: &PodOnNode| i64::from(pod.spec.priority) + i64::from(i32::MAX) + 1;
        let matter = self.victims.iter().filter(|pod| pod.spec.priority == highest);
        let earliest = matter.map(started).min().unwrap_or(Time::MAX);
        (
            self.violations,
            highest,
            self.victims.iter().map(shifted).sum(),
            self.victims.len(),
            Reverse(earliest),
        )
    }
}

/// A pod that has not started counts as one that starts now.
fn started(pod: &PodOnNode) -> Time {
    pod.started.unwrap_or(Time::MAX)
}

/// The fewest pods of a node that have to go for `pod`; `None` if that does not help.
fn victims_on(
    pod: &PodSpec,
    filters: &Filters,
    state: &NodeState,
    pdbs: &[Pdb],
    node: usize,
) -> Option<Candidate> {
    let is_lower = |other: &&PodOnNode| other.spec.priority < pod.priority;
    let mut lower: Vec<PodOnNode> = state.pods().iter().filter(is_lower).cloned().collect();
    if lower.is_empty() {
        return None;
    }
    let (mut state, mut filters) = (state.clone(), filters.clone());
    for other in &lower {
        state.remove_pod(other.id);
        filters.pod_removed(&state.node, &other.spec);
    }
    filters.check(&state).ok()?;
    lower.sort_by_key(importance);
    let mut victims = Vec::new();
    let mut violations = 0;
    let (protected, others) = split_by_budget(lower, pdbs);
    let protected = protected.into_iter().map(|pod| (pod, true));
    for (other, is_protected) in protected.chain(others.into_iter().map(|pod| (pod, false))) {
        filters.pod_added(&state.node, &other.spec);
        state.add_pod(other.clone());
        if filters.check(&state).is_err() {
            filters.pod_removed(&state.node, &other.spec);
            state.remove_pod(other.id);
            violations += usize::from(is_protected);
            victims.push(other);
        }
    }
    victims.sort_by_key(importance);
    (!victims.is_empty()).then_some(Candidate { node, victims, violations })
}

/// `MoreImportantPod`: higher priority, then the earlier start.
fn importance(pod: &PodOnNode) -> (Reverse<i32>, Time) {
    (Reverse(pod.spec.priority), started(pod))
}

/// Those whose eviction a budget forbids, all before them in the list being evicted, and the others.
fn split_by_budget(pods: Vec<PodOnNode>, pdbs: &[Pdb]) -> (Vec<PodOnNode>, Vec<PodOnNode>) {
    let mut allowed: Vec<i64> = pdbs.iter().map(|pdb| pdb.disruptions_allowed.unwrap_or(0)).collect();
    let is_protected = |pod: &PodOnNode| {
        let mut is_protected = false;
        for (pdb, allowed) in pdbs.iter().zip(&mut allowed) {
            // Here a budget with an empty selector, and a pod without labels, have nothing to do with each other.
            let selects = pdb.selector.as_ref().is_some_and(|selector| *selector != LabelSelector::default());
            if selects && !pod.spec.labels.is_empty() && pdb.covers(&pod.spec) {
                *allowed -= 1;
                is_protected |= *allowed < 0;
            }
        }
        is_protected
    };
    pods.into_iter().partition(is_protected)
}

#[cfg(test)]
#[path = "preemption_tests.rs"]
mod tests;
