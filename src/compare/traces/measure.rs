//! What each task of each workflow did and cost in one trace, and what the trace did as a whole.

use std::collections::BTreeMap;

use super::levels::Cell;
use super::{Measures, OldPrices, Replayed};
use crate::catalog::billed_seconds;
use crate::ledger::{Ledger, Machine, PodRun};
use crate::report::distribution;
use crate::units::{Span, Usd};

/// One workflow of one trace.
#[derive(Default)]
pub(super) struct Workflow<'a> {
    pub runs: u64,
    /// By name of the task.
    pub tasks: BTreeMap<&'a str, Cell>,
    start_delays_ms: Vec<i64>,
}

/// The workflows of a trace by name, and what none of them causes.
pub(super) struct Measured<'a> {
    pub workflows: BTreeMap<&'a str, Workflow<'a>>,
    pub shared: Usd,
    pub shared_at_old_prices: Usd,
    /// What is billed whether pods run or not.
    pub window_ms: u128,
}

/// `old` is what the same pod runs cost at the prices of the trace before, if those are others.
pub(super) fn measure<'a>(replayed: &'a Replayed, old: Option<&OldPrices>) -> Measured<'a> {
    let (study, ledger, bill) = (&replayed.study, &replayed.run.ledger, replayed.bill());
    let (trace, workload) = (&*study.trace, &study.workload);
    let mut workflows: BTreeMap<&str, Workflow> = BTreeMap::new();
    for (run, replays) in workload.runs.iter().zip(workload.replayed_runs()) {
        if replays {
            workflows.entry(trace.words.get(run.workflow)).or_default().runs += 1;
        }
    }
    for (index, run) in ledger.runs.iter().enumerate() {
        let step = run.step as usize;
        let name = workload.runs[workload.steps.run[step] as usize].workflow;
        let workflow = workflows.entry(trace.words.get(name)).or_default();
        if let Some(delay) = run.start_delay() {
            workflow.start_delays_ms.push(delay.ms());
        }
        let Some((work_ms, leftover_ms)) = billed_ms(ledger, run) else { continue };
        let row = workload.steps.row[step] as usize;
        let task = trace.word(&trace.task_name, row);
        let task = if task.is_empty() { trace.task_id.get(row) } else { trace.words.get(task) };
        let requests = &workload.classes[workload.steps.class[step] as usize].requests;
        let hours = work_ms + leftover_ms;
        workflow.tasks.entry(task).or_default().add(&Cell {
            pods: 1,
            work_ms,
            leftover_ms,
            milli_ms: requests.cpu.milli().max(0) as u128 * hours,
            mib_ms: requests.memory.mib_ceil().max(0) as u128 * hours,
            usd: bill.runs[index],
            usd_at_old_prices: old.map_or(bill.runs[index], |old| old.runs[index]),
        });
    }
    let of_workflows: Usd = workflows.values().map(|workflow| workflow.sum().usd).sum();
    let at_old_prices: Usd = workflows.values().map(|workflow| workflow.sum().usd_at_old_prices).sum();
    Measured {
        workflows,
        shared: bill.total - of_workflows,
        shared_at_old_prices: old.map_or(bill.total, |old| old.total) - at_old_prices,
        window_ms: (ledger.window.end - ledger.window.start).ms().max(0) as u128,
    }
}

/// How long `run` was paid for until its end, and after it; `None` if it never was.
fn billed_ms(ledger: &Ledger, run: &PodRun) -> Option<(u128, u128)> {
    let lease = ledger.leases.get(run.lease as usize).filter(|lease| lease.ran())?;
    let ended = run.ended.min(lease.terminated);
    let span = |ms: i64| ms.max(0) as u128;
    match ledger.templates[lease.template as usize].machine {
        Machine::Fargate { .. } => {
            let all = billed_seconds(lease.running, lease.terminated);
            let work = billed_seconds(lease.running, ended.max(lease.running)).min(all);
            Some((span(work * 1_000), span((all - work) * 1_000)))
        }
        Machine::Ec2 { .. } => Some((span((ended - run.scheduled).ms()), 0)),
    }
}

impl Workflow<'_> {
    pub fn sum(&self) -> Cell {
        let mut sum = Cell::default();
        self.tasks.values().for_each(|cell| sum.add(cell));
        sum
    }

    /// For display.
    pub fn measures(&mut self, name: &str, replayed: &Replayed) -> Measures {
        let sum = self.sum();
        let hours = |ms: u128| Span::from_ms(i64::try_from(ms).unwrap_or(i64::MAX)).secs_f64() / 3_600.0;
        let mean = |total: u128, unit: f64| {
            (sum.billed_ms() > 0).then(|| total as f64 / sum.billed_ms() as f64 / unit)
        };
        let delays = distribution(&mut self.start_delays_ms);
        let workflows = &replayed.platform().workflows;
        let makespans = workflows.iter().find(|workflow| workflow.workflow == name);
        Measures {
            runs: self.runs,
            pods: sum.pods,
            work_hours: hours(sum.work_ms),
            leftover_hours: hours(sum.leftover_ms),
            mean_vcpu: mean(sum.milli_ms, 1_000.0),
            mean_gib: mean(sum.mib_ms, 1_024.0),
            p50_makespan_s: makespans.and_then(|workflow| workflow.p50_makespan_s),
            p99_makespan_s: makespans.and_then(|workflow| workflow.p99_makespan_s),
            p50_start_delay_s: delays.p50,
            p99_start_delay_s: delays.p99,
        }
    }
}
