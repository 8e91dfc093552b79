//! Which format a file is, by what its beginning says; and if it is none, what was looked for.

use super::{
    Format, Shape, airflow, argo, batch, datadog, digdag, kubernetes, openb, prometheus, swf, wfformat,
};
use crate::error::{Diagnostic, Error, Result};
use crate::trace::Trace;

/// How much of a file is looked at.
pub(super) const HEAD: u64 = 256 * 1_024;

/// Says whether a file is of a format, or what it lacks.
type Recognise = fn(&Shape) -> std::result::Result<(), String>;

/// In the order in which they are tried: a file may look like several.
const FORMATS: [(Format, Recognise); 11] = [
    // Its tables have a task_id, as cost-sim's own do.
    (Format::Airflow, airflow::recognise),
    (Format::Canonical, canonical),
    (Format::Digdag, digdag::recognise),
    (Format::Datadog, datadog::recognise),
    (Format::Prometheus, prometheus::recognise),
    (Format::Kubernetes, kubernetes::recognise),
    (Format::Argo, argo::recognise),
    (Format::AwsBatch, batch::recognise),
    (Format::WfFormat, wfformat::recognise),
    (Format::Swf, swf::recognise),
    (Format::Openb, openb::recognise),
];

/// The format of the file `name` that begins with `head`.
pub(super) fn detect(name: &str, head: &[u8]) -> Result<Format> {
    let shape = Shape::of(head);
    // The reader of canonical traces says best what is wrong with no text at all.
    if head.is_empty() || head.contains(&0) {
        return Ok(Format::Canonical);
    }
    let mut reasons = Vec::new();
    for (format, recognise) in FORMATS {
        match recognise(&shape) {
            Ok(()) => return Ok(format),
            Err(reason) => reasons.push((format, reason)),
        }
    }
    if let Some(known) = refused(&shape) {
        return Err(Diagnostic::new(name, known.0).hint(known.1).into());
    }
    Err(unknown(name, &shape, &reasons))
}

fn canonical(shape: &Shape) -> std::result::Result<(), String> {
    let Some(header) = shape.header() else { return Err("is no table".to_owned()) };
    if Trace::has_column(header.iter().map(String::as_str)) {
        return Ok(());
    }
    Err("has no column task_id, submit_time or work_seconds".to_owned())
}

/// Files that come with timelines and are none, each with what to do.
fn refused(shape: &Shape) -> Option<(&'static str, &'static str)> {
    if let Some(document) = shape.document()
        && document.has_all(&["metadata.gap_seconds", "data"])
    {
        return Some((
            "this is a trace of Spot availability: it has ticks of capacity, and no pods",
            "give a trace of pods; when capacity was taken back can be said in a scenario, see docs/scenario.md",
        ));
    }
    let header = shape.header()?;
    let has = |names: &[&str]| names.iter().all(|name| header.iter().any(|column| column == name));
    if has(&["sn", "cpu_milli", "memory_mib", "model"]) {
        return Some(("this is openb's list of nodes: it has no pods", "give openb_pod_list_*.csv"));
    }
    None
}

fn unknown(name: &str, shape: &Shape, reasons: &[(Format, String)]) -> Error {
    let width = reasons.iter().map(|(format, _)| format.name().len()).max().unwrap_or(0);
    let tried = reasons.iter().map(|(format, reason)| format!("\n    {:width$}  {reason}", format.name()));
    let hint = format!("what was tried, and what it lacks:{}", tried.collect::<String>());
    Diagnostic::new(name, format!("this is {}, none of the formats that are read", shape.describe()))
        .hint(hint)
        .into()
}
