//! Annotations in the form that GitHub Actions reads from a step's output.

use crate::check::CheckReport;
use crate::report::text::clean;

/// One line per exceeded limit, or one notice where something changed and is allowed; nothing where nothing changed.
pub fn annotations(report: &CheckReport) -> Vec<String> {
    if report.unchanged {
        return Vec::new();
    }
    let exceeded = report.platforms.iter().flat_map(|platform| {
        let of = platform.verdicts.iter().filter(|verdict| verdict.exceeded);
        of.map(move |v| format!("{}: {} is {}, allowed {}", platform.name, v.limit, v.actual, v.allowed))
    });
    let errors: Vec<String> =
        exceeded.map(|text| format!("::error title=cost-sim check::{}", escaped(&text))).collect();
    if errors.is_empty() {
        return vec![format!("::notice title=cost-sim check::{}", escaped(&report.finding))];
    }
    errors
}

/// Data of a workflow command: what would end it is percent-encoded.
fn escaped(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
