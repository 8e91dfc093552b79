//! Digdag exports, from files to rows, edges and times.

#![expect(clippy::disallowed_methods, reason = "tests read fixtures")]

mod hostile;
mod metrics;
mod shapes;

use std::path::{Path, PathBuf};

use cost_sim::import::{self, Imported, Options};
use cost_sim::platform::Defaults;
use cost_sim::trace::{self, Kind, State, Trace};
use cost_sim::units::{Span, Time};
use cost_sim::workload::{self, StepTimes, recorded_timeline};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/digdag").join(name)
}

fn import_fixture(name: &str) -> Imported {
    let read = import::read(&[fixture(name)], &Options::default(), &mut |_| {});
    read.unwrap_or_else(|error| panic!("{name}: {}", error.render()))
}

/// Imports files in memory: pairs of path and content.
fn import_contents(files: &[(&str, &str)]) -> Result<Imported, String> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    import::read_contents(&files, &Options::default()).map_err(|error| error.render())
}

fn clock(time: Option<Time>) -> String {
    let Some(time) = time else { return "-".to_owned() };
    let seconds = time.ms() / 1_000 % 86_400;
    assert_eq!(time.ms() % 1_000, 0, "Digdag's times are whole seconds");
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

fn text(trace: &Trace, column: &cost_sim::trace::Column<cost_sim::trace::Word>, row: usize) -> String {
    trace.words.get(trace.word(column, row)).to_owned()
}

/// `run/task kind state | what it waits for | eligible, with the delay after that | end as noticed`
fn line(trace: &Trace, row: usize) -> String {
    let kind = match trace.kind.get(row) {
        None | Some(Kind::Pod) => "pod",
        Some(Kind::Control) => "control",
        Some(Kind::Wait) => "wait",
    };
    let state = match trace.state.get(row) {
        Some(State::Succeeded) => "ok",
        Some(State::Failed) => "failed",
        Some(State::Canceled) => "canceled",
        Some(State::Running) => "running",
        other => panic!("{other:?}"),
    };
    let delay = trace.trigger_delay.get(row).map_or("-".to_owned(), |d: Span| (d.ms() / 1_000).to_string());
    format!(
        "{}/{} {kind} {state} | {} | {} +{delay} | {}",
        text(trace, &trace.run_id, row),
        trace.task_id.get(row),
        text(trace, &trace.depends_on, row),
        clock(trace.submit_time.get(row)),
        clock(trace.finish_observed_time.get(row)),
    )
}

fn lines(trace: &Trace) -> Vec<String> {
    let mut lines: Vec<String> = (0..trace.rows()).map(|row| line(trace, row)).collect();
    lines.sort();
    lines
}

/// The rows of the estate, derived by hand from what its tasks say; times are UTC of 2024-01-30.
const ROWS: [&str; 25] = [
    // Attempt 101 of `nightly`, created 16:00:02. 1001, 1003, 1012, 1015 and 1018 are groups: no rows.
    // First in the root, which begins with the attempt.
    "101/1002 pod ok |  | 16:00:02 +- | 16:01:40",
    // The group of 1004-1007 waits for 1002. A limit of 2: the second two wait for both of the first two.
    "101/1004 pod ok | 1002 | 16:01:41 +1 | 16:03:00",
    "101/1005 pod ok | 1002 | 16:01:41 +1 | 16:04:10",
    // 16:04:10 is when 1005 was done: 16:04:11 is 1 s later, 16:04:12 is 2 s.
    "101/1006 pod ok | 1004;1005 | 16:04:11 +1 | 16:05:00",
    "101/1007 pod ok | 1004;1005 | 16:04:12 +2 | 16:06:30",
    // `_background`: it has no upstream, so it begins with the root.
    "101/1008 pod ok |  | 16:00:02 +- | 16:07:00",
    // The next one in the foreground waits for it and for the group before, that is for the group's last tasks. Its own
    // run (it makes tasks) lasts until the first of these starts, not until its updatedAt of 16:09:00.
    "101/1009 control ok | 1006;1007;1008 | 16:07:01 +1 | 16:07:03",
    "101/1016 pod ok | 1009 | 16:07:03 +0 | 16:09:00",
    "101/1017 pod ok | 1009 | 16:07:03 +0 | 16:08:20",
    // `call>` likewise. It waits for `+each` to be done, that is for the tasks that this made.
    "101/1010 control ok | 1016;1017 | 16:09:01 +1 | 16:09:02",
    "101/1019 pod ok | 1010 | 16:09:02 +0 | 16:10:30",
    // `echo>` runs inside Digdag.
    "101/1020 control ok | 1019 | 16:10:31 +1 | 16:10:31",
    // Retried in place: one row from the first try to the last one's end.
    "101/1011 pod ok | 1020 | 16:10:32 +1 | 16:13:00",
    // A group that is tried twice: 1021 and 1022 are copies of 1013 and 1014, and begin after the first try's end at
    // 16:15:00, 60 s of interval and 1 s later.
    "101/1013 pod ok | 1011 | 16:13:01 +1 | 16:14:00",
    "101/1014 pod failed | 1013 | 16:14:01 +1 | 16:15:00",
    "101/1021 pod ok | 1014 | 16:16:01 +61 | 16:17:00",
    "101/1022 pod ok | 1021 | 16:17:01 +1 | 16:18:30",
    // Attempt 102 of `consumer`: `require>` ends after attempt 101 does, whose last task is 1022, seen to end at
    // 16:18:30. It was noticed 6 s later.
    "102/1102 wait ok | 101/1022 | 16:18:30 +0 | 16:18:36",
    "102/1103 pod ok | 1102 | 16:18:37 +1 | 16:20:00",
    // Session 999 is not in the export: the wait takes as long as it took.
    "102/1104 wait ok | 1103 | 16:20:01 +1 | 16:20:31",
    // Attempt 103 of `broken` failed. 1204 never started, since 1203 failed; what Digdag adds then waits for the rest.
    "103/1202 pod ok |  | 16:30:00 +- | 16:31:00",
    "103/1203 pod failed | 1202 | 16:31:01 +1 | 16:31:40",
    "103/1205 control ok | 1203 | 16:31:41 +1 | 16:31:41",
    // Attempt 104 resumes it: 1302 is a success without a start, taken from 103. 1303 waits for nothing then.
    "104/1303 pod ok |  | 16:40:00 +- | 16:42:00",
    "104/1304 pod ok | 1303 | 16:42:01 +1 | 16:43:00",
    // Attempt 105 was killed; 1403 had not started. 1404 has no image in its own or its parents' configuration, other
    // tasks have: no pod. (Attempt 106 still runs: it has no tasks yet.)
];
const KILLED: [&str; 2] =
    ["105/1402 pod canceled |  | 17:00:00 +- | 17:10:00", "105/1404 control ok |  | 17:00:00 +- | 17:00:05"];

fn expected() -> Vec<String> {
    let mut rows: Vec<String> = ROWS.iter().chain(&KILLED).map(|row| (*row).to_owned()).collect();
    rows.sort();
    rows
}

#[test]
fn the_estate_has_the_same_rows_in_every_form() {
    let forms = [
        "estate-db.csv",
        "estate-db.jsonl",
        "estate-copy.jsonl",
        "estate-agg.json",
        "estate-how.csv",
        "estate-rest",
    ];
    for form in forms {
        assert_eq!(lines(&import_fixture(form).trace), expected(), "{form}");
    }
    // Every cell, but for what a form cannot say: plain rows of attempts do not have the schedule.
    let cells = |form: &str| {
        let mut trace = import_fixture(form).trace;
        if matches!(form, "estate-copy.jsonl" | "estate-agg.json") {
            assert!(trace.schedule_time.is_empty());
        }
        trace.schedule_time = cost_sim::trace::Column::default();
        trace::tasks_sha256(&trace, &trace::canonical_order(&trace))
    };
    for form in forms {
        assert_eq!(cells(form), cells("estate-db.csv"), "{form}");
    }
}

#[test]
fn pods_have_their_sizes_images_and_names() {
    let trace = import_fixture("estate-db.csv").trace;
    let facts = |task: &str| {
        let row = (0..trace.rows()).find(|row| trace.task_id.get(*row) == task).unwrap();
        let mib = |memory: Option<cost_sim::units::Memory>| memory.map_or(-1, cost_sim::units::Memory::bytes);
        (
            text(&trace, &trace.image, row).rsplit('/').next().unwrap_or_default().to_owned(),
            trace.cpu_request.get(row).map_or(-1, cost_sim::units::Cpu::milli),
            mib(trace.memory_request.get(row)),
            mib(trace.memory_limit.get(row)),
            text(&trace, &trace.pod_name, row),
            clock(trace.pod_created_time.get(row)),
        )
    };
    let gib = 1 << 30;
    let fact = |image: &str, cpu, memory, limit, pod: &str, created: &str| {
        (image.to_owned(), cpu, memory, limit, pod.to_owned(), created.to_owned())
    };
    // From the root's export; name and creation from commandStatus.
    let name = "digdag-pod-1002-1-6c1f9a52-3f0a-4a57-9a0e-0d5e8b7b1002";
    assert_eq!(facts("1002"), fact("batch:1", 500, gib, gib, name, "16:00:04"));
    // Its own requests, and the root's limit.
    assert_eq!(facts("1005").1, 2_000);
    assert_eq!((facts("1005").2, facts("1005").3), (3_000_000_000, gib));
    assert_eq!(facts("1005").4, "");
    // The last of two tries.
    assert_eq!(facts("1011").5, "16:11:50");
    // An image and nothing else.
    assert_eq!((facts("1103").0, facts("1103").1), ("consumer:2".to_owned(), -1));
    assert_eq!(facts("1402").0, "long:3");
    let row = (0..trace.rows()).find(|row| trace.task_id.get(*row) == "1011").unwrap();
    assert_eq!(
        (trace.retry_limit.get(row), trace.retry_interval.get(row)),
        (Some(2), Some(Span::from_secs(30)))
    );
    // `daily>: 01:00:00` in Tokyo: 16:00 UTC, of which the attempt was 2 s late.
    assert_eq!(
        (clock(trace.schedule_time.get(row)), clock(trace.session_time.get(row))),
        ("16:00:00".into(), "15:00:00".into())
    );
    assert_eq!(text(&trace, &trace.task_name, row), "+nightly+flaky");
    assert_eq!(
        (text(&trace, &trace.workflow, row), text(&trace, &trace.project, row)),
        ("nightly".into(), "sample".into())
    );
}

#[test]
fn what_is_no_row_is_counted() {
    let imported = import_fixture("estate-db.csv");
    let dropped = &imported.trace.evidence.dropped;
    let dropped: Vec<(&str, u64)> = dropped.iter().map(|d| (&*d.reason, d.count)).collect();
    let expected = [
        ("attempts that were still running, without tasks", 1),
        ("tasks canceled before they started", 1),
        ("tasks resumed from an earlier attempt", 1),
        ("tasks that never started, since something before them failed", 1),
    ];
    assert_eq!(dropped, expected);
    let warnings = imported.warnings.join("\n");
    for expected in [
        "1 wait for runs that are not in the export",
        "1 task retried in place",
        "1 task without a docker.image",
    ] {
        assert!(warnings.contains(expected), "{expected}:\n{warnings}");
    }
}

/// The steps' rows and recorded times.
fn recorded(trace: &Trace) -> Vec<(usize, StepTimes)> {
    let order = trace::canonical_order(trace);
    let built = workload::build(trace, &order, &Defaults::default(), (None, None));
    let workload = built.unwrap_or_else(|problems| panic!("{problems:?}")).workload;
    let times = recorded_timeline(&workload);
    workload.steps.row.iter().map(|row| *row as usize).zip(times).collect()
}

#[test]
fn replaying_the_recorded_delays_gives_back_every_end() {
    for form in ["estate-db.csv", "estate-rest", "ui-fixture"] {
        let trace = import_fixture(form).trace;
        let steps = recorded(&trace);
        assert_eq!(steps.len(), trace.rows());
        for (row, times) in steps {
            let task = trace.task_id.get(row);
            assert_eq!(Some(times.observed), trace.finish_observed_time.get(row), "{form} {task}");
            assert_eq!(Some(times.eligible), trace.submit_time.get(row), "{form} {task}");
        }
    }
}

#[test]
fn the_recorded_answers_of_a_real_server_are_read() {
    let trace = import_fixture("ui-fixture").trace;
    // Created 13:17:27, finished 13:17:29; groups 1, 4 and 7. No task has an image: all are taken as pods.
    let rows = [
        "1/10 pod ok | 8;9 | 13:17:29 +0 | 13:17:29",
        "1/2 pod ok |  | 13:17:27 +- | 13:17:27",
        "1/3 pod ok | 2 | 13:17:27 +0 | 13:17:27",
        "1/5 pod ok | 3 | 13:17:27 +0 | 13:17:27",
        "1/6 pod ok | 5 | 13:17:27 +0 | 13:17:28",
        "1/8 pod ok | 6 | 13:17:28 +0 | 13:17:29",
        "1/9 pod ok | 6 | 13:17:28 +0 | 13:17:29",
    ];
    assert_eq!(lines(&trace), rows);
}
