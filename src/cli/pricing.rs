//! `cost-sim pricing`: price snapshots.

mod import;

use clap::{Args as ClapArgs, Subcommand};

use super::printer::Printer;
use crate::error::Result;

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a price snapshot of AWS's own files.
    Import(import::Args),
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    match &args.what {
        What::Import(args) => import::run(args, printer),
    }
}
