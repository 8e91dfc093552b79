//! A platform that a search may choose, and where it stands among the others.

use crate::platform::Platform;

/// One point of the space.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What is simulated, resolved. Its name is unique within the space.
    pub platform: Platform,
    pub place: Option<Place>,
    /// Built in, or of the scenario: simulated in any case.
    pub given: bool,
    /// Whether it may be recommended. Built-in platforms that do not fit a narrowed search are only compared with.
    pub eligible: bool,
    /// Whether its pods have the requests that their usage justifies instead of the trace's.
    pub right_sized: bool,
}

/// Coordinates in the space; 0 is the default of each dimension. Platforms that are given and like none of the space have
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub family: Family,
    /// Instance type or categories, architecture, capacity type: what a representative is simulated of first.
    pub group: [u8; 3],
    /// What else decides which machines there are: generation and size, or the number of fixed nodes.
    pub machines: [u8; 2],
    /// When machines go.
    pub settings: [u8; 2],
    pub right_sized: u8,
}

/// Kinds of platforms as the space knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    Fargate,
    /// A node group with Cluster Autoscaler.
    Autoscaled,
    /// A node group of fixed size.
    Fixed,
    Karpenter,
}

impl Place {
    fn coordinates(&self) -> [u8; 8] {
        let ([a, b, c], [d, e], [f, g]) = (self.group, self.machines, self.settings);
        [a, b, c, d, e, f, g, self.right_sized]
    }

    /// Whether the two differ in one dimension.
    pub fn is_next_to(&self, other: &Self) -> bool {
        let differing =
            self.coordinates().into_iter().zip(other.coordinates()).filter(|(a, b)| a != b).count();
        self.family == other.family && differing == 1
    }

    /// Those alike here are represented by one of them at first.
    pub fn branch(&self) -> (Family, [u8; 3]) {
        (self.family, self.group)
    }

    /// How many dimensions that do not tell branches apart are not at their default. Right-sizing is no reason not to
    /// represent: it lowers what a platform costs at least.
    pub fn distance_from_default(&self) -> usize {
        self.machines.iter().chain(&self.settings).filter(|value| **value != 0).count()
    }

    /// What the machines on offer, and so the lower bound, depend on.
    pub fn bounded_as(&self) -> (Family, [u8; 3], [u8; 2], u8) {
        (self.family, self.group, self.machines, self.right_sized)
    }
}
