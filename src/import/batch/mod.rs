//! AWS Batch: what `describe-jobs` and `list-jobs` answer, one page or many.
//!
//! Every attempt of a job is a row. `startedAt` is when the container ran, after its image was pulled, so
//! `stoppedAt - startedAt` is work as it was measured. The parent of an array is no job of its own: its children are, what
//! depends on the parent depends on all of them, and they wait for what the parent waits for. A multi-node parallel job
//! is a row for each of its nodes, which are called `JOB#0`, `JOB#1` and so on, as AWS Batch does.

mod edges;
mod object;

use std::collections::BTreeMap;

use super::draft::Draft;
use super::lenient::{Item, Keys, Scalar, Wrong, records};
use super::{Format, Options, Shape};
use crate::error::Result;
use crate::trace::open::Text;
use crate::trace::{OwnerKind, SourcePlatform, State, WorkMethod};
use crate::units::{Cpu, Memory, Time, parse_cpu, parse_memory};
pub(super) use edges::finish;
use object::{Attempt, EksContainer, Job};

/// More nodes than a multi-node parallel job has.
const MOST_NODES: i64 = 10_000;

/// 2201-01-01 in epoch milliseconds.
const TOO_LATE: i64 = 7_289_654_400_000;

const KEYS: Keys = Keys { lists: &["jobs", "jobSummaryList"], scalars: &[] };

/// Jobs of all files, until what depends on what is known.
#[derive(Debug, Default)]
pub(super) struct Estate {
    /// First row of each job, by its id.
    rows: BTreeMap<String, u32>,
    /// Ids of the children of each array, and of the nodes of each multi-node job, by index.
    children: BTreeMap<String, BTreeMap<i64, String>>,
    /// What jobs wait for: (row, its index in an array, id, type).
    waits: Vec<(u32, Option<i64>, String, String)>,
    /// What the parents of arrays wait for, by their id: (id, type).
    parents: BTreeMap<String, Vec<(String, String)>>,
    /// Jobs of several nodes, and the files they are in: nodes that are listed themselves are known better.
    multi_node: Vec<(u32, Job)>,
    /// Rows that still ran, to be ended where the answers end.
    running: Vec<u32>,
    last: Time,
}

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    let document = shape.document().ok_or("is no JSON")?;
    let lists = ["jobs[].jobId", "jobSummaryList[].jobId", "[].jobId", "[].jobs[].jobId"];
    if lists.iter().any(|path| document.has(path)) {
        Ok(())
    } else {
        Err("has no jobs with a jobId".to_owned())
    }
}

pub(super) fn read(text: Text, draft: &mut Draft, _: &Options) -> Result<()> {
    records(text, KEYS, &mut |item| match item {
        Item::Record(_, job) => add(&job, draft),
        Item::Scalar(..) => Ok(()),
    })
}

fn instant(job: &Job, name: &str, ms: Option<i64>) -> std::result::Result<Option<Time>, Wrong> {
    match ms {
        None | Some(0) => Ok(None),
        Some(ms) if (100_000_000_000..TOO_LATE).contains(&ms) => Ok(Some(Time::from_ms(ms))),
        Some(ms) => Err(Wrong::new(format!("{name} {ms} of job {} is out of range", &*job.job_id))
            .hint("AWS Batch counts milliseconds since 1970")),
    }
}

fn add(job: &Job, draft: &mut Draft) -> std::result::Result<(), Wrong> {
    if job.job_id.is_empty() {
        return Err(Wrong::new("a job has no jobId"));
    }
    if draft.batch.rows.contains_key(&*job.job_id) {
        draft.drop(Format::AwsBatch, "given a second time");
        return Ok(());
    }
    if job.array_properties.size.is_some() && job.array_properties.index.is_none() {
        // Known as a parent, even before its children are.
        draft.batch.children.entry(job.job_id.0.clone()).or_default();
        let waits = job.depends_on.iter().map(|on| (on.job_id.0.clone(), on.kind.0.clone())).collect();
        draft.batch.parents.insert(job.job_id.0.clone(), waits);
        return Ok(());
    }
    if let Some(nodes) = job.node_properties.num_nodes
        && !job.job_id.contains('#')
    {
        if !(1..=MOST_NODES).contains(&nodes) {
            let message = format!("numNodes {nodes} of job {} is out of range", &*job.job_id);
            return Err(Wrong::new(message));
        }
        checked(job)?;
        draft.batch.children.entry(job.job_id.0.clone()).or_default();
        draft.batch.multi_node.push((draft.file, job.clone()));
        return Ok(());
    }
    let (created, attempts) = checked(job)?;
    rows(job, created, attempts, draft);
    Ok(())
}

/// When the job was created, and its attempts.
fn checked(job: &Job) -> std::result::Result<(Time, Vec<Tried<'_>>), Wrong> {
    let Some(created) = instant(job, "createdAt", job.created_at)? else {
        return Err(Wrong::new(format!("job {} has no createdAt", &*job.job_id)));
    };
    Ok((created, attempts(job)?))
}

/// Rows of the nodes that no file lists: as long as the job, with what their range asks for.
fn nodes(draft: &mut Draft) {
    let (mut jobs, mut made) = (0_u64, 0_u64);
    let last_file = draft.file;
    for (file, job) in std::mem::take(&mut draft.batch.multi_node) {
        draft.file = file;
        let before = made;
        for number in 0..job.node_properties.num_nodes.unwrap_or_default() {
            let id = format!("{}#{number}", &*job.job_id);
            if draft.batch.rows.contains_key(&id) {
                continue;
            }
            let node = Job { job_id: Scalar(id), ..job.clone() };
            if let Ok((created, attempts)) = checked(&node) {
                rows(&node, created, attempts, draft);
                made += 1;
            }
        }
        jobs += u64::from(made > before);
    }
    draft.file = last_file;
    if jobs > 0 {
        let what = if jobs == 1 { "multi-node job" } else { "multi-node jobs" };
        draft.notes.push(format!(
            "{jobs} {what} of AWS Batch: {made} nodes are each taken to have run as long as their job (list-jobs \
             --multi-node-job-id has the nodes themselves), and do not wait for one another to start"
        ));
    }
}

fn rows(job: &Job, created: Time, attempts: Vec<Tried<'_>>, draft: &mut Draft) {
    let first = draft.trace().rows() as u32;
    let count = attempts.len();
    let mut eligible = created;
    for (number, (attempt, start, stop)) in (1..).zip(attempts) {
        let is_last = number as usize == count;
        let row = row(job, attempt, number, (eligible, start, stop), is_last, draft);
        draft.batch.last =
            draft.batch.last.max(eligible).max(start.unwrap_or_default()).max(stop.unwrap_or_default());
        if let Some(stop) = stop {
            eligible = stop;
        }
        if draft.trace().state.get(row) == Some(State::Running) {
            draft.batch.running.push(row as u32);
        }
    }
    draft.batch.rows.insert(job.job_id.0.clone(), first);
    if let Some((parent, number)) = job.job_id.rsplit_once('#')
        && let Ok(number) = number.parse()
    {
        draft.batch.children.entry(parent.to_owned()).or_default().insert(number, job.job_id.0.clone());
    }
    let index = job.array_properties.index;
    if let (Some(index), Some((parent, _))) = (index, job.job_id.rsplit_once(':')) {
        draft.batch.children.entry(parent.to_owned()).or_default().insert(index, job.job_id.0.clone());
    }
    for dependency in &job.depends_on {
        let (id, kind) = (dependency.job_id.0.clone(), dependency.kind.0.clone());
        draft.batch.waits.push((first, index, id, kind));
    }
}

type Tried<'j> = (Option<&'j Attempt>, Option<Time>, Option<Time>);

/// The attempts with their times, at least one. One that is running is told of by the job alone.
fn attempts(job: &Job) -> std::result::Result<Vec<Tried<'_>>, Wrong> {
    let told = if job.eks_attempts.is_empty() { &job.attempts } else { &job.eks_attempts };
    let mut all = Vec::new();
    for attempt in told {
        let start = instant(job, "startedAt", attempt.started_at)?;
        let stop = instant(job, "stoppedAt", attempt.stopped_at)?;
        if start.zip(stop).is_some_and(|(start, stop)| stop < start) {
            return Err(Wrong::new(format!("job {} stopped before it started", &*job.job_id)));
        }
        // Attempts that never ran (their image could not be pulled, say) have no times.
        all.push((Some(attempt), start, stop));
    }
    all.sort_by_key(|(_, start, stop)| start.or(*stop));
    let start = instant(job, "startedAt", job.started_at)?;
    let stop = instant(job, "stoppedAt", job.stopped_at)?;
    let is_new = all.last().is_none_or(|(_, last, _)| start.is_some() && *last < start);
    let is_open = !matches!(&*job.status, "SUCCEEDED" | "FAILED");
    if all.is_empty() || (is_open && is_new) {
        if start.zip(stop).is_some_and(|(start, stop)| stop < start) {
            return Err(Wrong::new(format!("job {} stopped before it started", &*job.job_id)));
        }
        all.push((None, start, stop));
    }
    Ok(all)
}

fn row(
    job: &Job,
    attempt: Option<&Attempt>,
    number: u32,
    (eligible, start, stop): (Time, Option<Time>, Option<Time>),
    is_last: bool,
    draft: &mut Draft,
) -> usize {
    let row = draft.row(0, &job.job_id);
    let none = Attempt::default();
    let attempt = attempt.unwrap_or(&none);
    let reason = reason(job, attempt, is_last);
    let state = match (&*job.status, start, stop) {
        (_, Some(_), None) => State::Running,
        ("FAILED", None, _) => State::Skipped,
        (_, None, _) => State::Pending,
        ("SUCCEEDED", ..) if is_last => State::Succeeded,
        ("FAILED", ..) if is_last && is_canceled(&job.status_reason) => State::Canceled,
        _ => State::Failed,
    };
    let capable = |name: &str| job.platform_capabilities.iter().any(|known| **known == *name);
    let is_eks = !job.eks_attempts.is_empty() || !job.eks_properties.pod_properties.containers.is_empty();
    let trace = draft.trace();
    trace.submit_time.set(row, eligible);
    trace.attempt.set(row, number);
    trace.state.set(row, state);
    if let Some(start) = start {
        trace.start_time.set(row, start);
        trace.work_method.set(row, WorkMethod::Measured);
    }
    if let Some(stop) = stop.filter(|_| start.is_some()) {
        trace.end_time.set(row, stop);
        trace.finish_observed_time.set(row, stop);
    }
    let fargate = capable("FARGATE") || job.container.fargate_platform_configuration.is_some();
    if fargate {
        trace.source_platform.set(row, SourcePlatform::Fargate);
    } else if is_eks || capable("EC2") || reason == Some("SpotInterruption") {
        let spot = reason == Some("SpotInterruption");
        trace.source_platform.set(row, if spot { SourcePlatform::Spot } else { SourcePlatform::Ec2 });
    }
    trace.owner_kind.set(row, OwnerKind::None);
    if let Some(attempts) = job.retry_strategy.attempts.filter(|n| (1..=10).contains(n)) {
        trace.retry_limit.set(row, attempts - 1);
    }
    let image = requests(job, row, draft);
    draft.word(row, |t| &mut t.image, &image);
    draft.word(row, |t| &mut t.exit_reason, reason.unwrap_or_default());
    draft.word(row, |t| &mut t.task_name, &job.job_name);
    let queue = job.job_queue.rsplit('/').next().unwrap_or_default().to_owned();
    draft.word(row, |t| &mut t.project, &queue);
    let definition = job.job_definition.rsplit('/').next().unwrap_or_default();
    let workflow = definition.split(':').next().unwrap_or_default().to_owned();
    draft.word(row, |t| &mut t.workflow, &workflow);
    let or =
        |first: &Scalar, second: &Scalar| if first.is_empty() { second.0.clone() } else { first.0.clone() };
    let pod = &job.eks_properties.pod_properties;
    draft.word(row, |t| &mut t.pod_name, &or(&attempt.pod_name, &pod.pod_name));
    draft.word(row, |t| &mut t.source_node, &or(&attempt.node_name, &pod.node_name));
    draft.word(row, |t| &mut t.namespace, &attempt.pod_namespace);
    row
}

fn is_canceled(reason: &str) -> bool {
    let lower = reason.to_ascii_lowercase();
    lower.contains("terminated by user") || lower.contains("cancel") || lower.starts_with("user ")
}

/// Why an attempt failed, from what Batch says of it and of its container.
fn reason(job: &Job, attempt: &Attempt, is_last: bool) -> Option<&'static str> {
    if is_last && job.status.0 == "SUCCEEDED" {
        return None;
    }
    let ended = attempt.containers.iter().chain([&attempt.container]);
    let exit = ended.clone().any(|container| container.exit_code.is_some_and(|code| code != 0));
    let mut texts: Vec<&str> = ended.map(|container| &*container.reason).collect();
    texts.push(&attempt.status_reason);
    if is_last {
        texts.extend([&*job.status_reason, &*job.container.reason]);
    }
    let says = |what: &str| texts.iter().any(|text| text.contains(what));
    if says("Host EC2") && says("terminated") {
        return Some("SpotInterruption");
    }
    if says("OutOfMemory") || says("OOMKilled") {
        return Some("OOMKilled");
    }
    if says("timeout") || says("DeadlineExceeded") {
        return Some("DeadlineExceeded");
    }
    (exit || job.status.0 == "FAILED" || !is_last).then_some("Error")
}

/// Sets requests from `resourceRequirements`, the older fields or the pod; gives the image. What cannot be read is left
/// to the defaults.
fn requests(job: &Job, row: usize, draft: &mut Draft) -> String {
    let (mut cpu, mut memory, mut gpu) = (None, None, None);
    let node = job.job_id.rsplit_once('#').and_then(|(_, number)| number.parse().ok());
    let range = node.and_then(|node| job.node_properties.range(node));
    // What a node says itself comes last, and wins.
    let ranges = range.map(|range| &range.container).into_iter();
    let container = &job.container;
    let said = ranges.chain([container]).flat_map(|container| {
        let old = [("VCPU", &container.vcpus), ("MEMORY", &container.memory)];
        old.into_iter().chain(container.resource_requirements.iter().map(|r| (&*r.kind, &r.value)))
    });
    for (kind, value) in said.filter(|(_, value)| !value.is_empty()) {
        match kind {
            "VCPU" => cpu = parse_cpu(value).ok(),
            "MEMORY" => {
                memory = value.parse().ok().filter(|mib| (0..1 << 40).contains(mib)).map(Memory::from_mib);
            }
            "GPU" => gpu = value.parse::<i64>().ok().filter(|n| (1..1_000).contains(n)),
            _ => {}
        }
    }
    let image = range.map(|range| &range.container.image).filter(|_| container.image.is_empty());
    let mut image = image.unwrap_or(&container.image).0.clone();
    let mut containers = &job.eks_properties.pod_properties.containers;
    if let Some(range) = range.filter(|_| containers.is_empty()) {
        containers = &range.eks_properties.pod_properties.containers;
    }
    if let Some(first) = containers.first() {
        image.clone_from(&first.image.0);
        let of = |container: &EksContainer, name: &str| {
            let resources = &container.resources;
            let found = resources.requests.get(name).or_else(|| resources.limits.get(name));
            found.map(|quantity| quantity.0.clone())
        };
        let cpus = containers.iter().filter_map(|c| parse_cpu(&of(c, "cpu")?).ok());
        let memories = containers.iter().filter_map(|c| parse_memory(&of(c, "memory")?).ok());
        let gpus = containers.iter().filter_map(|c| of(c, "nvidia.com/gpu")?.parse::<i64>().ok());
        cpu = cpus.reduce(|a, b| Cpu::from_milli(a.milli().saturating_add(b.milli())));
        memory = memories.reduce(|a, b| Memory::from_bytes(a.bytes().saturating_add(b.bytes())));
        gpu = gpus.reduce(i64::saturating_add).map(|n| n.clamp(0, 1_000));
    }
    let trace = draft.trace();
    if let Some(cpu) = cpu.filter(|cpu| *cpu > Cpu::ZERO) {
        trace.cpu_request.set(row, cpu);
    }
    if let Some(memory) = memory.filter(|memory| *memory > Memory::ZERO) {
        trace.memory_request.set(row, memory);
    }
    if let Some(gpu) = gpu.filter(|gpu| *gpu > 0) {
        trace.gpu_request_milli.set(row, gpu * 1_000);
    }
    image
}
