//! What cannot be true of imported rows, or is a unit that was misread: said, and left as it is.

use crate::import::draft::Draft;
use crate::report::plural;
use crate::trace::{Kind, State, Trace};
use crate::units::{Memory, Span};

/// Throttling keeps a container near its limit; ten times as much is another unit.
const TIMES_LIMIT: f64 = 10.0;
/// No process gets by with less memory: KiB or MiB taken for bytes.
const LEAST_MIB: f64 = 0.5;
/// No node has more: bytes or KiB taken for MiB.
const MOST_MIB: f64 = 32.0 * 1_024.0 * 1_024.0;
/// Work may be this much shorter than its CPU time needs: both are rounded.
const TOLERANCE: Span = Span::from_secs(2);
/// Below, in millicores, no process runs for long: cores or nanocores taken for something else.
const LEAST_MILLI: f64 = 0.01;
/// Shorter work may fall between two points.
const LONG: Span = Span::from_secs(60);
/// Requests below are millicores taken for cores, or bytes for KiB.
const LEAST_REQUEST: Memory = Memory::from_mib(1);
/// In percent: sources that count whole seconds lose short tasks.
const MANY_ZEROS: usize = 10;

/// Adds a note for each kind of doubt.
pub(super) fn check(draft: &mut Draft) {
    let notes = doubts(draft.trace());
    draft.notes.extend(notes);
}

/// A line for each kind of doubt about the rows of imported files.
pub(crate) fn doubts(trace: &Trace) -> Vec<String> {
    let is_imported = |row: &usize| trace.files[trace.place[*row].file as usize].is_native;
    let is_pod = |row: &usize| {
        trace.kind.get(*row).unwrap_or_default() == Kind::Pod
            && !matches!(trace.state.get(*row), Some(State::Pending | State::Skipped))
    };
    let rows: Vec<usize> = (0..trace.rows()).filter(|row| is_imported(row) && is_pod(row)).collect();
    let count = |test: &dyn Fn(usize) -> bool| rows.iter().filter(|row| test(**row)).count();
    let zeros = count(&|row| trace.work.get(row) == Some(Span::ZERO));
    let many_zeros = zeros * 100 > rows.len() * MANY_ZEROS;
    let all = [
        (
            count(&|row| is_faster_than_its_cpus(trace, row)),
            "whose work is shorter than their CPU time takes at their limit: is the unit of CPU time, or of the \
             limit, another one?",
        ),
        (
            count(&|row| uses_more_cpu_than_its_limit(trace, row)),
            "with CPU usage of more than ten times their limit: nanocores, millicores and cores may be mixed up",
        ),
        (
            count(&|row| uses_hardly_any_cpu(trace, row)),
            "with CPU usage of less than 0.01 millicores over a minute or more: nanocores, millicores and cores may \
             be mixed up",
        ),
        (
            count(&|row| has_odd_memory(trace, row)),
            "with memory usage of less than 0.5 MiB or more than 32 TiB: bytes, KiB and MiB may be mixed up",
        ),
        (
            count(&|row| trace.memory_request.get(row).is_some_and(|memory| memory < LEAST_REQUEST)),
            "asking for less than 1 MiB of memory: bytes, KiB and MiB may be mixed up",
        ),
        (
            if many_zeros { zeros } else { 0 },
            "with work_seconds 0, more than one in ten: the source may count whole seconds only, or their ends are \
             missing",
        ),
    ];
    let line = |(count, what): (usize, &str)| {
        (count > 0).then(|| format!("suspicious: {} {what}", plural(count as u64, "row")))
    };
    all.into_iter().filter_map(line).collect()
}

#[expect(clippy::float_arithmetic, reason = "a check of plausibility")]
fn is_faster_than_its_cpus(trace: &Trace, row: usize) -> bool {
    let (Some(cpu_seconds), Some(limit), Some(work)) =
        (trace.cpu_seconds.get(row), trace.cpu_limit.get(row), trace.work.get(row))
    else {
        return false;
    };
    cpu_seconds / (limit.milli() as f64 / 1_000.0) > (work + TOLERANCE).secs_f64()
}

#[expect(clippy::float_arithmetic, reason = "a check of plausibility")]
fn uses_more_cpu_than_its_limit(trace: &Trace, row: usize) -> bool {
    let used = trace.cpu_usage_max_milli.get(row).or(trace.cpu_usage_avg_milli.get(row));
    used.zip(trace.cpu_limit.get(row)).is_some_and(|(used, limit)| used > limit.milli() as f64 * TIMES_LIMIT)
}

fn uses_hardly_any_cpu(trace: &Trace, row: usize) -> bool {
    let used = trace.cpu_usage_max_milli.get(row).or(trace.cpu_usage_avg_milli.get(row));
    used.is_some_and(|milli| milli > 0.0 && milli < LEAST_MILLI)
        && trace.work.get(row).is_some_and(|work| work >= LONG)
}

fn has_odd_memory(trace: &Trace, row: usize) -> bool {
    let used = trace.memory_usage_max_mib.get(row).or(trace.memory_usage_avg_mib.get(row));
    used.is_some_and(|mib| mib > MOST_MIB || (mib > 0.0 && mib < LEAST_MIB))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_work_with_hardly_any_cpu_is_of_another_unit() {
        // A unit a thousand times too small; 2 millicores; work too short; no CPU at all.
        let cases = [(0.000_5, 60, 1), (2.0, 60, 0), (0.000_5, 59, 0), (0.0, 600, 0)];
        for (milli, work, found) in cases {
            let mut draft = Draft::default();
            let file = crate::trace::SourceFile { is_native: true, ..Default::default() };
            draft.trace().files.push(file);
            let row = draft.row(1, "a");
            draft.trace().work.set(row, Span::from_secs(work));
            draft.trace().cpu_usage_max_milli.set(row, milli);
            let doubts = doubts(draft.trace());
            assert_eq!(doubts.len(), found, "{milli} millicores for {work} s: {doubts:?}");
        }
    }
}
