//! Which candidates are simulated, and in which order.
//!
//! Batches of a fixed size are simulated in parallel; who comes next is decided between batches, from finished ones only.
//! So the result depends neither on the number of threads nor on who finishes first. In order:
//!
//! 1. the reference and everything given;
//! 2. a representative of each branch (type or categories, architecture, capacity type), by lower bound;
//! 3. neighbours (one dimension changed) of the cheapest feasible candidate, then of what nothing simulated so far beats;
//! 4. the rest by lower bound, variants of beaten representatives last.
//!
//! Two things keep candidates from being simulated. A lower bound of more than `within` times the cheapest feasible bill
//! so far is an *exact* argument: such a candidate is neither cheapest nor on the front, which ends at that cost. Running
//! out of *budget* is not, and it is said how many candidates were left out. With a budget as large as the space, the
//! result is that of simulating all of it.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::candidate::{Candidate, Family, Place};
use super::front::front;
use super::judge::{Judged, Metric};
use super::space::{Space, Variant};
use crate::platform::Limits;
use crate::replay::Floor;
use crate::units::Usd;

/// Candidates that are simulated before what they say is looked at. Part of the result: not to depend on the machine.
const BATCH: usize = 16;

/// How a space is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Candidates to simulate at most. What is given is simulated in any case.
    pub budget: usize,
    /// The front ends at so many thousandths of the cheapest feasible bill.
    pub within_permille: u32,
}

/// What the search found, by number of the candidate.
pub struct Found {
    /// `None` where it was not simulated.
    pub judged: Vec<Option<Judged>>,
    pub pruned: usize,
    pub left_out: usize,
}

impl Found {
    pub fn simulated(&self) -> impl Iterator<Item = (usize, &Judged)> {
        self.judged.iter().enumerate().filter_map(|(id, judged)| Some((id, judged.as_ref()?)))
    }

    /// The cheapest candidate that may be recommended and exceeds no limit; among equals the faster, then the first.
    pub fn cheapest_feasible(&self) -> Option<usize> {
        let feasible = self.simulated().filter(|(_, judged)| judged.is_feasible());
        feasible.filter_map(|(id, judged)| judged.point(id)).min().map(|point| point.id)
    }
}

/// Searches `space`; `reference` is the number of the candidate to which increases are relative.
pub fn search(
    variants: &[Variant],
    space: &Space,
    reference: usize,
    limits: &Limits,
    metric: Metric,
    options: &Options,
    done: &(dyn Fn() + Sync),
) -> Found {
    let mut search = Search {
        candidates: &space.candidates,
        floors: &space.floors,
        reference,
        options,
        found: Found { judged: vec![None; space.candidates.len()], pruned: 0, left_out: 0 },
    };
    loop {
        let batch = search.next_batch();
        if batch.is_empty() {
            break;
        }
        let simulate = |id: &usize| {
            let candidate = &space.candidates[*id];
            let setup = &variants[usize::from(candidate.right_sized)].setup;
            let mut judged = Judged::new(setup.report_on(&candidate.platform), metric);
            judged.eligible = candidate.eligible;
            done();
            judged
        };
        let results: Vec<Judged> = batch.par_iter().map(simulate).collect();
        for (id, judged) in batch.iter().zip(results) {
            search.found.judged[*id] = Some(judged);
        }
        // The reference is in the first batch.
        let before = search.found.judged[reference].as_ref().map(|judged| judged.report.clone());
        for id in batch {
            if let Some(judged) = &mut search.found.judged[id] {
                judged.judge(limits, before.as_ref());
            }
        }
    }
    let open: Vec<usize> = search.open().collect();
    search.found.left_out = open.len();
    search.found.pruned = space.candidates.len() - open.len() - search.found.simulated().count();
    search.found
}

struct Search<'a> {
    candidates: &'a [Candidate],
    floors: &'a [Floor],
    reference: usize,
    options: &'a Options,
    found: Found,
}

impl Search<'_> {
    fn next_batch(&self) -> Vec<usize> {
        let simulated = self.found.simulated().count();
        let mut order: Vec<((u8, Usd, usize), usize)> = Vec::new();
        let (near, beaten) = (self.near_the_front(), self.beaten());
        let representatives = self.representatives();
        let best = self.found.cheapest_feasible().and_then(|id| self.candidates[id].place);
        for id in self.open() {
            let candidate = &self.candidates[id];
            let rank = match candidate.place {
                _ if id == self.reference => 0,
                _ if candidate.given => 1,
                _ if representatives.contains(&id) => 2,
                Some(place) if best.is_some_and(|best| place.is_next_to(&best)) => 3,
                Some(place) if near.iter().any(|other| place.is_next_to(other)) => 4,
                Some(place) if beaten.contains(&place.branch()) => 6,
                _ => 5,
            };
            order.push(((rank, self.floors[id].before_credits(), id), id));
        }
        order.sort_unstable();
        let given = order.iter().filter(|((rank, ..), _)| *rank < 2).count();
        let room = self.options.budget.saturating_sub(simulated).max(given);
        order.into_iter().take(BATCH.min(room)).map(|(_, id)| id).collect()
    }

    /// What is not simulated and may still be cheapest or on the front. What is given always may.
    fn open(&self) -> impl Iterator<Item = usize> + '_ {
        let most = self.found.cheapest_feasible().and_then(|id| self.found.judged[id].as_ref()?.cost);
        let most = most.map(|cost| cost.scaled(i128::from(self.options.within_permille), 1_000));
        let may_be = move |id: &usize| {
            self.candidates[*id].given || most.is_none_or(|most| self.floors[*id].bill() <= most)
        };
        (0..self.candidates.len()).filter(|id| self.found.judged[*id].is_none()).filter(may_be)
    }

    /// Of each branch the candidate nearest to the defaults; among those the one with the least lower bound.
    fn representatives(&self) -> BTreeSet<usize> {
        let mut all: Vec<_> = self
            .candidates
            .iter()
            .enumerate()
            .filter_map(|(id, candidate)| {
                let place = candidate.place?;
                Some((place.branch(), place.distance_from_default(), self.floors[id].before_credits(), id))
            })
            .collect();
        all.sort_unstable();
        all.dedup_by_key(|(branch, ..)| *branch);
        all.into_iter().map(|(.., id)| id).collect()
    }

    /// Places of what nothing beats so far.
    fn near_the_front(&self) -> Vec<Place> {
        let points: Vec<_> = self.found.simulated().filter_map(|(id, judged)| judged.point(id)).collect();
        let ids = front(&points).into_iter().map(|point| point.id);
        ids.filter_map(|id| self.candidates[id].place).collect()
    }

    /// Branches all of whose simulated candidates something beats.
    fn beaten(&self) -> BTreeSet<(Family, [u16; 3])> {
        let near: BTreeSet<_> = self.near_the_front().iter().map(Place::branch).collect();
        let simulated = self.found.simulated().filter_map(|(id, _)| self.candidates[id].place);
        simulated.map(|place| place.branch()).filter(|branch| !near.contains(branch)).collect()
    }
}
