//! A platform of several parts: one cluster in which, say, a managed node group carries the base load, Karpenter the rest,
//! and Fargate some namespaces.
//!
//! Each part is what it would be as a platform of its own, controllers and their homes included. Pods that a Fargate
//! profile selects go to the Fargate part; kube-scheduler places all others on whatever nodes there are, whose labels and
//! taints decide which of them take which pods.

use std::slice;

use super::{Karpenter, Kind, NodePool, Platform};

/// The parts, none of them `recorded` or mixed itself, at most one of each kind: a cluster has one Cluster Autoscaler, one
/// Karpenter, one set of Fargate profiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    pub parts: Vec<Part>,
}

/// A part is described as a platform is.
pub type Part = Platform;

impl Platform {
    /// The parts of a mixed platform; any other is its only part.
    pub fn parts(&self) -> &[Part] {
        match &self.kind {
            Kind::Mixed(mixed) => &mixed.parts,
            _ => slice::from_ref(self),
        }
    }

    /// The same, to be changed.
    pub fn parts_mut(&mut self) -> &mut [Part] {
        if matches!(self.kind, Kind::Mixed(_)) {
            let Kind::Mixed(mixed) = &mut self.kind else { unreachable!("it is mixed") };
            return &mut mixed.parts;
        }
        slice::from_mut(self)
    }

    /// How messages call one of [`Self::parts`]: `mixed/base`.
    pub fn name_of(&self, part: &Part) -> String {
        match &self.kind {
            Kind::Mixed(_) => format!("{}/{}", self.name, part.name),
            _ => self.name.clone(),
        }
    }
}

impl Kind {
    /// NodePools that Karpenter would launch nodes of, whoever runs it.
    pub fn node_pools(&self) -> &[NodePool] {
        match self {
            Self::Karpenter(Karpenter { node_pools, .. }) => node_pools,
            Self::AutoMode(auto_mode) => &auto_mode.node_pools,
            Self::Recorded | Self::Fargate(_) | Self::NodeGroups(_) | Self::Mixed(_) => &[],
        }
    }
}
