//! The scheduler without some nodes (`SimulateScheduling` in `pkg/controllers/disruption/helpers.go` of karpenter).

use std::collections::BTreeMap;

use super::survey::interned;
use crate::catalog::{CapacityType, Requirement, labels};
use crate::decide::karpenter::disruption::Candidate;
use crate::decide::karpenter::disruption::decision::{LaunchOption, PricedOffering, Replacement, Simulated};
use crate::decide::karpenter::model::{self, Input, NewClaim, Origin, ReservedMode};
use crate::decide::karpenter::price;
use crate::decide::karpenter::solve::Scheduler;
use crate::pack::karpenter::View;

pub struct Simulation<'v, 'c, 's> {
    view: &'v View<'c>,
    scheduler: &'s mut Scheduler,
    /// Pods that need a place anyway.
    pods: Vec<model::Pod>,
    moving: Vec<usize>,
    types: BTreeMap<String, u32>,
}

impl<'v, 'c, 's> Simulation<'v, 'c, 's> {
    pub fn new(view: &'v View<'c>, scheduler: &'s mut Scheduler) -> Self {
        let (mut pods, moving) = (Vec::new(), view.on_deleting_nodes());
        for (numbers, origin) in [(view.pending(), Origin::Pending), (moving.clone(), Origin::DeletingNode)] {
            pods.extend(numbers.into_iter().map(|pod| view.pod(scheduler, pod, origin)));
        }
        let types = interned(scheduler).into_iter().map(|(name, number)| (name.to_owned(), number)).collect();
        Self { view, scheduler, pods, moving, types }
    }

    /// Where the pods of `removed` nodes would go without them.
    pub fn without(&mut self, removed: &[Candidate]) -> Simulated<NewClaim> {
        let Some(mut claims) = self.claims_without(removed) else { return Simulated::PodsLeftOver };
        match (claims.pop(), claims.is_empty()) {
            (None, _) => Simulated::Fits,
            (Some(claim), true) => Simulated::OneNode(self.replacement(claim)),
            (Some(_), false) => Simulated::SeveralNodes,
        }
    }

    /// The new nodes that the pods of `removed` nodes, and others that wait, would need without them. `None` if one of
    /// those that have a node now has no place: that is one on a node that is not initialized, too.
    pub fn claims_without(&mut self, removed: &[Candidate]) -> Option<Vec<NewClaim>> {
        let view = self.view;
        let mut without = self.moving.clone();
        let mut pods = self.pods.clone();
        for candidate in removed {
            let of_node = view.reschedulable(&view.nodes[candidate.id as usize]);
            pods.extend(of_node.iter().map(|pod| view.pod(self.scheduler, *pod, Origin::Candidate)));
            without.extend(of_node);
        }
        without.sort_unstable();
        let is_removed = |node: usize| removed.iter().any(|candidate| candidate.id as usize == node);
        let staying =
            (0..view.nodes.len()).filter(|node| !view.nodes[*node].is_deleting && !is_removed(*node));
        let nodes: Vec<_> =
            staying.map(|node| view.existing(node, view.is_settling(&view.nodes[node]))).collect();
        let needs_bound =
            pods.iter().any(|pod| view.pods[pod.id as usize].spec.has_topology()) || view.has_anti_affinity();
        let bound = if needs_bound { view.bound(&without) } else { Vec::new() };
        let plan = self.scheduler.solve(&Input {
            pods: &pods,
            nodes: &nodes,
            bound: &bound,
            reserved: ReservedMode::Fallback,
            tries: None,
            explain: false,
        });
        let mut origins = vec![Origin::Pending; view.pods.len()];
        for pod in &pods {
            origins[pod.id as usize] = pod.origin;
        }
        let is_left_over = plan.errors.iter().any(|error| origins[error.pod as usize] != Origin::Pending);
        // A pod that waits and counts on a node that is coming is no obstacle.
        let is_of_candidate = |pod: &u32| origins[*pod as usize] == Origin::Candidate;
        let counts_on_coming = plan.existing.iter().any(|(node, pods)| {
            !view.nodes[*node as usize].is_initialized && pods.iter().any(is_of_candidate)
        });
        (!is_left_over && !counts_on_coming).then_some(plan.claims)
    }

    /// A planned node with the offerings that it could be launched as.
    fn replacement(&self, claim: NewClaim) -> Replacement<NewClaim> {
        let pool = &self.scheduler.pools[claim.pool];
        let requirements = &claim.requirements;
        let keyed: Vec<(&str, u32)> =
            requirements.iter().filter_map(|(key, asked)| Some((key, asked.min_values()?))).collect();
        let option = |key: usize| {
            let this = &pool.types[key];
            let sold = price::compatible(&this.offerings, requirements);
            let priced = sold.map(|offering| PricedOffering {
                capacity_type: offering.capacity_type,
                price: offering.price,
            });
            let values = |(key, _): &(&str, u32)| {
                let values = this.requirements.get(key).into_iter().flat_map(Requirement::values);
                values.map(str::to_owned).collect()
            };
            LaunchOption {
                instance: self.types.get(&this.name).copied().unwrap_or(u32::MAX),
                key,
                offerings: priced.collect(),
                label_values: keyed.iter().map(values).collect(),
            }
        };
        let required = requirements.get(labels::CAPACITY_TYPE);
        let allowed = |this: &CapacityType| required.is_none_or(|required| required.allows(this.label()));
        let capacity_types = [CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand];
        Replacement {
            options: claim.types.iter().map(|key| option(*key)).collect(),
            capacity_types: capacity_types.into_iter().filter(allowed).collect(),
            min_values: keyed.iter().map(|(_, least)| *least).collect(),
            claim,
        }
    }
}
