//! A real trace as an oracle: FlowBench recorded every delay of 502 workflow runs, so replaying its delays along
//! its dependencies must give back every recorded time.

#![expect(clippy::disallowed_methods, reason = "tests read examples")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;

use cost_sim::ledger::Outcome;
use cost_sim::platform::{Platform, Settings};
use cost_sim::replay::Setup;
use cost_sim::units::{Span, Time, Usd};
use cost_sim::workload::{StepKind, recorded_timeline};

use crate::support::*;

fn trace_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/flowbench/trace.csv.gz")
}

/// The rows of the trace by a CSV reader alone: column name → cell.
fn rows() -> Vec<BTreeMap<String, String>> {
    let mut text = String::new();
    let file = std::fs::File::open(trace_path()).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let cells = |record: csv::StringRecord| {
        header.iter().zip(record.iter()).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    };
    reader.records().map(|record| cells(record.unwrap())).collect()
}

fn epoch_ms(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

type Rows = BTreeMap<(String, String), BTreeMap<String, String>>;

fn by_id() -> Rows {
    let key = |row: &BTreeMap<String, String>| (row["run_id"].clone(), row["task_id"].clone());
    rows().into_iter().map(|row| (key(&row), row)).collect()
}

/// The cells of the row that a step was read from.
fn row_of<'a>(setup: &Setup, rows: &'a Rows, step: u32) -> &'a BTreeMap<String, String> {
    let trace = setup.trace;
    let row = setup.workload.steps.row[step as usize] as usize;
    let run = trace.words.get(trace.word(&trace.run_id, row)).to_owned();
    &rows[&(run, trace.task_id.get(row).to_owned())]
}

#[test]
fn replaying_the_recorded_delays_gives_back_every_recorded_time() {
    let study = study_of_files(&trace_path(), Settings::default(), &[recorded()]).unwrap();
    let (runs, report) = replay(&study);
    let setup = study.setup();
    assert_laws(&setup, &runs, &report);
    let rows = by_id();
    let ledger = &runs[0].ledger;
    assert_eq!((rows.len(), ledger.spans.len()), (8_032, 8_032));

    // Every row: control steps from their spans, pods from their runs too.
    let mut seen = BTreeSet::new();
    let timeline = recorded_timeline(setup.workload);
    for step in 0..setup.workload.steps.len() as u32 {
        let row = row_of(&setup, &rows, step);
        let times = timeline[step as usize];
        let got = [times.eligible, times.created, times.started, times.ended, times.observed].map(Time::ms);
        let names = ["submit_time", "pod_created_time", "start_time", "end_time", "finish_observed_time"];
        assert_eq!(got, names.map(|name| epoch_ms(&row[name])), "{row:?}");
        assert_eq!(ledger.spans[step as usize].observed.ms(), got[4]);
        assert_eq!(ledger.outcomes[step as usize], Outcome::Succeeded);
        seen.insert(setup.workload.steps.row[step as usize]);
    }
    assert_eq!(seen.len(), 8_032, "each row is one step");
    for run in &ledger.runs {
        let row = row_of(&setup, &rows, run.step);
        let got = [run.created, run.started, run.ended, run.observed].map(Time::ms);
        let names = ["pod_created_time", "start_time", "end_time", "finish_observed_time"];
        assert_eq!(got, names.map(|name| epoch_ms(&row[name])), "{row:?}");
    }
    let pods = rows.values().filter(|row| row["kind"] == "pod").count();
    assert_eq!(ledger.runs.len(), pods);
    assert_eq!(report.platforms[0].pods.succeeded, pods as u64);
}

#[test]
fn the_makespans_of_the_report_are_those_of_the_source() {
    let study = study_of_files(&trace_path(), Settings::default(), &[recorded()]).unwrap();
    let (_, report) = replay(&study);
    let mut first_and_last: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for row in rows() {
        let (submit, observed) = (epoch_ms(&row["submit_time"]), epoch_ms(&row["finish_observed_time"]));
        let times = first_and_last.entry(row["run_id"].clone()).or_insert((submit, observed));
        *times = (times.0.min(submit), times.1.max(observed));
    }
    let mut makespans: Vec<i64> = first_and_last.values().map(|(first, last)| last - first).collect();
    makespans.sort_unstable();
    let shown = report.platforms[0].latency.makespan_s;
    assert_eq!(shown.count, 502);
    // Nearest rank: of 502 values the 251st is the median and the 497th (496.98 rounded up) the 99th percentile.
    let seconds = |index: usize| Some(makespans[index] as f64 / 1_000.0);
    assert_eq!((shown.p50, shown.p99, shown.max), (seconds(250), seconds(496), seconds(501)));
    assert!(report.platforms[0].cost.is_none(), "nobody knows what these machines cost");
}

/// The same rows with some columns left out, as other exports have them.
fn without(columns: &[&str]) -> String {
    let rows = rows();
    let names: Vec<&String> = rows[0].keys().filter(|name| !columns.contains(&name.as_str())).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&names).unwrap();
    // 40 runs are enough to see whether a kind of export is understood.
    for row in rows.iter().filter(|row| row["run_id"].as_str() < "eht-smili-run0041") {
        writer.write_record(names.iter().map(|name| &row[*name])).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[test]
fn other_exports_of_the_same_runs_give_the_same_finish_times() {
    // What is left is each time enough to rebuild the run: work from start and end or the other way round, the
    // wait from times or from `queue_seconds`, the trigger from its column or from the predecessors' ends.
    let cases: [&[&str]; 6] = [
        &["work_seconds", "work_seconds_method"],
        &["trigger_delay_seconds"],
        &["queue_seconds", "provision_seconds"],
        &["attempt", "state", "kind", "session_time", "labels", "interruptible"],
        // No start: the wait is what `queue_seconds` says. No dispatch delay is lost: it stands in the times.
        &["work_seconds", "trigger_delay_seconds", "queue_seconds"],
        &["gpu_request_milli", "cpu_usage_avg_milli", "cpu_seconds", "source_node", "task_name"],
    ];
    let rows = by_id();
    for columns in cases {
        let text = without(columns);
        let study = study_of_text(&text, None, Settings::default(), &[recorded()])
            .unwrap_or_else(|error| panic!("without {columns:?}: {}", error.render()));
        let (runs, report) = replay(&study);
        let setup = study.setup();
        assert_laws(&setup, &runs, &report);
        for (step, span) in runs[0].ledger.spans.iter().enumerate() {
            let row = row_of(&setup, &rows, step as u32);
            assert_eq!(
                span.observed.ms(),
                epoch_ms(&row["finish_observed_time"]),
                "without {columns:?}: {row:?}"
            );
        }
    }
}

#[test]
fn durations_alone_reproduce_the_runs_but_for_the_delays_they_leave_out() {
    // No pod times at all: eligible, `queue_seconds`, work. The dispatch delay (5 s or so) and the detection lag
    // are not there, so what is replayed is shorter by exactly these along each path, and never longer.
    let text = without(&["pod_created_time", "start_time", "end_time", "finish_observed_time"]);
    let study = study_of_text(&text, None, Settings::default(), &[recorded()]).unwrap();
    let (runs, report) = replay(&study);
    let setup = study.setup();
    assert_laws(&setup, &runs, &report);
    let rows = by_id();
    let timeline = recorded_timeline(setup.workload);
    for (step, times) in timeline.iter().enumerate() {
        let row = row_of(&setup, &rows, step as u32);
        assert!(times.observed.ms() <= epoch_ms(&row["finish_observed_time"]), "{row:?}");
        let queue = row["queue_seconds"].parse::<i64>().unwrap();
        let work = row["work_seconds"].parse::<i64>().unwrap();
        assert_eq!(times.ended - times.created, Span::from_secs(queue + work), "{row:?}");
        assert_eq!((times.created, times.observed), (times.eligible, times.ended), "{row:?}");
    }
}

#[test]
fn every_platform_replays_the_runs_completely() {
    let platforms = [fargate(), group("m6i.2xlarge", 40), recorded()];
    let study = study_of_files(&trace_path(), Settings::default(), &platforms).unwrap();
    let (runs, report) = replay(&study);
    assert_laws(&study.setup(), &runs, &report);
    let workload = &study.workload;
    let pods = workload.steps.kind.iter().filter(|kind| **kind == StepKind::Pod).count() as u64;
    for platform in &report.platforms {
        assert!(platform.complete, "{}: {:?}", platform.name, platform.incomplete_reasons);
        assert_eq!(platform.pods.succeeded, pods);
        assert_eq!(platform.latency.makespan_s.count, 502);
    }
}

#[test]
fn the_readme_of_the_example_shows_what_the_replay_gives() {
    let readme = std::fs::read_to_string(trace_path().with_file_name("README.md")).unwrap();
    let mut platforms = Platform::defaults();
    platforms.extend(Platform::built_in("recorded"));
    let study = study_of_files(&trace_path(), Settings::default(), &platforms).unwrap();
    let (_, report) = replay(&study);
    for p in &report.platforms {
        let total = p.cost.as_ref().map(|cost| Usd::parse(&cost.total_usd).unwrap().rounded(2));
        let total = total.map_or_else(|| "unknown".to_owned(), |usd| format!("${usd}"));
        let [start, makespan] = [p.latency.start_delay_s, p.latency.makespan_s].map(|d| d.p50.unwrap());
        let row = format!("| {} | {total} | {start:.1} s | {makespan:.1} s |", p.name);
        assert!(readme.contains(&row), "the example's README does not have the row {row}");
    }
}
