//! A managed node group of fixed size: its nodes are there from the beginning and stay.

use super::{Action, Controller, NextWake, Trigger, View, Wants};
use crate::ledger::TemplateId;
use crate::units::Time;

/// `size` nodes of one type, spread over `zones` zones in turn as an Auto Scaling group does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedGroup {
    pub kind: TemplateId,
    pub size: u32,
    pub zones: u8,
}

impl Controller for FixedGroup {
    fn step(
        &mut self,
        _now: Time,
        triggers: &[Trigger],
        _view: &View,
        actions: &mut Vec<Action>,
    ) -> NextWake {
        if triggers.contains(&Trigger::Start) {
            let zone_of = |node: u32| (node % u32::from(self.zones.max(1))) as u8;
            actions.extend((0..self.size).map(|node| Action::Adopt { kind: self.kind, zone: zone_of(node) }));
        }
        NextWake::OnTrigger
    }

    fn wants(&self) -> Wants {
        Wants::default()
    }
}
