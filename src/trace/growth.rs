//! How much more of each workflow a plan expects: factors by name, given one by one or in a CSV file.

use std::collections::{BTreeMap, BTreeSet};

use csv::ByteRecord;

use super::Trace;
use super::window::place_of;
use crate::error::{Diagnostic, Diagnostics, Result};
use crate::units::{QuantityError, parse_decimal};

const MILLION: u64 = 1_000_000;
const MOST: u64 = 1_000;
const HOW: &str = "write for example x2, 1.5 or 0.8";

/// How many times as many workflow runs, in parts per million; above 0 and at most 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor {
    ppm: u64,
}

impl Factor {
    pub const ONE: Self = Self { ppm: MILLION };

    /// `None` outside of 0 < `ppm` ≤ 1,000,000,000.
    pub const fn from_ppm(ppm: u64) -> Option<Self> {
        if ppm > 0 && ppm <= MOST * MILLION { Some(Self { ppm }) } else { None }
    }

    pub const fn ppm(self) -> u64 {
        self.ppm
    }

    /// How many runs stand for number `index` (from 0) of the recorded ones, so that the first `n` of them give
    /// ⌊n × factor⌋ whatever the factor.
    pub(super) fn copies(self, index: u64) -> u64 {
        let first = |runs: u64| (u128::from(runs) * u128::from(self.ppm) / u128::from(MILLION)) as u64;
        first(index + 1) - first(index)
    }
}

/// By how much the workflows of a trace grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Of workflows that have no factor of their own, and of pods without a workflow.
    pub default: Factor,
    pub by_workflow: BTreeMap<String, Factor>,
}

impl Growth {
    /// The same for all.
    pub const fn of(default: Factor) -> Self {
        Self { default, by_workflow: BTreeMap::new() }
    }

    pub fn factor(&self, workflow: &str) -> Factor {
        self.by_workflow.get(workflow).copied().unwrap_or(self.default)
    }

    /// Reads `x2`, `2` or `1.5`; up to six decimals. The error is a message for the user.
    pub fn parse_factor(text: &str) -> std::result::Result<Factor, String> {
        let number = text.strip_prefix(['x', 'X', '×']).unwrap_or(text);
        let outside = |what: &str| format!("{what}; {HOW}");
        match parse_decimal(number, 6) {
            Ok(ppm) => Factor::from_ppm(ppm as u64).ok_or_else(|| match ppm {
                0 => outside("a factor is more than 0"),
                _ => outside("a factor is at most 1000"),
            }),
            Err(QuantityError::Negative) => Err(outside("a factor is not negative")),
            Err(QuantityError::OutOfRange) => Err(outside("a factor is at most 1000")),
            Err(_) => Err(outside("this is not a factor")),
        }
    }

    /// Reads a CSV file with the columns `workflow` and `factor`; the workflow `*` stands for all that are not named.
    /// Workflows that `trace` does not have are refused: a misspelt name would grow nothing and say nothing.
    /// `file` is for messages.
    pub fn read(file: &str, text: &str, trace: &Trace) -> Result<Self> {
        let mut rows = Rows::new(file, text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut growth = Self::of(Factor::ONE);
        let Some(columns) = rows.header() else { return rows.errors.into_result(growth) };
        let workflows = workflows(trace);
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        while let Some(row) = rows.next() {
            if row.cells.len() != columns.count {
                let message =
                    format!("the row has {} fields, the header has {}", row.cells.len(), columns.count);
                rows.errors.push(Diagnostic::new(file, message).line(row.line));
                continue;
            }
            let (name, factor) = (&row.cells[columns.workflow], &row.cells[columns.factor]);
            if let Some(line) = seen.insert(name.clone(), row.line) {
                let error = row.error(file, columns.workflow, format!("stands already in line {line}"));
                rows.errors.push(error.hint("give each workflow one factor"));
                continue;
            }
            if name != "*" && !workflows.contains(name.as_str()) {
                let error = row.error(file, columns.workflow, "the trace has no such workflow");
                rows.errors.push(error.hint(nearest(name, &workflows)));
            }
            match Self::parse_factor(factor) {
                Ok(factor) if name == "*" => growth.default = factor,
                Ok(factor) => {
                    growth.by_workflow.insert(name.clone(), factor);
                }
                Err(message) => {
                    let (message, hint) = message.split_once("; ").unwrap_or((&message, HOW));
                    rows.errors.push(row.error(file, columns.factor, message).hint(hint));
                }
            }
        }
        rows.errors.into_result(growth)
    }
}

/// The names of all workflows of `trace`.
pub(super) fn workflows(trace: &Trace) -> BTreeSet<&str> {
    let words: BTreeSet<_> = (0..trace.rows()).filter_map(|row| trace.workflow.get(row)).collect();
    words.into_iter().map(|word| trace.words.get(word)).collect()
}

/// A hint for a workflow that is not there.
pub(super) fn nearest(name: &str, workflows: &BTreeSet<&str>) -> String {
    let distance = |known: &&&str| strsim::damerau_levenshtein(known, name);
    match workflows.iter().min_by_key(distance).filter(|known| distance(known) <= 2 + name.len() / 4) {
        Some(known) => format!("did you mean {known}?"),
        None => "name it as in the column workflow of the trace, or write * for all others".to_owned(),
    }
}

struct Columns {
    workflow: usize,
    factor: usize,
    count: usize,
}

struct Row {
    line: u64,
    cells: Vec<String>,
    /// Line and column of each cell.
    places: Vec<(u64, u64)>,
}

impl Row {
    fn error(&self, file: &str, cell: usize, message: impl Into<String>) -> Diagnostic {
        let (line, column) = self.places[cell];
        let diagnostic = Diagnostic::new(file, message).at(line, column);
        if self.cells[cell].is_empty() { diagnostic } else { diagnostic.text(&self.cells[cell]) }
    }
}

/// The records of the file with their places, and what is wrong with it.
struct Rows<'a> {
    file: &'a str,
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    errors: Diagnostics,
}

impl<'a> Rows<'a> {
    fn new(file: &'a str, text: &'a str) -> Self {
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        Self { file, text, reader, errors: Diagnostics::default() }
    }

    fn next(&mut self) -> Option<Row> {
        let mut record = ByteRecord::new();
        // Bytes in memory of any number of fields cannot be refused.
        if !self.reader.read_byte_record(&mut record).unwrap_or(false) {
            return None;
        }
        let (offset, line) = record.position().map_or((0, 1), |p| (p.byte() as usize, p.line()));
        // The CSV reader counts line ends and blank lines before a record as part of it.
        let raw = &self.text.as_bytes()[offset..];
        let blank = raw.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let line = line + raw[..blank].split(|byte| *byte == b'\n').count() as u64 - 1;
        let raw = &raw[blank..];
        let place = |index| {
            let (below, column) = place_of(raw, index);
            (line + below, column)
        };
        let cells: Vec<String> =
            record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        Some(Row { line, places: (0..cells.len()).map(place).collect(), cells })
    }

    fn header(&mut self) -> Option<Columns> {
        let hint = "the first line must be workflow,factor";
        let Some(row) = self.next() else {
            self.errors.push(Diagnostic::new(self.file, "the file is empty").hint(hint));
            return None;
        };
        let mut find = |name: &str| {
            let found = row.cells.iter().position(|cell| cell == name);
            if found.is_none() {
                let message = format!("there is no column {name}");
                self.errors.push(Diagnostic::new(self.file, message).line(row.line).hint(hint));
            }
            found
        };
        let (workflow, factor) = (find("workflow"), find("factor"));
        for (index, cell) in row.cells.iter().enumerate() {
            let is_known = Some(index) == workflow || Some(index) == factor;
            if !is_known && workflow.is_some() && factor.is_some() {
                let message = if cell == "workflow" || cell == "factor" {
                    "this column is given twice"
                } else {
                    "this column means nothing here"
                };
                self.errors.push(row.error(self.file, index, message).hint(hint));
            }
        }
        Some(Columns { workflow: workflow?, factor: factor?, count: row.cells.len() })
    }
}

#[cfg(test)]
#[path = "growth_tests.rs"]
mod tests;
