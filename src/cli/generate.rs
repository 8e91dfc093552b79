//! `cost-sim generate`: synthetic traces, and the schema of the report.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};

use super::printer::Printer;
use crate::error::{Error, Result};
use crate::generate::day;
use crate::report::{Content, write_files};

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
        return write_csv(&params, std::io::stdout().lock()).map_err(cannot_write(Path::new("stdout")));
    }
    if let Ok(found) = args.out.metadata() {
        if found.is_dir() {
            return Err(cannot_write(&args.out)(io::ErrorKind::IsADirectory.into()));
        }
        // A device or a pipe is written as it is, and has nothing beside it.
        if !found.is_file() {
            #[expect(clippy::disallowed_methods, reason = "the user asked for this file")]
            let file = std::fs::File::create(&args.out).map_err(cannot_write(&args.out))?;
            return write_csv(&params, file).map_err(cannot_write(&args.out));
        }
    }
    let meta = args.out.with_extension("meta.json");
    // The side file first: without it invented data would pass for real.
    let files: [(PathBuf, Content); 2] = [
        (meta.clone(), Box::new(|out| out.write_all(day::meta_json(&params).as_bytes()))),
        (args.out.clone(), Box::new(|out| day::write(&params, out))),
    ];
    write_files(files)?;
    printer.note(&format!("wrote {} and {}", args.out.display(), meta.display()));
    Ok(())
}

fn cannot_write(path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| Error::io("write", path, error)
}

fn write_csv(params: &day::Params, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    day::write(params, &mut out)?;
    out.flush()
}
