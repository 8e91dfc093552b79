//! The one place that decides what may be printed, where and how.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use clap::ColorChoice;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::{Error, Result};

#[derive(Debug)]
pub struct Printer {
    quiet: bool,
    /// When the program began, where the user wants to know what takes how long.
    started: Option<Instant>,
    color: ColorChoice,
}

#[expect(clippy::unused_self, reason = "who prints has a printer; what it depends on is not their business")]
impl Printer {
    pub fn new(quiet: bool, verbose: bool, color: ColorChoice) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "only what is said of the run on stderr knows the clock"
        )]
        let started = verbose.then(Instant::now);
        Self { quiet, started, color }
    }

    /// Writes the result to stdout.
    pub fn data(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|e| Error::io("write", Path::new("stdout"), e))
    }

    /// Writes a line about the run to stderr.
    pub fn note(&self, line: &str) {
        if !self.quiet {
            // Nobody left to tell if stderr is closed.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// Writes a line that is for the system which runs the program, whoever else wants quiet.
    pub fn command(&self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Writes a line about what was done and when, for who asked for it.
    pub fn detail(&self, line: impl FnOnce() -> String) {
        if let Some(started) = self.started {
            self.note(&format!("[{:7.3} s] {}", started.elapsed().as_secs_f64(), line()));
        }
    }

    pub fn error(&self, error: &Error) {
        let _ = io::stderr().lock().write_all(error.render().as_bytes());
    }

    /// Whether stdout takes colour: a terminal without `NO_COLOR`, unless told otherwise.
    pub fn colored(&self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
        let unwanted = || std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty());
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => io::stdout().is_terminal() && !unwanted(),
        }
    }

    /// Columns to fill: the terminal's, or 100 where there is none.
    pub fn width(&self) -> usize {
        #[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
        let given = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        // Asks about stdout first, so that a pipe into a file does not take the width of the keyboard's terminal.
        let terminal =
            || terminal_size::terminal_size_of(io::stdout()).map(|(columns, _)| usize::from(columns.0));
        given.or_else(terminal).unwrap_or(100).clamp(80, 160)
    }

    /// A bar on stderr, hidden when that is no terminal or the user wants quiet.
    pub fn progress(&self, length: u64, template: &str) -> ProgressBar {
        let visible = !self.quiet && io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━━ "));
        bar
    }
}
