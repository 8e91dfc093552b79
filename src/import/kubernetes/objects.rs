//! The objects as kubectl prints them: one, a list, several documents; only what is used of each.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::Result;
use crate::import::text::{Json, Keys, Mark, Origin};
use crate::trace::parse_time;
use crate::units::Time;

/// What is done with each object; the error stands where the object ends.
type Take<'t> = &'t mut dyn FnMut(Object) -> std::result::Result<(), String>;

/// A pod or an event; of other kinds the kind only.
#[derive(Default)]
pub(super) struct Object {
    kind: Option<String>,
    pub metadata: Metadata,
    pub spec: Option<Spec>,
    pub status: Status,
    pub event: Event,
}

impl Object {
    /// Items of the API server's own lists have no kind.
    pub fn kind(&self) -> &str {
        match &self.kind {
            Some(kind) => kind,
            None if self.event.involved.is_some() => "Event",
            None if self.spec.as_ref().is_some_and(|spec| spec.containers.is_some()) => "Pod",
            None => "",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub creation_timestamp: Option<Instant>,
    pub deletion_timestamp: Option<Instant>,
    pub annotations: Option<BTreeMap<String, Scalar>>,
    pub labels: Option<BTreeMap<String, Scalar>>,
    pub owner_references: Option<Vec<Owner>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Owner {
    pub kind: String,
    pub name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    pub node_name: Option<String>,
    pub containers: Option<Vec<Container>>,
    pub init_containers: Option<Vec<Container>>,
    pub overhead: Option<BTreeMap<String, Scalar>>,
    pub node_selector: Option<BTreeMap<String, Scalar>>,
    pub tolerations: Option<Vec<Toleration>>,
    pub priority: Option<i32>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    pub name: String,
    pub image: Option<String>,
    pub resources: Option<Resources>,
    /// `Always` makes an init container a sidecar.
    pub restart_policy: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    pub requests: Option<BTreeMap<String, Scalar>>,
    pub limits: Option<BTreeMap<String, Scalar>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Toleration {
    pub key: Option<String>,
    pub operator: Option<String>,
    pub value: Option<String>,
    pub effect: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    pub phase: Option<String>,
    pub reason: Option<String>,
    pub conditions: Option<Vec<Condition>>,
    pub container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: Option<Scalar>,
    pub last_transition_time: Option<Instant>,
    pub reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus {
    pub name: String,
    pub state: Option<ContainerState>,
    pub last_state: Option<ContainerState>,
    pub restart_count: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerState {
    pub running: Option<Run>,
    pub terminated: Option<Run>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Run {
    pub started_at: Option<Instant>,
    pub finished_at: Option<Instant>,
    pub reason: Option<String>,
    pub exit_code: Option<i64>,
}

#[derive(Default)]
pub(super) struct Event {
    pub involved: Option<Involved>,
    pub reason: String,
    pub message: String,
    pub time: Option<Time>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Involved {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    pub field_path: Option<String>,
}

/// A time as Kubernetes writes it.
#[derive(Clone, Copy)]
pub(super) struct Instant(pub Time);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_time(&text, None)
            .map(Self)
            .map_err(|refusal| D::Error::custom(format!("the time {text:?} {}", refusal.message)))
    }
}

/// A text, where people also write numbers and booleans.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Flag(bool),
    Whole(i64),
    Number(f64),
    None(()),
}

impl Scalar {
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::None(()) => String::new(),
        }
    }
}

/// Hands over every object of the next document.
pub(super) fn read_json(json: &mut Json, mark: &Mark, take: Take) -> serde_json::Result<()> {
    Node { mark: Some(mark), take }.deserialize(json)
}

/// Hands over every object of all documents.
pub(super) fn read_yaml(origin: &Origin, text: &str, take: Take) -> Result<()> {
    const MANY: usize = 1 << 28;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: MANY,
            max_events: MANY,
            max_documents: MANY,
            max_total_scalar_bytes: MANY,
            max_aliases: 1_000,
            max_anchors: 1_000,
        },
        with_snippet: false,
    };
    let documents = serde_saphyr::from_multiple_with_options::<Document>(text, options).map_err(|error| {
        let diagnostic =
            origin.diagnostic(format!("this cannot be read as YAML of Kubernetes objects: {error}"));
        match error.location() {
            Some(place) if place.line() > 0 => diagnostic.at(place.line(), place.column().max(1)),
            _ => diagnostic,
        }
    })?;
    for object in documents.into_iter().flat_map(|document| document.0) {
        take(object).map_err(|message| origin.diagnostic(message))?;
    }
    Ok(())
}

/// The objects of one document.
struct Document(Vec<Object>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut objects = Vec::new();
        let mut take = |object| {
            objects.push(object);
            Ok(())
        };
        Node { mark: None, take: &mut take }.deserialize(deserializer)?;
        Ok(Self(objects))
    }
}

/// An object, or a list of objects.
struct Node<'t> {
    mark: Option<&'t Mark>,
    take: Take<'t>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a Kubernetes object, or a list of them")
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        loop {
            if let Some(mark) = self.mark {
                mark.record();
            }
            if list.next_element_seed(Node { mark: self.mark, take: &mut *self.take })?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<(), A::Error> {
        let mut object = Object::default();
        let mut is_list = false;
        let mut seen = Keys::default();
        while let Some(key) = fields.next_key::<String>()? {
            seen.add(&key).map_err(A::Error::custom)?;
            // Fields of other kinds have other shapes.
            let is_ours = object.kind.as_deref().is_none_or(|kind| kind == "Pod" || kind == "Event");
            match key.as_str() {
                "kind" => object.kind = fields.next_value()?,
                "items" => {
                    is_list = true;
                    fields.next_value_seed(Node { mark: self.mark, take: &mut *self.take })?;
                }
                // What a watch prints, after its `type`.
                "object" if object.kind.is_none() => {
                    is_list = true;
                    fields.next_value_seed(Node { mark: self.mark, take: &mut *self.take })?;
                }
                "metadata" if is_ours => {
                    object.metadata = fields.next_value::<Option<_>>()?.unwrap_or_default();
                }
                "spec" if is_ours => object.spec = fields.next_value()?,
                "status" if is_ours => object.status = fields.next_value::<Option<_>>()?.unwrap_or_default(),
                "involvedObject" | "regarding" if is_ours => object.event.involved = fields.next_value()?,
                "reason" if is_ours => {
                    object.event.reason = fields.next_value::<Option<_>>()?.unwrap_or_default();
                }
                "message" | "note" if is_ours => {
                    object.event.message = fields.next_value::<Option<_>>()?.unwrap_or_default();
                }
                // The first time that it happened; newer events have eventTime only.
                "firstTimestamp" | "eventTime" | "deprecatedFirstTimestamp" if is_ours => {
                    let time = fields.next_value::<Option<Instant>>()?.map(|instant| instant.0);
                    object.event.time = object.event.time.or(time);
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        if is_list { Ok(()) } else { (self.take)(object).map_err(A::Error::custom) }
    }
}
