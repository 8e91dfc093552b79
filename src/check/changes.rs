//! Which prices are others, by their names.

use super::result::PriceChange;
use crate::catalog::Snapshot;
use crate::error::Result;
use crate::platform::Scenario;
use crate::pricing::{self, What};

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
