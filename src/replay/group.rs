//! What a node group is made of when the scenario leaves it open: the instance type and the number of nodes.

use super::Setup;
use super::fleet::{node_type, refuse};
use super::types::{self, price};
use crate::catalog::{CapacityType, Catalog, InstanceType, TypeId};
use crate::error::{Error, Result};
use crate::packing::Stays;
use crate::platform::{GroupSize, NodeGroup, Scenario};
use crate::sim::NodeType;
use crate::sim::kube_scheduler::admits_pod;
use crate::units::{Rate, Resources, Span};
use crate::workload::{ClassId, Delays, PodClass, StepId, ideal_timeline};

/// Fills in the open parts of `group`, or says which of its given parts cannot be.
///
/// `path` is its platform's in the scenario, `shown` how messages call that, `name` how its nodes do.
pub(super) fn resolve(
    setup: &Setup,
    (path, shown): (&str, &str),
    name: &str,
    group: &mut NodeGroup,
) -> Result<()> {
    let path = Scenario::instance_type_path(path, &group.name);
    let (id, nodes) = match &group.instance_type {
        Some(given) => {
            (types::find(setup, &path, &format!("platform {shown}"), given, group.capacity_type)?, None)
        }
        None if matches!(group.size, GroupSize::Auto { .. }) => {
            (choose_autoscaled(setup, name, group)?, None)
        }
        None => choose_group(setup, name, group).map(|choice| (choice.id, Some(choice.nodes)))?,
    };
    let instance = setup.catalog.instance_type(id);
    group.instance_type = Some(instance.name.clone());
    for (index, further) in (1..).zip(&group.further_types) {
        let path = path.replace("[0]", &format!("[{index}]"));
        types::find(setup, &path, &format!("platform {shown}"), further, group.capacity_type)?;
    }
    let node = node_type(setup, name, group, id);
    let capacity = node.template.allocatable - node.template.daemons;
    if capacity.cpu.milli() <= 0 || capacity.memory.bytes() <= 0 || capacity.pods <= 0 {
        let message = format!("{} has no room for pods beside the DaemonSets", instance.name);
        let complaint = setup.given.complaint(&path, format!("platform {shown}: {message}"));
        return Err(complaint.hint("choose a larger type, or smaller daemonSets").into());
    }
    if group.size == GroupSize::HoldPeak {
        group.size = GroupSize::Fixed(nodes.unwrap_or_else(|| Pods::new(setup).nodes(&node)));
    }
    Ok(())
}

/// The type that was chosen, and how many nodes of it hold the busiest moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub id: TypeId,
    pub nodes: u32,
}

/// The current-generation x86 m/c/r types from `large` to `4xlarge`, and what they would be asked for.
struct Candidates {
    /// Each type, and which classes of pods it fits.
    types: Vec<(TypeId, Vec<bool>)>,
    /// Which classes any of the types fits.
    by_any: Vec<bool>,
}

impl Candidates {
    fn new(setup: &Setup, name: &str, group: &NodeGroup) -> Self {
        let workload = setup.workload;
        let fits = |id: TypeId| -> Vec<bool> {
            let node = node_type(setup, name, group, id);
            workload.classes.iter().map(|class| refuse(setup, &node, class).is_none()).collect()
        };
        let types: Vec<(TypeId, Vec<bool>)> =
            types_to_choose_from(setup.catalog, group.capacity_type).map(|id| (id, fits(id))).collect();
        let by_any =
            (0..workload.classes.len()).map(|class| types.iter().any(|(_, fits)| fits[class])).collect();
        Self { types, by_any }
    }

    /// How many classes that some type fits this one leaves out.
    fn left_out(&self, fits: &[bool]) -> usize {
        self.by_any.iter().zip(fits).filter(|(any, this)| **any && !**this).count()
    }
}

fn nothing_to_choose(setup: &Setup) -> Error {
    Error::usage(
        format!("no current-generation x86 m, c or r type has a price in {}", setup.catalog.region),
        "name one in the scenario's instanceTypes, or choose another --region",
    )
}

/// How long Cluster Autoscaler keeps a node that is not needed, unless told otherwise.
const KEPT: Span = Span::from_secs(600);

/// The candidate that fits every pod that any candidate fits and whose nodes cost least if there are always as many as
/// the busiest moment of ten minutes needs: an autoscaled group follows the work, but not at once. Ties go to the
/// cheapest for the work, then to the first name.
fn choose_autoscaled(setup: &Setup, name: &str, group: &NodeGroup) -> Result<TypeId> {
    let candidates = Candidates::new(setup, name, group);
    let demand = Pods::new(setup).demand(&candidates.by_any, KEPT);
    let cost = |id: TypeId| {
        let rate = price(setup, id, group.capacity_type).unwrap_or_default();
        demand.cost(rate, &room_for_pods(setup, name, group, id))
    };
    let best = candidates.types.iter().min_by_key(|(id, fits)| (candidates.left_out(fits), cost(*id), *id));
    best.map(|(id, _)| *id).ok_or_else(|| nothing_to_choose(setup))
}

/// The candidate that fits every pod that any candidate fits and whose nodes for the busiest moment cost least. A group of
/// fixed size pays for its peak all the time, so that, and not the work, is what its type must be cheap for. Ties go to
/// the cheapest for the work, then to the first name.
pub fn choose_group(setup: &Setup, name: &str, group: &NodeGroup) -> Result<Choice> {
    let candidates = Candidates::new(setup, name, group);
    let rate = |id: TypeId| price(setup, id, group.capacity_type).unwrap_or_default();
    let pods = Pods::new(setup);
    let demand = pods.demand(&candidates.by_any, Span::MAX);
    let mut by_bound: Vec<(usize, i128, i128, TypeId)> = candidates
        .types
        .iter()
        .map(|(id, fits)| {
            let (at_peak, fluid) = demand.cost(rate(*id), &room_for_pods(setup, name, group, *id));
            (candidates.left_out(fits), at_peak, fluid, *id)
        })
        .collect();
    by_bound.sort_unstable();
    // What first-fit really needs is at least the bound: once that is no better than the best found, nothing is.
    let mut best: Option<(usize, i128, Choice)> = None;
    for (left_out, at_least, _, id) in by_bound {
        if best.is_some_and(|(fewest, least, _)| (fewest, least) <= (left_out, at_least)) {
            break;
        }
        let node = node_type(setup, name, group, id);
        let nodes = pods.nodes(&node);
        let cost = rate(id).femto() * i128::from(nodes);
        if best.is_none_or(|(fewest, least, _)| (left_out, cost) < (fewest, least)) {
            best = Some((left_out, cost, Choice { id, nodes }));
        }
    }
    best.map(|(_, _, choice)| choice).ok_or_else(|| nothing_to_choose(setup))
}

/// The types that a group without one may get, by name.
pub(super) fn types_to_choose_from(
    catalog: &Catalog,
    capacity_type: CapacityType,
) -> impl Iterator<Item = TypeId> {
    catalog
        .offered()
        .filter(move |id| is_candidate(catalog.instance_type(*id)) && catalog.is_sold(*id, capacity_type))
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

fn room_for_pods(setup: &Setup, name: &str, group: &NodeGroup, id: TypeId) -> Resources {
    let template = node_type(setup, name, group, id).template;
    template.allocatable - template.daemons
}

/// The pods as they would come and go if none had to wait for its start.
struct Pods<'a> {
    setup: &'a Setup<'a>,
    stays: Stays,
    /// The class of each.
    classes: Vec<ClassId>,
}

impl<'a> Pods<'a> {
    fn new(setup: &'a Setup<'a>) -> Self {
        let workload = setup.workload;
        let delays = Delays::new(workload, &setup.settings.orchestrator, setup.settings.seed);
        let times = ideal_timeline(workload, setup.closed(), &delays);
        let pods: Vec<StepId> = workload.steps.pods().collect();
        let stays = Stays::new(pods.iter().map(|step| {
            let times = &times[*step as usize];
            (times.created, times.ended)
        }));
        Self { setup, stays, classes: pods.iter().map(|step| workload.steps.class[*step as usize]).collect() }
    }

    fn request(&self, pod: u32, is_among: &[bool]) -> Option<Resources> {
        let class = self.classes[pod as usize] as usize;
        is_among[class].then(|| self.setup.workload.classes[class].requests)
    }

    /// What the classes in `fits` ask for: at the busiest moment of each `slice` of time, and in all.
    fn demand(&self, fits: &[bool], slice: Span) -> Demand {
        let workload = self.setup.workload;
        let peaks = self.stays.peaks(slice, |pod| self.request(pod, fits));
        let mut demand = Demand { peaks, cpu_ms: 0, byte_ms: 0 };
        for step in workload.steps.pods() {
            let class = workload.steps.class[step as usize] as usize;
            if fits[class] {
                let request = &workload.classes[class].requests;
                let ms = i128::from(workload.steps.work[step as usize].ms());
                demand.cpu_ms += i128::from(request.cpu.milli()) * ms;
                demand.byte_ms += i128::from(request.memory.bytes()) * ms;
            }
        }
        demand
    }

    /// How many nodes first-fit packing of the pods that fit `node` ever needs at once; at least one. Nodes are spread
    /// evenly over the zones, so pods that can run in one zone only need as many nodes in each.
    fn nodes(&self, node: &NodeType) -> u32 {
        let setup = self.setup;
        let zones = &setup.catalog.zones;
        let capacity = node.template.allocatable - node.template.daemons;
        let fits: Vec<bool> =
            setup.workload.classes.iter().map(|class| refuse(setup, node, class).is_none()).collect();
        let only_in = |zone: usize| -> Vec<bool> {
            let admits = |class: &PodClass, zone: usize| {
                let spec = setup.workload.spec_of(class, &setup.trace.words);
                admits_pod(&node.labels, Some(&zones[zone]), &spec).is_some()
            };
            let classes = setup.workload.classes.iter().zip(&fits);
            classes
                .map(|(class, fits)| *fits && (0..zones.len()).all(|z| admits(class, z) == (z == zone)))
                .collect()
        };
        let nodes_for = |among: &[bool]| self.stays.peak_nodes(capacity, |pod| self.request(pod, among)).0;
        let pinned = (0..zones.len()).map(only_in).filter(|among| zones.len() > 1 && among.contains(&true));
        let pinned = pinned.map(|among| nodes_for(&among) * zones.len()).max();
        nodes_for(&fits).max(pinned.unwrap_or(0)).max(1) as u32
    }
}

/// What pods ask for at their busiest moments, and in all.
struct Demand {
    /// With how many slices of time in a row are alike.
    peaks: Vec<(Resources, u64)>,
    cpu_ms: i128,
    byte_ms: i128,
}

impl Demand {
    /// What a slice of the fewest nodes that could hold its busiest moment costs, added up; then, among equals, what the
    /// work costs when it fills nodes like a fluid.
    fn cost(&self, rate: Rate, capacity: &Resources) -> (i128, i128) {
        if capacity.cpu.milli() <= 0 || capacity.memory.bytes() <= 0 || capacity.pods <= 0 {
            return (i128::MAX, i128::MAX);
        }
        let nodes = |asked: i64, room: i64| i128::from(asked / room + i64::from(asked % room != 0));
        let at_peaks = self.peaks.iter().map(|(peak, slices)| {
            let by_cpu = nodes(peak.cpu.milli(), capacity.cpu.milli());
            let by_memory = nodes(peak.memory.bytes(), capacity.memory.bytes());
            by_cpu.max(by_memory).max(nodes(peak.pods, capacity.pods)) * i128::from(*slices)
        });
        let by_cpu = self.cpu_ms / i128::from(capacity.cpu.milli());
        let by_memory = self.byte_ms / i128::from(capacity.memory.bytes());
        (rate.femto() * at_peaks.sum::<i128>().max(1), rate.femto() * by_cpu.max(by_memory))
    }
}
