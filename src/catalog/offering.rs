//! What can be bought: a capacity type in a zone, at a price that may change with time.

use std::fmt;
use std::sync::Arc;

use super::{PriceDate, PriceOrigin, ZoneId};
use crate::units::{Rate, Time, Usd};

/// How capacity is paid for. The order is Karpenter's order of preference at launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CapacityType {
    Reserved,
    Spot,
    OnDemand,
}

impl CapacityType {
    /// The value of the label `karpenter.sh/capacity-type`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Spot => "spot",
            Self::OnDemand => "on-demand",
        }
    }
}

impl fmt::Display for CapacityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// One capacity type of an instance type in one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offering {
    pub zone: ZoneId,
    pub capacity_type: CapacityType,
    /// USD per instance-hour.
    pub price: PriceSeries,
    pub origin: PriceOrigin,
    pub as_of: PriceDate,
    /// Whether it can be bought at all; shortages are the simulation's.
    pub available: bool,
}

/// An hourly price over time, as change points: a price holds until the next point, and the first one also
/// before its point. Cheap to clone: the zones of a type share one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceSeries(Arc<[(Time, Rate)]>);

impl PriceSeries {
    /// A price that never changes.
    pub fn constant(rate: Rate) -> Self {
        Self(Arc::new([(Time::MIN, rate)]))
    }

    /// A series of change points; `None` unless their times rise strictly. An empty series has no price.
    pub fn new(points: Vec<(Time, Rate)>) -> Option<Self> {
        points.is_sorted_by(|a, b| a.0 < b.0).then(|| Self(points.into()))
    }

    pub fn points(&self) -> &[(Time, Rate)] {
        &self.0
    }

    /// The same changes with other prices.
    #[must_use]
    pub fn map(&self, price: impl Fn(Rate) -> Rate) -> Self {
        Self(self.0.iter().map(|(time, rate)| (*time, price(*rate))).collect())
    }

    /// The price in effect at `time`.
    pub fn at(&self, time: Time) -> Option<Rate> {
        self.0.get(self.index_at(time)).map(|(_, rate)| *rate)
    }

    /// What `billed_seconds` from `from` on cost, each part at the price then in effect, rounded once.
    /// Nothing for an empty series.
    pub fn charge_seconds(&self, from: Time, billed_seconds: i64) -> Usd {
        let end = from.ms() + billed_seconds * 1_000;
        let mut femto_ms = 0i128;
        let mut start = from.ms();
        for (index, (_, rate)) in self.0.iter().enumerate().skip(self.index_at(from)) {
            let next = self.0.get(index + 1).map_or(end, |(time, _)| time.ms().min(end));
            femto_ms += rate.femto() * i128::from(next - start);
            start = next;
            if start >= end {
                break;
            }
        }
        Usd::from_femto(femto_ms).scaled(1, 3_600_000)
    }

    /// The point that decides the price at `time`.
    fn index_at(&self, time: Time) -> usize {
        self.0.partition_point(|(point, _)| *point <= time).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap()
    }

    fn minute(n: i64) -> Time {
        Time::from_ms(n * 60_000)
    }

    fn steps() -> PriceSeries {
        PriceSeries::new(vec![
            (minute(0), rate("0.06")),
            (minute(30), rate("0.12")),
            (minute(60), rate("0.03")),
        ])
        .unwrap()
    }

    #[test]
    fn a_price_holds_until_the_next_point_and_the_first_one_before() {
        let cases = [
            (-5, "0.06"),
            (0, "0.06"),
            (29, "0.06"),
            (30, "0.12"),
            (59, "0.12"),
            (60, "0.03"),
            (999, "0.03"),
        ];
        for (at, expected) in cases {
            assert_eq!(steps().at(minute(at)), Some(rate(expected)), "minute {at}");
        }
        assert_eq!(PriceSeries::new(Vec::new()).unwrap().at(minute(0)), None);
    }

    #[test]
    fn points_must_rise_in_time() {
        for times in [[1, 1], [2, 1]] {
            assert_eq!(PriceSeries::new(times.map(|t| (minute(t), rate("1"))).to_vec()), None);
        }
    }

    #[test]
    fn a_charge_follows_the_price() {
        // (from minute, seconds, USD)
        let cases = [
            (0, 3_600, "0.09"),   // 30 min at 0.06, 30 min at 0.12
            (-10, 1_200, "0.02"), // 20 min at 0.06
            (20, 2_400, "0.07"),  // 10 min at 0.06, 30 min at 0.12, none after
            (20, 6_000, "0.10"),  // and 60 min at 0.03
            (100, 3_600, "0.03"), // all after the last point
            (45, 0, "0.00"),
        ];
        for (from, seconds, expected) in cases {
            assert_eq!(
                steps().charge_seconds(minute(from), seconds).to_string(),
                expected,
                "{from} {seconds}"
            );
        }
        assert_eq!(PriceSeries::new(Vec::new()).unwrap().charge_seconds(minute(0), 60), Usd::ZERO);
    }

    #[test]
    fn a_charge_over_changes_is_rounded_once() {
        // Two halves of 1/3 each: rounding each part would lose a unit.
        let series = PriceSeries::new(vec![
            (Time::from_ms(0), Rate::from_femto(1_200)),
            (Time::from_ms(1_000), Rate::from_femto(2_400)),
        ]);
        assert_eq!(series.unwrap().charge_seconds(Time::from_ms(0), 2).femto(), 1);
        assert_eq!(Rate::from_femto(1_200).charge(1, 3_600).femto(), 0);
    }

    #[test]
    fn a_constant_price_charges_as_a_rate_does() {
        let m5_large = PriceSeries::constant(rate("0.096"));
        assert_eq!(m5_large.charge_seconds(minute(7), 615), rate("0.096").charge(615, 3_600));
        assert_eq!(m5_large.charge_seconds(minute(7), 615).to_string(), "0.0164");
    }
}
