//! `cost-sim generate`: synthetic traces, and the schema of the report.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::printer::Printer;
use super::trace_file::{Rows, write};
use crate::error::Result;
use crate::generate::{day, incident, wear};
use crate::units::parse_decimal;

#[derive(Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  cost-sim generate wear --out wear.csv.gz
  cost-sim generate schema > report.schema.json")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One day of pods: steady arrivals and bursts at the top of the hour. Synthetic.
    Day(Day),
    /// A week of batch workflows as seen on EKS Fargate. Synthetic.
    Wear(Wear),
    /// A week of nightly jobs, some of them long, that consolidation disturbs. Synthetic.
    Incident(Incident),
    /// The JSON schema of what a command writes.
    #[command(after_long_help = "Examples:
  cost-sim generate schema > report.schema.json
  cost-sim generate schema plan > plan.schema.json")]
    Schema(Schema),
}

#[derive(Debug, ClapArgs)]
struct Schema {
    /// Of which JSON.
    #[arg(value_enum, default_value_t = Output::Report)]
    of: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// report.json of `replay`.
    Report,
    /// `check --format json`.
    Check,
    /// plan.json of `plan`.
    Plan,
    /// `rightsize --format json`.
    Rightsize,
    /// `diff` of two reports.
    DiffReports,
    /// `diff` of two traces.
    DiffTraces,
}

#[derive(Debug, ClapArgs)]
#[command(after_long_help = "Example:\n  cost-sim generate day --pods 1000000 --seed 42 --out day.csv")]
struct Day {
    /// How many pods.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pods: u32,
    /// Seed; the same seed gives the same bytes.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Group the pods into workflows with dependencies.
    #[arg(long)]
    dag: bool,
    /// File to write; `-` writes CSV to stdout.
    ///
    /// It is CSV, with gzip if it ends in .gz. A `.meta.json` beside it says what it is.
    #[arg(long, default_value = "-")]
    out: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  cost-sim generate wear --out wear.csv.gz
  cost-sim generate wear --scale 4 --requests right-sized --out large.parquet")]
struct Wear {
    /// How many days.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// Multiplies the number of workflows.
    ///
    /// 1 are 84 of them with about 4,900 pods a day.
    #[arg(long, default_value = "0.5", value_parser = scale, allow_negative_numbers = true)]
    scale: u32,
    /// Seed; the same seed gives the same bytes.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// What the pods ask for: sizes that somebody once chose, or what their use justifies.
    #[arg(long, value_enum, default_value_t = Requests::AsIs)]
    requests: Requests,
    /// File to write; `-` writes CSV to stdout.
    ///
    /// It is CSV, with gzip if it ends in .gz, or Parquet if it ends in .parquet. A `.meta.json` beside it says what it
    /// is.
    #[arg(long, default_value = "-")]
    out: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(after_long_help = "Example:\n  cost-sim generate incident --out incident.csv.gz")]
struct Incident {
    /// How many days.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// Seed; the same seed gives the same bytes.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// File to write; `-` writes CSV to stdout.
    ///
    /// It is CSV, with gzip if it ends in .gz. A `.meta.json` beside it says what it is.
    #[arg(long, default_value = "-")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Requests {
    AsIs,
    RightSized,
}

/// In thousandths.
fn scale(text: &str) -> std::result::Result<u32, String> {
    let milli = parse_decimal(text, 3).ok().and_then(|milli| u32::try_from(milli).ok());
    let milli = milli.filter(|milli| (1..=100_000).contains(milli));
    milli.ok_or_else(|| "write a number from 0.001 to 100, such as 0.5".to_owned())
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    match &args.what {
        What::Day(args) => {
            let params = day::Params { pods: args.pods, seed: args.seed, dag: args.dag };
            write(&args.out, &day::meta_json(&params), Rows::Csv(&|out| day::write(&params, out)), printer)
        }
        What::Incident(args) => {
            let params = incident::Params { days: args.days, seed: args.seed };
            let rows = Rows::Csv(&|out| incident::write(&params, out));
            write(&args.out, &incident::meta_json(&params), rows, printer)
        }
        What::Wear(args) => {
            let requests = match args.requests {
                Requests::AsIs => wear::Requests::AsIs,
                Requests::RightSized => wear::Requests::RightSized,
            };
            let params = wear::Params { days: args.days, scale_milli: args.scale, seed: args.seed, requests };
            let trace = wear::trace(&params);
            write(&args.out, &wear::meta_json(&params), Rows::Trace(&trace), printer)
        }
        What::Schema(schema) => printer.data(&match schema.of {
            Output::Report => crate::report::schema(),
            Output::Check => crate::check::schema(),
            Output::Plan => crate::plan::output::schema(),
            Output::Rightsize => crate::rightsize::output::schema(),
            Output::DiffReports => crate::compare::reports::schema(),
            Output::DiffTraces => crate::compare::traces::schema(),
        }),
    }
}
