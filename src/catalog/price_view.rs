//! The prices that a controller knows, which are not always the ones in effect.

use super::{CapacityType, Catalog, TypeId, ZoneId};
use crate::units::{Rate, Span, Time};

/// When a controller reads prices: first at its start, then at a steady interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRefresh {
    pub first: Time,
    pub every: Span,
}

impl PriceRefresh {
    /// Karpenter reads prices every twelve hours.
    pub const KARPENTER: Span = Span::from_secs(12 * 3_600);

    /// The last time at which prices were read, as of `now`.
    pub fn last(&self, now: Time) -> Time {
        let since = (now - self.first).ms().max(0);
        // An interval of nothing is a controller that always knows.
        self.first + Span::from_ms(if self.every.ms() > 0 { since - since % self.every.ms() } else { since })
    }
}

/// Prices as a controller saw them at its last refresh. Decisions use these; bills use the offerings' own.
#[derive(Clone, Copy, Debug)]
pub struct PriceView<'c> {
    catalog: &'c Catalog,
    seen: Time,
}

impl<'c> PriceView<'c> {
    pub fn new(catalog: &'c Catalog, refresh: PriceRefresh, now: Time) -> Self {
        Self { catalog, seen: refresh.last(now) }
    }

    /// When the prices were read.
    pub fn as_of(&self) -> Time {
        self.seen
    }

    /// USD per hour of an instance; `None` if it is not sold so, in which case Karpenter takes the offering for
    /// unavailable. Reserved capacity is paid for already: Karpenter prefers it by taking it for almost free.
    pub fn price(&self, id: TypeId, zone: ZoneId, capacity_type: CapacityType) -> Option<Rate> {
        let price = |capacity_type| self.catalog.offering(id, zone, capacity_type)?.price.at(self.seen);
        match capacity_type {
            CapacityType::OnDemand | CapacityType::Spot => price(capacity_type),
            CapacityType::Reserved => price(CapacityType::OnDemand).map(|rate| rate.scaled(1, 10_000_000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{PriceSeries, Snapshot};

    fn hour(n: i64) -> Time {
        Time::from_ms(n * 3_600_000)
    }

    #[test]
    fn a_controller_knows_the_price_of_the_last_refresh() {
        let mut catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let id = catalog.find("m5.large").unwrap();
        let [low, high] = ["0.03", "0.05"].map(|text| Rate::parse(text).unwrap());
        let series = PriceSeries::new(vec![(hour(0), low), (hour(15), high)]).unwrap();
        catalog.offering_mut(id, ZoneId(1), CapacityType::Spot).unwrap().price = series;

        let refresh = PriceRefresh { first: hour(2), every: PriceRefresh::KARPENTER };
        // Refreshed at 2, 14 and 26 o'clock; the price rises at 15.
        for (now, expected) in [(0, low), (2, low), (14, low), (25, low), (26, high), (40, high)] {
            let view = PriceView::new(&catalog, refresh, hour(now));
            assert_eq!(view.price(id, ZoneId(1), CapacityType::Spot), Some(expected), "at {now}");
        }
        let always = PriceRefresh { every: Span::ZERO, ..refresh };
        assert_eq!(
            PriceView::new(&catalog, always, hour(15)).price(id, ZoneId(1), CapacityType::Spot),
            Some(high)
        );
    }

    #[test]
    fn reserved_capacity_looks_almost_free() {
        let catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let id = catalog.find("m5.large").unwrap();
        let view = PriceView::new(
            &catalog,
            PriceRefresh { first: hour(0), every: PriceRefresh::KARPENTER },
            hour(1),
        );
        let price = |capacity_type| view.price(id, ZoneId(0), capacity_type).unwrap().to_string();
        assert_eq!(price(CapacityType::OnDemand), "0.096");
        assert_eq!(price(CapacityType::Reserved), "0.0000000096");
        assert_eq!(view.price(id, ZoneId(9), CapacityType::OnDemand), None);
    }
}
