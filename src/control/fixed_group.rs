//! A managed node group of fixed size: its nodes are there from the beginning and stay, unless EC2 takes Spot
//! instances back; then the Auto Scaling group replaces them.

use super::node_group::{Asg, ManagedGroup, Upgrade, Upgrades};
use super::{Action, Controller, NextWake, Trigger, View, Wants};
use crate::units::{Span, Time};

#[derive(Clone, Debug)]
pub struct FixedGroup {
    is_spot: bool,
    asg: Asg,
    upgrades: Upgrades,
}

impl FixedGroup {
    /// Its size is what the group desires. `retry_after`: how long it waits when EC2 has nothing.
    pub fn new(group: ManagedGroup, retry_after: Span, upgrades: Vec<Upgrade>) -> Self {
        let is_spot = group.is_spot;
        Self { is_spot, asg: Asg::new(vec![group], retry_after), upgrades: Upgrades::new(upgrades) }
    }
}

impl Controller for FixedGroup {
    fn step(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) -> NextWake {
        self.asg.note(now, triggers, view, actions);
        self.upgrades.step(now, &mut self.asg, view, actions);
        let next = self.asg.next_retry().into_iter().chain(self.upgrades.next()).min();
        next.map_or(NextWake::OnTrigger, NextWake::At)
    }

    fn wants(&self) -> Wants {
        Wants { nodes: self.is_spot || self.upgrades.are_any(), ..Wants::default() }
    }
}
