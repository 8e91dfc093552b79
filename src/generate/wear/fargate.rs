//! The sessions, as they would have been seen on EKS Fargate: every pod waits for a machine of its own, and its end
//! is noticed at the workflow engine's next poll.
//!
//! All times are whole seconds, as Digdag and pod status give them. Here a start takes as long for a small image as
//! for a large one: the recorded times show what such a history looks like, they are not a model of pulls.

use super::plan::{Task, Wave, Workflow};
use super::{Luck, Params, log_normal};
use crate::trace::{Kind, SourcePlatform, State, Trace};
use crate::units::{Cpu, Memory, Span, Time};

const DISPATCH_SECS: (i64, i64) = (0, 2);
const START_SECS: (i64, i64) = (45, 90);
const DETECTION_SECS: (i64, i64) = (0, 10);
const CONTROL: Span = Span::from_secs(1);
const WORK_SECS: (i64, i64) = (5, 4 * 3_600);
const FAILS_IN_THOUSAND: u64 = 10;
const RETRIES: u32 = 1;
const RETRY_INTERVAL: Span = Span::from_secs(30);
/// Of a thousand pods, how many are forgotten, and for how long.
const LEFT_OVER_IN_THOUSAND: u64 = 5;
const LEFT_OVER_FOR: Span = Span::from_secs(6 * 3_600);
/// How much there is to do in a run, in thousandths of what is usual for its task: CPU and memory go up together.
const LOADS: [i64; 5] = [900, 950, 1_000, 1_050, 1_100];
/// The 95th percentile of CPU use over a run, in thousandths of its average; never above the request.
const CPU_P95: i64 = 1_500;

/// One try of one step of one session.
pub(super) struct Row<'a> {
    workflow: &'a Workflow,
    pub run: String,
    task_id: &'a str,
    depends_on: String,
    attempt: u32,
    submit: Time,
    start: Time,
    end: Time,
    observed: Time,
    failed: bool,
    /// `None` for control steps.
    pub pod: Option<Pod>,
}

pub(super) struct Pod {
    created: Time,
    deleted: Option<Time>,
    pub cpu_request: i64,
    pub memory_request: i64,
    cpu_avg: i64,
    pub cpu_p95: i64,
    pub memory_max: i64,
}

impl Row<'_> {
    /// What all runs of one task have in common.
    pub fn task(&self) -> (&str, &str) {
        (&self.workflow.name, self.task_id)
    }
}

/// Every session of every workflow, one workflow after the other.
pub(super) fn run_all<'a>(params: &Params, workflows: &'a [Workflow]) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for workflow in workflows {
        for (number, start) in (1..).zip(&workflow.sessions) {
            let run = format!("{}.{number}", workflow.name);
            Session { params, workflow, run, rows: &mut rows }.run(*start);
        }
    }
    rows
}

struct Session<'a, 'r> {
    params: &'r Params,
    workflow: &'a Workflow,
    run: String,
    rows: &'r mut Vec<Row<'a>>,
}

impl<'a> Session<'a, '_> {
    /// A wave starts when the whole wave before was seen to succeed; otherwise the session ends there.
    fn run(mut self, start: Time) {
        let mut submit = start;
        let mut before: Vec<&str> = Vec::new();
        for wave in &self.workflow.waves {
            let depends_on = before.join(";");
            let (succeeded, observed) = match wave {
                Wave::Control(id) => (true, self.control(id, &depends_on, submit)),
                Wave::Pods(tasks) => {
                    let ends = tasks.iter().map(|task| self.task(task, &depends_on, submit));
                    ends.fold((true, submit), |all, one| (all.0 && one.0, all.1.max(one.1)))
                }
            };
            if !succeeded {
                return;
            }
            submit = observed;
            before = match wave {
                Wave::Control(id) => vec![id],
                Wave::Pods(tasks) => tasks.iter().map(|task| task.id.as_str()).collect(),
            };
        }
    }

    fn control(&mut self, id: &'a str, depends_on: &str, submit: Time) -> Time {
        let end = submit + CONTROL;
        self.rows.push(Row {
            workflow: self.workflow,
            run: self.run.clone(),
            task_id: id,
            depends_on: depends_on.to_owned(),
            attempt: 1,
            submit,
            start: submit,
            end,
            observed: end,
            failed: false,
            pod: None,
        });
        end
    }

    /// All tries of one task; whether it succeeded, and when that was seen.
    fn task(&mut self, task: &'a Task, depends_on: &str, mut submit: Time) -> (bool, Time) {
        let median = self.workflow.median;
        let mut luck = Luck::of(self.params, &[&self.run, &task.id], 0);
        let work = log_normal(median, self.workflow.class.sigma, luck.quantile()).ms() / 1_000;
        let work = work.clamp(WORK_SECS.0, WORK_SECS.1);
        for attempt in 1..=1 + RETRIES {
            let row = self.attempt(task, depends_on, attempt, submit, work);
            let (failed, observed) = (row.failed, row.observed);
            self.rows.push(row);
            if !failed {
                return (true, observed);
            }
            submit = observed + RETRY_INTERVAL;
        }
        (false, submit)
    }

    fn attempt(&self, task: &'a Task, depends_on: &str, attempt: u32, submit: Time, work: i64) -> Row<'a> {
        let mut luck = Luck::of(self.params, &[&self.run, &task.id], u64::from(attempt));
        let mut secs = |(from, to)| Span::from_secs(luck.between(from, to));
        let created = submit + secs(DISPATCH_SECS);
        let start = created + secs(START_SECS);
        let detection = secs(DETECTION_SECS);
        let failed = luck.chance(FAILS_IN_THOUSAND);
        // A try that fails does so somewhere on its way.
        let work = if failed { luck.between(1, work) } else { work };
        let end = start + Span::from_secs(work);
        let observed = end + detection;
        let is_left_over = luck.chance(LEFT_OVER_IN_THOUSAND);
        let load = luck.pick(&LOADS);
        let loaded = |usual: i64, (from, to): (i64, i64)| (usual * load / 1_000).clamp(from, to);
        let cpu_avg = task.cpu_milli * loaded(task.cpu_use, task.cpu_range) / 1_000;
        let pod = Pod {
            created,
            deleted: is_left_over.then(|| end + LEFT_OVER_FOR),
            cpu_request: task.cpu_milli,
            memory_request: task.memory_mib,
            cpu_avg,
            cpu_p95: (cpu_avg * CPU_P95 / 1_000).min(task.cpu_milli),
            memory_max: task.memory_mib * loaded(task.memory_peak, task.memory_range) / 1_000,
        };
        Row {
            workflow: self.workflow,
            run: self.run.clone(),
            task_id: &task.id,
            depends_on: depends_on.to_owned(),
            attempt,
            submit,
            start,
            end,
            observed,
            failed,
            pod: Some(pod),
        }
    }
}

/// The rows as a canonical trace, in their order.
pub(super) fn into_trace(rows: Vec<Row>) -> Trace {
    let mut trace = Trace::default();
    for (i, row) in rows.iter().enumerate() {
        trace.task_id.push(row.task_id);
        trace.run_id.set(i, trace.words.intern(&row.run));
        trace.workflow.set(i, trace.words.intern(&row.workflow.name));
        if !row.depends_on.is_empty() {
            trace.depends_on.set(i, trace.words.intern(&row.depends_on));
        }
        trace.submit_time.set(i, row.submit);
        trace.start_time.set(i, row.start);
        trace.end_time.set(i, row.end);
        trace.finish_observed_time.set(i, row.observed);
        trace.work.set(i, row.end - row.start);
        let Some(pod) = &row.pod else {
            trace.kind.set(i, Kind::Control);
            continue;
        };
        trace.kind.set(i, Kind::Pod);
        trace.attempt.set(i, row.attempt);
        trace.state.set(i, if row.failed { State::Failed } else { State::Succeeded });
        if row.failed {
            trace.exit_reason.set(i, trace.words.intern("Error"));
        }
        if row.attempt > 1 {
            trace.trigger_delay.set(i, RETRY_INTERVAL);
        }
        trace.retry_limit.set(i, RETRIES);
        trace.retry_interval.set(i, RETRY_INTERVAL);
        trace.pod_created_time.set(i, pod.created);
        if let Some(deleted) = pod.deleted {
            trace.deleted_time.set(i, deleted);
        }
        trace.cpu_request.set(i, Cpu::from_milli(pod.cpu_request));
        trace.memory_request.set(i, Memory::from_mib(pod.memory_request));
        trace.cpu_usage_avg_milli.set(i, pod.cpu_avg as f64);
        trace.cpu_usage_p95_milli.set(i, pod.cpu_p95 as f64);
        trace.memory_usage_max_mib.set(i, pod.memory_max as f64);
        trace.image.set(i, trace.words.intern(row.workflow.image.name));
        trace.image_size.set(i, Memory::from_mib(row.workflow.image.mib));
        trace.interruptible.set(i, row.workflow.interruptible);
        if !row.workflow.interruptible {
            trace.do_not_disrupt.set(i, true);
        }
        trace.source_platform.set(i, SourcePlatform::Fargate);
    }
    trace
}
