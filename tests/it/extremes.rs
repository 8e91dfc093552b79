//! Inputs at the edge of what is accepted: nothing panics, and the laws of every replay hold there too.

use cost_sim::error::Error;
use cost_sim::ledger::{Outcome, PodRun};
use cost_sim::platform::{GroupSize, Kind, NodeGroup, NodeGroups, Platform, Settings};
use cost_sim::units::{Span, Time};

use crate::support::*;

const DAY: i64 = 86_400_000;
/// 2200-01-01T00:00:00Z.
const FAR: i64 = 7_258_118_400_000;

/// A group that is chosen and sized for the trace.
fn any_group() -> Platform {
    let kind = NodeGroup { size: GroupSize::HoldPeak, ..NodeGroup::default() };
    Platform {
        name: "node-group".into(),
        kind: Kind::NodeGroups(NodeGroups { groups: vec![kind], ..NodeGroups::default() }),
    }
}

/// A recorded pod: eligible, created, started, ended, noticed.
fn recorded_pod(task: &str, [submit, created, start, end, observed]: [i64; 5]) -> Row {
    let at = |ms: i64| Some(NEW_YEAR + ms);
    Row {
        created: at(created),
        start: at(start),
        end: at(end),
        observed: at(observed),
        ..Row::pod(task, submit, end - start)
    }
}

fn replays(rows: &[Row]) {
    let mut platforms = vec![fargate(), any_group(), group("m5.large", 1)];
    if rows.iter().all(|row| row.start.is_some() || row.kind != "pod") {
        platforms.push(recorded());
    }
    let study = study(rows, Settings::default(), &platforms);
    let (runs, report) = replay(&study);
    assert_laws(&study.setup(), &runs, &report);
    serde_json::to_string(&report).unwrap();
}

#[test]
fn the_smallest_traces_are_replayed() {
    replays(&[Row::pod("only", 0, 1)]);
    replays(&[Row::pod("only", 0, 0)]);
    let control = Row { kind: "control", ..Row::pod("step", 0, 0) };
    replays(&[control.clone().of("r", &[]), Row::pod("pod", 0, 1).of("r", &["step"])]);
    replays(&[Row::pod("pod", 0, 1).of("r", &[]), control.of("r", &["pod"])]);
    // A window of no length at all: one instant.
    replays(&[recorded_pod("instant", [0, 0, 0, 0, 0])]);
}

#[test]
fn the_longest_and_largest_rows_are_replayed() {
    let longest = 400 * DAY;
    let pod = |task: &str| Row::pod(task, 0, longest);
    replays(&[
        pod("long"),
        // 1 PiB.
        Row { image: "huge", image_size: Some(1 << 30), ..pod("image") },
        Row { ephemeral: Some(1 << 30), ..pod("storage") },
        Row { priority: i32::MIN, ..pod("low") },
        Row { priority: i32::MAX, ..pod("high") },
        Row { image: "empty", image_size: Some(0), ..pod("empty") },
    ]);
    let chain: Vec<Row> = (0..200)
        .map(|i| {
            let before = format!("t{}", i - 1);
            let depends_on = [before.as_str()];
            let row = pod(&format!("t{i}")).of("r", if i == 0 { &[] } else { &depends_on });
            Row { trigger_delay: Some(longest), ..row }
        })
        .collect();
    replays(&chain);
}

#[test]
fn a_trace_from_1970_to_2200_is_replayed_and_billed_on_the_dearest_machine() {
    let rows = [Row::pod("first", -NEW_YEAR, 1_000), Row::pod("last", FAR - NEW_YEAR, 400 * DAY)];
    replays(&rows);
    let dearest = "u7in-32tb.224xlarge";
    let (_, run, _) = replay_one(&rows, Settings::default(), group(dearest, 2));
    assert!(run.ledger.window.end - run.ledger.window.start > Span::from_secs(230 * 365 * 86_400));
}

#[test]
fn requests_beyond_every_machine_are_refused_with_their_place() {
    for row in [
        Row { cpu: Some(10_000_000), ..Row::pod("cpu", 0, 1) },
        // 1 PiB.
        Row { memory: Some(1 << 30), ..Row::pod("memory", 0, 1) },
    ] {
        let error = study_of_text(&csv(&[row]), None, Settings::default(), &[fargate()]).err().unwrap();
        assert!(matches!(error, Error::Input(_)));
        let text = error.render();
        assert!(
            text.contains("trace.csv:2:") && text.contains("is more than the largest node in us-east-1 has"),
            "{text}"
        );
    }
}

#[test]
fn thousands_of_pods_at_once_on_one_small_node_all_run() {
    let rows: Vec<Row> = (0..4_000)
        .map(|i| Row {
            priority: i % 3,
            work: Some(i64::from(i % 7) * 1_000),
            ..Row::pod(&format!("p{i}"), 0, 0)
        })
        .collect();
    let mut settings = Settings::default();
    settings.scheduler.preemption = false;
    let (study, run, report) = replay_one(&rows, settings, group("m5.large", 1));
    assert!(run.ledger.outcomes.iter().all(|outcome| *outcome == Outcome::Succeeded));
    assert_eq!(report.platforms[0].capacity.nodes_launched, 1);
    // The higher priority goes first.
    let last = |priority: i32| {
        let of = |step: u32| rows[study.workload.steps.row[step as usize] as usize].priority == priority;
        run.ledger.runs.iter().filter(|run| of(run.step)).map(|run| run.scheduled).max()
    };
    assert!(last(2) < last(1) && last(1) < last(0));

    // On Fargate the launch quota lets 20 go at once and 20 more every second: the last after (4,000 − 20) / 20 s.
    let (_, run, _) = replay_one(&rows, Settings::default(), Platform::built_in("fargate").unwrap());
    let last = run.ledger.runs.iter().map(|run| run.scheduled).max().unwrap();
    assert_eq!(ms(last), 199_000);
}

#[test]
fn pods_of_no_length_come_and_go_in_one_instant() {
    // Each frees what it takes at once, so all run at the instant of their arrival, one after another.
    let rows: Vec<Row> =
        (0..50).map(|i| Row { cpu: Some(1_000), ..Row::pod(&format!("p{i}"), 0, 0) }).collect();
    let (_, run, _) = replay_one(&rows, instant_settings(), group("m5.large", 1));
    assert!(run.ledger.runs.iter().all(PodRun::was_bound));
    // A chain of them takes no time either.
    let chain: Vec<Row> = (0..50)
        .map(|i| {
            let before = format!("t{}", i - 1);
            let depends_on = [before.as_str()];
            Row::pod(&format!("t{i}"), 0, 0).of("r", if i == 0 { &[] } else { &depends_on })
        })
        .collect();
    let (_, run, _) = replay_one(&chain, instant_settings(), fargate());
    assert!(run.ledger.runs.iter().all(|run| run.deleted == Time::from_ms(NEW_YEAR)));
}

#[test]
fn clocks_that_disagree_are_replayed() {
    // Submit, created, started, ended, noticed; each list has a clock that runs ahead of another.
    let clocks = [
        [1_000, 0, 2_000, 3_000, 4_000],
        [0, 2_000, 1_000, 3_000, 4_000],
        [0, 1_000, 2_000, 4_000, 3_000],
        [5_000, 1_000, 2_000, 3_000, 4_000],
        [0, 9_000, 2_000, 2_000, 1_000],
    ];
    for times in clocks {
        replays(&[recorded_pod("a", times).of("r", &[]), recorded_pod("b", times).of("r", &["a"])]);
        let fargate_pod = Row { source_platform: "fargate", ..recorded_pod("a", times) };
        replay_one(&[fargate_pod], Settings::default(), recorded());
    }
}

#[test]
fn a_window_that_the_trace_exceeds_is_widened_and_a_longer_one_is_billed() {
    let rows = [Row::pod("a", 0, 1_000), Row::pod("b", 7_200_000, 1_000)];
    let hours = |start: &str, end: &str| {
        let meta = format!(r#"{{"window_start": "{start}", "window_end": "{end}"}}"#);
        let platforms = [group("m5.large", 1), fargate()];
        let study = study_of_text(&csv(&rows), Some(&meta), instant_settings(), &platforms).unwrap();
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
        let hours: Vec<f64> =
            report.platforms.iter().map(|p| p.cost.as_ref().unwrap().billed_hours).collect();
        assert_eq!(hours[0].to_bits(), hours[1].to_bits());
        hours[0]
    };
    let near = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
    // The first pod comes at midnight, the last ends at 02:00:01.
    near(hours("2024-01-01T01:00:00Z", "2024-01-01T01:30:00Z"), 2.0 + 1.0 / 3_600.0);
    near(hours("2023-12-31T00:00:00Z", "2024-01-02T00:00:00Z"), 48.0);
    near(hours("2030-01-01T00:00:00Z", "2030-01-01T01:00:00Z"), (6.0 * 365.0 + 2.0) * 24.0 + 1.0);
}

#[test]
fn a_long_chain_is_walked_without_recursion() {
    let chain: Vec<Row> = (0..30_000)
        .map(|i| {
            let before = format!("t{}", i - 1);
            let row = Row { state: "succeeded", ..Row::pod(&format!("t{i}"), 0, 1) };
            let depends_on = [before.as_str()];
            row.of("r", if i == 0 { &[] } else { &depends_on })
        })
        .collect();
    let (_, run, _) = replay_one(&chain, instant_settings(), group("m5.large", 1));
    assert_eq!(run.ledger.runs.len(), 30_000);
    // The first can run nowhere: nothing behind it runs.
    let mut blocked = chain;
    blocked[0].cpu = Some(9_000);
    let (_, run, report) = replay_one(&blocked, instant_settings(), group("m5.large", 1));
    assert_eq!(run.ledger.runs.len(), 1);
    assert_eq!(report.platforms[0].pods.not_run, 29_999);
}
