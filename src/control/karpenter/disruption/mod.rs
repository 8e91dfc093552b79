//! Voluntary disruption: which nodes are removed or replaced because they are empty or a cheaper way exists.
//!
//! Source: `pkg/controllers/disruption` of karpenter, about 1.14. A pass tries the methods in order; the first that has
//! a command waits 15 s, looks whether it still holds, and carries it out, upon which the next pass begins at once. A
//! pass without a command is followed by one ten seconds later. [`survey`] is what a pass sees, [`search`] which sets
//! of nodes it tries, [`decision`] what it does with a set, [`validation`] what has to hold 15 s later, [`execution`]
//! what happens then.
//!
//! Passes that could not find anything are not made: the next one is then the first of the ten-second grid at which
//! some node may have become consolidatable.
//!
//! Nothing drifts in a replay (NodePools and AMIs stay as they are), and the policy `Balanced` is not modelled. Drift
//! would be a [`Method`] between emptiness and multi-node consolidation, `Balanced` a further test in [`decision`].

mod budget;
mod candidate;
mod decision;
mod execution;
mod memory;
mod search;
mod survey;
mod validation;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use self::candidate::Candidate;
use self::decision::Replacement;
use self::execution::Commands;
use self::memory::Memory;
use self::search::{Found, Trial};
use self::survey::Survey;
use self::validation::Surroundings;
use super::state::State;
use crate::control::{Action, Trigger, View};
use crate::ledger::EndReason;
use crate::platform::ControllerSpeed;
use crate::units::{Span, Time};

/// Between passes that found nothing.
const POLL: Span = Span::from_secs(10);
/// Between polls while an instance that was asked for is not known yet.
const UNSYNCED_POLL: Span = Span::from_secs(1);
/// Between a command and its validation, during which nothing else is looked at.
const VALIDATED_AFTER: Span = Span::from_secs(15);
/// "At once", in a simulation whose controllers must let time pass.
const AT_ONCE: Span = Span::from_ms(1);
/// What a simulation of the scheduler takes in a measured pass.
const PER_SIMULATION: Span = Span::from_ms(100);

/// Ways to disrupt nodes, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Nodes without pods go.
    Emptiness,
    /// Several nodes go at once, for at most one new one.
    MultiNode,
    /// One node goes, for at most one new one.
    SingleNode,
}

impl Method {
    const ALL: [Self; 3] = [Self::Emptiness, Self::MultiNode, Self::SingleNode];
}

/// What a method wants to do, before it is validated.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub method: Method,
    pub candidates: Vec<Candidate>,
    pub replacement: Option<Replacement>,
}

/// The disruption controller.
#[derive(Clone, Debug, Default)]
pub struct Disruption {
    phase: Phase,
    commands: Commands,
    memory: Memory,
    /// Pools that single-node consolidation did not get to in time.
    unseen_pools: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
enum Phase {
    #[default]
    Beginning,
    /// The next pass is at this time or whole polls later.
    Polling(Time),
    /// A command waits for its validation at this time.
    Validating(Time, Planned),
}

impl Disruption {
    /// Called at every step of Karpenter, before its provisioner. Gives when it wants to be called again.
    pub fn step(
        &mut self,
        now: Time,
        triggers: &[Trigger],
        view: &View,
        state: &mut State,
        actions: &mut Vec<Action>,
    ) -> Option<Time> {
        self.commands.advance(now, triggers, view, state, actions);
        let next = self.go_on(now, view, state, actions);
        next.into_iter().chain(self.commands.next_deadline()).min()
    }

    /// Makes the passes and validations that are due.
    fn go_on(
        &mut self,
        now: Time,
        view: &View,
        state: &mut State,
        actions: &mut Vec<Action>,
    ) -> Option<Time> {
        loop {
            self.phase = match std::mem::take(&mut self.phase) {
                Phase::Beginning => Phase::Polling(now),
                Phase::Polling(poll) => {
                    let possible = Survey { now, view, state }.next_possible();
                    let next = possible.map(|possible| on_grid(poll, possible.max(now)));
                    if next != Some(now) {
                        self.phase = Phase::Polling(poll);
                        return next;
                    }
                    if state.is_synced() {
                        self.pass(now, &Method::ALL, view, state)
                    } else {
                        Phase::Polling(now + UNSYNCED_POLL)
                    }
                }
                Phase::Validating(at, planned) if at > now => {
                    self.phase = Phase::Validating(at, planned);
                    return Some(at);
                }
                Phase::Validating(_, planned) => {
                    let method = planned.method;
                    if let Some(valid) = validation::validate(planned, now, view, state) {
                        self.execute(now, valid, state, actions);
                        Phase::Polling(now + AT_ONCE)
                    } else {
                        let rest = Method::ALL.iter().position(|m| *m > method).unwrap_or(Method::ALL.len());
                        self.pass(now, &Method::ALL[rest..], view, state)
                    }
                }
            }
        }
    }

    /// Tries `methods` until one has a command. All of a pass sees the cluster as it is at the beginning, though its
    /// simulations take time.
    fn pass(&mut self, now: Time, methods: &[Method], view: &View, state: &mut State) -> Phase {
        state.prices.refresh(view.prices, now);
        self.memory.observe(now, Survey { now, view, state }.fingerprint());
        let mut spent = Span::ZERO;
        for method in methods {
            let found = match method {
                Method::Emptiness => empty(&Survey { now, view, state }),
                Method::MultiNode | Method::SingleNode => {
                    self.consolidation(now, *method, view, state, &mut spent)
                }
            };
            if let Some((candidates, replacement)) = found.command {
                let planned = Planned { method: *method, candidates, replacement };
                return Phase::Validating(now + spent + VALIDATED_AFTER, planned);
            }
        }
        Phase::Polling(now + spent + POLL)
    }

    fn consolidation(
        &mut self,
        now: Time,
        method: Method,
        view: &View,
        state: &mut State,
        spent: &mut Span,
    ) -> Found {
        let version = state.config.version;
        let survey = Survey { now, view, state };
        let mut candidates = consolidatable(&survey);
        if candidates.is_empty() {
            return Found::default();
        }
        let (inputs, mut budgets) = (survey.inputs(&candidates), survey.budgets());
        if self.memory.is_pointless(method, || inputs) {
            return Found::default();
        }
        candidate::sort(&mut candidates, version);
        let pools: Vec<String> = state.scheduler.pools.iter().map(|pool| pool.spec.name.clone()).collect();
        let spot_to_spot = state.config.spot_to_spot_consolidation;
        let per_simulation = per_simulation(state);
        let surroundings = Surroundings::new(&Survey { now, view, state });
        let mut simulate = |removed: &[Candidate]| surroundings.without(removed, view, state);
        let mut trial = Trial::new(&mut simulate, spot_to_spot, per_simulation);
        let found = if method == Method::MultiNode {
            search::multi_node(&candidates, &mut budgets, &mut trial)
        } else {
            let names: Vec<&str> = pools.iter().map(String::as_str).collect();
            let in_turn = candidate::interleave(&candidates, &names, &self.unseen_pools);
            let found = search::single_node(&in_turn, &budgets, pools.len(), &mut trial);
            self.unseen_pools.clone_from(&found.unseen_pools);
            found
        };
        *spent += trial.spent;
        if found.command.is_none() && !found.timed_out {
            self.memory.found_nothing(method, inputs, found.constrained);
        }
        found
    }

    fn execute(&mut self, now: Time, valid: Planned, state: &mut State, actions: &mut Vec<Action>) {
        let leases: Vec<_> = valid.candidates.iter().map(|candidate| candidate.lease).collect();
        let reason =
            if valid.method == Method::Emptiness { EndReason::Empty } else { EndReason::Consolidated };
        match valid.replacement {
            None => Commands::delete(now, &leases, reason, state, actions),
            Some(new) => self.commands.replace(now, leases, &new.narrowed_claim(), state, actions),
        }
    }
}

/// The empty nodes that may go, as far as budgets allow.
fn empty(survey: &Survey) -> Found {
    let version = survey.state.config.version;
    let mut candidates = survey.candidates();
    candidates.retain(|candidate| candidate.is_empty(version));
    candidate::sort(&mut candidates, version);
    let mut budgets = survey.budgets();
    candidates.retain(|candidate| budgets.take(candidate.pool));
    Found { command: (!candidates.is_empty()).then_some((candidates, None)), ..Found::default() }
}

/// The nodes whose pods may be moved. Empty ones are left to emptiness, which only budgets can have kept from them.
fn consolidatable(survey: &Survey) -> Vec<Candidate> {
    let version = survey.state.config.version;
    let mut candidates = survey.candidates();
    candidates.retain(|candidate| survey.moves_pods(candidate.pool) && !candidate.is_empty(version));
    candidates
}

fn per_simulation(state: &State) -> Span {
    match state.config.controller_speed {
        ControllerSpeed::Measured => PER_SIMULATION,
        ControllerSpeed::Unlimited => Span::ZERO,
    }
}

/// The first poll at or after `wanted`.
fn on_grid(poll: Time, wanted: Time) -> Time {
    let late = (wanted - poll).ms().max(0);
    poll + Span::from_ms((late + POLL.ms() - 1) / POLL.ms() * POLL.ms())
}
