//! Rules beyond stock Karpenter's, in whole replays: each against stock, on the same pods and the same Spot market.

use cost_sim::ledger::{EndReason, Ledger, Outcome};
use cost_sim::platform::{ConsolidationPolicy, Karpenter, Policies, Settings};
use cost_sim::units::Span;

use crate::karpenter::{event, karpenter, launches, pod, ran, requested, settings};
use crate::support::*;

const SPOT_OR_NOT: [&str; 2] = ["spot", "on-demand"];

fn with(karpenter: Karpenter, policies: Policies) -> Karpenter {
    Karpenter { policies, ..karpenter }
}

/// How many nodes never had a pod.
fn useless(ledger: &Ledger) -> usize {
    (0..ledger.leases.len())
        .filter(|lease| ledger.runs.iter().all(|run| run.lease as usize != *lease))
        .count()
}

fn capacity_types(ledger: &Ledger) -> Vec<String> {
    launches(ledger).into_iter().map(|(_, _, capacity_type)| capacity_type).collect()
}

#[test]
fn a_node_that_becomes_free_before_a_new_one_joins_saves_it_where_scale_out_waits() {
    // One pod fills an m5.large. z brings one about, which a finds free at 100 s and leaves at 160 s. b comes at 150 s.
    // Stock Karpenter asks for a node at 151.001 s, which is Ready at 173.001 s; b runs in a's place before that.
    let rows = [pod("z", 0, 1_500, 10), pod("a", 100_000, 1_500, 60), pod("b", 150_000, 1_500, 60)];
    let one_type = || karpenter(&["m5.large"], &["on-demand"]);
    let stock = ran(&rows, settings(), one_type());
    assert_eq!(requested(&stock.ledger), [1_001, 151_001]);
    assert_eq!(useless(&stock.ledger), 1);
    let patient = Policies { scale_out_delay: Span::from_secs(30), ..Policies::default() };
    let patient = ran(&rows, settings(), with(one_type(), patient));
    // z waits for its 30 s (it triggers again every ten), b never comes to that.
    assert_eq!(patient.ledger.leases.len(), 1);
    assert_eq!(useless(&patient.ledger), 0);
    let waited = requested(&patient.ledger)[0];
    assert!((30_000..42_000).contains(&waited), "{waited}");
}

#[test]
fn a_replacement_that_starts_at_the_notice_is_there_sooner() {
    let market = || {
        let mut settings = settings();
        settings.spot.events = vec![event(100, 1_000_000, 0)];
        settings.orchestrator.lost_pods.retry_limit = 3;
        settings.orchestrator.lost_pods.retry_interval = Span::from_secs(30);
        settings
    };
    let rows = [pod("a", 0, 1_500, 300)];
    let run = |replace_at_notice| {
        let policies = Policies { replace_at_notice, ..Policies::default() };
        ran(&rows, market(), with(karpenter(&["m5.large"], &["spot"]), policies)).ledger
    };
    let (stock, at_notice) = (run(false), run(true));
    // The same interruptions, and the same losses.
    assert_eq!(stock.counters.interruptions, at_notice.counters.interruptions);
    assert_eq!(stock.counters.lost_work_ms, at_notice.counters.lost_work_ms);
    // Stock launches for the retry, which is created 30 s after the loss; its node is Ready 22 s after it was asked for. At
    // the notice the node is asked for at once, and waits for the retry.
    let started = |ledger: &Ledger| ms(ledger.runs[1].scheduled) - ms(ledger.runs[1].created);
    assert_eq!((stock.leases.len(), at_notice.leases.len()), (2, 2));
    assert!(requested(&stock)[1] > requested(&at_notice)[1] + 25_000, "{:?}", requested(&stock));
    assert!(started(&at_notice) < 1_000 && started(&stock) > 22_000, "{}", started(&at_notice));
}

/// A pod that comes when there is no Spot for 100 s, and works for most of an hour. Lost pods are started again.
fn shortage() -> Settings {
    let mut settings = settings();
    settings.spot.events = vec![event(0, 0, 100)];
    settings.orchestrator.lost_pods.retry_limit = 10;
    settings
}

fn during_a_shortage(policy: ConsolidationPolicy, policies: Policies) -> Ledger {
    let mut k = with(karpenter(&["m5.large"], &SPOT_OR_NOT), policies);
    k.node_pools[0].consolidation_policy = policy;
    k.node_pools[0].consolidate_after = Some(Span::ZERO);
    let ledger = ran(&[pod("a", 0, 1_500, 3_000)], shortage(), k).ledger;
    assert_eq!(ledger.outcomes, [Outcome::Succeeded]);
    ledger
}

#[test]
fn whether_a_stand_in_for_spot_is_given_back_depends_on_consolidation_and_its_time_to_live() {
    use ConsolidationPolicy::{WhenEmpty, WhenEmptyOrUnderutilized};
    // WhenEmpty leaves a node with a pod alone: on-demand to the end.
    assert_eq!(capacity_types(&during_a_shortage(WhenEmpty, Policies::default())), ["on-demand"]);
    // Consolidation finds the same type cheaper as Spot, and moves the pod.
    let consolidated = during_a_shortage(WhenEmptyOrUnderutilized, Policies::default());
    assert_eq!(capacity_types(&consolidated), ["on-demand", "spot"]);
    assert_eq!(consolidated.leases[0].end_reason, EndReason::Consolidated);
    // With a time to live, so does WhenEmpty, after ten minutes.
    let ttl = Policies { on_demand_fallback_ttl: Some(Span::from_secs(600)), ..Policies::default() };
    let given_back = during_a_shortage(WhenEmpty, ttl);
    assert_eq!(capacity_types(&given_back), ["on-demand", "spot"]);
    assert_eq!(given_back.leases[0].end_reason, EndReason::Expired);
    let lived = given_back.leases[0].terminated - given_back.leases[0].requested;
    assert!((Span::from_secs(600)..Span::from_secs(660)).contains(&lived), "{lived:?}");
}

#[test]
fn a_node_that_is_on_demand_by_choice_has_no_time_to_live() {
    let ttl = Policies { on_demand_fallback_ttl: Some(Span::from_secs(600)), ..Policies::default() };
    let ledger =
        ran(&[pod("a", 0, 1_500, 3_000)], settings(), with(karpenter(&["m5.large"], &["on-demand"]), ttl))
            .ledger;
    assert_eq!((ledger.leases.len(), ledger.runs.len()), (1, 1));
}

#[test]
fn no_pod_waits_longer_for_spot_than_it_is_told_to() {
    let asked = |secs: i64| {
        let after = Policies { on_demand_fallback_after: Span::from_secs(secs), ..Policies::default() };
        let ledger = during_a_shortage(ConsolidationPolicy::WhenEmpty, after);
        (requested(&ledger)[0], capacity_types(&ledger)[0].clone())
    };
    // Spot is refused at 3.001 s; pods trigger every ten seconds, and a round begins a second later.
    let (stock, kind) = asked(0);
    assert!(stock < 12_000 && kind == "on-demand", "{stock}");
    let (bounded, kind) = asked(60);
    assert!((60_000..72_000).contains(&bounded) && kind == "on-demand", "{bounded}");
    // Longer than the shortage is remembered, for three minutes: then there is Spot again.
    let (patient, kind) = asked(600);
    assert!((183_000..195_000).contains(&patient) && kind == "spot", "{patient}");
}

#[test]
fn each_job_is_bought_for_as_it_prefers() {
    let of = |selector: &'static str| {
        let row = Row { node_selector: selector, ..pod("a", 0, 1_500, 60) };
        capacity_types(&ran(&[row], shortage(), karpenter(&["m5.large"], &SPOT_OR_NOT)).ledger)
    };
    // During the shortage: what prefers Spot takes on-demand, what insists waits for Spot.
    assert_eq!(of(""), ["on-demand"]);
    assert_eq!(of("karpenter.sh/capacity-type=on-demand"), ["on-demand"]);
    assert_eq!(of("karpenter.sh/capacity-type=spot"), ["spot"]);
}
