//! A saved report as something that can be replayed: its scenario, its prices, and the trace that it is about.

use std::path::Path;

use crate::catalog::Snapshot;
use crate::error::{Diagnostic, Error, Result};
use crate::platform::{self, Scenario};
use crate::replay::Study;
use crate::report::{self, Report};

/// A saved report with its parts read.
pub struct Baseline {
    /// The file's name, for messages.
    pub file: String,
    pub report: Report,
    /// What was asked for when it was made.
    pub scenario: Scenario,
    /// The prices that it was made with, as far as its platforms could need them.
    pub snapshot: Snapshot,
}

impl Baseline {
    /// Reads `report.json`. What is wrong with the scenario or the prices in it is said with their places in them.
    pub fn read(file: &str, text: &str) -> Result<Self> {
        let report = report::parse(file, text)?;
        let inside = |part: &str| format!("{file} ({part})");
        let scenario = platform::read(Path::new(&inside("asked")), &report.asked)?;
        let name = inside("catalog");
        let snapshot = Snapshot::unwritten(Path::new(&name), |file| report.catalog.get(file).cloned())?;
        Ok(Self { file: file.to_owned(), report, scenario, snapshot })
    }

    /// Refuses a trace of other tasks: its difference has no cause that a check could name.
    pub fn refuse_other_tasks(&self, today: &Study) -> Result<()> {
        if today.tasks_sha256() == self.report.inputs.tasks_sha256 {
            return Ok(());
        }
        let (then, now) = (self.report.inputs.traces.iter().map(|t| t.rows).sum::<u64>(), today.trace.rows());
        let paths: Vec<&str> = self.report.inputs.traces.iter().map(|t| t.path.as_str()).collect();
        let message = format!(
            "this is the report of another trace: {} with {then} rows, whose tasks are not the {now} of today's",
            paths.join(", "),
        );
        let hint = "check with the trace of the baseline, or make a new baseline of this one: cost-sim replay TRACE \
                    --out DIR. To see why another month cost more, compare the two traces: cost-sim diff OLD NEW";
        Err(Error::from(Diagnostic::new(&self.file, message).hint(hint)))
    }
}
