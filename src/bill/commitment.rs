//! Which Savings Plan commitment would have cost least, and what becomes of one when usage changes.
//!
//! What a platform costs is a convex, piecewise linear function of its commitment: within an hour, each further cent buys
//! usage with a discount no higher than the cent before it, and in the end nothing; a sum of such hours is convex too. So
//! the least cost is where a further step of 0.001 USD, the finest that AWS sells, saves nothing any more, and halving
//! finds it. Every cost here is settled as the bill settles it (see `savings_plan`), to the last digit.
//!
//! The answer looks back. A commitment is for one or three years, and the usage that it is judged by is that of a trace:
//! [`PlanUsage::break_even_percent`] says how much less usage it bears.

use super::savings_plan::{PlanUse, Usage};
use super::{MissingPrice, metered};
use crate::catalog::Catalog;
use crate::ledger::Ledger;
use crate::platform::{Cluster, PlanScope};
use crate::units::{Rate, Usd};
use crate::workload::Window;

/// AWS sells commitments with three decimals.
const STEP: Rate = Rate::from_femto(1_000_000_000_000);
/// Where [`PlanUsage::break_even_percent`] gives up: ten times the usage.
const MOST_PERCENT: u32 = 1_000;

/// What one platform cost without a plan, and how much of it a plan could cover in each hour.
#[derive(Clone, Debug)]
pub struct PlanUsage {
    usage: Usage,
    window: Window,
    without: Usd,
}

/// What a commitment would have been worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// What everything cost at list prices.
    pub total_without: Usd,
    /// What everything would have cost with the commitment.
    pub total_with: Usd,
    /// The commitment itself, and how it was used.
    pub plan: PlanUse,
}

impl Commitment {
    pub fn per_hour(&self) -> Rate {
        self.plan.per_hour
    }

    /// What it saves; less than nothing if it costs more than it covers.
    pub fn saved(&self) -> Usd {
        self.total_without - self.total_with
    }

    /// Whether it is better than none.
    pub fn pays(&self) -> bool {
        self.saved() > Usd::ZERO
    }
}

impl PlanUsage {
    /// Meters `ledger` as [`bill`](super::bill) does without a plan.
    pub fn of(
        ledger: &Ledger,
        catalog: &Catalog,
        cluster: &Cluster,
        scope: &PlanScope,
    ) -> Result<Self, MissingPrice> {
        let (mut biller, _) = metered(ledger, catalog, *cluster, Some(scope))?;
        let usage = biller.take_plan_usage().unwrap_or_else(|| Usage::new(scope, ledger));
        let (items, _) = biller.items();
        let without = items.iter().map(|item| item.usd).sum();
        Ok(Self { usage, window: ledger.window, without })
    }

    /// What a commitment of so much an hour would have been worth. It may be any rate; AWS sells whole 0.001 USD.
    pub fn evaluate(&self, per_hour: Rate) -> Commitment {
        let plan = self.usage.settle(per_hour, self.window).total;
        let total_with = self.without - plan.covered + plan.commitment;
        Commitment { total_without: self.without, total_with, plan }
    }

    /// The commitment with which everything costs least, to 0.001 USD; the least of several. Zero where none pays.
    pub fn best(&self) -> Commitment {
        self.evaluate(best(&self.usage, self.window))
    }

    /// The same hours with so many percent of what a plan could cover. What it cannot cover stays as it is.
    pub fn scaled(&self, percent: u32) -> Self {
        let usage = self.usage.scaled(percent);
        let eligible = |usage: &Usage| usage.settle(Rate::ZERO, self.window).total.eligible;
        let without = self.without - eligible(&self.usage) + eligible(&usage);
        Self { usage, window: self.window, without }
    }

    /// The smallest whole percentage of this usage, every hour alike, at which a commitment costs no more than it
    /// covers; `None` if ten times the usage is not enough.
    pub fn break_even_percent(&self, per_hour: Rate) -> Option<u32> {
        // More usage never covers less.
        let bears = |percent: u32| self.scaled(percent).evaluate(per_hour).saved() >= Usd::ZERO;
        let first = first(MOST_PERCENT.into(), |percent| bears(percent as u32));
        u32::try_from(first).ok().filter(|percent| *percent < MOST_PERCENT || bears(MOST_PERCENT))
    }
}

/// See [`PlanUsage::best`].
pub(super) fn best(usage: &Usage, window: Window) -> Rate {
    let rate = |steps: i128| Rate::from_femto(steps * STEP.femto());
    let net = |steps: i128| {
        let plan = usage.settle(rate(steps), window).total;
        plan.commitment - plan.covered
    };
    // Beyond what covers everything, more only costs.
    let most = usage.ample(window).femto() / STEP.femto() + 1;
    rate(first(most, |steps| net(steps + 1) >= net(steps)))
}

/// The first of 0, 1, … `most` for which `holds`, which then holds for all further ones; `most` if it holds for none
/// before.
fn first(most: i128, holds: impl Fn(i128) -> bool) -> i128 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
