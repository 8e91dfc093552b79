//! `cost-sim import`: what teams have, made into a trace that can be looked at and kept.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::inputs::ReadArgs;
use super::printer::Printer;
use crate::error::Result;
use crate::trace::write_csv;

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Files or directories; `-` for standard input. What they tell of the same tasks is joined.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    read: ReadArgs,
}

const EXAMPLES: &str = "Examples:
  cost-sim import digdag-export/ > trace.csv";

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let (trace, warnings) = args.read.read(&args.files, printer)?;
    for warning in warnings {
        printer.note(&warning);
    }
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = write_csv(&trace, &mut text);
    printer.data(&String::from_utf8_lossy(&text))
}
