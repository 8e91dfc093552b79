use std::sync::Arc;

use super::*;
use crate::decide::kube_scheduler::fixtures::*;
use crate::kube::{CPU, PodSpec};

/// A pod of this priority that asks for so many of a node's 4000 millicores.
fn pod(priority: i32, milli: i64) -> PodSpec {
    let mut pod = app("web");
    pod.requests[CPU] = milli * 1_000_000;
    PodSpec { priority, ..pod }
}

/// Nodes of 4000 millicores with these pods: the node, the pod, its start in seconds. Their numbers count from 0.
fn with_pods(nodes: usize, pods: &[(usize, PodSpec, i64)]) -> ClusterState {
    let nodes: Vec<_> = (0..nodes).map(|n| node(&format!("n{n}"), "z1")).collect();
    let mut cluster = cluster(&nodes, &[]);
    for (id, (node, spec, started)) in pods.iter().enumerate() {
        let started = Some(Time::from_ms(started * 1_000));
        let pod = PodOnNode { started, ..PodOnNode::new(id as u64, Arc::new(spec.clone())) };
        cluster.add_pod(*node, pod);
    }
    cluster
}

fn chosen(pod: &PodSpec, cluster: &ClusterState, pdbs: &[Pdb]) -> Option<(usize, Vec<u64>)> {
    preempt(pod, cluster, pdbs, |_| 0).map(|preemption| (preemption.node, preemption.victims))
}

fn budget(of: &str, allowed: i64) -> Pdb {
    Pdb {
        name: of.to_owned(),
        namespace: "default".to_owned(),
        selector: Some(selects(of)),
        min_available: None,
        max_unavailable: None,
        disruptions_allowed: Some(allowed),
        always_allows_unhealthy: false,
    }
}

#[test]
fn no_more_pods_go_than_must_and_the_least_important_first() {
    let needs = |milli| pod(10, milli);
    for (pods, needs, expected) in [
        // 2500 of 4000 used; 2000 more need 500: without both 4000 are free. 0 is the more important and comes back
        // first: 1000 + 2000 fit. 1 does not come back.
        (vec![(0, pod(5, 1_000), 0), (0, pod(1, 1_500), 0)], needs(2_000), Some((0, vec![1]))),
        // Of the same priority the one that started first stays.
        (vec![(0, pod(1, 1_500), 7), (0, pod(1, 1_500), 5)], needs(2_000), Some((0, vec![0]))),
        // The important one cannot stay, the other can.
        (vec![(0, pod(5, 3_000), 0), (0, pod(1, 500), 0)], needs(3_000), Some((0, vec![0]))),
        // Both have to go, and are named by importance.
        (vec![(0, pod(1, 1_500), 0), (0, pod(5, 1_000), 0)], needs(4_000), Some((0, vec![1, 0]))),
        // The same priority is safe.
        (vec![(0, pod(10, 3_000), 0), (0, pod(1, 500), 0)], needs(3_000), None),
        // More than the node has.
        (vec![(0, pod(1, 3_000), 0)], needs(5_000), None),
    ] {
        assert_eq!(chosen(&needs, &with_pods(1, &pods), &[]), expected, "{pods:?}");
    }
    let timid = PodSpec { preempts: false, ..needs(4_000) };
    assert_eq!(chosen(&timid, &with_pods(1, &[(0, pod(1, 3_000), 0)]), &[]), None);
}

#[test]
fn the_node_whose_victims_hurt_least_is_taken() {
    let needs = pod(10, 4_000);
    let of = |name: &str, priority| PodSpec { labels: app(name).labels, ..pod(priority, 1_000) };
    for (pods, expected, why) in [
        (vec![(0, of("guarded", 1), 0), (1, of("web", 8), 0)], 1, "fewest broken budgets"),
        (
            vec![(0, of("web", 5), 0), (1, of("web", 4), 0), (1, of("web", 4), 0)],
            1,
            "lowest highest priority",
        ),
        (
            vec![(0, of("web", 5), 0), (0, of("web", 4), 0), (1, of("web", 5), 0), (1, of("web", 3), 0)],
            1,
            "smallest sum",
        ),
        // -1 + 2^31 twice is more than once, though -2 is less than -1.
        (vec![(0, of("web", -1), 0), (0, of("web", -1), 0), (1, of("web", -1), 0)], 1, "fewest"),
        (vec![(0, of("web", 5), 50), (1, of("web", 5), 60)], 1, "latest start"),
        // On 0 the one that matters started at 50, on 1 at 40.
        (
            vec![(0, of("web", 5), 50), (0, of("web", 1), 10), (1, of("web", 5), 40), (1, of("web", 1), 60)],
            0,
            "latest start of those of the highest priority",
        ),
        (vec![(0, of("web", 5), 50), (1, of("web", 5), 50)], 0, "first"),
    ] {
        let node = chosen(&needs, &with_pods(2, &pods), &[budget("guarded", 0)]).map(|(node, _)| node);
        assert_eq!(node, Some(expected), "{why}");
    }
}

#[test]
fn pods_with_a_budget_come_back_first() {
    let guarded = PodSpec { labels: app("guarded").labels, ..pod(1, 2_000) };
    let cluster = with_pods(1, &[(0, pod(5, 2_000), 0), (0, guarded, 0)]);
    // 2000 are needed: without a budget the pod of priority 5 stays, with one the guarded pod does.
    assert_eq!(chosen(&pod(10, 2_000), &cluster, &[]), Some((0, vec![1])));
    assert_eq!(chosen(&pod(10, 2_000), &cluster, &[budget("guarded", 1)]), Some((0, vec![1])));
    assert_eq!(chosen(&pod(10, 2_000), &cluster, &[budget("guarded", 0)]), Some((0, vec![0])));
}

#[test]
fn anti_affinity_to_pods_of_lower_priority_gives_way() {
    let alone = PodSpec { anti_affinity: required(HOST, "db"), ..pod(10, 100) };
    let db = |priority| PodSpec { labels: app("db").labels, ..pod(priority, 100) };
    let cluster = with_pods(2, &[(0, db(1), 0), (0, pod(1, 100), 0), (1, db(10), 0)]);
    assert_eq!(chosen(&alone, &cluster, &[]), Some((0, vec![0])));
    // Affinity to a pod that would be evicted does not help.
    let near = PodSpec { affinity: required(HOST, "db"), ..pod(10, 3_950) };
    assert_eq!(chosen(&near, &cluster, &[]), None);
}

#[test]
fn room_that_is_promised_is_not_given_away_to_lesser_pods() {
    let mut cluster = with_pods(1, &[(0, pod(1, 1_000), 0)]);
    cluster.nominate(0, PodOnNode::new(7, Arc::new(pod(5, 2_000))));
    let fits = |priority, milli| Filters::new(&pod(priority, milli), &cluster).check(cluster.node(0)).is_ok();
    assert!(fits(5, 1_000));
    assert!(!fits(5, 1_001));
    assert!(fits(6, 3_000));
    cluster.clear_nomination(0, 7);
    assert!(Filters::new(&pod(5, 3_000), &cluster).check(cluster.node(0)).is_ok());
}
