//! What of the measured usage is above the new requests.
//!
//! Points are counted. Of a pod of which only an average, a 95th percentile and a maximum are known, the share of its
//! time above a request is known within bounds only: nothing if its maximum is not above, at most 5 % if its p95 is not
//! above, at least 5 % if it is.

use super::evidence::{self, Basis, Evidence};
use super::result::{CpuRisk, Effect, MemoryRisk};
use crate::trace::Trace;
use crate::units::{Cpu, Memory};

/// One of them lies above a pod's own 95th percentile.
const TWENTIETHS: u64 = 20;

/// Of pods that now ask for `request`, in the sized trace; on Fargate they have `billed` CPU.
pub(super) fn cpu(
    sized: &Trace,
    rows: &[u32],
    known: &Evidence,
    request: Cpu,
    billed: Option<Cpu>,
) -> CpuRisk {
    let (at_least, at_most) = share(sized, rows, known.basis, request);
    let on_fargate = billed.map(|billed| share(sized, rows, known.basis, billed));
    let mut each = rows.iter().map(|row| *row as usize);
    let is_capped = |row: usize| sized.cpu_limit.get(row).is_some_and(|limit| limit <= request);
    let effect = if each.any(is_capped) { Effect::Throttled } else { Effect::Competes };
    CpuRisk {
        of: known.basis.into(),
        at_least,
        at_most,
        effect,
        fargate_at_least: on_fargate.map(|(least, _)| least),
        fargate_at_most: on_fargate.map(|(_, most)| most),
    }
}

/// How much of the usage is above so much CPU, at least and at most.
fn share(trace: &Trace, rows: &[u32], basis: Basis, cpu: Cpu) -> (f64, f64) {
    let milli = cpu.milli() as f64;
    let each = || rows.iter().map(|row| *row as usize);
    match basis {
        Basis::Points => {
            let points = || each().flat_map(|row| trace.points.cpu(row));
            let share =
                points().filter(|used| **used > milli).count() as f64 / points().count().max(1) as f64;
            (share, share)
        }
        Basis::Pods => bounds(each().filter_map(|row| above(trace, row, milli))),
    }
}

/// How much of a pod's time lies above so many millicores; `None` where nothing of it is known.
fn above(trace: &Trace, row: usize, milli: f64) -> Option<Above> {
    let (p95, peak) = (evidence::cpu_p95(trace, row), evidence::cpu_peak(trace, row));
    Some(match (p95, peak) {
        (_, Some(peak)) if peak <= milli => Above::Never,
        (Some(p95), _) if p95 <= milli => Above::Rarely,
        (Some(_), _) => Above::Often,
        // Averages say nothing of bursts.
        (None, peak) => {
            let average = trace.cpu_usage_avg_milli.get(row).or(trace.cpu_seconds.get(row));
            peak.or(average)?;
            Above::Unknown
        }
    })
}

#[derive(Clone, Copy)]
enum Above {
    Never,
    Rarely,
    Often,
    Unknown,
}

/// The mean over pods, each counting the same. Counts, not sums of shares: the order of rows must not show.
fn bounds(pods: impl Iterator<Item = Above>) -> (f64, f64) {
    let (mut rarely, mut often, mut unknown, mut all) = (0u64, 0u64, 0u64, 0u64);
    for pod in pods {
        all += 1;
        match pod {
            Above::Never => {}
            Above::Rarely => rarely += 1,
            Above::Often => often += 1,
            Above::Unknown => unknown += 1,
        }
    }
    // In twentieths of a pod's time.
    let share = |twentieths: u64| twentieths as f64 / (all.max(1) * TWENTIETHS) as f64;
    (share(often), share(TWENTIETHS * (often + unknown) + rarely))
}

/// Of pods that now ask for `request`, in the sized trace.
pub(super) fn memory(sized: &Trace, rows: &[u32], request: Memory) -> MemoryRisk {
    let each = || rows.iter().map(|row| *row as usize);
    let mib = |memory: Memory| memory.bytes() as f64 / (1 << 20) as f64;
    let peaks = || each().filter_map(|row| evidence::memory_peak(sized, row));
    let highest = peaks().reduce(f64::max).filter(|highest| *highest > 0.0);
    let limit = each().filter_map(|row| sized.memory_limit.get(row)).min();
    MemoryRisk {
        pods_above: peaks().filter(|peak| *peak > mib(request)).count() as u64,
        margin: highest.map(|highest| mib(request) / highest),
        limit_margin: highest.zip(limit).map(|(highest, limit)| mib(limit) / highest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A task of pods with (p95, maximum), each 100 s long.
    fn trace(pods: &[(Option<f64>, Option<f64>)]) -> Trace {
        let mut trace = Trace::default();
        for (row, (p95, peak)) in pods.iter().enumerate() {
            trace.task_id.push("t");
            if let Some(p95) = p95 {
                trace.cpu_usage_p95_milli.set(row, *p95);
            }
            if let Some(peak) = peak {
                trace.cpu_usage_max_milli.set(row, *peak);
            }
        }
        trace
    }

    fn known(basis: Basis) -> Evidence {
        Evidence { basis, pods: 1, values: 1, used: 0.0, highest: None }
    }

    #[test]
    fn of_columns_only_bounds_are_known() {
        // Against 100m: (p95, maximum) and the bounds of the share above.
        let cases = [
            ((Some(90.0), Some(100.0)), (0.0, 0.0)),
            ((Some(90.0), Some(101.0)), (0.0, 0.05)),
            ((Some(90.0), None), (0.0, 0.05)),
            ((Some(110.0), Some(150.0)), (0.05, 1.0)),
            ((None, Some(101.0)), (0.0, 1.0)),
        ];
        for (pod, bounds) in cases {
            let risk = cpu(&trace(&[pod]), &[0], &known(Basis::Pods), Cpu::from_milli(100), None);
            assert_eq!((risk.at_least, risk.at_most), bounds, "{pod:?}");
        }
        // Of two pods one is never above and one at least 5 % of its time: (0 + 0.05) ÷ 2 to (0 + 1) ÷ 2.
        let two = trace(&[(Some(1.0), Some(2.0)), (Some(200.0), None)]);
        let risk = cpu(&two, &[0, 1], &known(Basis::Pods), Cpu::from_milli(100), None);
        assert_eq!((risk.at_least, risk.at_most), (0.025, 0.5));
    }

    #[test]
    fn points_are_counted() {
        let mut trace = trace(&[(None, None), (None, None)]);
        trace.points.set_cpu(0, vec![50.0, 100.0, 150.0]);
        trace.points.set_cpu(1, vec![101.0]);
        // 2 of 4 are above 100m; 100m itself is not.
        // The billed size has 125m: one of them is above.
        let billed = Some(Cpu::from_milli(125));
        let risk = cpu(&trace, &[0, 1], &known(Basis::Points), Cpu::from_milli(100), billed);
        assert_eq!((risk.at_least, risk.at_most, risk.effect), (0.5, 0.5, Effect::Competes));
        assert_eq!((risk.fargate_at_least, risk.fargate_at_most), (Some(0.25), Some(0.25)));
        // With a limit at the request nothing above it can be had.
        trace.cpu_limit.set(1, Cpu::from_milli(100));
        let risk = cpu(&trace, &[0, 1], &known(Basis::Points), Cpu::from_milli(100), None);
        assert_eq!(risk.fargate_at_most, None);
        assert_eq!(risk.effect, Effect::Throttled);
    }

    #[test]
    fn the_margin_is_what_is_left_above_the_peak() {
        let mut trace = trace(&[(None, None), (None, None)]);
        trace.memory_usage_max_mib.set(0, 400.0);
        trace.memory_usage_max_mib.set(1, 800.0);
        trace.memory_limit.set(1, Memory::from_mib(2_000));
        // 1,000 ÷ 800 of the request, 2,000 ÷ 800 of the limit.
        let risk = memory(&trace, &[0, 1], Memory::from_mib(1_000));
        assert_eq!(risk, MemoryRisk { pods_above: 0, margin: Some(1.25), limit_margin: Some(2.5) });
        assert_eq!(memory(&trace, &[0, 1], Memory::from_mib(500)).pods_above, 1);
    }
}
