//! From a NodeClaim to a `CreateFleet` call: which offerings of which types EC2 is asked for.
//!
//! Source: `pkg/providers/instance` of the AWS provider, about 1.14.

use super::prices::PriceBook;
use super::solve::{NewClaim, Scheduler, by_price};
use super::types::{CAPACITY_TYPES, Offerings};
use crate::catalog::CapacityType;
use crate::control::Offer;

/// A launch asks for at most so many instance types (`maxInstanceTypes`).
pub const MAX_LAUNCHED_TYPES: usize = 60;

/// A type with what of it may be launched.
type Candidate = (usize, Offerings);

/// What to ask EC2 for; `None` if nothing can be had.
pub fn offers(scheduler: &Scheduler, prices: &PriceBook, claim: &NewClaim) -> Option<Vec<Offer>> {
    let pool = &scheduler.pools[claim.pool];
    let instance = |index: usize| pool.types[index].instance;
    // The provider looks the types up again, in its own order: by name.
    let mut indices = claim.types.clone();
    indices.sort_unstable();
    let mut candidates: Vec<Candidate> = indices
        .into_iter()
        .map(|index| (index, prices.available(instance(index)).and(claim.offerings)))
        .filter(|(_, offerings)| !offerings.is_empty())
        .collect();
    let wants_variety = scheduler.requirements(claim.narrowed).has_min_values();
    if !wants_variety {
        // Reserved offerings would be narrowed to one partition before these two.
        drop_exotic(&mut candidates, |index| pool.types[index].exotic);
        drop_dear_spot(&mut candidates, |index, offerings| prices.cheapest(instance(index), offerings));
    }
    let order = by_price(0..candidates.len(), |at| {
        let (index, offerings) = candidates[at];
        prices.cheapest(instance(index), offerings)
    });
    let cheapest = order.into_iter().take(MAX_LAUNCHED_TYPES).map(|at| candidates[at]);
    let candidates: Vec<Candidate> = cheapest.collect();
    let capacity_type = CAPACITY_TYPES
        .into_iter()
        .find(|capacity_type| candidates.iter().any(|(_, offerings)| offerings.has(*capacity_type)))?;
    let mut offers = Vec::new();
    for (index, offerings) in candidates {
        let Some(kind) = pool.types[index].kind(capacity_type) else { continue };
        let zones = offerings.only(capacity_type).iter().map(|(_, zone)| zone);
        offers.extend(zones.map(|zone| Offer { kind, zone }));
    }
    Some(offers)
}

/// Bare metal and accelerators are for those who need them, or when there is nothing else.
fn drop_exotic(candidates: &mut Vec<Candidate>, is_exotic: impl Fn(usize) -> bool) {
    if candidates.iter().any(|(index, _)| !is_exotic(*index)) {
        candidates.retain(|(index, _)| !is_exotic(*index));
    }
}

/// Spot that costs more than the cheapest on-demand offering is no bargain. Only where both can be had.
fn drop_dear_spot(
    candidates: &mut Vec<Candidate>,
    cheapest: impl Fn(usize, Offerings) -> Option<crate::units::Rate>,
) {
    let on_demand = candidates
        .iter()
        .filter_map(|(index, offerings)| cheapest(*index, offerings.only(CapacityType::OnDemand)))
        .min();
    let Some(on_demand) = on_demand else { return };
    for (index, offerings) in candidates.iter_mut() {
        for (capacity_type, zone) in offerings.only(CapacityType::Spot).iter() {
            let mut only = Offerings::NONE;
            only.insert(capacity_type, zone);
            if cheapest(*index, only).is_some_and(|price| price > on_demand) {
                offerings.remove(capacity_type, zone);
            }
        }
    }
    candidates.retain(|(_, offerings)| !offerings.is_empty());
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;
    use crate::catalog::TypeId;
    use crate::platform::NodePool;
    use crate::units::Time;

    /// What EC2 is asked for to run one pod of one core: (type, capacity type, zone).
    fn asked(
        pool: NodePool,
        types: Vec<Type>,
        shortages: &[(u32, CapacityType, u8)],
    ) -> Vec<(String, String, u8)> {
        let mut world = World::new(&[(pool, types)], &[ask(1_000, 1)]);
        let plan = world.solve(&[]);
        for (id, capacity_type, zone) in shortages {
            world.prices.mark_unavailable(TypeId(*id), *capacity_type, *zone, Time::from_ms(0));
        }
        let offers = offers(&world.scheduler, &world.prices, &plan.claims[0]).unwrap_or_default();
        let offers = offers.into_iter().map(|offer| {
            let of = world.scheduler.kind(offer.kind).unwrap();
            let this = &world.scheduler.pools[of.pool].types[of.pool_type];
            (name_of(this).to_owned(), of.capacity_type.to_string(), offer.zone)
        });
        offers.collect()
    }

    fn in_all_zones(name: &str, capacity_type: &str) -> Vec<(String, String, u8)> {
        (0..3).map(|zone| (name.to_owned(), capacity_type.to_owned(), zone)).collect()
    }

    #[test]
    fn spot_that_is_dearer_than_the_cheapest_on_demand_is_not_asked_for() {
        // The cheapest on-demand is b's at 0.50: a's Spot at 0.40 and c's at just 0.50 are bargains, b's at 0.60 is not.
        let types = vec![
            Type { spot: "0.40", ..kind("a", 8, 64, "1.00") },
            Type { spot: "0.60", ..kind("b", 8, 64, "0.50") },
            Type { spot: "0.50", ..kind("c", 8, 64, "2.00") },
        ];
        let expected = [in_all_zones("a", "spot"), in_all_zones("c", "spot")].concat();
        assert_eq!(asked(pool("jobs", 0), types, &[]), expected);
    }

    #[test]
    fn on_demand_is_asked_for_when_no_spot_is_left() {
        let types = || vec![Type { spot: "0.40", ..kind("a", 8, 64, "1.00") }];
        let spot = |zone| (0, CapacityType::Spot, zone);
        let left = vec![("a".to_owned(), "spot".to_owned(), 1)];
        assert_eq!(asked(pool("jobs", 0), types(), &[spot(0), spot(2)]), left);
        assert_eq!(
            asked(pool("jobs", 0), types(), &[spot(0), spot(1), spot(2)]),
            in_all_zones("a", "on-demand")
        );
        let all = [0, 1, 2].map(|zone| (0, CapacityType::OnDemand, zone));
        assert_eq!(asked(pool("jobs", 0), types(), &[&all[..], &[spot(0), spot(1), spot(2)]].concat()), []);
    }

    #[test]
    fn exotic_types_are_for_when_nothing_else_is_left() {
        let metal = Type { exotic: true, ..kind("metal", 96, 384, "0.10") };
        assert_eq!(
            asked(pool("jobs", 0), vec![kind("a", 8, 64, "1"), metal], &[]),
            in_all_zones("a", "on-demand")
        );
        assert_eq!(asked(pool("jobs", 0), vec![metal], &[]), in_all_zones("metal", "on-demand"));
    }

    #[test]
    fn exotic_types_do_not_set_the_price_that_spot_must_beat() {
        // The metal type is dropped first: a's Spot at 0.40 only has to beat a's on-demand.
        let types = vec![
            Type { spot: "0.40", ..kind("a", 8, 64, "1.00") },
            Type { exotic: true, ..kind("metal", 96, 384, "0.10") },
        ];
        assert_eq!(asked(pool("jobs", 0), types, &[]), in_all_zones("a", "spot"));
    }

    #[test]
    fn the_sixty_cheapest_types_are_asked_for() {
        let name = |n: i32| &*Box::leak(format!("t{n:02}").into_boxed_str());
        let price = |n: i32| &*Box::leak(format!("{}", 100 - n).into_boxed_str());
        let types: Vec<Type> = (0..70).map(|n| kind(name(n), 8, 64, price(n))).collect();
        let asked = asked(pool("jobs", 0), types, &[]);
        let expected: Vec<_> = (10..70).rev().flat_map(|n| in_all_zones(name(n), "on-demand")).collect();
        assert_eq!(asked, expected);
    }
}
