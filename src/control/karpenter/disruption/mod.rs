//! Voluntary disruption in simulated time: when Karpenter looks for nodes to remove or replace, and what it then does.
//!
//! Source: `pkg/controllers/disruption` of karpenter, about 1.14. A pass tries the methods in order; the first that has
//! a command waits 15 s (but for drift), looks whether it still holds, and carries it out, upon which the next pass
//! begins at once. A pass without a command is followed by one ten seconds later. What a method decides is no question of
//! time: see [`decide`](crate::decide::karpenter::disruption). Here [`survey`] is what a pass sees of the cluster,
//! [`simulation`] the scheduler without some nodes, [`memory`] what need not be asked again, and [`execution`] what
//! becomes of a command.
//!
//! Passes that could not find anything are not made: the next one is then the first of the ten-second grid at which
//! some node may have become consolidatable, or drifts.

mod execution;
mod memory;
mod simulation;
mod survey;

#[cfg(test)]
mod tests;

use self::execution::{Commands, Order};
use self::memory::Memory;
use self::simulation::Surroundings;
use self::survey::Survey;
use super::solve::NewClaim;
use super::state::State;
use crate::control::{Action, Trigger, View};
use crate::decide::karpenter::disruption::search::{self, Found, Trial};
use crate::decide::karpenter::disruption::{Candidate, Method, candidate, decision, validation};
use crate::ledger::EndReason;
use crate::platform::ControllerSpeed;
use crate::units::{Span, Time};

type Replacement = decision::Replacement<NewClaim>;

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

/// What a method wants to do, before it is validated.
#[derive(Clone, Debug)]
struct Planned {
    method: Method,
    candidates: Vec<Candidate>,
    replacement: Option<Replacement>,
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
    Validating(Time, Box<Planned>),
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
                    let possible = Survey::new(now, view, state).next_possible();
                    let next = possible.map(|possible| on_grid(poll, possible.max(now)));
                    if next != Some(now) {
                        self.phase = Phase::Polling(poll);
                        return next;
                    }
                    if state.is_synced() {
                        self.pass(now, &Method::ALL, view, state, actions)
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
                    if let Some(valid) = validate(*planned, now, view, state) {
                        self.execute(now, valid, state, actions);
                        Phase::Polling(now + AT_ONCE)
                    } else {
                        let rest = Method::ALL.iter().position(|m| *m > method).unwrap_or(Method::ALL.len());
                        self.pass(now, &Method::ALL[rest..], view, state, actions)
                    }
                }
            }
        }
    }

    /// Tries `methods` until one has a command. All of a pass sees the cluster as it is at the beginning, though its
    /// simulations take time.
    fn pass(
        &mut self,
        now: Time,
        methods: &[Method],
        view: &View,
        state: &mut State,
        actions: &mut Vec<Action>,
    ) -> Phase {
        state.prices.refresh(view.prices, now);
        self.memory.observe(now, Survey::new(now, view, state).fingerprint());
        let mut spent = Span::ZERO;
        for method in methods {
            let command = match method {
                Method::Emptiness => empty(&Survey::new(now, view, state)).map(|nodes| (nodes, None)),
                Method::Drift => {
                    if let Some(order) = self.drift(now, view, state, &mut spent) {
                        self.commands.carry_out(now, order, state, actions);
                        return Phase::Polling(now + spent + AT_ONCE);
                    }
                    None
                }
                Method::MultiNode | Method::SingleNode => {
                    self.consolidation(now, *method, view, state, &mut spent).command
                }
            };
            if let Some((candidates, replacement)) = command {
                let planned = Planned { method: *method, candidates, replacement };
                return Phase::Validating(now + spent + VALIDATED_AFTER, Box::new(planned));
            }
        }
        Phase::Polling(now + spent + POLL)
    }

    /// A drifted node that can go, and what its pods need. It is not looked at again before it goes.
    fn drift(&mut self, now: Time, view: &View, state: &mut State, spent: &mut Span) -> Option<Order> {
        let survey = Survey::new(now, view, state);
        let drifted = survey.drifted();
        if drifted.is_empty() {
            return None;
        }
        let candidates: Vec<Candidate> = drifted.iter().map(|(_, candidate)| *candidate).collect();
        let budgets = survey.budgets(Method::Drift.reason());
        let inputs = survey.inputs(&candidates, &budgets);
        if self.memory.is_pointless(Method::Drift, || inputs) {
            return None;
        }
        let surroundings = Surroundings::new(&survey);
        let (version, per_simulation) = (state.config.version, per_simulation(state));
        let simulate = |candidate: &Candidate| {
            *spent += per_simulation;
            surroundings.claims_without(candidate, view, state)
        };
        let found = search::drift(drifted, &budgets, version, simulate);
        let Some((candidate, new)) = found else {
            self.memory.found_nothing(Method::Drift, inputs, true);
            return None;
        };
        Some(Order { replaced: vec![candidate.id], new, reason: EndReason::Drifted })
    }

    fn consolidation(
        &mut self,
        now: Time,
        method: Method,
        view: &View,
        state: &mut State,
        spent: &mut Span,
    ) -> Found<NewClaim> {
        let version = state.config.version;
        let survey = Survey::new(now, view, state);
        let mut candidates = survey.candidates(method);
        if candidates.is_empty() {
            return Found::default();
        }
        let mut budgets = survey.budgets(method.reason());
        let inputs = survey.inputs(&candidates, &budgets);
        if self.memory.is_pointless(method, || inputs) {
            return Found::default();
        }
        candidate::sort(&mut candidates, version);
        let (balanced, surroundings) = (survey.balanced(), Surroundings::new(&survey));
        let pools: Vec<String> = state.scheduler.pools.iter().map(|pool| pool.spec.name.clone()).collect();
        let spot_to_spot = state.config.spot_to_spot_consolidation;
        let per_simulation = per_simulation(state);
        let mut simulate = |removed: &[Candidate]| surroundings.without(removed, view, state);
        let mut trial = Trial::new(&mut simulate, balanced, spot_to_spot, per_simulation);
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
        let replaced = valid.candidates.iter().map(|candidate| candidate.id).collect();
        let reason =
            if valid.method == Method::Emptiness { EndReason::Empty } else { EndReason::Consolidated };
        let new = valid.replacement.iter().map(simulation::narrowed_claim).collect();
        self.commands.carry_out(now, Order { replaced, new, reason }, state, actions);
    }
}

/// The empty nodes that may go, as far as budgets allow.
fn empty(survey: &Survey) -> Option<Vec<Candidate>> {
    let mut budgets = survey.budgets(Method::Emptiness.reason());
    let candidates = survey.candidates(Method::Emptiness);
    let empty = search::empty(candidates, &mut budgets, survey.state.config.version);
    (!empty.is_empty()).then_some(empty)
}

/// What of a command still holds. If it holds, the nodes that its pods go to are nominated.
fn validate(planned: Planned, now: Time, view: &View, state: &mut State) -> Option<Planned> {
    state.prices.refresh(view.prices, now);
    let survey = Survey::new(now, view, state);
    let (method, mut budgets) = (planned.method, survey.budgets(planned.method.reason()));
    let current = survey.candidates(method);
    let candidates = validation::still_candidates(method, &planned.candidates, &current, &mut budgets)?;
    if method != Method::Emptiness {
        let surroundings = Surroundings::new(&survey);
        let (simulated, destinations) = surroundings.plan_without(&candidates, view, state);
        if !validation::is_confirmed(planned.replacement.as_ref(), &simulated) {
            return None;
        }
        // What takes the pods must not itself go before they are there.
        state.nominate(now, destinations);
    }
    Some(Planned { candidates, ..planned })
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
