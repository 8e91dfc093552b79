//! From a NodeClaim to a `CreateFleet` call: which offerings of which types EC2 is asked for.
//!
//! Source: `pkg/providers/instance` of the AWS provider, about 1.14. The filters come in this order, and each sees what
//! the one before has left: [`available`], [`one_reservation_kind`], [`one_capacity_block`], [`one_reservation_a_zone`],
//! [`without_exotic`], [`without_dear_spot`]. Then the cheapest types are taken, and of them the offerings of one capacity
//! type.

use super::model::{InstanceType, MinValuesPolicy, Offering, ReservationKind};
use super::price::allows;
use super::solve::unsatisfied_min_values;
use crate::catalog::{CapacityType, Requirement, Requirements, Undefined, labels};
use crate::decide::gosort;
use crate::kube::ResourceList;

/// A launch asks for at most so many instance types (`maxInstanceTypes`).
pub const MAX_LAUNCHED_TYPES: usize = 60;

/// A type with what of it may be launched: indices of its offerings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launchable {
    pub pool_type: usize,
    pub offerings: Vec<usize>,
}

/// What EC2 is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRequest {
    pub capacity_type: CapacityType,
    /// The cheapest type first.
    pub types: Vec<Launchable>,
}

/// What to ask EC2 for; `None` if nothing can be had, or too little for a strict `minValues`. `places` are the types of
/// the NodeClaim, in the provider's order.
pub fn fleet_request(
    types: &[InstanceType],
    places: &[usize],
    requirements: &Requirements,
    requests: &ResourceList,
    policy: MinValuesPolicy,
) -> Option<FleetRequest> {
    let mut left = available(types, places, requirements, requests);
    if allows_capacity_type(requirements, CapacityType::Reserved) {
        one_reservation_kind(types, &mut left);
        one_capacity_block(types, &mut left);
        one_reservation_a_zone(types, &mut left);
    }
    if !requirements.has_min_values() {
        without_exotic(types, &mut left);
        let both = [CapacityType::Spot, CapacityType::OnDemand];
        if both.into_iter().all(|capacity_type| allows_capacity_type(requirements, capacity_type)) {
            without_dear_spot(types, &mut left);
        }
    }
    gosort::sort_by(&mut left, |a, b| price(types, a) < price(types, b));
    left.truncate(MAX_LAUNCHED_TYPES);
    if policy == MinValuesPolicy::Strict && requirements.has_min_values() {
        let places = left.iter().map(|this| this.pool_type);
        if !unsatisfied_min_values(types, places, requirements).is_empty() {
            return None;
        }
    }
    let is_of = |capacity_type: CapacityType, this: &Launchable, offering: &usize| {
        types[this.pool_type].offerings[*offering].capacity_type == capacity_type
    };
    let any = |capacity_type: &CapacityType| {
        left.iter().any(|this| this.offerings.iter().any(|offering| is_of(*capacity_type, this, offering)))
    };
    let preference = [CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand];
    let capacity_type = preference.into_iter().find(any)?;
    for this in &mut left {
        let of_it = this.offerings.iter().filter(|offering| is_of(capacity_type, this, offering));
        this.offerings = of_it.copied().collect();
    }
    left.retain(|this| !this.offerings.is_empty());
    Some(FleetRequest { capacity_type, types: left })
}

fn allows_capacity_type(requirements: &Requirements, capacity_type: CapacityType) -> bool {
    let allowed = requirements.get(labels::CAPACITY_TYPE);
    allowed.is_none_or(|allowed: &Requirement| allowed.allows(capacity_type.label()))
}

fn offerings<'a>(
    types: &'a [InstanceType],
    this: &'a Launchable,
) -> impl Iterator<Item = (usize, &'a Offering)> {
    this.offerings.iter().map(move |index| (*index, &types[this.pool_type].offerings[*index]))
}

fn price(types: &[InstanceType], this: &Launchable) -> f64 {
    offerings(types, this).map(|(_, offering)| offering.price).fold(f64::MAX, f64::min)
}

/// Types that meet the requirements and hold the requests, with their available offerings that do.
pub fn available(
    types: &[InstanceType],
    places: &[usize],
    requirements: &Requirements,
    requests: &ResourceList,
) -> Vec<Launchable> {
    let mut left = Vec::new();
    for pool_type in places.iter().copied() {
        let this = &types[pool_type];
        let meets = requirements.compatible(&this.requirements, Undefined::WellKnownAllowed).is_ok();
        if meets && requests.fits(&this.allocatable) {
            let can_be_had =
                |(_, offering): &(usize, &Offering)| offering.is_available && allows(requirements, offering);
            let offerings: Vec<usize> =
                this.offerings.iter().enumerate().filter(can_be_had).map(|(index, _)| index).collect();
            if !offerings.is_empty() {
                left.push(Launchable { pool_type, offerings });
            }
        }
    }
    left
}

fn kind(offering: &Offering) -> Option<ReservationKind> {
    offering.reservation.as_ref().map(|reservation| reservation.kind)
}

/// Keeps of each type what passes, and the types that have any; everything if that is nothing.
fn keep(types: &[InstanceType], left: &mut Vec<Launchable>, mut passes: impl FnMut(&Offering) -> bool) {
    let kept = left.iter().map(|this| Launchable {
        pool_type: this.pool_type,
        offerings: offerings(types, this).filter(|(_, one)| passes(one)).map(|(index, _)| index).collect(),
    });
    let kept: Vec<Launchable> = kept.filter(|this| !this.offerings.is_empty()).collect();
    if !kept.is_empty() {
        *left = kept;
    }
}

/// Reserved capacity of one kind alone, that of the cheapest offering (`CapacityReservationTypeFilter`).
pub fn one_reservation_kind(types: &[InstanceType], left: &mut Vec<Launchable>) {
    let reserved = left.iter().flat_map(|this| offerings(types, this));
    let priced = reserved.filter_map(|(_, offering)| Some((offering.price, kind(offering)?)));
    let cheapest = priced.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if let Some((_, chosen)) = cheapest {
        keep(types, left, |offering| kind(offering) == Some(chosen));
    }
}

/// A fleet takes one Capacity Block only: the cheapest (`CapacityBlockFilter`).
pub fn one_capacity_block(types: &[InstanceType], left: &mut Vec<Launchable>) {
    let is_block = |offering: &Offering| kind(offering) == Some(ReservationKind::CapacityBlock);
    let blocks = left.iter().flat_map(|this| {
        let of_type = offerings(types, this).filter(|(_, offering)| is_block(offering));
        of_type.map(|(index, offering)| (this.pool_type, index, offering.price))
    });
    // The first of equals.
    if let Some((pool_type, index, _)) = blocks.min_by(|a, b| a.2.total_cmp(&b.2)) {
        *left = vec![Launchable { pool_type, offerings: vec![index] }];
    }
}

/// Of several reservations of a type in a zone the one with most left (`ReservedOfferingFilter`).
pub fn one_reservation_a_zone(types: &[InstanceType], left: &mut Vec<Launchable>) {
    let is_reserved =
        |this: &Launchable| offerings(types, this).any(|(_, offering)| kind(offering).is_some());
    if !left.iter().any(is_reserved) {
        return;
    }
    left.retain(is_reserved);
    for this in left {
        let mut best: Vec<(usize, &Offering, u32)> = Vec::new();
        for (index, offering) in offerings(types, this) {
            let Some(reservation) = &offering.reservation else { continue };
            match best.iter_mut().find(|(_, other, _)| other.zone == offering.zone) {
                Some(other) if other.2 < reservation.capacity => {
                    *other = (index, offering, reservation.capacity);
                }
                Some(_) => {}
                None => best.push((index, offering, reservation.capacity)),
            }
        }
        this.offerings = best.into_iter().map(|(index, ..)| index).collect();
    }
}

/// Bare metal and accelerators are for those who need them, or when there is nothing else (`ExoticInstanceTypeFilter`).
pub fn without_exotic(types: &[InstanceType], left: &mut Vec<Launchable>) {
    if left.iter().any(|this| !types[this.pool_type].is_exotic) {
        left.retain(|this| !types[this.pool_type].is_exotic);
    }
}

/// Spot that costs more than the cheapest On-Demand offering is no bargain (`SpotOfferingFilter`). Only where both can be
/// had.
pub fn without_dear_spot(types: &[InstanceType], left: &mut Vec<Launchable>) {
    let of = |capacity_type: CapacityType| {
        let all = left.iter().flat_map(|this| offerings(types, this));
        let of_it = all.filter(move |(_, offering)| offering.capacity_type == capacity_type);
        of_it.map(|(_, offering)| offering.price).min_by(f64::total_cmp)
    };
    let (Some(on_demand), Some(_)) = (of(CapacityType::OnDemand), of(CapacityType::Spot)) else { return };
    keep(types, left, |offering| offering.capacity_type != CapacityType::Spot || offering.price <= on_demand);
}

#[cfg(test)]
mod tests {
    use ReservationKind::{CapacityBlock, Default};

    use super::super::model::Reservation;
    use super::super::solve::fixture::{kind as on_demand, resources};
    use super::*;

    fn with(this: InstanceType, more: &[Offering]) -> InstanceType {
        let mut this = this;
        this.offerings.extend(more.iter().cloned());
        this
    }

    fn spot(price: f64) -> Vec<Offering> {
        ["z-a", "z-b"].map(|zone| Offering::new(CapacityType::Spot, zone, price)).to_vec()
    }

    /// (type, capacity type, zones) of what is asked for.
    fn asked(types: &[InstanceType], requirements: &Requirements) -> Vec<(String, &'static str, String)> {
        let places: Vec<usize> = (0..types.len()).collect();
        let requests = resources(1_000, 1, 1);
        let request = fleet_request(types, &places, requirements, &requests, MinValuesPolicy::Strict);
        let Some(FleetRequest { capacity_type, types: left }) = request else { return Vec::new() };
        let one = |this: &Launchable| {
            let zones = this.offerings.iter().map(|index| &*types[this.pool_type].offerings[*index].zone);
            let zones: Vec<&str> = zones.collect();
            (types[this.pool_type].name.clone(), capacity_type.label(), zones.join(" "))
        };
        left.iter().map(one).collect()
    }

    fn asked_is(types: &[InstanceType], expected: &[(&str, &'static str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(name, of, zones)| ((*name).to_owned(), *of, (*zones).to_owned())).collect();
        assert_eq!(asked(types, &Requirements::default()), expected);
    }

    #[test]
    fn spot_must_not_cost_more_than_the_cheapest_on_demand() {
        // The cheapest On-Demand is b's at 0.50: a's Spot at 0.40 and c's at just 0.50 are bargains, b's at 0.60 is not.
        let types = [
            with(on_demand("a", 8, 64, 1.0), &spot(0.4)),
            with(on_demand("b", 8, 64, 0.5), &spot(0.6)),
            with(on_demand("c", 8, 64, 2.0), &spot(0.5)),
        ];
        asked_is(&types, &[("a", "spot", "z-a z-b"), ("c", "spot", "z-a z-b")]);
        // All Spot is too dear: On-Demand it is, by price.
        let types = [with(on_demand("a", 8, 64, 0.3), &spot(0.4)), on_demand("b", 8, 64, 0.2)];
        asked_is(&types, &[("b", "on-demand", "z-a z-b z-c"), ("a", "on-demand", "z-a z-b z-c")]);
        // Where only Spot is wanted its price does not matter.
        let only = [(labels::CAPACITY_TYPE, Requirement::one_of(["spot"]))].into_iter().collect();
        assert_eq!(asked(&types, &only), [("a".to_owned(), "spot", "z-a z-b".to_owned())]);
    }

    #[test]
    fn when_a_shortage_has_taken_all_spot_on_demand_is_asked_for() {
        let mut types = [with(on_demand("a", 8, 64, 1.0), &spot(0.4))];
        types[0].offerings[3].is_available = false;
        asked_is(&types, &[("a", "spot", "z-b")]);
        types[0].offerings[4].is_available = false;
        asked_is(&types, &[("a", "on-demand", "z-a z-b z-c")]);
        types[0].offerings.iter_mut().for_each(|offering| offering.is_available = false);
        asked_is(&types, &[]);
    }

    #[test]
    fn exotic_types_are_for_when_nothing_else_is_left_and_set_no_price() {
        let metal = || InstanceType { is_exotic: true, ..on_demand("metal", 96, 384, 0.1) };
        // Its 0.10 On-Demand is gone before a's Spot at 0.40 is compared.
        asked_is(&[with(on_demand("a", 8, 64, 1.0), &spot(0.4)), metal()], &[("a", "spot", "z-a z-b")]);
        asked_is(&[metal()], &[("metal", "on-demand", "z-a z-b z-c")]);
        // With `minValues` all stay, and too few are nothing.
        let several = |least| {
            let variety = Requirement::exists().with_min_values(least);
            [(labels::INSTANCE_TYPE, variety)].into_iter().collect::<Requirements>()
        };
        let types = [on_demand("a", 8, 64, 1.0), metal()];
        assert_eq!((asked(&types, &several(2)).len(), asked(&types, &several(3)).len()), (2, 0));
    }

    #[test]
    fn the_sixty_cheapest_types_are_asked_for() {
        let types: Vec<InstanceType> =
            (0..70).map(|n| on_demand(&format!("t{n:02}"), 8, 64, f64::from(100 - n))).collect();
        let asked = asked(&types, &Requirements::default());
        let expected: Vec<String> = (10..70).rev().map(|n| format!("t{n:02}")).collect();
        assert_eq!(asked.into_iter().map(|(name, ..)| name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn reserved_capacity_is_of_one_kind_and_of_one_reservation_a_zone() {
        let reserved = |id: &str, capacity, kind, zone: &str, price| {
            Offering::reserved(Reservation { id: id.to_owned(), capacity, kind }, zone, price)
        };
        let ids = |types: &[InstanceType]| -> Vec<String> {
            let places: Vec<usize> = (0..types.len()).collect();
            let any = Requirements::default();
            let request = fleet_request(types, &places, &any, &resources(1, 1, 1), MinValuesPolicy::Strict);
            let of = |this: &Launchable| -> Vec<String> {
                let ids = offerings(types, this).filter_map(|(_, offering)| offering.reservation.clone());
                ids.map(|reservation| reservation.id).collect()
            };
            request.unwrap().types.iter().flat_map(of).collect()
        };
        // Two in z-a: the larger one. b has none and is out.
        let a = with(
            on_demand("a", 8, 64, 1.0),
            &[
                reserved("small", 1, Default, "z-a", 0.01),
                reserved("large", 5, Default, "z-a", 0.01),
                reserved("other", 1, Default, "z-b", 0.01),
            ],
        );
        assert_eq!(ids(&[a.clone(), on_demand("b", 8, 64, 0.001)]), ["large", "other"]);
        // Capacity Blocks that are cheaper: the cheapest of them alone. At the same price, the other kind.
        let block =
            |price| with(on_demand("c", 8, 64, 1.0), &[reserved("block", 9, CapacityBlock, "z-a", price)]);
        let dear = with(on_demand("d", 8, 64, 1.0), &[reserved("dear", 9, CapacityBlock, "z-a", 0.009)]);
        assert_eq!(ids(&[a.clone(), dear, block(0.005)]), ["block"]);
        assert_eq!(ids(&[a, block(0.01)]), ["large", "other"]);
    }
}
