//! Why one trace costs more than another, worked out by hand. Prices are us-east-1's: Fargate 0.04048 a vCPU-hour and
//! 0.004445 a GB-hour, the control plane 0.10 an hour.
//!
//! A pod of 500m and 1 GiB is billed 0.5 vCPU and 2 GB: 0.02024 + 0.00889 = 0.02913 an hour.

#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use cost_sim::catalog::Snapshot;
use cost_sim::compare::traces::{Input, TraceDiff, WorkflowDiff, diff};
use cost_sim::platform::{Platform, Scenario, Settings};
use cost_sim::report::trace_diff;
use cost_sim::trace::{self, ReadOptions};
use cost_sim::units::Usd;
use proptest::prelude::*;

use crate::support::generate::{Features, cases, has_pods, platforms, settings, traces};
use crate::support::*;

const HOUR: i64 = 3_600_000;

/// A window of so many hours.
fn meta(hours: i64) -> String {
    format!(
        "{{\"window_start\": \"{}\", \"window_end\": \"{}\"}}",
        time_text(NEW_YEAR),
        time_text(NEW_YEAR + hours * HOUR)
    )
}

fn input(rows: &[Row], hours: Option<i64>, prices: Snapshot) -> Input {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.csv");
    std::fs::write(&path, csv(rows)).unwrap();
    if let Some(hours) = hours {
        std::fs::write(dir.path().join("trace.meta.json"), meta(hours)).unwrap();
    }
    let (mut trace, warnings) = trace::read(&[path], &ReadOptions::default(), &mut |_| {})
        .unwrap_or_else(|e| panic!("{}", e.render()));
    "trace.csv".clone_into(&mut trace.files[0].path);
    Input { read: (trace, warnings), prices }
}

fn scenario(settings: Settings, platforms: Vec<Platform>) -> Scenario {
    Scenario { settings, platforms, ..Scenario::default() }
}

fn compare(scenario: &Scenario, before: Input, after: Input) -> TraceDiff {
    let diff = diff(scenario, before, after, false).unwrap_or_else(|e| panic!("{}", e.render()));
    assert_parts_sum(&diff);
    diff
}

/// Both on Fargate without any delay, in a window of a day.
fn on_fargate(before: &[Row], after: &[Row]) -> TraceDiff {
    let scenario = scenario(instant_settings(), vec![fargate()]);
    let of = |rows| input(rows, Some(24), Snapshot::embedded());
    compare(&scenario, of(before), of(after))
}

fn usd(text: &str) -> Usd {
    Usd::parse(text).unwrap()
}

fn assert_parts_sum(diff: &TraceDiff) {
    let mut sums = [Usd::ZERO; 3];
    for workflow in &diff.workflows {
        let parts: Usd = workflow.causes.named().iter().map(|(_, part)| usd(part)).sum();
        assert_eq!(parts, usd(&workflow.usd.difference_usd), "{}", workflow.workflow);
        let amounts = [&workflow.usd.before_usd, &workflow.usd.after_usd, &workflow.usd.difference_usd];
        sums.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += usd(amount));
    }
    let shared = &diff.shared;
    let parts = usd(&shared.billed_hours) + usd(&shared.other) + usd(&shared.price);
    assert_eq!(parts, usd(&shared.usd.difference_usd));
    let causes: Usd = diff.causes.named().iter().map(|(_, part)| usd(part)).sum();
    assert_eq!(causes + parts, usd(&diff.total.difference_usd));
    assert_eq!(sums[0] + usd(&shared.usd.before_usd), usd(&diff.total.before_usd));
    assert_eq!(sums[1] + usd(&shared.usd.after_usd), usd(&diff.total.after_usd));
    assert_eq!(usd(&diff.total.after_usd) - usd(&diff.total.before_usd), usd(&diff.total.difference_usd));
}

/// A pod of an hour that starts so many hours after the new year.
fn pod(workflow: &str, run: &str, task: &str, hour: i64) -> Row {
    Row { workflow: workflow.into(), ..Row::pod(task, hour * HOUR, HOUR).of(run, &[]) }
}

/// Two runs of one pod, and a run of two pods: 2 × 0.02913 each.
fn base() -> Vec<Row> {
    vec![
        pod("load", "l1", "copy", 0),
        pod("load", "l2", "copy", 4),
        pod("report", "r1", "sum", 1),
        pod("report", "r1", "mail", 3),
    ]
}

fn workflow<'a>(diff: &'a TraceDiff, name: &str) -> &'a WorkflowDiff {
    diff.workflows.iter().find(|workflow| workflow.workflow == name).unwrap()
}

/// The causes that are not zero.
fn causes(workflow: &WorkflowDiff) -> Vec<(&'static str, String)> {
    let named = workflow.causes.named().into_iter().filter(|(_, part)| *part != "0.00");
    named.map(|(name, part)| (name, part.to_owned())).collect()
}

/// The rows of `base` with those of `load` changed.
fn with_load(change: impl Fn(Row) -> Row) -> Vec<Row> {
    base().into_iter().map(|row| if row.workflow == "load" { change(row) } else { row }).collect()
}

#[test]
fn each_cause_by_itself_gets_all_of_the_difference() {
    type Parts = &'static [(&'static str, &'static str)];
    let with = |more: Vec<Row>| base().into_iter().chain(more).collect::<Vec<_>>();
    let cases: [(&str, Vec<Row>, Parts); 6] = [
        ("the same", base(), &[]),
        // Two more runs of 0.02913.
        (
            "runs",
            with(vec![pod("load", "l3", "copy", 8), pod("load", "l4", "copy", 9)]),
            &[("runs", "0.05826")],
        ),
        // A second task in each of the two runs.
        (
            "pods",
            with(vec![pod("load", "l1", "check", 1), pod("load", "l2", "check", 5)]),
            &[("pods per run", "0.05826")],
        ),
        // Three hours instead of one: 2 × 2 × 0.02913.
        ("work", with_load(|row| Row { work: Some(3 * HOUR), ..row }), &[("duration", "0.11652")]),
        // 1 vCPU and 4.25 → 5 GB: 0.04048 + 0.022225 = 0.062705, so 2 × 0.033575 more.
        (
            "size",
            with_load(|row| Row { cpu: Some(1_000), memory: Some(4_096), ..row }),
            &[("requests", "0.06715")],
        ),
        // A request that Fargate rounds to the size that it had: 0.4 vCPU is 0.5.
        ("same size", with_load(|row| Row { cpu: Some(400), ..row }), &[]),
    ];
    for (what, after, expected) in cases {
        let diff = on_fargate(&base(), &after);
        let expected: Vec<_> = expected.iter().map(|(name, part)| (*name, (*part).to_owned())).collect();
        assert_eq!(causes(workflow(&diff, "load")), expected, "{what}");
        assert_eq!(causes(workflow(&diff, "report")), [], "{what}");
        // The control plane of a day, before and after.
        let shared = &diff.shared.usd;
        assert_eq!((shared.before_usd.as_str(), shared.difference_usd.as_str()), ("2.40", "0.00"), "{what}");
        assert_eq!(diff.total.before_usd, "2.51652", "{what}: 2.40 + 4 × 0.02913");
    }
}

#[test]
fn what_two_causes_do_together_belongs_to_the_later_one() {
    // Twice the runs, each twice as long: 0.05826 → 0.23304. Runs: 0.05826 × 4/2, so +0.05826. Then hours a pod from 1
    // to 2: 0.11652 → 0.23304, so +0.11652.
    let mut after = with_load(|row| Row { work: Some(2 * HOUR), ..row });
    after.extend(
        [8, 12].map(|hour| Row { work: Some(2 * HOUR), ..pod("load", &format!("m{hour}"), "copy", hour) }),
    );
    let diff = on_fargate(&base(), &after);
    let expected = [("runs", "0.05826"), ("duration", "0.11652")].map(|(name, part)| (name, part.to_owned()));
    assert_eq!(causes(workflow(&diff, "load")), expected);
    assert_eq!(diff.causes.duration, "0.11652");
}

#[test]
fn a_large_task_that_takes_longer_is_not_larger() {
    // In `report`, `sum` asks for 1 vCPU and 5 GB (0.062705 an hour) on both sides and takes 2 hours instead of 1.
    let size =
        |row: Row| if row.task == "sum" { Row { cpu: Some(1_000), memory: Some(4_096), ..row } } else { row };
    let before: Vec<Row> = base().into_iter().map(size).collect();
    let longer = |row: Row| if row.task == "sum" { Row { work: Some(2 * HOUR), ..row } } else { row };
    let after: Vec<Row> = before.iter().cloned().map(longer).collect();
    let diff = on_fargate(&before, &after);
    assert_eq!(causes(workflow(&diff, "report")), [("duration", "0.062705".to_owned())]);
}

#[test]
fn workflows_that_are_new_or_gone_are_a_matter_of_runs() {
    let mut after: Vec<Row> = base().into_iter().filter(|row| row.workflow != "load").collect();
    after.push(Row { work: Some(10 * HOUR), ..pod("fresh", "f1", "t", 0) });
    let diff = on_fargate(&base(), &after);
    let (fresh, load) = (workflow(&diff, "fresh"), workflow(&diff, "load"));
    assert_eq!(causes(fresh), [("runs", "0.2913".to_owned())]);
    assert_eq!(causes(load), [("runs", "-0.05826".to_owned())]);
    assert!(fresh.before.is_none() && load.after.is_none());
    assert_eq!(diff.causes.runs, "0.23304");
    // The largest difference first.
    let names: Vec<&str> = diff.workflows.iter().map(|workflow| workflow.workflow.as_str()).collect();
    assert_eq!(names, ["fresh", "load", "report"]);
}

/// As it happened on Fargate; noticed, and so deleted, so many hours after the end.
fn happened(row: Row, kept: i64) -> Row {
    let end = row.submit + row.work.unwrap();
    Row {
        created: Some(row.submit),
        start: Some(row.submit),
        end: Some(end),
        observed: Some(end + kept * HOUR),
        source_platform: "fargate",
        ..row
    }
}

#[test]
fn pods_that_are_deleted_late_are_leftovers_where_the_trace_knows_it() {
    let before: Vec<Row> = base().into_iter().map(|row| happened(row, 0)).collect();
    let after: Vec<Row> = base()
        .into_iter()
        .map(|row| {
            let kept = i64::from(row.workflow == "load") * 2;
            happened(row, kept)
        })
        .collect();
    // Nobody chose a platform: both ran on Fargate, and it is known when.
    let scenario = Scenario { settings: instant_settings(), ..Scenario::default() };
    let of = |rows: &[Row]| input(rows, Some(24), Snapshot::embedded());
    let diff = compare(&scenario, of(&before), of(&after));
    assert_eq!(diff.platform, "recorded");
    // 2 pods × 2 hours × 0.02913.
    assert_eq!(causes(workflow(&diff, "load")), [("leftovers", "0.11652".to_owned())]);
    let leftover = workflow(&diff, "load").after.as_ref().unwrap().leftover_hours;
    assert!((leftover - 4.0).abs() < 1e-9, "{leftover}");
    // Pods of which only one trace knows when they ran are simulated.
    let diff = compare(&scenario, of(&base()), of(&after));
    assert_eq!(diff.platform, "fargate");
}

/// The embedded prices with another one for Fargate's vCPUs in us-east-1.
fn prices(vcpu_hour: &str) -> Snapshot {
    let dir = tempfile::tempdir().unwrap();
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pricing");
    for file in std::fs::read_dir(own).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let text = if file.file_name() == "fargate.csv" {
            assert!(text.contains("\nus-east-1,0.04048,"));
            text.replace("\nus-east-1,0.04048,", &format!("\nus-east-1,{vcpu_hour},"))
        } else {
            text
        };
        std::fs::write(dir.path().join(file.file_name()), text).unwrap();
    }
    Snapshot::load(dir.path()).unwrap_or_else(|e| panic!("{}", e.render()))
}

#[test]
fn prices_come_last() {
    // vCPUs at 0.05048: 0.01 more, so 0.005 for a pod's hour of half a vCPU. Longer by an hour as well: first the hour
    // at the old price (2 × 0.02913), then 2 pods × 2 hours × 0.005 = 0.02. `report` has the price alone: 2 × 0.005.
    let scenario = scenario(instant_settings(), vec![fargate()]);
    let after = with_load(|row| Row { work: Some(2 * HOUR), ..row });
    let diff = compare(
        &scenario,
        input(&base(), Some(24), Snapshot::embedded()),
        input(&after, Some(24), prices("0.05048")),
    );
    let expected = [("duration", "0.05826"), ("price", "0.02")].map(|(name, part)| (name, part.to_owned()));
    assert_eq!(causes(workflow(&diff, "load")), expected);
    assert_eq!(causes(workflow(&diff, "report")), [("price", "0.01".to_owned())]);
    assert_eq!(diff.shared.price, "0.00");
}

#[test]
fn private_discounts_are_taken_off_the_old_prices_too() {
    // Half of everything on Fargate. 1 vCPU and 5 GB instead of 0.5 and 2, at the old prices: 2 × (0.062705 − 0.02913) / 2
    // = 0.033575. Then vCPUs at 0.05048: 2 pods × 1 vCPU × 0.01 / 2 = 0.01, and 2 × 0.5 × 0.01 / 2 for `report`.
    let mut settings = instant_settings();
    settings.discounts.fargate_ppm = 500_000;
    let after = with_load(|row| Row { cpu: Some(1_000), memory: Some(4_096), ..row });
    let diff = compare(
        &scenario(settings, vec![fargate()]),
        input(&base(), Some(24), Snapshot::embedded()),
        input(&after, Some(24), prices("0.05048")),
    );
    let expected = [("requests", "0.033575"), ("price", "0.01")].map(|(name, part)| (name, part.to_owned()));
    assert_eq!(causes(workflow(&diff, "load")), expected);
    assert_eq!(causes(workflow(&diff, "report")), [("price", "0.005".to_owned())]);
}

#[test]
fn a_longer_window_is_said_and_not_normalised() {
    let scenario = scenario(instant_settings(), vec![fargate()]);
    let of = |hours| input(&base(), Some(hours), Snapshot::embedded());
    let diff = compare(&scenario, of(24), of(36));
    // 12 more hours of the control plane.
    assert_eq!(diff.shared.billed_hours, "1.20");
    assert_eq!((diff.shared.other.as_str(), diff.total.difference_usd.as_str()), ("0.00", "1.20"));
    let day = diff.total.per_day.as_ref().unwrap();
    // 2.51652 in one day; 3.71652 in one and a half.
    assert_eq!((day.before_usd.as_str(), day.after_usd.as_str()), ("2.51652", "2.47768"));
    assert!(diff.warnings[0].contains("of 1.0 and 1.5 days"), "{:?}", diff.warnings);
    // 1 % is no difference.
    assert_eq!(compare(&scenario, of(100), of(101)).total.per_day, None);
}

#[test]
fn on_shared_nodes_larger_requests_and_another_sharing_are_told_apart() {
    // One m5.large for all: pods are allocated their share of it, the larger of CPU and memory; the rest is idle.
    let scenario = scenario(instant_settings(), vec![group("m5.large", 1)]);
    let of = |rows: &[Row]| input(rows, Some(24), Snapshot::embedded());
    let after = with_load(|row| Row { cpu: Some(1_000), memory: Some(2_048), ..row });
    let diff = compare(&scenario, of(&base()), of(&after));
    let load = workflow(&diff, "load");
    // Both requests doubled, and so did what was requested; the share of the node did the same.
    let part = |name: &str| usd(load.causes.named().into_iter().find(|(cause, _)| *cause == name).unwrap().1);
    assert_eq!(part("requests"), usd(&load.usd.before_usd));
    assert!(part("sharing").femto().abs() < usd("0.0001").femto(), "{}", load.causes.sharing);
    // The node costs what it did: what `load` takes more is idle no longer.
    assert_eq!(diff.total.difference_usd, "0.00");
    assert_eq!(usd(&diff.shared.other), -usd(&load.usd.difference_usd));
}

#[test]
fn two_platforms_are_one_too_many() {
    let scenario = scenario(instant_settings(), vec![fargate(), group("m5.large", 1)]);
    let of = |rows: &[Row]| input(rows, Some(24), Snapshot::embedded());
    let error = diff(&scenario, of(&base()), of(&base()), false).unwrap_err().render();
    assert!(error.contains("hint: choose one with --platform: fargate, 1x-m5.large"), "{error}");
}

/// The traces of `examples/diff`.
fn example() -> TraceDiff {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/diff");
    let of = |name: &str| {
        let read = trace::read(&[dir.join(name)], &ReadOptions::default(), &mut |_| {});
        let (mut trace, warnings) = read.unwrap_or_else(|e| panic!("{}", e.render()));
        trace.files[0].path = format!("examples/diff/{name}");
        Input { read: (trace, warnings), prices: Snapshot::embedded() }
    };
    compare(&Scenario::default(), of("october.csv"), of("november.csv"))
}

#[test]
fn the_documentation_shows_what_the_program_prints() {
    let diff = example();
    let table = trace_diff::table(&diff, 80, trace_diff::TOP);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diff.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once("```text\n").unwrap();
    let (_, tail) = rest.split_once("```\n").unwrap();
    let text = format!("{head}```text\n{table}```\n{tail}");
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, &text).unwrap();
    } else {
        assert!(text == page, "docs/diff.md is out of date: run this test with UPDATE_DOCS=1");
        let causes = &workflow(&diff, "ingest").causes;
        let [runs, duration] = [&causes.runs, &causes.duration].map(|part| usd(part).rounded(6));
        assert!(page.contains(&format!("Runs are +{runs} and duration is +{duration}")), "{causes:?}");
    }
}

#[test]
fn the_table_fits_eighty_columns_and_adds_up() {
    let mut after = with_load(|row| Row { work: Some(3 * HOUR), ..row });
    for number in 0..4 {
        after.push(pod(&format!("new-{number}"), &format!("n{number}"), "t", number));
    }
    let diff = on_fargate(&base(), &after);
    let text = trace_diff::table(&diff, 80, 2);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text, @"
    the second trace costs $0.2330 more ($2.75 instead of $2.52): duration of load
      (+$0.1165), new-0, which is new (+$0.0291), new-1, which is new (+$0.0291).

    before: trace.csv: 4 pods in 3 workflow runs, 2024-01-01 to 2024-01-02 UTC
    after: trace.csv: 8 pods in 7 workflow runs, 2024-01-01 to 2024-01-02 UTC
    platform: fargate, us-east-1

                                        before         after    difference    change
    total                                $2.52         $2.75        +$0.23    +9.3 %

    cause                                                       difference
    runs                                                            +$0.12
    duration                                                        +$0.12

    workflow                            before         after    difference    change
    load                                 $0.06         $0.17        +$0.12    +200 %
      duration +$0.12 (1h00m → 3h00m)
    new-0                                $0.00         $0.03        +$0.03         –
      new: 1 run
    4 other workflows                    $0.06         $0.15        +$0.09    +150 %
    shared                               $2.40         $2.40         $0.00      ±0 %
      what no workflow causes: control plane, idle nodes, controllers

    warning: the trace does not say where it ran: no platform is marked as today's
    ");
    assert_eq!(serde_json::from_str::<TraceDiff>(&trace_diff::json(&diff)).unwrap(), diff);
    let markdown = trace_diff::markdown(&diff, 2);
    assert!(
        markdown.contains("| load | $0.06 | $0.17 | +$0.12 | +200 % | duration +$0.12 (1h00m → 3h00m) |"),
        "{markdown}"
    );
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn parts_sum_whatever_happens(
        before in traces(Features::ALL, Just(false)), after in traces(Features::ALL, Just(false)),
        settings in settings(), platforms in platforms(), which in 0usize..2,
    ) {
        prop_assume!(has_pods(&before) && has_pods(&after));
        let scenario = scenario(settings, vec![platforms[which].clone()]);
        let of = |rows: &[Row]| input(rows, None, Snapshot::embedded());
        let there = compare(&scenario, of(&before), of(&after));
        let back = compare(&scenario, of(&after), of(&before));
        prop_assert_eq!(usd(&there.total.difference_usd), -usd(&back.total.difference_usd));
        let still = compare(&scenario, of(&before), of(&before));
        let all = still.causes.named().into_iter().chain(still.workflows.iter().flat_map(|w| w.causes.named()));
        for (cause, part) in all {
            prop_assert_eq!(part, "0.00", "{}", cause);
        }
        prop_assert_eq!(still.total.difference_usd, "0.00");
    }
}
