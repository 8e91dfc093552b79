//! What a plan is written as: for terminals, for pull requests, for machines, and the files of `--out`.

mod files;
mod markdown;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use files::{check_writable, write_all};
pub use markdown::markdown;
pub use table::table;

use schemars::schema_for;

use super::Plan;

/// The plan as text, with a newline at the end.
pub fn json(plan: &Plan) -> String {
    let mut text = serde_json::to_string_pretty(plan).expect("a plan has only text keys");
    text.push('\n');
    text
}

/// The JSON schema of `plan.json`.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema_for!(Plan)).expect("a schema has only text keys");
    text.push('\n');
    text
}
