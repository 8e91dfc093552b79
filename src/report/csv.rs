//! `summary.csv`: one flat row per platform, for spreadsheets and scripts that read no JSON.

use super::text::usd;
use super::{PlatformReport, Report};

type Value = fn(&PlatformReport, &Report) -> String;

/// Every column: its header and how its value is found. Money is exact, times are seconds, empty is unknown.
const COLUMNS: [(&str, Value); 43] = [
    ("platform", |p, _| p.name.clone()),
    ("kind", |p, _| p.kind.clone()),
    ("today", |p, _| p.today.to_string()),
    ("complete", |p, _| p.complete.to_string()),
    ("total_usd", |p, _| p.cost.as_ref().map(|c| c.total_usd.clone()).unwrap_or_default()),
    ("usd_per_month", |p, _| p.cost.as_ref().map(|c| c.usd_per_month.clone()).unwrap_or_default()),
    ("difference_usd", difference),
    ("pods_usd", |p, _| p.cost.as_ref().map(|c| c.allocation.pods_usd.clone()).unwrap_or_default()),
    ("daemonsets_usd", |p, _| {
        p.cost.as_ref().map(|c| c.allocation.daemonsets_usd.clone()).unwrap_or_default()
    }),
    ("startup_usd", |p, _| p.cost.as_ref().map(|c| c.allocation.startup_usd.clone()).unwrap_or_default()),
    ("idle_usd", |p, _| p.cost.as_ref().map(|c| c.allocation.idle_usd.clone()).unwrap_or_default()),
    ("shared_usd", |p, _| p.cost.as_ref().map(|c| c.allocation.shared_usd.clone()).unwrap_or_default()),
    ("savings_plan_usd", |p, _| {
        p.cost
            .as_ref()
            .map(|c| c.allocation.savings_plan_usd.clone().unwrap_or("0.00".into()))
            .unwrap_or_default()
    }),
    ("lower_bound_usd", |p, _| p.cost.as_ref().and_then(|c| c.lower_bound_usd.clone()).unwrap_or_default()),
    ("billed_hours", |p, _| number(p.cost.as_ref().map(|c| c.billed_hours))),
    ("start_delay_mean_s", |p, _| number(p.latency.start_delay_s.mean)),
    ("start_delay_p50_s", |p, _| number(p.latency.start_delay_s.p50)),
    ("start_delay_p99_s", |p, _| number(p.latency.start_delay_s.p99)),
    ("start_delay_max_s", |p, _| number(p.latency.start_delay_s.max)),
    ("turnaround_mean_s", |p, _| number(p.latency.turnaround_s.mean)),
    ("turnaround_p50_s", |p, _| number(p.latency.turnaround_s.p50)),
    ("turnaround_p99_s", |p, _| number(p.latency.turnaround_s.p99)),
    ("turnaround_max_s", |p, _| number(p.latency.turnaround_s.max)),
    ("makespan_mean_s", |p, _| number(p.latency.makespan_s.mean)),
    ("makespan_p50_s", |p, _| number(p.latency.makespan_s.p50)),
    ("makespan_p99_s", |p, _| number(p.latency.makespan_s.p99)),
    ("makespan_max_s", |p, _| number(p.latency.makespan_s.max)),
    ("pods", |p, _| p.pods.total.to_string()),
    ("succeeded", |p, _| p.pods.succeeded.to_string()),
    ("failed", |p, _| p.pods.failed.to_string()),
    ("unschedulable", |p, _| p.pods.unschedulable.to_string()),
    ("canceled", |p, _| p.pods.canceled.to_string()),
    ("not_run", |p, _| p.pods.not_run.to_string()),
    ("restarted", |p, _| p.pods.restarted.to_string()),
    ("nodes_launched", |p, _| p.capacity.nodes_launched.to_string()),
    ("nodes_peak", |p, _| p.capacity.nodes_peak.to_string()),
    ("node_hours", |p, _| number(Some(p.capacity.node_hours))),
    ("cpu_requested_ratio", |p, _| number(p.capacity.cpu_requested_ratio)),
    ("memory_requested_ratio", |p, _| number(p.capacity.memory_requested_ratio)),
    ("tasks_killed", |p, _| p.disruption.tasks_killed.to_string()),
    ("lost_work_hours", |p, _| number(Some(p.disruption.lost_work_hours))),
    ("spot_node_hours_ratio", |p, _| number(Some(p.spot.node_hours_ratio))),
    ("spot_interruptions", |p, _| p.spot.interruptions.to_string()),
];

pub fn summary_csv(report: &Report) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = "writing to memory does not fail";
    writer.write_record(COLUMNS.iter().map(|(name, _)| name)).expect(write);
    for platform in &report.platforms {
        writer.write_record(COLUMNS.iter().map(|(_, value)| value(platform, report))).expect(write);
    }
    String::from_utf8(writer.into_inner().expect(write)).expect("every value is text")
}

/// How much more than the first platform it costs.
fn difference(platform: &PlatformReport, report: &Report) -> String {
    let base = report.platforms.first().and_then(|p| p.cost.as_ref()).and_then(|c| usd(&c.total_usd));
    let own = platform.cost.as_ref().and_then(|c| usd(&c.total_usd));
    own.zip(base).map(|(own, base)| (own - base).to_string()).unwrap_or_default()
}

fn number(value: Option<f64>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}
