//! How to get the files.

/// The query and the requests that export a month of history: what `import --how digdag` prints.
pub(crate) fn how() -> &'static str {
    include_str!("how.txt")
}
