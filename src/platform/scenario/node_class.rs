//! A Karpenter EC2NodeClass (`karpenter.k8s.aws/v1`): what decides how much a node has room for is read; networks and roles
//! change nothing here.

use super::super::fields::{Reader, Section};
use super::super::tree::Node;
use super::super::values::*;
use super::super::*;
use super::documents::{api_version, metadata};

const API_VERSION: &str = "karpenter.k8s.aws/v1";

/// Fields that change nothing here; what they do to the start-up of nodes is `startup`'s to say.
const IGNORED: [&str; 9] = [
    "associatePublicIPAddress",
    "context",
    "detailedMonitoring",
    "instanceProfile",
    "ipPrefixCount",
    "metadataOptions",
    "role",
    "securityGroupSelectorTerms",
    "tags",
];

/// Families of AMIs that Karpenter knows, `Custom` among them.
const AMI_FAMILIES: [&str; 6] = ["AL2", "AL2023", "Bottlerocket", "Custom", "Windows2019", "Windows2022"];

#[derive(Clone, Debug, Default)]
pub(super) struct NodeClass {
    pub name: String,
    pub root_volume: Option<Memory>,
    pub max_pods: Option<i64>,
    pub sizing: NodeSizing,
}

pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<NodeClass> {
    let mut root = Section::new(reader, "EC2NodeClass".into(), "EC2NodeClass".into(), node);
    api_version(reader, &mut root, node, API_VERSION);
    root.entry(reader, "kind");
    let name = metadata(reader, &mut root, node);
    if let Some(name) = &name {
        root.rename(format!("EC2NodeClass[{name}]"), "EC2NodeClass".into());
    }
    root.ignore(&["status"]);
    let mut spec = root.section(reader, "spec");
    let root_volume = volumes(reader, &mut spec);
    let mut kubelet = spec.section(reader, "kubelet");
    let max_pods = kubelet.optional(reader, "maxPods", |t| whole(t, 1, 1_000).map(|n| n as i64));
    let mut sizing = NodeSizing {
        pods_per_core: kubelet.optional(reader, "podsPerCore", |t| whole(t, 1, 1_000).map(|n| n as i64)),
        ..NodeSizing::default()
    };
    let mut reserved = kubelet.section(reader, "systemReserved");
    let of_system = &mut sizing.system_reserved;
    reserved.set(reader, "cpu", &mut of_system.cpu, |t| cpu(t, Cpu::ZERO));
    reserved.set(reader, "memory", &mut of_system.memory, |t| memory(t, Memory::ZERO, MOST_MEMORY));
    reserved
        .set(reader, "ephemeral-storage", &mut of_system.ephemeral, |t| memory(t, Memory::ZERO, MOST_MEMORY));
    reserved.unsimulated(reader, &["pid"]);
    reserved.finish(reader);
    kubelet.ignore(&[
        "clusterDNS",
        "cpuCFSQuota",
        "evictionMaxPodGracePeriod",
        "evictionSoft",
        "evictionSoftGracePeriod",
        "imageGCHighThresholdPercent",
        "imageGCLowThresholdPercent",
    ]);
    kubelet.unsimulated(reader, &["evictionHard", "kubeReserved"]);
    kubelet.finish(reader);
    if let Some(policy) = spec.optional(reader, "instanceStorePolicy", |t| choice(t, &[("RAID0", true)])) {
        sizing.raid0 = policy;
    }
    amis(reader, &mut spec, &mut sizing);
    spec.ignore(&IGNORED);
    // Which subnets those are, and in which zones, only the account knows: nodes are in the scenario's `zones`.
    spec.unsimulated(reader, &["capacityReservationSelectorTerms", "subnetSelectorTerms", "userData"]);
    spec.finish(reader);
    root.finish(reader);
    name.map(|name| NodeClass { name, root_volume, max_pods, sizing })
}

/// The family of the AMI, or what an alias such as `al2023@latest` says of it.
fn amis(reader: &mut Reader, spec: &mut Section, sizing: &mut NodeSizing) {
    let family = spec.optional(reader, "amiFamily", |t| choice(t, &AMI_FAMILIES.map(|name| (name, name))));
    sizing.bottlerocket = family == Some("Bottlerocket");
    let (path, generic) = (spec.path("amiSelectorTerms"), spec.generic("amiSelectorTerms[]"));
    for (index, node) in spec.list(reader, "amiSelectorTerms").unwrap_or_default().iter().enumerate() {
        let mut term = Section::new(reader, format!("{path}[{index}]"), generic.clone(), node);
        let alias = term.optional(reader, "alias", |text| {
            let known = ["al2", "al2023", "bottlerocket", "windows2019", "windows2022"];
            match text.split_once('@') {
                Some((family, version)) if known.contains(&family) && !version.is_empty() => {
                    Ok(family.to_owned())
                }
                _ => Err(Refusal::new("is not an alias of AMIs").hint("write for example al2023@latest")),
            }
        });
        sizing.bottlerocket |= alias.as_deref() == Some("bottlerocket");
        term.ignore(&["id", "name", "owner", "ssmParameter", "tags"]);
        term.finish(reader);
    }
}

/// A NodeClass of EKS Auto Mode (`eks.amazonaws.com/v1`): the size of its data volume is read.
pub(super) fn read_auto_mode(reader: &mut Reader, node: &Node) -> Option<NodeClass> {
    let mut root = Section::new(reader, "NodeClass".into(), "NodeClass".into(), node);
    api_version(reader, &mut root, node, "eks.amazonaws.com/v1");
    root.entry(reader, "kind");
    let name = metadata(reader, &mut root, node);
    if let Some(name) = &name {
        root.rename(format!("NodeClass[{name}]"), "NodeClass".into());
    }
    root.ignore(&["status"]);
    let mut spec = root.section(reader, "spec");
    let mut storage = spec.section(reader, "ephemeralStorage");
    let size = |t: &str| memory(t, Memory::from_gib(1), Memory::from_gib(64 << 10));
    let root_volume = storage.optional(reader, "size", size);
    baseline(reader, &mut storage);
    storage.ignore(&["kmsKeyID"]);
    storage.finish(reader);
    spec.ignore(&[
        "advancedNetworking",
        "certificateBundles",
        "instanceProfile",
        "networkPolicy",
        "networkPolicyEventLogs",
        "podSecurityGroupSelectorTerms",
        "podSubnetSelectorTerms",
        "role",
        "securityGroupSelectorTerms",
        "snatPolicy",
        "subnetSelectorTerms",
        "tags",
    ]);
    spec.unsimulated(reader, &["capacityReservationSelectorTerms"]);
    spec.finish(reader);
    root.finish(reader);
    name.map(|name| NodeClass { name, root_volume, max_pods: None, sizing: NodeSizing::default() })
}

/// A gp3 volume's performance, beyond which there is no price here.
fn baseline(reader: &mut Reader, volume: &mut Section) {
    for (name, number) in [("iops", 3_000), ("throughput", 125)] {
        let given = volume.optional(reader, name, |text| whole(text, 1, 1_000_000));
        if given.is_some_and(|given| given != number) {
            reader.not_simulated(format!(
                "{} (volumes are gp3 at its baseline, {number})",
                volume.generic(name)
            ));
        }
    }
}

/// One gp3 volume of any size, at its baseline.
fn volumes(reader: &mut Reader, spec: &mut Section) -> Option<Memory> {
    let (path, generic) = (spec.path("blockDeviceMappings"), spec.generic("blockDeviceMappings[]"));
    let items = spec.list(reader, "blockDeviceMappings")?;
    if items.len() > 1 {
        reader.not_simulated(format!("{generic} beyond the first (nodes have one volume)"));
    }
    let node = items.first()?;
    let mut mapping = Section::new(reader, format!("{path}[0]"), generic, node);
    mapping.ignore(&["deviceName", "rootVolume"]);
    let mut ebs = mapping.section(reader, "ebs");
    let size =
        ebs.optional(reader, "volumeSize", |t| memory(t, Memory::from_gib(1), Memory::from_gib(64 << 10)));
    let types = ["gp2", "gp3", "io1", "io2", "sc1", "st1", "standard"];
    let volume_type =
        ebs.optional(reader, "volumeType", |text| choice(text, &types.map(|word| (word, word))));
    if let Some(other) = volume_type.filter(|word| *word != "gp3") {
        reader.not_simulated(format!("{} {other} (billed as gp3)", ebs.generic("volumeType")));
    }
    baseline(reader, &mut ebs);
    ebs.ignore(&["deleteOnTermination", "encrypted", "kmsKeyID", "snapshotID", "volumeInitializationRate"]);
    ebs.finish(reader);
    mapping.finish(reader);
    size
}
