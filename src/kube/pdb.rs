//! PodDisruptionBudgets: how many of some pods may be evicted at a time.

use super::{LabelSelector, PodSpec};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntOrPercent {
    Int(i64),
    Percent(i64),
}

impl IntOrPercent {
    /// Its value where there are `total`; parts of one count as one.
    pub fn of(self, total: i64) -> i64 {
        match self {
            Self::Int(value) => value,
            Self::Percent(percent) => (percent * total + 99).div_euclid(100),
        }
    }
}

/// A PodDisruptionBudget (`policy/v1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdb {
    pub name: String,
    pub namespace: String,
    pub selector: Option<LabelSelector>,
    pub min_available: Option<IntOrPercent>,
    pub max_unavailable: Option<IntOrPercent>,
    /// `status.disruptionsAllowed`, where the status is given.
    pub disruptions_allowed: Option<i64>,
    /// `unhealthyPodEvictionPolicy: AlwaysAllow`.
    pub always_allows_unhealthy: bool,
}

impl Pdb {
    pub fn covers(&self, pod: &PodSpec) -> bool {
        self.namespace == pod.namespace
            && self.selector.as_ref().is_some_and(|selector| selector.matches(&pod.labels))
    }

    /// Whether it never lets a pod go, however many there are.
    pub fn blocks_always(&self) -> bool {
        let none = [IntOrPercent::Int(0), IntOrPercent::Percent(0)];
        self.max_unavailable.is_some_and(|most| none.contains(&most))
            || self.min_available == Some(IntOrPercent::Percent(100))
    }

    /// How many of its pods may go now, of which there should be `expected` and are `healthy`
    /// (`pkg/controller/disruption` of Kubernetes).
    pub fn allowed(&self, expected: i64, healthy: i64) -> i64 {
        let desired_healthy = match (self.max_unavailable, self.min_available) {
            (Some(most), _) => (expected - most.of(expected)).max(0),
            (None, Some(least)) => least.of(expected),
            (None, None) => 0,
        };
        (healthy - desired_healthy).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_budget_allows() {
        use IntOrPercent::{Int, Percent};

        let pdb = |min_available, max_unavailable| Pdb {
            name: "jobs".to_owned(),
            namespace: "default".to_owned(),
            selector: Some(LabelSelector::default()),
            min_available,
            max_unavailable,
            disruptions_allowed: None,
            always_allows_unhealthy: false,
        };
        for (budget, expected, healthy, allowed, blocks) in [
            (pdb(Some(Int(2)), None), 3, 3, 1, false),
            (pdb(Some(Int(2)), None), 3, 1, 0, false),
            // 50 % of 7 is 3.5, so 4 have to stay.
            (pdb(Some(Percent(50)), None), 7, 7, 3, false),
            (pdb(Some(Percent(100)), None), 7, 7, 0, true),
            (pdb(None, Some(Int(1))), 5, 5, 1, false),
            (pdb(None, Some(Int(0))), 5, 5, 0, true),
            // 30 % of 7 is 2.1, so 3 may be missing, and one is already.
            (pdb(None, Some(Percent(30))), 7, 6, 2, false),
        ] {
            assert_eq!(budget.allowed(expected, healthy), allowed, "{budget:?}");
            assert_eq!(budget.blocks_always(), blocks, "{budget:?}");
        }
    }
}
