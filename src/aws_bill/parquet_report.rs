//! Cost and Usage Reports as Parquet, which Data Exports write by default.

use std::fs::File;

use polars::prelude::{ArrowSchema, ParquetReader, PlSmallStr, SerReader};

use super::Collector;
use super::columns::{COUNT, NAMES, Places, Row};
use super::read::no_report;
use crate::error::{Diagnostic, Diagnostics, Error, Result};
use crate::trace::parquet_cells::{each_cell, guarded, is_plausible, is_readable};

/// Rows that are looked at together.
const CHUNK: usize = 1 << 16;

/// Reads a report; `name` is the file's in messages.
pub(super) fn read(name: &str, file: File, into: &mut Collector) -> Result<()> {
    let damaged = || -> Error {
        Diagnostic::new(name, "the Parquet file is damaged").hint("export the report again").into()
    };
    let size = file.metadata().map_or(u64::MAX, |metadata| metadata.len());
    let mut reader = ParquetReader::new(file);
    if !guarded(name, || is_plausible(&mut reader, size))? {
        return Err(damaged());
    }
    let schema = guarded(name, || reader.schema())?;
    let places = Places::find(schema.iter_names().map(PlSmallStr::as_str))
        .map_err(|missing| no_report(name, &missing, schema.iter_names().next().map(PlSmallStr::as_str)))?;
    check_types(name, &schema, &places)?;
    // Other columns may be of types that cannot be read, such as the maps of tags.
    let mut chosen: Vec<usize> = places.0.iter().flatten().copied().collect();
    chosen.sort_unstable();
    chosen.dedup();
    let frame = guarded(name, || reader.with_projection(Some(chosen)).finish())?;
    let columns: Vec<Option<usize>> = NAMES
        .iter()
        .enumerate()
        .map(|(column, _)| {
            let wanted = schema.iter_names().nth(places.0[column]?)?;
            frame.columns().iter().position(|found| found.name() == wanted)
        })
        .collect();
    let mut errors = Diagnostics::default();
    for first in (0..frame.height()).step_by(CHUNK) {
        let chunk = frame.slice(first as i64, CHUNK);
        let mut cells: Vec<Vec<String>> = vec![Vec::new(); COUNT];
        for (column, place) in columns.iter().enumerate() {
            let Some(place) = place else { continue };
            let texts = &mut cells[column];
            texts.resize(chunk.height(), String::new());
            let series = chunk.columns()[*place].as_materialized_series();
            let read = each_cell(series, false, &mut |row, text| {
                if let Ok(text) = text {
                    text.clone_into(&mut texts[row]);
                }
            });
            read.map_err(|_| damaged())?;
        }
        for row in 0..chunk.height() {
            let mut texts = [""; COUNT];
            for (text, column) in texts.iter_mut().zip(&cells) {
                *text = column.get(row).map_or("", |text| text.trim());
            }
            match Row(texts).line() {
                Ok((line, covered_at_list)) => {
                    into.bill.covered_at_list |= covered_at_list;
                    into.add(&line);
                }
                Err(bad) => {
                    let place = places.0[bad.column as usize].unwrap_or(0) as u64 + 1;
                    let mut diagnostic =
                        Diagnostic::new(name, bad.message).at((first + row) as u64 + 1, place);
                    diagnostic.text =
                        Some(texts[bad.column as usize].to_owned()).filter(|text| !text.is_empty());
                    diagnostic.hint = bad.hint.map(str::to_owned);
                    errors.push(diagnostic);
                }
            }
        }
    }
    errors.into_result(())
}

fn check_types(name: &str, schema: &ArrowSchema, places: &Places) -> Result<()> {
    let mut errors = Diagnostics::default();
    let types: Vec<_> = schema.iter_values().map(polars::prelude::ArrowField::dtype).collect();
    for (column, place) in places.0.iter().enumerate() {
        let Some(dtype) = place.and_then(|place| types.get(place)) else { continue };
        if !is_readable(dtype) {
            let message = format!("{} has the type {dtype:?}", NAMES[column]);
            let hint = "export it as a text, a number or a timestamp";
            errors.push(Diagnostic::new(name, message).hint(hint));
        }
    }
    errors.into_result(())
}
