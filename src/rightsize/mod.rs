//! Requests from measured usage: what each task or image should ask for, what that saves on every platform, and what it
//! risks.
//!
//! ```text
//!  trace ──▶ groups ──▶ evidence ──▶ recommend ──▶ sized trace ──▶ saving   {as is, right-sized} × platforms
//!                                        └───────────────────────▶ risk     what of the usage exceeds the new requests
//! ```
//!
//! `plan` searches with the same recommendation. Usage never changes by it: sizing a sized trace again changes nothing.

mod assemble;
mod evidence;
mod groups;
pub mod output;
mod recommend;
mod result;
mod risk;
mod saving;

pub use assemble::{Input, Outcome, rightsize, sizes};
pub use evidence::{Basis, Evidence, has_usage};
pub use groups::By;
pub use recommend::{RightSized, Rule, Size, SizedTask, largest_requests, right_size};
pub use result::{
    CpuRisk, Effect, FargateBilled, Flag, Measured, MemoryRisk, PlatformSaving, Replayed, RightSizeReport,
    RuleUsed, SCHEMA_VERSION, Saved, TaskSize,
};
pub use saving::saved;
