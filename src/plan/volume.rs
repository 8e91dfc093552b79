//! A trace at one volume, with and without right-sized requests, and the search over it.

use std::sync::Arc;

use super::candidate::Candidate;
use super::judge::Metric;
use super::search::{Found, Options, search};
use super::space::{Given, Space, Variant, sized_by_peak};
use super::{Input, Request, RightSize, resolve};
use crate::error::{Error, Result};
use crate::platform::Platform;
use crate::replay::{Demand, Study};
use crate::trace::{Growth, Trace, grow};

/// Studies of one volume: of the trace's own requests, and of right-sized ones where usage is known.
pub struct Volume {
    pub as_is: Study,
    pub right_sized: Option<Study>,
    /// What is always simulated, resolved: a group that holds the peak holds that of this volume.
    pub given: Vec<Given>,
}

/// A search and the space that it was over.
pub struct Search {
    pub space: Space,
    pub found: Found,
    /// Number of the reference.
    pub reference: usize,
    /// Why it is not the one that it would be.
    pub replaced: Option<String>,
}

impl Volume {
    pub fn new(input: &Input, trace: Arc<Trace>, right_sized: Option<Arc<Trace>>) -> Result<Self> {
        let study = |trace: &Arc<Trace>| {
            Study::of(input.scenario.clone(), input.snapshot, trace, Vec::new(), input.strict)
        };
        let as_is = study(&trace)?;
        let given = resolve(&as_is.setup(), input.scenario)?;
        Ok(Self { as_is, right_sized: right_sized.as_ref().map(study).transpose()?, given })
    }

    /// The same workflows at another volume.
    pub fn grown(&self, input: &Input, growth: &Growth) -> Result<Self> {
        let seed = input.scenario.settings.seed;
        let grown = |study: &Study| grow(&study.trace, growth, seed).map(Arc::new);
        Self::new(input, grown(&self.as_is)?, self.right_sized.as_ref().map(grown).transpose()?)
    }

    pub fn variants(&self) -> Vec<Variant<'_>> {
        let sized = self.right_sized.as_ref().map(|study| variant(study, true));
        [variant(&self.as_is, false)].into_iter().chain(sized).collect()
    }

    pub fn study_of(&self, right_sized: bool) -> &Study {
        self.right_sized.as_ref().filter(|_| right_sized).unwrap_or(&self.as_is)
    }

    /// What a candidate of another volume is here: what is sized by the busiest moment has another size.
    pub fn at_this_size(&self, candidate: &Candidate) -> Platform {
        let same = |platform: &&Platform| platform.name == candidate.platform.name;
        let sized = if candidate.given {
            self.given.iter().map(|given| &given.platform).find(same).cloned()
        } else {
            sized_by_peak(&self.study_of(candidate.right_sized).setup(), candidate)
        };
        sized.unwrap_or_else(|| candidate.platform.clone())
    }

    /// Whether the trace has workflow runs, whose makespans can be told.
    pub fn has_runs(&self) -> bool {
        self.as_is.workload.runs.iter().any(|run| !run.id.is_empty())
    }

    /// What is searched, with its lower bounds.
    pub fn space(&self, request: &Request, strict: bool) -> Space {
        self.space_of(&self.variants(), request, strict)
    }

    fn space_of(&self, variants: &[Variant], request: &Request, strict: bool) -> Space {
        let searched: Vec<bool> = match request.right_size {
            RightSize::Only => vec![variants.len() == 1, true],
            RightSize::No | RightSize::Both => vec![true, true],
        };
        Space::new(variants, &searched, &self.given, &request.narrowing, strict)
    }

    pub fn search(
        &self,
        reference: &str,
        metric: Metric,
        request: &Request,
        strict: bool,
        done: &(dyn Fn() + Sync),
    ) -> Result<Search> {
        let variants = self.variants();
        let space = self.space_of(&variants, request, strict);
        if space.candidates.is_empty() {
            return Err(Error::usage(
                "every candidate may be billed at inferred prices, and --strict refuses them",
                "give a snapshot that has observed ones with --prices",
            ));
        }
        let by_name = |name: &str| {
            space.candidates.iter().position(|candidate| candidate.given && candidate.platform.name == name)
        };
        let why = space.dropped.iter().find(|(name, _)| name == reference).map_or("", |(_, why)| why);
        let chosen = by_name(reference);
        if chosen.is_none() && request.reference.is_some() {
            return Err(Error::usage(
                format!(
                    "{} was left out, so nothing can be compared with it: {why}",
                    reference.escape_debug()
                ),
                "name another --reference",
            ));
        }
        let number = chosen.or_else(|| by_name("fargate")).unwrap_or(0);
        let replaced = chosen.is_none().then(|| {
            let instead = &space.candidates[number].platform.name;
            format!("compared with {instead} instead of {reference}: {why}")
        });
        let options = Options {
            budget: request.budget.candidates(self.as_is.workload.window),
            within_permille: request.within_permille,
        };
        let found = search(&variants, &space, number, &request.limits, metric, &options, done);
        Ok(Search { space, found, reference: number, replaced })
    }
}

fn variant(study: &Study, right_sized: bool) -> Variant<'_> {
    let setup = study.setup();
    Variant { setup, demand: Demand::new(&setup), right_sized }
}
