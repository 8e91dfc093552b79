//! EKS Fargate: one micro-VM per pod, started at the rate that the account's launch quota allows.
//!
//! Sources: EKS user guide (one pod per node, sizes); AWS Fargate throttling quotas (token bucket of pod
//! launches: 20 at once, refilled with 20 a second for accounts that run only EKS pods).

use std::collections::VecDeque;

use super::{Action, Controller, NextWake, Trigger, View, Wants};
use crate::ledger::TemplateId;
use crate::sim::RunIndex;
use crate::units::{Span, Time};
use crate::workload::ClassId;

#[derive(Clone, Debug)]
pub struct FargateController {
    bucket: TokenBucket,
    /// The billed size of each class; `None` for a class that fits no Fargate size.
    sizes: Vec<Option<TemplateId>>,
    /// Pods that wait for a token, first come first served.
    waiting: VecDeque<(RunIndex, ClassId)>,
}

impl FargateController {
    pub fn new(burst: u32, per_second: u32, sizes: Vec<Option<TemplateId>>) -> Self {
        Self { bucket: TokenBucket::new(burst, per_second), sizes, waiting: VecDeque::new() }
    }
}

impl Controller for FargateController {
    fn step(&mut self, now: Time, triggers: &[Trigger], _view: &View, actions: &mut Vec<Action>) -> NextWake {
        for trigger in triggers {
            let Trigger::PodCreated { run, class } = *trigger else { continue };
            match self.sizes[class as usize] {
                Some(_) => self.waiting.push_back((run, class)),
                None => actions.push(Action::LeavePending { run }),
            }
        }
        while let Some((run, class)) = self.waiting.front().copied() {
            if let Err(next) = self.bucket.take(now) {
                return NextWake::At(next);
            }
            self.waiting.pop_front();
            let kind = self.sizes[class as usize].expect("only pods with a size wait");
            actions.push(Action::RunOnFargate { run, kind });
        }
        NextWake::OnTrigger
    }

    fn wants(&self) -> Wants {
        Wants { created_pods: true, ..Wants::default() }
    }
}

/// A token bucket in integers: a thousandth of a token a millisecond per token a second.
#[derive(Clone, Copy, Debug)]
struct TokenBucket {
    millitokens: i64,
    capacity: i64,
    per_ms: i64,
    updated: Option<Time>,
}

const TOKEN: i64 = 1_000;

impl TokenBucket {
    fn new(burst: u32, per_second: u32) -> Self {
        let capacity = i64::from(burst) * TOKEN;
        Self { millitokens: capacity, capacity, per_ms: i64::from(per_second), updated: None }
    }

    /// Takes a token, or says when there will be one.
    fn take(&mut self, now: Time) -> Result<(), Time> {
        let elapsed = self.updated.map_or(Span::ZERO, |then| now - then);
        self.updated = Some(now);
        let refilled = elapsed.ms().saturating_mul(self.per_ms);
        self.millitokens = self.millitokens.saturating_add(refilled).min(self.capacity);
        if self.millitokens >= TOKEN {
            self.millitokens -= TOKEN;
            return Ok(());
        }
        let missing = TOKEN - self.millitokens;
        Err(now + Span::from_ms(missing / self.per_ms + i64::from(missing % self.per_ms != 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_launched_at_once_and_the_rest_at_the_rate() {
        let mut bucket = TokenBucket::new(3, 20);
        let t = Time::from_ms;
        for _ in 0..3 {
            assert_eq!(bucket.take(t(0)), Ok(()));
        }
        // 20 a second is one every 50 ms.
        assert_eq!(bucket.take(t(0)), Err(t(50)));
        assert_eq!(bucket.take(t(50)), Ok(()));
        assert_eq!(bucket.take(t(60)), Err(t(100)));
        // After a long pause the bucket is full, not more.
        for _ in 0..3 {
            assert_eq!(bucket.take(t(1_000_000)), Ok(()));
        }
        assert_eq!(bucket.take(t(1_000_000)), Err(t(1_000_050)));
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_is_rounded_up_to_a_millisecond() {
        let mut bucket = TokenBucket::new(1, 3);
        assert_eq!(bucket.take(Time::from_ms(0)), Ok(()));
        assert_eq!(bucket.take(Time::from_ms(0)), Err(Time::from_ms(334)));
        assert_eq!(bucket.take(Time::from_ms(334)), Ok(()));
    }
}
