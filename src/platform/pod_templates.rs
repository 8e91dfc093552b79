//! Templates of pods, by which a scenario says what a trace cannot: affinities, spread, annotations, volumes.

use std::sync::Arc;

use serde_json::Value;

use super::profiles::matches;
use crate::kube::PodSpec;

/// One of the scenario's `podTemplates`.
#[derive(Clone, Debug, PartialEq)]
pub struct PodTemplate {
    pub applies_to: PodMatch,
    pub spec: Arc<PodSpec>,
    /// As it was written, to be written again.
    pub written: Value,
}

/// Which pods of the trace are meant: those of which every pattern here holds. `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodMatch {
    pub workflow: Option<String>,
    /// Of the name of the task, or of its id where the trace has no names.
    pub task: Option<String>,
    pub image: Option<String>,
    pub namespace: Option<String>,
    /// Keys, and patterns of their values.
    pub labels: Vec<(String, String)>,
}

impl PodMatch {
    /// `labels` finds the value of a label of the pod.
    pub fn matches<'t>(
        &self,
        [workflow, task, image, namespace]: [&str; 4],
        labels: impl Fn(&str) -> Option<&'t str>,
    ) -> bool {
        let holds = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| matches(pattern, text))
        };
        let labelled =
            |(key, pattern): &(String, String)| labels(key).is_some_and(|value| matches(pattern, value));
        holds(&self.workflow, workflow)
            && holds(&self.task, task)
            && holds(&self.image, image)
            && holds(&self.namespace, namespace)
            && self.labels.iter().all(labelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_has_to_hold() {
        let labelled = |key: &str| (key == "team").then_some("data");
        let pod = ["etl", "+etl+load", "example/a:1", "jobs"];
        let all = PodMatch {
            workflow: Some("e*".to_owned()),
            labels: vec![("team".to_owned(), "d*".to_owned())],
            ..PodMatch::default()
        };
        assert!(PodMatch::default().matches(pod, labelled));
        assert!(all.matches(pod, labelled));
        assert!(!PodMatch { task: Some("+load".to_owned()), ..all.clone() }.matches(pod, labelled));
        assert!(!all.matches(pod, |_| None));
    }
}
