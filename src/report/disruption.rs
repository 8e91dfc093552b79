//! What a platform did to running pods, and what became of its Spot capacity.

use std::collections::{BTreeMap, BTreeSet};

use super::{Disruption, Spot};
use crate::bill::{Bill, ItemKind};
use crate::catalog::CapacityType;
use crate::ledger::{Lease, Ledger, Machine, NodeTemplate, Role};
use crate::units::Usd;

/// Pods that were taken away, by why, and what that cost in work.
pub(super) fn disruption(ledger: &Ledger) -> Disruption {
    let mut evictions: BTreeMap<String, u64> = BTreeMap::new();
    for reason in ledger.runs.iter().filter_map(|run| run.taken) {
        *evictions.entry(reason.word().to_owned()).or_default() += 1;
    }
    Disruption {
        tasks_killed: evictions.values().sum(),
        evictions,
        tasks_restarted: restarts(ledger),
        lost_work_hours: ledger.counters.lost_work_ms as f64 / 3_600_000.0,
    }
}

/// Pods that replaced lost ones.
pub(super) fn restarts(ledger: &Ledger) -> u64 {
    ledger.runs.iter().filter(|run| run.attempt > 1).count() as u64
}

/// How much of the capacity was Spot, how much stood in for it, and what the market did.
pub(super) fn spot(ledger: &Ledger, bill: Option<&Bill>) -> Spot {
    let capacity_type = |template: &NodeTemplate| match (&template.machine, template.role) {
        (Machine::Ec2 { capacity_type, .. }, Role::Jobs) => Some(*capacity_type),
        _ => None,
    };
    // On-demand nodes of a pool that could have had Spot ones.
    let with_spot: BTreeSet<&str> = ledger
        .templates
        .iter()
        .filter(|template| capacity_type(template) == Some(CapacityType::Spot))
        .map(|template| template.pool.as_str())
        .collect();
    let (mut all_ms, mut spot_ms, mut fallback_ms) = (0i128, 0i128, 0i128);
    for lease in ledger.leases.iter().filter(|lease| lease.ran()) {
        let template = &ledger.templates[lease.template as usize];
        let ms = running_ms(lease);
        match capacity_type(template) {
            None => continue,
            Some(CapacityType::Spot) => spot_ms += ms,
            Some(_) if with_spot.contains(template.pool.as_str()) => fallback_ms += ms,
            Some(_) => {}
        }
        all_ms += ms;
    }
    let cost = |kinds: &[ItemKind]| -> Usd {
        let items = bill.iter().flat_map(|bill| &bill.items);
        items.filter(|item| kinds.contains(&item.kind)).map(|item| item.usd).sum()
    };
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    Spot {
        node_hours_ratio: ratio(spot_ms as f64, all_ms as f64),
        cost_ratio: ratio(
            cost(&[ItemKind::Ec2Spot]).to_f64(),
            cost(&[ItemKind::Ec2Spot, ItemKind::Ec2OnDemand]).to_f64(),
        ),
        interruptions: ledger.counters.interruptions,
        capacity_errors: ledger.counters.capacity_errors,
        fallback_node_hours: fallback_ms as f64 / 3_600_000.0,
    }
}

fn running_ms(lease: &Lease) -> i128 {
    i128::from((lease.terminated - lease.running).ms().max(0))
}
