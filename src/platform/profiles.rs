//! Fargate profiles: which pods EKS sends to Fargate.
//!
//! Source: EKS user guide, "Define which Pods use AWS Fargate when launched". A webhook looks at each new pod: one that a
//! profile selects gets the Fargate scheduler, every other one kube-scheduler. Affinity, spread and taints of nodes play
//! no part.

use std::cmp::Ordering;

use crate::kube::PodSpec;

/// The label by which a pod asks for one of several profiles that select it.
pub(super) const PROFILE_LABEL: &str = "eks.amazonaws.com/fargate-profile";

/// A Fargate profile. A pod that any of its selectors selects runs on Fargate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FargateProfile {
    pub name: String,
    /// One to [`FargateProfile::MOST_SELECTORS`].
    pub selectors: Vec<ProfileSelector>,
}

/// A namespace and labels, all of which a pod must have. In each of these texts `*` stands for any characters and `?` for
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileSelector {
    pub namespace: String,
    pub labels: Vec<(String, String)>,
}

impl FargateProfile {
    pub const MOST_SELECTORS: usize = 5;
    /// Profiles of a cluster.
    pub const MOST_PROFILES: usize = 10;

    fn selects(&self, pod: &PodSpec) -> bool {
        self.selectors.iter().any(|selector| selector.selects(pod))
    }
}

impl ProfileSelector {
    fn selects(&self, pod: &PodSpec) -> bool {
        let has = |(key, value): &(String, String)| {
            pod.labels.iter().any(|(own, of_own)| matches(key, own) && matches(value, of_own))
        };
        matches(&self.namespace, &pod.namespace) && self.labels.iter().all(has)
    }
}

/// The profile by which a pod runs on Fargate: the one that its label names, or the first by name of those that select it.
/// `None` leaves it to kube-scheduler.
pub fn profile_of<'p>(pod: &PodSpec, profiles: &'p [FargateProfile]) -> Option<&'p FargateProfile> {
    let asked = pod.labels.get(PROFILE_LABEL);
    profiles
        .iter()
        .filter(|profile| asked.is_none_or(|name| *name == profile.name) && profile.selects(pod))
        .min_by(|a, b| by_name(a, b))
}

fn by_name(a: &FargateProfile, b: &FargateProfile) -> Ordering {
    a.name.cmp(&b.name)
}

/// Whether `text` is what `pattern` says, with `*` and `?` as wildcards.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star is, and how much of the text it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_any_characters_or_one() {
        for (pattern, text, expected) in [
            ("prod", "prod", true),
            ("prod", "prod-metrics", false),
            ("prod*", "prod", true),
            ("prod*", "prod-metrics", true),
            ("*dev", "team-dev", true),
            ("*dev", "dev-team", false),
            ("value?", "valuea", true),
            ("value?", "value", false),
            ("value?", "value-a", false),
            ("frontend*?", "frontend", false),
            ("frontend*?", "frontend-1", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*", "", true),
            ("?", "", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    fn pod(namespace: &str, labels: &[(&str, &str)]) -> PodSpec {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        PodSpec { namespace: namespace.to_owned(), labels, ..PodSpec::default() }
    }

    fn profile(name: &str, selectors: &[(&str, &[(&str, &str)])]) -> FargateProfile {
        let selector = |(namespace, labels): &(&str, &[(&str, &str)])| ProfileSelector {
            namespace: (*namespace).to_owned(),
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        FargateProfile { name: name.to_owned(), selectors: selectors.iter().map(selector).collect() }
    }

    #[test]
    fn a_profile_selects_by_namespace_and_all_labels() {
        let profiles = [
            profile("web", &[("web", &[])]),
            profile("small", &[("jobs-*", &[("size", "small"), ("tier?", "*")]), ("adhoc", &[])]),
            profile("any-small", &[("*", &[("size", "sm*")])]),
        ];
        let both = [("size", "small"), ("tier1", "x")];
        for (pod, expected) in [
            (pod("web", &[]), Some("web")),
            (pod("jobs-1", &[]), None),
            // Of two profiles that select it, the first by name is taken.
            (pod("jobs-1", &both), Some("any-small")),
            (pod("jobs-1", &[("size", "small")]), Some("any-small")),
            (pod("jobs-1", &[("size", "large"), ("tier1", "x")]), None),
            (pod("adhoc", &[]), Some("small")),
            // Unless the pod asks for another one, which must select it.
            (pod("jobs-1", &[both[0], both[1], (PROFILE_LABEL, "small")]), Some("small")),
            (pod("jobs-1", &[both[0], both[1], (PROFILE_LABEL, "web")]), None),
        ] {
            assert_eq!(profile_of(&pod, &profiles).map(|it| it.name.as_str()), expected, "{pod:?}");
        }
        assert_eq!(profile_of(&pod("web", &[]), &[]), None);
    }
}
