//! The schema of `plan.json`, and what the documentation says of it.

use super::*;

#[expect(clippy::disallowed_methods, reason = "tests read and, when asked to, write the documentation")]
fn committed(name: &str, current: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if !current.is_empty() && std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, current).expect("docs can be written");
    }
    std::fs::read_to_string(&path).unwrap_or_default()
}

#[test]
fn the_committed_schema_is_current() {
    let current = schema();
    let same = committed("plan.schema.json", &current) == current;
    assert!(same, "docs/plan.schema.json is out of date: run the tests with UPDATE_DOCS=1");
}
