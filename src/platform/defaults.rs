//! What is assumed when nobody says otherwise, and the platforms that are compared without a scenario.
//!
//! One file, so that a default can be found and changed in one place. Where each comes from is said in
//! [`assumptions`](super::assumptions), which a test keeps complete.

use super::*;
use crate::catalog::labels;

/// The names that `--platform` and a scenario's `platforms` may use without describing the platform.
pub const BUILT_INS: [&str; 9] = [
    "recorded",
    "fargate",
    "node-group",
    "node-group-spot",
    "karpenter",
    "karpenter-spot",
    "karpenter-graviton",
    "karpenter-consolidate",
    "auto-mode",
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
            spot: Spot::default(),
            system: Vec::new(),
            savings_plan: None,
            discounts: Discounts::default(),
            unschedulable_after: Span::from_secs(3_600),
            replay: Replay::Auto,
            seed: 42,
            pod_templates: Vec::new(),
            pdbs: Vec::new(),
            priority_classes: PriorityClasses::default(),
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
            arch: PodArch::Amd64,
        }
    }
}

impl Default for Startup {
    fn default() -> Self {
        Self {
            launch_to_pending: Step::seconds(6, 20),
            create_fleet: Step { median: Span::from_ms(1_500), p95: Span::from_secs(4) },
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
            lost_pods: LostPods {
                retry_limit: 3,
                retry_interval: Span::ZERO,
                graceful_stop: Span::from_secs(2),
            },
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
            preemption: true,
        }
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self { support: Support::Standard, nat_gateways: 0, pull_through_nat: false }
    }
}

impl Default for Spot {
    fn default() -> Self {
        Self {
            allocation: SpotAllocation::PriceCapacityOptimized,
            hazard_permille: 1_000,
            depth_weight_ppm: 250_000,
            pool_loss_ppm: 500_000,
            shortage: Step { median: Span::from_secs(30 * 60), p95: Span::from_secs(4 * 3_600) },
            asg_retry: Span::from_secs(60),
            rebalance_lead: Span::ZERO,
            events: Vec::new(),
        }
    }
}

impl Default for Fargate {
    fn default() -> Self {
        Self { profiles: Vec::new(), launch_burst: 20, launch_rate: 20, bill_until: BillUntil::PodDeleted }
    }
}

impl Default for NodeGroups {
    fn default() -> Self {
        Self {
            groups: vec![NodeGroup::default()],
            autoscaler: ClusterAutoscaler::default(),
            upgrades: Vec::new(),
            home: Home::Fargate {
                pods: 1,
                requests: Resources {
                    cpu: Cpu::from_milli(100),
                    memory: Memory::from_mib(600),
                    ..Resources::ZERO
                },
            },
        }
    }
}

impl NodeGroups {
    /// Whether Cluster Autoscaler has anything to do.
    pub fn is_autoscaled(&self) -> bool {
        self.groups.iter().any(|group| matches!(group.size, GroupSize::Auto { .. }))
    }
}

impl Default for ClusterAutoscaler {
    fn default() -> Self {
        let minutes = |n: i64| Span::from_secs(60 * n);
        Self {
            expanders: vec![Expander::LeastWaste],
            priorities: Vec::new(),
            balance_similar_node_groups: false,
            scan_interval: Span::from_secs(10),
            frequent_loops_enabled: true,
            new_pod_scale_up_delay: Span::ZERO,
            max_nodes_per_scaleup: 1_000,
            max_nodes_total: 0,
            expendable_pods_priority_cutoff: -10,
            max_node_provision_time: minutes(15),
            scale_down_enabled: true,
            scale_down_delay_after_add: minutes(10),
            scale_down_delay_after_delete: Span::ZERO,
            scale_down_delay_after_failure: minutes(3),
            scale_down_unneeded_time: minutes(10),
            scale_down_utilization_threshold_ppm: 500_000,
            ignore_daemonsets_utilization: false,
            skip_nodes_with_system_pods: true,
            skip_nodes_with_local_storage: true,
            skip_nodes_with_custom_controller_pods: true,
            unremovable_node_recheck_timeout: minutes(5),
            max_scale_down_parallelism: 10,
            max_drain_parallelism: 1,
            node_delete_delay_after_taint: Span::from_secs(5),
            initial_node_group_backoff: minutes(5),
            max_node_group_backoff: minutes(30),
        }
    }
}

impl Default for Karpenter {
    fn default() -> Self {
        Self {
            node_pools: vec![NodePool::default()],
            home: Home::Fargate {
                pods: 2,
                requests: Resources {
                    cpu: Cpu::from_cores(1),
                    memory: Memory::from_gib(1),
                    ..Resources::ZERO
                },
            },
            batch_idle_duration: Span::from_secs(1),
            batch_max_duration: Span::from_secs(10),
            version: KarpenterVersion::V1_14,
            interruption_handling: true,
            spot_to_spot_consolidation: false,
            drift: Vec::new(),
            controller_speed: ControllerSpeed::Measured,
            do_not_disrupt: DoNotDisrupt::Recorded,
            policies: Policies::default(),
        }
    }
}

/// Stock Karpenter.
impl Default for Policies {
    fn default() -> Self {
        Self {
            scale_in_utilization_threshold_ppm: 1_000_000,
            scale_out_delay: Span::ZERO,
            scale_out_hold_back: Span::ZERO,
            replace_at_notice: false,
            on_demand_fallback_after: Span::ZERO,
            on_demand_fallback_ttl: None,
        }
    }
}

/// What a careful engineer would deploy for jobs.
impl Default for NodePool {
    fn default() -> Self {
        Self {
            name: "karpenter".into(),
            weight: 0,
            requirements: vec![
                one_of(labels::CATEGORY, &["c", "m", "r"]),
                NodeRequirement {
                    key: labels::GENERATION.into(),
                    operator: RequirementOperator::Gt,
                    values: vec!["2".into()],
                    min_values: None,
                },
                one_of(labels::ARCH, &["amd64"]),
                one_of(labels::CAPACITY_TYPE, &["on-demand"]),
            ],
            labels: Vec::new(),
            taints: Vec::new(),
            limits: PoolLimits::default(),
            consolidation_policy: ConsolidationPolicy::WhenEmpty,
            consolidate_after: Some(Span::from_secs(60)),
            budgets: vec![Budget::percent(10)],
            expire_after: Some(Span::from_secs(720 * 3_600)),
            termination_grace_period: None,
            root_volume: Memory::from_gib(20),
            max_pods: None,
            sizing: NodeSizing::default(),
            auto_mode: false,
        }
    }
}

fn one_of(key: &str, values: &[&str]) -> NodeRequirement {
    NodeRequirement {
        key: key.into(),
        operator: RequirementOperator::In,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        min_values: None,
    }
}

impl Default for NodeGroup {
    fn default() -> Self {
        Self {
            name: String::new(),
            instance_type: None,
            further_types: Vec::new(),
            capacity_type: CapacityType::OnDemand,
            size: GroupSize::Auto { min: 0, max: 1_000, desired: 0 },
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
            "node-group" => Kind::NodeGroups(NodeGroups::default()),
            "node-group-spot" => {
                let group = NodeGroup { capacity_type: CapacityType::Spot, ..NodeGroup::default() };
                Kind::NodeGroups(NodeGroups { groups: vec![group], ..NodeGroups::default() })
            }
            "karpenter" => Kind::Karpenter(Karpenter::default()),
            "karpenter-spot" => {
                karpenter(name, |pool| require(pool, labels::CAPACITY_TYPE, &["on-demand", "spot"]))
            }
            "karpenter-graviton" => karpenter(name, |pool| require(pool, labels::ARCH, &["arm64"])),
            "karpenter-consolidate" => karpenter(name, |pool| {
                pool.consolidation_policy = ConsolidationPolicy::WhenEmptyOrUnderutilized;
            }),
            "auto-mode" => Kind::AutoMode(AutoMode::default()),
            _ => return None,
        };
        Some(Self { name: name.into(), kind })
    }

    /// What is compared when nobody chose. `recorded` is not among them: only the trace can tell whether it
    /// has the delays for it.
    pub fn defaults() -> Vec<Self> {
        ["fargate", "node-group", "karpenter", "karpenter-spot"]
            .iter()
            .filter_map(|name| Self::built_in(name))
            .collect()
    }
}

/// Karpenter with the default pool but for one thing. The pool has the platform's name, so that every NodePool of a
/// scenario can be told from the others by its name.
fn karpenter(name: &str, change: impl FnOnce(&mut NodePool)) -> Kind {
    let mut pool = NodePool { name: name.to_owned(), ..NodePool::default() };
    change(&mut pool);
    Kind::Karpenter(Karpenter { node_pools: vec![pool], ..Karpenter::default() })
}

/// Replaces what the pool requires of a label.
fn require(pool: &mut NodePool, key: &str, values: &[&str]) {
    pool.requirements.retain(|requirement| requirement.key != key);
    pool.requirements.push(one_of(key, values));
}

impl Kind {
    /// The word for it in a scenario.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Fargate(_) => "fargate",
            Self::NodeGroups(_) => "node-group",
            Self::Karpenter(_) => "karpenter",
            Self::AutoMode(_) => "auto-mode",
            Self::Mixed(_) => "mixed",
        }
    }
}
