//! Damaged exports of every format are read or refused with a place, never a panic. `benches/fuzz.rs` does the same
//! for as many as one likes.

#![expect(clippy::disallowed_methods, reason = "tests read fixtures")]

use std::path::Path;

use cost_sim::error::Error;
use cost_sim::import::{self, Options};

use crate::mutate::{Random, mutant};

/// Of each file of the corpus.
const MUTANTS: u64 = 150;

#[test]
fn damaged_exports_are_read_or_refused() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let formats = [
        "airflow",
        "argo",
        "batch",
        "datadog",
        "digdag",
        "kubernetes",
        "openb",
        "prometheus",
        "swf",
        "wfformat",
    ];
    let directories: Vec<_> =
        formats.iter().map(|name| fixtures.join(name)).filter(|path| path.exists()).collect();
    let paths = import::files(&directories).unwrap();
    let corpus: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .filter(|content| content.len() < 32 << 10)
        .collect();
    let (mut read, mut refused) = (0, 0);
    for (index, content) in corpus.iter().enumerate() {
        for number in 0..MUTANTS {
            let mut random = Random::new(index as u64, number);
            let other = &corpus[random.below(corpus.len())];
            let mutant = mutant(content, other, &mut random);
            match import::read_contents(&[("mutant", &mutant)], &Options::default()) {
                Ok(_) => read += 1,
                Err(Error::Input(found)) => {
                    assert!(found.list().iter().all(|one| !one.message.is_empty()), "{found}");
                    refused += 1;
                }
                Err(Error::Usage { .. }) => refused += 1,
                Err(other) => panic!("{} mutant {number}: {other}", paths[index].display()),
            }
        }
    }
    // Were all of one kind, the mutants would test nothing.
    assert!(read > 100 && refused > 100, "read {read}, refused {refused}");
}
