//! The documents of a scenario file: which is the scenario, and which are known but not simulated yet.
//!
//! Pasted manifests are refused by name and not ignored: a NodePool that has no effect would make a
//! comparison wrong without a sign.

use super::super::fields::{Reader, Section};
use super::super::tree::{self, Node, Value};
use super::super::values::{Refusal, suggest};
use super::{API_VERSION, Limits, Scenario, candidates, settings};
use crate::error::Result;
use crate::platform::values::{increase, whole};

/// Kinds of documents that this version recognises only to refuse them, with what they belong to.
const NOT_YET: [(&str, &str); 5] = [
    ("NodePool", "Karpenter"),
    ("EC2NodeClass", "Karpenter"),
    ("NodeClass", "EKS Auto Mode"),
    ("ClusterConfig", "eksctl cluster definitions"),
    ("Provisioner", "Karpenter"),
];

pub(super) fn scenario(reader: &mut Reader, text: &str) -> Result<Scenario> {
    let file = reader.file().to_owned();
    // A byte order mark is how some editors begin a file; YAML allows it.
    let documents = tree::documents(&file, text.strip_prefix('\u{feff}').unwrap_or(text))?;
    let mut found: Option<&Node> = None;
    let mut others = false;
    for document in &documents {
        match (kind(reader, document), found) {
            (Kind::Scenario, None) => found = Some(document),
            (Kind::Scenario, Some(first)) => {
                let node = document.get("kind").unwrap_or(document);
                let refusal = Refusal::new("a second Scenario in one file")
                    .hint(format!("the first one is at line {}; keep one of them", first.place.line));
                reader.problem(node.place, "Scenario", refusal);
            }
            (Kind::Other, _) => others = true,
        }
    }
    if let Some(node) = found {
        return Ok(content(reader, node));
    }
    // A file of other documents only has been told about each of them.
    if !others {
        let refusal = Refusal::new("there is no Scenario in this file")
            .hint(format!("start it with the lines apiVersion: {API_VERSION} and kind: Scenario"));
        reader.problem_anywhere(refusal);
    }
    Ok(Scenario::default())
}

enum Kind {
    Scenario,
    /// Refused already.
    Other,
}

fn kind(reader: &mut Reader, document: &Node) -> Kind {
    if !matches!(document.value, Value::Map(_)) {
        let message = format!("a document must be a mapping, not {}", document.shape());
        let refusal = Refusal::new(message)
            .hint(format!("a scenario starts with the lines apiVersion: {API_VERSION} and kind: Scenario"));
        reader.problem(document.place, document.scalar().unwrap_or_default(), refusal);
        return Kind::Other;
    }
    let Some((node, kind)) = document.get("kind").and_then(|n| n.scalar().map(|text| (n, text))) else {
        let refusal = Refusal::new("this document does not say its kind")
            .hint(format!("a scenario starts with the lines apiVersion: {API_VERSION} and kind: Scenario"));
        reader.problem(document.place, "", refusal);
        return Kind::Other;
    };
    if kind == "Scenario" {
        return Kind::Scenario;
    }
    let mut names: Vec<&str> = NOT_YET.iter().map(|(name, _)| *name).collect();
    names.push("Scenario");
    let refusal = match NOT_YET.iter().find(|(name, _)| *name == kind) {
        Some((_, what)) => Refusal::new(format!("{kind}: {what} cannot be simulated by this version yet"))
            .hint(format!("remove this document; {}", candidates::SIMULATED)),
        None => match suggest(kind, &names) {
            Some(name) => Refusal::new("unknown kind of document").hint(format!("did you mean {name}?")),
            None => Refusal::new("unknown kind of document").hint("this version reads kind: Scenario"),
        },
    };
    reader.problem(node.place, kind, refusal);
    Kind::Other
}

fn content(reader: &mut Reader, node: &Node) -> Scenario {
    let mut root = Section::new(reader, String::new(), String::new(), node);
    let version = root.optional(reader, "apiVersion", |text| {
        if text == API_VERSION {
            return Ok(());
        }
        Err(Refusal::new("is not one that this version reads")
            .hint(format!("write apiVersion: {API_VERSION}")))
    });
    if version.is_none() && !reader.given.contains("apiVersion") {
        let refusal =
            Refusal::new("the scenario has no apiVersion").hint(format!("write apiVersion: {API_VERSION}"));
        reader.problem(node.place, "", refusal);
    }
    root.entry(reader, "kind");
    let settings = settings::read(reader, &mut root);
    let platforms = candidates::read(reader, &mut root);
    let limits = limits(reader, &mut root);
    root.finish(reader);
    Scenario { settings, platforms, limits, ..Scenario::default() }
}

fn limits(reader: &mut Reader, root: &mut Section) -> Limits {
    let mut section = root.section(reader, "limits");
    let limits = Limits {
        max_cost_increase_ppm: section.optional(reader, "maxCostIncrease", increase),
        max_p99_makespan_increase_ppm: section.optional(reader, "maxP99MakespanIncrease", increase),
        max_unschedulable: section.optional(reader, "maxUnschedulable", |t| whole(t, 0, 1_000_000_000_000)),
    };
    section.finish(reader);
    limits
}
