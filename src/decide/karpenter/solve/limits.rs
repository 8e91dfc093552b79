//! A NodePool's limits during a round: what is left of them (`filterByRemainingResources`, `subtractMax`).

use super::super::model::Limits;
use crate::kube::ResourceList;

/// What is left of a pool's limits. Negative where nodes exceed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remaining(Limits);

impl Remaining {
    pub fn new(limits: &Limits) -> Self {
        Self(limits.clone())
    }

    pub fn is_unlimited(&self) -> bool {
        self.0 == Limits::default()
    }

    /// Less a node that is there.
    pub fn subtract_node(&mut self, capacity: &ResourceList) {
        self.subtract(capacity);
        self.0.nodes = self.0.nodes.map(|left| left - 1);
    }

    /// Less the largest that a new node could become: of each resource the most that any of its types has. A batch may
    /// therefore need several rounds near the limit. Types have no `nodes`, so new nodes do not count against that
    /// limit within a round.
    pub fn subtract_largest<'a>(&mut self, capacities: impl Iterator<Item = &'a ResourceList>) {
        if let Some(largest) = capacities.copied().reduce(|a, b| ResourceList::max(&a, &b)) {
            self.subtract(&largest);
        }
    }

    fn subtract(&mut self, capacity: &ResourceList) {
        for (resource, left) in &mut self.0.resources {
            *left -= capacity[*resource];
        }
    }

    /// Whether a node of this capacity stays within the limits. None does where there are more nodes than there may be.
    pub fn holds(&self, capacity: &ResourceList) -> bool {
        self.0.resources.iter().all(|(resource, left)| capacity[*resource] <= *left)
            && self.0.nodes.is_none_or(|left| left >= 0)
    }

    /// Whether exactly all nodes are there that may be.
    pub fn is_out_of_nodes(&self) -> bool {
        self.0.nodes == Some(0)
    }

    /// Whether what is there exceeds a limit: then no NodeClaim is created
    /// (`pkg/controllers/provisioning/provisioner.go: Create`).
    pub fn is_exceeded(&self) -> bool {
        self.0.resources.iter().map(|(_, left)| *left).chain(self.0.nodes).any(|left| left < 0)
    }
}
