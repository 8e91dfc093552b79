//! The bill beside the simulated one: quantities, then rates.

use std::collections::BTreeMap;

use super::classify::is_main;
use super::{AwsBill, OutOfScopeReason, Usage, UsageKey, classify};
use crate::bill::{Item, ItemKind};
use crate::report::{
    BillComparison, BillFileReport, BillItem, LeftOutReport, OutOfScope, TOLERANCE, WindowText,
};
use crate::units::{Span, Time, Usd};
use crate::workload::Window;

/// What the bill is held against.
pub struct Simulated<'a> {
    pub platform: &'a str,
    /// As recorded, rather than as simulated.
    pub recorded: bool,
    /// At public list prices, without a Savings Plan.
    pub items: &'a [Item],
    pub window: Window,
    /// Of the first.
    pub synthetic: bool,
}

/// Items below this part of the compared cost decide nothing.
const NEGLIGIBLE: f64 = 0.01;

/// One usage type on both sides.
#[derive(Default)]
struct Pair<'a> {
    item: Option<&'a Item>,
    simulated: f64,
    simulated_usd: Usd,
    billed: i128,
    billed_usd: Usd,
    /// `None` where a row of the bill does not say it.
    list_usd: Option<Usd>,
}

pub fn compare(bill: &AwsBill, simulated: &Simulated) -> BillComparison {
    let mut pairs = pairs(simulated.items);
    let mut out_of_scope = Vec::new();
    let mut out_of_scope_usd = Usd::ZERO;
    for (key, usage) in &bill.usage {
        let found = classify(&key.service, &key.region, &key.usage_type, &bill.scope.region);
        let pair = found.map(|detail| pairs.get_mut(detail));
        match pair {
            Ok(Some(pair)) => {
                pair.billed += usage.quantity;
                pair.billed_usd += usage.usd;
                pair.list_usd = pair.list_usd.zip(usage.list_usd).map(|(sum, more)| sum + more);
            }
            Ok(None) => out_of_scope.push((key, usage, OutOfScopeReason::NotOnThisPlatform)),
            Err(reason) => out_of_scope.push((key, usage, reason)),
        }
    }
    out_of_scope.sort_by(|a, b| b.1.usd.cmp(&a.1.usd).then_with(|| a.0.cmp(b.0)));
    out_of_scope_usd += out_of_scope.iter().map(|(_, usage, _)| usage.usd).sum();
    let hours = [bill.period, simulated.window].map(|window| hours(window.end - window.start));
    let same_period = is_same(bill.period, simulated.window);
    let whole: f64 = pairs.values().map(Pair::larger_cost).sum();
    let mut items: Vec<(ItemKind, BillItem)> = pairs
        .iter()
        .filter_map(|(detail, pair)| {
            let main = is_main(detail) && pair.larger_cost() >= NEGLIGIBLE * whole;
            Some((pair.item?.kind, pair.report(detail, main, if same_period { [1.0; 2] } else { hours })))
        })
        .collect();
    items.sort_by(|a, b| (a.0, &a.1.detail).cmp(&(b.0, &b.1.detail)));
    let items: Vec<BillItem> = items.into_iter().map(|(_, item)| item).collect();
    let explanation = explanation(&items);
    BillComparison {
        platform: simulated.platform.to_owned(),
        recorded: simulated.recorded,
        files: bill
            .files
            .iter()
            .map(|f| BillFileReport { path: f.path.clone(), format: f.format.to_owned(), rows: f.rows })
            .collect(),
        bill_period: window_text(bill.period),
        bill_hours: hours[0],
        window: window_text(simulated.window),
        window_hours: hours[1],
        same_period,
        estimated: bill.estimated,
        indicative: items.iter().any(BillItem::is_off),
        explanation,
        notes: notes(bill, simulated),
        left_out: bill
            .left_out
            .iter()
            .map(|(kind, sum)| LeftOutReport {
                line_type: kind.clone(),
                rows: sum.rows,
                usd: sum.usd.to_string(),
            })
            .collect(),
        out_of_scope: out_of_scope.iter().map(|(key, usage, reason)| apart(key, usage, *reason)).collect(),
        out_of_scope_usd: out_of_scope_usd.to_string(),
        items,
    }
}

/// What is simulated, by usage type: AWS does not tell a pod's work from what it cost after its end, nor the machines of
/// controllers from others.
fn pairs(items: &[Item]) -> BTreeMap<&str, Pair<'_>> {
    let mut pairs: BTreeMap<&str, Pair> = BTreeMap::new();
    for item in items {
        if matches!(item.kind, ItemKind::SavingsPlanCommitment | ItemKind::SavingsPlanCovered) {
            continue;
        }
        let pair = pairs
            .entry(&item.detail)
            .or_insert_with(|| Pair { list_usd: Some(Usd::ZERO), ..Pair::default() });
        pair.item.get_or_insert(item);
        pair.simulated += item.quantity.to_f64();
        pair.simulated_usd += item.usd;
    }
    pairs
}

impl Pair<'_> {
    fn larger_cost(&self) -> f64 {
        self.simulated_usd.max(self.billed_usd).to_f64()
    }

    /// `hours` are those of the bill and of the window, or ones where they are the same.
    fn report(&self, detail: &str, main: bool, hours: [f64; 2]) -> BillItem {
        let billed = to_f64(self.billed);
        let per_unit = |usd: Usd, quantity: f64| (quantity > 0.0).then(|| usd.to_f64() / quantity);
        let effective = per_unit(self.billed_usd, billed);
        let of_bill = self.list_usd.filter(|usd| *usd > Usd::ZERO).and_then(|usd| per_unit(usd, billed));
        let list = of_bill.or_else(|| per_unit(self.simulated_usd, self.simulated));
        let difference = (billed > 0.0).then(|| (self.simulated / hours[1]) / (billed / hours[0]) - 1.0);
        let rate_difference =
            effective.zip(list).filter(|(_, list)| *list > 0.0).map(|(e, list)| e / list - 1.0);
        BillItem {
            item: self.item.map_or_else(String::new, |item| item.kind.label().to_owned()),
            detail: detail.to_owned(),
            unit: self.item.map_or_else(String::new, |item| item.kind.unit().to_owned()),
            bill_quantity: billed,
            simulated_quantity: self.simulated,
            difference,
            main,
            bill_usd: self.billed_usd.to_string(),
            effective_usd_per_unit: effective,
            list_usd_per_unit: list,
            list_price_of_bill: of_bill.is_some(),
            rate_difference,
        }
    }
}

/// Why main quantities may be off, where they are.
fn explanation(items: &[BillItem]) -> Option<String> {
    let off = || items.iter().filter(|item| item.is_off());
    off().next()?;
    let is_below = |item: &BillItem| item.difference.is_some_and(|difference| difference < 0.0);
    let mut why = Vec::new();
    if off().any(is_below) {
        why.push(
            "a bill has more where other workloads share the cluster or the account, where agents run beside the \
             job's container that its requests do not count, or where pods stay after their end",
        );
    }
    if off().any(|item| !is_below(item)) {
        why.push(
            "a bill has less where requests are larger than those that ran or defaults stand in for them, where a \
             part of the trace ran elsewhere, or where it is not complete",
        );
    }
    Some(format!(
        "Results are indicative, since a main quantity is off by more than {:.0} %: {}.",
        TOLERANCE * 100.0,
        why.join("; ")
    ))
}

fn notes(bill: &AwsBill, simulated: &Simulated) -> Vec<String> {
    let mut notes = Vec::new();
    if bill.estimated {
        notes.push("AWS calls the bill estimated: it still changes.".to_owned());
    }
    if bill.covered_at_list {
        notes.push(
            "Some usage is covered by a Savings Plan or a reservation, and the report does not say at which rate: its rates \
             are those before the plan."
                .to_owned(),
        );
    }
    if simulated.synthetic {
        notes.push("The trace is synthetic: a real bill can only be like it by chance.".to_owned());
    }
    if bill.rows_outside > 0 {
        let rows = crate::report::plural(bill.rows_outside, "row");
        notes.push(format!("Outside of the trace's window, and left out: {rows} of the bill."));
    }
    notes
}

fn apart(key: &UsageKey, usage: &Usage, reason: OutOfScopeReason) -> OutOfScope {
    OutOfScope {
        service: key.service.clone(),
        usage_type: key.usage_type.clone(),
        quantity: to_f64(usage.quantity),
        unit: usage.unit.clone(),
        usd: usage.usd.to_string(),
        reason,
    }
}

/// For statistics and display.
fn to_f64(femto: i128) -> f64 {
    femto as f64 / 1e15
}

fn hours(span: Span) -> f64 {
    span.ms() as f64 / 3_600_000.0
}

/// Whether two windows are the same to a hundredth of the second.
fn is_same(bill: Window, window: Window) -> bool {
    let most = (window.end - window.start).ms() / 100;
    let close = |a: Time, b: Time| (a - b).ms().abs() <= most;
    close(bill.start, window.start) && close(bill.end, window.end)
}

fn window_text(window: Window) -> WindowText {
    let text = |time: Time| {
        chrono::DateTime::from_timestamp_millis(time.ms())
            .map_or_else(|| time.ms().to_string(), |t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    };
    WindowText { start: text(window.start), end: text(window.end) }
}
