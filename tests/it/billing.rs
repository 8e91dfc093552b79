//! Whole replays worked out by hand, to the last digit. Prices are us-east-1's in `pricing/`: Fargate 0.04048 a
//! vCPU-hour and 0.004445 a GB-hour, m5.large 0.096 an hour, gp3 0.08 a GB-month of 30 days, the control plane
//! 0.10 an hour (0.60 in extended support), NAT 0.045 an hour and 0.045 a GB.

use cost_sim::bill::ItemKind;
use cost_sim::ledger::Outcome;
use cost_sim::platform::{Agent, BillUntil, Kind, LeftoverPods, Platform, Settings, Step, Support};
use cost_sim::replay::PlatformRun;
use cost_sim::units::{Cpu, Memory, Resources, Span, Usd};

use crate::support::*;

const HOUR: i64 = 3_600_000;

fn seconds(secs: i64) -> Step {
    Step::constant(Span::from_secs(secs))
}

/// Start-up of constants: a Fargate node registers in 45 s, a container starts in 1 s, an end is noticed after 6 s.
fn constant_settings() -> Settings {
    let mut settings = instant_settings();
    settings.startup.fargate_register = seconds(45);
    settings.startup.container_create = seconds(1);
    settings.orchestrator.detection_lag = seconds(6);
    settings
}

fn usd(run: &PlatformRun, kind: ItemKind) -> String {
    let bill = run.bill.as_ref().expect("the platform is billed");
    bill.items.iter().filter(|item| item.kind == kind).map(|item| item.usd).sum::<Usd>().to_string()
}

fn agent(name: &str, milli: i64, mib: i64, pods: i64) -> Agent {
    let (cpu, memory) = (Cpu::from_milli(milli), Memory::from_mib(mib));
    Agent { name: name.into(), requests: Resources { cpu, memory, ephemeral: Memory::ZERO, pods } }
}

/// 300 MiB = 314,572,800 bytes. Download at 3 × 25 MB/s: 4,194.304 → 4,195 ms. Unpacking 2.5 times as much at
/// 100 MB/s: 7,864.32 → 7,865 ms.
const PULL_300_MIB: i64 = 4_195 + 7_865;

#[test]
fn one_pod_on_fargate_is_billed_from_its_pull_to_its_deletion() {
    let row = Row { image_size: Some(300), ..Row::pod("a", 0, 100_000) };
    let (_, run, _) = replay_one(&[row], constant_settings(), fargate());
    let pod = run.ledger.runs[0];
    // Registered at 45 s; pulled 12.060 s later; the container starts 1 s later, works 100 s, is noticed 6 s later.
    let started = 45_000 + PULL_300_MIB + 1_000;
    let times =
        [pod.created, pod.scheduled, pod.pull_started, pod.started, pod.ended, pod.observed, pod.deleted];
    let expected = [0, 0, 45_000, started, started + 100_000, started + 106_000, started + 106_000];
    assert_eq!(times.map(ms), expected);

    // 500m and 1 GiB + 256 MiB = 1.25 GiB: 0.5 vCPU and 2 GB. Billed from the pull: 12.060 + 1 + 100 + 6 =
    // 119.060 s, so 120 s, of which 114 s (113.060) until the end of the work and 6 s after it.
    // vCPU: 0.5 × 114 / 3600 h × 0.04048 = 0.00064093333…; all 120 s 0.000674666…: the rest 0.00003373333….
    assert_eq!(usd(&run, ItemKind::FargateCpu), "0.000640933333333");
    assert_eq!(usd(&run, ItemKind::FargateAfterEndCpu), "0.000033733333334");
    // Memory: 2 × 114 / 3600 × 0.004445 = 0.000281516666…; all 120 s 0.000296333…; the rest 0.000014816666….
    assert_eq!(usd(&run, ItemKind::FargateMemory), "0.000281516666667");
    assert_eq!(usd(&run, ItemKind::FargateAfterEndMemory), "0.000014816666666");
    // The control plane from the pod's arrival to its end, at 158.060 s: 0.10 × 158.060 / 3600.
    assert_eq!(usd(&run, ItemKind::ControlPlane), "0.004390555555556");
    let total = run.bill.as_ref().unwrap().total.to_string();
    // 0.000640933333333 + 0.000033733333334 + 0.000281516666667 + 0.000014816666666 + 0.004390555555556
    assert_eq!(total, "0.005361555555556");
    assert_eq!(run.bill.unwrap().items.len(), 5);
}

#[test]
fn fargate_bills_a_minute_at_least_and_stops_at_the_end_if_told_so() {
    // (work, until, billed seconds to the end of the work, billed seconds after it). No image: 1 s to start.
    let cases = [
        (20_000, BillUntil::PodDeleted, 60, 0), // 1 + 20 + 6 = 27 s: the minimum covers all.
        (53_000, BillUntil::PodDeleted, 60, 0), // 1 + 53 + 6 = 60 s.
        (53_001, BillUntil::PodDeleted, 60, 1), // 60.001 s are 61; 54.001 s to the end are within the minute.
        (99_500, BillUntil::PodDeleted, 101, 6), // 100.5 s to the end are 101; 106.5 s in all are 107.
        (99_500, BillUntil::PodFinished, 101, 0),
    ];
    for (work, until, to_end, after) in cases {
        let mut platform = fargate();
        if let Kind::Fargate(settings) = &mut platform.kind {
            settings.bill_until = until;
        }
        let (_, run, _) = replay_one(&[Row::pod("a", 0, work)], constant_settings(), platform);
        let amount = |kind| {
            let items = &run.bill.as_ref().unwrap().items;
            items.iter().find(|item| item.kind == kind).map_or(0, |item| item.quantity.amount)
        };
        // Quantities count millicore-seconds of 0.5 vCPU.
        let seconds = [ItemKind::FargateCpu, ItemKind::FargateAfterEndCpu].map(|kind| amount(kind) / 500);
        assert_eq!(seconds, [to_end, after], "{work} ms of work, {until:?}");
    }
}

#[test]
fn a_pod_that_nobody_deletes_goes_on_costing_on_fargate_and_nothing_on_a_node() {
    let mut settings = constant_settings();
    settings.orchestrator.leftover_pods =
        LeftoverPods { share_ppm: 1_000_000, kept: Span::from_secs(6 * 3_600) };
    let rows = [Row::pod("a", 0, 99_000)];
    let (_, run, _) = replay_one(&rows, settings.clone(), fargate());
    assert_eq!(run.ledger.runs[0].deleted - run.ledger.runs[0].ended, Span::from_secs(6 * 3_600));
    // Six hours of 0.5 vCPU and 2 GB: 6 × (0.02024 + 0.00889).
    assert_eq!(usd(&run, ItemKind::FargateAfterEndCpu), "0.12144");
    assert_eq!(usd(&run, ItemKind::FargateAfterEndMemory), "0.05334");

    let (_, on_node, _) = replay_one(&rows, settings, group("m5.large", 1));
    let (_, deleted, _) = replay_one(&rows, constant_settings(), group("m5.large", 1));
    assert_eq!(on_node.bill.unwrap().total, deleted.bill.unwrap().total);
}

#[test]
fn a_leftover_pod_is_never_deleted_before_its_end_is_noticed() {
    let mut settings = constant_settings();
    settings.orchestrator.leftover_pods = LeftoverPods { share_ppm: 1_000_000, kept: Span::from_secs(1) };
    let (_, run, _) = replay_one(&[Row::pod("a", 0, 99_000)], settings, fargate());
    assert_eq!(run.ledger.runs[0].deleted, run.ledger.runs[0].observed);
}

#[test]
fn a_deletion_delay_is_billed_after_the_end() {
    let mut settings = constant_settings();
    settings.orchestrator.deletion_delay = Span::from_secs(54);
    let (_, run, _) = replay_one(&[Row::pod("a", 0, 99_000)], settings, fargate());
    // 6 s until noticed and 54 s more. 160 s in all: 0.02024 × 160 / 3600 = 0.000899555555556 less the 100 s to the
    // end, 0.000562222222222.
    assert_eq!(usd(&run, ItemKind::FargateAfterEndCpu), "0.000337333333334");
}

#[test]
fn a_sidecar_counts_in_the_size_of_every_fargate_pod_and_a_daemonset_once_a_node() {
    // (sidecar, its MiB, vCPU and MiB billed). The pod asks for 500m and 768 MiB: with 256 MiB exactly 0.5 vCPU, 1 GB.
    let cases = [(0, 0, 500, 1_024), (0, 1, 500, 2_048), (1, 0, 1_000, 2_048), (500, 1_024, 1_000, 2_048)];
    for (milli, mib, cpu, memory) in cases {
        let mut settings = constant_settings();
        settings.sidecars = vec![agent("agent", milli, mib, 0)];
        let row = Row { memory: Some(768), ..Row::pod("a", 0, 99_000) };
        let (_, run, _) = replay_one(&[row], settings, fargate());
        let size = run.ledger.templates[0].allocatable;
        assert_eq!((size.cpu.milli(), size.memory.mib_ceil()), (cpu, memory), "{milli}m {mib} MiB");
    }
    // On an m5.large (1930m for pods and DaemonSets) an agent of 431m beside the usual 180m leaves 1319m: two
    // pods of 660m do not fit together, with 430m they do.
    for (milli, together) in [(430, true), (431, false)] {
        let mut settings = constant_settings();
        settings.daemon_sets.push(agent("agent", milli, 0, 1));
        let row = |task| Row { cpu: Some(660), ..Row::pod(task, 0, 60_000) };
        let (_, run, _) = replay_one(&[row("a"), row("b")], settings, group("m5.large", 1));
        let waited = run.ledger.runs[1].scheduled - run.ledger.runs[1].created;
        assert_eq!(waited == Span::ZERO, together, "{milli}m");
    }
}

#[test]
fn two_nodes_for_two_hours() {
    // The side file says that the trace covers two hours.
    let meta = r#"{"window_start": "2024-01-01T00:00:00Z", "window_end": "2024-01-01T02:00:00Z"}"#;
    let rows = [Row::pod("a", 10 * 60_000, HOUR / 2)];
    let platform = [group("m5.large", 2)];
    for (support, control_plane, total) in
        // 2 × 2 h × 0.096 = 0.384; EBS 2 × 20 GB × 7200 s / 2,592,000 s × 0.08 = 0.008888…, each volume rounded:
        // 2 × 0.004444444444444; control plane 2 h.
        [
            (Support::Standard, "0.20", "0.592888888888888"),
            (Support::Extended, "1.20", "1.592888888888888"),
        ]
    {
        let mut settings = constant_settings();
        settings.cluster.support = support;
        let study = study_of_text(&csv(&rows), Some(meta), settings, &platform).unwrap();
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
        assert_eq!(usd(&runs[0], ItemKind::Ec2OnDemand), "0.384");
        assert_eq!(usd(&runs[0], ItemKind::RootVolume), "0.008888888888888");
        assert_eq!(usd(&runs[0], ItemKind::ControlPlane), control_plane);
        assert_eq!(runs[0].bill.as_ref().unwrap().total.to_string(), total);
        let cost = report.platforms[0].cost.as_ref().unwrap();
        assert_eq!(cost.billed_hours.to_bits(), 2f64.to_bits());

        // Allocation, per node of 0.192 + 0.004444444444444 = 0.196444444444444 for 7200 s.
        // m5.large: 1930m and 6903 MiB. The pod: max(500 / 1930, 1024 / 6903) = 0.25906735… → in 2⁻²⁰ units
        // ⌊271651.8…⌋ = 271651, for 1 + 1800 s (it is bound when its container is created).
        // DaemonSets: max(180 / 1930, 120 / 6903): ⌊97794.6…⌋ = 97794 for 7200 s. No start-up: the nodes were there.
        let share = |part: f64, secs: f64| part / f64::from(1 << 20) * secs / 7_200.0 * 0.196_444_444_444_444;
        let near = |text: &str, expected: f64| {
            let got = Usd::parse(text).unwrap().to_f64();
            assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
        };
        let pods = share(271_651.0, 1_801.0);
        let daemons = 2.0 * share(97_794.0, 7_200.0);
        near(&cost.allocation.pods_usd, pods);
        near(&cost.allocation.daemonsets_usd, daemons);
        assert_eq!(cost.allocation.startup_usd, "0.00");
        near(&cost.allocation.idle_usd, 2.0 * 0.196_444_444_444_444 - pods - daemons);
        assert_eq!(cost.allocation.shared_usd, control_plane);
    }
}

#[test]
fn nat_is_billed_by_the_hour_and_by_what_is_pulled() {
    let mut settings = constant_settings();
    settings.cluster.nat_gateways = 3;
    settings.cluster.pull_through_nat = true;
    let meta = r#"{"window_start": "2024-01-01T00:00:00Z", "window_end": "2024-01-01T02:00:00Z"}"#;
    let rows: Vec<Row> = ["a", "b", "c", "d"]
        .iter()
        .map(|task| Row { image_size: Some(512), ..Row::pod(task, 0, 60_000) })
        .collect();
    // Fargate pulls 4 × 0.5 GB = 2 GB; the one node pulls the image once, 0.5 GB. 3 gateways × 2 h × 0.045.
    for (platform, traffic) in [(fargate(), "0.09"), (group("m5.2xlarge", 1), "0.0225")] {
        let study = study_of_text(&csv(&rows), Some(meta), settings.clone(), &[platform]).unwrap();
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
        assert_eq!(usd(&runs[0], ItemKind::NatGateway), "0.27");
        assert_eq!(usd(&runs[0], ItemKind::NatTraffic), traffic);
    }
}

/// A pod too large in turn for each platform, what depends on it, and one beside them.
fn with_a_giant(giant: Row) -> [Row; 4] {
    [
        Row { workflow: "w".into(), ..giant.of("r", &[]) },
        Row { workflow: "w".into(), ..Row::pod("after", 0, 1_000).of("r", &["giant"]) },
        Row { workflow: "w".into(), ..Row::pod("last", 0, 1_000).of("r", &["after"]) },
        Row { workflow: "w".into(), ..Row::pod("beside", 0, 1_000).of("s", &[]) },
    ]
}

#[test]
fn a_pod_that_nothing_can_hold_is_unschedulable_after_an_hour_and_its_successors_never_run() {
    let giant = |cpu, memory, ephemeral| Row {
        cpu: Some(cpu),
        memory: Some(memory),
        ephemeral: Some(ephemeral),
        ..Row::pod("giant", 5_000, 60_000)
    };
    let arm = Row { node_selector: "kubernetes.io/arch=arm64", ..Row::pod("giant", 5_000, 60_000) };
    let cases: [(Row, Platform, &str); 6] = [
        (giant(16_001, 1_024, 0), fargate(), "it asks for 16001m vCPU"),
        // 120 GiB less 256 MiB are 122,624 MiB.
        (giant(500, 122_625, 0), fargate(), "it asks for 122625Mi of memory"),
        (giant(500, 1_024, 175 * 1_024 + 1), fargate(), "of ephemeral storage; Fargate gives at most 175Gi"),
        // 1930m less 180m of DaemonSets.
        (giant(1_751, 1_024, 0), group("m5.large", 3), "they ask for 1751m of CPU"),
        // 6903 MiB less 120.
        (giant(500, 6_784, 0), group("m5.large", 3), "6784 MiB of memory"),
        (arm, group("m5.large", 3), "no node has the labels of their node_selector kubernetes.io/arch=arm64"),
    ];
    for (row, platform, reason) in cases {
        let rows = with_a_giant(row);
        let (study, run, report) = replay_one(&rows, constant_settings(), platform);
        let setup = study.setup();
        let outcome = |run_id, task| run.ledger.outcomes[step_of(&setup, run_id, task) as usize];
        assert_eq!(outcome("r", "giant"), Outcome::Unschedulable);
        assert_eq!(outcome("r", "after"), Outcome::NotRun);
        assert_eq!(outcome("r", "last"), Outcome::NotRun);
        assert_eq!(outcome("s", "beside"), Outcome::Succeeded);
        let giant = run.ledger.spans[step_of(&setup, "r", "giant") as usize];
        assert_eq!((ms(giant.eligible), ms(giant.observed)), (5_000, 5_000 + HOUR));
        let shown = &report.platforms[0];
        assert!(!shown.complete);
        assert_eq!((shown.pods.unschedulable, shown.pods.not_run, shown.pods.succeeded), (1, 2, 1));
        assert!(shown.incomplete_reasons[0].contains(reason), "{:?}", shown.incomplete_reasons);
        assert_eq!(shown.incomplete_reasons.len(), 2);
        // Only the run that ended has a makespan.
        assert_eq!(shown.latency.makespan_s.count, 1);
    }
    for fits in [giant(16_000, 122_624, 175 * 1_024), giant(1_750, 6_783, 0)] {
        let platform = if fits.cpu == Some(16_000) { fargate() } else { group("m5.large", 3) };
        let (_, _, report) = replay_one(&with_a_giant(fits), constant_settings(), platform);
        assert!(report.platforms[0].complete, "{:?}", report.platforms[0].incomplete_reasons);
    }
}

#[test]
fn storage_beyond_twenty_gib_is_billed_on_fargate() {
    // 100 GiB give 115 GiB, 95 of them billed; 4 min less the start: 1 + 233 + 6 = 240 s. 95 × 240 / 3600 × 0.000111.
    let row = Row { ephemeral: Some(100 * 1_024), ..Row::pod("a", 0, 233_000) };
    let (_, run, _) = replay_one(&[row], constant_settings(), fargate());
    let storage = [ItemKind::FargateStorage, ItemKind::FargateAfterEndStorage].map(|kind| usd(&run, kind));
    // 234 s: 0.000685425. 6 s: 0.000017575.
    assert_eq!(storage, ["0.000685425", "0.000017575"]);
}

#[test]
fn an_image_is_pulled_once_a_node_and_pulls_follow_each_other() {
    let row = |task, at, image| Row { image, image_size: Some(300), ..Row::pod(task, at, 1_000) };
    let rows = [
        row("first", 0, "one"),
        // Joins the pull that runs.
        row("joins", 2_000, "one"),
        // Waits for the other image's pull, then pulls its own.
        row("queued", 3_000, "two"),
        row("cached", 40_000, "one"),
    ];
    let mut platform = group("m5.2xlarge", 1);
    let (_, run, _) = replay_one(&rows, constant_settings(), platform.clone());
    let times: Vec<_> =
        run.ledger.runs.iter().map(|r| [r.scheduled, r.pull_started, r.started].map(ms)).collect();
    let pull = PULL_300_MIB;
    let expected = [
        [0, 0, pull + 1_000],
        [2_000, 2_000, pull + 1_000],
        [3_000, pull, 2 * pull + 1_000],
        [40_000, 40_000, 41_000],
    ];
    assert_eq!(times, expected);
    assert_eq!((run.ledger.counters.image_pulls, run.ledger.counters.image_hits), (2, 1));

    // In parallel the second starts at once and both share the network (312.5 MB/s: no limit here) and the disk.
    let mut settings = constant_settings();
    settings.images.serialize_pulls = false;
    let (_, run, _) = replay_one(&rows, settings, platform.clone());
    // `one` is downloaded at 4,195 ms and unpacks alone until `two` is, at 3,000 + 4,195 = 7,195 ms: 300 of 786.432
    // MB are unpacked. Both then get 50 MB/s: `one` needs 486,432,000 / 50,000 = 9,728.64 → 9,729 ms more, until
    // 16,924. By then `two` has 786,432,000 − 9,729 × 50,000 = 299,982,000 left: 3,000 ms alone, until 19,924.
    let started: Vec<_> = run.ledger.runs.iter().map(|r| ms(r.started)).collect();
    assert_eq!(started, [17_924, 17_924, 20_924, 41_000]);

    // On two nodes each pulls for itself.
    platform = group("m5.2xlarge", 2);
    let two = [row("a", 0, "one"), row("b", 0, "one")];
    let (_, run, _) = replay_one(&two, constant_settings(), platform);
    assert_eq!(run.ledger.counters.image_pulls, 2);
    assert_ne!(run.ledger.runs[0].lease, run.ledger.runs[1].lease, "LeastAllocated spreads");
}

#[test]
fn what_ran_on_fargate_is_billed_by_its_recorded_times() {
    // Created at 0, started at 60 s, worked for 100 s, noticed at 170 s. The trace says that it ran on Fargate but
    // not when its pull began: that it took no time. 170 − 60 = 110 s of 0.5 vCPU: 0.02024 × 110 / 3600.
    let row = Row {
        created: Some(NEW_YEAR),
        start: Some(NEW_YEAR + 60_000),
        end: Some(NEW_YEAR + 160_000),
        observed: Some(NEW_YEAR + 170_000),
        source_platform: "fargate",
        ..Row::pod("a", 0, 100_000)
    };
    let (_, run, report) = replay_one(&[row], constant_settings(), recorded());
    let cpu = [ItemKind::FargateCpu, ItemKind::FargateAfterEndCpu].map(|kind| usd(&run, kind));
    // 100 s: 0.000562222…; 110 s: 0.000618444…: the rest 0.000056222….
    assert_eq!(cpu, ["0.000562222222222", "0.000056222222222"]);
    assert!(report.platforms[0].complete);
}
