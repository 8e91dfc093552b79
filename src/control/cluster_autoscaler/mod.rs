//! Cluster Autoscaler on managed node groups, about 1.36 (`cluster-autoscaler/core/static_autoscaler.go`).
//!
//! A loop looks at the whole cluster, lets one node group grow if pods fit nowhere, or else finds out which nodes are
//! unneeded and deletes those that have been so for long enough. It is repeated every ten seconds, at once after a loop
//! that did something, and when a pod becomes unschedulable. A loop takes no time here.
//!
//! | rule | file |
//! |---|---|
//! | when a loop runs, and in which order it does what | this one |
//! | what a further node of a group is taken to be | `template` |
//! | which pending pods will fit anyway | `snapshot` |
//! | how many nodes pods need, and which group gives them | `estimator`, `expander` |
//! | which nodes go | `scale_down` |
//! | groups that fail | `backoff` |
//! | what the Auto Scaling group does by itself | `asg` |
//!
//! Not here yet: balancing similar groups (`balance-similar-node-groups`, in [`ClusterAutoscaler::scale_up`]).

mod asg;
mod backoff;
mod estimator;
mod expander;
mod scale_down;
mod snapshot;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::asg::{Asg, State};
use self::backoff::Backoff;
use self::estimator::{Wanted, estimate};
use self::expander::Expansion;
use self::scale_down::Planner;
use self::snapshot::{Admissions, Hints, PodAge, Snapshot, Unplaced, filter_out_schedulable};
use self::template::{STABLE_AFTER, Template};
use super::{Action, Controller, NextWake, Trigger, View, Wants};
use crate::ledger::{EndReason, LeaseId, TemplateId};
use crate::packing::RoundRobin;
use crate::platform::ClusterAutoscaler as Flags;
use crate::rng::{Draws, Purpose};
use crate::sim::{NodeState, RunIndex};
use crate::trace::OwnerKind;
use crate::units::{Resources, Span, Time};

/// A managed node group that Cluster Autoscaler may resize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoscaledGroup {
    /// Its nodes: no other group's are of this kind.
    pub kind: TemplateId,
    pub min: u32,
    pub max: u32,
    /// Nodes that are there at the start.
    pub desired: u32,
    /// Zones in which its type is sold; the first one is that of its template.
    pub zones: Vec<u8>,
    /// What EC2 says of its type, which is what a group that never had a node is taken to offer.
    pub nominal: Resources,
    /// What a node of it reports as its capacity.
    pub capacity: Resources,
}

/// A loop that finds only younger pods waits for more of them.
const NEW_POD: Span = Span::from_secs(2);

pub struct ClusterAutoscaler {
    flags: Flags,
    groups: Vec<Group>,
    asg: Asg,
    draws: Draws,
    admissions: Admissions,
    search: RoundRobin,
    hints: Hints,
    planner: Planner,
    /// Nodes that are being deleted, and whether they had pods.
    deleting: BTreeMap<LeaseId, bool>,
    last_loop: Option<Time>,
    last_scale_up: Option<Time>,
    /// How often an expander decided.
    expansions: u32,
    /// The version of the cluster for which a further loop would find what the last one found, timers apart.
    settled: Option<u64>,
    every_loop: bool,
}

struct Group {
    config: AutoscaledGroup,
    /// The last copy of a node of it.
    cached: Option<Template>,
    backoff: Backoff,
    /// When the nodes of a scale-up should be there at last.
    expected: Option<Time>,
}

impl ClusterAutoscaler {
    /// `draws` decide among groups that are equally good.
    pub fn new(flags: Flags, groups: Vec<AutoscaledGroup>, draws: Draws) -> Self {
        let asg = Asg::new(&groups);
        let group = |config| Group { config, cached: None, backoff: Backoff::default(), expected: None };
        Self {
            flags,
            asg,
            groups: groups.into_iter().map(group).collect(),
            draws,
            admissions: Admissions::default(),
            search: RoundRobin::default(),
            hints: Hints::default(),
            planner: Planner::default(),
            deleting: BTreeMap::new(),
            last_loop: None,
            last_scale_up: None,
            expansions: 0,
            settled: None,
            every_loop: false,
        }
    }

    /// Runs every loop, also where the last one says what it will find. For tests: the result is the same.
    #[cfg(test)]
    fn run_every_loop(mut self) -> Self {
        self.every_loop = true;
        self
    }

    /// What EC2 and the Auto Scaling groups do, which needs no loop.
    fn note(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) {
        for trigger in triggers {
            match *trigger {
                Trigger::Start => {
                    for Group { config, .. } in &self.groups {
                        let zone = |node: u32| config.zones[node as usize % config.zones.len()];
                        let nodes = config.desired.clamp(config.min, config.max);
                        let adopt =
                            (0..nodes).map(|node| Action::Adopt { kind: config.kind, zone: zone(node) });
                        actions.extend(adopt);
                    }
                }
                Trigger::Launched { token, lease, .. } => self.asg.launched(now, token, lease, actions),
                Trigger::LaunchFailed { token } => self.asg.refused(now, token, actions),
                Trigger::NodeReady(lease) => self.node_ready(now, lease, view),
                Trigger::NodeGone(lease) => {
                    self.deleting.remove(&lease);
                    self.asg.lost(now, lease, actions);
                }
                Trigger::SpotNotice(lease) => {
                    // The node group drains at once, and its Auto Scaling group replaces the instance.
                    if self.asg.of_lease(lease).is_some_and(|i| !matches!(i.state, State::Deleting(_))) {
                        let reason = EndReason::DrainedAtNotice;
                        actions.push(Action::Delete { lease, reason, at_least: Span::ZERO, grace: None });
                        self.asg.lost(now, lease, actions);
                    }
                }
                Trigger::PodUnschedulable { .. }
                | Trigger::PodCreated { .. }
                | Trigger::NoCapacity { .. }
                | Trigger::NodeEmpty(_) => {}
            }
        }
        self.asg.retry(now, actions);
    }

    fn node_ready(&mut self, now: Time, lease: LeaseId, view: &View) {
        self.asg.ready(lease);
        let Some(node) = view.node(lease).filter(|node| node.adopted) else { return };
        let group = self.groups.iter().position(|group| group.config.kind == node.kind);
        if let Some(group) = group.filter(|_| self.asg.of_lease(lease).is_none()) {
            self.asg.adopted(now, lease, group, node.zone);
        }
    }

    /// Whether a loop runs now (`cluster-autoscaler/loop/trigger.go`).
    fn is_due(&self, now: Time, triggers: &[Trigger]) -> bool {
        let Some(last) = self.last_loop else { return true };
        let is_unschedulable = |trigger: &Trigger| matches!(trigger, Trigger::PodUnschedulable { .. });
        (self.flags.frequent_loops_enabled && triggers.iter().any(is_unschedulable))
            || (now > last && self.on_grid(now) == now)
    }

    /// The first instant from `at` on at which a loop runs if nothing makes one run before.
    fn on_grid(&self, at: Time) -> Time {
        let interval = self.flags.scan_interval.ms().max(1);
        let last = self.last_loop.unwrap_or(at);
        let intervals = ((at - last).ms().max(1) as u64).div_ceil(interval as u64) as i64;
        last + Span::from_ms(intervals * interval)
    }

    /// One loop; gives whether it did something.
    fn run_once(&mut self, now: Time, view: &View, actions: &mut Vec<Action>) -> bool {
        let deleting = &self.deleting;
        let mut snapshot = Snapshot::of_cluster(view, |lease| deleting.contains_key(&lease));
        let templates = self.templates(now, view);
        self.give_up_late_nodes(now, actions);
        for (group, template) in templates.iter().enumerate() {
            let coming = self.asg.instances().filter(|(_, i)| i.group == group && i.state.is_upcoming());
            snapshot.add_upcoming(self.groups[group].config.kind, template, coming.count() as u32);
        }
        let delay = self.flags.new_pod_scale_up_delay;
        let age = |run: RunIndex| match now - view.runs[run as usize].created {
            age if age < delay => PodAge::TooYoung,
            age if age < NEW_POD => PodAge::New,
            _ => PodAge::Old,
        };
        let pending = filter_out_schedulable(
            view,
            &mut snapshot,
            &mut self.admissions,
            &mut self.hints,
            &mut self.search,
            age,
        );
        self.hints.drop_old();
        let waits_for_more = !pending.is_empty() && !pending.iter().any(|pods| pods.some_old);
        if !waits_for_more && self.scale_up(now, view, &pending, &templates, actions) {
            self.last_scale_up = Some(now);
            self.settled = None;
            return true;
        }
        self.settled = None;
        if !self.flags.scale_down_enabled {
            return false;
        }
        let targets = self.asg.targets();
        let (groups, asg, planner) = (&self.groups, &self.asg, &mut self.planner);
        let group_of = |lease: LeaseId| {
            let group = asg.of_lease(lease)?.group;
            (targets[group] > groups[group].config.min).then_some(group)
        };
        let world = (&mut snapshot, &mut self.admissions, &mut self.search);
        let changed = planner.update(now, view, &self.flags, world, group_of);
        let cools_down = self.cooldown_end().is_some_and(|end| now < end);
        if !waits_for_more && !cools_down && self.scale_down(now, &targets, actions) {
            return true;
        }
        if !changed && view.pending() == 0 {
            self.settled = Some(view.cluster.version());
        }
        false
    }

    fn cooldown_end(&self) -> Option<Time> {
        // A deletion never fails here: what could make it fail blocks it before. So nothing waits for
        // `scale-down-delay-after-failure`.
        self.last_scale_up.map(|at| at + self.flags.scale_down_delay_after_add)
    }

    /// What further nodes of each group are taken to be. The node that was Ready first is the one that is copied.
    fn templates(&mut self, now: Time, view: &View) -> Vec<Template> {
        let mut oldest: Vec<Option<(Time, LeaseId, u8)>> = vec![None; self.groups.len()];
        for (_, instance) in self.asg.instances() {
            let State::Ready(lease) = instance.state else { continue };
            let Some(node) = view.node(lease).filter(|node| node.is_schedulable()) else { continue };
            // An adopted node has been Ready for long.
            let is_stable = node.adopted || now - node.ready >= STABLE_AFTER;
            let known = &mut oldest[instance.group];
            if is_stable && known.is_none_or(|(ready, lease, _)| (node.ready, node.lease) < (ready, lease)) {
                *known = Some((node.ready, node.lease, node.zone));
            }
        }
        let mut templates = Vec::with_capacity(self.groups.len());
        for (group, oldest) in self.groups.iter_mut().zip(oldest) {
            let node_type = &view.cluster.types[group.config.kind as usize];
            if let Some((_, _, zone)) = oldest {
                group.cached = Some(Template::from_node(&group.config, node_type, zone));
            }
            let template = group.cached.unwrap_or_else(|| Template::from_group(&group.config, node_type));
            templates.push(template);
        }
        templates
    }

    /// Backs off from groups whose scale-up is late, and lowers their desired capacity by what never came
    /// (`clusterstate/clusterstate.go`, `removeOldUnregisteredNodes`).
    fn give_up_late_nodes(&mut self, now: Time, actions: &mut Vec<Action>) {
        for (index, group) in self.groups.iter_mut().enumerate() {
            let Some(expected) = group.expected else { continue };
            if !self.asg.instances().any(|(_, i)| i.group == index && i.state.is_upcoming()) {
                group.expected = None;
                group.backoff.succeeded();
            } else if expected <= now {
                group.expected = None;
                let Flags { initial_node_group_backoff, max_node_group_backoff, .. } = self.flags;
                group.backoff.failed(now, initial_node_group_backoff, max_node_group_backoff);
            }
        }
        let limit = self.flags.max_node_provision_time;
        let is_late = |i: &asg::Instance| i.state.is_upcoming() && now - i.since >= limit;
        let late: Vec<(u32, usize)> =
            self.asg.instances().filter(|(_, i)| is_late(i)).map(|(token, i)| (token, i.group)).collect();
        let mut targets = self.asg.targets();
        for (token, group) in late {
            if targets[group] > self.groups[group].config.min {
                targets[group] -= 1;
                self.asg.give_up(token, actions);
            }
        }
    }

    /// Lets one group grow for `pending` pods; gives whether one does (`core/scaleup/orchestrator`).
    fn scale_up(
        &mut self,
        now: Time,
        view: &View,
        pending: &[Unplaced],
        templates: &[Template],
        actions: &mut Vec<Action>,
    ) -> bool {
        if pending.is_empty() {
            return false;
        }
        let targets = self.asg.targets();
        let mut options = Vec::new();
        for (group, template) in templates.iter().enumerate() {
            let Group { config, backoff, .. } = &self.groups[group];
            if !backoff.is_over(now) || targets[group] >= config.max {
                continue;
            }
            let fits = |pods: &&Unplaced| {
                view.classes[pods.class as usize].requests.fits_in(&template.free)
                    && self.admissions.admits(view, pods.class, config.kind, template.zone)
            };
            let wanted: Vec<Wanted> = pending.iter().filter(fits).map(|pods| wanted(view, pods)).collect();
            let most = (config.max - targets[group]).min(self.flags.max_nodes_per_scaleup);
            let estimate = estimate(template, &wanted, most);
            if estimate.nodes > 0 {
                options.push(Expansion { group, template: *template, estimate });
            }
        }
        let (draws, counter) = (self.draws, self.expansions);
        let chance = |n| draws.below(Purpose::Expander, 0, counter, n);
        let Some(best) = expander::choose(self.flags.expander, options, chance) else { return false };
        self.expansions += 1;
        // Balancing similar groups would share `nodes` among them here.
        self.asg.grow(now, best.group, best.estimate.nodes, actions);
        self.groups[best.group].expected = Some(now + self.flags.max_node_provision_time);
        true
    }

    /// Deletes nodes that have been unneeded for long enough, empty ones first; gives whether any
    /// (`core/scaledown/{unneeded,budgets,actuation}`).
    fn scale_down(&mut self, now: Time, targets: &[u32], actions: &mut Vec<Action>) -> bool {
        let mut sizes = targets.to_vec();
        for lease in self.deleting.keys() {
            if let Some(instance) = self.asg.of_lease(*lease) {
                sizes[instance.group] -= 1;
            }
        }
        let mut ripe: Vec<_> = self
            .planner
            .unneeded()
            .iter()
            .filter(|node| now - node.since >= self.flags.scale_down_unneeded_time)
            .copied()
            .collect();
        ripe.sort_by_key(|node| (node.drains, node.group));
        ripe.retain(|node| {
            let may_go = sizes[node.group] > self.groups[node.group].config.min;
            sizes[node.group] -= u32::from(may_go);
            may_go
        });
        let draining = self.deleting.values().filter(|drains| **drains).count();
        let mut left = (self.flags.max_scale_down_parallelism as usize).saturating_sub(self.deleting.len());
        let mut drains_left = (self.flags.max_drain_parallelism as usize).saturating_sub(draining);
        let mut deleted = false;
        for node in ripe {
            if left == 0 || (node.drains && drains_left == 0) {
                break;
            }
            left -= 1;
            drains_left -= usize::from(node.drains);
            let at_least = self.flags.node_delete_delay_after_taint;
            actions.push(Action::Delete {
                lease: node.lease,
                reason: EndReason::ScaledDown,
                at_least,
                grace: None,
            });
            self.asg.deleting(node.lease);
            self.deleting.insert(node.lease, node.drains);
            deleted = true;
        }
        deleted
    }

    fn next_wake(&self, now: Time, view: &View) -> NextWake {
        let retry = self.asg.next_retry();
        if self.asg.is_empty() && view.pending() == 0 && !self.every_loop {
            // Nothing to remove and nobody to help: the next pod that fits nowhere makes a loop run.
            return NextWake::OnTrigger;
        }
        let next_loop = self.on_grid(now + Span::from_ms(1));
        if self.settled != Some(view.cluster.version()) || self.every_loop {
            return NextWake::At(retry.map_or(next_loop, |retry| retry.min(next_loop)));
        }
        // Loops that would find what the last one found are left out.
        let timer = self.timers(view).filter(|at| *at > now).min().map(|at| self.on_grid(at));
        NextWake::OnChange { at: timer.into_iter().chain(retry).min() }
    }

    /// When the outcome of a loop changes though the cluster does not.
    fn timers<'a>(&'a self, view: &'a View) -> impl Iterator<Item = Time> + 'a {
        let planner = self.planner.timers(self.flags.scale_down_unneeded_time);
        let late = self.asg.instances().filter(|(_, i)| i.state.is_upcoming());
        let late = late.map(|(_, i)| i.since + self.flags.max_node_provision_time);
        let expected = self.groups.iter().filter_map(|group| group.expected);
        // A node becomes the template of its group.
        let ready = view.cluster.nodes.iter().filter(|node| node.state == NodeState::Ready && !node.adopted);
        let stable = ready.map(|node| node.ready + STABLE_AFTER);
        planner.chain(self.cooldown_end()).chain(late).chain(expected).chain(stable)
    }
}

impl Controller for ClusterAutoscaler {
    fn step(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) -> NextWake {
        let nothing_new = triggers.iter().all(|trigger| matches!(trigger, Trigger::NodeEmpty(_)));
        if !nothing_new {
            self.settled = None;
        }
        self.note(now, triggers, view, actions);
        let has_adopted = triggers.contains(&Trigger::Start) && !actions.is_empty();
        if has_adopted {
            // The first loop sees the nodes that are there from the start.
            return NextWake::At(now + Span::from_ms(1));
        }
        if self.is_due(now, triggers) {
            while self.run_once(now, view, actions) {}
            self.last_loop = Some(now);
        }
        self.next_wake(now, view)
    }

    fn wants(&self) -> Wants {
        Wants { unschedulable_pods: true, nodes: true, created_pods: false }
    }
}

fn wanted(view: &View, pods: &Unplaced) -> Wanted {
    let class = &view.classes[pods.class as usize];
    let together = class.owner == OwnerKind::Job;
    Wanted { class: pods.class, request: class.requests, pods: pods.pods, together }
}
