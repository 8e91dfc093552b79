//! The result as it appears in a terminal.

use super::words;
use crate::report::layout::{Align, Column, lay_out};
use crate::report::table::Paint;
use crate::report::text::{NONE, Places, clean, plural, truncate, usd, wrap};
use crate::report::{heading, warning_lines};
use crate::rightsize::{Outcome, PlatformSaving, RightSizeReport, Saved, TaskSize};
use crate::units::Usd;

/// What each task should ask for (the first `top` of them), what that saves, and what it risks, in lines of at most
/// `width` columns (40 or more).
pub fn table(outcome: &Outcome, top: usize, width: usize, color: bool) -> String {
    let width = width.max(40);
    let result = &outcome.result;
    let paint = Paint::new(color);
    let mut lines = heading(&outcome.report, width, color);
    lines.push(wrap(&words::rule(result), width, 2));
    lines.push(String::new());
    lines.extend(tasks(result, top, width));
    lines.push(String::new());
    lines.extend(platforms(result, width));
    lines.push(String::new());
    lines.push(paint.bold(&wrap(&clean(&result.finding), width, 0)));
    let texts = words::risk(result).into_iter().chain(result.notes.iter().cloned());
    lines.extend(texts.map(|text| wrap(&clean(&text), width, 2)));
    lines.extend(warning_lines(&outcome.report, width, color));
    let mut text = String::new();
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn tasks(result: &RightSizeReport, top: usize, width: usize) -> Vec<String> {
    const NUMBERS: usize = 61;
    let shown = &result.tasks[..top.min(result.tasks.len())];
    let each = |of: &dyn Fn(&TaskSize) -> String| shown.iter().map(of).collect::<Vec<_>>();
    let right =
        |title, heads, of: &dyn Fn(&TaskSize) -> String| Column::new(title, heads, Align::Right, each(of));
    let name = |task: &TaskSize| {
        words::shortened(&clean(&words::name(task)), width.saturating_sub(NUMBERS).clamp(16, 48))
    };
    let title = if result.rule.by == "image" { "image" } else { "task" };
    let kept = |new: &Option<String>| new.clone().unwrap_or_else(|| "kept".to_owned());
    let mut columns = vec![
        Column::new("flags", ["", "flag"], Align::Left, each(&words::signs)),
        Column::new(title, ["", title], Align::Left, each(&name)),
        right("pods", ["", "pods"], &words::short_evidence).ranked(3),
        right("CPU now", ["CPU", "now"], &|task| task.cpu_before.clone()),
        right("new CPU", ["", "new"], &|task| kept(&task.cpu)),
        right("memory now", ["memory", "now"], &|task| words::memory(&task.memory_before)),
        right("new memory", ["", "new"], &|task| kept(&task.memory)),
        right("Fargate size now", ["Fargate", "now"], &|task| words::fargate(task.fargate_before)).ranked(4),
        right("new Fargate size", ["", "new"], &|task| words::fargate(task.fargate)).ranked(5),
    ];
    let above =
        right("CPU above the request", ["CPU", "above"], &|task| words::above(task.cpu_risk.as_ref()));
    let above_fargate = |heads| {
        right("CPU above the Fargate size", heads, &|task| words::above_fargate(task.cpu_risk.as_ref()))
    };
    // What matters where the pods may run: on Fargate the billed size is all there is, on nodes the request is what is sure.
    match words::kinds(result) {
        (true, false) => columns.extend([above.ranked(0), above_fargate(["above", "Fargate"])]),
        (true, true) => columns.extend([above, above_fargate(["above", "Fargate"]).ranked(2)]),
        _ => columns.push(above),
    }
    let margin = |task: &TaskSize| words::times(task.memory_risk.and_then(|risk| risk.margin));
    columns.push(right("memory margin", ["memory", "margin"], &margin).ranked(0));
    if shown.iter().all(|task| task.flags.is_empty()) {
        columns.remove(0);
    }
    let (mut lines, left_out) = lay_out(columns, width);
    if let Some(rest) = result.tasks.len().checked_sub(shown.len()).filter(|rest| *rest > 0) {
        lines.push(format!("and {} that change less (--top)", plural(rest as u64, &result.rule.by)));
    }
    lines.extend(words::legend(result).iter().map(|text| wrap(text, width, 2)));
    if shown.iter().any(|task| words::short_evidence(task).ends_with("pt")) {
        lines.push("pt: single measurements; otherwise one number for each pod".to_owned());
    }
    if !left_out.is_empty() {
        lines.push(format!("(no room for: {})", left_out.join(", ")));
    }
    lines
}

/// A column of amounts: its title, its heads and its values.
type Amounts = (&'static str, [&'static str; 2], Box<dyn Fn(&PlatformSaving) -> Option<Usd>>);

fn platforms(result: &RightSizeReport, width: usize) -> Vec<String> {
    let rows = &result.platforms;
    let amount = |of: fn(&Saved) -> &String| move |row: &PlatformSaving| usd(of(row.saved.as_ref()?));
    let amounts: [Amounts; 6] = [
        ("cost as is", ["as is,", "a month"], Box::new(|row| words::month(&row.as_is))),
        ("cost right-sized", ["right-", "sized"], Box::new(|row| words::month(&row.right_sized))),
        ("saved by requests", ["saved by", "requests"], Box::new(amount(|saved| &saved.requests_here_usd))),
        ("saved by the platform", ["by the", "platform"], Box::new(amount(|saved| &saved.by_platform_usd))),
        ("saved by both", ["by", "both"], Box::new(amount(|saved| &saved.both_usd))),
        ("interaction", ["inter-", "action"], Box::new(amount(|saved| &saved.interaction_usd))),
    ];
    let all: Vec<Option<Usd>> = rows.iter().flat_map(|row| amounts.iter().map(|(.., of)| of(row))).collect();
    let places = Places::of(all.iter().copied());
    let places = if width < 100 { places.coarser(all.iter().copied()) } else { places };
    let name = |row: &PlatformSaving| {
        let mark = if row.as_is.complete && row.right_sized.complete { "" } else { "! " };
        format!("{mark}{}", truncate(&clean(&words::named(row)), 28))
    };
    let mut columns =
        vec![Column::new("platform", ["", "platform"], Align::Left, rows.iter().map(name).collect())];
    for (title, heads, of) in &amounts {
        let cells = rows.iter().map(|row| places.show(of(row))).collect();
        columns.push(Column::new(title, *heads, Align::Right, cells));
    }
    let (mut lines, _) = lay_out(columns, width);
    let base = clean(&result.baseline).into_owned();
    lines.push(wrap(
        &format!(
            "against {base} as is: both = requests on {base} + platform + interaction; `saved by requests` is on the \
             row's own platform"
        ),
        width,
        2,
    ));
    if rows.iter().any(|row| !(row.as_is.complete && row.right_sized.complete)) {
        lines.push("! not every pod ended as recorded: not compared".to_owned());
    } else if rows.iter().any(|row| row.saved.is_none()) {
        lines.push(format!("{NONE} cost not known"));
    }
    lines
}
