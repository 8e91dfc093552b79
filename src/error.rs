//! Everything that can go wrong, said in one form: where, what, the offending text, and what to do.
//!
//! Readers collect [`Diagnostic`]s into [`Diagnostics`] and go on, so that one run names the first twenty
//! mistakes. The exit code follows from the kind of error; nothing else in the program decides it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How many diagnostics are kept and shown; further ones are only counted.
pub const SHOWN: usize = 20;

pub type Result<T> = std::result::Result<T, Error>;

/// Why a run ended without the result that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Input files that cannot be understood.
    #[error("{0}")]
    Input(Diagnostics),
    /// A request that makes no sense, with a hint.
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    /// A file that cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// A limit that the user set is exceeded.
    #[error("{0}")]
    LimitExceeded(String),
}

impl Error {
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// 1 when a limit is exceeded, 2 for input, usage and IO errors.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::LimitExceeded(_) => ExitCode::from(1),
            Self::Input(_) | Self::Usage { .. } | Self::Io { .. } => ExitCode::from(2),
        }
    }

    /// Whether the reader of our output went away (`cost-sim … | head`), which is not an error.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The whole text for stderr, several lines.
    pub fn render(&self) -> String {
        match self {
            Self::Input(diagnostics) => diagnostics.to_string(),
            Self::Usage { message, hint } => {
                let hint = hint.as_ref().map(|h| format!("\n  hint: {h}")).unwrap_or_default();
                format!("error: {message}{hint}\n")
            }
            Self::Io { source, .. } => {
                let hint = io_hint(source.kind()).map(|h| format!("  hint: {h}\n")).unwrap_or_default();
                format!("error: {self}\n{hint}")
            }
            Self::LimitExceeded(_) => format!("error: {self}\n"),
        }
    }
}

/// What can be done about a file that cannot be read or written, where that is known.
fn io_hint(kind: std::io::ErrorKind) -> Option<&'static str> {
    use std::io::ErrorKind::*;
    Some(match kind {
        NotFound => "check the path",
        IsADirectory => "a directory has this name, where a file is needed; check the path",
        NotADirectory => "something in this path is a file, not a directory; check the path",
        AlreadyExists => "a file of this name is in the way; choose another name or remove it",
        PermissionDenied | ReadOnlyFilesystem => "check the permissions, or choose another place",
        StorageFull | QuotaExceeded | FileTooLarge => "make room, or choose another place",
        _ => return None,
    })
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut all = Diagnostics::default();
        all.push(diagnostic);
        Self::Input(all)
    }
}

/// One mistake in one place of an input file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub file: String,
    /// 1-based.
    pub line: Option<u64>,
    /// 1-based, in characters.
    pub column: Option<u64>,
    /// A lower-case fragment without a full stop.
    pub message: String,
    /// The offending text as it stands in the file, shown with a marker under it.
    pub text: Option<String>,
    pub hint: Option<String>,
}

impl Diagnostic {
    pub fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, column: None, message: message.into(), text: None, hint: None }
    }

    pub fn at(mut self, line: u64, column: u64) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// `trace.csv:4213:17: work_seconds is negative`, then the text with a marker, then the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        writeln!(f, ": {}", self.message)?;
        if let Some(text) = &self.text {
            let shown = shorten(text);
            let gutter = self.line.map(|l| l.to_string()).unwrap_or_default();
            writeln!(f, "  {gutter} | {shown}")?;
            writeln!(
                f,
                "  {:width$} | {}",
                "",
                "^".repeat(shown.chars().count().max(1)),
                width = gutter.len()
            )?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Control characters made visible and long texts cut, so that a broken file cannot garble a terminal.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    shown = shown.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

/// The mistakes found so far: the first [`SHOWN`], and how many there were in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    total: usize,
}

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.total += 1;
        if self.list.len() < SHOWN {
            self.list.push(diagnostic);
        }
    }

    /// The first one that was found.
    pub fn first(&self) -> Option<&Diagnostic> {
        self.list.first()
    }

    pub fn append(&mut self, other: Self) {
        self.total += other.total;
        self.list.extend(other.list);
        self.list.truncate(SHOWN);
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    pub fn total(&self) -> usize {
        self.total
    }

    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// `value` if nothing was found, the error otherwise.
    pub fn into_result<T>(self, value: T) -> Result<T> {
        if self.is_empty() { Ok(value) } else { Err(Error::Input(self)) }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.list {
            write!(f, "{diagnostic}")?;
        }
        if self.total > self.list.len() {
            writeln!(f, "error: {} more like these were found", self.total - self.list.len())?;
        }
        Ok(())
    }
}
