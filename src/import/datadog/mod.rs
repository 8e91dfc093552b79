//! Datadog: answers to metrics queries (v1 query, v2 timeseries, v2 scalar) and tables of points.
//!
//! They tell of pods, never of tasks: what was used, how large the pods were, and between which points they lived.
//! Several answers may hold parts of the same series. `docs/datadog.md` says how to export what is needed.

mod answer;
mod how;
mod mapping;
mod metrics;
mod query;
mod sink;
mod table;
mod tags;
mod units;
mod v2;

pub use mapping::Mapping;

use super::draft::Draft;
use super::{Options, Shape};
use crate::error::Result;
use crate::trace::open::Text;

/// How to export what is needed, for people.
pub(crate) fn how() -> &'static str {
    how::TEXT
}

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    match shape {
        Shape::Json(outline) => {
            let has = |path: &str| {
                ["", "[].", "response.", "[].response."]
                    .iter()
                    .any(|prefix| outline.has(&format!("{prefix}{path}")))
            };
            let is_answer = (has("series[].pointlist") || has("series[].metric"))
                || has("data.attributes.series")
                || has("data.attributes.columns")
                || (has("series") && ["status", "res_type", "from_date", "query"].iter().any(|key| has(key)))
                || (has("errors") && !has("data") && outline.top().len() == 1)
                || has("data.attributes.queries");
            if is_answer {
                Ok(())
            } else {
                Err("has no series of points, as answers to metrics queries have".to_owned())
            }
        }
        Shape::Yaml(_) | Shape::Text(_) => Err("is no JSON and no table".to_owned()),
        Shape::Table { header, first } => table::recognise(header, first),
    }
}

pub(super) fn read(mut text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let head = text.head(super::detect::HEAD)?;
    match Shape::of(&head) {
        Shape::Table { .. } => table::read(text, &head, draft, options),
        _ => answer::read(text, draft, options),
    }
}
