//! The part of the price files that some platforms of one region need, so that a report can carry it and be replayed
//! without the files that it was made with.

use std::collections::BTreeSet;

use super::table::body;

/// The rows of a price file that hold for `region` and, in files by instance type, for one of `types`.
///
/// Rows of `*` and of us-east-1 stand in for prices that a region lacks, so they are kept where the file is not by
/// type.
pub(super) fn part(text: &str, region: &str, types: &BTreeSet<&str>) -> String {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let position = |name: &str| headers.iter().position(|header| header == name);
    let (of_region, of_zone, of_type) = (position("region"), position("zone"), position("instance_type"));
    // Rates of Savings Plans are for instance types, or for Fargate.
    let of_item = position("plan_type").and_then(|_| position("item"));
    let keeps = |row: &csv::StringRecord| {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at));
        let by_type = cell(of_type).is_none_or(|name| types.contains(name));
        let by_item = cell(of_item).is_none_or(|name| name.starts_with("fargate") || types.contains(name));
        let by_zone = cell(of_zone).is_none_or(|zone| zone.starts_with(region));
        let stands_in = |name: &str| of_type.or(of_item).is_none() && matches!(name, "*" | "us-east-1");
        by_type && by_item && by_zone && cell(of_region).is_none_or(|name| name == region || stands_in(name))
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows = reader.records().map_while(Result::ok).filter(keeps);
    for row in std::iter::once(headers.clone()).chain(rows) {
        writer.write_record(&row).expect("writing to memory cannot fail");
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// The regions of a price file whose first column they are.
pub(super) fn regions<'t>(text: &'t str, found: &mut BTreeSet<&'t str>) {
    let mut last = "";
    for line in body(text).lines() {
        let region = line.split(',').next().unwrap_or("");
        if region != last {
            found.insert(region);
            last = region;
        }
    }
}
