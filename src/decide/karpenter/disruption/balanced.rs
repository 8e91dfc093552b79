//! The policy `Balanced`: a move is made only if it saves enough for what it disrupts
//! (`pkg/controllers/disruption/balanced.go`, since 1.14).
//!
//! The share of the pool's price that a move saves, divided by the share of the pool's disruption cost that it causes,
//! has to be at least one half.

#![allow(clippy::float_arithmetic, reason = "Karpenter decides in f64")]

use super::candidate::Candidate;
use super::decision::{Replacement, price_of};

/// `k`: a move may cost so many times the disruption that its savings would be worth.
const K: f64 = 2.0;

/// What all nodes of a pool, candidates or not, cost and would cost to disrupt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PoolTotals {
    /// USD an hour.
    pub price: f64,
    /// Of [`rescheduling_cost`](super::candidate::rescheduling_cost).
    pub disruption: f64,
}

impl PoolTotals {
    /// Adds a node.
    pub fn add(&mut self, price: f64, rescheduling_cost: f64) {
        self.price += price;
        self.disruption += rescheduling_cost;
    }

    fn approves(&self, savings: f64, disruption: f64) -> bool {
        if self.price <= 0.0 || self.disruption <= 0.0 {
            return false;
        }
        let (saved, disrupted) = (savings / self.price, disruption / self.disruption);
        if saved <= 0.0 {
            return false;
        }
        disrupted == 0.0 || saved / disrupted >= 1.0 / K
    }
}

/// The totals of the pools whose policy is `Balanced`, by pool; the others approve of everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Balanced(pub Vec<Option<PoolTotals>>);

impl Balanced {
    fn totals(&self, pool: usize) -> Option<&PoolTotals> {
        self.0.get(pool).and_then(Option::as_ref)
    }

    /// Whether a candidate could be approved at best, which is when it goes without a replacement.
    pub fn can_approve(&self, candidate: &Candidate) -> bool {
        self.totals(candidate.pool).is_none_or(|totals| {
            totals.price <= 0.0 || totals.approves(candidate.price, candidate.rescheduling_cost)
        })
    }

    /// Whether every pool approves. What a move over several pools saves is theirs by the price of their nodes.
    pub fn approves<C>(&self, candidates: &[Candidate], replacement: Option<&Replacement<C>>) -> bool {
        let price = price_of(candidates);
        let savings = replacement.map_or(price, |new| price - new.estimated_price());
        let is_one_pool = candidates.iter().all(|candidate| candidate.pool == candidates[0].pool);
        self.0.iter().enumerate().all(|(pool, totals)| {
            let Some(totals) = totals else { return true };
            let own = || candidates.iter().filter(|candidate| candidate.pool == pool);
            if own().next().is_none() {
                return true;
            }
            let own_price = own().fold(0.0, |sum, candidate| sum + candidate.price);
            let disruption = own().fold(0.0, |sum, candidate| sum + candidate.rescheduling_cost);
            let own_savings =
                if price > 0.0 && !is_one_pool { savings * (own_price / price) } else { savings };
            totals.approves(own_savings, disruption)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{OnDemand, candidate, option, replacement};
    use super::*;

    /// A pool of four nodes at 0.2 with 1, 1, 3 and 7 pods: 0.8 an hour, and 2 + 2 + 4 + 8 = 16 to disrupt.
    fn pool() -> ([Candidate; 4], PoolTotals) {
        let nodes = [1, 1, 3, 7].map(|pods| candidate(pods, "0.2", pods as usize));
        let mut totals = PoolTotals::default();
        for node in &nodes {
            totals.add(node.price, node.rescheduling_cost);
        }
        (nodes, totals)
    }

    #[test]
    fn a_move_has_to_save_half_as_much_as_it_disrupts() {
        let (nodes, totals) = pool();
        let balanced = Balanced(vec![Some(totals)]);
        let new = |price| Some(replacement(vec![option(9, &[(OnDemand, &[price])])]));
        // Savings of 0.8 against disruption of 16.
        for (removed, new, expected) in [
            (vec![nodes[0]], None, true),           // (0.2/0.8) / (2/16) = 0.25 / 0.125 = 2
            (vec![nodes[3]], None, true),           // 0.25 / (8/16) = 0.5: just enough
            (vec![nodes[3]], new("0.01"), false),   // 0.2375 / 0.5 = 0.475
            (vec![nodes[0]], new("0.15"), true),    // 0.0625 / 0.125 = 0.5
            (vec![nodes[0]], new("0.16"), false),   // 0.05 / 0.125 = 0.4
            (vec![nodes[0], nodes[3]], None, true), // 0.5 / 0.625 = 0.8
            (vec![nodes[0], nodes[3]], new("0.2"), false), // 0.25 / 0.625 = 0.4
            (vec![nodes[0]], new("0.2"), false),    // Nothing is saved.
        ] {
            assert_eq!(balanced.approves(&removed, new.as_ref()), expected, "{removed:?} for {new:?}");
        }
        // Other policies do not ask.
        assert!(Balanced(vec![None]).approves(&[nodes[3]], new("0.2").as_ref()));
        assert!(Balanced::default().can_approve(&nodes[3]));
    }

    #[test]
    fn a_candidate_that_not_even_its_deletion_would_justify_is_not_simulated() {
        // Beside a pool's node at 0.2 one at 0.02 with seven pods: (0.02/0.22) / (8/10) = 0.11.
        let (light, heavy) = (candidate(1, "0.2", 1), candidate(2, "0.02", 7));
        let mut totals = PoolTotals::default();
        totals.add(light.price, light.rescheduling_cost);
        totals.add(heavy.price, heavy.rescheduling_cost);
        let balanced = Balanced(vec![Some(totals)]);
        assert!(balanced.can_approve(&light) && !balanced.can_approve(&heavy));
    }

    #[test]
    fn over_several_pools_savings_are_shared_by_price_and_all_have_to_approve() {
        // Pool 0: the pool above. Pool 1: nodes at 0.6 with 1 pod and at 0.2 with 9: 0.8 and 2 + 10 = 12.
        let (nodes, totals) = pool();
        let [dear, busy] =
            [candidate(11, "0.6", 1), candidate(12, "0.2", 9)].map(|node| Candidate { pool: 1, ..node });
        let mut other = PoolTotals::default();
        other.add(dear.price, dear.rescheduling_cost);
        other.add(busy.price, busy.rescheduling_cost);
        let balanced = Balanced(vec![Some(totals), Some(other)]);
        let new = |price| Some(replacement(vec![option(9, &[(OnDemand, &[price])])]));
        // 0.2 + 0.6 for 0.4 saves 0.4: 0.1 in pool 0, (0.1/0.8) / (2/16) = 1; 0.3 in pool 1, (0.3/0.8) / (2/12) = 2.25.
        assert!(balanced.approves(&[nodes[0], dear], new("0.4").as_ref()));
        // 0.2 + 0.2 for 0.1 saves 0.3: 0.15 each; pool 1: (0.15/0.8) / (10/12) = 0.225.
        assert!(!balanced.approves(&[nodes[0], busy], new("0.1").as_ref()));
        // Where only pool 0 is Balanced, it alone decides.
        assert!(Balanced(vec![Some(totals), None]).approves(&[nodes[0], busy], new("0.1").as_ref()));
    }
}
