//! One case: a situation in Kubernetes' own words, and which decision is asked for.

use serde_json::Value;

use super::instance_type;
use super::node_class::NodeClass;
use super::node_pool::{self, NodePool};
use super::reading::{Object, Read, Wrong, integer, owned, string, time, unknown, word};
use super::settings::Settings;
use super::well_known;
use crate::decide::karpenter::model::InstanceType;
use crate::kube::decode::{Decoded, Decoder, Problem, Step};
use crate::kube::{Node, NodeClaim, OwnerRef, Pdb, Pod, PodSpec, ResourceNames};
use crate::units::Time;

/// Which decision is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Solve,
    Consolidate,
    ClusterAutoscaler,
    Score,
}

impl Mode {
    const ALL: [(&str, Self); 4] = [
        ("solve", Self::Solve),
        ("consolidate", Self::Consolidate),
        ("cluster-autoscaler", Self::ClusterAutoscaler),
        ("score", Self::Score),
    ];
}

/// A case as it was given, checked, with what the API server would have filled in.
#[derive(Clone, Debug)]
pub struct Case {
    pub mode: Mode,
    pub settings: Settings,
    pub now: Time,
    pub resources: ResourceNames,
    pub node_pools: Vec<NodePool>,
    /// By NodePool, as in `node_pools`.
    pub instance_types: Vec<Vec<InstanceType>>,
    /// Pending ones: pods among them that say on which node they are belong to that node.
    pub pods: Vec<Pod>,
    pub daemon_sets: Vec<PodSpec>,
    pub nodes: Vec<NodeInCase>,
    pub node_groups: Vec<NodeGroup>,
    pub pdbs: Vec<Pdb>,
}

/// A node with what is bound to it. At least one of the two is there.
#[derive(Clone, Debug)]
pub struct NodeInCase {
    pub node: Option<Node>,
    /// `None`: Karpenter does not manage it.
    pub node_claim: Option<NodeClaim>,
    pub pods: Vec<Pod>,
    /// The NodeClaim says which of its conditions hold.
    pub has_conditions: bool,
    /// The node group that it is said to belong to.
    pub node_group: Option<String>,
}

impl NodeInCase {
    /// The node's name, or the NodeClaim's before there is a node.
    pub fn name(&self) -> &str {
        let claim = || self.node_claim.as_ref().map_or("", |claim| claim.name.as_str());
        self.node.as_ref().map_or_else(claim, |node| node.name.as_str())
    }
}

/// A node group of Cluster Autoscaler.
#[derive(Clone, Debug)]
pub struct NodeGroup {
    pub name: String,
    pub min: i64,
    pub max: i64,
    /// `None`: as many as it has nodes.
    pub target: Option<i64>,
    /// What a node of it would be.
    pub template: Option<Node>,
}

const FIELDS: &[&str] = &[
    "daemonSets",
    "instanceTypes",
    "mode",
    "name",
    "nodeClasses",
    "nodeGroups",
    "nodePools",
    "nodes",
    "now",
    "pdbs",
    "pods",
    "priorityClasses",
    "settings",
];

impl Case {
    pub fn read(value: &Value) -> Read<Self> {
        let case = Object::of(value)?.only(FIELDS)?;
        case.read("name", string)?;
        let mode = case.need("mode", |value| word(value, &Mode::ALL))?;
        let settings = case.read("settings", Settings::read)?.unwrap_or_default();
        let mut renamed = Value::Null;
        let case = match settings.karpenter.well_known_labels.as_slice() {
            [] => case,
            declared => {
                renamed.clone_from(value);
                well_known::rename(&mut renamed, declared);
                Object::of(&renamed)?
            }
        };
        let now = case.read("now", time)?;
        let mut decoder = Decoder::default();
        for class in case.list("priorityClasses", Ok)? {
            decoded(decoder.priority_class(class)).map_err(|wrong| wrong.within("priorityClasses"))?;
        }
        let mut pods = case.list("pods", |value| pod(&mut decoder, value))?;
        let daemon_sets = case.list("daemonSets", |value| daemon_set(&mut decoder, value))?;
        let mut nodes = case.list("nodes", |value| node(&mut decoder, value))?;
        let node_groups = case.list("nodeGroups", |value| node_group(&mut decoder, value))?;
        let pdbs = case.list("pdbs", |value| decoded(decoder.pdb(value)))?;
        let node_pools = case.list("nodePools", |value| node_pool::read(value, &mut decoder.resources))?;
        let node_classes = case.list("nodeClasses", NodeClass::read)?;
        bind(&mut pods, &mut nodes)?;
        let of_pools = node_pools.iter().map(|pool| pool.model.name.as_str());
        unique("NodePool", of_pools).map_err(|wrong| wrong.within("nodePools"))?;
        unique("node", nodes.iter().map(NodeInCase::name)).map_err(|wrong| wrong.within("nodes"))?;
        let of_groups = node_groups.iter().map(|group| group.name.as_str());
        unique("node group", of_groups).map_err(|wrong| wrong.within("nodeGroups"))?;
        // Last, so that only resources that somebody asks for are told apart.
        let instance_types = instance_type::by_pool(
            case.get("instanceTypes"),
            &node_pools,
            &node_classes,
            &settings,
            &decoder.resources,
        )?;
        let groups: Vec<&str> = node_groups.iter().map(|group| group.name.as_str()).collect();
        for (index, node) in nodes.iter().enumerate() {
            if let Some(name) = node.node_group.as_ref().filter(|name| !groups.contains(&name.as_str())) {
                return Err(unknown("node group", name, &groups)
                    .within("nodeGroup")
                    .at(index)
                    .within("nodes"));
            }
        }
        if mode == Mode::Score && pods.len() != 1 {
            let wrong = Wrong::new(format!("one pending pod is scored, and there are {}", pods.len()));
            return Err(wrong.hint("write a case for each pod").within("pods"));
        }
        let latest = || latest(&pods, &nodes);
        Ok(Self {
            mode,
            now: now.unwrap_or_else(latest),
            settings,
            resources: decoder.resources.clone(),
            node_pools,
            instance_types,
            pods,
            daemon_sets,
            nodes,
            node_groups,
            pdbs,
        })
    }
}

/// The last thing that happened, where nobody says what time it is.
fn latest(pods: &[Pod], nodes: &[NodeInCase]) -> Time {
    let of_claim = |claim: &NodeClaim| {
        let since = [claim.launched, claim.registered, claim.initialized, claim.last_pod_event];
        since.into_iter().flatten().fold(claim.created, Time::max)
    };
    let bound = nodes.iter().flat_map(|node| &node.pods);
    let of_pods = pods.iter().chain(bound).map(|pod| pod.created);
    let of_nodes = nodes.iter().filter_map(|node| node.node.as_ref()).map(|node| node.created);
    let of_claims = nodes.iter().filter_map(|node| node.node_claim.as_ref()).map(of_claim);
    of_pods.chain(of_nodes).chain(of_claims).max().unwrap_or_default()
}

/// The first of the problems, as this module says it.
pub(super) fn decoded<T>(read: Decoded<T>) -> Read<T> {
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
fn pod(decoder: &mut Decoder, value: &Value) -> Read<Pod> {
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
fn daemon_set(decoder: &mut Decoder, value: &Value) -> Read<PodSpec> {
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

fn node(decoder: &mut Decoder, value: &Value) -> Read<NodeInCase> {
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
            pod.phase = crate::kube::Phase::Running;
        }
        Ok(pod)
    })?;
    let claim = object.get("nodeClaim");
    let has_conditions = claim.is_some_and(|claim| claim.pointer("/status/conditions").is_some());
    Ok(NodeInCase { node, node_claim, pods, has_conditions, node_group: object.read("nodeGroup", owned)? })
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
    if value.pointer("/status/conditions").is_none() {
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

fn node_group(decoder: &mut Decoder, value: &Value) -> Read<NodeGroup> {
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

/// Pods among the pending ones that are bound already go to their nodes.
fn bind(pods: &mut Vec<Pod>, nodes: &mut [NodeInCase]) -> Read<()> {
    let mut pending = Vec::with_capacity(pods.len());
    for (index, pod) in pods.drain(..).enumerate() {
        let Some(name) = &pod.node_name else {
            pending.push(pod);
            continue;
        };
        let Some(node) = nodes.iter_mut().find(|node| node.node.as_ref().is_some_and(|n| n.name == *name))
        else {
            let wrong = Wrong::new("there is no such node").text(&Value::from(name.as_str()));
            let wrong = wrong.hint("leave out `nodeName`, or add the node to `nodes`");
            return Err(wrong.within("nodeName").within("spec").at(index).within("pods"));
        };
        node.pods.push(pod);
    }
    *pods = pending;
    Ok(())
}

/// Checks that no two objects of a list have the same name.
fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Read<()> {
    let mut seen = std::collections::BTreeSet::new();
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            let wrong = Wrong::new(format!("there is another {kind} of this name"));
            return Err(wrong.text(&Value::from(name)).at(index));
        }
    }
    Ok(())
}
