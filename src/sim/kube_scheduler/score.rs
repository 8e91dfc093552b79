//! The scheduler's scores ([`crate::decide::kube_scheduler::score`]) of what the simulation keeps of pods and nodes.

use crate::decide::kube_scheduler::score as decide;
pub use crate::decide::kube_scheduler::score::balanced_allocation::balanced_allocation;
use crate::platform::Scoring;
use crate::units::{Cpu, Memory, Resources};

pub use decide::MAX_SCORE;

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
    let requested = (requested.0.milli(), requested.1.bytes());
    decide::resources_fit::resources_fit(scoring, requested, cpu_and_memory(allocatable))
}

/// How evenly CPU and memory are requested: 100 when their shares are equal.
pub fn balance(requested: &Resources, allocatable: &Resources) -> i64 {
    decide::balanced_allocation::balance(cpu_and_memory(requested), cpu_and_memory(allocatable))
}

/// ImageLocality of a pod with one container on a node that has its image; nodes without it score 0.
pub fn image_locality(size: Memory, nodes_having: usize, nodes: usize) -> i64 {
    decide::image_locality::image_locality(std::iter::once((size.bytes(), nodes_having)), nodes, 1)
}

fn cpu_and_memory(resources: &Resources) -> (i64, i64) {
    (resources.cpu.milli(), resources.memory.bytes())
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
