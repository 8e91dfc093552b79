//! What files told of attempts, until all are read; then what spans several: tasks that do not say their attempt, waits
//! for other runs, and what only the whole export shows.

use std::collections::BTreeMap;

use super::files;
use super::record::LogFile;
use super::rows::{self, Attempt, Role};
use super::task::{Settings, Task};
use super::tree::Problem;
use crate::error::{Diagnostic, Error, Result};
use crate::import::Format;
use crate::import::draft::Draft;
use crate::import::evidence::PodKey;
use crate::trace::{Place, State, escape_id};
use crate::units::{Span, Time};

/// Edges of one wait from which on the rows that it waits for are joined.
const MANY: usize = 8;

#[derive(Default)]
pub(crate) struct Estate {
    /// Attempts that have their rows.
    done: BTreeMap<u64, Done>,
    /// The last rows of attempts, end to end.
    lasts: Vec<u32>,
    pub(super) later: Vec<Later>,
    pub(super) waits: Vec<Wait>,
    pub(super) counts: Counts,
    /// Some task has a Docker image.
    pub(super) has_images: bool,
    /// The last instant that anything tells of.
    pub(super) last: Option<Time>,
    /// Attempts that have no rows yet.
    pub(super) attempts: BTreeMap<u64, Attempt<'static>>,
    pub(super) documents: Vec<Document>,
    pub(super) logs: Vec<Logs>,
    pub(super) workflows: Vec<Workflow>,
    /// A file of Digdag's, to complain of if there is nothing in any.
    pub(super) file: Option<String>,
}

struct Done {
    session: Option<u64>,
    end: Time,
    is_running: bool,
    lasts: std::ops::Range<u32>,
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

/// A row that waits for another run.
pub(super) struct Wait {
    pub row: u32,
    pub queued: Time,
    pub ended: Time,
    pub attempt: Option<u64>,
    pub session: Option<u64>,
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

/// First log times of an attempt's tasks.
pub(super) struct Logs {
    pub path: String,
    pub files: Vec<(String, Time)>,
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
    pub fn add_attempt(&mut self, attempt: Attempt<'static>) {
        let Some(known) = self.attempts.get_mut(&attempt.id) else {
            self.attempts.insert(attempt.id, attempt);
            return;
        };
        self.counts.again += 1;
        if known.is_running() && !attempt.is_running() {
            *known = attempt;
        }
    }

    pub(super) fn converted(&mut self, attempt: &Attempt, lasts: &[u32], end: Time, is_running: bool) {
        let start = self.lasts.len() as u32;
        self.lasts.extend_from_slice(lasts);
        let lasts = start..self.lasts.len() as u32;
        self.counts.attempts += 1;
        self.done.insert(attempt.id, Done { session: attempt.session, end, is_running, lasts });
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
        self.join_documents(draft);
        for attempt in self.attempts.values() {
            let reason = match attempt.is_running() {
                true => "attempts that were still running, without tasks",
                false => "attempts without tasks",
            };
            draft.drop(Format::Digdag, reason);
        }
        if self.counts.attempts == 0 && draft.errors.is_empty() {
            let Some(file) = self.file.take() else { return Ok(()) };
            return Err(no_tasks(file, self.attempts.keys().next_back().copied()));
        }
        self.settle_waits(draft);
        self.settle_later(draft);
        self.put_logs(draft);
        self.note(draft);
        Ok(())
    }

    fn join_documents(&mut self, draft: &mut Draft) {
        let documents = std::mem::take(&mut self.documents);
        let mut best: BTreeMap<u64, (Option<String>, Document)> = BTreeMap::new();
        let is_known = |id: u64| self.done.contains_key(&id) || self.attempts.contains_key(&id);
        let nothing_known = self.done.is_empty() && self.attempts.is_empty();
        let mut nameless = u64::MAX;
        for document in documents {
            let (id, name) = match document.attempt {
                Some(id) => (id, None),
                None if nothing_known => match files::likely_id(&document.path) {
                    Some(id) => (id, None),
                    None => {
                        nameless -= 1;
                        (nameless, Some(files::stem(&document.path)))
                    }
                },
                None => match files::attempt_of(&document, &self.attempts, is_known) {
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

    /// A wait for another run ends when that run does, if that is in the export; else it took what it took.
    fn settle_waits(&mut self, draft: &mut Draft) {
        let mut sessions: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (id, done) in &self.done {
            if let Some(session) = done.session {
                sessions.entry(session).or_default().push(*id);
            }
        }
        let mut joined: BTreeMap<u64, u32> = BTreeMap::new();
        let mut elsewhere = 0u64;
        for wait in std::mem::take(&mut self.waits) {
            let of_session = wait.session.and_then(|session| sessions.get(&session));
            let candidates = wait.attempt.as_slice().iter().chain(of_session.into_iter().flatten());
            let target = candidates
                .filter_map(|id| Some((*id, self.done.get(id)?)))
                .filter(|(_, done)| !done.is_running && !done.lasts.is_empty() && done.end <= wait.ended)
                .max_by_key(|(id, done)| (done.end, *id));
            let Some((id, done)) = target else {
                elsewhere += 1;
                continue;
            };
            let rows = self.lasts[done.lasts.start as usize..done.lasts.end as usize].to_vec();
            let rows = match rows.len() > MANY {
                true => vec![*joined.entry(id).or_insert_with(|| join_run(draft, &rows))],
                false => rows,
            };
            wait_for(draft, &wait, &rows);
        }
        if elsewhere > 0 {
            draft.notes.push(format!(
                "{} for runs that are not in the export, or had not ended by then: as long as recorded",
                plural(elsewhere, "wait")
            ));
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
                "no task of the Digdag export has a docker.image: all {} that run a command are taken as pods",
                plural(commands, "task")
            ));
        }
    }

    /// The first line of a task's log says when an agent took it.
    fn put_logs(&mut self, draft: &mut Draft) {
        let mut times: BTreeMap<(u64, &str), Vec<Time>> = BTreeMap::new();
        let is_known = |id: u64| self.done.contains_key(&id);
        let mut lost = 0u64;
        for logs in &self.logs {
            let Some(id) = files::known_id(&logs.path, is_known) else {
                lost += 1;
                continue;
            };
            for (task, time) in &logs.files {
                times.entry((id, task)).or_default().push(*time);
            }
        }
        if lost > 0 {
            draft.notes.push(format!(
                "{} not used: name each after its attempt, as in log-files-27.json",
                plural(lost, "list of log files")
            ));
        }
        if times.is_empty() {
            return;
        }
        let mut spans = std::mem::take(&mut draft.spans);
        let trace = draft.trace();
        for span in &mut spans {
            let row = span.row as usize;
            let id = trace.words.get(trace.word(&trace.run_id, row)).parse().unwrap_or(u64::MAX);
            let task = trace.words.get(trace.word(&trace.task_name, row));
            let Some(times) = times.get(&(id, task)) else { continue };
            // Tries of a group have one name: each has the first time after it was queued.
            let inside = |time: &&Time| **time >= span.queued && **time <= span.observed;
            span.first_log = times.iter().filter(inside).min().copied();
        }
        draft.spans = spans;
    }

    fn note(&self, draft: &mut Draft) {
        let counts = &self.counts;
        let lines = [
            (
                counts.again,
                "told of more than once in the Digdag files; what was told last of it counts",
                "attempt",
            ),
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
        for ((format, reason), count) in &draft.dropped {
            if *format == Format::Digdag {
                draft.notes.push(format!("no rows: {count} {reason}"));
            }
        }
    }
}

impl Document {
    fn newest(&self) -> Option<Time> {
        self.tasks.iter().filter_map(|task| task.updated_at.0).max()
    }

    /// Name of the workflow, as its root task has it.
    pub fn workflow(&self) -> Option<&str> {
        let root = self.tasks.iter().find(|task| task.parent_id.0.is_none())?;
        root.full_name.get().map(|name| name.strip_prefix('+').unwrap_or(name))
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

impl Logs {
    pub fn new(path: &str, files: Vec<LogFile>) -> Self {
        let file = |file: LogFile| Some((file.task_name.get()?.to_owned(), file.file_time.0?));
        Self { path: path.to_owned(), files: files.into_iter().filter_map(file).collect() }
    }
}

/// One row that ends when the last of `rows`, the last ones of a run, does.
fn join_run(draft: &mut Draft, rows: &[u32]) -> u32 {
    let first = rows[0] as usize;
    let trace = draft.trace();
    let at = rows.iter().filter_map(|row| trace.finish_observed_time.get(*row as usize)).max();
    let ids: Vec<&str> = rows.iter().map(|row| trace.task_id.get(*row as usize)).collect();
    let list = ids.join(";");
    let (place, run, workflow) = (trace.place[first], trace.run_id.get(first), trace.workflow.get(first));
    let row = draft.row_at(place, "^end");
    let trace = draft.trace();
    let list = trace.words.intern(&list);
    trace.depends_on.set(row, list);
    trace.run_id.set(row, run.unwrap_or_default());
    if let Some(workflow) = workflow {
        trace.workflow.set(row, workflow);
    }
    let at = at.unwrap_or_default();
    trace.submit_time.set(row, at);
    trace.trigger_delay.set(row, Span::ZERO);
    trace.finish_observed_time.set(row, at);
    trace.state.set(row, State::Succeeded);
    Later { row: row as u32, queued: at, ended: Some(at), key: PodKey::None, role: Role::Control }
        .step(draft, at);
    row as u32
}

/// The wait begins anew when the run that it waits for has ended: what is left is how long that took to be noticed.
fn wait_for(draft: &mut Draft, wait: &Wait, rows: &[u32]) {
    let row = wait.row as usize;
    let trace = draft.trace();
    let noticed = rows.iter().filter_map(|row| trace.finish_observed_time.get(*row as usize)).max();
    let Some(noticed) = noticed.filter(|noticed| *noticed <= wait.ended) else { return };
    let mut list = trace.words.get(trace.word(&trace.depends_on, row)).to_owned();
    for before in rows {
        let before = *before as usize;
        let run = trace.words.get(trace.word(&trace.run_id, before));
        if !list.is_empty() {
            list.push(';');
        }
        list.push_str(&format!("{}/{}", escape_id(run), trace.task_id.get(before)));
    }
    let list = trace.words.intern(&list);
    let begin = wait.queued.max(noticed);
    // What was waited for before has ended by `queued`, less the delay that was set for it.
    let before = trace.trigger_delay.get(row).map_or(Time::MIN, |delay| wait.queued - delay);
    trace.depends_on.set(row, list);
    trace.submit_time.set(row, begin);
    trace.trigger_delay.set(row, begin - noticed.max(before));
    trace.start_time.set(row, begin);
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

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
