//! What a node group is made of when the scenario leaves it open: the instance type and the number of nodes.

use super::Setup;
use super::fleet::{node_type, refuse};
use crate::catalog::{CapacityType, InstanceType, TypeId, ZoneId};
use crate::error::{Error, Result};
use crate::packing::peak_nodes;
use crate::platform::{GroupSize, NodeGroup, Scenario};
use crate::units::{Rate, Resources, Time};
use crate::workload::{Delays, ideal_timeline};

/// Fills in the open parts of `group`, or says which of its given parts cannot be.
pub(super) fn resolve(setup: &Setup, name: &str, group: &mut NodeGroup) -> Result<()> {
    let id = match &group.instance_type {
        Some(given) => find_type(setup, name, given)?,
        None => choose_group(setup, name, group)?.id,
    };
    let instance = setup.catalog.instance_type(id);
    group.instance_type = Some(instance.name.clone());
    let capacity = room_for_pods(setup, name, group, instance);
    if capacity.cpu.milli() <= 0 || capacity.memory.bytes() <= 0 || capacity.pods <= 0 {
        let message = format!("{} has no room for pods beside the DaemonSets", instance.name);
        return Err(complaint(setup, name, &message, "choose a larger type, or smaller daemonSets"));
    }
    if group.size == GroupSize::HoldPeak {
        group.size = GroupSize::Fixed(peak(setup, capacity));
    }
    Ok(())
}

fn find_type(setup: &Setup, platform: &str, given: &str) -> Result<TypeId> {
    let catalog = setup.catalog;
    let distance = |name: &str| strsim::damerau_levenshtein(name, given);
    let nearest = catalog
        .offered()
        .filter(|id| on_demand(setup, *id).is_some())
        .map(|id| catalog.instance_type(id).name.as_str())
        .min_by_key(|name| (distance(name), *name));
    let nearest = nearest.unwrap_or("m6i.xlarge");
    match catalog.find(given) {
        None => {
            let hint = if distance(nearest) <= 1 + given.len() / 4 {
                format!("did you mean {nearest}?")
            } else {
                "write the name of an EC2 instance type, such as m6i.xlarge".to_owned()
            };
            Err(complaint(setup, platform, &format!("unknown instance type {given}"), hint))
        }
        Some(id) if on_demand(setup, id).is_none() => {
            let message = format!("no on-demand price is known for {given} in {}", catalog.region);
            Err(complaint(setup, platform, &message, format!("{nearest} has one there, for example")))
        }
        Some(id) => Ok(id),
    }
}

/// Points at the instance type in the scenario file.
fn complaint(setup: &Setup, platform: &str, message: &str, hint: impl Into<String>) -> Error {
    let path = Scenario::instance_type_path(platform);
    setup.given.complaint(&path, format!("platform {platform}: {message}")).hint(hint).into()
}

/// The type that was chosen, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub id: TypeId,
    /// How many classes of pods fit some candidate but not this type.
    pub left_out: usize,
}

/// The current-generation x86 m/c/r type from `large` to `4xlarge` with the least fluid cost that fits every pod
/// that any such type fits; ties go to the first name.
pub fn choose_group(setup: &Setup, name: &str, group: &NodeGroup) -> Result<Choice> {
    let workload = setup.workload;
    let catalog = setup.catalog;
    let candidates: Vec<TypeId> = catalog
        .offered()
        .filter(|id| is_candidate(catalog.instance_type(*id)) && on_demand(setup, *id).is_some())
        .collect();
    let fits = |id: TypeId| -> Vec<bool> {
        let instance = catalog.instance_type(id);
        let node = node_type(setup, name, group, instance);
        workload.classes.iter().map(|class| refuse(setup, &node, class, &instance.name).is_none()).collect()
    };
    let fitting: Vec<Vec<bool>> = candidates.iter().map(|id| fits(*id)).collect();
    let by_any: Vec<bool> =
        (0..workload.classes.len()).map(|class| fitting.iter().any(|fits| fits[class])).collect();
    let demand = Demand::of(setup, &by_any);
    let choice = candidates.iter().zip(&fitting).map(|(id, fits)| {
        let left_out = by_any.iter().zip(fits).filter(|(any, this)| **any && !**this).count();
        let capacity = room_for_pods(setup, name, group, catalog.instance_type(*id));
        let rate = on_demand(setup, *id).unwrap_or_default();
        (left_out, demand.fluid_cost(rate, &capacity), *id)
    });
    let (left_out, _, id) = choice.min().ok_or_else(|| {
        Error::usage(
            format!("no current-generation x86 m, c or r type has a price in {}", catalog.region),
            "name one in the scenario's instanceTypes, or choose another --region",
        )
    })?;
    Ok(Choice { id, left_out })
}

fn is_candidate(instance: &InstanceType) -> bool {
    instance.current_generation
        && instance.arch == crate::catalog::Arch::Amd64
        && matches!(instance.category(), "m" | "c" | "r")
        && matches!(instance.size(), "large" | "xlarge" | "2xlarge" | "3xlarge" | "4xlarge")
        // Flex types run at their baseline for part of the time: not what a careful engineer takes for batch jobs.
        && !instance.flex
        && !instance.bare_metal
        && instance.gpu.is_none()
}

fn on_demand(setup: &Setup, id: TypeId) -> Option<Rate> {
    let offering = setup.catalog.offering(id, ZoneId(0), CapacityType::OnDemand)?;
    offering.price.at(setup.workload.window.start)
}

fn room_for_pods(setup: &Setup, name: &str, group: &NodeGroup, instance: &InstanceType) -> Resources {
    let template = node_type(setup, name, group, instance).template;
    template.allocatable - template.daemons
}

/// The work of the pods that some candidate fits.
struct Demand {
    cpu_ms: i128,
    byte_ms: i128,
}

impl Demand {
    fn of(setup: &Setup, fits: &[bool]) -> Self {
        let steps = &setup.workload.steps;
        let mut demand = Self { cpu_ms: 0, byte_ms: 0 };
        for step in steps.pods() {
            let class = steps.class[step as usize] as usize;
            if fits[class] {
                let request = &setup.workload.classes[class].requests;
                let ms = i128::from(steps.work[step as usize].ms());
                demand.cpu_ms += i128::from(request.cpu.milli()) * ms;
                demand.byte_ms += i128::from(request.memory.bytes()) * ms;
            }
        }
        demand
    }

    /// What the work costs when it fills nodes of `capacity` like a fluid.
    fn fluid_cost(&self, rate: Rate, capacity: &Resources) -> i128 {
        if capacity.cpu.milli() <= 0 || capacity.memory.bytes() <= 0 {
            return i128::MAX;
        }
        let by_cpu = self.cpu_ms / i128::from(capacity.cpu.milli());
        let by_memory = self.byte_ms / i128::from(capacity.memory.bytes());
        rate.femto() * by_cpu.max(by_memory)
    }
}

/// How many nodes first-fit packing ever needs at once when no pod has to wait for its start; at least one.
fn peak(setup: &Setup, capacity: Resources) -> u32 {
    let workload = setup.workload;
    let delays = Delays::new(workload, &setup.settings.orchestrator, setup.settings.seed);
    let times = ideal_timeline(workload, setup.closed(), &delays);
    let items: Vec<(Time, Time, Resources)> = workload
        .steps
        .pods()
        .map(|step| {
            let class = workload.steps.class[step as usize] as usize;
            let times = &times[step as usize];
            (times.created, times.ended, workload.classes[class].requests)
        })
        .collect();
    peak_nodes(&items, capacity).0.max(1) as u32
}
