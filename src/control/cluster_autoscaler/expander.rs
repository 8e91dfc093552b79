//! Which of several node groups grows (`cluster-autoscaler/expander/`).
//!
//! A chain of filters, then chance among the rest. `most-pods`, `least-nodes` and `priority` are further filters of
//! [`choose`].

use super::estimator::{Estimate, Wanted};
use super::template::Template;
use crate::platform::Expander;

/// A group that could grow, and by how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    pub group: usize,
    pub template: Template,
    pub estimate: Estimate,
}

/// The option that the expander takes. `chance(n)` decides among `n` equals.
pub fn choose(
    expander: Expander,
    mut options: Vec<Expansion>,
    chance: impl FnOnce(u64) -> u64,
) -> Option<Expansion> {
    match expander {
        Expander::LeastWaste => {
            let least = options.iter().map(waste).min_by(f64::total_cmp)?;
            options.retain(|option| waste(option).total_cmp(&least).is_eq());
        }
        Expander::Random => {}
    }
    match options.len() {
        0 | 1 => options.pop(),
        n => Some(options.swap_remove(chance(n as u64) as usize)),
    }
}

/// The unused shares of CPU and memory together (`expander/waste/waste.go`). Counts the nodes' capacity, though pods
/// get no more than what is allocatable.
#[expect(clippy::float_arithmetic, reason = "the real one compares these sums of float64")]
fn waste(option: &Expansion) -> f64 {
    let pods = |of: fn(&Wanted) -> i64| -> i64 {
        option.estimate.placed.iter().map(|(wanted, count)| of(wanted) * i64::from(*count)).sum()
    };
    let nodes = i64::from(option.estimate.nodes);
    let unused = |all: i64, used: i64| (all - used) as f64 / all as f64;
    let cpu = unused(option.template.capacity.cpu.milli() * nodes, pods(|w| w.request.cpu.milli()));
    cpu + unused(option.template.capacity.memory.bytes() * nodes, pods(|w| w.request.memory.bytes()))
}
