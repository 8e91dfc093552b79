//! The command line: what the user typed, turned into calls of the library, and results into output.
//!
//! Data goes to stdout, everything else to stderr. This is the only place that prints, exits or knows whether
//! there is a terminal.

mod check;
mod completions;
mod diff;
mod diff_traces;
mod generate;
mod import;
mod inputs;
mod man;
mod pack;
mod plan;
mod pricing;
mod printer;
mod replay;
mod rightsize;
#[cfg(test)]
mod tests;
mod trace_file;

use std::process::ExitCode;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};

use printer::Printer;

use crate::guard;

/// What workflow pods would have cost, and how long they would have taken, on EKS Fargate and on EC2 nodes.
#[derive(Debug, Parser)]
#[command(name = "cost-sim", version, max_term_width = 100)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
#[command(disable_help_flag = true, disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    general: GeneralArgs,
    /// Print the version.
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = GENERAL)]
    version: (),
}

/// What every command takes, before or after its name.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = GENERAL)]
struct GeneralArgs {
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
    /// Print help; --help says more, with examples.
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: (),
}

const GENERAL: &str = "General options";

const EXAMPLES: &str = "Examples:
  cost-sim replay trace.csv                       compare the built-in platforms
  cost-sim replay trace.csv.gz --region eu-west-1 --format markdown
  cost-sim replay trace.parquet --scenario scenario.yaml --out report/
  cost-sim replay --example wear                  a synthetic week that comes with the program
  cost-sim plan trace.csv --max-p99-start-delay 90s   the cheapest platform that starts pods in time
  cost-sim rightsize trace.csv                    requests from measured usage, and what they save
  cost-sim check trace.csv --baseline report.json --max-cost-increase 5%
  cost-sim diff last-month.csv this-month.csv     why did it cost more?
  cost-sim generate day --pods 10000 --out day.csv
  cost-sim pack --input cases.ndjson              single decisions of the controllers";

const EXIT_CODES: &str = "Exit codes:
  0  fine
  1  a limit is exceeded
  2  input, usage or IO error";

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare platforms on a trace.
    ///
    /// The files of the report are written to --out: report.html, report.md, report.json, summary.csv, pods.parquet,
    /// nodes.parquet, and charts as SVG and PNG in charts/.
    Replay(replay::Args),
    /// Compare with a saved report, and fail when a limit is exceeded.
    Check(check::Args),
    /// Search for the cheapest platform that keeps limits.
    Plan(plan::Args),
    /// Recommend requests from measured usage, with what they save and what they risk.
    Rightsize(rightsize::Args),
    /// Say what is different between two reports, or why one trace costs more than another.
    Diff(diff::Args),
    /// Make a trace of what Digdag, Datadog, Kubernetes and others export.
    Import(import::Args),
    /// Write a synthetic trace, or the JSON schema of an output.
    Generate(generate::Args),
    /// Show price snapshots, what changed between them, and make them of AWS's own files.
    Pricing(pricing::Args),
    /// Take single decisions of the controllers, for comparison with the real programs.
    #[command(hide = true)]
    Pack(pack::Args),
    /// Print a script that completes commands and flags in a shell.
    ///
    /// It is printed, not installed: where it belongs depends on the shell and the system.
    #[command(display_order = 1000)]
    Completions(completions::Args),
    /// Print the manual page, or write those of all commands.
    #[command(display_order = 1001)]
    Man(man::Args),
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
    if let Some(jobs) = cli.general.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs));
        // Only fails when a pool exists already, which then stays.
        let _ = pool.build_global();
    }
    let printer = Printer::new(cli.general.quiet, cli.general.verbose, cli.general.color);
    let result = match &cli.command {
        Command::Replay(args) => replay::run(args, &printer),
        Command::Check(args) => check::run(args, &printer),
        Command::Plan(args) => plan::run(args, &printer),
        Command::Rightsize(args) => rightsize::run(args, &printer),
        Command::Diff(args) => diff::run(args, &printer),
        Command::Import(args) => import::run(args, &printer),
        Command::Generate(args) => generate::run(args, &printer),
        Command::Pricing(args) => pricing::run(args, &printer),
        Command::Pack(args) => pack::run(args, &printer),
        Command::Completions(args) => completions::run(args, &printer),
        Command::Man(args) => man::run(args, &printer),
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
