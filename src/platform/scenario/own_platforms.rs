//! Platforms that manifests make by themselves, where no scenario names any: all NodePools together are one, all managed
//! node groups another. They are compared with the built-in ones.

use super::super::fields::Reader;
use super::super::tree::Node;
use super::super::*;
use super::candidates::clashing_pools;
use super::documents::Pasted;
use super::node_groups;

const KARPENTER: &str = "own-karpenter";
const AUTO_MODE: &str = "own-auto-mode";
const NODE_GROUPS: &str = "own-node-groups";

/// `others` and, before them, those of the documents.
pub(super) fn beside(reader: &mut Reader, others: Vec<Platform>, pasted: &mut Pasted) -> Vec<Platform> {
    let mut platforms = Vec::new();
    let (pools, groups) = pasted.names();
    let pools = pools.iter().filter_map(|name| pasted.pool(name).ok());
    let (auto, own): (Vec<NodePool>, Vec<NodePool>) = pools.partition(|pool| pool.auto_mode);
    if !own.is_empty() {
        let karpenter = Karpenter { node_pools: own, ..Karpenter::default() };
        platforms.push(Platform { name: KARPENTER.to_owned(), kind: Kind::Karpenter(karpenter) });
    }
    if !auto.is_empty() {
        let auto_mode = AutoMode { node_pools: auto };
        platforms.push(Platform { name: AUTO_MODE.to_owned(), kind: Kind::AutoMode(auto_mode) });
    }
    if !groups.is_empty() {
        let groups = node_groups::of_documents(reader, NODE_GROUPS, &groups, pasted);
        platforms.push(Platform { name: NODE_GROUPS.to_owned(), kind: Kind::NodeGroups(groups) });
    }
    for other in others {
        platforms.push(other);
        // A NodePool of the documents may have the name of a built-in one.
        if clashing_pools(&platforms).is_some() {
            platforms.pop();
        }
    }
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
