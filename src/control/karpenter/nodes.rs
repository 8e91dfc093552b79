//! What Karpenter knows of its nodes: the NodeClaims that EC2 has launched.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{CapacityType, TypeId};
use crate::ledger::{LeaseId, TemplateId};
use crate::units::{Span, Time};

/// A NodeClaim whose node does not register within this is deleted (`pkg/controllers/nodeclaim/lifecycle/liveness.go`).
const REGISTRATION_TIMEOUT: Span = Span::from_secs(900);

/// A launched NodeClaim, from EC2's answer until the instance is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeClaim {
    pub kind: TemplateId,
    /// Index into the scheduler's pools.
    pub pool: usize,
    /// Index into that pool's types.
    pub pool_type: usize,
    pub instance: TypeId,
    pub capacity_type: CapacityType,
    pub zone: u8,
    /// When the NodeClaim was created, from which its age counts.
    pub created: Time,
    /// When EC2 answered.
    pub launched: Time,
    /// When the node was Ready; `None` before.
    pub initialized: Option<Time>,
    /// Pods of a recent round count on it: it must not be disrupted until then.
    pub nominated_until: Time,
    /// When it is found to be no longer as its NodePool says; `None` if that never happens.
    pub drifts: Option<Time>,
    /// Marked for deletion: it takes no pods, and those that it has are provisioned for.
    pub deleting: bool,
}

/// All of them, by lease.
#[derive(Clone, Debug, Default)]
pub struct NodeClaims {
    by_lease: BTreeMap<LeaseId, NodeClaim>,
    expirations: BTreeSet<(Time, LeaseId)>,
    /// Until when nodes that are not Ready yet have to register.
    registrations: BTreeSet<(Time, LeaseId)>,
    deleting: BTreeSet<LeaseId>,
    /// How long each may live from its creation on, where that is bounded.
    lifetimes: BTreeMap<LeaseId, Span>,
}

impl NodeClaims {
    pub fn insert(&mut self, lease: LeaseId, claim: NodeClaim, expire_after: Option<Span>) {
        if let Some(after) = expire_after {
            self.expirations.insert((claim.created + after, lease));
            self.lifetimes.insert(lease, after);
        }
        self.registrations.insert((claim.created + REGISTRATION_TIMEOUT, lease));
        self.by_lease.insert(lease, claim);
    }

    /// The node is Ready.
    pub fn set_initialized(&mut self, lease: LeaseId, now: Time) {
        if let Some(claim) = self.by_lease.get_mut(&lease) {
            claim.initialized = Some(now);
            self.registrations.remove(&(claim.created + REGISTRATION_TIMEOUT, lease));
        }
    }

    /// When the next node that has not registered is given up.
    pub fn next_registration_timeout(&self) -> Option<Time> {
        self.registrations.first().map(|(at, _)| *at)
    }

    /// Takes a node that has not registered in time.
    pub fn take_unregistered(&mut self, now: Time) -> Option<LeaseId> {
        let (at, lease) = self.registrations.first().copied()?;
        (at <= now).then(|| self.registrations.pop_first())?;
        Some(lease)
    }

    pub fn remove(&mut self, lease: LeaseId) -> Option<NodeClaim> {
        self.deleting.remove(&lease);
        self.lifetimes.remove(&lease);
        let claim = self.by_lease.remove(&lease)?;
        self.registrations.remove(&(claim.created + REGISTRATION_TIMEOUT, lease));
        Some(claim)
    }

    pub fn get(&self, lease: LeaseId) -> Option<&NodeClaim> {
        self.by_lease.get(&lease)
    }

    pub fn get_mut(&mut self, lease: LeaseId) -> Option<&mut NodeClaim> {
        self.by_lease.get_mut(&lease)
    }

    /// Marks a node for deletion, or takes the mark away. Gives whether that changed anything.
    pub fn set_deleting(&mut self, lease: LeaseId, deleting: bool) -> bool {
        let Some(claim) = self.by_lease.get_mut(&lease) else { return false };
        let changed = claim.deleting != deleting;
        claim.deleting = deleting;
        if deleting {
            self.deleting.insert(lease);
        } else {
            self.deleting.remove(&lease);
        }
        changed
    }

    /// Takes the mark away: the node stays, until it expires. That may have been skipped meanwhile.
    pub fn keep(&mut self, lease: LeaseId) {
        self.set_deleting(lease, false);
        if let (Some(claim), Some(after)) = (self.by_lease.get(&lease), self.lifetimes.get(&lease)) {
            self.expirations.insert((claim.created + *after, lease));
        }
    }

    /// By lease.
    pub fn iter(&self) -> impl Iterator<Item = (LeaseId, &NodeClaim)> {
        self.by_lease.iter().map(|(lease, claim)| (*lease, claim))
    }

    /// Those that are marked for deletion.
    pub fn deleting(&self) -> impl Iterator<Item = LeaseId> + '_ {
        self.deleting.iter().copied()
    }

    /// When the next node expires.
    pub fn next_expiration(&self) -> Option<Time> {
        self.expirations.first().map(|(at, _)| *at)
    }

    /// Takes a node that has expired by `now` and is not being deleted anyway.
    pub fn take_expired(&mut self, now: Time) -> Option<LeaseId> {
        while let Some((at, lease)) = self.expirations.first().copied()
            && at <= now
        {
            self.expirations.pop_first();
            if self.by_lease.get(&lease).is_some_and(|claim| !claim.deleting) {
                return Some(lease);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_expire_in_turn_unless_they_go_before() {
        let t = |secs: i64| Time::from_ms(secs * 1_000);
        let claim = |created| NodeClaim {
            kind: 0,
            pool: 0,
            pool_type: 0,
            instance: TypeId(0),
            capacity_type: CapacityType::OnDemand,
            zone: 0,
            created: t(created),
            launched: t(created + 2),
            initialized: None,
            nominated_until: Time::MIN,
            drifts: None,
            deleting: false,
        };
        let mut claims = NodeClaims::default();
        for (lease, created) in [(1, 30), (2, 10), (3, 20), (4, 25)] {
            claims.insert(lease, claim(created), Some(Span::from_secs(100)));
        }
        claims.insert(5, claim(0), None);
        assert_eq!((claims.next_expiration(), claims.take_expired(t(109))), (Some(t(110)), None));
        assert!(claims.set_deleting(3, true) && !claims.set_deleting(3, true));
        claims.remove(4);
        // 2 at 110 s; 3 is being deleted already and 4 is gone; 1 at 130 s; 5 never.
        assert_eq!([claims.take_expired(t(140)), claims.take_expired(t(140))], [Some(2), Some(1)]);
        assert_eq!((claims.take_expired(t(1_000_000)), claims.next_expiration()), (None, None));
        assert_eq!(claims.deleting().collect::<Vec<_>>(), [3]);
        // 5 was created at 0 s, 2 at 10 s, 3 at 20 s and 1 at 30 s; 5 and 3 are Ready, 4 is gone.
        claims.set_initialized(5, t(40));
        claims.set_initialized(3, t(60));
        assert_eq!(
            (claims.next_registration_timeout(), claims.take_unregistered(t(909))),
            (Some(t(910)), None)
        );
        assert_eq!([(); 3].map(|()| claims.take_unregistered(t(930))), [Some(2), Some(1), None]);
        claims.set_deleting(3, false);
        assert_eq!(claims.deleting().count(), 0);
    }
}
