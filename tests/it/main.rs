//! The integration tests: the program as its users meet it, in one binary.

mod autoscaling;
mod aws_bill;
mod backtest;
mod billing;
mod check;
mod cli;
mod complaints;
mod damaged_exports;
mod diff_traces;
mod digdag;
mod discounts;
mod extremes;
mod flowbench;
mod growth;
mod importers;
mod incident;
mod invariants;
mod karpenter;
mod mechanisms;
mod mixed;
#[path = "../../benches/support/mutate.rs"]
mod mutate;
mod node_group;
mod pack;
mod plan;
mod pod_sources;
mod policies;
mod pricing;
mod pricing_import;
mod scenarios;
mod scheduler;
mod support;
mod traces;
