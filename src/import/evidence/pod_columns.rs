//! What a pod says of itself, in the columns of its row.
//!
//! In rows made of an orchestrator's export the pod goes first: it is what really ran, and the configuration only what
//! was asked for. Canonical rows may have been changed on purpose, so only their empty cells are filled.

use super::join::NamedPod;
use crate::import::draft::Draft;
use crate::trace::{Column, OwnerKind, Trace, Word};
use crate::units::{Cpu, Memory};

/// A column of texts.
type Texts = fn(&mut Trace) -> &mut Column<Word>;

/// Fills the columns of `row`; says whether requests differed from what the row had.
pub(super) fn fill(draft: &mut Draft, row: usize, pod: &NamedPod) -> bool {
    let NamedPod { namespace, name, seen } = pod;
    let trace = draft.trace();
    let wins = trace.files[trace.place[row].file as usize].is_native;
    let differs = requests(trace, row, pod, wins);
    if let Some(scheduled) = seen.scheduled {
        set(&mut trace.scheduled_time, row, scheduled, wins);
    }
    if let Some(deleted) = seen.deleted {
        set(&mut trace.deleted_time, row, deleted, wins);
    }
    if let Some(platform) = seen.platform {
        set(&mut trace.source_platform, row, platform, wins);
    }
    if seen.owner != OwnerKind::None {
        set(&mut trace.owner_kind, row, seen.owner, wins);
    }
    if seen.do_not_disrupt {
        set(&mut trace.do_not_disrupt, row, true, wins);
    }
    macro_rules! fill {
        ($($column:ident $wins:expr;)*) => {
            $(if let Some(value) = seen.$column { set(&mut trace.$column, row, value, $wins); })*
        };
    }
    fill! {
        state false;
        ephemeral_storage wins;
        gpu_request_milli wins;
        image_size wins;
        image_pull wins;
        arch wins;
        priority wins;
    }
    let texts: [(Texts, Option<&str>, bool); 8] = [
        (|t| &mut t.pod_name, Some(name), wins),
        (|t| &mut t.namespace, Some(namespace), false),
        (|t| &mut t.source_node, seen.node.as_deref(), wins),
        (|t| &mut t.source_instance_type, seen.instance_type.as_deref(), wins),
        (|t| &mut t.image, seen.image.as_deref(), wins),
        (|t| &mut t.node_selector, seen.node_selector.as_deref(), wins),
        (|t| &mut t.tolerations, seen.tolerations.as_deref(), wins),
        (|t| &mut t.exit_reason, seen.exit_reason.as_deref(), false),
    ];
    for (column, text, wins) in texts {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        if wins || column(draft.trace()).get(row).is_none() {
            draft.word(row, column, text);
        }
    }
    usage(draft.trace(), row, pod);
    differs
}

fn set<T: Copy + Default>(column: &mut Column<T>, row: usize, value: T, wins: bool) {
    if wins || column.get(row).is_none() {
        column.set(row, value);
    }
}

fn requests(trace: &mut Trace, row: usize, pod: &NamedPod, wins: bool) -> bool {
    // A pod without a request is one that has none, but an export without requests says nothing.
    let positive = |cpu: Option<Cpu>| cpu.filter(|cpu| cpu.milli() > 0);
    let some = |memory: Option<Memory>| memory.filter(|memory| memory.bytes() > 0);
    let (cpu, memory) = (positive(pod.seen.cpu_request), some(pod.seen.memory_request));
    let differs = |had: bool, same: bool| had && !same;
    let differs = cpu.is_some_and(|cpu| {
        differs(trace.cpu_request.get(row).is_some(), trace.cpu_request.get(row) == Some(cpu))
    }) || memory.is_some_and(|memory| {
        differs(trace.memory_request.get(row).is_some(), trace.memory_request.get(row) == Some(memory))
    });
    if let Some(cpu) = cpu {
        set(&mut trace.cpu_request, row, cpu, wins);
    }
    if let Some(memory) = memory {
        set(&mut trace.memory_request, row, memory, wins);
    }
    if let Some(cpu) = positive(pod.seen.cpu_limit) {
        set(&mut trace.cpu_limit, row, cpu, wins);
    }
    if let Some(memory) = some(pod.seen.memory_limit) {
        set(&mut trace.memory_limit, row, memory, wins);
    }
    differs && wins
}

/// Average, 95th percentile and maximum of what was measured, and the points themselves.
#[expect(clippy::float_arithmetic, reason = "statistics of what was observed")]
fn usage(trace: &mut Trace, row: usize, pod: &NamedPod) {
    let average = |points: &[f64]| points.iter().sum::<f64>() / points.len() as f64;
    let rank = |points: &[f64], percent: usize| {
        let mut sorted = points.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
    };
    let numbers = &pod.seen.usage;
    let all = [
        (&mut trace.cpu_usage_avg_milli, numbers.cpu_avg),
        (&mut trace.cpu_usage_p95_milli, numbers.cpu_p95),
        (&mut trace.cpu_usage_max_milli, numbers.cpu_max),
        (&mut trace.cpu_seconds, numbers.cpu_seconds),
        (&mut trace.memory_usage_avg_mib, numbers.memory_avg),
        (&mut trace.memory_usage_max_mib, numbers.memory_max),
    ];
    for (column, number) in all {
        if let Some(number) = number {
            set(column, row, number, false);
        }
    }
    let (cpu, memory) = (&pod.seen.cpu, &pod.seen.memory);
    if !cpu.is_empty() {
        set(&mut trace.cpu_usage_avg_milli, row, average(cpu), false);
        set(&mut trace.cpu_usage_p95_milli, row, rank(cpu, 95), false);
        set(&mut trace.cpu_usage_max_milli, row, rank(cpu, 100), false);
        trace.points.set_cpu(row, cpu.clone());
    }
    if !memory.is_empty() {
        set(&mut trace.memory_usage_avg_mib, row, average(memory), false);
        set(&mut trace.memory_usage_max_mib, row, rank(memory, 100), false);
        trace.points.set_memory(row, memory.clone());
    }
}
