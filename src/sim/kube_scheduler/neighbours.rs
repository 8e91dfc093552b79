//! The cluster in Kubernetes' words, for pods whose place depends on other pods: topology spread, affinity between pods,
//! host ports, and room that is taken from pods of lower priority.
//!
//! It is kept only if some pod of the workload needs it. What depends on the node alone stays with the rows of
//! [`super::KubeScheduler`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::labels;
use crate::decide::kube_scheduler::{ClusterState, Filters, NodeState, PodOnNode, preempt, score};
use crate::kube::{self, DoNotDisrupt, PodSpec, ResourceList};
use crate::ledger::LeaseId;
use crate::sim::cluster::{self, Cluster, NodeId, NodeType};
use crate::sim::event::RunIndex;
use crate::units::Time;
use crate::workload::ClassId;

/// The number of the pod that stands for a node's DaemonSets.
const DAEMONS: u64 = u64::MAX;

#[derive(Debug)]
pub struct Neighbours {
    state: ClusterState,
    /// Which node is at each place, and whether it takes pods; `None` where none is.
    known: Vec<Option<(LeaseId, bool)>>,
    /// By class: whether other pods, or the class itself by what it asks of them, decide where its pods may run or run
    /// best.
    concerned: Vec<bool>,
    /// By class: whether the coming or going of its pods may help others.
    matters: Vec<bool>,
    /// How many pods of each priority are bound.
    bound: BTreeMap<i32, usize>,
    /// Where pods wait that have evicted others.
    nominations: BTreeMap<RunIndex, (NodeId, ClassId)>,
    /// Pods that came or went since somebody asked.
    events: Vec<PodEvent>,
    /// Whether a node came or went since then.
    nodes_changed: bool,
}

/// A pod of this class was bound, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PodEvent {
    class: ClassId,
    came: bool,
}

impl Neighbours {
    /// `None` if no pod of these classes needs to know of another.
    pub fn of(specs: &[Arc<PodSpec>], preemption: bool) -> Option<Self> {
        let priorities = || specs.iter().map(|spec| spec.priority);
        let is_needed = specs.iter().any(|spec| is_choosy(spec))
            || preemption && priorities().min() != priorities().max();
        let choosy: Vec<&PodSpec> = specs.iter().map(|spec| &**spec).filter(|spec| is_choosy(spec)).collect();
        is_needed.then(|| Self {
            state: ClusterState::default(),
            known: Vec::new(),
            concerned: specs.iter().map(|spec| is_concerned(spec, &choosy)).collect(),
            matters: specs.iter().map(|spec| matters(spec, &choosy)).collect(),
            bound: BTreeMap::new(),
            nominations: BTreeMap::new(),
            events: Vec::new(),
            nodes_changed: false,
        })
    }

    pub fn concerns(&self, class: ClassId) -> bool {
        self.concerned[class as usize]
    }

    /// Learns of a node that came, went or changed. `prototype` is what nodes of its kind and zone have in common.
    pub fn sync_node(&mut self, cluster: &Cluster, node: NodeId, prototype: impl FnOnce() -> kube::Node) {
        let state = &cluster.nodes[node as usize];
        let is_there = matches!(state.state, cluster::NodeState::Ready | cluster::NodeState::Draining);
        let now = is_there.then_some((state.lease, state.is_schedulable()));
        while self.known.len() <= node as usize {
            self.known.push(None);
            self.state.add_node(NodeState::new(Arc::default()));
        }
        let before = std::mem::replace(&mut self.known[node as usize], now);
        if before == now {
            return;
        }
        self.nodes_changed = true;
        let Some((lease, takes_pods)) = now else {
            // Nothing fits there, and it is in no topology domain.
            self.state.update_node(node as usize, Arc::default());
            self.state.remove_pod(node as usize, DAEMONS);
            self.nominations.retain(|run, (on, _)| {
                let is_void = *on == node;
                if is_void {
                    self.state.clear_nomination(node as usize, u64::from(*run));
                }
                !is_void
            });
            return;
        };
        let node_type = &cluster.types[state.kind as usize];
        let template = &node_type.template;
        let mut with = prototype();
        with.name = format!("node-{lease}");
        with.labels.insert(labels::HOSTNAME.to_owned(), with.name.clone());
        with.is_unschedulable = !takes_pods;
        if takes_pods {
            with.allocatable = template.allocatable.into();
            // The pods of the DaemonSets are one here.
            with.allocatable[kube::PODS] -= template.daemons.pods - 1;
        }
        self.state.update_node(node as usize, Arc::new(with));
        if before.is_none_or(|(old, _)| old != lease) {
            self.state.remove_pod(node as usize, DAEMONS);
            self.state.add_pod(node as usize, PodOnNode::new(DAEMONS, Arc::new(daemons(node_type))));
        }
    }

    pub fn pod_bound(&mut self, node: NodeId, run: RunIndex, class: ClassId, spec: &Arc<PodSpec>, now: Time) {
        self.clear_nomination(run);
        let pod = PodOnNode { started: Some(now), ..PodOnNode::new(u64::from(run), spec.clone()) };
        self.state.add_pod(node as usize, pod);
        *self.bound.entry(spec.priority).or_default() += 1;
        self.note(class, true);
    }

    pub fn pod_released(&mut self, node: NodeId, run: RunIndex, class: ClassId) {
        let pod = self.state.remove_pod(node as usize, u64::from(run));
        let bound = pod.and_then(|pod| self.bound.get_mut(&pod.spec.priority));
        if let Some(bound) = bound {
            *bound -= 1;
        }
        self.note(class, false);
    }

    /// Only those matter to others whom somebody asks about.
    fn note(&mut self, class: ClassId, came: bool) {
        if self.matters[class as usize] {
            self.events.push(PodEvent { class, came });
        }
    }

    pub fn pod_terminating(&mut self, node: NodeId, run: RunIndex) {
        self.state.set_terminating(node as usize, u64::from(run));
    }

    /// The filters of a pod, with what it may not come near to and what it must.
    pub fn filters<'a>(&self, spec: &'a PodSpec) -> Filters<'a> {
        Filters::new(spec, &self.state)
    }

    pub fn node(&self, node: usize) -> &NodeState {
        self.state.node(node)
    }

    /// PodTopologySpread and InterPodAffinity of `feasible` nodes with their weights.
    pub fn scores(&self, spec: &PodSpec, feasible: &[usize]) -> Vec<i64> {
        score::topology(spec, &self.state, feasible)
    }

    /// The node that a pod waits for.
    pub fn nomination(&self, run: RunIndex) -> Option<NodeId> {
        self.nominations.get(&run).map(|(node, _)| *node)
    }

    pub fn has_nominations(&self) -> bool {
        !self.nominations.is_empty()
    }

    /// Classes of the pods that wait for a node.
    pub fn nominated_to(&self, node: NodeId) -> impl Iterator<Item = ClassId> + '_ {
        self.nominations.values().filter(move |(on, _)| *on == node).map(|(_, class)| *class)
    }

    pub fn nominate(&mut self, run: RunIndex, class: ClassId, spec: &Arc<PodSpec>, node: NodeId) {
        self.clear_nomination(run);
        self.nominations.insert(run, (node, class));
        self.state.nominate(node as usize, PodOnNode::new(u64::from(run), spec.clone()));
    }

    pub fn clear_nomination(&mut self, run: RunIndex) -> Option<NodeId> {
        let (node, _) = self.nominations.remove(&run)?;
        self.state.clear_nomination(node as usize, u64::from(run));
        Some(node)
    }

    /// Where a pod that fits nowhere may make room, and which pods have to go that do not go already. Of a pod that has
    /// done so before and whose victims are not gone yet: nothing.
    pub fn preempt(
        &mut self,
        run: RunIndex,
        class: ClassId,
        spec: &Arc<PodSpec>,
        offset: impl FnOnce(u64) -> u64,
    ) -> Option<(NodeId, Vec<RunIndex>)> {
        if let Some(node) = self.nomination(run) {
            let is_leaving = |pod: &PodOnNode| pod.is_terminating && pod.spec.priority < spec.priority;
            if self.node(node as usize).pods().iter().any(is_leaving) {
                return None;
            }
            self.clear_nomination(run);
        }
        let lowest = self.bound.iter().find(|(_, bound)| **bound > 0);
        if lowest.is_none_or(|(priority, _)| *priority >= spec.priority) {
            return None;
        }
        let found = preempt(spec, &self.state, &[], offset)?;
        let pods = self.node(found.node).pods();
        let is_there = |id: &u64| pods.iter().any(|pod| pod.id == *id && !pod.is_terminating);
        let victims = found.victims.into_iter().filter(is_there).map(|id| id as RunIndex).collect();
        let node = found.node as NodeId;
        // Pods of lower priority that were promised this room have to look for another.
        let lesser: Vec<RunIndex> = self
            .state
            .node(found.node)
            .nominated()
            .iter()
            .filter(|pod| pod.spec.priority < spec.priority)
            .map(|pod| pod.id as RunIndex)
            .collect();
        for run in lesser {
            self.clear_nomination(run);
        }
        self.nominate(run, class, spec, node);
        Some((node, victims))
    }

    /// QueueingHints of PodTopologySpread and InterPodAffinity: which of `classes` may find a place now that pods and
    /// nodes have come and gone.
    pub fn helped(&mut self, classes: &[ClassId], specs: &[Arc<PodSpec>]) -> Vec<ClassId> {
        let mut events = std::mem::take(&mut self.events);
        events.sort_unstable_by_key(|event| (event.class, event.came));
        events.dedup();
        let nodes_changed = std::mem::take(&mut self.nodes_changed);
        let is_helped = |class: &ClassId| {
            let spec = &specs[*class as usize];
            self.concerns(*class)
                && (nodes_changed && spec.has_topology()
                    || events.iter().any(|event| helps(spec, &specs[event.class as usize], event.came)))
        };
        classes.iter().copied().filter(is_helped).collect()
    }

    pub fn has_events(&self) -> bool {
        self.nodes_changed || !self.events.is_empty()
    }

    /// Nobody waits: what happened helps nobody.
    pub fn forget_events(&mut self) {
        self.events.clear();
        self.nodes_changed = false;
    }
}

/// Whether a pod that came or went may open a node to a waiting pod.
fn helps(waiting: &PodSpec, other: &PodSpec, came: bool) -> bool {
    let counts = waiting.spread.iter().any(|one| one.counts(waiting, other));
    if came {
        return counts || waiting.affinity.required.iter().any(|term| term.means(waiting, other));
    }
    counts
        || waiting.anti_affinity.required.iter().any(|term| term.means(waiting, other))
        || other.anti_affinity.required.iter().any(|term| term.means(other, waiting))
        || !waiting.host_ports.is_empty() && !other.host_ports.is_empty()
}

/// Whether a pod asks anything of where others are.
fn is_choosy(spec: &PodSpec) -> bool {
    spec.has_topology() || !spec.host_ports.is_empty()
}

/// Whether the coming or going of such a pod may help one of the choosy ones.
fn matters(spec: &PodSpec, choosy: &[&PodSpec]) -> bool {
    is_choosy(spec) || choosy.iter().any(|waiting| helps(waiting, spec, true) || helps(waiting, spec, false))
}

/// Whether where the pod goes depends on other pods: by what it asks, or by what one of the choosy ones asks of it.
fn is_concerned(spec: &PodSpec, choosy: &[&PodSpec]) -> bool {
    let means = |other: &&PodSpec| {
        let required = other.affinity.required.iter().chain(&other.anti_affinity.required);
        let preferred = other.affinity.preferred.iter().chain(&other.anti_affinity.preferred);
        required.chain(preferred.map(|(_, term)| term)).any(|term| term.means(other, spec))
    };
    is_choosy(spec) || choosy.iter().any(means)
}

/// The DaemonSets of a node as one pod that nobody evicts.
fn daemons(node_type: &NodeType) -> PodSpec {
    let (cpu, memory) = node_type.scored_daemons;
    PodSpec {
        namespace: "kube-system".to_owned(),
        requests: ResourceList::from(node_type.template.daemons),
        scored_requests: (cpu.milli(), memory.bytes()),
        priority: i32::MAX,
        do_not_disrupt: DoNotDisrupt::Always,
        ..PodSpec::default()
    }
}
