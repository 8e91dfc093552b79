//! The objects of WfFormat in all of its versions, and what they come to.
//!
//! Up to 1.2 tasks are `workflow.jobs`, up to 1.4 `workflow.tasks`, each with what it is and how it ran; they refer to
//! each other by name. From 1.5 on `workflow.specification` says what tasks there are, and `workflow.execution` how they
//! ran, joined by id.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::lenient::{Scalar, Wrong, or_default};
use super::{KB, PodArch};
use crate::units::Span;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct File {
    pub name: Scalar,
    #[serde(deserialize_with = "or_default")]
    workflow: Workflow,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Workflow {
    makespan: Option<f64>,
    makespan_in_seconds: Option<f64>,
    executed_at: Scalar,
    #[serde(deserialize_with = "or_default")]
    tasks: Vec<Entry>,
    #[serde(deserialize_with = "or_default")]
    jobs: Vec<Entry>,
    #[serde(deserialize_with = "or_default")]
    machines: Vec<Host>,
    specification: Option<Specification>,
    #[serde(deserialize_with = "or_default")]
    execution: Execution,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Specification {
    #[serde(deserialize_with = "or_default")]
    tasks: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Execution {
    makespan_in_seconds: Option<f64>,
    executed_at: Scalar,
    #[serde(deserialize_with = "or_default")]
    tasks: Vec<Entry>,
    #[serde(deserialize_with = "or_default")]
    machines: Vec<Host>,
}

/// A task in any list of any version.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    id: Scalar,
    name: Scalar,
    category: Scalar,
    parents: Option<Vec<Scalar>>,
    children: Option<Vec<Scalar>>,
    runtime: Option<f64>,
    runtime_in_seconds: Option<f64>,
    cores: Option<f64>,
    core_count: Option<f64>,
    #[serde(rename = "avgCPU")]
    avg_cpu: Option<f64>,
    /// KB.
    memory: Option<f64>,
    memory_in_bytes: Option<f64>,
    machine: Scalar,
    #[serde(deserialize_with = "or_default")]
    machines: Vec<Scalar>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Host {
    node_name: Scalar,
    architecture: Scalar,
    /// KB.
    memory: Option<f64>,
    memory_in_bytes: Option<f64>,
}

/// A machine on which tasks ran. Memory in bytes.
#[derive(Debug)]
pub(super) struct Machine {
    pub memory: Option<i64>,
    pub arch: Option<PodArch>,
}

/// A task of the execution. Parents and children are positions in the list of tasks, or what could not be found.
#[derive(Debug)]
pub(super) struct Task {
    /// Unique within the workflow.
    pub id: String,
    /// What tasks of this kind are called.
    pub kind: String,
    /// Seconds.
    pub runtime: Option<f64>,
    pub cores: Option<f64>,
    /// Percent of one core.
    pub avg_cpu: Option<f64>,
    /// Bytes.
    pub memory: Option<i64>,
    pub machine: String,
    pub parents: Vec<Result<usize, String>>,
    pub children: Vec<Result<usize, String>>,
}

fn bytes(bytes: Option<f64>, kb: Option<f64>) -> Option<i64> {
    let bytes = bytes.or(kb.map(|kb| kb * KB as f64))?;
    // What no machine has is not known.
    (bytes >= 1.0 && bytes < 1e15).then_some(bytes as i64)
}

impl File {
    pub fn executed_at(&self) -> &str {
        let (new, old) = (&self.workflow.execution.executed_at, &self.workflow.executed_at);
        if new.is_empty() { old } else { new }
    }

    pub fn makespan(&self) -> Option<Span> {
        let workflow = &self.workflow;
        let seconds =
            workflow.execution.makespan_in_seconds.or(workflow.makespan_in_seconds).or(workflow.makespan)?;
        Span::from_secs_f64(seconds).filter(|makespan| *makespan > Span::ZERO)
    }

    pub fn machines(&self) -> BTreeMap<String, Machine> {
        let hosts = self.workflow.execution.machines.iter().chain(&self.workflow.machines);
        hosts
            .map(|host| {
                let memory = bytes(host.memory_in_bytes, host.memory);
                (host.node_name.0.clone(), Machine { memory, arch: super::arch(&host.architecture) })
            })
            .collect()
    }

    /// All tasks, in the order of the file.
    pub fn tasks(&self) -> Result<Vec<Task>, Wrong> {
        let workflow = &self.workflow;
        let by_id = workflow.specification.is_some();
        let entries = match &workflow.specification {
            Some(specification) => &specification.tasks,
            None if workflow.tasks.is_empty() => &workflow.jobs,
            None => &workflow.tasks,
        };
        if entries.is_empty() {
            return Err(Wrong::new("the workflow has no tasks"));
        }
        let key = |entry: &Entry| match by_id {
            true if !entry.id.is_empty() => entry.id.0.clone(),
            _ if !entry.name.is_empty() => entry.name.0.clone(),
            _ => entry.id.0.clone(),
        };
        let mut positions = BTreeMap::new();
        for (position, entry) in entries.iter().enumerate() {
            let key = key(entry);
            if key.is_empty() {
                return Err(Wrong::new(format!("the {}th task has no id and no name", position + 1)));
            }
            if positions.insert(key.clone(), position).is_some() {
                let hint = "tasks are told apart by their ids, or by their names up to version 1.4";
                return Err(Wrong::new(format!("the task {key:?} is there twice")).hint(hint));
            }
        }
        // Some files refer to tasks by the other of the two.
        for (position, entry) in entries.iter().enumerate() {
            for other in [&entry.id, &entry.name].into_iter().filter(|text| !text.is_empty()) {
                positions.entry(other.0.clone()).or_insert(position);
            }
        }
        let mut ran: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in &workflow.execution.tasks {
            let key = if entry.id.is_empty() { &entry.name } else { &entry.id };
            if ran.insert(key, entry).is_some() {
                return Err(Wrong::new(format!("the execution has the task {:?} twice", &**key)));
            }
        }
        let find = |list: &Option<Vec<Scalar>>| -> Vec<Result<usize, String>> {
            let list = list.iter().flatten();
            list.map(|name| positions.get(&**name).copied().ok_or_else(|| name.0.clone())).collect()
        };
        let task = |entry: &Entry| {
            let id = key(entry);
            let run = ran.get(id.as_str()).copied().unwrap_or(entry);
            let machine = run.machines.first().unwrap_or(&run.machine).0.clone();
            Task {
                kind: kind(entry),
                runtime: run.runtime_in_seconds.or(run.runtime),
                cores: run.core_count.or(run.cores),
                avg_cpu: run.avg_cpu,
                memory: bytes(run.memory_in_bytes, run.memory),
                machine,
                parents: find(&entry.parents),
                children: find(&entry.children),
                id,
            }
        };
        Ok(entries.iter().map(task).collect())
    }
}

/// The name without the number that tells tasks of a kind apart: `blastall_ID000002`, `TRIMGALORE_7`.
fn kind(entry: &Entry) -> String {
    if !entry.category.is_empty() {
        return entry.category.0.clone();
    }
    let name = if entry.name.is_empty() { &entry.id } else { &entry.name };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match name.rsplit_once('_') {
        Some((kind, number)) if !kind.is_empty() && is_number(number.trim_start_matches("ID")) => {
            kind.to_owned()
        }
        _ => name.0.clone(),
    }
}
