//! A platform of EKS Fargate: its profiles, and how it launches and bills.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::candidates;

const EXAMPLE: &str = "write {name: jobs, selectors: [{namespace: jobs, labels: {size: small}}]}";

pub(super) fn read(reader: &mut Reader, section: &mut Section) -> Fargate {
    let mut f = Fargate { profiles: profiles(reader, section, "profiles", &[]), ..Fargate::default() };
    let tokens = |text: &str| whole(text, 1, 1_000_000).map(|n| n as u32);
    section.set(reader, "launchBurst", &mut f.launch_burst, tokens);
    section.set(reader, "launchRate", &mut f.launch_rate, tokens);
    section.set(reader, "billUntil", &mut f.bill_until, |t| choice(t, BillUntil::WORDS));
    f
}

/// The profiles in the list `name`, with fields that change nothing.
pub(super) fn profiles(
    reader: &mut Reader,
    section: &mut Section,
    name: &'static str,
    ignored: &[&'static str],
) -> Vec<FargateProfile> {
    let (path, generic) = (section.path(name), section.generic(&format!("{name}[]")));
    let items = section.list(reader, name).unwrap_or_default();
    if let Some(excess) = items.get(FargateProfile::MOST_PROFILES) {
        let message =
            format!("{path}: a cluster has at most {} Fargate profiles", FargateProfile::MOST_PROFILES);
        reader.problem(
            excess.place,
            "",
            Refusal::new(message).hint("join some: a profile has several selectors"),
        );
    }
    let mut profiles: Vec<FargateProfile> = Vec::new();
    for (index, node) in items.iter().enumerate() {
        let section = Section::new(reader, format!("{path}[{index}]"), generic.clone(), node);
        let profile = profile(reader, section, node, &profiles, ignored);
        profiles.extend(profile);
    }
    profiles
}

fn profile(
    reader: &mut Reader,
    mut section: Section,
    node: &Node,
    before: &[FargateProfile],
    ignored: &[&'static str],
) -> Option<FargateProfile> {
    let path = section.path("").trim_end_matches('.').to_owned();
    section.ignore(ignored);
    let name = section.optional(reader, "name", |text| {
        if before.iter().any(|other| other.name == text) {
            return Err(Refusal::new("is there twice"));
        }
        candidates::name(text)
    });
    let (list, generic) = (section.path("selectors"), section.generic("selectors[]"));
    let items = section.list(reader, "selectors").unwrap_or_default();
    let selectors: Vec<ProfileSelector> = items
        .iter()
        .enumerate()
        .filter_map(|(index, node)| selector(reader, format!("{list}[{index}]"), generic.clone(), node))
        .collect();
    section.finish(reader);
    if !matches!(node.value, Value::Map(_)) {
        return None;
    }
    for missing in ["name", "selectors"] {
        if node.get(missing).is_none() {
            reader.problem(node.place, "", Refusal::new(format!("{path} has no {missing}")).hint(EXAMPLE));
        }
    }
    if node.get("selectors").is_some_and(|list| matches!(list.value, Value::List(_))) && items.is_empty() {
        reader.problem(node.place, "", Refusal::new(format!("{list} is empty")).hint(EXAMPLE));
    }
    if let Some(excess) = items.get(FargateProfile::MOST_SELECTORS) {
        let message = format!("{list}: a profile has at most {} selectors", FargateProfile::MOST_SELECTORS);
        reader.problem(excess.place, "", Refusal::new(message).hint("write a further profile"));
    }
    Some(FargateProfile { name: name?, selectors })
}

fn selector(reader: &mut Reader, path: String, generic: String, node: &Node) -> Option<ProfileSelector> {
    let mut section = Section::new(reader, path.clone(), generic, node);
    let namespace = section.optional(reader, "namespace", pattern);
    let mut labels = Vec::new();
    if let Some(entry) = section.entry(reader, "labels") {
        let list = section.path("labels");
        if let Value::Map(entries) = &entry.value.value {
            for label in entries {
                let path = format!("{list}.{}", label.key);
                let value = reader.scalar(&path, &label.value, |text| {
                    pattern(&label.key)?;
                    pattern(text)
                });
                labels.extend(value.map(|value| (label.key.clone(), value)));
            }
        } else {
            let message = format!("{list} must be a mapping, not {}", entry.value.shape());
            reader.problem(entry.key_place, "labels", Refusal::new(message).hint(EXAMPLE));
        }
    }
    section.finish(reader);
    if matches!(node.value, Value::Map(_)) && node.get("namespace").is_none() {
        reader.problem(node.place, "", Refusal::new(format!("{path} has no namespace")).hint(EXAMPLE));
    }
    Some(ProfileSelector { namespace: namespace?, labels })
}

/// A name with wildcards.
fn pattern(text: &str) -> Parsed<String> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '*' | '?');
    if !text.is_empty() && text.len() <= 317 && text.chars().all(sound) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new("is no name with wildcards").hint("write for example jobs, jobs-* or team-?"))
}
