//! The best commitment: hours worked by hand, and against trying every commitment there is.

use super::*;

fn usage(ledger: &Ledger, plan: &SavingsPlan) -> PlanUsage {
    PlanUsage::of(ledger, &CATALOG, &Cluster::default(), &plan.scope).unwrap()
}

/// The same discount for all EC2.
fn at_discount(ppm: u32) -> SavingsPlan {
    compute("1", 200_000, ppm, &[])
}

#[test]
fn the_best_commitment_is_worked_by_hand() {
    let busy_and_quiet = ledger((0, 2 * HOUR), &[(m5(), 0, HOUR), (m5(), 0, 2 * HOUR)]);
    let once = ledger((0, HOUR), &[(m5(), 0, HOUR)]);
    let a_day = ledger((0, 24 * HOUR), &[(m5(), 0, HOUR)]);
    let half = ledger((0, HOUR / 2), &[(m5(), 0, HOUR / 2)]);
    let both = ledger((0, 2 * HOUR), &[(m5(), 0, HOUR), (c6i(), 0, 2 * HOUR)]);
    let own = compute("1", 200_000, 250_000, &[("c6i", 500_000)]);
    for (ledger, plan, per_hour, without, with, why) in [
        // At 25 % off the hours need 0.15 and 0.075. Up to 0.075 each cent saves a third in both; beyond it, one hour
        // saves a third and the other loses all: 2 × 0.075 pay for 2 × 0.10 of 0.30.
        (&busy_and_quiet, at_discount(250_000), "0.075", "0.30", "0.25", "two hours"),
        // 0.10 at 27.1 % off is 0.0729, between what AWS sells: 0.072 buys 0.09876… and leaves 0.00123… to pay on demand,
        // 0.0732… in all; 0.073 buys everything for 0.073.
        (&once, at_discount(271_000), "0.073", "0.10", "0.073", "rounded up"),
        // At 27.7 % off it is 0.0723: 0.072 buys 0.09958…, 0.072414… in all, which is less than 0.073.
        (&once, at_discount(277_000), "0.072", "0.10", "0.072414937759336", "rounded down"),
        // One hour of a day saves a third of each cent, and 23 lose it all.
        (&a_day, at_discount(250_000), "0", "0.10", "0.10", "none pays"),
        // The plan is paid for half an hour, so 0.075 an hour pay for the 0.05 that half an hour costs.
        (&half, at_discount(250_000), "0.075", "0.05", "0.0375", "part of an hour"),
        // c6i at half price needs 0.04 in both hours, and m5 0.075 in the first only: beyond 0.04 that saves a third of
        // each cent and the second hour loses all. 0.16 of 0.26 is bought for 0.08.
        (&both, own, "0.04", "0.26", "0.18", "the highest discount first"),
    ] {
        let usage = usage(ledger, &plan);
        let best = usage.best();
        let cluster = of(&billed(ledger, None), ItemKind::ControlPlane);
        assert_eq!(best.per_hour(), rate(per_hour), "{why}");
        assert_eq!(
            (best.total_without - cluster, best.total_with - cluster),
            (usd(without), usd(with)),
            "{why}"
        );
        assert_eq!(best.pays(), without != with, "{why}");
        assert_eq!(usage.evaluate(Rate::ZERO).total_with, best.total_without, "{why}");
    }
}

#[test]
fn the_best_commitment_says_how_it_is_used() {
    let ledger = ledger((0, 2 * HOUR), &[(m5(), 0, HOUR), (m5(), 0, 2 * HOUR)]);
    let usage = usage(&ledger, &at_discount(250_000));
    let best = usage.best();
    assert_eq!((best.saved(), best.plan.unused), (usd("0.05"), Usd::ZERO));
    assert_eq!((best.plan.covered, best.plan.eligible), (usd("0.20"), usd("0.30")));
    assert_eq!(best.plan.utilisation(), Some(1.0));
    // Half of it is 0.10 and 0.05, all of which 2 × 0.075 cover.
    assert_eq!(usage.break_even_percent(best.per_hour()), Some(50));
    // 0.15 an hour cover everything, and half of the second hour's is lost.
    let all = usage.evaluate(rate("0.15"));
    assert_eq!((all.plan.coverage(), all.plan.unused, all.pays()), (Some(1.0), usd("0.075"), false));
}

/// Four hours of one m5, 0.10 each, at 25 % off.
#[test]
fn a_commitment_breaks_even_where_it_covers_what_it_costs() {
    let usage = usage(&ledger((0, 4 * HOUR), &[(m5(), 0, 4 * HOUR)]), &at_discount(250_000));
    // 0.075 an hour cover at most all there is: from 0.75 × 0.10 on they do not cost more than that.
    assert_eq!(usage.break_even_percent(rate("0.075")), Some(75));
    assert_eq!(usage.break_even_percent(rate("0.15")), Some(150));
    assert_eq!(usage.break_even_percent(rate("1")), Some(1_000));
    assert_eq!(usage.break_even_percent(rate("1.01")), None);
    assert_eq!(usage.break_even_percent(Rate::ZERO), Some(0));
    for (percent, saved, lost, pays) in [
        // 0.05 an hour are covered for 0.075, half of which is lost: 4 × 0.0375.
        (50, usd("-0.10"), usd("0.15"), false),
        (100, usd("0.10"), Usd::ZERO, true),
        (110, usd("0.10"), Usd::ZERO, true),
    ] {
        let there = usage.scaled(percent).evaluate(rate("0.075"));
        assert_eq!((there.saved(), there.plan.unused, there.pays()), (saved, lost, pays), "{percent} %");
    }
}

#[test]
fn a_bill_with_the_best_commitment_names_it() {
    let ledger = ledger((0, 2 * HOUR), &[(m5(), 0, HOUR), (m5(), 0, 2 * HOUR)]);
    let plan = SavingsPlan { committed: Committed::Best, ..at_discount(250_000) };
    let bill = billed(&ledger, Some(&plan));
    let best = usage(&ledger, &plan).best();
    assert_eq!((bill.savings_plan, bill.total), (Some(best.plan), best.total_with));
    assert_eq!(best.per_hour(), rate("0.075"));
}

proptest! {
    #[test]
    fn no_other_commitment_costs_less(
        machines in machines(6 * HOUR),
        window in (0..3 * HOUR, 3 * HOUR..6 * HOUR),
        plan in plans(),
        others in proptest::collection::vec(0i128..1_500, 50),
    ) {
        let ledger = ledger(window, &machines);
        let usage = usage(&ledger, &plan);
        let best = usage.best();
        // Each hour's charge and each cover of it is rounded.
        let rounding = 100;
        for steps in others.into_iter().chain([0]) {
            let other = usage.evaluate(Rate::from_femto(steps * 1_000_000_000_000));
            prop_assert!(best.total_with.femto() <= other.total_with.femto() + rounding);
        }
        // And each is billed as it was evaluated.
        let billed = billed(&ledger, Some(&plan));
        prop_assert_eq!(billed.total, usage.evaluate(billed.savings_plan.unwrap().per_hour).total_with);
    }

    /// With half prices and tenths of minutes nothing is rounded, so the best of all is found to the last digit.
    #[test]
    fn the_best_of_all_commitments_is_found(
        machines in proptest::collection::vec((any::<bool>(), 0i64..200, 2i64..200), 0..6),
        start in 0i64..100,
    ) {
        let machine = |(is_m5, from, length): (bool, i64, i64)| {
            (if is_m5 { m5() } else { c6i() }, from * 36, (from + length) * 36)
        };
        let ledger = ledger((start * 36, 400 * 36), &machines.into_iter().map(machine).collect::<Vec<_>>());
        let usage = usage(&ledger, &compute("1", 500_000, 500_000, &[]));
        let all = (0..=300).map(|steps| usage.evaluate(Rate::from_femto(steps * 1_000_000_000_000)));
        let least = all.min_by_key(|c| (c.total_with, c.per_hour())).unwrap();
        prop_assert_eq!(usage.best(), least);
    }

    #[test]
    fn twice_the_usage_is_every_machine_twice(machines in machines(3 * HOUR), plan in plans(), steps in 0i128..600) {
        let once = usage(&ledger((0, 4 * HOUR), &machines), &plan);
        let twice = usage(&ledger((0, 4 * HOUR), &[machines.clone(), machines].concat()), &plan);
        let per_hour = Rate::from_femto(steps * 1_000_000_000_000);
        prop_assert_eq!(once.scaled(200).evaluate(per_hour).plan, twice.evaluate(per_hour).plan);
        prop_assert_eq!(once.scaled(100).evaluate(per_hour), once.evaluate(per_hour));
    }
}
