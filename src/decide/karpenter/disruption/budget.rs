//! How many nodes of each NodePool may be disrupted now (`BuildDisruptionBudgetMapping` in
//! `pkg/controllers/disruption/helpers.go`).

use crate::kube::{Budget, DisruptionReason};
use crate::units::Time;

/// The nodes of a pool, as budgets count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolNodes {
    /// Initialized nodes whose instances are not terminated; percentages are of these.
    pub initialized: u32,
    /// Those of them that are being deleted or are to be, or are not Ready.
    pub disrupted: u32,
}

/// What is left of a pool's budgets for a reason: the least of those that hold now counts, a percentage is rounded up,
/// and what is disrupted already, for whatever reason, is taken off.
pub fn allowed(budgets: &[Budget], reason: DisruptionReason, nodes: PoolNodes, now: Time) -> u32 {
    let active = budgets.iter().filter(|budget| budget.concerns(reason) && budget.is_active(now));
    let least = active.map(|budget| budget.of(nodes.initialized)).min();
    least.unwrap_or(u32::MAX).saturating_sub(nodes.disrupted)
}

/// What is left of every pool's budgets while a method picks nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budgets(pub Vec<u32>);

impl Budgets {
    pub fn has(&self, pool: usize) -> bool {
        self.0[pool] > 0
    }

    /// Uses up one node of a pool's; gives whether there was one.
    pub fn take(&mut self, pool: usize) -> bool {
        let had = self.has(pool);
        self.0[pool] -= u32::from(had);
        had
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::{BudgetWindow, Schedule};
    use crate::units::Span;
    use DisruptionReason::{Drifted, Empty, Underutilized};

    #[test]
    fn the_least_budget_counts_and_percentages_are_rounded_up() {
        let (nodes, percent) = (Budget::nodes, Budget::percent);
        // (budgets, initialized, disrupted already, allowed)
        let cases = [
            (vec![percent(10)], 9, 0, 1),  // 0.9
            (vec![percent(10)], 10, 0, 1), // 1.0
            (vec![percent(10)], 11, 0, 2), // 1.1
            (vec![percent(10)], 11, 1, 1),
            (vec![percent(10)], 11, 5, 0), // never below nothing
            (vec![percent(10)], 0, 0, 0),
            (vec![percent(0)], 50, 0, 0),
            (vec![nodes(3), percent(10)], 11, 0, 2),
            (vec![nodes(1), percent(10)], 11, 0, 1),
            (vec![], 11, 0, u32::MAX),
        ];
        for (budgets, initialized, disrupted, expected) in cases {
            let nodes = PoolNodes { initialized, disrupted };
            assert_eq!(
                allowed(&budgets, Empty, nodes, Time::from_ms(0)),
                expected,
                "{budgets:?} of {nodes:?}"
            );
        }
    }

    #[test]
    fn budgets_are_for_reasons_and_times() {
        // Ten nodes. Always at most half; of drifted ones one; of underutilized ones none from 09:00 on for an hour.
        let window = BudgetWindow {
            schedule: Schedule::parse("0 9 * * *").unwrap(),
            duration: Span::from_secs(3_600),
        };
        let budgets = [
            Budget::percent(50),
            Budget { reasons: vec![Drifted], ..Budget::nodes(1) },
            Budget { reasons: vec![Underutilized], window: Some(window), ..Budget::nodes(0) },
        ];
        for (reason, hour, expected) in
            [(Empty, 9, 5), (Drifted, 9, 1), (Underutilized, 9, 0), (Underutilized, 10, 5)]
        {
            let nodes = PoolNodes { initialized: 10, disrupted: 0 };
            let now = Time::from_ms(hour * 3_600_000);
            assert_eq!(allowed(&budgets, reason, nodes, now), expected, "{reason:?} at {hour}:00");
        }
    }

    #[test]
    fn a_method_uses_a_budget_up() {
        let mut budgets = Budgets(vec![2, 0]);
        assert_eq!(
            [budgets.take(0), budgets.take(0), budgets.take(0), budgets.take(1)],
            [true, true, false, false]
        );
    }
}
