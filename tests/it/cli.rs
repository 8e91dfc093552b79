//! The program run as its users run it: arguments and files in; exit code, stdout, stderr and files out.

#![expect(clippy::disallowed_methods, reason = "tests prepare and compare files")]

mod errors;
mod examples;
mod help;
mod import;
mod inputs;
mod output;
mod planning;
mod rightsize;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Two workflow runs with recorded times on Fargate: small enough to check by hand.
const TRACE: &str = "\
task_id,run_id,depends_on,submit_time,start_time,end_time,cpu_request_milli,memory_request_mib,workflow,source_platform
extract,r1,,2026-01-05T00:00:00Z,2026-01-05T00:00:50Z,2026-01-05T00:05:50Z,500,1024,nightly,fargate
load,r1,extract,2026-01-05T00:05:51Z,2026-01-05T00:06:45Z,2026-01-05T00:16:45Z,1000,2048,nightly,fargate
report,r2,,2026-01-05T00:30:00Z,2026-01-05T00:30:40Z,2026-01-05T00:31:40Z,250,512,hourly,fargate
";

/// An empty directory in which the program runs, so that relative paths are the same in every message.
struct Case {
    dir: TempDir,
    columns: usize,
}

impl Case {
    /// With [`TRACE`] as `trace.csv`.
    fn new() -> Self {
        Self::empty().file("trace.csv", TRACE)
    }

    fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), columns: 100 }
    }

    fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cost-sim"));
        command.env_clear().env("COLUMNS", self.columns.to_string());
        command.current_dir(self.dir.path()).args(args).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        Run::of(&mut self.command(args))
    }

    /// A run with something on standard input.
    fn pipe(&self, input: &[u8], args: &[&str]) -> Run {
        fs::write(self.path("stdin"), input).unwrap();
        let file = fs::File::open(self.path("stdin")).unwrap();
        Run::of(self.command(args).stdin(file))
    }

    /// A run that must succeed; gives its `report.json`, which is written to `out`.
    fn replay(&self, args: &[&str]) -> Value {
        let run = self.run(&[&["replay", "--out", "out"], args].concat());
        assert_eq!(run.code, Some(0), "{run}");
        self.json("out/report.json")
    }

    /// A run that must be refused as such runs are: exit code 2, nothing on stdout, a hint, and nothing left
    /// behind. Gives what the user types and sees.
    fn refuse(&self, args: &[&str]) -> String {
        let before = files(self.dir.path());
        let run = self.run(args);
        self.check_refusal(&run, &before);
        format!("$ cost-sim {}\n{}", args.join(" "), run.stderr)
    }

    fn check_refusal(&self, run: &Run, before: &BTreeMap<String, Vec<u8>>) {
        assert_eq!(run.code, Some(2), "{run}");
        assert_eq!(run.stdout, "");
        assert!(run.stderr.starts_with("error: "), "{run}");
        // A hint, or the offending text itself, or a message that leaves no question.
        let enough = [
            "  hint: ",
            "For more information, try '--help'.",
            "^\n",
            " must be between ",
            " is there twice",
            ": there are no rows after the header",
        ];
        assert!(enough.iter().any(|text| run.stderr.contains(text)), "no hint: {run}");
        assert!(files(self.dir.path()) == *before, "a refused run changed files: {run}");
    }
}

/// Everything in a directory, by path.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(path) = left.pop() {
        let name = path.strip_prefix(dir).unwrap().display().to_string();
        if path.is_dir() {
            all.insert(name + "/", Vec::new());
            left.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        } else {
            all.insert(name, fs::read(&path).unwrap());
        }
    }
    all
}

/// What a run said, and how it ended.
struct Run {
    /// `None` when a signal ended it.
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program was built with the tests");
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        write!(f, "exit code {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// What `pointer` finds in each platform.
fn of_platforms<'v>(report: &'v Value, pointer: &str) -> Vec<&'v Value> {
    let platforms = report["platforms"].as_array().unwrap();
    platforms.iter().map(|platform| platform.pointer(pointer).unwrap()).collect()
}
