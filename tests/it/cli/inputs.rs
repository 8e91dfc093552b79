//! Where the numbers come from: traces, scenarios, prices and flags, and how each shows in the report.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Case, TRACE, files, gzip, of_platforms};

/// Fargate, and a group of nodes that are there from the start.
const FIXED_NODES: &str = "apiVersion: cost-sim/v1\nkind: Scenario\nplatforms:\n  - fargate\n  \
                           - {name: node-group, kind: node-group, scaling: holdPeak}\n";

/// Names of platforms and what they cost.
fn costs(report: &Value) -> Vec<(&str, &str)> {
    let names = of_platforms(report, "/name");
    let totals = of_platforms(report, "/cost/total_usd");
    names.iter().zip(totals).map(|(name, usd)| (name.as_str().unwrap(), usd.as_str().unwrap())).collect()
}

#[test]
fn the_printed_scenario_gives_the_same_report() {
    let case = Case::new();
    let mut first = case.replay(&["trace.csv"]);
    let printed = case.run(&["replay", "trace.csv", "--print-scenario"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    assert_eq!(printed.stdout, first["scenario"].as_str().unwrap());
    let case = case.file("scenario.yaml", &printed.stdout);
    let before = files(&case.path("out"));
    let second = case.replay(&["trace.csv", "--scenario", "scenario.yaml"]);
    // What was open is now given, and says so: the region, and what the node group is made of.
    assert_eq!(first["inputs"]["region_source"].take(), "assumed");
    first["inputs"]["region_source"] = json!("given");
    let remark = "# The region was assumed: nothing named one.\n";
    first["scenario"] = json!(printed.stdout.strip_prefix(remark).unwrap());
    assert!(first["asked"].as_str().unwrap().contains("instanceTypes: auto"));
    first["asked"] = first["scenario"].clone();
    for assumption in first["inputs"]["assumptions"].as_array_mut().unwrap() {
        if assumption["name"] == "platforms[node-group].instanceTypes" {
            assumption["value"] = json!("c6a.large");
        }
    }
    // Nothing is open in what was asked for now, so that no other type could be bought.
    assert_eq!(second["asked"], second["scenario"]);
    for key in ["asked", "catalog"] {
        first[key] = second[key].clone();
    }
    assert_eq!(first, second);
    let after = files(&case.path("out"));
    for file in ["pods.parquet", "nodes.parquet", "summary.csv"] {
        assert!(before[file] == after[file], "{file}");
    }

    // From here on there is nothing left to say: the same bytes, all of them.
    let again = case.run(&["replay", "trace.csv", "--scenario", "scenario.yaml", "--print-scenario"]);
    assert_eq!(again.stdout, second["scenario"].as_str().unwrap());
    let case = case.file("scenario.yaml", &again.stdout);
    case.replay(&["trace.csv", "--scenario", "scenario.yaml"]);
    assert!(files(&case.path("out")) == after);
}

#[test]
fn printing_the_scenario_writes_no_files() {
    let case = Case::new();
    let before = files(case.dir.path());
    let run = case.run(&["replay", "trace.csv", "--print-scenario", "--platform", "node-group"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert!(files(case.dir.path()) == before);
    assert!(run.stdout.contains("instanceTypes: [c6a.large]"), "what was chosen is filled in: {run}");
}

#[test]
fn standard_input_is_a_trace() {
    let case = Case::new();
    let from_file = case.replay(&["trace.csv"]);
    for input in [TRACE.as_bytes(), &gzip(TRACE)] {
        let run = case.pipe(input, &["replay", "-", "--out", "out", "--format", "json"]);
        assert_eq!(run.code, Some(0), "{run}");
        let mut report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["inputs"]["traces"][0]["path"].take(), "-");
        report["inputs"]["traces"][0]["path"] = json!("trace.csv");
        assert_eq!(report, from_file);
    }
}

#[test]
fn gzip_and_parquet_are_read_by_their_content() {
    let case = Case::new().file("packed", gzip(TRACE));
    let options = cost_sim::trace::ReadOptions::default();
    let (trace, _) = cost_sim::trace::read(&[case.path("trace.csv")], &options, &mut |_| {}).unwrap();
    cost_sim::trace::write_parquet(&trace, &case.path("columns")).unwrap();
    let expected = case.replay(&["trace.csv"]);
    for name in ["packed", "columns"] {
        let report = case.replay(&[name]);
        assert_eq!(report["platforms"], expected["platforms"]);
        assert_eq!(report["inputs"]["traces"][0]["sha256"], expected["inputs"]["traces"][0]["sha256"]);
    }
}

#[test]
fn several_files_are_one_trace() {
    let (header, rows) = TRACE.split_once('\n').unwrap();
    let (first, rest) = rows.split_once('\n').unwrap();
    let case = Case::new()
        .file("one.csv", format!("{header}\n{first}\n"))
        .file("two.csv.gz", gzip(&format!("{header}\n{rest}")));
    let whole = case.replay(&["trace.csv"]);
    let report = case.replay(&["two.csv.gz", "one.csv"]);
    assert_eq!(report["platforms"], whole["platforms"]);
    let rows: Vec<&Value> =
        report["inputs"]["traces"].as_array().unwrap().iter().map(|trace| &trace["rows"]).collect();
    assert_eq!(rows, [2, 1]);
}

#[test]
fn platforms_are_chosen_by_name() {
    let case = Case::new().file(
        "scenario.yaml",
        "apiVersion: cost-sim/v1\nkind: Scenario\nplatforms:\n  \
         - {name: jobs, kind: node-group, instanceTypes: [m6i.large], scaling: {desiredSize: 2}}\n  \
         - {name: other, kind: fargate}\n",
    );
    let all = case.replay(&["trace.csv"]);
    // Today's platform comes first.
    assert_eq!(
        of_platforms(&all, "/name"),
        ["fargate", "node-group", "karpenter", "karpenter-spot", "recorded"]
    );
    let chosen = case.replay(&["trace.csv", "--platform", "recorded", "--platform", "fargate"]);
    assert_eq!(of_platforms(&chosen, "/name"), ["fargate", "recorded"]);
    let of = |report: &Value, name: &str| -> Value {
        let platforms = report["platforms"].as_array().unwrap();
        let mut found = platforms.iter().find(|platform| platform["name"] == name).unwrap().clone();
        // A platform does not know of the others, but savings do.
        found["savings"] = Value::Null;
        found
    };
    for name in ["recorded", "fargate"] {
        assert_eq!(of(&all, name), of(&chosen, name));
    }
    let mixed = case.replay(&["trace.csv", "-s", "scenario.yaml", "-p", "recorded", "-p", "jobs"]);
    assert_eq!(of_platforms(&mixed, "/name"), ["recorded", "jobs"]);
    assert_eq!(of_platforms(&mixed, "/capacity/nodes_peak"), [1, 2]);
}

#[test]
fn the_region_is_given_or_in_the_trace_or_assumed() {
    let with_node = |node: &str| {
        let mut lines = TRACE.lines();
        let mut text = format!("{},source_node\n", lines.next().unwrap());
        lines.for_each(|line| text += &[line, ",", node, "\n"].concat());
        text
    };
    let case = Case::new()
        .file("tokyo.csv", with_node("fargate-ip-10-0-1-2.ap-northeast-1.compute.internal"))
        .file("virginia.csv", with_node("ip-10-0-1-2.ec2.internal"))
        .file("meta.csv", TRACE)
        .file("meta.meta.json", r#"{"source_region": "eu-west-1"}"#)
        .file("scenario.yaml", "apiVersion: cost-sim/v1\nkind: Scenario\nregion: ca-central-1\n");
    let cases: [(&[&str], &str, &str); 8] = [
        (&["trace.csv"], "us-east-1", "assumed"),
        (&["trace.csv", "--region", "eu-west-1"], "eu-west-1", "given"),
        (&["tokyo.csv"], "ap-northeast-1", "trace"),
        (&["virginia.csv"], "us-east-1", "trace"),
        (&["meta.csv"], "eu-west-1", "trace"),
        (&["tokyo.csv", "--region", "eu-west-1"], "eu-west-1", "given"),
        (&["tokyo.csv", "-s", "scenario.yaml"], "ca-central-1", "given"),
        (&["trace.csv", "-s", "scenario.yaml", "--region", "us-east-1"], "us-east-1", "given"),
    ];
    for (args, region, source) in cases {
        let report = case.replay(&[args, &["--platform", "fargate"]].concat());
        let inputs = &report["inputs"];
        assert_eq!(
            (&inputs["region"], &inputs["region_source"]),
            (&json!(region), &json!(source)),
            "{args:?}"
        );
        let first = case.run(&[&["replay"], args, &["--platform", "fargate"]].concat()).stdout;
        assert_eq!(first.starts_with("The region us-east-1 is assumed"), source == "assumed", "{first}");
    }
}

#[test]
fn strict_takes_what_is_known() {
    let case = Case::new();
    let report = case.replay(&["trace.csv", "--strict", "--region", "us-east-1", "--platform", "fargate"]);
    assert_eq!(report["inputs"]["prices"]["inferred"], json!([]));
}

#[test]
fn the_seed_changes_the_draws_and_nothing_else() {
    let case = Case::new();
    let delays = |report: &Value| {
        of_platforms(report, "/latency/start_delay_s/mean").into_iter().cloned().collect::<Vec<_>>()
    };
    let default = case.replay(&["trace.csv"]);
    let same = case.replay(&["trace.csv", "--seed", "42"]);
    assert_eq!(default, same);
    let other = case.replay(&["trace.csv", "--seed", "43"]);
    assert_eq!(other["inputs"]["seed"], 43);
    let (default, other) = (delays(&default), delays(&other));
    let changed: Vec<bool> = default.iter().zip(&other).map(|(default, other)| default != other).collect();
    // What was recorded, the last, is not drawn.
    assert_eq!(changed, [true, true, true, true, false]);
}

#[test]
fn open_replay_starts_tasks_as_recorded() {
    let case = Case::new().file("scenario.yaml", FIXED_NODES);
    // Nodes that are there start pods faster than Fargate did. Only in closed loop does the second task profit from that.
    let makespan = |report: &Value| report["platforms"][1]["latency"]["makespan_s"]["max"].as_f64().unwrap();
    let closed = case.replay(&["trace.csv", "-s", "scenario.yaml"]);
    let open = case.replay(&["trace.csv", "-s", "scenario.yaml", "--replay", "open"]);
    assert_eq!((&closed["inputs"]["replay"], &open["inputs"]["replay"]), (&json!("closed"), &json!("open")));
    assert_eq!(closed["platforms"][1]["name"], "node-group");
    assert!(makespan(&closed) + 20.0 < makespan(&open), "{} {}", makespan(&closed), makespan(&open));
}

#[test]
fn defaults_stand_in_for_requests_that_the_trace_lacks() {
    let case =
        Case::empty().file("trace.csv", "task_id,submit_time,work_seconds\na,2026-01-05T00:00:00Z,3600\n");
    let size = |args: &[&str]| {
        let report = case.replay(&[&["trace.csv", "--platform", "fargate"], args].concat());
        assert_eq!(report["inputs"]["defaulted"]["cpu_requests"], 1);
        report["platforms"][0]["capacity"]["by_instance_type"][0].clone()
    };
    let small = size(&[]);
    let large = size(&["--cpu-request", "2", "--memory-request", "7Gi"]);
    assert_eq!(small["machine"], "0.5 vCPU 2 GB");
    assert_eq!(large["machine"], "2 vCPU 8 GB");
}

#[test]
fn a_time_zone_is_for_times_without_an_offset() {
    let text = "task_id,submit_time,work_seconds\na,2026-01-05T09:00:00,60\n";
    let case = Case::empty().file("trace.csv", text);
    let report = case.replay(&["trace.csv", "--timezone", "Asia/Tokyo"]);
    assert_eq!(report["inputs"]["window"]["start"], "2026-01-05T00:00:00Z");
}

#[test]
fn gpu_rows_can_be_left_out() {
    let text = "task_id,submit_time,work_seconds,gpu_request_milli\n\
                a,2026-01-05T00:00:00Z,60,1000\nb,2026-01-05T00:00:00Z,60,\n";
    let case = Case::empty().file("trace.csv", text);
    let report = case.replay(&["trace.csv", "--drop-gpu"]);
    assert_eq!(report["inputs"]["pods"], 1);
}

#[test]
fn other_prices_make_another_bill() {
    let case = Case::new();
    let prices = Path::new(env!("CARGO_MANIFEST_DIR")).join("pricing");
    fs::create_dir(case.path("prices")).unwrap();
    for entry in prices.read_dir().unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), case.path("prices").join(entry.file_name())).unwrap();
    }
    let embedded = case.replay(&["trace.csv"]);
    let copied = case.replay(&["trace.csv", "--prices", "prices"]);
    assert_eq!(copied, embedded);

    let fargate = case.read("prices/fargate.csv");
    let (old, new) = ("us-east-1,0.04048,", "us-east-1,0.08096,");
    assert!(fargate.contains(old));
    let case = case
        .file("prices/fargate.csv", fargate.replace(old, new))
        // Without controllers, which would run on Fargate.
        .file("scenario.yaml", FIXED_NODES);
    let embedded = case.replay(&["trace.csv", "-s", "scenario.yaml"]);
    let changed = case.replay(&["trace.csv", "-s", "scenario.yaml", "--prices", "prices"]);
    assert_ne!(changed["inputs"]["prices"]["sha256"], embedded["inputs"]["prices"]["sha256"]);
    let items = |report: &Value| -> Vec<(String, cost_sim::units::Usd)> {
        let items = report["platforms"][0]["cost"]["items"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        items
            .iter()
            .map(|item| (text(&item["item"]), cost_sim::units::Usd::parse(&text(&item["usd"])).unwrap()))
            .collect()
    };
    for (before, after) in items(&embedded).iter().zip(items(&changed)) {
        let factor = if before.0.starts_with("Fargate vCPU") { 2 } else { 1 };
        // Each charge is rounded once, so twice the rate is twice the charge but for the last digit.
        let difference = after.1.femto() - before.1.femto() * factor;
        assert!(difference.abs() <= 10, "{before:?} {after:?}");
    }
    let costs = (costs(&embedded), costs(&changed));
    assert_ne!(costs.0[0], costs.1[0]);
    assert_eq!(costs.0[1], costs.1[1], "nodes are not billed by Fargate's price");
}

/// Fargate and nothing else.
const FARGATE: &str = "apiVersion: cost-sim/v1\nkind: Scenario\nplatforms: [fargate]\n";

#[test]
fn a_scenario_of_the_directory_is_used_and_said() {
    let case = Case::new().file("cost-sim.yaml", FARGATE);
    let found = "using the scenario cost-sim.yaml of this directory\n";
    let platforms = |args: &[&str]| {
        let run = case.run(&[&["replay", "trace.csv", "--format", "json"], args].concat());
        assert_eq!(run.code, Some(0), "{run}");
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let names = of_platforms(&report, "/name").into_iter().map(|name| name.as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), run.stderr)
    };
    let wrote = "wrote 18 files to cost-sim-report\n";
    assert_eq!(platforms(&[]), (vec!["fargate".to_owned()], format!("{found}{wrote}")));
    assert_eq!(platforms(&["--quiet"]), (vec!["fargate".to_owned()], String::new()));
    // Flags win over it as over any scenario.
    assert_eq!(
        platforms(&["--platform", "karpenter"]),
        (vec!["karpenter".to_owned()], format!("{found}{wrote}"))
    );

    let built_in = ["fargate", "node-group", "karpenter", "karpenter-spot", "recorded"].map(str::to_owned);
    assert_eq!(platforms(&["--no-scenario"]), (built_in.to_vec(), wrote.to_owned()));

    fs::write(case.path("other.yaml"), FIXED_NODES).unwrap();
    let other = ["fargate", "node-group"].map(str::to_owned);
    assert_eq!(platforms(&["--scenario", "other.yaml"]), (other.to_vec(), wrote.to_owned()));
}

#[test]
fn a_broken_scenario_of_the_directory_is_shown_its_place() {
    let case =
        Case::new().file("cost-sim.yaml", "apiVersion: cost-sim/v1\nkind: Scenario\nplatform: [fargate]\n");
    let before = files(case.dir.path());
    let run = case.run(&["replay", "trace.csv"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    insta::assert_snapshot!(run.stderr, @r"
using the scenario cost-sim.yaml of this directory
error: cost-sim.yaml:3:1: unknown field
  3 | platform
    | ^^^^^^^^
  hint: did you mean platforms?
");
    assert!(files(case.dir.path()) == before);
    let quiet = case.run(&["replay", "trace.csv", "--quiet"]);
    assert!(quiet.stderr.starts_with("error: cost-sim.yaml"), "an error is said all the same: {quiet}");

    let run = case.run(&["replay", "trace.csv", "--no-scenario"]);
    assert_eq!(run.code, Some(0), "{run}");
    let both = case.run(&["replay", "trace.csv", "--no-scenario", "--scenario", "cost-sim.yaml"]);
    assert_eq!(both.code, Some(2), "{both}");
}
