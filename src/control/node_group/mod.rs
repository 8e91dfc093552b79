//! EKS managed node groups: what they consist of, and what happens to them without an autoscaler.

mod asg;
mod upgrade;

pub use asg::{Asg, Instance, State};
pub use upgrade::{Upgrade, Upgrades};

use super::Offer;
use crate::ledger::TemplateId;
use crate::units::Resources;

/// A managed node group: one Auto Scaling group over the zones in which its types are sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedGroup {
    /// By which the priority expander knows it.
    pub name: String,
    /// Its instance types in their order: no other group's nodes are of these kinds. Cluster Autoscaler takes the first
    /// for the type of all.
    pub kinds: Vec<GroupKind>,
    pub is_spot: bool,
    pub min: u32,
    pub max: u32,
    /// Nodes that are there at the start.
    pub desired: u32,
}

/// One of a group's instance types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKind {
    pub kind: TemplateId,
    /// Zones in which it is sold.
    pub zones: Vec<u8>,
    /// What EC2 says of it, which is what a group that never had a node is taken to offer.
    pub nominal: Resources,
    /// What a node of it reports as its capacity.
    pub capacity: Resources,
}

impl ManagedGroup {
    /// Zones in which any of its types is sold.
    pub fn zones(&self) -> Vec<u8> {
        let mut zones: Vec<u8> = self.kinds.iter().flat_map(|kind| &kind.zones).copied().collect();
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    pub fn has(&self, kind: TemplateId) -> bool {
        self.kinds.iter().any(|known| known.kind == kind)
    }

    /// What its Auto Scaling group asks EC2 for in a zone: for Spot, any of its types (EC2 chooses, by the allocation
    /// strategy); on demand, the first that is sold there (the strategy `prioritized`).
    pub fn offers(&self, zone: u8) -> Vec<Offer> {
        let sold = self.kinds.iter().filter(|kind| kind.zones.contains(&zone));
        let offers = sold.map(|kind| Offer { kind: kind.kind, zone });
        if self.is_spot { offers.collect() } else { offers.take(1).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_types_spot_groups_offer_all_and_others_the_first_that_is_sold() {
        let kind = |kind, zones: &[u8]| GroupKind {
            kind,
            zones: zones.to_vec(),
            nominal: Resources::ZERO,
            capacity: Resources::ZERO,
        };
        let group =
            ManagedGroup { kinds: vec![kind(4, &[0, 2]), kind(5, &[0, 1])], ..ManagedGroup::default() };
        let spot = ManagedGroup { is_spot: true, ..group.clone() };
        let kinds = |group: &ManagedGroup, zone| -> Vec<TemplateId> {
            group.offers(zone).into_iter().map(|offer| offer.kind).collect()
        };
        assert_eq!(group.zones(), [0, 1, 2]);
        for (zone, on_demand, of_spot) in [(0, 4, vec![4, 5]), (1, 5, vec![5]), (2, 4, vec![4])] {
            assert_eq!((kinds(&group, zone), kinds(&spot, zone)), (vec![on_demand], of_spot), "{zone}");
        }
    }
}
