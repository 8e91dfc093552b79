//! What to do with each record: rows of the database become rows of the trace at once, and are forgotten; what the REST
//! API answers is kept until the answers that belong together are there.

use chrono_tz::Tz;
use csv::StringRecord;

use super::estate::{self, Document, Estate, Workflow};
use super::logs::Logs;
use super::record::{Record, Schedule, Tasks};
use super::rows::{self, Attempt};
use super::schedule::Plan;
use super::task::{Settings, Task};
use crate::error::Result;
use crate::import::draft::Draft;
use crate::import::text::Origin;
use crate::trace::Place;

/// A file's record, and where it stands.
pub(super) struct Intake<'i> {
    pub draft: &'i mut Draft,
    pub estate: &'i mut Estate,
    pub origin: &'i Origin,
    pub line: u64,
    /// Of times without an offset.
    pub zone: Option<Tz>,
}

impl Intake<'_> {
    pub fn record(&mut self, mut record: Record) -> Result<()> {
        self.settle(&mut record)?;
        if let Some(attempt) = &mut record.last_attempt {
            self.settle(attempt)?;
        }
        let Record { attempts, sessions, workflows, files, .. } = &record;
        if attempts.is_some() || sessions.is_some() || workflows.is_some() || files.is_some() {
            return self.answer(record);
        }
        if !matches!(record.tasks, Tasks::None) || record.attempt_id.0.is_some() {
            return self.with_tasks(record);
        }
        if record.is_attempt() {
            self.attempt(&record, None);
        } else if record.is_session() {
            if let Some(attempt) = &record.last_attempt {
                self.attempt(attempt, Some(&record));
            }
        } else if record.is_workflow() {
            self.workflow(&record);
        }
        // Projects, schedules and what else servers answer say nothing of runs.
        Ok(())
    }

    fn settle(&self, record: &mut Record) -> Result<()> {
        for time in [&mut record.created_at, &mut record.finished_at] {
            time.settle(self.zone).map_err(|message| self.origin.diagnostic(message).line(self.line))?;
        }
        Ok(())
    }

    fn answer(&mut self, record: Record) -> Result<()> {
        for attempt in record.attempts.into_iter().flatten() {
            self.record(attempt)?;
        }
        for session in record.sessions.into_iter().flatten() {
            self.record(session)?;
        }
        for workflow in record.workflows.into_iter().flatten() {
            self.record(workflow)?;
        }
        if let Some(files) = record.files {
            self.estate.logs.push(Logs::new(&self.origin.name, files));
        }
        Ok(())
    }

    /// A row of the database, an archived list of tasks, or the answer to a request for tasks.
    fn with_tasks(&mut self, mut record: Record) -> Result<()> {
        match std::mem::take(&mut record.tasks) {
            Tasks::None => self.put(&record, None),
            Tasks::List(tasks) => self.put(&record, Some(tasks)),
            Tasks::Text(text) => match text.get() {
                None => self.put(&record, None),
                Some(text) => {
                    let tasks: Vec<Task> =
                        serde_json::from_str(text).map_err(|error| self.origin.bad_json(self.line, error))?;
                    self.put(&record, Some(tasks));
                }
            },
        }
        Ok(())
    }

    fn put(&mut self, record: &Record, tasks: Option<Vec<Task>>) {
        let place = self.place();
        let is_row = record.is_row();
        let id = record.attempt_id.0.or(record.id.0);
        let Some(tasks) = tasks.filter(|tasks| !tasks.is_empty()) else {
            if let (true, Some(id)) = (is_row, id) {
                let attempt = self.row(record, id).into_owned();
                self.estate.add_attempt(attempt);
            }
            return;
        };
        let id = id.or_else(|| tasks.first()?.attempt_id.0);
        if let (true, Some(id)) = (is_row, id) {
            let mut attempt = self.row(record, id);
            if attempt.workflow.is_empty() {
                attempt.workflow = estate::workflow(&tasks).unwrap_or_default().to_owned().into();
            }
            if !attempt.is_running() {
                self.estate.compare(&attempt);
                self.estate.attempts.remove(&id);
                if self.estate.is_done(id) {
                    self.estate.counts.again += 1;
                } else {
                    rows::attempt(self.draft, self.estate, &attempt, &tasks);
                }
                return;
            }
            self.estate.add_attempt(attempt.into_owned());
        }
        let tasks = tasks.into_iter().map(Task::into_owned).collect();
        // An archive is written when its attempt is finished.
        let archived = record.created_at.0.filter(|_| !is_row && id.is_some());
        self.estate.documents.push(Document {
            place,
            path: self.origin.name.clone(),
            attempt: id,
            archived,
            tasks,
        });
    }

    /// A list of tasks without anything around it.
    pub fn tasks(&mut self, tasks: Vec<Task>) {
        self.put(&Record::default(), Some(tasks));
    }

    fn row<'a>(&self, record: &'a Record, id: u64) -> Attempt<'a> {
        let params: Settings = record.params.read();
        let schedule: Schedule = record.schedule.read();
        let plan = Plan::of(&schedule, &record.timezone.0);
        let first = record.index.0.is_none_or(|index| index <= 1);
        Attempt {
            id,
            session: record.session_id.0,
            project: record.project.name.0.as_ref().into(),
            workflow: record.workflow_name.0.as_ref().into(),
            session_time: record.session_time.0,
            schedule_time: plan.filter(|_| first).and_then(|plan| plan.start(record.session_time.0?)),
            created: record.created_at.0,
            finished: record.finished_at.0,
            // 2: the attempt is done.
            is_done: record.state_flags.0.is_some_and(|flags| flags & 2 != 0),
            settings: vec![params],
            place: self.place(),
            ..Attempt::default()
        }
    }

    /// An attempt of the REST API; the last one of a session says less than others.
    fn attempt(&mut self, record: &Record, session: Option<&Record>) {
        let Some(id) = record.id.0 else { return };
        let place = self.place();
        let around = session.unwrap_or(record);
        let attempt = Attempt {
            id,
            session: session.map_or(record.session_id.0, |session| session.id.0),
            project: around.project.name.0.as_ref().into(),
            workflow: around.workflow.name.0.as_ref().into(),
            session_time: around.session_time.0,
            created: record.created_at.0,
            finished: record.finished_at.0,
            is_done: record.done.0 == "true",
            is_retry: record.index.0.is_some_and(|index| index > 1),
            settings: vec![record.params.read()],
            place,
            ..Attempt::default()
        };
        self.estate.add_attempt(attempt.into_owned());
    }

    fn workflow(&mut self, record: &Record) {
        let text = |text: &super::value::Str| text.get().unwrap_or_default().to_owned();
        let config = &record.config.0;
        self.estate.workflows.push(Workflow {
            project: text(&record.project.name),
            name: text(&record.name),
            settings: config.export.0.clone().into_owned(),
            plan: Plan::of(&config.schedule.0, &record.timezone.0),
        });
    }

    fn place(&self) -> Place {
        Place { file: self.draft.file, line: u32::try_from(self.line).unwrap_or(u32::MAX) }
    }
}

/// The columns of a table that are read, by their names in the database or in the REST API.
pub(super) struct Columns {
    at: Vec<(&'static str, usize)>,
}

impl Columns {
    const NAMES: [&'static str; 15] = [
        "attempt_id",
        "id",
        "index",
        "session_id",
        "project",
        "workflow_name",
        "session_time",
        "timezone",
        "state_flags",
        "created_at",
        "finished_at",
        "tasks",
        "params",
        "schedule",
        "done",
    ];

    /// `attempt_id`, `ATTEMPT_ID` and `attemptId` are the same.
    pub fn of(header: &[String]) -> Self {
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        let header: Vec<String> = header.iter().map(|name| plain(name)).collect();
        let place =
            |name: &'static str| Some((name, header.iter().position(|column| *column == plain(name))?));
        Self { at: Self::NAMES.into_iter().filter_map(place).collect() }
    }

    /// There are tasks, and what says of which attempt.
    pub fn are_attempts(&self) -> bool {
        let has = |name: &str| self.at.iter().any(|(column, _)| *column == name);
        has("tasks") && (has("attempt_id") || has("id"))
    }

    /// The record of a row, or the column that is wrong and how. Times without an offset are of `zone`.
    pub fn record<'r>(
        &self,
        row: &'r StringRecord,
        zone: Option<Tz>,
    ) -> std::result::Result<Record<'r>, (usize, String)> {
        use super::record::{Named, Nested};
        use super::stamp::Stamp;
        use super::value::{Id, Str, When, id, instant_in};
        let mut record = Record::default();
        for (name, at) in &self.at {
            let cell = row.get(*at).unwrap_or_default();
            let cell = if NULLS.contains(&cell.trim()) { "" } else { cell };
            let text = Str(cell.into());
            let wrong = |message| (*at, message);
            match *name {
                "attempt_id" => record.attempt_id = Id(id(whole(cell)).map_err(wrong)?),
                "id" => record.id = Id(id(whole(cell)).map_err(wrong)?),
                "index" => record.index = Id(id(whole(cell)).map_err(wrong)?),
                "session_id" => record.session_id = Id(id(whole(cell)).map_err(wrong)?),
                "state_flags" => record.state_flags = Id(id(whole(cell)).map_err(wrong)?),
                "project" => record.project = Named { name: text },
                "workflow_name" => record.workflow_name = text,
                "timezone" => record.timezone = text,
                "done" => record.done = text,
                "session_time" => record.session_time = When(instant_in(whole(cell), zone).map_err(wrong)?),
                "created_at" => record.created_at = Stamp::new(cell, zone).map_err(wrong)?,
                "finished_at" => record.finished_at = Stamp::new(cell, zone).map_err(wrong)?,
                "params" => record.params = Nested::Text(text),
                "schedule" => record.schedule = Nested::Text(text),
                _ => record.tasks = Tasks::Text(text),
            }
        }
        Ok(record)
    }
}

/// How tools write null: COPY in its text form, and consoles of databases.
const NULLS: [&str; 3] = ["\\N", "NULL", "null"];

/// A whole number that went through a column of floats, as `1.0`.
fn whole(cell: &str) -> &str {
    let cell = cell.trim();
    match cell.split_once('.') {
        Some((digits, zeros))
            if !zeros.is_empty()
                && zeros.bytes().all(|byte| byte == b'0')
                && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            digits
        }
        _ => cell,
    }
}
