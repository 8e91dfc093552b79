//! Two saved reports side by side: what is different between them, without replaying anything.
//!
//! The difference of a platform's cost is split twice, exactly each time: by item, each into price (the earlier quantity
//! at the later rate) and quantity (the rest); and by what the money was for, workflow by workflow. Why controllers
//! did something else is not known here: for that `check` replays.

mod text;

pub use text::{markdown, table};

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Change, PurposeChange, SettingChange, money_change, number_changes, purposes, setting_changes};
use crate::report::{Cost, CostItem, PlatformReport, Report, Tool};
use crate::units::{Rate, Usd};

/// Raised when a reader of older results would misunderstand.
pub const SCHEMA_VERSION: u32 = 1;

/// Money is a decimal string in USD with full precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportDiff {
    pub schema_version: u32,
    pub tool: Tool,
    pub before: ReportSide,
    pub after: ReportSide,
    /// Whether the traces have the same content.
    pub same_trace: bool,
    /// The result in one sentence.
    pub finding: String,
    /// In the order of the earlier report; new ones last.
    pub platforms: Vec<PlatformDiff>,
    /// Settings that are others.
    pub settings: Vec<SettingChange>,
    /// Rates that a bill rests on and that are others.
    pub prices: Vec<RateChange>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportSide {
    pub file: String,
    pub tool: Tool,
    pub trace_sha256: String,
    pub region: String,
    pub pods: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformDiff {
    pub name: String,
    /// `both`, `only before` or `only after`.
    pub status: String,
    /// `null` where one of the costs is not known.
    pub cost: Option<Change>,
    /// They sum to the change of cost exactly; those without a change are left out.
    pub items: Vec<ItemDiff>,
    /// Pods by workflow, and what no workflow causes. They sum to the change of cost exactly.
    pub purposes: Vec<PurposeChange>,
    /// Other numbers that differ, by their path in the report.
    pub metrics: BTreeMap<String, Change>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemDiff {
    pub item: String,
    pub detail: String,
    /// The earlier quantity at the later rate.
    pub price_usd: String,
    /// The rest: more or less of it.
    pub quantity_usd: String,
    /// Both.
    pub usd: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RateChange {
    pub name: String,
    pub unit: String,
    pub before: String,
    pub after: String,
}

/// Compares two reports; each with the name of its file.
pub fn diff(before: (&str, &Report), after: (&str, &Report)) -> ReportDiff {
    let (a, b) = (before.1, after.1);
    let find = |report: &'_ Report, name: &str| report.platforms.iter().find(|p| p.name == name).cloned();
    let both = a.platforms.iter().map(|platform| match find(b, &platform.name) {
        Some(later) => of_platform(platform, &later),
        None => alone(platform, "only before"),
    });
    let new = b.platforms.iter().filter(|p| find(a, &p.name).is_none()).map(|p| alone(p, "only after"));
    let platforms: Vec<PlatformDiff> = both.chain(new).collect();
    let side = |(file, report): (&str, &Report)| ReportSide {
        file: file.to_owned(),
        tool: report.tool.clone(),
        trace_sha256: report.inputs.trace_sha256.clone(),
        region: report.inputs.region.clone(),
        pods: report.inputs.pods,
    };
    let mut diff = ReportDiff {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        before: side(before),
        after: side(after),
        same_trace: a.inputs.trace_sha256 == b.inputs.trace_sha256,
        finding: String::new(),
        platforms,
        settings: setting_changes(&a.scenario, &b.scenario),
        prices: rates(a, b),
    };
    diff.finding = text::finding(&diff);
    diff
}

/// The difference as JSON, with a newline at the end.
pub fn json(diff: &ReportDiff) -> String {
    let mut text = serde_json::to_string_pretty(diff).expect("a difference has only text keys");
    text.push('\n');
    text
}

/// The JSON schema of [`json`].
pub fn schema() -> String {
    super::schema_of::<ReportDiff>()
}

fn alone(platform: &PlatformReport, status: &str) -> PlatformDiff {
    PlatformDiff {
        name: platform.name.clone(),
        status: status.to_owned(),
        cost: None,
        items: Vec::new(),
        purposes: Vec::new(),
        metrics: BTreeMap::new(),
    }
}

fn of_platform(before: &PlatformReport, after: &PlatformReport) -> PlatformDiff {
    let costs = before.cost.as_ref().zip(after.cost.as_ref());
    let metrics = number_changes(before, after);
    // Money has its own place.
    let metrics = metrics
        .into_iter()
        .filter(|(path, change)| !path.starts_with("cost.") && change.before != change.after);
    PlatformDiff {
        status: "both".to_owned(),
        cost: costs.map(|(a, b)| money_change(usd(&a.total_usd), usd(&b.total_usd))),
        items: costs.map(|(a, b)| items(a, b)).unwrap_or_default(),
        purposes: purposes(before, after),
        metrics: metrics.collect(),
        ..alone(before, "")
    }
}

fn usd(text: &str) -> Usd {
    Usd::parse(text).unwrap_or_default()
}

/// Items of one name at several rates (a price that changed in between) are taken together.
fn items(before: &Cost, after: &Cost) -> Vec<ItemDiff> {
    type Name<'a> = (&'a str, &'a str);
    fn sums(cost: &Cost) -> BTreeMap<Name<'_>, (Usd, BTreeSet<&str>)> {
        let mut sums: BTreeMap<Name, (Usd, BTreeSet<&str>)> = BTreeMap::new();
        for CostItem { item, detail, usd_per_unit, usd: amount, .. } in &cost.items {
            let sum = sums.entry((item, detail)).or_default();
            sum.0 += usd(amount);
            sum.1.insert(usd_per_unit);
        }
        sums
    }
    let (a, b) = (sums(before), sums(after));
    let names: BTreeSet<Name> = a.keys().chain(b.keys()).copied().collect();
    let diff = |name: &Name| {
        let none = || (Usd::ZERO, BTreeSet::new());
        let ((was, old), (is, new)) =
            (a.get(name).cloned().unwrap_or_else(none), b.get(name).cloned().unwrap_or_else(none));
        let rate = |rates: &BTreeSet<&str>| match rates.len() {
            1 => rates.first().and_then(|text| Rate::parse(text)).filter(|rate| *rate > Rate::ZERO),
            _ => None,
        };
        let price = match (rate(&old), rate(&new)) {
            (Some(old), Some(new)) => was.scaled(new.femto(), old.femto()) - was,
            _ => Usd::ZERO,
        };
        let change = is - was;
        (change != Usd::ZERO || price != Usd::ZERO).then(|| ItemDiff {
            item: name.0.to_owned(),
            detail: name.1.to_owned(),
            price_usd: price.to_string(),
            quantity_usd: (change - price).to_string(),
            usd: change.to_string(),
        })
    };
    let mut items: Vec<ItemDiff> = names.iter().filter_map(diff).collect();
    items.sort_by_key(|item| std::cmp::Reverse(usd(&item.usd).femto().abs()));
    items
}

fn rates(before: &Report, after: &Report) -> Vec<RateChange> {
    let find = |name: &str| after.prices.iter().find(|price| price.name == name);
    let change = |price: &crate::report::PriceUsed| {
        let later = find(&price.name)?;
        (later.usd_per_unit != price.usd_per_unit).then(|| RateChange {
            name: price.name.clone(),
            unit: price.unit.clone(),
            before: price.usd_per_unit.clone(),
            after: later.usd_per_unit.clone(),
        })
    };
    before.prices.iter().filter_map(change).collect()
}

#[cfg(test)]
#[path = "reports/tests.rs"]
mod tests;
