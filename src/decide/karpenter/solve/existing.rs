//! Pods onto nodes that are there or on their way: the first one that takes them.
//!
//! Source: `existingnode.go`, `scheduler.go: addToExistingNode`.

use super::super::model::{ExistingNode, Origin, Pod};
use super::context::{ClassId, Context};
use super::daemons::{clash, tolerates};
use super::requirement_sets::SetId;
use super::topology::HostId;
use crate::kube::{HostPort, ResourceList};

#[derive(Clone, Debug)]
struct Node {
    id: u32,
    kind: usize,
    host: HostId,
    settling: bool,
    /// Its labels, and what its new pods have asked of labels that it does not have.
    set: SetId,
    free: ResourceList,
    host_ports: Vec<HostPort>,
    pods: Vec<u32>,
}

/// The existing nodes of a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Existing {
    /// Initialized ones first, then by name.
    nodes: Vec<Node>,
    /// How many of the first nodes are known to be of no use to a class, for candidates' pods and others.
    useless: Vec<[usize; 2]>,
}

impl Existing {
    pub fn new(nodes: &[ExistingNode], context: &mut Context) -> Self {
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        order.sort_by_key(|index| (!nodes[*index].initialized, nodes[*index].name, nodes[*index].id));
        let prepare = |index: usize| {
            let node = &nodes[index];
            let kind = node.kind as usize;
            // DaemonSets' pods that are yet to come.
            let expected = context.scheduler.nodes[kind].daemons;
            let missing = ResourceList::max(&(expected - node.daemon_requests), &ResourceList::ZERO);
            Node {
                id: node.id,
                kind,
                host: index as HostId,
                settling: node.settling,
                set: context.scheduler.nodes[kind].set,
                free: node.available - missing,
                host_ports: node.host_ports.to_vec(),
                pods: Vec::new(),
            }
        };
        // A node that has less than nothing of something takes nobody.
        let takes = |node: &Node| ResourceList::ZERO.fits(&node.free);
        Self { nodes: order.into_iter().map(prepare).filter(takes).collect(), useless: Vec::new() }
    }

    /// Puts a pod on the first node that takes it.
    pub fn add(&mut self, pod: &Pod, class_id: ClassId, context: &mut Context) -> bool {
        if self.nodes.is_empty() {
            return false;
        }
        let class = context.get(class_id);
        let moves = pod.origin == Origin::Candidate;
        if self.useless.len() <= class_id as usize {
            self.useless.resize(class_id as usize + 1, [0; 2]);
        }
        // What a node refuses once it refuses for good, unless topology may let the pod in later.
        let remembers = context.is_monotone(class_id);
        let first = self.useless[class_id as usize][usize::from(moves)];
        for index in first..self.nodes.len() {
            let node = &mut self.nodes[index];
            if !(moves && node.settling)
                && let Some(set) = node.can_add(&class, context)
            {
                let demand = context.scheduler.shapes.demand(class.demand);
                node.free -= demand.requests;
                node.host_ports.extend(demand.host_ports.iter().cloned());
                let more = set != node.set && context.scheduler.sets.knows_more(node.set, set, true);
                node.set = set;
                node.pods.push(pod.id);
                let taints = std::mem::take(&mut context.scheduler.nodes[node.kind].taints);
                context.record(pod.shape, &taints, set, node.host);
                context.scheduler.nodes[node.kind].taints = taints;
                if more {
                    // Who was refused for want of a label may be taken now.
                    let useless = self.useless.iter_mut().flatten();
                    useless.for_each(|useless| *useless = (*useless).min(index));
                }
                return true;
            }
            if remembers {
                self.useless[class_id as usize][usize::from(moves)] = index + 1;
            }
        }
        false
    }

    /// The nodes that got pods.
    pub fn into_plan(self) -> Vec<(u32, Vec<u32>)> {
        let got = self.nodes.into_iter().filter(|node| !node.pods.is_empty());
        got.map(|node| (node.id, node.pods)).collect()
    }
}

impl Node {
    /// What the node's labels come to with a pod of this class; `None` if it does not take it.
    fn can_add(&self, class: &super::context::Class, context: &mut Context) -> Option<SetId> {
        let shapes = &context.scheduler.shapes;
        let demand = shapes.demand(class.demand);
        let constraint = shapes.constraint(demand.constraint);
        let hostname = &context.topology.hosts[self.host as usize];
        if !demand.requests.fits(&self.free)
            || !context.allows_host(class, self.host)
            || !tolerates(&constraint.tolerations, &context.scheduler.nodes[self.kind].taints)
            || clash(&demand.host_ports, &self.host_ports)
            || constraint.hostname.as_ref().is_some_and(|allowed| !allowed.allows(hostname))
        {
            return None;
        }
        let id = demand.constraint;
        let set = context.scheduler.narrow(self.set, id, true)?;
        context.add_topology(class, set, true)
    }
}
