//! A small made-up world for tests: round types, round prices, three zones.

use std::sync::Arc;

use super::super::model::{Input, InstanceType, NodePool, Offering, Options, Origin, Plan, Pod};
use super::Scheduler;
use crate::catalog::{CapacityType, Requirement, Requirements, labels};
use crate::kube::{
    CPU, LabelSelector, Labels, MEMORY, NodeInclusionPolicy, NodeTerm, PODS, PodSpec, PodTerm, ResourceList,
    SelectorOperator, SelectorRequirement, SpreadConstraint, WhenUnsatisfiable,
};
use crate::units::Time;

pub const ZONES: [&str; 3] = ["z-a", "z-b", "z-c"];

pub fn resources(milli: i64, gib: i64, pods: i64) -> ResourceList {
    let mut list = ResourceList::ZERO;
    (list[CPU], list[MEMORY], list[PODS]) = (milli * 1_000_000, gib << 30, pods);
    list
}

/// An amd64 type of so many cores and GiB, On-Demand in all zones.
pub fn kind(name: &str, cores: i64, gib: i64, price: f64) -> InstanceType {
    let offering = |zone: &&str| Offering::new(CapacityType::OnDemand, zone, price);
    let requirements = [
        (labels::INSTANCE_TYPE, Requirement::one_of([name])),
        (labels::ARCH, Requirement::one_of(["amd64"])),
        (labels::ZONE, Requirement::one_of(ZONES)),
        (labels::CAPACITY_TYPE, Requirement::one_of(["spot", "on-demand", "reserved"])),
    ];
    InstanceType {
        name: name.to_owned(),
        requirements: requirements.into_iter().collect(),
        capacity: resources(cores * 1_000, gib, 100),
        allocatable: resources(cores * 1_000, gib, 100),
        offerings: ZONES.iter().map(offering).collect(),
        is_exotic: false,
    }
}

pub fn arm(this: InstanceType) -> InstanceType {
    let mut requirements = this.requirements;
    requirements.remove(labels::ARCH);
    requirements.add(labels::ARCH, Requirement::one_of(["arm64"]));
    InstanceType { requirements, ..this }
}

pub fn pool(name: &str, types: Vec<InstanceType>) -> NodePool {
    let template: Requirements = [(labels::NODEPOOL, Requirement::one_of([name]))].into_iter().collect();
    NodePool { name: name.to_owned(), template, types, ..NodePool::default() }
}

/// A pod of so many thousandths of a core and GiB.
pub fn ask(milli: i64, gib: i64) -> PodSpec {
    PodSpec { requests: resources(milli, gib, 1), ..PodSpec::default() }
}

pub fn only(key: &str, value: &str, spec: PodSpec) -> PodSpec {
    let mut spec = spec;
    spec.node_selector.insert(key.to_owned(), value.to_owned());
    spec
}

pub fn labelled(value: &str, spec: PodSpec) -> PodSpec {
    PodSpec { labels: app(value), ..spec }
}

fn app(value: &str) -> Labels {
    Labels::from([("app".to_owned(), value.to_owned())])
}

pub fn selector(value: &str) -> LabelSelector {
    LabelSelector { match_labels: app(value), match_expressions: Vec::new() }
}

pub fn one_of(key: &str, values: &[&str]) -> NodeTerm {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let expression = SelectorRequirement { key: key.to_owned(), operator: SelectorOperator::In, values };
    NodeTerm { match_expressions: vec![expression], match_fields: Vec::new() }
}

/// At most one more in a domain than in any other, of pods with this label.
pub fn spread(key: &str, value: &str) -> SpreadConstraint {
    SpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: Some(selector(value)),
        min_domains: None,
        node_affinity_policy: NodeInclusionPolicy::Honor,
        node_taints_policy: NodeInclusionPolicy::Ignore,
        match_label_keys: Vec::new(),
    }
}

pub fn term(key: &str, value: &str) -> PodTerm {
    PodTerm {
        topology_key: key.to_owned(),
        selector: Some(selector(value)),
        namespaces: Vec::new(),
        namespace_selector: None,
        match_label_keys: Vec::new(),
        mismatch_label_keys: Vec::new(),
    }
}

#[derive(Clone, Debug)]
pub struct World {
    pub scheduler: Scheduler,
    /// In the order in which they were given, which is also that of their UIDs; `id` is the index.
    pub pods: Vec<Pod>,
}

impl World {
    pub fn new(pools: Vec<NodePool>, specs: Vec<PodSpec>) -> Self {
        Self::with(pools, &[], Options::default(), specs)
    }

    pub fn with(
        pools: Vec<NodePool>,
        daemon_sets: &[Arc<PodSpec>],
        options: Options,
        specs: Vec<PodSpec>,
    ) -> Self {
        let mut scheduler = Scheduler::new(pools, daemon_sets, options);
        let pod = |(id, spec)| Pod {
            id,
            shape: scheduler.shape(&Arc::new(spec)),
            created: Time::from_ms(0),
            uid: id.into(),
            origin: Origin::Pending,
        };
        let pods = (0..).zip(specs).map(pod).collect();
        Self { scheduler, pods }
    }

    pub fn solve(&mut self) -> Plan {
        let pods = self.pods.clone();
        self.scheduler.solve(&Input { pods: &pods, explain: true, ..Input::default() })
    }

    /// Names of a claim's types.
    pub fn names(&self, plan: &Plan, claim: usize) -> Vec<&str> {
        let claim = &plan.claims[claim];
        let types = &self.scheduler.pools[claim.pool].types;
        claim.types.iter().map(|index| types[*index].name.as_str()).collect()
    }
}

/// Pods of each claim.
pub fn pods_of(plan: &Plan) -> Vec<Vec<u32>> {
    plan.claims.iter().map(|claim| claim.pods.clone()).collect()
}

/// Pods that fit nowhere.
pub fn left(plan: &Plan) -> Vec<u32> {
    plan.errors.iter().map(|error| error.pod).collect()
}

/// What claims require of a label.
pub fn wanted(plan: &Plan, key: &str) -> Vec<String> {
    let of = |claim: &super::super::model::NewClaim| {
        claim.requirements.get(key).map_or_else(String::new, ToString::to_string)
    };
    plan.claims.iter().map(of).collect()
}
