//! What is compared, and under which assumptions: the content of a scenario, resolved and validated.
//!
//! [`Settings`] hold for all platforms of a run (region, defaults, start-up model, orchestrator); a
//! [`Platform`] is one candidate. Every field that stands for an assumption is listed, with its default and
//! its source, by `assumptions`; nothing in the simulation assumes what is not written here. This module knows
//! no events and no files' bytes besides the scenario's.

mod assumptions;
mod defaults;
mod fields;
mod scenario;
mod tree;
mod values;
mod words;

pub use assumptions::{Assumption, assumptions};
pub use defaults::BUILT_INS;
pub use fields::Given;
pub use scenario::{API_VERSION, Limits, Overrides, Scenario, read};
pub use tree::Place;
pub use words::Words;

pub use crate::catalog::CapacityType;
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
    /// Bought for the same account and so the same on every platform, used or not.
    pub savings_plan: Option<SavingsPlan>,
    /// A pod that no present or coming capacity can hold is given up after this long.
    pub unschedulable_after: Span,
    pub replay: Replay,
    pub seed: u64,
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
    /// EC2 asked → instance `pending`. Not billed yet.
    pub launch_to_pending: Step,
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
    pub leftover_pods: LeftoverPods,
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
}

/// `NodeResourcesFit.scoringStrategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// Spreads. The default, and the only one on EKS' own scheduler.
    LeastAllocated,
    /// Packs; needs a second scheduler on EKS.
    MostAllocated,
}

/// Which formula `NodeResourcesBalancedAllocation` uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalancedAllocation {
    /// Kubernetes 1.36 and later: by how much the pod improves the balance.
    Improvement,
    /// Up to 1.35: how balanced the node is with the pod.
    Absolute,
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
    /// USD an hour, at the plan's own rates.
    pub commitment_per_hour: Rate,
    pub scope: PlanScope,
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
    NodeGroup(NodeGroup),
}

/// EKS Fargate: each pod is a node of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fargate {
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

/// A managed node group of fixed size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeGroup {
    /// `None`: the current-generation x86 m/c/r type from `large` to `4xlarge` that fits every pod that any such type
    /// fits and whose nodes for the busiest moment cost least.
    pub instance_type: Option<String>,
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
    /// As many nodes as first-fit packing of the trace without any start-up delay ever needs at once.
    HoldPeak,
}

/// A node taint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Taint {
    pub key: String,
    pub value: String,
    pub effect: TaintEffect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaintEffect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}
