//! A small made-up world for tests: round types, round prices, three zones.

use std::sync::Arc;

use super::pool::{Pool, PoolType, template};
use super::prices::PriceBook;
use super::solve::{ExistingNode, Input, Origin, Plan, Pod, Scheduler};
use super::types::CAPACITY_TYPES;
use crate::catalog::{CapacityType, Requirement, Requirements, TypeId, labels};
use crate::decide::karpenter::model::Options;
use crate::ledger::{Machine, NodeTemplate, Role};
use crate::platform::{self, NodePool};
use crate::sim::kube_scheduler::NodeLabels;
use crate::sim::{NodeType, PullRates};
use crate::trace::{OwnerKind, PodArch, Word, Words};
use crate::units::{Cpu, Memory, Rate, Resources, Time};
use crate::workload::{PodClass, Workload};

/// An instance type of so many cores and GiB, all of which pods can have.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    pub name: &'static str,
    pub arch: &'static str,
    pub cores: i64,
    pub gib: i64,
    /// USD an hour in every zone; empty if not sold so.
    pub on_demand: &'static str,
    pub spot: &'static str,
    /// What DaemonSets take of it, in thousandths of a core.
    pub daemons: i64,
    pub exotic: bool,
}

pub fn kind(name: &'static str, cores: i64, gib: i64, on_demand: &'static str) -> Type {
    Type { name, arch: "amd64", cores, gib, on_demand, spot: "", daemons: 0, exotic: false }
}

#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub milli: i64,
    pub gib: i64,
    pub selector: &'static str,
    pub tolerations: &'static str,
    pub interruptible: bool,
    pub created_ms: i64,
    pub uid: u64,
}

/// A pod of so many thousandths of a core and GiB.
pub fn ask(milli: i64, gib: i64) -> Ask {
    Ask { milli, gib, selector: "", tolerations: "", interruptible: true, created_ms: 0, uid: 0 }
}

/// The same pod for nodes with this label.
pub fn only(selector: &'static str, ask: Ask) -> Ask {
    Ask { selector, ..ask }
}

pub fn pool(name: &str, weight: u32) -> NodePool {
    NodePool { name: name.to_owned(), weight, requirements: Vec::new(), ..NodePool::default() }
}

pub fn resources(milli: i64, gib: i64, pods: i64) -> Resources {
    let (cpu, memory) = (Cpu::from_milli(milli), Memory::from_gib(gib));
    Resources { cpu, memory, ephemeral: Memory::ZERO, pods }
}

pub const ZONES: [&str; 3] = ["z-a", "z-b", "z-c"];

#[derive(Clone, Debug)]
pub struct World {
    pub scheduler: Scheduler,
    pub prices: PriceBook,
    /// In the order in which they were given; `run` is the index.
    pub pods: Vec<Pod>,
}

impl World {
    /// Pools in the order of preference, each with its types by name.
    pub fn new(pools: &[(NodePool, Vec<Type>)], pods: &[Ask]) -> Self {
        let mut words = Words::default();
        let classes: Vec<PodClass> = pods.iter().map(|ask| class(ask, &mut words)).collect();
        let mut node_types: Vec<NodeType> = Vec::new();
        let mut known: Vec<Type> = Vec::new();
        let mut prepared = Vec::new();
        for (spec, types) in pools {
            let template = template(spec);
            let mut pool_types = Vec::new();
            for this in types {
                let at = known.iter().position(|other| other.name == this.name);
                let instance = TypeId(at.unwrap_or(known.len()) as u32);
                if at.is_none() {
                    known.push(*this);
                }
                let mut made = pool_type(this, instance);
                for (capacity_type, price) in
                    [(CapacityType::Spot, this.spot), (CapacityType::OnDemand, this.on_demand)]
                {
                    let allowed = template.get(labels::CAPACITY_TYPE);
                    if !price.is_empty() && allowed.is_none_or(|a| a.allows(capacity_type.label())) {
                        made.kinds[capacity_type as usize] = Some(node_types.len() as u32);
                        node_types.push(node_type(this, instance, spec, &template, &made, capacity_type));
                    }
                }
                pool_types.push(made);
            }
            prepared.push(Pool { spec: spec.clone(), template, types: pool_types });
        }
        let mut prices = PriceBook::new((0..known.len() as u32).map(TypeId).collect(), ZONES.len());
        prices.read(|id, capacity_type, _| {
            let this = &known[id.0 as usize];
            Rate::parse(if capacity_type == CapacityType::Spot { this.spot } else { this.on_demand })
        });
        let workload = Workload::default();
        let spec = |class| Arc::new(workload.spec_of(class, &words));
        let specs: Vec<_> = classes.iter().map(spec).collect();
        let zones = ZONES.map(String::from);
        let scheduler = Scheduler::new(prepared, &specs, &node_types, &zones, Options::default());
        let pods = pods.iter().zip(0u32..).map(|(ask, run)| Pod {
            run,
            shape: scheduler.shape(run),
            created: Time::from_ms(ask.created_ms),
            uid: ask.uid,
            origin: Origin::Pending,
        });
        let pods = pods.collect();
        Self { scheduler, prices, pods }
    }

    pub fn solve(&mut self, nodes: &[ExistingNode]) -> Plan {
        let Self { scheduler, prices, pods } = self;
        scheduler.solve(&Input { pods, nodes, prices, bound: &[], tries: usize::MAX })
    }

    /// The kind of node that a type of the first pool is.
    pub fn kind_of(&self, name: &str, capacity_type: CapacityType) -> u32 {
        let types = &self.scheduler.pools[0].types;
        let this = types.iter().find(|t| t.requirements.get(labels::INSTANCE_TYPE).unwrap().allows(name));
        this.unwrap().kind(capacity_type).unwrap()
    }

    /// The names of a claim's types.
    pub fn names(&self, plan: &Plan, claim: usize) -> Vec<&str> {
        let claim = &plan.claims[claim];
        let types = &self.scheduler.pools[claim.pool].types;
        claim.types.iter().map(|index| name_of(&types[*index])).collect()
    }
}

pub fn name_of(this: &PoolType) -> &str {
    this.requirements.get(labels::INSTANCE_TYPE).and_then(Requirement::single).unwrap()
}

/// An initialized node of a kind in the first zone, with so much room.
pub fn node(lease: u32, kind: u32, free: Resources) -> ExistingNode {
    let name = u64::from(lease);
    ExistingNode { lease, kind, zone: 0, initialized: true, name, free, settling: false }
}

fn class(ask: &Ask, words: &mut Words) -> PodClass {
    PodClass {
        requests: resources(ask.milli, ask.gib, 1),
        image: 0,
        arch: PodArch::Any,
        node_selector: words.intern(ask.selector),
        tolerations: if ask.tolerations.is_empty() { Word::EMPTY } else { words.intern(ask.tolerations) },
        namespace: Word::EMPTY,
        labels: 0,
        template: 0,
        priority: 0,
        owner: OwnerKind::None,
        do_not_disrupt: false,
        interruptible: ask.interruptible,
    }
}

fn pool_type(this: &Type, instance: TypeId) -> PoolType {
    let sold = [(CapacityType::Spot, this.spot), (CapacityType::OnDemand, this.on_demand)];
    let sold = sold.iter().filter(|(_, price)| !price.is_empty()).map(|(sold, _)| sold.label());
    let requirements: Requirements = [
        (labels::INSTANCE_TYPE, Requirement::one_of([this.name])),
        (labels::ARCH, Requirement::one_of([this.arch])),
        (labels::ZONE, Requirement::one_of(ZONES)),
        (labels::CAPACITY_TYPE, Requirement::one_of(sold)),
    ]
    .into_iter()
    .collect();
    PoolType {
        instance,
        requirements,
        capacity: resources(this.cores * 1_000, this.gib, 100),
        allocatable: resources(this.cores * 1_000, this.gib, 100),
        daemons: Resources { pods: 0, ..resources(this.daemons, 0, 0) },
        exotic: this.exotic,
        kinds: [None; CAPACITY_TYPES.len()],
    }
}

fn node_type(
    this: &Type,
    instance: TypeId,
    pool: &NodePool,
    template: &Requirements,
    made: &PoolType,
    capacity_type: CapacityType,
) -> NodeType {
    let singles = made.requirements.iter().chain(template.iter());
    let mut own: std::collections::BTreeMap<String, String> = singles
        .filter_map(|(key, requirement)| Some((key.to_owned(), requirement.single()?.to_owned())))
        .collect();
    own.insert(labels::CAPACITY_TYPE.to_owned(), capacity_type.label().to_owned());
    let images = platform::Images::default();
    NodeType {
        instance,
        template: NodeTemplate {
            pool: pool.name.clone(),
            machine: Machine::Ec2 { instance_type: this.name.to_owned(), capacity_type },
            allocatable: made.allocatable,
            daemons: made.daemons,
            root_volume: Memory::ZERO,
            auto_mode: false,
            role: Role::Jobs,
        },
        labels: NodeLabels {
            labels: own,
            taints: pool.taints.clone(),
            is_spot: capacity_type == CapacityType::Spot,
        },
        pull_rates: PullRates::new(&images, images.network_rate),
        scored_daemons: (Cpu::ZERO, Memory::ZERO),
    }
}
