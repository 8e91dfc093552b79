//! The cluster as one loop sees it: nodes that take pods, nodes that are coming, and what is free on them while pods
//! are placed there in thought.

use rustc_hash::FxHashMap;

use super::template::Template;
use crate::control::View;
use crate::ledger::{LeaseId, TemplateId};
use crate::packing::{KnownFull, RoundRobin};
use crate::sim::kube_scheduler::admits_pod;
use crate::sim::{NodeId, RunIndex};
use crate::units::Resources;
use crate::workload::ClassId;

/// A node's name, by which later loops know it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeName {
    Lease(LeaseId),
    /// The n-th node of a group that is on its way. Loses its name when it is Ready.
    Upcoming {
        group: u32,
        index: u32,
    },
}

#[derive(Clone, Debug)]
pub struct SnapshotNode {
    pub name: NodeName,
    /// Its place in the cluster, if it is there.
    pub id: Option<NodeId>,
    pub kind: TemplateId,
    pub zone: u8,
    pub free: Resources,
    /// Pending pods that were placed here in thought.
    pub guests: Vec<ClassId>,
    /// Whether pods of nodes that are to go may move here.
    pub is_destination: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub nodes: Vec<SnapshotNode>,
    /// By place in the cluster.
    of_id: Vec<u32>,
    /// Where the coming nodes of each group begin.
    upcoming_from: Vec<(u32, u32)>,
}

impl Snapshot {
    /// Nodes that are Ready and take pods, besides those that `is_leaving`.
    pub fn of_cluster(view: &View, is_leaving: impl Fn(LeaseId) -> bool) -> Self {
        let nodes = &view.cluster.nodes;
        let mut snapshot = Self { of_id: vec![u32::MAX; nodes.len()], ..Self::default() };
        for (id, node) in nodes.iter().enumerate().filter(|(_, node)| node.is_schedulable()) {
            if is_leaving(node.lease) {
                continue;
            }
            snapshot.of_id[id] = snapshot.nodes.len() as u32;
            snapshot.nodes.push(SnapshotNode {
                name: NodeName::Lease(node.lease),
                id: Some(id as NodeId),
                kind: node.kind,
                zone: node.zone,
                free: node.free,
                guests: Vec::new(),
                is_destination: true,
            });
        }
        snapshot
    }

    /// Adds `count` nodes of the next group that are on their way.
    pub fn add_upcoming(&mut self, kind: TemplateId, template: &Template, count: u32) {
        let group = self.upcoming_from.len() as u32;
        self.upcoming_from.push((self.nodes.len() as u32, count));
        self.nodes.extend((0..count).map(|index| SnapshotNode {
            name: NodeName::Upcoming { group, index },
            id: None,
            kind,
            zone: template.zone,
            free: template.free,
            guests: Vec::new(),
            is_destination: false,
        }));
    }

    pub fn find(&self, view: &View, name: NodeName) -> Option<usize> {
        match name {
            NodeName::Lease(lease) => {
                let id = *view.node_of_lease.get(lease as usize)?;
                let index = *self.of_id.get(id as usize)? as usize;
                self.nodes.get(index).filter(|node| node.name == name).map(|_| index)
            }
            NodeName::Upcoming { group, index } => {
                let (from, count) = *self.upcoming_from.get(group as usize)?;
                (index < count).then_some((from + index) as usize)
            }
        }
    }
}

/// Which classes of pods the kinds of nodes admit in each zone: found out once.
#[derive(Clone, Debug, Default)]
pub struct Admissions {
    known: FxHashMap<(ClassId, TemplateId, u8), bool>,
}

impl Admissions {
    pub fn admits(&mut self, view: &View, class: ClassId, kind: TemplateId, zone: u8) -> bool {
        *self.known.entry((class, kind, zone)).or_insert_with(|| {
            let labels = &view.cluster.types[kind as usize].labels;
            let zone = view.catalog.zones.get(usize::from(zone));
            admits_pod(labels, zone, &view.workload.pod_spec(class, view.words)).is_some()
        })
    }
}

/// Where pods were placed last time. A hint that was of no use in a loop is forgotten after it
/// (`cluster-autoscaler/simulator/scheduling/hinting_simulator.go`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    old: FxHashMap<RunIndex, NodeName>,
    new: FxHashMap<RunIndex, NodeName>,
}

impl Hints {
    pub fn get(&self, run: RunIndex) -> Option<NodeName> {
        self.new.get(&run).or_else(|| self.old.get(&run)).copied()
    }

    pub fn set(&mut self, run: RunIndex, name: NodeName) {
        self.new.insert(run, name);
    }

    /// At the end of a loop; gives whether the hints are other ones than after the last.
    pub fn drop_old(&mut self) -> bool {
        std::mem::swap(&mut self.old, &mut self.new);
        let changed = self.old != self.new;
        self.new.clear();
        changed
    }
}

/// Pods of one class that fit nowhere now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unplaced {
    pub class: ClassId,
    pub pods: u32,
    /// Whether one of them is old enough not to wait for more to come.
    pub some_old: bool,
}

/// Places pending pods on what is there and coming: highest priority first, the hinted node, then the next one with
/// room behind the last match. Gives those that are left (`core/podlistprocessor/filter_out_schedulable.go`).
///
/// `is_young` says which pods are too young to be helped, and which still let the others wait.
pub fn filter_out_schedulable(
    view: &View,
    snapshot: &mut Snapshot,
    admissions: &mut Admissions,
    hints: &mut Hints,
    search: &mut RoundRobin,
    age: impl Fn(RunIndex) -> PodAge,
) -> Vec<Unplaced> {
    let mut classes = view.queue.waiting_classes().collect::<Vec<_>>();
    classes.retain(|class| view.classes[*class as usize].priority >= EXPENDABLE_BELOW);
    classes.sort_by_key(|class| std::cmp::Reverse(view.classes[*class as usize].priority));
    let mut unplaced = Vec::new();
    for class in classes {
        let request = view.classes[class as usize].requests;
        let mut left = Unplaced { class, pods: 0, some_old: false };
        let mut full = KnownFull::default();
        let mut fits = |nodes: &[SnapshotNode], index: usize| {
            let node = &nodes[index];
            request.fits_in(&node.free) && admissions.admits(view, class, node.kind, node.zone)
        };
        for run in view.queue.waiting_of(class) {
            let hinted = hints.get(run).and_then(|name| snapshot.find(view, name));
            let nodes = &snapshot.nodes;
            let place = hinted
                .filter(|index| fits(nodes, *index))
                .or_else(|| search.find(&mut full, nodes.len(), |index| fits(nodes, index)));
            if let Some(index) = place {
                let node = &mut snapshot.nodes[index];
                node.free -= request;
                node.guests.push(class);
                hints.set(run, node.name);
                continue;
            }
            match age(run) {
                PodAge::TooYoung => {}
                PodAge::New => left.pods += 1,
                PodAge::Old => {
                    left.pods += 1;
                    left.some_old = true;
                }
            }
        }
        if left.pods > 0 {
            unplaced.push(left);
        }
    }
    unplaced
}

/// Pods of lower priority never cause a scale-up (`expendable-pods-priority-cutoff`).
const EXPENDABLE_BELOW: i32 = -10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodAge {
    /// Younger than `new-pod-scale-up-delay`.
    TooYoung,
    /// So young that more pods are probably about to come.
    New,
    Old,
}
