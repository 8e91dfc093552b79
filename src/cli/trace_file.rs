//! Writing a trace to a file or to stdout, with what it is beside it.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::printer::Printer;
use crate::error::{Error, Result};
use crate::report::{Content, write_files};
use crate::trace::{Trace, write_csv, write_parquet_to};

/// The rows of a trace to write.
#[derive(Clone, Copy)]
pub enum Rows<'a> {
    /// Written as they come, in CSV only: there may be a hundred million.
    Csv(&'a dyn Fn(&mut dyn Write) -> io::Result<()>),
    Trace(&'a Trace),
}

impl Rows<'_> {
    fn write_csv(self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Csv(write) => write(out),
            Self::Trace(trace) => write_csv(trace, out),
        }
    }

    /// In the format that the name of the file promises.
    fn write(self, path: &Path, out: &mut dyn Write) -> io::Result<()> {
        match (self, path.extension().and_then(|extension| extension.to_str())) {
            (_, Some("gz")) => {
                let mut gzip = GzEncoder::new(out, Compression::best());
                self.write_csv(&mut gzip)?;
                gzip.finish().map(drop)
            }
            (Self::Trace(trace), Some("parquet")) => write_parquet_to(trace, out),
            _ => self.write_csv(out),
        }
    }
}

/// Writes `rows` to `path` in the format of its name, and `meta` beside it; `-` is CSV on stdout. What was there before
/// stays where this fails.
pub fn write(path: &Path, meta: &str, rows: Rows, printer: &Printer) -> Result<()> {
    if path.as_os_str() == "-" {
        return write_stream(rows, std::io::stdout().lock()).map_err(cannot_write(Path::new("stdout")));
    }
    if let Ok(found) = path.metadata() {
        if found.is_dir() {
            return Err(cannot_write(path)(io::ErrorKind::IsADirectory.into()));
        }
        // A device or a pipe is written as it is, and has nothing beside it.
        if !found.is_file() {
            #[expect(clippy::disallowed_methods, reason = "the user asked for this file")]
            let file = std::fs::File::create(path).map_err(cannot_write(path))?;
            return write_stream(rows, file).map_err(cannot_write(path));
        }
    }
    let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
    let beside = if is_gzip { path.with_extension("") } else { path.to_owned() }.with_extension("meta.json");
    // The side file first: without it invented data would pass for real.
    let files: [(PathBuf, Content); 2] = [
        (beside.clone(), Box::new(|out| out.write_all(meta.as_bytes()))),
        (path.to_owned(), Box::new(|out| rows.write(path, out))),
    ];
    write_files(files)?;
    printer.note(&format!("wrote {} and {}", path.display(), beside.display()));
    Ok(())
}

fn cannot_write(path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| Error::io("write", path, error)
}

fn write_stream(rows: Rows, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    rows.write_csv(&mut out)?;
    out.flush()
}
