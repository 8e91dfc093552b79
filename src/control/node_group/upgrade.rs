//! The version upgrade of a managed node group
//! (<https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html>).
//!
//! New nodes come first: twice as many as the group has zones, or as many as may be unavailable if these are more. Once
//! they are Ready, all old nodes are cordoned and drained, a batch at a time; each stays for a minute, and what its Auto
//! Scaling group puts in its place is new. When no old node is left, the group shrinks to its size. Pods that are not gone
//! from a node after a quarter of an hour make the upgrade fail, unless it is forced.

use super::{Asg, State};
use crate::control::{Action, View};
use crate::ledger::{EndReason, LeaseId};
use crate::units::{Span, Time};

/// From the cordon to the termination of a node.
const WAIT: Span = Span::from_secs(60);
/// `PodEvictionFailure` after this; `NodeCreationFailure` where new nodes do not come.
const LIMIT: Span = Span::from_secs(15 * 60);

/// An upgrade that a scenario prescribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// After the start.
    pub at: Span,
    /// Number of the group.
    pub group: usize,
    pub force: bool,
    /// Nodes that are drained at once.
    pub max_unavailable: u32,
}

/// Upgrades that are to come, and those under way.
#[derive(Clone, Debug, Default)]
pub struct Upgrades {
    planned: Vec<Upgrade>,
    start: Option<Time>,
    running: Vec<Running>,
}

#[derive(Clone, Debug)]
struct Running {
    upgrade: Upgrade,
    /// Nodes of the old version that are not drained yet.
    old: Vec<LeaseId>,
    surge: u32,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// New nodes are on their way.
    Surging { until: Time },
    /// These are being drained. A forced drain ends by itself.
    Draining { batch: Vec<LeaseId>, until: Time },
}

impl Upgrades {
    pub fn new(planned: Vec<Upgrade>) -> Self {
        Self { planned, ..Self::default() }
    }

    /// Whether any is to come or under way.
    pub fn are_any(&self) -> bool {
        !self.planned.is_empty() || !self.running.is_empty()
    }

    pub fn step(&mut self, now: Time, asg: &mut Asg, view: &View, actions: &mut Vec<Action>) {
        let start = *self.start.get_or_insert(now);
        let (due, later): (Vec<Upgrade>, Vec<Upgrade>) =
            self.planned.drain(..).partition(|upgrade| start + upgrade.at <= now);
        self.planned = later;
        self.running.extend(due.into_iter().map(|upgrade| Running::begin(now, upgrade, asg, actions)));
        self.running.retain_mut(|running| !running.step(now, asg, view, actions));
    }

    /// When something happens without a trigger.
    pub fn next(&self) -> Option<Time> {
        let start = self.start?;
        let due = self.planned.iter().map(|upgrade| start + upgrade.at);
        let limits = self.running.iter().map(Running::until).filter(|until| *until < Time::MAX);
        due.chain(limits).min()
    }
}

impl Running {
    fn begin(now: Time, upgrade: Upgrade, asg: &mut Asg, actions: &mut Vec<Action>) -> Self {
        let is_old = |state: &State| match state {
            State::Launched(lease) | State::Ready(lease) => Some(*lease),
            State::Asked | State::Refused { .. } | State::Deleting(_) => None,
        };
        let old: Vec<LeaseId> = asg
            .instances()
            .filter(|(_, instance)| instance.group == upgrade.group)
            .filter_map(|(_, instance)| is_old(&instance.state))
            .collect();
        let zones = asg.groups()[upgrade.group].zones().len() as u32;
        // A group without nodes has nothing to replace.
        let surge = if old.is_empty() { 0 } else { (2 * zones).max(upgrade.max_unavailable) };
        asg.grow(now, upgrade.group, surge, actions);
        Self { upgrade, old, surge, phase: Phase::Surging { until: now + LIMIT } }
    }

    /// Gives whether it is over.
    fn step(&mut self, now: Time, asg: &mut Asg, view: &View, actions: &mut Vec<Action>) -> bool {
        self.old.retain(|lease| view.node(*lease).is_some());
        match &self.phase {
            Phase::Surging { until } => {
                if self.are_coming(asg) {
                    return *until <= now && self.end(asg, actions);
                }
                actions.extend(self.old.iter().map(|lease| Action::Cordon { lease: *lease, on: true }));
            }
            Phase::Draining { batch, until } => {
                if batch.iter().any(|lease| view.node(*lease).is_some()) {
                    return *until <= now && self.end(asg, actions);
                }
            }
        }
        let batch: Vec<LeaseId> =
            self.old.drain(..self.old.len().min(self.upgrade.max_unavailable as usize)).collect();
        if batch.is_empty() {
            // The group shrinks when all new nodes are there.
            let is_over = !self.are_coming(asg) || self.until() <= now;
            if let Phase::Draining { batch, .. } = &mut self.phase {
                batch.clear();
            }
            return is_over && self.end(asg, actions);
        }
        let grace = self.upgrade.force.then_some(LIMIT);
        actions.extend(batch.iter().map(|lease| Action::Delete {
            lease: *lease,
            reason: EndReason::Upgraded,
            at_least: WAIT,
            grace,
        }));
        let until = if self.upgrade.force { Time::MAX } else { now + LIMIT };
        self.phase = Phase::Draining { batch, until };
        false
    }

    fn are_coming(&self, asg: &Asg) -> bool {
        asg.instances().any(|(_, i)| i.group == self.upgrade.group && i.state.is_upcoming())
    }

    fn until(&self) -> Time {
        match self.phase {
            Phase::Surging { until } | Phase::Draining { until, .. } => until,
        }
    }

    /// The group gets its size back; old nodes that are left after a failure take pods again.
    fn end(&self, asg: &mut Asg, actions: &mut Vec<Action>) -> bool {
        actions.extend(self.old.iter().map(|lease| Action::Cordon { lease: *lease, on: false }));
        for lease in asg.shrink(self.upgrade.group, self.surge, actions) {
            let reason = EndReason::Upgraded;
            actions.push(Action::Delete { lease, reason, at_least: Span::ZERO, grace: Some(LIMIT) });
        }
        true
    }
}
