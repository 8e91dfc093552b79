//! What a snapshot has: regions, how many prices of which dates, and what is not an instance in one region.

use serde::Serialize;

use super::show::{list_price, marked};
use super::{PriceJson, SnapshotJson, csv_text, method, name, pretty};
use crate::catalog::{CapacityType, Catalog, Price, PriceDate, Snapshot};
use crate::report::layout::{Align, Column, lay_out};
use crate::report::table::Paint;
use crate::report::text::{count, wrap};

/// A snapshot at a glance.
#[derive(Clone, Debug)]
pub struct Summary {
    /// `embedded` or a directory.
    pub origin: String,
    snapshot: SnapshotJson,
    pub region: String,
    /// All regions with prices, by name.
    pub regions: Vec<String>,
    /// Types known in all, sold in the region or not.
    pub types: usize,
    pub on_demand: Counted,
    pub spot: Counted,
    /// What is not an instance: item of the price files (Fargate's are named after its columns), unit, price.
    pub others: Vec<(&'static str, &'static str, Price)>,
}

/// Prices of one kind in one region.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counted {
    pub prices: usize,
    pub inferred: usize,
    #[serde(serialize_with = "dates")]
    pub dates: Option<(PriceDate, PriceDate)>,
}

#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
fn dates<S: serde::Serializer>(
    dates: &Option<(PriceDate, PriceDate)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    dates.map(|(oldest, newest)| (oldest.to_string(), newest.to_string())).serialize(serializer)
}

impl Counted {
    fn of(prices: impl Iterator<Item = Price>) -> Self {
        let mut counted = Self::default();
        for price in prices {
            counted.prices += 1;
            counted.inferred += usize::from(price.origin.is_inferred());
            let (oldest, newest) = counted.dates.unwrap_or((price.as_of, price.as_of));
            counted.dates = Some((oldest.min(price.as_of), newest.max(price.as_of)));
        }
        counted
    }

    fn text(&self) -> String {
        let Some((oldest, newest)) = self.dates else { return "no prices".to_owned() };
        let dates =
            if oldest == newest { format!("of {newest}") } else { format!("of {oldest} to {newest}") };
        let inferred = match self.inferred {
            0 => "none of them inferred".to_owned(),
            all if all == self.prices => "all of them inferred".to_owned(),
            some => format!("{} of them inferred", count(some as u64)),
        };
        format!("{} prices {dates}, {inferred}", count(self.prices as u64))
    }
}

/// What a snapshot has in all, and in the catalog's region.
pub fn summary(snapshot: &Snapshot, catalog: &Catalog) -> Summary {
    let counted = |capacity_type: CapacityType| {
        Counted::of(catalog.offered().filter_map(|id| list_price(catalog, id, capacity_type)))
    };
    Summary {
        origin: name(snapshot),
        snapshot: snapshot.into(),
        region: catalog.region.clone(),
        regions: snapshot.regions(),
        types: catalog.types().len(),
        on_demand: counted(CapacityType::OnDemand),
        spot: counted(CapacityType::Spot),
        others: others(catalog).filter_map(|(item, unit, price)| Some((item, unit, price?))).collect(),
    }
}

/// Fargate's prices and those of `misc_prices.csv`, known or not: item, unit, price.
pub(super) fn others(catalog: &Catalog) -> impl Iterator<Item = (&'static str, &'static str, Option<Price>)> {
    let fargate = catalog.fargate;
    [
        ("fargate_vcpu", "vCPU-hour", fargate.map(|prices| prices.vcpu_hour)),
        ("fargate_memory", "GB-hour", fargate.map(|prices| prices.gb_hour)),
        ("fargate_ephemeral_storage", "GB-hour", fargate.and_then(|prices| prices.ephemeral_gb_hour)),
    ]
    .into_iter()
    .chain(catalog.services.named())
}

/// As text in lines of at most `width` columns.
pub fn summary_table(summary: &Summary, width: usize, color: bool) -> String {
    let paint = Paint::new(color);
    let Summary { region, regions, .. } = summary;
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(&wrap(content, width, 2));
        text.push('\n');
    };
    line(&format!(
        "{} prices: {} instance types, {} regions",
        summary.origin,
        count(summary.types as u64),
        regions.len()
    ));
    line(&format!("regions: {}", regions.join(", ")));
    line("");
    line(&paint.bold(region));
    line(&format!("on-demand: {}", summary.on_demand.text()));
    line(&format!("Spot: {}", summary.spot.text()));
    if !summary.others.iter().any(|(item, ..)| *item == "fargate_vcpu") {
        line("Fargate: no prices");
    }
    line("");
    let each = |of: &dyn Fn(&(&str, &str, Price)) -> String| -> Vec<String> {
        summary.others.iter().map(|(item, unit, price)| of(&(*item, *unit, *price))).collect()
    };
    let columns = vec![
        Column::new("item", ["", "item"], Align::Left, each(&|(item, ..)| (*item).to_owned())),
        Column::new("USD", ["", "USD"], Align::Point, each(&|(.., price)| marked(Some(*price)))),
        Column::new("unit", ["", "per"], Align::Left, each(&|(_, unit, _)| (*unit).to_owned())),
        Column::new("as of", ["", "as of"], Align::Left, each(&|(.., price)| price.as_of.to_string())),
    ];
    let (lines, _) = lay_out(columns, width);
    for (index, content) in lines.iter().enumerate() {
        line_of(&mut text, &if index == 0 { paint.dim(content) } else { content.clone() });
    }
    if summary.others.iter().any(|(.., price)| price.origin.is_inferred()) {
        line_of(&mut text, &paint.dim("~ inferred, not observed; --format json says how"));
    }
    text
}

fn line_of(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// As JSON.
pub fn summary_json(summary: &Summary) -> String {
    #[derive(Serialize)]
    struct Other {
        item: &'static str,
        unit: &'static str,
        price: PriceJson,
    }
    #[derive(Serialize)]
    struct Json<'s> {
        snapshot: &'s SnapshotJson,
        regions: &'s [String],
        instance_types: usize,
        region: &'s str,
        on_demand: Counted,
        spot: Counted,
        others: Vec<Other>,
    }
    let others = summary.others.iter();
    pretty(&Json {
        snapshot: &summary.snapshot,
        regions: &summary.regions,
        instance_types: summary.types,
        region: &summary.region,
        on_demand: summary.on_demand,
        spot: summary.spot,
        others: others
            .map(|(item, unit, price)| Other { item, unit, price: PriceJson::from(*price) })
            .collect(),
    })
}

/// As CSV: what is not an instance. Instances have a table of their own, by their names.
pub fn summary_csv(summary: &Summary) -> String {
    let row = |(item, unit, price): &(&'static str, &'static str, Price)| {
        [
            summary.region.clone(),
            (*item).to_owned(),
            (*unit).to_owned(),
            price.rate.to_string(),
            price.as_of.to_string(),
            method(price.origin).unwrap_or_default(),
        ]
    };
    csv_text(["region", "item", "unit", "usd", "as_of", "inferred_by"], summary.others.iter().map(row))
}
