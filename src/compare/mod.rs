//! What changed between two results, and why.
//!
//! Two saved reports are compared number by number; of two traces of one estate, the difference of their bills is
//! split into causes. Whether a change is allowed is not decided here: that is `check`.

pub mod reports;
pub mod traces;
