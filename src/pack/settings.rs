//! The settings of a case, under the names that Karpenter's options, Cluster Autoscaler's flags and kube-scheduler's
//! configuration have, however they are spelled: `preferencePolicy`, `preference-policy` and `PREFERENCE_POLICY` are
//! one.

mod setters;

use std::collections::BTreeMap;

use serde_json::Value;

use super::reading::{Object, Read, Wrong, boolean, duration, number, owned, time, unknown, word};
use crate::decide::cluster_autoscaler;
use crate::decide::cluster_autoscaler::scale_down::LastTimes;
use crate::decide::karpenter::Version;
use crate::decide::karpenter::disruption::Method;
use crate::decide::kube_scheduler;
use crate::units::Time;
use setters::{
    balanced_allocation, count, default_constraints, expanders, feature_gates, methods, priorities, scoring,
    small, strings, unneeded_since, version,
};

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
    pub version: Version,
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

/// The methods of disruption by name.
pub const METHODS: [(&str, Method); 4] = [
    ("emptiness", Method::Emptiness),
    ("drift", Method::Drift),
    ("multi-node", Method::MultiNode),
    ("single-node", Method::SingleNode),
];

/// Cluster Autoscaler's flags, and what it remembers of earlier loops.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterAutoscaler {
    pub flags: cluster_autoscaler::Settings,
    pub last: LastTimes,
    /// Since when these nodes have been unneeded in every loop.
    pub unneeded_since: BTreeMap<String, Time>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            karpenter: Karpenter {
                version: Version::default(),
                ignores_preferences: false,
                min_values_are_best_effort: false,
                spot_to_spot: false,
                reserved_capacity: true,
                well_known_labels: Vec::new(),
                methods: Method::ALL.to_vec(),
            },
            cluster_autoscaler: ClusterAutoscaler::default(),
            kube_scheduler: kube_scheduler::Settings::default(),
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
    ("karpenterVersion", version),
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
    ("balanceSimilarNodeGroups", set!(cluster_autoscaler.flags.balance_similar_node_groups, boolean)),
    ("balancingIgnoreLabel", set!(cluster_autoscaler.flags.balancing_ignore_labels, strings)),
    ("balancingLabel", set!(cluster_autoscaler.flags.balancing_labels, strings)),
    ("memoryDifferenceRatio", set!(cluster_autoscaler.flags.memory_difference_ratio, number)),
    ("maxFreeDifferenceRatio", set!(cluster_autoscaler.flags.free_difference_ratio, number)),
    ("maxAllocatableDifferenceRatio", set!(cluster_autoscaler.flags.allocatable_difference_ratio, number)),
    ("maxNodesPerScaleup", set!(cluster_autoscaler.flags.max_nodes_per_scaleup, count)),
    ("maxNodesTotal", set!(cluster_autoscaler.flags.max_nodes_total, count)),
    ("expendablePodsPriorityCutoff", set!(cluster_autoscaler.flags.expendable_pods_priority_cutoff, small)),
    ("newPodScaleUpDelay", set!(cluster_autoscaler.flags.new_pod_scale_up_delay, duration)),
    ("scaleDownEnabled", set!(cluster_autoscaler.flags.scale_down_enabled, boolean)),
    (
        "scaleDownUtilizationThreshold",
        set!(cluster_autoscaler.flags.scale_down_utilization_threshold, number),
    ),
    (
        "scaleDownGpuUtilizationThreshold",
        set!(cluster_autoscaler.flags.scale_down_gpu_utilization_threshold, number),
    ),
    ("scaleDownUnneededTime", set!(cluster_autoscaler.flags.scale_down_unneeded_time, duration)),
    ("scaleDownUnreadyTime", set!(cluster_autoscaler.flags.scale_down_unready_time, duration)),
    ("scaleDownDelayAfterAdd", set!(cluster_autoscaler.flags.scale_down_delay_after_add, duration)),
    ("scaleDownDelayAfterDelete", set!(cluster_autoscaler.flags.scale_down_delay_after_delete, duration)),
    ("scaleDownDelayAfterFailure", set!(cluster_autoscaler.flags.scale_down_delay_after_failure, duration)),
    ("skipNodesWithSystemPods", set!(cluster_autoscaler.flags.skip_nodes_with_system_pods, boolean)),
    ("skipNodesWithLocalStorage", set!(cluster_autoscaler.flags.skip_nodes_with_local_storage, boolean)),
    (
        "skipNodesWithCustomControllerPods",
        set!(cluster_autoscaler.flags.skip_nodes_with_custom_controller_pods, boolean),
    ),
    ("ignoreDaemonsetsUtilization", set!(cluster_autoscaler.flags.ignore_daemonsets_utilization, boolean)),
    ("ignoreMirrorPodsUtilization", set!(cluster_autoscaler.flags.ignore_mirror_pods_utilization, boolean)),
    ("maxScaleDownParallelism", set!(cluster_autoscaler.flags.max_scale_down_parallelism, count)),
    ("maxDrainParallelism", set!(cluster_autoscaler.flags.max_drain_parallelism, count)),
    ("scanInterval", set!(cluster_autoscaler.flags.scan_interval, duration)),
    (
        "unremovableNodeRecheckTimeout",
        set!(cluster_autoscaler.flags.unremovable_node_recheck_timeout, duration),
    ),
    ("lastScaleUp", set!(cluster_autoscaler.last.scale_up, |value| time(value).map(Some))),
    ("lastScaleDown", set!(cluster_autoscaler.last.scale_down, |value| time(value).map(Some))),
    ("lastScaleDownFailure", set!(cluster_autoscaler.last.scale_down_failure, |value| time(value).map(Some))),
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
    "scaleDownSimulationTimeout",
    "minReplicaCount",
    "scaleDownNonEmptyCandidatesCount",
    "scaleDownCandidatesPoolRatio",
    "scaleDownCandidatesPoolMinCount",
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::decide::cluster_autoscaler::Expander;
    use crate::decide::kube_scheduler::score::Scoring;
    use crate::units::Span;

    #[test]
    fn one_setting_has_several_spellings() {
        for name in ["balanceSimilarNodeGroups", "balance-similar-node-groups", "BALANCE_SIMILAR_NODE_GROUPS"]
        {
            let settings = Settings::read(&json!({name: true})).unwrap();
            assert!(settings.cluster_autoscaler.flags.balance_similar_node_groups, "{name}");
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
        assert!(karpenter.spot_to_spot && karpenter.reserved_capacity);
        assert_eq!(karpenter.version, Version::V1_13);
        assert_eq!(karpenter.methods, [Method::Emptiness, Method::SingleNode]);
        assert_eq!(cluster_autoscaler.flags.scale_down_unneeded_time, Span::from_secs(300));
        assert_eq!(cluster_autoscaler.flags.expanders, [Expander::Priority, Expander::LeastWaste]);
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
