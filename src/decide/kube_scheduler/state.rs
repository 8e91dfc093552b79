//! What kube-scheduler knows of the cluster when it looks at a pod: nodes, and the pods bound to them.
//!
//! `NodeInfo` and `Snapshot` of `pkg/scheduler/framework` and `pkg/scheduler/backend/cache`. Sums are kept up to date
//! as pods come and go, so that trying a pod costs no more than looking.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::kube::{self, CPU, LabelSelector, PodSpec, ResourceList};
use crate::units::Time;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// A pod that is bound to a node (or is nominated to it, or tried there).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodOnNode {
    /// The caller's number of it; unique in the cluster.
    pub id: u64,
    pub spec: Arc<PodSpec>,
    /// Has a deletion timestamp: no longer counted for topology spread.
    pub is_terminating: bool,
    /// `status.startTime`. Decides among pods of one priority whose eviction hurts less.
    pub started: Option<Time>,
}

impl PodOnNode {
    /// A pod that runs and whose start does not matter.
    pub fn new(id: u64, spec: Arc<PodSpec>) -> Self {
        Self { id, spec, is_terminating: false, started: None }
    }
}

/// Answers to a question about pods, remembered by their spec: pods of one template are asked about once.
#[derive(Debug)]
pub(super) struct BySpec<T>(FxHashMap<*const PodSpec, T>);

impl<T> Default for BySpec<T> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<T: Copy> BySpec<T> {
    pub fn of(&mut self, spec: &Arc<PodSpec>, ask: impl FnOnce(&PodSpec) -> T) -> T {
        *self.0.entry(Arc::as_ptr(spec)).or_insert_with(|| ask(spec))
    }
}

/// A node with its pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeState {
    pub node: Arc<kube::Node>,
    pods: Vec<PodOnNode>,
    nominated: Vec<PodOnNode>,
    requested: ResourceList,
    scored: (i64, i64),
    with_affinity: usize,
    with_host_ports: usize,
}

impl NodeState {
    pub fn new(node: Arc<kube::Node>) -> Self {
        Self {
            node,
            pods: Vec::new(),
            nominated: Vec::new(),
            requested: ResourceList::ZERO,
            scored: (0, 0),
            with_affinity: 0,
            with_host_ports: 0,
        }
    }

    /// In the order in which they came.
    pub fn pods(&self) -> &[PodOnNode] {
        &self.pods
    }

    /// Pods that wait for others to leave this node (`nominatedNodeName`).
    pub fn nominated(&self) -> &[PodOnNode] {
        &self.nominated
    }

    /// Sum of the pods' requests; CPU in whole millicores, each pod's rounded up.
    pub fn requested(&self) -> &ResourceList {
        &self.requested
    }

    /// Millicores and bytes as LeastAllocated and MostAllocated count them.
    pub fn scored(&self) -> (i64, i64) {
        self.scored
    }

    /// What may still be requested here; negative where the node is overdrawn.
    pub fn free(&self) -> ResourceList {
        self.node.allocatable - self.requested
    }

    /// Pods with any term of pod affinity or anti-affinity.
    pub fn pods_with_affinity(&self) -> &[PodOnNode] {
        if self.with_affinity == 0 { &[] } else { &self.pods }
    }

    /// Whether some pod here has a host port.
    pub fn has_host_ports(&self) -> bool {
        self.with_host_ports > 0
    }

    /// Puts a pod here, whether it fits or not.
    ///
    /// Of a node in a [`ClusterState`] use [`ClusterState::add_pod`]; this is for a copy of one.
    pub fn add_pod(&mut self, pod: PodOnNode) {
        self.requested += rounded(&pod.spec.requests);
        self.scored.0 += pod.spec.scored_requests.0;
        self.scored.1 += pod.spec.scored_requests.1;
        self.with_affinity += usize::from(has_affinity(&pod.spec));
        self.with_host_ports += usize::from(!pod.spec.host_ports.is_empty());
        self.pods.push(pod);
    }

    /// Takes the pod with this number away; `None` if it is not here.
    pub fn remove_pod(&mut self, id: u64) -> Option<PodOnNode> {
        let at = self.pods.iter().position(|pod| pod.id == id)?;
        let pod = self.pods.remove(at);
        self.requested -= rounded(&pod.spec.requests);
        self.scored.0 -= pod.spec.scored_requests.0;
        self.scored.1 -= pod.spec.scored_requests.1;
        self.with_affinity -= usize::from(has_affinity(&pod.spec));
        self.with_host_ports -= usize::from(!pod.spec.host_ports.is_empty());
        Some(pod)
    }
}

/// Requests with CPU in whole millicores, as the scheduler reads them.
fn rounded(requests: &ResourceList) -> ResourceList {
    let mut rounded = *requests;
    rounded[CPU] = requests.milli_cpu() * NANOS_PER_MILLI;
    rounded
}

fn has_affinity(pod: &PodSpec) -> bool {
    !pod.affinity.is_empty() || !pod.anti_affinity.is_empty()
}

/// A Service, ReplicaSet, StatefulSet or ReplicationController.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSet {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub selector: LabelSelector,
}

/// All nodes, in the scheduler's order, with their pods. Nodes are named by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterState {
    /// Services and controllers, as far as they are known: whose pods are spread by default.
    pub pod_sets: Vec<PodSet>,
    nodes: Vec<NodeState>,
    /// Pods with any term of pod affinity or anti-affinity, in the whole cluster.
    with_affinity: usize,
    with_required_anti_affinity: usize,
}

impl ClusterState {
    pub fn nodes(&self) -> &[NodeState] {
        &self.nodes
    }

    pub fn node(&self, node: usize) -> &NodeState {
        &self.nodes[node]
    }

    /// Adds a node at the end and gives its index.
    pub fn add_node(&mut self, node: NodeState) -> usize {
        self.count(node.pods_with_affinity(), true);
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Takes a node away with its pods; the nodes behind it move up by one.
    pub fn remove_node(&mut self, node: usize) -> NodeState {
        let removed = self.nodes.remove(node);
        self.count(removed.pods_with_affinity(), false);
        removed
    }

    /// Replaces what is known of a node itself; its pods stay.
    pub fn update_node(&mut self, node: usize, with: Arc<kube::Node>) {
        self.nodes[node].node = with;
    }

    /// Puts a pod on a node, whether it fits or not.
    pub fn add_pod(&mut self, node: usize, pod: PodOnNode) {
        self.count(std::slice::from_ref(&pod), true);
        self.nodes[node].add_pod(pod);
    }

    /// Takes the pod with this number off a node; `None` if it is not there.
    pub fn remove_pod(&mut self, node: usize, id: u64) -> Option<PodOnNode> {
        let pod = self.nodes[node].remove_pod(id)?;
        self.count(std::slice::from_ref(&pod), false);
        Some(pod)
    }

    /// Gives a pod a deletion timestamp; `false` if it is not on that node.
    pub fn set_terminating(&mut self, node: usize, id: u64) -> bool {
        let pod = self.nodes[node].pods.iter_mut().find(|pod| pod.id == id);
        pod.map(|pod| pod.is_terminating = true).is_some()
    }

    /// A pod has been promised the room that its victims leave on a node. Pods of lower or the same priority must fit
    /// beside it.
    pub fn nominate(&mut self, node: usize, pod: PodOnNode) {
        self.nodes[node].nominated.push(pod);
    }

    /// Takes a nomination back; the pod, if there was one.
    pub fn clear_nomination(&mut self, node: usize, id: u64) -> Option<PodOnNode> {
        let nominated = &mut self.nodes[node].nominated;
        let at = nominated.iter().position(|pod| pod.id == id)?;
        Some(nominated.remove(at))
    }

    /// Whether any pod has a term of pod affinity or anti-affinity, preferred ones included.
    pub fn has_affinity(&self) -> bool {
        self.with_affinity > 0
    }

    /// Whether any pod keeps others away by required anti-affinity.
    pub fn has_required_anti_affinity(&self) -> bool {
        self.with_required_anti_affinity > 0
    }

    fn count(&mut self, pods: &[PodOnNode], come: bool) {
        for pod in pods {
            let affine = usize::from(has_affinity(&pod.spec));
            let anti_affine = usize::from(!pod.spec.anti_affinity.required.is_empty());
            if come {
                self.with_affinity += affine;
                self.with_required_anti_affinity += anti_affine;
            } else {
                self.with_affinity -= affine;
                self.with_required_anti_affinity -= anti_affine;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::{PodAffinity, PodTerm};

    fn pod(id: u64, nanos: i64, spec: PodSpec) -> PodOnNode {
        let mut spec = spec;
        spec.requests[CPU] = nanos;
        PodOnNode::new(id, Arc::new(spec))
    }

    #[test]
    fn a_pod_that_came_and_went_leaves_no_trace() {
        let term = PodTerm {
            topology_key: "zone".to_owned(),
            selector: None,
            namespaces: Vec::new(),
            namespace_selector: None,
            match_label_keys: Vec::new(),
            mismatch_label_keys: Vec::new(),
        };
        let repelling = PodSpec {
            anti_affinity: PodAffinity { required: vec![term], preferred: Vec::new() },
            ..PodSpec::default()
        };
        let mut cluster = ClusterState::default();
        let node = cluster.add_node(NodeState::new(Arc::default()));
        let empty = cluster.clone();
        cluster.add_pod(node, pod(7, 500_000, repelling));
        assert!(cluster.has_required_anti_affinity());
        // Half a millicore counts as one, of each pod; containers that request nothing count 100 m and 200 MiB.
        cluster.add_pod(node, pod(8, 500_000, PodSpec::default()));
        assert_eq!(cluster.node(node).requested().milli_cpu(), 2);
        assert_eq!(cluster.node(node).scored(), (200, 400 << 20));
        assert!(cluster.remove_pod(node, 9).is_none());
        assert_eq!(cluster.remove_pod(node, 7).map(|pod| pod.id), Some(7));
        assert!(!cluster.has_affinity());
        cluster.remove_pod(node, 8);
        assert_eq!(cluster, empty);
    }
}
