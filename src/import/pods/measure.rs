//! What a series of a pod measures, and which of several series that measure the same is believed.

/// What is kept point by point: usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::import) enum Measure {
    /// Millicores.
    Cpu(Source),
    /// CPU-seconds since the container started.
    CpuCounter,
    /// MiB. The kernel kills by the working set, so it goes before what includes caches or leaves out more.
    WorkingSet(Source),
    MemoryUsage(Source),
    Rss(Source),
    /// The highest usage so far.
    MemoryPeak(Source),
}

/// Who measured, best first. Two sources of the same are never added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::import) enum Source {
    /// The kubelet's summary of a container, or cAdvisor.
    Kubelet,
    /// The container runtime.
    Runtime,
}

/// What is a size at a time, of which the last one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::import) enum Level {
    /// Cores as millicores, memory and storage as bytes.
    CpuRequest,
    MemoryRequest,
    CpuLimit,
    MemoryLimit,
    EphemeralRequest,
    /// Of init containers, which run one after the other before the others.
    InitCpuRequest,
    InitMemoryRequest,
    CpuOverhead,
    MemoryOverhead,
    /// What Fargate gave.
    CpuCapacity,
    MemoryCapacity,
}
