//! Karpenter's fleet: what each NodePool could launch, as kinds of nodes, and who can never run on any of them.

use std::collections::BTreeMap;

use super::super::Setup;
use super::{Refusal, Refusals, node_type, pool_values, refuse};
use crate::catalog::{
    CapacityType, Catalog, InstanceType, KubeReservedPods, NodeSettings, Requirement, Requirements, TypeId,
    labels,
};
use crate::control::Karpenter;
use crate::control::karpenter::pool::{Pool, PoolType, by_preference, template};
use crate::control::karpenter::solve::Scheduler;
use crate::decide::karpenter::model::Options;
use crate::error::{Error, Result};
use crate::ledger::TemplateId;
use crate::platform::{self, MANAGED_AGENTS, NodeGroup, NodePool, is_supported};
use crate::sim::NodeType;
use crate::sim::kube_scheduler::scored_request;
use crate::trace::{PodArch, Word};
use crate::units::{Cpu, Memory};
use crate::workload::PodClass;

/// Complains about NodePools that could launch nothing.
pub(in crate::replay) fn check(setup: &Setup, name: &str, node_pools: &[NodePool]) -> Result<()> {
    for pool in node_pools {
        pool_values::check(setup, pool)?;
        if candidates(setup.catalog, pool, &template(pool)).next().is_none() {
            let message = format!(
                "platform {name}: no instance type with a price in {} meets the requirements of the node pool {}",
                setup.catalog.region, pool.name
            );
            return Err(Error::usage(message, culprit(setup, pool)));
        }
    }
    Ok(())
}

/// Which requirement is to blame, if it is one alone.
fn culprit(setup: &Setup, pool: &NodePool) -> String {
    let alone = pool.requirements.iter().find(|requirement| {
        let requirements = vec![(*requirement).clone()];
        let only = NodePool { requirements, auto_mode: pool.auto_mode, ..NodePool::default() };
        candidates(setup.catalog, &only, &template(&only)).next().is_none()
    });
    match alone {
        Some(requirement) => {
            format!("no type has what it asks for in {}: check its values", requirement.key)
        }
        None => "each requirement can be met, but not all of them together".to_owned(),
    }
}

/// The types that a pool may launch, by name, with the offerings that it may use.
pub(in crate::replay) fn candidates<'s>(
    catalog: &'s Catalog,
    pool: &NodePool,
    template: &'s Requirements,
) -> impl Iterator<Item = (TypeId, Requirements, Vec<CapacityType>)> + 's {
    let allows = move |key: &str, value: &str| {
        template.get(key).is_none_or(|allowed: &Requirement| allowed.allows(value))
    };
    let auto_mode = pool.auto_mode;
    catalog.offered().filter_map(move |id| {
        if auto_mode && !is_supported(catalog.instance_type(id)) {
            return None;
        }
        let requirements = catalog.requirements(id);
        let requirements = if auto_mode { renamed(&requirements) } else { requirements };
        requirements.intersects(template).ok()?;
        let mut capacity_types: Vec<CapacityType> = catalog
            .offerings(id)
            .iter()
            .filter(|offering| offering.available && allows(labels::ZONE, catalog.zone(offering.zone)))
            .map(|offering| offering.capacity_type)
            .filter(|capacity_type| allows(labels::CAPACITY_TYPE, capacity_type.label()))
            .collect();
        capacity_types.sort_unstable();
        capacity_types.dedup();
        (!capacity_types.is_empty()).then_some((id, requirements, capacity_types))
    })
}

/// The labels of a type under the names that EKS Auto Mode has for them.
fn renamed(requirements: &Requirements) -> Requirements {
    let rename = |(key, requirement): (&str, &Requirement)| (labels::of_auto_mode(key), requirement.clone());
    let all: Vec<(String, Requirement)> = requirements.iter().map(rename).collect();
    all.iter().map(|(key, requirement)| (key.as_str(), requirement.clone())).collect()
}

/// How large nodes of a pool are.
fn node_settings(pool: &NodePool, instance: &InstanceType) -> NodeSettings {
    let sizing = &pool.sizing;
    let settings = NodeSettings {
        max_pods: pool.max_pods,
        root_volume: pool.root_volume,
        pods_per_core: sizing.pods_per_core,
        system_reserved: sizing.system_reserved,
        raid0: sizing.raid0,
        kube_reserved_pods: if sizing.bottlerocket {
            KubeReservedPods::Configured
        } else {
            KubeReservedPods::EniLimited
        },
        ..NodeSettings::default()
    };
    if !pool.auto_mode {
        return settings;
    }
    // EKS user guide: 110 pods, or fewer where the network interfaces allow no more. Bottlerocket reserves for as many.
    NodeSettings {
        max_pods: Some(instance.max_pods.min(110)),
        kube_reserved_pods: KubeReservedPods::Configured,
        ..settings
    }
}

/// The pools in the order in which they are tried, and a kind of node for each type and capacity type of each. Kinds
/// are numbered from `first` on.
pub fn prepare(
    setup: &Setup,
    karpenter: &platform::Karpenter,
    first: TemplateId,
) -> (Vec<Pool>, Vec<NodeType>) {
    let mut specs: Vec<&NodePool> = karpenter.node_pools.iter().collect();
    specs.sort_by(|a, b| by_preference(a, b));
    let mut node_types = Vec::new();
    let pools = specs.into_iter().map(|spec| {
        let template = template(spec);
        let mut types = Vec::new();
        for (id, requirements, capacity_types) in candidates(setup.catalog, spec, &template) {
            let instance = setup.catalog.instance_type(id);
            let settings = node_settings(spec, instance);
            let mut kinds = [None; 3];
            for capacity_type in capacity_types {
                kinds[capacity_type as usize] = Some(first + node_types.len() as TemplateId);
                node_types.push(kind_of_node(setup, spec, &template, id, &requirements, capacity_type));
            }
            let Some(node) = node_types.last() else { continue };
            types.push(PoolType {
                instance: id,
                capacity: instance.capacity(&settings),
                allocatable: node.template.allocatable,
                daemons: node.template.daemons,
                exotic: instance.bare_metal || instance.gpu.is_some() || instance.accelerator.is_some(),
                requirements,
                kinds,
            });
        }
        Pool { spec: spec.clone(), template, types }
    });
    let pools = pools.collect();
    (pools, node_types)
}

/// A node with the labels that Karpenter and kubelet give it: every one that can have one value only.
fn kind_of_node(
    setup: &Setup,
    pool: &NodePool,
    template: &Requirements,
    id: TypeId,
    requirements: &Requirements,
    capacity_type: CapacityType,
) -> NodeType {
    let group = NodeGroup {
        capacity_type,
        root_volume: pool.root_volume,
        max_pods: pool.max_pods,
        taints: pool.taints.clone(),
        ..NodeGroup::default()
    };
    let mut node = node_type(setup, &pool.name, &group, id);
    let instance = setup.catalog.instance_type(id);
    node.template.allocatable = instance.allocatable(&node_settings(pool, instance));
    if pool.auto_mode {
        node.template.auto_mode = true;
        // What AWS manages are processes of the host.
        let agents = setup.settings.daemon_sets.iter();
        let own = || agents.clone().filter(|agent| !MANAGED_AGENTS.contains(&agent.name.as_str()));
        node.template.daemons = own().map(|agent| agent.requests).sum();
        let scored = own().map(|agent| scored_request(&agent.requests));
        node.scored_daemons =
            scored.fold((Cpu::ZERO, Memory::ZERO), |sum, (cpu, memory)| (sum.0 + cpu, sum.1 + memory));
    }
    let singles = template.iter().chain(requirements.iter());
    let mut own: BTreeMap<String, String> = singles
        .filter(|(key, _)| *key != labels::ZONE)
        .filter_map(|(key, requirement)| Some((key.to_owned(), requirement.single()?.to_owned())))
        .collect();
    own.insert(labels::CAPACITY_TYPE.to_owned(), capacity_type.label().to_owned());
    for (old, new) in [
        ("beta.kubernetes.io/arch", labels::ARCH),
        ("beta.kubernetes.io/os", labels::OS),
        ("beta.kubernetes.io/instance-type", labels::INSTANCE_TYPE),
    ] {
        if let Some(value) = own.get(new).cloned() {
            own.insert(old.to_owned(), value);
        }
    }
    node.labels.labels = own;
    node
}

/// Karpenter with these pools; `node_types` are all kinds of nodes of the cluster.
pub(super) fn controller(
    setup: &Setup,
    config: platform::Karpenter,
    pools: Vec<Pool>,
    node_types: &[NodeType],
) -> Karpenter {
    let specs = setup.workload.pod_specs(&setup.trace.words);
    let zones = &setup.catalog.zones;
    let scheduler = Scheduler::new(pools, &specs, node_types, zones, Options::default());
    Karpenter::new(config, scheduler, zones.len())
}

/// What decides which kinds of nodes admit a pod, whatever its size.
type Demands = (PodArch, Word, Word, bool);

/// Says why pods can never run on nodes of `pools`, whose kinds begin at `first`. What of a kind of node admits them is
/// asked once for all that ask for the same.
pub(super) fn refuse_classes(
    setup: &Setup,
    pools: &[Pool],
    node_types: &[NodeType],
    first: TemplateId,
    refusals: &mut Refusals,
) {
    let kinds = pools.iter().flat_map(|pool| &pool.types).flat_map(|this| this.kinds.iter().flatten());
    let own = kinds.max().map_or(0..0, |last| first as usize..*last as usize + 1);
    let node_types = &node_types[own];
    let mut answers: BTreeMap<Demands, Vec<Option<Refusal>>> = BTreeMap::new();
    for (index, class) in setup.workload.classes.iter().enumerate() {
        let demands = (class.arch, class.node_selector, class.tolerations, class.interruptible);
        let answers = answers.entry(demands).or_insert_with(|| {
            let nothing = PodClass { requests: crate::units::Resources::ZERO, ..*class };
            node_types.iter().map(|node_type| refuse(setup, node_type, &nothing)).collect()
        });
        let admitting = || node_types.iter().zip(&*answers).filter(|(_, answer)| answer.is_none());
        let free = |node: &NodeType| node.template.allocatable - node.template.daemons;
        let fitting = admitting().any(|(node, _)| class.requests.fits_in(&free(node)));
        if fitting {
            if !within_limits(pools, first, answers, class) {
                let reason = "every node that could hold them exceeds the limits of its node pool";
                refusals.add(index, reason.to_owned());
            }
            continue;
        }
        // The most room that there is among those that would take them, or else how far the best one gets.
        let largest = admitting().max_by_key(|(node, _)| {
            let free = free(node);
            let asked = &class.requests;
            let short = usize::from(asked.cpu > free.cpu) + usize::from(asked.memory > free.memory);
            (std::cmp::Reverse(short), free.cpu, free.memory)
        });
        let reason = match largest {
            Some((node, _)) => {
                let refusal = Refusal::TooLarge { asked: class.requests, free: free(node) };
                Some(refusal.text(&setup.trace.words, node))
            }
            None => node_types
                .iter()
                .zip(&*answers)
                .filter_map(|(node, answer)| answer.map(|answer| (node, answer)))
                .min_by_key(|(_, answer)| answer.hurdle())
                .map(|(node, answer)| match answer {
                    Refusal::Arch => {
                        "no node pool has nodes of the architecture of their images (column arch, --arch)"
                            .to_owned()
                    }
                    other => other.text(&setup.trace.words, node),
                }),
        };
        if let Some(reason) = reason {
            refusals.add(index, reason);
        }
    }
}

fn within_limits(pools: &[Pool], first: TemplateId, answers: &[Option<Refusal>], class: &PodClass) -> bool {
    pools.iter().any(|pool| {
        let limits = &pool.spec.limits;
        limits.nodes != Some(0)
            && pool.types.iter().any(|this| {
                let mut kinds = this.kinds.iter().flatten().map(|kind| (*kind - first) as usize);
                let admitted = kinds.any(|kind| answers[kind].is_none());
                admitted
                    && class.requests.fits_in(&this.free())
                    && limits.cpu.is_none_or(|cpu| this.capacity.cpu <= cpu)
                    && limits.memory.is_none_or(|memory| this.capacity.memory <= memory)
            })
    })
}
