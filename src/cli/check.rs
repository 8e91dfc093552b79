//! `cost-sim check`: today's result beside a saved report, for a pipeline.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args as ClapArgs, ValueEnum};

use super::inputs::{LimitArgs, ScenarioArgs, TraceArgs, read_text};
use super::printer::Printer;
use crate::check::{self, Baseline, CheckReport, Today};
use crate::error::{Error, Result};
use crate::report::{Content, write_files};

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// The saved report: report.json of `cost-sim replay`.
    #[arg(short, long, help_heading = "Baseline", value_name = "FILE")]
    baseline: PathBuf,
    /// The trace that the baseline was made with, where today's tasks ask for something else.
    ///
    /// Without it, the effects of another trace and of another program version cannot be told apart.
    #[arg(long, help_heading = "Baseline", value_name = "TRACE")]
    baseline_trace: Vec<PathBuf>,
    #[command(flatten)]
    assumptions: ScenarioArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Simulate so many histories of each platform.
    ///
    /// Limits then hold for means, and a change that may be luck passes.
    #[arg(long, help_heading = "Output", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replications: u32,
    /// What to print on stdout.
    #[arg(long, help_heading = "Output", value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write the Markdown for a pull request here too.
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the JSON here too.
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write JUnit XML here too: a test case per limit.
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    junit: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  cost-sim replay trace.csv --out baseline              what is saved: baseline/report.json
  cost-sim check trace.csv --baseline baseline/report.json --max-cost-increase 5%
  cost-sim check trace.csv -b baseline/report.json --prices new-prices/ --max-cost-increase 2%
  cost-sim check trace.csv -b baseline/report.json -s cost-sim.yaml --max-unschedulable 0 --junit check.xml

Without a scenario, that of the baseline is used; flags win over it. Platforms are compared by name.

Exit codes: 0 within the limits, 1 a limit is exceeded or a platform no longer completes, 2 input, usage or IO error.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Markdown,
    Json,
    Junit,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let baseline = Baseline::read(&args.baseline.display().to_string(), &read_text(&args.baseline)?)?;
    let scenario = args.assumptions.scenario_or(baseline.scenario.clone(), printer)?;
    let snapshot = args.assumptions.snapshot()?;
    let (trace, warnings) = args.trace.read(printer)?;
    let before = if args.baseline_trace.is_empty() {
        None
    } else {
        Some(Arc::new(args.trace.options.read(&args.baseline_trace, printer)?.0))
    };
    printer.detail(|| {
        let tool = &baseline.report.tool;
        format!(
            "baseline {}: {} platforms, made by {} {}",
            baseline.file,
            baseline.report.platforms.len(),
            tool.name,
            tool.version
        )
    });
    printer.detail(|| format!("read {} rows", trace.rows()));
    let today = Today {
        limits: scenario.limits.overridden_by(args.limits.limits()),
        scenario,
        snapshot,
        trace: Arc::new(trace),
        warnings,
        before,
        replications: args.replications,
        strict: args.assumptions.strict,
    };
    let bar = printer.progress(0, "simulating {bar:30} {pos}/{len}");
    let result = check::check(&baseline, &today, |total| bar.set_length(total), &|| bar.inc(1));
    bar.finish_and_clear();
    let result = result?;
    printer
        .detail(|| format!("compared {} platforms with {}", result.platforms.len(), args.baseline.display()));
    write(args, printer, &result)?;
    tell_github(printer, &result)?;
    // The result has said which; stderr need not repeat all of it.
    if result.passed { Ok(()) } else { Err(Error::LimitExceeded(result.finding)) }
}

fn write(args: &Args, printer: &Printer, result: &CheckReport) -> Result<()> {
    type Writer = fn(&CheckReport) -> String;
    let writers: [(&Option<PathBuf>, Writer); 3] =
        [(&args.markdown, check::markdown), (&args.json, check::json), (&args.junit, check::junit)];
    let files = writers.into_iter().filter_map(|(path, writer)| {
        let path = path.clone()?;
        let text = writer(result);
        Some((
            path,
            Box::new(move |out: &mut std::io::BufWriter<_>| out.write_all(text.as_bytes())) as Content,
        ))
    });
    write_files(files)?;
    printer.data(&match args.format {
        Format::Table => check::table(result, printer.width(), printer.colored()),
        Format::Markdown => check::markdown(result),
        Format::Json => check::json(result),
        Format::Junit => check::junit(result),
    })
}

/// Under GitHub Actions: annotations, which it reads from stderr too, and the step's summary.
fn tell_github(printer: &Printer, result: &CheckReport) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if variable("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        for line in check::github_annotations(result) {
            printer.command(&line);
        }
    }
    if let Some(path) = variable("GITHUB_STEP_SUMMARY") {
        let path = Path::new(&path);
        let mut options = std::fs::OpenOptions::new();
        let file = options.append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(check::markdown(result).as_bytes()))
            .map_err(|error| Error::io("write the step summary", path, error))?;
    }
    Ok(())
}
