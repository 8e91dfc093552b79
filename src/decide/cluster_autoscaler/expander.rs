//! Which of several node groups grows (`cluster-autoscaler/expander/`).
//!
//! A chain of filters, each of which leaves the best of what the one before has left; then chance among the rest.

use super::estimator::Estimate;
use super::settings::{Expander, Priorities};
use crate::kube::{CPU, ResourceList};

/// A group that could grow, and by how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion<'a> {
    /// Its number among all groups.
    pub group: usize,
    pub name: &'a str,
    /// Of its template.
    pub capacity: ResourceList,
    pub estimate: Estimate,
}

/// The option that the expanders take; `None` if none is left. `chance(equals)` gives the index of the one that is taken
/// among equals.
pub fn choose<'a>(
    expanders: &[Expander],
    priorities: Option<&Priorities>,
    mut options: Vec<Expansion<'a>>,
    chance: impl FnOnce(&[Expansion<'a>]) -> usize,
) -> Option<Expansion<'a>> {
    for expander in expanders {
        match expander {
            Expander::LeastWaste => keep_least(&mut options, waste, f64::total_cmp),
            Expander::MostPods => {
                keep_least(&mut options, |option| std::cmp::Reverse(option.estimate.pods), Ord::cmp);
            }
            Expander::LeastNodes => keep_least(&mut options, |option| option.estimate.nodes, Ord::cmp),
            Expander::Priority => {
                let priorities = priorities?;
                let priority = |option: &Expansion| priorities.of(option.name);
                // If no expression names any of them, all are as good.
                keep_least(&mut options, |option| std::cmp::Reverse(priority(option)), Ord::cmp);
            }
            Expander::Random => {}
        }
        if options.len() < 2 {
            return options.pop();
        }
    }
    let taken = chance(&options);
    (taken < options.len()).then(|| options.swap_remove(taken))
}

fn keep_least<'a, T>(
    options: &mut Vec<Expansion<'a>>,
    of: impl Fn(&Expansion<'a>) -> T,
    compare: impl Fn(&T, &T) -> std::cmp::Ordering,
) {
    let Some(least) = options.iter().map(&of).min_by(&compare) else { return };
    options.retain(|option| compare(&of(option), &least).is_eq());
}

/// The one with the first name: what stands for chance where everything is to be the same every time.
pub fn first_name(equals: &[Expansion]) -> usize {
    let names = equals.iter().enumerate().min_by_key(|(_, option)| option.name);
    names.map_or(0, |(index, _)| index)
}

/// The unused shares of CPU and memory together (`expander/waste/waste.go`). Counts the nodes' capacity, though pods
/// get no more than what is allocatable.
#[expect(clippy::float_arithmetic, reason = "the real one compares these sums of float64")]
fn waste(option: &Expansion) -> f64 {
    let Estimate { nodes, requests, .. } = &option.estimate;
    let nodes = i64::from(*nodes);
    let unused = |all: i64, used: i64| (all - used) as f64 / all as f64;
    let mut capacity = ResourceList::ZERO;
    capacity[CPU] = option.capacity[CPU];
    unused(capacity.milli_cpu() * nodes, requests.milli_cpu())
        + unused(option.capacity.memory() * nodes, requests.memory())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::cluster_autoscaler::fixtures::resources;

    /// Pods of 1,000m and 4 GiB each on `nodes` nodes of a group.
    fn option(name: &str, capacity: ResourceList, nodes: u32, pods: u32) -> Expansion<'_> {
        let one = resources(1_000, 4_096);
        let requests = (0..pods).fold(ResourceList::ZERO, |sum, _| sum + one);
        Expansion { group: 0, name, capacity, estimate: Estimate { nodes, pods, requests } }
    }

    /// Names of what is left when chance is asked, or of the one that is taken without.
    fn left<'a>(
        expanders: &[Expander],
        priorities: Option<&Priorities>,
        options: &[Expansion<'a>],
    ) -> Vec<&'a str> {
        let mut equals = Vec::new();
        let taken = choose(expanders, priorities, options.to_vec(), |left| {
            equals.extend(left.iter().map(|option| option.name));
            0
        });
        if equals.is_empty() { taken.iter().map(|option| option.name).collect() } else { equals }
    }

    #[test]
    fn each_expander_leaves_the_best() {
        use Expander::{LeastNodes, LeastWaste, MostPods, Priority, Random};

        let options = [
            // Unused: 1/2 of the CPU and 1/2 of the memory.
            option("a", resources(4_000, 16_384), 1, 2),
            // Nothing unused, twice over.
            option("b", resources(1_000, 4_096), 2, 2),
            option("c", resources(3_000, 12_288), 1, 3),
            // 3/4 unused each.
            option("d", resources(8_000, 32_768), 1, 2),
        ];
        for (expanders, expected) in [
            (vec![LeastWaste], vec!["b", "c"]),
            (vec![MostPods], vec!["c"]),
            (vec![LeastNodes], vec!["a", "c", "d"]),
            (vec![Random], vec!["a", "b", "c", "d"]),
            // Each filter is asked about what the one before has left.
            (vec![LeastNodes, LeastWaste], vec!["c"]),
            (vec![LeastWaste, LeastNodes], vec!["c"]),
            (vec![LeastWaste, Random], vec!["b", "c"]),
            // Without its ConfigMap the priority expander takes none.
            (vec![Priority], vec![]),
        ] {
            assert_eq!(left(&expanders, None, &options), expected, "{expanders:?}");
        }
        assert_eq!(choose(&[LeastWaste], None, Vec::new(), |_| 0), None);
    }

    #[test]
    fn the_highest_priority_whose_expressions_name_a_group_counts() {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let options = ["jobs-spot-a", "jobs-spot-b", "jobs-od", "web"]
            .map(|name| option(name, resources(1_000, 4_096), 1, 1));
        for (priorities, expected) in [
            (vec![(10, texts(&[".*"])), (50, texts(&["spot"]))], vec!["jobs-spot-a", "jobs-spot-b"]),
            (vec![(10, texts(&["^web$", "od$"])), (5, texts(&["spot"]))], vec!["jobs-od", "web"]),
            // Nothing is named, or with a priority that is never asked: all are as good.
            (
                vec![(10, texts(&["^spot"])), (-2, texts(&[".*"]))],
                vec!["jobs-spot-a", "jobs-spot-b", "jobs-od", "web"],
            ),
        ] {
            let all = priorities.iter().map(|(priority, texts)| (*priority, texts.as_slice()));
            let compiled = Priorities::new(all).unwrap();
            assert_eq!(left(&[Expander::Priority], Some(&compiled), &options), expected, "{priorities:?}");
        }
        assert!(Priorities::new([(1, texts(&["("]).as_slice())]).is_err());
    }

    #[test]
    fn waste_is_of_the_capacity_and_not_of_what_is_allocatable() {
        // Of capacity: 1/2 + 1/2 = 1 and 3/8 + 1/2 = 0.875, whatever part of the first is allocatable.
        let options =
            [option("a", resources(2_000, 8_192), 1, 1), option("b", resources(1_600, 8_192), 1, 1)];
        assert_eq!(left(&[Expander::LeastWaste], None, &options), ["b"]);
    }

    #[test]
    fn the_first_name_stands_for_chance() {
        let options = ["b", "c", "a"].map(|name| option(name, resources(1_000, 4_096), 1, 1));
        assert_eq!(first_name(&options), 2);
    }
}
