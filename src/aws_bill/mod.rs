//! A bill of AWS, as Cost Explorer or a Cost and Usage Report gives it, read to be held against the simulated one.
//!
//! Bills have millions of rows and say the same thing in several of them, so rows are added up as they are read: usage
//! by service and usage type, and everything that is not usage (taxes, credits, fees) apart by what it is. Quantities
//! are exact (integers of 10⁻¹⁵ of their unit), so that the order of rows decides nothing.

mod classify;
mod columns;
mod compare;
mod cost_explorer;
mod csv_report;
mod decimal;
mod parquet_report;
mod read;

use std::collections::{BTreeMap, BTreeSet};

pub use classify::{OutOfScopeReason, classify};
pub use compare::{Simulated, compare};
pub use read::read;

use crate::units::{Span, Time, Usd};
use crate::workload::Window;

/// What of a bill is looked at.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Rows that lie outside are left out.
    pub window: Window,
    /// Where the simulated cluster runs.
    pub region: String,
}

/// A bill, added up.
#[derive(Clone, Debug)]
pub struct AwsBill {
    pub scope: Scope,
    pub files: Vec<BillFile>,
    /// By service, region where the row says it (otherwise empty) and usage type.
    pub usage: BTreeMap<UsageKey, Usage>,
    /// What is not usage, by its line type.
    pub left_out: BTreeMap<String, LeftOut>,
    /// Rows that lie outside of the window.
    pub rows_outside: u64,
    /// AWS still expects changes.
    pub estimated: bool,
    /// Usage under a Savings Plan or a reservation of which the file does not say what it really cost.
    pub covered_at_list: bool,
    /// What the rows that are counted span.
    pub period: Window,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillFile {
    pub path: String,
    pub format: &'static str,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageKey {
    pub service: String,
    pub region: String,
    pub usage_type: String,
}

/// All usage of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// As the bill spells it.
    pub unit: String,
    /// In 10⁻¹⁵ of the unit.
    pub quantity: i128,
    /// What it really cost, as far as the file says it.
    pub usd: Usd,
    /// What it would have cost at list prices; `None` where the bill does not say it of every row.
    pub list_usd: Option<Usd>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    pub rows: u64,
    pub usd: Usd,
}

impl AwsBill {
    /// The regions of usage that could be compared, if none of it is where the simulated cluster runs; empty otherwise.
    /// Usage of which nobody knows the region may be there.
    fn elsewhere(&self) -> BTreeSet<String> {
        let mut regions = BTreeSet::new();
        for key in self.usage.keys() {
            match classify(&key.service, &key.region, &key.usage_type, &self.scope.region) {
                Ok(_) => return BTreeSet::new(),
                Err(OutOfScopeReason::OtherRegion) => {
                    let Some(region) = classify::region_of(&key.region, &key.usage_type) else {
                        return BTreeSet::new();
                    };
                    regions.insert(region);
                }
                Err(_) => {}
            }
        }
        regions
    }
}

/// One row.
struct Line<'a> {
    kind: LineKind<'a>,
    service: &'a str,
    /// Empty where the row does not say it.
    region: &'a str,
    usage_type: &'a str,
    unit: &'a str,
    quantity: i128,
    usd: Usd,
    list_usd: Option<Usd>,
    period: Window,
}

/// What a row counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineKind<'a> {
    Usage,
    /// A discount on usage that other rows count: money only.
    Discount,
    /// Neither; by its name.
    LeftOut(&'a str),
}

/// Longer rows say nothing of when in their period something was used.
const SHORT: Span = Span::from_secs(25 * 3_600);

/// Adds rows up.
struct Collector {
    bill: AwsBill,
    /// Spanned by rows of whatever usage that are short.
    short: Option<Window>,
    /// Spanned by rows of usage that the simulation has too, and whether one of those is short.
    counted: Option<Window>,
    counted_short: bool,
    /// Periods that a file says it covers, with or without usage.
    stated: Option<Window>,
}

impl Collector {
    fn new(scope: Scope) -> Self {
        let bill = AwsBill {
            period: Window { start: scope.window.start, end: scope.window.start },
            scope,
            files: Vec::new(),
            usage: BTreeMap::new(),
            left_out: BTreeMap::new(),
            rows_outside: 0,
            estimated: false,
            covered_at_list: false,
        };
        Self { bill, short: None, counted: None, counted_short: false, stated: None }
    }

    /// Whether a period has a part of the window in it.
    fn is_inside(&self, period: Window) -> bool {
        period.start < self.bill.scope.window.end && period.end > self.bill.scope.window.start
    }

    /// The file covers this period, whether or not anything was used in it.
    fn cover(&mut self, period: Window) {
        if self.is_inside(period) {
            span(&mut self.stated, period);
        }
    }

    fn add(&mut self, line: &Line) {
        if let Some(file) = self.bill.files.last_mut() {
            file.rows += 1;
        }
        if !self.is_inside(line.period) {
            self.bill.rows_outside += 1;
            return;
        }
        if let LineKind::LeftOut(kind) = line.kind {
            let sum = self.bill.left_out.entry(kind.to_owned()).or_default();
            sum.rows += 1;
            sum.usd += line.usd;
            return;
        }
        let is_short = line.period.end - line.period.start <= SHORT;
        if line.kind == LineKind::Usage {
            if is_short {
                span(&mut self.short, line.period);
            }
            if classify(line.service, line.region, line.usage_type, &self.bill.scope.region).is_ok() {
                span(&mut self.counted, line.period);
                self.counted_short |= is_short;
            }
        }
        let key = UsageKey {
            service: line.service.to_owned(),
            region: line.region.to_owned(),
            usage_type: line.usage_type.to_owned(),
        };
        let usage = self
            .bill
            .usage
            .entry(key)
            .or_insert_with(|| Usage { list_usd: Some(Usd::ZERO), ..Usage::default() });
        usage.usd += line.usd;
        if line.kind == LineKind::Usage {
            usage.quantity += line.quantity;
            if usage.unit.is_empty() {
                line.unit.clone_into(&mut usage.unit);
            }
            usage.list_usd = usage.list_usd.zip(line.list_usd).map(|(sum, more)| sum + more);
        }
    }

    /// The bill; `None` where nothing of it lies in the window.
    fn finish(mut self) -> Option<AwsBill> {
        // Rows of a month or a year beside hourly ones (support, domains) do not stretch what the hourly ones cover.
        let by_rows = if self.counted_short { self.short } else { self.counted.or(self.short) };
        self.bill.period = self.stated.or(by_rows)?;
        Some(self.bill)
    }
}

fn span(whole: &mut Option<Window>, part: Window) {
    let all = whole.unwrap_or(part);
    *whole = Some(Window { start: all.start.min(part.start), end: all.end.max(part.end) });
}

/// Reads the times of bills: RFC 3339, without a zone (UTC), or a date.
fn time(text: &str) -> Option<Time> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
    let naive =
        |format| NaiveDateTime::parse_from_str(text, format).ok().map(|t| t.and_utc().timestamp_millis());
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let ms = DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|t| t.timestamp_millis())
        .or_else(|| naive("%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|| naive("%Y-%m-%d %H:%M:%S%.f"))
        .or_else(|| Some(date()?.and_time(NaiveTime::MIN).and_utc().timestamp_millis()))?;
    Some(Time::from_ms(ms)).filter(|time| (0..TOO_LATE_MS).contains(&time.ms()))
}

/// 2201-01-01T00:00:00Z, as for traces.
const TOO_LATE_MS: i64 = 7_289_654_400_000;

#[cfg(test)]
mod tests;
