//! What the bill of a platform cannot fall below, known before anything is simulated.
//!
//! A search that has found a bill need not simulate a platform whose floor is higher. So the floor must hold exactly, and
//! for every platform that completes the trace:
//!
//! - *certain*: the control plane, the controllers' home, NAT gateways and groups of fixed size, for the trace's
//!   window. A simulation that ends later costs more of each. With a Savings Plan only its commitment, the control plane
//!   and NAT count: the rest may be covered.
//! - *work*: requests × work time as a fluid that fills the cheapest machines that the platform may buy, root volumes
//!   included. Nothing in reality is as tight: nodes boot, wait and stand empty.
//!
//! A Spot instance that EC2 takes back within its first hour is free, and how many are is not known before. Work that
//! may run on Spot is therefore no part of [`Floor::bill`] while the market takes anything back; it is part of
//! [`Floor::before_credits`], which bounds the bill and the credits for interrupted hours together.

use super::fleet::{self, Composed};
use super::{Setup, types};
use crate::catalog::{CapacityType, MINIMUM_SECONDS, SECONDS_PER_STORAGE_MONTH, TypeId, ZoneId, fargate};
use crate::ledger::{Machine, NodeTemplate};
use crate::packing::fluid_bound;
use crate::platform::{Committed, Kind, Platform, Support};
use crate::units::{Memory, Rate, Resources, Span, Usd};
use crate::workload::ClassId;

/// The parts of a lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    pub certain: Usd,
    pub work: Usd,
    /// Whether the work may run on Spot instances that EC2 then makes free.
    pub may_be_free: bool,
    /// How many classes of pods can never run there.
    pub refused: usize,
}

impl Floor {
    /// No bill of the platform is lower.
    pub fn bill(&self) -> Usd {
        if self.may_be_free { self.certain } else { self.certain + self.work }
    }

    /// No bill plus what EC2 gave away for instances taken back in their first hour is lower.
    pub fn before_credits(&self) -> Usd {
        self.certain + self.work
    }
}

/// The work of a trace by class of pods: what every platform has to do.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Work time and number of pods, by class.
    by_class: Vec<(Span, u64)>,
}

impl Demand {
    pub fn new(setup: &Setup) -> Self {
        let steps = &setup.workload.steps;
        let mut by_class = vec![(Span::ZERO, 0); setup.workload.classes.len()];
        for step in steps.pods().filter(|step| !steps.never_ran[*step as usize]) {
            let (work, pods) = &mut by_class[steps.class[step as usize] as usize];
            *work += steps.work[step as usize];
            *pods += 1;
        }
        Self { by_class }
    }

    fn of_each(&self) -> impl Iterator<Item = (ClassId, Span, u64)> + '_ {
        self.by_class.iter().enumerate().map(|(class, (work, pods))| (class as ClassId, *work, *pods))
    }
}

/// Why the first pods that can never run on the platform cannot; `None` if all can.
pub fn refusal(setup: &Setup, demand: &Demand, platform: &Platform) -> Option<String> {
    let Composed { refusals, .. } = fleet::compose(setup, platform)?;
    demand.of_each().filter(|(_, _, pods)| *pods > 0).find_map(|(class, ..)| refusals.reason(class))
}

/// The floor of a resolved platform.
pub fn floor(setup: &Setup, demand: &Demand, platform: &Platform) -> Floor {
    let Some(composed) = fleet::compose(setup, platform) else { return Floor::default() };
    let Composed { fleet, refusals, .. } = &composed;
    let system = fleet::system_machines(setup);
    let homes: Usd = fleet
        .homes
        .iter()
        .chain(&system)
        .map(|(template, machines)| standing(setup, template, *machines))
        .sum();
    let (fixed, elastic) = node_groups(setup, &composed);
    let may_be_free = elastic.iter().any(|offer| offer.is_spot) && takes_back(setup);
    let covered = setup.settings.savings_plan.is_some();
    let work = match &platform.kind {
        _ if covered => Usd::ZERO,
        Kind::Fargate(fargate) if fargate.profiles.is_empty() => on_fargate(setup, demand),
        // What runs where is not known before; with profiles, some pods may run nowhere.
        Kind::Fargate(_) | Kind::Mixed(_) => Usd::ZERO,
        // What fixed nodes hold costs nothing more.
        _ if fixed > Usd::ZERO => Usd::ZERO,
        _ => {
            let offers: Vec<(Rate, Resources)> = elastic.iter().map(|o| (o.rate, o.room)).collect();
            let requests = demand
                .of_each()
                .map(|(class, work, _)| (setup.workload.classes[class as usize].requests, work));
            fluid_bound(requests, &offers)
        }
    };
    let refused =
        demand.of_each().filter(|(class, _, pods)| *pods > 0 && refusals.reason(*class).is_some()).count();
    let machines = if covered { Usd::ZERO } else { homes + fixed };
    Floor { certain: surroundings(setup) + machines, work, may_be_free, refused }
}

/// Whether the Spot market ever takes an instance back.
fn takes_back(setup: &Setup) -> bool {
    setup.settings.spot.hazard_permille > 0 || !setup.settings.spot.events.is_empty()
}

/// A machine that a platform may buy.
struct Offer {
    /// An hour of it with its volume.
    rate: Rate,
    room: Resources,
    is_spot: bool,
}

/// What groups of fixed size cost in any case, and what the platform may buy beside them.
fn node_groups(setup: &Setup, composed: &Composed) -> (Usd, Vec<Offer>) {
    let mut fixed = Usd::ZERO;
    let mut elastic = Vec::new();
    for (node, size) in composed.fleet.node_types.iter().zip(&composed.fixed) {
        let Machine::Ec2 { capacity_type, .. } = node.template.machine else { continue };
        let is_spot = capacity_type == CapacityType::Spot;
        match size {
            // Spot nodes of a fixed group are taken back and may be missing for a while.
            Some(nodes) if !(is_spot && takes_back(setup)) => {
                fixed += standing(setup, &node.template, *nodes);
            }
            _ => {
                let Some(rate) = cheapest(setup, node.instance, capacity_type) else { continue };
                let rate = Rate::from_femto(rate.femto() + volume(setup, node.template.root_volume));
                elastic.push(Offer {
                    rate,
                    room: node.template.allocatable - node.template.daemons,
                    is_spot,
                });
            }
        }
    }
    (fixed, elastic)
}

/// The lowest price of an hour at any time in any zone.
fn cheapest(setup: &Setup, id: TypeId, capacity_type: CapacityType) -> Option<Rate> {
    let zones = 0..setup.catalog.zones.len();
    let offerings = zones.filter_map(|zone| setup.billing.offering(id, ZoneId(zone as u8), capacity_type));
    offerings.flat_map(|offering| offering.price.points().iter().map(|(_, rate)| *rate)).min()
}

/// An hour of a root volume in 10⁻¹⁵ USD, rounded down.
fn volume(setup: &Setup, size: Memory) -> i128 {
    let rate = setup.billing.services.gp3_storage.map_or(0, |price| price.rate.femto());
    rate * i128::from(size.mib_ceil()) * 3_600 / (1_024 * i128::from(SECONDS_PER_STORAGE_MONTH))
}

/// Machines that are there for the whole window.
fn standing(setup: &Setup, template: &NodeTemplate, machines: u32) -> Usd {
    let window = setup.workload.window;
    let window_ms = i128::from((window.end - window.start).ms());
    let hourly = match &template.machine {
        Machine::Fargate { cpu, memory, .. } => setup.billing.fargate.map_or(0, |prices| {
            let cpu = prices.vcpu_hour.rate.femto() * i128::from(cpu.milli()) / 1_000;
            cpu + prices.gb_hour.rate.femto() * i128::from(memory.mib_ceil()) / 1_024
        }),
        Machine::Ec2 { instance_type, capacity_type } => {
            let id = setup.catalog.find(instance_type);
            let rate = id.and_then(|id| cheapest(setup, id, *capacity_type));
            rate.map_or(0, |rate| rate.femto() + volume(setup, template.root_volume))
        }
    };
    // Each machine is charged by itself, in up to three lines: leave each its rounding.
    let one = (hourly * window_ms / 3_600_000 - 3).max(0);
    Usd::from_femto(one * i128::from(machines))
}

/// The control plane, NAT gateways and a Savings Plan's commitment for the window.
fn surroundings(setup: &Setup) -> Usd {
    let (settings, services) = (setup.settings, setup.billing.services);
    let cluster = match settings.cluster.support {
        Support::Standard => services.eks_cluster,
        Support::Extended => services.eks_cluster_extended,
    };
    let nat = services.nat_gateway.map_or(0, |price| price.rate.femto());
    let commitment = settings.savings_plan.as_ref().map_or(0, |plan| match plan.committed {
        Committed::PerHour(rate) => rate.femto(),
        // The best one may be none.
        Committed::Best => 0,
    });
    let hourly = cluster.map_or(0, |price| price.rate.femto())
        + nat * i128::from(settings.cluster.nat_gateways)
        + commitment;
    let window = setup.workload.window;
    let ms = i128::from((window.end - window.start).ms());
    Usd::from_femto((hourly * ms / 3_600_000 - 3).max(0))
}

/// The sizes that pods get, for as long as they work.
fn on_fargate(setup: &Setup, demand: &Demand) -> Usd {
    let Some(prices) = setup.billing.fargate else { return Usd::ZERO };
    let mut femto = 0i128;
    for (class, work, pods) in demand.of_each() {
        let class = &setup.workload.classes[class as usize];
        let Ok(size) = fleet::fargate_size(class, &setup.settings.sidecars) else { continue };
        // Begun seconds count, a minute at least: none of both can be less than the work itself.
        let seconds = (work.ms() / 1_000).max(pods as i64 * MINIMUM_SECONDS);
        let charge = fargate::charge(&prices, size, seconds);
        // Each pod is charged by itself, in three lines.
        femto += (charge.total().femto() - 3 * i128::from(pods) - 3).max(0);
    }
    Usd::from_femto(femto)
}

/// What a node of the type costs at the start; for ranking types, not a bound.
pub fn hourly(setup: &Setup, id: TypeId, capacity_type: CapacityType) -> Option<Rate> {
    types::price(setup, id, capacity_type)
}
