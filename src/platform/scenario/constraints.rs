//! Labels and taints of nodes, with Kubernetes' rules for their keys and values.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;

pub(super) fn taints(reader: &mut Reader, section: &mut Section, taints: &mut Vec<Taint>) {
    let (path, generic) = (section.path("taints"), section.generic("taints[]"));
    for (index, node) in section.list(reader, "taints").unwrap_or_default().iter().enumerate() {
        taints.extend(taint(reader, format!("{path}[{index}]"), generic.clone(), node, taints));
    }
}

pub(super) fn labels(reader: &mut Reader, section: &mut Section, labels: &mut Vec<(String, String)>) {
    let Some(entry) = section.entry(reader, "labels") else { return };
    let path = section.path("labels");
    let Value::Map(entries) = &entry.value.value else {
        let message = format!("{path} must be a mapping, not {}", entry.value.shape());
        let refusal = Refusal::new(message).hint("write labels: {workload: jobs}");
        reader.problem(entry.key_place, "labels", refusal);
        return;
    };
    for label in entries {
        if let Err(refusal) = key(&label.key) {
            let message = format!("the label's key {}", refusal.message);
            reader.problem(label.key_place, &label.key, Refusal { message, ..refusal });
        }
        let value = reader.scalar(&format!("{path}.{}", label.key), &label.value, value);
        labels.extend(value.map(|value| (label.key.clone(), value)));
    }
}

fn taint(reader: &mut Reader, path: String, generic: String, node: &Node, before: &[Taint]) -> Option<Taint> {
    if !matches!(node.value, Value::Map(_)) {
        let refusal = Refusal::new(format!("{path} must be a mapping, not {}", node.shape()))
            .hint("write {key: dedicated, value: jobs, effect: NoSchedule}");
        reader.problem(node.place, node.scalar().unwrap_or_default(), refusal);
        return None;
    }
    let mut section = Section::new(reader, path.clone(), generic, node);
    let taint_key = section.optional(reader, "key", key);
    let taint_value = section.optional(reader, "value", value);
    let effect = section.optional(reader, "effect", |text| choice(text, TaintEffect::WORDS));
    section.finish(reader);
    for missing in ["key", "effect"] {
        if node.get(missing).is_none() {
            let refusal = Refusal::new(format!("{path} has no {missing}"))
                .hint("write {key: dedicated, value: jobs, effect: NoSchedule}");
            reader.problem(node.place, "", refusal);
        }
    }
    let taint = Taint { key: taint_key?, value: taint_value.unwrap_or_default(), effect: effect? };
    if before.iter().any(|t| t.key == taint.key && t.effect == taint.effect) {
        let refusal = Refusal::new(format!("{path}: a taint of this key and effect is there already"));
        reader.problem(node.get("key").map_or(node.place, |n| n.place), &taint.key, refusal);
        return None;
    }
    Some(taint)
}

/// An optional DNS prefix and a slash, then a name of up to 63 characters.
pub(super) fn key(text: &str) -> Parsed<String> {
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(p, n)| (Some(p), n));
    let dns = |p: &str| {
        p.len() <= 253
            && p.split('.').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                    && !part.starts_with('-')
                    && !part.ends_with('-')
            })
    };
    if !name.is_empty() && is_label_text(name) && prefix.is_none_or(dns) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new("is not a label key").hint("write for example workload or example.com/workload"))
}

pub(super) fn value(text: &str) -> Parsed<String> {
    if is_label_text(text) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new("is not a label value").hint(
        "it has up to 63 letters, digits, '-', '_' and '.', and begins and ends with a letter or digit",
    ))
}

fn is_label_text(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
