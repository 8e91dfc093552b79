//! Budgets of NodePools: how many nodes Karpenter may disrupt at once (`spec.disruption.budgets` of `karpenter.sh/v1`;
//! `pkg/apis/v1/nodepool.go`).

use super::Schedule;
use crate::units::{Span, Time};

/// Why Karpenter disrupts a node of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DisruptionReason {
    Underutilized,
    Empty,
    Drifted,
}

impl DisruptionReason {
    pub const ALL: [Self; 3] = [Self::Underutilized, Self::Empty, Self::Drifted];

    /// As the API calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Underutilized => "Underutilized",
            Self::Empty => "Empty",
            Self::Drifted => "Drifted",
        }
    }
}

/// One line of `budgets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub nodes: BudgetNodes,
    /// Empty: all.
    pub reasons: Vec<DisruptionReason>,
    /// `None`: always.
    pub window: Option<BudgetWindow>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetNodes {
    Count(u32),
    /// Of all nodes of the pool, rounded up.
    Percent(u32),
}

/// A budget holds for `duration` from each time of the schedule on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetWindow {
    pub schedule: Schedule,
    pub duration: Span,
}

impl Budget {
    /// One that always holds, for every reason.
    pub const fn nodes(count: u32) -> Self {
        Self { nodes: BudgetNodes::Count(count), reasons: Vec::new(), window: None }
    }

    /// One that always holds, for every reason.
    pub const fn percent(percent: u32) -> Self {
        Self { nodes: BudgetNodes::Percent(percent), reasons: Vec::new(), window: None }
    }

    pub fn concerns(&self, reason: DisruptionReason) -> bool {
        self.reasons.is_empty() || self.reasons.contains(&reason)
    }

    /// Whether it holds now: its schedule had a time within the last `duration`. A schedule that never comes holds
    /// always, as it does in Karpenter (whose parser calls its next time the year 1).
    pub fn is_active(&self, now: Time) -> bool {
        let Some(BudgetWindow { schedule, duration }) = &self.window else { return true };
        schedule.next(now - *duration).is_none_or(|next| next <= now)
    }

    /// How many of a pool's nodes it allows to go, of so many.
    pub fn of(&self, nodes: u32) -> u32 {
        match self.nodes {
            BudgetNodes::Count(count) => count,
            BudgetNodes::Percent(percent) => {
                u32::try_from((u64::from(nodes) * u64::from(percent)).div_ceil(100)).unwrap_or(u32::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_holds_from_each_time_of_its_schedule_for_its_duration() {
        // Every day from 09:00 for eight hours. 1 January 1970 is day 0.
        let budget = |schedule, hours: i64| Budget {
            window: Some(BudgetWindow {
                schedule: Schedule::parse(schedule).unwrap(),
                duration: Span::from_secs(hours * 3_600),
            }),
            ..Budget::nodes(0)
        };
        let second = |hour: i64, second| Time::from_ms((10 * 86_400 + hour * 3_600 + second) * 1_000);
        for (at, expected) in [
            (second(9, -1), false),
            (second(9, 0), true),
            (second(17, -1), true),
            (second(17, 0), false), // The last time is exactly as long ago as it holds.
        ] {
            assert_eq!(budget("0 9 * * *", 8).is_active(at), expected, "{at:?}");
        }
        // Longer than from one time to the next: always.
        assert!(budget("0 9 * * *", 25).is_active(second(9, -1)));
        // 30 February.
        assert!(budget("0 0 30 2 *", 1).is_active(second(9, 0)));
        assert!(Budget::nodes(0).is_active(second(9, 0)));
    }
}
