//! Whether a command still holds 15 s after it was found (`pkg/controllers/disruption/validation.go`).
//!
//! Anything that came or went in between may have changed the answer, and then the command is dropped: where pods come
//! and go all the time, little is consolidated. Karpenter looks at the candidates once more after its second
//! simulation; no time passes between the two here.

use super::Method;
use super::budget::Budgets;
use super::candidate::Candidate;
use super::decision::{LaunchOption, Replacement, Simulated};

/// Which of a command's candidates still are candidates, within the budgets of now: of empty nodes those that are, of
/// others all or none. `current` are the candidates of the method now. `None` if the command does not hold.
pub fn still_candidates(
    method: Method,
    planned: &[Candidate],
    current: &[Candidate],
    budgets: &mut Budgets,
) -> Option<Vec<Candidate>> {
    let is_planned = |candidate: &&Candidate| planned.iter().any(|planned| planned.id == candidate.id);
    let still: Vec<Candidate> =
        current.iter().filter(is_planned).filter(|now| budgets.take(now.pool)).copied().collect();
    let holds = if method == Method::Emptiness { !still.is_empty() } else { still.len() == planned.len() };
    holds.then_some(still)
}

/// Whether a second simulation bears a plan out: again no node or one, and that one may be of every planned type. It
/// knows no price limit and so may be of more.
pub fn is_confirmed<C>(planned: Option<&Replacement<C>>, simulated: &Simulated<C>) -> bool {
    match (planned, simulated) {
        (None, Simulated::Fits) => true,
        (Some(planned), Simulated::OneNode(now)) => {
            let is_possible =
                |wanted: &LaunchOption| now.options.iter().any(|o| o.instance == wanted.instance);
            planned.options.iter().all(is_possible)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{OnDemand, candidate, option, replacement};
    use super::*;

    #[test]
    fn empty_nodes_are_taken_one_by_one_and_others_together() {
        // Planned: 1, 2 and 3. Node 2 is no candidate any more, node 4 has become one.
        let of = |ids: &[u32]| ids.iter().map(|id| candidate(*id, "0.1", 0)).collect::<Vec<_>>();
        let (planned, all, fewer) = (of(&[1, 2, 3]), of(&[1, 2, 3, 4]), of(&[1, 3, 4]));
        for (method, current, budget, expected) in [
            (Method::Emptiness, &all, 9, Some(vec![1, 2, 3])),
            (Method::Emptiness, &fewer, 9, Some(vec![1, 3])),
            (Method::Emptiness, &fewer, 1, Some(vec![1])),
            (Method::Emptiness, &fewer, 0, None),
            (Method::MultiNode, &all, 9, Some(vec![1, 2, 3])),
            (Method::MultiNode, &fewer, 9, None),
            (Method::MultiNode, &all, 2, None),
        ] {
            let still = still_candidates(method, &planned, current, &mut Budgets(vec![budget]));
            let ids = still.map(|still| still.iter().map(|candidate| candidate.id).collect::<Vec<_>>());
            assert_eq!(ids, expected, "{method:?} with a budget of {budget}");
        }
    }

    /// Planned types, what the simulation says now, whether the command goes on.
    type Case<'a> = (Option<&'a [u32]>, Simulated<()>, bool);

    #[test]
    fn a_second_simulation_must_bear_the_plan_out() {
        let node_of = |types: &[u32]| {
            replacement(types.iter().map(|id| option(*id, &[(OnDemand, &["0.1"])])).collect())
        };
        let cases: [Case; 8] = [
            (None, Simulated::Fits, true),
            (None, Simulated::PodsLeftOver, false),
            (None, Simulated::OneNode(node_of(&[1])), false),
            (Some(&[1, 2]), Simulated::OneNode(node_of(&[2, 1, 3])), true),
            (Some(&[1, 2]), Simulated::OneNode(node_of(&[2, 3])), false), // A pod more: type 1 is too small now.
            (Some(&[1, 2]), Simulated::Fits, false), // A better way: found by the next pass.
            (Some(&[1, 2]), Simulated::SeveralNodes, false),
            (Some(&[1, 2]), Simulated::PodsLeftOver, false),
        ];
        for (types, simulated, expected) in cases {
            let planned = types.map(node_of);
            assert_eq!(is_confirmed(planned.as_ref(), &simulated), expected, "{types:?} and {simulated:?}");
        }
    }
}
