//! What charts show of a run: plain series, few enough to draw. Nothing here knows how they are drawn.

use rayon::prelude::*;

use super::backtest::BackTestSeries;
use crate::bill::{Bill, ItemKind};
use crate::ledger::{Lease, Ledger, Machine, PodRun};
use crate::report::{BackTestSamples, PlatformRecords, PlatformReport, Report};
use crate::units::{Span, Time, Usd};
use crate::workload::Window;

/// Steps of the time axis: more than a line on a page can show.
const STEPS: i64 = 640;
/// Points of a distribution.
const QUANTILES: usize = 400;
/// More platforms than this have no room on a page; charts say so.
pub const DRAWN: usize = 10;

/// One comparison.
#[derive(Clone, Debug)]
pub struct ChartData {
    pub synthetic: bool,
    /// From the first platform's start to the end of the last thing that any of them was billed for.
    pub window: Window,
    /// What the trace covers: what the words of titles call it.
    pub covered: Span,
    /// Of the time axis: point `n` is `n` steps after the start of the window; the last is its end.
    pub step: Span,
    /// Whether latencies are of workflow runs; without those they are of tasks.
    pub has_makespans: bool,
    pub platforms: Vec<Series>,
    /// Platforms for which there is no room.
    pub left_out: usize,
    /// The platform of the trace against its record, or why they cannot be compared.
    pub back_test: Result<BackTestSeries, String>,
}

/// One platform.
#[derive(Clone, Debug)]
pub struct Series {
    pub name: String,
    pub complete: bool,
    /// It replays what happened: nobody can move there.
    pub recorded: bool,
    /// `None` without a bill.
    pub cost: Option<CostSeries>,
    /// Whether its nodes are Fargate's micro-VMs; `None` where it has no nodes.
    pub micro_vms: Option<bool>,
    /// Nodes that were ready.
    pub nodes: Counts,
    /// Pods that were created and not yet running.
    pub pending: Counts,
    /// Created → running of the pods that ran: ascending, each with the share of them that took no longer.
    pub delays: Vec<(Span, f64)>,
    /// As in the report, seconds.
    pub delay_p50: Option<f64>,
    pub delay_p99: Option<f64>,
    /// p99 makespan, or turnaround without workflow runs, seconds.
    pub latency: Option<f64>,
}

/// How many there were at once, by step of the time axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    pub most: Vec<u32>,
    pub average: Vec<f64>,
}

impl Counts {
    pub fn peak(&self) -> u32 {
        self.most.iter().max().copied().unwrap_or(0)
    }
}

#[derive(Clone, Debug)]
pub struct CostSeries {
    pub total: Usd,
    pub per_month: Usd,
    /// What had been spent at each point of the time axis; the last is the total.
    pub cumulative: Vec<Usd>,
    /// By what was paid for, in the order of the bill.
    pub items: Vec<(&'static str, Usd)>,
}

impl ChartData {
    /// `records` are of the report's platforms, in its order.
    pub fn new(report: &Report, records: &[PlatformRecords]) -> Self {
        let window = window(records);
        let covered = crate::report::text::between(&report.inputs.window.start, &report.inputs.window.end);
        let grid = Grid::of(window);
        let has_makespans = report.inputs.workflow_runs > 0;
        let platforms: Vec<_> = report.platforms.iter().zip(records).take(DRAWN).collect();
        let platforms: Vec<Series> =
            platforms.into_par_iter().map(|(p, record)| series(p, record, &grid, has_makespans)).collect();
        Self {
            synthetic: report.inputs.synthetic,
            window,
            covered: covered.unwrap_or(window.end - window.start),
            step: grid.step,
            has_makespans,
            left_out: records.len().saturating_sub(DRAWN),
            platforms,
            back_test: Err(report.no_backtest.clone().unwrap_or_else(|| "none was made".to_owned())),
        }
    }

    /// With the values that the report's back-test is made of.
    pub fn with_back_test(mut self, report: &Report, samples: Option<&BackTestSamples>) -> Self {
        if let (Some(test), Some(samples)) = (&report.backtest, samples) {
            self.back_test = Ok(BackTestSeries::new(test, samples));
        }
        self
    }
}

fn window(records: &[PlatformRecords]) -> Window {
    let start = records.iter().map(|r| r.ledger.window.start).min().unwrap_or_default();
    let ends = records.iter().flat_map(|r| {
        let leases = r.ledger.leases.iter().filter(|l| lasted(l)).map(|l| l.terminated);
        leases.chain([r.ledger.window.end])
    });
    Window { start, end: ends.max().unwrap_or_default().max(start) }
}

/// Whether a lease was ever billed, and ended.
fn lasted(lease: &Lease) -> bool {
    lease.running != Time::MAX && lease.terminated != Time::MAX && lease.terminated > lease.running
}

/// The time axis.
struct Grid {
    start: Time,
    end: Time,
    step: Span,
    steps: usize,
}

impl Grid {
    fn of(window: Window) -> Self {
        let length = (window.end - window.start).ms().max(1);
        let step = round_step(length.div_euclid(STEPS) + i64::from(length % STEPS != 0));
        let steps = (length as u64).div_ceil(step as u64) as usize;
        Self {
            start: window.start,
            end: window.start + Span::from_ms(length),
            step: Span::from_ms(step),
            steps,
        }
    }

    /// The step in which `time` lies; the number of steps from the end on.
    fn step_of(&self, time: Time) -> usize {
        ((time - self.start).ms().max(0) / self.step.ms()).min(self.steps as i64) as usize
    }

    fn point(&self, step: usize) -> Time {
        (self.start + Span::from_ms(step as i64 * self.step.ms())).min(self.end)
    }
}

/// The next length that people count in, in milliseconds.
fn round_step(least: i64) -> i64 {
    const DAY: i64 = 86_400_000;
    let below_a_second = [1, 2, 5, 10, 20, 50, 100, 200, 500];
    let clock = [1, 2, 5, 10, 15, 30].map(|n| n * 1_000);
    let minutes = [1, 2, 5, 10, 15, 30].map(|n| n * 60_000);
    let hours = [1, 2, 3, 6, 12].map(|n| n * 3_600_000);
    let steps = below_a_second.into_iter().chain(clock).chain(minutes).chain(hours);
    steps.into_iter().find(|step| *step >= least).unwrap_or_else(|| (least + DAY - 1) / DAY * DAY)
}

fn series(report: &PlatformReport, record: &PlatformRecords, grid: &Grid, has_makespans: bool) -> Series {
    let ledger = record.ledger;
    let latency = &report.latency;
    let end = ledger.window.end;
    let leases = || ledger.job_leases();
    let ready = |lease: &Lease| (lease.ready.max(lease.running), lease.terminated);
    // What never starts waits until the platform's time ends.
    let waited = |run: &PodRun| (run.created, run.started.min(run.ended).min(run.deleted).min(end));
    let is_fargate =
        |lease: &Lease| matches!(ledger.templates[lease.template as usize].machine, Machine::Fargate { .. });
    Series {
        name: crate::report::text::clean(&report.name).into_owned(),
        complete: report.complete,
        recorded: report.kind == "recorded",
        cost: record.bill.map(|bill| cost(report, bill, ledger, grid)),
        micro_vms: leases().next().is_some().then(|| leases().all(is_fargate)),
        nodes: counts(leases().filter(|l| lasted(l)).map(ready), grid),
        pending: counts(ledger.runs.iter().map(waited), grid),
        delays: delays(ledger),
        delay_p50: latency.start_delay_s.p50,
        delay_p99: latency.start_delay_s.p99,
        latency: if has_makespans { latency.makespan_s.p99 } else { latency.turnaround_s.p99 },
    }
}

fn cost(report: &PlatformReport, bill: &Bill, ledger: &Ledger, grid: &Grid) -> CostSeries {
    let mut items: Vec<(&'static str, Usd)> = Vec::new();
    for item in &bill.items {
        let name = item_name(item.kind);
        match items.iter_mut().find(|(known, _)| *known == name) {
            Some((_, usd)) => *usd += item.usd,
            None => items.push((name, item.usd)),
        }
    }
    let per_month = report.cost.as_ref().and_then(|cost| Usd::parse(&cost.usd_per_month));
    CostSeries {
        total: bill.total,
        per_month: per_month.unwrap_or_default(),
        cumulative: cumulative(bill, ledger, grid),
        items,
    }
}

/// What an item is called here: kinds that tell nothing apart on a slide are one.
fn item_name(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::FargateAfterEndCpu | ItemKind::FargateAfterEndMemory | ItemKind::FargateAfterEndStorage => {
            "after the pod's end"
        }
        ItemKind::ControllersCpu | ItemKind::ControllersMemory | ItemKind::ControllersInstance => {
            "controllers"
        }
        ItemKind::SystemCpu | ItemKind::SystemMemory | ItemKind::SystemInstance => "system",
        ItemKind::RootVolume => "root volumes",
        ItemKind::ControlPlane => "control plane",
        ItemKind::NatGateway | ItemKind::NatTraffic => "NAT",
        ItemKind::AutoModeFee => "Auto Mode fee",
        ItemKind::SavingsPlanCommitment | ItemKind::SavingsPlanCovered => "Savings Plan",
        other => other.label(),
    }
}

/// Spent money at each point of the grid. A lease costs evenly while it runs; what is not of leases, evenly over the
/// platform's window. Sums of leases that run are kept as a line, `slope × time − base`, so each lease is two changes.
fn cumulative(bill: &Bill, ledger: &Ledger, grid: &Grid) -> Vec<Usd> {
    #[derive(Clone, Copy, Default)]
    struct Change {
        slope: i128,
        base: i128,
        done: i128,
    }
    let mut changes = vec![Change::default(); grid.steps + 1];
    let mut spent = Usd::ZERO;
    let mut spend = |usd: Usd, from: Time, to: Time| {
        // Relative to the grid, so that products stay small.
        let (from, to) = ((from - grid.start).ms().max(0), (to - grid.start).ms());
        let slope = usd.femto().div_euclid(i128::from((to - from).max(1)));
        let point =
            |ms: i64| (ms.max(0) as u64).div_ceil(grid.step.ms() as u64).min(grid.steps as u64) as usize;
        let base = slope * i128::from(from);
        let first = &mut changes[point(from)];
        first.slope += slope;
        first.base += base;
        let last = &mut changes[point(to)];
        last.slope -= slope;
        last.base -= base;
        last.done += usd.femto();
    };
    for (lease, usd) in ledger.leases.iter().zip(&bill.leases).filter(|(lease, _)| lasted(lease)) {
        spend(*usd, lease.running, lease.terminated);
        spent += *usd;
    }
    spend(bill.total - spent, ledger.window.start, ledger.window.end);
    let mut now = Change::default();
    let value = |(step, change): (usize, &Change)| {
        now.slope += change.slope;
        now.base += change.base;
        now.done += change.done;
        let ms = i128::from((grid.point(step) - grid.start).ms());
        Usd::from_femto(now.done + now.slope * ms - now.base)
    };
    changes.iter().enumerate().map(value).collect()
}

/// How many intervals hold at once. One that ends as another begins does not overlap it.
fn counts(intervals: impl Iterator<Item = (Time, Time)>, grid: &Grid) -> Counts {
    let within = |time: Time| time.clamp(grid.start, grid.end);
    let intervals = intervals.filter(|(from, to)| from < to).map(|(from, to)| (within(from), within(to)));
    let (mut starts, mut ends): (Vec<Time>, Vec<Time>) = intervals.unzip();
    // Both come nearly in order, which a stable sort makes use of.
    starts.sort();
    ends.sort();
    Counts { most: most(&starts, &ends, grid), average: average(&starts, &ends, grid) }
}

/// Time that was spent in each step, over the step's length.
fn average(starts: &[Time], ends: &[Time], grid: &Grid) -> Vec<f64> {
    // What holds from a time on counts for the rest of its step, and fully for each step after it.
    let mut held = vec![0; grid.steps + 1];
    let mut partial = vec![0; grid.steps + 1];
    for (times, sign) in [(starts, 1), (ends, -1)] {
        for time in times {
            let step = grid.step_of(*time);
            let next = (step + 1).min(grid.steps);
            held[next] += sign;
            partial[step] += sign * (grid.point(step + 1) - *time).ms();
        }
    }
    let mut now = 0;
    let average = |step: usize| {
        now += held[step];
        let length = (grid.point(step + 1) - grid.point(step)).ms();
        (now * length + partial[step]) as f64 / length as f64
    };
    (0..grid.steps).map(average).collect()
}

/// The most that hold at once in each step.
fn most(starts: &[Time], ends: &[Time], grid: &Grid) -> Vec<u32> {
    let mut most = vec![0; grid.steps];
    let (mut started, mut ended, mut next) = (0, 0, 0);
    while let Some(now) = [starts.get(started), ends.get(ended)].into_iter().flatten().min().copied() {
        let step = grid.step_of(now).min(grid.steps - 1);
        let held = (started - ended) as u32;
        // Nothing changed since the last event; at the very start of a step, only what follows is of it.
        most[next.min(step)..step].fill(held);
        if now > grid.point(step) {
            most[step] = most[step].max(held);
        }
        next = step + 1;
        while ends.get(ended) == Some(&now) {
            ended += 1;
        }
        while starts.get(started) == Some(&now) {
            started += 1;
        }
        most[step] = most[step].max((started - ended) as u32);
    }
    most
}

/// The distribution of start delays, at most [`QUANTILES`] points of it: both ends and the places between where it
/// has risen.
fn delays(ledger: &Ledger) -> Vec<(Span, f64)> {
    let mut delays: Vec<i64> = ledger.runs.iter().filter_map(PodRun::start_delay).map(Span::ms).collect();
    delays.sort_unstable();
    distribution(&delays)
}

/// The same of ascending milliseconds.
pub(super) fn distribution(values: &[i64]) -> Vec<(Span, f64)> {
    let count = values.len();
    let points = count.min(QUANTILES);
    let share = |rank: usize| (rank + 1) as f64 / count as f64;
    let ranks = (1..=points).map(|n| n * count / points - 1);
    ranks.map(|rank| (Span::from_ms(values[rank]), share(rank))).collect()
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
