//! An EC2 instance type, and what a node of it can hold.
//!
//! Two answers to "how much fits on it?" are needed: Karpenter's estimate (also close to what a real AL2023 node
//! reports), and the full size of the machine, which Cluster Autoscaler assumes for a group without nodes.

use crate::units::{Cpu, Memory, Resources};

/// CPU architecture, named as in the label `kubernetes.io/arch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    Amd64,
    Arm64,
}

impl Arch {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// GPUs or inference chips of one kind, in the words of Karpenter's labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accelerators {
    pub count: i64,
    /// `nvidia`, `amd`, `aws` …
    pub manufacturer: String,
    /// `t4`, `a10g`, `inferentia2` …
    pub name: String,
}

/// What AWS says of an instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceType {
    /// `m6i.xlarge`.
    pub name: String,
    pub arch: Arch,
    /// Default vCPUs.
    pub vcpu: i64,
    /// As AWS states it; a node sees less.
    pub memory: Memory,
    /// Pods that get an address from the default network card: ENIs × (IPv4 addresses each − 1) + 2.
    pub max_pods: i64,
    /// The same with prefix delegation, at most 110 (up to 30 vCPU) or 250; `None` on types before Nitro.
    pub max_pods_prefix_delegation: Option<i64>,
    pub gpu: Option<Accelerators>,
    pub accelerator: Option<Accelerators>,
    /// Earns and spends CPU credits (T types).
    pub burstable: bool,
    pub flex: bool,
    pub bare_metal: bool,
    /// `nitro` or `xen`; empty on bare metal.
    pub hypervisor: String,
    /// `intel`, `amd` or `aws`.
    pub cpu_manufacturer: String,
    pub sustained_clock_mhz: Option<i64>,
    /// Baseline network bandwidth in Mbit/s.
    pub network_mbps: i64,
    /// Baseline EBS bandwidth in Mbit/s.
    pub ebs_mbps: Option<i64>,
    /// Local disks in GB (10⁹ bytes), all together; 0 for none.
    pub local_nvme_gb: i64,
    pub current_generation: bool,
}

/// How many pods kube-reserved memory is reserved for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KubeReservedPods {
    /// The type's own limit even when `maxPods` is set: Karpenter's estimate for AL2 and AL2023.
    #[default]
    EniLimited,
    /// The pod limit in effect: Karpenter's for Bottlerocket, and what an AL2023 node itself does.
    Configured,
}

/// What decides a node's size besides its type: the NodeClass, the AMI and Karpenter's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// Karpenter's `VM_MEMORY_OVERHEAD_PERCENT` in thousandths: memory that AWS states and a node never sees.
    pub vm_memory_overhead_per_mille: i64,
    /// The NodeClass's `kubelet.maxPods`.
    pub max_pods: Option<i64>,
    /// The NodeClass's `kubelet.podsPerCore`: a cap on the number of pods.
    pub pods_per_core: Option<i64>,
    pub kube_reserved_pods: KubeReservedPods,
    /// The NodeClass's `kubelet.systemReserved`.
    pub system_reserved: Resources,
    pub root_volume: Memory,
    /// `instanceStorePolicy: RAID0`: pods' storage is on the local disks where the type has any.
    pub raid0: bool,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            vm_memory_overhead_per_mille: 75,
            max_pods: None,
            pods_per_core: None,
            kube_reserved_pods: KubeReservedPods::default(),
            system_reserved: Resources::ZERO,
            root_volume: Memory::from_gib(20),
            raid0: false,
        }
    }
}

/// kubelet evicts pods when less memory than this is left.
const EVICTION_MEMORY: Memory = Memory::from_mib(100);

/// kube-reserved ephemeral storage.
const RESERVED_STORAGE: Memory = Memory::from_gib(1);

/// Pods on a node that Cluster Autoscaler imagines from a group's launch template.
const TEMPLATE_PODS: i64 = 110;

impl InstanceType {
    /// `m6i` of `m6i.xlarge`.
    pub fn family(&self) -> &str {
        self.name.split_once('.').map_or(self.name.as_str(), |(family, _)| family)
    }

    /// `xlarge` of `m6i.xlarge`.
    pub fn size(&self) -> &str {
        self.name.split_once('.').map_or("", |(_, size)| size)
    }

    /// The letters before the generation: `m` of `m6i.xlarge`, `u` of `u-6tb1.56xlarge`.
    pub fn category(&self) -> &str {
        let end = self.name.bytes().position(|b| !b.is_ascii_lowercase()).unwrap_or(self.name.len());
        &self.name[..end]
    }

    /// The first digits of the family, as Karpenter counts: 6 of `m6i`; 1 of `u-6tb1`, whose `-6tb` is its size.
    pub fn generation(&self) -> Option<u32> {
        let family = &self.family()[self.category().len().min(self.family().len())..];
        let rest = family.strip_prefix('-').and_then(|s| {
            let (digits, rest) = s.split_at(s.bytes().take_while(u8::is_ascii_digit).count());
            if digits.is_empty() { None } else { rest.strip_prefix("tb") }
        });
        let digits = rest.unwrap_or(family);
        let end = digits.bytes().take_while(u8::is_ascii_digit).count();
        digits[..end].parse().ok()
    }

    /// What Karpenter expects a new node to report as its capacity.
    pub fn capacity(&self, settings: &NodeSettings) -> Resources {
        // Arm instances keep 64 MiB for the firmware's CMA.
        let firmware = if self.arch == Arch::Arm64 { Memory::from_mib(64) } else { Memory::ZERO };
        let visible = self.memory - firmware;
        let overhead = visible.bytes() as i128 * settings.vm_memory_overhead_per_mille as i128;
        let overhead_mib = -(-overhead).div_euclid(1_000 << 20) as i64;
        Resources {
            cpu: Cpu::from_cores(self.vcpu),
            memory: visible - Memory::from_mib(overhead_mib),
            ephemeral: self.storage(settings),
            pods: self.pods(settings),
        }
    }

    /// What is left for pods: capacity less kube-reserved, system-reserved and the eviction threshold.
    pub fn allocatable(&self, settings: &NodeSettings) -> Resources {
        let capacity = self.capacity(settings);
        let reserved_for = match settings.kube_reserved_pods {
            KubeReservedPods::EniLimited => self.max_pods,
            KubeReservedPods::Configured => capacity.pods,
        };
        let evicted_below = (capacity.ephemeral.bytes() as u64).div_ceil(10) as i64;
        let overhead = Resources {
            cpu: reserved_cpu(self.vcpu),
            memory: Memory::from_mib(255 + 11 * reserved_for) + EVICTION_MEMORY,
            ephemeral: RESERVED_STORAGE + Memory::from_bytes(evicted_below),
            pods: 0,
        };
        capacity - overhead - settings.system_reserved
    }

    /// What Cluster Autoscaler takes a node of a group without nodes to have free: the whole machine, nothing
    /// reserved, 110 pods, and no ephemeral storage (unless the group's tags say otherwise).
    pub fn nominal_capacity(&self) -> Resources {
        Resources {
            cpu: Cpu::from_cores(self.vcpu),
            memory: self.memory,
            ephemeral: Memory::ZERO,
            pods: TEMPLATE_PODS,
        }
    }

    fn pods(&self, settings: &NodeSettings) -> i64 {
        let pods = settings.max_pods.unwrap_or(self.max_pods);
        settings.pods_per_core.map_or(pods, |per_core| pods.min(per_core * self.vcpu))
    }

    fn storage(&self, settings: &NodeSettings) -> Memory {
        if settings.raid0 && self.local_nvme_gb > 0 {
            Memory::from_bytes(self.local_nvme_gb * 1_000_000_000)
        } else {
            settings.root_volume
        }
    }
}

/// kube-reserved CPU: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest, each
/// band in whole millicores rounded down.
fn reserved_cpu(vcpu: i64) -> Cpu {
    let total = vcpu * 1_000;
    let bands = [(0, 1_000, 600), (1_000, 2_000, 100), (2_000, 4_000, 50), (4_000, i64::MAX, 25)];
    let milli = bands.map(|(from, to, per_10_000)| (total.min(to) - from).max(0) * per_10_000 / 10_000);
    Cpu::from_milli(milli.iter().sum())
}

#[cfg(test)]
#[path = "instance_type_tests.rs"]
mod tests;
