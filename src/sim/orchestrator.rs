//! The workflow engine around the pods: which step may start when, and what becomes of those that cannot.

use crate::ledger::{Outcome, StepSpan};
use crate::units::Time;
use crate::workload::{Delays, Ending, StepId, StepKind, Workload};

pub struct Orchestrator<'a> {
    workload: &'a Workload,
    pub delays: Delays<'a>,
    closed: bool,
    /// Predecessors that each step still waits for; empty in open loop.
    waiting_for: Vec<u32>,
    outcomes: Vec<Outcome>,
    spans: Vec<StepSpan>,
    /// Next step in order of submit time that could arrive by itself.
    next_arrival: StepId,
    open: usize,
}

impl<'a> Orchestrator<'a> {
    pub fn new(workload: &'a Workload, delays: Delays<'a>, closed: bool) -> Self {
        let steps = workload.steps.len();
        let closed = closed && workload.has_dependencies;
        let waiting_for = if closed {
            (0..steps as StepId).map(|step| workload.graph.predecessors(step).len() as u32).collect()
        } else {
            Vec::new()
        };
        let never = StepSpan { eligible: Time::MAX, observed: Time::MAX };
        let mut orchestrator = Self {
            workload,
            delays,
            closed,
            waiting_for,
            outcomes: vec![Outcome::Open; steps],
            spans: vec![never; steps],
            next_arrival: 0,
            open: steps,
        };
        orchestrator.skip_to_root();
        orchestrator
    }

    pub fn all_final(&self) -> bool {
        self.open == 0
    }

    pub fn into_records(self) -> (Vec<Outcome>, Vec<StepSpan>) {
        (self.outcomes, self.spans)
    }

    /// When the next step arrives by itself: a root, or any step in open loop.
    pub fn next_arrival(&self) -> Option<Time> {
        self.workload.steps.submit.get(self.next_arrival as usize).copied()
    }

    pub fn take_arrival(&mut self) -> StepId {
        let step = self.next_arrival;
        self.next_arrival += 1;
        self.skip_to_root();
        step
    }

    /// Steps with predecessors are released by these, also when they could start before their recorded arrival.
    fn skip_to_root(&mut self) {
        let is_released = |step: StepId| !self.workload.graph.predecessors(step).is_empty();
        while self.closed && is_released(self.next_arrival) {
            self.next_arrival += 1;
        }
    }

    pub fn set_eligible(&mut self, step: StepId, now: Time) {
        self.spans[step as usize].eligible = now;
    }

    pub fn is_open(&self, step: StepId) -> bool {
        self.outcomes[step as usize] == Outcome::Open
    }

    /// Whether anything waits for the end of `step`.
    pub fn has_successors(&self, step: StepId) -> bool {
        self.closed && !self.workload.graph.successors(step).is_empty()
    }

    /// The outcome of a step that ran to its end.
    pub fn recorded_outcome(&self, step: StepId) -> Outcome {
        match (self.workload.steps.kind[step as usize], self.workload.steps.ending[step as usize]) {
            (StepKind::NotReplayed, _) => Outcome::Skipped,
            (_, Ending::Succeeded) => Outcome::Succeeded,
            (_, Ending::Failed) => Outcome::Failed,
            (_, Ending::Canceled) => Outcome::Canceled,
        }
    }

    /// Records the end of a step that ran as recorded; its successors hear of it at `observed`.
    pub fn close(&mut self, step: StepId, outcome: Outcome, observed: Time) {
        assert!(self.is_open(step), "a step ends once");
        self.outcomes[step as usize] = outcome;
        self.spans[step as usize].observed = observed;
        self.open -= 1;
    }

    /// The end of `first` was noticed: calls `release` for each successor that may start now. Steps that did not run
    /// behind a recorded failure do not run here either, and their successors hear of that at once.
    pub fn noticed(&mut self, first: StepId, now: Time, mut release: impl FnMut(StepId)) {
        if !self.closed {
            return;
        }
        let workload = self.workload;
        let mut ended = vec![first];
        while let Some(step) = ended.pop() {
            let succeeded = matches!(self.outcomes[step as usize], Outcome::Succeeded | Outcome::Skipped);
            for next in workload.graph.successors(step) {
                let waiting = &mut self.waiting_for[*next as usize];
                *waiting -= 1;
                let all_ended = *waiting == 0;
                if !self.is_open(*next) {
                    continue;
                }
                if !succeeded && workload.steps.never_ran[*next as usize] {
                    self.never_run(*next, now);
                    ended.push(*next);
                } else if all_ended {
                    release(*next);
                }
            }
        }
    }

    /// Ends a step that this platform cannot run, and all that depend on it.
    pub fn give_up(&mut self, step: StepId, outcome: Outcome, now: Time) {
        self.close(step, outcome, now);
        let mut ended = if self.closed { vec![step] } else { Vec::new() };
        while let Some(step) = ended.pop() {
            for next in self.workload.graph.successors(step) {
                if self.is_open(*next) {
                    self.never_run(*next, now);
                    ended.push(*next);
                }
            }
        }
    }

    fn never_run(&mut self, step: StepId, now: Time) {
        let replayed = self.workload.steps.kind[step as usize] != StepKind::NotReplayed;
        self.spans[step as usize].eligible = now;
        self.close(step, if replayed { Outcome::NotRun } else { Outcome::Skipped }, now);
    }
}
