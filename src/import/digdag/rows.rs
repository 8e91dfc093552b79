//! From the tasks of one attempt to rows of the trace.

use std::borrow::Cow;

use super::edges::{Emit, walk};
use super::estate::{Estate, Later};
use super::pods::Role;
use super::task::{Settings, Task, TaskState};
use super::tree::Tree;
use super::waits::Wait;
use crate::import::Format;
use crate::import::draft::Draft;
use crate::import::evidence::{PodKey, Span};
use crate::trace::{Kind, Place, State};
use crate::units::{Span as Duration, Time};

/// An attempt without its tasks.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempt<'a> {
    pub id: u64,
    /// What stands for an id that nobody said.
    pub name: Option<String>,
    pub session: Option<u64>,
    pub project: Cow<'a, str>,
    pub workflow: Cow<'a, str>,
    pub session_time: Option<Time>,
    pub schedule_time: Option<Time>,
    pub created: Option<Time>,
    pub finished: Option<Time>,
    pub is_done: bool,
    /// It is not the first of its session.
    pub is_retry: bool,
    /// Settings of pods that hold for all tasks, outermost last.
    pub settings: Vec<Settings<'a>>,
    pub place: Place,
}

impl Attempt<'_> {
    pub fn run(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }

    pub fn is_running(&self) -> bool {
        self.finished.is_none() && !self.is_done
    }

    pub fn into_owned(self) -> Attempt<'static> {
        let owned = |text: Cow<str>| Cow::Owned(text.into_owned());
        Attempt {
            id: self.id,
            name: self.name,
            session: self.session,
            project: owned(self.project),
            workflow: owned(self.workflow),
            session_time: self.session_time,
            schedule_time: self.schedule_time,
            created: self.created,
            finished: self.finished,
            is_done: self.is_done,
            is_retry: self.is_retry,
            settings: self.settings.into_iter().map(Settings::into_owned).collect(),
            place: self.place,
        }
    }
}

/// Appends the rows of an attempt.
pub(super) fn attempt(draft: &mut Draft, estate: &mut Estate, attempt: &Attempt, tasks: &[Task]) {
    let tree = match Tree::new(tasks) {
        Ok(tree) => tree,
        Err(problem) => return estate.refuse(draft, attempt.place, attempt.id, problem),
    };
    let first = draft.trace().rows();
    let mut instants: Vec<Time> = tasks.iter().filter_map(|task| task.started_at.0).collect();
    let begin = attempt.created.or(instants.iter().min().copied()).unwrap_or_default();
    instants.extend(tasks.iter().filter_map(|task| task.updated_at.0));
    let end = instants.into_iter().chain(attempt.finished).chain([begin]).max().unwrap_or_default();
    estate.last = estate.last.max(Some(end));
    let trace = draft.trace();
    let run = trace.words.intern(&attempt.run());
    let workflow = trace.words.intern(&attempt.workflow);
    let project = trace.words.intern(&attempt.project);
    let mut rows = Rows {
        tree: &tree,
        draft,
        estate,
        attempt,
        tasks,
        words: [run, workflow, project],
        first,
        noticed: Vec::new(),
        begin,
        end: attempt.finished.filter(|finished| *finished >= begin).unwrap_or(end),
        is_running: attempt.is_running(),
    };
    match walk(&tree, tasks, &mut rows) {
        Ok(last) => {
            let end = rows.end;
            let is_running = rows.is_running;
            if rows.noticed.is_empty() {
                draft.drop(Format::Digdag, "attempts without a task that ran");
            }
            estate.converted(attempt, &last, end, is_running);
        }
        Err(problem) => estate.refuse(draft, attempt.place, attempt.id, problem),
    }
}

/// The rows of an attempt in the making.
pub(super) struct Rows<'r, 'a> {
    pub tree: &'r Tree,
    pub draft: &'r mut Draft,
    pub estate: &'r mut Estate,
    pub attempt: &'r Attempt<'a>,
    pub tasks: &'r [Task<'a>],
    /// Of the run, the workflow and the project.
    words: [crate::trace::Word; 3],
    /// The attempt's first row.
    first: usize,
    /// When the end of each row of the attempt was noticed.
    noticed: Vec<Option<Time>>,
    begin: Time,
    /// No task of the attempt was still running after this.
    end: Time,
    is_running: bool,
}

impl Emit for Rows<'_, '_> {
    fn task(&mut self, node: u32, after: &[u32]) -> Option<u32> {
        let task = &self.tasks[node as usize];
        let (Some(started), None) = (task.started_at.0, task.resuming_task_id.0) else {
            self.leave_out(node);
            return None;
        };
        let id = task.id.0.unwrap_or_default();
        let row = self.row(&id.to_string(), after);
        self.draft.word(row, |t| &mut t.task_name, &task.full_name.0);
        let submit = self.eligible(row, started, after);
        let queued = started.max(submit);
        let (state, ended) = self.ending(node, queued);
        let role = self.role(node);
        let trace = self.draft.trace();
        trace.state.set(row, state);
        if let Some(ended) = ended {
            trace.finish_observed_time.set(row, ended);
        }
        let key = self.pod(row, node, role, queued, ended);
        let later = Later { row: row as u32, queued, ended, key, role };
        match (role, ended) {
            (Role::Command, _) | (_, None) => self.estate.later.push(later),
            (Role::Pod, Some(_)) => later.pod(self.draft, Time::MIN),
            (Role::Control | Role::Wait, Some(_)) => later.step(self.draft, Time::MIN),
        }
        if role == Role::Wait {
            let (attempt, session) =
                (task.state_params.0.target_attempt(), task.state_params.0.target_session());
            if let (true, Some(ended)) = (attempt.or(session).is_some(), ended) {
                self.estate.waits.push(Wait { row: row as u32, queued, ended, attempt, session });
            }
        }
        self.noticed.push(ended);
        Some(row as u32)
    }

    fn join(&mut self, node: u32, place: &'static str, after: &[u32]) -> u32 {
        let id = format!("{}^{place}", self.tasks[node as usize].id.0.unwrap_or_default());
        let row = self.row(&id, after);
        let at = after.iter().filter_map(|row| self.noticed(*row)).max().unwrap_or(self.begin);
        let trace = self.draft.trace();
        trace.submit_time.set(row, at);
        trace.trigger_delay.set(row, Duration::ZERO);
        trace.state.set(row, State::Succeeded);
        trace.finish_observed_time.set(row, at);
        Later { row: row as u32, queued: at, ended: Some(at), key: PodKey::None, role: Role::Control }
            .step(self.draft, at);
        self.estate.counts.joins += 1;
        self.noticed.push(Some(at));
        row as u32
    }

    fn noticed(&self, row: u32) -> Option<Time> {
        self.noticed[row as usize - self.first]
    }
}

impl Rows<'_, '_> {
    fn row(&mut self, id: &str, after: &[u32]) -> usize {
        let row = self.draft.row_at(self.attempt.place, id);
        let trace = self.draft.trace();
        let [run, workflow, project] = self.words;
        trace.run_id.set(row, run);
        if !workflow.is_empty() {
            trace.workflow.set(row, workflow);
        }
        if !project.is_empty() {
            trace.project.set(row, project);
        }
        if let Some(time) = self.attempt.session_time {
            trace.session_time.set(row, time);
        }
        if let Some(time) = self.attempt.schedule_time {
            trace.schedule_time.set(row, time);
        }
        if !after.is_empty() {
            // Ids are digits, and `^` in those of joins: nothing to escape.
            let mut list = String::new();
            for before in after {
                if !list.is_empty() {
                    list.push(';');
                }
                list.push_str(trace.task_id.get(*before as usize));
            }
            let list = trace.words.intern(&list);
            trace.depends_on.set(row, list);
        }
        row
    }

    /// When the task could begin, by what it waits for; sets the columns that say so.
    fn eligible(&mut self, row: usize, started: Time, after: &[u32]) -> Time {
        let last = after.iter().filter_map(|before| self.noticed(*before)).max();
        let submit = match last {
            None if after.is_empty() => self.begin.min(started),
            None => started,
            Some(last) => {
                self.estate.counts.before_predecessors += u64::from(started < last);
                started.max(last)
            }
        };
        let trace = self.draft.trace();
        trace.submit_time.set(row, submit);
        if let Some(last) = last {
            trace.trigger_delay.set(row, submit - last);
        }
        submit
    }

    /// How the task's own run ended, and when Digdag noticed; `None` while it runs.
    fn ending(&mut self, node: u32, queued: Time) -> (State, Option<Time>) {
        let task = &self.tasks[node as usize];
        let state = task.state().unwrap_or(TaskState::Waiting);
        let noticed = if let Some(first) = self.tree.first_child_start(node) {
            // Its own part was over when its children could begin.
            (if state == TaskState::Error { State::Failed } else { State::Succeeded }, first)
        } else {
            let updated = task.updated_at.0.unwrap_or(self.end);
            match state {
                TaskState::Success => (State::Succeeded, updated),
                TaskState::Error | TaskState::GroupError => (State::Failed, updated),
                TaskState::Canceled => (State::Canceled, updated),
                TaskState::Waiting | TaskState::Running | TaskState::Planned => {
                    if self.is_running {
                        return (State::Running, None);
                    }
                    // The attempt ended without it.
                    (State::Canceled, self.end)
                }
            }
        };
        self.estate.counts.backwards += u64::from(noticed.1 < queued);
        (noticed.0, Some(noticed.1.max(queued)))
    }

    /// Counts a task without a run of its own; groups never have one.
    fn leave_out(&mut self, node: u32) {
        let task = &self.tasks[node as usize];
        if !self.tree.children(node).is_empty() {
            return;
        }
        let before = task.updated_at.0.is_some_and(|updated| updated < self.begin);
        let reason = match task.state() {
            _ if task.resuming_task_id.0.is_some() => "tasks resumed from an earlier attempt",
            Some(TaskState::Success) if before => "tasks resumed from an earlier attempt",
            Some(TaskState::Success) => "groups without tasks",
            Some(TaskState::Canceled) => "tasks canceled before they started",
            _ if self.is_running => "tasks that had not started when the export was made",
            _ => "tasks that never started, since something before them failed",
        };
        self.draft.drop(Format::Digdag, reason);
    }
}

impl Later {
    /// The row is a pod: its work is found from evidence. What still runs is cut at `last`.
    pub fn pod(&self, draft: &mut Draft, last: Time) {
        let observed = self.ended.unwrap_or(last).max(self.queued);
        draft.spans.push(Span {
            row: self.row,
            queued: self.queued,
            observed,
            first_log: None,
            pod: self.key,
        });
    }

    /// The row is a step inside Digdag.
    pub fn step(&self, draft: &mut Draft, last: Time) {
        let trace = draft.trace();
        let row = self.row as usize;
        trace.kind.set(row, if self.role == Role::Wait { Kind::Wait } else { Kind::Control });
        trace.start_time.set(row, self.queued);
        trace.end_time.set(row, self.ended.unwrap_or(last).max(self.queued));
    }
}
