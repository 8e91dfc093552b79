//! Sentences and cells, the same in every output.

use std::fmt::Write as _;

use crate::report::plural;
use crate::report::text::{NONE, Places, count, truncate, usd, width};
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
            let _ = write!(
                text,
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
    share(risk.map(|risk| (risk.at_least, risk.at_most)))
}

/// The same above the new Fargate size.
pub fn above_fargate(risk: Option<&CpuRisk>) -> String {
    share(risk.and_then(|risk| risk.fargate_at_least.zip(risk.fargate_at_most)))
}

fn share(bounds: Option<(f64, f64)>) -> String {
    let Some((at_least, at_most)) = bounds else { return NONE.to_owned() };
    let percent = |share: f64| match share * 100.0 {
        0.0 => "0".to_owned(),
        share if share < 0.05 => "<0.1".to_owned(),
        share if share < 9.95 => format!("{share:.1}").trim_end_matches(".0").to_owned(),
        share => format!("{share:.0}"),
    };
    let (low, high) = (percent(at_least), percent(at_most));
    match (low == high, at_least == 0.0) {
        (true, _) => format!("{low} %"),
        (false, true) => format!("≤{high} %"),
        (false, false) => format!("{low}–{high} %"),
    }
}

/// A quantity of memory to read: `3000000000` is `2.8Gi`. Exact where it is a whole number of Mi.
pub fn memory(quantity: &str) -> String {
    let kib = quantity.strip_suffix("Ki").and_then(|kib| kib.parse::<f64>().ok());
    let Some(bytes) = kib.map(|kib| kib * 1024.0).or_else(|| quantity.parse().ok()) else {
        return quantity.to_owned();
    };
    let mib = bytes / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.0}Mi") } else { format!("{:.1}Gi", mib / 1024.0) }
}

/// `name` in at most so many columns, cut before its last part: that tells tasks of one workflow apart.
pub fn shortened(name: &str, most: usize) -> String {
    let leaf = name.rfind(['+', '/']).map_or("", |at| &name[at..]);
    // Something of what is before it has to stay.
    match most.checked_sub(width(leaf)).filter(|left| *left >= most.min(8)) {
        Some(left) if !leaf.is_empty() && width(name) > most => {
            format!("{}{leaf}", truncate(&name[..name.len() - leaf.len()], left))
        }
        _ => truncate(name, most).into_owned(),
    }
}

/// Whether a platform of the comparison is Fargate, and whether one has nodes that pods share.
pub fn kinds(result: &RightSizeReport) -> (bool, bool) {
    let is = |fargate: bool| {
        let kinds =
            result.platforms.iter().map(|platform| &*platform.kind).filter(|kind| *kind != "recorded");
        kinds.map(|kind| kind == "fargate").any(|is| is == fargate)
    };
    (is(true), is(false))
}

pub fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NONE.to_owned(), |ratio| format!("×{ratio:.2}"))
}

/// Every sign, the flags that it stands for, and what it says.
const SIGNS: [(char, &[Flag], &str); 8] = [
    ('?', &[Flag::TooLittleKnown], "too little known: requests are kept"),
    ('c', &[Flag::CpuKept], "too little known of the CPU: its request is kept"),
    ('m', &[Flag::MemoryKept], "too little known of the memory: its request is kept"),
    ('k', &[Flag::OutOfMemory], "killed out of memory: what was measured is less than what is needed"),
    (
        't',
        &[Flag::Throttled],
        "CPU seen at all that a limit or the machine allows: the real need is not known",
    ),
    ('+', &[Flag::CpuRises, Flag::MemoryRises], "used more than asked for: a request rises"),
    ('d', &[Flag::AssumedRequest], "no request in the trace: compared with the default"),
    ('~', &[Flag::MixedRequests], "pods ask for different amounts: the largest is shown"),
];

fn has(task: &TaskSize, flags: &[Flag]) -> bool {
    flags.iter().any(|flag| task.flags.contains(flag))
}

/// The flags of a task in one sign each.
pub fn signs(task: &TaskSize) -> String {
    SIGNS.iter().filter(|(_, flags, _)| has(task, flags)).map(|(sign, ..)| *sign).collect()
}

/// The flags of a task in words.
pub fn flags(task: &TaskSize) -> Vec<String> {
    let texts = task.flags.iter().map(|flag| match flag {
        Flag::OutOfMemory => format!("{} killed out of memory", plural(task.pods_out_of_memory, "pod")),
        Flag::Throttled => format!("{} seen at the most CPU to be had", plural(task.pods_throttled, "pod")),
        Flag::CpuRises => "CPU request rises".to_owned(),
        Flag::MemoryRises => "memory request rises".to_owned(),
        flag => {
            let sign = SIGNS.iter().find(|(_, flags, _)| flags.contains(flag));
            sign.map_or(String::new(), |(.., text)| (*text).to_owned())
        }
    });
    texts.collect()
}

/// What the signs mean that any task has, shown or not, and how many have them.
pub fn legend(result: &RightSizeReport) -> Vec<String> {
    let line = |(sign, flags, text): &(char, &[Flag], &str)| {
        let count = result.tasks.iter().filter(|task| has(task, flags)).count() as u64;
        (count > 0).then(|| format!("{sign} {}: {text}", plural(count, &result.rule.by)))
    };
    SIGNS.iter().filter_map(line).collect()
}

/// What happens above the new requests, over all tasks.
pub fn risk(result: &RightSizeReport) -> Vec<String> {
    let risks = || result.tasks.iter().filter_map(|task| task.cpu_risk.as_ref());
    let throttled =
        risks().filter(|risk| risk.effect == Effect::Throttled && risk.at_most > 0.0).count() as u64;
    let mut lines = Vec::new();
    let (on_fargate, on_nodes) = kinds(result);
    if on_fargate && risks().next().is_some() {
        let above = || risks().filter_map(|risk| risk.fargate_at_most).filter(|share| *share > 0.0);
        let tasks = plural(above().count() as u64, &result.rule.by);
        lines.push(match above().reduce(f64::max) {
            None => "CPU on Fargate: no usage is above the new billed size".to_owned(),
            Some(most) => format!(
                "CPU on Fargate: usage of {tasks} is above the new billed size, up to {} of it, and is throttled there: \
                 a pod on Fargate has no neighbours to take CPU from",
                share(Some((most, most)))
            ),
        });
    }
    if (on_nodes || !on_fargate) && risks().any(|risk| risk.at_most > 0.0) {
        let mut text = "CPU above a new request competes with the neighbours on a node".to_owned();
        if throttled > 0 {
            let _ = write!(
                text,
                "; that of {} is throttled, since its limit is its request",
                plural(throttled, &result.rule.by)
            );
        }
        lines.push(text);
    }
    let margins = || result.tasks.iter().filter_map(|task| task.memory_risk.as_ref());
    if let Some(least) = margins().filter_map(|risk| risk.margin).reduce(f64::min) {
        let over: u64 = margins().map(|risk| risk.pods_above).sum();
        let pods = if over == 0 {
            "no pod's peak is".to_owned()
        } else {
            format!("the peaks of {} are", plural(over, "pod"))
        };
        lines.push(format!(
            "memory: {pods} above the new request, the least margin is {}",
            times(Some(least))
        ));
    }
    let sized = || result.tasks.iter().filter(|task| task.cpu.is_some() || task.memory.is_some());
    let same = sized().filter(|task| task.fargate.is_some() && task.fargate == task.fargate_before).count();
    if same > 0 && result.platforms.iter().any(|platform| platform.kind == "fargate") {
        lines.push(format!(
            "Fargate bills {} of {} in the same size as before: nothing is saved by them there",
            count(same as u64),
            plural(sized().count() as u64, &result.rule.by)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory_are_read_at_a_glance() {
        let cases = [
            ("3000000000", "2.8Gi"),
            ("500000000", "477Mi"),
            ("1048577Ki", "1.0Gi"),
            ("4Gi", "4Gi"),
            ("1264Mi", "1264Mi"),
        ];
        for (quantity, expected) in cases {
            assert_eq!(memory(quantity), expected, "{quantity}");
        }
    }

    #[test]
    fn long_names_keep_their_last_part() {
        let name = "nightly/+nightly+each^sub+for-*+run";
        assert_eq!(shortened(name, 40), name);
        assert_eq!(shortened(name, 20), "nightly/+nightl…+run");
        // A last part that leaves room for nothing else is cut itself.
        assert_eq!(shortened("w/+a-very-long-task-name", 16), "w/+a-very-long-…");
        assert_eq!(shortened("plain-and-long-name", 16), "plain-and-long-…");
    }
}
