//! The provisioning loop: batch, wait until all is known, solve, launch; one round at a time.
//!
//! Source: `pkg/controllers/provisioning/provisioner.go`.

use super::batcher::Source;
use super::solve::{Input, Plan};
use super::state::State;
use crate::control::{Action, View};
use crate::platform::ControllerSpeed;
use crate::units::{Span, Time};
use rustc_hash::FxHashSet;

/// `Solve` stops after this with what it has.
const SOLVE_TIMEOUT: Span = Span::from_secs(60);
/// What a pod takes in a measured round.
const SOLVE_PER_POD: Span = Span::from_ms(1);

#[derive(Clone, Debug, Default)]
pub struct Provisioner {
    phase: Phase,
}

#[derive(Clone, Debug, Default)]
enum Phase {
    /// Until the window of a batch is over.
    #[default]
    Batching,
    /// Until EC2 has answered all launches.
    Syncing,
    /// Until the decisions, which were made on the state at the beginning, have taken their time.
    Solving { until: Time, plan: Plan },
}

impl Provisioner {
    /// Goes on as far as it can at `now`. Gives when it wants to be called again.
    pub fn step(
        &mut self,
        now: Time,
        view: &View,
        state: &mut State,
        actions: &mut Vec<Action>,
    ) -> Option<Time> {
        loop {
            match std::mem::take(&mut self.phase) {
                Phase::Batching => {
                    if !state.batcher.take_round(now) {
                        return state.batcher.next();
                    }
                    self.phase = Phase::Syncing;
                }
                Phase::Syncing => {
                    self.phase = Phase::Syncing;
                    if !state.is_synced() {
                        return None;
                    }
                    self.phase = solve(now, view, state);
                }
                Phase::Solving { until, plan } if until > now => {
                    self.phase = Phase::Solving { until, plan };
                    return Some(until);
                }
                Phase::Solving { plan, .. } => {
                    create_claims(now, &plan, view, state, actions);
                    state.batcher.round_ended(now);
                }
            }
        }
    }
}

fn solve(now: Time, view: &View, state: &mut State) -> Phase {
    let mut pods = state.provisionable_pods(view);
    let waiting: FxHashSet<_> = pods.iter().map(|pod| pod.run).collect();
    let State { batcher, claims, .. } = &mut *state;
    batcher.forget(|source| match source {
        Source::Pod(run) => waiting.contains(&run),
        Source::Node(lease) => claims.get(lease).is_some_and(|claim| claim.deleting),
    });
    state.apply_policies(now, &mut pods, view);
    if pods.is_empty() {
        return Phase::Solving { until: now, plan: Plan::default() };
    }
    state.prices.refresh(view.prices, now);
    let nodes = state.existing_nodes(now, view, |_| false);
    let (tries, per_try) = match state.config.controller_speed {
        ControllerSpeed::Measured => ((SOLVE_TIMEOUT.ms() / SOLVE_PER_POD.ms()) as usize, SOLVE_PER_POD),
        ControllerSpeed::Unlimited => (usize::MAX, Span::ZERO),
    };
    let bound = state.bound_pods(view);
    let input = Input { pods: &pods, nodes: &nodes, prices: &state.prices, bound: &bound, tries };
    let plan = state.scheduler.solve(&input);
    let until = now + Span::from_ms(per_try.ms() * plan.tries as i64);
    Phase::Solving { until, plan }
}

/// Nominates the nodes that pods are to go to, and creates and launches the NodeClaims.
fn create_claims(now: Time, plan: &Plan, view: &View, state: &mut State, actions: &mut Vec<Action>) {
    state.nominate(now, plan.existing.iter().map(|(lease, _)| *lease));
    if plan.claims.is_empty() {
        return;
    }
    state.prices.refresh(view.prices, now);
    let nodes = state.existing_nodes(now, view, |_| false);
    let exceeded = state.scheduler.exceeded_pools(&nodes);
    for claim in &plan.claims {
        if !exceeded[claim.pool] && state.is_to_be_launched(now, claim, view) {
            state.launch(now, claim, actions);
        }
    }
}
