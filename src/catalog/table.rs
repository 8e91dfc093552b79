//! Reads one price file: a CSV table whose columns are known, with every mistake in its place.
//!
//! Files are sorted by region and a run needs one of them, so rows can be selected by how their line begins,
//! which costs a fraction of parsing all of them.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{PriceDate, nearest};
use crate::error::{Diagnostic, Diagnostics};
use crate::units::Rate;

/// No price per unit is near this; a larger one is a mistake, and could overflow an exact product.
pub(super) const LARGEST_PRICE: Rate = Rate::from_femto(100_000 * 1_000_000_000_000_000);

/// No count in the files is near this.
const LARGEST_COUNT: i64 = 1_000_000_000;

/// A table with `N` columns.
pub(super) struct Table<'t, const N: usize> {
    file: &'t str,
    text: &'t str,
    names: [&'static str; N],
    /// Where each of `names` stands in the file.
    positions: [usize; N],
}

/// One field of a row.
#[derive(Clone, Copy)]
pub(super) struct Field<'r> {
    pub text: &'r str,
    name: &'static str,
    position: usize,
}

/// One row, and where its mistakes go.
pub(super) struct Row<'r> {
    file: &'r str,
    line: u64,
    raw: &'r str,
    sound: bool,
    found: &'r mut Diagnostics,
}

/// The keys of the rows so far, with their lines.
#[derive(Default)]
pub(super) struct Seen(FxHashMap<String, u64>);

impl<'t, const N: usize> Table<'t, N> {
    /// Checks the header: every column once, in any order, and no others.
    pub fn open(
        file: &'t str,
        text: &'t str,
        names: [&'static str; N],
        found: &mut Diagnostics,
    ) -> Option<Self> {
        let header = text.lines().next().unwrap_or("");
        let columns: Vec<&str> = header.split(',').filter(|_| !header.is_empty()).collect();
        let the_columns = || format!("the columns are {}", names.join(", "));
        let mut faults = Diagnostics::default();
        let mut at = 1;
        for (index, column) in columns.iter().enumerate() {
            let here = |message: &str| Diagnostic::new(file, message).at(1, at).text(*column);
            if !names.contains(column) {
                let hint =
                    nearest(column, names).map_or_else(the_columns, |near| format!("did you mean `{near}`?"));
                faults.push(here("unknown column").hint(hint));
            } else if columns[..index].contains(column) {
                faults.push(here("this column appears twice"));
            }
            at += column.chars().count() as u64 + 1;
        }
        let positions = names.map(|name| columns.iter().position(|column| *column == name));
        let missing: Vec<&str> =
            names.into_iter().zip(positions).filter(|(_, at)| at.is_none()).map(|(name, _)| name).collect();
        // An unknown column is more often a misspelt one than one too many.
        if !missing.is_empty() && faults.is_empty() {
            let message = format!("the header lacks {}", missing.join(", "));
            faults.push(Diagnostic::new(file, message).line(1).hint(the_columns()));
        }
        let sound = faults.is_empty();
        found.append(faults);
        sound.then(|| Self { file, text, names, positions: positions.map(Option::unwrap_or_default) })
    }

    /// Reads every row.
    pub fn rows(&self, found: &mut Diagnostics, read: impl FnMut(&mut Row<'_>, [Field<'_>; N])) {
        self.read(2, body(self.text), found, read);
    }

    /// Reads the rows whose first field is one of `keys`, or all of them. The first of the names must be the
    /// file's first column, because rows are found by how their lines begin.
    pub fn rows_of(
        &self,
        keys: Option<&[&str]>,
        found: &mut Diagnostics,
        mut read: impl FnMut(&mut Row<'_>, [Field<'_>; N]),
    ) {
        if self.positions[0] != 0 {
            let message = format!("the column `{}` must be the first one", self.names[0]);
            found.push(
                Diagnostic::new(self.file, message).line(1).text(self.text.lines().next().unwrap_or("")),
            );
            return;
        }
        let Some(keys) = keys else { return self.rows(found, read) };
        for (line, chunk) in runs(self.text, keys) {
            self.read(line, chunk, found, &mut read);
        }
    }

    /// Reads whole lines, the first of which is line `first` of the file.
    fn read(
        &self,
        first: u64,
        lines: &str,
        found: &mut Diagnostics,
        mut read: impl FnMut(&mut Row<'_>, [Field<'_>; N]),
    ) {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines.as_bytes());
        let mut record = csv::StringRecord::new();
        let (mut line, mut counted) = (first, 0);
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    found.push(Diagnostic::new(self.file, format!("this is not CSV: {error}")).line(line));
                    return;
                }
            }
            // The reader says where it began to look for the record, which may be before the end of the last
            // line (CRLF) or before empty lines.
            let begun = record.position().map_or(0, |position| position.byte() as usize);
            let rest = lines[begun..].trim_start_matches(['\r', '\n']);
            let start = lines.len() - rest.len();
            line += lines[counted..start].matches('\n').count() as u64;
            counted = start;
            let raw = rest.lines().next().unwrap_or("");
            let mut row = Row { file: self.file, line, raw, sound: true, found: &mut *found };
            if raw.bytes().filter(|b| *b == b'"').count() % 2 != 0 {
                row.refuse_row("a quoted field does not end on its line");
            } else if record.len() == N {
                let field = |i: usize| Field {
                    text: record.get(self.positions[i]).unwrap_or(""),
                    name: self.names[i],
                    position: self.positions[i],
                };
                read(&mut row, std::array::from_fn(field));
            } else {
                let message = format!("the row has {} fields, the header has {N}", record.len());
                row.refuse_row(&message);
            }
        }
    }
}

/// The text without its first line.
pub(super) fn body(text: &str) -> &str {
    text.find('\n').map_or("", |end| &text[end + 1..])
}

/// The stretches of lines that begin with one of `keys` as their first field, each with its first line's number.
fn runs<'t>(text: &'t str, keys: &[&str]) -> Vec<(u64, &'t str)> {
    let mut runs: Vec<(u64, Range<usize>)> = Vec::new();
    let mut start = text.len() - body(text).len();
    for (number, line) in (2..).zip(body(text).split_inclusive('\n')) {
        let end = start + line.len();
        let wanted = keys.iter().any(|key| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(',')));
        if wanted {
            match runs.last_mut() {
                Some((_, run)) if run.end == start => run.end = end,
                _ => runs.push((number, start..end)),
            }
        }
        start = end;
    }
    runs.into_iter().map(|(line, run)| (line, &text[run])).collect()
}

/// Readers of fields give some value for a field that is wrong, so that one look at [`Row::is_sound`] at the end
/// decides about the row and all of its mistakes are reported.
impl Row<'_> {
    /// Whether nothing was wrong so far.
    pub fn is_sound(&self) -> bool {
        self.sound
    }

    /// Reports `field` as wrong: `message` completes "`column` …".
    pub fn refuse(&mut self, field: Field<'_>, message: &str, hint: impl Into<String>) {
        let hint = hint.into();
        let message = format!("{} {message}", field.name);
        let mut diagnostic =
            Diagnostic::new(self.file, message).at(self.line, column_of(self.raw, field.position));
        if !field.text.is_empty() {
            diagnostic = diagnostic.text(field.text);
        }
        self.found.push(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) });
        self.sound = false;
    }

    fn refuse_row(&mut self, message: &str) {
        self.found.push(Diagnostic::new(self.file, message).line(self.line).text(self.raw));
    }

    /// The row's first field, if it is a region, must be written so that its rows can be found.
    pub fn region(&mut self, field: Field<'_>) {
        let plain = field.text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || field.text.is_empty() || !self.raw.starts_with(field.text) {
            self.refuse(
                field,
                "is not a region",
                "write it as AWS does and without quotes, such as us-east-1",
            );
        }
    }

    /// A text that must be there.
    pub fn text<'r>(&mut self, field: Field<'r>) -> &'r str {
        if field.text.is_empty() {
            self.refuse(field, "is empty", "");
        }
        field.text
    }

    /// A price in USD.
    pub fn rate(&mut self, field: Field<'_>) -> Rate {
        let rate = Rate::parse(field.text).filter(|rate| *rate <= LARGEST_PRICE);
        if rate.is_none() {
            self.refuse(field, "is not a price", "a price is USD such as 0.096, not negative, up to 100000");
        }
        rate.unwrap_or_default()
    }

    /// A whole number of `least` or more.
    pub fn count(&mut self, field: Field<'_>, least: i64) -> i64 {
        let digits = field.text.bytes().all(|b| b.is_ascii_digit());
        let count = field.text.parse().ok().filter(|n| digits && (least..=LARGEST_COUNT).contains(n));
        if count.is_none() {
            let message = format!("is not a whole number from {least} to {LARGEST_COUNT}");
            self.refuse(field, &message, "");
        }
        count.unwrap_or(least)
    }

    /// A field that may be left empty.
    pub fn optional<T>(
        &mut self,
        field: Field<'_>,
        read: impl FnOnce(&mut Self, Field<'_>) -> T,
    ) -> Option<T> {
        if field.text.is_empty() { None } else { Some(read(self, field)) }
    }

    pub fn flag(&mut self, field: Field<'_>) -> bool {
        self.choice(field, &[("true", true), ("false", false)])
    }

    /// One of a few words.
    pub fn choice<T: Copy, const C: usize>(
        &mut self,
        field: Field<'_>,
        choices: &[(&'static str, T); C],
    ) -> T {
        const { assert!(C > 0) };
        let chosen = choices.iter().find(|(word, _)| *word == field.text);
        if chosen.is_none() {
            let words = choices.each_ref().map(|(word, _)| *word).join(", ");
            self.refuse(field, "is not a known word", format!("write one of {words}"));
        }
        chosen.unwrap_or(&choices[0]).1
    }

    pub fn date(&mut self, field: Field<'_>) -> PriceDate {
        let date = PriceDate::parse(field.text);
        if date.is_none() {
            self.refuse(field, "is not a date", "write 2026-07-20, 2026-07 or 2026");
        }
        date.unwrap_or_default()
    }

    /// `key` must not have been there before; reports `field` otherwise.
    pub fn unique(&mut self, seen: &mut Seen, key: String, field: Field<'_>) {
        if let Some(line) = seen.0.insert(key, self.line) {
            self.refuse(field, &format!("appears a second time; first on line {line}"), "");
        }
    }
}

/// The 1-based column, in characters, at which a field of a line begins.
fn column_of(line: &str, position: usize) -> u64 {
    let (mut quoted, mut commas) = (false, 0);
    for (column, char) in (1..).zip(line.chars()) {
        if commas == position {
            return column;
        }
        match char {
            '"' => quoted = !quoted,
            ',' if !quoted => commas += 1,
            _ => {}
        }
    }
    line.chars().count() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_key_are_found_wherever_they_stand() {
        let text = "region,x\na,1\nb,2\nab,3\na,4\na,5";
        assert_eq!(runs(text, &["a"]), [(2, "a,1\n"), (5, "a,4\na,5")]);
        assert_eq!(runs(text, &["a", "b"]), [(2, "a,1\nb,2\n"), (5, "a,4\na,5")]);
        assert_eq!(runs("region,x", &["a"]), []);
        assert_eq!(runs("", &["a"]), []);
    }

    #[test]
    fn columns_are_counted_in_characters_and_outside_quotes() {
        for (position, column) in [(0, 1), (1, 4), (2, 10), (3, 11), (4, 12)] {
            assert_eq!(column_of("ä,\"b,c\",,é", position), column - u64::from(position > 0), "{position}");
        }
    }
}
