//! The side file `<name>.meta.json`: what is known of a trace as a whole.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::times::parse_time;
use super::{Meta, SourceFile};
use crate::error::{Diagnostic, Error, Result};
use crate::units::Time;

const KEYS: [&str; 14] = [
    "schema",
    "synthetic",
    "source",
    "licence",
    "window_start",
    "window_end",
    "timezone",
    "time_origin",
    "source_platform",
    "source_region",
    "defaults",
    "overheads",
    "generator",
    "notes",
];

/// A side file that was found beside a trace.
pub(crate) struct SideFile {
    pub meta: Meta,
    pub timezone: Option<Tz>,
    pub window_start: Option<Time>,
    /// Keys that mean nothing here.
    pub unknown: Vec<String>,
}

/// Reads the side file of the trace at `path`, if there is one. `trace.csv.gz` may have
/// `trace.csv.gz.meta.json`, `trace.csv.meta.json` or `trace.meta.json`; the first found is read.
pub(super) fn read_beside(path: &Path) -> Result<Option<SideFile>> {
    for candidate in candidates(path) {
        if candidate.is_file() {
            #[expect(clippy::disallowed_methods, reason = "reading trace files is what this module is for")]
            let bytes = std::fs::read(&candidate).map_err(|e| Error::io("read", &candidate, e))?;
            return parse(&candidate.display().to_string(), &bytes).map(Some);
        }
    }
    Ok(None)
}

fn candidates(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    let mut names = vec![name];
    let mut name = name;
    for suffix in [".gz", ".csv", ".parquet"] {
        if let Some(short) = name.strip_suffix(suffix).filter(|short| !short.is_empty()) {
            names.push(short);
            name = short;
        }
    }
    names.iter().map(|name| path.with_file_name(format!("{name}.meta.json"))).collect()
}

/// Reads the text of a side file; `file` stands for it in errors.
pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<SideFile> {
    let located = |error: serde_json::Error| {
        let message = error.to_string();
        // The place is said before the message already.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(head, _)| head);
        let diagnostic = Diagnostic::new(file, message);
        if error.line() == 0 {
            diagnostic
        } else {
            diagnostic.at(error.line() as u64, (error.column() as u64).max(1))
        }
    };
    let meta: Meta = serde_json::from_slice(bytes).map_err(located)?;
    let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes).map_err(located)?;
    let mut unknown = Vec::new();
    for (key, _) in keys.into_iter().filter(|(key, _)| !KEYS.contains(&key.as_str())) {
        if let Some(meant) = KEYS.iter().find(|known| strsim::levenshtein(&key, known) <= 2) {
            let diagnostic = Diagnostic::new(file, format!("unknown key {key}"));
            return Err(diagnostic.hint(format!("did you mean {meant}?")).into());
        }
        unknown.push(key);
    }
    let timezone = meta.timezone.as_deref().map(|name| parse_zone(file, bytes, name)).transpose()?;
    let time = |key: &str, text: &Option<String>| -> Result<Option<Time>> {
        let Some(text) = text else {
            return Ok(None);
        };
        parse_time(text, timezone).map(Some).map_err(|refusal| {
            let mut diagnostic = at_value(file, bytes, key, text, &refusal.message);
            diagnostic.hint = refusal.hint;
            diagnostic.into()
        })
    };
    let window_start = time("window_start", &meta.window_start)?;
    let window_end = time("window_end", &meta.window_end)?;
    if let (Some(start), Some(end)) = (window_start, window_end)
        && end <= start
    {
        let text = meta.window_end.as_deref().unwrap_or_default();
        return Err(at_value(file, bytes, "window_end", text, "is not after window_start").into());
    }
    Ok(SideFile { meta, timezone, window_start, unknown })
}

fn parse_zone(file: &str, bytes: &[u8], name: &str) -> Result<Tz> {
    name.parse().map_err(|_| {
        at_value(file, bytes, "timezone", name, "is not the IANA name of a time zone")
            .hint("write it as Asia/Tokyo or UTC")
            .into()
    })
}

/// A diagnostic at the string `value` of `key`. The parser does not say where a value stood that it accepted;
/// a value written with escapes is not found again and gets no place.
fn at_value(file: &str, bytes: &[u8], key: &str, value: &str, message: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(file, format!("{key} {message}")).text(value);
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let after_key = text.find(&format!("\"{key}\"")).map(|at| at + key.len() + 2);
    let found = after_key.and_then(|from| Some(from + text[from..].find(&format!("\"{value}\""))? + 1));
    match found {
        Some(at) => {
            let before = &text[..at];
            let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            diagnostic.at(line as u64, column as u64)
        }
        None => diagnostic,
    }
}

impl SourceFile {
    /// The window that the side file states, in the zone it states. `read` has checked both.
    pub fn window(&self) -> (Option<Time>, Option<Time>) {
        let zone = self.meta.timezone.as_deref().and_then(|name| name.parse().ok());
        let time = |text: &Option<String>| text.as_deref().and_then(|text| parse_time(text, zone).ok());
        (time(&self.meta.window_start), time(&self.meta.window_end))
    }
}
