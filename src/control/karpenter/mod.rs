//! Karpenter, about version 1.14: nodes made to measure for the pods that wait, and taken away again.
//!
//! Its parts take turns at each step, as far as there is something to do:
//!
//! - [`batcher`] collects pods into rounds, [`provisioner`] runs them;
//! - [`solve`] decides, as a pure function, which nodes a round needs; [`launch`] what EC2 is asked for;
//! - [`prices`] is what Karpenter believes of prices and shortages; [`nodes`] what it knows of its nodes;
//! - [`disruption`] removes and replaces nodes that are not needed as they are.
//!
//! Interruptions and expiration delete nodes at once, whatever the budgets say, and are handled here. Karpenter binds
//! no pods: kube-scheduler places them by its own lights once nodes are Ready.

pub mod batcher;
pub mod disruption;
#[cfg(test)]
mod fixture;
pub mod launch;
pub mod nodes;
pub mod pool;
pub mod prices;
pub mod provisioner;
pub mod solve;
pub mod state;
pub mod types;

use self::disruption::Disruption;
use self::provisioner::Provisioner;
use self::solve::Scheduler;
use self::state::State;
use super::{Action, Controller, NextWake, Trigger, View, Wants};
use crate::ledger::{EndReason, LeaseId};
use crate::platform;
use crate::units::Time;

#[derive(Clone, Debug)]
pub struct Karpenter {
    state: State,
    provisioner: Provisioner,
    disruption: Disruption,
}

impl Karpenter {
    /// `zones`: how many the region has.
    pub fn new(config: platform::Karpenter, scheduler: Scheduler, zones: usize) -> Self {
        Self {
            state: State::new(config, scheduler, zones),
            provisioner: Provisioner::default(),
            disruption: Disruption::default(),
        }
    }

    /// EC2 takes a Spot instance back (`pkg/controllers/interruption` of the AWS provider): its offering counts as
    /// unavailable for a while, and the node is drained at once.
    fn interrupted(&mut self, now: Time, lease: LeaseId, view: &View, actions: &mut Vec<Action>) {
        let Some(claim) = self.state.claims.get(lease).copied() else { return };
        if self.state.config.interruption_handling {
            self.state.prices.mark_unavailable(claim.instance, claim.capacity_type, claim.zone, now);
            if self.state.config.policies.replace_at_notice {
                self.state.replace_at_notice(lease, view);
            }
            self.state.delete(now, lease, EndReason::DrainedAtNotice, actions);
        }
    }
}

impl Controller for Karpenter {
    fn step(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) -> NextWake {
        self.state.catch_up(now, view);
        for trigger in triggers {
            self.state.observe(now, trigger, view.workload.window.start);
            match *trigger {
                Trigger::SpotNotice(lease) => self.interrupted(now, lease, view, actions),
                // The notice may have come before EC2's answer.
                Trigger::Launched { lease, .. } if view.node(lease).is_some_and(|node| node.noticed) => {
                    self.interrupted(now, lease, view, actions);
                }
                _ => {}
            }
        }
        // Disruption may mark nodes for deletion, which concerns the batcher; or give one up that has expired meanwhile.
        let disrupts = self.disruption.step(now, triggers, view, &mut self.state, actions);
        while let Some(lease) = self.state.claims.take_unregistered(now) {
            self.state.delete(now, lease, EndReason::NotRegistered, actions);
        }
        while let Some(lease) = self.state.claims.take_expired(now) {
            self.state.delete(now, lease, EndReason::Expired, actions);
        }
        let provisions = self.provisioner.step(now, view, &mut self.state, actions);
        let next = [
            disrupts,
            provisions,
            self.state.claims.next_expiration(),
            self.state.claims.next_registration_timeout(),
        ]
        .into_iter()
        .flatten()
        .min();
        next.map_or(NextWake::OnTrigger, NextWake::At)
    }

    fn wants(&self) -> Wants {
        Wants { unschedulable_pods: true, nodes: true, ..Wants::default() }
    }
}
