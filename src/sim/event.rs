//! The event queue: what happens next, in an order that is written down.
//!
//! Events at one instant are handled by rank, the order of [`Event`]'s variants: ends make room before
//! beginnings take it, and controllers see an instant only when all of it has happened. Events of one rank come
//! in the order in which they were scheduled.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::cluster::NodeId;
use crate::catalog::TypeId;
use crate::ledger::LeaseId;
use crate::units::Time;
use crate::workload::{ClassId, StepId};

/// Index of a pod run in the ledger.
pub type RunIndex = u32;
/// Index of a launch in the order of requests.
pub type LaunchId = u32;

/// What can happen. The order of the variants is the order within an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A pod's container ends.
    ContainerEnded(RunIndex),
    /// The orchestrator notices that a step has ended.
    Noticed(StepId),
    /// EC2 takes instances of a Spot pool back.
    PoolEvent(TypeId, u8),
    /// EC2 advises to replace a Spot instance.
    RebalanceRecommended(LeaseId),
    /// A Spot instance gets its interruption notice.
    SpotNotice(LeaseId),
    /// The two minutes of a notice are over: the instance is gone.
    SpotReclaim(LeaseId),
    /// The least time of a node's drain is over.
    DrainedLongEnough(LeaseId),
    /// The grace period of a draining node is over.
    GraceOver(LeaseId),
    /// A pod of a draining node that could not be evicted may be now.
    EvictionRetried(RunIndex),
    /// EC2 answers a launch.
    LaunchAnswered(LaunchId),
    /// The node of a lease becomes Ready.
    NodeReady(LeaseId),
    /// The image pulls of a node reach a point where one of them moves on. The number tells stale events apart.
    PullProgress(NodeId, u32),
    /// The orchestrator may start a step.
    Eligible(StepId),
    /// The orchestrator creates a pod or takes up a step of its own.
    Created(StepId),
    /// The orchestrator starts a task again whose pod was lost.
    Retried(RunIndex),
    /// kube-scheduler's back-off of pods of a class is over.
    BackoffOver(ClassId),
    /// A pod has been pending for as long as one waits for impossible capacity.
    GiveUp(RunIndex),
    /// A controller asked to be called.
    ControllerWake,
}

impl Event {
    fn rank(self) -> u8 {
        match self {
            Self::ContainerEnded(_) => 0,
            Self::Noticed(_) => 1,
            Self::PoolEvent(..) => 2,
            Self::RebalanceRecommended(_) | Self::SpotNotice(_) => 3,
            Self::SpotReclaim(_) => 4,
            Self::DrainedLongEnough(_) => 5,
            Self::GraceOver(_) => 6,
            Self::EvictionRetried(_) => 7,
            Self::LaunchAnswered(_) => 8,
            Self::NodeReady(_) => 9,
            Self::PullProgress(..) => 10,
            Self::Eligible(_) => ELIGIBLE_RANK,
            Self::Created(_) => 12,
            Self::Retried(_) => 13,
            Self::BackoffOver(_) => 14,
            Self::GiveUp(_) => 15,
            Self::ControllerWake => 16,
        }
    }
}

const ELIGIBLE_RANK: u8 = 11;

/// Pending events, earliest first.
#[derive(Debug, Default)]
pub struct EventQueue {
    heap: BinaryHeap<Scheduled>,
    scheduled: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scheduled {
    time: Time,
    /// Rank in the top byte, then the order of scheduling.
    order: u64,
    event: Event,
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed: the heap's greatest is the earliest.
        (other.time, other.order).cmp(&(self.time, self.order))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl EventQueue {
    pub fn schedule(&mut self, time: Time, event: Event) {
        let order = u64::from(event.rank()) << 56 | self.scheduled;
        self.scheduled += 1;
        self.heap.push(Scheduled { time, order, event });
    }

    /// The time of the next event.
    pub fn next_time(&self) -> Option<Time> {
        self.heap.peek().map(|s| s.time)
    }

    /// The next event at `now`, if there is one. With `before_arrivals`, only one that comes before arrivals
    /// that are not in the queue.
    pub fn pop_at(&mut self, now: Time, before_arrivals: bool) -> Option<Event> {
        let next = self.heap.peek()?;
        let early = next.order >> 56 < u64::from(ELIGIBLE_RANK);
        if next.time > now || (before_arrivals && !early) {
            return None;
        }
        self.heap.pop().map(|s| s.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_rank_then_order_of_scheduling() {
        let mut queue = EventQueue::default();
        let t = Time::from_ms;
        queue.schedule(t(2), Event::ContainerEnded(0));
        queue.schedule(t(1), Event::ControllerWake);
        queue.schedule(t(1), Event::Created(7));
        queue.schedule(t(1), Event::Created(3));
        queue.schedule(t(1), Event::ContainerEnded(9));
        assert_eq!(queue.pop_at(t(0), false), None);
        assert_eq!(queue.pop_at(t(1), true), Some(Event::ContainerEnded(9)));
        assert_eq!(queue.pop_at(t(1), true), None);
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop_at(t(2), false)).collect();
        let expected =
            [Event::Created(7), Event::Created(3), Event::ControllerWake, Event::ContainerEnded(0)];
        assert_eq!(rest, expected);
    }
}
