//! One day of a team's batch pods, for benchmarks: `cost-sim generate day`.
//!
//! Shaped like a nightly estate of workflows: 70 % of the pods arrive spread over the day, 30 % in the first two
//! minutes of some hour; run times are heavy-tailed (5 s to 4 h); requests are T-shirt sizes. With dependencies,
//! pods come in workflow runs of 1 to 64 tasks.
//!
//! Integer arithmetic only, so that the same parameters give the same bytes on any machine and in any language:
//! the benchmark's reference programs read the same rows.

use std::collections::BTreeSet;
use std::io::{self, Write};

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    pub pods: u32,
    pub seed: u64,
    /// Workflow runs with dependencies instead of single pods.
    pub dag: bool,
}

/// Raised when the same parameters give other rows.
const GENERATOR_VERSION: u32 = 1;
/// 2024-01-01T00:00:00Z.
#[cfg(test)]
const START_MS: i64 = 1_704_067_200_000;
const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
const BURST_MS: u64 = 120_000;

/// Choices with how many of a thousand draws fall on them or before them.
const CPU_MILLI: [(u64, u32); 6] =
    [(200, 250), (480, 500), (760, 1_000), (900, 2_000), (970, 4_000), (1_000, 8_000)];
const MIB_PER_CORE: [(u64, u32); 3] = [(350, 2_048), (850, 4_096), (1_000, 8_192)];
const MOST_MIB: u32 = 32_768;
/// From, inclusive, and to, exclusive, in milliseconds.
const WORK_MS: [(u64, (u64, u64)); 6] = [
    (300, (5_000, 30_000)),
    (600, (30_000, 120_000)),
    (840, (120_000, 600_000)),
    (950, (600_000, 1_800_000)),
    (990, (1_800_000, 5_400_000)),
    (1_000, (5_400_000, 14_400_000)),
];

/// A small generator that other languages have in a line.
pub(super) struct SplitMix64(pub u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `0..n`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next() >> 11) * u128::from(n)) >> 53) as u64
    }

    fn pick<T: Copy>(&mut self, choices: &[(u64, T)]) -> T {
        self.pick_of(1_000, choices)
    }

    /// The last choice goes up to `whole`.
    pub fn pick_of<T: Copy>(&mut self, whole: u64, choices: &[(u64, T)]) -> T {
        let draw = self.below(whole);
        let found = choices.iter().find(|(up_to, _)| draw < *up_to);
        found.expect("the last choice goes up to the whole").1
    }

    fn arrival(&mut self) -> u64 {
        if self.below(1_000) < 700 {
            return self.below(DAY_MS);
        }
        self.below(DAY_MS / HOUR_MS) * HOUR_MS + self.below(BURST_MS)
    }

    fn pod(&mut self) -> Pod {
        let cpu_milli = self.pick(&CPU_MILLI);
        let mib = (cpu_milli * self.pick(&MIB_PER_CORE) / 1_000).min(MOST_MIB);
        let (from, to) = self.pick(&WORK_MS);
        Pod { work_ms: from + self.below(to - from), cpu_milli, mib }
    }
}

/// Ordered as the rows of pods that arrive together are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pod {
    work_ms: u64,
    cpu_milli: u32,
    mib: u32,
}

/// Writes the canonical trace, sorted by arrival. Pods are numbered from 0 in that order.
pub fn write(params: &Params, out: impl Write) -> io::Result<()> {
    let out = io::BufWriter::with_capacity(1 << 16, out);
    if params.dag { write_runs(params, out) } else { write_pods(params, out) }
}

fn write_pods(params: &Params, mut out: impl Write) -> io::Result<()> {
    let mut random = SplitMix64(params.seed);
    let mut pods: Vec<(u64, Pod)> = (0..params.pods).map(|_| (random.arrival(), random.pod())).collect();
    pods.sort_unstable();
    writeln!(out, "task_id,submit_time,work_seconds,cpu_request_milli,memory_request_mib")?;
    for (id, (arrival, pod)) in pods.iter().enumerate() {
        write!(out, "{id},")?;
        write_cells(*arrival, pod, &mut out)?;
        writeln!(out)?;
    }
    out.flush()
}

struct Run {
    arrival: u64,
    /// Each task with the numbers of those before it in the run that it waits for.
    tasks: Vec<(Pod, BTreeSet<u64>)>,
}

fn write_runs(params: &Params, mut out: impl Write) -> io::Result<()> {
    let mut random = SplitMix64(params.seed);
    let mut runs = Vec::new();
    let mut left = u64::from(params.pods);
    while left > 0 {
        let size = left.min(1 + random.below(64));
        left -= size;
        let arrival = random.arrival();
        let tasks = (0..size).map(|task| (random.pod(), predecessors(&mut random, task))).collect();
        runs.push(Run { arrival, tasks });
    }
    runs.sort_by_key(|run| run.arrival);
    writeln!(out, "task_id,run_id,depends_on,submit_time,work_seconds,cpu_request_milli,memory_request_mib")?;
    let mut first = 0;
    for (number, run) in runs.iter().enumerate() {
        for (task, (pod, predecessors)) in (first..).zip(&run.tasks) {
            write!(out, "{task},w{:05},", number + 1)?;
            for (i, predecessor) in predecessors.iter().enumerate() {
                write!(out, "{}{}", if i == 0 { "" } else { ";" }, first + predecessor)?;
            }
            write!(out, ",")?;
            write_cells(run.arrival, pod, &mut out)?;
            writeln!(out)?;
        }
        first += run.tasks.len() as u64;
    }
    out.flush()
}

/// One to three of the eight tasks before this one; none for the first.
fn predecessors(random: &mut SplitMix64, task: u64) -> BTreeSet<u64> {
    if task == 0 {
        return BTreeSet::new();
    }
    let count = 1 + random.below(3);
    (0..count).map(|_| task - 1 - random.below(task.min(8))).collect()
}

/// From the submit time to the memory request.
fn write_cells(arrival: u64, pod: &Pod, out: &mut impl Write) -> io::Result<()> {
    let (secs, ms) = (arrival / 1_000, arrival % 1_000);
    write!(out, "2024-01-01T{:02}:{:02}:{:02}", secs / 3_600, secs / 60 % 60, secs % 60)?;
    if ms != 0 {
        write!(out, ".{ms:03}")?;
    }
    write!(out, "Z,{}", pod.work_ms / 1_000)?;
    match pod.work_ms % 1_000 {
        0 => {}
        ms if ms % 100 == 0 => write!(out, ".{}", ms / 100)?,
        ms if ms % 10 == 0 => write!(out, ".{:02}", ms / 10)?,
        ms => write!(out, ".{ms:03}")?,
    }
    write!(out, ",{},{}", pod.cpu_milli, pod.mib)
}

/// The text of the trace's side file.
pub fn meta_json(params: &Params) -> String {
    let meta = serde_json::json!({
        "schema": "cost-sim-trace/v1",
        "synthetic": true,
        "source": "cost-sim generate day",
        "window_start": "2024-01-01T00:00:00Z",
        "window_end": "2024-01-02T00:00:00Z",
        "timezone": "UTC",
        "generator": {
            "name": "cost-sim generate day",
            "version": GENERATOR_VERSION,
            "seed": params.seed,
            "params": { "pods": params.pods, "dag": params.dag },
        },
    });
    format!("{meta:#}\n")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use sha2::{Digest, Sha256};

    use super::*;

    fn generate(pods: u32, dag: bool) -> String {
        let mut out = Vec::new();
        write(&Params { pods, seed: 42, dag }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// `arrival,duration,cpu,memory` of every row in milliseconds, millicores and MiB, as the reference
    /// generator in Python prints them.
    fn tuples(csv: &str) -> String {
        let mut text = String::new();
        for line in csv.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').rev().collect();
            let time = crate::trace::parse_time(cells[3], None).unwrap().ms() - START_MS;
            let work = crate::units::parse_decimal(cells[2], 3).unwrap();
            writeln!(text, "{time},{work},{},{}", cells[1], cells[0]).unwrap();
        }
        text
    }

    fn hash(text: &str) -> String {
        format!("{:x}", Sha256::digest(text))
    }

    #[test]
    fn single_pods_are_those_of_the_reference() {
        let csv = generate(1_000, false);
        let rows = tuples(&csv);
        let rows: Vec<&str> = rows.lines().collect();
        assert_eq!(rows[..2], ["12316,97451,250,2048", "17746,420085,1000,2048"]);
        assert_eq!(rows[999], "86164982,20492,250,1024");
        assert_eq!(hash(&tuples(&csv)), "146bb99b1fe4fe6611d7943cc0b0490d43ac8674593be825a1b4c4da07ba4b07");
        assert_eq!(csv.lines().nth(1), Some("0,2024-01-01T00:00:12.316Z,97.451,250,2048"));
    }

    #[test]
    fn runs_are_those_of_the_reference() {
        let csv = generate(1_000, true);
        let row = |id: usize| csv.lines().nth(id + 1).unwrap_or_default();
        assert_eq!(row(0), "0,w00001,,2024-01-01T00:00:17.746Z,420.085,1000,2048");
        assert!(row(498).contains(",495;497,"), "{}", row(498));
        assert_eq!(hash(&tuples(&csv)), "7ce050b90ee241bcd3f2f3c68c3512d206218600a06189928a9c25a5d04df131");
        let edges: String = csv
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(2).unwrap_or_default().to_owned() + "\n")
            .collect();
        assert_eq!(hash(&edges), "2eaf4407767d057baa23d22ea9f66c3593a1c54900d564189de4ad53b581c124");
    }

    #[test]
    fn a_generated_day_is_canonical_and_synthetic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("day.csv");
        for dag in [false, true] {
            let params = Params { pods: 300, seed: 7, dag };
            let mut out = Vec::new();
            write(&params, &mut out).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test writes its input")]
            {
                std::fs::write(&path, &out).unwrap();
                std::fs::write(dir.path().join("day.meta.json"), meta_json(&params)).unwrap();
            }
            let (trace, warnings) = crate::trace::read(
                std::slice::from_ref(&path),
                &crate::trace::ReadOptions::default(),
                &mut |_| {},
            )
            .unwrap();
            assert!(trace.files[0].meta.synthetic);
            assert_eq!(warnings, [""; 0]);
            let mut again = Vec::new();
            crate::trace::write_csv(&trace, &mut again).unwrap();
            assert_eq!(String::from_utf8(again), String::from_utf8(out));
        }
    }
}
