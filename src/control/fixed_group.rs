//! A managed node group of fixed size: its nodes are there from the beginning and stay, unless EC2 takes Spot
//! instances back; then the Auto Scaling group replaces them.

use std::collections::BTreeSet;

use super::{Action, Controller, Launch, LaunchPath, NextWake, Offer, Trigger, View, Wants};
use crate::ledger::{EndReason, LeaseId, TemplateId};
use crate::units::{Span, Time};

/// `size` nodes of one type, spread over `zones` zones in turn as an Auto Scaling group does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedGroup {
    kind: TemplateId,
    size: u32,
    zones: u8,
    is_spot: bool,
    nodes: BTreeSet<LeaseId>,
    /// Instances that were taken back and are not replaced yet.
    missing: u32,
    retry_at: Option<Time>,
}

/// An Auto Scaling group that gets no capacity tries again and again.
const RETRY: Span = Span::from_secs(60);

impl FixedGroup {
    pub fn new(kind: TemplateId, size: u32, zones: u8, is_spot: bool) -> Self {
        Self { kind, size, zones: zones.max(1), is_spot, nodes: BTreeSet::new(), missing: 0, retry_at: None }
    }

    fn replacement(&self) -> Action {
        let offers = (0..self.zones).map(|zone| Offer { kind: self.kind, zone }).collect();
        Action::Launch(Launch { token: 0, offers, through: LaunchPath::AutoScalingGroup })
    }
}

impl Controller for FixedGroup {
    fn step(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) -> NextWake {
        for trigger in triggers {
            match *trigger {
                Trigger::Start => {
                    let zone_of = |node: u32| (node % u32::from(self.zones)) as u8;
                    let adopted = |node| Action::Adopt { kind: self.kind, zone: zone_of(node) };
                    actions.extend((0..self.size).map(adopted));
                }
                Trigger::NodeReady(lease) if view.node(lease).is_some_and(|node| node.kind == self.kind) => {
                    self.nodes.insert(lease);
                }
                // It belongs to the group before it is Ready, and may be taken back before.
                Trigger::Launched { lease, .. } => {
                    self.nodes.insert(lease);
                }
                // A managed node group drains at the notice.
                Trigger::SpotNotice(lease) if self.nodes.contains(&lease) => actions.push(Action::Delete {
                    lease,
                    reason: EndReason::DrainedAtNotice,
                    at_least: Span::ZERO,
                    grace: None,
                }),
                Trigger::NodeGone(lease) if self.nodes.remove(&lease) => actions.push(self.replacement()),
                Trigger::LaunchFailed { .. } => {
                    self.missing += 1;
                    self.retry_at = Some(now + RETRY);
                }
                _ => {}
            }
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            actions.extend((0..self.missing).map(|_| self.replacement()));
            (self.missing, self.retry_at) = (0, None);
        }
        self.retry_at.map_or(NextWake::OnTrigger, NextWake::At)
    }

    fn wants(&self) -> Wants {
        Wants { nodes: self.is_spot, ..Wants::default() }
    }
}
