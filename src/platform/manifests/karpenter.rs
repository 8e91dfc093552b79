//! Karpenter's NodePools and the EC2NodeClasses that they need.

use super::super::scenario::print::node_pools::{node_class, node_pool};
use super::super::scenario::print::render;
use super::super::scenario::print::yaml::{Yaml, field, text};
use super::super::{Karpenter, NodePool, Settings};
use super::{full_names, go_duration, helm_values};
use crate::units::Memory;

/// The rest of an EC2NodeClass's `spec`, which is the last field of the document: Karpenter takes none without it.
const ROLE: &str = "  role: KarpenterNodeRole-my-cluster # fill in: the IAM role of Karpenter's nodes
  # fill in: the value of the tag by which Karpenter finds the subnets and security groups of your cluster
";
const NETWORK: &str = "  subnetSelectorTerms: [{tags: {karpenter.sh/discovery: &cluster my-cluster}}]
  securityGroupSelectorTerms: [{tags: {karpenter.sh/discovery: *cluster}}]
";

/// Pools whose nodes are alike share a class, so that there is less to fill in. `None` if EC2NodeClasses cannot have a
/// volume of some pool's size.
pub(super) fn documents(karpenter: &Karpenter, region: &str, zones: &[String]) -> Option<String> {
    let mut classes: Vec<&NodePool> = Vec::new();
    let mut documents = Vec::new();
    for pool in &karpenter.node_pools {
        let of = |pool: &NodePool| (pool.root_volume, pool.max_pods, pool.sizing);
        let alike = |first: &&NodePool| of(first) == of(pool);
        let class = classes.iter().copied().find(alike).unwrap_or(pool);
        documents.push(render(&node_pool(pool, &class.name)));
        if class.name == pool.name {
            classes.push(pool);
        }
    }
    if !classes.iter().all(|pool| is_size(pool.root_volume)) {
        return None;
    }
    let rest = [ROLE, &subnets(region, zones), NETWORK].concat();
    documents.extend(classes.iter().map(|pool| {
        let alias = if pool.sizing.bottlerocket { "bottlerocket" } else { "al2023" };
        format!(
            "{}  amiSelectorTerms: [{{alias: {alias}@latest}}]\n{rest}",
            render(&node_class(pool, &pool.name))
        )
    }));
    Some(settings(karpenter) + &documents.join("---\n"))
}

/// In which zones nodes are: the subnets decide it. (A requirement of the pool could too, but would be another pool than
/// the one that was simulated.)
fn subnets(region: &str, zones: &[String]) -> String {
    if zones == Settings::default().zones {
        return String::new();
    }
    let zones = full_names(region, zones).join(", ");
    format!("  # fill in: only subnets in these zones, as in the simulation: {zones}\n")
}

/// Whether a `volumeSize` can be of this size: whole GiB or GB (the API's pattern has no smaller unit).
fn is_size(volume: Memory) -> bool {
    [1 << 30, 1_000_000_000].iter().any(|unit| volume.bytes() % unit == 0)
}

fn settings(karpenter: &Karpenter) -> String {
    let gates = Yaml::Inline(vec![field(
        "spotToSpotConsolidation",
        Yaml::Bool(karpenter.spot_to_spot_consolidation),
    )]);
    let mut settings = vec![
        field("batchIdleDuration", text(go_duration(karpenter.batch_idle_duration))),
        field("batchMaxDuration", text(go_duration(karpenter.batch_max_duration))),
        field("featureGates", gates),
    ];
    // Without its queue, Karpenter does not hear of interruptions.
    let queue = if karpenter.interruption_handling { "the-name-of-its-sqs-queue" } else { "" };
    settings.push(field("interruptionQueue", Yaml::Str(queue.to_owned())));
    helm_values("karpenter", vec![field("settings", Yaml::Map(settings))])
}
