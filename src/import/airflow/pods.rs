//! Which task instances were pods of their own, when their containers ran, and what they asked for.
//!
//! - An operator that creates a pod (`KubernetesPodOperator` and its kin) starts before the pod exists: its times are the
//!   orchestrator's, and how long the container ran is found by `evidence`.
//! - With the KubernetesExecutor the task runs inside its own pod: `start_date` and `end_date` are measured there.
//! - Where anything of that kind is seen, everything else ran inside workers that were there anyway: control steps.
//! - Where nothing is seen, every task is taken for a pod, and a warning says so.
//! - Sensors only wait. Empty operators never leave the scheduler.

use std::sync::LazyLock;

use regex::Regex;

use super::super::draft::Draft;
use super::super::evidence::{PodKey, Span};
use super::Estate;
use super::instance::Entry;
use crate::trace::{Kind, State, WorkMethod};
use crate::units::{Cpu, Memory, parse_cpu, parse_memory};

/// Where a task instance ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunsIn {
    /// A pod that its operator created.
    PodOfOperator,
    /// A pod that the executor created.
    PodOfExecutor,
    Sensor,
    Scheduler,
    Unknown,
}

pub(super) fn runs_in(entry: &Entry) -> RunsIn {
    let operator = entry.operator();
    let creates_pods =
        ["PodOperator", "StartPod", "KubernetesDecorated", "@task.kubernetes", "KubernetesJob", "StartJob"];
    if operator.ends_with("Sensor")
        || operator.ends_with("SensorAsync")
        || operator.starts_with("@task.sensor")
    {
        return RunsIn::Sensor;
    }
    if creates_pods.iter().any(|name| operator.contains(name)) {
        return RunsIn::PodOfOperator;
    }
    if matches!(operator, "EmptyOperator" | "DummyOperator") {
        return RunsIn::Scheduler;
    }
    let config = entry.executor_config.to_string();
    let by_executor = entry.executor.contains("KubernetesExecutor")
        || &*entry.queue == "kubernetes"
        || config.contains("pod_override")
        || config.contains("KubernetesExecutor")
        || is_own_pod(entry);
    if by_executor { RunsIn::PodOfExecutor } else { RunsIn::Unknown }
}

/// The KubernetesExecutor calls pods `{dag}-{task}-{random}`, in lower case with dashes (`create_unique_id` of the provider
/// cncf.kubernetes); the pod's name is the host's. The DAG alone is not enough: workers of Celery are hosts such as
/// `airflow-worker-0`, and a DAG may be called `airflow`.
fn is_own_pod(entry: &Entry) -> bool {
    /// Names are cut before the random end where they are too long, in different places by version.
    const LEAST_CUT: usize = 50;
    /// Letters and digits of the random end.
    const RANDOM: usize = 8;
    let plain = |text: &str| {
        let parts = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
    };
    let (host, dag, task) = (plain(&entry.hostname), plain(&entry.dag_id), plain(&entry.task_id));
    if dag.is_empty() || task.is_empty() {
        return false;
    }
    let name = format!("{dag}-{task}");
    if name.len() > LEAST_CUT {
        return host.len() > LEAST_CUT && host.starts_with(name[..LEAST_CUT].trim_end_matches('-'));
    }
    let random = host.strip_prefix(&name).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
    random.split('-').next().is_some_and(|random| random.len() >= RANDOM)
}

pub(super) fn finish(estate: &Estate, draft: &mut Draft) {
    let is_pod = |runs_in| matches!(runs_in, RunsIn::PodOfOperator | RunsIn::PodOfExecutor);
    let kubernetes = estate.instances.iter().any(|instance| is_pod(instance.runs_in));
    let mut unknown = 0_u64;
    for instance in &estate.instances {
        let row = instance.row as usize;
        let trace = draft.trace();
        let state = trace.state.get(row).unwrap_or_default();
        let kind = match instance.runs_in {
            RunsIn::Sensor => Kind::Wait,
            RunsIn::Scheduler => Kind::Control,
            RunsIn::Unknown if kubernetes => Kind::Control,
            RunsIn::PodOfOperator | RunsIn::PodOfExecutor | RunsIn::Unknown => Kind::Pod,
        };
        trace.kind.set(row, kind);
        unknown += u64::from(!kubernetes && instance.runs_in == RunsIn::Unknown);
        if matches!(state, State::Pending | State::Skipped) {
            continue;
        }
        let Some(start) = instance.start else { continue };
        // What runs still, ran until the last thing that the files tell of.
        let end = instance.end.unwrap_or(estate.last).max(start);
        if instance.end.is_none() {
            trace.state.set(row, State::Running);
        } else {
            trace.finish_observed_time.set(row, end);
        }
        if instance.runs_in == RunsIn::PodOfOperator {
            // It asks for the pod at once, and ends soon after it.
            trace.pod_created_time.set(row, start);
            let span =
                Span { row: instance.row, queued: start, observed: end, first_log: None, pod: PodKey::None };
            draft.spans.push(span);
        } else {
            trace.start_time.set(row, start);
            trace.end_time.set(row, end);
            trace.work_method.set(row, WorkMethod::Measured);
        }
    }
    if unknown > 0 {
        draft.notes.push(format!(
            "nothing says whether tasks of Airflow were pods (no KubernetesPodOperator, no KubernetesExecutor): {unknown} \
             task instances are each taken for a pod"
        ));
    }
}

/// What a pod asked for, as far as its configuration is in the export.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub cpu: Option<Cpu>,
    pub memory: Option<Memory>,
    pub image: String,
}

/// `'requests': {'cpu': '500m', 'memory': '1Gi'}` as Python or JSON prints it.
static REQUESTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"['"]requests['"]\s*:\s*\{([^{}]*)\}"#).expect("the pattern is right"));
static AMOUNT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"['"]?(?:request_)?(cpu|memory)['"]?\s*:\s*['"]?([0-9][0-9A-Za-z.]*)"#)
        .expect("the pattern is right")
});
/// Of the executor's configuration before 2.0.
static OLD_REQUESTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"['"]request_(?:cpu|memory)['"]\s*:\s*['"]?[0-9][0-9A-Za-z.]*"#)
        .expect("the pattern is right")
});

impl Size {
    pub fn of(entry: &Entry) -> Self {
        // A text in JSON has its quotes escaped; an object is printed as JSON.
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string().replace("\\\"", "\""),
        };
        let (config, fields) = (text(&entry.executor_config), text(&entry.rendered_fields));
        let mut size = Self::default();
        if let Some(image) = entry.rendered_fields.get("image").and_then(serde_json::Value::as_str) {
            image.clone_into(&mut size.image);
        }
        // The operator's own pod does the work, whatever its worker asked for.
        let from = if REQUESTS.is_match(&fields) { &fields } else { &config };
        let mut blocks = REQUESTS.captures_iter(from).filter_map(|found| found.get(1));
        let amounts: String = match (blocks.next(), blocks.next()) {
            (Some(one), None) => one.as_str().to_owned(),
            // Several containers: which is which is not told apart here.
            (Some(_), Some(_)) => return size,
            (None, _) => OLD_REQUESTS.find_iter(from).map(|found| found.as_str().to_owned() + ",").collect(),
        };
        for found in AMOUNT.captures_iter(&amounts) {
            match &found[1] {
                "cpu" => size.cpu = parse_cpu(&found[2]).ok().filter(|cpu| *cpu > Cpu::ZERO),
                _ => size.memory = parse_memory(&found[2]).ok().filter(|memory| *memory > Memory::ZERO),
            }
        }
        size
    }
}
