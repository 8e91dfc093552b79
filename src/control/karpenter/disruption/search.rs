//! Multi-node and single-node consolidation: which sets of candidates are tried
//! (`pkg/controllers/disruption/{multinode,singlenode}consolidation.go`).
//!
//! Neither looks for the best set. Multi-node consolidation looks for the longest beginning of the sorted candidates
//! that can go at once, by halving; single-node consolidation takes the first candidate that can go alone.

#![allow(clippy::float_arithmetic, reason = "Karpenter decides in f64")]

use super::budget::Budgets;
use super::candidate::Candidate;
use super::decision::{Decision, Replacement, Simulated, decide};
use crate::units::Span;

/// Multi-node consolidation looks at a hundred candidates (and at 101 if there are more).
const MAX_PARALLEL: usize = 100;
const MULTI_NODE_TIMEOUT: Span = Span::from_secs(60);
const SINGLE_NODE_TIMEOUT: Span = Span::from_secs(180);

/// Tries candidates by simulating the scheduler without them, and minds the time that this takes.
pub struct Trial<'t> {
    simulate: &'t mut dyn FnMut(&[Candidate]) -> Simulated,
    spot_to_spot: bool,
    per_simulation: Span,
    /// Simulated time that the simulations took so far.
    pub spent: Span,
}

impl<'t> Trial<'t> {
    pub fn new(
        simulate: &'t mut dyn FnMut(&[Candidate]) -> Simulated,
        spot_to_spot: bool,
        per_simulation: Span,
    ) -> Self {
        Self { simulate, spot_to_spot, per_simulation, spent: Span::ZERO }
    }

    pub fn simulate(&mut self, candidates: &[Candidate]) -> Simulated {
        self.spent += self.per_simulation;
        (self.simulate)(candidates)
    }

    fn decide(&mut self, candidates: &[Candidate]) -> Decision {
        let simulated = self.simulate(candidates);
        decide(candidates, simulated, self.spot_to_spot)
    }
}

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The candidates that go, and what comes for them.
    pub command: Option<(Vec<Candidate>, Option<Replacement>)>,
    /// Budgets kept some candidates out: a search that found nothing may find something with the same nodes later.
    pub constrained: bool,
    /// There was no time to try all.
    pub timed_out: bool,
    /// Pools that were not reached in time.
    pub unseen_pools: Vec<usize>,
}

/// The longest beginning of the sorted `candidates` that halving finds and that can go at once, leaving at most one new
/// node.
pub fn multi_node(candidates: &[Candidate], budgets: &mut Budgets, trial: &mut Trial) -> Found {
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

fn longest_beginning(
    candidates: &[Candidate],
    trial: &mut Trial,
) -> Option<(Vec<Candidate>, Option<Replacement>)> {
    let mut best = None;
    // Bounds of the last candidate's index. One candidate alone is for single-node consolidation.
    let (mut low, mut high) = (1, MAX_PARALLEL.min(candidates.len().checked_sub(1)?));
    let begun = trial.spent;
    while low <= high && trial.spent - begun <= MULTI_NODE_TIMEOUT {
        let middle = usize::midpoint(low, high);
        let tried = &candidates[..=middle];
        match trial.decide(tried) {
            Decision::Delete => best = Some((tried.to_vec(), None)),
            Decision::Replace(mut replacement) => {
                keep_cheaper_than_same_types(&mut replacement, tried);
                if replacement.options.is_empty() {
                    high = middle - 1;
                    continue;
                }
                best = Some((tried.to_vec(), Some(replacement)));
            }
            Decision::Nothing => {
                high = middle - 1;
                continue;
            }
        }
        low = middle + 1;
    }
    best
}

/// A replacement of a type that is removed would be one of the nodes again: keeping that one and deleting the others
/// would disturb fewer pods. So the replacement must be cheaper than the cheapest such node.
fn keep_cheaper_than_same_types(replacement: &mut Replacement, removed: &[Candidate]) {
    let is_option = |candidate: &&Candidate| {
        replacement.options.iter().any(|option| option.instance == candidate.instance)
    };
    let cheapest = removed.iter().filter(is_option).map(|candidate| candidate.price).min_by(f64::total_cmp);
    if let Some(cheapest) = cheapest {
        replacement.keep_cheaper_than(cheapest);
    }
}

/// The first of `candidates` (sorted, pools in turn) that can go alone, leaving at most one new node.
pub fn single_node(candidates: &[Candidate], budgets: &Budgets, pools: usize, trial: &mut Trial) -> Found {
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
        let replacement = match trial.decide(std::slice::from_ref(candidate)) {
            Decision::Nothing => continue,
            Decision::Delete => None,
            Decision::Replace(replacement) => Some(replacement),
        };
        found.command = Some((vec![*candidate], replacement));
        break;
    }
    found.unseen_pools.clear();
    found
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
