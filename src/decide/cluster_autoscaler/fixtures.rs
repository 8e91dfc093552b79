//! Pods, nodes and groups for tests.

use std::sync::Arc;

use super::snapshot::{NodeKey, PodId, Slot, Snapshot, SpecId};
use crate::kube::{CPU, LabelSelector, MEMORY, Node, OwnerRef, PODS, Pdb, Phase, Pod, PodSpec, ResourceList};
use crate::units::Time;

/// So many millicores and MiB, and 110 pod slots.
pub fn resources(milli: i64, mib: i64) -> ResourceList {
    let mut list = ResourceList::ZERO;
    list[CPU] = milli * 1_000_000;
    list[MEMORY] = mib << 20;
    list[PODS] = 110;
    list
}

/// A pod that requests so many millicores and MiB.
pub fn spec(milli: i64, mib: i64) -> PodSpec {
    let mut requests = resources(milli, mib);
    requests[PODS] = 1;
    PodSpec { requests, ..PodSpec::default() }
}

/// With a controller of this kind.
pub fn owned(kind: &str, spec: PodSpec) -> PodSpec {
    let owner = OwnerRef { kind: kind.to_owned(), name: "owner".to_owned(), uid: "owner".to_owned() };
    PodSpec { owner: Some(owner), ..spec }
}

/// Ready since the beginning.
pub fn node(name: &str, allocatable: ResourceList) -> Node {
    Node {
        name: name.to_owned(),
        capacity: allocatable,
        allocatable,
        ready_since: Some(Time::from_ms(0)),
        ..Node::default()
    }
}

/// A budget for all pods of a namespace.
pub fn pdb(namespace: &str) -> Pdb {
    Pdb {
        name: "budget".to_owned(),
        namespace: namespace.to_owned(),
        selector: Some(LabelSelector::default()),
        min_available: None,
        max_unavailable: None,
        disruptions_allowed: None,
        always_allows_unhealthy: false,
    }
}

/// A pod created at the beginning.
pub fn pod(name: &str, spec: PodSpec) -> Pod {
    Pod {
        name: name.to_owned(),
        uid: name.to_owned(),
        created: Time::from_ms(0),
        spec: Arc::new(spec),
        phase: Phase::Running,
        is_terminating: false,
        node_name: None,
        nominated_node_name: None,
        is_unschedulable: false,
        unschedulable_since: None,
        started: None,
    }
}

/// A snapshot of nodes with the pods that they have, by number of the spec.
pub fn snapshot(specs: Vec<PodSpec>, nodes: &[(Node, &[SpecId])]) -> (Snapshot, Vec<Slot>) {
    let mut snapshot = Snapshot::new(specs.into_iter().map(Arc::new).collect());
    let mut number = 0;
    let mut slots = Vec::new();
    for (key, (node, pods)) in (0..).zip(nodes) {
        let shape = snapshot.shape(Arc::new(node.clone()));
        let slot = snapshot.add_node(NodeKey::Node(key), shape);
        for spec in *pods {
            snapshot.put(slot, PodId::new(*spec, number));
            number += 1;
        }
        slots.push(slot);
    }
    (snapshot, slots)
}
