//! The back-test: the platform that the trace ran on, as simulated and as recorded. It is the error bar of every other
//! number of the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Distribution;
use super::risk::Rows;
use super::text::{NONE, change, clean, count, money, plural, seconds, usd};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackTest {
    /// What the trace ran on. It is simulated for this even where it is not among the platforms of the report.
    pub platform: String,
    /// Pod created → running, of the pods whose start was observed and that started in the simulation too.
    pub start_delay_s: Compared,
    /// First task submitted → last end noticed, of the workflow runs that are complete both times.
    pub makespan_s: Compared,
    /// Simulated − recorded makespan, run by run.
    pub makespan_difference_s: Differences,
    /// Pods that do not count for start delays, since their recorded start is itself modelled (`work_seconds_method`).
    pub pods_with_modelled_start: u64,
    /// Left out where one of the two cannot be billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<BackTestCost>,
}

/// The same pods or runs twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    pub recorded: Distribution,
    pub simulated: Distribution,
    pub relative_error: RelativeError,
}

/// Simulated ÷ recorded − 1, number by number; `null` where nothing was recorded, or zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelativeError {
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
}

/// Differences of pairs, in seconds. Quantiles are nearest-rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Differences {
    pub count: u64,
    pub mean: Option<f64>,
    pub p5: Option<f64>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackTestCost {
    pub recorded_usd: String,
    pub simulated_usd: String,
}

/// What the chart of a back-test is drawn from, in milliseconds and ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackTestSamples {
    pub start_delay: Samples,
    pub makespan: Samples,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    pub recorded: Vec<i64>,
    pub simulated: Vec<i64>,
}

impl Compared {
    pub fn new(recorded: Distribution, simulated: Distribution) -> Self {
        let error = |of: fn(&Distribution) -> Option<f64>| {
            let (before, after) = (of(&recorded)?, of(&simulated)?);
            (before > 0.0).then(|| after / before - 1.0)
        };
        let relative_error = RelativeError {
            mean: error(|d| d.mean),
            p50: error(|d| d.p50),
            p90: error(|d| d.p90),
            p95: error(|d| d.p95),
            p99: error(|d| d.p99),
            max: error(|d| d.max),
        };
        Self { recorded, simulated, relative_error }
    }
}

impl Differences {
    /// Of signed milliseconds, which are sorted in place.
    pub fn new(values: &mut [i64]) -> Self {
        values.sort_unstable();
        let count = values.len();
        if count == 0 {
            return Self::default();
        }
        let sum: i128 = values.iter().map(|v| i128::from(*v)).sum();
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).max(1) - 1;
            Some(values[rank] as f64 / 1_000.0)
        };
        Self {
            count: count as u64,
            mean: Some((sum as f64 / count as f64).round() / 1_000.0),
            p5: at(5),
            p50: at(50),
            p95: at(95),
        }
    }
}

/// `+3.4 %`, `-12 %`, of a ratio that may have either sign.
pub(super) fn signed_percent(error: Option<f64>) -> String {
    let Some(percent) = error.map(|e| e * 100.0).filter(|p| p.is_finite()) else { return NONE.to_owned() };
    let size = percent.abs();
    let sign = if percent < 0.0 { '-' } else { '+' };
    match size {
        s if s < 0.05 => "±0 %".to_owned(),
        s if s < 9.95 => format!("{sign}{s:.1} %"),
        s if s < 99_999.5 => format!("{sign}{} %", count(s.round() as u64)),
        _ => format!(">{sign}99,999 %"),
    }
}

/// `-5s`, `+1m10s`, `0s`.
fn signed_seconds(value: Option<f64>) -> String {
    match value {
        Some(v) if v < 0.0 => format!("-{}", seconds(Some(-v))),
        Some(v) if v > 0.0 => format!("+{}", seconds(Some(v))),
        Some(_) => "0s".to_owned(),
        None => NONE.to_owned(),
    }
}

/// A simulated cost this close to the recorded one needs no reservation.
const COST_TOLERANCE: f64 = 0.05;

/// What a back-test found, a line each.
pub(super) fn lines(test: &BackTest) -> Vec<String> {
    let name = clean(&test.platform);
    let of = |what: &str, compared: &Compared| {
        let Compared { recorded, simulated, relative_error } = compared;
        if recorded.count == 0 {
            return format!("no {what} was observed");
        }
        let one = |simulated, recorded: String, error| {
            format!("{} ({recorded}, {})", seconds(simulated), signed_percent(error))
        };
        let first = format!("recorded {}", seconds(recorded.p50));
        let p50 = one(simulated.p50, first, relative_error.p50);
        let p99 = one(simulated.p99, seconds(recorded.p99), relative_error.p99);
        format!("{what} p50 {p50}, p99 {p99}")
    };
    let mut lines = vec![
        format!("back-test of {name}: {}", of("start delay", &test.start_delay_s)),
        format!("back-test of {name}: {}", of("makespan", &test.makespan_s)),
    ];
    lines.extend(test.cost.as_ref().map(|cost| {
        format!(
            "back-test of {name}: cost {} (recorded {}, {})",
            money(&cost.simulated_usd),
            money(&cost.recorded_usd),
            change(usd(&cost.recorded_usd), usd(&cost.simulated_usd)),
        )
    }));
    lines
}

/// What a finding about the simulated platform must add where its cost is not what the record says: the amount of the
/// record, and `why` it cost more where that is known. `None` where both agree.
pub(super) fn reservation(test: &BackTest, why: Option<&str>) -> Option<String> {
    let cost = test.cost.as_ref()?;
    let (recorded, simulated) = (usd(&cost.recorded_usd)?.to_f64(), usd(&cost.simulated_usd)?.to_f64());
    let agree = (simulated - recorded).abs() <= COST_TOLERANCE * recorded;
    let why = why.filter(|_| recorded > simulated).map(|why| format!(" ({why})")).unwrap_or_default();
    (!agree).then(|| {
        format!("; as recorded {} cost {}{why}: see the back-test", test.platform, money(&cost.recorded_usd))
    })
}

/// What beside the table a reader should know, a sentence each.
pub(super) fn sentences(test: &BackTest) -> Vec<String> {
    let mut out = Vec::new();
    let difference = &test.makespan_difference_s;
    if difference.count > 0 {
        out.push(format!(
            "Run by run ({}), the simulated makespan differs from the recorded one by {} on average; the median is {}, \
             and nine of ten runs are between {} and {}.",
            plural(difference.count, "pair"),
            signed_seconds(difference.mean),
            signed_seconds(difference.p50),
            signed_seconds(difference.p5),
            signed_seconds(difference.p95),
        ));
    }
    if let Some(cost) = &test.cost {
        out.push(format!(
            "Simulated it costs {}, as recorded {} ({}).",
            money(&cost.simulated_usd),
            money(&cost.recorded_usd),
            change(usd(&cost.recorded_usd), usd(&cost.simulated_usd)),
        ));
    }
    if test.pods_with_modelled_start > 0 {
        out.push(format!(
            "{} not counted for start delays: that the recorded start is modelled, not observed, would compare the model \
             with itself.",
            if test.pods_with_modelled_start == 1 {
                "1 pod is".to_owned()
            } else {
                format!("{} are", plural(test.pods_with_modelled_start, "pod"))
            }
        ));
        out.push(
            "Where a start-up is fitted as 5th percentile, the least is subtracted: modelled work is then an upper \
             estimate, and simulated makespans tend to be longer than recorded."
                .to_owned(),
        );
    }
    out
}

/// The distributions side by side.
pub(super) fn rows(test: &BackTest) -> Rows {
    let mut rows = Vec::new();
    for (what, compared) in [("start delay", &test.start_delay_s), ("makespan", &test.makespan_s)] {
        for (which, d) in [("recorded", &compared.recorded), ("simulated", &compared.simulated)] {
            let mut row = vec![format!("{what}, {which}"), count(d.count)];
            row.extend([d.mean, d.p50, d.p90, d.p95, d.p99, d.max].map(seconds));
            rows.push(row);
        }
        let e = &compared.relative_error;
        let mut row = vec![format!("{what}, error"), String::new()];
        row.extend([e.mean, e.p50, e.p90, e.p95, e.p99, e.max].map(signed_percent));
        rows.push(row);
    }
    Rows { heads: &["", "count", "mean", "p50", "p90", "p95", "p99", "max"], rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::distribution;

    #[test]
    fn errors_are_relative_to_what_was_recorded() {
        // p50: 10 s recorded, 12 s simulated: +20 %. The mean of 0 s recorded has no relative error.
        let recorded = distribution(&mut [8_000, 10_000, 12_000]);
        let simulated = distribution(&mut [9_000, 12_000, 12_000]);
        let compared = Compared::new(recorded, simulated);
        assert_eq!(compared.relative_error.p50.map(|e| (e * 1_000.0).round()), Some(200.0));
        assert_eq!(compared.relative_error.max, Some(0.0));
        let nothing = Compared::new(distribution(&mut [0]), distribution(&mut [5]));
        assert_eq!(nothing.relative_error.p50, None);
    }

    #[test]
    fn differences_keep_their_sign() {
        // 20 values from −9 s to 10 s: p5 is the first, p50 the tenth, p95 the nineteenth; the mean is 0.5 s.
        let mut values: Vec<i64> = (-9..=10).map(|n| n * 1_000).collect();
        let d = Differences::new(&mut values);
        assert_eq!((d.count, d.mean, d.p5, d.p50, d.p95), (20, Some(0.5), Some(-9.0), Some(0.0), Some(9.0)));
        assert_eq!(Differences::new(&mut []), Differences::default());
    }

    #[test]
    fn a_cost_that_is_not_the_recorded_one_is_said() {
        let test = |recorded: &str, simulated: &str| BackTest {
            platform: "fargate".to_owned(),
            start_delay_s: Compared::default(),
            makespan_s: Compared::default(),
            makespan_difference_s: Differences::default(),
            pods_with_modelled_start: 0,
            cost: Some(BackTestCost {
                recorded_usd: recorded.to_owned(),
                simulated_usd: simulated.to_owned(),
            }),
        };
        // 82.18 / 135.26 - 1 = -39 %.
        let far = test("135.26", "82.18");
        assert_eq!(lines(&far)[2], "back-test of fargate: cost $82.18 (recorded $135.26, -39 %)");
        assert_eq!(
            reservation(&far, Some("with leftover pods")).as_deref(),
            Some("; as recorded fargate cost $135.26 (with leftover pods): see the back-test")
        );
        // 5 % either way is close enough.
        assert_eq!(reservation(&test("100", "95"), None), None);
        assert_eq!(
            reservation(&test("100", "105.01"), Some("with leftover pods")).as_deref(),
            Some("; as recorded fargate cost $100.00: see the back-test")
        );
    }

    #[test]
    fn percents_have_a_sign_and_two_digits() {
        let cases = [
            (Some(0.0), "±0 %"),
            (Some(0.034), "+3.4 %"),
            (Some(-0.0996), "-10 %"),
            (Some(12.5), "+1,250 %"),
            (Some(f64::INFINITY), NONE),
            (None, NONE),
        ];
        for (error, text) in cases {
            assert_eq!(signed_percent(error), text);
        }
    }
}
