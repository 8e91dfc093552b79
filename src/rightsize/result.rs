//! What right-sizing found out, as one value that every output is written from.
//!
//! Its JSON form is described by `docs/rightsize.schema.json`. Requests are Kubernetes quantities, money is a decimal
//! string with the full precision, other numbers are numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Basis;
use crate::report::{Inputs, Tool};

pub const SCHEMA_VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RightSizeReport {
    pub schema_version: u32,
    pub tool: Tool,
    pub inputs: Inputs,
    /// The result in one sentence.
    pub finding: String,
    pub rule: RuleUsed,
    /// Tasks or images with new requests for CPU or memory.
    pub sized: u64,
    /// Those of which too little is known: they keep their requests.
    pub kept: u64,
    /// What changes most first.
    pub tasks: Vec<TaskSize>,
    /// The platform, with the requests as they are, against which everything is saved.
    pub baseline: String,
    pub platforms: Vec<PlatformSaving>,
    pub notes: Vec<String>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleUsed {
    /// `task` or `image`.
    pub by: String,
    pub cpu_percentile: u32,
    pub cpu_headroom_percent: u32,
    pub memory_headroom_percent: u32,
    pub min_pods: u64,
}

/// A task or an image: what it asked for, what it used, and what it should ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskSize {
    /// `null` where `image` says which pods these are.
    pub workflow: Option<String>,
    pub task: Option<String>,
    /// Empty for all pods whose image the trace does not name.
    pub image: Option<String>,
    pub pods: u64,
    /// The largest that any of the pods has, assumed ones included.
    pub cpu_before: String,
    /// `null` where the pods keep their own.
    pub cpu: Option<String>,
    /// The largest that any of the pods has afterwards; `null` without limits.
    pub cpu_limit: Option<String>,
    pub memory_before: String,
    pub memory: Option<String>,
    pub memory_limit: Option<String>,
    /// What Fargate bills for a pod with the largest requests, sidecars included; `null` where none of its sizes fits.
    pub fargate_before: Option<FargateBilled>,
    pub fargate: Option<FargateBilled>,
    /// Requested less than before, times the pods' work; negative where requests rise.
    pub vcpu_hours_freed: f64,
    pub gib_hours_freed: f64,
    pub cpu_usage: Option<Measured>,
    pub memory_usage: Option<Measured>,
    pub flags: Vec<Flag>,
    /// `null` where the request is kept.
    pub cpu_risk: Option<CpuRisk>,
    pub memory_risk: Option<MemoryRisk>,
    /// Pods that were killed for want of memory.
    pub pods_out_of_memory: u64,
    /// Pods that were seen to use all the CPU that they could get.
    pub pods_throttled: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FargateBilled {
    pub vcpu: f64,
    pub gb: f64,
}

/// What the numbers are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// Single measurements.
    Points,
    /// Pods, of each of which average, p95 or maximum is known.
    Pods,
}

impl From<Basis> for Of {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Points => Self::Points,
            Basis::Pods => Self::Pods,
        }
    }
}

/// Usage: CPU in millicores, memory in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    pub of: Of,
    /// Pods with a measurement.
    pub pods: u64,
    pub values: u64,
    /// The percentile of CPU, or the peak of memory: what the request follows.
    pub used: f64,
    /// The most that was seen; `null` where the trace knows averages and percentiles only.
    pub highest: Option<f64>,
}

/// What to know before a recommendation is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Fewer pods with usage than asked for, of CPU and of memory: both requests are kept.
    TooLittleKnown,
    /// Only the memory is sized.
    CpuKept,
    /// Only the CPU is sized.
    MemoryKept,
    /// Pods were killed for want of memory: the peak is what they could get, not what they needed.
    OutOfMemory,
    /// CPU was seen at its limit: how much more it needs is not known.
    Throttled,
    /// It needs more CPU than it asked for, headroom included: its request rises.
    CpuRises,
    /// The same of memory.
    MemoryRises,
    /// The trace has no request for some pods: one is assumed, and what is saved is relative to it.
    AssumedRequest,
    /// The pods had different requests; the largest is shown.
    MixedRequests,
}

/// CPU above the new request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuRisk {
    /// Of the points; or of the pods' time, every pod counting the same.
    pub of: Of,
    /// The share above the new request lies between these; they are the same where points were counted.
    pub at_least: f64,
    pub at_most: f64,
    /// What happens to it on a node.
    pub effect: Effect,
    /// The share above the CPU of the new billed Fargate size, which is all that a pod on Fargate can get: it is throttled
    /// there, and has no neighbours. `null` where no size fits.
    pub fargate_at_least: Option<f64>,
    pub fargate_at_most: Option<f64>,
}

/// What happens on a node to a pod that wants more CPU than it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The limit is the request: it is slowed down.
    Throttled,
    /// It gets what its neighbours on the node leave.
    Competes,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryRisk {
    /// Pods whose peak is above the new request: none, by construction.
    pub pods_above: u64,
    /// New request ÷ highest peak.
    pub margin: Option<f64>,
    /// New limit ÷ highest peak: below it the kernel does not kill the pod for its own use. `null` without limits.
    pub limit_margin: Option<f64>,
}

/// A platform with both requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformSaving {
    pub platform: String,
    pub kind: String,
    /// Whether the trace ran on it.
    pub today: bool,
    pub as_is: Replayed,
    pub right_sized: Replayed,
    /// `null` where a pod did not end as recorded, or a cost is not known, here or on the baseline.
    pub saved: Option<Saved>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replayed {
    /// Whether every pod ended as recorded.
    pub complete: bool,
    pub total_usd: Option<String>,
    /// The total over 730 hours.
    pub usd_per_month: Option<String>,
    pub p99_makespan_s: Option<f64>,
    pub p99_start_delay_s: Option<f64>,
}

/// What is saved a month against the baseline, exactly: `both = by_requests + by_platform + interaction`, and
/// `both = by_platform + requests_here`. Negative where it costs more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Saved {
    /// Right-sizing on the baseline, the platform unchanged.
    pub by_requests_usd: String,
    /// This platform, requests as they are.
    pub by_platform_usd: String,
    /// This platform with right-sized requests.
    pub both_usd: String,
    /// What both save beyond the sum of each alone: negative where they save the same dollar twice.
    pub interaction_usd: String,
    /// Right-sizing on this platform.
    pub requests_here_usd: String,
}
