//! What is read of the jobs that AWS Batch describes (`JobDetail` and `JobSummary` of its API).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::lenient::{Scalar, or_default};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Job {
    pub job_id: Scalar,
    pub job_name: Scalar,
    pub job_queue: Scalar,
    pub job_definition: Scalar,
    pub status: Scalar,
    pub status_reason: Scalar,
    pub created_at: Option<i64>,
    pub started_at: Option<i64>,
    pub stopped_at: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub attempts: Vec<Attempt>,
    #[serde(deserialize_with = "or_default")]
    pub eks_attempts: Vec<Attempt>,
    #[serde(deserialize_with = "or_default")]
    pub depends_on: Vec<Dependency>,
    #[serde(deserialize_with = "or_default")]
    pub container: Container,
    #[serde(deserialize_with = "or_default")]
    pub eks_properties: EksProperties,
    #[serde(deserialize_with = "or_default")]
    pub array_properties: Array,
    #[serde(deserialize_with = "or_default")]
    pub platform_capabilities: Vec<Scalar>,
    #[serde(deserialize_with = "or_default")]
    pub retry_strategy: RetryStrategy,
}

/// Of a container, or of an EKS pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Attempt {
    pub started_at: Option<i64>,
    pub stopped_at: Option<i64>,
    pub status_reason: Scalar,
    pub pod_name: Scalar,
    pub pod_namespace: Scalar,
    pub node_name: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub container: Ended,
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Ended>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Ended {
    pub exit_code: Option<i64>,
    pub reason: Scalar,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Dependency {
    pub job_id: Scalar,
    #[serde(rename = "type")]
    pub kind: Scalar,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Container {
    pub image: Scalar,
    pub vcpus: Scalar,
    pub memory: Scalar,
    pub reason: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub resource_requirements: Vec<Requirement>,
    // An empty object says Fargate as well.
    pub fargate_platform_configuration: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Requirement {
    #[serde(rename = "type")]
    pub kind: Scalar,
    pub value: Scalar,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EksProperties {
    #[serde(deserialize_with = "or_default")]
    pub pod_properties: PodProperties,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodProperties {
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<EksContainer>,
    pub pod_name: Scalar,
    pub node_name: Scalar,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EksContainer {
    pub image: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub resources: Resources,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    #[serde(deserialize_with = "or_default")]
    pub requests: BTreeMap<String, Scalar>,
    #[serde(deserialize_with = "or_default")]
    pub limits: BTreeMap<String, Scalar>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Array {
    pub size: Option<i64>,
    pub index: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RetryStrategy {
    pub attempts: Option<u32>,
}
