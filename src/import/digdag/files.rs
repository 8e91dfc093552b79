//! Which attempt a file of tasks belongs to: answers to `GET /api/attempts/27/tasks` do not say it, so their names must,
//! or what they have.

use std::path::Path;

use super::estate::{Document, Estate};
use super::rows::Attempt;
use crate::trace::SourceFile;
use crate::units::Span;

const HINT: &str = "put the attempt's id into the name of the file or of its directory, as in attempt_27_tasks.json or \
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
