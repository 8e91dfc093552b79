//! Nodes, and Karpenter's claims to them.

use super::{Labels, ResourceList, Taint};
use crate::units::{Span, Time};

/// A node as it stands in the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub labels: Labels,
    pub annotations: Labels,
    pub taints: Vec<Taint>,
    pub is_unschedulable: bool,
    pub capacity: ResourceList,
    pub allocatable: ResourceList,
    pub images: Vec<ImageOnNode>,
    pub created: Time,
    /// Since when it is Ready; `None` if it is not.
    pub ready_since: Option<Time>,
    pub is_terminating: bool,
    pub provider_id: String,
}

/// An image that a node has, under all of its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageOnNode {
    pub names: Vec<String>,
    pub size_bytes: i64,
}

/// A NodeClaim (`karpenter.sh/v1`) as it stands in the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClaim {
    pub name: String,
    pub uid: String,
    pub labels: Labels,
    pub annotations: Labels,
    pub taints: Vec<Taint>,
    pub startup_taints: Vec<Taint>,
    pub created: Time,
    pub is_terminating: bool,
    /// `None`: `Never`.
    pub expire_after: Option<Span>,
    pub termination_grace_period: Option<Span>,
    pub node_name: String,
    pub provider_id: String,
    pub capacity: ResourceList,
    pub allocatable: ResourceList,
    pub last_pod_event: Option<Time>,
    /// When these conditions became true; `None` while they are not.
    pub launched: Option<Time>,
    pub registered: Option<Time>,
    pub initialized: Option<Time>,
    pub consolidatable: Option<Time>,
    pub drifted: Option<Time>,
}
