//! Hand-worked hours, and what holds of every bill.
//!
//! Prices are round so that the arithmetic fits a comment: m5.large $0.10 and c6i.large $0.08 an hour, Spot m5.large
//! $0.04, Fargate $0.04 per vCPU-hour, $0.004 per GB-hour, $0.0001 per GB-hour of storage above 20 GiB.

mod commitment;

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::catalog::{CapacityType, FargatePrices, Price, PriceSeries, Snapshot, ZoneId};
use crate::ledger::{EndReason, Lease, NodeTemplate};
use crate::platform::{Committed, PlanScope};
use crate::units::{Cpu, Memory, Resources, Span, Time};
use crate::workload::Window;

/// 2026-03-01T00:00:00Z.
const MIDNIGHT: Time = Time::from_ms(1_772_323_200_000);
const HOUR: i64 = 3_600;

fn usd(text: &str) -> Usd {
    Usd::parse(text).unwrap()
}

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = Snapshot::embedded().region_in("us-east-1", &["a"]).unwrap();
    for (name, capacity_type, price) in [
        ("m5.large", CapacityType::OnDemand, "0.10"),
        ("c6i.large", CapacityType::OnDemand, "0.08"),
        ("m5.large", CapacityType::Spot, "0.04"),
    ] {
        let id = catalog.find(name).unwrap();
        catalog.offering_mut(id, ZoneId(0), capacity_type).unwrap().price =
            PriceSeries::constant(rate(price));
    }
    let price = |text: &str| Price { rate: rate(text), ..catalog.fargate.unwrap().vcpu_hour };
    catalog.fargate = Some(FargatePrices {
        vcpu_hour: price("0.04"),
        gb_hour: price("0.004"),
        ephemeral_gb_hour: Some(price("0.0001")),
    });
    catalog
});

fn ec2(instance_type: &str, capacity_type: CapacityType) -> Machine {
    Machine::Ec2 { instance_type: instance_type.into(), capacity_type }
}

fn m5() -> Machine {
    ec2("m5.large", CapacityType::OnDemand)
}

fn c6i() -> Machine {
    ec2("c6i.large", CapacityType::OnDemand)
}

/// 1 vCPU, 2 GB, and 10 GiB of storage above the free 20.
fn pod() -> Machine {
    Machine::Fargate {
        cpu: Cpu::from_milli(1_000),
        memory: Memory::from_gib(2),
        ephemeral: Memory::from_gib(30),
    }
}

/// Machines from one second after midnight to another, in a window that starts and ends so.
fn ledger(window: (i64, i64), machines: &[(Machine, i64, i64)]) -> Ledger {
    let at = |secs: i64| MIDNIGHT + Span::from_secs(secs);
    let mut ledger =
        Ledger { window: Window { start: at(window.0), end: at(window.1) }, ..Ledger::default() };
    for (machine, from, to) in machines {
        ledger.leases.push(Lease {
            template: ledger.templates.len() as u32,
            zone: 0,
            end_reason: EndReason::WindowEnd,
            requested: at(*from),
            running: at(*from),
            ready: at(*from),
            terminated: at(*to),
            shared_us: 0,
            pulled: Memory::ZERO,
        });
        ledger.templates.push(NodeTemplate {
            pool: "a".into(),
            machine: machine.clone(),
            allocatable: Resources::ZERO,
            daemons: Resources::ZERO,
            root_volume: Memory::ZERO,
            auto_mode: false,
            role: crate::ledger::Role::Jobs,
        });
    }
    ledger
}

fn compute(commitment: &str, fargate_ppm: u32, ec2_ppm: u32, families: &[(&str, u32)]) -> SavingsPlan {
    let families = families.iter().map(|(name, ppm)| ((*name).to_owned(), *ppm)).collect();
    SavingsPlan {
        committed: Committed::PerHour(rate(commitment)),
        scope: PlanScope::Compute { fargate_ppm, ec2_ppm, families },
    }
}

fn billed(ledger: &Ledger, plan: Option<&SavingsPlan>) -> Bill {
    let bill = bill(ledger, &CATALOG, &Cluster::default(), plan).unwrap();
    let a = bill.allocation;
    assert_eq!(bill.items.iter().map(|item| item.usd).sum::<Usd>(), bill.total);
    assert_eq!(a.pods + a.daemons + a.startup + a.idle + a.shared + a.savings_plan, bill.total);
    for item in &bill.items {
        let Quantity { amount, per_unit } = item.quantity;
        let rounding = (item.rate.charge(amount, per_unit) - item.usd).femto().abs();
        assert!(rounding <= ledger.leases.len() as i128, "{item:?}");
    }
    bill
}

fn of(bill: &Bill, kind: ItemKind) -> Usd {
    bill.items.iter().filter(|item| item.kind == kind).map(|item| item.usd).sum()
}

/// What a plan and the machines cost together, without the control plane.
fn paid(bill: &Bill) -> Usd {
    bill.total - of(bill, ItemKind::ControlPlane)
}

fn covered(bill: &Bill) -> Vec<(&str, String)> {
    let is_covered = |item: &&Item| item.kind == ItemKind::SavingsPlanCovered;
    bill.items.iter().filter(is_covered).map(|item| (&*item.detail, item.usd.to_string())).collect()
}

#[test]
fn a_commitment_that_is_used_up_buys_more_than_its_amount() {
    let ledger = ledger((0, HOUR), &[(m5(), 0, HOUR), (m5(), 0, HOUR)]);
    let bill = billed(&ledger, Some(&compute("0.12", 200_000, 250_000, &[])));
    // 0.12 at 75 % of the list price buys 0.16 of 0.20; 0.04 is on demand.
    assert_eq!(covered(&bill), [("SavingsPlanNegation:m5", "-0.16".to_owned())]);
    assert_eq!(paid(&bill), usd("0.16"));
    let plan = bill.savings_plan.unwrap();
    assert_eq!((plan.coverage(), plan.utilisation()), (Some(0.8), Some(1.0)));
    assert_eq!((of(&bill, ItemKind::Ec2OnDemand), bill.allocation.savings_plan), (usd("0.20"), usd("-0.04")));
}

#[test]
fn what_is_not_used_is_lost_hour_by_hour() {
    let ledger = ledger((0, 2 * HOUR), &[(m5(), 0, HOUR)]);
    let bill = billed(&ledger, Some(&compute("0.15", 200_000, 250_000, &[])));
    // First hour: 0.10 at 75 % uses 0.075 of 0.15. Second hour: nothing of 0.15.
    let plan = bill.savings_plan.unwrap();
    assert_eq!((plan.commitment, plan.covered, plan.unused), (usd("0.30"), usd("0.10"), usd("0.225")));
    assert_eq!((plan.coverage(), plan.utilisation()), (Some(1.0), Some(0.25)));
    assert_eq!(paid(&bill), usd("0.30"));
    assert_eq!(bill.allocation.savings_plan, usd("0.20"));
}

#[test]
fn the_highest_discount_is_covered_first() {
    let ledger = ledger((0, HOUR), &[(m5(), 0, HOUR), (c6i(), 0, HOUR)]);
    let plan = |commitment| compute(commitment, 200_000, 250_000, &[("c6i", 400_000)]);
    // c6i: 0.08 at 60 % takes 0.048, all of the commitment.
    let bill = billed(&ledger, Some(&plan("0.048")));
    assert_eq!(covered(&bill), [("SavingsPlanNegation:c6i", "-0.08".to_owned())]);
    assert_eq!(paid(&bill), usd("0.148"));
    // 0.015 more buys 0.02 of m5 at 75 %.
    let bill = billed(&ledger, Some(&plan("0.063")));
    let [c6i, m5] = [("SavingsPlanNegation:c6i", "-0.08"), ("SavingsPlanNegation:m5", "-0.02")]
        .map(|(name, usd)| (name, usd.to_owned()));
    assert_eq!(covered(&bill), [c6i, m5]);
    // 0.063 + 0.08 of m5 on demand.
    assert_eq!(paid(&bill), usd("0.143"));
}

#[test]
fn a_lease_is_covered_in_each_of_its_hours() {
    // 00:30 to 02:15 at 0.10: list prices 0.05, 0.10 and 0.025.
    let machines = [(m5(), HOUR / 2, 2 * HOUR + HOUR / 4)];
    let plan = compute("0.03", 200_000, 250_000, &[]);
    // 0.03 buys 0.04 an hour: 0.04 + 0.04 + 0.025, and 0.03 - 0.01875 is lost in the third hour.
    let whole_hours = billed(&ledger((0, 3 * HOUR), &machines), Some(&plan));
    let used = whole_hours.savings_plan.unwrap();
    assert_eq!((used.commitment, used.covered, used.unused), (usd("0.09"), usd("0.105"), usd("0.01125")));
    assert_eq!(paid(&whole_hours), usd("0.16"));
    // A window as long as the lease pays 0.015 + 0.03 + 0.0075 for its parts of the hours, which buy
    // 0.02 + 0.04 + 0.01.
    let parts = billed(&ledger((HOUR / 2, 2 * HOUR + HOUR / 4), &machines), Some(&plan));
    let used = parts.savings_plan.unwrap();
    assert_eq!((used.commitment, used.covered, used.unused), (usd("0.0525"), usd("0.07"), usd("0.00")));
    assert_eq!(paid(&parts), usd("0.1575"));
}

#[test]
fn a_compute_plan_covers_fargate_but_not_its_storage() {
    let ledger = ledger((0, HOUR), &[(pod(), 0, HOUR), (m5(), 0, HOUR)]);
    let bill = billed(&ledger, Some(&compute("0.054", 500_000, 250_000, &[])));
    // The pod's 0.04 + 2 × 0.004 at 50 % take 0.024; the other 0.03 buy 0.04 of m5 at 75 %.
    let [fargate, m5] = [("SavingsPlanNegation:Fargate", "-0.048"), ("SavingsPlanNegation:m5", "-0.04")]
        .map(|(name, usd)| (name, usd.to_owned()));
    assert_eq!(covered(&bill), [fargate, m5]);
    // 0.054, 0.06 of m5 on demand and 10 × 0.0001 of storage.
    assert_eq!(paid(&bill), usd("0.115"));
}

#[test]
fn an_ec2_plan_covers_its_family_only() {
    let spot = ec2("m5.large", CapacityType::Spot);
    let machines = [(c6i(), 0, HOUR), (pod(), 0, HOUR), (spot, 0, HOUR), (m5(), 0, HOUR)];
    let scope = PlanScope::Ec2 { family: "m5".into(), discount_ppm: 500_000 };
    let plan = SavingsPlan { committed: Committed::PerHour(rate("1")), scope };
    let bill = billed(&ledger((0, HOUR), &machines), Some(&plan));
    let used = bill.savings_plan.unwrap();
    // Of the m5 on demand 0.10 at 50 %.
    assert_eq!((used.eligible, used.covered, used.unused), (usd("0.10"), usd("0.10"), usd("0.95")));
    // 1 + 0.08 of c6i + 0.049 of the pod + 0.04 of Spot.
    assert_eq!(paid(&bill), usd("1.169"));
}

#[test]
fn hours_outside_of_the_window_are_on_demand() {
    // The pod ends 30 minutes after the window, in an hour that the plan does not pay for.
    let ledger = ledger((0, HOUR), &[(m5(), 0, HOUR + HOUR / 2)]);
    let bill = billed(&ledger, Some(&compute("0.075", 200_000, 250_000, &[])));
    assert_eq!(bill.savings_plan.unwrap().covered, usd("0.10"));
    assert_eq!(paid(&bill), usd("0.125"));
}

#[test]
fn a_plan_without_usage_is_paid_in_full() {
    let bill = billed(&ledger((0, HOUR), &[]), Some(&compute("1.50", 200_000, 250_000, &[])));
    let plan = bill.savings_plan.unwrap();
    assert_eq!((plan.commitment, plan.unused, plan.covered), (usd("1.50"), usd("1.50"), Usd::ZERO));
    assert_eq!((plan.coverage(), plan.utilisation()), (None, Some(0.0)));
    assert_eq!(paid(&bill), usd("1.50"));
}

/// m7i.large in Tokyo: 12 % of 0.1302.
#[test]
fn the_auto_mode_fee_is_the_types_whatever_the_instance_is_bought_as() {
    let catalog = Snapshot::embedded().region_in("ap-northeast-1", &["a"]).unwrap();
    let fee = |capacity_type, seconds| {
        let mut ledger = ledger((0, HOUR), &[(ec2("m7i.large", capacity_type), 0, seconds)]);
        ledger.templates[0].auto_mode = true;
        let bill = bill(&ledger, &catalog, &Cluster::default(), None).unwrap();
        let item = bill.items.iter().find(|item| item.kind == ItemKind::AutoModeFee).unwrap();
        assert_eq!((&*item.detail, item.rate), ("EKS-Auto:m7i.large", rate("0.015624")));
        assert!(bill.prices.iter().any(|p| p.name == item.detail && p.origin.is_inferred()));
        let a = bill.allocation;
        assert_eq!(bill.leases[0], a.daemons + a.startup + a.idle);
        assert_eq!(bill.leases[0] + of(&bill, ItemKind::ControlPlane), bill.total);
        item.usd.to_string()
    };
    assert_eq!(fee(CapacityType::OnDemand, HOUR), "0.015624");
    assert_eq!(fee(CapacityType::Spot, HOUR), "0.015624");
    // A minute at least: 0.015624 / 60.
    assert_eq!(fee(CapacityType::OnDemand, 20), "0.0002604");
}

/// The fee is no usage that a plan covers.
#[test]
fn a_plan_does_not_cover_the_auto_mode_fee() {
    let mut ledger = ledger((0, HOUR), &[(m5(), 0, HOUR)]);
    ledger.templates[0].auto_mode = true;
    let bill = billed(&ledger, Some(&compute("1", 200_000, 250_000, &[])));
    // 1 + 12 % of 0.10.
    assert_eq!((bill.savings_plan.unwrap().eligible, paid(&bill)), (usd("0.10"), usd("1.012")));
}

fn machines(latest: i64) -> impl Strategy<Value = Vec<(Machine, i64, i64)>> {
    let machine = proptest::sample::select(vec![m5(), c6i(), ec2("m5.large", CapacityType::Spot), pod()]);
    let lease = (machine, 0..latest, 0..latest).prop_map(|(machine, a, b)| (machine, a.min(b), a.max(b)));
    proptest::collection::vec(lease, 0..12)
}

fn plans() -> impl Strategy<Value = SavingsPlan> {
    let discount = || 1u32..1_000_000;
    let scope = prop_oneof![
        (discount(), discount(), discount()).prop_map(|(fargate_ppm, ec2_ppm, own)| {
            PlanScope::Compute { fargate_ppm, ec2_ppm, families: vec![("c6i".into(), own)] }
        }),
        discount().prop_map(|discount_ppm| PlanScope::Ec2 { family: "m5".into(), discount_ppm }),
    ];
    let committed =
        (1i128..600_000_000_000_000).prop_map(|femto| Committed::PerHour(Rate::from_femto(femto)));
    (committed, scope).prop_map(|(committed, scope)| SavingsPlan { committed, scope })
}

proptest! {
    #[test]
    fn a_plan_adds_its_commitment_and_takes_off_what_it_covers(
        machines in machines(6 * HOUR),
        window in (0..3 * HOUR, 3 * HOUR..6 * HOUR),
        plan in plans(),
    ) {
        let ledger = ledger(window, &machines);
        let (without, with) = (billed(&ledger, None), billed(&ledger, Some(&plan)));
        let used = with.savings_plan.unwrap();
        let hours = i128::from(window.1 - window.0);
        prop_assert_eq!(plan.committed, Committed::PerHour(used.per_hour));
        prop_assert_eq!(used.commitment, used.per_hour.charge(hours, 3_600));
        prop_assert_eq!(with.total, without.total - used.covered + used.commitment);
        prop_assert!(used.covered <= used.eligible && used.unused <= used.commitment);
        prop_assert!(Usd::ZERO <= used.unused);
        // Leases, and what is not the plan's, are as without it.
        prop_assert_eq!((&with.leases, with.allocation.shared), (&without.leases, without.allocation.shared));
        let others = |bill: &Bill| -> Vec<Item> {
            bill.items.iter().filter(|item| item.kind < ItemKind::SavingsPlanCommitment).cloned().collect()
        };
        prop_assert_eq!(others(&with), without.items);
        prop_assert_eq!((without.savings_plan, without.allocation.savings_plan), (None, Usd::ZERO));
    }

    #[test]
    fn an_ample_commitment_is_all_that_is_paid(machines in machines(3 * HOUR), plan in plans()) {
        let ample = SavingsPlan { committed: Committed::PerHour(rate("1000")), ..plan };
        let bill = billed(&ledger((0, 4 * HOUR), &machines), Some(&ample));
        let used = bill.savings_plan.unwrap();
        prop_assert_eq!(used.covered, used.eligible);
        if matches!(ample.scope, PlanScope::Compute { .. }) {
            use ItemKind::{Ec2OnDemand, Ec2Spot, FargateCpu, FargateMemory, FargateStorage};
            let eligible = of(&bill, Ec2OnDemand) + of(&bill, FargateCpu) + of(&bill, FargateMemory);
            prop_assert_eq!(used.eligible, eligible);
            let never = of(&bill, Ec2Spot) + of(&bill, FargateStorage);
            prop_assert_eq!(paid(&bill) - never, used.commitment);
        }
    }

    /// Within one hour and with one discount: paid = max(commitment, commitment + list price − commitment / keep).
    #[test]
    fn an_hour_costs_its_commitment_or_what_the_list_price_is_beyond(
        nodes in 0usize..8,
        seconds in 60..=HOUR,
        commitment in 1i128..600_000_000_000_000,
        discount in 1u32..1_000_000,
    ) {
        let machines = vec![(m5(), 0, seconds); nodes];
        let plan = SavingsPlan {
            committed: Committed::PerHour(Rate::from_femto(commitment)),
            scope: PlanScope::Ec2 { family: "m5".into(), discount_ppm: discount },
        };
        let bill = billed(&ledger((0, HOUR), &machines), Some(&plan));
        let commitment = Usd::from_femto(commitment);
        let buys = commitment.scaled(1_000_000, 1_000_000 - i128::from(discount));
        let expected = commitment.max(commitment + of(&bill, ItemKind::Ec2OnDemand) - buys);
        prop_assert!(paid(&bill) >= commitment);
        // Of the list price and of the plan's each is rounded once.
        let rounding = i128::from(1_000_000 / (1_000_000 - discount)) + 1;
        prop_assert!((paid(&bill) - expected).femto().abs() <= rounding);
    }
}
