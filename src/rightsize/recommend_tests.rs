//! Recommendations by worked examples, and that they are fixed points.

use proptest::prelude::*;

use super::*;
use crate::rightsize::Basis;
use crate::units::Span;

/// Pods of tasks `a` and `b` of a workflow with (task, CPU p95, memory peak).
fn trace(rows: &[(&str, Option<f64>, Option<f64>)]) -> Trace {
    let mut trace = Trace::default();
    for (row, (task, cpu, memory)) in rows.iter().enumerate() {
        trace.task_id.push(&format!("t{row}"));
        let (workflow, task) = (trace.words.intern("w"), trace.words.intern(task));
        trace.workflow.set(row, workflow);
        trace.task_name.set(row, task);
        trace.work.set(row, Span::from_secs(100));
        trace.cpu_request.set(row, Cpu::from_milli(1_000));
        trace.memory_request.set(row, Memory::from_gib(4));
        if let Some(cpu) = cpu {
            trace.cpu_usage_p95_milli.set(row, *cpu);
        }
        if let Some(memory) = memory {
            trace.memory_usage_max_mib.set(row, *memory);
        }
    }
    trace
}

#[test]
fn requests_are_usage_and_headroom_rounded_up() {
    // 20 pods of 10m to 200m: at least 95 % of them used no more than the 19th, 190m; × 1.2 = 228m, up to 230m.
    // The highest peak is 300 MiB × 1.25 = 375 MiB, up to 24 × 16 = 384 MiB.
    let rows: Vec<_> =
        (1..=20).map(|n| ("a", Some(f64::from(n) * 10.0), Some(f64::from(n) * 15.0))).collect();
    let sized = right_size(&trace(&rows), &Rule::default());
    let task = &sized.tasks[0];
    assert_eq!((task.cpu, task.memory), (Some(Cpu::from_milli(230)), Some(Memory::from_mib(384))));
    assert_eq!(sized.trace.cpu_request.get(7), Some(Cpu::from_milli(230)));
    // What was sized is sized to itself.
    assert_eq!(right_size(&sized.trace, &Rule::default()).tasks, sized.tasks);
}

#[test]
fn memory_is_never_below_a_peak_and_requests_may_rise() {
    let rows = vec![("a", Some(1_500.0), Some(4_096.5)); 5];
    let sized = right_size(&trace(&rows), &Rule { memory_headroom: 0, cpu_headroom: 0, ..Rule::default() });
    assert_eq!(sized.trace.memory_request.get(0), Some(Memory::from_mib(4_112)));
    assert_eq!(sized.trace.cpu_request.get(0), Some(Cpu::from_milli(1_500)));
}

#[test]
fn tasks_that_are_hardly_known_keep_their_requests() {
    let mut rows = vec![("a", Some(100.0), None); 5];
    rows.extend(vec![("b", Some(100.0), Some(100.0)); 4]);
    let sized = right_size(&trace(&rows), &Rule::default());
    assert_eq!(sized.kept(), 1);
    assert!(sized.changes_anything());
    let requests = |row| (sized.trace.cpu_request.get(row), sized.trace.memory_request.get(row));
    assert_eq!(requests(0), (Some(Cpu::from_milli(120)), Some(Memory::from_gib(4))));
    assert_eq!(requests(5), (Some(Cpu::from_milli(1_000)), Some(Memory::from_gib(4))));
    assert!(!evidence::has_usage(&trace(&[("a", None, None)])));
}

#[test]
fn cpu_time_stands_in_for_usage() {
    let mut trace = trace(&[("a", None, None); 5]);
    // 30 s of CPU in 100 s are 300m; × 1.2 = 360m.
    (0..5).for_each(|row| trace.cpu_seconds.set(row, 30.0));
    assert_eq!(right_size(&trace, &Rule::default()).tasks[0].cpu, Some(Cpu::from_milli(360)));
}

#[test]
fn with_points_the_percentile_is_over_all_of_them() {
    // Five pods with 4 points each: 10m to 200m in steps of 10m, whichever pod has which. The 19th of 20 is 190m; × 1.2 =
    // 228m, up to 230m. By columns it would be the largest p95: 1,000m × 1.2 = 1,200m.
    let mut trace = trace(&[("a", Some(1_000.0), Some(100.0)); 5]);
    for pod in 0..5u32 {
        trace
            .points
            .set_cpu(pod as usize, (0..4).map(|n| f64::from(n * 5 + pod + 1) * 10.0).collect::<Vec<_>>());
        trace.points.set_memory(pod as usize, vec![50.0, f64::from(pod) * 100.0]);
    }
    let sized = right_size(&trace, &Rule::default());
    let task = &sized.tasks[0];
    assert_eq!(task.cpu, Some(Cpu::from_milli(230)));
    let known = task.cpu_evidence.unwrap();
    assert_eq!((known.basis, known.pods, known.values, known.highest), (Basis::Points, 5, 20, Some(200.0)));
    // The highest point is 400 MiB, above the column's 100; × 1.25 = 500, up to 32 × 16 = 512 MiB.
    assert_eq!(task.memory, Some(Memory::from_mib(512)));
    // Points of four pods are too few to stand for the task: then every pod counts by its p95.
    trace.points = crate::trace::UsagePoints::default();
    (0..4).for_each(|pod| trace.points.set_cpu(pod, vec![1.0; 100]));
    let by_pods = right_size(&trace, &Rule::default());
    assert_eq!(by_pods.tasks[0].cpu, Some(Cpu::from_milli(1_200)));
    assert_eq!(by_pods.tasks[0].cpu_evidence.unwrap().basis, Basis::Pods);
}

#[test]
fn a_pod_that_was_killed_needs_more_than_it_had() {
    // Peaks of 1,000 MiB × 1.25 = 1,250, up to 79 × 16 = 1,264 MiB; but a pod was killed with 3,001 MiB: up to 188 × 16 =
    // 3,008 MiB. Its request says nothing where it had a limit.
    let mut trace = trace(&[("a", Some(10.0), Some(1_000.0)); 5]);
    let killed = trace.words.intern("OOMKilled");
    trace.exit_reason.set(2, killed);
    trace.memory_limit.set(2, Memory::from_mib(3_001));
    let sized = right_size(&trace, &Rule::default());
    assert_eq!(sized.tasks[0].memory, Some(Memory::from_mib(3_008)));
    assert_eq!(sized.tasks[0].out_of_memory, 1);
    assert_eq!(sized.trace.memory_limit.get(2), Some(Memory::from_mib(3_008)));
    // Without a limit it had its request, 4 GiB.
    trace.memory_limit = crate::trace::Column::default();
    assert_eq!(right_size(&trace, &Rule::default()).tasks[0].memory, Some(Memory::from_gib(4)));
}

#[test]
fn cpu_at_what_could_be_had_is_counted() {
    // The p95 of 475m is 95 % of a limit of 500m; 474m is not. Without a limit, Fargate's size of a request of 1 vCPU and
    // 4 GiB is one, and on other machines nothing is.
    let mut trace = trace(&[("a", Some(475.0), None), ("b", Some(474.0), None), ("c", Some(960.0), None)]);
    (0..2).for_each(|row| trace.cpu_limit.set(row, Cpu::from_milli(500)));
    let throttled = |trace: &Trace| {
        right_size(trace, &Rule::default()).tasks.iter().map(|t| t.throttled).collect::<Vec<_>>()
    };
    assert_eq!(throttled(&trace), [1, 0, 0]);
    trace.source_platform.set(2, crate::trace::SourcePlatform::Fargate);
    assert_eq!(throttled(&trace), [1, 0, 1]);
}

#[test]
fn pods_of_an_image_are_sized_together() {
    let mut trace = trace(&[("a", Some(100.0), None), ("b", Some(300.0), None), ("c", Some(500.0), None)]);
    let image = trace.words.intern("etl:7");
    (0..2).for_each(|row| trace.image.set(row, image));
    let rule = Rule { by: By::Image, least_pods: 1, cpu_headroom: 0, ..Rule::default() };
    let sized = right_size(&trace, &rule);
    let names: Vec<_> = sized.tasks.iter().map(|task| (&*task.task, task.pods, task.cpu)).collect();
    // Pods without an image have nothing in common.
    assert_eq!(names, [("", 1, None), ("etl:7", 2, Some(Cpu::from_milli(300)))]);
}

#[test]
fn absurd_usage_stays_in_range() {
    let rows = vec![("a", Some(1e12), Some(1e12)); 5];
    let rule = Rule { cpu_headroom: 1_000, memory_headroom: 1_000, ..Rule::default() };
    let task = right_size(&trace(&rows), &rule).tasks.remove(0);
    assert_eq!(
        (task.cpu, task.memory),
        (Some(Cpu::from_milli(MOST_MILLI)), Some(Memory::from_mib(MOST_MIB)))
    );
}

/// What may be known of a pod.
#[derive(Clone, Debug)]
struct Pod {
    task: usize,
    image: usize,
    usage: (Option<f64>, Option<f64>),
    points: (Vec<f64>, Vec<f64>),
    killed: bool,
    cpu: (Option<i64>, Option<i64>),
    memory: (Option<i64>, Option<i64>),
}

prop_compose! {
    fn pod()(
        task in 0usize..3, image in 0usize..3, killed in proptest::bool::weighted(0.2),
        usage in (proptest::option::of(0.0..5_000.0), proptest::option::of(0.0..9_000.0)),
        points in (proptest::collection::vec(0.0..5_000.0, 0..4), proptest::collection::vec(0.0..9_000.0, 0..3)),
        cpu in (proptest::option::of(1i64..4_000), proptest::option::of(1i64..4_000)),
        memory in (proptest::option::of(1i64..9_000_000_000), proptest::option::of(1i64..9_000_000_000)),
    ) -> Pod {
        Pod { task, image, usage, points, killed, cpu, memory }
    }
}

impl Pod {
    fn push(&self, trace: &mut Trace) {
        let row = trace.rows();
        trace.task_id.push(&format!("t{row}"));
        let task = trace.words.intern(["a", "b", "c"][self.task]);
        trace.task_name.set(row, task);
        let image = trace.words.intern(["", "x:1", "y:2"][self.image]);
        trace.image.set(row, image);
        let reason = trace.words.intern(if self.killed { "OOMKilled" } else { "" });
        trace.exit_reason.set(row, reason);
        self.usage.0.into_iter().for_each(|value| trace.cpu_usage_p95_milli.set(row, value));
        self.usage.1.into_iter().for_each(|value| trace.memory_usage_max_mib.set(row, value));
        trace.points.set_cpu(row, self.points.0.clone());
        trace.points.set_memory(row, self.points.1.clone());
        self.cpu.0.into_iter().for_each(|value| trace.cpu_request.set(row, Cpu::from_milli(value)));
        self.cpu.1.into_iter().for_each(|value| trace.cpu_limit.set(row, Cpu::from_milli(value)));
        self.memory.0.into_iter().for_each(|value| trace.memory_request.set(row, Memory::from_bytes(value)));
        self.memory.1.into_iter().for_each(|value| trace.memory_limit.set(row, Memory::from_bytes(value)));
    }
}

proptest! {
    /// Sizing what was sized recommends the same, and what is promised of a recommendation holds.
    #[test]
    fn a_sized_trace_is_a_fixed_point(
        pods in proptest::collection::vec(pod(), 1..30), by_image in any::<bool>(), percentile in 1u32..=100,
        cpu_headroom in 0u32..100, memory_headroom in 0u32..100, least_pods in 1usize..5,
    ) {
        let mut trace = Trace::default();
        for pod in &pods {
            pod.push(&mut trace);
        }
        let by = if by_image { By::Image } else { By::Task };
        let rule = Rule { by, cpu_percentile: percentile, cpu_headroom, memory_headroom, least_pods };
        let sized = right_size(&trace, &rule);
        let again = right_size(&sized.trace, &rule);
        let requests = |sized: &RightSized| sized.tasks.iter().map(|task| (task.cpu, task.memory)).collect::<Vec<_>>();
        prop_assert_eq!(requests(&again), requests(&sized));
        for row in 0..trace.rows() {
            prop_assert_eq!(again.trace.cpu_request.get(row), sized.trace.cpu_request.get(row));
            prop_assert_eq!(again.trace.memory_limit.get(row), sized.trace.memory_limit.get(row));
        }
        for task in &sized.tasks {
            let used = task.cpu_evidence.map_or(0.0, |known| known.used);
            prop_assert!(task.cpu.is_none_or(|cpu| cpu.milli() as f64 >= used));
        }
        for (task, rows) in sized.tasks.iter().zip(groups(&trace, by).into_values()) {
            for row in rows.into_iter().map(|row| row as usize) {
                if let Some((memory, peak)) = task.memory.zip(evidence::memory_peak(&trace, row)) {
                    let least = peak * f64::from(100 + memory_headroom) / 100.0;
                    prop_assert!(memory.bytes() as f64 / 1_048_576.0 >= least - 1e-6);
                }
                let (request, limit) = (sized.trace.cpu_request.get(row), sized.trace.cpu_limit.get(row));
                prop_assert!(task.cpu.is_none() || request == task.cpu && limit.is_none_or(|limit| limit >= request.unwrap()));
            }
        }
    }
}
