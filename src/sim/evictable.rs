//! Which pods may be evicted now: their annotations, and the PodDisruptionBudgets that cover them.
//!
//! `pkg/controller/disruption` of Kubernetes keeps a budget's count. It asks the owner of the pods how many there should
//! be, which a Job cannot say and a bare pod has nobody to say: of those only a `minAvailable` that is a number ever
//! allows anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Cluster, NodeState, RunIndex};
use crate::decide::karpenter::disruption::eligible::{BoundPod, Limit, is_held_by_budget};
use crate::kube::{DoNotDisrupt, IntOrPercent, Pdb, PodSpec};
use crate::ledger::{EndReason, PodRun};
use crate::units::Time;
use crate::workload::Workload;

/// From this priority on (`system-cluster-critical`) pods are evicted last.
pub(super) const CRITICAL: i32 = 2_000_000_000;

/// The pods of the cluster, as evictions see them.
#[derive(Clone, Copy)]
pub struct Evictable<'a> {
    pub cluster: &'a Cluster,
    pub runs: &'a [PodRun],
    /// Asked to stop.
    pub stopping: &'a BTreeMap<RunIndex, EndReason>,
    pub workload: &'a Workload,
    /// By class.
    pub specs: &'a [Arc<PodSpec>],
    pub pdbs: &'a [Pdb],
    pub now: Time,
}

/// Whether the eviction API takes a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Evict,
    /// A budget allows none now.
    NotNow,
    /// It is marked `do-not-disrupt`; until this time, if there is one.
    Protected(Option<Time>),
}

impl<'a> Evictable<'a> {
    /// A pod that is bound to a node and has not ended.
    pub fn pod(&self, run: RunIndex) -> BoundPod<'a> {
        let record = &self.runs[run as usize];
        let started = (record.started <= self.now).then_some(record.started);
        BoundPod {
            spec: self.spec(run),
            active: !self.stopping.contains_key(&run),
            started,
            unready: started.is_none(),
        }
    }

    fn spec(&self, run: RunIndex) -> &'a PodSpec {
        let step = self.runs[run as usize].step;
        &self.specs[self.workload.steps.class[step as usize] as usize]
    }

    /// How many pods every budget lets go now.
    pub fn limits(&self) -> Vec<Limit<'a>> {
        let there = self.cluster.nodes.iter().filter(|node| node.state != NodeState::Gone);
        let bound: Vec<BoundPod> = if self.pdbs.is_empty() {
            return Vec::new();
        } else {
            there.flat_map(|node| &node.pods).map(|run| self.pod(*run)).collect()
        };
        let limit = |pdb: &'a Pdb| {
            let covered: Vec<&BoundPod> = bound.iter().filter(|pod| pdb.covers(pod.spec)).collect();
            Limit { pdb, allowed: allowed(pdb, &covered) }
        };
        self.pdbs.iter().map(limit).collect()
    }

    pub fn verdict(&self, run: RunIndex) -> Verdict {
        let pod = self.pod(run);
        if pod.is_protected(self.now) {
            let end = match (pod.spec.do_not_disrupt, pod.started) {
                (DoNotDisrupt::For(span), Some(started)) => Some(started + span),
                (DoNotDisrupt::For(span), None) => {
                    let starts = self.runs[run as usize].started;
                    (starts != Time::MAX).then(|| starts + span)
                }
                _ => None,
            };
            return Verdict::Protected(end);
        }
        // A pod that does not run yet disrupts nobody.
        if self.pdbs.is_empty() || pod.unready || !is_held_by_budget(pod, &self.limits(), self.now) {
            Verdict::Evict
        } else {
            Verdict::NotNow
        }
    }

    /// The pods of `pods` that a drain evicts first: critical ones only when no others are left.
    pub fn first_wave(&self, pods: &[RunIndex]) -> Vec<RunIndex> {
        let is_critical = |run: &RunIndex| self.spec(*run).priority >= CRITICAL;
        let wave = pods.iter().all(is_critical);
        pods.iter().copied().filter(|run| is_critical(run) == wave).collect()
    }
}

fn allowed(pdb: &Pdb, covered: &[&BoundPod]) -> i64 {
    let has_scale = |pod: &&BoundPod| {
        let owner = pod.spec.owner.as_ref().map(|owner| owner.kind.as_str());
        matches!(owner, Some("ReplicaSet" | "ReplicationController" | "StatefulSet" | "Deployment"))
    };
    let counts_pods =
        pdb.max_unavailable.is_none() && matches!(pdb.min_available, Some(IntOrPercent::Int(_)));
    if covered.is_empty() || !(counts_pods || covered.iter().all(has_scale)) {
        return 0;
    }
    let healthy = covered.iter().filter(|pod| pod.active && !pod.unready).count();
    pdb.allowed(covered.len() as i64, healthy as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::{LabelSelector, OwnerRef};

    #[test]
    fn pods_that_nobody_scales_are_held_by_all_but_a_number() {
        use IntOrPercent::{Int, Percent};

        let of = |kind: &str| PodSpec {
            owner: Some(OwnerRef { kind: kind.to_owned(), name: String::new(), uid: String::new() }),
            ..PodSpec::default()
        };
        let (job, web, bare) = (of("Job"), of("ReplicaSet"), PodSpec::default());
        let pdb = |min_available, max_unavailable| Pdb {
            name: "all".to_owned(),
            namespace: "default".to_owned(),
            selector: Some(LabelSelector::default()),
            min_available,
            max_unavailable,
            disruptions_allowed: None,
            always_allows_unhealthy: false,
        };
        // Four pods, of which one is not ready and one is terminating.
        for (spec, budget, expected) in [
            (&job, pdb(Some(Int(1)), None), 1),
            (&job, pdb(Some(Int(2)), None), 0),
            (&job, pdb(None, Some(Int(3))), 0),
            (&job, pdb(Some(Percent(10)), None), 0),
            (&bare, pdb(None, Some(Int(3))), 0),
            (&web, pdb(None, Some(Int(3))), 1), // One of four has to stay, two are healthy.
            (&web, pdb(Some(Percent(25)), None), 1),
        ] {
            let pod = |active, unready| BoundPod { spec, active, started: None, unready };
            let all = [pod(true, false), pod(true, false), pod(true, true), pod(false, false)];
            let covered: Vec<&BoundPod> = all.iter().collect();
            assert_eq!(allowed(&budget, &covered), expected, "{budget:?} of {spec:?}");
        }
        assert_eq!(allowed(&pdb(Some(Int(0)), None), &[]), 0);
    }
}
