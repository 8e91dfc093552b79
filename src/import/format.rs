//! The formats by name.

use std::fmt;

/// What a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// cost-sim's own.
    Canonical,
    Digdag,
    Datadog,
    Prometheus,
    Kubernetes,
    Argo,
    Airflow,
    AwsBatch,
    WfFormat,
    Swf,
    Openb,
}

impl Format {
    pub const ALL: [Self; 11] = [
        Self::Canonical,
        Self::Digdag,
        Self::Datadog,
        Self::Prometheus,
        Self::Kubernetes,
        Self::Argo,
        Self::Airflow,
        Self::AwsBatch,
        Self::WfFormat,
        Self::Swf,
        Self::Openb,
    ];

    /// As `--from` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Digdag => "digdag",
            Self::Datadog => "datadog",
            Self::Prometheus => "prometheus",
            Self::Kubernetes => "kubernetes",
            Self::Argo => "argo",
            Self::Airflow => "airflow",
            Self::AwsBatch => "aws-batch",
            Self::WfFormat => "wfformat",
            Self::Swf => "swf",
            Self::Openb => "openb",
        }
    }

    /// What it is, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Canonical => "a trace in cost-sim's own columns",
            Self::Digdag => "Digdag: rows of task_archives, or answers of its REST API",
            Self::Datadog => "Datadog: answers to metrics queries, or a CSV of points",
            Self::Prometheus => "Prometheus: answers to range queries of kube-state-metrics",
            Self::Kubernetes => "Kubernetes: kubectl get pods -o json or yaml",
            Self::Argo => "Argo: Workflow objects with their status",
            Self::Airflow => "Airflow: task instances",
            Self::AwsBatch => "AWS Batch: describe-jobs",
            Self::WfFormat => "WfFormat: workflow executions of WfCommons",
            Self::Swf => "SWF: the Standard Workload Format",
            Self::Openb => "Alibaba openb: the pod list of cluster-trace-gpu-v2023",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
