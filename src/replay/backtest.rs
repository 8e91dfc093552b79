//! The platform that the trace ran on, simulated, and held against what was recorded of it.
//!
//! Every other number of a report is a prediction; this one can be checked. Pods and runs are compared with
//! themselves: each is recorded once and simulated once.

use std::borrow::Cow;

use super::{PlatformRun, Setup, recorded};
use crate::aws_bill::{self, AwsBill, Simulated};
use crate::bill::{Bill, bill};
use crate::error::Error;
use crate::ledger::Ledger;
use crate::platform::{Kind, Platform};
use crate::report::{
    BackTest, BackTestCost, BackTestSamples, BillComparison, Compared, Differences, Samples, distribution,
    makespans,
};
use crate::trace::{SourcePlatform, WorkMethod};
use crate::workload::StepId;

/// The platform that the trace ran on, simulated.
pub struct Today<'r> {
    pub platform: Platform,
    run: Run<'r>,
}

enum Run<'r> {
    /// Among the platforms that are compared.
    Listed(&'r PlatformRun),
    Extra(Box<PlatformRun>),
}

impl Today<'_> {
    pub fn run(&self) -> &PlatformRun {
        match &self.run {
            Run::Listed(run) => run,
            Run::Extra(run) => run,
        }
    }
}

/// The platform as it was.
pub struct Recorded<'r> {
    pub ledger: Cow<'r, Ledger>,
    /// `None` where it cannot be billed as it was: on nodes that nobody knows, or with agents that the trace's requests
    /// do not have but the scenario does.
    pub bill: Option<Cow<'r, Bill>>,
}

impl Setup<'_> {
    /// Which platform the trace ran on, or why that is not known. `resolved` are those that are compared.
    pub fn today(&self, resolved: &[Platform]) -> Result<Platform, String> {
        if let Some(platform) = resolved.iter().find(|platform| self.is_today(platform)) {
            return Ok(platform.clone());
        }
        let why = match self.source {
            None => "the trace does not say where it ran",
            Some(SourcePlatform::Fargate) => return self.fargate_of_today(),
            Some(SourcePlatform::Ec2) => {
                "the trace ran on EC2, and none of the platforms is a node group that the scenario describes"
            }
            Some(SourcePlatform::Spot) => {
                "the trace ran on Spot instances, and no platform is marked as today's"
            }
            Some(SourcePlatform::Ecs) => "the trace ran on ECS, which is not simulated",
            Some(SourcePlatform::Other) => "the trace ran on a platform that is not simulated",
        };
        Err(why.to_owned())
    }

    fn fargate_of_today(&self) -> Result<Platform, String> {
        let built_in = Platform::built_in("fargate");
        let resolved = self.resolve(built_in.as_slice()).map_err(|error| error.to_string())?;
        resolved
            .into_iter()
            .next()
            .ok_or_else(|| "EKS Fargate is not among the built-in platforms".to_owned())
    }

    /// The simulation of that platform: the one of `runs` if it is there, otherwise another one.
    pub fn simulate_today<'r>(&self, platform: Platform, runs: &'r [PlatformRun]) -> Today<'r> {
        // A platform of the report that is today's is found by its mark: names of others may be the same.
        let run = match runs.iter().find(|run| run.report.today && run.name == platform.name) {
            Some(run) => Run::Listed(run),
            None => Run::Extra(Box::new(self.run_one(&platform, true))),
        };
        Today { platform, run }
    }

    /// The trace as it happened; `None` where it does not have every pod's start.
    pub fn recorded<'r>(&self, runs: &'r [PlatformRun]) -> Option<Recorded<'r>> {
        if !self.workload.has_recorded_delays {
            return None;
        }
        let has_all_requests = self.settings.sidecars.is_empty();
        if let Some(run) = runs.iter().find(|run| run.report.kind == Kind::Recorded.word()) {
            let bill = run.bill.as_ref().ok().filter(|_| has_all_requests).map(Cow::Borrowed);
            return Some(Recorded { ledger: Cow::Borrowed(&run.ledger), bill });
        }
        let ledger = recorded::ledger(self);
        let platform = Platform { name: "recorded".to_owned(), kind: Kind::Recorded };
        let bill = self.bill(&platform, &ledger).ok().filter(|_| has_all_requests).map(Cow::Owned);
        Some(Recorded { ledger: Cow::Owned(ledger), bill })
    }

    /// Compares the two, pod by pod and run by run.
    pub fn back_test(&self, today: &Today, recorded: &Recorded) -> (BackTest, BackTestSamples) {
        let run = today.run();
        let (delays, pods_with_modelled_start) = self.start_delays(&recorded.ledger, &run.ledger);
        let makespans = [&*recorded.ledger, &run.ledger].map(|ledger| makespans(self.workload, ledger));
        let pairs = makespans[0].iter().zip(&makespans[1]);
        let pairs: Vec<(i64, i64)> = pairs.filter_map(|(a, b)| Some(((*a)?.ms(), (*b)?.ms()))).collect();
        let mut differences: Vec<i64> =
            pairs.iter().map(|(recorded, simulated)| simulated - recorded).collect();
        let (start_delay_s, start_delay) = compare(&delays);
        let (makespan_s, makespan) = compare(&pairs);
        let bills = recorded.bill.as_deref().zip(run.bill.as_ref().ok());
        let test = BackTest {
            platform: run.name.clone(),
            start_delay_s,
            makespan_s,
            makespan_difference_s: Differences::new(&mut differences),
            pods_with_modelled_start,
            cost: bills.map(|(recorded, simulated)| BackTestCost {
                recorded_usd: recorded.total.to_string(),
                simulated_usd: simulated.total.to_string(),
            }),
        };
        (test, BackTestSamples { start_delay, makespan })
    }

    /// Holds a bill of AWS against the platform that the trace ran on: as recorded where that can be billed, otherwise as
    /// simulated.
    pub fn compare_bill(
        &self,
        aws: &AwsBill,
        today: &Today,
        recorded: Option<&Recorded>,
    ) -> crate::error::Result<BillComparison> {
        let run = today.run();
        let recorded = recorded.filter(|recorded| recorded.bill.is_some());
        let ledger = recorded.map_or(&run.ledger, |recorded| &recorded.ledger);
        // Rates of the bill are compared with list prices, whatever this account's are said to be.
        let at_list = bill(ledger, self.catalog, &self.settings.cluster, None).map_err(|missing| {
            let message =
                format!("there is nothing to hold the bill against: {} has no cost: {missing}", run.name);
            Error::usage(message, "give a price snapshot that has it with --prices")
        })?;
        Ok(aws_bill::compare(
            aws,
            &Simulated {
                platform: &run.name,
                recorded: recorded.is_some(),
                items: &at_list.items,
                window: ledger.window,
                synthetic: self.trace.files.iter().any(|file| file.meta.synthetic),
            },
        ))
    }

    /// Recorded and simulated start delay of each pod whose start was observed, and how many others there are. Of a
    /// pod that was replaced in the simulation, the first one counts: there is only one in the record.
    fn start_delays(&self, recorded: &Ledger, simulated: &Ledger) -> (Vec<(i64, i64)>, u64) {
        let mut delays: Vec<[Option<i64>; 2]> = vec![[None; 2]; self.workload.steps.len()];
        for (which, ledger) in [recorded, simulated].into_iter().enumerate() {
            for run in ledger.runs.iter().filter(|run| run.attempt == 1) {
                delays[run.step as usize][which] = run.start_delay().map(crate::units::Span::ms);
            }
        }
        let mut modelled = 0;
        let mut pairs = Vec::new();
        for (step, delays) in delays.into_iter().enumerate() {
            let [Some(recorded), simulated] = delays else { continue };
            if !self.start_was_observed(step as StepId) {
                modelled += 1;
            } else if let Some(simulated) = simulated {
                pairs.push((recorded, simulated));
            }
        }
        (pairs, modelled)
    }

    /// Whether the recorded start is one that somebody saw, rather than what a model of start-up left of a longer span.
    fn start_was_observed(&self, step: StepId) -> bool {
        let row = self.workload.steps.row[step as usize] as usize;
        match self.trace.work_method.get(row) {
            None | Some(WorkMethod::Measured | WorkMethod::PodStatus) => true,
            Some(
                WorkMethod::MetricBounds
                | WorkMethod::ModelSubtracted
                | WorkMethod::ScheduledToDeleted
                | WorkMethod::RawSpan,
            ) => false,
        }
    }
}

fn compare(pairs: &[(i64, i64)]) -> (Compared, Samples) {
    let mut samples = Samples {
        recorded: pairs.iter().map(|(recorded, _)| *recorded).collect(),
        simulated: pairs.iter().map(|(_, simulated)| *simulated).collect(),
    };
    let recorded = distribution(&mut samples.recorded);
    let simulated = distribution(&mut samples.simulated);
    (Compared::new(recorded, simulated), samples)
}
