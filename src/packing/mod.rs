//! Fit tests, packings and bounds: pure functions of requests and capacities, without time's passing.

mod bounds;
mod first_fit;

pub use bounds::fluid_bound;
pub use first_fit::{FirstFit, Stays};
