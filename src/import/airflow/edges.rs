//! What tasks wait for: from the lists of tasks of their DAGs, each with its `downstream_task_ids`.
//!
//! The answer of `/dags/{dag_id}/tasks` does not name its DAG. It belongs to the DAG that the file names beside the list
//! (`{"dag_id": ..., "tasks": [...]}`), or else to the one whose id is in the name of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::draft::Draft;
use super::super::joins;
use super::super::lenient::Wrong;
use super::Estate;
use super::instance::Entry;
use crate::trace::{Word, escape_id};

/// The tasks of one DAG.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// Name of the file, without directories.
    file: String,
    pub dag: Option<String>,
    /// Of each task, what follows it.
    downstream: BTreeMap<String, Vec<String>>,
}

impl Tasks {
    pub fn of_file(name: &str) -> Self {
        let file =
            Path::new(name).file_name().map_or(name.to_owned(), |name| name.to_string_lossy().into_owned());
        Self { file, ..Self::default() }
    }

    /// For the next list of the same file.
    pub fn next(&self) -> Self {
        Self { file: self.file.clone(), ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.downstream.is_empty()
    }

    pub fn add(&mut self, entry: &Entry) -> Result<(), Wrong> {
        if entry.task_id.is_empty() {
            return Err(Wrong::new("a task of a DAG has no task_id"));
        }
        if self.dag.is_none() && !entry.dag_id.is_empty() {
            self.dag = Some(entry.dag_id.0.clone());
        }
        let following = entry.downstream_task_ids.iter().flatten().map(|id| id.0.clone()).collect();
        self.downstream.insert(entry.task_id.0.clone(), following);
        Ok(())
    }

    /// Which of the DAGs it is about.
    fn dag<'d>(&self, dags: &BTreeSet<&'d str>) -> Option<&'d str> {
        if let Some(dag) = &self.dag {
            return dags.get(dag.as_str()).copied();
        }
        // The longest: `etl_daily` rather than `etl`.
        let named = dags.iter().filter(|dag| self.file.contains(**dag)).max_by_key(|dag| dag.len());
        named.or(dags.first().filter(|_| dags.len() == 1)).copied()
    }
}

pub(super) fn finish(estate: &Estate, draft: &mut Draft) {
    let words = &draft.reading.trace.words;
    let dags: BTreeSet<&str> = estate.instances.iter().map(|instance| words.get(instance.dag)).collect();
    // By DAG and task: the tasks before it.
    let mut upstream: BTreeMap<(Word, Word), Vec<Word>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let mut notes = Vec::new();
    for tasks in &estate.tasks {
        let Some(dag) = tasks.dag(&dags) else {
            let hint = tasks.dag.as_deref().unwrap_or("a DAG that its name does not tell");
            notes.push(format!(
                "{} has the tasks of {hint}, of which there are no task instances",
                tasks.file
            ));
            continue;
        };
        known.insert(dag);
        let Some(dag) = words.find(dag) else { continue };
        for (task, following) in &tasks.downstream {
            for next in following {
                if let (Some(task), Some(next)) = (words.find(task), words.find(next)) {
                    upstream.entry((dag, next)).or_default().push(task);
                }
            }
        }
    }
    let without = dags.difference(&known).count();
    if without > 0 {
        let what = if without == 1 { "1 DAG has" } else { &format!("{without} DAGs have") };
        notes.push(format!(
            "{what} no list of tasks: what depends on what is not known, and tasks start as recorded (export \
             /dags/{{dag_id}}/tasks, too)"
        ));
    }
    settle(estate, &upstream, draft);
    draft.notes.extend(notes);
}

/// Sets what each row depends on. Where many instances wait for many of one task, a row stands between (see `joins`).
fn settle(estate: &Estate, upstream: &BTreeMap<(Word, Word), Vec<Word>>, draft: &mut Draft) {
    let trace = &draft.reading.trace;
    // All rows of a task in a run: several if it is mapped, or was tried again.
    let mut rows: BTreeMap<(Word, Word), Vec<usize>> = BTreeMap::new();
    // Rows that wait for a task in a run.
    let mut waiting: BTreeMap<(Word, Word), Vec<usize>> = BTreeMap::new();
    for instance in &estate.instances {
        let row = instance.row as usize;
        let run = trace.word(&trace.run_id, row);
        rows.entry((run, instance.task)).or_default().push(row);
        let before = upstream.get(&(instance.dag, instance.task)).into_iter().flatten();
        for task in before.filter(|task| **task != instance.task).collect::<BTreeSet<_>>() {
            waiting.entry((run, *task)).or_default().push(row);
        }
    }
    let mut lists: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for ((run, task), after) in waiting {
        let Some(before) = rows.get(&(run, task)) else { continue };
        let trace = &draft.reading.trace;
        let mut ids: BTreeSet<String> = before.iter().map(|row| trace.task_id.get(*row).to_owned()).collect();
        if joins::is_worth(ids.len(), after.len()) {
            let id = format!("{}^end", trace.words.get(task));
            joins::add(draft, &id, before);
            ids = BTreeSet::from([id]);
        }
        for row in after {
            lists.entry(row).or_default().extend(ids.iter().cloned());
        }
    }
    for (row, ids) in lists {
        let list: Vec<_> = ids.iter().map(|id| escape_id(id)).collect();
        draft.word(row, |t| &mut t.depends_on, &list.join(";"));
    }
}
