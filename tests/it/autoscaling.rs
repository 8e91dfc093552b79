//! What must hold for every workload on platforms whose nodes come and go, with Spot instances that are taken back.

use cost_sim::bill::Bill;
use cost_sim::catalog::{CapacityType, InstanceType, ZoneId, labels};
use cost_sim::ledger::{EndReason, Ledger, Machine, Outcome};
use cost_sim::platform::{
    ConsolidationPolicy, GroupSize, Home, Karpenter, Kind, NodeGroup, NodeGroups, NodePool, Platform,
    Settings, Spot, SpotEvent, Step,
};
use cost_sim::replay::{PlatformRun, Study};
use cost_sim::report::PlatformReport;
use cost_sim::units::{Cpu, Span};
use proptest::prelude::*;

use crate::support::autoscaled::{self, eventful, one_of};
use crate::support::generate::*;
use crate::support::*;

proptest! {
    #![proptest_config(cases(50))]

    #[test]
    fn the_laws_hold_where_nodes_come_and_go(
        rows in traces(Features::ALL, any::<bool>()), settings in eventful(),
        mut platforms in autoscaled::platforms(), fixed in platforms(),
    ) {
        prop_assume!(has_pods(&rows));
        platforms.extend(fixed);
        let study = study(&rows, settings, &platforms);
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
        for platform in &platforms {
            let run = runs.iter().find(|run| run.name == platform.name).unwrap();
            sizes(&study, platform, &run.ledger);
        }
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn neither_threads_nor_the_order_of_rows_show_where_nodes_come_and_go(
        rows in traces(Features::ALL, any::<bool>()), settings in eventful(), platforms in autoscaled::platforms(),
        order in any::<u64>(),
    ) {
        prop_assume!(has_pods(&rows));
        let mut reports = Vec::new();
        for (threads, rows) in [(1, rows.clone()), (2, rows.clone()), (8, shuffled(&rows, order))] {
            let study = study(&rows, settings.clone(), &platforms);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (runs, report) = pool.install(|| replay(&study));
            let ledgers: Vec<String> = runs.iter().map(|run| format!("{:?}", run.ledger)).collect();
            reports.push((serde_json::to_string(&report).unwrap(), ledgers));
        }
        prop_assert_eq!(&reports[0], &reports[1]);
        prop_assert_eq!(&reports[0], &reports[2]);
    }

    #[test]
    fn neither_further_histories_nor_other_platforms_change_what_happens(
        rows in traces(Features::ALL, any::<bool>()), settings in eventful(), platforms in autoscaled::platforms(),
    ) {
        prop_assume!(has_pods(&rows));
        let study = study(&rows, settings, &platforms);
        let resolved = study.resolve().unwrap_or_else(|error| panic!("{}", error.render()));
        let alone = |platform: &Platform| study.setup().run(std::slice::from_ref(platform), 1, &|| ()).remove(0);
        let several = study.setup().run(&resolved.platforms, 3, &|| ());
        for (platform, several) in resolved.platforms.iter().zip(&several) {
            let one = alone(platform);
            prop_assert_eq!(several.report.replications.as_ref().map(|r| r.n), Some(3));
            let main = PlatformReport { replications: None, ..several.report.clone() };
            prop_assert_eq!(&one.report, &main);
            prop_assert_eq!(format!("{:?}", one.ledger), format!("{:?}", several.ledger));
        }
    }

    #[test]
    fn spot_at_the_on_demand_price_that_is_never_taken_back_is_on_demand(
        rows in traces(Features::ALL, any::<bool>()), settings in eventful(), karpenter in any::<bool>(),
        kind in prop::sample::select(&["m5.large", "c5.xlarge"][..]),
    ) {
        prop_assume!(has_pods(&rows));
        let settings = Settings {
            zones: vec!["a".into()],
            spot: Spot { hazard_permille: 0, ..Spot::default() },
            ..settings
        };
        let platforms = [CapacityType::OnDemand, CapacityType::Spot].map(|capacity_type| Platform {
            name: capacity_type.to_string(),
            kind: if karpenter { pool_of(kind, capacity_type) } else { group_of(kind, capacity_type) },
        });
        let mut study = study(&rows, settings, &platforms);
        let id = study.catalog.find(kind).unwrap();
        let price = study.catalog.offering(id, ZoneId(0), CapacityType::OnDemand).unwrap().price.clone();
        study.catalog.offering_mut(id, ZoneId(0), CapacityType::Spot).unwrap().price = price;
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
        let [on_demand, spot] = &runs[..] else { panic!("two platforms") };
        prop_assert_eq!(&on_demand.ledger.leases, &spot.ledger.leases);
        prop_assert_eq!(&on_demand.ledger.runs, &spot.ledger.runs);
        prop_assert_eq!(&on_demand.ledger.outcomes, &spot.ledger.outcomes);
        let total = |run: &PlatformRun| run.bill.as_ref().map(|bill: &Bill| bill.total).unwrap();
        prop_assert_eq!(total(on_demand), total(spot));
    }
}

/// Groups stay within their sizes and pools within their limits, but for nodes that are going: those that EC2 takes back
/// are replaced at the notice, two minutes before their end at most, and a pool does not count what it deletes.
fn sizes(study: &Study, platform: &Platform, ledger: &Ledger) {
    let most_at_once = |pool: &str, size: &dyn Fn(&InstanceType) -> i64| -> i64 {
        let mut changes = Vec::new();
        for lease in &ledger.leases {
            let template = &ledger.templates[lease.template as usize];
            let Machine::Ec2 { instance_type, .. } = &template.machine else { continue };
            let going = match lease.end_reason {
                EndReason::Interrupted | EndReason::DrainedAtNotice => Span::from_secs(125),
                EndReason::Empty => Span::from_secs(5),
                _ => Span::ZERO,
            };
            if template.pool == pool && lease.requested < lease.terminated - going {
                let size = size(study.catalog.instance_type(study.catalog.find(instance_type).unwrap()));
                changes.extend([(lease.requested, size), (lease.terminated - going, -size)]);
            }
        }
        changes.sort_unstable();
        let sums = changes.iter().scan(0, |sum, (_, change)| {
            *sum += change;
            Some(*sum)
        });
        sums.max().unwrap_or(0)
    };
    for part in platform.parts() {
        sizes_of(&part.kind, &most_at_once);
    }
}

/// The most at once of some amount of the nodes of a group.
type MostAtOnce<'a> = dyn Fn(&str, &dyn Fn(&InstanceType) -> i64) -> i64 + 'a;

fn sizes_of(kind: &Kind, most_at_once: &MostAtOnce) {
    match kind {
        Kind::NodeGroups(groups) => {
            for group in &groups.groups {
                if let GroupSize::Auto { max, .. } = group.size {
                    assert!(most_at_once(&group.name, &|_| 1) <= i64::from(max), "{}", group.name);
                }
            }
        }
        Kind::Karpenter(karpenter) => {
            // Other nodes go for long, or after their replacements have come.
            let is_plain = |pool: &&NodePool| {
                pool.consolidation_policy == ConsolidationPolicy::WhenEmpty && pool.expire_after.is_none()
            };
            for NodePool { name, limits, .. } in karpenter.node_pools.iter().filter(is_plain) {
                // (A round may exceed a limit on the number of nodes, as Karpenter's does.)
                let milli = limits.cpu.map_or(i64::MAX, Cpu::milli);
                assert!(most_at_once(name, &|this| 1_000 * this.vcpu) <= milli, "{name}");
            }
        }
        Kind::Recorded | Kind::Fargate(_) | Kind::AutoMode(_) | Kind::Mixed(_) => {}
    }
}

/// Karpenter with one type, bought one way, whose nodes go when they are empty: there is no cheaper node to change to.
fn pool_of(kind: &str, capacity_type: CapacityType) -> Kind {
    let requirements = vec![
        one_of(labels::INSTANCE_TYPE, &[kind]),
        one_of(labels::CAPACITY_TYPE, &[&capacity_type.to_string()]),
    ];
    let pool = NodePool { requirements, ..NodePool::default() };
    Kind::Karpenter(Karpenter { node_pools: vec![pool], ..Karpenter::default() })
}

/// A group of one type, bought one way.
fn group_of(kind: &str, capacity_type: CapacityType) -> Kind {
    let group = NodeGroup {
        // What is drawn for a node depends on its group's name.
        name: "jobs".into(),
        instance_type: Some(kind.into()),
        capacity_type,
        ..NodeGroup::default()
    };
    Kind::NodeGroups(NodeGroups { groups: vec![group], home: Home::Elsewhere, ..NodeGroups::default() })
}

#[test]
fn a_fixed_spot_group_replaces_a_node_that_is_taken_back_while_it_boots() {
    let mut settings = instant_settings();
    settings.startup.kernel_to_registered = Step::constant(Span::from_secs(300));
    // From 50 s to 400 s every instance gets its notice, within three minutes of some event; none boots in that time.
    let event = |at: i64| SpotEvent {
        at: Span::from_secs(at),
        instance_type: None,
        zone: None,
        reclaims_ppm: 1_000_000,
        shortage: Span::ZERO,
    };
    settings.spot = Spot {
        hazard_permille: 0,
        events: (5..40).map(|tens| event(10 * tens)).collect(),
        ..Spot::default()
    };
    let mut platform = group("m5.large", 1);
    let Kind::NodeGroups(groups) = &mut platform.kind else { panic!("a node group") };
    groups.groups[0].capacity_type = CapacityType::Spot;
    let rows = [Row::pod("early", 0, 1_000), Row::pod("late", 3_000_000, 1_000)];
    let (_, run, _) = replay_one(&rows, settings, platform);
    assert_eq!(run.ledger.outcomes, [Outcome::Succeeded; 2]);
    assert!(run.ledger.leases.len() > 2, "a replacement was replaced: {:?}", run.ledger.leases);
}

/// The generated cases are worth nothing if little happens in them.
#[test]
fn much_happens_in_the_generated_cases() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::new(cases(1));
    let strategy = (traces(Features::ALL, any::<bool>()), eventful(), autoscaled::platforms());
    let mut seen = std::collections::BTreeMap::new();
    let mut see = |what: &'static str, times: u64| *seen.entry(what).or_insert(0) += times;
    for _ in 0..40 {
        let (rows, settings, platforms) = strategy.new_tree(&mut runner).unwrap().current();
        if !has_pods(&rows) {
            continue;
        }
        let (runs, _) = replay(&study(&rows, settings, &platforms));
        for Ledger { leases, runs, counters, .. } in runs.iter().map(|run| &run.ledger) {
            for lease in leases {
                see(
                    if lease.end_reason == EndReason::DrainedAtNotice {
                        "drained at notice"
                    } else {
                        lease.end_reason.word()
                    },
                    1,
                );
            }
            see("refused", counters.capacity_errors);
            see("restarted", runs.iter().filter(|run| run.attempt > 1).count() as u64);
            see("taken", runs.iter().filter(|run| run.taken.is_some()).count() as u64);
        }
    }
    for what in [
        "scale_down",
        "emptiness",
        "consolidation",
        "expiration",
        "interruption",
        "drained at notice",
        "refused",
        "restarted",
        "taken",
    ] {
        assert!(seen.get(what).is_some_and(|times| *times >= 3), "{what}: {seen:?}");
    }
}
