//! A file as readers of text see it: decompressed, without a byte order mark, and told apart from what is no text.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::{Diagnostic, Error, Result};

/// Is told how many more bytes of the files, as they are on disk, have been read.
pub(crate) type Progress<'p> = RefCell<&'p mut dyn FnMut(u64)>;

/// What a file is by its first bytes.
pub(crate) enum Content<'a> {
    Parquet,
    Text(Text<'a>),
}

/// The text of a file; it is read once, from its beginning to its end.
pub(crate) struct Text<'a> {
    /// The path as the user gave it.
    pub name: String,
    gzip: bool,
    reader: Box<dyn Read + 'a>,
}

/// Opens the file at `path`, or standard input for `-`.
pub(crate) fn open<'a>(path: &Path, progress: &'a Progress) -> Result<Content<'a>> {
    let raw: Box<dyn Read + 'a> =
        if path.as_os_str() == "-" { Box::new(io::stdin().lock()) } else { Box::new(open_file(path)?) };
    of_bytes(path, raw, progress)
}

pub(super) fn open_file(path: &Path) -> Result<File> {
    #[expect(clippy::disallowed_methods, reason = "reading trace files is what this module is for")]
    File::open(path).map_err(|error| Error::io("open", path, error))
}

/// The same for what stands under the name `path` but is somewhere else.
pub(crate) fn of_bytes<'a>(path: &Path, raw: impl Read + 'a, progress: &'a Progress) -> Result<Content<'a>> {
    let name = path.display().to_string();
    let mut input: Box<dyn Read + 'a> = Box::new(Counted { inner: raw, progress });
    let magic = peek(&mut input).map_err(|error| Error::io("read", path, error))?;
    if let Some(what) = foreign(&magic) {
        return Err(Diagnostic::new(name, format!("this is {what}, not a trace"))
            .hint("traces are CSV, CSV compressed with gzip, or Parquet")
            .into());
    }
    if magic.starts_with(b"PAR1") {
        return Ok(Content::Parquet);
    }
    let gzip = magic.starts_with(&[0x1F, 0x8B]);
    let mut reader: Box<dyn Read + 'a> = Box::new(Cursor::new(magic).chain(input));
    if gzip {
        reader = Box::new(MultiGzDecoder::new(reader));
    }
    let mut start = peek(&mut reader).map_err(|error| unreadable(&name, 1, error, gzip))?;
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        return Err(Diagnostic::new(name, "the file is UTF-16 text")
            .hint("save it as UTF-8, for example with iconv -f UTF-16 -t UTF-8")
            .into());
    }
    if start.starts_with(&[0xEF, 0xBB, 0xBF]) {
        start.drain(..3);
    }
    Ok(Content::Text(Text { name, gzip, reader: Box::new(Cursor::new(start).chain(reader)) }))
}

impl Text<'_> {
    /// The first `length` bytes, fewer only at the end of the file; they are read again afterwards.
    pub fn head(&mut self, length: u64) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        let read = self.reader.by_ref().take(length).read_to_end(&mut head);
        read.map_err(|error| self.unreadable(1, error))?;
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(head.clone()).chain(rest));
        Ok(head)
    }

    /// The error of a read that failed at about `line`.
    pub fn unreadable(&self, line: u64, error: io::Error) -> Error {
        unreadable(&self.name, line, error, self.gzip)
    }

    pub fn is_gzip(&self) -> bool {
        self.gzip
    }
}

impl Read for Text<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Damage inside compressed data is an error of the file's content; everything else is one of reading it.
pub(crate) fn unreadable(name: &str, line: u64, error: io::Error, gzip: bool) -> Error {
    let damage = match error.kind() {
        _ if !gzip => return Error::io("read", Path::new(name), error),
        io::ErrorKind::UnexpectedEof => "the gzip data end before their end mark: the file is cut off",
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => "the gzip data are damaged",
        _ => return Error::io("read", Path::new(name), error),
    };
    Diagnostic::new(name, damage).line(line).hint("make the file anew or copy it again").into()
}

struct Counted<'p, 'a, R> {
    inner: R,
    progress: &'a Progress<'p>,
}

impl<R: Read> Read for Counted<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.progress.borrow_mut())(count as u64);
        Ok(count)
    }
}

/// The first bytes, at most four: enough to tell what a file is.
fn peek(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(4);
    input.take(4).read_to_end(&mut start)?;
    Ok(start)
}

/// What a file that is no trace is, by its first bytes.
fn foreign(magic: &[u8]) -> Option<&'static str> {
    match magic {
        [b'P', b'K', 3, 4] => Some("a ZIP archive or a spreadsheet"),
        [0x28, 0xB5, 0x2F, 0xFD] => Some("compressed with Zstandard"),
        [0xFD, b'7', b'z', b'X'] => Some("compressed with xz"),
        [b'B', b'Z', b'h', _] => Some("compressed with bzip2"),
        _ => None,
    }
}
