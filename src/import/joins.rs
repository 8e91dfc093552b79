//! Rows that stand between many others: a thousand tasks waiting for a thousand others would be a million edges. Where
//! there would be more than [`MANY`], a control row that takes no time stands between: it waits for the ones, and the
//! others wait for it.

use std::collections::BTreeSet;

use super::draft::Draft;
use crate::trace::{Column, Kind, State, Trace, Word, escape_id};
use crate::units::Span;

/// Edges between the same two sets of rows from which on a row is put between them.
pub(super) const MANY: usize = 64;

/// Whether the edges from each of `before` tasks to each of `after` tasks are worth a row between them.
pub(super) fn is_worth(before: usize, after: usize) -> bool {
    before > 1 && after > 1 && before.saturating_mul(after) > MANY
}

/// Appends the row `id` of the same run, which ends when the last of the rows `before` does; there must be some. Gives its
/// index.
pub(super) fn add(draft: &mut Draft, id: &str, before: &[usize]) -> usize {
    let like = before[0];
    let place = draft.trace().place[like];
    let row = draft.row_at(place, id);
    let trace = draft.trace();
    let ids: BTreeSet<&str> = before.iter().map(|row| trace.task_id.get(*row)).collect();
    let list: Vec<_> = ids.into_iter().map(escape_id).collect();
    let list = list.join(";");
    let columns: [fn(&mut Trace) -> &mut Column<Word>; 4] =
        [|t| &mut t.run_id, |t| &mut t.workflow, |t| &mut t.project, |t| &mut t.namespace];
    for column in columns {
        if let Some(word) = column(trace).get(like) {
            column(trace).set(row, word);
        }
    }
    if let Some(time) = trace.session_time.get(like) {
        trace.session_time.set(row, time);
    }
    if let Some(time) = trace.schedule_time.get(like) {
        trace.schedule_time.set(row, time);
    }
    trace.kind.set(row, Kind::Control);
    trace.trigger_delay.set(row, Span::ZERO);
    let ended = |row: &usize| trace.finish_observed_time.get(*row).or(trace.end_time.get(*row));
    if let Some(at) = before.iter().filter_map(ended).max() {
        trace.submit_time.set(row, at);
        trace.state.set(row, State::Succeeded);
        trace.start_time.set(row, at);
        trace.end_time.set(row, at);
        trace.finish_observed_time.set(row, at);
    } else {
        // Nothing of it ever ran.
        let at = before.iter().filter_map(|row| trace.submit_time.get(*row)).max().unwrap_or_default();
        trace.submit_time.set(row, at);
        trace.state.set(row, State::Skipped);
    }
    draft.word(row, |t| &mut t.depends_on, &list);
    row
}
