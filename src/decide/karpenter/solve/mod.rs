//! A scheduling round: which pods would go onto which existing nodes, and which new nodes the rest needs.

use std::sync::Arc;

use super::model::{Input, NodeKindId, NodePool, Options, Plan, ShapeId};
use crate::kube::{Labels, PodSpec, Taint};

/// Karpenter's scheduler: the pools, and what has been found out about them and the pods' shapes.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// By weight, then by name, both descending: the order in which they are tried. Static ones are left out.
    pub pools: Vec<NodePool>,
}

impl Scheduler {
    /// `daemon_sets`: a pod of each DaemonSet, in an order that does not change.
    pub fn new(pools: Vec<NodePool>, _daemon_sets: &[Arc<PodSpec>], _options: Options) -> Self {
        Self { pools }
    }

    /// Makes a pod's spec known.
    pub fn shape(&mut self, _spec: &Arc<PodSpec>) -> ShapeId {
        0
    }

    /// Makes labels (the hostname is left out) and taints of nodes known.
    pub fn node_kind(&mut self, _labels: &Labels, _taints: &[Taint]) -> NodeKindId {
        0
    }

    /// One round.
    pub fn solve(&mut self, _input: &Input) -> Plan {
        Plan::default()
    }
}
