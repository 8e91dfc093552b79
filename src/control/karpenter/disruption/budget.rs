//! How many nodes of each NodePool may be disrupted now (`spec.disruption.budgets`;
//! `pkg/controllers/disruption/helpers.go`, `pkg/apis/v1/nodepool.go`).

use crate::platform::Budget;

/// The nodes of a pool, as budgets count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolNodes {
    /// Initialized nodes whose instances are not terminated; percentages are of these.
    pub initialized: u32,
    /// Those of them that are being deleted or are to be, or are not Ready.
    pub disrupted: u32,
}

/// What is left of a pool's budgets: the least of them counts, a percentage is rounded up, and what is disrupted
/// already is taken off.
pub fn allowed(budgets: &[Budget], nodes: PoolNodes) -> u32 {
    let limit = |budget: &Budget| match *budget {
        Budget::Nodes(count) => count,
        Budget::Percent(percent) => {
            u32::try_from((u64::from(nodes.initialized) * u64::from(percent)).div_ceil(100))
                .unwrap_or(u32::MAX)
        }
    };
    budgets.iter().map(limit).min().unwrap_or(u32::MAX).saturating_sub(nodes.disrupted)
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

    #[test]
    fn the_least_budget_counts_and_percentages_are_rounded_up() {
        use Budget::{Nodes, Percent};
        // (budgets, initialized, disrupted already, allowed)
        let cases: [(&[Budget], u32, u32, u32); 10] = [
            (&[Percent(10)], 9, 0, 1),  // 0.9
            (&[Percent(10)], 10, 0, 1), // 1.0
            (&[Percent(10)], 11, 0, 2), // 1.1
            (&[Percent(10)], 11, 1, 1),
            (&[Percent(10)], 11, 5, 0), // never below nothing
            (&[Percent(10)], 0, 0, 0),
            (&[Percent(0)], 50, 0, 0),
            (&[Nodes(3), Percent(10)], 11, 0, 2),
            (&[Nodes(1), Percent(10)], 11, 0, 1),
            (&[], 11, 0, u32::MAX),
        ];
        for (budgets, initialized, disrupted, expected) in cases {
            let nodes = PoolNodes { initialized, disrupted };
            assert_eq!(allowed(budgets, nodes), expected, "{budgets:?} of {nodes:?}");
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
