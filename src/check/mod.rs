//! Is today's result still allowed beside a saved one?
mod verdict;
pub use verdict::{Verdict, judge};
