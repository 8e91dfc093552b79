//! EC2's side of a launch: which of the offerings asked for it gives, if any.
//!
//! On-demand capacity is given by the lowest price (`CreateFleet`, `lowest-price`) and is always there. How EC2
//! weighs price against capacity of Spot pools (`price-capacity-optimized`) is not published: the model takes the
//! Spot Advisor's bucket for a pool's depth, and the cheapest pool among those within one bucket of the best.
//! Among equals, such as the same type in several zones, the choice is random and keyed.

use super::NodeType;
use super::market::Market;
use crate::catalog::{CapacityType, Catalog, InterruptionBucket, ZoneId};
use crate::control::Offer;
use crate::ledger::Machine;
use crate::platform::SpotAllocation;
use crate::rng::{Draws, Purpose};
use crate::units::{Rate, Time};

/// EC2's answer to a launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// `None`: insufficient capacity.
    pub given: Option<Offer>,
    /// What was tried in vain before.
    pub refused: Vec<Offer>,
}

/// How attractive an offering is to EC2; least is best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// 0 where capacity does not matter.
    bucket: u8,
    price: Rate,
}

/// Chooses among `offers`, which are of one capacity type. `key` decides among equals.
pub fn launch(
    offers: &[Offer],
    types: &[NodeType],
    catalog: &Catalog,
    market: &mut Market,
    allocation: SpotAllocation,
    (now, draws, key): (Time, Draws, u64),
) -> Answer {
    let mut answer = Answer::default();
    let mut ranked: Vec<(Rank, u64, Offer)> = Vec::with_capacity(offers.len());
    for (index, offer) in offers.iter().enumerate() {
        let node_type = &types[offer.kind as usize];
        let Machine::Ec2 { capacity_type, .. } = node_type.template.machine else { continue };
        let sold = catalog.offering(node_type.instance, ZoneId(offer.zone), capacity_type);
        let Some(price) = sold.and_then(|sold| sold.price.at(now)) else { continue };
        let bucket = if capacity_type == CapacityType::Spot && allocation != SpotAllocation::LowestPrice {
            let advice = catalog.spot_advice(node_type.instance);
            advice.map_or(InterruptionBucket::Over20, |advice| advice.bucket) as u8
        } else {
            0
        };
        // Equal prices: any order is as good, and another for each launch.
        let tie = draws.bits(Purpose::OfferTie, key, index as u32);
        ranked.push((Rank { bucket, price }, tie, *offer));
    }
    while !ranked.is_empty() {
        let best = best(&ranked, allocation);
        let (_, _, offer) = ranked.swap_remove(best);
        let node_type = &types[offer.kind as usize];
        let is_spot =
            matches!(node_type.template.machine, Machine::Ec2 { capacity_type: CapacityType::Spot, .. });
        if !is_spot || market.has_capacity((node_type.instance, offer.zone), now) {
            answer.given = Some(offer);
            break;
        }
        answer.refused.push(offer);
    }
    answer
}

fn best(ranked: &[(Rank, u64, Offer)], allocation: SpotAllocation) -> usize {
    let deepest = ranked.iter().map(|(rank, ..)| rank.bucket).min().unwrap_or(0);
    let margin = match allocation {
        SpotAllocation::PriceCapacityOptimized => 1,
        SpotAllocation::LowestPrice | SpotAllocation::CapacityOptimized => 0,
    };
    let deep_enough = |(_, (rank, ..)): &(usize, &(Rank, u64, Offer))| rank.bucket <= deepest + margin;
    let candidates = ranked.iter().enumerate().filter(deep_enough);
    candidates.min_by_key(|(_, (rank, tie, _))| (rank.price, *tie)).map_or(0, |(index, _)| index)
}
