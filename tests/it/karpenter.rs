//! Karpenter in whole replays: when nodes are asked for, what happens when EC2 has none or takes one back, and what
//! holds for every workload.

use cost_sim::catalog::labels;
use cost_sim::ledger::{EndReason, Lease, Ledger, Machine, Outcome};
use cost_sim::platform::{
    ControllerSpeed, Home, Karpenter, Kind, NodePool, NodeRequirement, Platform, RequirementOperator,
    Settings, SpotEvent, Step,
};
use cost_sim::replay::PlatformRun;
use cost_sim::units::Span;
use proptest::prelude::*;

use crate::support::generate::*;
use crate::support::*;

pub fn one_of(key: &str, values: &[&str]) -> NodeRequirement {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    NodeRequirement { key: key.to_owned(), operator: RequirementOperator::In, values, min_values: None }
}

/// One pool of these types and capacity types; controllers cost nothing.
pub fn karpenter(types: &[&str], capacity_types: &[&str]) -> Karpenter {
    let requirements =
        vec![one_of(labels::INSTANCE_TYPE, types), one_of(labels::CAPACITY_TYPE, capacity_types)];
    // Nodes stay: this is about how they come.
    let pool = NodePool { requirements, consolidate_after: None, ..NodePool::default() };
    Karpenter { node_pools: vec![pool], home: Home::Elsewhere, ..Karpenter::default() }
}

pub fn platform(karpenter: Karpenter) -> Platform {
    Platform { name: "karpenter".into(), kind: Kind::Karpenter(karpenter) }
}

/// EC2 answers after 2 s, and a node is Ready 20 s later. Nothing else takes time, and Spot is calm.
pub fn settings() -> Settings {
    let mut settings = instant_settings();
    settings.startup.create_fleet = Step::constant(Span::from_secs(2));
    settings.startup.kernel_to_registered = Step::constant(Span::from_secs(20));
    settings.daemon_sets = Vec::new();
    settings.spot.hazard_permille = 0;
    settings
}

pub fn ran(rows: &[Row], settings: Settings, karpenter: Karpenter) -> PlatformRun {
    let study = study(rows, settings, &[platform(karpenter)]);
    replay(&study).0.pop().expect("one platform was asked for")
}

/// When each node was asked for, and as what.
pub fn launches(ledger: &Ledger) -> Vec<(i64, String, String)> {
    let of = |lease: &Lease| {
        let Machine::Ec2 { instance_type, capacity_type } =
            &ledger.templates[lease.template as usize].machine
        else {
            panic!("Karpenter launches EC2 instances");
        };
        (ms(lease.requested), instance_type.clone(), capacity_type.to_string())
    };
    ledger.leases.iter().map(of).collect()
}

pub fn requested(ledger: &Ledger) -> Vec<i64> {
    launches(ledger).into_iter().map(|(at, ..)| at).collect()
}

/// A pod of so many millicores and 1 GiB, for so many seconds from `at` ms on.
pub fn pod(task: &str, at: i64, milli: i64, seconds: i64) -> Row {
    Row { cpu: Some(milli), ..Row::pod(task, at, seconds * 1_000) }
}

#[test]
fn a_node_is_asked_for_after_a_second_of_batching_and_a_millisecond_a_pod() {
    let run = ran(&[pod("a", 0, 500, 60)], settings(), karpenter(&["m5.large"], &["on-demand"]));
    // Unschedulable at 0; the window closes at 1 s; one pod takes 1 ms.
    assert_eq!(requested(&run.ledger), [1_001]);
    // EC2's answer after 2 s, Ready 20 s later; the pod's back-off is long over.
    assert_eq!(ms(run.ledger.leases[0].ready), 23_001);
    assert_eq!(ms(run.ledger.runs[0].scheduled), 23_001);
    let unlimited = Karpenter {
        controller_speed: ControllerSpeed::Unlimited,
        ..karpenter(&["m5.large"], &["on-demand"])
    };
    assert_eq!(requested(&ran(&[pod("a", 0, 500, 60)], settings(), unlimited).ledger), [1_000]);
}

#[test]
fn pods_that_come_together_share_a_round_and_a_node() {
    let rows = [pod("a", 0, 500, 60), pod("b", 500, 500, 60), pod("c", 1_200, 500, 60)];
    let run = ran(&rows, settings(), karpenter(&["m5.large", "m5.xlarge"], &["on-demand"]));
    // The window closes a second after the last: at 2.2 s; three pods take 3 ms. 1,500m fit an m5.large (1,930m).
    assert_eq!(launches(&run.ledger), [(2_203, "m5.large".into(), "on-demand".into())]);
    assert!(run.ledger.runs.iter().all(|pod| pod.lease == 0));
}

#[test]
fn the_next_round_waits_for_the_answers_of_the_last_and_counts_on_nodes_that_boot() {
    let mut settings = settings();
    settings.startup.create_fleet = Step::constant(Span::from_secs(5));
    // The first node is asked for at 1.001 s, answered at 6.001 s. The window of b and c closes at 2.5 s; their round
    // begins at 6.001 s with a, b and c and takes 3 ms. b is the largest, so it comes first and takes 1,500m of the
    // 1,930m of the node that boots. c, and then a, find no room there and get a node of their own.
    let rows = [pod("a", 0, 500, 60), pod("b", 1_500, 1_500, 60), pod("c", 1_500, 1_000, 60)];
    let run = ran(&rows, settings, karpenter(&["m5.large"], &["on-demand"]));
    assert_eq!(requested(&run.ledger), [1_001, 6_004]);
}

#[test]
fn a_backlog_that_boots_is_not_provisioned_for_twice() {
    // Ten pods of 1,500m are ten nodes of 1,930m. They trigger again at 10 and 20 s, in vain.
    let rows: Vec<Row> = (0..10).map(|i| pod(&format!("p{i}"), 0, 1_500, 60)).collect();
    let run = ran(&rows, settings(), karpenter(&["m5.large"], &["on-demand"]));
    assert_eq!(requested(&run.ledger), [1_010; 10]);
}

pub fn event(at: i64, reclaims_ppm: u32, shortage: i64) -> SpotEvent {
    let (at, shortage) = (Span::from_secs(at), Span::from_secs(shortage));
    SpotEvent { at, instance_type: None, zone: None, reclaims_ppm, shortage }
}

#[test]
fn what_ec2_has_none_of_is_left_alone_for_three_minutes() {
    let mut settings = settings();
    // No Spot anywhere for the first 100 s.
    settings.spot.events = vec![event(0, 0, 100)];
    let rows = [("a", 0), ("b", 60_000), ("c", 150_000), ("d", 190_000)];
    let rows = rows.map(|(task, at)| pod(task, at, 1_500, 1_000));
    let run = ran(&rows, settings, karpenter(&["m5.large"], &["spot", "on-demand"]));
    let expected = [
        // a: Spot is asked for at 1.001 s and refused at 3.001 s, in three zones. The pod triggers again at 10 s, and
        // the round that ends at 11.001 s knows better.
        (11_001, "on-demand"),
        // Refused until 183.001 s: b at 60 s and c at 150 s do not try Spot, though EC2 has some again from 100 s on.
        (61_001, "on-demand"),
        (151_001, "on-demand"),
        (191_001, "spot"),
    ];
    let launched = launches(&run.ledger);
    let got: Vec<_> = launched.iter().map(|(at, _, capacity_type)| (*at, capacity_type.as_str())).collect();
    assert_eq!(got, expected);
    assert_eq!(run.ledger.counters.capacity_errors, 3);
}

#[test]
fn an_interrupted_node_is_drained_at_once_and_replaced_elsewhere() {
    let mut settings = settings();
    settings.spot.events = vec![event(100, 1_000_000, 0)];
    let run = ran(&[pod("a", 0, 1_500, 1_000)], settings, karpenter(&["m5.large"], &["spot"]));
    let ledger = &run.ledger;
    let [first, second] = &ledger.runs[..] else { panic!("one retry: {:?}", ledger.runs) };
    // The pod stops two seconds after it is asked to: at the notice.
    let notice = ms(first.ended) - 2_000;
    assert!((100_000..280_000).contains(&notice), "{notice}");
    let [old, new] = &ledger.leases[..] else { panic!("one replacement: {:?}", ledger.leases) };
    // Drained for five seconds at least, and not until EC2 takes it back.
    assert_eq!((ms(old.terminated), old.end_reason), (notice + 5_000, EndReason::DrainedAtNotice));
    // A pod that is being evicted is not provisioned for. Its retry is, a batch later: 1 s idle and 1 ms of Solve; in
    // another zone.
    assert_eq!(ms(new.requested), ms(second.created) + 1_001);
    assert_ne!(old.zone, new.zone);
    assert_eq!((second.lease, ledger.outcomes[0]), (1, Outcome::Succeeded));
}

#[test]
fn without_interruption_handling_a_pod_dies_with_its_node() {
    let mut settings = settings();
    settings.spot.events = vec![event(100, 1_000_000, 0)];
    let deaf = Karpenter { interruption_handling: false, ..karpenter(&["m5.large"], &["spot"]) };
    let ledger = ran(&[pod("a", 0, 1_500, 1_000)], settings, deaf).ledger;
    assert_eq!(ledger.leases[0].end_reason, EndReason::Interrupted);
    assert_eq!(ledger.leases[0].terminated, ledger.runs[0].ended);
    // The retry is found unschedulable at that instant, and its round takes place a second later.
    assert_eq!(ms(ledger.leases[1].requested), ms(ledger.runs[0].ended) + 1_001);
}

#[test]
fn a_node_that_expires_is_drained_and_its_pods_go_elsewhere() {
    let mut expiring = karpenter(&["m5.large"], &["on-demand"]);
    expiring.node_pools[0].expire_after = Some(Span::from_secs(100));
    // a brings the node about; b runs there from 50 s on and would end at 110 s.
    let ledger = ran(&[pod("a", 0, 500, 10), pod("b", 50_000, 500, 60)], settings(), expiring).ledger;
    // Created at 1.001 s: it expires at 101.001 s. b stops at 103.001 s, the node is gone at 106.001 s. The retry of b
    // needs a node; that of its batch is asked for 1 s and 1 ms of Solve after its creation.
    let old = &ledger.leases[0];
    assert_eq!((ms(old.terminated), old.end_reason), (106_001, EndReason::Expired));
    let retry = ms(ledger.runs[2].created);
    assert!(retry >= 103_001, "{retry}");
    assert_eq!(requested(&ledger)[..2], [1_001, retry + 1_001]);
    assert_eq!(ledger.outcomes, [Outcome::Succeeded; 2]);
}

#[test]
fn the_cheapest_type_that_fits_is_launched() {
    // 3,500m and 1 GiB: an m5.xlarge (0.192 USD) or a c5.xlarge (0.17 USD) in us-east-1.
    let run = ran(
        &[pod("a", 0, 3_500, 60)],
        settings(),
        karpenter(&["c5.xlarge", "m5.xlarge", "m5.2xlarge"], &["on-demand"]),
    );
    assert_eq!(launches(&run.ledger), [(1_001, "c5.xlarge".into(), "on-demand".into())]);
}

#[test]
fn pods_that_nothing_can_hold_are_named_with_the_reason() {
    let cases = [
        (
            Row { cpu: Some(9_000), ..Row::pod("a", 0, 1_000) },
            "they ask for 9000m of CPU and m5.large has 1930m for pods",
        ),
        (
            Row { node_selector: "disk=tape", ..Row::pod("a", 0, 1_000) },
            "no node has the labels of their node_selector disk=tape",
        ),
    ];
    for (row, expected) in cases {
        let study = study(&[row], settings(), &[platform(karpenter(&["m5.large"], &["on-demand"]))]);
        let (runs, report) = replay(&study);
        assert_eq!(runs[0].ledger.outcomes, [Outcome::Unschedulable]);
        assert!(runs[0].ledger.leases.is_empty());
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_pool_that_could_launch_nothing_is_refused() {
    let complaint = |karpenter: Karpenter| {
        let study = study(&[Row::pod("a", 0, 1_000)], settings(), &[platform(karpenter)]);
        study.resolve().map(|_| ()).unwrap_err().render()
    };
    let unknown = complaint(karpenter(&["m5.gigantic"], &["on-demand"]));
    assert!(
        unknown.contains(
            "NodePool karpenter: no instance type that is sold in us-east-1 has \
             node.kubernetes.io/instance-type m5.gigantic"
        ),
        "{unknown}"
    );
    let mut apart = karpenter(&["m5.large"], &["on-demand"]);
    apart.node_pools[0].requirements.push(one_of(labels::ARCH, &["arm64"]));
    let apart = complaint(apart);
    assert!(apart.contains("not all of them together"), "{apart}");
}

fn pools() -> impl Strategy<Value = Karpenter> {
    let capacity = prop::sample::select(vec![vec!["on-demand"], vec!["spot"], vec!["spot", "on-demand"]]);
    let limit = prop_oneof![3 => Just(None), 1 => (1i64..64).prop_map(Some)];
    (capacity, limit, any::<bool>(), any::<bool>()).prop_map(|(capacity, cores, measured, small)| {
        let small =
            if small { &["m5.large", "c5.xlarge", "m6g.large"][..] } else { &["m5.2xlarge", "r5.4xlarge"] };
        let mut karpenter = karpenter(small, &capacity);
        karpenter.node_pools[0].limits.cpu = cores.map(cost_sim::units::Cpu::from_cores);
        karpenter.node_pools.push(NodePool { name: "rest".into(), weight: 0, ..NodePool::default() });
        karpenter.controller_speed =
            if measured { ControllerSpeed::Measured } else { ControllerSpeed::Unlimited };
        karpenter
    })
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn the_laws_hold_for_karpenter(rows in traces(Features::ALL, any::<bool>()), karpenter in pools()) {
        prop_assume!(has_pods(&rows));
        let study = study(&rows, settings(), &[platform(karpenter)]);
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
        // The order of the rows plays no part.
        let reversed: Vec<Row> = rows.iter().rev().cloned().collect();
        let again = crate::support::study(&reversed, settings(), &[platform_of(&study)]);
        let (again, _) = replay(&again);
        prop_assert_eq!(&again[0].ledger.leases, &runs[0].ledger.leases);
    }
}

fn platform_of(study: &cost_sim::replay::Study) -> Platform {
    study.resolve().unwrap_or_else(|error| panic!("{}", error.render())).platforms[0].clone()
}
