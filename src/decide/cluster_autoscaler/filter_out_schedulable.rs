//! Pending pods that fit what is there or coming need no further node
//! (`cluster-autoscaler/core/podlistprocessor/filter_out_schedulable.go`, `simulator/scheduling/hinting_simulator.go`).

use rustc_hash::{FxHashMap, FxHashSet};

use super::snapshot::{Hints, KnownFull, PodId, Snapshot, SpecId};
use crate::decide::gosort;
use crate::units::Time;

/// A pod that waits for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingPod {
    pub id: PodId,
    pub created: Time,
}

/// Places pending pods in thought: highest priority first, each where it was placed last time if it still fits there,
/// else on the next node. Gives those that are left, in that order; DaemonSets' pods are never among them.
pub fn filter_out_schedulable(
    snapshot: &mut Snapshot,
    hints: &mut Hints,
    mut pending: Vec<PendingPod>,
) -> Vec<PendingPod> {
    let priority = |pod: &PendingPod| snapshot.spec(pod.id.spec()).priority;
    gosort::sort_by(&mut pending, |a, b| priority(a) > priority(b));
    let mut failed: FxHashSet<SpecId> = FxHashSet::default();
    let mut full: FxHashMap<SpecId, KnownFull> = FxHashMap::default();
    pending.retain(|pod| {
        let spec = pod.id.spec();
        let hinted = hints.get(pod.id).and_then(|key| snapshot.slot_of(key));
        if let Some(slot) = hinted
            && snapshot.try_on(pod.id, slot).is_ok()
        {
            hints.set(pod.id, snapshot.key(slot));
            return false;
        }
        // Once a pod of a controller was tried in vain, those like it are not tried.
        if failed.contains(&spec) {
            return true;
        }
        if let Some(slot) = snapshot.try_anywhere(pod.id, 0, Some(full.entry(spec).or_default()), |_| true) {
            hints.set(pod.id, snapshot.key(slot));
            return false;
        }
        if snapshot.spec(spec).owner.is_some() {
            failed.insert(spec);
        }
        true
    });
    hints.drop_old();
    pending.retain(|pod| !snapshot.spec(pod.id.spec()).is_of_daemon_set());
    pending
}
