//! `cost-sim pricing`: what a snapshot says, and what changed between two.

#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Runs the program in `dir`: exit code, stdout, stderr.
fn run_in(dir: &Path, columns: usize, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cost-sim"));
    command.env_clear().env("COLUMNS", columns.to_string()).current_dir(dir);
    let output = command.arg("pricing").args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The stdout of a run that must succeed, at 80 columns.
fn shown(args: &[&str]) -> String {
    let (code, stdout, stderr) = run_in(Path::new("."), 80, args);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{args:?}");
    stdout
}

/// The stderr of a run that must be refused.
fn refused(args: &[&str]) -> String {
    let (code, stdout, stderr) = run_in(Path::new("."), 80, args);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
    stderr
}

#[test]
fn a_family_at_80_columns() {
    insta::assert_snapshot!(shown(&["show", "m7i-flex", "m6g.large", "--region", "us-east-1"]), @"");
}

#[test]
fn prices_of_one_capacity_type() {
    let args = ["show", "m6g.large", "m7i.metal-24xl", "--region", "us-east-1", "--capacity-type"];
    insta::assert_snapshot!(shown(&[&args[..], &["spot"]].concat()), @"");
    insta::assert_snapshot!(shown(&[&args[..], &["on-demand"]].concat()), @"");
}

#[test]
fn a_snapshot_at_a_glance() {
    insta::assert_snapshot!(shown(&["show", "--region", "ap-northeast-1"]), @"");
}

#[test]
fn prices_for_machines_are_complete() {
    let json: Value =
        serde_json::from_str(&shown(&["show", "m6g.large", "--region", "us-west-2", "--format", "json"]))
            .unwrap();
    let row = &json["types"][0];
    // us-west-2 costs what us-east-1 costs, but that is observed for this type; 0.077 USD for two vCPUs.
    assert_eq!(row["on_demand"]["usd"], "0.077");
    assert_eq!(row["usd_per_vcpu_hour"], "0.0385");
    assert_eq!(json["snapshot"]["sha256"].as_str().unwrap().len(), 64);
    let csv = shown(&["show", "m6g", "--region", "us-west-2", "--format", "csv"]);
    let columns = |line: &str| line.split(',').count();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines.len() > 8 && lines.iter().all(|line| columns(line) == columns(lines[0])), "{csv}");
    let others = shown(&["show", "--region", "us-west-2", "--format", "csv"]);
    assert!(others.contains("us-west-2,fargate_vcpu,vCPU-hour,0.04048,"), "{others}");
}

#[test]
fn names_and_regions_that_nobody_knows_are_refused_with_the_nearest() {
    insta::assert_snapshot!(refused(&["show", "m6i.lagre", "--region", "us-east-1"]), @"");
    insta::assert_snapshot!(refused(&["show", "a1", "--region", "us-east-1", "--capacity-type", "spot", "z"]), @"");
    assert!(refused(&["show", "--region", "us-east-7"]).contains("did you mean `us-east-1`?"));
    assert!(refused(&["show", "--capacity-type", "spot"]).contains("<NAME>"));
    assert!(refused(&["diff", "embedded", "nowhere"]).contains("nowhere"));
}

/// Rows of a price file by their first two fields: what to put in place of the field with this index, or nothing to drop
/// the row.
type Edit<'e> = (&'e str, &'e dyn Fn(&mut Vec<String>) -> bool);

/// A directory with the embedded files as `old`, and as `new` with edits: a row for which an edit says no is dropped.
fn snapshots(edits: &[Edit]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for side in ["old", "new"] {
        fs::create_dir(dir.path().join(side)).unwrap();
        for entry in Path::new("pricing").read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            let mut text = fs::read_to_string(&path).unwrap();
            for (_, edit) in edits.iter().filter(|(file, _)| side == "new" && name == *file) {
                let lines = text.lines().filter_map(|line| {
                    let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
                    edit(&mut fields).then(|| fields.join(",") + "\n")
                });
                text = lines.collect();
            }
            fs::write(dir.path().join(side).join(name), text).unwrap();
        }
    }
    dir
}

fn diff(dir: &TempDir, args: &[&str]) -> (Option<i32>, String, String) {
    run_in(dir.path(), 80, &[&["diff", "old", "new", "--region", "us-east-1"], args].concat())
}

/// A percentage of a price in USD, exactly: prices of m5 have three decimals.
fn scaled(usd: &str, percent: i64) -> String {
    let thousandths: i64 = format!("{usd:0<5}").replace('.', "").parse().unwrap();
    let scaled = thousandths * percent;
    format!("{}.{:05}", scaled / 100_000, scaled % 100_000)
}

fn is_in(fields: &[String], family: &str) -> bool {
    fields[0] == "us-east-1" && fields[1].split('.').next() == Some(family)
}

fn edited() -> TempDir {
    snapshots(&[
        ("on_demand.csv", &|row| {
            if is_in(row, "m5") {
                row[2] = scaled(&row[2], 95);
            }
            if is_in(row, "c6i") && (row[1] == "c6i.large" || row[1] == "c6i.xlarge") {
                row[2] = scaled(&row[2], 110);
            }
            if is_in(row, "r5") {
                row[3] = "2026-10-01".to_owned();
            }
            !is_in(row, "a1")
        }),
        ("spot.csv", &|row| {
            if row[0] == "us-east-1" && row[1] == "m7i.large" {
                row[4] = "0".to_owned();
            }
            true
        }),
        ("fargate.csv", &|row| {
            if row[0] == "us-east-1" {
                row[1] = "0.05".to_owned();
            }
            true
        }),
        ("misc_prices.csv", &|row| {
            if row[1] == "nat_gateway" && row[0] == "us-east-1" {
                row[3] = "0.05".to_owned();
            }
            true
        }),
        ("instance_types.csv", &|row| {
            if row[0].starts_with("r7a.") {
                row[4] = "7".to_owned();
            }
            true
        }),
    ])
}

/// m5 has 9 sizes and costs 5 % less: one line. Two of c6i cost 10 % more. NAT gateways are in nobody's bill.
#[test]
fn what_changed_and_whom_it_touches() {
    let dir = edited();
    let (code, stdout, stderr) = diff(&dir, &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(stdout, @"");
}

/// One node group of m5.xlarge on Spot and its autoscaler on a c6i.large: of all the changes, one price.
const SCENARIO: &str = "\
apiVersion: cost-sim/v1
kind: Scenario
cluster: {natGateways: 1}
platforms:
  - name: mine
    kind: node-group
    instanceTypes: [m5.xlarge]
    capacityType: SPOT
    controllersHome: {instanceType: c6i.large, nodes: 1}
";

#[test]
fn a_scenario_is_touched_by_what_it_can_buy() {
    let dir = edited();
    fs::write(dir.path().join("scenario.yaml"), SCENARIO).unwrap();
    let (code, stdout, stderr) =
        diff(&dir, &["--scenario", "scenario.yaml", "--format", "json", "--exit-code"]);
    assert_eq!((code, stderr.as_str()), (Some(1), "error: prices changed that touch mine\n"));
    let json: Value = serde_json::from_str(&stdout).unwrap();
    let changes = json["changes"].as_array().unwrap();
    let touching: Vec<_> =
        changes.iter().filter(|change| !change["touches"].as_array().unwrap().is_empty()).collect();
    let names: Vec<_> = touching.iter().map(|change| (&change["name"], &change["change"])).collect();
    assert_eq!(
        names,
        [
            (&Value::from("c6i.large"), &Value::from("+10.0 %")),
            // 0.045 → 0.05.
            (&Value::from("nat_gateway"), &Value::from("+11.1 %")),
        ]
    );
    assert_eq!(touching[0]["old"]["usd"], "0.085");
    assert_eq!(touching[0]["new"]["usd"], "0.0935");
    // Elsewhere nothing changed but what types have.
    let (code, stdout, _) = run_in(
        dir.path(),
        80,
        &["diff", "old", "new", "--region", "eu-west-1", "--scenario", "scenario.yaml", "--exit-code"],
    );
    assert_eq!(code, Some(0), "{stdout}");
}

#[test]
fn markdown_is_a_table_per_file() {
    let dir = snapshots(&[("fargate.csv", &|row| {
        if row[0] == "us-east-1" {
            row[1] = "0.05".to_owned();
        }
        true
    })]);
    insta::assert_snapshot!(diff(&dir, &["--format", "markdown"]).1, @"");
}

#[test]
fn no_change_is_one_line_and_no_reason_to_fail() {
    let same = "no difference between embedded and old in us-east-1\n";
    let dir = snapshots(&[("on_demand.csv", &|row| {
        if row[1] == "m5.large" {
            row[3] = "2026-10-01".to_owned();
        }
        true
    })]);
    let compare = |other: &str| {
        run_in(dir.path(), 80, &["diff", "embedded", other, "--region", "us-east-1", "--exit-code"])
    };
    assert_eq!(compare("old"), (Some(0), same.to_owned(), String::new()));
    let redated = "no difference between embedded and new in us-east-1, but for the dates of 1\n  price\n";
    assert_eq!(compare("new"), (Some(0), redated.to_owned(), String::new()));
}
