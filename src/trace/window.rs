//! The raw bytes behind the record that is being read, so that an error can point at its exact place.
//!
//! The CSV reader gives fields without their quotes and says only where a record may have begun. This reader
//! stands between it and the file and keeps the bytes since the current record's start: one copy of the input
//! through the cache, and nothing to be re-read when something is wrong.

use std::io::{self, Read};

/// What follows the last byte of the file. As a record of its own it is the end; as the end of another record
/// it shows that a quote was never closed, which the CSV reader takes for a field that ends with the file.
const END: &[u8] = b"\n\x01\x01end\n";

/// [`END`] as a record.
pub(super) fn is_end(fields: &csv::ByteRecord) -> bool {
    fields.len() == 1 && fields.as_slice() == &END[1..END.len() - 1]
}

/// Whether the file ended inside a quoted field of this record.
pub(super) fn is_unterminated(fields: &csv::ByteRecord) -> bool {
    fields.as_slice().ends_with(END)
}

pub(super) struct Window<R> {
    inner: R,
    kept: Vec<u8>,
    /// Offset in the file of the first byte of `kept`.
    start: u64,
    /// Bytes before this offset are not needed any more.
    needed: u64,
    end: &'static [u8],
}

impl<R: Read> Window<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, kept: Vec::new(), start: 0, needed: 0, end: END }
    }

    /// Lets go of what is before `offset`.
    pub fn keep_from(&mut self, offset: u64) {
        self.needed = offset;
    }

    /// The bytes from `offset` to the furthest byte read.
    pub fn since(&self, offset: u64) -> &[u8] {
        let skipped = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.kept.get(skipped..).unwrap_or_default()
    }
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 {
            return self.end.read(buffer);
        }
        let passed = usize::try_from(self.needed.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let passed = passed.min(self.kept.len());
        self.kept.drain(..passed);
        self.start += passed as u64;
        self.kept.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

/// Where a byte of a record stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: they are closed, unless another quote follows.
    Closed,
    /// After something that may not follow closed quotes. The CSV reader takes it for more of the field.
    Misplaced,
}

impl State {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closed,
            (Self::FieldStart | Self::Closed, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, b',' | b'\n' | b'\r') => Self::FieldStart,
            (Self::FieldStart | Self::Plain, _) => Self::Plain,
            (Self::Closed | Self::Misplaced, _) => Self::Misplaced,
        }
    }
}

/// Where field `index` of the record at the start of `raw` begins: lines below the record's first, and the
/// column from 1 in characters.
pub(super) fn place_of(raw: &[u8], index: usize) -> (u64, u64) {
    let (mut line, mut column, mut field) = (0, 1, 0);
    let mut state = State::FieldStart;
    for &byte in raw {
        if field == index {
            break;
        }
        state = state.after(byte);
        field += usize::from(byte == b',' && state == State::FieldStart);
        if byte == b'\n' {
            line += 1;
            column = 1;
        } else if byte & 0xC0 != 0x80 {
            column += 1;
        }
    }
    (line, column)
}

/// The first field of the record `raw` in which something follows closed quotes: nearly always the trace of a
/// quote that was lost further up, and of rows that were swallowed with it.
pub(super) fn misquoted(raw: &[u8]) -> Option<usize> {
    if !raw.contains(&b'"') {
        return None;
    }
    let (mut field, mut state) = (0, State::FieldStart);
    for &byte in raw {
        state = state.after(byte);
        match state {
            State::Misplaced => return Some(field),
            State::FieldStart if byte == b',' => field += 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_quotes_lines_and_wide_characters() {
        let cases: [(&str, usize, (u64, u64)); 8] = [
            ("a,b,c", 0, (0, 1)),
            ("a,b,c", 2, (0, 5)),
            ("\"a,x\",b", 1, (0, 7)),
            ("\"a\"\"b\",c", 1, (0, 8)),
            ("é,b", 1, (0, 3)),
            ("\"a\nbc\",d", 1, (1, 5)),
            ("a\"b,c", 1, (0, 5)),
            ("a\"\"b,c", 1, (0, 6)),
        ];
        for (raw, index, place) in cases {
            assert_eq!(place_of(raw.as_bytes(), index), place, "{raw:?}");
        }
    }

    #[test]
    fn text_after_closed_quotes_is_found() {
        for (raw, field) in [
            ("a,\"b\" ,c", Some(1)),
            ("\"a\nb,\"c,d", Some(0)),
            ("\"a\"\"\",b\r\n", None),
            ("5\" disk,b", None),
            ("\"\",\"\"", None),
        ] {
            assert_eq!(misquoted(raw.as_bytes()), field, "{raw:?}");
        }
    }

    #[test]
    fn only_the_current_record_is_kept() {
        let text: Vec<u8> = (0..200u8).collect();
        let mut window = Window::new(&text[..]);
        let mut buffer = [0; 50];
        assert_eq!(window.read(&mut buffer).ok(), Some(50));
        window.keep_from(40);
        assert_eq!(window.read(&mut buffer).ok(), Some(50));
        assert_eq!((window.start, window.since(45)[0], window.since(45).len()), (40, 45, 55));
        assert_eq!(window.since(1_000), [0u8; 0]);
    }
}
