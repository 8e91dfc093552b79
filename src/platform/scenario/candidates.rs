//! The platforms of a scenario: built-in ones by name, own ones as mappings.

use super::super::defaults::BUILT_INS;
use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::documents::Pasted;
use super::{auto_mode, fargate, karpenter, mixed, node_groups};

/// For hints: what there is instead of what was asked for.
pub(super) const SIMULATED: &str =
    "this version simulates the kinds fargate, node-group, karpenter, auto-mode, mixed and recorded";

pub(super) fn read(reader: &mut Reader, root: &mut Section, pasted: &mut Pasted) -> Vec<Platform> {
    let mut platforms: Vec<Platform> = Vec::new();
    let items = root.list(reader, "platforms").unwrap_or_default();
    for (index, node) in items.iter().enumerate() {
        let Some((name_place, platform)) = candidate(reader, index, node, pasted) else { continue };
        if platforms.iter().any(|p| p.name == platform.name) {
            let refusal = Refusal::new("two platforms have this name").hint("give one of them another name");
            reader.problem(name_place, &platform.name, refusal);
            continue;
        }
        platforms.push(platform);
    }
    if platforms.is_empty() {
        // An empty list chooses nothing.
        reader.given.forget("platforms");
        platforms = Platform::defaults();
    }
    platforms
}

fn candidate(
    reader: &mut Reader,
    index: usize,
    node: &Node,
    pasted: &mut Pasted,
) -> Option<(Place, Platform)> {
    let path = format!("platforms[{index}]");
    match &node.value {
        Value::Scalar(text) => match named(text) {
            Ok(platform) => Some((node.place, platform)),
            Err(refusal) => {
                reader.problem(node.place, text, refusal);
                None
            }
        },
        Value::Map(_) => described(reader, ("platforms", index), node, &KINDS, pasted),
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
    if name == "mixed" {
        let refusal = Refusal::new("what a mixed platform is made of has to be said");
        return Err(refusal.hint(mixed::EXAMPLE));
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

/// The same, of a platform, which may be a variant of another: `karpenter [consolidateAfter=30s]`.
pub(super) fn platform_name(text: &str) -> Parsed<String> {
    let Some((base, variant)) = variant(text) else { return name(text) };
    name(base)?;
    if !variant.is_empty() && text.len() <= LONGEST_VARIANT && variant.chars().all(may_be_in_variant) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new("is not a name")
        .hint("a variant of a platform is called for example karpenter [consolidateAfter=30s]"))
}

/// A variant's name: that of the platform, and what is varied.
fn variant(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(']')?.split_once(" [")
}

/// The name of the platform that this is a variant of, or its own.
pub(super) fn base_name(name: &str) -> &str {
    variant(name).map_or(name, |(base, _)| base)
}

/// Of a platform's name together with what it varies.
const LONGEST_VARIANT: usize = 200;

/// Whether a name of a variant may say this between its brackets.
pub(in crate::platform) fn may_be_in_variant(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=' | ',' | ':' | '%' | '/' | '+' | ' ')
}

/// What a platform can be.
pub(super) const KINDS: [&str; 6] = ["fargate", "node-group", "karpenter", "auto-mode", "mixed", "recorded"];

/// The item of this index of a list of platforms, or of parts of one, which are of one of `kinds`.
pub(super) fn described(
    reader: &mut Reader,
    (list, index): (&str, usize),
    node: &Node,
    kinds: &[&'static str],
    pasted: &mut Pasted,
) -> Option<(Place, Platform)> {
    let path = format!("{list}[{index}]");
    let mut section = Section::new(reader, path.clone(), "platforms[]".into(), node);
    let named = section.optional(reader, "name", platform_name);
    let kind = section.optional(reader, "kind", |text| kind(text, kinds));
    for missing in ["name", "kind"] {
        if node.get(missing).is_none() {
            let refusal = Refusal::new(format!("{path} has no {missing}"))
                .hint("write for example {name: jobs, kind: node-group, instanceTypes: [m6i.xlarge]}");
            reader.problem(node.place, "", refusal);
        }
    }
    // Without the kind nobody knows which fields belong here.
    let kind = kind?;
    let shown = named.clone().unwrap_or_else(|| index.to_string());
    section.rename(format!("{list}[{shown}]"), format!("platforms[{kind}]"));
    let kind = match kind {
        "fargate" => Kind::Fargate(fargate::read(reader, &mut section)),
        "node-group" => Kind::NodeGroups(node_groups::read(reader, &mut section, &shown, pasted)),
        "karpenter" => Kind::Karpenter(karpenter::read(reader, &mut section, pasted)),
        "auto-mode" => Kind::AutoMode(auto_mode::read(reader, &mut section, pasted)),
        "mixed" => Kind::Mixed(mixed::read(reader, &mut section, node, pasted)),
        _ => Kind::Recorded,
    };
    section.finish(reader);
    let place = node.get("name").map_or(node.place, |n| n.place);
    Some((place, Platform { name: named?, kind }))
}

fn kind(text: &str, kinds: &[&'static str]) -> Parsed<&'static str> {
    if let Some(known) = kinds.iter().find(|k| **k == text) {
        return Ok(known);
    }
    let refusal = Refusal::new(format!("must be {}", one_of(kinds)));
    Err(match suggest(text, kinds) {
        Some(known) => refusal.hint(format!("did you mean {known}?")),
        None => refusal,
    })
}
