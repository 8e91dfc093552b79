//! Mode `consolidate`: the first command of a pass of Karpenter's disruption controller.

mod simulation;
mod survey;

use super::case::Case;
use super::karpenter::View;
use super::output::{Command, NewNode, Replacement, quantities};
use super::settings::METHODS;
use crate::catalog::{CapacityType, labels};
use crate::decide::karpenter::disruption::search::{self, Trial};
use crate::decide::karpenter::disruption::{Candidate, Method, candidate, decision};
use crate::decide::karpenter::model::NewClaim;
use crate::decide::karpenter::solve::Scheduler;
use crate::units::Span;
use simulation::Simulation;
use survey::Survey;

/// What is done first; `None` if nothing is to be done.
pub fn consolidate(case: &Case) -> Option<Command> {
    let (view, mut scheduler) = View::new(case);
    let methods = case.settings.karpenter.methods.iter();
    methods
        .copied()
        .find_map(|method| Some(command(method, &view, &mut scheduler)?.printed(&view, &scheduler)))
}

/// The nodes that go, and those that come for them.
struct Found {
    method: Method,
    candidates: Vec<Candidate>,
    new: Vec<Planned>,
}

/// A new node, with what the decision left of its types and capacity types.
struct Planned {
    claim: NewClaim,
    types: Vec<usize>,
    capacity_types: Vec<CapacityType>,
}

fn command(method: Method, view: &View, scheduler: &mut Scheduler) -> Option<Found> {
    let version = view.case.settings.karpenter.version;
    let survey = Survey::new(view, scheduler);
    let mut budgets = survey.budgets(method.reason());
    match method {
        Method::Emptiness => {
            let candidates = search::empty(survey.candidates(method), &mut budgets, version);
            (!candidates.is_empty()).then_some(Found { method, candidates, new: Vec::new() })
        }
        Method::Drift => {
            let drifted = survey.drifted();
            let mut simulation = Simulation::new(view, scheduler);
            let simulate = |candidate: &Candidate| simulation.claims_without(&[*candidate]);
            let (candidate, new) = search::drift(drifted, &budgets, version, simulate)?;
            let new = new.into_iter().map(|claim| Planned::whole(claim, scheduler)).collect();
            Some(Found { method, candidates: vec![candidate], new })
        }
        Method::MultiNode | Method::SingleNode => {
            let mut candidates = survey.candidates(method);
            candidate::sort(&mut candidates, version);
            let (balanced, pools) = (survey.balanced(), survey.pool_names());
            let mut simulation = Simulation::new(view, scheduler);
            let mut simulate = |removed: &[Candidate]| simulation.without(removed);
            let spot_to_spot = view.case.settings.karpenter.spot_to_spot;
            let mut trial = Trial::new(&mut simulate, balanced, spot_to_spot, Span::ZERO);
            let found = if method == Method::MultiNode {
                search::multi_node(&candidates, &mut budgets, &mut trial)
            } else {
                let names: Vec<&str> = pools.iter().map(String::as_str).collect();
                let in_turn = candidate::interleave(&candidates, &names, &[]);
                search::single_node(&in_turn, &budgets, names.len(), &mut trial)
            };
            let (candidates, replacement) = found.command?;
            let new = replacement.into_iter().map(Planned::decided).collect();
            Some(Found { method, candidates, new })
        }
    }
}

impl Planned {
    /// As the scheduler planned it.
    fn whole(claim: NewClaim, scheduler: &Scheduler) -> Self {
        let offerings =
            claim.types.iter().flat_map(|this| &scheduler.pools[claim.pool].types[*this].offerings);
        let mut sold: Vec<CapacityType> = offerings.map(|offering| offering.capacity_type).collect();
        sold.sort_unstable();
        sold.dedup();
        let required = claim.requirements.get(labels::CAPACITY_TYPE);
        sold.retain(|this| required.is_none_or(|required| required.allows(this.label())));
        Self { types: claim.types.to_vec(), capacity_types: sold, claim }
    }

    fn decided(replacement: decision::Replacement<NewClaim>) -> Self {
        let types = replacement.options.iter().map(|option| option.key).collect();
        let sold = |this: &CapacityType| {
            let mut all = replacement.options.iter().flat_map(|option| &option.offerings);
            all.any(|offering| offering.capacity_type == *this)
        };
        let capacity_types = replacement.capacity_types.iter().copied().filter(sold).collect();
        Self { types, capacity_types, claim: replacement.claim }
    }
}

impl Found {
    fn printed(&self, view: &View, scheduler: &Scheduler) -> Command {
        let node = |planned: &Planned| {
            let pool = &scheduler.pools[planned.claim.pool];
            let mut capacity_types: Vec<String> =
                planned.capacity_types.iter().map(|this| this.label().to_owned()).collect();
            capacity_types.sort_unstable();
            NewNode {
                node_pool: pool.name.clone(),
                instance_types: planned.types.iter().map(|this| pool.types[*this].name.clone()).collect(),
                capacity_types,
                requests: quantities(&planned.claim.requests, &view.case.resources),
            }
        };
        let mut new: Vec<NewNode> = self.new.iter().map(node).collect();
        let name = |candidate: &Candidate| view.nodes[candidate.id as usize].given.name().to_owned();
        let mut candidates: Vec<String> = self.candidates.iter().map(name).collect();
        candidates.sort_unstable();
        let method = METHODS.iter().find(|(_, method)| *method == self.method);
        Command {
            method: method.map_or("", |(name, _)| name),
            candidates,
            decision: if new.is_empty() { "delete" } else { "replace" },
            replacement: match (new.len(), new.pop()) {
                (1, Some(node)) => Replacement::One(node),
                (_, Some(last)) => {
                    new.push(last);
                    Replacement::Several(new)
                }
                (_, None) => Replacement::None(()),
            },
        }
    }
}
