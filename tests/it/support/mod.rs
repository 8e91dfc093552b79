//! What the tests of whole replays share: traces built row by row, the road from rows to a report, and the
//! checks that hold for every replay.

#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::fmt::Write as _;
use std::path::Path;

use cost_sim::catalog::Snapshot;
use cost_sim::platform::{
    Fargate, GroupSize, Kind, NodeGroup, NodeGroups, Platform, Scenario, Settings, Step,
};
use cost_sim::replay::{PlatformRun, Setup, Study};
use cost_sim::report::Report;
use cost_sim::trace::{self, ReadOptions};
use cost_sim::units::{Memory, Span, Time};

pub mod autoscaled;
mod disruption;
pub mod generate;
mod laws;
pub use laws::assert_laws;

/// 2024-01-01T00:00:00Z.
pub const NEW_YEAR: i64 = 1_704_067_200_000;

/// A row of a trace. Times are milliseconds since the epoch, durations milliseconds, sizes MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub run: String,
    pub task: String,
    pub attempt: u32,
    pub kind: &'static str,
    pub workflow: String,
    pub state: &'static str,
    pub depends_on: Vec<String>,
    pub trigger_delay: Option<i64>,
    pub submit: i64,
    pub created: Option<i64>,
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub observed: Option<i64>,
    pub work: Option<i64>,
    pub cpu: Option<i64>,
    pub memory: Option<i64>,
    pub ephemeral: Option<i64>,
    pub image: &'static str,
    pub image_size: Option<i64>,
    pub priority: i32,
    pub node_selector: &'static str,
    pub tolerations: &'static str,
    pub source_platform: &'static str,
    pub namespace: &'static str,
    pub protected: bool,
    pub retry_limit: Option<i64>,
    /// Every so many milliseconds of work are saved.
    pub checkpoint: Option<i64>,
}

impl Row {
    /// A pod of 500m and 1 GiB without a run of its own, eligible `at` ms after the new year.
    pub fn pod(task: &str, at: i64, work: i64) -> Self {
        Self {
            task: task.to_owned(),
            attempt: 1,
            kind: "pod",
            submit: NEW_YEAR + at,
            work: Some(work),
            cpu: Some(500),
            memory: Some(1_024),
            image: "app",
            image_size: Some(0),
            ..Self::default()
        }
    }

    /// The same row as part of a run.
    pub fn of(self, run: &str, depends_on: &[&str]) -> Self {
        Self {
            run: run.to_owned(),
            depends_on: depends_on.iter().map(|&task| task.to_owned()).collect(),
            ..self
        }
    }

    /// All times moved by `ms`.
    pub fn shifted(mut self, ms: i64) -> Self {
        self.submit += ms;
        for time in [&mut self.created, &mut self.start, &mut self.end, &mut self.observed] {
            *time = time.map(|t| t + ms);
        }
        self
    }
}

const HEADER: &str = "run_id,task_id,attempt,kind,workflow,state,depends_on,trigger_delay_seconds,submit_time,\
    pod_created_time,start_time,end_time,finish_observed_time,work_seconds,cpu_request_milli,\
    memory_request_mib,ephemeral_storage_mib,image,image_size_mib,priority,node_selector,tolerations,\
    source_platform,namespace,do_not_disrupt,retry_limit,checkpoint_interval_seconds\n";

pub fn time_text(ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(ms).expect("a time of a trace");
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

pub fn csv(rows: &[Row]) -> String {
    let mut text = HEADER.to_owned();
    let optional = |value: Option<i64>| value.map(|v| v.to_string()).unwrap_or_default();
    let time = |value: Option<i64>| value.map(time_text).unwrap_or_default();
    for row in rows {
        let cells = [
            row.run.clone(),
            row.task.clone(),
            row.attempt.to_string(),
            row.kind.to_owned(),
            row.workflow.clone(),
            row.state.to_owned(),
            row.depends_on.join(";"),
            row.trigger_delay.map(seconds).unwrap_or_default(),
            time_text(row.submit),
            time(row.created),
            time(row.start),
            time(row.end),
            time(row.observed),
            row.work.map(seconds).unwrap_or_default(),
            optional(row.cpu),
            optional(row.memory),
            optional(row.ephemeral),
            row.image.to_owned(),
            optional(row.image_size),
            row.priority.to_string(),
            row.node_selector.to_owned(),
            row.tolerations.to_owned(),
            row.source_platform.to_owned(),
            row.namespace.to_owned(),
            row.protected.to_string(),
            optional(row.retry_limit),
            row.checkpoint.map(seconds).unwrap_or_default(),
        ];
        writeln!(text, "{}", cells.join(",")).unwrap();
    }
    text
}

/// Settings under which every step of start-up and of the orchestrator takes no time, unless the trace says so.
pub fn instant_settings() -> Settings {
    let zero = Step::constant(Span::ZERO);
    let mut settings = Settings::default();
    let s = &mut settings.startup;
    for step in [
        &mut s.launch_to_pending,
        &mut s.pending_to_kernel,
        &mut s.kernel_to_registered,
        &mut s.registered_to_ready,
        &mut s.container_create,
        &mut s.fargate_register,
    ] {
        *step = zero;
    }
    settings.orchestrator.dispatch_delay = zero;
    settings.orchestrator.detection_lag = zero;
    settings.defaults.image_size = Memory::ZERO;
    settings
}

pub fn fargate() -> Platform {
    let (launch_burst, launch_rate) = (1_000_000, 1_000);
    let kind = Fargate { launch_burst, launch_rate, ..Fargate::default() };
    Platform { name: "fargate".into(), kind: Kind::Fargate(kind) }
}

pub fn group(instance_type: &str, nodes: u32) -> Platform {
    let kind = NodeGroup {
        instance_type: Some(instance_type.into()),
        size: GroupSize::Fixed(nodes),
        ..NodeGroup::default()
    };
    let kind = Kind::NodeGroups(NodeGroups { groups: vec![kind], ..NodeGroups::default() });
    Platform { name: format!("{nodes}x-{instance_type}"), kind }
}

pub fn recorded() -> Platform {
    Platform { name: "recorded".into(), kind: Kind::Recorded }
}

/// A trace read and put together with settings and platforms.
pub fn study_of_files(
    path: &Path,
    settings: Settings,
    platforms: &[Platform],
) -> cost_sim::error::Result<Study> {
    let read = trace::read(&[path.to_owned()], &ReadOptions::default(), &mut |_| {})?;
    let scenario = Scenario { settings, platforms: platforms.to_vec(), ..Scenario::default() };
    Study::new(scenario, Snapshot::embedded(), read, false)
}

pub fn study_of_text(
    csv: &str,
    meta: Option<&str>,
    settings: Settings,
    platforms: &[Platform],
) -> cost_sim::error::Result<Study> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.csv");
    std::fs::write(&path, csv).unwrap();
    if let Some(meta) = meta {
        std::fs::write(dir.path().join("trace.meta.json"), meta).unwrap();
    }
    study_of_files(&path, settings, platforms)
}

pub fn study(rows: &[Row], settings: Settings, platforms: &[Platform]) -> Study {
    study_of_text(&csv(rows), None, settings, platforms).unwrap_or_else(|error| panic!("{}", error.render()))
}

/// Runs all platforms of a study and summarises them.
pub fn replay(study: &Study) -> (Vec<PlatformRun>, Report) {
    let resolved = study.resolve().unwrap_or_else(|error| panic!("{}", error.render()));
    let runs = study.setup().run(&resolved.platforms, 1, &|| ());
    let mut report = study.report(&resolved, &runs).unwrap_or_else(|error| panic!("{}", error.render()));
    // The only thing that depends on where the test runs.
    for input in &mut report.inputs.traces {
        "trace.csv".clone_into(&mut input.path);
    }
    (runs, report)
}

/// Runs `rows` on one platform and asserts the laws of every replay.
pub fn replay_one(rows: &[Row], settings: Settings, platform: Platform) -> (Study, PlatformRun, Report) {
    let study = study(rows, settings, &[platform]);
    let (mut runs, report) = replay(&study);
    assert_laws(&study.setup(), &runs, &report);
    let run = runs.pop().expect("one platform was asked for");
    (study, run, report)
}

/// The step of the row with this run and task (and the first attempt).
pub fn step_of(setup: &Setup, run: &str, task: &str) -> u32 {
    let trace = setup.trace;
    let is = |step: &u32| {
        let row = setup.workload.steps.row[*step as usize] as usize;
        trace.words.get(trace.word(&trace.run_id, row)) == run
            && trace.task_id.get(row) == task
            && trace.attempt.get(row).unwrap_or(1) == 1
    };
    (0..setup.workload.steps.len() as u32).find(is).unwrap_or_else(|| panic!("no row {run}/{task}"))
}

/// Milliseconds after the new year.
pub fn ms(time: Time) -> i64 {
    time.ms() - NEW_YEAR
}
