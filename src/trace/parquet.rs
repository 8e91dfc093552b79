//! Traces as Parquet, through polars: for people who keep their history in data frames.
//!
//! Every value goes through the same text rules as CSV, so that the two formats cannot come to differ in what
//! they accept. Rows are numbered from 1 in errors; columns by their place in the file.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use polars::prelude::{
    ArrowDataType, ArrowSchema, BooleanChunked, Column, DataFrame, DataType, Float64Chunked, Int64Chunked,
    IntoColumn, NewChunkedArray, ParquetReader, ParquetWriter, PlSmallStr, PolarsError, PolarsResult,
    SerReader, Series, StringChunked, TimeUnit, TimeZone,
};

use super::cell::Refusal;
use super::header::{self, Target};
use super::row::{self, Notes};
use super::schema::{Field, Store};
use super::times::{in_range, print_time};
use super::write::{Layout, Written};
use super::{Place, ReadOptions, Trace};
use crate::error::{Diagnostic, Diagnostics, Error, Result, SHOWN};
use crate::guard;

/// The file being read.
pub(super) struct Source<'a> {
    pub name: &'a str,
    /// Index in [`Trace::files`].
    pub index: u32,
    pub options: ReadOptions,
}

/// Reads one Parquet file into the trace; gives the number of rows.
pub(super) fn read(source: &Source, file: File, trace: &mut Trace, notes: &mut Notes) -> Result<u64> {
    let size = file.metadata().map_or(u64::MAX, |metadata| metadata.len());
    let mut reader = ParquetReader::new(file);
    if !guarded(source.name, || is_plausible(&mut reader, size))? {
        return Err(damaged(source.name, "the Parquet file is damaged"));
    }
    let schema = guarded(source.name, || reader.schema())?;
    let targets = targets(source, &schema, trace, notes)?;
    // Only what can be read is asked for: polars panics over the types that it was built without.
    let chosen: Vec<usize> =
        (0..targets.len()).filter(|index| !matches!(targets[*index], Target::Ignored)).collect();
    let frame = guarded(source.name, || reader.with_projection(Some(chosen.clone())).finish())?;

    let rows = frame.height();
    if rows == 0 {
        return Err(Diagnostic::new(source.name, "there are no rows in the file").into());
    }
    let first = trace.rows();
    let mut faults = Faults::default();
    for (&index, column) in chosen.iter().zip(frame.columns()) {
        let series = column.as_materialized_series();
        read_column(source, series, &targets[index], first, trace, &mut |row, name, text, refusal| {
            faults.push(row, index, name, text, refusal);
        })
        .map_err(|error| unreadable(source.name, &error))?;
    }
    for row in 0..rows {
        let line = u32::try_from(row + 1).unwrap_or(u32::MAX);
        trace.place.push(Place { file: source.index, line });
    }
    for row in 0..rows {
        if faults.rows.contains(&row) {
            continue;
        }
        if let Err(error) = row::finish(trace, first + row, source.options, notes) {
            let index = header::position(&targets, error.field).unwrap_or(0);
            let name = targets[index].name();
            let mut text = Vec::new();
            error.field.print(trace, first + row, false, &mut text);
            faults.push(row, index, name, &String::from_utf8_lossy(&text), error.refusal);
        }
    }
    faults.into_diagnostics(source.name).into_result(rows as u64)
}

/// Calls polars, which panics over some damage instead of reporting it.
pub(crate) fn guarded<T>(name: &str, call: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    match guard::catch(call) {
        Some(result) => result.map_err(|error| unreadable(name, &error)),
        None => Err(damaged(name, "the Parquet file is damaged")),
    }
}

fn unreadable(name: &str, error: &PolarsError) -> Error {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    damaged(name, format!("the Parquet file cannot be read: {first}"))
}

fn damaged(name: &str, message: impl Into<String>) -> Error {
    Diagnostic::new(name, message).hint("make the file anew or copy it again").into()
}

/// Whether the footer can be true of a file of `size` bytes. polars reserves memory for as many rows as the footer
/// promises, and a reservation that fails cannot be caught.
pub(crate) fn is_plausible(reader: &mut ParquetReader<File>, size: u64) -> PolarsResult<bool> {
    /// Far more than task ids and times, of which no two rows have the same, can be compressed to.
    const ROWS_PER_BYTE: u64 = 1_024;
    let metadata = reader.get_metadata()?;
    let groups = &metadata.row_groups;
    let rows = groups.iter().try_fold(0usize, |sum, group| sum.checked_add(group.num_rows()));
    let is_inside = |offset: i64, length: i64| {
        let end = offset.checked_add(length).and_then(|end| u64::try_from(end).ok());
        offset >= 0 && length >= 0 && end.is_some_and(|end| end <= size)
    };
    let chunks_fit = groups.iter().all(|group| {
        group.parquet_columns().iter().all(|column| {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let is_flat = column.descriptor().descriptor.max_rep_level == 0;
            is_inside(start, column.compressed_size())
                && (!is_flat || usize::try_from(column.num_values()) == Ok(group.num_rows()))
        })
    });
    let promised = metadata.num_rows as u64;
    Ok(rows == Some(metadata.num_rows) && promised <= size.saturating_mul(ROWS_PER_BYTE) && chunks_fit)
}

/// Resolves the names, and checks that each column's type can hold what the format has there.
fn targets(
    source: &Source,
    schema: &ArrowSchema,
    trace: &mut Trace,
    notes: &mut Notes,
) -> Result<Vec<Target>> {
    let names: Vec<&str> = schema.iter_names().map(PlSmallStr::as_str).collect();
    let readable: Vec<bool> = schema.iter_values().map(|field| is_readable(field.dtype())).collect();
    let labels = &mut |name: &str| {
        let index = names.iter().position(|other| *other == name);
        let set = if index.is_some_and(|i| readable[i]) { &mut notes.unknown } else { &mut notes.unreadable };
        set.insert(name.to_owned());
    };
    let mut errors = Diagnostics::default();
    let mut targets = match header::resolve(&names, trace, labels) {
        Ok(targets) => targets,
        Err(found) => {
            for error in found {
                let mut diagnostic = Diagnostic::new(source.name, error.message);
                diagnostic.hint = error.hint;
                errors.push(diagnostic);
            }
            return Err(Error::Input(errors));
        }
    };
    for (index, field) in schema.iter_values().enumerate() {
        let wanted = match &targets[index] {
            Target::TaskId => Store::Text,
            Target::Field(field, _) => field.store(),
            Target::Label(_) | Target::Ignored if readable[index] => continue,
            Target::Label(_) | Target::Ignored => {
                targets[index] = Target::Ignored;
                continue;
            }
        };
        if !(readable[index] && fits(field.dtype(), wanted)) {
            let message = format!("{} has the type {:?}", names[index], field.dtype());
            errors.push(Diagnostic::new(source.name, message).hint(wanted_type(wanted)));
        }
    }
    errors.into_result(targets)
}

fn is_text(dtype: &ArrowDataType) -> bool {
    use ArrowDataType::*;
    match dtype {
        Utf8 | LargeUtf8 | Utf8View => true,
        Dictionary(_, values, _) => matches!(**values, Utf8 | LargeUtf8 | Utf8View),
        _ => false,
    }
}

fn is_integer(dtype: &ArrowDataType) -> bool {
    matches!(
        dtype,
        ArrowDataType::Int32 | ArrowDataType::Int64 | ArrowDataType::UInt32 | ArrowDataType::UInt64
    )
}

pub(crate) fn is_readable(dtype: &ArrowDataType) -> bool {
    use ArrowDataType::*;
    is_text(dtype)
        || is_integer(dtype)
        || matches!(dtype, Null | Boolean | Float32 | Float64 | Timestamp(_, _) | Date64)
}

fn fits(dtype: &ArrowDataType, wanted: Store) -> bool {
    use ArrowDataType::*;
    if is_text(dtype) || *dtype == Null {
        return true;
    }
    match wanted {
        Store::Text | Store::Boolean => is_integer(dtype) || *dtype == Boolean,
        Store::Time => matches!(dtype, Timestamp(_, _) | Date64),
        Store::Integer | Store::Number => is_integer(dtype) || matches!(dtype, Float32 | Float64),
    }
}

fn wanted_type(wanted: Store) -> &'static str {
    match wanted {
        Store::Text => "make it a string",
        Store::Time => "make it a timestamp, or a string with an RFC 3339 time",
        Store::Integer => "make it a 32-bit or 64-bit integer",
        Store::Number => "make it a 32-bit or 64-bit number",
        Store::Boolean => "make it a boolean",
    }
}

type Refuse<'a> = dyn FnMut(usize, &'static str, &str, Refusal) + 'a;

fn read_column(
    source: &Source,
    series: &Series,
    target: &Target,
    first: usize,
    trace: &mut Trace,
    refuse: &mut Refuse,
) -> PolarsResult<()> {
    let zone = source.options.timezone;
    let mut next = 0;
    each_cell(series, zone.is_some(), &mut |row, text| {
        // CSV could not hold it.
        let has_nul = text.as_ref().is_ok_and(|text| text.contains('\0'));
        let text = if has_nul { Err(Refusal::new("has a NUL byte in it")) } else { text };
        match (target, text) {
            (Target::TaskId, text) => {
                if let Err(refusal) = &text {
                    refuse(row, target.name(), "", refusal.clone());
                }
                // Rows without a task id are refused when the row is finished.
                (next..row).for_each(|_| trace.task_id.push(""));
                trace.task_id.push(text.unwrap_or_default());
                next = row + 1;
            }
            (Target::Field(field, rule), Ok(text)) if !text.is_empty() => {
                if let Err(refusal) = field.read(trace, first + row, text, rule, zone) {
                    refuse(row, rule.name, text, refusal);
                }
            }
            (Target::Field(..) | Target::Label(_), Err(refusal)) => refuse(row, target.name(), "", refusal),
            (Target::Label(label), Ok(text)) if !text.is_empty() => {
                let word = trace.words.intern(text);
                trace.unknown[*label].1.set(first + row, word);
            }
            (Target::Field(..) | Target::Label(_) | Target::Ignored, _) => {}
        }
    })?;
    if matches!(target, Target::TaskId) {
        (next..series.len()).for_each(|_| trace.task_id.push(""));
    }
    Ok(())
}

pub(crate) type Visit<'a> = dyn FnMut(usize, std::result::Result<&str, Refusal>) + 'a;

/// Calls `visit` with row and text of every cell that has a value. `local` says that times without a zone are
/// in the user's zone; otherwise they are in UTC.
pub(crate) fn each_cell(series: &Series, local: bool, visit: &mut Visit) -> PolarsResult<()> {
    fn print<T: ToString>(cells: impl Iterator<Item = Option<T>>, visit: &mut Visit) {
        for (row, cell) in cells.enumerate() {
            if let Some(cell) = cell {
                visit(row, Ok(&cell.to_string()));
            }
        }
    }
    match series.dtype() {
        DataType::String => {
            for (row, cell) in series.str()?.iter().enumerate() {
                if let Some(text) = cell {
                    visit(row, Ok(text));
                }
            }
        }
        DataType::Categorical(..) | DataType::Enum(..) => {
            return each_cell(&series.cast(&DataType::String)?, local, visit);
        }
        DataType::Boolean => print(series.bool()?.iter(), visit),
        DataType::Int32 => print(series.i32()?.iter(), visit),
        DataType::Int64 => print(series.i64()?.iter(), visit),
        DataType::UInt32 => print(series.u32()?.iter(), visit),
        DataType::UInt64 => print(series.u64()?.iter(), visit),
        DataType::Float32 => print(series.f32()?.iter(), visit),
        DataType::Float64 => print(series.f64()?.iter(), visit),
        DataType::Datetime(unit, zone) => {
            let per_ms = match unit {
                TimeUnit::Milliseconds => 1,
                TimeUnit::Microseconds => 1_000,
                TimeUnit::Nanoseconds => 1_000_000,
            };
            let local = local && zone.is_none();
            let mut text = Vec::new();
            for (row, cell) in series.to_physical_repr().i64()?.iter().enumerate() {
                let Some(time) = cell else { continue };
                match in_range(divide_half_even(time, per_ms)) {
                    Ok(time) => {
                        text.clear();
                        print_time(time, &mut text);
                        if local {
                            text.pop();
                        }
                        visit(row, Ok(std::str::from_utf8(&text).unwrap_or_default()));
                    }
                    Err(refusal) => visit(row, Err(refusal)),
                }
            }
        }
        // All cells are empty; other types are not asked for.
        _ => {}
    }
    Ok(())
}

fn divide_half_even(value: i64, by: i64) -> i64 {
    let (whole, rest) = (value.div_euclid(by), value.rem_euclid(by));
    whole + i64::from(rest * 2 > by || (rest * 2 == by && whole % 2 != 0))
}

/// What was refused, to be told in the order of rows although the file is read by columns.
#[derive(Default)]
struct Faults {
    found: Vec<Fault>,
    rows: BTreeSet<usize>,
    total: usize,
    in_column: (usize, usize),
}

struct Fault {
    row: usize,
    index: usize,
    message: String,
    text: String,
    hint: Option<String>,
}

impl Faults {
    fn push(&mut self, row: usize, index: usize, name: &str, text: &str, refusal: Refusal) {
        self.total += 1;
        self.rows.insert(row);
        if self.in_column.0 != index {
            self.in_column = (index, 0);
        }
        self.in_column.1 += 1;
        // The first of each column are enough to know the first of all.
        if self.in_column.1 <= SHOWN {
            let message = format!("{name} {}", refusal.message);
            self.found.push(Fault { row, index, message, text: text.to_owned(), hint: refusal.hint });
        }
    }

    fn into_diagnostics(mut self, file: &str) -> Diagnostics {
        self.found.sort_by_key(|fault| (fault.row, fault.index));
        let mut diagnostics = Diagnostics::default();
        for fault in self.found.into_iter().take(SHOWN) {
            let mut diagnostic =
                Diagnostic::new(file, fault.message).at(fault.row as u64 + 1, fault.index as u64 + 1);
            diagnostic.text = (!fault.text.is_empty()).then_some(fault.text);
            diagnostic.hint = fault.hint;
            diagnostics.push(diagnostic);
        }
        while diagnostics.total() < self.total {
            diagnostics.push(Diagnostic::new("", ""));
        }
        diagnostics
    }
}

/// Writes `trace` in file order: times in UTC, requests as integers, words as strings, only columns that have
/// values. The file appears when it is whole.
pub fn write(trace: &Trace, path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("write", path, error);
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    #[expect(clippy::disallowed_methods, reason = "writing trace files is what this module is for")]
    {
        let file = File::create(&partial).map_err(failed)?;
        write_to(trace, file).map_err(failed)?;
        std::fs::rename(&partial, path).map_err(failed)
    }
}

/// As [`write`], to anything that takes bytes.
pub fn write_to(trace: &Trace, out: impl std::io::Write) -> std::io::Result<()> {
    let layout = Layout::of(trace);
    let rows = 0..trace.rows();
    let mut columns: Vec<Column> = layout.fields.iter().map(|written| column(trace, *written)).collect();
    for (name, words) in &layout.labels {
        let cells = rows.clone().map(|row| words.get(row).map(|word| trace.words.get(word)));
        columns.push(StringChunked::from_iter_options(name.as_str().into(), cells).into_column());
    }
    let mut frame = DataFrame::new_infer_height(columns).map_err(std::io::Error::other)?;
    ParquetWriter::new(out).finish(&mut frame).map(drop).map_err(std::io::Error::other)
}

fn column(trace: &Trace, written: Written) -> Column {
    let Written { field, quantity } = written;
    let name = PlSmallStr::from_static(written.name());
    let rows = 0..trace.rows();
    let mut integers = rows.clone().map(|row| field.integer(trace, row, quantity));
    match field.store() {
        Store::Text => {
            let cells = rows.map(|row| {
                let mut text = Vec::new();
                field.print(trace, row, quantity, &mut text);
                let text = String::from_utf8(text).unwrap_or_default();
                (field == Field::TaskId || !text.is_empty()).then_some(text)
            });
            StringChunked::from_iter_options(name, cells).into_column()
        }
        Store::Time => Int64Chunked::from_iter_options(name, &mut integers)
            .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
            .into_column(),
        Store::Integer => Int64Chunked::from_iter_options(name, &mut integers).into_column(),
        Store::Number => {
            let numbers = rows.map(|row| field.number(trace, row));
            Float64Chunked::from_iter_options(name, numbers).into_column()
        }
        Store::Boolean => {
            BooleanChunked::from_iter_options(name, integers.map(|cell| cell.map(|value| value != 0)))
                .into_column()
        }
    }
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;
