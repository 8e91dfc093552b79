//! Rounds worked out by hand.

use super::super::fixture::*;
use super::*;
use crate::platform::{NodePool, PoolLimits, Taint, TaintEffect};
use crate::units::{Cpu, Memory};

fn jobs(types: Vec<Type>, pods: &[Ask]) -> World {
    World::new(&[(pool("jobs", 0), types)], pods)
}

/// The pods of each claim, in the order of the plan.
fn pods_of(plan: &Plan) -> Vec<Vec<RunIndex>> {
    plan.claims.iter().map(|claim| claim.pods.clone()).collect()
}

#[test]
fn the_largest_come_first_then_the_oldest_by_seconds_then_the_smallest_uid() {
    let pods = [
        Ask { created_ms: 1_000, uid: 9, ..ask(500, 2) },
        Ask { created_ms: 1_999, uid: 3, ..ask(500, 2) }, // the same second as the one before
        Ask { created_ms: 999, uid: 8, ..ask(500, 2) },
        Ask { created_ms: 0, uid: 7, ..ask(500, 1) },
        Ask { created_ms: 5_000, uid: 6, ..ask(600, 1) },
    ];
    let mut world = jobs(vec![kind("big", 8, 64, "1")], &pods);
    assert_eq!(pods_of(&world.solve(&[])), [[4, 2, 1, 0, 3]]);
}

#[test]
fn a_pod_joins_the_claim_with_the_fewest_pods() {
    // Nodes of 10 cores. Three pods of 6 cores need a claim each. Then come pods of 2 cores; before each, the claims are
    // sorted by how many pods they have, equals (so few of them) staying in order:
    //   c0 1, c1 1, c2 1 → c0    c1 1, c2 1, c0 2 → c1    c2 1, c1 2, c0 2 → c2    c2 2, c1 2, c0 2 → c2, now full
    let pods = [
        ask(6_000, 1),
        ask(6_000, 1),
        ask(6_000, 1),
        ask(2_000, 1),
        ask(2_000, 1),
        ask(2_000, 1),
        ask(2_000, 1),
    ];
    let pods: Vec<Ask> = pods.iter().zip(0..).map(|(ask, uid)| Ask { uid, ..*ask }).collect();
    let mut world = jobs(vec![kind("ten", 10, 100, "1")], &pods);
    let plan = world.solve(&[]);
    assert_eq!(pods_of(&plan), [vec![2, 5, 6], vec![1, 4], vec![0, 3]]);
}

#[test]
fn one_claim_is_filled_even_if_two_would_be_cheaper() {
    // Two pods of 4 cores. Together they need a `large` at 9; apart, two `small` at 4 each would cost 8. The second pod
    // still fits the first one's claim as a `large`, so no second claim is opened: the cheapest per claim is not the
    // cheapest overall.
    let types = vec![kind("large", 8, 32, "9"), kind("small", 4, 16, "4")];
    let mut world = jobs(types, &[ask(4_000, 8), ask(4_000, 8)]);
    let plan = world.solve(&[]);
    assert_eq!(pods_of(&plan), [[0, 1]]);
    assert_eq!(world.names(&plan, 0), ["large"]);
}

#[test]
fn existing_nodes_come_first_initialized_ones_before_others_and_by_name() {
    let mut world = jobs(vec![kind("eight", 8, 64, "1")], &[ask(1_000, 1), ask(1_000, 1), ask(1_000, 1)]);
    let of = |lease, name, initialized, milli| ExistingNode {
        initialized,
        name,
        ..node(lease, 0, resources(milli, 64, 100))
    };
    let nodes =
        [of(1, 10, false, 8_000), of(2, 40, true, 1_500), of(3, 30, true, 1_000), of(4, 20, true, 900)];
    let plan = world.solve(&nodes);
    // By name among initialized ones: lease 4 is too small, then 3, then 2; the last pod goes to the node that boots.
    assert_eq!(plan.existing, [(3, vec![0]), (2, vec![1]), (1, vec![2])]);
    assert_eq!(plan.claims, []);
}

#[test]
fn a_node_with_less_than_nothing_of_something_takes_no_pod() {
    let mut world = jobs(vec![kind("eight", 8, 64, "1")], &[ask(1_000, 1)]);
    let overdrawn = Resources { ephemeral: Memory::from_bytes(-1), ..resources(8_000, 64, 10) };
    let plan = world.solve(&[node(1, 0, overdrawn)]);
    assert_eq!((plan.existing.len(), plan.claims.len()), (0, 1));
}

#[test]
fn an_existing_node_must_have_the_label_that_a_new_one_could_get() {
    // A node in z-a; the pod wants z-b. A new node may be in any zone.
    let mut world =
        jobs(vec![kind("eight", 8, 64, "1")], &[only("topology.kubernetes.io/zone=z-b", ask(1_000, 1))]);
    let plan = world.solve(&[node(1, 0, resources(8_000, 64, 10))]);
    assert_eq!(pods_of(&plan), [[0]]);
    let zones: Vec<u8> =
        plan.claims[0].offerings.only(CapacityType::OnDemand).iter().map(|(_, zone)| zone).collect();
    assert_eq!(zones, [1]);
}

#[test]
fn a_label_that_no_pool_defines_is_never_provisioned_for() {
    let mut labelled = pool("labelled", 0);
    labelled.labels = vec![("team".to_owned(), "a".to_owned())];
    let pods =
        [only("team=a", ask(1_000, 1)), only("team=b", ask(1_000, 1)), only("disk=ssd", ask(1_000, 1))];
    let mut world = World::new(&[(labelled, vec![kind("eight", 8, 64, "1")])], &pods);
    let plan = world.solve(&[]);
    assert_eq!((pods_of(&plan), plan.unplaced), (vec![vec![0]], vec![1, 2]));
}

#[test]
fn near_the_limit_a_batch_needs_several_rounds() {
    // Limit 20 cores; types of 4 and 16 cores. Three pods that can share no node, because of their zones. The first
    // claim may become a 16: 20 − 16 = 4 are left. The second may only be a 4: nothing is left for the third.
    let mut limited = pool("limited", 0);
    limited.limits = PoolLimits { cpu: Some(Cpu::from_cores(20)), ..PoolLimits::default() };
    let types = vec![kind("four", 4, 32, "1"), kind("sixteen", 16, 64, "4")];
    let pods = [
        "topology.kubernetes.io/zone=z-a",
        "topology.kubernetes.io/zone=z-b",
        "topology.kubernetes.io/zone=z-c",
    ];
    let pods: Vec<Ask> =
        pods.iter().zip(0..).map(|(zone, uid)| Ask { uid, ..only(zone, ask(1_000, 1)) }).collect();
    let mut world = World::new(&[(limited, types)], &pods);
    let plan = world.solve(&[]);
    assert_eq!((pods_of(&plan), &plan.unplaced), (vec![vec![0], vec![1]], &vec![2]));
    assert_eq!((world.names(&plan, 0), world.names(&plan, 1)), (vec!["four", "sixteen"], vec!["four"]));
    // Both became a `four`: in the next round 20 − 8 = 12 are left, and the third pod gets one, too.
    let four = world.kind_of("four", CapacityType::OnDemand);
    let there = |lease, zone| ExistingNode { zone, ..node(lease, four, resources(3_000, 31, 99)) };
    world.pods.retain(|pod| pod.run == 2);
    let plan = world.solve(&[there(1, 0), there(2, 1)]);
    assert_eq!((pods_of(&plan), world.names(&plan, 0)), (vec![vec![2]], vec!["four"]));
}

#[test]
fn a_limit_of_nodes_is_overshot_within_a_round_and_holds_from_the_next_on() {
    // At most 2 nodes, one there. Three pods of a node each: new claims do not count against the limit in their round.
    let mut limited = pool("limited", 0);
    limited.limits = PoolLimits { nodes: Some(2), ..PoolLimits::default() };
    let pods: Vec<Ask> = (0..3).map(|uid| Ask { uid, ..ask(4_000, 1) }).collect();
    let mut world = World::new(&[(limited, vec![kind("four", 4, 32, "1")])], &pods);
    let full = |lease| node(lease, 0, resources(0, 0, 99));
    assert_eq!(world.solve(&[full(1)]).claims.len(), 3);
    // With exactly two there is no further claim, nor with four: a type's 0 `nodes` are more than the −2 that are left.
    assert_eq!(world.solve(&[full(1), full(2)]).unplaced.len(), 3);
    let four = [full(1), full(2), full(3), full(4)];
    assert_eq!(world.solve(&four).unplaced.len(), 3);
    assert_eq!(world.scheduler.exceeded_pools(&four), [true]);
    assert_eq!(world.scheduler.exceeded_pools(&four[..2]), [false]);
}

#[test]
fn daemon_sets_take_their_part_of_each_type() {
    // 3.6 cores do not fit a `four` beside 0.5 of DaemonSets, though they would alone.
    let types = vec![
        Type { daemons: 700, ..kind("eight", 8, 64, "2") },
        Type { daemons: 500, ..kind("four", 4, 32, "1") },
    ];
    let mut world = jobs(types.clone(), &[ask(3_600, 1)]);
    let plan = world.solve(&[]);
    assert_eq!(world.names(&plan, 0), ["eight"]);
    assert_eq!(plan.claims[0].requests.milli_cpu(), 4_300);
    // A claim that both can hold asks for the lesser overhead of the two.
    let mut world = jobs(types, &[ask(3_500, 1)]);
    let plan = world.solve(&[]);
    assert_eq!((world.names(&plan, 0), plan.claims[0].requests.milli_cpu()), (vec!["four", "eight"], 4_000));
}

#[test]
fn pools_are_tried_in_order_and_types_narrow_for_good() {
    let arm = Type { arch: "arm64", ..kind("arm", 8, 64, "1") };
    let first = (pool("first", 10), vec![kind("two", 2, 8, "1")]);
    let second = (pool("second", 0), vec![arm, kind("x86", 8, 64, "2")]);
    let pods = [ask(4_000, 1), only("kubernetes.io/arch=amd64", ask(1_000, 1)), ask(500, 1)];
    let mut world = World::new(&[first, second], &pods);
    let plan = world.solve(&[]);
    // The first pod only fits the second pool. The next one joins it and rules Arm out. The last joins, too.
    assert_eq!((pods_of(&plan), plan.claims[0].pool), (vec![vec![0, 1, 2]], 1));
    assert_eq!(world.names(&plan, 0), ["x86"]);
}

#[test]
fn pods_that_must_not_be_interrupted_rule_spot_out() {
    let both = Type { spot: "0.3", ..kind("eight", 8, 64, "1") };
    let mut world = jobs(vec![both], &[ask(1_000, 1), Ask { interruptible: false, ..ask(500, 1) }]);
    let plan = world.solve(&[]);
    assert_eq!(pods_of(&plan), [[0, 1]]);
    assert!(
        !plan.claims[0].offerings.has(CapacityType::Spot)
            && plan.claims[0].offerings.has(CapacityType::OnDemand)
    );
    // Nor do they go to a Spot node that is there.
    let spot = world.kind_of("eight", CapacityType::Spot);
    let plan = world.solve(&[node(1, spot, resources(8_000, 64, 10))]);
    assert_eq!((plan.existing.clone(), pods_of(&plan)), (vec![(1, vec![0])], vec![vec![1]]));
}

#[test]
fn taints_repel_and_preferences_give_way_when_nothing_else_is_left() {
    let tainted = |name: &str, weight, effect| {
        let taint = Taint { key: "only".into(), value: "gpu".into(), effect };
        NodePool { taints: vec![taint], ..pool(name, weight) }
    };
    let types = || vec![kind("eight", 8, 64, "1")];
    let hard = (tainted("hard", 9, TaintEffect::NoSchedule), types());
    let soft = (tainted("soft", 5, TaintEffect::PreferNoSchedule), types());
    let pods = [ask(1_000, 1), Ask { tolerations: "only=gpu", ..ask(500, 1) }];
    // The pool without taints is the last resort before preferences are relaxed; a pod that tolerates goes first to the
    // new claim that is there.
    let mut world = World::new(&[hard.clone(), soft.clone(), (pool("plain", 0), types())], &pods);
    let pools = |plan: &Plan| plan.claims.iter().map(|claim| claim.pool).collect::<Vec<_>>();
    let plan = world.solve(&[]);
    assert_eq!((pools(&plan), pods_of(&plan)), (vec![2], vec![vec![0, 1]]));
    // Without it, the soft taint is put up with.
    let mut world = World::new(&[hard, soft], &pods);
    let plan = world.solve(&[]);
    assert_eq!((pools(&plan), pods_of(&plan)), (vec![1], vec![vec![0, 1]]));
}

#[test]
fn types_are_ordered_by_their_cheapest_offering_and_cut_to_600() {
    // 700 types with prices falling by name; the most expensive hundred are cut.
    let names: Vec<&'static str> =
        (0..700).map(|n| &*Box::leak(format!("t{n:03}").into_boxed_str())).collect();
    let prices: Vec<&'static str> =
        (0..700).map(|n| &*Box::leak(format!("{}", 1_000 - n).into_boxed_str())).collect();
    let types: Vec<Type> = names.iter().zip(&prices).map(|(name, price)| kind(name, 8, 64, price)).collect();
    let mut world = jobs(types, &[ask(1_000, 1)]);
    let plan = world.solve(&[]);
    let expected: Vec<&str> = names.iter().rev().take(600).copied().collect();
    assert_eq!(world.names(&plan, 0), expected);
}

#[test]
fn what_is_not_available_is_not_counted_on() {
    let mut world = jobs(vec![kind("eight", 8, 64, "1"), kind("nine", 9, 64, "2")], &[ask(1_000, 1)]);
    for zone in 0..3 {
        world.prices.mark_unavailable(TypeId(0), CapacityType::OnDemand, zone, Time::from_ms(0));
    }
    let plan = world.solve(&[]);
    assert_eq!(world.names(&plan, 0), ["nine"]);
}

#[test]
fn a_round_stops_when_its_time_is_up() {
    let pods: Vec<Ask> = (0..5).map(|uid| Ask { uid, ..ask(1_000, 1) }).collect();
    let mut world = jobs(vec![kind("eight", 8, 64, "1")], &pods);
    let World { scheduler, prices, pods } = &mut world;
    let plan = scheduler.solve(&Input { pods, nodes: &[], prices, bound: &[], tries: 3 });
    assert_eq!((pods_of(&plan), plan.unplaced, plan.tries), (vec![vec![0, 1, 2]], vec![3, 4], 3));
}

#[test]
fn pods_of_candidates_do_not_go_where_things_have_not_settled() {
    let mut world = jobs(vec![kind("eight", 8, 64, "1")], &[ask(1_000, 1), ask(1_000, 1)]);
    world.pods[1].origin = Origin::Candidate;
    let settling = ExistingNode { settling: true, ..node(1, 0, resources(8_000, 64, 10)) };
    let plan = world.solve(&[settling, node(2, 0, resources(8_000, 64, 10))]);
    assert_eq!(plan.existing, [(1, vec![0]), (2, vec![1])]);
}
