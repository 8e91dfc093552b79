//! The Standard Workload Format of the Parallel Workloads Archive: a line per job of a batch system, 18 fields, -1 where
//! a value is unknown.
//!
//! A job becomes one pod with a vCPU per processor. Jobs that no node could hold are left out: spreading them over
//! several pods would invent how they communicate. Fields 17 and 18, the preceding job and the think time after it, are
//! a dependency and the delay behind it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::draft::Draft;
use super::lenient::Wrong;
use super::text::Lines;
use super::{Format, Options, Shape};
use crate::error::Result;
use crate::trace::open::Text;
use crate::trace::{State, Word, WorkMethod};
use crate::units::{Cpu, Memory, QuantityError, Span, Time, parse_decimal};

/// vCPUs of the largest nodes that can be bought here (24xlarge and 48xlarge of the usual families).
const LARGEST_JOB: i64 = 192;
/// More memory than this for one processor is more likely bytes where the format has KB.
const PLAUSIBLE_KB: i64 = 64 << 20;
/// Seconds: 100 years.
const LONGEST: i64 = 3_155_760_000;
const FIELDS: usize = 18;

/// Keys of the header, of which every file of the archive has some.
const HEADER: [&str; 10] = [
    "Version",
    "Computer",
    "Installation",
    "Information",
    "Conversion",
    "MaxJobs",
    "MaxRecords",
    "MaxNodes",
    "MaxProcs",
    "UnixStartTime",
];

pub(super) fn recognise(shape: &Shape) -> std::result::Result<(), String> {
    let lines: Vec<String> = match shape {
        Shape::Text(lines) => lines.clone(),
        Shape::Table { header, .. } => vec![header.join(" ")],
        Shape::Json(_) | Shape::Yaml(_) => return Err("is no table".to_owned()),
    };
    let is_job = |line: &str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        fields.len() >= FIELDS && fields.iter().all(|field| field.parse::<f64>().is_ok())
    };
    let is_header = |line: &str| {
        let comment = line.trim_start().strip_prefix(';').and_then(|text| text.split_once(':'));
        comment.is_some_and(|(key, _)| HEADER.contains(&key.trim()))
    };
    let fits = |line: &&String| is_job(line) || line.trim_start().starts_with(';');
    if !lines.is_empty()
        && lines.iter().all(|line| fits(&line))
        && lines.iter().any(|l| is_job(l) || is_header(l))
    {
        return Ok(());
    }
    Err("has no lines of 18 numbers, and no header such as `; Version: 2.2`".to_owned())
}

/// What is counted for one line at the end.
#[derive(Default)]
struct Seen {
    jobs: u64,
    large_memory: u64,
    used_memory: u64,
    lost_predecessors: u64,
}

pub(super) fn read(text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let mut lines = Lines::new(text);
    let mut header = BTreeMap::new();
    let mut seen = Seen::default();
    // Row of each job, to find the run of a preceding one.
    let mut rows: FxHashMap<i64, u32> = FxHashMap::default();
    let origin = lines.origin.clone();
    let mut start = None;
    while let Some((number, line)) = lines.next()? {
        let Ok(line) = std::str::from_utf8(line) else {
            if line.trim_ascii_start().starts_with(b";") {
                continue; // Names of people, in the encoding of their time.
            }
            draft.error(origin.diagnostic("this is not UTF-8 text").line(number));
            continue;
        };
        let line = line.trim();
        if let Some(comment) = line.strip_prefix(';') {
            if let Some((key, value)) = comment.split_once(':') {
                header.entry(key.trim().to_owned()).or_insert_with(|| value.trim().to_owned());
            }
            continue;
        }
        let start = *start.get_or_insert_with(|| start_time(&header));
        if let Err((column, wrong)) = job(line, number, start, draft, &mut rows, &mut seen) {
            let mut diagnostic = origin.diagnostic(wrong.message);
            diagnostic = match column {
                Some((column, text)) => diagnostic.at(number, column).text(text),
                None => diagnostic.line(number).text(line),
            };
            diagnostic.hint = wrong.hint;
            draft.error(diagnostic);
        }
    }
    if seen.jobs == 0 && draft.errors.is_empty() {
        let hint = "each job is a line of 18 numbers; lines that begin with ; are comments";
        return Err(origin.diagnostic("the file has no jobs that ran").hint(hint).into());
    }
    note(draft, &origin.name, start.flatten(), &seen);
    let _ = options;
    Ok(())
}

/// `UnixStartTime` of the header, in seconds.
fn start_time(header: &BTreeMap<String, String>) -> Option<i64> {
    let text = header.get("UnixStartTime")?.split_ascii_whitespace().next()?;
    text.parse().ok().filter(|seconds| (0..LONGEST * 2).contains(seconds))
}

/// What is wrong with a line, and where: the column from 1, and the text there.
type Refused<'l> = (Option<(u64, &'l str)>, Wrong);

/// The fields of a line with the column in which each begins.
fn fields(line: &str) -> Vec<(u64, &str)> {
    let start = line.as_ptr() as usize;
    line.split_ascii_whitespace().map(|field| ((field.as_ptr() as usize - start) as u64 + 1, field)).collect()
}

/// A field in thousandths; none if it is negative, as unknown values are.
fn thousandths<'l>(
    fields: &[(u64, &'l str)],
    number: usize,
) -> std::result::Result<Option<i64>, Refused<'l>> {
    let (column, text) = fields[number - 1];
    let places = text.split_once('.').map_or(text.to_owned(), |(whole, places)| {
        format!("{whole}.{}", places.get(..places.len().min(9)).unwrap_or(places))
    });
    let value = match parse_decimal(&places, 3) {
        Ok(value) => Ok(Some(value)),
        Err(QuantityError::Negative) => Ok(None),
        // Some converters print floats.
        Err(error) => match text.parse::<f64>() {
            Ok(value) if value < 0.0 => Ok(None),
            Ok(value) if value < LONGEST as f64 => Ok(Some((value * 1_000.0).round() as i64)),
            _ => Err(error),
        },
    };
    let wrong = |message: String| Err((Some((column, text)), Wrong::new(message)));
    match value {
        Ok(Some(value)) if value > i64::MAX >> 8 => wrong(format!("field {number} is out of range")),
        Ok(value) => Ok(value),
        Err(QuantityError::OutOfRange) => wrong(format!("field {number} is out of range")),
        Err(_) => wrong(format!("field {number} is no number")),
    }
}

fn job<'l>(
    line: &'l str,
    number: u64,
    start: Option<i64>,
    draft: &mut Draft,
    rows: &mut FxHashMap<i64, u32>,
    seen: &mut Seen,
) -> std::result::Result<(), Refused<'l>> {
    let fields = fields(line);
    if fields.len() < FIELDS {
        let wrong = Wrong::new(format!("a job has {FIELDS} fields, this line has {}", fields.len()))
            .hint("unknown values are -1; comments begin with ;");
        return Err((None, wrong));
    }
    let field = |number: usize| thousandths(&fields, number);
    let whole = |number: usize| Ok::<_, Refused<'l>>(field(number)?.map(|value| value / 1_000));
    let seconds = |number: usize| {
        let value = field(number)?;
        match value.filter(|ms| *ms / 1_000 > LONGEST) {
            Some(_) => {
                Err((Some(fields[number - 1]), Wrong::new(format!("field {number} is more than 100 years"))))
            }
            None => Ok(value.map(Span::from_ms)),
        }
    };
    let Some(id) = whole(1)? else {
        return Err((Some(fields[0]), Wrong::new("the number of the job is negative")));
    };
    let (submit, wait, run) = (seconds(2)?, seconds(3)?, seconds(4)?);
    let processors = match whole(5)?.filter(|n| *n > 0) {
        Some(processors) => Some(processors),
        None => whole(8)?.filter(|n| *n > 0),
    };
    let (used, asked) = (whole(7)?.filter(|kb| *kb > 0), whole(10)?.filter(|kb| *kb > 0));
    let status = whole(11)?;
    let (application, preceding, think) = (whole(14)?, whole(17)?.filter(|id| *id > 0), seconds(18)?);
    let reason = match (status, submit, run, processors) {
        (Some(2..=4), ..) => {
            Some("parts of jobs that were stopped and went on later: the whole job has its own line")
        }
        (_, None, ..) => Some("without a submit time"),
        (Some(5), _, None, _) => Some("canceled before they ran"),
        (_, _, None, _) => Some("with an unknown or negative run time"),
        (.., None) => Some("with an unknown number of processors"),
        (.., Some(n)) if n > LARGEST_JOB => Some("asking for more than 192 processors, which no node has"),
        _ => None,
    };
    let (None, Some(submit), Some(run), Some(processors)) = (reason, submit, run, processors) else {
        draft.drop(Format::Swf, reason.unwrap_or("unknown"));
        return Ok(());
    };
    let submit = Time::from_ms(start.unwrap_or_default() * 1_000) + submit;
    let row = draft.row(number, &id.to_string());
    seen.jobs += 1;
    let previous = preceding.map(|id| (id, rows.get(&id).copied()));
    rows.insert(id, row as u32);
    let run_id = match previous {
        Some((previous, Some(before))) => {
            draft.word(row, |t| &mut t.depends_on, &previous.to_string());
            let trace = draft.trace();
            if let Some(think) = think {
                trace.trigger_delay.set(row, think);
            }
            trace.run_id.get(before as usize)
        }
        Some((_, None)) => {
            seen.lost_predecessors += 1;
            None
        }
        None => None,
    };
    let trace = draft.trace();
    let run_id: Word = run_id.unwrap_or_else(|| trace.words.intern(&id.to_string()));
    trace.run_id.set(row, run_id);
    trace.submit_time.set(row, submit);
    trace.work.set(row, run);
    trace.work_method.set(row, WorkMethod::Measured);
    if let Some(wait) = wait {
        trace.pod_created_time.set(row, submit);
        trace.start_time.set(row, submit + wait);
        trace.end_time.set(row, submit + wait + run);
        trace.finish_observed_time.set(row, submit + wait + run);
    }
    trace.state.set(
        row,
        match status {
            Some(0) => State::Failed,
            Some(5) => State::Canceled,
            _ => State::Succeeded,
        },
    );
    trace.cpu_request.set(row, Cpu::from_cores(processors));
    // Per processor, in units of 1,024 bytes.
    let plausible = |kb: Option<i64>| kb.filter(|kb| *kb <= PLAUSIBLE_KB);
    seen.large_memory += u64::from([used, asked].into_iter().flatten().any(|kb| kb > PLAUSIBLE_KB));
    let (used, asked) = (plausible(used), plausible(asked));
    if let Some(used) = used {
        trace.memory_usage_max_mib.set(row, (used * processors) as f64 / 1_024.0);
    }
    if let Some(memory) = asked.or(used) {
        seen.used_memory += u64::from(asked.is_none());
        trace.memory_request.set(row, Memory::from_bytes(memory * processors * 1_024));
    }
    if let Some(application) = application {
        draft.word(row, |t| &mut t.task_name, &format!("application {application}"));
    }
    if let Some(user) = whole(12)? {
        draft.word(row, |t| &mut t.project, &format!("user {user}"));
    }
    Ok(())
}

fn note(draft: &mut Draft, name: &str, start: Option<i64>, seen: &Seen) {
    if start.is_none() {
        draft.notes.push(format!(
            "{name} has no UnixStartTime: its times count from 1970-01-01 and are not real dates"
        ));
    }
    let counted = [
        (
            seen.large_memory,
            "with more than 64 GiB of memory for each processor: is it in bytes where the format has KB? Their memory is left out",
        ),
        (seen.used_memory, "without requested memory: what they used is taken as the request"),
        (seen.lost_predecessors, "waiting for a job that is not in the trace: they start as recorded"),
    ];
    for (count, what) in counted {
        if count > 0 {
            let jobs = if count == 1 { "job" } else { "jobs" };
            draft.notes.push(format!("{name} has {count} {jobs} {what}"));
        }
    }
}
