//! What a simulated candidate is worth: its bill, the latency that matters, and which limits it exceeds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::front::Point;
use crate::check::judge;
use crate::platform::Limits;
use crate::report::PlatformReport;
use crate::report::text::ratio;
use crate::units::{Span, Usd};

/// Which latency a front shows: the one that the user limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    P99StartDelay,
    P99Makespan,
    MeanMakespan,
}

impl Metric {
    /// The limited one; without a limit on latency the p99 makespan, or the p99 start delay of a trace without workflow
    /// runs.
    pub fn of(limits: &Limits, has_runs: bool) -> Self {
        if limits.max_p99_start_delay.is_some() || limits.max_p99_start_delay_increase_ppm.is_some() {
            Self::P99StartDelay
        } else if limits.max_p99_makespan_increase_ppm.is_some() {
            Self::P99Makespan
        } else if limits.max_makespan_increase_ppm.is_some() {
            Self::MeanMakespan
        } else if has_runs {
            Self::P99Makespan
        } else {
            Self::P99StartDelay
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::P99StartDelay => "p99 start delay",
            Self::P99Makespan => "p99 makespan",
            Self::MeanMakespan => "mean makespan",
        }
    }

    /// What the limits allow of it in seconds, increases being relative to `reference`; the strictest where there are
    /// several.
    pub fn limit(self, limits: &Limits, reference: &PlatformReport) -> Option<f64> {
        let (absolute, increase) = match self {
            Self::P99StartDelay => (limits.max_p99_start_delay, limits.max_p99_start_delay_increase_ppm),
            Self::P99Makespan => (None, limits.max_p99_makespan_increase_ppm),
            Self::MeanMakespan => (None, limits.max_makespan_increase_ppm),
        };
        let relative = self.seconds(reference).zip(increase);
        let relative = relative.map(|(seconds, ppm)| seconds * (1.0 + f64::from(ppm) / 1e6));
        absolute.map(Span::secs_f64).into_iter().chain(relative).min_by(f64::total_cmp)
    }

    /// In seconds; `None` where nothing completed.
    pub fn seconds(self, report: &PlatformReport) -> Option<f64> {
        match self {
            Self::P99StartDelay => report.latency.start_delay_s.p99,
            Self::P99Makespan => report.latency.makespan_s.p99,
            Self::MeanMakespan => report.latency.makespan_s.mean,
        }
    }
}

/// How far a platform is above a limit, as a part of what is allowed; where nothing is, how much there is. Infinite where
/// it is not known.
fn relative_excess(
    limit: &str,
    limits: &Limits,
    before: Option<&PlatformReport>,
    now: &PlatformReport,
) -> f64 {
    type Number = fn(&PlatformReport) -> Option<f64>;
    let total: Number = |p| Some(Usd::parse(&p.cost.as_ref()?.total_usd)?.to_f64());
    let month: Number = |p| Some(Usd::parse(&p.cost.as_ref()?.usd_per_month)?.to_f64());
    let mean: Number = |p| p.latency.makespan_s.mean;
    let p99: Number = |p| p.latency.makespan_s.p99;
    let delay: Number = |p| p.latency.start_delay_s.p99;
    let increased = |number: Number, ppm: Option<u32>| {
        before.and_then(number).zip(ppm).map(|(before, ppm)| before * (1.0 + f64::from(ppm) / 1e6))
    };
    let (actual, allowed) = match limit {
        "maxCostIncrease" => (total(now), increased(total, limits.max_cost_increase_ppm)),
        "maxUsdPerMonth" => (month(now), limits.max_usd_per_month.map(Usd::to_f64)),
        "maxMakespanIncrease" => (mean(now), increased(mean, limits.max_makespan_increase_ppm)),
        "maxP99MakespanIncrease" => (p99(now), increased(p99, limits.max_p99_makespan_increase_ppm)),
        "maxP99StartDelayIncrease" => (delay(now), increased(delay, limits.max_p99_start_delay_increase_ppm)),
        "maxP99StartDelay" => (delay(now), limits.max_p99_start_delay.map(Span::secs_f64)),
        "maxUnschedulable" => {
            (Some(now.pods.unschedulable as f64), limits.max_unschedulable.map(|n| n as f64))
        }
        _ => (Some(now.disruption.tasks_restarted as f64), limits.max_tasks_restarted.map(|n| n as f64)),
    };
    match (actual, allowed) {
        (Some(actual), Some(allowed)) if allowed > 0.0 => actual / allowed - 1.0,
        (Some(actual), Some(_)) => actual,
        _ => f64::INFINITY,
    }
}

/// What became of a candidate.
#[derive(Clone, Debug)]
pub struct Judged {
    pub report: PlatformReport,
    /// `None` where it cannot be billed.
    pub cost: Option<Usd>,
    pub latency: Option<Span>,
    /// Whether it may be recommended; otherwise it is for comparison.
    pub eligible: bool,
    /// Names of the limits that it exceeds.
    pub exceeded: Vec<String>,
    /// By how much, limit by limit, in words.
    pub excess: Vec<String>,
    /// The sum over all limits of the excess relative to what is allowed, in millionths.
    pub distance: i64,
}

impl Judged {
    pub fn new(report: PlatformReport, metric: Metric) -> Self {
        let cost = report.cost.as_ref().and_then(|cost| Usd::parse(&cost.total_usd));
        let latency = metric.seconds(&report).and_then(Span::from_secs_f64);
        Self { report, cost, latency, eligible: true, exceeded: Vec::new(), excess: Vec::new(), distance: 0 }
    }

    pub fn judge(&mut self, limits: &Limits, reference: Option<&PlatformReport>) {
        self.exceeded.clear();
        self.excess.clear();
        let mut distance = 0.0;
        for verdict in judge(limits, reference, &self.report).into_iter().filter(|v| v.exceeded) {
            let part = relative_excess(&verdict.limit, limits, reference, &self.report);
            distance += part;
            let by = if part.is_finite() { format!(" by {}", ratio(Some(part))) } else { String::new() };
            self.excess
                .push(format!("{}{by} ({}, allowed {})", verdict.limit, verdict.actual, verdict.allowed));
            self.exceeded.push(verdict.limit);
        }
        // Infinity becomes the largest number.
        self.distance = (distance * 1e6).round() as i64;
    }

    /// Whether every pod ended as recorded, at a known price.
    pub fn is_complete(&self) -> bool {
        self.report.complete && self.cost.is_some() && self.latency.is_some()
    }

    pub fn is_feasible(&self) -> bool {
        self.is_complete() && self.exceeded.is_empty()
    }

    /// Where it stands on the plane of the front; `None` unless it completed and may be recommended.
    pub fn point(&self, id: usize) -> Option<Point> {
        let (cost, latency) = (self.cost?, self.latency?);
        (self.report.complete && self.eligible).then_some(Point {
            cost: cost.femto(),
            latency: latency.ms(),
            id,
        })
    }
}
