//! One loop over a cluster that was written down (`cluster-autoscaler/core/static_autoscaler.go`, `RunOnce`).

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::drain::Budgets;
use super::expander;
use super::filter_out_schedulable::{PendingPod, filter_out_schedulable};
use super::scale_down::{Candidate, LastTimes, Planner, Size, Unneeded, cools_down, removable_at};
use super::scale_up::{Group, ToHelp, old_enough, scale_up};
use super::settings::Settings;
use super::snapshot::{Hints, NodeKey, PodId, ShapeId, Slot, Snapshot, SpecId};
use super::template::{DELETION_CANDIDATE, Template, fresh_copy, is_stable};
use crate::kube::{Node, Pdb, Pod, PodSpec};
use crate::units::{Span, Time};

/// What one loop finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    pub settings: Settings,
    pub now: Time,
    /// In the cloud provider's order.
    pub groups: Vec<InputGroup>,
    /// In the order in which they are searched.
    pub nodes: Vec<InputNode>,
    /// Pods that kube-scheduler found no node for.
    pub pending: Vec<Pod>,
    pub budgets: Vec<Pdb>,
    pub last: LastTimes,
}

/// A node group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputGroup {
    pub name: String,
    pub min: u32,
    pub max: u32,
    /// Desired capacity. What is beyond the nodes that are Ready is taken to be on its way.
    pub target: u32,
    /// What is known of it while it has no node that could be copied.
    pub template: Node,
    /// Pods that every node of it has: of DaemonSets, and static ones.
    pub daemon_pods: Vec<Pod>,
    /// It is left alone until then, after a failure.
    pub backed_off_until: Option<Time>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct InputNode {
    pub node: Node,
    /// Its group among [`Input::groups`]; `None`: Cluster Autoscaler has nothing to do with it.
    pub group: Option<usize>,
    pub pods: Vec<Pod>,
    /// Since when it has been unneeded in every loop. `None`: what its taint or annotation
    /// `DeletionCandidateOfClusterAutoscaler` says, a Unix time.
    pub unneeded_since: Option<Time>,
}

/// What it decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub scale_up: Vec<GroupDelta>,
    /// Names, in the order in which they were found. A loop that scales up does not look for them.
    pub unneeded: Vec<String>,
    /// Those that are deleted now.
    pub scale_down: Vec<String>,
}

/// By how much a group grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDelta {
    pub group: String,
    pub delta: u32,
}

/// A node that is not Ready and younger than this is still starting (`clusterstate.go`, `MaxNodeStartupTime`).
const STARTUP: Span = Span::from_secs(15 * 60);

/// What Cluster Autoscaler does in one loop, had it just been started.
pub fn run_once(input: &Input) -> Output {
    let settings = &input.settings;
    let specs = Specs::of(input);
    let mut snapshot = Snapshot::new(specs.all.clone());
    let mut slots: Vec<Option<Slot>> = Vec::with_capacity(input.nodes.len());
    for (key, node) in (0..).zip(&input.nodes) {
        // A node that starts is counted as coming, not as there.
        let is_starting = is_starting(node, input.now);
        slots.push((!is_starting).then(|| {
            let shape = snapshot.shape(Arc::new(node.node.clone()));
            let slot = snapshot.add_node(NodeKey::Node(key), shape);
            for pod in node.pods.iter().filter(|pod| !is_left_out(pod, settings)) {
                snapshot.put(slot, specs.id(pod));
            }
            slot
        }));
    }
    let templates = templates(input, &specs);
    let shapes: Vec<ShapeId> =
        templates.iter().map(|template| snapshot.shape(Arc::clone(&template.node))).collect();
    let mut coming = 0;
    for (number, group) in (0..).zip(&input.groups) {
        let is_there =
            |node: &&InputNode| node.group == Some(number as usize) && !is_starting(node, input.now);
        let there = input.nodes.iter().filter(is_there).count() as u32;
        for index in 0..group.target.saturating_sub(there) {
            let key = NodeKey::Upcoming { group: number, index };
            snapshot.add_copy(key, &templates[number as usize], shapes[number as usize]);
            coming += 1;
        }
    }
    let mut pending = Vec::new();
    for pod in input.pending.iter().filter(|pod| !is_left_out(pod, settings)) {
        match pod.nominated_node_name.as_ref().and_then(|name| node_named(input, name)) {
            // It will have the room of pods of lower priority.
            Some(node) if slots[node].is_some() => {
                if let Some(slot) = slots[node] {
                    snapshot.put(slot, specs.id(pod));
                }
            }
            _ => pending.push(PendingPod { id: specs.id(pod), created: pod.created }),
        }
    }
    let left = filter_out_schedulable(&mut snapshot, &mut Hints::default(), pending);
    let mut output = Output::default();
    let mut waits = false;
    match old_enough(&snapshot, settings, left, input.now) {
        ToHelp::WaitForMore => waits = true,
        ToHelp::Pods(pods) => {
            let groups: Vec<Group> = input
                .groups
                .iter()
                .zip(templates.iter().zip(&shapes))
                .map(|(group, (template, shape))| Group {
                    name: &group.name,
                    max: group.max,
                    target: group.target,
                    is_safe: group.backed_off_until.is_none_or(|until| until <= input.now),
                    template,
                    shape: *shape,
                })
                .collect();
            let is_usable =
                |node: &&InputNode| node.node.ready_since.is_some() && !node.node.is_unschedulable;
            let nodes = input.nodes.iter().filter(is_usable).count() as u32 + coming;
            let grown = scale_up(&mut snapshot, settings, &groups, &pods, nodes, expander::first_name);
            let delta =
                |(group, delta): (usize, u32)| GroupDelta { group: input.groups[group].name.clone(), delta };
            output.scale_up = grown.into_iter().map(delta).collect();
        }
    }
    if output.scale_up.is_empty() && settings.scale_down_enabled {
        scale_down(input, &mut snapshot, &slots, waits, &mut output);
    }
    output
}

fn scale_down(
    input: &Input,
    snapshot: &mut Snapshot,
    slots: &[Option<Slot>],
    waits: bool,
    output: &mut Output,
) {
    let settings = &input.settings;
    let known = |(key, node): (u32, &InputNode)| {
        let since = unneeded_since(node)?;
        let group = node.group?;
        Some(Unneeded { node: NodeKey::Node(key), group, since, drains: false, is_risky: false })
    };
    let mut planner = Planner::resumed((0..).zip(&input.nodes).filter_map(known).collect());
    let candidates: Vec<Candidate> = input
        .nodes
        .iter()
        .zip(slots)
        .filter_map(|(node, slot)| Some((node.group?, (*slot)?)))
        .filter(|(group, _)| input.groups[*group].target > input.groups[*group].min)
        .map(|(group, slot)| Candidate { slot, group })
        .collect();
    let destinations: Vec<Slot> = slots.iter().copied().flatten().collect();
    let budgets = budgets(input);
    planner.update(
        input.now,
        snapshot,
        settings,
        budgets,
        candidates.iter().copied(),
        destinations.into_iter(),
    );
    let index = |key: NodeKey| match key {
        NodeKey::Node(index) => index as usize,
        NodeKey::Upcoming { .. } | NodeKey::New(_) => unreachable!("candidates are nodes that are there"),
    };
    let name = |node: &Unneeded| input.nodes[index(node.node)].node.name.clone();
    output.unneeded = planner.unneeded().iter().map(name).collect();
    if waits || candidates.is_empty() || cools_down(settings, input.now, &input.last) {
        return;
    }
    let groups: Vec<Size> =
        input.groups.iter().map(|group| Size { min: group.min, target: group.target, deleting: 0 }).collect();
    // The real one follows a map here.
    let mut by_name = planner.unneeded().to_vec();
    by_name.sort_by_key(name);
    let is_ready = |key: NodeKey| input.nodes[index(key)].node.ready_since.is_some();
    let gone = removable_at(input.now, settings, &by_name, &groups, (0, 0), is_ready);
    output.scale_down = gone.iter().map(name).collect();
}

/// Pods that Cluster Autoscaler does not see: those that have ended, and expendable ones.
fn is_left_out(pod: &Pod, settings: &Settings) -> bool {
    pod.phase.is_terminal() || pod.spec.priority < settings.expendable_pods_priority_cutoff
}

fn is_starting(node: &InputNode, now: Time) -> bool {
    node.group.is_some() && node.node.ready_since.is_none() && node.node.created + STARTUP > now
}

fn node_named(input: &Input, name: &str) -> Option<usize> {
    input.nodes.iter().position(|node| node.node.name == name)
}

fn unneeded_since(node: &InputNode) -> Option<Time> {
    let tainted = || {
        let taint = node.node.taints.iter().find(|taint| taint.key == DELETION_CANDIDATE);
        let value = taint.map(|taint| &taint.value).or_else(|| node.node.annotations.get(DELETION_CANDIDATE));
        value?.parse::<i64>().ok().map(|seconds| Time::from_ms(seconds.saturating_mul(1_000)))
    };
    node.unneeded_since.or_else(tainted)
}

/// The first good node of each group is copied; else its template counts; a node that is no good is the last resort, and
/// there is always a template.
fn templates(input: &Input, specs: &Specs) -> Vec<Template> {
    let template = |(number, group): (usize, &InputGroup)| {
        let is_good = |node: &&InputNode| node.group == Some(number) && is_stable(&node.node, input.now);
        let name = format!("template-node-for-{}", group.name);
        let (node, pods): (&Node, &[Pod]) = match input.nodes.iter().find(is_good) {
            Some(node) => (&node.node, &node.pods),
            None => (&group.template, &group.daemon_pods),
        };
        let stays = |pod: &&Pod| !pod.is_terminating && (pod.spec.is_of_daemon_set() || pod.spec.is_mirror());
        let of_template = std::ptr::eq(pods, group.daemon_pods.as_slice());
        let daemons = pods.iter().filter(|pod| of_template || stays(pod));
        Template::new(Arc::new(fresh_copy(node, name)), daemons.map(|pod| (specs.id(pod).spec(), &*pod.spec)))
    };
    input.groups.iter().enumerate().map(template).collect()
}

/// How many pods of each budget may go: what its status says, or what follows from the pods that are there.
fn budgets(input: &Input) -> Budgets {
    let allowed = |pdb: &Pdb| {
        pdb.disruptions_allowed.unwrap_or_else(|| {
            let covered = |pod: &&Pod| !pod.phase.is_terminal() && pdb.covers(&pod.spec);
            let healthy = input.nodes.iter().flat_map(|node| &node.pods).filter(covered);
            let healthy = healthy.filter(|pod| !pod.is_terminating).count() as i64;
            let pending = input.pending.iter().filter(covered).count() as i64;
            pdb.allowed(healthy + pending, healthy)
        })
    };
    Budgets::new(input.budgets.iter().map(|pdb| (pdb.clone(), allowed(pdb))).collect())
}

/// All specs, those that are equal once, and the number of every pod.
struct Specs {
    all: Vec<Arc<PodSpec>>,
    /// By the pod's address: it is part of the input, which does not move.
    ids: FxHashMap<*const Pod, PodId>,
}

impl Specs {
    fn of(input: &Input) -> Self {
        let mut known: FxHashMap<Arc<PodSpec>, SpecId> = FxHashMap::default();
        let mut specs = Self { all: Vec::new(), ids: FxHashMap::default() };
        let of_nodes = input.nodes.iter().flat_map(|node| &node.pods);
        let of_groups = input.groups.iter().flat_map(|group| &group.daemon_pods);
        for (number, pod) in (0..).zip(of_nodes.chain(of_groups).chain(&input.pending)) {
            let next = specs.all.len() as SpecId;
            let id = *known.entry(Arc::clone(&pod.spec)).or_insert(next);
            if id == next {
                specs.all.push(Arc::clone(&pod.spec));
            }
            specs.ids.insert(std::ptr::from_ref(pod), PodId::new(id, number));
        }
        specs
    }

    fn id(&self, pod: &Pod) -> PodId {
        self.ids[&std::ptr::from_ref(pod)]
    }
}

#[cfg(test)]
#[path = "run_once_tests.rs"]
mod tests;
