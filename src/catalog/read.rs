//! From rows to values: what stands in each price file. `pricing/README.md` describes them for users.

use std::collections::BTreeMap;

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
    pub fn find(&self, name: &str) -> Option<usize> {
        self.list.binary_search_by(|kind| kind.name.as_str().cmp(name)).ok()
    }

    fn of(&self, row: &mut Row<'_>, name: Field<'_>) -> Option<usize> {
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
    const COLUMNS: [&str; 23] = [
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
    let before = found.total();
    let mut list = Vec::new();
    let mut seen = Seen::default();
    if let Some(table) = Table::open(file.name, file.text, COLUMNS, found) {
        table.rows(found, |row, fields| {
            if let Some(kind) = instance_type(row, fields)
                && row.unique(&mut seen, &kind.name, fields[0])
            {
                list.push(kind);
            }
        });
    }
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Types { list, sound: found.total() == before }
}

fn instance_type(row: &mut Row<'_>, fields: [Field<'_>; 23]) -> Option<InstanceType> {
    let [name, arch, vcpu, memory, pods, prefix_pods, rest @ ..] = fields;
    let [gpus, gpu_maker, gpu_name, chips, chip_maker, chip_name, rest @ ..] = rest;
    let [burstable, flex, metal, hypervisor, maker, clock, network, ebs, nvme, current, _source] = rest;
    let shaped =
        name.text.split_once('.').is_some_and(|(family, size)| !family.is_empty() && !size.is_empty());
    if !shaped {
        row.refuse(name, "is not an instance type", "write a family and a size, such as m6i.xlarge");
    }
    // Every field is read before any is found missing, so that a row's mistakes are reported together.
    let arch = row.choice(arch, &[("amd64", Arch::Amd64), ("arm64", Arch::Arm64)]);
    let vcpu = row.count(vcpu, 1);
    let memory = row.count(memory, 1);
    let max_pods = row.count(pods, 1);
    let max_pods_prefix_delegation = optional(row, prefix_pods);
    let gpu = accelerators(row, gpus, gpu_maker, gpu_name);
    let accelerator = accelerators(row, chips, chip_maker, chip_name);
    let (burstable, flex, bare_metal) = (row.flag(burstable), row.flag(flex), row.flag(metal));
    let hypervisor = row.choice(hypervisor, &[("nitro", "nitro"), ("xen", "xen"), ("none", "")]);
    let cpu_manufacturer = row.text(maker);
    let sustained_clock_mhz = optional(row, clock);
    let network_mbps = row.count(network, 1);
    let ebs_mbps = optional(row, ebs);
    let local_nvme_gb = row.count(nvme, 0);
    let current_generation = row.flag(current);
    shaped.then_some(())?;
    Some(InstanceType {
        name: name.text.to_owned(),
        arch: arch?,
        vcpu: vcpu?,
        memory: Memory::from_mib(memory?),
        max_pods: max_pods?,
        max_pods_prefix_delegation: max_pods_prefix_delegation?,
        gpu: gpu?,
        accelerator: accelerator?,
        burstable: burstable?,
        flex: flex?,
        bare_metal: bare_metal?,
        hypervisor: hypervisor?.to_owned(),
        cpu_manufacturer: cpu_manufacturer?.to_owned(),
        sustained_clock_mhz: sustained_clock_mhz?,
        network_mbps: network_mbps?,
        ebs_mbps: ebs_mbps?,
        local_nvme_gb: local_nvme_gb?,
        current_generation: current_generation?,
    })
}

/// A count that may be left empty. The outer `None` is a mistake.
fn optional(row: &mut Row<'_>, field: Field<'_>) -> Option<Option<i64>> {
    if field.text.is_empty() { Some(None) } else { row.count(field, 1).map(Some) }
}

fn accelerators(
    row: &mut Row<'_>,
    count: Field<'_>,
    manufacturer: Field<'_>,
    name: Field<'_>,
) -> Option<Option<Accelerators>> {
    let count = row.count(count, 0)?;
    if count == 0 {
        return Some(None);
    }
    let (manufacturer, name) = (row.text(manufacturer), row.text(name));
    Some(Some(Accelerators { count, manufacturer: manufacturer?.to_owned(), name: name?.to_owned() }))
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

    let columns = ["region", "instance_type", "usd_per_hour", "as_of", "source"];
    let mut seen = Seen::default();
    if let Some(table) = Table::open(observed.name, observed.text, columns, found) {
        table.rows_of(keys, found, |row, [region, name, usd, as_of, source]| {
            let fresh = is_fresh(row, &mut seen, region, name);
            let (kind, rate, as_of) = (types.of(row, name), row.rate(usd), row.date(as_of));
            let source = row.text(source);
            if let (true, Some(kind), Some(rate), Some(as_of), Some(_)) = (fresh, kind, rate, as_of, source) {
                prices[kind] = Some(Price { rate, origin: PriceOrigin::Observed, as_of });
            }
        });
    }

    let columns = ["region", "instance_type", "usd_per_hour", "as_of", "method"];
    let mut seen = Seen::default();
    if let Some(table) = Table::open(inferred.name, inferred.text, columns, found) {
        table.rows_of(keys, found, |row, [region, name, usd, as_of, method]| {
            let fresh = is_fresh(row, &mut seen, region, name);
            let (kind, rate, as_of) = (types.of(row, name), row.rate(usd), row.date(as_of));
            let method = row.choice(method, &InferredBy::ON_DEMAND);
            if let (true, Some(kind), Some(rate), Some(as_of), Some(method)) =
                (fresh, kind, rate, as_of, method)
            {
                prices[kind].get_or_insert(Price { rate, origin: PriceOrigin::Inferred(method), as_of });
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
) -> Vec<Option<(Price, SpotAdvice)>> {
    const METHODS: [(&str, PriceOrigin); 3] = [
        ("observed", PriceOrigin::Observed),
        ("on-demand-less-savings", PriceOrigin::Inferred(InferredBy::SpotSavings)),
        ("inferred-on-demand-less-savings", PriceOrigin::Inferred(InferredBy::SpotSavingsOfInferred)),
    ];
    let mut prices = vec![None; types.list.len()];
    let region = region.map(|region| [region]);
    let columns = [
        "region",
        "instance_type",
        "usd_per_hour",
        "savings_percent",
        "interruption_bucket",
        "as_of",
        "method",
    ];
    let mut seen = Seen::default();
    let Some(table) = Table::open(file.name, file.text, columns, found) else { return prices };
    let keys = region.as_ref().map(<[_; 1]>::as_slice);
    table.rows_of(keys, found, |row, [region, name, usd, savings, bucket, as_of, method]| {
        let fresh = is_fresh(row, &mut seen, region, name);
        let (kind, rate, as_of) = (types.of(row, name), row.rate(usd), row.date(as_of));
        let savings_percent = percent(row, savings);
        let bucket = row.choice(bucket, &InterruptionBucket::WORDS);
        let origin = row.choice(method, &METHODS);
        if let (
            true,
            Some(kind),
            Some(rate),
            Some(as_of),
            Some(savings_percent),
            Some(bucket),
            Some(origin),
        ) = (fresh, kind, rate, as_of, savings_percent, bucket, origin)
        {
            prices[kind] = Some((Price { rate, origin, as_of }, SpotAdvice { savings_percent, bucket }));
        }
    });
    prices
}

fn percent(row: &mut Row<'_>, field: Field<'_>) -> Option<u8> {
    let percent = row.count(field, 0)?;
    if percent > 100 {
        row.refuse(field, "is more than 100", "");
    }
    u8::try_from(percent).ok().filter(|p| *p <= 100)
}

/// Fargate prices of a region; those of storage are us-east-1's where the region's are not known.
pub(super) fn fargate(
    file: File<'_>,
    region: Option<&str>,
    found: &mut Diagnostics,
) -> Option<FargatePrices> {
    let keys = region.map(|region| [region, FALLBACK_REGION]);
    let columns = ["region", "vcpu_hour_usd", "gb_hour_usd", "ephemeral_gb_hour_usd", "as_of", "source"];
    let mut seen = Seen::default();
    let (mut own, mut fallback): (Option<FargatePrices>, Option<Price>) = (None, None);
    let table = Table::open(file.name, file.text, columns, found)?;
    table.rows_of(keys.as_ref().map(<[_; 2]>::as_slice), found, |row, fields| {
        let [name, vcpu, gb, ephemeral, as_of, source] = fields;
        let fresh = row.region(name) && row.unique(&mut seen, name.text, name);
        let (vcpu, gb) = (row.rate(vcpu), row.rate(gb));
        let ephemeral = if ephemeral.text.is_empty() { Some(None) } else { row.rate(ephemeral).map(Some) };
        let (as_of, source) = (row.date(as_of), row.text(source));
        let (true, Some(vcpu), Some(gb), Some(ephemeral), Some(as_of), Some(_)) =
            (fresh, vcpu, gb, ephemeral, as_of, source)
        else {
            return;
        };
        let price = |rate| Price { rate, origin: PriceOrigin::Observed, as_of };
        let ephemeral_gb_hour = ephemeral.map(price);
        if name.text == FALLBACK_REGION {
            fallback = ephemeral_gb_hour.map(|price| price.inferred(InferredBy::UsEast1Price));
        }
        if Some(name.text) == region {
            own = Some(FargatePrices { vcpu_hour: price(vcpu), gb_hour: price(gb), ephemeral_gb_hour });
        }
    });
    own.map(|own| FargatePrices { ephemeral_gb_hour: own.ephemeral_gb_hour.or(fallback), ..own })
}

/// The other prices: the region's own, else one that holds everywhere, else that of us-east-1, marked so.
pub(super) fn services(file: File<'_>, region: Option<&str>, found: &mut Diagnostics) -> ServicePrices {
    let keys = region.map(|region| [region, EVERYWHERE, FALLBACK_REGION]);
    let mut by_region: BTreeMap<String, ServicePrices> = BTreeMap::new();
    let mut seen = Seen::default();
    let columns = ["region", "item", "unit", "usd", "as_of", "source"];
    let Some(table) = Table::open(file.name, file.text, columns, found) else {
        return ServicePrices::default();
    };
    table.rows_of(
        keys.as_ref().map(<[_; 3]>::as_slice),
        found,
        |row, [name, item, unit, usd, as_of, source]| {
            let fresh = (name.text == EVERYWHERE || row.region(name))
                && row.unique(&mut seen, &format!("{},{}", name.text, item.text), item);
            let item = row.choice(item, &Item::WORDS);
            let expected = item.map(Item::unit);
            if expected.is_some_and(|expected| expected != unit.text) {
                row.refuse(
                    unit,
                    "is not the unit of this item",
                    format!("write {}", expected.unwrap_or_default()),
                );
            }
            let (rate, as_of, source) = (row.rate(usd), row.date(as_of), row.text(source));
            if let (true, Some(item), Some(rate), Some(as_of), Some(_)) = (fresh, item, rate, as_of, source) {
                let prices = by_region.entry(name.text.to_owned()).or_default();
                *prices.slot(item) = Some(Price { rate, origin: PriceOrigin::Observed, as_of });
            }
        },
    );
    let mut of = |name: &str| by_region.remove(name).unwrap_or_default();
    let (mut everywhere, mut fallback) = (of(EVERYWHERE), of(FALLBACK_REGION));
    let mut own = match region {
        Some(FALLBACK_REGION) => fallback,
        Some(region) => of(region),
        None => ServicePrices::default(),
    };
    for (_, item) in Item::WORDS {
        let stand_in = fallback.slot(item).map(|price| price.inferred(InferredBy::UsEast1Price));
        let price = own.slot(item).or(*everywhere.slot(item)).or(stand_in);
        *own.slot(item) = price;
    }
    own
}

/// Whether a row's region is well written and its type the first of that name there.
fn is_fresh(row: &mut Row<'_>, seen: &mut Seen, region: Field<'_>, name: Field<'_>) -> bool {
    row.region(region) && row.unique(seen, &format!("{},{}", region.text, name.text), name)
}
