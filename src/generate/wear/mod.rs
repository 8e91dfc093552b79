//! A week of batch workflows, as they would have been seen on EKS Fargate: `cost-sim generate wear`.
//!
//! Shaped like what has been said in public of the batch workflows of WEAR, a fashion app by ZOZO: workflows that
//! register and update users, outfits, items and rankings, started by Digdag as pods on EKS Fargate; they start at
//! scattered times, few run at once, and their requests are larger than their use (M. Kobayashi, "WEAR の
//! ワークフロー実行基盤コストを何とかしたい", 2023-12-15). No count, duration, size or cost was published. Every number here
//! is an assumption, made without looking at what a replay then costs.
//!
//! `plan` draws the workflows: their schedules, graphs, requests and images are the same in every session. `fargate`
//! runs the sessions. `right_size` gives the same pods the requests that their use justifies.

mod fargate;
mod plan;
mod right_size;
#[cfg(test)]
mod tests;

use crate::rng::{Draws, Purpose, key_of};
use crate::trace::Trace;
use crate::units::{Span, Time};

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    pub days: u32,
    /// Thousandths of the number of workflows; each class keeps at least one.
    pub scale_milli: u32,
    pub seed: u64,
    pub requests: Requests,
}

/// Which requests the pods have. Everything else is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// Sizes that somebody once chose, mostly too large.
    AsIs,
    /// What their use over the whole trace justifies.
    RightSized,
}

/// Raised when the same parameters give other rows.
const GENERATOR_VERSION: u32 = 1;
/// Monday, 2024-01-01T00:00:00+09:00. Japan has no daylight saving time.
const START: Time = Time::from_ms(1_704_034_800_000);
const DAY: Span = Span::from_secs(86_400);

/// The trace, one workflow after the other.
pub fn trace(params: &Params) -> Trace {
    let workflows = plan::workflows(params);
    let mut rows = fargate::run_all(params, &workflows);
    if params.requests == Requests::RightSized {
        right_size::apply(&mut rows);
    }
    fargate::into_trace(rows)
}

/// The text of the trace's side file.
pub fn meta_json(params: &Params) -> String {
    let end = START + Span::from_ms(DAY.ms() * i64::from(params.days));
    let end = chrono::DateTime::from_timestamp_millis(end.ms())
        .map(|time| time.with_timezone(&chrono_tz::Asia::Tokyo).to_rfc3339())
        .unwrap_or_default();
    let requests = match params.requests {
        Requests::AsIs => "as-is",
        Requests::RightSized => "right-sized",
    };
    let meta = serde_json::json!({
        "schema": "cost-sim-trace/v1",
        "synthetic": true,
        "source": "cost-sim generate wear",
        "notes": "Invented. Shaped like the publicly described batch workflows of a fashion app on Digdag and EKS \
                  Fargate; every number is an assumption. Recorded times are as they would have been on Fargate. \
                  Requests are those of the job's own container; agents beside it are the scenario's.",
        "window_start": "2024-01-01T00:00:00+09:00",
        "window_end": end,
        "timezone": "Asia/Tokyo",
        "source_region": "ap-northeast-1",
        "generator": {
            "name": "cost-sim generate wear",
            "version": GENERATOR_VERSION,
            "seed": params.seed,
            "params": { "days": params.days, "scale": f64::from(params.scale_milli) / 1_000.0, "requests": requests },
        },
    });
    format!("{meta:#}\n")
}

/// The luck of one named thing: a stream of its own, so that more days, more workflows or other requests change
/// nothing of what was there before.
struct Luck {
    draws: Draws,
    key: u64,
    counter: u32,
}

impl Luck {
    fn of(params: &Params, names: &[&str], number: u64) -> Self {
        Self { draws: Draws::new(params.seed), key: key_of(names, number), counter: 0 }
    }

    /// Uniform in the open interval (0, 1).
    fn quantile(&mut self) -> f64 {
        self.counter += 1;
        self.draws.quantile(Purpose::Synthetic, self.key, self.counter)
    }

    /// Uniform in `0..n`.
    fn below(&mut self, n: u64) -> u64 {
        self.counter += 1;
        self.draws.below(Purpose::Synthetic, self.key, self.counter, n)
    }

    /// Uniform in `from..=to`.
    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from + 1) as u64) as i64
    }

    fn chance(&mut self, in_thousand: u64) -> bool {
        self.below(1_000) < in_thousand
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// `n` quantiles in any order, one in each `n`th of (0, 1).
    fn strata(&mut self, n: u32) -> Vec<f64> {
        let mut order: Vec<(u64, u32)> = (0..n).map(|stratum| (self.below(u64::MAX), stratum)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, stratum)| (f64::from(stratum) + self.quantile()) / f64::from(n)).collect()
    }
}

/// The value of a log-normal distribution at `quantile`.
fn log_normal(median: Span, sigma: f64, quantile: f64) -> Span {
    crate::rng::Duration::LogNormal { mu: libm::log(median.ms() as f64), sigma }.at(|| quantile)
}

/// The value of a triangular distribution at `quantile`, as a whole number.
fn triangular((min, mode, max): (u32, u32, u32), quantile: f64) -> u32 {
    let [a, c, b] = [min, mode, max].map(f64::from);
    let x = if quantile * (b - a) < c - a {
        a + libm::sqrt(quantile * (b - a) * (c - a))
    } else {
        b - libm::sqrt((1.0 - quantile) * (b - a) * (b - c))
    };
    libm::rint(x) as u32
}
