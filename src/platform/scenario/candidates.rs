//! The platforms of a scenario: built-in ones by name, own ones as mappings.

use super::super::defaults::{BUILT_INS, NOT_YET};
use super::super::fields::{Reader, Section};
use super::super::tree::{Entry, Node, Value};
use super::super::values::*;
use super::super::*;

/// For hints: what there is instead of what was asked for.
pub(super) const SIMULATED: &str = "this version simulates the kinds fargate, node-group and recorded";

pub(super) fn read(reader: &mut Reader, root: &mut Section) -> Vec<Platform> {
    let mut platforms: Vec<Platform> = Vec::new();
    let items = root.list(reader, "platforms").unwrap_or_default();
    for (index, node) in items.iter().enumerate() {
        let Some((name_place, platform)) = candidate(reader, index, node) else { continue };
        if platforms.iter().any(|p| p.name == platform.name) {
            let refusal = Refusal::new("two platforms have this name").hint("give one of them another name");
            reader.problem(name_place, &platform.name, refusal);
        } else {
            platforms.push(platform);
        }
    }
    if platforms.is_empty() {
        // An empty list chooses nothing.
        reader.given.forget("platforms");
        platforms = Platform::defaults();
    }
    platforms
}

fn candidate(reader: &mut Reader, index: usize, node: &Node) -> Option<(Place, Platform)> {
    let path = format!("platforms[{index}]");
    match &node.value {
        Value::Scalar(text) => match named(text) {
            Ok(platform) => Some((node.place, platform)),
            Err(refusal) => {
                reader.problem(node.place, text, refusal);
                None
            }
        },
        Value::Map(_) => described(reader, path, node),
        _ => {
            let message =
                format!("{path} must be the name of a built-in platform or a mapping, not {}", node.shape());
            let refusal = Refusal::new(message).hint(format!("the built-in ones are {}", all_of(&BUILT_INS)));
            reader.problem(node.place, "", refusal);
            None
        }
    }
}

/// The built-in platform of that name.
pub(super) fn named(name: &str) -> Parsed<Platform> {
    if let Some(platform) = Platform::built_in(name) {
        return Ok(platform);
    }
    if NOT_YET.contains(&name) {
        let refusal = Refusal::new("this built-in platform cannot be simulated by this version yet");
        return Err(
            refusal.hint(format!("the built-in platforms of this version are {}", all_of(&BUILT_INS)))
        );
    }
    let refusal = Refusal::new("there is no built-in platform of this name");
    Err(match suggest(name, &BUILT_INS) {
        Some(known) => refusal.hint(format!("did you mean {known}?")),
        None => refusal.hint(format!(
            "the built-in ones are {}; describe others with {{name: …, kind: …}}",
            all_of(&BUILT_INS)
        )),
    })
}

/// Names appear in tables, file names and flags, so they are kept simple.
pub(super) fn name(text: &str) -> Parsed<String> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= 63 && text.chars().all(sound) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new("is not a name")
        .hint("a name has up to 63 letters, digits, '-', '_' and '.', and begins with a letter or digit"))
}

fn described(reader: &mut Reader, path: String, node: &Node) -> Option<(Place, Platform)> {
    let mut section = Section::new(reader, path.clone(), "platforms[]".into(), node);
    let named = section.optional(reader, "name", name);
    let kind = section.optional(reader, "kind", kind);
    for missing in ["name", "kind"] {
        if node.get(missing).is_none() {
            let refusal = Refusal::new(format!("{path} has no {missing}"))
                .hint("write for example {name: jobs, kind: node-group, instanceTypes: [m6i.xlarge]}");
            reader.problem(node.place, "", refusal);
        }
    }
    // Without the kind nobody knows which fields belong here.
    let kind = kind?;
    let shown = named.clone().unwrap_or_else(|| path["platforms[".len()..path.len() - 1].to_owned());
    section.rename(format!("platforms[{shown}]"), format!("platforms[{kind}]"));
    let kind = match kind {
        "fargate" => Kind::Fargate(fargate(reader, &mut section)),
        "node-group" => {
            let group = node_group(reader, &mut section);
            Kind::NodeGroups(NodeGroups { groups: vec![group], ..NodeGroups::default() })
        }
        _ => Kind::Recorded,
    };
    section.finish(reader);
    let place = node.get("name").map_or(node.place, |n| n.place);
    Some((place, Platform { name: named?, kind }))
}

fn kind(text: &str) -> Parsed<&'static str> {
    const KINDS: [&str; 3] = ["fargate", "node-group", "recorded"];
    if let Some(known) = KINDS.iter().find(|k| **k == text) {
        return Ok(known);
    }
    if NOT_YET.contains(&text) {
        return Err(Refusal::new("cannot be simulated by this version yet").hint(SIMULATED));
    }
    let refusal = Refusal::new(format!("must be {}", one_of(&KINDS)));
    Err(match suggest(text, &KINDS) {
        Some(known) => refusal.hint(format!("did you mean {known}?")),
        None => refusal,
    })
}

fn fargate(reader: &mut Reader, section: &mut Section) -> Fargate {
    let mut f = Fargate::default();
    let tokens = |text: &str| whole(text, 1, 1_000_000).map(|n| n as u32);
    section.set(reader, "launchBurst", &mut f.launch_burst, tokens);
    section.set(reader, "launchRate", &mut f.launch_rate, tokens);
    section.set(reader, "billUntil", &mut f.bill_until, |t| choice(t, BillUntil::WORDS));
    f
}

fn node_group(reader: &mut Reader, section: &mut Section) -> NodeGroup {
    let mut g = NodeGroup::default();
    if let Some(entry) = section.entry(reader, "instanceTypes") {
        g.instance_type = instance_type(reader, &section.path("instanceTypes"), entry);
    }
    section.set(reader, "capacityType", &mut g.capacity_type, |text| {
        if text.eq_ignore_ascii_case(CapacityType::Spot.word()) {
            let refusal = Refusal::new("SPOT cannot be simulated by this version yet");
            return Err(refusal.hint("write ON_DEMAND"));
        }
        choice(text, &CapacityType::WORDS[..1])
    });
    scaling(reader, section, &mut g.size);
    section.set(reader, "rootVolume", &mut g.root_volume, |t| {
        memory(t, Memory::from_gib(1), Memory::from_gib(64 << 10))
    });
    if let Some(max_pods) = section.optional(reader, "maxPods", |text| match text {
        "auto" => Ok(None),
        _ => whole(text, 1, 1_000).map(|n| Some(n as i64)),
    }) {
        g.max_pods = max_pods;
    }
    super::constraints::read(reader, section, &mut g);
    // Known, so that it gets this answer and not "unknown field".
    if let Some(entry) = section.hidden("clusterAutoscaler") {
        let refusal = Refusal::new("Cluster Autoscaler cannot be simulated by this version yet")
            .hint("remove it for a group of fixed size: scaling: {desiredSize: 3}, or none to hold the peak");
        reader.problem(entry.key_place, "clusterAutoscaler", refusal);
    }
    g
}

/// `[m6i.xlarge]`, or `auto` for the type that fits at the least cost.
fn instance_type(reader: &mut Reader, path: &str, entry: &Entry) -> Option<String> {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let items = match &entry.value.value {
        Value::List(items) => items,
        Value::Scalar(text) if text == "auto" => return None,
        _ => {
            let message = format!("{path} must be a list of one type or auto, not {}", entry.value.shape());
            let refusal = Refusal::new(message).hint("write instanceTypes: [m6i.xlarge]");
            reader.problem(entry.value.place, entry.value.scalar().unwrap_or_default(), refusal);
            return None;
        }
    };
    let [node] = items.as_slice() else {
        let message = format!("{path} must have exactly one type in this version, not {}", items.len());
        let refusal = Refusal::new(message).hint("compare types as one platform each");
        reader.problem(entry.key_place, "instanceTypes", refusal);
        return None;
    };
    let path = format!("{path}[0]");
    reader.mark(path.clone(), node);
    reader.scalar(&path, node, |text| {
        if text.contains('.') && text.len() <= 40 && text.chars().all(sound) {
            return Ok(text.to_owned());
        }
        Err(Refusal::new("is not the name of an instance type").hint("write for example m6i.xlarge"))
    })
}

/// A fixed number of nodes, or `holdPeak`.
fn scaling(reader: &mut Reader, section: &mut Section, size: &mut GroupSize) {
    const LARGEST: u64 = 100_000;
    let Some(entry) = section.entry(reader, "scaling") else { return };
    if !matches!(entry.value.value, Value::Map(_)) {
        section.set(reader, "scaling", size, |text| match text {
            "holdPeak" => Ok(GroupSize::HoldPeak),
            _ => Err(Refusal::new("must be holdPeak or a mapping").hint("write scaling: {desiredSize: 3}")),
        });
        return;
    }
    let path = section.path("scaling");
    let mut sizes = section.section(reader, "scaling");
    let mut read = |name| sizes.optional(reader, name, |t| whole(t, 0, LARGEST));
    let (least, most, desired) = (read("minSize"), read("maxSize"), read("desiredSize"));
    sizes.finish(reader);
    let given = ["minSize", "maxSize", "desiredSize"].iter().filter(|n| entry.value.get(n).is_some()).count();
    let all: Vec<u64> = [least, most, desired].into_iter().flatten().collect();
    if all.len() < given {
        return;
    }
    let refusal = match (all.as_slice(), desired) {
        // What it has instead is refused as unknown.
        ([], _) if entry.value.len() > 0 => return,
        ([], _) => Refusal::new(format!("{path} gives no size")),
        ([first, rest @ ..], _) if rest.iter().any(|n| n != first) => {
            Refusal::new(format!("{path}: autoscaling cannot be simulated by this version yet"))
        }
        ([_], None) => Refusal::new(format!("{path} gives one bound and no size")),
        ([0, ..], _) => Refusal::new(format!("{path} is a group without nodes")),
        ([first, ..], _) => {
            *size = GroupSize::Fixed(*first as u32);
            return;
        }
    };
    let refusal = refusal.hint("write scaling: {desiredSize: 3} for a fixed size, or none to hold the peak");
    reader.problem(entry.key_place, "scaling", refusal);
}
