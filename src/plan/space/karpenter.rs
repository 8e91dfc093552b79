//! NodePools of the space.

use super::super::candidate::{Candidate, Family, Place};
use super::{Narrowing, POOL, Variant, in_space};
use crate::catalog::{Arch, CapacityType, labels};
use crate::platform::{
    ConsolidationPolicy, Karpenter, Kind, NodePool, NodeRequirement, Platform, RequirementOperator,
};
use crate::units::Span;

/// Instances of generations above this. The first is the default.
const GENERATIONS: [i64; 3] = [2, 5, 6];
/// Instances with fewer vCPU than this. The first is the default.
const SMALLER_THAN: [Option<i64>; 3] = [None, Some(17), Some(9)];
/// `consolidateAfter` in seconds. The first is the default.
const AFTER: [(i64, &str); 4] = [(60, ""), (30, "-30s"), (300, "-5m"), (900, "-15m")];

/// A dimension's value: what it adds to the name, and what it requires.
type Choice = (String, Vec<NodeRequirement>);

pub(super) fn candidates(variant: &Variant, narrowing: &Narrowing, archs: &[Vec<Arch>]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (kind, types) in types(narrowing).into_iter().enumerate() {
        for (arch, archs) in archs.iter().enumerate() {
            for (capacity, bought) in capacities(narrowing).into_iter().enumerate() {
                for (generation, above) in generations(narrowing).into_iter().enumerate() {
                    for (size, below) in SMALLER_THAN.map(smaller_than).into_iter().enumerate() {
                        let arch_choice = self::archs(archs);
                        let choices = [&types, &above, &below, &arch_choice, &bought];
                        let group = [kind as u16, arch as u16, capacity as u16];
                        found.extend(pools(variant, &choices, group, [generation as u16, size as u16]));
                    }
                }
            }
        }
    }
    found
}

/// One set of machines under every consolidation setting.
fn pools(variant: &Variant, choices: &[&Choice], group: [u16; 3], machines: [u16; 2]) -> Vec<Candidate> {
    let name: String = choices.iter().map(|(name, _)| name.as_str()).collect();
    let requirements = choices.iter().flat_map(|(_, requirements)| requirements.iter().cloned()).collect();
    let base = NodePool { name: POOL.to_owned(), requirements, ..NodePool::default() };
    let platform = |name: String, pool: NodePool| Platform {
        name,
        kind: Kind::Karpenter(Karpenter { node_pools: vec![pool], ..Karpenter::default() }),
    };
    // A pool without machines, or a home that is not sold: nothing to search.
    if variant.setup.resolve(&[platform(name.clone(), base.clone())]).is_err() {
        return Vec::new();
    }
    let policies = [
        (ConsolidationPolicy::WhenEmpty, ""),
        (ConsolidationPolicy::WhenEmptyOrUnderutilized, "-consolidate"),
    ];
    let mut found = Vec::new();
    for (policy, (consolidation_policy, policy_name)) in policies.into_iter().enumerate() {
        for (after, (seconds, after_name)) in AFTER.into_iter().enumerate() {
            let pool = NodePool {
                consolidation_policy,
                consolidate_after: Some(Span::from_secs(seconds)),
                ..base.clone()
            };
            let place = Place {
                family: Family::Karpenter,
                group,
                machines,
                settings: [policy as u16, after as u16],
                right_sized: 0,
            };
            let name = format!("karpenter{name}{policy_name}{after_name}");
            found.push(in_space(platform(name, pool), place));
        }
    }
    found
}

/// Categories together and alone; or the families that the user names.
fn types(narrowing: &Narrowing) -> Vec<Choice> {
    let (key, all): (&str, Vec<&str>) = if narrowing.families.is_empty() {
        (labels::CATEGORY, vec!["c", "m", "r"])
    } else {
        (labels::FAMILY, narrowing.families.iter().map(String::as_str).collect())
    };
    let joint = if narrowing.families.is_empty() { "" } else { "-" };
    let together = (format!("-{}", all.join(joint)), vec![one_of(key, &all)]);
    let alone = all.iter().map(|value| (format!("-{value}"), vec![one_of(key, &[*value])]));
    let alone: Vec<Choice> = if all.len() > 1 { alone.collect() } else { Vec::new() };
    [together].into_iter().chain(alone).collect()
}

/// Families have their generation.
fn generations(narrowing: &Narrowing) -> Vec<Choice> {
    let above = |(index, generation): (usize, i64)| {
        let name = if index == 0 { String::new() } else { format!("-gen{}", generation + 1) };
        (name, vec![bound(labels::GENERATION, RequirementOperator::Gt, generation)])
    };
    if narrowing.families.is_empty() {
        GENERATIONS.into_iter().enumerate().map(above).collect()
    } else {
        vec![(String::new(), Vec::new())]
    }
}

fn smaller_than(vcpu: Option<i64>) -> Choice {
    vcpu.map_or_else(Choice::default, |vcpu| {
        (format!("-{}cpu", vcpu - 1), vec![bound(labels::CPU, RequirementOperator::Lt, vcpu)])
    })
}

fn archs(archs: &[Arch]) -> Choice {
    let words: Vec<&str> = archs.iter().map(|arch| arch.label()).collect();
    let name = if words == ["amd64"] { String::new() } else { format!("-{}", words.join("-")) };
    (name, vec![one_of(labels::ARCH, &words)])
}

fn capacities(narrowing: &Narrowing) -> Vec<Choice> {
    let (on_demand, spot) = (CapacityType::OnDemand, CapacityType::Spot);
    [("", vec![on_demand]), ("-spot-od", vec![on_demand, spot]), ("-spot", vec![spot])]
        .into_iter()
        .filter(|(_, types)| types.iter().all(|capacity_type| narrowing.has_capacity(*capacity_type)))
        .map(|(name, types)| {
            let words: Vec<&str> = types.iter().map(|capacity_type| capacity_type.label()).collect();
            (name.to_owned(), vec![one_of(labels::CAPACITY_TYPE, &words)])
        })
        .collect()
}

fn one_of(key: &str, values: &[&str]) -> NodeRequirement {
    requirement(key, RequirementOperator::In, values.iter().map(|value| (*value).to_owned()).collect())
}

fn bound(key: &str, operator: RequirementOperator, value: i64) -> NodeRequirement {
    requirement(key, operator, vec![value.to_string()])
}

fn requirement(key: &str, operator: RequirementOperator, values: Vec<String>) -> NodeRequirement {
    NodeRequirement { key: key.to_owned(), operator, values, min_values: None }
}
