//! InterPodAffinity's filter: required affinity and anti-affinity between pods, in both directions.
//!
//! Source: `pkg/scheduler/framework/plugins/interpodaffinity/filtering.go`. Pods that are terminating count as long as
//! they are there.

use rustc_hash::FxHashMap;

use super::{ClusterState, Node, PodSpec, Reason};
use crate::decide::kube_scheduler::state::BySpec;
use crate::kube::PodTerm;

/// How many pods match in each topology domain; domains without any are not there.
#[derive(Clone, Debug, Default)]
struct Domains {
    /// By the topology key, of which there are few.
    by_key: Vec<(String, FxHashMap<String, i64>)>,
}

impl Domains {
    fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    fn add(&mut self, term: &PodTerm, node: &Node, by: i64) {
        let key = &term.topology_key;
        let Some(value) = node.labels.get(key) else { return };
        let at = self.by_key.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            self.by_key.push((key.clone(), FxHashMap::default()));
            self.by_key.len() - 1
        });
        let values = &mut self.by_key[at].1;
        match values.get_mut(value) {
            Some(count) => *count += by,
            None => drop(values.insert(value.clone(), by)),
        }
        if values[value] == 0 {
            values.remove(value);
            if values.is_empty() {
                self.by_key.swap_remove(at);
            }
        }
    }

    /// Whether a pod matches in the domain that `node` is in for `key`.
    fn has(&self, key: &str, node: &Node) -> bool {
        let values = self.by_key.iter().find(|(known, _)| known == key);
        values.is_some_and(|(_, values)| node.labels.get(key).is_some_and(|value| values.contains_key(value)))
    }

    fn has_any(&self, node: &Node) -> bool {
        self.by_key.iter().any(|(key, _)| self.has(key, node))
    }
}

/// What decides for one pod where it may be.
#[derive(Clone, Debug)]
pub(super) struct AffinityCounts<'a> {
    pod: &'a PodSpec,
    /// Pods that match all terms of the pod's affinity, by the domain of each term.
    affine: Domains,
    /// Pods that match a term of the pod's anti-affinity, by that term's domain.
    avoided: Domains,
    /// Terms of anti-affinity of other pods that mean this pod, by their domain.
    avoiding: Domains,
}

impl<'a> AffinityCounts<'a> {
    /// `None` if neither the pod nor any other has a required term that matters here.
    pub(super) fn new(pod: &'a PodSpec, cluster: &ClusterState) -> Option<Self> {
        let mut counts = Self::none_yet(pod);
        let asks = counts.asks();
        if asks || cluster.has_required_anti_affinity() {
            let mut matter = BySpec::default();
            for state in cluster.nodes() {
                for other in if asks { state.pods() } else { state.pods_with_affinity() } {
                    if matter.of(&other.spec, |other| matters(pod, other)) {
                        counts.count(&state.node, &other.spec, 1);
                    }
                }
            }
        }
        (asks || !counts.avoiding.is_empty()).then_some(counts)
    }

    /// What there is to count once `other` has come to a cluster where nothing mattered.
    pub(super) fn of_first(pod: &'a PodSpec, node: &Node, other: &PodSpec) -> Option<Self> {
        let mut counts = Self::none_yet(pod);
        counts.count(node, other, 1);
        (!counts.avoiding.is_empty()).then_some(counts)
    }

    fn none_yet(pod: &'a PodSpec) -> Self {
        let [affine, avoided, avoiding] = [const { Domains { by_key: Vec::new() } }; 3];
        Self { pod, affine, avoided, avoiding }
    }

    fn asks(&self) -> bool {
        !self.pod.affinity.required.is_empty() || !self.pod.anti_affinity.required.is_empty()
    }

    pub(super) fn count(&mut self, node: &Node, other: &PodSpec, by: i64) {
        for term in &other.anti_affinity.required {
            if term.means(other, self.pod) {
                self.avoiding.add(term, node, by);
            }
        }
        if matches_all(&self.pod.affinity.required, self.pod, other) {
            for term in &self.pod.affinity.required {
                self.affine.add(term, node, by);
            }
        }
        for term in &self.pod.anti_affinity.required {
            if term.means(self.pod, other) {
                self.avoided.add(term, node, by);
            }
        }
    }

    pub(super) fn check(&self, node: &Node) -> Result<(), Reason> {
        if !self.is_near_others(node) {
            return Err(Reason::PodAffinity);
        }
        let avoids = |term: &PodTerm| self.avoided.has(&term.topology_key, node);
        if self.pod.anti_affinity.required.iter().any(avoids) {
            return Err(Reason::PodAntiAffinity);
        }
        if self.avoiding.has_any(node) {
            return Err(Reason::ExistingAntiAffinity);
        }
        Ok(())
    }

    fn is_near_others(&self, node: &Node) -> bool {
        let terms = &self.pod.affinity.required;
        // A node without the label is in no domain.
        terms.iter().all(|term| node.labels.contains_key(&term.topology_key))
            && (terms.iter().all(|term| self.affine.has(&term.topology_key, node))
                // The first of a group of pods that want to be together may go anywhere.
                || self.affine.is_empty() && matches_all(terms, self.pod, self.pod))
    }
}

/// Whether a required term of one of the two means the other.
fn matters(pod: &PodSpec, other: &PodSpec) -> bool {
    let required = |of: &PodSpec, other: &PodSpec| {
        let mut terms = of.affinity.required.iter().chain(&of.anti_affinity.required);
        terms.any(|term| term.means(of, other))
    };
    required(pod, other) || required(other, pod)
}

/// Whether `other` is meant by all `terms` of `own`; by none if there are none.
fn matches_all(terms: &[PodTerm], own: &PodSpec, other: &PodSpec) -> bool {
    !terms.is_empty() && terms.iter().all(|term| term.means(own, other))
}
