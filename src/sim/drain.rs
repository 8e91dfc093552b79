//! The end of a node that a controller deletes: its pods are evicted, its instance is terminated when they are gone.
//!
//! As Karpenter's terminator does (`pkg/controllers/node/termination`): pods that are critical to the system go when the
//! others are gone; a pod that a PodDisruptionBudget holds is tried again, first after 100 ms and at last every ten
//! seconds; a pod that must not be disrupted is waited for, until the node's grace period is over.

use super::evictable::{Evictable, Verdict};
use super::{Engine, Event, NodeState, RunIndex};
use crate::ledger::LeaseId;
use crate::units::{Span, Time};

const FIRST_RETRY: Span = Span::from_ms(100);
const LAST_RETRY: Span = Span::from_secs(10);

impl Engine<'_> {
    pub(super) fn evictable(&self, now: Time) -> Evictable<'_> {
        Evictable {
            cluster: &self.cluster,
            runs: &self.ledger.runs,
            stopping: &self.stopping,
            workload: self.input.workload,
            specs: self.scheduler.specs(),
            pdbs: &self.input.settings.pdbs,
            now,
        }
    }

    /// Evicts the pods of a draining node whose turn it is.
    pub(super) fn drain(&mut self, now: Time, lease: LeaseId) {
        let Some(node) = self.live_node(lease) else { return };
        let node = &self.cluster.nodes[node as usize];
        if node.state != NodeState::Draining || node.pods.is_empty() {
            return;
        }
        for run in self.evictable(now).first_wave(&node.pods) {
            if !self.stopping.contains_key(&run) && !self.evictions.contains_key(&run) {
                self.try_evict(now, run);
            }
        }
    }

    /// Evicts a pod of a draining node if it may be, or tries again later.
    pub(super) fn try_evict(&mut self, now: Time, run: RunIndex) {
        let record = &self.ledger.runs[run as usize];
        if record.ended != Time::MAX || self.stopping.contains_key(&run) {
            return;
        }
        let reason = self.ledger.leases[record.lease as usize].end_reason;
        let tries = self.evictions.remove(&run).unwrap_or(0);
        let again = match self.evictable(now).verdict(run) {
            Verdict::Evict => return self.evict(now, run, reason),
            Verdict::Protected(None) => return,
            Verdict::Protected(Some(end)) => end,
            Verdict::NotNow => now + Span::from_ms(FIRST_RETRY.ms() << tries.min(10)).min(LAST_RETRY),
        };
        self.evictions.insert(run, tries + 1);
        self.queue.schedule(again, Event::EvictionRetried(run));
    }
}
