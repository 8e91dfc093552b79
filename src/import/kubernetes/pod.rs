//! One pod object: its times, what it asked for, and what decides where it may run.

use super::objects::{Container, Object, Run, Scalar, Spec, Toleration};
use super::requests::{limits, requests};
use crate::import::pods::{PodSeen, Pods, main_names};
use crate::trace::{OwnerKind, Place, PodArch, SourcePlatform, State};
use crate::units::{Cpu, Memory, Time, parse_cpu, parse_memory};

/// Owners whose pods are no work that ends: services, and what runs on every node.
const SERVICES: [&str; 5] = ["DaemonSet", "Node", "ReplicaSet", "ReplicationController", "StatefulSet"];

/// Takes in a pod; the inner error is why it is left out.
pub(super) fn take(
    object: Object,
    place: Place,
    pods: &mut Pods,
) -> Result<Result<(), &'static str>, String> {
    let Object { metadata, spec, status, .. } = object;
    let Some(name) = metadata.name.filter(|name| !name.is_empty()) else {
        return Err("a pod has no metadata.name".to_owned());
    };
    let owner = metadata.owner_references.unwrap_or_default().into_iter().next();
    if owner.as_ref().is_some_and(|owner| SERVICES.contains(&owner.kind.as_str())) {
        return Ok(Err("pods of services and of nodes, which do not end"));
    }
    let spec = spec.unwrap_or_default();
    let names: Vec<&str> =
        spec.containers.iter().flatten().map(|container| container.name.as_str()).collect();
    let main = main_names(&names, &name);
    let namespace = metadata.namespace.unwrap_or_default();
    let times = Times::of(&status, &main);
    let instant = |instant: Option<super::objects::Instant>| instant.map(|instant| instant.0);
    let created = instant(metadata.creation_timestamp);
    pods.latest =
        [pods.latest, created, times.started, times.ended, times.latest].into_iter().flatten().max();
    let is_over = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    let latest = [created, times.started, times.ended, times.latest].into_iter().flatten().max();
    let mut seen = PodSeen {
        created,
        deleted: instant(metadata.deletion_timestamp),
        scheduled: times.scheduled,
        started: times.started,
        ended: times.ended,
        restarts: times.restarts,
        state: state(&status, &times),
        ..PodSeen::default()
    };
    let pod = &mut seen;
    let target = status.conditions.iter().flatten().find(|condition| condition.kind == "DisruptionTarget");
    let reason = status.reason.or(target.and_then(|condition| condition.reason.clone()));
    if pod.state == Some(State::Failed) {
        let ended = times.reason.filter(|reason| reason != "Completed");
        // Error says less than why the pod as a whole had to go.
        let why = match (ended, reason) {
            (Some(ended), Some(reason)) if ended == "Error" => Some(reason),
            (ended, reason) => ended.or(reason),
        };
        pod.exit_reason = why.or(Some("Error".to_owned()));
    }
    sizes(pod, &spec).map_err(|message| format!("pod {name}: {message}"))?;
    pod.image = image(&spec, &main);
    if let Some(owner) = owner {
        pod.owner = if owner.kind == "Job" { OwnerKind::Job } else { OwnerKind::None };
        pod.owner_name = Some(owner.name);
    }
    let annotations = metadata.annotations.unwrap_or_default();
    let annotation = |key: &str| annotations.get(key).map(Scalar::text);
    let is = |key: &str, value: &str| annotation(key).as_deref() == Some(value);
    pod.do_not_disrupt |= is("karpenter.sh/do-not-disrupt", "true")
        || is("karpenter.sh/do-not-evict", "true")
        || is("cluster-autoscaler.kubernetes.io/safe-to-evict", "false");
    pod.provisioned = annotation("CapacityProvisioned").and_then(|text| provisioned(&text));
    let labels = metadata.labels.unwrap_or_default();
    if pod.provisioned.is_some() || labels.contains_key("eks.amazonaws.com/fargate-profile") {
        pod.platform = Some(SourcePlatform::Fargate);
    }
    placement(pod, spec);
    pods.pod_at(place, &namespace, &name).snapshot(is_over, latest, seen);
    Ok(Ok(()))
}

/// What the status says of the main containers.
#[derive(Default)]
struct Times {
    scheduled: Option<Time>,
    started: Option<Time>,
    ended: Option<Time>,
    /// Of anything.
    latest: Option<Time>,
    is_running: bool,
    failed: bool,
    reason: Option<String>,
    restarts: u32,
}

impl Times {
    fn of(status: &super::objects::Status, main: &[&str]) -> Self {
        let mut times = Self::default();
        let mut initialized = None;
        for condition in status.conditions.iter().flatten() {
            let time = condition.last_transition_time.map(|instant| instant.0);
            times.latest = times.latest.max(time);
            let holds = condition.status.as_ref().is_some_and(|s| s.text().eq_ignore_ascii_case("true"));
            match condition.kind.as_str() {
                "PodScheduled" if holds => times.scheduled = time,
                "Initialized" if holds => initialized = time,
                _ => {}
            }
        }
        let mut unfinished = false;
        for container in
            status.container_statuses.iter().flatten().filter(|c| main.contains(&c.name.as_str()))
        {
            times.restarts = times.restarts.max(container.restart_count.unwrap_or(0));
            let state = container.state.as_ref();
            let running = state.and_then(|state| state.running.as_ref());
            let before = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
            let terminated = state.and_then(|state| state.terminated.as_ref());
            // Between two tries, the last one is what is known.
            let ended = terminated.or(before.filter(|_| running.is_none()));
            times.is_running |= running.is_some();
            let Some(run) = running.or(ended) else { continue };
            let at =
                |time: Option<super::objects::Instant>| time.map(|instant| instant.0).filter(|t| t.ms() > 0);
            // A pod whose container starts again keeps its room on the node: its work begins with the first run.
            let known = [run, before.unwrap_or(run)].map(|run| at(run.started_at));
            times.started = [times.started].into_iter().chain(known).flatten().min();
            // The status keeps two runs; that its init containers were done is the closest bound of earlier ones.
            let runs = u32::from(running.or(terminated).is_some()) + u32::from(before.is_some());
            if times.started.is_some() && container.restart_count.unwrap_or(0) >= runs {
                times.started = times.started.min(initialized.or(times.scheduled).or(times.started));
            }
            if let Some(run) = ended {
                unfinished |= at(run.finished_at).is_none();
                times.ended = times.ended.max(at(run.finished_at));
                times.end(run);
            }
        }
        if times.is_running || unfinished {
            times.ended = None;
        }
        times
    }

    fn end(&mut self, run: &Run) {
        let failed = run.exit_code.is_some_and(|code| code != 0);
        if failed || !self.failed {
            self.reason = run.reason.clone().or(self.reason.take());
        }
        self.failed |= failed;
    }
}

fn state(status: &super::objects::Status, times: &Times) -> Option<State> {
    match status.phase.as_deref() {
        Some("Succeeded") => Some(State::Succeeded),
        Some("Failed") => Some(State::Failed),
        // A sidecar may outlive what the pod was for.
        Some("Running") if times.ended.is_some() && !times.is_running => {
            Some(if times.failed { State::Failed } else { State::Succeeded })
        }
        Some("Running") => Some(State::Running),
        Some("Pending") => Some(State::Pending),
        _ => None,
    }
}

fn sizes(pod: &mut PodSeen, spec: &Spec) -> Result<(), String> {
    let cpu = |text: &str| parse_cpu(text).ok().map(Cpu::milli);
    let bytes = |text: &str| parse_memory(text).ok().map(Memory::bytes);
    let some = |size: Option<i64>| size.filter(|size| *size > 0);
    pod.cpu_request = some(requests(spec, "cpu", cpu)?).map(Cpu::from_milli);
    pod.memory_request = some(requests(spec, "memory", bytes)?).map(Memory::from_bytes);
    pod.cpu_limit = some(limits(spec, "cpu", cpu)?).map(Cpu::from_milli);
    pod.memory_limit = some(limits(spec, "memory", bytes)?).map(Memory::from_bytes);
    pod.ephemeral_storage = some(requests(spec, "ephemeral-storage", bytes)?).map(Memory::from_bytes);
    pod.gpu_request_milli = some(requests(spec, "nvidia.com/gpu", cpu)?);
    Ok(())
}

fn image(spec: &Spec, main: &[&str]) -> Option<String> {
    let is_main = |container: &&Container| main.contains(&container.name.as_str());
    spec.containers.iter().flatten().find(is_main)?.image.clone().filter(|image| !image.is_empty())
}

/// Where it ran and where it may run.
fn placement(pod: &mut PodSeen, spec: Spec) {
    pod.node = spec.node_name.filter(|node| !node.is_empty());
    pod.priority = spec.priority.filter(|priority| *priority != 0);
    let mut selector = Vec::new();
    for (key, value) in spec.node_selector.unwrap_or_default() {
        let value = value.text();
        match (key.as_str(), value.as_str()) {
            // All nodes here are Linux.
            ("kubernetes.io/os" | "beta.kubernetes.io/os", "linux") => continue,
            ("kubernetes.io/arch" | "beta.kubernetes.io/arch", "amd64") => pod.arch = Some(PodArch::Amd64),
            ("kubernetes.io/arch" | "beta.kubernetes.io/arch", "arm64") => pod.arch = Some(PodArch::Arm64),
            ("karpenter.sh/capacity-type", "spot") | ("eks.amazonaws.com/capacityType", "SPOT") => {
                pod.platform = pod.platform.or(Some(SourcePlatform::Spot));
            }
            _ => {}
        }
        selector.push(format!("{key}={value}"));
    }
    if !selector.is_empty() {
        pod.node_selector = Some(selector.join(";"));
    }
    let tolerations: Vec<String> = spec.tolerations.iter().flatten().filter_map(toleration).collect();
    if !tolerations.is_empty() {
        pod.tolerations = Some(tolerations.join(";"));
    }
}

/// As the column `tolerations` has it; none for those that every pod is given.
fn toleration(toleration: &Toleration) -> Option<String> {
    let key = toleration.key.as_deref().unwrap_or_default();
    if key == "node.kubernetes.io/not-ready" || key == "node.kubernetes.io/unreachable" {
        return None;
    }
    let mut text = if key.is_empty() { "*".to_owned() } else { key.to_owned() };
    if toleration.operator.as_deref() != Some("Exists")
        && let Some(value) = toleration.value.as_deref().filter(|value| !value.is_empty())
    {
        text = format!("{text}={value}");
    }
    if let Some(effect) = toleration.effect.as_deref().filter(|effect| !effect.is_empty()) {
        text = format!("{text}:{effect}");
    }
    Some(text)
}

/// `0.25vCPU 0.5GB`, of which GB are GiB.
fn provisioned(text: &str) -> Option<(Cpu, Memory)> {
    let (cpu, memory) = text.trim().split_once(' ')?;
    let cpu = parse_cpu(cpu.strip_suffix("vCPU")?).ok()?;
    let memory = parse_memory(&format!("{}Gi", memory.trim().strip_suffix("GB")?)).ok()?;
    Some((cpu, memory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fargate_gave_is_read() {
        assert_eq!(provisioned("0.25vCPU 0.5GB"), Some((Cpu::from_milli(250), Memory::from_mib(512))));
        assert_eq!(provisioned("4vCPU 30GB"), Some((Cpu::from_cores(4), Memory::from_gib(30))));
        assert_eq!((provisioned(""), provisioned("4 30"), provisioned("-1vCPU 1GB")), (None, None, None));
    }

    #[test]
    fn tolerations_are_written_as_traces_have_them() {
        let of = |json: &str| toleration(&serde_json::from_str(json).unwrap());
        assert_eq!(of(r#"{"operator":"Exists"}"#).as_deref(), Some("*"));
        assert_eq!(
            of(r#"{"key":"batch","operator":"Exists","effect":"NoSchedule"}"#).as_deref(),
            Some("batch:NoSchedule")
        );
        assert_eq!(of(r#"{"key":"team","operator":"Equal","value":"a"}"#).as_deref(), Some("team=a"));
        assert_eq!(
            of(r#"{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute"}"#),
            None
        );
    }
}
