//! Templates of pods, by which a scenario says what a trace cannot: affinities, spread, annotations, volumes.

use std::sync::Arc;

use serde_json::Value;

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
            pattern.as_ref().is_none_or(|pattern| glob(pattern.as_bytes(), text.as_bytes()))
        };
        let labelled = |(key, pattern): &(String, String)| {
            labels(key).is_some_and(|value| glob(pattern.as_bytes(), value.as_bytes()))
        };
        holds(&self.workflow, workflow)
            && holds(&self.task, task)
            && holds(&self.image, image)
            && holds(&self.namespace, namespace)
            && self.labels.iter().all(labelled)
    }
}

/// Whether `text` is of the pattern. A star that turns out to have taken too little takes one byte more.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] || *byte == b'?' => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("etl", "etl", true),
            ("etl", "etl2", false),
            ("etl*", "etl2", true),
            ("*", "", true),
            ("", "", true),
            ("?", "", false),
            ("*load*", "+etl+load^sub", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-", false),
            ("example/??:1", "example/ab:1", true),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

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
