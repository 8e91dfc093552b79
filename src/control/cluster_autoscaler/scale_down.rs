//! Which nodes are unneeded, and since when (`cluster-autoscaler/core/scaledown/planner/planner.go`).
//!
//! A node is unneeded while it is at most half used and all its pods would fit elsewhere. Later rules about what blocks
//! a drain (PodDisruptionBudgets, system pods, local storage) belong to [`Planner::pods_to_move`].

use std::collections::BTreeMap;

use super::snapshot::{Admissions, Hints, NodeName, Snapshot};
use crate::control::View;
use crate::ledger::LeaseId;
use crate::packing::{KnownFull, RoundRobin};
use crate::platform::ClusterAutoscaler as Flags;
use crate::sim::RunIndex;
use crate::trace::OwnerKind;
use crate::units::{Resources, Span, Time};
use crate::workload::ClassId;

/// Nodes that were found to be unremovable are not looked at again for this long, whatever happens on them
/// (`unremovable-node-recheck-timeout`).
const RECHECK_AFTER: Span = Span::from_secs(5 * 60);

/// A node that could be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unneeded {
    pub lease: LeaseId,
    pub group: usize,
    pub since: Time,
    /// It has pods that must move.
    pub drains: bool,
}

/// What is remembered from loop to loop.
#[derive(Clone, Debug, Default)]
pub struct Planner {
    /// In the order in which they were found.
    unneeded: Vec<Unneeded>,
    /// Until when a node is not looked at.
    unremovable: BTreeMap<LeaseId, Time>,
    hints: Hints,
}

/// A node that may turn out to be unneeded.
struct Candidate {
    index: usize,
    lease: LeaseId,
    group: usize,
}

impl Planner {
    pub fn unneeded(&self) -> &[Unneeded] {
        &self.unneeded
    }

    /// When something happens though nothing changes: a node has been unneeded for long enough, or is looked at again.
    pub fn timers(&self, unneeded_time: Span) -> impl Iterator<Item = Time> + '_ {
        let ripe = self.unneeded.iter().map(move |node| node.since + unneeded_time);
        ripe.chain(self.unremovable.values().copied())
    }

    /// Finds the unneeded nodes of this loop; `group_of` says to which group a node belongs, if it may go. A node that is
    /// not among them loses its time. Gives whether anything is not as it was after the last loop.
    pub fn update(
        &mut self,
        now: Time,
        view: &View,
        flags: &Flags,
        (snapshot, admissions, search): (&mut Snapshot, &mut Admissions, &mut RoundRobin),
        group_of: impl Fn(LeaseId) -> Option<usize>,
    ) -> bool {
        self.unremovable.retain(|lease, until| *until > now && view.node(*lease).is_some());
        let position = search.clone();
        let before = std::mem::take(&mut self.unneeded);
        let was_unneeded: BTreeMap<LeaseId, Time> = before.iter().map(|n| (n.lease, n.since)).collect();
        let limit = unneeded_limit(flags, before.len());
        let mut unremovable_found = false;
        for Candidate { index, lease, group } in
            self.candidates(view, flags, snapshot, &was_unneeded, group_of)
        {
            if self.unneeded.len() >= limit {
                break;
            }
            if let Some(moved) = self.try_to_empty(view, snapshot, admissions, search, index) {
                let since = was_unneeded.get(&lease).copied().unwrap_or(now);
                self.unneeded.push(Unneeded { lease, group, since, drains: moved > 0 });
            } else {
                self.unremovable.insert(lease, now + RECHECK_AFTER);
                unremovable_found = true;
            }
        }
        // Old hints go in any case.
        let dropped = self.hints.drop_old();
        dropped || unremovable_found || *search != position || before != self.unneeded
    }

    /// Nodes that are little used, in the order in which they are tried: empty ones, then those that were unneeded in
    /// the last loop.
    fn candidates(
        &self,
        view: &View,
        flags: &Flags,
        snapshot: &Snapshot,
        was_unneeded: &BTreeMap<LeaseId, Time>,
        group_of: impl Fn(LeaseId) -> Option<usize>,
    ) -> Vec<Candidate> {
        let mut found: Vec<((bool, bool), Candidate)> = Vec::new();
        for (index, node) in snapshot.nodes.iter().enumerate() {
            let (NodeName::Lease(lease), Some(id)) = (node.name, node.id) else { continue };
            let Some(group) = group_of(lease) else { continue };
            let allocatable = &view.cluster.types[node.kind as usize].template.allocatable;
            if self.unremovable.contains_key(&lease) || !is_little_used(flags, &node.free, allocatable) {
                continue;
            }
            let has_pods = !view.cluster.nodes[id as usize].pods.is_empty() || !node.guests.is_empty();
            found.push(((has_pods, !was_unneeded.contains_key(&lease)), Candidate { index, lease, group }));
        }
        found.sort_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, candidate)| candidate).collect()
    }

    /// Moves all pods of a node elsewhere in thought and takes it out of the snapshot; gives how many there are. If one
    /// may not move or fits nowhere, nothing changes.
    fn try_to_empty(
        &mut self,
        view: &View,
        snapshot: &mut Snapshot,
        admissions: &mut Admissions,
        search: &mut RoundRobin,
        leaving: usize,
    ) -> Option<usize> {
        let pods = Self::pods_to_move(view, snapshot, leaving)?;
        snapshot.nodes[leaving].is_destination = false;
        let mut moves: Vec<(usize, Resources)> = Vec::with_capacity(pods.len());
        for (run, class) in &pods {
            let request = view.classes[*class as usize].requests;
            let nodes = &snapshot.nodes;
            let mut fits = |index: usize| {
                let node = &nodes[index];
                node.is_destination
                    && request.fits_in(&node.free)
                    && admissions.admits(view, *class, node.kind, node.zone)
            };
            let hinted = run.and_then(|run| self.hints.get(run)).and_then(|name| snapshot.find(view, name));
            // Moves are taken back when the node must stay after all, so nothing is known to be full.
            let place = hinted
                .filter(|index| fits(*index))
                .or_else(|| search.find(&mut KnownFull::default(), nodes.len(), fits));
            let Some(place) = place else {
                for (index, request) in moves {
                    snapshot.nodes[index].free += request;
                }
                snapshot.nodes[leaving].is_destination = true;
                return None;
            };
            snapshot.nodes[place].free -= request;
            moves.push((place, request));
            if let Some(run) = run {
                self.hints.set(*run, snapshot.nodes[place].name);
            }
        }
        Some(pods.len())
    }

    /// The pods of a node, which all would have to move; `None` if one of them must not. Pending pods that were placed
    /// there in thought count, without a name.
    fn pods_to_move(
        view: &View,
        snapshot: &Snapshot,
        leaving: usize,
    ) -> Option<Vec<(Option<RunIndex>, ClassId)>> {
        let node = &snapshot.nodes[leaving];
        let there = node.id.map_or(&[][..], |id| &view.cluster.nodes[id as usize].pods);
        let class_of = |run: RunIndex| {
            let step = view.runs[run as usize].step;
            view.workload.steps.class[step as usize]
        };
        let bound = there.iter().map(|run| (Some(*run), class_of(*run)));
        let guests = node.guests.iter().map(|class| (None, *class));
        let pods: Vec<(Option<RunIndex>, ClassId)> = bound.chain(guests).collect();
        let may_move = |class: ClassId| {
            let class = &view.classes[class as usize];
            // Nobody would start a bare pod again. `do_not_disrupt` is the annotation `safe-to-evict: "false"`.
            class.owner != OwnerKind::None && !class.do_not_disrupt
        };
        pods.iter().all(|(_, class)| may_move(*class)).then_some(pods)
    }
}

/// Whether neither CPU nor memory is requested beyond the threshold, DaemonSets included.
fn is_little_used(flags: &Flags, free: &Resources, allocatable: &Resources) -> bool {
    let below = |free: i64, all: i64| {
        let threshold = i128::from(flags.scale_down_utilization_threshold_ppm);
        i128::from(all - free) * 1_000_000 <= threshold * i128::from(all)
    };
    below(free.cpu.milli(), allocatable.cpu.milli()) && below(free.memory.bytes(), allocatable.memory.bytes())
}

/// More unneeded nodes than can be deleted by and by are not looked for.
fn unneeded_limit(flags: &Flags, unneeded: usize) -> usize {
    let at_once = flags.max_scale_down_parallelism as usize;
    let loops = flags.scale_down_unneeded_time.ms() / flags.scan_interval.ms().max(1);
    (unneeded + 2 * at_once).min(at_once * loops as usize + at_once)
}
