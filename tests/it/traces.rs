//! What reading says of traces that are wrong, and that nothing makes it panic.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cost_sim::error::Error;
use cost_sim::trace::{self, ReadOptions, Trace};
use proptest::prelude::*;

const BAD: &str = "fixtures/traces/bad";

fn read(path: impl Into<PathBuf>, options: &ReadOptions) -> Result<(Trace, Vec<String>), Error> {
    trace::read(&[path.into()], options, &mut |_| {})
}

fn is_side_file(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".meta.json")
}

/// Every file of `fixtures/traces/bad` is refused, and this is what the user sees.
#[test]
fn bad_traces_are_refused_with_place_and_hint() {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(BAD).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut said = String::new();
    for path in paths.into_iter().filter(|path| !is_side_file(path)) {
        let text = match read(&path, &ReadOptions::default()) {
            Ok(_) => "ACCEPTED\n".to_owned(),
            Err(error) => {
                assert!(matches!(error, Error::Input(_)), "{}: {error:?}", path.display());
                error.render()
            }
        };
        writeln!(said, "--- {}\n{text}", path.file_name().unwrap().to_string_lossy()).unwrap();
    }
    insta::with_settings!({
        snapshot_path => "../../fixtures/traces",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("bad", said);
    });
}
