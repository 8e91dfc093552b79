//! Reads one CSV file into the trace: every cell once, from one reused record, without a string a row.

use std::io::{self, Read};

use csv::{ByteRecord, ErrorKind, Position};

use super::cell::Refusal;
use super::header::{self, Target};
use super::row::{self, Notes};
use super::window::{Window, is_end, is_unterminated, misquoted, place_of};
use super::{Place, ReadOptions, Trace};
use crate::error::{Diagnostic, Diagnostics, SHOWN};

/// One file being read.
pub(super) struct CsvFile<'a, R> {
    pub name: &'a str,
    /// Index in [`Trace::files`].
    pub index: u32,
    pub reader: csv::Reader<Window<R>>,
    pub errors: Diagnostics,
}

/// A record's place: line and offset of its first byte.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub line: u64,
    offset: u64,
}

impl<'a, R: Read> CsvFile<'a, R> {
    pub fn new(name: &'a str, index: u32, input: R) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(Window::new(input));
        Self { name, index, reader, errors: Diagnostics::default() }
    }

    /// Reads all rows; what is wrong with them is in `errors` afterwards. An error is one of the input itself.
    pub fn read(
        &mut self,
        trace: &mut Trace,
        options: ReadOptions,
        notes: &mut Notes,
    ) -> Result<u64, (u64, io::Error)> {
        let mut record = ByteRecord::new();
        let Some(start) = self.next(&mut record)? else {
            if self.errors.is_empty() {
                let hint = "the first line must name the columns";
                self.errors.push(Diagnostic::new(self.name, "the file is empty").hint(hint));
            }
            return Ok(0);
        };
        let Some(targets) = self.header(&record, start, trace, notes) else {
            return Ok(0);
        };
        let mut rows = 0;
        while let Some(start) = self.next(&mut record)? {
            if self.is_whole(&record, start, targets.len()) {
                self.row(&record, start, &targets, trace, options, notes);
            }
            rows += 1;
        }
        if rows == 0 && self.errors.is_empty() {
            self.errors.push(Diagnostic::new(self.name, "there are no rows after the header"));
        }
        Ok(rows)
    }

    /// Reads the next record; `None` at the end of the file.
    pub(super) fn next(&mut self, record: &mut ByteRecord) -> Result<Option<Start>, (u64, io::Error)> {
        let line = self.reader.position().line();
        let more = self.reader.read_byte_record(record).map_err(|error| match error.into_kind() {
            ErrorKind::Io(error) => (line, error),
            // Records of bytes of any length cannot be refused for anything else.
            other => (line, io::Error::other(format!("{other:?}"))),
        })?;
        if !more || is_end(record) {
            return Ok(None);
        }
        let start = self.start(record.position());
        self.reader.get_mut().keep_from(start.offset);
        if is_unterminated(record) {
            let index = record.len() - 1;
            let hint = "write a quote inside a quoted field as two quotes";
            let diagnostic = self.diagnostic(start, index, "this quote is never closed").hint(hint);
            self.errors.push(diagnostic);
            return Ok(None);
        }
        Ok(Some(start))
    }

    /// The CSV reader counts line ends and blank lines before a record as part of it.
    fn start(&self, position: Option<&Position>) -> Start {
        let (offset, line) = position.map_or((0, 1), |p| (p.byte(), p.line()));
        let raw = self.reader.get_ref().since(offset);
        let blank = raw.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let lines = raw[..blank].split(|byte| *byte == b'\n').count() - 1;
        Start { line: line + lines as u64, offset: offset + blank as u64 }
    }

    fn header(
        &mut self,
        record: &ByteRecord,
        start: Start,
        trace: &mut Trace,
        notes: &mut Notes,
    ) -> Option<Vec<Target>> {
        if !self.is_whole(record, start, record.len()) {
            return None;
        }
        let mut names = Vec::with_capacity(record.len());
        for (index, name) in record.iter().enumerate() {
            match std::str::from_utf8(name) {
                Ok(name) => names.push(name),
                Err(error) => self.not_utf8(record, start, index, error.valid_up_to()),
            }
        }
        if names.len() < record.len() {
            return None;
        }
        let labels = &mut |name: &str| {
            notes.unknown.insert(name.to_owned());
        };
        let errors = match header::resolve(&names, trace, labels) {
            Ok(targets) => return Some(targets),
            Err(errors) => errors,
        };
        for error in errors {
            let mut diagnostic = match error.index {
                Some(index) => self.diagnostic(start, index, error.message).text(names[index]),
                None => Diagnostic::new(self.name, error.message).line(start.line),
            };
            diagnostic.hint = error.hint;
            self.errors.push(diagnostic);
        }
        None
    }

    /// Whether the record has the right number of fields and no bytes that no text has.
    fn is_whole(&mut self, record: &ByteRecord, start: Start, columns: usize) -> bool {
        if let Some(at) = record.as_slice().iter().position(|byte| *byte == 0) {
            let ends = (0..record.len()).filter_map(|i| record.range(i)).map(|range| range.end);
            let index = ends.take_while(|end| *end <= at).count();
            let diagnostic = self
                .diagnostic(start, index, "a NUL byte stands in this field")
                .text(String::from_utf8_lossy(&record[index]))
                .hint("the file is damaged, or it is not UTF-8 text");
            self.errors.push(diagnostic);
            return false;
        }
        let end = self.reader.position().byte();
        let raw = self.reader.get_ref().since(start.offset);
        let length = usize::try_from(end.saturating_sub(start.offset)).unwrap_or(usize::MAX);
        if let Some(index) = misquoted(&raw[..length.min(raw.len())]) {
            let hint = "a quote may be missing above; a quote inside a quoted field is written as two";
            let diagnostic = self
                .diagnostic(start, index, "text follows the closing quote of this field")
                .text(String::from_utf8_lossy(&record[index]))
                .hint(hint);
            self.errors.push(diagnostic);
            return false;
        }
        if record.len() != columns {
            let (more, index) =
                if record.len() > columns { ("more", columns) } else { ("fewer", record.len() - 1) };
            let message =
                format!("the row has {} fields, {more} than the {columns} of the header", record.len());
            let lines = record.as_slice().contains(&b'\n');
            let hint = if lines {
                "a quote above may not be closed: fields of this row go over several lines"
            } else {
                "fields with a comma in them must stand in quotes"
            };
            let line = first_line(self.reader.get_ref().since(start.offset)).into_owned();
            let diagnostic = self.diagnostic(start, index, message).text(line).hint(hint);
            self.errors.push(diagnostic);
            return false;
        }
        true
    }

    fn row(
        &mut self,
        record: &ByteRecord,
        start: Start,
        targets: &[Target],
        trace: &mut Trace,
        options: ReadOptions,
        notes: &mut Notes,
    ) {
        let row = trace.rows();
        let before = self.errors.total();
        let zone = options.timezone;
        let mut task_id = "";
        for (index, (cell, target)) in record.iter().zip(targets).enumerate() {
            if cell.is_empty() {
                continue;
            }
            let text = match std::str::from_utf8(cell) {
                Ok(text) => text,
                Err(error) => {
                    self.not_utf8(record, start, index, error.valid_up_to());
                    continue;
                }
            };
            match target {
                Target::Field(field, rule) => {
                    if let Err(refusal) = field.read(trace, row, text, rule, zone) {
                        self.refuse(start, index, rule.name, text, refusal);
                    }
                }
                Target::TaskId => task_id = text,
                Target::Label(label) => {
                    let word = trace.words.intern(text);
                    trace.unknown[*label].1.set(row, word);
                }
                Target::Ignored => {}
            }
        }
        trace.task_id.push(task_id);
        trace.place.push(Place { file: self.index, line: u32::try_from(start.line).unwrap_or(u32::MAX) });
        if self.errors.total() > before {
            return;
        }
        if let Err(error) = row::finish(trace, row, options, notes) {
            let index = header::position(targets, error.field);
            let name = index.map_or(error.field.name(), |index| targets[index].name());
            let text = index.map_or("", |index| std::str::from_utf8(&record[index]).unwrap_or_default());
            self.refuse(start, index.unwrap_or(0), name, text, error.refusal);
        }
    }

    fn refuse(&mut self, start: Start, index: usize, name: &str, text: &str, refusal: Refusal) {
        // Beyond what is shown, errors are only counted: a million of them must not take minutes.
        if self.errors.total() >= SHOWN {
            self.errors.push(Diagnostic::new("", ""));
            return;
        }
        let mut diagnostic = self.diagnostic(start, index, format!("{name} {}", refusal.message));
        diagnostic.text = (!text.is_empty()).then(|| text.to_owned());
        diagnostic.hint = refusal.hint;
        self.errors.push(diagnostic);
    }

    fn not_utf8(&mut self, record: &ByteRecord, start: Start, index: usize, valid: usize) {
        let bad = record[index].get(valid).copied().unwrap_or_default();
        let diagnostic = self
            .diagnostic(start, index, format!("the byte 0x{bad:02X} in this field is not UTF-8"))
            .text(String::from_utf8_lossy(&record[index]))
            .hint("save the file as UTF-8");
        self.errors.push(diagnostic);
    }

    fn diagnostic(&self, start: Start, index: usize, message: impl Into<String>) -> Diagnostic {
        let (line, column) = self.place(start, index);
        Diagnostic::new(self.name, message).at(line, column)
    }

    /// Line and column of a field of the current record.
    pub(super) fn place(&self, start: Start, index: usize) -> (u64, u64) {
        let (lines, column) = place_of(self.reader.get_ref().since(start.offset), index);
        (start.line + lines, column)
    }
}

fn first_line(raw: &[u8]) -> std::borrow::Cow<'_, str> {
    let end = raw.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(raw.len());
    String::from_utf8_lossy(&raw[..end])
}
