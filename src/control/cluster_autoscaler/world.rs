//! The simulated cluster in Kubernetes' words, as Cluster Autoscaler's deciders want it, kept in step with the cluster
//! from loop to loop: only nodes that changed are looked at again.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::node_group::ManagedGroup;
use crate::control::View;
use crate::decide::cluster_autoscaler::filter_out_schedulable::PendingPod;
use crate::decide::cluster_autoscaler::snapshot::{Mark, NodeKey, PodId, ShapeId, Slot, Snapshot, SpecId};
use crate::decide::cluster_autoscaler::template::{Template, fresh_copy};
use crate::kube::{Node, OwnerRef, PODS, PodSpec, ResourceList, Taint, TaintEffect};
use crate::ledger::{LeaseId, TemplateId};
use crate::platform;
use crate::sim::kube_scheduler::ZONE_LABEL;
use crate::sim::{NodeState, NodeType, RunIndex};
use crate::units::{Resources, Time};

pub struct World {
    pub snapshot: Snapshot,
    /// By kind of node: its DaemonSets' pods.
    daemons: Vec<Vec<SpecId>>,
    shapes: FxHashMap<(TemplateId, u8), ShapeId>,
    /// Where nodes must be told apart.
    shape_of_lease: FxHashMap<LeaseId, ShapeId>,
    templates: FxHashMap<(TemplateId, u8, bool), (Template, ShapeId)>,
    capacities: FxHashMap<TemplateId, (Resources, Resources)>,
    group_names: FxHashMap<TemplateId, String>,
    /// By place in the cluster: the node's slot, and which version of it that shows.
    seen: Vec<(Slot, u64)>,
    base: Mark,
}

impl World {
    pub fn new(view: &View, groups: &[ManagedGroup]) -> Self {
        let mut specs = view.workload.pod_specs(view.words);
        for (index, (class, spec)) in view.classes.iter().zip(&mut specs).enumerate() {
            let spec = Arc::make_mut(spec);
            // Pods of a class that has a controller are taken to be of one.
            if let Some(owner) = spec.owner.as_mut().filter(|owner| owner.uid.is_empty()) {
                owner.uid = index.to_string();
            }
            // A trace says of a pod that it must not be disrupted, whoever would; to Cluster Autoscaler one says so with
            // the annotation `safe-to-evict: "false"`.
            if class.do_not_disrupt && spec.safe_to_evict.is_none() {
                spec.safe_to_evict = Some(false);
            }
        }
        let daemons = view.cluster.types.iter().map(|of| daemons(&mut specs, of)).collect();
        let mut snapshot = Snapshot::new(specs);
        snapshot.settle();
        let kinds = || groups.iter().flat_map(|group| group.kinds.iter().map(move |kind| (group, kind)));
        Self {
            base: snapshot.mark(),
            snapshot,
            daemons,
            shapes: FxHashMap::default(),
            shape_of_lease: FxHashMap::default(),
            templates: FxHashMap::default(),
            capacities: kinds().map(|(_, kind)| (kind.kind, (kind.nominal, kind.capacity))).collect(),
            group_names: kinds().map(|(group, kind)| (kind.kind, group.name.clone())).collect(),
            seen: Vec::new(),
        }
    }

    /// Shows the cluster as it is now. Nodes that take no pods, or that are `leaving`, are not searched.
    pub fn follow(&mut self, view: &View, is_leaving: impl Fn(LeaseId) -> bool) {
        self.snapshot.go_back(self.base);
        for (id, node) in view.cluster.nodes.iter().enumerate() {
            if self.seen.get(id).is_some_and(|(_, version)| *version == node.changed) {
                continue;
            }
            if id == self.seen.len() {
                let shape = self.nowhere();
                self.seen.push((self.snapshot.add_node(NodeKey::Node(u32::MAX), shape), 0));
            }
            let slot = self.seen[id].0;
            self.seen[id].1 = node.changed;
            // A node that is not Ready yet is shown as one that is coming, see `add_upcoming`.
            if matches!(node.state, NodeState::Gone | NodeState::Starting) {
                let shape = self.nowhere();
                self.snapshot.reset(slot, NodeKey::Node(u32::MAX), shape);
                continue;
            }
            let shape = self.shape(view, node.kind, node.zone, node.lease);
            self.snapshot.reset(slot, NodeKey::Node(node.lease), shape);
            self.snapshot.put_daemons(slot, &self.daemons[node.kind as usize]);
            for run in &node.pods {
                self.snapshot.put(slot, pod_id(view, *run));
            }
        }
        let seen = &self.seen;
        let shown = view.cluster.nodes.iter().zip(seen);
        let shown = shown.filter(|(node, _)| node.is_schedulable() && !is_leaving(node.lease));
        self.snapshot.list(shown.map(|(_, (slot, _))| *slot));
        self.snapshot.settle();
        self.base = self.snapshot.mark();
    }

    /// Shows nodes of a group that are on their way.
    pub fn add_upcoming(&mut self, group: u32, template: &(Template, ShapeId), count: u32) {
        for index in 0..count {
            self.snapshot.add_copy(NodeKey::Upcoming { group, index }, &template.0, template.1);
        }
    }

    /// The slot of a node that is there.
    pub fn slot(&self, lease: LeaseId) -> Option<Slot> {
        self.snapshot.slot_of(NodeKey::Node(lease))
    }

    pub fn pending(view: &View, cutoff: i32) -> Vec<PendingPod> {
        let mut classes: Vec<_> = view.queue.waiting_classes().collect();
        classes.retain(|class| view.classes[*class as usize].priority >= cutoff);
        // As they will be sorted, so that nothing needs to move.
        classes.sort_by_key(|class| std::cmp::Reverse(view.classes[*class as usize].priority));
        let pods = classes.into_iter().flat_map(|class| {
            view.queue.waiting_of(class).map(move |run| (PodId::new(class, u64::from(run)), run))
        });
        pods.map(|(id, run)| PendingPod { id, created: view.runs[run as usize].created }).collect()
    }

    /// What a further node of a group is taken to be, copied from a node of `kind` in `zone` or imagined.
    pub fn template(
        &mut self,
        view: &View,
        (kind, zone): (TemplateId, u8),
        is_copy: bool,
    ) -> (Template, ShapeId) {
        if let Some(known) = self.templates.get(&(kind, zone, is_copy)) {
            return known.clone();
        }
        let mut node = self.node(view, kind, zone);
        if !is_copy && let Some((nominal, _)) = self.capacities.get(&kind) {
            (node.capacity, node.allocatable) = ((*nominal).into(), (*nominal).into());
        }
        let name = self.group_names.get(&kind).map_or("", String::as_str);
        let node = Arc::new(fresh_copy(&node, format!("template-node-for-{name}")));
        let specs = self.daemons[kind as usize].iter().map(|id| (*id, &**self.snapshot.spec(*id)));
        let template = Template::new(Arc::clone(&node), specs);
        let shape = self.snapshot.shape(node);
        let made = (template, shape);
        self.templates.insert((kind, zone, is_copy), made.clone());
        made
    }

    fn node(&self, view: &View, kind: TemplateId, zone: u8) -> Node {
        let node_type = &view.cluster.types[kind as usize];
        let allocatable: ResourceList = node_type.template.allocatable.into();
        let capacity = self.capacities.get(&kind).map_or(allocatable, |(_, capacity)| (*capacity).into());
        let mut labels = node_type.labels.labels.clone();
        if let Some(zone) = view.catalog.zones.get(usize::from(zone)) {
            labels.insert(ZONE_LABEL.to_owned(), zone.clone());
        }
        let taints = node_type.labels.taints.iter().map(taint).collect();
        // Of times, only those of the simulated node count.
        Node { labels, taints, capacity, allocatable, ready_since: Some(Time::MIN), ..Node::default() }
    }

    fn shape(&mut self, view: &View, kind: TemplateId, zone: u8, lease: LeaseId) -> ShapeId {
        let known = if self.snapshot.has_topology() {
            self.shape_of_lease.get(&lease)
        } else {
            self.shapes.get(&(kind, zone))
        };
        if let Some(shape) = known {
            return *shape;
        }
        let node = self.node(view, kind, zone);
        if self.snapshot.has_topology() {
            let shape = self.snapshot.shape(Arc::new(fresh_copy(&node, format!("node-{lease}"))));
            self.shape_of_lease.insert(lease, shape);
            return shape;
        }
        let shape = self.snapshot.shape(Arc::new(node));
        self.shapes.insert((kind, zone), shape);
        shape
    }

    /// A place without a node.
    fn nowhere(&mut self) -> ShapeId {
        const NOWHERE: (TemplateId, u8) = (TemplateId::MAX, 0);
        let Self { shapes, snapshot, .. } = self;
        *shapes
            .entry(NOWHERE)
            .or_insert_with(|| snapshot.shape(Arc::new(Node { is_unschedulable: true, ..Node::default() })))
    }
}

pub fn pod_id(view: &View, run: RunIndex) -> PodId {
    let step = view.runs[run as usize].step;
    PodId::new(view.workload.steps.class[step as usize], u64::from(run))
}

/// The pods of a node type's DaemonSets: one with all that they request, and for the others their slots.
fn daemons(specs: &mut Vec<Arc<PodSpec>>, of: &NodeType) -> Vec<SpecId> {
    let all: ResourceList = of.template.daemons.into();
    let mut ids = Vec::new();
    for number in 0..all[PODS] {
        let mut requests = if number == 0 { all } else { ResourceList::ZERO };
        requests[PODS] = 1;
        let owner = OwnerRef { kind: "DaemonSet".to_owned(), name: String::new(), uid: String::new() };
        let spec = PodSpec { requests, owner: Some(owner), ..PodSpec::default() };
        let known = specs.iter().rposition(|known| **known == spec);
        ids.push(known.unwrap_or_else(|| {
            specs.push(Arc::new(spec));
            specs.len() - 1
        }) as SpecId);
    }
    ids
}

fn taint(taint: &platform::Taint) -> Taint {
    let effect = match taint.effect {
        platform::TaintEffect::NoSchedule => TaintEffect::NoSchedule,
        platform::TaintEffect::PreferNoSchedule => TaintEffect::PreferNoSchedule,
        platform::TaintEffect::NoExecute => TaintEffect::NoExecute,
    };
    Taint { key: taint.key.clone(), value: taint.value.clone(), effect }
}
