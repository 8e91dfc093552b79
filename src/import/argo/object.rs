//! What is read of a Workflow object (`pkg/apis/workflow/v1alpha1/workflow_types.go` of argo-workflows, 2.x to 3.x).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::lenient::{Resources, Scalar, or_default};

/// A workflow, or a list of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Object {
    kind: Scalar,
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
    #[serde(deserialize_with = "or_default")]
    items: Vec<Object>,
}

#[derive(Debug)]
pub(super) struct Workflow {
    pub metadata: Metadata,
    pub spec: Spec,
    pub status: Status,
}

impl Object {
    /// Appends the workflows among this object and what it lists.
    pub fn workflows(self, all: &mut Vec<Workflow>) {
        for item in self.items {
            item.workflows(all);
        }
        // Objects from the API of the Argo server have no kind.
        if self.kind.0 == "Workflow" || (self.kind.is_empty() && !self.status.nodes.is_empty()) {
            all.push(Workflow { metadata: self.metadata, spec: self.spec, status: self.status });
        }
    }
}

/// Gives the objects of a JSON document (an object, a list of them, or one that lists `items`), one at a time.
pub(super) struct Document<'e>(pub &'e mut dyn FnMut(Object));

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a Workflow, or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut object = Object::default();
        let mut seen = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let known =
                ["kind", "metadata", "spec", "status", "items"].into_iter().find(|known| *known == key);
            match known {
                Some("kind") => object.kind = entries.next_value()?,
                Some("metadata") => object.metadata = entries.next_value::<Option<_>>()?.unwrap_or_default(),
                Some("spec") => object.spec = entries.next_value::<Option<_>>()?.unwrap_or_default(),
                Some("status") => object.status = entries.next_value::<Option<_>>()?.unwrap_or_default(),
                Some(_) => entries.next_value_seed(Document(&mut *self.0))?,
                None => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
            if let Some(known) = known.filter(|known| !seen.insert(*known)) {
                return Err(A::Error::duplicate_field(known));
            }
        }
        (self.0)(object);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(object) = elements.next_element::<Object>()? {
            (self.0)(object);
        }
        Ok(())
    }

    /// `items` may be null.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    name: Scalar,
    pub namespace: Scalar,
    generate_name: Scalar,
    uid: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, Scalar>,
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, Scalar>,
}

impl Metadata {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells this execution from all others.
    pub fn run_id(&self) -> String {
        match (self.uid.is_empty(), self.namespace.is_empty()) {
            (false, _) => self.uid.0.clone(),
            (true, false) => format!("{}/{}", &*self.namespace, &*self.name),
            (true, true) => self.name.0.clone(),
        }
    }

    /// What executions of the same workflow have in common.
    pub fn workflow(&self) -> &str {
        let labels = ["cron-workflow", "workflow-template", "cluster-workflow-template"];
        let label = labels.iter().find_map(|name| self.labels.get(&format!("workflows.argoproj.io/{name}")));
        match label {
            Some(label) => label,
            None if self.generate_name.is_empty() => &self.name,
            None => self.generate_name.trim_end_matches('-'),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    #[serde(deserialize_with = "or_default")]
    pub templates: Vec<Template>,
    #[serde(deserialize_with = "or_default")]
    pub arguments: Inputs,
    pub pod_spec_patch: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    #[serde(deserialize_with = "or_default")]
    pub nodes: BTreeMap<String, Node>,
    pub compressed_nodes: Scalar,
    pub offload_node_status_version: Scalar,
    /// By scope and name, such as `namespaced/etl/extract`.
    #[serde(deserialize_with = "or_default")]
    pub stored_templates: BTreeMap<String, Template>,
    #[serde(deserialize_with = "or_default")]
    pub stored_workflow_template_spec: Box<Spec>,
    pub message: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Node {
    pub name: Scalar,
    pub display_name: Scalar,
    #[serde(rename = "type")]
    pub kind: Scalar,
    pub template_name: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub template_ref: TemplateRef,
    pub template_scope: Scalar,
    pub phase: Scalar,
    #[serde(rename = "boundaryID")]
    pub boundary_id: Scalar,
    pub started_at: Scalar,
    pub finished_at: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub children: Vec<Scalar>,
    pub host_node_name: Scalar,
    /// Requested resources times seconds: `cpu` by 1 core, `memory` by 100 MiB.
    #[serde(deserialize_with = "or_default")]
    pub resources_duration: BTreeMap<String, Scalar>,
    pub message: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub inputs: Inputs,
    #[serde(deserialize_with = "or_default")]
    pub memoization_status: Memoization,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TemplateRef {
    pub name: Scalar,
    pub template: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Memoization {
    pub hit: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Inputs {
    #[serde(deserialize_with = "or_default")]
    pub parameters: Vec<Parameter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameter {
    pub name: Scalar,
    pub value: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Template {
    pub name: Scalar,
    pub container: Option<Container>,
    pub script: Option<Container>,
    #[serde(deserialize_with = "or_default")]
    pub container_set: ContainerSet,
    #[serde(deserialize_with = "or_default")]
    pub sidecars: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    pub init_containers: Vec<Container>,
    pub pod_spec_patch: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub retry_strategy: RetryStrategy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerSet {
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Container {
    pub name: Scalar,
    pub image: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub resources: Resources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RetryStrategy {
    pub limit: Scalar,
}

/// A patch of pods, as far as it changes sizes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodSpecPatch {
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Container>,
}
