//! What users of Karpenter have reported in public, as scenarios that show it, at real prices (us-east-1), with why it is so.
//! None of it is a defect of the simulation, and a simulation in which it did not happen would be wrong.

use cost_sim::ledger::{EndReason, Ledger};
use cost_sim::platform::{Budget, ConsolidationPolicy, Karpenter, Policies};
use cost_sim::units::Span;

use crate::karpenter::{karpenter, launches, pod, ran, settings};
use crate::support::*;

/// Every node may be moved at any time, as many at once as need be.
fn consolidating(types: &[&str]) -> Karpenter {
    let mut k = karpenter(types, &["on-demand"]);
    k.node_pools[0].consolidation_policy = ConsolidationPolicy::WhenEmptyOrUnderutilized;
    k.node_pools[0].consolidate_after = Some(Span::ZERO);
    k.node_pools[0].budgets = vec![Budget::percent(100)];
    k
}

fn types(ledger: &Ledger) -> Vec<String> {
    launches(ledger).into_iter().map(|(_, instance_type, _)| instance_type).collect()
}

fn consolidated(ledger: &Ledger) -> usize {
    ledger.leases.iter().filter(|lease| lease.end_reason == EndReason::Consolidated).count()
}

fn of(task: &str, at_secs: i64, milli: i64, gib: i64, secs: i64) -> Row {
    Row { memory: Some(gib << 10), ..pod(task, at_secs * 1_000, milli, secs) }
}

fn ran_with_retries(rows: &[Row], k: Karpenter) -> Ledger {
    let mut settings = settings();
    settings.orchestrator.lost_pods.retry_limit = 10;
    ran(rows, settings, k).ledger
}

/// aws/karpenter-provider-aws #5903: two m5.2xlarge are not replaced by one m5.4xlarge. Prices are linear in the size: 2 ×
/// 0.384 USD are just 0.768 USD, and a replacement must be cheaper, not as cheap (`price < current`). With a type that is
/// cheaper by any amount, m5a.4xlarge at 0.688 USD, the same nodes are replaced.
#[test]
fn one_large_node_for_the_price_of_two_small_ones_is_no_reason_to_move() {
    // 5 of 7.9 vCPU each: the second pod finds no room on the first node.
    let rows = [of("a", 0, 5_000, 4, 7_200), of("b", 100, 5_000, 4, 7_200)];
    let equal = ran_with_retries(&rows, consolidating(&["m5.2xlarge", "m5.4xlarge"]));
    assert_eq!(types(&equal), ["m5.2xlarge", "m5.2xlarge"]);
    assert_eq!(consolidated(&equal), 0);
    let cheaper = ran_with_retries(&rows, consolidating(&["m5.2xlarge", "m5.4xlarge", "m5a.4xlarge"]));
    assert_eq!(types(&cheaper), ["m5.2xlarge", "m5.2xlarge", "m5a.4xlarge"]);
    assert_eq!(consolidated(&cheaper), 2);
}

/// kubernetes-sigs/karpenter #1962: two c5a.xlarge (2 × 0.154 USD) could be one m6a.xlarge (0.1728 USD), and stay. Multi-node
/// consolidation orders the nodes by what disrupting them costs, and tries only the first two, the first three and so on
/// of that order. A node that is cheap to disrupt but cannot move stands before them, and is part of everything that is
/// tried; the pair alone never is. Without that node the pair is replaced at once.
#[test]
fn a_pair_of_nodes_is_not_found_behind_one_that_cannot_move() {
    // a and b: two pods each of 0.5 vCPU and 3 GiB, which fill the memory of a c5a.xlarge. They disturb more than the one
    // pod of x, which has an m5.4xlarge to itself.
    let pair = [("a", 100), ("b", 200)];
    let pair = pair.map(|(name, at)| ["1", "2"].map(|n| of(&format!("{name}{n}"), at, 500, 3, 7_200)));
    let pair: Vec<Row> = pair.into_iter().flatten().collect();
    let pool = || consolidating(&["c5a.xlarge", "m6a.xlarge", "m5.4xlarge"]);
    let alone = ran_with_retries(&pair, pool());
    assert_eq!(types(&alone), ["c5a.xlarge", "c5a.xlarge", "m6a.xlarge"]);
    assert_eq!(consolidated(&alone), 2);
    let behind: Vec<Row> = [of("x", 0, 15_500, 50, 7_500)].into_iter().chain(pair).collect();
    let behind = ran_with_retries(&behind, pool());
    let missed = types(&behind);
    assert_eq!(missed[..3], ["m5.4xlarge", "c5a.xlarge", "c5a.xlarge"]);
    // While x runs, for 7,500 s, nothing is replaced.
    assert_eq!(consolidated(&behind), 0, "{missed:?}");
}

/// kubernetes-sigs/karpenter #2150: after a move from Cluster Autoscaler there are many c6a.2xlarge where fewer, larger nodes
/// would do. A round only knows the pods of its batch (a second without another pod, ten at most), and buys the cheapest
/// type for just those: a workload that arrives a few pods at a time gets a node for every few pods, of the type with the
/// cheapest CPU. The same pods at once share nodes.
#[test]
fn pods_that_come_in_small_batches_get_many_small_nodes() {
    let pool = || {
        karpenter(
            &["c6a.2xlarge", "c6a.4xlarge", "c6a.8xlarge", "m6a.4xlarge", "r6a.2xlarge"],
            &["on-demand"],
        )
    };
    let pods = |every: i64| -> Vec<Row> {
        let batch = |n: i64| (0..3).map(move |i| of(&format!("p{n}-{i}"), n * every, 2_000, 4, 7_200));
        (0..8).flat_map(batch).collect()
    };
    // Three pods of 2 vCPU: 6 of the 7.9 vCPU of a c6a.2xlarge (0.306 USD), too little for the next pod.
    let in_batches = ran(&pods(60), settings(), pool()).ledger;
    assert_eq!(types(&in_batches), ["c6a.2xlarge"; 8]);
    let at_once = ran(&pods(0), settings(), pool()).ledger;
    let at_once = types(&at_once);
    // 24 pods of 2 vCPU and 4 GiB: 15 fit a c6a.8xlarge (31.85 vCPU, about 60 GiB), which costs as much as four c6a.2xlarge,
    // that hold 12.
    assert!(at_once.len() <= 3, "{at_once:?}");
    assert!(at_once.iter().any(|name| name.ends_with(".8xlarge")), "{at_once:?}");
}

/// aws/karpenter-provider-aws #3059 (kubernetes-sigs/karpenter #735): with cron jobs every five minutes, nodes join and leave
/// every five minutes, each with its start-up and its pulls of images. The request led to `consolidateAfter`: longer than
/// the gap, the nodes stay.
#[test]
fn cron_jobs_make_nodes_come_and_go_unless_consolidation_waits_for_the_next() {
    let hour: Vec<Row> = (0..12).map(|n| pod(&format!("cron{n}"), n * 300_000, 1_500, 60)).collect();
    let nodes = |after: i64| {
        let mut k = karpenter(&["m5.large"], &["on-demand"]);
        k.node_pools[0].consolidate_after = Some(Span::from_secs(after));
        ran(&hour, settings(), k).ledger.leases.len()
    };
    assert_eq!(nodes(0), 12, "a node for every job");
    assert_eq!(nodes(30), 12);
    assert_eq!(nodes(600), 1, "one for all of them");
}

/// aws/karpenter-provider-aws #6459 (and #5429): pods end while a node for the next one is still starting, which then comes
/// for nothing. Karpenter launches for every pod that does not fit right now, however soon a place becomes free. Waiting
/// before a launch (`scaleOutDelay`, which stock Karpenter does not have) trades the useless nodes for start delay.
#[test]
fn nodes_come_too_late_for_pods_that_have_found_a_place() {
    // One job fills an m5.large. Every 210 s two of 60 s come, the second 50 s after the first: ten seconds before there is
    // room for it, and 22 before a new node is Ready. That one leaves again after 100 s without a pod; the node that is in
    // use never waits so long.
    let pair = |n: i64| {
        let job = |name: &str, at: i64| pod(&format!("{name}{n}"), at + n * 210_000, 1_500, 60);
        [job("first", 100_000), job("second", 150_000)]
    };
    let rows: Vec<Row> = [pod("warm-up", 0, 1_500, 60)].into_iter().chain((0..5).flat_map(pair)).collect();
    let nodes = |delay: i64| {
        let mut k = karpenter(&["m5.large"], &["on-demand"]);
        k.policies = Policies { scale_out_delay: Span::from_secs(delay), ..Policies::default() };
        k.node_pools[0].consolidate_after = Some(Span::from_secs(100));
        let ledger = ran(&rows, settings(), k).ledger;
        let used = |lease: usize| ledger.runs.iter().any(|run| run.lease as usize == lease);
        let useless = (0..ledger.leases.len()).filter(|lease| !used(*lease)).count();
        (ledger.leases.len(), useless)
    };
    assert_eq!(nodes(0), (6, 5), "nodes, and those of them that never had a pod");
    assert_eq!(nodes(30), (1, 0));
}
