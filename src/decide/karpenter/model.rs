//! What a scheduling round is a function of, and what it comes to, in Kubernetes' and Karpenter's words.
//!
//! Nothing here knows of simulated time, leases or scenarios. Amounts are [`ResourceList`]s; prices are `f64`, because
//! Karpenter compares them so. What may be free in the real program, because it follows from the order of a Go map, is
//! decided by name, ascending.

use std::sync::Arc;

use crate::catalog::{CapacityType, Requirement, Requirements, labels};
use crate::kube::{HostPort, ResourceList, Taint};
use crate::units::Time;

/// The label that tells capacity reservations apart (`cloudprovider.ReservationIDLabel` of the AWS provider).
pub const RESERVATION_ID: &str = labels::RESERVATION_ID;

/// A NodePool as the scheduler sees it, with the instance types that its provider has for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodePool {
    pub name: String,
    pub weight: i32,
    /// What every NodeClaim of it begins with: its requirements, its labels, and the labels that name the NodePool and
    /// its NodeClass (`NewNodeClaimTemplate`).
    pub template: Requirements,
    pub taints: Vec<Taint>,
    pub startup_taints: Vec<Taint>,
    pub limits: Limits,
    /// Has `replicas`: nothing is provisioned from it.
    pub is_static: bool,
    /// In the provider's order; sorted by name where that is free.
    pub types: Vec<InstanceType>,
}

/// `spec.limits` of a NodePool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Index of the resource and how much of it.
    pub resources: Vec<(usize, i64)>,
    pub nodes: Option<i64>,
}

/// An instance type as a node of one NodePool (`cloudprovider.InstanceType`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceType {
    pub name: String,
    /// The labels that its nodes have or may have.
    pub requirements: Requirements,
    /// What counts against limits.
    pub capacity: ResourceList,
    /// Capacity less what the system keeps for itself; DaemonSets are not taken off.
    pub allocatable: ResourceList,
    pub offerings: Vec<Offering>,
    /// Bare metal, or with an accelerator: only launched where nothing else will do.
    pub is_exotic: bool,
}

/// A capacity type of an instance type in a zone, at a price.
#[derive(Clone, Debug, PartialEq)]
pub struct Offering {
    pub capacity_type: CapacityType,
    pub zone: String,
    /// Capacity type, zone, and what else tells it from others.
    pub requirements: Requirements,
    /// USD an hour.
    pub price: f64,
    pub is_available: bool,
    /// Of capacity type `reserved` only.
    pub reservation: Option<Reservation>,
}

/// An On-Demand Capacity Reservation or a Capacity Block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub id: String,
    /// Instances that can still be launched into it.
    pub capacity: u32,
    pub kind: ReservationKind,
}

/// In the order of preference where prices are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReservationKind {
    #[default]
    Default,
    CapacityBlock,
    Interruptible,
}

impl Offering {
    /// An available offering that is not reserved.
    pub fn new(capacity_type: CapacityType, zone: &str, price: f64) -> Self {
        let requirements = [
            (labels::CAPACITY_TYPE, Requirement::one_of([capacity_type.label()])),
            (labels::ZONE, Requirement::one_of([zone])),
        ];
        Self {
            capacity_type,
            zone: zone.to_owned(),
            requirements: requirements.into_iter().collect(),
            price,
            is_available: true,
            reservation: None,
        }
    }

    /// An available offering of a reservation.
    pub fn reserved(reservation: Reservation, zone: &str, price: f64) -> Self {
        let mut offering = Self::new(CapacityType::Reserved, zone, price);
        offering.requirements.add(RESERVATION_ID, Requirement::one_of([reservation.id.as_str()]));
        offering.reservation = Some(reservation);
        offering
    }
}

/// Index of an interned pod spec: see [`Scheduler::shape`](super::solve::Scheduler::shape).
pub type ShapeId = u32;

/// Index of interned labels and taints of nodes: see [`Scheduler::node_kind`](super::solve::Scheduler::node_kind).
pub type NodeKindId = u32;

/// A pod to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pod {
    /// The caller's number for it.
    pub id: u32,
    pub shape: ShapeId,
    pub created: Time,
    /// The rank of its UID among those of all pods.
    pub uid: u64,
    pub origin: Origin,
}

/// Where a pod is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    Pending,
    /// On a node that is being deleted.
    DeletingNode,
    /// On a node of which disruption asks what would happen without it.
    Candidate,
}

/// A node that takes pods: there, or launched and not yet there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExistingNode<'a> {
    /// The caller's number for it.
    pub id: u32,
    /// The rank of its name (of its NodeClaim's, before it registers) among those of all nodes.
    pub name: u64,
    /// The label `kubernetes.io/hostname`, or its name; `None` if no pod can know of it.
    pub hostname: Option<&'a str>,
    /// Its labels, that one apart, and its taints, those apart that Karpenter expects to go.
    pub kind: NodeKindId,
    pub initialized: bool,
    /// There is a node object, not only a NodeClaim.
    pub registered: bool,
    /// Allocatable less the requests of the pods on it.
    pub available: ResourceList,
    /// Requests of the DaemonSets' pods among those.
    pub daemon_requests: ResourceList,
    /// Ports of the host that its pods use.
    pub host_ports: &'a [HostPort],
    /// The pool that it counts against (an index into [`Scheduler::pools`](super::solve::Scheduler::pools)), and how
    /// much; a node more in any case.
    pub limited: Option<(usize, ResourceList)>,
    /// Not for pods of candidates: it is still within `consolidateAfter`.
    pub settling: bool,
}

/// A pod that is bound to a node, none of the round's: it counts for topologies.
#[derive(Clone, Copy, Debug)]
pub struct BoundPod<'a> {
    pub spec: &'a Arc<crate::kube::PodSpec>,
    pub node: NodeKindId,
    pub hostname: Option<&'a str>,
}

/// Whether preferences are treated as requirements until they cannot be met (`PREFERENCE_POLICY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreferencePolicy {
    #[default]
    Respect,
    Ignore,
}

/// Whether `minValues` must be met (`MIN_VALUES_POLICY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinValuesPolicy {
    #[default]
    Strict,
    BestEffort,
}

/// Whether a pod may lose its chance of reserved capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReservedMode {
    /// No: it waits for a later round. Provisioning.
    #[default]
    Strict,
    /// Yes. Disruption's simulations.
    Fallback,
}

/// Settings of the scheduler that hold for all rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub preferences: PreferencePolicy,
    pub min_values: MinValuesPolicy,
}

/// One round's input. The order of nodes does not matter, nor does that of pods, but that of several pods whose topology
/// constraints Karpenter mistakes for one another the first decides (see `topology`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    pub pods: &'a [Pod],
    pub nodes: &'a [ExistingNode<'a>],
    /// Scheduled pods, none of `pods`, terminal or terminating; only needed where some pod has topology constraints.
    pub bound: &'a [BoundPod<'a>],
    pub reserved: ReservedMode,
    /// How many tries there is time for: `Solve` stops after a minute with what it has. `None`: all.
    pub tries: Option<usize>,
    /// Say why pods fit nowhere.
    pub explain: bool,
}

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In Karpenter's order at the end of the round.
    pub claims: Vec<NewClaim>,
    /// Pods for existing nodes by the node's `id`, in the order of the round.
    pub existing: Vec<(u32, Vec<u32>)>,
    /// Pods that fit nowhere, in the order of the queue.
    pub errors: Vec<PodError>,
    /// How many tries were made.
    pub tries: usize,
}

/// A NodeClaim to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct NewClaim {
    /// Index into [`Scheduler::pools`](super::solve::Scheduler::pools).
    pub pool: usize,
    /// Places in the pool's types, the cheapest first, at most [`MAX_INSTANCE_TYPES`].
    pub types: Arc<[usize]>,
    pub requirements: Arc<Requirements>,
    /// Of its pods, and the least that DaemonSets take.
    pub requests: ResourceList,
    pub pods: Vec<u32>,
    /// `minValues` was lowered for it (`karpenter.sh/nodeclaim-min-values-relaxed`).
    pub relaxed_min_values: bool,
}

/// A NodeClaim keeps at most so many instance types (`MaxInstanceTypes`).
pub const MAX_INSTANCE_TYPES: usize = 600;

/// Why a pod was not placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodError {
    pub pod: u32,
    /// In Karpenter's words, as far as they do not depend on Go's printing; empty unless asked for.
    pub reason: String,
    /// It waits for reserved capacity.
    pub is_reserved: bool,
}
