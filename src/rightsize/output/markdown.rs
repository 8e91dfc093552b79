//! The result for a pull request or a page of a wiki.

use std::fmt::Write as _;

use super::words;
use crate::report::markdown::{code, prose, table};
use crate::report::text::{NONE, Places, plural, usd};
use crate::rightsize::{PlatformSaving, RightSizeReport, Saved, TaskSize};

/// With the first `top` tasks.
pub fn markdown(result: &RightSizeReport, top: usize) -> String {
    let mut out = String::from("<!-- cost-sim rightsize -->\n## Right-sized requests\n\n");
    if result.inputs.synthetic {
        out.push_str("**SYNTHETIC trace: invented data, not a measurement.**\n\n");
    }
    let _ = write!(out, "**{}**\n\n{}\n\n", prose(&result.finding), prose(&words::rule(result)));
    out.push_str("### Saved\n\n");
    platforms(&mut out, result);
    let _ = writeln!(
        out,
        "A month, against {0} with the requests as they are: both = requests on {0} + platform + interaction. *Saved by \
         requests* is on the row's own platform.\n",
        code(&result.baseline)
    );
    out.push_str("### Requests\n\n");
    tasks(&mut out, result, top);
    let lines = words::legend(result).into_iter().map(|line| line[2..].to_owned()).chain(words::risk(result));
    for line in lines.chain(result.notes.iter().cloned()) {
        let _ = writeln!(out, "- {}", prose(&line));
    }
    for warning in &result.warnings {
        let _ = writeln!(out, "- warning: {}", prose(warning));
    }
    out
}

fn platforms(out: &mut String, result: &RightSizeReport) {
    let heads = [
        "platform",
        "as is",
        "right-sized",
        "saved by requests",
        "by the platform",
        "by both",
        "interaction",
    ];
    let row = |row: &PlatformSaving| {
        let saved = |of: fn(&Saved) -> &String| row.saved.as_ref().and_then(|saved| usd(of(saved)));
        let cells = [
            words::month(&row.as_is),
            words::month(&row.right_sized),
            saved(|saved| &saved.requests_here_usd),
            saved(|saved| &saved.by_platform_usd),
            saved(|saved| &saved.both_usd),
            saved(|saved| &saved.interaction_usd),
        ];
        let places = Places::of(cells);
        let complete = row.as_is.complete && row.right_sized.complete;
        let name = format!("{}{}", code(&words::named(row)), if complete { "" } else { " (incomplete)" });
        [name].into_iter().chain(cells.map(|usd| places.show(usd))).collect::<Vec<_>>()
    };
    table(out, &heads, 1, &result.platforms.iter().map(row).collect::<Vec<_>>());
}

fn tasks(out: &mut String, result: &RightSizeReport, top: usize) {
    let heads = [
        &*result.rule.by,
        "evidence",
        "to know",
        "CPU now",
        "new",
        "memory now",
        "new",
        "Fargate now",
        "new",
        "CPU above",
        "CPU above Fargate's",
        "memory margin",
    ];
    let kept = |new: &Option<String>| new.clone().unwrap_or_else(|| "kept".to_owned());
    let row = |task: &TaskSize| {
        let flags = words::flags(task).join("; ");
        vec![
            code(&words::name(task)),
            words::evidence(task.cpu_usage.or(task.memory_usage).as_ref()),
            if flags.is_empty() { NONE.to_owned() } else { flags },
            task.cpu_before.clone(),
            kept(&task.cpu),
            words::memory(&task.memory_before),
            kept(&task.memory),
            words::fargate(task.fargate_before),
            words::fargate(task.fargate),
            words::above(task.cpu_risk.as_ref()),
            words::above_fargate(task.cpu_risk.as_ref()),
            words::times(task.memory_risk.and_then(|risk| risk.margin)),
        ]
    };
    table(out, &heads, 3, &result.tasks.iter().take(top).map(row).collect::<Vec<_>>());
    if let Some(rest) = result.tasks.len().checked_sub(top).filter(|rest| *rest > 0) {
        let _ = writeln!(out, "and {} that change less.\n", plural(rest as u64, &result.rule.by));
    }
}
