//! When a scheduling round begins: pods that come together are provisioned for together.
//!
//! Source: `pkg/controllers/provisioning/{batcher,controller}.go`. A first trigger opens a window. It closes when no
//! further pod or node has triggered for the idle time, or at the latest after the maximum. Every pod triggers when it is found
//! unschedulable and every ten seconds from then on, as do nodes that are being disrupted. A trigger that comes while
//! a round is under way is remembered, and opens the next window at its end.

use std::collections::{BTreeSet, VecDeque};

use crate::ledger::LeaseId;
use crate::sim::RunIndex;
use crate::units::{Span, Time};

const TRIGGERED_AGAIN_AFTER: Span = Span::from_secs(10);

/// What asks for a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A pod that is unschedulable.
    Pod(RunIndex),
    /// A node that is being disrupted: its pods need a new place.
    Node(LeaseId),
}

#[derive(Clone, Debug)]
pub struct Batcher {
    idle: Span,
    max: Span,
    state: State,
    /// Who has triggered in this window: again does not count.
    seen: BTreeSet<Source>,
    /// Who triggers again, and when.
    again: VecDeque<(Time, Source)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has asked.
    Closed,
    Open {
        opened: Time,
        idle_until: Time,
    },
    /// A round is under way.
    Busy {
        remembered: bool,
    },
}

impl Batcher {
    pub fn new(idle: Span, max: Span) -> Self {
        Self { idle, max, state: State::Closed, seen: BTreeSet::new(), again: VecDeque::new() }
    }

    pub fn trigger(&mut self, now: Time, source: Source) {
        self.again.push_back((now + TRIGGERED_AGAIN_AFTER, source));
        let is_new = self.seen.insert(source);
        if is_new || !matches!(self.state, State::Open { .. }) {
            self.hit(now);
        }
    }

    fn hit(&mut self, at: Time) {
        self.state = match self.state {
            State::Closed => State::Open { opened: at, idle_until: at + self.idle },
            State::Open { opened, .. } => State::Open { opened, idle_until: at + self.idle },
            State::Busy { .. } => State::Busy { remembered: true },
        };
    }

    /// Lets those trigger again whose time has come and who still have a reason at that time.
    pub fn catch_up(&mut self, now: Time, has_reason: impl Fn(Source, Time) -> bool) {
        while let Some((due, source)) = self.again.front().copied() {
            if due > now {
                break;
            }
            self.again.pop_front();
            if has_reason(source, due) {
                self.trigger(due, source);
            }
        }
    }

    /// Forgets those who will have no reason any more.
    pub fn forget(&mut self, has_reason: impl Fn(Source) -> bool) {
        self.again.retain(|(_, source)| has_reason(*source));
    }

    /// Ends the window if it is over, and so begins a round.
    pub fn take_round(&mut self, now: Time) -> bool {
        let is_over = self.closes().is_some_and(|closes| closes <= now);
        if is_over {
            self.state = State::Busy { remembered: false };
            self.seen.clear();
        }
        is_over
    }

    /// The round is over.
    pub fn round_ended(&mut self, now: Time) {
        let was = std::mem::replace(&mut self.state, State::Closed);
        self.seen.clear();
        if was == (State::Busy { remembered: true }) {
            self.hit(now);
        }
    }

    fn closes(&self) -> Option<Time> {
        match self.state {
            State::Open { opened, idle_until } => Some(idle_until.min(opened + self.max)),
            State::Closed | State::Busy { .. } => None,
        }
    }

    /// When to look again. Triggers before that can wait until then: they only move the end of the window.
    pub fn next(&self) -> Option<Time> {
        match self.state {
            State::Closed => self.again.front().map(|(due, _)| *due),
            State::Open { .. } => self.closes(),
            State::Busy { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(ms: i64) -> Time {
        Time::from_ms(ms)
    }

    fn batcher() -> Batcher {
        Batcher::new(Span::from_secs(1), Span::from_secs(10))
    }

    /// Steps the batcher whenever it wants to be called; gives when its round begins.
    fn next_round(batcher: &mut Batcher, has_reason: impl Fn(Source, Time) -> bool) -> Option<i64> {
        while let Some(next) = batcher.next() {
            batcher.catch_up(next, &has_reason);
            if batcher.take_round(next) {
                return Some(next.ms());
            }
        }
        None
    }

    #[test]
    fn a_window_closes_a_second_after_the_last_trigger() {
        let mut batcher = batcher();
        for (at, run) in [(0, 1), (400, 2), (1_300, 3)] {
            batcher.catch_up(t(at), |_, _| true);
            assert!(!batcher.take_round(t(at)));
            batcher.trigger(t(at), Source::Pod(run));
        }
        assert_eq!(next_round(&mut batcher, |_, _| true), Some(2_300));
    }

    #[test]
    fn a_steady_stream_is_cut_off_after_ten_seconds() {
        let mut batcher = batcher();
        for half_seconds in 0..20 {
            batcher.trigger(t(500 * half_seconds), Source::Pod(half_seconds as u32));
        }
        // The last came at 9.5 s and would keep the window open until 10.5 s.
        assert_eq!(next_round(&mut batcher, |_, _| true), Some(10_000));
    }

    #[test]
    fn a_trigger_during_a_round_opens_the_next_window_at_its_end() {
        let mut batcher = batcher();
        batcher.trigger(t(0), Source::Pod(1));
        assert_eq!(next_round(&mut batcher, |_, _| true), Some(1_000));
        batcher.trigger(t(1_200), Source::Pod(2));
        batcher.trigger(t(2_900), Source::Pod(3));
        batcher.round_ended(t(3_000));
        // From the end of the round, not from the triggers.
        assert_eq!(next_round(&mut batcher, |_, _| true), Some(4_000));
    }

    #[test]
    fn who_still_waits_triggers_again_every_ten_seconds() {
        let mut batcher = batcher();
        batcher.trigger(t(0), Source::Pod(1));
        batcher.trigger(t(300), Source::Pod(2));
        let waits = |source, at: Time| source == Source::Pod(2) || at < t(9_000);
        assert_eq!(next_round(&mut batcher, waits), Some(1_300));
        batcher.round_ended(t(1_300));
        // Pod 1 was bound in the meantime. Pod 2 triggers at 10.3 s: the window closes at 11.3 s. And again at 20.3 s.
        assert_eq!(next_round(&mut batcher, waits), Some(11_300));
        batcher.round_ended(t(11_300));
        assert_eq!(next_round(&mut batcher, waits), Some(21_300));
        batcher.forget(|_| false);
        batcher.round_ended(t(21_300));
        assert_eq!(next_round(&mut batcher, waits), None);
    }

    #[test]
    fn triggering_again_keeps_an_open_window_open() {
        let mut batcher = batcher();
        batcher.trigger(t(0), Source::Pod(1));
        assert_eq!(next_round(&mut batcher, |_, _| true), Some(1_000));
        batcher.round_ended(t(1_000));
        batcher.trigger(t(9_500), Source::Pod(2));
        // Pod 1 again at 10.0 s, before the window would close at 10.5 s.
        assert_eq!(next_round(&mut batcher, |_, _| true), Some(11_000));
    }
}
