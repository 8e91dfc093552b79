//! One case: a situation in Kubernetes' own words, and which decision is asked for.

use serde_json::Value;

use super::instance_type;
use super::node_class::NodeClass;
use super::node_pool::{self, NodePool};
use super::objects::{daemon_set, decoded, node, node_group, pod};
use super::reading::{Object, Read, Wrong, string, time, unknown, word};
use super::settings::Settings;
use super::well_known;
use crate::decide::karpenter::model::InstanceType;
use crate::kube::decode::Decoder;
use crate::kube::{Node, NodeClaim, Pdb, Pod, PodSpec, ResourceNames};
use crate::units::{Span, Time};

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
    /// The NodeClaim says whether it is consolidatable.
    pub says_consolidatable: bool,
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
        let bound = nodes.iter().flat_map(|node| &node.pods);
        let names = pods.iter().chain(bound).map(|pod| format!("{}/{}", pod.spec.namespace, pod.name));
        let names: Vec<String> = names.collect();
        unique("pod", names.iter().map(String::as_str)).map_err(|wrong| wrong.within("pods"))?;
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

/// Where nobody says what time it is: a minute after the last thing that happened, when no pod is too new any more for
/// Cluster Autoscaler to look at it.
fn latest(pods: &[Pod], nodes: &[NodeInCase]) -> Time {
    let of_claim = |claim: &NodeClaim| {
        let since = [claim.launched, claim.registered, claim.initialized, claim.last_pod_event];
        since.into_iter().flatten().fold(claim.created, Time::max)
    };
    let bound = nodes.iter().flat_map(|node| &node.pods);
    let of_pods = pods.iter().chain(bound).map(|pod| pod.created);
    let of_nodes = nodes.iter().filter_map(|node| node.node.as_ref()).map(|node| node.created);
    let of_claims = nodes.iter().filter_map(|node| node.node_claim.as_ref()).map(of_claim);
    of_pods.chain(of_nodes).chain(of_claims).max().unwrap_or_default() + Span::from_secs(60)
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
