//! Mode `score`: on which nodes kube-scheduler would let a pod run, and how it likes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::case::Case;
use super::output::{NodeScore, Scored};
use crate::decide::kube_scheduler::{ClusterState, NodeState, PLUGINS, PodOnNode, evaluate};

pub fn score(case: &Case) -> Scored {
    let mut cluster = ClusterState::default();
    let mut id = 0;
    for given in &case.nodes {
        let Some(node) = &given.node else { continue };
        let mut state = NodeState::new(Arc::new(node.clone()));
        for pod in given.pods.iter().filter(|pod| !pod.phase.is_terminal()) {
            id += 1;
            let (is_terminating, started) = (pod.is_terminating, pod.started);
            state.add_pod(PodOnNode { id, spec: Arc::clone(&pod.spec), is_terminating, started });
        }
        cluster.add_node(state);
    }
    // Reading has seen to it that there is one.
    let Some(pod) = case.pods.first() else { return Scored::default() };
    let results = evaluate(&pod.spec, &cluster, &case.settings.kube_scheduler);
    let mut nodes: Vec<NodeScore> = cluster
        .nodes()
        .iter()
        .zip(results)
        .map(|(state, result)| {
            let name = state.node.name.clone();
            match result {
                Ok(score) => {
                    let plugins = PLUGINS.iter().map(|(plugin, _)| *plugin);
                    let scores = plugins.zip(score.by_plugin).collect();
                    NodeScore { name, filter: None, scores, total: Some(score.total) }
                }
                Err(reason) => {
                    let filter = Some(reason.plugin().to_owned());
                    NodeScore { name, filter, scores: BTreeMap::new(), total: None }
                }
            }
        })
        .collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    Scored { nodes }
}
