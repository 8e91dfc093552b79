//! The trace that all benchmarks share, so that their numbers can be held side by side: one day of synthetic pods,
//! as `cost-sim generate day --seed 42` writes it.

use std::path::PathBuf;

use cost_sim::generate::day;
use cost_sim::trace::{self, ReadOptions, Trace};
use cost_sim::units::{Cpu, Memory, Resources, Span, Time};
use tempfile::TempDir;

pub const PODS: u32 = 100_000;

/// The day as a file, which is gone when this is dropped.
pub struct Day {
    _dir: TempDir,
    pub path: PathBuf,
}

impl Day {
    pub fn write(dag: bool) -> Self {
        let dir = tempfile::tempdir().expect("a place for temporary files");
        let path = dir.path().join("day.csv");
        let mut csv = Vec::new();
        day::write(&day::Params { pods: PODS, seed: 42, dag }, &mut csv).expect("memory takes any text");
        #[expect(clippy::disallowed_methods, reason = "a benchmark prepares its input")]
        std::fs::write(&path, csv).expect("room for a temporary file");
        Self { _dir: dir, path }
    }

    pub fn read(&self) -> (Trace, Vec<String>) {
        trace::read(std::slice::from_ref(&self.path), &ReadOptions::default(), &mut |_| {})
            .expect("a generated trace is valid")
    }
}

/// A pod without anything that the simulation knows of it: when it comes, how long it runs, what it asks for.
#[derive(Clone, Copy)]
pub struct Pod {
    pub arrival: Time,
    pub work: Span,
    pub request: Resources,
}

/// By arrival, since a day is written so.
pub fn pods(trace: &Trace) -> Vec<Pod> {
    let pod = |row| Pod {
        arrival: trace.submit_time.get(row).expect("every pod has a time"),
        work: trace.work.get(row).expect("every pod has work"),
        request: Resources {
            cpu: trace.cpu_request.get(row).expect("every pod has a CPU request"),
            memory: trace.memory_request.get(row).expect("every pod has a memory request"),
            ephemeral: Memory::ZERO,
            pods: 1,
        },
    };
    (0..trace.rows()).map(pod).collect()
}

/// About what an m5.4xlarge has for pods.
pub fn node() -> Resources {
    Resources {
        cpu: Cpu::from_milli(15_710),
        memory: Memory::from_mib(58_000),
        ephemeral: Memory::from_gib(17),
        pods: 231,
    }
}
