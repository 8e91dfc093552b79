//! Requests from measured usage: the same trace, with what its tasks were seen to need.
//!
//! One pair of requests for all pods of a task, which is (workflow, task_name), or (workflow, task_id) without a name:
//!
//! - CPU: the 95th percentile (nearest rank) over the task's pods of each pod's own usage, a fifth on top, rounded up to
//!   10m. A pod's usage is its p95; where the trace lacks it its maximum, its average, or CPU seconds ÷ work.
//! - Memory: the highest peak of any pod, a quarter on top, rounded up to 16 MiB: memory that runs out ends the pod, so
//!   no request is ever below what was observed.
//!
//! Requests may rise: a task that uses more than it asks for is one that others pay for. Tasks that fewer pods tell of
//! than [`Rule::least_points`] keep what they have and are counted. Usage is not changed, so sizing a sized trace again
//! changes nothing.

use std::collections::BTreeMap;

use super::{Kind, Trace};
use crate::units::{Cpu, Memory};

const CPU_STEP_MILLI: i64 = 10;
const MEMORY_STEP_MIB: i64 = 16;

/// How much of what was seen is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Percentile over the pods of a task.
    pub cpu_percentile: u32,
    /// On top of it, in percent.
    pub cpu_headroom: u32,
    /// On top of the highest peak, in percent.
    pub memory_headroom: u32,
    /// Fewer pods with a value say too little.
    pub least_points: usize,
}

impl Default for Rule {
    fn default() -> Self {
        Self { cpu_percentile: 95, cpu_headroom: 20, memory_headroom: 25, least_points: 5 }
    }
}

/// Requests; `None` where too little is known.
pub type Size = (Option<Cpu>, Option<Memory>);

/// What a rule made of a trace.
#[derive(Clone, Debug, Default)]
pub struct RightSized {
    pub trace: Trace,
    /// By workflow and task.
    pub tasks: Vec<SizedTask>,
}

/// The requests of a task; `None` where too little is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizedTask {
    pub workflow: String,
    pub task: String,
    pub pods: u64,
    pub cpu: Option<Cpu>,
    pub memory: Option<Memory>,
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

/// Whether any pod has a usage that requests could follow.
pub fn has_usage(trace: &Trace) -> bool {
    (0..trace.rows()).any(|row| cpu_used(trace, row).is_some() || memory_used(trace, row).is_some())
}

/// `trace` with the requests that the usage in it justifies.
pub fn right_size(trace: &Trace, rule: &Rule) -> RightSized {
    let mut used: BTreeMap<(&str, &str), Usage> = BTreeMap::new();
    for row in pods(trace) {
        let usage = used.entry(task_of(trace, row)).or_default();
        usage.pods += 1;
        usage.cpu.extend(cpu_used(trace, row));
        usage.memory.extend(memory_used(trace, row));
    }
    let sizes: BTreeMap<(&str, &str), Size> =
        used.iter_mut().map(|(task, usage)| (*task, (usage.cpu(rule), usage.memory(rule)))).collect();
    let tasks = used.iter().map(|((workflow, task), usage)| {
        let (cpu, memory) = sizes[&(*workflow, *task)];
        SizedTask {
            workflow: (*workflow).to_owned(),
            task: (*task).to_owned(),
            pods: usage.pods,
            cpu,
            memory,
        }
    });
    let tasks = tasks.collect();
    let mut sized = trace.clone();
    for row in pods(trace) {
        let (cpu, memory) = sizes[&task_of(trace, row)];
        if let Some(cpu) = cpu {
            sized.cpu_request.set(row, cpu);
            // A request above its limit is refused by Kubernetes.
            if let Some(limit) = trace.cpu_limit.get(row) {
                sized.cpu_limit.set(row, limit.max(cpu));
            }
        }
        if let Some(memory) = memory {
            sized.memory_request.set(row, memory);
            if let Some(limit) = trace.memory_limit.get(row) {
                sized.memory_limit.set(row, limit.max(memory));
            }
        }
    }
    RightSized { trace: sized, tasks }
}

/// The largest requests that pods of each (workflow, task) have in `trace`; `None` where it has none.
pub fn largest_requests(trace: &Trace) -> BTreeMap<(&str, &str), Size> {
    let mut largest: BTreeMap<_, Size> = BTreeMap::new();
    for row in pods(trace) {
        let (cpu, memory) = largest.entry(task_of(trace, row)).or_default();
        *cpu = (*cpu).max(trace.cpu_request.get(row));
        *memory = (*memory).max(trace.memory_request.get(row));
    }
    largest
}

fn pods(trace: &Trace) -> impl Iterator<Item = usize> + '_ {
    (0..trace.rows()).filter(|row| trace.kind.get(*row).unwrap_or_default() == Kind::Pod)
}

fn task_of(trace: &Trace, row: usize) -> (&str, &str) {
    let name = trace.words.get(trace.word(&trace.task_name, row));
    let task = if name.is_empty() { trace.task_id.get(row) } else { name };
    (trace.words.get(trace.word(&trace.workflow, row)), task)
}

/// In millicores.
fn cpu_used(trace: &Trace, row: usize) -> Option<f64> {
    let over_time = || {
        let seconds = trace.work.get(row)?.secs_f64();
        (seconds > 0.0).then_some(trace.cpu_seconds.get(row)? * 1_000.0 / seconds)
    };
    let quantiles = trace.cpu_usage_p95_milli.get(row).or(trace.cpu_usage_max_milli.get(row));
    quantiles.or(trace.cpu_usage_avg_milli.get(row)).or_else(over_time)
}

/// In MiB.
fn memory_used(trace: &Trace, row: usize) -> Option<f64> {
    trace.memory_usage_max_mib.get(row)
}

#[derive(Default)]
struct Usage {
    pods: u64,
    cpu: Vec<f64>,
    memory: Vec<f64>,
}

impl Usage {
    fn cpu(&mut self, rule: &Rule) -> Option<Cpu> {
        if self.cpu.is_empty() || self.cpu.len() < rule.least_points {
            return None;
        }
        self.cpu.sort_unstable_by(f64::total_cmp);
        let rank = (self.cpu.len() * rule.cpu_percentile as usize).div_ceil(100).clamp(1, self.cpu.len());
        Some(Cpu::from_milli(step_up(self.cpu[rank - 1], rule.cpu_headroom, CPU_STEP_MILLI)))
    }

    fn memory(&mut self, rule: &Rule) -> Option<Memory> {
        if self.memory.is_empty() || self.memory.len() < rule.least_points {
            return None;
        }
        let most = self.memory.iter().copied().fold(0.0, f64::max);
        Some(Memory::from_mib(step_up(most, rule.memory_headroom, MEMORY_STEP_MIB)))
    }
}

/// `used` and so many percent of it, in whole steps, rounded up; at least one step.
fn step_up(used: f64, percent: u32, step: i64) -> i64 {
    // In hundredths, so that a usage on a step stays on it.
    let hundredths = (used * f64::from(100 + percent)).ceil() as i64;
    ((hundredths + 100 * step - 1) / (100 * step)).max(1) * step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    /// Pods of tasks `a` and `b` of a workflow with (task, CPU p95, memory peak).
    fn trace(rows: &[(&str, Option<f64>, Option<f64>)]) -> Trace {
        let mut trace = Trace::default();
        for (row, (task, cpu, memory)) in rows.iter().enumerate() {
            trace.task_id.push(&format!("t{row}"));
            let (workflow, task) = (trace.words.intern("w"), trace.words.intern(task));
            trace.workflow.set(row, workflow);
            trace.task_name.set(row, task);
            trace.work.set(row, Span::from_secs(100));
            trace.cpu_request.set(row, Cpu::from_milli(1_000));
            trace.memory_request.set(row, Memory::from_gib(4));
            if let Some(cpu) = cpu {
                trace.cpu_usage_p95_milli.set(row, *cpu);
            }
            if let Some(memory) = memory {
                trace.memory_usage_max_mib.set(row, *memory);
            }
        }
        trace
    }

    #[test]
    fn requests_are_usage_and_headroom_rounded_up() {
        // 20 pods of 10m to 200m: at least 95 % of them used no more than the 19th, 190m; × 1.2 = 228m, up to 230m.
        // The highest peak is 300 MiB × 1.25 = 375 MiB, up to 24 × 16 = 384 MiB.
        let rows: Vec<_> =
            (1..=20).map(|n| ("a", Some(f64::from(n) * 10.0), Some(f64::from(n) * 15.0))).collect();
        let sized = right_size(&trace(&rows), &Rule::default());
        let task = &sized.tasks[0];
        assert_eq!((task.cpu, task.memory), (Some(Cpu::from_milli(230)), Some(Memory::from_mib(384))));
        assert_eq!(sized.trace.cpu_request.get(7), Some(Cpu::from_milli(230)));
        // What was sized is sized to itself.
        assert_eq!(right_size(&sized.trace, &Rule::default()).tasks, sized.tasks);
    }

    #[test]
    fn memory_is_never_below_a_peak_and_requests_may_rise() {
        let rows = vec![("a", Some(1_500.0), Some(4_096.5)); 5];
        let sized =
            right_size(&trace(&rows), &Rule { memory_headroom: 0, cpu_headroom: 0, ..Rule::default() });
        assert_eq!(sized.trace.memory_request.get(0), Some(Memory::from_mib(4_112)));
        assert_eq!(sized.trace.cpu_request.get(0), Some(Cpu::from_milli(1_500)));
    }

    #[test]
    fn tasks_that_are_hardly_known_keep_their_requests() {
        let mut rows = vec![("a", Some(100.0), None); 5];
        rows.extend(vec![("b", Some(100.0), Some(100.0)); 4]);
        let sized = right_size(&trace(&rows), &Rule::default());
        assert_eq!(sized.kept(), 1);
        assert!(sized.changes_anything());
        let requests = |row| (sized.trace.cpu_request.get(row), sized.trace.memory_request.get(row));
        assert_eq!(requests(0), (Some(Cpu::from_milli(120)), Some(Memory::from_gib(4))));
        assert_eq!(requests(5), (Some(Cpu::from_milli(1_000)), Some(Memory::from_gib(4))));
        assert!(!has_usage(&trace(&[("a", None, None)])));
    }

    #[test]
    fn cpu_time_stands_in_for_usage() {
        let mut trace = trace(&[("a", None, None); 5]);
        // 30 s of CPU in 100 s are 300m; × 1.2 = 360m.
        (0..5).for_each(|row| trace.cpu_seconds.set(row, 30.0));
        assert_eq!(right_size(&trace, &Rule::default()).tasks[0].cpu, Some(Cpu::from_milli(360)));
    }
}
