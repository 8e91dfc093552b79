//! Which pods of a workflow wait for which, and which are tries of the same task.
//!
//! The controller puts what comes after a DAG, a step group or a retry below the nodes at its end (`outboundNodes`), so
//! children lead from pod to pod, through nodes that are none. Only tries are different: all of them are children of
//! their Retry node, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::object::{Node, Workflow};

/// What a node is to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Pod,
    /// Work inside Argo's agent.
    Agent,
    Suspend,
    /// Never started: its condition was not met.
    Skipped,
    /// Holds others together.
    Virtual,
}

pub(super) fn role(node: &Node) -> Role {
    match (&*node.kind, &*node.phase) {
        ("Skipped", _) | ("Pod" | "HTTP" | "Plugin" | "Suspend", "Skipped" | "Omitted") => Role::Skipped,
        ("Pod", _) if node.memoization_status.hit => Role::Skipped,
        ("Pod", _) => Role::Pod,
        ("HTTP" | "Plugin", _) => Role::Agent,
        ("Suspend", _) => Role::Suspend,
        _ => Role::Virtual,
    }
}

/// What a row of the trace needs to know of the others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// The name of its task: that of the Retry node for tries.
    pub task: String,
    /// From 1.
    pub attempt: u32,
    /// Names of the tasks before it.
    pub after: BTreeSet<String>,
}

/// All nodes that are rows, by id.
pub(super) fn steps(workflow: &Workflow) -> BTreeMap<&str, Step> {
    let nodes = &workflow.status.nodes;
    let mut steps: BTreeMap<&str, Step> = nodes
        .iter()
        .filter(|(_, node)| role(node) != Role::Virtual)
        .map(|(id, node)| {
            (id.as_str(), Step { task: path(workflow, id, node), attempt: 1, ..Step::default() })
        })
        .collect();
    for (id, node) in nodes.iter().filter(|(_, node)| &*node.kind == "Retry") {
        let task = path(workflow, id, node);
        let tries: Vec<&str> = tries(nodes, node);
        for (number, id) in (1..).zip(&tries) {
            if let Some(step) = steps.get_mut(id) {
                step.task.clone_from(&task);
                step.attempt = number;
            }
        }
    }
    let mut edges: Vec<(&str, &str)> = Vec::new();
    for (id, node) in nodes.iter().filter(|(id, _)| steps.contains_key(id.as_str())) {
        edges.extend(below(nodes, node).into_iter().map(|next| (id.as_str(), next)));
    }
    // A retried group begins again when all of it has ended.
    for node in nodes.values().filter(|node| &*node.kind == "Retry") {
        for pair in tries(nodes, node).windows(2).filter(|pair| !steps.contains_key(pair[0])) {
            let Some(second) = nodes.get(pair[1]) else { continue };
            let first: Vec<&str> = inside(nodes, &steps, pair[0]);
            let entries = if steps.contains_key(pair[1]) { vec![pair[1]] } else { below(nodes, second) };
            edges.extend(first.iter().flat_map(|before| entries.iter().map(|next| (*before, *next))));
        }
    }
    for (before, next) in edges {
        let task = steps[before].task.clone();
        if let Some(step) = steps.get_mut(next).filter(|step| step.task != task) {
            step.after.insert(task);
        }
    }
    steps
}

/// The tries below a Retry node: its children whose names say so. Others hang below it only because it never ran.
fn tries<'w>(nodes: &'w BTreeMap<String, Node>, retry: &'w Node) -> Vec<&'w str> {
    let is_try = |id: &&str| {
        let rest = nodes.get(*id).and_then(|node| node.name.strip_prefix(&*retry.name));
        rest.is_some_and(|rest| rest.starts_with('(') && rest.ends_with(')'))
    };
    retry.children.iter().map(|id| &**id).filter(is_try).collect()
}

/// The rows that follow `node` directly, with nothing but virtual nodes between.
fn below<'w>(nodes: &'w BTreeMap<String, Node>, node: &'w Node) -> Vec<&'w str> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = node.children.iter().map(|id| &**id).collect();
    while let Some(id) = open.pop() {
        let Some((id, child)) = nodes.get_key_value(id).filter(|_| seen.insert(id.to_owned())) else {
            continue;
        };
        match role(child) {
            Role::Virtual if &*child.kind == "Retry" => {
                // All tries hang below it, but only the first follows what is before it.
                let tries = tries(nodes, child);
                let later: BTreeSet<&str> = tries.iter().skip(1).copied().collect();
                open.extend(child.children.iter().map(|id| &**id).filter(|id| !later.contains(id)));
            }
            Role::Virtual => open.extend(child.children.iter().map(|id| &**id)),
            _ => found.push(id.as_str()),
        }
    }
    found
}

/// The rows within the group `id`, however deep.
fn inside<'w>(nodes: &'w BTreeMap<String, Node>, steps: &BTreeMap<&str, Step>, id: &str) -> Vec<&'w str> {
    let is_within = |node: &Node| {
        let mut boundary = &node.boundary_id;
        // As deep as there are nodes, should boundaries run in a circle.
        for _ in 0..64 {
            if &**boundary == id {
                return true;
            }
            let Some(outer) = nodes.get(&**boundary) else { return false };
            boundary = &outer.boundary_id;
        }
        false
    };
    let rows = nodes.iter().filter(|(id, _)| steps.contains_key(id.as_str()));
    rows.filter(|(_, node)| is_within(node)).map(|(id, _)| id.as_str()).collect()
}

/// A node's name below that of the workflow: `etl.load` of `nightly-x7k.etl.load`.
fn path(workflow: &Workflow, id: &str, node: &Node) -> String {
    let name = if node.name.is_empty() { id } else { &node.name };
    let below = name.strip_prefix(workflow.metadata.name()).filter(|_| !workflow.metadata.name().is_empty());
    let below = below.and_then(|rest| rest.strip_prefix('.').or(rest.starts_with('[').then_some(rest)));
    below.unwrap_or(name).to_owned()
}

/// What tasks are called that differ only in their item or try: names of the groups around it, and its own.
pub(super) fn task_name(nodes: &BTreeMap<String, Node>, node: &Node) -> String {
    let mut names = Vec::new();
    let mut at = Some(node);
    while let Some(node) = at.filter(|_| names.len() < 64) {
        let own = if node.display_name.is_empty() { &node.name } else { &node.display_name };
        let plain = own.split('(').next().unwrap_or_default();
        let outer = nodes.get(&*node.boundary_id);
        // The outermost node is the workflow itself.
        if outer.is_some() || names.is_empty() {
            names.push(plain);
        }
        at = outer;
    }
    names.reverse();
    names.join(".")
}
