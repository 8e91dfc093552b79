//! Version upgrades of managed node groups, which a scenario prescribes.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;

const EXAMPLE: &str = "write upgrades: [{at: 3d, maxUnavailable: 1}]";

/// `groups` are the platform's.
pub(super) fn read(
    reader: &mut Reader,
    platform: &mut Section,
    groups: &[NodeGroup],
    upgrades: &mut Vec<Upgrade>,
) {
    let path = platform.path("upgrades");
    let generic = platform.generic("upgrades[]");
    for (index, node) in platform.list(reader, "upgrades").unwrap_or_default().iter().enumerate() {
        upgrades.extend(upgrade(reader, format!("{path}[{index}]"), generic.clone(), node, groups));
    }
}

fn upgrade(
    reader: &mut Reader,
    path: String,
    generic: String,
    node: &Node,
    groups: &[NodeGroup],
) -> Option<Upgrade> {
    if !matches!(node.value, Value::Map(_)) {
        let refusal = Refusal::new(format!("{path} must be a mapping, not {}", node.shape())).hint(EXAMPLE);
        reader.problem(node.place, node.scalar().unwrap_or_default(), refusal);
        return None;
    }
    let mut section = Section::new(reader, path.clone(), generic, node);
    let at = section.optional(reader, "at", |t| duration(t, YEAR));
    let group = section.optional(reader, "nodeGroup", |text| {
        if groups.iter().any(|group| group.name == text) {
            return Ok(text.to_owned());
        }
        let names: Vec<&str> =
            groups.iter().map(|group| group.name.as_str()).filter(|name| !name.is_empty()).collect();
        let hint = match names.as_slice() {
            [] => "the platform has one group: remove this".to_owned(),
            names => format!("they are {}", all_of(names)),
        };
        Err(Refusal::new("is none of the platform's groups").hint(hint))
    });
    let mut upgrade = Upgrade { at: at.unwrap_or_default(), group, force: false, max_unavailable: 1 };
    section.set(reader, "force", &mut upgrade.force, boolean);
    section
        .set(reader, "maxUnavailable", &mut upgrade.max_unavailable, |t| whole(t, 1, 100).map(|n| n as u32));
    section.finish(reader);
    if node.get("at").is_none() {
        reader.problem(node.place, "", Refusal::new(format!("{path} has no at")).hint(EXAMPLE));
    }
    at.map(|_| upgrade)
}
