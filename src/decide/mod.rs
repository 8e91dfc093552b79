//! What the real controllers decide, as pure functions: the same pods, nodes, instance types, prices and settings give
//! the same decision, without a clock, an event loop or a ledger.
//!
//! Each part follows the program of its name, stage by stage and file by file. Two callers use it: the state machines
//! of [`crate::control`], which live in simulated time, and `cost-sim pack`, which reads one situation and prints what
//! would be decided. It knows Kubernetes' words ([`crate::kube`]), the algebra of requirements
//! ([`crate::catalog::Requirements`]) and integers; nothing of traces, scenarios or money that was spent.

pub mod cluster_autoscaler;
pub mod gosort;
pub mod karpenter;
pub mod kube_scheduler;
