//! Nodes of 1,000m and 1,000 MiB with ten pod slots; pods of equal millicores and MiB, by hand.

use std::sync::Arc;

use super::*;
use crate::decide::cluster_autoscaler::fixtures::{node, owned, resources, snapshot, spec};
use crate::kube::{
    LabelSelector, NodeInclusionPolicy, PODS, PodAffinity, PodSpec, PodTerm, SpreadConstraint,
    WhenUnsatisfiable,
};

fn template() -> Template {
    let mut size = resources(1_000, 1_000);
    size[PODS] = 10;
    Template::new(Arc::new(node("template", size)), [])
}

/// Pods of (spec, number, whether they are one group): nodes, pods placed.
fn packed(template: &Template, pods: &[(PodSpec, u32, bool)], most: u32) -> (u32, u32) {
    let (mut snapshot, _) = snapshot(pods.iter().map(|(spec, ..)| spec.clone()).collect(), &[]);
    let mut all = Vec::new();
    let mut groups = Vec::new();
    for (index, (_, count, together)) in (0..).zip(pods) {
        let from = all.len();
        all.extend((0..*count).map(|number| PodId::new(index, u64::from(number))));
        let end = all.len();
        if *together {
            groups.push(PodGroup { spec: index, pods: from..end });
        } else {
            groups.extend((from..end).map(|at| PodGroup { spec: index, pods: at..at + 1 }));
        }
    }
    let shape = snapshot.shape(Arc::clone(&template.node));
    let estimate = estimate(&mut snapshot, (template, shape), &groups, &all, most);
    assert!(snapshot.listed().is_empty(), "the estimate leaves nothing behind");
    (estimate.nodes, estimate.pods)
}

#[test]
fn pods_are_packed_as_the_real_one_does() {
    // What it shows, (size, pods, together), the most nodes; nodes and pods placed.
    type Case = (&'static str, &'static [(i64, u32, bool)], u32, (u32, u32));
    let cases: [Case; 11] = [
        ("two of 500m a node", &[(500, 5, true)], 99, (3, 5)),
        ("large ones first, small ones beside them", &[(300, 2, true), (700, 2, true)], 99, (2, 4)),
        // 600m leaves 400m on each of three nodes, where three of 400m go, and a fourth to a new node.
        ("what is left goes to new nodes", &[(600, 3, true), (400, 4, true)], 99, (4, 7)),
        ("as singles the same", &[(600, 3, false), (400, 4, false)], 99, (4, 7)),
        // 400m each: two on the first node, two on the second. Two of 200m fill up what is left, the third opens a node.
        ("round and round over the new nodes", &[(400, 4, true), (200, 3, true)], 99, (3, 7)),
        ("ten pods a node", &[(1, 25, false)], 99, (3, 25)),
        ("no more nodes than allowed", &[(700, 5, true)], 2, (2, 2)),
        ("other groups still use the room", &[(700, 5, true), (300, 1, true)], 2, (2, 3)),
        // 1,001m: a node is opened in vain. It is still empty when the next pod of that size comes, which is given up.
        ("what fits no empty node is given up", &[(1_001, 3, true)], 99, (0, 0)),
        // The empty node counts as soon as a pod of another group is there.
        ("the node that stays", &[(1_001, 3, false), (800, 2, true)], 99, (2, 2)),
        // By score the three of 400m come first: two on the first node, one on the second, which leaves 200m and 600m.
        // Then four of 300m: the second takes two. On the last node, the second, there is no room any more: the other two
        // share a third.
        (
            "within a group only the last node is looked at again",
            &[(400, 3, true), (300, 4, true)],
            99,
            (3, 7),
        ),
    ];
    for (what, pods, most, expected) in cases {
        let pods: Vec<_> =
            pods.iter().map(|&(size, count, together)| (spec(size, size), count, together)).collect();
        assert_eq!(packed(&template(), &pods, most), expected, "{what}");
    }
}

#[test]
fn daemon_sets_take_their_room_on_every_node() {
    let daemon = owned("DaemonSet", spec(200, 0));
    let (mut snapshot, _) = snapshot(vec![spec(500, 0), daemon.clone()], &[]);
    let template = Template::new(Arc::clone(&template().node), [(1, &daemon)]);
    let shape = snapshot.shape(Arc::clone(&template.node));
    let pods: Vec<PodId> = (0..3).map(|number| PodId::new(0, number)).collect();
    let groups = [PodGroup { spec: 0, pods: 0..3 }];
    let estimate = estimate(&mut snapshot, (&template, shape), &groups, &pods, 99);
    // Of 800m one pod of 500m.
    assert_eq!((estimate.nodes, estimate.pods, estimate.requests.milli_cpu()), (3, 3, 1_500));
}

fn spread(key: &str) -> SpreadConstraint {
    SpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: Some(LabelSelector::default()),
        min_domains: None,
        node_affinity_policy: NodeInclusionPolicy::Honor,
        node_taints_policy: NodeInclusionPolicy::Ignore,
        match_label_keys: Vec::new(),
    }
}

fn apart(key: &str) -> PodAffinity {
    let term = PodTerm {
        topology_key: key.to_owned(),
        selector: Some(LabelSelector::default()),
        namespaces: Vec::new(),
        namespace_selector: None,
        match_label_keys: Vec::new(),
        mismatch_label_keys: Vec::new(),
    };
    PodAffinity { required: vec![term], preferred: Vec::new() }
}

#[test]
fn pods_that_keep_apart() {
    const ZONE: &str = "topology.kubernetes.io/zone";
    let mut zoned = template();
    Arc::make_mut(&mut zoned.node).labels.insert(ZONE.to_owned(), "a".to_owned());
    let small = spec(100, 100);
    // A node for each.
    let by_node = PodSpec { anti_affinity: apart("kubernetes.io/hostname"), ..small.clone() };
    assert_eq!(packed(&zoned, &[(by_node, 4, true)], 99), (4, 4));
    // All nodes of the template are in one zone: the second pod opens a node in vain and is given up with the rest. That
    // node does not count.
    let by_zone = PodSpec { anti_affinity: apart(ZONE), ..small.clone() };
    assert_eq!(packed(&zoned, &[(by_zone, 4, true)], 99), (1, 1));
    // Spread over zones: one zone only, so that no skew arises.
    let over_zones = PodSpec { spread: vec![spread(ZONE)], ..small.clone() };
    assert_eq!(packed(&zoned, &[(over_zones, 4, true)], 99), (1, 4));
}

#[test]
fn pods_that_are_spread_over_nodes_go_to_any_node_before_one_is_added() {
    // Two pods of 600m, not spread, have opened two nodes. Of the spread ones of 100m the first two go there in turn, and so
    // do the others, as far as the skew of one allows: always.
    let spread_out = PodSpec { spread: vec![spread("kubernetes.io/hostname")], ..spec(100, 100) };
    assert_eq!(packed(&template(), &[(spec(600, 600), 2, true), (spread_out.clone(), 6, true)], 99), (2, 8));
    // Alone: the first opens a node. The second cannot go there with nodes of the cluster that have none: there are none,
    // so all are on one node until ten slots are used up.
    assert_eq!(packed(&template(), &[(spread_out, 10, true)], 99), (1, 10));
}

#[test]
fn the_least_of_all_limits_counts() {
    // (max-nodes-per-scaleup, max-nodes-total, nodes, room).
    for (limits, expected) in [
        ((1_000, 0, 50, 7), 7),
        ((5, 0, 50, 7), 5),
        ((0, 0, 50, 7), 7),
        ((1_000, 52, 50, 7), 2),
        ((1_000, 50, 50, 7), 0),
    ] {
        assert_eq!(most_nodes(limits.0, limits.1, limits.2, limits.3), expected, "{limits:?}");
    }
}
