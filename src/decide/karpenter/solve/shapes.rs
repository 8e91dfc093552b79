//! Pods that are alike to the scheduler. Whatever is worked out for one holds for all of its shape.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::super::model::{PreferencePolicy, ShapeId};
use super::relax;
use crate::catalog::{CapacityType, Requirement, Requirements, labels};
use crate::kube::{
    HostPort, NodeTerm, PodSpec, ResourceList, SelectorOperator, SelectorRequirement, Toleration,
};

pub(super) type DemandId = u32;
pub(super) type ConstraintId = u32;

/// What a pod asks of its node besides room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Constraint {
    /// Node selector, first required and heaviest preferred term, the hostname apart.
    pub requirements: Requirements,
    pub hostname: Option<Requirement>,
    /// The same without preferences, and with the hostname: which topology domains the pod may be in.
    pub strict: Requirements,
    pub tolerations: Vec<Toleration>,
}

/// All that it asks, other pods apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Demand {
    pub requests: ResourceList,
    pub constraint: ConstraintId,
    pub host_ports: Vec<HostPort>,
}

#[derive(Clone, Debug)]
struct Shape {
    given: Arc<PodSpec>,
    /// In the order and with the preferences that count.
    spec: Arc<PodSpec>,
    demand: DemandId,
    relaxed: Relaxed,
}

/// The same pod with one wish less.
#[derive(Clone, Copy, Debug)]
enum Relaxed {
    NotAsked,
    Known(Option<ShapeId>),
}

/// All shapes that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    policy: PreferencePolicy,
    /// Some NodePool has a taint with the effect `PreferNoSchedule`.
    tolerates_preferences: bool,
    shapes: Vec<Shape>,
    demands: Vec<Demand>,
    constraints: Vec<Constraint>,
    /// By hash of what matters.
    known: FxHashMap<u64, Vec<ShapeId>>,
    known_demands: FxHashMap<Demand, DemandId>,
    known_constraints: FxHashMap<Constraint, ConstraintId>,
}

/// The parts of a spec that decide where its pods go.
fn decisive(spec: &PodSpec) -> impl Hash + Eq {
    (
        (&spec.namespace, &spec.labels, &spec.requests, &spec.node_selector),
        (&spec.required_node_terms, &spec.preferred_node_terms, &spec.tolerations),
        (&spec.spread, &spec.affinity, &spec.anti_affinity, &spec.host_ports, spec.avoids_spot),
    )
}

impl Shapes {
    pub fn new(policy: PreferencePolicy, tolerates_preferences: bool) -> Self {
        Self { policy, tolerates_preferences, ..Self::default() }
    }

    /// The shape of a pod.
    pub fn of(&mut self, given: &Arc<PodSpec>) -> ShapeId {
        let hash = FxBuildHasher.hash_one(decisive(given));
        let known = self.known.entry(hash).or_default();
        let same = |id: &&ShapeId| decisive(&self.shapes[**id as usize].given) == decisive(given);
        if let Some(id) = known.iter().find(same) {
            return *id;
        }
        let id = self.shapes.len() as ShapeId;
        known.push(id);
        let spec = relax::prepared(given, self.policy);
        let demand = self.demand_of(&spec);
        self.shapes.push(Shape { given: given.clone(), spec, demand, relaxed: Relaxed::NotAsked });
        id
    }

    /// The shape of the same pod with one wish less; `None` if it has none that it could give up.
    pub fn relaxed(&mut self, id: ShapeId) -> Option<ShapeId> {
        if let Relaxed::Known(known) = self.shapes[id as usize].relaxed {
            return known;
        }
        let spec = relax::relax(&self.shapes[id as usize].spec, self.tolerates_preferences);
        let relaxed = spec.map(|spec| self.of(&Arc::new(spec)));
        self.shapes[id as usize].relaxed = Relaxed::Known(relaxed);
        relaxed
    }

    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    pub fn spec(&self, id: ShapeId) -> &Arc<PodSpec> {
        &self.shapes[id as usize].spec
    }

    pub fn demand_id(&self, id: ShapeId) -> DemandId {
        self.shapes[id as usize].demand
    }

    pub fn demand(&self, id: DemandId) -> &Demand {
        &self.demands[id as usize]
    }

    pub fn constraint(&self, id: ConstraintId) -> &Constraint {
        &self.constraints[id as usize]
    }

    fn demand_of(&mut self, spec: &PodSpec) -> DemandId {
        let mut requirements = base_requirements(spec);
        let mut strict = requirements.clone();
        // Of terms that are alternatives the first counts, until it is given up.
        if let Some(term) = spec.required_node_terms.first() {
            requirements.merge(&term_requirements(term));
            strict.merge(&term_requirements(term));
        }
        if let Some((_, term)) = spec.preferred_node_terms.first() {
            requirements.merge(&term_requirements(term));
        }
        let hostname = requirements.remove(labels::HOSTNAME);
        let tolerations = spec.tolerations.clone();
        let constraint = Constraint { requirements, hostname, strict, tolerations };
        let next = self.constraints.len() as ConstraintId;
        let constraint_id = *self.known_constraints.entry(constraint.clone()).or_insert(next);
        if constraint_id == next {
            self.constraints.push(constraint);
        }
        let host_ports = spec.host_ports.clone();
        let demand = Demand { requests: spec.requests, constraint: constraint_id, host_ports };
        let next = self.demands.len() as DemandId;
        let id = *self.known_demands.entry(demand.clone()).or_insert(next);
        if id == next {
            self.demands.push(demand);
        }
        id
    }
}

/// Node selector, and for pods that must not be interrupted: no Spot.
pub(super) fn base_requirements(spec: &PodSpec) -> Requirements {
    let mut requirements = label_requirements(&spec.node_selector);
    if spec.avoids_spot {
        requirements.add(labels::CAPACITY_TYPE, Requirement::none_of([CapacityType::Spot.label()]));
    }
    requirements
}

pub(super) fn label_requirements<'a>(
    all: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Requirements {
    let mut requirements = Requirements::default();
    for (key, value) in all {
        requirements.add(key, Requirement::one_of([value.as_str()]));
    }
    requirements
}

/// What a term asks of labels; fields are not looked at (`NewNodeSelectorRequirements`).
pub(super) fn term_requirements(term: &NodeTerm) -> Requirements {
    let mut requirements = Requirements::default();
    for one in &term.match_expressions {
        requirements.add(&one.key, requirement(one));
    }
    requirements
}

fn requirement(one: &SelectorRequirement) -> Requirement {
    let values = || one.values.iter().map(String::as_str);
    // Not a number: 0, as Go's `strconv.Atoi` leaves it. The API server lets none through.
    let bound = || one.values.first().and_then(|value| value.parse().ok()).unwrap_or(0);
    match one.operator {
        SelectorOperator::In => Requirement::one_of(values()),
        SelectorOperator::NotIn => Requirement::none_of(values()),
        SelectorOperator::Exists => Requirement::exists(),
        SelectorOperator::DoesNotExist => Requirement::does_not_exist(),
        SelectorOperator::Gt => Requirement::greater_than(bound()),
        SelectorOperator::Lt => Requirement::less_than(bound()),
        SelectorOperator::Gte => Requirement::at_least(bound()),
        SelectorOperator::Lte => Requirement::at_most(bound()),
    }
}
