//! What an import came to: enough to see whether the files say what they should, before anything rests on them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::platform::Defaults;
use crate::report::{EvidenceReport, evidence};
use crate::trace::{self, Trace};
use crate::units::{Span, Time};
use crate::workload::{self, StepId, StepKind, Workload};

/// The longest gaps that are named.
const GAPS: usize = 5;
/// Work on the critical path may be this much longer than the run: sources round.
const TOLERANCE: Span = Span::from_secs(2);

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    pub rows: u64,
    pub pods: u64,
    pub workflow_runs: u64,
    pub formats: Vec<FormatSummary>,
    /// First and last recorded instant.
    pub start: String,
    pub end: String,
    pub evidence: EvidenceReport,
    pub joined_pods: u64,
    pub pods_of_no_task: u64,
    pub ambiguous_pods: u64,
    /// Pods that lack something, and get the scenario's default.
    pub without_cpu_request: u64,
    pub without_memory_request: u64,
    pub without_image_size: u64,
    /// The longest times in which nothing ran, longest first: an export may have holes.
    pub gaps: Vec<Gap>,
    /// The median of all times in which nothing ran.
    pub typical_gap_seconds: Option<f64>,
    pub running_pods: Concurrency,
    /// Runs that took less time than the work on their critical path.
    pub impossible_runs: u64,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FormatSummary {
    pub format: String,
    pub files: u64,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Gap {
    pub start: String,
    pub end: String,
    pub seconds: f64,
}

/// Pods that ran at once on the source platform, weighted by time, from the first start to the last end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Concurrency {
    pub mean: f64,
    pub p50: u64,
    pub p95: u64,
    pub max: u64,
}

/// Looks at an imported trace.
///
/// # Errors
///
/// The rows make no workload: an unknown dependency, a cycle, two rows of one task.
pub fn summary(trace: &Trace, mut warnings: Vec<String>) -> Result<Summary> {
    let order = trace::canonical_order(trace);
    let built = workload::build(trace, &order, &Defaults::default(), (None, None))
        .map_err(|problems| Error::Input(trace::locate(trace, problems)))?;
    warnings.extend(built.warnings);
    let workload = &built.workload;
    let mut intervals = intervals(trace, workload);
    let (gaps, typical) = gaps(&mut intervals);
    let runs = workload.runs.iter().zip(workload.replayed_runs());
    Ok(Summary {
        rows: trace.rows() as u64,
        pods: workload.steps.pods().count() as u64,
        workflow_runs: runs.filter(|(run, replayed)| *replayed && !run.id.is_empty()).count() as u64,
        formats: formats(trace),
        start: time(workload.window.start),
        end: time(workload.window.end),
        evidence: evidence(trace),
        joined_pods: trace.evidence.joined,
        pods_of_no_task: trace.evidence.own_rows,
        ambiguous_pods: trace.evidence.ambiguous,
        without_cpu_request: built.assumed.cpu_requests as u64,
        without_memory_request: built.assumed.memory_requests as u64,
        without_image_size: built.assumed.image_sizes as u64,
        gaps,
        typical_gap_seconds: typical.map(Span::secs_f64),
        running_pods: concurrency(&intervals),
        impossible_runs: impossible_runs(trace, workload),
        warnings,
    })
}

/// RFC 3339 in UTC.
pub fn time(time: Time) -> String {
    chrono::DateTime::from_timestamp_millis(time.ms())
        .map_or_else(|| time.ms().to_string(), |t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

fn formats(trace: &Trace) -> Vec<FormatSummary> {
    let mut formats: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for file in &trace.files {
        let name = if file.is_native { file.format } else { "canonical" };
        let (files, rows) = formats.entry(name).or_default();
        *files += 1;
        *rows += file.rows;
    }
    let summary =
        |(format, (files, rows)): (&str, _)| FormatSummary { format: format.to_owned(), files, rows };
    formats.into_iter().map(summary).collect()
}

/// When pods ran, in order of their starts.
fn intervals(trace: &Trace, workload: &Workload) -> Vec<(Time, Time)> {
    let rows = workload.steps.pods().map(|step| workload.steps.row[step as usize] as usize);
    let mut intervals: Vec<_> = rows
        .filter_map(|row| trace.start_time.get(row).zip(trace.end_time.get(row)))
        .filter(|(start, end)| start <= end)
        .collect();
    intervals.sort_unstable();
    intervals
}

fn gaps(intervals: &mut [(Time, Time)]) -> (Vec<Gap>, Option<Span>) {
    let mut gaps = Vec::new();
    let mut busy_until: Option<Time> = None;
    for (start, end) in intervals.iter() {
        if let Some(until) = busy_until
            && *start > until
        {
            gaps.push((*start - until, until, *start));
        }
        busy_until = busy_until.max(Some(*end));
    }
    gaps.sort_unstable_by_key(|(length, start, _)| (std::cmp::Reverse(*length), *start));
    let typical = gaps.get(gaps.len() / 2).map(|(length, ..)| *length);
    let gap = |(length, start, end): &(Span, Time, Time)| Gap {
        start: time(*start),
        end: time(*end),
        seconds: length.secs_f64(),
    };
    (gaps.iter().take(GAPS).map(gap).collect(), typical)
}

#[expect(clippy::float_arithmetic, reason = "statistics for display")]
fn concurrency(intervals: &[(Time, Time)]) -> Concurrency {
    let mut events: Vec<(Time, i64)> =
        intervals.iter().flat_map(|(start, end)| [(*start, 1), (*end, -1)]).collect();
    events.sort_unstable();
    // How long so many ran.
    let mut lasted: BTreeMap<u64, i128> = BTreeMap::new();
    let mut running = 0i64;
    for pair in events.windows(2) {
        running += pair[0].1;
        *lasted.entry(running.unsigned_abs()).or_default() += i128::from((pair[1].0 - pair[0].0).ms());
    }
    lasted.retain(|_, ms| *ms > 0);
    let all: i128 = lasted.values().sum();
    if all == 0 {
        return Concurrency::default();
    }
    let at = |percent: i128| {
        let mut sum = 0;
        let found = lasted.iter().find(|(_, ms)| {
            sum += **ms;
            sum * 100 >= all * percent
        });
        found.map_or(0, |(count, _)| *count)
    };
    let weighted: i128 = lasted.iter().map(|(count, ms)| i128::from(*count) * ms).sum();
    Concurrency {
        mean: weighted as f64 / all as f64,
        p50: at(50),
        p95: at(95),
        max: lasted.keys().max().copied().unwrap_or(0),
    }
}

/// Runs whose longest chain of work is longer than they took, as recorded.
fn impossible_runs(trace: &Trace, workload: &Workload) -> u64 {
    let steps = &workload.steps;
    let mut chains = vec![Span::ZERO; steps.len()];
    let mut runs: Vec<(Span, Option<(Time, Time)>)> = vec![(Span::ZERO, None); workload.runs.len()];
    let order: Vec<StepId> = if workload.has_dependencies {
        workload.graph.topological_order(steps.len())
    } else {
        (0..steps.len() as StepId).collect()
    };
    for step in order {
        let i = step as usize;
        if steps.kind[i] == StepKind::NotReplayed || steps.never_ran[i] {
            continue;
        }
        let run = steps.run[i];
        let before = workload.graph.predecessors(step).iter().map(|p| *p as usize);
        let longest = before.filter(|p| steps.run[*p] == run).map(|p| chains[p]).max();
        chains[i] = longest.unwrap_or_default() + steps.work[i];
        let (chain, times) = &mut runs[run as usize];
        *chain = (*chain).max(chains[i]);
        let row = steps.row[i] as usize;
        if let Some(end) = trace.finish_observed_time.get(row).or(trace.end_time.get(row)) {
            let begin = steps.submit[i];
            *times = Some(times.map_or((begin, end), |(a, b)| (a.min(begin), b.max(end))));
        }
    }
    let impossible = |(chain, times): &&(Span, Option<(Time, Time)>)| {
        times.is_some_and(|(begin, end)| *chain > (end - begin) + TOLERANCE)
    };
    runs.iter().filter(impossible).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: i64) -> Time {
        Time::from_ms(seconds * 1_000)
    }

    #[test]
    fn concurrency_is_weighted_by_time() {
        // 0-100 one pod, 100-110 two, 110-200 none, 200-210 three (all of one moment).
        let intervals = [(0, 110), (100, 110), (200, 210), (200, 210), (200, 210)].map(|(a, b)| (s(a), s(b)));
        let found = concurrency(&intervals);
        // (100·1 + 10·2 + 90·0 + 10·3) ÷ 210.
        assert!((found.mean * 210.0 - 150.0).abs() < 1e-9);
        // None for 90 s, at most one for 190 of 210: 95 % are 199.5 s.
        assert_eq!((found.p50, found.p95, found.max), (1, 2, 3));
        assert_eq!(concurrency(&[]), Concurrency::default());
    }

    #[test]
    fn gaps_are_times_in_which_nothing_ran() {
        let mut intervals =
            [(0, 100), (10, 20), (110, 120), (500, 600), (630, 640)].map(|(a, b)| (s(a), s(b)));
        let (gaps, typical) = gaps(&mut intervals);
        let seconds: Vec<_> = gaps.iter().map(|gap| gap.seconds).collect();
        assert_eq!(seconds, [380.0, 30.0, 10.0]);
        assert_eq!(gaps[0].start, "1970-01-01T00:02:00Z");
        assert_eq!(typical, Some(Span::from_secs(30)));
    }

    #[test]
    fn a_run_cannot_take_less_than_its_work() {
        let csv = "task_id,run_id,depends_on,submit_time,start_time,end_time,work_seconds\n\
            a,1,,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,2024-01-01T00:00:50Z,50\n\
            b,1,a,2024-01-01T00:00:50Z,2024-01-01T00:00:50Z,2024-01-01T00:01:40Z,50\n\
            a,2,,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,2024-01-01T00:00:50Z,50\n\
            b,2,a,2024-01-01T00:00:10Z,2024-01-01T00:00:10Z,2024-01-01T00:01:00Z,50\n";
        let imported =
            crate::import::read_contents(&[("a.csv", csv.as_bytes())], &crate::import::Options::default())
                .unwrap();
        // Run 1: 100 s of work in 100 s. Run 2: 100 s in 60 s, since b began before a had ended.
        let summary = summary(&imported.trace, imported.warnings).unwrap();
        assert_eq!((summary.impossible_runs, summary.rows, summary.workflow_runs), (1, 4, 2));
    }
}
