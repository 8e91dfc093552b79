//! The schema of `plan.json`, and what the documentation says of it.

use super::*;
use crate::report::tests::committed;

#[test]
fn the_committed_schema_is_current() {
    let current = schema();
    let same = committed("plan.schema.json", &current) == current;
    assert!(same, "docs/plan.schema.json is out of date: run the tests with UPDATE_DOCS=1");
}
