//! PriorityClasses (`scheduling.k8s.io/v1`), by whose names pods say how much they matter.

use std::collections::BTreeMap;

use super::Decoder;
use super::object::Object;
use super::pod::METADATA;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorityClass {
    pub value: i32,
    /// Of pods that name no class.
    pub is_global_default: bool,
    /// `preemptionPolicy` is not `Never`.
    pub preempts: bool,
}

/// All classes of a cluster by their names, the two that every cluster has among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityClasses(BTreeMap<String, PriorityClass>);

impl Default for PriorityClasses {
    fn default() -> Self {
        let class = |value| PriorityClass { value, is_global_default: false, preempts: true };
        Self(BTreeMap::from([
            ("system-cluster-critical".to_owned(), class(2_000_000_000)),
            ("system-node-critical".to_owned(), class(2_000_001_000)),
        ]))
    }
}

impl PriorityClasses {
    pub fn insert(&mut self, name: String, class: PriorityClass) {
        self.0.insert(name, class);
    }

    pub fn get(&self, name: &str) -> Option<PriorityClass> {
        self.0.get(name).copied()
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, PriorityClass)> {
        self.0.iter().map(|(name, class)| (name.as_str(), *class))
    }

    /// The class of pods that name none; of several, the one of the lowest value (the admission plugin `Priority`).
    pub fn global_default(&self) -> Option<PriorityClass> {
        self.0.values().filter(|class| class.is_global_default).min_by_key(|class| class.value).copied()
    }
}

pub(super) fn priority_class(decoder: &mut Decoder, object: &Object) -> (String, PriorityClass) {
    let name = object.object(decoder, "metadata").map(|metadata| {
        let name = metadata.text(decoder, "name");
        metadata.finish(decoder, METADATA, &[]);
        name
    });
    let name = name.unwrap_or_default();
    let null = serde_json::Value::Null;
    if name.is_empty() {
        decoder.problem(&object.path.field("metadata"), &null, "has no name", "");
    }
    let value = object.whole(decoder, "value");
    if object.get("value").is_none() {
        decoder.problem(&object.path.field("value"), &null, "is missing", "write for example value: 1000");
    }
    let class = PriorityClass {
        value: value.unwrap_or(0),
        is_global_default: object.is_true(decoder, "globalDefault"),
        preempts: preempts(decoder, object).unwrap_or(true),
    };
    object.finish(decoder, &["apiVersion", "description", "kind"], &[]);
    (name, class)
}

pub(super) fn preempts(decoder: &mut Decoder, object: &Object) -> Option<bool> {
    object.one_of(decoder, "preemptionPolicy", &[("PreemptLowerPriority", true), ("Never", false)])
}
