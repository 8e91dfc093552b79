//! The pod list of Alibaba's cluster-trace-gpu-v2023: pods of a production cluster, with times in seconds from its own
//! origin and no dependencies.
//!
//! A pod without `scheduled_time` never ran. Work is deletion - scheduling, so it includes the start of the container.

use super::draft::Draft;
use super::text::Table;
use super::{Options, Shape};
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

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    let header = shape.header().ok_or("is no table")?;
    let lacks = COLUMNS.iter().find(|name| !header.iter().any(|column| column == *name));
    match lacks {
        None => Ok(()),
        Some(_)
            if header.iter().any(|column| column == "cpu_milli") && header.iter().any(|c| c == "num_gpu") =>
        {
            Err("has pods without times: only the lists with creation_time can be replayed".to_owned())
        }
        Some(name) => Err(format!("has no column {name}")),
    }
}

pub(super) fn read(text: Text, draft: &mut Draft, _: &Options) -> Result<()> {
    let mut table = Table::new(text, b',')?;
    let [name, cpu, memory, gpus, qos, phase, created, deleted, scheduled] =
        COLUMNS.map(|name| table.column(name));
    let gpu_milli = table.column("gpu_milli");
    while table.next()? {
        let mut whole = |column: Option<usize>| -> Option<i64> {
            let text = table.get(column);
            if text.is_empty() {
                return None;
            }
            // pandas writes whole numbers in a column with gaps as 1.0.
            let number =
                text.strip_suffix(".0").unwrap_or(text).parse().ok().filter(|n| (0..1 << 40).contains(n));
            if number.is_none() {
                draft.error(table.wrong(column, "is no whole number from 0 on"));
            }
            number
        };
        let seconds = [created, scheduled, deleted].map(&mut whole);
        let [cpu, memory, gpus, share] = [cpu, memory, gpus, gpu_milli].map(&mut whole);
        let [created, scheduled, deleted] = seconds.map(|s| s.map(|s| Time::from_ms(s * 1_000)));
        let row = draft.row(table.line(), table.get(name));
        let trace = draft.trace();
        if let Some(created) = created {
            trace.submit_time.set(row, created);
            trace.pod_created_time.set(row, created);
        }
        if let Some(cpu) = cpu {
            trace.cpu_request.set(row, Cpu::from_milli(cpu));
        }
        if let Some(memory) = memory {
            trace.memory_request.set(row, Memory::from_mib(memory));
        }
        if let Some(gpus) = gpus.filter(|gpus| *gpus > 0) {
            trace.gpu_request_milli.set(row, if gpus == 1 { share.unwrap_or(1_000) } else { gpus * 1_000 });
        }
        let state = match (table.get(phase), scheduled, deleted) {
            (_, Some(_), None) => State::Running,
            (_, None, _) => State::Pending,
            ("Failed", ..) => State::Failed,
            _ => State::Succeeded,
        };
        trace.state.set(row, state);
        if let (Some(scheduled), Some(deleted)) = (scheduled, deleted) {
            trace.scheduled_time.set(row, scheduled);
            trace.start_time.set(row, scheduled);
            trace.end_time.set(row, deleted);
            trace.deleted_time.set(row, deleted);
            trace.work_method.set(row, WorkMethod::ScheduledToDeleted);
        }
        // Best-effort pods may be evicted at any time.
        trace.interruptible.set(row, table.get(qos) == "BE");
        draft.word(row, |t| &mut t.task_name, table.get(name));
    }
    draft
        .notes
        .push("openb counts seconds from its own origin: dates before 1970-06 are not real ones".to_owned());
    Ok(())
}
