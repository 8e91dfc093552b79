//! The platforms of a printed scenario.

use super::super::super::values::*;
use super::super::super::*;
use super::super::candidates::base_name;
use super::node_pools::Documents;
use super::yaml::{Yaml, field, text, whole_number};

/// The platform, which refers to its NodePools by the names of `pools`.
pub(super) fn platform(p: &Platform, pools: &Documents) -> Yaml {
    with_groups(p, pools, groups)
}

/// The platform, of whose node groups only the names are said.
pub(super) fn referring(p: &Platform) -> Yaml {
    with_groups(p, &Documents::of(std::slice::from_ref(p)), |g| {
        let names = g.groups.iter().map(|group| group_name(&p.name, group).to_owned());
        vec![field("nodeGroups", Yaml::InlineList(names.collect()))]
    })
}

/// How a ClusterConfig calls a group of this platform.
pub(in crate::platform) fn group_name<'n>(platform: &'n str, group: &'n NodeGroup) -> &'n str {
    if group.name.is_empty() { base_name(platform) } else { &group.name }
}

fn with_groups(p: &Platform, pools: &Documents, groups: impl Fn(&NodeGroups) -> Vec<(String, Yaml)>) -> Yaml {
    let mut fields = vec![field("name", text(&p.name)), field("kind", text(p.kind.word()))];
    match &p.kind {
        Kind::Recorded => {}
        Kind::Fargate(f) => fields.extend(profiles(&f.profiles).into_iter().chain([
            field("launchBurst", Yaml::Whole(f.launch_burst.into())),
            field("launchRate", Yaml::Whole(f.launch_rate.into())),
            field("billUntil", text(f.bill_until.word())),
        ])),
        Kind::NodeGroups(g) => {
            fields.extend(groups(g));
            if !g.upgrades.is_empty() {
                fields.push(field("upgrades", Yaml::List(g.upgrades.iter().map(upgrade).collect())));
            }
            // Without a group that changes its size, there is none.
            if g.is_autoscaled() {
                let mut flags = flags(&g.autoscaler, duration_text);
                flags.extend(priorities("priorities", &g.autoscaler));
                fields.push(field("clusterAutoscaler", Yaml::Map(flags)));
                fields.push(home(&g.home));
            }
        }
        Kind::Karpenter(k) => fields.extend(karpenter(k, pools)),
        Kind::AutoMode(a) => fields.push(node_pools(&a.node_pools, pools)),
        Kind::Mixed(mixed) => {
            let parts = mixed.parts.iter().map(|part| platform(part, pools));
            fields.push(field("parts", Yaml::List(parts.collect())));
        }
    }
    Yaml::Map(fields)
}

fn upgrade(u: &Upgrade) -> Yaml {
    let mut fields = vec![field("at", text(duration_text(u.at)))];
    fields.extend(u.group.as_ref().map(|group| field("nodeGroup", text(group))));
    fields.push(field("force", Yaml::Bool(u.force)));
    fields.push(field("maxUnavailable", Yaml::Whole(u.max_unavailable.into())));
    Yaml::Inline(fields)
}

fn groups(g: &NodeGroups) -> Vec<(String, Yaml)> {
    match g.groups.as_slice() {
        [only] if only.name.is_empty() => node_group(only),
        several => {
            let group = |g: &NodeGroup| {
                let name = field("name", text(&g.name));
                Yaml::Map(std::iter::once(name).chain(node_group(g)).collect())
            };
            vec![field("groups", Yaml::List(several.iter().map(group).collect()))]
        }
    }
}

/// The priorities of the expander of that name, under `key`; nothing if there are none.
pub(in crate::platform) fn priorities(key: &str, ca: &ClusterAutoscaler) -> Option<(String, Yaml)> {
    let one = |(priority, names): &(i64, Vec<String>)| {
        let names = names.iter().map(|name| Yaml::Str(name.clone())).collect();
        (priority.to_string(), Yaml::List(names))
    };
    let all = ca.priorities.iter().map(one).collect();
    (!ca.priorities.is_empty()).then(|| field(key, Yaml::Map(all)))
}

/// Cluster Autoscaler's flags, with durations as `span` writes them.
pub(in crate::platform) fn flags(
    ca: &ClusterAutoscaler,
    span: impl Fn(Span) -> String,
) -> Vec<(String, Yaml)> {
    let span = |value| text(span(value));
    let threshold = match ca.scale_down_utilization_threshold_ppm {
        ppm if ppm % 100_000 == 0 => Yaml::Tenths(i64::from(ppm / 100_000)),
        ppm => text(fraction_text(ppm)),
    };
    vec![
        field("expander", text(expanders_text(&ca.expanders))),
        field("balance-similar-node-groups", Yaml::Bool(ca.balance_similar_node_groups)),
        field("scan-interval", span(ca.scan_interval)),
        field("frequent-loops-enabled", Yaml::Bool(ca.frequent_loops_enabled)),
        field("new-pod-scale-up-delay", span(ca.new_pod_scale_up_delay)),
        field("max-nodes-per-scaleup", Yaml::Whole(ca.max_nodes_per_scaleup.into())),
        field("max-nodes-total", Yaml::Whole(ca.max_nodes_total.into())),
        field("expendable-pods-priority-cutoff", text(ca.expendable_pods_priority_cutoff.to_string())),
        field("max-node-provision-time", span(ca.max_node_provision_time)),
        field("scale-down-enabled", Yaml::Bool(ca.scale_down_enabled)),
        field("scale-down-delay-after-add", span(ca.scale_down_delay_after_add)),
        field("scale-down-delay-after-delete", span(ca.scale_down_delay_after_delete)),
        field("scale-down-delay-after-failure", span(ca.scale_down_delay_after_failure)),
        field("scale-down-unneeded-time", span(ca.scale_down_unneeded_time)),
        field("scale-down-utilization-threshold", threshold),
        field("ignore-daemonsets-utilization", Yaml::Bool(ca.ignore_daemonsets_utilization)),
        field("skip-nodes-with-system-pods", Yaml::Bool(ca.skip_nodes_with_system_pods)),
        field("skip-nodes-with-local-storage", Yaml::Bool(ca.skip_nodes_with_local_storage)),
        field(
            "skip-nodes-with-custom-controller-pods",
            Yaml::Bool(ca.skip_nodes_with_custom_controller_pods),
        ),
        field("unremovable-node-recheck-timeout", span(ca.unremovable_node_recheck_timeout)),
        field("max-scale-down-parallelism", Yaml::Whole(ca.max_scale_down_parallelism.into())),
        field("max-drain-parallelism", Yaml::Whole(ca.max_drain_parallelism.into())),
        field("node-delete-delay-after-taint", span(ca.node_delete_delay_after_taint)),
        field("initial-node-group-backoff-duration", span(ca.initial_node_group_backoff)),
        field("max-node-group-backoff-duration", span(ca.max_node_group_backoff)),
    ]
}

fn karpenter(k: &Karpenter, pools: &Documents) -> Vec<(String, Yaml)> {
    let mut fields = vec![
        node_pools(&k.node_pools, pools),
        field("batchIdleDuration", text(duration_text(k.batch_idle_duration))),
        field("batchMaxDuration", text(duration_text(k.batch_max_duration))),
        field("karpenterVersion", text(k.version.word())),
        field("interruptionHandling", Yaml::Bool(k.interruption_handling)),
        field("spotToSpotConsolidation", Yaml::Bool(k.spot_to_spot_consolidation)),
        field("drift", Yaml::List(k.drift.iter().map(drift).collect())),
        field("controllerSpeed", text(k.controller_speed.word())),
        field("doNotDisrupt", do_not_disrupt(k.do_not_disrupt)),
    ];
    fields.extend(policies(&k.policies));
    fields.push(home(&k.home));
    fields
}

fn policies(p: &Policies) -> [(String, Yaml); 6] {
    let span = |span| text(duration_text(span));
    let ttl = p.on_demand_fallback_ttl.map_or_else(|| text("Never"), span);
    [
        field("scaleInUtilizationThreshold", text(fraction_text(p.scale_in_utilization_threshold_ppm))),
        field("scaleOutDelay", span(p.scale_out_delay)),
        field("scaleOutHoldBack", span(p.scale_out_hold_back)),
        field("replaceAtNotice", Yaml::Bool(p.replace_at_notice)),
        field("onDemandFallbackAfter", span(p.on_demand_fallback_after)),
        field("onDemandFallbackTtl", ttl),
    ]
}

fn do_not_disrupt(which: DoNotDisrupt) -> Yaml {
    match which {
        DoNotDisrupt::LongerThan(span) => Yaml::Inline(vec![field("longerThan", text(duration_text(span)))]),
        DoNotDisrupt::Recorded => text("recorded"),
        DoNotDisrupt::All => text("all"),
        DoNotDisrupt::None => text("none"),
    }
}

fn node_pools(own: &[NodePool], pools: &Documents) -> (String, Yaml) {
    field("nodePools", Yaml::InlineList(own.iter().map(|pool| pools.name_of(pool).to_owned()).collect()))
}

/// Nothing where every pod runs on Fargate.
fn profiles(profiles: &[FargateProfile]) -> Option<(String, Yaml)> {
    let selector = |selector: &ProfileSelector| {
        let mut fields = vec![field("namespace", Yaml::Str(selector.namespace.clone()))];
        if !selector.labels.is_empty() {
            fields.push(field("labels", labels(&selector.labels)));
        }
        Yaml::Map(fields)
    };
    let profile = |profile: &FargateProfile| {
        Yaml::Map(vec![
            field("name", Yaml::Str(profile.name.clone())),
            field("selectors", Yaml::List(profile.selectors.iter().map(selector).collect())),
        ])
    };
    (!profiles.is_empty()).then(|| field("profiles", Yaml::List(profiles.iter().map(profile).collect())))
}

fn drift(drift: &Drift) -> Yaml {
    let mut fields = vec![field("at", text(duration_text(drift.at)))];
    fields.extend(drift.node_pool.as_ref().map(|pool| field("nodePool", Yaml::Str(pool.clone()))));
    Yaml::Inline(fields)
}

fn home(home: &Home) -> (String, Yaml) {
    let value = match home {
        Home::Elsewhere => text("elsewhere"),
        Home::Fargate { .. } | Home::Nodes { .. } => Yaml::Inline(machines(home)),
    };
    field("controllersHome", value)
}

/// The fields of machines.
pub(in crate::platform) fn machines(home: &Home) -> Vec<(String, Yaml)> {
    match home {
        Home::Elsewhere => Vec::new(),
        Home::Fargate { pods, requests } => vec![
            field("fargatePods", Yaml::Whole((*pods).into())),
            field("cpu", text(cpu_text(requests.cpu))),
            field("memory", text(memory_text(requests.memory))),
        ],
        Home::Nodes { instance_type, nodes } => {
            vec![field("instanceType", text(instance_type)), field("nodes", Yaml::Whole((*nodes).into()))]
        }
    }
}

pub(in crate::platform) fn labels(labels: &[(String, String)]) -> Yaml {
    Yaml::Map(labels.iter().map(|(key, value)| (key.clone(), Yaml::Str(value.clone()))).collect())
}

pub(in crate::platform) fn taints(taints: &[Taint]) -> Yaml {
    let taint = |t: &Taint| {
        Yaml::Inline(vec![
            field("key", Yaml::Str(t.key.clone())),
            field("value", Yaml::Str(t.value.clone())),
            field("effect", text(t.effect.word())),
        ])
    };
    Yaml::List(taints.iter().map(taint).collect())
}

fn node_group(g: &NodeGroup) -> Vec<(String, Yaml)> {
    let types = g.instance_type.as_ref().map_or(text("auto"), |first| {
        Yaml::InlineList(std::iter::once(first).chain(&g.further_types).cloned().collect())
    });
    let scaling = match g.size {
        GroupSize::HoldPeak => text("holdPeak"),
        GroupSize::Auto { min, max, desired } => Yaml::Inline(vec![
            field("minSize", Yaml::Whole(min.into())),
            field("maxSize", Yaml::Whole(max.into())),
            field("desiredSize", Yaml::Whole(desired.into())),
        ]),
        GroupSize::Fixed(nodes) => Yaml::Inline(vec![field("desiredSize", Yaml::Whole(nodes.into()))]),
    };
    vec![
        field("instanceTypes", types),
        field("capacityType", text(g.capacity_type.word())),
        field("scaling", scaling),
        field("rootVolume", text(memory_text(g.root_volume))),
        field("maxPods", g.max_pods.map_or(text("auto"), whole_number)),
        field("labels", labels(&g.labels)),
        field("taints", taints(&g.taints)),
    ]
}
