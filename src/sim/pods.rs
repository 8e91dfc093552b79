//! The life of a pod: created, bound, its image pulled, running, ended, noticed, deleted.

use super::event::Event;
use super::{Engine, NodeId, NodeState, RunIndex};
use crate::control::Trigger;
use crate::ledger::{EndReason, Outcome, PodRun, TemplateId};
use crate::rng::{Draws, Purpose};
use crate::units::{Span, Time};
use crate::workload::{ClassId, StepId, StepKind};

impl Engine<'_> {
    pub(super) fn eligible(&mut self, now: Time, step: StepId) {
        if !self.orchestrator.is_open(step) {
            return;
        }
        self.orchestrator.set_eligible(step, now);
        let dispatch = self.orchestrator.delays.dispatch(step);
        if dispatch == Span::ZERO {
            self.created(now, step);
        } else {
            self.queue.schedule(now + dispatch, Event::Created(step));
        }
    }

    pub(super) fn created(&mut self, now: Time, step: StepId) {
        if !self.orchestrator.is_open(step) {
            return; // A predecessor elsewhere failed in the meantime.
        }
        let steps = &self.input.workload.steps;
        match steps.kind[step as usize] {
            StepKind::NotReplayed => {
                self.end_step(step, now);
            }
            StepKind::Control => {
                let delays = &self.orchestrator.delays;
                let ended = now + delays.control_start(step) + steps.work[step as usize];
                self.end_step(step, ended);
            }
            StepKind::Pod => self.create_pod(now, step, 1),
        }
    }

    fn create_pod(&mut self, now: Time, step: StepId, attempt: u32) {
        let run = self.ledger.runs.len() as RunIndex;
        self.ledger.runs.push(PodRun::new(step, attempt, now));
        self.bound_at_reading.push(0);
        let class = self.input.workload.steps.class[step as usize];
        if self.placement.is_fargate(class) {
            self.triggers.push(Trigger::PodCreated { run, class });
        } else {
            self.pending.push_new(class, run);
        }
    }

    /// A step's work ends at `ended`, now or later; successors hear of it after the detection lag.
    fn end_step(&mut self, step: StepId, ended: Time) -> Time {
        let observed = ended + self.orchestrator.delays.detection(step);
        let outcome = self.orchestrator.recorded_outcome(step);
        self.orchestrator.close(step, outcome, observed);
        if self.orchestrator.has_successors(step) {
            self.queue.schedule(observed, Event::Noticed(step));
        }
        observed
    }

    pub(super) fn noticed(&mut self, now: Time, step: StepId) {
        let trigger_delay = &self.input.workload.steps.trigger_delay;
        let queue = &mut self.queue;
        self.orchestrator.noticed(step, now, |next| {
            let delay = trigger_delay.get(next as usize).unwrap_or_default();
            queue.schedule(now + delay, Event::Eligible(next));
        });
    }

    pub(super) fn bind(&mut self, now: Time, run: RunIndex, class: ClassId, node: NodeId) {
        let pod = &self.input.workload.classes[class as usize];
        let reading = self.cluster.bind(node, run, pod, now);
        self.scheduler.pod_bound(node, run, class, now);
        self.scheduler.node_changed(&self.cluster, node);
        let state = &mut self.cluster.nodes[node as usize];
        let record = &mut self.ledger.runs[run as usize];
        record.lease = state.lease;
        record.scheduled = now;
        self.bound_at_reading[run as usize] = reading;
        if state.images.has(pod.image) {
            self.ledger.counters.image_hits += 1;
            record.pull_started = now;
            self.start_container(now, run);
            return;
        }
        let rates = &self.cluster.types[state.kind as usize].pull_rates;
        let size = self.input.workload.images[pod.image as usize].size;
        let next = state.images.request(now, pod.image, size, run, rates);
        if state.images.is_pulling(pod.image) {
            record.pull_started = now;
        }
        self.schedule_pull(node, next);
    }

    fn schedule_pull(&mut self, node: NodeId, next: Option<Time>) {
        if let Some(at) = next {
            let version = self.cluster.nodes[node as usize].images.version;
            self.queue.schedule(at, Event::PullProgress(node, version));
        }
    }

    pub(super) fn pull_progress(&mut self, now: Time, node: NodeId, version: u32) {
        let state = &mut self.cluster.nodes[node as usize];
        if state.images.version != version {
            return;
        }
        let rates = &self.cluster.types[state.kind as usize].pull_rates;
        let mut pulled = std::mem::take(&mut self.scratch.pulled);
        let next = state.images.progress(now, rates, &mut pulled);
        for run in state.images.just_started() {
            // A pull whose pod was taken away meanwhile goes on for nobody.
            let record = &mut self.ledger.runs[*run as usize];
            if record.taken.is_none() {
                record.pull_started = now;
            }
        }
        let (lease, is_ready) = (state.lease as usize, state.state == NodeState::Ready);
        for image in pulled.drain(..) {
            self.ledger.counters.image_pulls += 1;
            self.ledger.leases[lease].pulled += image.size;
            if is_ready {
                self.scheduler.image_changed(node, image.image, true);
            }
            for run in image.waiting {
                if self.ledger.runs[run as usize].taken.is_none() {
                    self.start_container(now, run);
                }
            }
        }
        self.scratch.pulled = pulled;
        self.schedule_pull(node, next);
    }

    /// The image is there: sandbox and container are created, then the work runs.
    fn start_container(&mut self, now: Time, run: RunIndex) {
        let (step, attempt) = (self.ledger.runs[run as usize].step, self.ledger.runs[run as usize].attempt);
        let work = self.work(step);
        let record = &mut self.ledger.runs[run as usize];
        let steps = &self.input.workload.steps;
        record.started = now + self.startup.container(steps.key[step as usize], attempt);
        self.queue.schedule(record.started + work, Event::ContainerEnded(run));
    }

    pub(super) fn run_on_fargate(&mut self, now: Time, run: RunIndex, kind: TemplateId) {
        let step = self.ledger.runs[run as usize].step;
        let steps = &self.input.workload.steps;
        let key = steps.key[step as usize];
        let class = &self.input.workload.classes[steps.class[step as usize] as usize];
        let size = self.input.workload.images[class.image as usize].size;
        // Nobody shares the micro-VM, so its whole course is known at once.
        let attempt = self.ledger.runs[run as usize].attempt;
        let registered = now + self.startup.fargate(key, attempt);
        let pulled = registered + self.fargate_rates.alone(size);
        let started = pulled + self.startup.container(key, attempt);
        let lease = self.open_lease(kind, 0, now, registered);
        self.ledger.leases[lease as usize].ready = registered;
        self.ledger.leases[lease as usize].pulled = size;
        self.ledger.counters.image_pulls += 1;
        let record = &mut self.ledger.runs[run as usize];
        record.lease = lease;
        record.scheduled = now;
        record.pull_started = registered;
        record.started = started;
        self.queue.schedule(started + steps.work[step as usize], Event::ContainerEnded(run));
    }

    pub(super) fn container_ended(&mut self, now: Time, run: RunIndex) {
        let PodRun { ended, started, step, .. } = self.ledger.runs[run as usize];
        if ended != Time::MAX {
            return; // The pod was taken away before its container could end by itself.
        }
        if let Some(reason) = self.stopping.remove(&run)
            && (started == Time::MAX || started + self.work(step) > now)
        {
            self.take_away(now, run, reason);
            return;
        }
        let observed = self.end_step(step, now);
        let deleted = self.deletion(step, now, observed);
        let record = &mut self.ledger.runs[run as usize];
        record.ended = now;
        record.observed = observed;
        record.deleted = deleted;
        let lease = record.lease;
        let node = self.node_of_lease[lease as usize];
        if node == NodeId::MAX {
            self.end_fargate_lease(run, now, deleted);
        } else {
            self.release(now, run, node);
        }
    }

    fn release(&mut self, now: Time, run: RunIndex, node: NodeId) {
        let record = &mut self.ledger.runs[run as usize];
        let lease = record.lease;
        let class = self.input.workload.steps.class[record.step as usize];
        let pod = &self.input.workload.classes[class as usize];
        record.node_share_us = self.cluster.release(node, run, pod, self.bound_at_reading[run as usize], now);
        self.scheduler.pod_released(node, run, class);
        self.room_made(node);
        if self.cluster.nodes[node as usize].pods.is_empty() {
            if self.cluster.nodes[node as usize].state == NodeState::Draining {
                self.terminate_if_drained(now, lease);
            } else if self.wants.nodes {
                self.triggers.push(Trigger::NodeEmpty(lease));
            }
        } else if self.has_critical_pods {
            self.drain(now, lease);
        }
    }

    /// The work of a step that is still to be done.
    fn work(&self, step: StepId) -> Span {
        let saved = self.saved_work.get(&step).copied().unwrap_or_default();
        self.input.workload.steps.work[step as usize] - saved
    }

    /// Asks a pod to stop: it goes on for a moment, and may end by itself in that.
    pub(super) fn evict(&mut self, now: Time, run: RunIndex, reason: EndReason) {
        self.stopping.insert(run, reason);
        let lease = self.ledger.runs[run as usize].lease;
        self.scheduler.pod_terminating(self.node_of_lease[lease as usize], run);
        let stops = now + self.input.settings.orchestrator.lost_pods.graceful_stop;
        self.queue.schedule(stops, Event::ContainerEnded(run));
    }

    /// The platform ends a pod whose work is not done. Its task is lost unless the orchestrator starts it again.
    pub(super) fn take_away(&mut self, now: Time, run: RunIndex, reason: EndReason) {
        self.stopping.remove(&run);
        let PodRun { step, started, lease, .. } = self.ledger.runs[run as usize];
        if started <= now {
            let done = now - started;
            let checkpoint = self.input.workload.steps.checkpoint_interval.get(step as usize);
            let saved =
                checkpoint.map_or(Span::ZERO, |every| Span::from_ms(done.ms() - done.ms() % every.ms()));
            if saved > Span::ZERO {
                *self.saved_work.entry(step).or_default() += saved;
            }
            self.ledger.counters.lost_work_ms += (done - saved).ms() as u64;
        }
        let observed = now + self.orchestrator.delays.detection(step);
        let record = &mut self.ledger.runs[run as usize];
        if started > now {
            record.started = Time::MAX;
        }
        (record.ended, record.observed, record.deleted) = (now, observed, observed);
        record.taken = Some(reason);
        self.release(now, run, self.node_of_lease[lease as usize]);
        let interval = self.input.workload.steps.retry_interval.get(step as usize);
        let interval = interval.unwrap_or(self.input.settings.orchestrator.lost_pods.retry_interval);
        self.queue.schedule(observed + interval, Event::Retried(run));
    }

    /// The orchestrator has seen that a pod is lost, and starts its task again if it may.
    pub(super) fn retried(&mut self, now: Time, lost: RunIndex) {
        let PodRun { step, attempt, .. } = self.ledger.runs[lost as usize];
        if !self.orchestrator.is_open(step) {
            return;
        }
        let limit = self.input.workload.steps.retry_limit.get(step as usize);
        let limit = limit.unwrap_or(self.input.settings.orchestrator.lost_pods.retry_limit);
        if attempt > limit {
            self.orchestrator.give_up(step, Outcome::Lost, now);
        } else {
            self.create_pod(now, step, attempt + 1);
        }
    }

    /// When the pod object is deleted. A leftover pod is forgotten and kept for long, never for less than others.
    fn deletion(&self, step: StepId, ended: Time, observed: Time) -> Time {
        let orchestrator = &self.input.settings.orchestrator;
        let deleted = observed + orchestrator.deletion_delay;
        let leftover = orchestrator.leftover_pods;
        if leftover.share_ppm > 0 {
            let key = self.input.workload.steps.key[step as usize];
            let draw = Draws::new(self.input.settings.seed).below(Purpose::LeftoverPod, key, 0, 1_000_000);
            if draw < u64::from(leftover.share_ppm) {
                return deleted.max(ended + leftover.kept);
            }
        }
        deleted
    }

    fn end_fargate_lease(&mut self, run: RunIndex, ended: Time, deleted: Time) {
        let record = &mut self.ledger.runs[run as usize];
        let lease = &mut self.ledger.leases[record.lease as usize];
        lease.terminated = if self.bill_until_deleted { deleted } else { ended };
        lease.end_reason = EndReason::PodDeleted;
        lease.shared_us = (lease.terminated - lease.running).ms() as u64 * 1_000;
        record.node_share_us = lease.shared_us;
    }

    /// A pod has been pending for long. It is given up if nothing could ever hold it.
    pub(super) fn give_up(&mut self, now: Time, run: RunIndex) {
        let record = &self.ledger.runs[run as usize];
        if record.was_bound() {
            return;
        }
        let step = record.step;
        let class = self.input.workload.steps.class[step as usize];
        if !self.placement.is_fargate(class) {
            if self.scheduler.could_fit(&self.cluster, class) {
                // It waits its turn: there is capacity, it is only busy.
                self.queue.schedule(now + self.input.settings.unschedulable_after, Event::GiveUp(run));
                return;
            }
            self.pending.remove(class, run);
            self.scheduler.clear_nomination(&self.cluster, run);
        }
        self.orchestrator.give_up(step, Outcome::Unschedulable, now);
    }
}
