//! From what is known of one pod to its times: the best evidence for each end of its work, a model where there is none.
//!
//! Pure arithmetic on one row; `docs/evidence.md` tells the same as a table.

use crate::trace::WorkMethod;
use crate::units::{Span, Time};

/// Work is at least this much: what is left after subtractions may be nothing, but something ran.
pub(super) const FLOOR: Span = Span::from_secs(1);

/// What a source saw of a pod. Metrics see it at points only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub created: Option<Time>,
    pub scheduled: Option<Time>,
    pub started: Option<Time>,
    pub ended: Option<Time>,
    pub points: Option<Points>,
}

/// First and last point at which metrics saw the pod alive, and the time between two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Points {
    pub first: Time,
    pub last: Time,
    pub step: Span,
}

/// What the orchestrator saw of the task, and what is assumed of its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Around {
    pub queued: Time,
    pub observed: Time,
    /// From `queued` to the pod's creation, where the pod does not say it.
    pub agent_wait: Span,
    /// From creation to the container running; `None` if nothing is known of it.
    pub start_up: Option<Span>,
    /// From the end of the container to `observed`.
    pub lag: Span,
}

/// The times of one row: `created` ≤ `started` ≤ `ended` ≤ `observed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub created: Time,
    pub started: Time,
    pub ended: Time,
    pub observed: Time,
    pub work: Span,
    pub method: WorkMethod,
    /// Less than [`FLOOR`] was left.
    pub at_floor: bool,
}

/// How an end of the work was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Seen,
    Points,
    Model,
}

/// The life of a task's pod within what the orchestrator saw.
pub(super) fn within(seen: &Seen, around: &Around) -> Life {
    let Around { queued, start_up, lag, .. } = *around;
    let observed = around.observed.max(queued);
    let created = seen.created.unwrap_or(queued + around.agent_wait).clamp(queued, observed);
    let whole = observed - created;
    // What does not fit between creation and observation is taken off the lag first, then off the start-up.
    let lag = lag.min((whole - FLOOR).max(Span::ZERO));
    let (end_grade, ended) = end(seen).unwrap_or((Grade::Model, observed - lag));
    let (start_grade, started) = start(seen).unwrap_or_else(|| {
        let earliest = created + start_up.unwrap_or_default();
        (Grade::Model, seen.scheduled.map_or(earliest, |scheduled| scheduled.max(earliest)))
    });
    let measured = (ended - started).max(Span::ZERO);
    let grade = start_grade.max(end_grade);
    // Clocks differ by a little: times are kept in order, the work that was measured stays.
    let ended = ended.clamp(created, observed);
    let started = started.clamp(created, ended);
    if grade != Grade::Model {
        let method = if grade == Grade::Seen { WorkMethod::PodStatus } else { WorkMethod::MetricBounds };
        let work = if grade == Grade::Seen { measured } else { ended - started };
        return Life { created, started, ended, observed, work, method, at_floor: false };
    }
    let method = match start_up {
        None if start_grade == Grade::Model => WorkMethod::RawSpan,
        _ => WorkMethod::ModelSubtracted,
    };
    let at_floor = ended - started < FLOOR;
    let started = if at_floor { (ended - FLOOR).max(created).min(started) } else { started };
    let work = (ended - started).max(FLOOR);
    Life { created, started, ended, observed, work, method, at_floor }
}

/// The life of a pod that no task is known of; `None` if it never ran or too little is known.
pub(super) fn alone(seen: &Seen, deleted: Option<Time>) -> Option<Life> {
    let from_points = seen.points.is_some();
    let (start_grade, started, ended, method) = match (start(seen), end(seen).or(deleted_end(seen, deleted)))
    {
        (Some((start_grade, started)), Some((end_grade, ended))) => {
            let method = match start_grade.max(end_grade) {
                Grade::Seen => WorkMethod::PodStatus,
                Grade::Points => WorkMethod::MetricBounds,
                Grade::Model => WorkMethod::ScheduledToDeleted,
            };
            (start_grade, started, ended, method)
        }
        // Without any sight of the container the pod's own object bounds it.
        (None, _) if !from_points => match (seen.scheduled, seen.created, seen.ended.or(deleted)) {
            (Some(scheduled), _, Some(end)) => (Grade::Seen, scheduled, end, WorkMethod::ScheduledToDeleted),
            (None, Some(created), Some(end)) => (Grade::Seen, created, end, WorkMethod::RawSpan),
            _ => return None,
        },
        _ => return None,
    };
    let created = seen.created.or(seen.scheduled).unwrap_or(started);
    let started = if start_grade == Grade::Points { started.max(created) } else { started };
    let ended = ended.max(started);
    let work = ended - started;
    Some(Life {
        created: created.min(started),
        started,
        ended,
        observed: ended,
        work,
        method,
        at_floor: false,
    })
}

/// n points at step g bound the work to between (n − 1)·g and (n + 1)·g: half a step is added at either end.
fn start(seen: &Seen) -> Option<(Grade, Time)> {
    let at_point = |points: Points| (Grade::Points, points.first - half(points.step));
    seen.started.map(|time| (Grade::Seen, time)).or(seen.points.map(at_point))
}

fn end(seen: &Seen) -> Option<(Grade, Time)> {
    let at_point = |points: Points| (Grade::Points, points.last + half(points.step));
    seen.ended.map(|time| (Grade::Seen, time)).or(seen.points.map(at_point))
}

/// A pod that was deleted ran until then at most.
fn deleted_end(seen: &Seen, deleted: Option<Time>) -> Option<(Grade, Time)> {
    deleted.filter(|_| seen.started.is_some()).map(|time| (Grade::Model, time))
}

fn half(step: Span) -> Span {
    Span::from_ms(step.ms() / 2)
}

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
