use std::sync::Arc;

use super::*;
use crate::decide::kube_scheduler::fixtures::*;
use crate::decide::kube_scheduler::{NodeState, PodOnNode, PodSet};
use crate::kube::{
    CPU, ImageOnNode, LabelSelector, Labels, MEMORY, Node, NodeTerm, OwnerRef, PodAffinity, SelectorOperator,
    SelectorRequirement, SpreadConstraint, Taint, TaintEffect, WhenUnsatisfiable,
};

/// What one plugin gives to each node of a cluster.
fn of_plugin(name: &str, pod: &PodSpec, cluster: &ClusterState, settings: Settings) -> Vec<i64> {
    let plugin = PLUGINS.iter().position(|(known, _)| *known == name).expect("a plugin of that name");
    let all: Vec<usize> = (0..cluster.nodes().len()).collect();
    score(pod, cluster, &settings, &all).iter().map(|score| score.by_plugin[plugin]).collect()
}

fn by_default(name: &str, pod: &PodSpec, cluster: &ClusterState) -> Vec<i64> {
    of_plugin(name, pod, cluster, Settings::default())
}

/// A pod that asks for so many millicores and MiB in its only container.
fn asking(milli: i64, mib: i64) -> PodSpec {
    let mut pod = app("web");
    (pod.requests[CPU], pod.requests[MEMORY]) = (milli * 1_000_000, mib << 20);
    let scored = (if milli == 0 { 100 } else { milli }, if mib == 0 { 200 } else { mib });
    pod.scored_requests = (scored.0, scored.1 << 20);
    pod
}

/// A node with so many millicores and MiB.
fn sized(name: &str, milli: i64, mib: i64) -> Node {
    let mut node = node(name, "z1");
    (node.allocatable[CPU], node.allocatable[MEMORY]) = (milli * 1_000_000, mib << 20);
    node
}

fn soft(key: &str, max_skew: i32) -> SpreadConstraint {
    SpreadConstraint { when_unsatisfiable: WhenUnsatisfiable::ScheduleAnyway, ..spread(key, max_skew) }
}

#[test]
fn resources_fit_is_the_mean_share_in_integers() {
    let most = Settings { scoring: Scoring::MostAllocated, ..Settings::default() };
    let runs = asking(2_000, 3_000);
    for (node, pod, least_allocated, most_allocated) in [
        // CPU (4000 - 3000) * 100 / 4000 = 25, memory (10000 - 5000) * 100 / 10000 = 50; (25 + 50) / 2 = 37.
        // Most: 75 and 50; 125 / 2 = 62.
        (sized("a", 4_000, 10_000), asking(1_000, 2_000), 37, 62),
        // 100 m and 200 MiB for a pod that asks for nothing: CPU 1900 * 100 / 4000 = 47, memory 6800 * 100 / 10000 = 68;
        // most: 2100 * 100 / 4000 = 52 and 32.
        (sized("a", 4_000, 10_000), asking(0, 0), 57, 42),
        // More is scored than the node has: nothing of CPU is left, memory (3200 - 3200) as well; most is capped at 100.
        (sized("a", 2_050, 3_200), asking(0, 0), 0, 100),
        // A node without memory to give: CPU alone, (4000 - 3000) * 100 / 4000.
        (sized("a", 4_000, 0), asking(1_000, 0), 25, 75),
    ] {
        let cluster = cluster(&[node], &[(0, &runs)]);
        assert_eq!(by_default("NodeResourcesFit", &pod, &cluster), [least_allocated]);
        assert_eq!(of_plugin("NodeResourcesFit", &pod, &cluster, most), [most_allocated]);
    }
}

#[test]
fn balanced_allocation_in_both_formulas() {
    let absolute = Settings { balanced_allocation: BalancedAllocation::Absolute, ..Settings::default() };
    let node = sized("a", 4_000, 10_000);
    for (runs, pod, improvement, as_it_is) in [
        // Without: CPU 25 %, memory 50 %: 1 - 0.125, so 87. With: 75 % and 50 %: 87. 50 + (50 + 0) / 2 = 75.
        (asking(1_000, 5_000), asking(2_000, 0), 75, 87),
        // Without: 0 % and 50 %: 75. With: 50 % and 50 %: 100. 50 + (50 + 25) / 2 = 87 (of 87.5).
        (asking(0, 5_000), asking(2_000, 0), 87, 100),
        // Without: 25 % and 25 %: 100. With: 100 % and 25 %: 62. 50 + (50 - 38) / 2 = 56.
        (asking(1_000, 2_500), asking(3_000, 0), 56, 62),
        // A pod that requests nothing is not scored.
        (asking(1_000, 5_000), asking(0, 0), 0, 0),
    ] {
        let cluster = cluster(std::slice::from_ref(&node), &[(0, &runs)]);
        assert_eq!(by_default("NodeResourcesBalancedAllocation", &pod, &cluster), [improvement]);
        assert_eq!(of_plugin("NodeResourcesBalancedAllocation", &pod, &cluster, absolute), [as_it_is]);
    }
    // Go divides towards zero: (50 + 40 - 95) / 2 = -2.
    assert_eq!(balanced_allocation::balanced_allocation(BalancedAllocation::Improvement, 40, 95), 48);
}

#[test]
fn image_locality_sums_images_weighed_by_how_many_nodes_have_them() {
    let image = |name: &str, mib: i64| ImageOnNode { names: vec![name.to_owned()], size_bytes: mib << 20 };
    let with = |name: &str, images: &[ImageOnNode]| Node { images: images.to_vec(), ..node(name, "z1") };
    let nodes = [
        with("a", &[image("app:1", 600), image("tool:latest", 100)]),
        with("b", &[image("app:1", 600)]),
        with("c", &[]),
        with("d", &[image("app:2", 600)]),
    ];
    let pod = |images: &[&str]| PodSpec {
        images: images.iter().map(|name| (*name).to_owned()).collect(),
        ..PodSpec::default()
    };
    for (images, expected) in [
        (&[][..], [0, 0, 0, 0]),
        // 600 MiB on two of four nodes count 300: (300 - 23) * 100 / (1000 - 23) = 28.
        (&["app:1"], [28, 28, 0, 0]),
        // Two images, so up to 2000: a has 300 + 25, (325 - 23) * 100 / (2000 - 23) = 15; b (300 - 23) * 100 / 1977 = 14.
        (&["app:1", "tool"], [15, 14, 0, 0]),
        // 25 MiB alone: (25 - 23) * 100 / 977 = 0.
        (&["tool"], [0, 0, 0, 0]),
    ] {
        assert_eq!(by_default("ImageLocality", &pod(images), &cluster(&nodes, &[])), expected, "{images:?}");
    }
}

#[test]
fn avoided_taints_count_against_the_worst_node() {
    let with = |name: &str, keys: &[&str]| {
        let taint = |key: &&str| Taint {
            key: (*key).to_owned(),
            value: String::new(),
            effect: TaintEffect::PreferNoSchedule,
        };
        Node { taints: keys.iter().map(taint).collect(), ..node(name, "z1") }
    };
    let nodes = [with("a", &[]), with("b", &["x"]), with("c", &["x", "y", "z"])];
    // 100 - 100 * 0 / 3, 100 - 100 * 1 / 3 (33), 100 - 100 * 3 / 3.
    assert_eq!(by_default("TaintToleration", &app("web"), &cluster(&nodes, &[])), [100, 67, 0]);
    assert_eq!(by_default("TaintToleration", &app("web"), &cluster(&nodes[..1], &[])), [100]);
}

#[test]
fn preferred_terms_count_relative_to_the_best_node() {
    let zone = |zone: &str| NodeTerm {
        match_expressions: vec![SelectorRequirement {
            key: ZONE.to_owned(),
            operator: SelectorOperator::In,
            values: vec![zone.to_owned()],
        }],
        match_fields: Vec::new(),
    };
    let nodes = [node("a", "z1"), node("b", "z2"), node("c", "z3")];
    let prefers = |terms: &[(i32, NodeTerm)]| PodSpec { preferred_node_terms: terms.to_vec(), ..app("web") };
    // a 30, b 20 + 25, c 0: 100 * 30 / 45 = 66.
    let pod = prefers(&[(30, zone("z1")), (20, zone("z2")), (25, zone("z2")), (90, NodeTerm::default())]);
    assert_eq!(by_default("NodeAffinity", &pod, &cluster(&nodes, &[])), [66, 100, 0]);
    assert_eq!(by_default("NodeAffinity", &prefers(&[]), &cluster(&nodes, &[])), [0, 0, 0]);
    assert_eq!(by_default("NodeAffinity", &prefers(&[(9, zone("z9"))]), &cluster(&nodes, &[])), [0, 0, 0]);
}

#[test]
fn spread_prefers_domains_with_few_of_their_kind() {
    let nodes = [node("a", "z1"), node("b", "z1"), node("c", "z2")];
    let runs = app("web");
    let three_and_one = cluster(&nodes, &[(0, &runs), (0, &runs), (1, &runs), (2, &runs), (2, &app("db"))]);
    let pod = |constraints: &[SpreadConstraint]| PodSpec { spread: constraints.to_vec(), ..app("web") };
    let scores = |pod: &PodSpec| by_default("PodTopologySpread", pod, &three_and_one);
    // Two zones: weight ln(4) = 1.386; 3 * 1.386 + 0 = 4.16, so 4, and 1.386, so 1. 100 * (4 + 1 - 4) / 4 = 25.
    assert_eq!(scores(&pod(&[soft(ZONE, 1)])), [25, 25, 100]);
    // maxSkew 3 adds 2 to each: 6 and 3 (3.39): 100 * (6 + 3 - 6) / 6 = 50.
    assert_eq!(scores(&pod(&[soft(ZONE, 3)])), [50, 50, 100]);
    // Three nodes: ln(5) = 1.609 by 2, 1 and 1: 3, 2 and 2. 100 * (3 + 2 - 3) / 3 = 66.
    assert_eq!(scores(&pod(&[soft(HOST, 1)])), [66, 100, 100]);
    // Both: 4.159 + 3.219 = 7.38, 4.159 + 1.609 = 5.77 and 1.386 + 1.609 = 3.00: 7, 6 and 3.
    // 100 * (7 + 3 - 7) / 7 = 42, 100 * 4 / 7 = 57.
    assert_eq!(scores(&pod(&[soft(ZONE, 1), soft(HOST, 1)])), [42, 57, 100]);
    // A constraint that the filter enforces is not scored.
    assert_eq!(scores(&pod(&[spread(ZONE, 1)])), [0, 0, 0]);
    // Nothing there yet: all are equally good.
    assert_eq!(
        by_default("PodTopologySpread", &pod(&[soft(ZONE, 1)]), &cluster(&nodes, &[])),
        [100, 100, 100]
    );
}

#[test]
fn spread_leaves_nodes_without_the_label_out() {
    let nodes = [node("a", "z1"), node("b", "z2"), Node { labels: Labels::new(), ..node("c", "") }];
    let runs = app("web");
    let cluster = cluster(&nodes, &[(0, &runs), (2, &runs)]);
    let pod = PodSpec { spread: vec![soft(ZONE, 1)], ..app("web") };
    // ln(4) = 1.386: 1 and 0. 100 * (1 + 0 - 1) / 1.
    assert_eq!(by_default("PodTopologySpread", &pod, &cluster), [0, 100, 0]);
}

#[test]
fn pods_of_services_and_controllers_are_spread_by_default() {
    let nodes = [node("a", "z1"), node("b", "z1"), node("c", "z2")];
    let owner = OwnerRef { kind: "ReplicaSet".to_owned(), name: "web".to_owned(), uid: String::new() };
    let web = PodSpec { owner: Some(owner), ..app("web") };
    let set = |kind: &str, name: &str, of: &str| PodSet {
        kind: kind.to_owned(),
        namespace: "default".to_owned(),
        name: name.to_owned(),
        selector: selects(of),
    };
    // Node names, maxSkew 3, ln(5) = 1.609; zones, maxSkew 5, ln(4) = 1.386. Two pods on a, one on b:
    // a 2 * 1.609 + 2 + 3 * 1.386 + 4 = 13.38, b 1.609 + 2 + 4.159 + 4 = 11.77, c 0 + 2 + 0 + 4 = 6.
    // 100 * (13 + 6 - 13) / 13 = 46, 100 * (19 - 12) / 13 = 53, 100 * (19 - 6) / 13 = 100.
    let spread = [46, 53, 100];
    let off = Settings { default_constraints: false, ..Settings::default() };
    for (pod, sets, expected) in [
        (&web, vec![], [0, 0, 0]),
        (&web, vec![set("ReplicaSet", "web", "web")], spread),
        (&web, vec![set("ReplicaSet", "other", "web")], [0, 0, 0]),
        (&web, vec![set("Service", "front", "web")], spread),
        (&web, vec![set("Service", "front", "db")], [0, 0, 0]),
        (&app("web"), vec![set("ReplicaSet", "web", "web")], [0, 0, 0]),
        (
            &PodSpec { namespace: "other".to_owned(), ..web.clone() },
            vec![set("Service", "front", "web")],
            [0, 0, 0],
        ),
    ] {
        let mut cluster = cluster(&nodes, &[(0, &web), (0, &web), (1, &web)]);
        cluster.pod_sets = sets;
        assert_eq!(by_default("PodTopologySpread", pod, &cluster), expected, "{:?}", cluster.pod_sets);
        assert_eq!(of_plugin("PodTopologySpread", pod, &cluster, off), [0, 0, 0]);
    }
    // A node without a zone is scored by its name all the same: 0 + 2.
    let mut bare = nodes;
    bare[2].labels.remove(ZONE);
    let mut cluster = cluster(&bare, &[(0, &web), (0, &web), (1, &web)]);
    cluster.pod_sets = vec![set("ReplicaSet", "web", "web")];
    // a 13, b 12, c 2: 100 * (13 + 2 - 13) / 13 = 15, 100 * (15 - 12) / 13 = 23.
    assert_eq!(by_default("PodTopologySpread", &web, &cluster), [15, 23, 100]);
}

#[test]
fn affinity_is_worth_its_weight_in_both_directions() {
    let nodes = [node("a", "z1"), node("b", "z2"), node("c", "z3")];
    let near = |weight, of: &str| PodSpec {
        affinity: PodAffinity { required: Vec::new(), preferred: vec![(weight, term(ZONE, of))] },
        ..app("web")
    };
    let away = |weight, of: &str| PodSpec {
        anti_affinity: PodAffinity { required: Vec::new(), preferred: vec![(weight, term(ZONE, of))] },
        ..app("web")
    };
    let (db, web) = (app("db"), app("web"));
    let must_be_near = PodSpec { affinity: required(ZONE, "web"), ..app("db") };
    for (pod, others, expected) in [
        // 20, 10, 0: 100 * 10 / 20.
        (near(10, "db"), vec![(0, &db), (0, &db), (1, &db), (2, &web)], [100, 50, 0]),
        // -5, 0, -15: (-5 + 15) * 100 / 15 = 66.
        (away(5, "db"), vec![(0, &db), (2, &db), (2, &db), (2, &db)], [66, 100, 0]),
        // Others want it near (7) or away (-3), or need it near (1): 7, -3, 1: 10, 0 and 4 of 10.
        (web.clone(), vec![(0, &near(7, "web")), (1, &away(3, "web")), (2, &must_be_near)], [100, 0, 40]),
        // One with affinity is there, but it does not mean this pod.
        (db.clone(), vec![(0, &near(7, "web"))], [0, 0, 0]),
        (web.clone(), vec![(0, &db)], [0, 0, 0]),
    ] {
        assert_eq!(by_default("InterPodAffinity", &pod, &cluster(&nodes, &others)), expected, "{pod:?}");
    }
}

#[test]
fn totals_are_weighted_and_nodes_that_do_not_fit_say_why() {
    let nodes = [sized("a", 4_000, 10_000), sized("b", 1_000, 10_000)];
    let pod = asking(2_000, 2_000);
    let results = evaluate(&pod, &cluster(&nodes, &[]), &Settings::default());
    // Taints 100 * 3; LeastAllocated (50 + 80) / 2 = 65; balance without 100, with 1 - (0.5 - 0.2) / 2: 85, so
    // 50 + (50 - 15) / 2 = 67; 300 + 65 + 67.
    let expected = NodeScore { by_plugin: [100, 0, 65, 0, 0, 67, 0], total: 432 };
    assert_eq!(results[0], Ok(expected));
    assert_eq!(results[1].map_err(|reason| reason.to_string()), Err("Insufficient cpu".to_owned()));
}

#[test]
fn a_pod_is_scored_against_the_feasible_nodes_only() {
    let term = NodeTerm {
        match_expressions: vec![SelectorRequirement {
            key: ZONE.to_owned(),
            operator: SelectorOperator::In,
            values: vec!["z1".to_owned()],
        }],
        match_fields: Vec::new(),
    };
    let pod = PodSpec { preferred_node_terms: vec![(9, term)], ..asking(2_000, 0) };
    // The preferred node is too small, so that none of the others is worse than another.
    let mut cluster = ClusterState::default();
    for node in [sized("a", 1_000, 1_000), Node { labels: Labels::new(), ..sized("b", 4_000, 1_000) }] {
        cluster.add_node(NodeState::new(Arc::new(node)));
    }
    cluster.add_pod(1, PodOnNode::new(1, Arc::new(app("db"))));
    let results = evaluate(&pod, &cluster, &Settings::default());
    assert!(results[0].is_err());
    assert_eq!(results[1].map(|score| score.by_plugin[1]), Ok(0));
}

#[test]
fn an_empty_service_selects_nobody() {
    let nodes = [node("a", "z1"), node("b", "z2")];
    let web = app("web");
    let mut cluster = cluster(&nodes, &[(0, &web)]);
    cluster.pod_sets = vec![PodSet {
        kind: "Service".to_owned(),
        namespace: "default".to_owned(),
        name: "all".to_owned(),
        selector: LabelSelector::default(),
    }];
    assert_eq!(by_default("PodTopologySpread", &web, &cluster), [0, 0]);
}
