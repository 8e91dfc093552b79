//! Whether one platform keeps the limits.
//!
//! Money is compared exactly. Latencies are statistics of simulated times and are compared as such.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::platform::Limits;
use crate::report::{PlatformReport, plural};
use crate::units::Usd;

/// What became of one limit on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The limit's name in a scenario, such as `maxCostIncrease`.
    pub limit: String,
    /// What it allows, such as `+5%`.
    pub allowed: String,
    /// What there is, such as `+7.25%`; why it is not known where it is not judged.
    pub actual: String,
    pub exceeded: bool,
    /// Whether there was anything to judge. A limit on the makespan says nothing of a trace without workflow runs.
    pub judged: bool,
}

/// Judges `now` by every limit there is. Increases are relative to `before`; without it, or without its number, they are
/// not judged.
pub fn judge(limits: &Limits, before: Option<&PlatformReport>, now: &PlatformReport) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let cost = |platform: &PlatformReport| {
        let cost = platform.cost.as_ref()?;
        Some((Usd::parse(&cost.total_usd)?, Usd::parse(&cost.usd_per_month)?))
    };
    if let Some(ppm) = limits.max_cost_increase_ppm {
        let before = before.and_then(cost).map(|(total, _)| total);
        verdicts.push(cost_increase(ppm, before, cost(now).map(|(total, _)| total)));
    }
    if let Some(most) = limits.max_usd_per_month {
        let allowed = format!("{} USD a month", most.rounded(2));
        verdicts.push(match cost(now) {
            Some((_, month)) => Verdict {
                limit: "maxUsdPerMonth".to_owned(),
                allowed,
                actual: format!("{} USD a month", month.rounded(2)),
                exceeded: month > most,
                judged: true,
            },
            None => unknown("maxUsdPerMonth", allowed, before.is_some_and(|before| cost(before).is_some())),
        });
    }
    let makespan = |platform: &PlatformReport| platform.latency.makespan_s;
    let start_delay = |platform: &PlatformReport| platform.latency.start_delay_s;
    let increases = [
        (
            "maxMakespanIncrease",
            limits.max_makespan_increase_ppm,
            before.and_then(|b| makespan(b).mean),
            makespan(now).mean,
        ),
        (
            "maxP99MakespanIncrease",
            limits.max_p99_makespan_increase_ppm,
            before.and_then(|b| makespan(b).p99),
            makespan(now).p99,
        ),
        (
            "maxP99StartDelayIncrease",
            limits.max_p99_start_delay_increase_ppm,
            before.and_then(|b| start_delay(b).p99),
            start_delay(now).p99,
        ),
    ];
    for (name, limit, before, now) in increases {
        verdicts.extend(limit.map(|ppm| increase(name, ppm, before, now)));
    }
    if let Some(most) = limits.max_p99_start_delay {
        let allowed = seconds(most.secs_f64());
        verdicts.push(match start_delay(now).p99 {
            Some(p99) => Verdict {
                limit: "maxP99StartDelay".to_owned(),
                allowed,
                actual: seconds(p99),
                exceeded: p99 > most.secs_f64(),
                judged: true,
            },
            None => unjudged("maxP99StartDelay", allowed, "no pod started"),
        });
    }
    let counts = [
        ("maxUnschedulable", limits.max_unschedulable, now.pods.unschedulable, "pod"),
        ("maxTasksRestarted", limits.max_tasks_restarted, now.disruption.tasks_restarted, "task"),
    ];
    for (name, limit, actual, what) in counts {
        verdicts.extend(limit.map(|most| Verdict {
            limit: name.to_owned(),
            allowed: plural(most, what),
            actual: plural(actual, what),
            exceeded: actual > most,
            judged: true,
        }));
    }
    verdicts
}

fn cost_increase(ppm: u32, before: Option<Usd>, now: Option<Usd>) -> Verdict {
    const MILLION: i128 = 1_000_000;
    let allowed = percent(f64::from(ppm) / 1e4);
    let Some(before) = before else {
        return unjudged("maxCostIncrease", allowed, "there is nothing to compare with");
    };
    let Some(now) = now else { return unknown("maxCostIncrease", allowed, true) };
    if before == Usd::ZERO && now > Usd::ZERO {
        return from_nothing("maxCostIncrease", allowed);
    }
    let ratio = if before == Usd::ZERO { 0.0 } else { (now - before).to_f64() / before.to_f64() };
    Verdict {
        limit: "maxCostIncrease".to_owned(),
        allowed,
        actual: percent(ratio * 100.0),
        exceeded: now.femto() * MILLION > before.femto() * (MILLION + i128::from(ppm)),
        judged: true,
    }
}

fn increase(name: &str, ppm: u32, before: Option<f64>, now: Option<f64>) -> Verdict {
    let allowed = percent(f64::from(ppm) / 1e4);
    match (before, now) {
        // Nothing completed any more: worse than any increase.
        (Some(_), None) => Verdict {
            limit: name.to_owned(),
            allowed,
            actual: "nothing completed".to_owned(),
            exceeded: true,
            judged: true,
        },
        (Some(before), Some(now)) if before > 0.0 || now <= 0.0 => {
            let ratio = if before > 0.0 { now / before - 1.0 } else { 0.0 };
            Verdict {
                limit: name.to_owned(),
                allowed,
                actual: percent(ratio * 100.0),
                exceeded: now > before * (1.0 + f64::from(ppm) / 1e6),
                judged: true,
            }
        }
        (Some(_), Some(_)) => from_nothing(name, allowed),
        (None, _) => unjudged(name, allowed, "there is nothing to compare with"),
    }
}

/// A cost that is not known; worse than any increase where it was known before.
fn unknown(limit: &str, allowed: String, was_known: bool) -> Verdict {
    let actual = if was_known { "no longer known" } else { "not known" };
    Verdict { exceeded: was_known, judged: was_known, ..unjudged(limit, allowed, actual) }
}

/// Any share of nothing is nothing.
fn from_nothing(limit: &str, allowed: String) -> Verdict {
    Verdict { exceeded: true, judged: true, ..unjudged(limit, allowed, "more than the nothing of before") }
}

fn unjudged(limit: &str, allowed: String, why: &str) -> Verdict {
    Verdict { limit: limit.to_owned(), allowed, actual: why.to_owned(), exceeded: false, judged: false }
}

fn percent(value: f64) -> String {
    format!("{value:+.2}%")
}

fn seconds(value: f64) -> String {
    format!("{value:.1} s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::units::Span;

    /// 100 USD (a month: 400), mean makespan 100 s, p99 200 s, p99 start delay 60 s.
    fn before() -> PlatformReport {
        let mut platform = sample::report().platforms.remove(0);
        let cost = platform.cost.as_mut().expect("the sample has a cost");
        cost.total_usd = "100".to_owned();
        cost.usd_per_month = "400".to_owned();
        platform.latency.makespan_s.mean = Some(100.0);
        platform.latency.makespan_s.p99 = Some(200.0);
        platform.latency.start_delay_s.p99 = Some(60.0);
        platform.pods.unschedulable = 0;
        platform.disruption.tasks_restarted = 3;
        platform
    }

    fn with(change: impl FnOnce(&mut PlatformReport)) -> PlatformReport {
        let mut now = before();
        change(&mut now);
        now
    }

    #[test]
    fn what_is_allowed_is_allowed_and_one_unit_more_is_not() {
        let cost = |usd: &'static str| with(move |p| p.cost.as_mut().unwrap().total_usd = usd.to_owned());
        let five = Limits { max_cost_increase_ppm: Some(50_000), ..Limits::default() };
        let month = Limits { max_usd_per_month: Usd::parse("400"), ..Limits::default() };
        let mean = Limits { max_makespan_increase_ppm: Some(100_000), ..Limits::default() };
        let p99 = Limits { max_p99_makespan_increase_ppm: Some(0), ..Limits::default() };
        let delay = Limits { max_p99_start_delay: Some(Span::from_secs(60)), ..Limits::default() };
        let more = Limits { max_p99_start_delay_increase_ppm: Some(500_000), ..Limits::default() };
        let pods = Limits { max_unschedulable: Some(0), ..Limits::default() };
        let tasks = Limits { max_tasks_restarted: Some(2), ..Limits::default() };
        // (limits, now, actual, exceeded, judged)
        let cases = vec![
            (five, cost("105"), "+5.00%", false, true),
            (five, cost("105.000000000000001"), "+5.00%", true, true),
            (five, cost("90"), "-10.00%", false, true),
            (five, with(|p| p.cost = None), "no longer known", true, true),
            (month, with(|p| p.cost = None), "no longer known", true, true),
            (month, before(), "400.00 USD a month", false, true),
            (
                month,
                with(|p| p.cost.as_mut().unwrap().usd_per_month = "400.01".into()),
                "400.01 USD a month",
                true,
                true,
            ),
            (mean, with(|p| p.latency.makespan_s.mean = Some(110.0)), "+10.00%", false, true),
            (mean, with(|p| p.latency.makespan_s.mean = Some(111.0)), "+11.00%", true, true),
            (p99, with(|p| p.latency.makespan_s.p99 = Some(200.1)), "+0.05%", true, true),
            (p99, with(|p| p.latency.makespan_s.p99 = None), "nothing completed", true, true),
            (delay, before(), "60.0 s", false, true),
            (delay, with(|p| p.latency.start_delay_s.p99 = Some(60.1)), "60.1 s", true, true),
            (more, with(|p| p.latency.start_delay_s.p99 = Some(90.0)), "+50.00%", false, true),
            (pods, before(), "0 pods", false, true),
            (pods, with(|p| p.pods.unschedulable = 1), "1 pod", true, true),
            (tasks, before(), "3 tasks", true, true),
        ];
        for (limits, now, actual, exceeded, judged) in cases {
            let [verdict] = &judge(&limits, Some(&before()), &now)[..] else {
                panic!("one limit, one verdict")
            };
            let got = (verdict.actual.as_str(), verdict.exceeded, verdict.judged);
            assert_eq!(got, (actual, exceeded, judged), "{}", verdict.limit);
        }
    }

    #[test]
    fn without_something_to_compare_with_increases_are_not_judged() {
        let limits = Limits {
            max_cost_increase_ppm: Some(0),
            max_makespan_increase_ppm: Some(0),
            max_unschedulable: Some(0),
            ..Limits::default()
        };
        let judged: Vec<bool> = judge(&limits, None, &before()).iter().map(|v| v.judged).collect();
        assert_eq!(judged, [false, false, true]);
        assert_eq!(judge(&Limits::default(), Some(&before()), &before()), []);
    }
}
