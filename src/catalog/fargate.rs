//! EKS Fargate: which size a pod is given, and what that size costs.
//!
//! A pod is billed for the size it is given, not for what it asks or uses. CPU and memory are rounded jointly,
//! so a pod that asks for 1 vCPU and 8 GiB is billed 2 vCPU and 9 GB: this is where much of the money goes.

use crate::catalog::{Arch, Price};
use crate::units::{Cpu, Memory, Resources, Usd};

/// Added to the memory request for kubelet, kube-proxy and containerd.
pub const OVERHEAD: Memory = Memory::from_mib(256);

/// Ephemeral storage that every pod has without charge.
pub const FREE_EPHEMERAL: Memory = Memory::from_gib(20);

/// The largest ephemeral storage request.
pub const MAX_EPHEMERAL: Memory = Memory::from_gib(175);

/// A vCPU level and the memory sizes that go with it, in MiB: from `least` to `most` in steps of `step`.
struct Level {
    milli: i64,
    least: i64,
    most: i64,
    step: i64,
}

const GB: i64 = 1_024;

/// AWS's table of sizes. (0.25 vCPU has 0.5, 1 and 2 GB: the one uneven row is [`step_up`]'s.)
const LEVELS: [Level; 7] = [
    Level { milli: 250, least: GB / 2, most: 2 * GB, step: GB },
    Level { milli: 500, least: GB, most: 4 * GB, step: GB },
    Level { milli: 1_000, least: 2 * GB, most: 8 * GB, step: GB },
    Level { milli: 2_000, least: 4 * GB, most: 16 * GB, step: GB },
    Level { milli: 4_000, least: 8 * GB, most: 30 * GB, step: GB },
    Level { milli: 8_000, least: 16 * GB, most: 60 * GB, step: 4 * GB },
    Level { milli: 16_000, least: 32 * GB, most: 120 * GB, step: 8 * GB },
];

/// The smallest memory size of `level` that holds `mib`.
fn step_up(level: &Level, mib: i64) -> i64 {
    if mib <= level.least { level.least } else { (mib + level.step - 1) / level.step * level.step }
}

/// The size a pod is given and billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FargateSize {
    pub cpu: Cpu,
    /// The 256 MiB that are not the pod's included. AWS's "GB" here is a GiB.
    pub memory: Memory,
    /// Provisioned storage, the free 20 GiB included.
    pub ephemeral: Memory,
}

/// Why a pod cannot run on Fargate. It then stays pending: sizes are never cut to what exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FargateRefusal {
    #[error("it asks for {0} vCPU; Fargate's largest size has 16")]
    Cpu(Cpu),
    #[error("it asks for {0} of memory; Fargate's largest size has 120Gi, of which a pod can have 122624Mi")]
    Memory(Memory),
    #[error("it asks for {0} of ephemeral storage; Fargate gives at most 175Gi")]
    Ephemeral(Memory),
    #[error("it needs arm64; Fargate on EKS has amd64 only")]
    Arm64,
    #[error("it needs a GPU; Fargate has none")]
    Gpu,
}

/// A pod's request as Kubernetes defines it: the sum of its containers, or the largest init container if that
/// is more, resource by resource. Sidecars (init containers that always restart) count as containers.
pub fn pod_request(containers: &[Resources], init: &[Resources]) -> Resources {
    let mut request: Resources = containers.iter().copied().sum();
    for one in init {
        request.cpu = request.cpu.max(one.cpu);
        request.memory = request.memory.max(one.memory);
        request.ephemeral = request.ephemeral.max(one.ephemeral);
    }
    request.pods = 1;
    request
}

/// Whether Fargate on EKS can run pods of this architecture and with this many thousandths of a GPU at all.
pub fn supports(arch: Arch, gpu_milli: i64) -> Result<(), FargateRefusal> {
    match (arch, gpu_milli) {
        (Arch::Arm64, _) => Err(FargateRefusal::Arm64),
        (Arch::Amd64, 1..) => Err(FargateRefusal::Gpu),
        (Arch::Amd64, _) => Ok(()),
    }
}

impl FargateSize {
    /// The size for a pod's request: the lowest vCPU level that has the CPU and reaches the memory, then the
    /// lowest memory step. A request of nothing gives the smallest size.
    pub fn for_request(cpu: Cpu, memory: Memory, ephemeral: Memory) -> Result<Self, FargateRefusal> {
        let largest = &LEVELS[LEVELS.len() - 1];
        if cpu.milli() > largest.milli {
            return Err(FargateRefusal::Cpu(cpu));
        }
        if memory > Memory::from_mib(largest.most) - OVERHEAD {
            return Err(FargateRefusal::Memory(memory));
        }
        let needed = memory + OVERHEAD;
        let fits = |level: &&Level| cpu.milli() <= level.milli && needed <= Memory::from_mib(level.most);
        let level = LEVELS.iter().find(fits).unwrap_or(largest);
        Ok(Self {
            cpu: Cpu::from_milli(level.milli),
            memory: Memory::from_mib(step_up(level, needed.mib_ceil())),
            ephemeral: provisioned_storage(ephemeral)?,
        })
    }

    /// Storage beyond the free 20 GiB.
    pub fn billed_ephemeral(&self) -> Memory {
        self.ephemeral - FREE_EPHEMERAL
    }
}

/// Up to 20 GiB are there anyway. More is provisioned as 1.1 times the request and 5 GiB, in whole GiB rounded
/// up: 100 GiB give 115 GiB.
fn provisioned_storage(request: Memory) -> Result<Memory, FargateRefusal> {
    if request > MAX_EPHEMERAL {
        return Err(FargateRefusal::Ephemeral(request));
    }
    if request <= FREE_EPHEMERAL {
        return Ok(FREE_EPHEMERAL);
    }
    let gib = Memory::from_gib(1).bytes();
    let tenths = request.bytes() * 11 + 50 * gib;
    Ok(Memory::from_gib((tenths as u64).div_ceil(10 * gib as u64) as i64))
}

/// A region's Fargate prices for Linux on x86.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FargatePrices {
    /// USD per vCPU-hour.
    pub vcpu_hour: Price,
    /// USD per GB-hour of memory, where a GB is a GiB.
    pub gb_hour: Price,
    /// USD per GB-hour of storage beyond 20 GiB. Where a region's is not known it is us-east-1's, marked so.
    pub ephemeral_gb_hour: Option<Price>,
}

/// What a pod cost on Fargate, by what it is charged for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FargateCharge {
    pub cpu: Usd,
    pub memory: Usd,
    pub storage: Usd,
}

impl FargateCharge {
    pub fn total(&self) -> Usd {
        self.cpu + self.memory + self.storage
    }
}

/// The charge for a pod of `size` over seconds from [`billed_seconds`](super::billed_seconds).
pub fn charge(prices: &FargatePrices, size: FargateSize, billed_seconds: i64) -> FargateCharge {
    let seconds = i128::from(billed_seconds);
    let mib_seconds = |memory: Memory| i128::from(memory.mib_ceil()) * seconds;
    let gib_hour = 1_024 * 3_600;
    let storage = prices.ephemeral_gb_hour.map(|price| price.rate).unwrap_or_default();
    FargateCharge {
        cpu: prices.vcpu_hour.rate.charge(i128::from(size.cpu.milli()) * seconds, 1_000 * 3_600),
        memory: prices.gb_hour.rate.charge(mib_seconds(size.memory), gib_hour),
        storage: storage.charge(mib_seconds(size.billed_ephemeral()), gib_hour),
    }
}

#[cfg(test)]
#[path = "fargate_tests.rs"]
mod tests;
