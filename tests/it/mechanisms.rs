//! The mechanisms that decide between Fargate and nodes, each in a trace small enough for its result to be added up by
//! hand: idle ends of nodes, nodes that come too early, packing, image caches, and notices of interruption.

use cost_sim::bill::{Bill, ItemKind};
use cost_sim::catalog::labels;
use cost_sim::ledger::{EndReason, Lease, Ledger};
use cost_sim::platform::{
    Budget, Home, Karpenter, Kind, NodeGroup, NodeGroups, NodePool, Platform, Settings, SpotEvent, Step,
};
use cost_sim::replay::PlatformRun;
use cost_sim::units::{Memory, Rate, Span, Usd};

use crate::support::autoscaled::one_of;
use crate::support::*;

/// A batch is open for a second, and a round takes a millisecond a pod.
const BATCH: i64 = 1_000;
/// EC2 answers, and then the instance runs: not billed yet.
const LAUNCH: i64 = 10_000;
/// From running to Ready: billed.
const BOOT: i64 = 30_000;
/// Karpenter looks for idle nodes every ten seconds, waits before it believes what it saw, and drains for a moment.
const POLL: i64 = 10_000;
const VALIDATION: i64 = 15_000;
const DRAIN: i64 = 5_000;

/// The times above; nothing else takes time, and there is nothing on the nodes but pods. An image of N bytes takes
/// N ÷ 50,000 ms to pull.
fn settings() -> Settings {
    let mut settings = instant_settings();
    settings.startup.launch_to_pending = Step::constant(Span::from_ms(2_000));
    settings.startup.create_fleet = Step::constant(Span::from_ms(2_000));
    settings.startup.pending_to_kernel = Step::constant(Span::from_ms(LAUNCH - 2_000));
    settings.startup.kernel_to_registered = Step::constant(Span::from_ms(BOOT));
    settings.images.layers = 1;
    settings.images.layer_rate = Memory::from_bytes(50_000_000);
    settings.images.unpacked_tenths = 0;
    settings.daemon_sets = Vec::new();
    settings.spot.hazard_permille = 0;
    settings
}

fn pull_ms(image_mib: i64) -> i64 {
    (image_mib << 20).div_euclid(50_000) + i64::from((image_mib << 20) % 50_000 > 0)
}

/// Karpenter with m5.large alone (0.096 USD an hour, 1,930m for pods), whose nodes go when they were empty for
/// `consolidate_after` seconds. Its own home costs nothing.
fn karpenter(capacity_type: &str, consolidate_after: i64) -> Karpenter {
    let requirements =
        vec![one_of(labels::INSTANCE_TYPE, &["m5.large"]), one_of(labels::CAPACITY_TYPE, &[capacity_type])];
    let pool = NodePool {
        requirements,
        consolidate_after: Some(Span::from_secs(consolidate_after)),
        budgets: vec![Budget::percent(100)],
        ..NodePool::default()
    };
    Karpenter { node_pools: vec![pool], home: Home::Elsewhere, ..Karpenter::default() }
}

fn ran(rows: &[Row], settings: Settings, karpenter: Karpenter) -> PlatformRun {
    replay_one(rows, settings, Platform { name: "karpenter".into(), kind: Kind::Karpenter(karpenter) }).1
}

/// A pod that has an m5.large to itself.
fn large(task: &str, at: i64, work: i64) -> Row {
    Row { cpu: Some(1_500), ..Row::pod(task, at, work) }
}

fn bill(run: &PlatformRun) -> &Bill {
    run.bill.as_ref().expect("all prices are known")
}

/// What one kind of item costs, and how much of it there is.
fn item(run: &PlatformRun, kind: ItemKind) -> (i128, Usd) {
    let items = bill(run).items.iter().filter(|item| item.kind == kind);
    items.fold((0, Usd::ZERO), |sum, item| (sum.0 + item.quantity.amount, sum.1 + item.usd))
}

fn node_seconds(run: &PlatformRun) -> i64 {
    item(run, ItemKind::Ec2OnDemand).0 as i64
}

/// Karpenter's polls, in milliseconds: one of them and, by it, all others.
struct Polls(i64);

impl Polls {
    /// The first poll at or after `at`.
    fn after(&self, at: i64) -> i64 {
        at + (self.0 - at).rem_euclid(POLL)
    }

    /// When a node that has been idle since `idle_from` is gone, unless the next pod comes before it is drained.
    fn end_of(&mut self, idle_from: i64, ttl: i64, next_pod: Option<i64>) -> Option<i64> {
        let poll = self.after(idle_from + ttl);
        let validated = poll + VALIDATION;
        if next_pod.is_some_and(|next| next <= poll) {
            return None;
        }
        if next_pod.is_some_and(|next| next <= validated) {
            // Nothing comes of it, and the next poll is ten seconds from here.
            self.0 = validated;
            return None;
        }
        // The next pass begins at once, a millisecond later.
        self.0 = validated + 1;
        Some(validated + DRAIN)
    }
}

/// The billed seconds of each node, one after the other, that runs pods of a minute which follow each other by `gaps`:
/// billed boot + busy time + the gaps that it outlives + time-out + (rest of the poll + 15 s + 5 s).
fn one_node_at_a_time(ttl: i64, gaps: &[i64]) -> Vec<i64> {
    let mut polls = Polls(0);
    let mut billed = Vec::new();
    let mut arrives = 0;
    let mut running: Option<i64> = None;
    for pod in 0..=gaps.len() {
        let starts = match running {
            Some(_) => arrives,
            None => arrives + BATCH + 1 + LAUNCH + BOOT,
        };
        let since = *running.get_or_insert(starts - BOOT);
        let ends = starts + 60_000;
        let next = gaps.get(pod).map(|gap| ends + gap);
        if let Some(gone) = polls.end_of(ends, ttl, next) {
            billed.push((gone - since + 999) / 1_000);
            running = None;
        }
        arrives = next.unwrap_or(ends);
    }
    billed
}

/// W6. Six pods of a minute, each 100 s after the end of the one before.
#[test]
fn a_node_is_billed_for_its_boot_its_work_and_the_idle_time_that_its_time_out_allows() {
    // Time-out 0, first node: asked for at 1.001 s, running 11.001, Ready 41.001, the pod ends at 101.001. Polled at 110,
    //   validated at 125, gone at 130: 118.999 s, billed 119 = 30 boot + 60 work + 8.999 to the poll + 15 + 5.
    //   Second: its pod comes at 201.001, and runs from 242.002 to 302.002. Polls are at 125.001 s and whole tens of
    //   seconds later: polled at 305.001, gone at 325.001, running since 212.002: 112.999, billed 113.
    // Time-out 70 s, first node: 171.001, polled at 180, gone at 200: 189 s; the second pod comes 1 s later, for which
    //   there is no node. (30 s: 131.001, polled at 140, gone at 160: 148.999.)
    // Time-out 80 s: polled at 190, to be validated at 205, but the second pod has come at 201. Nothing comes of that
    //   pass, and polls go on from 205: when the second pod has ended at 261.001, the next is at 345 (341.001), and its
    //   node is gone at 365, having been validated a second before the third pod comes at 361.001. Three nodes for two
    //   pods each; the first is billed 353.999 = 30 boot + 60 + 100 gap + 60 + 80 + 3.999 to the poll + 20.
    // Time-out 100 s: polled at 210 at the earliest, when the second pod has come. 890 + 100 + 8.999 (1,001.001 to the
    //   poll at 1,010) + 20 = 1,018.999.
    let gaps = [100_000; 5];
    let cases: [(i64, usize, Option<i64>); 6] = [
        (0, 6, Some(119)),
        (30, 6, Some(149)),
        (70, 6, Some(189)),
        (80, 3, Some(354)),
        (100, 1, Some(1_019)),
        (600, 1, Some(890 + 600 + 9 + 20)),
    ];
    let mut seconds = Vec::new();
    for (ttl, nodes, first) in cases {
        let mut rows = vec![large("p0", 0, 60_000).of("chain", &[])];
        for (number, gap) in (1..).zip(gaps) {
            let row = large(&format!("p{number}"), 0, 60_000).of("chain", &[&format!("p{}", number - 1)]);
            rows.push(Row { trigger_delay: Some(gap), ..row });
        }
        let run = ran(&rows, settings(), karpenter("on-demand", ttl));
        let expected = one_node_at_a_time(ttl * 1_000, &gaps);
        let lease_seconds = |lease: &Lease| ((lease.terminated - lease.running).ms() + 999) / 1_000;
        let got: Vec<i64> = run.ledger.leases.iter().map(lease_seconds).collect();
        assert_eq!(got, expected, "time-out {ttl} s");
        assert_eq!(got.len(), nodes, "time-out {ttl} s");
        assert!(first.is_none_or(|first| got[0] == first), "time-out {ttl} s: {got:?}");
        assert!(run.ledger.leases.iter().all(|lease| lease.end_reason == EndReason::Empty));
        let sum: i64 = expected.iter().sum();
        assert_eq!(node_seconds(&run), sum);
        // 0.096 USD an hour; each node's charge is rounded to 10⁻¹⁵ USD.
        let usd = item(&run, ItemKind::Ec2OnDemand).1;
        let exact = Rate::parse("0.096").unwrap().charge(i128::from(sum), 3_600);
        assert!((usd.femto() - exact.femto()).abs() <= expected.len() as i128);
        seconds.push(sum);
    }
    // Longer time-outs cost more up to where they bridge the gaps, then less, then more again.
    assert!(seconds[0] < seconds[1] && seconds[1] < seconds[2], "{seconds:?}");
    assert!(seconds[3] < seconds[2] && seconds[4] < seconds[2] && seconds[4] < seconds[5], "{seconds:?}");
}

/// B.8. Every five minutes three pods of 2.5 minutes, each of which needs a node.
fn cron(image_mib: i64) -> Vec<Row> {
    let pod = |cycle: i64, pod: i64| Row {
        image_size: Some(image_mib),
        ..large(&format!("c{cycle}-{pod}"), cycle * 300_000, 150_000)
    };
    (0..12).flat_map(|cycle| (0..3).map(move |number| pod(cycle, number))).collect()
}

/// Seconds that each of three equal nodes is billed over twelve cycles if they go at once.
fn new_nodes_each_cycle(image_mib: i64) -> i64 {
    let mut polls = Polls(0);
    let cycle = |cycle: i64| {
        // Three pods: a round of three milliseconds.
        let running = cycle * 300_000 + BATCH + 3 + LAUNCH;
        let ends = running + BOOT + pull_ms(image_mib) + 150_000;
        let gone = polls.end_of(ends, 0, Some((cycle + 1) * 300_000)).expect("gone before the next cycle");
        (gone - running + 999) / 1_000
    };
    (0..12).map(cycle).sum()
}

#[test]
fn cron_jobs_are_cheapest_on_new_nodes_until_images_are_large_and_dear() {
    // Always on: running from 11.003 s (batch 1 s, round 3 ms, launch 10 s). From the second cycle on pods start as they
    // come: the last ends at 3,300 + 150 = 3,450 s, plus 300 s, which is a poll, plus 20 s: 3,770 − 11.003 = 3,758.997.
    const ALWAYS_ON: i64 = 3_759;
    let mut prefers_new_nodes = Vec::new();
    for (image_mib, nat_usd_per_gb) in [(20, "0.001"), (20, "0.045"), (1_000, "0.001"), (1_000, "0.045")] {
        let nat = Rate::parse(nat_usd_per_gb).unwrap();
        let totals = [0, 300].map(|ttl| {
            let mut settings = settings();
            settings.cluster.pull_through_nat = true;
            let platform =
                Platform { name: "karpenter".into(), kind: Kind::Karpenter(karpenter("on-demand", ttl)) };
            let mut study = study(&cron(image_mib), settings, &[platform]);
            study.catalog.services.nat_gateway_processing.as_mut().unwrap().rate = nat;
            let (runs, report) = replay(&study);
            assert_laws(&study.setup(), &runs, &report);
            let run = &runs[0];

            let (seconds, pulls) =
                if ttl == 0 { (new_nodes_each_cycle(image_mib), 36) } else { (ALWAYS_ON, 3) };
            assert_eq!(run.ledger.counters.image_pulls, pulls);
            assert_eq!(run.ledger.counters.image_hits, 36 - pulls);
            assert_eq!(node_seconds(run), 3 * seconds, "{image_mib} MiB, time-out {ttl} s");
            let bytes = i128::from(pulls) * i128::from(image_mib << 20);
            assert_eq!(item(run, ItemKind::NatTraffic), (bytes, nat.charge(bytes, 1 << 30)));
            // The nodes by themselves: node-hours per hour are 0.7 to 0.75 of three, or 1.04 with the last time-out.
            let share = seconds * 100 / 3_600;
            assert!(if ttl == 0 { (68..=75).contains(&share) } else { share == 104 }, "{share} %");
            let ec2 = Rate::parse("0.096").unwrap().charge(i128::from(3 * seconds), 3_600);
            let total = ec2 + nat.charge(bytes, 1 << 30);
            let of_platform = item(run, ItemKind::Ec2OnDemand).1 + item(run, ItemKind::NatTraffic).1;
            assert!((of_platform.femto() - total.femto()).abs() <= 36, "{of_platform} instead of {total}");
            (total, bill(run).total)
        });
        let [(new, new_billed), (kept, kept_billed)] = totals;
        assert_eq!(new < kept, new_billed < kept_billed, "by hand as in the bill, control plane and all");
        prefers_new_nodes.push(new < kept);
    }
    // 90 s of three nodes saved a cycle are 0.0024 USD a node; a pull costs 1,000 MiB × 0.045 = 0.044 USD, but 0.001 USD
    // with cheap traffic or a small image.
    assert_eq!(prefers_new_nodes, [true, true, true, false]);
}

/// B.9. Ten pods run on ten full nodes until 141.010 s. Ten more come at 130 s.
#[test]
fn a_node_that_boots_for_longer_than_the_others_are_busy_comes_for_nobody() {
    let mut rows: Vec<Row> = (0..10).map(|n| large(&format!("a{n}"), 0, 100_000)).collect();
    rows.extend((0..10).map(|n| large(&format!("b{n}"), 130_000, 100_000)));
    // Batch 1 s, a round of 10 ms, launch 10 s: new nodes run from 141.010 s and are Ready at 171.010. But the pods go
    // to the old nodes at 141.010. New nodes are empty for a minute from 171.010: polled at 240, gone at 260 s. Each was
    // paid 118.990 s for nothing.
    let run = ran(&rows, settings(), karpenter("on-demand", 60));
    assert_eq!((nodes_without_pods(&run.ledger), run.ledger.leases.len()), (10, 20));
    let starts = |ledger: &Ledger| -> Vec<i64> {
        ledger.runs.iter().map(|run| ms(run.started)).filter(|at| *at > 130_000).collect()
    };
    assert_eq!(starts(&run.ledger), [141_010; 10]);
    let wasted = run.ledger.leases[10..].iter().map(|lease| (lease.terminated - lease.running).ms());
    assert_eq!(wasted.collect::<Vec<_>>(), [118_990; 10]);

    // Ready 3 s after they are asked for, new nodes come before the old ones are free: the first pods run from 4.010 to
    // 104.010 s, the others come at 95 s and run on new nodes from 99.010 s.
    let mut quick = settings();
    quick.startup.create_fleet = Step::seconds(1, 1);
    quick.startup.pending_to_kernel = Step::seconds(1, 1);
    quick.startup.kernel_to_registered = Step::seconds(1, 1);
    for row in &mut rows[10..] {
        row.submit = NEW_YEAR + 95_000;
    }
    let run = ran(&rows, quick, karpenter("on-demand", 60));
    assert_eq!((nodes_without_pods(&run.ledger), run.ledger.leases.len()), (0, 20));
    assert!(run.ledger.runs[10..].iter().all(|run| ms(run.started) == 99_010));
}

fn nodes_without_pods(ledger: &Ledger) -> usize {
    let has_pods = |lease: usize| ledger.runs.iter().any(|run| run.lease as usize == lease);
    (0..ledger.leases.len()).filter(|lease| !has_pods(*lease)).count()
}

/// W2. Copies of a job of 380m, five of which fit an m5.large (1,930m), at the same time.
#[test]
fn fargate_costs_as_much_per_job_for_many_and_nodes_less_while_they_have_room() {
    let jobs = |n: i64| -> Vec<Row> {
        (0..n).map(|job| Row { cpu: Some(380), ..Row::pod(&format!("j{job}"), 0, 300_000) }).collect()
    };
    let group =
        NodeGroup { name: "jobs".into(), instance_type: Some("m5.large".into()), ..NodeGroup::default() };
    let groups = NodeGroups { groups: vec![group], home: Home::Elsewhere, ..NodeGroups::default() };
    let autoscaled = [
        Platform { name: "groups".into(), kind: Kind::NodeGroups(groups) },
        Platform { name: "karpenter".into(), kind: Kind::Karpenter(karpenter("on-demand", 60)) },
    ];
    let fargate_usd = |n| {
        let (_, run, _) = replay_one(&jobs(n), settings(), fargate());
        item(&run, ItemKind::FargateCpu).1 + item(&run, ItemKind::FargateMemory).1
    };
    let one = fargate_usd(1);
    // 380m and 1 GiB (and 256 MiB for Kubernetes' own) are billed as 0.5 vCPU and 2 GiB for 300 s.
    let vcpu = Rate::parse("0.04048").unwrap().charge(500 * 300, 1_000 * 3_600);
    let memory = Rate::parse("0.004445").unwrap().charge(2 * 300, 3_600);
    assert_eq!(one, vcpu + memory);
    for n in [2, 5, 10] {
        assert_eq!(fargate_usd(n).femto(), one.femto() * i128::from(n), "{n} copies");
    }
    for platform in autoscaled {
        let seconds = |n| node_seconds(&replay_one(&jobs(n), settings(), platform.clone()).1);
        // Nodes live equally long, however many they are: ⌈n ÷ 5⌉ of them.
        let one = seconds(1);
        for (n, nodes) in [(2, 1), (5, 1), (10, 2), (50, 10)] {
            assert_eq!(seconds(n), nodes * one, "{n} copies on {}", platform.name);
        }
    }
}

/// N3 and N4. A Spot node with one pod gets its notice some time after 100 s; EC2 has more at once.
#[test]
fn a_replacement_at_the_notice_saves_the_two_minutes_of_the_notice() {
    // (boot after running, from the notice to the pod's second start with interruption handling, without)
    //   with: the pod is asked to stop at once and does so after 2 s; its retry: batch 1 s + round 1 ms + launch 10 s +
    //     boot. (Who is being evicted is not provisioned for; only what replaces it is.)
    //   without: the node and its pod live for 120 s, then the same.
    // With a boot of 169 s (large images, slow agents), three minutes instead of five.
    for (boot, with, without) in [(30, 43_001, 161_001), (169, 182_001, 300_001)] {
        let mut lost_work = Vec::new();
        for (handles, expected) in [(true, with), (false, without)] {
            let mut settings = settings();
            settings.startup.kernel_to_registered = Step::seconds(boot, boot);
            settings.spot.events = vec![SpotEvent {
                at: Span::from_secs(300),
                instance_type: None,
                zone: None,
                reclaims_ppm: 1_000_000,
                shortage: Span::ZERO,
            }];
            let karpenter = Karpenter { interruption_handling: handles, ..karpenter("spot", 60) };
            let ledger = ran(&[large("a", 0, 3_600_000)], settings, karpenter).ledger;
            let [first, second] = &ledger.runs[..] else { panic!("one restart: {:?}", ledger.runs) };
            // The pod goes two seconds after the notice, or two minutes.
            let notice = ms(first.ended) - if handles { 2_000 } else { 120_000 };
            assert!((300_000..480_000).contains(&notice), "{notice}");
            assert_eq!(ms(second.started) - notice, expected, "boot {boot} s, handled: {handles}");
            lost_work.push(ledger.counters.lost_work_ms);
        }
        // All work up to the end is lost either way: 118 s more without.
        assert_eq!(lost_work[1] - lost_work[0], 118_000);
    }
}

/// W8 and B.6. Four pods follow each other, with an image of 700 MiB.
#[test]
fn fargate_starts_the_first_pod_sooner_and_nodes_the_next_ones() {
    let mut settings = settings();
    settings.startup.fargate_register = Step::seconds(35, 35);
    settings.startup.container_create = Step::seconds(1, 1);
    let rows: Vec<Row> = (0..4)
        .map(|n| Row { image_size: Some(700), ..large(&format!("p{n}"), n * 200_000, 60_000) })
        .collect();
    // 700 MiB are 734,003,200 bytes: 14,681 ms.
    assert_eq!(pull_ms(700), 14_681);
    let delays = |run: &PlatformRun| -> Vec<i64> {
        run.ledger.runs.iter().map(|run| run.start_delay().unwrap().ms()).collect()
    };
    // 35 s until the micro-VM is there, then pull and container, every time.
    let (_, on_fargate, _) = replay_one(&rows, settings.clone(), fargate());
    assert_eq!(delays(&on_fargate), [50_681; 4]);
    // Batch, round, launch and boot are 41.001 s; then the same. Later only the container is made.
    let on_nodes = ran(&rows, settings, karpenter("on-demand", 300));
    assert_eq!(delays(&on_nodes), [41_001 + 14_681 + 1_000, 1_000, 1_000, 1_000]);
    assert_eq!((on_nodes.ledger.counters.image_pulls, on_nodes.ledger.counters.image_hits), (1, 3));
    assert_eq!((on_fargate.ledger.counters.image_pulls, on_fargate.ledger.counters.image_hits), (4, 0));
}
