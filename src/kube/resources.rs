//! Amounts of resources, extended ones (GPUs) among them, in exact integers.

use std::ops::{Add, AddAssign, Index, IndexMut, Sub, SubAssign};

use crate::units::{Cpu, Memory, Resources};

/// How many different resources one cluster can speak of.
const SIZE: usize = 12;

/// Index of CPU, in nanocores.
pub const CPU: usize = 0;
/// Index of memory, in bytes.
pub const MEMORY: usize = 1;
/// Index of ephemeral storage, in bytes.
pub const EPHEMERAL_STORAGE: usize = 2;
/// Index of pod slots.
pub const PODS: usize = 3;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// An amount of each resource; 0 of those that are not mentioned. Which resource an index from 4 on is,
/// [`ResourceNames`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceList([i64; SIZE]);

impl ResourceList {
    pub const ZERO: Self = Self([0; SIZE]);

    /// CPU in whole millicores, rounded up as `Quantity.MilliValue` does.
    pub const fn milli_cpu(&self) -> i64 {
        let nanos = self.0[CPU];
        nanos.div_euclid(NANOS_PER_MILLI) + (nanos.rem_euclid(NANOS_PER_MILLI) != 0) as i64
    }

    pub const fn memory(&self) -> i64 {
        self.0[MEMORY]
    }

    /// Whether requests of `self` fit into `free`: no resource is asked for beyond it, and none is overdrawn already
    /// (`pkg/utils/resources: Fits` of karpenter).
    pub fn fits(&self, free: &Self) -> bool {
        self.0.iter().zip(&free.0).all(|(asked, free)| *free >= 0 && asked <= free)
    }

    /// Of each resource the lesser amount.
    #[must_use]
    pub fn min(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].min(other.0[i])))
    }

    /// Of each resource the greater amount.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].max(other.0[i])))
    }

    /// Index and amount of each resource, mentioned or not.
    pub fn iter(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        self.0.iter().copied().enumerate()
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

impl Index<usize> for ResourceList {
    type Output = i64;
    fn index(&self, resource: usize) -> &i64 {
        &self.0[resource]
    }
}

impl IndexMut<usize> for ResourceList {
    fn index_mut(&mut self, resource: usize) -> &mut i64 {
        &mut self.0[resource]
    }
}

impl Add for ResourceList {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl AddAssign for ResourceList {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a += b);
    }
}

impl Sub for ResourceList {
    type Output = Self;
    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}

impl SubAssign for ResourceList {
    fn sub_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a -= b);
    }
}

impl From<Resources> for ResourceList {
    fn from(resources: Resources) -> Self {
        let mut list = Self::ZERO;
        list[CPU] = resources.cpu.milli() * NANOS_PER_MILLI;
        list[MEMORY] = resources.memory.bytes();
        list[EPHEMERAL_STORAGE] = resources.ephemeral.bytes();
        list[PODS] = resources.pods;
        list
    }
}

/// What [`Resources`] has of them, CPU in millicores begun.
impl From<ResourceList> for Resources {
    fn from(list: ResourceList) -> Self {
        Self {
            cpu: Cpu::from_milli(list.milli_cpu()),
            memory: Memory::from_bytes(list[MEMORY]),
            ephemeral: Memory::from_bytes(list[EPHEMERAL_STORAGE]),
            pods: list[PODS],
        }
    }
}

/// Which resources the indices stand for in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceNames(Vec<String>);

impl Default for ResourceNames {
    fn default() -> Self {
        Self(["cpu", "memory", "ephemeral-storage", "pods"].map(str::to_owned).to_vec())
    }
}

impl ResourceNames {
    /// The index of a resource, a new one if need be. `None` if there are too many different ones.
    pub fn intern(&mut self, name: &str) -> Option<usize> {
        if let Some(index) = self.find(name) {
            return Some(index);
        }
        (self.0.len() < SIZE).then(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        })
    }

    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|known| known == name)
    }

    pub fn name(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().map(String::as_str).enumerate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(cpu: i64, memory: i64) -> ResourceList {
        let mut list = ResourceList::ZERO;
        (list[CPU], list[MEMORY]) = (cpu, memory);
        list
    }

    #[test]
    fn an_overdrawn_node_takes_nothing() {
        assert!(list(1, 5).fits(&list(1, 5)));
        assert!(!list(2, 5).fits(&list(1, 5)));
        // Nothing is asked of the memory that is overdrawn, and yet.
        assert!(!list(1, 0).fits(&list(1, -1)));
    }

    #[test]
    fn part_of_a_millicore_counts_as_one() {
        for (nanos, milli) in [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2), (-1, 0)] {
            assert_eq!(list(nanos, 0).milli_cpu(), milli, "{nanos}");
        }
    }

    #[test]
    fn extended_resources_get_indices_until_there_are_too_many() {
        let mut names = ResourceNames::default();
        assert_eq!(names.intern("nvidia.com/gpu"), Some(4));
        assert_eq!(names.intern("cpu"), Some(CPU));
        assert_eq!(names.intern("nvidia.com/gpu"), Some(4));
        let given: Vec<_> = (0..9).map(|n| names.intern(&format!("example.com/{n}"))).collect();
        assert_eq!(given[6], Some(11));
        assert_eq!(given[7..], [None, None]);
        assert_eq!(names.name(4), Some("nvidia.com/gpu"));
    }
}
