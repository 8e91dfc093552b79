//! Rounds worked out by hand.

use std::sync::Arc;

use super::super::model::{
    BoundPod, ExistingNode, Input, Limits, MinValuesPolicy, Offering, Options, Origin, Pod, PreferencePolicy,
    Reservation, ReservationKind, ReservedMode,
};
use super::fixture::*;
use super::*;
use crate::catalog::{CapacityType, Requirement};
use crate::kube::{CPU, HostPort, Toleration, WhenUnsatisfiable};
use crate::units::Time;

const ZONE: &str = labels::ZONE;

#[test]
fn the_largest_come_first_then_the_oldest_by_seconds_then_the_smallest_uid() {
    let specs = vec![ask(500, 2), ask(500, 2), ask(500, 2), ask(500, 1), ask(600, 1)];
    let mut world = World::new(vec![pool("jobs", vec![kind("big", 8, 64, 1.0)])], specs);
    // Pods 0 and 1 are of the same second.
    for (pod, (created, uid)) in
        world.pods.iter_mut().zip([(1_000, 9), (1_999, 3), (999, 8), (0, 7), (5_000, 6)])
    {
        (pod.created, pod.uid) = (Time::from_ms(created), uid);
    }
    assert_eq!(pods_of(&world.solve()), [[4, 2, 1, 0, 3]]);
}

#[test]
fn a_pod_joins_the_claim_with_the_fewest_pods() {
    // Nodes of 10 cores. Three pods of 6 cores need a claim each. Then come pods of 2 cores; before each, the claims are
    // sorted by how many pods they have, equals (so few of them) staying in order:
    //   c0 1, c1 1, c2 1 → c0    c1 1, c2 1, c0 2 → c1    c2 1, c1 2, c0 2 → c2    c2 2, c1 2, c0 2 → c2, now full
    let specs = [6_000, 6_000, 6_000, 2_000, 2_000, 2_000, 2_000].map(|milli| ask(milli, 1));
    let mut world = World::new(vec![pool("jobs", vec![kind("ten", 10, 100, 1.0)])], specs.to_vec());
    assert_eq!(pods_of(&world.solve()), [vec![2, 5, 6], vec![1, 4], vec![0, 3]]);
}

#[test]
fn near_a_limit_a_batch_needs_several_rounds() {
    // Limit 20 cores; types of 4 and 16. Three pods that can share no node, because of their zones. The first claim may
    // become a 16: 20 − 16 = 4 are left. The second may only be a 4: nothing is left for the third.
    let mut limited = pool("limited", vec![kind("four", 4, 32, 1.0), kind("sixteen", 16, 64, 4.0)]);
    limited.limits.resources = vec![(CPU, resources(20_000, 0, 0)[CPU])];
    let specs = ZONES.map(|zone| only(ZONE, zone, ask(1_000, 1)));
    let mut world = World::new(vec![limited], specs.to_vec());
    let plan = world.solve();
    assert_eq!((pods_of(&plan), left(&plan)), (vec![vec![0], vec![1]], vec![2]));
    assert_eq!((world.names(&plan, 0), world.names(&plan, 1)), (vec!["four", "sixteen"], vec!["four"]));
    assert_eq!(
        plan.errors[0].reason,
        "all available instance types exceed limits for nodepool (NodePool=limited)"
    );
}

#[test]
fn a_limit_of_nodes_is_overshot_within_a_round_and_holds_from_the_next_on() {
    // At most 2 nodes. Three pods of a node each: new claims do not count within their round.
    let limits = Limits { nodes: Some(2), ..Limits::default() };
    let limited = NodePool { limits, ..pool("limited", vec![kind("four", 4, 32, 1.0)]) };
    let mut world = World::new(vec![limited], vec![ask(4_000, 1); 3]);
    for (there, claims) in [(0, 3), (1, 3), (2, 0), (3, 0)] {
        let full =
            |id| ExistingNode { id, limited: Some((0, ResourceList::ZERO)), ..ExistingNode::default() };
        world.scheduler.node_kind(&Labels::new(), &[]);
        let nodes: Vec<_> = (0..there).map(full).collect();
        let pods = world.pods.clone();
        let plan = world.scheduler.solve(&Input { pods: &pods, nodes: &nodes, ..Input::default() });
        assert_eq!(plan.claims.len(), claims, "{there} nodes");
        assert_eq!(world.scheduler.exceeded_pools(&nodes), [there > 2]);
    }
}

#[test]
fn min_values_are_kept_or_lowered() {
    // Two families are asked for. A pod of 6 cores fits `a.big` only.
    let family = "karpenter.k8s.aws/instance-family";
    let of = |name: &str, family_name: &str, cores| {
        let mut this = kind(name, cores, 64, 1.0);
        this.requirements.add(family, Requirement::one_of([family_name]));
        this
    };
    let pools = || {
        let mut wide = pool("wide", vec![of("a.big", "a", 8), of("a.small", "a", 4), of("b.small", "b", 4)]);
        wide.template.add(family, Requirement::exists().with_min_values(2));
        vec![wide]
    };
    let specs = || vec![ask(6_000, 1), ask(3_000, 1), ask(2_000, 1)];
    // Strict: the large one waits. The others share a claim only as long as both families can hold them: 5 cores are too
    // many for a `small`, and one family is too few. So each gets its own.
    let mut world = World::new(pools(), specs());
    let plan = world.solve();
    assert_eq!((pods_of(&plan), left(&plan)), (vec![vec![1], vec![2]], vec![0]));
    assert_eq!(plan.errors[0].reason, "minValues requirement is not met for label(s)");
    // Best effort: the large one gets a claim that is content with one family, and the next one joins it (8 cores; 9 would
    // be too many); lowered once, it is not lowered again.
    let options = Options { min_values: MinValuesPolicy::BestEffort, ..Options::default() };
    let mut world = World::with(pools(), &[], options, specs());
    let plan = world.solve();
    assert_eq!((pods_of(&plan), left(&plan)), (vec![vec![0, 2], vec![1]], vec![]));
    assert_eq!(plan.claims.iter().map(|claim| claim.relaxed_min_values).collect::<Vec<_>>(), [true, false]);
    assert_eq!(wanted(&plan, family), ["Exists minValues 1", "Exists minValues 2"]);
}

#[test]
fn a_preference_makes_for_a_launch_unless_it_is_ignored() {
    // An existing node in z-a has room. The pod would rather be in z-b, most of all in z-c, where nothing can be had.
    let preferring = || {
        let mut spec = ask(1_000, 1);
        spec.preferred_node_terms = vec![(1, one_of(ZONE, &["z-b"])), (9, one_of(ZONE, &["z-x"]))];
        spec
    };
    for (preferences, existing, zones) in
        [(PreferencePolicy::Respect, 0, vec!["In [z-b]"]), (PreferencePolicy::Ignore, 1, vec![])]
    {
        let options = Options { preferences, ..Options::default() };
        let pools = vec![pool("jobs", vec![kind("eight", 8, 64, 1.0)])];
        let mut world = World::with(pools, &[], options, vec![preferring()]);
        let kind = world.scheduler.node_kind(&Labels::from([(ZONE.to_owned(), "z-a".to_owned())]), &[]);
        let node = ExistingNode {
            kind,
            initialized: true,
            registered: true,
            available: resources(8_000, 64, 10),
            ..ExistingNode::default()
        };
        let pods = world.pods.clone();
        let plan = world.scheduler.solve(&Input { pods: &pods, nodes: &[node], ..Input::default() });
        assert_eq!(plan.existing.len(), existing, "{preferences:?}");
        assert_eq!(wanted(&plan, ZONE), zones, "{preferences:?}");
    }
}

#[test]
fn wishes_are_given_up_one_by_one_in_order() {
    // Nothing fits but a node in z-b. Terms: z-x, then z-b. Preferred: near pods that are not there; z-y. Spread over a
    // key that nothing has. All of this goes, in this order, until the second term is what is left.
    let mut spec = labelled("a", ask(1_000, 1));
    spec.required_node_terms = vec![one_of(ZONE, &["z-x"]), one_of(ZONE, &["z-b"])];
    spec.affinity.preferred = vec![(1, term(ZONE, "nobody"))];
    spec.preferred_node_terms = vec![(1, one_of(ZONE, &["z-y"]))];
    spec.spread = vec![crate::kube::SpreadConstraint {
        when_unsatisfiable: WhenUnsatisfiable::ScheduleAnyway,
        ..spread("rack", "a")
    }];
    let mut world = World::new(vec![pool("jobs", vec![kind("eight", 8, 64, 1.0)])], vec![spec]);
    let plan = world.solve();
    assert_eq!(wanted(&plan, ZONE), ["In [z-b]"]);
    // The pod was tried once by the queue, however often it was relaxed.
    assert_eq!(plan.tries, 1);
}

fn spread_pods(count: usize) -> Vec<PodSpec> {
    let mut spec = labelled("a", ask(1_000, 1));
    spec.spread = vec![spread(ZONE, "a")];
    vec![spec; count]
}

#[test]
fn zones_are_filled_evenly_and_one_that_is_used_up_stops_the_rest() {
    // Six pods over three zones: two each.
    let mut world = World::new(vec![pool("jobs", vec![kind("eight", 8, 64, 1.0)])], spread_pods(6));
    let plan = world.solve();
    assert_eq!(pods_of(&plan).iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);
    let mut zones = wanted(&plan, ZONE);
    zones.sort();
    assert_eq!(zones, ["In [z-a]", "In [z-b]", "In [z-c]"]);
    // Nothing can be had in z-c, which still counts as a domain without pods: 1 in z-a, 1 in z-b, and no more.
    let mut short = kind("eight", 8, 64, 1.0);
    short.offerings[2].is_available = false;
    let mut world = World::new(vec![pool("jobs", vec![short.clone()])], spread_pods(6));
    let plan = world.solve();
    let mut zones = wanted(&plan, ZONE);
    zones.sort();
    // A new claim is always for the zone with the fewest pods, and after two that is z-c.
    assert_eq!((zones, left(&plan).len()), (vec!["In [z-a]".to_owned(), "In [z-b]".to_owned()], 4));
    assert!(plan.errors[0].reason.starts_with("no instance type"), "{}", plan.errors[0].reason);
}

#[test]
fn fewer_domains_than_asked_for_count_as_one_without_pods() {
    // Two zones, three asked for: the least count is taken as 0, so each zone may have one pod.
    let two = || {
        let mut this = kind("eight", 8, 64, 1.0);
        this.requirements.add(ZONE, Requirement::one_of(["z-a", "z-b"]));
        this.offerings.truncate(2);
        vec![pool("jobs", vec![this])]
    };
    let pods = |min_domains| {
        let mut specs = spread_pods(4);
        for spec in &mut specs {
            spec.spread[0].min_domains = min_domains;
        }
        specs
    };
    for (min_domains, placed) in [(None, 4), (Some(2), 4), (Some(3), 2)] {
        let plan = World::new(two(), pods(min_domains)).solve();
        assert_eq!(4 - plan.errors.len(), placed, "{min_domains:?}");
    }
}

#[test]
fn of_pods_that_want_no_like_in_their_zone_one_is_placed_a_round() {
    // The claim of the first pod might still be launched in any zone: all of them are taken.
    let mut spec = labelled("a", ask(1_000, 1));
    spec.anti_affinity.required = vec![term(ZONE, "a")];
    let mut world = World::new(vec![pool("jobs", vec![kind("eight", 8, 64, 1.0)])], vec![spec.clone(); 3]);
    let plan = world.solve();
    assert_eq!((pods_of(&plan), left(&plan)), (vec![vec![0]], vec![1, 2]));
    // In the next round it runs in z-b: the next pod takes z-a or z-c, which again blocks both.
    let in_b = world.scheduler.node_kind(&Labels::from([(ZONE.to_owned(), "z-b".to_owned())]), &[]);
    let spec = Arc::new(spec);
    let bound = [BoundPod { spec: &spec, node: in_b, hostname: Some("b") }];
    let pods = world.pods[1..].to_vec();
    let plan = world.scheduler.solve(&Input { pods: &pods, bound: &bound, ..Input::default() });
    assert_eq!((pods_of(&plan), left(&plan)), (vec![vec![1]], vec![2]));
    assert_eq!(wanted(&plan, ZONE), ["In [z-a z-c]"]);
    // One that they want to keep away from, but that does not mind them, is kept away, too.
    let plain = world.scheduler.shape(&Arc::new(labelled("a", ask(500, 1))));
    let other = Pod { id: 9, uid: 9, shape: plain, ..world.pods[0] };
    let plan = world.scheduler.solve(&Input { pods: &[other], bound: &bound, ..Input::default() });
    assert_eq!(wanted(&plan, ZONE), ["In [z-a z-c]"]);
}

#[test]
fn pods_that_want_to_be_together_follow_the_first() {
    // All in one zone, the first by name; the third wants to be on the host of one of them.
    let mut near = labelled("a", ask(3_000, 1));
    near.affinity.required = vec![term(ZONE, "a")];
    let mut same_host = ask(500, 1);
    same_host.affinity.required = vec![term(labels::HOSTNAME, "a")];
    let mut apart = ask(500, 1);
    apart.affinity.required = vec![term(ZONE, "nobody")];
    let specs = vec![near.clone(), near, same_host, apart];
    let mut world = World::new(vec![pool("jobs", vec![kind("four", 4, 64, 1.0)])], specs);
    let plan = world.solve();
    assert_eq!(pods_of(&plan).len(), 2);
    assert_eq!(wanted(&plan, ZONE), ["In [z-a]", "In [z-a]"]);
    assert_eq!((plan.claims.iter().any(|claim| claim.pods.contains(&2)), left(&plan)), (true, vec![3]));
    assert_eq!(plan.errors[0].reason, "unsatisfiable topology constraint");
}

#[test]
fn a_queue_that_turns_once_without_progress_is_given_up() {
    // The pod that wants company is tried first (it is larger), fails, and is tried again after the other one has been
    // placed. Three tries: large, small, large.
    let mut large = ask(2_000, 1);
    large.affinity.required = vec![term(ZONE, "a")];
    let mut small = only(ZONE, "z-b", labelled("a", ask(1_000, 1)));
    let pools = || vec![pool("jobs", vec![kind("eight", 8, 64, 1.0)])];
    let plan = World::new(pools(), vec![large.clone(), small.clone()]).solve();
    assert_eq!((pods_of(&plan), plan.tries), (vec![vec![1, 0]], 3));
    // Without it, it fails, is put back at length 1, and is found there at length 1.
    small.labels.clear();
    let plan = World::new(pools(), vec![large, small]).solve();
    // large fails (length 2), small is placed (1), large fails again (length 1), and that is the end.
    assert_eq!((left(&plan), plan.tries), (vec![0], 3));
}

#[test]
fn daemon_sets_count_on_the_types_that_they_run_on() {
    // The agent for Arm takes 1.5 cores of an Arm node; 3 cores fit a 4-core type without it only. A pod that fits both
    // leaves both, and counts on the agents of neither in the end: types without any do not count for the least.
    let agent = Arc::new(PodSpec {
        requests: resources(1_500, 0, 1),
        required_node_terms: vec![one_of(labels::ARCH, &["arm64"])],
        tolerations: vec![Toleration::default()],
        ..PodSpec::default()
    });
    let types = || vec![arm(kind("arm", 4, 16, 0.5)), kind("x86", 4, 16, 1.0)];
    let solve = |spec: PodSpec| {
        let pools = vec![pool("jobs", types())];
        let mut world = World::with(pools, std::slice::from_ref(&agent), Options::default(), vec![spec]);
        let plan = world.solve();
        let names: Vec<String> = world.names(&plan, 0).into_iter().map(str::to_owned).collect();
        (names, plan.claims[0].requests.milli_cpu())
    };
    assert_eq!(solve(ask(3_000, 1)), (vec!["x86".to_owned()], 3_000));
    assert_eq!(solve(ask(2_000, 1)), (vec!["arm".to_owned(), "x86".to_owned()], 3_500));
}

#[test]
fn ports_of_the_host_are_taken_once() {
    let port = |ip: &str| HostPort { ip: ip.to_owned(), port: 80, protocol: "TCP".to_owned() };
    let with = |ip: &str| PodSpec { host_ports: vec![port(ip)], ..ask(1_000, 1) };
    let specs = vec![with("10.0.0.1"), with("10.0.0.2"), with("0.0.0.0"), ask(1_000, 1)];
    let mut world = World::new(vec![pool("jobs", vec![kind("eight", 8, 64, 1.0)])], specs);
    // Different addresses go together; all addresses clash with each.
    let plan = world.solve();
    let mut claims = pods_of(&plan);
    claims.sort();
    assert_eq!(claims, [vec![0, 1], vec![2, 3]]);
    // A DaemonSet that listens there keeps all of them away.
    let daemon = Arc::new(PodSpec { host_ports: vec![port("0.0.0.0")], ..ask(0, 0) });
    let pools = vec![pool("jobs", vec![kind("eight", 8, 64, 1.0)])];
    let mut world = World::with(pools, &[daemon], Options::default(), vec![with("10.0.0.1")]);
    assert_eq!(left(&world.solve()), [0]);
}

#[test]
fn what_is_short_is_not_counted_on() {
    let types = vec![kind("eight", 8, 64, 1.0), kind("nine", 9, 64, 2.0)];
    let mut world = World::new(vec![pool("jobs", types)], vec![ask(1_000, 1)]);
    assert_eq!(world.solve().claims[0].types[..], [0, 1]);
    for zone in 0..3 {
        world.scheduler.set_offering(0, 0, zone, 1.0, false);
    }
    assert_eq!(world.solve().claims[0].types[..], [1]);
    // It comes back, dearer.
    world.scheduler.set_offering(0, 0, 2, 3.0, true);
    assert_eq!(world.solve().claims[0].types[..], [1, 0]);
}

#[test]
fn reservations_are_held_by_as_many_claims_as_they_have_instances() {
    let reserved = |capacity| {
        let mut this = kind("eight", 8, 64, 1.0);
        let reservation = Reservation { id: "cr-1".to_owned(), capacity, kind: ReservationKind::Default };
        this.offerings.push(Offering::reserved(reservation, "z-a", 0.001));
        vec![pool("jobs", vec![this])]
    };
    // Three pods of a node each, one instance reserved. Provisioning: the second and third wait.
    let pods = || vec![ask(7_000, 1); 3];
    let plan = World::new(reserved(1), pods()).solve();
    assert_eq!((pods_of(&plan), left(&plan)), (vec![vec![0]], vec![1, 2]));
    assert!(plan.errors.iter().all(|error| error.is_reserved));
    assert_eq!(wanted(&plan, labels::CAPACITY_TYPE), ["In [reserved]"]);
    assert_eq!(wanted(&plan, super::super::model::RESERVATION_ID), ["In [cr-1]"]);
    // Two instances: one waits.
    assert_eq!(World::new(reserved(2), pods()).solve().claims.len(), 2);
    // A simulation for disruption lets the others have what is not reserved.
    let mut world = World::new(reserved(1), pods());
    let all = world.pods.clone();
    let input = Input { pods: &all, reserved: ReservedMode::Fallback, ..Input::default() };
    let plan = world.scheduler.solve(&input);
    let mut types = wanted(&plan, labels::CAPACITY_TYPE);
    types.sort();
    assert_eq!(types, ["", "", "In [reserved]"]);
}

#[test]
fn constraints_that_differ_in_values_of_node_selectors_only_share_their_counts() {
    // One pod is for amd64, one for Arm; each wants no like on its host's zone beyond the others'. Their constraints
    // differ only in the value of the selector, which Karpenter does not see: the counts, and the nodes that count,
    // are those of the first. Arm nodes do not count for it: both Arm pods may go to one zone.
    let of = |arch: &str| {
        let mut spec = only(labels::ARCH, arch, labelled("a", ask(1_000, 1)));
        spec.spread = vec![spread(ZONE, "a")];
        spec
    };
    let types = || vec![kind("x86", 8, 64, 1.0), arm(kind("arm", 8, 64, 1.0))];
    let specs = vec![of("amd64"), of("arm64"), of("arm64")];
    let plan = World::new(vec![pool("jobs", types())], specs).solve();
    let claims: Vec<_> = pods_of(&plan).into_iter().zip(wanted(&plan, ZONE)).collect();
    assert_eq!(claims.len(), 2, "{claims:?}");
    assert!(claims.contains(&(vec![1, 2], "In [z-b]".to_owned())), "{claims:?}");
    // Alone, the Arm pods are kept apart.
    let plan = World::new(vec![pool("jobs", types())], vec![of("arm64"), of("arm64")]).solve();
    assert_eq!(pods_of(&plan).len(), 2);
}

#[test]
fn pods_of_candidates_do_not_go_where_things_have_not_settled() {
    let mut world =
        World::new(vec![pool("jobs", vec![kind("eight", 8, 64, 1.0)])], vec![ask(1_000, 1), ask(1_000, 1)]);
    world.pods[1].origin = Origin::Candidate;
    let kind = world.scheduler.node_kind(&Labels::new(), &[]);
    let node = |id, settling| ExistingNode {
        id,
        name: id.into(),
        kind,
        settling,
        initialized: true,
        available: resources(8_000, 64, 10),
        ..ExistingNode::default()
    };
    let pods = world.pods.clone();
    let nodes = [node(1, true), node(2, false)];
    let plan = world.scheduler.solve(&Input { pods: &pods, nodes: &nodes, ..Input::default() });
    assert_eq!(plan.existing, [(1, vec![0]), (2, vec![1])]);
}

#[test]
fn spot_and_on_demand_are_ordered_by_the_cheapest_of_both() {
    let mut dear = kind("dear", 8, 64, 3.0);
    dear.offerings.push(Offering::new(CapacityType::Spot, "z-c", 0.5));
    let types = vec![kind("cheap", 8, 64, 1.0), dear];
    let mut world = World::new(vec![pool("jobs", types)], vec![ask(1_000, 1)]);
    assert_eq!(world.solve().claims[0].types[..], [1, 0]);
    // For a pod that avoids Spot it is the other way round.
    let shy = PodSpec { avoids_spot: true, ..ask(1_000, 1) };
    let mut world = World::new(world.scheduler.pools.clone(), vec![shy]);
    assert_eq!(world.solve().claims[0].types[..], [0, 1]);
}
