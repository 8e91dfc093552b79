//! The simulation: pods and nodes through their lives, event by event, into a ledger.
//!
//! One event loop is one thread; it is the only place that changes the cluster, and it knows no prices beyond
//! what it hands to controllers. At each instant the order is: events by rank (see [`Event`]), then
//! kube-scheduler, then the controller, whose actions may cause more events at the same instant.
//!
//! The same workload, platform and seed give the same ledger: time is whole milliseconds, draws are keyed, and
//! nothing depends on the order of a hash map.

mod cluster;
mod event;
mod images;
pub mod kube_scheduler;
mod orchestrator;
mod pods;
mod startup;

#[cfg(test)]
mod tests;

pub use cluster::{Cluster, Node, NodeId, NodeState, NodeType};
pub use event::{Event, EventQueue, RunIndex};
pub use images::{NodeImages, PullRates};
pub use startup::StartupTimes;

use std::collections::BTreeMap;

use crate::catalog::{Catalog, PriceRefresh, PriceView};
use crate::control::{Action, Controller, NextWake, Trigger, View, Wants};
use crate::ledger::{EndReason, Lease, LeaseId, Ledger, NodeTemplate, TemplateId};
use crate::platform::Settings;
use crate::rng::{Draws, key_of};
use crate::trace::Words;
use crate::units::{Memory, Time};
use crate::workload::{ClassId, Delays, Window, Workload};
use kube_scheduler::{Batch, KubeScheduler, SchedulingQueue};
use orchestrator::Orchestrator;

/// What a platform brings to the simulation: kinds of machines, who places pods, and who makes capacity.
pub struct Fleet<'a> {
    pub node_types: Vec<NodeType>,
    /// Fargate sizes, after the node types in the ledger's templates.
    pub fargate_sizes: Vec<NodeTemplate>,
    pub placement: Placement,
    pub bill_until_deleted: bool,
    pub controller: Box<dyn Controller + Send + 'a>,
}

/// Who decides where a pod runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    KubeScheduler,
    /// The Fargate scheduler: a machine per pod.
    Fargate,
}

/// Everything that a simulation is a function of.
pub struct Input<'a> {
    pub workload: &'a Workload,
    /// Texts of the workload's words: selectors and tolerations.
    pub words: &'a Words,
    pub settings: &'a Settings,
    /// Zone names, as labels say them.
    pub zones: &'a [String],
    /// Prices for the controllers that decide by them, refreshed as the real ones do.
    pub catalog: &'a Catalog,
    /// Whether steps wait for their predecessors.
    pub closed: bool,
}

/// Simulates one platform to the end of its last pod.
pub fn run(input: &Input, fleet: Fleet) -> Ledger {
    Engine::new(input, fleet).run()
}

struct Engine<'a> {
    input: &'a Input<'a>,
    queue: EventQueue,
    cluster: Cluster,
    scheduler: KubeScheduler<'a>,
    pending: SchedulingQueue,
    orchestrator: Orchestrator<'a>,
    startup: StartupTimes,
    fargate_rates: PullRates,
    controller: Box<dyn Controller + Send + 'a>,
    wants: Wants,
    placement: Placement,
    bill_until_deleted: bool,
    triggers: Vec<Trigger>,
    ledger: Ledger,
    /// The node of each lease; `NodeId::MAX` for Fargate.
    node_of_lease: Vec<NodeId>,
    /// The reading of its node's share clock when each pod was bound, by run.
    bound_at_reading: Vec<u64>,
    /// How many nodes each pool has launched.
    launches: BTreeMap<String, u64>,
    /// Nodes on which room was made, or which became Ready, at this instant.
    freed: Vec<NodeId>,
    wake: Option<Time>,
    scratch: Scratch,
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
        Self {
            input,
            queue: EventQueue::default(),
            cluster: Cluster::new(fleet.node_types),
            scheduler: KubeScheduler::new(settings.scheduler, workload, input.words, input.zones, draws),
            pending: SchedulingQueue::new(workload.classes.len(), settings.scheduler.pop_from_backoff_q),
            orchestrator: Orchestrator::new(workload, delays, input.closed),
            startup: StartupTimes::new(&settings.startup, draws),
            fargate_rates: PullRates::new(&settings.images, settings.images.network_rate),
            wants: fleet.controller.wants(),
            controller: fleet.controller,
            placement: fleet.placement,
            bill_until_deleted: fleet.bill_until_deleted,
            triggers: vec![Trigger::Start],
            ledger: Ledger { templates, runs: Vec::with_capacity(pods), ..Ledger::default() },
            node_of_lease: Vec::new(),
            bound_at_reading: Vec::with_capacity(pods),
            launches: BTreeMap::new(),
            freed: Vec::new(),
            wake: None,
            scratch: Scratch::default(),
        }
    }

    fn run(mut self) -> Ledger {
        // What the controller brings along is there before the first pod.
        self.settle(self.input.workload.window.start);
        while !self.orchestrator.all_final() {
            let next = self.queue.next_time().into_iter().chain(self.orchestrator.next_arrival()).min();
            let Some(now) = next else { break };
            self.instant(now);
        }
        self.finish()
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
            Event::NodeReady(lease) => self.node_ready(now, lease),
            Event::PullProgress(node, version) => self.pull_progress(now, node, version),
            Event::Eligible(step) => self.eligible(now, step),
            Event::Created(step) => self.created(now, step),
            Event::BackoffOver(class) => self.pending.backoff_over(now, class, self.priority(class)),
            Event::GiveUp(run) => self.give_up(now, run),
            Event::ControllerWake => {}
        }
    }

    fn priority(&self, class: ClassId) -> i32 {
        self.input.workload.classes[class as usize].priority
    }

    /// Lets kube-scheduler and then the controller look at what has happened, until that is news to neither.
    fn settle(&mut self, now: Time) {
        loop {
            self.schedule_pods(now);
            let due = self.wake.is_some_and(|wake| wake <= now);
            if due || !self.triggers.is_empty() {
                self.step_controller(now);
            }
            if self.freed.is_empty() && self.triggers.is_empty() {
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
            while let Some(run) = batch.pods.front().copied() {
                let step = self.ledger.runs[run as usize].step;
                if !self.orchestrator.is_open(step) {
                    batch.pods.pop_front(); // Given up at this very instant.
                    continue;
                }
                let key = self.input.workload.steps.key[step as usize];
                let Some(node) = self.scheduler.place(&self.cluster, batch.class, key, batch.failures) else {
                    break;
                };
                batch.pods.pop_front();
                self.bind(now, run, batch.class, node);
            }
            if batch.failures == 0 {
                self.first_failure(now, &batch);
            }
            self.pending.fail(now, batch);
        }
        self.scratch.batches = batches;
    }

    /// QueueingHints: room made on a node moves the pods that fit there now.
    fn retry_where_room_was_made(&mut self, now: Time) {
        let mut freed = std::mem::take(&mut self.freed);
        if self.pending.waiting() > 0 {
            let waiting = self.pending.waiting_classes().to_vec();
            for class in waiting {
                if freed.iter().any(|node| self.scheduler.fits(&self.cluster, class, *node)) {
                    let queue = &mut self.queue;
                    let priority = self.input.workload.classes[class as usize].priority;
                    self.pending.move_to_active(now, class, priority, |at| {
                        queue.schedule(at, Event::BackoffOver(class));
                    });
                }
            }
        }
        freed.clear();
        self.freed = freed;
    }

    /// Pods that found no node at their first attempt: the controller hears of them, and their patience starts.
    fn first_failure(&mut self, now: Time, batch: &Batch) {
        for run in &batch.pods {
            if self.wants.unschedulable_pods {
                self.triggers.push(Trigger::PodUnschedulable { run: *run, class: batch.class });
            }
            self.queue.schedule(now + self.input.settings.unschedulable_after, Event::GiveUp(*run));
        }
    }

    fn step_controller(&mut self, now: Time) {
        let mut actions = std::mem::take(&mut self.scratch.actions);
        let triggers = std::mem::take(&mut self.triggers);
        let refresh =
            PriceRefresh { first: self.input.workload.window.start, every: PriceRefresh::KARPENTER };
        let prices = PriceView::new(self.input.catalog, refresh, now);
        let view = View { cluster: &self.cluster, classes: &self.input.workload.classes, prices: &prices };
        let next = self.controller.step(now, &triggers, &view, &mut actions);
        for action in actions.drain(..) {
            self.apply(now, action);
        }
        self.scratch.actions = actions;
        if self.triggers.is_empty() {
            self.triggers = triggers;
            self.triggers.clear();
        }
        self.wake = match next {
            NextWake::OnTrigger => None,
            NextWake::At(at) => {
                assert!(at > now, "a controller must let time pass");
                if self.wake != Some(at) {
                    self.queue.schedule(at, Event::ControllerWake);
                }
                Some(at)
            }
        };
    }

    fn apply(&mut self, now: Time, action: Action) {
        match action {
            Action::Adopt { kind, zone } => {
                let lease = self.open_lease(kind, zone, now, now);
                self.add_node(kind, zone, lease);
                self.node_ready(now, lease);
            }
            Action::Launch { kind, zone } => {
                let key = self.launch_key(kind);
                let boot = self.startup.node(key);
                let lease = self.open_lease(kind, zone, now, now + boot.until_running);
                self.add_node(kind, zone, lease);
                self.queue.schedule(now + boot.until_ready, Event::NodeReady(lease));
            }
            Action::Terminate { lease } => self.terminate(now, lease, EndReason::ScaledDown),
            Action::RunOnFargate { run, kind } => self.run_on_fargate(now, run, kind),
            Action::LeavePending { run } => {
                self.queue.schedule(now + self.input.settings.unschedulable_after, Event::GiveUp(run));
            }
        }
    }

    fn open_lease(&mut self, template: TemplateId, zone: u8, requested: Time, running: Time) -> LeaseId {
        self.ledger.leases.push(Lease {
            template,
            zone,
            end_reason: EndReason::WindowEnd,
            requested,
            running,
            ready: Time::MAX,
            terminated: Time::MAX,
            shared_us: 0,
            pulled: Memory::ZERO,
        });
        self.node_of_lease.push(NodeId::MAX);
        self.ledger.leases.len() as LeaseId - 1
    }

    fn add_node(&mut self, kind: TemplateId, zone: u8, lease: LeaseId) {
        self.node_of_lease[lease as usize] = self.cluster.add(kind, zone, lease);
    }

    /// The key of a node's draws: its pool and its place among that pool's launches. What other pools do does not
    /// change it.
    fn launch_key(&mut self, kind: TemplateId) -> u64 {
        let pool = &self.ledger.templates[kind as usize].pool;
        let ordinal = self.launches.entry(pool.clone()).or_default();
        *ordinal += 1;
        key_of(&[pool], *ordinal)
    }

    fn node_ready(&mut self, now: Time, lease: LeaseId) {
        let node = self.node_of_lease[lease as usize];
        if self.cluster.nodes[node as usize].lease != lease {
            return; // It is gone, and its place taken.
        }
        self.cluster.set_ready(node, now);
        self.ledger.leases[lease as usize].ready = now;
        self.room_made(node);
        if self.wants.nodes {
            self.triggers.push(Trigger::NodeReady(lease));
        }
    }

    fn room_made(&mut self, node: NodeId) {
        self.scheduler.node_changed(node);
        // Nobody waits: nobody needs to hear of it.
        if self.pending.waiting() > 0 || self.pending.has_active() {
            self.freed.push(node);
        }
    }

    fn terminate(&mut self, now: Time, lease: LeaseId, reason: EndReason) {
        let node = self.node_of_lease[lease as usize];
        let state = &self.cluster.nodes[node as usize];
        assert!(state.pods == 0 && state.state == NodeState::Ready, "only empty Ready nodes are terminated");
        for image in state.images.present() {
            self.scheduler.image_changed(node, *image, false);
        }
        let shared_us = self.cluster.remove(node, now);
        self.scheduler.node_changed(node);
        let lease = &mut self.ledger.leases[lease as usize];
        (lease.terminated, lease.shared_us, lease.end_reason) = (now, shared_us, reason);
    }

    /// Closes the books: nodes that stay are paid to the end of the window or of the last pod.
    fn finish(mut self) -> Ledger {
        let given = self.input.workload.window;
        let last_end = self.ledger.runs.iter().map(|r| r.ended).filter(|t| *t != Time::MAX).max();
        let end = last_end.map_or(given.end, |last| last.max(given.end));
        self.ledger.window = Window { start: given.start, end };
        for node in 0..self.cluster.nodes.len() as NodeId {
            if self.cluster.nodes[node as usize].state == NodeState::Gone {
                continue;
            }
            let lease = self.cluster.nodes[node as usize].lease;
            let shared_us = self.cluster.remove(node, end);
            let lease = &mut self.ledger.leases[lease as usize];
            // A node that was still on its way is given up before it costs anything more.
            let terminated = end.max(lease.running);
            (lease.terminated, lease.shared_us) = (terminated, shared_us);
            lease.ready = lease.ready.min(terminated);
        }
        assert!(
            self.ledger.leases.iter().all(|lease| lease.terminated != Time::MAX),
            "a lease without an end would be billed for ever"
        );
        (self.ledger.outcomes, self.ledger.spans) = self.orchestrator.into_records();
        self.ledger
    }
}
