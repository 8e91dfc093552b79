//! The platform that a trace ran on, simulated and held against the record.

use std::path::Path;
use std::process::Command;

use cost_sim::platform::{Settings, Step};
use cost_sim::report::BackTest;
use cost_sim::units::Span;

use crate::support::{Row, csv, fargate, group, instant_settings, study_of_text};

/// Pods start on Fargate in exactly 30 s.
fn settings() -> Settings {
    let mut settings = instant_settings();
    settings.startup.fargate_register = Step::constant(Span::from_secs(30));
    settings
}

/// A pod of a run that started `delay` seconds after its creation, and worked for 100 s.
fn pod(run: &str, task: &str, at: i64, delay: i64) -> Row {
    let mut row = Row::pod(task, at, 100_000).of(run, &[]);
    row.source_platform = "fargate";
    row.created = Some(row.submit);
    row.start = Some(row.submit + delay * 1_000);
    row.end = Some(row.submit + delay * 1_000 + 100_000);
    row.observed = row.end;
    row
}

fn back_test(csv: &str) -> BackTest {
    // What is compared need not be what the trace ran on.
    let study = study_of_text(csv, None, settings(), &[group("m5.large", 1)]).unwrap();
    let setup = study.setup();
    let resolved = study.resolve().unwrap();
    let runs = setup.run(&resolved.platforms, 1, &|| ());
    let recorded = setup.recorded(&runs).unwrap();
    let today = setup.simulate_today(setup.today(&resolved.platforms).unwrap(), &runs);
    setup.back_test(&today, &recorded).0
}

#[test]
fn pods_and_runs_are_compared_with_themselves() {
    // Recorded starts after 20, 40 and 60 s, simulated ones after 30 s; runs take 100 s more.
    let rows = [pod("a", "x", 0, 20), pod("b", "x", 600_000, 40), pod("c", "x", 1_200_000, 60)];
    let test = back_test(&csv(&rows));
    assert_eq!(test.platform, "fargate");
    let (delay, makespan) = (&test.start_delay_s, &test.makespan_s);
    assert_eq!((delay.recorded.count, delay.recorded.p50, delay.simulated.p50), (3, Some(40.0), Some(30.0)));
    // 30 ÷ 40 − 1, and 30 ÷ 60 − 1.
    assert_eq!((delay.relative_error.p50, delay.relative_error.max), (Some(-0.25), Some(-0.5)));
    assert_eq!((makespan.recorded.p50, makespan.simulated.p50), (Some(140.0), Some(130.0)));
    // +10, −10 and −30 s.
    let difference = test.makespan_difference_s;
    assert_eq!((difference.count, difference.mean), (3, Some(-10.0)));
    assert_eq!((difference.p5, difference.p50, difference.p95), (Some(-30.0), Some(-10.0), Some(10.0)));
    // Fargate bills from the pull on, which takes no time here: how long a pod waited before costs nothing.
    let cost = test.cost.unwrap();
    assert_eq!(cost.recorded_usd, cost.simulated_usd);
    assert_eq!(test.pods_with_modelled_start, 0);
}

#[test]
fn modelled_starts_do_not_count() {
    let rows = [pod("a", "x", 0, 20), pod("b", "x", 600_000, 40), pod("c", "x", 1_200_000, 60)];
    let text = csv(&rows);
    let methods = ["work_seconds_method", "model_subtracted", "pod_status", "metric_bounds"];
    let lines: Vec<String> =
        text.lines().zip(methods).map(|(line, method)| format!("{line},{method}")).collect();
    let test = back_test(&lines.join("\n"));
    // Only the pod of 40 s is one whose start somebody saw. Makespans are recorded all the same.
    assert_eq!((test.start_delay_s.recorded.count, test.start_delay_s.recorded.max), (1, Some(40.0)));
    assert_eq!((test.start_delay_s.simulated.count, test.pods_with_modelled_start), (1, 2));
    assert_eq!(test.makespan_s.recorded.count, 3);
}

#[test]
fn where_there_is_none_the_reason_is_said() {
    let at = |source: &'static str, start: bool| {
        let mut row = pod("a", "x", 0, 20);
        row.source_platform = source;
        if !start {
            (row.start, row.end, row.observed) = (None, None, None);
        }
        csv(&[row])
    };
    let reasons = [
        (at("", true), Some("the trace does not say where it ran")),
        (at("other", true), Some("the trace does not say where it ran")),
        (at("ecs", true), Some("the trace ran on ECS, which is not simulated")),
        (at("spot", true), Some("the trace ran on Spot instances, and no platform is marked as today's")),
        // The group that is compared is described, so it is the one on which the trace ran.
        (at("ec2", true), None),
        (at("fargate", true), None),
    ];
    for (csv, expected) in reasons {
        let study = study_of_text(&csv, None, settings(), &[group("m5.large", 1)]).unwrap();
        let resolved = study.resolve().unwrap();
        assert_eq!(study.setup().today(&resolved.platforms).err().as_deref(), expected);
    }
    let study = study_of_text(&at("fargate", false), None, settings(), &[fargate()]).unwrap();
    assert!(study.setup().recorded(&[]).is_none(), "not every pod's start is recorded");
}

#[test]
fn a_replay_says_what_its_back_test_found() {
    let dir = tempfile::tempdir().unwrap();
    let run = |example: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cost-sim"));
        let args = ["replay", "--example", example, "--platform", "fargate", "--out", example];
        let output =
            command.env_clear().env("COLUMNS", "100").current_dir(dir.path()).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let file = |path: &str| {
        #[expect(clippy::disallowed_methods, reason = "tests look at what was written")]
        std::fs::read_to_string(dir.path().join(Path::new(path))).unwrap()
    };
    assert!(run("flowbench").contains("\nno back-test: the trace does not say where it ran\n"));
    assert!(file("flowbench/charts/backtest.svg").contains("There is no back-test"));
    let page = file("flowbench/report.html");
    assert!(
        page.contains("None: the trace does not say where it ran.")
            && !page.contains("There is no back-test")
    );

    assert!(run("wear").contains("\nback-test of fargate: start delay p50 "));
    assert!(file("wear/charts/backtest.svg").contains("recorded"));
    for name in ["wear/report.html", "wear/report.md"] {
        assert!(file(name).contains("makespan, simulated"), "{name}");
    }
}
