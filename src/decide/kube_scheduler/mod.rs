//! kube-scheduler 1.36 (default profile): on which nodes a pod may run, and which of them it prefers.
//!
//! A scheduling cycle of the real one: PreFilter once a pod ([`Filters::new`]), Filter on each node
//! ([`Filters::check`]). `pkg/scheduler/framework/plugins` of Kubernetes holds a directory for each plugin.

pub mod filter;
pub mod state;

pub use filter::{Filters, Reason};
pub use state::{ClusterState, NodeState, PodOnNode};
