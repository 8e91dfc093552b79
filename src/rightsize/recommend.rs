//! The recommendation: the same trace, with the requests that its usage justifies.
//!
//! One pair of requests for all pods of a group, which is a task (workflow, task_name; or task_id without a name) or an
//! image:
//!
//! - CPU: a percentile (nearest rank) over the group's measurements, or where only columns are known over its pods, each
//!   with its own p95; headroom on top, rounded up to 10m.
//! - Memory: the highest peak of any pod, headroom on top, rounded up to 16 MiB: memory that runs out ends the pod, so
//!   no request is ever below what was observed, nor below what a pod had that was killed for want of it.
//!
//! Requests may rise: a task that uses more than it asks for is one that others pay for. Groups that fewer pods tell of
//! than [`Rule::least_pods`] keep what they have. Usage is not changed, so sizing a sized trace again changes nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::evidence::{self, Evidence};
use super::groups::{By, Key, groups, is_nameless};
use crate::trace::Trace;
use crate::units::{Cpu, Memory};

const CPU_STEP_MILLI: i64 = 10;
const MEMORY_STEP_MIB: i64 = 16;
/// What a trace may ask for at most: 10,000 cores and 1 PiB. More is no measurement.
const MOST_MILLI: i64 = 10_000_000;
const MOST_MIB: i64 = 1 << 30;

/// How much of what was seen is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub by: By,
    /// Percentile over the measurements of a group, or over its pods.
    pub cpu_percentile: u32,
    /// On top of it, in percent.
    pub cpu_headroom: u32,
    /// On top of the highest peak, in percent.
    pub memory_headroom: u32,
    /// Fewer pods with a value say too little.
    pub least_pods: usize,
}

impl Default for Rule {
    fn default() -> Self {
        Self { by: By::Task, cpu_percentile: 95, cpu_headroom: 20, memory_headroom: 25, least_pods: 5 }
    }
}

/// Requests; `None` where too little is known.
pub type Size = (Option<Cpu>, Option<Memory>);

/// What a rule made of a trace.
#[derive(Clone, Debug, Default)]
pub struct RightSized {
    pub trace: Trace,
    /// By workflow and task, or by image.
    pub tasks: Vec<SizedTask>,
}

/// The requests of a group; `None` where too little is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SizedTask {
    /// Empty for an image.
    pub workflow: String,
    /// The task, or the image.
    pub task: String,
    pub pods: u64,
    pub cpu: Option<Cpu>,
    pub memory: Option<Memory>,
    /// What is known, enough or not; `None` where nothing is.
    pub cpu_evidence: Option<Evidence>,
    pub memory_evidence: Option<Evidence>,
    /// Pods that were killed for want of memory: more than was measured is needed.
    pub out_of_memory: u64,
    /// Pods that were seen to use all the CPU that they could get.
    pub throttled: u64,
}

impl RightSized {
    /// Tasks of which too little is known to size them at all.
    pub fn kept(&self) -> usize {
        self.tasks.iter().filter(|task| task.cpu.is_none() && task.memory.is_none()).count()
    }

    /// Whether any task got a request of its own.
    pub fn changes_anything(&self) -> bool {
        self.kept() < self.tasks.len()
    }
}

/// `trace` with the requests that the usage in it justifies.
pub fn right_size(trace: &Trace, rule: &Rule) -> RightSized {
    let mut sized = trace.clone();
    let mut tasks = Vec::new();
    for (key, rows) in groups(trace, rule.by) {
        let task = size(trace, &key, &rows, rule);
        for row in rows {
            set(&mut sized, row as usize, (task.cpu, task.memory));
        }
        tasks.push(task);
    }
    RightSized { trace: sized, tasks }
}

fn size(trace: &Trace, key: &Key, rows: &[u32], rule: &Rule) -> SizedTask {
    let enough =
        |evidence: &Evidence| evidence.pods >= rule.least_pods.max(1) as u64 && !is_nameless(rule.by, key);
    let cpu_evidence = evidence::cpu(trace, rows, rule);
    let memory_evidence = evidence::memory(trace, rows, rule);
    let (out_of_memory, allowed) = evidence::out_of_memory(trace, rows);
    let cpu = cpu_evidence.filter(enough).map(|known| cpu_request(known.used, rule));
    let memory = memory_evidence.filter(enough).map(|known| memory_request(known.used, allowed, rule));
    SizedTask {
        workflow: key.0.to_owned(),
        task: key.1.clone().into_owned(),
        pods: rows.len() as u64,
        cpu,
        memory,
        cpu_evidence,
        memory_evidence,
        out_of_memory,
        throttled: evidence::throttled(trace, rows),
    }
}

fn set(sized: &mut Trace, row: usize, (cpu, memory): Size) {
    // A request above its limit is refused by Kubernetes.
    if let Some(cpu) = cpu {
        sized.cpu_request.set(row, cpu);
        if let Some(limit) = sized.cpu_limit.get(row) {
            sized.cpu_limit.set(row, limit.max(cpu));
        }
    }
    if let Some(memory) = memory {
        sized.memory_request.set(row, memory);
        if let Some(limit) = sized.memory_limit.get(row) {
            sized.memory_limit.set(row, limit.max(memory));
        }
    }
}

/// The largest requests that pods of each (workflow, task) have in `trace`; `None` where it has none.
pub fn largest_requests(trace: &Trace) -> BTreeMap<(&str, Cow<'_, str>), Size> {
    let largest = |rows: Vec<u32>| {
        rows.iter().map(|row| *row as usize).fold(Size::default(), |(cpu, memory), row| {
            (cpu.max(trace.cpu_request.get(row)), memory.max(trace.memory_request.get(row)))
        })
    };
    groups(trace, By::Task).into_iter().map(|(task, rows)| (task, largest(rows))).collect()
}

fn cpu_request(used: f64, rule: &Rule) -> Cpu {
    Cpu::from_milli(step_up(used, rule.cpu_headroom, CPU_STEP_MILLI).min(MOST_MILLI))
}

/// At least what a pod was `allowed` that this did not suffice for.
fn memory_request(peak: f64, allowed: Option<Memory>, rule: &Rule) -> Memory {
    let allowed = allowed.map_or(0, |memory| step_up(memory.mib_ceil() as f64, 0, MEMORY_STEP_MIB));
    Memory::from_mib(step_up(peak, rule.memory_headroom, MEMORY_STEP_MIB).max(allowed).min(MOST_MIB))
}

/// `used` and so many percent of it, in whole steps, rounded up; at least one step.
fn step_up(used: f64, percent: u32, step: i64) -> i64 {
    // In hundredths, so that a usage on a step stays on it. The clamp keeps the sum in range.
    let hundredths = (used * f64::from(100 + percent)).ceil().clamp(0.0, 1e17) as i64;
    ((hundredths + 100 * step - 1) / (100 * step)).max(1) * step
}

#[cfg(test)]
#[path = "recommend_tests.rs"]
mod tests;
