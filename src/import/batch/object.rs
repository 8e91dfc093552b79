//! What is read of the jobs that AWS Batch describes (`JobDetail` and `JobSummary` of its API).

use serde::Deserialize;

use super::super::lenient::{Resources, Scalar, or_default};

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
    pub node_properties: Nodes,
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
pub(super) struct Array {
    pub size: Option<i64>,
    pub index: Option<i64>,
}

/// Of a multi-node parallel job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Nodes {
    pub num_nodes: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub node_range_properties: Vec<NodeRange>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NodeRange {
    /// `2`, `0:3`, `:3` or `4:`.
    target_nodes: Scalar,
    #[serde(deserialize_with = "or_default")]
    pub container: Container,
    #[serde(deserialize_with = "or_default")]
    pub eks_properties: EksProperties,
}

impl NodeRange {
    /// First and last node.
    fn bounds(&self) -> Option<(i64, i64)> {
        let number = |text: &str, open: i64| if text.is_empty() { Some(open) } else { text.parse().ok() };
        match self.target_nodes.split_once(':') {
            Some((first, last)) => Some((number(first, 0)?, number(last, i64::MAX)?)),
            None => self.target_nodes.parse().ok().map(|node| (node, node)),
        }
    }
}

impl Nodes {
    /// What the node asks for: a range within another one counts before it.
    pub fn range(&self, node: i64) -> Option<&NodeRange> {
        let ranges = self.node_range_properties.iter().filter_map(|range| Some((range.bounds()?, range)));
        let around = ranges.filter(|((first, last), _)| (*first..=*last).contains(&node));
        around.min_by_key(|((first, last), _)| last.saturating_sub(*first)).map(|(_, range)| range)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RetryStrategy {
    pub attempts: Option<u32>,
}
