//! What is decided, as JSON in canonical order: two programs that decide the same print the same line.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::kube::{CPU, EPHEMERAL_STORAGE, MEMORY, Pod, ResourceList, ResourceNames};

/// Of mode `solve`. Pods are sorted in each list, new claims by their first pod, nodes by name.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Solved {
    pub new_node_claims: Vec<NewNodeClaim>,
    /// Those that get pods.
    pub existing_nodes: Vec<NodeWithPods>,
    pub pod_errors: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewNodeClaim {
    pub node_pool: String,
    /// The cheapest first.
    pub instance_types: Vec<String>,
    pub requests: BTreeMap<String, String>,
    pub pods: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NodeWithPods {
    pub name: String,
    pub pods: Vec<String>,
}

impl Solved {
    pub fn in_order(mut self) -> Self {
        for claim in &mut self.new_node_claims {
            claim.pods.sort_unstable();
        }
        self.new_node_claims.sort_by(|a, b| a.pods.cmp(&b.pods));
        for node in &mut self.existing_nodes {
            node.pods.sort_unstable();
        }
        self.existing_nodes.sort_by(|a, b| a.name.cmp(&b.name));
        self
    }
}

/// Of mode `consolidate`: what is done first.
#[derive(Clone, Debug, Serialize)]
pub struct Command {
    pub method: &'static str,
    /// Names of nodes, sorted.
    pub candidates: Vec<String>,
    pub decision: &'static str,
    pub replacement: Replacement,
}

/// Only drift may need several nodes in place of one.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Replacement {
    None(()),
    One(NewNode),
    Several(Vec<NewNode>),
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewNode {
    pub node_pool: String,
    /// The cheapest first.
    pub instance_types: Vec<String>,
    /// Sorted.
    pub capacity_types: Vec<String>,
    pub requests: BTreeMap<String, String>,
}

/// Of mode `cluster-autoscaler`; everything by name.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Autoscaled {
    pub scale_up: Vec<GroupDelta>,
    pub unneeded: Vec<String>,
    pub scale_down: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct GroupDelta {
    pub group: String,
    pub delta: i64,
}

/// Of mode `score`; nodes by name.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Scored {
    pub nodes: Vec<NodeScore>,
}

#[derive(Clone, Debug, Serialize)]
pub struct NodeScore {
    pub name: String,
    /// `null` where the pod fits, the plugin that says no otherwise.
    pub filter: Option<String>,
    /// By plugin, from 0 to 100 before the plugin's weight; empty where the pod does not fit.
    pub scores: BTreeMap<&'static str, i64>,
    /// With weights; `null` where the pod does not fit.
    pub total: Option<i64>,
}

/// A line of output, whichever mode it is of.
pub fn line(output: &impl Serialize) -> String {
    // Nothing here has keys that are not strings, the one thing that JSON cannot say.
    serde_json::to_string(output).unwrap_or_else(|_| Value::Null.to_string())
}

/// How pods are called: by name where that is clear within the case, by namespace and name otherwise.
#[derive(Debug)]
pub struct PodNames<'c>(BTreeMap<&'c str, usize>);

impl<'c> PodNames<'c> {
    pub fn new(pods: impl Iterator<Item = &'c Pod>) -> Self {
        let mut count = BTreeMap::new();
        for pod in pods {
            *count.entry(pod.name.as_str()).or_default() += 1;
        }
        Self(count)
    }

    pub fn of(&self, pod: &Pod) -> String {
        match self.0.get(pod.name.as_str()) {
            Some(2..) => format!("{}/{}", pod.spec.namespace, pod.name),
            _ => pod.name.clone(),
        }
    }
}

/// Amounts that are not zero, in the canonical form of Kubernetes' quantities: memory and storage in binary units,
/// everything else in decimal ones.
pub fn quantities(list: &ResourceList, names: &ResourceNames) -> BTreeMap<String, String> {
    let named = names.iter().filter(|(index, _)| list[*index] != 0);
    named.map(|(index, name)| (name.to_owned(), quantity(index, name, list[index]))).collect()
}

fn quantity(index: usize, name: &str, amount: i64) -> String {
    match index {
        CPU => decimal(amount, -3),
        MEMORY | EPHEMERAL_STORAGE => binary(amount),
        _ if name.starts_with("hugepages-") => binary(amount),
        _ => decimal(amount, 0),
    }
}

/// The largest unit in which an amount is whole; `power` is what the amount is counted in, in thousands.
fn decimal(mut amount: i64, mut power: i32) -> String {
    while amount != 0 && amount % 1_000 == 0 && power < 6 {
        amount /= 1_000;
        power += 1;
    }
    let units = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    format!("{amount}{}", units[(power + 3) as usize])
}

fn binary(mut amount: i64) -> String {
    let mut unit = 0;
    let units = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    while amount != 0 && amount % 1_024 == 0 && unit + 1 < units.len() {
        amount /= 1_024;
        unit += 1;
    }
    format!("{amount}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::PODS;

    #[test]
    fn quantities_are_printed_in_their_canonical_form() {
        let mut names = ResourceNames::default();
        let gpu = names.intern("nvidia.com/gpu").unwrap();
        for (index, amount, text) in [
            (CPU, 1_500_000_000, "1500m"),
            (CPU, 2_000_000_000, "2"),
            (CPU, 1_000_000_000_000, "1k"),
            (CPU, 1, "1n"),
            (MEMORY, 3 << 29, "1536Mi"),
            (MEMORY, 2 << 30, "2Gi"),
            (MEMORY, 1_000, "1000"),
            (PODS, 110, "110"),
            (gpu, 4, "4"),
        ] {
            let mut list = ResourceList::ZERO;
            list[index] = amount;
            let printed = quantities(&list, &names);
            assert_eq!(printed.values().collect::<Vec<_>>(), [text], "{amount}");
        }
    }

    #[test]
    fn a_pod_is_called_by_its_namespace_only_where_its_name_is_not_enough() {
        let pod = |namespace: &str, name: &str| Pod {
            name: name.to_owned(),
            spec: crate::kube::PodSpec { namespace: namespace.to_owned(), ..Default::default() }.into(),
            uid: String::new(),
            created: crate::units::Time::default(),
            phase: crate::kube::Phase::Pending,
            is_terminating: false,
            node_name: None,
            nominated_node_name: None,
            is_unschedulable: true,
            unschedulable_since: None,
            started: None,
        };
        let pods = [pod("a", "x"), pod("b", "x"), pod("b", "y")];
        let names = PodNames::new(pods.iter());
        assert_eq!(pods.each_ref().map(|pod| names.of(pod)), ["a/x", "b/x", "y"]);
    }
}
