//! Which pod ran which task: by the pod's name, by the task's id in it, or by a pattern that the user gives.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{PodKey, Span};
use crate::import::pods::PodSeen;
use crate::trace::Trace;
use crate::units::{Span as Duration, Time};

/// The names that Digdag's Kubernetes command executor gives to pods: task id, site id, UUID.
static DIGDAG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^digdag-pod-([0-9]+)-([0-9]+)-[0-9a-f-]{36}$").expect("the pattern is a valid one")
});

/// The groups that a user's pattern may have.
const GROUPS: [&str; 4] = ["task_id", "attempt_id", "task_name", "workflow"];
/// Those of which it needs one.
const DECIDING: [&str; 2] = ["task_id", "task_name"];

/// Clocks of the orchestrator and of the cluster differ by less.
const SKEW: Duration = Duration::from_secs(60);

/// A pod with its name.
#[derive(Clone, Debug)]
pub(super) struct NamedPod {
    pub namespace: String,
    pub name: String,
    pub seen: PodSeen,
}

impl NamedPod {
    /// The earliest thing that is known of it: what pods of one task are ordered by.
    pub fn begin(&self) -> Option<Time> {
        let PodSeen { created, scheduled, started, first_point, .. } = self.seen;
        created.or(scheduled).or(started).or(first_point.map(|point| point - self.half_step()))
    }

    /// The end of its container, as far as it was seen.
    pub fn end(&self) -> Option<Time> {
        let PodSeen { ended, last_point, deleted, .. } = self.seen;
        ended.or(last_point.map(|point| point + self.half_step())).or(deleted)
    }

    /// Metrics see a pod from half a step after its start on, and until half a step before its end, on average.
    fn half_step(&self) -> Duration {
        Duration::from_ms(self.seen.step.unwrap_or_default().ms() / 2)
    }
}

/// Pods of rows: indices into the list of pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Join {
    /// By the index of the span, in the order in which the pods began.
    pub of_span: BTreeMap<usize, Vec<usize>>,
    /// By row, of rows that nobody told the span of.
    pub of_row: BTreeMap<u32, usize>,
    pub unmatched: Vec<usize>,
    /// How many of those would have fit several rows.
    pub ambiguous: u64,
}

/// The task id in a name that Digdag gave.
pub(super) fn digdag_task(name: &str) -> Option<u64> {
    DIGDAG.captures(name)?.get(1)?.as_str().parse().ok()
}

/// Reads the regular expression of `--pod-pattern`.
///
/// # Errors
///
/// It cannot be read, or has none of the groups by which a pod could be found.
pub fn pattern(text: &str) -> Result<Regex, String> {
    let pattern = Regex::new(text).map_err(|error| error.to_string())?;
    let known = pattern.capture_names().flatten().any(|name| DECIDING.contains(&name));
    if let Some(unknown) = pattern.capture_names().flatten().find(|name| !GROUPS.contains(name)) {
        return Err(format!("there is no group {unknown}; the groups are {}", GROUPS.join(", ")));
    }
    if !known {
        return Err("name the group task_id or task_name, as in (?<task_id>[0-9]+)".into());
    }
    Ok(pattern)
}

/// Finds the row of every pod.
pub(super) fn join(trace: &Trace, spans: &[Span], pods: &[NamedPod], pattern: Option<&Regex>) -> Join {
    let index = Index::new(trace, spans);
    let mut join = Join::default();
    for (number, pod) in pods.iter().enumerate() {
        match index.find(pod, pattern) {
            Found::Span(span) => join.of_span.entry(span).or_default().push(number),
            // The first file that tells of a row's pod is as good as the others.
            Found::Row(row) => drop(join.of_row.entry(row).or_insert(number)),
            Found::Nothing => join.unmatched.push(number),
            Found::Several => {
                join.unmatched.push(number);
                join.ambiguous += 1;
            }
        }
    }
    for pods_of_span in join.of_span.values_mut() {
        pods_of_span.sort_by_key(|pod| (pods[*pod].begin(), *pod));
    }
    join
}

enum Found {
    Span(usize),
    Row(u32),
    Nothing,
    Several,
}

/// Rows by what pods may know of them.
struct Index<'a> {
    trace: &'a Trace,
    spans: &'a [Span],
    by_task: BTreeMap<u64, Vec<usize>>,
    /// Spans by the name of their pod.
    by_name: BTreeMap<&'a str, Vec<usize>>,
    rows_by_name: BTreeMap<&'a str, Vec<u32>>,
    by_task_id: BTreeMap<&'a str, Vec<usize>>,
    by_task_name: BTreeMap<String, InTime>,
}

/// Spans in order of their begin. A task that runs every minute has many, of which a pod fits one.
#[derive(Default)]
struct InTime {
    spans: Vec<usize>,
    /// The latest end of all spans up to each.
    latest: Vec<Time>,
}

impl InTime {
    fn sort(&mut self, all: &[Span]) {
        self.spans.sort_by_key(|span| all[*span].queued);
        let mut latest = Time::MIN;
        for span in &self.spans {
            latest = latest.max(all[*span].observed);
            self.latest.push(latest);
        }
    }

    /// Those that begin by `end` and are not known to have ended before `begin`, and perhaps some more.
    fn around(&self, all: &[Span], begin: Time, end: Time) -> &[usize] {
        let after = self.spans.partition_point(|span| all[*span].queued <= end);
        let before = self.latest[..after].partition_point(|latest| *latest < begin);
        &self.spans[before..after]
    }
}

impl<'a> Index<'a> {
    fn new(trace: &'a Trace, spans: &'a [Span]) -> Self {
        let mut index = Self {
            trace,
            spans,
            by_task: BTreeMap::new(),
            by_name: BTreeMap::new(),
            rows_by_name: BTreeMap::new(),
            by_task_id: BTreeMap::new(),
            by_task_name: BTreeMap::new(),
        };
        let mut has_span = vec![false; trace.rows()];
        for (number, span) in spans.iter().enumerate() {
            let row = span.row as usize;
            has_span[row] = true;
            let pod_name = match span.pod {
                PodKey::Name(word) => Some(word),
                PodKey::DigdagTask(_) | PodKey::None => trace.pod_name.get(row),
            };
            let pod_name = pod_name.map(|word| trace.words.get(word));
            // Who is known by a name of Digdag's may have had other pods before: each try has its own.
            let task = match span.pod {
                PodKey::DigdagTask(id) => Some(id),
                PodKey::Name(_) | PodKey::None => pod_name.and_then(digdag_task),
            };
            if let Some(id) = task {
                index.by_task.entry(id).or_default().push(number);
            }
            if let Some(name) = pod_name {
                index.by_name.entry(name).or_default().push(number);
            }
            index.by_task_id.entry(trace.task_id.get(row)).or_default().push(number);
            for name in spellings(trace.words.get(trace.word(&trace.task_name, row))) {
                index.by_task_name.entry(name).or_default().spans.push(number);
            }
        }
        for in_time in index.by_task_name.values_mut() {
            in_time.sort(spans);
        }
        for (row, _) in has_span.iter().enumerate().filter(|(_, has_span)| !**has_span) {
            if let Some(word) = trace.pod_name.get(row) {
                index.rows_by_name.entry(trace.words.get(word)).or_default().push(row as u32);
            }
        }
        index
    }

    fn find(&self, pod: &NamedPod, pattern: Option<&Regex>) -> Found {
        let name = pod.name.as_str();
        if let Some(spans) = self.by_name.get(name) {
            return self.one(spans, pod);
        }
        if let Some(rows) = self.rows_by_name.get(name) {
            let here = |row: &&u32| self.in_namespace(**row as usize, pod);
            let rows: Vec<u32> = rows.iter().filter(here).copied().collect();
            return match rows[..] {
                [] => Found::Nothing,
                [row] => Found::Row(row),
                _ => Found::Several,
            };
        }
        if let Some(task) = digdag_task(name) {
            return self.by_task.get(&task).map_or(Found::Nothing, |spans| self.one(spans, pod));
        }
        let captures = pattern.and_then(|pattern| pattern.captures(name));
        captures.map_or(Found::Nothing, |captures| self.by_pattern(&captures, pod))
    }

    fn by_pattern(&self, captures: &Captures, pod: &NamedPod) -> Found {
        let group = |name: &str| captures.name(name).map(|found| found.as_str());
        let spans: Vec<usize> = match (group("task_id"), group("task_name")) {
            (Some(task), _) => {
                let by_number = task.parse().ok().and_then(|task: u64| self.by_task.get(&task));
                by_number.or_else(|| self.by_task_id.get(task)).cloned().unwrap_or_default()
            }
            (None, Some(name)) => {
                let (Some(begin), Some(end)) = (pod.begin().or(pod.end()), pod.end().or(pod.begin())) else {
                    return Found::Nothing;
                };
                let named = self.by_task_name.get(&plain(name));
                named.map_or(&[][..], |in_time| in_time.around(self.spans, begin - SKEW, end + SKEW)).to_vec()
            }
            (None, None) => return Found::Nothing,
        };
        let fits = |span: &usize| {
            let row = self.spans[*span].row as usize;
            let word = |column| self.trace.words.get(self.trace.word(column, row));
            group("attempt_id").is_none_or(|run| word(&self.trace.run_id) == run)
                && group("workflow").is_none_or(|name| plain(word(&self.trace.workflow)) == plain(name))
        };
        let spans: Vec<usize> = spans.into_iter().filter(fits).collect();
        self.one(&spans, pod)
    }

    /// The only one of `spans` at the time of the pod: other clusters and years have pods of the same task ids.
    fn one(&self, spans: &[usize], pod: &NamedPod) -> Found {
        let only = |slack: Option<Duration>| {
            let fits = |span: &&usize| {
                let in_time = slack.is_none_or(|slack| self.overlaps(**span, pod, slack));
                in_time && self.in_namespace(self.spans[**span].row as usize, pod)
            };
            let mut fitting = spans.iter().filter(fits);
            match (fitting.next(), fitting.next()) {
                (None, _) => Found::Nothing,
                (Some(span), None) => Found::Span(*span),
                _ => Found::Several,
            }
        };
        if pod.begin().or(pod.end()).is_none() {
            return only(None);
        }
        match only(Some(Duration::ZERO)) {
            Found::Nothing => only(Some(SKEW)),
            found => found,
        }
    }

    /// Whether nothing says that the pod is of another namespace than the row.
    fn in_namespace(&self, row: usize, pod: &NamedPod) -> bool {
        let namespace = self.trace.words.get(self.trace.word(&self.trace.namespace, row));
        namespace.is_empty() || pod.namespace.is_empty() || namespace == pod.namespace
    }

    fn overlaps(&self, span: usize, pod: &NamedPod, slack: Duration) -> bool {
        let span = &self.spans[span];
        let begin = pod.begin().or(pod.end());
        let end = pod.end().or(begin);
        begin
            .zip(end)
            .is_some_and(|(begin, end)| begin <= span.observed + slack && end + slack >= span.queued)
    }
}

/// What a task may be called in the name of a pod: its whole path, and the last part of it.
fn spellings(path: &str) -> impl Iterator<Item = String> {
    let whole = plain(path);
    let last = path.rsplit(['+', '/', '.']).next().map(plain).filter(|last| *last != whole);
    [whole].into_iter().chain(last).filter(|name| !name.is_empty())
}

/// As names of Kubernetes objects are written: small letters, digits, and single dashes in between.
fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
