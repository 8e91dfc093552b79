//! A price file as rows that can be replaced, written back as it was where nothing changed.

use std::collections::BTreeMap;

use crate::error::{Diagnostic, Error, Result};

/// The rows of one price file, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    columns: Vec<String>,
    /// How many of the first columns are the key.
    keys: usize,
    rows: BTreeMap<Vec<String>, Vec<String>>,
}

impl Sheet {
    pub fn empty(columns: &[&str], keys: usize) -> Self {
        Self { columns: columns.iter().map(|&c| c.to_owned()).collect(), keys, rows: BTreeMap::new() }
    }

    /// Reads a file with these columns, in any order; it was checked before.
    pub fn read(name: &str, text: &str, columns: &[&str], keys: usize) -> Result<Self> {
        let bad = |error: csv::Error| Error::from(Diagnostic::new(name, format!("this is not CSV: {error}")));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().map_err(bad)?;
        let places: Vec<Option<usize>> =
            columns.iter().map(|column| header.iter().position(|head| head == *column)).collect();
        let mut sheet = Self::empty(columns, keys);
        for record in reader.records() {
            let record = record.map_err(bad)?;
            let cell = |place: &Option<usize>| place.and_then(|i| record.get(i)).unwrap_or("").to_owned();
            let cells: Vec<String> = places.iter().map(cell).collect();
            sheet.rows.insert(cells[..keys].to_vec(), cells);
        }
        Ok(sheet)
    }

    pub fn get(&self, key: &[&str]) -> Option<&[String]> {
        let key: Vec<String> = key.iter().map(|&k| k.to_owned()).collect();
        self.rows.get(&key).map(Vec::as_slice)
    }

    /// Adds or replaces a row.
    pub fn set<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.insert(cells[..self.keys].to_vec(), cells.to_vec());
    }

    pub fn set_row(&mut self, cells: Vec<String>) {
        self.rows.insert(cells[..self.keys].to_vec(), cells);
    }

    pub fn remove(&mut self, key: &[&str]) {
        let key: Vec<String> = key.iter().map(|&k| k.to_owned()).collect();
        self.rows.remove(&key);
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Rows of `self` that `before` does not have, has otherwise, and rows of `before` that are gone.
    pub fn changes_since(&self, before: &Self) -> (u64, u64, u64) {
        let (mut added, mut changed) = (0, 0);
        for (key, row) in &self.rows {
            match before.rows.get(key) {
                None => added += 1,
                Some(old) if old != row => changed += 1,
                Some(_) => {}
            }
        }
        let removed = before.rows.keys().filter(|key| !self.rows.contains_key(*key)).count();
        (added, changed, removed as u64)
    }

    pub fn text(&self) -> String {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        let records = std::iter::once(&self.columns).chain(self.rows.values());
        for record in records {
            writer.write_record(record).expect("writing to memory cannot fail");
        }
        let bytes = writer.into_inner().expect("writing to memory cannot fail");
        String::from_utf8(bytes).expect("rows are text")
    }
}
