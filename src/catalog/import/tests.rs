//! What becomes of AWS's files. Rows that are not in `fixtures/aws/` are synthetic.

mod files;
mod prices;
mod spot;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::*;
use crate::catalog::Snapshot;
use crate::error::Result;

/// The embedded snapshot without most types, so that tests are quick, and with prices no later than 2021, so that all
/// files that are imported are later.
fn base() -> Snapshot {
    const KINDS: [&str; 17] = [
        "a1.large",
        "c5.4xlarge",
        "c5.large",
        "c5.metal",
        "c5.xlarge",
        "c7g.12xlarge",
        "c7g.large",
        "g5.xlarge",
        "i7ie.48xlarge",
        "m5.large",
        "m5.xlarge",
        "p4d.24xlarge",
        "p5.48xlarge",
        "r5n.xlarge",
        "t3.2xlarge",
        "t3.micro",
        INFERRED_IN_OREGON,
    ];
    static BASE: LazyLock<Snapshot> = LazyLock::new(|| {
        let embedded = Snapshot::embedded();
        let few = |name: &str| {
            let place = match name {
                "instance_types.csv" => 0,
                "fargate.csv" | "misc_prices.csv" => return embedded.text(name).map(of_2021),
                _ => 1,
            };
            let wanted = |line: &str| line.split(',').nth(place).is_some_and(|kind| KINDS.contains(&kind));
            let (header, rows) = embedded.text(name)?.split_once('\n')?;
            let rows = rows.lines().filter(|line| wanted(line));
            let text: String = std::iter::once(header).chain(rows).flat_map(|line| [line, "\n"]).collect();
            Some(if name == "on_demand.csv" { of_2021(&text) } else { text })
        };
        Snapshot::unwritten(Path::new("base"), few).expect("a part of a sound snapshot is sound")
    });
    BASE.clone()
}

/// With the year of every `as_of` replaced.
fn of_2021(text: &str) -> String {
    ["2022", "2023", "2024", "2025", "2026"].into_iter().fold(text.to_owned(), |text, year| {
        text.replace(&format!(",{year}-"), ",2021-").replace(&format!(",{year},"), ",2021,")
    })
}

/// A type of which the embedded snapshot has an inferred price in us-west-2.
const INFERRED_IN_OREGON: &str = "c7i-flex.12xlarge";

/// Imports files over [`base`].
fn import(files: &[(&str, &str)]) -> Result<Imported> {
    import_over(&base(), files)
}

fn import_over(base: &Snapshot, files: &[(&str, &str)]) -> Result<Imported> {
    let bytes: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let (_dir, paths) = written(&bytes);
    let day = PriceDate::parse("2026-02-03");
    merge(read(&paths, day, &mut |_| {})?, base, false, Path::new("out"))
}

#[expect(clippy::disallowed_methods, reason = "a test's own files")]
fn written(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let paths = files.iter().map(|(name, bytes)| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    });
    let paths = paths.collect();
    (dir, paths)
}

/// The error of an import, with files named without their directory.
fn refused(files: &[(&str, &[u8])]) -> String {
    let (dir, paths) = written(files);
    let result = read(&paths, None, &mut |_| {});
    let error = result.and_then(|findings| merge(findings, &base(), false, Path::new("out")));
    error.expect_err("it was imported").render().replace(&format!("{}/", dir.path().display()), "")
}

/// `rows used; reason: rows, …` of a file. All rows must be accounted for.
fn outcome(file: &Outcome) -> String {
    let refused: u64 = file.refused.values().sum();
    assert_eq!(file.rows, file.used + refused, "{file:?}");
    let mut text = format!("{} of {}", file.used, file.rows);
    for (reason, rows) in &file.refused {
        text.extend(["; ", reason.words(), ": ", &rows.to_string()]);
    }
    text
}

/// The row of a file of the snapshot that begins with these cells.
fn row<'i>(imported: &'i Imported, file: &str, key: &str) -> Option<&'i str> {
    let text = imported.snapshot.text(file)?;
    text.lines().find(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(',')))
}

/// A synthetic product and its one on-demand offer, as GetProducts answers, with some attributes replaced or, by
/// `null`, left out.
fn product(replaced: serde_json::Value, unit: &str, prices: serde_json::Value) -> serde_json::Value {
    let mut product = serde_json::json!({
        "product": {
            "productFamily": "Compute Instance",
            "sku": "SYNTHETIC",
            "attributes": {
                "servicecode": "AmazonEC2", "location": "US East (N. Virginia)", "locationType": "AWS Region",
                "regionCode": "us-east-1", "instanceType": "m5.large", "tenancy": "Shared",
                "operatingSystem": "Linux", "licenseModel": "No License required", "preInstalledSw": "NA",
                "capacitystatus": "Used", "marketoption": "OnDemand", "operation": "RunInstances",
                "usagetype": "BoxUsage:m5.large",
            },
        },
        "terms": { "OnDemand": { "SYNTHETIC.T": {
            "sku": "SYNTHETIC", "effectiveDate": "2026-01-01T00:00:00Z", "termAttributes": {},
            "priceDimensions": { "SYNTHETIC.T.R": { "unit": unit, "beginRange": "0", "pricePerUnit": prices } },
        } } },
        "publicationDate": "2026-01-15T12:00:00Z",
    });
    for (key, value) in replaced.as_object().unwrap() {
        let place = if key == "productFamily" { "/product" } else { "/product/attributes" };
        let attributes = product.pointer_mut(place).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            attributes.remove(key);
        } else {
            attributes.insert(key.clone(), value.clone());
        }
    }
    product
}

/// An m5.large in us-east-1 at this price from this day on, in a list published on that day.
fn m5_large(usd: &str, effective: &str, published: &str) -> String {
    let mut product = product(serde_json::json!({}), "Hrs", serde_json::json!({ "USD": usd }));
    *product.pointer_mut("/terms/OnDemand/SYNTHETIC.T/effectiveDate").unwrap() =
        format!("{effective}T00:00:00Z").into();
    *product.pointer_mut("/publicationDate").unwrap() = format!("{published}T00:00:00Z").into();
    product.to_string()
}
