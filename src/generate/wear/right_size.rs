//! The requests that the measured use of a task justifies, one pair for all runs of the task.
//!
//! CPU: the 95th percentile over the runs of each run's own 95th percentile, a fifth on top, rounded up to 10m.
//! Memory: the highest peak of any run, a quarter on top, rounded up to 16 MiB, since memory that runs out ends the
//! pod. Neither is raised above what was asked for before.

use std::collections::BTreeMap;

use super::fargate::Row;

const CPU_HEADROOM: (i64, i64) = (12, 10);
const CPU_STEP_MILLI: i64 = 10;
const MEMORY_HEADROOM: (i64, i64) = (5, 4);
const MEMORY_STEP_MIB: i64 = 16;

pub(super) fn apply(rows: &mut [Row]) {
    let mut used: BTreeMap<(String, String), (Vec<i64>, i64)> = BTreeMap::new();
    for row in &*rows {
        let Some(pod) = &row.pod else { continue };
        let (workflow, task) = row.task();
        let (cpu, memory) = used.entry((workflow.to_owned(), task.to_owned())).or_default();
        cpu.push(pod.cpu_p95);
        *memory = pod.memory_max.max(*memory);
    }
    let sizes: BTreeMap<_, _> =
        used.into_iter().map(|(task, (cpu, memory))| (task, size(cpu, memory))).collect();
    for row in rows {
        let (workflow, task) = row.task();
        let size = sizes.get(&(workflow.to_owned(), task.to_owned())).copied();
        if let (Some(pod), Some((cpu, memory))) = (&mut row.pod, size) {
            pod.cpu_request = pod.cpu_request.min(cpu);
            pod.memory_request = pod.memory_request.min(memory);
        }
    }
}

/// Millicores and MiB for a task that used this much in its runs.
fn size(mut cpu: Vec<i64>, memory: i64) -> (i64, i64) {
    cpu.sort_unstable();
    // Nearest rank: at least 95 % of the runs used no more.
    let rank = (cpu.len() * 95).div_ceil(100).max(1);
    (
        round_up(cpu[rank - 1], CPU_HEADROOM, CPU_STEP_MILLI),
        round_up(memory, MEMORY_HEADROOM, MEMORY_STEP_MIB),
    )
}

fn round_up(used: i64, (times, by): (i64, i64), step: i64) -> i64 {
    let unit = by * step;
    ((used * times + unit - 1) / unit).max(1) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_use_and_headroom_rounded_up() {
        // 20 runs of 1..=20 × 10m: at least 95 % of them is the 19th, 190m; × 1.2 = 228m, up to 230m.
        // 300 MiB × 1.25 = 375 MiB, up to 24 × 16 = 384 MiB.
        assert_eq!(size((1..=20).rev().map(|n| n * 10).collect(), 300), (230, 384));
        // What is on a step stays there: 500m × 1.2 = 600m, 512 MiB × 1.25 = 640 MiB = 40 × 16.
        assert_eq!(size(vec![500], 512), (600, 640));
        // Never nothing: a request of 0 is no request.
        assert_eq!(size(vec![0], 0), (10, 16));
    }
}
