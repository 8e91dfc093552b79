use super::*;
use crate::import::pods::PodSeen;
use crate::platform::Defaults;
use crate::trace::{SourceFile, WorkMethod, canonical_order};
use crate::units::{Cpu, Memory};
use crate::workload::{build, recorded_timeline};

fn s(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

/// A draft with one file of another format.
fn draft() -> Draft {
    let mut draft = Draft::default();
    let file = SourceFile { path: "x".into(), is_native: true, format: "digdag", ..SourceFile::default() };
    draft.trace().files.push(file);
    draft
}

/// A row of a Digdag task, queued and observed in seconds; gives its index.
fn task(draft: &mut Draft, id: u64, after: &str, queued: i64, observed: i64) -> usize {
    let row = draft.row(0, &id.to_string());
    draft.word(row, |t| &mut t.run_id, "run");
    draft.word(row, |t| &mut t.depends_on, after);
    draft.trace().submit_time.set(row, s(queued));
    draft.trace().state.set(row, State::Succeeded);
    let pod = PodKey::DigdagTask(id);
    let (queued, observed) = (s(queued), s(observed));
    draft.spans.push(Span { row: row as u32, queued, observed, first_log: None, pod });
    row
}

fn pod_name(task: u64, number: u8) -> String {
    format!("digdag-pod-{task}-0-{number:08x}-0000-0000-0000-000000000000")
}

fn options(start_up: Option<i64>) -> Options {
    let model = SourceModel { start_up: start_up.map(Duration::from_secs), ..SourceModel::default() };
    Options { model, ..Options::default() }
}

/// created, started, ended and observed in seconds.
fn times(trace: &Trace, row: usize) -> [i64; 4] {
    [&trace.pod_created_time, &trace.start_time, &trace.end_time, &trace.finish_observed_time]
        .map(|column| column.get(row).map_or(-1, |time| time.ms() / 1_000))
}

/// The trace must give back what was observed when its own delays are replayed.
#[track_caller]
fn assert_replays_as_recorded(trace: &Trace) {
    let order = canonical_order(trace);
    let built = build(trace, &order, &Defaults::default(), (None, None)).expect("the trace is a valid one");
    let times = recorded_timeline(&built.workload);
    for (step, times) in times.iter().enumerate() {
        let row = built.workload.steps.row[step] as usize;
        let task = trace.task_id.get(row);
        let attempt = trace.attempt.get(row);
        assert_eq!(Some(times.created), trace.pod_created_time.get(row), "creation of {task} {attempt:?}");
        assert_eq!(Some(times.observed), trace.finish_observed_time.get(row), "end of {task} {attempt:?}");
    }
}

#[test]
fn rows_get_the_best_times_and_replay_as_recorded() {
    let mut draft = draft();
    let a = task(&mut draft, 1, "", 0, 100);
    let b = task(&mut draft, 2, "1", 101, 300);
    let c = task(&mut draft, 3, "1;2", 301, 400);
    let pods = &mut draft.pods;
    let one = pods.pod("", &pod_name(1, 1));
    (one.created, one.started, one.ended) = (Some(s(2)), Some(s(32)), Some(s(95)));
    let two = pods.pod("", &pod_name(2, 1));
    (two.first_point, two.last_point, two.step) = (Some(s(150)), Some(s(270)), Some(Duration::from_secs(20)));
    resolve(&mut draft, &options(None));
    let trace = draft.trace();
    assert_eq!(times(trace, a), [2, 32, 95, 100]);
    // From 150 - 10 to 270 + 10.
    assert_eq!(times(trace, b), [101, 140, 280, 300]);
    // The start-up of the only pod that was measured: 32 - 2 = 30; the end 6 s before it was seen.
    assert_eq!(times(trace, c), [301, 331, 394, 400]);
    let methods = [a, b, c].map(|row| trace.work_method.get(row).unwrap());
    assert_eq!(methods, [WorkMethod::PodStatus, WorkMethod::MetricBounds, WorkMethod::ModelSubtracted]);
    assert_eq!([a, b, c].map(|row| trace.work.get(row).unwrap().ms() / 1_000), [63, 140, 63]);
    assert_eq!(trace.evidence.joined, 2);
    assert_replays_as_recorded(draft.trace());
    assert_eq!(
        draft.notes,
        ["start-up taken as 30s for 1 row: median of all pods that were measured (1 row)"]
    );
}

#[test]
fn several_pods_of_a_task_are_its_tries() {
    let mut draft = draft();
    let before = task(&mut draft, 1, "", 0, 50);
    let row = task(&mut draft, 2, "1", 50, 400);
    let after = task(&mut draft, 3, "2", 401, 500);
    // The export knows the last pod only.
    draft.trace().pod_created_time.set(row, s(250));
    draft.word(row, |t| &mut t.pod_name, &pod_name(2, 9));
    for (number, created, started, ended) in [(7, 52, 80, 90), (8, 120, 150, 170), (9, 250, 280, 390)] {
        let pod = draft.pods.pod("", &pod_name(2, number));
        (pod.created, pod.started, pod.ended) = (Some(s(created)), Some(s(started)), Some(s(ended)));
    }
    resolve(&mut draft, &options(Some(20)));
    let trace = draft.trace();
    let tries: Vec<usize> = (0..trace.rows()).filter(|row| trace.task_id.get(*row) == "2").collect();
    let found: Vec<_> = tries
        .iter()
        .map(|row| (trace.attempt.get(*row).unwrap(), times(trace, *row), trace.state.get(*row).unwrap()))
        .collect();
    let expected = [
        (3, [250, 280, 390, 400], State::Succeeded),
        (1, [52, 80, 90, 96], State::Failed),
        (2, [120, 150, 170, 176], State::Failed),
    ];
    assert_eq!(found, expected);
    // 250 - 176: from the notice of one try to the pod of the next.
    assert_eq!(trace.trigger_delay.get(row), Some(Duration::from_secs(74)));
    assert_eq!(trace.words.get(trace.word(&trace.pod_name, tries[1])), pod_name(2, 7));
    assert_eq!(times(trace, before)[3], 50);
    assert_eq!(times(trace, after)[3], 500);
    assert_replays_as_recorded(draft.trace());
}

#[test]
fn a_killed_task_ends_and_its_pod_runs_on() {
    let mut draft = draft();
    let row = task(&mut draft, 1, "", 0, 100);
    draft.word(row, |t| &mut t.workflow, "w");
    draft.trace().state.set(row, State::Canceled);
    draft.trace().cpu_request.set(row, Cpu::from_milli(500));
    let pod = draft.pods.pod("", &pod_name(1, 1));
    (pod.created, pod.started, pod.ended) = (Some(s(5)), Some(s(40)), Some(s(900)));
    resolve(&mut draft, &options(None));
    let trace = draft.trace();
    assert_eq!(times(trace, 0), [5, 40, 100, 100]);
    assert_eq!(times(trace, 1), [100, 100, 900, 900]);
    let word = |column| trace.words.get(trace.word(column, 1));
    assert_eq!([word(&trace.labels), word(&trace.workflow)], ["leftover=true", "w"]);
    assert_eq!([word(&trace.depends_on), word(&trace.run_id)], ["", ""]);
    assert_eq!(trace.cpu_request.get(1), Some(Cpu::from_milli(500)));
    assert_eq!(trace.work.get(1), Some(Duration::from_secs(800)));
    assert_replays_as_recorded(draft.trace());
}

#[test]
fn pods_say_what_they_asked_for_and_what_they_used() {
    let mut draft = draft();
    let row = task(&mut draft, 1, "", 0, 100);
    draft.trace().cpu_request.set(row, Cpu::from_milli(500));
    draft.trace().memory_request.set(row, Memory::from_mib(1_024));
    let pod = draft.pods.pod("jobs", &pod_name(1, 1));
    *pod = PodSeen {
        created: Some(s(1)),
        // With the sidecar's 256.
        cpu_request: Some(Cpu::from_milli(756)),
        memory_request: Some(Memory::from_mib(1_024)),
        cpu: (1..=20).map(f64::from).collect(),
        memory: vec![100.0, 300.0],
        node: Some("fargate-ip-10-0-0-1.ap-northeast-1.compute.internal".into()),
        platform: Some(SourcePlatform::Fargate),
        ..PodSeen::default()
    };
    resolve(&mut draft, &options(Some(30)));
    let trace = draft.trace();
    assert_eq!(trace.cpu_request.get(row), Some(Cpu::from_milli(756)));
    // Nearest rank ⌈20 · 95 %⌉ = 19.
    assert_eq!(
        [&trace.cpu_usage_avg_milli, &trace.cpu_usage_p95_milli, &trace.cpu_usage_max_milli]
            .map(|column| column.get(row)),
        [Some(10.5), Some(19.0), Some(20.0)]
    );
    assert_eq!(
        (trace.memory_usage_avg_mib.get(row), trace.memory_usage_max_mib.get(row)),
        (Some(200.0), Some(300.0))
    );
    assert_eq!((trace.points.cpu(row).len(), trace.points.memory(row)), (20, &[100.0, 300.0][..]));
    assert_eq!(trace.source_platform.get(row), Some(SourcePlatform::Fargate));
    let differing =
        "1 pod asked for other requests than the configuration of the task says: the pods' are used";
    assert!(draft.notes.iter().any(|note| note == differing), "{:?}", draft.notes);
}

#[test]
fn pods_of_no_task_are_rows_of_their_own() {
    let mut draft = draft();
    let pods = &mut draft.pods;
    let done = pods.pod("jobs", "report-28391040-x1y2z");
    (done.created, done.started, done.ended) = (Some(s(10)), Some(s(40)), Some(s(70)));
    (done.owner, done.owner_name) = (crate::trace::OwnerKind::Job, Some("report-28391040".into()));
    let running = pods.pod("jobs", "still");
    (running.created, running.started, running.state) = (Some(s(20)), Some(s(30)), Some(State::Running));
    for namespace in ["a", "b"] {
        let pod = pods.pod(namespace, "twice");
        (pod.scheduled, pod.deleted) = (Some(s(50)), Some(s(90)));
    }
    pods.pod("jobs", "never").created = Some(s(1));
    resolve(&mut draft, &options(None));
    let trace = draft.trace();
    let found: Vec<_> = (0..trace.rows())
        .map(|row| (trace.task_id.get(row), times(trace, row), trace.work_method.get(row).unwrap()))
        .collect();
    let expected = [
        ("a/twice", [50, 50, 90, 90], WorkMethod::ScheduledToDeleted),
        ("b/twice", [50, 50, 90, 90], WorkMethod::ScheduledToDeleted),
        ("report-28391040-x1y2z", [10, 40, 70, 70], WorkMethod::PodStatus),
        // Until the last instant that any pod tells of.
        ("still", [20, 30, 90, 90], WorkMethod::PodStatus),
    ];
    assert_eq!(found, expected);
    assert_eq!(trace.words.get(trace.word(&trace.workflow, 2)), "report");
    assert_eq!(trace.state.get(3), Some(State::Running));
    assert_eq!(trace.evidence.own_rows, 4);
    assert_eq!(draft.dropped.values().sum::<u64>(), 1);
    assert_replays_as_recorded(draft.trace());
}

#[test]
fn an_agent_that_took_the_task_later_is_no_start_up() {
    let mut draft = draft();
    let row = task(&mut draft, 1, "", 0, 200);
    draft.spans[0].first_log = Some(s(30));
    resolve(&mut draft, &options(Some(45)));
    // 200 - 30 - 45 - 6 = 119.
    assert_eq!(times(draft.trace(), row), [30, 75, 194, 200]);
}

#[test]
fn steps_without_a_pod_have_no_start_up() {
    let mut draft = draft();
    let row = task(&mut draft, 1, "", 10, 20);
    draft.trace().kind.set(row, Kind::Control);
    resolve(&mut draft, &options(Some(45)));
    let trace = draft.trace();
    assert_eq!(times(trace, row), [-1, 10, 20, 20]);
    assert_eq!(trace.work_method.get(row), None);
}

/// Task 1 has a pod whose creation is known, with points `step` apart from 100 s on; of task 2 nothing is.
fn start_up_by_points(created: Option<i64>, step: i64) -> Vec<(crate::trace::StartUpSource, i64)> {
    let mut draft = draft();
    task(&mut draft, 1, "", 0, 400);
    task(&mut draft, 2, "1", 401, 900);
    let pod = draft.pods.pod("", &pod_name(1, 1));
    pod.created = created.map(s);
    (pod.first_point, pod.last_point, pod.step) =
        (Some(s(100)), Some(s(340)), Some(Duration::from_secs(step)));
    resolve(&mut draft, &options(None));
    let start_up = draft.trace().evidence.start_up.clone();
    start_up.iter().map(|entry| (entry.how, entry.value.ms() / 1_000)).collect()
}

#[test]
fn a_known_creation_and_close_points_say_the_start_up() {
    use crate::trace::StartUpSource::{Nothing, PointsOfAll};
    // 100 - 20/2 - 10 = 80 s, and 100 - 60/2 - 10 = 60 s.
    assert_eq!(start_up_by_points(Some(10), 20), [(PointsOfAll, 80)]);
    assert_eq!(start_up_by_points(Some(10), 60), [(PointsOfAll, 60)]);
    assert_eq!(start_up_by_points(Some(10), 61), [(Nothing, 0)], "points too far apart");
    assert_eq!(start_up_by_points(None, 20), [(Nothing, 0)], "nobody knows the creation");
}

#[test]
fn a_creation_that_is_only_the_first_point_says_nothing_of_the_start_up() {
    let mut draft = draft();
    task(&mut draft, 1, "", 0, 400);
    task(&mut draft, 2, "1", 401, 900);
    for (number, first, last) in [(1, 100, 140), (2, 200, 340)] {
        let pod = draft.pods.pod("", &pod_name(1, number));
        (pod.first_point, pod.last_point, pod.step) =
            (Some(s(first)), Some(s(last)), Some(Duration::from_secs(20)));
    }
    resolve(&mut draft, &options(None));
    let how: Vec<_> = draft.trace().evidence.start_up.iter().map(|entry| entry.how).collect();
    assert_eq!(how, [crate::trace::StartUpSource::Nothing]);
}
