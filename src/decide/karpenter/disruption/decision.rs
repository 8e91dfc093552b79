//! What to do with a set of candidates, given where their pods would go without them
//! (`pkg/controllers/disruption/consolidation.go`, about 1.14).
//!
//! Prices are compared in `f64`, as Karpenter does: three nodes at 0.1 cost 0.30000000000000004 there.

#![allow(clippy::float_arithmetic, reason = "Karpenter decides in f64")]

use std::collections::BTreeSet;

use super::candidate::Candidate;
use crate::catalog::CapacityType;
use crate::decide::gosort;

/// Spot nodes are replaced one by one only if at least so many types would be cheaper, and by the cheapest of these:
/// what is launched is then among the cheapest already and will not be replaced again.
const MIN_TYPES_FOR_SPOT_TO_SPOT: usize = 15;

/// Where the pods of some nodes would go if these were not there.
#[derive(Clone, Debug, PartialEq)]
pub enum Simulated<C> {
    /// At least one of them would have no place.
    PodsLeftOver,
    /// Onto nodes that are there.
    Fits,
    /// They and the pods that are pending anyway need one more node.
    OneNode(Replacement<C>),
    SeveralNodes,
}

/// A node that could be launched.
#[derive(Clone, Debug, PartialEq)]
pub struct Replacement<C> {
    /// As the scheduler planned it.
    pub claim: C,
    /// What it requires of its capacity type; once decided, what it may still be.
    pub capacity_types: Vec<CapacityType>,
    /// The types it may be of; once decided, those that are worth it, cheapest first.
    pub options: Vec<LaunchOption>,
    /// `minValues` of the pool: of how many values of a label there have to be types.
    pub min_values: Vec<u32>,
}

/// An instance type that a replacement may be of.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchOption {
    /// Stands for the instance type.
    pub instance: u32,
    /// The caller's own, such as its place in the pool's types.
    pub key: usize,
    /// What is sold of it, available and compatible with the replacement as it was planned.
    pub offerings: Vec<PricedOffering>,
    /// The values it has for the label of each of [`Replacement::min_values`].
    pub label_values: Vec<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricedOffering {
    pub capacity_type: CapacityType,
    /// USD an hour as Karpenter knows it.
    pub price: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Decision<C> {
    Nothing,
    /// The pods fit elsewhere.
    Delete,
    /// One cheaper node can take their place.
    Replace(Replacement<C>),
}

impl LaunchOption {
    fn prices<'a>(&'a self, allowed: &'a [CapacityType]) -> impl Iterator<Item = f64> + 'a {
        let sold = self.offerings.iter().filter(|offering| allowed.contains(&offering.capacity_type));
        sold.map(|offering| offering.price)
    }

    /// The price at which the type would be launched in the worst of the zones: of the dearest offering of the capacity
    /// type that a launch prefers (`pkg/cloudprovider/types.go`, `WorstLaunchPrice`). As good as infinite if there is
    /// none.
    pub fn worst_launch_price(&self, allowed: &[CapacityType]) -> f64 {
        let sold = self.offerings.iter().map(|offering| offering.capacity_type);
        let preferred = sold.filter(|capacity_type| allowed.contains(capacity_type)).min();
        let dearest = preferred.and_then(|preferred| self.prices(&[preferred]).max_by(f64::total_cmp));
        dearest.unwrap_or(f64::MAX)
    }

    fn cheapest(&self, allowed: &[CapacityType]) -> Option<f64> {
        self.prices(allowed).min_by(f64::total_cmp)
    }
}

impl<C> Replacement<C> {
    /// Keeps the types that are cheaper than `price` even at worst; nothing if they are too few for `minValues`.
    pub fn keep_cheaper_than(&mut self, price: f64) {
        let allowed = &self.capacity_types;
        self.options.retain(|option| option.worst_launch_price(allowed) < price);
        if self.types_for_min_values().is_none() {
            self.options.clear();
        }
    }

    pub fn allows(&self, capacity_type: CapacityType) -> bool {
        self.capacity_types.contains(&capacity_type)
    }

    /// What the replacement is taken to cost: the least that its first type is sold for; 0 if it is not sold.
    pub fn estimated_price(&self) -> f64 {
        self.options.first().and_then(|option| option.cheapest(&self.capacity_types)).unwrap_or(0.0)
    }

    fn order_by_price(&mut self) {
        let options = std::mem::take(&mut self.options).into_iter();
        let priced =
            options.map(|option| (option.cheapest(&self.capacity_types).unwrap_or(f64::MAX), option));
        let mut priced: Vec<(f64, LaunchOption)> = priced.collect();
        gosort::sort_by(&mut priced, |a, b| a.0 < b.0);
        self.options = priced.into_iter().map(|(_, option)| option).collect();
    }

    /// How many of the first types have enough values for every `minValues`; `None` if all together do not.
    fn types_for_min_values(&self) -> Option<usize> {
        let mut seen: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); self.min_values.len()];
        let enough = |seen: &[BTreeSet<&str>]| {
            seen.iter().zip(&self.min_values).all(|(values, least)| values.len() >= *least as usize)
        };
        if enough(&seen) {
            return Some(0);
        }
        for (index, option) in self.options.iter().enumerate() {
            for (seen, values) in seen.iter_mut().zip(&option.label_values) {
                seen.extend(values.iter().map(String::as_str));
            }
            if enough(&seen) {
                return Some(index + 1);
            }
        }
        None
    }
}

/// The price of some nodes together, added up in their order.
pub fn price_of(candidates: &[Candidate]) -> f64 {
    candidates.iter().fold(0.0, |sum, candidate| sum + candidate.price)
}

/// What to do with `candidates`. There is no least saving: a cent suffices, but the same price does not.
pub fn decide<C>(candidates: &[Candidate], simulated: Simulated<C>, spot_to_spot: bool) -> Decision<C> {
    let mut replacement = match simulated {
        Simulated::Fits => return Decision::Delete,
        // One node is never turned into several, and pending pods count: while they need a node, that is the one.
        Simulated::PodsLeftOver | Simulated::SeveralNodes => return Decision::Nothing,
        Simulated::OneNode(replacement) => replacement,
    };
    let price = price_of(candidates);
    let all_spot = candidates.iter().all(|candidate| candidate.capacity_type == CapacityType::Spot);
    let stays_spot = all_spot && replacement.allows(CapacityType::Spot);
    if stays_spot && !spot_to_spot {
        return Decision::Nothing;
    }
    replacement.order_by_price();
    if stays_spot {
        return replace_spot(candidates, replacement, price);
    }
    replacement.keep_cheaper_than(price);
    if replacement.options.is_empty() {
        return Decision::Nothing;
    }
    if replacement.allows(CapacityType::Spot) && replacement.allows(CapacityType::OnDemand) {
        // The types were chosen by their Spot prices. If there is no Spot capacity the launch has to fail, rather
        // than give a dearer on-demand node. (Types that are not sold as Spot stay on the list.)
        replacement.capacity_types = vec![CapacityType::Spot];
    }
    Decision::Replace(replacement)
}

fn replace_spot<C>(candidates: &[Candidate], mut replacement: Replacement<C>, price: f64) -> Decision<C> {
    replacement.capacity_types = vec![CapacityType::Spot];
    replacement.keep_cheaper_than(price);
    if replacement.options.is_empty() {
        return Decision::Nothing;
    }
    if candidates.len() == 1 {
        if replacement.options.len() < MIN_TYPES_FOR_SPOT_TO_SPOT {
            return Decision::Nothing;
        }
        let needed = replacement.types_for_min_values().unwrap_or(0);
        replacement.options.truncate(needed.max(MIN_TYPES_FOR_SPOT_TO_SPOT));
    }
    Decision::Replace(replacement)
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
