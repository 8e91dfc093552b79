//! Pods onto nodes that are there or on their way: the first one that has room.
//!
//! Source: `existingnode.go` and `scheduler.go: addToExistingNode`.

use super::super::shapes::{ConstraintId, Shapes};
use super::{ExistingNode, Origin, Pod};
use crate::ledger::{LeaseId, TemplateId};
use crate::sim::RunIndex;
use crate::sim::kube_scheduler::NodeLabels;
use crate::units::Resources;

/// Which constraints which kinds of nodes meet in which zones. Filled in when first needed.
#[derive(Clone, Debug)]
pub(super) struct Admissions {
    /// By kind.
    pub labels: Vec<NodeLabels>,
    zones: Vec<String>,
    /// By constraint, then by kind and zone.
    known: Vec<Vec<Option<bool>>>,
}

impl Admissions {
    pub fn new(labels: Vec<NodeLabels>, zones: &[String]) -> Self {
        Self { labels, zones: zones.to_vec(), known: Vec::new() }
    }

    fn admits(&mut self, constraint: ConstraintId, kind: TemplateId, zone: u8, shapes: &Shapes) -> bool {
        let (labels, zones) = (&self.labels, &self.zones);
        if self.known.len() <= constraint as usize {
            self.known.resize(constraint as usize + 1, Vec::new());
        }
        let known = &mut self.known[constraint as usize];
        let places = zones.len().max(1);
        known.resize(known.len().max(labels.len() * places), None);
        *known[kind as usize * places + usize::from(zone)].get_or_insert_with(|| {
            let zone = zones.get(usize::from(zone));
            shapes.constraint(constraint).admitted(&labels[kind as usize], zone)
        })
    }
}

/// The existing nodes of a round.
#[derive(Clone, Debug)]
pub(super) struct Existing {
    /// Initialized ones first, then by name.
    nodes: Vec<(ExistingNode, Vec<RunIndex>)>,
    /// How many nodes are known to be of no use to a shape, for candidates' pods and others: room only shrinks.
    useless: Vec<[usize; 2]>,
}

impl Existing {
    pub fn new(nodes: &[ExistingNode], shapes: usize) -> Self {
        // Nothing is ever put on a node that has less than nothing of something.
        let usable = nodes.iter().filter(|node| !is_overdrawn(&node.free) && node.free.pods > 0);
        let mut nodes: Vec<_> = usable.map(|node| (*node, Vec::new())).collect();
        nodes.sort_unstable_by_key(|(node, _)| (!node.initialized, node.name, node.lease));
        Self { nodes, useless: vec![[0; 2]; shapes] }
    }

    /// Puts a pod on the first node that takes it.
    pub fn add(&mut self, pod: &Pod, shapes: &Shapes, admitted: &mut Admissions) -> bool {
        let shape = shapes.get(pod.shape);
        let moves = pod.origin == Origin::Candidate;
        let useless = &mut self.useless[pod.shape as usize][usize::from(moves)];
        while let Some((node, pods)) = self.nodes.get_mut(*useless) {
            // Topology spread and pod affinity would be asked last.
            if !(moves && node.settling)
                && shape.requests.fits_in(&node.free)
                && admitted.admits(shape.constraint, node.kind, node.zone, shapes)
            {
                node.free -= shape.requests;
                pods.push(pod.run);
                return true;
            }
            *useless += 1;
        }
        false
    }

    /// The nodes that got pods.
    pub fn into_plan(self) -> Vec<(LeaseId, Vec<RunIndex>)> {
        let got = self.nodes.into_iter().filter(|(_, pods)| !pods.is_empty());
        got.map(|(node, pods)| (node.lease, pods)).collect()
    }
}

fn is_overdrawn(free: &Resources) -> bool {
    free.cpu.milli() < 0 || free.memory.bytes() < 0 || free.ephemeral.bytes() < 0 || free.pods < 0
}
