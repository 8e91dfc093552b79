//! Which attempt a file of tasks belongs to: answers to `GET /api/attempts/27/tasks` do not say it, so their names must,
//! or what they have.

use std::collections::BTreeMap;
use std::path::Path;

use super::estate::Document;
use super::rows::Attempt;
use crate::units::Span;

const HINT: &str = "put the attempt's id into the name of the file or of its directory, as in attempt_27_tasks.json or \
                    27/tasks.json";

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

/// What is most likely the id, where no attempt is known.
pub(super) fn likely_id(path: &str) -> Option<u64> {
    let parts = numbers(path);
    parts.into_iter().take(2).find_map(|part| part.into_iter().max())
}

/// What stands for the id where there is none.
pub(super) fn stem(path: &str) -> String {
    let name =
        Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// The attempt of a document, or what is wrong and what to do.
pub(super) fn attempt_of(
    document: &Document,
    attempts: &BTreeMap<u64, Attempt>,
    is_known: impl Fn(u64) -> bool,
) -> Result<u64, (String, &'static str)> {
    for part in numbers(&document.path) {
        // An attempt that has its rows from the database cannot be looked at any more, but it has a name.
        let of_name = |id: &&u64| is_known(**id) && attempts.get(id).is_none_or(|a| fits(document, a));
        let mut found: Vec<u64> = part.iter().filter(of_name).copied().collect();
        found.sort_unstable();
        found.dedup();
        match found[..] {
            [] => {}
            [id] => return Ok(id),
            [a, b, ..] => {
                return Err((format!("these tasks may be of attempt {a} or {b}, by the name"), HINT));
            }
        }
    }
    let mut fitting = attempts.values().filter(|attempt| fits(document, attempt));
    match (fitting.next(), fitting.next()) {
        (Some(attempt), None) => Ok(attempt.id),
        (None, _) => Err(("these tasks fit no attempt that is known".to_owned(), HINT)),
        (Some(a), Some(b)) => {
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
