//! Which groups grow, and by how much (`cluster-autoscaler/core/scaleup/orchestrator/orchestrator.go`).

use rustc_hash::FxHashMap;

use super::balance::{self, Size};
use super::equivalence::{self, Grouped, PodGroup};
use super::estimator::{Estimate, estimate, most_nodes};
use super::expander::{self, Expansion};
use super::filter_out_schedulable::PendingPod;
use super::settings::Settings;
use super::snapshot::{ShapeId, Snapshot, SpecId};
use super::template::Template;
use crate::units::{Span, Time};

/// A node group as a scale-up sees it.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    pub name: &'a str,
    pub max: u32,
    pub target: u32,
    /// It is not left alone after a failure.
    pub is_safe: bool,
    pub template: &'a Template,
    pub shape: ShapeId,
}

/// Lets one group, and those similar to it, grow for `pending` pods; gives each group that grows with the number of its
/// nodes. `nodes` are those of the cluster, coming ones included.
pub fn scale_up<'a>(
    snapshot: &mut Snapshot,
    settings: &Settings,
    groups: &[Group<'a>],
    pending: &[PendingPod],
    nodes: u32,
    chance: impl FnOnce(&[Expansion<'a>]) -> usize,
) -> Vec<(usize, u32)> {
    let is_full = settings.max_nodes_total > 0 && nodes >= settings.max_nodes_total;
    if pending.is_empty() || is_full {
        return Vec::new();
    }
    let grouped = equivalence::group(snapshot, pending);
    let schedulable: Vec<Option<Vec<usize>>> = groups
        .iter()
        .map(|group| (group.is_safe && group.target < group.max).then(|| passing(snapshot, group, &grouped)))
        .collect();
    let mut options = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let Some(passing) = schedulable[index].as_ref().filter(|passing| !passing.is_empty()) else {
            continue;
        };
        let similar = similar(settings, groups, &schedulable, index);
        let room = |group: &Group| group.max.saturating_sub(group.target);
        let room = room(group) + similar.iter().map(|other| room(&groups[*other])).sum::<u32>();
        let most = most_nodes(settings.max_nodes_per_scaleup, settings.max_nodes_total, nodes, room);
        let wanted: Vec<PodGroup> = passing.iter().map(|group| grouped.groups[*group].clone()).collect();
        let estimate = estimate(snapshot, (group.template, group.shape), &wanted, &grouped.pods, most);
        if estimate.nodes > 0 && estimate.pods > 0 {
            let capacity = group.template.node.capacity;
            options.push(Expansion { group: index, name: group.name, capacity, estimate });
        }
    }
    let best = expander::choose(&settings.expanders, settings.priorities.as_ref(), options, chance);
    let Some(Expansion { group: best, estimate: Estimate { nodes: wanted, .. }, .. }) = best else {
        return Vec::new();
    };
    let allowed = match settings.max_nodes_total {
        0 => wanted,
        most => wanted.min(most - nodes),
    };
    let taking_part = std::iter::once(best).chain(similar(settings, groups, &schedulable, best));
    let sizes: Vec<Size> =
        taking_part.map(|group| Size { group, size: groups[group].target, max: groups[group].max }).collect();
    balance::share(&sizes, allowed)
}

/// Which groups of pods pass all filters on a further node of a group.
fn passing(snapshot: &mut Snapshot, group: &Group, grouped: &Grouped) -> Vec<usize> {
    let mark = snapshot.mark();
    let key = snapshot.new_key();
    let slot = snapshot.add_copy(key, group.template, group.shape);
    let mut known: FxHashMap<SpecId, bool> = FxHashMap::default();
    let mut passes = |spec: SpecId| *known.entry(spec).or_insert_with(|| snapshot.check(spec, slot).is_ok());
    let passing = (0..grouped.groups.len()).filter(|pods| passes(grouped.groups[*pods].spec)).collect();
    snapshot.go_back(mark);
    passing
}

/// Groups like this one that can host at least the same pods, if they share what it needs.
fn similar(
    settings: &Settings,
    groups: &[Group],
    schedulable: &[Option<Vec<usize>>],
    of: usize,
) -> Vec<usize> {
    if !settings.balance_similar_node_groups {
        return Vec::new();
    }
    let Some(pods) = &schedulable[of] else { return Vec::new() };
    let hosts_them = |other: &Vec<usize>| pods.iter().all(|group| other.binary_search(group).is_ok());
    let is_similar = |other: &usize| {
        *other != of
            && schedulable[*other].as_ref().is_some_and(hosts_them)
            && balance::are_similar(settings, groups[of].template, groups[*other].template)
    };
    (0..groups.len()).filter(is_similar).collect()
}

/// What a loop does with pods that fit nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToHelp {
    Pods(Vec<PendingPod>),
    /// All are so young that more are probably about to come: this loop does nothing more.
    WaitForMore,
}

/// A loop that finds only younger pods waits for more of them.
const NEW_POD: Span = Span::from_secs(2);
/// With pods among them that ask for GPUs.
const NEW_GPU_POD: Span = Span::from_secs(30);

/// Leaves out pods that are too young to be helped (`core/static_autoscaler.go`: `filterOutYoungPods`, `allPodsAreNew`).
pub fn old_enough(snapshot: &Snapshot, settings: &Settings, mut pods: Vec<PendingPod>, now: Time) -> ToHelp {
    pods.retain(|pod| now - pod.created > settings.new_pod_scale_up_delay);
    let asks_for_gpu =
        |pod: &&PendingPod| settings.gpu.is_some_and(|gpu| snapshot.spec(pod.id.spec()).requests[gpu] > 0);
    let oldest = pods.iter().map(|pod| pod.created).min();
    let oldest_with_gpu = pods.iter().filter(asks_for_gpu).map(|pod| pod.created).min();
    let is_new = |oldest: Option<Time>, span: Span| oldest.is_some_and(|oldest| oldest + span > now);
    if is_new(oldest, NEW_POD) || is_new(oldest_with_gpu, NEW_GPU_POD) {
        return ToHelp::WaitForMore;
    }
    ToHelp::Pods(pods)
}
