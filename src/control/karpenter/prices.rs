//! What Karpenter believes can be bought, and for how much: prices as of its last refresh, less the offerings that EC2
//! has just had none of (`pkg/cache: UnavailableOfferings` of the AWS provider).

use std::collections::BTreeMap;

use super::types::{CAPACITY_TYPES, Offerings};
use crate::catalog::{CapacityType, PriceView, TypeId, ZoneId};
use crate::units::{Rate, Span, Time};

/// How long an offering counts as unavailable after a capacity error or an interruption.
pub const UNAVAILABLE_FOR: Span = Span::from_secs(180);

/// Prices and availability of the instance types of all pools.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    types: Vec<TypeId>,
    zones: u8,
    /// When the prices were read.
    as_of: Option<Time>,
    /// By type, capacity type and zone.
    rates: Vec<Option<Rate>>,
    /// What has a price, by type.
    sold: Vec<Offerings>,
    /// What has a price and is not known to be short, by type.
    available: Vec<Offerings>,
    /// Grows whenever prices or availability change.
    version: u64,
    /// Until when an offering counts as unavailable.
    short_until: BTreeMap<(TypeId, CapacityType, u8), Time>,
}

impl PriceBook {
    /// Prices for these types, yet to be read.
    pub fn new(mut types: Vec<TypeId>, zones: usize) -> Self {
        types.sort_unstable();
        types.dedup();
        let size = types.last().map_or(0, |last| last.0 as usize + 1);
        Self {
            types,
            zones: zones as u8,
            rates: vec![None; size * CAPACITY_TYPES.len() * zones],
            sold: vec![Offerings::NONE; size],
            available: vec![Offerings::NONE; size],
            ..Self::default()
        }
    }

    /// Brings prices and shortages up to date. Gives whether prices were read anew.
    pub fn refresh(&mut self, view: &PriceView, now: Time) -> bool {
        let is_new = self.as_of != Some(view.as_of());
        if is_new {
            self.as_of = Some(view.as_of());
            self.read(|instance, capacity_type, zone| view.price(instance, ZoneId(zone), capacity_type));
        }
        self.forget_shortages(now);
        is_new
    }

    /// Takes all prices from `price`. Reserved capacity is not bought here.
    pub fn read(&mut self, price: impl Fn(TypeId, CapacityType, u8) -> Option<Rate>) {
        self.version += 1;
        for index in 0..self.types.len() {
            let instance = self.types[index];
            let mut sold = Offerings::NONE;
            for capacity_type in [CapacityType::Spot, CapacityType::OnDemand] {
                for zone in 0..self.zones {
                    let rate = price(instance, capacity_type, zone);
                    let place = self.place(instance, capacity_type, zone);
                    self.rates[place] = rate;
                    if rate.is_some() {
                        sold.insert(capacity_type, zone);
                    }
                }
            }
            self.sold[instance.0 as usize] = sold;
            self.available[instance.0 as usize] = sold;
        }
        for (instance, capacity_type, zone) in self.short_until.keys() {
            self.available[instance.0 as usize].remove(*capacity_type, *zone);
        }
    }

    /// Notes at `now` that EC2 has none of an offering.
    pub fn mark_unavailable(&mut self, instance: TypeId, capacity_type: CapacityType, zone: u8, now: Time) {
        self.version += 1;
        self.short_until.insert((instance, capacity_type, zone), now + UNAVAILABLE_FOR);
        self.available[instance.0 as usize].remove(capacity_type, zone);
    }

    fn forget_shortages(&mut self, now: Time) {
        let Self { short_until, available, sold, version, .. } = self;
        short_until.retain(|(instance, capacity_type, zone), until| {
            let is_over = *until <= now;
            *version += u64::from(is_over);
            if is_over && sold[instance.0 as usize].contains(*capacity_type, *zone) {
                available[instance.0 as usize].insert(*capacity_type, *zone);
            }
            !is_over
        });
    }

    /// Tells two states of the book apart.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// USD an hour; `None` if it is not sold so. Also of what is short at the moment.
    pub fn price(&self, instance: TypeId, capacity_type: CapacityType, zone: u8) -> Option<Rate> {
        self.rates[self.place(instance, capacity_type, zone)]
    }

    /// What can be had of a type.
    pub fn available(&self, instance: TypeId) -> Offerings {
        self.available[instance.0 as usize]
    }

    /// What has been short lately, in a steady order.
    pub fn shortages(&self) -> impl Iterator<Item = &(TypeId, CapacityType, u8)> {
        self.short_until.keys()
    }

    /// The price of the cheapest available one of `allowed` offerings.
    pub fn cheapest(&self, instance: TypeId, allowed: Offerings) -> Option<Rate> {
        let possible = self.available(instance).and(allowed);
        possible.iter().filter_map(|(capacity_type, zone)| self.price(instance, capacity_type, zone)).min()
    }

    fn place(&self, instance: TypeId, capacity_type: CapacityType, zone: u8) -> usize {
        let row = instance.0 as usize * CAPACITY_TYPES.len() + capacity_type as usize;
        row * usize::from(self.zones) + usize::from(zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{PriceRefresh, PriceSeries, Snapshot};

    #[test]
    fn an_offering_counts_as_unavailable_for_three_minutes_from_the_last_error() {
        let mut catalog = Snapshot::embedded().region("us-east-1").unwrap();
        let id = catalog.find("m5.large").unwrap();
        let t = |secs: i64| Time::from_ms(secs * 1_000);
        // Prices are read every 100 s here; the one of Spot in zone b rises at 150 s.
        let [low, high] = ["0.03", "0.05"].map(|text| Rate::parse(text).unwrap());
        let series = PriceSeries::new(vec![(t(0), low), (t(150), high)]).unwrap();
        catalog.offering_mut(id, ZoneId(1), CapacityType::Spot).unwrap().price = series;
        let refresh = PriceRefresh { first: t(0), every: Span::from_secs(100) };
        let mut book = PriceBook::new(vec![id, id], catalog.zones.len());
        let at = |book: &mut PriceBook, now| {
            let is_new = book.refresh(&PriceView::new(&catalog, refresh, now), now);
            (is_new, book.available(id).contains(CapacityType::Spot, 1))
        };
        assert_eq!(at(&mut book, t(0)), (true, true));
        book.mark_unavailable(id, CapacityType::Spot, 1, t(10));
        book.mark_unavailable(id, CapacityType::Spot, 1, t(40));
        // Other offerings are not concerned, and reading prices anew does not end a shortage.
        assert!(book.available(id).contains(CapacityType::Spot, 0));
        assert!(book.available(id).contains(CapacityType::OnDemand, 1));
        assert_eq!(at(&mut book, t(50)), (false, false));
        assert_eq!(at(&mut book, t(199)), (true, false));
        assert_eq!(book.price(id, CapacityType::Spot, 1), Some(low));
        assert_eq!(at(&mut book, t(220)), (true, true)); // 40 s + 180 s
        assert_eq!(book.price(id, CapacityType::Spot, 1), Some(high));
        assert!(!book.available(id).has(CapacityType::Reserved));
    }
}
