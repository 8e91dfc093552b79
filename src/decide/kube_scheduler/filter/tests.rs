use std::sync::Arc;

use super::*;
use crate::decide::kube_scheduler::fixtures::*;
use crate::kube::{
    Labels, NodeInclusionPolicy, NodeTerm, SelectorOperator, SelectorRequirement, SpreadConstraint,
    Toleration,
};

/// What the filters say of each node; empty where the pod may run.
fn verdicts(pod: &PodSpec, cluster: &ClusterState) -> Vec<String> {
    let filters = Filters::new(pod, cluster);
    let verdict = |state| filters.check(state).err().map(|reason| reason.to_string()).unwrap_or_default();
    cluster.nodes().iter().map(verdict).collect()
}

#[test]
fn what_the_node_itself_forbids() {
    let tainted = |effect| {
        let taint = Taint { key: "team".into(), value: "data".into(), effect };
        Node { taints: vec![taint], ..node("a", "z1") }
    };
    let cordoned = Node { is_unschedulable: true, ..node("a", "z1") };
    let tolerant = PodSpec { tolerations: vec![Toleration::default()], ..app("web") };
    let needs = |key: &str, value: &str| SelectorRequirement {
        key: key.to_owned(),
        operator: SelectorOperator::In,
        values: vec![value.to_owned()],
    };
    let by_zone = |zone| NodeTerm { match_expressions: vec![needs(ZONE, zone)], ..NodeTerm::default() };
    let by_name = NodeTerm { match_fields: vec![needs("metadata.name", "a")], ..NodeTerm::default() };
    let selected = |selector: &[(&str, &str)], terms: &[NodeTerm]| PodSpec {
        node_selector: labels(selector),
        required_node_terms: terms.to_vec(),
        ..app("web")
    };
    let affinity = "node(s) didn't match Pod's node affinity/selector";
    for (node, pod, expected) in [
        (cordoned.clone(), app("web"), "node(s) were unschedulable"),
        (cordoned, tolerant.clone(), ""),
        (tainted(TaintEffect::NoSchedule), app("web"), "node(s) had untolerated taint(s)"),
        (tainted(TaintEffect::NoExecute), app("web"), "node(s) had untolerated taint(s)"),
        (tainted(TaintEffect::PreferNoSchedule), app("web"), ""),
        (tainted(TaintEffect::NoSchedule), tolerant, ""),
        (node("a", "z1"), selected(&[(ZONE, "z2")], &[]), affinity),
        // One of the terms is enough, but the selector has to hold besides.
        (node("a", "z1"), selected(&[], &[by_zone("z2"), by_zone("z1")]), ""),
        (node("a", "z1"), selected(&[(ZONE, "z2")], &[by_zone("z1")]), affinity),
        (node("a", "z1"), selected(&[], std::slice::from_ref(&by_name)), ""),
        (node("b", "z1"), selected(&[], &[by_name]), affinity),
        (node("a", "z1"), selected(&[], &[NodeTerm::default()]), affinity),
    ] {
        assert_eq!(verdicts(&pod, &cluster(&[node], &[])), [expected], "{pod:?}");
    }
}

#[test]
fn all_resources_that_are_short_are_named() {
    let asking = |milli: i64, gib: i64| {
        let mut pod = app("web");
        (pod.requests[CPU], pod.requests[MEMORY]) = (milli * 1_000_000, gib << 30);
        pod
    };
    let small = {
        let mut node = node("a", "z1");
        node.allocatable[PODS] = 2;
        node
    };
    let runs = asking(3_000, 6);
    for (others, pod, expected, resolvable) in [
        (vec![], asking(4_000, 8), "", true),
        (vec![(0, &runs)], asking(1_000, 2), "", true),
        (vec![(0, &runs)], asking(1_001, 3), "Insufficient cpu, Insufficient memory", true),
        (vec![(0, &runs), (0, &runs)], asking(0, 0), "Too many pods", true),
        (vec![(0, &runs), (0, &runs)], asking(1, 0), "Too many pods, Insufficient cpu", true),
        // More than the empty node has: nobody's leaving helps.
        (vec![], asking(4_001, 1), "Insufficient cpu", false),
    ] {
        let cluster = cluster(std::slice::from_ref(&small), &others);
        assert_eq!(verdicts(&pod, &cluster), [expected]);
        let helps = filter(&pod, &cluster, 0).err().is_none_or(Reason::is_resolvable);
        assert_eq!(helps, resolvable, "{expected}");
    }
}

#[test]
fn host_ports_clash_on_the_same_address_or_on_all() {
    let with = |ip: &str, port, protocol: &str| {
        let port = HostPort { ip: ip.to_owned(), port, protocol: protocol.to_owned() };
        PodSpec { host_ports: vec![port], ..app("web") }
    };
    let runs = with("10.0.0.1", 80, "TCP");
    let cluster = cluster(&[node("a", "z1")], &[(0, &runs)]);
    let clash = "node(s) didn't have free ports for the requested pod ports";
    for (pod, expected) in [
        (app("web"), ""),
        (with("10.0.0.1", 80, "TCP"), clash),
        (with("10.0.0.2", 80, "TCP"), ""),
        (with("", 80, "TCP"), clash),
        (with("0.0.0.0", 80, "UDP"), ""),
        (with("0.0.0.0", 81, "TCP"), ""),
    ] {
        assert_eq!(verdicts(&pod, &cluster), [expected], "{pod:?}");
    }
}

#[test]
fn spread_holds_the_difference_between_domains_below_max_skew() {
    let nodes = [node("a", "z1"), node("b", "z2"), Node { labels: Labels::new(), ..node("c", "") }];
    let web = |constraint| PodSpec { spread: vec![constraint], ..app("web") };
    let no = "node(s) didn't match pod topology spread constraints";
    let lacks = "node(s) didn't match pod topology spread constraints (missing required label)";
    let runs = app("web");
    // z1 has two and z2 one: 2 + 1 - 1 = 2 in z1, 1 + 1 - 1 = 1 in z2.
    let two_and_one = cluster(&nodes, &[(0, &runs), (0, &runs), (1, &runs), (1, &app("db"))]);
    assert_eq!(verdicts(&web(spread(ZONE, 1)), &two_and_one), [no, "", lacks]);
    assert_eq!(verdicts(&web(spread(ZONE, 2)), &two_and_one), ["", "", lacks]);
    // With a third domain asked for that is not there the least is 0: 2 + 1 and 1 + 1.
    let wide = SpreadConstraint { min_domains: Some(3), ..spread(ZONE, 2) };
    assert_eq!(verdicts(&web(wide), &two_and_one), [no, "", lacks]);
    // A pod that its own constraint does not mean adds nothing: 2 - 1 and 1 - 1.
    let db = PodSpec { spread: vec![spread(ZONE, 1)], ..app("db") };
    assert_eq!(verdicts(&db, &two_and_one), ["", "", lacks]);
    // One that may only go to z1 looks at z1 alone: 2 + 1 - 2.
    let bound = PodSpec { node_selector: labels(&[(ZONE, "z1")]), ..web(spread(ZONE, 1)) };
    let selector = "node(s) didn't match Pod's node affinity/selector";
    assert_eq!(verdicts(&bound, &two_and_one), ["", selector, selector]);
    let ignore = SpreadConstraint { node_affinity_policy: NodeInclusionPolicy::Ignore, ..spread(ZONE, 1) };
    let bound = PodSpec { spread: vec![ignore], ..bound };
    assert_eq!(verdicts(&bound, &two_and_one), [no, selector, selector]);
    // Pods on their way out are not counted.
    let mut leaving = two_and_one;
    leaving.set_terminating(0, 0);
    assert_eq!(verdicts(&web(spread(ZONE, 1)), &leaving), ["", "", lacks]);
}

#[test]
fn spread_may_leave_tainted_domains_out() {
    let taint = Taint { key: "full".into(), value: String::new(), effect: TaintEffect::NoSchedule };
    let nodes = [node("a", "z1"), Node { taints: vec![taint], ..node("b", "z2") }];
    let runs = app("web");
    let cluster = cluster(&nodes, &[(0, &runs)]);
    let web = |constraint| PodSpec { spread: vec![constraint], ..app("web") };
    let tainted = "node(s) had untolerated taint(s)";
    // The tainted z2 counts as an empty domain (1 + 1 - 0 = 2) unless taints are honoured (1 + 1 - 1 = 1).
    let no = "node(s) didn't match pod topology spread constraints";
    assert_eq!(verdicts(&web(spread(ZONE, 1)), &cluster), [no, tainted]);
    let honour = SpreadConstraint { node_taints_policy: NodeInclusionPolicy::Honor, ..spread(ZONE, 1) };
    assert_eq!(verdicts(&web(honour), &cluster), ["", tainted]);
}

#[test]
fn spread_may_count_pods_of_one_version_only() {
    let nodes = [node("a", "z1"), node("b", "z2")];
    let of = |version| PodSpec { labels: labels(&[("app", "web"), ("version", version)]), ..app("web") };
    let old = of("1");
    let cluster = cluster(&nodes, &[(0, &old)]);
    let by_version = SpreadConstraint { match_label_keys: vec!["version".to_owned()], ..spread(ZONE, 1) };
    let pod = |version| PodSpec { spread: vec![by_version.clone()], ..of(version) };
    let no = "node(s) didn't match pod topology spread constraints";
    assert_eq!(verdicts(&pod("1"), &cluster), [no, ""]);
    assert_eq!(verdicts(&pod("2"), &cluster), ["", ""]);
}

#[test]
fn affinity_goes_where_the_others_are() {
    let nodes =
        [node("a", "z1"), node("b", "z1"), node("c", "z2"), Node { labels: Labels::new(), ..node("d", "") }];
    let near = |of| PodSpec { affinity: required(ZONE, of), ..app("web") };
    let no = "node(s) didn't match pod affinity rules";
    let (db, web) = (app("db"), app("web"));
    assert_eq!(verdicts(&near("db"), &cluster(&nodes, &[(0, &db)])), ["", "", no, no]);
    // Nobody is there yet: only a pod that wants to be with its own kind may begin.
    assert_eq!(verdicts(&near("db"), &cluster(&nodes, &[(0, &web)])), [no, no, no, no]);
    assert_eq!(verdicts(&near("web"), &cluster(&nodes, &[(0, &db)])), ["", "", "", no]);
    assert_eq!(verdicts(&near("web"), &cluster(&nodes, &[(2, &web)])), [no, no, "", no]);
}

#[test]
fn anti_affinity_holds_in_both_directions() {
    let nodes = [node("a", "z1"), node("b", "z1"), node("c", "z2")];
    let alone = |key| PodSpec { anti_affinity: required(key, "web"), ..app("db") };
    let (own, existing) = (
        "node(s) didn't match pod anti-affinity rules",
        "node(s) didn't satisfy existing pods anti-affinity rules",
    );
    let web = app("web");
    assert_eq!(verdicts(&alone(ZONE), &cluster(&nodes, &[(0, &web)])), [own, own, ""]);
    assert_eq!(verdicts(&alone(HOST), &cluster(&nodes, &[(0, &web)])), [own, "", ""]);
    assert_eq!(verdicts(&web, &cluster(&nodes, &[(0, &alone(ZONE))])), [existing, existing, ""]);
    assert_eq!(verdicts(&app("db"), &cluster(&nodes, &[(0, &alone(ZONE))])), ["", "", ""]);
}

#[test]
fn filters_follow_pods_that_come_and_go() {
    let nodes = [node("a", "z1"), node("b", "z2")];
    let alone = PodSpec { anti_affinity: required(ZONE, "web"), spread: vec![spread(ZONE, 1)], ..app("web") };
    for pod in [app("web"), alone.clone()] {
        let mut cluster = cluster(&nodes, &[]);
        let before = cluster.clone();
        let mut filters = Filters::new(&pod, &before);
        for (id, at) in [(1, 0), (2, 1), (3, 0)] {
            cluster.add_pod(at, PodOnNode::new(id, Arc::new(alone.clone())));
            filters.pod_added(&nodes[at], &alone);
            let anew = Filters::new(&pod, &cluster);
            for state in cluster.nodes() {
                assert_eq!(filters.check(state), anew.check(state));
            }
        }
        for (id, at) in [(1, 0), (2, 1), (3, 0)] {
            cluster.remove_pod(at, id);
            filters.pod_removed(&nodes[at], &alone);
            let anew = Filters::new(&pod, &cluster);
            for state in cluster.nodes() {
                assert_eq!(filters.check(state), anew.check(state));
            }
        }
        assert!(cluster.nodes().iter().all(|state| filters.check(state).is_ok()));
    }
}
