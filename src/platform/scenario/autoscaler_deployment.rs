//! Cluster Autoscaler as it is deployed: the flags of its container, as Go's flag package reads them.

use super::super::fields::{Reader, Section};
use super::super::tree::{Entry, Node, Value};
use super::super::values::Refusal;
use super::super::*;
use super::cluster_autoscaler::{NOT_SIMULATED, flags};

/// Flags that change nothing here: where it finds its cluster, what it logs and serves.
const HARMLESS: [&str; 34] = [
    "address",
    "alsologtostderr",
    "aws-use-static-instance-list",
    "cloud-config",
    "cloud-provider",
    "cluster-name",
    "clusterapi-cloud-config-authoritative",
    "config-map",
    "debugging-snapshot-enabled",
    "emit-per-nodegroup-metrics",
    "kube-api-content-type",
    "kube-client-burst",
    "kube-client-qps",
    "kubeconfig",
    "kubernetes",
    "leader-elect",
    "leader-elect-lease-duration",
    "leader-elect-renew-deadline",
    "leader-elect-resource-lock",
    "leader-elect-resource-name",
    "leader-elect-resource-namespace",
    "leader-elect-retry-period",
    "log-file",
    "logtostderr",
    "max-inactivity",
    "max-failing-time",
    "namespace",
    "profiling",
    "record-duplicated-events",
    "stderrthreshold",
    "status-config-map-name",
    "user-agent",
    "v",
    "write-status-configmap",
];

/// The groups are those of the scenario and its ClusterConfigs.
const GROUPS: [&str; 2] = ["node-group-auto-discovery", "nodes"];

/// Flags without which a value may stand in an argument of its own: a flag that is there is set.
const BOOLEANS: [&str; 14] = [
    "alsologtostderr",
    "aws-use-static-instance-list",
    "balance-similar-node-groups",
    "emit-per-nodegroup-metrics",
    "frequent-loops-enabled",
    "ignore-daemonsets-utilization",
    "leader-elect",
    "logtostderr",
    "profiling",
    "scale-down-enabled",
    "skip-nodes-with-custom-controller-pods",
    "skip-nodes-with-local-storage",
    "skip-nodes-with-system-pods",
    "write-status-configmap",
];

/// What the flags of the Cluster Autoscaler in `node` say; `None` for any other workload.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<ClusterAutoscaler> {
    let template = super::own_platforms::template_of(node)?;
    let Value::List(containers) = &template.get("spec")?.get("containers")?.value else { return None };
    let container = containers.iter().find(|container| is_autoscaler(container))?;
    let given = Node { place: container.place, value: Value::Map(entries(reader, container)) };
    let mut autoscaler = ClusterAutoscaler::default();
    let name = "the flags of cluster-autoscaler".to_owned();
    let mut section = Section::new(reader, name, "cluster-autoscaler".to_owned(), &given);
    flags(reader, &mut section, &mut autoscaler);
    section.unsimulated(reader, &NOT_SIMULATED);
    section.unsimulated(reader, &GROUPS);
    section.ignore(&HARMLESS);
    section.finish(reader);
    Some(autoscaler)
}

fn is_autoscaler(container: &Node) -> bool {
    let first = match container.get("command").map(|command| &command.value) {
        Some(Value::List(items)) => items.first().and_then(Node::scalar).unwrap_or_default(),
        _ => "",
    };
    let image = container.get("image").and_then(Node::scalar).unwrap_or_default();
    let image = image.split(['@', ':']).next().unwrap_or_default();
    first.ends_with("cluster-autoscaler") || image.ends_with("/cluster-autoscaler")
}

/// Each flag once, as a field: of several, the last one counts.
fn entries(reader: &mut Reader, container: &Node) -> Vec<Entry> {
    let mut arguments: Vec<&Node> = Vec::new();
    for (name, skipped) in [("command", 1), ("args", 0)] {
        if let Some(Value::List(items)) = container.get(name).map(|list| &list.value) {
            let is_flag = |node: &&Node| node.scalar().is_some_and(|text| text.starts_with('-'));
            let own = if items.first().as_ref().is_some_and(is_flag) { 0 } else { skipped };
            arguments.extend(items.iter().skip(own));
        }
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(node) = arguments.next() {
        let text = node.scalar().unwrap_or_default();
        let Some(flag) = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).filter(|f| !f.is_empty())
        else {
            let refusal = Refusal::new("this argument of cluster-autoscaler is no flag")
                .hint("write for example --expander=least-waste");
            reader.problem(node.place, text, refusal);
            continue;
        };
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        let name = name.replace('_', "-");
        let next = arguments.peek().and_then(|next| next.scalar()).filter(|next| !next.starts_with('-'));
        let (place, value) = match (value, next) {
            (Some(value), _) => (node.place, value.to_owned()),
            (None, Some(next)) if !BOOLEANS.contains(&name.as_str()) => {
                let place = arguments.next().map_or(node.place, |node| node.place);
                (place, next.to_owned())
            }
            (None, _) => (node.place, "true".to_owned()),
        };
        entries.retain(|entry| entry.key != name);
        let value = Node { place, value: Value::Scalar(value) };
        entries.push(Entry { key: name, key_place: node.place, value });
    }
    entries
}
