//! What is wrong with arguments and files, and how that is said: exit code 2, the place, and what to do. That
//! nothing is left behind and nothing is on stdout is checked for all of them by [`Case::refuse`].

use std::fs;

use super::{Case, TRACE, files};

const SCENARIO: &str = "apiVersion: cost-sim/v1\nkind: Scenario\n";

#[test]
fn a_trace_that_cannot_be_opened() {
    let case = Case::new();
    fs::create_dir(case.path("directory")).unwrap();
    let all = [
        &["missing.csv"][..],
        &["directory"],
        &["trace.csv/inside"],
        &["trace.csv", "missing.csv"],
        &["-", "-"],
    ];
    let said: Vec<String> = all.iter().map(|args| case.refuse(&[&["replay"], *args].concat())).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim replay missing.csv
error: cannot open missing.csv: No such file or directory (os error 2)
  hint: check the path

$ cost-sim replay directory
error: the directory directory has no data files
  hint: data files there are those that end in .json, .jsonl, .ndjson, .csv, .tsv, .yaml, .yml, .swf, .parquet, .gz; or name files

$ cost-sim replay trace.csv/inside
error: cannot open trace.csv/inside: Not a directory (os error 20)
  hint: something in this path is a file, not a directory; check the path

$ cost-sim replay trace.csv missing.csv
error: cannot open missing.csv: No such file or directory (os error 2)
  hint: check the path

$ cost-sim replay - -
error: standard input can be read only once
  hint: give - once
");
}

#[test]
fn a_trace_that_cannot_be_replayed() {
    let case = Case::empty()
        .file("empty.csv", "")
        .file("header.csv", "task_id,submit_time,work_seconds\n")
        .file("control.csv", "task_id,submit_time,work_seconds,kind\na,2026-01-05T00:00:00Z,1,control\n")
        .file("skipped.csv", "task_id,submit_time,work_seconds,state\na,2026-01-05T00:00:00Z,,skipped\n")
        .file(
            "gpu.csv",
            "task_id,submit_time,work_seconds,gpu_request_milli\na,2026-01-05T00:00:00Z,1,1000\n",
        );
    let names = ["empty.csv", "header.csv", "control.csv", "skipped.csv", "gpu.csv"];
    let said: Vec<String> = names.iter().map(|name| case.refuse(&["replay", name])).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim replay empty.csv
error: empty.csv: the file is empty
  hint: the first line must name the columns

$ cost-sim replay header.csv
error: header.csv: there are no rows after the header

$ cost-sim replay control.csv
error: the trace has no pod to replay
  hint: its rows are all control steps, pending or skipped; pods are rows of kind `pod`

$ cost-sim replay skipped.csv
error: the trace has no pod to replay
  hint: its rows are all control steps, pending or skipped; pods are rows of kind `pod`

$ cost-sim replay gpu.csv
error: gpu.csv:2:26: gpu_request_milli asks for a GPU, which no platform here has
  2 | 1000
    | ^^^^
  hint: leave such rows out of the replay with --drop-gpu
");
}

#[test]
fn dependencies_that_make_no_sense() {
    let trace = |rows: &str| format!("task_id,run_id,depends_on,submit_time,work_seconds\n{rows}");
    let row = |id: &str, before: &str| format!("{id},r1,{before},2026-01-05T00:00:00Z,1\n");
    let case = Case::empty()
        .file("unknown.csv", trace(&(row("a", "") + &row("b", "aa"))))
        .file("itself.csv", trace(&row("a", "a")))
        .file("cycle.csv", trace(&(row("a", "c") + &row("b", "a") + &row("c", "b"))))
        .file("twice.csv", trace(&(row("a", "") + &row("b", "") + &row("a", ""))))
        .file("part.csv", trace(&row("c", "")));
    let all =
        [&["unknown.csv"][..], &["itself.csv"], &["cycle.csv"], &["twice.csv"], &["part.csv", "twice.csv"]];
    let said: Vec<String> = all.iter().map(|args| case.refuse(&[&["replay"], *args].concat())).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    $ cost-sim replay unknown.csv
    error: unknown.csv:3:6: unknown dependency "aa" in run "r1"
      3 | aa
        | ^^
      hint: `depends_on` names task ids of the same run; write `run/task` for another run, and `\;` or `\/` for these characters inside an id

    $ cost-sim replay itself.csv
    error: itself.csv:2:6: dependency cycle: a → a
      2 | a
        | ^
      hint: a task cannot wait for itself, directly or through others

    $ cost-sim replay cycle.csv
    error: cycle.csv:2:6: dependency cycle: a → b → c → a
      2 | c
        | ^
      hint: a task cannot wait for itself, directly or through others

    $ cost-sim replay twice.csv
    error: twice.csv:4:1: this attempt of task "a" stands already in line 2
      4 | a
        | ^
      hint: give each further try of a task its own `attempt` number, and each file only once

    $ cost-sim replay part.csv twice.csv
    error: twice.csv:4:1: this attempt of task "a" stands already in line 2
      4 | a
        | ^
      hint: give each further try of a task its own `attempt` number, and each file only once
    "#);
}

#[test]
fn requests_that_no_machine_holds() {
    let trace = |cpu: &str, mib: &str| {
        format!(
            "task_id,submit_time,work_seconds,cpu_request_milli,memory_request_mib\n\
             a,2026-01-05T00:00:00Z,1,500,1024\nb,2026-01-05T00:00:00Z,1,{cpu},{mib}\n"
        )
    };
    let case = Case::empty()
        .file("cpu.csv", trace("5000000", "1024"))
        .file("memory.csv", trace("500", "1073741824"));
    let said: Vec<String> =
        ["cpu.csv", "memory.csv"].iter().map(|name| case.refuse(&["replay", name])).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim replay cpu.csv
error: cpu.csv:3:26: 5000 CPU is more than the largest node in us-east-1 has (893690m)
  hint: check the unit: cpu_request_milli counts thousandths of a vCPU, memory_request_mib counts MiB

$ cost-sim replay memory.csv
error: memory.csv:3:30: 1024Ti of memory is more than the largest node in us-east-1 has (31033160Mi)
  hint: check the unit: cpu_request_milli counts thousandths of a vCPU, memory_request_mib counts MiB
");
}

#[test]
fn several_files_with_mistakes_are_told_of_together() {
    let trace = |work: &str| format!("task_id,submit_time,work_seconds\na,2026-01-05T00:00:00Z,{work}\n");
    let case = Case::empty().file("one.csv", trace("-1")).file("two.csv", trace("long"));
    insta::assert_snapshot!(case.refuse(&["replay", "one.csv", "two.csv"]), @r"
$ cost-sim replay one.csv two.csv
error: one.csv:2:24: work_seconds is negative
  2 | -1
    | ^^
error: two.csv:2:24: work_seconds is not a decimal number of seconds
  2 | long
    | ^^^^
");
}

#[test]
fn damaged_standard_input() {
    let case = Case::empty();
    for (input, message) in [
        (&b""[..], "error: -: the file is empty"),
        (b"PAR1 and more", "error: -: Parquet cannot be read from standard input"),
        (b"\x1f\x8b\x08\x00garbage", "error: -:1: the gzip data"),
    ] {
        fs::write(case.path("stdin"), input).unwrap();
        let before = files(case.dir.path());
        let run = case.pipe(input, &["replay", "-"]);
        case.check_refusal(&run, &before);
        assert!(run.stderr.starts_with(message), "{run}");
    }
}

#[test]
fn flags_that_make_no_sense() {
    let case = Case::new();
    let all = [
        &["--platform", "frgate"][..],
        &["--platform", "mainframe"],
        &["--platform", "mixed"],
        &["--platform", "fargate", "--platform", "fargate"],
        &["--region", "ap-northeast1"],
        &["--region", "us-east-3"],
        &["--timezone", "Asia/Tokio"],
        &["--timezone", "somewhere"],
        &["--cpu-request", "1.5.0"],
        &["--cpu-request", "0"],
        &["--memory-request", "1Gb"],
        &["--memory-request", "-1Gi"],
        &["--image-size", "350"],
        &["--seed", "-1"],
        &["--seed", "99999999999999999999"],
        &["--replay", "shut"],
        &["--jobs", "0"],
        &["--format", "pdf"],
        &["--sed", "1"],
    ];
    let said: Vec<String> =
        all.iter().map(|args| case.refuse(&[&["replay", "trace.csv"], *args].concat())).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
$ cost-sim replay trace.csv --platform frgate
error: --platform frgate: there is no built-in platform of this name
  hint: did you mean fargate?

$ cost-sim replay trace.csv --platform mainframe
error: --platform mainframe: there is no built-in platform of this name
  hint: the built-in ones are recorded, fargate, node-group, node-group-spot, karpenter, karpenter-spot, karpenter-graviton, karpenter-consolidate and auto-mode; describe others with {name: …, kind: …}

$ cost-sim replay trace.csv --platform mixed
error: --platform mixed: what a mixed platform is made of has to be said
  hint: write {name: both, kind: mixed, parts: [{name: base, kind: node-group, instanceTypes: [m6i.large], scaling: {desiredSize: 2}}, {name: burst, kind: karpenter}]}

$ cost-sim replay trace.csv --platform fargate --platform fargate
error: --platform fargate is there twice

$ cost-sim replay trace.csv --region ap-northeast1
error: --region ap-northeast1 is not the name of an AWS region
  hint: write for example us-east-1

$ cost-sim replay trace.csv --region us-east-3
error: there are no prices for the region `us-east-3`
  hint: did you mean `us-east-1`? The regions with prices are af-south-1, ap-east-1, ap-northeast-1, ap-northeast-2, ap-northeast-3, ap-south-1, ap-south-2, ap-southeast-1, ap-southeast-2, ap-southeast-3, ap-southeast-4, ap-southeast-5, ap-southeast-7, ca-central-1, ca-west-1, eu-central-1, eu-central-2, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-2, eu-west-3, il-central-1, me-central-1, me-south-1, mx-central-1, sa-east-1, us-east-1, us-east-2, us-west-1, us-west-2

$ cost-sim replay trace.csv --timezone Asia/Tokio
error: unknown time zone "Asia/Tokio"
  hint: did you mean Asia/Tokyo?

$ cost-sim replay trace.csv --timezone somewhere
error: unknown time zone "somewhere"
  hint: write the zone's IANA name, such as Asia/Tokyo

$ cost-sim replay trace.csv --cpu-request 1.5.0
error: invalid value '1.5.0' for '--cpu-request <QUANTITY>': it is not a decimal number with a known suffix; write for example 500m or 2

For more information, try '--help'.

$ cost-sim replay trace.csv --cpu-request 0
error: the default CPU request 0 must be between 1m and 1000000

$ cost-sim replay trace.csv --memory-request 1Gb
error: invalid value '1Gb' for '--memory-request <QUANTITY>': it is not a decimal number with a known suffix; write for example 512Mi or 2Gi

For more information, try '--help'.

$ cost-sim replay trace.csv --memory-request -1Gi
error: unexpected argument '-1' found

  tip: to pass '-1' as a value, use '-- -1'

Usage: cost-sim replay [OPTIONS] [TRACE]...

For more information, try '--help'.

$ cost-sim replay trace.csv --image-size 350
error: the image size 350 must be a whole number of MiB
  hint: write for example 350Mi

$ cost-sim replay trace.csv --seed -1
error: invalid value '-1' for '--seed <SEED>': invalid digit found in string

For more information, try '--help'.

$ cost-sim replay trace.csv --seed 99999999999999999999
error: invalid value '99999999999999999999' for '--seed <SEED>': number too large to fit in target type

For more information, try '--help'.

$ cost-sim replay trace.csv --replay shut
error: invalid value 'shut' for '--replay <auto|closed|open>': use auto, closed or open

For more information, try '--help'.

$ cost-sim replay trace.csv --jobs 0
error: invalid value '0' for '--jobs <N>': 0 is not in 1..=1024

For more information, try '--help'.

$ cost-sim replay trace.csv --format pdf
error: invalid value 'pdf' for '--format <FORMAT>'
  [possible values: table, json, markdown, csv]

For more information, try '--help'.

$ cost-sim replay trace.csv --sed 1
error: unexpected argument '--sed' found

  tip: a similar argument exists: '--seed'

Usage: cost-sim replay --seed <SEED> <TRACE>...

For more information, try '--help'.
"#);
}

#[test]
fn commands_that_make_no_sense() {
    let case = Case::new();
    fs::create_dir(case.path("directory")).unwrap();
    let all = [
        &["replay"][..],
        &["relpay", "trace.csv"],
        &["generate", "day"],
        &["generate", "day", "--pods", "0"],
        &["generate", "day", "--pods", "5", "--out", "directory"],
        &["generate", "day", "--pods", "5", "--out", "missing/day.csv"],
        &["generate", "day", "--pods", "5", "--out", "trace.csv/day.csv"],
    ];
    let said: Vec<String> = all.iter().map(|args| case.refuse(args)).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim replay
error: the following required arguments were not provided:
  <TRACE>...

Usage: cost-sim replay <TRACE>...

For more information, try '--help'.

$ cost-sim relpay trace.csv
error: unrecognized subcommand 'relpay'

  tip: some similar subcommands exist: 'help', 'replay'

Usage: cost-sim [OPTIONS] <COMMAND>

For more information, try '--help'.

$ cost-sim generate day
error: the following required arguments were not provided:
  --pods <PODS>

Usage: cost-sim generate day --pods <PODS>

For more information, try '--help'.

$ cost-sim generate day --pods 0
error: invalid value '0' for '--pods <PODS>': 0 is not in 1..=100000000

For more information, try '--help'.

$ cost-sim generate day --pods 5 --out directory
error: cannot write directory: is a directory
  hint: a directory has this name, where a file is needed; check the path

$ cost-sim generate day --pods 5 --out missing/day.csv
error: cannot write missing/day.meta.json: No such file or directory (os error 2)
  hint: check the path

$ cost-sim generate day --pods 5 --out trace.csv/day.csv
error: cannot write trace.csv/day.meta.json: Not a directory (os error 20)
  hint: something in this path is a file, not a directory; check the path
");
}

#[test]
fn a_scenario_that_does_not_fit_the_catalog_is_shown_its_place() {
    let platform = |text: &str| format!("{SCENARIO}platforms:\n  - fargate\n  - {text}\n");
    let case = Case::new()
        .file("type.yaml", platform("{name: jobs, kind: node-group, instanceTypes: [m6i.xlrge]}"))
        .file("unlike.yaml", platform("{name: jobs, kind: node-group, instanceTypes: [big.machine]}"))
        .file("unsold.yaml", platform("{name: jobs, kind: node-group, instanceTypes: [m8i.xlarge]}"))
        .file("small.yaml", platform("{name: jobs, kind: node-group, instanceTypes: [t3.nano]}"))
        .file(
            "groups.yaml",
            platform("{name: jobs, kind: node-group, groups: [{name: a, instanceTypes: [c6i.larg]}]}"),
        )
        .file(
            "home.yaml",
            platform("{name: k, kind: karpenter, controllersHome: {instanceType: m6.large, nodes: 2}}"),
        )
        .file(
            "home-of-groups.yaml",
            platform("{name: g, kind: node-group, controllersHome: {instanceType: t9.nano, nodes: 1}}"),
        )
        .file(
            "fargate-home.yaml",
            platform("{name: k, kind: karpenter, controllersHome: {fargatePods: 1, cpu: 1, memory: 1Gi}}"),
        )
        .file(
            "event.yaml",
            format!("{SCENARIO}spot: {{events: [{{at: 1h}}, {{at: 2h, instanceType: m6i.lage}}]}}\n"),
        )
        .file("region.yaml", format!("{SCENARIO}region: eu-west-9\n"));
    let all = [
        &["type.yaml"][..],
        &["unlike.yaml"],
        &["unsold.yaml", "--region", "af-south-1"],
        &["small.yaml"],
        &["groups.yaml"],
        &["home.yaml"],
        &["home-of-groups.yaml"],
        &["fargate-home.yaml", "--region", "ap-southeast-7", "-p", "k"],
        &["home.yaml", "--region", "ap-southeast-7", "-p", "karpenter"],
        &["event.yaml"],
        &["region.yaml"],
        // Not the file's fault.
        &["region.yaml", "--region", "eu-west-8"],
    ];
    let said: Vec<String> =
        all.iter().map(|args| case.refuse(&[&["replay", "trace.csv", "-s"], *args].concat())).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    $ cost-sim replay trace.csv -s type.yaml
    error: type.yaml:5:52: platform jobs: unknown instance type m6i.xlrge
      5 | m6i.xlrge
        | ^^^^^^^^^
      hint: did you mean m6i.xlarge?

    $ cost-sim replay trace.csv -s unlike.yaml
    error: unlike.yaml:5:52: platform jobs: unknown instance type big.machine
      5 | big.machine
        | ^^^^^^^^^^^
      hint: write the name of an EC2 instance type, such as m6i.xlarge

    $ cost-sim replay trace.csv -s unsold.yaml --region af-south-1
    error: unsold.yaml:5:52: platform jobs: no on-demand price is known for m8i.xlarge in af-south-1
      5 | m8i.xlarge
        | ^^^^^^^^^^
      hint: m6i.xlarge has one there, for example

    $ cost-sim replay trace.csv -s small.yaml
    error: small.yaml:5:52: platform jobs: t3.nano has no room for pods beside the DaemonSets
      5 | t3.nano
        | ^^^^^^^
      hint: choose a larger type, or smaller daemonSets

    $ cost-sim replay trace.csv -s groups.yaml
    error: groups.yaml:5:71: platform jobs: unknown instance type c6i.larg
      5 | c6i.larg
        | ^^^^^^^^
      hint: did you mean c6i.large?

    $ cost-sim replay trace.csv -s home.yaml
    error: home.yaml:5:64: platform k: unknown instance type m6.large
      5 | m6.large
        | ^^^^^^^^
      hint: did you mean m6a.large?

    $ cost-sim replay trace.csv -s home-of-groups.yaml
    error: home-of-groups.yaml:5:65: platform g: unknown instance type t9.nano
      5 | t9.nano
        | ^^^^^^^
      hint: did you mean t2.nano?

    $ cost-sim replay trace.csv -s fargate-home.yaml --region ap-southeast-7 -p k
    error: fargate-home.yaml:5:32: platform k: its controllers run on EKS Fargate, which has no known price in ap-southeast-7
      5 | controllersHome
        | ^^^^^^^^^^^^^^^
      hint: write controllersHome: {instanceType: m6i.large, nodes: 2} or controllersHome: elsewhere

    $ cost-sim replay trace.csv -s home.yaml --region ap-southeast-7 -p karpenter
    error: platform karpenter: its controllers run on EKS Fargate, which has no known price in ap-southeast-7
      hint: in the scenario, write controllersHome: {instanceType: m6i.large, nodes: 2} or controllersHome: elsewhere for the platform

    $ cost-sim replay trace.csv -s event.yaml
    error: event.yaml:3:50: spot.events[1]: unknown instance type m6i.lage
      3 | m6i.lage
        | ^^^^^^^^
      hint: did you mean m6i.large?

    $ cost-sim replay trace.csv -s region.yaml
    error: region.yaml:3:9: there are no prices for the region `eu-west-9`
      3 | eu-west-9
        | ^^^^^^^^^
      hint: did you mean `eu-west-1`? The regions with prices are af-south-1, ap-east-1, ap-northeast-1, ap-northeast-2, ap-northeast-3, ap-south-1, ap-south-2, ap-southeast-1, ap-southeast-2, ap-southeast-3, ap-southeast-4, ap-southeast-5, ap-southeast-7, ca-central-1, ca-west-1, eu-central-1, eu-central-2, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-2, eu-west-3, il-central-1, me-central-1, me-south-1, mx-central-1, sa-east-1, us-east-1, us-east-2, us-west-1, us-west-2

    $ cost-sim replay trace.csv -s region.yaml --region eu-west-8
    error: there are no prices for the region `eu-west-8`
      hint: did you mean `eu-west-1`? The regions with prices are af-south-1, ap-east-1, ap-northeast-1, ap-northeast-2, ap-northeast-3, ap-south-1, ap-south-2, ap-southeast-1, ap-southeast-2, ap-southeast-3, ap-southeast-4, ap-southeast-5, ap-southeast-7, ca-central-1, ca-west-1, eu-central-1, eu-central-2, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-2, eu-west-3, il-central-1, me-central-1, me-south-1, mx-central-1, sa-east-1, us-east-1, us-east-2, us-west-1, us-west-2
    ");
    // The mistake is in a platform that is not asked for.
    assert_eq!(case.run(&["replay", "trace.csv", "-s", "type.yaml", "-p", "fargate"]).code, Some(0));
}

#[test]
fn scenario_files_that_cannot_be_read() {
    let latin = [SCENARIO.as_bytes(), b"# caf\xe9\n"].concat();
    let case =
        Case::new().file("latin.yaml", latin).file("typo.yaml", format!("{SCENARIO}regoin: us-east-1\n"));
    fs::create_dir(case.path("directory")).unwrap();
    let said: Vec<String> = ["missing.yaml", "directory", "latin.yaml", "typo.yaml"]
        .iter()
        .map(|name| case.refuse(&["replay", "trace.csv", "--scenario", name]))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim replay trace.csv --scenario missing.yaml
error: cannot read missing.yaml: No such file or directory (os error 2)
  hint: check the path

$ cost-sim replay trace.csv --scenario directory
error: cannot read directory: Is a directory (os error 21)
  hint: a directory has this name, where a file is needed; check the path

$ cost-sim replay trace.csv --scenario latin.yaml
error: latin.yaml:3: this is not UTF-8 text
  hint: save the file as UTF-8

$ cost-sim replay trace.csv --scenario typo.yaml
error: typo.yaml:3:1: unknown field
  3 | regoin
    | ^^^^^^
  hint: did you mean region?
");
}

#[test]
fn a_region_in_the_trace_without_prices() {
    let case = Case::new().file("trace.meta.json", r#"{"source_region": "us-gov-west-1"}"#);
    let said = case.refuse(&["replay", "trace.csv"]);
    assert!(said.contains("`us-gov-west-1`, which the trace names as its own"), "{said}");
    assert!(said.contains("hint: give --region"), "{said}");
}

#[test]
fn strict_refuses_what_is_assumed() {
    let case =
        Case::new().file("bare.csv", "task_id,submit_time,work_seconds\na,2026-01-05T00:00:00Z,60\n").file(
            "inferred.yaml",
            format!(
                "{SCENARIO}region: ap-southeast-7\nplatforms:\n  \
                 - {{name: jobs, kind: node-group, instanceTypes: [m6i.xlarge], scaling: {{desiredSize: 1}}}}\n"
            ),
        );
    let all = [
        &["trace.csv"][..],
        &["trace.csv", "-s", "inferred.yaml"],
        &["bare.csv", "--region", "us-east-1"],
        &["bare.csv", "--region", "us-east-1", "--cpu-request", "1"],
    ];
    let said: Vec<String> =
        all.iter().map(|args| case.refuse(&[&["replay", "--strict"], *args].concat())).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim replay --strict trace.csv
error: nobody says in which region this runs, and --strict refuses an assumed one
  hint: give --region, or `region` in the scenario

$ cost-sim replay --strict trace.csv -s inferred.yaml
error: prices of BoxUsage:m6i.xlarge are inferred, not observed, and --strict refuses them
  hint: give a snapshot that has them with --prices, or leave the platform out

$ cost-sim replay --strict bare.csv --region us-east-1
error: the trace lacks the CPU request of 1 pod and the memory request of 1 pod, and --strict refuses defaults that nobody chose
  hint: add cpu_request_milli and memory_request_mib to the trace, or give --cpu-request and --memory-request

$ cost-sim replay --strict bare.csv --region us-east-1 --cpu-request 1
error: the trace lacks the memory request of 1 pod, and --strict refuses defaults that nobody chose
  hint: add cpu_request_milli and memory_request_mib to the trace, or give --cpu-request and --memory-request
");
    // What the user chose is not assumed. Many Spot prices are inferred, so no platform here uses Spot.
    let chosen = ["replay", "--strict", "bare.csv", "--region", "us-east-1", "--cpu-request", "1"];
    let platform = ["--memory-request", "1Gi", "--platform", "fargate"];
    assert_eq!(case.run(&[&chosen[..], &platform].concat()).code, Some(0));
}

#[test]
fn prices_that_cannot_be_read() {
    let case = Case::new();
    fs::create_dir(case.path("empty")).unwrap();
    fs::create_dir(case.path("part")).unwrap();
    let pricing = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pricing");
    for name in cost_sim::catalog::FILES.into_iter().filter(|name| *name != "spot.csv") {
        fs::copy(pricing.join(name), case.path("part").join(name)).unwrap();
    }
    let said: Vec<String> = ["missing", "trace.csv", "part"]
        .iter()
        .map(|dir| case.refuse(&["replay", "trace.csv", "--prices", dir]))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim replay trace.csv --prices missing
error: cannot open the price directory missing: No such file or directory (os error 2)
  hint: check the path

$ cost-sim replay trace.csv --prices trace.csv
error: cannot open the price directory trace.csv: Not a directory (os error 20)
  hint: something in this path is a file, not a directory; check the path

$ cost-sim replay trace.csv --prices part
error: part/spot.csv: there is no such price file
  hint: a price directory has instance_types.csv, on_demand.csv, on_demand_inferred.csv, spot.csv, fargate.csv, misc_prices.csv
");
    let said = case.refuse(&["replay", "trace.csv", "--prices", "empty"]);
    assert_eq!(said.matches("there is no such price file").count(), 6);
    let fargate = case.read("part/fargate.csv");
    fs::copy(pricing.join("spot.csv"), case.path("part/spot.csv")).unwrap();
    let case = case.file("part/fargate.csv", fargate.replace("us-east-1,0.04048", "us-east-1,-0.04048"));
    insta::assert_snapshot!(case.refuse(&["replay", "trace.csv", "--prices", "part"]), @r"
$ cost-sim replay trace.csv --prices part
error: part/fargate.csv:18:11: vcpu_hour_usd is not a price
  18 | -0.04048
     | ^^^^^^^^
  hint: a price is USD such as 0.096, not negative, up to 100000
");
}

#[test]
fn a_report_that_cannot_be_written() {
    let case = Case::new();
    fs::create_dir_all(case.path("taken/report.json")).unwrap();
    let said: Vec<String> = ["trace.csv", "trace.csv/report", "taken"]
        .iter()
        .map(|out| case.refuse(&["replay", "trace.csv", "--out", out]))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
$ cost-sim replay trace.csv --out trace.csv
error: cannot create the directory trace.csv: File exists (os error 17)
  hint: a file of this name is in the way; choose another name or remove it

$ cost-sim replay trace.csv --out trace.csv/report
error: cannot create the directory trace.csv/report: Not a directory (os error 20)
  hint: something in this path is a file, not a directory; check the path

$ cost-sim replay trace.csv --out taken
error: cannot write taken/report.json: is a directory
  hint: a directory has this name, where a file is needed; check the path
");
}

#[test]
fn a_failed_run_leaves_the_last_report_as_it_was() {
    let case = Case::new().file(
        "inferred.yaml",
        format!("{SCENARIO}platforms:\n  - {{name: jobs, kind: node-group, scaling: holdPeak}}\n"),
    );
    case.replay(&["trace.csv"]);
    let before = files(case.dir.path());
    let case = case.file("trace.csv", format!("{TRACE}extract,r1,,2026-01-05T00:00:00Z,,,,,,\n"));
    case.refuse(&["replay", "trace.csv", "--out", "out"]);
    let case = case.file("trace.csv", TRACE);
    case.refuse(&["replay", "trace.csv", "--out", "out", "--platform", "nothing"]);
    case.refuse(&["replay", "trace.csv", "--out", "out", "--strict"]);
    // Found out only after the simulation.
    let region = ["--region", "ap-southeast-7", "--strict", "-s", "inferred.yaml"];
    let said = case.refuse(&[&["replay", "trace.csv", "--out", "out"], &region[..]].concat());
    assert!(said.contains("are inferred, not observed"), "{said}");
    assert!(files(case.dir.path()) == before);
}

#[test]
fn discounts_that_would_take_nothing_off() {
    let case = Case::new()
        .file("service.yaml", format!("{SCENARIO}discounts: {{fargte: 5%}}\n"))
        .file("all.yaml", format!("{SCENARIO}discounts: {{ec2: 100%, ebs: 0.1}}\n"))
        .file("family.yaml", format!("{SCENARIO}discounts:\n  families: {{m5: 3%, m6ii: 12%}}\n"))
        .file("type.yaml", format!("{SCENARIO}discounts: {{families: {{m6i.large: 12%}}}}\n"));
    let all = ["service.yaml", "all.yaml", "family.yaml", "type.yaml"];
    let said: Vec<String> =
        all.iter().map(|file| case.refuse(&["replay", "trace.csv", "--scenario", file])).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    $ cost-sim replay trace.csv --scenario service.yaml
    error: service.yaml:3:13: unknown field in discounts
      3 | fargte
        | ^^^^^^
      hint: did you mean fargate?

    $ cost-sim replay trace.csv --scenario all.yaml
    error: all.yaml:3:18: discounts.ec2 leaves nothing to pay
      3 | 100%
        | ^^^^
    error: all.yaml:3:29: discounts.ebs is not a percentage
      3 | 0.1
        | ^^^
      hint: write for example 5% or 0.5%

    $ cost-sim replay trace.csv --scenario family.yaml
    error: family.yaml:4:28: discounts.families.m6ii: there is no family of instance types of this name
      4 | 12%
        | ^^^
      hint: did you mean m6i?

    $ cost-sim replay trace.csv --scenario type.yaml
    error: type.yaml:3:24: discounts.families: m6i.large is not a family of instance types
      3 | m6i.large
        | ^^^^^^^^^
      hint: this is an instance type; its family is m6i
    "#);
}
