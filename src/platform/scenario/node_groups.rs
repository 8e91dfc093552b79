//! A platform of managed node groups: one, or several under `groups` or as `nodeGroups` of ClusterConfig documents; Cluster
//! Autoscaler if any of them can change its size.

use super::super::fields::{Reader, Section};
use super::super::tree::{Node, Value};
use super::super::values::*;
use super::super::*;
use super::documents::Pasted;
use super::{candidates, cluster_autoscaler, constraints, home, instance_type, upgrades};

/// `name` is the platform's.
pub(super) fn read(
    reader: &mut Reader,
    platform: &mut Section,
    name: &str,
    pasted: &mut Pasted,
) -> NodeGroups {
    let mut groups = NodeGroups::default();
    let managed = platform.list(reader, "nodeGroups");
    let several = platform.list(reader, "groups");
    match (managed, several) {
        (Some(items), several) => {
            groups.groups = managed_groups(reader, platform, items, pasted);
            let path = platform.path("groups");
            if let Some(place) = reader.given.place(&path).filter(|_| several.is_some()) {
                let refusal = Refusal::new(format!("{path} is beside nodeGroups"))
                    .hint("a platform has the groups of ClusterConfig documents, or describes its own");
                reader.problem(place, "groups", refusal);
            }
        }
        (None, Some(items)) => groups.groups = several_groups(reader, platform, items),
        (None, None) => groups.groups = vec![group(reader, platform)],
    }
    let listed = managed.or(several);
    let base = candidates::base_name(name);
    if let [only] = groups.groups.as_mut_slice()
        && only.name == base
    {
        // The only group of a platform needs no other name than the platform's.
        only.name.clear();
        let said = platform.path(&format!("groups[{base}].instanceTypes[0]"));
        reader.also(&said, &platform.path("instanceTypes[0]"));
    }
    if let Some(deployed) = &pasted.autoscaler {
        groups.autoscaler = deployed.clone();
    }
    upgrades::read(reader, platform, &groups.groups, &mut groups.upgrades);
    cluster_autoscaler::read(reader, platform, &mut groups.autoscaler);
    home::read(reader, platform, &mut groups.home);
    // A list with mistakes may have lost the group that could change its size.
    let is_whole = listed.is_none_or(|items| items.len() == groups.groups.len());
    for name in ["clusterAutoscaler", "controllersHome"] {
        let path = platform.path(name);
        if let Some(place) = reader.given.place(&path).filter(|_| is_whole && !groups.is_autoscaled()) {
            let message = format!("{path}: there is no group that Cluster Autoscaler could change");
            let refusal = Refusal::new(message).hint(
                "give a group scaling: {minSize: 0, maxSize: 50}, or remove this line for groups of fixed size",
            );
            reader.problem(place, name, refusal);
        }
    }
    groups
}

/// A platform of these managed node groups of ClusterConfig documents.
pub(super) fn of_documents(
    reader: &mut Reader,
    platform: &str,
    names: &[String],
    pasted: &mut Pasted,
) -> NodeGroups {
    let mut groups = NodeGroups { groups: Vec::new(), ..NodeGroups::default() };
    for managed in names.iter().filter_map(|name| pasted.group(name).ok()) {
        let path = format!("platforms[{platform}].groups[{}].instanceTypes[0]", managed.group.name);
        reader.also(&managed.type_path, &path);
        groups.groups.push(managed.group);
    }
    if let Some(deployed) = &pasted.autoscaler {
        groups.autoscaler = deployed.clone();
    }
    groups
}

/// Names of managed node groups of ClusterConfig documents.
fn managed_groups(
    reader: &mut Reader,
    platform: &mut Section,
    items: &[Node],
    pasted: &mut Pasted,
) -> Vec<NodeGroup> {
    let path = platform.path("nodeGroups");
    let mut groups: Vec<NodeGroup> = Vec::new();
    if let Some(place) = reader.given.place(&path).filter(|_| items.is_empty()) {
        let refusal = Refusal::new(format!("{path} is empty"))
            .hint("name managed node groups of a ClusterConfig document of this file");
        reader.problem(place, "nodeGroups", refusal);
    }
    for (index, node) in items.iter().enumerate() {
        let managed = reader.scalar(&format!("{path}[{index}]"), node, |text| {
            if groups.iter().any(|group| group.name == text) {
                return Err(Refusal::new("is there twice"));
            }
            candidates::name(text)?;
            pasted.group(text)
        });
        groups.extend(managed.map(|managed| {
            let path = platform.path(&format!("groups[{}].instanceTypes[0]", managed.group.name));
            reader.also(&managed.type_path, &path);
            managed.group
        }));
    }
    groups
}

fn several_groups(reader: &mut Reader, platform: &mut Section, items: &[Node]) -> Vec<NodeGroup> {
    const EXAMPLE: &str = "write groups: [{name: small, instanceTypes: [m6i.large]}]";
    let list = platform.path("groups");
    let mut groups: Vec<NodeGroup> = Vec::new();
    if let Some(place) = reader.given.place(&list).filter(|_| items.is_empty()) {
        reader.problem(place, "groups", Refusal::new(format!("{list} is empty")).hint(EXAMPLE));
    }
    for (index, node) in items.iter().enumerate() {
        let path = format!("{list}[{index}]");
        if !matches!(node.value, Value::Map(_)) {
            let message = format!("{path} must be a mapping, not {}", node.shape());
            let refusal = Refusal::new(message).hint(EXAMPLE);
            reader.problem(node.place, node.scalar().unwrap_or_default(), refusal);
            continue;
        }
        let mut section = Section::new(reader, path.clone(), platform.generic("groups[]"), node);
        let name = section.optional(reader, "name", |text| {
            if groups.iter().any(|g| g.name == text) {
                return Err(Refusal::new("is there twice").hint("give one of the groups another name"));
            }
            candidates::name(text)
        });
        if node.get("name").is_none() {
            reader.problem(node.place, "", Refusal::new(format!("{path} has no name")).hint(EXAMPLE));
        }
        let path = name.as_ref().map_or(path, |name| format!("{list}[{name}]"));
        section.rename(path, platform.generic("").trim_end_matches('.').to_owned());
        let group = group(reader, &mut section);
        section.finish(reader);
        groups.extend(name.map(|name| NodeGroup { name, ..group }));
    }
    groups
}

fn group(reader: &mut Reader, section: &mut Section) -> NodeGroup {
    let (instance_type, further_types) = instance_type::of_group(reader, section);
    let mut g = NodeGroup { instance_type, further_types, ..NodeGroup::default() };
    section.set(reader, "capacityType", &mut g.capacity_type, |t| choice(t, CapacityType::WORDS));
    scaling(reader, section, &mut g.size);
    section.set(reader, "rootVolume", &mut g.root_volume, |t| {
        memory(t, Memory::from_gib(1), Memory::from_gib(64 << 10))
    });
    if let Some(max_pods) = section.optional(reader, "maxPods", |text| match text {
        "auto" => Ok(None),
        _ => whole(text, 1, 1_000).map(|n| Some(n as i64)),
    }) {
        g.max_pods = max_pods;
    }
    constraints::labels(reader, section, &mut g.labels);
    constraints::taints(reader, section, &mut g.taints);
    g
}

/// `holdPeak`, a fixed number of nodes, or bounds that differ: then Cluster Autoscaler decides.
fn scaling(reader: &mut Reader, section: &mut Section, size: &mut GroupSize) {
    const LARGEST: u64 = 100_000;
    let Some(entry) = section.entry(reader, "scaling") else { return };
    if !matches!(entry.value.value, Value::Map(_)) {
        section.set(reader, "scaling", size, |text| match text {
            "holdPeak" => Ok(GroupSize::HoldPeak),
            _ => Err(Refusal::new("must be holdPeak or a mapping").hint("write scaling: {desiredSize: 3}")),
        });
        return;
    }
    let path = section.path("scaling");
    let mut sizes = section.section(reader, "scaling");
    let mut read = |name| sizes.optional(reader, name, |t| whole(t, 0, LARGEST).map(|n| n as u32));
    let (min, max, desired) = (read("minSize"), read("maxSize"), read("desiredSize"));
    sizes.finish(reader);
    let given = ["minSize", "maxSize", "desiredSize"].iter().filter(|n| entry.value.get(n).is_some()).count();
    if [min, max, desired].into_iter().flatten().count() < given || given == 0 && entry.value.len() > 0 {
        // What is wrong with it has been said.
        return;
    }
    let refusal = match (min, max, desired) {
        (None, None, None) => Refusal::new(format!("{path} gives no size")),
        (None, None, Some(0)) | (Some(_), Some(0), _) => {
            Refusal::new(format!("{path} is a group without nodes"))
        }
        (None, None, Some(nodes)) => return *size = GroupSize::Fixed(nodes),
        (None, _, _) => Refusal::new(format!("{path} has no minSize")),
        (_, None, _) => Refusal::new(format!("{path} has no maxSize")),
        (Some(min), Some(max), desired) => match desired.unwrap_or(min) {
            desired if min <= desired && desired <= max => {
                *size =
                    if min == max { GroupSize::Fixed(max) } else { GroupSize::Auto { min, max, desired } };
                return;
            }
            _ => Refusal::new(format!("{path} must have minSize ≤ desiredSize ≤ maxSize")),
        },
    };
    let refusal = refusal.hint(
        "write scaling: {desiredSize: 3} for a fixed size, or {minSize: 0, maxSize: 50} for Cluster Autoscaler",
    );
    reader.problem(entry.key_place, "scaling", refusal);
}
