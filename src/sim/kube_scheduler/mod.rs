//! kube-scheduler's default profile: which Ready node a pending pod is bound to.
//!
//! The real one filters and scores nodes for every pod. Here each class of pods keeps a row with the score of
//! every node; binding or ending a pod changes one node, and a row catches up with the changes only when a pod
//! of its class is scheduled. The choice is the same, for a fraction of the work. Where a pod's place depends on other
//! pods, too, [`neighbours`] knows, and the rules of [`crate::decide::kube_scheduler`] are applied pod by pod.

mod filter;
mod neighbours;
mod queue;
pub mod score;
mod select;

pub use filter::{ARCH_LABEL, NodeLabels};
pub use queue::{Batch, SchedulingQueue, backoff};
pub use score::scored_request;
pub use select::{INFEASIBLE, Scores, Selection, feasible_nodes_to_find};

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::cluster::{Cluster, Node, NodeId, NodeState};
use super::event::RunIndex;
use crate::decide::kube_scheduler::Filters;
use crate::decide::kube_scheduler::filter::admits as admits_on;
use crate::decide::kube_scheduler::score::{of_labels, preference, untolerated};
use crate::kube::{self, PodSpec};
use crate::platform;
use crate::rng::{Draws, Purpose};
use crate::trace::Words;
use crate::units::{Cpu, Memory, Resources, Time};
use crate::workload::{ClassId, ImageId, PodClass, Workload};
use neighbours::Neighbours;

pub const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

#[derive(Debug)]
pub struct KubeScheduler<'a> {
    config: platform::KubeScheduler,
    workload: &'a Workload,
    zones: &'a [String],
    draws: Draws,
    /// By class.
    specs: Vec<Arc<PodSpec>>,
    /// Kept only if pods' places depend on each other.
    neighbours: Option<Neighbours>,
    /// What decides where a pod fits and what scores it there, images apart: classes that differ only in the rest
    /// share a row.
    shape_of: Vec<u32>,
    /// By shape.
    rows: Vec<Row>,
    /// Nodes in the order in which they changed; rows remember how far they have read.
    journal: Vec<NodeId>,
    /// How many entries were dropped from the front of the journal.
    journal_dropped: usize,
    /// How far any row has read: what was read is never taken for a change to come.
    journal_read: usize,
    /// By shape, then by node type and zone; filled in when first needed.
    admitted: Vec<Vec<Admission>>,
    /// By shape: whether some kind of node is worth more than another by its labels and taints.
    compares: Vec<bool>,
    images: Vec<ImageNodes>,
    /// Where the next search starts.
    next_start: usize,
}

/// Scores of all nodes for one class, as of some point in the journal.
#[derive(Clone, Debug, Default)]
struct Row {
    scores: Vec<i16>,
    feasible: usize,
    read: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Admission {
    #[default]
    Unknown,
    No,
    Yes {
        /// `PreferNoSchedule` taints that the pod does not tolerate.
        avoided: i64,
        /// Weights of the preferred terms of node affinity that hold.
        preferred: i64,
    },
}

/// The nodes that have an image.
#[derive(Clone, Debug, Default)]
struct ImageNodes {
    /// −1 for a node that has it, 0 otherwise.
    mask: Vec<i16>,
    count: usize,
}

impl<'a> KubeScheduler<'a> {
    pub fn new(
        config: platform::KubeScheduler,
        workload: &'a Workload,
        words: &'a Words,
        zones: &'a [String],
        draws: Draws,
    ) -> Self {
        Self::with_specs(config, workload, workload.pod_specs(words), zones, draws)
    }

    /// What pods ask for, by class.
    pub fn specs(&self) -> &[Arc<PodSpec>] {
        &self.specs
    }

    /// With a spec for each class of the workload, which may say more than the class.
    pub fn with_specs(
        config: platform::KubeScheduler,
        workload: &'a Workload,
        specs: Vec<Arc<PodSpec>>,
        zones: &'a [String],
        draws: Draws,
    ) -> Self {
        let (shape_of, shapes) = shapes(&workload.classes, &specs);
        Self {
            config,
            workload,
            zones,
            draws,
            neighbours: Neighbours::of(&specs, config.preemption),
            specs,
            shape_of,
            rows: vec![Row::default(); shapes],
            journal: Vec::new(),
            journal_dropped: 0,
            journal_read: 0,
            admitted: vec![Vec::new(); shapes],
            compares: vec![false; shapes],
            images: vec![ImageNodes::default(); workload.images.len()],
            next_start: 0,
        }
    }

    /// Must be called whenever what fits on a node may have changed.
    pub fn node_changed(&mut self, cluster: &Cluster, node: NodeId) {
        let unread = self.journal_read < self.journal_dropped + self.journal.len();
        if !unread || self.journal.last() != Some(&node) {
            self.journal.push(node);
        }
        if let Some(neighbours) = &mut self.neighbours {
            let state = &cluster.nodes[node as usize];
            let labels = &cluster.types[state.kind as usize].labels;
            let zone = self.zones.get(usize::from(state.zone));
            neighbours.sync_node(cluster, node, || labels.node(zone));
        }
    }

    /// Must be called when a pod was bound, before [`Self::node_changed`].
    pub fn pod_bound(&mut self, node: NodeId, run: RunIndex, class: ClassId, now: Time) {
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.pod_bound(node, run, class, &self.specs[class as usize], now);
        }
    }

    /// Must be called when a pod is gone, before [`Self::node_changed`].
    pub fn pod_released(&mut self, node: NodeId, run: RunIndex, class: ClassId) {
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.pod_released(node, run, class);
        }
    }

    /// Must be called when a pod gets its deletion timestamp.
    pub fn pod_terminating(&mut self, node: NodeId, run: RunIndex) {
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.pod_terminating(node, run);
        }
    }

    /// Must be called when a node has got an image, and for each of its images when it is gone.
    pub fn image_changed(&mut self, node: NodeId, image: ImageId, present: bool) {
        let nodes = &mut self.images[image as usize];
        if nodes.mask.len() <= node as usize {
            nodes.mask.resize(node as usize + 1, 0);
        }
        let mask = if present { -1 } else { 0 };
        if nodes.mask[node as usize] != mask {
            nodes.mask[node as usize] = mask;
            if present { nodes.count += 1 } else { nodes.count -= 1 }
        }
    }

    /// Chooses a node for a pod of `class`; `key` and `failures` decide among equals.
    pub fn place(&mut self, cluster: &Cluster, class: ClassId, key: u64, failures: u8) -> Option<NodeId> {
        self.refresh(cluster, class);
        let shape = self.shape_of[class as usize] as usize;
        let nodes = cluster.nodes.len();
        if self.rows[shape].feasible == 0 {
            // All nodes were looked at in vain: the next search starts at the same place.
            return None;
        }
        let image = self.workload.classes[class as usize].image;
        let locality = self.image_score(cluster, image);
        self.images[image as usize].mask.resize(nodes, 0);
        let have_image = &self.images[image as usize].mask;
        let row = &self.rows[shape];
        let scores = Scores {
            base: &row.scores,
            has_image: if locality == 0 { &[] } else { have_image },
            image_score: locality,
        };
        let draws = self.draws;
        let tie = |n| draws.below(Purpose::SchedulerTie, key, u32::from(failures), n);
        let enough = feasible_nodes_to_find(cluster.ready());
        let start = self.next_start % nodes;
        let concerns_others = self.neighbours.as_ref().is_some_and(|others| others.concerns(class));
        let selection = if concerns_others || self.compares[shape] {
            let (compared, visited) = self.compared(cluster, class, start, enough);
            let selection = Scores { base: &compared, ..scores }.select(start, enough, tie);
            Selection { visited, ..selection }
        } else {
            scores.select(start, enough, tie)
        };
        self.next_start = (start + selection.visited) % nodes;
        selection.node.map(|n| n as NodeId)
    }

    /// Chooses a node for a pod that waits for others to leave one: that one if they have left.
    pub fn place_nominated(
        &mut self,
        cluster: &Cluster,
        (run, class): (RunIndex, ClassId),
        key: u64,
        failures: u8,
    ) -> Option<NodeId> {
        let Some(promised) = self.nomination(run) else {
            return self.place(cluster, class, key, failures);
        };
        self.clear_nomination(cluster, run);
        self.refresh(cluster, class);
        let shape = self.shape_of[class as usize] as usize;
        let spec = self.specs[class as usize].clone();
        let has_room = self.rows[shape].scores[promised as usize] >= 0
            && self
                .neighbours
                .as_ref()
                .is_none_or(|others| others.filters(&spec).check(others.node(promised as usize)).is_ok());
        let node = if has_room { Some(promised) } else { self.place(cluster, class, key, failures) };
        if node.is_none() && cluster.nodes[promised as usize].is_schedulable() {
            self.nominate(cluster, (run, class), promised);
        }
        node
    }

    /// The node that a pod waits for, whose victims are to leave it.
    pub fn nomination(&self, run: RunIndex) -> Option<NodeId> {
        self.neighbours.as_ref().and_then(|others| others.nomination(run))
    }

    /// Whether any pod waits for a node that others are to leave.
    pub fn has_nominations(&self) -> bool {
        self.neighbours.as_ref().is_some_and(Neighbours::has_nominations)
    }

    fn nominate(&mut self, cluster: &Cluster, (run, class): (RunIndex, ClassId), node: NodeId) {
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.nominate(run, class, &self.specs[class as usize], node);
        }
        self.node_changed(cluster, node);
    }

    /// Must be called when a pod that waited for a node is no longer wanted.
    pub fn clear_nomination(&mut self, cluster: &Cluster, run: RunIndex) {
        let node = self.neighbours.as_mut().and_then(|others| others.clear_nomination(run));
        if let Some(node) = node {
            self.node_changed(cluster, node);
        }
    }

    /// PostFilter: which pods of lower priority have to go for a pod that fits nowhere. It is promised their room.
    pub fn preempt(
        &mut self,
        cluster: &Cluster,
        (run, class): (RunIndex, ClassId),
        key: u64,
        failures: u8,
    ) -> Option<Vec<RunIndex>> {
        let spec = &self.specs[class as usize];
        let neighbours = self.neighbours.as_mut().filter(|_| self.config.preemption)?;
        let draws = self.draws;
        let before = neighbours.nomination(run);
        let offset = |n| draws.below(Purpose::Preemption, key, u32::from(failures), n);
        let found = neighbours.preempt(run, class, spec, offset);
        for node in before.into_iter().chain(found.iter().map(|(node, _)| *node)) {
            self.node_changed(cluster, node);
        }
        found.map(|(_, victims)| victims)
    }

    /// QueueingHints of the filters that look at other pods: which of these waiting classes may have been helped by what
    /// came and went since the last call.
    pub fn helped(&mut self, waiting: &[ClassId]) -> Vec<ClassId> {
        self.neighbours.as_mut().map(|others| others.helped(waiting, &self.specs)).unwrap_or_default()
    }

    /// Whether anything came or went that might help a waiting pod.
    pub fn has_events(&self) -> bool {
        self.neighbours.as_ref().is_some_and(Neighbours::has_events)
    }

    /// Nobody waits: what came and went helps nobody.
    pub fn forget_events(&mut self) {
        if let Some(neighbours) = &mut self.neighbours {
            neighbours.forget_events();
        }
    }

    /// Whether a pod of `class` fits on `node` now.
    pub fn fits(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> bool {
        let admitted = self.admission(cluster, class, &cluster.nodes[node as usize]);
        let state = &cluster.nodes[node as usize];
        let request = &self.workload.classes[class as usize].requests;
        admitted != Admission::No && state.is_schedulable() && request.fits_in(&state.free)
    }

    /// Whether some node that is there or on its way could hold a pod of `class` if nothing else ran on it.
    pub fn could_fit(&mut self, cluster: &Cluster, class: ClassId) -> bool {
        let request = self.workload.classes[class as usize].requests;
        (0..cluster.nodes.len()).any(|n| {
            let node = &cluster.nodes[n];
            let template = &cluster.types[node.kind as usize].template;
            matches!(node.state, NodeState::Starting | NodeState::Ready)
                && !node.cordoned
                && request.fits_in(&(template.allocatable - template.daemons))
                && self.admission(cluster, class, node) != Admission::No
        })
    }

    /// The scores of the nodes that a search from `start` finds feasible, with the plugins that compare them to each
    /// other, and how many nodes it looked at.
    fn compared(&self, cluster: &Cluster, class: ClassId, start: usize, enough: usize) -> (Vec<i16>, usize) {
        let shape = self.shape_of[class as usize] as usize;
        let base = &self.rows[shape].scores;
        let spec = &self.specs[class as usize];
        let others = self.neighbours.as_ref().filter(|others| others.concerns(class));
        let filters = others.map(|others| (others, others.filters(spec)));
        let mut feasible = Vec::new();
        let mut visited = 0;
        while visited < base.len() && feasible.len() < enough {
            let node = (start + visited) % base.len();
            visited += 1;
            let passes = |(others, filters): &(&Neighbours, _)| check(filters, others, node);
            if base[node] >= 0 && filters.as_ref().is_none_or(passes) {
                feasible.push(node);
            }
        }
        let labels: Vec<(i64, i64)> = feasible
            .iter()
            .map(|node| match self.admitted[shape][self.kind_index(&cluster.nodes[*node])] {
                Admission::Yes { avoided, preferred } => (avoided, preferred),
                _ => (0, 0),
            })
            .collect();
        let mut compared = vec![INFEASIBLE; base.len()];
        for (node, score) in feasible.iter().zip(of_labels(&labels)) {
            compared[*node] = base[*node] + score as i16;
        }
        if let Some(others) = others {
            for (node, score) in feasible.iter().zip(others.scores(spec, &feasible)) {
                compared[*node] += score as i16;
            }
        }
        (compared, visited)
    }

    fn image_score(&self, cluster: &Cluster, image: ImageId) -> i16 {
        let count = self.images[image as usize].count;
        if count == 0 || count == cluster.ready() {
            return 0; // Nobody has it or everybody: it decides nothing.
        }
        let size: Memory = self.workload.images[image as usize].size;
        score::image_locality(size, count, cluster.ready()) as i16
    }

    /// Brings the row of `class`'s shape up to date with the journal.
    fn refresh(&mut self, cluster: &Cluster, class: ClassId) {
        let nodes = cluster.nodes.len();
        let end = self.journal_dropped + self.journal.len();
        let shape = self.shape_of[class as usize] as usize;
        let mut row = std::mem::take(&mut self.rows[shape]);
        let unread = end - row.read;
        // A node that is new stands in the journal, too.
        let first = row.scores.is_empty();
        row.scores.resize(nodes, INFEASIBLE);
        if first || unread >= nodes || row.read < self.journal_dropped {
            row.scores.clear();
            for node in 0..nodes {
                row.scores.push(self.score(cluster, class, node));
            }
            row.feasible = row.scores.iter().filter(|s| **s >= 0).count();
        } else {
            for i in row.read - self.journal_dropped..self.journal.len() {
                let node = self.journal[i] as usize;
                let score = self.score(cluster, class, node);
                let old = std::mem::replace(&mut row.scores[node], score);
                row.feasible = row.feasible + usize::from(score >= 0) - usize::from(old >= 0);
            }
        }
        row.read = end;
        self.journal_read = end;
        self.rows[shape] = row;
        // Rows that lag further than a whole cluster are computed anew anyway.
        if self.journal.len() > 4 * nodes + 1_024 {
            let drop = self.journal.len() - nodes;
            self.journal.drain(..drop);
            self.journal_dropped += drop;
        }
    }

    /// The plugins that depend on the state of one node: NodeResourcesFit and NodeResourcesBalancedAllocation,
    /// weight 1 each. The others score all nodes alike for pods without affinity or spread, or are added later.
    fn score(&mut self, cluster: &Cluster, class: ClassId, index: usize) -> i16 {
        let node = &cluster.nodes[index];
        let pod: &PodClass = &self.workload.classes[class as usize];
        let free = node.free - self.promised(index as NodeId, class);
        if !node.is_schedulable() || !pod.requests.fits_in(&free) {
            return INFEASIBLE;
        }
        if self.admission(cluster, class, node) == Admission::No {
            return INFEASIBLE;
        }
        let allocatable: &Resources = &cluster.types[node.kind as usize].template.allocatable;
        let (cpu, memory): (Cpu, Memory) = scored_request(&pod.requests);
        let fit = score::resources_fit(
            self.config.scoring,
            (node.scored.0 + cpu, node.scored.1 + memory),
            allocatable,
        );
        if (pod.requests.cpu, pod.requests.memory) == (Cpu::ZERO, Memory::ZERO) {
            return fit as i16; // NodeResourcesBalancedAllocation skips pods that request nothing.
        }
        let with = score::balance(&(*allocatable - node.free + pod.requests), allocatable);
        (fit + score::balanced_allocation(self.config.balanced_allocation, with, node.balance)) as i16
    }

    /// What is promised on a node to pods of the class's priority or a higher one that wait for it.
    fn promised(&self, node: NodeId, class: ClassId) -> Resources {
        let Some(others) = self.neighbours.as_ref().filter(|others| others.has_nominations()) else {
            return Resources::ZERO;
        };
        let classes = &self.workload.classes;
        let priority = classes[class as usize].priority;
        let ahead = others.nominated_to(node).map(|class| &classes[class as usize]);
        ahead.filter(|of| of.priority >= priority).fold(Resources::ZERO, |sum, of| sum + of.requests)
    }

    fn kind_index(&self, node: &Node) -> usize {
        node.kind as usize * self.zones.len().max(1) + usize::from(node.zone)
    }

    fn admission(&mut self, cluster: &Cluster, class: ClassId, node: &Node) -> Admission {
        let index = self.kind_index(node);
        let shape = self.shape_of[class as usize] as usize;
        let known = &mut self.admitted[shape];
        if known.len() <= index {
            known.resize(index + 1, Admission::Unknown);
        }
        if known[index] == Admission::Unknown {
            let labels = &cluster.types[node.kind as usize].labels;
            let of_kind = labels.node(self.zones.get(usize::from(node.zone)));
            known[index] = admission(labels.is_spot, &of_kind, &self.specs[class as usize]);
            let is_worth = known[index] != Admission::No && known[index] != Admission::INDIFFERENT;
            self.compares[shape] |= is_worth;
        }
        known[index]
    }
}

impl Admission {
    const INDIFFERENT: Self = Self::Yes { avoided: 0, preferred: 0 };
}

fn admission(is_spot: bool, node: &kube::Node, spec: &PodSpec) -> Admission {
    if is_spot && spec.avoids_spot || admits_on(spec, node).is_err() {
        return Admission::No;
    }
    Admission::Yes { avoided: untolerated(spec, node), preferred: preference(spec, node) }
}

fn check(filters: &Filters, others: &Neighbours, node: usize) -> bool {
    filters.check(others.node(node)).is_ok()
}

/// Whether `pod` may run on a node with these labels in `zone`; if so, how many `PreferNoSchedule` taints of it the
/// pod does not tolerate.
pub fn admits_pod(labels: &NodeLabels, zone: Option<&String>, pod: &PodSpec) -> Option<u32> {
    match admission(labels.is_spot, &labels.node(zone), pod) {
        Admission::Yes { avoided, .. } => Some(avoided as u32),
        _ => None,
    }
}

/// Numbers the shapes of `classes`: the shape of each class, and how many there are.
fn shapes(classes: &[PodClass], specs: &[Arc<PodSpec>]) -> (Vec<u32>, usize) {
    let mut numbers: FxHashMap<_, u32> = FxHashMap::default();
    let shape_of = classes.iter().zip(specs).map(|(class, spec)| {
        let next = numbers.len() as u32;
        // Two pods of different priority do not see the same room where a node is promised to a pod between them.
        let shape = PodSpec {
            node_selector: spec.node_selector.clone(),
            required_node_terms: spec.required_node_terms.clone(),
            preferred_node_terms: spec.preferred_node_terms.clone(),
            tolerations: spec.tolerations.clone(),
            avoids_spot: spec.avoids_spot,
            priority: spec.priority,
            ..PodSpec::default()
        };
        *numbers.entry((class.requests, shape)).or_insert(next)
    });
    (shape_of.collect(), numbers.len())
}
