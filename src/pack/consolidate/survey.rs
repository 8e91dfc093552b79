//! Which nodes may be disrupted, what they cost, and how many of each NodePool may go
//! (`pkg/controllers/disruption/{types,helpers}.go` of karpenter).

use std::collections::BTreeMap;

use crate::catalog::{CapacityType, Requirement, labels};
use crate::decide::karpenter::disruption::balanced::{Balanced, PoolTotals};
use crate::decide::karpenter::disruption::budget::{Budgets, PoolNodes, allowed};
use crate::decide::karpenter::disruption::candidate::{disruption_cost, eviction_cost, rescheduling_cost};
use crate::decide::karpenter::disruption::eligible::{self, NodeFacts};
use crate::decide::karpenter::disruption::{Candidate, DisruptionReason, Method};
use crate::decide::karpenter::model::{InstanceType, Offering};
use crate::decide::karpenter::solve::Scheduler;
use crate::kube::{NodeClaim, Pod};
use crate::pack::karpenter::{StateNode, View, as_disruption_sees};
use crate::pack::node_pool::{ConsolidationPolicy, NodePool};
use crate::units::Time;

const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";

pub struct Survey<'v, 'c> {
    view: &'v View<'c>,
    /// By the scheduler's NodePools: the same one as in the case.
    pools: Vec<&'c NodePool>,
    nodes: Vec<Known<'v, 'c>>,
}

/// A node that Karpenter manages and knows the NodePool of.
struct Known<'v, 'c> {
    number: usize,
    state: &'v StateNode<'c>,
    claim: &'c NodeClaim,
    pool: usize,
    /// `None`: the NodePool has no such type any more.
    instance: Option<u32>,
    capacity_type: Option<CapacityType>,
    has_zone: bool,
    /// USD an hour; 0 if it is not sold any more.
    price: f64,
}

impl<'v, 'c> Survey<'v, 'c> {
    pub fn new(view: &'v View<'c>, scheduler: &Scheduler) -> Self {
        let of_name = |name: &str| view.case.node_pools.iter().find(|pool| pool.model.name == name);
        let pools = scheduler.pools.iter().filter_map(|pool| of_name(&pool.name)).collect();
        let types = interned(scheduler);
        let known = |(number, state): (usize, &'v StateNode<'c>)| {
            let claim = state.given.node_claim.as_ref()?;
            let label = |key: &str| state.labels.get(key).map(String::as_str);
            let name = label(labels::NODEPOOL)?;
            let pool = scheduler.pools.iter().position(|pool| pool.name == name && !pool.types.is_empty())?;
            let type_name = label(labels::INSTANCE_TYPE);
            let this = type_name.and_then(|name| scheduler.pools[pool].types.iter().find(|t| t.name == name));
            let capacity_types = [CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand];
            let capacity_type = label(labels::CAPACITY_TYPE);
            Some(Known {
                number,
                state,
                claim,
                pool,
                instance: this.and_then(|this| types.get(this.name.as_str()).copied()),
                capacity_type: capacity_types.into_iter().find(|this| Some(this.label()) == capacity_type),
                has_zone: label(labels::ZONE).is_some(),
                price: this.map_or(0.0, |this| price(this, state)),
            })
        };
        Self { view, pools, nodes: view.nodes.iter().enumerate().filter_map(known).collect() }
    }

    /// By the scheduler's NodePools.
    pub fn pool_names(&self) -> Vec<String> {
        self.pools.iter().map(|pool| pool.model.name.clone()).collect()
    }

    /// The nodes that a method may disrupt, by name. Consolidation leaves empty ones to emptiness.
    pub fn candidates(&self, method: Method) -> Vec<Candidate> {
        let version = self.view.case.settings.karpenter.version;
        let consolidates = method >= Method::MultiNode;
        let wanted = |(node, candidate): &(&Known, Candidate)| {
            let is_known = node.instance.is_some() && node.capacity_type.is_some() && node.has_zone;
            let moves_pods = self.pools[node.pool].policy != ConsolidationPolicy::WhenEmpty;
            !consolidates || (is_known && moves_pods && !candidate.is_empty(version))
        };
        self.eligible(method).into_iter().filter(wanted).map(|(_, candidate)| candidate).collect()
    }

    /// The nodes that are no longer as their NodePool says and may be disrupted, and since when.
    pub fn drifted(&self) -> Vec<(Time, Candidate)> {
        let eligible = self.eligible(Method::Drift).into_iter();
        eligible.filter_map(|(node, candidate)| Some((node.claim.drifted?, candidate))).collect()
    }

    fn eligible(&self, method: Method) -> Vec<(&Known<'v, 'c>, Candidate)> {
        let mut eligible: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| self.facts(node).is_candidate(method))
            .map(|node| (node, self.candidate(node)))
            .collect();
        eligible.sort_by_key(|(node, _)| node.state.given.name());
        eligible
    }

    fn facts(&self, node: &Known) -> NodeFacts {
        let (view, now) = (self.view, self.view.case.now);
        let annotations = node.state.given.node.as_ref().map(|node| &node.annotations);
        let blocks = |pod: usize| eligible::pod_blocks(as_disruption_sees(view.pods[pod]), &view.limits, now);
        NodeFacts {
            managed: true,
            initialized: node.state.is_initialized,
            deleting: node.state.is_deleting,
            nominated: false,
            do_not_disrupt: annotations
                .and_then(|all| all.get(DO_NOT_DISRUPT))
                .is_some_and(|value| value == "true"),
            blocked_by_pod: node.state.pods().any(blocks),
            has_grace_period: node.claim.termination_grace_period.is_some(),
            consolidatable: view.is_consolidatable(node.state),
            drifted: node.claim.drifted.is_some_and(|since| since <= now),
        }
    }

    fn candidate(&self, node: &Known) -> Candidate {
        let now = self.view.case.now;
        let running = node.state.pods().map(|pod| self.view.pods[pod]);
        let all_costs = running.filter(|pod| !pod.phase.is_terminal()).map(cost);
        let moving = self.moving(node);
        Candidate {
            id: node.number as u32,
            pool: node.pool,
            instance: node.instance.unwrap_or(u32::MAX),
            capacity_type: node.capacity_type.unwrap_or(CapacityType::OnDemand),
            price: node.price,
            pods: moving.len(),
            rescheduling_cost: rescheduling_cost(moving.into_iter().map(cost)),
            disruption_cost: disruption_cost(all_costs, node.claim.created, now, node.claim.expire_after),
        }
    }

    /// Pods that the removal of a node would bring elsewhere.
    fn moving(&self, node: &Known) -> Vec<&'c Pod> {
        let view = self.view;
        let moves = |pod: &&Pod| as_disruption_sees(pod).is_reschedulable(pod.is_terminating);
        node.state.pods().map(|pod| view.pods[pod]).filter(moves).collect()
    }

    /// What is left of the budgets of each NodePool.
    pub fn budgets(&self, reason: DisruptionReason) -> Budgets {
        let mut nodes = vec![PoolNodes::default(); self.pools.len()];
        for node in self.nodes.iter().filter(|node| node.state.is_initialized) {
            let is_ready = node.state.given.node.as_ref().is_some_and(|node| node.ready_since.is_some());
            nodes[node.pool].initialized += 1;
            nodes[node.pool].disrupted += u32::from(node.state.is_deleting || !is_ready);
        }
        let now = self.view.case.now;
        let left =
            self.pools.iter().zip(nodes).map(|(pool, nodes)| allowed(&pool.budgets, reason, nodes, now));
        Budgets(left.collect())
    }

    /// What the nodes of each NodePool whose policy is `Balanced` cost.
    pub fn balanced(&self) -> Balanced {
        let is_balanced = self.pools.iter().map(|pool| pool.policy == ConsolidationPolicy::Balanced);
        let mut totals: Vec<Option<PoolTotals>> =
            is_balanced.map(|balanced| balanced.then(PoolTotals::default)).collect();
        for node in &self.nodes {
            if let Some(totals) = &mut totals[node.pool] {
                totals.add(node.price, rescheduling_cost(self.moving(node).into_iter().map(cost)));
            }
        }
        Balanced(totals)
    }
}

fn cost(pod: &Pod) -> f64 {
    eviction_cost(pod.spec.priority, pod.spec.deletion_cost)
}

/// A number for each instance type, the same in all NodePools.
pub fn interned(scheduler: &Scheduler) -> BTreeMap<&str, u32> {
    let names = scheduler.pools.iter().flat_map(|pool| &pool.types).map(|this| this.name.as_str());
    let mut numbers: BTreeMap<&str, u32> = names.map(|name| (name, 0)).collect();
    for (number, (_, value)) in (0..).zip(&mut numbers) {
        *value = number;
    }
    numbers
}

/// The cheapest of the offerings that the node's labels allow.
fn price(this: &InstanceType, state: &StateNode) -> f64 {
    let keys = [labels::ZONE, labels::CAPACITY_TYPE, crate::decide::karpenter::model::RESERVATION_ID];
    let is_of_node = |offering: &&Offering| {
        keys.iter().all(|key| match (offering.requirements.get(key), state.labels.get(*key)) {
            (Some(required), Some(value)) => Requirement::allows(required, value),
            (Some(_), None) => *key != labels::ZONE && *key != labels::CAPACITY_TYPE,
            (None, _) => true,
        })
    };
    let prices = this.offerings.iter().filter(is_of_node).map(|offering| offering.price);
    prices.min_by(f64::total_cmp).unwrap_or(0.0)
}
