//! Puts the parts together: tasks are paired, parts summed, and the whole said in one sentence.

use std::collections::{BTreeMap, BTreeSet};

use super::levels::{CAUSES, Cell, parts, scaled};
use super::measure::{Measured, Workflow, measure};
use super::{
    Amounts, Causes, OldPrices, PerDay, Replayed, SCHEMA_VERSION, SharedDiff, Side, TraceDiff, WorkflowDiff,
    is_shared,
};
use crate::report::trace_diff::amount;
use crate::units::Usd;

const DAY_MS: u128 = 86_400_000;
/// How many causes the finding names.
const NAMED: usize = 3;

pub(super) fn split(before: &Replayed, after: &Replayed, old: Option<OldPrices>) -> TraceDiff {
    let shared_nodes = is_shared(before) || is_shared(after);
    let (mut a, mut b) = (measure(before, None), measure(after, old.as_ref()));
    let days = Days::of(before, after);
    let names: BTreeSet<&str> = a.workflows.keys().chain(b.workflows.keys()).copied().collect();
    let mut total_parts = [Usd::ZERO; CAUSES];
    let mut found: Vec<(Usd, [Usd; CAUSES], WorkflowDiff)> = Vec::new();
    for name in names {
        let of_both = (a.workflows.get_mut(name), b.workflows.get_mut(name));
        let parts = of_workflow(of_both.0.as_deref(), of_both.1.as_deref(), shared_nodes);
        let usd =
            |workflow: Option<&&mut Workflow>| workflow.map_or(Usd::ZERO, |workflow| workflow.sum().usd);
        let (from, to) = (usd(of_both.0.as_ref()), usd(of_both.1.as_ref()));
        total_parts.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        let diff = WorkflowDiff {
            workflow: name.to_owned(),
            usd: days.amounts(from, to),
            causes: causes(parts),
            before: of_both.0.map(|workflow| workflow.measures(name, before)),
            after: of_both.1.map(|workflow| workflow.measures(name, after)),
        };
        found.push((to - from, parts, diff));
    }
    found.sort_by(|x, y| y.0.femto().abs().cmp(&x.0.femto().abs()).then(x.2.workflow.cmp(&y.2.workflow)));
    let totals = (before.bill().total, after.bill().total);
    let mut reasons: Vec<(Usd, String)> = found
        .iter()
        .flat_map(|(_, parts, diff)| {
            let name = if diff.workflow.is_empty() { "pods without a workflow" } else { &diff.workflow };
            let named = diff.causes.named();
            let is_new = diff.before.is_none();
            let is_gone = diff.after.is_none();
            (0..CAUSES).map(move |i| {
                let reason = match (is_new, is_gone) {
                    (true, _) => format!("{name}, which is new"),
                    (_, true) => format!("{name}, which is gone"),
                    _ => format!("{} of {name}", named[i].0),
                };
                (parts[i], reason)
            })
        })
        .collect();
    reasons.push((b.shared - a.shared, "what no workflow causes".to_owned()));
    TraceDiff {
        schema_version: SCHEMA_VERSION,
        tool: before.report.tool.clone(),
        platform: before.run.name.clone(),
        region: before.report.inputs.region.clone(),
        before: side(before),
        after: side(after),
        finding: finding(totals, reasons),
        warnings: warnings(before, after, &days),
        total: days.amounts(totals.0, totals.1),
        causes: causes(total_parts),
        workflows: found.into_iter().map(|(_, _, diff)| diff).collect(),
        shared: shared(&a, &b, &days),
    }
}

/// The parts of one workflow: of the tasks that both have under one name, and of all its others together.
fn of_workflow(a: Option<&Workflow>, b: Option<&Workflow>, shared_nodes: bool) -> [Usd; CAUSES] {
    let none = BTreeMap::new();
    let runs = (a.map_or(0, |workflow| workflow.runs), b.map_or(0, |workflow| workflow.runs));
    let (a, b) = (a.map_or(&none, |workflow| &workflow.tasks), b.map_or(&none, |workflow| &workflow.tasks));
    let others = |own: &BTreeMap<&str, Cell>, other: &BTreeMap<&str, Cell>| {
        let mut sum = Cell::default();
        own.iter().filter(|(name, _)| !other.contains_key(*name)).for_each(|(_, cell)| sum.add(cell));
        sum
    };
    let mut sums = parts(runs, &others(a, b), &others(b, a), shared_nodes);
    for (name, cell) in a {
        if let Some(other) = b.get(name) {
            let parts = parts(runs, cell, other, shared_nodes);
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
    }
    sums
}

fn causes(parts: [Usd; CAUSES]) -> Causes {
    let [runs, pods_per_run, duration, leftovers, requests, sharing, price] =
        parts.map(|part| part.to_string());
    Causes { runs, pods_per_run, duration, leftovers, requests, sharing, price }
}

fn shared(a: &Measured, b: &Measured, days: &Days) -> SharedDiff {
    let longer =
        if a.window_ms > 0 { scaled(a.shared, b.window_ms, a.window_ms) } else { b.shared_at_old_prices };
    SharedDiff {
        usd: days.amounts(a.shared, b.shared),
        billed_hours: (longer - a.shared).to_string(),
        other: (b.shared_at_old_prices - longer).to_string(),
        price: (b.shared - b.shared_at_old_prices).to_string(),
    }
}

/// The lengths of both windows.
struct Days {
    ms: [u128; 2],
}

impl Days {
    fn of(before: &Replayed, after: &Replayed) -> Self {
        let ms = |replayed: &Replayed| {
            let window = replayed.study.workload.window;
            (window.end - window.start).ms().max(0) as u128
        };
        Self { ms: [ms(before), ms(after)] }
    }

    /// Whether the windows differ by more than 1 %.
    fn differ(&self) -> bool {
        let [a, b] = self.ms;
        a.abs_diff(b) * 100 > a.max(b)
    }

    fn amounts(&self, before: Usd, after: Usd) -> Amounts {
        let [a, b] = self.ms;
        let per_day = (self.differ() && a > 0 && b > 0).then(|| {
            let (before, after) = (scaled(before, DAY_MS, a), scaled(after, DAY_MS, b));
            PerDay {
                before_usd: before.to_string(),
                after_usd: after.to_string(),
                difference_usd: (after - before).to_string(),
            }
        });
        Amounts {
            before_usd: before.to_string(),
            after_usd: after.to_string(),
            difference_usd: (after - before).to_string(),
            per_day,
        }
    }
}

fn side(replayed: &Replayed) -> Side {
    let inputs = &replayed.report.inputs;
    let window = replayed.study.workload.window;
    Side {
        traces: inputs.traces.clone(),
        window: inputs.window.clone(),
        days: (window.end - window.start).secs_f64() / 86_400.0,
        pods: inputs.pods,
        workflow_runs: inputs.workflow_runs,
        synthetic: inputs.synthetic,
        prices_sha256: inputs.prices.sha256.clone(),
    }
}

fn warnings(before: &Replayed, after: &Replayed, days: &Days) -> Vec<String> {
    let mut warnings = Vec::new();
    if days.differ() {
        let [a, b] = [before, after].map(|replayed| side(replayed).days);
        warnings.push(format!(
            "the windows are of {a:.1} and {b:.1} days: nothing is normalised, amounts a day are given beside"
        ));
    }
    for (which, replayed) in [("first", before), ("second", after)] {
        let platform = replayed.platform();
        if !platform.complete {
            let reasons = platform.incomplete_reasons.join("; ");
            warnings.push(format!("not every pod of the {which} trace ran as recorded: {reasons}"));
        }
    }
    let (first, second) = (&before.report.warnings, &after.report.warnings);
    warnings.extend(first.iter().filter(|line| second.contains(line)).cloned());
    let only = |which: &str, own: &[String], other: &[String]| -> Vec<String> {
        own.iter().filter(|line| !other.contains(line)).map(|line| format!("{which} trace: {line}")).collect()
    };
    warnings.extend(only("first", first, second));
    warnings.extend(only("second", second, first));
    warnings
}

/// What it is and what did most of it, in the direction of the whole; and what did much of the contrary, without which
/// the numbers would not make sense.
fn finding((before, after): (Usd, Usd), mut reasons: Vec<(Usd, String)>) -> String {
    let difference = after - before;
    if difference == Usd::ZERO {
        return format!("both cost the same: {}", amount(before));
    }
    let is_more = difference > Usd::ZERO;
    let at_least = |usd: Usd, percent: i128| usd.femto().abs() * 100 >= difference.femto().abs() * percent;
    reasons.sort_by(|x, y| y.0.femto().abs().cmp(&x.0.femto().abs()).then(x.1.cmp(&y.1)));
    let size = |usd: Usd| amount(if usd < Usd::ZERO { -usd } else { usd });
    // Parts below a hundredth are roundings, or do not matter.
    let named = |with: bool, percent: i128| -> Vec<String> {
        let of = reasons.iter().filter(|(usd, _)| (*usd > Usd::ZERO) == with && at_least(*usd, percent));
        let sign = if with { '+' } else { '-' };
        of.take(NAMED).map(|(usd, name)| format!("{name} ({sign}{})", size(*usd))).collect()
    };
    let against = match named(!is_more, 20) {
        none if none.is_empty() => String::new(),
        some => format!("; against it {}", some.join(", ")),
    };
    format!(
        "the second trace costs {} {} ({} instead of {}): {}{against}",
        size(difference),
        if is_more { "more" } else { "less" },
        amount(after),
        amount(before),
        named(is_more, 1).join(", ")
    )
}
