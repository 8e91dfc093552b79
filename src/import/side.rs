//! The side file of an imported trace: where its rows are from.

use std::collections::BTreeSet;

use super::summary::time;
use crate::trace::{Kind, SourcePlatform, Trace};
use crate::units::Time;

/// The content of `<name>.meta.json` for `trace`.
pub fn meta_json(trace: &Trace) -> String {
    let formats: BTreeSet<&str> =
        trace.files.iter().map(|file| if file.is_native { file.format } else { "canonical" }).collect();
    let formats: Vec<&str> = formats.into_iter().collect();
    let (start, end) = window(trace);
    let first =
        |of: fn(&crate::trace::Meta) -> Option<String>| trace.files.iter().find_map(|file| of(&file.meta));
    let mut meta = serde_json::json!({
        "schema": "cost-sim-trace/v1",
        "synthetic": trace.files.iter().any(|file| file.meta.synthetic),
        "source": format!("cost-sim import of {}", formats.join(", ")),
        "generator": {
            "name": "cost-sim import",
            "version": env!("CARGO_PKG_VERSION"),
            "params": { "formats": formats },
        },
    });
    let optional = [
        ("licence", first(|meta| meta.licence.clone())),
        ("window_start", start.map(time)),
        ("window_end", end.map(time)),
        ("timezone", first(|meta| meta.timezone.clone())),
        ("source_platform", platform(trace).map(|platform| platform.name().to_owned())),
        ("source_region", crate::replay::region_of(trace)),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            meta[key] = value.into();
        }
    }
    let start_up: Vec<_> = trace
        .evidence
        .start_up
        .iter()
        .map(|entry| {
            serde_json::json!({
                "image": entry.image,
                "seconds": entry.value.secs_f64(),
                "how": entry.how.about(),
                "rows": entry.used,
            })
        })
        .collect();
    if !start_up.is_empty() {
        meta["overheads"] = serde_json::json!({ "start_up": start_up });
    }
    format!("{meta:#}\n")
}

/// What the files say of the time that they cover, or the first and last recorded instant.
fn window(trace: &Trace) -> (Option<Time>, Option<Time>) {
    let given: Vec<_> = trace.files.iter().map(crate::trace::SourceFile::window).collect();
    let rows = || 0..trace.rows();
    let first = rows().filter_map(|row| {
        let times = [trace.submit_time.get(row), trace.pod_created_time.get(row)];
        times.into_iter().flatten().min()
    });
    let last = rows().filter_map(|row| {
        let times =
            [trace.submit_time.get(row), trace.end_time.get(row), trace.finish_observed_time.get(row)];
        times.into_iter().flatten().max()
    });
    let start = given.iter().filter_map(|window| window.0).chain(first.min()).min();
    let end = given.iter().filter_map(|window| window.1).chain(last.max()).max();
    // A window has a length.
    if start < end { (start, end) } else { (None, None) }
}

/// What all pods ran on, if they agree.
fn platform(trace: &Trace) -> Option<SourcePlatform> {
    let mut all = (0..trace.rows())
        .filter(|row| trace.kind.get(*row).unwrap_or_default() == Kind::Pod)
        .map(|row| trace.source_platform.get(row));
    let first = all.next()??;
    all.all(|platform| platform == Some(first)).then_some(first)
}
