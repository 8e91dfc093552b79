//! What the parts of Karpenter share: its settings, its scheduler, what it knows of nodes and prices, and the ways to
//! launch and delete nodes.

use std::collections::{BTreeMap, BTreeSet};

use super::batcher::{Batcher, Source};
use super::launch;
use super::nodes::{NodeClaim, NodeClaims};
use super::prices::PriceBook;
use super::solve::{BoundPod, ExistingNode, NewClaim, Origin, Pod, Scheduler};
use crate::catalog::CapacityType;
use crate::control::{Action, Launch, LaunchPath, PendingPod, Trigger, View};
use crate::decide::karpenter::disruption::eligible::{Limit, stays_for_good};
use crate::decide::karpenter::policies;
use crate::ledger::{EndReason, LeaseId};
use crate::platform::{self, KarpenterVersion};
use crate::sim::{Node, NodeState, RunIndex};
use crate::units::{Span, Time};
use crate::workload::StepId;

/// An existing node that a round counts on must not be disrupted for this long at least.
const LEAST_NOMINATION: Span = Span::from_secs(10);
/// A node is tainted and drained for at least so long before its instance is terminated.
const LEAST_DRAIN: Span = Span::from_secs(5);
/// How often a NodeClaim is compared with its NodePool.
const DRIFT_CHECK: Span = Span::from_secs(300);

#[derive(Clone, Copy, Debug)]
struct Outstanding {
    asked: Time,
    /// On-demand, where Spot would have been taken.
    stands_in: bool,
}

#[derive(Clone, Debug)]
pub struct State {
    pub config: platform::Karpenter,
    pub scheduler: Scheduler,
    pub prices: PriceBook,
    pub claims: NodeClaims,
    pub batcher: Batcher,
    /// Launches that EC2 has not answered, by token.
    outstanding: BTreeMap<u32, Outstanding>,
    /// Pods that nodes were launched for, and when; kept where scale-out is held back for them.
    promised: BTreeMap<RunIndex, Time>,
    /// Pods of nodes with an interruption notice, which the next round is to launch for.
    to_replace: Vec<RunIndex>,
    next_token: u32,
}

impl State {
    pub fn new(config: platform::Karpenter, scheduler: Scheduler, zones: usize) -> Self {
        let types = scheduler.pools.iter().flat_map(|pool| pool.types.iter().map(|this| this.instance));
        Self {
            prices: PriceBook::new(types.collect(), zones),
            batcher: Batcher::new(config.batch_idle_duration, config.batch_max_duration),
            config,
            scheduler,
            claims: NodeClaims::default(),
            outstanding: BTreeMap::new(),
            promised: BTreeMap::new(),
            to_replace: Vec::new(),
            next_token: 0,
        }
    }

    /// Whether every NodeClaim has its instance: neither a round nor disruption goes on before
    /// (`pkg/controllers/state: Cluster.Synced`).
    pub fn is_synced(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Lets pods and nodes trigger again that have done so before. Comes first at every step.
    pub fn catch_up(&mut self, now: Time, view: &View) {
        let Self { batcher, claims, .. } = self;
        batcher.catch_up(now, |source, at| match source {
            Source::Pod(run) => view.runs[run as usize].scheduled > at,
            Source::Node(lease) => claims.get(lease).is_some_and(|claim| claim.deleting),
        });
    }

    /// When a NodeClaim is found to have drifted: what a pool's nodes have to be changes after the NodeClaim was created,
    /// and that is looked at every five minutes from its launch on (`pkg/controllers/nodeclaim/disruption`).
    fn drifts(&self, pool: usize, created: Time, launched: Time, start: Time) -> Option<Time> {
        let name = &self.scheduler.pools[pool].spec.name;
        let changes = self.config.drift.iter();
        let changes = changes.filter(|drift| drift.node_pool.as_ref().is_none_or(|pool| pool == name));
        let change = changes.map(|drift| start + drift.at).filter(|at| *at >= created).min()?;
        let late = (change - launched).ms().max(0);
        Some(launched + Span::from_ms((late + DRIFT_CHECK.ms() - 1) / DRIFT_CHECK.ms() * DRIFT_CHECK.ms()))
    }

    /// Takes note of what happened. The simulation began at `start`.
    pub fn observe(&mut self, now: Time, trigger: &Trigger, start: Time) {
        match *trigger {
            Trigger::PodUnschedulable { run, .. } => self.batcher.trigger(now, Source::Pod(run)),
            Trigger::Launched { token, lease, kind, zone } => {
                let Some(of) = self.scheduler.kind(kind) else { return };
                let Some(Outstanding { asked: created, stands_in }) = self.outstanding.remove(&token) else {
                    return;
                };
                let claim = NodeClaim {
                    kind,
                    pool: of.pool,
                    pool_type: of.pool_type,
                    instance: of.instance,
                    capacity_type: of.capacity_type,
                    zone,
                    created,
                    launched: now,
                    initialized: None,
                    nominated_until: Time::MIN,
                    drifts: self.drifts(of.pool, created, now, start),
                    deleting: false,
                };
                let expire_after = self.scheduler.pools[of.pool].spec.expire_after;
                let ttl = self.config.policies.on_demand_fallback_ttl.filter(|_| stands_in);
                self.claims.insert(lease, claim, policies::fallback_lifetime(expire_after, ttl));
            }
            Trigger::NoCapacity { kind, zone, .. } => {
                if let Some(of) = self.scheduler.kind(kind) {
                    self.prices.mark_unavailable(of.instance, of.capacity_type, zone, now);
                }
            }
            Trigger::LaunchFailed { token } => {
                self.outstanding.remove(&token);
            }
            Trigger::NodeReady(lease) => {
                self.claims.set_initialized(lease, now);
            }
            Trigger::NodeGone(lease) => {
                self.claims.remove(lease);
            }
            Trigger::Start
            | Trigger::PodCreated { .. }
            | Trigger::NodeEmpty(_)
            | Trigger::SpotNotice(_)
            | Trigger::RebalanceRecommended(_) => {}
        }
    }

    /// Asks EC2 for a node. `None` if nothing of it can be had: the NodeClaim is deleted at once, and its pods are
    /// tried again in a later round.
    pub fn launch(&mut self, now: Time, claim: &NewClaim, actions: &mut Vec<Action>) -> Option<u32> {
        let offers = launch::offers(&mut self.scheduler, &self.prices, claim)?;
        let token = self.next_token;
        self.next_token += 1;
        let bought = offers.first().and_then(|offer| self.scheduler.kind(offer.kind));
        let on_demand = bought.is_some_and(|of| of.capacity_type == CapacityType::OnDemand);
        let stands_in = on_demand && claim.offerings.has(CapacityType::Spot);
        self.outstanding.insert(token, Outstanding { asked: now, stands_in });
        if self.config.policies.scale_out_hold_back > Span::ZERO {
            self.promised.extend(claim.pods.iter().map(|run| (*run, now)));
        }
        actions.push(Action::Launch(Launch { token, offers, through: LaunchPath::Fleet }));
        Some(token)
    }

    /// Marks a node for deletion: its pods are provisioned for elsewhere.
    pub fn mark_deleting(&mut self, now: Time, lease: LeaseId) {
        if self.claims.set_deleting(lease, true) {
            self.batcher.trigger(now, Source::Node(lease));
        }
    }

    /// Pods of a round, or of a disrupted node, count on these nodes: they must not be disrupted for twice the batch's
    /// maximum (`pkg/controllers/state`, `nominationWindow`).
    pub fn nominate(&mut self, now: Time, leases: impl IntoIterator<Item = LeaseId>) {
        let window = Span::from_ms(2 * self.config.batch_max_duration.ms()).max(LEAST_NOMINATION);
        for lease in leases {
            if let Some(claim) = self.claims.get_mut(lease) {
                claim.nominated_until = now + window;
            }
        }
    }

    /// Takes the mark away again.
    pub fn keep(&mut self, lease: LeaseId) {
        self.claims.keep(lease);
    }

    /// Whether a node is launched for this claim, by the [`policies`] beyond stock Karpenter's.
    pub fn is_to_be_launched(&self, now: Time, claim: &NewClaim, view: &View) -> bool {
        let rules = &self.config.policies;
        let is_promised = |run: &RunIndex| {
            policies::is_promised_a_node(self.promised.get(run).copied(), now, rules.scale_out_hold_back)
        };
        if !claim.pods.is_empty() && claim.pods.iter().all(is_promised) {
            return false;
        }
        let types = &self.scheduler.pools[claim.pool].types;
        let can_have = |capacity_type| {
            let of_type = |index: &usize| {
                self.prices.available(types[*index].instance).and(claim.offerings).has(capacity_type)
            };
            claim.types.iter().any(of_type)
        };
        let is_short = claim.offerings.has(CapacityType::Spot) && !can_have(CapacityType::Spot);
        let waits = claim.pods.iter().map(|run| now - view.pod(*run).created);
        !is_short || policies::may_fall_back(waits.max().unwrap_or(Span::MAX), rules.on_demand_fallback_after)
    }

    /// Adds the pods that are to be replaced before they are pending, and leaves those out for which a node may become free.
    /// Promises to pods that wait no more are forgotten.
    pub fn apply_policies(&mut self, now: Time, pods: &mut Vec<Pod>, view: &View) {
        if !self.to_replace.is_empty() {
            // Who is there already, or again, is not counted twice.
            let known: BTreeSet<StepId> = pods.iter().map(|pod| view.runs[pod.run as usize].step).collect();
            for run in std::mem::take(&mut self.to_replace) {
                if !known.contains(&view.runs[run as usize].step) {
                    pods.push(self.pod(&view.pod(run), Origin::DeletingNode));
                }
            }
        }
        let delay = self.config.policies.scale_out_delay;
        if !self.promised.is_empty() {
            let waiting: BTreeSet<RunIndex> = pods.iter().map(|pod| pod.run).collect();
            self.promised.retain(|run, _| waiting.contains(run));
        }
        pods.retain(|pod| {
            pod.origin != Origin::Pending || policies::is_worth_a_node(now - pod.created, delay)
        });
    }

    /// Launches in the next round for the pods of a node that is being taken back, as if they were pending already.
    pub fn replace_at_notice(&mut self, lease: LeaseId, view: &View) {
        let mut pods = Vec::new();
        self.pods_on(view, lease, Origin::DeletingNode, &mut pods);
        self.to_replace.extend(pods.iter().map(|pod| pod.run));
    }

    /// Drains and terminates a node.
    pub fn delete(&mut self, now: Time, lease: LeaseId, reason: EndReason, actions: &mut Vec<Action>) {
        self.mark_deleting(now, lease);
        let pool = self.claims.get(lease).map(|claim| &self.scheduler.pools[claim.pool].spec);
        let grace = pool.and_then(|pool| pool.termination_grace_period);
        actions.push(Action::Delete { lease, reason, at_least: LEAST_DRAIN, grace });
    }

    /// The nodes that take pods, but for some. Karpenter counts every node of the cluster, whoever launched it; one that
    /// is not Ready only if it is its own.
    pub fn existing_nodes(
        &self,
        now: Time,
        view: &View,
        is_left_out: impl Fn(LeaseId) -> bool,
    ) -> Vec<ExistingNode> {
        let takes_pods = |node: &&Node| {
            let claim = self.claims.get(node.lease);
            let state = match node.state {
                NodeState::Ready => true,
                NodeState::Starting => claim.is_some(),
                NodeState::Draining | NodeState::Gone => false,
            };
            state && !node.cordoned && !claim.is_some_and(|claim| claim.deleting) && !is_left_out(node.lease)
        };
        let nodes = view.cluster.nodes.iter().filter(takes_pods);
        nodes
            .map(|node| ExistingNode {
                lease: node.lease,
                kind: node.kind,
                zone: node.zone,
                initialized: node.state == NodeState::Ready,
                name: node.name,
                free: node.free,
                settling: self.is_settling(now, node),
            })
            .collect()
    }

    /// Whether a node is within `consolidateAfter` of its last change. Since 1.14 consolidation moves no pods there.
    fn is_settling(&self, now: Time, node: &Node) -> bool {
        let Some(claim) = self.claims.get(node.lease) else { return false };
        let Some(initialized) = claim.initialized else { return false };
        if self.config.version == KarpenterVersion::V1_13 {
            return false;
        }
        let last = if node.last_pod_event == Time::MIN { initialized } else { node.last_pod_event };
        let after = self.scheduler.pools[claim.pool].spec.consolidate_after;
        after.is_some_and(|after| now - last < after)
    }

    /// The pods that a round has to place in any case: those that wait, and those on nodes that are being deleted.
    pub fn provisionable_pods(&self, view: &View) -> Vec<Pod> {
        let pending = view.pending_pods().map(|pod| self.pod(&pod, Origin::Pending));
        let mut pods: Vec<Pod> = pending.collect();
        for lease in self.claims.deleting() {
            self.pods_on(view, lease, Origin::DeletingNode, &mut pods);
        }
        pods
    }

    /// The pods on a node that would move if it went: all but those that must not be disrupted or that a budget holds
    /// forever, and those that are being evicted already (`IsCurrentlyReschedulable` of `pkg/utils/pdb`, `IsReschedulable` of `pkg/utils/pod`: a terminating pod is not active). What replaces the latter
    /// is a pod of its own.
    pub fn pods_on(&self, view: &View, lease: LeaseId, origin: Origin, pods: &mut Vec<Pod>) {
        let Some(node) = view.node(lease) else { return };
        let all = node.pods.iter().map(|run| view.pod(*run));
        let (evictable, limits) = (view.evictable(), never_allowing(view));
        let stays = |pod: &PendingPod| stays_for_good(evictable.pod(pod.run), &limits, view.now);
        let movable = all.filter(|pod| !view.is_terminating(pod.run) && !stays(pod));
        pods.extend(movable.map(|pod| self.pod(&pod, origin)));
    }

    /// All pods that have a node and keep it for now, if any pod's place depends on where others are.
    pub fn bound_pods(&self, view: &View) -> Vec<BoundPod> {
        if !self.scheduler.has_topology() {
            return Vec::new();
        }
        let is_there = |node: &&Node| node.state != NodeState::Gone;
        let of_node = |node: &Node| {
            let Node { lease, kind, zone, .. } = *node;
            let pods = node.pods.iter().filter(|run| !view.is_terminating(**run));
            let bound =
                |run: &RunIndex| BoundPod { run: *run, class: view.pod(*run).class, lease, kind, zone };
            pods.map(bound).collect::<Vec<_>>()
        };
        view.cluster.nodes.iter().filter(is_there).flat_map(of_node).collect()
    }

    fn pod(&self, pod: &PendingPod, origin: Origin) -> Pod {
        let shape = self.scheduler.shape(pod.class);
        Pod { run: pod.run, shape, created: pod.created, uid: pod.uid, origin }
    }
}

/// Budgets as far as it matters whether they ever allow anything.
fn never_allowing<'a>(view: &View<'a>) -> Vec<Limit<'a>> {
    view.pdbs.iter().map(|pdb| Limit { pdb, allowed: 0 }).collect()
}
