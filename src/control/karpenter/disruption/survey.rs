//! What disruption sees of the cluster: candidates, budgets, and when something could be disrupted at all
//! (`pkg/controllers/disruption/{types,helpers}.go`, `pkg/controllers/nodeclaim/disruption`).

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::budget::{Budgets, PoolNodes, allowed};
use super::candidate::{Candidate, disruption_cost, eviction_cost, rescheduling_cost};
use crate::catalog::ZoneId;
use crate::control::View;
use crate::control::karpenter::nodes::NodeClaim;
use crate::control::karpenter::state::State;
use crate::ledger::LeaseId;
use crate::platform::{ConsolidationPolicy, KarpenterVersion, NodePool};
use crate::sim::{Node, NodeState};
use crate::units::Time;

/// A look at the cluster at one instant.
#[derive(Clone, Copy)]
pub struct Survey<'a> {
    pub now: Time,
    pub view: &'a View<'a>,
    pub state: &'a State,
}

impl<'a> Survey<'a> {
    /// Nodes that are empty or whose pods may be moved.
    pub fn candidates(&self) -> Vec<Candidate> {
        let claims = self.state.claims.iter();
        claims.filter_map(|(lease, claim)| self.candidate(lease, claim)).collect()
    }

    fn candidate(&self, lease: LeaseId, claim: &NodeClaim) -> Option<Candidate> {
        if claim.deleting || claim.nominated_until > self.now {
            return None;
        }
        let node = self.view.node(lease).filter(|node| node.state == NodeState::Ready)?;
        if self.consolidatable_from(claim, node)? > self.now {
            return None;
        }
        let classes = || node.pods.iter().map(|run| &self.view.classes[self.view.pod(*run).class as usize]);
        if classes().any(|class| class.do_not_disrupt) {
            return None;
        }
        let price = self.view.prices.price(claim.instance, ZoneId(claim.zone), claim.capacity_type);
        let priorities = || classes().map(|class| class.priority);
        let daemons = self.view.cluster.types[claim.kind as usize].template.daemons.pods;
        let expire_after = self.pool(claim).expire_after;
        Some(Candidate {
            lease,
            name: node.name,
            pool: claim.pool,
            instance: claim.instance,
            capacity_type: claim.capacity_type,
            price: price.map_or(0.0, crate::units::Rate::to_f64),
            pods: node.pods.len(),
            rescheduling_cost: rescheduling_cost(priorities()),
            disruption_cost: disruption_cost(priorities(), daemons, claim.created, self.now, expire_after),
        })
    }

    /// From when on the node is consolidatable unless pods come or go: `consolidateAfter` after the last of them, or
    /// after its initialization. `None` if it never is.
    fn consolidatable_from(&self, claim: &NodeClaim, node: &Node) -> Option<Time> {
        let after = self.pool(claim).consolidate_after?;
        let initialized = claim.initialized?;
        let last = if node.last_pod_event == Time::MIN { initialized } else { node.last_pod_event };
        Some(last + after)
    }

    /// The earliest time at which any node could be a candidate, unless a trigger comes before: there is nothing to
    /// do until then. What blocks a node without a known end, such as a pod, does not count as an obstacle here.
    pub fn next_possible(&self) -> Option<Time> {
        // Since 1.14 pods that cost nothing to evict do not keep a node from being empty, and their peers leave it
        // without notice.
        let all_count = self.view.classes.iter().all(|class| eviction_cost(class.priority) > 0.0);
        let possible = |(lease, claim): (LeaseId, &NodeClaim)| {
            if claim.deleting {
                return None;
            }
            let node = self.view.node(lease).filter(|node| node.state == NodeState::Ready)?;
            let keeps = self.pool(claim).consolidation_policy == ConsolidationPolicy::WhenEmpty;
            if keeps && all_count && !node.pods.is_empty() {
                return None;
            }
            Some(self.consolidatable_from(claim, node)?.max(claim.nominated_until))
        };
        self.state.claims.iter().filter_map(possible).min()
    }

    /// What is left of the budgets of each pool.
    pub fn budgets(&self) -> Budgets {
        let pools = &self.state.scheduler.pools;
        let mut nodes = vec![PoolNodes::default(); pools.len()];
        for (lease, claim) in self.state.claims.iter().filter(|(_, claim)| claim.initialized.is_some()) {
            let is_ready = self.view.node(lease).is_some_and(|node| node.state == NodeState::Ready);
            nodes[claim.pool].initialized += 1;
            nodes[claim.pool].disrupted += u32::from(claim.deleting || !is_ready);
        }
        Budgets(pools.iter().zip(nodes).map(|(pool, nodes)| allowed(&pool.spec.budgets, nodes)).collect())
    }

    /// Whether pods of a pool's nodes may be moved.
    pub fn moves_pods(&self, pool: usize) -> bool {
        let policy = self.state.scheduler.pools[pool].spec.consolidation_policy;
        policy == ConsolidationPolicy::WhenEmptyOrUnderutilized
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

    /// Stands for everything that a search for something to consolidate depends on.
    pub fn inputs(&self, candidates: &[Candidate]) -> u64 {
        let mut hasher = FxHasher::default();
        self.fingerprint().hash(&mut hasher);
        for candidate in candidates {
            candidate.lease.hash(&mut hasher);
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
