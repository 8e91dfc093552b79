//! Lists of log files: a task's log begins when an agent takes the task.

use std::collections::BTreeMap;

use super::estate::{Estate, plural};
use super::files;
use super::record::LogFile;
use crate::import::draft::Draft;
use crate::units::Time;

/// First log times of an attempt's tasks.
pub(super) struct Logs {
    pub path: String,
    pub files: Vec<(String, Time)>,
}

impl Logs {
    pub fn new(path: &str, files: Vec<LogFile>) -> Self {
        let file = |file: LogFile| Some((file.task_name.get()?.to_owned(), file.file_time.0?));
        Self { path: path.to_owned(), files: files.into_iter().filter_map(file).collect() }
    }
}

/// The first line of a task's log says when an agent took it.
pub(super) fn put(estate: &Estate, draft: &mut Draft) {
    let mut times: BTreeMap<(u64, &str), Vec<Time>> = BTreeMap::new();
    let is_known = |id: u64| estate.done.contains_key(&id);
    let mut lost = 0u64;
    for logs in &estate.logs {
        let Some(id) = files::known_id(&logs.path, is_known) else {
            lost += 1;
            continue;
        };
        for (task, time) in &logs.files {
            times.entry((id, task)).or_default().push(*time);
        }
    }
    if lost > 0 {
        draft.notes.push(format!(
            "{} not used: name each after its attempt, as in log-files-27.json",
            plural(lost, "list of log files")
        ));
    }
    if times.is_empty() {
        return;
    }
    let mut spans = std::mem::take(&mut draft.spans);
    let trace = draft.trace();
    for span in &mut spans {
        let row = span.row as usize;
        let id = trace.words.get(trace.word(&trace.run_id, row)).parse().unwrap_or(u64::MAX);
        let task = trace.words.get(trace.word(&trace.task_name, row));
        let Some(times) = times.get(&(id, task)) else { continue };
        // Tries of a group have one name: each has the first time after it was queued.
        let inside = |time: &&Time| **time >= span.queued && **time <= span.observed;
        span.first_log = times.iter().filter(inside).min().copied();
    }
    draft.spans = spans;
}
