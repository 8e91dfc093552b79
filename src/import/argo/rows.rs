//! Rows of one workflow.

use std::collections::BTreeMap;

use super::super::Options;
use super::super::draft::Draft;
use super::super::evidence::{PodKey, Span};
use super::super::lenient::{Wrong, time};
use super::graph::{self, Role, role};
use super::object::{Node, Workflow};
use super::requests::{requests, template};
use crate::trace::{Kind, SourcePlatform, State, WorkMethod, escape_id};
use crate::units::{Cpu, Time};

/// When the controller created a node, and when it had ended.
struct Times {
    started: Option<Time>,
    finished: Option<Time>,
}

/// Appends the rows of `workflow`; gives their number.
pub(super) fn add(workflow: &Workflow, draft: &mut Draft, options: &Options) -> Result<usize, Wrong> {
    let nodes = &workflow.status.nodes;
    let mut times = Vec::with_capacity(nodes.len());
    let mut last = Time::default();
    for (id, node) in nodes {
        let read = |name: &str, text: &str| {
            let time = time(text, options.read.timezone);
            time.map_err(|refusal| Wrong::refused(name, id, text, refusal))
        };
        let (started, finished) =
            (read("startedAt", &node.started_at)?, read("finishedAt", &node.finished_at)?);
        last = last.max(started.unwrap_or_default()).max(finished.unwrap_or_default());
        times.push(Times { started, finished });
    }
    let (steps, joins) = graph::steps(workflow);
    let first_row = draft.trace().rows();
    let run = workflow.metadata.run_id();
    let scheduled = workflow.metadata.annotations.get("workflows.argoproj.io/scheduled-time");
    let scheduled = scheduled.and_then(|text| time(text, options.read.timezone).ok().flatten());
    let (mut rows, mut unclear) = (0, 0);
    for ((id, node), times) in nodes.iter().zip(&times) {
        let Some(step) = steps.get(id.as_str()) else { continue };
        // A node without a time never began; what depends on it still finds it.
        let started = times.started.or(times.finished).unwrap_or(last);
        let row = draft.row(0, &step.task);
        rows += 1;
        draft.word(row, |t| &mut t.run_id, &run);
        let after: Vec<_> = step.after.iter().map(|id| escape_id(id)).collect();
        draft.word(row, |t| &mut t.depends_on, &after.join(";"));
        draft.word(row, |t| &mut t.workflow, workflow.metadata.workflow());
        draft.word(row, |t| &mut t.namespace, &workflow.metadata.namespace);
        draft.word(row, |t| &mut t.task_name, &graph::task_name(nodes, node));
        draft.word(row, |t| &mut t.source_node, &node.host_node_name);
        let trace = draft.trace();
        trace.submit_time.set(row, started);
        trace.attempt.set(row, step.attempt);
        if let Some(scheduled) = scheduled {
            trace.schedule_time.set(row, scheduled);
        }
        let state = state(node, times);
        trace.state.set(row, state);
        if node.host_node_name.starts_with("fargate-") {
            trace.source_platform.set(row, SourcePlatform::Fargate);
        }
        // What runs still, ran until the last thing that the object tells of.
        let end = times.finished.unwrap_or(last).max(started);
        match role(node) {
            Role::Virtual | Role::Skipped => {}
            kind @ (Role::Agent | Role::Suspend) => {
                trace.kind.set(row, if kind == Role::Agent { Kind::Control } else { Kind::Wait });
                trace.start_time.set(row, started);
                trace.end_time.set(row, end);
                trace.finish_observed_time.set(row, end);
                trace.work_method.set(row, WorkMethod::Measured);
            }
            Role::Pod => {
                unclear += usize::from(!pod(workflow, id, node, row, draft));
                if state != State::Pending {
                    span(workflow, id, node, row, (started, end), state, draft);
                }
            }
        }
    }
    if !joins.is_empty() {
        let mut of_task: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let ids = nodes.keys().filter_map(|id| steps.get(id.as_str()));
        for (row, step) in (first_row..).zip(ids) {
            of_task.entry(&step.task).or_default().push(row);
        }
        for join in &joins {
            let before: Vec<usize> = join.after.iter().flat_map(|task| &of_task[&**task]).copied().collect();
            super::super::joins::add(draft, &join.task, &before);
            rows += 1;
        }
    }
    if unclear > 0 {
        let pods = if unclear == 1 { "pod" } else { "pods" };
        draft.notes.push(format!(
            "{unclear} {pods} of workflow {} have requests that the object does not say in plain numbers: they are \
             left out",
            workflow.metadata.name()
        ));
    }
    Ok(rows)
}

fn state(node: &Node, times: &Times) -> State {
    match (role(node), &*node.phase) {
        (Role::Skipped, _) => State::Skipped,
        (_, "Pending" | "") if times.finished.is_none() => State::Pending,
        _ if times.started.is_none() && times.finished.is_none() => State::Pending,
        (_, "Failed" | "Error") if is_canceled(&node.message) => State::Canceled,
        (_, "Failed" | "Error") => State::Failed,
        _ if times.finished.is_none() => State::Running,
        _ => State::Succeeded,
    }
}

fn is_canceled(message: &str) -> bool {
    message.contains("shutdown with strategy") || message.contains("terminated")
}

/// Why a pod failed, from what the controller says of it.
fn exit_reason(node: &Node, state: State) -> &'static str {
    if state != State::Failed {
        return "";
    }
    let says = |what: &str| node.message.to_ascii_lowercase().contains(what);
    match () {
        () if says("oomkilled") => "OOMKilled",
        () if says("evicted") || says("low on resource") => "Evicted",
        () if says("deadline") => "DeadlineExceeded",
        () => "Error",
    }
}

/// What the pod asked for; false if the object does not say it in plain numbers.
fn pod(workflow: &Workflow, id: &str, node: &Node, row: usize, draft: &mut Draft) -> bool {
    let state = draft.trace().state.get(row).unwrap_or_default();
    draft.word(row, |t| &mut t.exit_reason, exit_reason(node, state));
    draft.word(row, |t| &mut t.pod_name, &pod_name(workflow, id, node));
    // A sum of requests, by the controller's own words indicative: not a measurement, so no column of usage.
    let duration = |name: &str| node.resources_duration.get(name).and_then(|text| text.parse::<u64>().ok());
    let mut labels = Vec::new();
    if let Some(seconds) = duration("cpu") {
        labels.push(format!("argo_cpu_seconds={seconds}"));
    }
    if let Some(units) = duration("memory") {
        labels.push(format!("argo_memory_mib_seconds={}", u128::from(units) * 100));
    }
    draft.word(row, |t| &mut t.labels, &labels.join(";"));
    let Some(template) = template(workflow, node) else { return true };
    let found = requests(workflow, node, template);
    draft.word(row, |t| &mut t.image, &found.image);
    let trace = draft.trace();
    if let Some(cpu) = found.cpu {
        trace.cpu_request.set(row, cpu);
    }
    if let Some(memory) = found.memory {
        trace.memory_request.set(row, memory);
    }
    if let Some(cpu) = found.cpu_limit.filter(|limit| *limit >= found.cpu.unwrap_or(Cpu::ZERO)) {
        trace.cpu_limit.set(row, cpu);
    }
    if let Some(memory) = found.memory_limit.filter(|limit| Some(*limit) >= found.memory) {
        trace.memory_limit.set(row, memory);
    }
    if let Some(storage) = found.ephemeral {
        trace.ephemeral_storage.set(row, storage);
    }
    if found.gpus > 0 {
        trace.gpu_request_milli.set(row, found.gpus * 1_000);
    }
    if let Ok(limit) = template.retry_strategy.limit.parse::<u32>()
        && limit <= 100
    {
        trace.retry_limit.set(row, limit);
    }
    !found.unclear
}

/// Since 3.4 pods are called after their template, too; before, as their node (`PodName` of `workflow/util`).
fn pod_name(workflow: &Workflow, id: &str, node: &Node) -> String {
    const LONGEST: usize = 253 - 10;
    let format = workflow.metadata.annotations.get("workflows.argoproj.io/pod-name-format");
    let name = workflow.metadata.name();
    if format.is_none_or(|format| &**format != "v2") || *name == *node.name {
        return id.to_owned();
    }
    let Some((_, hash)) = id.rsplit_once('-') else { return id.to_owned() };
    let template =
        if node.template_ref.template.is_empty() { &node.template_name } else { &node.template_ref.template };
    let is_inline = template.is_empty() || node.name.contains(".inline");
    let mut prefix = if is_inline { name.to_owned() } else { format!("{name}-{}", &**template) };
    prefix.truncate(prefix.floor_char_boundary(LONGEST));
    format!("{prefix}-{hash}")
}

fn span(
    workflow: &Workflow,
    id: &str,
    node: &Node,
    row: usize,
    (queued, observed): (Time, Time),
    state: State,
    draft: &mut Draft,
) {
    let name = pod_name(workflow, id, node);
    let trace = draft.trace();
    trace.pod_created_time.set(row, queued);
    // The controller takes the last container's own end (`getLatestFinishedAt`), not when it saw it.
    trace.end_time.set(row, observed);
    if state != State::Running {
        trace.finish_observed_time.set(row, observed);
    }
    let pod = PodKey::Name(trace.words.intern(&name));
    draft.spans.push(Span { row: row as u32, queued, observed, first_log: None, pod });
}
