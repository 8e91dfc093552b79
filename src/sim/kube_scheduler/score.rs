//! kube-scheduler's scores of one pod on one node: pure functions, with Kubernetes' own integer arithmetic.
//!
//! Sources: `pkg/scheduler/framework/plugins/noderesources/{least_allocated,most_allocated,balanced_allocation}.go`
//! and `plugins/imagelocality/image_locality.go` of Kubernetes, about 1.36.

use crate::platform::{BalancedAllocation, Scoring};
use crate::units::{Cpu, Memory, Resources};

/// What a plugin can give at most.
pub const MAX_SCORE: i64 = 100;

/// What a pod that requests nothing of a resource counts as when nodes are scored.
pub const UNREQUESTED_CPU: Cpu = Cpu::from_milli(100);
pub const UNREQUESTED_MEMORY: Memory = Memory::from_bytes(200 * 1024 * 1024);

/// `request` as scoring sees it: never nothing.
pub fn scored_request(request: &Resources) -> (Cpu, Memory) {
    let cpu = if request.cpu == Cpu::ZERO { UNREQUESTED_CPU } else { request.cpu };
    let memory = if request.memory == Memory::ZERO { UNREQUESTED_MEMORY } else { request.memory };
    (cpu, memory)
}

/// NodeResourcesFit: the mean over CPU and memory of the free (or, for `MostAllocated`, the requested) share.
///
/// `requested` includes the pod and counts what is not requested as [`scored_request`] does.
pub fn resources_fit(scoring: Scoring, requested: (Cpu, Memory), allocatable: &Resources) -> i64 {
    let cpu = share(scoring, requested.0.milli(), allocatable.cpu.milli());
    let memory = share(scoring, requested.1.bytes(), allocatable.memory.bytes());
    (cpu + memory) / 2
}

fn share(scoring: Scoring, requested: i64, allocatable: i64) -> i64 {
    if allocatable == 0 {
        return 0;
    }
    match scoring {
        Scoring::LeastAllocated if requested > allocatable => 0,
        Scoring::LeastAllocated => (allocatable - requested) * MAX_SCORE / allocatable,
        // Requests beyond the capacity can only come from pods that request nothing.
        Scoring::MostAllocated => requested.min(allocatable) * MAX_SCORE / allocatable,
    }
}

/// How evenly CPU and memory are requested: 100 when their shares are equal.
pub fn balance(requested: &Resources, allocatable: &Resources) -> i64 {
    let fraction = |asked: i64, all: i64| if all == 0 { 1.0 } else { (asked as f64 / all as f64).min(1.0) };
    let cpu = fraction(requested.cpu.milli(), allocatable.cpu.milli());
    let memory = fraction(requested.memory.bytes(), allocatable.memory.bytes());
    // The standard deviation of two values is half their distance.
    let deviation = ((cpu - memory) / 2.0).abs();
    ((1.0 - deviation) * MAX_SCORE as f64) as i64
}

/// NodeResourcesBalancedAllocation from the balance with and without the pod.
pub fn balanced_allocation(formula: BalancedAllocation, with: i64, without: i64) -> i64 {
    match formula {
        BalancedAllocation::Absolute => with,
        // 75 when the pod changes nothing.
        BalancedAllocation::Improvement => MAX_SCORE / 2 + (MAX_SCORE / 2 + with - without) / 2,
    }
}

/// ImageLocality of a pod with one container on a node that has its image; nodes without it score 0.
pub fn image_locality(size: Memory, nodes_having: usize, nodes: usize) -> i64 {
    const MB: i64 = 1024 * 1024;
    const LEAST: i64 = 23 * MB;
    const MOST: i64 = 1_000 * MB;
    let spread = nodes_having as f64 / nodes.max(1) as f64;
    let scaled = (size.bytes() as f64 * spread) as i64;
    (scaled.clamp(LEAST, MOST) - LEAST) * MAX_SCORE / (MOST - LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(milli: i64, mib: i64) -> Resources {
        Resources {
            cpu: Cpu::from_milli(milli),
            memory: Memory::from_mib(mib),
            ephemeral: Memory::ZERO,
            pods: 1,
        }
    }

    #[test]
    fn least_allocated_is_the_mean_free_share_in_integers() {
        let node = resources(4_000, 10_000);
        // CPU (4000 − 3000) × 100 / 4000 = 25; memory (10000 − 5000) × 100 / 10000 = 50; (25 + 50) / 2 = 37.
        let requested = (Cpu::from_milli(3_000), Memory::from_mib(5_000));
        assert_eq!(resources_fit(Scoring::LeastAllocated, requested, &node), 37);
        // Most allocated: 75 and 50, so 62.
        assert_eq!(resources_fit(Scoring::MostAllocated, requested, &node), 62);
        let beyond = (Cpu::from_milli(4_001), Memory::from_mib(5_000));
        assert_eq!(resources_fit(Scoring::LeastAllocated, beyond, &node), 25);
    }

    #[test]
    fn balanced_allocation_in_both_formulas() {
        let node = resources(4_000, 10_000);
        // CPU 75 %, memory 50 %: deviation 0.125, balance 87 (of 87.5).
        let with = balance(&resources(3_000, 5_000), &node);
        assert_eq!(with, 87);
        // Before the pod: CPU 25 %, memory 50 %: the same distance.
        let without = balance(&resources(1_000, 5_000), &node);
        assert_eq!(without, 87);
        assert_eq!(balanced_allocation(BalancedAllocation::Absolute, with, without), 87);
        assert_eq!(balanced_allocation(BalancedAllocation::Improvement, with, without), 75);
        assert_eq!(balanced_allocation(BalancedAllocation::Improvement, 100, 50), 100);
        // Go divides towards zero: (50 + 40 − 95) / 2 = −2.
        assert_eq!(balanced_allocation(BalancedAllocation::Improvement, 40, 95), 48);
    }

    #[test]
    fn image_locality_grows_with_size_and_spread_between_its_thresholds() {
        let mib = Memory::from_mib;
        assert_eq!(image_locality(mib(23), 1, 1), 0);
        assert_eq!(image_locality(mib(1_000), 1, 1), 100);
        assert_eq!(image_locality(mib(9_000), 1, 1), 100);
        // 512 MiB on half of the nodes counts 256 MiB: (256 − 23) × 100 / 977 = 23.
        assert_eq!(image_locality(mib(512), 5, 10), 23);
    }

    #[test]
    fn what_is_not_requested_counts_something() {
        assert_eq!(scored_request(&resources(0, 0)), (UNREQUESTED_CPU, UNREQUESTED_MEMORY));
        assert_eq!(scored_request(&resources(5, 1)), (Cpu::from_milli(5), Memory::from_mib(1)));
    }
}
