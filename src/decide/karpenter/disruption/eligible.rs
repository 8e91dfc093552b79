//! Which nodes may be disrupted now (`NewCandidate` in `pkg/controllers/disruption/types.go`,
//! `ValidateNodeDisruptable` and `ValidatePodsDisruptable` in `pkg/controllers/state/statenode.go`).

use crate::kube::{DoNotDisrupt, Pdb, PodSpec, Taint, TaintEffect};
use crate::units::{Span, Time};

use super::Method;

/// A node's or a NodeClaim's taint while it is disrupted.
pub const DISRUPTED_TAINT: &str = "karpenter.sh/disrupted";

/// What the eligibility of a node depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent conditions")]
pub struct NodeFacts {
    /// It has a NodeClaim, and its label names a NodePool that is there and has instance types.
    pub managed: bool,
    pub initialized: bool,
    /// Its NodeClaim is being deleted or is to be, or some command has it already.
    pub deleting: bool,
    /// Pods of a recent scheduling round count on it.
    pub nominated: bool,
    /// The annotation `karpenter.sh/do-not-disrupt: "true"` of the node itself.
    pub do_not_disrupt: bool,
    /// Some pod on it [blocks](pod_blocks) disruption.
    pub blocked_by_pod: bool,
    /// Its NodeClaim has a `terminationGracePeriod`.
    pub has_grace_period: bool,
    /// Its `Consolidatable` condition holds.
    pub consolidatable: bool,
    /// Its `Drifted` condition holds.
    pub drifted: bool,
}

impl NodeFacts {
    /// Whether a method may disrupt the node. Drift does not mind pods that block where a grace period bounds the wait
    /// for them (its class is "eventual"), all others do.
    pub fn is_candidate(&self, method: Method) -> bool {
        let pods_allow = !self.blocked_by_pod || (method == Method::Drift && self.has_grace_period);
        let wanted = if method == Method::Drift { self.drifted } else { self.consolidatable };
        let disruptable = self.managed && self.initialized && !self.deleting && !self.nominated;
        disruptable && !self.do_not_disrupt && pods_allow && wanted
    }
}

/// When a node becomes `Consolidatable`: `consolidateAfter` after the last time a pod came or went, or after its
/// initialization. `None` if it never does (`pkg/controllers/nodeclaim/disruption/consolidation.go`).
pub fn consolidatable_from(
    consolidate_after: Option<Span>,
    initialized: Option<Time>,
    last_pod_event: Option<Time>,
) -> Option<Time> {
    Some(last_pod_event.unwrap_or(initialized?) + consolidate_after?).filter(|_| initialized.is_some())
}

/// Whether a node is still within `consolidateAfter`. Since 1.14 consolidation moves no pods there.
pub fn is_settling(
    consolidate_after: Option<Span>,
    initialized: Option<Time>,
    last_pod_event: Option<Time>,
    now: Time,
) -> bool {
    consolidatable_from(consolidate_after, initialized, last_pod_event).is_some_and(|from| now < from)
}

/// A pod that is bound to a node, as disruption sees it.
#[derive(Clone, Copy, Debug)]
pub struct BoundPod<'a> {
    pub spec: &'a PodSpec,
    /// Neither terminal nor terminating.
    pub active: bool,
    pub started: Option<Time>,
    /// Its condition `Ready` is false.
    pub unready: bool,
}

impl BoundPod<'_> {
    /// Whether its annotation `karpenter.sh/do-not-disrupt` holds: always, or until so long after its start. A pod that
    /// has not started is protected.
    pub fn is_protected(&self, now: Time) -> bool {
        match self.spec.do_not_disrupt {
            DoNotDisrupt::No => false,
            DoNotDisrupt::Always => true,
            DoNotDisrupt::For(span) => self.started.is_none_or(|started| now - started < span),
        }
    }

    /// Whether the eviction API would be called for it (`IsEvictable` of `pkg/utils/pod`).
    pub fn is_evictable(&self, now: Time) -> bool {
        let taint =
            Taint { key: DISRUPTED_TAINT.to_owned(), value: String::new(), effect: TaintEffect::NoSchedule };
        let tolerates = self.spec.tolerations.iter().any(|toleration| toleration.tolerates(&taint));
        self.active && !tolerates && !self.spec.is_mirror() && !self.is_protected(now)
    }

    /// Whether it is one of those that a node's removal would bring elsewhere (`IsReschedulable`). Of a StatefulSet also
    /// one that is terminating already, since its successor comes only after it.
    pub fn is_reschedulable(&self, terminating: bool) -> bool {
        let of_stateful_set = self.spec.owner.as_ref().is_some_and(|owner| owner.kind == "StatefulSet");
        (self.active || (terminating && of_stateful_set))
            && !self.spec.is_of_daemon_set()
            && !self.spec.is_mirror()
    }
}

/// A PodDisruptionBudget and how many of its pods may go now.
#[derive(Clone, Copy, Debug)]
pub struct Limit<'a> {
    pub pdb: &'a Pdb,
    pub allowed: i64,
}

/// Whether a pod keeps its node from being disrupted: it is protected, or not to be evicted now. DaemonSets and mirror
/// pods block by their annotation too.
pub fn pod_blocks(pod: BoundPod, limits: &[Limit], now: Time) -> bool {
    let protected = pod.active && pod.is_protected(now);
    protected || is_held_by_budget(pod, limits, now)
}

/// Whether a pod would not be evicted whatever happens, so that no capacity is launched for it
/// (`IsCurrentlyReschedulable` of `pkg/utils/pdb`).
pub fn stays_for_good(pod: BoundPod, limits: &[Limit], now: Time) -> bool {
    let protected = pod.active && pod.is_protected(now);
    protected || is_held(pod, limits, now, |limit| limit.pdb.blocks_always())
}

/// Whether a budget keeps a pod from being evicted now.
pub fn is_held_by_budget(pod: BoundPod, limits: &[Limit], now: Time) -> bool {
    is_held(pod, limits, now, |limit| limit.allowed <= 0)
}

/// Kubernetes evicts no pod that several budgets cover.
fn is_held(pod: BoundPod, limits: &[Limit], now: Time, holds: impl Fn(&Limit) -> bool) -> bool {
    if limits.is_empty() || !pod.is_evictable(now) {
        return false;
    }
    let covering: Vec<&Limit> = limits.iter().filter(|limit| limit.pdb.covers(pod.spec)).collect();
    covering.len() > 1
        || covering.iter().any(|limit| holds(limit) && !(pod.unready && limit.pdb.always_allows_unhealthy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::{IntOrPercent, LabelSelector, OwnerRef, Toleration};

    const READY: NodeFacts = NodeFacts {
        managed: true,
        initialized: true,
        deleting: false,
        nominated: false,
        do_not_disrupt: false,
        blocked_by_pod: false,
        has_grace_period: false,
        consolidatable: true,
        drifted: true,
    };

    #[test]
    fn every_condition_can_keep_a_node() {
        let keeping = [
            NodeFacts { managed: false, ..READY },
            NodeFacts { initialized: false, ..READY },
            NodeFacts { deleting: true, ..READY },
            NodeFacts { nominated: true, ..READY },
            NodeFacts { do_not_disrupt: true, ..READY },
            NodeFacts { blocked_by_pod: true, ..READY },
        ];
        for method in Method::ALL {
            assert!(READY.is_candidate(method));
            for facts in keeping {
                assert!(!facts.is_candidate(method), "{facts:?} for {method:?}");
            }
        }
        assert!(!NodeFacts { consolidatable: false, ..READY }.is_candidate(Method::MultiNode));
        assert!(NodeFacts { consolidatable: false, ..READY }.is_candidate(Method::Drift));
        assert!(!NodeFacts { drifted: false, ..READY }.is_candidate(Method::Drift));
        // Drift waits for pods that block, but not forever.
        let bounded = NodeFacts { blocked_by_pod: true, has_grace_period: true, ..READY };
        assert!(bounded.is_candidate(Method::Drift) && !bounded.is_candidate(Method::Emptiness));
    }

    #[test]
    fn a_node_is_consolidatable_after_its_last_pod_event() {
        let (s, secs) = (|secs: i64| Time::from_ms(secs * 1_000), Span::from_secs);
        for (after, initialized, event, expected) in [
            (Some(60), Some(100), None, Some(160)),
            (Some(60), Some(100), Some(300), Some(360)),
            (Some(0), Some(100), Some(300), Some(300)),
            (None, Some(100), Some(300), None),
            (Some(60), None, Some(300), None),
        ] {
            let from = consolidatable_from(after.map(secs), initialized.map(s), event.map(s));
            assert_eq!(from, expected.map(s), "{after:?} {initialized:?} {event:?}");
        }
    }

    fn pdb(max_unavailable: i64) -> Pdb {
        Pdb {
            name: "web".to_owned(),
            namespace: "default".to_owned(),
            selector: Some(LabelSelector::default()),
            min_available: None,
            max_unavailable: Some(IntOrPercent::Int(max_unavailable)),
            disruptions_allowed: None,
            always_allows_unhealthy: false,
        }
    }

    /// Pod, started after, budgets, blocks now, stays for good.
    type Case<'a> = (&'a PodSpec, Option<i64>, &'a [Limit<'a>], bool, bool);

    #[test]
    fn annotations_and_budgets_of_pods_block() {
        let now = Time::from_ms(100_000);
        let owned =
            |kind: &str| Some(OwnerRef { kind: kind.to_owned(), name: "x".to_owned(), uid: "x".to_owned() });
        let plain = PodSpec::default();
        let always = PodSpec { do_not_disrupt: DoNotDisrupt::Always, ..PodSpec::default() };
        let a_minute =
            PodSpec { do_not_disrupt: DoNotDisrupt::For(Span::from_secs(60)), ..PodSpec::default() };
        let daemon = PodSpec { owner: owned("DaemonSet"), ..always.clone() };
        let mirror = PodSpec { owner: owned("Node"), ..PodSpec::default() };
        let tolerating = PodSpec { tolerations: vec![Toleration::default()], ..PodSpec::default() };
        let (one, none) = (pdb(1), pdb(0));
        let [free, full, never] =
            [(&one, 1), (&one, 0), (&none, 0)].map(|(pdb, allowed)| Limit { pdb, allowed });
        let cases: [Case; 14] = [
            (&plain, Some(0), &[], false, false),
            (&always, Some(0), &[], true, true),
            (&daemon, Some(0), &[], true, true),
            (&a_minute, Some(41_000), &[], true, true),
            (&a_minute, Some(40_000), &[], false, false), // It has run for exactly a minute.
            (&a_minute, None, &[], true, true),
            (&plain, Some(0), &[free], false, false),
            (&plain, Some(0), &[full], true, false),
            (&plain, Some(0), &[never], true, true),
            (&plain, Some(0), &[free, free], true, true), // Kubernetes cannot evict it.
            (&mirror, Some(0), &[never], false, false),
            (&tolerating, Some(0), &[never], false, false),
            (&a_minute, Some(0), &[full], true, false),
            (&a_minute, Some(41_000), &[free], true, true),
        ];
        for (spec, started, limits, blocks, stays) in cases {
            let pod = BoundPod { spec, active: true, started: started.map(Time::from_ms), unready: false };
            assert_eq!(pod_blocks(pod, limits, now), blocks, "{pod:?} {limits:?}");
            assert_eq!(stays_for_good(pod, limits, now), stays, "{pod:?} {limits:?}");
            assert!(!pod_blocks(BoundPod { active: false, ..pod }, limits, now), "it goes anyway");
        }
        let lenient = Pdb { always_allows_unhealthy: true, ..pdb(0) };
        let pod = BoundPod { spec: &plain, active: true, started: None, unready: true };
        assert!(!pod_blocks(pod, &[Limit { pdb: &lenient, allowed: 0 }], now));
    }
}
