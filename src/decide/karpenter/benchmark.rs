//! The workload of Karpenter's own scheduling benchmark (`scheduling_benchmark_test.go`), synthetic throughout: 400 made-up
//! instance types, one NodePool with limits that are never reached, and pods that want different things of each other.
//!
//! The draws are not Go's, and Karpenter's pods have random UIDs: numbers of nodes are close to its own, not the same.

// Prices are computed as Karpenter's fake provider does.
#![expect(clippy::float_arithmetic)]

use std::sync::Arc;

use super::model::{InstanceType, Limits, NodePool, Offering, Options, Origin, Pod, PreferencePolicy};
use super::solve::Scheduler;
use crate::catalog::{CapacityType, Requirement, labels};
use crate::kube::{
    CPU, LabelSelector, Labels, MEMORY, NodeInclusionPolicy, NodeTerm, PODS, PodSpec, PodTerm, ResourceList,
    SelectorOperator, SelectorRequirement, SpreadConstraint, WhenUnsatisfiable,
};
use crate::rng::{Draws, Purpose};
use crate::units::Time;

const MILLI: i64 = 1_000_000;
const MIB: i64 = 1 << 20;
const ZONES: [&str; 3] = ["test-zone-1", "test-zone-2", "test-zone-3"];

/// The NodePool with `count` types: the i-th has i cores, 2 i GiB and room for 10 i pods, On-Demand in three zones and
/// Spot in two of them at the same price.
pub fn node_pool(count: i64) -> NodePool {
    let template = [(labels::NODEPOOL, Requirement::one_of(["benchmark"]))];
    let limits = vec![(CPU, 9_000_000_000 * MILLI), (MEMORY, i64::MAX)];
    NodePool {
        name: "benchmark".to_owned(),
        template: template.into_iter().collect(),
        limits: Limits { resources: limits, nodes: None },
        types: (1..=count).map(instance_type).collect(),
        ..NodePool::default()
    }
}

fn instance_type(cores: i64) -> InstanceType {
    let name = format!("fake-it-{}", cores - 1);
    let mut capacity = ResourceList::ZERO;
    (capacity[CPU], capacity[MEMORY], capacity[PODS]) =
        (cores * 1_000 * MILLI, cores * 2_048 * MIB, cores * 10);
    let mut allocatable = capacity;
    allocatable[CPU] -= 100 * MILLI;
    allocatable[MEMORY] -= 10 * MIB;
    let price = 0.1 * cores as f64 + 0.1 * capacity[MEMORY] as f64 / 1e9;
    let offering = |capacity_type, zone: &&str| Offering::new(capacity_type, zone, price);
    let spot = ZONES[..2].iter().map(|zone| offering(CapacityType::Spot, zone));
    let on_demand = ZONES.iter().map(|zone| offering(CapacityType::OnDemand, zone));
    let requirements = [
        (labels::INSTANCE_TYPE, Requirement::one_of([name.as_str()])),
        (labels::ARCH, Requirement::one_of(["amd64"])),
        (labels::OS, Requirement::one_of(["linux", "windows", "darwin"])),
        (labels::ZONE, Requirement::one_of(ZONES)),
        (labels::CAPACITY_TYPE, Requirement::one_of(["spot", "on-demand"])),
    ];
    InstanceType {
        requirements: requirements.into_iter().collect(),
        capacity,
        allocatable,
        offerings: spot.chain(on_demand).collect(),
        is_exotic: false,
        name,
    }
}

/// A fifth each: plain; spread over zones; spread over hosts; in the zone of their like; never two of them on a host.
pub fn diverse_pods(count: u32, seed: u64) -> Vec<Arc<PodSpec>> {
    let draws = Draws::new(seed);
    let fifth = (count / 5).max(1);
    (0..count).map(|index| Arc::new(diverse_pod(Dice { draws, index }, index / fifth))).collect()
}

fn diverse_pod(dice: Dice, fifth: u32) -> PodSpec {
    let random = |name: &str, counter| {
        let value = ["a", "b", "c", "d", "e", "f", "g"][dice.below(counter, 7)];
        Labels::from([(name.to_owned(), value.to_owned())])
    };
    let mut spec = PodSpec { requests: dice.requests(), ..PodSpec::default() };
    match fifth {
        1 | 2 => {
            spec.labels = random("my-label", 2);
            let key = if fifth == 1 { labels::ZONE } else { labels::HOSTNAME };
            spec.spread = vec![spread(key, random("my-label", 3))];
        }
        3 => {
            spec.labels = random("my-affinity", 2);
            spec.affinity.required = vec![near(labels::ZONE, spec.labels.clone())];
        }
        4 => {
            spec.labels = Labels::from([("app".to_owned(), "nginx".to_owned())]);
            spec.anti_affinity.required = vec![near(labels::HOSTNAME, spec.labels.clone())];
        }
        _ => spec.labels = random("my-label", 2),
    }
    spec
}

/// Pods that would like to be in one zone, which can be had, alone in their zone, which cannot, and alone on their host.
pub fn preference_pods(count: u32, seed: u64) -> Vec<Arc<PodSpec>> {
    let draws = Draws::new(seed);
    let pod = |index| {
        let app = Labels::from([("app".to_owned(), "nginx".to_owned())]);
        let zone = SelectorRequirement {
            key: labels::ZONE.to_owned(),
            operator: SelectorOperator::In,
            values: vec![ZONES[0].to_owned()],
        };
        let term = NodeTerm { match_expressions: vec![zone], match_fields: Vec::new() };
        let mut spec = PodSpec {
            requests: Dice { draws, index }.requests(),
            labels: app.clone(),
            preferred_node_terms: vec![(1, term)],
            ..PodSpec::default()
        };
        spec.anti_affinity.preferred =
            vec![(10, near(labels::ZONE, app.clone())), (1, near(labels::HOSTNAME, app))];
        Arc::new(spec)
    };
    (0..count).map(pod).collect()
}

/// The scheduler with 400 types and the pods that it knows by these specs.
pub fn prepared(specs: &[Arc<PodSpec>], preferences: PreferencePolicy) -> (Scheduler, Vec<Pod>) {
    let options = Options { preferences, ..Options::default() };
    let mut scheduler = Scheduler::new(vec![node_pool(400)], &[], options);
    let pod = |(id, spec): (u32, &Arc<PodSpec>)| Pod {
        id,
        shape: scheduler.shape(spec),
        created: Time::from_ms(0),
        uid: id.into(),
        origin: Origin::Pending,
    };
    let pods = (0..).zip(specs).map(pod).collect();
    (scheduler, pods)
}

fn spread(key: &str, labels: Labels) -> SpreadConstraint {
    SpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: Some(LabelSelector { match_labels: labels, match_expressions: Vec::new() }),
        min_domains: None,
        node_affinity_policy: NodeInclusionPolicy::Honor,
        node_taints_policy: NodeInclusionPolicy::Ignore,
        match_label_keys: Vec::new(),
    }
}

fn near(key: &str, labels: Labels) -> PodTerm {
    PodTerm {
        topology_key: key.to_owned(),
        selector: Some(LabelSelector { match_labels: labels, match_expressions: Vec::new() }),
        namespaces: Vec::new(),
        namespace_selector: None,
        match_label_keys: Vec::new(),
        mismatch_label_keys: Vec::new(),
    }
}

/// The draws of one pod.
#[derive(Clone, Copy)]
struct Dice {
    draws: Draws,
    index: u32,
}

impl Dice {
    fn below(self, counter: u32, n: u64) -> usize {
        self.draws.below(Purpose::Synthetic, self.index.into(), counter, n) as usize
    }

    fn requests(self) -> ResourceList {
        let mut requests = ResourceList::ZERO;
        requests[CPU] = [100, 250, 500, 1_000, 1_500][self.below(0, 5)] * MILLI;
        requests[MEMORY] = [100, 256, 512, 1_024, 2_048, 4_096][self.below(1, 6)] * MIB;
        requests[PODS] = 1;
        requests
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Input;
    use super::*;

    #[test]
    fn every_pod_of_the_benchmark_finds_a_place() {
        // Of 1,000 pods 200 may not share a host with one another.
        let (mut scheduler, pods) = prepared(&diverse_pods(1_000, 42), PreferencePolicy::Respect);
        let plan = scheduler.solve(&Input { pods: &pods, ..Input::default() });
        assert_eq!(plan.errors, []);
        assert_eq!(plan.claims.iter().map(|claim| claim.pods.len()).sum::<usize>(), 1_000);
        assert_eq!(plan.claims.len(), 200);
    }
}
