//! What must hold between the cells of one row, whatever format it came from, and what is only worth a warning.

use std::collections::BTreeSet;

use super::cell::Refusal;
use super::lists::split_list;
use super::schema::Field;
use super::{Kind, ReadOptions, State, Trace, WorkMethod};
use crate::units::{Cpu, Memory, Span, Time};

/// 400 days, as for `work_seconds`.
const LONGEST: Span = Span::from_secs(400 * 86_400);
/// Work that differs more than this from end - start is worth a warning: sources round to whole seconds.
const TOLERANCE_MS: u64 = 1_000;

/// What is wrong in a row, and in which column if it is one.
pub(crate) struct RowError {
    pub(super) field: Field,
    pub refusal: Refusal,
}

/// Counts of what the user should know of, for one line each.
#[derive(Default)]
pub(super) struct Notes {
    pub unknown: BTreeSet<String>,
    pub unreadable: BTreeSet<String>,
    pub window_start: Option<Time>,
    gpu_dropped: u64,
    early: u64,
    idle: u64,
    differing: u64,
    weak: [u64; 3],
}

/// Checks `row` as a whole and fills in what follows from other cells.
pub(super) fn finish(
    trace: &mut Trace,
    row: usize,
    options: ReadOptions,
    notes: &mut Notes,
) -> Result<(), RowError> {
    let error = |field, refusal| Err(RowError { field, refusal });
    if trace.task_id.get(row).is_empty() {
        return error(Field::TaskId, Refusal::new("is empty").hint("give every row an id within its run"));
    }
    let Some(submit) = trace.submit_time.get(row) else {
        return error(Field::SubmitTime, Refusal::new("is empty"));
    };
    if trace.depends_on.get(row).is_some() && trace.run_id.get(row).is_none() {
        let refusal = Refusal::new("needs a run_id in the same row")
            .hint("task ids are unique within a run: say which run this row belongs to");
        return error(Field::DependsOn, refusal);
    }
    if let Some(word) = trace.node_selector.get(row) {
        for pair in split_list(trace.words.get(word)) {
            if pair.split_once('=').is_none_or(|(key, _)| key.is_empty()) {
                let refusal = Refusal::new("is not a list of key=value").hint("write it as zone=a;disk=ssd");
                return error(Field::NodeSelector, refusal);
            }
        }
    }
    if trace.gpu_request_milli.get(row).is_some_and(|gpu| gpu > 0) {
        if !options.drop_gpu {
            let refusal = Refusal::new("asks for a GPU, which no platform here has")
                .hint("leave such rows out of the replay with --drop-gpu");
            return error(Field::GpuRequest, refusal);
        }
        // The row stays, so that what depends on it still finds it.
        trace.state.set(row, State::Skipped);
        notes.gpu_dropped += 1;
    }
    refuse_zero(trace, row)?;
    fill_work(trace, row, notes)?;
    note(trace, row, submit, notes);
    Ok(())
}

/// A pod of no size fits everywhere and costs nothing. Steps that are no pods and rows that are not replayed may
/// say 0, as some sources do.
fn refuse_zero(trace: &Trace, row: usize) -> Result<(), RowError> {
    let is_pod = trace.kind.get(row).unwrap_or_default() == Kind::Pod;
    if !is_pod || !is_replayed(trace, row) {
        return Ok(());
    }
    let sizes = [
        (Field::CpuRequest, trace.cpu_request.get(row).map(Cpu::milli)),
        (Field::MemoryRequest, trace.memory_request.get(row).map(Memory::bytes)),
        (Field::CpuLimit, trace.cpu_limit.get(row).map(Cpu::milli)),
        (Field::MemoryLimit, trace.memory_limit.get(row).map(Memory::bytes)),
    ];
    match sizes.into_iter().find(|(_, size)| *size == Some(0)) {
        Some((field, _)) => {
            let refusal = Refusal::new("is zero").hint("leave the cell empty if there is none");
            Err(RowError { field, refusal })
        }
        None => Ok(()),
    }
}

fn is_replayed(trace: &Trace, row: usize) -> bool {
    !matches!(trace.state.get(row), Some(State::Pending | State::Skipped))
}

fn fill_work(trace: &mut Trace, row: usize, notes: &mut Notes) -> Result<(), RowError> {
    let error = |field, refusal| Err(RowError { field, refusal });
    let span = match (trace.start_time.get(row), trace.end_time.get(row)) {
        (Some(start), Some(end)) if end < start => {
            return error(Field::EndTime, Refusal::new("is before start_time"));
        }
        (Some(start), Some(end)) if end - start > LONGEST => {
            let refusal = Refusal::new("is out of range").hint("it is more than 400 days after start_time");
            return error(Field::EndTime, refusal);
        }
        (Some(start), Some(end)) => Some(end - start),
        _ => None,
    };
    match (trace.work.get(row), span) {
        (Some(work), Some(span)) => {
            notes.differing += u64::from(work.ms().abs_diff(span.ms()) > TOLERANCE_MS);
        }
        (None, Some(span)) => trace.work.set(row, span),
        (None, None) if is_replayed(trace, row) => {
            let hint = if trace.state.get(row) == Some(State::Running) {
                "for a task that was still running, give the time until the trace ends"
            } else {
                "give work_seconds, or start_time and end_time; state pending or skipped needs neither"
            };
            return error(Field::Work, Refusal::new("is empty, and so is start_time or end_time").hint(hint));
        }
        (_, None) => {}
    }
    Ok(())
}

fn note(trace: &Trace, row: usize, submit: Time, notes: &mut Notes) {
    if !is_replayed(trace, row) {
        return;
    }
    let started_before = trace.start_time.get(row).is_some_and(|start| start < submit);
    let before_window = notes.window_start.is_some_and(|window| submit < window);
    notes.early += u64::from(started_before || before_window);
    let is_pod = trace.kind.get(row).unwrap_or_default() == Kind::Pod;
    notes.idle += u64::from(is_pod && trace.work.get(row) == Some(Span::ZERO));
    match trace.work_method.get(row) {
        Some(WorkMethod::ModelSubtracted) => notes.weak[0] += 1,
        Some(WorkMethod::ScheduledToDeleted) => notes.weak[1] += 1,
        Some(WorkMethod::RawSpan) => notes.weak[2] += 1,
        None | Some(WorkMethod::Measured | WorkMethod::PodStatus | WorkMethod::MetricBounds) => {}
    }
}

impl RowError {
    /// Canonical name of the column.
    pub fn column(&self) -> &'static str {
        self.field.name()
    }
}

impl Notes {
    /// One line for each kind of warning that occurred.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let join = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        if !self.unknown.is_empty() {
            lines.push(format!("unknown columns are kept as labels: {}", join(&self.unknown)));
        }
        if !self.unreadable.is_empty() {
            lines.push(format!("columns of nested or binary types are left out: {}", join(&self.unreadable)));
        }
        if self.gpu_dropped > 0 {
            lines.push(format!("{} asking for a GPU left out of the replay", rows(self.gpu_dropped)));
        }
        if self.early > 0 {
            lines.push(format!(
                "{} already running or waiting when the trace begins: when they arrived is not known",
                rows(self.early)
            ));
        }
        if self.idle > 0 {
            lines.push(format!(
                "{} with work_seconds 0: the source may count whole seconds only",
                rows(self.idle)
            ));
        }
        if self.differing > 0 {
            lines.push(format!(
                "{} where work_seconds and end_time - start_time differ by more than 1 s: work_seconds is used",
                rows(self.differing)
            ));
        }
        let weak: u64 = self.weak.iter().sum();
        if weak > 0 {
            let methods = [WorkMethod::ModelSubtracted, WorkMethod::ScheduledToDeleted, WorkMethod::RawSpan];
            let counts: Vec<String> = methods
                .iter()
                .zip(self.weak)
                .filter(|(_, count)| *count > 0)
                .map(|(method, count)| format!("{count} {}", method.name()))
                .collect();
            lines.push(format!("{} with estimated work_seconds: {}", rows(weak), counts.join(", ")));
        }
        lines
    }
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}
