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
    insta::assert_snapshot!(shown(&["show", "m7i-flex", "m6g.large", "--region", "us-east-1"]), @r#"
    us-east-1, prices of 2025-06-28 to 2026-07-20

                           memory       on-demand per vCPU       Spot  Spot   taken
    type              vCPU    GiB arch     $/hour   $/hour     $/hour saves a month
    m6g.large            2      8 arm64   0.077    0.03850 ~0.0308     60 % 10–15 %
    m7i-flex.large       2      8 amd64   0.09576  0.04788 ~0.0296856  69 % 10–15 %
    m7i-flex.xlarge      4     16 amd64   0.19152  0.04788 ~0.0727776  62 % 10–15 %
    m7i-flex.2xlarge     8     32 amd64   0.38304  0.04788 ~0.19152    50 %    <5 %
    m7i-flex.4xlarge    16     64 amd64   0.76608  0.04788 ~0.2987712  61 %   >20 %
    m7i-flex.8xlarge    32    128 amd64   1.53216  0.04788 ~0.5822208  62 %   >20 %
    m7i-flex.12xlarge   48    192 amd64   2.29824  0.04788 ~0.8503488  63 % 10–15 %
    m7i-flex.16xlarge   64    256 amd64   3.06432  0.04788 ~0.8886528  71 % 15–20 %
    ~ inferred, not observed; --format json says how
    left out to fit the width: oldest price
    "#);
}

#[test]
fn prices_of_one_capacity_type() {
    let args = ["show", "m6g.large", "m7i.metal-24xl", "--region", "us-east-1", "--capacity-type"];
    insta::assert_snapshot!(shown(&[&args[..], &["spot"]].concat()), @r#"
    us-east-1, prices of 2025-06-28

                        memory       per vCPU    Spot  Spot   taken     oldest
    type           vCPU    GiB arch    $/hour  $/hour saves a month      price
    m6g.large         2      8 arm64  0.01540 ~0.0308  60 % 10–15 % 2025-06-28
    m7i.metal-24xl   96    384 amd64  0.01260 ~1.2096  75 %   >20 % 2025-06-28
    ~ inferred, not observed; --format json says how
    "#);
    insta::assert_snapshot!(shown(&[&args[..], &["on-demand"]].concat()), @r#"
    us-east-1, prices of 2024-02-21 to 2026-07-20

                          memory         on-demand  per vCPU      oldest
    type            vCPU     GiB  arch      $/hour    $/hour       price
    m6g.large          2       8  arm64     0.077    0.03850  2026-07-20
    m7i.metal-24xl    96     384  amd64     4.8384   0.05040  2024-02-21
    "#);
}

#[test]
fn a_snapshot_at_a_glance() {
    insta::assert_snapshot!(shown(&["show", "--region", "ap-northeast-1"]), @r#"
    embedded prices: 1,391 instance types, 32 regions
    regions: af-south-1, ap-east-1, ap-northeast-1, ap-northeast-2, ap-northeast-3,
      ap-south-1, ap-south-2, ap-southeast-1, ap-southeast-2, ap-southeast-3,
      ap-southeast-4, ap-southeast-5, ap-southeast-7, ca-central-1, ca-west-1,
      eu-central-1, eu-central-2, eu-north-1, eu-south-1, eu-south-2, eu-west-1,
      eu-west-2, eu-west-3, il-central-1, me-central-1, me-south-1, mx-central-1,
      sa-east-1, us-east-1, us-east-2, us-west-1, us-west-2

    ap-northeast-1
    on-demand: 1,057 prices of 2024-02-21 to 2026-07-20, 362 of them inferred
    Spot: 771 prices of 2025-06-28, all of them inferred

    item                                    USD  per                 as of
    fargate_vcpu                       0.05056   vCPU-hour           2021-01-09
    fargate_memory                     0.00553   GB-hour             2021-01-09
    fargate_ephemeral_storage          0.000133  GB-hour             2021-01-09
    cross_az_transfer_each_direction   0.01      GB                  2026-05
    ebs_gp3_iops_above_3000            0.006     IOPS-month          2025-10-28
    ebs_gp3_storage                    0.096     GB-month            2025-10-28
    ebs_gp3_throughput_above_125       0.048     MiBps-month         2025-10-28
    eks_auto_mode_fee                  0.12      share-of-on-demand  2026-09
    eks_auto_mode_fee_gpu              0.078     share-of-on-demand  2026-09
    eks_cluster_extended_support       0.60      cluster-hour        2026-08
    eks_cluster_standard               0.10      cluster-hour        2026-10
    nat_gateway                        0.062     hour                2026-09
    nat_gateway_processing             0.062     GB                  2026-09
    public_ipv4                        0.005     address-hour        2024-02
    vpc_interface_endpoint             0.014     hour                2026-09
    vpc_interface_endpoint_processing  0.01      GB                  2026
    "#);
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
    insta::assert_snapshot!(refused(&["show", "m6i.lagre", "--region", "us-east-1"]), @r#"
    error: no instance type in us-east-1 is named "m6i.lagre", nor begins so
      hint: did you mean m6i.large? Write a type such as m6i.large, a family such as m6i, or how names begin
    "#);
    insta::assert_snapshot!(refused(&["show", "m8a", "--region", "us-east-1", "--capacity-type", "spot"]), @r#"
    error: no spot price is known for any of these in us-east-1
      hint: leave out --capacity-type to see those that are
    "#);
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
                "2026-10-01".clone_into(&mut row[3]);
            }
            !is_in(row, "a1")
        }),
        ("spot.csv", &|row| {
            if row[0] == "us-east-1" && row[1] == "m7i.large" {
                "0".clone_into(&mut row[4]);
            }
            true
        }),
        ("fargate.csv", &|row| {
            if row[0] == "us-east-1" {
                "0.05".clone_into(&mut row[1]);
            }
            true
        }),
        ("misc_prices.csv", &|row| {
            if row[1] == "nat_gateway" && row[0] == "us-east-1" {
                "0.05".clone_into(&mut row[3]);
            }
            true
        }),
        ("instance_types.csv", &|row| {
            if row[0].starts_with("r7a.") {
                "false".clone_into(&mut row[21]);
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
    insta::assert_snapshot!(stdout, @r#"
    old → new in us-east-1: 32 changes, 4 platforms are touched

    on_demand.csv
    a1 (6 types)         removed  a1.medium 0.0255
    c6i (2 of 10 types)  +10.0 %  c6i.large 0.085 → 0.0935; large, xlarge
        [node-group, karpenter, karpenter-spot]
    m5 (9 types)         -5.0 %   m5.large 0.096 → 0.0912
        [karpenter, karpenter-spot]

    spot.csv
    m7i.large            interrupted a month 15–20 % → <5 %  [karpenter-spot]

    fargate.csv
    fargate_vcpu         +23.5 %  0.04048 → 0.05  [all platforms]

    misc_prices.csv
    nat_gateway          +11.1 %  0.045 → 0.05

    instance_types.csv
    r7a (12 types)       current_generation true → false
        [node-group, karpenter, karpenter-spot]

    touched, by so many changes: fargate (1), node-group (7), karpenter (24),
      karpenter-spot (25)
    another date and nothing else: 9 prices
    "#);
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
    // Tokyo has prices of its own; only what types are has changed there, and not of these.
    let (code, stdout, _) = run_in(
        dir.path(),
        80,
        &["diff", "old", "new", "--region", "ap-northeast-1", "--scenario", "scenario.yaml", "--exit-code"],
    );
    assert_eq!(code, Some(0), "{stdout}");
}

#[test]
fn markdown_is_a_table_per_file() {
    let dir = snapshots(&[("fargate.csv", &|row| {
        if row[0] == "us-east-1" {
            "0.05".clone_into(&mut row[1]);
        }
        true
    })]);
    insta::assert_snapshot!(diff(&dir, &["--format", "markdown"]).1, @r#"
    **old → new in us-east-1: 1 change, 4 platforms are touched**

    | fargate.csv | change | | touches |
    |---|---|---|---|
    | fargate_vcpu | +23.5 % | 0.04048 → 0.05 | all platforms |

    - touched, by so many changes: fargate (1), node-group (1), karpenter (1), karpenter-spot (1)
    "#);
}

#[test]
fn no_change_is_one_line_and_no_reason_to_fail() {
    let same = "no difference between embedded and old in us-east-1\n";
    let dir = snapshots(&[("on_demand.csv", &|row| {
        if row[1] == "m5.large" {
            "2026-10-01".clone_into(&mut row[3]);
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
