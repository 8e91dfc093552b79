//! Which pods get the same requests.

use std::collections::BTreeMap;

use crate::trace::{Kind, Trace};

/// What one recommendation is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// All pods of a task of a workflow; a task without a name is known by its id.
    #[default]
    Task,
    /// All pods of an image, whatever they are for.
    Image,
}

/// Pods by (workflow, task), or by ("", image), as rows in file order.
pub(super) type Groups<'t> = BTreeMap<(&'t str, &'t str), Vec<u32>>;

pub(super) fn groups(trace: &Trace, by: By) -> Groups<'_> {
    let mut groups = Groups::new();
    for row in pods(trace) {
        groups.entry(key(trace, by, row)).or_default().push(row as u32);
    }
    groups
}

/// Whether these pods have nothing in common but that nothing is known of what they have in common.
pub(super) fn is_nameless(by: By, key: (&str, &str)) -> bool {
    by == By::Image && key.1.is_empty()
}

fn pods(trace: &Trace) -> impl Iterator<Item = usize> + '_ {
    (0..trace.rows()).filter(|row| trace.kind.get(*row).unwrap_or_default() == Kind::Pod)
}

fn key(trace: &Trace, by: By, row: usize) -> (&str, &str) {
    let word = |column| trace.words.get(trace.word(column, row));
    match by {
        By::Image => ("", word(&trace.image)),
        By::Task => {
            let name = word(&trace.task_name);
            (word(&trace.workflow), if name.is_empty() { trace.task_id.get(row) } else { name })
        }
    }
}
