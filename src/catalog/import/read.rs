//! From paths to findings: opens each file, sees what it is, and says where it is wrong.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde::de::DeserializeSeed as _;

use super::document::{Document, Reading};
use super::{Findings, Format, Outcome, Sink, eni_max_pods, spot_history};
use crate::catalog::PriceDate;
use crate::error::{Diagnostic, Diagnostics, Error, Result};

/// Longer lines are in none of the formats.
const LONGEST_LINE: u64 = 64 * 1_024;

/// Reads files of any of the formats, plain or with gzip. `as_of` is the day of those that do not say their own.
///
/// `progress` is told how many more bytes of the files, as they are on disk, have been read. A file that is read twice
/// is counted once.
pub fn read(paths: &[PathBuf], as_of: Option<PriceDate>, progress: &mut dyn FnMut(u64)) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut errors = Diagnostics::default();
    for path in paths {
        match file(path, as_of, &mut findings, progress) {
            Ok(()) => {}
            Err(Error::Input(found)) => errors.append(found),
            Err(error) => return Err(error),
        }
    }
    errors.into_result(findings)
}

fn file(
    path: &Path,
    as_of: Option<PriceDate>,
    findings: &mut Findings,
    progress: &mut dyn FnMut(u64),
) -> Result<()> {
    let name = path.display().to_string();
    findings.files.push(Outcome {
        path: name.clone(),
        // Set as soon as it is known; a file of which it never is becomes an error.
        format: Format::PriceListOffers,
        rows: 0,
        used: 0,
        refused: std::collections::BTreeMap::new(),
    });
    let mut reading = Reading::new(Sink { findings, as_of, undated: false });
    let mut input = open(path, progress)?;
    let first = skip_blank(&mut input).map_err(|error| unreadable(path, error))?;
    match first {
        None => return Err(Diagnostic::new(name, "the file is empty").hint(HINT).into()),
        Some(b'{' | b'[' | b'"') => {
            documents(&name, path, input, &mut reading)?;
            if !reading.again.is_empty() {
                reading.rewind();
                let mut ignored = |_| {};
                documents(&name, path, open(path, &mut ignored)?, &mut reading)?;
            }
        }
        Some(_) => lines(&name, path, input, &mut reading)?,
    }
    let format = format_of(&name, &reading)?;
    reading.sink.outcome().format = format;
    if reading.sink.undated {
        return Err(Diagnostic::new(name, "nothing in this file says of which day it is")
            .hint("give its day with --as-of, such as --as-of 2026-01-31")
            .into());
    }
    Ok(())
}

fn documents(name: &str, path: &Path, input: Box<dyn BufRead + '_>, reading: &mut Reading) -> Result<()> {
    let failed = |error: serde_json::Error| -> Error {
        if error.is_io() {
            return unreadable(path, error.into());
        }
        let full = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = full.strip_suffix(&place).unwrap_or(&full);
        let hint = if error.is_eof() {
            "the file ends early; fetch it again"
        } else {
            "fetch the file again, and import it as AWS gave it"
        };
        Diagnostic::new(name, format!("this is not what AWS writes: {message}"))
            .at(error.line() as u64, error.column() as u64)
            .hint(hint)
            .into()
    };
    let mut json = serde_json::Deserializer::from_reader(input);
    loop {
        Document(reading).deserialize(&mut json).map_err(failed)?;
        match json.end() {
            Ok(()) => return Ok(()),
            Err(error) if error.is_io() => return Err(failed(error)),
            // Another document follows.
            Err(_) => {}
        }
    }
}

fn lines(name: &str, path: &Path, mut input: Box<dyn BufRead + '_>, reading: &mut Reading) -> Result<()> {
    let mut errors = Diagnostics::default();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
        if read.map_err(|error| unreadable(path, error))? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let history = spot_history::is_line(line);
        let format = match reading.formats.first() {
            Some(format) => *format,
            None if history => Format::SpotPriceHistory,
            None if eni_max_pods::is_line(line) => Format::EniMaxPods,
            None => return Err(unknown_text(name, number, line)),
        };
        reading.formats.insert(format);
        let result = match format {
            Format::SpotPriceHistory => spot_history::line(line, &mut reading.sink),
            _ => eni_max_pods::line(line, &mut reading.sink),
        };
        if let Err(message) = result {
            errors.push(Diagnostic::new(name, message).line(number).text(line));
        }
    }
    errors.into_result(())
}

const HINT: &str = "what can be imported: offer files of the AWS Price List, answers of pricing get-products, \
    ec2 describe-spot-price-history, ec2 describe-instance-types and savingsplans \
    describe-savings-plans-offering-rates, Spot Advisor data, and eni-max-pods.txt";

fn unknown_text(name: &str, line: u64, text: &str) -> Error {
    let message = "this is none of the formats: it is not JSON; its first line does not begin with \
        SPOTPRICEHISTORY or SPOTINSTANCEPRICE (a Spot price history), nor is it an instance type and a number \
        (eni-max-pods.txt)";
    Diagnostic::new(name, message).line(line).text(text).hint(HINT).into()
}

/// The one format of what was read; otherwise what each of them would have needed.
fn format_of(name: &str, reading: &Reading) -> Result<Format> {
    let mut formats = reading.formats.iter();
    if let (Some(format), None) = (formats.next(), formats.next()) {
        return Ok(*format);
    }
    let keys: Vec<&str> = reading.other_keys.iter().map(String::as_str).collect();
    let message = if reading.formats.len() > 1 {
        let formats: Vec<String> = reading.formats.iter().map(Format::to_string).collect();
        format!("this is of several formats at once: {}", formats.join(", "))
    } else {
        format!(
            "this is none of the formats: as an offer file of the Price List it lacks `products`, as an answer of \
            get-products `PriceList`, as a product of it `product`, as a Spot price history `SpotPriceHistory`, as \
            instance types `InstanceTypes`, as Spot Advisor data `spot_advisor`, as Savings Plan rates \
            `searchResults`; it has {}",
            if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") }
        )
    };
    Err(Diagnostic::new(name, message).hint(HINT).into())
}

/// Damaged gzip data is the file's fault, everything else the system's.
fn unreadable(path: &Path, error: io::Error) -> Error {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    if matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) {
        let name = path.display().to_string();
        let message = "the gzip data is damaged or ends early";
        return Diagnostic::new(name, message).hint("fetch the file again").into();
    }
    Error::io("read", path, error)
}

fn open<'p>(path: &Path, progress: &'p mut dyn FnMut(u64)) -> Result<Box<dyn BufRead + 'p>> {
    #[expect(clippy::disallowed_methods, reason = "importing is an edge")]
    let file = File::open(path).map_err(|error| Error::io("read", path, error))?;
    let counted = Counted { inner: file, progress, untold: Cell::new(0) };
    let mut input = BufReader::with_capacity(1 << 18, counted);
    let start = input.fill_buf().map_err(|error| Error::io("read", path, error))?;
    if start.starts_with(b"\x1f\x8b") {
        return Ok(Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(input))));
    }
    if start.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    Ok(Box::new(input))
}

/// The first byte that is not blank, which is left where it is: places in messages count from the start of the file.
fn skip_blank(input: &mut dyn BufRead) -> io::Result<Option<u8>> {
    let start = input.fill_buf()?;
    Ok(start.iter().copied().find(|b| !b.is_ascii_whitespace()))
}

/// Tells how much of a file has been read, a megabyte at a time.
struct Counted<'p> {
    inner: File,
    progress: &'p mut dyn FnMut(u64),
    untold: Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let untold = self.untold.get() + read as u64;
        let tell = untold >= 1 << 20 || read == 0;
        if tell {
            (self.progress)(untold);
        }
        self.untold.set(if tell { 0 } else { untold });
        Ok(read)
    }
}
