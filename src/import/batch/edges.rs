//! What jobs wait for, when all of them are known: an array stands for its children, wherever they are listed, and these
//! wait for what it waits for. Where many wait for all children of an array, a row stands between (see `joins`).

use std::collections::{BTreeMap, BTreeSet};

use super::super::draft::Draft;
use super::super::joins;
use crate::trace::{Trace, escape_id};
use crate::units::Time;

/// Settles what jobs wait for, and how long those ran that still do.
pub(in crate::import) fn finish(draft: &mut Draft) {
    super::nodes(draft);
    let mut estate = std::mem::take(&mut draft.batch);
    for row in &estate.running {
        draft.trace().end_time.set(*row as usize, estate.last);
    }
    for (parent, waits) in &estate.parents {
        for (index, child) in &estate.children[parent] {
            let row = estate.rows[child];
            let inherited = waits.iter().map(|(id, kind)| (row, Some(*index), id.clone(), kind.clone()));
            estate.waits.extend(inherited);
        }
    }
    // Jobs that wait for each other, directly or not, are one run, called by the first of them.
    let ids: BTreeMap<u32, &str> = estate.rows.iter().map(|(id, row)| (*row, id.as_str())).collect();
    let Edges { mut jobs, arrays, lost } = edges(&estate, &ids);
    let mut groups = Groups::default();
    for (row, targets) in &jobs {
        for target in targets {
            groups.join(*row, estate.rows[*target]);
        }
    }
    let mut between = Vec::new();
    for (array, waiting) in arrays {
        let children = estate.children[array].values();
        let rows: Vec<u32> = children.clone().map(|id| estate.rows[id]).collect();
        for row in rows.iter().chain(&waiting) {
            groups.join(rows[0], *row);
        }
        if joins::is_worth(rows.len(), waiting.len()) {
            between.push((array, rows, waiting));
        } else {
            for row in waiting {
                jobs.entry(row).or_default().extend(children.clone().map(String::as_str));
            }
        }
    }
    // The nodes of a job are one run.
    for (parent, children) in &estate.children {
        let nodes = children.values().filter(|id| id.starts_with(parent.as_str()) && id.contains('#'));
        let mut rows = nodes.map(|id| estate.rows[id]);
        if let Some(first) = rows.next() {
            rows.for_each(|row| groups.join(first, row));
        }
    }
    for first in ids.keys() {
        let run = ids[&groups.root(*first)];
        for row in attempts(draft.trace(), *first as usize) {
            draft.word(row, |t| &mut t.run_id, run);
        }
    }
    // Of each row: when the last join before it ends, and its id.
    let mut joined: BTreeMap<u32, Vec<(Option<Time>, String)>> = BTreeMap::new();
    for (array, rows, waiting) in between {
        let before: Vec<usize> = rows.iter().flat_map(|row| attempts(draft.trace(), *row as usize)).collect();
        let id = format!("{array}^end");
        let join = joins::add(draft, &id, &before);
        let end = draft.trace().end_time.get(join);
        for row in waiting {
            joined.entry(row).or_default().push((end, id.clone()));
            jobs.entry(row).or_default();
        }
    }
    for (row, targets) in jobs {
        let joined = joined.remove(&row).unwrap_or_default();
        let trace = draft.trace();
        let ends = targets.iter().filter_map(|id| {
            attempts(trace, estate.rows[*id] as usize).filter_map(|row| trace.end_time.get(row)).max()
        });
        let last = ends.chain(joined.iter().filter_map(|(end, _)| *end)).max();
        eligible(row as usize, last, trace);
        let ids = targets.iter().copied().chain(joined.iter().map(|(_, id)| id.as_str()));
        let list: Vec<_> = ids.map(escape_id).collect();
        draft.word(row as usize, |t| &mut t.depends_on, &list.join(";"));
    }
    if lost > 0 {
        let jobs = if lost == 1 { "job" } else { "jobs" };
        draft.notes.push(format!(
            "{lost} {jobs} of AWS Batch wait for one that no file tells of: they start as recorded"
        ));
    }
}

struct Edges<'e> {
    /// Of each row, the single jobs that it waits for.
    jobs: BTreeMap<u32, BTreeSet<&'e str>>,
    /// Of each array with children, the rows that wait for all of it.
    arrays: BTreeMap<&'e str, BTreeSet<u32>>,
    /// Jobs that are waited for, and not known.
    lost: u64,
}

fn edges<'e>(estate: &'e super::Estate, ids: &BTreeMap<u32, &'e str>) -> Edges<'e> {
    let mut edges = Edges { jobs: BTreeMap::new(), arrays: BTreeMap::new(), lost: 0 };
    for (row, index, id, kind) in &estate.waits {
        let targets = edges.jobs.entry(*row).or_default();
        match (kind.as_str(), index, estate.children.get(id)) {
            // Each child waits for the one of the same index; with no id, for the one before it.
            ("N_TO_N", Some(index), Some(children)) => {
                targets.extend(children.get(index).map(String::as_str));
            }
            ("SEQUENTIAL", Some(index), _) => {
                let parent = ids[row].rsplit_once(':').map(|(parent, _)| parent);
                let siblings = parent.and_then(|parent| estate.children.get(parent));
                let previous = siblings.and_then(|children| children.range(..*index).next_back());
                targets.extend(previous.map(|(_, id)| id.as_str()));
            }
            (_, _, Some(children)) if !children.is_empty() => {
                edges.arrays.entry(id).or_default().insert(*row);
            }
            _ if estate.rows.contains_key(id) => {
                targets.insert(id);
            }
            _ => edges.lost += 1,
        }
    }
    edges
}

/// The rows of all attempts of a job: they follow the first one.
fn attempts(trace: &Trace, first: usize) -> std::ops::Range<usize> {
    let task = trace.task_id.get(first);
    let end = (first..trace.rows()).find(|row| trace.task_id.get(*row) != task);
    first..end.unwrap_or(trace.rows())
}

/// Jobs are created together: one that waits for others is eligible when the last of them has ended.
fn eligible(row: usize, last: Option<Time>, trace: &mut Trace) {
    let (Some(last), Some(created)) = (last, trace.submit_time.get(row)) else {
        return;
    };
    let start = trace.start_time.get(row).unwrap_or(last);
    trace.submit_time.set(row, last.min(start).max(created));
}

/// Sets of rows that belong together; each is called by its smallest.
#[derive(Default)]
struct Groups {
    parent: BTreeMap<u32, u32>,
}

impl Groups {
    fn root(&mut self, row: u32) -> u32 {
        let mut root = row;
        while let Some(up) = self.parent.get(&root).filter(|up| **up != root) {
            root = *up;
        }
        let mut at = row;
        while at != root {
            at = self.parent.insert(at, root).unwrap_or(root);
        }
        root
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.parent.insert(a.max(b), a.min(b));
        }
    }
}
