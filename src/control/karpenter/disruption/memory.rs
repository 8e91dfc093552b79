//! What consolidation remembers of searches that found nothing: the same cluster is not searched again for a while
//! (`IsConsolidated` and `markConsolidated` in `pkg/controllers/disruption/consolidation.go`, `ConsolidationState` in
//! `pkg/controllers/state/cluster.go`).

use crate::decide::karpenter::disruption::Method;
use crate::units::{Span, Time};

/// The cluster counts as changed this often at least.
const CHANGED_AT_LEAST_EVERY: Span = Span::from_secs(300);

#[derive(Clone, Debug, Default)]
pub struct Memory {
    fingerprint: Option<u64>,
    /// When the cluster last changed, as far as Karpenter notices.
    changed: Option<Time>,
    drift: Fruitless,
    multi_node: Fruitless,
    single_node: Fruitless,
}

/// The last search of a method that found nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Fruitless {
    /// Of which state of the cluster; `None` if Karpenter would not remember it.
    state: Option<Time>,
    /// What it depended on. The same again gives the same, which need not be computed.
    inputs: Option<u64>,
}

impl Memory {
    /// Takes note of the cluster as it is.
    pub fn observe(&mut self, now: Time, fingerprint: u64) {
        let is_recent = self.changed.is_some_and(|changed| now - changed < CHANGED_AT_LEAST_EVERY);
        if self.fingerprint != Some(fingerprint) || !is_recent {
            self.changed = Some(now);
        }
        self.fingerprint = Some(fingerprint);
    }

    /// Whether a search would be skipped, or is known to find nothing.
    pub fn is_pointless(&self, method: Method, inputs: impl FnOnce() -> u64) -> bool {
        let last = self.of(method);
        last.state.is_some_and(|state| Some(state) == self.changed)
            || last.inputs.is_some_and(|known| known == inputs())
    }

    /// Remembers a search that found nothing. With `constrained` budgets were in the way and Karpenter does not
    /// remember.
    pub fn found_nothing(&mut self, method: Method, inputs: u64, constrained: bool) {
        let state = if constrained { None } else { self.changed };
        *self.of_mut(method) = Fruitless { state, inputs: Some(inputs) };
    }

    fn of(&self, method: Method) -> Fruitless {
        match method {
            Method::Emptiness => Fruitless::default(),
            Method::Drift => self.drift,
            Method::MultiNode => self.multi_node,
            Method::SingleNode => self.single_node,
        }
    }

    fn of_mut(&mut self, method: Method) -> &mut Fruitless {
        match method {
            Method::Drift => &mut self.drift,
            Method::MultiNode => &mut self.multi_node,
            Method::Emptiness | Method::SingleNode => &mut self.single_node,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_ms(seconds * 1_000)
    }

    #[test]
    fn a_fruitless_search_is_not_repeated_until_something_changed_or_five_minutes_passed() {
        // A search at 100 s found nothing in the cluster 1. (when, cluster, inputs, whether to skip)
        for (second, cluster, inputs, skip) in [
            (110, 1, 7, true),
            (399, 1, 8, true), // Not five minutes: Karpenter does not look at what else changed.
            (400, 1, 7, true), // It looks again, and would find the same.
            (400, 1, 8, false), // It looks again, at something else.
            (110, 2, 8, false),
        ] {
            let mut memory = Memory::default();
            memory.observe(at(100), 1);
            memory.found_nothing(Method::SingleNode, 7, false);
            memory.observe(at(second), cluster);
            let case = (second, cluster, inputs);
            assert_eq!(memory.is_pointless(Method::SingleNode, || inputs), skip, "{case:?}");
            assert!(!memory.is_pointless(Method::MultiNode, || inputs), "methods remember for themselves");
        }
    }

    #[test]
    fn what_budgets_prevented_is_not_remembered() {
        let mut memory = Memory::default();
        memory.observe(at(100), 1);
        memory.found_nothing(Method::MultiNode, 7, true);
        memory.observe(at(110), 1);
        assert!(!memory.is_pointless(Method::MultiNode, || 8));
        assert!(memory.is_pointless(Method::MultiNode, || 7));
    }
}
