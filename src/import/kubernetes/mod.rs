//! Kubernetes' own objects: `kubectl get pods -o json` or `-o yaml`, and events in the same forms.
//!
//! A pod's status says when its containers started and finished, which is the best evidence of work that there is.

mod event;
mod objects;
mod pod;
mod requests;

use super::draft::Draft;
use super::text::{self, Origin};
use super::{Format, Options, Shape};
use crate::error::Result;
use crate::trace::Place;
use crate::trace::open::Text;
use objects::Object;

/// Kinds of lists and objects whose beginning may look like those of other formats.
const OTHERS: [&str; 4] = ["Workflow", "CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate"];

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    let Some(document) = shape.document() else { return Err("is no JSON or YAML".to_owned()) };
    let kind = |path: &str| document.text(path);
    // Of a watch with its events.
    if let (Some("ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"), Some(kind)) =
        (kind("type"), kind("object.kind"))
    {
        return if matches!(kind, "Pod" | "Event") {
            Ok(())
        } else {
            Err(format!("has objects of kind {kind}, not Pod"))
        };
    }
    let is_ours = |kind: &str| !OTHERS.contains(&kind);
    if let Some(kind) = kind("items[].kind").or(kind("[].kind")) {
        return if is_ours(kind) { Ok(()) } else { Err(format!("has objects of kind {kind}, not Pod")) };
    }
    match kind("kind") {
        Some("Pod" | "PodList" | "Event" | "EventList" | "List") => Ok(()),
        Some(kind) if is_ours(kind) && document.has_all(&["apiVersion", "metadata"]) => Ok(()),
        Some(kind) => Err(format!("is of kind {kind}, not Pod")),
        None if document.has("items[].spec.containers") || document.has("items[].involvedObject") => Ok(()),
        None => Err("has no objects with a kind, as kubectl prints them".to_owned()),
    }
}

pub(super) fn read(mut text: Text, draft: &mut Draft, _: &Options) -> Result<()> {
    let origin = Origin::of(&text);
    let is_json = matches!(Shape::of(&text.head(super::detect::HEAD)?), Shape::Json(_));
    let mut objects = Objects { draft, place: Place::default(), used: 0, first_other: None };
    objects.place.file = objects.draft.file;
    if is_json {
        text::json_documents(text, |json, mark| {
            objects::read_json(json, mark, &mut |object| objects.take(object))
        })?;
    } else {
        let hint =
            "export it as JSON, which is read object by object: kubectl get pods --all-namespaces -o json";
        let whole = text::whole_or(text, hint)?;
        objects::read_yaml(&origin, &whole, &mut |object| objects.take(object))?;
    }
    match (objects.used, objects.first_other) {
        (0, Some(kind)) => Err(origin
            .diagnostic(format!("this has objects of kind {kind}, and neither pods nor events of pods"))
            .hint("export them with kubectl get pods --all-namespaces -o json")
            .into()),
        _ => Ok(()),
    }
}

/// Takes in the objects of one file.
struct Objects<'d> {
    draft: &'d mut Draft,
    place: Place,
    /// Pods and events.
    used: u64,
    first_other: Option<String>,
}

impl Objects<'_> {
    fn take(&mut self, object: Object) -> std::result::Result<(), String> {
        match object.kind() {
            "Pod" => {
                self.used += 1;
                match pod::take(object, self.place, &mut self.draft.pods)? {
                    Ok(()) => {}
                    Err(reason) => self.draft.drop(Format::Kubernetes, reason),
                }
            }
            "Event" => {
                self.used += 1;
                if !event::take(object, self.place, &mut self.draft.pods) {
                    self.draft.drop(Format::Kubernetes, "events that say nothing of a pod's times");
                }
            }
            other => {
                let other = if other.is_empty() { "no name" } else { other };
                self.first_other.get_or_insert_with(|| other.to_owned());
                self.draft.drop(Format::Kubernetes, "objects that are no pods");
            }
        }
        Ok(())
    }
}
