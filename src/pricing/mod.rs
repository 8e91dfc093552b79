//! Price snapshots as their users read them: what one of them says, and what changed between two.
//!
//! `cost-sim pricing show` and `cost-sim pricing diff` are these functions with flags. Nothing is simulated here, and
//! no price is computed that is not in a snapshot, but for a price per vCPU.

mod diff;
mod diff_text;
mod group;
mod reach;
mod select;
mod show;
mod summary;

pub use diff::{Change, Diff, PriceFile, What, diff};
pub use diff_text::{json as diff_json, markdown as diff_markdown, table as diff_table};
pub use select::select;
pub use show::{TypePrices, csv, json, table, type_prices};
pub use summary::{Summary, summary, summary_csv, summary_json, summary_table};

use serde::Serialize;

use crate::catalog::{Price, PriceOrigin, Snapshot, SnapshotOrigin};

/// A price in JSON.
#[derive(Clone, Debug, Serialize)]
struct PriceJson {
    /// In full precision.
    usd: String,
    as_of: String,
    /// How it was found; `None` if it was observed.
    inferred_by: Option<String>,
}

impl From<Price> for PriceJson {
    fn from(price: Price) -> Self {
        Self {
            usd: price.rate.to_string(),
            as_of: price.as_of.to_string(),
            inferred_by: method(price.origin),
        }
    }
}

/// Which price files were read, in JSON.
#[derive(Clone, Debug, Serialize)]
struct SnapshotJson {
    /// `embedded` or a directory.
    origin: String,
    sha256: String,
}

impl From<&Snapshot> for SnapshotJson {
    fn from(snapshot: &Snapshot) -> Self {
        Self { origin: name(snapshot), sha256: snapshot.sha256() }
    }
}

/// What users call a snapshot.
fn name(snapshot: &Snapshot) -> String {
    match &snapshot.origin {
        SnapshotOrigin::Embedded => "embedded".to_owned(),
        SnapshotOrigin::Directory(path) => path.display().to_string(),
    }
}

fn method(origin: PriceOrigin) -> Option<String> {
    match origin {
        PriceOrigin::Observed => None,
        PriceOrigin::Inferred(method) => Some(method.to_string()),
    }
}

fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("prices have only text keys");
    text.push('\n');
    text
}

/// The lines of a CSV file with this header.
fn csv_text<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).expect("writing to memory cannot fail");
    for row in rows {
        writer.write_record(row).expect("writing to memory cannot fail");
    }
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("all fields are text")
}
