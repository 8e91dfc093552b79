//! The scheduler without some nodes (`SimulateScheduling` in `pkg/controllers/disruption/helpers.go`).

use std::collections::{BTreeMap, BTreeSet};

use super::Replacement;
use super::survey::Survey;
use crate::catalog::{CapacityType, Requirement};
use crate::control::View;
use crate::control::karpenter::solve::{ExistingNode, Input, NewClaim, Origin, Plan, Pod};
use crate::control::karpenter::state::State;
use crate::decide::karpenter::disruption::Candidate;
use crate::decide::karpenter::disruption::decision::{LaunchOption, PricedOffering, Simulated};
use crate::ledger::LeaseId;
use crate::sim::RunIndex;
use crate::units::Rate;

/// What all simulations of a pass have in common: the pods that need a place anyway, and the nodes.
pub struct Surroundings {
    pods: Vec<Pod>,
    nodes: Vec<ExistingNode>,
}

impl Surroundings {
    pub fn new(survey: &Survey) -> Self {
        let Survey { now, view, state, .. } = *survey;
        let mut nodes = state.existing_nodes(now, view, |_| false);
        // The order in which the scheduler wants them, so that it need not sort them again and again.
        nodes.sort_unstable_by_key(|node| (!node.initialized, node.name, node.lease));
        Self { pods: state.provisionable_pods(view), nodes }
    }

    /// Where the pods of `removed` nodes would go without them.
    pub fn without(&self, removed: &[Candidate], view: &View, state: &mut State) -> Simulated<NewClaim> {
        self.plan_without(removed, view, state).0
    }

    /// The same with the existing nodes that pods would go to.
    pub fn plan_without(
        &self,
        removed: &[Candidate],
        view: &View,
        state: &mut State,
    ) -> (Simulated<NewClaim>, Vec<LeaseId>) {
        let (plan, origins, coming) = self.plan(removed, view, state);
        let destinations = plan.existing.iter().map(|(lease, _)| *lease).collect();
        let simulated = match claims(plan, &origins, &coming) {
            None => Simulated::PodsLeftOver,
            Some(mut claims) => match (claims.pop(), claims.is_empty()) {
                (None, _) => Simulated::Fits,
                (Some(claim), true) => Simulated::OneNode(replacement(claim, state)),
                (Some(_), false) => Simulated::SeveralNodes,
            },
        };
        (simulated, destinations)
    }

    /// The new nodes that the pods of a node would need without it; `None` if one has no place.
    pub fn claims_without(
        &self,
        removed: &Candidate,
        view: &View,
        state: &mut State,
    ) -> Option<Vec<NewClaim>> {
        let (plan, origins, coming) = self.plan(std::slice::from_ref(removed), view, state);
        claims(plan, &origins, &coming)
    }

    fn plan(
        &self,
        removed: &[Candidate],
        view: &View,
        state: &mut State,
    ) -> (Plan, Origins, BTreeSet<LeaseId>) {
        let leases: BTreeSet<LeaseId> = removed.iter().map(|candidate| candidate.id).collect();
        let mut pods = self.pods.clone();
        for candidate in removed {
            state.pods_on(view, candidate.id, Origin::Candidate, &mut pods);
        }
        let staying = self.nodes.iter().filter(|node| !leases.contains(&node.lease));
        let nodes: Vec<ExistingNode> = staying.copied().collect();
        let bound = state.bound_pods(view);
        let (prices, tries) = (&state.prices, usize::MAX);
        let input = Input { pods: &pods, nodes: &nodes, prices, bound: &bound, tries };
        let plan = state.scheduler.solve(&input);
        let origins = pods.iter().map(|pod| (pod.run, pod.origin)).collect();
        let coming = nodes.iter().filter(|node| !node.initialized).map(|node| node.lease).collect();
        (plan, origins, coming)
    }
}

type Origins = BTreeMap<RunIndex, Origin>;

/// What a round says of the pods that have a node now: those that are pending anyway may stay so. A pod that counts on
/// a node that is not initialized yet has no place, unless it has to move in any case. `None` if one has none.
fn claims(plan: Plan, origins: &Origins, coming: &BTreeSet<LeaseId>) -> Option<Vec<NewClaim>> {
    let is_left_over = plan.unplaced.iter().any(|run| origins[run] != Origin::Pending);
    let mut on_coming =
        plan.existing.iter().filter(|(lease, _)| coming.contains(lease)).flat_map(|(_, runs)| runs);
    let counts_on_coming = on_coming.any(|run| origins[run] == Origin::Candidate);
    (!is_left_over && !counts_on_coming).then_some(plan.claims)
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
            Some(PricedOffering { capacity_type, price })
        });
        let values = |(key, _): &(&str, u32)| {
            let values = this.requirements.get(key).into_iter().flat_map(Requirement::values);
            values.map(str::to_owned).collect()
        };
        LaunchOption {
            instance: this.instance.0,
            key: pool_type,
            offerings: priced.collect(),
            label_values: keyed.iter().map(values).collect(),
        }
    };
    let capacity_types = [CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand];
    Replacement {
        options: claim.types.iter().map(|index| option(*index)).collect(),
        capacity_types: capacity_types.into_iter().filter(|allowed| claim.offerings.has(*allowed)).collect(),
        min_values: keyed.iter().map(|(_, least)| *least).collect(),
        claim,
    }
}

/// The NodeClaim to be created.
pub fn narrowed_claim(decided: &Replacement) -> NewClaim {
    let mut claim = decided.claim.clone();
    claim.types = decided.options.iter().map(|option| option.key).collect();
    if decided.capacity_types == [CapacityType::Spot] {
        claim.offerings = claim.offerings.only(CapacityType::Spot);
    }
    claim
}
