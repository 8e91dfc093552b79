//! The plan for a page or a pull request.

use std::fmt::Write;

use super::words;
use crate::plan::{Outcome, Plan, Planned};
use crate::report::plural;
use crate::report::text::{Places, change, clean, ratio, seconds, usd};

/// The finding, the front as a table, what binds, and the growth.
pub fn markdown(outcome: &Outcome) -> String {
    let plan = &outcome.plan;
    let mut text = String::from("# Plan\n\n");
    if plan.inputs.synthetic {
        text.push_str("SYNTHETIC trace: invented data, not a measurement.\n\n");
    }
    let _ = write!(text, "**{}**", escape(&plan.finding()));
    text.push_str(&plan.bounds().map(|bounds| format!("; {}", escape(&bounds))).unwrap_or_default());
    text.push_str(".\n\n");
    let mut said = vec![plan.limits_text(), plan.searched()];
    said.extend(plan.needs_changes());
    said.extend(plan.result.binding.iter().map(words::binding));
    said.extend(plan.savings_plan.iter().flat_map(words::savings_plan));
    said.extend(plan.notes.iter().cloned());
    said.extend(plan.warnings.iter().map(|warning| format!("warning: {warning}")));
    for line in said {
        let _ = writeln!(text, "- {}", escape(&line));
    }
    text.push_str(
        "\n| platform | cost a month | vs reference | p99 start delay | p99 makespan | above bound | |\n",
    );
    text.push_str("|---|--:|--:|--:|--:|--:|---|\n");
    let base = plan.reference().and_then(|reference| usd(reference.total_usd.as_deref()?));
    for row in plan.rows() {
        let month = row.usd_per_month.as_deref().and_then(usd);
        let versus = change(base, row.total_usd.as_deref().and_then(usd));
        let cells = [
            escape(&row.name),
            Places::of([month]).show(month),
            if row.name == plan.reference { "–".to_owned() } else { versus },
            seconds(row.p99_start_delay_s),
            seconds(row.p99_makespan_s),
            ratio(row.above_bound),
            escape(&plan.marks(row)),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push_str(&requests(plan));
    if !plan.growth.is_empty() {
        text.push_str("\n## Growth\n\n| volume | recommended | cost a month | per ×1 | p99 start delay | p99 makespan |\n");
        text.push_str("|---|---|--:|--:|--:|--:|\n");
        for row in &words::volumes(plan) {
            let winner = row.winner.as_ref();
            let money = |text: Option<&str>| words::money(text.and_then(usd));
            let of = |part: fn(&Planned) -> Option<f64>| seconds(winner.and_then(part));
            let cells = [
                escape(&row.volume),
                winner.map_or_else(|| "–".to_owned(), |winner| escape(&winner.name)),
                money(winner.and_then(|winner| winner.usd_per_month.as_deref())),
                money(row.usd_per_month_per_volume.as_deref()),
                of(|w| w.p99_start_delay_s),
                of(|w| w.p99_makespan_s),
            ];
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text.push('\n');
        for line in words::changes(plan) {
            let _ = writeln!(text, "- {}", escape(&line));
        }
    }
    text
}

/// The requests to change, where the recommendation needs other ones.
fn requests(plan: &Plan) -> String {
    const ROWS: usize = 30;
    let Some(changed) = plan.changed_requests() else { return String::new() };
    let mut text = String::from(
        "\n## Requests to change\n\n| workflow | task | pods | CPU | new CPU | memory | new memory |\n\
         |---|---|--:|--:|--:|--:|--:|\n",
    );
    for request in changed.iter().take(ROWS) {
        let cells = [
            escape(&request.workflow),
            escape(&request.task),
            request.pods.to_string(),
            request.cpu_before.clone(),
            request.cpu.clone().unwrap_or_else(|| "as before".to_owned()),
            request.memory_before.clone(),
            request.memory.clone().unwrap_or_else(|| "as before".to_owned()),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    if let Some(rest) = changed.len().checked_sub(ROWS).filter(|rest| *rest > 0) {
        let _ = writeln!(text, "\nand {} more; plan.json has all of them.", plural(rest as u64, "task"));
    }
    text
}

/// Names come from files: they are not to become markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        if matches!(c, '|' | '<' | '>' | '*' | '_' | '`' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
