//! The main job: one workload on several platforms, side by side.
//!
//! Platforms are independent, so they run in parallel; results keep their order, and nothing that a platform
//! does depends on which others run.

mod allowed;
mod backtest;
mod bound;
mod fleet;
mod floor;
mod group;
mod pod_rules;
mod recorded;
mod sensitivity;
mod study;
mod types;
mod warnings;

pub use allowed::{Allowed, allowed_types};
pub use backtest::{Recorded, Today};
pub use fleet::{Refusals, fargate_size, node_type};
pub use floor::{Demand, Floor, floor, hourly, refusal};
pub use group::{Choice, choose_group};
pub use study::Study;
pub(crate) use study::region_of;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::bill::{Bill, bill};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::ledger::Ledger;
use crate::platform::{Given, Kind, Part, Platform, Replay, Scenario, Settings};
use crate::report::{self, PlatformReport, Source, summarize};
use crate::rng::Draws;
use crate::sim::{self, Fleet, Input};
use crate::trace::{SourcePlatform, Trace};
use crate::workload::Workload;
use fleet::Composed;

/// What all platforms are simulated with.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    pub trace: &'a Trace,
    pub workload: &'a Workload,
    /// What is sold, at the public prices: what controllers know.
    pub catalog: &'a Catalog,
    /// The same at the prices of this account: what bills and bounds are made of.
    pub billing: &'a Catalog,
    pub settings: &'a Settings,
    /// Where the scenario file says what, for complaints about it.
    pub given: &'a Given,
    /// What the pods ran on, where the whole trace says so.
    pub source: Option<SourcePlatform>,
    /// Node groups whose type and size the user gave.
    pub described_groups: &'a BTreeSet<String>,
}

/// The outcome of one platform.
pub struct PlatformRun {
    pub name: String,
    pub ledger: Ledger,
    /// The bill, or why there is none.
    pub bill: std::result::Result<Bill, String>,
    pub report: PlatformReport,
    /// Every number of the report in each history, the first one first; empty with one history.
    pub histories: Vec<BTreeMap<String, f64>>,
    /// In how many of the others than the first not every pod ended as recorded.
    pub incomplete_histories: u32,
}

impl Setup<'_> {
    /// Whether steps wait for their predecessors in the simulation.
    pub fn closed(&self) -> bool {
        match self.settings.replay {
            Replay::Auto | Replay::Closed => self.workload.has_dependencies,
            Replay::Open => false,
        }
    }

    /// Fills in what the platforms leave to the workload, and brings the trace's own platform to the front.
    pub fn resolve(&self, platforms: &[Platform]) -> Result<Vec<Platform>> {
        types::check_spot_events(self)?;
        types::check_system(self)?;
        let mut resolved = Vec::with_capacity(platforms.len());
        for platform in platforms {
            let mut platform = platform.clone();
            let whole = platform.clone();
            for part in platform.parts_mut() {
                self.resolve_part(&Scenario::path_of(&whole, part), &whole.name_of(part), part)?;
            }
            resolved.push(platform);
        }
        // A stable sort: only today's platform moves.
        resolved.sort_by_key(|platform| !self.is_today(platform));
        Ok(resolved)
    }

    /// `path` is the part's in the scenario, `shown` its name in messages.
    fn resolve_part(&self, path: &str, shown: &str, part: &mut Part) -> Result<()> {
        match &mut part.kind {
            Kind::NodeGroups(groups) => {
                for group in &mut groups.groups {
                    group::resolve(self, (path, shown), &part.name, group)?;
                }
            }
            Kind::Fargate(_) if self.catalog.fargate.is_none() => {
                return Err(Error::usage(
                    format!("EKS Fargate has no known price in {}", self.catalog.region),
                    "choose another --region, or leave the platform out with --platform",
                ));
            }
            Kind::Recorded if !self.workload.has_recorded_delays => {
                return Err(Error::usage(
                    "the trace does not have every pod's start, so it cannot be replayed as recorded",
                    "leave out the platform `recorded`, or add start_time (or queue_seconds) to every row",
                ));
            }
            Kind::Karpenter(_) | Kind::AutoMode(_) => {
                fleet::check_karpenter(self, shown, part.kind.node_pools())?;
            }
            Kind::Fargate(_) | Kind::Recorded | Kind::Mixed(_) => {}
        }
        types::check_home(self, path, shown, &part.kind)
    }

    /// Whether the trace ran on this platform. A node group is today's only where the scenario describes it: one whose
    /// type and size were chosen here is nobody's.
    pub fn is_today(&self, platform: &Platform) -> bool {
        match (&platform.kind, self.source) {
            (Kind::Fargate(_), Some(SourcePlatform::Fargate)) => true,
            (Kind::NodeGroups(_), Some(SourcePlatform::Ec2)) => {
                self.described_groups.contains(&platform.name)
            }
            _ => false,
        }
    }

    /// Simulates and bills `platforms`, each with so many histories (at least one), calling `done` after each of them.
    /// The first history is the result; the others tell how much of it is luck.
    pub fn run(&self, platforms: &[Platform], histories: u32, done: &(dyn Fn() + Sync)) -> Vec<PlatformRun> {
        // Only one can be where the trace really ran; what is compared with it is a variant.
        let today = platforms.iter().position(|platform| self.is_today(platform));
        let of_platform = |(index, platform): (usize, &Platform)| {
            let first = || {
                let run = self.run_one(platform, today == Some(index));
                done();
                run
            };
            // What happened has no other histories.
            let others = if matches!(platform.kind, Kind::Recorded) { 1..1 } else { 1..histories.max(1) };
            let others = || {
                let numbers = others.into_par_iter().map(|number| {
                    let seed = Draws::replication(self.settings.seed, number);
                    let settings = Settings { seed, ..self.settings.clone() };
                    let run = Setup { settings: &settings, ..*self }.run_one(platform, false);
                    done();
                    (report::numbers(&run.report), run.report.complete)
                });
                numbers.collect::<Vec<_>>()
            };
            let (mut run, others) = rayon::join(first, others);
            if !others.is_empty() {
                run.incomplete_histories = others.iter().filter(|(_, complete)| !complete).count() as u32;
                let others = others.into_iter().map(|(numbers, _)| numbers);
                run.histories = [report::numbers(&run.report)].into_iter().chain(others).collect();
                run.report.replications = report::replications(&run.histories);
            }
            run
        };
        platforms.par_iter().enumerate().map(of_platform).collect()
    }

    /// The result of one platform without what it was computed from: for searches over many.
    pub fn report_on(&self, platform: &Platform) -> PlatformReport {
        self.run_one(platform, self.is_today(platform)).report
    }

    fn run_one(&self, platform: &Platform, today: bool) -> PlatformRun {
        if let Some(workload) = pod_rules::workload(self.workload, platform) {
            return Setup { workload: &workload, ..*self }.run_as_is(platform, today);
        }
        self.run_as_is(platform, today)
    }

    fn run_as_is(&self, platform: &Platform, today: bool) -> PlatformRun {
        let (mut ledger, refusals) = match fleet::compose(self, platform) {
            Some(Composed { fleet, refusals, .. }) => (self.simulate(fleet), refusals),
            None => (recorded::ledger(self), Refusals::default()),
        };
        fleet::add_system(self, &mut ledger);
        let bill = self.bill(platform, &ledger);
        let refusal = |class: u32| refusals.reason(class);
        let mut report = summarize(&Source {
            name: &platform.name,
            kind: platform.kind.word(),
            today,
            workload: self.workload,
            words: &self.trace.words,
            ledger: &ledger,
            bill: bill.as_ref().map_err(Clone::clone),
            lower_bound: bound::lower_bound(self, &ledger),
            refusal: &refusal,
        });
        report.evidence = bill
            .as_ref()
            .ok()
            .and_then(|bill| report::platform_evidence(self.trace, self.workload, &ledger, bill));
        PlatformRun {
            name: platform.name.clone(),
            ledger,
            bill,
            report,
            histories: Vec::new(),
            incomplete_histories: 0,
        }
    }

    /// Bills what happened on `platform` with this setup's prices, or says why that cannot be done.
    pub fn bill(&self, platform: &Platform, ledger: &Ledger) -> std::result::Result<Bill, String> {
        if matches!(platform.kind, Kind::Recorded) {
            if self.source != Some(SourcePlatform::Fargate) {
                return Err("the trace does not say on which machines it ran, so what it cost is not known"
                    .to_owned());
            }
            let unplaced = ledger.runs.iter().filter(|run| !run.was_bound()).count();
            if unplaced > 0 {
                return Err(format!(
                    "{} of the trace fit no Fargate size, so what it cost is not known",
                    warnings::pods(unplaced)
                ));
            }
        }
        let Settings { cluster, savings_plan, .. } = self.settings;
        bill(ledger, self.billing, cluster, savings_plan.as_ref()).map_err(|missing| missing.to_string())
    }

    fn simulate(&self, fleet: Fleet) -> Ledger {
        let input = Input {
            workload: self.workload,
            words: &self.trace.words,
            settings: self.settings,
            zones: &self.catalog.zones,
            catalog: self.catalog,
            closed: self.closed(),
        };
        sim::run(&input, fleet)
    }
}
