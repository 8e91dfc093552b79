//! A check for people (table, Markdown), for programs (JSON, JUnit) and for GitHub's own places.

mod github;
mod junit;
mod markdown;
mod table;

pub use github::annotations as github_annotations;
pub use junit::junit;
pub use markdown::markdown;
pub use table::table;

use super::result::{Cause, CheckReport, PlatformCheck};
use crate::compare::words::{amount, percent, shown, signed};
use crate::report::text::{NONE, clean, seconds};
use crate::units::Usd;

/// The whole result, with a newline at the end.
pub fn json(report: &CheckReport) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a check has only text keys");
    text.push('\n');
    text
}

/// The JSON schema of [`json`].
pub fn schema() -> String {
    crate::compare::schema_of::<CheckReport>()
}

/// `46s → 1m31s`, or one of them where they are the same.
fn latency(platform: &PlatformCheck, path: &str) -> String {
    let Some(change) = platform.metrics.get(path) else { return NONE.to_owned() };
    let text = |value: &str| seconds(value.parse().ok());
    let (before, after) = (text(&change.before), text(&change.after));
    if before == after { after } else { format!("{before} → {after}") }
}

/// The causes that do anything.
fn effective(platform: &PlatformCheck) -> impl Iterator<Item = &Cause> {
    let acts = |text: &Option<String>| text.as_deref().is_some_and(|text| amount(text) != Usd::ZERO);
    platform.causes.iter().filter(move |cause| {
        amount(&cause.usd) != Usd::ZERO
            || acts(&cause.same_decisions_usd)
            || acts(&cause.other_decisions_usd)
            || !cause.others.is_empty()
    })
}

/// `prices +$1.80, settings -$0.20`.
fn because(platform: &PlatformCheck) -> String {
    let parts: Vec<String> = effective(platform)
        .filter(|cause| amount(&cause.usd) != Usd::ZERO)
        .map(|cause| format!("{} {}", cause.cause, signed(&cause.usd)))
        .collect();
    parts.join(", ")
}

/// Setting changes, one a line: `path: before → after`.
fn settings(report: &CheckReport) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
    let line =
        |c: &crate::compare::SettingChange| format!("{}: {} → {}", c.path, text(&c.before), text(&c.after));
    report.settings.iter().map(|change| clean(&line(change)).into_owned()).collect()
}

/// Price changes, one a line.
fn prices(report: &CheckReport) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let line = |c: &super::PriceChange| {
        let percent = c.percent.as_ref().map(|percent| format!(" ({percent} %)")).unwrap_or_default();
        format!("{}: {} → {}{percent}", c.name, text(&c.before), text(&c.after))
    };
    report.prices.iter().map(|change| clean(&line(change)).into_owned()).collect()
}

/// The first few lines, and how many more there are.
fn first(mut lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    if more > 0 {
        lines.truncate(most);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// Whether a platform's part of the result is worth a line.
fn changed(platform: &PlatformCheck) -> bool {
    !super::causes::is_unchanged(platform) && platform.status == "compared"
}

/// How sure the change of cost is, where that is known.
fn noise(platform: &PlatformCheck) -> Option<String> {
    let noise = platform.noise.get("cost.total_usd")?;
    let usd = |value: f64| signed(&format!("{value:.6}"));
    let verdict = if noise.within_noise { "within noise" } else { "more than noise" };
    Some(format!(
        "{} on average, 95 % between {} and {}: {verdict}",
        usd(noise.mean),
        usd(noise.ci95[0]),
        usd(noise.ci95[1])
    ))
}

#[cfg(test)]
mod tests {
    /// Kept like the report's: UPDATE_DOCS=1 writes it.
    #[test]
    fn the_committed_schema_is_current() {
        let current = super::schema();
        let same = crate::report::tests::committed("check.schema.json", &current) == current;
        assert!(same, "docs/check.schema.json is out of date: run the tests with UPDATE_DOCS=1");
    }
}
