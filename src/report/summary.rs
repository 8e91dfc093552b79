//! From a ledger and its bill to the numbers of one platform.
//!
//! Quantiles come from sorted whole milliseconds and sums from integers; floats appear only when a number is
//! put into the report.

use std::collections::BTreeMap;

use super::disruption::{disruption, restarts, spot};
use super::groups::groups;
use super::text::plural;
use super::{
    AllocationReport, Capacity, Cost, CostItem, Distribution, Latency, MachineReport, PlatformReport,
    PodCounts, SavingsPlanReport, WorkflowReport,
};
use crate::bill::Bill;
use crate::ledger::{Lease, Ledger, Machine, Outcome};
use crate::trace::{Word, Words};
use crate::units::{Span, Time, Usd};
use crate::workload::{StepKind, Workload};

/// Everything that a platform's numbers are computed from.
pub struct Source<'a> {
    pub name: &'a str,
    pub kind: &'a str,
    pub today: bool,
    pub workload: &'a Workload,
    pub words: &'a Words,
    pub ledger: &'a Ledger,
    pub bill: Result<&'a Bill, String>,
    pub lower_bound: Usd,
    /// Why pods of a class could not run, if the platform knows.
    pub refusal: &'a dyn Fn(u32) -> Option<String>,
}

pub fn summarize(source: &Source) -> PlatformReport {
    let Source { workload, ledger, .. } = *source;
    let bill = source.bill.as_ref().ok().copied();
    let runs = RunTimes::new(workload, ledger);
    let pods = pod_counts(workload, ledger);
    let incomplete_reasons = incomplete_reasons(source);
    PlatformReport {
        name: source.name.to_owned(),
        kind: source.kind.to_owned(),
        today: source.today,
        complete: incomplete_reasons.is_empty(),
        incomplete_reasons,
        cost: bill.map(|bill| cost(bill, ledger, source.lower_bound)),
        cost_unknown: source.bill.as_ref().err().cloned(),
        latency: latency(ledger, &runs),
        pods,
        capacity: capacity(workload, ledger, bill),
        groups: groups(ledger, bill),
        disruption: disruption(ledger),
        spot: spot(ledger, bill),
        workflows: workflows(source, bill, &runs),
        savings: None,
        evidence: None,
        replications: None,
    }
}

/// Nearest-rank quantiles of `values`, which are sorted in place.
pub fn distribution(values: &mut [i64]) -> Distribution {
    values.sort_unstable();
    let count = values.len();
    if count == 0 {
        return Distribution::default();
    }
    let seconds = |ms: i64| Span::from_ms(ms).secs_f64();
    let sum: i128 = values.iter().map(|v| i128::from(*v)).sum();
    // The smallest value such that at least `per_mille` of all are at most it.
    let rank = |per_mille: usize| (count * per_mille).div_ceil(1_000).max(1) - 1;
    let at = |per_mille: usize| Some(seconds(values[rank(per_mille)]));
    Distribution {
        count: count as u64,
        mean: Some((sum as f64 / count as f64).round() / 1_000.0),
        p50: at(500),
        p90: at(900),
        p95: at(950),
        p99: at(990),
        p999: at(999).filter(|_| count >= 1_000),
        max: Some(seconds(values[count - 1])),
    }
}

/// How long each workflow run took, by [`RunId`](crate::workload::RunId); `None` where a step that ran on the source
/// platform did not run.
pub fn makespans(workload: &Workload, ledger: &Ledger) -> Vec<Option<Span>> {
    RunTimes::new(workload, ledger).makespan
}

/// How long each workflow run took; `None` where a step that ran on the source platform did not run.
struct RunTimes {
    makespan: Vec<Option<Span>>,
}

impl RunTimes {
    fn new(workload: &Workload, ledger: &Ledger) -> Self {
        // A run begins when its first step becomes eligible here, which behind another run need not be the recorded
        // instant.
        let mut times = vec![Some((Time::MAX, Time::MIN)); workload.runs.len()];
        for (step, run) in workload.steps.run.iter().enumerate() {
            let run = &mut times[*run as usize];
            match ledger.outcomes[step] {
                Outcome::Skipped => {}
                Outcome::NotRun if workload.steps.never_ran[step] => {}
                Outcome::NotRun | Outcome::Unschedulable | Outcome::Lost | Outcome::Open => *run = None,
                Outcome::Succeeded | Outcome::Failed | Outcome::Canceled => {
                    let span = ledger.spans[step];
                    *run = run.map(|(first, last)| (first.min(span.eligible), last.max(span.observed)));
                }
            }
        }
        let makespan = |(first, last): (Time, Time)| (first != Time::MAX).then(|| last - first);
        Self { makespan: times.into_iter().map(|times| times.and_then(makespan)).collect() }
    }
}

fn latency(ledger: &Ledger, runs: &RunTimes) -> Latency {
    let started = ledger.runs.iter().filter(|run| run.has_started());
    let mut start_delay: Vec<i64> = started.clone().map(|run| (run.started - run.created).ms()).collect();
    // A task that was started again took as long as all its pods together.
    let mut turnaround: Vec<i64> = started
        .filter(|run| run.taken.is_none())
        .map(|run| {
            let span = ledger.spans[run.step as usize];
            (span.observed - span.eligible).ms()
        })
        .collect();
    let mut makespan: Vec<i64> = runs.makespan.iter().flatten().map(|span| span.ms()).collect();
    Latency {
        start_delay_s: distribution(&mut start_delay),
        turnaround_s: distribution(&mut turnaround),
        makespan_s: distribution(&mut makespan),
    }
}

fn pod_counts(workload: &Workload, ledger: &Ledger) -> PodCounts {
    let mut counts = PodCounts { restarted: restarts(ledger), ..PodCounts::default() };
    for step in workload.steps.pods() {
        counts.total += 1;
        match ledger.outcomes[step as usize] {
            Outcome::Succeeded => counts.succeeded += 1,
            Outcome::Failed | Outcome::Lost => counts.failed += 1,
            Outcome::Unschedulable => counts.unschedulable += 1,
            Outcome::Canceled => counts.canceled += 1,
            Outcome::NotRun => counts.not_run += 1,
            Outcome::Skipped | Outcome::Open => unreachable!("every pod that is replayed gets an outcome"),
        }
    }
    counts
}

/// Why not every pod ended as recorded, most frequent reason first.
fn incomplete_reasons(source: &Source) -> Vec<String> {
    let Source { workload, ledger, .. } = *source;
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    let (mut not_run, mut lost) = (0u64, 0u64);
    for step in workload.steps.pods() {
        match ledger.outcomes[step as usize] {
            Outcome::Unschedulable => {
                let reason = (source.refusal)(workload.steps.class[step as usize]);
                let reason = reason.unwrap_or_else(|| "they waited as long as one waits (unschedulableAfter) and no node came that holds them".to_owned());
                *reasons.entry(reason).or_default() += 1;
            }
            Outcome::Lost => lost += 1,
            // That it does not run behind a recorded failure is as recorded.
            Outcome::NotRun if !workload.steps.never_ran[step as usize] => not_run += 1,
            _ => {}
        }
    }
    let mut reasons: Vec<(u64, String)> = reasons.into_iter().map(|(reason, n)| (n, reason)).collect();
    reasons.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut lines: Vec<String> =
        reasons.into_iter().map(|(n, reason)| format!("{} unschedulable: {reason}", pods_are(n))).collect();
    if lost > 0 {
        let text = "taken away by the platform and not started again (see do_not_disrupt, retry_limit and orchestrator.lostPods)";
        let verb = if lost == 1 { "was" } else { "were" };
        lines.push(format!("{} {verb} {text}", plural(lost, "pod")));
    }
    if not_run > 0 {
        lines.push(format!("{} did not run because a predecessor did not succeed", plural(not_run, "pod")));
    }
    lines
}

fn pods_are(number: u64) -> String {
    format!("{} {}", plural(number, "pod"), if number == 1 { "is" } else { "are" })
}

fn cost(bill: &Bill, ledger: &Ledger, lower_bound: Usd) -> Cost {
    const HOURS_PER_MONTH_MS: i128 = 730 * 3_600_000;
    let window_ms = i128::from((ledger.window.end - ledger.window.start).ms()).max(1);
    let allocation = bill.allocation;
    Cost {
        total_usd: bill.total.to_string(),
        usd_per_month: bill.total.scaled(HOURS_PER_MONTH_MS, window_ms).to_string(),
        billed_hours: (ledger.window.end - ledger.window.start).secs_f64() / 3_600.0,
        items: bill
            .items
            .iter()
            .map(|item| CostItem {
                item: item.kind.label().to_owned(),
                detail: item.detail.clone(),
                quantity: item.quantity.to_f64(),
                unit: item.kind.unit().to_owned(),
                usd_per_unit: item.rate.to_string(),
                usd: item.usd.to_string(),
            })
            .collect(),
        allocation: AllocationReport {
            pods_usd: allocation.pods.to_string(),
            daemonsets_usd: allocation.daemons.to_string(),
            startup_usd: allocation.startup.to_string(),
            idle_usd: allocation.idle.to_string(),
            shared_usd: allocation.shared.to_string(),
            savings_plan_usd: (allocation.savings_plan != Usd::ZERO)
                .then(|| allocation.savings_plan.to_string()),
        },
        lower_bound_usd: bill.savings_plan.is_none().then(|| lower_bound.to_string()),
        savings_plan: bill.savings_plan.map(|plan| SavingsPlanReport {
            commitment_per_hour_usd: Some(plan.per_hour.to_string()),
            commitment_usd: plan.commitment.to_string(),
            covered_on_demand_usd: plan.covered.to_string(),
            unused_usd: plan.unused.to_string(),
            coverage: plan.coverage(),
            utilisation: plan.utilisation(),
        }),
    }
}

/// Sums over the leases of one kind of machine.
#[derive(Clone, Copy, Default)]
struct Use {
    nodes: u64,
    ms: i128,
    cpu_capacity: i128,
    memory_capacity: i128,
    cpu_requested: i128,
    memory_requested: i128,
    usd: Usd,
}

impl Use {
    fn ratios(&self) -> (f64, f64) {
        let ratio = |part: i128, whole: i128| if whole > 0 { part as f64 / whole as f64 } else { 0.0 };
        (ratio(self.cpu_requested, self.cpu_capacity), ratio(self.memory_requested, self.memory_capacity))
    }

    fn add(&mut self, other: &Self) {
        self.nodes += other.nodes;
        self.ms += other.ms;
        self.cpu_capacity += other.cpu_capacity;
        self.memory_capacity += other.memory_capacity;
        self.cpu_requested += other.cpu_requested;
        self.memory_requested += other.memory_requested;
        self.usd += other.usd;
    }
}

fn capacity(workload: &Workload, ledger: &Ledger, bill: Option<&Bill>) -> Capacity {
    let mut uses = vec![Use::default(); ledger.templates.len()];
    let ran = |lease: &Lease| lease.ran() && ledger.is_for_jobs(lease);
    for (index, lease) in ledger.leases.iter().enumerate().filter(|(_, lease)| ran(lease)) {
        let size = &ledger.templates[lease.template as usize].allocatable;
        let ms = i128::from((lease.terminated - lease.running).ms().max(0));
        let sum = &mut uses[lease.template as usize];
        sum.nodes += 1;
        sum.ms += ms;
        sum.cpu_capacity += ms * i128::from(size.cpu.milli());
        sum.memory_capacity += ms * i128::from(size.memory.bytes());
        sum.usd += bill.map_or(Usd::ZERO, |bill| bill.leases[index]);
    }
    for run in ledger.runs.iter().filter(|run| run.was_bound() && run.ended != Time::MAX) {
        let lease = &ledger.leases[run.lease as usize];
        let request = &workload.classes[workload.steps.class[run.step as usize] as usize].requests;
        let ms = i128::from((run.ended - run.scheduled.max(lease.running)).ms());
        let sum = &mut uses[lease.template as usize];
        sum.cpu_requested += ms * i128::from(request.cpu.milli());
        sum.memory_requested += ms * i128::from(request.memory.bytes());
    }
    let mut by_machine: BTreeMap<&Machine, Use> = BTreeMap::new();
    let mut all = Use::default();
    for (template, sum) in ledger.templates.iter().zip(&uses).filter(|(_, sum)| sum.nodes > 0) {
        by_machine.entry(&template.machine).or_default().add(sum);
        all.add(sum);
    }
    let ratios = (all.nodes > 0).then(|| all.ratios());
    Capacity {
        nodes_launched: all.nodes,
        nodes_peak: peak(ledger),
        node_hours: all.ms as f64 / 3_600_000.0,
        cpu_requested_ratio: ratios.map(|r| r.0),
        memory_requested_ratio: ratios.map(|r| r.1),
        by_instance_type: by_machine
            .into_iter()
            .map(|(machine, sum)| machine_report(machine, &sum))
            .collect(),
    }
}

fn machine_report(machine: &Machine, sum: &Use) -> MachineReport {
    let (name, capacity_type) = match machine {
        Machine::Ec2 { instance_type, capacity_type } => (instance_type.clone(), capacity_type.to_string()),
        Machine::Fargate { cpu, memory, .. } => {
            let (vcpu, gb) = (cpu.milli() as f64 / 1_000.0, memory.mib_ceil() as f64 / 1_024.0);
            (format!("{vcpu} vCPU {gb} GB"), "fargate".to_owned())
        }
    };
    let (cpu_requested_ratio, memory_requested_ratio) = sum.ratios();
    MachineReport {
        machine: name,
        capacity_type,
        nodes: sum.nodes,
        node_hours: sum.ms as f64 / 3_600_000.0,
        cpu_requested_ratio,
        memory_requested_ratio,
        usd: sum.usd.to_string(),
    }
}

/// The most leases that run at once. One that ends as another begins does not overlap it.
fn peak(ledger: &Ledger) -> u64 {
    let ran = || ledger.job_leases().filter(|lease| lease.ran());
    let mut starts: Vec<Time> = ran().map(|lease| lease.running).collect();
    let mut ends: Vec<Time> = ran().map(|lease| lease.terminated).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    let mut ended = 0;
    let mut most = 0;
    for (begun, start) in starts.iter().enumerate() {
        while ended < ends.len() && ends[ended] <= *start {
            ended += 1;
        }
        most = most.max(begun + 1 - ended.min(begun));
    }
    most as u64
}

fn workflows(source: &Source, bill: Option<&Bill>, runs: &RunTimes) -> Vec<WorkflowReport> {
    #[derive(Default)]
    struct Sums {
        runs: u64,
        pods: u64,
        usd: Usd,
        makespans: Vec<i64>,
    }
    let Source { workload, ledger, words, .. } = *source;
    // Words of workflows are few among all words: number them.
    let mut number_of = vec![u32::MAX; words.len()];
    let mut workflows: Vec<(Word, Sums)> = Vec::new();
    for run in &workload.runs {
        let number = &mut number_of[run.workflow.index()];
        if *number == u32::MAX {
            *number = workflows.len() as u32;
            workflows.push((run.workflow, Sums::default()));
        }
    }
    let number = |workflow: Word| number_of[workflow.index()] as usize;
    let workflow_of = |step: u32| number(workload.runs[workload.steps.run[step as usize] as usize].workflow);
    let replayed = workload.replayed_runs();
    for ((run, makespan), replayed) in workload.runs.iter().zip(&runs.makespan).zip(replayed) {
        let sums = &mut workflows[number(run.workflow)].1;
        sums.runs += u64::from(replayed);
        sums.makespans.extend(makespan.map(Span::ms));
    }
    for step in 0..workload.steps.len() as u32 {
        let is_pod = workload.steps.kind[step as usize] == StepKind::Pod;
        workflows[workflow_of(step)].1.pods += u64::from(is_pod);
    }
    if let Some(bill) = bill {
        for (run, usd) in ledger.runs.iter().zip(&bill.runs) {
            workflows[workflow_of(run.step)].1.usd += *usd;
        }
    }
    let mut names: Vec<(&str, Sums)> = workflows
        .into_iter()
        .filter(|(_, sums)| sums.runs > 0)
        .map(|(workflow, sums)| (words.get(workflow), sums))
        .collect();
    names.sort_by(|a, b| a.0.cmp(b.0));
    names
        .into_iter()
        .map(|(name, mut sums)| {
            let makespan = distribution(&mut sums.makespans);
            WorkflowReport {
                workflow: name.to_owned(),
                runs: sums.runs,
                pods: sums.pods,
                usd: bill.map(|_| sums.usd.to_string()),
                p50_makespan_s: makespan.p50,
                p99_makespan_s: makespan.p99,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_rank() {
        let mut values: Vec<i64> = (1..=100).rev().map(|n| n * 1_000).collect();
        let d = distribution(&mut values);
        assert_eq!((d.count, d.mean, d.p50, d.p90), (100, Some(50.5), Some(50.0), Some(90.0)));
        assert_eq!((d.p95, d.p99, d.p999, d.max), (Some(95.0), Some(99.0), None, Some(100.0)));
        let mut one = vec![1_500];
        let d = distribution(&mut one);
        assert_eq!((d.p50, d.p99, d.max), (Some(1.5), Some(1.5), Some(1.5)));
        assert_eq!(distribution(&mut []), Distribution::default());
    }
}
