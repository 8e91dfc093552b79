//! `cost-sim replay`: the main job, from files to a comparison.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::inputs::{ScenarioArgs, TraceArgs};
use super::printer::Printer;
use crate::error::{Error, Result};
use crate::platform::{self, Scenario};
use crate::replay::{PlatformRun, Setup, Study};
use crate::report::{self, PlatformRecords, Report};

#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    assumptions: ScenarioArgs,
    /// Directory for the report's files.
    #[arg(short, long, value_name = "DIR", default_value = "cost-sim-report")]
    out: PathBuf,
    /// What to print on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Simulate so many histories of each platform, with other luck, and report means and 95 % intervals. The table
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
    let study = args.assumptions.study(&args.trace, printer)?;
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
