//! `cost-sim plan`: the cheapest platform that keeps limits, out of many.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args as ClapArgs, ValueEnum};

use super::inputs::{LimitArgs, ScenarioArgs, TraceArgs, read_text};
use super::printer::Printer;
use crate::catalog::{Arch, CapacityType};
use crate::error::{Error, Result};
use crate::plan::{self, Budget, Input, Narrowing, Outcome, Request, RightSize, output};
use crate::replay::Study;
use crate::rightsize::Rule;
use crate::trace::{Factor, Growth, Trace};
use crate::units::parse_duration;

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    assumptions: ScenarioArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    search: SearchArgs,
    /// Directory for the plan's files.
    #[arg(short, long, help_heading = "Output", value_name = "DIR", default_value = "cost-sim-plan")]
    out: PathBuf,
    /// What to print on stdout.
    #[arg(long, help_heading = "Output", value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// What is searched, and how long.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Search")]
struct SearchArgs {
    /// Kinds of platforms to search. Built-in platforms that the search is narrowed away from are still compared with,
    /// but recommended only if -p or the scenario names them.
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = ["fargate", "node-group", "karpenter"])]
    kinds: Vec<String>,
    /// Instance families to search, such as m6i,c7a; otherwise the current ones of c, m and r.
    #[arg(long, value_name = "FAMILIES", value_delimiter = ',')]
    families: Vec<String>,
    /// Architectures to search: amd64, arm64; otherwise those that the images of all pods allow.
    #[arg(long = "archs", value_name = "ARCHS", value_delimiter = ',', value_parser = arch)]
    archs: Vec<Arch>,
    /// Capacity types to search: on-demand, spot.
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = capacity_type)]
    capacity_types: Vec<CapacityType>,
    /// Requests to search with, where the trace knows usage: the trace's own (no), right-sized ones (only) or both.
    #[arg(long, value_name = "no|only|both", value_enum, default_value_t = RightSizeArg::Both)]
    right_size: RightSizeArg,
    /// Percentile over the pods of a task of the CPU that each used.
    #[arg(long, allow_negative_numbers = true, value_name = "PERCENTILE", default_value_t = Rule::default().cpu_percentile,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    cpu_percentile: u32,
    /// Headroom on top of it, in percent.
    #[arg(long, allow_negative_numbers = true, value_name = "PERCENT", default_value_t = Rule::default().cpu_headroom,
        value_parser = clap::value_parser!(u32).range(0..=1_000))]
    cpu_headroom: u32,
    /// Headroom on top of the highest memory peak of a task, in percent.
    #[arg(long, allow_negative_numbers = true, value_name = "PERCENT", default_value_t = Rule::default().memory_headroom,
        value_parser = clap::value_parser!(u32).range(0..=1_000))]
    memory_headroom: u32,
    /// How much to simulate for each volume: a number of candidates, or simulated time such as 30d.
    #[arg(long, allow_hyphen_values = true, value_name = "N|DURATION", default_value = "200", value_parser = budget)]
    budget: Budget,
    /// Show the front up to so many times the cheapest bill that keeps all limits.
    #[arg(long, allow_negative_numbers = true, value_name = "TIMES", default_value = "2", value_parser = within)]
    within: u32,
    /// Platform that increases are relative to; otherwise the trace's own, or Fargate.
    #[arg(long, value_name = "NAME")]
    reference: Option<String>,
    /// Search again with so many times the workflow runs, such as 2,5,10.
    #[arg(long, allow_negative_numbers = true, value_name = "FACTORS", value_delimiter = ',', value_parser = Growth::parse_factor)]
    growth: Vec<Factor>,
    /// Search again with each workflow grown by a factor of its own: CSV with the columns workflow and factor.
    #[arg(long, value_name = "FILE")]
    growth_file: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  cost-sim plan trace.csv
  cost-sim plan trace.csv --max-p99-start-delay 90s --max-makespan-increase 5%
  cost-sim plan trace.csv --kinds karpenter --capacity-types spot --budget 500
  cost-sim plan trace.csv --growth 2,5,10
  cost-sim plan --example wear --right-size no
  cost-sim replay trace.csv --scenario cost-sim-plan/scenario.yaml     the recommendation alone
  cost-sim replay cost-sim-plan/rightsized.csv -s cost-sim-plan/scenario.yaml     if it changes requests

The files of the plan are written to --out: plan.json, plan.md, scenario.yaml, manifest.yaml where there
are manifests, and the front as a chart in charts/. Files of an earlier plan are replaced. Exit code 1 if no candidate keeps all limits.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RightSizeArg {
    No,
    Only,
    Both,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let scenario = args.assumptions.scenario(printer)?;
    let snapshot = args.assumptions.snapshot()?;
    let read = args.trace.read(printer)?;
    let strict = args.assumptions.strict;
    let study = Study::new(scenario.clone(), snapshot.clone(), read, strict)?;
    output::check_writable(&args.out)?;
    let limits = scenario.limits.overridden_by(args.limits.limits());
    let request = Request { limits, ..args.search.request(&study.trace)? };
    let volumes = 1 + request.growth.len() as u64;
    let most = request.budget.candidates(study.workload.window) as u64;
    let bar = printer.progress(most * volumes, "simulating {bar:30} {pos}/{len} candidates");
    bar.tick();
    printer.detail(|| format!("searching {volumes} volumes with at most {most} candidates each"));
    let input = Input { scenario: &scenario, snapshot: &snapshot, study: &study, strict };
    let outcome = plan::plan(&input, &request, &|| bar.inc(1))?;
    bar.finish_and_clear();
    printer.detail(|| "writing the plan".to_owned());
    write(args, printer, &outcome)?;
    enforce(&outcome)
}

fn write(args: &Args, printer: &Printer, outcome: &Outcome) -> Result<()> {
    let files = output::write_all(&args.out, outcome)?;
    let text = match args.format {
        Format::Table => output::table(outcome, printer.width(), printer.colored()),
        Format::Json => output::json(&outcome.plan),
        Format::Markdown => output::markdown(outcome),
    };
    printer.data(&text)?;
    printer.note(&format!("wrote {} files to {}", files.len(), args.out.display()));
    Ok(())
}

/// A plan without a recommendation is an answer, but not the one that was asked for.
fn enforce(outcome: &Outcome) -> Result<()> {
    match &outcome.plan.result.nearest {
        None => Ok(()),
        Some(nearest) => Err(Error::LimitExceeded(format!(
            "no candidate keeps all limits; {} comes nearest: {}",
            nearest.name,
            nearest.exceeds.join(", ")
        ))),
    }
}

impl SearchArgs {
    fn request(&self, trace: &Arc<Trace>) -> Result<Request> {
        let mut growth: Vec<(String, Growth)> = Vec::new();
        for factor in &self.growth {
            let times = factor.ppm() as f64 / 1e6;
            growth.push((format!("x{times}"), Growth::of(*factor)));
        }
        if let Some(path) = &self.growth_file {
            let name = path.display().to_string();
            let grown = Growth::read(&name, &read_text(path)?, trace)?;
            growth.push((name, grown));
        }
        Ok(Request {
            limits: crate::platform::Limits::default(),
            narrowing: Narrowing {
                kinds: self.kinds.clone(),
                families: self.families.clone(),
                archs: self.archs.clone(),
                capacity_types: self.capacity_types.clone(),
            },
            right_size: match self.right_size {
                RightSizeArg::No => RightSize::No,
                RightSizeArg::Only => RightSize::Only,
                RightSizeArg::Both => RightSize::Both,
            },
            rule: Rule {
                cpu_percentile: self.cpu_percentile,
                cpu_headroom: self.cpu_headroom,
                memory_headroom: self.memory_headroom,
                ..Rule::default()
            },
            reference: self.reference.clone(),
            budget: self.budget,
            within_permille: self.within,
            growth,
        })
    }
}

fn arch(text: &str) -> std::result::Result<Arch, String> {
    let known = [Arch::Amd64, Arch::Arm64].into_iter().find(|arch| arch.label() == text);
    known.ok_or_else(|| "use amd64 or arm64".to_owned())
}

fn capacity_type(text: &str) -> std::result::Result<CapacityType, String> {
    let known = [CapacityType::OnDemand, CapacityType::Spot].into_iter().find(|kind| kind.label() == text);
    known.ok_or_else(|| "use on-demand or spot".to_owned())
}

fn budget(text: &str) -> std::result::Result<Budget, String> {
    if let Ok(number) = text.parse::<usize>() {
        let fits = (1..=1_000_000).contains(&number);
        return fits.then_some(Budget::Candidates(number)).ok_or_else(|| "use 1 to 1000000".to_owned());
    }
    parse_duration(text)
        .map(Budget::Simulated)
        .map_err(|_| "write a number of candidates such as 200, or simulated time such as 30d".to_owned())
}

/// In thousandths.
fn within(text: &str) -> std::result::Result<u32, String> {
    let permille = crate::units::parse_decimal(text, 3).ok().filter(|n| (1_000..=1_000_000).contains(n));
    permille.map(|n| n as u32).ok_or_else(|| "write a number from 1 to 1000, such as 1.5".to_owned())
}
