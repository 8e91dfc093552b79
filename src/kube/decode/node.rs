//! Nodes.

use super::super::{ImageOnNode, Node};
use super::object::Object;
use super::pod::METADATA;
use super::{Decoder, requests, taints};
use crate::units::Time;

pub(super) fn node(decoder: &mut Decoder, object: &Object) -> Node {
    let mut node = Node::default();
    if let Some(metadata) = object.object(decoder, "metadata") {
        node.name = metadata.text(decoder, "name");
        node.labels = metadata.labels(decoder, "labels");
        node.annotations = metadata.labels(decoder, "annotations");
        node.created = metadata.time(decoder, "creationTimestamp").unwrap_or_default();
        node.is_terminating = metadata.get("deletionTimestamp").is_some();
        metadata.finish(decoder, METADATA, &[]);
    }
    if let Some(spec) = object.object(decoder, "spec") {
        node.provider_id = spec.text(decoder, "providerID");
        node.taints = taints::taints(decoder, &spec, "taints");
        node.is_unschedulable = spec.is_true(decoder, "unschedulable");
        spec.finish(decoder, &["configSource", "externalID", "podCIDR", "podCIDRs"], &[]);
    }
    if let Some(status) = object.object(decoder, "status") {
        node.ready_since = since(decoder, &status, "Ready");
        for image in status.objects(decoder, "images") {
            let names = image.texts(decoder, "names");
            let size_bytes = image.whole(decoder, "sizeBytes").unwrap_or(0);
            node.images.push(ImageOnNode { names, size_bytes });
        }
        (node.capacity, node.allocatable) = sizes(decoder, &status);
    }
    if node.name.is_empty() {
        decoder.problem(&object.path.field("metadata"), &serde_json::Value::Null, "has no name", "");
    }
    object.finish(decoder, &["apiVersion", "kind"], &[]);
    node
}

/// Capacity and allocatable; either stands in for the other.
pub(super) fn sizes(
    decoder: &mut Decoder,
    status: &Object,
) -> (super::super::ResourceList, super::super::ResourceList) {
    let capacity = requests::amounts(decoder, status, "capacity").list();
    let allocatable = requests::amounts(decoder, status, "allocatable").list();
    match (status.get("capacity").is_some(), status.get("allocatable").is_some()) {
        (true, false) => (capacity, capacity),
        (false, true) => (allocatable, allocatable),
        _ => (capacity, allocatable),
    }
}

/// Since when a condition of the status is true; the beginning of time if that is not said.
pub(super) fn since(decoder: &mut Decoder, status: &Object, kind: &str) -> Option<Time> {
    let mut since = None;
    for condition in status.objects(decoder, "conditions") {
        if condition.text(decoder, "type") == kind && condition.is_true_word(decoder) {
            since = Some(condition.time(decoder, "lastTransitionTime").unwrap_or_default());
        }
    }
    since
}

impl Object<'_> {
    /// `status: "True"` of a condition.
    fn is_true_word(&self, decoder: &mut Decoder) -> bool {
        self.text(decoder, "status").eq_ignore_ascii_case("true")
    }
}
