//! `cost-sim rightsize` as its users meet it: what is recommended and why, what it saves, and the way to a changed trace
//! and to YAML.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cost_sim::units::Usd;
use serde_json::Value;

use super::{Case, Run};

const HEADER: &str = "task_id,run_id,workflow,task_name,image,submit_time,work_seconds,cpu_request_milli,memory_request_mib,\
    memory_limit_mib,cpu_usage_p95_milli,cpu_usage_max_milli,memory_usage_max_mib,exit_reason,state,source_platform\n";

/// Six pods each of `extract`, which is far too large, and of a task with a name to beware of, which was killed; and one
/// pod of `load`.
fn trace() -> String {
    let mut text = HEADER.to_owned();
    for n in 0..6 {
        let time = format!("2026-01-05T0{n}:00:00Z");
        let _ = writeln!(
            text,
            "extract,r{n},nightly,+extract,etl:7,{time},600,1000,4096,,200,230,1000,,succeeded,fargate"
        );
        let (reason, state) = if n == 0 { ("OOMKilled", "failed") } else { ("", "succeeded") };
        let _ = writeln!(
            text,
            "odd,r{n},nightly,\"+a: \"\"b\"\" # c\",etl:7,{time},600,250,512,512,100,190,300,{reason},{state},fargate"
        );
    }
    text + "load,r0,nightly,+load,,2026-01-05T00:20:00Z,60,500,1024,,400,500,900,,succeeded,fargate\n"
}

fn case() -> Case {
    Case::empty().file("trace.csv", trace())
}

fn ok(case: &Case, args: &[&str]) -> Run {
    let run = case.run(&[&["rightsize"], args].concat());
    assert_eq!(run.code, Some(0), "{run}");
    run
}

fn result(case: &Case, args: &[&str]) -> Value {
    serde_json::from_str(&ok(case, &[args, &["--format", "json"]].concat()).stdout).unwrap()
}

fn task<'v>(result: &'v Value, name: &str) -> &'v Value {
    let mut tasks = result["tasks"].as_array().unwrap().iter();
    tasks.find(|task| task["task"] == name).unwrap_or_else(|| panic!("no {name} in {result:#}"))
}

#[test]
fn what_is_recommended_and_why() {
    let result = result(&case(), &["trace.csv", "--platform", "fargate"]);
    assert_eq!((&result["sized"], &result["kept"]), (&2.into(), &1.into()));
    // 200m × 1.2 = 240m. 1,000 MiB × 1.25 = 1,250, up to 79 × 16 = 1,264 MiB.
    let extract = task(&result, "+extract");
    assert_eq!((&extract["cpu"], &extract["memory"]), (&"240m".into(), &"1264Mi".into()));
    // With 256 MiB for Kubernetes: 1 vCPU and 4,352 MiB are billed as 5 GB, a quarter and 1,520 MiB as 2 GB.
    assert_eq!(extract["fargate_before"], serde_json::json!({"vcpu": 1.0, "gb": 5.0}));
    assert_eq!(extract["fargate"], serde_json::json!({"vcpu": 0.25, "gb": 2.0}));
    // 760m less for six times ten minutes.
    assert_eq!(extract["vcpu_hours_freed"], 0.76);
    assert_eq!(extract["cpu_usage"]["of"], "pods");
    assert_eq!(extract["cpu_usage"]["pods"], 6);
    assert_eq!(extract["flags"], serde_json::json!([]));
    // The maximum of 230m is not above 240m, and the request is 1,264 ÷ 1,000 of the peak.
    assert_eq!(
        (&extract["cpu_risk"]["at_most"], &extract["memory_risk"]["margin"]),
        (&0.0.into(), &1.264.into())
    );
    // 300 MiB × 1.25 = 375, but 512 MiB were not enough for one pod. Its maximum of 190m is above 100m × 1.2 = 120m, its
    // p95 is not: at most 5 % of the time is above.
    let odd = task(&result, "+a: \"b\" # c");
    assert_eq!((&odd["cpu"], &odd["memory"]), (&"120m".into(), &"512Mi".into()));
    assert_eq!(odd["flags"], serde_json::json!(["out_of_memory"]));
    assert_eq!(odd["cpu_risk"]["at_most"], 0.05);
    let load = task(&result, "+load");
    assert_eq!(
        (&load["cpu"], &load["memory"], &load["cpu_risk"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(load["flags"], serde_json::json!(["too_little_known", "throttled"]));
}

#[test]
fn the_table_fits_a_terminal_and_says_what_to_know() {
    let run = ok(&case().columns(80), &["trace.csv", "--platform", "fargate", "--region", "us-east-1"]);
    let shown = run.stdout.splitn(3, '\n').nth(2).unwrap();
    insta::assert_snapshot!(shown, @r###"
CPU: percentile 95 of usage + 20 %; memory: the highest peak + 25 %; by task,
  from 5 pods or more

                               CPU      memory        Fargate          above
flag task                pods  now  new    now    new     now    new Fargate
     nightly/+extract       6    1 240m    4Gi 1264Mi     1/5 0.25/2     0 %
k    nightly/+a: "b" # c    6 250m 120m  512Mi  512Mi  0.25/1 0.25/1     0 %
?t   nightly/+load          1 500m kept    1Gi   kept   0.5/2  0.5/2       –
? 1 task: too little known: requests are kept
k 1 task: killed out of memory: what was measured is less than what is needed
t 1 task: CPU seen at all that a limit or the machine allows: the real need is
  not known
(no room for: CPU above the request, memory margin)

                  as is,  right-  saved by    by the     by  inter-
platform         a month   sized  requests  platform   both  action
fargate (today)   $84.35  $77.98     $6.37     $0.00  $6.37   $0.00
against fargate as is: both = requests on fargate + platform + interaction;
  `saved by requests` is on the row's own platform

right-sized requests would save $6.37 a month on fargate (today) (-7.5 %), which
costs least with them
CPU on Fargate: no usage is above the new billed size
memory: no pod's peak is above the new request, the least margin is ×1.26
Fargate bills 1 of 2 tasks in the same size as before: nothing is saved by them
  there
warning: the trace covers 5h00m: a monthly cost repeats that for a whole month
"###);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{run}");
}

/// The table of savings is what `replay` says of both traces, and its parts add up to the last digit.
#[test]
fn savings_are_those_of_both_traces_and_add_up() {
    let case = case();
    let result = result(&case, &["trace.csv", "--trace-out", "sized.csv"]);
    let usd = |value: &Value| Usd::parse(value.as_str().unwrap()).unwrap();
    let costs = |trace: &str| -> BTreeMap<String, Value> {
        let report = case.replay(&[trace]);
        let platforms = report["platforms"].as_array().unwrap().iter();
        platforms.map(|p| (p["name"].as_str().unwrap().to_owned(), p["cost"]["total_usd"].clone())).collect()
    };
    let (as_is, sized) = (costs("trace.csv"), costs("sized.csv"));
    let platforms = result["platforms"].as_array().unwrap();
    assert!(platforms.len() >= 4, "{result:#}");
    let base = &platforms[0];
    assert_eq!((&base["platform"], &base["today"]), (&"fargate".into(), &true.into()));
    let month = |cell: &Value| usd(&cell["usd_per_month"]);
    for row in platforms {
        let name = row["platform"].as_str().unwrap();
        assert_eq!(row["as_is"]["total_usd"], as_is[name], "{name}");
        assert_eq!(row["right_sized"]["total_usd"], sized[name], "{name}");
        let saved = |part: &str| usd(&row["saved"][part]);
        assert_eq!(saved("by_requests_usd"), month(&base["as_is"]) - month(&base["right_sized"]), "{name}");
        assert_eq!(saved("by_platform_usd"), month(&base["as_is"]) - month(&row["as_is"]), "{name}");
        assert_eq!(saved("both_usd"), month(&base["as_is"]) - month(&row["right_sized"]), "{name}");
        let parts = saved("by_requests_usd") + saved("by_platform_usd") + saved("interaction_usd");
        assert_eq!(parts, saved("both_usd"), "{name}");
        assert_eq!(saved("by_platform_usd") + saved("requests_here_usd"), saved("both_usd"), "{name}");
    }
    assert!(usd(&base["saved"]["by_requests_usd"]) > Usd::ZERO);
}

#[test]
fn a_changed_trace_is_recommended_the_same() {
    let case = case();
    for name in ["sized.csv", "sized.csv.gz", "sized.parquet"] {
        let first = result(&case, &["trace.csv", "--platform", "fargate", "--trace-out", name]);
        let again = result(&case, &[name, "--platform", "fargate"]);
        for old in first["tasks"].as_array().unwrap() {
            let new = task(&again, old["task"].as_str().unwrap());
            for key in ["cpu", "memory", "cpu_limit", "memory_limit", "fargate", "cpu_risk"] {
                assert_eq!(new[key], old[key], "{name}: {key}");
            }
        }
        assert_eq!(again["platforms"][0]["as_is"], first["platforms"][0]["right_sized"], "{name}");
        let meta = case.json("sized.meta.json");
        assert_eq!(meta["synthetic"], false);
    }
}

#[test]
fn fragments_of_yaml_can_be_pasted() {
    let case = case();
    let digdag = ok(&case, &["trace.csv", "--yaml", "digdag"]).stdout;
    insta::assert_snapshot!(digdag, @r###"
# Requests by measured usage, written by cost-sim rightsize. They are of whole pods: where a pod has several
# containers, what the others ask for is part of them.
# nightly.dig
"+a: \"b\" # c":
  # CPU: 250m before; 100m at the chosen percentile, by 6 pods
  # memory: 512Mi before; 300Mi at the peak, by 6 pods
  # 1 pod killed out of memory
  _export:
    kubernetes:
      Pod:
        resources:
          requests:
            cpu: 120m
            memory: 512Mi
          limits:
            memory: 512Mi
+extract:
  # CPU: 1 before; 200m at the chosen percentile, by 6 pods
  # memory: 4Gi before; 1000Mi at the peak, by 6 pods
  _export:
    kubernetes:
      Pod:
        resources:
          requests:
            cpu: 240m
            memory: 1264Mi
"###);
    let kubernetes =
        ok(&case, &["trace.csv", "--by", "image", "--min-pods", "1", "--yaml", "kubernetes"]).stdout;
    insta::assert_snapshot!(kubernetes, @r###"
# Requests by measured usage, written by cost-sim rightsize. They are of whole pods: where a pod has several
# containers, what the others ask for is part of them.
# CPU: 1 before; 200m at the chosen percentile, by 12 pods
# memory: 4Gi before; 1000Mi at the peak, by 12 pods
# 1 pod killed out of memory; pods ask for different amounts: the largest is shown
"etl:7":
  resources:
    requests:
      cpu: 240m
      memory: 1264Mi
    limits:
      memory: 1264Mi
"###);
    // In a file they are the same, and stdout has the result.
    let run = ok(
        &case,
        &["trace.csv", "--yaml", "digdag", "--yaml-out", "resources.yaml", "--platform", "fargate"],
    );
    assert_eq!(case.read("resources.yaml"), digdag);
    assert!(run.stdout.contains("right-sized requests would save"), "{run}");
    let read: BTreeMap<String, Value> = serde_saphyr::from_str(&digdag).unwrap();
    let pod = &read["+a: \"b\" # c"]["_export"]["kubernetes"]["Pod"];
    assert_eq!(pod["resources"]["limits"]["memory"], "512Mi");
}

#[test]
fn tasks_of_digdag_are_nested_as_in_their_files() {
    // `+a` and `+b` inside of `+load`; a loop of five iterations, each a task by its name, of which `+check` asks for
    // less than `+run`; and the same path in another file.
    let mut text = HEADER.to_owned();
    for n in 0..5 {
        let each = format!("+nightly+each^sub+for-0=date={n}=2026-01-0{n}");
        let tasks = [
            ("nightly", "+nightly+load+a".to_owned(), 100),
            ("nightly", "+nightly+load+b".to_owned(), 200),
            ("nightly", format!("{each}+run"), 300),
            ("nightly", format!("{each}+check"), 50),
            ("hourly", "+hourly+load+a".to_owned(), 400),
        ];
        for (index, (workflow, name, used)) in tasks.iter().enumerate() {
            let _ = writeln!(
                text,
                "t{index},{workflow}{n},{workflow},{name},etl:7,2026-01-05T0{n}:00:00Z,600,1000,4096,,{used},,100,,succeeded,fargate"
            );
        }
    }
    let case = Case::empty().file("trace.csv", text);
    let digdag = ok(&case, &["trace.csv", "--yaml", "digdag"]).stdout;
    let amounts: Vec<&str> = digdag
        .lines()
        .filter(|line| !line.trim_start().starts_with("# CPU") && !line.trim_start().starts_with("# memory"))
        .skip(2)
        .collect();
    // 128 MiB: 100 × 1.25 = 125, up to 8 × 16. CPU: × 1.2.
    insta::assert_snapshot!(amounts.join("\n"), @r###"
---
# hourly.dig
+load:
  +a:
    _export:
      kubernetes:
        Pod:
          resources:
            requests:
              cpu: 480m
              memory: 128Mi
---
# nightly.dig
+each:
  # of 2 tasks made here while it runs (_do:, call>): this reaches whatever is made
  # the most that any of them asks for
  _export:
    kubernetes:
      Pod:
        resources:
          requests:
            cpu: 360m
            memory: 128Mi
+load:
  +a:
    _export:
      kubernetes:
        Pod:
          resources:
            requests:
              cpu: 120m
              memory: 128Mi
  +b:
    _export:
      kubernetes:
        Pod:
          resources:
            requests:
              cpu: 240m
              memory: 128Mi
"###);
    let found = result(&case, &["trace.csv", "--platform", "fargate"]);
    assert_eq!((&found["sized"], &found["kept"]), (&5.into(), &0.into()));
    assert_eq!(task(&found, "+nightly+each^sub+for-*+run")["pods"], 5);
}

#[test]
fn results_do_not_depend_on_threads_or_on_the_order_of_rows() {
    let text = trace();
    let mut rows: Vec<&str> = text.lines().skip(1).collect();
    rows.reverse();
    let case = case().file("reversed.csv", format!("{HEADER}{}\n", rows.join("\n")));
    for format in ["json", "csv", "markdown", "table"] {
        let one = ok(&case, &["trace.csv", "--format", format, "--jobs", "1"]).stdout;
        assert_eq!(ok(&case, &["trace.csv", "--format", format, "--jobs", "2"]).stdout, one, "{format}");
        let reversed = ok(&case, &["reversed.csv", "--format", format]).stdout;
        assert_eq!(reversed.replace("reversed.csv", "trace.csv"), one, "{format}");
    }
}

#[test]
fn the_example_has_something_to_say() {
    let run = ok(&case(), &["--example", "wear", "--platform", "fargate", "--top", "2"]);
    for text in ["SYNTHETIC", "every-5-min-1/task-1", "that change less", "would save", "(today)"] {
        assert!(run.stdout.contains(text), "no {text}: {run}");
    }
    assert_eq!(
        ok(&case(), &["--example", "wear", "--format", "csv", "--platform", "fargate"])
            .stdout
            .lines()
            .count(),
        277
    );
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is() {
    let case = case().file("plain.csv", super::TRACE);
    let all = [
        &["plain.csv"][..],
        &["trace.csv", "--percentile", "101"],
        &["trace.csv", "--memory-headroom", "-5"],
        &["trace.csv", "--min-pods", "0"],
        &["trace.csv", "--by", "image", "--yaml", "digdag"],
        &["trace.csv", "--trace-out", "sized.txt"],
        &["trace.csv", "--trace-out", "trace.csv"],
        &["trace.csv", "--trace-out", "nowhere/sized.csv"],
        &["trace.csv", "--yaml-out", "a.yaml"],
    ];
    let said: Vec<String> = all.iter().map(|args| case.refuse(&[&["rightsize"], *args].concat())).collect();
    insta::assert_snapshot!(said.join("\n"), @r###"
$ cost-sim rightsize plain.csv
error: the trace has no usage that requests could follow
  hint: add cpu_usage_p95_milli and memory_usage_max_mib (metrics summed by pod, such as Datadog's kubernetes.cpu.usage.total and kubernetes.memory.working_set)

$ cost-sim rightsize trace.csv --percentile 101
error: invalid value '101' for '--percentile <PERCENTILE>': 101 is not in 1..=100

For more information, try '--help'.

$ cost-sim rightsize trace.csv --memory-headroom -5
error: invalid value '-5' for '--memory-headroom <PERCENT>': -5 is not in 0..=1000

For more information, try '--help'.

$ cost-sim rightsize trace.csv --min-pods 0
error: invalid value '0' for '--min-pods <N>': 0 is not in 1..=4294967295

For more information, try '--help'.

$ cost-sim rightsize trace.csv --by image --yaml digdag
error: Digdag sets resources by workflow and task, not by image
  hint: use --by task, or --yaml kubernetes

$ cost-sim rightsize trace.csv --trace-out sized.txt
error: cannot tell the format of sized.txt
  hint: end its name in .csv, .csv.gz or .parquet

$ cost-sim rightsize trace.csv --trace-out trace.csv
error: trace.csv is the trace that is read: its requests would be lost
  hint: give --trace-out another name

$ cost-sim rightsize trace.csv --trace-out nowhere/sized.csv
error: cannot write nowhere/sized.csv: No such file or directory (os error 2)
  hint: check the path

$ cost-sim rightsize trace.csv --yaml-out a.yaml
error: the following required arguments were not provided:
  --yaml <digdag|kubernetes>

Usage: cost-sim rightsize --yaml <digdag|kubernetes> --yaml-out <FILE> <TRACE>...

For more information, try '--help'.
"###);
}
