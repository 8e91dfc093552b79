//! On which nodes a pod may run: the Filter plugins of the default profile, in their order.
//!
//! What a plugin needs to know of the whole cluster it gathers once a pod (PreFilter, [`Filters::new`]); the check of
//! a node is then a matter of a few look-ups. The first plugin that objects gives the reason. Filters of volumes and
//! of claimed devices are not followed.

mod affinity;
mod spread;

use std::fmt;

use super::state::{ClusterState, NodeState, PodOnNode};
use crate::kube::{
    CPU, EPHEMERAL_STORAGE, HostPort, MEMORY, Node, PODS, PodSpec, ResourceNames, Taint, TaintEffect,
};

use affinity::AffinityCounts;
use spread::SpreadCounts;
pub(super) use spread::{is_looked_at, matching};

/// Why a pod cannot run on a node, in the order of the plugins that say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// NodeUnschedulable.
    Unschedulable,
    /// TaintToleration.
    UntoleratedTaint,
    /// NodeAffinity: `nodeSelector` or the required terms.
    NodeAffinity,
    /// NodePorts.
    HostPort,
    /// NodeResourcesFit.
    Insufficient(Insufficient),
    /// PodTopologySpread: the node lacks the label.
    SpreadLabel,
    /// PodTopologySpread: the skew would be too large.
    Spread,
    /// InterPodAffinity: the pod's own affinity.
    PodAffinity,
    /// InterPodAffinity: the pod's own anti-affinity.
    PodAntiAffinity,
    /// InterPodAffinity: anti-affinity of pods that run there.
    ExistingAntiAffinity,
}

/// Of which resources too little is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Insufficient {
    /// A bit for each index of a resource.
    resources: u16,
    /// Even the empty node would have too little.
    is_beyond_node: bool,
}

impl Insufficient {
    /// Indices of the resources, pod slots first as the plugin names them.
    pub fn resources(self) -> impl Iterator<Item = usize> {
        let others = [CPU, MEMORY, EPHEMERAL_STORAGE].into_iter().chain(PODS + 1..16);
        std::iter::once(PODS).chain(others).filter(move |index| self.resources >> index & 1 == 1)
    }
}

impl Reason {
    /// The plugin that objects.
    pub const fn plugin(self) -> &'static str {
        match self {
            Self::Unschedulable => "NodeUnschedulable",
            Self::UntoleratedTaint => "TaintToleration",
            Self::NodeAffinity => "NodeAffinity",
            Self::HostPort => "NodePorts",
            Self::Insufficient(_) => "NodeResourcesFit",
            Self::SpreadLabel | Self::Spread => "PodTopologySpread",
            Self::PodAffinity | Self::PodAntiAffinity | Self::ExistingAntiAffinity => "InterPodAffinity",
        }
    }

    /// Whether removing pods from the node could help: `Unschedulable` and not `UnschedulableAndUnresolvable`.
    pub const fn is_resolvable(self) -> bool {
        match self {
            Self::HostPort | Self::Spread | Self::PodAntiAffinity | Self::ExistingAntiAffinity => true,
            Self::Insufficient(of) => !of.is_beyond_node,
            _ => false,
        }
    }

    /// Kubernetes' words for it, as events show them; NodeResourcesFit may have several.
    pub fn messages(self, names: &ResourceNames) -> Vec<String> {
        let text = match self {
            Self::Unschedulable => "node(s) were unschedulable",
            Self::UntoleratedTaint => "node(s) had untolerated taint(s)",
            Self::NodeAffinity => "node(s) didn't match Pod's node affinity/selector",
            Self::HostPort => "node(s) didn't have free ports for the requested pod ports",
            Self::Insufficient(of) => {
                let message = |index: usize| match index {
                    PODS => "Too many pods".to_owned(),
                    _ => format!("Insufficient {}", names.name(index).unwrap_or("resources")),
                };
                return of.resources().map(message).collect();
            }
            Self::SpreadLabel => {
                "node(s) didn't match pod topology spread constraints (missing required label)"
            }
            Self::Spread => "node(s) didn't match pod topology spread constraints",
            Self::PodAffinity => "node(s) didn't match pod affinity rules",
            Self::PodAntiAffinity => "node(s) didn't match pod anti-affinity rules",
            Self::ExistingAntiAffinity => "node(s) didn't satisfy existing pods anti-affinity rules",
        };
        vec![text.to_owned()]
    }
}

impl fmt::Display for Reason {
    /// With the usual names of resources; those of extended ones are not known here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.messages(&ResourceNames::default()).join(", "))
    }
}

/// One pod's filters, with what they know of the cluster as it was when they were made.
///
/// While pods come and go elsewhere, [`Filters::pod_added`] and [`Filters::pod_removed`] keep it current.
#[derive(Clone, Debug)]
pub struct Filters<'a> {
    pod: &'a PodSpec,
    spread: Option<SpreadCounts<'a>>,
    affinity: Option<AffinityCounts<'a>>,
}

impl<'a> Filters<'a> {
    /// PreFilter. `pod` itself must not be in `cluster`, neither bound nor nominated.
    ///
    /// Costs next to nothing for a pod without spread constraints and required pod (anti-)affinity where no pod in the
    /// cluster has required anti-affinity; otherwise it looks at every pod once.
    pub fn new(pod: &'a PodSpec, cluster: &ClusterState) -> Self {
        Self { pod, spread: SpreadCounts::new(pod, cluster), affinity: AffinityCounts::new(pod, cluster) }
    }

    /// Whether the pod may run on a node (of the cluster, or one that it might get), with the pods of its or a higher
    /// priority that are nominated there, and without them (`RunFilterPluginsWithNominatedPods`).
    ///
    /// # Errors
    ///
    /// The reason why not, by the first plugin that objects.
    pub fn check(&self, state: &NodeState) -> Result<(), Reason> {
        if state.nominated().iter().any(|other| other.spec.priority >= self.pod.priority) {
            let (mut filters, mut with) = (self.clone(), state.clone());
            for other in state.nominated().iter().filter(|other| other.spec.priority >= self.pod.priority) {
                filters.pod_added(&with.node, &other.spec);
                with.add_pod(other.clone());
            }
            filters.check_as_is(&with)?;
        }
        self.check_as_is(state)
    }

    fn check_as_is(&self, state: &NodeState) -> Result<(), Reason> {
        self.check_node(&state.node)?;
        if state.has_host_ports() && state.pods().iter().any(|other| ports_clash(self.pod, &other.spec)) {
            return Err(Reason::HostPort);
        }
        fits(self.pod, state)?;
        if let Some(spread) = &self.spread {
            spread.check(&state.node)?;
        }
        self.affinity.as_ref().map_or(Ok(()), |affinity| affinity.check(&state.node))
    }

    /// The filters that look at the node alone, not at what runs there: NodeUnschedulable, TaintToleration,
    /// NodeAffinity.
    ///
    /// # Errors
    ///
    /// The reason why the pod may not run there, by the first plugin that objects.
    pub fn check_node(&self, node: &Node) -> Result<(), Reason> {
        admits(self.pod, node)
    }

    /// Whether where the pod may go depends on other pods than those of the node in question.
    pub fn has_topology(&self) -> bool {
        self.spread.is_some() || self.affinity.is_some()
    }

    /// A pod came to a node.
    pub fn pod_added(&mut self, node: &Node, other: &PodSpec) {
        self.count(node, other, 1);
    }

    /// A pod left a node.
    pub fn pod_removed(&mut self, node: &Node, other: &PodSpec) {
        self.count(node, other, -1);
    }

    fn count(&mut self, node: &Node, other: &PodSpec, by: i64) {
        if let Some(spread) = &mut self.spread {
            spread.count(node, other, by);
        }
        match &mut self.affinity {
            Some(affinity) => affinity.count(node, other, by),
            None if by > 0 => self.affinity = AffinityCounts::of_first(self.pod, node, other),
            None => {}
        }
    }
}

/// Whether `pod` may run on a node of `cluster` as it stands.
///
/// For several nodes make [`Filters`] once.
///
/// # Errors
///
/// The reason why not, by the first plugin that objects.
pub fn filter(pod: &PodSpec, cluster: &ClusterState, node: usize) -> Result<(), Reason> {
    Filters::new(pod, cluster).check(cluster.node(node))
}

/// NodeUnschedulable, TaintToleration and NodeAffinity.
///
/// # Errors
///
/// The reason why the pod may not run there, by the first plugin that objects.
pub fn admits(pod: &PodSpec, node: &Node) -> Result<(), Reason> {
    let cordon = || Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        value: String::new(),
        effect: TaintEffect::NoSchedule,
    };
    if node.is_unschedulable && !tolerates(pod, &cordon()) {
        return Err(Reason::Unschedulable);
    }
    if has_untolerated_taint(pod, node) {
        return Err(Reason::UntoleratedTaint);
    }
    if !matches_node_affinity(pod, node) {
        return Err(Reason::NodeAffinity);
    }
    Ok(())
}

pub(super) fn tolerates(pod: &PodSpec, taint: &Taint) -> bool {
    pod.tolerations.iter().any(|toleration| toleration.tolerates(taint))
}

/// TaintToleration: a taint that keeps pods away and is not tolerated.
fn has_untolerated_taint(pod: &PodSpec, node: &Node) -> bool {
    let mut hard = node.taints.iter().filter(|taint| taint.effect != TaintEffect::PreferNoSchedule);
    hard.any(|taint| !tolerates(pod, taint))
}

/// NodeAffinity: all of `nodeSelector`, and one of the required terms if there are any.
fn matches_node_affinity(pod: &PodSpec, node: &Node) -> bool {
    pod.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
        && (pod.required_node_terms.is_empty()
            || pod.required_node_terms.iter().any(|term| term.matches(&node.name, &node.labels)))
}

/// NodePorts: the same port and protocol on the same address, or on all addresses.
fn ports_clash(pod: &PodSpec, other: &PodSpec) -> bool {
    const ALL: &str = "0.0.0.0";
    let address = |port: &HostPort| if port.ip.is_empty() { ALL.to_owned() } else { port.ip.clone() };
    let clash = |a: &HostPort, b: &HostPort| {
        a.port == b.port && a.protocol == b.protocol && {
            let (a, b) = (address(a), address(b));
            a == b || a == ALL || b == ALL
        }
    };
    pod.host_ports.iter().any(|a| other.host_ports.iter().any(|b| clash(a, b)))
}

/// NodeResourcesFit: all resources of which too little is free. A pod that requests none of a resource does not mind
/// that it is overdrawn.
fn fits(pod: &PodSpec, state: &NodeState) -> Result<(), Reason> {
    let (allocatable, requested) = (&state.node.allocatable, state.requested());
    let mut lacking = Insufficient::default();
    if state.pods().len() as i64 + 1 > allocatable[PODS] {
        lacking.resources |= 1 << PODS;
    }
    for (index, asked) in pod.requests.iter() {
        let (asked, has, used) = match index {
            PODS => continue,
            CPU => (pod.requests.milli_cpu(), allocatable.milli_cpu(), requested.milli_cpu()),
            _ => (asked, allocatable[index], requested[index]),
        };
        if asked > 0 && asked > has - used {
            lacking.resources |= 1 << index;
            lacking.is_beyond_node |= asked > has;
        }
    }
    if lacking.resources == 0 { Ok(()) } else { Err(Reason::Insufficient(lacking)) }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
