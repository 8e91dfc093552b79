//! A platform that a search may choose, and where it stands among the others.

use crate::platform::{Kind, Platform};

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

impl Candidate {
    /// Whether it is the same choice as one of another volume. The size of a fixed group, which its name tells, belongs to
    /// the volume; which part of the peak it is belongs to the choice.
    pub fn is_same_choice(&self, other: &Self) -> bool {
        match (self.part_of_peak(), other.part_of_peak()) {
            (Some(one), Some(other)) => one == other,
            (None, None) => self.platform.name == other.platform.name,
            _ => false,
        }
    }

    fn part_of_peak(&self) -> Option<(&str, u16, bool)> {
        let place = self.place.filter(|place| place.family == Family::Fixed && !self.given)?;
        let Kind::NodeGroups(groups) = &self.platform.kind else { return None };
        Some((groups.groups.first()?.instance_type.as_deref()?, place.machines[0], self.right_sized))
    }
}

/// Coordinates in the space; 0 is the default of each dimension. Platforms that are given and like none of the space have
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub family: Family,
    /// Instance type or categories, architecture, capacity type: what a representative is simulated of first.
    pub group: [u16; 3],
    /// What else decides which machines there are: generation and size, or the number of fixed nodes.
    pub machines: [u16; 2],
    /// When machines go.
    pub settings: [u16; 2],
    pub right_sized: u16,
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
    fn coordinates(&self) -> [u16; 8] {
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
    pub fn branch(&self) -> (Family, [u16; 3]) {
        (self.family, self.group)
    }

    /// How many dimensions that do not tell branches apart are not at their default. Right-sizing is no reason not to
    /// represent: it lowers what a platform costs at least.
    pub fn distance_from_default(&self) -> usize {
        self.machines.iter().chain(&self.settings).filter(|value| **value != 0).count()
    }

    /// What the machines on offer, and so the lower bound, depend on.
    pub fn bounded_as(&self) -> (Family, [u16; 3], [u16; 2], u16) {
        (self.family, self.group, self.machines, self.right_sized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{NodeGroup, NodeGroups};

    fn fixed(instance_type: &str, nodes: u32, part: u16) -> Candidate {
        let group = NodeGroup { instance_type: Some(instance_type.into()), ..NodeGroup::default() };
        let kind = Kind::NodeGroups(NodeGroups { groups: vec![group], ..NodeGroups::default() });
        let place = Place {
            family: Family::Fixed,
            group: [0; 3],
            machines: [part, 0],
            settings: [0; 2],
            right_sized: 0,
        };
        let name = format!("node-group-{instance_type}-x{nodes}");
        Candidate {
            platform: Platform { name, kind },
            place: Some(place),
            given: false,
            right_sized: false,
            eligible: true,
        }
    }

    #[test]
    fn a_fixed_group_is_the_same_choice_at_any_size() {
        let whole_peak = fixed("m6i.large", 12, 0);
        assert!(whole_peak.is_same_choice(&fixed("m6i.large", 24, 0)));
        // Half of the peak, another type, and requests of another size are other choices.
        assert!(!whole_peak.is_same_choice(&fixed("m6i.large", 12, 2)));
        assert!(!whole_peak.is_same_choice(&fixed("m6i.xlarge", 12, 0)));
        assert!(!whole_peak.is_same_choice(&Candidate { right_sized: true, ..fixed("m6i.large", 12, 0) }));
    }
}
