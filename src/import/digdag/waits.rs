//! Waits for other runs, which can be settled only when all runs are known.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::estate::{Estate, Later, plural};
use super::pods::Role;
use crate::import::draft::Draft;
use crate::import::evidence::PodKey;
use crate::trace::{State, escape_id};
use crate::units::{Span, Time};

/// Edges of one wait from which on the rows that it waits for are joined.
const MANY: usize = 8;

/// A row that waits for another run.
pub(super) struct Wait {
    pub row: u32,
    pub queued: Time,
    pub ended: Time,
    pub attempt: Option<u64>,
    pub session: Option<u64>,
}

/// A wait for another run ends when that run does, if that is in the export; else it took what it took.
pub(super) fn settle(estate: &mut Estate, draft: &mut Draft) {
    let mut sessions: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (id, done) in &estate.done {
        if let Some(session) = done.attempt.session {
            sessions.entry(session).or_default().push(*id);
        }
    }
    let mut joined: BTreeMap<u64, u32> = BTreeMap::new();
    let mut elsewhere = 0u64;
    for wait in std::mem::take(&mut estate.waits) {
        let of_session = wait.session.and_then(|session| sessions.get(&session));
        let candidates = wait.attempt.as_slice().iter().chain(of_session.into_iter().flatten());
        let target = candidates
            .filter_map(|id| Some((*id, estate.done.get(id)?)))
            .filter(|(_, done)| !done.is_running && !done.lasts.is_empty() && done.end <= wait.ended)
            .max_by_key(|(id, done)| (done.end, *id));
        let Some((id, done)) = target else {
            elsewhere += 1;
            continue;
        };
        let rows = estate.lasts[done.lasts.start as usize..done.lasts.end as usize].to_vec();
        let rows = if rows.len() > MANY {
            vec![*joined.entry(id).or_insert_with(|| join_run(draft, &rows))]
        } else {
            rows
        };
        wait_for(draft, &wait, &rows);
    }
    if elsewhere > 0 {
        draft.notes.push(format!(
            "{} for runs that are not in the export, or had not ended by then: as long as recorded",
            plural(elsewhere, "wait")
        ));
    }
}

/// One row that ends when the last of `rows`, the last ones of a run, does.
fn join_run(draft: &mut Draft, rows: &[u32]) -> u32 {
    let first = rows[0] as usize;
    let trace = draft.trace();
    let at = rows.iter().filter_map(|row| trace.finish_observed_time.get(*row as usize)).max();
    let ids: Vec<&str> = rows.iter().map(|row| trace.task_id.get(*row as usize)).collect();
    let list = ids.join(";");
    let (place, run, workflow) = (trace.place[first], trace.run_id.get(first), trace.workflow.get(first));
    let row = draft.row_at(place, "^end");
    let trace = draft.trace();
    let list = trace.words.intern(&list);
    trace.depends_on.set(row, list);
    trace.run_id.set(row, run.unwrap_or_default());
    if let Some(workflow) = workflow {
        trace.workflow.set(row, workflow);
    }
    let at = at.unwrap_or_default();
    trace.submit_time.set(row, at);
    trace.trigger_delay.set(row, Span::ZERO);
    trace.finish_observed_time.set(row, at);
    trace.state.set(row, State::Succeeded);
    Later { row: row as u32, queued: at, ended: Some(at), key: PodKey::None, role: Role::Control }
        .step(draft, at);
    row as u32
}

/// The wait begins anew when the run that it waits for has ended: what is left is how long that took to be noticed.
fn wait_for(draft: &mut Draft, wait: &Wait, rows: &[u32]) {
    let row = wait.row as usize;
    let trace = draft.trace();
    let noticed = rows.iter().filter_map(|row| trace.finish_observed_time.get(*row as usize)).max();
    let Some(noticed) = noticed.filter(|noticed| *noticed <= wait.ended) else { return };
    let mut list = trace.words.get(trace.word(&trace.depends_on, row)).to_owned();
    for before in rows {
        let before = *before as usize;
        let run = trace.words.get(trace.word(&trace.run_id, before));
        if !list.is_empty() {
            list.push(';');
        }
        let _ = write!(list, "{}/{}", escape_id(run), trace.task_id.get(before));
    }
    let list = trace.words.intern(&list);
    let begin = wait.queued.max(noticed);
    // What was waited for before has ended by `queued`, less the delay that was set for it.
    let before = trace.trigger_delay.get(row).map_or(Time::MIN, |delay| wait.queued - delay);
    trace.depends_on.set(row, list);
    trace.submit_time.set(row, begin);
    trace.trigger_delay.set(row, begin - noticed.max(before));
    trace.start_time.set(row, begin);
}
