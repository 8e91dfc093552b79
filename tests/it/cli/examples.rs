//! The traces that come with the program, and the one that it can generate again.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Case, Run, files};

fn example(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(path)
}

fn gunzip(path: PathBuf) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// The commands of the examples' READMEs.
#[test]
fn synthetic_examples_are_what_the_generators_write() {
    for name in ["wear", "incident"] {
        let readme = fs::read_to_string(example(&format!("{name}/README.md"))).unwrap();
        let line = readme
            .lines()
            .find(|line| line.starts_with(&format!("cost-sim generate {name} --days")))
            .unwrap();
        let args: Vec<&str> = line.split_whitespace().skip(1).collect();
        let case = Case::empty();
        let dir = format!("examples/{name}");
        fs::create_dir_all(case.path(&dir)).unwrap();
        let run = case.run(&args);
        assert_eq!(run.code, Some(0), "{run}");
        let content = |path: PathBuf| gunzip(path.join("trace.csv.gz"));
        assert!(content(case.path(&dir)) == content(example(name)), "the rows differ");
        let meta = fs::read_to_string(example(&format!("{name}/trace.meta.json"))).unwrap();
        assert_eq!(case.read(&format!("{dir}/trace.meta.json")), meta);
    }
}

#[test]
fn an_example_is_replayed_as_its_file_is() {
    let case = Case::empty();
    let path = example("wear/trace.csv.gz");
    let from_file = case.replay(&[path.to_str().unwrap()]);
    let mut embedded = case.replay(&["--example", "wear"]);
    assert_eq!(embedded["inputs"]["traces"][0]["path"].take(), "example:wear");
    embedded["inputs"]["traces"][0]["path"] = json!(path.to_str().unwrap());
    assert_eq!(embedded, from_file);
    let inputs = &embedded["inputs"];
    assert_eq!((&inputs["synthetic"], &inputs["region"]), (&json!(true), &json!("ap-northeast-1")));
    assert_eq!((&inputs["pods"], &inputs["workflow_runs"]), (&json!(16_022), &json!(8_435)));
    let warnings = embedded["warnings"].as_array().unwrap();
    let expected = ["prices inferred", "prices more than", "102 pods stayed for up to 6h00m after the end"];
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    for (warning, beginning) in warnings.iter().zip(expected) {
        assert!(warning.as_str().unwrap().starts_with(beginning), "{warning} instead of {beginning}");
    }
    let written = files(case.dir.path());
    assert!(written.keys().all(|name| name == "/" || name.starts_with("out/")), "a report and nothing else");
}

#[test]
fn every_example_has_a_name_and_is_in_the_help() {
    let case = Case::empty();
    let before = files(case.dir.path());
    let help = case.run(&["replay", "--help"]).stdout;
    for example in cost_sim::examples::Example::ALL {
        assert!(help.contains(&format!(" {}", example.name)), "{}", example.name);
        let run =
            case.run(&["replay", "--example", example.name, "--print-scenario", "--region", "us-east-1"]);
        assert_eq!(run.code, Some(0), "{run}");
    }
    assert!(files(case.dir.path()) == before);
}

#[test]
fn examples_that_cannot_be_replayed() {
    let case = Case::new();
    let all = [&["--example", "waer"][..], &["--example", "wear", "trace.csv"], &["--example"]];
    let said: Vec<String> = all.iter().map(|args| case.refuse(&[&["replay"], *args].concat())).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    $ cost-sim replay --example waer
    error: invalid value 'waer' for '--example <NAME>': the examples are:
      wear       a synthetic week of batch workflows on EKS Fargate, shaped like those of a fashion app
      flowbench  502 real runs of a radio-astronomy workflow, by the FlowBench authors (CC BY 4.0)
      incident   a synthetic week in which consolidation evicts long jobs
      small      a synthetic nightly workflow of ten pods, too small to move

    For more information, try '--help'.

    $ cost-sim replay --example wear trace.csv
    error: the argument '--example <NAME>' cannot be used with '[TRACE]...'

    Usage: cost-sim replay --example <NAME> [TRACE]...

    For more information, try '--help'.

    $ cost-sim replay --example
    error: a value is required for '--example <NAME>' but none was supplied

    For more information, try '--help'.
    ");
}

#[test]
fn the_scenarios_of_the_wear_example_are_replayed() {
    let case = Case::empty();
    for (name, platforms) in [("as-it-was", &["fargate"][..]), ("as-it-became", &["fargate", "jobs"])] {
        let path = example(&format!("wear/{name}.yaml"));
        let report = case.replay(&["--example", "wear", "--scenario", path.to_str().unwrap()]);
        let names: Vec<&Value> = super::of_platforms(&report, "/name");
        assert_eq!(names, platforms);
        let complete = super::of_platforms(&report, "/pods/unschedulable");
        assert!(complete.iter().all(|pods| **pods == 0), "{name}: {complete:?}");
    }
}

#[test]
fn a_generated_week_is_the_same_in_every_format() {
    let case = Case::empty();
    let week = ["generate", "wear", "--days", "1", "--scale", "0.1", "--requests", "right-sized"];
    let printed = case.run(&week);
    let mut hashes = Vec::new();
    for (file, meta) in [
        ("week.csv", "week.meta.json"),
        ("packed.csv.gz", "packed.meta.json"),
        ("frame.parquet", "frame.meta.json"),
    ] {
        let run = case.run(&[&week[..], &["--out", file]].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run}");
        assert_eq!(run.stderr, format!("wrote {file} and {meta}\n"));
        assert_eq!(case.json(meta)["synthetic"], true);
        assert_eq!(case.json(meta)["generator"]["params"]["scale"], 0.1);
        hashes.push(case.replay(&[file, "--platform", "fargate"])["inputs"]["traces"][0]["sha256"].clone());
    }
    assert_eq!(printed.stdout, case.read("week.csv"));
    assert_eq!(gunzip(case.path("packed.csv.gz")), printed.stdout);
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}

#[test]
fn weeks_that_cannot_be_generated() {
    let case = Case::empty();
    let all = [
        &["--scale", "0"][..],
        &["--scale", "1e3"],
        &["--days", "0"],
        &["--requests", "guessed"],
        &["--out", "missing/week.csv.gz"],
    ];
    let said: Vec<String> =
        all.iter().map(|args| case.refuse(&[&["generate", "wear"], *args].concat())).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim generate wear --scale 0
error: invalid value '0' for '--scale <SCALE>': write a number from 0.001 to 100, such as 0.5

For more information, try '--help'.

$ cost-sim generate wear --scale 1e3
error: invalid value '1e3' for '--scale <SCALE>': write a number from 0.001 to 100, such as 0.5

For more information, try '--help'.

$ cost-sim generate wear --days 0
error: invalid value '0' for '--days <DAYS>': 0 is not in 1..=366

For more information, try '--help'.

$ cost-sim generate wear --requests guessed
error: invalid value 'guessed' for '--requests <REQUESTS>'
  [possible values: as-is, right-sized]

For more information, try '--help'.

$ cost-sim generate wear --out missing/week.csv.gz
error: cannot write missing/week.meta.json: No such file or directory (os error 2)
  hint: check the path
");
}

/// "Should we move?" can be no. On one file the whole answer: what the controllers need day and night outweighs what
/// ten pods a night save, and where they run anyway it does not.
#[test]
fn a_small_workload_stays_on_fargate_unless_the_controllers_are_there_already() {
    let case = Case::new();
    let finding = |args: &[&str]| {
        let report = case.replay(args);
        report["finding"].as_str().expect("a finding").to_owned()
    };
    let stay = finding(&["--example", "small"]);
    assert!(stay.starts_with("fargate (today) costs least"), "{stay}");
    let scenario = example("small/controllers-elsewhere.yaml");
    let scenario = scenario.to_str().expect("a path");
    let moved = finding(&["--example", "small", "--scenario", scenario]);
    assert!(moved.starts_with("karpenter-there-already would cost"), "{moved}");
}

#[test]
fn the_example_of_a_pipeline_plays_through() {
    let program = Path::new(env!("CARGO_BIN_EXE_cost-sim"));
    let mut path = program.parent().unwrap().to_owned().into_os_string();
    path.push(":/usr/bin:/bin");
    let before = files(&example("ci"));
    let run = Run::of(Command::new("sh").arg(example("ci/run.sh")).env_clear().env("PATH", path));
    assert_eq!(run.code, Some(0), "{run}");
    assert!(run.stdout.ends_with("== exit code 1: in a pull request, this would stop it\n"), "{run}");
    assert!(run.stderr.contains("maxCostIncrease"), "the limit that is exceeded is named: {run}");
    assert!(files(&example("ci")) == before, "it leaves nothing behind");
}
