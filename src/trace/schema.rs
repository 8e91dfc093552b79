//! The columns of a canonical trace: their names, what they hold and within which limits.
//!
//! One table says it all. Reading, writing and the did-you-mean of headers are generated from it, so that a new
//! column is one new line here, one field of [`Trace`] and one line of `docs/trace-format.md` (a test compares).

use super::cell::{Cell, Context, Refusal};
use super::{Kind, OwnerKind, PodArch, SourcePlatform, State, Trace, Word, WorkMethod};
use crate::units::{Cpu, Memory, Span, Time};

/// What the cells of a column may hold; the numbers are in the unit in which they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The header under which the cell was found: it is the subject of every message.
    pub name: &'static str,
    /// Whether this is the alias that takes Kubernetes quantities.
    pub quantity: bool,
    pub min: i64,
    pub max: i64,
}

/// 400 days: longer pods are months given as seconds by mistake.
const LONGEST_MS: i64 = 400 * 86_400_000;
/// 10,000 cores.
const MOST_MILLI: i64 = 10_000_000;
/// 1 PiB.
const MOST_BYTES: i64 = 1 << 50;
const MOST_COUNT: i64 = 1_000_000;
/// For observed usage: larger than any real sum, small enough to be exact.
const MOST_NUMBER: i64 = 1_000_000_000_000;

macro_rules! schema {
    ($($field:ident $name:literal $([$alias:literal])? $member:ident: $type:ty, $min:expr, $max:expr;)*) => {
        /// A column of the schema.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field {
            TaskId,
            $($field,)*
        }

        impl Field {
            /// Every column, in the order in which they are written.
            pub const ALL: &'static [Self] = &[Self::TaskId, $(Self::$field,)*];

            pub const fn name(self) -> &'static str {
                match self {
                    Self::TaskId => "task_id",
                    $(Self::$field => $name,)*
                }
            }

            /// The header for the same column in Kubernetes quantities.
            pub fn alias(self) -> Option<&'static str> {
                match self {
                    Self::TaskId => None,
                    $(Self::$field => None$(.or(Some($alias)))?,)*
                }
            }

            pub fn rule(self, quantity: bool) -> Rule {
                let name = if quantity { self.alias().unwrap_or(self.name()) } else { self.name() };
                let (min, max) = match self {
                    Self::TaskId => (0, 0),
                    $(Self::$field => ($min, $max),)*
                };
                Rule { name, quantity, min, max }
            }

            /// Sets this column of `row` from the text of a cell that is not empty.
            pub fn read(self, trace: &mut Trace, row: usize, text: &str, rule: &Rule, zone: Option<chrono_tz::Tz>)
            -> Result<(), Refusal> {
                let mut context = Context { words: &mut trace.words, zone };
                match self {
                    // Pushed by the reader, one for every row.
                    Self::TaskId => {}
                    $(Self::$field => trace.$member.set(row, <$type as Cell>::read(text, rule, &mut context)?),)*
                }
                Ok(())
            }

            /// Appends the text of this column of `row`; nothing where it is empty.
            pub fn print(self, trace: &Trace, row: usize, quantity: bool, out: &mut Vec<u8>) {
                match self {
                    Self::TaskId => out.extend_from_slice(trace.task_id.get(row).as_bytes()),
                    $(Self::$field => if let Some(value) = trace.$member.get(row) {
                        value.print(quantity, &trace.words, out);
                    })*
                }
            }

            /// The value for Parquet where [`Field::store`] is a time, an integer or a boolean.
            pub fn integer(self, trace: &Trace, row: usize, quantity: bool) -> Option<i64> {
                match self {
                    Self::TaskId => None,
                    $(Self::$field => trace.$member.get(row).map(|value| value.integer(quantity)),)*
                }
            }

            /// The value for Parquet where [`Field::store`] is a number.
            pub fn number(self, trace: &Trace, row: usize) -> Option<f64> {
                match self {
                    Self::TaskId => None,
                    $(Self::$field => trace.$member.get(row).map(Cell::number),)*
                }
            }

            /// Whether any row has a value here.
            pub fn is_used(self, trace: &Trace) -> bool {
                match self {
                    Self::TaskId => true,
                    $(Self::$field => !trace.$member.is_empty(),)*
                }
            }

            /// Fills this column of `to`, which is empty: row `i` is row `rows[i].0` of `from`, moved by `rows[i].1`.
            /// `to` has the words of `from`.
            pub fn gather(self, from: &Trace, rows: &[(u32, Span)], to: &mut Trace) {
                match self {
                    // Pushed by the caller: ids of copies differ.
                    Self::TaskId => {}
                    $(Self::$field => for (row, (source, by)) in rows.iter().enumerate() {
                        if let Some(value) = from.$member.get(*source as usize) {
                            to.$member.set(row, value.moved(*by));
                        }
                    })*
                }
            }

            /// Sets this column of `to` to what `from` has there, if it has something.
            pub fn copy(self, trace: &mut Trace, from: usize, to: usize) {
                match self {
                    Self::TaskId => {}
                    $(Self::$field => if let Some(value) = trace.$member.get(from) {
                        trace.$member.set(to, value);
                    })*
                }
            }

            /// How Parquet stores the column.
            pub fn store(self) -> Store {
                match self {
                    Self::TaskId => Store::Text,
                    $(Self::$field => <$type as Cell>::STORE,)*
                }
            }
        }
    };
}

/// The Parquet type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Text,
    Time,
    Integer,
    Number,
    Boolean,
}

schema! {
    RunId "run_id" run_id: Word, 0, 0;
    Attempt "attempt" attempt: u32, 1, MOST_COUNT;
    Kind "kind" kind: Kind, 0, 0;
    State "state" state: State, 0, 0;
    ExitReason "exit_reason" exit_reason: Word, 0, 0;
    Project "project" project: Word, 0, 0;
    Workflow "workflow" workflow: Word, 0, 0;
    TaskName "task_name" task_name: Word, 0, 0;
    Namespace "namespace" namespace: Word, 0, 0;
    PodName "pod_name" pod_name: Word, 0, 0;
    DependsOn "depends_on" depends_on: Word, 0, 0;
    TriggerDelay "trigger_delay_seconds" trigger_delay: Span, 0, LONGEST_MS;
    SessionTime "session_time" session_time: Time, 0, 0;
    ScheduleTime "schedule_time" schedule_time: Time, 0, 0;
    SubmitTime "submit_time" submit_time: Time, 0, 0;
    PodCreatedTime "pod_created_time" pod_created_time: Time, 0, 0;
    ScheduledTime "scheduled_time" scheduled_time: Time, 0, 0;
    StartTime "start_time" start_time: Time, 0, 0;
    EndTime "end_time" end_time: Time, 0, 0;
    FinishObservedTime "finish_observed_time" finish_observed_time: Time, 0, 0;
    DeletedTime "deleted_time" deleted_time: Time, 0, 0;
    DeadlineTime "deadline_time" deadline_time: Time, 0, 0;
    Queue "queue_seconds" queue: Span, 0, LONGEST_MS;
    Provision "provision_seconds" provision: Span, 0, LONGEST_MS;
    ImagePull "image_pull_seconds" image_pull: Span, 0, LONGEST_MS;
    Work "work_seconds" work: Span, 0, LONGEST_MS;
    WorkMethod "work_seconds_method" work_method: WorkMethod, 0, 0;
    CpuRequest "cpu_request_milli" ["cpu_request"] cpu_request: Cpu, 0, MOST_MILLI;
    MemoryRequest "memory_request_mib" ["memory_request"] memory_request: Memory, 0, MOST_BYTES;
    CpuLimit "cpu_limit_milli" ["cpu_limit"] cpu_limit: Cpu, 0, MOST_MILLI;
    MemoryLimit "memory_limit_mib" ["memory_limit"] memory_limit: Memory, 0, MOST_BYTES;
    EphemeralStorage "ephemeral_storage_mib" ["ephemeral_storage"] ephemeral_storage: Memory, 0, MOST_BYTES;
    GpuRequest "gpu_request_milli" gpu_request_milli: i64, 0, MOST_MILLI;
    CpuUsageAvg "cpu_usage_avg_milli" cpu_usage_avg_milli: f64, 0, MOST_NUMBER;
    CpuUsageP95 "cpu_usage_p95_milli" cpu_usage_p95_milli: f64, 0, MOST_NUMBER;
    CpuUsageMax "cpu_usage_max_milli" cpu_usage_max_milli: f64, 0, MOST_NUMBER;
    CpuSeconds "cpu_seconds" cpu_seconds: f64, 0, MOST_NUMBER;
    MemoryUsageAvg "memory_usage_avg_mib" memory_usage_avg_mib: f64, 0, MOST_NUMBER;
    MemoryUsageMax "memory_usage_max_mib" memory_usage_max_mib: f64, 0, MOST_NUMBER;
    Image "image" image: Word, 0, 0;
    ImageSize "image_size_mib" ["image_size"] image_size: Memory, 0, MOST_BYTES;
    Arch "arch" arch: PodArch, 0, 0;
    NodeSelector "node_selector" node_selector: Word, 0, 0;
    Tolerations "tolerations" tolerations: Word, 0, 0;
    DoNotDisrupt "do_not_disrupt" do_not_disrupt: bool, 0, 0;
    Interruptible "interruptible" interruptible: bool, 0, 0;
    MaxInterruptions "max_interruptions" max_interruptions: u32, 0, MOST_COUNT;
    CheckpointInterval "checkpoint_interval_seconds" checkpoint_interval: Span, 1, LONGEST_MS;
    OwnerKind "owner_kind" owner_kind: OwnerKind, 0, 0;
    Priority "priority" priority: i32, i32::MIN as i64, i32::MAX as i64;
    RetryLimit "retry_limit" retry_limit: u32, 0, MOST_COUNT;
    RetryInterval "retry_interval_seconds" retry_interval: Span, 0, LONGEST_MS;
    RetryGroup "retry_group" retry_group: Word, 0, 0;
    SourcePlatform "source_platform" source_platform: SourcePlatform, 0, 0;
    SourceNode "source_node" source_node: Word, 0, 0;
    SourceInstanceType "source_instance_type" source_instance_type: Word, 0, 0;
    Labels "labels" labels: Word, 0, 0;
}

impl Field {
    /// The column of a header, and whether the header is its alias for quantities.
    pub fn find(header: &str) -> Option<(Self, bool)> {
        Self::ALL.iter().find_map(|&field| {
            let alias = field.alias() == Some(header);
            (alias || field.name() == header).then_some((field, alias))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_in_the_documentation() {
        let page = include_str!("../../docs/trace-format.md");
        for field in Field::ALL {
            for name in [Some(field.name()), field.alias()].into_iter().flatten() {
                assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/trace-format.md");
            }
        }
    }

    #[test]
    fn names_are_unique_and_aliases_found() {
        let mut names: Vec<_> =
            Field::ALL.iter().flat_map(|field| [Some(field.name()), field.alias()]).flatten().collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b));
        assert_eq!(Field::find("cpu_request"), Some((Field::CpuRequest, true)));
        assert_eq!(Field::find("cpu_request_milli"), Some((Field::CpuRequest, false)));
        assert_eq!(Field::find("cpu"), None);
    }
}
