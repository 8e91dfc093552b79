//! Finds the tries of a task by run and name.
//!
//! A table of strings for a million tasks would cost more than the tasks: a sorted list of hashes does, and texts
//! settle what hashes cannot.

use super::StepId;
use crate::rng::key_of;
use crate::trace::{Trace, Word};

/// The tries of each task, found by a sorted list of keys instead of a table of strings.
pub(super) struct Tasks<'a> {
    trace: &'a Trace,
    rows: &'a [u32],
    /// (key of run and task, attempt, step), sorted.
    tries: Vec<(u64, u32, StepId)>,
}

impl<'a> Tasks<'a> {
    pub fn new(trace: &'a Trace, rows: &'a [u32]) -> Self {
        let mut tries: Vec<(u64, u32, StepId)> = (0..rows.len() as StepId)
            .map(|step| {
                let row = rows[step as usize] as usize;
                let key = Self::key(trace, trace.word(&trace.run_id, row), trace.task_id.get(row));
                (key, trace.attempt.get(row).unwrap_or(1), step)
            })
            .collect();
        tries.sort_unstable();
        Self { trace, rows, tries }
    }

    fn key(trace: &Trace, run: Word, task: &str) -> u64 {
        key_of(&[trace.words.get(run), task], 0)
    }

    /// The tries of a task, in order. Keys that collide are told apart by their texts.
    fn tries(&self, run: Word, task: &str) -> impl DoubleEndedIterator<Item = StepId> {
        let key = Self::key(self.trace, run, task);
        let start = self.tries.partition_point(|t| t.0 < key);
        let end = self.tries.partition_point(|t| t.0 <= key);
        self.tries[start..end].iter().map(|t| t.2).filter(move |step| {
            let row = self.rows[*step as usize] as usize;
            self.trace.task_id.get(row) == task && self.trace.word(&self.trace.run_id, row) == run
        })
    }

    pub fn last_try(&self, run: Word, task: &str) -> Option<StepId> {
        self.tries(run, task).next_back()
    }

    pub fn previous_try(&self, run: Word, task: &str, step: StepId) -> Option<StepId> {
        self.tries(run, task).take_while(|other| *other != step).last()
    }
}
