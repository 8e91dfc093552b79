//! Millions of damaged files through every importer: each must be read or refused, never panic.
//!
//! `cargo bench --bench fuzz -- --executions 10000000 [FILE…]`: the corpus is `fixtures/` and the files named. Under
//! `ulimit -v` an importer that takes memory without bound ends the run. A finding is written to the temporary
//! directory, with the seed and number that make it again.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a harness reports to whoever runs it")]
#![expect(clippy::disallowed_methods, reason = "it reads its corpus, measures time and writes what it finds")]

#[path = "support/mutate.rs"]
mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use cost_sim::import::{self, Format, Options};
use cost_sim::platform::Scenario;
use cost_sim::workload;
use mutate::{Random, mutant};
use rayon::prelude::*;

/// Larger files are cut: a mutant of a small file says as much, and is tried a hundred times in the same time.
const LARGEST: usize = 16 << 10;

struct Arguments {
    executions: u64,
    seed: u64,
    files: Vec<PathBuf>,
}

fn main() {
    let arguments = arguments();
    let corpus = corpus(&arguments.files);
    println!("{} files, {} mutants, seed {}", corpus.len(), arguments.executions, arguments.seed);
    let [read, refused, panics, slowest] = [const { AtomicU64::new(0) }; 4];
    std::panic::set_hook(Box::new(|_| {}));
    let started = Instant::now();
    (0..arguments.executions).into_par_iter().for_each(|number| {
        let mut random = Random::new(arguments.seed, number);
        let (name, content) = &corpus[number as usize % corpus.len()];
        let other = &corpus[random.below(corpus.len())].1;
        let mutant = mutant(content, other, &mut random);
        // Now and then a file is forced into another format, or comes twice, or with its neighbour.
        let from = (random.below(8) == 0).then(|| Format::ALL[random.below(Format::ALL.len())]);
        let options = Options { from, ..Options::default() };
        let mut files = vec![(name.as_str(), &mutant[..])];
        match random.below(4) {
            0 => files.push(("again.json", &content[..])),
            1 => files.push(("other.json", &other[..])),
            _ => {}
        }
        let begun = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| attempt(&files, &options))) {
            Ok(true) => drop(read.fetch_add(1, Ordering::Relaxed)),
            Ok(false) => drop(refused.fetch_add(1, Ordering::Relaxed)),
            Err(_) => {
                panics.fetch_add(1, Ordering::Relaxed);
                let path = std::env::temp_dir().join(format!("cost-sim-fuzz-{number}"));
                let _ = std::fs::write(&path, &mutant);
                eprintln!("panic: mutant {number} of {name}, from {from:?}: {}", path.display());
            }
        }
        let took = begun.elapsed().as_micros() as u64;
        if slowest.fetch_max(took, Ordering::Relaxed) < took && took > 1_000_000 {
            eprintln!("slow: mutant {number} of {name}: {} ms", took / 1_000);
        }
    });
    let [read, refused, panics, slowest] = [read, refused, panics, slowest].map(AtomicU64::into_inner);
    println!(
        "read {read}, refused {refused}, panics {panics}; slowest {} ms; {:.0} s",
        slowest / 1_000,
        started.elapsed().as_secs_f64()
    );
    assert_eq!(panics, 0, "an importer panicked");
}

/// Whether the files are read and make a workload.
fn attempt(files: &[(&str, &[u8])], options: &Options) -> bool {
    let Ok(imported) = import::read_contents(files, options) else { return false };
    let order = cost_sim::trace::canonical_order(&imported.trace);
    let defaults = &Scenario::default().settings.defaults;
    match workload::build(&imported.trace, &order, defaults, (None, None)) {
        Ok(built) => workload::recorded_timeline(&built.workload).len() == built.workload.steps.len(),
        Err(problems) => cost_sim::trace::locate(&imported.trace, problems).is_empty(),
    }
}

fn arguments() -> Arguments {
    let mut arguments = Arguments { executions: 20_000, seed: 1, files: Vec::new() };
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        let mut number =
            || rest.next().and_then(|text| text.parse().ok()).expect("a number follows the flag");
        match argument.as_str() {
            "--executions" => arguments.executions = number(),
            "--seed" => arguments.seed = number(),
            // What cargo passes to every bench.
            "--bench" | "--test" => {}
            path => arguments.files.push(path.into()),
        }
    }
    arguments
}

fn corpus(files: &[PathBuf]) -> Vec<(String, Vec<u8>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let named = [
        "airflow",
        "argo",
        "batch",
        "datadog",
        "digdag",
        "kubernetes",
        "openb",
        "prometheus",
        "swf",
        "traces",
        "wfformat",
    ];
    let mut inputs: Vec<PathBuf> =
        named.iter().map(|name| fixtures.join(name)).filter(|path| path.exists()).collect();
    inputs.extend(files.iter().cloned());
    let paths = import::files(&inputs).expect("the corpus can be listed");
    // Files that are bad to begin with would only be refused for the same reason again.
    let is_good = |path: &PathBuf| !path.ancestors().any(|part| part.ends_with("traces/bad"));
    let mut corpus: Vec<(String, Vec<u8>)> = paths
        .into_iter()
        .filter(is_good)
        .map(|path| {
            let mut content = std::fs::read(&path).expect("a file of the corpus can be read");
            content.truncate(LARGEST);
            (path.display().to_string(), content)
        })
        .collect();
    // Parquet is read by a library, from files only.
    corpus.retain(|(_, content)| !content.starts_with(b"PAR1"));
    corpus.sort();
    corpus
}
