//! The filters that depend on a node's labels and taints and not on what runs there: node selector,
//! architecture, taints.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::catalog::labels;
use crate::kube;
use crate::platform::{Taint, TaintEffect};
use crate::trace::{PodArch, split_list};

/// What filters see of a kind of node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeLabels {
    pub labels: BTreeMap<String, String>,
    pub taints: Vec<Taint>,
    /// EC2 may take the node back: not for pods that must not be interrupted.
    pub is_spot: bool,
}

pub const ARCH_LABEL: &str = "kubernetes.io/arch";

impl NodeLabels {
    /// What the nodes of this kind in `zone` are in Kubernetes' words. A kind that does not say its architecture is
    /// amd64.
    pub fn node(&self, zone: Option<&String>) -> kube::Node {
        let mut node = kube::Node { taints: self.taints.clone(), ..kube::Node::default() };
        node.labels.insert(ARCH_LABEL.to_owned(), "amd64".to_owned());
        for (key, value) in &self.labels {
            node.labels.insert(labels::normalized(key).to_owned(), value.clone());
            node.labels.insert(key.clone(), value.clone());
        }
        if let Some(zone) = zone {
            node.labels.insert(labels::ZONE.to_owned(), zone.clone());
        }
        node
    }
}

/// One toleration of a pod, written `key`, `key=value`, either with `:Effect`, or `*` for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Toleration<'a> {
    /// `None` tolerates every key.
    key: Option<Cow<'a, str>>,
    /// `None` is the operator `Exists`.
    value: Option<String>,
    effect: Option<String>,
}

impl Toleration<'_> {
    fn parse(text: Cow<'_, str>) -> Toleration<'_> {
        let (rest, effect) = match text.rsplit_once(':') {
            Some((rest, effect)) => (Cow::Owned(rest.to_owned()), Some(effect.to_owned())),
            None => (text, None),
        };
        if rest == "*" {
            return Toleration { key: None, value: None, effect };
        }
        match rest.split_once('=') {
            Some((key, value)) => {
                Toleration { key: Some(Cow::Owned(key.to_owned())), value: Some(value.to_owned()), effect }
            }
            None => Toleration { key: Some(rest), value: None, effect },
        }
    }

    fn tolerates(&self, taint: &Taint) -> bool {
        let effect = match taint.effect {
            TaintEffect::NoSchedule => "NoSchedule",
            TaintEffect::PreferNoSchedule => "PreferNoSchedule",
            TaintEffect::NoExecute => "NoExecute",
        };
        self.key.as_ref().is_none_or(|key| *key == taint.key)
            && self.value.as_ref().is_none_or(|value| *value == taint.value)
            && self.effect.as_ref().is_none_or(|e| e == effect)
    }
}

/// Whether a pod may run on a kind of node; if so, how many `PreferNoSchedule` taints it does not tolerate.
///
/// `node_selector` and `tolerations` are the `;`-separated lists of the trace.
pub fn admits(node: &NodeLabels, arch: PodArch, node_selector: &str, tolerations: &str) -> Option<u32> {
    let arch_fits = match arch {
        PodArch::Any => true,
        PodArch::Amd64 => node.labels.get(ARCH_LABEL).is_none_or(|a| a == "amd64"),
        PodArch::Arm64 => node.labels.get(ARCH_LABEL).is_some_and(|a| a == "arm64"),
    };
    let selected = split_list(node_selector).all(|item| {
        let (key, value) = item.split_once('=').unwrap_or((&item, ""));
        node.labels.get(key).is_some_and(|v| v == value)
    });
    if !arch_fits || !selected {
        return None;
    }
    let tolerations: Vec<Toleration> = split_list(tolerations).map(Toleration::parse).collect();
    let mut avoided = 0;
    for taint in node.taints.iter().filter(|t| !tolerations.iter().any(|toleration| toleration.tolerates(t)))
    {
        if taint.effect != TaintEffect::PreferNoSchedule {
            return None;
        }
        avoided += 1;
    }
    Some(avoided)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(taints: &[(&str, &str, TaintEffect)]) -> NodeLabels {
        let labels =
            [("kubernetes.io/arch", "amd64"), ("role", "jobs"), ("topology.kubernetes.io/zone", "a")];
        NodeLabels {
            is_spot: false,
            labels: labels.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            taints: taints
                .iter()
                .map(|(key, value, effect)| Taint {
                    key: (*key).into(),
                    value: (*value).into(),
                    effect: *effect,
                })
                .collect(),
        }
    }

    #[test]
    fn selectors_need_every_label() {
        let plain = node(&[]);
        for (selector, fits) in
            [("", true), ("role=jobs", true), ("role=jobs;zone=a", false), ("role=web", false)]
        {
            assert_eq!(admits(&plain, PodArch::Amd64, selector, "").is_some(), fits, "{selector}");
        }
        assert_eq!(admits(&plain, PodArch::Arm64, "", ""), None);
        assert_eq!(admits(&plain, PodArch::Any, "", ""), Some(0));
    }

    #[test]
    fn taints_repel_unless_tolerated() {
        let tainted = node(&[("dedicated", "jobs", TaintEffect::NoSchedule)]);
        let cases = [
            ("", None),
            ("dedicated", Some(0)),
            ("dedicated=jobs", Some(0)),
            ("dedicated=web", None),
            ("dedicated=jobs:NoSchedule", Some(0)),
            ("dedicated:NoExecute", None),
            ("other;*", Some(0)),
        ];
        for (tolerations, expected) in cases {
            assert_eq!(admits(&tainted, PodArch::Amd64, "", tolerations), expected, "{tolerations}");
        }
        let soft =
            node(&[("spot", "", TaintEffect::PreferNoSchedule), ("old", "", TaintEffect::PreferNoSchedule)]);
        assert_eq!(admits(&soft, PodArch::Amd64, "", "old"), Some(1));
    }
}
