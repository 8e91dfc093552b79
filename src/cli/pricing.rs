//! `cost-sim pricing`: what price snapshots say.

mod diff;
mod import;
mod show;

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
    /// Show prices: of instance types, or what there is.
    Show(show::Args),
    /// Say what changed between two price snapshots, and which platforms it touches.
    Diff(diff::Args),
    /// Make a price snapshot of AWS's own files.
    Import(import::Args),
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    match &args.what {
        What::Show(args) => show::run(args, printer),
        What::Diff(args) => diff::run(args, printer),
        What::Import(args) => import::run(args, printer),
    }
}
