//! Reading text record by record: lines of JSON, a JSON document, a table, or a whole small file.
//!
//! A record may not be larger than [`LARGEST_RECORD`]: files are of any size, and what is kept of them is not.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use csv::StringRecord;

use crate::error::{Diagnostic, Error, Result};
use crate::trace::open::{self, Text};

/// A Digdag attempt of ten thousand tasks has some 30 MB.
pub(super) const LARGEST_RECORD: u64 = 256 << 20;

const BUFFER: usize = 128 << 10;

/// Counts what was read since the last record began, and stops where no record can be so large.
pub(super) struct Bounded<'a> {
    text: Text<'a>,
    since: Rc<Cell<u64>>,
}

/// Says when a record begins.
#[derive(Clone)]
pub(super) struct Mark(Rc<Cell<u64>>);

impl Mark {
    pub fn record(&self) {
        self.0.set(0);
    }
}

impl<'a> Bounded<'a> {
    pub fn new(text: Text<'a>) -> (Self, Mark) {
        let since = Rc::new(Cell::new(0));
        (Self { text, since: Rc::clone(&since) }, Mark(since))
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(buffer)?;
        self.since.set(self.since.get() + count as u64);
        if self.since.get() > LARGEST_RECORD {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, TooLarge));
        }
        Ok(count)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a record is larger than 256 MiB")]
struct TooLarge;

/// What stays of a file that is being read, to say where it is wrong.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub name: String,
    gzip: bool,
}

impl Origin {
    pub fn of(text: &Text) -> Self {
        Self { name: text.name.clone(), gzip: text.is_gzip() }
    }

    pub fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.name, message)
    }

    pub fn failed(&self, line: u64, error: io::Error) -> Error {
        self.failed_or(line, error, "no format has records of that size: is the file what it should be?")
    }

    /// The same, with what to do where the file is too large.
    fn failed_or(&self, line: u64, error: io::Error, hint: &str) -> Error {
        if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLarge>) {
            return self.diagnostic(error.to_string()).line(line).hint(hint).into();
        }
        open::unreadable(&self.name, line, error, self.gzip)
    }

    /// An error of JSON whose first line is line `first` of the file.
    pub fn bad_json(&self, first: u64, error: serde_json::Error) -> Error {
        let line = first + (error.line() as u64).saturating_sub(1);
        if error.is_io() {
            return self.failed(line, error.into());
        }
        let full = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = full.strip_suffix(&place).unwrap_or(&full);
        let diagnostic = self.diagnostic(message).at(line, (error.column() as u64).max(1));
        if error.is_eof() {
            return diagnostic.hint("the file ends early: export it again").into();
        }
        diagnostic.into()
    }
}

/// Line after line, in one reused buffer; blank lines are passed over.
pub(super) struct Lines<'a> {
    pub origin: Origin,
    reader: BufReader<Bounded<'a>>,
    mark: Mark,
    buffer: Vec<u8>,
    line: u64,
}

impl<'a> Lines<'a> {
    pub fn new(text: Text<'a>) -> Self {
        let origin = Origin::of(&text);
        let (bounded, mark) = Bounded::new(text);
        Self { origin, reader: BufReader::with_capacity(BUFFER, bounded), mark, buffer: Vec::new(), line: 0 }
    }

    /// The next line without its end, and its number from 1.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        loop {
            self.mark.record();
            self.buffer.clear();
            let read = self.reader.read_until(b'\n', &mut self.buffer);
            if read.map_err(|error| self.origin.failed(self.line + 1, error))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            let length = self.buffer.trim_ascii_end().len();
            if length > 0 {
                return Ok(Some((self.line, &self.buffer[..length])));
            }
        }
    }
}

/// A JSON document that streams by.
pub(super) type Json<'a> = serde_json::Deserializer<serde_json::de::IoRead<BufReader<Bounded<'a>>>>;

/// Reads JSON documents that stand one after the other, on lines of their own or not; `read` reads one of them.
pub(super) fn json_documents(
    text: Text,
    mut read: impl FnMut(&mut Json, &Mark) -> serde_json::Result<()>,
) -> Result<()> {
    let origin = Origin::of(&text);
    let (bounded, mark) = Bounded::new(text);
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER, bounded));
    loop {
        match json.end() {
            Ok(()) => return Ok(()),
            // Something follows, so there is another document.
            Err(error) if error.is_syntax() => {}
            Err(error) => return Err(origin.bad_json(1, error)),
        }
        mark.record();
        read(&mut json, &mark).map_err(|error| origin.bad_json(1, error))?;
    }
}

/// The keys of an object so far, of which none may be there twice.
#[derive(Default)]
pub(super) struct Keys(BTreeSet<String>);

impl Keys {
    pub fn add(&mut self, key: &str) -> std::result::Result<(), String> {
        if self.0.insert(key.to_owned()) { Ok(()) } else { Err(format!("{key} is there twice")) }
    }
}

/// All of a file that is one record, as text.
pub(super) fn whole(text: Text) -> Result<String> {
    whole_or(text, "no format has records of that size: is the file what it should be?")
}

/// The same, with what to do where the file is too large.
pub(super) fn whole_or(text: Text, hint: &str) -> Result<String> {
    let origin = Origin::of(&text);
    let (mut bounded, _) = Bounded::new(text);
    let mut bytes = Vec::new();
    bounded.read_to_end(&mut bytes).map_err(|error| origin.failed_or(1, error, hint))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count() as u64;
        origin.diagnostic("this is not UTF-8 text").line(line).hint("save the file as UTF-8").into()
    })
}

/// A table with a header, row after row.
pub(super) struct Table<'a> {
    pub origin: Origin,
    /// The names of the columns, without blanks around them.
    pub header: Vec<String>,
    reader: csv::Reader<Bounded<'a>>,
    mark: Mark,
    record: StringRecord,
    line: u64,
}

impl<'a> Table<'a> {
    /// Reads the header of a table whose columns commas or tabs separate, as `Shape` tells them apart.
    pub fn detect(mut text: Text<'a>) -> Result<Self> {
        let head = text.head(64 << 10)?;
        let first = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
        let is_tabs = first.is_some_and(|line| line.contains(&b'\t') && !line.contains(&b','));
        Self::new(text, if is_tabs { b'\t' } else { b',' })
    }

    /// Reads the header.
    pub fn new(text: Text<'a>, separator: u8) -> Result<Self> {
        let origin = Origin::of(&text);
        let (bounded, mark) = Bounded::new(text);
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .buffer_capacity(BUFFER)
            .from_reader(bounded);
        let mut table =
            Self { origin, header: Vec::new(), reader, mark, record: StringRecord::new(), line: 0 };
        if !table.next()? {
            return Err(table.origin.diagnostic("the file is empty").into());
        }
        table.header = table.record.iter().map(|name| name.trim().to_owned()).collect();
        Ok(table)
    }

    /// Where a column is.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// Goes to the next row; false at the end.
    pub fn next(&mut self) -> Result<bool> {
        self.mark.record();
        let fallback = self.reader.position().line();
        let more = self.reader.read_record(&mut self.record).map_err(|error| {
            let line = error.position().map_or(fallback, csv::Position::line);
            match error.into_kind() {
                csv::ErrorKind::Io(error) => self.origin.failed(line, error),
                csv::ErrorKind::Utf8 { .. } => self
                    .origin
                    .diagnostic("this is not UTF-8 text")
                    .line(line)
                    .hint("save the file as UTF-8")
                    .into(),
                other => self.origin.diagnostic(format!("{other:?}")).line(line).into(),
            }
        })?;
        if !more {
            return Ok(false);
        }
        self.line = self.record.position().map_or(fallback, csv::Position::line);
        if !self.header.is_empty() && self.record.len() != self.header.len() {
            let message =
                format!("this row has {} fields, the header {}", self.record.len(), self.header.len());
            return Err(self.origin.diagnostic(message).line(self.line).into());
        }
        Ok(true)
    }

    /// The cell of the current row; the empty text where there is no such column.
    pub fn get(&self, column: Option<usize>) -> &str {
        column.and_then(|column| self.record.get(column)).unwrap_or_default()
    }

    /// The current row.
    pub fn record(&self) -> &StringRecord {
        &self.record
    }

    /// The current row's line, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What is wrong with the cell of `column` in the current row.
    pub fn wrong(&self, column: Option<usize>, message: impl std::fmt::Display) -> Diagnostic {
        let name = column.and_then(|column| self.header.get(column)).map_or("", String::as_str);
        self.origin.diagnostic(format!("{name} {message}")).line(self.line).text(self.get(column))
    }
}
