//! What the program says of itself.

use super::{Case, files};

fn help(args: &[&str]) -> String {
    let run = Case::empty().run(args);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    run.stdout
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(help(&["--version"]), format!("cost-sim {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_of_the_program() {
    insta::assert_snapshot!(help(&["-h"]), @r"
What workflow pods would have cost, and how long they would have taken, on EKS Fargate and on EC2
nodes

Usage: cost-sim [OPTIONS] <COMMAND>

Commands:
  replay       Compare platforms on a trace
  check        Compare with a saved report, and fail when a limit is exceeded
  plan         Search for the cheapest platform that keeps limits
  rightsize    Recommend requests from measured usage, with what they save and what they risk
  diff         Say what is different between two reports, or why one trace costs more than another
  import       Make a trace of what Digdag, Datadog, Kubernetes and others export
  generate     Write a synthetic trace, or the JSON schema of an output
  pricing      Show price snapshots, what changed between them, and make them of AWS's own files
  help         Print this message or the help of the given subcommand(s)
  completions  Print a script that completes commands and flags in a shell
  man          Print the manual page, or write those of all commands

General options:
  -q, --quiet          Print nothing but the result and errors
  -v, --verbose        Say on stderr what is being done, and how long it took
  -j, --jobs <N>       Threads to use; all cores by default. Results do not depend on it
      --color <COLOR>  When to use colour [default: auto] [possible values: auto, always, never]
  -h, --help           Print help; --help says more, with examples
  -V, --version        Print the version

Exit codes:
  0  fine
  1  a limit is exceeded
  2  input, usage or IO error
");
}

#[test]
fn help_of_replay() {
    insta::assert_snapshot!(help(&["replay", "-h"]), @r"
Compare platforms on a trace

Usage: cost-sim replay [OPTIONS] [TRACE]...

Arguments:
  [TRACE]...  Trace files: cost-sim's own (CSV, Parquet), or exports of Digdag, Datadog, Kubernetes
              and others; directories of them; `-` for standard input. Several are one trace

Trace:
      --example <NAME>
          Use a trace that comes with the program instead: wear, flowbench, incident or small
      --timezone <ZONE>
          IANA zone of times without an offset, such as Asia/Tokyo
      --from <FORMAT>
          Format of the files, instead of what their content looks like
      --drop-gpu
          Leave out rows that ask for a GPU instead of refusing the trace
      --source-platform <fargate|ec2|spot|ecs|other>
          What the pods ran on, where the files do not say it
      --source-agent-wait <DURATION>
          How long a task waited for an agent before its pod was created, where the files do not say
          it [default: 0s]
      --source-start-up <DURATION>
          From the creation of a pod to its container running, where nobody measured it
      --source-detection-lag <DURATION>
          From the end of a container to the orchestrator noticing it [default: 6s]
      --pod-pattern <REGEX>
          Regular expression for names of pods that says which task they ran
      --columns <ROLE=COLUMN,…>
          What the columns of a Datadog table mean, such as
          time=Date,pod=pod_name,value=Value,unit=nanocore
      --metric <NAME>
          The metric of Datadog or Prometheus answers that do not name theirs

Platforms and assumptions:
  -s, --scenario <FILE>            Scenario file (YAML): platforms and assumptions
      --manifests <FILE>           Kubernetes and eksctl manifests (YAML or JSON), also as `kubectl
                                   get -o yaml` prints them
      --no-scenario                Use no scenario, even if there is a cost-sim.yaml
  -p, --platform <NAME>            Use only these platforms, of the scenario or built in
      --vary <FIELD=VALUE,…>       Take every platform that has this field once for each of these
                                   values
      --region <REGION>            AWS region, such as ap-northeast-1
      --prices <DIR>               Directory of another price snapshot, with the files of the
                                   embedded one
      --seed <SEED>                Seed of all random draws
      --replay <auto|closed|open>  Whether tasks wait for their predecessors in the simulation
                                   (closed) or start as recorded (open)
      --cpu-request <QUANTITY>     CPU request of pods for which the trace has none, such as 500m
      --memory-request <QUANTITY>  Memory request of pods for which the trace has none, such as 1Gi
      --image-size <QUANTITY>      Compressed image size where the trace has none, such as 350Mi
      --arch <amd64|arm64|any>     What the images of pods are built for, where the trace does not
                                   say
      --strict                     Refuse an assumed region, inferred prices and default requests

Bill:
      --bill <FILE>  Compare with a bill of AWS what the platform that the trace ran on is billed

Output:
  -o, --out <DIR>         Directory for the report's files [default: cost-sim-report]
      --format <FORMAT>   What to print on stdout [default: table] [possible values: table, json,
                          markdown, csv]
      --replications <N>  Simulate so many histories of each platform [default: 1]
      --print-scenario    Print the scenario that would run, as a file to edit and pass back, and
                          stop

General options:
  -q, --quiet          Print nothing but the result and errors
  -v, --verbose        Say on stderr what is being done, and how long it took
  -j, --jobs <N>       Threads to use; all cores by default. Results do not depend on it
      --color <COLOR>  When to use colour [default: auto] [possible values: auto, always, never]
  -h, --help           Print help; --help says more, with examples
");
}

#[test]
fn help_of_generate() {
    insta::assert_snapshot!(help(&["generate", "-h"]), @r"
    Write a synthetic trace, or the JSON schema of an output

    Usage: cost-sim generate [OPTIONS] <COMMAND>

    Commands:
      day       One day of pods: steady arrivals and bursts at the top of the hour. Synthetic
      wear      A week of batch workflows as seen on EKS Fargate. Synthetic
      incident  A week of nightly jobs, some of them long, that consolidation disturbs. Synthetic
      schema    The JSON schema of what a command writes
      help      Print this message or the help of the given subcommand(s)

    General options:
      -q, --quiet          Print nothing but the result and errors
      -v, --verbose        Say on stderr what is being done, and how long it took
      -j, --jobs <N>       Threads to use; all cores by default. Results do not depend on it
          --color <COLOR>  When to use colour [default: auto] [possible values: auto, always, never]
      -h, --help           Print help; --help says more, with examples
    ");
    insta::assert_snapshot!(help(&["generate", "day", "-h"]), @r"
One day of pods: steady arrivals and bursts at the top of the hour. Synthetic

Usage: cost-sim generate day [OPTIONS] --pods <PODS>

Options:
      --pods <PODS>  How many pods
      --seed <SEED>  Seed; the same seed gives the same bytes [default: 42]
      --dag          Group the pods into workflows with dependencies
      --out <OUT>    File to write; `-` writes CSV to stdout [default: -]

General options:
  -q, --quiet          Print nothing but the result and errors
  -v, --verbose        Say on stderr what is being done, and how long it took
  -j, --jobs <N>       Threads to use; all cores by default. Results do not depend on it
      --color <COLOR>  When to use colour [default: auto] [possible values: auto, always, never]
  -h, --help           Print help; --help says more, with examples
");
    insta::assert_snapshot!(help(&["generate", "wear", "-h"]), @r"
A week of batch workflows as seen on EKS Fargate. Synthetic

Usage: cost-sim generate wear [OPTIONS]

Options:
      --days <DAYS>          How many days [default: 7]
      --scale <SCALE>        Multiplies the number of workflows [default: 0.5]
      --seed <SEED>          Seed; the same seed gives the same bytes [default: 42]
      --requests <REQUESTS>  What the pods ask for: sizes that somebody once chose, or what their
                             use justifies [default: as-is] [possible values: as-is, right-sized]
      --out <OUT>            File to write; `-` writes CSV to stdout [default: -]

General options:
  -q, --quiet          Print nothing but the result and errors
  -v, --verbose        Say on stderr what is being done, and how long it took
  -j, --jobs <N>       Threads to use; all cores by default. Results do not depend on it
      --color <COLOR>  When to use colour [default: auto] [possible values: auto, always, never]
  -h, --help           Print help; --help says more, with examples
");
}

#[test]
fn without_a_command_the_help_is_an_error() {
    for args in [&[][..], &["generate"]] {
        let run = Case::empty().run(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        assert_eq!(run.stderr, help(&[args, &["-h"]].concat()));
    }
}

#[test]
fn the_schema_is_the_documented_one() {
    let documented = std::fs::read_to_string("docs/report.schema.json").unwrap();
    assert_eq!(help(&["generate", "schema"]), documented);
}

#[test]
fn the_long_help_has_more_and_examples() {
    let (short, long) = (help(&["replay", "-h"]), help(&["replay", "--help"]));
    for more in
        ["\nExamples:\n  cost-sim replay trace.csv\n", "report.html", "Built in are recorded, fargate"]
    {
        assert!(long.contains(more) && !short.contains(more), "{more}");
    }
    assert_eq!(help(&["help", "replay"]), long);
    let program = help(&["--help"]);
    assert!(program.contains("\nExamples:\n") && program.contains("\nExit codes:\n  0  fine\n"), "{program}");
}

#[test]
fn completions_for_every_shell() {
    for (shell, begin) in [
        ("bash", "_cost__sim() {"),
        ("zsh", "#compdef cost-sim"),
        ("fish", "complete -c cost-sim"),
        ("elvish", "edit:completion:arg-completer[cost-sim]"),
        ("powershell", "Register-ArgumentCompleter -Native -CommandName 'cost-sim'"),
    ] {
        let script = help(&["completions", shell]);
        for part in [begin, "replay", "print-scenario"] {
            assert!(script.contains(part), "{shell}: no {part}");
        }
        assert_eq!(help(&["completions", shell]), script);
    }
    let run = Case::empty().run(&["completions", "tcsh"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
}

#[test]
fn a_manual_page_per_command() {
    let case = Case::empty();
    let run = case.run(&["man", "--out", "share/man1"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run}");
    let pages = files(&case.path("share/man1"));
    for name in ["cost-sim", "cost-sim-replay", "cost-sim-generate-wear", "cost-sim-man"] {
        let page = String::from_utf8(pages[&format!("{name}.1")].clone()).unwrap();
        let sections =
            [".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH EXAMPLES\n", ".SH \"EXIT STATUS\"\n"];
        let mut rest = page.as_str();
        for section in sections {
            let at =
                rest.find(section).unwrap_or_else(|| panic!("{name} lacks {section}, or has it elsewhere"));
            rest = &rest[at..];
        }
        assert!(page.contains(&format!(".TH {} 1 ", name.to_uppercase())), "{name}");
    }
    assert!(!pages.keys().any(|name| name.contains("help")), "help has no page: {:?}", pages.keys());
    assert_eq!(help(&["man"]).as_bytes(), pages["cost-sim.1"]);
    case.run(&["man", "--out", "again"]);
    assert!(files(&case.path("again")) == pages, "the same bytes each time");

    let case = case.file("taken", "");
    case.refuse(&["man", "--out", "taken"]);
}
