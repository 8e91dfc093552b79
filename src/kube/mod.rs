//! Kubernetes' own words: pods, nodes and what they ask of each other, as far as some controller decides by it.
//!
//! The deciders ([`crate::decide`]) speak of nothing else, so the same rule serves a simulated cluster and one that was
//! written down in Kubernetes' JSON. Field names are Kubernetes'; a value that the API server defaults is filled in here
//! already.

mod budget;
mod cron;
pub mod decode;
mod node;
mod pdb;
mod pod;
mod resources;
mod selector;
mod taint;

pub use budget::{Budget, BudgetNodes, BudgetWindow, DisruptionReason};
pub use cron::Schedule;
pub use node::{ImageOnNode, Node, NodeClaim};
pub use pdb::{IntOrPercent, Pdb};
pub use pod::{
    DoNotDisrupt, HostPort, NodeInclusionPolicy, OwnerRef, Phase, Pod, PodAffinity, PodSpec, PodTerm,
    SpreadConstraint, WhenUnsatisfiable,
};
pub use resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS, ResourceList, ResourceNames};
pub use selector::{LabelSelector, Labels, NodeTerm, SelectorOperator, SelectorRequirement};
pub use taint::{Taint, TaintEffect, Toleration};
