//! What happened in a simulation: node leases and pod runs, without a price.
//!
//! The engine appends; the bill and the metrics read. A saved ledger can therefore be billed again with other
//! prices, which is what separates a price change from a change of decisions.

use crate::catalog::CapacityType;
use crate::units::{Cpu, Memory, Resources, Span, Time};
use crate::workload::{StepId, StepTimes, Window};

/// Index into [`Ledger::leases`].
pub type LeaseId = u32;
/// Index into [`Ledger::templates`].
pub type TemplateId = u32;

/// The whole record of one platform.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Shapes of nodes that leases refer to.
    pub templates: Vec<NodeTemplate>,
    pub leases: Vec<Lease>,
    /// One entry per pod that was created, in order of creation.
    pub runs: Vec<PodRun>,
    /// How each step ended, by [`StepId`].
    pub outcomes: Vec<Outcome>,
    /// When each step became eligible and when its end was noticed, by [`StepId`].
    pub spans: Vec<StepSpan>,
    /// From the start of the window to its end or the last pod's end, whichever is later.
    pub window: Window,
    pub counters: Counters,
}

impl Ledger {
    /// Leases of machines for pods, rather than for the platform's controllers.
    pub fn job_leases(&self) -> impl Iterator<Item = &Lease> + Clone {
        self.leases.iter().filter(|lease| self.is_for_jobs(lease))
    }

    pub fn is_for_jobs(&self, lease: &Lease) -> bool {
        self.templates[lease.template as usize].role == Role::Jobs
    }
}

/// The part of a step's times that workflows see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepSpan {
    pub eligible: Time,
    pub observed: Time,
}

impl From<StepTimes> for StepSpan {
    fn from(times: StepTimes) -> Self {
        Self { eligible: times.eligible, observed: times.observed }
    }
}

/// How a step ended. Every step gets exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Not final yet: no finished ledger holds one.
    Open,
    Succeeded,
    /// As recorded: the container ran and failed.
    Failed,
    /// The platform took its pod away, and nothing was left that would start it again.
    Lost,
    /// No capacity could ever hold the pod.
    Unschedulable,
    Canceled,
    /// A predecessor did not succeed.
    NotRun,
    /// A row that is not replayed.
    Skipped,
}

/// What kind of machine a lease is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTemplate {
    /// Name of the group or pool.
    pub pool: String,
    pub machine: Machine,
    /// What pods and DaemonSets can request in all.
    pub allocatable: Resources,
    /// What DaemonSets request of it.
    pub daemons: Resources,
    pub root_volume: Memory,
    /// Whether EKS Auto Mode manages it, which has a fee.
    pub auto_mode: bool,
    pub role: Role,
}

/// What a machine is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The trace's pods.
    Jobs,
    /// The controllers that make the capacity: their own home, which the platform must pay for.
    Controllers,
    /// What is always on beside the jobs, on every platform alike.
    System,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    Ec2 {
        instance_type: String,
        capacity_type: CapacityType,
    },
    /// The provisioned (billed) size.
    Fargate {
        cpu: Cpu,
        memory: Memory,
        ephemeral: Memory,
    },
}

/// A node from its request to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub template: TemplateId,
    /// Index of the zone in the settings.
    pub zone: u8,
    pub end_reason: EndReason,
    pub requested: Time,
    /// Billing starts: the instance runs, or the Fargate pod's image pull begins.
    pub running: Time,
    pub ready: Time,
    pub terminated: Time,
    /// The node's ready time in microseconds, shortened where the shares of its pods add up to over one. What a
    /// pod that stays for all of it is allocated is its share of this.
    pub shared_us: u64,
    /// Compressed bytes of images that the node pulled.
    pub pulled: Memory,
}

impl Lease {
    /// Whether the machine ever ran, and so is billed. One that was given up before has [`Time::MAX`] as `running`.
    pub fn ran(&self) -> bool {
        self.running != Time::MAX
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndReason {
    /// The simulated time ended, not the node.
    WindowEnd,
    /// A Fargate pod was deleted.
    PodDeleted,
    /// Cluster Autoscaler, or a scale-in threshold, found it unneeded.
    ScaledDown,
    /// Karpenter found it empty.
    Empty,
    /// Karpenter found a cheaper way to run its pods.
    Consolidated,
    /// It was no longer as its NodePool says.
    Drifted,
    /// It reached `expireAfter`.
    Expired,
    /// Its node group got another version.
    Upgraded,
    /// Karpenter gave it up: it had not registered in time.
    NotRegistered,
    /// EC2 took a Spot instance back.
    Interrupted,
    /// A controller drained a Spot instance at the interruption notice and terminated it before EC2 did, which is
    /// billed as the user's own doing.
    DrainedAtNotice,
    /// Of a pod, not a node: it made room for one of higher priority.
    Preempted,
}

impl EndReason {
    /// As it is called in reports; the words of Karpenter's disruption reasons where it has one.
    pub const fn word(self) -> &'static str {
        match self {
            Self::WindowEnd => "window_end",
            Self::PodDeleted => "pod_deleted",
            Self::ScaledDown => "scale_down",
            Self::Empty => "emptiness",
            Self::Consolidated => "consolidation",
            Self::Drifted => "drift",
            Self::NotRegistered => "registration_timeout",
            Self::Expired => "expiration",
            Self::Upgraded => "upgrade",
            Self::Interrupted | Self::DrainedAtNotice => "interruption",
            Self::Preempted => "preemption",
        }
    }
}

/// One pod from its creation to its deletion. Times that were never reached are [`Time::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodRun {
    pub step: StepId,
    /// Which pod of the step this is, from 1: further ones replace pods that the platform took away.
    pub attempt: u32,
    /// `LeaseId::MAX` if it was never bound.
    pub lease: LeaseId,
    pub created: Time,
    pub scheduled: Time,
    pub pull_started: Time,
    pub started: Time,
    pub ended: Time,
    pub observed: Time,
    pub deleted: Time,
    /// The node's time that is allocated to the pod, in microseconds: its larger request share of the node's CPU
    /// or memory, integrated over its stay, scaled down where shares add up to over one.
    pub node_share_us: u64,
    /// Why the platform took the pod away before its work was done; `None` if it did not.
    pub taken: Option<EndReason>,
}

impl PodRun {
    pub const fn new(step: StepId, attempt: u32, created: Time) -> Self {
        Self {
            step,
            attempt,
            lease: LeaseId::MAX,
            created,
            scheduled: Time::MAX,
            pull_started: Time::MAX,
            started: Time::MAX,
            ended: Time::MAX,
            observed: Time::MAX,
            deleted: Time::MAX,
            node_share_us: 0,
            taken: None,
        }
    }

    pub fn was_bound(&self) -> bool {
        self.lease != LeaseId::MAX
    }

    pub fn has_started(&self) -> bool {
        self.started != Time::MAX
    }

    /// Created → running, for pods that ran.
    pub fn start_delay(&self) -> Option<Span> {
        self.has_started().then(|| self.started - self.created)
    }
}

/// Counts of what leaves no record of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub image_pulls: u64,
    /// Pods whose image was on the node already.
    pub image_hits: u64,
    /// Work that was done and had to be done again, in milliseconds.
    pub lost_work_ms: u64,
    /// Launches that EC2 refused for want of capacity, offering by offering.
    pub capacity_errors: u64,
    /// Spot instances that EC2 took back.
    pub interruptions: u64,
}

/// Microseconds of a lease that its DaemonSets take.
pub fn daemon_share_us(template: &NodeTemplate, lease: &Lease) -> u64 {
    let share = share(&template.daemons, &template.allocatable);
    ((u128::from(lease.shared_us) * u128::from(share)) >> SHARE_BITS) as u64
}

/// Fractional bits of [`share`].
pub const SHARE_BITS: u32 = 20;

/// The larger of the CPU and memory shares that `request` takes of `allocatable`, in units of 2⁻²⁰, rounded
/// down.
pub fn share(request: &Resources, allocatable: &Resources) -> u64 {
    let part =
        |asked: i64, all: i64| if all > 0 { ((asked as i128) << SHARE_BITS) / i128::from(all) } else { 0 };
    let cpu = part(request.cpu.milli(), allocatable.cpu.milli());
    let memory = part(request.memory.bytes(), allocatable.memory.bytes());
    cpu.max(memory).clamp(0, 1 << (2 * SHARE_BITS)) as u64
}
