//! What a check found out, as one value that every output is written from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::compare::{Change, PurposeChange, SettingChange};
use crate::report::Tool;

/// Raised when a reader of older results would misunderstand.
pub const SCHEMA_VERSION: u32 = 1;

/// The whole result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    pub schema_version: u32,
    pub tool: Tool,
    /// The saved report's file, and the program that made it.
    pub baseline: String,
    pub baseline_tool: Tool,
    /// Whether no limit is exceeded.
    pub passed: bool,
    /// Whether nothing at all is different.
    pub unchanged: bool,
    /// How many histories of each platform were simulated.
    pub replications: u32,
    /// The result in one sentence.
    pub finding: String,
    pub platforms: Vec<PlatformCheck>,
    /// Which of the settings are others than the baseline's.
    pub settings: Vec<SettingChange>,
    /// Which of the prices that a platform could need are others, the largest changes first.
    pub prices: Vec<PriceChange>,
    /// What else has to be known to read this.
    pub notes: Vec<String>,
}

/// One platform beside itself in the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformCheck {
    pub name: String,
    /// `compared`, `new` (not in the baseline) or `gone` (not simulated today).
    pub status: String,
    pub passed: bool,
    /// Cost in USD, exact; `null` where one of them is not known.
    pub cost: Option<Change>,
    /// Today's cost in USD, also of a platform that the baseline does not have.
    pub usd_now: Option<String>,
    /// What the change of cost is made of; the effects sum to it exactly.
    pub causes: Vec<Cause>,
    /// Latencies in seconds and counts, by their path in the report; those of the limits and those that changed.
    pub metrics: BTreeMap<String, Change>,
    pub verdicts: Vec<Verdict>,
    /// With replications: how much of the changes is luck, by path.
    pub noise: BTreeMap<String, Noise>,
    /// What the money was for: pods by workflow, and what no workflow causes. They sum to the change of cost exactly, the
    /// largest first.
    pub purposes: Vec<PurposeChange>,
    /// Why it is no longer complete, where it was; why it is now, where it was not.
    pub incomplete_reasons: Vec<String>,
    /// Why the cost is not known now, where it was before.
    pub cost_unknown: Option<String>,
    pub was_complete: bool,
    pub complete: bool,
}

/// One thing that is different, and what it does to the bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// `prices`, `settings`, `workload`, `version`; `workload and version` where both are others and the old trace is
    /// not at hand.
    pub cause: String,
    /// The same nodes and pods, billed differently. `null` where that cannot be told apart.
    pub same_decisions_usd: Option<String>,
    /// What controllers did differently because of it.
    pub other_decisions_usd: Option<String>,
    /// Both.
    pub usd: String,
    /// What it adds to the other numbers, by their paths; those that it leaves alone are not named.
    pub others: BTreeMap<String, f64>,
}

/// How far the change of a number is told from luck.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// Mean change over the histories.
    pub mean: f64,
    /// In 95 of 100 cases the true mean change is between these.
    pub ci95: [f64; 2],
    /// Zero is among them: nothing can be said to have changed.
    pub within_noise: bool,
    /// Whether the same luck was compared with itself, history by history; otherwise the means of two samples.
    pub paired: bool,
}

/// A price, or a fact about an instance type, that is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceChange {
    /// Such as `m6i.large on-demand`.
    pub name: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub percent: Option<String>,
}
