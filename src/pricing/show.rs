//! What some instance types cost, one line each.

use serde::Serialize;

use super::{PriceJson, SnapshotJson, csv_text, method, pretty};
use crate::catalog::{CapacityType, Catalog, InterruptionBucket, Price, Snapshot, SpotAdvice, TypeId};
use crate::report::layout::{Align, Column, lay_out};
use crate::report::table::Paint;
use crate::report::text::{NONE, wrap};
use crate::units::{Memory, Usd};

/// What one instance type costs in a region.
#[derive(Clone, Debug)]
pub struct TypePrices {
    pub name: String,
    pub vcpu: i64,
    pub memory: Memory,
    pub arch: &'static str,
    /// USD an hour.
    pub on_demand: Option<Price>,
    /// USD an hour. A snapshot has one for all zones.
    pub spot: Option<Price>,
    pub advice: Option<SpotAdvice>,
}

impl TypePrices {
    /// The on-demand price, or where that is not shown the Spot price, of a vCPU.
    fn per_vcpu(&self) -> Option<Usd> {
        Some(self.on_demand.or(self.spot)?.rate.charge(1, i128::from(self.vcpu)))
    }

    fn prices(&self) -> impl Iterator<Item = Price> {
        [self.on_demand, self.spot].into_iter().flatten()
    }
}

/// The prices of these types, only those of `capacity_type` if one is given. Types without any are left out.
pub fn type_prices(
    catalog: &Catalog,
    types: &[TypeId],
    capacity_type: Option<CapacityType>,
) -> Vec<TypePrices> {
    let of_type = |id: &TypeId| {
        let instance = catalog.instance_type(*id);
        let price = |wanted: CapacityType| {
            let wanted = Some(wanted).filter(|wanted| capacity_type.is_none_or(|only| only == *wanted))?;
            list_price(catalog, *id, wanted)
        };
        let spot = price(CapacityType::Spot);
        let prices = TypePrices {
            name: instance.name.clone(),
            vcpu: instance.vcpu,
            memory: instance.memory,
            arch: instance.arch.label(),
            on_demand: price(CapacityType::OnDemand),
            spot,
            advice: catalog.spot_advice(*id).filter(|_| spot.is_some()),
        };
        (prices.on_demand.is_some() || prices.spot.is_some()).then_some(prices)
    };
    types.iter().filter_map(of_type).collect()
}

/// The price now; where a snapshot has Spot prices of zones over time, the last one of the zone where that is lowest.
pub(super) fn list_price(catalog: &Catalog, id: TypeId, capacity_type: CapacityType) -> Option<Price> {
    let of_kind = catalog.offerings(id).iter().filter(|offering| offering.capacity_type == capacity_type);
    let now = of_kind.filter_map(|offering| Some((offering.price.points().last()?.1, offering)));
    let (rate, offering) = now.min_by_key(|(rate, _)| *rate)?;
    Some(Price { rate, origin: offering.origin, as_of: offering.as_of })
}

/// `~0.0355`: an inferred price is marked.
pub(super) fn marked(price: Option<Price>) -> String {
    price.map_or_else(
        || NONE.to_owned(),
        |price| {
            let mark = if price.origin.is_inferred() { "~" } else { "" };
            format!("{mark}{}", price.rate)
        },
    )
}

/// How many instances are taken back in a month: `5–10 %`.
pub(super) fn bucket(bucket: InterruptionBucket) -> String {
    match bucket.percent() {
        (0, Some(to)) => format!("<{to} %"),
        (from, Some(to)) => format!("{from}–{to} %"),
        (from, None) => format!(">{from} %"),
    }
}

/// A line for each type, in lines of at most `width` columns.
pub fn table(catalog: &Catalog, rows: &[TypePrices], width: usize, color: bool) -> String {
    let paint = Paint::new(color);
    let each = |of: &dyn Fn(&TypePrices) -> String| rows.iter().map(of).collect::<Vec<_>>();
    let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
    let has_on_demand = rows.iter().any(|row| row.on_demand.is_some());
    let has_spot = rows.iter().any(|row| row.spot.is_some());
    let dates = || rows.iter().flat_map(TypePrices::prices).map(|price| price.as_of);
    let mut columns = vec![
        Column::new("type", ["", "type"], Align::Left, each(&|row| row.name.clone())),
        Column::new("vCPU", ["", "vCPU"], Align::Right, each(&|row| row.vcpu.to_string())),
        Column::new("memory", ["memory", "GiB"], Align::Point, each(&|row| gib(row.memory))),
        Column::new("arch", ["", "arch"], Align::Left, each(&|row| row.arch.to_owned())).ranked(1),
    ];
    if has_on_demand {
        let cells = each(&|row| marked(row.on_demand));
        columns.push(Column::new("on-demand", ["on-demand", "$/hour"], Align::Point, cells));
    }
    if has_on_demand || has_spot {
        let cells = each(&|row| or_none(row.per_vcpu().map(|usd| usd.rounded(5))));
        columns.push(Column::new("per vCPU", ["per vCPU", "$/hour"], Align::Right, cells).ranked(2));
    }
    if has_spot {
        let advice = |of: fn(SpotAdvice) -> String| each(&|row| or_none(row.advice.map(of)));
        let savings = advice(|advice| format!("{} %", advice.savings_percent));
        let buckets = advice(|advice| bucket(advice.bucket));
        columns.extend([
            Column::new("Spot", ["Spot", "$/hour"], Align::Point, each(&|row| marked(row.spot))),
            Column::new("Spot saves", ["Spot", "saves"], Align::Right, savings).ranked(3),
            Column::new("interrupted", ["taken", "a month"], Align::Right, buckets).ranked(4),
        ]);
    }
    let oldest = each(&|row| or_none(row.prices().map(|price| price.as_of).min().map(|d| d.to_string())));
    columns.push(Column::new("oldest price", ["oldest", "price"], Align::Right, oldest).ranked(0));

    let (lines, left_out) = lay_out(columns, width);
    let when = match dates().min().zip(dates().max()) {
        Some((oldest, newest)) if oldest == newest => format!("prices of {newest}"),
        Some((oldest, newest)) => format!("prices of {oldest} to {newest}"),
        None => "no prices".to_owned(),
    };
    let mut text = wrap(&format!("{}, {when}", catalog.region), width, 2);
    text.push_str("\n\n");
    for (index, line) in lines.iter().enumerate() {
        text.push_str(&if index < 2 { paint.dim(line) } else { line.clone() });
        text.push('\n');
    }
    let inferred = rows.iter().flat_map(TypePrices::prices).any(|price| price.origin.is_inferred());
    let notes = [
        inferred.then(|| "~ inferred, not observed; --format json says how".to_owned()),
        (!left_out.is_empty()).then(|| format!("left out to fit the width: {}", left_out.join(", "))),
    ];
    for note in notes.into_iter().flatten() {
        text.push_str(&paint.dim(&wrap(&note, width, 2)));
        text.push('\n');
    }
    text
}

fn gib(memory: Memory) -> String {
    let hundredths = (memory.mib_ceil() * 100 + 512) / 1_024;
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// As JSON, everything that is known.
pub fn json(snapshot: &Snapshot, catalog: &Catalog, rows: &[TypePrices]) -> String {
    #[derive(Serialize)]
    struct Row<'r> {
        instance_type: &'r str,
        vcpu: i64,
        memory_mib: i64,
        arch: &'r str,
        on_demand: Option<PriceJson>,
        spot: Option<PriceJson>,
        spot_savings_percent: Option<u8>,
        /// The Spot Advisor's bounds in percent a month; the last bucket has no upper one.
        spot_interrupted_percent: Option<(u8, Option<u8>)>,
        usd_per_vcpu_hour: Option<String>,
    }
    #[derive(Serialize)]
    struct Prices<'r> {
        snapshot: SnapshotJson,
        region: &'r str,
        types: Vec<Row<'r>>,
    }
    let types = rows
        .iter()
        .map(|row| Row {
            instance_type: &row.name,
            vcpu: row.vcpu,
            memory_mib: row.memory.mib_ceil(),
            arch: row.arch,
            on_demand: row.on_demand.map(PriceJson::from),
            spot: row.spot.map(PriceJson::from),
            spot_savings_percent: row.advice.map(|advice| advice.savings_percent),
            spot_interrupted_percent: row.advice.map(|advice| advice.bucket.percent()),
            usd_per_vcpu_hour: row.per_vcpu().map(|usd| usd.to_string()),
        })
        .collect();
    pretty(&Prices { snapshot: snapshot.into(), region: &catalog.region, types })
}

/// As CSV, prices in full; what is not known is empty.
pub fn csv(catalog: &Catalog, rows: &[TypePrices]) -> String {
    let header = [
        "region",
        "instance_type",
        "vcpu",
        "memory_mib",
        "arch",
        "on_demand_usd_per_hour",
        "on_demand_as_of",
        "on_demand_inferred_by",
        "spot_usd_per_hour",
        "spot_as_of",
        "spot_inferred_by",
        "spot_savings_percent",
        "spot_interrupted_percent_from",
        "usd_per_vcpu_hour",
    ];
    let row = |row: &TypePrices| {
        let price = |price: Option<Price>| {
            let of = |text: fn(Price) -> Option<String>| price.and_then(text).unwrap_or_default();
            [of(|p| Some(p.rate.to_string())), of(|p| Some(p.as_of.to_string())), of(|p| method(p.origin))]
        };
        let [on_demand, on_demand_as_of, on_demand_method] = price(row.on_demand);
        let [spot, spot_as_of, spot_method] = price(row.spot);
        let advice =
            |of: fn(SpotAdvice) -> u8| row.advice.map(|advice| of(advice).to_string()).unwrap_or_default();
        [
            catalog.region.clone(),
            row.name.clone(),
            row.vcpu.to_string(),
            row.memory.mib_ceil().to_string(),
            row.arch.to_owned(),
            on_demand,
            on_demand_as_of,
            on_demand_method,
            spot,
            spot_as_of,
            spot_method,
            advice(|advice| advice.savings_percent),
            advice(|advice| advice.bucket.percent().0),
            row.per_vcpu().map(|usd| usd.to_string()).unwrap_or_default(),
        ]
    };
    csv_text(header, rows.iter().map(row))
}
