//! Why one trace costs more than another, as people read it: a table for the terminal, and Markdown.
//!
//! The largest differences come first; what is not shown is summed in one line, so that what is shown adds up.

use std::fmt::Write as _;

use super::markdown::{code, prose, table as markdown_table};
use super::text::{
    NONE, Places, change, clean, count, plural, quantity, seconds, truncate, usd, width, window, wrap,
};
use crate::compare::traces::{Amounts, Measures, Side, TraceDiff, WorkflowDiff};
use crate::units::Usd;

/// How many workflows are shown unless told otherwise.
pub const TOP: usize = 10;
const WARNINGS_SHOWN: usize = 8;
const AMOUNT: usize = 13;
const MARK: &str = "<!-- cost-sim diff -->";
const SHARED: &str = "what no workflow causes: control plane, idle nodes, controllers";

/// One amount by itself.
pub fn amount(amount: Usd) -> String {
    Places::of([Some(amount)]).show(Some(amount))
}

/// As JSON, with full precision.
pub fn json(diff: &TraceDiff) -> String {
    let mut text = serde_json::to_string_pretty(diff).expect("the difference has only text keys");
    text.push('\n');
    text
}

/// A line of a table: a name, what it cost before and after and the difference, and what stands below it.
struct Line {
    name: String,
    amounts: [Option<Usd>; 3],
    below: String,
}

impl Line {
    fn of(name: impl Into<String>, amounts: &Amounts, below: String) -> Self {
        let amounts =
            [&amounts.before_usd, &amounts.after_usd, &amounts.difference_usd].map(|text| usd(text));
        Self { name: name.into(), amounts, below }
    }

    fn sum<'a>(name: String, all: impl Iterator<Item = &'a Amounts>) -> Self {
        let mut sums = [Usd::ZERO; 3];
        for amounts in all {
            let texts = [&amounts.before_usd, &amounts.after_usd, &amounts.difference_usd];
            sums.iter_mut().zip(texts).for_each(|(sum, text)| *sum += usd(text).unwrap_or_default());
        }
        Self { name, amounts: sums.map(Some), below: String::new() }
    }

    fn change(&self) -> String {
        change(self.amounts[0], self.amounts[1])
    }
}

/// In lines of at most `width` columns (80 or more) with the `top` workflows.
pub fn table(diff: &TraceDiff, wide: usize, top: usize) -> String {
    let wide = wide.max(80);
    let places = places(diff);
    let mut out: Vec<String> = Vec::new();
    out.push(wrap(&format!("{}.", clean(&diff.finding)), wide, 2));
    out.push(String::new());
    for (which, side) in [("before", &diff.before), ("after", &diff.after)] {
        out.push(wrap(&format!("{which}: {}", describe(side)), wide, 2));
    }
    out.push(wrap(&format!("platform: {}, {}", clean(&diff.platform), clean(&diff.region)), wide, 2));
    out.push(String::new());
    let name_width = wide - 3 * (AMOUNT + 1) - 10;
    let row = |name: &str, cells: [&str; 3], change: &str| {
        let mut line = truncate(name, name_width).into_owned();
        line.push_str(&" ".repeat(name_width.saturating_sub(width(&line))));
        for cell in cells {
            let _ = write!(line, " {}{cell}", " ".repeat(AMOUNT.saturating_sub(width(cell))));
        }
        let _ = write!(line, " {}{change}", " ".repeat(9usize.saturating_sub(width(change))));
        line.trim_end().to_owned()
    };
    let heads = ["before", "after", "difference"];
    let show = |line: &Line, places: Places| {
        let [before, after, _] = line.amounts.map(|amount| places.show(amount));
        row(&clean(&line.name), [&before, &after, &signed(places, line.amounts[2])], &line.change())
    };
    out.push(row("", heads, "change"));
    for line in totals(diff) {
        out.push(show(&line, places));
    }
    out.push(String::new());
    out.push(row("cause", ["", "", "difference"], ""));
    for (name, part) in causes(diff) {
        if is_shown(places, Some(part)) {
            out.push(row(name, ["", "", &signed(places, Some(part))], ""));
        }
    }
    out.push(String::new());
    out.push(row("workflow", heads, "change"));
    for line in lines(diff, top, places) {
        out.push(show(&line, places));
        if !line.below.is_empty() {
            out.push(format!("  {}", wrap(&line.below, wide - 2, 2).replace('\n', "\n  ")));
        }
    }
    if !diff.warnings.is_empty() {
        out.push(String::new());
    }
    out.extend(
        diff.warnings
            .iter()
            .take(WARNINGS_SHOWN)
            .map(|line| wrap(&format!("warning: {}", clean(line)), wide, 2)),
    );
    if diff.warnings.len() > WARNINGS_SHOWN {
        out.push(format!("… and {} more with --format json", diff.warnings.len() - WARNINGS_SHOWN));
    }
    out.push(String::new());
    out.join("\n")
}

/// For a comment on a pull request or a page of a report.
pub fn markdown(diff: &TraceDiff, top: usize) -> String {
    let places = places(diff);
    let mut out = format!("{MARK}\n**{}.**\n\n", prose(&diff.finding));
    for (which, side) in [("Before", &diff.before), ("After", &diff.after)] {
        let _ = writeln!(out, "- {which}: {}", prose(&describe(side)));
    }
    let _ = writeln!(out, "- Platform: {}, {}\n", code(&diff.platform), prose(&diff.region));
    let cells = |line: &Line, name: String| {
        let [before, after, _] = line.amounts.map(|amount| places.show(amount));
        vec![name, before, after, signed(places, line.amounts[2]), line.change()]
    };
    let rows: Vec<_> = totals(diff).iter().map(|line| cells(line, prose(&line.name))).collect();
    markdown_table(&mut out, &["", "before", "after", "difference", "change"], 1, &rows);
    let rows: Vec<_> = causes(diff)
        .into_iter()
        .map(|(name, part)| vec![name.to_owned(), signed(places, Some(part))])
        .collect();
    markdown_table(&mut out, &["cause", "difference"], 1, &rows);
    let rows: Vec<_> = lines(diff, top, places)
        .iter()
        .map(|line| {
            let mut row = cells(line, prose(&line.name));
            row.push(prose(&line.below));
            row
        })
        .collect();
    markdown_table(&mut out, &["workflow", "before", "after", "difference", "change", "why"], 1, &rows);
    let latencies: Vec<_> = diff.workflows.iter().take(top).filter_map(latency).collect();
    if !latencies.is_empty() {
        let heads = ["workflow", "makespan p50", "makespan p99", "start delay p50", "start delay p99"];
        markdown_table(&mut out, &heads, 1, &latencies);
    }
    for line in &diff.warnings {
        let _ = writeln!(out, "- {}", prose(line));
    }
    out
}

/// `march.csv: 6,024 pods in 502 workflow runs, 2026-03-01 to 2026-04-01 UTC`.
fn describe(side: &Side) -> String {
    let invented = if side.synthetic { "SYNTHETIC, " } else { "" };
    let names: Vec<&str> = side.traces.iter().map(|trace| trace.path.as_str()).collect();
    let runs = match side.workflow_runs {
        0 => String::new(),
        runs => format!(" in {}", plural(runs, "workflow run")),
    };
    let window = window(&side.window.start, &side.window.end);
    let text = format!("{}: {invented}{}{runs}, {window}", names.join(", "), plural(side.pods, "pod"));
    clean(&text).into_owned()
}

fn places(diff: &TraceDiff) -> Places {
    Places::of([usd(&diff.total.before_usd), usd(&diff.total.after_usd)])
}

fn totals(diff: &TraceDiff) -> Vec<Line> {
    let mut lines = vec![Line::of("total", &diff.total, String::new())];
    if let Some(day) = &diff.total.per_day {
        let amounts = [&day.before_usd, &day.after_usd, &day.difference_usd].map(|text| usd(text));
        lines.push(Line { name: "a day".to_owned(), amounts, below: String::new() });
    }
    lines
}

/// Everything that the difference is made of.
fn causes(diff: &TraceDiff) -> Vec<(&'static str, Usd)> {
    let shared = &diff.shared;
    let own = [
        ("shared: billed hours", &*shared.billed_hours),
        ("shared: idle nodes, others", &*shared.other),
        ("shared: price", &*shared.price),
    ];
    let all = diff.causes.named().into_iter().chain(own);
    all.map(|(name, text)| (name, usd(text).unwrap_or_default())).collect()
}

/// The `top` workflows, the others in one line, and what none of them causes.
fn lines(diff: &TraceDiff, top: usize, places: Places) -> Vec<Line> {
    let same = |workflow: &&WorkflowDiff| workflow.usd.before_usd == workflow.usd.after_usd;
    let shown = (diff.workflows.len() - diff.workflows.iter().filter(same).count()).min(top);
    let (first, others) = diff.workflows.split_at(shown);
    let mut lines: Vec<Line> = first.iter().map(|workflow| line(workflow, places)).collect();
    if !others.is_empty() {
        let name = plural(others.len() as u64, "other workflow");
        lines.push(Line::sum(name, others.iter().map(|workflow| &workflow.usd)));
    }
    lines.push(Line::of("shared", &diff.shared.usd, SHARED.to_owned()));
    lines
}

fn line(workflow: &WorkflowDiff, places: Places) -> Line {
    let name = if workflow.workflow.is_empty() { "(no workflow)" } else { &workflow.workflow };
    let below = match (&workflow.before, &workflow.after) {
        (None, Some(after)) => format!("new: {}", plural(after.runs, "run")),
        (Some(before), None) => format!("gone: had {}", plural(before.runs, "run")),
        _ => why(workflow, places),
    };
    let day = workflow.usd.per_day.as_ref().map(|day| {
        let places = Places::of([usd(&day.before_usd), usd(&day.after_usd)]);
        format!("a day {} → {}", places.show(usd(&day.before_usd)), places.show(usd(&day.after_usd)))
    });
    let below: Vec<String> =
        [Some(below), day].into_iter().flatten().filter(|text| !text.is_empty()).collect();
    Line::of(name, &workflow.usd, below.join("; "))
}

/// `runs +$40.00 (30 → 40), duration -$20.00 (12m00s → 10m00s a pod)`: the largest first.
fn why(workflow: &WorkflowDiff, places: Places) -> String {
    let mut parts: Vec<(&str, Usd)> =
        workflow.causes.named().into_iter().filter_map(|(name, text)| Some((name, usd(text)?))).collect();
    parts.retain(|(_, part)| is_shown(places, Some(*part)));
    parts.sort_by_key(|(_, part)| std::cmp::Reverse(part.femto().abs()));
    let texts = parts.iter().map(|(name, part)| {
        let part = signed(places, Some(*part));
        match (&workflow.before, &workflow.after) {
            (Some(before), Some(after)) => format!("{name} {part}{}", detail(name, before, after)),
            _ => format!("{name} {part}"),
        }
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// By what a cause shows itself.
fn detail(cause: &str, before: &Measures, after: &Measures) -> String {
    let each = |of: fn(&Measures) -> String| format!(" ({} → {})", of(before), of(after));
    match cause {
        "runs" => each(|m| count(m.runs)),
        "pods per run" => each(|m| quantity(m.pods as f64 / m.runs.max(1) as f64)),
        "duration" => each(|m| seconds(Some(m.work_hours * 3_600.0 / m.pods.max(1) as f64))),
        "leftovers" => each(|m| seconds(Some(m.leftover_hours * 3_600.0 / m.pods.max(1) as f64))),
        "requests" => each(|m| match (m.mean_vcpu, m.mean_gib) {
            (Some(vcpu), Some(gib)) => format!("{} vCPU and {} GiB", quantity(vcpu), quantity(gib)),
            _ => NONE.to_owned(),
        }),
        _ => String::new(),
    }
}

/// What became slower or faster, for Markdown.
fn latency(workflow: &WorkflowDiff) -> Option<Vec<String>> {
    let (before, after) = (workflow.before.as_ref()?, workflow.after.as_ref()?);
    let each = |of: fn(&Measures) -> Option<f64>| format!("{} → {}", seconds(of(before)), seconds(of(after)));
    Some(vec![
        if workflow.workflow.is_empty() { prose("(no workflow)") } else { prose(&workflow.workflow) },
        each(|m| m.p50_makespan_s),
        each(|m| m.p99_makespan_s),
        each(|m| m.p50_start_delay_s),
        each(|m| m.p99_start_delay_s),
    ])
}

/// Whether anything is left of it at these places.
fn is_shown(places: Places, amount: Option<Usd>) -> bool {
    amount.is_some_and(|usd| usd != Usd::ZERO) && !places.show(amount).contains('<')
}

/// With a plus where it is more; what is nothing at these places is shown as such.
fn signed(places: Places, amount: Option<Usd>) -> String {
    if !is_shown(places, amount) {
        return places.show(Some(Usd::ZERO));
    }
    let text = places.show(amount);
    if amount > Some(Usd::ZERO) { format!("+{text}") } else { text }
}
