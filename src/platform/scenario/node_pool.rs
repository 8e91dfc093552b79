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

pub(super) fn read(reader: &mut Reader, node: &Node, pasted: &mut Pasted) -> Option<NodePool> {
    let mut root = Section::new(reader, "NodePool".into(), "NodePool".into(), node);
    api_version(reader, &mut root, node, API_VERSION);
    root.entry(reader, "kind");
    let name = metadata(reader, &mut root, node);
    if let Some(name) = &name {
        root.rename(format!("NodePool[{}]", document_name(node, name)), "NodePool".into());
    }
    root.ignore(&["status"]);
    let auto_mode = is_of_auto_mode(node);
    let pool = if auto_mode {
        AutoMode::pool()
    } else {
        NodePool {
            requirements: Vec::new(),
            consolidation_policy: ConsolidationPolicy::WhenEmptyOrUnderutilized,
            consolidate_after: Some(Span::ZERO),
            ..NodePool::default()
        }
    };
    let mut pool = NodePool { name: name.clone().unwrap_or_default(), ..pool };
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
    requirements::read(reader, &mut nodes, auto_mode, &mut pool.requirements);
    constraints::taints(reader, &mut nodes, &mut pool.taints);
    nodes.set(reader, "expireAfter", &mut pool.expire_after, kubernetes_duration_or_never);
    let grace = nodes.optional(reader, "terminationGracePeriod", kubernetes_duration);
    pool.termination_grace_period = grace.or(pool.termination_grace_period);
    node_class(reader, &mut nodes, &mut pool, pasted);
    // How long such a taint keeps pods away, only what removes it knows: `startup.registeredToReady` can say it.
    nodes.unsimulated(reader, &["startupTaints"]);
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
    section.unsimulated(reader, &["ephemeral-storage", "pods"]);
    section.unsimulated_where(reader, |key| key.contains('/') || key.starts_with("hugepages-"));
    section.finish(reader);
}

fn disruption(reader: &mut Reader, spec: &mut Section, pool: &mut NodePool) {
    let mut section = spec.section(reader, "disruption");
    section.set(reader, "consolidationPolicy", &mut pool.consolidation_policy, |text| {
        choice(text, ConsolidationPolicy::WORDS)
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
            Ok(n) if number.len() < text.len() => Ok(Budget::percent(n as u32)),
            Ok(n) => Ok(Budget::nodes(n as u32)),
            Err(_) => Err(Refusal::new("must be a number of nodes or a percentage up to 100%")
                .hint("write \"3\" or \"10%\"")),
        }
    });
    let mut reasons = Vec::new();
    let path_of_reasons = section.path("reasons");
    for (index, node) in section.list(reader, "reasons").unwrap_or_default().iter().enumerate() {
        let path = format!("{path_of_reasons}[{index}]");
        reasons.extend(reader.scalar(&path, node, |text| choice(text, DisruptionReason::WORDS)));
    }
    let schedule = section.optional(reader, "schedule", |text| {
        Schedule::parse(text)
            .map_err(|problem| Refusal::new(problem).hint("write \"0 9 * * mon-fri\"; times are UTC"))
    });
    let duration = section.optional(reader, "duration", kubernetes_duration);
    section.finish(reader);
    let has = |name| node.get(name).is_some();
    if has("schedule") != has("duration") {
        let (there, missing) =
            if has("schedule") { ("schedule", "duration") } else { ("duration", "schedule") };
        let refusal = Refusal::new(format!("{path} has a {there} and no {missing}"))
            .hint("write {nodes: \"0\", schedule: \"0 9 * * mon-fri\", duration: 8h}");
        reader.problem(node.place, "", refusal);
    }
    if matches!(node.value, Value::Map(_)) && node.get("nodes").is_none() {
        reader.problem(
            node.place,
            "",
            Refusal::new(format!("{path} has no nodes")).hint("write {nodes: \"10%\"}"),
        );
    }
    let window = schedule.zip(duration).map(|(schedule, duration)| BudgetWindow { schedule, duration });
    nodes.map(|budget| Budget { reasons, window, ..budget })
}

/// Whether the nodes are of a class of EKS Auto Mode.
fn is_of_auto_mode(node: &Node) -> bool {
    let path = ["spec", "template", "spec", "nodeClassRef", "kind"];
    let kind = path.iter().try_fold(node, |node, name| node.get(name));
    kind.and_then(Node::scalar) == Some("NodeClass")
}

/// What the class of the pool says of its nodes, if it is in the file.
fn node_class(reader: &mut Reader, nodes: &mut Section, pool: &mut NodePool, pasted: &mut Pasted) {
    let mut section = nodes.section(reader, "nodeClassRef");
    section.ignore(&["group"]);
    section.optional(reader, "kind", |text| match text {
        "EC2NodeClass" | "NodeClass" => Ok(()),
        _ => Err(Refusal::new("must be EC2NodeClass or, under EKS Auto Mode, NodeClass")),
    });
    let auto_mode = pool.auto_mode;
    let class = |text: &str| if auto_mode { pasted.auto_class(text) } else { pasted.class(text) };
    if let Some(class) = section.optional(reader, "name", class).flatten() {
        pool.root_volume = class.root_volume.unwrap_or(pool.root_volume);
        pool.max_pods = class.max_pods;
        pool.sizing = class.sizing;
    }
    section.finish(reader);
}
