//! `cost-sim plan` as its users meet it: exit codes, files, and the way back from a plan to a replay.

use std::fmt::Write as _;
use std::fs;

use super::{Case, files};

const NARROW: [&str; 4] = ["--kinds", "fargate", "--budget", "1"];

#[test]
fn a_plan_writes_what_is_to_be_deployed_and_replayed() {
    let case = Case::new();
    let run = case.run(&[&["plan", "trace.csv"], &NARROW[..]].concat());
    assert_eq!(run.code, Some(0), "{run}");
    let out = case.path("cost-sim-plan");
    let names: Vec<String> = files(&out).into_keys().filter(|name| !name.ends_with('/')).collect();
    let expected =
        ["charts/front.png", "charts/front.svg", "manifest.yaml", "plan.json", "plan.md", "scenario.yaml"];
    assert_eq!(names, expected);
    let plan = case.json("cost-sim-plan/plan.json");
    let name = plan["result"]["recommended"].as_str().unwrap();
    assert!(run.stdout.contains(name), "{run}");
    let candidates = plan["result"]["candidates"].as_array().unwrap();
    let winner = candidates.iter().find(|candidate| candidate["name"] == name).unwrap();
    let report = case.replay(&["trace.csv", "--scenario", "cost-sim-plan/scenario.yaml"]);
    assert_eq!(report["platforms"][0]["name"], name);
    assert_eq!(report["platforms"][0]["cost"]["total_usd"], winner["total_usd"]);
    // The same bytes on one thread.
    let again = case.run(&[&["plan", "trace.csv", "--out", "again", "--jobs", "1"], &NARROW[..]].concat());
    assert_eq!(again.code, Some(0), "{again}");
    for file in expected {
        assert!(
            fs::read(out.join(file)).unwrap() == fs::read(case.path("again").join(file)).unwrap(),
            "{file}"
        );
    }
}

/// A pod of 1 vCPU works nearly all the time; at twenty times the volume twenty of them do, for which the group of two
/// nodes that the trace needs would be far too small.
#[test]
fn a_group_that_holds_the_peak_holds_that_of_each_volume() {
    let mut rows = String::from(
        "run_id,task_id,workflow,submit_time,work_seconds,cpu_request_milli,memory_request_mib\n",
    );
    for n in 0..288 {
        let (hour, minute) = (n / 12, n % 12 * 5);
        let _ = writeln!(rows, "a.{n},only,a,2026-03-02T{hour:02}:{minute:02}:00Z,280,1000,2048");
    }
    let scenario = "{apiVersion: cost-sim/v1, kind: Scenario, region: us-east-1, platforms: [{name: held, kind: \
                    node-group, instanceTypes: [m6i.xlarge], scaling: holdPeak}]}\n";
    let case = Case::new().file("steady.csv", &rows).file("held.yaml", scenario);
    let args = ["plan", "steady.csv", "-s", "held.yaml", "--growth", "20", "--max-p99-start-delay", "30s"];
    let run = case.run(&[&args[..], &NARROW[..]].concat());
    assert_eq!(run.code, Some(0), "{run}");
    let plan = case.json("cost-sim-plan/plan.json");
    assert_eq!(plan["result"]["recommended"], "held");
    let winner = &plan["growth"][0]["winner"];
    assert_eq!(winner["name"], "held");
    let month = |usd: &serde_json::Value| usd.as_str().unwrap().parse::<f64>().unwrap();
    let first =
        plan["result"]["candidates"].as_array().unwrap().iter().find(|c| c["name"] == "held").unwrap();
    assert!(month(&winner["usd_per_month"]) > 5.0 * month(&first["usd_per_month"]), "{winner}");
}

#[test]
fn limits_that_nothing_keeps_end_with_1_and_say_what_comes_nearest() {
    let case = Case::new();
    let run = case.run(&[&["plan", "trace.csv", "--max-usd-per-month", "1"], &NARROW[..]].concat());
    assert_eq!(run.code, Some(1), "{run}");
    assert!(run.stderr.contains("no candidate keeps all limits; "), "{run}");
    assert!(run.stderr.contains("maxUsdPerMonth"), "{run}");
    assert!(case.json("cost-sim-plan/plan.json")["result"]["recommended"].is_null());
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let case = Case::new();
    for (args, said) in [
        (&["--reference", "moon"][..], "there is no platform moon to compare with"),
        (&["--right-size", "only"], "does not know the usage"),
        (&["--budget", "0"], "1 to 1000000"),
        (&["--within", "0.5"], "a number from 1"),
        (&["--kinds", "ecs"], "ecs"),
        (&["--families", "zz9"], "there is no instance family zz9"),
        (&["--families", "M6I"], "did you mean m6i?"),
        (&["--families", "m6i.large"], "did you mean m6i?"),
        (
            &["--families", "m7g"],
            "--families m7g leaves nothing to search: images of pods are for amd64 only",
        ),
        (&["--archs", "arm64"], "--archs arm64 leaves nothing to search: images of pods are for amd64 only"),
        (&["--archs", "arm64", "--families", "m6i"], "nothing to search: m6i are not for arm64"),
        (&["--archs", "riscv"], "use amd64 or arm64"),
        (&["--budget", "-5"], "write a number of candidates"),
        (&["--growth", "-2"], "for '--growth"),
        (&["--cpu-headroom", "-10"], "-10 is not in 0..=1000"),
        (&["--memory-headroom", "-10"], "-10 is not in 0..=1000"),
    ] {
        let run = case.run(&[&["plan", "trace.csv"], args].concat());
        assert_eq!(run.code, Some(2), "{run}");
        assert!(run.stderr.contains(said), "{run}");
        assert!(!case.path("cost-sim-plan").exists(), "{args:?} leaves something behind");
    }
}

#[test]
fn files_of_an_earlier_plan_do_not_stay_beside_a_new_one() {
    let case = Case::new();
    let out = case.path("cost-sim-plan");
    fs::create_dir_all(&out).unwrap();
    for name in ["rightsized.csv", "rightsized.meta.json", "mine.txt"] {
        fs::write(out.join(name), "earlier").unwrap();
    }
    let run = case.run(&[&["plan", "trace.csv"], &NARROW[..]].concat());
    assert_eq!(run.code, Some(0), "{run}");
    assert!(out.join("plan.json").exists() && out.join("mine.txt").exists());
    assert!(!out.join("rightsized.csv").exists() && !out.join("rightsized.meta.json").exists());
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_the_search() {
    let case = Case::new();
    fs::create_dir_all(case.path("cost-sim-plan/manifest.yaml")).unwrap();
    let run = case.run(&[&["plan", "trace.csv"], &NARROW[..]].concat());
    assert!(run.code.is_some_and(|code| code > 1) && run.stdout.is_empty(), "{run}");
    assert!(run.stderr.contains("manifest.yaml"), "{run}");
    assert!(!case.path("cost-sim-plan/scenario.yaml").exists());
}
