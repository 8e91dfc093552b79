//! Worked examples of what a set of nodes is replaced by.

use super::super::fixtures::{OnDemand, Spot, candidate, option, replacement, usd};
use super::*;

/// The types that a node may be replaced by; `None` if nothing is done.
fn types(decision: Decision<()>) -> Option<Vec<u32>> {
    match decision {
        Decision::Replace(replacement) => {
            Some(replacement.options.iter().map(|option| option.instance).collect())
        }
        Decision::Delete | Decision::Nothing => None,
    }
}

fn one_node(options: Vec<LaunchOption>) -> Simulated<()> {
    Simulated::OneNode(replacement(options))
}

fn spot_candidate(price: &str) -> Candidate {
    Candidate { capacity_type: Spot, ..candidate(1, price, 1) }
}

#[test]
fn nodes_go_if_their_pods_fit_elsewhere_and_never_for_several_new_ones() {
    let node = [candidate(1, "0.1", 1)];
    for (simulated, expected) in [
        (Simulated::Fits, Decision::Delete),
        (Simulated::PodsLeftOver, Decision::Nothing),
        (Simulated::SeveralNodes, Decision::Nothing),
    ] {
        assert_eq!(decide::<()>(&node, simulated, true), expected);
    }
}

#[test]
fn a_replacement_must_cost_less_and_the_same_is_not_less() {
    // One m5.4xlarge (16 vCPU, 64 GiB) costs 0.768 and two m5.2xlarge 2 × 0.384 = 0.768: nothing is done.
    let two = [candidate(1, "0.384", 2), candidate(2, "0.384", 2)];
    let offer = |price| one_node(vec![option(9, &[(OnDemand, &[price])])]);
    assert_eq!(decide(&two, offer("0.768"), false), Decision::Nothing);
    assert_eq!(types(decide(&two, offer("0.7679999999"), false)), Some(vec![9]));
    // In f64 0.1 + 0.1 + 0.1 is 0.30000000000000004, and so a node at 0.3 "costs less" than three at 0.1.
    let three = [1, 2, 3].map(|lease| candidate(lease, "0.1", 1));
    assert!(price_of(&three) > usd("0.3"));
    assert_eq!(types(decide(&three, offer("0.3"), false)), Some(vec![9]));
}

#[test]
fn the_dearest_zone_of_the_preferred_capacity_type_counts() {
    // (offerings, price at which the type would be launched at worst)
    type Offerings = &'static [(CapacityType, &'static [&'static str])];
    let cases: [(Offerings, f64); 4] = [
        (&[(OnDemand, &["0.096", "0.096"])], usd("0.096")),
        // Spot is preferred, though one zone of it is dearer than on-demand.
        (&[(OnDemand, &["0.096"]), (Spot, &["0.03", "0.12", "0.05"])], usd("0.12")),
        (&[(OnDemand, &["0.096"]), (Spot, &["0.03"])], usd("0.03")),
        (&[], f64::MAX),
    ];
    for (offerings, expected) in cases {
        let worst = option(1, offerings).worst_launch_price(&[Spot, OnDemand]);
        assert_eq!(worst.to_bits(), expected.to_bits(), "{offerings:?}");
    }
    // A node at 0.10. Type 1 could be had for 0.05 in zone a, but EC2 may give it for 0.12 in zone b: it is out, and
    // with it alone nothing is done. Type 2 costs 0.09 at worst.
    let node = [candidate(7, "0.10", 1)];
    let one = || option(1, &[(Spot, &["0.05", "0.12"])]);
    let two = || option(2, &[(Spot, &["0.08", "0.09"])]);
    assert_eq!(decide(&node, one_node(vec![one()]), false), Decision::Nothing);
    assert_eq!(types(decide(&node, one_node(vec![one(), two()]), false)), Some(vec![2]));
}

#[test]
fn on_demand_is_replaced_by_spot_and_by_nothing_but_spot_where_both_are_allowed() {
    // At 0.192: type 1 costs 0.06 as Spot; type 2 0.25 as Spot, at which it is out though its on-demand price would do;
    // type 3 is sold on-demand only, stays on the list and cannot be launched.
    let node = [candidate(7, "0.192", 1)];
    let options = vec![
        option(1, &[(OnDemand, &["0.17"]), (Spot, &["0.06"])]),
        option(2, &[(OnDemand, &["0.18"]), (Spot, &["0.25"])]),
        option(3, &[(OnDemand, &["0.10"])]),
    ];
    let Decision::Replace(new) = decide(&node, one_node(options.clone()), false) else {
        panic!("it is cheaper")
    };
    assert!(new.allows(Spot) && !new.allows(OnDemand));
    assert_eq!(new.options.iter().map(|option| option.instance).collect::<Vec<_>>(), [1, 3]);
    assert!((new.estimated_price() - 0.06).abs() < 1e-12);
    // Only on-demand allowed: types 3, 1 and 2, by price.
    let mut on_demand = replacement(options);
    for option in &mut on_demand.options {
        option.offerings.retain(|offering| offering.capacity_type == OnDemand);
    }
    on_demand.capacity_types = vec![OnDemand];
    let Decision::Replace(new) = decide(&node, Simulated::OneNode(on_demand), false) else {
        panic!("it is cheaper")
    };
    assert!(!new.allows(Spot) && new.allows(OnDemand));
    assert_eq!(new.options.iter().map(|option| option.instance).collect::<Vec<_>>(), [3, 1, 2]);
}

/// `count` Spot types at 0.01, 0.02 and so on, the dearest first.
fn spot_types(count: u32) -> Vec<LaunchOption> {
    (1..=count).rev().map(|id| option(id, &[(Spot, &[format!("0.{id:02}").as_str()])])).collect()
}

#[test]
fn spot_is_replaced_by_spot_only_behind_its_gate_and_with_fifteen_cheaper_types() {
    // (types at 0.01, 0.02 …; price of the node; gate; what is left)
    let cases = [
        (20, "0.18", false, None),
        (20, "0.15", true, None), // 14 are cheaper; the 15th costs the same.
        (20, "0.16", true, Some((1..=15).collect::<Vec<_>>())), // 15 are cheaper.
        (20, "0.18", true, Some((1..=15).collect())), // 17 are cheaper, the cheapest 15 are launched.
    ];
    for (count, price, gate, expected) in cases {
        let decision = decide(&[spot_candidate(price)], one_node(spot_types(count)), gate);
        assert_eq!(types(decision), expected, "{count} types, a node at {price}, gate {gate}");
    }
    // Several Spot nodes at once need no such choice: three types are enough.
    let two = [spot_candidate("0.02"), spot_candidate("0.02")];
    assert_eq!(types(decide(&two, one_node(spot_types(20)), true)), Some(vec![1, 2, 3]));
    // One on-demand node among them, and the gate does not matter.
    let mixed = [spot_candidate("0.02"), candidate(2, "0.02", 1)];
    assert_eq!(types(decide(&mixed, one_node(spot_types(20)), false)), Some(vec![1, 2, 3]));
}

#[test]
fn min_values_can_forbid_a_replacement_and_widen_a_spot_one() {
    // Families a and b in turn; type 17 is the only one of family c.
    let families = |count| -> Vec<LaunchOption> {
        let family = |id| if id == 17 { "c" } else { ["a", "b"][id as usize % 2] };
        let labelled = |option: LaunchOption| LaunchOption {
            label_values: vec![vec![family(option.instance).to_owned()]],
            ..option
        };
        spot_types(count).into_iter().map(labelled).collect()
    };
    let asking = |least, count| {
        Simulated::OneNode(Replacement { min_values: vec![least], ..replacement(families(count)) })
    };
    let on_demand = [candidate(7, "0.02", 1)];
    // One cheaper type, of one family.
    assert_eq!(types(decide(&on_demand, asking(1, 20), false)), Some(vec![1]));
    assert_eq!(decide(&on_demand, asking(2, 20), false), Decision::Nothing);
    // The first 17 types by price are needed for three families.
    let spot = [spot_candidate("0.20")];
    assert_eq!(types(decide(&spot, asking(3, 20), true)), Some((1..=17).collect()));
    assert_eq!(types(decide(&spot, asking(2, 20), true)), Some((1..=15).collect()));
}
