//! A pass of Karpenter's disruption over 1,000 nodes that finds nothing to do: the dearest there is. It sorts the
//! candidates, simulates about seven beginnings of them for multi-node consolidation, and then each node alone.
//!
//! The cluster is synthetic: Spot nodes of 16 cores with ten pods of three different sizes that leave no room for another.
//! A replacement could be of 400 types, but the gate for replacing Spot by Spot is closed. Beside the time of the whole
//! pass that of one simulation is measured.

use std::hint::black_box;
use std::sync::Arc;

use cost_sim::catalog::{CapacityType, Requirement, Requirements, labels};
use cost_sim::decide::karpenter::Version;
use cost_sim::decide::karpenter::benchmark::node_pool;
use cost_sim::decide::karpenter::disruption::balanced::Balanced;
use cost_sim::decide::karpenter::disruption::budget::Budgets;
use cost_sim::decide::karpenter::disruption::candidate::{Candidate, interleave, rescheduling_cost, sort};
use cost_sim::decide::karpenter::disruption::decision::{
    LaunchOption, PricedOffering, Replacement, Simulated,
};
use cost_sim::decide::karpenter::disruption::search::{self, Trial};
use cost_sim::decide::karpenter::model::{
    ExistingNode, Input, NewClaim, Options, Origin, Pod, ReservedMode, ShapeId,
};
use cost_sim::decide::karpenter::price;
use cost_sim::decide::karpenter::solve::Scheduler;
use cost_sim::kube::{CPU, MEMORY, PODS, PodSpec, ResourceList};
use cost_sim::units::{Span, Time};
use criterion::{Criterion, criterion_group, criterion_main};

const NODES: u32 = 1_000;
const PODS_PER_NODE: u32 = 10;
const CORES: usize = 16;
/// Millicores of a node's pods, in turn: ten of them leave 0.3 of 15.9 cores.
const SIZES: [i64; 4] = [1_500, 1_600, 1_550, 1_600];

struct Cluster {
    scheduler: Scheduler,
    shapes: Vec<ShapeId>,
    nodes: Vec<ExistingNode<'static>>,
}

impl Cluster {
    fn new() -> Self {
        let mut scheduler = Scheduler::new(vec![node_pool(400)], &[], Options::default());
        let shapes = SIZES.map(|milli| {
            let mut spec = PodSpec::default();
            (spec.requests[CPU], spec.requests[MEMORY]) = (milli * 1_000_000, 1 << 30);
            scheduler.shape(&Arc::new(spec))
        });
        let this = &scheduler.pools[0].types[CORES - 1];
        let labels = [
            (labels::INSTANCE_TYPE, this.name.as_str()),
            (labels::NODEPOOL, "benchmark"),
            (labels::CAPACITY_TYPE, "spot"),
            (labels::ZONE, "test-zone-1"),
            (labels::ARCH, "amd64"),
            (labels::OS, "linux"),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let (mut available, capacity) = (this.allocatable, this.capacity);
        for pod in 0..PODS_PER_NODE {
            available[CPU] -= SIZES[pod as usize % SIZES.len()] * 1_000_000;
            available[MEMORY] -= 1 << 30;
            available[PODS] -= 1;
        }
        let kind = scheduler.node_kind(&labels, &[]);
        let node = |id| ExistingNode {
            id,
            name: u64::from(id),
            hostname: None,
            kind,
            initialized: true,
            registered: true,
            available,
            daemon_requests: ResourceList::ZERO,
            host_ports: &[],
            limited: Some((0, capacity)),
            settling: false,
        };
        Self { nodes: (0..NODES).map(node).collect(), shapes: shapes.to_vec(), scheduler }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let offerings = &self.scheduler.pools[0].types[CORES - 1].offerings;
        let sold = offerings.iter().find(|offering| offering.capacity_type == CapacityType::Spot);
        let costs = || std::iter::repeat_n(1.0, PODS_PER_NODE as usize);
        let candidate = |node: &ExistingNode| Candidate {
            id: node.id,
            pool: 0,
            instance: CORES as u32 - 1,
            capacity_type: CapacityType::Spot,
            price: sold.map_or(0.0, |offering| offering.price),
            pods: PODS_PER_NODE as usize,
            rescheduling_cost: rescheduling_cost(costs()),
            disruption_cost: 0.0,
        };
        self.nodes.iter().map(candidate).collect()
    }

    fn without(&mut self, removed: &[Candidate]) -> Simulated<NewClaim> {
        let mut staying = self.nodes.clone();
        let mut is_removed = vec![false; staying.len()];
        let mut pods = Vec::with_capacity(removed.len() * PODS_PER_NODE as usize);
        for candidate in removed {
            is_removed[candidate.id as usize] = true;
            pods.extend((0..PODS_PER_NODE).map(|pod| {
                let id = candidate.id * PODS_PER_NODE + pod;
                let shape = self.shapes[pod as usize % self.shapes.len()];
                Pod { id, shape, created: Time::from_ms(0), uid: u64::from(id), origin: Origin::Candidate }
            }));
        }
        staying.retain(|node| !is_removed[node.id as usize]);
        let plan = self.scheduler.solve(&Input {
            pods: &pods,
            nodes: &staying,
            reserved: ReservedMode::Fallback,
            ..Input::default()
        });
        let mut claims = plan.claims;
        match (plan.errors.is_empty(), claims.pop(), claims.is_empty()) {
            (false, ..) => Simulated::PodsLeftOver,
            (true, None, _) => Simulated::Fits,
            (true, Some(claim), true) => Simulated::OneNode(self.replacement(claim)),
            (true, Some(_), false) => Simulated::SeveralNodes,
        }
    }

    fn replacement(&self, claim: NewClaim) -> Replacement<NewClaim> {
        let types = &self.scheduler.pools[0].types;
        let option = |key: &usize| LaunchOption {
            instance: *key as u32,
            key: *key,
            offerings: price::compatible(&types[*key].offerings, &claim.requirements)
                .map(|offering| PricedOffering {
                    capacity_type: offering.capacity_type,
                    price: offering.price,
                })
                .collect(),
            label_values: Vec::new(),
        };
        Replacement {
            options: claim.types.iter().map(option).collect(),
            capacity_types: allowed(&claim.requirements),
            min_values: Vec::new(),
            claim,
        }
    }

    /// Multi-node and then single-node consolidation. Gives how many nodes would go.
    fn pass(&mut self) -> usize {
        let mut candidates = self.candidates();
        sort(&mut candidates, Version::V1_14);
        let mut budgets = Budgets(vec![u32::MAX]);
        let mut simulate = |removed: &[Candidate]| self.without(removed);
        let mut trial = Trial::new(&mut simulate, Balanced::default(), false, Span::ZERO);
        let many = search::multi_node(&candidates, &mut budgets, &mut trial);
        if let Some((gone, _)) = many.command {
            return gone.len();
        }
        let in_turn = interleave(&candidates, &["benchmark"], &[]);
        let one = search::single_node(&in_turn, &budgets, 1, &mut trial);
        one.command.map_or(0, |(gone, _)| gone.len())
    }
}

fn allowed(requirements: &Requirements) -> Vec<CapacityType> {
    let asked = requirements.get(labels::CAPACITY_TYPE);
    let allows = |this: &CapacityType| asked.is_none_or(|asked: &Requirement| asked.allows(this.label()));
    [CapacityType::Spot, CapacityType::OnDemand].into_iter().filter(allows).collect()
}

fn consolidation(criterion: &mut Criterion) {
    let mut cluster = Cluster::new();
    assert_eq!(cluster.pass(), 0, "nothing is to be found");
    let mut group = criterion.benchmark_group("consolidation");
    group.sample_size(10);
    group.bench_function("1000_nodes/nothing_found", |b| b.iter(|| black_box(cluster.pass())));
    let candidates = cluster.candidates();
    for count in [1, 2, 50] {
        group.bench_function(format!("1000_nodes/without_{count}"), |b| {
            b.iter(|| black_box(cluster.without(&candidates[..count])));
        });
    }
    group.finish();
}

criterion_group!(benches, consolidation);
criterion_main!(benches);
