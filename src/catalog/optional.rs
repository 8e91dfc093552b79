//! The price files that a directory may have besides the required ones: Spot prices over time, and the rates of
//! Savings Plans. `docs/pricing.md` describes them for users.

use rustc_hash::FxHashMap;

use super::read::{File, Types};
use super::savings_rate::{
    FARGATE_GB, FARGATE_VCPU, PaymentOption, SavingsItem, SavingsPlanType, SavingsRate,
};
use super::table::{Seen, Table};
use super::{Price, PriceDate, PriceOrigin, PriceSeries, TypeId, ZoneId};
use crate::error::Diagnostics;
use crate::units::{Rate, Time};

pub(super) const HISTORY_COLUMNS: [&str; 4] = ["zone", "instance_type", "time", "usd_per_hour"];

pub(super) const SAVINGS_COLUMNS: [&str; 8] =
    ["region", "plan_type", "term_years", "payment", "item", "usd_per_hour", "as_of", "source"];

/// The recorded Spot prices of each type in each of `zones`, with the day of the newest; of all zones for their
/// mistakes alone if there are none given.
pub(super) fn spot_history(
    file: File<'_>,
    types: &Types,
    zones: Option<&[String]>,
    found: &mut Diagnostics,
) -> FxHashMap<(TypeId, ZoneId), (PriceSeries, PriceDate)> {
    let mut points: FxHashMap<(TypeId, ZoneId), Vec<(Time, Rate)>> = FxHashMap::default();
    let mut seen = Seen::default();
    let Some(table) = Table::open(file.name, file.text, HISTORY_COLUMNS, found) else {
        return FxHashMap::default();
    };
    let names: Option<Vec<&str>> = zones.map(|zones| zones.iter().map(String::as_str).collect());
    table.rows_of(names.as_deref(), found, |row, [zone, name, time, usd]| {
        if region_of(zone.text).is_none() {
            row.refuse(zone, "is not a zone", "write a region and a letter, such as us-east-1a");
        }
        let kind = types.named(row, name);
        let parsed = parse_time(time.text);
        if parsed.is_none() {
            row.refuse(time, "is not a time", "write it as 2026-01-31T09:30:00Z");
        }
        let at = parsed.unwrap_or_default();
        row.unique(&mut seen, format!("{},{},{}", zone.text, name.text, at.ms()), time);
        let rate = row.rate(usd);
        let id = names.iter().flatten().position(|known| *known == zone.text);
        if let (Some(kind), Some(zone), true) = (kind, id, row.is_sound()) {
            points.entry((TypeId(kind as u32), ZoneId(zone as u8))).or_default().push((at, rate));
        }
    });
    let mut keys: Vec<(TypeId, ZoneId)> = points.keys().copied().collect();
    keys.sort_unstable();
    keys.into_iter()
        .filter_map(|key| {
            let mut points = points.remove(&key)?;
            points.sort_unstable_by_key(|(time, _)| *time);
            let day = day_of(points.last()?.0);
            Some((key, (PriceSeries::new(points)?, day)))
        })
        .collect()
}

/// The rates of Savings Plans in a region; of all regions for their mistakes alone if there is none given.
pub(super) fn savings_plans(
    file: File<'_>,
    types: &Types,
    region: Option<&str>,
    found: &mut Diagnostics,
) -> Vec<SavingsRate> {
    let mut rates = Vec::new();
    let mut seen = Seen::default();
    let Some(table) = Table::open(file.name, file.text, SAVINGS_COLUMNS, found) else { return rates };
    let region = region.map(|region| [region]);
    table.rows_of(region.as_ref().map(<[_; 1]>::as_slice), found, |row, fields| {
        let [region, plan, term, payment, item, usd, as_of, source] = fields;
        row.region(region);
        let key = [region, plan, term, payment, item].map(|field| field.text).join(",");
        row.unique(&mut seen, key, item);
        let kind = match item.text {
            FARGATE_VCPU => Some(SavingsItem::FargateVcpu),
            FARGATE_GB => Some(SavingsItem::FargateGb),
            _ => types.named(row, item).map(|kind| SavingsItem::Instance(TypeId(kind as u32))),
        };
        let plan_type = row.choice(plan, &SavingsPlanType::WORDS);
        if plan_type == SavingsPlanType::Ec2Instance && matches!(item.text, FARGATE_VCPU | FARGATE_GB) {
            row.refuse(item, "is not covered by an EC2 Instance Savings Plan", "");
        }
        let rate = SavingsRate {
            plan: plan_type,
            term_years: row.choice(term, &[("1", 1), ("3", 3)]),
            payment: row.choice(payment, &PaymentOption::WORDS),
            item: kind.unwrap_or(SavingsItem::FargateVcpu),
            price: Price { rate: row.rate(usd), origin: PriceOrigin::Observed, as_of: row.date(as_of) },
        };
        row.text(source);
        if row.is_sound() && kind.is_some() {
            rates.push(rate);
        }
    });
    rates.sort_by_key(|rate| (rate.plan, rate.term_years, rate.payment, rate.item));
    rates
}

/// The region of a zone such as `us-east-1a`. Local Zones and Wavelength Zones have longer names and are none.
pub(super) fn region_of(zone: &str) -> Option<&str> {
    let region = zone.strip_suffix(|c: char| c.is_ascii_lowercase())?;
    is_region(region).then_some(region)
}

/// Whether this is written as a region is: words, then a number of one digit or two, as `us-gov-west-1`.
pub(super) fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number = parts.next().unwrap_or("");
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    matches!(number.len(), 1..=2)
        && number.bytes().all(|b| b.is_ascii_digit())
        && parts.clone().count() >= 2
        && parts.all(word)
}

/// Reads an RFC 3339 time, also as Python and the old EC2 tools print it: with a space, or an offset without colon.
pub(super) fn parse_time(text: &str) -> Option<Time> {
    let parsed = chrono::DateTime::parse_from_rfc3339(text)
        .or_else(|_| chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()?;
    // Prices begin with EC2 (2006) and no series ends after 2200.
    let ms = parsed.timestamp_millis();
    (1_136_073_600_000..7_289_654_400_000).contains(&ms).then(|| Time::from_ms(ms))
}

/// RFC 3339 in UTC, whole seconds where there is no more.
pub(super) fn time_text(time: Time) -> String {
    let form = chrono::SecondsFormat::AutoSi;
    chrono::DateTime::from_timestamp_millis(time.ms())
        .map_or_else(String::new, |time| time.to_rfc3339_opts(form, true))
}

/// The day of a time from [`parse_time`].
pub(super) fn day_of(time: Time) -> PriceDate {
    PriceDate::parse(time_text(time).get(..10).unwrap_or("")).unwrap_or_default()
}

#[cfg(test)]
#[path = "optional_tests.rs"]
mod tests;
