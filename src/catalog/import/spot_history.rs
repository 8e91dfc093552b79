//! DescribeSpotPriceHistory: as JSON, as the AWS CLI prints it as text, and as the old EC2 tools did.

use serde::Deserialize;

use super::refused::Reason;
use super::region::commercial;
use super::{Sink, SpotRow, price};
use crate::catalog::optional::{parse_time, region_of};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct SpotPrice {
    availability_zone: Option<String>,
    instance_type: Option<String>,
    product_description: Option<String>,
    spot_price: Option<String>,
    timestamp: Option<String>,
}

pub(super) fn json(row: &SpotPrice, sink: &mut Sink) {
    let fields = || {
        Some(Fields {
            zone: row.availability_zone.as_deref()?,
            kind: row.instance_type.as_deref()?,
            product: row.product_description.as_deref()?,
            price: row.spot_price.as_deref()?,
            time: row.timestamp.as_deref()?,
        })
    };
    match fields() {
        Some(fields) => take(&fields, sink),
        None => sink.refuse(Reason::Incomplete),
    }
}

/// The words with which lines begin: the price comes first in the one form, the zone in the other.
const OLD: &str = "SPOTINSTANCEPRICE";
const NEW: &str = "SPOTPRICEHISTORY";
/// What the AWS CLI prints between pages.
const NEXT: &str = "NEXTTOKEN";

/// Whether a line of text is of this format.
pub(super) fn is_line(line: &str) -> bool {
    matches!(line.split_whitespace().next(), Some(OLD | NEW | NEXT))
}

/// Reads a line; an error says what is wrong with it.
pub(super) fn line(line: &str, sink: &mut Sink) -> Result<(), &'static str> {
    // Products are of several words, everything else is of one.
    let words: Vec<&str> = line.split_whitespace().collect();
    let product;
    let fields = match &words[..] {
        [NEXT, ..] => return Ok(()),
        [OLD, price, time, kind, words @ .., zone] if !words.is_empty() => {
            product = words.join(" ");
            Fields { zone, kind, product: &product, price, time }
        }
        [NEW, zone, kind, words @ .., price, time] if !words.is_empty() => {
            product = words.join(" ");
            Fields { zone, kind, product: &product, price, time }
        }
        [OLD, ..] => return Err("this is not a price, time, type, product and zone"),
        [NEW, ..] => return Err("this is not a zone, type, product, price and time"),
        _ => return Err("this is not a line of a Spot price history"),
    };
    if parse_time(fields.time).is_none() {
        return Err("this has no time such as 2026-01-31T09:30:00Z in its place");
    }
    take(&fields, sink);
    Ok(())
}

struct Fields<'a> {
    zone: &'a str,
    kind: &'a str,
    product: &'a str,
    price: &'a str,
    time: &'a str,
}

fn take(fields: &Fields<'_>, sink: &mut Sink) {
    match check(fields) {
        Ok((time, rate)) => {
            sink.row();
            let names = &mut sink.findings.names;
            let (zone, kind) = (names.number(fields.zone), names.number(fields.kind));
            let file = sink.file();
            sink.findings.spot.push(SpotRow { file, zone, kind, time, rate });
        }
        Err(reason) => sink.refuse(reason),
    }
}

fn check(fields: &Fields<'_>) -> Result<(crate::units::Time, crate::units::Rate), Reason> {
    if !matches!(fields.product, "Linux/UNIX" | "Linux/UNIX (Amazon VPC)") {
        return Err(Reason::OperatingSystem);
    }
    let region = region_of(fields.zone).ok_or(Reason::LocalZone)?;
    commercial(region)?;
    let time = parse_time(fields.time).ok_or(Reason::Incomplete)?;
    Ok((time, price(fields.price)?))
}
