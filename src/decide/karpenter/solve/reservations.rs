//! Capacity reservations during a round: each NodeClaim holds every one that it could be launched into.
//!
//! Source: `reservationmanager.go`, `nodeclaim.go: offeringsToReserve`.

use std::collections::BTreeMap;

use super::super::bits::Bits;
use super::super::model::{NodePool, Reservation};

#[derive(Clone, Debug, Default)]
pub(super) struct Reservations {
    ids: BTreeMap<String, usize>,
    /// Instances that no NodeClaim holds yet. Where pools disagree, the least is true.
    left: Vec<u32>,
}

impl Reservations {
    pub fn new(pools: &[NodePool]) -> Self {
        let mut all = Self::default();
        let offerings = pools.iter().flat_map(|pool| &pool.types).flat_map(|this| &this.offerings);
        for Reservation { id, capacity, .. } in offerings.filter_map(|offering| offering.reservation.as_ref())
        {
            let next = all.left.len();
            let index = *all.ids.entry(id.clone()).or_insert(next);
            if index == next {
                all.left.push(*capacity);
            }
            all.left[index] = all.left[index].min(*capacity);
        }
        all
    }

    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub fn index(&self, reservation: &Reservation) -> Option<usize> {
        self.ids.get(&reservation.id).copied()
    }

    /// Names of some.
    pub fn names(&self, some: &Bits) -> Vec<&str> {
        self.ids.iter().filter(|(_, index)| some.contains(**index)).map(|(id, _)| id.as_str()).collect()
    }

    pub fn is_left(&self, index: usize) -> bool {
        self.left[index] > 0
    }

    /// A NodeClaim that held `before` holds `now` instead.
    pub fn exchange(&mut self, before: &Bits, now: &Bits) {
        for index in now.iter().filter(|index| !before.contains(*index)) {
            self.left[index] = self.left[index].saturating_sub(1);
        }
        for index in before.iter().filter(|index| !now.contains(*index)) {
            self.left[index] += 1;
        }
    }
}
