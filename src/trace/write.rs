//! The canonical form of a trace: as CSV, and as the hash by which reports name their input.

use std::cmp::Ordering;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::Trace;
use super::columns::{Column, Word};
use super::schema::Field;
use crate::units::Memory;

/// Which columns are written, and in which form.
pub(super) struct Layout<'a> {
    pub fields: Vec<Written>,
    /// Labels by name, so that the order of files does not show.
    pub labels: Vec<&'a (String, Column<Word>)>,
}

#[derive(Clone, Copy)]
pub(super) struct Written {
    pub field: Field,
    /// In bytes under the alias: some value of the column is no whole number of MiB.
    pub quantity: bool,
}

impl Written {
    pub fn name(self) -> &'static str {
        self.field.rule(self.quantity).name
    }
}

impl<'a> Layout<'a> {
    pub fn of(trace: &'a Trace) -> Self {
        let fields = Field::ALL.iter().filter(|field| field.is_used(trace)).map(|&field| Written {
            field,
            quantity: memory(trace, field).is_some_and(|column| has_part_mib(column, trace.rows())),
        });
        let mut labels: Vec<_> = trace.unknown.iter().filter(|(_, column)| !column.is_empty()).collect();
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        Self { fields: fields.collect(), labels }
    }
}

fn memory(trace: &Trace, field: Field) -> Option<&Column<Memory>> {
    match field {
        Field::MemoryRequest => Some(&trace.memory_request),
        Field::MemoryLimit => Some(&trace.memory_limit),
        Field::EphemeralStorage => Some(&trace.ephemeral_storage),
        Field::ImageSize => Some(&trace.image_size),
        _ => None,
    }
}

fn has_part_mib(column: &Column<Memory>, rows: usize) -> bool {
    (0..rows).filter_map(|row| column.get(row)).any(|memory| memory.bytes() % (1 << 20) != 0)
}

/// Writes `trace` as canonical CSV in file order: only columns that have values, times in UTC, exact decimals.
pub fn write_csv(trace: &Trace, out: impl Write) -> io::Result<()> {
    write_rows(trace, 0..trace.rows(), out).map(drop)
}

/// Rows by submit time, then run, task and attempt: the order that does not depend on the files'.
pub fn canonical_order(trace: &Trace) -> Vec<u32> {
    let rows = u32::try_from(trace.rows()).expect("fewer than 2^32 rows fit in memory");
    let submit = |row: u32| trace.submit_time.get(row as usize).unwrap_or_default();
    let mut order: Vec<_> = (0..rows).map(|row| (submit(row), row)).collect();
    order.sort_unstable_by(|(time, a), (other, b)| {
        time.cmp(other).then_with(|| by_identity(trace, *a as usize, *b as usize)).then(a.cmp(b))
    });
    order.into_iter().map(|(_, row)| row).collect()
}

fn by_identity(trace: &Trace, a: usize, b: usize) -> Ordering {
    let run = |row| trace.words.get(trace.word(&trace.run_id, row));
    let attempt = |row| trace.attempt.get(row).unwrap_or(1);
    run(a)
        .cmp(run(b))
        .then_with(|| trace.task_id.get(a).cmp(trace.task_id.get(b)))
        .then_with(|| attempt(a).cmp(&attempt(b)))
}

/// The hash of the content in canonical order: the same for the same rows in any order, files and format.
pub fn sha256(trace: &Trace, order: &[u32]) -> String {
    let rows = order.iter().map(|row| *row as usize);
    let hasher = write_rows(trace, rows, Sha256::new()).expect("hashing does no input or output");
    format!("{:x}", hasher.finalize())
}

/// The hash of which tasks there are, in canonical order, whatever they ask for and however long they took.
pub fn tasks_sha256(trace: &Trace, order: &[u32]) -> String {
    let mut hasher = Sha256::new();
    for row in order.iter().map(|row| *row as usize) {
        let run = trace.words.get(trace.word(&trace.run_id, row));
        for text in [run, trace.task_id.get(row)] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        hasher.update(trace.attempt.get(row).unwrap_or(1).to_le_bytes());
    }
    format!("{:x}", hasher.finalize())
}

fn write_rows<W: Write>(trace: &Trace, rows: impl Iterator<Item = usize>, out: W) -> io::Result<W> {
    let layout = Layout::of(trace);
    let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(out);
    let fields = layout.fields.iter().map(|written| written.name());
    writer.write_record(fields.chain(layout.labels.iter().map(|(name, _)| name.as_str())))?;
    let mut cell = Vec::new();
    for row in rows {
        for written in &layout.fields {
            cell.clear();
            written.field.print(trace, row, written.quantity, &mut cell);
            writer.write_field(&cell)?;
        }
        for (_, column) in &layout.labels {
            writer.write_field(trace.words.get(trace.word(column, row)))?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}
