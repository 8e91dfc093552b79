//! When each step would run if the platform were not in the way: by the recorded delays, or by none at all.
//!
//! One pass in topological order, no events. The recorded timeline is the honest check of graph and arithmetic:
//! it must give back every recorded time. The ideal one is the trace's demand, from which peaks and lower
//! bounds follow.

use super::{StepId, StepKind, Workload};
use crate::platform::Orchestrator;
use crate::rng::{Draws, Duration, Purpose};
use crate::units::{Span, Time};

/// The times of one step. For steps that are no pods, `created` is when the orchestrator takes them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepTimes {
    pub eligible: Time,
    pub created: Time,
    pub started: Time,
    pub ended: Time,
    pub observed: Time,
}

/// The orchestrator's own delays, which every platform keeps: recorded where the trace has them and the
/// settings do not say otherwise, drawn per step elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Delays<'a> {
    workload: &'a Workload,
    use_recorded: bool,
    dispatch: Duration,
    detection: Duration,
    draws: Draws,
}

impl<'a> Delays<'a> {
    pub fn new(workload: &'a Workload, orchestrator: &Orchestrator, seed: u64) -> Self {
        let duration = |step: crate::platform::Step| Duration::from_median_p95(step.median, step.p95);
        Self {
            workload,
            use_recorded: orchestrator.use_recorded_delays,
            dispatch: duration(orchestrator.dispatch_delay),
            detection: duration(orchestrator.detection_lag),
            draws: Draws::new(seed),
        }
    }

    /// Only what was recorded; nothing where nothing was.
    pub fn recorded(workload: &'a Workload) -> Self {
        let none = Duration::Constant(Span::ZERO);
        Self { workload, use_recorded: true, dispatch: none, detection: none, draws: Draws::new(0) }
    }

    /// Eligible → created.
    pub fn dispatch(&self, step: StepId) -> Span {
        self.of(step, self.workload.steps.dispatch.get(step as usize), self.dispatch, Purpose::Dispatch)
    }

    /// Ended → noticed.
    pub fn detection(&self, step: StepId) -> Span {
        self.of(step, self.workload.steps.detection.get(step as usize), self.detection, Purpose::Detection)
    }

    /// Created → running of a step that is no pod: the orchestrator's own queue, so it is kept.
    pub fn control_start(&self, step: StepId) -> Span {
        self.workload.steps.start_delay.get(step as usize).unwrap_or_default()
    }

    fn of(&self, step: StepId, recorded: Option<Span>, default: Duration, purpose: Purpose) -> Span {
        let steps = &self.workload.steps;
        if steps.kind[step as usize] == StepKind::NotReplayed {
            return Span::ZERO;
        }
        match recorded {
            Some(span) if self.use_recorded => span,
            // The defaults are those of pods: polls of the cluster. Steps inside the orchestrator need none.
            _ if !steps.is_pod(step) => Span::ZERO,
            _ => default.at(|| self.draws.quantile(purpose, steps.key[step as usize], 0)),
        }
    }
}

/// The trace as it happened: every recorded delay is replayed along the dependencies.
pub fn recorded_timeline(workload: &Workload) -> Vec<StepTimes> {
    let steps = &workload.steps;
    let start = |step: StepId| steps.start_delay.get(step as usize).unwrap_or_default();
    let run = |step: StepId| steps.recorded_run.get(step as usize).unwrap_or(steps.work[step as usize]);
    timeline(workload, true, &Delays::recorded(workload), start, run)
}

/// The trace on a platform that starts every pod at once.
pub fn ideal_timeline(workload: &Workload, closed: bool, delays: &Delays) -> Vec<StepTimes> {
    let steps = &workload.steps;
    let start = |step: StepId| if steps.is_pod(step) { Span::ZERO } else { delays.control_start(step) };
    timeline(workload, closed, delays, start, |step| steps.work[step as usize])
}

fn timeline(
    workload: &Workload,
    closed: bool,
    delays: &Delays,
    start_delay: impl Fn(StepId) -> Span,
    run_time: impl Fn(StepId) -> Span,
) -> Vec<StepTimes> {
    let steps = &workload.steps;
    let mut times = vec![StepTimes::default(); steps.len()];
    let order = if workload.has_dependencies {
        workload.graph.topological_order(steps.len())
    } else {
        (0..steps.len() as StepId).collect()
    };
    for step in order {
        let i = step as usize;
        let predecessors = if closed { workload.graph.predecessors(step) } else { &[] };
        let last = predecessors.iter().map(|p| times[*p as usize].observed).max();
        let eligible = match last {
            Some(last) => last + steps.trigger_delay.get(i).unwrap_or_default(),
            None => steps.submit[i],
        };
        let idle = steps.kind[i] == StepKind::NotReplayed;
        let created = eligible + delays.dispatch(step);
        let started = created + if idle { Span::ZERO } else { start_delay(step) };
        let ended = started + if idle { Span::ZERO } else { run_time(step) };
        times[i] = StepTimes { eligible, created, started, ended, observed: ended + delays.detection(step) };
    }
    times
}
