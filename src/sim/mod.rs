//! The simulation: pods and nodes through their lives, event by event, into a ledger.
//!
//! One event loop is one thread; it is the only place that changes the cluster, and it knows no prices beyond
//! what it hands to controllers. At each instant the order is: events by rank (see [`Event`]), then
//! kube-scheduler, then the controller, whose actions may cause more events at the same instant.
//!
//! The same workload, platform and seed give the same ledger: time is whole milliseconds, draws are keyed, and
//! nothing depends on the order of a hash map.

mod cluster;
mod drain;
mod ec2;
mod event;
mod evictable;
mod images;
pub mod kube_scheduler;
mod market;
mod nodes;
mod orchestrator;
mod pods;
mod startup;

#[cfg(test)]
mod tests;

pub use cluster::{Cluster, Node, NodeId, NodeState, NodeType};
pub use event::{Event, EventQueue, LaunchId, RunIndex};
pub use evictable::{Evictable, Verdict};
pub use images::{NodeImages, PullRates};
pub use market::{Market, NOTICE, Pool, PoolEvent, hazard_per_ms};
pub use startup::StartupTimes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::catalog::{Catalog, PriceRefresh, PriceView};
use crate::control::{Action, Controller, NextWake, Trigger, View, Wants};
use crate::ledger::{EndReason, Ledger, NodeTemplate};
use crate::platform::Settings;
use crate::rng::Draws;
use crate::trace::Words;
use crate::units::{Span, Time};
use crate::workload::{ClassId, Delays, StepId, Window, Workload};
use kube_scheduler::{Batch, KubeScheduler, SchedulingQueue};
use orchestrator::Orchestrator;

/// What a platform brings to the simulation: kinds of machines, who places pods, and who makes capacity.
pub struct Fleet<'a> {
    pub node_types: Vec<NodeType>,
    /// Fargate sizes, after the node types in the ledger's templates.
    pub fargate_sizes: Vec<NodeTemplate>,
    /// Machines that are there for the controllers, and how many of each. They are paid for, and no more.
    pub homes: Vec<(NodeTemplate, u32)>,
    pub placement: Placement,
    pub bill_until_deleted: bool,
    pub controllers: Vec<Box<dyn Controller + Send + 'a>>,
}

/// Who decides where a pod runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    KubeScheduler,
    /// The Fargate scheduler: a machine per pod.
    Fargate,
    /// The Fargate scheduler for pods of the classes that are marked, kube-scheduler for all others.
    ByClass(Vec<bool>),
}

impl Placement {
    /// Whether pods of `class` are the Fargate scheduler's.
    pub fn is_fargate(&self, class: ClassId) -> bool {
        match self {
            Self::KubeScheduler => false,
            Self::Fargate => true,
            Self::ByClass(on_fargate) => on_fargate[class as usize],
        }
    }
}

/// Everything that a simulation is a function of.
pub struct Input<'a> {
    pub workload: &'a Workload,
    /// Texts of the workload's words: selectors and tolerations.
    pub words: &'a Words,
    pub settings: &'a Settings,
    /// Zone names, as labels say them.
    pub zones: &'a [String],
    /// Prices for EC2's choice, and for the controllers that decide by them, refreshed as the real ones do.
    pub catalog: &'a Catalog,
    /// Whether steps wait for their predecessors.
    pub closed: bool,
}

/// Nodes that were launched and are still there this long after the end of everything else are there to stay, and
/// are billed to that end. Longer than any sensible idle time: whoever keeps nodes idle pays for it.
const TAIL: Span = Span::from_secs(7 * 86_400);

/// Simulates one platform to the end of its last pod, and of the nodes launched for pods.
pub fn run(input: &Input, fleet: Fleet) -> Ledger {
    Engine::new(input, fleet).run()
}

struct Engine<'a> {
    input: &'a Input<'a>,
    draws: Draws,
    queue: EventQueue,
    cluster: Cluster,
    scheduler: KubeScheduler<'a>,
    pending: SchedulingQueue,
    orchestrator: Orchestrator<'a>,
    startup: StartupTimes,
    fargate_rates: PullRates,
    market: Market<'a>,
    /// Spot pools whose next event is scheduled.
    watched: BTreeSet<Pool>,
    controllers: Vec<Slot<'a>>,
    /// What any controller wants.
    wants: Wants,
    placement: Placement,
    bill_until_deleted: bool,
    triggers: Vec<Trigger>,
    /// What EC2 has answered at this instant, and to which controller.
    answered: Vec<(usize, Trigger)>,
    ledger: Ledger,
    /// The node of each lease; `NodeId::MAX` for Fargate.
    node_of_lease: Vec<NodeId>,
    /// The reading of its node's share clock when each pod was bound, by run.
    bound_at_reading: Vec<u64>,
    /// How many nodes each pool has launched.
    launches: BTreeMap<String, u64>,
    /// What EC2 will answer to each launch.
    answers: Vec<nodes::LaunchAnswer>,
    /// Launched nodes that are not gone.
    launched_nodes: usize,
    /// Pods that were asked to stop, and why.
    stopping: BTreeMap<RunIndex, EndReason>,
    /// Pods of draining nodes that are to be evicted later, and how often that was tried.
    evictions: BTreeMap<RunIndex, u32>,
    /// Whether some pods are evicted later than others.
    has_critical_pods: bool,
    /// Work that a checkpoint has saved, of steps whose pods were lost.
    saved_work: BTreeMap<StepId, Span>,
    /// Pods that wait for victims of theirs to leave a node, of which the controllers have not heard.
    unreported: BTreeSet<RunIndex>,
    /// Nodes on which room was made, or which became Ready, at this instant.
    freed: Vec<NodeId>,
    scratch: Scratch,
}

/// A controller and when it wants to be called.
struct Slot<'a> {
    controller: Box<dyn Controller + Send + 'a>,
    wants: Wants,
    wake: Option<Time>,
    /// It wants to be called when the cluster is no longer of this version.
    seen: Option<u64>,
}

/// Buffers that are reused from event to event.
#[derive(Default)]
struct Scratch {
    batches: Vec<Batch>,
    actions: Vec<Action>,
    pulled: Vec<images::Pulled>,
}

impl<'a> Engine<'a> {
    fn new(input: &'a Input<'a>, fleet: Fleet<'a>) -> Self {
        let (workload, settings) = (input.workload, input.settings);
        let draws = Draws::new(settings.seed);
        let delays = Delays::new(workload, &settings.orchestrator, settings.seed);
        let mut templates: Vec<NodeTemplate> = fleet.node_types.iter().map(|t| t.template.clone()).collect();
        templates.extend(fleet.fargate_sizes);
        let pods = workload.steps.pods().count();
        let controllers: Vec<Slot> = fleet
            .controllers
            .into_iter()
            .map(|controller| Slot { wants: controller.wants(), controller, wake: None, seen: None })
            .collect();
        let wants = controllers.iter().fold(Wants::default(), |all, slot| all.or(slot.wants));
        let mut engine = Self {
            input,
            draws,
            queue: EventQueue::default(),
            cluster: Cluster::new(fleet.node_types),
            scheduler: KubeScheduler::new(settings.scheduler, workload, input.words, input.zones, draws),
            pending: SchedulingQueue::new(workload.classes.len(), settings.scheduler.pop_from_backoff_q),
            orchestrator: Orchestrator::new(workload, delays, input.closed),
            startup: StartupTimes::new(&settings.startup, draws),
            fargate_rates: PullRates::new(&settings.images, settings.images.network_rate),
            market: Market::new(input.catalog, &settings.spot, draws, workload.window.start),
            watched: BTreeSet::new(),
            controllers,
            wants,
            placement: fleet.placement,
            bill_until_deleted: fleet.bill_until_deleted,
            triggers: vec![Trigger::Start],
            answered: Vec::new(),
            ledger: Ledger { templates, runs: Vec::with_capacity(pods), ..Ledger::default() },
            node_of_lease: Vec::new(),
            bound_at_reading: Vec::with_capacity(pods),
            launches: BTreeMap::new(),
            answers: Vec::new(),
            launched_nodes: 0,
            stopping: BTreeMap::new(),
            evictions: BTreeMap::new(),
            has_critical_pods: workload.classes.iter().any(|class| class.priority >= evictable::CRITICAL),
            saved_work: BTreeMap::new(),
            unreported: BTreeSet::new(),
            freed: Vec::new(),
            scratch: Scratch::default(),
        };
        engine.open_homes(fleet.homes);
        engine
    }

    fn run(mut self) -> Ledger {
        // What the controllers bring along is there before the first pod.
        self.settle(self.input.workload.window.start);
        let mut last_end = None;
        loop {
            if self.orchestrator.all_final() && self.launched_nodes == 0 {
                break;
            }
            let next = self.queue.next_time().into_iter().chain(self.orchestrator.next_arrival()).min();
            let Some(now) = next else { break };
            if self.orchestrator.all_final() {
                // Only the idle ends of nodes are still to come.
                let end = *last_end.get_or_insert_with(|| self.end_of_work());
                if now > end + TAIL {
                    break;
                }
            }
            self.instant(now);
        }
        self.finish()
    }

    /// The end of the window or of the last pod.
    fn end_of_work(&self) -> Time {
        let given = self.input.workload.window.end;
        let last = self.ledger.runs.iter().map(|run| run.ended).filter(|end| *end != Time::MAX).max();
        last.map_or(given, |last| last.max(given))
    }

    /// Handles everything that happens at `now`.
    fn instant(&mut self, now: Time) {
        loop {
            let arrival = self.orchestrator.next_arrival() == Some(now);
            if let Some(event) = self.queue.pop_at(now, arrival) {
                self.handle(now, event);
            } else if arrival {
                let step = self.orchestrator.take_arrival();
                self.handle(now, Event::Eligible(step));
            } else {
                self.settle(now);
                if self.queue.next_time() != Some(now) {
                    break;
                }
            }
        }
    }

    fn handle(&mut self, now: Time, event: Event) {
        match event {
            Event::ContainerEnded(run) => self.container_ended(now, run),
            Event::Noticed(step) => self.noticed(now, step),
            Event::PoolEvent(id, zone) => self.pool_event(now, (id, zone)),
            Event::RebalanceRecommended(lease) => self.rebalance_recommended(lease),
            Event::SpotNotice(lease) => self.spot_notice(now, lease),
            Event::SpotReclaim(lease) => self.spot_reclaim(now, lease),
            Event::DrainedLongEnough(lease) => self.terminate_if_drained(now, lease),
            Event::LaunchAnswered(launch) => self.launch_answered(launch),
            Event::GraceOver(lease) => self.end_protected_pods(now, lease),
            Event::EvictionRetried(run) => self.try_evict(now, run),
            Event::NodeReady(lease) => self.node_ready(now, lease),
            Event::PullProgress(node, version) => self.pull_progress(now, node, version),
            Event::Eligible(step) => self.eligible(now, step),
            Event::Created(step) => self.created(now, step),
            Event::Retried(run) => self.retried(now, run),
            Event::BackoffOver(class) => self.pending.backoff_over(now, class, self.priority(class)),
            Event::GiveUp(run) => self.give_up(now, run),
            Event::ControllerWake => {}
        }
    }

    fn priority(&self, class: ClassId) -> i32 {
        self.input.workload.classes[class as usize].priority
    }

    /// Lets kube-scheduler and then the controllers look at what has happened, until that is news to none.
    fn settle(&mut self, now: Time) {
        loop {
            self.schedule_pods(now);
            self.step_controllers(now);
            let is_news = self.pending.waiting() > 0 && self.scheduler.has_events();
            if !is_news && self.freed.is_empty() && self.triggers.is_empty() && self.answered.is_empty() {
                break;
            }
        }
    }

    fn schedule_pods(&mut self, now: Time) {
        self.retry_where_room_was_made(now);
        if !self.pending.has_active() {
            return;
        }
        let mut batches = std::mem::take(&mut self.scratch.batches);
        let classes = &self.input.workload.classes;
        self.pending.take_active(now, |class| classes[class as usize].priority, &mut batches);
        for mut batch in batches.drain(..) {
            let mut refused = VecDeque::new();
            let mut is_hopeless = false;
            while let Some(run) = batch.pods.pop_front() {
                let step = self.ledger.runs[run as usize].step;
                if !self.orchestrator.is_open(step) {
                    self.scheduler.clear_nomination(&self.cluster, run);
                    continue; // Given up at this very instant.
                }
                let key = self.input.workload.steps.key[step as usize];
                let pod = (run, batch.class);
                if let Some(node) = self.scheduler.place_nominated(&self.cluster, pod, key, batch.failures) {
                    self.pending.set_nominated(run, false);
                    self.bind(now, run, batch.class, node);
                    continue;
                }
                refused.push_back(run);
                is_hopeless |= !self.preempt(now, pod, key, batch.failures);
                // What one does not find, those like it do not find either, unless they were promised it.
                if is_hopeless {
                    let promised = |run: &RunIndex| self.scheduler.nomination(*run).is_some();
                    let next = batch.pods.iter().position(promised).unwrap_or(batch.pods.len());
                    refused.extend(batch.pods.drain(..next));
                }
            }
            refused.append(&mut batch.pods);
            batch.pods = refused;
            self.report_failures(now, &batch);
            self.pending.fail(now, batch);
        }
        self.scratch.batches = batches;
    }

    /// Lets pods of lower priority make room for one that fits nowhere; gives whether any will.
    fn preempt(&mut self, now: Time, pod: (RunIndex, ClassId), key: u64, failures: u8) -> bool {
        let Some(victims) = self.scheduler.preempt(&self.cluster, pod, key, failures) else { return false };
        for victim in victims {
            self.evict(now, victim, EndReason::Preempted);
        }
        true
    }

    /// QueueingHints: room made on a node moves the pods that fit there now.
    fn retry_where_room_was_made(&mut self, now: Time) {
        let mut freed = std::mem::take(&mut self.freed);
        if self.pending.waiting() > 0 {
            let waiting: Vec<ClassId> = self.pending.waiting_classes().collect();
            let helped = self.scheduler.helped(&waiting);
            for class in waiting {
                if helped.contains(&class)
                    || freed.iter().any(|node| self.scheduler.fits(&self.cluster, class, *node))
                {
                    let queue = &mut self.queue;
                    let priority = self.input.workload.classes[class as usize].priority;
                    self.pending.move_to_active(now, class, priority, |at| {
                        queue.schedule(at, Event::BackoffOver(class));
                    });
                }
            }
        } else {
            self.scheduler.forget_events();
        }
        freed.clear();
        self.freed = freed;
    }

    /// Pods that found no node at their first attempt: the controllers hear of them, and their patience starts. Of those
    /// that wait for victims to leave a node the controllers hear only if that comes to nothing.
    fn report_failures(&mut self, now: Time, batch: &Batch) {
        if batch.failures > 0 && self.unreported.is_empty() && !self.scheduler.has_nominations() {
            return;
        }
        for run in &batch.pods {
            let is_first = batch.failures == 0;
            if is_first {
                self.queue.schedule(now + self.input.settings.unschedulable_after, Event::GiveUp(*run));
            }
            let is_nominated = self.scheduler.nomination(*run).is_some();
            self.pending.set_nominated(*run, is_nominated);
            if is_nominated {
                if is_first {
                    self.unreported.insert(*run);
                }
            } else if (self.unreported.remove(run) || is_first) && self.wants.unschedulable_pods {
                self.triggers.push(Trigger::PodUnschedulable { run: *run, class: batch.class });
            }
        }
    }

    fn step_controllers(&mut self, now: Time) {
        let version = self.cluster.version();
        if self.triggers.is_empty()
            && self.answered.is_empty()
            && !self.controllers.iter().any(|slot| slot.is_due(now, version))
        {
            return;
        }
        let triggers = std::mem::take(&mut self.triggers);
        let answered = std::mem::take(&mut self.answered);
        let refresh =
            PriceRefresh { first: self.input.workload.window.start, every: PriceRefresh::KARPENTER };
        let prices = PriceView::new(self.input.catalog, refresh, now);
        for index in 0..self.controllers.len() {
            let slot = &mut self.controllers[index];
            let version = self.cluster.version();
            // An instance exists before anything else is heard of it.
            let own: Vec<Trigger>;
            let heard = if answered.iter().any(|(asker, _)| *asker == index) {
                let answers = answered.iter().filter(|(asker, _)| *asker == index).map(|(_, answer)| *answer);
                own = answers.chain(triggers.iter().copied()).collect();
                &own
            } else {
                &triggers
            };
            if !slot.is_due(now, version) && !heard.iter().any(|trigger| slot.wants.includes(trigger)) {
                continue;
            }
            let view = View {
                now,
                cluster: &self.cluster,
                classes: &self.input.workload.classes,
                workload: self.input.workload,
                words: self.input.words,
                catalog: self.input.catalog,
                prices: &prices,
                queue: &self.pending,
                runs: &self.ledger.runs,
                node_of_lease: &self.node_of_lease,
                stopping: &self.stopping,
                specs: self.scheduler.specs(),
                pdbs: &self.input.settings.pdbs,
            };
            let mut actions = std::mem::take(&mut self.scratch.actions);
            let next = slot.controller.step(now, heard, &view, &mut actions);
            let at = match next {
                NextWake::OnTrigger => None,
                NextWake::At(at) => Some(at),
                NextWake::OnChange { at } => at,
            };
            if let Some(at) = at {
                assert!(at > now, "a controller must let time pass");
                if slot.wake != Some(at) {
                    self.queue.schedule(at, Event::ControllerWake);
                }
            }
            slot.wake = at;
            slot.seen = matches!(next, NextWake::OnChange { .. }).then_some(version);
            for action in actions.drain(..) {
                self.apply(now, index, action);
            }
            self.scratch.actions = actions;
        }
        if self.triggers.is_empty() {
            self.triggers = triggers;
            self.triggers.clear();
        }
    }

    /// Does what the controller of this number asks for.
    fn apply(&mut self, now: Time, asker: usize, action: Action) {
        match action {
            Action::Adopt { kind, zone } => self.adopt(now, kind, zone),
            Action::Launch(launch) => self.launch(now, asker, &launch),
            Action::Cordon { lease, on } => self.cordon(lease, on),
            Action::Delete { lease, reason, at_least, grace } => {
                self.delete(now, lease, reason, at_least, grace);
            }
            Action::RunOnFargate { run, kind } => self.run_on_fargate(now, run, kind),
            Action::LeavePending { run } => {
                self.queue.schedule(now + self.input.settings.unschedulable_after, Event::GiveUp(run));
            }
        }
    }

    /// Closes the books: nodes that stay are paid to the end of the window or of the last pod.
    fn finish(mut self) -> Ledger {
        let end = self.end_of_work();
        self.ledger.window = Window { start: self.input.workload.window.start, end };
        for node in 0..self.cluster.nodes.len() as NodeId {
            if self.cluster.nodes[node as usize].state == NodeState::Gone {
                continue;
            }
            let lease = self.cluster.nodes[node as usize].lease;
            let shared_us = self.cluster.remove(node, end);
            let lease = &mut self.ledger.leases[lease as usize];
            if lease.running > end {
                lease.running = Time::MAX; // Given up before it cost anything.
            }
            (lease.terminated, lease.shared_us) = (end.max(lease.requested), shared_us);
            lease.ready = lease.ready.min(lease.terminated);
        }
        for lease in &mut self.ledger.leases {
            if lease.terminated == Time::MAX {
                // A home of the controllers: nobody but the window ends it.
                lease.terminated = end;
            }
        }
        (self.ledger.outcomes, self.ledger.spans) = self.orchestrator.into_records();
        self.ledger
    }
}

impl Slot<'_> {
    fn is_due(&self, now: Time, version: u64) -> bool {
        self.wake.is_some_and(|wake| wake <= now) || self.seen.is_some_and(|seen| seen != version)
    }
}
