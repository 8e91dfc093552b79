//! Records out of a file: rows of a table, lines of JSON, JSON values one after the other, or the elements of one list.
//!
//! A record is held as a whole and read from memory, which is several times faster than reading JSON from a stream,
//! and lets its texts be borrowed.

use std::borrow::Cow;
use std::io::{BufRead, BufReader};

use crate::error::Result;
use crate::import::text::{Bounded, Lines, Mark, Origin};
use crate::trace::open::Text;

/// How the values of a JSON file are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One or several values on every line.
    Lines,
    /// Values that may take many lines; of one list, its elements.
    Values,
}

impl Form {
    pub fn of(head: &[u8]) -> Self {
        let head = head.trim_ascii_start();
        let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        // A line that goes on after what was looked at is long: nobody indents such lines.
        let is_cut = first.len() == head.len();
        let is_line = first.starts_with(b"{") && first.len() > 2 && (first.ends_with(b"}") || is_cut);
        if is_line { Self::Lines } else { Self::Values }
    }
}

/// Calls `each` with every value and the line on which it begins.
pub(super) fn values(mut text: Text, mut each: impl FnMut(&Origin, u64, &[u8]) -> Result<()>) -> Result<()> {
    let head = text.head(crate::import::detect::HEAD)?;
    match Form::of(&head) {
        Form::Lines => {
            let mut lines = Lines::new(text);
            let origin = lines.origin.clone();
            while let Some((line, bytes)) = lines.next()? {
                let result = each(&origin, line, bytes);
                // `\copy (select row_to_json(…)) to …` doubles every backslash.
                if result.is_err() && bytes.windows(2).any(|pair| pair == b"\\\\") {
                    match each(&origin, line, &unescape_copy(bytes)) {
                        Ok(()) => continue,
                        Err(_) => return result,
                    }
                }
                result?;
            }
            Ok(())
        }
        Form::Values => {
            let mut values = Values::new(text);
            while let Some(line) = values.next()? {
                each(&values.origin, line, &values.buffer)?;
            }
            Ok(())
        }
    }
}

/// Undoes the escapes of Postgres' COPY text format.
fn unescape_copy(line: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Vec::with_capacity(line.len());
    let mut bytes = line.iter();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'v') => 11,
                Some(other) => *other,
                None => b'\\',
            },
            other => *other,
        });
    }
    Cow::Owned(plain)
}

/// The same in one cell of a table; what stands for null stays.
pub(super) fn unescape_cell(cell: &str) -> Cow<'_, str> {
    if cell == "\\N" || !cell.contains('\\') {
        return cell.into();
    }
    String::from_utf8_lossy(&unescape_copy(cell.as_bytes())).into_owned().into()
}

/// Splits JSON into its values by brackets and quotes alone; what is between them is for the parser to judge.
struct Values<'a> {
    origin: Origin,
    reader: BufReader<Bounded<'a>>,
    mark: Mark,
    buffer: Vec<u8>,
    /// Line at which the reader stands.
    line: u64,
    /// Inside one list that holds all values.
    in_list: bool,
}

impl<'a> Values<'a> {
    fn new(text: Text<'a>) -> Self {
        let origin = Origin::of(&text);
        let (bounded, mark) = Bounded::new(text);
        let reader = BufReader::with_capacity(128 << 10, bounded);
        Self { origin, reader, mark, buffer: Vec::new(), line: 1, in_list: false }
    }

    /// Puts the next value into `buffer`, and gives the line on which it begins.
    fn next(&mut self) -> Result<Option<u64>> {
        self.mark.record();
        self.buffer.clear();
        let Some(first) = self.skip_to_value()? else { return Ok(None) };
        let begins = self.line;
        if !matches!(first, b'{' | b'[') {
            return Err(self
                .origin
                .diagnostic("this is no JSON object")
                .line(begins)
                .text(char::from(first).to_string())
                .hint("Digdag's answers and rows are objects")
                .into());
        }
        let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
        loop {
            let line = self.line;
            let available = self.reader.fill_buf().map_err(|error| self.origin.failed(line, error))?;
            if available.is_empty() {
                // The parser says what is missing.
                return Ok(Some(begins));
            }
            let mut end = None;
            let mut newlines = 0;
            for (at, byte) in available.iter().enumerate() {
                if in_text {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => in_text = false,
                        _ => {}
                    }
                    newlines += u64::from(*byte == b'\n');
                    continue;
                }
                match byte {
                    b'"' => in_text = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            end = Some(at + 1);
                            break;
                        }
                    }
                    b'\n' => newlines += 1,
                    _ => {}
                }
            }
            let length = end.unwrap_or(available.len());
            self.buffer.extend_from_slice(&available[..length]);
            self.reader.consume(length);
            self.line += newlines;
            if end.is_some() {
                return Ok(Some(begins));
            }
        }
    }

    /// Goes to the first byte of a value without taking it; `None` at the end.
    fn skip_to_value(&mut self) -> Result<Option<u8>> {
        loop {
            let line = self.line;
            let available = self.reader.fill_buf().map_err(|error| self.origin.failed(line, error))?;
            let Some(byte) = available.first().copied() else {
                if !self.in_list {
                    return Ok(None);
                }
                let error = self.origin.diagnostic("the list has no end").line(line);
                return Err(error.hint("the file ends early: export it again").into());
            };
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                b',' if self.in_list => {}
                b']' if self.in_list => self.in_list = false,
                b'[' if !self.in_list => self.in_list = true,
                _ => return Ok(Some(byte)),
            }
            self.reader.consume(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::open::{self, Content};

    fn split(content: &str) -> Vec<(u64, String)> {
        let mut ignored = |_| {};
        let progress = std::cell::RefCell::new(&mut ignored as &mut dyn FnMut(u64));
        let Ok(Content::Text(text)) = open::of_bytes("f".as_ref(), content.as_bytes(), &progress) else {
            panic!("text")
        };
        let mut found = Vec::new();
        values(text, |_, line, bytes| {
            found.push((line, String::from_utf8_lossy(bytes).into_owned()));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn values_are_told_apart_in_every_arrangement() {
        let two = [r#"{"a": "}\"]"}"#, r#"{"b": [1, {}]}"#];
        for (content, lines) in [
            (format!("{}\n\n{}\n", two[0], two[1]), [1, 3]),
            (format!("[{},\n {}]", two[0], two[1]), [1, 2]),
            (format!("[\n{}\n,\n{}\n]\n", two[0], two[1]), [2, 4]),
        ] {
            let expected: Vec<_> = lines.into_iter().zip(two.map(str::to_owned)).collect();
            assert_eq!(split(&content), expected, "{content}");
        }
        assert_eq!(split("{\n\"a\":1}{\n}"), [(1, "{\n\"a\":1}".to_owned()), (2, "{\n}".to_owned())]);
        assert_eq!(split("[]"), []);
    }

    #[test]
    fn copy_escapes_are_undone() {
        assert_eq!(&*unescape_copy(br#"{"a":"\\"x\\\\y\\n"}"#), br#"{"a":"\"x\\y\n"}"#);
    }
}
