//! What no scheduler could undercut on the machines of a platform.

use super::Setup;
use crate::catalog::{CapacityType, ZoneId};
use crate::ledger::{LeaseId, Ledger, Machine, Role};
use crate::packing::fluid_bound;
use crate::units::{Rate, Resources, Span, Usd};

/// The least that the pods that ran could have cost: those on Fargate their requests at its price without rounding,
/// those on nodes the fluid bound over the instance types of the platform.
pub(super) fn lower_bound(setup: &Setup, ledger: &Ledger) -> Usd {
    let workload = setup.workload;
    let is_fargate = |lease: LeaseId| {
        let template = ledger.leases[lease as usize].template;
        matches!(ledger.templates[template as usize].machine, Machine::Fargate { .. })
    };
    let demand = |on_fargate: bool| {
        let ran = ledger.runs.iter().filter(|run| run.was_bound() && run.has_started());
        ran.filter(move |run| is_fargate(run.lease) == on_fargate).map(|run| {
            let class = workload.steps.class[run.step as usize] as usize;
            (workload.classes[class].requests, run.ended - run.started)
        })
    };
    let offers: Vec<(Rate, Resources)> = ledger
        .templates
        .iter()
        .filter(|template| template.role == Role::Jobs)
        .filter_map(|template| {
            let Machine::Ec2 { instance_type, capacity_type } = &template.machine else { return None };
            let id = setup.billing.find(instance_type)?;
            let rate = cheapest(setup, id, *capacity_type)?;
            Some((rate, template.allocatable - template.daemons))
        })
        .collect();
    let on_nodes = if offers.is_empty() { Usd::ZERO } else { fluid_bound(demand(false), &offers) };
    fargate_bound(setup, demand(true)) + on_nodes
}

fn cheapest(setup: &Setup, id: crate::catalog::TypeId, capacity_type: CapacityType) -> Option<Rate> {
    (0..setup.billing.zones.len())
        .filter_map(|zone| setup.billing.offering(id, ZoneId(zone as u8), capacity_type))
        .flat_map(|offering| offering.price.points().iter().map(|(_, rate)| *rate))
        .min()
}

fn fargate_bound(setup: &Setup, demand: impl Iterator<Item = (Resources, Span)>) -> Usd {
    let Some(prices) = setup.billing.fargate else { return Usd::ZERO };
    let (mut cpu_ms, mut mib_ms) = (0i128, 0i128);
    for (request, span) in demand {
        cpu_ms += i128::from(request.cpu.milli()) * i128::from(span.ms());
        mib_ms += i128::from(request.memory.bytes() >> 20) * i128::from(span.ms());
    }
    prices.vcpu_hour.rate.charge(cpu_ms, 1_000 * 3_600_000)
        + prices.gb_hour.rate.charge(mib_ms, 1_024 * 3_600_000)
}
