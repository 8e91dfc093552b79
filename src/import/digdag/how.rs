//! How to get the files.

/// What to run for a month of history.
pub(crate) fn how() -> &'static str {
    include_str!("how.txt")
}
