//! The platform that manifests make by themselves, where no scenario names any: all NodePools, managed node groups and
//! Fargate profiles are one cluster. It is compared with the built-in platforms.

use super::super::fields::Reader;
use super::super::tree::Node;
use super::super::*;
use super::documents::Pasted;
use super::node_groups;

/// What the platform of the documents is called.
const OWN: &str = "own";

/// `others` and, before them, that of the documents.
pub(super) fn beside(reader: &mut Reader, others: Vec<Platform>, pasted: &mut Pasted) -> Vec<Platform> {
    let mut parts = Vec::new();
    let mut part = |name: &str, kind: Kind| parts.push(Platform { name: name.to_owned(), kind });
    let (pools, groups) = pasted.names();
    let pools = pools.iter().filter_map(|name| pasted.pool(name).ok());
    let (auto_mode, karpenter): (Vec<NodePool>, Vec<NodePool>) = pools.partition(|pool| pool.auto_mode);
    if !groups.is_empty() {
        part("node-groups", Kind::NodeGroups(node_groups::of_documents(reader, OWN, &groups, pasted)));
    }
    if !karpenter.is_empty() {
        part("karpenter", Kind::Karpenter(Karpenter { node_pools: karpenter, ..Karpenter::default() }));
    }
    if !auto_mode.is_empty() {
        part("auto-mode", Kind::AutoMode(AutoMode { node_pools: auto_mode }));
    }
    if !pasted.profiles.is_empty() {
        let profiles = std::mem::take(&mut pasted.profiles);
        part("fargate", Kind::Fargate(Fargate { profiles, ..Fargate::default() }));
    }
    let mut platforms = Vec::new();
    if parts.len() > 1 {
        platforms.push(Platform { name: OWN.to_owned(), kind: Kind::Mixed(Mixed { parts }) });
    } else {
        platforms.extend(parts.pop().map(|only| Platform { name: OWN.to_owned(), ..only }));
    }
    platforms.extend(others);
    platforms
}

/// The `PodTemplateSpec` of a workload, or the pod itself.
pub(super) fn template_of(node: &Node) -> Option<&Node> {
    let spec = || node.get("spec");
    match node.get("kind")?.scalar()? {
        "Pod" => Some(node),
        "PodTemplate" => node.get("template"),
        "CronJob" => spec()?.get("jobTemplate")?.get("spec")?.get("template"),
        _ => spec()?.get("template"),
    }
}
