//! When a scheduling round begins: pods that come together are provisioned for together.
//!
//! Source: `pkg/controllers/provisioning/{batcher,controller}.go`. A first trigger opens a window. It closes when no
//! further trigger has come for the idle time, or at the latest after the maximum. Every pod triggers when it is found
//! unschedulable and every ten seconds from then on, as do nodes that are being disrupted. A trigger that comes while
//! a round is under way is remembered, and opens the next window at its end.

use std::collections::VecDeque;

use crate::ledger::LeaseId;
use crate::sim::RunIndex;
use crate::units::{Span, Time};

const TRIGGERED_AGAIN_AFTER: Span = Span::from_secs(10);

/// What asks for a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        Self { idle, max, state: State::Closed, again: VecDeque::new() }
    }

    pub fn trigger(&mut self, now: Time, source: Source) {
        self.again.push_back((now + TRIGGERED_AGAIN_AFTER, source));
        self.hit(now);
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
        }
        is_over
    }

    /// The round is over.
    pub fn round_ended(&mut self, now: Time) {
        let was = std::mem::replace(&mut self.state, State::Closed);
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
