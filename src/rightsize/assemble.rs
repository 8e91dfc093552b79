//! Puts a result together: a study of the trace as it is, one of the right-sized trace, and what became of each task.

use std::sync::Arc;

use super::evidence::{self, Evidence};
use super::groups::{By, groups};
use super::recommend::{RightSized, Rule, SizedTask, right_size};
use super::result::{FargateBilled, Flag, Measured, RightSizeReport, RuleUsed, SCHEMA_VERSION, TaskSize};
use super::{output, risk, saving};
use crate::catalog::{FargateSize, Snapshot};
use crate::error::{Error, Result};
use crate::platform::{PodArch, Scenario, Settings};
use crate::replay::Study;
use crate::report::Report;
use crate::trace::Trace;
use crate::units::{Cpu, Memory, Resources};

/// What is right-sized, and on which platforms.
pub struct Input<'a> {
    pub scenario: &'a Scenario,
    pub snapshot: &'a Snapshot,
    /// The trace as it is.
    pub study: &'a Study,
    pub strict: bool,
}

/// The result, and what its outputs are written from.
pub struct Outcome {
    pub result: RightSizeReport,
    /// The trace as it is on all platforms, as `replay` reports it.
    pub report: Report,
}

/// What each task should ask for, and the trace in which it does.
pub fn sizes(study: &Study, rule: &Rule) -> Result<(RightSized, Vec<TaskSize>)> {
    if !evidence::has_usage(&study.trace) {
        return Err(Error::usage(
            "the trace has no usage that requests could follow",
            "add cpu_usage_p95_milli and memory_usage_max_mib (metrics summed by pod, such as Datadog's \
             kubernetes.cpu.usage.total and kubernetes.memory.working_set)",
        ));
    }
    let sized = right_size(&study.trace, rule);
    let groups = groups(&study.trace, rule.by);
    let settings = study.setup().settings;
    let mut tasks: Vec<(i128, TaskSize)> = groups
        .values()
        .zip(&sized.tasks)
        .map(|(rows, task)| task_size(&study.trace, &sized.trace, rows, task, rule, settings))
        .collect();
    // A stable sort: equal ones stay by name.
    tasks.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    Ok((sized, tasks.into_iter().map(|(_, task)| task).collect()))
}

/// Right-sizes and replays on all platforms; `total` is told how many simulations there are, `done` after each.
pub fn rightsize(
    input: &Input,
    rule: &Rule,
    (sized, tasks): (&RightSized, Vec<TaskSize>),
    total: impl FnOnce(u64),
    done: &(dyn Fn() + Sync),
) -> Result<Outcome> {
    let study = input.study;
    let trace = Arc::new(sized.trace.clone());
    // Requests that no machine can hold are a finding here, not a mistake of the user's.
    let sized_study = Study::of(input.scenario.clone(), input.snapshot, &trace, Vec::new(), input.strict)?;
    let platforms = saving::platforms(study, input.scenario)?;
    let sized_platforms = saving::platforms(&sized_study, input.scenario)?;
    total(2 * platforms.platforms.len() as u64);
    let as_is = saving::replay(study, platforms, done)?;
    let after = saving::replay(&sized_study, sized_platforms, done)?;
    let report = study.report(&as_is.resolved, &as_is.runs)?;
    let platforms = saving::table(&as_is, &after);
    let kept = sized.kept() as u64;
    let mut notes = saving::notes(&as_is, &after);
    if study.assumed_requests().is_some() {
        notes.push("what right-sizing saves is relative to assumed requests".to_owned());
    }
    let mut result = RightSizeReport {
        schema_version: SCHEMA_VERSION,
        tool: report.tool.clone(),
        inputs: report.inputs.clone(),
        finding: String::new(),
        rule: rule_used(rule),
        sized: sized.tasks.len() as u64 - kept,
        kept,
        tasks,
        baseline: platforms.first().map(|first| first.platform.clone()).unwrap_or_default(),
        platforms,
        notes,
        warnings: report.warnings.clone(),
    };
    result.finding = output::finding(&result);
    Ok(Outcome { result, report })
}

fn rule_used(rule: &Rule) -> RuleUsed {
    RuleUsed {
        by: match rule.by {
            By::Task => "task",
            By::Image => "image",
        }
        .to_owned(),
        cpu_percentile: rule.cpu_percentile,
        cpu_headroom_percent: rule.cpu_headroom,
        memory_headroom_percent: rule.memory_headroom,
        min_pods: rule.least_pods as u64,
    }
}

/// The requests of rows: those of the trace, or else the scenario's default.
struct Requests<'a> {
    trace: &'a Trace,
    settings: &'a Settings,
}

impl Requests<'_> {
    fn of(&self, row: usize) -> (Cpu, Memory) {
        let defaults = &self.settings.defaults;
        (
            self.trace.cpu_request.get(row).unwrap_or(defaults.cpu_request),
            self.trace.memory_request.get(row).unwrap_or(defaults.memory_request),
        )
    }

    /// In each resource by itself, and the largest storage.
    fn largest(&self, rows: &[u32]) -> Resources {
        rows.iter().map(|row| *row as usize).fold(Resources::ZERO, |most, row| {
            let (cpu, memory) = self.of(row);
            let ephemeral = self.trace.ephemeral_storage.get(row).unwrap_or_default();
            Resources {
                cpu: most.cpu.max(cpu),
                memory: most.memory.max(memory),
                ephemeral: most.ephemeral.max(ephemeral),
                pods: 1,
            }
        })
    }

    fn are_mixed(&self, rows: &[u32]) -> bool {
        let first = rows.first().map(|row| self.of(*row as usize));
        rows.iter().any(|row| Some(self.of(*row as usize)) != first)
    }

    /// What Fargate bills for a pod with the largest requests, sidecars included.
    fn fargate(&self, rows: &[u32]) -> Option<FargateSize> {
        let arch = |row: &u32| self.trace.arch.get(*row as usize).unwrap_or(self.settings.defaults.arch);
        if rows.iter().any(|row| arch(row) == PodArch::Arm64) {
            return None;
        }
        let sidecars: Resources = self.settings.sidecars.iter().map(|agent| agent.requests).sum();
        let most = self.largest(rows) + sidecars;
        FargateSize::for_request(most.cpu, most.memory, most.ephemeral).ok()
    }
}

fn billed(size: &FargateSize) -> FargateBilled {
    FargateBilled {
        vcpu: size.cpu.milli() as f64 / 1e3,
        gb: size.memory.bytes() as f64 / (1u64 << 30) as f64,
    }
}

/// How much the change weighs, and what it is. A vCPU weighs as much as nine GiB, about as Fargate prices them.
fn task_size(
    trace: &Trace,
    sized: &Trace,
    rows: &[u32],
    task: &SizedTask,
    rule: &Rule,
    settings: &Settings,
) -> (i128, TaskSize) {
    let (before, after) = (Requests { trace, settings }, Requests { trace: sized, settings });
    let (mut milli_ms, mut byte_ms) = (0i128, 0i128);
    for row in rows.iter().map(|row| *row as usize) {
        let work = i128::from(trace.work.get(row).unwrap_or_default().ms());
        let ((cpu, memory), (new_cpu, new_memory)) = (before.of(row), after.of(row));
        milli_ms += work * i128::from(cpu.milli() - new_cpu.milli());
        byte_ms += work * i128::from(memory.bytes() - new_memory.bytes());
    }
    let largest = before.largest(rows);
    let fargate = after.fargate(rows);
    let each = || rows.iter().map(|row| *row as usize);
    let limit = |milli: Option<String>, sized: bool| milli.filter(|_| sized);
    let cpu_limit = each().filter_map(|row| sized.cpu_limit.get(row)).max().map(|limit| limit.to_string());
    let memory_limit =
        each().filter_map(|row| sized.memory_limit.get(row)).max().map(|limit| limit.to_string());
    let name = |text: &str, of: By| (rule.by == of).then(|| text.to_owned());
    let known = |evidence: Option<Evidence>| {
        evidence.map(|known| Measured {
            of: known.basis.into(),
            pods: known.pods,
            values: known.values,
            used: known.used,
            highest: known.highest,
        })
    };
    let size = TaskSize {
        workflow: name(&task.workflow, By::Task),
        task: name(&task.task, By::Task),
        image: name(&task.task, By::Image),
        pods: task.pods,
        cpu_before: largest.cpu.to_string(),
        cpu: task.cpu.map(|cpu| cpu.to_string()),
        cpu_limit: limit(cpu_limit, task.cpu.is_some()),
        memory_before: largest.memory.to_string(),
        memory: task.memory.map(|memory| memory.to_string()),
        memory_limit: limit(memory_limit, task.memory.is_some()),
        fargate_before: before.fargate(rows).as_ref().map(billed),
        fargate: fargate.as_ref().map(billed),
        vcpu_hours_freed: milli_ms as f64 / 3.6e9,
        gib_hours_freed: byte_ms as f64 / (1u64 << 30) as f64 / 3.6e6,
        cpu_usage: known(task.cpu_evidence),
        memory_usage: known(task.memory_evidence),
        flags: flags(&before, rows, task, largest),
        cpu_risk: task
            .cpu
            .zip(task.cpu_evidence)
            .map(|(cpu, known)| risk::cpu(sized, rows, &known, cpu, fargate.as_ref().map(|size| size.cpu))),
        memory_risk: task.memory.map(|memory| risk::memory(sized, rows, memory)),
        pods_out_of_memory: task.out_of_memory,
        pods_throttled: task.throttled,
    };
    let weight = milli_ms * 9 * (1 << 30) / 1_000 + byte_ms;
    (weight.abs(), size)
}

fn flags(before: &Requests, rows: &[u32], task: &SizedTask, largest: Resources) -> Vec<Flag> {
    let trace = before.trace;
    let is_assumed = |row: &u32| {
        let row = *row as usize;
        trace.cpu_request.get(row).is_none() || trace.memory_request.get(row).is_none()
    };
    let flags = [
        (task.cpu.is_none() && task.memory.is_none(), Flag::TooLittleKnown),
        (task.cpu.is_none() && task.memory.is_some(), Flag::CpuKept),
        (task.cpu.is_some() && task.memory.is_none(), Flag::MemoryKept),
        (task.out_of_memory > 0, Flag::OutOfMemory),
        (task.throttled > 0, Flag::Throttled),
        (task.cpu.is_some_and(|cpu| cpu > largest.cpu), Flag::CpuRises),
        (task.memory.is_some_and(|memory| memory > largest.memory), Flag::MemoryRises),
        (rows.iter().any(is_assumed), Flag::AssumedRequest),
        (before.are_mixed(rows), Flag::MixedRequests),
    ];
    flags.into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag).collect()
}
