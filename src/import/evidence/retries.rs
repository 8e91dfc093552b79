//! The tries of a task: Digdag starts a new pod for every try of a leaf, and keeps one row for all of them.

use super::join::{Join, NamedPod};
use super::{Span, Try};
use crate::import::draft::Draft;
use crate::trace::State;
use crate::units::{Span as Duration, Time};

/// Every try of every span. A span with several pods becomes several rows: its own is the last of them.
pub(super) fn tries(
    draft: &mut Draft,
    spans: &[Span],
    pods: &[NamedPod],
    join: &Join,
    lag: Duration,
) -> Vec<Try> {
    let mut tries = Vec::with_capacity(spans.len());
    for (number, span) in spans.iter().enumerate() {
        let of_span = join.of_span.get(&number).map_or(&[][..], Vec::as_slice);
        // Of a pod without any time nobody knows which try it was.
        let mut timed: Vec<(usize, Time)> =
            of_span.iter().filter_map(|pod| Some((*pod, pods[*pod].begin()?))).collect();
        if timed.is_empty() {
            timed.extend(of_span.last().map(|pod| (*pod, span.queued)));
        }
        let mut one = Try {
            row: span.row as usize,
            queued: span.queued,
            observed: span.observed,
            first_log: span.first_log,
            created_is_guess: false,
            pod: timed.last().map(|(pod, _)| *pod),
        };
        if timed.len() > 1 {
            one = earlier(draft, one, &timed, pods, lag, &mut tries);
        }
        tries.push(one);
    }
    tries
}

/// Makes a row of each pod but the last; gives what is left for the row of the span.
fn earlier(
    draft: &mut Draft,
    span: Try,
    pods_of_span: &[(usize, Time)],
    pods: &[NamedPod],
    lag: Duration,
    tries: &mut Vec<Try>,
) -> Try {
    let row = span.row;
    let trace = draft.trace();
    let first_attempt = trace.attempt.get(row).unwrap_or(1);
    let (place, task) = (trace.place[row], trace.task_id.get(row).to_owned());
    let last = pods_of_span.len() - 1;
    let rows: Vec<usize> = (0..=last)
        .map(|number| {
            if number == last {
                return row;
            }
            let new = draft.row_at(place, &task);
            let trace = draft.trace();
            trace.copy_row(row, new);
            new
        })
        .collect();
    let trace = draft.trace();
    let mut seen_before: Option<Time> = None;
    let mut one = span;
    for (number, ((pod, begin), new)) in pods_of_span.iter().zip(&rows).enumerate() {
        // What the orchestrator calls the beginning is that of the first try.
        // The orchestrator's row says of the last pod when it was created.
        let said = trace.pod_created_time.get(row).filter(|created| number == last && created < begin);
        let begin = &said.unwrap_or(*begin);
        let queued = if number == 0 { span.queued } else { (*begin).max(span.queued) };
        let next = pods_of_span.get(number + 1).map(|(_, begin)| *begin);
        let ended = pods[*pod].end().map(|end| end + lag);
        let observed = match next {
            Some(next) => ended.map_or(next, |end| end.min(next)).max(queued),
            None => span.observed.max(queued),
        };
        let created_is_guess = said.is_none() && pods[*pod].seen.created.is_none();
        trace.attempt.set(*new, first_attempt + number as u32);
        if number < last {
            trace.state.set(*new, State::Failed);
            trace.finish_observed_time.set(*new, observed);
            trace.pod_created_time.set(*new, (*begin).max(queued));
        } else {
            let created = trace.pod_created_time.get(*new).unwrap_or(*begin);
            trace.pod_created_time.set(*new, created.max(queued));
        }
        if let Some(before) = seen_before {
            trace.submit_time.set(*new, queued);
            trace.trigger_delay.set(*new, (queued - before).max(Duration::ZERO));
        }
        seen_before = Some(observed);
        let first_log = span.first_log.filter(|_| number == 0);
        one = Try { row: *new, queued, observed, first_log, created_is_guess, pod: Some(*pod) };
        if number < last {
            tries.push(one);
        }
    }
    one
}
