//! A scheduling round: which pods would go onto which existing nodes, and which new nodes the rest needs.
//!
//! Source: `pkg/controllers/provisioning/scheduling` of karpenter, about 1.14. A pure function of its input, so that
//! disruption can ask what would happen without some nodes. [`round`] is the loop over pods, [`existing`] and [`claim`]
//! are where they may go, [`topology`] what they want of each other, [`relax`] what they give up. What only depends on
//! pools and pods' specs is worked out once: [`shapes`], [`requirement_sets`], [`fit`], [`daemons`].
//!
//! Not followed: volumes, and devices of Dynamic Resource Allocation.

mod claim;
mod claim_order;
mod context;
mod daemons;
mod existing;
mod explain;
mod fit;
#[cfg(test)]
pub(super) mod fixture;
mod limits;
mod min_values;
#[cfg(test)]
mod property_tests;
mod relax;
mod requirement_sets;
mod reservations;
mod round;
mod shapes;
#[cfg(test)]
mod tests;
mod topology;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::bits::Bits;
use super::model::{ExistingNode, Input, NodeKindId, NodePool, Options, Plan, ShapeId};
use crate::catalog::{Requirements, labels};
use crate::kube::{Labels, PodSpec, ResourceList, Taint, TaintEffect};
use daemons::{Daemons, Overhead, tolerates};
use fit::Fit;
use limits::Remaining;
pub use min_values::unsatisfied as unsatisfied_min_values;
use requirement_sets::{RequirementSets, SetId};
use round::Round;
pub use round::queue_order;
use shapes::{ConstraintId, Shapes, label_requirements};

/// Karpenter's scheduler: the pools, and what has been found out about them and the pods' shapes.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// By weight, then by name, both descending: the order in which they are tried. Static ones are left out. Not to be
    /// changed, but by [`Scheduler::set_offering`].
    pub pools: Vec<NodePool>,
    options: Options,
    sets: RequirementSets,
    shapes: Shapes,
    /// By pool: its template.
    templates: Vec<SetId>,
    /// By pool and type: what DaemonSets take.
    overheads: Vec<Vec<Overhead>>,
    /// By pool.
    fits: Vec<Fit>,
    /// By pool, type and offering.
    offering_kinds: Vec<Vec<Vec<usize>>>,
    daemons: Daemons,
    nodes: Vec<NodeKind>,
    known_nodes: FxHashMap<(SetId, Vec<Taint>), NodeKindId>,
    tolerated: FxHashMap<(usize, ConstraintId), bool>,
    market: Market,
}

/// What can be had at present, as far as it has been asked.
#[derive(Clone, Debug, Default)]
struct Market {
    /// Kinds of offerings that are available, by pool and type.
    available: Vec<Vec<Bits>>,
    /// Types of a pool that can meet a combination of requirements and can be had.
    usable: FxHashMap<(usize, SetId), Arc<Bits>>,
}

/// Nodes with the same labels, the hostname apart, and the same taints.
#[derive(Clone, Debug)]
struct NodeKind {
    set: SetId,
    taints: Vec<Taint>,
    /// What DaemonSets are expected to take of it.
    daemons: ResourceList,
}

impl Scheduler {
    /// `daemon_sets`: a pod of each DaemonSet, in an order that does not change.
    pub fn new(pools: Vec<NodePool>, daemon_sets: &[Arc<PodSpec>], options: Options) -> Self {
        let mut pools: Vec<NodePool> = pools.into_iter().filter(|pool| !pool.is_static).collect();
        pools.sort_by(by_preference);
        let mut sets = RequirementSets::default();
        let mut daemons = Daemons::new(daemon_sets);
        let soft = |taint: &Taint| taint.effect == TaintEffect::PreferNoSchedule;
        let shapes = Shapes::new(options.preferences, pools.iter().flat_map(|pool| &pool.taints).any(soft));
        let overheads: Vec<Vec<Overhead>> = pools.iter().map(|pool| daemons.of_pool(pool)).collect();
        let fits = pools.iter().zip(&overheads).map(|(pool, overheads)| {
            let requests: Vec<ResourceList> = overheads.iter().map(|overhead| overhead.requests).collect();
            Fit::new(&pool.types, &requests)
        });
        let mut kinds_of = |pool: &NodePool| {
            let of_type = |this: &super::model::InstanceType| {
                this.offerings.iter().map(|offering| sets.kind(&offering.requirements)).collect()
            };
            pool.types.iter().map(of_type).collect()
        };
        Self {
            offering_kinds: pools.iter().map(&mut kinds_of).collect(),
            fits: fits.collect(),
            templates: pools.iter().map(|pool| sets.intern(pool.template.clone())).collect(),
            pools,
            options,
            sets,
            shapes,
            overheads,
            daemons,
            nodes: Vec::new(),
            known_nodes: FxHashMap::default(),
            tolerated: FxHashMap::default(),
            market: Market::default(),
        }
    }

    /// Changes the price and the availability of an offering, for the rounds to come.
    pub fn set_offering(
        &mut self,
        pool: usize,
        pool_type: usize,
        offering: usize,
        price: f64,
        is_available: bool,
    ) {
        let offering = &mut self.pools[pool].types[pool_type].offerings[offering];
        if offering.is_available != is_available {
            self.market = Market::default();
        }
        (offering.price, offering.is_available) = (price, is_available);
    }

    /// Types of a pool that can meet a combination of requirements and can be had.
    fn usable(&mut self, pool: usize, set: SetId) -> Arc<Bits> {
        let Self { pools, sets, offering_kinds, market: Market { available, usable }, .. } = self;
        if let Some(known) = usable.get(&(pool, set)) {
            return known.clone();
        }
        if available.is_empty() {
            *available =
                pools.iter().zip(offering_kinds).map(|(pool, kinds)| available_kinds(pool, kinds)).collect();
        }
        let offerings = sets.offerings(set);
        let mut types = Bits::clone(&sets.types(pool, pools, set));
        types.retain(|index| available[pool][index].overlaps(&offerings));
        let types = Arc::new(types);
        usable.insert((pool, set), types.clone());
        types
    }

    /// Makes a pod's spec known.
    pub fn shape(&mut self, spec: &Arc<PodSpec>) -> ShapeId {
        self.shapes.of(spec)
    }

    /// Makes labels (the hostname is left out) and taints of nodes known.
    pub fn node_kind(&mut self, all: &Labels, taints: &[Taint]) -> NodeKindId {
        let requirements: Requirements =
            label_requirements(all.iter().filter(|(key, _)| *key != labels::HOSTNAME));
        let set = self.sets.intern(requirements.clone());
        let key = (set, taints.to_vec());
        if let Some(known) = self.known_nodes.get(&key) {
            return *known;
        }
        let daemons = self.daemons.of_node(&requirements, taints);
        self.nodes.push(NodeKind { set, taints: taints.to_vec(), daemons });
        let id = self.nodes.len() as NodeKindId - 1;
        self.known_nodes.insert(key, id);
        id
    }

    /// Which pools have more than their limits allow: no NodeClaim is created for them.
    pub fn exceeded_pools(&self, nodes: &[ExistingNode]) -> Vec<bool> {
        self.remaining(nodes).iter().map(Remaining::is_exceeded).collect()
    }

    /// What DaemonSets take of a new node of a type.
    pub fn daemon_overhead(&self, pool: usize, pool_type: usize) -> &ResourceList {
        &self.overheads[pool][pool_type].requests
    }

    /// One round.
    pub fn solve(&mut self, input: &Input) -> Plan {
        Round::new(self, input).run(input)
    }

    fn remaining(&self, nodes: &[ExistingNode]) -> Vec<Remaining> {
        let mut remaining: Vec<Remaining> =
            self.pools.iter().map(|pool| Remaining::new(&pool.limits)).collect();
        for (pool, capacity) in nodes.iter().filter_map(|node| node.limited.as_ref()) {
            if let Some(remaining) = remaining.get_mut(*pool) {
                remaining.subtract_node(capacity);
            }
        }
        remaining
    }

    fn narrow(&mut self, set: SetId, constraint: ConstraintId, exists: bool) -> Option<SetId> {
        self.sets.narrow(set, constraint, self.shapes.constraint(constraint), exists)
    }

    fn tolerated(&mut self, pool: usize, constraint: ConstraintId) -> bool {
        let taints = &self.pools[pool].taints;
        let tolerations = &self.shapes.constraint(constraint).tolerations;
        let answer = || tolerates(tolerations, taints);
        taints.is_empty() || *self.tolerated.entry((pool, constraint)).or_insert_with(answer)
    }
}

/// The kinds of available offerings of each type.
fn available_kinds(pool: &NodePool, kinds: &[Vec<usize>]) -> Vec<Bits> {
    let of_type = |(this, kinds): (&super::model::InstanceType, &Vec<usize>)| {
        let offered = this.offerings.iter().zip(kinds).filter(|(offering, _)| offering.is_available);
        Bits::of(0, offered.map(|(_, kind)| *kind))
    };
    pool.types.iter().zip(kinds).map(of_type).collect()
}

/// The order in which pools are tried (`pkg/utils/nodepool: OrderByWeight`).
fn by_preference(a: &NodePool, b: &NodePool) -> std::cmp::Ordering {
    (b.weight, &b.name).cmp(&(a.weight, &a.name))
}
