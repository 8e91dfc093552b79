//! One object or row of Airflow: a task instance of any version, or a task of a DAG.

use serde::Deserialize;

use super::super::lenient::{Scalar, Wrong, or_default};
use crate::trace::State;

/// All that is read of either; what one does not have stays empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    pub dag_id: Scalar,
    pub task_id: Scalar,
    dag_run_id: Scalar,
    run_id: Scalar,
    execution_date: Scalar,
    logical_date: Scalar,
    map_index: Scalar,
    try_number: Scalar,
    max_tries: Scalar,
    state: Scalar,
    scheduled_when: Scalar,
    scheduled_dttm: Scalar,
    queued_when: Scalar,
    queued_dttm: Scalar,
    pub start_date: Scalar,
    pub end_date: Scalar,
    pub pool: Scalar,
    pub queue: Scalar,
    operator: Scalar,
    operator_name: Scalar,
    custom_operator_name: Scalar,
    pub hostname: Scalar,
    pub executor: Scalar,
    /// Python's text of a dictionary, or an object.
    pub executor_config: serde_json::Value,
    pub rendered_fields: serde_json::Value,
    /// Of a task of a DAG only.
    #[serde(deserialize_with = "or_default")]
    pub downstream_task_ids: Option<Vec<Scalar>>,
}

impl Entry {
    /// Columns of the table that are read, in the order of [`Entry::of_cells`].
    pub const COLUMNS: [&str; 24] = [
        "dag_id",
        "task_id",
        "dag_run_id",
        "run_id",
        "execution_date",
        "logical_date",
        "map_index",
        "try_number",
        "max_tries",
        "state",
        "scheduled_when",
        "scheduled_dttm",
        "queued_when",
        "queued_dttm",
        "start_date",
        "end_date",
        "pool",
        "queue",
        "operator",
        "operator_name",
        "custom_operator_name",
        "hostname",
        "executor",
        "executor_config",
    ];

    pub fn of_cells(cells: [Scalar; 24]) -> Self {
        let [
            dag_id,
            task_id,
            dag_run_id,
            run_id,
            execution_date,
            logical_date,
            map_index,
            try_number,
            max_tries,
            state,
            scheduled_when,
            scheduled_dttm,
            queued_when,
            queued_dttm,
            start_date,
            end_date,
            pool,
            queue,
            operator,
            operator_name,
            custom_operator_name,
            hostname,
            executor,
            executor_config,
        ] = cells;
        Self {
            dag_id,
            task_id,
            dag_run_id,
            run_id,
            execution_date,
            logical_date,
            map_index,
            try_number,
            max_tries,
            state,
            scheduled_when,
            scheduled_dttm,
            queued_when,
            queued_dttm,
            start_date,
            end_date,
            pool,
            queue,
            operator,
            operator_name,
            custom_operator_name,
            hostname,
            executor,
            executor_config: serde_json::Value::String(executor_config.0),
            ..Self::default()
        }
    }

    pub fn run(&self) -> &Scalar {
        first(&self.dag_run_id, &self.run_id)
    }

    pub fn logical(&self) -> &str {
        first(&self.logical_date, &self.execution_date)
    }

    pub fn scheduled(&self) -> &str {
        first(&self.scheduled_when, &self.scheduled_dttm)
    }

    pub fn queued(&self) -> &str {
        first(&self.queued_when, &self.queued_dttm)
    }

    pub fn operator(&self) -> &str {
        first(&self.operator, first(&self.operator_name, &self.custom_operator_name))
    }

    /// -1 for a task that is not mapped.
    pub fn map_index(&self) -> Result<i64, Wrong> {
        self.whole("map_index", &self.map_index, -1)
    }

    /// From 1; what never ran has 0 in the database.
    pub fn try_number(&self) -> Result<u32, Wrong> {
        Ok(u32::try_from(self.whole("try_number", &self.try_number, 1)?.max(1)).unwrap_or(u32::MAX))
    }

    pub fn max_tries(&self) -> Option<u32> {
        self.max_tries.strip_suffix(".0").unwrap_or(&self.max_tries).parse().ok()
    }

    fn whole(&self, name: &str, text: &str, default: i64) -> Result<i64, Wrong> {
        if text.is_empty() {
            return Ok(default);
        }
        // Data frames write whole numbers in a column with gaps as 1.0.
        let number =
            text.strip_suffix(".0").unwrap_or(text).parse().ok().filter(|n| (-1..1_000_000).contains(n));
        number.ok_or_else(|| {
            Wrong::new(format!("{name} {text:?} of task {:?} is no whole number", &*self.task_id))
        })
    }

    /// How the try ended (`TaskInstanceState` of airflow).
    pub fn state(&self) -> Result<State, Wrong> {
        Ok(match &*self.state {
            "success" => State::Succeeded,
            "failed" | "up_for_retry" => State::Failed,
            "restarting" | "shutdown" => State::Canceled,
            "running" | "deferred" => State::Running,
            "skipped" | "upstream_failed" | "removed" => State::Skipped,
            "" | "none" | "null" | "scheduled" | "queued" | "up_for_reschedule" | "awaiting_input" => {
                State::Pending
            }
            other => {
                let hint = "known are success, failed, running, queued, scheduled, skipped, upstream_failed, removed, \
                            deferred, restarting, up_for_retry and up_for_reschedule";
                return Err(Wrong::new(format!("task {:?} has the unknown state {other:?}", &*self.task_id))
                    .hint(hint));
            }
        })
    }
}

fn first<'s>(first: &'s Scalar, second: &'s Scalar) -> &'s Scalar {
    if first.is_empty() { second } else { first }
}
