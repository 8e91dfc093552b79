//! Is today's result still allowed beside a saved one, and if it changed, what changed it?
//!
//! A saved report carries what it was made with: the scenario and the prices. Between it and today's result lie up to
//! five swaps, one at a time: the program's version, the trace, the prices, the settings. Each intermediate state is
//! replayed, and the differences of neighbours are the causes. They sum to the whole change exactly, because every
//! state's bill stands in the sum once with each sign.
//!
//! ```text
//! saved report ─version─▶ replayed ─workload─▶ today's trace ─prices─▶ today's prices ─settings─▶ today
//! ```
//!
//! Prices and settings have two effects, which are told apart by billing the old ledger anew: the same decisions at
//! other prices, and what controllers then decide differently.

mod baseline;
mod causes;
mod changes;
mod noise;
mod output;
mod result;
mod states;
mod verdict;

pub use baseline::Baseline;
pub use output::{github_annotations, json, junit, markdown, schema, table};
pub use result::{Cause, CheckReport, Noise, PlatformCheck, PriceChange};
pub use states::{Today, check};
pub use verdict::{Verdict, judge};
