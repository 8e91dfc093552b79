//! Who is charged for what: each lease's cost split over its pods, its DaemonSets, its start-up and its idle
//! time, so that the parts sum to the bill exactly.

use crate::ledger::{Ledger, Machine, Role, daemon_share_us};
use crate::units::{Usd, largest_remainder};

/// The bill by what the money was for. The parts sum to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// Allocated to pods, and through them to workflows.
    pub pods: Usd,
    pub daemons: Usd,
    /// From a node's first billed second to Ready.
    pub startup: Usd,
    pub idle: Usd,
    /// What no node for jobs stands for: control plane, NAT, the controllers' home, the system.
    pub shared: Usd,
    /// The Savings Plan's commitment less the list price of what it covers: below zero where the plan pays off.
    /// The other parts are at list prices.
    pub savings_plan: Usd,
}

/// Splits the cost of every lease; gives what each pod run is allocated, and the parts that leases make up.
pub(super) fn allocate(ledger: &Ledger, leases: &[Usd]) -> (Vec<Usd>, Allocation) {
    let mut by_run = vec![Usd::ZERO; ledger.runs.len()];
    let mut allocation = Allocation::default();
    let runs = runs_by_lease(ledger);
    let (mut weights, mut parts) = (Vec::new(), Vec::new());
    for (index, lease) in ledger.leases.iter().enumerate() {
        let template = &ledger.templates[lease.template as usize];
        if template.role != Role::Jobs || !lease.ran() {
            continue;
        }
        let pods = runs.of(index);
        if let (Machine::Fargate { .. }, &[run]) = (&template.machine, pods) {
            by_run[run as usize] = leases[index];
            allocation.pods += leases[index];
            continue;
        }
        let us = |from: crate::units::Time, to: crate::units::Time| (to - from).ms().max(0) as u64 * 1_000;
        let whole = us(lease.running, lease.terminated);
        let startup = us(lease.running, lease.ready.min(lease.terminated));
        let daemons = daemon_share_us(template, lease);
        weights.clear();
        weights.extend(pods.iter().map(|run| ledger.runs[*run as usize].node_share_us));
        let used: u64 = weights.iter().sum::<u64>() + daemons + startup;
        let idle = whole.checked_sub(used).expect("the share clock never runs faster than time");
        weights.extend([daemons, startup, idle]);
        coarsen(&mut weights, leases[index]);
        largest_remainder(leases[index], &weights, &mut parts);
        for (run, part) in pods.iter().zip(&parts) {
            by_run[*run as usize] = *part;
            allocation.pods += *part;
        }
        let [daemons, startup, idle] = parts[pods.len()..] else {
            unreachable!("three parts follow the pods'")
        };
        allocation.daemons += daemons;
        allocation.startup += startup;
        allocation.idle += idle;
    }
    (by_run, allocation)
}

/// Drops low bits of `weights` where splitting `usd` by them would overflow: centuries of a very large machine.
fn coarsen(weights: &mut [u64], usd: Usd) {
    const SAFE_BITS: u32 = 126;
    let bits = |value: u128| u128::BITS - value.leading_zeros();
    let most = weights.iter().copied().max().unwrap_or(0);
    let excess = (bits(u128::from(most)) + bits(usd.femto().unsigned_abs())).saturating_sub(SAFE_BITS);
    if excess > 0 {
        for weight in weights {
            *weight >>= excess;
        }
    }
}

/// Pod runs grouped by lease, end to end.
struct RunsByLease {
    starts: Vec<u32>,
    runs: Vec<u32>,
}

impl RunsByLease {
    fn of(&self, lease: usize) -> &[u32] {
        &self.runs[self.starts[lease] as usize..self.starts[lease + 1] as usize]
    }
}

fn runs_by_lease(ledger: &Ledger) -> RunsByLease {
    let bound = || ledger.runs.iter().enumerate().filter(|(_, run)| run.was_bound());
    let mut starts = vec![0u32; ledger.leases.len() + 1];
    for (_, run) in bound() {
        starts[run.lease as usize + 1] += 1;
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut next = starts.clone();
    let mut runs = vec![0; starts[ledger.leases.len()] as usize];
    for (index, run) in bound() {
        let slot = &mut next[run.lease as usize];
        runs[*slot as usize] = index as u32;
        *slot += 1;
    }
    RunsByLease { starts, runs }
}
