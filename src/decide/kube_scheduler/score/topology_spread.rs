//! PodTopologySpread: of the `ScheduleAnyway` constraints, pods go to domains that have few of their kind.
//!
//! Source: `pkg/scheduler/framework/plugins/podtopologyspread/{scoring,common,plugin}.go`. Domains of a topology with
//! many of them hold few pods each, so a count weighs by the logarithm of their number.

#![allow(clippy::float_arithmetic, reason = "the plugin computes in float64")]

use rustc_hash::FxHashMap;

use super::{ClusterState, MAX_SCORE, NodeState, PodSpec};
use crate::decide::kube_scheduler::filter::{is_looked_at, matching};
use crate::decide::kube_scheduler::state::BySpec;
use crate::kube::{LabelSelector, Node, NodeInclusionPolicy, SpreadConstraint, WhenUnsatisfiable};

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

pub(super) fn score(
    pod: &PodSpec,
    cluster: &ClusterState,
    states: &[&NodeState],
    default_constraints: bool,
) -> Vec<i64> {
    let (constraints, are_own) = if pod.spread.is_empty() {
        (if default_constraints { defaults(pod, cluster) } else { Vec::new() }, false)
    } else {
        let soft =
            pod.spread.iter().filter(|one| one.when_unsatisfiable == WhenUnsatisfiable::ScheduleAnyway);
        (soft.cloned().collect(), true)
    };
    if constraints.is_empty() {
        return vec![0; states.len()];
    }
    // A node without one of the labels is left out, but not by the defaults: a cluster may have no zones.
    let is_in =
        |node: &Node| !are_own || constraints.iter().all(|one| node.labels.contains_key(&one.topology_key));
    let mut spreads: Vec<Spread> =
        constraints.iter().map(|one| Spread::new(one, pod, cluster, states, &is_in)).collect();
    let costs = states.iter().map(|state| {
        let mut cost = || spreads.iter_mut().fold(0.0, |sum, spread| sum + spread.cost(pod, state));
        is_in(&state.node).then(|| libm::round(cost()) as i64)
    });
    normalized(&costs.collect::<Vec<_>>())
}

/// One constraint with what it counts.
struct Spread<'a> {
    constraint: &'a SpreadConstraint,
    /// Pods by topology value; of node names they are counted when a node is scored.
    by_value: FxHashMap<&'a str, i64>,
    /// Which pods match.
    known: BySpec<bool>,
    weight: f64,
}

impl<'a> Spread<'a> {
    fn new(
        constraint: &'a SpreadConstraint,
        pod: &PodSpec,
        cluster: &'a ClusterState,
        states: &[&'a NodeState],
        is_in: &dyn Fn(&Node) -> bool,
    ) -> Self {
        let mut by_value = FxHashMap::default();
        let mut known = BySpec::default();
        let candidates = || states.iter().filter(|state| is_in(&state.node));
        let domains = if constraint.topology_key == HOSTNAME {
            candidates().count()
        } else {
            by_value.extend(candidates().map(|state| (value(constraint, &state.node), 0)));
            by_value.len()
        };
        if !by_value.is_empty() {
            for state in cluster.nodes() {
                if is_in(&state.node)
                    && is_looked_at(constraint, pod, &state.node)
                    && let Some(count) = by_value.get_mut(value(constraint, &state.node))
                {
                    *count += matching(constraint, pod, state.pods(), &mut known);
                }
            }
        }
        Self { constraint, by_value, known, weight: libm::log((domains + 2) as f64) }
    }

    fn cost(&mut self, pod: &PodSpec, state: &NodeState) -> f64 {
        let constraint = self.constraint;
        let Some(value) = state.node.labels.get(&constraint.topology_key) else { return 0.0 };
        let count = if constraint.topology_key == HOSTNAME {
            matching(constraint, pod, state.pods(), &mut self.known)
        } else {
            self.by_value[value.as_str()]
        };
        // Differences within the allowed skew are to matter little.
        count as f64 * self.weight + f64::from(constraint.max_skew - 1)
    }
}

/// The topology value of a node; a missing label counts as an empty one.
fn value<'a>(constraint: &SpreadConstraint, node: &'a Node) -> &'a str {
    node.labels.get(&constraint.topology_key).map_or("", String::as_str)
}

/// NormalizeScore: the lowest cost gives 100; a node without a cost gets 0.
fn normalized(costs: &[Option<i64>]) -> Vec<i64> {
    let least = costs.iter().flatten().copied().min().unwrap_or(0);
    let most = costs.iter().flatten().copied().max().unwrap_or(0);
    let of_cost = |cost: i64| if most == 0 { MAX_SCORE } else { MAX_SCORE * (most + least - cost) / most };
    costs.iter().map(|cost| cost.map_or(0, of_cost)).collect()
}

/// The system's defaults, for a pod that a Service or the like selects.
fn defaults(pod: &PodSpec, cluster: &ClusterState) -> Vec<SpreadConstraint> {
    let Some(selector) = default_selector(pod, cluster) else { return Vec::new() };
    let constraint = |(key, max_skew): (&str, i32)| SpreadConstraint {
        max_skew,
        topology_key: key.to_owned(),
        when_unsatisfiable: WhenUnsatisfiable::ScheduleAnyway,
        selector: Some(selector.clone()),
        min_domains: None,
        node_affinity_policy: NodeInclusionPolicy::Honor,
        node_taints_policy: NodeInclusionPolicy::Ignore,
        match_label_keys: Vec::new(),
    };
    [(HOSTNAME, 3), (ZONE, 5)].map(constraint).to_vec()
}

/// `DefaultSelector` of `plugins/helper/spread.go`: all of the Services that select the pod, and its controller.
fn default_selector(pod: &PodSpec, cluster: &ClusterState) -> Option<LabelSelector> {
    let mut all = LabelSelector::default();
    let is_controller = |kind: &str, name: &str| {
        pod.owner.as_ref().is_some_and(|owner| owner.kind == kind && owner.name == name)
    };
    for set in cluster.pod_sets.iter().filter(|set| set.namespace == pod.namespace) {
        let applies = match set.kind.as_str() {
            "Service" => set.selector != LabelSelector::default() && set.selector.matches(&pod.labels),
            "ReplicationController" | "ReplicaSet" | "StatefulSet" => is_controller(&set.kind, &set.name),
            _ => false,
        };
        if applies {
            all.match_labels.extend(set.selector.match_labels.clone());
            all.match_expressions.extend(set.selector.match_expressions.iter().cloned());
        }
    }
    (all != LabelSelector::default()).then_some(all)
}
