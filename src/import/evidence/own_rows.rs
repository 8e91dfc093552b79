//! Pods that are no try of a known task: they ran, and were paid for.

use std::collections::BTreeMap;

use super::join::NamedPod;
use super::ladder::{Life, alone};
use super::{Try, pod_columns, pod_seen};
use crate::import::draft::Draft;
use crate::import::{Format, pods::PodSeen};
use crate::report::plural;
use crate::trace::{Column, State, Trace, Word, WorkMethod};
use crate::units::{Span, Time};

/// Digits that a CronJob puts after its name: minutes since 1970.
const CRON_DIGITS: std::ops::RangeInclusive<usize> = 8..=10;

/// Digdag does not delete the pod of a task that was killed: it runs on to its own end. What ran after the kill is a row
/// without predecessors of its own, so that it costs what it cost and nobody waits for it.
pub(super) fn leftovers(draft: &mut Draft, tries: &[Try], pods: &[NamedPod]) {
    let mut count = 0;
    for one in tries {
        let Some(pod) = one.pod.map(|pod| &pods[pod]) else { continue };
        let is_canceled = draft.trace().state.get(one.row) == Some(State::Canceled);
        let Some(end) = pod.end().filter(|end| is_canceled && *end > one.observed) else { continue };
        let begin = pod.begin().map_or(one.observed, |begin| begin.max(one.observed));
        let place = draft.trace().place[one.row];
        let row = draft.row_at(place, &pod.name);
        let method = if pod.seen.ended.is_some() { WorkMethod::PodStatus } else { WorkMethod::MetricBounds };
        let life = Life {
            created: begin,
            started: begin,
            ended: end.max(begin),
            observed: end.max(begin),
            work: (end - begin).max(Span::ZERO),
            method,
            at_floor: false,
        };
        let trace = draft.trace();
        let columns: [fn(&mut Trace) -> &mut Column<Word>; 3] =
            [|t| &mut t.workflow, |t| &mut t.task_name, |t| &mut t.project];
        for column in columns {
            if let Some(word) = column(trace).get(one.row) {
                column(trace).set(row, word);
            }
        }
        // Requests that only the task's configuration has.
        if let Some(cpu) = trace.cpu_request.get(one.row) {
            trace.cpu_request.set(row, cpu);
        }
        if let Some(memory) = trace.memory_request.get(one.row) {
            trace.memory_request.set(row, memory);
        }
        pod_columns::fill(draft, row, pod);
        draft.word(row, |t| &mut t.labels, "leftover=true");
        draft.trace().state.set(row, State::Succeeded);
        set_life(draft, row, &life);
        count += 1;
    }
    if count > 0 {
        draft.notes.push(format!(
            "{} ran on after the task was killed: a row each, with the label leftover=true",
            plural(count, "pod")
        ));
    }
}

/// A row for every pod that no task is known of.
pub(super) fn unmatched(draft: &mut Draft, unmatched: &[usize], pods: &[NamedPod]) {
    let mut names = Names::new();
    for pod in unmatched.iter().map(|pod| &pods[*pod]) {
        *names.entry(&pod.name).or_default().entry(&pod.namespace).or_default() += 1;
    }
    let latest = latest(pods);
    for pod in unmatched.iter().map(|pod| &pods[*pod]) {
        let PodSeen { state, place, .. } = pod.seen;
        let mut seen = pod_seen(&pod.seen);
        let mut life = alone(&seen, pod.seen.deleted);
        let mut running = false;
        if let (None, Some(started), Some(latest)) = (life, seen.started, latest)
            && matches!(state, None | Some(State::Running))
        {
            seen.ended = Some(latest.max(started));
            life = alone(&seen, None);
            running = true;
        }
        let never_ran = matches!(state, Some(State::Pending | State::Skipped));
        if let (None, true, Some(begin)) = (life, never_ran, pod.begin()) {
            let row = draft.row_at(place, &id(pod, &names));
            pod_columns::fill(draft, row, pod);
            draft.trace().submit_time.set(row, begin);
            continue;
        }
        let Some(life) = life else {
            let file = &draft.trace().files[place.file as usize];
            let format = Format::of_name(file.format).unwrap_or(Format::Kubernetes);
            draft.drop(format, "pods of which no beginning or no end is known");
            continue;
        };
        let row = draft.row_at(place, &id(pod, &names));
        pod_columns::fill(draft, row, pod);
        if let Some(owner) = &pod.seen.owner_name {
            let name = without_cron_digits(owner);
            draft.word(row, |t| &mut t.workflow, name);
            draft.word(row, |t| &mut t.task_name, name);
        }
        if running {
            draft.trace().state.set(row, State::Running);
        }
        set_life(draft, row, &life);
        draft.trace().evidence.own_rows += 1;
    }
}

/// How many pods have a name, by namespace.
type Names<'p> = BTreeMap<&'p str, BTreeMap<&'p str, u64>>;

/// The name, with its namespace where several pods have it, and with its uid where that is not enough.
fn id(pod: &NamedPod, names: &Names) -> String {
    let namespaces = &names[pod.name.as_str()];
    let here = namespaces[pod.namespace.as_str()];
    let mut id = pod.name.clone();
    if !pod.namespace.is_empty() && (here > 1 || namespaces.len() > 1) {
        id = format!("{}/{id}", pod.namespace);
    }
    if here > 1 { format!("{id}/{}", pod.seen.uid) } else { id }
}

fn set_life(draft: &mut Draft, row: usize, life: &Life) {
    let trace = draft.trace();
    trace.submit_time.set(row, life.created);
    trace.pod_created_time.set(row, life.created);
    trace.start_time.set(row, life.started);
    trace.end_time.set(row, life.ended);
    trace.finish_observed_time.set(row, life.observed);
    trace.work.set(row, life.work);
    trace.work_method.set(row, life.method);
}

/// The last instant that any pod tells of: until then is known what still ran.
fn latest(pods: &[NamedPod]) -> Option<Time> {
    let of_pod = |pod: &NamedPod| {
        let PodSeen { created, scheduled, started, ended, deleted, last_point, .. } = pod.seen;
        [created, scheduled, started, ended, deleted, last_point].into_iter().flatten().max()
    };
    pods.iter().filter_map(of_pod).max()
}

/// `report-28391040`, a Job of the CronJob `report`.
fn without_cron_digits(owner: &str) -> &str {
    match owner.rsplit_once('-') {
        Some((name, digits))
            if CRON_DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            name
        }
        _ => owner,
    }
}
