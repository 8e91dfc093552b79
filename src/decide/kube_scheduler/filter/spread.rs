//! PodTopologySpread's filter: pods of a kind are to be spread evenly over zones, nodes or the like.
//!
//! Source: `pkg/scheduler/framework/plugins/podtopologyspread/{common,filtering}.go`.

use rustc_hash::FxHashMap;

use super::{ClusterState, Node, PodOnNode, PodSpec, Reason, has_untolerated_taint, matches_node_affinity};
use crate::decide::kube_scheduler::state::BySpec;
use crate::kube::{NodeInclusionPolicy, SpreadConstraint, WhenUnsatisfiable};

/// The pods in each topology domain, for each `DoNotSchedule` constraint of a pod.
#[derive(Clone, Debug)]
pub(super) struct SpreadCounts<'a> {
    pod: &'a PodSpec,
    constraints: Vec<Counts<'a>>,
}

#[derive(Clone, Debug)]
struct Counts<'a> {
    constraint: &'a SpreadConstraint,
    matches_itself: bool,
    /// Matching pods by topology value. Only domains with a node that the constraint looks at are there.
    by_value: FxHashMap<String, i64>,
    /// What the emptiest domain has.
    least: i64,
}

impl<'a> SpreadCounts<'a> {
    /// `None` if the pod has no constraint that keeps it from nodes.
    pub(super) fn new(pod: &'a PodSpec, cluster: &ClusterState) -> Option<Self> {
        let hard = pod.spread.iter().filter(|one| one.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule);
        let constraints: Vec<Counts> = hard
            .map(|constraint| Counts {
                constraint,
                matches_itself: constraint.counts(pod, pod),
                by_value: FxHashMap::default(),
                least: 0,
            })
            .collect();
        if constraints.is_empty() {
            return None;
        }
        let mut known: Vec<BySpec<bool>> = constraints.iter().map(|_| BySpec::default()).collect();
        let mut counts = Self { pod, constraints };
        for state in cluster.nodes() {
            if !counts.has_all_keys(&state.node) {
                continue;
            }
            for (counts, known) in counts.constraints.iter_mut().zip(&mut known) {
                if !is_looked_at(counts.constraint, pod, &state.node) {
                    continue;
                }
                let matching = matching(counts.constraint, pod, state.pods(), known);
                let value = &state.node.labels[&counts.constraint.topology_key];
                match counts.by_value.get_mut(value) {
                    Some(count) => *count += matching,
                    None => drop(counts.by_value.insert(value.clone(), matching)),
                }
            }
        }
        counts.constraints.iter_mut().for_each(Counts::find_least);
        Some(counts)
    }

    pub(super) fn check(&self, node: &Node) -> Result<(), Reason> {
        for counts in &self.constraints {
            let constraint = counts.constraint;
            let value = node.labels.get(&constraint.topology_key).ok_or(Reason::SpreadLabel)?;
            let least_domains = constraint.min_domains.unwrap_or(1) as usize;
            // Domains that are still missing count as empty ones.
            let least = if counts.by_value.len() < least_domains { 0 } else { counts.least };
            let here = counts.by_value.get(value).copied().unwrap_or(0);
            if here + i64::from(counts.matches_itself) - least > i64::from(constraint.max_skew) {
                return Err(Reason::Spread);
            }
        }
        Ok(())
    }

    pub(super) fn count(&mut self, node: &Node, other: &PodSpec, by: i64) {
        // The source does not ask here whether the pod is terminating, though it did not count it before.
        if !self.has_all_keys(node) {
            return;
        }
        for counts in &mut self.constraints {
            let constraint = counts.constraint;
            if constraint.counts(self.pod, other) && is_looked_at(constraint, self.pod, node) {
                let value = &node.labels[&constraint.topology_key];
                *counts.by_value.entry(value.clone()).or_default() += by;
                counts.find_least();
            }
        }
    }

    fn has_all_keys(&self, node: &Node) -> bool {
        self.constraints.iter().all(|counts| node.labels.contains_key(&counts.constraint.topology_key))
    }
}

impl Counts<'_> {
    fn find_least(&mut self) {
        self.least = self.by_value.values().copied().min().unwrap_or(0);
    }
}

/// Whether a constraint counts the pods of a node, by its `nodeAffinityPolicy` and `nodeTaintsPolicy`.
pub fn is_looked_at(constraint: &SpreadConstraint, pod: &PodSpec, node: &Node) -> bool {
    (constraint.node_affinity_policy == NodeInclusionPolicy::Ignore || matches_node_affinity(pod, node))
        && (constraint.node_taints_policy == NodeInclusionPolicy::Ignore || !has_untolerated_taint(pod, node))
}

/// How many of `others` a constraint of `pod` counts; those that are on their way out are no longer.
pub fn matching(
    constraint: &SpreadConstraint,
    pod: &PodSpec,
    others: &[PodOnNode],
    known: &mut BySpec<bool>,
) -> i64 {
    let mut count = 0;
    for other in others.iter().filter(|other| !other.is_terminating) {
        count += i64::from(known.of(&other.spec, |other| constraint.counts(pod, other)));
    }
    count
}
