//! A case as Karpenter sees it: its scheduler, the nodes' state, and which pods it has to find places for
//! (`pkg/controllers/state/statenode.go`, `pkg/controllers/provisioning/provisioner.go` of karpenter).

use std::sync::Arc;

use super::case::{Case, NodeInCase};
use super::node_pool::NodePool;
use crate::catalog::labels;
use crate::decide::karpenter::disruption::eligible::{self, DISRUPTED_TAINT, Limit};
use crate::decide::karpenter::model::{
    self, BoundPod, ExistingNode, MinValuesPolicy, NodeKindId, Options, Origin, PreferencePolicy,
};
use crate::decide::karpenter::solve::Scheduler;
use crate::kube::{HostPort, Labels, Node, NodeClaim, Pdb, Pod, ResourceList, Taint, TaintEffect};
use crate::units::Span;

/// Taints of a new node that are expected to go, besides its own startup taints.
const EPHEMERAL_TAINTS: [&str; 4] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.cloudprovider.kubernetes.io/uninitialized",
    "karpenter.sh/unregistered",
];
/// What the API has on nodes that are cordoned.
const UNSCHEDULABLE_TAINT: &str = "node.kubernetes.io/unschedulable";

/// Karpenter's view of a case.
pub struct View<'c> {
    pub case: &'c Case,
    /// As in the case.
    pub nodes: Vec<StateNode<'c>>,
    /// All pods of the case by their number: pending ones first, then those of each node in turn.
    pub pods: Vec<&'c Pod>,
    /// The rank of each pod's UID.
    ranks: Vec<u64>,
    pub limits: Vec<Limit<'c>>,
}

/// A node or NodeClaim with what Karpenter reads off it.
pub struct StateNode<'c> {
    pub given: &'c NodeInCase,
    /// Number of its first pod.
    pub first_pod: usize,
    pub is_initialized: bool,
    pub is_registered: bool,
    /// Being deleted, or picked by an earlier command.
    pub is_deleting: bool,
    pub labels: Labels,
    hostname: Option<String>,
    kind: NodeKindId,
    /// Rank of the name.
    name: u64,
    available: ResourceList,
    daemon_requests: ResourceList,
    host_ports: Vec<HostPort>,
    limited: Option<(usize, ResourceList)>,
}

impl StateNode<'_> {
    /// Numbers of its pods.
    pub fn pods(&self) -> std::ops::Range<usize> {
        self.first_pod..self.first_pod + self.given.pods.len()
    }
}

impl<'c> View<'c> {
    pub fn new(case: &'c Case) -> (Self, Scheduler) {
        let settings = &case.settings.karpenter;
        let options = Options {
            preferences: if settings.ignores_preferences {
                PreferencePolicy::Ignore
            } else {
                PreferencePolicy::Respect
            },
            min_values: if settings.min_values_are_best_effort {
                MinValuesPolicy::BestEffort
            } else {
                MinValuesPolicy::Strict
            },
        };
        let with_types = |(pool, types): (&NodePool, &Vec<model::InstanceType>)| {
            pool.is_usable.then(|| model::NodePool { types: types.clone(), ..pool.model.clone() })
        };
        let pools = case.node_pools.iter().zip(&case.instance_types).filter_map(with_types).collect();
        let daemon_sets: Vec<_> = case.daemon_sets.iter().cloned().map(Arc::new).collect();
        let mut scheduler = Scheduler::new(pools, &daemon_sets, options);
        let mut pods: Vec<&Pod> = case.pods.iter().collect();
        let mut nodes = Vec::with_capacity(case.nodes.len());
        for given in &case.nodes {
            nodes.push(state_node(given, pods.len(), &mut scheduler));
            pods.extend(&given.pods);
        }
        let names: Vec<&str> = nodes.iter().map(name).collect();
        let by_name = ranks(&names);
        for (node, rank) in nodes.iter_mut().zip(by_name) {
            node.name = rank;
        }
        let uids: Vec<&str> = pods.iter().map(|pod| pod.uid.as_str()).collect();
        let ranks = ranks(&uids);
        (Self { case, nodes, pods, ranks, limits: limits(case) }, scheduler)
    }

    /// Pods that nodes are provisioned for (`IsProvisionable` of `pkg/utils/pod`).
    pub fn pending(&self) -> Vec<usize> {
        let provisionable = |pod: &Pod| {
            let is_left_alone = pod.spec.is_of_daemon_set() || pod.spec.is_mirror();
            let ends = pod.phase.is_terminal() || pod.is_terminating;
            pod.is_unschedulable && pod.nominated_node_name.is_none() && !is_left_alone && !ends
        };
        (0..self.case.pods.len()).filter(|pod| provisionable(self.pods[*pod])).collect()
    }

    /// Pods of a node that need another place if it goes.
    pub fn reschedulable(&self, node: &StateNode) -> Vec<usize> {
        let moves = |number: &usize| {
            let pod = self.pods[*number];
            let bound = as_disruption_sees(pod);
            let stays = eligible::stays_for_good(bound, &self.limits, self.case.now);
            bound.is_reschedulable(pod.is_terminating) && !stays
        };
        node.pods().filter(moves).collect()
    }

    /// Pods that need another place because their nodes are being deleted; sorted.
    pub fn on_deleting_nodes(&self) -> Vec<usize> {
        let deleting = self.nodes.iter().filter(|node| node.is_deleting);
        deleting.flat_map(|node| self.reschedulable(node)).collect()
    }

    /// Whether pods may be moved off a node to save money: its condition says so or, where there is none, enough time
    /// has passed.
    pub fn is_consolidatable(&self, state: &StateNode) -> bool {
        let (Some(claim), Some(after)) = (&state.given.node_claim, self.consolidate_after(state)) else {
            return false;
        };
        if state.given.says_consolidatable {
            return claim.consolidatable.is_some();
        }
        let from = eligible::consolidatable_from(Some(after), claim.initialized, claim.last_pod_event);
        from.is_some_and(|from| from <= self.case.now)
    }

    /// Whether a node takes no pods of others, because pods came or went not long ago.
    pub fn is_settling(&self, state: &StateNode) -> bool {
        let Some(claim) = &state.given.node_claim else { return false };
        let after = self.consolidate_after(state);
        eligible::is_settling(after, claim.initialized, claim.last_pod_event, self.case.now)
    }

    fn consolidate_after(&self, state: &StateNode) -> Option<Span> {
        let name = state.labels.get(labels::NODEPOOL)?;
        self.case.node_pools.iter().find(|pool| pool.model.name == *name)?.consolidate_after
    }

    /// Whether bound pods keep others away.
    pub fn has_anti_affinity(&self) -> bool {
        let bound = &self.pods[self.case.pods.len()..];
        bound.iter().any(|pod| !pod.spec.anti_affinity.required.is_empty())
    }

    /// As the scheduler takes it.
    pub fn pod(&self, scheduler: &mut Scheduler, number: usize, origin: Origin) -> model::Pod {
        let pod = self.pods[number];
        let shape = scheduler.shape(&pod.spec);
        model::Pod { id: number as u32, shape, created: pod.created, uid: self.ranks[number], origin }
    }

    /// As the scheduler takes it.
    pub fn existing(&self, node: usize, settling: bool) -> ExistingNode<'_> {
        let state = &self.nodes[node];
        ExistingNode {
            id: node as u32,
            name: state.name,
            hostname: state.hostname.as_deref(),
            kind: state.kind,
            initialized: state.is_initialized,
            registered: state.is_registered,
            available: state.available,
            daemon_requests: state.daemon_requests,
            host_ports: &state.host_ports,
            limited: state.limited,
            settling,
        }
    }

    /// Bound pods that topologies count, without those whose number is in `without` (sorted).
    pub fn bound(&self, without: &[usize]) -> Vec<BoundPod<'_>> {
        let mut bound = Vec::new();
        for node in &self.nodes {
            for number in node.pods().filter(|number| without.binary_search(number).is_err()) {
                let pod = self.pods[number];
                if !pod.phase.is_terminal() && !pod.is_terminating {
                    let hostname = node.hostname.as_deref();
                    bound.push(BoundPod { spec: &pod.spec, node: node.kind, hostname });
                }
            }
        }
        bound
    }
}

/// A bound pod in the words of disruption; readiness is not known of it.
pub fn as_disruption_sees(pod: &Pod) -> eligible::BoundPod<'_> {
    eligible::BoundPod {
        spec: &pod.spec,
        active: !pod.phase.is_terminal() && !pod.is_terminating,
        started: pod.started,
        unready: false,
    }
}

/// The place of each in the order of all.
fn ranks(all: &[&str]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|index| all[*index]);
    let mut ranks = vec![0; all.len()];
    for (rank, index) in (0..).zip(order) {
        ranks[index] = rank;
    }
    ranks
}

/// The NodeClaim's name counts until the node is registered.
fn name<'n>(state: &'n StateNode) -> &'n str {
    match &state.given.node_claim {
        Some(claim) if !state.is_registered => &claim.name,
        _ => state.given.name(),
    }
}

fn state_node<'c>(given: &'c NodeInCase, first_pod: usize, scheduler: &mut Scheduler) -> StateNode<'c> {
    let (node, claim) = (given.node.as_ref(), given.node_claim.as_ref());
    let is_registered = node.is_some() && claim.is_none_or(|claim| claim.registered.is_some());
    let is_initialized = is_registered && claim.is_none_or(|claim| claim.initialized.is_some());
    let mut labels = match (node, claim) {
        (Some(node), _) if is_registered => node.labels.clone(),
        (_, Some(claim)) => claim.labels.clone(),
        (node, None) => node.map(|node| node.labels.clone()).unwrap_or_default(),
    };
    let hostname = labels.remove(labels::HOSTNAME).or_else(|| node.map(|node| node.name.clone()));
    let taints = taints(node.filter(|_| is_registered), claim, is_initialized);
    let sizes = |of_node: fn(&Node) -> ResourceList, of_claim: fn(&NodeClaim) -> ResourceList| {
        let (node, claim) = (node.map(of_node).unwrap_or_default(), claim.map(of_claim).unwrap_or_default());
        if is_initialized { node } else { or_else(node, claim) }
    };
    let capacity = sizes(|node| node.capacity, |claim| claim.capacity);
    let allocatable = sizes(|node| node.allocatable, |claim| claim.allocatable);
    let sum = |sum: ResourceList, pod: &Pod| sum + pod.spec.requests;
    let running = || given.pods.iter().filter(|pod| !pod.phase.is_terminal());
    let requested = running().fold(ResourceList::ZERO, sum);
    let daemon_requests = running().filter(|pod| pod.spec.is_of_daemon_set()).fold(ResourceList::ZERO, sum);
    let pool = labels.get(labels::NODEPOOL);
    let pool = pool.and_then(|name| scheduler.pools.iter().position(|pool| pool.name == *name));
    let is_disrupted = node.is_some_and(|node| node.taints.iter().any(|taint| taint.key == DISRUPTED_TAINT));
    let terminates =
        claim.is_some_and(|claim| claim.is_terminating) || node.is_some_and(|node| node.is_terminating);
    StateNode {
        given,
        first_pod,
        is_initialized,
        is_registered,
        is_deleting: terminates || is_disrupted,
        kind: scheduler.node_kind(&labels, &taints),
        labels,
        hostname,
        name: 0,
        available: allocatable - requested,
        daemon_requests,
        host_ports: running().flat_map(|pod| pod.spec.host_ports.iter().cloned()).collect(),
        limited: pool.map(|pool| (pool, capacity)),
    }
}

/// Of each resource what the node says, and what the NodeClaim says where that is nothing.
fn or_else(node: ResourceList, claim: ResourceList) -> ResourceList {
    let mut all = node;
    for (resource, amount) in claim.iter() {
        if all[resource] == 0 {
            all[resource] = amount;
        }
    }
    all
}

/// Taints that pods have to tolerate; those that will be gone soon are left out.
fn taints(node: Option<&Node>, claim: Option<&NodeClaim>, is_initialized: bool) -> Vec<Taint> {
    let mut taints = match (node, claim) {
        (Some(node), _) => node.taints.clone(),
        (None, Some(claim)) => claim.taints.clone(),
        (None, None) => Vec::new(),
    };
    if let Some(claim) = claim.filter(|_| !is_initialized) {
        let is_startup = |taint: &Taint| {
            claim.startup_taints.iter().any(|own| own.key == taint.key && own.effect == taint.effect)
        };
        taints.retain(|taint| !is_startup(taint) && !EPHEMERAL_TAINTS.contains(&taint.key.as_str()));
    }
    let is_cordoned = node.is_some_and(|node| node.is_unschedulable);
    if is_cordoned && !taints.iter().any(|taint| taint.key == UNSCHEDULABLE_TAINT) {
        let key = UNSCHEDULABLE_TAINT.to_owned();
        taints.push(Taint { key, value: String::new(), effect: TaintEffect::NoSchedule });
    }
    taints
}

/// The budgets of pods, and how many each allows to go now: as its status says, or by the pods of the case.
fn limits(case: &Case) -> Vec<Limit<'_>> {
    let allowed = |pdb: &Pdb| {
        let bound = case.nodes.iter().flat_map(|node| &node.pods);
        let covered = |pod: &&Pod| !pod.phase.is_terminal() && pdb.covers(&pod.spec);
        let healthy = bound.clone().filter(covered).filter(|pod| !pod.is_terminating).count() as i64;
        let expected = bound.chain(&case.pods).filter(covered).count() as i64;
        pdb.disruptions_allowed.unwrap_or_else(|| pdb.allowed(expected, healthy))
    };
    case.pdbs.iter().map(|pdb| Limit { pdb, allowed: allowed(pdb) }).collect()
}
