//! The shared nodes of the cluster and what runs on them. Only the engine changes it; controllers see it.

use super::images::{NodeImages, PullRates};
use super::kube_scheduler::score;
use super::kube_scheduler::{NodeLabels, scored_request};
use crate::ledger::{LeaseId, NodeTemplate, SHARE_BITS, TemplateId, share};
use crate::units::{Cpu, Memory, Resources, Time};
use crate::workload::PodClass;

/// Index into [`Cluster::nodes`].
pub type NodeId = u32;

/// A kind of node that a controller may launch.
#[derive(Clone, Debug)]
pub struct NodeType {
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
    Starting,
    Ready,
    Gone,
}

/// One node. A node that is gone leaves its place to a later one.
#[derive(Clone, Debug)]
pub struct Node {
    pub kind: TemplateId,
    pub zone: u8,
    pub state: NodeState,
    pub lease: LeaseId,
    pub free: Resources,
    /// Requests as scores count them, DaemonSets included.
    pub scored: (Cpu, Memory),
    /// [`score::balance`] of what is requested now.
    pub balance: i64,
    /// Pods bound here whose containers have not ended.
    pub pods: u32,
    pub images: NodeImages,
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

#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub types: Vec<NodeType>,
    pub nodes: Vec<Node>,
    /// Places of nodes that are gone.
    vacant: Vec<NodeId>,
    /// Nodes that are Ready: those that kube-scheduler counts.
    ready: usize,
}

impl Cluster {
    pub fn new(types: Vec<NodeType>) -> Self {
        Self { types, ..Self::default() }
    }

    /// How many nodes are Ready.
    pub fn ready(&self) -> usize {
        self.ready
    }

    pub fn add(&mut self, kind: TemplateId, zone: u8, lease: LeaseId) -> NodeId {
        let node_type = &self.types[kind as usize];
        let allocatable = &node_type.template.allocatable;
        let daemons = &node_type.template.daemons;
        let mut node = Node {
            kind,
            zone,
            state: NodeState::Starting,
            lease,
            free: *allocatable - *daemons,
            scored: node_type.scored_daemons,
            balance: score::balance(daemons, allocatable),
            pods: 0,
            images: NodeImages::default(),
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
        let node = &mut self.nodes[node as usize];
        self.ready += 1;
        node.state = NodeState::Ready;
        node.clock.updated = now;
    }

    /// Takes `node` away and gives its share clock's last reading.
    pub fn remove(&mut self, node: NodeId, now: Time) -> u64 {
        let was_ready = self.nodes[node as usize].state == NodeState::Ready;
        let gone = &mut self.nodes[node as usize];
        let reading = if was_ready { gone.clock.advance(now) } else { 0 };
        gone.state = NodeState::Gone;
        self.vacant.push(node);
        self.ready -= usize::from(was_ready);
        reading
    }

    /// Puts a pod on a node and gives the reading of the node's share clock.
    pub fn bind(&mut self, node: NodeId, class: &PodClass, now: Time) -> u64 {
        let types = &self.types;
        let node = &mut self.nodes[node as usize];
        let allocatable = &types[node.kind as usize].template.allocatable;
        let reading = node.clock.advance(now);
        node.clock.shares += share(&class.requests, allocatable);
        node.free -= class.requests;
        let (cpu, memory) = scored_request(&class.requests);
        node.scored = (node.scored.0 + cpu, node.scored.1 + memory);
        node.balance = score::balance(&(*allocatable - node.free), allocatable);
        node.pods += 1;
        assert!(Resources::ZERO.fits_in(&node.free), "a pod was bound beyond a node's allocatable");
        reading
    }

    /// Takes a pod off a node that was bound at `reading`; gives the node time allocated to it, in microseconds.
    pub fn release(&mut self, node: NodeId, class: &PodClass, reading: u64, now: Time) -> u64 {
        let types = &self.types;
        let node = &mut self.nodes[node as usize];
        let allocatable = &types[node.kind as usize].template.allocatable;
        let elapsed = node.clock.advance(now) - reading;
        let part = share(&class.requests, allocatable);
        node.clock.shares -= part;
        node.free += class.requests;
        let (cpu, memory) = scored_request(&class.requests);
        node.scored = (node.scored.0 - cpu, node.scored.1 - memory);
        node.balance = score::balance(&(*allocatable - node.free), allocatable);
        node.pods -= 1;
        ((u128::from(elapsed) * u128::from(part)) >> SHARE_BITS) as u64
    }
}
