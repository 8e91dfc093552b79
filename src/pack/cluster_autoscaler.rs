//! Mode `cluster-autoscaler`: one loop of Cluster Autoscaler.

use std::sync::Arc;

use super::case::{Case, NodeGroup, NodeInCase};
use super::output::{Autoscaled, GroupDelta};
use crate::catalog::labels;
use crate::decide::cluster_autoscaler::{
    GroupDelta as Grown, Input, InputGroup, InputNode, Settings, run_once,
};
use crate::decide::kube_scheduler::{ClusterState, Filters, NodeState};
use crate::kube::{Labels, Node, Phase, Pod, PodSpec};
use crate::units::Time;

/// By which labels nodes say which group they are of.
const GROUP_LABELS: [&str; 2] = ["eks.amazonaws.com/nodegroup", "alpha.eksctl.io/nodegroup-name"];

/// Resources that make a node a GPU node.
const GPU: &str = "nvidia.com/gpu";

pub fn once(case: &Case) -> Autoscaled {
    let given = &case.settings.cluster_autoscaler;
    let nodes: Vec<InputNode> = case
        .nodes
        .iter()
        .filter_map(|given_node| {
            let node = given_node.node.clone()?;
            let unneeded_since = given.unneeded_since.get(&node.name).copied();
            let group = group_of(given_node, &node, &case.node_groups);
            Some(InputNode { node, group, pods: given_node.pods.clone(), unneeded_since })
        })
        .collect();
    let group = |(number, group): (usize, &NodeGroup)| {
        let own = nodes.iter().filter(|node| node.group == Some(number)).count() as i64;
        let template = group.template.clone().unwrap_or_default();
        let size = |nodes: i64| u32::try_from(nodes.max(0)).unwrap_or(u32::MAX);
        InputGroup {
            name: group.name.clone(),
            min: size(group.min),
            max: size(group.max),
            target: size(group.target.unwrap_or(own)),
            daemon_pods: daemon_pods(case, &template),
            template,
            backed_off_until: None,
        }
    };
    let found = run_once(&Input {
        settings: Settings { gpu: case.resources.find(GPU), ..given.flags.clone() },
        now: case.now,
        groups: case.node_groups.iter().enumerate().map(group).collect(),
        pending: case.pods.iter().filter(|pod| pod.is_unschedulable).cloned().collect(),
        budgets: case.pdbs.clone(),
        last: given.last,
        nodes,
    });
    let delta = |grown: Grown| GroupDelta { group: grown.group, delta: grown.delta.into() };
    let mut output = Autoscaled {
        scale_up: found.scale_up.into_iter().map(delta).collect(),
        unneeded: found.unneeded,
        scale_down: found.scale_down,
    };
    output.scale_up.sort_by(|a, b| a.group.cmp(&b.group));
    output.unneeded.sort_unstable();
    output.scale_down.sort_unstable();
    output
}

/// Which group a node is of: as is said of it, by its labels, by what templates say, or because there is one group only.
fn group_of(given: &NodeInCase, node: &Node, groups: &[NodeGroup]) -> Option<usize> {
    let named = |name: &String| groups.iter().position(|group| group.name == *name);
    if given.node_group.is_some() {
        return given.node_group.as_ref().and_then(named);
    }
    if let Some(name) = GROUP_LABELS.iter().find_map(|label| node.labels.get(*label)) {
        return named(name);
    }
    let is_like = |group: &NodeGroup| {
        let template = group.template.as_ref().map(|template| &template.labels);
        template.is_some_and(|labels| has_all(node, labels))
    };
    let only = || (groups.len() == 1 && given.node_claim.is_none()).then_some(0);
    groups.iter().position(is_like).or_else(only)
}

/// Whether a node has the labels, of which there is at least one, of a template; host name and zone are its own.
fn has_all(node: &Node, template: &Labels) -> bool {
    let mut common = template
        .iter()
        .filter(|(key, _)| ![labels::HOSTNAME, labels::ZONE].contains(&key.as_str()))
        .peekable();
    common.peek().is_some() && common.all(|(key, value)| node.labels.get(key) == Some(value))
}

/// Pods that DaemonSets will have on a node of a template.
fn daemon_pods(case: &Case, template: &Node) -> Vec<Pod> {
    let state = NodeState::new(Arc::new(template.clone()));
    let runs = |spec: &&PodSpec| Filters::new(spec, &ClusterState::default()).check(&state).is_ok();
    let pod = |(number, spec): (usize, &PodSpec)| Pod {
        name: format!("daemon-{number}"),
        uid: format!("daemon-{number}"),
        created: Time::default(),
        spec: Arc::new(spec.clone()),
        phase: Phase::Running,
        is_terminating: false,
        node_name: Some(template.name.clone()),
        nominated_node_name: None,
        is_unschedulable: false,
        unschedulable_since: None,
        started: None,
    };
    case.daemon_sets.iter().filter(runs).enumerate().map(pod).collect()
}
