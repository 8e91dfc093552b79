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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Cpu, Memory, Resources};

    fn size(milli: i64, gib: i64) -> Resources {
        Resources {
            cpu: Cpu::from_milli(milli),
            memory: Memory::from_gib(gib),
            ephemeral: Memory::ZERO,
            pods: 1,
        }
    }

    /// One pod of 1,000m and 4 GiB on `nodes` nodes of a group.
    fn option(group: usize, capacity: Resources, allocatable: Resources, nodes: u32) -> Expansion {
        let wanted = Wanted { class: 0, request: size(1_000, 4), pods: 1, together: false };
        let template = Template { capacity, allocatable, free: allocatable, zone: 0 };
        Expansion { group, template, estimate: Estimate { nodes, placed: vec![(wanted, 1)] } }
    }

    #[test]
    fn waste_is_of_the_capacity_and_not_of_what_is_allocatable() {
        // Of capacity: 1/2 + 1/2 = 1 and 3/8 + 1/2 = 0.875. Of what is allocatable it would be 0 and 0.875.
        let options =
            [option(0, size(2_000, 8), size(1_000, 4), 1), option(1, size(1_600, 8), size(1_600, 8), 1)];
        let best = choose(Expander::LeastWaste, options.to_vec(), |_| unreachable!("one is best")).unwrap();
        assert_eq!(best.group, 1);
    }

    #[test]
    fn chance_decides_among_equals_only() {
        let equal = |group| option(group, size(2_000, 8), size(1_900, 7), 1);
        // Two nodes for one pod waste more: 3/4 + 3/4.
        let options = vec![option(0, size(2_000, 8), size(1_900, 7), 2), equal(1), equal(2)];
        let best = |expander, pick| {
            choose(expander, options.clone(), |n| {
                assert_eq!(n, if expander == Expander::Random { 3 } else { 2 });
                pick
            })
        };
        assert_eq!(best(Expander::LeastWaste, 0).map(|option| option.group), Some(1));
        assert_eq!(best(Expander::LeastWaste, 1).map(|option| option.group), Some(2));
        assert_eq!(best(Expander::Random, 0).map(|option| option.group), Some(0));
        assert_eq!(choose(Expander::LeastWaste, Vec::new(), |_| 0), None);
    }
}
