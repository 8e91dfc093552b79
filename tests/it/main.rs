//! The integration tests: the program as its users meet it, in one binary.

mod autoscaling;
mod billing;
mod cli;
mod extremes;
mod flowbench;
mod invariants;
mod karpenter;
mod mechanisms;
mod node_group;
mod plan;
mod pricing;
mod scenarios;
mod scheduler;
mod support;
mod traces;
