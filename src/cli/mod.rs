//! The command line: what the user typed, turned into calls of the library, and results into output.
//!
//! Data goes to stdout, everything else to stderr. This is the only place that prints, exits or knows whether
//! there is a terminal.

mod generate;
mod inputs;
mod pricing;
mod printer;
mod replay;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use printer::Printer;

use crate::guard;

/// What workflow pods would have cost, and how long they would have taken, on EKS Fargate and on EC2 nodes.
#[derive(Debug, Parser)]
#[command(name = "cost-sim", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print nothing but the result and errors.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say on stderr what is being done, and how long it took.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// Threads to use; all cores by default. Results do not depend on it.
    #[arg(short, long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = clap::ColorChoice::Auto)]
    color: clap::ColorChoice,
}

const EXAMPLES: &str = "Examples:
  cost-sim replay trace.csv                       compare the built-in platforms
  cost-sim replay trace.csv.gz --region eu-west-1 --format markdown
  cost-sim replay trace.parquet --scenario scenario.yaml --out report/
  cost-sim replay --example wear                  a synthetic week that comes with the program
  cost-sim generate day --pods 10000 --out day.csv

Exit codes: 0 fine, 1 a limit is exceeded, 2 input, usage or IO error.";

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one per process")]
enum Command {
    /// Compare platforms on a trace.
    Replay(replay::Args),
    /// Write a synthetic trace, or the schema of report.json.
    Generate(generate::Args),
    /// Show, compare and import price snapshots.
    Pricing(pricing::Args),
}

/// Runs the program as its arguments say.
pub fn main() -> ExitCode {
    guard::install_hook();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // A reader that went away is no reason to fail.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    if let Some(jobs) = cli.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs));
        // Only fails when a pool exists already, which then stays.
        let _ = pool.build_global();
    }
    let printer = Printer::new(cli.quiet, cli.verbose, cli.color);
    let result = match &cli.command {
        Command::Replay(args) => replay::run(args, &printer),
        Command::Generate(args) => generate::run(args, &printer),
        Command::Pricing(args) => pricing::run(args, &printer),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            error.exit_code()
        }
    }
}
