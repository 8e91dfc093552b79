//! One flat row per task or image, for spreadsheets. What is saved on platforms is in JSON.

use super::words;
use crate::rightsize::{CpuRisk, Measured, MemoryRisk, RightSizeReport, TaskSize};

type Value = fn(&TaskSize) -> String;

/// Every column: its header and how its value is found. Empty is unknown, or kept.
const COLUMNS: [(&str, Value); 31] = [
    ("workflow", |t| t.workflow.clone().unwrap_or_default()),
    ("task", |t| t.task.clone().unwrap_or_default()),
    ("image", |t| t.image.clone().unwrap_or_default()),
    ("pods", |t| t.pods.to_string()),
    ("cpu_before", |t| t.cpu_before.clone()),
    ("cpu", |t| t.cpu.clone().unwrap_or_default()),
    ("cpu_limit", |t| t.cpu_limit.clone().unwrap_or_default()),
    ("memory_before", |t| t.memory_before.clone()),
    ("memory", |t| t.memory.clone().unwrap_or_default()),
    ("memory_limit", |t| t.memory_limit.clone().unwrap_or_default()),
    ("fargate_before", |t| t.fargate_before.map(|size| words::fargate(Some(size))).unwrap_or_default()),
    ("fargate", |t| t.fargate.map(|size| words::fargate(Some(size))).unwrap_or_default()),
    ("vcpu_hours_freed", |t| t.vcpu_hours_freed.to_string()),
    ("gib_hours_freed", |t| t.gib_hours_freed.to_string()),
    ("cpu_evidence", |t| words::evidence(t.cpu_usage.as_ref())),
    ("cpu_used_milli", |t| used(t.cpu_usage)),
    ("cpu_highest_milli", |t| number(t.cpu_usage.and_then(|known| known.highest))),
    ("memory_evidence", |t| words::evidence(t.memory_usage.as_ref())),
    ("memory_highest_mib", |t| used(t.memory_usage)),
    ("cpu_above_at_least", |t| cpu(t, |risk| risk.at_least)),
    ("cpu_above_at_most", |t| cpu(t, |risk| risk.at_most)),
    ("cpu_above_fargate_at_least", |t| number(t.cpu_risk.and_then(|risk| risk.fargate_at_least))),
    ("cpu_above_fargate_at_most", |t| number(t.cpu_risk.and_then(|risk| risk.fargate_at_most))),
    ("cpu_effect", |t| t.cpu_risk.map(|risk| key(&risk.effect)).unwrap_or_default()),
    ("memory_pods_above", |t| t.memory_risk.map(|risk| risk.pods_above.to_string()).unwrap_or_default()),
    ("memory_margin", |t| memory(t, |risk| risk.margin)),
    ("memory_limit_margin", |t| memory(t, |risk| risk.limit_margin)),
    ("pods_out_of_memory", |t| t.pods_out_of_memory.to_string()),
    ("pods_throttled", |t| t.pods_throttled.to_string()),
    ("cpu_pods", |t| t.cpu_usage.map(|known| known.pods.to_string()).unwrap_or_default()),
    ("flags", |t| t.flags.iter().map(key).collect::<Vec<_>>().join(";")),
];

pub fn csv(result: &RightSizeReport) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = "writing to memory does not fail";
    writer.write_record(COLUMNS.iter().map(|(name, _)| name)).expect(write);
    for task in &result.tasks {
        writer.write_record(COLUMNS.iter().map(|(_, value)| value(task))).expect(write);
    }
    String::from_utf8(writer.into_inner().expect(write)).expect("every value is text")
}

fn used(measured: Option<Measured>) -> String {
    number(measured.map(|known| known.used))
}

fn cpu(task: &TaskSize, of: fn(CpuRisk) -> f64) -> String {
    number(task.cpu_risk.map(of))
}

fn memory(task: &TaskSize, of: fn(MemoryRisk) -> Option<f64>) -> String {
    number(task.memory_risk.and_then(of))
}

fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// As JSON names it.
fn key(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
