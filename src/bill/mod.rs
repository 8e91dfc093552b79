//! From what happened to what it cost: a pure function of ledger and prices.
//!
//! Each lease is charged as AWS meters it and each charge is rounded once; items and totals add charges, so they
//! agree to the last digit. Rules and sources: `catalog::billed_seconds` and its neighbours, `docs/model.md`.

mod allocation;
mod biller;
mod commitment;
mod item;
mod savings_plan;
#[cfg(test)]
mod tests;

pub use allocation::Allocation;
pub use commitment::{Commitment, PlanUsage};
pub use item::{Item, ItemKind, Quantity};
pub use savings_plan::PlanUse;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use self::biller::{Biller, Meter};
use self::savings_plan::Usage;
use crate::catalog::{Catalog, PriceDate, PriceOrigin, billed_seconds};
use crate::ledger::{Ledger, Machine};
use crate::platform::{Cluster, PlanScope, SavingsPlan};
use crate::units::{Rate, Usd};

/// What one platform cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Every dollar, in the order of [`ItemKind`], then detail.
    pub items: Vec<Item>,
    pub total: Usd,
    /// What each lease cost at list prices with its volume and its Auto Mode fee, by lease. What a Savings Plan
    /// takes off is not known lease by lease: it belongs to hours.
    pub leases: Vec<Usd>,
    /// The part of their leases that pods are allocated, by pod run.
    pub runs: Vec<Usd>,
    pub allocation: Allocation,
    /// How the Savings Plan was used, where there is one.
    pub savings_plan: Option<PlanUse>,
    /// Every price that was used.
    pub prices: Vec<UsedPrice>,
}

/// A price that a bill rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedPrice {
    pub name: String,
    pub unit: &'static str,
    pub rate: Rate,
    pub origin: PriceOrigin,
    pub as_of: PriceDate,
}

/// A price that is needed and not known; completes "no price for …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no price for {what} in {region}")]
pub struct MissingPrice {
    pub what: String,
    pub region: String,
}

/// Bills everything in `ledger`; with a Savings Plan, what it covers is paid with its commitment.
pub fn bill(
    ledger: &Ledger,
    catalog: &Catalog,
    cluster: &Cluster,
    plan: Option<&SavingsPlan>,
) -> Result<Bill, MissingPrice> {
    let (mut biller, leases) = metered(ledger, catalog, *cluster, plan.map(|plan| &plan.scope))?;
    let leased: Usd = ledger
        .leases
        .iter()
        .zip(&leases)
        .filter(|(lease, _)| ledger.is_for_jobs(lease))
        .map(|(_, usd)| *usd)
        .sum();
    let usage = biller.take_plan_usage();
    let savings_plan = plan.zip(usage).map(|(plan, usage)| biller.savings_plan(ledger, plan, &usage));
    let (items, prices) = biller.items();
    let total: Usd = items.iter().map(|item| item.usd).sum();
    let of_plan = savings_plan.map_or(Usd::ZERO, |plan| plan.commitment - plan.covered);
    let (runs, allocation) = allocation::allocate(ledger, &leases);
    let allocation = Allocation { shared: total - leased - of_plan, savings_plan: of_plan, ..allocation };
    Ok(Bill { items, total, leases, runs, allocation, savings_plan, prices })
}

/// Everything at list prices, and what each lease cost; with a scope, what a plan of it could cover is kept too.
fn metered<'a>(
    ledger: &Ledger,
    catalog: &'a Catalog,
    cluster: Cluster,
    scope: Option<&PlanScope>,
) -> Result<(Biller<'a>, Vec<Usd>), MissingPrice> {
    let mut biller = Biller::new(catalog, scope.map(|scope| Usage::new(scope, ledger)));
    let after_end = after_end_seconds(ledger);
    let mut meters = BTreeMap::new();
    for lease in &ledger.leases {
        if let Entry::Vacant(slot) = meters.entry((lease.template, lease.zone)) {
            slot.insert(biller.meter(lease, &ledger.templates[lease.template as usize])?);
        }
    }
    let mut leases = Vec::with_capacity(ledger.leases.len());
    for (index, lease) in ledger.leases.iter().enumerate() {
        if !lease.ran() {
            leases.push(Usd::ZERO);
            continue;
        }
        leases.push(match &meters[&(lease.template, lease.zone)] {
            Meter::Instance(meter) => biller.instance(lease, meter),
            Meter::Fargate(meter) => biller.fargate(lease, meter, after_end.get(index).copied().unwrap_or(0)),
        });
    }
    biller.surroundings(ledger, cluster)?;
    Ok((biller, leases))
}

/// Seconds between a Fargate pod's end and the end of its lease, by lease.
fn after_end_seconds(ledger: &Ledger) -> Vec<i64> {
    let mut seconds = Vec::new();
    for run in ledger.runs.iter().filter(|run| run.was_bound()) {
        let lease = &ledger.leases[run.lease as usize];
        if !matches!(ledger.templates[lease.template as usize].machine, Machine::Fargate { .. }) {
            continue;
        }
        let after =
            billed_seconds(lease.running, lease.terminated) - billed_seconds(lease.running, run.ended);
        seconds.resize(ledger.leases.len(), 0);
        seconds[run.lease as usize] = after.max(0);
    }
    seconds
}
