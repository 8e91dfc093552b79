//! The report as a comment on a pull request: one bold sentence, a small table, everything else folded.

use std::fmt::Write;

use super::risk::{Rows, histories, spot};
use super::text::{
    NONE, Places, change, clean, count, money, plural, quantity, rate, ratio, seconds, usd, window,
};
use super::view::{
    controllers, incomplete, no_start_delays, plan_use, pods_and_runs, without_modelled_starts, workflow_rows,
};
use super::{Assumption, Cost, CostItem, PlatformReport, Report, backtest, bill_comparison};
use super::{evidence, groups};
use crate::units::Usd;

/// By which a bot finds its own comment.
const MARK: &str = "<!-- cost-sim -->";
const WORKFLOWS_SHOWN: usize = 20;
const WARNINGS_SHOWN: usize = 50;

/// The report in GitHub's Markdown.
pub fn markdown(report: &Report) -> String {
    let report = &*without_modelled_starts(report);
    let mut out = format!("{MARK}\n**{}**\n\n", prose(&report.finding));
    let mut notes = Vec::new();
    if report.inputs.synthetic {
        notes.push("SYNTHETIC trace: invented data, not a measurement.".to_owned());
    }
    if report.inputs.region_source == "assumed" {
        notes.push(format!("The region {} is assumed.", code(&report.inputs.region)));
    }
    let inputs = &report.inputs;
    notes.push(format!(
        "{}, {}, {}.",
        pods_and_runs(inputs),
        prose(&window(&inputs.window.start, &inputs.window.end)),
        prose(&inputs.region),
    ));
    out.push_str(&notes.join(" "));
    out.push_str("\n\n");
    comparison(&mut out, report);
    back_test(&mut out, report);
    bill(&mut out, report);
    for platform in &report.platforms {
        if let Some(cost) = &platform.cost {
            items(&mut out, platform, cost);
        }
    }
    risk(&mut out, report);
    allocation(&mut out, report);
    workflows(&mut out, report);
    groups(&mut out, report);
    machines(&mut out, report);
    prices(&mut out, report);
    assumptions(&mut out, report);
    warnings(&mut out, report);
    out
}

fn comparison(out: &mut String, report: &Report) {
    let platforms = &report.platforms;
    let base = platforms.first().and_then(PlatformReport::comparable);
    let totals = Places::of(platforms.iter().map(PlatformReport::total));
    let month = |p: &PlatformReport| p.cost.as_ref().and_then(|cost| usd(&cost.usd_per_month));
    let months = Places::of(platforms.iter().map(month));
    let mut rows = Vec::new();
    for (index, platform) in platforms.iter().enumerate() {
        let latency = &platform.latency;
        let pair = |a, b| format!("{} / {}", seconds(a), seconds(b));
        rows.push(vec![
            name(platform),
            totals.show(platform.total()),
            months.show(month(platform)),
            if index == 0 { NONE.to_owned() } else { change(base, platform.comparable()) },
            pair(latency.start_delay_s.p50, latency.start_delay_s.p99),
            pair(latency.makespan_s.p50, latency.makespan_s.p99),
            count(platform.disruption.tasks_killed),
            count(platform.capacity.nodes_peak),
            ratio(platform.capacity.cpu_requested_ratio),
        ]);
    }
    let heads = [
        "platform",
        "cost",
        "cost a month",
        "change",
        "start delay p50 / p99",
        "makespan p50 / p99",
        "tasks killed",
        "peak nodes",
        "CPU fill",
    ];
    table(out, &heads, 1, &rows);
    for platform in platforms {
        if !platform.complete {
            let _ = writeln!(out, "⚠ {}\n", prose(&incomplete(platform)));
        }
        if let Some(text) = controllers(platform) {
            let _ = writeln!(out, "{}\n", prose(&text));
        }
        if let Some(text) = no_start_delays(platform) {
            let _ = writeln!(out, "{}\n", prose(&text));
        }
        if let Some(why) = &platform.cost_unknown {
            let _ = writeln!(out, "{} has no cost: {}\n", code(&platform.name), prose(why));
        }
    }
}

fn name(platform: &PlatformReport) -> String {
    let today = if platform.today { " (today)" } else { "" };
    let mark = if platform.complete { "" } else { " ⚠" };
    format!("{}{today}{mark}", code(&platform.name))
}

fn items(out: &mut String, platform: &PlatformReport, cost: &Cost) {
    let title = format!("{}: {}", html(&platform.name), money(&cost.total_usd));
    let places = Places::of([usd(&cost.total_usd)]);
    let row = |item: &CostItem| {
        let quantity = format!("{} {}", quantity(item.quantity), prose(&item.unit));
        let rate = rate(&item.usd_per_unit);
        vec![prose(&item.item), code(&item.detail), quantity, rate, places.show(usd(&item.usd))]
    };
    let rows: Vec<_> = cost.items.iter().map(row).collect();
    details(out, &format!("Cost of {title}"), |out| {
        table(out, &["item", "detail", "quantity", "rate", "cost"], 2, &rows);
        if let Some(plan) = &cost.savings_plan {
            let _ = writeln!(out, "{}\n", prose(&plan_use(plan)));
        }
    });
}

fn risk(out: &mut String, report: &Report) {
    let show = |out: &mut String, rows: Rows| {
        let escaped = |row: Vec<String>| -> Vec<String> {
            row.iter().enumerate().map(|(i, cell)| if i == 0 { code(cell) } else { prose(cell) }).collect()
        };
        let cells: Vec<_> = rows.rows.into_iter().map(escaped).collect();
        table(out, rows.heads, 1, &cells);
    };
    if let Some((n, rows)) = histories(report) {
        details(
            out,
            &format!("Mean of {} histories (95 % interval); all else is the first of them", count(n)),
            |out| show(out, rows),
        );
    }
    if let Some(rows) = spot(report) {
        details(out, "Spot", |out| show(out, rows));
    }
    if let Some(evidence) = &report.inputs.evidence {
        details(out, "How the work of pods is known", |out| {
            show(out, evidence::method_rows(evidence));
            if let Some((text, rows)) = evidence::meaning(report).zip(evidence::rows(report)) {
                let _ = writeln!(out, "{}\n", prose(&text));
                show(out, rows);
            }
        });
    }
}

fn back_test(out: &mut String, report: &Report) {
    if let Some(why) = &report.no_backtest {
        let _ = writeln!(out, "No back-test: {}.\n", prose(why));
    }
    let Some(test) = &report.backtest else { return };
    details(out, &format!("Back-test: {} as recorded and as simulated", html(&test.platform)), |out| {
        let escaped = |row: Vec<String>| row.iter().map(|cell| prose(cell)).collect();
        let Rows { heads, rows } = backtest::rows(test);
        table(out, heads, 1, &rows.into_iter().map(escaped).collect::<Vec<_>>());
        for sentence in backtest::sentences(test) {
            let _ = writeln!(out, "{}\n", prose(&sentence));
        }
    });
}

fn bill(out: &mut String, report: &Report) {
    let Some(bill) = &report.bill_comparison else { return };
    let show = |out: &mut String, rows: Rows, names: usize| {
        let escaped = |row: Vec<String>| row.iter().map(|cell| prose(cell)).collect();
        table(out, rows.heads, names, &rows.rows.into_iter().map(escaped).collect::<Vec<_>>());
    };
    details(out, &format!("Bill: {}", html(&bill_comparison::subject(bill))), |out| {
        show(out, bill_comparison::item_rows(bill), 3);
        for sentence in bill_comparison::sentences(bill) {
            let _ = writeln!(out, "{}\n", prose(&sentence));
        }
        if !bill.out_of_scope.is_empty() {
            let _ = writeln!(out, "{}\n", prose(&bill_comparison::out_of_scope_title(bill)));
            show(out, bill_comparison::out_of_scope_rows(bill), 3);
        }
    });
}

fn allocation(out: &mut String, report: &Report) {
    let costs = || report.platforms.iter().filter_map(|p| Some((p, p.cost.as_ref()?)));
    let places = Places::of(costs().map(|(p, _)| p.total()));
    let mut heads = vec!["platform", "pods", "DaemonSets", "start-up", "idle", "shared"];
    if costs().any(|(_, cost)| cost.allocation.savings_plan_usd.is_some()) {
        heads.push("Savings Plan");
    }
    let rows: Vec<_> = costs()
        .map(|(platform, cost)| {
            let parts = cost.allocation.parts().map(|(_, _, amount)| places.show(usd(amount)));
            let mut cells: Vec<_> = [code(&platform.name)].into_iter().chain(parts).collect();
            cells.resize(heads.len(), places.show(Some(Usd::ZERO)));
            cells
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    details(out, "What the money was for", |out| table(out, &heads, 1, &rows));
}

fn workflows(out: &mut String, report: &Report) {
    let rows = workflow_rows(report);
    let more = rows.len().saturating_sub(WORKFLOWS_SHOWN);
    let mut heads = vec!["workflow".to_owned(), "runs".to_owned()];
    heads.extend(report.platforms.iter().map(|p| format!("{}: cost, p99 makespan", code(&p.name))));
    let rows: Vec<_> = rows
        .iter()
        .take(WORKFLOWS_SHOWN)
        .map(|row| {
            let mut cells = vec![workflow_name(row.name), count(row.runs)];
            cells.extend(row.on.iter().map(|on| match on {
                Some(w) => {
                    format!("{}, {}", w.usd.as_deref().map_or(NONE.into(), money), seconds(w.p99_makespan_s))
                }
                None => NONE.to_owned(),
            }));
            cells
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    details(out, "Workflows", |out| {
        table(out, &heads, 1, &rows);
        if more > 0 {
            let _ = writeln!(out, "… and {} in report.json\n", plural(more as u64, "more workflow"));
        }
    });
}

fn workflow_name(name: &str) -> String {
    if name.is_empty() { "pods without a workflow".to_owned() } else { code(name) }
}

fn groups(out: &mut String, report: &Report) {
    for (platform, rows) in groups::rows(report) {
        details(out, &format!("Cost by group: {}", code(&platform.name)), |out| {
            let name = |mut row: Vec<String>| {
                row[0] = code(&row[0]);
                row
            };
            table(out, &groups::HEADS, 2, &rows.into_iter().map(name).collect::<Vec<_>>());
        });
    }
}

fn machines(out: &mut String, report: &Report) {
    let rows: Vec<_> = report
        .platforms
        .iter()
        .flat_map(|p| p.capacity.by_instance_type.iter().map(move |machine| (p, machine)))
        .map(|(platform, machine)| {
            vec![
                code(&platform.name),
                code(&machine.machine),
                prose(&machine.capacity_type),
                count(machine.nodes),
                quantity(machine.node_hours),
                ratio(Some(machine.cpu_requested_ratio)),
                ratio(Some(machine.memory_requested_ratio)),
                if platform.cost.is_some() { money(&machine.usd) } else { NONE.to_owned() },
            ]
        })
        .collect();
    let heads = ["platform", "machine", "capacity", "nodes", "node-hours", "CPU fill", "memory fill", "cost"];
    if !rows.is_empty() {
        details(out, "Machines", |out| table(out, &heads, 3, &rows));
    }
}

fn prices(out: &mut String, report: &Report) {
    let rows: Vec<_> = report
        .prices
        .iter()
        .map(|price| {
            let inferred =
                price.inferred_by.as_deref().map_or(String::new(), |by| format!("inferred: {}", prose(by)));
            let rate = format!("{} per {}", rate(&price.usd_per_unit), prose(&price.unit));
            vec![code(&price.name), prose(&price.as_of), inferred, rate]
        })
        .collect();
    if !rows.is_empty() {
        details(out, "Prices used", |out| table(out, &["price", "as of", "note", "rate"], 3, &rows));
    }
}

fn assumptions(out: &mut String, report: &Report) {
    let all = &report.inputs.assumptions;
    let row = |a: &Assumption| vec![code(&a.name), code(&a.value), code(&a.default), prose(&a.source)];
    let heads = ["assumption", "value", "default", "source"];
    let changed: Vec<_> = all.iter().filter(|a| a.value != a.default).map(row).collect();
    if !changed.is_empty() {
        details(out, "Assumptions that differ from the defaults", |out| table(out, &heads, 4, &changed));
    }
    let all: Vec<_> = all.iter().map(row).collect();
    if !all.is_empty() {
        details(out, "All assumptions", |out| table(out, &heads, 4, &all));
    }
}

fn warnings(out: &mut String, report: &Report) {
    let warnings = &report.warnings;
    if warnings.is_empty() {
        return;
    }
    details(out, &plural(warnings.len() as u64, "warning"), |out| {
        for warning in warnings.iter().take(WARNINGS_SHOWN) {
            let _ = writeln!(out, "- {}", prose(warning));
        }
        if warnings.len() > WARNINGS_SHOWN {
            let _ = writeln!(
                out,
                "- … and {} more in report.json",
                count((warnings.len() - WARNINGS_SHOWN) as u64)
            );
        }
        out.push('\n');
    });
}

/// A folded part; `title` is HTML.
fn details(out: &mut String, title: &str, content: impl FnOnce(&mut String)) {
    let _ = write!(out, "<details><summary>{title}</summary>\n\n");
    content(out);
    out.push_str("</details>\n\n");
}

/// A table whose first `names` columns are aligned to the left, the others to the right.
pub(crate) fn table(out: &mut String, heads: &[impl AsRef<str>], names: usize, rows: &[Vec<String>]) {
    for head in heads {
        let _ = write!(out, "| {} ", head.as_ref());
    }
    out.push_str("|\n");
    for column in 0..heads.len() {
        out.push_str(if column < names { "|---" } else { "|---:" });
    }
    out.push_str("|\n");
    for row in rows {
        for cell in row {
            let _ = write!(out, "| {cell} ");
        }
        out.push_str("|\n");
    }
    out.push('\n');
}

/// A name as a code span: nothing in it is markup, and nobody is mentioned.
pub(crate) fn code(name: &str) -> String {
    let name = clean(name);
    let ticks = name.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(ticks + 1);
    let space = if ticks > 0 || name.trim().is_empty() { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", name.replace('|', "\\|"))
}

/// A sentence in which nothing is markup.
pub(crate) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '#' => out.extend(['\\', c]),
            // An empty comment after it: GitHub would notify whoever has the name.
            '@' => out.push_str("@<!-- -->"),
            _ => push_html(&mut out, c),
        }
    }
    out
}

/// Text between HTML tags.
fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    clean(text).chars().for_each(|c| push_html(&mut out, c));
    out
}

fn push_html(out: &mut String, c: char) {
    match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_cell_and_are_no_markup() {
        assert_eq!(code("<b>|x"), "`<b>\\|x`");
        assert_eq!(code("a`b``"), "``` a`b`` ```");
        assert_eq!(code(""), "`  `");
        assert_eq!(prose("*a* <b> @team_x"), "\\*a\\* &lt;b&gt; @<!-- -->team\\_x");
    }
}
