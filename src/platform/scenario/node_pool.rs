//! A Karpenter NodePool (`karpenter.sh/v1`) as it is deployed.
//!
//! What would change the result and is not simulated is refused; what cannot (annotations, status) is ignored. What is
//! left out has the API's default, which is not always that of the built-in pools.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::documents::{OBJECT_METADATA, Pasted, api_version, metadata};
use super::print::node_pools::DOCUMENT;
use super::{constraints, requirements};

const API_VERSION: &str = "karpenter.sh/v1";
const REMOVE: &str = "remove it from the document";

pub(super) fn read(reader: &mut Reader, node: &Node, pasted: &mut Pasted) -> Option<NodePool> {
    let mut root = Section::new(reader, "NodePool".into(), "NodePool".into(), node);
    api_version(reader, &mut root, node, API_VERSION);
    root.entry(reader, "kind");
    let name = metadata(reader, &mut root, node);
    if let Some(name) = &name {
        root.rename(format!("NodePool[{}]", document_name(node, name)), "NodePool".into());
    }
    root.ignore(&["status"]);
    let mut pool = NodePool {
        name: name.clone().unwrap_or_default(),
        requirements: Vec::new(),
        consolidation_policy: ConsolidationPolicy::WhenEmptyOrUnderutilized,
        consolidate_after: Some(Span::ZERO),
        ..NodePool::default()
    };
    let mut spec = root.section(reader, "spec");
    spec.set(reader, "weight", &mut pool.weight, |t| whole(t, 1, 100).map(|n| n as u32));
    limits(reader, &mut spec, &mut pool.limits);
    disruption(reader, &mut spec, &mut pool);
    spec.refuse(reader, &["replicas"], "NodePools of a fixed size are not simulated; remove it");
    let mut template = spec.section(reader, "template");
    let mut about = template.section(reader, "metadata");
    constraints::labels(reader, &mut about, &mut pool.labels);
    about.ignore(&OBJECT_METADATA);
    about.finish(reader);
    let mut nodes = template.section(reader, "spec");
    requirements::read(reader, &mut nodes, &mut pool.requirements);
    constraints::taints(reader, &mut nodes, &mut pool.taints);
    nodes.set(reader, "expireAfter", &mut pool.expire_after, kubernetes_duration_or_never);
    pool.termination_grace_period = nodes.optional(reader, "terminationGracePeriod", kubernetes_duration);
    node_class(reader, &mut nodes, &mut pool, pasted);
    let hint = "remove it; how long such a taint keeps pods away can be added to startup.registeredToReady";
    nodes.refuse(reader, &["startupTaints"], hint);
    nodes.finish(reader);
    template.finish(reader);
    spec.finish(reader);
    root.finish(reader);
    name.map(|_| pool)
}

/// What platforms call the document of the NodePool `name`.
pub(super) fn document_name<'n>(node: &'n Node, name: &'n str) -> &'n str {
    let annotations = node.get("metadata").and_then(|metadata| metadata.get("annotations"));
    annotations.and_then(|all| all.get(DOCUMENT)).and_then(Node::scalar).unwrap_or(name)
}

fn limits(reader: &mut Reader, spec: &mut Section, limits: &mut PoolLimits) {
    let mut section = spec.section(reader, "limits");
    limits.cpu = section.optional(reader, "cpu", |t| cpu(t, Cpu::ZERO));
    limits.memory = section.optional(reader, "memory", |t| memory(t, Memory::ZERO, MOST_MEMORY));
    limits.nodes = section.optional(reader, "nodes", |t| whole(t, 0, 1_000_000).map(|n| n as u32));
    section.refuse(reader, &["ephemeral-storage", "pods"], REMOVE);
    section.finish(reader);
}

fn disruption(reader: &mut Reader, spec: &mut Section, pool: &mut NodePool) {
    let mut section = spec.section(reader, "disruption");
    section.set(reader, "consolidationPolicy", &mut pool.consolidation_policy, |text| match text {
        "Balanced" => Err(Refusal::new("Balanced is not simulated by this version")
            .hint("write WhenEmpty or WhenEmptyOrUnderutilized")),
        _ => choice(text, ConsolidationPolicy::WORDS),
    });
    section.set(reader, "consolidateAfter", &mut pool.consolidate_after, kubernetes_duration_or_never);
    let (path, generic) = (section.path("budgets"), section.generic("budgets[]"));
    if let Some(items) = section.list(reader, "budgets") {
        pool.budgets.clear();
        for (index, node) in items.iter().enumerate() {
            pool.budgets.extend(budget(reader, format!("{path}[{index}]"), generic.clone(), node));
        }
    }
    section.finish(reader);
}

fn budget(reader: &mut Reader, path: String, generic: String, node: &Node) -> Option<Budget> {
    let mut section = Section::new(reader, path.clone(), generic, node);
    let nodes = section.optional(reader, "nodes", |text| {
        let (number, most) = text.strip_suffix('%').map_or((text, 1_000_000), |number| (number, 100));
        match whole(number, 0, most) {
            Ok(n) if number.len() < text.len() => Ok(Budget::Percent(n as u32)),
            Ok(n) => Ok(Budget::Nodes(n as u32)),
            Err(_) => Err(Refusal::new("must be a number of nodes or a percentage up to 100%")
                .hint("write \"3\" or \"10%\"")),
        }
    });
    let hint = "only budgets that always hold, for every reason, are simulated; remove it";
    section.refuse(reader, &["reasons", "schedule", "duration"], hint);
    section.finish(reader);
    if matches!(node.value, Value::Map(_)) && node.get("nodes").is_none() {
        reader.problem(
            node.place,
            "",
            Refusal::new(format!("{path} has no nodes")).hint("write {nodes: \"10%\"}"),
        );
    }
    nodes
}

/// What the EC2NodeClass of the pool says of its nodes, if it is in the file.
fn node_class(reader: &mut Reader, nodes: &mut Section, pool: &mut NodePool, pasted: &mut Pasted) {
    let mut section = nodes.section(reader, "nodeClassRef");
    section.ignore(&["group"]);
    section.optional(reader, "kind", |text| match text {
        "EC2NodeClass" => Ok(()),
        "NodeClass" => Err(Refusal::new("belongs to EKS Auto Mode, which this version does not simulate")),
        _ => Err(Refusal::new("must be EC2NodeClass")),
    });
    if let Some(class) = section.optional(reader, "name", |text| pasted.class(text)).flatten() {
        pool.root_volume = class.root_volume.unwrap_or(pool.root_volume);
        pool.max_pods = class.max_pods;
    }
    section.finish(reader);
}
