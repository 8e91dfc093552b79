//! The states between the saved report and today, each with one thing swapped, and their replays.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::result::{CheckReport, PriceChange, SCHEMA_VERSION};
use super::{Baseline, causes, changes};
use crate::catalog::Snapshot;
use crate::compare::setting_changes;
use crate::error::{Error, Result};
use crate::platform::{Limits, Platform, RegionSource, Scenario, Settings};
use crate::replay::{PlatformRun, Study};
use crate::report::Tool;
use crate::trace::Trace;

/// What is compared with the saved report.
pub struct Today {
    pub scenario: Scenario,
    pub snapshot: Snapshot,
    pub trace: Arc<Trace>,
    /// What reading the trace had to say.
    pub warnings: Vec<String>,
    /// The trace of the saved report, where today's asks for something else.
    pub before: Option<Arc<Trace>>,
    pub limits: Limits,
    pub replications: u32,
    pub strict: bool,
}

/// One state, with the platforms that had to be replayed in it; the others are as in the state before.
pub(super) struct State {
    pub study: Study,
    resolved: Scenario,
    replayed: BTreeSet<String>,
    runs: Vec<PlatformRun>,
}

/// Up to four states in order of time; one that is missing is the same as the one before.
pub(super) struct States {
    /// The saved report's own inputs; `None` without its trace.
    pub repeated: Option<State>,
    /// Today's trace.
    pub with_trace: Option<State>,
    /// And today's prices.
    pub with_prices: Option<State>,
    /// And today's settings: the result of today.
    pub today: State,
}

impl State {
    fn new(study: Study, wanted: impl Fn(&Platform) -> bool) -> Result<Self> {
        let resolved = study.resolve()?;
        let replayed = resolved.platforms.iter().filter(|p| wanted(p)).map(|p| p.name.clone()).collect();
        Ok(Self { study, resolved, replayed, runs: Vec::new() })
    }

    fn replay(&mut self, histories: u32, done: &(dyn Fn() + Sync)) {
        let wanted = self.resolved.platforms.iter().filter(|p| self.replayed.contains(&p.name));
        let platforms: Vec<Platform> = wanted.cloned().collect();
        self.runs = self.study.setup().run(&platforms, histories, done);
    }

    fn run(&self, name: &str) -> Option<&PlatformRun> {
        self.runs.iter().find(|run| run.name == name)
    }

    pub fn platform(&self, name: &str) -> Option<&Platform> {
        self.resolved.platforms.iter().find(|platform| platform.name == name)
    }
}

impl States {
    /// A platform's replay with the saved report's inputs.
    pub fn repeated(&self, name: &str) -> Option<&PlatformRun> {
        self.repeated.as_ref()?.run(name)
    }

    /// With today's trace.
    pub fn with_trace(&self, name: &str) -> Option<&PlatformRun> {
        self.with_trace.as_ref().map_or_else(|| self.repeated(name), |state| state.run(name))
    }

    /// With today's trace and prices.
    pub fn with_prices(&self, name: &str) -> Option<&PlatformRun> {
        self.with_prices.as_ref().map_or_else(|| self.with_trace(name), |state| state.run(name))
    }

    /// With everything of today.
    pub fn today(&self, name: &str) -> Option<&PlatformRun> {
        self.today.run(name).or_else(|| self.with_prices(name))
    }

    fn all(&mut self) -> Vec<&mut State> {
        let earlier = [&mut self.repeated, &mut self.with_trace, &mut self.with_prices];
        earlier.into_iter().flatten().chain([&mut self.today]).collect()
    }

    /// How many platforms are replayed, for progress.
    fn replays(&mut self) -> usize {
        self.all().iter().map(|state| state.replayed.len()).sum()
    }
}

/// Replays what is needed and compares. `total` hears how many simulations there will be, `done` of each that ended.
pub fn check(
    baseline: &Baseline,
    today: &Today,
    total: impl FnOnce(u64),
    done: &(dyn Fn() + Sync),
) -> Result<CheckReport> {
    let read = (Arc::clone(&today.trace), today.warnings.clone());
    let last = Study::shared(today.scenario.clone(), &today.snapshot, read, today.strict)?;
    baseline.refuse_other_tasks(&last)?;
    let mut states = states(baseline, today, last)?;
    total(states.replays() as u64 * u64::from(today.replications));
    states.all().into_par_iter().for_each(|state| state.replay(today.replications, done));
    let names = states.today.resolved.platforms.iter().map(|platform| platform.name.as_str());
    states.today.study.refuse_inferred(names.filter_map(|name| states.today(name)))?;
    report(baseline, today, &states)
}

fn states(baseline: &Baseline, today: &Today, last: Study) -> Result<States> {
    let earlier = |snapshot: &Snapshot, trace: &Arc<Trace>| {
        Study::of(baseline.scenario.clone(), snapshot, trace, Vec::new(), false)
    };
    let compared: BTreeSet<&str> =
        baseline.report.platforms.iter().map(|platform| platform.name.as_str()).collect();
    let kept: BTreeSet<String> = last.asked().platforms.iter().map(|p| p.name.clone()).collect();
    let wanted =
        |platform: &Platform| compared.contains(platform.name.as_str()) && kept.contains(&platform.name);
    let same = |study: &Study| {
        let inputs = &baseline.report.inputs;
        study.trace_sha256() == inputs.trace_sha256 && study.window() == inputs.window
    };
    let same_trace = same(&last);
    let old_trace = if same_trace { Some(&today.trace) } else { today.before.as_ref() };
    let repeated = match old_trace {
        Some(trace) => {
            let study = earlier(&baseline.snapshot, trace)?;
            if !same(&study) {
                return Err(Error::usage(
                    format!(
                        "--baseline-trace is not the trace of {}, or covers another window",
                        baseline.file
                    ),
                    "give the trace that the baseline was made with, with its side file, or leave the flag out",
                ));
            }
            Some(State::new(study, wanted)?)
        }
        None => None,
    };
    let with_trace =
        if same_trace { None } else { Some(State::new(earlier(&baseline.snapshot, &today.trace)?, wanted)?) };
    let other_prices = State::new(earlier(&today.snapshot, &today.trace)?, wanted)?;
    let same_prices = other_prices.study.price_files(&other_prices.resolved) == baseline.report.catalog;
    let with_prices = (!same_prices).then_some(other_prices);
    let then = &baseline.scenario;
    let settings_changed = without_origin(&then.settings) != without_origin(&last.asked().settings);
    let definition = |scenario: &Scenario, name: &str| {
        scenario.platforms.iter().find(|platform| platform.name == name).cloned()
    };
    let asked = last.asked().clone();
    let is_other = |platform: &Platform| {
        settings_changed
            || !compared.contains(platform.name.as_str())
            || definition(then, &platform.name) != definition(&asked, &platform.name)
    };
    let today = State::new(last, is_other)?;
    Ok(States { repeated, with_trace, with_prices, today })
}

/// Who said in which region this runs changes nothing.
fn without_origin(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    settings.region.source = RegionSource::Given;
    settings
}

fn report(baseline: &Baseline, today: &Today, states: &States) -> Result<CheckReport> {
    let mut platforms = Vec::new();
    for before in &baseline.report.platforms {
        platforms.push(causes::platform(baseline, today, states, before));
    }
    let known: BTreeSet<&str> = baseline.report.platforms.iter().map(|p| p.name.as_str()).collect();
    for run in states.today.runs.iter().filter(|run| !known.contains(run.name.as_str())) {
        platforms.push(causes::new_platform(run, &today.limits));
    }
    if platforms.iter().all(|platform| platform.status != "compared") {
        let names: Vec<&str> = known.into_iter().collect();
        return Err(Error::usage(
            format!("no platform of today is one of {}, which has {}", baseline.file, names.join(", ")),
            "give the scenario that the baseline was made with, or make a new baseline",
        ));
    }
    // Of platforms that are not compared, nothing is said but that.
    let compared = |path: &str| {
        let one = path.strip_prefix("platforms[").and_then(|rest| rest.split(']').next());
        one.is_none_or(|name| platforms.iter().any(|p| p.name == name && p.status == "compared"))
    };
    let mut settings = setting_changes(&baseline.report.asked, &states.today.study.asked().to_yaml());
    settings.retain(|change| compared(&change.path));
    let prices: Vec<PriceChange> = match &states.with_prices {
        Some(state) => changes::price_changes(&baseline.snapshot, &today.snapshot, state.study.asked())?,
        None => Vec::new(),
    };
    let version = env!("CARGO_PKG_VERSION");
    let mut report = CheckReport {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: version.to_owned() },
        baseline: baseline.file.clone(),
        baseline_tool: baseline.report.tool.clone(),
        passed: platforms.iter().all(|platform| platform.passed),
        unchanged: platforms.iter().all(|platform| platform.passed && causes::is_unchanged(platform)),
        replications: today.replications,
        finding: String::new(),
        notes: causes::notes(baseline, today, states, &platforms),
        platforms,
        settings,
        prices,
    };
    report.finding = causes::finding(&report);
    Ok(report)
}
