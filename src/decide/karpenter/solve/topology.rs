//! Pods that want to be near or far from others: how many are in each domain of a topology key.
//!
//! Source: `topology.go`, `topologygroup.go`, `topologynodefilter.go`. All pods that state the same constraint share a
//! group. Karpenter tells groups apart by a hash that sees only the *keys* of the node selectors and node affinity terms
//! of a spread constraint, and not its `minDomains`; alternatives with the same keys cancel out in it. Constraints that
//! differ in nothing else are therefore one group, that of the pod that comes first in the input. So they are here.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::super::bits::Bits;
use super::daemons::tolerates;
use super::shapes::{base_requirements, term_requirements};
use crate::catalog::{Requirement, Requirements, Undefined, labels};
use crate::kube::{
    LabelSelector, Labels, NodeInclusionPolicy, PodSpec, PodTerm, SelectorRequirement, SpreadConstraint,
    Taint, Toleration,
};

pub(super) type GroupId = u32;
/// Index of a node's or a NodeClaim's hostname.
pub(super) type HostId = u32;
/// Index of a topology key that is not the hostname.
pub(super) type KeyId = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Spread,
    Affinity,
    AntiAffinity,
}

/// What a domain belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Hostname,
    Label(KeyId),
}

/// Which pods a group counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Selector {
    namespaces: BTreeSet<String>,
    namespace_selector: Option<LabelSelector>,
    /// `None` selects nothing.
    labels: Option<LabelSelector>,
}

impl Selector {
    fn selects(&self, spec: &PodSpec) -> bool {
        self.in_namespace(spec) && self.labels.as_ref().is_some_and(|labels| labels.matches(&spec.labels))
    }

    /// Of pods that are bound already, one without a label selector counts all.
    fn counts_bound(&self, spec: &PodSpec) -> bool {
        self.in_namespace(spec) && self.labels.as_ref().is_none_or(|labels| labels.matches(&spec.labels))
    }

    fn in_namespace(&self, spec: &PodSpec) -> bool {
        let named = |selector: &LabelSelector| {
            let name = ("kubernetes.io/metadata.name".to_owned(), spec.namespace.clone());
            selector.matches(&Labels::from([name]))
        };
        self.namespaces.contains(&spec.namespace) || self.namespace_selector.as_ref().is_some_and(named)
    }
}

/// Which nodes count for a spread constraint. The default is: all.
#[derive(Clone, Debug, Default)]
struct Filter {
    /// Alternatives, the hostname apart. None of them: all nodes.
    alternatives: Vec<(Requirements, Option<Requirement>)>,
    /// What must tolerate the taints of the nodes.
    tolerations: Option<Vec<Toleration>>,
}

impl Filter {
    fn new(spec: &PodSpec, constraint: &SpreadConstraint) -> Self {
        let base = base_requirements(spec);
        let mut alternatives: Vec<Requirements> =
            spec.required_node_terms.iter().map(|term| base.intersection(&term_requirements(term))).collect();
        if alternatives.is_empty() {
            alternatives.push(base);
        }
        if constraint.node_affinity_policy == NodeInclusionPolicy::Ignore
            || alternatives.iter().any(Requirements::is_empty)
        {
            alternatives.clear();
        }
        let split = alternatives.into_iter().map(|mut requirements| {
            let hostname = requirements.remove(labels::HOSTNAME);
            (requirements, hostname)
        });
        let honors = constraint.node_taints_policy == NodeInclusionPolicy::Honor;
        Self { alternatives: split.collect(), tolerations: honors.then(|| spec.tolerations.clone()) }
    }

    fn matches(&self, node: &NodeView) -> bool {
        let meets = |(requirements, hostname): &(Requirements, Option<Requirement>)| {
            node.requirements.compatible(requirements, Undefined::Denied).is_ok()
                && hostname.as_ref().is_none_or(|allowed| allowed.allows(node.hostname))
        };
        (self.alternatives.is_empty() || self.alternatives.iter().any(meets))
            && self.tolerations.as_ref().is_none_or(|tolerations| tolerates(tolerations, node.taints))
    }
}

/// A node, or what is known of one to be launched.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeView<'a> {
    pub requirements: &'a Requirements,
    pub taints: &'a [Taint],
    pub host: HostId,
    pub hostname: &'a str,
}

/// What tells groups apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity {
    is_inverse: bool,
    key: String,
    kind: Kind,
    max_skew: i32,
    selector: Selector,
    /// Conditions of the label selector, each once.
    expressions: BTreeSet<SelectorRequirement>,
    /// The keys of each alternative, of equal ones every second cancelled.
    filter_keys: BTreeSet<BTreeSet<String>>,
    policies: Option<(NodeInclusionPolicy, NodeInclusionPolicy)>,
    tolerations: BTreeSet<Toleration>,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub kind: Kind,
    pub key: Key,
    max_skew: i64,
    min_domains: Option<u32>,
    selector: Selector,
    filter: Filter,
    /// By domain, or by host.
    counts: Vec<i32>,
    /// Domains that are known to it. Hosts need not be: there is always another.
    registered: Bits,
    /// Some pod has been counted.
    any: bool,
}

impl Group {
    fn count(&self, domain: usize) -> i64 {
        self.counts.get(domain).copied().unwrap_or(0).into()
    }

    fn record(&mut self, domain: usize) {
        if self.counts.len() <= domain {
            self.counts.resize(domain + 1, 0);
        }
        self.counts[domain] += 1;
        self.registered.insert(domain);
        self.any = true;
    }

    /// Whether what it has refused it will refuse for good: its counts only rise.
    pub fn is_monotone(&self) -> bool {
        match self.kind {
            Kind::AntiAffinity => true,
            Kind::Spread => self.key == Key::Hostname,
            Kind::Affinity => false,
        }
    }

    /// Whether a pod may go to a host. `hosts`: the names of all; `wanted`: the hostnames that the pod allows itself.
    pub fn allows_host(
        &self,
        host: HostId,
        hosts: &[String],
        wanted: Option<&Requirement>,
        selects_itself: bool,
    ) -> bool {
        let count = self.count(host as usize);
        let is_wanted = |host: usize| wanted.is_none_or(|wanted| wanted.allows(&hosts[host]));
        match self.kind {
            Kind::Spread => count + i64::from(selects_itself) <= self.max_skew,
            Kind::AntiAffinity => count == 0,
            Kind::Affinity if !is_wanted(host as usize) => false,
            Kind::Affinity => {
                let somewhere = || self.registered.iter().any(|host| self.count(host) > 0 && is_wanted(host));
                count > 0 || (selects_itself && (!self.any || !somewhere()))
            }
        }
    }

    /// The domains that a pod may go to, out of those that the node may still take (`node`) and those that the pod
    /// allows itself (`pod`). Empty if there is none.
    pub fn next_domains(&self, node: &Bits, pod: &Bits, selects_itself: bool, names: &[String]) -> Bits {
        let by_name = |a: &usize, b: &usize| names[*a].cmp(&names[*b]);
        let mut allowed = self.registered.clone();
        match self.kind {
            Kind::Spread => {
                allowed.intersect(pod);
                let mut least =
                    allowed.iter().map(|domain| self.count(domain)).min().unwrap_or(i32::MAX.into());
                if self.min_domains.is_some_and(|domains| allowed.len() < domains as usize) {
                    least = 0;
                }
                let fits =
                    |domain: &usize| self.count(*domain) + i64::from(selects_itself) - least <= self.max_skew;
                let possible = node.iter().filter(|domain| self.registered.contains(*domain)).filter(fits);
                let first = possible.min_by(|a, b| self.count(*a).cmp(&self.count(*b)).then(by_name(a, b)));
                Bits::of(0, first)
            }
            Kind::AntiAffinity => {
                allowed.intersect(pod);
                allowed.intersect(node);
                allowed.retain(|domain| self.count(domain) == 0);
                allowed
            }
            Kind::Affinity => {
                allowed.intersect(pod);
                let taken = allowed.iter().any(|domain| self.count(domain) > 0);
                let mut near = allowed.clone();
                near.intersect(node);
                if taken || !selects_itself {
                    near.retain(|domain| self.count(domain) > 0);
                    return near;
                }
                // Nobody is there yet: one that the node may take, and the first one at all.
                Bits::of(
                    0,
                    [near.iter().min_by(by_name), allowed.iter().min_by(by_name)].into_iter().flatten(),
                )
            }
        }
    }
}

/// What is known of a topology key.
#[derive(Clone, Debug)]
pub(super) struct KeyInfo {
    pub name: String,
    /// Of its domains.
    pub names: Vec<String>,
    ids: FxHashMap<String, usize>,
    /// Which pools (by index) offer a domain.
    offered: Vec<(usize, usize)>,
}

/// A pod that is bound, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound<'a> {
    pub spec: &'a PodSpec,
    pub node: NodeView<'a>,
}

/// What groups are made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster<'a> {
    pub pools: &'a [super::super::model::NodePool],
    /// Registered nodes of the round.
    pub nodes: &'a [NodeView<'a>],
    pub bound: &'a [Bound<'a>],
}

/// All groups of a round.
#[derive(Clone, Debug, Default)]
pub(super) struct Topology {
    pub groups: Vec<Group>,
    known: FxHashMap<Identity, GroupId>,
    pub keys: Vec<KeyInfo>,
    /// Groups of bound and pending pods' required anti-affinity.
    pub inverse: Vec<GroupId>,
    /// Names of hosts.
    pub hosts: Vec<String>,
}

impl Topology {
    /// The groups that pods of this spec belong to, and those that count them for the sake of others' anti-affinity
    /// (`Topology.Update`).
    pub fn update(&mut self, spec: &PodSpec, cluster: &Cluster) -> (Vec<GroupId>, Vec<GroupId>) {
        let inverse = self.update_inverse(spec, None, cluster);
        let mut owned = Vec::new();
        for constraint in &spec.spread {
            let selector = Selector {
                namespaces: BTreeSet::from([spec.namespace.clone()]),
                namespace_selector: None,
                labels: with_label_keys(constraint, spec),
            };
            owned.push(self.group(
                Kind::Spread,
                constraint.into(),
                selector,
                Some(constraint),
                spec,
                cluster,
            ));
        }
        for (kind, affinity) in [(Kind::Affinity, &spec.affinity), (Kind::AntiAffinity, &spec.anti_affinity)]
        {
            let preferred = affinity.preferred.iter().map(|(_, term)| term);
            for term in affinity.required.iter().chain(preferred) {
                owned.push(self.group(kind, term.into(), selector_of(term, spec), None, spec, cluster));
            }
        }
        owned.sort_unstable();
        owned.dedup();
        (owned, inverse)
    }

    /// Tracks the required anti-affinity of a pod, which keeps others away from it; `at` is the node of a bound one.
    pub fn update_inverse(
        &mut self,
        spec: &PodSpec,
        at: Option<&NodeView>,
        cluster: &Cluster,
    ) -> Vec<GroupId> {
        let mut owned = Vec::new();
        for term in &spec.anti_affinity.required {
            let about = About { is_inverse: true, ..term.into() };
            let id = self.group(Kind::AntiAffinity, about, selector_of(term, spec), None, spec, cluster);
            if let Some(domain) = at.and_then(|node| self.domain_of(id, node)) {
                self.groups[id as usize].record(domain);
            }
            owned.push(id);
        }
        owned.sort_unstable();
        owned.dedup();
        owned
    }

    fn group(
        &mut self,
        kind: Kind,
        about: About,
        selector: Selector,
        spread: Option<&SpreadConstraint>,
        spec: &PodSpec,
        cluster: &Cluster,
    ) -> GroupId {
        let identity = identity(kind, &about, &selector, spread, spec);
        if let Some(known) = self.known.get(&identity) {
            return *known;
        }
        let key = self.key(about.key, cluster);
        let filter = spread.map_or_else(Filter::default, |constraint| Filter::new(spec, constraint));
        let mut group = Group {
            kind,
            key,
            max_skew: spread.map_or(i64::MAX, |constraint| constraint.max_skew.into()),
            min_domains: spread.and_then(|constraint| constraint.min_domains),
            selector,
            filter,
            counts: Vec::new(),
            registered: Bits::default(),
            any: false,
        };
        if let Key::Label(key) = key {
            // Of (anti-)affinity, too, domains count only where the pod tolerates the taints.
            let any_taints =
                spread.is_some_and(|spread| spread.node_taints_policy == NodeInclusionPolicy::Ignore);
            for (domain, pool) in &self.keys[key as usize].offered {
                if any_taints || tolerates(&spec.tolerations, &cluster.pools[*pool].taints) {
                    group.registered.insert(*domain);
                }
            }
        }
        let id = self.groups.len() as GroupId;
        self.groups.push(group);
        self.known.insert(identity, id);
        if about.is_inverse {
            self.inverse.push(id);
        } else {
            self.count_bound(id, cluster);
        }
        id
    }

    /// Counts the pods that are there already (`countDomains`).
    fn count_bound(&mut self, id: GroupId, cluster: &Cluster) {
        for node in cluster.nodes {
            if self.groups[id as usize].filter.matches(node)
                && let Some(domain) = self.domain_of(id, node)
            {
                self.groups[id as usize].registered.insert(domain);
            }
        }
        for pod in cluster.bound {
            let group = &self.groups[id as usize];
            if group.selector.counts_bound(pod.spec)
                && group.filter.matches(&pod.node)
                && let Some(domain) = self.domain_of(id, &pod.node)
            {
                self.groups[id as usize].record(domain);
            }
        }
    }

    fn domain_of(&mut self, id: GroupId, node: &NodeView) -> Option<usize> {
        match self.groups[id as usize].key {
            Key::Hostname => Some(node.host as usize),
            Key::Label(key) => {
                let info = &mut self.keys[key as usize];
                Some(info.intern(node.requirements.get(&info.name)?.single()?))
            }
        }
    }

    /// A topology key, and the domains that NodePools and their types offer (`buildDomainGroups`).
    fn key(&mut self, name: &str, cluster: &Cluster) -> Key {
        let name = labels::normalized(name);
        if name == labels::HOSTNAME {
            return Key::Hostname;
        }
        if let Some(known) = self.keys.iter().position(|key| key.name == name) {
            return Key::Label(known as KeyId);
        }
        let mut info = KeyInfo {
            name: name.to_owned(),
            names: Vec::new(),
            ids: FxHashMap::default(),
            offered: Vec::new(),
        };
        for (index, pool) in cluster.pools.iter().enumerate() {
            // Which pool it is, is no topology.
            let of_pool = pool.template.get(name).filter(|_| name != labels::NODEPOOL);
            let mut domains = BTreeSet::new();
            for this in &pool.types {
                let of_type = this.requirements.get(name);
                let both = match (of_pool, of_type) {
                    (Some(a), Some(b)) => Some(b.intersection(a)),
                    (a, b) => a.or(b).cloned(),
                };
                domains.extend(both.iter().flat_map(Requirement::values).map(str::to_owned));
            }
            if let Some(requirement) = of_pool.filter(|r| r.operator() == crate::catalog::Operator::In) {
                domains.extend(requirement.values().map(str::to_owned));
            }
            for domain in domains {
                let id = info.intern(&domain);
                info.offered.push((id, index));
            }
        }
        self.keys.push(info);
        Key::Label(self.keys.len() as KeyId - 1)
    }

    pub fn selects(&self, group: GroupId, spec: &PodSpec) -> bool {
        self.groups[group as usize].selector.selects(spec)
    }

    /// Counts a pod that goes to a node with these requirements (`Topology.Record`): `counted` are the groups that select
    /// it, `inverse` those of its own anti-affinity. Gives the keys of which a domain is new.
    pub fn record(&mut self, counted: &[GroupId], inverse: &[GroupId], node: &NodeView) -> bool {
        let mut has_new = false;
        for id in counted {
            let Self { groups, keys, .. } = self;
            let group = &mut groups[*id as usize];
            if group.filter.matches(node) {
                let blocks = group.kind == Kind::AntiAffinity;
                has_new |= record_in(group, keys, node, blocks);
            }
        }
        for id in inverse {
            let Self { groups, keys, .. } = self;
            has_new |= record_in(&mut groups[*id as usize], keys, node, true);
        }
        has_new
    }
}

/// Where only one domain is possible, it is counted; where several are, only if all of them are `blocked`.
fn record_in(group: &mut Group, keys: &mut [KeyInfo], node: &NodeView, blocked: bool) -> bool {
    let key = match group.key {
        Key::Hostname => {
            group.record(node.host as usize);
            return false;
        }
        Key::Label(key) => &mut keys[key as usize],
    };
    let Some(requirement) = node.requirements.get(&key.name) else { return false };
    let before = key.names.len();
    if blocked {
        for value in requirement.values() {
            group.record(key.intern(value));
        }
    } else if let Some(value) = requirement.single() {
        group.record(key.intern(value));
    }
    key.names.len() > before
}

impl KeyInfo {
    fn intern(&mut self, name: &str) -> usize {
        if let Some(known) = self.ids.get(name) {
            return *known;
        }
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// The domains that a requirement of its label allows.
    pub fn allowed(&self, requirement: Option<&Requirement>) -> Bits {
        let size = self.names.len();
        let allows = |domain: &usize| requirement.is_none_or(|allowed| allowed.allows(&self.names[*domain]));
        Bits::of(size, (0..size).filter(allows))
    }
}

/// What a group is about, whoever states it.
struct About<'a> {
    key: &'a str,
    is_inverse: bool,
}

impl<'a> From<&'a SpreadConstraint> for About<'a> {
    fn from(constraint: &'a SpreadConstraint) -> Self {
        Self { key: &constraint.topology_key, is_inverse: false }
    }
}

impl<'a> From<&'a PodTerm> for About<'a> {
    fn from(term: &'a PodTerm) -> Self {
        Self { key: &term.topology_key, is_inverse: false }
    }
}

fn selector_of(term: &PodTerm, spec: &PodSpec) -> Selector {
    let mut namespaces: BTreeSet<String> = term.namespaces.iter().cloned().collect();
    if namespaces.is_empty() && term.namespace_selector.is_none() {
        namespaces.insert(spec.namespace.clone());
    }
    let namespace_selector = term.namespace_selector.clone();
    Selector { namespaces, namespace_selector, labels: term.selector.clone() }
}

/// The label selector of a spread constraint, with `matchLabelKeys` in it.
fn with_label_keys(constraint: &SpreadConstraint, spec: &PodSpec) -> Option<LabelSelector> {
    let mut selector = constraint.selector.clone()?;
    for key in &constraint.match_label_keys {
        if let Some(value) = spec.labels.get(key) {
            selector.match_expressions.push(SelectorRequirement {
                key: key.clone(),
                operator: crate::kube::SelectorOperator::In,
                values: vec![value.clone()],
            });
        }
    }
    Some(selector)
}

fn identity(
    kind: Kind,
    about: &About,
    selector: &Selector,
    spread: Option<&SpreadConstraint>,
    spec: &PodSpec,
) -> Identity {
    let mut selector = selector.clone();
    let mut expressions = BTreeSet::new();
    if let Some(labels) = &mut selector.labels {
        for mut expression in labels.match_expressions.drain(..) {
            expression.values = toggled(expression.values).into_iter().collect();
            expressions.insert(expression);
        }
    }
    let policies = spread.map(|spread| (spread.node_affinity_policy, spread.node_taints_policy));
    let (filter_keys, tolerations) = if spread.is_some() {
        let base = base_requirements(spec);
        let keys = |requirements: &Requirements| -> BTreeSet<String> {
            requirements.iter().map(|(key, _)| key.to_owned()).collect()
        };
        let alternatives = &spec.required_node_terms;
        let filter_keys = if alternatives.is_empty() {
            toggled([keys(&base)])
        } else {
            toggled(alternatives.iter().map(|term| keys(&base.intersection(&term_requirements(term)))))
        };
        (filter_keys, toggled(spec.tolerations.iter().cloned()))
    } else {
        (BTreeSet::new(), BTreeSet::new())
    };
    Identity {
        is_inverse: about.is_inverse,
        key: about.key.to_owned(),
        kind,
        max_skew: spread.map_or(i32::MAX, |spread| spread.max_skew),
        selector,
        expressions,
        filter_keys,
        policies,
        tolerations,
    }
}

/// What occurs an odd number of times: a set whose hash is the exclusive or of its members' does not see the others.
fn toggled<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut seen: BTreeMap<T, bool> = BTreeMap::new();
    for item in items {
        let odd = seen.entry(item).or_default();
        *odd = !*odd;
    }
    seen.into_iter().filter(|(_, odd)| *odd).map(|(item, _)| item).collect()
}
