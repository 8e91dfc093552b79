//! One scheduling round, pod by pod.
//!
//! Source: `scheduler.go: Solve, trySchedule, add`, `queue.go`. Each pod in turn is tried on existing nodes, then on the
//! new NodeClaims of the round, then on a NodeClaim of its own; a pod that fits nowhere is tried again with one wish
//! less, and at last put back to the end of the queue, with all of its wishes. The round is over when the queue is empty
//! or a whole cycle has brought no progress.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::bits::Bits;
use super::super::model::{
    Input, MAX_INSTANCE_TYPES, MinValuesPolicy, NewClaim, Plan, Pod, PodError, RESERVATION_ID, ReservedMode,
    ShapeId,
};
use super::claim::{Claim, Refused};
use super::claim_order::ClaimOrder;
use super::context::{ClassId, Context};
use super::existing::Existing;
use super::limits::Remaining;
use super::{Scheduler, explain, min_values};
use crate::catalog::{CapacityType, Requirement, Requirements, labels};
use crate::decide::gosort;
use crate::kube::{CPU, MEMORY, ResourceList};

/// Why pods get no node if too few of its types are left.
const TOO_FEW: &str = "pod didn't schedule because NodePool couldn't meet minValues requirements";

/// Why a pod could not be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Asking for less may help.
    Unplaceable,
    /// It waits for reserved capacity, and asks for no less.
    Reserved,
}

pub(super) struct Round<'s> {
    context: Context<'s>,
    existing: Existing,
    claims: Vec<Claim>,
    order: ClaimOrder,
    remaining: Vec<Remaining>,
    /// By pool: types that a new node may have, as far as limits go.
    within_limits: Vec<Bits>,
    mode: ReservedMode,
    policy: MinValuesPolicy,
    /// By class: NodeClaims that have refused it for good.
    refused: Vec<Bits>,
    /// By class: no new NodeClaim is possible, for good.
    no_new_claim: Vec<bool>,
}

impl<'s> Round<'s> {
    pub fn new(scheduler: &'s mut Scheduler, input: &Input<'s>) -> Self {
        let remaining = scheduler.remaining(input.nodes);
        let policy = scheduler.options.min_values;
        let mut context = Context::new(scheduler, input);
        let existing = Existing::new(input.nodes, &mut context);
        let mut round = Self {
            existing,
            claims: Vec::new(),
            order: ClaimOrder::default(),
            within_limits: vec![Bits::default(); remaining.len()],
            remaining,
            mode: input.reserved,
            policy,
            refused: Vec::new(),
            no_new_claim: Vec::new(),
            context,
        };
        for pool in 0..round.remaining.len() {
            round.apply_limits(pool);
        }
        round
    }

    fn apply_limits(&mut self, pool: usize) {
        let types = &self.context.scheduler.pools[pool].types;
        let holds = |index: &usize| self.remaining[pool].holds(&types[*index].capacity);
        self.within_limits[pool] = Bits::of(types.len(), (0..types.len()).filter(holds));
    }

    pub fn run(mut self, input: &Input) -> Plan {
        let mut pods = input.pods.to_vec();
        let shapes = &self.context.scheduler.shapes;
        let requests = |pod: &Pod| &shapes.demand(shapes.demand_id(pod.shape)).requests;
        pods.sort_by_cached_key(|pod| (queue_order(requests(pod), pod), pod.id));
        let mut queue: VecDeque<(Pod, Option<usize>)> = pods.into_iter().map(|pod| (pod, None)).collect();
        let mut failures: FxHashMap<u32, Failure> = FxHashMap::default();
        let mut tries = 0;
        while let Some((pod, length_then)) = queue.front().copied() {
            // A whole cycle without progress, or no time left.
            if length_then == Some(queue.len()) || input.tries.is_some_and(|most| tries >= most) {
                break;
            }
            queue.pop_front();
            tries += 1;
            match self.place(&pod) {
                Ok(()) => {
                    failures.remove(&pod.id);
                }
                Err(failure) => {
                    failures.insert(pod.id, failure);
                    let length = queue.len() + 1;
                    queue.push_back((pod, Some(length)));
                }
            }
        }
        let left: Vec<Pod> = queue.into_iter().map(|(pod, _)| pod).collect();
        self.finish(input, &left, &failures, tries)
    }

    /// Tries a pod, and again with ever fewer wishes.
    fn place(&mut self, pod: &Pod) -> Result<(), Failure> {
        let mut shape = pod.shape;
        loop {
            match self.add(&Pod { shape, ..*pod }) {
                Err(Failure::Unplaceable) => {
                    let relaxed = self.context.scheduler.shapes.relaxed(shape);
                    shape = relaxed.ok_or(Failure::Unplaceable)?;
                }
                done => return done,
            }
        }
    }

    fn add(&mut self, pod: &Pod) -> Result<(), Failure> {
        let class = self.context.class(pod.shape);
        if self.existing.add(pod, class, &mut self.context) {
            return Ok(());
        }
        self.order.sort();
        if self.add_to_claim(pod, class) {
            return Ok(());
        }
        self.open_claim(pod, class)
    }

    /// The first of the round's NodeClaims that takes the pod, those with the fewest pods first.
    fn add_to_claim(&mut self, pod: &Pod, class_id: ClassId) -> bool {
        let class = self.context.get(class_id);
        let monotone = self.context.is_monotone(class_id);
        if self.refused.len() <= class_id as usize {
            self.refused.resize(class_id as usize + 1, Bits::default());
            self.no_new_claim.resize(class_id as usize + 1, false);
        }
        let mut refusing = Bits::default();
        for place in 0..self.order.len() {
            let index = self.order.at(place);
            if self.refused[class_id as usize].contains(index)
                || refusing.contains(self.claims[index].set as usize)
            {
                continue;
            }
            let claim = &mut self.claims[index];
            match claim.can_add(&mut self.context, &class, self.mode, self.policy) {
                Ok(accepted) => {
                    let before = claim.set;
                    claim.add(&mut self.context, &class, pod.shape, pod.id, accepted);
                    self.order.grow(place);
                    let now = claim.set;
                    if now != before && self.context.scheduler.sets.knows_more(before, now, false) {
                        // Who was refused for want of a label may be taken now.
                        self.refused.iter_mut().for_each(|refused| refused.remove(index));
                    }
                    return true;
                }
                Err(refusal) => {
                    if refusal == Refused::Topology {
                        refusing.insert(claim.set as usize);
                    }
                    let for_good = match refusal {
                        Refused::Host | Refused::Topology | Refused::MinValues => monotone,
                        Refused::Types { for_good } => for_good || monotone,
                        Refused::Taints | Refused::Requirements => true,
                        Refused::Reserved => false,
                    };
                    if for_good {
                        self.refused[class_id as usize].insert(index);
                    }
                }
            }
        }
        false
    }

    /// A NodeClaim of its own, from the first pool that can.
    fn open_claim(&mut self, pod: &Pod, class_id: ClassId) -> Result<(), Failure> {
        if self.no_new_claim[class_id as usize] {
            return Err(Failure::Unplaceable);
        }
        let class = self.context.get(class_id);
        let host = self.context.topology.hosts.len() as u32;
        self.context.topology.hosts.push(format!("hostname-placeholder-{:04}", self.claims.len() + 1));
        for pool in 0..self.remaining.len() {
            if self.remaining[pool].is_out_of_nodes() || self.within_limits[pool].is_empty() {
                continue;
            }
            let set = self.context.scheduler.templates[pool];
            let mut types = self.within_limits[pool].clone();
            types.intersect(&self.context.scheduler.usable(pool, set));
            let mut claim = Claim::new(pool, set, types, host);
            match claim.can_add(&mut self.context, &class, self.mode, self.policy) {
                Ok(accepted) => {
                    claim.add(&mut self.context, &class, pod.shape, pod.id, accepted);
                    if !self.remaining[pool].is_unlimited() {
                        let all = &self.context.scheduler.pools[pool].types;
                        let capacities = claim.types.iter().map(|index| &all[index].capacity);
                        self.remaining[pool].subtract_largest(capacities);
                        self.apply_limits(pool);
                    }
                    self.claims.push(claim);
                    self.order.push();
                    return Ok(());
                }
                Err(Refused::Reserved) => {
                    self.context.topology.hosts.pop();
                    return Err(Failure::Reserved);
                }
                Err(_) => {}
            }
        }
        self.context.topology.hosts.pop();
        self.no_new_claim[class_id as usize] = self.context.is_monotone(class_id);
        Err(Failure::Unplaceable)
    }

    fn finish(
        mut self,
        input: &Input,
        left: &[Pod],
        failures: &FxHashMap<u32, Failure>,
        tries: usize,
    ) -> Plan {
        let mut reasons: FxHashMap<ShapeId, String> = FxHashMap::default();
        let mut errors = Vec::new();
        for pod in left {
            let Some(failure) = failures.get(&pod.id) else {
                // Its turn never came.
                errors.push(PodError { pod: pod.id, reason: String::new(), is_reserved: false });
                continue;
            };
            let reason = if input.explain {
                reasons.entry(pod.shape).or_insert_with(|| self.explain(pod.shape)).clone()
            } else {
                String::new()
            };
            errors.push(PodError { pod: pod.id, reason, is_reserved: *failure == Failure::Reserved });
        }
        let Self { mut context, existing, claims, order, policy, .. } = self;
        let mut finals = Finals::default();
        let mut planned = Vec::with_capacity(claims.len());
        let mut claims: Vec<Option<Claim>> = claims.into_iter().map(Some).collect();
        for index in order.iter() {
            let Some(claim) = claims[index].take() else { continue };
            match finals.finalize(claim, &mut context, policy) {
                Ok(claim) => planned.push(claim),
                Err(pods) => {
                    let error = |pod| PodError { pod, reason: TOO_FEW.to_owned(), is_reserved: false };
                    errors.extend(pods.into_iter().map(error));
                }
            }
        }
        Plan { claims: planned, existing: existing.into_plan(), errors, tries }
    }

    /// Why a pod that asks for nothing that it could do without fits no pool.
    fn explain(&mut self, mut shape: ShapeId) -> String {
        while let Some(relaxed) = self.context.scheduler.shapes.relaxed(shape) {
            shape = relaxed;
        }
        let class = self.context.class(shape);
        let class = self.context.get(class);
        let host = self.context.topology.hosts.len() as u32;
        self.context.topology.hosts.push("hostname-placeholder".to_owned());
        let mut reasons = Vec::new();
        for pool in 0..self.remaining.len() {
            let set = self.context.scheduler.templates[pool];
            let usable = self.context.scheduler.usable(pool, set);
            if usable.is_empty() {
                continue;
            }
            let mut types = self.within_limits[pool].clone();
            types.intersect(&usable);
            let name = &self.context.scheduler.pools[pool].name;
            if self.remaining[pool].is_out_of_nodes() {
                reasons.push(explain::out_of_nodes(name));
            } else if types.is_empty() {
                reasons.push(explain::beyond_limits(name));
            } else {
                let claim = Claim::new(pool, set, types, host);
                if let Err(refusal) = claim.can_add(&mut self.context, &class, self.mode, self.policy) {
                    reasons.push(explain::refusal(&mut self.context, &claim, &class, refusal));
                }
            }
        }
        self.context.topology.hosts.pop();
        if reasons.is_empty() { explain::NO_TYPES.to_owned() } else { reasons.join("; ") }
    }
}

/// The queue's order: CPU and memory descending, then the older (in whole seconds), then the smaller UID
/// (`queue.go: byCPUAndMemoryDescending`).
pub fn queue_order(requests: &ResourceList, pod: &Pod) -> (Reverse<i64>, Reverse<i64>, i64, u64) {
    (Reverse(requests[CPU]), Reverse(requests[MEMORY]), pod.created.ms().div_euclid(1_000), pod.uid)
}

type Final = (Arc<[usize]>, ResourceList);

/// What claims with the same types and requirements have in common in the end.
#[derive(Default)]
struct Finals {
    /// By pool, requirements and types: the types in order, and what DaemonSets take.
    known: FxHashMap<(usize, u32, Bits), Final>,
}

impl Finals {
    /// What is to be launched (`FinalizeScheduling`, `TruncateInstanceTypes`); or, if too few types are left to meet
    /// `minValues`, the pods that get none.
    fn finalize(
        &mut self,
        claim: Claim,
        context: &mut Context,
        policy: MinValuesPolicy,
    ) -> Result<NewClaim, Vec<u32>> {
        let set = reserved_set(&claim, context);
        let Claim { pool, types, requests, pods, relaxed_min_values, .. } = claim;
        let key = (pool, set, types);
        if !self.known.contains_key(&key) {
            let (order, daemons) = ordered(context, pool, set, &key.2);
            self.known.insert(key.clone(), (order, daemons));
        }
        let (types, daemons) = self.known[&key].clone();
        let requirements = context.scheduler.sets.get(set).clone();
        if policy == MinValuesPolicy::Strict && context.scheduler.sets.has_min_values(set) {
            let all = &context.scheduler.pools[pool].types;
            if !min_values::unsatisfied(all, types.iter().copied(), &requirements).is_empty() {
                return Err(pods);
            }
        }
        Ok(NewClaim { pool, types, requirements, requests: requests + daemons, pods, relaxed_min_values })
    }
}

/// What a claim requires in the end: if it holds reservations, to be launched into one of them.
fn reserved_set(claim: &Claim, context: &mut Context) -> u32 {
    if claim.reserved.is_empty() {
        return claim.set;
    }
    let mut requirements = Requirements::clone(context.scheduler.sets.get(claim.set));
    requirements.remove(labels::CAPACITY_TYPE);
    requirements.add(labels::CAPACITY_TYPE, Requirement::one_of([CapacityType::Reserved.label()]));
    let ids = context.reservations.names(&claim.reserved);
    requirements.add(RESERVATION_ID, Requirement::one_of(ids));
    context.scheduler.sets.intern(requirements)
}

/// The types by price, as many as a NodeClaim keeps, and the least that DaemonSets take of one; types without any do not
/// count if there are others.
fn ordered(context: &mut Context, pool: usize, set: u32, types: &Bits) -> (Arc<[usize]>, ResourceList) {
    let Scheduler { pools, sets, offering_kinds, overheads, .. } = &mut *context.scheduler;
    let allowed = sets.offerings(set);
    let mut priced: Vec<(f64, usize)> = types
        .iter()
        .map(|index| {
            let offerings = pools[pool].types[index].offerings.iter().zip(&offering_kinds[pool][index]);
            let possible =
                offerings.filter(|(offering, kind)| offering.is_available && allowed.contains(**kind));
            (possible.map(|(offering, _)| offering.price).fold(f64::MAX, f64::min), index)
        })
        .collect();
    gosort::sort_by(&mut priced, |a, b| a.0 < b.0);
    priced.truncate(MAX_INSTANCE_TYPES);
    let daemons = types.iter().map(|index| &overheads[pool][index].requests).filter(|list| !list.is_zero());
    let least = daemons.copied().reduce(|a, b| ResourceList::min(&a, &b)).unwrap_or_default();
    (priced.into_iter().map(|(_, index)| index).collect(), least)
}
