//! What is taken for granted of platforms: of the kinds that run.

use super::super::values::*;
use super::super::*;
use super::{Assumption, Row, listed};

/// The rows of every kind that runs.
pub(super) fn rows(platforms: &[Platform]) -> Vec<Assumption> {
    let mut all = Vec::new();
    let parts: Vec<(String, &Kind)> = platforms
        .iter()
        .flat_map(|whole| whole.parts().iter().map(|part| (whole.name_of(part), &part.kind)))
        .collect();
    let fargate = parts.iter().filter_map(|(name, kind)| match kind {
        Kind::Fargate(fargate) => Some((name.clone(), fargate)),
        _ => None,
    });
    all.extend(of_kind(FARGATE, &fargate.collect::<Vec<_>>(), &Fargate::default()));
    let node_groups: Vec<(String, &NodeGroups)> = parts
        .iter()
        .filter_map(|(name, kind)| match kind {
            Kind::NodeGroups(groups) => Some((name.clone(), groups)),
            _ => None,
        })
        .collect();
    let groups = node_groups.iter().flat_map(|(platform, groups)| {
        groups.groups.iter().map(move |group| match group.name.as_str() {
            "" => (platform.clone(), group),
            name => (format!("{platform}/{name}"), group),
        })
    });
    all.extend(of_kind(NODE_GROUP, &groups.collect::<Vec<_>>(), &NodeGroup::default()));
    all.extend(of_kind(NODE_GROUPS, &node_groups, &NodeGroups::default()));
    let karpenters = parts.iter().filter_map(|(name, kind)| match kind {
        Kind::Karpenter(karpenter) => Some((name.clone(), karpenter)),
        _ => None,
    });
    all.extend(of_kind(KARPENTER, &karpenters.collect::<Vec<_>>(), &Karpenter::default()));
    let auto_modes = parts.iter().filter_map(|(name, kind)| match kind {
        Kind::AutoMode(auto_mode) => Some((name.clone(), auto_mode)),
        _ => None,
    });
    all.extend(of_kind(AUTO_MODE, &auto_modes.collect::<Vec<_>>(), &AutoMode::default()));
    let mut pools: Vec<(String, &NodePool)> = Vec::new();
    for pool in parts.iter().flat_map(|(_, kind)| kind.node_pools()) {
        // The same pool may serve several platforms; variants have one each of the same name.
        if pools.iter().all(|(_, known)| *known != pool) {
            pools.push((pool.name.clone(), pool));
        }
    }
    all.extend(of_kind(NODE_POOL, &pools, &NodePool::default()));
    let (auto, own): (Vec<_>, Vec<_>) = pools.into_iter().partition(|(_, pool)| pool.auto_mode);
    all.extend(of_kind(EC2_NODE_CLASS, &own, &NodePool::default()));
    all.extend(of_kind(NODE_CLASS, &auto, &AutoMode::pool()));
    all
}

/// One row for each field; whose value it is is said where values differ.
fn of_kind<T>(rows: &[Row<T>], own: &[(String, &T)], default: &T) -> Vec<Assumption> {
    let Some((_, first)) = own.first() else { return Vec::new() };
    let row = |(name, value, source): &Row<T>| {
        let same = own.iter().all(|(_, other)| value(other) == value(first));
        let each =
            || own.iter().map(|(name, of)| format!("{name}: {}", value(of))).collect::<Vec<_>>().join("; ");
        let shown = if same { value(first) } else { each() };
        Assumption { name, value: shown, default: value(default), source }
    };
    rows.iter().map(row).collect()
}

const FARGATE: &[Row<Fargate>] = &[
    (
        "platforms[fargate].profiles",
        |f| match f.profiles.as_slice() {
            [] => "every pod".to_owned(),
            profiles => listed(profiles.iter().map(|profile| profile.name.clone())),
        },
        "no source; whose pods run on Fargate, only the cluster's profiles know",
    ),
    (
        "platforms[fargate].launchBurst",
        |f| f.launch_burst.to_string(),
        "AWS documentation: accounts that run only EKS pods",
    ),
    (
        "platforms[fargate].launchRate",
        |f| format!("{}/s", f.launch_rate),
        "AWS documentation: accounts that run only EKS pods",
    ),
    (
        "platforms[fargate].billUntil",
        |f| f.bill_until.word().to_owned(),
        "EKS user guide: a finished pod is billed until it is removed",
    ),
];

const NODE_GROUP: &[Row<NodeGroup>] = &[
    (
        "platforms[node-group].instanceTypes",
        |g| match &g.instance_type {
            None => "auto".into(),
            Some(first) => listed(std::iter::once(first).chain(&g.further_types).cloned()),
        },
        "the current x86 m, c or r type from large to 4xlarge that fits every pod that any of them fits, and \
         whose nodes for the busiest moments of ten minutes each (of fixed size: of all the time) cost least",
    ),
    (
        "platforms[node-group].capacityType",
        |g| g.capacity_type.word().to_owned(),
        "default of managed node groups",
    ),
    (
        "platforms[node-group].scaling",
        |g| match g.size {
            GroupSize::HoldPeak => "holdPeak".into(),
            GroupSize::Auto { min, max, desired } => {
                format!("minSize {min}, maxSize {max}, desiredSize {desired}")
            }
            GroupSize::Fixed(nodes) => format!("desiredSize {nodes}"),
        },
        "no source; nothing when nothing runs, and no bound that jobs come near",
    ),
    (
        "platforms[node-group].rootVolume",
        |g| memory_text(g.root_volume),
        "default of managed node groups with AL2023, gp3",
    ),
    (
        "platforms[node-group].maxPods",
        |g| g.max_pods.map_or_else(|| "auto".into(), |n| n.to_string()),
        "VPC CNI without prefixes: interfaces × (addresses − 1) + 2",
    ),
    ("platforms[node-group].labels", |g| labels(&g.labels), "default of managed node groups"),
    ("platforms[node-group].taints", |g| taints(&g.taints), "default of managed node groups"),
];

const NODE_GROUPS: &[Row<NodeGroups>] = &[
    (
        "platforms[node-group].upgrades",
        |g| {
            let one = |u: &Upgrade| {
                let group = u.group.as_deref().unwrap_or("every group");
                let force = if u.force { ", forced" } else { "" };
                format!("{group} after {}, {} at once{force}", duration_text(u.at), u.max_unavailable)
            };
            listed(g.upgrades.iter().map(one))
        },
        "no source; none is prescribed. How one goes: EKS user guide, managed node group update behavior",
    ),
    (
        "platforms[node-group].clusterAutoscaler.expander",
        |g| expanders_text(&g.autoscaler.expanders),
        "Cluster Autoscaler's default since 1.33",
    ),
    (
        "platforms[node-group].clusterAutoscaler.priorities",
        |g| {
            let one = |(priority, names): &(i64, Vec<String>)| format!("{priority}: {}", names.join(" "));
            listed(g.autoscaler.priorities.iter().map(one))
        },
        "no source; the ConfigMap of the expander priority, which is not the default",
    ),
    (
        "platforms[node-group].clusterAutoscaler.balance-similar-node-groups",
        |g| g.autoscaler.balance_similar_node_groups.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.scan-interval",
        |g| duration_text(g.autoscaler.scan_interval),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.frequent-loops-enabled",
        |g| g.autoscaler.frequent_loops_enabled.to_string(),
        "Cluster Autoscaler's default since 1.35",
    ),
    (
        "platforms[node-group].clusterAutoscaler.new-pod-scale-up-delay",
        |g| duration_text(g.autoscaler.new_pod_scale_up_delay),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.max-nodes-per-scaleup",
        |g| g.autoscaler.max_nodes_per_scaleup.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.max-nodes-total",
        |g| g.autoscaler.max_nodes_total.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.expendable-pods-priority-cutoff",
        |g| g.autoscaler.expendable_pods_priority_cutoff.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.max-node-provision-time",
        |g| duration_text(g.autoscaler.max_node_provision_time),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.scale-down-enabled",
        |g| g.autoscaler.scale_down_enabled.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.scale-down-delay-after-add",
        |g| duration_text(g.autoscaler.scale_down_delay_after_add),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.scale-down-delay-after-delete",
        |g| duration_text(g.autoscaler.scale_down_delay_after_delete),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.scale-down-delay-after-failure",
        |g| duration_text(g.autoscaler.scale_down_delay_after_failure),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.scale-down-unneeded-time",
        |g| duration_text(g.autoscaler.scale_down_unneeded_time),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.scale-down-utilization-threshold",
        |g| fraction_text(g.autoscaler.scale_down_utilization_threshold_ppm),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.ignore-daemonsets-utilization",
        |g| g.autoscaler.ignore_daemonsets_utilization.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.skip-nodes-with-system-pods",
        |g| g.autoscaler.skip_nodes_with_system_pods.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.skip-nodes-with-local-storage",
        |g| g.autoscaler.skip_nodes_with_local_storage.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.skip-nodes-with-custom-controller-pods",
        |g| g.autoscaler.skip_nodes_with_custom_controller_pods.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.unremovable-node-recheck-timeout",
        |g| duration_text(g.autoscaler.unremovable_node_recheck_timeout),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.max-scale-down-parallelism",
        |g| g.autoscaler.max_scale_down_parallelism.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.max-drain-parallelism",
        |g| g.autoscaler.max_drain_parallelism.to_string(),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.node-delete-delay-after-taint",
        |g| duration_text(g.autoscaler.node_delete_delay_after_taint),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.initial-node-group-backoff-duration",
        |g| duration_text(g.autoscaler.initial_node_group_backoff),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].clusterAutoscaler.max-node-group-backoff-duration",
        |g| duration_text(g.autoscaler.max_node_group_backoff),
        CA_DEFAULT,
    ),
    (
        "platforms[node-group].controllersHome",
        |g| home(&g.home),
        "requests of Cluster Autoscaler's example manifest for AWS; that Fargate runs it is a choice",
    ),
];

/// What some have built into their Karpenter is not in everybody's.
const STOCK: &str = "Karpenter has no such rule; this is how it behaves";

const CA_DEFAULT: &str = "Cluster Autoscaler's default (1.36)";

const KARPENTER: &[Row<Karpenter>] = &[
    (
        "platforms[karpenter].nodePools",
        |k| listed(k.node_pools.iter().map(|pool| pool.name.clone())),
        "no source; the built-in NodePool has the name of its built-in platform",
    ),
    (
        "platforms[karpenter].batchIdleDuration",
        |k| duration_text(k.batch_idle_duration),
        "Karpenter's default (BATCH_IDLE_DURATION)",
    ),
    (
        "platforms[karpenter].batchMaxDuration",
        |k| duration_text(k.batch_max_duration),
        "Karpenter's default (BATCH_MAX_DURATION)",
    ),
    (
        "platforms[karpenter].karpenterVersion",
        |k| k.version.word().to_owned(),
        "no source; the newest version whose rules are known here",
    ),
    (
        "platforms[karpenter].interruptionHandling",
        |k| k.interruption_handling.to_string(),
        "Karpenter's getting-started guide sets the queue up",
    ),
    (
        "platforms[karpenter].spotToSpotConsolidation",
        |k| k.spot_to_spot_consolidation.to_string(),
        "Karpenter's default: the feature gate is off",
    ),
    (
        "platforms[karpenter].drift",
        |k| {
            listed(k.drift.iter().map(|drift| {
                let pool = drift.node_pool.as_deref().unwrap_or("every NodePool");
                format!("{pool} after {}", duration_text(drift.at))
            }))
        },
        "no source; NodePools and AMIs stay as they are",
    ),
    (
        "platforms[karpenter].controllerSpeed",
        |k| k.controller_speed.word().to_owned(),
        "estimate: a scheduling round takes 1 ms a pod, a consolidation simulation 100 ms",
    ),
    (
        "platforms[karpenter].doNotDisrupt",
        |k| match k.do_not_disrupt {
            DoNotDisrupt::Recorded => "recorded".to_owned(),
            DoNotDisrupt::All => "all".to_owned(),
            DoNotDisrupt::None => "none".to_owned(),
            DoNotDisrupt::LongerThan(span) => format!("longer than {}", duration_text(span)),
        },
        "the trace",
    ),
    (
        "platforms[karpenter].scaleInUtilizationThreshold",
        |k| fraction_text(k.policies.scale_in_utilization_threshold_ppm),
        STOCK,
    ),
    ("platforms[karpenter].scaleOutDelay", |k| duration_text(k.policies.scale_out_delay), STOCK),
    ("platforms[karpenter].scaleOutHoldBack", |k| duration_text(k.policies.scale_out_hold_back), STOCK),
    ("platforms[karpenter].replaceAtNotice", |k| k.policies.replace_at_notice.to_string(), STOCK),
    (
        "platforms[karpenter].onDemandFallbackAfter",
        |k| duration_text(k.policies.on_demand_fallback_after),
        STOCK,
    ),
    (
        "platforms[karpenter].onDemandFallbackTtl",
        |k| k.policies.on_demand_fallback_ttl.map_or_else(|| "Never".to_owned(), duration_text),
        STOCK,
    ),
    (
        "platforms[karpenter].controllersHome",
        |k| home(&k.home),
        "replicas and requests of the getting-started guide; on Fargate as the EKS best-practices guide suggests",
    ),
];

const AUTO_MODE: &[Row<AutoMode>] = &[(
    "platforms[auto-mode].nodePools",
    |a| listed(a.node_pools.iter().map(|pool| pool.name.clone())),
    "EKS user guide: both built-in NodePools, as a new cluster has them; batching, and what agents of AWS take of a \
     node, are not published and taken to be the open Karpenter's and nothing",
)];

/// A budget on one line.
fn budget(budget: &Budget) -> String {
    let mut text = budget_nodes_text(budget.nodes);
    if !budget.reasons.is_empty() {
        let reasons: Vec<&str> = budget.reasons.iter().map(|reason| reason.word()).collect();
        text = format!("{text} for {}", reasons.join(" and "));
    }
    if let Some(window) = &budget.window {
        text = format!("{text} from {} for {}", window.schedule, kubernetes_duration_text(window.duration));
    }
    text
}

const NODE_POOL: &[Row<NodePool>] = &[
    ("NodePool.spec.weight", |p| p.weight.to_string(), "default of NodePools"),
    ("NodePool.spec.limits", |p| limits(&p.limits), "default of NodePools"),
    (
        "NodePool.spec.disruption.consolidationPolicy",
        |p| p.consolidation_policy.word().to_owned(),
        "no source; jobs that cannot move are left alone. Default of NodePools: WhenEmptyOrUnderutilized",
    ),
    (
        "NodePool.spec.disruption.consolidateAfter",
        |p| never_or(p.consolidate_after),
        "the examples of Karpenter's documentation; default of NodePools: 0s",
    ),
    ("NodePool.spec.disruption.budgets", |p| listed(p.budgets.iter().map(budget)), "default of NodePools"),
    ("NodePool.spec.template.metadata.labels", |p| labels(&p.labels), "default of NodePools"),
    (
        "NodePool.spec.template.spec.requirements",
        |p| listed(p.requirements.iter().map(requirement)),
        "the getting-started guide's NodePool for amd64 and on-demand",
    ),
    ("NodePool.spec.template.spec.taints", |p| taints(&p.taints), "default of NodePools"),
    ("NodePool.spec.template.spec.expireAfter", |p| never_or(p.expire_after), "default of NodePools"),
    (
        "NodePool.spec.template.spec.terminationGracePeriod",
        |p| p.termination_grace_period.map_or_else(|| "none".to_owned(), kubernetes_duration_text),
        "default of NodePools",
    ),
];

const NODE_CLASS: &[Row<NodePool>] = &[(
    "NodeClass.spec.ephemeralStorage",
    |p| memory_text(p.root_volume),
    "EKS user guide: default of NodeClasses, gp3; how large the volume of the operating system is, is not published, and \
     it is left out",
)];

const EC2_NODE_CLASS: &[Row<NodePool>] = &[
    (
        "EC2NodeClass.spec.blockDeviceMappings",
        |p| memory_text(p.root_volume),
        "default of EC2NodeClasses with AL2023, gp3",
    ),
    (
        "EC2NodeClass.spec.kubelet.maxPods",
        |p| p.max_pods.map_or_else(|| "auto".into(), |n| n.to_string()),
        "VPC CNI without prefixes: interfaces × (addresses − 1) + 2",
    ),
    (
        "EC2NodeClass.spec.kubelet.podsPerCore",
        |p| p.sizing.pods_per_core.map_or_else(|| "none".into(), |n| n.to_string()),
        "default of EC2NodeClasses",
    ),
    (
        "EC2NodeClass.spec.kubelet.systemReserved",
        |p| system_reserved(&p.sizing.system_reserved),
        "default of EC2NodeClasses",
    ),
    (
        "EC2NodeClass.spec.instanceStorePolicy",
        |p| if p.sizing.raid0 { "RAID0" } else { "none" }.to_owned(),
        "default of EC2NodeClasses",
    ),
    (
        "EC2NodeClass.spec.amiFamily",
        |p| if p.sizing.bottlerocket { "Bottlerocket" } else { "AL2023" }.to_owned(),
        "the getting-started guide's EC2NodeClass",
    ),
];

fn system_reserved(reserved: &Resources) -> String {
    if *reserved == Resources::ZERO {
        return "none".to_owned();
    }
    let Resources { cpu, memory, ephemeral, .. } = *reserved;
    format!(
        "cpu {} memory {} ephemeral-storage {}",
        cpu_text(cpu),
        memory_text(memory),
        memory_text(ephemeral)
    )
}

pub(super) fn home(home: &Home) -> String {
    match home {
        Home::Elsewhere => "elsewhere".to_owned(),
        Home::Fargate { pods, requests } => {
            format!("{pods} × Fargate {} {}", cpu_text(requests.cpu), memory_text(requests.memory))
        }
        Home::Nodes { instance_type, nodes } => format!("{nodes} × {instance_type}"),
    }
}

fn limits(limits: &PoolLimits) -> String {
    let parts = [
        limits.cpu.map(|cpu| format!("cpu {}", cpu_text(cpu))),
        limits.memory.map(|memory| format!("memory {}", memory_text(memory))),
        limits.nodes.map(|nodes| format!("nodes {nodes}")),
    ];
    listed(parts.into_iter().flatten())
}

/// `instance-category In c m r`: the domain of a label is left out.
fn requirement(requirement: &NodeRequirement) -> String {
    let key = requirement.key.rsplit('/').next().unwrap_or_default();
    let least = requirement.min_values.map(|least| format!("(minValues {least})"));
    let words = [key, requirement.operator.word()].into_iter();
    let values = requirement.values.iter().map(String::as_str);
    words.chain(values).chain(least.as_deref()).collect::<Vec<_>>().join(" ")
}

fn labels(labels: &[(String, String)]) -> String {
    listed(labels.iter().map(|(key, value)| format!("{key}={value}")))
}

fn taints(taints: &[Taint]) -> String {
    listed(taints.iter().map(|t| format!("{}={}:{}", t.key, t.value, t.effect.word())))
}
