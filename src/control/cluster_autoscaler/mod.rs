//! Cluster Autoscaler on managed node groups, about 1.36 (`cluster-autoscaler/core/static_autoscaler.go`).
//!
//! A loop looks at the whole cluster, lets one node group grow if pods fit nowhere, or else finds out which nodes are
//! unneeded and deletes those that have been so for long enough. It is repeated every ten seconds, at once after a loop
//! that did something, and when a pod becomes unschedulable. A loop takes no time here.
//!
//! What it decides, `decide::cluster_autoscaler` says; here it is given what it sees, and its decisions become actions.
//!
//! | what | file |
//! |---|---|
//! | when a loop runs, what it remembers, what waits for what | this one |
//! | the cluster as the deciders see it | `world` |
//! | what the Auto Scaling groups do by themselves | `control/node_group` |

mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::world::World;
use super::node_group::{Asg, Instance, ManagedGroup, State, Upgrade, Upgrades};
use super::{Action, Controller, NextWake, Trigger, View, Wants};
use crate::decide::cluster_autoscaler::backoff::Backoff;
use crate::decide::cluster_autoscaler::drain::Budgets;
use crate::decide::cluster_autoscaler::expander::Expansion;
use crate::decide::cluster_autoscaler::filter_out_schedulable::filter_out_schedulable;
use crate::decide::cluster_autoscaler::scale_down::{
    Candidate, LastTimes, Planner, Size, cooldown_ends, cools_down, removable_at,
};
use crate::decide::cluster_autoscaler::scale_up::{Group, ToHelp, old_enough, scale_up};
use crate::decide::cluster_autoscaler::snapshot::{Hints, NodeKey, ShapeId};
use crate::decide::cluster_autoscaler::template::{STABLE_AFTER, Template};
use crate::decide::cluster_autoscaler::{Expander, Priorities, Settings};
use crate::ledger::{EndReason, LeaseId, TemplateId};
use crate::platform::{self, ClusterAutoscaler as Flags};
use crate::rng::{Draws, Purpose};
use crate::sim::NodeState;
use crate::units::{Span, Time};

/// A loop begins a moment after the instant at which it is due, and so a moment later than the one before: what must
/// last for *longer* than so many loops has done so. Here a loop takes no time, so this stands for it.
const MOMENT: Span = Span::from_ms(1);

pub struct ClusterAutoscaler {
    flags: Flags,
    settings: Settings,
    /// By group.
    memory: Vec<Memory>,
    asg: Asg,
    upgrades: Upgrades,
    draws: Draws,
    world: Option<World>,
    hints: Hints,
    planner: Planner,
    /// Nodes that are being deleted, and whether they had pods.
    deleting: BTreeMap<LeaseId, bool>,
    last_loop: Option<Time>,
    last: LastTimes,
    /// How often an expander decided.
    expansions: u32,
    /// The version of the cluster for which a further loop would find what the last one found, timers apart.
    settled: Option<u64>,
    every_loop: bool,
}

/// What is remembered of a group.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// Kind and zone of the last node of it that was copied.
    copied: Option<(TemplateId, u8)>,
    backoff: Backoff,
    /// When the nodes of a scale-up should be there at last.
    expected: Option<Time>,
}

impl ClusterAutoscaler {
    /// `draws` decide among groups that are equally good; `retry_after` is how long Auto Scaling groups wait when EC2 has
    /// nothing.
    pub fn new(flags: Flags, groups: Vec<ManagedGroup>, retry_after: Span, draws: Draws) -> Self {
        Self {
            settings: settings(&flags),
            flags,
            memory: vec![Memory::default(); groups.len()],
            asg: Asg::new(groups, retry_after),
            upgrades: Upgrades::default(),
            draws,
            world: None,
            hints: Hints::default(),
            planner: Planner::default(),
            deleting: BTreeMap::new(),
            last_loop: None,
            last: LastTimes::default(),
            expansions: 0,
            settled: None,
            every_loop: false,
        }
    }

    /// With upgrades of groups' versions, which it does not decide.
    #[must_use]
    pub fn with_upgrades(self, upgrades: Vec<Upgrade>) -> Self {
        Self { upgrades: Upgrades::new(upgrades), ..self }
    }

    /// Runs every loop, also where the last one says what it will find. For tests: the result is the same.
    #[cfg(test)]
    fn run_every_loop(mut self) -> Self {
        self.every_loop = true;
        self
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
        let mut world = self.world.take().unwrap_or_else(|| World::new(view, self.asg.groups()));
        let did_something = self.look_at(now, view, &mut world, actions);
        self.world = Some(world);
        did_something
    }

    fn look_at(&mut self, now: Time, view: &View, world: &mut World, actions: &mut Vec<Action>) -> bool {
        let deleting = &self.deleting;
        world.follow(view, |lease| deleting.contains_key(&lease));
        let templates = self.templates(now, view, world);
        self.give_up_late_nodes(now, actions);
        for (group, template) in templates.iter().enumerate() {
            let coming = self.asg.instances().filter(|(_, i)| i.group == group && i.state.is_upcoming());
            world.add_upcoming(group as u32, template, coming.count() as u32);
        }
        let pending = World::pending(view, self.settings.expendable_pods_priority_cutoff);
        let left = if pending.is_empty() {
            self.hints.drop_old();
            Vec::new()
        } else {
            filter_out_schedulable(&mut world.snapshot, &mut self.hints, pending)
        };
        self.settled = None;
        let mut waits_for_more = false;
        match old_enough(&world.snapshot, &self.settings, left, now + MOMENT) {
            ToHelp::WaitForMore => waits_for_more = true,
            ToHelp::Pods(pods) if pods.is_empty() => {}
            ToHelp::Pods(pods) => {
                let targets = self.asg.targets();
                let groups: Vec<Group> = (self.asg.groups().iter().zip(&self.memory))
                    .zip(targets.iter().zip(&templates))
                    .map(|((group, memory), (target, (template, shape)))| Group {
                        name: &group.name,
                        max: group.max,
                        target: *target,
                        is_safe: memory.backoff.is_over(now),
                        template,
                        shape: *shape,
                    })
                    .collect();
                let (draws, counter) = (self.draws, self.expansions);
                let chance = |equals: &[Expansion]| {
                    draws.below(Purpose::Expander, 0, counter, equals.len() as u64) as usize
                };
                let nodes = world.snapshot.listed().len() as u32;
                let grown = scale_up(&mut world.snapshot, &self.settings, &groups, &pods, nodes, chance);
                for (group, by) in &grown {
                    self.asg.grow(now, *group, *by, actions);
                    self.memory[*group].expected = Some(now + self.flags.max_node_provision_time);
                }
                if !grown.is_empty() {
                    self.expansions += 1;
                    self.last.scale_up = Some(now);
                    return true;
                }
            }
        }
        if !self.flags.scale_down_enabled {
            return false;
        }
        let targets = self.asg.targets();
        let changed = self.plan_scale_down(now, view, world, &targets);
        let cools_down = cools_down(&self.settings, now, &self.last);
        if !waits_for_more && !cools_down && self.scale_down(now, &targets, actions) {
            self.last.scale_down = Some(now);
            return true;
        }
        if !changed && view.pending() == 0 {
            self.settled = Some(view.cluster.version());
        }
        false
    }

    /// Finds unneeded nodes; gives whether anything is not as after the last loop.
    fn plan_scale_down(&mut self, now: Time, view: &View, world: &mut World, targets: &[u32]) -> bool {
        let asg = &self.asg;
        let deleting = &self.deleting;
        let is_shown =
            |node: &&crate::sim::Node| node.is_schedulable() && !deleting.contains_key(&node.lease);
        let shown = || view.cluster.nodes.iter().filter(is_shown);
        let candidates: Vec<Candidate> = shown()
            .filter_map(|node| {
                let group = asg.of_lease(node.lease)?.group;
                let slot = world.slot(node.lease)?;
                (targets[group] > asg.groups()[group].min).then_some(Candidate { slot, group })
            })
            .collect();
        let destinations: Vec<_> = shown().filter_map(|node| world.slot(node.lease)).collect();
        self.planner.update(
            now,
            &mut world.snapshot,
            &self.settings,
            Budgets::default(),
            candidates.into_iter(),
            destinations.into_iter(),
        )
    }

    /// What further nodes of each group are taken to be. The node that was Ready first is the one that is copied.
    fn templates(&mut self, now: Time, view: &View, world: &mut World) -> Vec<(Template, ShapeId)> {
        let mut oldest: Vec<Option<(Time, LeaseId, TemplateId, u8)>> = vec![None; self.memory.len()];
        for (_, instance) in self.asg.instances() {
            let State::Ready(lease) = instance.state else { continue };
            let Some(node) = view.node(lease).filter(|node| node.is_schedulable()) else { continue };
            // An adopted node has been Ready for long.
            let is_stable = node.adopted || node.ready + STABLE_AFTER < now + MOMENT;
            let known = &mut oldest[instance.group];
            if is_stable && known.is_none_or(|(ready, lease, ..)| (node.ready, node.lease) < (ready, lease)) {
                *known = Some((node.ready, node.lease, node.kind, node.zone));
            }
        }
        let mut templates = Vec::with_capacity(self.memory.len());
        for ((memory, oldest), group) in self.memory.iter_mut().zip(oldest).zip(self.asg.groups()) {
            if let Some((_, _, kind, zone)) = oldest {
                memory.copied = Some((kind, zone));
            }
            templates.push(match (memory.copied, group.kinds.first()) {
                (Some(copied), _) => world.template(view, copied, true),
                (None, Some(first)) => {
                    let zone = group.zones().first().copied().unwrap_or_default();
                    world.template(view, (first.kind, zone), false)
                }
                (None, None) => unreachable!("a group has an instance type"),
            });
        }
        templates
    }

    /// Backs off from groups whose scale-up is late, and lowers their desired capacity by what never came
    /// (`clusterstate/clusterstate.go`, `removeOldUnregisteredNodes`).
    fn give_up_late_nodes(&mut self, now: Time, actions: &mut Vec<Action>) {
        for (index, group) in self.memory.iter_mut().enumerate() {
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
        let is_late = |i: &Instance| i.state.is_upcoming() && now - i.since >= limit;
        let late: Vec<(u32, usize)> =
            self.asg.instances().filter(|(_, i)| is_late(i)).map(|(token, i)| (token, i.group)).collect();
        let mut targets = self.asg.targets();
        for (token, group) in late {
            if targets[group] > self.asg.groups()[group].min {
                targets[group] -= 1;
                self.asg.give_up(token, actions);
            }
        }
    }

    /// Deletes nodes that have been unneeded for long enough; gives whether any.
    fn scale_down(&mut self, now: Time, targets: &[u32], actions: &mut Vec<Action>) -> bool {
        let mut sizes: Vec<Size> = (self.asg.groups().iter().zip(targets))
            .map(|(group, target)| Size { min: group.min, target: *target, deleting: 0 })
            .collect();
        for lease in self.deleting.keys() {
            if let Some(instance) = self.asg.of_lease(*lease) {
                sizes[instance.group].deleting += 1;
            }
        }
        let draining = self.deleting.values().filter(|drains| **drains).count() as u32;
        let going = (self.deleting.len() as u32, draining);
        // Nodes that are not Ready are not here.
        let is_ready = |_| true;
        let removable =
            removable_at(now + MOMENT, &self.settings, self.planner.unneeded(), &sizes, going, is_ready);
        for node in &removable {
            let NodeKey::Node(lease) = node.node else { continue };
            let at_least = self.flags.node_delete_delay_after_taint;
            actions.push(Action::Delete { lease, reason: EndReason::ScaledDown, at_least, grace: None });
            self.asg.deleting(lease);
            self.deleting.insert(lease, node.drains);
        }
        !removable.is_empty()
    }

    fn next_wake(&self, now: Time, view: &View) -> NextWake {
        let retry = self.asg.next_retry().into_iter().chain(self.upgrades.next()).min();
        if self.asg.is_empty() && view.pending() == 0 && !self.every_loop {
            // Nothing to remove and nobody to help: the next pod that fits nowhere makes a loop run.
            return retry.map_or(NextWake::OnTrigger, NextWake::At);
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
        let ripe = self.planner.unneeded().iter().map(|n| n.since + self.flags.scale_down_unneeded_time);
        let planner = ripe.chain(self.planner.rechecks());
        let late = self.asg.instances().filter(|(_, i)| i.state.is_upcoming());
        let late = late.map(|(_, i)| i.since + self.flags.max_node_provision_time);
        let expected = self.memory.iter().filter_map(|group| group.expected);
        // A node becomes the template of its group.
        let ready = view.cluster.nodes.iter().filter(|node| node.state == NodeState::Ready && !node.adopted);
        let stable = ready.map(|node| node.ready + STABLE_AFTER);
        let cooled = cooldown_ends(&self.settings, &self.last);
        planner.chain(cooled).chain(late).chain(expected).chain(stable)
    }
}

/// The flags as the deciders take them. What no scenario says has its default.
fn settings(flags: &Flags) -> Settings {
    Settings {
        expanders: flags
            .expanders
            .iter()
            .map(|expander| match expander {
                platform::Expander::LeastWaste => Expander::LeastWaste,
                platform::Expander::MostPods => Expander::MostPods,
                platform::Expander::LeastNodes => Expander::LeastNodes,
                platform::Expander::Priority => Expander::Priority,
                platform::Expander::Random => Expander::Random,
            })
            .collect(),
        // Who reads a scenario has compiled them once.
        priorities: Priorities::new(
            flags.priorities.iter().map(|(priority, names)| (*priority, names.as_slice())),
        )
        .ok(),
        balance_similar_node_groups: flags.balance_similar_node_groups,
        max_nodes_total: flags.max_nodes_total,
        expendable_pods_priority_cutoff: flags.expendable_pods_priority_cutoff,
        scale_down_delay_after_delete: flags.scale_down_delay_after_delete,
        ignore_daemonsets_utilization: flags.ignore_daemonsets_utilization,
        skip_nodes_with_system_pods: flags.skip_nodes_with_system_pods,
        skip_nodes_with_local_storage: flags.skip_nodes_with_local_storage,
        skip_nodes_with_custom_controller_pods: flags.skip_nodes_with_custom_controller_pods,
        unremovable_node_recheck_timeout: flags.unremovable_node_recheck_timeout,
        max_nodes_per_scaleup: flags.max_nodes_per_scaleup,
        new_pod_scale_up_delay: flags.new_pod_scale_up_delay,
        scan_interval: flags.scan_interval,
        scale_down_enabled: flags.scale_down_enabled,
        scale_down_delay_after_add: flags.scale_down_delay_after_add,
        scale_down_delay_after_failure: flags.scale_down_delay_after_failure,
        scale_down_unneeded_time: flags.scale_down_unneeded_time,
        scale_down_utilization_threshold: share(flags.scale_down_utilization_threshold_ppm),
        max_scale_down_parallelism: flags.max_scale_down_parallelism,
        max_drain_parallelism: flags.max_drain_parallelism,
        ..Settings::default()
    }
}

#[expect(
    clippy::float_arithmetic,
    reason = "the nearest float64 to what was written, as the real one reads it"
)]
fn share(ppm: u32) -> f64 {
    f64::from(ppm) / 1e6
}

impl Controller for ClusterAutoscaler {
    fn step(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) -> NextWake {
        let nothing_new = triggers.iter().all(|trigger| matches!(trigger, Trigger::NodeEmpty(_)));
        if !nothing_new {
            self.settled = None;
        }
        for trigger in triggers {
            if let Trigger::NodeGone(lease) = trigger {
                self.deleting.remove(lease);
            }
        }
        self.asg.note(now, triggers, view, actions);
        self.upgrades.step(now, &mut self.asg, view, actions);
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
