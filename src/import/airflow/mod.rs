//! Airflow: task instances, from its REST API (version 1 and 2), as a list of them, or as a table of its database; and the
//! tasks of its DAGs, for what depends on what.
//!
//! Which task instances were pods of their own is known only when all files are read: `pods` decides it. What a task
//! waits for is in no task instance; `edges` takes it from lists of tasks.

mod edges;
mod instance;
mod pods;

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::lenient::{Item, Keys, Scalar, Wrong, records, time};
use super::text::Table;
use super::{Format, Options, Shape};
use crate::error::Result;
use crate::trace::open::Text;
use crate::trace::{Kind, State, Word};
use crate::units::Time;
use instance::Entry;

const KEYS: Keys = Keys { lists: &["task_instances", "tasks"], scalars: &["dag_id"] };

/// A task instance that is a row, as far as it matters for what is decided at the end.
#[derive(Clone, Copy, Debug)]
struct Instance {
    row: u32,
    dag: Word,
    task: Word,
    runs_in: pods::RunsIn,
    start: Option<Time>,
    end: Option<Time>,
}

/// Task instances and tasks of all files.
#[derive(Debug, Default)]
pub(super) struct Estate {
    instances: Vec<Instance>,
    /// (run, task, number of the mapped instance, try), to find what is given twice.
    seen: BTreeSet<(Word, Word, i64, u32)>,
    tasks: Vec<edges::Tasks>,
    last: Time,
}

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    if let Some(header) = shape.header() {
        let has = |name: &str| header.iter().any(|column| column == name);
        return match ["dag_id", "task_id", "state", "start_date", "end_date"].iter().find(|name| !has(name)) {
            None => Ok(()),
            Some(name) => Err(format!("has no column {name}")),
        };
    }
    let document = shape.document().ok_or("is neither JSON nor a table")?;
    let instances = ["task_instances", "[].task_instances"].iter().any(|path| document.has(path))
        || document.has_all(&["[].dag_id", "[].task_id", "[].start_date"]);
    let tasks = ["tasks[].downstream_task_ids", "[].downstream_task_ids", "[].tasks[].downstream_task_ids"];
    if instances || tasks.iter().any(|path| document.has(path)) {
        return Ok(());
    }
    Err("has no task_instances, and no tasks with downstream_task_ids".to_owned())
}

pub(super) fn read(mut text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let head = text.head(4_096)?;
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[')) {
        return table(text, draft, options);
    }
    let mut tasks = edges::Tasks::of_file(&text.name);
    let result = records(text, KEYS, &mut |item| match item {
        Item::Scalar(dag) => {
            // Pages of several DAGs may follow each other in one file.
            if tasks.dag.as_ref().is_some_and(|known| *known != dag) && !tasks.is_empty() {
                let next = tasks.next();
                draft.airflow.tasks.push(std::mem::replace(&mut tasks, next));
            }
            tasks.dag = Some(dag);
            Ok(())
        }
        Item::Record("task_instances", entry) => add(&entry, 0, draft, options),
        Item::Record(_, entry) if entry.downstream_task_ids.is_some() => tasks.add(&entry),
        Item::Record(_, entry) => add(&entry, 0, draft, options),
    });
    if !tasks.is_empty() {
        draft.airflow.tasks.push(tasks);
    }
    result
}

/// A table of the database: `task_instance`, or `task_instance_history` with earlier tries.
fn table(text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let mut table = Table::detect(text)?;
    for name in ["dag_id", "task_id", "state", "start_date", "end_date"] {
        if table.column(name).is_none() {
            let hint = "export the table task_instance with the names of its columns";
            let error = table.origin.diagnostic(format!("the table has no column {name}")).line(1);
            return Err(error.text(table.header.join(",")).hint(hint).into());
        }
    }
    let columns = Entry::COLUMNS.map(|name| table.column(name));
    while table.next()? {
        // What databases write where there is nothing.
        let cells = columns.map(|column| match table.get(column) {
            "\\N" | "NULL" | "None" => Scalar::default(),
            text => Scalar(text.to_owned()),
        });
        if let Err(wrong) = add(&Entry::of_cells(cells), table.line(), draft, options) {
            let mut diagnostic = table.origin.diagnostic(wrong.message).line(table.line());
            diagnostic.hint = wrong.hint;
            draft.error(diagnostic);
        }
    }
    Ok(())
}

fn add(entry: &Entry, line: u64, draft: &mut Draft, options: &Options) -> std::result::Result<(), Wrong> {
    if entry.dag_id.is_empty() || entry.task_id.is_empty() {
        return Err(Wrong::new("a task instance has no dag_id or no task_id"));
    }
    let read = |name: &str, text: &str| {
        let time = time(text, options.read.timezone);
        time.map_err(|refusal| Wrong::refused(name, &entry.task_id, text, refusal))
    };
    let logical = read("logical_date", entry.logical())?;
    let (start, end) = (read("start_date", &entry.start_date)?, read("end_date", &entry.end_date)?);
    let scheduled = read("scheduled_when", entry.scheduled())?;
    let queued = read("queued_when", entry.queued())?;
    let run = match (&**entry.run(), entry.logical()) {
        ("", "") => return Err(Wrong::new(format!("task {:?} has no run_id and no date", &*entry.task_id))),
        ("", date) => format!("{}/{date}", &*entry.dag_id),
        (run, _) => format!("{}/{run}", &*entry.dag_id),
    };
    let (map_index, tries) = (entry.map_index()?, entry.try_number()?);
    let state = entry.state()?;
    let task = match map_index {
        0.. => format!("{}[{map_index}]", &*entry.task_id),
        _ => entry.task_id.0.clone(),
    };
    let words = &mut draft.trace().words;
    let [run_word, task_word, dag] = [&run, &entry.task_id.0, &entry.dag_id.0].map(|text| words.intern(text));
    if !draft.airflow.seen.insert((run_word, task_word, map_index, tries)) {
        // The last try is in the list of instances and in that of tries.
        draft.drop(Format::Airflow, "tries given a second time");
        return Ok(());
    }
    // Clearing a task makes its times those of the next try; retries keep the time at which the first was queued.
    let queued = queued.filter(|queued| start.is_none_or(|start| *queued <= start));
    let scheduled = scheduled.filter(|scheduled| queued.or(start).is_none_or(|next| *scheduled <= next));
    let Some(submit) = scheduled.or(queued).or(start).or(end).or(logical) else {
        draft.drop(Format::Airflow, "task instances without any time");
        return Ok(());
    };
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        return Err(Wrong::new(format!(
            "end_date {:?} of task {:?} is before its start_date",
            &*entry.end_date, &*entry.task_id
        )));
    }
    // Whatever says that it ran needs to have begun.
    let state = if start.is_none() && !matches!(state, State::Skipped) { State::Pending } else { state };
    let row = draft.row(line, &task);
    draft.word(row, |t| &mut t.run_id, &run);
    draft.word(row, |t| &mut t.workflow, &entry.dag_id);
    draft.word(row, |t| &mut t.task_name, &entry.task_id);
    draft.word(row, |t| &mut t.exit_reason, if state == State::Failed { "Error" } else { "" });
    draft.word(row, |t| &mut t.project, if &*entry.pool == "default_pool" { "" } else { &entry.pool });
    let runs_in = pods::runs_in(entry);
    let size = pods::Size::of(entry);
    draft.word(row, |t| &mut t.image, &size.image);
    let trace = draft.trace();
    trace.submit_time.set(row, submit);
    trace.attempt.set(row, tries);
    trace.state.set(row, state);
    if let Some(logical) = logical {
        trace.session_time.set(row, logical);
    }
    if let Some(tries) = entry.max_tries().filter(|tries| *tries <= 100) {
        trace.retry_limit.set(row, tries);
    }
    if let Some(cpu) = size.cpu {
        trace.cpu_request.set(row, cpu);
    }
    if let Some(memory) = size.memory {
        trace.memory_request.set(row, memory);
    }
    let known = [start, end, Some(submit)].into_iter().flatten().max().unwrap_or(submit);
    draft.airflow.last = draft.airflow.last.max(known);
    draft.airflow.instances.push(Instance { row: row as u32, dag, task: task_word, runs_in, start, end });
    if runs_in == pods::RunsIn::Sensor {
        draft.trace().kind.set(row, Kind::Wait);
    }
    Ok(())
}

/// Decides what was a pod, and what waits for what.
pub(super) fn finish(draft: &mut Draft) {
    let estate = std::mem::take(&mut draft.airflow);
    if estate.instances.is_empty() {
        if !estate.tasks.is_empty() {
            let note =
                "Airflow's lists of tasks say what depends on what, but no file has task instances of them";
            draft.notes.push(note.to_owned());
        }
        return;
    }
    pods::finish(&estate, draft);
    edges::finish(&estate, draft);
    lost_tries(&estate, draft);
}

/// Without an export of tries, only the last one of each task instance is known.
fn lost_tries(estate: &Estate, draft: &mut Draft) {
    let mut tries: BTreeMap<(Word, Word, i64), (u32, u32)> = BTreeMap::new();
    for (run, task, index, number) in &estate.seen {
        let (count, last) = tries.entry((*run, *task, *index)).or_default();
        *count += 1;
        *last = (*last).max(*number);
    }
    let lost: u64 = tries.values().map(|(count, last)| u64::from(last.saturating_sub(*count))).sum();
    if lost > 0 {
        let what = if lost == 1 { "try is" } else { "tries are" };
        draft.notes.push(format!(
            "{lost} earlier {what} missing: Airflow lists the last try of a task only; export .../tries or the table \
             task_instance_history, too"
        ));
    }
}
