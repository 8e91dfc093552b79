//! The scenario's `podTemplates`: which pods of the trace are made from which template.

use std::sync::Arc;

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::documents::Pasted;
use super::objects;
use crate::kube::decode::Decoder;

const EXAMPLE: &str =
    "write {match: {workflow: etl}, from: CronJob/etl}, or the template itself under template";
const MOST: usize = 10_000;

pub(super) fn read(reader: &mut Reader, root: &mut Section, pasted: &mut Pasted) -> Vec<PodTemplate> {
    let items = root.list(reader, "podTemplates").unwrap_or_default();
    if let Some(node) = items.get(MOST) {
        reader.problem(node.place, "", Refusal::new(format!("there are more than {MOST} podTemplates")));
        return Vec::new();
    }
    let read = |(index, node)| template(reader, format!("podTemplates[{index}]"), node, pasted);
    items.iter().enumerate().filter_map(read).collect()
}

fn template(reader: &mut Reader, path: String, node: &Node, pasted: &mut Pasted) -> Option<PodTemplate> {
    if !matches!(node.value, Value::Map(_)) {
        let refusal = Refusal::new(format!("{path} must be a mapping, not {}", node.shape())).hint(EXAMPLE);
        reader.problem(node.place, node.scalar().unwrap_or_default(), refusal);
        return None;
    }
    let mut section = Section::new(reader, path.clone(), "podTemplates[]".to_owned(), node);
    let applies_to = matches(reader, &mut section);
    let from = section.optional(reader, "from", |text| pasted.workload(text));
    let own = section.entry(reader, "template");
    section.finish(reader);
    match (from, own) {
        (Some(_), Some(entry)) => {
            let refusal = Refusal::new(format!("{path}.template is beside from")).hint("keep one of the two");
            reader.problem(entry.key_place, "template", refusal);
            None
        }
        (Some((spec, written)), None) => Some(PodTemplate { applies_to, spec: Arc::new(spec), written }),
        (None, Some(entry)) => {
            let decoder = &mut pasted.decoder;
            let name = format!("{path}.template");
            let spec = objects::decode(reader, decoder, &entry.value, &name, Decoder::pod_template)?;
            Some(PodTemplate { applies_to, spec: Arc::new(spec), written: objects::template(&entry.value) })
        }
        (None, None) => {
            if node.get("from").is_none() {
                let refusal = Refusal::new(format!("{path} has no template")).hint(EXAMPLE);
                reader.problem(node.place, "", refusal);
            }
            None
        }
    }
}

fn matches(reader: &mut Reader, section: &mut Section) -> PodMatch {
    let mut section = section.section(reader, "match");
    let mut pattern = |name| section.optional(reader, name, |text| Ok(text.to_owned()));
    let mut matches = PodMatch {
        workflow: pattern("workflow"),
        task: pattern("task"),
        image: pattern("image"),
        namespace: pattern("namespace"),
        labels: Vec::new(),
    };
    if let Some(entry) = section.entry(reader, "labels") {
        if let Value::Map(entries) = &entry.value.value {
            for label in entries {
                let path = format!("labels.{}", label.key);
                let pattern = reader.scalar(&path, &label.value, |text| Ok(text.to_owned()));
                matches.labels.extend(pattern.map(|pattern| (label.key.clone(), pattern)));
            }
        } else {
            let message =
                format!("{} must be a mapping, not {}", section.path("labels"), entry.value.shape());
            let refusal = Refusal::new(message).hint("write labels: {app: etl}");
            reader.problem(entry.key_place, "labels", refusal);
        }
    }
    section.finish(reader);
    matches
}
