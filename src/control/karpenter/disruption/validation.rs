//! The scheduler without some nodes, and whether a command still holds 15 s after it was found
//! (`SimulateScheduling` in `pkg/controllers/disruption/helpers.go`, `validation.go`).
//!
//! Anything that came or went in between may have changed the answer, and then the command is dropped: where pods
//! come and go all the time, little is consolidated. Karpenter looks at the candidates once more after its second
//! simulation; no time passes between the two here.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use super::decision::{LaunchOption, PricedOffering, Replacement, Simulated};
use super::survey::Survey;
use super::{Method, Planned, consolidatable};
use crate::catalog::Requirement;
use crate::control::View;
use crate::control::karpenter::solve::{ExistingNode, Input, NewClaim, Origin, Plan, Pod};
use crate::control::karpenter::state::State;
use crate::ledger::LeaseId;
use crate::sim::RunIndex;
use crate::units::{Rate, Time};

/// What all simulations of a pass have in common: the pods that need a place anyway, and the nodes.
pub struct Surroundings {
    pods: Vec<Pod>,
    nodes: Vec<ExistingNode>,
}

impl Surroundings {
    pub fn new(survey: &Survey) -> Self {
        let Survey { now, view, state } = *survey;
        let mut nodes = state.existing_nodes(now, view, |_| false);
        // The order in which the scheduler wants them, so that it need not sort them again and again.
        nodes.sort_unstable_by_key(|node| (!node.initialized, node.name, node.lease));
        Self { pods: state.provisionable_pods(view), nodes }
    }

    /// Where the pods of `removed` nodes would go without them.
    pub fn without(&self, removed: &[Candidate], view: &View, state: &mut State) -> Simulated {
        self.plan_without(removed, view, state).0
    }

    /// The same with the existing nodes that pods would go to.
    fn plan_without(
        &self,
        removed: &[Candidate],
        view: &View,
        state: &mut State,
    ) -> (Simulated, Vec<LeaseId>) {
        let leases: BTreeSet<LeaseId> = removed.iter().map(|candidate| candidate.lease).collect();
        let mut pods = self.pods.clone();
        for candidate in removed {
            state.pods_on(view, candidate.lease, Origin::Candidate, &mut pods);
        }
        let staying = self.nodes.iter().filter(|node| !leases.contains(&node.lease));
        let nodes: Vec<ExistingNode> = staying.copied().collect();
        let input = Input { pods: &pods, nodes: &nodes, prices: &state.prices, tries: usize::MAX };
        let plan = state.scheduler.solve(&input);
        let origins: BTreeMap<RunIndex, Origin> = pods.iter().map(|pod| (pod.run, pod.origin)).collect();
        let coming = nodes.iter().filter(|node| !node.initialized).map(|node| node.lease).collect();
        let destinations = plan.existing.iter().map(|(lease, _)| *lease).collect();
        (outcome(plan, &origins, &coming, state), destinations)
    }
}

/// What a round says of the pods that have a node now: those that are pending anyway may stay so. A pod that counts on
/// a node that is not initialized yet has no place, unless it has to move in any case.
fn outcome(
    plan: Plan,
    origins: &BTreeMap<RunIndex, Origin>,
    coming: &BTreeSet<LeaseId>,
    state: &State,
) -> Simulated {
    let is_left_over = plan.unplaced.iter().any(|run| origins[run] != Origin::Pending);
    let mut on_coming =
        plan.existing.iter().filter(|(lease, _)| coming.contains(lease)).flat_map(|(_, runs)| runs);
    if is_left_over || on_coming.any(|run| origins[run] == Origin::Candidate) {
        return Simulated::PodsLeftOver;
    }
    let mut claims = plan.claims;
    match (claims.pop(), claims.is_empty()) {
        (None, _) => Simulated::Fits,
        (Some(claim), true) => Simulated::OneNode(replacement(claim, state)),
        (Some(_), false) => Simulated::SeveralNodes,
    }
}

/// A planned node with the offerings that it could be launched as.
fn replacement(claim: NewClaim, state: &State) -> Replacement {
    let pool = &state.scheduler.pools[claim.pool];
    let requirements = state.scheduler.requirements(claim.narrowed);
    let keyed: Vec<(&str, u32)> =
        requirements.iter().filter_map(|(key, asked)| Some((key, asked.min_values()?))).collect();
    let option = |pool_type: usize| {
        let this = &pool.types[pool_type];
        let sold = state.prices.available(this.instance).and(claim.offerings).iter();
        let priced = sold.filter_map(|(capacity_type, zone)| {
            let price = state.prices.price(this.instance, capacity_type, zone).map(Rate::to_f64)?;
            Some(PricedOffering { capacity_type, zone, price })
        });
        let values = |(key, _): &(&str, u32)| {
            let values = this.requirements.get(key).into_iter().flat_map(Requirement::values);
            values.map(str::to_owned).collect()
        };
        LaunchOption {
            instance: this.instance,
            pool_type,
            offerings: priced.collect(),
            label_values: keyed.iter().map(values).collect(),
        }
    };
    Replacement {
        options: claim.types.iter().map(|index| option(*index)).collect(),
        min_values: keyed.iter().map(|(_, least)| *least).collect(),
        claim,
    }
}

/// What of a command still holds: of empty nodes those that are still empty, of others all or nothing. If it holds, the
/// nodes that its pods go to are nominated.
pub fn validate(planned: Planned, now: Time, view: &View, state: &mut State) -> Option<Planned> {
    state.prices.refresh(view.prices, now);
    let survey = Survey { now, view, state };
    let version = state.config.version;
    let current: Vec<Candidate> = match planned.method {
        Method::Emptiness => {
            let candidates = survey.candidates().into_iter();
            candidates.filter(|candidate| candidate.is_empty(version)).collect()
        }
        Method::MultiNode | Method::SingleNode => consolidatable(&survey),
    };
    let mut budgets = survey.budgets();
    let before = planned.candidates.len();
    let still = planned.candidates.iter().filter_map(|planned| {
        let candidate = current.iter().find(|current| current.lease == planned.lease)?;
        budgets.take(candidate.pool).then_some(*candidate)
    });
    let candidates: Vec<Candidate> = still.collect();
    if candidates.is_empty() {
        return None;
    }
    if planned.method != Method::Emptiness {
        let surroundings = Surroundings::new(&survey);
        let is_whole = candidates.len() == before;
        let (simulated, destinations) = surroundings.plan_without(&candidates, view, state);
        if !is_whole || !is_confirmed(planned.replacement.as_ref(), &simulated) {
            return None;
        }
        // What takes the pods must not itself go before they are there.
        state.nominate(now, destinations);
    }
    Some(Planned { candidates, ..planned })
}

/// Whether a second simulation bears a plan out: again no node or one, and that one may be of every planned type. It
/// knows no price limit and so may be of more.
pub fn is_confirmed(planned: Option<&Replacement>, simulated: &Simulated) -> bool {
    match (planned, simulated) {
        (None, Simulated::Fits) => true,
        (Some(planned), Simulated::OneNode(now)) => {
            let is_possible =
                |wanted: &LaunchOption| now.options.iter().any(|o| o.instance == wanted.instance);
            planned.options.iter().all(is_possible)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{OnDemand, option, replacement};
    use super::*;

    #[test]
    fn a_second_simulation_must_bear_the_plan_out() {
        let node_of = |types: &[u32]| {
            replacement(types.iter().map(|id| option(*id, &[(OnDemand, &["0.1"])])).collect())
        };
        // (planned types, what the simulation says now, whether the command goes on)
        let cases: [(Option<&[u32]>, Simulated, bool); 8] = [
            (None, Simulated::Fits, true),
            (None, Simulated::PodsLeftOver, false),
            (None, Simulated::OneNode(node_of(&[1])), false),
            (Some(&[1, 2]), Simulated::OneNode(node_of(&[2, 1, 3])), true),
            (Some(&[1, 2]), Simulated::OneNode(node_of(&[2, 3])), false), // A pod more: type 1 is too small now.
            (Some(&[1, 2]), Simulated::Fits, false), // A better way: found by the next pass.
            (Some(&[1, 2]), Simulated::SeveralNodes, false),
            (Some(&[1, 2]), Simulated::PodsLeftOver, false),
        ];
        for (types, simulated, expected) in cases {
            let planned = types.map(node_of);
            assert_eq!(is_confirmed(planned.as_ref(), &simulated), expected, "{types:?} and {simulated:?}");
        }
    }
}
