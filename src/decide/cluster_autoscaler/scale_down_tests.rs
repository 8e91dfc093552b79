//! Nodes of 2,000m and 8 GiB.

use super::*;
use crate::decide::cluster_autoscaler::fixtures::{node, owned, resources, snapshot, spec};
use crate::units::Span;

fn s(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

fn machine(name: &str) -> Node {
    node(name, resources(2_000, 8_192))
}

/// One loop at `at` over nodes with pods of these specs; the numbers of unneeded nodes and since when (seconds).
fn looped(planner: &mut Planner, at: i64, specs: &[PodSpec], nodes: &[&[SpecId]]) -> Vec<(usize, i64)> {
    let named: Vec<(Node, &[SpecId])> =
        nodes.iter().enumerate().map(|(n, pods)| (machine(&format!("n{n}")), *pods)).collect();
    let (mut snapshot, slots) = snapshot(specs.to_vec(), &named);
    let candidates = slots.iter().map(|slot| Candidate { slot: *slot, group: 0 });
    let settings = Settings::default();
    let all = slots.clone().into_iter();
    planner.update(s(at), &mut snapshot, &settings, Budgets::default(), candidates, all);
    let number = |node: &Unneeded| match node.node {
        NodeKey::Node(number) => (number as usize, node.since.ms() / 1_000),
        other => panic!("{other:?}"),
    };
    planner.unneeded().iter().map(number).collect()
}

fn job(milli: i64) -> PodSpec {
    owned("Job", spec(milli, 100))
}

/// What it shows, pods of each node; the unneeded ones.
type Case = (&'static str, &'static [&'static [SpecId]], &'static [usize]);

#[test]
fn pods_of_unneeded_nodes_fit_on_the_others() {
    let specs = [job(900), spec(900, 100), job(1_100), job(600)];
    let cases: [Case; 8] = [
        ("empty ones", &[&[], &[]], &[0, 1]),
        ("empty ones first", &[&[0], &[2], &[]], &[2, 0]),
        ("no room elsewhere", &[&[0]], &[]),
        // 0 moves to 1, which then has 1,800m; 1 is tried with its guest, which fits nowhere.
        ("a guest counts", &[&[0], &[0]], &[0]),
        ("a removed node is no destination", &[&[0], &[], &[2]], &[1, 0]),
        ("bare pods stay", &[&[1], &[2]], &[]),
        ("above half", &[&[2], &[]], &[1]),
        // Of three with 600m each, the first moves to the second and the second with both to the third: 1,800m.
        ("one after the other", &[&[3], &[3], &[3]], &[0, 1]),
    ];
    for (what, nodes, expected) in cases {
        let found = looped(&mut Planner::default(), 0, &specs, nodes);
        assert_eq!(found.iter().map(|(node, _)| *node).collect::<Vec<_>>(), expected, "{what}");
    }
}

#[test]
fn a_node_keeps_its_time_while_every_loop_finds_it() {
    let specs = [job(900), job(1_900)];
    let mut planner = Planner::default();
    assert_eq!(looped(&mut planner, 0, &specs, &[&[], &[1]]), [(0, 0)]);
    assert_eq!(looped(&mut planner, 10, &specs, &[&[], &[1]]), [(0, 0)]);
    assert_eq!(looped(&mut planner, 20, &specs, &[&[1], &[1]]), []);
    assert_eq!(looped(&mut planner, 30, &specs, &[&[], &[1]]), [(0, 30)]);
}

#[test]
fn a_node_that_cannot_go_is_looked_at_again_after_five_minutes() {
    let specs = [job(900), job(1_900)];
    let mut planner = Planner::default();
    // The pod of 900m has nowhere to go.
    assert_eq!(looped(&mut planner, 0, &specs, &[&[0], &[1]]), []);
    assert_eq!(planner.rechecks().collect::<Vec<_>>(), [s(300)]);
    assert_eq!(looped(&mut planner, 290, &specs, &[&[], &[1]]), []);
    assert_eq!(looped(&mut planner, 300, &specs, &[&[], &[1]]), [(0, 300)]);
}

#[test]
fn what_was_unneeded_before_is_tried_before_the_rest() {
    let specs = [job(900)];
    let mut planner = Planner::default();
    let full: &[SpecId] = &[0, 0];
    // Node 1 alone moves: its pod fits on node 0.
    let only = Unneeded { node: NodeKey::Node(1), group: 0, since: s(0), drains: true, is_risky: false };
    planner = Planner { unneeded: vec![only], ..planner };
    assert_eq!(looped(&mut planner, 10, &specs, &[&[0], &[0], full]), [(1, 0)]);
    // Without that memory the first one is tried first.
    assert_eq!(looped(&mut Planner::default(), 10, &specs, &[&[0], &[0], full]), [(0, 10)]);
}

#[test]
fn more_than_can_be_deleted_soon_are_not_looked_for() {
    let empty: [&[SpecId]; 50] = [&[]; 50];
    let mut planner = Planner::default();
    // 0 + 2 × 10, then 20 + 2 × 10, then all: 40 + 20 is beyond.
    for (at, expected) in [(0, 20), (10, 40), (20, 50)] {
        assert_eq!(looped(&mut planner, at, &[], &empty).len(), expected, "{at}");
    }
    // The bound is 10 × loops until a node is ripe + 10.
    let soon = Settings { scale_down_unneeded_time: Span::from_secs(20), ..Settings::default() };
    assert_eq!(unneeded_limit(&soon, 40), 30);
}

fn unneeded(number: u32, group: usize, since: i64, drains: bool) -> Unneeded {
    Unneeded { node: NodeKey::Node(number), group, since: s(since), drains, is_risky: false }
}

fn removed(at: i64, nodes: &[Unneeded], groups: &[Size], going: (u32, u32)) -> Vec<u32> {
    let removed = removable_at(s(at), &Settings::default(), nodes, groups, going, |_| true);
    let number = |node: &Unneeded| match node.node {
        NodeKey::Node(number) => number,
        other => panic!("{other:?}"),
    };
    removed.iter().map(number).collect()
}

#[test]
fn nodes_go_when_they_were_unneeded_for_longer_than_ten_minutes() {
    let group = [Size { min: 0, target: 9, deleting: 0 }];
    let nodes = [
        unneeded(0, 0, 0, true),
        unneeded(1, 0, 0, false),
        unneeded(2, 0, 1, false),
        unneeded(3, 0, 0, true),
    ];
    assert!(removed(600, &nodes, &group, (0, 0)).is_empty());
    // Empty ones first; of those with pods one at a time.
    assert_eq!(removed(601, &nodes, &group, (0, 0)), [1, 0]);
    assert_eq!(removed(602, &nodes, &group, (0, 0)), [1, 2, 0]);
    assert_eq!(removed(602, &nodes, &group, (1, 1)), [1, 2]);
    assert_eq!(removed(602, &nodes, &group, (9, 0)), [1]);
    // A node that is not Ready goes after twenty.
    let unready = |_| false;
    assert!(removable_at(s(1_200), &Settings::default(), &nodes, &group, (0, 0), unready).is_empty());
    assert_eq!(removable_at(s(1_201), &Settings::default(), &nodes, &group, (0, 0), unready).len(), 2);
}

#[test]
fn groups_keep_their_minimum() {
    let nodes: Vec<Unneeded> = (0..4).map(|number| unneeded(number, number as usize % 2, 0, false)).collect();
    let groups = [Size { min: 1, target: 2, deleting: 0 }, Size { min: 0, target: 3, deleting: 1 }];
    // Group by group: one of the first, both of the second.
    assert_eq!(removed(601, &nodes, &groups, (0, 0)), [0, 1, 3]);
}

#[test]
fn risky_nodes_are_drained_last() {
    let nodes = [Unneeded { is_risky: true, ..unneeded(0, 0, 0, true) }, unneeded(1, 0, 0, true)];
    assert_eq!(removed(601, &nodes, &[Size { min: 0, target: 9, deleting: 0 }], (0, 0)), [1]);
}

#[test]
fn deletions_wait_after_what_happened() {
    let settings = Settings::default();
    let none = LastTimes::default();
    for (what, last, cool_at) in [
        ("scale-up", LastTimes { scale_up: Some(s(100)), ..none }, 700),
        ("failure", LastTimes { scale_down_failure: Some(s(100)), ..none }, 280),
        ("both", LastTimes { scale_up: Some(s(0)), scale_down_failure: Some(s(500)), ..none }, 680),
        ("deletion", LastTimes { scale_down: Some(s(100)), ..none }, 100),
    ] {
        assert!(cools_down(&settings, s(cool_at) - Span::from_ms(1), &last), "{what}");
        assert!(!cools_down(&settings, s(cool_at), &last), "{what}");
    }
    assert!(!cools_down(&settings, s(0), &none));
}
