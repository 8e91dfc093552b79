//! Pods and what makes them: what their metadata and status say. Their spec: [`pod_spec`](super::pod_spec).

use std::sync::Arc;

use super::super::{DoNotDisrupt, OwnerRef, Phase, Pod, PodSpec};
use super::object::Object;
use super::{Decoder, pod_spec};
use crate::units::parse_duration;

/// Fields of any object's metadata by which nothing is decided here.
pub(super) const METADATA: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
/// Names volumes, with commas between, that may be lost.
const SAFE_LOCAL_VOLUMES: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

pub(super) fn pod(decoder: &mut Decoder, object: &Object) -> Pod {
    let (mut spec, mut safe) = (PodSpec::default(), Vec::new());
    let mut pod = Pod {
        name: String::new(),
        uid: String::new(),
        created: <_>::default(),
        spec: Arc::default(),
        phase: Phase::Pending,
        is_terminating: false,
        node_name: None,
        nominated_node_name: None,
        is_unschedulable: false,
        unschedulable_since: None,
        started: None,
    };
    if let Some(of) = object.object(decoder, "metadata") {
        pod.name = of.text(decoder, "name");
        pod.uid = of.text(decoder, "uid");
        pod.created = of.time(decoder, "creationTimestamp").unwrap_or_default();
        pod.is_terminating = of.get("deletionTimestamp").is_some();
        safe = metadata(decoder, &of, &mut spec);
    }
    if pod.name.is_empty() {
        decoder.problem(&object.path.field("metadata"), &serde_json::Value::Null, "has no name", "");
    }
    if let Some(of) = object.object(decoder, "spec") {
        let node = of.text(decoder, "nodeName");
        pod.node_name = (!node.is_empty()).then_some(node);
        pod_spec::read(decoder, &of, &mut spec, &safe);
    }
    if let Some(of) = object.object(decoder, "status") {
        status(decoder, &of, &mut pod);
    }
    object.finish(decoder, &["apiVersion", "kind"], &[]);
    pod.spec = Arc::new(spec);
    pod
}

fn status(decoder: &mut Decoder, status: &Object, pod: &mut Pod) {
    let phases = [
        ("Pending", Phase::Pending),
        ("Running", Phase::Running),
        ("Succeeded", Phase::Succeeded),
        ("Failed", Phase::Failed),
        // Of a node that is lost; the pod still holds its place.
        ("Unknown", Phase::Running),
        ("", Phase::Pending),
    ];
    pod.phase = status.one_of(decoder, "phase", &phases).unwrap_or_default();
    let nominated = status.text(decoder, "nominatedNodeName");
    pod.nominated_node_name = (!nominated.is_empty()).then_some(nominated);
    pod.started = status.time(decoder, "startTime");
    for condition in status.objects(decoder, "conditions") {
        let is_scheduling = condition.text(decoder, "type") == "PodScheduled";
        if is_scheduling && condition.text(decoder, "reason") == "Unschedulable" {
            pod.is_unschedulable = true;
            pod.unschedulable_since = condition.time(decoder, "lastTransitionTime");
        }
    }
}

/// A `PodTemplateSpec`.
pub(super) fn template(decoder: &mut Decoder, object: &Object) -> PodSpec {
    let (mut spec, mut safe) = (PodSpec::default(), Vec::new());
    if let Some(of) = object.object(decoder, "metadata") {
        safe = metadata(decoder, &of, &mut spec);
    }
    match object.object(decoder, "spec") {
        Some(of) => pod_spec::read(decoder, &of, &mut spec, &safe),
        None if object.get("spec").is_none() => {
            decoder.problem(&object.path.field("spec"), &serde_json::Value::Null, "is missing", "");
        }
        None => {}
    }
    object.finish(decoder, &[], &[]);
    spec
}

/// A Pod, or an object that makes pods.
pub(super) fn workload(decoder: &mut Decoder, object: &Object) -> PodSpec {
    let kind = object.text(decoder, "kind");
    let mut spec = match kind.as_str() {
        "Pod" => return Arc::unwrap_or_clone(pod(decoder, object).spec),
        "PodTemplate" => object.object(decoder, "template"),
        "CronJob" => object
            .object(decoder, "spec")
            .and_then(|spec| spec.object(decoder, "jobTemplate"))
            .and_then(|job| job.object(decoder, "spec"))
            .and_then(|spec| spec.object(decoder, "template")),
        "Job" | "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
            object.object(decoder, "spec").and_then(|spec| spec.object(decoder, "template"))
        }
        _ => {
            let kinds = "is not a kind of object that makes pods";
            let value = object.get("kind").unwrap_or(&serde_json::Value::Null);
            decoder.problem(&object.path.field("kind"), value, kinds, "");
            return PodSpec::default();
        }
    }
    .map(|of| template(decoder, &of))
    .unwrap_or_else(|| {
        decoder.problem(&object.path, &serde_json::Value::Null, "has no pod template", "");
        PodSpec::default()
    });
    let own = object.object(decoder, "metadata").map(|metadata| {
        let (name, namespace) = (metadata.text(decoder, "name"), metadata.text(decoder, "namespace"));
        (name, namespace)
    });
    let (name, namespace) = own.unwrap_or_default();
    if !namespace.is_empty() {
        spec.namespace = namespace;
    }
    let owner = match kind.as_str() {
        "Deployment" => Some("ReplicaSet"),
        "CronJob" => Some("Job"),
        "PodTemplate" => None,
        _ => Some(kind.as_str()),
    };
    spec.owner = owner.map(|kind| OwnerRef { kind: kind.to_owned(), name, uid: String::new() });
    spec
}

/// Gives the names of local volumes that may be lost.
fn metadata(decoder: &mut Decoder, metadata: &Object, spec: &mut PodSpec) -> Vec<String> {
    let namespace = metadata.text(decoder, "namespace");
    if !namespace.is_empty() {
        spec.namespace = namespace;
    }
    spec.labels = metadata.labels(decoder, "labels");
    let annotations = metadata.labels(decoder, "annotations");
    let annotation = |key: &str| annotations.get(key).map(|text| text.trim());
    spec.do_not_disrupt = match annotation(DO_NOT_DISRUPT) {
        Some("true") => DoNotDisrupt::Always,
        Some(text) => match parse_duration(text) {
            Ok(span) if span.ms() > 0 => DoNotDisrupt::For(span),
            _ => DoNotDisrupt::No,
        },
        None => DoNotDisrupt::No,
    };
    spec.deletion_cost = annotation(DELETION_COST).and_then(|text| text.parse().ok()).unwrap_or(0);
    spec.safe_to_evict = annotation(SAFE_TO_EVICT).and_then(|text| text.parse().ok());
    spec.owner = owner(decoder, metadata);
    metadata.finish(decoder, METADATA, &[]);
    let safe = annotation(SAFE_LOCAL_VOLUMES).unwrap_or_default();
    safe.split(',').map(|name| name.trim().to_owned()).collect()
}

/// The controller among the owners; without one, an owner by whose kind Karpenter decides although it does not control.
fn owner(decoder: &mut Decoder, metadata: &Object) -> Option<OwnerRef> {
    let mut found = None;
    for object in metadata.objects(decoder, "ownerReferences") {
        let owner = OwnerRef {
            kind: object.text(decoder, "kind"),
            name: object.text(decoder, "name"),
            uid: object.text(decoder, "uid"),
        };
        if object.is_true(decoder, "controller") {
            return Some(owner);
        }
        if found.is_none() && ["DaemonSet", "Node"].contains(&owner.kind.as_str()) {
            found = Some(owner);
        }
    }
    found
}
