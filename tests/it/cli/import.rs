//! `cost-sim import`: several formats in, a trace or a report out, and nothing lost on the way.

use std::fs;

use serde_json::Value;

use super::{Case, TRACE, gzip};

/// Alibaba's list of pods, which counts seconds from an origin of its own: it ran, it never ran.
const OPENB: &str = "\
name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
pod-1,4000,8192,0,0,,LS,Succeeded,100,700,110
pod-2,4000,8192,0,0,,LS,Pending,200,,
";

/// Work that is an estimate: 40 s of start-up were taken off.
const ESTIMATED: &str = "\
task_id,submit_time,pod_created_time,start_time,end_time,work_seconds_method,cpu_request,memory_request,source_platform
a,2026-01-05T00:00:00Z,2026-01-05T00:00:00Z,2026-01-05T00:00:40Z,2026-01-05T00:05:00Z,model_subtracted,1,2Gi,fargate
b,2026-01-05T00:10:00Z,2026-01-05T00:10:00Z,2026-01-05T00:10:40Z,2026-01-05T00:15:00Z,pod_status,1,2Gi,fargate
";

#[test]
fn a_directory_of_several_formats_is_one_trace() {
    let case = Case::empty();
    fs::create_dir(case.path("in")).unwrap();
    let case = case.file("in/a.csv", TRACE).file("in/b.csv.gz", gzip(OPENB)).file("in/.hidden", "no trace");
    let run = case.run(&["import", "in", "--out", "trace.csv"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run}");
    assert!(run.stderr.contains("wrote trace.csv and trace.meta.json"), "{run}");
    let rows: Vec<_> =
        case.read("trace.csv").lines().map(|line| line.split(',').next().unwrap().to_owned()).collect();
    assert_eq!(rows, ["task_id", "extract", "load", "report", "pod-1", "pod-2"]);
    let meta = case.json("trace.meta.json");
    assert_eq!(meta["source"], "cost-sim import of canonical, openb");
    assert_eq!(meta["generator"]["name"], "cost-sim import");
    assert_eq!(meta["window_start"], "2023-01-01T00:01:40Z");
    assert_eq!(meta["synthetic"], false);
    // What was written is read again, with the same rows.
    for name in ["again.parquet", "again.csv.gz"] {
        assert_eq!(case.run(&["import", "trace.csv", "--out", name]).code, Some(0));
        let again = case.run(&["import", name]);
        assert_eq!(again.stdout, case.read("trace.csv"), "{name}");
    }
}

#[test]
fn standard_input_is_a_file_too() {
    let case = Case::empty();
    let run = case.pipe(OPENB.as_bytes(), &["import", "-"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(run.stdout.lines().count(), 3);
    let gzipped = case.pipe(&gzip(OPENB), &["import", "-", "--from", "openb"]);
    assert_eq!(gzipped.stdout, run.stdout);
}

#[test]
fn what_cannot_be_read_is_refused_and_nothing_is_lost() {
    let case =
        Case::new().file("openb.csv", OPENB).file("odd.txt", "one\ntwo\n").file("kept.csv", "precious");
    let unknown = case.refuse(&["import", "odd.txt", "--out", "kept.csv"]);
    for format in [
        "canonical",
        "digdag",
        "datadog",
        "prometheus",
        "kubernetes",
        "argo",
        "airflow",
        "aws-batch",
        "wfformat",
        "swf",
        "openb",
    ] {
        assert!(unknown.contains(&format!("\n    {format} ")), "{format} is not in: {unknown}");
    }
    let wrong = case.refuse(&["import", "openb.csv", "--from", "canonical", "--out", "kept.csv"]);
    assert!(wrong.contains("openb.csv:1"), "{wrong}");
    assert!(
        case.refuse(&["import", "openb.csv", "--from", "xml"]).contains("openb"),
        "the formats are listed"
    );
    assert!(case.refuse(&["import", "nowhere"]).contains("nowhere"));
    assert!(case.refuse(&["import"]).contains("<FILE>"));
    assert!(
        case.refuse(&["import", "openb.csv", "trace.csv", "--pod-pattern", "("]).contains("unclosed group")
    );
    assert!(case.refuse(&["import", "trace.csv", "--report", "--out", "-"]).contains("stdout"));
    assert!(case.refuse(&["import", "trace.csv", "--out", "no-such-dir/trace.csv"]).contains("no-such-dir"));
    assert_eq!(case.read("kept.csv"), "precious");
}

#[test]
fn instructions_need_no_files() {
    let case = Case::empty();
    for format in ["digdag", "datadog", "prometheus", "kubernetes"] {
        let run = case.run(&["import", "--how", format]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run}");
        assert!(run.stdout.to_lowercase().contains(format), "{run}");
    }
    assert!(case.refuse(&["import", "--how", "swf"]).contains("there are instructions for digdag"));
}

#[test]
fn a_report_says_what_was_found() {
    let case = Case::new();
    let run = case.run(&["import", "trace.csv", "--report", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{run}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&report["rows"], &report["pods"], &report["workflow_runs"]),
        (&3.into(), &3.into(), &2.into())
    );
    // 300 + 600 + 60 s.
    let hours = report["evidence"]["methods"][0]["work_hours"].as_f64().unwrap();
    assert!((hours * 3_600.0 - 960.0).abs() < 1e-6, "{hours}");
    // From the end of load at 16:45 to the start of report at 30:40; from 5:50 to 6:45.
    let gaps: Vec<_> =
        report["gaps"].as_array().unwrap().iter().map(|gap| gap["seconds"].as_f64().unwrap()).collect();
    assert_eq!(gaps, [835.0, 55.0]);
    assert_eq!(report["running_pods"]["max"], 1);
    for format in ["table", "markdown"] {
        let run = case.run(&["import", "trace.csv", "--report", "--format", format, "--out", "new.csv"]);
        assert!(run.stdout.contains("3 pods") && run.stdout.contains("How work_seconds was found"), "{run}");
        assert_eq!(run.stdout.contains("| method | pods | work |"), format == "markdown", "{run}");
        assert!(case.read("new.csv").starts_with("task_id,"));
    }
}

#[test]
fn names_are_taken_out_and_makespans_stay() {
    let case = Case::new();
    let first = case.run(&["import", "trace.csv", "--redact"]);
    let second = case.run(&["import", "trace.csv", "--redact"]);
    assert_eq!((first.code, &first.stdout), (Some(0), &second.stdout), "{first}");
    for name in ["extract", "load", "report", "nightly", "hourly", "r1"] {
        assert!(!first.stdout.contains(name), "{name} is in {}", first.stdout);
    }
    let keyed = case.run(&["import", "trace.csv", "--redact", "--redact-key", "k", "--out", "redacted.csv"]);
    assert_eq!(keyed.code, Some(0), "{keyed}");
    assert_ne!(case.read("redacted.csv"), first.stdout);
    let makespans = |trace: &str| {
        let report = case.replay(&[trace, "--platform", "recorded"]);
        report["platforms"][0]["latency"]["makespan_s"].clone()
    };
    assert_eq!(makespans("redacted.csv"), makespans("trace.csv"));
}

#[test]
fn a_report_says_what_rests_on_estimates() {
    let case = Case::empty().file("trace.csv", ESTIMATED);
    let report = case.replay(&["trace.csv", "--platform", "fargate", "--platform", "karpenter"]);
    assert_eq!(report["inputs"]["evidence"]["weak_share"], 0.5);
    let sensitivity = &report["sensitivity"];
    let amount = |at: &str| sensitivity["platforms"][0][at].as_str().unwrap().parse::<f64>().unwrap();
    assert!(
        amount("low_usd") < amount("base_usd") && amount("base_usd") < amount("high_usd"),
        "{sensitivity}"
    );
    assert_eq!(sensitivity["finding_changes"], false);
    let table = case.run(&["replay", "trace.csv", "--platform", "fargate"]);
    let said = table.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("work of 50 % of the pods is estimated"), "{table}");
    for page in ["out/report.md", "out/report.html"] {
        assert!(case.read(page).contains("How the work of pods is known"), "{page}");
    }
    // Measured work is not replayed again.
    let case = Case::new();
    assert_eq!(case.replay(&["trace.csv", "--platform", "fargate"])["sensitivity"], Value::Null);
}

#[test]
fn nothing_to_replay_is_no_trace() {
    // A list of a DAG's tasks, without any run of them; an answer without series.
    let tasks = include_str!("../../../fixtures/airflow/etl.tasks.json");
    let case = Case::empty()
        .file("etl.tasks.json", tasks)
        .file("quiet.json", r#"{"status":"ok","series":[]}"#)
        .file("other.json", r#"{"pods":[]}"#)
        .file("empty.json", "");
    for file in ["etl.tasks.json", "quiet.json"] {
        let refused = case.refuse(&["import", file, "--out", "trace.csv"]);
        assert!(refused.contains("nothing in these files is a task or a pod"), "{refused}");
    }
    assert!(case.refuse(&["import", "quiet.json"]).contains("answers without series"));
    let forced = case.refuse(&["import", "other.json", "--from", "datadog"]);
    assert!(forced.contains("other.json: this has no series"), "{forced}");
    let empty = case.refuse(&["import", "empty.json"]);
    assert!(empty.contains("empty.json: the file is empty") && empty.contains("fetch it again"), "{empty}");
}
