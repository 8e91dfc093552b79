//! Which attempt a file of tasks belongs to: answers to `GET /api/attempts/27/tasks` do not say it, so their names must,
//! or what they have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::estate::{Document, Estate};
use super::rows::Attempt;
use crate::trace::SourceFile;
use crate::units::Span;

pub(super) const HINT: &str = "put the attempt's id into the name of the file or of its directory, as in attempt_27_tasks.json or \
                    27/tasks.json";
pub(super) const APART: &str = "ids are those of one server: import exports of different servers apart";

/// The numbers in the parts of a path, those of the file's name first.
fn numbers(path: &str) -> Vec<Vec<u64>> {
    let parts = Path::new(path).components().rev();
    parts.map(|part| digits(&part.as_os_str().to_string_lossy())).collect()
}

fn digits(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// The nearest number in the path that is the id of an attempt.
pub(super) fn known_id(path: &str, is_known: impl Fn(u64) -> bool) -> Option<u64> {
    numbers(path).into_iter().find_map(|part| part.into_iter().find(|id| is_known(*id)))
}

/// `20240131`, `2024-01`, `2024-01-31`, `20240131T0900Z`: days on which something was exported, and no ids.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    let date =
        r"(?:19|20)\d\d(?:[-_.](?:0[1-9]|1[0-2])(?:[-_.][0-3]\d)?|(?:0[1-9]|1[0-2])[0-3]\d)(?:[Tt]\d+)?";
    Regex::new(&format!(r"(^|\D){date}(\D|$)")).expect("the pattern is right")
});

/// A number behind the word for what it counts, in a file's name or in those of its directories.
static ATTEMPT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)attempts?[^a-z0-9]{0,2}(\d+)").expect("the pattern is right"));
static TASKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)tasks[^a-z0-9]{0,2}(\d+)").expect("the pattern is right"));

fn without_dates(part: &str) -> String {
    DATE.replace_all(part, "${1}x${2}").into_owned()
}

/// The number that a path calls an attempt's id.
fn labelled_id(path: &str) -> Option<u64> {
    let found = ATTEMPT.captures_iter(path).last()?;
    found[1].parse().ok()
}

/// What is most likely the id, where no attempt is known.
fn likely_id(path: &str) -> Option<u64> {
    let plain =
        Path::new(path).components().rev().map(|part| without_dates(&part.as_os_str().to_string_lossy()));
    let parts: Vec<String> = plain.take(2).collect();
    let near: Vec<&str> = parts.iter().rev().map(String::as_str).collect();
    let of_tasks = || TASKS.captures(parts.first()?)?[1].parse().ok();
    let largest = || parts.iter().find_map(|part| digits(part).into_iter().max());
    labelled_id(&near.join("/")).or_else(of_tasks).or_else(largest)
}

/// What stands for an attempt's id, and the name of its run if that is no id.
type Run = (u64, Option<String>);

/// What tells documents apart: the id in the path, the first task, the workflow.
type Key = (Option<u64>, Option<u64>, Option<String>);

/// Runs of documents of which no attempt is known: one each, unless they have the same tasks.
pub(super) struct Runs {
    /// Files with several such documents: their names cannot say the attempt of each.
    crowded: BTreeSet<String>,
    /// Attempts of other documents, which say theirs, by their first tasks.
    said: BTreeMap<u64, u64>,
    known: BTreeMap<Key, Run>,
    names: BTreeSet<String>,
    nameless: u64,
}

impl Runs {
    pub fn of(documents: &[Document]) -> Self {
        let mut seen = BTreeSet::new();
        let unsaid = documents.iter().filter(|document| document.attempt.is_none());
        let crowded =
            unsaid.filter(|document| !seen.insert(&document.path)).map(|document| document.path.clone());
        let said: BTreeMap<u64, u64> = documents
            .iter()
            .filter_map(|document| Some((document.first_task()?, document.attempt?)))
            .collect();
        Self {
            crowded: crowded.collect(),
            known: BTreeMap::new(),
            names: said.values().map(u64::to_string).collect(),
            said,
            nameless: u64::MAX,
        }
    }

    pub fn run(&mut self, document: &Document) -> Run {
        if let Some(id) = document.first_task().and_then(|task| self.said.get(&task)) {
            return (*id, None);
        }
        let likely = likely_id(&document.path).filter(|_| !self.crowded.contains(&document.path));
        let key = (likely, document.first_task(), document.workflow().map(str::to_owned));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let run = if let Some(id) = likely.filter(|id| self.names.insert(id.to_string())) {
            (id, None)
        } else {
            self.nameless -= 1;
            (self.nameless, Some(self.free_name(&stem(&document.path))))
        };
        self.known.insert(key, run.clone());
        run
    }

    fn free_name(&mut self, stem: &str) -> String {
        let mut name = stem.to_owned();
        let mut count = 1u64;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{stem}-{count}");
        }
        name
    }
}

/// What stands for the id where there is none.
fn stem(path: &str) -> String {
    let name =
        Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// The attempt of a document, or what is wrong and what to do; `files` are those that were read.
pub(super) fn attempt_of(
    document: &Document,
    estate: &Estate,
    files: &[SourceFile],
) -> Result<u64, (String, &'static str)> {
    // Of the name, and known, but not by what they have.
    let mut misfit = None;
    for part in numbers(&document.path) {
        let mut found = Vec::new();
        for attempt in part.iter().filter_map(|id| estate.known(*id)) {
            if fits(document, attempt) {
                found.push(attempt.id);
            } else {
                misfit = misfit.or(Some(attempt));
            }
        }
        found.sort_unstable();
        found.dedup();
        if let Some(id) = labelled_id(&document.path).filter(|id| found.contains(id)) {
            return Ok(id);
        }
        match found[..] {
            [] => {}
            [id] => return Ok(id),
            [a, b, ..] => {
                return Err((format!("these tasks may be of attempt {a} or {b}, by the name"), HINT));
            }
        }
    }
    let mut fitting = estate.all_known().filter(|attempt| fits(document, attempt));
    match (fitting.next(), fitting.next(), misfit) {
        (Some(attempt), None, _) => Ok(attempt.id),
        (None, _, Some(Attempt { id, place, .. })) => {
            let path = &files[place.file as usize].path;
            let message = format!(
                "by the name these are the tasks of attempt {id}, but their workflow or times are not those of \
                 attempt {id} in {path}"
            );
            Err((message, APART))
        }
        (None, _, None) => Err(("these tasks fit no attempt that is known".to_owned(), HINT)),
        (Some(a), Some(b), _) => {
            Err((format!("these tasks fit attempts {} and {}, and more may", a.id, b.id), HINT))
        }
    }
}

/// The workflow's name and all times agree. Servers with several clocks may be a second apart.
fn fits(document: &Document, attempt: &Attempt) -> bool {
    let slack = Span::from_secs(1);
    let is_inside = |task: &super::task::Task| {
        let started = task.started_at.0;
        let after = attempt.created.is_none_or(|created| started.is_none_or(|s| s + slack >= created));
        let ends = started.into_iter().chain(task.updated_at.0.filter(|_| started.is_some()));
        let before =
            attempt.finished.is_none_or(|finished| ends.max().is_none_or(|end| end <= finished + slack));
        after && before
    };
    document.workflow() == Some(&*attempt.workflow) && document.tasks.iter().all(is_inside)
}
