//! What jobs wait for, when all of them are known: an array stands for its children, wherever they are listed.

use std::collections::BTreeMap;

use super::super::draft::Draft;
use crate::trace::{Trace, escape_id};

/// Settles what jobs wait for, and how long those ran that still do.
pub(in crate::import) fn finish(draft: &mut Draft) {
    let estate = std::mem::take(&mut draft.batch);
    for row in estate.running {
        draft.trace().end_time.set(row as usize, estate.last);
    }
    // Jobs that wait for each other, directly or not, are one run, called by the first of them.
    let mut edges: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    let mut lost = 0_u64;
    let ids: BTreeMap<u32, &str> = estate.rows.iter().map(|(id, row)| (*row, id.as_str())).collect();
    for (row, index, id, kind) in &estate.waits {
        let targets = edges.entry(*row).or_default();
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
                targets.extend(children.values().map(String::as_str));
            }
            _ if estate.rows.contains_key(id) => targets.push(id),
            _ => lost += 1,
        }
    }
    let mut groups = Groups::default();
    for (row, targets) in &edges {
        for target in targets {
            groups.join(*row, estate.rows[*target]);
        }
    }
    for (first, id) in &ids {
        let run = ids[&groups.root(*first)];
        // All attempts of the job follow its first row.
        let mut row = *first as usize;
        while row < draft.trace().rows() && draft.trace().task_id.get(row) == *id {
            draft.word(row, |t| &mut t.run_id, run);
            row += 1;
        }
    }
    for (row, mut targets) in edges {
        targets.sort_unstable();
        targets.dedup();
        eligible(row as usize, targets.iter().map(|id| estate.rows[*id] as usize), draft.trace());
        let list: Vec<_> = targets.iter().map(|id| escape_id(id)).collect();
        draft.word(row as usize, |t| &mut t.depends_on, &list.join(";"));
    }
    if lost > 0 {
        let jobs = if lost == 1 { "job" } else { "jobs" };
        draft.notes.push(format!(
            "{lost} {jobs} of AWS Batch wait for one that no file tells of: they start as recorded"
        ));
    }
}

/// Jobs are created together: one that waits for others is eligible when the last of them has ended.
fn eligible(row: usize, before: impl Iterator<Item = usize>, trace: &mut Trace) {
    let end = |first: usize| {
        let task = trace.task_id.get(first);
        let attempts = (first..trace.rows()).take_while(|row| trace.task_id.get(*row) == task);
        attempts.filter_map(|row| trace.end_time.get(row)).max()
    };
    let (Some(last), Some(created)) = (before.filter_map(end).max(), trace.submit_time.get(row)) else {
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
