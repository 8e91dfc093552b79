//! `cost-sim diff`: two saved reports, or two traces.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use super::diff_traces;
use super::inputs::{ReadArgs, ScenarioArgs, read_text};
use super::printer::Printer;
use crate::compare::reports;
use crate::error::{Error, Result};
use crate::report::{self, trace_diff};

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The earlier one: a report.json of `cost-sim replay`, or a trace.
    before: PathBuf,
    /// The later one, of the same kind.
    after: PathBuf,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    assumptions: ScenarioArgs,
    /// Of two traces: the prices of the earlier one, where they were others.
    #[arg(long, value_name = "DIR")]
    prices_before: Option<PathBuf>,
    /// Show so many workflows, those with the largest changes.
    #[arg(long, help_heading = "Output", value_name = "N", default_value_t = trace_diff::TOP)]
    top: usize,
    /// What to print on stdout.
    #[arg(long, help_heading = "Output", value_enum, default_value_t = Format::Table)]
    format: Format,
}

const EXAMPLES: &str = "Examples:
  cost-sim diff september.csv.gz october.csv.gz       why did this month cost more?
  cost-sim diff september.csv october.csv --prices-before old-prices/ --prices new-prices/
  cost-sim diff before/report.json after/report.json  what is different between two replays?

Traces are replayed on the platform that they say they ran on, or on Fargate, or on the one of --platform. Reports
are compared as they are.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Markdown,
    Json,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    match (is_report(&args.before)?, is_report(&args.after)?) {
        (false, false) => traces(args, printer),
        (true, true) => of_reports(args, printer),
        (first, _) => {
            let (report, trace) =
                if first { (&args.before, &args.after) } else { (&args.after, &args.before) };
            Err(Error::usage(
                format!("{} is a report and {} is not", report.display(), trace.display()),
                "give two report.json files, or two traces; to hold a trace against a report: cost-sim check",
            ))
        }
    }
}

/// A trace is a table; no table begins with a brace.
fn is_report(path: &Path) -> Result<bool> {
    if path.as_os_str() == "-" {
        return Ok(false);
    }
    #[expect(clippy::disallowed_methods, reason = "the user named this file")]
    let file = std::fs::File::open(path).map_err(|error| Error::io("open", path, error))?;
    let mut head = Vec::new();
    file.take(1_024).read_to_end(&mut head).map_err(|error| Error::io("read", path, error))?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    Ok(head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
}

fn traces(args: &Args, printer: &Printer) -> Result<()> {
    let options = diff_traces::Options {
        read: &args.read,
        assumptions: &args.assumptions,
        prices_before: args.prices_before.as_deref(),
        top: args.top,
        format: args.format,
    };
    diff_traces::run(&args.before, &args.after, &options, printer)
}

fn of_reports(args: &Args, printer: &Printer) -> Result<()> {
    if !args.assumptions.is_unsaid() || args.prices_before.is_some() {
        return Err(Error::usage(
            "two reports are compared as they are: scenarios, prices and other assumptions change nothing in them",
            "leave those flags out; to replay with others: cost-sim replay, cost-sim check",
        ));
    }
    let read = |path: &Path| {
        let file = path.display().to_string();
        Ok::<_, Error>((report::parse(&file, &read_text(path)?)?, file))
    };
    let ((before, before_file), (after, after_file)) = (read(&args.before)?, read(&args.after)?);
    let diff = reports::diff((&before_file, &before), (&after_file, &after));
    printer.data(&match args.format {
        Format::Table => reports::table(&diff, printer.width(), printer.colored(), args.top),
        Format::Markdown => reports::markdown(&diff, args.top),
        Format::Json => reports::json(&diff),
    })
}
