//! The shared nodes of the cluster and what runs on them. Only the engine changes it; controllers see it.

use super::event::RunIndex;
use super::images::{NodeImages, PullRates};
use super::kube_scheduler::score;
use super::kube_scheduler::{NodeLabels, scored_request};
use crate::catalog::TypeId;
use crate::ledger::{LeaseId, NodeTemplate, SHARE_BITS, TemplateId, share};
use crate::units::{Cpu, Memory, Resources, Span, Time};
use crate::workload::PodClass;

/// Index into [`Cluster::nodes`].
pub type NodeId = u32;

/// A kind of node that a controller may launch.
#[derive(Clone, Debug)]
pub struct NodeType {
    pub instance: TypeId,
    /// What the ledger records of it. Its index there is the index of this type.
    pub template: NodeTemplate,
    /// Labels and taints, without the zone's.
    pub labels: NodeLabels,
    pub pull_rates: PullRates,
    /// What kube-scheduler's scores count for the DaemonSets.
    pub scored_daemons: (Cpu, Memory),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// From the request until Ready.
    Starting,
    Ready,
    /// To be terminated as soon as its pods are gone.
    Draining,
    Gone,
}

/// One node. A node that is gone leaves its place to a later one.
#[derive(Clone, Debug)]
pub struct Node {
    pub kind: TemplateId,
    pub zone: u8,
    pub state: NodeState,
    /// There from the beginning, rather than launched.
    pub adopted: bool,
    /// EC2 has said that it will take it back.
    pub noticed: bool,
    /// A draining node stays until this time at least.
    pub drains_until: Time,
    /// Tainted so that no further pod is put here, though it is Ready.
    pub cordoned: bool,
    pub lease: LeaseId,
    /// Decides its place among nodes that are otherwise alike, as its name does in a real cluster: random, so that
    /// age plays no part.
    pub name: u64,
    pub requested: Time,
    /// [`Time::MAX`] before.
    pub ready: Time,
    /// When a pod last came or went, as Karpenter notes it: at most once in ten seconds
    /// (`pkg/controllers/nodeclaim/podevents`). [`Time::MIN`] if none ever did.
    pub last_pod_event: Time,
    pub free: Resources,
    /// Requests as scores count them, DaemonSets included.
    pub scored: (Cpu, Memory),
    /// [`score::balance`] of what is requested now.
    pub balance: i64,
    /// Pods bound here whose containers have not ended, in no particular order.
    pub pods: Vec<RunIndex>,
    pub images: NodeImages,
    /// [`Cluster::version`] when it or its pods last changed.
    pub changed: u64,
    clock: ShareClock,
}

/// Measures a node's time in a way that lets each pod's allocation be computed from two readings.
///
/// It runs slower than time while the shares of the pods (and DaemonSets) add up to over one, so that their
/// allocations never exceed the node.
#[derive(Clone, Copy, Debug, Default)]
struct ShareClock {
    /// Sum of the shares of what runs on the node, in units of 2⁻²⁰.
    shares: u64,
    reading_us: u64,
    updated: Time,
}

impl ShareClock {
    fn advance(&mut self, now: Time) -> u64 {
        let elapsed_us = (now - self.updated).ms().max(0) as u64 * 1_000;
        let one = 1u64 << SHARE_BITS;
        self.reading_us += if self.shares <= one {
            elapsed_us
        } else {
            (u128::from(elapsed_us) * u128::from(one) / u128::from(self.shares)) as u64
        };
        self.updated = now;
        self.reading_us
    }
}

impl Node {
    /// Whether kube-scheduler may put pods here.
    pub fn is_schedulable(&self) -> bool {
        self.state == NodeState::Ready && !self.cordoned
    }

    fn note_pod_event(&mut self, now: Time) {
        const DEDUPLICATED_WITHIN: Span = Span::from_secs(10);
        if self.last_pod_event == Time::MIN || now - self.last_pod_event >= DEDUPLICATED_WITHIN {
            self.last_pod_event = now;
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub types: Vec<NodeType>,
    pub nodes: Vec<Node>,
    /// Places of nodes that are gone.
    vacant: Vec<NodeId>,
    /// Nodes that are Ready: those that kube-scheduler counts.
    ready: usize,
    /// Grows whenever a node or what runs there changes.
    version: u64,
}

impl Cluster {
    pub fn new(types: Vec<NodeType>) -> Self {
        Self { types, ..Self::default() }
    }

    /// How many nodes are Ready.
    pub fn ready(&self) -> usize {
        self.ready
    }

    /// The same number means the same nodes with the same pods.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A node that was requested at `now`. Its `name` decides ties.
    pub fn add(&mut self, kind: TemplateId, zone: u8, lease: LeaseId, name: u64, now: Time) -> NodeId {
        self.version += 1;
        let node_type = &self.types[kind as usize];
        let allocatable = &node_type.template.allocatable;
        let daemons = &node_type.template.daemons;
        let mut node = Node {
            kind,
            zone,
            state: NodeState::Starting,
            adopted: false,
            noticed: false,
            drains_until: Time::MIN,
            cordoned: false,
            lease,
            name,
            requested: now,
            ready: Time::MAX,
            last_pod_event: Time::MIN,
            free: *allocatable - *daemons,
            scored: node_type.scored_daemons,
            balance: score::balance(daemons, allocatable),
            pods: Vec::new(),
            images: NodeImages::default(),
            changed: self.version,
            clock: ShareClock { shares: share(daemons, allocatable), ..ShareClock::default() },
        };
        if let Some(id) = self.vacant.pop() {
            // Events that are still scheduled for the node that was here must stay stale.
            node.images.version = self.nodes[id as usize].images.version + 1;
            self.nodes[id as usize] = node;
            return id;
        }
        self.nodes.push(node);
        self.nodes.len() as NodeId - 1
    }

    pub fn set_ready(&mut self, node: NodeId, now: Time) {
        self.version += 1;
        let node = &mut self.nodes[node as usize];
        node.changed = self.version;
        self.ready += 1;
        node.state = NodeState::Ready;
        node.ready = now;
        node.clock.updated = now;
    }

    /// Begins the end of a node: no pod comes any more. Gives whether it was Ready.
    pub fn set_draining(&mut self, node: NodeId) -> bool {
        self.version += 1;
        let node = &mut self.nodes[node as usize];
        node.changed = self.version;
        let was_ready = node.state == NodeState::Ready;
        node.state = NodeState::Draining;
        self.ready -= usize::from(was_ready);
        was_ready
    }

    /// Taints a node so that no further pod is put there, or takes the taint away.
    pub fn set_cordoned(&mut self, node: NodeId, on: bool) {
        self.version += 1;
        let node = &mut self.nodes[node as usize];
        (node.cordoned, node.changed) = (on, self.version);
    }

    /// Takes `node` away and gives its share clock's last reading.
    pub fn remove(&mut self, node: NodeId, now: Time) -> u64 {
        self.version += 1;
        let gone = &mut self.nodes[node as usize];
        let was_ready = gone.state == NodeState::Ready;
        let reading = if gone.ready == Time::MAX { 0 } else { gone.clock.advance(now) };
        (gone.state, gone.changed) = (NodeState::Gone, self.version);
        self.vacant.push(node);
        self.ready -= usize::from(was_ready);
        reading
    }

    /// Puts a pod on a node and gives the reading of the node's share clock.
    pub fn bind(&mut self, node: NodeId, run: RunIndex, class: &PodClass, now: Time) -> u64 {
        self.version += 1;
        let types = &self.types;
        let node = &mut self.nodes[node as usize];
        node.changed = self.version;
        let allocatable = &types[node.kind as usize].template.allocatable;
        let reading = node.clock.advance(now);
        node.clock.shares += share(&class.requests, allocatable);
        node.free -= class.requests;
        let (cpu, memory) = scored_request(&class.requests);
        node.scored = (node.scored.0 + cpu, node.scored.1 + memory);
        node.balance = score::balance(&(*allocatable - node.free), allocatable);
        node.pods.push(run);
        node.note_pod_event(now);
        assert!(Resources::ZERO.fits_in(&node.free), "a pod was bound beyond a node's allocatable");
        reading
    }

    /// Takes a pod off a node that was bound at `reading`; gives the node time allocated to it, in microseconds.
    pub fn release(&mut self, node: NodeId, run: RunIndex, class: &PodClass, reading: u64, now: Time) -> u64 {
        self.version += 1;
        let types = &self.types;
        let node = &mut self.nodes[node as usize];
        node.changed = self.version;
        let allocatable = &types[node.kind as usize].template.allocatable;
        let elapsed = node.clock.advance(now) - reading;
        let part = share(&class.requests, allocatable);
        node.clock.shares -= part;
        node.free += class.requests;
        let (cpu, memory) = scored_request(&class.requests);
        node.scored = (node.scored.0 - cpu, node.scored.1 - memory);
        node.balance = score::balance(&(*allocatable - node.free), allocatable);
        let at = node.pods.iter().position(|pod| *pod == run).expect("only pods of the node are released");
        node.pods.swap_remove(at);
        node.note_pod_event(now);
        ((u128::from(elapsed) * u128::from(part)) >> SHARE_BITS) as u64
    }
}
