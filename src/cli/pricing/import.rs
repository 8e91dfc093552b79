//! `cost-sim pricing import`: AWS's own files become a directory for `--prices`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;

use crate::catalog::import::{self, Change, Imported, Outcome};
use crate::catalog::{FILES, OPTIONAL_FILES, PriceDate, Snapshot};
use crate::cli::inputs::snapshot;
use crate::cli::printer::Printer;
use crate::error::{Diagnostic, Error, Result};
use crate::report::{Content, write_files};

#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Files as AWS gives them, plain or with gzip; what each is, its content says.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Directory for the snapshot.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Start from the snapshot in this directory instead of the one in the program.
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// Keep nothing of the snapshot that is started from but its instance types.
    #[arg(long)]
    only_imported: bool,
    /// The day of files that do not say their own: Spot Advisor data and Savings Plan rates.
    #[arg(long, value_name = "DATE", value_parser = date)]
    as_of: Option<PriceDate>,
    /// What to print on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

const EXAMPLES: &str = "Example:
  aws ec2 describe-spot-price-history --product-descriptions Linux/UNIX > spot.json
  curl -O https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonEC2/current/eu-west-1/index.json
  cost-sim pricing import index.json spot.json --out prices/
  cost-sim replay trace.csv --prices prices/";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

fn date(text: &str) -> std::result::Result<PriceDate, String> {
    PriceDate::parse(text).ok_or_else(|| "write a date such as 2026-01-31".to_owned())
}

pub fn run(args: &Args, printer: &Printer) -> Result<()> {
    let base = snapshot(args.base.as_deref())?;
    check_out(&args.out)?;
    let bytes = args.files.iter().filter_map(|path| path.metadata().ok()).map(|found| found.len()).sum();
    let bar = printer.progress(bytes, "{bar:40} {bytes} of {total_bytes}, {eta} left");
    let findings = import::read(&args.files, args.as_of, &mut |read| bar.inc(read));
    bar.finish_and_clear();
    let imported = import::merge(findings?, &base, args.only_imported, &args.out)?;
    write(&args.out, &imported.snapshot)?;
    let text = match args.format {
        Format::Table => table(&imported),
        Format::Json => json(&imported),
    };
    printer.data(&text)?;
    for file in imported.files.iter().filter(|file| file.used == 0) {
        printer.note(&format!("warning: no row of {} is used", file.path));
    }
    printer.note(&format!("wrote {}: use it with --prices", args.out.display()));
    Ok(())
}

/// Finds before the work what would keep the files from being written.
fn check_out(out: &Path) -> Result<()> {
    if out.exists() && !out.is_dir() {
        return Err(Error::io("write to", out, std::io::ErrorKind::NotADirectory.into()));
    }
    let taken = FILES.into_iter().chain(OPTIONAL_FILES).map(|name| out.join(name)).find(|path| path.is_dir());
    taken.map_or(Ok(()), |path| Err(Error::io("write", &path, std::io::ErrorKind::IsADirectory.into())))
}

/// All files or none; what is there afterwards is what was checked before.
fn write(out: &Path, snapshot: &Snapshot) -> Result<()> {
    let stale =
        OPTIONAL_FILES.into_iter().find(|name| snapshot.text(name).is_none() && out.join(name).exists());
    if let Some(name) = stale {
        let message = format!("{} has a {name}, and the new snapshot has none", out.display());
        return Err(Error::usage(message, "remove it, or choose another directory with --out"));
    }
    #[expect(clippy::disallowed_methods, reason = "the user asked for this directory")]
    std::fs::create_dir_all(out).map_err(|error| Error::io("create the directory", out, error))?;
    let names = FILES.into_iter().chain(OPTIONAL_FILES);
    let files = names.filter_map(|name| Some((out.join(name), snapshot.text(name)?)));
    write_files(files.map(|(path, text)| -> (PathBuf, Content) {
        (path, Box::new(move |file| std::io::Write::write_all(file, text.as_bytes())))
    }))?;
    if Snapshot::load(out)?.sha256() == snapshot.sha256() {
        return Ok(());
    }
    let message = "the files are not those that were just written";
    Err(Diagnostic::new(out.display().to_string(), message).hint("is somebody else writing there?").into())
}

#[derive(Serialize)]
struct Summary<'a> {
    files: &'a [Outcome],
    changes: &'a [Change],
    sha256: String,
}

fn json(imported: &Imported) -> String {
    let Imported { files, changes, snapshot } = imported;
    let summary = Summary { files, changes, sha256: snapshot.sha256() };
    let mut text = serde_json::to_string_pretty(&summary).expect("a summary has no maps with odd keys");
    text.push('\n');
    text
}

/// One line a file, with the reasons below; then one line for each file of the snapshot.
fn table(imported: &Imported) -> String {
    let mut text = String::new();
    let widest = imported.files.iter().map(|file| file.path.chars().count()).max().unwrap_or(0).max(4);
    // Writing to a string cannot fail.
    let _ =
        writeln!(text, "{:widest$}  {:21}  {:>9}  {:>9}  {:>9}", "file", "format", "rows", "used", "refused");
    for Outcome { path, format, rows, used, refused } in &imported.files {
        let sum: u64 = refused.values().sum();
        let _ = writeln!(text, "{path:widest$}  {format:21}  {rows:>9}  {used:>9}  {sum:>9}");
        let mut reasons: Vec<_> = refused.iter().collect();
        reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), **reason));
        for (reason, count) in reasons {
            let label = reason.words();
            let gap = (widest + 47).saturating_sub(label.chars().count());
            let _ = writeln!(text, "{:gap$}{label}  {count:>9}", "");
        }
    }
    let _ = writeln!(
        text,
        "\n{:22}  {:>9}  {:>9}  {:>9}  {:>9}",
        "snapshot", "rows", "added", "changed", "removed"
    );
    for Change { file, rows, added, changed, removed } in &imported.changes {
        if imported.snapshot.text(file).is_none() {
            continue;
        }
        let _ = writeln!(text, "{file:22}  {rows:>9}  {added:>9}  {changed:>9}  {removed:>9}");
    }
    text
}
