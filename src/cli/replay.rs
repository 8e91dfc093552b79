//! `cost-sim replay`: the main job, from files to a comparison.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::inputs::{ScenarioArgs, TraceArgs};
use super::printer::Printer;
use crate::aws_bill::{self, AwsBill, Scope};
use crate::error::{Error, Result};
use crate::platform::{self, Platform, Scenario};
use crate::replay::{PlatformRun, Setup, Study};
use crate::report::{self, BackTestSamples, PlatformRecords, Report, Sensitivity, plural};
use crate::units::Usd;

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    assumptions: ScenarioArgs,
    #[command(flatten)]
    bill: BillArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// A real bill to compare with.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Bill")]
struct BillArgs {
    /// Compare with a bill of AWS what the platform that the trace ran on is billed.
    ///
    /// Takes the answer of aws ce get-cost-and-usage, grouped by SERVICE and USAGE_TYPE, or a Cost and Usage Report as CSV
    /// (plain or with gzip) or Parquet. Several files, each with its own --bill, are one bill.
    #[arg(long, value_name = "FILE")]
    bill: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Directory for the report's files.
    #[arg(short, long, value_name = "DIR", default_value = "cost-sim-report")]
    out: PathBuf,
    /// What to print on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Simulate so many histories of each platform.
    ///
    /// Each has other luck with start-up times and the Spot market; means and 95 % intervals are reported. The table
    /// and everything else shows the first one.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replications: u32,
    /// Print the scenario that would run, as a file to edit and pass back, and stop.
    #[arg(long)]
    print_scenario: bool,
}

const EXAMPLES: &str = "Examples:
  cost-sim replay trace.csv
  cost-sim replay trace.csv --cpu-request 1 --memory-request 2Gi --region ap-northeast-1
  zcat month.csv.gz | cost-sim replay - --format json > report.json
  cost-sim replay trace.csv --print-scenario > scenario.yaml
  cost-sim replay trace.csv --platform karpenter --vary consolidateAfter=30s,10m
  cost-sim replay trace.csv --bill cost-explorer.json
  cost-sim replay --example wear";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
    Csv,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let study = args.assumptions.study(&args.trace, printer)?;
    let setup = study.setup();
    let resolved = study.resolve()?;
    let bill = &args.bill;
    let args = &args.output;
    if args.print_scenario {
        return printer.data(&resolved.to_yaml());
    }
    report::check_writable(&args.out)?;
    let today = setup.today(&resolved.platforms);
    let bill = read_bill(bill, &study, &today)?;
    let runs = simulate(&setup, &resolved.platforms, args.replications, printer);
    let mut report = study.report(&resolved, &runs)?;
    report.sensitivity = sensitivity(&study, &resolved, &runs, printer)?;
    let samples = check_against_today(&study, today, bill.as_ref(), &runs, &mut report)?;
    say(&report, printer);
    write(args, printer, &study, &runs, &report, samples.as_ref())?;
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
    printer.detail(|| format!("simulated {what}: {total}"));
    runs
}

/// The same with other start-up times, where costs rest on those that were subtracted.
fn sensitivity(
    study: &Study,
    resolved: &Scenario,
    runs: &[PlatformRun],
    printer: &Printer,
) -> Result<Option<Sensitivity>> {
    if !Study::needs_sensitivity(runs) {
        return Ok(None);
    }
    let total = 2 * resolved.platforms.len() as u64;
    let bar = printer.progress(total, "with other start-up times {bar:30} {pos}/{len} platforms");
    let found = study.sensitivity(resolved, runs, &|| bar.inc(1));
    bar.finish_and_clear();
    found
}

/// The bill that was asked for, read before the long run; whatever it is held against must be known.
fn read_bill(
    args: &BillArgs,
    study: &Study,
    today: &std::result::Result<Platform, String>,
) -> Result<Option<AwsBill>> {
    if args.bill.is_empty() {
        return Ok(None);
    }
    if let Err(why) = today {
        return Err(Error::usage(
            format!("there is nothing to hold the bill against: {why}"),
            "fill in the trace's column source_platform, or give --source-platform fargate if that is where it ran; \
             where it ran on EC2, describe the node group in a scenario",
        ));
    }
    let scope = Scope { window: study.workload.window, region: study.asked().settings.region.name.clone() };
    aws_bill::read(&args.bill, scope).map(Some)
}

/// Holds the platform that the trace ran on against what was recorded of it, and against the bill.
fn check_against_today(
    study: &Study,
    today: std::result::Result<Platform, String>,
    bill: Option<&AwsBill>,
    runs: &[PlatformRun],
    report: &mut Report,
) -> Result<Option<BackTestSamples>> {
    let setup = study.setup();
    let recorded = setup.recorded(runs);
    // Nothing is simulated that has nothing to be compared with.
    let is_needed = recorded.is_some() || bill.is_some();
    let today = today.map(|today| is_needed.then(|| setup.simulate_today(today, runs)));
    if let (Some(bill), Ok(Some(today))) = (bill, &today) {
        report.set_bill_comparison(setup.compare_bill(bill, today, recorded.as_ref())?);
    }
    match (today, recorded) {
        (Ok(Some(today)), Some(recorded)) => {
            let (test, samples) = setup.back_test(&today, &recorded);
            report.set_back_test(test, study.why_record_costs_more());
            return Ok(Some(samples));
        }
        (Err(why), _) => report.no_backtest = Some(why),
        (Ok(_), _) => report.no_backtest = Some("the trace does not have every pod's start".to_owned()),
    }
    Ok(None)
}

/// What each platform came to, for who asked for details.
fn say(report: &Report, printer: &Printer) {
    for platform in &report.platforms {
        printer.detail(|| {
            let nodes = &platform.capacity;
            let cost = platform.cost.as_ref().and_then(|cost| Usd::parse(&cost.total_usd));
            let cost = cost.map_or("no cost".to_owned(), |usd| format!("{} USD", usd.rounded(2)));
            let launched = plural(nodes.nodes_launched, "node");
            let incomplete = if platform.complete { "" } else { ", incomplete" };
            format!(
                "{}: {launched} launched, {} at once, {cost}{incomplete}",
                platform.name, nodes.nodes_peak
            )
        });
    }
}

fn write(
    args: &OutputArgs,
    printer: &Printer,
    study: &Study,
    runs: &[PlatformRun],
    report: &Report,
    samples: Option<&BackTestSamples>,
) -> Result<()> {
    let records: Vec<PlatformRecords> = runs
        .iter()
        .map(|run| PlatformRecords { name: &run.name, ledger: &run.ledger, bill: run.bill.as_ref().ok() })
        .collect();
    let files = report::write_all(
        &args.out,
        report,
        &records,
        samples,
        &study.trace,
        &study.workload,
        &study.catalog.zones,
    )?;
    let text = match args.format {
        Format::Table => report::table(report, printer.width(), printer.colored()),
        Format::Json => report::json(report),
        Format::Markdown => report::markdown(report),
        Format::Csv => report::summary_csv(report),
    };
    printer.data(&text)?;
    for file in &files {
        printer.detail(|| format!("wrote {}", file.display()));
    }
    printer.note(&format!("wrote {} files to {}", files.len(), args.out.display()));
    Ok(())
}
