//! `cost-sim pack`: single decisions of the controllers, for comparison with the real programs.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use super::inputs::{read_text, utf8};
use super::printer::Printer;
use crate::error::{Error, Result};
use crate::pack;

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Cases, one JSON object a line; `-` for standard input.
    #[arg(short, long, value_name = "FILE")]
    input: PathBuf,
}

const EXAMPLES: &str = "Examples:
  cost-sim pack --input cases.ndjson > decisions.ndjson
  cost-sim pack --input - < cases.ndjson

A case has a mode (solve, consolidate, cluster-autoscaler or score) and pods, nodes, NodePools and instance types as
Kubernetes and Karpenter write them. One line is printed for each, in the same order. docs/pack.md describes both.";

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let (file, text) = if args.input.as_os_str() == "-" {
        let path = Path::new("stdin");
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Error::io("read", path, error))?;
        ("stdin".to_owned(), utf8(path, bytes)?)
    } else {
        (args.input.display().to_string(), read_text(&args.input)?)
    };
    let cases = pack::read(&file, &text)?;
    printer.detail(|| format!("read {} cases", cases.len()));
    printer.data(&pack::decide(&cases))
}
