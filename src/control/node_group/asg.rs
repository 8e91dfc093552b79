//! What an Auto Scaling group does by itself: it keeps its desired capacity, spread over its zones, and goes on asking
//! when EC2 has none to give. What it may launch of several instance types, [`ManagedGroup::offers`] says.

use std::collections::BTreeMap;

use super::ManagedGroup;
use crate::control::{Action, Launch, LaunchPath, Trigger, View};
use crate::ledger::{EndReason, LeaseId};
use crate::units::{Span, Time};

/// One instance that a group has or wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    pub group: usize,
    pub zone: u8,
    /// When the group's desired capacity first asked for it; once there is an instance, when that came.
    pub since: Time,
    pub state: State,
    /// Zones that had no capacity at the current try, one bit each.
    refused: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// EC2 has not answered.
    Asked,
    /// EC2 had nothing: asked again then.
    Refused {
        again: Time,
    },
    Launched(LeaseId),
    Ready(LeaseId),
    /// Cluster Autoscaler terminates it; desired capacity falls when it is gone.
    Deleting(LeaseId),
}

impl State {
    /// Counts as capacity that is coming.
    pub fn is_upcoming(self) -> bool {
        matches!(self, Self::Asked | Self::Refused { .. } | Self::Launched(_))
    }
}

/// The instances of all groups, by token.
#[derive(Clone, Debug)]
pub struct Asg {
    groups: Vec<ManagedGroup>,
    zones: Vec<Vec<u8>>,
    retry_after: Span,
    instances: BTreeMap<u32, Instance>,
    of_lease: BTreeMap<LeaseId, u32>,
    /// By token: instances that come in the place of Spot instances that EC2 advised to replace.
    replacing: BTreeMap<u32, LeaseId>,
    next_token: u32,
}

impl Asg {
    /// `retry_after`: how long a group waits after EC2 had nothing in any of its zones.
    pub fn new(groups: Vec<ManagedGroup>, retry_after: Span) -> Self {
        Self {
            zones: groups.iter().map(ManagedGroup::zones).collect(),
            groups,
            retry_after,
            instances: BTreeMap::new(),
            of_lease: BTreeMap::new(),
            replacing: BTreeMap::new(),
            next_token: 0,
        }
    }

    pub fn groups(&self) -> &[ManagedGroup] {
        &self.groups
    }

    /// What happened to instances and nodes, which needs no autoscaler.
    pub fn note(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) {
        for trigger in triggers {
            match *trigger {
                Trigger::Start => {
                    for (group, zones) in self.groups.iter().zip(&self.zones) {
                        let nodes = group.desired.clamp(group.min, group.max);
                        actions.extend((0..nodes).filter_map(|node| {
                            let zone = zones[node as usize % zones.len()];
                            let kind = group.offers(zone).first()?.kind;
                            Some(Action::Adopt { kind, zone })
                        }));
                    }
                }
                Trigger::Launched { token, lease, .. } => self.launched(now, token, lease, actions),
                Trigger::LaunchFailed { token } => self.refused(now, token, actions),
                Trigger::NodeReady(lease) => {
                    self.node_ready(now, lease, view);
                    self.replaced(lease, view, actions);
                }
                Trigger::RebalanceRecommended(lease) => self.replace(now, lease, actions),
                Trigger::NodeGone(lease) => self.lost(now, lease, actions),
                Trigger::SpotNotice(lease) => {
                    // The node group drains at once, and its Auto Scaling group replaces the instance.
                    if self.of_lease(lease).is_some_and(|i| !matches!(i.state, State::Deleting(_))) {
                        let reason = EndReason::DrainedAtNotice;
                        actions.push(Action::Delete { lease, reason, at_least: Span::ZERO, grace: None });
                        if self.replacing.values().any(|old| *old == lease) {
                            self.forget(lease);
                        } else {
                            self.lost(now, lease, actions);
                        }
                    }
                }
                Trigger::PodUnschedulable { .. }
                | Trigger::PodCreated { .. }
                | Trigger::NoCapacity { .. }
                | Trigger::NodeEmpty(_) => {}
            }
        }
        self.retry(now, actions);
    }

    fn node_ready(&mut self, now: Time, lease: LeaseId, view: &View) {
        self.ready(lease);
        let Some(node) = view.node(lease).filter(|node| node.adopted) else { return };
        let group = self.groups.iter().position(|group| group.has(node.kind));
        if let Some(group) = group.filter(|_| self.of_lease(lease).is_none()) {
            self.adopted(now, lease, group, node.zone);
        }
    }

    pub fn instances(&self) -> impl Iterator<Item = (u32, &Instance)> {
        self.instances.iter().map(|(token, instance)| (*token, instance))
    }

    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    pub fn of_lease(&self, lease: LeaseId) -> Option<&Instance> {
        self.instances.get(self.of_lease.get(&lease)?)
    }

    /// Desired capacity of each group. An instance that is being deleted counts until it is gone.
    pub fn targets(&self) -> Vec<u32> {
        let mut targets = vec![0; self.zones.len()];
        for instance in self.instances.values() {
            targets[instance.group] += 1;
        }
        targets
    }

    /// Raises a group's desired capacity.
    pub fn grow(&mut self, now: Time, group: usize, by: u32, actions: &mut Vec<Action>) {
        for _ in 0..by {
            let zone = self.emptiest_zone(group, 0);
            let instance = Instance { group, zone, since: now, state: State::Asked, refused: 0 };
            let token = self.next_token;
            self.next_token += 1;
            self.instances.insert(token, instance);
            actions.push(self.launch(token, &instance));
        }
    }

    /// The zone with the fewest instances of a group, of those that are not `refused`; the first among equals.
    fn emptiest_zone(&self, group: usize, refused: u64) -> u8 {
        let in_zone =
            |zone: u8| self.instances.values().filter(|i| i.group == group && i.zone == zone).count();
        let open = self.zones[group].iter().copied().filter(|zone| refused >> zone & 1 == 0);
        open.min_by_key(|zone| in_zone(*zone)).unwrap_or_default()
    }

    fn launch(&self, token: u32, instance: &Instance) -> Action {
        let offers = self.groups[instance.group].offers(instance.zone);
        Action::Launch(Launch { token, offers, through: LaunchPath::AutoScalingGroup })
    }

    /// Asks again for instances that EC2 refused long enough ago.
    pub fn retry(&mut self, now: Time, actions: &mut Vec<Action>) {
        let due: Vec<u32> = self
            .instances()
            .filter(|(_, i)| matches!(i.state, State::Refused { again } if again <= now))
            .map(|(token, _)| token)
            .collect();
        for token in due {
            self.ask_again(token, 0, actions);
        }
    }

    fn ask_again(&mut self, token: u32, refused: u64, actions: &mut Vec<Action>) {
        let Some(mut instance) = self.instances.remove(&token) else { return };
        instance.zone = self.emptiest_zone(instance.group, refused);
        (instance.state, instance.refused) = (State::Asked, refused);
        self.instances.insert(token, instance);
        actions.push(self.launch(token, &instance));
    }

    pub fn next_retry(&self) -> Option<Time> {
        let again = |instance: &Instance| match instance.state {
            State::Refused { again } => Some(again),
            _ => None,
        };
        self.instances.values().filter_map(again).min()
    }

    /// A node that was there from the beginning.
    pub fn adopted(&mut self, now: Time, lease: LeaseId, group: usize, zone: u8) {
        let instance = Instance { group, zone, since: now, state: State::Ready(lease), refused: 0 };
        self.instances.insert(self.next_token, instance);
        self.of_lease.insert(lease, self.next_token);
        self.next_token += 1;
    }

    pub fn launched(&mut self, now: Time, token: u32, lease: LeaseId, actions: &mut Vec<Action>) {
        if let Some(instance) = self.instances.get_mut(&token) {
            // Cluster Autoscaler counts from when it first saw this instance, not the placeholder before it.
            instance.since = now;
            instance.state = State::Launched(lease);
            self.of_lease.insert(lease, token);
        } else {
            // Desired capacity was lowered while EC2 was still launching.
            actions.push(Action::Delete {
                lease,
                reason: EndReason::ScaledDown,
                at_least: Span::ZERO,
                grace: None,
            });
        }
    }

    /// EC2 had no capacity: the next zone is tried at once, and after the last one the group waits.
    pub fn refused(&mut self, now: Time, token: u32, actions: &mut Vec<Action>) {
        let Some(instance) = self.instances.get_mut(&token) else { return };
        instance.refused |= 1 << instance.zone;
        let refused = instance.refused;
        if self.zones[instance.group].iter().any(|zone| refused >> zone & 1 == 0) {
            self.ask_again(token, refused, actions);
        } else {
            instance.state = State::Refused { again: now + self.retry_after };
        }
    }

    pub fn ready(&mut self, lease: LeaseId) {
        if let Some(instance) = self.of_lease.get(&lease).and_then(|token| self.instances.get_mut(token))
            && instance.state == State::Launched(lease)
        {
            instance.state = State::Ready(lease);
        }
    }

    /// A node is gone or goes, and Cluster Autoscaler did not do it: the group replaces it.
    pub fn lost(&mut self, now: Time, lease: LeaseId, actions: &mut Vec<Action>) {
        let Some(token) = self.of_lease.remove(&lease) else { return };
        let Some(instance) = self.instances.remove(&token) else { return };
        if !matches!(instance.state, State::Deleting(_)) {
            self.grow(now, instance.group, 1, actions);
        }
    }

    /// EC2 advises to replace a Spot instance: another one is asked for, and the old one goes when that is Ready.
    fn replace(&mut self, now: Time, lease: LeaseId, actions: &mut Vec<Action>) {
        let Some(Instance { group, state: State::Ready(_), .. }) = self.of_lease(lease).copied() else {
            return;
        };
        self.replacing.insert(self.next_token, lease);
        self.grow(now, group, 1, actions);
    }

    fn replaced(&mut self, by: LeaseId, view: &View, actions: &mut Vec<Action>) {
        let Some(old) = self.of_lease.get(&by).and_then(|token| self.replacing.remove(token)) else { return };
        if view.node(old).is_some() && self.of_lease(old).is_some() {
            let reason = EndReason::DrainedAtNotice;
            actions.push(Action::Delete { lease: old, reason, at_least: Span::ZERO, grace: None });
            self.forget(old);
        }
    }

    /// An instance goes and needs no other in its place.
    fn forget(&mut self, lease: LeaseId) {
        if let Some(token) = self.of_lease.remove(&lease) {
            self.instances.remove(&token);
        }
    }

    /// Lowers a group's desired capacity; gives the nodes that go: by and by the oldest one in the zone that has most (the
    /// default termination policy). What was only asked for is given up first.
    pub fn shrink(&mut self, group: usize, by: u32, actions: &mut Vec<Action>) -> Vec<LeaseId> {
        let mut going = Vec::new();
        for _ in 0..by {
            let of_group = || self.instances.iter().filter(|(_, i)| i.group == group);
            let coming = of_group().find(|(_, i)| i.state.is_upcoming()).map(|(token, _)| *token);
            if let Some(token) = coming {
                self.give_up(token, actions);
                continue;
            }
            let ready = |i: &Instance| match i.state {
                State::Ready(lease) => Some(lease),
                _ => None,
            };
            let in_zone = |zone: u8| of_group().filter(|(_, i)| i.zone == zone && ready(i).is_some()).count();
            let oldest = of_group()
                .filter_map(|(_, i)| Some((std::cmp::Reverse(in_zone(i.zone)), ready(i)?)))
                .min()
                .map(|(_, lease)| lease);
            let Some(lease) = oldest else { break };
            self.deleting(lease);
            going.push(lease);
        }
        going
    }

    pub fn deleting(&mut self, lease: LeaseId) {
        if let Some(instance) = self.of_lease.get(&lease).and_then(|token| self.instances.get_mut(token)) {
            instance.state = State::Deleting(lease);
        }
    }

    /// Lowers desired capacity by an instance that never became Ready.
    pub fn give_up(&mut self, token: u32, actions: &mut Vec<Action>) {
        let Some(instance) = self.instances.remove(&token) else { return };
        if let State::Launched(lease) = instance.state {
            self.of_lease.remove(&lease);
            actions.push(Action::Delete {
                lease,
                reason: EndReason::ScaledDown,
                at_least: Span::ZERO,
                grace: None,
            });
        }
    }
}
