//! Commands under way: nodes are tainted, their replacement is launched, and once it is there they are deleted
//! (`pkg/controllers/disruption/queue.go`). Old and new nodes are paid for meanwhile.

use crate::control::karpenter::solve::NewClaim;
use crate::control::karpenter::state::State;
use crate::control::{Action, Trigger, View};
use crate::ledger::{EndReason, LeaseId};
use crate::sim::NodeState;
use crate::units::{Span, Time};

/// How long a replacement may take. (With over 7,500 commands at once Karpenter would wait longer.)
const REPLACEMENT_TIMEOUT: Span = Span::from_secs(600);

/// What is to be done.
pub struct Order {
    pub replaced: Vec<LeaseId>,
    pub new: Vec<NewClaim>,
    pub reason: EndReason,
}

/// Nodes that wait for those that are to take their place.
#[derive(Clone, Debug)]
struct Command {
    replaced: Vec<LeaseId>,
    /// The launches, and what EC2 has answered.
    new: Vec<(u32, Option<LeaseId>)>,
    reason: EndReason,
    deadline: Time,
}

/// What has become of a replacement.
enum Progress {
    Waiting,
    Ready,
    Failed,
}

#[derive(Clone, Debug, Default)]
pub struct Commands(Vec<Command>);

impl Commands {
    /// Deletes nodes at once if nothing has to come for them, or launches that first.
    pub fn carry_out(&mut self, now: Time, order: Order, state: &mut State, actions: &mut Vec<Action>) {
        let Order { replaced, new, reason } = order;
        if new.is_empty() {
            delete(now, &replaced, reason, state, actions);
            return;
        }
        let launched: Vec<Option<u32>> = new.iter().map(|claim| state.launch(now, claim, actions)).collect();
        // Where EC2 has nothing of what is asked for, the nodes would be tainted and untainted again at once.
        let Some(new) = launched.into_iter().map(|token| Some((token?, None))).collect() else { return };
        for lease in &replaced {
            state.mark_deleting(now, *lease);
            actions.push(Action::Cordon { lease: *lease, on: true });
        }
        self.0.push(Command { replaced, new, reason, deadline: now + REPLACEMENT_TIMEOUT });
    }

    /// Goes on with the commands whose replacement has come, and takes back those whose replacement has not.
    pub fn advance(
        &mut self,
        now: Time,
        triggers: &[Trigger],
        view: &View,
        state: &mut State,
        actions: &mut Vec<Action>,
    ) {
        let mut failed = Vec::new();
        for trigger in triggers {
            match *trigger {
                Trigger::Launched { token, lease, .. } => {
                    let mut launches = self.0.iter_mut().flat_map(|command| &mut command.new);
                    if let Some(launch) = launches.find(|launch| launch.0 == token) {
                        launch.1 = Some(lease);
                    }
                }
                Trigger::LaunchFailed { token } => failed.push(token),
                // It is drained for that reason now, and must not be untainted any more.
                Trigger::SpotNotice(lease) if state.config.interruption_handling => {
                    self.0.iter_mut().for_each(|command| command.replaced.retain(|other| *other != lease));
                }
                _ => {}
            }
        }
        self.0.retain(|command| {
            let has_failed = command.new.iter().any(|(token, _)| failed.contains(token));
            let progress = if has_failed { Progress::Failed } else { command.progress(now, state) };
            match progress {
                Progress::Waiting => return true,
                Progress::Ready => delete(now, &command.replaced, command.reason, state, actions),
                Progress::Failed => command.take_back(view, state, actions),
            }
            false
        });
    }

    /// When a replacement will have taken too long.
    pub fn next_deadline(&self) -> Option<Time> {
        self.0.iter().map(|command| command.deadline).min()
    }
}

impl Command {
    fn progress(&self, now: Time, state: &State) -> Progress {
        let claims = || self.new.iter().map(|(_, lease)| lease.map(|lease| state.claims.get(lease)));
        if claims().any(|claim| claim == Some(None)) {
            return Progress::Failed;
        }
        if claims().all(|claim| claim.flatten().is_some_and(|claim| claim.initialized.is_some())) {
            return Progress::Ready;
        }
        if self.deadline <= now { Progress::Failed } else { Progress::Waiting }
    }

    /// The nodes stay as they were; nothing is lost.
    fn take_back(&self, view: &View, state: &mut State, actions: &mut Vec<Action>) {
        for lease in &self.replaced {
            if view.node(*lease).is_some_and(|node| node.state == NodeState::Ready) {
                state.keep(*lease);
                actions.push(Action::Cordon { lease: *lease, on: false });
            }
        }
    }
}

fn delete(now: Time, leases: &[LeaseId], reason: EndReason, state: &mut State, actions: &mut Vec<Action>) {
    for lease in leases {
        state.delete(now, *lease, reason, actions);
    }
}
