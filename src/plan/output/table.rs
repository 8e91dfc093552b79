//! The plan as it appears in a terminal.

use super::words;
use crate::plan::{Outcome, Plan, Planned, RIGHT_SIZED};
use crate::report::layout::{Align, Column, lay_out};
use crate::report::text::{NONE, Places, change, clean, count, ratio, seconds, truncate, usd, wrap};
use crate::report::{heading, warning_lines};

/// The front with what it is about above and the findings below, in lines of at most `width` columns (40 or more).
pub fn table(outcome: &Outcome, width: usize, color: bool) -> String {
    let width = width.max(40);
    let plan = &outcome.plan;
    let mut lines = heading(&outcome.report, width, color);
    lines.push(wrap(&plan.limits_text(), width, 2));
    lines.push(wrap(&plan.searched(), width, 2));
    lines.push(String::new());
    lines.extend(front(plan, width));
    lines.push(String::new());
    lines.push(bold(&wrap(&plan.finding(), width, 0), color));
    lines.extend(plan.needs_changes().map(|text| wrap(&text, width, 2)));
    lines.extend(plan.bounds().map(|text| wrap(&text, width, 2)));
    lines.extend(plan.result.binding.iter().map(|binding| wrap(&words::binding(binding), width, 2)));
    let savings = plan.savings_plan.as_ref().map(words::savings_plan).unwrap_or_default();
    lines.extend(savings.iter().chain(&plan.notes).map(|line| wrap(line, width, 2)));
    if !plan.growth.is_empty() {
        lines.push(String::new());
        lines.extend(growth(plan, width));
        lines.extend(words::changes(plan).iter().map(|line| wrap(line, width, 2)));
    }
    lines.extend(warning_lines(&outcome.report, width, color));
    let mut text = String::new();
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn bold(text: &str, color: bool) -> String {
    if color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn front(plan: &Plan, width: usize) -> Vec<String> {
    let rows = plan.rows();
    let each = |of: &dyn Fn(&Planned) -> String| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
    let months: Vec<_> = rows.iter().map(|row| usd(row.usd_per_month.as_deref()?)).collect();
    let places = Places::of(months.iter().copied());
    let base = plan.reference().and_then(|reference| usd(reference.total_usd.as_deref()?));
    let versus = |row: &Planned| {
        let is_reference = row.name == plan.reference;
        if is_reference { "–".to_owned() } else { change(base, row.total_usd.as_deref().and_then(usd)) }
    };
    let restarted = |row: &Planned| count(row.tasks_restarted);
    let mut columns = vec![
        Column::new("", ["", ""], Align::Left, each(&|row| plan.mark(row).to_owned())),
        Column::new("platform", ["", "platform"], Align::Left, each(&|row| shown_name(row, width))),
        Column::new(
            "cost a month",
            ["cost", "a month"],
            Align::Right,
            months.iter().map(|m| places.show(*m)).collect(),
        ),
        Column::new("change", ["vs", "ref."], Align::Right, each(&versus)),
        Column::new(
            "start delay",
            ["start", "p99"],
            Align::Right,
            each(&|row| seconds(row.p99_start_delay_s)),
        )
        .ranked(6),
        Column::new("makespan", ["makespan", "p99"], Align::Right, each(&|row| seconds(row.p99_makespan_s)))
            .ranked(5),
    ];
    if rows.iter().any(|row| row.right_sized) {
        let requests = |row: &Planned| if row.right_sized { "sized" } else { "trace's" }.to_owned();
        columns.insert(2, Column::new("requests", ["", "requests"], Align::Left, each(&requests)));
    }
    let above =
        Column::new("above the bound", ["above", "bound"], Align::Right, each(&|r| ratio(r.above_bound)));
    columns.push(above.ranked(3));
    if rows.iter().any(|row| row.tasks_restarted > 0) {
        columns.push(Column::new("restarts", ["", "restarts"], Align::Right, each(&restarted)).ranked(2));
    }
    let mut exceeded: Vec<&String> = rows.iter().flat_map(|row| &row.exceeds).collect();
    exceeded.sort_unstable();
    exceeded.dedup();
    // With one the legend says it.
    if exceeded.len() > 1 {
        let exceeds = each(&|row| row.exceeds.join(", "));
        columns.push(Column::new("exceeds", ["", "exceeds"], Align::Left, exceeds).ranked(1));
    }
    let (mut lines, left_out) = lay_out(columns, width);
    lines.push(wrap(&plan.legend(&rows), width, 2));
    if !left_out.is_empty() {
        lines.push(format!("(no room for: {})", left_out.join(", ")));
    }
    lines
}

/// Without what its own column says, cut to what leaves room for the numbers.
fn shown_name(candidate: &Planned, width: usize) -> String {
    let name = if candidate.right_sized { candidate.name.strip_suffix(RIGHT_SIZED) } else { None };
    name_of(name.unwrap_or(&candidate.name), width)
}

fn name_of(name: &str, width: usize) -> String {
    const NUMBERS: usize = 46;
    truncate(&clean(name), width.saturating_sub(NUMBERS).clamp(30, 60)).into_owned()
}

fn growth(plan: &Plan, width: usize) -> Vec<String> {
    let rows = &words::volumes(plan);
    let winners = || rows.iter().map(|row| row.winner.as_ref());
    let months: Vec<_> = winners().map(|w| usd(w?.usd_per_month.as_deref()?)).collect();
    let each_time: Vec<_> = rows.iter().map(|row| usd(row.usd_per_month_per_volume.as_deref()?)).collect();
    let places = Places::of(months.iter().chain(&each_time).copied());
    let show = |amounts: &[Option<crate::units::Usd>]| amounts.iter().map(|usd| places.show(*usd)).collect();
    let columns = vec![
        Column::new(
            "volume",
            ["", "volume"],
            Align::Left,
            rows.iter().map(|r| clean(&r.volume).into_owned()).collect(),
        ),
        Column::new("pods", ["", "pods"], Align::Right, rows.iter().map(|r| count(r.pods)).collect())
            .ranked(0),
        Column::new(
            "recommended",
            ["", "recommended"],
            Align::Left,
            winners().map(|w| w.map_or(NONE.to_owned(), |w| name_of(&w.name, width))).collect(),
        ),
        Column::new("cost a month", ["cost", "a month"], Align::Right, show(&months)),
        Column::new("cost per ×1", ["a month", "per ×1"], Align::Right, show(&each_time)).ranked(2),
        Column::new(
            "start delay",
            ["start", "p99"],
            Align::Right,
            winners().map(|w| seconds(w.and_then(|w| w.p99_start_delay_s))).collect(),
        )
        .ranked(1),
        Column::new(
            "makespan",
            ["makespan", "p99"],
            Align::Right,
            winners().map(|w| seconds(w.and_then(|w| w.p99_makespan_s))).collect(),
        )
        .ranked(3),
    ];
    lay_out(columns, width).0
}
