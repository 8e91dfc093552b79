//! Which pods are alike, so that what holds for one holds for all
//! (`cluster-autoscaler/core/scaleup/equivalence/groups.go`).

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::filter_out_schedulable::PendingPod;
use super::snapshot::{PodId, Snapshot, SpecId};
use crate::kube::{DoNotDisrupt, PodSpec};

/// More different pods than these of one controller are groups of their own.
const MOST_BY_CONTROLLER: usize = 10;

/// Pods that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodGroup {
    /// Of the first pod, which stands for all.
    pub spec: SpecId,
    /// Its pods in [`Grouped::pods`].
    pub pods: Range<usize>,
}

/// All groups, in the order of their first pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouped {
    pub groups: Vec<PodGroup>,
    pub pods: Vec<PodId>,
}

/// Pods of one controller with equal labels and specs are a group. Pods without a controller are each one of their own.
pub fn group(snapshot: &Snapshot, pending: &[PendingPod]) -> Grouped {
    let mut alike = Alike::default();
    // By controller: what its groups look like, and their numbers.
    let mut known: FxHashMap<&str, Vec<(u32, u32)>> = FxHashMap::default();
    let mut group_of: Vec<u32> = Vec::with_capacity(pending.len());
    let mut sizes: Vec<(SpecId, usize)> = Vec::new();
    for pod in pending {
        let id = pod.id.spec();
        let spec = snapshot.spec(id);
        let found = spec.owner.as_ref().filter(|_| !spec.is_of_daemon_set()).and_then(|owner| {
            let look = alike.of(id, spec);
            let groups = known.entry(&owner.uid).or_default();
            let found = groups.iter().find(|(known, _)| *known == look).map(|(_, group)| *group);
            if found.is_none() && groups.len() < MOST_BY_CONTROLLER {
                groups.push((look, sizes.len() as u32));
            }
            found
        });
        let group = found.unwrap_or_else(|| {
            sizes.push((id, 0));
            sizes.len() as u32 - 1
        });
        sizes[group as usize].1 += 1;
        group_of.push(group);
    }
    let mut grouped =
        Grouped { groups: Vec::with_capacity(sizes.len()), pods: pending.iter().map(|pod| pod.id).collect() };
    let mut end = 0;
    for (spec, size) in sizes {
        // Filled below.
        grouped.groups.push(PodGroup { spec, pods: end..end });
        end += size;
    }
    for (pod, group) in pending.iter().zip(group_of) {
        let range = &mut grouped.groups[group as usize].pods;
        grouped.pods[range.end] = pod.id;
        range.end += 1;
    }
    grouped
}

/// Numbers of specs that are equal, annotations aside.
#[derive(Debug, Default)]
struct Alike {
    of_spec: FxHashMap<SpecId, u32>,
    numbers: FxHashMap<PodSpec, u32>,
}

impl Alike {
    fn of(&mut self, id: SpecId, spec: &PodSpec) -> u32 {
        let Self { of_spec, numbers } = self;
        *of_spec.entry(id).or_insert_with(|| {
            let plain = PodSpec {
                do_not_disrupt: DoNotDisrupt::No,
                deletion_cost: 0,
                safe_to_evict: None,
                ..spec.clone()
            };
            let next = numbers.len() as u32;
            *numbers.entry(plain).or_insert(next)
        })
    }
}
