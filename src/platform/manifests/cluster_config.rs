//! eksctl's ClusterConfig: managed node groups, or a Fargate profile.

use super::super::scenario::CLUSTER_CONFIG;
use super::super::scenario::print::platforms::{flags, group_name, labels, taints};
use super::super::scenario::print::render;
use super::super::scenario::print::yaml::{Yaml, field, text, whole_number};
use super::super::{CapacityType, GroupSize, NodeGroup, NodeGroups};
use super::{go_duration, helm_values};

const GIB: i64 = 1 << 30;

/// A profile that selects a namespace: which pods are whose, only their cluster knows.
pub(super) fn fargate(region: &str, zones: &[String]) -> String {
    const PROFILES: &str = "fargateProfiles:
- name: jobs
  selectors:
  - namespace: jobs # fill in: the namespace of the pods
";
    cluster(region, zones) + PROFILES
}

/// `None` where a group cannot be said; see [`manifests`](super::manifests).
pub(super) fn node_groups(
    platform: &str,
    groups: &NodeGroups,
    region: &str,
    zones: &[String],
) -> Option<String> {
    let all: Option<Vec<Yaml>> =
        groups.groups.iter().map(|group| managed(group_name(platform, group), group)).collect();
    let managed = render(&Yaml::Map(vec![field("managedNodeGroups", Yaml::List(all?))]));
    let autoscaler = if groups.is_autoscaled() {
        let flags = flags(&groups.autoscaler, go_duration);
        helm_values("cluster-autoscaler", vec![field("extraArgs", Yaml::Map(flags))])
    } else {
        String::new()
    };
    Some(autoscaler + &cluster(region, zones) + &managed)
}

fn cluster(region: &str, zones: &[String]) -> String {
    let zones: Vec<String> = zones.iter().map(|letter| format!("{region}{letter}")).collect();
    format!(
        "apiVersion: {CLUSTER_CONFIG}
kind: ClusterConfig
metadata:
  name: my-cluster # fill in: the name of your cluster
  region: {region}
availabilityZones: [{}]
",
        zones.join(", ")
    )
}

fn managed(name: &str, group: &NodeGroup) -> Option<Yaml> {
    let (min, max, desired) = match group.size {
        GroupSize::Fixed(nodes) => (nodes, nodes, nodes),
        GroupSize::Auto { min, max, desired } => (min, max, desired),
        GroupSize::HoldPeak => return None,
    };
    if group.root_volume.bytes() % GIB != 0 {
        return None;
    }
    let mut fields = vec![
        field("name", Yaml::Str(name.to_owned())),
        field("amiFamily", text("AmazonLinux2023")),
        field("instanceType", text(group.instance_type.as_ref()?)),
    ];
    if group.capacity_type == CapacityType::Spot {
        fields.push(field("spot", Yaml::Bool(true)));
    }
    fields.extend([
        field("minSize", Yaml::Whole(min.into())),
        field("maxSize", Yaml::Whole(max.into())),
        field("desiredCapacity", Yaml::Whole(desired.into())),
        // eksctl's own default is another.
        field("volumeSize", whole_number(group.root_volume.bytes() / GIB)),
        field("volumeType", text("gp3")),
    ]);
    fields.extend(group.max_pods.map(|pods| field("maxPodsPerNode", whole_number(pods))));
    let is_plain = group.labels.is_empty() && group.taints.is_empty();
    if !group.labels.is_empty() {
        fields.push(field("labels", labels(&group.labels)));
    }
    if !group.taints.is_empty() {
        fields.push(field("taints", taints(&group.taints)));
    }
    if min < max && !is_plain {
        // By these tags Cluster Autoscaler knows the labels and taints of a group without nodes.
        fields.push(field("propagateASGTags", Yaml::Bool(true)));
    }
    Some(Yaml::Map(fields))
}
