//! eksctl's ClusterConfig: managed node groups, or a Fargate profile.

use super::super::scenario::CLUSTER_CONFIG;
use super::super::scenario::print::platforms::{flags, group_name, labels, priorities, taints};
use super::super::scenario::print::render;
use super::super::scenario::print::yaml::{Yaml, field, text, whole_number};
use super::super::{CapacityType, GroupSize, NodeGroup, NodeGroups};
use super::{full_names, go_duration, helm_values};

const GIB: i64 = 1 << 30;
/// A control plane has subnets in at least so many zones (<https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>).
const LEAST_ZONES: usize = 2;

/// A profile that selects a namespace: which pods are whose, only their cluster knows.
pub(super) fn fargate(region: &str, zones: &[String]) -> String {
    const PROFILES: &str = "fargateProfiles:
- name: jobs
  selectors:
  - namespace: jobs # fill in: the namespace of the pods
";
    if zones.len() >= LEAST_ZONES {
        return cluster(region, zones) + PROFILES;
    }
    // A profile has subnets, whose names only their cluster knows.
    let only = full_names(region, zones).join(", ");
    let subnets = format!("  # fill in: subnets, the private ones in {only} only, as in the simulation\n");
    cluster(region, zones) + PROFILES + &subnets
}

/// `None` where a group cannot be said; see [`manifests`](super::manifests).
pub(super) fn node_groups(
    platform: &str,
    groups: &NodeGroups,
    region: &str,
    zones: &[String],
) -> Option<String> {
    let own_zones = if zones.len() < LEAST_ZONES { full_names(region, zones) } else { Vec::new() };
    let all: Option<Vec<Yaml>> =
        groups.groups.iter().map(|group| managed(group_name(platform, group), group, &own_zones)).collect();
    let managed = render(&Yaml::Map(vec![field("managedNodeGroups", Yaml::List(all?))]));
    let autoscaler = if groups.is_autoscaled() {
        let flags = flags(&groups.autoscaler, go_duration);
        let mut values = vec![field("extraArgs", Yaml::Map(flags))];
        values.extend(priorities("expanderPriorities", &groups.autoscaler));
        helm_values("cluster-autoscaler", values)
    } else {
        String::new()
    };
    Some(autoscaler + &cluster(region, zones) + &managed)
}

/// Without zones where EKS refuses a cluster in so few: only nodes are where they are to be.
fn cluster(region: &str, zones: &[String]) -> String {
    let zones = if zones.len() < LEAST_ZONES {
        let these = full_names(region, zones).join(", ");
        format!("# fill in: availabilityZones, two at least and {these} among them: EKS takes no fewer\n")
    } else {
        format!("availabilityZones: [{}]\n", full_names(region, zones).join(", "))
    };
    format!(
        "apiVersion: {CLUSTER_CONFIG}
kind: ClusterConfig
metadata:
  name: my-cluster # fill in: the name of your cluster
  region: {region}
{zones}"
    )
}

/// A group in the zones of the cluster, or in `own_zones` if there are any.
fn managed(name: &str, group: &NodeGroup, own_zones: &[String]) -> Option<Yaml> {
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
        types(group)?,
    ];
    if !own_zones.is_empty() {
        fields.push(field("availabilityZones", Yaml::InlineList(own_zones.to_vec())));
    }
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

fn types(group: &NodeGroup) -> Option<(String, Yaml)> {
    let first = group.instance_type.as_ref()?;
    Some(match group.further_types.as_slice() {
        [] => field("instanceType", text(first)),
        further => {
            let all = std::iter::once(first).chain(further).cloned().collect();
            field("instanceTypes", Yaml::InlineList(all))
        }
    })
}
