//! The bill of AWS beside the simulated one: quantities first, then what a unit really cost, and apart what is compared
//! with nothing. Nothing is ever scaled to fit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backtest::signed_percent;
use super::layout::{Align, Column, lay_out};
use super::risk::Rows;
use super::text::{NONE, clean, count, money, plural, quantity, window, wrap};
use super::{Report, WindowText};
use crate::aws_bill::OutOfScopeReason;

/// Beyond this difference of a main quantity, results are indicative.
pub const TOLERANCE: f64 = 0.05;
/// Out-of-scope usage types that Markdown and HTML name.
const SHOWN: usize = 20;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BillComparison {
    /// The bill is held against this platform.
    pub platform: String,
    /// The platform as recorded; otherwise as simulated.
    pub recorded: bool,
    pub files: Vec<BillFileReport>,
    /// What the rows that count span.
    pub bill_period: WindowText,
    pub bill_hours: f64,
    /// What the platform's bill covers.
    pub window: WindowText,
    pub window_hours: f64,
    /// Whether the two are the same to 1 % of the window. If not, quantities are compared per hour of each.
    pub same_period: bool,
    /// AWS still expects changes of the bill.
    pub estimated: bool,
    pub items: Vec<BillItem>,
    /// A main quantity is off by more than 5 %: what the simulation says of cost is indicative.
    pub indicative: bool,
    /// The largest difference of a main quantity, in words, and what such a difference may come from.
    pub explanation: Option<String>,
    /// What a reader of the comparison must know.
    pub notes: Vec<String>,
    /// Rows that are not usage, by their line type.
    pub left_out: Vec<LeftOutReport>,
    /// Usage that is compared with nothing, dearest first.
    pub out_of_scope: Vec<OutOfScope>,
    /// Of all of it.
    pub out_of_scope_usd: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillFileReport {
    /// As the user gave it.
    pub path: String,
    /// `Cost Explorer` or `Cost and Usage Report`.
    pub format: String,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BillItem {
    pub item: String,
    /// AWS's usage type, without its region.
    pub detail: String,
    pub unit: String,
    /// In the bill's period.
    pub bill_quantity: f64,
    /// In the window.
    pub simulated_quantity: f64,
    /// Simulated ÷ bill − 1, per hour where the periods differ; `null` where the bill has none.
    pub difference: Option<f64>,
    /// Whether a difference makes results indicative: machines, volumes and NAT, where they are 1 % of the cost or more.
    pub main: bool,
    pub bill_usd: String,
    /// Cost ÷ quantity of the bill; `null` where it has none.
    pub effective_usd_per_unit: Option<f64>,
    pub list_usd_per_unit: Option<f64>,
    /// Whether the bill says the list price itself; otherwise it is that of the price snapshot.
    pub list_price_of_bill: bool,
    /// Effective ÷ list − 1: a discount where it is negative.
    pub rate_difference: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutReport {
    pub line_type: String,
    pub rows: u64,
    pub usd: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutOfScope {
    pub service: String,
    pub usage_type: String,
    pub quantity: f64,
    pub unit: String,
    pub usd: String,
    pub reason: OutOfScopeReason,
}

impl BillComparison {
    /// What the finding says of it, if anything.
    pub fn qualifier(&self) -> Option<String> {
        let item = self.worst().filter(|_| self.indicative)?;
        Some(format!("indicative only: {}", item.difference_words(self.recorded)))
    }

    /// The main item that is furthest off; the first of those that are as far off to a tenth of a percent.
    fn worst(&self) -> Option<&BillItem> {
        let off = |item: &BillItem| item.difference.map_or(f64::INFINITY, |d| (d.abs() * 1_000.0).round());
        let main = self.items.iter().rev().filter(|item| item.main);
        main.max_by(|a, b| off(a).total_cmp(&off(b)))
    }

    /// Quantities of an item, per hour of each period where those differ.
    fn quantities(&self, item: &BillItem) -> [f64; 2] {
        let per = |quantity: f64, hours: f64| if self.same_period { quantity } else { quantity / hours };
        [per(item.bill_quantity, self.bill_hours), per(item.simulated_quantity, self.window_hours)]
    }
}

impl BillItem {
    /// Whether it is off by so much that results are indicative.
    pub fn is_off(&self) -> bool {
        self.main && self.difference.is_none_or(|difference| difference.abs() > TOLERANCE)
    }

    pub fn difference_words(&self, recorded: bool) -> String {
        let verb = if recorded { "recorded" } else { "simulated" };
        let what = format!("{} ({})", self.item, self.detail);
        match self.difference {
            None => format!("{what} is {verb} and not in the bill"),
            Some(d) if d < 0.0 => format!("{what} is {verb} {} below the bill", unsigned(d)),
            Some(d) => format!("{what} is {verb} {} above the bill", unsigned(d)),
        }
    }
}

fn unsigned(ratio: f64) -> String {
    signed_percent(Some(ratio.abs())).trim_start_matches(['+', '±']).to_owned()
}

/// What is compared, in a sentence.
pub(super) fn subject(bill: &BillComparison) -> String {
    let which = if bill.recorded { "as recorded" } else { "as simulated" };
    let platform = clean(&bill.platform);
    let period = window(&bill.bill_period.start, &bill.bill_period.end);
    if bill.same_period {
        return format!(
            "{platform} {which} against the bill of {period}, {} hours",
            quantity(bill.bill_hours)
        );
    }
    format!(
        "{platform} {which} against the bill of {period}, {} hours; the trace is of {}, {} hours: quantities are per hour",
        quantity(bill.bill_hours),
        window(&bill.window.start, &bill.window.end),
        quantity(bill.window_hours),
    )
}

/// For a terminal of so many columns: what is compared, a line for each usage type, and what to know of it.
pub(super) fn lines(bill: &BillComparison, wide: usize) -> Vec<String> {
    let mut out = vec![wrap(&subject(bill), wide, 2)];
    let cells = |of: &dyn Fn(&BillItem) -> String| bill.items.iter().map(of).collect::<Vec<_>>();
    let here = if bill.recorded { "recorded" } else { "simulated" };
    let right = Align::Right;
    let columns = vec![
        Column::new("usage type", ["", "usage type"], Align::Left, cells(&|item| item.detail.clone())),
        Column::new("bill", ["", "bill"], right, cells(&|item| quantity(bill.quantities(item)[0]))),
        Column::new("here", ["", here], right, cells(&|item| quantity(bill.quantities(item)[1]))),
        Column::new("unit", ["", "unit"], Align::Left, cells(&|item| item.unit.clone())).ranked(0),
        Column::new("difference", ["", "difference"], right, cells(&|item| signed_percent(item.difference))),
        Column::new("rate", ["rate", "off list"], right, cells(&|item| signed_percent(item.rate_difference)))
            .ranked(1),
    ];
    out.extend(lay_out(columns, wide).0);
    if !bill.out_of_scope.is_empty() {
        let types = plural(bill.out_of_scope.len() as u64, "usage type");
        out.push(format!("out of scope: {} in {types}", money(&bill.out_of_scope_usd)));
    }
    if !bill.left_out.is_empty() {
        out.push(wrap(&format!("not usage, left out: {}", left_out(bill)), wide, 2));
    }
    out.extend(bill.explanation.iter().chain(&bill.notes).map(|note| wrap(&clean(note), wide, 2)));
    out
}

fn left_out(bill: &BillComparison) -> String {
    let one =
        |l: &LeftOutReport| format!("{} {} ({})", clean(&l.line_type), money(&l.usd), plural(l.rows, "row"));
    bill.left_out.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Sentences below the tables.
pub(super) fn sentences(bill: &BillComparison) -> Vec<String> {
    let mut out: Vec<String> = bill.explanation.iter().chain(&bill.notes).cloned().collect();
    if !bill.left_out.is_empty() {
        out.push(format!("Rows that are not usage are left out: {}.", left_out(bill)));
    }
    out
}

pub(super) fn item_rows(bill: &BillComparison) -> Rows {
    let dollars = |rate: Option<f64>| rate.map_or_else(|| NONE.to_owned(), |rate| format!("${rate:.6}"));
    let rows = bill.items.iter().map(|item| {
        let [billed, simulated] = bill.quantities(item);
        vec![
            item.item.clone(),
            item.detail.clone(),
            item.unit.clone(),
            quantity(billed),
            quantity(simulated),
            format!("{}{}", signed_percent(item.difference), if item.is_off() { " ⚠" } else { "" }),
            dollars(item.effective_usd_per_unit),
            dollars(item.list_usd_per_unit),
            signed_percent(item.rate_difference),
        ]
    });
    let heads: &[&str] = if bill.recorded { &RECORDED_HEADS } else { &SIMULATED_HEADS };
    Rows { heads, rows: rows.collect() }
}

const SIMULATED_HEADS: [&str; 9] =
    ["item", "usage type", "unit", "bill", "simulated", "difference", "rate", "list price", "off list"];
const RECORDED_HEADS: [&str; 9] =
    ["item", "usage type", "unit", "bill", "recorded", "difference", "rate", "list price", "off list"];

pub(super) fn out_of_scope_rows(bill: &BillComparison) -> Rows {
    let rows = bill.out_of_scope.iter().take(SHOWN).map(|usage| {
        vec![
            usage.service.clone(),
            usage.usage_type.clone(),
            usage.reason.words().to_owned(),
            format!("{} {}", quantity(usage.quantity), usage.unit).trim().to_owned(),
            money(&usage.usd),
        ]
    });
    Rows { heads: &["service", "usage type", "why", "quantity", "cost"], rows: rows.collect() }
}

/// What is above the list of what is out of scope.
pub(super) fn out_of_scope_title(bill: &BillComparison) -> String {
    let total = money(&bill.out_of_scope_usd);
    let more = bill.out_of_scope.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("; {} more in report.json", count(more as u64)) } else { String::new() };
    format!("Out of scope: {total} in {}{more}", plural(bill.out_of_scope.len() as u64, "usage type"))
}

impl Report {
    /// Takes up a comparison with a bill, and says so in the finding where that makes it indicative.
    pub fn set_bill_comparison(&mut self, bill: BillComparison) {
        if let Some(qualifier) = bill.qualifier() {
            self.finding = format!("{}; {qualifier}", self.finding);
        }
        self.bill_comparison = Some(bill);
    }
}
