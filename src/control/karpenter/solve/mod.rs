//! Scheduling rounds of the simulation: what the decider ([`crate::decide::karpenter::solve`]) is told of the simulated
//! cluster, and what its plan means there.

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::pool::Pool;
use super::prices::PriceBook;
use super::types::{CAPACITY_TYPES, Offerings};
use crate::catalog::{CapacityType, Requirement, Requirements, TypeId, labels};
use crate::control::Offer;
pub use crate::decide::karpenter::model::Origin;
use crate::decide::karpenter::model::{self, NodeKindId, Options, ReservedMode, ShapeId};
use crate::decide::karpenter::solve as decider;
use crate::kube::{PodSpec, ResourceList};
use crate::ledger::{LeaseId, TemplateId};
use crate::sim::kube_scheduler::NodeLabels;
use crate::sim::{NodeType, RunIndex};
use crate::units::{Rate, Resources, Time};
use crate::workload::ClassId;

/// What a NodeClaim requires, as a number: see [`Scheduler::requirements`].
pub type NarrowedId = u32;

/// A pod to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pod {
    pub run: RunIndex,
    pub shape: ShapeId,
    pub created: Time,
    pub uid: u64,
    pub origin: Origin,
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

/// A pod on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundPod {
    pub run: RunIndex,
    pub class: ClassId,
    pub lease: LeaseId,
    pub kind: TemplateId,
    pub zone: u8,
}

/// Everything that a round is a function of. The order of pods and nodes does not matter.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub pods: &'a [Pod],
    pub nodes: &'a [ExistingNode],
    pub prices: &'a PriceBook,
    /// Pods that have a node; those that are among `pods` do not count there.
    pub bound: &'a [BoundPod],
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
    pub requests: ResourceList,
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

/// Karpenter's scheduler and what it knows of the simulated cluster.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// In the order in which they are tried.
    pub pools: Vec<Pool>,
    zones: Vec<String>,
    decider: decider::Scheduler,
    /// By class of pods.
    shapes: Vec<ShapeId>,
    specs: Vec<Arc<PodSpec>>,
    /// By [`TemplateId`]; `None` for nodes that are not Karpenter's.
    kinds: Vec<Option<KindOf>>,
    labels: Vec<NodeLabels>,
    /// By kind and zone, when first needed.
    node_kinds: FxHashMap<(TemplateId, u8), NodeKindId>,
    narrowed: Vec<(Arc<Requirements>, Offerings)>,
    known_narrowed: FxHashMap<Arc<Requirements>, NarrowedId>,
    /// The state of the price book that the decider knows.
    prices: Option<u64>,
}

impl Scheduler {
    /// `pools` in the order of preference; `specs` of each class of pods; `node_types` are all kinds of nodes of the
    /// cluster, Karpenter's or not.
    pub fn new(
        pools: Vec<Pool>,
        specs: &[Arc<PodSpec>],
        node_types: &[NodeType],
        zones: &[String],
        options: Options,
    ) -> Self {
        let mut kinds = vec![None; node_types.len()];
        for (pool, prepared) in pools.iter().enumerate() {
            for (pool_type, this) in prepared.types.iter().enumerate() {
                for capacity_type in CAPACITY_TYPES {
                    if let Some(kind) = this.kind(capacity_type) {
                        let instance = this.instance;
                        kinds[kind as usize] = Some(KindOf { pool, pool_type, instance, capacity_type });
                    }
                }
            }
        }
        let daemon_sets: Vec<_> = pools.iter().flat_map(translate::daemon_sets).collect();
        let models = pools.iter().map(|pool| translate::node_pool(pool, zones)).collect();
        let mut decider = decider::Scheduler::new(models, &daemon_sets, options);
        Self {
            shapes: specs.iter().map(|spec| decider.shape(spec)).collect(),
            specs: specs.to_vec(),
            decider,
            zones: zones.to_vec(),
            kinds,
            labels: node_types.iter().map(|node_type| node_type.labels.clone()).collect(),
            pools,
            node_kinds: FxHashMap::default(),
            narrowed: Vec::new(),
            known_narrowed: FxHashMap::default(),
            prices: None,
        }
    }

    pub fn shape(&self, class: ClassId) -> ShapeId {
        self.shapes[class as usize]
    }

    /// Whether any pod's place depends on where others are.
    pub fn has_topology(&self) -> bool {
        self.specs.iter().any(|spec| spec.has_topology())
    }

    pub fn kind(&self, kind: TemplateId) -> Option<KindOf> {
        self.kinds.get(kind as usize).copied().flatten()
    }

    /// What the nodes of a NodeClaim have to be.
    pub fn requirements(&self, narrowed: NarrowedId) -> &Requirements {
        &self.narrowed[narrowed as usize].0
    }

    /// Which pools have more than their limits allow.
    pub fn exceeded_pools(&mut self, nodes: &[ExistingNode]) -> Vec<bool> {
        let nodes: Vec<_> = nodes.iter().map(|node| self.node(node)).collect();
        self.decider.exceeded_pools(&nodes)
    }

    /// A pool's types in the decider's words, at the prices of the book.
    pub fn types(&mut self, prices: &PriceBook, pool: usize) -> &[model::InstanceType] {
        self.learn(prices);
        &self.decider.pools[pool].types
    }

    /// What an offering of a type is called in a launch.
    pub fn offer(&self, pool: usize, pool_type: usize, offering: usize) -> Option<Offer> {
        let this = &self.pools[pool].types[pool_type];
        let (capacity_type, zone) = translate::offerings(this, self.zones.len()).nth(offering)?;
        Some(Offer { kind: this.kind(capacity_type)?, zone })
    }

    /// One round.
    pub fn solve(&mut self, input: &Input) -> Plan {
        self.learn(input.prices);
        // Hostnames only matter where others do.
        let counts_hosts = self.has_topology();
        let name = |lease: LeaseId| if counts_hosts { format!("node-{lease}") } else { String::new() };
        let names: Vec<String> = input.nodes.iter().map(|node| name(node.lease)).collect();
        let nodes: Vec<_> = input.nodes.iter().map(|node| self.node(node)).collect();
        let named = nodes.into_iter().zip(&names).map(|(node, name)| model::ExistingNode {
            hostname: counts_hosts.then_some(name.as_str()),
            ..node
        });
        let nodes: Vec<model::ExistingNode> = named.collect();
        let moving: FxHashSet<RunIndex> = input.pods.iter().map(|pod| pod.run).collect();
        let staying: Vec<&BoundPod> = input.bound.iter().filter(|pod| !moving.contains(&pod.run)).collect();
        let homes: Vec<(NodeKindId, String)> =
            staying.iter().map(|pod| (self.node_kind(pod.kind, pod.zone), name(pod.lease))).collect();
        let specs = std::mem::take(&mut self.specs);
        let bound = staying.iter().zip(&homes).map(|(pod, (node, hostname))| model::BoundPod {
            spec: &specs[pod.class as usize],
            node: *node,
            hostname: Some(hostname),
        });
        let bound: Vec<model::BoundPod> = bound.collect();
        let pod = |pod: &Pod| model::Pod {
            id: pod.run,
            shape: pod.shape,
            created: pod.created,
            uid: pod.uid,
            origin: pod.origin,
        };
        let pods: Vec<_> = input.pods.iter().map(pod).collect();
        // Nothing is reserved here.
        let plan = self.decider.solve(&model::Input {
            pods: &pods,
            nodes: &nodes,
            bound: &bound,
            reserved: ReservedMode::Strict,
            tries: Some(input.tries),
            explain: false,
        });
        self.specs = specs;
        Plan {
            claims: plan.claims.into_iter().map(|claim| self.claim(claim)).collect(),
            existing: plan.existing,
            unplaced: plan.errors.iter().map(|error| error.pod).collect(),
            tries: plan.tries,
        }
    }

    /// Brings the decider's prices up to date.
    fn learn(&mut self, prices: &PriceBook) {
        if self.prices == Some(prices.version()) {
            return;
        }
        self.prices = Some(prices.version());
        let zones = self.zones.len();
        for (index, pool) in self.pools.iter().enumerate() {
            for (pool_type, this) in pool.types.iter().enumerate() {
                let available = prices.available(this.instance);
                for (offering, (capacity_type, zone)) in translate::offerings(this, zones).enumerate() {
                    let price =
                        prices.price(this.instance, capacity_type, zone).map_or(f64::MAX, Rate::to_f64);
                    let is_available = available.contains(capacity_type, zone);
                    self.decider.set_offering(index, pool_type, offering, price, is_available);
                }
            }
        }
    }

    fn node_kind(&mut self, kind: TemplateId, zone: u8) -> NodeKindId {
        let Self { decider, labels, zones, node_kinds, .. } = self;
        let of_kind = || translate::node_kind(decider, &labels[kind as usize], zones.get(usize::from(zone)));
        *node_kinds.entry((kind, zone)).or_insert_with(of_kind)
    }

    fn node(&mut self, node: &ExistingNode) -> model::ExistingNode<'static> {
        let node_kind = self.node_kind(node.kind, node.zone);
        let of = self.kind(node.kind);
        let this = of.map(|of| (of.pool, &self.pools[of.pool].types[of.pool_type]));
        model::ExistingNode {
            id: node.lease,
            name: node.name,
            hostname: None,
            kind: node_kind,
            initialized: node.initialized,
            registered: true,
            available: node.free.into(),
            // They are taken off already.
            daemon_requests: this.map_or(ResourceList::ZERO, |(_, this)| this.daemons.into()),
            host_ports: &[],
            limited: this.map(|(pool, this)| (pool, this.capacity.into())),
            settling: node.settling,
        }
    }

    fn claim(&mut self, claim: model::NewClaim) -> NewClaim {
        let narrowed = self.narrowed(&claim.requirements);
        NewClaim {
            pool: claim.pool,
            types: claim.types.to_vec(),
            offerings: self.narrowed[narrowed as usize].1,
            narrowed,
            requests: claim.requests,
            pods: claim.pods,
        }
    }

    fn narrowed(&mut self, requirements: &Arc<Requirements>) -> NarrowedId {
        if let Some(known) = self.known_narrowed.get(requirements) {
            return *known;
        }
        let allows = |key: &str, value: &str| {
            requirements.get(key).is_none_or(|allowed: &Requirement| allowed.allows(value))
        };
        let mut offerings = Offerings::NONE;
        for capacity_type in CAPACITY_TYPES {
            for (zone, name) in self.zones.iter().enumerate() {
                if allows(labels::CAPACITY_TYPE, capacity_type.label()) && allows(labels::ZONE, name) {
                    offerings.insert(capacity_type, zone as u8);
                }
            }
        }
        self.narrowed.push((requirements.clone(), offerings));
        let id = self.narrowed.len() as NarrowedId - 1;
        self.known_narrowed.insert(requirements.clone(), id);
        id
    }
}
