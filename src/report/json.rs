//! `report.json`: the report itself. The other files are views of it.

use schemars::schema_for;
use serde::Deserialize;

use super::text::usd;
use super::{Report, SCHEMA_VERSION};
use crate::error::{Diagnostic, Error, Result};

/// The report as text, with a newline at the end.
pub fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has only text keys");
    text.push('\n');
    text
}

/// Reads a saved report; `file` is its name in messages.
///
/// Keys that are not known are ignored, so that reports of a later version with the same `schema_version` can be
/// read.
pub fn parse(file: &str, text: &str) -> Result<Report> {
    #[derive(Deserialize)]
    struct Head {
        schema_version: Option<u32>,
    }
    let head: Head = serde_json::from_str(text).map_err(|e| located(file, text, &e))?;
    match head.schema_version {
        Some(SCHEMA_VERSION) => {}
        Some(other) => {
            let hint = if other > SCHEMA_VERSION {
                "it was written by a newer cost-sim: use that one, or make the report anew"
            } else {
                "it was written by an older cost-sim: make the report anew"
            };
            let message = format!("schema_version is {other}, and this version reads {SCHEMA_VERSION}");
            return Err(at_key(file, text, "schema_version", &message).hint(hint).into());
        }
        None => {
            let diagnostic = Diagnostic::new(file, "schema_version is missing");
            return Err(diagnostic.hint("give a report.json that cost-sim wrote").into());
        }
    }
    let report: Report = serde_json::from_str(text).map_err(|e| located(file, text, &e))?;
    for (path, amount) in amounts(&report) {
        if usd(amount).is_none() {
            let diagnostic = Diagnostic::new(file, format!("{path} is not an amount of money")).text(amount);
            return Err(diagnostic.hint("amounts are decimal numbers in quotes, such as \"12.50\"").into());
        }
    }
    if report.platforms.is_empty() {
        return Err(Diagnostic::new(file, "platforms is empty")
            .hint("a report has at least one platform")
            .into());
    }
    Ok(report)
}

/// Every amount that is computed with, and where it stands.
fn amounts(report: &Report) -> impl Iterator<Item = (String, &str)> {
    report.platforms.iter().enumerate().flat_map(|(index, platform)| {
        let mut list: Vec<(String, &str)> = Vec::new();
        if let Some(cost) = &platform.cost {
            let allocation = &cost.allocation;
            list.push(("cost.total_usd".into(), &cost.total_usd));
            list.push(("cost.usd_per_month".into(), &cost.usd_per_month));
            list.extend(
                cost.lower_bound_usd.iter().map(|usd| ("cost.lower_bound_usd".to_owned(), usd.as_str())),
            );
            if let Some(plan) = &cost.savings_plan {
                let per_hour = plan.commitment_per_hour_usd.iter();
                list.extend(
                    per_hour.map(|usd| ("cost.savings_plan.commitment_per_hour_usd".into(), usd.as_str())),
                );
                list.push(("cost.savings_plan.commitment_usd".into(), &plan.commitment_usd));
                list.push(("cost.savings_plan.covered_on_demand_usd".into(), &plan.covered_on_demand_usd));
                list.push(("cost.savings_plan.unused_usd".into(), &plan.unused_usd));
            }
            list.push(("cost.allocation.pods_usd".into(), &allocation.pods_usd));
            list.push(("cost.allocation.daemonsets_usd".into(), &allocation.daemonsets_usd));
            list.push(("cost.allocation.startup_usd".into(), &allocation.startup_usd));
            list.push(("cost.allocation.idle_usd".into(), &allocation.idle_usd));
            list.push(("cost.allocation.shared_usd".into(), &allocation.shared_usd));
            list.extend(
                allocation
                    .savings_plan_usd
                    .iter()
                    .map(|usd| ("cost.allocation.savings_plan_usd".to_owned(), usd.as_str())),
            );
            list.extend(
                cost.items.iter().enumerate().map(|(i, item)| (format!("cost.items[{i}].usd"), &*item.usd)),
            );
        }
        let workflows = platform.workflows.iter().enumerate();
        list.extend(workflows.filter_map(|(i, w)| Some((format!("workflows[{i}].usd"), w.usd.as_deref()?))));
        list.into_iter().map(move |(path, amount)| (format!("platforms[{index}].{path}"), amount))
    })
}

fn located(file: &str, text: &str, error: &serde_json::Error) -> Error {
    // serde_json adds the place to its message; the diagnostic says it already.
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let (line, column) = (error.line(), error.column());
    let mut diagnostic = Diagnostic::new(file, format!("not a report: {message}"));
    if line > 0 {
        diagnostic = diagnostic.at(line as u64, column.max(1) as u64);
        if let Some(source) = text.lines().nth(line - 1).map(str::trim).filter(|source| !source.is_empty()) {
            diagnostic = diagnostic.text(source);
        }
    }
    let hint = if error.is_eof() {
        "the file ends too early: make the report anew with cost-sim replay, and keep its report.json whole"
    } else {
        "give a report.json that cost-sim wrote"
    };
    diagnostic.hint(hint).into()
}

/// The first place where `key` stands.
fn at_key(file: &str, text: &str, key: &str, message: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(file, message);
    let quoted = format!("\"{key}\"");
    let found = text.lines().enumerate().find_map(|(i, line)| Some((i, line, line.find(&quoted)?)));
    found.map_or(diagnostic.clone(), |(i, line, byte)| {
        let column = line[..byte].chars().count() as u64 + 1;
        diagnostic.at(i as u64 + 1, column).text(line.trim())
    })
}

/// The JSON schema of `report.json`.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema_for!(Report)).expect("a schema has only text keys");
    text.push('\n');
    text
}
