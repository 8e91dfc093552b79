//! The metrics that say something of pods: what they measure, and their unit where an answer does not name one.
//!
//! Source: `metadata.csv` of the kubelet, container, eks_fargate and kubernetes_state_core checks in DataDog's
//! integrations-core.

use Meaning::*;
use Quantity::*;

use super::units::Quantity;
use crate::import::pods::{Level as L, Measure, Source};

/// What a series says of its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Usage(Measure),
    /// With the rank of the source; the smallest is believed.
    Level(L, u8),
    /// Of the container.
    Uptime,
    /// Of the pod: since its creation, and since the kubelet took it.
    Age,
    PodUptime,
    /// It runs where the value is above 0.
    Running,
    /// The phase in the tag `pod_phase` where the value is above 0.
    Phase,
    /// The reason in the tag `reason` where the value is above 0.
    Terminated,
    Restarts,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metric {
    pub name: &'static str,
    pub meaning: Meaning,
    pub quantity: Quantity,
    /// The unit where the answer names none, as documented.
    pub unit: &'static str,
}

const fn metric(name: &'static str, meaning: Meaning, quantity: Quantity, unit: &'static str) -> Metric {
    Metric { name, meaning, quantity, unit }
}

use Source::{Kubelet, Runtime};

pub(super) const METRICS: [Metric; 33] = [
    metric("kubernetes.cpu.usage.total", Usage(Measure::Cpu(Kubelet)), Cpu, "nanocore"),
    metric("container.cpu.usage", Usage(Measure::Cpu(Runtime)), Cpu, "nanocore"),
    metric("kubernetes.memory.working_set", Usage(Measure::WorkingSet(Kubelet)), Bytes, "byte"),
    metric("container.memory.working_set", Usage(Measure::WorkingSet(Runtime)), Bytes, "byte"),
    metric("kubernetes.memory.usage", Usage(Measure::MemoryUsage(Kubelet)), Bytes, "byte"),
    metric("container.memory.usage", Usage(Measure::MemoryUsage(Runtime)), Bytes, "byte"),
    metric("kubernetes.memory.rss", Usage(Measure::Rss(Kubelet)), Bytes, "byte"),
    metric("container.memory.rss", Usage(Measure::Rss(Runtime)), Bytes, "byte"),
    metric("container.memory.usage.peak", Usage(Measure::MemoryPeak(Runtime)), Bytes, "byte"),
    metric("container.uptime", Uptime, Seconds, "second"),
    metric("kubernetes_state.container.cpu_requested", Level(L::CpuRequest, 0), Cpu, "core"),
    metric("kubernetes.cpu.requests", Level(L::CpuRequest, 1), Cpu, "core"),
    metric("kubernetes_state.container.memory_requested", Level(L::MemoryRequest, 0), Bytes, "byte"),
    metric("kubernetes.memory.requests", Level(L::MemoryRequest, 1), Bytes, "byte"),
    metric("kubernetes_state.container.cpu_limit", Level(L::CpuLimit, 0), Cpu, "core"),
    metric("kubernetes.cpu.limits", Level(L::CpuLimit, 1), Cpu, "core"),
    metric("container.cpu.limit", Level(L::CpuLimit, 2), Cpu, "nanocore"),
    metric("kubernetes_state.container.memory_limit", Level(L::MemoryLimit, 0), Bytes, "byte"),
    metric("kubernetes.memory.limits", Level(L::MemoryLimit, 1), Bytes, "byte"),
    metric("container.memory.limit", Level(L::MemoryLimit, 2), Bytes, "byte"),
    metric("kubernetes.ephemeral_storage.requests", Level(L::EphemeralRequest, 0), Bytes, "byte"),
    metric("eks.fargate.cpu.capacity", Level(L::CpuCapacity, 0), Cpu, "core"),
    metric("eks.fargate.memory.capacity", Level(L::MemoryCapacity, 0), Bytes, "byte"),
    metric("kubernetes_state.pod.age", Age, Seconds, "second"),
    metric("kubernetes_state.pod.uptime", PodUptime, Seconds, "second"),
    metric("kubernetes_state.pod.status_phase", Phase, Count, ""),
    metric("kubernetes_state.container.status_report.count.terminated", Terminated, Count, ""),
    metric("kubernetes_state.container.running", Running, Count, ""),
    metric("kubernetes.containers.running", Running, Count, ""),
    metric("kubernetes.pods.running", Running, Count, ""),
    metric("eks.fargate.pods.running", Running, Count, ""),
    metric("kubernetes.containers.restarts", Restarts, Count, ""),
    metric("kubernetes_state.container.restarts", Restarts, Count, ""),
];

impl Metric {
    pub fn of_name(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// The only known metric that `text` speaks of: a query, a formula or the name of a file.
    pub fn in_text(text: &str) -> Option<&'static Self> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let mut found = None;
        for word in text.split(|c| !is_part(c)) {
            // A name before an ending, as in kubernetes.cpu.usage.total.json or _2024.
            let longest =
                METRICS.iter().filter(|metric| begins(word, metric.name)).max_by_key(|m| m.name.len());
            match (longest, found) {
                (Some(metric), None) => found = Some(metric),
                (Some(metric), Some(other)) if metric != other => return None,
                _ => {}
            }
        }
        found
    }
}

fn begins(word: &str, name: &str) -> bool {
    word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_found_in_queries_and_file_names() {
        let name = |text: &str| Metric::in_text(text).map(|metric| metric.name);
        let query = "sum:kubernetes.memory.usage{*} by {pod_name}.rollup(avg, 60)";
        assert_eq!(name(query), Some("kubernetes.memory.usage"));
        assert_eq!(
            name("export/kubernetes.cpu.usage.total-2026-01.json"),
            Some("kubernetes.cpu.usage.total")
        );
        assert_eq!(name("kubernetes.cpu.usage.total_01.json.gz"), Some("kubernetes.cpu.usage.total"));
        assert_eq!(name("container.memory.usage.peak.json"), Some("container.memory.usage.peak"));
        // Two metrics: which one is meant is not said.
        assert_eq!(name("kubernetes.memory.usage / kubernetes.memory.limits"), None);
        assert_eq!(name("system.cpu.idle"), None);
    }
}
