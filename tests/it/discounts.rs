//! Private discounts: they change what is paid, by exactly their percentage, and nothing that happens. Prices are
//! us-east-1's in `pricing/`: m5.large 0.096 an hour on demand, Fargate 0.04048 a vCPU-hour and 0.004445 a GB-hour,
//! gp3 0.08 a GB-month of 30 days, the control plane 0.10 an hour.

use cost_sim::bill::ItemKind;
use cost_sim::platform::{Discounts, PlanScope, Platform, SavingsPlan, Settings};
use cost_sim::replay::PlatformRun;
use cost_sim::units::{Rate, Usd};

use crate::support::*;

const HOUR: i64 = 3_600_000;

fn with(discounts: Discounts) -> Settings {
    Settings { discounts, ..instant_settings() }
}

fn usd(run: &PlatformRun, kind: ItemKind) -> String {
    let bill = run.bill.as_ref().expect("the platform is billed");
    bill.items.iter().filter(|item| item.kind == kind).map(|item| item.usd).sum::<Usd>().to_string()
}

/// The names of the prices that were used.
fn prices(run: &PlatformRun) -> Vec<&str> {
    run.bill.as_ref().unwrap().prices.iter().map(|price| price.name.as_str()).collect()
}

/// A pod that works for an hour, on a node that is there for as long.
fn an_hour(settings: Settings, platform: Platform) -> PlatformRun {
    replay_one(&[Row::pod("a", 0, HOUR)], settings, platform).1
}

#[test]
fn a_node_and_its_volume_cost_their_discounts_less() {
    let discounts = Discounts { ec2_ppm: 100_000, ebs_ppm: 30_000, eks_ppm: 200_000, ..Discounts::default() };
    let run = an_hour(with(discounts), group("m5.large", 1));
    // 0.096 × 0.90 for an hour; 20 GB × 0.08 × 0.97 / 720 h; 0.10 × 0.80.
    assert_eq!(usd(&run, ItemKind::Ec2OnDemand), "0.0864");
    assert_eq!(usd(&run, ItemKind::RootVolume), "0.002155555555556");
    assert_eq!(usd(&run, ItemKind::ControlPlane), "0.08");
    assert_eq!(run.bill.as_ref().unwrap().total.to_string(), "0.168555555555556");
    assert_eq!(
        prices(&run),
        [
            "AmazonEKS-Hours:perCluster less 20% (private discount)",
            "BoxUsage:m5.large less 10% (private discount)",
            "EBS:VolumeUsage.gp3 less 3% (private discount)",
        ]
    );
}

#[test]
fn a_family_of_its_own_goes_before_ec2() {
    let discounts = Discounts {
        ec2_ppm: 100_000,
        families: vec![("m5".into(), 125_000)],
        spot_ppm: 900_000,
        ..Discounts::default()
    };
    let run = an_hour(with(discounts), group("m5.large", 1));
    // 0.096 × 0.875.
    assert_eq!(usd(&run, ItemKind::Ec2OnDemand), "0.084");
    assert!(prices(&run).contains(&"BoxUsage:m5.large less 12.5% (private discount)"));
    // What has no discount keeps its name.
    assert!(prices(&run).contains(&"EBS:VolumeUsage.gp3"));
}

#[test]
fn fargate_costs_its_discount_less_and_so_does_its_lower_bound() {
    let run = |ppm| an_hour(with(Discounts { fargate_ppm: ppm, ..Discounts::default() }), fargate());
    let (public, ours) = (run(0), run(50_000));
    // 0.5 vCPU × 0.04048 × 0.95 and 2 GB × 0.004445 × 0.95, for an hour.
    assert_eq!(
        [usd(&public, ItemKind::FargateCpu), usd(&ours, ItemKind::FargateCpu)],
        ["0.02024", "0.019228"]
    );
    assert_eq!(usd(&ours, ItemKind::FargateMemory), "0.0084455");
    let bound = |run: &PlatformRun| run.report.cost.as_ref().unwrap().lower_bound_usd.clone().unwrap();
    // Without rounding to sizes it is 1 GB: 0.02024 + 0.004445, and 95 % of that.
    assert_eq!([bound(&public), bound(&ours)], ["0.024685", "0.02345075"]);
}

#[test]
fn a_savings_plan_takes_its_discount_off_the_discounted_price() {
    let plan = SavingsPlan {
        committed: cost_sim::platform::Committed::PerHour(Rate::parse("0.0216").unwrap()),
        scope: PlanScope::Ec2 { family: "m5".into(), discount_ppm: 250_000 },
    };
    let settings = with(Discounts { ec2_ppm: 100_000, ..Discounts::default() });
    let settings = Settings { savings_plan: Some(plan), ..settings };
    // The laws of replays are about bills without a plan.
    let (runs, _) = replay(&study(&[Row::pod("a", 0, HOUR)], settings, &[group("m5.large", 1)]));
    let run = &runs[0];
    // The node costs 0.0864 an hour, at the plan's rates 0.0648. The commitment of 0.0216 is a third of that and
    // covers a third of 0.0864.
    assert_eq!(usd(run, ItemKind::SavingsPlanCommitment), "0.0216");
    assert_eq!(usd(run, ItemKind::SavingsPlanCovered), "-0.0288");
}

/// Karpenter with Spot and on-demand, and Cluster Autoscaler with a type to choose, under discounts that would turn every
/// decision around if they were known.
#[test]
fn nothing_that_happens_depends_on_discounts() {
    let rows: Vec<Row> = (0..40)
        .map(|i| Row {
            cpu: Some(300 + 400 * (i % 5)),
            memory: Some(512 << (i % 4)),
            ..Row::pod(&format!("pod{i}"), i * 20_000, 600_000)
        })
        .collect();
    let families =
        ["c7i-flex", "c6a", "c5a", "m3", "c7a", "r7a"].map(|name| (name.to_owned(), 990_000)).to_vec();
    let discounts =
        Discounts { ec2_ppm: 10_000, spot_ppm: 900_000, ebs_ppm: 10_000, families, ..Discounts::default() };
    let names = ["karpenter", "karpenter-spot", "karpenter-consolidate", "node-group"];
    for name in names {
        let run = |discounts| {
            let settings = Settings { discounts, ..Settings::default() };
            replay_one(&rows, settings, Platform::built_in(name).unwrap()).1
        };
        let (public, ours) = (run(Discounts::default()), run(discounts.clone()));
        assert_eq!(format!("{:?}", public.ledger), format!("{:?}", ours.ledger), "{name}");
        let (public, ours) = (public.bill.unwrap(), ours.bill.unwrap());
        assert!(ours.total < public.total, "{name}");
        for bill in [public, ours] {
            assert_eq!(bill.items.iter().map(|item| item.usd).sum::<Usd>(), bill.total, "{name}");
            let a = bill.allocation;
            let allocated = a.pods + a.daemons + a.startup + a.idle + a.shared + a.savings_plan;
            assert_eq!(allocated, bill.total, "{name}");
        }
    }
}
