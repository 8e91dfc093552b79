//! InterPodAffinity: pods go near those that they, or that they are, preferred near to, and away from others.
//!
//! Source: `pkg/scheduler/framework/plugins/interpodaffinity/scoring.go`. Required affinity of pods that are there
//! counts as preferred with weight 1 (`hardPodAffinityWeight`); the pod's own required terms were the filter's.

#![allow(clippy::float_arithmetic, reason = "the plugin normalises in float64")]

use rustc_hash::FxHashMap;

use super::{ClusterState, MAX_SCORE, NodeState, PodSpec};
use crate::decide::kube_scheduler::state::BySpec;
use crate::kube::{Node, PodTerm};

const HARD_POD_AFFINITY_WEIGHT: i64 = 1;

pub(super) fn score(pod: &PodSpec, cluster: &ClusterState, states: &[&NodeState]) -> Vec<i64> {
    let worth = Worth::new(pod, cluster);
    if worth.by_key.is_empty() {
        return vec![0; states.len()];
    }
    let scores: Vec<i64> = states.iter().map(|state| worth.of(&state.node)).collect();
    normalized(&scores)
}

/// What being in each topology domain is worth, by topology key and value.
#[derive(Default)]
struct Worth<'a> {
    by_key: Vec<(&'a str, FxHashMap<&'a str, i64>)>,
}

impl<'a> Worth<'a> {
    fn new(pod: &'a PodSpec, cluster: &'a ClusterState) -> Self {
        let mut worth = Self::default();
        let prefers = !pod.affinity.preferred.is_empty() || !pod.anti_affinity.preferred.is_empty();
        if !prefers && !cluster.has_affinity() {
            return worth;
        }
        let mut moot = BySpec::default();
        for state in cluster.nodes() {
            let others = if prefers { state.pods() } else { state.pods_with_affinity() };
            for other in others {
                let is_moot = |other: &PodSpec| {
                    !weighed(pod, false).any(|(_, term)| term.means(pod, other))
                        && !weighed(other, true).any(|(_, term)| term.means(other, pod))
                };
                if moot.of(&other.spec, is_moot) {
                    continue;
                }
                let other: &PodSpec = &other.spec;
                for (weight, term) in weighed(pod, false) {
                    worth.add(term, weight, term.means(pod, other), &state.node);
                }
                for (weight, term) in weighed(other, true) {
                    worth.add(term, weight, term.means(other, pod), &state.node);
                }
            }
        }
        worth
    }

    fn add(&mut self, term: &'a PodTerm, weight: i64, applies: bool, node: &'a Node) {
        let Some(value) = node.labels.get(&term.topology_key).filter(|_| applies) else { return };
        let key = term.topology_key.as_str();
        let at = self.by_key.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.by_key.push((key, FxHashMap::default()));
            self.by_key.len() - 1
        });
        *self.by_key[at].1.entry(value).or_default() += weight;
    }

    fn of(&self, node: &Node) -> i64 {
        let in_domain = |(key, values): &(&str, FxHashMap<&str, i64>)| {
            node.labels.get(*key).and_then(|value| values.get(value.as_str())).copied().unwrap_or(0)
        };
        self.by_key.iter().map(in_domain).sum()
    }
}

/// The preferred terms of a pod with their weights, anti-affinity's negative; its required affinity, too, if
/// `with_required`.
fn weighed(pod: &PodSpec, with_required: bool) -> impl Iterator<Item = (i64, &PodTerm)> {
    let near = pod.affinity.preferred.iter().map(|(weight, term)| (i64::from(*weight), term));
    let away = pod.anti_affinity.preferred.iter().map(|(weight, term)| (-i64::from(*weight), term));
    let required = pod.affinity.required.iter().filter(move |_| with_required);
    near.chain(away).chain(required.map(|term| (HARD_POD_AFFINITY_WEIGHT, term)))
}

/// NormalizeScore: the lowest becomes 0, the highest 100.
fn normalized(scores: &[i64]) -> Vec<i64> {
    let least = scores.iter().copied().min().unwrap_or(0);
    let range = scores.iter().copied().max().unwrap_or(0) - least;
    let of_score = |score: &i64| {
        if range == 0 { 0 } else { (MAX_SCORE as f64 * ((score - least) as f64 / range as f64)) as i64 }
    };
    scores.iter().map(of_score).collect()
}
