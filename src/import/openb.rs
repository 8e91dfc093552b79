//! The pod list of Alibaba's cluster-trace-gpu-v2023: pods of a production cluster, with times in seconds from its own
//! origin and no dependencies.
//!
//! A pod without `scheduled_time` never ran. Work is deletion - scheduling, so it includes the start of the container.

use super::draft::Draft;
use super::text::Table;
use super::{Format, Options, Shape};
use crate::error::Result;
use crate::trace::open::Text;
use crate::trace::{State, WorkMethod};
use crate::units::{Cpu, Memory, Time};

const COLUMNS: [&str; 9] = [
    "name",
    "cpu_milli",
    "memory_mib",
    "num_gpu",
    "qos",
    "pod_phase",
    "creation_time",
    "deletion_time",
    "scheduled_time",
];

/// 2023-01-01T00:00:00Z, where the publisher says nothing.
const ORIGIN: i64 = 1_672_531_200;
const ORIGIN_NOTE: &str = "openb counts seconds from an origin of its own: it is taken for 2023-01-01, so dates and hours are not real ones";
/// A hundred years, and more of anything than a machine has.
const LARGEST: i64 = 3_155_760_000;

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    let header = shape.header().ok_or("is no table")?;
    let has = |name: &str| header.iter().any(|column| column == name);
    match COLUMNS.iter().find(|name| !has(name)) {
        None => Ok(()),
        Some(_) if has("cpu_milli") && has("num_gpu") => {
            Err("has pods without times: only the lists with creation_time can be replayed".to_owned())
        }
        Some(name) => Err(format!("has no column {name}")),
    }
}

pub(super) fn read(text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let mut table = Table::detect(text)?;
    if let Some(missing) = COLUMNS.iter().find(|name| table.column(name).is_none()) {
        return Err(table
            .origin
            .diagnostic(format!("the pod list has no column {missing}"))
            .line(1)
            .text(table.header.join(","))
            .hint("lists without times cannot be replayed: give openb_pod_list_*.csv with creation_time")
            .into());
    }
    let [name, cpu, memory, gpus, qos, phase, created, deleted, scheduled] =
        COLUMNS.map(|name| table.column(name));
    let gpu_milli = table.column("gpu_milli");
    let mut gpu_lines = Vec::new();
    let (mut still_running, mut last) = (Vec::new(), Time::default());
    while table.next()? {
        let mut whole = |column: Option<usize>| -> Option<i64> {
            let text = table.get(column);
            if text.is_empty() {
                return None;
            }
            // pandas writes whole numbers in a column with gaps as 1.0.
            let number =
                text.strip_suffix(".0").unwrap_or(text).parse().ok().filter(|n| (0..LARGEST).contains(n));
            if number.is_none() {
                draft.error(table.wrong(column, "is no whole number from 0 on"));
            }
            number
        };
        let seconds = [created, scheduled, deleted].map(&mut whole);
        let [cpu, memory, gpus, share] = [cpu, memory, gpus, gpu_milli].map(&mut whole);
        let [created, scheduled, deleted] = seconds.map(|s| s.map(|s| Time::from_ms((ORIGIN + s) * 1_000)));
        let Some(created) = created.or(scheduled) else {
            draft.drop(Format::Openb, "without a time of creation");
            continue;
        };
        let row = draft.row(table.line(), table.get(name));
        last = last.max(created).max(scheduled.unwrap_or_default()).max(deleted.unwrap_or_default());
        let trace = draft.trace();
        trace.submit_time.set(row, created);
        trace.pod_created_time.set(row, created);
        if let Some(cpu) = cpu {
            trace.cpu_request.set(row, Cpu::from_milli(cpu));
        }
        if let Some(memory) = memory {
            trace.memory_request.set(row, Memory::from_mib(memory));
        }
        if let Some(gpus) = gpus.filter(|gpus| *gpus > 0) {
            trace.gpu_request_milli.set(row, if gpus == 1 { share.unwrap_or(1_000) } else { gpus * 1_000 });
            gpu_lines.push(table.line());
        }
        // Pods that run when the list is taken may have a time of deletion: that of the list.
        let state = match (table.get(phase), scheduled, deleted) {
            (_, None, _) => State::Pending,
            ("Running", ..) | (_, _, None) => State::Running,
            ("Failed", ..) => State::Failed,
            _ => State::Succeeded,
        };
        trace.state.set(row, state);
        if let Some(scheduled) = scheduled {
            trace.scheduled_time.set(row, scheduled);
            trace.start_time.set(row, scheduled);
            trace.work_method.set(row, WorkMethod::ScheduledToDeleted);
            match deleted {
                Some(deleted) => trace.end_time.set(row, deleted),
                None => still_running.push(row),
            }
            if let Some(deleted) = deleted.filter(|_| state != State::Running) {
                trace.deleted_time.set(row, deleted);
            }
        }
        if table.get(qos) == "BE" {
            // Best-effort pods may be evicted at any time.
            trace.interruptible.set(row, true);
        }
        draft.word(row, |t| &mut t.workflow, "openb");
        draft.word(row, |t| &mut t.task_name, table.get(name));
    }
    // They ran at least until the last thing that the list tells of.
    for row in still_running {
        draft.trace().end_time.set(row, last);
    }
    if !gpu_lines.is_empty() && !options.read.drop_gpu {
        let message = format!("{} pods ask for a GPU, which no platform here has", gpu_lines.len());
        let hint = "leave such pods out of the replay with --drop-gpu";
        draft.error(table.origin.diagnostic(message).line(gpu_lines[0]).hint(hint));
    }
    let file = draft.file as usize;
    draft.trace().files[file].meta.time_origin.get_or_insert_with(|| ORIGIN_NOTE.to_owned());
    if !draft.notes.iter().any(|note| note == ORIGIN_NOTE) {
        draft.notes.push(ORIGIN_NOTE.to_owned());
    }
    Ok(())
}
