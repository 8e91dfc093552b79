//! The `spec` of a pod.

use super::super::{HostPort, PodSpec};
use super::object::Object;
use super::requests::{self, Asked};
use super::{Decoder, Unread, Why, affinity, priority, taints};
use crate::units::Span;

/// Fields by which nobody decides where a pod goes or when it leaves.
const HARMLESS: &[&str] = &[
    "activeDeadlineSeconds",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "ephemeralContainers",
    "hostAliases",
    "hostIPC",
    "hostPID",
    "hostUsers",
    "hostname",
    "hostnameOverride",
    "imagePullSecrets",
    "nodeName",
    "os",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "subdomain",
];

const HARMLESS_OF_CONTAINER: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "name",
    "readinessProbe",
    "resizePolicy",
    "restartPolicyRules",
    "securityContext",
    "startupProbe",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
];

/// What is said of a volume by one field, which is its kind. The name says nothing.
const VOLUMES: &[&str] = &[
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "configMap",
    "csi",
    "downwardAPI",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "image",
    "iscsi",
    "name",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "projected",
    "quobyte",
    "rbd",
    "scaleIO",
    "secret",
    "storageos",
    "vsphereVolume",
];

/// Fills in what `spec` says; the metadata is there already. `safe`: local volumes that may be lost.
pub(super) fn read(decoder: &mut Decoder, object: &Object, spec: &mut PodSpec, safe: &[String]) {
    let on_host = object.is_true(decoder, "hostNetwork");
    let mut containers = Vec::new();
    for container in object.objects(decoder, "containers") {
        let image = container.text(decoder, "image");
        spec.images.extend((!image.is_empty()).then_some(image));
        host_ports(decoder, &container, on_host, spec);
        containers.push(Asked { amounts: requests::container(decoder, &container), is_sidecar: false });
        container.finish(decoder, HARMLESS_OF_CONTAINER, &["restartPolicy"]);
    }
    let mut init = Vec::new();
    for container in object.objects(decoder, "initContainers") {
        let image = container.text(decoder, "image");
        spec.images.extend((!image.is_empty()).then_some(image));
        let is_sidecar = container.text(decoder, "restartPolicy") == "Always";
        if is_sidecar {
            host_ports(decoder, &container, on_host, spec);
        } else {
            container.get("ports");
        }
        init.push(Asked { amounts: requests::container(decoder, &container), is_sidecar });
        container.finish(decoder, HARMLESS_OF_CONTAINER, &[]);
    }
    spec.containers = (containers.len() + init.len()) as u32;
    let own = requests::resources(decoder, object);
    let overhead = requests::amounts(decoder, object, "overhead");
    (spec.requests, spec.scored_requests) = requests::of_pod(&containers, &init, own, overhead);

    spec.node_selector = object.labels(decoder, "nodeSelector");
    affinity::affinity(decoder, object, spec);
    spec.spread = affinity::spread(decoder, object);
    spec.tolerations = taints::tolerations(decoder, object);
    if let Some(seconds) = object.whole::<u32>(decoder, "terminationGracePeriodSeconds") {
        spec.termination_grace_period = Span::from_secs(seconds.into());
    }
    priority(decoder, object, spec);
    volumes(decoder, object, spec, safe);
    let scheduler = object.text(decoder, "schedulerName");
    if !["", "default-scheduler"].contains(&scheduler.as_str()) {
        decoder.unread.push(Unread { path: object.path.field("schedulerName"), why: Why::NotSimulated });
    }
    object.finish(
        decoder,
        HARMLESS,
        &["resourceClaims", "schedulingGates", "schedulingGroup", "workloadRef"],
    );
}

/// A number wins over a class, and a class that is not given leaves the default (as does a pod without either).
fn priority(decoder: &mut Decoder, object: &Object, spec: &mut PodSpec) {
    let number = object.whole::<i32>(decoder, "priority");
    let name = object.text(decoder, "priorityClassName");
    let class = if name.is_empty() {
        decoder.priority_classes.global_default()
    } else {
        let class = decoder.priority_classes.get(&name);
        if class.is_none() && number.is_none() {
            let path = object.path.field("priorityClassName");
            decoder.unread.push(Unread { path, why: Why::NoPriorityClass });
        }
        class
    };
    spec.priority = number.or(class.map(|class| class.value)).unwrap_or(0);
    let preempts = priority::preempts(decoder, object);
    spec.preempts = preempts.or(class.map(|class| class.preempts)).unwrap_or(true);
}

/// Ports of the node itself; in its network, every port of a container is one.
fn host_ports(decoder: &mut Decoder, container: &Object, on_host: bool, spec: &mut PodSpec) {
    for object in container.objects(decoder, "ports") {
        let inside = object.whole::<u16>(decoder, "containerPort").unwrap_or(0);
        let given = object.whole::<u16>(decoder, "hostPort").unwrap_or(0);
        let port = if given == 0 && on_host { inside } else { given };
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        let ip = or(object.text(decoder, "hostIP"), "0.0.0.0");
        let protocol = or(object.text(decoder, "protocol"), "TCP");
        object.finish(decoder, &["name"], &[]);
        if port != 0 {
            spec.host_ports.push(HostPort { ip, port, protocol });
        }
    }
}

/// Volumes that are lost with the node: `hostPath`, and `emptyDir` that is not memory
/// (`cluster-autoscaler/utils/drain: isLocalVolume`).
fn volumes(decoder: &mut Decoder, object: &Object, spec: &mut PodSpec, safe: &[String]) {
    for volume in object.objects(decoder, "volumes") {
        let name = volume.text(decoder, "name");
        let on_host = volume.get("hostPath").is_some();
        let on_disk =
            volume.object(decoder, "emptyDir").is_some_and(|of| of.text(decoder, "medium") != "Memory");
        volume.finish(decoder, VOLUMES, &["ephemeral", "persistentVolumeClaim"]);
        spec.has_local_storage |= (on_host || on_disk) && !safe.contains(&name);
    }
}
