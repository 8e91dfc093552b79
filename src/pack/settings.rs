//! The settings of a case, under the names that Karpenter's options, Cluster Autoscaler's flags and kube-scheduler's
//! configuration have, however they are spelled: `preferencePolicy`, `preference-policy` and `PREFERENCE_POLICY` are
//! one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::reading::{
    Object, Read, Wrong, boolean, duration, integer, list, number, owned, string, time, unknown, wanted, word,
};
use crate::decide::kube_scheduler::{
    self,
    score::{BalancedAllocation, Scoring},
};
use crate::units::{Span, Time};

/// What decides besides pods, nodes and instance types. Times are those since which something holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Whose catalogue stands in for instance types that are not given.
    pub region: String,
    pub karpenter: Karpenter,
    pub cluster_autoscaler: ClusterAutoscaler,
    pub kube_scheduler: kube_scheduler::Settings,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Karpenter {
    /// Minor version 13: candidates of consolidation in the order of 1.13.
    pub is_1_13: bool,
    /// `preferencePolicy: Ignore`.
    pub ignores_preferences: bool,
    /// `minValuesPolicy: BestEffort`.
    pub min_values_are_best_effort: bool,
    pub spot_to_spot: bool,
    pub reserved_capacity: bool,
    /// Labels that a NodePool need not define, besides Kubernetes' and AWS's.
    pub well_known_labels: Vec<String>,
    /// Methods of disruption that are tried; all of them by default.
    pub methods: Vec<Method>,
}

/// A method of disruption, in the order in which Karpenter tries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Emptiness,
    Drift,
    MultiNode,
    SingleNode,
}

impl Method {
    pub const ALL: [(&str, Self); 4] = [
        ("emptiness", Self::Emptiness),
        ("drift", Self::Drift),
        ("multi-node", Self::MultiNode),
        ("single-node", Self::SingleNode),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("", |(name, _)| name)
    }
}

/// Cluster Autoscaler's flags, with its defaults, and what it remembers of earlier loops.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterAutoscaler {
    pub expanders: Vec<Expander>,
    /// Of the priority expander: regular expressions of names by priority.
    pub priorities: BTreeMap<i64, Vec<String>>,
    pub balances_similar: bool,
    pub balancing_ignored_labels: Vec<String>,
    pub balancing_labels: Vec<String>,
    pub memory_difference_ratio: f64,
    pub free_difference_ratio: f64,
    pub allocatable_difference_ratio: f64,
    pub max_nodes_per_scale_up: i64,
    pub max_nodes_total: i64,
    pub expendable_priority: i32,
    pub new_pod_scale_up_delay: Span,
    pub scale_down_enabled: bool,
    pub utilization_threshold: f64,
    pub gpu_utilization_threshold: f64,
    pub unneeded_time: Span,
    pub unready_time: Span,
    pub delay_after_add: Span,
    pub delay_after_delete: Span,
    pub delay_after_failure: Span,
    pub skips_system_pods: bool,
    pub skips_local_storage: bool,
    pub skips_custom_controllers: bool,
    pub min_replicas: i64,
    pub ignores_daemon_sets: bool,
    pub ignores_mirror_pods: bool,
    pub max_scale_down: i64,
    pub max_drain: i64,
    pub non_empty_candidates: i64,
    pub candidates_pool_ratio: f64,
    pub candidates_pool_min: i64,
    pub last_scale_up: Option<Time>,
    pub last_scale_down: Option<Time>,
    pub last_scale_down_failure: Option<Time>,
    /// Since when these nodes have been unneeded in every loop.
    pub unneeded_since: BTreeMap<String, Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expander {
    LeastWaste,
    MostPods,
    LeastNodes,
    Priority,
    Random,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            karpenter: Karpenter {
                is_1_13: false,
                ignores_preferences: false,
                min_values_are_best_effort: false,
                spot_to_spot: false,
                reserved_capacity: true,
                well_known_labels: Vec::new(),
                methods: Method::ALL.map(|(_, method)| method).to_vec(),
            },
            cluster_autoscaler: ClusterAutoscaler::default(),
            kube_scheduler: kube_scheduler::Settings::default(),
        }
    }
}

/// The flags' defaults in 1.36 (`config/flags/flags.go` of cluster-autoscaler).
impl Default for ClusterAutoscaler {
    fn default() -> Self {
        Self {
            expanders: vec![Expander::LeastWaste],
            priorities: BTreeMap::new(),
            balances_similar: false,
            balancing_ignored_labels: Vec::new(),
            balancing_labels: Vec::new(),
            memory_difference_ratio: 0.015,
            free_difference_ratio: 0.05,
            allocatable_difference_ratio: 0.05,
            max_nodes_per_scale_up: 1_000,
            max_nodes_total: 0,
            expendable_priority: -10,
            new_pod_scale_up_delay: Span::ZERO,
            scale_down_enabled: true,
            utilization_threshold: 0.5,
            gpu_utilization_threshold: 0.5,
            unneeded_time: Span::from_secs(600),
            unready_time: Span::from_secs(1_200),
            delay_after_add: Span::from_secs(600),
            delay_after_delete: Span::ZERO,
            delay_after_failure: Span::from_secs(180),
            skips_system_pods: true,
            skips_local_storage: true,
            skips_custom_controllers: true,
            min_replicas: 0,
            ignores_daemon_sets: false,
            ignores_mirror_pods: false,
            max_scale_down: 10,
            max_drain: 1,
            non_empty_candidates: 30,
            candidates_pool_ratio: 0.1,
            candidates_pool_min: 50,
            last_scale_up: None,
            last_scale_down: None,
            last_scale_down_failure: None,
            unneeded_since: BTreeMap::new(),
        }
    }
}

type Setter = fn(&mut Settings, &Value) -> Read<()>;

/// A setter that puts what `$read` makes of the value into a field.
macro_rules! set {
    ($($field:ident).+, $read:expr) => {
        |settings, value| {
            settings.$($field).+ = $read(value)?;
            Ok(())
        }
    };
}

/// Everything that has an effect, as docs/pack.md lists it.
const NAMES: &[(&str, Setter)] = &[
    ("region", set!(region, owned)),
    ("karpenterVersion", set!(karpenter.is_1_13, |value| Ok::<_, Wrong>(minor(value, 1)? <= 13))),
    (
        "preferencePolicy",
        set!(karpenter.ignores_preferences, |value| word(value, &[("Respect", false), ("Ignore", true)])),
    ),
    (
        "minValuesPolicy",
        set!(karpenter.min_values_are_best_effort, |value| word(
            value,
            &[("Strict", false), ("BestEffort", true)]
        )),
    ),
    ("spotToSpotConsolidation", set!(karpenter.spot_to_spot, boolean)),
    ("reservedCapacity", set!(karpenter.reserved_capacity, boolean)),
    ("featureGates", feature_gates),
    ("wellKnownLabels", set!(karpenter.well_known_labels, strings)),
    ("methods", methods),
    ("expander", expanders),
    ("priorities", priorities),
    ("balanceSimilarNodeGroups", set!(cluster_autoscaler.balances_similar, boolean)),
    ("balancingIgnoreLabel", set!(cluster_autoscaler.balancing_ignored_labels, strings)),
    ("balancingLabel", set!(cluster_autoscaler.balancing_labels, strings)),
    ("memoryDifferenceRatio", set!(cluster_autoscaler.memory_difference_ratio, number)),
    ("maxFreeDifferenceRatio", set!(cluster_autoscaler.free_difference_ratio, number)),
    ("maxAllocatableDifferenceRatio", set!(cluster_autoscaler.allocatable_difference_ratio, number)),
    ("maxNodesPerScaleup", set!(cluster_autoscaler.max_nodes_per_scale_up, integer)),
    ("maxNodesTotal", set!(cluster_autoscaler.max_nodes_total, integer)),
    ("expendablePodsPriorityCutoff", set!(cluster_autoscaler.expendable_priority, small)),
    ("newPodScaleUpDelay", set!(cluster_autoscaler.new_pod_scale_up_delay, duration)),
    ("scaleDownEnabled", set!(cluster_autoscaler.scale_down_enabled, boolean)),
    ("scaleDownUtilizationThreshold", set!(cluster_autoscaler.utilization_threshold, number)),
    ("scaleDownGpuUtilizationThreshold", set!(cluster_autoscaler.gpu_utilization_threshold, number)),
    ("scaleDownUnneededTime", set!(cluster_autoscaler.unneeded_time, duration)),
    ("scaleDownUnreadyTime", set!(cluster_autoscaler.unready_time, duration)),
    ("scaleDownDelayAfterAdd", set!(cluster_autoscaler.delay_after_add, duration)),
    ("scaleDownDelayAfterDelete", set!(cluster_autoscaler.delay_after_delete, duration)),
    ("scaleDownDelayAfterFailure", set!(cluster_autoscaler.delay_after_failure, duration)),
    ("skipNodesWithSystemPods", set!(cluster_autoscaler.skips_system_pods, boolean)),
    ("skipNodesWithLocalStorage", set!(cluster_autoscaler.skips_local_storage, boolean)),
    ("skipNodesWithCustomControllerPods", set!(cluster_autoscaler.skips_custom_controllers, boolean)),
    ("minReplicaCount", set!(cluster_autoscaler.min_replicas, integer)),
    ("ignoreDaemonsetsUtilization", set!(cluster_autoscaler.ignores_daemon_sets, boolean)),
    ("ignoreMirrorPodsUtilization", set!(cluster_autoscaler.ignores_mirror_pods, boolean)),
    ("maxScaleDownParallelism", set!(cluster_autoscaler.max_scale_down, integer)),
    ("maxDrainParallelism", set!(cluster_autoscaler.max_drain, integer)),
    ("scaleDownNonEmptyCandidatesCount", set!(cluster_autoscaler.non_empty_candidates, integer)),
    ("scaleDownCandidatesPoolRatio", set!(cluster_autoscaler.candidates_pool_ratio, number)),
    ("scaleDownCandidatesPoolMinCount", set!(cluster_autoscaler.candidates_pool_min, integer)),
    ("lastScaleUp", set!(cluster_autoscaler.last_scale_up, |value| time(value).map(Some))),
    ("lastScaleDown", set!(cluster_autoscaler.last_scale_down, |value| time(value).map(Some))),
    ("lastScaleDownFailure", set!(cluster_autoscaler.last_scale_down_failure, |value| time(value).map(Some))),
    ("unneededSince", unneeded_since),
    ("scoring", scoring),
    ("scoringStrategy", scoring),
    ("balancedAllocation", balanced_allocation),
    ("defaultConstraints", default_constraints),
    ("defaultingType", default_constraints),
];

/// Options of the real programs that change when they decide, or what they log, and not what.
const WITHOUT_EFFECT: &[&str] = &[
    "batchIdleDuration",
    "batchMaxDuration",
    "clusterEndpoint",
    "clusterName",
    "cloudProvider",
    "cpuRequests",
    "frequentLoopsEnabled",
    "ignoreDRARequests",
    "interruptionQueue",
    "isolatedVPC",
    "logLevel",
    "maxBinpackingTime",
    "maxGracefulTerminationSec",
    "maxNodegroupBinpackingDuration",
    "maxNodeProvisionTime",
    "nodeDeleteDelayAfterTaint",
    "nodeGroupAutoDiscovery",
    "okTotalUnreadyCount",
    "maxTotalUnreadyPercentage",
    "scanInterval",
    "scaleDownSimulationTimeout",
    "unremovableNodeRecheckTimeout",
];

impl Settings {
    pub fn read(value: &Value) -> Read<Self> {
        let mut settings = Self::default();
        for (name, value) in Object::of(value)?.entries() {
            let plain = plain(name);
            if let Some((_, set)) = NAMES.iter().find(|(known, _)| self::plain(known) == plain) {
                set(&mut settings, value).map_err(|wrong| wrong.within(name))?;
            } else if !WITHOUT_EFFECT.iter().any(|known| self::plain(known) == plain) {
                return Err(nothing_called(name).within(name));
            }
        }
        Ok(settings)
    }
}

/// A name without what the spellings differ in.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '-' | '_'));
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Compares without regard to spelling, suggests in camelCase.
fn nothing_called(name: &str) -> Wrong {
    let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
    let parts = name.trim_start_matches('-').split(['-', '_']).filter(|part| !part.is_empty()).enumerate();
    let is_upper = name.bytes().all(|byte| !byte.is_ascii_lowercase());
    let camel: String = parts
        .map(|(index, part)| {
            let part = if is_upper { part.to_ascii_lowercase() } else { part.to_owned() };
            match part.split_at_checked(1) {
                Some((first, rest)) if index > 0 => first.to_ascii_uppercase() + rest,
                _ => part,
            }
        })
        .collect();
    Wrong {
        text: Some(name.to_owned()),
        message: format!("unknown setting `{name}`"),
        ..unknown("setting", &camel, &known)
    }
}

fn strings(value: &Value) -> Read<Vec<String>> {
    match value {
        Value::String(text) => Ok(text.split(',').map(|part| part.trim().to_owned()).collect()),
        _ => list(value, owned),
    }
}

fn small(value: &Value) -> Read<i32> {
    i32::try_from(integer(value)?).map_err(|_| wanted("a number of 32 bits", value))
}

/// The minor version of `1.14`, `v1.14.1` or the number 1.14.
fn minor(value: &Value, major: u32) -> Read<u32> {
    let wrong = || wanted("a version such as \"1.14\"", value);
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut parts = text.trim_start_matches('v').split('.');
    if parts.next().and_then(|part| part.parse().ok()) != Some(major) {
        return Err(wrong());
    }
    parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)
}

/// `SpotToSpotConsolidation=true,NodeRepair=false`, or an object of the same.
fn feature_gates(settings: &mut Settings, value: &Value) -> Read<()> {
    const OTHERS: [&str; 4] = ["NodeRepair", "NodeOverlay", "StaticCapacity", "CapacityBuffer"];
    let mut set = |gate: &str, is_on: bool| match gate {
        "SpotToSpotConsolidation" => {
            settings.karpenter.spot_to_spot = is_on;
            Ok(())
        }
        "ReservedCapacity" => {
            settings.karpenter.reserved_capacity = is_on;
            Ok(())
        }
        _ if OTHERS.contains(&gate) => Ok(()),
        _ => Err(unknown("feature gate", gate, &["SpotToSpotConsolidation", "ReservedCapacity"])),
    };
    let Value::String(text) = value else {
        let mut gates = Object::of(value)?.entries();
        return gates.try_for_each(|(gate, value)| {
            let gate_name = gate[..1.min(gate.len())].to_ascii_uppercase() + gate.get(1..).unwrap_or("");
            set(&gate_name, boolean(value)?).map_err(|wrong| wrong.within(gate))
        });
    };
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (gate, is_on) = part.split_once('=').ok_or_else(|| wanted("Gate=true or Gate=false", value))?;
        set(gate.trim(), boolean(&Value::from(is_on.trim()))?)?;
    }
    Ok(())
}

fn methods(settings: &mut Settings, value: &Value) -> Read<()> {
    let mut methods = list(value, |value| {
        let name = Value::from(string(value)?.replace("Consolidation", ""));
        let plain_names = Method::ALL.map(|(name, method)| (name.replace('-', ""), method));
        let wanted = plain(string(&name)?);
        match plain_names.iter().find(|(name, _)| *name == wanted) {
            Some((_, method)) => Ok(*method),
            None => word(value, &Method::ALL),
        }
    })?;
    methods.sort_unstable();
    methods.dedup();
    settings.karpenter.methods = methods;
    Ok(())
}

fn expanders(settings: &mut Settings, value: &Value) -> Read<()> {
    let words = [
        ("least-waste", Expander::LeastWaste),
        ("most-pods", Expander::MostPods),
        ("least-nodes", Expander::LeastNodes),
        ("priority", Expander::Priority),
        ("random", Expander::Random),
    ];
    let names = strings(value)?;
    let read = names.iter().map(|name| word(&Value::from(name.as_str()), &words)).collect::<Read<_>>();
    settings.cluster_autoscaler.expanders = read?;
    Ok(())
}

/// As in the ConfigMap of the priority expander: `{"10": ["spot.*"]}`.
fn priorities(settings: &mut Settings, value: &Value) -> Read<()> {
    for (priority, names) in Object::of(value)?.entries() {
        let number = priority.parse().map_err(|_| wanted("a priority", &Value::from(priority)))?;
        let names = strings(names).map_err(|wrong| wrong.within(priority))?;
        settings.cluster_autoscaler.priorities.insert(number, names);
    }
    Ok(())
}

fn unneeded_since(settings: &mut Settings, value: &Value) -> Read<()> {
    for (node, since) in Object::of(value)?.entries() {
        let since = time(since).map_err(|wrong| wrong.within(node))?;
        settings.cluster_autoscaler.unneeded_since.insert(node.to_owned(), since);
    }
    Ok(())
}

/// `MostAllocated`, or `{"type": "MostAllocated"}` as in `NodeResourcesFitArgs`.
fn scoring(settings: &mut Settings, value: &Value) -> Read<()> {
    let words = [("LeastAllocated", Scoring::LeastAllocated), ("MostAllocated", Scoring::MostAllocated)];
    settings.kube_scheduler.scoring = match value {
        Value::Object(_) => Object::of(value)?.need("type", |value| word(value, &words))?,
        _ => word(value, &words)?,
    };
    Ok(())
}

/// The minor version whose formula is meant.
fn balanced_allocation(settings: &mut Settings, value: &Value) -> Read<()> {
    settings.kube_scheduler.balanced_allocation =
        if minor(value, 1)? >= 36 { BalancedAllocation::Improvement } else { BalancedAllocation::Absolute };
    Ok(())
}

/// `System` or `true`; `None` (or `List`, which starts empty) or `false`.
fn default_constraints(settings: &mut Settings, value: &Value) -> Read<()> {
    let words = [("System", true), ("List", false), ("None", false), ("true", true), ("false", false)];
    settings.kube_scheduler.default_constraints = match value {
        Value::Bool(given) => *given,
        _ => word(value, &words)?,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_setting_has_several_spellings() {
        for name in ["balanceSimilarNodeGroups", "balance-similar-node-groups", "BALANCE_SIMILAR_NODE_GROUPS"]
        {
            let settings = Settings::read(&json!({name: true})).unwrap();
            assert!(settings.cluster_autoscaler.balances_similar, "{name}");
        }
    }

    #[test]
    fn settings_have_the_meaning_of_their_programs() {
        let settings = Settings::read(&json!({
            "featureGates": "SpotToSpotConsolidation=true,NodeRepair=false",
            "karpenterVersion": "v1.13.2",
            "scale-down-unneeded-time": "5m",
            "expander": "priority,least-waste",
            "methods": ["SingleNodeConsolidation", "emptiness"],
            "batchIdleDuration": "1s",
            "scoring": {"type": "MostAllocated"},
        }))
        .unwrap();
        let Settings { karpenter, cluster_autoscaler, kube_scheduler, .. } = settings;
        assert!(karpenter.spot_to_spot && karpenter.is_1_13 && karpenter.reserved_capacity);
        assert_eq!(karpenter.methods, [Method::Emptiness, Method::SingleNode]);
        assert_eq!(cluster_autoscaler.unneeded_time, Span::from_secs(300));
        assert_eq!(cluster_autoscaler.expanders, [Expander::Priority, Expander::LeastWaste]);
        assert_eq!(kube_scheduler.scoring, Scoring::MostAllocated);
    }

    #[test]
    fn what_is_not_a_setting_is_refused_with_the_one_that_was_meant() {
        for (given, hint) in [
            (json!({"preference-polciy": "Ignore"}), "did you mean `preferencePolicy`?"),
            (json!({"BALANCE_SIMILAR_NODEGROUP": true}), "did you mean `balanceSimilarNodeGroups`?"),
            (json!({"preferencePolicy": "ignored"}), "one of Respect, Ignore"),
            (json!({"featureGates": "SpotToSpot=true"}), "one of SpotToSpotConsolidation, ReservedCapacity"),
            (json!({"colour": "red"}), "docs/pack.md lists them all"),
        ] {
            assert_eq!(Settings::read(&given).unwrap_err().hint.as_deref(), Some(hint), "{given}");
        }
    }

    #[test]
    fn every_setting_is_documented() {
        let docs = include_str!("../../docs/pack.md");
        for name in NAMES.iter().map(|(name, _)| name).chain(WITHOUT_EFFECT) {
            assert!(docs.contains(&format!("`{name}`")), "docs/pack.md does not say what {name} does");
        }
    }
}
