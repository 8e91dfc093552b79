//! `cost-sim pricing diff`.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use crate::catalog::Snapshot;
use crate::cli::inputs::{read_scenario, snapshot};
use crate::cli::printer::Printer;
use crate::error::{Error, Result};
use crate::platform::{Overrides, RegionSource};
use crate::pricing::{self, Diff};

#[derive(Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  cost-sim pricing diff embedded prices/
  cost-sim pricing diff prices/yesterday prices/today --scenario scenario.yaml --exit-code")]
pub struct Args {
    /// Directory of the older snapshot; `embedded` for the one in the program.
    old: PathBuf,
    /// Directory of the newer snapshot; `embedded` for the one in the program.
    new: PathBuf,
    /// Scenario file (YAML): whom changes may touch. Without, the built-in platforms.
    #[arg(short, long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// AWS region, such as ap-northeast-1; the scenario's, else us-east-1, unless given.
    #[arg(long)]
    region: Option<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// End with exit code 1 if a change touches a platform.
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Markdown,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let scenario =
        args.scenario.as_deref().map(|path| read_scenario(&[path])).transpose()?.unwrap_or_default();
    let scenario = scenario.apply(&Overrides { region: args.region.clone(), ..Overrides::default() })?;
    let diff = pricing::diff(&side(&args.old)?, &side(&args.new)?, &scenario)?;
    if scenario.settings.region.source == RegionSource::Assumed {
        printer.note(&format!("The region {} is assumed: give yours with --region.", diff.region));
    }
    printer.data(&match args.format {
        Format::Table => pricing::diff_table(&diff, printer.width(), printer.colored()),
        Format::Json => pricing::diff_json(&diff),
        Format::Markdown => pricing::diff_markdown(&diff),
    })?;
    if args.exit_code { refuse_touched(&diff) } else { Ok(()) }
}

fn side(path: &Path) -> Result<Snapshot> {
    snapshot(Some(path).filter(|path| path.as_os_str() != "embedded"))
}

fn refuse_touched(diff: &Diff) -> Result<()> {
    let touched = diff.platforms.iter().zip(diff.touched()).filter(|(_, changes)| *changes > 0);
    let touched: Vec<&str> = touched.map(|(name, _)| name.as_str()).collect();
    if touched.is_empty() {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!("prices changed that touch {}", touched.join(", "))))
}
