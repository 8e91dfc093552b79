//! kube-scheduler against a second implementation of it: naive, per pod and per node, with nothing remembered from
//! one decision to the next but where the search stopped. It is written from Kubernetes' rules (filters, scores,
//! sampling, the scheduling queue), not from the engine, and must choose the same node for every pod.

use std::collections::{BTreeMap, BTreeSet};

use cost_sim::catalog::{CapacityType, TypeId};
use cost_sim::ledger::{Machine, NodeTemplate, Outcome, Role};
use cost_sim::platform::{
    BalancedAllocation, GroupSize, Images, Kind, KubeScheduler as Config, Scoring, Settings, Taint,
    TaintEffect,
};
use cost_sim::rng::{Draws, Purpose, key_of};
use cost_sim::sim::kube_scheduler::{KubeScheduler, NodeLabels};
use cost_sim::sim::{Cluster, NodeType, PullRates};
use cost_sim::units::{Cpu, Memory, Resources, Span, Time};

use crate::support::*;

mod preemption;
mod topology;

const MIB: i64 = 1 << 20;

/// A source of choices: the n-th is the same in every run of the test.
struct Dice {
    seed: u64,
    rolled: u32,
}

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.rolled += 1;
        Draws::new(self.seed).below(Purpose::Dispatch, 0, self.rolled, sides)
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize].clone()
    }
}

/// What a container or pod asks for: millicores and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Request {
    milli: i64,
    bytes: i64,
}

#[derive(Clone, Debug)]
struct NaivePod {
    request: Request,
    selector: BTreeMap<String, String>,
    tolerations: Vec<String>,
    image: usize,
}

#[derive(Clone, Debug)]
struct NaiveKind {
    milli: i64,
    bytes: i64,
    max_pods: usize,
    daemons: Vec<Request>,
    labels: BTreeMap<String, String>,
    taints: Vec<Taint>,
}

#[derive(Clone, Debug)]
struct NaiveNode {
    kind: usize,
    zone: usize,
    gone: bool,
    /// By name of the pod.
    pods: BTreeMap<u64, Request>,
    images: BTreeSet<usize>,
}

struct Naive {
    config: Config,
    zones: Vec<String>,
    kinds: Vec<NaiveKind>,
    nodes: Vec<NaiveNode>,
    image_bytes: Vec<i64>,
    /// Where the next search begins.
    start: usize,
    draws: Draws,
}

impl Naive {
    fn place(&mut self, pod: &NaivePod, key: u64, failures: u32) -> Option<usize> {
        let places = self.nodes.len();
        let enough = Self::nodes_to_find(self.nodes.iter().filter(|node| !node.gone).count());
        let mut feasible = Vec::new();
        let mut visited = 0;
        while visited < places && feasible.len() < enough {
            let node = (self.start + visited) % places;
            visited += 1;
            if self.passes_filters(pod, node) {
                feasible.push(node);
            }
        }
        self.start = (self.start + visited) % places;
        let worst = feasible.iter().map(|node| self.avoided_taints(pod, *node)).max().unwrap_or(0);
        let scores: Vec<i64> = feasible.iter().map(|node| self.score(pod, *node, worst)).collect();
        let best = scores.iter().max()?;
        let ties: Vec<usize> =
            feasible.iter().zip(&scores).filter(|(_, score)| *score == best).map(|(node, _)| *node).collect();
        let count = ties.len() as u64;
        let pick = if count > 1 { self.draws.below(Purpose::SchedulerTie, key, failures, count) } else { 0 };
        Some(ties[pick as usize])
    }

    /// numFeasibleNodesToFind: all of fewer than 100 nodes; else 50 − n/125 %, at least 5 %, at least 100.
    fn nodes_to_find(nodes: usize) -> usize {
        if nodes < 100 {
            return nodes;
        }
        let percentage = (50 - nodes as i64 / 125).max(5);
        ((nodes as i64 * percentage / 100) as usize).max(100)
    }

    fn passes_filters(&self, pod: &NaivePod, node: usize) -> bool {
        let node = &self.nodes[node];
        let kind = &self.kinds[node.kind];
        let label = |key: &str| {
            if key == "topology.kubernetes.io/zone" {
                Some(&self.zones[node.zone])
            } else {
                kind.labels.get(key)
            }
        };
        let selected = pod.selector.iter().all(|(key, value)| label(key) == Some(value));
        let repelled = kind.taints.iter().any(|taint| {
            taint.effect != TaintEffect::PreferNoSchedule && !pod.tolerations.contains(&taint.key)
        });
        !node.gone && selected && !repelled && self.fits(pod.request, node)
    }

    fn fits(&self, request: Request, node: &NaiveNode) -> bool {
        let kind = &self.kinds[node.kind];
        let all = || kind.daemons.iter().chain(node.pods.values()).chain([&request]);
        all().map(|r| r.milli).sum::<i64>() <= kind.milli
            && all().map(|r| r.bytes).sum::<i64>() <= kind.bytes
            && all().count() <= kind.max_pods
    }

    fn avoided_taints(&self, pod: &NaivePod, node: usize) -> i64 {
        let taints = &self.kinds[self.nodes[node].kind].taints;
        let avoided = taints.iter().filter(|taint| {
            taint.effect == TaintEffect::PreferNoSchedule && !pod.tolerations.contains(&taint.key)
        });
        avoided.count() as i64
    }

    /// NodeResourcesFit + NodeResourcesBalancedAllocation + ImageLocality + 3 × TaintToleration.
    fn score(&self, pod: &NaivePod, node: usize, worst_taints: i64) -> i64 {
        let state = &self.nodes[node];
        let kind = &self.kinds[state.kind];
        let running = || kind.daemons.iter().chain(state.pods.values()).copied();
        let with = || running().chain([pod.request]);

        // What requests nothing counts 100m and 200 MiB here, and only here.
        let cpu: i64 = with().map(|r| if r.milli == 0 { 100 } else { r.milli }).sum();
        let memory: i64 = with().map(|r| if r.bytes == 0 { 200 * MIB } else { r.bytes }).sum();
        let share = |requested: i64, capacity: i64| match self.config.scoring {
            Scoring::LeastAllocated if requested > capacity => 0,
            Scoring::LeastAllocated => (capacity - requested) * 100 / capacity,
            Scoring::MostAllocated => requested.min(capacity) * 100 / capacity,
        };
        let shares = [share(cpu, kind.milli), share(memory, kind.bytes)];
        let fit = shares.iter().sum::<i64>() / 2;

        let balance = |requests: &mut dyn Iterator<Item = Request>| {
            let (milli, bytes) = requests.fold((0, 0), |sum, r| (sum.0 + r.milli, sum.1 + r.bytes));
            let cpu = (milli as f64 / kind.milli as f64).min(1.0);
            let memory = (bytes as f64 / kind.bytes as f64).min(1.0);
            ((1.0 - ((cpu - memory) / 2.0).abs()) * 100.0) as i64
        };
        let (after, before) = (balance(&mut with()), balance(&mut running()));
        let balanced = match self.config.balanced_allocation {
            BalancedAllocation::Absolute => after,
            BalancedAllocation::Improvement => 50 + (50 + after - before) / 2,
        };

        let alive = self.nodes.iter().filter(|node| !node.gone);
        let having = alive.clone().filter(|node| node.images.contains(&pod.image)).count();
        let spread = having as f64 / alive.count() as f64;
        let counted = if state.images.contains(&pod.image) {
            (self.image_bytes[pod.image] as f64 * spread) as i64
        } else {
            0
        };
        let (least, most) = (23 * MIB, 1_000 * MIB);
        let locality = (counted.clamp(least, most) - least) * 100 / (most - least);

        let taints =
            if worst_taints == 0 { 100 } else { 100 - 100 * self.avoided_taints(pod, node) / worst_taints };
        fit + balanced + locality + 3 * taints
    }
}

fn daemons() -> Vec<Request> {
    [(50, 0), (100, 0), (30, 120 * MIB)].map(|(milli, bytes)| Request { milli, bytes }).to_vec()
}

/// The same kind of node for the engine.
fn node_type(kind: &NaiveKind) -> NodeType {
    let resources = |milli, bytes, pods| Resources {
        cpu: Cpu::from_milli(milli),
        memory: Memory::from_bytes(bytes),
        ephemeral: Memory::ZERO,
        pods,
    };
    let sum = |of: fn(&Request) -> i64| kind.daemons.iter().map(of).sum::<i64>();
    NodeType {
        instance: TypeId(0),
        template: NodeTemplate {
            pool: "pool".into(),
            machine: Machine::Ec2 { instance_type: "x".into(), capacity_type: CapacityType::OnDemand },
            allocatable: resources(kind.milli, kind.bytes, kind.max_pods as i64),
            daemons: resources(sum(|r| r.milli), sum(|r| r.bytes), kind.daemons.len() as i64),
            root_volume: Memory::ZERO,
            auto_mode: false,
            role: Role::Jobs,
        },
        labels: NodeLabels { labels: kind.labels.clone(), taints: kind.taints.clone(), is_spot: false },
        pull_rates: PullRates::new(&Images::default(), Memory::from_bytes(1_000_000)),
        scored_daemons: (
            Cpu::from_milli(sum(|r| if r.milli == 0 { 100 } else { r.milli })),
            Memory::from_bytes(sum(|r| if r.bytes == 0 { 200 * MIB } else { r.bytes })),
        ),
    }
}

const IMAGES: [(&str, i64); 3] = [("small", 10), ("middle", 400), ("large", 3_000)];

fn random_kind(dice: &mut Dice) -> NaiveKind {
    let (milli, mib) = dice.one_of(&[(1_930, 6_903), (3_920, 14_162), (7_910, 14_103), (3_920, 30_000)]);
    let taint = |key: &str, effect| Taint { key: key.into(), value: String::new(), effect };
    let taints = match dice.roll(5) {
        0 => vec![taint("batch", TaintEffect::NoSchedule)],
        1 => vec![taint("soft", TaintEffect::PreferNoSchedule)],
        2 => {
            vec![taint("soft", TaintEffect::PreferNoSchedule), taint("old", TaintEffect::PreferNoSchedule)]
        }
        _ => Vec::new(),
    };
    let disk = dice.one_of(&["ssd", "hdd"]).to_owned();
    NaiveKind {
        milli,
        bytes: mib * MIB,
        max_pods: dice.one_of(&[6, 29, 58]),
        daemons: daemons(),
        labels: BTreeMap::from([("kubernetes.io/arch".into(), "amd64".into()), ("disk".into(), disk)]),
        taints,
    }
}

/// One row per class of pods that the world knows.
fn random_classes(dice: &mut Dice) -> Vec<Row> {
    (0..8)
        .map(|index| {
            let (image, size) = dice.one_of(&IMAGES);
            Row {
                cpu: Some(dice.one_of(&[1, 100, 250, 500, 1_000, 1_750, 3_000])),
                memory: Some(dice.one_of(&[1, 128, 512, 1_024, 3_000, 6_000])),
                image,
                image_size: Some(size),
                node_selector: dice.one_of(&[
                    "",
                    "",
                    "",
                    "disk=ssd",
                    "topology.kubernetes.io/zone=z1",
                    "disk=tape",
                ]),
                tolerations: dice.one_of(&["", "", "batch", "soft", "soft;batch", "old"]),
                ..Row::pod(&format!("class-{index}"), index, 1_000)
            }
        })
        .collect()
}

fn naive_pod(row: &Row) -> NaivePod {
    let pairs = row.node_selector.split(';').filter_map(|pair| pair.split_once('='));
    NaivePod {
        request: Request { milli: row.cpu.unwrap(), bytes: row.memory.unwrap() * MIB },
        selector: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        tolerations: row.tolerations.split(';').map(str::to_owned).collect(),
        image: IMAGES.iter().position(|(name, _)| *name == row.image).unwrap_or(0),
    }
}

/// Lets both schedulers live through the same random history of `steps` events on about `nodes` nodes.
fn compare_placements(seed: u64, nodes: u64, steps: usize) -> (usize, usize) {
    let mut dice = Dice { seed, rolled: 0 };
    let rows = random_classes(&mut dice);
    let pods: Vec<NaivePod> = rows.iter().map(naive_pod).collect();
    let study = study(&rows, Settings::default(), &[fargate()]);
    let workload = &study.workload;
    // Rows are in order of arrival, so step and row agree; classes that are alike share a number.
    let class_of = |index: usize| workload.steps.class[index];
    let image_of: Vec<usize> = workload
        .images
        .iter()
        .map(|image| IMAGES.iter().position(|(name, _)| study.trace.words.get(image.name) == *name).unwrap())
        .collect();

    let config = Config {
        scoring: dice.one_of(&[Scoring::LeastAllocated, Scoring::LeastAllocated, Scoring::MostAllocated]),
        balanced_allocation: dice.one_of(&[BalancedAllocation::Improvement, BalancedAllocation::Absolute]),
        pop_from_backoff_q: false,
        preemption: false,
    };
    let zones: Vec<String> = ["z0", "z1", "z2"].map(String::from).to_vec();
    let kinds: Vec<NaiveKind> = (0..3).map(|_| random_kind(&mut dice)).collect();
    let draws = Draws::new(seed);
    let mut cluster = Cluster::new(kinds.iter().map(node_type).collect());
    let mut scheduler = KubeScheduler::new(config, workload, &study.trace.words, &zones, draws);
    let image_bytes = IMAGES.iter().map(|(_, mib)| mib * MIB).collect();
    let mut naive =
        Naive { config, zones: zones.clone(), kinds, nodes: Vec::new(), image_bytes, start: 0, draws };

    // (name, node, class, reading of the node's share clock)
    let mut running: Vec<(u64, usize, usize, u64)> = Vec::new();
    let (mut placed, mut refused) = (0, 0);
    for step in 0..steps {
        let now = Time::from_ms(step as i64);
        let what = if step < nodes as usize { 0 } else { 1 + dice.roll(100) };
        match what {
            // A node joins; a gone one's place is taken first.
            0 | 98 => {
                let (kind, zone) = (dice.roll(3) as usize, dice.roll(3) as usize);
                let id = cluster.add(kind as u32, zone as u8, step as u32, 0, now) as usize;
                cluster.set_ready(id as u32, now);
                scheduler.node_changed(&cluster, id as u32);
                let node =
                    NaiveNode { kind, zone, gone: false, pods: BTreeMap::new(), images: BTreeSet::new() };
                if id == naive.nodes.len() { naive.nodes.push(node) } else { naive.nodes[id] = node }
            }
            // An empty node leaves.
            99 | 100 if nodes < 100 => {
                let empty = |node: &NaiveNode| !node.gone && node.pods.is_empty();
                let Some(id) = naive.nodes.iter().position(empty) else { continue };
                if naive.nodes.iter().filter(|node| !node.gone).count() == 1 {
                    continue;
                }
                for (number, image) in image_of.iter().enumerate() {
                    if naive.nodes[id].images.contains(image) {
                        scheduler.image_changed(id as u32, number as u32, false);
                    }
                }
                cluster.remove(id as u32, now);
                scheduler.node_changed(&cluster, id as u32);
                naive.nodes[id].gone = true;
            }
            // A pod ends.
            68..98 if !running.is_empty() => {
                let (name, node, class, reading) =
                    running.swap_remove(dice.roll(running.len() as u64) as usize);
                let pod = &workload.classes[class_of(class) as usize];
                cluster.release(node as u32, name as u32, pod, reading, now);
                scheduler.node_changed(&cluster, node as u32);
                naive.nodes[node].pods.remove(&name);
            }
            // A pod wants a node.
            _ => {
                let class = dice.roll(rows.len() as u64) as usize;
                let (key, failures) = (dice.roll(u64::MAX), dice.roll(6) as u32);
                let name = step as u64;
                let expected = naive.place(&pods[class], key, failures);
                let got = scheduler.place(&cluster, class_of(class), key, failures as u8).map(|n| n as usize);
                assert_eq!(got, expected, "seed {seed}, step {step}, {:?}", pods[class]);
                let Some(node) = got else {
                    refused += 1;
                    continue;
                };
                placed += 1;
                let pod = &workload.classes[class_of(class) as usize];
                let reading = cluster.bind(node as u32, name as u32, pod, now);
                scheduler.node_changed(&cluster, node as u32);
                naive.nodes[node].pods.insert(name, pods[class].request);
                running.push((name, node, class, reading));
                // Half of the time its image is there at once, otherwise never.
                if dice.roll(2) == 0 {
                    scheduler.image_changed(node as u32, pod.image, true);
                    naive.nodes[node].images.insert(image_of[pod.image as usize]);
                }
            }
        }
    }
    (placed, refused)
}

#[test]
fn every_pod_gets_the_node_that_a_naive_scheduler_chooses() {
    let (mut placed, mut refused) = (0, 0);
    for seed in 0..60 {
        let (p, r) = compare_placements(seed, 1 + seed % 12, 500);
        placed += p;
        refused += r;
    }
    // The histories are worth comparing only if both happen often.
    assert!(placed > 5_000 && refused > 2_000, "{placed} placed, {refused} refused");
}

#[test]
fn sampling_and_rotation_of_large_clusters_are_those_of_a_naive_scheduler() {
    for (seed, nodes) in [(100, 99), (101, 100), (102, 101), (103, 130), (104, 180), (105, 260)] {
        let (placed, _) = compare_placements(seed, nodes, 1_500);
        assert!(placed > 300, "{placed}");
    }
}

/// A pending pod of the naive queue.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    pod: usize,
    failed_at: i64,
    failures: u32,
    moved: bool,
}

impl Waiting {
    /// 1, 2, 4, 8, 10, 10 … s after the first, second, … failure.
    fn backoff_ends(&self) -> i64 {
        self.failed_at + [1_000, 2_000, 4_000, 8_000, 10_000][(self.failures as usize - 1).min(4)]
    }
}

/// Replays pods one by one on a cluster that stays: per pod its node and the time. Stops, and says when, where
/// Kubernetes would order pods by nanoseconds that the trace does not have.
fn naive_replay(naive: &mut Naive, rows: &[Row]) -> (Vec<Option<(i64, usize)>>, i64) {
    let pods: Vec<NaivePod> = rows.iter().map(naive_pod).collect();
    let mut placed: Vec<Option<(i64, usize)>> = vec![None; rows.len()];
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut instants: BTreeSet<i64> = rows.iter().map(|row| row.submit).collect();
    while let Some(now) = instants.pop_first() {
        let mut freed = BTreeSet::new();
        for (pod, place) in placed.iter().enumerate() {
            if let Some((at, node)) = place
                && at + rows[pod].work.unwrap() == now
            {
                naive.nodes[*node].pods.remove(&(pod as u64));
                freed.insert(*node);
            }
        }
        for pod in &mut waiting {
            pod.moved |= freed.iter().any(|node| naive.passes_filters(&pods[pod.pod], *node));
            if pod.moved && pod.backoff_ends() > now {
                instants.insert(pod.backoff_ends());
            }
        }
        let (mut active, rest): (Vec<Waiting>, Vec<Waiting>) =
            waiting.into_iter().partition(|pod| pod.moved && pod.backoff_ends() <= now);
        waiting = rest;
        let fresh = (0..rows.len()).filter(|pod| rows[*pod].submit == now);
        active.extend(fresh.map(|pod| Waiting { pod, failed_at: now, failures: 0, moved: false }));
        // By priority, then by the time of the last failure (or of creation), then as they were queued.
        let rank = |w: &Waiting| (-rows[w.pod].priority, w.failed_at);
        active.sort_by_key(rank);
        let alike =
            |a: &Waiting, b: &Waiting| pods_alike(&rows[a.pod], &rows[b.pod]) && a.failures == b.failures;
        if active.windows(2).any(|w| rank(&w[0]) == rank(&w[1]) && !alike(&w[0], &w[1])) {
            return (placed, now);
        }
        for mut pod in active {
            let row = &rows[pod.pod];
            if let Some(node) = naive.place(&pods[pod.pod], key_of(&["", &row.task], 1), pod.failures.min(5))
            {
                naive.nodes[node].pods.insert(pod.pod as u64, pods[pod.pod].request);
                placed[pod.pod] = Some((now, node));
                instants.insert(now + row.work.unwrap());
            } else {
                pod = Waiting { failed_at: now, failures: pod.failures + 1, moved: false, ..pod };
                waiting.push(pod);
            }
        }
    }
    (placed, i64::MAX)
}

fn pods_alike(a: &Row, b: &Row) -> bool {
    (a.cpu, a.memory, a.node_selector, a.priority) == (b.cpu, b.memory, b.node_selector, b.priority)
}

#[test]
fn a_saturated_group_is_filled_as_a_naive_queue_and_scheduler_fill_it() {
    let (mut compared, mut waited, mut never) = (0, 0, 0);
    for seed in 0..120u64 {
        let mut dice = Dice { seed: 1_000 + seed, rolled: 0 };
        let nodes = 1 + dice.roll(5) as usize;
        let (name, milli, mib, slots) =
            dice.one_of(&[("m5.large", 1_930, 6_903, 29), ("m6i.xlarge", 3_920, 14_162, 58)]);
        let max_pods = dice.one_of(&[slots, slots, 5]);
        let mut at = 0;
        let rows: Vec<Row> = (0..70)
            .map(|index| {
                at += dice.one_of(&[1, 37, 700, 2_000]);
                let zone = "topology.kubernetes.io/zone=us-east-1b";
                let (cpu, memory) =
                    dice.one_of(&[(250, 512), (1_000, 1_024), (1_500, 4_096), (400, 3_000), (9_000, 64)]);
                Row {
                    cpu: Some(cpu),
                    memory: Some(memory),
                    priority: dice.one_of(&[0, 0, 0, 7]),
                    node_selector: dice.one_of(&["", "", "", "", zone]),
                    ..Row::pod(&format!("p{index}"), at, 1 + dice.roll(25_000) as i64)
                }
            })
            .collect();
        let mut settings = instant_settings();
        settings.seed = seed;
        settings.scheduler.scoring = dice.one_of(&[Scoring::LeastAllocated, Scoring::MostAllocated]);
        settings.scheduler.pop_from_backoff_q = false;
        settings.scheduler.preemption = false;
        let mut platform = group(name, nodes as u32);
        if let Kind::NodeGroups(groups) = &mut platform.kind {
            let group = &mut groups.groups[0];
            assert_eq!(group.size, GroupSize::Fixed(nodes as u32));
            group.max_pods = Some(max_pods);
        }
        let config = settings.scheduler;
        let (_, run, _) = replay_one(&rows, settings, platform);

        // Memory is reserved for the type's own number of pods whatever `maxPods` is.
        let kind = NaiveKind {
            milli,
            bytes: mib * MIB,
            max_pods: max_pods as usize,
            daemons: daemons(),
            labels: BTreeMap::new(),
            taints: Vec::new(),
        };
        let new_node = |zone: usize| NaiveNode {
            kind: 0,
            zone,
            gone: false,
            pods: BTreeMap::new(),
            images: BTreeSet::new(),
        };
        let mut naive = Naive {
            config,
            zones: ["us-east-1a", "us-east-1b", "us-east-1c"].map(String::from).to_vec(),
            kinds: vec![kind],
            nodes: (0..nodes).map(|node| new_node(node % 3)).collect(),
            image_bytes: vec![0; IMAGES.len()],
            start: 0,
            draws: Draws::new(seed),
        };
        let (expected, until) = naive_replay(&mut naive, &rows);
        for (pod, expected) in expected.iter().enumerate() {
            let record = &run.ledger.runs[pod];
            let got = record.was_bound().then_some((record.scheduled.ms(), record.lease as usize));
            if expected.or(got).is_some_and(|(at, _)| at >= until) {
                continue;
            }
            if until == i64::MAX || expected.is_some() {
                assert_eq!(got, *expected, "seed {seed}, pod {pod}: {:?}", rows[pod]);
                compared += 1;
                waited += usize::from(record.was_bound() && record.scheduled > record.created);
                never += usize::from(run.ledger.outcomes[record.step as usize] == Outcome::Unschedulable);
            }
        }
    }
    assert!(
        compared > 2_000 && waited > 500 && never > 200,
        "{compared} compared, {waited} waited, {never} never ran"
    );
}

#[test]
fn back_off_decides_when_a_waiting_pod_is_tried_again() {
    // Two m5.large have 1750m each for pods of 1000m: one at a time.
    let pod = |task, at, work| Row { cpu: Some(1_000), ..Row::pod(task, at, work) };
    let rows = [
        pod("a", 0, 10_000),
        pod("b", 0, 15_000),
        pod("c", 1_000, 10_000),
        pod("d", 2_000, 5_000),
        Row { priority: 1, ..pod("e", 3_000, 1_000) },
    ];
    let mut patient = instant_settings();
    patient.scheduler.pop_from_backoff_q = false;
    patient.scheduler.preemption = false;
    let (_, run, _) = replay_one(&rows, patient, group("m5.large", 2));
    // 0 s: a and b take a node each. c, d and e fail at 1, 2 and 3 s and may be tried a second later.
    // 10 s: a ends; e has the highest priority and takes the node until 11 s. c and d fail again: back-off 2 s.
    // 11 s: e ends; c and d could run, but not before 12 s.
    // 12 s: c takes the node until 22 s (it was there before d); d fails for the third time: back-off 4 s.
    // 15 s: b ends and d could run, but not before 16 s. It runs from 16 to 21 s.
    let scheduled: Vec<i64> = run.ledger.runs.iter().map(|run| ms(run.scheduled)).collect();
    assert_eq!(scheduled, [0, 0, 12_000, 16_000, 10_000]);
    let ended: Vec<i64> = run.ledger.runs.iter().map(|run| ms(run.ended)).collect();
    assert_eq!(ended, [10_000, 15_000, 22_000, 21_000, 11_000]);
    let node = |pod: usize| run.ledger.runs[pod].lease;
    assert_eq!([node(2), node(4), node(3)], [node(0), node(0), node(1)]);

    // Since Kubernetes 1.33 an idle scheduler does not wait for the back-off: c takes the room that e leaves at 11 s,
    // until 21 s, and d fails for the third time. At 15 s d's back-off of 4 s is just over, and b leaves.
    let mut eager = instant_settings();
    eager.scheduler.preemption = false;
    let (_, run, _) = replay_one(&rows, eager, group("m5.large", 2));
    let scheduled: Vec<i64> = run.ledger.runs.iter().map(|run| ms(run.scheduled)).collect();
    assert_eq!(scheduled, [0, 0, 11_000, 15_000, 10_000]);
}

#[test]
fn a_pod_that_waits_for_a_busy_node_is_not_given_up() {
    let pod = |task, at, work| Row { cpu: Some(1_000), ..Row::pod(task, at, work) };
    let rows = [pod("long", 0, 3 * 3_600_000), pod("patient", 1, 1_000)];
    let (_, run, report) = replay_one(&rows, instant_settings(), group("m5.large", 1));
    // Its back-off was over long ago: it starts the moment that the node is free.
    assert_eq!(run.ledger.runs[1].scheduled - run.ledger.runs[0].ended, Span::ZERO);
    assert!(report.platforms[0].complete);
}

#[test]
fn the_queue_orders_by_priority_and_then_by_arrival() {
    // One slot: 1000m of 1750m. All but the first wait, all of one class but for priority.
    let pod = |task, at, priority| Row { cpu: Some(1_000), priority, ..Row::pod(task, at, 60_000) };
    let rows = [
        pod("first", 0, 0),
        pod("low", 1_000, -5),
        pod("b", 2_000, 0),
        pod("c", 2_001, 0),
        pod("high", 3_000, i32::MAX),
    ];
    let mut polite = instant_settings();
    polite.scheduler.preemption = false;
    let (_, run, _) = replay_one(&rows, polite, group("m5.large", 1));
    let mut order: Vec<(i64, u32)> = run.ledger.runs.iter().map(|r| (ms(r.scheduled), r.step)).collect();
    order.sort_unstable();
    assert_eq!(order.iter().map(|(_, step)| *step).collect::<Vec<_>>(), [0, 4, 2, 3, 1]);
}
