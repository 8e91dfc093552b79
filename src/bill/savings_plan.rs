//! What a Savings Plan pays for, hour by hour.
//!
//! AWS settles each UTC clock hour by itself: the commitment buys eligible usage at the plan's rates, that with the
//! highest discount first; what it does not reach is paid on demand, and what is left of it is lost. So a plan
//! cannot be priced from totals: the same hours of work are covered or not by how they are spread over the day.
//!
//! Eligible are EC2 on-demand instances, and of Fargate vCPU and memory; never Spot, volumes, Fargate storage, NAT,
//! the control plane or Auto Mode's fee. The rules taken where AWS leaves room:
//! - a billed second belongs to the hour in which it begins;
//! - the commitment is paid for the billed window only, and for its first and last hour in proportion to their
//!   part in it; usage outside of the window's hours is paid on demand;
//! - families (and Fargate) with equal discounts are covered by name. AWS goes by the lower rate, which moves
//!   money between their lines and leaves the total as it is.
//!
//! Usage is kept as its list price in 10⁻¹⁵ USD. The hours of a lease are differences of rounded charges for its
//! first seconds, so they add up to the lease's own charge, and a plan that covers everything leaves exactly
//! nothing to pay on demand.

use crate::ledger::Ledger;
use crate::platform::PlanScope;
use crate::units::{Rate, Time, Usd};
use crate::workload::Window;

const HOUR_MS: i64 = 3_600_000;
const MILLION: i128 = 1_000_000;
const FARGATE: &str = "Fargate";

/// How a plan was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanUse {
    /// What is committed an hour, at the plan's rates.
    pub per_hour: Rate,
    /// What was paid for the plan.
    pub commitment: Usd,
    /// List price of everything that it could have covered.
    pub eligible: Usd,
    /// List price of what it covered.
    pub covered: Usd,
    /// The part of the commitment that bought nothing.
    pub unused: Usd,
}

impl PlanUse {
    /// Covered ÷ eligible; `None` where nothing was eligible. For display.
    pub fn coverage(&self) -> Option<f64> {
        ratio(self.covered, self.eligible)
    }

    /// The part of the commitment that was used; `None` where none was paid. For display.
    pub fn utilisation(&self) -> Option<f64> {
        ratio(self.commitment - self.unused, self.commitment)
    }
}

#[expect(clippy::float_arithmetic, reason = "for display")]
fn ratio(part: Usd, whole: Usd) -> Option<f64> {
    (whole > Usd::ZERO).then(|| part.femto() as f64 / whole.femto() as f64)
}

/// Index into [`Usage::groups`].
pub(super) type GroupId = usize;

/// What a plan could cover: list prices by discount and hour.
#[derive(Clone, Debug)]
pub(super) struct Usage {
    scope: PlanScope,
    /// Hours since the Unix epoch at the first entry of [`Group::hours`].
    first_hour: i64,
    groups: Vec<Group>,
}

/// Usage with one discount: Fargate, or a family of instance types.
#[derive(Clone, Debug)]
struct Group {
    name: String,
    /// What remains of the price, in parts per million.
    keep_ppm: i128,
    hours: Vec<Usd>,
}

/// What a plan covered.
pub(super) struct Settlement {
    pub total: PlanUse,
    /// List price of what was covered, in the order in which it was.
    pub by_group: Vec<(String, Usd)>,
}

impl Usage {
    pub fn new(scope: &PlanScope, ledger: &Ledger) -> Self {
        let earliest = ledger.leases.iter().map(|lease| lease.running).min();
        let start = earliest.map_or(ledger.window.start, |time| time.min(ledger.window.start));
        Self { scope: scope.clone(), first_hour: hour_of(start.ms()), groups: Vec::new() }
    }

    /// The group of Fargate; `None` if the plan does not cover it.
    pub fn fargate(&mut self) -> Option<GroupId> {
        match self.scope {
            PlanScope::Compute { fargate_ppm, .. } => Some(self.group(FARGATE, fargate_ppm)),
            PlanScope::Ec2 { .. } => None,
        }
    }

    /// The group of a family; `None` if the plan does not cover it.
    pub fn family(&mut self, name: &str) -> Option<GroupId> {
        let discount_ppm = match &self.scope {
            PlanScope::Compute { ec2_ppm, families, .. } => {
                let own = families.iter().find(|(family, _)| family == name);
                Some(own.map_or(*ec2_ppm, |(_, ppm)| *ppm))
            }
            PlanScope::Ec2 { family, discount_ppm } => (family == name).then_some(*discount_ppm),
        };
        discount_ppm.map(|discount_ppm| self.group(name, discount_ppm))
    }

    fn group(&mut self, name: &str, discount_ppm: u32) -> GroupId {
        let known = self.groups.iter().position(|group| group.name == name);
        known.unwrap_or_else(|| {
            let keep_ppm = MILLION - i128::from(discount_ppm);
            self.groups.push(Group { name: name.to_owned(), keep_ppm, hours: Vec::new() });
            self.groups.len() - 1
        })
    }

    /// Spreads a lease that is billed for `seconds` from `from` on over its hours. `whole` is its charge, and
    /// `first` the charge for its first seconds.
    pub fn add(&mut self, group: GroupId, from: Time, seconds: i64, whole: Usd, first: impl Fn(i64) -> Usd) {
        let (start, last) = (hour_of(from.ms()), hour_of(from.ms() + (seconds - 1) * 1_000));
        let hours = &mut self.groups[group].hours;
        let index = |hour: i64| (hour - self.first_hour) as usize;
        if hours.len() <= index(last) {
            hours.resize(index(last) + 1, Usd::ZERO);
        }
        let mut before = Usd::ZERO;
        for hour in start..last {
            let until_next = ((hour + 1) * HOUR_MS - from.ms() + 999).div_euclid(1_000);
            let so_far = first(until_next);
            hours[index(hour)] += so_far - before;
            before = so_far;
        }
        hours[index(last)] += whole - before;
    }

    /// So many percent of the usage of every hour.
    pub fn scaled(&self, percent: u32) -> Self {
        let mut scaled = self.clone();
        let hours = scaled.groups.iter_mut().flat_map(|group| &mut group.hours);
        hours.for_each(|usage| *usage = usage.scaled(percent.into(), 100));
        scaled
    }

    /// The least commitment an hour that covers all usage of `window`, or more.
    pub fn ample(&self, window: Window) -> Rate {
        let most = (self.first_hour..self.end_hour(window)).map(|hour| {
            let part = i128::from(part_of_hour(window, hour));
            let at_plan_rates = |group: &Group| self.of_hour(group, hour).scaled(group.keep_ppm, MILLION);
            let all: Usd = self.groups.iter().map(at_plan_rates).sum();
            if part == 0 { 0 } else { (all.femto() * i128::from(HOUR_MS)) / part + 1 }
        });
        Rate::from_femto(most.max().unwrap_or(0))
    }

    fn end_hour(&self, window: Window) -> i64 {
        let used_hours = self.groups.iter().map(|group| group.hours.len()).max().unwrap_or(0);
        (self.first_hour + used_hours as i64).max(hour_of(window.end.ms()) + 1)
    }

    fn of_hour(&self, group: &Group, hour: i64) -> Usd {
        group.hours.get((hour - self.first_hour) as usize).copied().unwrap_or_default()
    }

    /// Pays `rate` for `window` and covers what that reaches.
    pub fn settle(&self, rate: Rate, window: Window) -> Settlement {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by(|a, b| (a.keep_ppm, &a.name).cmp(&(b.keep_ppm, &b.name)));
        let commitment = paid_until(rate, window, window.end.ms());
        let mut total = PlanUse { per_hour: rate, commitment, ..PlanUse::default() };
        let mut by_group = vec![Usd::ZERO; groups.len()];
        for hour in self.first_hour..self.end_hour(window) {
            let start_ms = hour * HOUR_MS;
            let mut left = paid_until(rate, window, start_ms + HOUR_MS) - paid_until(rate, window, start_ms);
            for (group, sum) in groups.iter().zip(&mut by_group) {
                let usage = self.of_hour(group, hour);
                total.eligible += usage;
                *sum += cover(usage, group.keep_ppm, &mut left);
            }
            total.unused += left;
        }
        total.covered = by_group.iter().copied().sum();
        let names = groups.into_iter().map(|group| group.name.clone());
        Settlement { total, by_group: names.zip(by_group).collect() }
    }
}

/// How many milliseconds of an hour the plan is paid for.
fn part_of_hour(window: Window, hour: i64) -> i64 {
    let within = |ms: i64| ms.clamp(window.start.ms(), window.end.ms());
    within((hour + 1) * HOUR_MS) - within(hour * HOUR_MS)
}

fn hour_of(ms: i64) -> i64 {
    ms.div_euclid(HOUR_MS)
}

/// What the plan costs from the window's start to `ms`. Hours are differences of these, so that they add up.
fn paid_until(rate: Rate, window: Window, ms: i64) -> Usd {
    let ms = ms.min(window.end.ms()) - window.start.ms();
    rate.charge(i128::from(ms.max(0)), i128::from(HOUR_MS))
}

/// How much of `usage`, at list price, `left` at plan rates covers; takes it off `left`.
fn cover(usage: Usd, keep_ppm: i128, left: &mut Usd) -> Usd {
    if *left == Usd::ZERO {
        return Usd::ZERO;
    }
    let at_plan_rate = usage.scaled(keep_ppm, MILLION);
    if at_plan_rate <= *left {
        *left = *left - at_plan_rate;
        return usage;
    }
    let covered = left.scaled(MILLION, keep_ppm).min(usage);
    *left = Usd::ZERO;
    covered
}
