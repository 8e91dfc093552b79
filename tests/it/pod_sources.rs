//! Metrics and objects of pods as users export them: what becomes of them as rows, and what is said of the rest.

mod datadog;
mod hostile;
mod kubernetes;
mod prometheus;

use cost_sim::error::Error;
use cost_sim::import::{self, Imported, Options};
use cost_sim::trace::Trace;
use cost_sim::units::{Cpu, Memory, Time};

/// 2026-01-05T00:00:00Z.
const MONDAY: i64 = 1_767_571_200_000;

fn import(files: &[(&str, &str)]) -> Imported {
    import_with(files, &Options::default()).unwrap_or_else(|error| panic!("{}", error.render()))
}

fn import_with(files: &[(&str, &str)], options: &Options) -> Result<Imported, Error> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    import::read_contents(&files, options)
}

/// What the user is told.
fn refused(name: &str, text: &str) -> String {
    match import_with(&[(name, text)], &Options::default()) {
        Ok(imported) => panic!("{text} is accepted: {:?}", imported.warnings),
        Err(error) => error.render(),
    }
}

fn row(trace: &Trace, pod: &str) -> usize {
    let names = || (0..trace.rows()).map(|row| trace.words.get(trace.word(&trace.pod_name, row)));
    names().position(|name| name == pod).unwrap_or_else(|| panic!("no {pod} in {:?}", names().collect::<Vec<_>>()))
}

/// Seconds since [`MONDAY`].
fn second(time: Option<Time>) -> Option<f64> {
    time.map(|time| (time.ms() - MONDAY) as f64 / 1_000.0)
}

fn request(trace: &Trace, row: usize) -> (Option<i64>, Option<i64>) {
    (trace.cpu_request.get(row).map(Cpu::milli), trace.memory_request.get(row).map(Memory::mib_ceil))
}

fn says(imported: &Imported, what: &str) -> bool {
    imported.warnings.iter().any(|warning| warning.contains(what))
}
