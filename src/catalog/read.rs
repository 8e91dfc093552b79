//! From rows to values: what stands in each price file. `pricing/README.md` describes them for users.

use super::fargate::FargatePrices;
use super::services::{Item, ServicePrices};
use super::spot::{InterruptionBucket, SpotAdvice};
use super::table::{Field, Row, Seen, Table};
use super::{Accelerators, Arch, InferredBy, InstanceType, Price, PriceOrigin, nearest};
use crate::error::Diagnostics;
use crate::units::Memory;

/// A price file as it is named in messages, and its text.
#[derive(Clone, Copy)]
pub(super) struct File<'t> {
    pub name: &'t str,
    pub text: &'t str,
}

/// The columns of the files, as they are written.
pub(super) const TYPE_COLUMNS: [&str; 23] = [
    "instance_type",
    "arch",
    "vcpu",
    "memory_mib",
    "max_pods",
    "max_pods_prefix_delegation",
    "gpu_count",
    "gpu_manufacturer",
    "gpu_name",
    "accelerator_count",
    "accelerator_manufacturer",
    "accelerator_name",
    "burstable",
    "flex",
    "bare_metal",
    "hypervisor",
    "cpu_manufacturer",
    "sustained_clock_mhz",
    "network_mbps",
    "ebs_mbps",
    "local_nvme_gb",
    "current_generation",
    "source",
];
pub(super) const ON_DEMAND_COLUMNS: [&str; 5] =
    ["region", "instance_type", "usd_per_hour", "as_of", "source"];
pub(super) const INFERRED_COLUMNS: [&str; 5] = ["region", "instance_type", "usd_per_hour", "as_of", "method"];
pub(super) const SPOT_COLUMNS: [&str; 7] =
    ["region", "instance_type", "usd_per_hour", "savings_percent", "interruption_bucket", "as_of", "method"];
pub(super) const FARGATE_COLUMNS: [&str; 6] =
    ["region", "vcpu_hour_usd", "gb_hour_usd", "ephemeral_gb_hour_usd", "as_of", "source"];
pub(super) const SERVICE_COLUMNS: [&str; 6] = ["region", "item", "unit", "usd", "as_of", "source"];

/// Where a price that a region lacks is taken from.
const FALLBACK_REGION: &str = "us-east-1";

/// A price that holds in every region.
const EVERYWHERE: &str = "*";

/// The instance types of a snapshot.
pub(super) struct Types {
    /// By name.
    pub list: Vec<InstanceType>,
    /// Whether all of the file was understood; if not, types that seem unknown may only be unreadable.
    sound: bool,
}

impl Types {
    fn find(&self, name: &str) -> Option<usize> {
        self.list.binary_search_by(|kind| kind.name.as_str().cmp(name)).ok()
    }

    /// The type of a row with a region and a type, of which there must be one.
    fn of(&self, row: &mut Row<'_>, seen: &mut Seen, region: Field<'_>, name: Field<'_>) -> Option<usize> {
        row.region(region);
        row.unique(seen, format!("{},{}", region.text, name.text), name);
        self.named(row, name)
    }

    /// The type that a field names, of which there must be one.
    pub fn named(&self, row: &mut Row<'_>, name: Field<'_>) -> Option<usize> {
        let found = self.find(name.text);
        if found.is_none() && self.sound {
            let hint = nearest(name.text, self.list.iter().map(|kind| kind.name.as_str()))
                .map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            row.refuse(
                name,
                "is not in instance_types.csv",
                format!("{hint}Every priced type needs a row there"),
            );
        }
        found
    }
}

pub(super) fn instance_types(file: File<'_>, found: &mut Diagnostics) -> Types {
    let before = found.total();
    let mut list = Vec::new();
    let mut seen = Seen::default();
    if let Some(table) = Table::open(file.name, file.text, TYPE_COLUMNS, found) {
        table.rows(found, |row, fields| {
            let kind = instance_type(row, &fields);
            row.unique(&mut seen, kind.name.clone(), fields[0]);
            if row.is_sound() {
                list.push(kind);
            }
        });
    }
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Types { list, sound: found.total() == before }
}

fn instance_type(row: &mut Row<'_>, fields: &[Field<'_>; 23]) -> InstanceType {
    let &[name, arch, vcpu, memory, pods, prefix_pods, gpus, gpu_maker, gpu_name, ref rest @ ..] = fields;
    let &[chips, chip_maker, chip_name, burstable, flex, metal, ref rest @ ..] = rest;
    let &[hypervisor, maker, clock, network, ebs, nvme, current, source] = rest;
    let parts = name.text.split_once('.');
    if parts.is_none_or(|(family, size)| family.is_empty() || size.is_empty()) {
        row.refuse(name, "is not an instance type", "write a family and a size, such as m6i.xlarge");
    }
    let some = |row: &mut Row<'_>, field: Field<'_>| row.count(field, 1);
    let kind = InstanceType {
        name: name.text.to_owned(),
        arch: row.choice(arch, &[("amd64", Arch::Amd64), ("arm64", Arch::Arm64)]),
        vcpu: row.count(vcpu, 1),
        memory: Memory::from_mib(row.count(memory, 1)),
        max_pods: row.count(pods, 1),
        max_pods_prefix_delegation: row.optional(prefix_pods, some),
        gpu: accelerators(row, gpus, gpu_maker, gpu_name),
        accelerator: accelerators(row, chips, chip_maker, chip_name),
        burstable: row.flag(burstable),
        flex: row.flag(flex),
        bare_metal: row.flag(metal),
        hypervisor: row.choice(hypervisor, &[("nitro", "nitro"), ("xen", "xen"), ("none", "")]).to_owned(),
        cpu_manufacturer: row.text(maker).to_owned(),
        sustained_clock_mhz: row.optional(clock, some),
        network_mbps: row.count(network, 1),
        ebs_mbps: row.optional(ebs, some),
        local_nvme_gb: row.count(nvme, 0),
        current_generation: row.flag(current),
    };
    row.text(source);
    kind
}

fn accelerators(
    row: &mut Row<'_>,
    count: Field<'_>,
    manufacturer: Field<'_>,
    name: Field<'_>,
) -> Option<Accelerators> {
    let count = row.count(count, 0);
    (count > 0).then(|| Accelerators {
        count,
        manufacturer: row.text(manufacturer).to_owned(),
        name: row.text(name).to_owned(),
    })
}

/// On-demand prices by index in [`Types::list`]. An observed price goes before an inferred one.
pub(super) fn on_demand(
    observed: File<'_>,
    inferred: File<'_>,
    types: &Types,
    region: Option<&str>,
    found: &mut Diagnostics,
) -> Vec<Option<Price>> {
    let mut prices = vec![None; types.list.len()];
    let region = region.map(|region| [region]);
    let keys = region.as_ref().map(<[_; 1]>::as_slice);

    let columns = ON_DEMAND_COLUMNS;
    let mut seen = Seen::default();
    if let Some(table) = Table::open(observed.name, observed.text, columns, found) {
        table.rows_of(keys, found, |row, [region, name, usd, as_of, source]| {
            let kind = types.of(row, &mut seen, region, name);
            let price = Price { rate: row.rate(usd), origin: PriceOrigin::Observed, as_of: row.date(as_of) };
            row.text(source);
            if let (Some(kind), true) = (kind, row.is_sound()) {
                prices[kind] = Some(price);
            }
        });
    }

    let columns = INFERRED_COLUMNS;
    let mut seen = Seen::default();
    if let Some(table) = Table::open(inferred.name, inferred.text, columns, found) {
        table.rows_of(keys, found, |row, [region, name, usd, as_of, method]| {
            let kind = types.of(row, &mut seen, region, name);
            let rate = row.rate(usd);
            let as_of = row.date(as_of);
            let origin = PriceOrigin::Inferred(row.choice(method, &InferredBy::ON_DEMAND));
            if let (Some(kind), true) = (kind, row.is_sound()) {
                prices[kind].get_or_insert(Price { rate, origin, as_of });
            }
        });
    }
    prices
}

/// Spot prices and what the Spot Advisor says, by index in [`Types::list`].
pub(super) fn spot(
    file: File<'_>,
    types: &Types,
    region: Option<&str>,
    found: &mut Diagnostics,
) -> Vec<Option<(Price, Option<SpotAdvice>)>> {
    const METHODS: [(&str, PriceOrigin); 3] = [
        ("observed", PriceOrigin::Observed),
        ("on-demand-less-savings", PriceOrigin::Inferred(InferredBy::SpotSavings)),
        ("inferred-on-demand-less-savings", PriceOrigin::Inferred(InferredBy::SpotSavingsOfInferred)),
    ];
    let mut prices = vec![None; types.list.len()];
    let columns = SPOT_COLUMNS;
    let mut seen = Seen::default();
    let Some(table) = Table::open(file.name, file.text, columns, found) else { return prices };
    let region = region.map(|region| [region]);
    let keys = region.as_ref().map(<[_; 1]>::as_slice);
    table.rows_of(keys, found, |row, [region, name, usd, savings, bucket, as_of, method]| {
        let kind = types.of(row, &mut seen, region, name);
        let rate = row.rate(usd);
        let advice = advice(row, savings, bucket);
        let price = Price { rate, as_of: row.date(as_of), origin: row.choice(method, &METHODS) };
        if let (Some(kind), true) = (kind, row.is_sound()) {
            prices[kind] = Some((price, advice));
        }
    });
    prices
}

/// Both or neither: the Spot Advisor does not know all types that have a Spot price.
fn advice(row: &mut Row<'_>, savings: Field<'_>, bucket: Field<'_>) -> Option<SpotAdvice> {
    if savings.text.is_empty() && bucket.text.is_empty() {
        return None;
    }
    let savings_percent = percent(row, savings);
    Some(SpotAdvice { savings_percent, bucket: row.choice(bucket, &InterruptionBucket::WORDS) })
}

fn percent(row: &mut Row<'_>, field: Field<'_>) -> u8 {
    let percent = row.count(field, 0);
    if percent > 100 {
        row.refuse(field, "is more than 100", "");
    }
    percent.min(100) as u8
}

/// Fargate prices of a region; that of storage is us-east-1's where the region's is not known.
pub(super) fn fargate(
    file: File<'_>,
    region: Option<&str>,
    found: &mut Diagnostics,
) -> Option<FargatePrices> {
    let columns = FARGATE_COLUMNS;
    let mut seen = Seen::default();
    let (mut own, mut fallback): (Option<FargatePrices>, Option<Price>) = (None, None);
    let table = Table::open(file.name, file.text, columns, found)?;
    let keys = region.map(|region| [region, FALLBACK_REGION]);
    table.rows_of(keys.as_ref().map(<[_; 2]>::as_slice), found, |row, fields| {
        let [name, vcpu, gb, ephemeral, as_of, source] = fields;
        row.region(name);
        row.unique(&mut seen, name.text.to_owned(), name);
        let (vcpu, gb) = (row.rate(vcpu), row.rate(gb));
        let ephemeral = row.optional(ephemeral, Row::rate);
        let as_of = row.date(as_of);
        row.text(source);
        let price = |rate| Price { rate, origin: PriceOrigin::Observed, as_of };
        let prices = FargatePrices {
            vcpu_hour: price(vcpu),
            gb_hour: price(gb),
            ephemeral_gb_hour: ephemeral.map(price),
        };
        if row.is_sound() && name.text == FALLBACK_REGION {
            fallback = prices.ephemeral_gb_hour.map(|price| price.inferred(InferredBy::UsEast1Price));
        }
        if row.is_sound() && Some(name.text) == region {
            own = Some(prices);
        }
    });
    own.map(|own| FargatePrices { ephemeral_gb_hour: own.ephemeral_gb_hour.or(fallback), ..own })
}

/// The other prices: the region's own, else one that holds everywhere, else that of us-east-1, marked so.
pub(super) fn services(file: File<'_>, region: Option<&str>, found: &mut Diagnostics) -> ServicePrices {
    let columns = SERVICE_COLUMNS;
    let (mut own, mut everywhere, mut fallback) = <(ServicePrices, ServicePrices, ServicePrices)>::default();
    let mut seen = Seen::default();
    let Some(table) = Table::open(file.name, file.text, columns, found) else { return own };
    let keys = region.map(|region| [region, EVERYWHERE, FALLBACK_REGION]);
    table.rows_of(keys.as_ref().map(<[_; 3]>::as_slice), found, |row, fields| {
        let [name, word, unit, usd, as_of, source] = fields;
        if name.text != EVERYWHERE {
            row.region(name);
        }
        row.unique(&mut seen, format!("{},{}", name.text, word.text), word);
        let item = row.choice(word, &Item::WORDS);
        if unit.text != item.unit() && row.is_sound() {
            row.refuse(unit, "is not the unit of this item", format!("write {}", item.unit()));
        }
        let price = Price { rate: row.rate(usd), origin: PriceOrigin::Observed, as_of: row.date(as_of) };
        row.text(source);
        if !row.is_sound() {
            return;
        }
        if name.text == EVERYWHERE {
            *everywhere.slot(item) = Some(price);
        }
        if name.text == FALLBACK_REGION {
            *fallback.slot(item) = Some(price.inferred(InferredBy::UsEast1Price));
        }
        if Some(name.text) == region {
            *own.slot(item) = Some(price);
        }
    });
    for (_, item) in Item::WORDS {
        let price = own.slot(item).or(*everywhere.slot(item)).or(*fallback.slot(item));
        *own.slot(item) = price;
    }
    own
}
