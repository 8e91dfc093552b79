//! A check for a terminal.

use super::{changed, effective, first, latency, noise, percent, prices, settings, shown, signed};
use crate::check::CheckReport;
use crate::report::layout::{Align, Column, lay_out};
use crate::report::table::Paint;
use crate::report::text::{NONE, clean, wrap};

/// Changed prices and settings that are listed.
const LISTED: usize = 8;

/// As text in lines of at most `width` columns. Where nothing changed, that is one line.
pub fn table(report: &CheckReport, width: usize, color: bool) -> String {
    let paint = Paint::new(color);
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(content.trim_end());
        text.push('\n');
    };
    line(&paint.bold(&wrap(&clean(&report.finding), width, 2)));
    if !report.unchanged {
        line("");
        for row in overview(report, width) {
            line(&row);
        }
        if report.platforms.iter().any(|platform| changed(platform) && effective(platform).next().is_some()) {
            line("");
            line(&paint.dim("Why"));
            for row in why(report, width) {
                line(&row);
            }
        }
        let purposes: Vec<String> = report.platforms.iter().filter_map(purposes).collect();
        if !purposes.is_empty() {
            line("");
            line(&paint.dim("For"));
            for of_platform in purposes {
                line(&wrap(&of_platform, width, 2));
            }
        }
        for platform in report.platforms.iter().filter(|platform| changed(platform)) {
            if let Some(noise) = noise(platform) {
                line(&wrap(&format!("{}: {noise}", clean(&platform.name)), width, 2));
            }
        }
        for (title, lines) in [("Prices", prices(report)), ("Settings", settings(report))] {
            if !lines.is_empty() {
                line("");
                line(&paint.dim(title));
                for item in first(lines, LISTED) {
                    line(&wrap(&item, width, 2));
                }
            }
        }
    }
    if !report.notes.is_empty() {
        line("");
        for note in &report.notes {
            line(&wrap(&clean(note), width, 2));
        }
    }
    text
}

/// What the largest parts of a platform's change were for.
fn purposes(platform: &crate::check::PlatformCheck) -> Option<String> {
    const SHOWN: usize = 4;
    let first = platform.purposes.iter().take(SHOWN);
    let first: Vec<String> =
        first.map(|p| format!("{} {}", clean(&p.purpose), signed(&p.usd.change))).collect();
    let more = platform.purposes.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    (!first.is_empty()).then(|| format!("{}: {}{rest}", clean(&platform.name), first.join(", ")))
}

fn overview(report: &CheckReport, width: usize) -> Vec<String> {
    let platforms = &report.platforms;
    let cells = |cell: &dyn Fn(&crate::check::PlatformCheck) -> String| platforms.iter().map(cell).collect();
    let usd = |of: &dyn Fn(&crate::compare::Change) -> String| {
        let cell = |p: &crate::check::PlatformCheck| p.cost.as_ref().map_or_else(|| NONE.to_owned(), of);
        platforms.iter().map(cell).collect::<Vec<_>>()
    };
    let limits = |p: &crate::check::PlatformCheck| match (p.status.as_str(), p.verdicts.len()) {
        ("compared" | "new", 0) => "none".to_owned(),
        ("compared" | "new", _) if p.verdicts.iter().all(|verdict| !verdict.judged) => {
            "not judged".to_owned()
        }
        ("compared" | "new", _) if p.passed => "kept".to_owned(),
        ("compared" | "new", _) => "EXCEEDED".to_owned(),
        (status, _) => status.to_owned(),
    };
    let columns = vec![
        Column::new("platform", ["", "platform"], Align::Left, cells(&|p| clean(&p.name).into_owned())),
        Column::new("before", ["cost", "before"], Align::Right, usd(&|c| shown(&c.before))),
        Column::new(
            "now",
            ["", "now"],
            Align::Right,
            cells(&|p| p.usd_now.as_deref().map_or_else(|| NONE.to_owned(), shown)),
        ),
        Column::new("change", ["", "change"], Align::Right, usd(&percent)),
        Column::new(
            "p99 makespan",
            ["makespan", "p99"],
            Align::Right,
            cells(&|p| latency(p, "latency.makespan_s.p99")),
        )
        .ranked(1),
        Column::new(
            "p99 start delay",
            ["start delay", "p99"],
            Align::Right,
            cells(&|p| latency(p, "latency.start_delay_s.p99")),
        )
        .ranked(0),
        Column::new("limits", ["", "limits"], Align::Left, cells(&limits)),
    ];
    lay_out(columns, width).0
}

fn why(report: &CheckReport, width: usize) -> Vec<String> {
    let rows: Vec<(&str, &crate::check::Cause)> = report
        .platforms
        .iter()
        .filter(|platform| changed(platform))
        .flat_map(|platform| effective(platform).map(|cause| (platform.name.as_str(), cause)))
        .collect();
    let mut last = "";
    let names = rows.iter().map(|(name, _)| {
        let shown = if *name == last { String::new() } else { clean(name).into_owned() };
        last = name;
        shown
    });
    let names: Vec<String> = names.collect();
    let usd = |of: &dyn Fn(&crate::check::Cause) -> Option<&str>| {
        rows.iter().map(|(_, cause)| of(cause).map_or_else(|| NONE.to_owned(), signed)).collect()
    };
    let columns = vec![
        Column::new("platform", ["", "platform"], Align::Left, names),
        Column::new(
            "cause",
            ["", "because of"],
            Align::Left,
            rows.iter().map(|(_, c)| c.cause.clone()).collect(),
        ),
        Column::new("same", ["same", "decisions"], Align::Right, usd(&|c| c.same_decisions_usd.as_deref())),
        Column::new(
            "other",
            ["other", "decisions"],
            Align::Right,
            usd(&|c| c.other_decisions_usd.as_deref()),
        ),
        Column::new("cost", ["", "cost"], Align::Right, usd(&|c| Some(&c.usd))),
    ];
    lay_out(columns, width).0
}
