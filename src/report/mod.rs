//! What a run found out, as one value that every output format is written from.
//!
//! [`Report`] is the only result type that is serialised; its JSON form is described by `docs/report.schema.json`,
//! which is generated from these types. Money is a decimal string with the ledger's full precision, times in
//! text are RFC 3339, other numbers are numbers. This module knows nothing of simulation state.

mod backtest;
mod bill_comparison;
mod charts;
mod columns;
mod csv;
mod disruption;
mod evidence;
pub(crate) mod finding;
mod groups;
mod html;
mod import;
mod json;
pub(crate) mod layout;
pub(crate) mod markdown;
mod outputs;
mod replications;
mod risk;
#[cfg(test)]
pub(crate) mod sample;
mod summary;
pub(crate) mod table;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod text;
pub mod trace_diff;
mod view;

pub use backtest::{BackTest, BackTestCost, BackTestSamples, Compared, Differences, RelativeError, Samples};
pub use bill_comparison::{BillComparison, BillFileReport, BillItem, LeftOutReport, OutOfScope, TOLERANCE};
pub use charts::{Chart, ChartData, FrontData, FrontDot, charts, front_chart};
pub use columns::{PlatformRecords, write_nodes, write_pods};
pub use csv::summary_csv;
pub use evidence::{
    Cheapest, DroppedReport, EvidenceReport, MethodReport, PlatformEvidence, PlatformSensitivity,
    Sensitivity, StartUpReport, evidence, platform_evidence,
};
pub use finding::finding;
pub use html::html;
pub use import::{import_markdown, import_table};
pub use json::{json, parse, schema};
pub use markdown::markdown;
pub use outputs::{Content, NAMES, check_writable, write_all, write_files};
pub(crate) use outputs::{check_paths, prepare};
pub(crate) use replications::student_t_975;
pub use replications::{numbers, replications, spread};
pub use summary::{Source, distribution, makespans, summarize};
pub use table::table;
pub(crate) use table::{heading, warning_lines};
pub use text::plural;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Raised when a reader of older reports would misunderstand.
pub const SCHEMA_VERSION: u32 = 2;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub schema_version: u32,
    pub tool: Tool,
    pub inputs: Inputs,
    /// What ran, as a scenario file (YAML) that can be passed back.
    pub scenario: String,
    /// The same before anything was chosen for the trace and the prices at hand, such as the type of a node group: with
    /// other prices the choice may be another one.
    pub asked: String,
    /// Every price that any platform's bill rests on.
    pub prices: Vec<PriceUsed>,
    /// The price files, by name, reduced to the region and to what the platforms may buy: with them the run can be
    /// repeated without the snapshot that it was made with.
    pub catalog: BTreeMap<String, String>,
    /// The result in one sentence.
    pub finding: String,
    /// What becomes of the costs if the start-up that was subtracted from estimated work is wrong by half. Left out where
    /// all work was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    pub warnings: Vec<String>,
    /// The first is what the others are compared with.
    pub platforms: Vec<PlatformReport>,
    /// The platform that the trace ran on, as simulated and as recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtest: Option<BackTest>,
    /// Why there is no back-test, where one was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_backtest: Option<String>,
    /// A bill of AWS beside that of the platform that the trace ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_comparison: Option<BillComparison>,
}

impl Report {
    /// Puts a back-test in. Where the record cost something else than the simulation of the platform that the finding
    /// speaks of, the finding says so, and `why` the record cost more where that is known.
    pub fn set_back_test(&mut self, test: BackTest, why: Option<&str>) {
        if self.finding.contains(&format!("{} (today)", test.platform)) {
            self.finding.extend(backtest::reservation(&test, why));
        }
        self.backtest = Some(test);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    pub traces: Vec<TraceInput>,
    /// Of the canonical, sorted content of all traces together.
    pub trace_sha256: String,
    /// Of the identities of their rows alone (run, task, attempt, in order of time): the same tasks with other requests
    /// have the same.
    pub tasks_sha256: String,
    pub pods: u64,
    pub workflow_runs: u64,
    /// What the bill covers at least.
    pub window: WindowText,
    pub region: String,
    /// `given`, `trace` or `assumed`.
    pub region_source: String,
    /// The trace is invented.
    pub synthetic: bool,
    /// `closed` or `open`.
    pub replay: String,
    pub seed: u64,
    pub prices: PriceInput,
    /// How many pods needed a default, by what was missing.
    pub defaulted: Defaulted,
    /// How the work of pods was found. Left out where all of it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceReport>,
    pub assumptions: Vec<Assumption>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceInput {
    /// As the user gave it.
    pub path: String,
    /// Of the canonical, sorted content.
    pub sha256: String,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowText {
    pub start: String,
    pub end: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceInput {
    /// Dates of the oldest and the newest price used.
    pub as_of: Option<DateRange>,
    /// Of the price snapshot.
    pub sha256: String,
    /// Names of the prices used that were inferred, not observed.
    pub inferred: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DateRange {
    pub oldest: String,
    pub newest: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Defaulted {
    pub cpu_requests: u64,
    pub memory_requests: u64,
    pub image_sizes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assumption {
    pub name: String,
    pub value: String,
    pub default: String,
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceUsed {
    pub name: String,
    pub unit: String,
    pub usd_per_unit: String,
    pub as_of: String,
    /// How it was found where nobody observed it.
    pub inferred_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformReport {
    pub name: String,
    pub kind: String,
    /// Whether the trace ran on this platform before.
    pub today: bool,
    /// Whether every pod ended as recorded. A platform that is not complete is never called cheapest.
    pub complete: bool,
    pub incomplete_reasons: Vec<String>,
    /// `null` where the platform cannot be billed; then [`Self::cost_unknown`] says why.
    pub cost: Option<Cost>,
    pub cost_unknown: Option<String>,
    pub latency: Latency,
    pub pods: PodCounts,
    pub capacity: Capacity,
    /// What the nodes of each group, NodePool or Fargate part cost, and what everything else; left out where all jobs run
    /// on nodes of one kind and nothing is always on beside them. Sums to the total.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupReport>,
    pub disruption: Disruption,
    pub spot: Spot,
    pub workflows: Vec<WorkflowReport>,
    /// Why it differs from the first platform; `null` until it is computed.
    pub savings: Option<Savings>,
    /// What of the cost rests on estimates of work; left out where all work was measured, or nothing is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<PlatformEvidence>,
    /// The same numbers over several histories (`--replications`). The rest of the block is the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replications: Option<Replications>,
}

/// Several histories of one platform: other luck with start-up times and the Spot market, the same trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replications {
    pub n: u64,
    /// By the number's path in this block, such as `cost.total_usd`.
    pub metrics: BTreeMap<String, Spread>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    pub mean: f64,
    pub sd: f64,
    /// In 95 of 100 cases the true mean is between these (Student's t).
    pub ci95: [f64; 2],
    pub p5: f64,
    pub p50: f64,
    pub p95: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    pub total_usd: String,
    /// The total over 730 hours.
    pub usd_per_month: String,
    /// The hours that the bill covers: the window, or to the last pod's end if that is later.
    pub billed_hours: f64,
    /// They sum to the total exactly.
    pub items: Vec<CostItem>,
    /// The same money by what it was for; sums to the total exactly.
    pub allocation: AllocationReport,
    /// What no scheduler could undercut on these machines: the pods' work as a fluid, without gaps, at list prices.
    /// `null` with a Savings Plan: what it covers costs nothing more, so list prices bound nothing.
    pub lower_bound_usd: Option<String>,
    /// How the Savings Plan was used; `null` without one.
    pub savings_plan: Option<SavingsPlanReport>,
}

/// Nodes of one name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupReport {
    /// Of the node group, the NodePool, the part of the system, or `fargate`.
    pub name: String,
    /// What they are there for: `jobs`, `controllers` or `system`; `shared` for what is no machine.
    pub role: String,
    /// At list prices: what a Savings Plan takes off is in the line of the rest. `null` where there is no bill.
    pub usd: Option<String>,
    pub nodes_launched: u64,
    pub node_hours: f64,
    /// Pods that ran there.
    pub pods: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SavingsPlanReport {
    /// What is committed an hour, at the plan's rates. `null` in reports from before it was kept.
    pub commitment_per_hour_usd: Option<String>,
    /// What was paid for the plan.
    pub commitment_usd: String,
    /// List price of the usage that it covered.
    pub covered_on_demand_usd: String,
    /// The part of the commitment that bought nothing.
    pub unused_usd: String,
    /// Covered ÷ eligible usage, both at list price. `null` without eligible usage.
    pub coverage: Option<f64>,
    /// Used part of the commitment.
    pub utilisation: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostItem {
    pub item: String,
    /// AWS's usage type.
    pub detail: String,
    pub quantity: f64,
    pub unit: String,
    pub usd_per_unit: String,
    pub usd: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AllocationReport {
    /// Allocated to pods by the larger of their CPU and memory share; `workflows` splits it further.
    pub pods_usd: String,
    pub daemonsets_usd: String,
    pub startup_usd: String,
    pub idle_usd: String,
    /// Control plane, NAT, and the machines of the controllers.
    pub shared_usd: String,
    /// A Savings Plan's commitment less the list price of what it covers: negative where the plan pays off. The other
    /// parts, and the amounts of workflows and machines, are at list prices. Left out where it is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savings_plan_usd: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Pod created → container running.
    pub start_delay_s: Distribution,
    /// Task eligible → its end noticed.
    pub turnaround_s: Distribution,
    /// Workflow run's first task submitted → its last end noticed; complete runs only.
    pub makespan_s: Distribution,
}

/// Quantiles are nearest-rank: values that occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    pub count: u64,
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    /// From 1,000 values on.
    pub p999: Option<f64>,
    pub max: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodCounts {
    pub total: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub unschedulable: u64,
    pub canceled: u64,
    pub not_run: u64,
    pub restarted: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    pub nodes_launched: u64,
    pub nodes_peak: u64,
    pub node_hours: f64,
    /// Requested by pods ÷ allocatable, over the nodes' time. `null` without nodes.
    pub cpu_requested_ratio: Option<f64>,
    pub memory_requested_ratio: Option<f64>,
    pub by_instance_type: Vec<MachineReport>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MachineReport {
    /// Instance type, or Fargate size such as `0.5 vCPU 2 GB`.
    pub machine: String,
    /// `on-demand`, `spot` or `fargate`.
    pub capacity_type: String,
    pub nodes: u64,
    pub node_hours: f64,
    pub cpu_requested_ratio: f64,
    pub memory_requested_ratio: f64,
    pub usd: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Disruption {
    /// Pods evicted, by reason.
    pub evictions: BTreeMap<String, u64>,
    pub tasks_killed: u64,
    pub tasks_restarted: u64,
    pub lost_work_hours: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spot {
    pub node_hours_ratio: f64,
    pub cost_ratio: f64,
    pub interruptions: u64,
    pub capacity_errors: u64,
    pub fallback_node_hours: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowReport {
    /// Empty for pods without a workflow.
    pub workflow: String,
    pub runs: u64,
    pub pods: u64,
    /// `null` where the platform cannot be billed.
    pub usd: Option<String>,
    pub p50_makespan_s: Option<f64>,
    pub p99_makespan_s: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Savings {
    pub total_usd: String,
    /// They sum to the total exactly.
    pub causes: Vec<Cause>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    pub cause: String,
    pub usd: String,
}
