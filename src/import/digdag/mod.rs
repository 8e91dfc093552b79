//! Digdag: rows of its database, or answers of its REST API, in any mixture.
//!
//! `source` takes files apart, `record` and `task` read what is in them, `intake` decides what to do with each record,
//! `tree` and `edges` find what waits for what, `rows` and `pods` write rows, `estate` and `waits` join what several files
//! told.
//! docs/digdag.md says what becomes of what; the facts about Digdag are of its source at 0.10.

mod edges;
mod estate;
mod files;
mod how;
mod intake;
mod logs;
mod pods;
mod record;
mod rows;
mod schedule;
mod source;
mod stamp;
mod task;
mod tree;
mod value;
mod waits;

pub(super) use estate::Estate;
pub(crate) use how::how;

use csv::StringRecord;

use super::draft::Draft;
use super::text::Table;
use super::{Options, Outline, Shape};
use crate::error::Result;
use crate::trace::open::Text;
use intake::{Columns, Intake};

/// What each kind of file has, under the path of one record.
const KINDS: [&[&str]; 14] = [
    &["attempt_id", "tasks"],
    &["attempt_id", "workflow_name"],
    &["id", "tasks", "created_at"],
    &["tasks[].fullName"],
    &["fullName", "upstreams"],
    &["attempts[].sessionTime"],
    &["sessions[].sessionUuid"],
    &["workflows[].project"],
    &["schedules[].nextRunTime"],
    &["files[].taskName"],
    &["sessionUuid", "sessionTime"],
    &["project", "revision", "config"],
    &["archiveType", "archiveMd5"],
    &["nextRunTime", "nextScheduleTime"],
];

/// Answers that may be empty, and projects.
const LISTS: [&str; 7] = ["attempts", "tasks", "sessions", "workflows", "projects", "schedules", "files"];

/// Columns that may stand before the tasks in an archive's row.
const ROW: [&str; 7] = ["id", "tasks", "created_at", "session_id", "project", "workflow_name", "index"];

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    const LACKS: &str = "has neither tasks with fullName nor attempts with sessionTime";
    match shape {
        Shape::Table { header, .. } => {
            let found = Columns::of(header).are_attempts();
            found.then_some(()).ok_or_else(|| "has no columns tasks and attempt_id".to_owned())
        }
        Shape::Text(lines) if with_semicolons(lines) => Ok(()),
        Shape::Json(outline) => is_digdag(outline).then_some(()).ok_or_else(|| LACKS.to_owned()),
        Shape::Yaml(_) | Shape::Text(_) => Err("is neither JSON nor a table with tasks".to_owned()),
    }
}

fn is_digdag(outline: &Outline) -> bool {
    let is_kind = |prefix: &str| {
        KINDS.iter().any(|keys| keys.iter().all(|key| outline.has(&format!("{prefix}{key}"))))
            || outline.has(&format!("{prefix}projects[].archiveType"))
    };
    let is_empty_list = || match outline.top()[..] {
        [only] => LISTS.contains(&only) && !outline.has(&format!("{only}[]")),
        _ => false,
    };
    // An archive's row, of which so much as can be looked at ends within the text of its tasks.
    let is_cut_row = |prefix: &str| {
        let tasks = format!("{prefix}tasks");
        outline.has(&format!("{prefix}id"))
            && outline.has(&tasks)
            && outline.text(&tasks).is_none()
            && !outline.has(&format!("{tasks}[]"))
            && outline.top().iter().all(|key| ROW.contains(key))
    };
    is_kind("")
        || is_kind("[].")
        || is_cut_row("")
        || is_cut_row("[].")
        || (is_empty_list() && !outline.has("[]"))
}

/// As spreadsheets write tables where the comma is the decimal point.
fn with_semicolons(lines: &[String]) -> bool {
    let Some(line) = lines.first() else { return false };
    let header: Vec<String> = line.split(';').map(|name| name.trim_matches(['"', ' ']).to_owned()).collect();
    Columns::of(&header).are_attempts()
}

pub(super) fn read(mut text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let head = text.head(super::detect::HEAD)?;
    let shape = Shape::of(&head);
    let mut estate = std::mem::take(&mut draft.digdag);
    estate.file.get_or_insert_with(|| text.name.clone());
    let read = match &shape {
        Shape::Table { header, .. } if header.len() > 1 => {
            let first = head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
            let separator = if first.contains(&b',') { b',' } else { b'\t' };
            table(text, separator, options, draft, &mut estate)
        }
        Shape::Text(lines) if with_semicolons(lines) => table(text, b';', options, draft, &mut estate),
        shape => {
            let outline = shape.document();
            let is_tasks = outline.is_some_and(|outline| {
                ["", "[]."].iter().any(|prefix| {
                    outline.has(&format!("{prefix}fullName")) && !outline.has(&format!("{prefix}tasks"))
                })
            });
            if is_tasks {
                tasks(text, draft, &mut estate)
            } else {
                records(text, options, draft, &mut estate)
            }
        }
    };
    draft.digdag = estate;
    read
}

fn table(text: Text, separator: u8, options: &Options, draft: &mut Draft, estate: &mut Estate) -> Result<()> {
    let mut table = Table::new(text, separator)?;
    let zone = options.read.timezone;
    let columns = Columns::of(&table.header);
    while table.next()? {
        let line = table.line();
        // COPY escapes in its text form; others who separate by tabs do not.
        if separator == b'\t' && table.record().iter().any(|cell| cell.contains('\\')) {
            let plain: StringRecord = table.record().iter().map(source::unescape_cell).collect();
            if let Ok(record) = columns.record(&plain, zone)
                && (Intake { draft, estate, origin: &table.origin, line, zone }).record(record).is_ok()
            {
                continue;
            }
        }
        match columns.record(table.record(), zone) {
            Ok(record) => {
                Intake { draft, estate, origin: &table.origin, line, zone }.record(record)?;
            }
            Err((column, message)) => draft.error(table.wrong(Some(column), format!("is wrong: {message}"))),
        }
    }
    Ok(())
}

fn records(text: Text, options: &Options, draft: &mut Draft, estate: &mut Estate) -> Result<()> {
    let zone = options.read.timezone;
    source::values(text, |origin, line, bytes| {
        let values = serde_json::Deserializer::from_slice(bytes).into_iter();
        // All are read before any is used: a line may have to be read anew.
        let records = values.collect::<std::result::Result<Vec<record::Record>, _>>();
        for record in records.map_err(|error| origin.bad_json(line, error))? {
            Intake { draft, estate, origin, line, zone }.record(record)?;
        }
        Ok(())
    })
}

/// A list of tasks, or one task after the other.
fn tasks(text: Text, draft: &mut Draft, estate: &mut Estate) -> Result<()> {
    let mut tasks = Vec::new();
    let mut file = None;
    source::values(text, |origin, line, bytes| {
        let values = serde_json::Deserializer::from_slice(bytes).into_iter();
        let read = values.collect::<std::result::Result<Vec<task::Task>, _>>();
        let read = read.map_err(|error| origin.bad_json(line, error))?;
        tasks.extend(read.into_iter().map(task::Task::into_owned));
        file.get_or_insert_with(|| origin.clone());
        Ok(())
    })?;
    // Archived tasks say their attempt: a list may have those of several.
    tasks.sort_by_key(|task| task.attempt_id.0);
    if let Some(origin) = &file {
        for tasks in tasks.chunk_by(|a, b| a.attempt_id == b.attempt_id) {
            Intake { draft, estate, origin, line: 1, zone: None }.tasks(tasks.to_vec());
        }
    }
    Ok(())
}

/// Puts attempts and their tasks together.
pub(super) fn finish(draft: &mut Draft, _: &Options) -> Result<()> {
    let mut estate = std::mem::take(&mut draft.digdag);
    estate.finish(draft)?;
    Ok(())
}
