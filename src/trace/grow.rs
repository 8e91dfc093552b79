//! A trace of more (or fewer) workflow runs than were recorded: what next year may look like.
//!
//! Growth is more runs of the same kind, at the same times of the day and the week: each run of a workflow stands
//! for so many, and the further ones are copies that start between it and the workflow's next run. Sizes,
//! durations and the shape of runs stay as recorded.
//!
//! - **How many.** Of a workflow's runs in order of time, run k (from 0) gives ⌊(k+1)·f⌋ − ⌊k·f⌋ runs for a factor
//!   f: ×2 copies every run, ×1.5 every second one, ×0.5 drops every second one, the first included.
//! - **Which.** The first of them is the original as it stands; copy n is `<run_id>~n`, and so is its pod_name. A pod
//!   without a run is a run by itself (with all its attempts), whose copies are known by their task_id.
//! - **When.** A copy is moved by a draw from [0, time to the workflow's next start), all its times alike. After the
//!   last run the window ends, so its copies are moved back towards the run before it. Where a workflow starts only
//!   once, its copies are moved by at most the length of that run, either way, and start within the window. Runs that
//!   references tie together are moved together, as far as the first of them, so that what waited for nothing before
//!   does not wait for hours now.
//! - **References** within a run mean the copy's own tasks. Those to another run mean its copy of the same number;
//!   without one, the original; where the original is dropped too, they are left out.
//!
//! The window that is billed stays that of the original trace. Whatever the order of its rows, a trace grows into
//! the same rows.

mod rows;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::growth::{nearest, workflows};
use super::{Growth, Trace, Word, canonical_order, split_references};
use crate::error::{Error, Result};
use crate::rng::{Draws, Purpose, key_of};
use crate::units::{Span, Time};

/// Index of a run.
type RunIndex = u32;

/// `trace` with as many runs of each workflow as `growth` says. Files, their side files and all columns are kept;
/// `seed` decides when copies start.
pub fn grow(trace: &Trace, growth: &Growth, seed: u64) -> Result<Trace> {
    let known = workflows(trace);
    if let Some(name) = growth.by_workflow.keys().find(|name| !known.contains(name.as_str())) {
        let message = format!("the trace has no workflow {}, which is to grow", name.escape_debug());
        return Err(Error::usage(message, nearest(name, &known)));
    }
    let order = canonical_order(trace);
    let mut runs = Runs::new(trace, &order);
    runs.count(growth);
    runs.tie();
    let rows = runs.rows(Draws::new(seed))?;
    Ok(runs.gather(&rows))
}

/// A run, or a pod without one.
struct Run<'a> {
    /// The run_id; the task_id of a pod without a run.
    id: &'a str,
    is_lone_pod: bool,
    workflow: Word,
    start: Time,
    end: Time,
    /// How many runs stand for it, itself included.
    copies: u64,
    /// How far its copies may be moved back and forth.
    room: (Span, Span),
    /// The first of the runs that are moved together with it.
    leader: RunIndex,
}

/// A row to come: of which row, of which copy (from 1), and moved by how much.
struct Picked {
    row: u32,
    copy: u64,
    by: Span,
}

struct Runs<'a> {
    trace: &'a Trace,
    list: Vec<Run<'a>>,
    run_of_row: Vec<RunIndex>,
    /// Runs by the word of their run_id; `u32::MAX` where there is none.
    by_word: Vec<RunIndex>,
    /// Pods without a run, by task_id.
    by_task: FxHashMap<&'a str, RunIndex>,
    /// From the first to the last recorded instant.
    window: (Time, Time),
}

impl<'a> Runs<'a> {
    fn new(trace: &'a Trace, order: &[u32]) -> Self {
        let mut runs = Self {
            trace,
            list: Vec::new(),
            run_of_row: vec![u32::MAX; trace.rows()],
            by_word: vec![u32::MAX; trace.words.len()],
            by_task: FxHashMap::default(),
            window: (Time::MAX, Time::MIN),
        };
        for row in order {
            runs.add(*row as usize);
        }
        runs
    }

    fn add(&mut self, row: usize) {
        let trace = self.trace;
        let submit = trace.submit_time.get(row).expect("the reader refuses rows without submit_time");
        let word = trace.word(&trace.run_id, row);
        let task = trace.task_id.get(row);
        let next = self.list.len() as RunIndex;
        let slot = if word.is_empty() {
            self.by_task.entry(task).or_insert(u32::MAX)
        } else {
            &mut self.by_word[word.index()]
        };
        if *slot == u32::MAX {
            *slot = next;
            self.list.push(Run {
                id: if word.is_empty() { task } else { trace.words.get(word) },
                is_lone_pod: word.is_empty(),
                workflow: trace.word(&trace.workflow, row),
                start: submit,
                end: submit,
                copies: 1,
                room: (Span::ZERO, Span::ZERO),
                leader: next,
            });
        }
        let run = *slot;
        self.run_of_row[row] = run;
        let columns =
            [&trace.pod_created_time, &trace.start_time, &trace.end_time, &trace.finish_observed_time];
        let recorded = columns.map(|column| column.get(row));
        let instants = || recorded.into_iter().flatten().chain([submit]);
        let last = instants().max().unwrap_or(submit);
        let first = recorded[0].map_or(submit, |created| created.min(submit));
        self.window = (self.window.0.min(first), self.window.1.max(last));
        let run = &mut self.list[run as usize];
        run.end = run.end.max(last).max(submit + trace.work.get(row).unwrap_or_default());
    }

    /// How many runs stand for each, and between which starts of their workflow its copies have room.
    fn count(&mut self, growth: &Growth) {
        let mut by_workflow: BTreeMap<Word, Vec<RunIndex>> = BTreeMap::new();
        for (index, run) in self.list.iter().enumerate() {
            by_workflow.entry(run.workflow).or_default().push(index as RunIndex);
        }
        for (workflow, mut members) in by_workflow {
            members.sort_by_key(|index| {
                let run = &self.list[*index as usize];
                (run.start, run.id)
            });
            let factor = growth.factor(self.trace.words.get(workflow));
            let mut starts: Vec<Time> =
                members.iter().map(|index| self.list[*index as usize].start).collect();
            starts.dedup();
            for (number, index) in members.into_iter().enumerate() {
                let window = self.window;
                let run = &mut self.list[index as usize];
                run.copies = factor.copies(number as u64);
                let at = starts.partition_point(|start| *start < run.start);
                run.room = if let Some(next) = starts.get(at + 1) {
                    (Span::ZERO, *next - run.start)
                } else if at > 0 {
                    (run.start - starts[at - 1], Span::ZERO)
                } else {
                    let length = run.end - run.start;
                    (length.min(run.start - window.0), length.min(window.1 - run.start))
                };
            }
        }
    }

    /// The run that a reference names; `None` where it names none, or none that is there.
    fn target(&self, run: Option<&str>, task: &str) -> Option<RunIndex> {
        let found = match run? {
            "" => self.by_task.get(task).copied()?,
            id => self.by_word[self.trace.words.find(id)?.index()],
        };
        (found != u32::MAX).then_some(found)
    }

    /// Makes runs that refer to each other one group with the first of them as its leader.
    fn tie(&mut self) {
        let mut leaders: Vec<RunIndex> = (0..self.list.len() as RunIndex).collect();
        for row in 0..self.trace.rows() {
            let run = self.run_of_row[row];
            let list = self.trace.words.get(self.trace.word(&self.trace.depends_on, row));
            for (other, task) in split_references(list) {
                if let Some(other) = self.target(other.as_deref(), &task) {
                    let (a, b) = (find(&mut leaders, run), find(&mut leaders, other));
                    // Runs are numbered in canonical order: the lower one is the first.
                    leaders[a.max(b) as usize] = a.min(b);
                }
            }
        }
        for index in 0..leaders.len() {
            self.list[index].leader = find(&mut leaders, index as RunIndex);
        }
    }

    /// The rows of the grown trace: kept originals in their order, then the copies number by number.
    fn rows(&self, draws: Draws) -> Result<Vec<Picked>> {
        let mut rows = Vec::with_capacity(self.trace.rows());
        let total: u128 = self.run_of_row.iter().map(|run| u128::from(self.list[*run as usize].copies)).sum();
        if total > u128::from(u32::MAX) {
            let hint = "choose smaller factors, or a shorter trace";
            return Err(Error::usage(format!("the grown trace would have {total} rows"), hint));
        }
        let mut left: Vec<u32> = (0..self.trace.rows() as u32).collect();
        for copy in 1.. {
            left.retain(|row| self.list[self.run_of_row[*row as usize] as usize].copies >= copy);
            if left.is_empty() {
                break;
            }
            rows.extend(left.iter().map(|row| {
                let by = self.shift(self.run_of_row[*row as usize], copy, draws);
                Picked { row: *row, copy, by }
            }));
        }
        Ok(rows)
    }

    fn shift(&self, run: RunIndex, copy: u64, draws: Draws) -> Span {
        if copy == 1 {
            return Span::ZERO;
        }
        let leader = &self.list[self.list[run as usize].leader as usize];
        let (back, forth) = (leader.room.0.ms(), leader.room.1.ms());
        let key = key_of(&[self.trace.words.get(leader.workflow), leader.id], copy);
        Span::from_ms(draws.below(Purpose::Growth, key, 0, (back + forth) as u64) as i64 - back)
    }
}

/// The leader of `run`'s group, with the way there made shorter.
fn find(leaders: &mut [RunIndex], mut run: RunIndex) -> RunIndex {
    while leaders[run as usize] != run {
        leaders[run as usize] = leaders[leaders[run as usize] as usize];
        run = leaders[run as usize];
    }
    run
}

#[cfg(test)]
#[path = "grow_tests.rs"]
mod tests;
