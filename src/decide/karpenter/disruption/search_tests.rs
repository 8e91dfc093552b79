//! Worked examples of which sets of nodes are found, and which are not.

use super::super::candidate::interleave;
use super::super::fixtures::{OnDemand, Spot, Toy, candidate, option, replacement};
use super::*;
use crate::rng::{Draws, Purpose};

fn ids(found: &Found<()>) -> Option<Vec<u32>> {
    let (candidates, _) = found.command.as_ref()?;
    Some(candidates.iter().map(|candidate| candidate.id).collect())
}

/// Multi-node consolidation without budgets, with what `simulate` says; gives the sizes that were tried too.
fn search(
    candidates: &[Candidate],
    mut simulate: impl FnMut(&[Candidate]) -> Simulated<()>,
) -> (Found<()>, Vec<usize>) {
    let mut tried = Vec::new();
    let mut simulate = |removed: &[Candidate]| {
        tried.push(removed.len());
        simulate(removed)
    };
    let mut trial = Trial::new(&mut simulate, Balanced::default(), false, Span::ZERO);
    let found = multi_node(candidates, &mut Budgets(vec![u32::MAX]), &mut trial);
    (found, tried)
}

fn candidates(count: u32) -> Vec<Candidate> {
    (0..count).map(|id| candidate(id, "0.1", 1)).collect()
}

#[test]
fn the_longest_beginning_is_found_by_halving_and_a_better_subset_is_not() {
    // Five nodes. Any three of them can go, and also {0, 1, 2, 4}; but no set with 3 and three others.
    let simulate = |removed: &[Candidate]| -> Simulated<()> {
        let has_3 = removed.iter().any(|candidate| candidate.id == 3);
        if removed.len() <= 3 || !has_3 { Simulated::Fits } else { Simulated::SeveralNodes }
    };
    let five = candidates(5);
    let (found, tried) = search(&five, simulate);
    // Last index between 1 and 4: 2 works; between 3 and 4: 3 does not; nothing is left.
    assert_eq!(tried, [3, 4]);
    assert_eq!(ids(&found), Some(vec![0, 1, 2]));
    let better = [five[0], five[1], five[2], five[4]];
    assert_eq!(decide(&better, simulate(&better), false), Decision::Delete);
}

#[test]
fn halving_misses_a_long_beginning_behind_a_short_one_that_fails() {
    // All eight could go, and so could two; but five (last index 4, which is tried first) could not.
    let (found, tried) =
        search(
            &candidates(8),
            |removed| if removed.len() == 5 { Simulated::SeveralNodes } else { Simulated::Fits },
        );
    // Last index: (1 + 7) ÷ 2 = 4 fails; (1 + 3) ÷ 2 = 2 works; 3 works.
    assert_eq!(tried, [5, 3, 4]);
    assert_eq!(ids(&found), Some(vec![0, 1, 2, 3]));
}

#[test]
fn at_most_a_hundred_nodes_are_considered_or_101_of_more() {
    // (candidates, nodes that go when all could)
    for (count, expected) in [(1, None), (2, Some(2)), (100, Some(100)), (101, Some(101)), (150, Some(101))] {
        let (found, _) = search(&candidates(count), |_| Simulated::Fits);
        assert_eq!(ids(&found).map(|all| all.len()), expected, "{count} candidates");
    }
}

#[test]
fn a_replacement_of_a_removed_type_must_be_cheaper_than_that_node() {
    // us-east-1: t3a.nano 0.0047 (0), small 0.0188 (1), xlarge 0.1504 (2), 2xlarge 0.3008 (3).
    let prices = ["0.0047", "0.0188", "0.1504", "0.3008"];
    let removed: Vec<Candidate> = [3, 1]
        .iter()
        .zip(0..)
        .map(|(kind, id)| Candidate { instance: *kind, ..candidate(id, prices[*kind as usize], 1) })
        .collect();
    // (types that could hold all pods, those that are left)
    let cases: [(&[u32], Option<&[u32]>); 3] = [
        // A small would do: then the small can stay and the 2xlarge go, which is another command.
        (&[1, 2, 3], None),
        (&[0, 1, 2, 3], Some(&[0])),
        // The small would not: cheaper than the 2xlarge.
        (&[2, 3], Some(&[2])),
    ];
    for (offered, expected) in cases {
        let offer = || offered.iter().map(|id| option(*id, &[(OnDemand, &[prices[*id as usize]])])).collect();
        let (found, _) = search(&removed, |_| Simulated::OneNode(replacement(offer())));
        let types = found
            .command
            .and_then(|(_, new)| new)
            .map(|new| new.options.iter().map(|option| option.instance).collect::<Vec<_>>());
        assert_eq!(types.as_deref(), expected, "{offered:?}");
    }
}

/// c5a.xlarge: 4 vCPU, 8 GiB, 0.154 USD. m6a.xlarge: 4 vCPU, 16 GiB, 0.1728 USD. All of it is left to pods here.
fn two_types() -> Toy {
    Toy {
        nodes: Vec::new(),
        free_elsewhere: Vec::new(),
        types: vec![((40, 80), "0.154"), ((40, 160), "0.1728")],
    }
}

#[test]
fn two_nodes_become_one_of_another_type() {
    // As kubernetes-sigs/karpenter #1962 wants it: two c5a.xlarge (2 × 0.154 = 0.308) whose pods ask for 1.8 cores and
    // 6 GiB each fit one m6a.xlarge (3.6 of 4 cores, 12 of 16 GiB) for 0.1728. As the only candidates they are found.
    let mut toy = two_types();
    toy.node(0, &[(18, 60)]);
    toy.node(0, &[(18, 60)]);
    let (found, tried) = search(&toy.candidates(), |removed| toy.simulate(removed));
    assert_eq!((ids(&found), tried), (Some(vec![0, 1]), vec![2]));
    let (_, new) = found.command.unwrap();
    assert_eq!(new.unwrap().options.iter().map(|option| option.instance).collect::<Vec<_>>(), [1]);
}

#[test]
fn the_same_two_nodes_are_missed_behind_a_third() {
    // kubernetes-sigs/karpenter #1962: beside them a full m6a.xlarge with one pod of 3.5 cores. It promises most:
    // 0.1728 ÷ 2 = 0.0864 against 0.154 ÷ 2 = 0.077. Every beginning has it, its pod and any other need two nodes, and
    // so the two that could be one are never tried together.
    let mut toy = two_types();
    toy.node(1, &[(35, 140)]);
    toy.node(0, &[(18, 60)]);
    toy.node(0, &[(18, 60)]);
    let mut sorted = toy.candidates();
    sort(&mut sorted, Version::V1_14);
    assert_eq!(sorted.iter().map(|candidate| candidate.id).collect::<Vec<_>>(), [0, 1, 2]);
    let (found, tried) = search(&sorted, |removed| toy.simulate(removed));
    assert_eq!((ids(&found), tried), (None, vec![2]));
    // Nor does single-node consolidation help: each pod alone needs a node as dear as its own.
    let mut simulate = |removed: &[Candidate]| toy.simulate(removed);
    let mut trial = Trial::new(&mut simulate, Balanced::default(), false, Span::ZERO);
    assert_eq!(single_node(&sorted, &Budgets(vec![9]), 1, &mut trial).command, None);
    // Together they would be one node at 0.1728 instead of 0.308.
    let missed = &sorted[1..];
    assert!(matches!(decide(missed, toy.simulate(missed), false), Decision::Replace(_)));
}

#[test]
fn equal_prices_are_not_consolidated() {
    // aws/karpenter-provider-aws #5903: the pods of two m5.2xlarge (0.384 each, 8 vCPU) fit one m5.4xlarge (0.768,
    // 16 vCPU): 2 × 0.384 = 0.768 is not less.
    let mut toy = Toy {
        nodes: Vec::new(),
        free_elsewhere: Vec::new(),
        types: vec![((80, 320), "0.384"), ((160, 640), "0.768")],
    };
    toy.node(0, &[(60, 100)]);
    toy.node(0, &[(60, 100)]);
    let all = toy.candidates();
    assert!(matches!(toy.simulate(&all), Simulated::OneNode(_)));
    assert_eq!(search(&all, |removed| toy.simulate(removed)).0.command, None);
}

#[test]
fn budgets_keep_candidates_out_and_are_remembered_to_have_done_so() {
    let four = candidates(4);
    let mut simulate = |_: &[Candidate]| Simulated::Fits;
    // (budget, found by multi-node, by single-node, constrained)
    for (budget, multi, single, constrained) in [
        (9, Some(vec![0, 1, 2, 3]), Some(vec![0]), [false, false]),
        (3, Some(vec![0, 1, 2]), Some(vec![0]), [true, false]),
        (1, None, Some(vec![0]), [true, false]),
        (0, None, None, [true, true]),
    ] {
        let mut trial = Trial::new(&mut simulate, Balanced::default(), false, Span::ZERO);
        let one = single_node(&four, &Budgets(vec![budget]), 1, &mut trial);
        let many = multi_node(&four, &mut Budgets(vec![budget]), &mut trial);
        assert_eq!((ids(&many), ids(&one)), (multi, single), "a budget of {budget}");
        assert_eq!([many.constrained, one.constrained], constrained, "a budget of {budget}");
    }
}

#[test]
fn single_node_consolidation_takes_the_first_and_ends_in_time() {
    let mut tried = 0;
    let mut simulate = |removed: &[Candidate]| {
        tried += 1;
        if removed[0].id == 2 { Simulated::Fits } else { Simulated::SeveralNodes }
    };
    let found = single_node(
        &candidates(5),
        &Budgets(vec![9]),
        1,
        &mut Trial::new(&mut simulate, Balanced::default(), false, Span::from_ms(100)),
    );
    assert_eq!((ids(&found), tried), (Some(vec![2]), 3));
    // 100 ms a simulation: after 1,801 of them more than three minutes are over, and pool 1 was never seen.
    let mut many = candidates(3_000);
    many[2_500].pool = 1;
    let mut tried = 0;
    let mut simulate = |_: &[Candidate]| -> Simulated<()> {
        tried += 1;
        Simulated::SeveralNodes
    };
    let mut trial = Trial::new(&mut simulate, Balanced::default(), false, Span::from_ms(100));
    let found = single_node(&many, &Budgets(vec![9, 9]), 2, &mut trial);
    assert_eq!((trial.spent, found.command, found.unseen_pools), (Span::from_ms(180_100), None, vec![1]));
    assert_eq!(tried, 1_801);
    // The next pass begins with it.
    assert_eq!(interleave(&many, &["a", "b"], &[1])[0].id, 2_500);
}

#[test]
fn a_consolidation_never_raises_the_price_of_the_cluster() {
    // Random clusters of one to eight nodes of three types with random pods; prices that no size explains.
    let draws = Draws::new(11);
    let mut acted = 0;
    for case in 0..400 {
        let mut counter = 0;
        let mut below = |bound: u64| {
            counter += 1;
            draws.below(Purpose::NodeName, case, counter, bound) as u32
        };
        let mut toy = Toy {
            nodes: Vec::new(),
            free_elsewhere: vec![(below(20), below(20))],
            types: vec![((20, 40), "0.05"), ((40, 80), "0.09"), ((80, 160), "0.2")],
        };
        for _ in 0..=below(8) {
            let kind = below(3) as usize;
            let (cores, memory) = toy.types[kind].0;
            let pods: Vec<_> = (0..=below(3))
                .map(|_| (1 + below(u64::from(cores / 3)), 1 + below(u64::from(memory / 3))))
                .collect();
            toy.node(kind, &pods);
        }
        let mut sorted = toy.candidates();
        sort(&mut sorted, Version::V1_14);
        let before = super::super::decision::price_of(&sorted);
        let mut simulate = |removed: &[Candidate]| toy.simulate(removed);
        let mut trial = Trial::new(&mut simulate, Balanced::default(), false, Span::ZERO);
        let many = multi_node(&sorted, &mut Budgets(vec![9]), &mut trial);
        let one = single_node(&sorted, &Budgets(vec![9]), 1, &mut trial);
        for (removed, new) in [many, one].into_iter().filter_map(|found| found.command) {
            acted += 1;
            let stays = |node: &&Candidate| !removed.iter().any(|gone| gone.id == node.id);
            let staying: Vec<Candidate> = sorted.iter().filter(stays).copied().collect();
            // Whatever EC2 gives, at its worst price.
            let worst = new.map_or(0.0, |new| {
                let prices = new.options.iter().map(|option| option.worst_launch_price(&new.capacity_types));
                prices.max_by(f64::total_cmp).unwrap()
            });
            let after = super::super::decision::price_of(&staying) + worst;
            assert!(after < before, "case {case}: {before} to {after}");
        }
    }
    assert!(acted > 100, "only {acted} consolidations were tried");
}

#[test]
fn multi_node_consolidation_keeps_spot_types_only_where_it_forces_spot() {
    // Two on-demand nodes at 0.1. Type 8 is sold as Spot at 0.03, type 9 on-demand only at 0.05. Single-node
    // consolidation would keep type 9 on the list; the same-type filter asks again for the price and finds none.
    let options = || vec![option(8, &[(Spot, &["0.03"])]), option(9, &[(OnDemand, &["0.05"])])];
    let both = candidates(2);
    let (found, _) = search(&both, |_| Simulated::OneNode(replacement(options())));
    let kept = |found: Found<()>| {
        let new = found.command.unwrap().1.unwrap();
        (new.options.iter().map(|option| option.instance).collect::<Vec<_>>(), new.capacity_types)
    };
    assert_eq!(kept(found), (vec![8], vec![Spot]));
    let mut simulate = |_: &[Candidate]| Simulated::OneNode(replacement(options()));
    let mut trial = Trial::new(&mut simulate, Balanced::default(), false, Span::ZERO);
    let found = single_node(&both, &Budgets(vec![9]), 1, &mut trial);
    assert_eq!(kept(found), (vec![8, 9], vec![Spot]));
}

#[test]
fn drift_takes_empty_nodes_first_and_then_the_oldest_drift() {
    let second = |second: i64| Time::from_ms(second * 1_000);
    // Nodes 1 and 2 with a pod, 3 and 4 without. 4 is of a pool without a budget.
    let drifted = vec![
        (second(30), candidate(1, "0.1", 1)),
        (second(20), candidate(2, "0.1", 1)),
        (second(40), candidate(3, "0.1", 0)),
        (second(10), Candidate { pool: 1, ..candidate(4, "0.1", 0) }),
    ];
    let budgets = Budgets(vec![1, 0]);
    // (nodes whose pods have no place, the node that goes)
    for (stuck, expected) in
        [(vec![], Some(3)), (vec![3], Some(2)), (vec![3, 2], Some(1)), (vec![1, 2, 3], None)]
    {
        let simulate = |candidate: &Candidate| (!stuck.contains(&candidate.id)).then(|| vec!["a", "b"]);
        let found = drift(drifted.clone(), &budgets, Version::V1_14, simulate);
        // Several new nodes for one, whatever they cost.
        let expected = expected.map(|id| (id, vec!["a", "b"]));
        assert_eq!(found.map(|(candidate, new)| (candidate.id, new)), expected, "{stuck:?}");
    }
}

#[test]
fn all_empty_nodes_within_the_budget_go_at_once() {
    // Pool 0 may lose two: of its nodes at 0.1, 0.3 and 0.2 the dearer ones, whose ratio is higher.
    let nodes = vec![
        candidate(1, "0.1", 0),
        candidate(2, "0.3", 0),
        candidate(3, "0.2", 0),
        candidate(4, "0.9", 1),
        Candidate { pool: 1, ..candidate(5, "0.05", 0) },
    ];
    let gone = empty(nodes.clone(), &mut Budgets(vec![2, 1]), Version::V1_14);
    assert_eq!(gone.iter().map(|node| node.id).collect::<Vec<_>>(), [2, 3, 5]);
    // Up to 1.13 all of them cost nothing, so the order of names stays.
    let gone = empty(nodes, &mut Budgets(vec![2, 1]), Version::V1_13);
    assert_eq!(gone.iter().map(|node| node.id).collect::<Vec<_>>(), [1, 2, 5]);
}

#[test]
fn a_balanced_pool_refuses_what_disturbs_more_than_it_saves() {
    // Nodes at 0.2 with 1 pod, and at 0.1 with 9: 0.3 an hour, 2 + 10 = 12 to disrupt. Both could be deleted.
    let nodes = [candidate(1, "0.2", 1), candidate(2, "0.1", 9)];
    let mut totals = super::super::balanced::PoolTotals::default();
    for node in &nodes {
        totals.add(node.price, node.rescheduling_cost);
    }
    let mut simulate = |_: &[Candidate]| Simulated::Fits;
    let mut trial = Trial::new(&mut simulate, Balanced(vec![Some(totals)]), false, Span::from_secs(1));
    // Together (0.3/0.3) / (12/12) = 1.
    let many = multi_node(&nodes, &mut Budgets(vec![9]), &mut trial);
    assert_eq!(ids(&many), Some(vec![1, 2]));
    // The second alone (0.1/0.3) / (10/12) = 0.4 is not even simulated.
    let one = single_node(&nodes[1..], &Budgets(vec![9]), 1, &mut trial);
    assert_eq!((ids(&one), trial.spent), (None, Span::from_secs(1)));
    assert_eq!(ids(&single_node(&nodes, &Budgets(vec![9]), 1, &mut trial)), Some(vec![1]));
}
