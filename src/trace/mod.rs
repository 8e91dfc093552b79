//! The canonical trace: what pods a team ran, when, and for how long, as read from files.
//!
//! One row is one pod execution (one container run of one task try), or a step of the workflow engine that is
//! no pod. This module knows file formats and single rows; it does not know the dependency graph (that is
//! `workload`) and nothing of simulation. `docs/trace-format.md` describes every column for users.

mod cell;
mod columns;
mod evidence;
mod grow;
mod growth;
mod header;
mod lists;
mod locate;
mod meta;
mod numbers;
pub(crate) mod open;
mod parquet;
mod points;
mod read;
mod read_csv;
mod row;
mod schema;
mod times;
mod window;
mod write;

pub use cell::Refusal;
pub use columns::{Column, Text, Word, Words};
pub use evidence::{Dropped, Evidence, StartUp, StartUpSource};
pub use grow::grow;
pub use growth::{Factor, Growth};
pub use lists::{escape_id, split_list, split_reference, split_references};
pub use locate::{RowProblem, locate};
pub(crate) use meta::SideFile;
pub use parquet::{write as write_parquet, write_to as write_parquet_to};
pub use points::UsagePoints;
/// Reading other Parquet files cell by cell, safe from damaged ones.
pub(crate) mod parquet_cells {
    pub(crate) use super::parquet::{each_cell, guarded, is_plausible, is_readable};
}
pub use read::{Embedded, ReadOptions, read, read_embedded};
pub(crate) use read::{Reading, side_file};
pub use times::parse_time;
pub use write::{canonical_order, sha256, tasks_sha256, write_csv};

use crate::units::{Cpu, Memory, Span, Time};

/// A trace as it stands in its files: one entry per row in every column, in file order.
///
/// Columns that the files do not have, or leave empty in a row, give `None` there. Defaults are applied later,
/// by `workload`, so that a report can say how many rows needed them.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub files: Vec<SourceFile>,
    pub words: Words,
    /// Where each row was read: index of its file, and the line there (1-based; for Parquet the row).
    pub place: Vec<Place>,

    // Identity and structure.
    pub task_id: Text,
    pub run_id: Column<Word>,
    /// `;`-separated task ids, still escaped.
    pub depends_on: Column<Word>,
    /// Try number, from 1.
    pub attempt: Column<u32>,
    pub kind: Column<Kind>,
    pub state: Column<State>,
    pub exit_reason: Column<Word>,
    pub workflow: Column<Word>,
    pub task_name: Column<Word>,
    pub project: Column<Word>,
    pub namespace: Column<Word>,
    pub pod_name: Column<Word>,

    // Times of the orchestrator and of the source platform.
    pub submit_time: Column<Time>,
    pub session_time: Column<Time>,
    pub schedule_time: Column<Time>,
    pub pod_created_time: Column<Time>,
    pub scheduled_time: Column<Time>,
    pub start_time: Column<Time>,
    pub end_time: Column<Time>,
    pub finish_observed_time: Column<Time>,
    pub deleted_time: Column<Time>,
    pub deadline_time: Column<Time>,
    pub trigger_delay: Column<Span>,
    pub queue: Column<Span>,
    pub provision: Column<Span>,
    pub image_pull: Column<Span>,

    // Work. `work` is filled from start and end where the file gives only those.
    pub work: Column<Span>,
    pub work_method: Column<WorkMethod>,
    pub checkpoint_interval: Column<Span>,

    // Requests and limits.
    pub cpu_request: Column<Cpu>,
    pub memory_request: Column<Memory>,
    pub cpu_limit: Column<Cpu>,
    pub memory_limit: Column<Memory>,
    pub ephemeral_storage: Column<Memory>,
    pub gpu_request_milli: Column<i64>,

    // Observed usage: for right-sizing and CPU scaling only, it never changes a bill by itself.
    pub cpu_usage_avg_milli: Column<f64>,
    pub cpu_usage_p95_milli: Column<f64>,
    pub cpu_usage_max_milli: Column<f64>,
    pub cpu_seconds: Column<f64>,
    pub memory_usage_avg_mib: Column<f64>,
    pub memory_usage_max_mib: Column<f64>,

    // Placement and behaviour on the simulated platform.
    pub image: Column<Word>,
    /// Compressed size.
    pub image_size: Column<Memory>,
    pub arch: Column<PodArch>,
    pub node_selector: Column<Word>,
    pub tolerations: Column<Word>,
    pub do_not_disrupt: Column<bool>,
    pub interruptible: Column<bool>,
    pub max_interruptions: Column<u32>,
    pub owner_kind: Column<OwnerKind>,
    pub priority: Column<i32>,
    pub retry_limit: Column<u32>,
    pub retry_interval: Column<Span>,
    pub retry_group: Column<Word>,

    // Where it ran.
    pub source_platform: Column<SourcePlatform>,
    pub source_node: Column<Word>,
    pub source_instance_type: Column<Word>,

    pub labels: Column<Word>,
    /// Measurements behind the usage columns, where the source has them; not part of the canonical form.
    pub points: UsagePoints,
    /// How the rows came about, where they are from other formats; not part of the canonical form either.
    pub evidence: Evidence,
    /// Columns that are not of the schema, kept as labels under their own names.
    pub unknown: Vec<(String, Column<Word>)>,
}

impl Trace {
    pub fn rows(&self) -> usize {
        self.task_id.len()
    }

    /// The word of `row` in `column`; the empty word where there is none.
    pub fn word(&self, column: &Column<Word>, row: usize) -> Word {
        column.get(row).unwrap_or_default()
    }

    /// Gives `to` what `from` has in every column but its task id.
    pub(crate) fn copy_row(&mut self, from: usize, to: usize) {
        for field in schema::Field::ALL {
            field.copy(self, from, to);
        }
        for (_, column) in &mut self.unknown {
            if let Some(word) = column.get(from) {
                column.set(to, word);
            }
        }
    }

    /// Whether any of these names is a column that a trace must have, or nearly is.
    pub fn has_column<'n>(names: impl IntoIterator<Item = &'n str>) -> bool {
        names.into_iter().any(|name| {
            let name = name.trim_start_matches('\u{FEFF}').trim();
            ["task_id", "submit_time", "work_seconds"]
                .iter()
                .any(|known| strsim::levenshtein(name, known) <= 2)
        })
    }

    /// The path of the file in which `row` stands, as the user gave it.
    pub fn file_of(&self, row: usize) -> &str {
        &self.files[self.place[row].file as usize].path
    }
}

/// Where a row was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: u32,
    pub line: u32,
}

/// A file that was read, and what its side file says of it.
#[derive(Clone, Debug, Default)]
pub struct SourceFile {
    /// As the user gave it; `-` for standard input.
    pub path: String,
    pub rows: u64,
    /// It is in another format than this one, so its lines are not rows of a table in these columns.
    pub is_native: bool,
    /// Name of that format; empty for this one.
    pub format: &'static str,
    pub meta: Meta,
}

/// The side file `<name>.meta.json`.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub struct Meta {
    pub schema: Option<String>,
    /// Invented data. Every report of it must say so.
    pub synthetic: bool,
    pub source: Option<String>,
    pub licence: Option<String>,
    pub window_start: Option<String>,
    pub window_end: Option<String>,
    /// IANA name, for times without an offset.
    pub timezone: Option<String>,
    pub time_origin: Option<String>,
    pub source_platform: Option<SourcePlatform>,
    pub source_region: Option<String>,
    pub defaults: Option<serde_json::Value>,
    pub overheads: Option<serde_json::Value>,
    pub generator: Option<serde_json::Value>,
    pub notes: Option<String>,
}

/// What a row is to the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Pod,
    /// A step inside the orchestrator: takes time, no resources.
    Control,
    /// A sensor or a wait for another run: as `Control`.
    Wait,
}

/// How a row ended on the source platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Succeeded,
    Failed,
    Canceled,
    /// Still running when the trace was taken: its work is censored there.
    Running,
    /// Never scheduled; not replayed.
    Pending,
    /// Never started; not replayed.
    Skipped,
}

/// How `work` was found, best evidence first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkMethod {
    #[default]
    Measured,
    PodStatus,
    MetricBounds,
    ModelSubtracted,
    ScheduledToDeleted,
    RawSpan,
}

/// CPU architectures a pod's image exists for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodArch {
    #[default]
    Amd64,
    Arm64,
    Any,
}

/// What owns the pod: decides drains, retries and Cluster Autoscaler's scale-down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// A bare pod: nothing recreates it.
    #[default]
    None,
    Job,
}

/// What the pods of the trace ran on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourcePlatform {
    Fargate,
    Ec2,
    Spot,
    Ecs,
    #[default]
    Other,
}
