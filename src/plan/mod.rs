//! Capacity planning: which platform is cheapest under the limits, out of many that nobody wrote down.
//!
//! A [`Space`](space) of candidates is searched with a budget; lower bounds say what need not be simulated; the result
//! is the front of cost against latency, the cheapest candidate that keeps all limits, which limit makes it as dear as
//! it is, and how far all of that is from the least that any scheduler could pay. Candidates are simulated by `replay`;
//! there is no physics here.

mod candidate;
mod front;
mod growth;
mod judge;
mod outcome;
pub mod output;
mod savings;
mod search;
mod space;
mod volume;

pub use front::{Point, front, knee};
pub use growth::{Flip, Grown};
pub use judge::Metric;
pub use outcome::{
    Binding, Counts, LimitText, Nearest, Plan, Planned, RightSizing, SCHEMA_VERSION, Searched, SizedRequest,
};
pub use savings::{CommitmentReport, GrownCommitment, SavingsPlanned};
use space::Given;
pub use space::{Narrowing, RIGHT_SIZED, Space};
pub use volume::Volume;

use std::sync::Arc;

use crate::catalog::Snapshot;
use crate::error::{Error, Result};
use crate::platform::{Limits, Platform, Scenario};
use crate::replay::{Setup, Study};
use crate::report::Report;
use crate::rightsize::{self, RightSized, Rule};
use crate::trace::{Growth, Trace};
use crate::units::Span;
use crate::workload::Window;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub limits: Limits,
    pub narrowing: Narrowing,
    pub right_size: RightSize,
    pub rule: Rule,
    /// To which platform increases are relative; `None`: today's, or else Fargate.
    pub reference: Option<String>,
    pub budget: Budget,
    /// The front ends at so many thousandths of the cheapest feasible bill; at least 1,000.
    pub within_permille: u32,
    /// Further volumes, with their names.
    pub growth: Vec<(String, Growth)>,
}

/// Which requests are searched, where usage is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightSize {
    /// Those of the trace.
    No,
    Only,
    Both,
}

/// How much is simulated for each volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    Candidates(usize),
    /// Simulated time: each candidate takes the trace's window of it.
    Simulated(Span),
}

impl Budget {
    /// How many candidates may be simulated of a trace with this window.
    pub fn candidates(self, window: Window) -> usize {
        match self {
            Self::Candidates(number) => number,
            Self::Simulated(span) => (span.ms() / (window.end - window.start).ms().max(1)).max(1) as usize,
        }
    }
}

/// What a plan starts from.
pub struct Input<'a> {
    pub scenario: &'a Scenario,
    pub snapshot: &'a Snapshot,
    pub study: &'a Study,
    pub strict: bool,
}

/// A plan, and what its files are written from.
pub struct Outcome {
    pub plan: Plan,
    /// The recommendation (or the nearest candidate) alone, as `replay` reports it.
    pub report: Report,
    /// The recommended platform, or else the nearest one.
    pub platform: Platform,
    /// The manifests that make it, where there are any.
    pub manifests: Option<String>,
    /// The trace with the requests that the recommendation assumes, where they are not the trace's own.
    pub right_sized: Option<Arc<Trace>>,
}

/// Searches for the cheapest platform within the limits, for the trace and for each further volume. `done` is called
/// after every simulated candidate.
pub fn plan(input: &Input, request: &Request, done: &(dyn Fn() + Sync)) -> Result<Outcome> {
    let trace = &input.study.trace;
    let sized = right_sized(trace, request)?;
    let sized_trace = sized.as_ref().map(|sized| Arc::new(sized.trace.clone()));
    let base = Volume::new(input, trace.clone(), sized_trace.clone())?;
    let metric = Metric::of(&request.limits, base.has_runs());
    request.narrowing.check(&base.as_is.setup())?;
    let reference = reference(&base, request)?;
    let searched = base.search(&reference, metric, request, input.strict, done)?;
    if !searched.space.candidates.iter().any(|candidate| candidate.eligible) {
        return Err(request.narrowing.nothing("no platform that they leave can run all pods"));
    }
    let mut grown = Vec::new();
    for (name, growth) in &request.growth {
        let volume = base.grown(input, growth)?;
        let result = volume.search(&reference, metric, request, input.strict, done)?;
        grown.push(growth::Step { name: name.clone(), growth: growth.clone(), volume, result });
    }
    let flips = growth::flips(input, &base, &searched, &grown, metric, request)?;
    outcome::assemble(request, metric, &base, searched, grown, flips, sized.as_ref(), sized_trace)
}

fn right_sized(trace: &Trace, request: &Request) -> Result<Option<RightSized>> {
    if request.right_size == RightSize::No {
        return Ok(None);
    }
    let sized = rightsize::has_usage(trace).then(|| rightsize::right_size(trace, &request.rule));
    let sized = sized.filter(RightSized::changes_anything);
    if sized.is_none() && request.right_size == RightSize::Only {
        return Err(Error::usage(
            "the trace does not know the usage of any task well enough to right-size its requests",
            "add cpu_usage_p95_milli and memory_usage_max_mib to the trace, or leave --right-size out",
        ));
    }
    Ok(sized)
}

/// What is always simulated, sized for the trace of `setup`. A built-in platform that the region does not sell is no
/// candidate; the user's own must be.
fn resolve(setup: &Setup, scenario: &Scenario) -> Result<Vec<Given>> {
    let mut resolved = Vec::new();
    for platform in space::given(&scenario.platforms) {
        let named = scenario.platforms.contains(&platform) && scenario.names_platforms();
        match setup.resolve(std::slice::from_ref(&platform)) {
            Ok(platforms) => resolved.extend(platforms.into_iter().map(|platform| Given { platform, named })),
            Err(error) if named => return Err(error),
            Err(_) => {}
        }
    }
    Ok(resolved)
}

/// The name of the platform that increases are relative to.
fn reference(base: &Volume, request: &Request) -> Result<String> {
    let setup = base.as_is.setup();
    let given: Vec<&Platform> = base.given.iter().map(|given| &given.platform).collect();
    if let Some(name) = &request.reference {
        if given.iter().any(|platform| platform.name == *name) {
            return Ok(name.clone());
        }
        let names: Vec<&str> = given.iter().map(|platform| platform.name.as_str()).collect();
        return Err(Error::usage(
            format!("there is no platform {} to compare with", name.escape_debug()),
            format!("name one of {}", names.join(", ")),
        ));
    }
    let today = given.iter().copied().find(|platform| setup.is_today(platform));
    let fargate = || given.iter().copied().find(|platform| platform.name == "fargate");
    let first = today.or_else(fargate).or(given.first().copied());
    first.map(|platform| platform.name.clone()).ok_or_else(|| {
        Error::usage(format!("no platform can be had in {}", setup.catalog.region), "choose another --region")
    })
}
