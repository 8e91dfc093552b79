//! Why did this month cost more? Two traces of one estate are replayed on one platform and billed; the difference of
//! the two bills is split, workflow by workflow, into causes that sum to it exactly.
//!
//! What a workflow costs is a product:
//!
//! ```text
//! USD = runs × pods a run × hours a pod × USD an hour,   hours = work + leftover
//! ```
//!
//! Going from the bill before to the bill after, one factor at a time is replaced by its later value; what the amount
//! moves by is that cause's part. The order is fixed, since it decides who gets what two causes did together:
//!
//! | level | cause | the amount once it is replaced |
//! |---|---|---|
//! | 1 | runs | before × runs′/runs |
//! | 2 | pods a run | before × pods′/pods |
//! | 3 | duration | before × (work′ + leftover × pods′/pods) / hours |
//! | 4 | leftovers | before × hours′/hours |
//! | 5 | requests | Fargate: the later pods at the earlier prices. Shared nodes: before × requested′/requested |
//! | 6 | sharing | the later pods at the earlier prices |
//! | 7 | price | the later bill |
//!
//! - Unmarked is before, ′ is after. Each level is computed from exact integers and rounded once, half to even, to
//!   10⁻¹⁵ USD. So a cause that changed nothing can be a few of these units off zero.
//! - *Hours* are billed hours on Fargate (begun seconds, a minute at least), with the image pull; leftover are those
//!   after the pod's end. On shared nodes they are the hours that pods stood on a node, and nothing is left over.
//! - *Requested* is what pods ask for times their hours, a vCPU counting as 9 GiB of memory: the ratio by which AWS's
//!   split cost allocation weighs them. What a node-hour of the same requests costs more or less (other machines,
//!   fuller or emptier ones) is *sharing*; Fargate has none.
//! - The later pods at the earlier prices: the later ledger is billed once more. Without two price snapshots there is
//!   no price level.
//! - Tasks that both traces have in a workflow under one name (`task_name`, otherwise `task_id`) are compared by
//!   themselves, all others of the workflow together, so that a large task that takes longer is not mistaken for
//!   larger requests. The parts of a workflow are the sums over them. Tasks only one trace has are a matter of pods a
//!   run; workflows only one trace has are all a matter of runs.
//! - What no workflow causes (control plane, idle nodes, the controllers' home) is one row by itself: the part by which
//!   the billed window became longer, the price, and the rest.
//!
//! Nothing is normalised: a longer window costs more, and where windows differ by more than 1 % amounts are given a
//! day too. What a platform leaves to the workload (a node group's size) is chosen for each trace by itself.

mod levels;
mod measure;
mod split;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{Bill, bill};
use crate::catalog::Snapshot;
use crate::error::{Error, Result};
use crate::ledger::Machine;
use crate::platform::{Platform, Scenario};
use crate::replay::{PlatformRun, Study};
use crate::report::{PlatformReport, Report, Tool, TraceInput, WindowText};
use crate::trace::{SourcePlatform, Trace};
use crate::units::Usd;

/// Raised when a reader of older results would misunderstand.
pub const SCHEMA_VERSION: u32 = 1;

/// Why two traces of one estate cost what they cost. Money is a decimal string in USD with full precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceDiff {
    pub schema_version: u32,
    pub tool: Tool,
    /// On which both were replayed.
    pub platform: String,
    pub region: String,
    pub before: Side,
    pub after: Side,
    /// The result in one sentence.
    pub finding: String,
    pub warnings: Vec<String>,
    /// Of everything; `causes` are those of all workflows.
    pub total: Amounts,
    pub causes: Causes,
    /// The largest difference first.
    pub workflows: Vec<WorkflowDiff>,
    pub shared: SharedDiff,
}

/// One of the two traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    pub traces: Vec<TraceInput>,
    pub window: WindowText,
    /// Length of the window.
    pub days: f64,
    pub pods: u64,
    pub workflow_runs: u64,
    /// The trace is invented.
    pub synthetic: bool,
    /// Of the price snapshot.
    pub prices_sha256: String,
}

/// Before, after, and after less before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    pub before_usd: String,
    pub after_usd: String,
    pub difference_usd: String,
    /// The same a day of the window, where the windows differ by more than 1 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_day: Option<PerDay>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PerDay {
    pub before_usd: String,
    pub after_usd: String,
    pub difference_usd: String,
}

/// The parts of a difference. They sum to it exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Causes {
    pub runs: String,
    pub pods_per_run: String,
    pub duration: String,
    pub leftovers: String,
    pub requests: String,
    pub sharing: String,
    pub price: String,
}

impl Causes {
    /// All of them, as they are called.
    pub fn named(&self) -> [(&'static str, &str); 7] {
        [
            ("runs", &self.runs),
            ("pods per run", &self.pods_per_run),
            ("duration", &self.duration),
            ("leftovers", &self.leftovers),
            ("requests", &self.requests),
            ("sharing", &self.sharing),
            ("price", &self.price),
        ]
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowDiff {
    /// Empty for pods without a workflow.
    pub workflow: String,
    pub usd: Amounts,
    pub causes: Causes,
    /// `null` in a trace that does not have the workflow.
    pub before: Option<Measures>,
    pub after: Option<Measures>,
}

/// What a workflow did in one trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measures {
    pub runs: u64,
    /// That ran on a machine, those that replaced lost ones included.
    pub pods: u64,
    /// Billed until the pods' ends.
    pub work_hours: f64,
    /// Billed after the pods' ends.
    pub leftover_hours: f64,
    /// Mean request over all hours, in vCPU and GiB.
    pub mean_vcpu: Option<f64>,
    pub mean_gib: Option<f64>,
    pub p50_makespan_s: Option<f64>,
    pub p99_makespan_s: Option<f64>,
    /// Pod created → container running.
    pub p50_start_delay_s: Option<f64>,
    pub p99_start_delay_s: Option<f64>,
}

/// What no workflow causes: control plane, idle nodes, controllers. The parts sum to the difference exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedDiff {
    pub usd: Amounts,
    /// The billed window is longer or shorter.
    pub billed_hours: String,
    /// Idle nodes and all else.
    pub other: String,
    pub price: String,
}

/// A trace with its warnings, and the prices that it is billed at.
pub struct Input {
    pub read: (Trace, Vec<String>),
    pub prices: Snapshot,
}

/// Replays both traces on the platform that `scenario` chooses, with everything else that it says, and splits the
/// difference. Without a choice it is `recorded` where all pods of both traces ran on Fargate and their times are
/// known, and the built-in `fargate` otherwise.
pub fn diff(scenario: &Scenario, before: Input, after: Input, strict: bool) -> Result<TraceDiff> {
    let of = |input: Input| Study::new(scenario.clone(), input.prices, input.read, strict);
    let (before, after) = (of(before)?, of(after)?);
    if before.catalog.region != after.catalog.region {
        let (a, b) = (&before.catalog.region, &after.catalog.region);
        return Err(Error::usage(
            format!("the first trace ran in {a} and the second in {b}"),
            "give --region to bill both in one",
        ));
    }
    let platform = choose(scenario, &before, &after)?;
    let (before, after) = rayon::join(
        || Replayed::new(before, scenario, &platform),
        || Replayed::new(after, scenario, &platform),
    );
    let (before, after) = (before?, after?);
    let prices = [&before, &after].map(|side| &side.report.inputs.prices.sha256);
    let at_old_prices = (prices[0] != prices[1]).then(|| bill_again(&before, &after)).transpose()?;
    Ok(split::split(&before, &after, at_old_prices))
}

/// A trace, replayed and billed.
struct Replayed {
    study: Study,
    run: PlatformRun,
    report: Report,
}

impl Replayed {
    fn new(study: Study, scenario: &Scenario, platform: &Platform) -> Result<Self> {
        let setup = study.setup();
        let platforms = setup.resolve(std::slice::from_ref(platform))?;
        let run = setup.run(&platforms, 1, &|| ()).pop().expect("one platform was run");
        if let Err(why) = &run.bill {
            let hint = "choose another platform with --platform, such as fargate";
            return Err(Error::usage(format!("{} has no cost: {why}", platform.name), hint));
        }
        let resolved = Scenario { platforms, ..scenario.clone() };
        let report = study.report(&resolved, std::slice::from_ref(&run))?;
        Ok(Self { study, run, report })
    }

    fn bill(&self) -> &Bill {
        self.run.bill.as_ref().expect("a platform without a bill is refused")
    }

    fn platform(&self) -> &PlatformReport {
        &self.report.platforms[0]
    }
}

/// The platform to replay on.
fn choose(scenario: &Scenario, before: &Study, after: &Study) -> Result<Platform> {
    let (first, second) = (before.setup(), after.setup());
    if scenario.platforms == Platform::defaults() && !scenario.chose_platforms() {
        let knows = |study: &Study| {
            study.setup().source == Some(SourcePlatform::Fargate) && study.workload.has_recorded_delays
        };
        let name = if knows(before) && knows(after) { "recorded" } else { "fargate" };
        return Ok(Platform::built_in(name).expect("both are built in"));
    }
    if let [platform] = scenario.platforms.as_slice() {
        return Ok(platform.clone());
    }
    let today = |platform: &&Platform| first.is_today(platform) && second.is_today(platform);
    scenario.platforms.iter().find(today).cloned().ok_or_else(|| {
        let names: Vec<&str> = scenario.platforms.iter().map(|platform| platform.name.as_str()).collect();
        let hint = format!("choose one with --platform: {}", names.join(", "));
        Error::usage("both traces are replayed on one platform, and the scenario has several", hint)
    })
}

/// What each pod run of `after` and all of it would have cost at the prices of `before`.
fn bill_again(before: &Replayed, after: &Replayed) -> Result<OldPrices> {
    let settings = after.study.setup().settings;
    let plan = settings.savings_plan.as_ref();
    // This account's prices, not the public ones: both bills are at them.
    match bill(&after.run.ledger, before.study.setup().billing, &settings.cluster, plan) {
        Ok(bill) => Ok(OldPrices { runs: bill.runs, total: bill.total }),
        Err(missing) => Err(Error::usage(
            format!("the prices before do not tell what the second trace would have cost: {missing}"),
            "give a price snapshot with --prices-before that has it, or choose another --platform",
        )),
    }
}

struct OldPrices {
    /// By pod run.
    runs: Vec<Usd>,
    total: Usd,
}

/// Whether pods share machines, so that what they cost depends on each other.
fn is_shared(replayed: &Replayed) -> bool {
    let ledger = &replayed.run.ledger;
    ledger
        .job_leases()
        .any(|lease| matches!(ledger.templates[lease.template as usize].machine, Machine::Ec2 { .. }))
}

/// The JSON schema of a difference.
pub fn schema() -> String {
    super::schema_of::<TraceDiff>()
}
