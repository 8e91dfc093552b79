//! How many nodes of a group pending pods need (`cluster-autoscaler/estimator/binpacking_estimator.go`).
//!
//! First-fit decreasing by group of equivalent pods, next-fit within a group: pods of a group first go to the nodes of
//! this estimate until one does not fit; the rest looks at the last node only, and opens a new one where it must.
//! Nodes of the cluster play no part: what fits there was filtered out before.

use super::template::Template;
use crate::packing::{KnownFull, RoundRobin};
use crate::units::Resources;
use crate::workload::ClassId;

/// Pods of one class that need a place and fit an empty node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub class: ClassId,
    pub request: Resources,
    pub pods: u32,
    /// They have one controller and are one equivalence group; otherwise each is a group of its own.
    pub together: bool,
}

/// How many nodes hold at least one pod, and how many pods of each class were placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    pub nodes: u32,
    pub placed: Vec<(Wanted, u32)>,
}

/// Packs `wanted` into at most `most` nodes.
pub fn estimate(template: &Template, wanted: &[Wanted], most: u32) -> Estimate {
    let mut order: Vec<&Wanted> = wanted.iter().collect();
    order.sort_by(|a, b| score(template, b).total_cmp(&score(template, a)));
    let mut packing = Packing { template, most, bins: Vec::new(), search: RoundRobin::default() };
    let mut placed = Vec::with_capacity(order.len());
    for wanted in order {
        let count = if wanted.together { packing.group(wanted) } else { packing.singles(wanted) };
        if count > 0 {
            placed.push((*wanted, count));
        }
    }
    Estimate { nodes: packing.bins.iter().filter(|bin| **bin != template.free).count() as u32, placed }
}

/// Larger pods come first (`decreasing_pod_orderer.go`): the sum of the shares of an allocatable node.
#[expect(clippy::float_arithmetic, reason = "the real one compares these sums of float64")]
fn score(template: &Template, wanted: &Wanted) -> f64 {
    let share = |asked: i64, all: i64| if all > 0 { asked as f64 / all as f64 } else { 0.0 };
    let cpu = share(wanted.request.cpu.milli(), template.allocatable.cpu.milli());
    cpu + share(wanted.request.memory.bytes(), template.allocatable.memory.bytes())
}

struct Packing<'a> {
    template: &'a Template,
    most: u32,
    /// What is free on each new node.
    bins: Vec<Resources>,
    search: RoundRobin,
}

impl Packing<'_> {
    /// Places pods of one equivalence group; gives how many.
    fn group(&mut self, wanted: &Wanted) -> u32 {
        let mut full = KnownFull::default();
        let mut placed = 0;
        while placed < wanted.pods && self.on_any(wanted, &mut full) {
            placed += 1;
        }
        while placed < wanted.pods && self.on_last_or_new(wanted) {
            placed += 1;
        }
        placed
    }

    /// Places equal pods that are a group each. Once one is given up, so are all that follow.
    fn singles(&mut self, wanted: &Wanted) -> u32 {
        let mut full = KnownFull::default();
        let mut placed = 0;
        while placed < wanted.pods && (self.on_any(wanted, &mut full) || self.on_last_or_new(wanted)) {
            placed += 1;
        }
        placed
    }

    fn on_any(&mut self, wanted: &Wanted, full: &mut KnownFull) -> bool {
        let bins = &self.bins;
        let found = self.search.find(full, bins.len(), |bin| wanted.request.fits_in(&bins[bin]));
        if let Some(bin) = found {
            self.bins[bin] -= wanted.request;
        }
        found.is_some()
    }

    fn on_last_or_new(&mut self, wanted: &Wanted) -> bool {
        if let Some(last) = self.bins.last_mut() {
            if wanted.request.fits_in(last) {
                *last -= wanted.request;
                return true;
            }
            // What does not fit an empty node fits no other.
            if *last == self.template.free {
                return false;
            }
        }
        if self.bins.len() as u32 >= self.most {
            return false;
        }
        self.bins.push(self.template.free);
        let last = self.bins.last_mut().expect("one was pushed");
        let fits = wanted.request.fits_in(last);
        if fits {
            *last -= wanted.request;
        }
        fits
    }
}
