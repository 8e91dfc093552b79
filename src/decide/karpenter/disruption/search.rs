//! Which sets of candidates are tried (`pkg/controllers/disruption/{emptiness,drift,multinodeconsolidation,
//! singlenodeconsolidation}.go`).
//!
//! None looks for the best set. Multi-node consolidation looks for the longest beginning of the sorted candidates that
//! can go at once, by halving; single-node consolidation and drift take the first candidate that can go alone.

#![allow(clippy::float_arithmetic, reason = "Karpenter decides in f64")]

use super::balanced::Balanced;
use super::budget::Budgets;
use super::candidate::{Candidate, sort};
use super::decision::{Decision, Replacement, Simulated, decide};
use crate::decide::gosort;
use crate::decide::karpenter::Version;
use crate::units::{Span, Time};

/// Multi-node consolidation looks at a hundred candidates (and at 101 if there are more).
const MAX_PARALLEL: usize = 100;
const MULTI_NODE_TIMEOUT: Span = Span::from_secs(60);
const SINGLE_NODE_TIMEOUT: Span = Span::from_secs(180);

/// The empty ones of the candidates, as far as budgets allow: they go at once.
pub fn empty(mut candidates: Vec<Candidate>, budgets: &mut Budgets, version: Version) -> Vec<Candidate> {
    candidates.retain(|candidate| candidate.is_empty(version));
    sort(&mut candidates, version);
    candidates.retain(|candidate| budgets.take(candidate.pool));
    candidates
}

/// The first drifted node whose pods have places without it, and the nodes that they need: empty ones first, then those
/// that drifted first. `simulate` gives the new nodes, `None` if a pod has no place.
pub fn drift<C>(
    mut drifted: Vec<(Time, Candidate)>,
    budgets: &Budgets,
    version: Version,
    mut simulate: impl FnMut(&Candidate) -> Option<Vec<C>>,
) -> Option<(Candidate, Vec<C>)> {
    gosort::sort_by(&mut drifted, |a, b| a.0 < b.0);
    let (empty, used): (Vec<_>, Vec<_>) = drifted
        .into_iter()
        .map(|(_, candidate)| candidate)
        .partition(|candidate| candidate.is_empty(version));
    let mut allowed = empty.into_iter().chain(used).filter(|candidate| budgets.has(candidate.pool));
    allowed.find_map(|candidate| Some((candidate, simulate(&candidate)?)))
}

/// Tries candidates by simulating the scheduler without them, and minds the time that this takes.
pub struct Trial<'t, C> {
    simulate: &'t mut dyn FnMut(&[Candidate]) -> Simulated<C>,
    balanced: Balanced,
    spot_to_spot: bool,
    per_simulation: Span,
    /// Simulated time that the simulations took so far.
    pub spent: Span,
}

impl<'t, C> Trial<'t, C> {
    pub fn new(
        simulate: &'t mut dyn FnMut(&[Candidate]) -> Simulated<C>,
        balanced: Balanced,
        spot_to_spot: bool,
        per_simulation: Span,
    ) -> Self {
        Self { simulate, balanced, spot_to_spot, per_simulation, spent: Span::ZERO }
    }

    fn decide(&mut self, candidates: &[Candidate]) -> Decision<C> {
        self.spent += self.per_simulation;
        let simulated = (self.simulate)(candidates);
        decide(candidates, simulated, self.spot_to_spot)
    }
}

/// The candidates that go, and what comes for them.
pub type Move<C> = (Vec<Candidate>, Option<Replacement<C>>);

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<C> {
    pub command: Option<Move<C>>,
    /// Budgets kept some candidates out: a search that found nothing may find something with the same nodes later.
    pub constrained: bool,
    /// There was no time to try all.
    pub timed_out: bool,
    /// Pools that were not reached in time.
    pub unseen_pools: Vec<usize>,
}

impl<C> Default for Found<C> {
    fn default() -> Self {
        Self { command: None, constrained: false, timed_out: false, unseen_pools: Vec::new() }
    }
}

/// The longest beginning of the sorted `candidates` that halving finds and that can go at once, leaving at most one new
/// node.
pub fn multi_node<C>(candidates: &[Candidate], budgets: &mut Budgets, trial: &mut Trial<C>) -> Found<C> {
    let mut found = Found::default();
    let mut disruptable = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        if budgets.take(candidate.pool) {
            disruptable.push(*candidate);
        } else {
            found.constrained = true;
        }
    }
    found.command = longest_beginning(&disruptable, trial);
    found
}

fn longest_beginning<C>(candidates: &[Candidate], trial: &mut Trial<C>) -> Option<Move<C>> {
    let mut best = None;
    // Bounds of the last candidate's index. One candidate alone is for single-node consolidation.
    let (mut low, mut high) = (1, MAX_PARALLEL.min(candidates.len().checked_sub(1)?));
    let begun = trial.spent;
    while low <= high && trial.spent - begun <= MULTI_NODE_TIMEOUT {
        let middle = usize::midpoint(low, high);
        let tried = &candidates[..=middle];
        let replacement = match trial.decide(tried) {
            Decision::Delete => Some(None),
            Decision::Replace(mut replacement) => {
                keep_cheaper_than_same_types(&mut replacement, tried);
                (!replacement.options.is_empty()).then_some(Some(replacement))
            }
            Decision::Nothing => None,
        };
        match replacement.filter(|replacement| trial.balanced.approves(tried, replacement.as_ref())) {
            Some(replacement) => {
                best = Some((tried.to_vec(), replacement));
                low = middle + 1;
            }
            None => high = middle - 1,
        }
    }
    best
}

/// A replacement of a type that is removed would be one of the nodes again: keeping that one and deleting the others
/// would disturb fewer pods. So the replacement must be cheaper than the cheapest such node. Types that cannot be had as
/// the replacement is decided by now, such as those not sold as Spot, are dropped in any case.
fn keep_cheaper_than_same_types<C>(replacement: &mut Replacement<C>, removed: &[Candidate]) {
    let is_option = |candidate: &&Candidate| {
        replacement.options.iter().any(|option| option.instance == candidate.instance)
    };
    let cheapest = removed.iter().filter(is_option).map(|candidate| candidate.price).min_by(f64::total_cmp);
    replacement.keep_cheaper_than(cheapest.unwrap_or(f64::MAX));
}

/// The first of `candidates` (sorted, pools in turn) that can go alone, leaving at most one new node.
pub fn single_node<C>(
    candidates: &[Candidate],
    budgets: &Budgets,
    pools: usize,
    trial: &mut Trial<C>,
) -> Found<C> {
    let mut found = Found { unseen_pools: (0..pools).collect(), ..Found::default() };
    let begun = trial.spent;
    for candidate in candidates {
        if trial.spent - begun > SINGLE_NODE_TIMEOUT {
            found.timed_out = true;
            return found;
        }
        found.unseen_pools.retain(|pool| *pool != candidate.pool);
        if !budgets.has(candidate.pool) {
            found.constrained = true;
            continue;
        }
        if !trial.balanced.can_approve(candidate) {
            continue;
        }
        let one = std::slice::from_ref(candidate);
        let replacement = match trial.decide(one) {
            Decision::Nothing => continue,
            Decision::Delete => None,
            Decision::Replace(replacement) => Some(replacement),
        };
        if !trial.balanced.approves(one, replacement.as_ref()) {
            continue;
        }
        found.command = Some((vec![*candidate], replacement));
        break;
    }
    found.unseen_pools.clear();
    found
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
