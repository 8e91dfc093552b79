//! What is written differently: settings by their paths, prices by their names.

use std::collections::BTreeMap;

use super::result::{PriceChange, SettingChange};
use crate::catalog::Snapshot;
use crate::error::Result;
use crate::platform::{self, Scenario};
use crate::pricing::{self, What};

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

/// The prices and facts that a platform of `scenario` could need and that differ, the largest changes first.
pub(super) fn price_changes(
    before: &Snapshot,
    after: &Snapshot,
    scenario: &Scenario,
) -> Result<Vec<PriceChange>> {
    let diff = pricing::diff(before, after, scenario)?;
    let mut changes: Vec<(f64, PriceChange)> = Vec::new();
    for change in diff.changes.iter().filter(|change| !change.touches.is_empty()) {
        let (name, before, after, ratio) = match &change.what {
            What::Price { unit, old, new } => {
                let rate = |price: &Option<crate::catalog::Price>| price.map(|price| price.rate);
                let ratio = rate(old).zip(rate(new)).map(|(old, new)| new.to_f64() / old.to_f64() - 1.0);
                let text = |price| rate(price).map(|rate| rate.to_string());
                let file = match change.file {
                    pricing::PriceFile::OnDemand => " on-demand",
                    pricing::PriceFile::Spot => " Spot",
                    _ => "",
                };
                (format!("{}{file}, USD per {unit}", change.name), text(old), text(new), ratio)
            }
            What::Type { is_new } => {
                let known = |is: bool| is.then(|| "known".to_owned());
                (change.name.clone(), known(!is_new), known(*is_new), None)
            }
            What::Fact { field, old, new } => {
                (format!("{} {field}", change.name), Some(old.clone()), Some(new.clone()), None)
            }
        };
        let percent = ratio.filter(|ratio| ratio.is_finite()).map(|ratio| format!("{:+.2}", ratio * 100.0));
        let size = ratio.map_or(f64::INFINITY, f64::abs);
        changes.push((size, PriceChange { name, before, after, percent }));
    }
    changes.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.name.cmp(&y.name)));
    Ok(changes.into_iter().map(|(_, change)| change).collect())
}

/// Amounts by workflow.
pub(super) fn by_workflow(platform: &crate::report::PlatformReport) -> BTreeMap<&str, &str> {
    let workflows = platform.workflows.iter();
    workflows.filter_map(|w| Some((w.workflow.as_str(), w.usd.as_deref()?))).collect()
}
