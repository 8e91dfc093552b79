//! What a run prints and writes: formats, widths, colour, and who gets which stream.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use super::{Case, Run, files};

const FILES: [&str; 18] = [
    "charts/backtest.png",
    "charts/backtest.svg",
    "charts/cost-by-item.png",
    "charts/cost-by-item.svg",
    "charts/cost-vs-latency.png",
    "charts/cost-vs-latency.svg",
    "charts/cumulative-cost.png",
    "charts/cumulative-cost.svg",
    "charts/nodes-and-pending.png",
    "charts/nodes-and-pending.svg",
    "charts/start-delay.png",
    "charts/start-delay.svg",
    "nodes.parquet",
    "pods.parquet",
    "report.html",
    "report.json",
    "report.md",
    "summary.csv",
];

#[test]
fn the_comparison_at_80_columns() {
    insta::assert_snapshot!(Case::new().columns(80).run(&["replay", "trace.csv"]), @r"
    exit code 0
    --- stdout
    The region us-east-1 is assumed: give yours with --region.
    3 pods in 2 workflow runs, 2026-01-05 00:00 to 2026-01-05 00:31 UTC (31m40s)
    prices of 2025-06-28 to 2026-10, 2 of them inferred

                              cost     vs       start     makespan  peak   CPU
    platform          cost  /month  today   p50   p99   p50    p99 nodes  fill
    fargate        $0.0656  $89.70  today 1m02s 1m10s 2m08s 17m07s     1  99 %
    node-group     $0.1162 $157.55  +77 %   57s 1m18s 2m24s 16m09s     1  16 %
    karpenter      $0.1306 $179.60  +99 %   54s   55s 1m56s 17m02s     2  40 %
    karpenter-spot $0.1170 $159.90  +78 % 1m02s 1m16s 2m08s 17m17s     2  40 %
    recorded       $0.0648  $89.66 -1.2 %   50s   54s 1m40s 16m44s     1 100 %
    karpenter pays $0.0524 (40 %) for the machines of its controllers
    karpenter-spot pays $0.0527 (45 %) for the machines of its controllers
    back-test of fargate: start delay p50 1m02s (recorded 50s, +24 %), p99 1m10s
      (54s, +31 %)
    back-test of fargate: makespan p50 2m08s (recorded 1m40s, +28 %), p99 17m07s
      (16m44s, +2.3 %)
    back-test of fargate: cost $0.0656 (recorded $0.0648, +1.2 %)

    fargate (today) costs least ($0.0656): node-group would cost 77 % more
    ($0.1162), with a 6 % shorter p99 makespan
    warning: the trace covers 31m40s: a monthly cost repeats that for a whole month
    warning: prices inferred, not observed: SpotUsage:c7i-flex.large,
      SpotUsage:m3.medium
    --- stderr
    wrote 18 files to cost-sim-report
    ");
}

#[test]
fn the_comparison_at_120_columns() {
    insta::assert_snapshot!(Case::new().columns(120).run(&["replay", "trace.csv"]), @r"
    exit code 0
    --- stdout
    The region us-east-1 is assumed: give yours with --region.
    3 pods in 2 workflow runs, 2026-01-05 00:00 to 2026-01-05 00:31 UTC (31m40s)
    prices of 2025-06-28 to 2026-10, 2 of them inferred

                                cost      vs   start delay       makespan   tasks   peak    CPU
    platform           cost  a month   today    p50    p99    p50     p99  killed  nodes   fill
    fargate         $0.0656   $89.70   today  1m02s  1m10s  2m08s  17m07s       0      1   99 %
    node-group      $0.1162  $157.55   +77 %    57s  1m18s  2m24s  16m09s       0      1   16 %
    karpenter       $0.1306  $179.60   +99 %    54s    55s  1m56s  17m02s       0      2   40 %
    karpenter-spot  $0.1170  $159.90   +78 %  1m02s  1m16s  2m08s  17m17s       0      2   40 %
    recorded        $0.0648   $89.66  -1.2 %    50s    54s  1m40s  16m44s       0      1  100 %
    karpenter pays $0.0524 (40 %) for the machines of its controllers
    karpenter-spot pays $0.0527 (45 %) for the machines of its controllers
    back-test of fargate: start delay p50 1m02s (recorded 50s, +24 %), p99 1m10s (54s, +31 %)
    back-test of fargate: makespan p50 2m08s (recorded 1m40s, +28 %), p99 17m07s (16m44s, +2.3 %)
    back-test of fargate: cost $0.0656 (recorded $0.0648, +1.2 %)

    fargate (today) costs least ($0.0656): node-group would cost 77 % more ($0.1162), with a 6 % shorter p99 makespan
    warning: the trace covers 31m40s: a monthly cost repeats that for a whole month
    warning: prices inferred, not observed: SpotUsage:c7i-flex.large, SpotUsage:m3.medium
    --- stderr
    wrote 18 files to cost-sim-report
    ");
}

#[test]
fn what_is_assumed_is_said() {
    let trace = "task_id,submit_time,work_seconds\na,2026-01-05T00:00:00Z,60\nb,2026-01-05T00:10:00Z,60\n";
    let case = Case::empty().file("trace.csv", trace);
    insta::assert_snapshot!(case.run(&["replay", "trace.csv", "--platform", "fargate"]), @r"
    exit code 0
    --- stdout
    The region us-east-1 is assumed: give yours with --region.
    2 pods, 2026-01-05 00:00 to 2026-01-05 00:10 UTC (10m00s)
    prices of 2026 to 2026-10

                          cost     vs  start delay      makespan   tasks   peak   CPU
    platform     cost  a month  first     p50  p99    p50    p99  killed  nodes  fill
    fargate   $0.0210   $77.87  first     47s  51s  1m53s  1m57s       0      1  93 %
    no back-test: the trace does not say where it ran

    fargate costs $0.0210
    warning: requests of 2 pods are not in the trace: 500m CPU and 1Gi of memory are assumed, and decide
      the result
    warning: the trace does not say where it ran: no platform is marked as today's
    warning: the trace covers 10m00s: a monthly cost repeats that for a whole month
    --- stderr
    wrote 18 files to cost-sim-report
    ");
}

#[test]
fn each_format_prints_what_the_report_has_as_a_file() {
    let case = Case::new();
    for (format, file) in [("json", "report.json"), ("markdown", "report.md"), ("csv", "summary.csv")] {
        let run = case.run(&["replay", "trace.csv", "--format", format]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), "wrote 18 files to cost-sim-report\n"));
        assert_eq!(run.stdout, case.read(&format!("cost-sim-report/{file}")), "{format}");
    }
    let report = cost_sim::report::parse("report.json", &case.read("cost-sim-report/report.json")).unwrap();
    assert_eq!(cost_sim::report::json(&report), case.read("cost-sim-report/report.json"));
    let markdown = case.read("cost-sim-report/report.md");
    let top: Vec<&str> = markdown.lines().take(9).collect();
    insta::assert_snapshot!(top.join("\n"), @r"
    <!-- cost-sim -->
    **fargate (today) costs least ($0.0656): node-group would cost 77 % more ($0.1162), with a 6 % shorter p99 makespan**

    The region `us-east-1` is assumed. 3 pods in 2 workflow runs, 2026-01-05 00:00 to 2026-01-05 00:31 UTC, us-east-1.

    | platform | cost | cost a month | change | start delay p50 / p99 | makespan p50 / p99 | tasks killed | peak nodes | CPU fill |
    |---|---:|---:|---:|---:|---:|---:|---:|---:|
    | `fargate` (today) | $0.0656 | $89.70 | – | 1m02s / 1m10s | 2m08s / 17m07s | 0 | 1 | 99 % |
    | `node-group` | $0.1162 | $157.55 | +77 % | 57s / 1m18s | 2m24s / 16m09s | 0 | 1 | 16 % |
    ");
    let csv = case.read("cost-sim-report/summary.csv");
    let first: Vec<String> =
        csv.lines().map(|line| line.split(',').take(6).collect::<Vec<_>>().join(",")).collect();
    insta::assert_snapshot!(first.join("\n"), @r"
    platform,kind,today,complete,total_usd,usd_per_month
    fargate,fargate,true,true,0.065610761111111,89.701945791280672
    node-group,node-group,false,true,0.116203648611111,157.546304886938418
    karpenter,karpenter,false,true,0.130577825308641,179.603309722365538
    karpenter-spot,karpenter,false,true,0.116984004444445,159.90066017009879
    recorded,recorded,false,true,0.064823486111111,89.661116578947215
    ");
}

#[test]
fn all_files_of_the_report_and_no_others_are_written() {
    let case = Case::new();
    case.replay(&["trace.csv"]);
    let written = files(&case.path("out"));
    let names: Vec<&str> =
        written.keys().map(String::as_str).filter(|name| !name.ends_with('/') && !name.is_empty()).collect();
    assert_eq!(names, FILES);
}

#[test]
fn quiet_leaves_the_result_alone() {
    let case = Case::new();
    let loud = case.run(&["replay", "trace.csv"]);
    for quiet in [["replay", "trace.csv", "--quiet"], ["-q", "replay", "trace.csv"]] {
        let run = case.run(&quiet);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        assert_eq!(run.stdout, loud.stdout);
    }
    let run = case.run(&["replay", "trace.csv", "-q", "--region", "nowhere-1"]);
    assert!(run.stderr.starts_with("error: "), "errors are said all the same: {run}");
}

#[test]
fn verbose_says_more_on_stderr_and_changes_nothing_else() {
    let case = Case::new();
    let plain = case.run(&["replay", "trace.csv", "--format", "json", "--out", "plain"]);
    let verbose = case.run(&["replay", "trace.csv", "--format", "json", "--out", "verbose", "-v"]);
    assert_eq!((plain.code, verbose.code), (Some(0), Some(0)), "{verbose}");
    assert_eq!(verbose.stdout, plain.stdout);
    assert!(files(&case.path("verbose")) == files(&case.path("plain")));

    // What was read, whose word the region is, what each platform came to, and every file.
    let report = case.json("plain/report.json");
    let of = |pointer: &str| report.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let mut expected = vec![
        format!("read trace.csv: 3 rows, sha256 {}", of("/inputs/traces/0/sha256")),
        "to replay: 3 pods, closed".to_owned(),
        "region us-east-1, assumed".to_owned(),
        format!("prices: embedded, sha256 {}", of("/inputs/prices/sha256")),
        "simulated platforms: 5".to_owned(),
        "fargate: 3 nodes launched, 1 at once, 0.07 USD".to_owned(),
        "recorded: 3 nodes launched, 1 at once, 0.06 USD".to_owned(),
    ];
    expected.extend(FILES.iter().map(|file| format!("wrote verbose/{file}")));
    for line in expected {
        let said = verbose.stderr.lines().any(|said| said.starts_with('[') && said.ends_with(&line));
        assert!(said, "{line} is not said: {verbose}");
    }

    let both = case.run(&["replay", "trace.csv", "--verbose", "--quiet"]);
    assert_eq!(both.code, Some(2), "one or the other: {both}");
}

#[test]
fn general_options_stand_before_or_after_the_command() {
    let case = Case::new();
    let replay = ["replay", "trace.csv", "--platform", "fargate"];
    let plain = case.run(&replay);
    assert_eq!(plain.code, Some(0), "{plain}");
    for options in [&["--jobs", "1"][..], &["-j2"], &["-v"], &["-q"], &["--color", "never"]] {
        let before = case.run(&[options, &replay].concat());
        let after = case.run(&[&replay, options].concat());
        assert_eq!((before.code, after.code), (Some(0), Some(0)), "{before}{after}");
        assert_eq!((&before.stdout, &after.stdout), (&plain.stdout, &plain.stdout));
    }
}

#[test]
fn colour_and_bars_are_for_terminals() {
    let case = Case::new();
    let plain = case.run(&["replay", "trace.csv"]);
    // Also with what makes a terminal look capable.
    let mut command = case.command(&["replay", "trace.csv"]);
    let capable = Run::of(command.env("TERM", "xterm-256color").env("CLICOLOR", "1"));
    for run in [&plain, &capable] {
        assert!(!run.stdout.contains('\u{1b}'), "{run}");
        assert_eq!(run.stderr, "wrote 18 files to cost-sim-report\n");
    }
    let coloured = case.run(&["replay", "trace.csv", "--color", "always"]);
    assert!(coloured.stdout.contains('\u{1b}'));
    let mut bare = String::new();
    let mut escaped = false;
    for c in coloured.stdout.chars() {
        match c {
            '\u{1b}' => escaped = true,
            'm' if escaped => escaped = false,
            c if !escaped => bare.push(c),
            _ => {}
        }
    }
    assert_eq!(bare, plain.stdout, "colour only repeats what the text says");
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let case = Case::empty();
    let run = case.run(&["generate", "day", "--pods", "400", "--dag", "--out", "day.csv"]);
    assert_eq!(run.code, Some(0), "{run}");
    let mut results = Vec::new();
    for jobs in ["1", "2", "8"] {
        let run = case.run(&["replay", "day.csv", "--jobs", jobs, "--out", jobs]);
        assert_eq!(run.code, Some(0), "{run}");
        let written = files(&case.path(jobs));
        assert_eq!(written.len(), FILES.len() + 2, "with two directories");
        results.push((run.stdout, written));
    }
    assert!(results[0] == results[1] && results[0] == results[2]);
}

#[test]
fn a_generated_day_is_the_same_on_stdout_and_in_a_file() {
    let case = Case::empty();
    let day = ["generate", "day", "--pods", "20", "--seed", "7"];
    let printed = case.run(&day);
    let written = case.run(&[&day[..], &["--out", "day.csv"]].concat());
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""));
    assert_eq!(written.stderr, "wrote day.csv and day.meta.json\n");
    assert_eq!(printed.stdout, case.read("day.csv"));
    assert_eq!(case.json("day.meta.json")["synthetic"], true);
    let other = case.run(&["generate", "day", "--pods", "20", "--seed", "8"]);
    assert_ne!(other.stdout, printed.stdout);
    let run = case.run(&["replay", "day.csv"]);
    assert!(run.stdout.starts_with("SYNTHETIC trace: invented data"), "{run}");
}

/// As with `| head -1`: not an error of ours.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let case = Case::new();
    let long = ["generate", "day", "--pods", "50000"];
    let replay = ["replay", "trace.csv", "--format", "json"];
    for (args, lines) in [(&long[..], 1), (&replay, 0), (&["--help"], 0), (&["generate", "schema"], 0)] {
        let mut command = case.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut read = vec![0; 10 * lines];
        stdout.read_exact(&mut read).unwrap();
        drop(stdout);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}: {stderr}");
        assert_eq!(stderr, "", "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    let case = Case::new();
    let full = || File::create("/dev/full").unwrap();
    for args in [
        &["replay", "trace.csv", "--format", "json"][..],
        &["generate", "day", "--pods", "5"],
        &["generate", "schema"],
    ] {
        let run = Run::of(case.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()));
        assert_eq!(run.code, Some(0), "{run}");
        let output = case.command(args).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert_eq!(
            stderr,
            "error: cannot write stdout: No space left on device (os error 28)\n  \
             hint: make room, or choose another place\n"
        );
    }
    insta::assert_snapshot!(case.refuse(&["generate", "day", "--pods", "5", "--out", "/dev/full"]), @r"
$ cost-sim generate day --pods 5 --out /dev/full
error: cannot write /dev/full: No space left on device (os error 28)
  hint: make room, or choose another place
");
    let meta = std::path::Path::new("/dev/full.meta.json");
    assert!(!meta.exists(), "nothing is written beside a device");
}
