//! What importers fill while files are read, and what is settled when all of them are.

use std::collections::BTreeMap;

use super::evidence::Span;
use super::pods::Pods;
use super::{Format, airflow, batch, digdag};
use crate::error::{Diagnostic, Diagnostics, Error, Result};
use crate::trace::{Column, Place, Reading, Trace, Word};

/// A trace in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub reading: Reading,
    /// The file being read: its index in [`Trace::files`].
    pub file: u32,
    /// Attempts and tasks, which several files tell of.
    pub digdag: digdag::Estate,
    /// Task instances and the tasks of their DAGs, which come in different files.
    pub airflow: airflow::Estate,
    /// Jobs that wait for each other across pages.
    pub batch: batch::Estate,
    /// What metrics and pod objects tell of pods, to be joined to rows when all files are read.
    pub pods: Pods,
    /// Rows of which the orchestrator's side only is known so far.
    pub spans: Vec<Span>,
    /// What was not made a row, by format and reason.
    pub dropped: BTreeMap<(Format, &'static str), u64>,
    /// What the user should know, a line each.
    pub notes: Vec<String>,
    pub errors: Diagnostics,
}

impl Draft {
    pub fn trace(&mut self) -> &mut Trace {
        &mut self.reading.trace
    }

    /// Appends a row that stands on `line` of the current file (0 if lines mean nothing there); gives its index.
    pub fn row(&mut self, line: u64, task_id: &str) -> usize {
        let place = Place { file: self.file, line: u32::try_from(line).unwrap_or(u32::MAX) };
        self.row_at(place, task_id)
    }

    /// The same for what was read before.
    pub fn row_at(&mut self, place: Place, task_id: &str) -> usize {
        let trace = self.trace();
        trace.task_id.push(task_id);
        trace.place.push(place);
        trace.rows() - 1
    }

    /// Sets a text; the empty text is none.
    pub fn word(&mut self, row: usize, column: fn(&mut Trace) -> &mut Column<Word>, text: &str) {
        if !text.is_empty() {
            let trace = self.trace();
            let word = trace.words.intern(text);
            column(trace).set(row, word);
        }
    }

    /// Counts something that is no row.
    pub fn drop(&mut self, format: Format, reason: &'static str) {
        *self.dropped.entry((format, reason)).or_default() += 1;
    }

    /// Keeps what is wrong with a file, so that the next one is read too; other errors end the reading.
    pub fn collect(&mut self, read: Result<()>) -> Result<()> {
        match read {
            Err(Error::Input(found)) => self.errors.append(found),
            other => return other,
        }
        Ok(())
    }

    pub fn error(&mut self, diagnostic: Diagnostic) {
        self.errors.push(diagnostic);
    }
}
