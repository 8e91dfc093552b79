//! What changed between two results, and why.
//!
//! Two saved reports are compared number by number; of two traces of one estate, the difference of their bills is
//! split into causes. Whether a change is allowed is not decided here: that is `check`.

mod change;
pub mod reports;
pub mod traces;
pub(crate) mod words;

pub use change::{
    Change, PurposeChange, SettingChange, money_change, number_changes, purposes, setting_changes,
};

/// The JSON schema of a type, with a newline at the end.
pub(crate) fn schema_of<T: schemars::JsonSchema>() -> String {
    let mut text =
        serde_json::to_string_pretty(&schemars::schema_for!(T)).expect("a schema has only text keys");
    text.push('\n');
    text
}
