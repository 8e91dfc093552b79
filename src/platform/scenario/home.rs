//! Where a platform's controllers run (`controllersHome`), which the platform pays for.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::instance_type;
use crate::catalog::FargateSize;

const MOST: u64 = 1_000;
const FORMS: &str =
    "write elsewhere, {fargatePods: 2, cpu: 1, memory: 1Gi} or {instanceType: m6i.large, nodes: 2}";

/// What a mapping leaves out stays as it is in `home`.
pub(super) fn read(reader: &mut Reader, platform: &mut Section, home: &mut Home) {
    const NAME: &str = "controllersHome";
    let path = platform.path(NAME);
    let Some(entry) = platform.entry(reader, NAME) else {
        // Asked for what it may have, as every field is.
        let mut section = platform.section(reader, NAME);
        fields(reader, &mut section, home);
        return;
    };
    if !matches!(entry.value.value, Value::Map(_)) {
        platform.set(reader, NAME, home, |text| match text {
            "elsewhere" => Ok(Home::Elsewhere),
            _ => Err(Refusal::new("must be elsewhere or a mapping").hint(FORMS)),
        });
        return;
    }
    let mut section = platform.section(reader, NAME);
    let read = fields(reader, &mut section, home);
    section.finish(reader);
    match chosen(&entry.value, &path, read) {
        Ok(Some(chosen)) => *home = chosen,
        Ok(None) => {}
        Err(refusal) => reader.problem(entry.key_place, NAME, refusal.hint(FORMS)),
    }
}

/// Machines of one of both forms, which are fields of `section` beside others; `None` if what they are is refused.
pub(super) fn machines(reader: &mut Reader, section: &mut Section, node: &Node) -> Option<Home> {
    let read = fields(reader, section, &Home::Elsewhere);
    match chosen(node, &section.path(""), read) {
        Ok(chosen) => chosen,
        Err(refusal) => {
            let forms = FORMS.trim_start_matches("write elsewhere, ");
            reader.problem(node.place, "", refusal.hint(format!("write of these fields: {forms}")));
            None
        }
    }
}

/// Which of both forms the mapping `node` has; `None` where something else has been said about it.
fn chosen(node: &Node, path: &str, read: Fields) -> Parsed<Option<Home>> {
    let path = path.trim_end_matches('.');
    let has = |names: &[&str]| names.iter().any(|name| node.get(name).is_some());
    let on_fargate = has(&["fargatePods", "cpu", "memory"]);
    let on_nodes = has(&["instanceType", "nodes"]);
    Err(match (on_fargate, on_nodes) {
        (true, true) => Refusal::new(format!("{path} is both on Fargate and on nodes")),
        // What it has instead is refused as unknown.
        (false, false) if node.len() > 0 && node.get("name").is_none() => return Ok(None),
        (false, false) => Refusal::new(format!("{path} says nothing")),
        (false, true) if !has(&["instanceType"]) => Refusal::new(format!("{path} has no instanceType")),
        (false, true) if !has(&["nodes"]) => Refusal::new(format!("{path} has no nodes")),
        (true, false) => match &read.fargate {
            Home::Fargate { requests, .. } => {
                match FargateSize::for_request(requests.cpu, requests.memory, requests.ephemeral) {
                    Ok(_) => return Ok(Some(read.fargate)),
                    Err(refusal) => Refusal::new(format!("{path} fits no Fargate size: {refusal}")),
                }
            }
            _ => return Ok(None),
        },
        (false, true) => {
            return Ok(read
                .instance_type
                .zip(read.nodes)
                .map(|(instance_type, nodes)| Home::Nodes { instance_type, nodes }));
        }
    })
}

/// The fields of both forms.
struct Fields {
    fargate: Home,
    instance_type: Option<String>,
    nodes: Option<u32>,
}

fn fields(reader: &mut Reader, section: &mut Section, home: &Home) -> Fields {
    let (mut pods, mut requests) = match home {
        Home::Fargate { pods, requests } => (*pods, *requests),
        Home::Elsewhere | Home::Nodes { .. } => (1, Resources::ZERO),
    };
    let count = |text: &str| whole(text, 1, MOST).map(|n| n as u32);
    section.set(reader, "fargatePods", &mut pods, count);
    section.set(reader, "cpu", &mut requests.cpu, |t| cpu(t, Cpu::ZERO));
    section.set(reader, "memory", &mut requests.memory, |t| memory(t, Memory::ZERO, MOST_MEMORY));
    Fields {
        fargate: Home::Fargate { pods, requests },
        instance_type: section.optional(reader, "instanceType", instance_type::name),
        nodes: section.optional(reader, "nodes", count),
    }
}
