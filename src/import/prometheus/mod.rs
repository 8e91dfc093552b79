//! Prometheus: answers to range and instant queries of kube-state-metrics and of the kubelet's container metrics.
//!
//! kube-state-metrics gives instants as values (epoch seconds), which is as good as the pod objects themselves: of a
//! series all of whose points say the same, the last one is kept. Usage is kept point by point.

mod answer;
mod labels;
mod metrics;
mod sink;

use super::draft::Draft;
use super::{Options, Shape};
use crate::error::Result;
use crate::trace::open::Text;

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    let Shape::Json(outline) = shape else { return Err("is no JSON".to_owned()) };
    let has = |path: &str| outline.has(path) || outline.has(&format!("[].{path}"));
    let is_answer = has("data.resultType")
        || has("data.result")
        || has("result[].metric")
        || (has("metric") && (has("values") || has("value")))
        || (has("status") && has("errorType"));
    if is_answer { Ok(()) } else { Err("has no data.result, as answers to queries have".to_owned()) }
}

pub(super) fn read(text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    answer::read(text, draft, options)
}
