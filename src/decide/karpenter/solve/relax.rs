//! What a pod gives up when it can be placed nowhere, one wish at a time.
//!
//! Source: `pkg/controllers/provisioning/scheduling/preferences.go`. Until then wishes are requirements: a preference can
//! make Karpenter launch a node that kube-scheduler alone would not need.

use std::sync::Arc;

use super::super::model::PreferencePolicy;
use crate::decide::gosort;
use crate::kube::{PodSpec, TaintEffect, Toleration, WhenUnsatisfiable};

/// The spec as the scheduler goes by it: the heaviest preferred node term comes first; where preferences are ignored,
/// there are none.
pub(super) fn prepared(spec: &Arc<PodSpec>, policy: PreferencePolicy) -> Arc<PodSpec> {
    match policy {
        PreferencePolicy::Respect if spec.preferred_node_terms.is_sorted_by(|a, b| a.0 >= b.0) => {
            spec.clone()
        }
        PreferencePolicy::Respect => {
            let mut own = PodSpec::clone(spec);
            gosort::sort_by(&mut own.preferred_node_terms, |a, b| a.0 > b.0);
            Arc::new(own)
        }
        PreferencePolicy::Ignore => {
            let mut own = PodSpec::clone(spec);
            own.preferred_node_terms.clear();
            own.affinity.preferred.clear();
            own.anti_affinity.preferred.clear();
            own.spread.retain(|constraint| constraint.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule);
            Arc::new(own)
        }
    }
}

/// The same pod with one wish less; `None` if none is left. `tolerates_preferences`: there are taints with the effect
/// `PreferNoSchedule` to tolerate.
pub(super) fn relax(spec: &PodSpec, tolerates_preferences: bool) -> Option<PodSpec> {
    let mut own = spec.clone();
    let soft = |constraint: &crate::kube::SpreadConstraint| {
        constraint.when_unsatisfiable == WhenUnsatisfiable::ScheduleAnyway
    };
    if own.required_node_terms.len() > 1 {
        own.required_node_terms.remove(0);
    } else if let Some(heaviest) = heaviest(&own.affinity.preferred) {
        own.affinity.preferred.remove(heaviest);
    } else if let Some(heaviest) = heaviest(&own.anti_affinity.preferred) {
        own.anti_affinity.preferred.remove(heaviest);
    } else if let Some(heaviest) = heaviest(&own.preferred_node_terms) {
        own.preferred_node_terms.remove(heaviest);
    } else if let Some(first) = own.spread.iter().position(soft) {
        own.spread.swap_remove(first);
    } else if tolerates_preferences {
        let effect = Some(TaintEffect::PreferNoSchedule);
        let everything = Toleration { effect, ..Toleration::default() };
        if own.tolerations.contains(&everything) {
            return None;
        }
        own.tolerations.push(everything);
    } else {
        return None;
    }
    Some(own)
}

/// The first of those with the greatest weight.
fn heaviest<T>(terms: &[(i32, T)]) -> Option<usize> {
    terms.iter().enumerate().min_by_key(|(_, (weight, _))| std::cmp::Reverse(*weight)).map(|(at, _)| at)
}
