//! Setters of settings that are more than one word or number.

use serde_json::Value;

use super::{METHODS, Settings, plain};
use crate::decide::cluster_autoscaler::{Expander, Priorities};
use crate::decide::karpenter::Version;
use crate::decide::kube_scheduler::score::{BalancedAllocation, Scoring};
use crate::pack::reading::{
    Object, Read, boolean, integer, list, owned, string, time, unknown, wanted, word,
};

pub(super) fn strings(value: &Value) -> Read<Vec<String>> {
    match value {
        Value::String(text) => Ok(text.split(',').map(|part| part.trim().to_owned()).collect()),
        _ => list(value, owned),
    }
}

pub(super) fn small(value: &Value) -> Read<i32> {
    i32::try_from(integer(value)?).map_err(|_| wanted("a number of 32 bits", value))
}

/// The minor version of `1.14`, `v1.14.1` or the number 1.14.
pub(super) fn minor(value: &Value, major: u32) -> Read<u32> {
    let wrong = || wanted("a version such as \"1.14\"", value);
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut parts = text.trim_start_matches('v').split('.');
    if parts.next().and_then(|part| part.parse().ok()) != Some(major) {
        return Err(wrong());
    }
    parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)
}

pub(super) fn version(settings: &mut Settings, value: &Value) -> Read<()> {
    settings.karpenter.version = match minor(value, 1)? {
        13 => Version::V1_13,
        14 => Version::V1_14,
        _ => return Err(wanted("1.13 or 1.14", value)),
    };
    Ok(())
}

/// `SpotToSpotConsolidation=true,NodeRepair=false`, or an object of the same.
pub(super) fn feature_gates(settings: &mut Settings, value: &Value) -> Read<()> {
    const OTHERS: [&str; 4] = ["NodeRepair", "NodeOverlay", "StaticCapacity", "CapacityBuffer"];
    let mut set = |gate: &str, is_on: bool| match gate {
        "SpotToSpotConsolidation" => {
            settings.karpenter.spot_to_spot = is_on;
            Ok(())
        }
        "ReservedCapacity" => {
            settings.karpenter.reserved_capacity = is_on;
            Ok(())
        }
        _ if OTHERS.contains(&gate) => Ok(()),
        _ => Err(unknown("feature gate", gate, &["SpotToSpotConsolidation", "ReservedCapacity"])),
    };
    let Value::String(text) = value else {
        let mut gates = Object::of(value)?.entries();
        return gates.try_for_each(|(gate, value)| {
            let mut letters = gate.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            let gate_name: String = first.into_iter().chain(letters).collect();
            set(&gate_name, boolean(value)?).map_err(|wrong| wrong.within(gate))
        });
    };
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (gate, is_on) = part.split_once('=').ok_or_else(|| wanted("Gate=true or Gate=false", value))?;
        set(gate.trim(), boolean(&Value::from(is_on.trim()))?)?;
    }
    Ok(())
}

pub(super) fn methods(settings: &mut Settings, value: &Value) -> Read<()> {
    let mut methods = list(value, |value| {
        let name = Value::from(string(value)?.replace("Consolidation", ""));
        let plain_names = METHODS.map(|(name, method)| (name.replace('-', ""), method));
        let wanted = plain(string(&name)?);
        match plain_names.iter().find(|(name, _)| *name == wanted) {
            Some((_, method)) => Ok(*method),
            None => word(value, &METHODS),
        }
    })?;
    methods.sort_unstable();
    methods.dedup();
    settings.karpenter.methods = methods;
    Ok(())
}

pub(super) fn expanders(settings: &mut Settings, value: &Value) -> Read<()> {
    let words = [
        ("least-waste", Expander::LeastWaste),
        ("most-pods", Expander::MostPods),
        ("least-nodes", Expander::LeastNodes),
        ("priority", Expander::Priority),
        ("random", Expander::Random),
    ];
    let names = strings(value)?;
    let read = names.iter().map(|name| word(&Value::from(name.as_str()), &words)).collect::<Read<_>>();
    settings.cluster_autoscaler.flags.expanders = read?;
    Ok(())
}

/// As in the ConfigMap of the priority expander: `{"10": ["spot.*"]}`.
pub(super) fn priorities(settings: &mut Settings, value: &Value) -> Read<()> {
    let mut all: Vec<(i64, Vec<String>)> = Vec::new();
    for (priority, names) in Object::of(value)?.entries() {
        let number = priority.parse().map_err(|_| wanted("a priority", &Value::from(priority)))?;
        all.push((number, strings(names).map_err(|wrong| wrong.within(priority))?));
    }
    let read = Priorities::new(all.iter().map(|(priority, names)| (*priority, names.as_slice())));
    let wrong = |error: regex::Error| wanted("a regular expression", value).hint(error.to_string());
    settings.cluster_autoscaler.flags.priorities = Some(read.map_err(wrong)?);
    Ok(())
}

pub(super) fn count(value: &Value) -> Read<u32> {
    u32::try_from(integer(value)?).map_err(|_| wanted("a number that is not negative", value))
}

pub(super) fn unneeded_since(settings: &mut Settings, value: &Value) -> Read<()> {
    for (node, since) in Object::of(value)?.entries() {
        let since = time(since).map_err(|wrong| wrong.within(node))?;
        settings.cluster_autoscaler.unneeded_since.insert(node.to_owned(), since);
    }
    Ok(())
}

/// `MostAllocated`, or `{"type": "MostAllocated"}` as in `NodeResourcesFitArgs`.
pub(super) fn scoring(settings: &mut Settings, value: &Value) -> Read<()> {
    let words = [("LeastAllocated", Scoring::LeastAllocated), ("MostAllocated", Scoring::MostAllocated)];
    settings.kube_scheduler.scoring = match value {
        Value::Object(_) => Object::of(value)?.need("type", |value| word(value, &words))?,
        _ => word(value, &words)?,
    };
    Ok(())
}

/// The minor version whose formula is meant.
pub(super) fn balanced_allocation(settings: &mut Settings, value: &Value) -> Read<()> {
    settings.kube_scheduler.balanced_allocation =
        if minor(value, 1)? >= 36 { BalancedAllocation::Improvement } else { BalancedAllocation::Absolute };
    Ok(())
}

/// `System` or `true`; `None` (or `List`, which starts empty) or `false`.
pub(super) fn default_constraints(settings: &mut Settings, value: &Value) -> Read<()> {
    let words = [("System", true), ("List", false), ("None", false), ("true", true), ("false", false)];
    settings.kube_scheduler.default_constraints = match value {
        Value::Bool(given) => *given,
        _ => word(value, &words)?,
    };
    Ok(())
}
