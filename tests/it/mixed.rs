//! Clusters of several parts, EKS Auto Mode, Fargate profiles, and what is always on beside the jobs.

use cost_sim::bill::{Bill, ItemKind};
use cost_sim::ledger::{Ledger, Machine, Outcome};
use cost_sim::platform::{
    AutoMode, CapacityType, Fargate, FargateProfile, GroupSize, Home, Karpenter, Kind, Mixed, NodeGroup,
    NodeGroups, NodePool, Part, Platform, ProfileSelector, Settings, Step, System,
};
use cost_sim::replay::PlatformRun;
use cost_sim::report::PlatformReport;
use cost_sim::units::{Span, Usd};
use proptest::prelude::*;

use crate::support::autoscaled::{self, eventful, one_of};
use crate::support::generate::*;
use crate::support::*;

const HOUR: i64 = 3_600_000;

fn part(name: &str, kind: Kind) -> Part {
    Part { name: name.to_owned(), kind }
}

fn mixed(parts: Vec<Part>) -> Platform {
    Platform { name: "mixed".to_owned(), kind: Kind::Mixed(Mixed { parts }) }
}

/// Two nodes that are labelled for long jobs.
fn base() -> Part {
    let group = NodeGroup {
        instance_type: Some("m5.large".to_owned()),
        capacity_type: CapacityType::OnDemand,
        size: GroupSize::Fixed(2),
        labels: vec![("workload".to_owned(), "long".to_owned())],
        ..NodeGroup::default()
    };
    part("base", Kind::NodeGroups(NodeGroups { groups: vec![group], ..NodeGroups::default() }))
}

fn burst() -> Part {
    let requirements = vec![
        one_of("node.kubernetes.io/instance-type", &["c5.xlarge"]),
        one_of("karpenter.sh/capacity-type", &["on-demand"]),
    ];
    let pool = NodePool { name: "jobs".to_owned(), requirements, ..NodePool::default() };
    let home = Home::Elsewhere;
    part("burst", Kind::Karpenter(Karpenter { node_pools: vec![pool], home, ..Karpenter::default() }))
}

fn serverless(namespace: &str) -> Part {
    let selectors = vec![ProfileSelector { namespace: namespace.to_owned(), labels: Vec::new() }];
    let profiles = vec![FargateProfile { name: "system".to_owned(), selectors }];
    part("serverless", Kind::Fargate(Fargate { profiles, ..Fargate::default() }))
}

/// The pool on whose node each pod ran, by the row's task.
fn pools(run: &PlatformRun, tasks: &[&str]) -> Vec<String> {
    let pool = |(index, _): (usize, &&str)| {
        let pod = run.ledger.runs.iter().find(|pod| pod.step as usize == index)?;
        let lease = run.ledger.leases.get(pod.lease as usize)?;
        Some(run.ledger.templates[lease.template as usize].pool.clone())
    };
    tasks.iter().enumerate().map(pool).map(Option::unwrap_or_default).collect()
}

/// The report's costs by group sum to the bill.
fn groups_sum_to_the_bill(report: &PlatformReport, bill: &Bill) {
    let usd = |text: &Option<String>| Usd::parse(text.as_deref().unwrap()).unwrap();
    assert_eq!(report.groups.iter().map(|group| usd(&group.usd)).sum::<Usd>(), bill.total);
}

#[test]
fn every_pod_runs_on_the_part_that_it_is_meant_for() {
    // Steps are in order of time. The base's 2 × 1,750m hold one of the long jobs each.
    let long = |task: &str, at| Row {
        node_selector: "workload=long",
        cpu: Some(1_500),
        ..Row::pod(task, at, 2 * HOUR)
    };
    let rows = [
        long("long-1", 0),
        Row { namespace: "system", ..Row::pod("coredns", 1_000, HOUR) },
        long("long-2", 2_000),
        Row { cpu: Some(3_000), ..Row::pod("large", 3_000, HOUR) },
    ];
    let platform = mixed(vec![base(), burst(), serverless("system")]);
    let (study, run, report) = replay_one(&rows, Settings::default(), platform);
    assert!(run.report.complete, "{:?}", run.report.incomplete_reasons);
    assert_eq!(pools(&run, &["long-1", "coredns", "long-2", "large"]), ["base", "fargate", "base", "jobs"]);
    let bill = run.bill.as_ref().unwrap();
    groups_sum_to_the_bill(&run.report, bill);
    let rows: Vec<(&str, u64, u64)> =
        run.report.groups.iter().map(|g| (g.name.as_str(), g.nodes_launched, g.pods)).collect();
    assert_eq!(rows, [("base", 2, 2), ("jobs", 1, 1), ("fargate", 1, 1), ("cluster and the rest", 0, 0)]);
    // Fixed groups and Karpenter are no rivals.
    assert!(
        report.warnings.iter().all(|warning| !warning.contains("same pending pod")),
        "{:?}",
        report.warnings
    );
    assert_eq!(study.asked().platforms.len(), 1);
}

#[test]
fn what_no_profile_selects_needs_nodes() {
    let rows = [Row { namespace: "jobs", ..Row::pod("a", 0, HOUR) }, Row::pod("b", 1_000, HOUR)];
    let only = Platform { name: "fargate".to_owned(), kind: serverless("jobs").kind };
    let (_, run, _) = replay_one(&rows, Settings::default(), only);
    assert_eq!(run.ledger.outcomes, [Outcome::Succeeded, Outcome::Unschedulable]);
    let reasons = run.report.incomplete_reasons.join("; ");
    assert!(reasons.contains("no Fargate profile selects them, and there are no nodes"), "{reasons}");
    // Beside nodes they run there.
    let (_, run, _) = replay_one(&rows, Settings::default(), mixed(vec![serverless("jobs"), burst()]));
    assert_eq!(pools(&run, &["a", "b"]), ["fargate", "jobs"]);
}

#[test]
fn two_controllers_that_make_nodes_are_warned_of() {
    let group = NodeGroup { instance_type: Some("m5.large".to_owned()), ..NodeGroup::default() };
    let groups = NodeGroups { groups: vec![group], home: Home::Elsewhere, ..NodeGroups::default() };
    let both = mixed(vec![part("groups", Kind::NodeGroups(groups)), burst()]);
    let (_, run, report) = replay_one(&[Row::pod("a", 0, HOUR)], Settings::default(), both);
    let warning = "mixed: groups and burst may each make a node for the same pending pod";
    assert!(report.warnings.iter().any(|text| text.starts_with(warning)), "{:?}", report.warnings);
    // And both do: neither has a node when the pod comes. The pod runs on one of them only.
    assert_eq!(run.ledger.leases.len(), 2);
    assert_eq!(run.ledger.runs.iter().filter(|pod| pod.was_bound()).count(), 1);
}

/// Auto Mode with one type; a node is there at once and stays.
fn auto_mode(instance_type: &str) -> Platform {
    let requirements = vec![
        one_of("node.kubernetes.io/instance-type", &[instance_type]),
        one_of("karpenter.sh/capacity-type", &["on-demand"]),
        one_of("eks.amazonaws.com/instance-category", &["m", "c"]),
    ];
    let pool = NodePool { name: "own".to_owned(), requirements, consolidate_after: None, ..AutoMode::pool() };
    Platform { name: "auto".to_owned(), kind: Kind::AutoMode(AutoMode { node_pools: vec![pool] }) }
}

#[test]
fn auto_mode_has_a_fee_of_its_own() {
    let mut settings = instant_settings();
    settings.startup.create_fleet = Step::constant(Span::from_secs(2));
    let (_, run, _) = replay_one(&[Row::pod("a", 0, 2 * HOUR)], settings, auto_mode("m5.large"));
    let bill = run.bill.as_ref().unwrap();
    let [lease] = run.ledger.leases[..] else { panic!("one node is enough") };
    // m5.large in us-east-1: 0.096 USD an hour, and 12 % of that, 0.01152 USD, for Auto Mode. Both by the second.
    let seconds = ((lease.terminated - lease.running).ms() + 999) / 1_000;
    assert!(seconds >= 7_200, "{seconds}");
    let item = |kind| bill.items.iter().find(|item| item.kind == kind).unwrap();
    let per_hour = |rate: &str| Usd::parse(rate).unwrap().femto() * i128::from(seconds) / 3_600;
    for (kind, rate) in [(ItemKind::Ec2OnDemand, "0.096"), (ItemKind::AutoModeFee, "0.01152")] {
        assert!((item(kind).usd.femto() - per_hour(rate)).abs() <= 1, "{:?}", item(kind));
    }
    // 80 GiB of gp3 at 0.08 USD a month of 30 days.
    let volume = Usd::parse("6.40").unwrap().femto() * i128::from(seconds) / 2_592_000;
    assert!((item(ItemKind::RootVolume).usd.femto() - volume).abs() <= 1);
    // AWS runs the controllers, and its agents take no room: 1,930m of the 2 CPUs are for pods.
    assert!(bill.items.iter().all(|item| !item.kind.label().starts_with("controllers")));
    let template = &run.ledger.templates[lease.template as usize];
    assert_eq!((template.daemons.cpu.milli(), template.allocatable.cpu.milli()), (0, 1_930));
    assert_eq!(template.allocatable.pods, 29);
}

#[test]
fn auto_mode_launches_what_aws_supports_and_knows_its_own_labels() {
    let chosen = |selector| {
        let row = Row { node_selector: selector, ..Row::pod("a", 0, HOUR) };
        let platform = Platform::built_in("auto-mode").unwrap();
        let (_, run, _) = replay_one(&[row], Settings::default(), platform);
        let machine = |ledger: &Ledger| {
            let lease = ledger.leases.first()?;
            match &ledger.templates[lease.template as usize].machine {
                Machine::Ec2 { instance_type, .. } => Some(instance_type.clone()),
                Machine::Fargate { .. } => None,
            }
        };
        (run.report.complete, machine(&run.ledger))
    };
    let (complete, machine) = chosen("eks.amazonaws.com/instance-category=r");
    assert!(complete && machine.as_deref().is_some_and(|name| name.starts_with('r')), "{machine:?}");
    assert!(chosen("eks.amazonaws.com/compute-type=auto").0);
    // Those of one's own Karpenter are not on its nodes, and neither is generation 4.
    assert_eq!(chosen("karpenter.k8s.aws/instance-category=r"), (false, None));
    assert_eq!(chosen("eks.amazonaws.com/instance-generation=4"), (false, None));
}

#[test]
fn what_is_always_on_is_billed_on_every_platform_alike() {
    let mut settings = instant_settings();
    let engine = Home::Nodes { instance_type: "m5.large".to_owned(), nodes: 2 };
    settings.system = vec![System { name: "engine".to_owned(), home: engine }];
    let platforms = [fargate(), auto_mode("m5.large")];
    let with = study(&[Row::pod("a", 0, HOUR)], settings.clone(), &platforms);
    settings.system.clear();
    let without = study(&[Row::pod("a", 0, HOUR)], settings, &platforms);
    let (with, report) = replay(&with);
    let (without, _) = replay(&without);
    for ((with, without), report) in with.iter().zip(&without).zip(&report.platforms) {
        let (on, off) = (with.bill.as_ref().unwrap(), without.bill.as_ref().unwrap());
        groups_sum_to_the_bill(report, on);
        assert_eq!(with.ledger.runs, without.ledger.runs);
        let window = with.ledger.window;
        let seconds = ((window.end - window.start).ms() + 999) / 1_000;
        // Two nodes at 0.096 USD an hour, and 2 × 20 GiB of gp3 at 0.08 USD a month.
        let line = on.items.iter().find(|item| item.kind == ItemKind::SystemInstance).unwrap();
        let expected = 2 * Usd::parse("0.096").unwrap().femto() * i128::from(seconds) / 3_600;
        assert!((line.usd.femto() - expected).abs() <= 2, "{line:?}");
        let volumes = 2 * Usd::parse("1.60").unwrap().femto() * i128::from(seconds) / 2_592_000;
        assert!(((on.total - off.total).femto() - expected - volumes).abs() <= 4);
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn the_laws_hold_on_several_parts_and_under_auto_mode(
        rows in traces(Features::ALL, any::<bool>()), settings in eventful(),
        mixed in autoscaled::mixed(), auto_mode in autoscaled::auto_mode(), serverless in any::<u64>(),
    ) {
        prop_assume!(has_pods(&rows));
        let namespace = |bit: usize| if serverless >> (bit % 64) & 1 == 1 { "serverless-1" } else { "" };
        let rows: Vec<Row> = rows
            .into_iter()
            .enumerate()
            .map(|(index, row)| Row { namespace: namespace(index), ..row })
            .collect();
        let study = study(&rows, settings, &[mixed, auto_mode]);
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
        for (run, report) in runs.iter().zip(&report.platforms) {
            if let (Ok(bill), false) = (&run.bill, report.groups.is_empty()) {
                groups_sum_to_the_bill(report, bill);
            }
            for pod in run.ledger.runs.iter().filter(|pod| pod.was_bound()) {
                let lease = &run.ledger.leases[pod.lease as usize];
                let on_fargate = matches!(
                    run.ledger.templates[lease.template as usize].machine,
                    Machine::Fargate { .. }
                );
                let class = study.workload.steps.class[pod.step as usize];
                let spec = study.workload.pod_spec(class, &study.trace.words);
                let selected = run.name == "mixed" && spec.namespace.starts_with("serverless");
                prop_assert_eq!(on_fargate, selected);
            }
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test reads the example")]
fn the_example_is_what_its_text_says() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mixed");
    let path = dir.join("scenario.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let scenario =
        cost_sim::platform::read(&path, &text).unwrap_or_else(|error| panic!("{}", error.render()));
    let study = study_of_files(&dir.join("trace.csv"), scenario.settings, &scenario.platforms)
        .unwrap_or_else(|error| panic!("{}", error.render()));
    let (runs, report) = replay(&study);
    for (run, platform) in runs.iter().zip(&report.platforms) {
        assert!(platform.complete, "{}: {:?}", platform.name, platform.incomplete_reasons);
        groups_sum_to_the_bill(platform, run.bill.as_ref().unwrap());
    }
    let mixed = &report.platforms[0];
    let pods: Vec<(&str, u64)> = mixed.groups.iter().map(|group| (group.name.as_str(), group.pods)).collect();
    let of = |name: &str| pods.iter().find(|(group, _)| *group == name).map(|(_, pods)| *pods);
    // Six queries a day, whatever else there is room for.
    assert_eq!(of("fargate"), Some(42), "{pods:?}");
    assert!(of("base") >= Some(21) && of("jobs") > Some(0), "{pods:?}");
}
