//! Reads Kubernetes' objects, as its API writes them in JSON (or as a manifest in YAML says them), into [`crate::kube`].
//!
//! Both readers of such objects use it, scenarios and `pack`, so that a pod means the same to both. It is lenient where the
//! API is not (a number may stand where text should), fills in what the API server would have defaulted, and goes on
//! after a mistake, so that one run names all of them. A field that this knows nothing of is not a mistake here: it is
//! remembered as an [`Unread`], and the caller says what that means.

mod affinity;
mod node;
mod node_claim;
mod object;
mod pdb;
mod pod;
mod pod_spec;
mod priority;
mod requests;
mod selector;
mod taints;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use super::{Node, NodeClaim, Pdb, Pod, PodSpec, ResourceNames};
pub use object::{Path, Step};
pub use priority::{PriorityClass, PriorityClasses};

/// Why an object cannot be understood, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: Path,
    /// As it is written there; empty where something is missing or is not a single value.
    pub text: String,
    /// Completes the sentence that begins with the text, or with the path where there is none.
    pub message: String,
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            write!(f, "{} {}", self.path, self.message)?;
        } else {
            write!(f, "{}: {:?} {}", self.path, self.text, self.message)?;
        }
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

/// A field that was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub path: Path,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The API has it and some controller decides by it, but no rule here does.
    NotSimulated,
    /// The API has no such field in this place; it has these.
    Unknown { known: Vec<&'static str> },
    /// It names a PriorityClass that is not given, which the API server would have refused.
    NoPriorityClass,
}

/// What objects of one cluster have in common: their resources' names and their PriorityClasses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoder {
    pub resources: ResourceNames,
    pub priority_classes: PriorityClasses,
    /// Of all objects that were read so far, in their order.
    pub unread: Vec<Unread>,
    problems: Vec<Problem>,
}

pub type Decoded<T> = std::result::Result<T, Vec<Problem>>;

impl Decoder {
    pub fn new(priority_classes: PriorityClasses) -> Self {
        Self { priority_classes, ..Self::default() }
    }

    pub fn pod(&mut self, value: &Value) -> Decoded<Pod> {
        self.decode(value, pod::pod)
    }

    /// A `PodTemplateSpec`: `metadata` and `spec` of the pods that somebody makes.
    pub fn pod_template(&mut self, value: &Value) -> Decoded<PodSpec> {
        self.decode(value, pod::template)
    }

    /// The pods of a Pod, PodTemplate, Job, CronJob, Deployment, ReplicaSet, StatefulSet or DaemonSet, with their owner.
    pub fn workload(&mut self, value: &Value) -> Decoded<PodSpec> {
        self.decode(value, pod::workload)
    }

    pub fn node(&mut self, value: &Value) -> Decoded<Node> {
        self.decode(value, node::node)
    }

    pub fn node_claim(&mut self, value: &Value) -> Decoded<NodeClaim> {
        self.decode(value, node_claim::node_claim)
    }

    pub fn pdb(&mut self, value: &Value) -> Decoded<Pdb> {
        self.decode(value, pdb::pdb)
    }

    /// Takes a PriorityClass in, so that pods that are read later may name it.
    pub fn priority_class(&mut self, value: &Value) -> Decoded<()> {
        let (name, class) = self.decode(value, priority::priority_class)?;
        self.priority_classes.insert(name, class);
        Ok(())
    }

    fn decode<T>(&mut self, value: &Value, read: impl FnOnce(&mut Self, &object::Object) -> T) -> Decoded<T> {
        self.problems.clear();
        let path = Path::default();
        let read = object::Object::new(self, path, value).map(|object| read(self, &object));
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            _ => Err(std::mem::take(&mut self.problems)),
        }
    }
}

/// The objects of `value`: itself, or what a `List` (as `kubectl get` prints it) contains, with the path of each.
pub fn items(value: &Value) -> Vec<(Path, &Value)> {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match value.get("items").and_then(Value::as_array) {
        Some(items) if is_list => {
            let path = Path::default().field("items");
            items.iter().enumerate().map(|(index, item)| (path.item(index), item)).collect()
        }
        _ => vec![(Path::default(), value)],
    }
}
