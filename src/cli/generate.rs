//! `cost-sim generate`: synthetic traces, and the schema of the report.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};

use super::printer::Printer;
use crate::error::{Error, Result};
use crate::generate::day;

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One day of pods: steady arrivals and bursts at the top of the hour. Synthetic.
    Day(Day),
    /// The JSON schema of report.json.
    Schema,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  cost-sim generate day --pods 1000000 --seed 42 --out day.csv")]
struct Day {
    /// How many pods.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pods: u32,
    /// Seed; the same seed gives the same bytes.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Group the pods into workflows with dependencies.
    #[arg(long)]
    dag: bool,
    /// File to write, with a `.meta.json` beside it; `-` writes the CSV to stdout.
    #[arg(long, default_value = "-")]
    out: PathBuf,
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    match &args.what {
        What::Day(args) => write_day(args, printer),
        What::Schema => printer.data(&crate::report::schema()),
    }
}

fn write_day(args: &Day, printer: &Printer) -> Result<()> {
    let params = day::Params { pods: args.pods, seed: args.seed, dag: args.dag };
    if args.out.as_os_str() == "-" {
        let out = BufWriter::new(std::io::stdout().lock());
        return finish(out, &params, Path::new("stdout"));
    }
    let write_error = |error| Error::io("write", &args.out, error);
    #[expect(clippy::disallowed_methods, reason = "the user asked for this file")]
    let file = std::fs::File::create(&args.out).map_err(write_error)?;
    finish(BufWriter::new(file), &params, &args.out)?;
    let meta = args.out.with_extension("meta.json");
    #[expect(clippy::disallowed_methods, reason = "the user asked for this file")]
    std::fs::write(&meta, day::meta_json(&params)).map_err(|error| Error::io("write", &meta, error))?;
    printer.note(&format!("wrote {} and {}", args.out.display(), meta.display()));
    Ok(())
}

fn finish(mut out: impl Write, params: &day::Params, path: &Path) -> Result<()> {
    day::write(params, &mut out).and_then(|()| out.flush()).map_err(|error| Error::io("write", path, error))
}
