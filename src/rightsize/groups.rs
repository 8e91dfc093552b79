//! Which pods get the same requests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::trace::{Kind, Trace};

/// What one recommendation is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// All pods of a task of a workflow; a task without a name is known by its id. What a loop of Digdag's makes of one
    /// task is that one task.
    #[default]
    Task,
    /// All pods of an image, whatever they are for.
    Image,
}

/// (workflow, task), or ("", image).
pub(super) type Key<'t> = (&'t str, Cow<'t, str>);

/// Pods as rows in file order.
pub(super) type Groups<'t> = BTreeMap<Key<'t>, Vec<u32>>;

pub(super) fn groups(trace: &Trace, by: By) -> Groups<'_> {
    let mut groups = Groups::new();
    for row in pods(trace) {
        groups.entry(key(trace, by, row)).or_default().push(row as u32);
    }
    groups
}

/// Whether these pods have nothing in common but that nothing is known of what they have in common.
pub(super) fn is_nameless(by: By, key: &Key) -> bool {
    by == By::Image && key.1.is_empty()
}

fn pods(trace: &Trace) -> impl Iterator<Item = usize> + '_ {
    (0..trace.rows()).filter(|row| trace.kind.get(*row).unwrap_or_default() == Kind::Pod)
}

fn key(trace: &Trace, by: By, row: usize) -> Key<'_> {
    let word = |column| trace.words.get(trace.word(column, row));
    match by {
        By::Image => ("", word(&trace.image).into()),
        By::Task => {
            let name = word(&trace.task_name);
            (word(&trace.workflow), folded(if name.is_empty() { trace.task_id.get(row) } else { name }))
        }
    }
}

/// What marks the tasks that a task made while it ran, in Digdag's full names.
pub(super) const GENERATED: &str = "^sub";

/// `name` with one name for all iterations of a loop: the names that Digdag makes for them hold the values of the
/// loop's variables, `+w+each^sub+for-0=date=0=2026-03-01+run` is `+w+each^sub+for-*+run`. (`ForEachOperatorFactory`,
/// `LoopOperatorFactory` and `ForRangeOperatorFactory` of `digdag-standards`.)
fn folded(name: &str) -> Cow<'_, str> {
    let mut folded = String::new();
    let mut rest = name;
    while let Some(at) = rest.find(GENERATED).map(|at| at + GENERATED.len()) {
        let (before, after) = rest.split_at(at);
        folded.push_str(before);
        rest = after;
        let Some(part) = after.strip_prefix('+') else { continue };
        let end = part.find(['+', '^']).unwrap_or(part.len());
        if let Some(kind) = loop_of(&part[..end]) {
            folded.push('+');
            folded.push_str(kind);
            folded.push_str("-*");
            rest = &part[end..];
        }
    }
    if folded.is_empty() {
        return name.into();
    }
    folded.push_str(rest);
    folded.into()
}

/// The loop that made a part of a name. A number is all that `loop>` adds; a task may be called `+loop-back`.
fn loop_of(part: &str) -> Option<&'static str> {
    let (kind, value) = part.split_once('-')?;
    let kind = ["for", "range", "loop"].into_iter().find(|known| *known == kind)?;
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let is_generated = if kind == "loop" { is_number } else { value.contains('=') };
    is_generated.then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterations_of_a_loop_are_one_task() {
        let cases = [
            ("+w+each^sub+for-0=date=0=2026-03-01-0+run", "+w+each^sub+for-*+run"),
            ("+w+each^sub+for-0=date=1=2026-03-02&1=n=0=a+run", "+w+each^sub+for-*+run"),
            ("+w+each^sub+for-0=date=0=2026-03-01", "+w+each^sub+for-*"),
            ("+w+again^sub+loop-17+a+b", "+w+again^sub+loop-*+a+b"),
            ("+w+hours^sub+range-from=0&to=10+load", "+w+hours^sub+range-*+load"),
            // A loop in a loop, with and without a task between them.
            ("+w+a^sub+loop-1+b^sub+for-0=x=0=y+run", "+w+a^sub+loop-*+b^sub+for-*+run"),
            ("+w+a^sub+loop-1^sub+loop-2+run", "+w+a^sub+loop-*^sub+loop-*+run"),
            // Folded is folded; what no loop made keeps its name.
            ("+w+each^sub+for-*+run", "+w+each^sub+for-*+run"),
            ("+w+call^sub+load", "+w+call^sub+load"),
            ("+w+call^sub+loop-back+for-all", "+w+call^sub+loop-back+for-all"),
            ("+w+loop-1+run", "+w+loop-1+run"),
            ("+w^sub", "+w^sub"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(folded(name), expected, "{name}");
        }
    }
}
