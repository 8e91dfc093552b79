//! `cost-sim check`: what changed is caught, attributed to what changed it, and judged.

#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cost_sim::units::Usd;
use serde_json::Value;
use tempfile::TempDir;

/// A directory with a trace, a scenario, and a report of both.
struct Case {
    dir: TempDir,
}

struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

const SCENARIO: &str = "\
apiVersion: cost-sim/v1
kind: Scenario
region: us-east-1
platforms:
  - fargate
  - name: fixed
    kind: node-group
    instanceTypes: [m6i.xlarge]
    scaling: {desiredSize: 2}
  - karpenter
";

/// Two workflows with a run every hour of a day: `a` of two tasks with 1 vCPU, `b` of one task with `b_cpu` thousandths.
fn trace(b_cpu: u32) -> String {
    let mut csv = String::from(
        "run_id,task_id,workflow,depends_on,submit_time,work_seconds,cpu_request_milli,memory_request_mib,image_size_mib\n",
    );
    for hour in 0..24 {
        let at = format!("2026-03-02T{hour:02}:00:00Z");
        let _ = writeln!(csv, "a.{hour},first,a,,{at},600,1000,2048,350");
        let _ = writeln!(csv, "a.{hour},second,a,first,{at},900,1000,2048,350");
        let _ = writeln!(csv, "b.{hour},only,b,,{at},1200,{b_cpu},2048,350");
    }
    csv
}

impl Case {
    fn new() -> Self {
        let case = Self { dir: tempfile::tempdir().unwrap() };
        case.write("trace.csv", &trace(500));
        case.write("scenario.yaml", SCENARIO);
        let run = case.run(&["-q", "replay", "trace.csv", "-s", "scenario.yaml", "--out", "base"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        case
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn run_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cost-sim"));
        command.env_clear().env("COLUMNS", "80").envs(variables.iter().copied()).current_dir(self.path());
        let output = command.args(args).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn run(&self, args: &[&str]) -> Run {
        self.run_with(&[], args)
    }

    fn check(&self, args: &[&str]) -> Run {
        self.run(&[&["check", "trace.csv", "--baseline", "base/report.json"], args].concat())
    }

    /// The JSON of a check, whatever its verdict, after the sums in it have been checked.
    fn json(&self, args: &[&str]) -> Value {
        let run = self.check(&[args, &["--format", "json"]].concat());
        assert!(matches!(run.code, Some(0 | 1)), "{}", run.stderr);
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        for platform in json["platforms"].as_array().unwrap().iter().filter(|p| p["status"] == "compared") {
            let causes = platform["causes"].as_array().unwrap();
            let sum: Usd = causes.iter().map(|cause| usd(&cause["usd"])).sum();
            assert_eq!(sum, usd(&platform["cost"]["change"]), "{platform}");
            for cause in causes.iter().filter(|cause| !cause["same_decisions_usd"].is_null()) {
                let parts = usd(&cause["same_decisions_usd"]) + usd(&cause["other_decisions_usd"]);
                assert_eq!(parts, usd(&cause["usd"]), "{cause}");
            }
        }
        json
    }

    /// A copy of the price files with one line's beginning replaced.
    fn prices(&self, file: &str, from: &str, to: &str) {
        let dir = self.path().join("prices");
        fs::create_dir_all(&dir).unwrap();
        for entry in Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pricing")).read_dir().unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
        }
        let text = self.read(&format!("prices/{file}"));
        assert_eq!(text.matches(from).count(), 1, "{from}");
        self.write(&format!("prices/{file}"), &text.replace(from, to));
    }
}

fn usd(value: &Value) -> Usd {
    Usd::parse(value.as_str().unwrap()).unwrap()
}

fn platform<'v>(json: &'v Value, name: &str) -> &'v Value {
    json["platforms"].as_array().unwrap().iter().find(|p| p["name"] == name).unwrap()
}

/// The causes of a platform that are not zero, with their parts.
fn causes(json: &Value, name: &str) -> Vec<(String, String, String)> {
    let part = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let causes = platform(json, name)["causes"].as_array().unwrap().iter();
    causes
        .filter(|cause| {
            cause["usd"] != "0.00" || cause["same_decisions_usd"].as_str().is_some_and(|usd| usd != "0.00")
        })
        .map(|cause| {
            let (same, other) = (part(&cause["same_decisions_usd"]), part(&cause["other_decisions_usd"]));
            (cause["cause"].as_str().unwrap().to_owned(), same, other)
        })
        .collect()
}

/// What a report says of an item of a platform.
fn item_usd(report: &Value, name: &str, detail: &str) -> Usd {
    let items = platform(report, name)["cost"]["items"].as_array().unwrap();
    items.iter().filter(|item| item["detail"] == detail).map(|item| usd(&item["usd"])).sum()
}

#[test]
fn without_a_change_one_line_is_all() {
    let case = Case::new();
    let run = case.check(&["--max-cost-increase", "0%"]);
    let line = "No change: 3 platforms cost and take what the baseline says.\n";
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), line, ""));
    // The scenario as a file says the same as the one in the baseline.
    let run = case.check(&["-s", "scenario.yaml", "--replications", "3"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), line, ""));

    let summary = case.path().join("summary.md");
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
    let args = ["check", "trace.csv", "-b", "base/report.json", "--format", "markdown"];
    let run = case.run_with(&variables, &args);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(run.stdout, format!("<!-- cost-sim check -->\n{line}"));
    assert_eq!(case.read("summary.md"), run.stdout);
}

/// m6i.xlarge from 0.192 to 0.2112 USD is 10 % more. A group of fixed size of it does nothing else because of that: its
/// instances cost a tenth more, and that is all. Fargate has none of it.
#[test]
fn a_price_is_told_from_what_it_makes_controllers_do() {
    let case = Case::new();
    case.prices("on_demand.csv", "us-east-1,m6i.xlarge,0.192,", "us-east-1,m6i.xlarge,0.2112,");
    let json = case.json(&["--prices", "prices"]);
    let report: Value = serde_json::from_str(&case.read("base/report.json")).unwrap();
    let tenth = item_usd(&report, "fixed", "BoxUsage:m6i.xlarge").scaled(1, 10);
    assert!(tenth > Usd::ZERO);
    let [(cause, same, other)] = &causes(&json, "fixed")[..] else { panic!("one cause: {json}") };
    assert_eq!((cause.as_str(), other.as_str()), ("prices", "0.00"));
    // Each charge is rounded by itself.
    let difference = Usd::parse(same).unwrap() - tenth;
    assert!(difference.femto().abs() <= 5, "{same} is not a tenth: {tenth}");
    assert_eq!(causes(&json, "fargate"), []);
    assert_eq!(json["prices"][0]["name"], "m6i.xlarge on-demand, USD per hour");
    assert_eq!(json["prices"][0]["percent"], "+10.00");
    assert_eq!(json["settings"].as_array().unwrap().len(), 0);
}

/// Karpenter takes another type when the one that it took becomes ten times as dear: at the same decisions the bill
/// would have grown, and its decisions take most of that back.
#[test]
fn controllers_evade_a_price() {
    let case = Case::new();
    let report: Value = serde_json::from_str(&case.read("base/report.json")).unwrap();
    let machines = platform(&report, "karpenter")["capacity"]["by_instance_type"].as_array().unwrap();
    let machine = machines[0]["machine"].as_str().unwrap();
    let on_demand =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/pricing/on_demand.csv")).unwrap();
    let key = format!("us-east-1,{machine},");
    let line = on_demand.lines().find(|line| line.starts_with(&key)).unwrap();
    let price = line.split(',').nth(2).unwrap();
    case.prices("on_demand.csv", &format!("\n{key}{price},"), &format!("\n{key}9.5,"));
    let json = case.json(&["--prices", "prices", "-p", "karpenter"]);
    let [(cause, same, other)] = &causes(&json, "karpenter")[..] else { panic!("one cause: {json}") };
    assert_eq!(cause, "prices");
    assert!(
        Usd::parse(same).unwrap() > Usd::ZERO && Usd::parse(other).unwrap() < Usd::ZERO,
        "{same} {other}"
    );
    assert_eq!(platform(&json, "fixed")["status"], "gone");
}

/// One node more is another decision; a NAT gateway changes the bill of what happened anyway.
#[test]
fn a_setting_is_told_from_prices() {
    let case = Case::new();
    case.write("scenario.yaml", &SCENARIO.replace("desiredSize: 2", "desiredSize: 3"));
    let json = case.json(&["-s", "scenario.yaml"]);
    let [(cause, same, other)] = &causes(&json, "fixed")[..] else { panic!("one cause: {json}") };
    assert_eq!((cause.as_str(), same.as_str()), ("settings", "0.00"));
    assert!(Usd::parse(other).unwrap() > Usd::ZERO);
    assert_eq!((causes(&json, "fargate"), causes(&json, "karpenter")), (vec![], vec![]));
    let settings = json["settings"].as_array().unwrap();
    let change =
        (settings[0]["path"].as_str(), settings[0]["before"].as_str(), settings[0]["after"].as_str());
    assert_eq!(change, (Some("platforms[fixed].scaling.desiredSize"), Some("2"), Some("3")), "{settings:?}");
    assert_eq!(settings.len(), 1, "{settings:?}");

    case.write("scenario.yaml", &format!("{SCENARIO}cluster: {{natGateways: 1}}\n"));
    let json = case.json(&["-s", "scenario.yaml"]);
    for name in ["fargate", "fixed", "karpenter"] {
        let [(cause, same, other)] = &causes(&json, name)[..] else { panic!("one cause: {json}") };
        assert_eq!((cause.as_str(), other.as_str()), ("settings", "0.00"), "{name}");
        assert!(Usd::parse(same).unwrap() > Usd::ZERO, "{name}");
    }
}

/// Workflow b asks for 2 vCPU instead of half a one. Its trace has the same tasks, so it is the same trace.
#[test]
fn requests_of_a_workflow_are_the_workload() {
    let case = Case::new();
    case.write("old.csv", &trace(500));
    case.write("trace.csv", &trace(2_000));
    let json = case.json(&[]);
    let [(cause, same, _)] = &causes(&json, "fargate")[..] else { panic!("one cause: {json}") };
    assert_eq!((cause.as_str(), same.as_str()), ("workload", "-"));
    let purposes = platform(&json, "fargate")["purposes"].as_array().unwrap();
    let names: Vec<&str> = purposes.iter().map(|p| p["purpose"].as_str().unwrap()).collect();
    assert_eq!(names, ["workflow b"]);
    // All at once, each told from the others: also with the old trace, which changes nothing here.
    case.prices("on_demand.csv", "us-east-1,m6i.xlarge,0.192,", "us-east-1,m6i.xlarge,0.2112,");
    case.write("scenario.yaml", &SCENARIO.replace("desiredSize: 2", "desiredSize: 3"));
    let args = ["--prices", "prices", "-s", "scenario.yaml"];
    let all = case.json(&args);
    let with_old = case.json(&[&args[..], &["--baseline-trace", "old.csv"]].concat());
    let names: Vec<String> = causes(&all, "fixed").into_iter().map(|(cause, ..)| cause).collect();
    assert_eq!(names, ["prices", "settings"], "a fixed group costs what it costs: {all}");
    assert_eq!(causes(&all, "fargate"), causes(&json, "fargate"));
    assert_eq!(causes(&with_old, "fargate"), causes(&all, "fargate"));
}

#[test]
fn limits_of_flags_and_scenario_fail_the_pipeline() {
    let case = Case::new();
    case.prices("on_demand.csv", "us-east-1,m6i.xlarge,0.192,", "us-east-1,m6i.xlarge,0.2112,");
    let prices = ["--prices", "prices"];
    assert_eq!(case.check(&[&prices[..], &["--max-cost-increase", "10%"]].concat()).code, Some(0));
    let outputs = [
        "--max-cost-increase",
        "5%",
        "--junit",
        "junit.xml",
        "--markdown",
        "check.md",
        "--json",
        "check.json",
    ];
    let args = [&["check", "trace.csv", "-b", "base/report.json"], &prices[..], &outputs].concat();
    let run = case.run_with(&[("GITHUB_ACTIONS", "true")], &args);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    insta::assert_snapshot!(run.stdout, @r"
    1 limit exceeded. fixed: maxCostIncrease is +7.86%, allowed +5.00%.

                 cost                   makespan  start delay
    platform   before     now   change       p99          p99  limits
    fargate     $3.17   $3.17     ±0 %    28m53s        2m42s  kept
    fixed      $11.44  $12.34  +7.86 %    25m28s          17s  EXCEEDED
    karpenter   $5.62   $5.62     ±0 %    26m56s        1m43s  kept

    Why
                               same      other
    platform  because of  decisions  decisions      cost
    fixed     prices       +$0.8993        ±$0  +$0.8993

    For
    fixed: idle +$0.7867, workflow a +$0.0491, daemonsets +$0.0413, workflow b
      +$0.0222

    Prices
    m6i.xlarge on-demand, USD per hour: 0.192 → 0.2112 (+10.00 %)
    ");
    insta::assert_snapshot!(run.stderr, @r"
    ::error title=cost-sim check::fixed: maxCostIncrease is +7.86%25, allowed +5.00%25
    error: 1 limit exceeded. fixed: maxCostIncrease is +7.86%, allowed +5.00%.
    ");
    insta::assert_snapshot!(case.read("check.md"), @r"
    <!-- cost-sim check -->
    **1 limit exceeded. fixed: maxCostIncrease is +7.86%, allowed +5.00%.**

    | platform | before | now | change | because of |
    |---|---:|---:|---:|---|
    | fixed | $11.44 | $12.34 | +7.86 % | prices +$0.8993 |

    2 platforms without a change.

    <details>
    <summary>Limits, causes, prices and settings</summary>

    | limit | platform | allowed | actual | |
    |---|---|---:|---:|---|
    | maxCostIncrease | fargate | +5.00% | +0.00% | kept |
    | maxCostIncrease | fixed | +5.00% | +7.86% | **exceeded** |
    | maxCostIncrease | karpenter | +5.00% | +0.00% | kept |

    **fixed**: p99 makespan 25m28s, p99 start delay 17s

    | because of | same decisions | other decisions | cost |
    |---|---:|---:|---:|
    | prices | +$0.8993 | ±$0 | +$0.8993 |

    | for | before | now | change |
    |---|---:|---:|---:|
    | idle | $7.96 | $8.74 | +$0.7867 |
    | workflow a | $0.4966 | $0.5457 | +$0.0491 |
    | daemonsets | $0.4177 | $0.4590 | +$0.0413 |
    | workflow b | $0.2250 | $0.2473 | +$0.0222 |

    Changed prices that platforms may need:

    - m6i.xlarge on-demand, USD per hour: 0.192 → 0.2112 (+10.00 %)

    </details>
    ");
    insta::assert_snapshot!(case.read("junit.xml"), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="cost-sim check" tests="3" skipped="0" failures="1" errors="0">
        <testsuite name="fargate" tests="1" skipped="0" errors="0" failures="0">
            <testcase name="maxCostIncrease" classname="fargate"/>
        </testsuite>
        <testsuite name="fixed" tests="1" skipped="0" errors="0" failures="1">
            <testcase name="maxCostIncrease" classname="fixed">
                <failure message="+7.86%, allowed +5.00%" type="limit exceeded"/>
            </testcase>
        </testsuite>
        <testsuite name="karpenter" tests="1" skipped="0" errors="0" failures="0">
            <testcase name="maxCostIncrease" classname="karpenter"/>
        </testsuite>
    </testsuites>
    "#);
    let json: Value = serde_json::from_str(&case.read("check.json")).unwrap();
    assert_eq!(json["passed"], false);

    let scenario = format!("{SCENARIO}limits: {{maxCostIncrease: 5%}}\n");
    case.write("scenario.yaml", &scenario);
    let of_file = [&prices[..], &["-s", "scenario.yaml"]].concat();
    assert_eq!(case.check(&of_file).code, Some(1));
    assert_eq!(case.check(&[&of_file[..], &["--max-cost-increase", "50%"]].concat()).code, Some(0));
}

/// A limit can be exceeded without any change: then that is what is said, everywhere.
#[test]
fn an_absolute_limit_needs_no_change() {
    let case = Case::new();
    let args = ["check", "trace.csv", "-b", "base/report.json", "-p", "fixed", "--max-usd-per-month", "1"];
    let run = case.run_with(&[("GITHUB_ACTIONS", "true")], &args);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.starts_with("1 limit exceeded. fixed: maxUsdPerMonth is "), "{}", run.stdout);
    assert!(run.stderr.contains("::error title=cost-sim check::fixed: maxUsdPerMonth"), "{}", run.stderr);
    assert!(!run.stdout.contains("No change"), "{}", run.stdout);
}

/// Without the price of volumes nobody knows what nodes cost: that is not cheaper.
#[test]
fn a_cost_that_became_unknown_is_no_improvement() {
    let case = Case::new();
    case.prices("misc_prices.csv", "\nus-east-1,ebs_gp3_storage,", "\nus-east-9,ebs_gp3_storage,");
    let args = ["-p", "fixed", "--prices", "prices"];
    let run = case.check(&[&args[..], &["--max-cost-increase", "50%"]].concat());
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("maxCostIncrease is no longer known"), "{}", run.stdout);
    let run = case.check(&args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("The cost of fixed is no longer known"), "{}", run.stdout);
}

/// The side file says that the trace covers a day more: nobody edited the baseline, and the program is the same.
#[test]
fn another_window_is_another_workload() {
    let case = Case::new();
    case.write(
        "trace.meta.json",
        r#"{"window_start": "2026-03-02T00:00:00Z", "window_end": "2026-03-04T00:00:00Z"}"#,
    );
    let json = case.json(&["-p", "fixed"]);
    let [(cause, ..)] = &causes(&json, "fixed")[..] else { panic!("one cause: {json}") };
    assert_eq!(cause, "workload");
    let notes = json["notes"].to_string();
    assert!(notes.contains("to 2026-03-04T00:00:00Z") && !notes.contains("edited"), "{notes}");
}

/// A pod that no node holds any more: the platform no longer completes, whatever the limits are.
#[test]
fn a_platform_that_no_longer_completes_fails() {
    let case = Case::new();
    case.write("trace.csv", &trace(15_000));
    let run = case.check(&["-p", "fixed"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("fixed is no longer complete"), "{}", run.stdout);
}

/// Another seed is other luck and nothing else. One history may exceed a limit of nothing; the mean of many does not.
#[test]
fn luck_is_no_reason_to_fail() {
    let case = Case::new();
    // Whatever the luck of one history is, that of some other is worse.
    let seeds = ["2", "3", "4", "5", "6", "7"];
    let check = |baseline: &str, seed: &str, more: &[&str]| {
        let args = [
            "check",
            "trace.csv",
            "-b",
            baseline,
            "-p",
            "karpenter",
            "--seed",
            seed,
            "--max-cost-increase",
            "0%",
        ];
        case.run(&[&args[..], more].concat())
    };
    let mut unlucky = None;
    for first in ["1", "2", "3"] {
        let args = [
            "-q",
            "replay",
            "trace.csv",
            "-s",
            "scenario.yaml",
            "-p",
            "karpenter",
            "--seed",
            first,
            "--out",
            first,
        ];
        assert_eq!(case.run(&args).code, Some(0));
        let baseline = format!("{first}/report.json");
        let worse = seeds.into_iter().find(|seed| check(&baseline, seed, &[]).code == Some(1));
        unlucky = unlucky.or(worse.map(|seed| (baseline, seed)));
    }
    let (baseline, seed) = unlucky.expect("the best of three histories is not the best of nine");
    let run = check(&baseline, seed, &["--replications", "12"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("within noise"), "{}", run.stdout);
    // What is no luck stays: a tenth more for the instances.
    case.prices("on_demand.csv", "us-east-1,m6i.xlarge,0.192,", "us-east-1,m6i.xlarge,0.2112,");
    let args = ["-p", "fixed", "--prices", "prices", "--max-cost-increase", "5%", "--replications", "4"];
    let run = case.check(&args);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("more than noise"), "{}", run.stdout);
}

#[test]
fn what_is_no_baseline_is_refused_with_what_to_do() {
    let case = Case::new();
    let report = case.read("base/report.json");
    let refused = |text: &str| {
        case.write("bad.json", text);
        let run = case.run(&["check", "trace.csv", "--baseline", "bad.json"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
        run.stderr
    };
    let version = cost_sim::report::SCHEMA_VERSION;
    let of_version = |other: u32| {
        report.replacen(&format!("\"schema_version\": {version}"), &format!("\"schema_version\": {other}"), 1)
    };
    let older = refused(&of_version(version - 1));
    assert!(older.contains("bad.json:2:3") && older.contains("make the report anew"), "{older}");
    let newer = refused(&of_version(version + 1));
    assert!(newer.contains("newer cost-sim"), "{newer}");
    for end in [0, 1, 100, report.len() / 2, report.len() - 3] {
        let message = refused(&report[..end]);
        assert!(message.contains("hint: the file ends too early"), "{end}: {message}");
    }
    let message = refused("run_id,task_id\n");
    assert!(message.contains("bad.json:1:1") && message.contains("give a report.json"), "{message}");
    let message = refused(&report.replace("kind: Scenario\\n", "kind: Scenaria\\n"));
    assert!(message.contains("bad.json (asked):"), "{message}");
    let message = refused(&report.replacen("us-east-1,m6i.xlarge,0.192,", "us-east-1,m6i.xlarge,-1,", 1));
    assert!(message.contains("bad.json (catalog)/on_demand.csv:"), "{message}");

    // Another trace: other tasks, not other requests.
    case.write("other.csv", &trace(500).replace("b.7,only", "b.7,another"));
    let run = case.run(&["check", "other.csv", "-b", "base/report.json"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains("report of another trace") && run.stderr.contains("cost-sim diff"),
        "{}",
        run.stderr
    );
    case.write("trace.csv", &trace(2_000));
    let run = case.check(&["--baseline-trace", "other.csv"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("--baseline-trace is not the trace"), "{}", run.stderr);
    let run = case.check(&["-p", "node-group"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("no platform of today is one of"), "{}", run.stderr);
}

#[test]
fn threads_change_nothing() {
    let case = Case::new();
    case.prices("on_demand.csv", "us-east-1,m6i.xlarge,0.192,", "us-east-1,m6i.xlarge,0.2112,");
    let args = ["--prices", "prices", "--replications", "3", "--format", "json"];
    let one = case.check(&[&args[..], &["--jobs", "1"]].concat()).stdout;
    assert_eq!(case.check(&[&args[..], &["--jobs", "8"]].concat()).stdout, one);
}

#[test]
fn two_reports_are_compared_without_a_trace() {
    let case = Case::new();
    case.write("scenario.yaml", &SCENARIO.replace("desiredSize: 2", "desiredSize: 3"));
    let run = case.run(&["-q", "replay", "trace.csv", "-s", "scenario.yaml", "--out", "later"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let run = case.run(&["diff", "base/report.json", "later/report.json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(run.stdout, @r"
    The largest difference of cost: fixed +$4.55 (+39.76 %).

                 cost                    makespan  start delay
    platform   before   after    change       p99          p99
    fargate     $3.17   $3.17      ±0 %      same         same
    fixed      $11.44  $15.99  +39.76 %      same         same
    karpenter   $5.62   $5.62      ±0 %      same         same

    fixed
    item                 price  quantity    change
    BoxUsage:m6i.xlarge    ±$0    +$4.50    +$4.50
    EBS:VolumeUsage.gp3    ±$0  +$0.0520  +$0.0520
    For: idle +$4.34, daemonsets +$0.2089

    Settings
    platforms[fixed].scaling.desiredSize: 2 → 3
    ");
    let run = case.run(&["diff", "base/report.json", "base/report.json"]);
    assert_eq!(run.stdout, "No difference: every platform costs and takes the same in both reports.\n");
    let run = case.run(&["diff", "base/report.json", "trace.csv"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("base/report.json is a report and trace.csv is not"), "{}", run.stderr);
    let run = case.run(&["diff", "trace.csv", "trace.csv", "-p", "fargate"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}
