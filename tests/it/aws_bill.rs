//! `cost-sim replay --bill`: a bill of AWS beside the simulated one. All bills here are synthetic.

#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cost_sim::aws_bill::{self, Scope};
use cost_sim::units::Time;
use cost_sim::workload::Window;
use flate2::Compression;
use flate2::write::GzEncoder;
use polars::prelude::{Column, DataFrame, NamedFrom as _, ParquetWriter, Series};
use serde_json::Value;
use tempfile::TempDir;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bill").join(name)).unwrap()
}

fn cost_explorer() -> Value {
    serde_json::from_slice(&fixture("cost-explorer.json")).unwrap()
}

fn cur() -> String {
    String::from_utf8(fixture("cur.csv")).unwrap()
}

/// A directory with these files.
fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// Runs the program in `dir`: exit code, stdout, stderr.
fn run(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cost-sim"));
    command.env_clear().env("COLUMNS", "100").current_dir(dir).args(args).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const REPLAY: [&str; 6] = ["replay", "--example", "small", "--platform", "fargate", "--no-scenario"];

/// The report of the small example against these files of a bill.
fn report(files: &[(&str, &[u8])]) -> Value {
    let dir = directory(files);
    let mut args = [&REPLAY[..], &["--format", "json"]].concat();
    for (name, _) in files {
        args.extend(["--bill", name]);
    }
    let (code, stdout, stderr) = run(dir.path(), &args);
    assert_eq!(code, Some(0), "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// A number of the item with this usage type.
fn of_item(report: &Value, usage: &str, key: &str) -> f64 {
    let items = report["bill_comparison"]["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["detail"] == usage).unwrap();
    item[key].as_f64().unwrap()
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

#[test]
fn a_bill_that_agrees_leaves_the_finding_alone() {
    let report = report(&[("bill.json", &fixture("cost-explorer.json"))]);
    let bill = &report["bill_comparison"];
    assert_eq!((bill["indicative"].as_bool(), bill["same_period"].as_bool()), (Some(false), Some(true)));
    assert!(!report["finding"].as_str().unwrap().contains("indicative"));
    // The fixture has 2 % more than the simulation: 1 ÷ 1.02 − 1. It was paid at list price.
    for usage in ["Fargate-vCPU-Hours:perCPU", "Fargate-GB-Hours"] {
        assert_close(of_item(&report, usage, "difference"), 1.0 / 1.02 - 1.0);
        assert_close(of_item(&report, usage, "rate_difference"), 0.0);
    }
    assert_close(of_item(&report, "AmazonEKS-Hours:perCluster", "bill_quantity"), 336.0);
    let apart: Vec<_> = bill["out_of_scope"].as_array().unwrap().iter().collect();
    let apart: Vec<(&str, &str)> =
        apart.iter().map(|u| (u["usage_type"].as_str().unwrap(), u["reason"].as_str().unwrap())).collect();
    assert_eq!(
        apart,
        [
            ("EUW2-BoxUsage:m5.large", "other_region"),
            ("EBS:VolumeUsage.gp3", "not_on_this_platform"),
            ("TimedStorage-ByteHrs", "not_simulated"),
        ]
    );
    // 14 × (2.664 + 0.04 + 0.0283950594).
    assert_eq!(bill["out_of_scope_usd"], "38.2535308316");
    assert_eq!(bill["left_out"][0]["line_type"], "Tax");
    assert_eq!(bill["left_out"][0]["usd"], "3.21");
}

#[test]
fn a_bill_that_is_off_makes_the_finding_indicative() {
    let report = report(&[("cur.csv", &fixture("cur.csv"))]);
    let bill = &report["bill_comparison"];
    let finding = report["finding"].as_str().unwrap();
    // 1 ÷ 1.08 − 1 = −7.4 %.
    assert!(
        finding.ends_with(
            "; indicative only: Fargate vCPU (Fargate-vCPU-Hours:perCPU) is simulated 7.4 % below the bill"
        ),
        "{finding}"
    );
    assert!(bill["explanation"].as_str().unwrap().contains("where other workloads share the cluster"));
    // Under the plan for 80 % of list; the control plane's discount of 5 % has rows of its own.
    assert_close(of_item(&report, "Fargate-GB-Hours", "rate_difference"), -0.2);
    assert_close(of_item(&report, "Fargate-GB-Hours", "difference"), 1.0 / 1.08 - 1.0);
    assert_close(of_item(&report, "AmazonEKS-Hours:perCluster", "rate_difference"), -0.05);
    let left_out = bill["left_out"].as_array().unwrap();
    let kinds: Vec<(&str, u64)> =
        left_out.iter().map(|l| (l["line_type"].as_str().unwrap(), l["rows"].as_u64().unwrap())).collect();
    assert_eq!(
        kinds,
        [
            ("Credit", 1),
            ("SavingsPlanNegation", 28),
            ("SavingsPlanRecurringFee", 1),
            ("Tax", 1),
            ("split cost allocation", 14)
        ]
    );
    assert_eq!(bill["out_of_scope"][0]["usage_type"], "BoxUsage:c5.xlarge");
    assert!(bill["notes"].to_string().contains("Outside of the trace's window, and left out: 1 row"));
}

#[test]
fn the_table_says_quantities_first() {
    let dir = directory(&[("cur.csv", &fixture("cur.csv"))]);
    let (code, stdout, _) = run(dir.path(), &[&REPLAY[..], &["--bill", "cur.csv"]].concat());
    assert_eq!(code, Some(0));
    let from = stdout.find("fargate as simulated against").unwrap();
    insta::assert_snapshot!(&stdout[from..], @r"
    fargate as simulated against the bill of 2026-03-02 to 2026-03-16 UTC, 336.0 hours
                                                                              rate
    usage type                   bill  simulated  unit        difference  off list
    Fargate-vCPU-Hours:perCPU   176.1      163.1  vCPU-hours      -7.4 %     -20 %
    Fargate-GB-Hours            1,229      1,138  GB-hours        -7.4 %     -20 %
    AmazonEKS-Hours:perCluster  336.0      336.0  hours             ±0 %    -5.0 %
    out of scope: $114.64 in 2 usage types
    not usage, left out: Credit -$2.50 (1 row), SavingsPlanNegation -$12.59 (28 rows),
      SavingsPlanRecurringFee $29.76 (1 row), Tax $4.56 (1 row), split cost allocation $0.00 (14 rows)
    Results are indicative, since a main quantity is off by more than 5 %: a bill has more where other
      workloads share the cluster or the account, where agents run beside the job's container that its
      requests do not count, or where pods stay after their end.
    The trace is synthetic: a real bill can only be like it by chance.
    Outside of the trace's window, and left out: 1 row of the bill.

    fargate (today) costs $45.26; indicative only: Fargate vCPU (Fargate-vCPU-Hours:perCPU) is simulated
    7.4 % below the bill
    ");
    for name in ["report.md", "report.html"] {
        let text = fs::read_to_string(dir.path().join("cost-sim-report").join(name)).unwrap();
        for needle in ["Fargate-GB-Hours", "1,229", "BoxUsage:c5.xlarge", "-20 %"] {
            assert!(text.contains(needle), "{needle} is not in {name}");
        }
    }
}

/// A report with the column names of Data Exports.
fn cur2(legacy: &str) -> String {
    let (header, rows) = legacy.split_once('\n').unwrap();
    let names: Vec<&str> = header
        .split(',')
        .map(|name| match name {
            "identity/LineItemId" => "identity_line_item_id",
            "bill/PayerAccountId" => "bill_payer_account_id",
            "lineItem/LineItemType" => "line_item_line_item_type",
            "lineItem/UsageStartDate" => "line_item_usage_start_date",
            "lineItem/UsageEndDate" => "line_item_usage_end_date",
            "lineItem/ProductCode" => "line_item_product_code",
            "lineItem/UsageType" => "line_item_usage_type",
            "lineItem/UsageAmount" => "line_item_usage_amount",
            "lineItem/CurrencyCode" => "line_item_currency_code",
            "lineItem/UnblendedCost" => "line_item_unblended_cost",
            "product/ProductName" => "product_product_name",
            "product/regionCode" => "product_region_code",
            "pricing/unit" => "pricing_unit",
            "pricing/publicOnDemandCost" => "pricing_public_on_demand_cost",
            "savingsPlan/SavingsPlanEffectiveCost" => "savings_plan_savings_plan_effective_cost",
            "reservation/EffectiveCost" => "reservation_effective_cost",
            "splitLineItem/ParentResourceId" => "split_line_item_parent_resource_id",
            other => panic!("{other}"),
        })
        .collect();
    format!("{}\n{rows}", names.join(","))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

/// As Data Exports write it: quantities and costs are doubles.
fn parquet(csv: &str) -> Vec<u8> {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let columns = names.iter().enumerate().map(|(place, name)| {
        let cells = || rows.iter().map(|row| row[place]);
        let is_number = name.ends_with("_cost") || name.ends_with("_amount");
        let series = if is_number {
            Series::new((*name).into(), cells().map(|cell| cell.parse::<f64>().ok()).collect::<Vec<_>>())
        } else {
            Series::new(
                (*name).into(),
                cells().map(|cell| (!cell.is_empty()).then_some(cell)).collect::<Vec<_>>(),
            )
        };
        Column::from(series)
    });
    let mut frame = DataFrame::new_infer_height(columns.collect()).unwrap();
    let mut out = Vec::new();
    ParquetWriter::new(&mut out).finish(&mut frame).unwrap();
    out
}

#[test]
fn every_form_of_the_same_report_says_the_same() {
    let legacy = cur();
    let expected = report(&[("cur.csv", legacy.as_bytes())])["bill_comparison"].clone();
    let modern = cur2(&legacy);
    let forms = [
        ("a.csv.gz", gzip(&legacy)),
        ("b.csv", modern.clone().into_bytes()),
        ("c.parquet", parquet(&modern)),
    ];
    for (name, bytes) in forms {
        let mut found = report(&[(name, &bytes)])["bill_comparison"].clone();
        found["files"] = expected["files"].clone();
        assert_eq!(found, expected, "{name}");
    }
    // Two halves are one bill.
    let lines: Vec<&str> = legacy.lines().collect();
    let (header, rows) = lines.split_first().unwrap();
    let half = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n"));
    let halves = rows.split_at(rows.len() / 2);
    let mut found =
        report(&[("1.csv", half(halves.0).as_bytes()), ("2.csv", half(halves.1).as_bytes())])["bill_comparison"]
            .clone();
    found["files"] = expected["files"].clone();
    assert_eq!(found, expected);
}

#[test]
fn keys_may_come_in_either_order() {
    let expected = report(&[("bill.json", &fixture("cost-explorer.json"))])["bill_comparison"].clone();
    let mut swapped = cost_explorer();
    swapped["GroupDefinitions"].as_array_mut().unwrap().reverse();
    for period in swapped["ResultsByTime"].as_array_mut().unwrap() {
        for group in period["Groups"].as_array_mut().unwrap() {
            group["Keys"].as_array_mut().unwrap().reverse();
        }
    }
    assert_eq!(report(&[("bill.json", swapped.to_string().as_bytes())])["bill_comparison"], expected);
    // Who cut the answer down may have lost the definitions.
    swapped.as_object_mut().unwrap().remove("GroupDefinitions");
    assert_eq!(report(&[("bill.json", swapped.to_string().as_bytes())])["bill_comparison"], expected);
}

#[test]
fn other_periods_are_compared_by_the_hour() {
    let mut week = cost_explorer();
    let days = week["ResultsByTime"].as_array_mut().unwrap();
    days.truncate(7);
    days[6]["Estimated"] = true.into();
    let report = report(&[("bill.json", week.to_string().as_bytes())]);
    let bill = &report["bill_comparison"];
    assert_eq!(bill["same_period"], false);
    assert_eq!((bill["bill_hours"].as_f64(), bill["window_hours"].as_f64()), (Some(168.0), Some(336.0)));
    // Half of the time has half of the quantity: as much an hour as in the whole bill.
    assert_close(of_item(&report, "AmazonEKS-Hours:perCluster", "bill_quantity"), 168.0);
    assert_close(of_item(&report, "AmazonEKS-Hours:perCluster", "difference"), 0.0);
    assert_close(of_item(&report, "Fargate-GB-Hours", "difference"), 1.0 / 1.02 - 1.0);
    assert_eq!(bill["estimated"], true);
}

#[test]
fn the_platform_of_the_trace_is_simulated_where_it_is_not_asked_for() {
    let dir = directory(&[("bill.json", &fixture("cost-explorer.json"))]);
    let args = [
        "replay",
        "--example",
        "small",
        "--platform",
        "node-group",
        "--format",
        "json",
        "--bill",
        "bill.json",
    ];
    let (code, stdout, stderr) = run(dir.path(), &args);
    assert_eq!(code, Some(0), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["platforms"].as_array().unwrap().len(), 1);
    assert_eq!(report["bill_comparison"]["platform"], "fargate");
    assert_close(of_item(&report, "Fargate-GB-Hours", "difference"), 1.0 / 1.02 - 1.0);
}

/// `cur.csv` with one text replaced by another, the first time it occurs.
fn changed(from: &str, to: &str) -> Vec<u8> {
    let text = cur();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn what_cannot_be_compared_is_refused_with_its_place() {
    let json = |change: &dyn Fn(&mut Value)| {
        let mut value = cost_explorer();
        change(&mut value);
        value.to_string().into_bytes()
    };
    let truncated = fixture("cost-explorer.json")[..2_000].to_vec();
    let short_gzip = gzip(&cur())[..900].to_vec();
    let mut broken_parquet = parquet(&cur2(&cur()));
    broken_parquet.truncate(700);
    let ungrouped = json(&|value| {
        value["GroupDefinitions"] = Value::Array(vec![]);
        for period in value["ResultsByTime"].as_array_mut().unwrap() {
            period["Groups"] = Value::Array(vec![]);
        }
    });
    let cases: [(&str, Vec<u8>, &[&str]); 19] = [
        (
            "a.json",
            ungrouped,
            &["error: a.json: this is not grouped", "--group-by Type=DIMENSION,Key=SERVICE"],
        ),
        (
            "a.json",
            json(&|value| value["GroupDefinitions"][1]["Key"] = "REGION".into()),
            &["a.json: this is grouped by SERVICE and REGION", "aws ce get-cost-and-usage"],
        ),
        (
            "a.json",
            json(&|value| value["NextPageToken"] = "more".into()),
            &["a.json: this answer has a NextPageToken: further pages are missing", "--next-page-token"],
        ),
        (
            "a.json",
            json(&|value| {
                value["ResultsByTime"][2]["Groups"][0]["Metrics"]["AmortizedCost"]["Unit"] = "CNY".into();
            }),
            &["a.json: ResultsByTime[2].Groups[0]: amounts are in CNY", "only a bill in USD"],
        ),
        (
            "a.json",
            json(&|value| {
                let metrics = &mut value["ResultsByTime"][0]["Groups"][0]["Metrics"];
                metrics.as_object_mut().unwrap().remove("UsageQuantity");
            }),
            &["ResultsByTime[0].Groups[0]: there is no metric UsageQuantity"],
        ),
        (
            "a.json",
            json(&|value| {
                let day = value["ResultsByTime"][0].clone();
                value["ResultsByTime"].as_array_mut().unwrap().push(day);
            }),
            &["ResultsByTime[14].Groups[0]: this usage type came already for the same period"],
        ),
        (
            "a.json",
            b"{\"Regions\": []}".to_vec(),
            &["a.json: this is JSON, but no answer of get-cost-and-usage"],
        ),
        (
            "a.json",
            truncated,
            &["error: a.json:106:13: this is not an answer of get-cost-and-usage", "the file ends early"],
        ),
        ("a.json", b"".to_vec(), &["a.json: the file is empty"]),
        (
            "a.csv",
            b"date,amount\n2026-03-02,5\n".to_vec(),
            &["a.csv:1: this is no Cost and Usage Report: it has no column line_item_line_item_type"],
        ),
        (
            "a.csv",
            changed("0.0283950594", "a lot"),
            &["error: a.csv:9:121: ", "line_item_unblended_cost is not a number", "9 | a lot"],
        ),
        ("a.csv", changed(",USD,", ",CNY,"), &["error: a.csv:2:", "amounts are in CNY"]),
        (
            "a.csv",
            changed("2026-03-02T00:00:00Z", "Monday"),
            &["error: a.csv:2:", "line_item_usage_start_date is not a time", "| Monday"],
        ),
        (
            "a.csv",
            changed("SavingsPlanCoveredUsage", ""),
            &["error: a.csv:2:", "line_item_line_item_type is empty"],
        ),
        (
            "a.csv",
            changed("synthetic-0003,000000000000,", "synthetic-0003,"),
            &["error: a.csv:5: this row has 16 cells, the header has 17"],
        ),
        (
            "a.csv",
            changed("synthetic-0001", "\u{fffd}").replace_utf8(),
            &["error: a.csv:3: this is not UTF-8 text"],
        ),
        ("a.csv.gz", short_gzip, &["error: a.csv.gz: the file is damaged or ends early"]),
        ("a.parquet", broken_parquet, &["error: a.parquet: the Parquet file "]),
        (
            "a.csv",
            cur().replace("2026-03", "2025-03").into_bytes(),
            &["a.csv: the bill has no usage between 2026-03-02T00:00Z and 2026-03-16T00:00Z"],
        ),
    ];
    for (name, bytes, needles) in cases {
        let dir = directory(&[(name, &bytes)]);
        let (code, stdout, stderr) = run(dir.path(), &[&REPLAY[..], &["--bill", name]].concat());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        for needle in needles {
            assert!(stderr.contains(needle), "{needle:?} is not in {stderr}");
        }
        assert!(!dir.path().join("cost-sim-report").exists(), "{stderr}");
    }
}

/// Makes text with a replacement character no UTF-8 text.
trait ReplaceUtf8 {
    fn replace_utf8(self) -> Vec<u8>;
}

impl ReplaceUtf8 for Vec<u8> {
    fn replace_utf8(self) -> Vec<u8> {
        let place = self.windows(3).position(|bytes| bytes == "\u{fffd}".as_bytes()).unwrap();
        [&self[..place], b"\xff", &self[place + 3..]].concat()
    }
}

#[test]
fn a_bill_needs_something_to_be_held_against() {
    let json = fixture("cost-explorer.json");
    let trace = "task_id,submit_time,work_seconds\na,2026-03-02T00:00:00Z,60\n";
    let dir = directory(&[("bill.json", &json), ("trace.csv", trace.as_bytes())]);
    let cases: [(&[&str], &str); 4] = [
        (
            &["replay", "trace.csv", "--bill", "bill.json"],
            "error: there is nothing to hold the bill against: the trace does not say where it ran\n",
        ),
        (&[&REPLAY[..], &["--bill", "missing.json"]].concat(), "error: cannot read missing.json: "),
        (&[&REPLAY[..], &["--bill", "."]].concat(), "error: cannot read .: "),
        (
            &[&REPLAY[..], &["--bill", "bill.json", "--bill", "bill.json"]].concat(),
            "error: bill.json is given twice: its usage would count twice\n",
        ),
    ];
    for (args, expected) in cases {
        let (code, _, stderr) = run(dir.path(), args);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.starts_with(expected), "{stderr}");
    }
}

#[test]
fn damaged_bills_are_refused_or_read_but_never_a_panic() {
    const ROUNDS: u64 = 120;
    let dir = tempfile::tempdir().unwrap();
    let day = |day: i64| Time::from_ms(1_772_409_600_000 + day * 86_400_000);
    let scope = Scope { window: Window { start: day(0), end: day(14) }, region: "us-east-1".to_owned() };
    let read = |path: PathBuf| aws_bill::read(&[path], scope.clone());
    let whole = [
        ("a.json", fixture("cost-explorer.json")),
        ("a.csv", fixture("cur.csv")),
        ("a.csv.gz", gzip(&cur())),
        ("a.parquet", parquet(&cur2(&cur()))),
    ];
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for (name, bytes) in whole {
        let path = dir.path().join(name);
        fs::write(&path, &bytes).unwrap();
        assert!(read(path.clone()).is_ok(), "{name}");
        let mut refused = 0;
        for round in 0..ROUNDS {
            let mut damaged = bytes.clone();
            if round % 3 == 0 {
                damaged.truncate(random(bytes.len()));
            } else {
                for _ in 0..=random(4) {
                    let place = random(damaged.len());
                    damaged[place] ^= 1 << random(8);
                }
            }
            fs::write(&path, &damaged).unwrap();
            refused += u64::from(read(path.clone()).is_err());
        }
        assert!(refused >= ROUNDS / 4, "{name}: damage is seen in {refused} of {ROUNDS} rounds only");
    }
}
