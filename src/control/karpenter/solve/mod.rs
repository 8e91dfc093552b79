//! A scheduling round: which pods would go onto which existing nodes, and which new nodes the rest needs.
//!
//! Source: `pkg/controllers/provisioning/scheduling` of karpenter, about 1.14. A pure function of its input, so that
//! disruption can ask what would happen without some nodes. Each pod in turn is tried on existing nodes, then on the
//! new NodeClaims of the round, then on a NodeClaim of its own; a pod that fits nowhere is tried again with one demand
//! less, and at last put back to the end of the queue.
//!
//! Where the rest of Karpenter's rules has its place: preferred terms are further steps of
//! [`Shape::relaxed`](super::shapes::Shape); topology spread and pod affinity come last in `existing` and `claim`,
//! after the room; reservations and `minValues` at the end of `claim`.

mod claim;
mod compat;
mod existing;
mod limits;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::VecDeque;

pub(super) use claim::by_price;
pub use compat::NarrowedId;

use super::pool::Pool;
use super::prices::PriceBook;
use super::shapes::{ShapeId, Shapes};
use super::types::Offerings;
use crate::catalog::{CapacityType, Requirements, TypeId};
use crate::decide::gosort;
use crate::ledger::{LeaseId, TemplateId};
use crate::sim::{NodeType, RunIndex};
use crate::units::{Cpu, Memory, Resources, Time};
use claim::Claim;
use compat::Compat;
use existing::Existing;
use limits::Remaining;

/// A NodeClaim keeps at most so many instance types (`MaxInstanceTypes`).
pub const MAX_INSTANCE_TYPES: usize = 600;

/// A pod to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pod {
    pub run: RunIndex,
    pub shape: ShapeId,
    pub created: Time,
    pub uid: u64,
    pub origin: Origin,
}

/// Where a pod is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Pending,
    /// On a node that is being deleted.
    DeletingNode,
    /// On a node of which disruption asks what would happen without it.
    Candidate,
}

/// A node that takes pods: Ready, or launched and not yet Ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExistingNode {
    pub lease: LeaseId,
    pub kind: TemplateId,
    pub zone: u8,
    pub initialized: bool,
    /// Stands for its name.
    pub name: u64,
    /// Allocatable less what pods and DaemonSets request.
    pub free: Resources,
    /// Not for pods of candidates: it is still within `consolidateAfter`.
    pub settling: bool,
}

/// Everything that a round is a function of. The order of pods and nodes does not matter.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub pods: &'a [Pod],
    pub nodes: &'a [ExistingNode],
    pub prices: &'a PriceBook,
    /// How many tries there is time for: `Solve` stops after a minute with what it has.
    pub tries: usize,
}

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub claims: Vec<NewClaim>,
    /// Pods for existing nodes, by node in the order of the round.
    pub existing: Vec<(LeaseId, Vec<RunIndex>)>,
    /// Pods that fit nowhere, in the order of the queue.
    pub unplaced: Vec<RunIndex>,
    /// How many tries were made.
    pub tries: usize,
}

/// A node to be launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClaim {
    pub pool: usize,
    /// Places in the pool's types, the cheapest first.
    pub types: Vec<usize>,
    /// What its requirements allow.
    pub offerings: Offerings,
    pub narrowed: NarrowedId,
    /// Of its pods and DaemonSets.
    pub requests: Resources,
    pub pods: Vec<RunIndex>,
}

/// What a kind of node is to Karpenter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindOf {
    pub pool: usize,
    pub pool_type: usize,
    pub instance: TypeId,
    pub capacity_type: CapacityType,
}

/// Karpenter's scheduler: the pools and what has been found out about them and the pods' shapes.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// In the order in which they are tried.
    pub pools: Vec<Pool>,
    pub shapes: Shapes,
    /// By [`TemplateId`]; `None` for nodes that are not Karpenter's.
    kinds: Vec<Option<KindOf>>,
    compat: Compat,
    admitted: existing::Admissions,
}

impl Scheduler {
    /// `pools` in the order of preference; `node_types` are all kinds of nodes of the cluster, Karpenter's or not.
    pub fn new(pools: Vec<Pool>, shapes: Shapes, node_types: &[NodeType], zones: &[String]) -> Self {
        let mut kinds = vec![None; node_types.len()];
        for (pool, prepared) in pools.iter().enumerate() {
            for (pool_type, this) in prepared.types.iter().enumerate() {
                for capacity_type in super::types::CAPACITY_TYPES {
                    if let Some(kind) = this.kind(capacity_type) {
                        let instance = this.instance;
                        kinds[kind as usize] = Some(KindOf { pool, pool_type, instance, capacity_type });
                    }
                }
            }
        }
        let labels = node_types.iter().map(|node_type| node_type.labels.clone()).collect();
        Self {
            compat: Compat::new(&pools, zones),
            admitted: existing::Admissions::new(labels, zones),
            pools,
            shapes,
            kinds,
        }
    }

    pub fn kind(&self, kind: TemplateId) -> Option<KindOf> {
        self.kinds.get(kind as usize).copied().flatten()
    }

    /// What the nodes of a NodeClaim have to be.
    pub fn requirements(&self, narrowed: NarrowedId) -> &Requirements {
        &self.compat.get(narrowed).requirements
    }

    /// Which pools have more than their limits allow.
    pub fn exceeded_pools(&self, nodes: &[ExistingNode]) -> Vec<bool> {
        self.remaining(nodes).iter().map(Remaining::is_exceeded).collect()
    }

    fn remaining(&self, nodes: &[ExistingNode]) -> Vec<Remaining> {
        let mut remaining: Vec<Remaining> =
            self.pools.iter().map(|pool| Remaining::new(&pool.spec.limits)).collect();
        for kind in nodes.iter().filter_map(|node| self.kind(node.kind)) {
            remaining[kind.pool].subtract_node(&self.pools[kind.pool].types[kind.pool_type].capacity);
        }
        remaining
    }

    /// One round.
    pub fn solve(&mut self, input: &Input) -> Plan {
        Round::new(self, input).run(input)
    }
}

/// The queue's order: CPU and memory descending, then the older (in whole seconds), then the smaller UID
/// (`pkg/controllers/provisioning/scheduling/queue.go: byCPUAndMemoryDescending`).
pub fn queue_order(shapes: &Shapes, pod: &Pod) -> (Reverse<Cpu>, Reverse<Memory>, i64, u64) {
    let requests = &shapes.get(pod.shape).requests;
    (Reverse(requests.cpu), Reverse(requests.memory), pod.created.ms().div_euclid(1_000), pod.uid)
}

/// The state of one round.
struct Round<'s> {
    scheduler: &'s mut Scheduler,
    existing: Existing,
    claims: Vec<Claim>,
    remaining: Vec<Remaining>,
    prices: &'s PriceBook,
    /// Shapes for which no new NodeClaim is possible. Limits only shrink, so that does not change within a round.
    no_new_claim: Vec<bool>,
}

impl<'s> Round<'s> {
    fn new(scheduler: &'s mut Scheduler, input: &Input<'s>) -> Self {
        let remaining = scheduler.remaining(input.nodes);
        let shapes = scheduler.shapes.len();
        Self {
            existing: Existing::new(input.nodes, shapes),
            claims: Vec::new(),
            remaining,
            prices: input.prices,
            no_new_claim: vec![false; shapes],
            scheduler,
        }
    }

    fn run(mut self, input: &Input) -> Plan {
        let mut pods = input.pods.to_vec();
        pods.sort_unstable_by_key(|pod| (queue_order(&self.scheduler.shapes, pod), pod.run));
        let mut queue: VecDeque<(Pod, Option<usize>)> = pods.into_iter().map(|pod| (pod, None)).collect();
        let mut tries = 0;
        while let Some((pod, length_then)) = queue.front().copied() {
            // A whole cycle without progress, or no time left.
            if length_then == Some(queue.len()) || tries == input.tries {
                break;
            }
            queue.pop_front();
            tries += 1;
            if !self.place(&pod) {
                let length = queue.len() + 1;
                queue.push_back((pod, Some(length)));
            }
        }
        let unplaced = queue.into_iter().map(|(pod, _)| pod.run).collect();
        let Self { scheduler, existing, claims, prices, .. } = self;
        let claims = claims.into_iter().map(|claim| claim.finalize(scheduler, prices)).collect();
        Plan { claims, existing: existing.into_plan(), unplaced, tries }
    }

    /// Tries a pod, and again with ever fewer demands.
    fn place(&mut self, pod: &Pod) -> bool {
        let mut next = Some(pod.shape);
        while let Some(shape) = next {
            if self.add(&Pod { shape, ..*pod }) {
                return true;
            }
            next = self.scheduler.shapes.get(shape).relaxed;
        }
        false
    }

    fn add(&mut self, pod: &Pod) -> bool {
        let Scheduler { shapes, admitted, .. } = &mut *self.scheduler;
        if self.existing.add(pod, shapes, admitted) {
            return true;
        }
        gosort::sort_by(&mut self.claims, |a, b| a.pods.len() < b.pods.len());
        let Self { scheduler, claims, prices, .. } = self;
        claims.iter_mut().any(|claim| claim.add(pod, scheduler, prices)) || self.open_claim(pod)
    }

    /// A NodeClaim of its own, from the first pool that can.
    fn open_claim(&mut self, pod: &Pod) -> bool {
        if self.no_new_claim[pod.shape as usize] {
            return false;
        }
        for pool in 0..self.scheduler.pools.len() {
            let remaining = &self.remaining[pool];
            if remaining.is_out_of_nodes() {
                continue;
            }
            let mut claim = Claim::new(pool, self.scheduler);
            let types = &self.scheduler.pools[pool].types;
            claim.types.retain(|index| remaining.holds(&types[index].capacity));
            if claim.add(pod, self.scheduler, self.prices) {
                let types = &self.scheduler.pools[pool].types;
                self.remaining[pool].subtract_largest(claim.types.iter().map(|index| &types[index].capacity));
                self.claims.push(claim);
                return true;
            }
        }
        self.no_new_claim[pod.shape as usize] = true;
        false
    }
}
