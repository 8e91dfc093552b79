//! From paths to a bill: what a file is, its content says, never its name.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::cost_explorer::{self, COMMAND, Pages};
use super::{AwsBill, BillFile, Collector, Scope, csv_report, parquet_report};
use crate::error::{Diagnostic, Diagnostics, Error, Result};

/// Reads files that together are one bill: pages or parts of it. Each may be an answer of Cost Explorer or a Cost and Usage
/// Report, as CSV (plain or with gzip) or Parquet.
pub fn read(paths: &[PathBuf], scope: Scope) -> Result<AwsBill> {
    let window = scope.window;
    let mut collector = Collector::new(scope);
    let mut pages = Pages::default();
    let mut errors = Diagnostics::default();
    for (index, path) in paths.iter().enumerate() {
        if paths[..index].contains(path) {
            let message = format!("{} is given twice: its usage would count twice", path.display());
            return Err(Error::usage(message, "give each file of the bill once"));
        }
        match file(path, &mut collector, &mut pages) {
            Ok(()) => {}
            Err(Error::Input(found)) => errors.append(found),
            Err(error) => return Err(error),
        }
    }
    errors.into_result(())?;
    let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    pages.check(&first)?;
    let formats: Vec<&str> = collector.bill.files.iter().map(|file| file.format).collect();
    if formats.iter().any(|format| *format != formats[0]) {
        let message = "the bill is of several formats at once, which may say the same thing twice";
        return Err(Error::usage(message, "give files of Cost Explorer, or of one report"));
    }
    let bill = collector.finish().ok_or_else(|| -> Error {
        let text = |time: crate::units::Time| {
            let time = chrono::DateTime::from_timestamp_millis(time.ms()).unwrap_or_default();
            time.format("%Y-%m-%dT%H:%MZ").to_string()
        };
        let message = format!(
            "the bill has no usage between {} and {}, which the trace covers",
            text(window.start),
            text(window.end)
        );
        Diagnostic::new(first.clone(), message).hint("give the bill of the time that the trace is of").into()
    })?;
    let elsewhere: Vec<String> = bill.elsewhere().into_iter().collect();
    if elsewhere.is_empty() {
        return Ok(bill);
    }
    // Zeros beside what is simulated would look like a difference of the workload.
    let message = format!(
        "the bill has nothing in {} that could be compared: its usage is in {}",
        bill.scope.region,
        elsewhere.join(", ")
    );
    let hint = "give the region of the cluster (--region), or the bill of its account";
    Err(Diagnostic::new(first, message).hint(hint).into())
}

fn file(path: &Path, collector: &mut Collector, pages: &mut Pages) -> Result<()> {
    let name = path.display().to_string();
    let failed = |error: std::io::Error| -> Error {
        if path.is_dir() {
            return Error::io("read", path, std::io::ErrorKind::IsADirectory.into());
        }
        Error::io("read", path, error)
    };
    #[expect(clippy::disallowed_methods, reason = "the user named this file")]
    let mut file = File::open(path).map_err(failed)?;
    let mut input = BufReader::with_capacity(1 << 18, &file);
    let start = input.fill_buf().map_err(failed)?;
    let push = |collector: &mut Collector, format| {
        collector.bill.files.push(BillFile { path: name.clone(), format, rows: 0 });
    };
    if start.starts_with(b"PAR1") {
        drop(input);
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        push(collector, REPORT);
        return parquet_report::read(&name, file, collector);
    }
    let mut input: Box<dyn BufRead> = if start.starts_with(b"\x1f\x8b") {
        Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(input)))
    } else {
        Box::new(input)
    };
    let start = input.fill_buf().map_err(|error| damaged(&name, &error))?;
    if start.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    let start = input.fill_buf().map_err(|error| damaged(&name, &error))?;
    match start.iter().find(|b| !b.is_ascii_whitespace()) {
        None => Err(Diagnostic::new(name, "the file is empty").hint("fetch it again").into()),
        Some(b'{' | b'[') => {
            push(collector, "Cost Explorer");
            cost_explorer::read(&name, input, collector, pages)
        }
        Some(_) => {
            push(collector, REPORT);
            csv_report::read(&name, input, collector)
        }
    }
}

const REPORT: &str = "Cost and Usage Report";

/// A file that ends early, or whose gzip data is damaged.
pub(super) fn damaged(name: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::new(name, format!("the file is damaged or ends early: {error}")).hint("fetch it again")
}

/// A table that is no Cost and Usage Report.
pub(super) fn no_report(name: &str, missing: &[&str], first: Option<&str>) -> Diagnostic {
    let message = format!("this is no Cost and Usage Report: it has no column {}", missing.join(", "));
    let mut diagnostic = Diagnostic::new(name, message).line(1).hint(format!(
        "give a report with these columns (or as lineItem/UsageAmount and so on), or the answer of: {COMMAND}"
    ));
    diagnostic.text = first.map(str::to_owned).filter(|text| !text.is_empty());
    diagnostic
}
