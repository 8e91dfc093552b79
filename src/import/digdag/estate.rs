//! What files told of attempts, until all are read; then what spans several: tasks that do not say their attempt, waits
//! for other runs, and what only the whole export shows.

use std::collections::BTreeMap;
use std::ops::Range;

use super::files;
use super::logs::{self, Logs};
use super::pods::Role;
use super::rows::{self, Attempt};
use super::task::{Settings, Task};
use super::tree::Problem;
use super::waits::{self, Wait};
use crate::error::{Diagnostic, Error, Result};
use crate::import::Format;
use crate::import::draft::Draft;
use crate::import::evidence::PodKey;
use crate::trace::Place;
use crate::units::Time;

#[derive(Default)]
pub(crate) struct Estate {
    /// Attempts that have their rows.
    pub(super) done: BTreeMap<u64, Done>,
    /// The last rows of attempts, end to end.
    pub(super) lasts: Vec<u32>,
    pub(super) later: Vec<Later>,
    pub(super) waits: Vec<Wait>,
    pub(super) counts: Counts,
    /// Some task has a Docker image.
    pub(super) has_images: bool,
    /// The last instant that anything tells of.
    pub(super) last: Option<Time>,
    /// Attempts that have no rows yet.
    pub(super) attempts: BTreeMap<u64, Attempt<'static>>,
    /// An id that two attempts have, and where these stand.
    conflict: Option<(u64, [Place; 2])>,
    pub(super) documents: Vec<Document>,
    pub(super) logs: Vec<Logs>,
    pub(super) workflows: Vec<Workflow>,
    /// A file of Digdag's, to complain of if there is nothing in any.
    pub(super) file: Option<String>,
}

/// An attempt that has its rows.
pub(super) struct Done {
    /// Without its settings: files of tasks are matched against all attempts, whichever was read first.
    pub attempt: Attempt<'static>,
    pub end: Time,
    pub is_running: bool,
    /// Its last rows, in [`Estate::lasts`].
    pub lasts: Range<u32>,
}

/// A row that can be settled only when all files are read: its task still runs, or may be a pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Later {
    pub row: u32,
    pub queued: Time,
    pub ended: Option<Time>,
    pub key: PodKey,
    pub role: Role,
}

/// Tasks that came without their attempt.
pub(super) struct Document {
    pub place: Place,
    /// Path of the file.
    pub path: String,
    pub attempt: Option<u64>,
    /// When they were archived: when the attempt was finished.
    pub archived: Option<Time>,
    pub tasks: Vec<Task<'static>>,
}

pub(super) struct Workflow {
    pub project: String,
    pub name: String,
    pub settings: Settings<'static>,
    pub plan: Option<super::schedule::Plan>,
}

#[derive(Default)]
pub(super) struct Counts {
    pub attempts: u64,
    pub again: u64,
    pub retried: u64,
    pub joins: u64,
    pub before_predecessors: u64,
    pub backwards: u64,
    pub no_quantity: u64,
    pub made_up: u64,
}

impl Estate {
    pub fn is_done(&self, attempt: u64) -> bool {
        self.done.contains_key(&attempt)
    }

    /// The same attempt may be told of several times; what was told when it had ended counts.
    pub(super) fn add_attempt(&mut self, attempt: Attempt<'static>) {
        self.compare(&attempt);
        if self.is_done(attempt.id) {
            return;
        }
        let Some(known) = self.attempts.get_mut(&attempt.id) else {
            self.attempts.insert(attempt.id, attempt);
            return;
        };
        // A server's lists repeat what single answers say: nothing to tell anybody of.
        if known.is_running() && !attempt.is_running() {
            *known = attempt;
        }
    }

    /// Ids are unique on one server only: the same id with another workflow or session is of another server.
    pub(super) fn compare(&mut self, attempt: &Attempt) {
        let Some(known) = self.known(attempt.id) else { return };
        let workflows = [&known.workflow, &attempt.workflow];
        let is_other = (workflows[0] != workflows[1] && workflows.iter().all(|name| !name.is_empty()))
            || known.session.zip(attempt.session).is_some_and(|(a, b)| a != b);
        if is_other && self.conflict.is_none() {
            self.conflict = Some((attempt.id, [known.place, attempt.place]));
        }
    }

    pub(super) fn known(&self, id: u64) -> Option<&Attempt<'static>> {
        self.done.get(&id).map(|done| &done.attempt).or_else(|| self.attempts.get(&id))
    }

    /// All attempts that anything tells of, with rows or without.
    pub(super) fn all_known(&self) -> impl Iterator<Item = &Attempt<'static>> {
        self.done.values().map(|done| &done.attempt).chain(self.attempts.values())
    }

    pub(super) fn converted(&mut self, attempt: &Attempt, lasts: &[u32], end: Time, is_running: bool) {
        let start = self.lasts.len() as u32;
        self.lasts.extend_from_slice(lasts);
        let lasts = start..self.lasts.len() as u32;
        self.counts.attempts += 1;
        let attempt = Attempt { settings: Vec::new(), ..attempt.clone() }.into_owned();
        self.done.insert(attempt.id, Done { attempt, end, is_running, lasts });
    }

    pub(super) fn refuse(&mut self, draft: &mut Draft, place: Place, attempt: u64, problem: Problem) {
        self.counts.attempts += 1;
        let name = draft.trace().files[place.file as usize].path.clone();
        let message = format!("attempt {attempt}: {}", problem.message);
        let mut diagnostic = Diagnostic::new(name, message).hint(problem.hint);
        diagnostic.line = (place.line > 0).then_some(u64::from(place.line));
        draft.error(diagnostic);
    }

    /// Everything is read.
    pub fn finish(&mut self, draft: &mut Draft) -> Result<()> {
        let path = |place: Place| draft.reading.trace.files[place.file as usize].path.clone();
        if let Some((id, [first, second])) = self.conflict.take() {
            let (first, second) = (path(first), path(second));
            let message = format!("attempt {id} has another workflow or session here than in {first}");
            return Err(Diagnostic::new(second, message).hint(files::APART).into());
        }
        self.join_documents(draft);
        for attempt in self.attempts.values() {
            let reason = if attempt.is_running() {
                "attempts that were still running, without tasks"
            } else {
                "attempts without tasks"
            };
            draft.drop(Format::Digdag, reason);
        }
        if self.counts.attempts == 0 && draft.errors.is_empty() {
            let Some(file) = self.file.take() else { return Ok(()) };
            if draft.trace().files.iter().any(|file| file.format != Format::Digdag.name()) {
                draft
                    .notes
                    .push(format!("{file}: the Digdag files have no tasks: nothing is taken from them"));
                return Ok(());
            }
            return Err(no_tasks(file, self.attempts.keys().next_back().copied()));
        }
        waits::settle(self, draft);
        self.settle_later(draft);
        logs::put(self, draft);
        self.note(draft);
        Ok(())
    }

    fn join_documents(&mut self, draft: &mut Draft) {
        let documents = std::mem::take(&mut self.documents);
        let mut best: BTreeMap<u64, (Option<String>, Document)> = BTreeMap::new();
        let nothing_known = self.done.is_empty() && self.attempts.is_empty();
        let mut runs = files::Runs::of(&documents);
        for document in documents {
            let (id, name) = match document.attempt {
                Some(id) => (id, None),
                None if nothing_known => runs.run(&document),
                None => match files::attempt_of(&document, self, &draft.reading.trace.files) {
                    Ok(id) => (id, None),
                    Err((message, hint)) => {
                        let mut diagnostic = Diagnostic::new(&document.path, message).hint(hint);
                        diagnostic.line = Some(u64::from(document.place.line));
                        self.counts.attempts += 1;
                        draft.error(diagnostic);
                        continue;
                    }
                },
            };
            if self.done.contains_key(&id) {
                self.counts.again += 1;
                continue;
            }
            if let Some((_, known)) = best.get(&id)
                && known.first_task() != document.first_task()
            {
                draft.error(document.is_not(known, id));
                continue;
            }
            match best.get(&id) {
                Some((_, known)) if known.newest() >= document.newest() => self.counts.again += 1,
                Some(_) => {
                    self.counts.again += 1;
                    best.insert(id, (name, document));
                }
                None => drop(best.insert(id, (name, document))),
            }
        }
        for (id, (name, document)) in best {
            let mut attempt = self.attempts.remove(&id).unwrap_or_else(|| {
                self.counts.made_up += 1;
                document.made_up(id, name)
            });
            attempt.place = document.place;
            self.describe(&mut attempt);
            rows::attempt(draft, self, &attempt, &document.tasks);
        }
    }

    /// What the definition of its workflow says of an attempt.
    fn describe(&self, attempt: &mut Attempt<'static>) {
        let is_its = |workflow: &&Workflow| {
            workflow.name == attempt.workflow
                && (workflow.project == attempt.project || attempt.project.is_empty())
        };
        let Some(workflow) = self.workflows.iter().rfind(is_its) else { return };
        attempt.settings.push(workflow.settings.clone());
        if let (false, Some(plan), Some(session)) = (attempt.is_retry, workflow.plan, attempt.session_time) {
            attempt.schedule_time = plan.start(session);
        }
    }

    fn settle_later(&mut self, draft: &mut Draft) {
        let last = self.last.unwrap_or_default();
        let mut commands = 0u64;
        for later in std::mem::take(&mut self.later) {
            let is_pod = match later.role {
                Role::Command => !self.has_images,
                role => role == Role::Pod,
            };
            commands += u64::from(later.role == Role::Command);
            if is_pod { later.pod(draft, last) } else { later.step(draft, last) }
        }
        if commands > 0 && self.has_images {
            draft.notes.push(format!(
                "{} without a docker.image run a command inside Digdag's agent: they are no pods",
                plural(commands, "task")
            ));
        } else if commands > 0 {
            draft.notes.push(format!(
                "no task of the Digdag export has a docker.image: what runs a command is taken as a pod ({})",
                plural(commands, "task")
            ));
        }
    }

    fn note(&self, draft: &mut Draft) {
        let counts = &self.counts;
        let lines = [
            (counts.again, "exported more than once: it counts once, as it was last", "attempt"),
            (
                counts.retried,
                "retried in place: its work is that of all its tries, unless pods tell more",
                "task",
            ),
            (
                counts.before_predecessors,
                "begun before what it waited for was seen to end: it waits for it here",
                "task",
            ),
            (counts.backwards, "ended before it began: it takes no time here", "task"),
            (
                counts.no_quantity,
                "no Kubernetes quantity, perhaps an expression: left out",
                "request or limit",
            ),
            (
                counts.made_up,
                "of which only tasks are known: begun with its first task, and without a project",
                "attempt",
            ),
        ];
        for (count, what, noun) in lines {
            if count > 0 {
                draft.notes.push(format!("{} {what}", plural(count, noun)));
            }
        }
    }
}

impl Document {
    fn newest(&self) -> Option<Time> {
        self.tasks.iter().filter_map(|task| task.updated_at.0).max()
    }

    /// The root, which every list of an attempt's tasks has, however early it was asked for.
    pub fn first_task(&self) -> Option<u64> {
        self.tasks.iter().filter_map(|task| task.id.0).min()
    }

    fn is_not(&self, known: &Self, attempt: u64) -> Diagnostic {
        let (mine, other) = (self.first_task().unwrap_or_default(), known.first_task().unwrap_or_default());
        let message = format!(
            "these tasks begin with {mine}, those of {} with {other}: they cannot both be attempt {attempt}",
            known.path
        );
        let mut diagnostic = Diagnostic::new(&self.path, message).hint(files::HINT);
        diagnostic.line = Some(u64::from(self.place.line));
        diagnostic
    }

    pub fn workflow(&self) -> Option<&str> {
        workflow(&self.tasks)
    }

    fn made_up(&self, id: u64, name: Option<String>) -> Attempt<'static> {
        use super::task::TaskState::{Canceled, Error, GroupError, Success};
        let is_over = |task: &Task| {
            task.parent_id.0.is_some()
                || matches!(task.state(), Some(Success | GroupError | Error | Canceled))
        };
        Attempt {
            id,
            name,
            workflow: self.workflow().unwrap_or_default().to_owned().into(),
            finished: self.archived,
            is_done: self.tasks.iter().all(is_over),
            ..Attempt::default()
        }
    }
}

/// Name of the workflow, as its root task has it.
pub(super) fn workflow<'t>(tasks: &'t [Task]) -> Option<&'t str> {
    let root = tasks.iter().find(|task| task.parent_id.0.is_none())?;
    root.full_name.get().map(|name| name.strip_prefix('+').unwrap_or(name))
}

fn no_tasks(file: String, attempt: Option<u64>) -> Error {
    let request = match attempt {
        Some(id) => format!("GET /api/attempts/{id}/tasks, and so for every other attempt"),
        None => "GET /api/attempts and, for each, GET /api/attempts/ID/tasks".to_owned(),
    };
    Diagnostic::new(file, "the Digdag files have no tasks: nothing to replay")
        .hint(format!("add what {request} answers, or export task_archives from the database"))
        .into()
}

pub(super) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
