//! EC2's side of a launch: which of the offerings asked for it gives, if any.
//!
//! On-demand capacity is given by the lowest price (`CreateFleet`, `lowest-price`) and is always there. How EC2
//! weighs price against capacity of Spot pools (`price-capacity-optimized`) is not published: the model takes the
//! Spot Advisor's bucket for a pool's depth, and lets each bucket above the lowest make a pool count as dearer
//! (`spot.depthWeight`).
//! Among equals, such as the same type in several zones, the choice is random and keyed.

use super::NodeType;
use super::market::Market;
use crate::catalog::{CapacityType, Catalog, InterruptionBucket, ZoneId};
use crate::control::Offer;
use crate::ledger::Machine;
use crate::platform::{self, SpotAllocation};
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

/// How attractive an offering is to EC2: least is best. What comes first depends on the allocation strategy.
type Rank = (i128, Rate);

fn rank(spot: &platform::Spot, bucket: u8, price: Rate) -> Rank {
    const WHOLE: i128 = 1_000_000;
    let bucket = i128::from(bucket);
    match spot.allocation {
        SpotAllocation::LowestPrice => (0, price),
        SpotAllocation::CapacityOptimized => (bucket, price),
        SpotAllocation::PriceCapacityOptimized => {
            (price.femto() * (WHOLE + i128::from(spot.depth_weight_ppm) * bucket), price)
        }
    }
}

/// Chooses among `offers`, which are of one capacity type. `key` decides among equals.
pub fn launch(
    offers: &[Offer],
    types: &[NodeType],
    catalog: &Catalog,
    market: &mut Market,
    spot: &platform::Spot,
    (now, draws, key): (Time, Draws, u64),
) -> Answer {
    let mut answer = Answer::default();
    let mut ranked: Vec<(Rank, u64, Offer)> = Vec::with_capacity(offers.len());
    for (index, offer) in offers.iter().enumerate() {
        let node_type = &types[offer.kind as usize];
        let Machine::Ec2 { capacity_type, .. } = node_type.template.machine else { continue };
        let sold = catalog.offering(node_type.instance, ZoneId(offer.zone), capacity_type);
        let Some(price) = sold.and_then(|sold| sold.price.at(now)) else { continue };
        let rank = if capacity_type == CapacityType::Spot {
            let advice = catalog.spot_advice(node_type.instance);
            let bucket = advice.map_or(InterruptionBucket::Over20, |advice| advice.bucket);
            rank(spot, bucket as u8, price)
        } else {
            (0, price)
        };
        // Equal prices: any order is as good, and another for each launch.
        let tie = draws.bits(Purpose::OfferTie, key, index as u32);
        ranked.push((rank, tie, *offer));
    }
    ranked.sort_unstable_by_key(|(rank, tie, _)| (*rank, *tie));
    for (_, _, offer) in ranked {
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

#[cfg(test)]
mod tests {
    use SpotAllocation::{CapacityOptimized, LowestPrice, PriceCapacityOptimized};

    use super::*;

    #[test]
    fn a_deep_pool_may_cost_somewhat_more_and_not_many_times_as_much() {
        let price = |text: &str| Rate::parse(text).unwrap();
        let of = |allocation, bucket, text| {
            let spot = platform::Spot { allocation, depth_weight_ppm: 250_000, ..platform::Spot::default() };
            rank(&spot, bucket, price(text))
        };
        // 0.10 × (1 + 4 × 0.25) = 0.20.
        let shallow = of(PriceCapacityOptimized, 4, "0.10");
        assert!(of(PriceCapacityOptimized, 0, "0.19") < shallow);
        assert!(of(PriceCapacityOptimized, 0, "0.21") > shallow);
        // The other strategies look at one of the two first.
        assert!(of(LowestPrice, 4, "0.10") < of(LowestPrice, 0, "0.11"));
        assert!(of(CapacityOptimized, 0, "9.99") < of(CapacityOptimized, 1, "0.10"));
    }
}
