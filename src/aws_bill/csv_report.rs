//! Cost and Usage Reports as CSV, row by row: they can be larger than memory.

use std::io::BufRead;

use super::Collector;
use super::columns::{COUNT, Places, Row};
use super::read::{damaged, no_report};
use crate::error::{Diagnostic, Diagnostics, Result};

/// Reads a report. `name` is the file's in messages.
pub(super) fn read(name: &str, input: impl BufRead, into: &mut Collector) -> Result<()> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    let mut record = csv::StringRecord::new();
    let broken = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        match error.kind() {
            csv::ErrorKind::Io(error) => damaged(name, error),
            csv::ErrorKind::Utf8 { .. } => {
                Diagnostic::new(name, "this is not UTF-8 text").line(line).hint("export the report again")
            }
            _ => Diagnostic::new(name, format!("this is not CSV: {error}")).line(line),
        }
    };
    if !reader.read_record(&mut record).map_err(|error| broken(&error))? {
        return Err(Diagnostic::new(name, "the file is empty").hint("export the report again").into());
    }
    let places = Places::find(record.iter()).map_err(|missing| no_report(name, &missing, record.get(0)))?;
    let width = record.len();
    let mut errors = Diagnostics::default();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                errors.push(broken(&error));
                break;
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != width {
            let message = format!("this row has {} cells, the header has {width}", record.len());
            errors.push(
                Diagnostic::new(name, message).line(line).hint("the file may end early: fetch it again"),
            );
            continue;
        }
        let mut cells = [""; COUNT];
        for (cell, place) in cells.iter_mut().zip(&places.0) {
            *cell = place.and_then(|place| record.get(place)).unwrap_or_default().trim();
        }
        match Row(cells).line() {
            Ok((row, covered_at_list)) => {
                into.bill.covered_at_list |= covered_at_list;
                into.add(&row);
            }
            Err(bad) => {
                let place = places.0[bad.column as usize].unwrap_or(0);
                let mut diagnostic = Diagnostic::new(name, bad.message).at(line, column_of(&record, place));
                diagnostic.text = Some(cells[bad.column as usize].to_owned()).filter(|text| !text.is_empty());
                diagnostic.hint = bad.hint.map(str::to_owned);
                errors.push(diagnostic);
            }
        }
    }
    errors.into_result(())
}

/// Where a cell begins in its line, as if none were quoted.
fn column_of(record: &csv::StringRecord, place: usize) -> u64 {
    record.iter().take(place).map(|cell| cell.chars().count() as u64 + 1).sum::<u64>() + 1
}
