//! `cost-sim rightsize`: requests from measured usage, as a table, a changed trace and YAML.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use super::inputs::{ScenarioArgs, TraceArgs};
use super::printer::Printer;
use super::trace_file::{self, Rows};
use crate::error::{Error, Result};
use crate::replay::Study;
use crate::report::{Content, plural, write_files};
use crate::rightsize::output::{self, Dialect};
use crate::rightsize::{self, By, Input, Outcome, Rule};

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    rule: RuleArgs,
    #[command(flatten)]
    assumptions: ScenarioArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// How requests follow usage.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Requests")]
struct RuleArgs {
    /// What gets requests of its own.
    #[arg(long, value_enum, default_value_t = ByArg::Task)]
    by: ByArg,
    /// Percentile of CPU usage: of all measurements where the trace has them, otherwise over pods of their own p95.
    #[arg(long, allow_negative_numbers = true, value_name = "PERCENTILE", default_value_t = Rule::default().cpu_percentile,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    percentile: u32,
    /// Headroom on top of it, in percent.
    #[arg(long, allow_negative_numbers = true, value_name = "PERCENT", default_value_t = Rule::default().cpu_headroom,
        value_parser = clap::value_parser!(u32).range(0..=1_000))]
    cpu_headroom: u32,
    /// Headroom on top of the highest memory peak, in percent.
    #[arg(long, allow_negative_numbers = true, value_name = "PERCENT", default_value_t = Rule::default().memory_headroom,
        value_parser = clap::value_parser!(u32).range(0..=1_000))]
    memory_headroom: u32,
    /// Keep the requests of what fewer pods have usage of.
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = Rule::default().least_pods as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    min_pods: u32,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// What to print on stdout. CSV has a row for each task or image, JSON has everything.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Show so many tasks or images in the table and in Markdown: those that change most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Write the trace with the new requests here: CSV, with gzip if it ends in .gz, or Parquet if it ends in .parquet.
    ///
    /// A `.meta.json` beside it says what it is.
    #[arg(long, value_name = "FILE")]
    trace_out: Option<PathBuf>,
    /// Print fragments of YAML with the new requests instead, without simulating anything.
    ///
    /// digdag: `_export` of kubernetes.Pod.resources for each task. kubernetes: `resources` of a container.
    #[arg(long, value_enum, value_name = "digdag|kubernetes")]
    yaml: Option<Yaml>,
    /// Write them to this file, and print the result as always.
    #[arg(long, value_name = "FILE", requires = "yaml")]
    yaml_out: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  cost-sim rightsize --example wear
  cost-sim rightsize trace.csv --percentile 99 --cpu-headroom 30 --memory-headroom 40
  cost-sim rightsize trace.csv --by image --format csv > sizes.csv
  cost-sim rightsize trace.csv --yaml digdag > resources.yaml
  cost-sim rightsize trace.csv --trace-out sized.csv.gz
  cost-sim replay sized.csv.gz                     the same pods with the new requests

Usage comes from the columns cpu_usage_* and memory_usage_max_mib of the trace, or from single measurements where
its source has them.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ByArg {
    /// Each task of each workflow.
    Task,
    /// Each image, whatever its pods are for.
    Image,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Yaml {
    Digdag,
    Kubernetes,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    args.check()?;
    let rule = args.rule.rule();
    let scenario = args.assumptions.scenario(printer)?;
    let snapshot = args.assumptions.snapshot()?;
    let read = args.trace.read(printer)?;
    let strict = args.assumptions.strict;
    let study = Study::new(scenario.clone(), snapshot.clone(), read, strict)?;
    let (sized, tasks) = rightsize::sizes(&study, &rule)?;
    printer.detail(|| {
        format!("sized {} of {}", sized.tasks.len() - sized.kept(), plural(sized.tasks.len() as u64, "task"))
    });
    let output = &args.output;
    let yaml = output.yaml.map(|yaml| output::yaml(&tasks, yaml.dialect()));
    let text = match &yaml {
        Some(yaml) if output.yaml_out.is_none() => yaml.clone(),
        _ => {
            let input = Input { scenario: &scenario, snapshot: &snapshot, study: &study, strict };
            let bar = printer.progress(0, "simulating {bar:30} {pos}/{len}");
            let total = |total| bar.set_length(total);
            let outcome = rightsize::rightsize(&input, &rule, (&sized, tasks), total, &|| bar.inc(1));
            bar.finish_and_clear();
            shown(output, &outcome?, printer)
        }
    };
    if let Some((path, yaml)) = output.yaml_out.as_ref().zip(yaml) {
        let content: Content =
            Box::new(move |out: &mut BufWriter<File>| io::Write::write_all(out, yaml.as_bytes()));
        write_files([(path.clone(), content)])?;
        printer.note(&format!("wrote {}", path.display()));
    }
    if let Some(path) = &output.trace_out {
        trace_file::write(path, &side_file(&study), Rows::Trace(&sized.trace), printer)?;
        if !sized.trace.points.is_empty() {
            printer.note(
                "single measurements are not part of a trace: only averages, p95 and maxima were written",
            );
        }
    }
    printer.data(&text)
}

fn shown(output: &OutputArgs, outcome: &Outcome, printer: &Printer) -> String {
    match output.format {
        Format::Table => output::table(outcome, output.top, printer.width(), printer.colored()),
        Format::Json => output::json(&outcome.result),
        Format::Markdown => output::markdown(&outcome.result, output.top),
        Format::Csv => output::csv(&outcome.result),
    }
}

/// What the rows of a trace do not say.
fn side_file(study: &Study) -> String {
    let files = &study.trace.files;
    let window = study.window();
    let first = |of: fn(&crate::trace::Meta) -> Option<&String>| files.iter().find_map(|file| of(&file.meta));
    let mut meta = serde_json::json!({
        "synthetic": files.iter().any(|file| file.meta.synthetic),
        "window_start": window.start,
        "window_end": window.end,
        "notes": "requests by usage, written by cost-sim rightsize; everything else as in the original trace",
    });
    let known = [
        ("source", first(|meta| meta.source.as_ref())),
        ("licence", first(|meta| meta.licence.as_ref())),
        ("source_region", first(|meta| meta.source_region.as_ref())),
        ("timezone", first(|meta| meta.timezone.as_ref())),
    ];
    for (name, text) in known {
        if let Some(text) = text {
            meta[name] = text.as_str().into();
        }
    }
    format!("{meta:#}\n")
}

impl Args {
    /// What clap cannot know is wrong.
    fn check(&self) -> Result<()> {
        if self.rule.by == ByArg::Image && self.output.yaml == Some(Yaml::Digdag) {
            return Err(Error::usage(
                "Digdag sets resources by workflow and task, not by image",
                "use --by task, or --yaml kubernetes",
            ));
        }
        for path in [&self.output.trace_out, &self.output.yaml_out].into_iter().flatten() {
            check_writable(path)?;
        }
        let Some(path) = &self.output.trace_out else { return Ok(()) };
        let ending = path.extension().and_then(|ending| ending.to_str());
        if !matches!(ending, Some("csv" | "gz" | "parquet")) {
            return Err(Error::usage(
                format!("cannot tell the format of {}", path.display()),
                "end its name in .csv, .csv.gz or .parquet",
            ));
        }
        let is_same = |input: &&PathBuf| match (canonical(input), canonical(path)) {
            (Some(input), Some(output)) => input == output,
            _ => false,
        };
        if self.trace.traces.iter().any(|input| is_same(&input)) {
            return Err(Error::usage(
                format!("{} is the trace that is read: its requests would be lost", path.display()),
                "give --trace-out another name",
            ));
        }
        Ok(())
    }
}

/// Said before the long run, not after it.
fn check_writable(path: &Path) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let error = match parent.map(Path::metadata) {
        _ if path.is_dir() => io::ErrorKind::IsADirectory.into(),
        Some(Err(error)) => error,
        Some(Ok(parent)) if !parent.is_dir() => io::ErrorKind::NotADirectory.into(),
        _ => return Ok(()),
    };
    Err(Error::io("write", path, error))
}

fn canonical(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

impl RuleArgs {
    fn rule(&self) -> Rule {
        Rule {
            by: match self.by {
                ByArg::Task => By::Task,
                ByArg::Image => By::Image,
            },
            cpu_percentile: self.percentile,
            cpu_headroom: self.cpu_headroom,
            memory_headroom: self.memory_headroom,
            least_pods: self.min_pods as usize,
        }
    }
}

impl Yaml {
    fn dialect(self) -> Dialect {
        match self {
            Self::Digdag => Dialect::Digdag,
            Self::Kubernetes => Dialect::Kubernetes,
        }
    }
}
