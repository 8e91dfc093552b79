//! `cost-sim replay`: the main job, from files to a comparison.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use super::printer::Printer;
use crate::catalog::Snapshot;
use crate::error::{Error, Result};
use crate::examples::Example;
use crate::platform::{self, Overrides, PodArch, Replay, Scenario, Words as _};
use crate::replay::{PlatformRun, Setup, Study};
use crate::report::{self, PlatformRecords, Report};
use crate::trace::{self, ReadOptions};
use crate::units::{Cpu, Memory, parse_cpu, parse_memory};

#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Trace files: CSV, CSV with gzip, or Parquet; `-` for standard input. Several are one trace.
    #[arg(required_unless_present = "example", value_name = "TRACE")]
    traces: Vec<PathBuf>,
    /// Replay a trace that comes with the program instead: wear, flowbench or small.
    #[arg(long, value_name = "NAME", conflicts_with = "traces", value_parser = example)]
    example: Option<&'static Example>,
    /// Scenario file (YAML): platforms and assumptions.
    #[arg(short, long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Compare only these platforms, of the scenario or built in: recorded, fargate, node-group, node-group-spot,
    /// karpenter, karpenter-spot, karpenter-graviton, karpenter-consolidate.
    #[arg(short, long = "platform", value_name = "NAME")]
    platforms: Vec<String>,
    /// AWS region, such as ap-northeast-1.
    #[arg(long)]
    region: Option<String>,
    /// Directory of another price snapshot, with the files of the embedded one.
    #[arg(long, value_name = "DIR")]
    prices: Option<PathBuf>,
    /// Directory for the report's files.
    #[arg(short, long, value_name = "DIR", default_value = "cost-sim-report")]
    out: PathBuf,
    /// What to print on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Seed of all random draws.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Simulate so many histories of each platform, with other luck, and report means and 95 % intervals. The table
    /// and everything else shows the first one.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replications: u32,
    /// Whether tasks wait for their predecessors in the simulation (closed) or start as recorded (open).
    #[arg(long, value_name = "auto|closed|open", value_parser = replay_mode)]
    replay: Option<Replay>,
    /// CPU request of pods for which the trace has none, such as 500m.
    #[arg(long, value_name = "QUANTITY", value_parser = cpu, allow_negative_numbers = true)]
    cpu_request: Option<Cpu>,
    /// Memory request of pods for which the trace has none, such as 1Gi.
    #[arg(long, value_name = "QUANTITY", value_parser = memory, allow_negative_numbers = true)]
    memory_request: Option<Memory>,
    /// Compressed image size where the trace has none, such as 350Mi.
    #[arg(long, value_name = "QUANTITY", value_parser = memory, allow_negative_numbers = true)]
    image_size: Option<Memory>,
    /// What the images of pods are built for, where the trace does not say.
    #[arg(long, value_name = "amd64|arm64|any", value_parser = arch)]
    arch: Option<PodArch>,
    /// IANA zone of times without an offset, such as Asia/Tokyo.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Leave out rows that ask for a GPU instead of refusing the trace.
    #[arg(long)]
    drop_gpu: bool,
    /// Refuse an assumed region, inferred prices and default requests.
    #[arg(long)]
    strict: bool,
    /// Print the scenario that would run, as a file to edit and pass back, and stop.
    #[arg(long)]
    print_scenario: bool,
    /// Threads to use; all cores by default. Results do not depend on it.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

const EXAMPLES: &str = "Examples:
  cost-sim replay trace.csv
  cost-sim replay trace.csv --cpu-request 1 --memory-request 2Gi --region ap-northeast-1
  zcat month.csv.gz | cost-sim replay - --format json > report.json
  cost-sim replay trace.csv --print-scenario > scenario.yaml
  cost-sim replay --example wear

The files of the report are written to --out: report.html, report.md, report.json, summary.csv,
pods.parquet, nodes.parquet, and charts as SVG and PNG in charts/.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
    Csv,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    if let Some(jobs) = args.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs));
        // Only fails when a pool exists already, which then stays.
        let _ = pool.build_global();
    }
    // What is wrong is said before the long run, not after it.
    let scenario = scenario(args)?;
    let snapshot = snapshot(args.prices.as_deref())?;
    let trace = read_trace(args, printer)?;
    let study = Study::new(scenario, snapshot, trace, args.strict)?;
    let setup = study.setup();
    let resolved = study.resolve()?;
    if args.print_scenario {
        return printer.data(&resolved.to_yaml());
    }
    report::check_writable(&args.out)?;
    let runs = simulate(&setup, &resolved.platforms, args.replications, printer);
    let report = study.report(&resolved, &runs)?;
    write(args, printer, &study, &runs, &report)?;
    enforce(&resolved, &report)
}

/// The limits that one run can exceed by itself; those on increases need a report to compare with.
fn enforce(scenario: &Scenario, report: &Report) -> Result<()> {
    let Some(most) = scenario.limits.max_unschedulable else { return Ok(()) };
    let exceeding = report.platforms.iter().filter(|platform| platform.pods.unschedulable > most);
    let exceeding: Vec<String> =
        exceeding.map(|p| format!("{} pods are unschedulable on {}", p.pods.unschedulable, p.name)).collect();
    if exceeding.is_empty() {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!("limits.maxUnschedulable is {most}: {}", exceeding.join(", "))))
}

fn scenario(args: &Args) -> Result<Scenario> {
    read_scenario(args.scenario.as_deref())?.apply(&Overrides {
        region: args.region.clone(),
        cpu_request: args.cpu_request,
        memory_request: args.memory_request,
        image_size: args.image_size,
        arch: args.arch,
        seed: args.seed,
        replay: args.replay,
        platforms: args.platforms.clone(),
    })
}

/// The scenario in a file, or what holds without one.
pub(super) fn read_scenario(path: Option<&Path>) -> Result<Scenario> {
    let Some(path) = path else { return Ok(Scenario::default()) };
    #[expect(clippy::disallowed_methods, reason = "the user named this file")]
    let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
    platform::read(path, &utf8(path, bytes)?)
}

pub(super) fn snapshot(prices: Option<&Path>) -> Result<Snapshot> {
    let Some(dir) = prices else { return Ok(Snapshot::embedded()) };
    // One message about the directory instead of one about each file that is not in it.
    dir.read_dir().map_err(|error| Error::io("open the price directory", dir, error))?;
    Snapshot::load(dir)
}

fn cpu(text: &str) -> std::result::Result<Cpu, String> {
    parse_cpu(text).map_err(|error| format!("{error}; write for example 500m or 2"))
}

fn memory(text: &str) -> std::result::Result<Memory, String> {
    parse_memory(text).map_err(|error| format!("{error}; write for example 512Mi or 2Gi"))
}

fn replay_mode(text: &str) -> std::result::Result<Replay, String> {
    Replay::of_word(text).ok_or_else(|| "use auto, closed or open".to_owned())
}

fn arch(text: &str) -> std::result::Result<PodArch, String> {
    PodArch::of_word(text).ok_or_else(|| "use amd64, arm64 or any".to_owned())
}

fn example(name: &str) -> std::result::Result<&'static Example, String> {
    Example::of_name(name).ok_or_else(|| {
        let lines = Example::ALL.iter().map(|example| format!("\n  {:<10} {}", example.name, example.about));
        format!("the examples are:{}", lines.collect::<String>())
    })
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|b| *b == b'\n').count() as u64;
        crate::error::Diagnostic::new(path.display().to_string(), "this is not UTF-8 text")
            .line(line)
            .hint("save the file as UTF-8")
            .into()
    })
}

fn read_trace(args: &Args, printer: &Printer) -> Result<(trace::Trace, Vec<String>)> {
    let timezone = args.timezone.as_deref().map(timezone).transpose()?;
    let options = ReadOptions { timezone, drop_gpu: args.drop_gpu };
    if let Some(example) = args.example {
        return trace::read_embedded(&example.trace, &options);
    }
    let bytes = args.traces.iter().filter_map(|path| path.metadata().ok()).map(|m| m.len()).sum();
    let bar = printer.progress(bytes, "reading    {bar:30} {bytes}/{total_bytes}");
    let read = trace::read(&args.traces, &options, &mut |read| bar.inc(read));
    bar.finish_and_clear();
    read
}

fn timezone(name: &str) -> Result<chrono_tz::Tz> {
    name.parse().map_err(|_| {
        let distance = |zone: &&str| strsim::damerau_levenshtein(&zone.to_lowercase(), &name.to_lowercase());
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let nearest = names.min_by_key(distance).filter(|zone| distance(zone) <= 1 + name.len() / 4);
        let hint = match nearest {
            Some(zone) => format!("did you mean {zone}?"),
            None => "write the zone's IANA name, such as Asia/Tokyo".to_owned(),
        };
        Error::usage(format!("unknown time zone {name:?}"), hint)
    })
}

fn simulate(
    setup: &Setup,
    platforms: &[platform::Platform],
    histories: u32,
    printer: &Printer,
) -> Vec<PlatformRun> {
    let what = if histories > 1 { "histories" } else { "platforms" };
    let total = platforms.len() as u64 * u64::from(histories);
    let bar = printer.progress(total, &format!("simulating {{bar:30}} {{pos}}/{{len}} {what}"));
    bar.tick();
    let runs = setup.run(platforms, histories, &|| bar.inc(1));
    bar.finish_and_clear();
    runs
}

fn write(args: &Args, printer: &Printer, study: &Study, runs: &[PlatformRun], report: &Report) -> Result<()> {
    let records: Vec<PlatformRecords> = runs
        .iter()
        .map(|run| PlatformRecords { name: &run.name, ledger: &run.ledger, bill: run.bill.as_ref().ok() })
        .collect();
    let files =
        report::write_all(&args.out, report, &records, &study.trace, &study.workload, &study.catalog.zones)?;
    let text = match args.format {
        Format::Table => report::table(report, printer.width(), printer.colored()),
        Format::Json => report::json(report),
        Format::Markdown => report::markdown(report),
        Format::Csv => report::summary_csv(report),
    };
    printer.data(&text)?;
    printer.note(&format!("wrote {} files to {}", files.len(), args.out.display()));
    Ok(())
}
