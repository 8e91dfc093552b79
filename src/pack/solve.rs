//! Mode `solve`: one round of Karpenter's provisioning.

use super::case::Case;
use super::karpenter::View;
use super::output::{NewNodeClaim, NodeWithPods, PodNames, Solved, quantities};
use super::well_known;
use crate::decide::karpenter::model::{Input, Origin, ReservedMode};

pub fn solve(case: &Case) -> Solved {
    let (view, mut scheduler) = View::new(case);
    let pending = view.pending().into_iter();
    let mut pods: Vec<_> = pending.map(|pod| view.pod(&mut scheduler, pod, Origin::Pending)).collect();
    let moving = view.on_deleting_nodes();
    pods.extend(moving.iter().map(|pod| view.pod(&mut scheduler, *pod, Origin::DeletingNode)));
    let active = (0..view.nodes.len()).filter(|node| !view.nodes[*node].is_deleting);
    let nodes: Vec<_> = active.map(|node| view.existing(node, false)).collect();
    let bound = view.bound(&moving);
    let plan = scheduler.solve(&Input {
        pods: &pods,
        nodes: &nodes,
        bound: &bound,
        reserved: ReservedMode::Strict,
        tries: None,
        explain: true,
    });
    let names = PodNames::new(view.pods.iter().copied());
    let name = |pod: &u32| names.of(view.pods[*pod as usize]);
    let new_node_claims = plan.claims.iter().map(|claim| {
        let pool = &scheduler.pools[claim.pool];
        NewNodeClaim {
            node_pool: pool.name.clone(),
            instance_types: claim.types.iter().map(|this| pool.types[*this].name.clone()).collect(),
            requests: quantities(&claim.requests, &case.resources),
            pods: claim.pods.iter().map(name).collect(),
        }
    });
    let existing_nodes = plan.existing.iter().filter(|(_, pods)| !pods.is_empty()).map(|(node, pods)| {
        let name_of_node = view.nodes[*node as usize].given.name().to_owned();
        NodeWithPods { name: name_of_node, pods: pods.iter().map(name).collect() }
    });
    let errors = plan.errors.iter().map(|error| (name(&error.pod), well_known::original(&error.reason)));
    Solved {
        new_node_claims: new_node_claims.collect(),
        existing_nodes: existing_nodes.collect(),
        pod_errors: errors.collect(),
    }
}
