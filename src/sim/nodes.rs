//! The life of a node: requested, launched, Ready, drained, terminated; or taken back by EC2.

use super::market::{NOTICE, Pool};
use super::{Engine, Event, NodeId, NodeState, ec2};
use crate::catalog::CapacityType;
use crate::control::{Launch, LaunchPath, Offer, Trigger};
use crate::ledger::{EndReason, Lease, LeaseId, Machine, NodeTemplate, Role, TemplateId};
use crate::rng::{Purpose, key_of};
use crate::units::{Memory, Span, Time};

/// What EC2 will have said to a launch by the time at which it answers.
pub(super) struct LaunchAnswer {
    /// The number of the controller that hears it.
    asker: usize,
    token: u32,
    refused: Vec<Offer>,
    given: Option<(LeaseId, Offer)>,
}

impl Engine<'_> {
    /// Machines for the controllers: they are paid for from the beginning to the end, and no pod runs there.
    pub(super) fn open_homes(&mut self, homes: Vec<(NodeTemplate, u32)>) {
        let start = self.input.workload.window.start;
        for (template, machines) in homes {
            debug_assert_eq!(template.role, Role::Controllers);
            let kind = self.ledger.templates.len() as TemplateId;
            self.ledger.templates.push(template);
            for machine in 0..machines {
                let zone = (machine as usize % self.input.zones.len().max(1)) as u8;
                let lease = self.open_lease(kind, zone, start, start);
                self.ledger.leases[lease as usize].ready = start;
            }
        }
    }

    pub(super) fn adopt(&mut self, now: Time, kind: TemplateId, zone: u8) {
        let key = self.launch_key(kind);
        let lease = self.open_lease(kind, zone, now, now);
        let node = self.add_node(now, kind, zone, lease, key);
        self.cluster.nodes[node as usize].adopted = true;
        self.watch_spot(now, lease);
        self.node_ready(now, lease);
    }

    pub(super) fn launch(&mut self, now: Time, asker: usize, launch: &Launch) {
        let Some(first) = launch.offers.first() else {
            unreachable!("a controller asks for something or does not ask")
        };
        let key = self.launch_key(first.kind);
        let boot = self.startup.node(key, launch.through);
        let answer = ec2::launch(
            &launch.offers,
            &self.cluster.types,
            self.input.catalog,
            &mut self.market,
            &self.input.settings.spot,
            (now, self.draws, key),
        );
        self.ledger.counters.capacity_errors += answer.refused.len() as u64;
        let given = answer.given.map(|offer| {
            let lease = self.open_lease(offer.kind, offer.zone, now, now + boot.until_running);
            self.add_node(now, offer.kind, offer.zone, lease, key);
            self.launched_nodes += 1;
            self.queue.schedule(now + boot.until_ready, Event::NodeReady(lease));
            self.watch_spot(now, lease);
            (lease, offer)
        });
        let id = self.answers.len() as u32;
        self.answers.push(LaunchAnswer { asker, token: launch.token, refused: answer.refused, given });
        // An Auto Scaling group says nothing; what stands in for it learns of its instances as they come.
        let answered = match (launch.through, given) {
            (LaunchPath::AutoScalingGroup, None) => now + Span::from_ms(1),
            _ => now + boot.until_launched.max(Span::from_ms(1)),
        };
        self.queue.schedule(answered, Event::LaunchAnswered(id));
    }

    pub(super) fn launch_answered(&mut self, launch: u32) {
        let answer = &mut self.answers[launch as usize];
        let (asker, token) = (answer.asker, answer.token);
        let refused = std::mem::take(&mut answer.refused);
        // An instance that was taken back before EC2 answered was never given.
        let given = answer.given;
        let given = given.filter(|(lease, _)| self.live_node(*lease).is_some());
        if !self.wants.nodes {
            return;
        }
        let refusal = |o: &Offer| (asker, Trigger::NoCapacity { token, kind: o.kind, zone: o.zone });
        self.answered.extend(refused.iter().map(refusal));
        let Some((lease, Offer { kind, zone })) = given else {
            self.answered.push((asker, Trigger::LaunchFailed { token }));
            return;
        };
        self.answered.push((asker, Trigger::Launched { token, lease, kind, zone }));
        // The notice came before anybody knew of the instance.
        let node = self.node_of_lease[lease as usize];
        if self.cluster.nodes[node as usize].noticed {
            self.answered.push((asker, Trigger::SpotNotice(lease)));
        }
    }

    pub(super) fn open_lease(
        &mut self,
        template: TemplateId,
        zone: u8,
        requested: Time,
        running: Time,
    ) -> LeaseId {
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

    fn add_node(&mut self, now: Time, kind: TemplateId, zone: u8, lease: LeaseId, key: u64) -> NodeId {
        let name = self.draws.bits(Purpose::NodeName, key, 0);
        let node = self.cluster.add(kind, zone, lease, name, now);
        self.node_of_lease[lease as usize] = node;
        node
    }

    /// The key of a node's draws: its pool and its place among that pool's launches. What other pools do does not
    /// change it.
    fn launch_key(&mut self, kind: TemplateId) -> u64 {
        let pool = &self.ledger.templates[kind as usize].pool;
        if let Some(ordinal) = self.launches.get_mut(pool) {
            *ordinal += 1;
            return key_of(&[pool], *ordinal);
        }
        self.launches.insert(pool.clone(), 1);
        key_of(&[pool], 1)
    }

    /// The node of a lease, unless it is gone and its place taken.
    pub(super) fn live_node(&self, lease: LeaseId) -> Option<NodeId> {
        let node = self.node_of_lease[lease as usize];
        let state = self.cluster.nodes.get(node as usize)?;
        (state.lease == lease && state.state != NodeState::Gone).then_some(node)
    }

    pub(super) fn node_ready(&mut self, now: Time, lease: LeaseId) {
        let Some(node) = self.live_node(lease) else { return };
        if self.cluster.nodes[node as usize].state != NodeState::Starting {
            return; // It is being deleted.
        }
        self.cluster.set_ready(node, now);
        self.ledger.leases[lease as usize].ready = now;
        self.room_made(node);
        if self.wants.nodes {
            self.triggers.push(Trigger::NodeReady(lease));
        }
    }

    pub(super) fn room_made(&mut self, node: NodeId) {
        self.scheduler.node_changed(&self.cluster, node);
        // Nobody waits: nobody needs to hear of it.
        if self.pending.waiting() > 0 || self.pending.has_active() {
            self.freed.push(node);
        }
    }

    pub(super) fn cordon(&mut self, lease: LeaseId, on: bool) {
        let Some(node) = self.live_node(lease) else { return };
        self.cluster.set_cordoned(node, on);
        if on {
            self.scheduler.node_changed(&self.cluster, node);
        } else {
            self.room_made(node);
        }
    }

    pub(super) fn delete(
        &mut self,
        now: Time,
        lease: LeaseId,
        reason: EndReason,
        at_least: Span,
        grace: Option<Span>,
    ) {
        let Some(node) = self.live_node(lease) else { return };
        let state = self.cluster.nodes[node as usize].state;
        self.ledger.leases[lease as usize].end_reason = reason;
        if state == NodeState::Draining {
            return; // It goes already, now for another reason.
        }
        self.forget_images(node);
        self.cluster.set_draining(node);
        self.scheduler.node_changed(&self.cluster, node);
        if state == NodeState::Starting {
            self.terminate(now, lease);
            return;
        }
        self.drain(now, lease);
        if let Some(grace) = grace {
            // Pods get their own grace within that of the node.
            let stop = self.input.settings.orchestrator.lost_pods.graceful_stop;
            let left = Span::from_ms((grace.ms() - stop.ms()).max(0));
            self.queue.schedule(now + left, Event::GraceOver(lease));
        }
        self.cluster.nodes[node as usize].drains_until = now + at_least;
        if at_least > Span::ZERO {
            self.queue.schedule(now + at_least, Event::DrainedLongEnough(lease));
        } else {
            self.terminate_if_drained(now, lease);
        }
    }

    /// The grace period of a draining node is over: nothing protects its pods any longer.
    pub(super) fn end_protected_pods(&mut self, now: Time, lease: LeaseId) {
        let Some(node) = self.live_node(lease) else { return };
        let reason = self.ledger.leases[lease as usize].end_reason;
        for run in self.cluster.nodes[node as usize].pods.clone() {
            if !self.stopping.contains_key(&run) {
                self.evict(now, run, reason);
            }
        }
    }

    /// Ends a draining node whose pods are gone and whose time has come.
    pub(super) fn terminate_if_drained(&mut self, now: Time, lease: LeaseId) {
        let Some(node) = self.live_node(lease) else { return };
        let state = &self.cluster.nodes[node as usize];
        if state.state == NodeState::Draining && state.pods.is_empty() && state.drains_until <= now {
            self.terminate(now, lease);
        }
    }

    fn terminate(&mut self, now: Time, lease: LeaseId) {
        let node = self.node_of_lease[lease as usize];
        self.launched_nodes -= usize::from(!self.cluster.nodes[node as usize].adopted);
        let shared_us = self.cluster.remove(node, now);
        self.scheduler.node_changed(&self.cluster, node);
        let record = &mut self.ledger.leases[lease as usize];
        (record.terminated, record.shared_us) = (now, shared_us);
        if record.running > now {
            record.running = Time::MAX; // Given up before it ran.
        }
        record.ready = record.ready.min(now);
        if self.wants.nodes {
            self.triggers.push(Trigger::NodeGone(lease));
        }
    }

    /// What is on a node that takes no more pods is worth nothing to kube-scheduler.
    fn forget_images(&mut self, node: NodeId) {
        for image in self.cluster.nodes[node as usize].images.present() {
            self.scheduler.image_changed(node, *image, false);
        }
    }

    /// The pool of a Spot node.
    fn spot_pool(&self, lease: LeaseId) -> Option<Pool> {
        let record = &self.ledger.leases[lease as usize];
        let Machine::Ec2 { capacity_type: CapacityType::Spot, .. } =
            self.ledger.templates[record.template as usize].machine
        else {
            return None;
        };
        Some((self.cluster.types[record.template as usize].instance, record.zone))
    }

    /// Sees to it that the next event of a Spot node's pool happens.
    fn watch_spot(&mut self, now: Time, lease: LeaseId) {
        if let Some(pool) = self.spot_pool(lease)
            && self.watched.insert(pool)
        {
            self.schedule_pool_event(now, pool);
        }
    }

    fn schedule_pool_event(&mut self, now: Time, pool: Pool) {
        match self.market.next_event(pool, now) {
            Some(event) => self.queue.schedule(event.at, Event::PoolEvent(pool.0, pool.1)),
            None => {
                self.watched.remove(&pool);
            }
        }
    }

    /// EC2 takes instances of a pool back: those that it takes get their notices within minutes.
    pub(super) fn pool_event(&mut self, now: Time, pool: Pool) {
        let leases: Vec<(LeaseId, u64)> = self
            .cluster
            .nodes
            .iter()
            .filter(|node| node.state != NodeState::Gone)
            .map(|node| (node.lease, node.name))
            .filter(|(lease, _)| self.spot_pool(*lease) == Some(pool))
            .collect();
        for event in self.market.events_at(pool, now) {
            for (lease, name) in &leases {
                if let Some(delay) = self.market.is_taken(pool, &event, *name) {
                    let lead = self.input.settings.spot.rebalance_lead;
                    if lead > Span::ZERO {
                        self.queue.schedule(now + delay, Event::RebalanceRecommended(*lease));
                    }
                    self.queue.schedule(now + delay + lead, Event::SpotNotice(*lease));
                }
            }
        }
        if leases.is_empty() {
            self.watched.remove(&pool);
        } else {
            self.schedule_pool_event(now, pool);
        }
    }

    pub(super) fn rebalance_recommended(&mut self, lease: LeaseId) {
        if self.live_node(lease).is_some() && self.wants.nodes {
            self.triggers.push(Trigger::RebalanceRecommended(lease));
        }
    }

    pub(super) fn spot_notice(&mut self, now: Time, lease: LeaseId) {
        let Some(node) = self.live_node(lease) else { return };
        if self.cluster.nodes[node as usize].noticed {
            return;
        }
        self.cluster.nodes[node as usize].noticed = true;
        self.ledger.counters.interruptions += 1;
        self.queue.schedule(now + NOTICE, Event::SpotReclaim(lease));
        if self.wants.nodes {
            self.triggers.push(Trigger::SpotNotice(lease));
        }
    }

    /// The instance is gone, and with it what runs there.
    pub(super) fn spot_reclaim(&mut self, now: Time, lease: LeaseId) {
        let Some(node) = self.live_node(lease) else { return };
        self.ledger.leases[lease as usize].end_reason = EndReason::Interrupted;
        if self.cluster.nodes[node as usize].state != NodeState::Draining {
            self.forget_images(node);
            self.cluster.set_draining(node);
        }
        self.cluster.nodes[node as usize].drains_until = now;
        for run in self.cluster.nodes[node as usize].pods.clone() {
            self.take_away(now, run, EndReason::Interrupted);
        }
        // The last pod has ended the node, if there was one.
        self.terminate_if_drained(now, lease);
    }
}
