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

/// Nodes that wait for the one that is to take their place.
#[derive(Clone, Debug)]
struct Command {
    token: u32,
    replaced: Vec<LeaseId>,
    /// Once EC2 has answered.
    replacement: Option<LeaseId>,
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
    /// Deletes nodes at once.
    pub fn delete(
        now: Time,
        leases: &[LeaseId],
        reason: EndReason,
        state: &mut State,
        actions: &mut Vec<Action>,
    ) {
        for lease in leases {
            state.delete(now, *lease, reason, actions);
        }
    }

    /// Launches `claim` in place of nodes. Nothing happens if EC2 has nothing of it.
    pub fn replace(
        &mut self,
        now: Time,
        replaced: Vec<LeaseId>,
        claim: &NewClaim,
        state: &mut State,
        actions: &mut Vec<Action>,
    ) {
        let Some(token) = state.launch(now, claim, actions) else { return };
        for lease in &replaced {
            state.mark_deleting(now, *lease);
            actions.push(Action::Cordon { lease: *lease, on: true });
        }
        let deadline = now + REPLACEMENT_TIMEOUT;
        self.0.push(Command { token, replaced, replacement: None, deadline });
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
                    if let Some(command) = self.0.iter_mut().find(|command| command.token == token) {
                        command.replacement = Some(lease);
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
            let progress =
                if failed.contains(&command.token) { Progress::Failed } else { command.progress(now, state) };
            match progress {
                Progress::Waiting => return true,
                Progress::Ready => {
                    Self::delete(now, &command.replaced, EndReason::Consolidated, state, actions);
                }
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
        let claim = self.replacement.map(|lease| state.claims.get(lease));
        match claim {
            Some(None) => Progress::Failed,
            Some(Some(claim)) if claim.initialized.is_some() => Progress::Ready,
            _ if self.deadline <= now => Progress::Failed,
            _ => Progress::Waiting,
        }
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
