//! An eksctl `ClusterConfig` (`eksctl.io/v1alpha5`) as it is deployed: where the cluster is, and its managed node groups.
//!
//! What a document leaves out has eksctl's default (`pkg/apis/eksctl.io/v1alpha5/defaults.go` and `validation.go` there),
//! which is not always that of a group described in the scenario: a root volume of 80 GiB, `m5.large`, two nodes.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Place, Value};
use super::super::values::*;
use super::super::*;
use super::documents::api_version;
use super::{candidates, constraints, fargate, instance_type, settings};

pub(in crate::platform) const API_VERSION: &str = "eksctl.io/v1alpha5";

/// Fields of the cluster that change nothing here. What a cluster has beside its nodes (its NAT gateways, its support) is
/// `cluster`'s to say.
const IGNORED: [&str; 17] = [
    "accessConfig",
    "addons",
    "addonsConfig",
    "capabilities",
    "cloudWatch",
    "gitops",
    "iam",
    "iamIdentityMappings",
    "identityProviders",
    "karpenter",
    "kubernetesNetworkConfig",
    "privateCluster",
    "remoteNetworkConfig",
    "secretsEncryption",
    "upgradePolicy",
    "vpc",
    "zonalShiftConfig",
];

/// Fields of a group that change nothing here; what they do to the start-up of nodes is `startup`'s to say.
const IGNORED_OF_GROUP: [&str; 27] = [
    "ami",
    "amiFamily",
    "asgSuspendProcesses",
    "bottlerocket",
    "disableIMDSv1",
    "disablePodIMDS",
    "ebsOptimized",
    "efaEnabled",
    "enableDetailedMonitoring",
    "iam",
    "instanceName",
    "instancePrefix",
    "nodeRepairConfig",
    "overrideBootstrapCommand",
    "placement",
    "preBootstrapCommands",
    "privateNetworking",
    "propagateASGTags",
    "releaseVersion",
    "securityGroups",
    "ssh",
    "subnets",
    "tags",
    "updateConfig",
    "volumeEncrypted",
    "volumeKmsKeyID",
    "volumeName",
];

/// eksctl's `DefaultNodeType`.
const DEFAULT_TYPE: &str = "m5.large";
/// eksctl's `DefaultNodeVolumeSize`.
const DEFAULT_VOLUME: Memory = Memory::from_gib(80);
/// eksctl's `DefaultNodeCount`.
const DEFAULT_NODES: u32 = 2;
const EXAMPLE: &str =
    "write managedNodeGroups: [{name: jobs, instanceType: m6i.xlarge, minSize: 0, maxSize: 50}]";

/// Where the documents say that the cluster is, and in which lines.
#[derive(Default)]
pub(super) struct Location {
    pub region: Option<(String, Place)>,
    /// Letters.
    pub zones: Option<(Vec<String>, Place)>,
}

impl Location {
    fn agree_on_zones(&mut self, reader: &mut Reader, path: &str, zones: Vec<String>) {
        let Some(place) = reader.given.place(path) else { return };
        match &self.zones {
            None => {
                reader.also(path, "zones");
                self.zones = Some((zones, place));
            }
            Some(known) => differ(reader, path, &zones, known),
        }
    }

    fn agree_on_region(&mut self, reader: &mut Reader, path: &str, region: String) {
        let Some(place) = reader.given.place(path) else { return };
        match &self.region {
            Some((known, at)) if *known != region => {
                reader.problem(place, &region, elsewhere(path, known, *at));
            }
            Some(_) => {}
            None => {
                reader.also(path, "region");
                self.region = Some((region, place));
            }
        }
    }
}

/// Two places name different regions.
pub(super) fn elsewhere(path: &str, other: &str, at: Place) -> Refusal {
    Refusal::new(format!("{path} is not the region of line {}, {other}", at.line))
        .hint("one run is in one region: write the same in both lines")
}

/// Complains if zones are not those of another line. Their order is that of the first.
pub(super) fn differ(reader: &mut Reader, path: &str, zones: &[String], known: &(Vec<String>, Place)) {
    let sorted = |zones: &[String]| {
        let mut zones = zones.to_vec();
        zones.sort();
        zones
    };
    let (known, at) = (sorted(&known.0), known.1);
    if sorted(zones) == known {
        return;
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let refusal = Refusal::new(format!("{path} are not the zones of line {}, {}", at.line, all_of(&names)))
        .hint("all nodes are simulated in the same zones: write the same in both lines");
    if let Some(place) = reader.given.place(path) {
        reader.problem(place, "", refusal);
    }
}

/// A managed node group.
#[derive(Clone)]
pub(super) struct Managed {
    pub group: NodeGroup,
    /// Where its instance type is said.
    pub type_path: String,
}

/// Reads the groups of the document, each with its node; where the cluster is goes into `location`.
pub(super) fn read<'n>(
    reader: &mut Reader,
    node: &'n Node,
    location: &mut Location,
    profiles: &mut Vec<FargateProfile>,
) -> Vec<(&'n Node, Managed)> {
    let mut root = Section::new(reader, "ClusterConfig".into(), "ClusterConfig".into(), node);
    api_version(reader, &mut root, node, API_VERSION);
    root.entry(reader, "kind");
    let mut metadata = root.section(reader, "metadata");
    let name = metadata.optional(reader, "name", |text| Ok(text.to_owned()));
    let region = metadata.optional(reader, "region", settings::region);
    metadata.ignore(&["accountID", "annotations", "forceUpdateVersion", "tags", "version"]);
    let region_path = metadata.path("region");
    metadata.finish(reader);
    if name.is_none() && node.get("metadata").is_none_or(|metadata| metadata.get("name").is_none()) {
        let refusal = Refusal::new("this document has no name")
            .hint("write for example metadata: {name: jobs, region: us-east-1}");
        reader.problem(node.place, "", refusal);
    }
    let of_region = region.clone();
    if let Some(region) = region {
        location.agree_on_region(reader, &region_path, region);
    }
    zones(reader, &mut root, of_region.as_deref(), location);
    let mut groups: Vec<(&Node, Managed)> = Vec::new();
    let (path, generic) = (root.path("managedNodeGroups"), root.generic("managedNodeGroups[]"));
    for (index, node) in root.list(reader, "managedNodeGroups").unwrap_or_default().iter().enumerate() {
        let path = format!("{path}[{index}]");
        if !matches!(node.value, Value::Map(_)) {
            let message = format!("{path} must be a mapping, not {}", node.shape());
            let refusal = Refusal::new(message).hint(EXAMPLE);
            reader.problem(node.place, node.scalar().unwrap_or_default(), refusal);
            continue;
        }
        let section = Section::new(reader, path.clone(), generic.clone(), node);
        groups
            .extend(group(reader, section, node, of_region.as_deref(), location).map(|group| (node, group)));
    }
    let ignored = ["podExecutionRoleARN", "status", "subnets", "tags"];
    profiles.extend(fargate::profiles(reader, &mut root, "fargateProfiles", &ignored));
    root.ignore(&IGNORED);
    let hint = "remove it, and list managed groups under managedNodeGroups";
    root.refuse(reader, &["nodeGroups"], hint);
    let hint = "remove it from the document";
    root.refuse(reader, &["autoModeConfig", "controlPlaneScalingConfig", "localZones", "outpost"], hint);
    root.finish(reader);
    groups
}

fn group(
    reader: &mut Reader,
    mut section: Section,
    node: &Node,
    region: Option<&str>,
    location: &mut Location,
) -> Option<Managed> {
    let name = section.optional(reader, "name", candidates::name);
    if node.get("name").is_none() {
        let message = format!("{} has no name", section.path("").trim_end_matches('.'));
        reader.problem(node.place, "", Refusal::new(message).hint(EXAMPLE));
    }
    if let Some(name) = &name {
        let generic = section.generic("").trim_end_matches('.').to_owned();
        section.rename(format!("ClusterConfig.managedNodeGroups[{name}]"), generic);
    }
    let ((instance_type, further_types), type_path) = instance_type(reader, &mut section, node);
    let mut group = NodeGroup {
        name: name.clone().unwrap_or_default(),
        instance_type: Some(instance_type.unwrap_or_else(|| DEFAULT_TYPE.to_owned())),
        further_types,
        root_volume: DEFAULT_VOLUME,
        ..NodeGroup::default()
    };
    if section.optional(reader, "spot", boolean) == Some(true) {
        group.capacity_type = CapacityType::Spot;
    }
    size(reader, &mut section, &mut group.size);
    volume(reader, &mut section, &mut group.root_volume);
    group.max_pods =
        section.optional(reader, "maxPodsPerNode", |t| whole(t, 1, 1_000).map(|pods| pods as i64));
    constraints::labels(reader, &mut section, &mut group.labels);
    constraints::taints(reader, &mut section, &mut group.taints);
    zones(reader, &mut section, region, location);
    section.ignore(&IGNORED_OF_GROUP);
    let unknown = ["additionalVolumes", "capacityReservation", "instanceMarketOptions", "outpostARN"];
    section.refuse(reader, &unknown, "remove it from the document");
    let hint = "name the type as instanceType, and remove this";
    section.refuse(reader, &["instanceSelector", "launchTemplate"], hint);
    section.finish(reader);
    name.map(|_| Managed { group, type_path })
}

/// `instanceType`, or `instanceTypes`; and the path of what says the first one.
fn instance_type(reader: &mut Reader, section: &mut Section, node: &Node) -> (instance_type::Types, String) {
    let one = (section.optional(reader, "instanceType", instance_type::name), Vec::new());
    let listed = section.entry(reader, "instanceTypes");
    let path = section.path("instanceTypes");
    let Some(listed) = listed else { return (one, section.path("instanceType")) };
    if node.get("instanceType").is_some() {
        let refusal =
            Refusal::new(format!("{path} is beside instanceType")).hint("eksctl takes one of the two");
        reader.problem(listed.key_place, "instanceTypes", refusal);
        return (one, section.path("instanceType"));
    }
    let items = section.list(reader, "instanceTypes");
    let types = items.map(|items| instance_type::listed(reader, &path, listed, items));
    (types.unwrap_or_default(), format!("{path}[0]"))
}

/// eksctl's `ValidateManagedNodeGroup`: what is left out follows from the rest.
fn size(reader: &mut Reader, section: &mut Section, size: &mut GroupSize) {
    let mut read = |name| section.optional(reader, name, |t| whole(t, 0, 100_000).map(|n| n as u32));
    let (min, max, desired) = (read("minSize"), read("maxSize"), read("desiredCapacity"));
    let min = min.or(desired).unwrap_or(DEFAULT_NODES);
    let max = max.unwrap_or(desired.unwrap_or(min).max(1));
    let desired = desired.unwrap_or(min);
    let path = section.path("").trim_end_matches('.').to_owned();
    let problem = match () {
        () if max == 0 => format!("{path} is a group without nodes"),
        () if min <= desired && desired <= max => {
            *size = if min == max { GroupSize::Fixed(max) } else { GroupSize::Auto { min, max, desired } };
            return;
        }
        () => format!("{path} must have minSize ≤ desiredCapacity ≤ maxSize"),
    };
    let given = ["minSize", "desiredCapacity", "maxSize"];
    let place =
        given.into_iter().rev().find_map(|name| Some((name, reader.given.place(&section.path(name))?)));
    if let Some((_, place)) = place {
        reader.problem(place, "", Refusal::new(problem).hint(EXAMPLE));
    }
}

/// One gp3 volume, at its baseline.
fn volume(reader: &mut Reader, section: &mut Section, volume: &mut Memory) {
    section.set(reader, "volumeSize", volume, |text| {
        let gib = whole(text, 1, 64 << 10).map_err(|refusal| refusal.hint("it is in GiB, without a unit"))?;
        Ok(Memory::from_gib(gib as i64))
    });
    section.optional(reader, "volumeType", |text| match text {
        "gp3" => Ok(()),
        _ => Err(Refusal::new("must be gp3: no other volume has a price here")),
    });
    for (name, baseline) in [("volumeIOPS", "3000"), ("volumeThroughput", "125")] {
        section.optional(reader, name, |text| {
            if text == baseline {
                return Ok(());
            }
            Err(Refusal::new("is not simulated by this version")
                .hint(format!("gp3's baseline is {baseline}")))
        });
    }
}

/// `[us-east-1a, us-east-1b]`, of the cluster or of a group: the zones of all nodes.
fn zones(reader: &mut Reader, section: &mut Section, region: Option<&str>, location: &mut Location) {
    let Some(items) = section.list(reader, "availabilityZones") else { return };
    let path = section.path("availabilityZones");
    let mut letters: Vec<String> = Vec::new();
    for (index, node) in items.iter().enumerate() {
        let letter = reader.scalar(&format!("{path}[{index}]"), node, |text| {
            let (of, letter) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
            if settings::region(of).is_err() || !letter.bytes().all(|b| b.is_ascii_lowercase()) {
                return Err(Refusal::new("is not an availability zone").hint("write for example us-east-1a"));
            }
            match region {
                Some(region) if region != of => Err(Refusal::new(format!("is not a zone of {region}"))),
                _ if letters.iter().any(|known| known == letter) => Err(Refusal::new("is there twice")),
                _ => Ok(letter.to_owned()),
            }
        });
        letters.extend(letter);
    }
    if !letters.is_empty() && letters.len() == items.len() {
        location.agree_on_zones(reader, &path, letters);
    }
}
