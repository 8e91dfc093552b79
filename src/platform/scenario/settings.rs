//! The fields of a scenario that hold for all platforms.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::cluster_config::{self, Location};
use super::{candidates, discounts, savings_plan, spot, system};

/// `at` is where the ClusterConfigs of the file are: what the scenario leaves out, and may not contradict.
pub(super) fn read(reader: &mut Reader, root: &mut Section, at: &Location) -> Settings {
    let mut s = Settings::default();
    let name = root.optional(reader, "region", region);
    if let (Some(name), Some((other, line))) = (&name, &at.region)
        && name != other
        && let Some(place) = reader.given.place("region")
    {
        reader.problem(place, name, cluster_config::elsewhere("region", other, *line));
    }
    if let Some(name) = name.or_else(|| at.region.clone().map(|(name, _)| name)) {
        s.region = Region { name, source: RegionSource::Given };
    }
    zones(reader, root, at, &mut s.zones);
    defaults(reader, root, &mut s.defaults);
    startup(reader, root, &mut s.startup);
    images(reader, root, &mut s.images);
    orchestrator(reader, root, &mut s.orchestrator);
    agents(reader, root, "daemonSets", 1, &mut s.daemon_sets);
    // A sidecar is a container of the pod and takes no slot of its own.
    agents(reader, root, "sidecars", 0, &mut s.sidecars);
    scheduler(reader, root, &mut s.scheduler);
    cluster(reader, root, &mut s.cluster);
    spot::read(reader, root, &s.zones, &mut s.spot);
    system::read(reader, root, &mut s.system);
    s.savings_plan = savings_plan::read(reader, root);
    s.discounts = discounts::read(reader, root);
    root.set(reader, "unschedulableAfter", &mut s.unschedulable_after, |t| {
        duration_from(t, Span::from_secs(1), YEAR)
    });
    root.set(reader, "replay", &mut s.replay, |t| choice(t, Replay::WORDS));
    root.set(reader, "seed", &mut s.seed, |t| whole(t, 0, LARGEST_SEED));
    s
}

/// Whether it looks like the name of a region; whether there is one, the catalog knows.
pub(super) fn region(text: &str) -> Parsed<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |s: &&str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase());
    let number = |s: &str| !s.is_empty() && s.len() <= 2 && s.bytes().all(|b| b.is_ascii_digit());
    let sound = text.len() <= 32
        && parts.len() >= 3
        && parts[..parts.len() - 1].iter().all(letters)
        && number(parts[parts.len() - 1]);
    if sound {
        return Ok(text.to_owned());
    }
    let refusal = Refusal::new("is not the name of an AWS region");
    let shorter = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    if shorter.len() + 1 == text.len() && region(shorter).is_ok() {
        return Err(refusal.hint(format!("this is a zone of {shorter}; write its letter under zones")));
    }
    Err(refusal.hint("write for example us-east-1"))
}

fn zones(reader: &mut Reader, root: &mut Section, at: &Location, zones: &mut Vec<String>) {
    let Some(items) = root.list(reader, "zones") else {
        if let Some((of_cluster, _)) = &at.zones {
            zones.clone_from(of_cluster);
        }
        return;
    };
    let mut read: Vec<String> = Vec::new();
    for (index, node) in items.iter().enumerate() {
        let letter = reader.scalar(&format!("zones[{index}]"), node, |text| match text.as_bytes() {
            [letter] if letter.is_ascii_lowercase() && read.iter().any(|z| z == text) => {
                Err(Refusal::new("is there twice"))
            }
            [letter] if letter.is_ascii_lowercase() => Ok(text.to_owned()),
            _ => Err(Refusal::new("must be the letter of an availability zone")
                .hint("write [a, b, c] for us-east-1a, us-east-1b and us-east-1c")),
        });
        read.extend(letter);
    }
    if items.is_empty() {
        let refusal = Refusal::new("zones is empty").hint("leave the line out to use three zones");
        if let Some(place) = reader.given.place("zones") {
            reader.problem(place, "zones", refusal);
        }
    }
    if let Some(of_cluster) = at.zones.as_ref().filter(|_| read.len() == items.len()) {
        cluster_config::differ(reader, "zones", &read, of_cluster);
    }
    *zones = read;
}

fn defaults(reader: &mut Reader, root: &mut Section, d: &mut Defaults) {
    let mut section = root.section(reader, "defaults");
    section.set(reader, "cpuRequest", &mut d.cpu_request, |t| cpu(t, Cpu::from_milli(1)));
    section
        .set(reader, "memoryRequest", &mut d.memory_request, |t| memory(t, Memory::from_mib(1), MOST_MEMORY));
    section.set(reader, "imageSizeMiB", &mut d.image_size, mib);
    section.set(reader, "arch", &mut d.arch, |t| choice(t, PodArch::WORDS));
    section.finish(reader);
}

fn startup(reader: &mut Reader, root: &mut Section, s: &mut Startup) {
    let mut section = root.section(reader, "startup");
    step(reader, &mut section, "launchToPending", &mut s.launch_to_pending);
    step(reader, &mut section, "createFleet", &mut s.create_fleet);
    step(reader, &mut section, "pendingToKernel", &mut s.pending_to_kernel);
    step(reader, &mut section, "kernelToRegistered", &mut s.kernel_to_registered);
    step(reader, &mut section, "registeredToReady", &mut s.registered_to_ready);
    step(reader, &mut section, "containerCreate", &mut s.container_create);
    step(reader, &mut section, "fargateRegister", &mut s.fargate_register);
    section.finish(reader);
}

/// `10s`, or `{median: 6s, p95: 20s}`.
pub(super) fn step(reader: &mut Reader, section: &mut Section, name: &'static str, value: &mut Step) {
    let Some(entry) = section.entry(reader, name) else { return };
    let path = section.path(name);
    if !matches!(entry.value.value, Value::Map(_)) {
        if let Some(span) = section.optional(reader, name, |t| duration(t, DAY)) {
            *value = Step::constant(span);
        }
        return;
    }
    let mut parts = section.section(reader, name);
    let median = parts.optional(reader, "median", |t| duration(t, DAY));
    let p95 = parts.optional(reader, "p95", |t| duration(t, DAY));
    let missing = [("median", entry.value.get("median")), ("p95", entry.value.get("p95"))];
    for (part, _) in missing.iter().filter(|(_, node)| node.is_none()) {
        let refusal = Refusal::new(format!("{path} has no {part}"))
            .hint("write a duration for a constant, or {median: 6s, p95: 20s}");
        reader.problem(entry.key_place, name, refusal);
    }
    if let (Some(median), Some(p95)) = (median, p95) {
        let place = entry.value.get("p95").map_or(entry.key_place, |node| node.place);
        if p95 < median {
            let message = format!("{path}.p95 is less than the median, {}", duration_text(median));
            reader.problem(place, &duration_text(p95), Refusal::new(message));
        } else if median == Span::ZERO && p95 > Span::ZERO {
            let message = format!("{path}.median is zero although the p95 is not");
            let refusal =
                Refusal::new(message).hint("a log-normal time is never zero; write 1ms or a constant");
            reader.problem(entry.value.get("median").map_or(place, |n| n.place), "0s", refusal);
        } else {
            *value = Step { median, p95 };
        }
    }
    parts.finish(reader);
}

fn images(reader: &mut Reader, root: &mut Section, i: &mut Images) {
    let mut section = root.section(reader, "images");
    let count = |text: &str| whole(text, 1, 1_000).map(|n| n as i64);
    section.set(reader, "layerRate", &mut i.layer_rate, rate);
    section.set(reader, "parallelLayers", &mut i.parallel_layers, count);
    section.set(reader, "layers", &mut i.layers, count);
    section.set(reader, "unpackedRatio", &mut i.unpacked_tenths, |t| tenths(t, 1, 1_000));
    section.set(reader, "unpackRate", &mut i.unpack_rate, rate);
    section.set(reader, "networkRate", &mut i.network_rate, rate);
    section.set(reader, "serializeImagePulls", &mut i.serialize_pulls, boolean);
    section.finish(reader);
}

fn orchestrator(reader: &mut Reader, root: &mut Section, o: &mut Orchestrator) {
    let mut section = root.section(reader, "orchestrator");
    section.set(reader, "useRecordedDelays", &mut o.use_recorded_delays, boolean);
    step(reader, &mut section, "dispatchDelay", &mut o.dispatch_delay);
    step(reader, &mut section, "detectionLag", &mut o.detection_lag);
    section.set(reader, "deletionDelay", &mut o.deletion_delay, |t| duration(t, YEAR));
    let mut lost = section.section(reader, "lostPods");
    let pods = &mut o.lost_pods;
    lost.set(reader, "retryLimit", &mut pods.retry_limit, |t| whole(t, 0, 1_000).map(|n| n as u32));
    lost.set(reader, "retryInterval", &mut pods.retry_interval, |t| duration(t, DAY));
    lost.set(reader, "gracefulStop", &mut pods.graceful_stop, |t| duration(t, DAY));
    lost.finish(reader);
    let mut leftover = section.section(reader, "leftoverPods");
    leftover.set(reader, "share", &mut o.leftover_pods.share_ppm, share);
    leftover.set(reader, "kept", &mut o.leftover_pods.kept, |t| duration(t, YEAR));
    leftover.finish(reader);
    section.finish(reader);
}

/// A given list replaces the default one as a whole.
fn agents(reader: &mut Reader, root: &mut Section, name: &'static str, pods: i64, agents: &mut Vec<Agent>) {
    let Some(items) = root.list(reader, name) else { return };
    agents.clear();
    for (index, node) in items.iter().enumerate() {
        let path = format!("{name}[{index}]");
        if let Some(agent) = agent(reader, path, format!("{name}[]"), node, pods, agents) {
            agents.push(agent);
        }
    }
}

fn agent(
    reader: &mut Reader,
    path: String,
    generic: String,
    node: &Node,
    pods: i64,
    before: &[Agent],
) -> Option<Agent> {
    if !matches!(node.value, Value::Map(_)) {
        let message = format!("{path} must be a mapping, not {}", node.shape());
        let refusal = Refusal::new(message).hint("write {name: datadog, cpu: 200m, memory: 256Mi}");
        reader.problem(node.place, node.scalar().unwrap_or_default(), refusal);
        return None;
    }
    let mut section = Section::new(reader, path.clone(), generic, node);
    let name = section.optional(reader, "name", |text| {
        if before.iter().any(|a| a.name == text) {
            return Err(Refusal::new("is there twice"));
        }
        candidates::name(text)
    });
    if node.get("name").is_none() {
        reader.problem(node.place, "", Refusal::new(format!("{path} has no name")));
    }
    let mut requests = Resources { pods, ..Resources::ZERO };
    section.set(reader, "cpu", &mut requests.cpu, |t| cpu(t, Cpu::ZERO));
    section.set(reader, "memory", &mut requests.memory, |t| memory(t, Memory::ZERO, MOST_MEMORY));
    section.finish(reader);
    Some(Agent { name: name?, requests })
}

fn scheduler(reader: &mut Reader, root: &mut Section, s: &mut KubeScheduler) {
    let mut section = root.section(reader, "kubeScheduler");
    section.set(reader, "scoringStrategy", &mut s.scoring, |t| choice(t, Scoring::WORDS));
    section.set(reader, "balancedAllocation", &mut s.balanced_allocation, |t| {
        choice(t, BalancedAllocation::WORDS)
    });
    section.set(reader, "popFromBackoffQ", &mut s.pop_from_backoff_q, boolean);
    section.set(reader, "preemption", &mut s.preemption, boolean);
    section.finish(reader);
}

fn cluster(reader: &mut Reader, root: &mut Section, c: &mut Cluster) {
    let mut section = root.section(reader, "cluster");
    section.set(reader, "support", &mut c.support, |t| choice(t, Support::WORDS));
    section.set(reader, "natGateways", &mut c.nat_gateways, |t| whole(t, 0, 1_000).map(|n| n as u32));
    section.set(reader, "pullThroughNat", &mut c.pull_through_nat, boolean);
    section.finish(reader);
}
