//! A Karpenter EC2NodeClass (`karpenter.k8s.aws/v1`): the root volume and kubelet's `maxPods` are read, networks, images
//! and roles change nothing here.

use super::super::fields::{Reader, Section};
use super::super::tree::Node;
use super::super::values::*;
use super::super::*;
use super::documents::{api_version, metadata};

const API_VERSION: &str = "karpenter.k8s.aws/v1";

/// Fields that change nothing here; what they do to the start-up of nodes is `startup`'s to say.
const IGNORED: [&str; 13] = [
    "amiFamily",
    "amiSelectorTerms",
    "associatePublicIPAddress",
    "context",
    "detailedMonitoring",
    "instanceProfile",
    "ipPrefixCount",
    "metadataOptions",
    "role",
    "securityGroupSelectorTerms",
    "subnetSelectorTerms",
    "tags",
    "userData",
];

#[derive(Clone, Debug, Default)]
pub(super) struct NodeClass {
    pub name: String,
    pub root_volume: Option<Memory>,
    pub max_pods: Option<i64>,
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
    kubelet.ignore(&[
        "clusterDNS",
        "cpuCFSQuota",
        "evictionMaxPodGracePeriod",
        "evictionSoft",
        "evictionSoftGracePeriod",
        "imageGCHighThresholdPercent",
        "imageGCLowThresholdPercent",
    ]);
    let hint = "remove it: nodes reserve what Karpenter assumes for AL2023";
    kubelet.refuse(reader, &["evictionHard", "kubeReserved", "podsPerCore", "systemReserved"], hint);
    kubelet.finish(reader);
    spec.ignore(&IGNORED);
    let hint = "remove it from the document";
    spec.refuse(reader, &["capacityReservationSelectorTerms", "instanceStorePolicy"], hint);
    spec.finish(reader);
    root.finish(reader);
    name.map(|name| NodeClass { name, root_volume, max_pods })
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
    spec.refuse(reader, &["capacityReservationSelectorTerms"], "remove it from the document");
    spec.finish(reader);
    root.finish(reader);
    name.map(|name| NodeClass { name, root_volume, max_pods: None })
}

/// A gp3 volume's performance, which is all that has a price here.
fn baseline(reader: &mut Reader, volume: &mut Section) {
    for (name, number) in [("iops", "3000"), ("throughput", "125")] {
        volume.optional(reader, name, |text| {
            if text == number {
                return Ok(());
            }
            Err(Refusal::new("is not simulated by this version").hint(format!("gp3's baseline is {number}")))
        });
    }
}

/// One gp3 volume of any size, at its baseline.
fn volumes(reader: &mut Reader, spec: &mut Section) -> Option<Memory> {
    let (path, generic) = (spec.path("blockDeviceMappings"), spec.generic("blockDeviceMappings[]"));
    let items = spec.list(reader, "blockDeviceMappings")?;
    if let Some(second) = items.get(1) {
        let refusal = Refusal::new(format!("{path}: nodes with more than one volume are not simulated"))
            .hint("keep the root volume");
        reader.problem(second.place, "", refusal);
    }
    let node = items.first()?;
    let mut mapping = Section::new(reader, format!("{path}[0]"), generic, node);
    mapping.ignore(&["deviceName", "rootVolume"]);
    let mut ebs = mapping.section(reader, "ebs");
    let size =
        ebs.optional(reader, "volumeSize", |t| memory(t, Memory::from_gib(1), Memory::from_gib(64 << 10)));
    ebs.optional(reader, "volumeType", |text| match text {
        "gp3" => Ok(()),
        _ => Err(Refusal::new("must be gp3: no other volume has a price here")),
    });
    baseline(reader, &mut ebs);
    ebs.ignore(&["deleteOnTermination", "encrypted", "kmsKeyID", "snapshotID", "volumeInitializationRate"]);
    ebs.finish(reader);
    mapping.finish(reader);
    size
}
