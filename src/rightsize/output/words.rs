//! Sentences and cells, the same in every output.

use crate::report::plural;
use crate::report::text::{NONE, Places, count, usd};
use crate::rightsize::result::Of;
use crate::rightsize::{
    CpuRisk, Effect, FargateBilled, Flag, Measured, PlatformSaving, Replayed, RightSizeReport, TaskSize,
};
use crate::units::Usd;

/// The result in one sentence: what right-sizing saves where the pods run today, and together with the cheapest platform.
pub fn finding(result: &RightSizeReport) -> String {
    if result.sized == 0 {
        return format!(
            "no {0} is known well enough to be right-sized: none has usage of {1}",
            result.rule.by,
            plural(result.rule.min_pods, "pod")
        );
    }
    let Some(first) = result.platforms.first() else {
        return "there is no platform to compare on".to_owned();
    };
    let Some((before, saved)) = month(&first.as_is).zip(first.saved.as_ref()) else {
        return format!(
            "{} right-sized; what that saves is not known, since {} did not run the whole trace or has no cost",
            plural(result.sized, &result.rule.by),
            named(first)
        );
    };
    let alone = amount(&saved.by_requests_usd);
    let verb = if alone < Usd::ZERO { "would cost" } else { "would save" };
    let more = if alone < Usd::ZERO { " more" } else { "" };
    let mut text = format!(
        "right-sized requests {verb} {}{more} a month on {} ({})",
        money(if alone < Usd::ZERO { -alone } else { alone }),
        named(first),
        percent(before, before - alone)
    );
    let candidates = result.platforms.iter().filter(|platform| platform.kind != "recorded");
    let best = candidates.filter_map(|p| Some((month(&p.right_sized)?, p, p.saved.as_ref()?)));
    if let Some((after, best, saved)) = best.min_by_key(|(usd, ..)| *usd) {
        let both = amount(&saved.both_usd);
        if best.platform == first.platform {
            text += ", which costs least with them";
        } else if both > Usd::ZERO {
            text += &format!(
                ", and {} together with {} ({}), which costs least: {} a month",
                money(both),
                best.platform,
                percent(before, after),
                money(after)
            );
        }
    }
    text
}

pub fn named(platform: &PlatformSaving) -> String {
    if platform.today { format!("{} (today)", platform.platform) } else { platform.platform.clone() }
}

pub fn month(replayed: &Replayed) -> Option<Usd> {
    usd(replayed.usd_per_month.as_deref()?)
}

fn amount(text: &str) -> Usd {
    usd(text).unwrap_or(Usd::ZERO)
}

fn money(amount: Usd) -> String {
    Places::of([Some(amount)]).show(Some(amount))
}

fn percent(base: Usd, other: Usd) -> String {
    crate::report::text::change(Some(base), Some(other))
}

/// `nightly/extract`, or the image.
pub fn name(task: &TaskSize) -> String {
    match (&task.workflow, &task.task, &task.image) {
        (Some(workflow), Some(task), _) if !workflow.is_empty() => format!("{workflow}/{task}"),
        (_, Some(task), _) => task.clone(),
        (_, _, Some(image)) if image.is_empty() => "(no image named)".to_owned(),
        (_, _, Some(image)) => image.clone(),
        _ => String::new(),
    }
}

/// How requests are taken from usage.
pub fn rule(result: &RightSizeReport) -> String {
    let rule = &result.rule;
    format!(
        "CPU: percentile {} of usage + {} %; memory: the highest peak + {} %; by {}, from {} or more",
        rule.cpu_percentile,
        rule.cpu_headroom_percent,
        rule.memory_headroom_percent,
        rule.by,
        plural(rule.min_pods, "pod")
    )
}

/// `210 pods`, `8,213 points of 210 pods`.
pub fn evidence(measured: Option<&Measured>) -> String {
    match measured {
        None => "nothing".to_owned(),
        Some(known) if known.of == Of::Pods => plural(known.pods, "pod"),
        Some(known) => format!("{} of {}", plural(known.values, "point"), plural(known.pods, "pod")),
    }
}

/// The same in a narrow cell: `210`, `8,213 pt`.
pub fn short_evidence(task: &TaskSize) -> String {
    match task.cpu_usage.or(task.memory_usage) {
        None => "0".to_owned(),
        Some(known) if known.of == Of::Pods => count(known.pods),
        Some(known) => format!("{} pt", count(known.values)),
    }
}

/// `0.25/0.5`.
pub fn fargate(size: Option<FargateBilled>) -> String {
    size.map_or_else(|| NONE.to_owned(), |size| format!("{}/{}", size.vcpu, size.gb))
}

/// The share of usage above the new CPU request: `0`, `1.2 %`, `≤5 %`, `2–40 %`.
pub fn above(risk: Option<&CpuRisk>) -> String {
    let Some(risk) = risk else { return NONE.to_owned() };
    let percent = |share: f64| match share * 100.0 {
        0.0 => "0".to_owned(),
        share if share < 0.05 => "<0.1".to_owned(),
        share if share < 9.95 => format!("{share:.1}").trim_end_matches(".0").to_owned(),
        share => format!("{share:.0}"),
    };
    let (low, high) = (percent(risk.at_least), percent(risk.at_most));
    match (low == high, risk.at_least == 0.0) {
        (true, _) => format!("{low} %"),
        (false, true) => format!("≤{high} %"),
        (false, false) => format!("{low}–{high} %"),
    }
}

pub fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NONE.to_owned(), |ratio| format!("×{ratio:.2}"))
}

/// Every sign, and what it says.
const SIGNS: [(Flag, char, &str); 9] = [
    (Flag::TooLittleKnown, '?', "too little known: keeps its requests"),
    (Flag::CpuKept, 'c', "too little known of its CPU: keeps that"),
    (Flag::MemoryKept, 'm', "too little known of its memory: keeps that"),
    (Flag::OutOfMemory, 'k', "killed out of memory: it needs more than was measured"),
    (Flag::Throttled, 't', "CPU was at its limit: its real need is not known"),
    (Flag::CpuRises, '+', "uses more than it asks for: its request rises"),
    (Flag::MemoryRises, '+', "uses more than it asks for: its request rises"),
    (Flag::AssumedRequest, 'd', "without a request in the trace: the default is what it is compared with"),
    (Flag::MixedRequests, '~', "its pods ask for different amounts: the largest is shown"),
];

/// The flags of a task in one sign each.
pub fn signs(task: &TaskSize) -> String {
    let mut signs: Vec<char> =
        SIGNS.iter().filter(|(flag, ..)| task.flags.contains(flag)).map(|(_, sign, _)| *sign).collect();
    signs.dedup();
    signs.into_iter().collect()
}

/// The flags of a task in words.
pub fn flags(task: &TaskSize) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for (flag, _, text) in SIGNS.iter().filter(|(flag, ..)| task.flags.contains(flag)) {
        let text = match flag {
            Flag::OutOfMemory => format!("{} killed out of memory", plural(task.pods_out_of_memory, "pod")),
            Flag::Throttled => format!("CPU at its limit in {}", plural(task.pods_throttled, "pod")),
            Flag::CpuRises => "CPU request rises".to_owned(),
            Flag::MemoryRises => "memory request rises".to_owned(),
            _ => (*text).to_owned(),
        };
        texts.push(text);
    }
    texts
}

/// What the signs mean that are there.
pub fn legend<'a>(tasks: impl Iterator<Item = &'a TaskSize> + Clone) -> Vec<String> {
    let is_used = |flag: Flag| tasks.clone().any(|task| task.flags.contains(&flag));
    let mut lines: Vec<String> = SIGNS
        .iter()
        .filter(|(flag, ..)| is_used(*flag))
        .map(|(_, sign, text)| format!("{sign} {text}"))
        .collect();
    lines.dedup();
    lines
}

/// What happens above the new requests, over all tasks.
pub fn risk(result: &RightSizeReport) -> Vec<String> {
    let risks = || result.tasks.iter().filter_map(|task| task.cpu_risk.as_ref());
    let throttled =
        risks().filter(|risk| risk.effect == Effect::Throttled && risk.at_most > 0.0).count() as u64;
    let mut lines = Vec::new();
    if risks().any(|risk| risk.at_most > 0.0) {
        let mut text = "CPU above a new request competes with the neighbours on a node".to_owned();
        if throttled > 0 {
            text += &format!(
                "; that of {} is throttled, since its limit is its request",
                plural(throttled, &result.rule.by)
            );
        }
        lines.push(text);
    }
    let margins = result.tasks.iter().filter_map(|task| task.memory_risk.as_ref());
    let over: u64 = margins.clone().map(|risk| risk.pods_above).sum();
    let least = margins.filter_map(|risk| risk.margin).reduce(f64::min);
    if let Some(least) = least {
        let tail = format!("the new requests are {} of the highest peaks and more", times(Some(least)));
        lines.push(format!("Memory of {} was above a new request: {tail}", plural(over, "pod")));
    }
    lines
}
