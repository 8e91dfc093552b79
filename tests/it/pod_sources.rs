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
    names()
        .position(|name| name == pod)
        .unwrap_or_else(|| panic!("no {pod} in {:?}", names().collect::<Vec<_>>()))
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

/// The synthetic exports in `fixtures`, and what was put into them.
#[test]
fn exports_of_all_sources_are_joined_by_pod() {
    let read = |paths: &[&str]| {
        let paths: Vec<std::path::PathBuf> = paths.iter().map(Into::into).collect();
        import::read(&paths, &Options::default(), &mut |_| {})
            .unwrap_or_else(|error| panic!("{}", error.render()))
    };
    let first = "digdag-pod-4711-0-0b0e7c8e-5d0c-4c6a-9a53-0f3f0a7d1c11";
    let metrics = read(&["fixtures/datadog/synthetic"]);
    let trace = &metrics.trace;
    let a = row(trace, first);
    // Created 75 s before minute 1, taken by a node 45 s later; points of its container in minutes 1 to 6.
    assert_eq!(
        (second(trace.pod_created_time.get(a)), second(trace.scheduled_time.get(a))),
        (Some(-15.0), Some(30.0))
    );
    assert_eq!((second(trace.start_time.get(a)), second(trace.end_time.get(a))), (Some(30.0), Some(390.0)));
    // 500 + 100 millicores, 1,024 + 256 MiB with the Agent; at most 260 + 15 millicores and 320 + 96 MiB were used.
    assert_eq!(request(trace, a), (Some(600), Some(1_280)));
    assert_eq!(trace.cpu_usage_max_milli.get(a), Some(275.0));
    assert_eq!(trace.memory_usage_max_mib.get(a), Some(416.0));
    assert!(trace.files.iter().all(|file| file.meta.synthetic));

    let both = read(&["fixtures/datadog/synthetic", "fixtures/kubernetes/pods.json"]);
    let trace = &both.trace;
    let a = row(trace, first);
    // The pod object's times and requests go before what metrics say; usage is theirs.
    assert_eq!((second(trace.start_time.get(a)), second(trace.end_time.get(a))), (Some(71.0), Some(391.0)));
    assert_eq!(
        (request(trace, a), trace.cpu_usage_max_milli.get(a)),
        ((Some(500), Some(1_024)), Some(275.0))
    );
    assert_eq!(trace.rows(), 4);

    let trace = read(&["fixtures/prometheus/range.json"]).trace;
    let load = row(&trace, "nightly-load-x2k9p");
    // A counter that grows by 0.4 s a second.
    assert!(
        trace.points.cpu(load).iter().all(|milli| (milli - 400.0).abs() < 0.01),
        "{:?}",
        trace.points.cpu(load)
    );
    assert_eq!(
        (second(trace.start_time.get(load)), second(trace.end_time.get(load))),
        (Some(71.0), Some(371.0))
    );
}
