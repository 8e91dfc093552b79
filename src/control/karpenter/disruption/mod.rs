//! Voluntary disruption: which nodes are removed or replaced because they are empty or a cheaper way exists.

use super::state::State;
use crate::control::{Action, Trigger, View};
use crate::units::Time;

/// The disruption controller.
#[derive(Clone, Debug, Default)]
pub struct Disruption {}

impl Disruption {
    /// Called at every step of Karpenter, after its provisioner. Gives when it wants to be called again.
    pub fn step(
        &mut self,
        _now: Time,
        _triggers: &[Trigger],
        _view: &View,
        _state: &mut State,
        _actions: &mut Vec<Action>,
    ) -> Option<Time> {
        None
    }
}
