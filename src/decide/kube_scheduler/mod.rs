//! kube-scheduler 1.36 (default profile): on which nodes a pod may run, and which of them it prefers.
//!
//! A scheduling cycle of the real one: PreFilter once a pod ([`Filters::new`]), Filter on each node
//! ([`Filters::check`]), and Score with NormalizeScore on the nodes that
//! are left ([`score::score`]). [`evaluate`] does all of it.
//! Where no node is left, PostFilter looks for pods of lower priority to be evicted ([`preempt`]). `pkg/scheduler/framework/plugins` of Kubernetes holds a directory for each plugin.

pub mod filter;
#[cfg(test)]
mod fixtures;
pub mod preemption;
pub mod score;
pub mod state;

pub use filter::{Filters, Reason};
pub use preemption::{Preemption, preempt};
pub use score::{NodeScore, PLUGINS, Settings, evaluate};
pub use state::{ClusterState, NodeState, PodOnNode, PodSet};
