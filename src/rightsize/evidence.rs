//! What was measured of a group of pods: single points where a source has them, otherwise what its columns sum up.

use super::Rule;
use crate::catalog::FargateSize;
use crate::trace::{SourcePlatform, Trace};
use crate::units::{Cpu, Memory};

/// What the values are of which a percentile or a maximum was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Every measurement of every pod.
    Points,
    /// One number for each pod.
    Pods,
}

/// Usage of one resource over a group: CPU in millicores, memory in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    pub basis: Basis,
    /// Pods with a value.
    pub pods: u64,
    pub values: u64,
    /// What the request follows: a percentile of CPU, the peak of memory.
    pub used: f64,
    /// The most that any pod was seen to use; `None` where only averages and percentiles are known.
    pub highest: Option<f64>,
}

/// Whether any pod has a usage that requests could follow.
pub fn has_usage(trace: &Trace) -> bool {
    (0..trace.rows()).any(|row| cpu_used(trace, row).is_some() || memory_peak(trace, row).is_some())
}

/// With points of enough pods the percentile is over all points; otherwise over the pods, each with its own usage.
pub(super) fn cpu(trace: &Trace, rows: &[u32], rule: &Rule) -> Option<Evidence> {
    let each = || rows.iter().map(|row| *row as usize);
    let with_points = each().filter(|row| !trace.points.cpu(*row).is_empty()).count();
    let basis = if with_points >= rule.least_pods.max(1) { Basis::Points } else { Basis::Pods };
    let (pods, mut values): (usize, Vec<f64>) = match basis {
        Basis::Points => (with_points, each().flat_map(|row| trace.points.cpu(row)).copied().collect()),
        Basis::Pods => {
            let values: Vec<f64> = each().filter_map(|row| cpu_used(trace, row)).collect();
            (values.len(), values)
        }
    };
    values.sort_unstable_by(f64::total_cmp);
    Some(Evidence {
        basis,
        pods: pods as u64,
        values: values.len() as u64,
        used: nearest_rank(&values, rule.cpu_percentile)?,
        highest: each().filter_map(|row| cpu_peak(trace, row)).reduce(f64::max),
    })
}

pub(super) fn memory(trace: &Trace, rows: &[u32], rule: &Rule) -> Option<Evidence> {
    let each = || rows.iter().map(|row| *row as usize);
    let points = || each().map(|row| trace.points.memory(row).len()).filter(|points| *points > 0);
    let basis = if points().count() >= rule.least_pods.max(1) { Basis::Points } else { Basis::Pods };
    let peaks: Vec<f64> = each().filter_map(|row| memory_peak(trace, row)).collect();
    let used = peaks.iter().copied().reduce(f64::max)?;
    let values = match basis {
        Basis::Points => points().sum(),
        Basis::Pods => peaks.len(),
    };
    Some(Evidence { basis, pods: peaks.len() as u64, values: values as u64, used, highest: Some(used) })
}

/// The value that at least `percentile` of 100 values do not exceed; of sorted ones.
pub(super) fn nearest_rank(sorted: &[f64], percentile: u32) -> Option<f64> {
    let rank = (sorted.len() * percentile as usize).div_ceil(100).max(1);
    sorted.get(rank.min(sorted.len()).checked_sub(1)?).copied()
}

/// What stands for a pod among pods, in millicores: its p95, or else its maximum, its average, or CPU time ÷ work.
fn cpu_used(trace: &Trace, row: usize) -> Option<f64> {
    let over_time = || {
        let seconds = trace.work.get(row)?.secs_f64();
        (seconds > 0.0).then_some(trace.cpu_seconds.get(row)? * 1_000.0 / seconds)
    };
    let quantiles = cpu_p95(trace, row).or(trace.cpu_usage_max_milli.get(row));
    quantiles.or(trace.cpu_usage_avg_milli.get(row)).or_else(over_time)
}

pub(super) fn cpu_p95(trace: &Trace, row: usize) -> Option<f64> {
    trace.cpu_usage_p95_milli.get(row).or_else(|| {
        let mut points = trace.points.cpu(row).to_vec();
        points.sort_unstable_by(f64::total_cmp);
        nearest_rank(&points, 95)
    })
}

/// The most that a pod was seen to use, in millicores.
pub(super) fn cpu_peak(trace: &Trace, row: usize) -> Option<f64> {
    highest(trace.points.cpu(row), trace.cpu_usage_max_milli.get(row))
}

/// The same of memory, in MiB.
pub(super) fn memory_peak(trace: &Trace, row: usize) -> Option<f64> {
    highest(trace.points.memory(row), trace.memory_usage_max_mib.get(row))
}

fn highest(points: &[f64], column: Option<f64>) -> Option<f64> {
    points.iter().copied().chain(column).reduce(f64::max)
}

/// Pods that the kernel ended for want of memory, and the most that any of them was allowed: its limit, or else its
/// request. What was measured of such a pod is what it could get, not what it needed.
pub(super) fn out_of_memory(trace: &Trace, rows: &[u32]) -> (u64, Option<Memory>) {
    let killed = rows.iter().map(|row| *row as usize).filter(|row| {
        trace.words.get(trace.word(&trace.exit_reason, *row)).eq_ignore_ascii_case("OOMKilled")
    });
    let allowed = |row: usize| trace.memory_limit.get(row).or(trace.memory_request.get(row));
    killed.fold((0, None), |(count, most), row| (count + 1, most.max(allowed(row))))
}

/// Pods whose CPU was seen within 5 % of what they could get at most: how much more they would have taken is not known.
/// Averages over a scrape of 15 s and more rarely touch the limit itself.
pub(super) fn throttled(trace: &Trace, rows: &[u32]) -> u64 {
    let at_the_cap = |row: usize| {
        let seen = cpu_peak(trace, row).or_else(|| cpu_p95(trace, row))?;
        let cap = cpu_cap(trace, row)?;
        (seen * 100.0 >= cap.milli() as f64 * 95.0).then_some(())
    };
    rows.iter().filter(|row| at_the_cap(**row as usize).is_some()).count() as u64
}

/// A limit, or the machine where that is the pod's alone. A request by itself caps nothing: CPU that nobody else wants
/// is free to take.
fn cpu_cap(trace: &Trace, row: usize) -> Option<Cpu> {
    let on_fargate = trace.source_platform.get(row) == Some(SourcePlatform::Fargate);
    let machine = || {
        let (cpu, memory) = (trace.cpu_request.get(row)?, trace.memory_request.get(row)?);
        FargateSize::for_request(cpu, memory, Memory::ZERO).ok().map(|size| size.cpu)
    };
    trace.cpu_limit.get(row).or_else(|| on_fargate.then(machine).flatten())
}
