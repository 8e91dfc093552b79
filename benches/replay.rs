//! The main job, stage by stage, on a day of 100,000 synthetic pods: how long a user waits, and for what.
//!
//! `floor` is what no replay can undercut: a heap of events and a first-fit index, and nothing that anybody would
//! want to know from a simulation. The distance of `simulate_and_bill` from it is the price of everything else:
//! start-up, images, scheduling by score, the ledger, exact money and the summary. Everything here runs
//! on one thread.

mod support;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Duration;

use cost_sim::catalog::Snapshot;
use cost_sim::packing::FirstFit;
use cost_sim::platform::{GroupSize, Kind, NodeGroup, NodeGroups, Platform, Scenario};
use cost_sim::replay::Study;
use cost_sim::report;
use cost_sim::units::{Resources, Time};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

use support::{Day, PODS, Pod, node, pods};

/// A tenth of the nodes that `examples/bench` has for ten times as many pods.
const NODES: u32 = 150;

fn scenario() -> Scenario {
    let group = NodeGroup {
        instance_type: Some("m5.4xlarge".to_owned()),
        size: GroupSize::Fixed(NODES),
        ..NodeGroup::default()
    };
    let fixed = Platform {
        name: "fixed".to_owned(),
        kind: Kind::NodeGroups(NodeGroups { groups: vec![group], ..NodeGroups::default() }),
    };
    let fargate = Platform::built_in("fargate").expect("Fargate is built in");
    Scenario { platforms: vec![fixed, fargate], ..Scenario::default() }
}

fn study(day: &Day) -> Study {
    Study::new(scenario(), Snapshot::embedded(), day.read(), false).expect("the benchmark's inputs are valid")
}

/// Events in a heap, pods in the first node with room; gives how many nodes were needed.
fn bare_loop(pods: &[Pod], capacity: Resources) -> usize {
    // (time, 0 = ends | 1 = arrives, pod): at one instant, room is made before it is taken.
    let mut events: BinaryHeap<Reverse<(Time, u8, u32)>> =
        pods.iter().enumerate().map(|(pod, p)| Reverse((p.arrival, 1, pod as u32))).collect();
    let mut nodes = FirstFit::new(capacity);
    let mut node_of = vec![0; pods.len()];
    while let Some(Reverse((now, kind, index))) = events.pop() {
        let pod = &pods[index as usize];
        if kind == 0 {
            nodes.remove(node_of[index as usize], &pod.request);
        } else if let Some(node) = nodes.place(&pod.request) {
            node_of[index as usize] = node;
            events.push(Reverse((now + pod.work, 0, index)));
        }
    }
    nodes.bins()
}

fn replay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(u64::from(PODS)));
    group.sample_size(10).measurement_time(Duration::from_secs(10));

    for (name, dag) in [("pods", false), ("dag", true)] {
        let day = Day::write(dag);
        // From the file to the canonical trace: parsing, checking and interning.
        group.bench_function(format!("read_csv/{name}"), |b| b.iter(|| black_box(day.read())));

        // From the trace to what is simulated: catalog, sorting, hashing, classes, dependencies.
        group.bench_function(format!("prepare/{name}"), |b| {
            b.iter_batched(
                || day.read(),
                |read| black_box(Study::new(scenario(), Snapshot::embedded(), read, false).map(drop)),
                BatchSize::LargeInput,
            );
        });

        let study = study(&day);
        let setup = study.setup();
        let resolved = study.resolve().expect("the platforms are complete");
        for platform in &resolved.platforms {
            // The event loop, the bill of what happened, and the platform's summary.
            group.bench_function(format!("simulate_and_bill/{}/{name}", platform.name), |b| {
                b.iter(|| black_box(setup.run(std::slice::from_ref(platform), 1, &|| {})));
            });
        }

        let runs = setup.run(&resolved.platforms, 1, &|| {});
        // All texts; Parquet files and the disk are left out.
        group.bench_function(format!("report/{name}"), |b| {
            b.iter(|| {
                let report = study.report(&resolved, &runs).expect("without --strict nothing is refused");
                black_box((report::json(&report), report::html(&report, &[]), report::markdown(&report)))
            });
        });
    }

    let pods = pods(&Day::write(false).read().0);
    group.bench_function("floor/pods", |b| b.iter(|| black_box(bare_loop(&pods, node()))));
    group.finish();
}

criterion_group!(benches, replay);
criterion_main!(benches);
