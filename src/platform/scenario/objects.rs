//! Kubernetes' own objects among the documents of a scenario: PodDisruptionBudgets, PriorityClasses, and what makes pods.
//!
//! They are read by [`kube::decode`](crate::kube::decode), which knows paths; this says in which line those are, and takes
//! a field that the API does not have for a slip.

use serde_json::Value as Json;

use super::super::fields::Reader;
use super::super::tree::{Entry, Node, Place, Value};
use super::super::values::{Refusal, all_of, suggest};
use crate::kube::decode::{Decoded, Decoder, Path, Problem, Step, Why};

/// The node as JSON. Every value is text there, as it is written.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect())
        }
    }
}

/// Fields of a pod's spec, and of its containers, that say something here. Others may be secrets, and are not kept.
const KEPT: [&str; 17] = [
    "affinity",
    "containers",
    "hostNetwork",
    "initContainers",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "resourceClaims",
    "resources",
    "schedulerName",
    "schedulingGates",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
];
const KEPT_OF_CONTAINER: [&str; 5] = ["image", "name", "ports", "resources", "restartPolicy"];
const KEPT_OF_METADATA: [&str; 4] = ["annotations", "labels", "namespace", "ownerReferences"];
const KEPT_OF_ANNOTATIONS: [&str; 4] = [
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
    "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
    "controller.kubernetes.io/pod-deletion-cost",
    "karpenter.sh/do-not-disrupt",
];

/// A `PodTemplateSpec` without what says nothing here, as it is written into scenarios.
pub(super) fn template(node: &Node) -> Json {
    let mut template = json(node);
    keep(Some(&mut template), &["metadata", "spec"]);
    keep(template.get_mut("metadata"), &KEPT_OF_METADATA);
    keep(template.pointer_mut("/metadata/annotations"), &KEPT_OF_ANNOTATIONS);
    keep(template.get_mut("spec"), &KEPT);
    for list in ["containers", "initContainers", "volumes"] {
        let items = template.get_mut("spec").and_then(|spec| spec.get_mut(list)).and_then(Json::as_array_mut);
        for item in items.into_iter().flatten() {
            let kept: &[&str] =
                if list == "volumes" { &["emptyDir", "hostPath", "name"] } else { &KEPT_OF_CONTAINER };
            keep(Some(item), kept);
        }
    }
    template
}

/// Keeps these fields of a mapping, unless they are null.
fn keep(value: Option<&mut Json>, names: &[&str]) {
    if let Some(Json::Object(fields)) = value {
        fields.retain(|name, value| names.contains(&name.as_str()) && !value.is_null());
    }
}

/// Reads an object; what is wrong with it or not used of it is said of `name`, as in `PodDisruptionBudget jobs`.
pub(super) fn decode<T>(
    reader: &mut Reader,
    decoder: &mut Decoder,
    node: &Node,
    name: &str,
    read: impl FnOnce(&mut Decoder, &Json) -> Decoded<T>,
) -> Option<T> {
    decoder.unread.clear();
    let decoded = read(decoder, &json(node));
    let kind = name.split_whitespace().next().unwrap_or_default();
    let mut is_sound = true;
    for unread in std::mem::take(&mut decoder.unread) {
        let (key_place, text) = place_of_field(node, &unread.path);
        match unread.why {
            Why::NotSimulated => reader.not_simulated(format!("{kind}.{}", unread.path.generic())),
            Why::Unknown { known } => {
                let parent = unread.path.to_string();
                let place = parent.rsplit_once('.').map(|(parent, _)| format!(", {parent}"));
                let message = format!("unknown field in {name}{}", place.unwrap_or_default());
                let hint = match suggest(&text, &known) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("the fields here are {}", all_of(&known)),
                };
                reader.problem(key_place, &text, Refusal::new(message).hint(hint));
                is_sound = false;
            }
            Why::NoPriorityClass => {
                let (at, text) = place_of_value(node, &unread.path);
                let classes: Vec<&str> = decoder.priority_classes.iter().map(|(name, _)| name).collect();
                let message = format!("{name}: {} is no PriorityClass of these files", unread.path);
                let hint = match suggest(&text, &classes) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "paste its document below a line ---".to_owned(),
                };
                reader.problem(at, &text, Refusal::new(message).hint(hint));
                is_sound = false;
            }
        }
    }
    match decoded {
        Ok(read) => is_sound.then_some(read),
        Err(problems) => {
            for problem in problems {
                let (place, text) = place_of_value(node, &problem.path);
                let Problem { path, message, hint, .. } = problem;
                let refusal = Refusal { message: format!("{name}: {path} {message}"), hint };
                reader.problem(place, &text, refusal);
            }
            None
        }
    }
}

/// The innermost node that there is on the way, and the last entry that was passed.
fn walk<'n>(node: &'n Node, path: &Path) -> (&'n Node, Option<&'n Entry>) {
    let (mut node, mut last) = (node, None);
    for step in path.steps() {
        let next = match (step, &node.value) {
            (Step::Field(name), Value::Map(entries)) => {
                entries.iter().find(|entry| entry.key == *name).map(|entry| {
                    last = Some(entry);
                    &entry.value
                })
            }
            (Step::Item(index), Value::List(items)) => items.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    (node, last)
}

fn place_of_value(node: &Node, path: &Path) -> (Place, String) {
    let (found, entry) = walk(node, path);
    match (found.scalar(), entry) {
        (Some(text), _) => (found.place, text.to_owned()),
        (None, Some(entry)) if std::ptr::eq(&raw const entry.value, found) => {
            (entry.key_place, entry.key.clone())
        }
        (None, _) => (found.place, String::new()),
    }
}

fn place_of_field(node: &Node, path: &Path) -> (Place, String) {
    let (found, entry) = walk(node, path);
    entry.map_or((found.place, String::new()), |entry| (entry.key_place, entry.key.clone()))
}
