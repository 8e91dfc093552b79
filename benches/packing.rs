//! The two searches for a node that a replay does most often.
//!
//! `peak_nodes`: how many nodes first-fit ever needs for a day of 100,000 pods, which sizes a group that is to hold
//! the peak. `select`: kube-scheduler's choice among 1,500 nodes from scores that are up to date, once per pod: the
//! inner loop of a large fixed group. It depends on how far the search must go for enough nodes that fit, hence
//! three fillings.

mod support;

use std::hint::black_box;

use cost_sim::packing::Stays;
use cost_sim::rng::{Draws, Purpose};
use cost_sim::sim::kube_scheduler::{INFEASIBLE, Scores, feasible_nodes_to_find};
use cost_sim::units::{Resources, Time};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use support::{Day, PODS, node, pods};

const NODES: usize = 1_500;

fn packing(criterion: &mut Criterion) {
    let items: Vec<(Time, Time, Resources)> = pods(&Day::write(false).read().0)
        .into_iter()
        .map(|pod| (pod.arrival, pod.arrival + pod.work, pod.request))
        .collect();
    let mut group = criterion.benchmark_group("packing");
    group.throughput(Throughput::Elements(u64::from(PODS))).sample_size(20);
    group.bench_function("peak_nodes", |b| {
        b.iter(|| {
            let stays = Stays::new(items.iter().map(|(from, to, _)| (*from, *to)));
            black_box(stays.peak_nodes(node(), |item| Some(items[item as usize].2)))
        });
    });
    group.finish();
}

fn selection(criterion: &mut Criterion) {
    const SEARCHES: usize = 1_000;
    let draws = Draws::new(42);
    let enough = feasible_nodes_to_find(NODES);
    let mut group = criterion.benchmark_group("select");
    group.throughput(Throughput::Elements(SEARCHES as u64));
    for percent_feasible in [100, 50, 5] {
        let draw = |node: usize, n| draws.below(Purpose::SchedulerTie, node as u64, 0, n);
        let base: Vec<i16> = (0..NODES)
            .map(|node| {
                // Scores of nodes that are more or less full, with many equals.
                if draw(node, 100) < percent_feasible { draw(node + NODES, 150) as i16 } else { INFEASIBLE }
            })
            .collect();
        let has_image: Vec<i16> = (0..NODES).map(|node| if node % 3 == 0 { 0 } else { -1 }).collect();
        let scores = Scores { base: &base, has_image: &has_image, image_score: 20 };
        group.bench_function(format!("{NODES}_nodes/{percent_feasible}_percent_feasible"), |b| {
            b.iter(|| {
                let mut start = 0;
                for pod in 0..SEARCHES as u64 {
                    let tie = |n| draws.below(Purpose::SchedulerTie, pod, 0, n);
                    let selection = black_box(&scores).select(start, enough, tie);
                    start = (start + black_box(selection).visited) % NODES;
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, packing, selection);
criterion_main!(benches);
