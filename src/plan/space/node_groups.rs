//! Node groups of the space: with Cluster Autoscaler, and of fixed size.

use std::fmt::Write as _;

use super::super::candidate::{Candidate, Family, Place};
use super::{Narrowing, POOL, Variant, in_space};
use crate::catalog::{Arch, CapacityType, InstanceType, TypeId};
use crate::platform::{ClusterAutoscaler, GroupSize, Kind, NodeGroup, NodeGroups, Platform};
use crate::replay::{Setup, floor, hourly};
use crate::units::{Span, Usd};

const SIZES: [&str; 5] = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"];
/// Families of each size that are searched, and of which fixed groups are.
const FAMILIES: usize = 2;

/// How soon nodes go, in minutes: `scale-down-unneeded-time` and `scale-down-delay-after-add`. The first is the default.
const PACES: [(i64, i64); 4] = [(10, 10), (5, 5), (1, 10), (1, 1)];
/// `scale-down-utilization-threshold` in percent. The first is the default.
const THRESHOLDS: [u32; 3] = [50, 25, 75];
/// Quarters of the nodes that the busiest moment needs.
const QUARTERS: [u32; 4] = [4, 3, 2, 1];

pub(super) fn candidates(
    base: &Variant,
    variant: &Variant,
    narrowing: &Narrowing,
    archs: &[Vec<Arch>],
) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut types: Vec<TypeId> = Vec::new();
    for capacity_type in [CapacityType::OnDemand, CapacityType::Spot] {
        if !narrowing.has_capacity(capacity_type) {
            continue;
        }
        // By the trace's own requests, so that right-sizing has the same types to be compared on.
        let best = best_types(base, narrowing, archs, capacity_type);
        for id in &best {
            if !types.contains(id) {
                types.push(*id);
            }
            let number = types.iter().position(|known| known == id).unwrap_or_default() as u16;
            found.extend(autoscaled(variant, *id, number, capacity_type));
        }
        if capacity_type == CapacityType::OnDemand {
            // The first of each size.
            let mut sizes: Vec<&str> = Vec::new();
            for id in best {
                let size = base.setup.catalog.instance_type(id).size();
                if !sizes.contains(&size) {
                    sizes.push(size);
                    let number = types.iter().position(|known| *known == id).unwrap_or_default() as u16;
                    found.extend(fixed(variant, id, number));
                }
            }
        }
    }
    found
}

/// Of each size the families with the least lower bound among those that run most pods.
fn best_types(
    variant: &Variant,
    narrowing: &Narrowing,
    archs: &[Vec<Arch>],
    capacity_type: CapacityType,
) -> Vec<TypeId> {
    let catalog = variant.setup.catalog;
    let is_searched = |instance: &InstanceType| {
        archs.iter().any(|list| *list == [instance.arch])
            && SIZES.contains(&instance.size())
            && narrowing.has_family(instance.family())
            && (!narrowing.families.is_empty()
                || (matches!(instance.category(), "c" | "m" | "r")
                    && instance.generation().is_some_and(|n| (5..=8).contains(&n))
                    && instance.current_generation
                    && !instance.flex))
            && !instance.bare_metal
            && instance.gpu.is_none()
    };
    let sold = |id: &TypeId| hourly(&variant.setup, *id, capacity_type).is_some();
    let mut ranked: Vec<(&str, usize, Usd, TypeId)> = catalog
        .offered()
        .filter(|id| is_searched(catalog.instance_type(*id)) && sold(id))
        .filter_map(|id| {
            let size = catalog.instance_type(id).size();
            let autoscaled = group(variant, id, capacity_type, NodeGroup::default().size);
            let platform = resolved(variant, autoscaled)?;
            let floor = floor(&variant.setup, &variant.demand, &platform);
            Some((size, floor.refused, floor.before_credits(), id))
        })
        .collect();
    ranked.sort_unstable();
    let fewest = ranked.iter().map(|(_, refused, ..)| *refused).min().unwrap_or(0);
    let keep = FAMILIES.max(narrowing.families.len());
    let mut best = Vec::new();
    for size in SIZES {
        let of_size = ranked.iter().filter(|(of, refused, ..)| *of == size && *refused == fewest);
        best.extend(of_size.take(keep).map(|(.., id)| *id));
    }
    best
}

fn group(variant: &Variant, id: TypeId, capacity_type: CapacityType, size: GroupSize) -> Platform {
    let instance = &variant.setup.catalog.instance_type(id).name;
    let group = NodeGroup {
        name: POOL.to_owned(),
        instance_type: Some(instance.clone()),
        capacity_type,
        size,
        ..NodeGroup::default()
    };
    let spot = if capacity_type == CapacityType::Spot { "-spot" } else { "" };
    let kind = Kind::NodeGroups(NodeGroups { groups: vec![group], ..NodeGroups::default() });
    Platform { name: format!("node-group-{instance}{spot}"), kind }
}

/// `None` where a node of the type has no room for pods.
fn resolved(variant: &Variant, platform: Platform) -> Option<Platform> {
    variant.setup.resolve(&[platform]).ok()?.pop()
}

fn autoscaled(variant: &Variant, id: TypeId, number: u16, capacity_type: CapacityType) -> Vec<Candidate> {
    let Some(base) = resolved(variant, group(variant, id, capacity_type, NodeGroup::default().size)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (pace, (unneeded, after_add)) in PACES.into_iter().enumerate() {
        for (threshold, percent) in THRESHOLDS.into_iter().enumerate() {
            let mut platform = base.clone();
            let Kind::NodeGroups(groups) = &mut platform.kind else { continue };
            groups.autoscaler = ClusterAutoscaler {
                scale_down_unneeded_time: Span::from_secs(60 * unneeded),
                scale_down_delay_after_add: Span::from_secs(60 * after_add),
                scale_down_utilization_threshold_ppm: percent * 10_000,
                ..ClusterAutoscaler::default()
            };
            if pace > 0 {
                let after = if after_add == unneeded { String::new() } else { format!("+{after_add}m") };
                let _ = write!(platform.name, "-{unneeded}m{after}");
            }
            if threshold > 0 {
                let _ = write!(platform.name, "-below{percent}");
            }
            let place = Place {
                family: Family::Autoscaled,
                group: [number, 0, capacity_type as u16],
                machines: [0; 2],
                settings: [pace as u16, threshold as u16],
                right_sized: 0,
            };
            found.push(in_space(platform, place));
        }
    }
    found
}

fn fixed(variant: &Variant, id: TypeId, number: u16) -> Vec<Candidate> {
    let at_peak = group(variant, id, CapacityType::OnDemand, GroupSize::HoldPeak);
    let Some(at_peak) = resolved(variant, at_peak) else { return Vec::new() };
    let Kind::NodeGroups(groups) = &at_peak.kind else { return Vec::new() };
    let GroupSize::Fixed(peak) = groups.groups[0].size else { return Vec::new() };
    let mut found: Vec<Candidate> = Vec::new();
    let mut sizes = Vec::new();
    for (part, quarters) in QUARTERS.into_iter().enumerate() {
        let nodes = part_of(peak, quarters);
        if sizes.contains(&nodes) {
            continue;
        }
        sizes.push(nodes);
        let mut platform = at_peak.clone();
        let Kind::NodeGroups(groups) = &mut platform.kind else { continue };
        groups.groups[0].size = GroupSize::Fixed(nodes);
        let _ = write!(platform.name, "-x{nodes}");
        let place = Place {
            family: Family::Fixed,
            group: [number, 0, 0],
            machines: [part as u16, 0],
            settings: [0; 2],
            right_sized: 0,
        };
        found.push(in_space(platform, place));
    }
    found
}

fn part_of(peak: u32, quarters: u32) -> u32 {
    (peak * quarters).div_ceil(4).max(1)
}

/// A group of fixed size with its part of the nodes that the busiest moment of `setup`'s trace needs; `None` for all else.
pub(in crate::plan) fn sized_by_peak(setup: &Setup, candidate: &Candidate) -> Option<Platform> {
    let place = candidate.place.filter(|place| place.family == Family::Fixed)?;
    let mut platform = candidate.platform.clone();
    let Kind::NodeGroups(groups) = &mut platform.kind else { return None };
    groups.groups[0].size = GroupSize::HoldPeak;
    let mut platform = setup.resolve(&[platform]).ok()?.pop()?;
    let Kind::NodeGroups(groups) = &mut platform.kind else { return None };
    let GroupSize::Fixed(peak) = groups.groups[0].size else { return None };
    let quarters = *QUARTERS.get(usize::from(place.machines[0]))?;
    groups.groups[0].size = GroupSize::Fixed(part_of(peak, quarters));
    Some(platform)
}
