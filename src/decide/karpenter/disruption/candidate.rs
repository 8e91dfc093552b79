//! Nodes that may be disrupted, what that would cost, and in which order they are considered.
//!
//! Karpenter computes these costs in `f64`; the operations and their order are its own, so that ties and near-ties
//! fall as they do there (`pkg/controllers/disruption/{types,consolidation}.go`, `pkg/utils/disruption`).

#![allow(clippy::float_arithmetic, reason = "Karpenter decides in f64")]

use std::cmp::Ordering;

use crate::catalog::CapacityType;
use crate::decide::gosort;
use crate::decide::karpenter::Version;
use crate::units::{Span, Time};

/// A node that Karpenter may disrupt now. Lists of them come in the order of the nodes' names: Karpenter's come in that
/// of a Go map, which is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The caller's own name for the node.
    pub id: u32,
    /// Index of the NodePool.
    pub pool: usize,
    /// Stands for the instance type; the same as in [`LaunchOption`](super::decision::LaunchOption).
    pub instance: u32,
    pub capacity_type: CapacityType,
    /// USD an hour of the offering with the node's zone and capacity type; 0 if there is none any more.
    pub price: f64,
    /// Pods that would have to go elsewhere; DaemonSets do not count.
    pub pods: usize,
    /// 1 and the eviction costs of those pods, as far as they are positive (1.14).
    pub rescheduling_cost: f64,
    /// The eviction costs of all pods, times the part of its life that the node has left (up to 1.13).
    pub disruption_cost: f64,
}

impl Candidate {
    /// Whether nobody would mind: no pods, or since 1.14 only ones that cost nothing to evict.
    pub fn is_empty(&self, version: Version) -> bool {
        match version {
            Version::V1_13 => self.pods == 0,
            Version::V1_14 => self.rescheduling_cost <= 1.0,
        }
    }

    fn savings_ratio(&self) -> f64 {
        self.price / self.rescheduling_cost
    }
}

/// What it costs to evict a pod of this priority and this `controller.kubernetes.io/pod-deletion-cost`: between −10 and
/// 10, 1 for an ordinary pod.
pub fn eviction_cost(priority: i32, deletion_cost: i32) -> f64 {
    let cost = 1.0 + f64::from(deletion_cost) / 134_217_728.0;
    (cost + f64::from(priority) / 33_554_432.0).clamp(-10.0, 10.0)
}

/// 1 and the positive ones of these eviction costs, which are those of the pods that would have to go elsewhere.
pub fn rescheduling_cost(eviction_costs: impl Iterator<Item = f64>) -> f64 {
    eviction_costs.fold(1.0, |sum, cost| sum + cost.max(0.0))
}

/// The cost that candidates were ordered by up to 1.13, of all pods of a node, DaemonSets too.
pub fn disruption_cost(
    eviction_costs: impl Iterator<Item = f64>,
    created: Time,
    now: Time,
    expire_after: Option<Span>,
) -> f64 {
    eviction_costs.fold(0.0, |sum, cost| sum + cost) * lifetime_remaining(created, now, expire_after)
}

/// The part of its life that a node has left; all of it if it does not expire. Creation times have whole seconds.
fn lifetime_remaining(created: Time, now: Time, expire_after: Option<Span>) -> f64 {
    let Some(total) = expire_after else { return 1.0 };
    let created = created.ms().div_euclid(1_000) * 1_000;
    let (total, age) = (seconds(total.ms()), seconds(now.ms() - created));
    ((total - age) / total).clamp(0.0, 1.0)
}

/// As Go's `Duration.Seconds` computes it.
fn seconds(ms: i64) -> f64 {
    (ms / 1_000) as f64 + (ms % 1_000 * 1_000_000) as f64 / 1e9
}

/// Sorts candidates: those that promise most come first. Among equals Go's `sort.Slice` decides.
pub fn sort(candidates: &mut [Candidate], version: Version) {
    gosort::sort_by(candidates, |a, b| match version {
        Version::V1_13 => a.disruption_cost < b.disruption_cost,
        Version::V1_14 => a.savings_ratio() > b.savings_ratio(),
    });
}

/// Single-node consolidation takes the pools in turn, so that one with many nodes does not starve the others: the
/// best of each pool, then the second best of each, and so on (`singlenodeconsolidation.go`). Pools that a pass which
/// ran out of time did not get to come first; otherwise the order is that of the pools' names, where Karpenter has
/// that of a Go map.
pub fn interleave(sorted: &[Candidate], pool_names: &[&str], unseen: &[usize]) -> Vec<Candidate> {
    let mut pools: Vec<usize> = (0..pool_names.len()).collect();
    pools.sort_by(|a, b| match (unseen.contains(a), unseen.contains(b)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => pool_names[*a].cmp(pool_names[*b]),
    });
    let mut queues: Vec<Vec<Candidate>> = vec![Vec::new(); pools.len()];
    for candidate in sorted {
        queues[candidate.pool].push(*candidate);
    }
    let longest = queues.iter().map(Vec::len).max().unwrap_or(0);
    let turn = |turn: usize| {
        let queues = &queues;
        pools.iter().filter_map(move |pool| queues[*pool].get(turn).copied()).collect::<Vec<_>>()
    };
    (0..longest).flat_map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::candidate;
    use super::*;

    #[test]
    fn evicting_a_pod_costs_by_its_priority_and_deletion_cost() {
        // 1 + deletion cost ÷ 2²⁷ + priority ÷ 2²⁵, held between −10 and 10.
        for (priority, deletion_cost, cost) in [
            (0, 0, 1.0),
            (33_554_432, 0, 2.0),
            (0, 67_108_864, 1.5),
            (33_554_432, -134_217_728, 1.0),
            (1_000_000_000, 0, 10.0), // 1 + 29.8
            (0, i32::MAX, 10.0),      // 1 + 16
            (-16_777_216, 0, 0.5),
            (-33_554_432, 0, 0.0),
            (-2_000_000_000, 0, -10.0), // 1 − 59.6
        ] {
            let computed = eviction_cost(priority, deletion_cost);
            assert_eq!(computed.to_bits(), f64::to_bits(cost), "priority {priority}, cost {deletion_cost}");
        }
        // 1 + 1 + 2 + nothing for a pod that would rather go.
        let cost = rescheduling_cost([1.0, 2.0, -10.0].into_iter());
        assert!((cost - 4.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_node_is_empty_by_its_pods_or_since_1_14_by_their_cost() {
        let unloved =
            Candidate { rescheduling_cost: rescheduling_cost([0.0].into_iter()), ..candidate(1, "0.1", 1) };
        assert!(unloved.is_empty(Version::V1_14) && !unloved.is_empty(Version::V1_13));
        for version in [Version::V1_13, Version::V1_14] {
            assert!(candidate(1, "0.1", 0).is_empty(version));
            assert!(!candidate(1, "0.1", 1).is_empty(version));
        }
    }

    #[test]
    fn the_order_is_savings_per_disruption_and_was_disruption() {
        // price ÷ (1 + pods): a 0.4 ÷ 4 = 0.1, d 0.3 ÷ 2 = 0.15, b 0.3 ÷ 2 = 0.15, c 0.1 ÷ 2 = 0.05.
        let all =
            [candidate(1, "0.4", 3), candidate(2, "0.3", 1), candidate(3, "0.3", 1), candidate(4, "0.1", 1)];
        let order = |version| {
            let mut all = all;
            sort(&mut all, version);
            all.map(|candidate| candidate.id)
        };
        // 2 and 3 tie; up to twelve candidates keep their order then.
        assert_eq!(order(Version::V1_14), [2, 3, 1, 4]);
        // Pods alone: 1, 1, 1, 3.
        assert_eq!(order(Version::V1_13), [2, 3, 4, 1]);
    }

    #[test]
    fn old_nodes_cost_less_to_disrupt_up_to_1_13() {
        // Two pods and one critical DaemonSet pod: 1 + 1 + 10 = 12. A quarter of an hour's life is over after 15 min.
        let cost = |minutes: i64, expire_after| {
            let now = Time::from_ms(minutes * 60_000 + 999);
            disruption_cost([1.0, 1.0, 10.0].into_iter(), Time::from_ms(999), now, expire_after)
        };
        let hour = Some(Span::from_secs(3_600));
        // The creation time 0.999 s reads 0 s: at 15 min 0.999 s the age is 900.999 s.
        let expected = 12.0 * ((3_600.0 - 900.999) / 3_600.0);
        assert!((cost(15, hour) - expected).abs() < 1e-12);
        assert!((cost(15, None) - 12.0).abs() < 1e-12);
        assert!(cost(120, hour).abs() < 1e-12);
    }

    #[test]
    fn pools_take_turns_and_neglected_ones_come_first() {
        let of = |id, pool| Candidate { pool, ..candidate(id, "0.1", 1) };
        let sorted = [of(1, 0), of(2, 0), of(3, 1), of(4, 0), of(5, 2)];
        let ids = |unseen: &[usize]| -> Vec<u32> {
            interleave(&sorted, &["b", "a", "c"], unseen).iter().map(|candidate| candidate.id).collect()
        };
        // Pools by name: 1 (a), 0 (b), 2 (c).
        assert_eq!(ids(&[]), [3, 1, 5, 2, 4]);
        assert_eq!(ids(&[2]), [5, 3, 1, 2, 4]);
    }
}
