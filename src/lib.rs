//! cost-sim: what a team's workflow pods would have cost, and how long they would have taken, on EKS Fargate
//! and on EC2 node fleets, from the team's own history and offline.
//!
//! ```text
//!  trace files ──▶ trace ──▶ workload ─┐
//!  price files ──▶ catalog ────────────┼──▶ sim ──▶ ledger ──▶ bill ──▶ report ──▶ table · JSON · Markdown · HTML · CSV · Parquet · charts
//!  scenario    ──▶ platform ───────────┘     ▲          (physics)  (money)
//!                                         control
//!                                     (decides; never mutates)
//! ```
//!
//! Files, the clock, the environment and the terminal are touched at the left and right edges only (`trace`,
//! `catalog`, `platform` readers; `report` writers; `cli`). Everything between is a pure function of its
//! arguments and gives the same bytes for any number of threads. `docs/architecture.md` is the map.

// Money, resources and time are never computed in floats; where one is displayed, the exception says so.
pub mod aws_bill;
#[deny(clippy::float_arithmetic)]
pub mod bill;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod compare;
#[deny(clippy::float_arithmetic)]
pub mod control;
#[deny(clippy::float_arithmetic)]
pub mod decide;
pub mod error;
pub mod examples;
pub mod generate;
pub mod guard;
pub mod import;
#[deny(clippy::float_arithmetic)]
pub mod kube;
#[deny(clippy::float_arithmetic)]
pub mod ledger;
pub mod pack;
#[deny(clippy::float_arithmetic)]
pub mod packing;
pub mod plan;
pub mod platform;
pub mod pricing;
pub mod replay;
pub mod report;
pub mod rightsize;
pub mod rng;
pub mod sim;
pub mod trace;
#[deny(clippy::float_arithmetic)]
pub mod units;
#[deny(clippy::float_arithmetic)]
pub mod workload;
