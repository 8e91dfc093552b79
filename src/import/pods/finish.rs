//! When all files are read: what series of points say of a pod, made into numbers where nothing said it exactly.
//!
//! Usage and requests are of the whole pod, since the node and the bill carry sidecars too. Bounds of the work are of
//! the main container: agents start before it and end after it.

use std::collections::{BTreeMap, BTreeSet};

use super::points::Points;
use super::series::{Life, Part, Series, Statistic};
use super::{Level, Measure, PodSeen, Pods, Usage, main_names};
use crate::trace::{SourcePlatform, State, Word, Words};
use crate::units::{Cpu, Memory, Span, Time};

/// What the kubelet, container runtime and logging take of a Fargate pod's memory.
const FARGATE_OVERHEAD: Memory = Memory::from_mib(256);

/// Fewer points than this say nothing of usage: the first is taken while the container starts.
const FEWEST_POINTS: usize = 2;

/// How much was left open, for a line each.
#[derive(Default)]
struct Counts {
    conflicts: u64,
    short: u64,
    provisioned: u64,
    impossible_uptimes: u64,
    running: u64,
    restarted: u64,
}

impl Pods {
    /// Settles every pod; what the user should know of it, a line each.
    pub fn finish(&mut self) -> Vec<String> {
        let ambiguous = self.merge_without_namespace();
        self.seen.values_mut().for_each(PodSeen::settle_snapshots);
        self.merge_without_uid();
        let mut counts = Counts::default();
        for pod in self.seen.values_mut() {
            counts.conflicts += order(&mut pod.series);
        }
        let steps = self.seen.values().flat_map(|pod| pod.series.containers.values());
        self.step = self.step.or(steps.filter_map(|life| life.step).min());
        for ((_, name, uid), pod) in &mut self.seen {
            pod.uid.clone_from(uid);
            // Its own object says that it runs, and objects are all exported at once; else the series that says so ends.
            let by_object = pod.state == Some(State::Running);
            let seen = if by_object { self.latest } else { pod.series.state.map(|(time, _)| time) };
            settle(pod, name, &self.words, self.step, &mut counts);
            if pod.state == Some(State::Running) && pod.started.is_some() && pod.ended.is_none() {
                pod.ended = pod.last_point.max(seen).filter(|latest| Some(*latest) >= pod.started);
                counts.running += u64::from(pod.ended.is_some());
            }
            counts.restarted += u64::from(pod.restarts > 0);
        }
        let mut notes: Vec<String> = std::mem::take(&mut self.notes).into_iter().collect();
        self.tell(&counts, ambiguous, &mut notes);
        notes
    }

    /// Pods of which some files say the namespace and some do not are one. Gives how many names are in several
    /// namespaces, so that they stay on their own.
    fn merge_without_namespace(&mut self) -> u64 {
        let named = self.seen.split_off(&("\0".to_owned(), String::new(), String::new()));
        let without = std::mem::replace(&mut self.seen, named);
        let mut namespaces: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        if !without.is_empty() {
            for (namespace, name, _) in self.seen.keys() {
                namespaces.entry(name).or_default().insert(namespace);
            }
        }
        let mut ambiguous = 0;
        let mut targets = Vec::new();
        for (_, name, _) in without.keys() {
            let target = namespaces.get(name.as_str());
            ambiguous += u64::from(target.is_some_and(|target| target.len() > 1));
            let one = target.filter(|target| target.len() == 1).and_then(BTreeSet::first);
            targets.push(one.copied().unwrap_or_default().to_owned());
        }
        for (((_, name, uid), pod), namespace) in without.into_iter().zip(targets) {
            let key = (namespace, name, uid);
            match self.seen.get_mut(&key) {
                Some(known) => known.merge(pod),
                None => drop(self.seen.insert(key, pod)),
            }
        }
        ambiguous
    }

    fn tell(&self, counts: &Counts, ambiguous: u64, notes: &mut Vec<String>) {
        if !self.unknown_metrics.is_empty() {
            let names: Vec<String> = self
                .unknown_metrics
                .iter()
                .take(10)
                .map(|(name, count)| format!("{name} ({count})"))
                .collect();
            let more = if self.unknown_metrics.len() > 10 { ", …" } else { "" };
            notes.push(format!(
                "series of metrics that are not used are left out: {}{more}",
                names.join(", ")
            ));
        }
        let (coarse, widest) = self.coarse;
        let coarse_tail = format!(
            "up to {} s apart: pods that are shorter have one point or none; export windows of at most 4 hours, or with \
             .rollup(…, 60)",
            widest.ms() / 1_000
        );
        // How many, what one and several of them are called, and what is said of them.
        let told: [(u64, &str, &str, &str); 9] = [
            (
                counts.conflicts,
                "point is",
                "points are",
                "in several files with different values: the file that was read last is believed",
            ),
            (
                self.unusable_points,
                "point is",
                "points are",
                "negative or not finite: they are taken for gaps",
            ),
            (coarse, "series has points", "series have points", &coarse_tail),
            (
                counts.short,
                "pod has",
                "pods have",
                "fewer than two points of usage: it is unknown there, not zero",
            ),
            (
                counts.provisioned,
                "pod has",
                "pods have",
                "no request in any file: what Fargate gave them is taken, less 256 MiB that it keeps itself",
            ),
            (
                counts.impossible_uptimes,
                "pod has",
                "pods have",
                "an uptime from before the pod was there, and it is not used: was it summed over containers?",
            ),
            (
                counts.running,
                "pod was",
                "pods were",
                "still running: what ran until the last time in the files is counted",
            ),
            (
                counts.restarted,
                "pod had containers",
                "pods had containers",
                "started again in place: their work is all from the first known start to the last end, since they kept \
                 their room meanwhile",
            ),
            (
                ambiguous,
                "pod is",
                "pods are",
                "without a namespace and in several of them: export with the namespace",
            ),
        ];
        for (number, one, many, what) in told.into_iter().filter(|(number, ..)| *number > 0) {
            notes.push(format!("{number} {} {what}", if number == 1 { one } else { many }));
        }
    }
}

/// Brings points into order; gives how many files disagreed on. Tables do not say how far apart points are.
fn order(series: &mut Series) -> u64 {
    let mut conflicts = 0;
    let mut steps: BTreeMap<Word, Span> = BTreeMap::new();
    for ((_, (container, _)), points) in &mut series.usage {
        let settled = points.settle();
        if let Some(step) = settled.windows(2).map(|pair| Span::from_ms(pair[1].0 - pair[0].0)).min() {
            let known = steps.entry(*container).or_insert(step);
            *known = (*known).min(step);
        }
        conflicts += points.conflicts;
    }
    for (container, step) in steps {
        let life = series.containers.entry(container).or_default();
        life.step = life.step.or(Some(step));
    }
    conflicts
}

fn settle(pod: &mut PodSeen, name: &str, words: &Words, step: Option<Span>, counts: &mut Counts) {
    let mut series = std::mem::take(&mut pod.series);
    let main = main_containers(&series, name, words);
    pod.created = pod.created.or(series.created);
    pod.scheduled = pod.scheduled.or(series.event_scheduled).or(series.acknowledged);
    if !series.pulls.is_empty() {
        // The kubelet pulls the images of a pod one after the other.
        pod.image_pull = pod.image_pull.or(Some(series.pulls.values().copied().sum()));
    }
    pod.scheduled =
        pod.scheduled.or(series.scheduled.max(pod.created.filter(|_| series.scheduled.is_some())));
    bounds(pod, &series, &main, step, counts);
    levels(pod, &series.levels);
    outcome(pod, &mut series, &main);
    usage(pod, &mut series, counts);
    if pod.cpu_request.is_none()
        && pod.memory_request.is_none()
        && let Some((cpu, memory)) = pod.provisioned
    {
        pod.cpu_request = Some(cpu);
        pod.memory_request = Some(memory - FARGATE_OVERHEAD).filter(|memory| memory.bytes() > 0);
        counts.provisioned += 1;
    }
    pod.platform = pod.platform.or(pod.node.as_deref().and_then(platform_of));
}

/// Nodes of EKS are named after what they are.
fn platform_of(node: &str) -> Option<SourcePlatform> {
    if node.starts_with("fargate-") {
        Some(SourcePlatform::Fargate)
    } else if node.ends_with(".compute.internal") || node.ends_with(".ec2.internal") {
        Some(SourcePlatform::Ec2)
    } else {
        None
    }
}

/// The containers that the pod is for; none if containers are not told apart.
fn main_containers(series: &Series, pod: &str, words: &Words) -> BTreeSet<Word> {
    let parts = series.usage.keys().map(|key| key.1.0).chain(series.levels.keys().map(|key| key.2.0));
    let named: BTreeSet<Word> =
        series.containers.keys().copied().chain(parts).filter(|word| !word.is_empty()).collect();
    let names: Vec<&str> = named.iter().map(|word| words.get(*word)).collect();
    main_names(&names, pod).into_iter().filter_map(|name| words.find(name)).collect()
}

/// When the main container was seen, and when it started.
fn bounds(
    pod: &mut PodSeen,
    series: &Series,
    main: &BTreeSet<Word>,
    step: Option<Span>,
    counts: &mut Counts,
) {
    let of_main = || series.containers.iter().filter(|(name, _)| main.contains(name)).map(|(_, life)| life);
    let seen = of_main().any(|life| life.first.is_some());
    let lives: Vec<&Life> = if seen { of_main().collect() } else { series.containers.values().collect() };
    pod.first_point = lives.iter().filter_map(|life| life.first).min();
    pod.last_point = lives.iter().filter_map(|life| life.last).max();
    if pod.first_point.is_some() {
        pod.step = lives.iter().filter_map(|life| life.step).min().or(step);
    }
    if pod.started.is_some() {
        return;
    }
    // A start of which no container is said is that of the pod's work.
    let starts = || {
        let of_work = series.containers.iter().filter(|(name, _)| name.is_empty() || main.contains(name));
        of_work.filter_map(|(_, life)| life.started)
    };
    pod.started = starts().min().or(series.event_started);
    if pod.restarts > 0 {
        // Series tell of the last run's start, and have seen earlier ones.
        pod.started =
            [pod.started, pod.first_point.filter(|_| pod.started.is_some())].into_iter().flatten().min();
    }
    if pod.started.is_none() {
        let begun = lives.iter().filter_map(|life| life.uptime).map(|(time, uptime)| time - uptime).min();
        let slack = pod.step.unwrap_or(Span::ZERO);
        let earliest = pod.scheduled.or(pod.created).map_or(Time::from_ms(0), |time| time - slack);
        counts.impossible_uptimes += u64::from(begun.is_some_and(|time| time < earliest));
        pod.started = begun.filter(|time| *time >= earliest);
    }
}

/// Requests and limits of the whole pod, as Kubernetes adds them up: the larger of what containers ask for together
/// and of what any init container asks for, and the overhead of the runtime class.
fn levels(pod: &mut PodSeen, levels: &BTreeMap<(Level, u8, Part), (Time, f64)>) {
    let sum = |level| total(levels, level, |sum, value| sum + value);
    let request = |level, init, overhead| -> Option<f64> {
        let containers: Option<f64> = sum(level);
        let inits = total(levels, init, f64::max);
        let larger = containers.into_iter().chain(inits).max_by(f64::total_cmp)?;
        Some(larger + sum(overhead).unwrap_or(0.0))
    };
    let cpu = |milli: Option<f64>| milli.map(|milli| Cpu::from_milli(whole(milli)));
    let memory = |bytes: Option<f64>| bytes.map(|bytes| Memory::from_bytes(whole(bytes)));
    let known = cpu(request(Level::CpuRequest, Level::InitCpuRequest, Level::CpuOverhead));
    pod.cpu_request = pod.cpu_request.or(known);
    let known = memory(request(Level::MemoryRequest, Level::InitMemoryRequest, Level::MemoryOverhead));
    pod.memory_request = pod.memory_request.or(known);
    pod.cpu_limit = pod.cpu_limit.or(cpu(sum(Level::CpuLimit)));
    pod.memory_limit = pod.memory_limit.or(memory(sum(Level::MemoryLimit)));
    pod.ephemeral_storage = pod.ephemeral_storage.or(memory(sum(Level::EphemeralRequest)));
    if let (Some(cpu), Some(memory)) = (cpu(sum(Level::CpuCapacity)), memory(sum(Level::MemoryCapacity))) {
        pod.provisioned.get_or_insert((cpu, memory));
    }
}

/// Of the best source that says anything. A container counts once, however many series tell of it; where containers
/// are not told apart, the series are parts of the pod and are added up.
fn total(
    levels: &BTreeMap<(Level, u8, Part), (Time, f64)>,
    level: Level,
    join: fn(f64, f64) -> f64,
) -> Option<f64> {
    let all = || levels.iter().filter(|(key, _)| key.0 == level);
    let rank = all().map(|(key, _)| key.1).min()?;
    let mut containers: BTreeMap<Word, f64> = BTreeMap::new();
    for ((_, _, (container, _)), (_, value)) in all().filter(|(key, _)| key.1 == rank) {
        let known = containers.entry(*container).or_default();
        *known = if container.is_empty() { *known + value } else { known.max(*value) };
    }
    if containers.len() > 1 {
        containers.remove(&Word::EMPTY);
    }
    containers.into_values().reduce(join)
}

/// Metrics write 0.1 cores as 100.00000000000001 millicores.
fn whole(value: f64) -> i64 {
    let nearest = value.round();
    if (value - nearest).abs() < 1e-6 * value.abs().max(1.0) { nearest as i64 } else { value.ceil() as i64 }
}

fn outcome(pod: &mut PodSeen, series: &mut Series, main: &BTreeSet<Word>) {
    let of_main = |name: &Word| main.is_empty() || main.contains(name) || name.is_empty();
    let told = series.containers.iter_mut().filter(|(name, _)| of_main(name));
    let reason = told.filter_map(|(_, life)| life.reason.take()).max().or(series.reason.take());
    let mut image = series.containers.iter_mut().filter(|(name, _)| of_main(name));
    pod.image = pod.image.take().or(image.find_map(|(_, life)| life.image.take()));
    let reason = reason.map(|(_, reason)| reason);
    let by_reason = match reason.as_deref() {
        None => None,
        Some("Completed") => Some(State::Succeeded),
        Some(_) => Some(State::Failed),
    };
    let state = series.state.map(|(_, state)| state);
    pod.state = pod.state.or(match (by_reason, state) {
        // A phase of an earlier time: the container has ended since.
        (Some(ended), None | Some(State::Running | State::Pending)) => Some(ended),
        (_, state) => state,
    });
    if pod.exit_reason.is_none() {
        pod.exit_reason = reason.filter(|reason| reason != "Completed");
    }
}

fn usage(pod: &mut PodSeen, series: &mut Series, counts: &mut Counts) {
    let window = pod.first_point.zip(pod.last_point);
    let kept = std::mem::take(&mut series.usage);
    let mut cpu: Vec<(Measure, Part, Points)> = Vec::new();
    let mut memory = Vec::new();
    let mut cpu_seconds = None;
    for ((measure, part), points) in kept {
        let is_cpu = matches!(measure, Measure::Cpu(_) | Measure::CpuCounter);
        if is_cpu { cpu.push((measure, part, points)) } else { memory.push((measure, part, points)) }
    }
    let counters: Vec<_> = cpu.iter().filter(|(measure, ..)| *measure == Measure::CpuCounter).collect();
    let named = counters.iter().any(|(_, part, _)| !part.0.is_empty());
    for (_, part, points) in counters {
        if !named || !part.0.is_empty() {
            *cpu_seconds.get_or_insert(0.0) += counted(points.settled());
        }
    }
    pod.cpu = sums(cpu, pod.step, window);
    pod.memory = sums(memory, pod.step, window);
    let mut short = false;
    for values in [&mut pod.cpu, &mut pod.memory] {
        if (1..FEWEST_POINTS).contains(&values.len()) {
            values.clear();
            short = true;
        }
    }
    counts.short +=
        u64::from(short || pod.first_point.is_some_and(|_| pod.cpu.is_empty() && pod.memory.is_empty()));
    let measured = Usage { cpu_seconds, ..Usage::of(&pod.cpu, &pod.memory) };
    pod.usage = measured.or(scalars(&series.scalars));
}

/// What a counter of seconds counted in all: each run of the container counts from nothing.
fn counted(points: &[(i64, f64)]) -> f64 {
    let ends = points.windows(2).filter(|pair| pair[1].1 < pair[0].1).map(|pair| pair[0].1);
    ends.sum::<f64>() + points.last().map_or(0.0, |last| last.1)
}

/// Millicores between two points of a counter, at the second. After a reset it counted from nothing.
fn rates(points: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let rate = |pair: &[(i64, f64)]| {
        let [(from, before), (to, after)] = [pair[0], pair[1]];
        let seconds = (to - from) as f64 / 1_000.0;
        (to, if after >= before { after - before } else { after } / seconds * 1_000.0)
    };
    points.windows(2).map(rate).collect()
}

/// The sum over the parts of a pod at each time within the life of its main container, of the best measure there is.
fn sums(series: Vec<(Measure, Part, Points)>, step: Option<Span>, window: Option<(Time, Time)>) -> Vec<f64> {
    let Some(best) = series.iter().map(|(measure, ..)| *measure).min() else { return Vec::new() };
    let mut parts: Vec<(Part, Vec<(i64, f64)>)> = series
        .into_iter()
        .filter(|(measure, ..)| *measure == best)
        .map(|(_, part, points)| {
            let points = points.into_settled();
            (part, if best == Measure::CpuCounter { rates(&points) } else { points })
        })
        .collect();
    // Of a pod that is told of both as a whole and by container, the whole is the sum already.
    if parts.iter().any(|(part, _)| !part.0.is_empty()) {
        parts.retain(|(part, _)| !part.0.is_empty());
    }
    if let [(_, only)] = &parts[..] {
        return only.iter().map(|point| point.1).collect();
    }
    // Containers may be measured at different moments of a step.
    let step = step.map_or(1, |step| step.ms().max(1));
    let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
    for (_, points) in parts {
        for in_step in points.chunk_by(|a, b| a.0 / step == b.0 / step) {
            let mean = in_step.iter().map(|point| point.1).sum::<f64>() / in_step.len() as f64;
            *sums.entry(in_step[0].0 / step).or_default() += mean;
        }
    }
    let within =
        |at: i64| window.is_none_or(|(first, last)| (first.ms() / step..=last.ms() / step).contains(&at));
    sums.into_iter().filter(|(at, _)| within(*at)).map(|(_, sum)| sum).collect()
}

/// Answers that are one number for each pod or container.
fn scalars(scalars: &BTreeMap<(Measure, Statistic, Part), f64>) -> Usage {
    let sum = |is_cpu: bool, statistic: Statistic| {
        let of = |measure: &Measure| matches!(measure, Measure::Cpu(_)) == is_cpu;
        let all = || scalars.iter().filter(|(key, _)| of(&key.0) && key.1 == statistic);
        let best = all().map(|(key, _)| key.0).min()?;
        let named = all().any(|(key, _)| key.0 == best && !key.2.0.is_empty());
        let parts = all().filter(|(key, _)| key.0 == best && !(named && key.2.0.is_empty()));
        Some(parts.map(|(_, value)| value).sum::<f64>())
    };
    Usage {
        cpu_avg: sum(true, Statistic::Average),
        cpu_max: sum(true, Statistic::Maximum),
        memory_avg: sum(false, Statistic::Average),
        memory_max: sum(false, Statistic::Maximum),
        ..Usage::default()
    }
}
