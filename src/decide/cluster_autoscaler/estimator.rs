//! How many nodes of a group pending pods need (`cluster-autoscaler/estimator/binpacking_estimator.go`).
//!
//! First-fit decreasing by group of equivalent pods, next-fit within a group: pods of a group first go to the nodes of
//! this estimate until one does not fit; the rest looks at the last node only, and opens a new one where it must. Nodes
//! of the cluster play no part, except for pods that are spread over nodes: what fits there was filtered out before.

use rustc_hash::{FxHashMap, FxHashSet};

use super::equivalence::PodGroup;
use super::snapshot::{KnownFull, PodId, ShapeId, Slot, Snapshot, SpecId, mentions_hostname};
use super::template::Template;
use crate::decide::gosort;
use crate::decide::kube_scheduler::Reason;
use crate::kube::ResourceList;

/// How many nodes hold at least one pod, and which pods were placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    pub nodes: u32,
    pub pods: u32,
    /// What the placed pods request together.
    pub requests: ResourceList,
}

/// Packs `groups` (of `pods`) into at most `most` nodes like `template`, which `shape` is the shape of.
pub fn estimate(
    snapshot: &mut Snapshot,
    (template, shape): (&Template, ShapeId),
    groups: &[PodGroup],
    pods: &[PodId],
    most: u32,
) -> Estimate {
    let mark = snapshot.mark();
    let mut packing = Packing {
        first: snapshot.listed().len(),
        snapshot,
        template,
        shape,
        permitted: most,
        last: None,
        with_pods: FxHashSet::default(),
        full: FxHashMap::default(),
        estimate: Estimate::default(),
    };
    let mut may_open = true;
    for group in in_order(packing.snapshot, template, groups) {
        let pods = &pods[group.pods.clone()];
        let on_open = pods.iter().position(|pod| !packing.on_any(*pod)).unwrap_or(pods.len());
        if may_open {
            may_open = packing.on_last_or_new(&pods[on_open..]);
        }
    }
    let Packing { snapshot, with_pods, estimate, .. } = packing;
    snapshot.go_back(mark);
    Estimate { nodes: with_pods.len() as u32, ..estimate }
}

/// Larger pods come first (`decreasing_pod_orderer.go`): by the sum of the shares of an allocatable node.
#[expect(clippy::float_arithmetic, reason = "the real one compares these sums of float64")]
fn in_order(snapshot: &Snapshot, template: &Template, groups: &[PodGroup]) -> Vec<PodGroup> {
    let allocatable = &template.node.allocatable;
    let share = |asked: i64, all: i64| if all > 0 { asked as f64 / all as f64 } else { 0.0 };
    let mut known: FxHashMap<SpecId, f64> = FxHashMap::default();
    let mut score = |spec: SpecId| {
        *known.entry(spec).or_insert_with(|| {
            let requests = &snapshot.spec(spec).requests;
            share(requests.milli_cpu(), allocatable.milli_cpu())
                + share(requests.memory(), allocatable.memory())
        })
    };
    let mut scored: Vec<(f64, &PodGroup)> = groups.iter().map(|group| (score(group.spec), group)).collect();
    gosort::sort_by(&mut scored, |a, b| a.0 > b.0);
    scored.into_iter().map(|(_, group)| group.clone()).collect()
}

struct Packing<'a> {
    snapshot: &'a mut Snapshot,
    template: &'a Template,
    shape: ShapeId,
    /// Position of the first new node in the list.
    first: usize,
    /// How many more nodes may be opened.
    permitted: u32,
    last: Option<Slot>,
    with_pods: FxHashSet<Slot>,
    full: FxHashMap<SpecId, KnownFull>,
    estimate: Estimate,
}

impl Packing<'_> {
    fn placed(&mut self, pod: PodId, slot: Slot) {
        self.with_pods.insert(slot);
        self.estimate.pods += 1;
        self.estimate.requests += self.snapshot.spec(pod.spec()).requests;
    }

    /// Puts a pod on one of the new nodes, if it fits any.
    fn on_any(&mut self, pod: PodId) -> bool {
        let full = self.full.entry(pod.spec()).or_default();
        let found = self.snapshot.try_anywhere(pod, self.first, Some(full), |_| true);
        if let Some(slot) = found {
            self.placed(pod, slot);
        }
        found.is_some()
    }

    /// Puts the rest of a group on the last node or further ones; gives whether further groups may open nodes.
    fn on_last_or_new(&mut self, pods: &[PodId]) -> bool {
        for pod in pods {
            if let Some(last) = self.last {
                match self.snapshot.try_on(*pod, last) {
                    Ok(()) => {
                        self.placed(*pod, last);
                        continue;
                    }
                    // A pod that is spread over nodes may have to go to any other first, also to one of the cluster (which
                    // then counts as if it were new).
                    Err(Reason::Spread) if mentions_hostname(self.snapshot.spec(pod.spec())) => {
                        if let Some(slot) = self.snapshot.try_anywhere(*pod, 0, None, |slot| slot != last) {
                            self.placed(*pod, slot);
                            continue;
                        }
                    }
                    Err(_) => {}
                }
                // What does not fit an empty node fits no other.
                if !self.with_pods.contains(&last) {
                    return true;
                }
            }
            if self.permitted == 0 {
                return false;
            }
            self.permitted -= 1;
            let key = self.snapshot.new_key();
            let slot = self.snapshot.add_copy(key, self.template, self.shape);
            self.last = Some(slot);
            if self.snapshot.try_on(*pod, slot).is_err() {
                // The node stays there for others, and does not count while it is empty.
                return true;
            }
            self.placed(*pod, slot);
        }
        true
    }
}

/// How many nodes an estimate may have: the least of the limits that are set, 0 being none
/// (`estimator/{static_threshold,sng_capacity_threshold,cluster_capacity_threshold}.go`).
///
/// `room` is what the group and those similar to it may still grow by.
pub fn most_nodes(max_nodes_per_scaleup: u32, max_nodes_total: u32, nodes: u32, room: u32) -> u32 {
    let mut most = room;
    if max_nodes_per_scaleup > 0 {
        most = most.min(max_nodes_per_scaleup);
    }
    if max_nodes_total > 0 {
        most = most.min(max_nodes_total.saturating_sub(nodes));
    }
    most
}

#[cfg(test)]
#[path = "estimator_tests.rs"]
mod tests;
