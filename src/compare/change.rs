//! Changes of single things, as every comparison writes them: numbers, amounts by purpose, settings.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::platform;
use crate::report::{self, Cost, PlatformReport};
use crate::units::Usd;

/// A number before and after. Amounts are decimal strings with full precision, other numbers are written as such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    pub before: String,
    pub after: String,
    pub change: String,
    /// In percent with two decimals; `null` where it was zero before.
    pub percent: Option<String>,
}

/// What a part of a change of cost was for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurposeChange {
    /// `workflow NAME`, `daemonsets`, `startup`, `idle`, `shared`, `savings plan`.
    pub purpose: String,
    pub usd: Change,
}

/// A field of the scenario that is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingChange {
    /// Its path in the scenario, such as `startup.containerCreate`.
    pub path: String,
    /// `null` where it was not there.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// An amount before and after.
pub fn money_change(before: Usd, after: Usd) -> Change {
    let ratio = (after - before).to_f64() / before.to_f64();
    Change {
        before: before.to_string(),
        after: after.to_string(),
        change: (after - before).to_string(),
        percent: (before != Usd::ZERO).then(|| format!("{:+.2}", ratio * 100.0)),
    }
}

/// Every number of two reports that both have, by its path.
pub fn number_changes(saved: &PlatformReport, now: &PlatformReport) -> BTreeMap<String, Change> {
    let (before, after) = (report::numbers(saved), report::numbers(now));
    let change = |path: &String, b: f64| {
        let a = *after.get(path)?;
        let percent = (b != 0.0).then(|| format!("{:+.2}", (a / b - 1.0) * 100.0));
        // Times are whole milliseconds and means of them; more digits would be noise of the arithmetic.
        let change = ((a - b) * 1e6).round() / 1e6;
        Some(Change { before: b.to_string(), after: a.to_string(), change: change.to_string(), percent })
    };
    before.iter().filter_map(|(path, b)| Some((path.clone(), change(path, *b)?))).collect()
}

fn usd(text: &str) -> Usd {
    Usd::parse(text).unwrap_or_default()
}

fn amounts(cost: &Cost, platform: &PlatformReport) -> BTreeMap<String, Usd> {
    let allocation = &cost.allocation;
    let mut amounts: BTreeMap<String, Usd> = platform
        .workflows
        .iter()
        .map(|w| (format!("workflow {}", w.workflow), w.usd.as_deref().map_or(Usd::ZERO, usd)))
        .collect();
    let workflows: Usd = amounts.values().copied().sum();
    // Zero unless a report leaves workflows out.
    amounts.insert("other pods".to_owned(), usd(&allocation.pods_usd) - workflows);
    let others = [
        ("daemonsets", &allocation.daemonsets_usd),
        ("startup", &allocation.startup_usd),
        ("idle", &allocation.idle_usd),
        ("shared", &allocation.shared_usd),
    ];
    amounts.extend(others.map(|(name, text)| (name.to_owned(), usd(text))));
    amounts.extend(allocation.savings_plan_usd.iter().map(|text| ("savings plan".to_owned(), usd(text))));
    amounts
}

/// What a change of cost was for, the largest changes first; nothing where one of the costs is not known.
pub fn purposes(before: &PlatformReport, after: &PlatformReport) -> Vec<PurposeChange> {
    let (Some(a), Some(b)) = (&before.cost, &after.cost) else { return Vec::new() };
    let (a, b) = (amounts(a, before), amounts(b, after));
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let amount =
        |amounts: &BTreeMap<String, Usd>, name: &String| amounts.get(name).copied().unwrap_or(Usd::ZERO);
    let changed = names.into_iter().filter(|name| amount(&a, name) != amount(&b, name));
    let mut purposes: Vec<PurposeChange> = changed
        .map(|name| PurposeChange {
            purpose: name.clone(),
            usd: money_change(amount(&a, name), amount(&b, name)),
        })
        .collect();
    purposes.sort_by_key(|purpose| std::cmp::Reverse(usd(&purpose.usd.change).femto().abs()));
    purposes
}

/// The fields of two scenarios, as they are printed, that differ; limits apart, which decide nothing that is simulated.
pub fn setting_changes(before: &str, after: &str) -> Vec<SettingChange> {
    let (before, after) = (platform::flat(before), platform::flat(after));
    let mut paths: Vec<&String> = before.iter().chain(&after).map(|(path, _)| path).collect();
    paths.sort();
    paths.dedup();
    let find = |fields: &[(String, String)], path: &String| {
        fields.iter().find(|(known, _)| known == path).map(|(_, text)| text.clone())
    };
    let whole = |path: &str| path.find(']').map(|end| path[..=end].to_owned());
    let has = |fields: &[(String, String)], head: &str| fields.iter().any(|(path, _)| path.starts_with(head));
    let mut changes: Vec<SettingChange> = Vec::new();
    for path in paths.into_iter().filter(|path| !path.starts_with("limits.")) {
        // A platform or a document that is there only once is one change, not one for each of its fields.
        let (path, was, is) = match whole(path) {
            Some(head) if has(&before, &head) != has(&after, &head) => {
                let there = |is: bool| is.then(|| "there".to_owned());
                let (was, is) = (there(has(&before, &head)), there(has(&after, &head)));
                (head, was, is)
            }
            _ => (path.clone(), find(&before, path), find(&after, path)),
        };
        if was != is && changes.last().is_none_or(|last| last.path != path) {
            changes.push(SettingChange { path, before: was, after: is });
        }
    }
    changes
}
