//! A platform of several parts, each described as a platform is.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::candidates;
use super::documents::Pasted;

pub(super) const EXAMPLE: &str = "write {name: both, kind: mixed, parts: [{name: base, kind: node-group, \
                                  instanceTypes: [m6i.large], scaling: {desiredSize: 2}}, {name: burst, kind: karpenter}]}";

const KINDS: [&str; 4] = ["fargate", "node-group", "karpenter", "auto-mode"];

pub(super) fn read(reader: &mut Reader, platform: &mut Section, node: &Node, pasted: &mut Pasted) -> Mixed {
    let list = platform.path("parts");
    let items = platform.list(reader, "parts");
    let mut parts: Vec<Part> = Vec::new();
    for (index, item) in items.unwrap_or_default().iter().enumerate() {
        if !matches!(item.value, Value::Map(_)) {
            let message = format!("{list}[{index}] must be a mapping, not {}", item.shape());
            reader.problem(
                item.place,
                item.scalar().unwrap_or_default(),
                Refusal::new(message).hint(EXAMPLE),
            );
            continue;
        }
        let Some((place, part)) = candidates::described(reader, (&list, index), item, &KINDS, pasted) else {
            continue;
        };
        if let Some(refusal) = clash(&list, &parts, &part).or_else(|| is_open(&list, &part)) {
            reader.problem(place, &part.name, refusal);
            continue;
        }
        parts.push(part);
    }
    let all_read = items.is_some_and(|items| items.len() == parts.len());
    if node.get("parts").is_none() || all_read && parts.is_empty() {
        let refusal = Refusal::new(format!("{list}: a mixed platform has parts")).hint(EXAMPLE);
        reader.problem(node.get("parts").unwrap_or(node).place, "", refusal);
    }
    let swallows = |part: &&Part| matches!(&part.kind, Kind::Fargate(fargate) if fargate.profiles.is_empty());
    if let Some(part) = parts.iter().find(swallows).filter(|_| parts.len() > 1) {
        let refusal =
            Refusal::new(format!("{list}[{}] takes every pod, so the other parts get none", part.name))
                .hint("say which pods run there: profiles: [{name: jobs, selectors: [{namespace: jobs}]}]");
        reader.problem(node.get("parts").unwrap_or(node).place, "", refusal);
    }
    Mixed { parts }
}

/// Names are what costs are told apart by, and a cluster has one controller of each kind.
fn clash(list: &str, parts: &[Part], part: &Part) -> Option<Refusal> {
    if parts.iter().any(|other| other.name == part.name) {
        return Some(
            Refusal::new(format!("{list}: two parts have this name")).hint("give one of them another name"),
        );
    }
    if let Some(other) = parts.iter().find(|other| other.kind.word() == part.kind.word()) {
        let message = format!("{list}: {} is of the kind {} already", other.name, part.kind.word());
        let hint = "a cluster has one of each: write groups, nodePools or profiles into one part";
        return Some(Refusal::new(message).hint(hint));
    }
    let mine = pool_names(part);
    let twice = parts.iter().flat_map(pool_names).find(|name| mine.contains(name))?;
    let message = format!("{list}: another part has a group or NodePool of the name {twice} too");
    Some(Refusal::new(message).hint("give one of them another name"))
}

/// What the nodes of a part are called by in reports.
fn pool_names(part: &Part) -> Vec<String> {
    match &part.kind {
        Kind::NodeGroups(groups) => {
            let name =
                |group: &NodeGroup| if group.name.is_empty() { &part.name } else { &group.name }.clone();
            groups.groups.iter().map(name).collect()
        }
        other => other.node_pools().iter().map(|pool| pool.name.clone()).collect(),
    }
}

/// Which pods a group will get is not known before the others got theirs, so nothing can be chosen for it.
fn is_open(list: &str, part: &Part) -> Option<Refusal> {
    let Kind::NodeGroups(groups) = &part.kind else { return None };
    let open = |group: &&NodeGroup| group.instance_type.is_none() || group.size == GroupSize::HoldPeak;
    groups.groups.iter().find(open)?;
    let message = format!("{list}[{}]: a group beside other parts needs a type and a size", part.name);
    Some(Refusal::new(message).hint("write instanceTypes: [m6i.large], and scaling: {desiredSize: 2}"))
}
