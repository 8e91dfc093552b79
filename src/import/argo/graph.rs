//! Which pods of a workflow wait for which, and which are tries of the same task.
//!
//! The controller puts what comes after a DAG, a step group or a retry below the nodes at its end (`outboundNodes`), so
//! children lead from pod to pod, through nodes that are none. Only tries are different: all of them are children of
//! their Retry node, one after the other.
//!
//! All nodes at the end of a group have the same children: a thousand before a thousand are looked at as one set before
//! another, and a row is put between them (see `joins`).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::joins;
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
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The name of its task: that of the Retry node for tries.
    pub task: Rc<str>,
    /// From 1.
    pub attempt: u32,
    /// Names of the tasks before it.
    pub after: BTreeSet<Rc<str>>,
}

/// A row that stands between many others, and the names of the tasks before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Join {
    pub task: Rc<str>,
    pub after: BTreeSet<Rc<str>>,
}

/// All nodes that are rows, by id, and the rows to put between them.
pub(super) fn steps(workflow: &Workflow) -> (BTreeMap<&str, Step>, Vec<Join>) {
    let nodes = &workflow.status.nodes;
    let mut steps: BTreeMap<&str, Step> = nodes
        .iter()
        .filter(|(_, node)| role(node) != Role::Virtual)
        .map(|(id, node)| {
            let task = path(workflow, id, node).into();
            (id.as_str(), Step { task, attempt: 1, after: BTreeSet::new() })
        })
        .collect();
    for (id, node) in nodes.iter().filter(|(_, node)| &*node.kind == "Retry") {
        let task: Rc<str> = path(workflow, id, node).into();
        let tries: Vec<&str> = tries(nodes, node);
        for (number, id) in (1..).zip(&tries) {
            if let Some(step) = steps.get_mut(id) {
                step.task.clone_from(&task);
                step.attempt = number;
            }
        }
    }
    // Each of the ones is before each of the others.
    let mut edges: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    let mut same: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for (id, node) in nodes.iter().filter(|(id, _)| steps.contains_key(id.as_str())) {
        let children = node.children.iter().map(|id| &**id).collect();
        same.entry(children).or_default().push(id);
    }
    edges.extend(same.into_values().map(|before| {
        let next = below(nodes, &nodes[before[0]]);
        (before, next)
    }));
    // A retried group begins again when all of it has ended.
    for node in nodes.values().filter(|node| &*node.kind == "Retry") {
        for pair in tries(nodes, node).windows(2).filter(|pair| !steps.contains_key(pair[0])) {
            let Some(second) = nodes.get(pair[1]) else { continue };
            let first: Vec<&str> = inside(nodes, &steps, pair[0]);
            let entries = if steps.contains_key(pair[1]) { vec![pair[1]] } else { below(nodes, second) };
            edges.push((first, entries));
        }
    }
    let joins = connect(&edges, &mut steps);
    (steps, joins)
}

/// Tells each step what is before it; gives the rows to be put between.
fn connect(edges: &[(Vec<&str>, Vec<&str>)], steps: &mut BTreeMap<&str, Step>) -> Vec<Join> {
    // Of each step, the edges that lead to it; and of these, all steps that have the same.
    let mut leading: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, (_, next)) in edges.iter().enumerate() {
        for id in next {
            leading.entry(id).or_default().push(number);
        }
    }
    let mut sets: BTreeMap<Vec<usize>, Vec<&str>> = BTreeMap::new();
    for (id, numbers) in leading {
        sets.entry(numbers).or_default().push(id);
    }
    let mut joins = Vec::new();
    for (numbers, next) in sets {
        let before = numbers.iter().flat_map(|number| &edges[*number].0);
        let before: BTreeSet<Rc<str>> = before.map(|id| Rc::clone(&steps[id].task)).collect();
        // What a task waits for is no other try of it.
        let is_own = next.iter().any(|id| steps.get(id).is_some_and(|step| before.contains(&step.task)));
        let between = (!is_own && joins::is_worth(before.len(), next.len())).then(|| {
            let task: Rc<str> = format!("{}^after", steps[next[0]].task).into();
            joins.push(Join { task: Rc::clone(&task), after: before.clone() });
            BTreeSet::from([task])
        });
        let before = between.unwrap_or(before);
        for id in next {
            if let Some(step) = steps.get_mut(id) {
                step.after = before.iter().filter(|task| **task != step.task).cloned().collect();
            }
        }
    }
    joins
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
