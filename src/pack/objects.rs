//! Kubernetes' objects of a case, with what the API server or a controller would have filled in.

use serde_json::Value;

use super::case::{NodeGroup, NodeInCase};
use super::reading::{Object, Read, Wrong, integer, owned};
use crate::kube::decode::{Decoded, Decoder, Problem, Step};
use crate::kube::{Node, NodeClaim, OwnerRef, Phase, Pod, PodSpec};

/// The first of the problems, as this module says it.
pub fn decoded<T>(read: Decoded<T>) -> Read<T> {
    read.map_err(|problems| {
        let Some(Problem { path, text, message, hint }) = problems.into_iter().next() else {
            return Wrong::new("cannot be read");
        };
        let wrong = Wrong { path: String::new(), message, text: (!text.is_empty()).then_some(text), hint };
        path.steps().iter().rev().fold(wrong, |wrong, step| match step {
            Step::Field(name) => wrong.within(name),
            Step::Item(index) => wrong.at(*index),
        })
    })
}

/// A pod; its name stands in for a UID that is not given, and without a status it is what a new pod becomes when
/// kube-scheduler has found no node for it.
pub fn pod(decoder: &mut Decoder, value: &Value) -> Read<Pod> {
    let mut pod = decoded(decoder.pod(value))?;
    if pod.uid.is_empty() {
        pod.uid = format!("{}/{}", pod.spec.namespace, pod.name);
    }
    let says_nothing = value.get("status").and_then(|status| status.get("conditions")).is_none();
    if says_nothing && pod.node_name.is_none() {
        pod.is_unschedulable = true;
    }
    Ok(pod)
}

/// A DaemonSet, a pod of one, or the template of its pods.
pub fn daemon_set(decoder: &mut Decoder, value: &Value) -> Read<PodSpec> {
    let kind = value.get("kind").and_then(Value::as_str);
    let is_workload = kind.is_some_and(|kind| kind != "PodTemplateSpec");
    let mut spec = decoded(if is_workload { decoder.workload(value) } else { decoder.pod_template(value) })?;
    if !spec.is_of_daemon_set() {
        let name = value.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        spec.owner = Some(OwnerRef { kind: "DaemonSet".to_owned(), uid: name.clone(), name });
    }
    Ok(spec)
}

pub fn node(decoder: &mut Decoder, value: &Value) -> Read<NodeInCase> {
    let object = Object::of(value)?.only(&["node", "nodeClaim", "nodeGroup", "pods"])?;
    let mut node = object.read("node", |value| decoded(decoder.node(value)))?;
    let mut node_claim = object.read("nodeClaim", |value| claim(decoder, value))?;
    if node.is_none() && node_claim.is_none() {
        return Err(Wrong::new("there is neither a node nor a NodeClaim").text(value));
    }
    if let Some(node) = &mut node {
        let says_nothing = object.get("node").and_then(|node| node.pointer("/status/conditions")).is_none();
        if says_nothing {
            node.ready_since = Some(node.created);
        }
    }
    if let (Some(node), Some(claim)) = (&mut node, &mut node_claim) {
        complete(node, claim);
    }
    let node_name = node.as_ref().map(|node| node.name.clone());
    let pods = object.list("pods", |value| {
        let mut pod = pod(decoder, value)?;
        pod.is_unschedulable = false;
        if pod.node_name.is_none() {
            pod.node_name.clone_from(&node_name);
        }
        // Bound pods of which nothing else is said run.
        if value.pointer("/status/phase").is_none() {
            pod.phase = Phase::Running;
        }
        Ok(pod)
    })?;
    let claim = object.get("nodeClaim");
    let conditions = claim.and_then(|claim| claim.pointer("/status/conditions")?.as_array());
    let is_consolidatable = |one: &Value| one.get("type").and_then(Value::as_str) == Some("Consolidatable");
    let says_consolidatable = conditions.is_some_and(|all| all.iter().any(is_consolidatable));
    Ok(NodeInCase {
        node,
        node_claim,
        pods,
        says_consolidatable,
        node_group: object.read("nodeGroup", owned)?,
    })
}

/// A NodeClaim; one that has no conditions has everything behind it.
fn claim(decoder: &mut Decoder, value: &Value) -> Read<NodeClaim> {
    let named;
    let has_name = value.pointer("/metadata/name").is_some();
    let value = if has_name || !value.is_object() {
        value
    } else {
        let mut copy = value.clone();
        copy["metadata"]["name"] = Value::from("unnamed");
        named = copy;
        &named
    };
    let mut claim = decoded(decoder.node_claim(value))?;
    if !has_name {
        claim.name.clear();
    }
    // One that says only that it has drifted, say, is like others otherwise.
    let of_start = ["Launched", "Registered", "Initialized"];
    let conditions = value.pointer("/status/conditions").and_then(Value::as_array);
    let kind = |one: &Value| one.get("type").and_then(Value::as_str).map(str::to_owned);
    let says_start = conditions
        .is_some_and(|all| all.iter().filter_map(kind).any(|kind| of_start.contains(&kind.as_str())));
    if !says_start {
        let since = Some(claim.created);
        (claim.launched, claim.registered, claim.initialized) = (since, since, since);
    }
    Ok(claim)
}

/// What a node and its NodeClaim say of each other, where one of them is silent.
fn complete(node: &mut Node, claim: &mut NodeClaim) {
    if claim.name.is_empty() {
        claim.name.clone_from(&node.name);
    }
    if claim.node_name.is_empty() {
        claim.node_name.clone_from(&node.name);
    }
    if claim.provider_id.is_empty() {
        claim.provider_id.clone_from(&node.provider_id);
    }
    for (key, value) in &node.labels {
        claim.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    if claim.capacity.is_zero() {
        claim.capacity = node.capacity;
    }
    if claim.allocatable.is_zero() {
        claim.allocatable = node.allocatable;
    }
    if node.allocatable.is_zero() {
        (node.capacity, node.allocatable) = (claim.capacity, claim.allocatable);
    }
    if claim.registered.is_some() {
        for (key, value) in &claim.labels {
            node.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

pub fn node_group(decoder: &mut Decoder, value: &Value) -> Read<NodeGroup> {
    let object = Object::of(value)?.only(&["max", "min", "name", "target", "template"])?;
    let name = object.need("name", owned)?;
    let template = object.read("template", |value| {
        let is_named = value.pointer("/metadata/name").is_some();
        if is_named || !value.is_object() {
            return decoded(decoder.node(value));
        }
        let mut copy = value.clone();
        copy["metadata"]["name"] = Value::from(format!("template-node-for-{name}"));
        decoded(decoder.node(&copy))
    })?;
    let min = object.read("min", integer)?.unwrap_or(0);
    let max = object.need("max", integer)?;
    if min < 0 || max < min {
        return Err(Wrong::new("a group has at least 0 nodes and at most as many as `max`").text(value));
    }
    Ok(NodeGroup { name, min, max, target: object.read("target", integer)?, template })
}
