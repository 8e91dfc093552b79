//! A check as a comment on a pull request: one bold sentence, a small table, the rest folded.

use std::fmt::Write as _;

use super::{because, changed, effective, first, latency, noise, percent, prices, settings, shown, signed};
use crate::check::{CheckReport, PlatformCheck};
use crate::report::markdown::prose;
use crate::report::text::NONE;

/// By this line a bot finds the comment that it wrote before.
const MARKER: &str = "<!-- cost-sim check -->";

const LISTED: usize = 50;
const PURPOSES: usize = 10;

/// Where nothing changed, that is said in one line below the marker.
pub fn markdown(report: &CheckReport) -> String {
    let mut text = format!("{MARKER}\n");
    if report.unchanged && report.notes.is_empty() {
        let _ = writeln!(text, "{}", prose(&report.finding));
        return text;
    }
    let _ = writeln!(text, "**{}**\n", prose(&report.finding));
    let shown_ones: Vec<&PlatformCheck> = report
        .platforms
        .iter()
        .filter(|platform| platform.status != "compared" || changed(platform))
        .collect();
    if !shown_ones.is_empty() {
        text.push_str("| platform | before | now | change | because of |\n|---|---:|---:|---:|---|\n");
    }
    for platform in &shown_ones {
        let name = prose(&platform.name);
        let now = platform.usd_now.as_deref().map_or_else(|| NONE.to_owned(), shown);
        let (before, change, why) = platform.cost.as_ref().map_or_else(
            || (NONE.to_owned(), NONE.to_owned(), platform.status.clone()),
            |cost| (shown(&cost.before), percent(cost), because(platform)),
        );
        let _ = writeln!(text, "| {name} | {before} | {now} | {change} | {why} |");
    }
    let same = report.platforms.len() - shown_ones.len();
    if same > 0 && !shown_ones.is_empty() {
        let _ = writeln!(text, "\n{} without a change.", crate::report::plural(same as u64, "platform"));
    }
    let details = details(report);
    if !details.is_empty() {
        let _ = writeln!(
            text,
            "\n<details>\n<summary>Limits, causes, prices and settings</summary>\n\n{details}</details>"
        );
    }
    text
}

fn details(report: &CheckReport) -> String {
    let mut text = String::new();
    let platforms = || report.platforms.iter().filter(|platform| platform.status != "gone");
    if platforms().any(|platform| !platform.verdicts.is_empty()) {
        text.push_str("| limit | platform | allowed | actual | |\n|---|---|---:|---:|---|\n");
        for platform in platforms() {
            for verdict in &platform.verdicts {
                let word = match (verdict.exceeded, verdict.judged) {
                    (true, _) => "**exceeded**",
                    (false, true) => "kept",
                    (false, false) => "not judged",
                };
                let (name, actual) = (prose(&platform.name), prose(&verdict.actual));
                let _ = writeln!(
                    text,
                    "| {} | {name} | {} | {actual} | {word} |",
                    verdict.limit, verdict.allowed
                );
            }
        }
        text.push('\n');
    }
    for platform in platforms().filter(|platform| changed(platform)) {
        one_platform(&mut text, platform);
    }
    for (title, lines) in [("prices that platforms may need", prices(report)), ("settings", settings(report))]
    {
        if !lines.is_empty() {
            let _ = writeln!(text, "Changed {title}:\n");
            for line in first(lines, LISTED) {
                let _ = writeln!(text, "- {}", prose(&line));
            }
            text.push('\n');
        }
    }
    for note in &report.notes {
        let _ = writeln!(text, "{}\n", prose(note));
    }
    text
}

fn one_platform(text: &mut String, platform: &PlatformCheck) {
    let _ = writeln!(
        text,
        "**{}**: p99 makespan {}, p99 start delay {}\n",
        prose(&platform.name),
        latency(platform, "latency.makespan_s.p99"),
        latency(platform, "latency.start_delay_s.p99")
    );
    if let Some(noise) = noise(platform) {
        let _ = writeln!(text, "{noise}\n");
    }
    if effective(platform).next().is_some() {
        text.push_str("| because of | same decisions | other decisions | cost |\n|---|---:|---:|---:|\n");
        for cause in effective(platform) {
            let usd = |text: &Option<String>| text.as_deref().map_or_else(|| NONE.to_owned(), signed);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                cause.cause,
                usd(&cause.same_decisions_usd),
                usd(&cause.other_decisions_usd),
                signed(&cause.usd)
            );
        }
        text.push('\n');
    }
    if !platform.purposes.is_empty() {
        text.push_str("| for | before | now | change |\n|---|---:|---:|---:|\n");
        for change in platform.purposes.iter().take(PURPOSES) {
            let (before, after) = (shown(&change.usd.before), shown(&change.usd.after));
            let change_usd = signed(&change.usd.change);
            let _ = writeln!(text, "| {} | {before} | {after} | {change_usd} |", prose(&change.purpose));
        }
        let more = platform.purposes.len().saturating_sub(PURPOSES);
        if more > 0 {
            let _ = writeln!(text, "\nand {more} more");
        }
        text.push('\n');
    }
}
