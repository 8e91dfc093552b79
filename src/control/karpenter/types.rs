//! Sets of instance types and of offerings as bits, so that filtering a few hundred types for a pod is a few words.

use crate::catalog::CapacityType;

/// A set of places in [`Pool::types`](super::Pool::types).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeSet(Vec<u64>);

impl TypeSet {
    /// An empty set of numbers below `size`.
    pub fn empty(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    pub fn of(size: usize, members: impl IntoIterator<Item = usize>) -> Self {
        let mut set = Self::empty(size);
        members.into_iter().for_each(|member| set.insert(member));
        set
    }

    pub fn insert(&mut self, member: usize) {
        self.0[member / 64] |= 1 << (member % 64);
    }

    pub fn remove(&mut self, member: usize) {
        self.0[member / 64] &= !(1 << (member % 64));
    }

    pub fn contains(&self, member: usize) -> bool {
        self.0.get(member / 64).is_some_and(|word| word & 1 << (member % 64) != 0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Keeps what is in `other` too.
    pub fn intersect(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Keeps what passes.
    pub fn retain(&mut self, mut passes: impl FnMut(usize) -> bool) {
        for (index, word) in self.0.iter_mut().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if !passes(index * 64 + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.checked_sub(1)?;
                Some(index * 64 + bit)
            })
        })
    }
}

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
    fn a_set_has_what_was_put_in_and_not_taken_out() {
        let mut set = TypeSet::of(130, [0, 63, 64, 129]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        set.retain(|member| member != 64);
        set.remove(0);
        assert_eq!((set.iter().collect::<Vec<_>>(), set.len()), (vec![63, 129], 2));
        assert!(set.contains(129) && !set.contains(128) && !set.contains(500));
        set.intersect(&TypeSet::of(130, [62]));
        assert!(set.is_empty());
    }

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
