//! The files of a plan, all or nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{json, markdown};
use crate::error::{Error, Result};
use crate::plan::{Outcome, Plan, Planned};
use crate::report::{Content, FrontData, FrontDot, check_paths, front_chart, prepare, write_files};
use crate::units::Usd;

/// The scenario of the recommendation, and the trace that it was found for where that is not the user's own.
const RIGHT_SIZED: [&str; 2] = ["rightsized.csv", "rightsized.meta.json"];
const MANIFEST: &str = "manifest.yaml";

/// Every file that may be written; the last one appears last.
fn paths(dir: &Path) -> Vec<PathBuf> {
    let names = ["charts/front.svg", "charts/front.png", "plan.md", "scenario.yaml", MANIFEST];
    names.iter().chain(&RIGHT_SIZED).chain(&["plan.json"]).map(|name| dir.join(name)).collect()
}

/// Finds out whether the files can be written to `dir`, before the work.
pub fn check_writable(dir: &Path) -> Result<()> {
    check_paths(dir, &paths(dir))
}

/// Writes `plan.json`, `plan.md`, the chart, and the recommendation as a scenario and as manifests; gives the paths. `plan.json` appears
/// last: who sees a new one sees all files of its run.
pub fn write_all(dir: &Path, outcome: &Outcome) -> Result<Vec<PathBuf>> {
    prepare(dir, &paths(dir))?;
    let chart = front_chart(&chart_data(&outcome.plan));
    let png: Content = Box::new(move |out| out.write_all(&chart.png));
    let mut files: Vec<(PathBuf, Content)> = vec![
        (dir.join("charts/front.svg"), text(chart.svg)),
        (dir.join("charts/front.png"), png),
        (dir.join("plan.md"), text(markdown(outcome))),
        (dir.join("scenario.yaml"), text(outcome.plan.scenario.clone())),
    ];
    if let Some(manifests) = &outcome.manifests {
        files.push((dir.join(MANIFEST), text(manifests.clone())));
    }
    if let Some(trace) = &outcome.right_sized {
        files.push((dir.join(RIGHT_SIZED[0]), Box::new(move |out| crate::trace::write_csv(trace, out))));
        files.push((dir.join(RIGHT_SIZED[1]), text(side_file(outcome))));
    }
    files.push((dir.join("plan.json"), text(json(&outcome.plan))));
    let written = write_files(files)?;
    for path in paths(dir).iter().filter(|path| !written.contains(path)) {
        remove(path)?;
    }
    Ok(written)
}

/// What an earlier plan had and this one has not would be taken for a part of this one.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn chart_data(plan: &Plan) -> FrontData {
    let role = |candidate: &Planned| {
        let is = |name: &Option<String>| name.as_deref() == Some(&*candidate.name);
        match () {
            () if is(&plan.result.recommended) => Some("recommended"),
            () if candidate.name == plan.reference => Some("compared with"),
            () if is(&plan.result.knee) => Some("knee"),
            () => None,
        }
    };
    let dot = |candidate: &Planned| {
        let per_month = Usd::parse(candidate.usd_per_month.as_deref()?)?;
        Some(FrontDot {
            name: candidate.name.clone(),
            per_month,
            latency: candidate.latency_s?,
            on_front: candidate.on_front,
            role: role(candidate),
            feasible: candidate.feasible,
        })
    };
    FrontData {
        title: plan.short_finding(),
        metric: plan.metric.name().to_owned(),
        synthetic: plan.inputs.synthetic,
        candidates: plan.result.candidates.iter().filter(|c| c.complete).filter_map(dot).collect(),
        limit: plan.latency_limit_s,
    }
}

/// What the rows of a trace do not say: which time they cover, and whether they are invented.
fn side_file(outcome: &Outcome) -> String {
    let inputs = &outcome.plan.inputs;
    let meta = serde_json::json!({
        "synthetic": inputs.synthetic,
        "window_start": inputs.window.start,
        "window_end": inputs.window.end,
        "notes": "requests by usage, written by cost-sim plan; everything else as in the original trace",
    });
    format!("{meta:#}\n")
}

fn text<'a>(text: String) -> Content<'a> {
    Box::new(move |out| out.write_all(text.as_bytes()))
}
