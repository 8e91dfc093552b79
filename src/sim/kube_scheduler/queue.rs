//! The scheduling queue: which pending pod is tried next, and when a pod that did not fit is tried again.
//!
//! Source: `pkg/scheduler/backend/queue/scheduling_queue.go` of Kubernetes, about 1.36. A pod that fits nowhere
//! waits in the unschedulable pool; an event that could help it (room freed, a node added) makes it active once its
//! back-off is over: 1, 2, 4, 8, then 10 s after its last failure. Active pods go by priority, then by how long ago
//! they were queued or last failed. Since Kubernetes 1.33 (KEP-5142, gate `SchedulerPopFromBackoffQ`) pods that still
//! back off are tried when nothing is active, in the order in which their back-offs end.
//!
//! Pods of one class that failed at the same instant as often as each other share their fate, so they are kept
//! as one cohort: a backlog of a hundred thousand pods is a few cohorts. The unschedulable pool's flush after
//! five minutes changes nothing that could help and is not simulated.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::sim::event::RunIndex;
use crate::units::{Span, Time};
use crate::workload::ClassId;

const INITIAL_BACKOFF: Span = Span::from_secs(1);
const MAX_BACKOFF: Span = Span::from_secs(10);
/// Failures after which the back-off no longer grows: 1, 2, 4, 8, 10 s.
const MAX_FAILURES: u8 = 5;

/// How long a pod waits after its `failures`-th failure.
pub fn backoff(failures: u8) -> Span {
    let doubled = INITIAL_BACKOFF.ms() << (failures.clamp(1, MAX_FAILURES) - 1);
    Span::from_ms(doubled).min(MAX_BACKOFF)
}

/// Pods of one class, in queue order, that failed together.
#[derive(Clone, Debug, Default)]
struct Cohort {
    failed_at: Time,
    failures: u8,
    pods: VecDeque<RunIndex>,
}

impl Cohort {
    fn backoff_ends(&self) -> Time {
        self.failed_at + backoff(self.failures)
    }
}

/// The waiting pods of one class.
#[derive(Clone, Debug, Default)]
struct Waiting {
    /// No event that could help has happened since they failed. In the order in which they failed.
    parked: VecDeque<Cohort>,
    /// Such an event has happened; they become active at the end of their back-off, which is the key.
    backing_off: BTreeMap<Time, Vec<Cohort>>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.parked.is_empty() && self.backing_off.is_empty()
    }
}

/// Pods that are to be tried now.
#[derive(Clone, Debug)]
pub struct Batch {
    pub class: ClassId,
    /// How often each of them has failed.
    pub failures: u8,
    pub pods: VecDeque<RunIndex>,
    priority: i32,
    since: Time,
    /// Set while the pods still back off: they are tried after all that do not.
    backs_off_until: Option<Time>,
}

impl Batch {
    /// The scheduler's order. Back-offs that end within one second of each other count as equal.
    fn order(&self) -> (Option<i64>, Reverse<i32>, Time) {
        const ORDERING_WINDOW_MS: i64 = 1_000;
        (self.backs_off_until.map(|t| t.ms() / ORDERING_WINDOW_MS), Reverse(self.priority), self.since)
    }
}

/// All pending pods.
#[derive(Clone, Debug, Default)]
pub struct SchedulingQueue {
    /// New pods of this instant, in order.
    fresh: Vec<(ClassId, RunIndex)>,
    active: Vec<Batch>,
    /// Waiting cohorts by class.
    waiting: Vec<Waiting>,
    /// Classes with waiting pods, in the order in which they began to wait.
    waiting_classes: BTreeMap<u64, ClassId>,
    /// The key of each class there.
    began_to_wait: Vec<u64>,
    begun: u64,
    pending: usize,
    /// Waiting pods that were promised the room of pods that are to leave it: no capacity need be made for them.
    nominated: BTreeSet<RunIndex>,
    pop_from_backoff_q: bool,
}

impl SchedulingQueue {
    /// An empty queue for pods of so many classes.
    pub fn new(classes: usize, pop_from_backoff_q: bool) -> Self {
        Self {
            waiting: vec![Waiting::default(); classes],
            began_to_wait: vec![0; classes],
            pop_from_backoff_q,
            ..Self::default()
        }
    }

    /// How many pods wait after a failure.
    pub fn waiting(&self) -> usize {
        self.pending
    }

    /// Classes with waiting pods, in the order in which they began to wait.
    pub fn waiting_classes(&self) -> impl Iterator<Item = ClassId> + '_ {
        self.waiting_classes.values().copied()
    }

    /// The pods of a class that wait for capacity, in no particular order; not those that wait for their victims to end,
    /// which Karpenter and Cluster Autoscaler leave alone.
    pub fn waiting_of(&self, class: ClassId) -> impl Iterator<Item = RunIndex> + '_ {
        let Waiting { parked, backing_off } = &self.waiting[class as usize];
        let cohorts = parked.iter().chain(backing_off.values().flatten());
        cohorts.flat_map(|cohort| cohort.pods.iter().copied()).filter(|run| !self.nominated.contains(run))
    }

    /// Notes whether a pod has a nominated node.
    pub fn set_nominated(&mut self, pod: RunIndex, is_nominated: bool) {
        if is_nominated {
            self.nominated.insert(pod);
        } else {
            self.nominated.remove(&pod);
        }
    }

    pub fn push_new(&mut self, class: ClassId, pod: RunIndex) {
        self.fresh.push((class, pod));
    }

    pub fn has_active(&self) -> bool {
        !self.fresh.is_empty() || !self.active.is_empty()
    }

    /// Takes what is to be tried at `now` in the scheduler's order.
    ///
    /// Several new pods of one class in a row are one batch. Batches that failed at the same instant keep the
    /// order of their first pods; the real queue would tell their pods apart by nanoseconds.
    pub fn take_active(&mut self, now: Time, priority_of: impl Fn(ClassId) -> i32, out: &mut Vec<Batch>) {
        out.append(&mut self.active);
        for (class, pod) in self.fresh.drain(..) {
            match out.last_mut() {
                Some(last) if last.class == class && last.failures == 0 => last.pods.push_back(pod),
                _ => out.push(Batch {
                    class,
                    failures: 0,
                    pods: VecDeque::from([pod]),
                    priority: priority_of(class),
                    since: now,
                    backs_off_until: None,
                }),
            }
        }
        out.sort_by_key(Batch::order);
    }

    /// Puts what is left of a batch, which failed at `now`, into the unschedulable pool.
    pub fn fail(&mut self, now: Time, batch: Batch) {
        if batch.pods.is_empty() {
            return;
        }
        let failures = (batch.failures + 1).min(MAX_FAILURES);
        self.pending += batch.pods.len();
        let waiting = &mut self.waiting[batch.class as usize];
        if waiting.is_empty() {
            self.begun += 1;
            self.began_to_wait[batch.class as usize] = self.begun;
            self.waiting_classes.insert(self.begun, batch.class);
        }
        let mut of_now = waiting.parked.iter_mut().rev().take_while(|c| c.failed_at == now);
        match of_now.find(|c| c.failures == failures) {
            Some(cohort) => cohort.pods.extend(batch.pods),
            None => waiting.parked.push_back(Cohort { failed_at: now, failures, pods: batch.pods }),
        }
    }

    /// An event at `now` could help the pods of `class`: those past their back-off become active, and the others
    /// too where an idle scheduler takes them. Otherwise `wake` is told when their back-off will be over, and
    /// [`Self::backoff_over`] must be called then.
    pub fn move_to_active(&mut self, now: Time, class: ClassId, priority: i32, mut wake: impl FnMut(Time)) {
        for cohort in std::mem::take(&mut self.waiting[class as usize].parked) {
            let ends = cohort.backoff_ends();
            if ends <= now {
                self.activate(class, priority, cohort, None);
            } else if self.pop_from_backoff_q {
                self.activate(class, priority, cohort, Some(ends));
            } else {
                let together = self.waiting[class as usize].backing_off.entry(ends).or_default();
                if together.is_empty() {
                    wake(ends);
                }
                together.push(cohort);
            }
        }
        self.forget_if_empty(class);
    }

    /// Makes the pods of `class` active that an event has moved and whose back-off is over at `now`.
    pub fn backoff_over(&mut self, now: Time, class: ClassId, priority: i32) {
        while let Some(first) = self.waiting[class as usize].backing_off.first_entry()
            && *first.key() <= now
        {
            for cohort in first.remove() {
                self.activate(class, priority, cohort, None);
            }
        }
        self.forget_if_empty(class);
    }

    fn activate(&mut self, class: ClassId, priority: i32, cohort: Cohort, backs_off_until: Option<Time>) {
        self.pending -= cohort.pods.len();
        self.active.push(Batch {
            class,
            failures: cohort.failures,
            pods: cohort.pods,
            priority,
            since: cohort.failed_at,
            backs_off_until,
        });
    }

    fn forget_if_empty(&mut self, class: ClassId) {
        if self.waiting[class as usize].is_empty() {
            self.waiting_classes.remove(&self.began_to_wait[class as usize]);
        }
    }

    /// Takes a pod out of the unschedulable pool for good.
    pub fn remove(&mut self, class: ClassId, pod: RunIndex) {
        let waiting = &mut self.waiting[class as usize];
        // Who waits in vain waits longest: it is nearly always the first of the first.
        let take = |cohort: &mut Cohort| {
            let at = cohort.pods.iter().position(|p| *p == pod);
            at.map(|at| cohort.pods.remove(at)).is_some()
        };
        if let Some(index) = waiting.parked.iter_mut().position(take) {
            if waiting.parked[index].pods.is_empty() {
                waiting.parked.remove(index);
            }
        } else if waiting.backing_off.values_mut().flatten().any(take) {
            waiting.backing_off.retain(|_, cohorts| {
                cohorts.retain(|cohort| !cohort.pods.is_empty());
                !cohorts.is_empty()
            });
        } else {
            return;
        }
        self.pending -= 1;
        self.forget_if_empty(class);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(ms: i64) -> Time {
        Time::from_ms(ms)
    }

    fn tried(queue: &mut SchedulingQueue, now: i64) -> Vec<(ClassId, Vec<RunIndex>)> {
        let mut batches = Vec::new();
        queue.take_active(t(now), |class| i32::from(class == 9), &mut batches);
        let names = batches.iter().map(|b| (b.class, b.pods.iter().copied().collect())).collect();
        for batch in batches {
            queue.fail(t(now), batch);
        }
        names
    }

    #[test]
    fn backoff_doubles_up_to_ten_seconds() {
        let seconds: Vec<i64> = (1..=7).map(|n| backoff(n).ms() / 1_000).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 10, 10, 10]);
    }

    #[test]
    fn new_pods_go_by_priority_then_arrival() {
        let mut queue = SchedulingQueue::new(10, false);
        for (class, pod) in [(1, 0), (1, 1), (2, 2), (1, 3), (9, 4)] {
            queue.push_new(class, pod);
        }
        assert_eq!(tried(&mut queue, 0), [(9, vec![4]), (1, vec![0, 1]), (2, vec![2]), (1, vec![3])]);
        assert_eq!(queue.waiting(), 5);
    }

    #[test]
    fn an_event_retries_a_pod_only_after_its_backoff() {
        let mut queue = SchedulingQueue::new(2, false);
        queue.push_new(1, 7);
        tried(&mut queue, 0);
        // Without an event nothing happens, however long it waits.
        queue.backoff_over(t(60_000), 1, 0);
        assert!(!queue.has_active());
        // An event during the back-off: retried at its end, 1 s after the failure.
        let mut wakes = Vec::new();
        queue.move_to_active(t(400), 1, 0, |at| wakes.push(at));
        queue.move_to_active(t(500), 1, 0, |at| wakes.push(at));
        assert_eq!(wakes, [t(1_000)]);
        assert!(!queue.has_active());
        queue.backoff_over(t(1_000), 1, 0);
        assert_eq!(tried(&mut queue, 1_000), [(1, vec![7])]);
        // Failed twice: 2 s. An event after that retries at once.
        queue.move_to_active(t(3_000), 1, 0, |_| unreachable!("the back-off is over"));
        assert_eq!(tried(&mut queue, 3_000), [(1, vec![7])]);
    }

    #[test]
    fn who_failed_longer_ago_is_tried_first() {
        let mut queue = SchedulingQueue::new(3, false);
        queue.push_new(2, 0);
        tried(&mut queue, 0);
        queue.push_new(1, 1);
        tried(&mut queue, 10);
        for class in [1, 2] {
            queue.move_to_active(t(5_000), class, 0, |_| {});
        }
        queue.push_new(2, 2);
        assert_eq!(tried(&mut queue, 5_000), [(2, vec![0]), (1, vec![1]), (2, vec![2])]);
    }

    #[test]
    fn an_idle_scheduler_tries_pods_that_still_back_off_after_all_others() {
        let mut queue = SchedulingQueue::new(4, true);
        queue.push_new(1, 0);
        tried(&mut queue, 0);
        queue.push_new(2, 1);
        tried(&mut queue, 1_900);
        // At 2 s the first pod is past its back-off, the second is not until 2.9 s; a third has just come.
        for class in [2, 1] {
            queue.move_to_active(t(2_000), class, 0, |_| unreachable!("nobody waits for its back-off"));
        }
        queue.push_new(3, 2);
        assert_eq!(tried(&mut queue, 2_000), [(1, vec![0]), (3, vec![2]), (2, vec![1])]);
    }

    #[test]
    fn a_removed_pod_is_gone() {
        let mut queue = SchedulingQueue::new(2, false);
        queue.push_new(1, 0);
        queue.push_new(1, 1);
        tried(&mut queue, 0);
        queue.remove(1, 0);
        queue.remove(1, 5);
        assert_eq!((queue.waiting(), queue.waiting_classes().collect::<Vec<_>>()), (1, vec![1]));
        queue.remove(1, 1);
        assert_eq!((queue.waiting(), queue.waiting_classes().collect::<Vec<_>>()), (0, vec![]));
    }
}
