//! What is assumed when nobody says otherwise, and the platforms that are compared without a scenario.
//!
//! One file, so that a default can be found and changed in one place. Where each comes from is said in
//! [`assumptions`](super::assumptions), which a test keeps complete.

use super::*;

/// The names that `--platform` and a scenario's `platforms` may use without describing the platform.
pub const BUILT_INS: [&str; 3] = ["recorded", "fargate", "node-group"];

/// Names of the design that this version knows but does not simulate.
pub(super) const NOT_YET: [&str; 7] = [
    "karpenter",
    "karpenter-spot",
    "karpenter-graviton",
    "karpenter-consolidate",
    "node-group-spot",
    "auto-mode",
    "mixed",
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: Region { name: "us-east-1".into(), source: RegionSource::Assumed },
            zones: ["a", "b", "c"].map(String::from).to_vec(),
            defaults: Defaults::default(),
            startup: Startup::default(),
            images: Images::default(),
            orchestrator: Orchestrator::default(),
            daemon_sets: vec![
                // 25m of its own and 25m of the network-policy agent beside it.
                daemon_set("aws-node", 50, 0),
                daemon_set("kube-proxy", 100, 0),
                // Three containers of 10m and 40 MiB.
                daemon_set("ebs-csi-node", 30, 120),
            ],
            sidecars: Vec::new(),
            scheduler: KubeScheduler::default(),
            cluster: Cluster::default(),
            savings_plan: None,
            unschedulable_after: Span::from_secs(3_600),
            replay: Replay::Auto,
            seed: 42,
        }
    }
}

fn daemon_set(name: &str, milli: i64, mib: i64) -> Agent {
    let requests = Resources {
        cpu: Cpu::from_milli(milli),
        memory: Memory::from_mib(mib),
        ephemeral: Memory::ZERO,
        pods: 1,
    };
    Agent { name: name.into(), requests }
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            cpu_request: Cpu::from_milli(500),
            memory_request: Memory::from_gib(1),
            image_size: Memory::from_mib(350),
        }
    }
}

impl Default for Startup {
    fn default() -> Self {
        Self {
            // Through an Auto Scaling group. A direct CreateFleet call, as Karpenter makes, is faster: 1.5 s
            // and 4 s.
            launch_to_pending: Step::seconds(6, 20),
            pending_to_kernel: Step::seconds(10, 16),
            kernel_to_registered: Step::seconds(20, 40),
            registered_to_ready: Step::seconds(5, 15),
            container_create: Step::seconds(1, 3),
            fargate_register: Step::seconds(45, 90),
        }
    }
}

impl Default for Images {
    fn default() -> Self {
        Self {
            layer_rate: Memory::from_bytes(25_000_000),
            parallel_layers: 3,
            layers: 3,
            unpacked_tenths: 25,
            unpack_rate: Memory::from_bytes(100_000_000),
            network_rate: Memory::from_bytes(125_000_000),
            serialize_pulls: true,
        }
    }
}

impl Default for Orchestrator {
    fn default() -> Self {
        Self {
            use_recorded_delays: true,
            dispatch_delay: Step::constant(Span::ZERO),
            // Digdag: half of a 10-second poll, and its loop.
            detection_lag: Step::constant(Span::from_secs(6)),
            deletion_delay: Span::ZERO,
            leftover_pods: LeftoverPods { share_ppm: 0, kept: Span::from_secs(6 * 3_600) },
        }
    }
}

impl Default for KubeScheduler {
    fn default() -> Self {
        Self {
            scoring: Scoring::LeastAllocated,
            balanced_allocation: BalancedAllocation::Improvement,
            pop_from_backoff_q: true,
        }
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self { support: Support::Standard, nat_gateways: 0, pull_through_nat: false }
    }
}

impl Default for Fargate {
    fn default() -> Self {
        Self { launch_burst: 20, launch_rate: 20, bill_until: BillUntil::PodDeleted }
    }
}

impl Default for NodeGroup {
    fn default() -> Self {
        Self {
            instance_type: None,
            capacity_type: CapacityType::OnDemand,
            size: GroupSize::HoldPeak,
            root_volume: Memory::from_gib(20),
            max_pods: None,
            labels: Vec::new(),
            taints: Vec::new(),
        }
    }
}

impl Platform {
    /// One of [`BUILT_INS`].
    pub fn built_in(name: &str) -> Option<Self> {
        let kind = match name {
            "recorded" => Kind::Recorded,
            "fargate" => Kind::Fargate(Fargate::default()),
            "node-group" => Kind::NodeGroup(NodeGroup::default()),
            _ => return None,
        };
        Some(Self { name: name.into(), kind })
    }

    /// What is compared when nobody chose. `recorded` is not among them: only the trace can tell whether it
    /// has the delays for it.
    pub fn defaults() -> Vec<Self> {
        ["fargate", "node-group"].iter().filter_map(|name| Self::built_in(name)).collect()
    }
}

impl Kind {
    /// The word for it in a scenario.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Fargate(_) => "fargate",
            Self::NodeGroup(_) => "node-group",
        }
    }
}
