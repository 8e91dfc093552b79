//! Cluster Autoscaler 1.36: how many nodes of which group pending pods need, and which nodes nobody needs.
//!
//! One file a stage, in the order in which a loop of `cluster-autoscaler/core/static_autoscaler.go` comes to them:
//!
//! | stage | file |
//! |---|---|
//! | what a further node of a group is taken to be | [`template`] |
//! | nodes and pods of one loop, and pods that are placed there in thought | [`snapshot`] |
//! | which pending pods will fit anyway | [`filter_out_schedulable`] |
//! | which pods are alike | [`equivalence`] |
//! | how many nodes of a group pods need | [`estimator`] |
//! | which of several groups grows | [`expander`] |
//! | how similar groups share new nodes | [`balance`] |
//! | all of that: what grows, and by how much | [`scale_up`] |
//! | which pods keep a node from being drained | [`drain`] |
//! | which nodes are used little enough | [`eligibility`] |
//! | which nodes are unneeded, and which of them go | [`scale_down`] |
//! | groups that are left alone after a failure | [`backoff`] |
//! | one loop over a cluster that was written down | [`run_once`] |
//!
//! Where the real one follows the order of a Go map, pods and groups are taken in the order in which they are given.

pub mod backoff;
pub mod balance;
pub mod drain;
pub mod eligibility;
pub mod equivalence;
pub mod estimator;
pub mod expander;
pub mod filter_out_schedulable;
mod known_full;
#[path = "run_once.rs"]
mod run;
pub mod scale_down;
pub mod scale_up;
pub mod settings;
pub mod snapshot;
pub mod template;

#[cfg(test)]
mod fixtures;

pub use run::{GroupDelta, Input, InputGroup, InputNode, Output, run_once};
pub use settings::{Expander, Priorities, Settings};
