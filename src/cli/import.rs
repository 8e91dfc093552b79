//! `cost-sim import`: what teams have, made into a trace that can be looked at and kept.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::inputs::{ReadArgs, format};
use super::printer::Printer;
use super::trace_file::{Rows, write};
use crate::error::{Error, Result};
use crate::import::{self, Format, Summary};
use crate::report::{self, plural};

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Files or directories; `-` for standard input. What they tell of the same tasks is joined.
    #[arg(required_unless_present = "how", value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// File to write; `-` writes CSV to stdout.
    ///
    /// It is CSV, with gzip if it ends in .gz, or Parquet if it ends in .parquet. A `.meta.json` beside it says where it
    /// is from. Without --out, --report writes no trace.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Say on stdout what was found: how the work of each pod is known, what is left out, gaps, and what is odd.
    #[arg(long)]
    report: bool,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = As::Table, requires = "report")]
    format: As,
    /// Replace names of projects, workflows, tasks, pods, images, nodes and labels by pseudonyms.
    ///
    /// Times, sizes, dependencies and ids that are numbers stay.
    #[arg(long)]
    redact: bool,
    /// Key of the pseudonyms: the same key gives the same pseudonyms. By default it is the hash of the trace itself.
    #[arg(long, value_name = "KEY", requires = "redact")]
    redact_key: Option<String>,
    /// Say how to get the files out of digdag, datadog, prometheus or kubernetes, and stop.
    #[arg(long, value_name = "FORMAT", value_parser = how, conflicts_with_all = ["files", "report", "redact", "out"])]
    how: Option<Format>,
}

const EXAMPLES: &str = "Examples:
  cost-sim import digdag-export/ datadog-export/ --out trace.csv.gz
  cost-sim import digdag-export/ --source-platform fargate --report
  cost-sim import pods.json --out trace.parquet
  cost-sim import trace.csv --redact --out to-show.csv
  cost-sim import --how digdag";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum As {
    Table,
    Json,
    Markdown,
}

fn how(name: &str) -> std::result::Result<Format, String> {
    let known = import::WITH_HOW;
    format(name).ok().filter(|format| known.contains(format)).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|format| format.name()).collect();
        format!("there are instructions for {}", names.join(", "))
    })
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let output = &args.output;
    if let Some(format) = output.how {
        return printer.data(import::how(format).unwrap_or_default());
    }
    // What is in the way of the result is said before the long read, not after it.
    let out = output.out.clone().or_else(|| (!output.report).then(|| PathBuf::from("-")));
    if let Some(out) = out.as_ref().filter(|out| out.as_os_str() == "-" && output.report) {
        return Err(Error::usage(
            format!("both the trace (--out {}) and the report (--report) would go to stdout", out.display()),
            "give --out a file, or leave it out to see the report alone",
        ));
    }
    let (mut trace, warnings) = args.read.read(&args.files, printer)?;
    if output.redact {
        let key = output.redact_key.clone().unwrap_or_else(|| import::default_key(&trace));
        import::redact(&mut trace, &key);
    }
    let warnings = if output.redact { without_names(warnings) } else { warnings };
    for warning in warnings.iter().filter(|_| !output.report) {
        printer.note(warning);
    }
    let summary = output.report.then(|| import::summary(&trace, warnings)).transpose()?;
    if let Some(out) = out {
        let meta = import::meta_json(&trace);
        write(&out, &meta, Rows::Trace(&trace), printer)?;
        printer.detail(|| format!("read {}", plural(trace.rows() as u64, "row")));
    }
    let Some(summary) = summary else { return Ok(()) };
    printer.data(&show(&summary, output.format, printer))
}

/// Warnings that quote names of what was redacted.
fn without_names(warnings: Vec<String>) -> Vec<String> {
    let names = |line: &String| line.contains(" of image ") || line.starts_with("unknown ");
    warnings.into_iter().filter(|line| !names(line)).collect()
}

fn show(summary: &Summary, format: As, printer: &Printer) -> String {
    match format {
        As::Json => serde_json::to_string_pretty(summary).map(|text| text + "\n").unwrap_or_default(),
        As::Table => report::import_table(summary, printer.width()),
        As::Markdown => report::import_markdown(summary),
    }
}
