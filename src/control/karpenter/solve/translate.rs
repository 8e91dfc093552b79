//! The simulated cluster in the decider's words.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::pool::{Pool, PoolType};
use super::super::types::CAPACITY_TYPES;
use crate::catalog::{CapacityType, Requirement, labels};
use crate::decide::karpenter::model::{InstanceType, Limits, NodeKindId, NodePool, Offering};
use crate::decide::karpenter::solve::Scheduler;
use crate::kube::{
    CPU, MEMORY, NodeTerm, PodSpec, ResourceList, SelectorOperator, SelectorRequirement, Toleration,
};
use crate::sim::kube_scheduler::NodeLabels;
use crate::units::Resources;

/// A pool with its types; prices follow.
pub(super) fn node_pool(pool: &Pool, zones: &[String]) -> NodePool {
    let given = &pool.spec.limits;
    let list = ResourceList::from(Resources {
        cpu: given.cpu.unwrap_or_default(),
        memory: given.memory.unwrap_or_default(),
        ..Resources::ZERO
    });
    let limited = [(CPU, given.cpu.is_some()), (MEMORY, given.memory.is_some())];
    let resources = limited.into_iter().filter(|(_, limited)| *limited);
    NodePool {
        name: pool.spec.name.clone(),
        weight: pool.spec.weight as i32,
        template: pool.template.clone(),
        taints: pool.spec.taints.clone(),
        startup_taints: Vec::new(),
        limits: Limits {
            resources: resources.map(|(resource, _)| (resource, list[resource])).collect(),
            nodes: given.nodes.map(i64::from),
        },
        is_static: false,
        types: pool.types.iter().map(|this| instance_type(pool, this, zones)).collect(),
    }
}

fn instance_type(pool: &Pool, this: &PoolType, zones: &[String]) -> InstanceType {
    let mut requirements = this.requirements.clone();
    // Karpenter would hope for labels that the data does not have; the simulated nodes will not get them.
    for key in labels::WELL_KNOWN {
        if requirements.get(key).is_none() && pool.template.get(key).is_none() {
            requirements.add(key, Requirement::does_not_exist());
        }
    }
    let zone_of = |zone: u8| zones.get(usize::from(zone)).map_or("", String::as_str);
    let offering = |(capacity_type, zone)| Offering {
        is_available: false,
        ..Offering::new(capacity_type, zone_of(zone), f64::MAX)
    };
    InstanceType {
        name: this
            .requirements
            .get(labels::INSTANCE_TYPE)
            .and_then(Requirement::single)
            .unwrap_or_default()
            .to_owned(),
        requirements,
        capacity: this.capacity.into(),
        allocatable: this.allocatable.into(),
        offerings: offerings(this, zones.len()).map(offering).collect(),
        is_exotic: this.exotic,
    }
}

/// The offerings of a type, in the order in which the decider knows them.
pub(super) fn offerings(this: &PoolType, zones: usize) -> impl Iterator<Item = (CapacityType, u8)> {
    let sold = CAPACITY_TYPES.into_iter().filter(|capacity_type| this.kind(*capacity_type).is_some());
    sold.flat_map(move |capacity_type| (0..zones as u8).map(move |zone| (capacity_type, zone)))
}

/// What DaemonSets take of the types of a pool, as one made-up DaemonSet for all types of which they take the same.
pub(super) fn daemon_sets(pool: &Pool) -> Vec<Arc<PodSpec>> {
    let mut by_requests: BTreeMap<ResourceList, Vec<String>> = BTreeMap::new();
    for this in &pool.types {
        let name = this.requirements.get(labels::INSTANCE_TYPE).and_then(Requirement::single);
        by_requests.entry(this.daemons.into()).or_default().extend(name.map(str::to_owned));
    }
    let daemon_set = |(requests, names): (ResourceList, Vec<String>)| {
        let types = SelectorRequirement {
            key: labels::INSTANCE_TYPE.to_owned(),
            operator: SelectorOperator::In,
            values: names,
        };
        Arc::new(PodSpec {
            requests,
            node_selector: [(labels::NODEPOOL.to_owned(), pool.spec.name.clone())].into(),
            required_node_terms: vec![NodeTerm { match_expressions: vec![types], match_fields: Vec::new() }],
            tolerations: vec![Toleration::default()],
            ..PodSpec::default()
        })
    };
    by_requests.into_iter().filter(|(requests, _)| !requests.is_zero()).map(daemon_set).collect()
}

/// Nodes of a kind in a zone.
pub(super) fn node_kind(scheduler: &mut Scheduler, of: &NodeLabels, zone: Option<&String>) -> NodeKindId {
    let mut node = of.node(zone);
    if of.is_spot {
        node.labels.insert(labels::CAPACITY_TYPE.to_owned(), CapacityType::Spot.label().to_owned());
    }
    scheduler.node_kind(&node.labels, &of.taints)
}
