//! What pods ask for and nodes have: CPU, memory, ephemeral storage and pod slots.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// CPU in millicores (thousandths of a vCPU).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpu(i64);

/// Memory or storage in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(i64);

impl Cpu {
    pub const ZERO: Self = Self(0);

    pub const fn from_milli(milli: i64) -> Self {
        Self(milli)
    }

    pub const fn from_cores(cores: i64) -> Self {
        Self(cores * 1_000)
    }

    pub const fn milli(self) -> i64 {
        self.0
    }
}

impl Memory {
    pub const ZERO: Self = Self(0);

    pub const fn from_bytes(bytes: i64) -> Self {
        Self(bytes)
    }

    pub const fn from_mib(mib: i64) -> Self {
        Self(mib << 20)
    }

    pub const fn from_gib(gib: i64) -> Self {
        Self(gib << 30)
    }

    pub const fn bytes(self) -> i64 {
        self.0
    }

    /// Whole MiB, rounded up.
    pub const fn mib_ceil(self) -> i64 {
        (self.0 + (1 << 20) - 1) >> 20
    }
}

/// As Kubernetes prints it: `500m`, `2`.
impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 1_000 == 0 { write!(f, "{}", self.0 / 1_000) } else { write!(f, "{}m", self.0) }
    }
}

/// In the largest binary unit that is exact: `512Mi`, `3Gi`, `1000`.
impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)] {
            if self.0 != 0 && self.0 % (1 << shift) == 0 {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

macro_rules! arithmetic {
    ($type:ident) => {
        impl Add for $type {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl AddAssign for $type {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl Sub for $type {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl SubAssign for $type {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
        impl std::iter::Sum for $type {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self::ZERO, Add::add)
            }
        }
    };
}
arithmetic!(Cpu);
arithmetic!(Memory);

/// A vector of the resources that decide whether a pod fits. `pods` counts pod slots: every pod asks for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resources {
    pub cpu: Cpu,
    pub memory: Memory,
    pub ephemeral: Memory,
    pub pods: i64,
}

impl Resources {
    pub const ZERO: Self = Self { cpu: Cpu::ZERO, memory: Memory::ZERO, ephemeral: Memory::ZERO, pods: 0 };

    /// Whether a request of `self` fits in what is free in `free`, in every dimension. Storage that is not requested
    /// always fits, as in Kubernetes; CPU and memory of nothing do not occur.
    pub fn fits_in(&self, free: &Self) -> bool {
        self.cpu <= free.cpu
            && self.memory <= free.memory
            && (self.ephemeral <= free.ephemeral || self.ephemeral == Memory::ZERO)
            && self.pods <= free.pods
    }
}

impl Add for Resources {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self {
            cpu: self.cpu + o.cpu,
            memory: self.memory + o.memory,
            ephemeral: self.ephemeral + o.ephemeral,
            pods: self.pods + o.pods,
        }
    }
}

impl Sub for Resources {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self {
            cpu: self.cpu - o.cpu,
            memory: self.memory - o.memory,
            ephemeral: self.ephemeral - o.ephemeral,
            pods: self.pods - o.pods,
        }
    }
}

impl AddAssign for Resources {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Resources {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Resources {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}
