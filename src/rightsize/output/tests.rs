//! The schema, and what the documentation says of it.

use super::*;
use crate::report::tests::committed;

#[test]
fn the_committed_schema_is_current() {
    let current = schema();
    let same = committed("rightsize.schema.json", &current) == current;
    assert!(same, "docs/rightsize.schema.json is out of date: run the tests with UPDATE_DOCS=1");
}

/// Every sign and every part of the saving is explained, as are all flags.
#[test]
fn the_documentation_names_every_flag_and_column() {
    let text = committed("rightsize.md", "");
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let flags = schema["$defs"]["Flag"]["oneOf"].as_array().unwrap();
    let flags: Vec<&str> = flags.iter().map(|flag| flag["const"].as_str().unwrap()).collect();
    assert_eq!(flags.len(), 9);
    let saved = schema["$defs"]["Saved"]["properties"].as_object().unwrap();
    let keys = flags.into_iter().chain(saved.keys().map(String::as_str));
    let missing: Vec<&str> = keys.filter(|key| !text.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/rightsize.md does not name {missing:?}");
}
