//! Differences of reports for people.

use std::fmt::Write as _;

use super::{PlatformDiff, ReportDiff};
use crate::compare::Change;
use crate::compare::words::{amount as usd, percent, shown, signed};
use crate::report::layout::{Align, Column, lay_out};
use crate::report::markdown::prose;
use crate::report::table::Paint;
use crate::report::text::{NONE, clean, seconds, wrap};

/// Changed prices and settings that are listed.
const LISTED: usize = 10;

fn is_same(platform: &PlatformDiff) -> bool {
    platform.status == "both"
        && platform.cost.as_ref().is_none_or(|cost| cost.before == cost.after)
        && platform.metrics.is_empty()
}

pub(super) fn finding(diff: &ReportDiff) -> String {
    let traces = if diff.same_trace { "" } else { " The traces are not the same." };
    if diff.platforms.iter().all(is_same) {
        return format!("No difference: every platform costs and takes the same in both reports.{traces}");
    }
    let largest = diff
        .platforms
        .iter()
        .filter_map(|platform| Some((platform, platform.cost.as_ref()?)))
        .filter(|(_, cost)| cost.before != cost.after)
        .max_by_key(|(_, cost)| usd(&cost.change).femto().abs());
    match largest {
        Some((platform, cost)) => format!(
            "The largest difference of cost: {} {} ({}).{traces}",
            platform.name,
            signed(&cost.change),
            percent(cost)
        ),
        None => format!("Costs are the same; other numbers differ.{traces}"),
    }
}

/// `46s → 1m31s`.
fn latency(platform: &PlatformDiff, path: &str) -> String {
    platform.metrics.get(path).map_or_else(
        || "same".to_owned(),
        |change| {
            let text = |value: &str| seconds(value.parse().ok());
            format!("{} → {}", text(&change.before), text(&change.after))
        },
    )
}

/// As text in lines of at most `width` columns; `top` parts of each platform.
pub fn table(diff: &ReportDiff, width: usize, color: bool, top: usize) -> String {
    let paint = Paint::new(color);
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(content.trim_end());
        text.push('\n');
    };
    line(&paint.bold(&wrap(&clean(&diff.finding), width, 2)));
    let different: Vec<&PlatformDiff> = diff.platforms.iter().filter(|platform| !is_same(platform)).collect();
    if !different.is_empty() {
        line("");
        for row in overview(&diff.platforms, width) {
            line(&row);
        }
    }
    for platform in different.iter().filter(|platform| !platform.items.is_empty()) {
        line("");
        line(&paint.dim(&clean(&platform.name)));
        for row in parts(platform, width, top) {
            line(&row);
        }
    }
    for (title, lines) in lists(diff) {
        line("");
        line(&paint.dim(title));
        for item in lines {
            line(&wrap(&clean(&item), width, 2));
        }
    }
    text
}

fn overview(platforms: &[PlatformDiff], width: usize) -> Vec<String> {
    let cells = |cell: &dyn Fn(&PlatformDiff) -> String| platforms.iter().map(cell).collect::<Vec<_>>();
    let cost = |of: &dyn Fn(&Change) -> String| {
        cells(&|p| p.cost.as_ref().map_or_else(|| p.status.replace("both", NONE), of))
    };
    let columns = vec![
        Column::new("platform", ["", "platform"], Align::Left, cells(&|p| clean(&p.name).into_owned())),
        Column::new("before", ["cost", "before"], Align::Right, cost(&|c| shown(&c.before))),
        Column::new("after", ["", "after"], Align::Right, cost(&|c| shown(&c.after))),
        Column::new("change", ["", "change"], Align::Right, cost(&percent)),
        Column::new(
            "makespan",
            ["makespan", "p99"],
            Align::Right,
            cells(&|p| latency(p, "latency.makespan_s.p99")),
        )
        .ranked(1),
        Column::new(
            "start delay",
            ["start delay", "p99"],
            Align::Right,
            cells(&|p| latency(p, "latency.start_delay_s.p99")),
        )
        .ranked(0),
    ];
    lay_out(columns, width).0
}

/// The largest items and purposes.
fn parts(platform: &PlatformDiff, width: usize, top: usize) -> Vec<String> {
    let items = &platform.items[..platform.items.len().min(top)];
    let column = |heads: [&'static str; 2], align, cells| Column::new(heads[1], heads, align, cells);
    let columns = vec![
        column(["", "item"], Align::Left, items.iter().map(|i| clean(&i.detail).into_owned()).collect()),
        column(["", "price"], Align::Right, items.iter().map(|i| signed(&i.price_usd)).collect()),
        column(["", "quantity"], Align::Right, items.iter().map(|i| signed(&i.quantity_usd)).collect()),
        column(["", "change"], Align::Right, items.iter().map(|i| signed(&i.usd)).collect()),
    ];
    let mut lines = lay_out(columns, width).0;
    let more = platform.items.len() - items.len();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let purposes: Vec<String> = platform
        .purposes
        .iter()
        .take(top)
        .map(|purpose| format!("{} {}", clean(&purpose.purpose), signed(&purpose.usd.change)))
        .collect();
    if !purposes.is_empty() {
        let more = platform.purposes.len().saturating_sub(top);
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        lines.push(wrap(&format!("For: {}{rest}", purposes.join(", ")), width, 2));
    }
    lines
}

/// Prices and settings that changed, and how many are not listed.
fn lists(diff: &ReportDiff) -> Vec<(&'static str, Vec<String>)> {
    let prices =
        diff.prices.iter().map(|p| format!("{}: {} → {} USD per {}", p.name, p.before, p.after, p.unit));
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
    let settings =
        diff.settings.iter().map(|c| format!("{}: {} → {}", c.path, text(&c.before), text(&c.after)));
    let cut = |mut lines: Vec<String>| {
        let more = lines.len().saturating_sub(LISTED);
        if more > 0 {
            lines.truncate(LISTED);
            lines.push(format!("and {more} more"));
        }
        lines
    };
    let lists = [("Prices", cut(prices.collect())), ("Settings", cut(settings.collect()))];
    lists.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
}

/// As Markdown: a sentence, a table, and the parts of each platform.
pub fn markdown(diff: &ReportDiff, top: usize) -> String {
    let mut text = format!("**{}**\n", prose(&diff.finding));
    let different: Vec<&PlatformDiff> = diff.platforms.iter().filter(|platform| !is_same(platform)).collect();
    if !different.is_empty() {
        text.push_str("\n| platform | before | after | change |\n|---|---:|---:|---:|\n");
    }
    for platform in &different {
        let name = prose(&platform.name);
        let _ = match &platform.cost {
            Some(cost) => {
                writeln!(
                    text,
                    "| {name} | {} | {} | {} |",
                    shown(&cost.before),
                    shown(&cost.after),
                    percent(cost)
                )
            }
            None => writeln!(text, "| {name} | {NONE} | {NONE} | {} |", platform.status),
        };
    }
    for platform in different.iter().filter(|platform| !platform.items.is_empty()) {
        let _ = writeln!(
            text,
            "\n**{}**\n\n| item | price | quantity | change |\n|---|---:|---:|---:|",
            prose(&platform.name)
        );
        for item in platform.items.iter().take(top) {
            let (price, quantity) = (signed(&item.price_usd), signed(&item.quantity_usd));
            let _ =
                writeln!(text, "| {} | {price} | {quantity} | {} |", prose(&item.detail), signed(&item.usd));
        }
    }
    for (title, lines) in lists(diff) {
        let _ = writeln!(text, "\n{title}:\n");
        for line in lines {
            let _ = writeln!(text, "- {}", prose(&line));
        }
    }
    text
}
