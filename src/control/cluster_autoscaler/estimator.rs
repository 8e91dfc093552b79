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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Cpu, Memory};

    fn size(milli: i64) -> Resources {
        let memory = Memory::from_mib(milli);
        Resources { cpu: Cpu::from_milli(milli), memory, ephemeral: Memory::ZERO, pods: 1 }
    }

    /// Nodes of 1,000m and 1,000 MiB; pods of (size, number, one group).
    fn nodes(pods: &[(i64, u32, bool)], most: u32) -> (u32, Vec<(i64, u32)>) {
        let node = Resources { pods: 10, ..size(1_000) };
        let template = Template { capacity: node, allocatable: node, free: node, zone: 0 };
        let wanted: Vec<Wanted> = pods
            .iter()
            .zip(0..)
            .map(|((milli, pods, together), class)| Wanted {
                class,
                request: size(*milli),
                pods: *pods,
                together: *together,
            })
            .collect();
        let Estimate { nodes, placed } = estimate(&template, &wanted, most);
        (nodes, placed.iter().map(|(wanted, count)| (wanted.request.cpu.milli(), *count)).collect())
    }

    #[test]
    fn pods_are_packed_as_the_real_one_does() {
        let cases: [(&str, &[(i64, u32, bool)], u32, u32, &[(i64, u32)]); 8] = [
            ("two of 500m a node", &[(500, 5, true)], 99, 3, &[(500, 5)]),
            (
                "large ones first, small ones beside them",
                &[(300, 2, true), (700, 2, true)],
                99,
                2,
                &[(700, 2), (300, 2)],
            ),
            // 600m leaves 400m on each of three nodes, where three of 400m go, and a fourth to a new node.
            (
                "what is left goes to new nodes",
                &[(600, 3, true), (400, 4, true)],
                99,
                4,
                &[(600, 3), (400, 4)],
            ),
            ("as singles the same", &[(600, 3, false), (400, 4, false)], 99, 4, &[(600, 3), (400, 4)]),
            // 400m each: two on the first node, two on the second. One of 200m goes to the first (round-robin), the next to
            // the second, the third to the first again: no; both have 200m left after 800m. So the third opens a node.
            (
                "round-robin over the new nodes",
                &[(400, 4, true), (200, 3, true)],
                99,
                3,
                &[(400, 4), (200, 3)],
            ),
            ("ten pods a node", &[(1, 25, false)], 99, 3, &[(1, 25)]),
            ("no more nodes than allowed", &[(700, 5, true)], 2, 2, &[(700, 2)]),
            (
                "other groups still use the room",
                &[(700, 5, true), (300, 1, true)],
                2,
                2,
                &[(700, 2), (300, 1)],
            ),
        ];
        for (what, pods, most, expected, placed) in cases {
            assert_eq!(nodes(pods, most), (expected, placed.to_vec()), "{what}");
        }
    }

    #[test]
    fn a_pod_that_fits_no_empty_node_is_given_up_with_its_group() {
        // 1,001m: a node is opened in vain and stays empty. The next group finds it there; the empty one does not count.
        assert_eq!(nodes(&[(1_001, 3, true)], 99), (0, vec![]));
        assert_eq!(nodes(&[(1_001, 3, false), (800, 2, true)], 99), (2, vec![(800, 2)]));
    }

    #[test]
    fn within_a_group_only_the_last_node_is_looked_at_again() {
        // By score the group of three 400m pods comes first: two on the first node, one on the second, which leaves 200m and
        // 600m. Then four of 300m: round-robin finds the second twice, and fails. On the last node, the second, there is no
        // room any more: the other two share a third.
        assert_eq!(nodes(&[(400, 3, true), (300, 4, true)], 99), (3, vec![(400, 3), (300, 4)]));
    }
}
