//! `cost-sim pack`: single decisions, each worked out by hand from the controllers' rules.
//!
//! The cases are in `fixtures/pack`, synthetic all of them, and are named there as here. Types in them leave all of
//! their capacity to pods unless the case says otherwise.

#![expect(clippy::disallowed_methods, reason = "tests read fixtures and write files")]

mod broken;
mod consolidate;
mod other_modes;
mod solve;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn run(args: &[&str], input: &[u8]) -> Output {
    use std::io::Write as _;
    use std::process::Stdio;

    let mut command = Command::new(env!("CARGO_BIN_EXE_cost-sim"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that stops at a mistake may not read to the end.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Holds what is decided in every case of a file against the table, which has all of them, in their order. Why a pod
/// fits nowhere is for people to read: the table says `why`.
#[track_caller]
fn assert_decisions(file: &str, table: &[(&str, Value)]) {
    let path = Path::new("fixtures/pack").join(file);
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
    let output = run(&["pack", "--input", path.to_str().unwrap()], b"");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), text.lines().count(), "a line for each case");
    let names: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, table.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (line, (name, expected)) in lines.lines().zip(table) {
        let mut decided: Value = serde_json::from_str(line).unwrap();
        if let Some(errors) = decided.get_mut("podErrors").and_then(Value::as_object_mut) {
            for reason in errors.values_mut().filter(|reason| reason.as_str() != Some("")) {
                *reason = json!("why");
            }
        }
        if decided != *expected {
            wrong.push(format!("{name}\n  expected {expected}\n  decided  {decided}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_output_does_not_depend_on_threads_or_on_how_the_input_comes() {
    let path = "fixtures/pack/solve.ndjson";
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let one = run(&["pack", "--input", path, "--jobs", "1"], b"");
    let four = run(&["pack", "--input", "-", "--jobs", "4"], &text);
    assert!(one.status.success() && !one.stdout.is_empty());
    assert_eq!(one.stdout, four.stdout);
}
