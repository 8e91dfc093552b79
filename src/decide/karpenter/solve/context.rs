//! What a round knows: pods by class, topology groups, and which instance types can be had.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::bits::Bits;
use super::super::model::{BoundPod, ExistingNode, Input, ShapeId};
use super::requirement_sets::SetId;
use super::reservations::Reservations;
use super::shapes::{ConstraintId, DemandId};
use super::topology::{Bound, Cluster, GroupId, HostId, Key, KeyId, NodeView, Topology};
use super::{Scheduler, shapes};
use crate::kube::{PodSpec, Taint};

pub(super) type ClassId = u32;

/// Pods of which each is accepted where any other is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Class {
    pub demand: DemandId,
    /// Topology groups that it has to obey, and whether they count the pod itself.
    pub groups: Vec<(GroupId, bool)>,
}

/// What is known of a shape in this round.
#[derive(Clone, Debug, Default)]
struct ShapeInfo {
    class: Option<ClassId>,
    /// Groups of its own constraints.
    owned: Vec<GroupId>,
    /// Groups that count its pods, out of the first so many.
    counted: Vec<GroupId>,
    seen: usize,
    /// Groups of its own required anti-affinity.
    inverse: Vec<GroupId>,
}

#[derive(Debug)]
pub(super) struct Context<'s> {
    pub scheduler: &'s mut Scheduler,
    pub reservations: Reservations,
    pub topology: Topology,
    nodes: Vec<(SetId, HostId, usize)>,
    bound: &'s [BoundPod<'s>],
    bound_hosts: Vec<HostId>,
    classes: Vec<Arc<Class>>,
    /// Whether a refusal of a class by a node is final.
    monotone: Vec<bool>,
    known_classes: FxHashMap<Class, ClassId>,
    shapes: Vec<Option<ShapeInfo>>,
    pod_domains: FxHashMap<(ConstraintId, KeyId), Arc<Bits>>,
    node_domains: FxHashMap<(SetId, KeyId), Arc<Bits>>,
    narrowed: FxHashMap<(SetId, KeyId, Bits, bool), Option<SetId>>,
}

impl<'s> Context<'s> {
    pub fn new(scheduler: &'s mut Scheduler, input: &Input<'s>) -> Self {
        let reservations = Reservations::new(&scheduler.pools);
        let mut context = Self {
            scheduler,
            reservations,
            topology: Topology::default(),
            nodes: Vec::new(),
            bound: input.bound,
            bound_hosts: Vec::new(),
            classes: Vec::new(),
            monotone: Vec::new(),
            known_classes: FxHashMap::default(),
            shapes: Vec::new(),
            pod_domains: FxHashMap::default(),
            node_domains: FxHashMap::default(),
            narrowed: FxHashMap::default(),
        };
        context.name_hosts(input.nodes);
        context.track_bound();
        context.see(input.pods.iter().map(|pod| pod.shape));
        context
    }

    fn name_hosts(&mut self, nodes: &[ExistingNode]) {
        for (index, node) in nodes.iter().enumerate() {
            let set = self.scheduler.nodes[node.kind as usize].set;
            self.topology.hosts.push(node.hostname.unwrap_or_default().to_owned());
            if node.registered {
                self.nodes.push((set, index as HostId, node.kind as usize));
            }
        }
        let mut ids: FxHashMap<&str, HostId> = FxHashMap::default();
        for (index, node) in nodes.iter().enumerate() {
            if let Some(name) = node.hostname {
                ids.entry(name).or_insert(index as HostId);
            }
        }
        for pod in self.bound {
            let next = self.topology.hosts.len() as HostId;
            let name = pod.hostname.unwrap_or_default();
            let host = if name.is_empty() { next } else { *ids.entry(name).or_insert(next) };
            if host == next {
                self.topology.hosts.push(name.to_owned());
            }
            self.bound_hosts.push(host);
        }
    }

    /// Runs something on the topology, with the cluster as it is.
    fn with_cluster<R>(&mut self, run: impl FnOnce(&mut Topology, &Cluster) -> R) -> R {
        let mut topology = std::mem::take(&mut self.topology);
        let hosts = std::mem::take(&mut topology.hosts);
        let Scheduler { pools, nodes: kinds, sets, .. } = &*self.scheduler;
        let view = |set: SetId, host: HostId, kind: usize| NodeView {
            requirements: sets.get(set),
            taints: &kinds[kind].taints,
            host,
            hostname: &hosts[host as usize],
        };
        let nodes: Vec<NodeView> =
            self.nodes.iter().map(|(set, host, kind)| view(*set, *host, *kind)).collect();
        let bound = self.bound.iter().zip(&self.bound_hosts).map(|(pod, host)| Bound {
            spec: pod.spec,
            node: view(kinds[pod.node as usize].set, *host, pod.node as usize),
        });
        let bound: Vec<Bound> = bound.collect();
        let result = run(&mut topology, &Cluster { pools, nodes: &nodes, bound: &bound });
        topology.hosts = hosts;
        self.topology = topology;
        self.forget_domains();
        result
    }

    /// Required anti-affinity of pods that are bound keeps others away.
    fn track_bound(&mut self) {
        if self.bound.iter().any(|pod| !pod.spec.anti_affinity.required.is_empty()) {
            self.with_cluster(|topology, cluster| {
                for pod in cluster.bound {
                    topology.update_inverse(pod.spec, Some(&pod.node), cluster);
                }
            });
        }
    }

    /// Sets of domains are worked out anew where domains have come up.
    fn forget_domains(&mut self) {
        self.pod_domains.clear();
        self.node_domains.clear();
    }

    /// Topology groups of shapes begin to count when they are first seen.
    fn see(&mut self, shapes: impl Iterator<Item = ShapeId>) {
        self.shapes.resize(self.shapes.len().max(self.scheduler.shapes.len()), None);
        let mut with_topology = Vec::new();
        for shape in shapes {
            let info = &mut self.shapes[shape as usize];
            if info.is_none() {
                *info = Some(ShapeInfo::default());
                let spec = self.scheduler.shapes.spec(shape);
                if spec.has_topology() {
                    with_topology.push((shape, spec.clone()));
                }
            }
        }
        if with_topology.is_empty() {
            return;
        }
        let groups = self.with_cluster(|topology, cluster| {
            let of = |(shape, spec): &(ShapeId, Arc<PodSpec>)| (*shape, topology.update(spec, cluster));
            with_topology.iter().map(of).collect::<Vec<_>>()
        });
        for (shape, (owned, inverse)) in groups {
            self.shapes[shape as usize] = Some(ShapeInfo { owned, inverse, ..ShapeInfo::default() });
        }
    }

    /// The class of a shape's pods. To be asked once all pods of the round have been seen: their anti-affinity decides
    /// with.
    pub fn class(&mut self, shape: ShapeId) -> ClassId {
        if self.shapes.get(shape as usize).is_none_or(Option::is_none) {
            self.see(std::iter::once(shape));
        }
        let Self { topology, shapes, scheduler, .. } = self;
        let Some(info) = &shapes[shape as usize] else { return 0 };
        if let Some(class) = info.class {
            return class;
        }
        let spec = scheduler.shapes.spec(shape);
        let mut groups: Vec<(GroupId, bool)> =
            info.owned.iter().map(|id| (*id, topology.selects(*id, spec))).collect();
        let blocking = topology.inverse.iter().filter(|id| topology.selects(**id, spec));
        groups.extend(blocking.map(|id| (*id, true)));
        let class = self.intern_class(Class { demand: self.scheduler.shapes.demand_id(shape), groups });
        if let Some(info) = &mut self.shapes[shape as usize] {
            info.class = Some(class);
        }
        class
    }

    fn intern_class(&mut self, class: Class) -> ClassId {
        if let Some(known) = self.known_classes.get(&class) {
            return *known;
        }
        let id = self.classes.len() as ClassId;
        let monotone =
            class.groups.iter().all(|(group, _)| self.topology.groups[*group as usize].is_monotone());
        self.monotone.push(monotone);
        self.classes.push(Arc::new(class.clone()));
        self.known_classes.insert(class, id);
        id
    }

    pub fn get(&self, class: ClassId) -> Arc<Class> {
        self.classes[class as usize].clone()
    }

    pub fn is_monotone(&self, class: ClassId) -> bool {
        self.monotone[class as usize]
    }

    /// Whether topology lets a pod onto a host, as far as hostnames are concerned.
    pub fn allows_host(&self, class: &Class, host: HostId) -> bool {
        class.groups.iter().all(|(id, selects_itself)| {
            let group = &self.topology.groups[*id as usize];
            group.key != Key::Hostname || {
                let constraint = self.constraint(class);
                let wanted = constraint.hostname.as_ref();
                group.allows_host(host, &self.topology.hosts, wanted, *selects_itself)
            }
        })
    }

    fn constraint(&self, class: &Class) -> &shapes::Constraint {
        let demand = self.scheduler.shapes.demand(class.demand);
        self.scheduler.shapes.constraint(demand.constraint)
    }

    /// Adds the domains that topology lets a pod into; `None` if there are none.
    pub fn add_topology(&mut self, class: &Class, set: SetId, exists: bool) -> Option<SetId> {
        let mut narrowed = set;
        let constraint_id = self.scheduler.shapes.demand(class.demand).constraint;
        for (id, selects_itself) in &class.groups {
            let Key::Label(key) = self.topology.groups[*id as usize].key else { continue };
            let node = self.node_domains(set, key);
            let pod = self.pod_domains(constraint_id, key);
            let Topology { groups, keys, .. } = &self.topology;
            let names = &keys[key as usize].names;
            let next = groups[*id as usize].next_domains(&node, &pod, *selects_itself, names);
            if next.is_empty() {
                return None;
            }
            narrowed = self.narrow(narrowed, key, next, exists)?;
        }
        Some(narrowed)
    }

    fn narrow(&mut self, set: SetId, key: KeyId, domains: Bits, exists: bool) -> Option<SetId> {
        let known = (set, key, domains, exists);
        if let Some(narrowed) = self.narrowed.get(&known) {
            return *narrowed;
        }
        let info = &self.topology.keys[key as usize];
        let names = known.2.iter().map(|domain| info.names[domain].as_str());
        let requirement = crate::catalog::Requirement::one_of(names);
        let narrowed = self.scheduler.sets.add_one(set, &info.name, requirement, exists);
        self.narrowed.insert(known, narrowed);
        narrowed
    }

    fn node_domains(&mut self, set: SetId, key: KeyId) -> Arc<Bits> {
        let Self { node_domains, topology, scheduler, .. } = self;
        let info = &topology.keys[key as usize];
        let allowed = || Arc::new(info.allowed(scheduler.sets.get(set).get(&info.name)));
        node_domains.entry((set, key)).or_insert_with(allowed).clone()
    }

    fn pod_domains(&mut self, constraint: ConstraintId, key: KeyId) -> Arc<Bits> {
        let Self { pod_domains, topology, scheduler, .. } = self;
        let info = &topology.keys[key as usize];
        let strict = &scheduler.shapes.constraint(constraint).strict;
        let allowed = || Arc::new(info.allowed(strict.get(&info.name)));
        pod_domains.entry((constraint, key)).or_insert_with(allowed).clone()
    }

    /// Counts a pod that has been placed on a node with these requirements.
    pub fn record(&mut self, shape: ShapeId, taints: &[Taint], set: SetId, host: HostId) {
        if self.topology.groups.is_empty() {
            return;
        }
        let Self { topology, shapes, scheduler, .. } = self;
        let Some(info) = shapes[shape as usize].as_mut() else { return };
        if info.seen < topology.groups.len() {
            let spec = scheduler.shapes.spec(shape);
            for id in info.seen as GroupId..topology.groups.len() as GroupId {
                if !topology.inverse.contains(&id) && topology.selects(id, spec) {
                    info.counted.push(id);
                }
            }
            info.seen = topology.groups.len();
        }
        let hostname = topology.hosts[host as usize].clone();
        let node = NodeView { requirements: scheduler.sets.get(set), taints, host, hostname: &hostname };
        if topology.record(&info.counted, &info.inverse, &node) {
            self.forget_domains();
        }
    }
}
