//! From a NodeClaim to a `CreateFleet` call, in the simulation's terms: which kinds of nodes in which zones EC2 is asked
//! for. What is asked for, [`crate::decide::karpenter::launch`] decides.

use super::prices::PriceBook;
use super::solve::{NewClaim, Scheduler};
use super::types::CAPACITY_TYPES;
use crate::catalog::{Requirement, Requirements, labels};
use crate::control::Offer;
use crate::decide::karpenter::launch::fleet_request;
use crate::decide::karpenter::model::MinValuesPolicy;

/// What to ask EC2 for; `None` if nothing can be had.
pub fn offers(scheduler: &mut Scheduler, prices: &PriceBook, claim: &NewClaim) -> Option<Vec<Offer>> {
    // Consolidation may have ruled capacity types out.
    let allowed = CAPACITY_TYPES.into_iter().filter(|capacity_type| claim.offerings.has(*capacity_type));
    let mut requirements = Requirements::clone(scheduler.requirements(claim.narrowed));
    let allowed = Requirement::one_of(allowed.map(crate::catalog::CapacityType::label));
    requirements.add(labels::CAPACITY_TYPE, allowed);
    // The provider looks the types up again, in its own order: by name.
    let mut places = claim.types.clone();
    places.sort_unstable();
    let types = scheduler.types(prices, claim.pool);
    let request = fleet_request(types, &places, &requirements, &claim.requests, MinValuesPolicy::Strict)?;
    let mut offers = Vec::new();
    for this in request.types {
        for offering in this.offerings {
            offers.extend(scheduler.offer(claim.pool, this.pool_type, offering));
        }
    }
    Some(offers)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::*;
    use super::*;
    use crate::catalog::{CapacityType, TypeId};
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
        let offers = offers(&mut world.scheduler, &world.prices, &plan.claims[0]).unwrap_or_default();
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
