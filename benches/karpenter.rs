//! Karpenter's own scheduling benchmark: see [`cost_sim::decide::karpenter::benchmark`].

// Numbers of nodes are results, too.
#![expect(clippy::print_stdout)]

use std::hint::black_box;

use cost_sim::decide::karpenter::benchmark::{diverse_pods, preference_pods, prepared};
use cost_sim::decide::karpenter::model::{Input, PreferencePolicy};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const SEED: u64 = 42;

fn karpenter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("karpenter");
    group.sample_size(10);
    let diverse = [1_000, 5_000, 20_000]
        .map(|count| (format!("diverse/{count}"), diverse_pods(count, SEED), PreferencePolicy::Respect));
    let preferring = [PreferencePolicy::Respect, PreferencePolicy::Ignore]
        .map(|policy| (format!("preferences/{policy:?}"), preference_pods(4_000, SEED), policy));
    for (name, specs, policy) in diverse.into_iter().chain(preferring) {
        let (mut scheduler, pods) = prepared(&specs, policy);
        let plan = scheduler.solve(&Input { pods: &pods, ..Input::default() });
        println!(
            "{name}: {} nodes for {} pods, {} left over",
            plan.claims.len(),
            pods.len(),
            plan.errors.len()
        );
        group.throughput(Throughput::Elements(specs.len() as u64));
        // A scheduler that has seen nothing yet, as Karpenter makes one for each round; making it is not measured.
        group.bench_function(&name, |bencher| {
            bencher.iter_batched(
                || prepared(&specs, policy),
                |(mut scheduler, pods)| {
                    black_box(scheduler.solve(&Input { pods: &pods, ..Input::default() }))
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, karpenter);
criterion_main!(benches);
