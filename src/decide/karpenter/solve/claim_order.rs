//! The order in which the NodeClaims of a round are tried: by number of pods, ascending, as Go's unstable sort leaves
//! equals, which is done anew before every pod (`scheduler.go: add`).
//!
//! Between two sorts one claim has got a pod more, or one was appended. On the rest, which is sorted, Go's sort looks at
//! a dozen places, and if these are in order it shifts the one element to its place. That is done here at once;
//! otherwise the whole sort is.

use crate::decide::gosort;

#[derive(Clone, Debug, Default)]
pub(super) struct ClaimOrder {
    /// Claims by place.
    order: Vec<u32>,
    /// Pods by claim.
    counts: Vec<u32>,
    /// The place whose claim has changed since the last sort.
    changed: Option<usize>,
}

impl ClaimOrder {
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// The claim at a place.
    pub fn at(&self, place: usize) -> usize {
        self.order[place] as usize
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().map(|claim| *claim as usize)
    }

    /// A new claim with one pod, the last one so far.
    pub fn push(&mut self) {
        self.changed = Some(self.order.len());
        self.order.push(self.counts.len() as u32);
        self.counts.push(1);
    }

    /// The claim at `place` has got a pod.
    pub fn grow(&mut self, place: usize) {
        self.counts[self.order[place] as usize] += 1;
        self.changed = Some(place);
    }

    pub fn sort(&mut self) {
        let Some(place) = self.changed.take() else { return };
        let Self { order, counts, .. } = self;
        let count = |claim: u32| counts[claim as usize];
        let changed = count(order[place]);
        let sorted_before = place == 0 || count(order[place - 1]) <= changed;
        let sorted_after = order.get(place + 1).is_none_or(|next| changed <= count(*next));
        if sorted_before && sorted_after {
            return;
        }
        if !gosort::only_shifts(order, |a, b| count(*a) < count(*b)) {
            gosort::sort_by(order, |a, b| count(*a) < count(*b));
        } else if sorted_before {
            let length = order[place + 1..].partition_point(|claim| count(*claim) < changed);
            order[place..=place + length].rotate_left(1);
        } else {
            let first = order[..place].partition_point(|claim| count(*claim) <= changed);
            order[first..=place].rotate_right(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the real program does: append or grow, then sort everything.
    fn plainly(steps: &[Option<usize>]) -> Vec<usize> {
        let mut claims: Vec<(usize, u32)> = Vec::new();
        for step in steps {
            claims = sorted(claims);
            let length = claims.len();
            match step {
                Some(place) if length > 0 => claims[place % length].1 += 1,
                _ => claims.push((length, 1)),
            }
        }
        sorted(claims).into_iter().map(|(claim, _)| claim).collect()
    }

    fn sorted(mut claims: Vec<(usize, u32)>) -> Vec<(usize, u32)> {
        gosort::sort_by(&mut claims, |a, b| a.1 < b.1);
        claims
    }

    fn quickly(steps: &[Option<usize>]) -> Vec<usize> {
        let mut order = ClaimOrder::default();
        for step in steps {
            order.sort();
            match step {
                Some(place) if order.len() > 0 => order.grow(place % order.len()),
                _ => order.push(),
            }
        }
        order.sort();
        order.iter().collect()
    }

    #[test]
    fn the_first_of_sixty_equals_goes_behind_the_others_and_a_new_one_before_the_larger() {
        // 60 claims with one pod; the first gets another. All others have fewer: it goes to the end. A claim is
        // appended, with one pod: it goes before that one.
        let mut steps = vec![None; 60];
        steps.push(Some(0));
        let expected: Vec<usize> = (1..60).chain([0]).collect();
        assert_eq!(quickly(&steps), expected);
        steps.push(None);
        let expected: Vec<usize> = (1..60).chain([60, 0]).collect();
        assert_eq!(quickly(&steps), expected);
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_whole_sort(
            steps in prop::collection::vec(
                prop_oneof![Just(None), Just(Some(0)), (0usize..8).prop_map(Some), (0usize..400).prop_map(Some)],
                0..600,
            ),
        ) {
            prop_assert_eq!(quickly(&steps), plainly(&steps));
        }
    }
}
