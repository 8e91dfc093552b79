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
