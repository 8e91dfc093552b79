//! What changed between two snapshots in one region, and which platforms it touches.

use std::collections::BTreeMap;

use super::SnapshotJson;
use super::reach::Reach;
use super::show::{bucket, list_price};
use super::summary::others;
use crate::catalog::{Accelerators, CapacityType, Catalog, InstanceType, Price, Snapshot};
use crate::error::{Error, Result};
use crate::platform::Scenario;

/// The files of a snapshot, by what changes in them. The order is that of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PriceFile {
    /// `on_demand.csv` and `on_demand_inferred.csv`: which of them a price is in is its own business.
    OnDemand,
    Spot,
    Fargate,
    Services,
    InstanceTypes,
}

impl PriceFile {
    pub const ALL: [Self; 5] =
        [Self::OnDemand, Self::Spot, Self::Fargate, Self::Services, Self::InstanceTypes];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "on_demand.csv",
            Self::Spot => "spot.csv",
            Self::Fargate => "fargate.csv",
            Self::Services => "misc_prices.csv",
            Self::InstanceTypes => "instance_types.csv",
        }
    }

    /// Whether it is about instance types, which have families.
    pub const fn has_families(self) -> bool {
        matches!(self, Self::OnDemand | Self::Spot | Self::InstanceTypes)
    }
}

/// One thing that is not the same in both snapshots.
#[derive(Clone, Debug)]
pub struct Change {
    pub file: PriceFile,
    /// An instance type, or an item.
    pub name: String,
    pub what: What,
    /// Which of [`Diff::platforms`], ascending.
    pub touches: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Another price, a new one or none any more; or the same one, now observed or now inferred.
    Price { unit: &'static str, old: Option<Price>, new: Option<Price> },
    /// An instance type that the other snapshot does not know.
    Type { is_new: bool },
    /// Something that is said of an instance type.
    Fact { field: &'static str, old: String, new: String },
}

/// How two snapshots differ in a region.
#[derive(Clone, Debug)]
pub struct Diff {
    pub(super) snapshots: [SnapshotJson; 2],
    pub region: String,
    /// By file, then by name.
    pub changes: Vec<Change>,
    /// Prices that are the same but for their date.
    pub redated: usize,
    /// The platforms that were asked about.
    pub platforms: Vec<String>,
    /// How many instance types of a family have a row in a file of either snapshot.
    pub(super) families: BTreeMap<(PriceFile, String), usize>,
}

impl Diff {
    /// How many changes touch each of the platforms.
    pub fn touched(&self) -> Vec<usize> {
        let mut touched = vec![0; self.platforms.len()];
        for platform in self.changes.iter().flat_map(|change| &change.touches) {
            touched[*platform] += 1;
        }
        touched
    }
}

/// Compares two snapshots in the region of `scenario`, which also says whom changes may touch. Dates and sources are not
/// compared, nor the Spot Advisor's savings, from which Spot prices follow.
pub fn diff(old: &Snapshot, new: &Snapshot, scenario: &Scenario) -> Result<Diff> {
    let settings = &scenario.settings;
    let zones: Vec<&str> = settings.zones.iter().map(String::as_str).collect();
    let region = &settings.region.name;
    let catalog = |snapshot: &Snapshot| {
        snapshot.region_in(region, &zones).map_err(|error| match error {
            Error::Usage { message, hint } => {
                Error::Usage { message: format!("{}: {message}", super::name(snapshot)), hint }
            }
            other => other,
        })
    };
    let (old_catalog, new_catalog) = (catalog(old)?, catalog(new)?);
    let reach = |platform| Reach::new([&old_catalog, &new_catalog], platform, settings.cluster);
    let mut comparison = Comparison {
        reaches: scenario.platforms.iter().map(reach).collect(),
        changes: Vec::new(),
        redated: 0,
        families: BTreeMap::new(),
    };
    comparison.instances(&old_catalog, &new_catalog, PriceFile::OnDemand, CapacityType::OnDemand);
    comparison.instances(&old_catalog, &new_catalog, PriceFile::Spot, CapacityType::Spot);
    comparison.others(&old_catalog, &new_catalog);
    comparison.facts(&old_catalog, &new_catalog);
    let Comparison { mut changes, redated, families, .. } = comparison;
    // Stable: several changes of one name stay as they were found.
    changes.sort_by(|a, b| (a.file, &a.name).cmp(&(b.file, &b.name)));
    Ok(Diff {
        snapshots: [old.into(), new.into()],
        region: region.clone(),
        changes,
        redated,
        platforms: scenario.platforms.iter().map(|platform| platform.name.clone()).collect(),
        families,
    })
}

struct Comparison {
    reaches: Vec<Reach>,
    changes: Vec<Change>,
    redated: usize,
    families: BTreeMap<(PriceFile, String), usize>,
}

impl Comparison {
    fn add(&mut self, file: PriceFile, name: &str, what: What, is_touched: impl Fn(&Reach) -> bool) {
        let touches = self.reaches.iter().enumerate().filter(|(_, reach)| is_touched(reach));
        let touches = touches.map(|(index, _)| index).collect();
        self.changes.push(Change { file, name: name.to_owned(), what, touches });
    }

    fn price(
        &mut self,
        file: PriceFile,
        (name, unit): (&str, &'static str),
        [old, new]: [Option<Price>; 2],
        is_touched: impl Fn(&Reach) -> bool,
    ) {
        let said = |price: Option<Price>| price.map(|price| (price.rate, price.origin.is_inferred()));
        if said(old) != said(new) {
            self.add(file, name, What::Price { unit, old, new }, is_touched);
        } else if old.map(|price| price.as_of) != new.map(|price| price.as_of) {
            self.redated += 1;
        }
    }

    /// Prices of instances, and for Spot how often they are taken back.
    fn instances(&mut self, old: &Catalog, new: &Catalog, file: PriceFile, capacity_type: CapacityType) {
        let mut prices: BTreeMap<&str, [Option<Price>; 2]> = BTreeMap::new();
        for (side, catalog) in [old, new].into_iter().enumerate() {
            for id in catalog.offered() {
                if let Some(price) = list_price(catalog, id, capacity_type) {
                    prices.entry(&catalog.instance_type(id).name).or_default()[side] = Some(price);
                }
            }
        }
        for (name, prices) in prices {
            *self.families.entry((file, family(name).to_owned())).or_default() += 1;
            self.price(file, (name, "hour"), prices, |reach| reach.buys(name, capacity_type));
            if capacity_type == CapacityType::Spot {
                let advice = [old, new].map(|catalog| catalog.spot_advice(catalog.find(name)?));
                if let [Some(old), Some(new)] = advice
                    && old.bucket != new.bucket
                {
                    let (old, new) = (bucket(old.bucket), bucket(new.bucket));
                    let what = What::Fact { field: "interrupted a month", old, new };
                    self.add(file, name, what, |reach| reach.buys(name, capacity_type));
                }
            }
        }
    }

    fn others(&mut self, old: &Catalog, new: &Catalog) {
        for ((item, unit, old), (_, _, new)) in others(old).zip(others(new)) {
            let file = if item.starts_with("fargate_") { PriceFile::Fargate } else { PriceFile::Services };
            self.price(file, (item, unit), [old, new], |reach| reach.has_item(item));
        }
    }

    fn facts(&mut self, old: &Catalog, new: &Catalog) {
        let file = PriceFile::InstanceTypes;
        let mut types: BTreeMap<&str, [Option<&InstanceType>; 2]> = BTreeMap::new();
        for (side, catalog) in [old, new].into_iter().enumerate() {
            for instance in catalog.types() {
                types.entry(&instance.name).or_default()[side] = Some(instance);
            }
        }
        for (name, sides) in types {
            *self.families.entry((file, family(name).to_owned())).or_default() += 1;
            let is_touched = |reach: &Reach| reach.buys_type(name);
            match sides {
                [Some(old), Some(new)] if old == new => {}
                [Some(old), Some(new)] => {
                    for ((field, old), (_, new)) in facts(old).into_iter().zip(facts(new)) {
                        if old != new {
                            self.add(file, name, What::Fact { field, old, new }, is_touched);
                        }
                    }
                }
                [old, _] => self.add(file, name, What::Type { is_new: old.is_none() }, is_touched),
            }
        }
    }
}

/// `m6i` of `m6i.xlarge`.
pub(super) fn family(name: &str) -> &str {
    name.split_once('.').map_or(name, |(family, _)| family)
}

/// What a snapshot says of a type, by the file's columns. A test holds it against the type's fields.
fn facts(instance: &InstanceType) -> [(&'static str, String); 17] {
    let chips = |chips: &Option<Accelerators>| {
        chips.as_ref().map_or_else(
            || "none".to_owned(),
            |chips| format!("{} {} {}", chips.count, chips.manufacturer, chips.name),
        )
    };
    let or_none = |value: Option<i64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    [
        ("arch", instance.arch.label().to_owned()),
        ("vcpu", instance.vcpu.to_string()),
        ("memory_mib", instance.memory.mib_ceil().to_string()),
        ("max_pods", instance.max_pods.to_string()),
        ("max_pods_prefix_delegation", or_none(instance.max_pods_prefix_delegation)),
        ("gpu", chips(&instance.gpu)),
        ("accelerator", chips(&instance.accelerator)),
        ("burstable", instance.burstable.to_string()),
        ("flex", instance.flex.to_string()),
        ("bare_metal", instance.bare_metal.to_string()),
        (
            "hypervisor",
            if instance.hypervisor.is_empty() { "none".into() } else { instance.hypervisor.clone() },
        ),
        ("cpu_manufacturer", instance.cpu_manufacturer.clone()),
        ("sustained_clock_mhz", or_none(instance.sustained_clock_mhz)),
        ("network_mbps", instance.network_mbps.to_string()),
        ("ebs_mbps", or_none(instance.ebs_mbps)),
        ("local_nvme_gb", instance.local_nvme_gb.to_string()),
        ("current_generation", instance.current_generation.to_string()),
    ]
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
