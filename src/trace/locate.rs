//! Finds the place of a cell again, for mistakes that show only once all rows are known.
//!
//! A trace in memory keeps the line of each row but not where its cells stand, which a million good rows would
//! pay for. When something is wrong the file is simply read a second time.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;

use super::Trace;
use super::read_csv::CsvFile;
use super::schema::Field;
use crate::error::{Diagnostic, Diagnostics, SHOWN};

/// Something wrong with a row, and which of its columns says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    pub row: u32,
    /// Canonical name of the column.
    pub field: &'static str,
    pub message: String,
    pub text: Option<String>,
    pub hint: Option<String>,
}

/// Turns `problems` into errors with file, line and, where the file can be read again, column.
pub fn locate(trace: &Trace, problems: Vec<RowProblem>) -> Diagnostics {
    let shown = &problems[..problems.len().min(SHOWN)];
    let mut columns = vec![None; shown.len()];
    for (index, file) in trace.files.iter().enumerate() {
        let mut wanted: Vec<(u64, usize)> = Vec::new();
        for (number, problem) in shown.iter().enumerate() {
            let place = trace.place[problem.row as usize];
            if place.file as usize == index {
                wanted.push((u64::from(place.line), number));
            }
        }
        wanted.sort_unstable();
        if !wanted.is_empty() && file.path != "-" && !file.is_native {
            // A file that has changed or gone in the meantime costs the column, not the message.
            let _ = find_columns(Path::new(&file.path), &wanted, shown, &mut columns);
        }
    }
    let mut diagnostics = Diagnostics::default();
    for (number, problem) in problems.into_iter().enumerate() {
        let place = trace.place[problem.row as usize];
        let mut diagnostic = Diagnostic::new(trace.file_of(problem.row as usize), problem.message);
        diagnostic = match columns.get(number).copied().flatten() {
            Some((line, column)) => diagnostic.at(line, column),
            // Lines of other formats may mean nothing.
            None if place.line == 0 => diagnostic,
            None => diagnostic.line(u64::from(place.line)),
        };
        diagnostic.text = problem.text;
        diagnostic.hint = problem.hint;
        diagnostics.push(diagnostic);
    }
    diagnostics
}

/// Reads the CSV file at `path` again up to the last of the `wanted` (line, problem) pairs, which are sorted.
fn find_columns(
    path: &Path,
    wanted: &[(u64, usize)],
    problems: &[RowProblem],
    columns: &mut [Option<(u64, u64)>],
) -> Option<()> {
    #[expect(clippy::disallowed_methods, reason = "reading trace files is what this module is for")]
    let open = || File::open(path).ok();
    let mut magic = Vec::new();
    open()?.take(4).read_to_end(&mut magic).ok()?;
    if magic.starts_with(b"PAR1") {
        return None; // A row of Parquet has no line and no column.
    }
    let input: Box<dyn Read> = if magic.starts_with(&[0x1F, 0x8B]) {
        Box::new(MultiGzDecoder::new(open()?))
    } else {
        Box::new(open()?)
    };
    let mut csv = CsvFile::new("", 0, input);
    let mut record = ByteRecord::new();
    csv.next(&mut record).ok()??;
    let header: Vec<Option<&'static str>> = record
        .iter()
        .map(|name| {
            let name = std::str::from_utf8(name).ok()?.trim_start_matches('\u{FEFF}');
            Field::find(name).map(|(field, _)| field.name())
        })
        .collect();
    let mut wanted = wanted.iter().peekable();
    while wanted.peek().is_some() {
        let start = csv.next(&mut record).ok()??;
        while let Some((_, number)) = wanted.next_if(|(line, _)| *line <= start.line) {
            let field = header.iter().position(|name| *name == Some(problems[*number].field));
            columns[*number] = field.map(|index| csv.place(start, index));
        }
    }
    Some(())
}
