//! What disruption sees of the cluster: candidates, budgets, and when something could be disrupted at all
//! (`pkg/controllers/disruption/{types,helpers}.go`, `pkg/controllers/nodeclaim/disruption`).

use std::cell::OnceCell;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::catalog::ZoneId;
use crate::control::View;
use crate::control::karpenter::nodes::NodeClaim;
use crate::control::karpenter::state::State;
use crate::decide::karpenter::disruption::balanced::{Balanced, PoolTotals};
use crate::decide::karpenter::disruption::budget::{Budgets, PoolNodes, allowed};
use crate::decide::karpenter::disruption::candidate::{disruption_cost, eviction_cost, rescheduling_cost};
use crate::decide::karpenter::disruption::eligible::{self, Limit, NodeFacts};
use crate::decide::karpenter::disruption::{Candidate, Method};
use crate::decide::karpenter::policies;
use crate::ledger::LeaseId;
use crate::platform::{ConsolidationPolicy, DisruptionReason, KarpenterVersion, NodePool};
use crate::sim::{Node, NodeState};
use crate::units::{Rate, Time};

/// EKS's DaemonSets are `system-node-critical`.
const SYSTEM_NODE_CRITICAL: i32 = 2_000_001_000;

/// A look at the cluster at one instant.
pub struct Survey<'a> {
    pub now: Time,
    pub view: &'a View<'a>,
    pub state: &'a State,
    /// How many pods budgets let go, once that was asked.
    limits: OnceCell<Vec<Limit<'a>>>,
}

impl<'a> Survey<'a> {
    pub fn new(now: Time, view: &'a View<'a>, state: &'a State) -> Self {
        Self { now, view, state, limits: OnceCell::new() }
    }

    /// The nodes that a method may disrupt, by name. Consolidation leaves empty ones to emptiness, which only budgets can
    /// have kept from them; to that a node to which pods have come meanwhile is none of its own any more.
    pub fn candidates(&self, method: Method) -> Vec<Candidate> {
        let version = self.state.config.version;
        let wanted = |(claim, candidate): &(&NodeClaim, Candidate)| match method {
            Method::Emptiness => candidate.is_empty(version),
            Method::Drift => true,
            Method::MultiNode | Method::SingleNode => {
                self.moves_pods(claim)
                    && !candidate.is_empty(version)
                    && self.is_little_used(claim, candidate.id)
            }
        };
        self.eligible(method).into_iter().filter(wanted).map(|(_, candidate)| candidate).collect()
    }

    /// The nodes that are no longer as their pool says and may be disrupted, by name, and since when.
    pub fn drifted(&self) -> Vec<(Time, Candidate)> {
        let eligible = self.eligible(Method::Drift).into_iter();
        eligible.filter_map(|(claim, candidate)| Some((claim.drifts?, candidate))).collect()
    }

    fn eligible(&self, method: Method) -> Vec<(&'a NodeClaim, Candidate)> {
        let mut eligible: Vec<(u64, &NodeClaim, Candidate)> = Vec::new();
        for (lease, claim) in self.state.claims.iter() {
            let Some(node) = self.view.node(lease).filter(|node| node.state == NodeState::Ready) else {
                continue;
            };
            if self.facts(claim, node).is_candidate(method) {
                eligible.push((node.name, claim, self.candidate(lease, claim, node)));
            }
        }
        eligible.sort_unstable_by_key(|(name, _, candidate)| (*name, candidate.id));
        eligible.into_iter().map(|(_, claim, candidate)| (claim, candidate)).collect()
    }

    fn facts(&self, claim: &NodeClaim, node: &Node) -> NodeFacts {
        let pool = self.pool(claim);
        NodeFacts {
            managed: true,
            initialized: claim.initialized.is_some(),
            deleting: claim.deleting,
            nominated: claim.nominated_until > self.now,
            do_not_disrupt: false,
            blocked_by_pod: self.is_blocked_by_pod(node),
            has_grace_period: pool.termination_grace_period.is_some(),
            consolidatable: self.consolidatable_from(claim, node).is_some_and(|from| from <= self.now),
            drifted: claim.drifts.is_some_and(|drifts| drifts <= self.now),
        }
    }

    fn is_blocked_by_pod(&self, node: &Node) -> bool {
        let evictable = self.view.evictable();
        let limits = self.limits.get_or_init(|| self.view.evictable().limits());
        node.pods.iter().any(|run| eligible::pod_blocks(evictable.pod(*run), limits, self.now))
    }

    fn candidate(&self, lease: LeaseId, claim: &NodeClaim, node: &'a Node) -> Candidate {
        let costs = || self.eviction_costs(node);
        let daemons = self.view.cluster.types[claim.kind as usize].template.daemons.pods;
        let daemons = (0..daemons).map(|_| eviction_cost(SYSTEM_NODE_CRITICAL, 0));
        let expire_after = self.pool(claim).expire_after;
        Candidate {
            id: lease,
            pool: claim.pool,
            instance: claim.instance.0,
            capacity_type: claim.capacity_type,
            price: self.price(claim),
            pods: node.pods.len(),
            rescheduling_cost: rescheduling_cost(costs()),
            disruption_cost: disruption_cost(costs().chain(daemons), claim.created, self.now, expire_after),
        }
    }

    fn eviction_costs(&self, node: &'a Node) -> impl Iterator<Item = f64> + 'a {
        let view = self.view;
        let specs = node.pods.iter().map(|run| &view.specs[view.pod(*run).class as usize]);
        specs.map(|spec| eviction_cost(spec.priority, spec.deletion_cost))
    }

    fn price(&self, claim: &NodeClaim) -> f64 {
        let price = self.view.prices.price(claim.instance, ZoneId(claim.zone), claim.capacity_type);
        price.map_or(0.0, Rate::to_f64)
    }

    /// From when on the node is consolidatable unless pods come or go. `None` if it never is.
    fn consolidatable_from(&self, claim: &NodeClaim, node: &Node) -> Option<Time> {
        let last = (node.last_pod_event != Time::MIN).then_some(node.last_pod_event);
        eligible::consolidatable_from(self.pool(claim).consolidate_after, claim.initialized, last)
    }

    /// The earliest time at which any node could be a candidate, unless a trigger comes before: there is nothing to
    /// do until then. What blocks a node without a known end, such as a pod, does not count as an obstacle here.
    pub fn next_possible(&self) -> Option<Time> {
        // Since 1.14 pods that cost nothing to evict do not keep a node from being empty, and their peers leave it
        // without notice.
        let all_count =
            self.view.specs.iter().all(|spec| eviction_cost(spec.priority, spec.deletion_cost) > 0.0);
        let possible = |(lease, claim): (LeaseId, &NodeClaim)| {
            if claim.deleting {
                return None;
            }
            let node = self.view.node(lease).filter(|node| node.state == NodeState::Ready)?;
            let keeps = !self.moves_pods(claim) && all_count && !node.pods.is_empty();
            let from = self.consolidatable_from(claim, node).filter(|_| !keeps);
            Some(from.into_iter().chain(claim.drifts).min()?.max(claim.nominated_until))
        };
        self.state.claims.iter().filter_map(possible).min()
    }

    /// What is left of the budgets of each pool.
    pub fn budgets(&self, reason: DisruptionReason) -> Budgets {
        let pools = &self.state.scheduler.pools;
        let mut nodes = vec![PoolNodes::default(); pools.len()];
        for (lease, claim) in self.state.claims.iter().filter(|(_, claim)| claim.initialized.is_some()) {
            let is_ready = self.view.node(lease).is_some_and(|node| node.state == NodeState::Ready);
            nodes[claim.pool].initialized += 1;
            nodes[claim.pool].disrupted += u32::from(claim.deleting || !is_ready);
        }
        let left = pools.iter().zip(nodes);
        Budgets(left.map(|(pool, nodes)| allowed(&pool.spec.budgets, reason, nodes, self.now)).collect())
    }

    /// What the nodes of each pool whose policy is `Balanced` cost.
    pub fn balanced(&self) -> Balanced {
        let pools = self.state.scheduler.pools.iter();
        let is_balanced = pools.map(|pool| pool.spec.consolidation_policy == ConsolidationPolicy::Balanced);
        let mut totals: Vec<Option<PoolTotals>> =
            is_balanced.map(|balanced| balanced.then(PoolTotals::default)).collect();
        for (lease, claim) in self.state.claims.iter() {
            if let (Some(totals), Some(node)) = (&mut totals[claim.pool], self.view.node(lease)) {
                totals.add(self.price(claim), rescheduling_cost(self.eviction_costs(node)));
            }
        }
        Balanced(totals)
    }

    /// Whether so little of the node is requested that it is worth looking at; stock Karpenter looks at every node.
    fn is_little_used(&self, claim: &NodeClaim, lease: LeaseId) -> bool {
        let threshold = self.state.config.policies.scale_in_utilization_threshold_ppm;
        let allocatable = self.view.cluster.types[claim.kind as usize].template.allocatable;
        let requested = self.view.node(lease).map(|node| allocatable - node.free);
        requested.is_some_and(|requested| policies::may_scale_in(requested, allocatable, threshold))
    }

    /// Whether the pods of a node may be moved to save money.
    fn moves_pods(&self, claim: &NodeClaim) -> bool {
        self.pool(claim).consolidation_policy != ConsolidationPolicy::WhenEmpty
    }

    /// Stands for what Karpenter takes for a change of the cluster: nodes that come, go or are marked, and pods that
    /// come or go.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = FxHasher::default();
        let there = self.view.cluster.nodes.iter().filter(|node| node.state != NodeState::Gone);
        for node in there {
            let is_marked = self.state.claims.get(node.lease).map(|claim| claim.deleting);
            (node.lease, node.state as u8, is_marked, node.cordoned).hash(&mut hasher);
            (node.pods.len(), node.last_pod_event.ms()).hash(&mut hasher);
            (node.free.cpu.milli(), node.free.memory.bytes()).hash(&mut hasher);
        }
        self.view.prices.as_of().ms().hash(&mut hasher);
        hasher.finish()
    }

    /// Stands for everything that a search for something to disrupt depends on.
    pub fn inputs(&self, candidates: &[Candidate], budgets: &Budgets) -> u64 {
        let mut hasher = FxHasher::default();
        self.fingerprint().hash(&mut hasher);
        budgets.0.hash(&mut hasher);
        for candidate in candidates {
            candidate.id.hash(&mut hasher);
            if self.state.config.version == KarpenterVersion::V1_13 {
                candidate.disruption_cost.to_bits().hash(&mut hasher); // Falls with age.
            }
        }
        for (lease, claim) in self.state.claims.iter() {
            let from = self.view.node(lease).and_then(|node| self.consolidatable_from(claim, node));
            from.is_some_and(|from| from <= self.now).hash(&mut hasher);
        }
        for pod in self.view.pending_pods() {
            pod.run.hash(&mut hasher);
        }
        for shortage in self.state.prices.shortages() {
            shortage.hash(&mut hasher);
        }
        hasher.finish()
    }

    fn pool(&self, claim: &NodeClaim) -> &'a NodePool {
        &self.state.scheduler.pools[claim.pool].spec
    }
}
