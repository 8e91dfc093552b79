//! The cluster as one loop sees it: nodes that are there and nodes that are coming, their pods, and the pods that are
//! placed there in thought (`cluster-autoscaler/simulator/clustersnapshot`).
//!
//! Thoughts are taken back by going back to a [`Mark`]. The search for a node is the real one's: from behind the node
//! that was found last, over the whole list, the first that passes all filters (`clustersnapshot/predicate/plugin_runner.go`).

use std::sync::Arc;

use rustc_hash::FxHashMap;

pub use super::known_full::KnownFull;
use super::template::{HOSTNAME_LABEL, Template, fresh_copy};
use crate::decide::kube_scheduler::{ClusterState, Filters, NodeState, PodOnNode, Reason};
use crate::kube::{Node, PodSpec, ResourceList};

/// Names a spec of [`Snapshot::specs`].
pub type SpecId = u32;

/// Names a node of the snapshot by its place, which it keeps until it is taken away.
pub type Slot = u32;

/// Names kinds of nodes that filters cannot tell apart, load aside.
pub type ShapeId = u32;

/// A pod: its spec, and a number that no other pod of that spec has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodId(u64);

impl PodId {
    const NUMBER_BITS: u32 = 40;

    pub const fn new(spec: SpecId, number: u64) -> Self {
        Self((spec as u64) << Self::NUMBER_BITS | number)
    }

    pub const fn spec(self) -> SpecId {
        (self.0 >> Self::NUMBER_BITS) as SpecId
    }

    pub const fn number(self) -> u64 {
        self.0 & ((1 << Self::NUMBER_BITS) - 1)
    }
}

/// By which a node is known again in later loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKey {
    Node(u32),
    /// The n-th node of a group that is on its way.
    Upcoming {
        group: u32,
        index: u32,
    },
    /// A node that a scale-up would bring.
    New(u32),
}

/// A point to which the snapshot can be taken back.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

#[derive(Clone, Debug)]
enum Change {
    PodAdded(Slot, PodId),
    PodRemoved(Slot, PodOnNode),
    /// With a shape of its own, or with one that others have too.
    NodeAdded {
        has_own_shape: bool,
    },
    NodeReplaced(Slot, Arc<Node>),
}

#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    specs: Vec<Arc<PodSpec>>,
    /// Whether nodes must be told apart by their names.
    has_topology: bool,
    state: ClusterState,
    /// By slot.
    keys: Vec<NodeKey>,
    shape_of: Vec<ShapeId>,
    slot_of: FxHashMap<NodeKey, Slot>,
    /// Slots in the order of the list that is searched.
    listed: Vec<Slot>,
    /// Position in the list at which the next search starts.
    next: usize,
    shapes: Vec<Shape>,
    changes: Vec<Change>,
    new_nodes: u32,
}

#[derive(Clone, Debug)]
struct Shape {
    node: Arc<Node>,
    /// By spec: whether the filters that look at the node alone let it pass, once they were asked.
    admits: Vec<Option<bool>>,
}

impl Snapshot {
    pub fn new(specs: Vec<Arc<PodSpec>>) -> Self {
        let has_topology = specs.iter().any(|spec| spec.has_topology());
        Self { specs, has_topology, ..Self::default() }
    }

    pub fn spec(&self, id: SpecId) -> &Arc<PodSpec> {
        &self.specs[id as usize]
    }

    pub fn specs(&self) -> &[Arc<PodSpec>] {
        &self.specs
    }

    /// Whether where some pod may go depends on other pods.
    pub fn has_topology(&self) -> bool {
        self.has_topology
    }

    pub fn state(&self, slot: Slot) -> &NodeState {
        self.state.node(slot as usize)
    }

    pub fn key(&self, slot: Slot) -> NodeKey {
        self.keys[slot as usize]
    }

    pub fn slot_of(&self, key: NodeKey) -> Option<Slot> {
        self.slot_of.get(&key).copied()
    }

    pub fn listed(&self) -> &[Slot] {
        &self.listed
    }

    /// Announces a kind of node. Nodes whose pods must be told apart by their names need one each.
    pub fn shape(&mut self, node: Arc<Node>) -> ShapeId {
        let admits = vec![None; self.specs.len()];
        self.shapes.push(Shape { node, admits });
        self.shapes.len() as ShapeId - 1
    }

    /// Adds a node at the end of the list.
    pub fn add_node(&mut self, key: NodeKey, shape: ShapeId) -> Slot {
        let slot = self.state.add_node(NodeState::new(Arc::clone(&self.shapes[shape as usize].node))) as Slot;
        self.keys.push(key);
        self.shape_of.push(shape);
        self.slot_of.insert(key, slot);
        self.listed.push(slot);
        self.changes.push(Change::NodeAdded { has_own_shape: false });
        slot
    }

    /// Adds a fresh node of a group, with its DaemonSets' pods. `shape` is that of the template.
    pub fn add_copy(&mut self, key: NodeKey, template: &Template, shape: ShapeId) -> Slot {
        let shape = if self.has_topology {
            let name = format!("{}-{key:?}", template.node.name);
            self.shape(Arc::new(fresh_copy(&template.node, name)))
        } else {
            shape
        };
        let slot = self.add_node(key, shape);
        if let Some(Change::NodeAdded { has_own_shape }) = self.changes.last_mut() {
            *has_own_shape = self.has_topology;
        }
        self.put_daemons(slot, &template.daemons);
        slot
    }

    /// Puts pods of DaemonSets on a node, which have no number elsewhere.
    pub fn put_daemons(&mut self, slot: Slot, daemons: &[SpecId]) {
        // Numbers of all other pods are below.
        let first = (1 << (PodId::NUMBER_BITS - 1)) + u64::from(slot) * 1_000;
        for (number, spec) in (first..).zip(daemons) {
            self.put(slot, PodId::new(*spec, number));
        }
    }

    /// Makes a slot that of another node, without pods. Not for thoughts: it cannot be taken back.
    pub fn reset(&mut self, slot: Slot, key: NodeKey, shape: ShapeId) {
        let pods: Vec<PodId> = self.pods(slot).collect();
        for pod in pods.into_iter().rev() {
            self.state.remove_pod(slot as usize, pod.0);
        }
        let index = slot as usize;
        self.state.update_node(index, Arc::clone(&self.shapes[shape as usize].node));
        if self.slot_of.get(&self.keys[index]) == Some(&slot) {
            self.slot_of.remove(&self.keys[index]);
        }
        self.keys[index] = key;
        self.shape_of[index] = shape;
        self.slot_of.insert(key, slot);
    }

    /// Lists these nodes, and no others, in this order.
    pub fn list(&mut self, slots: impl Iterator<Item = Slot>) {
        self.listed.clear();
        self.listed.extend(slots);
    }

    /// Makes everything as it is now the ground for further thoughts.
    pub fn settle(&mut self) {
        self.changes.clear();
    }

    /// A key for a node that a scale-up would bring.
    pub fn new_key(&mut self) -> NodeKey {
        self.new_nodes += 1;
        NodeKey::New(self.new_nodes)
    }

    /// Puts a pod on a node, whether it fits or not.
    pub fn put(&mut self, slot: Slot, pod: PodId) {
        let spec = Arc::clone(self.spec(pod.spec()));
        self.state.add_pod(slot as usize, PodOnNode::new(pod.0, spec));
        self.changes.push(Change::PodAdded(slot, pod));
    }

    /// The pods of a node, in the order in which they came.
    pub fn pods(&self, slot: Slot) -> impl ExactSizeIterator<Item = PodId> + '_ {
        self.state(slot).pods().iter().map(|pod| PodId(pod.id))
    }

    pub fn remove_pod(&mut self, slot: Slot, pod: PodId) {
        if let Some(removed) = self.state.remove_pod(slot as usize, pod.0) {
            self.changes.push(Change::PodRemoved(slot, removed));
        }
    }

    /// Replaces what filters see of a node, for instance by the same with a taint.
    pub fn replace_node(&mut self, slot: Slot, with: Arc<Node>) {
        let was = Arc::clone(&self.state(slot).node);
        self.state.update_node(slot as usize, with);
        self.changes.push(Change::NodeReplaced(slot, was));
    }

    pub fn mark(&self) -> Mark {
        Mark(self.changes.len())
    }

    /// Takes back everything since `mark`.
    pub fn go_back(&mut self, mark: Mark) {
        while self.changes.len() > mark.0 {
            match self.changes.pop().expect("there is one more") {
                Change::PodAdded(slot, pod) => {
                    self.state.remove_pod(slot as usize, pod.0);
                }
                Change::PodRemoved(slot, pod) => self.state.add_pod(slot as usize, pod),
                Change::NodeReplaced(slot, was) => self.state.update_node(slot as usize, was),
                Change::NodeAdded { has_own_shape } => {
                    let slot = self.keys.len() - 1;
                    self.state.remove_node(slot);
                    self.slot_of.remove(&self.keys[slot]);
                    self.keys.pop();
                    let shape = self.shape_of.pop();
                    if has_own_shape && shape == Some(self.shapes.len() as ShapeId - 1) {
                        self.shapes.pop();
                    }
                    self.listed.pop();
                }
            }
        }
    }

    /// Whether a pod passes all filters on a node.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check(&mut self, spec: SpecId, slot: Slot) -> Result<(), Reason> {
        let pod = Arc::clone(self.spec(spec));
        let filters = Filters::new(&pod, &self.state);
        filters.check(self.state.node(slot as usize))?;
        if avoids(&pod, &self.state(slot).node) { Err(Reason::NodeAffinity) } else { Ok(()) }
    }

    /// Puts a pod on a node if it passes all filters there.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn try_on(&mut self, pod: PodId, slot: Slot) -> Result<(), Reason> {
        self.check(pod.spec(), slot)?;
        self.put(slot, pod);
        Ok(())
    }

    /// Puts a pod on the next node of the list that `accepts` it and on which it passes all filters. Only positions from
    /// `from` on are looked at.
    ///
    /// `full` remembers in vain attempts for this spec while nodes only fill up; it is not used where more pods may make
    /// room for others.
    pub fn try_anywhere(
        &mut self,
        pod: PodId,
        from: usize,
        full: Option<&mut KnownFull>,
        accepts: impl Fn(Slot) -> bool,
    ) -> Option<Slot> {
        let count = self.listed.len();
        if count <= from {
            return None;
        }
        let spec = Arc::clone(self.spec(pod.spec()));
        let filters = Filters::new(&spec, &self.state);
        let Self { state, shape_of, listed, shapes, .. } = self;
        let is_simple = !filters.has_topology();
        let mut passes = |position: usize| {
            let slot = listed[position];
            if !accepts(slot) {
                return false;
            }
            let node = state.node(slot as usize);
            let shape = &mut shapes[shape_of[slot as usize] as usize];
            let is_known = Arc::ptr_eq(&shape.node, &node.node);
            let admits = if is_known {
                *shape.admits[pod.spec() as usize].get_or_insert_with(|| {
                    filters.check_node(&node.node).is_ok() && !avoids(&spec, &node.node)
                })
            } else {
                filters.check_node(&node.node).is_ok() && !avoids(&spec, &node.node)
            };
            admits
                && if is_simple && spec.host_ports.is_empty() {
                    fits(&spec.requests, node)
                } else {
                    filters.check(node).is_ok()
                }
        };
        let start = (self.next % count).max(from);
        let found = match full.filter(|_| is_simple) {
            Some(full) => {
                full.find(start - from, count - from, |bin| passes(bin + from)).map(|bin| bin + from)
            }
            None => (start..count).chain(from..start).find(|position| passes(*position)),
        }?;
        self.next = (found + 1) % count;
        let slot = self.listed[found];
        self.put(slot, pod);
        Some(slot)
    }

    /// Where the next search starts, to see whether anything was found in between.
    pub fn position(&self) -> usize {
        self.next
    }
}

/// NodeResourcesFit, as [`Filters::check`] has it.
fn fits(requests: &ResourceList, node: &NodeState) -> bool {
    let (allocatable, requested) = (&node.node.allocatable, node.requested());
    (node.pods().len() as i64) < allocatable[crate::kube::PODS]
        && requests.iter().all(|(index, asked)| {
            asked <= 0
                || index == crate::kube::PODS
                || if index == crate::kube::CPU {
                    requests.milli_cpu() <= allocatable.milli_cpu() - requested.milli_cpu()
                } else {
                    asked <= allocatable[index] - requested[index]
                }
        })
}

/// Whether a pod must not be put on Spot capacity, and this is some.
fn avoids(pod: &PodSpec, node: &Node) -> bool {
    let is = |key: &str, value: &str| node.labels.get(key).is_some_and(|label| label == value);
    pod.avoids_spot
        && (is("eks.amazonaws.com/capacityType", "SPOT") || is("karpenter.sh/capacity-type", "spot"))
}

/// Whether a pod's topology speaks of single nodes.
pub fn mentions_hostname(pod: &PodSpec) -> bool {
    pod.spread.iter().any(|constraint| constraint.topology_key == HOSTNAME_LABEL)
}

/// Where pods were placed last time. A hint that was of no use in a loop is forgotten after it
/// (`cluster-autoscaler/simulator/scheduling/hints.go`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    old: FxHashMap<PodId, NodeKey>,
    new: FxHashMap<PodId, NodeKey>,
}

impl Hints {
    pub fn get(&self, pod: PodId) -> Option<NodeKey> {
        self.new.get(&pod).or_else(|| self.old.get(&pod)).copied()
    }

    pub fn set(&mut self, pod: PodId, node: NodeKey) {
        self.new.insert(pod, node);
    }

    /// At the end of a loop; gives whether the hints are other ones than after the last.
    pub fn drop_old(&mut self) -> bool {
        std::mem::swap(&mut self.old, &mut self.new);
        let changed = self.old != self.new;
        self.new.clear();
        changed
    }
}
