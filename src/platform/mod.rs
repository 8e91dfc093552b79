//! What is compared, and under which assumptions: the content of a scenario, resolved and validated.
//!
//! [`Settings`] hold for all platforms of a run (region, defaults, start-up model, orchestrator); a
//! [`Platform`] is one candidate. Every field that stands for an assumption is listed, with its default and
//! its source, by `assumptions`; nothing in the simulation assumes what is not written here. This module knows
//! no events and no files' bytes besides the scenario's.

mod assumptions;
mod auto_mode;
mod defaults;
mod fields;
mod flat;
mod manifests;
mod mixed;
mod pod_templates;
mod profiles;
mod scenario;
mod tree;
mod values;
mod words;

pub use assumptions::{Assumption, assumptions};
pub use auto_mode::{AutoMode, MANAGED_AGENTS, is_supported};
pub use defaults::BUILT_INS;
pub use fields::Given;
pub use flat::flat;
pub use manifests::{manifests, scenario_with_manifests};
pub use mixed::{Mixed, Part};
pub use pod_templates::{PodMatch, PodTemplate};
pub use profiles::{FargateProfile, ProfileSelector, matches as matches_wildcards, profile_of};
pub use scenario::{API_VERSION, Limits, Overrides, Scenario, Variation, read, read_all};
pub use tree::Place;
pub use words::Words;

pub(crate) use values::ppm_text;

pub use crate::catalog::{CapacityType, Discounts};
pub use crate::decide::karpenter::Version as KarpenterVersion;
pub use crate::decide::kube_scheduler::score::{BalancedAllocation, Scoring};
pub use crate::kube::decode::PriorityClasses;
pub use crate::kube::{
    Budget, BudgetNodes, BudgetWindow, DisruptionReason, Pdb, Schedule,
    SelectorOperator as RequirementOperator, Taint, TaintEffect,
};
pub use crate::trace::PodArch;
use crate::units::{Cpu, Memory, Rate, Resources, Span};

/// What all platforms of a run share.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub region: Region,
    /// Availability zone letters; nodes of a group are spread over them in turn.
    pub zones: Vec<String>,
    pub defaults: Defaults,
    pub startup: Startup,
    pub images: Images,
    pub orchestrator: Orchestrator,
    /// Agents that run once on every shared node.
    pub daemon_sets: Vec<Agent>,
    /// Agents that run inside every Fargate pod instead, and count in its size.
    pub sidecars: Vec<Agent>,
    pub scheduler: KubeScheduler,
    pub cluster: Cluster,
    /// The Spot market: one for all platforms.
    pub spot: Spot,
    /// What runs beside the jobs on every platform: the workflow engine, say.
    pub system: Vec<System>,
    /// Bought for the same account and so the same on every platform, used or not (unless the best is asked for).
    pub savings_plan: Option<SavingsPlan>,
    /// What this account pays less than the public prices. It changes bills, not what controllers decide.
    pub discounts: Discounts,
    /// A pod that no present or coming capacity can hold is given up after this long.
    pub unschedulable_after: Span,
    pub replay: Replay,
    pub seed: u64,
    /// What completes the pods of the trace.
    pub pod_templates: Vec<PodTemplate>,
    /// In the order of their documents.
    pub pdbs: Vec<Pdb>,
    pub priority_classes: PriorityClasses,
}

/// The AWS region, and where its name came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    pub name: String,
    pub source: RegionSource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionSource {
    /// A flag or the scenario.
    Given,
    /// The trace's side file or its node names.
    Trace,
    /// Nobody said: us-east-1, and the first line of output says so.
    Assumed,
}

/// What stands in for values that the trace does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    pub cpu_request: Cpu,
    pub memory_request: Memory,
    /// Compressed.
    pub image_size: Memory,
    /// What the images of pods are built for.
    pub arch: PodArch,
}

/// How long a step of start-up takes: log-normal with this median and 95th percentile, or constant when the
/// two are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub median: Span,
    pub p95: Span,
}

impl Step {
    pub const fn constant(span: Span) -> Self {
        Self { median: span, p95: span }
    }

    pub const fn seconds(median: i64, p95: i64) -> Self {
        Self { median: Span::from_secs(median), p95: Span::from_secs(p95) }
    }
}

/// The way of a node from the request to Ready, and of a pod from binding to running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Startup {
    /// Desired capacity of an Auto Scaling group raised → instance `pending`. Not billed yet.
    pub launch_to_pending: Step,
    /// The same for Karpenter, which asks EC2 itself: `CreateFleet` → instance `pending`.
    pub create_fleet: Step,
    /// `pending` → kernel. Billing starts at the end of this step, when the instance is `running`.
    pub pending_to_kernel: Step,
    /// Kernel → kubelet registered.
    pub kernel_to_registered: Step,
    /// Registered → Ready (network plugin up).
    pub registered_to_ready: Step,
    /// Pod sandbox and container created, image present.
    pub container_create: Step,
    /// Fargate pod admitted → its node registered.
    pub fargate_register: Step,
}

/// How images are pulled and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Bytes per second of one layer's download.
    pub layer_rate: Memory,
    /// Layers that one pull downloads at once.
    pub parallel_layers: i64,
    /// Equal layers that an image is taken to have.
    pub layers: i64,
    /// Unpacked size per compressed size, in tenths.
    pub unpacked_tenths: i64,
    /// Bytes per second of unpacking (one image's layers one after another).
    pub unpack_rate: Memory,
    /// Bytes per second of a node whose type has no published bandwidth, and of a Fargate pod.
    pub network_rate: Memory,
    /// kubelet's `serializeImagePulls`: one pull at a time on a node.
    pub serialize_pulls: bool,
}

/// The workflow engine around the pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orchestrator {
    /// Keep the dispatch delays and detection lags that the trace recorded, row by row.
    pub use_recorded_delays: bool,
    /// Task eligible → pod created, where the trace has no such delay.
    pub dispatch_delay: Step,
    /// Container ended → noticed, where the trace has no such delay.
    pub detection_lag: Step,
    /// End noticed → pod object deleted.
    pub deletion_delay: Span,
    /// What becomes of tasks whose pods the platform took away, where the trace does not say.
    pub lost_pods: LostPods,
    pub leftover_pods: LeftoverPods,
}

/// What the orchestrator does when a pod is lost: evicted, or gone with its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostPods {
    /// How often a task is started again at most.
    pub retry_limit: u32,
    /// From noticing the loss to the new pod.
    pub retry_interval: Span,
    /// How long a pod that is asked to stop (SIGTERM) goes on; at most its grace period.
    pub graceful_stop: Span,
}

/// Pods that nobody deletes when their task ends. On Fargate they go on being billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftoverPods {
    /// Parts per million of all pods.
    pub share_ppm: u32,
    /// How long after the end such a pod is kept.
    pub kept: Span,
}

/// A DaemonSet or a sidecar: its name and its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub name: String,
    pub requests: Resources,
}

/// kube-scheduler's default profile and its variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KubeScheduler {
    pub scoring: Scoring,
    pub balanced_allocation: BalancedAllocation,
    /// The feature gate `SchedulerPopFromBackoffQ`: an idle scheduler tries pods before their back-off is over.
    pub pop_from_backoff_q: bool,
    /// Pods that fit nowhere may evict pods of lower priority (`preemptionPolicy: PreemptLowerPriority`).
    pub preemption: bool,
}

/// The Spot market: how EC2 chooses among pools (an instance type in a zone), takes instances back and runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    pub allocation: SpotAllocation,
    /// What each bucket of the Spot Advisor above the lowest weighs in `price-capacity-optimized`: so many millionths of
    /// the price.
    pub depth_weight_ppm: u32,
    /// Thousandths of the interruption rate that follows from the Spot Advisor's bucket.
    pub hazard_permille: u32,
    /// Instances of a pool are taken back together: which share of them an event takes, in parts per million.
    pub pool_loss_ppm: u32,
    /// How long a pool has no capacity after an event.
    pub shortage: Step,
    /// How long an Auto Scaling group waits after EC2 had nothing in any of its zones.
    pub asg_retry: Span,
    /// How long before an interruption notice EC2 recommends to rebalance.
    pub rebalance_lead: Span,
    /// Events that a scenario prescribes, beside the drawn ones.
    pub events: Vec<SpotEvent>,
}

/// How EC2 chooses a Spot pool for a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpotAllocation {
    /// By price, made dearer by `depth_weight_ppm` for each bucket of the Spot Advisor.
    PriceCapacityOptimized,
    /// The cheapest.
    LowestPrice,
    /// The least interrupted; among equals the cheapest.
    CapacityOptimized,
}

/// Something that happens to Spot pools at a given time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotEvent {
    /// After the start of the window.
    pub at: Span,
    /// `None` for every type.
    pub instance_type: Option<String>,
    /// Letter of the zone; `None` for every zone.
    pub zone: Option<String>,
    /// Which share of the instances is taken back, in parts per million.
    pub reclaims_ppm: u32,
    /// How long there is no capacity afterwards.
    pub shortage: Span,
}

/// The cluster itself and what surrounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub support: Support,
    /// NAT gateways billed by the hour; 0 leaves them out of the comparison.
    pub nat_gateways: u32,
    /// Whether image pulls pass a NAT gateway and pay its processing.
    pub pull_through_nat: bool,
}

/// Which support the cluster's Kubernetes version is in: decides the control plane's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Standard,
    Extended,
}

/// An AWS Savings Plan: so much is paid every hour, used or not, and buys usage at lower rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavingsPlan {
    pub committed: Committed,
    pub scope: PlanScope,
}

/// How much of a Savings Plan is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// USD an hour, at the plan's own rates.
    PerHour(Rate),
    /// What would have cost each platform least, looking back: for finding a commitment, not for billing one.
    Best,
}

/// What a plan covers, and what it takes off the on-demand price in parts per million: more than none, less than
/// all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanScope {
    /// Fargate, and EC2 of every family; some families with a discount of their own.
    Compute { fargate_ppm: u32, ec2_ppm: u32, families: Vec<(String, u32)> },
    /// EC2 of one family.
    Ec2 { family: String, discount_ppm: u32 },
}

/// What decides when a task starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Closed when the trace has dependencies, open otherwise.
    Auto,
    /// A task starts when its predecessors were seen to end in the simulation.
    Closed,
    /// A task starts when the trace says, whatever the platform does.
    Open,
}

/// One candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    pub name: String,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The trace's own delays instead of simulated ones: what really happened.
    Recorded,
    Fargate(Fargate),
    NodeGroups(NodeGroups),
    Karpenter(Karpenter),
    AutoMode(AutoMode),
    Mixed(Mixed),
}

/// EKS Fargate: each pod is a node of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fargate {
    /// Which pods run there; empty for all of them.
    pub profiles: Vec<FargateProfile>,
    /// Token bucket of pod launches: its size.
    pub launch_burst: u32,
    /// Token bucket of pod launches: tokens per second.
    pub launch_rate: u32,
    pub bill_until: BillUntil,
}

/// When the billing of a Fargate pod ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillUntil {
    PodDeleted,
    PodFinished,
}

/// One or several managed node groups. Cluster Autoscaler runs if any of them can change its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeGroups {
    pub groups: Vec<NodeGroup>,
    pub autoscaler: ClusterAutoscaler,
    /// Version upgrades that happen in any case.
    pub upgrades: Vec<Upgrade>,
    /// Where Cluster Autoscaler runs.
    pub home: Home,
}

/// A managed node group's nodes are replaced by nodes of another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// After the start of the trace's window.
    pub at: Span,
    /// `None`: every group.
    pub group: Option<String>,
    /// Whether pods that do not go are ended.
    pub force: bool,
    /// Nodes that are drained at once.
    pub max_unavailable: u32,
}

/// Where a platform's controllers run, which the platform has to pay for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// On machines that are there anyway.
    Elsewhere,
    /// So many Fargate pods with these requests each.
    Fargate { pods: u32, requests: Resources },
    /// So many on-demand nodes of their own.
    Nodes { instance_type: String, nodes: u32 },
}

/// Machines that are always on whatever the jobs do, with a name for what they are there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    pub name: String,
    pub home: Home,
}

/// Cluster Autoscaler's flags, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAutoscaler {
    /// One after the other; there is at least one.
    pub expanders: Vec<Expander>,
    /// Of the expander `priority`: regular expressions of group names, by priority.
    pub priorities: Vec<(i64, Vec<String>)>,
    pub balance_similar_node_groups: bool,
    pub scan_interval: Span,
    pub frequent_loops_enabled: bool,
    pub new_pod_scale_up_delay: Span,
    pub max_nodes_per_scaleup: u32,
    /// 0: as many as the groups allow.
    pub max_nodes_total: u32,
    pub expendable_pods_priority_cutoff: i32,
    pub max_node_provision_time: Span,
    pub scale_down_enabled: bool,
    pub scale_down_delay_after_add: Span,
    pub scale_down_delay_after_delete: Span,
    pub scale_down_delay_after_failure: Span,
    pub scale_down_unneeded_time: Span,
    /// In parts per million of the larger of a node's CPU and memory requests.
    pub scale_down_utilization_threshold_ppm: u32,
    pub ignore_daemonsets_utilization: bool,
    pub skip_nodes_with_system_pods: bool,
    pub skip_nodes_with_local_storage: bool,
    pub skip_nodes_with_custom_controller_pods: bool,
    pub unremovable_node_recheck_timeout: Span,
    pub max_scale_down_parallelism: u32,
    pub max_drain_parallelism: u32,
    pub node_delete_delay_after_taint: Span,
    pub initial_node_group_backoff: Span,
    pub max_node_group_backoff: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expander {
    LeastWaste,
    MostPods,
    LeastNodes,
    Priority,
    Random,
}

/// Karpenter and its NodePools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Karpenter {
    pub node_pools: Vec<NodePool>,
    pub home: Home,
    /// `BATCH_IDLE_DURATION` and `BATCH_MAX_DURATION`.
    pub batch_idle_duration: Span,
    pub batch_max_duration: Span,
    pub version: KarpenterVersion,
    /// Whether it hears of Spot interruptions (its SQS queue); without, pods die with their node.
    pub interruption_handling: bool,
    /// The feature gate `SpotToSpotConsolidation`.
    pub spot_to_spot_consolidation: bool,
    /// When its nodes drift.
    pub drift: Vec<Drift>,
    pub controller_speed: ControllerSpeed,
    pub do_not_disrupt: DoNotDisrupt,
    pub policies: Policies,
}

/// Rules that stock Karpenter does not have, as some have built them into theirs. By default there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// Pods are only moved from nodes of whose CPU and memory less than this is requested, in parts per million; all of it:
    /// from any.
    pub scale_in_utilization_threshold_ppm: u32,
    /// A pod is launched for when it has waited this long, in which a node may become free.
    pub scale_out_delay: Span,
    /// A pod that a node was launched for is not launched for again within this time.
    pub scale_out_hold_back: Span,
    /// Pods of a node with an interruption notice are launched for at once, and not only when they are pending again.
    pub replace_at_notice: bool,
    /// How long pods wait for Spot before on-demand nodes stand in for it.
    pub on_demand_fallback_after: Span,
    /// On-demand nodes that stand in for Spot are drained after this, so that Spot is tried again. `None`: never.
    pub on_demand_fallback_ttl: Option<Span>,
}

/// Which pods carry the annotation `karpenter.sh/do-not-disrupt: "true"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoNotDisrupt {
    /// Those that the trace says.
    Recorded,
    All,
    None,
    /// Those whose work takes longer than this. In practice: those of the workflows that are known to.
    LongerThan(Span),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControllerSpeed {
    /// A scheduling round takes 1 ms a pod, a consolidation simulation 100 ms.
    Measured,
    /// Decisions take no time.
    Unlimited,
}

/// A NodePool (`karpenter.sh/v1`) together with what its EC2NodeClass says of the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePool {
    pub name: String,
    /// Higher ones are tried first.
    pub weight: u32,
    pub requirements: Vec<NodeRequirement>,
    pub labels: Vec<(String, String)>,
    pub taints: Vec<Taint>,
    pub limits: PoolLimits,
    pub consolidation_policy: ConsolidationPolicy,
    /// `None`: `Never`.
    pub consolidate_after: Option<Span>,
    pub budgets: Vec<Budget>,
    /// `None`: `Never`.
    pub expire_after: Option<Span>,
    pub termination_grace_period: Option<Span>,
    pub root_volume: Memory,
    /// kubelet's `maxPods`; `None`: as many as the type's network interfaces allow.
    pub max_pods: Option<i64>,
    pub sizing: NodeSizing,
    /// Its class is a NodeClass of EKS Auto Mode, not an EC2NodeClass of one's own Karpenter.
    pub auto_mode: bool,
}

/// What else an EC2NodeClass says of how much a node has room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeSizing {
    /// `kubelet.podsPerCore`: a cap on the number of pods.
    pub pods_per_core: Option<i64>,
    /// `kubelet.systemReserved`.
    pub system_reserved: Resources,
    /// `instanceStorePolicy: RAID0`: pods' storage is on the local disks of types that have any.
    pub raid0: bool,
    /// Its AMI is Bottlerocket, which reserves memory for as many pods as are allowed and not for as many as could get an
    /// address.
    pub bottlerocket: bool,
}

/// One line of a NodePool's `requirements`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRequirement {
    pub key: String,
    pub operator: RequirementOperator,
    pub values: Vec<String>,
    pub min_values: Option<u32>,
}

/// `spec.limits`; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolLimits {
    pub cpu: Option<Cpu>,
    pub memory: Option<Memory>,
    pub nodes: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsolidationPolicy {
    WhenEmpty,
    WhenEmptyOrUnderutilized,
    /// As the former, but only what saves enough for what it disrupts (since 1.14).
    Balanced,
}

/// A change of a NodePool or of its AMI: the nodes that are there then are no longer as they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// After the start of the window.
    pub at: Span,
    /// `None`: every pool of the platform.
    pub node_pool: Option<String>,
}

/// A managed node group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeGroup {
    pub name: String,
    /// `None`: the current-generation x86 m/c/r type from `large` to `4xlarge` that fits every pod that any such type
    /// fits and is cheapest: for the work if the group is autoscaled, for the busiest moment if its size is fixed.
    pub instance_type: Option<String>,
    /// Further types that its Auto Scaling group may launch, in their order.
    pub further_types: Vec<String>,
    pub capacity_type: CapacityType,
    pub size: GroupSize,
    pub root_volume: Memory,
    /// kubelet's `maxPods`; `None`: as many as the type's network interfaces allow.
    pub max_pods: Option<i64>,
    pub labels: Vec<(String, String)>,
    pub taints: Vec<Taint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupSize {
    Fixed(u32),
    /// Cluster Autoscaler decides, from `desired` on.
    Auto {
        min: u32,
        max: u32,
        desired: u32,
    },
    /// As many nodes as first-fit packing of the trace without any start-up delay ever needs at once.
    HoldPeak,
}
