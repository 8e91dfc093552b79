//! After a scale-up that failed, a node group is left alone for a while
//! (`cluster-autoscaler/utils/backoff/exponential_backoff.go`).

use crate::units::{Span, Time};

/// Failures that long ago are forgotten (`node-group-backoff-reset-timeout`).
const RESET_AFTER: Span = Span::from_secs(3 * 3_600);

/// Of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    last: Option<Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failure {
    at: Time,
    until: Time,
    duration: Span,
}

impl Backoff {
    pub fn is_over(&self, now: Time) -> bool {
        self.last.is_none_or(|last| last.until <= now)
    }

    /// Twice as long as last time; as at first if that still lasts or is long ago.
    pub fn failed(&mut self, now: Time, initial: Span, longest: Span) {
        let duration = match self.last {
            Some(last) if last.at + RESET_AFTER >= now && last.until < now => {
                (last.duration + last.duration).min(longest)
            }
            _ => initial,
        };
        self.last = Some(Failure { at: now, until: now + duration, duration });
    }

    /// A scale-up has come to its end: all its nodes are there.
    pub fn succeeded(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_longest_and_is_forgotten() {
        let minutes = |n: i64| Time::from_ms(n * 60_000);
        let (initial, longest) = (Span::from_secs(300), Span::from_secs(1_800));
        let mut backoff = Backoff::default();
        // (failure at, over at), in minutes: 5, then twice as long; a failure during the back-off starts again at 5; 10, 20,
        // 30 and no more; forgotten three hours after the last failure.
        let cases = [(0, 5), (6, 16), (8, 13), (20, 30), (40, 60), (70, 100), (101, 131), (282, 287)];
        for (at, over) in cases {
            backoff.failed(minutes(at), initial, longest);
            assert!(!backoff.is_over(minutes(over) - Span::from_ms(1)), "{at}");
            assert!(backoff.is_over(minutes(over)), "{at}");
        }
        backoff.failed(minutes(282), initial, longest);
        backoff.succeeded();
        assert!(backoff.is_over(minutes(282)));
    }
}
