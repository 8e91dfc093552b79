//! Spot prices: recorded ones zone by zone, the latest of them for the region, and the Advisor's savings where
//! nothing was recorded.

use std::collections::{BTreeMap, BTreeSet};

use super::merge::{Merging, Sheets};
use super::{AdviceRow, Names, Reason, SpotRow};
use crate::catalog::PriceDate;
use crate::catalog::optional::{day_of, region_of, time_text};
use crate::units::{Rate, Time};

/// Where things stand in a row of `spot.csv`.
const PRICE: usize = 2;
const SAVINGS: usize = 3;
const AS_OF: usize = 5;
const METHOD: usize = 6;

const OBSERVED: &str = "observed";

pub(super) fn merge(
    merging: &mut Merging,
    spot: Vec<SpotRow>,
    names: &Names,
    advice: Vec<AdviceRow>,
    sheets: &mut Sheets,
) {
    let latest = history(merging, spot, names, sheets);
    for ((region, kind), (time, rate)) in latest {
        observed(sheets, &region, &kind, time, rate);
    }
    advised(merging, advice, sheets);
    derive(&merging.on_demand, sheets);
}

/// Puts recorded prices into `spot_history.csv`; gives the latest of each type and region, of the first zone by name
/// if there are several.
fn history(
    merging: &mut Merging,
    mut rows: Vec<SpotRow>,
    names: &Names,
    sheets: &mut Sheets,
) -> BTreeMap<(String, String), (Time, Rate)> {
    let key = |row: &SpotRow| (names.text(row.zone), names.text(row.kind), row.time);
    rows.sort_by(|a, b| key(a).cmp(&key(b)).then(a.file.cmp(&b.file)));
    let mut latest: BTreeMap<(String, String), (Time, Rate)> = BTreeMap::new();
    for group in rows.chunk_by(|a, b| key(a) == key(b)) {
        let first = &group[0];
        let (zone, kind, time) = key(first);
        if !sheets.knows(kind) {
            for row in group {
                merging.refuse(row.file, Reason::UnknownType);
            }
            continue;
        }
        for row in group {
            if row.rate == first.rate {
                merging.used(row.file);
            } else {
                let show = |row: &SpotRow| (row.file, format!("${}", row.rate));
                let what = format!("Spot price of {kind} in {zone} at {}", time_text(time));
                merging.conflict(&what, show(first), show(row));
            }
        }
        let cells = [zone.to_owned(), kind.to_owned(), time_text(time), first.rate.to_string()];
        sheets.history.set(cells);
        let region = region_of(zone).unwrap_or(zone).to_owned();
        let newest = latest.entry((region, kind.to_owned())).or_insert((time, first.rate));
        if time > newest.0 {
            *newest = (time, first.rate);
        }
    }
    latest
}

/// Makes a recorded price the region's, unless the snapshot has a newer one.
fn observed(sheets: &mut Sheets, region: &str, kind: &str, time: Time, rate: Rate) {
    let day = day_of(time);
    let old = sheets.spot.get(&[region, kind]);
    if old.and_then(|row| PriceDate::parse(&row[AS_OF])).is_some_and(|as_of| as_of > day) {
        return;
    }
    let advice = old.map_or_else(Default::default, |row| [row[SAVINGS].clone(), row[SAVINGS + 1].clone()]);
    let [savings, bucket] = advice;
    let (region, kind) = (region.to_owned(), kind.to_owned());
    sheets.spot.set([region, kind, rate.to_string(), savings, bucket, day.to_string(), OBSERVED.to_owned()]);
}

/// Puts the Advisor's figures into `spot.csv`.
fn advised(merging: &mut Merging, rows: Vec<AdviceRow>, sheets: &mut Sheets) {
    let mut seen: BTreeMap<(String, String), AdviceRow> = BTreeMap::new();
    for row in rows {
        let key = (row.region.clone(), row.kind.clone());
        if !sheets.knows(&row.kind) {
            merging.refuse(row.file, Reason::UnknownType);
            continue;
        }
        match seen.get(&key) {
            None => drop(seen.insert(key, row)),
            Some(other) if (other.savings, other.bucket) == (row.savings, row.bucket) => {
                merging.used(row.file);
            }
            Some(other) if other.as_of > row.as_of => merging.refuse(row.file, Reason::Superseded),
            Some(other) if other.as_of < row.as_of => {
                merging.refuse(other.file, Reason::Superseded);
                seen.insert(key, row);
            }
            Some(other) => {
                let show =
                    |row: &AdviceRow| (row.file, format!("{} % and bucket {}", row.savings, row.bucket));
                let what = format!("Spot Advisor's figures of {} in {}", row.kind, row.region);
                merging.conflict(&what, show(other), show(&row));
            }
        }
    }
    for ((region, kind), row) in seen {
        let observed = sheets.spot.get(&[&region, &kind]).filter(|row| row[METHOD] == OBSERVED);
        let price = observed.map(|row| (row[PRICE].clone(), row[AS_OF].clone(), row[METHOD].clone()));
        let price = price.or_else(|| {
            let (rate, method) = less_savings(sheets, &region, &kind, row.savings)?;
            Some((rate, row.as_of.to_string(), method.to_owned()))
        });
        let Some((rate, as_of, method)) = price else {
            merging.refuse(row.file, Reason::NoOnDemandPrice);
            continue;
        };
        merging.used(row.file);
        let figures = [row.savings.to_string(), row.bucket.to_string()];
        let [savings, bucket] = figures;
        sheets.spot.set([region, kind, rate, savings, bucket, as_of, method]);
    }
}

/// Prices that are on-demand prices less savings follow the on-demand prices that were imported.
fn derive(imported: &BTreeSet<(String, String)>, sheets: &mut Sheets) {
    for (region, kind) in imported {
        let Some(row) = sheets.spot.get(&[region, kind]).filter(|row| row[METHOD] != OBSERVED) else {
            continue;
        };
        let mut row = row.to_vec();
        let savings = row[SAVINGS].parse().ok();
        let Some((rate, method)) = savings.and_then(|s| less_savings(sheets, region, kind, s)) else {
            continue;
        };
        if Rate::parse(&rate) != Rate::parse(&row[PRICE]) || method != row[METHOD] {
            (row[PRICE], row[METHOD]) = (rate, method.to_owned());
            sheets.spot.set_row(row);
        }
    }
}

/// The on-demand price less `savings` percent, and the method that this is.
fn less_savings(sheets: &Sheets, region: &str, kind: &str, savings: u8) -> Option<(String, &'static str)> {
    let (row, method) = match sheets.on_demand.get(&[region, kind]) {
        Some(row) => (row, "on-demand-less-savings"),
        None => (sheets.inferred.get(&[region, kind])?, "inferred-on-demand-less-savings"),
    };
    let rate = Rate::parse(&row[2])?.scaled(100 - i128::from(savings), 100);
    Some((rate.to_string(), method))
}
