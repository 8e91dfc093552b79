//! What can be bought, and for how much: instance types, their offerings, Fargate and everything else with a
//! price, for one region.
//!
//! The price files in `pricing/` are built into the program, so that a comparison needs no account and no
//! network; a directory with the same files can replace them. Every price keeps its date and whether it was
//! observed or inferred. The catalog knows nothing of simulation: prices that a controller believes in are a
//! [`PriceView`], prices that are charged are an [`Offering`]'s [`PriceSeries`].

mod clock;
mod discounts;
pub mod fargate;
pub mod import;
mod instance_type;
pub mod labels;
mod offering;
mod optional;
mod part;
mod price;
mod price_view;
mod read;
mod requirements;
mod savings_rate;
mod services;
mod snapshot;
mod spot;
mod table;

pub use clock::{
    MINIMUM_SECONDS, SECONDS_PER_STORAGE_MONTH, SPOT_FREE_WHEN_INTERRUPTED_WITHIN, billed_seconds,
    spot_billed_seconds, volume_charge,
};
pub use discounts::Discounts;
pub use fargate::{FargateCharge, FargatePrices, FargateRefusal, FargateSize};
pub use instance_type::{Accelerators, Arch, InstanceType, KubeReservedPods, NodeSettings};
pub use offering::{CapacityType, Offering, PriceSeries};
pub use price::{InferredBy, Price, PriceDate, PriceOrigin};
pub use price_view::{PriceRefresh, PriceView};
pub use requirements::{Incompatible, Operator, Requirement, Requirements, Undefined};
pub use savings_rate::{PaymentOption, SavingsItem, SavingsPlanType, SavingsRate};
pub use services::ServicePrices;
pub use snapshot::{FILES, OPTIONAL_FILES, Snapshot, SnapshotOrigin};
pub use spot::{InterruptionBucket, SpotAdvice};

use rustc_hash::FxHashMap;

/// An instance type in [`Catalog::types`]: its rank by name among all known types, the same in every region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

/// A zone in [`Catalog::zones`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub u8);

/// What one region sells.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub region: String,
    /// Names such as `us-east-1a`; a [`ZoneId`] is an index.
    pub zones: Vec<String>,
    /// The dates of the oldest and the newest price; `None` if there are no prices.
    pub as_of: Option<(PriceDate, PriceDate)>,
    /// `None` where EKS has no Fargate, or its price is not known.
    pub fargate: Option<FargatePrices>,
    pub services: ServicePrices,
    /// All known types by name, sold here or not.
    types: Vec<InstanceType>,
    /// What is sold, type by type; on-demand before Spot, then by zone.
    offerings: Vec<Offering>,
    /// Where the offerings of each type begin, and one more for the end.
    starts: Vec<u32>,
    advice: Vec<Option<SpotAdvice>>,
    savings: Vec<SavingsRate>,
    /// What the prices are less than the public ones.
    discounts: Discounts,
}

/// What the price files have of one region; lists are by [`TypeId`].
struct Sold<'a> {
    region: &'a str,
    zones: Vec<String>,
    types: Vec<InstanceType>,
    on_demand: Vec<Option<Price>>,
    spot: Vec<Option<(Price, Option<SpotAdvice>)>>,
    /// Spot prices over time, where they are known.
    history: FxHashMap<(TypeId, ZoneId), (PriceSeries, PriceDate)>,
    fargate: Option<FargatePrices>,
    services: ServicePrices,
    savings: Vec<SavingsRate>,
}

impl Catalog {
    fn new(sold: Sold<'_>) -> Self {
        let Sold { region, zones, types, on_demand, spot, history, fargate, services, savings } = sold;
        let mut offerings = Vec::with_capacity(types.len() * zones.len() * 2);
        let mut starts = Vec::with_capacity(types.len() + 1);
        let mut dates = Vec::with_capacity(types.len() * 2);
        let zone_ids = || (0..zones.len()).map(|zone| ZoneId(zone as u8));
        for (id, (on_demand, spot)) in (0..).map(TypeId).zip(on_demand.iter().zip(&spot)) {
            starts.push(offerings.len() as u32);
            let offering = |zone, capacity_type, price, origin, as_of| Offering {
                zone,
                capacity_type,
                price,
                origin,
                as_of,
                available: true,
            };
            if let Some(Price { rate, origin, as_of }) = *on_demand {
                dates.push(as_of);
                let price = PriceSeries::constant(rate);
                offerings.extend(
                    zone_ids()
                        .map(|zone| offering(zone, CapacityType::OnDemand, price.clone(), origin, as_of)),
                );
            }
            // A zone's recorded prices go before the price of the whole region.
            let everywhere =
                spot.map(|(price, _)| (PriceSeries::constant(price.rate), price.origin, price.as_of));
            dates.extend(everywhere.iter().map(|(.., as_of)| *as_of));
            for zone in zone_ids() {
                let recorded = history.get(&(id, zone));
                let recorded =
                    recorded.map(|(series, as_of)| (series.clone(), PriceOrigin::Observed, *as_of));
                dates.extend(recorded.iter().map(|(.., as_of)| *as_of));
                if let Some((price, origin, as_of)) = recorded.or_else(|| everywhere.clone()) {
                    offerings.push(offering(zone, CapacityType::Spot, price, origin, as_of));
                }
            }
        }
        starts.push(offerings.len() as u32);
        if let Some(FargatePrices { vcpu_hour, gb_hour, ephemeral_gb_hour }) = fargate {
            dates.extend(
                [Some(vcpu_hour), Some(gb_hour), ephemeral_gb_hour].into_iter().flatten().map(|p| p.as_of),
            );
        }
        dates.extend(services.named().filter_map(|(.., price)| price.map(|p| p.as_of)));
        Self {
            region: region.to_owned(),
            as_of: dates.iter().min().copied().zip(dates.iter().max().copied()),
            zones,
            fargate,
            services,
            types,
            offerings,
            starts,
            advice: spot.iter().map(|spot| spot.and_then(|(_, advice)| advice)).collect(),
            savings,
            discounts: Discounts::default(),
        }
    }

    /// All known types by name, sold here or not; a [`TypeId`] is an index.
    pub fn types(&self) -> &[InstanceType] {
        &self.types
    }

    pub fn instance_type(&self, id: TypeId) -> &InstanceType {
        &self.types[id.0 as usize]
    }

    /// The type of this name, sold here or not.
    pub fn find(&self, name: &str) -> Option<TypeId> {
        let index = self.types.binary_search_by(|kind| kind.name.as_str().cmp(name)).ok()?;
        Some(TypeId(index as u32))
    }

    /// The types with a price here, by name.
    pub fn offered(&self) -> impl Iterator<Item = TypeId> {
        (0..self.types.len() as u32).map(TypeId).filter(|id| !self.offerings(*id).is_empty())
    }

    /// What is sold of a type: on-demand before Spot, then by zone.
    pub fn offerings(&self, id: TypeId) -> &[Offering] {
        let (from, to) = (self.starts[id.0 as usize], self.starts[id.0 as usize + 1]);
        &self.offerings[from as usize..to as usize]
    }

    pub fn offering(&self, id: TypeId, zone: ZoneId, capacity_type: CapacityType) -> Option<&Offering> {
        self.offerings(id).iter().find(|o| o.zone == zone && o.capacity_type == capacity_type)
    }

    /// Whether a type has a price here, in any zone.
    pub fn is_sold(&self, id: TypeId, capacity_type: CapacityType) -> bool {
        let has_price = |offering: &Offering| !offering.price.points().is_empty();
        self.offerings(id).iter().any(|o| o.capacity_type == capacity_type && has_price(o))
    }

    /// For prices that are not in the price files, such as a recorded Spot history of one zone.
    pub fn offering_mut(
        &mut self,
        id: TypeId,
        zone: ZoneId,
        capacity_type: CapacityType,
    ) -> Option<&mut Offering> {
        let (from, to) = (self.starts[id.0 as usize], self.starts[id.0 as usize + 1]);
        let offerings = &mut self.offerings[from as usize..to as usize];
        offerings.iter_mut().find(|o| o.zone == zone && o.capacity_type == capacity_type)
    }

    /// The labels that a Linux node of a type has or may have here.
    pub fn requirements(&self, id: TypeId) -> Requirements {
        let available = || self.offerings(id).iter().filter(|offering| offering.available);
        let zones = available().map(|offering| self.zone(offering.zone));
        let capacity_types = available().map(|offering| offering.capacity_type);
        self.instance_type(id).requirements(&self.region, zones, capacity_types)
    }

    /// What an offering fixes: its zone and capacity type.
    pub fn offering_requirements(&self, offering: &Offering) -> Requirements {
        [
            (labels::ZONE, Requirement::one_of([self.zone(offering.zone)])),
            (labels::CAPACITY_TYPE, Requirement::one_of([offering.capacity_type.label()])),
        ]
        .into_iter()
        .collect()
    }

    pub fn zone(&self, id: ZoneId) -> &str {
        &self.zones[usize::from(id.0)]
    }

    /// What the Spot Advisor says of a type here.
    pub fn spot_advice(&self, id: TypeId) -> Option<SpotAdvice> {
        self.advice[id.0 as usize]
    }

    /// What usage costs here under a Savings Plan, by plan, term, payment and item; empty where the price files
    /// do not say.
    pub fn savings_rates(&self) -> &[SavingsRate] {
        &self.savings
    }
}

/// The candidate most like `word`, if one is like it enough to be what was meant.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    let near = candidates.into_iter().min_by_key(distance)?;
    (distance(&near) <= 1 + word.chars().count() / 4).then_some(near)
}
