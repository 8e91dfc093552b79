//! kube-scheduler's default profile: which Ready node a pending pod is bound to.
//!
//! The real one filters and scores nodes for every pod. Here each class of pods keeps a row with the score of
//! every node; binding or ending a pod changes one node, and a row catches up with the changes only when a pod
//! of its class is scheduled. The choice is the same, for a fraction of the work.

mod filter;
mod queue;
pub mod score;
mod select;

pub use filter::{ARCH_LABEL, NodeLabels, admits};
pub use queue::{Batch, SchedulingQueue, backoff};
pub use score::scored_request;
pub use select::{INFEASIBLE, Scores, Selection, feasible_nodes_to_find};

use rustc_hash::FxHashMap;

use super::cluster::{Cluster, Node, NodeId, NodeState};
use crate::platform;
use crate::rng::{Draws, Purpose};
use crate::trace::Words;
use crate::units::{Cpu, Memory, Resources};
use crate::workload::{ClassId, ImageId, PodClass, Workload};

pub const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

#[derive(Debug)]
pub struct KubeScheduler<'a> {
    config: platform::KubeScheduler,
    workload: &'a Workload,
    words: &'a Words,
    zones: &'a [String],
    draws: Draws,
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
    /// `admits` by shape, then by node type and zone; filled in when first needed.
    admitted: Vec<Vec<Admission>>,
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
    /// With so many `PreferNoSchedule` taints that the pod does not tolerate.
    Yes(u32),
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
        let (shape_of, shapes) = shapes(&workload.classes);
        Self {
            config,
            workload,
            words,
            zones,
            draws,
            shape_of,
            rows: vec![Row::default(); shapes],
            journal: Vec::new(),
            journal_dropped: 0,
            journal_read: 0,
            admitted: vec![Vec::new(); shapes],
            images: vec![ImageNodes::default(); workload.images.len()],
            next_start: 0,
        }
    }

    /// Must be called whenever what fits on a node may have changed.
    pub fn node_changed(&mut self, node: NodeId) {
        let unread = self.journal_read < self.journal_dropped + self.journal.len();
        if !unread || self.journal.last() != Some(&node) {
            self.journal.push(node);
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
        let avoids = self.admitted[shape].iter().any(|a| matches!(a, Admission::Yes(n) if *n > 0));
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
        let selection = if avoids {
            let penalised = self.with_taint_scores(cluster, class, &scores, start, enough);
            Scores { base: &penalised, ..scores }.select(start, enough, tie)
        } else {
            scores.select(start, enough, tie)
        };
        self.next_start = (start + selection.visited) % nodes;
        selection.node.map(|n| n as NodeId)
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

    /// TaintToleration (weight 3): fewer avoided taints are better, relative to the worst sampled node.
    fn with_taint_scores(
        &self,
        cluster: &Cluster,
        class: ClassId,
        scores: &Scores,
        start: usize,
        enough: usize,
    ) -> Vec<i16> {
        const WEIGHT: i64 = 3;
        let avoided = |n: usize| {
            let node = &cluster.nodes[n];
            match self.admitted[self.shape_of[class as usize] as usize][self.kind_index(node)] {
                Admission::Yes(count) => i64::from(count),
                _ => 0,
            }
        };
        let nodes = scores.base.len();
        let visited = scores.select(start, enough, |_| 0).visited;
        let sampled = (0..visited).map(|i| (start + i) % nodes).filter(|n| scores.base[*n] >= 0);
        let worst = sampled.map(avoided).max().unwrap_or(0).max(1);
        let with_taints = |n: usize| {
            let taint_score = score::MAX_SCORE - score::MAX_SCORE * avoided(n).min(worst) / worst;
            scores.base[n] + (WEIGHT * taint_score) as i16
        };
        (0..nodes).map(|n| if scores.base[n] >= 0 { with_taints(n) } else { INFEASIBLE }).collect()
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
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: usize) -> i16 {
        let node = &cluster.nodes[node];
        let pod: &PodClass = &self.workload.classes[class as usize];
        if !node.is_schedulable() || !pod.requests.fits_in(&node.free) {
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
        let with = score::balance(&(*allocatable - node.free + pod.requests), allocatable);
        (fit + score::balanced_allocation(self.config.balanced_allocation, with, node.balance)) as i16
    }

    fn kind_index(&self, node: &Node) -> usize {
        node.kind as usize * self.zones.len().max(1) + usize::from(node.zone)
    }

    fn admission(&mut self, cluster: &Cluster, class: ClassId, node: &Node) -> Admission {
        let index = self.kind_index(node);
        let known = &mut self.admitted[self.shape_of[class as usize] as usize];
        if known.len() <= index {
            known.resize(index + 1, Admission::Unknown);
        }
        if known[index] == Admission::Unknown {
            let pod = &self.workload.classes[class as usize];
            let node_type = &cluster.types[node.kind as usize];
            let zone = self.zones.get(usize::from(node.zone));
            known[index] = match admits_pod(&node_type.labels, zone, pod, self.words) {
                Some(avoided) => Admission::Yes(avoided),
                None => Admission::No,
            };
        }
        known[index]
    }
}

/// Whether `pod` may run on a node with these labels in `zone`; if so, how many `PreferNoSchedule` taints of it the
/// pod does not tolerate.
pub fn admits_pod(labels: &NodeLabels, zone: Option<&String>, pod: &PodClass, words: &Words) -> Option<u32> {
    if labels.is_spot && !pod.interruptible {
        return None;
    }
    let (selector, tolerations) = (words.get(pod.node_selector), words.get(pod.tolerations));
    match zone {
        Some(zone) => {
            let mut labels = labels.clone();
            labels.labels.insert(ZONE_LABEL.to_owned(), zone.clone());
            admits(&labels, pod.arch, selector, tolerations)
        }
        None => admits(labels, pod.arch, selector, tolerations),
    }
}

/// Numbers the shapes of `classes`: the shape of each class, and how many there are.
fn shapes(classes: &[PodClass]) -> (Vec<u32>, usize) {
    let mut numbers = FxHashMap::default();
    let shape_of = classes
        .iter()
        .map(|pod| {
            let next = numbers.len() as u32;
            let shape = (pod.requests, pod.arch, pod.node_selector, pod.tolerations, pod.interruptible);
            *numbers.entry(shape).or_insert(next)
        })
        .collect();
    (shape_of, numbers.len())
}
