//! `cost-sim pricing import`: AWS's files in, a directory for `--prices` out.

#![expect(clippy::disallowed_methods, reason = "tests prepare and compare files")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cost_sim::catalog::{FILES, Snapshot};
use serde_json::Value;
use tempfile::TempDir;

/// Synthetic Spot prices, as the AWS CLI prints them as text.
const SPOT: &str = "\
SPOTPRICEHISTORY\tus-east-1a\tm5.large\tLinux/UNIX\t0.031000\t2026-01-02T00:00:00+00:00
SPOTPRICEHISTORY\tus-east-1a\tm5.large\tWindows\t0.131000\t2026-01-02T00:00:00+00:00
";

fn directory() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/aws");
    for name in ["offers-us-east-1.json", "get-products-us-east-1.json", "spot-advisor-data.json"] {
        fs::copy(fixtures.join(name), dir.path().join(name)).unwrap();
    }
    // As if published after the snapshot in the program: an older list would replace nothing.
    let products = dir.path().join("get-products-us-east-1.json");
    let text = fs::read_to_string(&products).unwrap().replace("2022-12-08T17:48:24Z", "2026-12-08T17:48:24Z");
    fs::write(products, text).unwrap();
    fs::write(dir.path().join("spot.txt"), SPOT).unwrap();
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

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        dir.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_become_a_directory_that_can_be_replayed_with() {
    let dir = directory();
    let files = ["pricing", "import", "offers-us-east-1.json", "get-products-us-east-1.json", "spot.txt"];
    let (code, stdout, stderr) = run(dir.path(), &[&files[..], &["--out", "new/prices"]].concat());
    // That list is older than the snapshot, and has nothing for it.
    let told = "warning: no row of offers-us-east-1.json is used\nwrote new/prices: use it with --prices\n";
    assert_eq!((code, stderr.as_str()), (Some(0), told));
    insta::assert_snapshot!(stdout, @r"
file                         format                      rows       used    refused
offers-us-east-1.json        Price List offer file          2          0          2
                                                      for a capacity block          1
                                     older than the price it would replace          1
get-products-us-east-1.json  Price List products            9          3          6
                                                           a reserved term          6
spot.txt                     Spot price history             2          1          1
                                                                 not Linux          1

snapshot                     rows      added    changed    removed
instance_types.csv           1391          0          0          0
on_demand.csv               12411          0          3          0
on_demand_inferred.csv       4061          0          0          0
spot.csv                    13325          0          1          0
fargate.csv                    20          0          0          0
misc_prices.csv               125          0          0          0
spot_history.csv                1          1          0          0
");
    let snapshot = Snapshot::load(&dir.path().join("new/prices")).unwrap();
    let mut expected = FILES.to_vec();
    expected.push("spot_history.csv");
    expected.sort_unstable();
    assert_eq!(names(&dir.path().join("new/prices")), expected);
    assert_ne!(snapshot.sha256(), Snapshot::embedded().sha256());

    let replay = ["replay", "--example", "small", "--prices", "new/prices", "--region", "us-east-1"];
    let (code, _, stderr) = run(dir.path(), &[&replay[..], &["--out", "report"]].concat());
    assert_eq!(code, Some(0), "{stderr}");

    // Again, from its own result into its own directory: everything is there already.
    let again = [&files[..], &["--base", "new/prices", "--out", "new/prices", "--format", "json"]].concat();
    let (code, stdout, _) = run(dir.path(), &again);
    assert_eq!(code, Some(0));
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(summary["sha256"], snapshot.sha256());
    assert_eq!(summary["files"][2]["format"], "spot-price-history");
    assert_eq!(summary["files"][2]["refused"]["not Linux"], 1);
    assert!(
        summary["changes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|change| change["added"] == 0 && change["changed"] == 0)
    );
}

#[test]
fn a_refused_import_writes_nothing() {
    let dir = directory();
    fs::write(
        dir.path().join("trace.json"),
        r#"{"metadata":{"gap_seconds":34},"data":[0,1],"prices":[0.1]}"#,
    )
    .unwrap();
    fs::create_dir(dir.path().join("taken")).unwrap();
    fs::write(dir.path().join("taken/spot_history.csv"), "old").unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["trace.json", "--out", "out"], "error: trace.json: this is none of the formats: "),
        (&["missing.json", "--out", "out"], "error: cannot read missing.json: "),
        (
            &["spot-advisor-data.json", "--out", "out"],
            "error: spot-advisor-data.json: nothing in this file says",
        ),
        (&["spot.txt", "--out", "spot.txt"], "error: cannot write to spot.txt: "),
        (
            &["spot.txt", "--base", "missing", "--out", "out"],
            "error: cannot open the price directory missing: ",
        ),
        (
            &["offers-us-east-1.json", "--out", "taken"],
            "error: taken has a spot_history.csv, and the new snapshot has none\n  hint: remove it, or ",
        ),
        (&["spot.txt"], "error: the following required arguments were not provided:\n  --out <DIR>\n"),
    ];
    let before = names(dir.path());
    for (args, expected) in cases {
        let (code, stdout, stderr) = run(dir.path(), &[&["pricing", "import"][..], args].concat());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(stderr.starts_with(expected), "{stderr}");
        assert_eq!(names(dir.path()), before);
    }
    assert_eq!(names(&dir.path().join("taken")), ["spot_history.csv"]);
}
