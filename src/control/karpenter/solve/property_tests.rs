//! What holds for all rounds.

use proptest::prelude::*;

use super::super::fixture::*;
use super::*;

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let selector = prop::sample::select(vec![
        "",
        "",
        "topology.kubernetes.io/zone=z-b",
        "kubernetes.io/arch=arm64",
        "karpenter.sh/capacity-type=on-demand",
        "team=a",
    ]);
    let one = (1i64..12, 1i64..40, selector, any::<bool>(), 0i64..3_000, 0u64..1_000);
    let one = one.prop_map(|(halves, gib, selector, interruptible, created_ms, uid)| Ask {
        selector,
        interruptible,
        created_ms,
        uid,
        ..ask(halves * 500, gib)
    });
    prop::collection::vec(one, 1..60)
}

fn nodes(kinds: u32) -> impl Strategy<Value = Vec<ExistingNode>> {
    let one = (0..kinds, 0u8..3, any::<bool>(), -1i64..8, 0i64..64, any::<u64>());
    let one = one.prop_map(|(kind, zone, initialized, cores, gib, name)| ExistingNode {
        zone,
        initialized,
        name,
        ..node(0, kind, resources(cores * 1_000, gib, 5))
    });
    let all = prop::collection::vec(one, 0..8);
    all.prop_map(|nodes| {
        nodes.into_iter().zip(0..).map(|(node, lease)| ExistingNode { lease, ..node }).collect()
    })
}

fn mixed(pods: &[Ask]) -> World {
    let types = vec![
        Type { arch: "arm64", spot: "0.5", daemons: 100, ..kind("arm", 4, 16, "0.9") },
        Type { spot: "0.4", daemons: 100, ..kind("four", 4, 16, "1") },
        Type { spot: "1.1", daemons: 100, ..kind("sixteen", 16, 128, "4") },
    ];
    World::new(&[(pool("b", 1), types.clone()), (pool("a", 0), types)], pods)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_planned_fits_and_nothing_is_planned_in_vain(pods in asks(), nodes in nodes(12)) {
        let mut world = mixed(&pods);
        let plan = world.solve(&nodes);
        let sum = |runs: &[RunIndex]| runs.iter().map(|run| resources(pods[*run as usize].milli, pods[*run as usize].gib, 1)).sum::<Resources>();
        let mut placed: Vec<RunIndex> = plan.unplaced.clone();
        for claim in &plan.claims {
            placed.extend(&claim.pods);
            let types = &world.scheduler.pools[claim.pool].types;
            prop_assert!(!claim.types.is_empty());
            for index in &claim.types {
                prop_assert!(sum(&claim.pods).fits_in(&types[*index].free()), "{claim:?}");
                prop_assert!(!world.prices.available(types[*index].instance).and(claim.offerings).is_empty());
            }
        }
        let mut left = nodes.clone();
        for (lease, runs) in &plan.existing {
            placed.extend(runs);
            let node = left.iter_mut().find(|node| node.lease == *lease).unwrap();
            prop_assert!(sum(runs).fits_in(&node.free));
            node.free -= sum(runs);
        }
        placed.sort_unstable();
        prop_assert_eq!(placed, (0..pods.len() as RunIndex).collect::<Vec<_>>());
        // Nobody gets a new node whom an existing one has room for.
        for run in plan.claims.iter().flat_map(|claim| &claim.pods) {
            let ask = &pods[*run as usize];
            for node in &left {
                let usable = node.free.cpu.milli() >= 0 && resources(ask.milli, ask.gib, 1).fits_in(&node.free);
                let zone = ZONES[usize::from(node.zone)].to_owned();
                let of_kind = &world.scheduler.labels[node.kind as usize];
                let labels = of_kind.node(Some(&zone)).labels;
                let selected = ask.selector.split_once('=').is_none_or(|(key, value)| {
                    labels.get(key).is_some_and(|label| label == value)
                });
                let admitted = selected && (ask.interruptible || !of_kind.is_spot);
                prop_assert!(!(usable && admitted), "{ask:?} {node:?}");
            }
        }
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(pods in asks(), nodes in nodes(12), turn in 0usize..60) {
        let pods: Vec<Ask> = pods.into_iter().zip(0..).map(|(ask, uid)| Ask { uid, ..ask }).collect();
        let mut world = mixed(&pods);
        let plan = world.solve(&nodes);
        let mut turned = nodes.clone();
        turned.reverse();
        let turn = turn % world.pods.len();
        world.pods.rotate_left(turn);
        prop_assert_eq!(&world.solve(&turned), &plan);
        // What was learned of shapes and pools in earlier rounds changes nothing either.
        prop_assert_eq!(&mixed(&pods).solve(&nodes), &plan);
    }
}
