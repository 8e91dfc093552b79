//! The integration tests: the program as its users meet it, in one binary.

mod autoscaling;
mod billing;
mod check;
mod cli;
mod diff_traces;
mod discounts;
mod extremes;
mod flowbench;
mod growth;
mod invariants;
mod karpenter;
mod mechanisms;
mod node_group;
mod plan;
mod pod_sources;
mod pricing;
mod pricing_import;
mod scenarios;
mod scheduler;
mod support;
mod traces;
