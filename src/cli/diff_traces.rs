//! `cost-sim diff` of two traces: why the second one costs more.

use std::path::{Path, PathBuf};

use super::diff::Format;
use super::inputs::{ReadArgs, ScenarioArgs, snapshot};
use super::printer::Printer;
use crate::compare::traces::{self, Input};
use crate::error::Result;
use crate::report::trace_diff;

/// What the command line says beside the two traces.
pub struct Options<'a> {
    pub read: &'a ReadArgs,
    pub assumptions: &'a ScenarioArgs,
    /// Directory of the prices of the first trace; those of the second one by default.
    pub prices_before: Option<&'a Path>,
    /// How many workflows are shown; [`trace_diff::TOP`] by default.
    pub top: usize,
    pub format: Format,
}

/// Replays both traces on one platform and prints why their costs differ.
pub fn run(before: &Path, after: &Path, options: &Options, printer: &Printer) -> Result<()> {
    let scenario = options.assumptions.scenario(printer)?;
    let prices = options.assumptions.snapshot()?;
    let prices_before = match options.prices_before {
        Some(dir) => snapshot(Some(dir))?,
        None => prices.clone(),
    };
    let read = |path: &Path| options.read.read(&[PathBuf::from(path)], printer);
    let before = Input { read: read(before)?, prices: prices_before };
    let after = Input { read: read(after)?, prices };
    let diff = traces::diff(&scenario, before, after, options.assumptions.strict)?;
    printer.data(&match options.format {
        Format::Table => trace_diff::table(&diff, printer.width(), options.top),
        Format::Json => trace_diff::json(&diff),
        Format::Markdown => trace_diff::markdown(&diff, options.top),
    })
}
