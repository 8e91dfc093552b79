//! A NodePool's limits during a round: what is left of them.

use crate::platform::PoolLimits;
use crate::units::{Cpu, Memory, Resources};

/// What is left of a pool's limits. Negative where nodes exceed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remaining {
    milli: Option<i64>,
    bytes: Option<i64>,
    nodes: Option<i64>,
}

impl Remaining {
    pub fn new(limits: &PoolLimits) -> Self {
        Self {
            milli: limits.cpu.map(Cpu::milli),
            bytes: limits.memory.map(Memory::bytes),
            nodes: limits.nodes.map(i64::from),
        }
    }

    /// Less a node that is there.
    pub fn subtract_node(&mut self, capacity: &Resources) {
        self.subtract(capacity);
        self.nodes = self.nodes.map(|left| left - 1);
    }

    /// Less the largest that a new node could become: of each resource the most that any of its types has. A batch may
    /// therefore need several rounds near the limit (`subtractMax`). Types have no `nodes`, so new nodes do not count
    /// against that limit within a round.
    pub fn subtract_largest<'a>(&mut self, capacities: impl Iterator<Item = &'a Resources>) {
        let largest = capacities.fold(Resources::ZERO, |largest, capacity| Resources {
            cpu: largest.cpu.max(capacity.cpu),
            memory: largest.memory.max(capacity.memory),
            ..largest
        });
        self.subtract(&largest);
    }

    fn subtract(&mut self, capacity: &Resources) {
        self.milli = self.milli.map(|left| left - capacity.cpu.milli());
        self.bytes = self.bytes.map(|left| left - capacity.memory.bytes());
    }

    /// Whether a node of this capacity stays within the limits.
    pub fn holds(&self, capacity: &Resources) -> bool {
        self.milli.is_none_or(|left| capacity.cpu.milli() <= left)
            && self.bytes.is_none_or(|left| capacity.memory.bytes() <= left)
    }

    /// Whether exactly all nodes are there that may be. A pool with even more of them is not stopped by this.
    pub fn is_out_of_nodes(&self) -> bool {
        self.nodes == Some(0)
    }

    /// Whether what is there exceeds a limit: then no NodeClaim is created
    /// (`pkg/controllers/provisioning/provisioner.go: Create`).
    pub fn is_exceeded(&self) -> bool {
        [self.milli, self.bytes, self.nodes].into_iter().flatten().any(|left| left < 0)
    }
}
