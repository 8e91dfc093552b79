//! How long a task's container really ran: from the best evidence that there is.
//!
//! Orchestrators know when a task was queued and seen to end; metrics and pod objects know when its container ran.
//! Pods are found for tasks ([`join`]), what nobody measured is fitted to the trace ([`calibrate`]), and each row gets
//! its times from what is then known ([`ladder`]). Pods of no task become rows of their own ([`own_rows`]).

mod calibrate;
mod checks;
mod join;
mod ladder;
mod own_rows;
mod pod_columns;
mod retries;
mod sensitivity;

pub use join::pattern as pod_pattern;
pub use sensitivity::{Shift, is_weak, shifted};

use calibrate::{Fit, Sample};
use join::{Join, NamedPod};
use ladder::{Around, Points, Seen};

use super::Options;
use super::draft::Draft;
use crate::report::plural;
use crate::trace::{Column, Kind, SourcePlatform, StartUpSource, State, Trace, Word};
use crate::units::{Span as Duration, Time};

/// What is known of the platform on which a trace was recorded, to find work where only the orchestrator's times are
/// known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceModel {
    /// From the orchestrator's queue to the creation of the pod.
    pub agent_wait: Duration,
    /// From the creation of the pod to its container running; fitted to the trace, or of the platform, if `None`.
    pub start_up: Option<Duration>,
    /// From the end of the container to the orchestrator noticing it.
    pub detection_lag: Duration,
}

impl Default for SourceModel {
    fn default() -> Self {
        Self { agent_wait: Duration::ZERO, start_up: None, detection_lag: Duration::from_secs(6) }
    }
}

/// A row of which the orchestrator's side is known. What its columns already have (`pod_created_time`, `start_time`,
/// `end_time`, `finish_observed_time`) stays; the rest is to be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub row: u32,
    /// When the orchestrator queued the task or created the pod.
    pub queued: Time,
    /// When the orchestrator saw its end.
    pub observed: Time,
    /// When the task's log begins, if that is known: then an agent took it.
    pub first_log: Option<Time>,
    pub pod: PodKey,
}

/// How to find the pod of a row among those that metrics tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PodKey {
    /// By its name.
    Name(Word),
    /// By the id of its Digdag task, which is part of the pod's name.
    DigdagTask(u64),
    None,
}

/// One try of a task with the pod that ran it, if that is known.
#[derive(Clone, Copy, Debug)]
struct Try {
    row: usize,
    queued: Time,
    observed: Time,
    first_log: Option<Time>,
    /// `pod_created_time` is only the first that was seen of the pod: nothing is to be learned from it.
    created_is_guess: bool,
    pod: Option<usize>,
}

/// Points further apart say too little of a start-up.
const CLOSE_POINTS: Duration = Duration::from_secs(60);
/// Fewer lines than there may be images.
const START_UPS_SHOWN: usize = 5;

/// Joins pods to rows and gives every row its times.
pub(super) fn resolve(draft: &mut Draft, options: &Options) {
    let spans = std::mem::take(&mut draft.spans);
    let pods: Vec<NamedPod> = std::mem::take(&mut draft.pods)
        .seen
        .into_iter()
        .map(|((namespace, name), seen)| NamedPod { namespace, name, seen })
        .collect();
    let join = join::join(draft.trace(), &spans, &pods, options.pod_pattern.as_ref());
    let mut differing = 0;
    for (row, pod) in &join.of_row {
        differing += u64::from(pod_columns::fill(draft, *row as usize, &pods[*pod]));
    }
    let tries = retries::tries(draft, &spans, &pods, &join, options.model.detection_lag);
    for one in &tries {
        if let Some(pod) = one.pod {
            differing += u64::from(pod_columns::fill(draft, one.row, &pods[pod]));
        }
    }
    own_rows::leftovers(draft, &tries, &pods);
    own_rows::unmatched(draft, &join.unmatched, &pods);
    fill_platforms(draft.trace(), options.source_platform);
    find_times(draft, &tries, &join, &pods, options);
    count_joins(draft, &join);
    if differing > 0 {
        let what = plural(differing, "pod");
        draft.notes.push(format!(
            "{what} asked for other requests than the configuration of the task says: the pods' are used"
        ));
    }
    checks::check(draft);
}

fn count_joins(draft: &mut Draft, join: &Join) {
    let evidence = &mut draft.trace().evidence;
    evidence.joined = (join.of_span.values().map(Vec::len).sum::<usize>() + join.of_row.len()) as u64;
    evidence.ambiguous = join.ambiguous;
    let (own, ambiguous) = (evidence.own_rows, evidence.ambiguous);
    if own > 0 && evidence.joined > 0 {
        draft.notes.push(format!("{} of no known task are rows of their own", plural(own, "pod")));
    }
    if ambiguous > 0 {
        let what = plural(ambiguous, "pod");
        draft
            .notes
            .push(format!("{what} would fit several tasks, and were joined to none: see --pod-pattern"));
    }
}

/// What nobody says of a row is what its side file says, and then the user.
fn fill_platforms(trace: &mut Trace, given: Option<SourcePlatform>) {
    for row in 0..trace.rows() {
        if trace.source_platform.get(row).is_none() {
            let file = &trace.files[trace.place[row].file as usize];
            if let Some(platform) = file.meta.source_platform.or(given) {
                trace.source_platform.set(row, platform);
            }
        }
    }
}

/// What a row's columns and its pod say of its times.
fn seen(trace: &Trace, row: usize, pod: Option<&NamedPod>) -> Seen {
    let pod = pod.map(|pod| pod_seen(&pod.seen)).unwrap_or_default();
    Seen {
        created: trace.pod_created_time.get(row).or(pod.created),
        scheduled: trace.scheduled_time.get(row).or(pod.scheduled),
        started: trace.start_time.get(row).or(pod.started),
        ended: trace.end_time.get(row).or(pod.ended),
        points: pod.points,
    }
}

fn pod_seen(pod: &super::pods::PodSeen) -> Seen {
    let points = |(first, last)| Points { first, last, step: pod.step.unwrap_or_default() };
    Seen {
        created: pod.created,
        scheduled: pod.scheduled,
        started: pod.started,
        ended: pod.ended,
        points: pod.first_point.zip(pod.last_point).map(points),
    }
}

fn find_times(draft: &mut Draft, tries: &[Try], join: &Join, pods: &[NamedPod], options: &Options) {
    let model = options.model;
    let trace = draft.trace();
    let is_replayed = |row: usize| !matches!(trace.state.get(row), Some(State::Pending | State::Skipped));
    let is_pod = |row: usize| trace.kind.get(row).unwrap_or_default() == Kind::Pod;
    let arounds: Vec<(Try, Seen, Around)> = tries
        .iter()
        .filter(|one| is_replayed(one.row))
        .map(|one| {
            let seen = seen(trace, one.row, one.pod.map(|pod| &pods[pod]));
            let waited = one.first_log.map(|log| (log - one.queued).max(Duration::ZERO));
            let state = trace.state.get(one.row);
            // The orchestrator itself ends what it cancels, and the trace ends what still ran.
            let at_once = matches!(state, Some(State::Canceled | State::Running));
            let around = Around {
                queued: one.queued,
                observed: trace.finish_observed_time.get(one.row).unwrap_or(one.observed),
                agent_wait: waited.unwrap_or(model.agent_wait),
                start_up: None,
                lag: if at_once { Duration::ZERO } else { model.detection_lag },
            };
            (*one, seen, around)
        })
        .collect();
    let image = |row: usize| trace.word(&trace.image, row);
    let measured = |seen: &Seen| {
        let span = seen.started? - seen.created?;
        (span >= Duration::ZERO).then_some(span)
    };
    let bounded = |seen: &Seen| {
        let (created, points) = (seen.created?, seen.points?);
        let is_close = points.step > Duration::ZERO && points.step <= CLOSE_POINTS;
        let half_step = Duration::from_ms(points.step.ms() / 2);
        (seen.started.is_none() && is_close && points.first >= created)
            .then(|| (points.first - half_step - created).max(Duration::ZERO))
    };
    let mut samples: Vec<Sample> = Vec::new();
    for (one, seen, around) in arounds.iter().filter(|(one, ..)| is_pod(one.row)) {
        let succeeded = matches!(trace.state.get(one.row), None | Some(State::Succeeded));
        let created = seen.created.unwrap_or(around.queued + around.agent_wait);
        // What is taken off as the lag again was never in it where the container's own end is known.
        let span = seen.ended.map_or(around.observed, |ended| ended + model.detection_lag) - created;
        samples.push(Sample {
            image: image(one.row),
            measured: measured(seen).filter(|_| !one.created_is_guess),
            bounded: bounded(seen).filter(|_| !one.created_is_guess),
            span: (succeeded && span >= Duration::ZERO).then_some(span),
        });
    }
    for pod in join.unmatched.iter().map(|pod| &pods[*pod].seen) {
        let word = pod.image.as_deref().and_then(|image| trace.words.find(image)).unwrap_or_default();
        let seen = pod_seen(pod);
        samples.push(Sample { image: word, measured: measured(&seen), bounded: bounded(&seen), span: None });
    }
    let of_rows = || tries.iter().find_map(|one| trace.source_platform.get(one.row));
    let platform = options.source_platform.or_else(of_rows);
    let mut fit = Fit::new(&samples, &trace.words, model.start_up, model.detection_lag, platform);
    let mut at_floor = 0;
    for (one, seen, mut around) in arounds {
        let row = one.row;
        if trace.kind.get(row).unwrap_or_default() != Kind::Pod {
            set(&mut trace.start_time, row, around.queued);
            set(&mut trace.end_time, row, around.observed.max(around.queued));
            set(&mut trace.finish_observed_time, row, around.observed.max(around.queued));
            continue;
        }
        if seen.started.is_none() && seen.points.is_none() {
            around.start_up = fit.of(trace.word(&trace.image, row));
        }
        let life = ladder::within(&seen, &around);
        set(&mut trace.pod_created_time, row, life.created);
        set(&mut trace.start_time, row, life.started);
        set(&mut trace.end_time, row, life.ended);
        set(&mut trace.finish_observed_time, row, life.observed);
        if trace.work.get(row).is_none() {
            trace.work.set(row, life.work);
            set(&mut trace.work_method, row, life.method);
            at_floor += u64::from(life.at_floor);
        }
    }
    trace.evidence.at_floor = at_floor;
    trace.evidence.start_up = fit.used();
    tell(draft);
}

fn set<T: Copy + Default>(column: &mut Column<T>, row: usize, value: T) {
    if column.get(row).is_none() {
        column.set(row, value);
    }
}

/// What was taken for the start of containers, and how often nothing was left.
fn tell(draft: &mut Draft) {
    let evidence = draft.trace().evidence.clone();
    for entry in evidence.start_up.iter().take(START_UPS_SHOWN) {
        let of = if entry.image.is_empty() { String::new() } else { format!(" of image {}", entry.image) };
        let from = if entry.from > 0 { format!(" ({})", plural(entry.from, "row")) } else { String::new() };
        draft.notes.push(match entry.how {
            StartUpSource::Nothing => format!(
                "{} with the start of their pods in work_seconds, since nothing is known of it: give \
                 --source-platform or --source-start-up",
                plural(entry.used, "row"),
            ),
            how => format!(
                "start-up{of} taken as {} for {}: {}{from}",
                entry.value,
                plural(entry.used, "row"),
                how.about()
            ),
        });
    }
    if evidence.start_up.len() > START_UPS_SHOWN {
        let more = (evidence.start_up.len() - START_UPS_SHOWN) as u64;
        draft.notes.push(format!("start-up of {}: see cost-sim import --report", plural(more, "more image")));
    }
    if evidence.at_floor > 0 {
        draft.notes.push(format!(
            "{} where less than a second is left of the span: work_seconds is 1 there",
            plural(evidence.at_floor, "row")
        ));
    }
}

#[cfg(test)]
mod tests;
