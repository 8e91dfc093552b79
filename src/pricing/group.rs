//! Changes that are alike said once: the same percentage for a family is one line, not twelve.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{Change, Diff, PriceFile, What, family};
use crate::catalog::Price;
use crate::units::Usd;

/// Changes of one file, of one family (or one item), that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub file: PriceFile,
    /// `m5.large`, `m5 (12 types)` or `m5 (2 of 12 types)`.
    pub title: String,
    /// `-5.0 %`, `added`, `max_pods 29 → 110` …
    pub change: String,
    /// What it is for one of them, and which ones they are; empty if there is no more to say.
    pub detail: String,
    /// Indices of platforms.
    pub touches: BTreeSet<usize>,
}

/// By file and name.
pub(super) fn groups(diff: &Diff) -> Vec<Group> {
    let mut alike: BTreeMap<(PriceFile, &str, String), Vec<&Change>> = BTreeMap::new();
    for change in &diff.changes {
        let of = if change.file.has_families() { family(&change.name) } else { &change.name };
        alike.entry((change.file, of, said(&change.what))).or_default().push(change);
    }
    let group = |((file, of, change), changes): ((PriceFile, &str, String), Vec<&Change>)| {
        let first = changes.iter().min_by_key(|change| (size(&change.what), &change.name));
        let example = first.and_then(|change| {
            let values = values(&change.what)?;
            Some(if changes.len() == 1 { values } else { format!("{} {values}", change.name) })
        });
        let all = diff.families.get(&(file, of.to_owned())).copied().unwrap_or(1);
        let is_part = changes.len() > 1 && changes.len() < all;
        let sizes = is_part.then(|| {
            let sizes = changes.iter().map(|change| change.name.split_once('.').map_or("", |(_, size)| size));
            sizes.collect::<Vec<_>>().join(", ")
        });
        Group {
            file,
            title: match changes.len() {
                1 => changes[0].name.clone(),
                some if is_part => format!("{of} ({some} of {all} types)"),
                some => format!("{of} ({some} types)"),
            },
            change,
            detail: [example, sizes].into_iter().flatten().collect::<Vec<_>>().join("; "),
            touches: changes.iter().flat_map(|change| &change.touches).copied().collect(),
        }
    };
    alike.into_iter().map(group).collect()
}

/// What is the same for all changes of a group.
fn said(what: &What) -> String {
    match what {
        What::Price { old: Some(old), new: Some(new), .. } => {
            let percent = percent(*old, *new);
            match (old.origin.is_inferred(), new.origin.is_inferred()) {
                (true, false) => format!("{percent}, now observed"),
                (false, true) => format!("{percent}, now inferred"),
                _ => percent,
            }
        }
        What::Price { old: None, .. } | What::Type { is_new: true } => "added".to_owned(),
        What::Price { new: None, .. } | What::Type { is_new: false } => "removed".to_owned(),
        What::Fact { field, old, new } => format!("{field} {old} → {new}"),
    }
}

/// The prices themselves.
fn values(what: &What) -> Option<String> {
    let What::Price { old, new, .. } = what else { return None };
    Some(match (old, new) {
        (Some(old), Some(new)) if old.rate != new.rate => format!("{} → {}", old.rate, new.rate),
        (_, Some(price)) | (Some(price), None) => price.rate.to_string(),
        (None, None) => return None,
    })
}

/// The smallest type of a family is the example: its price is.
fn size(what: &What) -> Option<crate::units::Rate> {
    let What::Price { old, new, .. } = what else { return None };
    old.or(*new).map(|price| price.rate)
}

/// A change with one decimal: `-5.0 %`, `+12.5 %`, `±0 %`; what is less is said to be there.
pub(super) fn percent(old: Price, new: Price) -> String {
    let difference = new.rate.femto() - old.rate.femto();
    if old.rate.femto() == 0 {
        return if difference == 0 { "±0 %".to_owned() } else { "was free".to_owned() };
    }
    let per_mille = Usd::from_femto(difference).scaled(1_000, old.rate.femto()).femto();
    let sign = if difference < 0 { '-' } else { '+' };
    match per_mille.abs() {
        0 if difference == 0 => "±0 %".to_owned(),
        0 => format!("{sign}<0.1 %"),
        size => format!("{sign}{}.{} %", size / 10, size % 10),
    }
}
