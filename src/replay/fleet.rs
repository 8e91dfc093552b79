//! From a platform's description and the catalog to what the engine runs: machines and a controller.

mod compose;
mod from_zero;
mod karpenter;
mod pool_values;
mod system;

pub(super) use compose::{Composed, compose};
pub(super) use karpenter::{candidates as pool_candidates, check as check_karpenter};
pub(super) use pool_values::warnings as unknown_pool_values;
pub(super) use system::{add as add_system, standing as system_machines};

use std::collections::BTreeMap;

use super::Setup;
use crate::catalog::{CapacityType, FargateRefusal, FargateSize, NodeSettings, TypeId, ZoneId};
use crate::control::{FargateController, GroupKind, ManagedGroup};
use crate::kube::{PODS, PodSpec};
use crate::ledger::{Machine, NodeTemplate, Role, TemplateId};
use crate::platform::{Agent, Fargate, GroupSize, Home, NodeGroup, NodeGroups, Taint, Words as _};
use crate::sim::kube_scheduler::{ARCH_LABEL, NodeLabels, admits_pod, scored_request};
use crate::sim::{NodeType, PullRates};
use crate::trace::{PodArch, Word, Words};
use crate::units::{Cpu, Memory, Resources};
use crate::workload::PodClass;

/// Why the pods of each class can never run on a platform.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    by_class: BTreeMap<u32, String>,
}

impl Refusals {
    pub fn reason(&self, class: u32) -> Option<String> {
        self.by_class.get(&class).cloned()
    }

    fn add(&mut self, class: usize, reason: String) {
        self.by_class.insert(class as u32, reason);
    }
}

/// The billed size of a pod together with `sidecars`.
pub fn fargate_size(class: &PodClass, sidecars: &[Agent]) -> Result<FargateSize, FargateRefusal> {
    if class.arch == PodArch::Arm64 {
        return Err(FargateRefusal::Arm64);
    }
    let sidecars: Resources = sidecars.iter().map(|agent| agent.requests).sum();
    let request = class.requests + sidecars;
    FargateSize::for_request(request.cpu, request.memory, request.ephemeral)
}

/// What pods of the classes `on_fargate` get: sizes, whose numbers in the ledger begin at `first`, and who launches them.
fn fargate(
    setup: &Setup,
    fargate: &Fargate,
    on_fargate: &[bool],
    first: TemplateId,
    refusals: &mut Refusals,
) -> (Vec<NodeTemplate>, FargateController) {
    let mut sizes: Vec<NodeTemplate> = Vec::new();
    let mut size_of_class = Vec::with_capacity(setup.workload.classes.len());
    for (index, class) in setup.workload.classes.iter().enumerate() {
        if !on_fargate[index] {
            size_of_class.push(None);
            continue;
        }
        let spec = setup.workload.spec_of(class, &setup.trace.words);
        if let Some(reason) = refused_by_fargate(&spec) {
            refusals.add(index, reason.to_owned());
            size_of_class.push(None);
            continue;
        }
        match fargate_size(class, &setup.settings.sidecars) {
            Ok(size) => {
                let template = fargate_template(size);
                let known = sizes.iter().position(|t| *t == template);
                let kind = known.unwrap_or_else(|| {
                    sizes.push(template);
                    sizes.len() - 1
                });
                size_of_class.push(Some(first + kind as TemplateId));
            }
            Err(refusal) => {
                refusals.add(index, refusal.to_string());
                size_of_class.push(None);
            }
        }
    }
    let controller = FargateController::new(fargate.launch_burst, fargate.launch_rate, size_of_class);
    (sizes, controller)
}

/// What Fargate has not, whatever the size of the pod (EKS user guide, "AWS Fargate considerations").
fn refused_by_fargate(pod: &PodSpec) -> Option<&'static str> {
    if !pod.host_ports.is_empty() {
        return Some("they ask for ports of the host, which Fargate does not have");
    }
    if pod.is_of_daemon_set() {
        return Some("they belong to a DaemonSet, which does not run on Fargate");
    }
    let extended = pod.requests.iter().any(|(index, amount)| index > PODS && amount > 0);
    extended.then_some("they ask for devices such as GPUs, which Fargate does not have")
}

pub(super) fn fargate_template(size: FargateSize) -> NodeTemplate {
    NodeTemplate {
        pool: "fargate".to_owned(),
        machine: Machine::Fargate { cpu: size.cpu, memory: size.memory, ephemeral: size.ephemeral },
        allocatable: Resources { cpu: size.cpu, memory: size.memory, ephemeral: size.ephemeral, pods: 1 },
        daemons: Resources::ZERO,
        root_volume: Memory::ZERO,
        auto_mode: false,
        role: Role::Jobs,
    }
}

/// The node groups of a platform: kinds of nodes, numbered from `first` on, and what minds them.
fn node_groups(setup: &Setup, platform: &str, groups: &NodeGroups, first: TemplateId) -> GroupNodes {
    let mut nodes = GroupNodes::default();
    for group in &groups.groups {
        let name = if group.name.is_empty() { platform } else { &group.name };
        let first_type = group.instance_type.iter();
        let mut kinds = Vec::new();
        for type_name in first_type.chain(&group.further_types) {
            let id = setup.catalog.find(type_name).expect("resolving a group checks its types");
            let instance = setup.catalog.instance_type(id);
            kinds.push(GroupKind {
                kind: first + nodes.types.len() as TemplateId,
                zones: zones_of(setup, id, group.capacity_type),
                nominal: instance.nominal_capacity(),
                capacity: instance.capacity(&settings_of(group)),
            });
            nodes.types.push(node_type(setup, name, group, id));
        }
        let (min, max, desired) = match group.size {
            GroupSize::Fixed(size) => (size, size, size),
            GroupSize::Auto { min, max, desired } => (min, max, desired),
            GroupSize::HoldPeak => unreachable!("resolving a group gives it a size"),
        };
        let is_fixed = matches!(group.size, GroupSize::Fixed(_));
        // How many there are of each type, EC2 decides.
        let count = (is_fixed && kinds.len() == 1).then_some(max);
        nodes.counts.resize(nodes.types.len(), count);
        let is_spot = group.capacity_type == CapacityType::Spot;
        let managed = ManagedGroup { name: name.to_owned(), kinds, is_spot, min, max, desired };
        if is_fixed {
            nodes.fixed.push(managed);
        } else {
            nodes.autoscaled.push(managed);
        }
    }
    nodes
}

/// Nodes of managed node groups.
#[derive(Default)]
struct GroupNodes {
    types: Vec<NodeType>,
    /// Of each type: how many there are, if that is fixed.
    counts: Vec<Option<u32>>,
    fixed: Vec<ManagedGroup>,
    autoscaled: Vec<ManagedGroup>,
}

/// Says why pods can run on no node of any group. Any group will do; if none does, that reason is said which is nearest to
/// being met.
fn refuse_by_groups(setup: &Setup, nodes: &GroupNodes, first: TemplateId, refusals: &mut Refusals) {
    let words = &setup.trace.words;
    for (index, class) in setup.workload.classes.iter().enumerate() {
        let why_not = |(kind, node_type): (TemplateId, &NodeType)| {
            let Some(refusal) = refuse(setup, node_type, class) else {
                let group = nodes.autoscaled.iter().find(|group| group.has(kind));
                let from_zero = group.and_then(|group| from_zero::refuse(setup, group, node_type, class));
                return from_zero.map(|text| (0, text));
            };
            Some((refusal.hurdle(), refusal.text(words, node_type)))
        };
        let reasons: Option<Vec<(u8, String)>> = (first..).zip(&nodes.types).map(why_not).collect();
        let nearest = reasons.and_then(|reasons| reasons.into_iter().min_by_key(|(hurdle, _)| *hurdle));
        if let Some((_, reason)) = nearest {
            refusals.add(index, reason);
        }
    }
}

/// The zones in which a type is sold; resolving a group checks that there is one.
fn zones_of(setup: &Setup, id: TypeId, capacity_type: CapacityType) -> Vec<u8> {
    let zones = 0..setup.catalog.zones.len() as u8;
    zones.filter(|zone| setup.catalog.offering(id, ZoneId(*zone), capacity_type).is_some()).collect()
}

/// The machines on which a platform's controllers run, or another part of the system.
fn home(setup: &Setup, name: &str, role: Role, home: &Home) -> Vec<(NodeTemplate, u32)> {
    let for_them = |template: NodeTemplate| NodeTemplate { pool: name.to_owned(), role, ..template };
    match home {
        Home::Elsewhere => Vec::new(),
        Home::Fargate { pods, requests } => {
            let size = FargateSize::for_request(requests.cpu, requests.memory, requests.ephemeral)
                .expect("the scenario's reader checks that a home fits Fargate");
            vec![(for_them(fargate_template(size)), *pods)]
        }
        Home::Nodes { instance_type, nodes } => {
            let id = setup.catalog.find(instance_type).expect("resolving a platform checks its home's type");
            let node = node_type(setup, name, &NodeGroup::default(), id);
            vec![(for_them(node.template), *nodes)]
        }
    }
}

/// Why no empty node of this type, in whichever zone, can hold a pod of `class`; `None` if one can.
pub(super) fn refuse(setup: &Setup, node_type: &NodeType, class: &PodClass) -> Option<Refusal> {
    let words = &setup.trace.words;
    let admitted = |labels: &NodeLabels, class: &PodClass| {
        let spec = setup.workload.spec_of(class, words);
        setup.catalog.zones.iter().any(|zone| admits_pod(labels, Some(zone), &spec).is_some())
    };
    if !admitted(&node_type.labels, class) {
        // Ask again without each hurdle to learn which one it is.
        let untainted = NodeLabels { taints: Vec::new(), ..node_type.labels.clone() };
        let anywhere = PodClass { node_selector: Word::EMPTY, ..*class };
        return Some(if node_type.labels.is_spot && !class.interruptible {
            Refusal::Interruptible
        } else if admitted(&untainted, class) {
            Refusal::Taints
        } else if admitted(&untainted, &anywhere) {
            Refusal::Selector(class.node_selector)
        } else {
            Refusal::Arch
        });
    }
    let template = &node_type.template;
    let free = template.allocatable - template.daemons;
    (!class.requests.fits_in(&free)).then_some(Refusal::TooLarge { asked: class.requests, free })
}

/// Why a pod can never run on a kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Interruptible,
    Arch,
    Selector(Word),
    Taints,
    TooLarge { asked: Resources, free: Resources },
}

impl Refusal {
    /// The order in which reasons tell most: what is nearest to being met comes first.
    fn hurdle(&self) -> u8 {
        match self {
            Self::TooLarge { .. } => 0,
            Self::Interruptible => 1,
            Self::Taints => 2,
            Self::Selector(_) => 3,
            Self::Arch => 4,
        }
    }

    fn text(&self, words: &Words, node_type: &NodeType) -> String {
        let Machine::Ec2 { instance_type: type_name, .. } = &node_type.template.machine else {
            unreachable!("nodes are EC2 instances")
        };
        match self {
            Self::Interruptible => "they must not be interrupted, and all nodes are Spot".to_owned(),
            Self::Arch => {
                format!("their images are not for the architecture of {type_name} (column arch, --arch)")
            }
            Self::Selector(selector) => {
                format!("no node has the labels of their node_selector {}", words.get(*selector))
            }
            Self::Taints => {
                let taint = |t: &Taint| format!("{}={}:{}", t.key, t.value, t.effect.word());
                let taints: Vec<String> = node_type.labels.taints.iter().map(taint).collect();
                format!("they do not tolerate {} (column tolerations)", taints.join(", "))
            }
            Self::TooLarge { asked, free } => {
                let dimensions = [
                    (asked.cpu > free.cpu, "CPU", milli(asked.cpu), milli(free.cpu)),
                    (asked.memory > free.memory, "memory", mib(asked.memory), mib(free.memory)),
                    (asked.ephemeral > free.ephemeral, "storage", mib(asked.ephemeral), mib(free.ephemeral)),
                    (asked.pods > free.pods, "pod slots", asked.pods.to_string(), free.pods.to_string()),
                ];
                let short = dimensions.into_iter().filter(|(is_short, ..)| *is_short);
                let lacks: Vec<String> = short
                    .map(|(_, what, asked, free)| {
                        format!("they ask for {asked} of {what} and {type_name} has {free} for pods")
                    })
                    .collect();
                lacks.join(", ")
            }
        }
    }
}

fn milli(cpu: Cpu) -> String {
    format!("{}m", cpu.milli())
}

fn mib(memory: Memory) -> String {
    format!("{} MiB", memory.mib_ceil())
}

fn settings_of(group: &NodeGroup) -> NodeSettings {
    NodeSettings { max_pods: group.max_pods, root_volume: group.root_volume, ..NodeSettings::default() }
}

/// A node of a managed node group, as it is once Ready.
pub fn node_type(setup: &Setup, name: &str, group: &NodeGroup, id: TypeId) -> NodeType {
    let instance = setup.catalog.instance_type(id);
    let settings = setup.settings;
    let node_settings = settings_of(group);
    let daemons: Resources = settings.daemon_sets.iter().map(|agent| agent.requests).sum();
    let capacity_type = group.capacity_type;
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let own = [
        (ARCH_LABEL, instance.arch.label().to_owned()),
        ("kubernetes.io/os", "linux".to_owned()),
        ("node.kubernetes.io/instance-type", instance.name.clone()),
        ("topology.kubernetes.io/region", setup.catalog.region.clone()),
        ("eks.amazonaws.com/nodegroup", name.to_owned()),
        (
            "eks.amazonaws.com/capacityType",
            if capacity_type == CapacityType::Spot { "SPOT" } else { "ON_DEMAND" }.to_owned(),
        ),
    ];
    labels.extend(own.into_iter().map(|(key, value)| (key.to_owned(), value)));
    labels.extend(group.labels.iter().cloned());
    // 1 Mbit/s is 125,000 bytes a second.
    let network = match instance.network_mbps {
        0 => settings.images.network_rate,
        mbps => Memory::from_bytes(mbps * 125_000),
    };
    NodeType {
        instance: id,
        template: NodeTemplate {
            pool: name.to_owned(),
            machine: Machine::Ec2 { instance_type: instance.name.clone(), capacity_type },
            allocatable: instance.allocatable(&node_settings),
            daemons,
            root_volume: group.root_volume,
            auto_mode: false,
            role: Role::Jobs,
        },
        labels: NodeLabels {
            labels,
            taints: group.taints.clone(),
            is_spot: capacity_type == CapacityType::Spot,
        },
        pull_rates: PullRates::new(&settings.images, network),
        scored_daemons: settings
            .daemon_sets
            .iter()
            .map(|agent| scored_request(&agent.requests))
            .fold((Cpu::ZERO, Memory::ZERO), |sum, (cpu, memory)| (sum.0 + cpu, sum.1 + memory)),
    }
}
