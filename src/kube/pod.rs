//! Pods: what they ask for, where they may go, and who may take them away.

use std::sync::Arc;

use super::{LabelSelector, Labels, NodeTerm, ResourceList, Toleration};
use crate::units::{Span, Time};

/// A pod as it stands in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    pub name: String,
    /// Decides among pods that are otherwise alike.
    pub uid: String,
    pub created: Time,
    pub spec: Arc<PodSpec>,
    pub phase: Phase,
    /// Has a deletion timestamp.
    pub is_terminating: bool,
    /// Bound to this node.
    pub node_name: Option<String>,
    /// It waits for pods of lower priority to leave this node.
    pub nominated_node_name: Option<String>,
    /// `PodScheduled` is false with the reason `Unschedulable`.
    pub is_unschedulable: bool,
    /// Since when it is unschedulable, if that is known.
    pub unschedulable_since: Option<Time>,
    /// When kubelet acknowledged it.
    pub started: Option<Time>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
}

impl Phase {
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// Everything about a pod that pods made from one template have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodSpec {
    pub namespace: String,
    pub labels: Labels,
    /// Effective requests, with one of `pods`: sidecars, init containers and overhead are in it.
    pub requests: ResourceList,
    /// CPU in millicores and memory in bytes as kube-scheduler's scores count them: containers that request nothing
    /// count 100 m and 200 MiB.
    pub scored_requests: (i64, i64),
    pub node_selector: Labels,
    /// `requiredDuringSchedulingIgnoredDuringExecution` of node affinity: one of these must hold, if there are any.
    pub required_node_terms: Vec<NodeTerm>,
    /// With their weights, in the pod's order.
    pub preferred_node_terms: Vec<(i32, NodeTerm)>,
    pub tolerations: Vec<Toleration>,
    pub spread: Vec<SpreadConstraint>,
    pub affinity: PodAffinity,
    pub anti_affinity: PodAffinity,
    pub host_ports: Vec<HostPort>,
    pub priority: i32,
    /// `preemptionPolicy` is not `Never`.
    pub preempts: bool,
    pub owner: Option<OwnerRef>,
    /// `karpenter.sh/do-not-disrupt`.
    pub do_not_disrupt: DoNotDisrupt,
    /// `controller.kubernetes.io/pod-deletion-cost`.
    pub deletion_cost: i32,
    /// `cluster-autoscaler.kubernetes.io/safe-to-evict`.
    pub safe_to_evict: Option<bool>,
    /// Has a volume that is lost with the node and may not be: `hostPath`, or `emptyDir` that is not memory.
    pub has_local_storage: bool,
    pub termination_grace_period: Span,
    /// Of init containers too, which `ImageLocality` counts since Kubernetes 1.30.
    pub images: Vec<String>,
    /// Init containers among them.
    pub containers: u32,
    /// Must not be put on Spot capacity. Not Kubernetes': a wish that traces express.
    pub avoids_spot: bool,
}

impl Default for PodSpec {
    fn default() -> Self {
        let mut requests = ResourceList::ZERO;
        requests[super::PODS] = 1;
        Self {
            namespace: "default".to_owned(),
            labels: Labels::new(),
            requests,
            scored_requests: (100, 200 << 20),
            node_selector: Labels::new(),
            required_node_terms: Vec::new(),
            preferred_node_terms: Vec::new(),
            tolerations: Vec::new(),
            spread: Vec::new(),
            affinity: PodAffinity::default(),
            anti_affinity: PodAffinity::default(),
            host_ports: Vec::new(),
            priority: 0,
            preempts: true,
            owner: None,
            do_not_disrupt: DoNotDisrupt::No,
            deletion_cost: 0,
            safe_to_evict: None,
            has_local_storage: false,
            termination_grace_period: Span::from_secs(30),
            images: Vec::new(),
            containers: 1,
            avoids_spot: false,
        }
    }
}

impl PodSpec {
    /// Whether where it may go depends on where other pods are.
    pub fn has_topology(&self) -> bool {
        !self.spread.is_empty() || !self.affinity.is_empty() || !self.anti_affinity.is_empty()
    }

    pub fn is_of_daemon_set(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.kind == "DaemonSet")
    }

    /// A static pod, which only kubelet can end.
    pub fn is_mirror(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.kind == "Node")
    }
}

/// The annotation `karpenter.sh/do-not-disrupt` of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DoNotDisrupt {
    #[default]
    No,
    Always,
    /// From the start of the pod on.
    For(Span),
}

/// The controller of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnerRef {
    pub kind: String,
    pub name: String,
    pub uid: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// `0.0.0.0` clashes with every address.
    pub ip: String,
    pub port: u16,
    pub protocol: String,
}

/// One of `topologySpreadConstraints`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpreadConstraint {
    pub max_skew: i32,
    pub topology_key: String,
    pub when_unsatisfiable: WhenUnsatisfiable,
    pub selector: Option<LabelSelector>,
    /// `None` is 1.
    pub min_domains: Option<u32>,
    /// Default `Honor`.
    pub node_affinity_policy: NodeInclusionPolicy,
    /// Default `Ignore`.
    pub node_taints_policy: NodeInclusionPolicy,
    /// Pods with the same values of these labels are counted.
    pub match_label_keys: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhenUnsatisfiable {
    DoNotSchedule,
    ScheduleAnyway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeInclusionPolicy {
    Honor,
    Ignore,
}

/// `podAffinity` or `podAntiAffinity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodAffinity {
    pub required: Vec<PodTerm>,
    /// With their weights, in the pod's order.
    pub preferred: Vec<(i32, PodTerm)>,
}

impl PodAffinity {
    pub fn is_empty(&self) -> bool {
        self.required.is_empty() && self.preferred.is_empty()
    }
}

/// A `PodAffinityTerm`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodTerm {
    pub topology_key: String,
    pub selector: Option<LabelSelector>,
    /// Empty, without a namespace selector: the pod's own.
    pub namespaces: Vec<String>,
    pub namespace_selector: Option<LabelSelector>,
    pub match_label_keys: Vec<String>,
    pub mismatch_label_keys: Vec<String>,
}

impl PodTerm {
    /// Whether `other` is one of the pods that this term of `own` means.
    ///
    /// Of a namespace nothing but its name is known.
    pub fn means(&self, own: &PodSpec, other: &PodSpec) -> bool {
        let in_namespace = if self.namespaces.is_empty() && self.namespace_selector.is_none() {
            other.namespace == own.namespace
        } else {
            let named = || {
                let name = ("kubernetes.io/metadata.name".to_owned(), other.namespace.clone());
                self.namespace_selector
                    .as_ref()
                    .is_some_and(|selector| selector.matches(&Labels::from([name])))
            };
            self.namespaces.contains(&other.namespace) || named()
        };
        let same =
            |key: &String| own.labels.get(key).is_none_or(|value| other.labels.get(key) == Some(value));
        let differs =
            |key: &String| own.labels.get(key).is_none_or(|value| other.labels.get(key) != Some(value));
        in_namespace
            && self.selector.as_ref().is_some_and(|selector| selector.matches(&other.labels))
            && self.match_label_keys.iter().all(same)
            && self.mismatch_label_keys.iter().all(differs)
    }
}

impl SpreadConstraint {
    /// Whether `other` is one of the pods that this constraint of `own` counts.
    pub fn counts(&self, own: &PodSpec, other: &PodSpec) -> bool {
        let same =
            |key: &String| own.labels.get(key).is_none_or(|value| other.labels.get(key) == Some(value));
        other.namespace == own.namespace
            && self.selector.as_ref().is_some_and(|selector| selector.matches(&other.labels))
            && self.match_label_keys.iter().all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(namespace: &str, labels: &[(&str, &str)]) -> PodSpec {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        PodSpec { namespace: namespace.to_owned(), labels, ..PodSpec::default() }
    }

    #[test]
    fn a_term_means_pods_of_its_namespaces_whose_labels_match() {
        let own = labelled("jobs", &[("app", "etl"), ("version", "2")]);
        let term = |namespaces: &[&str], namespace_selector, match_label_keys: &[&str]| PodTerm {
            topology_key: "zone".to_owned(),
            selector: Some(LabelSelector {
                match_labels: Labels::from([("app".to_owned(), "etl".to_owned())]),
                match_expressions: Vec::new(),
            }),
            namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
            namespace_selector,
            match_label_keys: match_label_keys.iter().map(|key| (*key).to_owned()).collect(),
            mismatch_label_keys: Vec::new(),
        };
        let everywhere = Some(LabelSelector::default());
        let web = labelled("web", &[("app", "etl")]);
        let older = labelled("jobs", &[("app", "etl"), ("version", "1")]);
        for (term, other, expected) in [
            (term(&[], None, &[]), &own, true),
            (term(&[], None, &[]), &web, false),
            (term(&["web"], None, &[]), &web, true),
            (term(&["web"], None, &[]), &own, false),
            (term(&[], everywhere, &[]), &web, true),
            (term(&[], None, &[]), &older, true),
            (term(&[], None, &["version"]), &older, false),
        ] {
            assert_eq!(term.means(&own, other), expected, "{term:?} {other:?}");
        }
        let nothing = PodTerm { selector: None, ..term(&[], None, &[]) };
        assert!(!nothing.means(&own, &own));
    }
}
