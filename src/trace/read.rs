//! From paths to a trace: what kind of file each is, its side file, and all of them one after the other.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use flate2::read::MultiGzDecoder;

use super::read_csv::CsvFile;
use super::row::Notes;
use super::{SourceFile, Trace, meta, parquet};
use crate::error::{Diagnostic, Diagnostics, Error, Result};

/// What a user may say about the files that they do not say themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// The zone of times without an offset; it goes before the side file's.
    pub timezone: Option<Tz>,
    /// Keep rows that ask for a GPU as skipped ones instead of refusing them.
    pub drop_gpu: bool,
}

/// Reads all `inputs`, `-` being standard input, into one trace, with warnings of a line each.
///
/// `progress` is told how many more bytes of the files, as they are on disk, have been read.
pub fn read(
    inputs: &[PathBuf],
    options: &ReadOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<(Trace, Vec<String>)> {
    if inputs.is_empty() {
        return Err(Error::usage("no trace is given", "give a file, or - for standard input"));
    }
    if inputs.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Error::usage("standard input can be read only once", "give - once"));
    }
    let inputs: Vec<Input> = inputs.iter().map(|path| Input::Path(path)).collect();
    read_all(&inputs, *options, progress)
}

/// A trace in CSV, with or without gzip, that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// What stands for its path in reports and errors.
    pub path: &'static str,
    pub content: &'static [u8],
    /// Its side file.
    pub meta: &'static [u8],
}

/// As [`read`], but what comes with the program: no file is touched.
pub fn read_embedded(trace: &Embedded, options: &ReadOptions) -> Result<(Trace, Vec<String>)> {
    read_all(&[Input::Embedded(trace)], *options, &mut |_| {})
}

enum Input<'a> {
    /// `-` is standard input.
    Path(&'a Path),
    Embedded(&'a Embedded),
}

impl Input<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Embedded(trace) => Path::new(trace.path),
        }
    }

    fn side_file(&self) -> Result<Option<meta::SideFile>> {
        match self {
            Self::Path(path) if path.as_os_str() == "-" => Ok(None),
            Self::Path(path) => meta::read_beside(path),
            Self::Embedded(trace) => meta::parse(trace.path, trace.meta).map(Some),
        }
    }

    fn open(&self) -> Result<Box<dyn Read + '_>> {
        match self {
            Self::Path(path) if path.as_os_str() == "-" => Ok(Box::new(io::stdin().lock())),
            Self::Path(path) => Ok(Box::new(open(path)?)),
            Self::Embedded(trace) => Ok(Box::new(trace.content)),
        }
    }
}

fn read_all(
    inputs: &[Input],
    options: ReadOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<(Trace, Vec<String>)> {
    let mut reading =
        Reading { progress, trace: Trace::default(), notes: Notes::default(), warnings: Vec::new() };
    let mut errors = Diagnostics::default();
    for input in inputs {
        match reading.file(input, options) {
            Ok(()) => {}
            Err(Error::Input(found)) => errors.append(found),
            Err(error) => return Err(error),
        }
    }
    reading.warnings.extend(reading.notes.lines());
    errors.into_result((reading.trace, reading.warnings))
}

struct Reading<'a> {
    progress: &'a mut dyn FnMut(u64),
    trace: Trace,
    notes: Notes,
    warnings: Vec<String>,
}

impl Reading<'_> {
    fn file(&mut self, input: &Input, mut options: ReadOptions) -> Result<()> {
        let path = input.path();
        let name = path.display().to_string();
        let index = self.trace.files.len();
        let first = self.trace.rows();
        let source = self.source(input, &name, &mut options)?;
        let platform = source.meta.source_platform;
        self.trace.files.push(source);

        let count = Cell::new(0);
        let io = |error| Error::io("read", path, error);
        let mut input: Box<dyn Read + '_> = Box::new(Counted { inner: input.open()?, count: &count });
        let magic = peek(&mut input).map_err(io)?;
        if let Some(what) = foreign(&magic) {
            return Err(Diagnostic::new(name, format!("this is {what}, not a trace"))
                .hint("traces are CSV, CSV compressed with gzip, or Parquet")
                .into());
        }
        let rows = if magic.starts_with(b"PAR1") {
            if name == "-" {
                return Err(Diagnostic::new(name, "Parquet cannot be read from standard input")
                    .hint("give the path of the file")
                    .into());
            }
            let file = open(path)?;
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            let source = parquet::Source { name: &name, index: index as u32, options };
            let rows = parquet::read(&source, file, &mut self.trace, &mut self.notes)?;
            (self.progress)(size);
            rows
        } else {
            let gzip = magic.starts_with(&[0x1F, 0x8B]);
            input = Box::new(Cursor::new(magic).chain(input));
            if gzip {
                input = Box::new(MultiGzDecoder::new(input));
            }
            let failed = |line, error| unreadable(path, line, error, gzip);
            let text = text(&name, input).map_err(|error| error.unwrap_or_else(|e| failed(1, e)))?;
            let mut seen = 0;
            let mut tick = || {
                (self.progress)(count.get() - seen);
                seen = count.get();
            };
            let mut csv = CsvFile::new(&name, index as u32, text);
            let rows = csv.read(&mut self.trace, options, &mut self.notes, &mut tick);
            tick();
            match rows {
                Ok(rows) => csv.errors.into_result(rows)?,
                // What seemed wrong in the rows came from the damage.
                Err((line, error)) => return Err(failed(line, error)),
            }
        };
        self.trace.files[index].rows = rows;
        if let Some(platform) = platform {
            for row in first..self.trace.rows() {
                if self.trace.source_platform.get(row).is_none() {
                    self.trace.source_platform.set(row, platform);
                }
            }
        }
        Ok(())
    }

    /// The file's entry in the trace; what its side file says of its rows goes into the options.
    fn source(&mut self, input: &Input, name: &str, options: &mut ReadOptions) -> Result<SourceFile> {
        self.notes.window_start = None;
        let mut source = SourceFile { path: name.to_owned(), ..SourceFile::default() };
        if let Some(side) = input.side_file()? {
            options.timezone = options.timezone.or(side.timezone);
            self.notes.window_start = side.window_start;
            source.meta = side.meta;
            if !side.unknown.is_empty() {
                let keys = side.unknown.join(", ");
                self.warnings.push(format!("unknown keys in the side file of {name} are ignored: {keys}"));
            }
        }
        Ok(source)
    }
}

fn open(path: &Path) -> Result<File> {
    #[expect(clippy::disallowed_methods, reason = "reading trace files is what this module is for")]
    File::open(path).map_err(|error| Error::io("open", path, error))
}

/// Counts the bytes as they are on disk, which is what a progress bar knows the total of.
struct Counted<'a, R> {
    inner: R,
    count: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
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

/// The input without its byte order mark. UTF-16 has one too, and would otherwise be a wall of NUL bytes.
fn text<'a>(
    name: &str,
    mut input: Box<dyn Read + 'a>,
) -> std::result::Result<impl Read + 'a, std::result::Result<Error, io::Error>> {
    let mut start = peek(&mut input).map_err(Err)?;
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        let diagnostic = Diagnostic::new(name, "the file is UTF-16 text");
        return Err(Ok(diagnostic
            .hint("save it as UTF-8, for example with iconv -f UTF-16 -t UTF-8")
            .into()));
    }
    if start.starts_with(&[0xEF, 0xBB, 0xBF]) {
        start.drain(..3);
    }
    Ok(Cursor::new(start).chain(input))
}

/// Damage inside compressed data is an error of the file's content; everything else is one of reading it.
fn unreadable(path: &Path, line: u64, error: io::Error, gzip: bool) -> Error {
    let damage = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the gzip data end before their end mark: the file is cut off",
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => "the gzip data are damaged",
        _ => return Error::io("read", path, error),
    };
    if !gzip {
        return Error::io("read", path, error);
    }
    let name = path.display().to_string();
    Diagnostic::new(name, damage).line(line).hint("make the file anew or copy it again").into()
}
