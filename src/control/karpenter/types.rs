//! Sets of offerings as bits.

use crate::catalog::CapacityType;

/// A set of (capacity type, zone). A region has at most 26 zones: they are named by letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offerings([u32; CAPACITY_TYPES.len()]);

/// In Karpenter's order of preference at launch.
pub const CAPACITY_TYPES: [CapacityType; 3] =
    [CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand];

impl Offerings {
    pub const NONE: Self = Self([0; CAPACITY_TYPES.len()]);

    pub fn insert(&mut self, capacity_type: CapacityType, zone: u8) {
        self.0[capacity_type as usize] |= 1 << zone;
    }

    pub fn remove(&mut self, capacity_type: CapacityType, zone: u8) {
        self.0[capacity_type as usize] &= !(1 << zone);
    }

    pub fn contains(self, capacity_type: CapacityType, zone: u8) -> bool {
        self.0[capacity_type as usize] & 1 << zone != 0
    }

    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// What is in both.
    pub fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    /// Those of one capacity type.
    pub fn only(self, capacity_type: CapacityType) -> Self {
        let mut only = Self::NONE;
        only.0[capacity_type as usize] = self.0[capacity_type as usize];
        only
    }

    /// Whether any is of this capacity type.
    pub fn has(self, capacity_type: CapacityType) -> bool {
        self.0[capacity_type as usize] != 0
    }

    /// By capacity type in the order of preference, then by zone.
    pub fn iter(self) -> impl Iterator<Item = (CapacityType, u8)> {
        CAPACITY_TYPES.into_iter().flat_map(move |capacity_type| {
            let mut rest = self.0[capacity_type as usize];
            std::iter::from_fn(move || {
                let zone = rest.trailing_zeros() as u8;
                rest &= rest.checked_sub(1)?;
                Some((capacity_type, zone))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offerings_are_listed_by_preference() {
        let mut all = Offerings::NONE;
        for zone in [2, 0] {
            all.insert(CapacityType::OnDemand, zone);
        }
        all.insert(CapacityType::Spot, 25);
        let listed: Vec<_> = all.iter().collect();
        assert_eq!(
            listed,
            [(CapacityType::Spot, 25), (CapacityType::OnDemand, 0), (CapacityType::OnDemand, 2)]
        );
        all.remove(CapacityType::Spot, 25);
        assert!(!all.has(CapacityType::Spot) && all.contains(CapacityType::OnDemand, 2));
        assert!(all.and(all.only(CapacityType::Spot)).is_empty());
    }
}
