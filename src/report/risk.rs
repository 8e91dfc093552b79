//! How sure the numbers are and what threatens them, in the same tables for every output: the spread over several
//! histories, and what the Spot market did.

use super::text::{Places, count, hours, ratio, seconds};
use super::{PlatformReport, Report, Spread};
use crate::units::Usd;

/// A table of texts; the first column is the platform's name.
pub(super) struct Rows {
    pub heads: &'static [&'static str],
    pub rows: Vec<Vec<String>>,
}

/// How many histories were simulated, and what they have in common; `None` where there was one.
pub(super) fn histories(report: &Report) -> Option<(u64, Rows)> {
    let of_several = report.platforms.iter().filter_map(|p| Some((p, p.replications.as_ref()?)));
    let n = of_several.clone().map(|(_, several)| several.n).max()?;
    let rows = of_several
        .map(|(platform, several)| {
            let show = |path: &str, text: &dyn Fn(f64) -> String| {
                several.metrics.get(path).map_or_else(|| "–".to_owned(), |spread| range(spread, text))
            };
            let cost = Places::of([platform.total()]);
            vec![
                platform.name.clone(),
                show("cost.total_usd", &|usd| cost.show(dollars(usd))),
                show("latency.start_delay_s.p99", &|s| seconds(Some(s))),
                show("latency.makespan_s.p99", &|s| seconds(Some(s))),
                show("disruption.tasks_killed", &|n| format!("{:.1}", n.max(0.0))),
            ]
        })
        .collect();
    let heads = &["platform", "cost", "p99 start delay", "p99 makespan", "tasks killed"];
    Some((n, Rows { heads, rows }))
}

/// `12.30 (11.80 to 12.80)`: the mean with its 95 % interval; only the mean where nothing varies.
fn range(spread: &Spread, text: &dyn Fn(f64) -> String) -> String {
    let (mean, [low, high]) = (text(spread.mean), spread.ci95.map(text));
    if low == high { mean } else { format!("{mean} ({low} to {high})") }
}

/// Rounded to what a mean of dollars can say.
fn dollars(usd: f64) -> Option<Usd> {
    Usd::parse(&format!("{usd:.6}"))
}

/// What was bought as Spot and what became of it; `None` where no platform has any.
pub(super) fn spot(report: &Report) -> Option<Rows> {
    let has_spot = |p: &&PlatformReport| {
        let spot = &p.spot;
        spot.node_hours_ratio > 0.0 || spot.capacity_errors > 0 || spot.fallback_node_hours > 0.0
    };
    let rows: Vec<Vec<String>> = report
        .platforms
        .iter()
        .filter(has_spot)
        .map(|p| {
            vec![
                p.name.clone(),
                ratio(Some(p.spot.node_hours_ratio)),
                ratio(Some(p.spot.cost_ratio)),
                count(p.spot.interruptions),
                count(p.spot.capacity_errors),
                hours(p.spot.fallback_node_hours),
            ]
        })
        .collect();
    let heads = &[
        "platform",
        "Spot of node-hours",
        "Spot of EC2 cost",
        "interruptions",
        "capacity errors",
        "on-demand instead (node-hours)",
    ];
    (!rows.is_empty()).then_some(Rows { heads, rows })
}
