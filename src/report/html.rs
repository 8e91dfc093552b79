//! The report as one page that can be mailed, printed and opened anywhere: no script, no network, no fonts.
//!
//! Names come from traces and may be hostile. Text reaches the page through [`element`]'s tables and `escape`
//! only; nothing else writes a string of the report.

mod bars;
mod element;

use std::fmt::Write;

use element::{Cell, details, escape, section, table, tag};

use super::charts::BACK_TEST;
use super::evidence;
use super::risk::{Rows, histories, spot};
use super::text::{
    NONE, Places, between, change, count, hours, money, plural, quantity, rate, ratio, seconds, usd, window,
};
use super::view::{
    controllers, incomplete, no_start_delays, pods_and_runs, without_modelled_starts, workflow_rows,
};
use super::{Chart, Distribution, PlatformReport, Report, backtest, bill_comparison};

const STYLE: &str = include_str!("html/style.css");
const WORKFLOWS_SHOWN: usize = 100;
const WARNINGS_SHOWN: usize = 200;

/// The whole page, with the charts in it.
pub fn html(report: &Report, charts: &[Chart]) -> String {
    let report = &*without_modelled_starts(report);
    let mut out = String::with_capacity(1 << 16);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>cost-sim: {}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escape(&report.finding),
    );
    header(&mut out, report);
    section(&mut out, "Comparison", |out| comparison(out, report));
    self::charts(&mut out, report, charts);
    back_test(&mut out, report);
    bill(&mut out, report);
    bars::allocation(&mut out, report);
    bars::bills(&mut out, report);
    bars::savings(&mut out, report);
    section(&mut out, "Latency", |out| latency(out, report));
    workflows(&mut out, report);
    groups(&mut out, report);
    machines(&mut out, report);
    section(&mut out, "Pods and disruption", |out| pods(out, report));
    risk(&mut out, report);
    warnings(&mut out, report);
    prices(&mut out, report);
    assumptions(&mut out, report);
    inputs(&mut out, report);
    let _ = write!(
        out,
        "<footer>{} {}, seed {}. Amounts on this page are rounded; report.json has them in full.</footer>\n\
         </main>\n</body>\n</html>\n",
        escape(&report.tool.name),
        escape(&report.tool.version),
        report.inputs.seed,
    );
    out
}

fn header(out: &mut String, report: &Report) {
    let inputs = &report.inputs;
    out.push_str("<header>\n<p class=\"eyebrow\">cost-sim report");
    if inputs.synthetic {
        out.push_str(" <span class=\"badge\">SYNTHETIC trace: invented data</span>");
    }
    if inputs.region_source == "assumed" {
        let region = escape(&inputs.region);
        let _ =
            write!(out, " <span class=\"badge\">region {region} is assumed: give yours with --region</span>");
    }
    let _ = write!(out, "</p>\n<h1>{}</h1>\n", escape(&report.finding));
    if let Some(text) = evidence::estimated(report) {
        let _ = writeln!(out, "<p class=\"lead\">Not all is measured: {}.</p>", escape(&text));
    }
    let (start, end) = (&inputs.window.start, &inputs.window.end);
    let mut facts = vec![
        pods_and_runs(inputs),
        window(start, end),
        between(start, end).map(|span| span.to_string()).unwrap_or_default(),
        inputs.region.clone(),
    ];
    if let Some(dates) = &inputs.prices.as_of {
        let inferred = inputs.prices.inferred.len() as u64;
        let inferred = if inferred > 0 { format!(", {} inferred", count(inferred)) } else { String::new() };
        facts.push(format!("prices of {} to {}{inferred}", dates.oldest, dates.newest));
    }
    out.push_str("<ul class=\"facts\">");
    for fact in facts.iter().filter(|fact| !fact.is_empty()) {
        tag(out, "li", fact);
    }
    out.push_str("</ul>\n</header>\n");
}

fn comparison(out: &mut String, report: &Report) {
    let platforms = &report.platforms;
    let base = platforms.first().and_then(PlatformReport::comparable);
    let totals = Places::of(platforms.iter().map(PlatformReport::total));
    let month = |p: &PlatformReport| p.cost.as_ref().and_then(|cost| usd(&cost.usd_per_month));
    let months = Places::of(platforms.iter().map(month));
    let most = platforms.iter().filter_map(PlatformReport::total).max().unwrap_or_default();
    let mut rows = Vec::new();
    for (index, platform) in platforms.iter().enumerate() {
        let total = platform.total();
        let change = if index == 0 { NONE.to_owned() } else { change(base, platform.comparable()) };
        let bar = total.map(|total| bars::plain(total, most)).unwrap_or_default();
        let cost = format!("<strong>{}</strong>{bar}", escape(&totals.show(total)));
        let Latency { start, makespan } = Latency::of(platform);
        rows.push(vec![
            name(platform),
            Cell::Html(cost, "cost"),
            Cell::text(months.show(month(platform))),
            Cell::classed(change_class(&change), change),
            Cell::text(seconds(start.p50)),
            Cell::text(seconds(start.p99)),
            Cell::text(seconds(makespan.p50)),
            Cell::text(seconds(makespan.p99)),
            Cell::text(count(platform.disruption.tasks_killed)),
            Cell::text(count(platform.capacity.nodes_peak)),
            Cell::text(ratio(platform.capacity.cpu_requested_ratio)),
        ]);
    }
    let heads = [
        "platform",
        "cost",
        "cost a month",
        "change",
        "start delay p50",
        "start delay p99",
        "makespan p50",
        "makespan p99",
        "tasks killed",
        "peak nodes",
        "CPU fill",
    ];
    table(out, &heads, 1, &rows);
    for platform in platforms {
        if !platform.complete {
            let _ = writeln!(out, "<p class=\"note warn\">⚠ {}</p>", escape(&incomplete(platform)));
        }
        if let Some(text) = controllers(platform) {
            let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(&text));
        }
        if let Some(text) = no_start_delays(platform) {
            let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(&text));
        }
        if let Some(why) = &platform.cost_unknown {
            let text = format!("{} has no cost: {why}", platform.name);
            let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(&text));
        }
    }
}

/// The quantiles that the comparison shows.
struct Latency<'a> {
    start: &'a Distribution,
    makespan: &'a Distribution,
}

impl<'a> Latency<'a> {
    fn of(platform: &'a PlatformReport) -> Self {
        Self { start: &platform.latency.start_delay_s, makespan: &platform.latency.makespan_s }
    }
}

/// The name with its marks.
fn name(platform: &PlatformReport) -> Cell {
    let mut text = escape(&platform.name);
    if platform.today {
        text.push_str(" <span class=\"mark\">today</span>");
    }
    if !platform.complete {
        text.push_str(" <span class=\"mark warn\">⚠ incomplete</span>");
    }
    Cell::html(text)
}

fn change_class(change: &str) -> &'static str {
    match change.trim_start_matches('>').chars().next() {
        Some('-') => "less",
        Some('+') => "more",
        _ => "",
    }
}

type Of = fn(&PlatformReport) -> &Distribution;

fn latency(out: &mut String, report: &Report) {
    let mut rows = Vec::new();
    let groups: [(&str, Of); 3] = [
        ("Start delay: created → running", |p| &p.latency.start_delay_s),
        ("Turnaround: eligible → end noticed", |p| &p.latency.turnaround_s),
        ("Makespan: first task submitted → last end noticed", |p| &p.latency.makespan_s),
    ];
    for (title, of) in groups {
        rows.push(vec![Cell::group(title)]);
        for platform in &report.platforms {
            let d = of(platform);
            let quantiles = [d.mean, d.p50, d.p90, d.p95, d.p99, d.p999, d.max];
            let mut row = vec![name(platform), Cell::text(count(d.count))];
            row.extend(quantiles.map(|value| Cell::text(seconds(value))));
            rows.push(row);
        }
    }
    let heads = ["platform", "count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"];
    table(out, &heads, 1, &rows);
}

/// Each as an inline SVG: its letters are text, and its colours follow the page's.
fn charts(out: &mut String, report: &Report, charts: &[Chart]) {
    let shown = |chart: &&Chart| chart.name != BACK_TEST || report.backtest.is_some();
    if charts.is_empty() {
        return;
    }
    section(out, "Charts", |out| {
        for chart in charts.iter().filter(shown) {
            // A page needs no namespace, and names no address that somebody could take for a link.
            let svg = chart.svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
            let _ = write!(out, "<figure>\n{svg}</figure>\n");
        }
    });
}

fn workflows(out: &mut String, report: &Report) {
    let workflows = workflow_rows(report);
    if workflows.is_empty() {
        return;
    }
    let mut heads = vec!["workflow".to_owned(), "runs".to_owned(), "pods".to_owned()];
    for platform in &report.platforms {
        heads.push(format!("{}: cost", platform.name));
        heads.push(format!("{}: p99 makespan", platform.name));
    }
    let rows: Vec<_> = workflows
        .iter()
        .take(WORKFLOWS_SHOWN)
        .map(|row| {
            let name = if row.name.is_empty() { "pods without a workflow" } else { row.name };
            let mut cells = vec![Cell::text(name), Cell::text(count(row.runs)), Cell::text(count(row.pods))];
            for on in &row.on {
                cells.push(Cell::text(on.and_then(|w| w.usd.as_deref()).map_or(NONE.to_owned(), money)));
                cells.push(Cell::text(seconds(on.and_then(|w| w.p99_makespan_s))));
            }
            cells
        })
        .collect();
    section(out, "Workflows", |out| {
        out.push_str("<p class=\"lead\">What the workflow's own pods cost, dearest first. Idle time, start-up, DaemonSets and the control plane are not in it.</p>\n");
        table(out, &heads, 1, &rows);
        let more = workflows.len().saturating_sub(WORKFLOWS_SHOWN);
        if more > 0 {
            let text = format!("… and {} in report.json", plural(more as u64, "more workflow"));
            let _ = writeln!(out, "<p class=\"note\">{text}</p>");
        }
    });
}

fn groups(out: &mut String, report: &Report) {
    let mut all = Vec::new();
    for (platform, rows) in super::groups::rows(report) {
        all.extend(rows.iter().map(|row| {
            let cells = row.iter().map(Cell::text);
            std::iter::once(name(platform)).chain(cells).collect::<Vec<_>>()
        }));
    }
    if !all.is_empty() {
        let heads: Vec<&str> = std::iter::once("platform").chain(super::groups::HEADS).collect();
        section(out, "Cost by group", |out| table(out, &heads, 3, &all));
    }
}

fn machines(out: &mut String, report: &Report) {
    let mut rows = Vec::new();
    for platform in &report.platforms {
        for machine in &platform.capacity.by_instance_type {
            let cost = if platform.cost.is_some() { money(&machine.usd) } else { NONE.to_owned() };
            rows.push(vec![
                name(platform),
                Cell::text(&machine.machine),
                Cell::text(&machine.capacity_type),
                Cell::text(count(machine.nodes)),
                Cell::text(quantity(machine.node_hours)),
                Cell::text(ratio(Some(machine.cpu_requested_ratio))),
                Cell::text(ratio(Some(machine.memory_requested_ratio))),
                Cell::text(cost),
            ]);
        }
    }
    if !rows.is_empty() {
        let heads =
            ["platform", "machine", "capacity", "nodes", "node-hours", "CPU fill", "memory fill", "cost"];
        section(out, "Machines", |out| table(out, &heads, 3, &rows));
    }
}

fn risk(out: &mut String, report: &Report) {
    let show = |out: &mut String, rows: &Rows| {
        let cells = |row: &Vec<String>| row.iter().map(Cell::text).collect::<Vec<_>>();
        table(out, rows.heads, 1, &rows.rows.iter().map(cells).collect::<Vec<_>>());
    };
    if let Some(rows) = spot(report) {
        section(out, "Spot", |out| show(out, &rows));
    }
    if let Some((n, rows)) = histories(report) {
        let title = format!("Mean of {} histories (95 % interval); all else is the first of them", count(n));
        section(out, &title, |out| show(out, &rows));
    }
    if let Some(evidence) = &report.inputs.evidence {
        section(out, "How the work of pods is known", |out| {
            show(out, &evidence::method_rows(evidence));
            if let Some((text, rows)) = evidence::meaning(report).zip(evidence::rows(report)) {
                let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(&text));
                show(out, &rows);
            }
        });
    }
}

fn back_test(out: &mut String, report: &Report) {
    if let Some(why) = &report.no_backtest {
        section(out, "Back-test", |out| tag(out, "p", &format!("None: {why}.")));
    }
    let Some(test) = &report.backtest else { return };
    section(out, &format!("Back-test: {} as recorded and as simulated", test.platform), |out| {
        let Rows { heads, rows } = backtest::rows(test);
        let cells = |row: &Vec<String>| row.iter().map(Cell::text).collect::<Vec<_>>();
        table(out, heads, 1, &rows.iter().map(cells).collect::<Vec<_>>());
        for sentence in backtest::sentences(test) {
            tag(out, "p", &sentence);
        }
    });
}

fn bill(out: &mut String, report: &Report) {
    let Some(bill) = &report.bill_comparison else { return };
    let show = |out: &mut String, rows: &Rows, names: usize| {
        let cells = |row: &Vec<String>| row.iter().map(Cell::text).collect::<Vec<_>>();
        table(out, rows.heads, names, &rows.rows.iter().map(cells).collect::<Vec<_>>());
    };
    section(out, "Bill", |out| {
        tag(out, "p", &format!("{}.", bill_comparison::subject(bill)));
        show(out, &bill_comparison::item_rows(bill), 3);
        for sentence in bill_comparison::sentences(bill) {
            tag(out, "p", &sentence);
        }
        if !bill.out_of_scope.is_empty() {
            details(out, &bill_comparison::out_of_scope_title(bill), |out| {
                show(out, &bill_comparison::out_of_scope_rows(bill), 3);
            });
        }
    });
}

fn pods(out: &mut String, report: &Report) {
    let rows: Vec<_> = report
        .platforms
        .iter()
        .map(|platform| {
            let (pods, disruption) = (&platform.pods, &platform.disruption);
            let counts = [
                pods.total,
                pods.succeeded,
                pods.failed,
                pods.unschedulable,
                pods.canceled,
                pods.not_run,
                pods.restarted,
                disruption.tasks_killed,
            ];
            let evictions: Vec<String> =
                disruption.evictions.iter().map(|(reason, n)| format!("{reason} {}", count(*n))).collect();
            let evictions = if evictions.is_empty() { NONE.to_owned() } else { evictions.join(", ") };
            let mut row = vec![name(platform)];
            row.extend(counts.map(|n| Cell::text(count(n))));
            row.push(Cell::text(hours(disruption.lost_work_hours)));
            row.push(Cell::text(evictions));
            row
        })
        .collect();
    let heads = [
        "platform",
        "pods",
        "succeeded",
        "failed",
        "unschedulable",
        "canceled",
        "not run",
        "restarted",
        "tasks killed",
        "work lost",
        "evictions",
    ];
    table(out, &heads, 1, &rows);
}

fn warnings(out: &mut String, report: &Report) {
    if report.warnings.is_empty() {
        return;
    }
    section(out, "Warnings", |out| {
        out.push_str("<ul class=\"warnings\">\n");
        for warning in report.warnings.iter().take(WARNINGS_SHOWN) {
            tag(out, "li", warning);
        }
        if report.warnings.len() > WARNINGS_SHOWN {
            let more = report.warnings.len() - WARNINGS_SHOWN;
            tag(out, "li", &format!("… and {} more in report.json", count(more as u64)));
        }
        out.push_str("</ul>\n");
    });
}

fn prices(out: &mut String, report: &Report) {
    let rows: Vec<_> = report
        .prices
        .iter()
        .map(|price| {
            let inferred = price.inferred_by.as_deref().map(|by| format!("inferred: {by}"));
            vec![
                Cell::text(&price.name),
                Cell::text(&price.as_of),
                Cell::text(inferred.unwrap_or_default()),
                Cell::text(format!("{} per {}", rate(&price.usd_per_unit), price.unit)),
            ]
        })
        .collect();
    details(out, &format!("Prices used ({})", rows.len()), |out| {
        table(out, &["price", "as of", "note", "rate"], 3, &rows);
    });
}

fn assumptions(out: &mut String, report: &Report) {
    let all = &report.inputs.assumptions;
    let changed = all.iter().filter(|a| a.value != a.default).count();
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort_by_key(|a| a.value == a.default);
    let rows: Vec<_> = sorted
        .into_iter()
        .map(|a| {
            let value = if a.value == a.default {
                Cell::text(&a.value)
            } else {
                Cell::html(format!("<strong>{}</strong>", escape(&a.value)))
            };
            vec![Cell::text(&a.name), value, Cell::text(&a.default), Cell::text(&a.source)]
        })
        .collect();
    details(out, &format!("Assumptions ({}, {changed} changed)", rows.len()), |out| {
        table(out, &["assumption", "value", "default", "source"], 4, &rows);
    });
}

fn inputs(out: &mut String, report: &Report) {
    let inputs = &report.inputs;
    let row = |trace: &super::TraceInput| {
        vec![Cell::text(&trace.path), Cell::text(&trace.sha256), Cell::text(count(trace.rows))]
    };
    let rows: Vec<_> = inputs.traces.iter().map(row).collect();
    details(out, "Inputs and scenario", |out| {
        table(out, &["trace", "SHA-256", "rows"], 2, &rows);
        let defaulted = &inputs.defaulted;
        let text = format!(
            "Replay: {}. Defaults were needed for {} CPU requests, {} memory requests, {} image sizes. Prices: SHA-256 {}.",
            inputs.replay,
            count(defaulted.cpu_requests),
            count(defaulted.memory_requests),
            count(defaulted.image_sizes),
            inputs.prices.sha256,
        );
        tag(out, "p", &text);
        tag(out, "pre", &report.scenario);
    });
}

/// `7,500 vCPU-hours × $0.04048`.
fn product(item: &super::CostItem) -> String {
    format!("{} {} × {}", quantity(item.quantity), item.unit, rate(&item.usd_per_unit))
}
