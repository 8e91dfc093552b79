//! The comparison as it appears in a terminal: the main thing that most users ever read.
//!
//! One line per platform. What does not fit into the width is left out in a fixed order and named below, so that
//! lines never wrap. Colour repeats what signs and words already say.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::evidence;
use super::groups;
use super::risk::{Rows, histories};
use super::text::{
    NONE, Places, between, change, clean, count, plural, ratio, seconds, truncate, usd, width, window, wrap,
};
use super::view::{
    controllers, incomplete, kill_reasons, no_start_delays, pods_and_runs, without_modelled_starts,
};
use super::{Distribution, PlatformReport, Report, backtest, bill_comparison};
use crate::units::Usd;

/// Warnings beyond these are in `report.json` only.
const WARNINGS_SHOWN: usize = 8;
/// Below this the columns are left out instead.
const SHORTEST_NAME: usize = 14;
const GAP: &str = "  ";

/// The table with what it is about above and the finding below, in lines of at most `width` columns (40 or more).
pub fn table(report: &Report, width: usize, color: bool) -> String {
    let report = &*without_modelled_starts(report);
    let width = width.max(40);
    let paint = Paint { on: color };
    let mut lines = above(report, width, paint);
    lines.push(String::new());
    lines.extend(comparison(report, width, paint));
    lines.extend(groups::lines(report).map(|line| wrap(&line, width, 2)));
    lines.extend(several_histories(report, width, paint));
    lines.extend(back_test(report, width, paint));
    lines.extend(report.bill_comparison.iter().flat_map(|bill| bill_comparison::lines(bill, width)));
    lines.push(String::new());
    lines.push(paint.bold(&wrap(&clean(&report.finding), width, 0)));
    lines.extend(evidence::sentence(report).map(|text| wrap(&text, width, 2)));
    lines.extend(warnings(report, width, paint));
    let mut text = String::new();
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What a reader must know of the result, in lines of at most `width` columns; all of it, for commands that write no
/// `report.json` to look the rest up in.
pub(crate) fn warning_lines(report: &Report, width: usize, color: bool) -> Vec<String> {
    report.warnings.iter().map(|warning| warning_line(warning, width, Paint { on: color })).collect()
}

/// What was replayed, in lines of at most `width` columns.
pub(crate) fn heading(report: &Report, width: usize, color: bool) -> Vec<String> {
    above(report, width, Paint { on: color })
}

/// What was replayed: trace, place, prices. What is not real is said first.
fn above(report: &Report, width: usize, paint: Paint) -> Vec<String> {
    let inputs = &report.inputs;
    let region = clean(&inputs.region);
    let assumed = inputs.region_source == "assumed";
    let mut lines = Vec::new();
    let mut first = String::new();
    if inputs.synthetic {
        first.push_str("SYNTHETIC trace: invented data, not a measurement. ");
    }
    if assumed {
        let _ = write!(first, "The region {region} is assumed: give yours with --region.");
    }
    if !first.is_empty() {
        lines.push(paint.yellow(&wrap(&first, width, 2)));
    }
    let (start, end) = (&inputs.window.start, &inputs.window.end);
    let length = between(start, end).map(|span| format!(" ({span})")).unwrap_or_default();
    let content = format!("{}, {}{length}", pods_and_runs(inputs), window(start, end));
    lines.push(wrap(&content, width, 2));
    lines.push(wrap(&place_and_prices(report, assumed), width, 2));
    lines
}

fn place_and_prices(report: &Report, assumed: bool) -> String {
    let prices = &report.inputs.prices;
    let place = if assumed { String::new() } else { format!("{}, ", report.inputs.region) };
    let dates = match &prices.as_of {
        Some(dates) if dates.oldest == dates.newest => format!("prices of {}", dates.newest),
        Some(dates) => format!("prices of {} to {}", dates.oldest, dates.newest),
        None => "no prices used".to_owned(),
    };
    let inferred = match prices.inferred.len() as u64 {
        0 => String::new(),
        n => format!(", {} of them inferred", count(n)),
    };
    clean(&format!("{place}{dates}{inferred}")).into_owned()
}

/// A column after the name. Cells are right-aligned.
struct Column {
    title: &'static str,
    heads: [String; 2],
    cells: Vec<String>,
    /// Columns with a low rank are left out first where the width does not suffice; `None` always stays.
    rank: Option<u8>,
    /// Whether leaving it out hides something.
    telling: bool,
}

impl Column {
    fn new(title: &'static str, heads: [&str; 2], rank: Option<u8>, cells: Vec<String>) -> Self {
        Self { title, heads: heads.map(str::to_owned), cells, rank, telling: true }
    }

    /// Two quantiles side by side under one heading.
    fn quantiles(
        title: &'static str,
        rank: u8,
        tight: bool,
        platforms: &[PlatformReport],
        of: fn(&PlatformReport) -> &Distribution,
    ) -> Self {
        let p50: Vec<String> = platforms.iter().map(|p| seconds(of(p).p50)).collect();
        let p99: Vec<String> = platforms.iter().map(|p| seconds(of(p).p99)).collect();
        let widest = |cells: &[String]| cells.iter().map(|cell| width(cell)).max().unwrap_or(0).max(3);
        let gap = if tight { " " } else { GAP };
        let head = if tight { title.split(' ').next().unwrap_or(title) } else { title };
        let (left, right) = (widest(&p50), widest(&p99));
        let join = |a: &str, b: &str| format!("{}{gap}{}", pad_left(a, left), pad_left(b, right));
        Self {
            title,
            heads: [head.to_owned(), join("p50", "p99")],
            cells: p50.iter().zip(&p99).map(|(a, b)| join(a, b)).collect(),
            rank: Some(rank),
            telling: true,
        }
    }

    fn width(&self) -> usize {
        self.heads.iter().chain(&self.cells).map(|cell| width(cell)).max().unwrap_or(0)
    }
}

fn comparison(report: &Report, wide: usize, paint: Paint) -> Vec<String> {
    let platforms = &report.platforms;
    let mut left_out = Vec::new();
    let longest = platforms.iter().map(|p| width(&clean(&p.name)) + suffix(p, platforms).len()).max();
    let longest = longest.unwrap_or(0).max("platform".len());
    let mut columns = columns(platforms, false);
    let mut gap = GAP;
    if longest + taken(&columns, gap) > wide {
        columns = self::columns(platforms, true);
    }
    if longest.min(SHORTEST_NAME) + taken(&columns, gap) > wide {
        gap = " ";
    }
    let rest = loop {
        let rest = wide.saturating_sub(taken(&columns, gap));
        let next = columns.iter().enumerate().filter_map(|(i, c)| Some((c.rank?, i))).min();
        match next {
            Some((_, index)) if rest < longest.min(SHORTEST_NAME) => {
                let column = columns.remove(index);
                left_out.extend(column.telling.then_some(column.title));
            }
            _ => break rest.min(longest),
        }
    };
    let line = |name: &str, cell: &dyn Fn(&Column) -> String| {
        let mut line = pad_right(&truncate(name, rest), rest);
        for column in &columns {
            line.push_str(gap);
            line.push_str(&cell(column));
        }
        line
    };
    let mut lines = Vec::new();
    for (index, name) in ["", "platform"].into_iter().enumerate() {
        let text = line(name, &|column| pad_left(&column.heads[index], column.width()));
        lines.push(paint.dim(text.trim_end()));
    }
    let own_line = need_own_lines(platforms, rest);
    for (index, platform) in platforms.iter().enumerate() {
        let suffix = suffix(platform, platforms);
        let name = clean(&platform.name);
        let name = if own_line && width(&name) + suffix.len() > rest {
            lines.push(wrap(&name, wide, 2));
            suffix.trim_start().to_owned()
        } else {
            format!("{}{suffix}", truncate(&name, rest.saturating_sub(suffix.len())))
        };
        lines.push(line(&name, &|column| {
            let cell = pad_left(&column.cells[index], column.width());
            if column.title == "change" { paint.change(&cell) } else { cell }
        }));
    }
    lines.extend(notes(platforms, &left_out, wide, paint));
    lines
}

/// Whether names that are cut to so many columns could not be told apart, as those of variants: then names that do not fit
/// stand above their numbers.
fn need_own_lines(platforms: &[PlatformReport], most: usize) -> bool {
    let mut cut: Vec<String> = platforms
        .iter()
        .map(|platform| truncate(&clean(&platform.name), most.saturating_sub(" today !".len())).into_owned())
        .collect();
    cut.sort_unstable();
    cut.windows(2).any(|pair| pair[0] == pair[1])
}

/// What columns take beside the name.
fn taken(columns: &[Column], gap: &str) -> usize {
    columns.iter().map(|column| gap.len() + column.width()).sum()
}

/// All columns; `tight` ones have short headings and monthly costs in whole dollars.
fn columns(platforms: &[PlatformReport], tight: bool) -> Vec<Column> {
    let amounts = |of: fn(&PlatformReport) -> Option<Usd>| platforms.iter().map(of).collect::<Vec<_>>();
    let totals = amounts(PlatformReport::total);
    let months = amounts(|p| p.cost.as_ref().and_then(|cost| usd(&cost.usd_per_month)));
    let texts = |amounts: &[Option<Usd>], tight: bool| {
        let places = Places::of(amounts.iter().copied());
        let places = if tight { places.coarser(amounts.iter().copied()) } else { places };
        amounts.iter().map(|amount| places.show(*amount)).collect::<Vec<_>>()
    };
    let today = platforms.first().is_some_and(|p| p.today);
    let versus = if today { "today" } else { "first" };
    let mut changes: Vec<String> =
        platforms.iter().map(|p| change(platforms[0].comparable(), p.comparable())).collect();
    if let Some(first) = changes.first_mut() {
        first.clear();
        first.push_str(versus);
    }
    let each = |of: fn(&PlatformReport) -> String| platforms.iter().map(of).collect::<Vec<_>>();
    let mut killed =
        Column::new("killed", ["tasks", "killed"], Some(4), each(|p| count(p.disruption.tasks_killed)));
    if platforms.iter().all(|p| p.disruption.tasks_killed == 0) {
        (killed.rank, killed.telling) = (Some(0), false);
    }
    let lost = platforms.iter().any(|p| p.disruption.lost_work_hours > 0.0).then(|| {
        let hours = |p: &PlatformReport| format!("{:.1} h", p.disruption.lost_work_hours);
        Column::new("lost work", ["lost", "work"], Some(4), each(hours))
    });
    let all = vec![
        Column::new("cost", ["", "cost"], None, texts(&totals, false)),
        Column::new(
            "cost a month",
            ["cost", if tight { "/month" } else { "a month" }],
            Some(3),
            texts(&months, tight),
        ),
        Column::new("change", ["vs", versus], None, changes),
        Column::quantiles("start delay", 5, tight, platforms, |p| &p.latency.start_delay_s),
        Column::quantiles("makespan", 6, tight, platforms, |p| &p.latency.makespan_s),
        killed,
    ];
    let size = [
        Column::new("peak nodes", ["peak", "nodes"], Some(2), each(|p| count(p.capacity.nodes_peak))),
        Column::new("CPU fill", ["CPU", "fill"], Some(1), each(|p| ratio(p.capacity.cpu_requested_ratio))),
    ];
    all.into_iter().chain(lost).chain(size).collect()
}

/// Marks after a name. The first platform says `today` in another column.
fn suffix(platform: &PlatformReport, platforms: &[PlatformReport]) -> &'static str {
    let is_first = platforms.first().is_some_and(|first| std::ptr::eq(first, platform));
    match (platform.complete, platform.today && !is_first) {
        (true, false) => "",
        (true, true) => " today",
        (false, false) => " !",
        (false, true) => " today !",
    }
}

/// Where there are many platforms, what would be said of each: in a sentence for all of them.
fn notes_of_all(platforms: &[PlatformReport]) -> Vec<String> {
    const MANY: usize = 8;
    if platforms.len() < MANY {
        return Vec::new();
    }
    let mut by_reason: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, n) in platforms.iter().flat_map(|platform| &platform.disruption.evictions) {
        *by_reason.entry(reason).or_default() += n;
    }
    let reasons: Vec<String> =
        by_reason.iter().map(|(reason, n)| format!("{} by {}", count(*n), clean(reason))).collect();
    let killed = (!reasons.is_empty()).then(|| format!("killed on all of them: {}", reasons.join(", ")));
    let paying = platforms.iter().filter(|platform| controllers(platform).is_some()).count();
    let paying = (paying > 0).then(|| {
        format!(
            "{} pay 10 % or more of their cost for the machines of their controllers",
            plural(paying as u64, "platform")
        )
    });
    killed.into_iter().chain(paying).collect()
}

/// What the marks and gaps of the table mean.
fn notes(platforms: &[PlatformReport], left_out: &[&str], width: usize, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    let of_all = notes_of_all(platforms);
    lines.extend(of_all.iter().map(|text| paint.dim(&wrap(text, width, 2))));
    for platform in platforms {
        if !platform.complete {
            lines.push(paint.yellow(&wrap(&format!("! {}", incomplete(platform)), width, 2)));
        }
        let own =
            if of_all.is_empty() { [kill_reasons(platform), controllers(platform)] } else { [None, None] };
        lines.extend(own.iter().flatten().map(|text| paint.dim(&wrap(text, width, 2))));
        if let Some(text) = no_start_delays(platform) {
            lines.push(paint.dim(&wrap(&text, width, 2)));
        }
        if let Some(why) = &platform.cost_unknown {
            let text = format!("{NONE} {} has no cost: {}", clean(&platform.name), clean(why));
            lines.push(wrap(&text, width, 2));
        }
    }
    if !left_out.is_empty() {
        let text = format!("left out to fit the width: {}", left_out.join(", "));
        lines.push(paint.dim(&wrap(&text, width, 2)));
    }
    lines
}

/// Means over several histories, a line per platform and number.
fn several_histories(report: &Report, width: usize, paint: Paint) -> Vec<String> {
    let Some((n, Rows { heads, rows })) = histories(report) else { return Vec::new() };
    let mut lines = vec![
        String::new(),
        paint.dim(&format!("mean of {} histories (95 % interval); all else is the first of them", count(n))),
    ];
    for row in rows {
        let numbers: Vec<String> =
            heads.iter().zip(&row).skip(1).map(|(head, cell)| format!("{head} {cell}")).collect();
        lines.push(wrap(&format!("{}: {}", clean(&row[0]), numbers.join("; ")), width, 2));
    }
    lines
}

/// How far the simulation is from what happened, where that is known; or why it is not.
fn back_test(report: &Report, width: usize, paint: Paint) -> Vec<String> {
    let none = report
        .no_backtest
        .iter()
        .map(|why| paint.dim(&wrap(&format!("no back-test: {}", clean(why)), width, 2)));
    let found = report.backtest.iter().flat_map(backtest::lines).map(|line| wrap(&line, width, 2));
    none.chain(found).collect()
}

fn warnings(report: &Report, width: usize, paint: Paint) -> Vec<String> {
    let shown = report.warnings.iter().take(WARNINGS_SHOWN);
    let mut lines: Vec<String> = shown.map(|warning| warning_line(warning, width, paint)).collect();
    if report.warnings.len() > WARNINGS_SHOWN {
        let more = count((report.warnings.len() - WARNINGS_SHOWN) as u64);
        lines.push(format!("… and {more} more in report.json"));
    }
    lines
}

fn warning_line(warning: &str, width: usize, paint: Paint) -> String {
    let text = wrap(&format!("warning: {}", clean(warning)), width, 2);
    text.strip_prefix("warning:").map_or(text.clone(), |rest| format!("{}{rest}", paint.yellow("warning:")))
}

fn pad_left(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

fn pad_right(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// ANSI colours, or none.
#[derive(Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    pub(crate) const fn new(on: bool) -> Self {
        Self { on }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    /// Green where it costs less, red where it costs more.
    pub(crate) fn change(self, cell: &str) -> String {
        match cell.trim_start().trim_start_matches('>').chars().next() {
            Some('-') => self.with("32", cell),
            Some('+') => self.with("31", cell),
            _ => cell.to_owned(),
        }
    }
}
