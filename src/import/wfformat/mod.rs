//! WfFormat of WfCommons, versions 1.0 to 1.6: how long the tasks of one workflow execution ran and what they waited for,
//! but not when each started.
//!
//! So the replay is closed: all roots are submitted when the execution began, and everything else follows from the
//! dependencies. The recorded makespan only says whether runtimes and dependencies can be true.

mod graph;
mod object;

use std::collections::BTreeMap;

use super::draft::Draft;
use super::lenient::time;
use super::text::{Origin, whole};
use super::{Options, Shape};
use crate::error::{Diagnostic, Result};
use crate::trace::open::Text;
use crate::trace::{PodArch, WorkMethod, escape_id};
use crate::units::{Cpu, Memory, Span, Time};
use object::{File, Machine, Task};

/// 2020-01-01T00:00:00Z, where an execution does not say when it was.
const ORIGIN: Time = Time::from_ms(1_577_836_800_000);
/// 400 days in milliseconds, as for every `work_seconds`.
const LONGEST: i64 = 34_560_000_000;
/// A machine with less has its memory in KiB.
const SMALLEST_MACHINE: i64 = 1 << 30;
/// Up to 1.3 memory was in KB, which their own migration to 1.4 reads as 1,000 bytes.
const KB: i64 = 1_000;

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    let document = shape.document().ok_or("is no JSON")?;
    if !document.has("workflow") {
        return Err("has no workflow".to_owned());
    }
    let lists = ["workflow.specification", "workflow.execution", "workflow.tasks[]", "workflow.jobs[]"];
    if lists.iter().any(|path| document.has(path)) {
        Ok(())
    } else {
        Err("its workflow has no tasks".to_owned())
    }
}

pub(super) fn read(text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let origin = Origin::of(&text);
    let text = whole(text)?;
    let file: File = serde_json::from_str(&text).map_err(|error| origin.bad_json(1, error))?;
    drop(text);
    let machines = file.machines();
    let tasks =
        file.tasks().map_err(|wrong| Diagnostic { hint: wrong.hint, ..origin.diagnostic(wrong.message) })?;
    let parents = match graph::parents(&tasks) {
        Ok(parents) => parents,
        Err(wrongs) => {
            for wrong in wrongs {
                draft.error(Diagnostic { hint: wrong.hint, ..origin.diagnostic(wrong.message) });
            }
            return Ok(());
        }
    };
    let (executed, makespan) = (file.executed_at(), file.makespan());
    let start = match executed_at(executed, options) {
        Ok(Some(start)) => start,
        Ok(None) => {
            let note = format!("{} does not say when it was executed: 2020-01-01 is taken", origin.name);
            draft.notes.push(note);
            ORIGIN
        }
        Err(message) => {
            let hint = "known are 2020-12-25T20:10:08+00:00, 20201225T201008+0000 and 12-25-20T20:10:08Z; times without \
                        an offset need --timezone";
            return Err(origin.diagnostic(message).text(executed).hint(hint).into());
        }
    };
    let run = match (file.name.is_empty(), executed.is_empty()) {
        (false, false) => format!("{}@{executed}", &*file.name),
        _ => origin.name.clone(),
    };
    let mut works = Vec::with_capacity(tasks.len());
    for (task, parents) in tasks.iter().zip(&parents) {
        let Some(work) =
            task.runtime.and_then(Span::from_secs_f64).filter(|work| (0..=LONGEST).contains(&work.ms()))
        else {
            let message = match task.runtime {
                Some(runtime) => {
                    format!("the runtime {runtime} of task {:?} is negative or out of range", task.id)
                }
                None => format!("task {:?} has no runtime", task.id),
            };
            let hint =
                "an execution has runtimeInSeconds for every task; a specification alone cannot be replayed";
            draft.error(origin.diagnostic(message).hint(hint));
            works.push(Span::ZERO);
            continue;
        };
        works.push(work);
        let row = draft.row(0, &task.id);
        let list: Vec<_> = parents.iter().map(|parent| escape_id(&tasks[*parent].id)).collect();
        draft.word(row, |t| &mut t.run_id, &run);
        draft.word(row, |t| &mut t.depends_on, &list.join(";"));
        draft.word(row, |t| &mut t.workflow, &file.name);
        draft.word(row, |t| &mut t.task_name, &task.kind);
        draft.word(row, |t| &mut t.source_node, &task.machine);
        let trace = draft.trace();
        trace.submit_time.set(row, start);
        trace.work.set(row, work);
        trace.work_method.set(row, WorkMethod::Measured);
        if let Some(Machine { arch: Some(arch), .. }) = machines.get(&task.machine) {
            trace.arch.set(row, *arch);
        }
        size(task, row, draft);
    }
    note(&origin, &tasks, &machines, draft);
    if let (Some(critical), Some(makespan)) = (graph::critical_path(&parents, &works), makespan)
        // Makespans are whole seconds in most files.
        && critical > makespan + Span::from_secs(1)
    {
        draft.notes.push(format!(
            "{}: the longest chain of tasks takes {critical}, longer than the recorded makespan of {makespan}",
            origin.name
        ));
    }
    Ok(())
}

/// Requests: the cores of the task, or as many as it kept busy; and the memory that it used at most.
fn size(task: &Task, row: usize, draft: &mut Draft) {
    let trace = draft.trace();
    let busy = task.avg_cpu.filter(|percent| (0.0..=1e7).contains(percent));
    let cores = task.cores.filter(|cores| *cores > 0.0 && *cores < 1e5);
    // At least one core: whoever uses a tenth of one waits most of the time, but would be slowed down by less.
    let cores = cores.or(busy.map(|percent| percent / 100.0)).map(|cores| cores.ceil().max(1.0));
    if let Some(cores) = cores {
        trace.cpu_request.set(row, Cpu::from_cores(cores as i64));
    }
    if let Some(percent) = busy {
        trace.cpu_usage_avg_milli.set(row, percent * 10.0);
    }
    if let Some(memory) = task.memory {
        trace.memory_request.set(row, Memory::from_bytes(memory));
        trace.memory_usage_max_mib.set(row, memory as f64 / 1_048_576.0);
    }
}

/// Says which values look as if they were in another unit; none is changed.
fn note(origin: &Origin, tasks: &[Task], machines: &BTreeMap<String, Machine>, draft: &mut Draft) {
    let small = machines
        .iter()
        .find_map(|(name, machine)| Some((name, machine.memory.filter(|m| *m < SMALLEST_MACHINE)?)));
    if let Some((name, memory)) = small {
        let with = tasks.iter().filter(|task| task.memory.is_some()).count();
        draft.notes.push(format!(
            "suspicious unit: {} gives its machine {name:?} {} MiB of memory, so it probably counts KiB where the format \
             has bytes; the memory of {with} tasks is taken as it is written, perhaps a thousandth of what they used",
            origin.name,
            memory >> 20
        ));
    }
    let above = tasks.iter().filter(|task| {
        let machine = machines.get(&task.machine).and_then(|machine| machine.memory);
        task.memory.zip(machine).is_some_and(|(task, machine)| task > machine)
    });
    let above = above.count();
    if above > 0 {
        draft.notes.push(format!(
            "suspicious unit: {above} tasks of {} used more memory than their machine has, as it is written",
            origin.name
        ));
    }
    let without = tasks.iter().filter(|task| task.memory.is_none()).count();
    if without > 0 {
        draft.notes.push(format!(
            "{without} of {} tasks of {} do not say how much memory they used",
            tasks.len(),
            origin.name
        ));
    }
}

/// The four spellings that are found; none for an empty text.
fn executed_at(text: &str, options: &Options) -> std::result::Result<Option<Time>, String> {
    let failed = |refusal: crate::trace::Refusal| format!("executedAt {}", refusal.message);
    let zone = options.read.timezone;
    let bytes = text.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|b| b.iter().all(u8::is_ascii_digit));
    let canonical = if digits(0..8) && bytes.get(8) == Some(&b'T') && digits(9..15) {
        let at = |from, to| &text[from..to];
        format!(
            "{}-{}-{}T{}:{}:{}{}",
            at(0, 4),
            at(4, 6),
            at(6, 8),
            at(9, 11),
            at(11, 13),
            at(13, 15),
            &text[15..]
        )
    } else if digits(0..2)
        && digits(3..5)
        && digits(6..8)
        && bytes.get(2) == Some(&b'-')
        && bytes.get(8) == Some(&b'T')
    {
        // Month, day and two digits of the year, as Pegasus' tools print it.
        format!("20{}-{}-{}{}", &text[6..8], &text[0..2], &text[3..5], &text[8..])
    } else {
        text.to_owned()
    };
    time(&canonical, zone).map_err(failed)
}

/// What a machine's architecture says of the images that ran there.
fn arch(name: &str) -> Option<PodArch> {
    match name {
        "x86_64" | "amd64" => Some(PodArch::Amd64),
        "aarch64" | "arm64" => Some(PodArch::Arm64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_says_when_it_was_in_four_spellings() {
        let ms = |text: &str| executed_at(text, &Options::default()).map(|time| time.map(Time::ms));
        for (text, expected) in [
            // 2023-03-21 21:10:20 UTC
            ("2023-03-21T11:10:20-10:00", 1_679_433_020_000),
            // 2020-04-01 04:12:58 UTC
            ("20200401T041258+0000", 1_585_714_378_000),
            // 2021-03-23 05:57:15 UTC
            ("03-23-21T05:57:15Z", 1_616_479_035_000),
            // 2020-12-25 20:10:08 UTC
            ("2020-12-25T20:10:08+00:00", 1_608_927_008_000),
        ] {
            assert_eq!(ms(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(ms(""), Ok(None));
        for text in ["20200401T041258", "2020", "13-45-21T05:57:15Z", "20200401T0412", "ÀÀ-ÀÀ"] {
            assert!(ms(text).is_err(), "{text}");
        }
    }
}
