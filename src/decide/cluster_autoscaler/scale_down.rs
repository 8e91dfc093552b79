//! Which nodes are unneeded, since when, and which of them go
//! (`cluster-autoscaler/core/scaledown/{planner,unneeded,budgets}`).

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::drain::{Budgets, Fate, fate};
use super::eligibility::{is_little_used, may_go};
use super::settings::Settings;
use super::snapshot::{Hints, NodeKey, PodId, Slot, Snapshot, SpecId};
use super::template::TO_BE_DELETED;
use crate::decide::gosort;
use crate::kube::{Node, PodSpec, Taint, TaintEffect};
use crate::units::Time;

/// A node that could be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unneeded {
    pub node: NodeKey,
    pub group: usize,
    pub since: Time,
    /// It has pods that must move.
    pub drains: bool,
    /// Its pods cannot all go at once, because of a PodDisruptionBudget.
    pub is_risky: bool,
}

/// A node that belongs to a group above its minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub slot: Slot,
    pub group: usize,
}

/// What is remembered from loop to loop.
#[derive(Clone, Debug, Default)]
pub struct Planner {
    /// In the order in which they were found.
    unneeded: Vec<Unneeded>,
    /// Until when a node is not looked at.
    unremovable: BTreeMap<NodeKey, Time>,
    hints: Hints,
}

impl Planner {
    /// One that found these nodes unneeded in the loop before.
    pub fn resumed(unneeded: Vec<Unneeded>) -> Self {
        Self { unneeded, ..Self::default() }
    }

    pub fn unneeded(&self) -> &[Unneeded] {
        &self.unneeded
    }

    /// Until when nodes are not looked at again.
    pub fn rechecks(&self) -> impl Iterator<Item = Time> + '_ {
        self.unremovable.values().copied()
    }

    /// Finds the unneeded nodes of this loop among `candidates`; pods may move to `destinations`. A node that is not
    /// among them loses its time. Gives whether anything is not as it was after the last loop.
    ///
    /// The snapshot keeps what was moved and taken away in thought.
    pub fn update(
        &mut self,
        now: Time,
        snapshot: &mut Snapshot,
        settings: &Settings,
        mut budgets: Budgets,
        candidates: impl Iterator<Item = Candidate>,
        destinations: impl Iterator<Item = Slot>,
    ) -> bool {
        self.unremovable.retain(|node, until| *until > now && snapshot.slot_of(*node).is_some());
        let position = snapshot.position();
        let before = std::mem::take(&mut self.unneeded);
        let since: BTreeMap<NodeKey, Time> = before.iter().map(|node| (node.node, node.since)).collect();
        let limit = unneeded_limit(settings, before.len());
        let mut destinations: FxHashSet<Slot> = destinations.collect();
        let mut unremovable_found = false;
        for Candidate { slot, group } in self.in_order(snapshot, settings, candidates, &since) {
            if self.unneeded.len() >= limit {
                break;
            }
            let node = snapshot.key(slot);
            if let Some(moved) = self.try_to_empty(snapshot, settings, &budgets, &destinations, slot) {
                destinations.remove(&slot);
                let is_risky = !budgets.take(moved.iter().map(|pod| &**snapshot.spec(pod.spec())));
                let since = since.get(&node).copied().unwrap_or(now);
                self.unneeded.push(Unneeded { node, group, since, drains: !moved.is_empty(), is_risky });
            } else {
                self.unremovable.insert(node, now + settings.unremovable_node_recheck_timeout);
                unremovable_found = true;
            }
        }
        // Old hints go in any case.
        let dropped = self.hints.drop_old();
        dropped || unremovable_found || snapshot.position() != position || before != self.unneeded
    }

    /// Nodes that are little used, in the order in which they are tried: empty ones, then those that were unneeded in
    /// the last loop (`processors/scaledowncandidates`).
    fn in_order(
        &self,
        snapshot: &Snapshot,
        settings: &Settings,
        candidates: impl Iterator<Item = Candidate>,
        since: &BTreeMap<NodeKey, Time>,
    ) -> Vec<Candidate> {
        let mut all: Vec<((bool, bool), Candidate)> = candidates
            .map(|candidate| {
                let stays = |pod: PodId| {
                    let spec = snapshot.spec(pod.spec());
                    !spec.is_mirror() && !spec.is_of_daemon_set()
                };
                let has_pods = snapshot.pods(candidate.slot).any(stays);
                ((has_pods, !since.contains_key(&snapshot.key(candidate.slot))), candidate)
            })
            .collect();
        gosort::sort_by(&mut all, |a, b| a.0 < b.0);
        let is_eligible = |candidate: &Candidate| {
            let state = snapshot.state(candidate.slot);
            !self.unremovable.contains_key(&snapshot.key(candidate.slot))
                && may_go(&state.node)
                && is_little_used(settings, state)
        };
        all.into_iter().map(|(_, candidate)| candidate).filter(is_eligible).collect()
    }

    /// Moves all pods of a node elsewhere in thought and takes it away; gives the pods that moved. If one may not move or
    /// fits nowhere, nothing changes (`simulator/cluster.go`, `SimulateNodeRemoval`).
    fn try_to_empty(
        &mut self,
        snapshot: &mut Snapshot,
        settings: &Settings,
        budgets: &Budgets,
        destinations: &FxHashSet<Slot>,
        leaving: Slot,
    ) -> Option<Vec<PodId>> {
        let mut moving = Vec::new();
        for pod in snapshot.pods(leaving) {
            match fate(snapshot.spec(pod.spec()), settings, budgets) {
                Fate::EndsWithNode => {}
                Fate::Moves => moving.push(pod),
                Fate::Blocks(_) => return None,
            }
        }
        let mark = snapshot.mark();
        for pod in &moving {
            snapshot.remove_pod(leaving, *pod);
        }
        if snapshot.has_topology() {
            // It is still a domain of spread pods, as a node that is being drained is.
            let tainted = with_taint(&snapshot.state(leaving).node);
            snapshot.replace_node(leaving, Arc::new(tainted));
        }
        let accepts = |slot: Slot| slot != leaving && destinations.contains(&slot);
        let mut failed: Option<SpecId> = None;
        for pod in &moving {
            let hinted = self.hints.get(*pod).and_then(|key| snapshot.slot_of(key));
            let place = match hinted.filter(|slot| accepts(*slot)) {
                Some(slot) if snapshot.try_on(*pod, slot).is_ok() => Some(slot),
                _ if failed == Some(pod.spec()) => None,
                _ => snapshot.try_anywhere(*pod, 0, None, accepts),
            };
            let Some(place) = place else {
                failed = Some(pod.spec());
                break;
            };
            self.hints.set(*pod, snapshot.key(place));
        }
        if failed.is_some() {
            snapshot.go_back(mark);
            return None;
        }
        if snapshot.has_topology() {
            // Once it is gone it is no domain any more.
            let gone = Node { is_unschedulable: true, ..Node::default() };
            snapshot.replace_node(leaving, Arc::new(gone));
        }
        Some(moving)
    }
}

fn with_taint(node: &Node) -> Node {
    let mut node = node.clone();
    let effect = TaintEffect::NoSchedule;
    node.taints.push(Taint { key: TO_BE_DELETED.to_owned(), value: String::new(), effect });
    node
}

/// More unneeded nodes than can be deleted by and by are not looked for (`planner.go`, `unneededNodesLimit`).
fn unneeded_limit(settings: &Settings, unneeded: usize) -> usize {
    let at_once = settings.max_scale_down_parallelism as usize;
    let interval = settings.scan_interval.ms().max(1);
    let loops = settings.scale_down_unneeded_time.ms().max(interval) / interval;
    (unneeded + 2 * at_once).min(at_once * loops as usize + at_once)
}

/// A group as a scale-down sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub min: u32,
    /// Desired capacity.
    pub target: u32,
    /// Nodes that are being deleted and still count.
    pub deleting: u32,
}

/// Which of the unneeded nodes go now: those that have been unneeded for longer than they must, while their group stays
/// above its minimum; empty ones first, then those that are drained, those with tight budgets last; as many as may be
/// deleted at once. `deleting` and `draining` are already.
///
/// `is_ready` says of a node whether it is Ready.
pub fn removable_at(
    now: Time,
    settings: &Settings,
    unneeded: &[Unneeded],
    groups: &[Size],
    (deleting, draining): (u32, u32),
    is_ready: impl Fn(NodeKey) -> bool,
) -> Vec<Unneeded> {
    let mut sizes: Vec<u32> =
        groups.iter().map(|group| group.target.saturating_sub(group.deleting)).collect();
    let is_ripe = |node: &&Unneeded| {
        let needed = if is_ready(node.node) {
            settings.scale_down_unneeded_time
        } else {
            settings.scale_down_unready_time
        };
        node.since + needed < now
    };
    let mut ripe: Vec<Unneeded> = unneeded.iter().filter(is_ripe).copied().collect();
    ripe.sort_by_key(|node| (node.drains, node.drains && node.is_risky));
    ripe.retain(|node| {
        let may_go = sizes[node.group] > groups[node.group].min;
        sizes[node.group] -= u32::from(may_go);
        may_go
    });
    let mut left = settings.max_scale_down_parallelism.saturating_sub(deleting);
    let mut drains_left = settings.max_drain_parallelism.saturating_sub(draining);
    let mut taken = Vec::new();
    for drains in [false, true] {
        // Nodes are deleted group by group, groups in the order of their first nodes.
        let mut of_kind: Vec<Unneeded> = ripe.iter().filter(|node| node.drains == drains).copied().collect();
        let order: Vec<usize> = of_kind.iter().map(|node| node.group).collect();
        of_kind.sort_by_key(|node| order.iter().position(|group| *group == node.group));
        let most = if drains { drains_left.min(left) } else { left };
        of_kind.truncate(most as usize);
        left -= of_kind.len() as u32;
        drains_left = drains_left.min(left);
        taken.extend(of_kind);
    }
    taken
}

/// Whether deletions wait because of what happened before (`static_autoscaler.go`, `isScaleDownInCooldown`).
pub fn cools_down(settings: &Settings, now: Time, last: &LastTimes) -> bool {
    cooldown_ends(settings, last).any(|end| end > now)
}

/// When deletions may happen again after each of `last`.
pub fn cooldown_ends(settings: &Settings, last: &LastTimes) -> impl Iterator<Item = Time> + use<> {
    [
        last.scale_up.map(|at| at + settings.scale_down_delay_after_add),
        last.scale_down_failure.map(|at| at + settings.scale_down_delay_after_failure),
        last.scale_down.map(|at| at + settings.scale_down_delay_after_delete),
    ]
    .into_iter()
    .flatten()
}

/// When these last happened, if ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastTimes {
    pub scale_up: Option<Time>,
    /// Nodes began to be deleted.
    pub scale_down: Option<Time>,
    pub scale_down_failure: Option<Time>,
}

/// Of a pod's spec, for callers that know pods by class: whether a node with it could ever go.
pub fn may_move(pod: &PodSpec, settings: &Settings) -> bool {
    !matches!(fate(pod, settings, &Budgets::default()), Fate::Blocks(_))
}

#[cfg(test)]
#[path = "scale_down_tests.rs"]
mod tests;
