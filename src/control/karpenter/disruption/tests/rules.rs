//! What keeps nodes from being disrupted, or has them disrupted for another reason than money.

use super::setup::{Pod, nodes, on_demand, pod, s, secs, settings, simulate, simulate_as};
use super::{UNEVEN, WhenEmpty, WhenEmptyOrUnderutilized};
use crate::kube::{IntOrPercent, LabelSelector};
use crate::ledger::{EndReason, Outcome};
use crate::platform::{
    Budget, BudgetWindow, ConsolidationPolicy, ControllerSpeed, DisruptionReason, Drift, Karpenter, NodePool,
    Pdb, Schedule,
};

fn drifting(at: i64) -> Karpenter {
    let drift = vec![Drift { at: secs(at), node_pool: None }];
    Karpenter { drift, controller_speed: ControllerSpeed::Unlimited, ..Karpenter::default() }
}

/// Works for 2,000 s on an m5.large.
const LONG: [Pod; 1] = [pod(0, 2_000, 500)];

#[test]
fn a_drifted_node_is_replaced_by_its_like_without_a_second_look() {
    // The NodePool changes at 100 s. EC2 answered at 3 s, so its NodeClaim is compared at 303 s; the poll is at 310 s.
    // The m5.large in its place is Ready at 310 + 35 s, and only then the pod is killed; the old node is drained for 5 s.
    let ledger = simulate_as(drifting(100), &LONG, on_demand(WhenEmpty, Some(60)), &settings());
    let nodes = nodes(&ledger);
    assert_eq!(nodes[0], ("m5.large", 36, 350, EndReason::Drifted));
    // The new one was made after the change.
    assert_eq!((nodes.len(), nodes[1].1, nodes[1].3), (2, 345, EndReason::Empty));
    assert_eq!(ledger.runs[0].taken, Some(EndReason::Drifted));
    assert_eq!((ledger.runs[1].started, ledger.outcomes[0]), (s(351), Outcome::Succeeded));
}

#[test]
fn drift_has_its_own_budget() {
    let budget = Budget { reasons: vec![DisruptionReason::Drifted], ..Budget::nodes(0) };
    let pool = NodePool { budgets: vec![budget], ..on_demand(WhenEmpty, Some(60)) };
    let ledger = simulate_as(drifting(100), &LONG, pool, &settings());
    assert_eq!((ledger.runs.len(), nodes(&ledger)[0].3), (1, EndReason::Empty));
}

#[test]
fn a_budget_can_hold_for_part_of_the_time() {
    // The simulation begins at midnight. In the first ten minutes of every hour nothing may go: found at 600 s, valid at
    // 615 s, the replacement Ready at 650 s, drained for 5 s.
    let window = BudgetWindow { schedule: Schedule::parse("@hourly").unwrap(), duration: secs(600) };
    let budget = Budget { window: Some(window), ..Budget::nodes(0) };
    let pool = NodePool { budgets: vec![budget], ..on_demand(WhenEmptyOrUnderutilized, Some(60)) };
    let ledger = simulate(&UNEVEN, pool, &settings());
    assert_eq!(nodes(&ledger)[0], ("m5.xlarge", 36, 655, EndReason::Consolidated));
}

#[test]
fn balanced_consolidates_what_saves_enough() {
    // Half of the pool's price is saved for all of its disruption: 0.5 / 1, which is just enough.
    let ledger = simulate(&UNEVEN, on_demand(ConsolidationPolicy::Balanced, Some(60)), &settings());
    assert_eq!(nodes(&ledger)[0], ("m5.xlarge", 36, 255, EndReason::Consolidated));
}

#[test]
fn a_pod_that_may_not_be_evicted_keeps_its_node() {
    // One of the pods has to be there. When the other has ended, the node's last one must not go.
    let mut settings = settings();
    settings.pdbs = vec![Pdb {
        name: "all".to_owned(),
        namespace: "default".to_owned(),
        selector: Some(LabelSelector::default()),
        min_available: Some(IntOrPercent::Int(1)),
        max_unavailable: None,
        disruptions_allowed: None,
        always_allows_unhealthy: false,
    }];
    let ledger = simulate(&UNEVEN, on_demand(WhenEmptyOrUnderutilized, Some(60)), &settings);
    assert_eq!(nodes(&ledger), [("m5.xlarge", 36, 2_120, EndReason::Empty)]);
}
