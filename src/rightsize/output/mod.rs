//! What right-sizing is written as: for terminals, for pull requests, for machines, and as YAML to paste.

mod csv;
mod markdown;
mod table;
#[cfg(test)]
mod tests;
mod words;
mod yaml;

pub use csv::csv;
pub use markdown::markdown;
pub use table::table;
pub(super) use words::finding;
pub use yaml::{Dialect, yaml};

use super::RightSizeReport;

/// The result as text, with a newline at the end.
pub fn json(result: &RightSizeReport) -> String {
    let mut text = serde_json::to_string_pretty(result).expect("a result has only text keys");
    text.push('\n');
    text
}

/// The JSON schema of [`json`].
pub fn schema() -> String {
    crate::compare::schema_of::<RightSizeReport>()
}
