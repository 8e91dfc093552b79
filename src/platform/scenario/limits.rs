//! What a platform may not exceed: in a pipeline beside a saved report, in a search beside the platform of today.
//!
//! Increases are relative to that other result; the rest are absolute. Who judges them is `check` and `plan`.

use super::super::fields::{Reader, Section};
use super::super::values::{Parsed, Refusal, duration, duration_text, increase, ppm_text, whole};
use super::print::{Yaml, field, text};
use crate::units::{Span, Usd};

/// `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Parts per million of the earlier cost.
    pub max_cost_increase_ppm: Option<u32>,
    /// Of a month of 730 hours.
    pub max_usd_per_month: Option<Usd>,
    /// Parts per million of the earlier mean makespan of workflow runs.
    pub max_makespan_increase_ppm: Option<u32>,
    /// Parts per million of the earlier 99th percentile of workflow runs' makespans.
    pub max_p99_makespan_increase_ppm: Option<u32>,
    /// Parts per million of the earlier 99th percentile of start delays.
    pub max_p99_start_delay_increase_ppm: Option<u32>,
    /// The 99th percentile of start delays.
    pub max_p99_start_delay: Option<Span>,
    /// Pods.
    pub max_unschedulable: Option<u64>,
    /// Tasks that were started again after the platform had taken their pod away.
    pub max_tasks_restarted: Option<u64>,
}

/// Longer start delays than this are no target.
const LONGEST: Span = Span::from_secs(7 * 86_400);
const MOST: u64 = 1_000_000_000_000;

impl Limits {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These limits with the ones of `flags` in place of theirs.
    #[must_use]
    pub fn overridden_by(self, flags: Self) -> Self {
        Self {
            max_cost_increase_ppm: flags.max_cost_increase_ppm.or(self.max_cost_increase_ppm),
            max_usd_per_month: flags.max_usd_per_month.or(self.max_usd_per_month),
            max_makespan_increase_ppm: flags.max_makespan_increase_ppm.or(self.max_makespan_increase_ppm),
            max_p99_makespan_increase_ppm: flags
                .max_p99_makespan_increase_ppm
                .or(self.max_p99_makespan_increase_ppm),
            max_p99_start_delay_increase_ppm: flags
                .max_p99_start_delay_increase_ppm
                .or(self.max_p99_start_delay_increase_ppm),
            max_p99_start_delay: flags.max_p99_start_delay.or(self.max_p99_start_delay),
            max_unschedulable: flags.max_unschedulable.or(self.max_unschedulable),
            max_tasks_restarted: flags.max_tasks_restarted.or(self.max_tasks_restarted),
        }
    }

    /// For a flag: `5%`.
    pub fn parse_increase(text: &str) -> Result<u32, String> {
        said(increase(text))
    }

    /// For a flag: `90s`.
    pub fn parse_delay(text: &str) -> Result<Span, String> {
        said(delay(text))
    }

    /// For a flag: `1200` or `1200.50`.
    pub fn parse_usd(text: &str) -> Result<Usd, String> {
        said(usd(text))
    }
}

/// A refusal as clap shows it.
fn said<T>(parsed: Parsed<T>) -> Result<T, String> {
    parsed.map_err(|refusal| match refusal.hint {
        Some(hint) => format!("{}; {hint}", refusal.message),
        None => refusal.message,
    })
}

fn delay(text: &str) -> Parsed<Span> {
    duration(text, LONGEST)
}

fn usd(text: &str) -> Parsed<Usd> {
    const EXAMPLE: &str = "write a decimal number without a currency, for example 1200";
    match Usd::parse(text) {
        Some(usd) if usd >= Usd::ZERO => Ok(usd),
        Some(_) => Err(Refusal::new("is negative").hint(EXAMPLE)),
        None => Err(Refusal::new("is not an amount of USD").hint(EXAMPLE)),
    }
}

fn count(text: &str) -> Parsed<u64> {
    whole(text, 0, MOST)
}

pub(super) fn read(reader: &mut Reader, root: &mut Section) -> Limits {
    let mut section = root.section(reader, "limits");
    let limits = Limits {
        max_cost_increase_ppm: section.optional(reader, "maxCostIncrease", increase),
        max_usd_per_month: section.optional(reader, "maxUsdPerMonth", usd),
        max_makespan_increase_ppm: section.optional(reader, "maxMakespanIncrease", increase),
        max_p99_makespan_increase_ppm: section.optional(reader, "maxP99MakespanIncrease", increase),
        max_p99_start_delay_increase_ppm: section.optional(reader, "maxP99StartDelayIncrease", increase),
        max_p99_start_delay: section.optional(reader, "maxP99StartDelay", delay),
        max_unschedulable: section.optional(reader, "maxUnschedulable", count),
        max_tasks_restarted: section.optional(reader, "maxTasksRestarted", count),
    };
    section.finish(reader);
    limits
}

pub(super) fn print(limits: &Limits) -> Option<(String, Yaml)> {
    let percent = |name, ppm: Option<u32>| ppm.map(|ppm| field(name, text(ppm_text(ppm))));
    let number = |name, n: Option<u64>| n.map(|n| field(name, Yaml::Whole(n)));
    let fields = [
        percent("maxCostIncrease", limits.max_cost_increase_ppm),
        limits.max_usd_per_month.map(|usd| field("maxUsdPerMonth", text(usd.to_string()))),
        percent("maxMakespanIncrease", limits.max_makespan_increase_ppm),
        percent("maxP99MakespanIncrease", limits.max_p99_makespan_increase_ppm),
        percent("maxP99StartDelayIncrease", limits.max_p99_start_delay_increase_ppm),
        limits.max_p99_start_delay.map(|span| field("maxP99StartDelay", text(duration_text(span)))),
        number("maxUnschedulable", limits.max_unschedulable),
        number("maxTasksRestarted", limits.max_tasks_restarted),
    ];
    let fields: Vec<(String, Yaml)> = fields.into_iter().flatten().collect();
    (!fields.is_empty()).then(|| field("limits", Yaml::Map(fields)))
}
