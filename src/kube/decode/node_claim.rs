//! Karpenter's NodeClaims (`karpenter.sh/v1`).

use super::super::NodeClaim;
use super::object::Object;
use super::pod::METADATA;
use super::{Decoder, node, taints};
use crate::units::Span;

/// What the API server fills in for `expireAfter`.
const EXPIRE_AFTER: Span = Span::from_secs(720 * 3_600);

pub(super) fn node_claim(decoder: &mut Decoder, object: &Object) -> NodeClaim {
    let mut claim = NodeClaim { expire_after: Some(EXPIRE_AFTER), ..NodeClaim::default() };
    if let Some(metadata) = object.object(decoder, "metadata") {
        claim.name = metadata.text(decoder, "name");
        claim.uid = metadata.text(decoder, "uid");
        claim.labels = metadata.labels(decoder, "labels");
        claim.annotations = metadata.labels(decoder, "annotations");
        claim.created = metadata.time(decoder, "creationTimestamp").unwrap_or_default();
        claim.is_terminating = metadata.get("deletionTimestamp").is_some();
        metadata.finish(decoder, METADATA, &[]);
    }
    if let Some(spec) = object.object(decoder, "spec") {
        claim.taints = taints::taints(decoder, &spec, "taints");
        claim.startup_taints = taints::taints(decoder, &spec, "startupTaints");
        if spec.get("expireAfter").is_some() {
            claim.expire_after = spec.duration(decoder, "expireAfter");
        }
        claim.termination_grace_period = spec.duration(decoder, "terminationGracePeriod");
        spec.finish(decoder, &["nodeClassRef", "requirements", "resources"], &[]);
    }
    if let Some(status) = object.object(decoder, "status") {
        claim.node_name = status.text(decoder, "nodeName");
        claim.provider_id = status.text(decoder, "providerID");
        claim.last_pod_event = status.time(decoder, "lastPodEventTime");
        (claim.capacity, claim.allocatable) = node::sizes(decoder, &status);
        claim.launched = node::since(decoder, &status, "Launched");
        claim.registered = node::since(decoder, &status, "Registered");
        claim.initialized = node::since(decoder, &status, "Initialized");
        claim.consolidatable = node::since(decoder, &status, "Consolidatable");
        claim.drifted = node::since(decoder, &status, "Drifted");
    }
    if claim.name.is_empty() {
        decoder.problem(&object.path.field("metadata"), &serde_json::Value::Null, "has no name", "");
    }
    object.finish(decoder, &["apiVersion", "kind"], &[]);
    claim
}
