//! From paths to a trace: what kind of file each is, its side file, and all of them one after the other.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::open::{self, Content, Progress, Text, open_file};
use super::read_csv::CsvFile;
use super::row::{self, Notes};
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
    let progress = RefCell::new(progress);
    let mut reading = Reading::default();
    let mut errors = Diagnostics::default();
    for path in inputs {
        let side_file = side_file(path)?;
        let content = open::open(path, &progress)?;
        match reading.file(path, side_file, content, *options, &progress) {
            Ok(()) => {}
            Err(Error::Input(found)) => errors.append(found),
            Err(error) => return Err(error),
        }
    }
    errors.into_result(reading.finish())
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
    let mut ignored = |_| {};
    let progress: Progress = RefCell::new(&mut ignored);
    let path = Path::new(trace.path);
    let mut reading = Reading::default();
    let side_file = meta::parse(trace.path, trace.meta)?;
    let content = open::of_bytes(path, trace.content, &progress)?;
    reading.file(path, Some(side_file), content, *options, &progress)?;
    Ok(reading.finish())
}

/// What stands beside the file at `path`; standard input has nothing beside it.
pub(crate) fn side_file(path: &Path) -> Result<Option<meta::SideFile>> {
    if path.as_os_str() == "-" { Ok(None) } else { meta::read_beside(path) }
}

/// Files that are read one after the other as one trace.
#[derive(Default)]
pub(crate) struct Reading {
    pub trace: Trace,
    notes: Notes,
    warnings: Vec<String>,
}

impl Reading {
    /// Appends the rows of a canonical file.
    pub fn file(
        &mut self,
        path: &Path,
        side_file: Option<meta::SideFile>,
        content: Content,
        mut options: ReadOptions,
        progress: &Progress,
    ) -> Result<()> {
        let first = self.trace.rows();
        let index = self.source(path, side_file, &mut options);
        let name = path.display().to_string();
        let rows = match content {
            Content::Parquet => {
                if name == "-" {
                    return Err(Diagnostic::new(name, "Parquet cannot be read from standard input")
                        .hint("give the path of the file")
                        .into());
                }
                let file = open_file(path)?;
                let size = file.metadata().map_or(0, |metadata| metadata.len());
                let source = parquet::Source { name: &name, index: index as u32, options };
                let rows = parquet::read(&source, file, &mut self.trace, &mut self.notes)?;
                (progress.borrow_mut())(size);
                rows
            }
            Content::Text(text) => self.csv(text, index, options)?,
        };
        self.trace.files[index].rows = rows;
        self.fill_platform(index, first);
        Ok(())
    }

    fn csv(&mut self, text: Text, index: usize, options: ReadOptions) -> Result<u64> {
        let (name, gzip) = (text.name.clone(), text.is_gzip());
        let mut csv = CsvFile::new(&name, index as u32, text);
        match csv.read(&mut self.trace, options, &mut self.notes) {
            Ok(rows) => csv.errors.into_result(rows),
            // What seemed wrong in the rows came from the damage.
            Err((line, error)) => Err(open::unreadable(&name, line, error, gzip)),
        }
    }

    /// The file's entry in the trace, by its index; what its side file says of its rows goes into the options.
    pub fn source(
        &mut self,
        path: &Path,
        side_file: Option<meta::SideFile>,
        options: &mut ReadOptions,
    ) -> usize {
        self.notes.window_start = None;
        let name = path.display().to_string();
        let mut source = SourceFile { path: name.clone(), ..SourceFile::default() };
        if let Some(side) = side_file {
            options.timezone = options.timezone.or(side.timezone);
            self.notes.window_start = side.window_start;
            source.meta = side.meta;
            if !side.unknown.is_empty() {
                let keys = side.unknown.join(", ");
                self.warnings.push(format!("unknown keys in the side file of {name} are ignored: {keys}"));
            }
        }
        self.trace.files.push(source);
        self.trace.files.len() - 1
    }

    /// What the side file says of all rows of its file, `first` and those after it, that do not say it themselves.
    fn fill_platform(&mut self, index: usize, first: usize) {
        let Some(platform) = self.trace.files[index].meta.source_platform else { return };
        for row in first..self.trace.rows() {
            if self.trace.source_platform.get(row).is_none() {
                self.trace.source_platform.set(row, platform);
            }
        }
    }

    /// Holds a row that was put together from another format to what every row must hold; the error names the column.
    pub fn check(&mut self, row: usize, options: ReadOptions) -> std::result::Result<(), row::RowError> {
        row::finish(&mut self.trace, row, options, &mut self.notes)
    }

    /// The trace, with warnings of a line each.
    pub fn finish(mut self) -> (Trace, Vec<String>) {
        self.warnings.extend(self.notes.lines());
        (self.trace, self.warnings)
    }
}
