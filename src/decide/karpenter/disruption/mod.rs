//! Voluntary disruption: which nodes are removed or replaced because they are empty, drifted, or a cheaper way exists.
//!
//! Source: `pkg/controllers/disruption` of karpenter, about 1.14. A pass tries the [methods](Method) in order, and each
//! goes through the same stages: which nodes are [eligible], in which order they are [tried](candidate), how many may go
//! by their pools' [budgets](budget), which sets of them are [simulated](search) without, what is [decided](decision) of a
//! simulation, whether the policy `Balanced` [approves](balanced), and whether all of that still [holds](validation) 15 s
//! later. When passes are made, and how long a node is drained, is no part of it.

pub mod balanced;
pub mod budget;
pub mod candidate;
pub mod decision;
pub mod eligible;
pub mod search;
pub mod validation;

#[cfg(test)]
mod fixtures;

pub use crate::kube::DisruptionReason;
pub use candidate::Candidate;

/// Ways to disrupt nodes, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Nodes without pods go.
    Emptiness,
    /// A node that is no longer as its NodePool says goes, for as many new ones as its pods need.
    Drift,
    /// Several nodes go at once, for at most one new one.
    MultiNode,
    /// One node goes, for at most one new one.
    SingleNode,
}

impl Method {
    pub const ALL: [Self; 4] = [Self::Emptiness, Self::Drift, Self::MultiNode, Self::SingleNode];

    /// As budgets call it.
    pub const fn reason(self) -> DisruptionReason {
        match self {
            Self::Emptiness => DisruptionReason::Empty,
            Self::Drift => DisruptionReason::Drifted,
            Self::MultiNode | Self::SingleNode => DisruptionReason::Underutilized,
        }
    }
}
