//! Pods as rows of a trace, each on its own: what is left to do where no orchestrator tells of tasks.

use super::PodSeen;
use crate::import::Options;
use crate::import::draft::Draft;
use crate::trace::{Column, Kind, State, Trace, Word, WorkMethod};
use crate::units::{Span, Time};

/// A column of texts.
type Words = fn(&mut Trace) -> &mut Column<Word>;

/// Appends a row for every pod of which its work is known, or that it never ran.
pub(in crate::import) fn write(draft: &mut Draft, options: &Options) {
    let mut unknown = 0u64;
    for ((namespace, name), pod) in std::mem::take(&mut draft.pods.seen) {
        let Some(submit) = pod.created.or(pod.scheduled).or(pod.started).or(pod.first_point) else {
            unknown += 1;
            continue;
        };
        let Some(row) = row(draft, &name, &pod, submit) else {
            unknown += 1;
            continue;
        };
        draft.word(row, |t| &mut t.namespace, &namespace);
        draft.word(row, |t| &mut t.pod_name, &name);
        let texts: [(Words, &Option<String>); 7] = [
            (|t| &mut t.exit_reason, &pod.exit_reason),
            (|t| &mut t.image, &pod.image),
            (|t| &mut t.source_node, &pod.node),
            (|t| &mut t.source_instance_type, &pod.instance_type),
            (|t| &mut t.node_selector, &pod.node_selector),
            (|t| &mut t.tolerations, &pod.tolerations),
            (|t| &mut t.task_name, &pod.owner_name),
        ];
        for (column, text) in texts {
            draft.word(row, column, text.as_deref().unwrap_or_default());
        }
        columns(draft.trace(), row, pod, options);
    }
    if unknown > 0 {
        draft.notes.push(format!("pods of which no file says when they ran: {unknown}, left out"));
    }
}

/// The row with its times and its work; none if nothing says how long it worked.
fn row(draft: &mut Draft, name: &str, pod: &PodSeen, submit: Time) -> Option<usize> {
    let half = |step: Option<Span>| Span::from_ms(step.map_or(0, |step| step.ms() / 2));
    // From n points at a distance of g, the work is between (n - 1) g and (n + 1) g.
    let start = pod.started.or(pod.first_point.map(|first| {
        Time::from_ms((first - half(pod.step)).ms().max(pod.scheduled.unwrap_or(submit).ms()).min(first.ms()))
    }));
    let end = pod.ended.or(pod.last_point.map(|last| last + half(pod.step)));
    let never = pod.state == Some(State::Pending) || pod.state == Some(State::Skipped);
    if !never && (start.is_none() || end.is_none()) {
        return None;
    }
    let row = draft.row_at(pod.place, name);
    let trace = draft.trace();
    trace.submit_time.set(row, submit);
    trace.kind.set(row, Kind::Pod);
    if let (Some(start), Some(end), false) = (start, end, never) {
        let start = start.min(end);
        trace.start_time.set(row, start);
        trace.end_time.set(row, end);
        trace.work.set(row, end - start);
        let exact = pod.started.is_some() && pod.ended.is_some();
        trace.work_method.set(row, if exact { WorkMethod::PodStatus } else { WorkMethod::MetricBounds });
    }
    Some(row)
}

fn columns(trace: &mut Trace, row: usize, pod: PodSeen, options: &Options) {
    macro_rules! set {
        ($($column:ident = $value:expr;)*) => { $(if let Some(value) = $value { trace.$column.set(row, value); })* };
    }
    set! {
        pod_created_time = pod.created;
        scheduled_time = pod.scheduled;
        deleted_time = pod.deleted;
        state = pod.state;
        cpu_request = pod.cpu_request;
        memory_request = pod.memory_request;
        cpu_limit = pod.cpu_limit;
        memory_limit = pod.memory_limit;
        ephemeral_storage = pod.ephemeral_storage;
        gpu_request_milli = pod.gpu_request_milli;
        image_size = pod.image_size;
        image_pull = pod.image_pull;
        arch = pod.arch;
        priority = pod.priority;
        source_platform = pod.platform.or(options.source_platform);
        cpu_usage_avg_milli = pod.usage.cpu_avg;
        cpu_usage_p95_milli = pod.usage.cpu_p95;
        cpu_usage_max_milli = pod.usage.cpu_max;
        cpu_seconds = pod.usage.cpu_seconds;
        memory_usage_avg_mib = pod.usage.memory_avg;
        memory_usage_max_mib = pod.usage.memory_max;
    }
    trace.owner_kind.set(row, pod.owner);
    if pod.do_not_disrupt {
        trace.do_not_disrupt.set(row, true);
    }
    if !pod.cpu.is_empty() {
        trace.points.set_cpu(row, pod.cpu);
    }
    if !pod.memory.is_empty() {
        trace.points.set_memory(row, pod.memory);
    }
}
