//! The whole of Karpenter through the engine, with a pool of two types whose nodes leave everything to pods.
//!
//! Start-up takes constant times. A pod at 0 s finds no node; the batch closes after 1 s; EC2 answers after 2 s, the
//! instance runs after 8 s more, the node is Ready after 20 + 5 s: at 36 s. A container takes 1 s: the work begins at
//! 37 s.

use std::collections::BTreeMap;

use crate::catalog::{CapacityType, Catalog, Snapshot, labels};
use crate::control::Karpenter;
use crate::control::karpenter::pool::{Pool, PoolType, template};
use crate::control::karpenter::shapes::Shapes;
use crate::control::karpenter::solve::Scheduler;
use crate::ledger::{EndReason, Ledger, Machine, NodeTemplate, Outcome, Role, TemplateId};
use crate::platform::{
    self, Budget, ConsolidationPolicy, ControllerSpeed, NodePool, Settings, SpotEvent, Step,
};
use crate::sim::kube_scheduler::{ARCH_LABEL, NodeLabels};
use crate::sim::{Fleet, Input, NodeType, Placement, PullRates, run};
use crate::trace::{OwnerKind, PodArch, Word, Words};
use crate::units::{Cpu, Memory, Resources, Span, Time};
use crate::workload::{Ending, Image, PodClass, Run, StepKind, Window, Workload};

fn s(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

const fn secs(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

fn resources(cores_milli: i64, pods: i64) -> Resources {
    let (cpu, memory) = (Cpu::from_milli(cores_milli), Memory::from_mib(100 * pods));
    Resources { cpu, memory, ephemeral: Memory::ZERO, pods }
}

#[derive(Clone, Copy, Default)]
struct Pod {
    submit: i64,
    work: i64,
    milli: i64,
    do_not_disrupt: bool,
}

const fn pod(submit: i64, work: i64, milli: i64) -> Pod {
    Pod { submit, work, milli, do_not_disrupt: false }
}

/// Each pod is of a class of its own.
fn workload(pods: &[Pod]) -> Workload {
    let mut all = Workload {
        images: vec![Image { name: Word::EMPTY, size: Memory::ZERO }],
        window: Window { start: s(0), end: s(100) },
        ..Workload::default()
    };
    for (index, pod) in (0..).zip(pods) {
        all.classes.push(PodClass {
            requests: resources(pod.milli, 1),
            image: 0,
            arch: PodArch::Amd64,
            node_selector: Word::EMPTY,
            tolerations: Word::EMPTY,
            priority: 0,
            owner: OwnerKind::None,
            do_not_disrupt: pod.do_not_disrupt,
            interruptible: true,
        });
        all.steps.row.push(index);
        all.steps.run.push(index);
        all.steps.kind.push(StepKind::Pod);
        all.steps.ending.push(Ending::Succeeded);
        all.steps.never_ran.push(false);
        all.steps.class.push(index);
        all.steps.work.push(secs(pod.work));
        all.steps.submit.push(s(pod.submit));
        all.steps.key.push(u64::from(index));
        all.runs.push(Run { id: Word::EMPTY, workflow: Word::EMPTY, submit: s(pod.submit) });
    }
    all
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    let constant = |seconds| Step::constant(secs(seconds));
    settings.startup.create_fleet = constant(2);
    settings.startup.pending_to_kernel = constant(8);
    settings.startup.kernel_to_registered = constant(20);
    settings.startup.registered_to_ready = constant(5);
    settings.startup.container_create = constant(1);
    settings.orchestrator.detection_lag = constant(5);
    settings.orchestrator.lost_pods.retry_limit = 3;
    settings.orchestrator.lost_pods.retry_interval = Span::ZERO;
    settings.orchestrator.lost_pods.graceful_stop = Span::ZERO;
    settings.spot.hazard_permille = 0;
    settings
}

/// m5.large with 2 cores at 0.096 USD an hour and m5.xlarge with 4 cores at 0.192.
const TYPES: [(&str, i64); 2] = [("m5.large", 2_000), ("m5.xlarge", 4_000)];

fn pool(capacity_types: &[CapacityType], policy: ConsolidationPolicy, after: Option<i64>) -> NodePool {
    let one_of = |key: &str, values: Vec<&str>| platform::NodeRequirement {
        key: key.to_owned(),
        operator: platform::RequirementOperator::In,
        values: values.into_iter().map(str::to_owned).collect(),
        min_values: None,
    };
    NodePool {
        requirements: vec![
            one_of(labels::INSTANCE_TYPE, TYPES.iter().map(|(name, _)| *name).collect()),
            one_of(labels::CAPACITY_TYPE, capacity_types.iter().map(|capacity| capacity.label()).collect()),
        ],
        consolidation_policy: policy,
        consolidate_after: after.map(secs),
        budgets: vec![Budget::Percent(100)],
        ..NodePool::default()
    }
}

fn node_type(name: &str, catalog: &Catalog, milli: i64, capacity_type: CapacityType) -> NodeType {
    let own = [(ARCH_LABEL, "amd64"), (labels::INSTANCE_TYPE, name)];
    let own: BTreeMap<String, String> = own.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    NodeType {
        instance: catalog.find(name).unwrap(),
        template: NodeTemplate {
            pool: "jobs".into(),
            machine: Machine::Ec2 { instance_type: name.into(), capacity_type },
            allocatable: resources(milli, 20),
            daemons: Resources::ZERO,
            root_volume: Memory::ZERO,
            auto_mode: false,
            role: Role::Jobs,
        },
        labels: NodeLabels {
            labels: own,
            is_spot: capacity_type == CapacityType::Spot,
            ..NodeLabels::default()
        },
        pull_rates: PullRates::new(&Settings::default().images, Settings::default().images.network_rate),
        scored_daemons: (Cpu::ZERO, Memory::ZERO),
    }
}

fn simulate(pods: &[Pod], pool: NodePool, settings: &Settings) -> Ledger {
    let catalog = Snapshot::embedded().region("us-east-1").unwrap();
    let (workload, words) = (workload(pods), Words::default());
    let mut node_types = Vec::new();
    let types = TYPES.map(|(name, milli)| {
        let mut kinds = [None; 3];
        for capacity_type in [CapacityType::Spot, CapacityType::OnDemand] {
            kinds[capacity_type as usize] = Some(node_types.len() as TemplateId);
            node_types.push(node_type(name, &catalog, milli, capacity_type));
        }
        let instance = catalog.find(name).unwrap();
        PoolType {
            instance,
            requirements: catalog.requirements(instance),
            capacity: resources(milli, 20),
            allocatable: resources(milli, 20),
            daemons: Resources::ZERO,
            exotic: false,
            kinds,
        }
    });
    let prepared = Pool { template: template(&pool), spec: pool.clone(), types: types.to_vec() };
    let shapes = Shapes::new(&workload.classes, &words, false);
    let scheduler = Scheduler::new(vec![prepared], shapes, &node_types, &catalog.zones);
    let config = platform::Karpenter {
        node_pools: vec![pool],
        controller_speed: ControllerSpeed::Unlimited,
        ..platform::Karpenter::default()
    };
    let karpenter = Karpenter::new(config, scheduler, catalog.zones.len());
    let fleet = Fleet {
        node_types,
        fargate_sizes: Vec::new(),
        homes: Vec::new(),
        placement: Placement::KubeScheduler,
        bill_until_deleted: true,
        controllers: vec![Box::new(karpenter)],
    };
    let input = Input {
        workload: &workload,
        words: &words,
        settings,
        zones: &catalog.zones,
        catalog: &catalog,
        closed: false,
    };
    run(&input, fleet)
}

fn on_demand(policy: ConsolidationPolicy, after: Option<i64>) -> NodePool {
    pool(&[CapacityType::OnDemand], policy, after)
}

/// Type, Ready, end and its reason of each node; times in whole seconds.
fn nodes(ledger: &Ledger) -> Vec<(&str, i64, i64, EndReason)> {
    let leases = ledger.leases.iter().map(|lease| {
        let Machine::Ec2 { instance_type, .. } = &ledger.templates[lease.template as usize].machine else {
            unreachable!("there is no Fargate here")
        };
        let (ready, end) = (lease.ready.ms() / 1_000, lease.terminated.ms() / 1_000);
        (instance_type.as_str(), ready, end, lease.end_reason)
    });
    leases.collect()
}

use ConsolidationPolicy::{WhenEmpty, WhenEmptyOrUnderutilized};

#[test]
fn an_empty_node_goes_after_its_delay_a_poll_the_validation_and_the_drain() {
    // The pod ends at 37 + 60 = 97 s. Consolidatable from then + `consolidateAfter`; the polls are at 0, 10, 20 s and so
    // on; 15 s later the node is still empty; it is drained for 5 s.
    for (after, poll) in [(60, 160), (63, 160), (64, 170), (0, 100), (600, 700)] {
        for policy in [WhenEmpty, WhenEmptyOrUnderutilized] {
            let ledger = simulate(&[pod(0, 60, 500)], on_demand(policy, Some(after)), &settings());
            let expected = [("m5.large", 36, poll + 15 + 5, EndReason::Empty)];
            assert_eq!(nodes(&ledger), expected, "consolidateAfter {after}, {policy:?}");
        }
    }
}

#[test]
fn a_node_that_is_in_use_stays() {
    // A pod every 40 s for 30 s: never 60 s without one, though the node is empty for about 10 s each time.
    let pods: Vec<Pod> = (0..20).map(|index| pod(index * 40, 30, 500)).collect();
    let ledger = simulate(&pods, on_demand(WhenEmptyOrUnderutilized, Some(60)), &settings());
    // The last one: 760 + 1 + 30 = 791 s; consolidatable at 851 s, polled at 860 s.
    assert_eq!(nodes(&ledger), [("m5.large", 36, 880, EndReason::Empty)]);
    assert!(ledger.runs.iter().all(|run| run.taken.is_none()));
}

/// Two pods of 1.5 cores make Karpenter launch an m5.xlarge. The first ends at 37 + 100 = 137 s; from 197 s on the node
/// is consolidatable, and an m5.large would do for the other, which works for 2,000 s.
const UNEVEN: [Pod; 2] = [pod(0, 100, 1_500), pod(0, 2_000, 1_500)];

#[test]
fn a_cheaper_node_is_launched_first_and_its_pod_killed_and_started_again() {
    let ledger = simulate(&UNEVEN, on_demand(WhenEmptyOrUnderutilized, Some(60)), &settings());
    // Found at 200 s and valid at 215 s; the m5.large is Ready at 215 + 35 = 250 s, and only then the m5.xlarge is
    // deleted: both are paid for meanwhile. The pod is seen to be gone at 255 s and begins again at 256 s, with all of
    // its 2,000 s to do: 213 s of work are lost. The node is consolidatable at 2,256 + 60 s; the polls are a
    // millisecond after 2,315 and 2,325 s.
    assert_eq!(
        nodes(&ledger),
        [
            ("m5.xlarge", 36, 255, EndReason::Consolidated),
            ("m5.large", 250, 2_325 + 15 + 5, EndReason::Empty)
        ]
    );
    let killed = &ledger.runs[1];
    assert_eq!((killed.ended, killed.taken), (s(250), Some(EndReason::Consolidated)));
    let again = &ledger.runs[2];
    assert_eq!((again.attempt, again.created, again.started, again.ended), (2, s(255), s(256), s(2_256)));
    assert_eq!(ledger.counters.lost_work_ms, 213_000);
    assert!(ledger.outcomes.iter().all(|outcome| *outcome == Outcome::Succeeded));
}

#[test]
fn a_pod_that_nobody_starts_again_is_lost() {
    let mut settings = settings();
    settings.orchestrator.lost_pods.retry_limit = 0;
    let ledger = simulate(&UNEVEN, on_demand(WhenEmptyOrUnderutilized, Some(60)), &settings);
    assert_eq!(ledger.outcomes, [Outcome::Succeeded, Outcome::Lost]);
}

#[test]
fn policies_delays_budgets_and_pods_can_forbid_consolidation() {
    let underutilized = || on_demand(WhenEmptyOrUnderutilized, Some(60));
    let protected = [UNEVEN[0], Pod { do_not_disrupt: true, ..UNEVEN[1] }];
    // The pods end at 137 and 2,037 s; the node is polled at 2,100 s.
    let cases = [
        ("when empty", on_demand(WhenEmpty, Some(60)), UNEVEN, Some((2_120, EndReason::Empty))),
        ("a pod that must not be disrupted", underutilized(), protected, Some((2_120, EndReason::Empty))),
        ("consolidateAfter: Never", on_demand(WhenEmptyOrUnderutilized, None), UNEVEN, None),
        ("no budget", NodePool { budgets: vec![Budget::Nodes(0)], ..underutilized() }, UNEVEN, None),
    ];
    for (case, pool, pods, end) in cases {
        let ledger = simulate(&pods, pool, &settings());
        assert!(ledger.runs.iter().all(|run| run.taken.is_none()), "{case}");
        let (at, reason) = end.unwrap_or((2_037, EndReason::WindowEnd));
        assert_eq!(nodes(&ledger), [("m5.xlarge", 36, at, reason)], "{case}");
    }
}

#[test]
fn a_pod_that_comes_during_the_validation_cancels_it() {
    // As above, but a small pod runs on the node from 205 s on, for 5 s. The command of 200 s does not hold at 215 s.
    // The pod's end at 211 s is within ten seconds of its beginning and not noted, so the node is consolidatable at
    // 265 s, which is a poll; the command is valid at 280 s and the m5.large Ready at 315 s.
    let pods = [UNEVEN[0], UNEVEN[1], pod(205, 5, 100)];
    let ledger = simulate(&pods, on_demand(WhenEmptyOrUnderutilized, Some(60)), &settings());
    assert_eq!(nodes(&ledger)[0], ("m5.xlarge", 36, 320, EndReason::Consolidated));
    assert_eq!(nodes(&ledger)[1].1, 315);
    // Had it come a moment after the validation, nothing could have been stopped any more.
    let pods = [UNEVEN[0], UNEVEN[1], pod(216, 5, 100)];
    let ledger = simulate(&pods, on_demand(WhenEmptyOrUnderutilized, Some(60)), &settings());
    assert_eq!(nodes(&ledger)[0], ("m5.xlarge", 36, 255, EndReason::Consolidated));
}

#[test]
fn nodes_whose_pods_fit_elsewhere_are_deleted_without_a_replacement() {
    // Four pods of 1.9 cores need two m5.xlarge, over which kube-scheduler spreads them. From 137 s on there is one pod
    // of 1.9 cores on each: one node can take both.
    let pods = [pod(0, 100, 1_900), pod(0, 100, 1_900), pod(0, 1_000, 1_900), pod(0, 1_000, 1_900)];
    let ledger = simulate(&pods, on_demand(WhenEmptyOrUnderutilized, Some(60)), &settings());
    assert_ne!(ledger.runs[2].lease, ledger.runs[3].lease);
    // Both at once would need one m5.xlarge, as cheap as one of the nodes that go: not cheaper. One alone needs none.
    // It is found at 200 s, valid at 215 s and drained for 5 s; nothing is launched for its pod.
    let early: Vec<_> = nodes(&ledger).into_iter().filter(|(_, ready, ..)| *ready < 1_000).collect();
    let gone: Vec<_> = early.iter().filter(|(.., end, _)| *end < 1_000).collect();
    assert_eq!((early.len(), gone), (2, vec![&("m5.xlarge", 36, 220, EndReason::Consolidated)]));
    // The pod is seen to be gone at 220 s and begins again on the other node at 221 s.
    let again = ledger.runs.iter().find(|run| run.attempt == 2).unwrap();
    assert_eq!(again.started, s(221));
    // Before it was bound, the other node looked as if a smaller one would do; that was over by the validation.
    assert_eq!(ledger.runs.iter().filter(|run| run.taken.is_some() && run.ended < s(1_000)).count(), 1);
}

#[test]
fn nothing_is_lost_when_there_is_no_capacity_for_the_replacement() {
    // Spot is preferred, but there is none of it: the node is on-demand. Three minutes later Karpenter believes in Spot
    // again and wants to replace the node by a Spot one. It taints the node, asks in vain and takes the taint away.
    let mut settings = settings();
    settings.spot.events = vec![SpotEvent {
        at: Span::ZERO,
        instance_type: None,
        zone: None,
        reclaims_ppm: 0,
        shortage: secs(100_000),
    }];
    let both = [CapacityType::Spot, CapacityType::OnDemand];
    let pool = pool(&both, WhenEmptyOrUnderutilized, Some(60));
    let ledger = simulate(&[pod(0, 1_000, 500), pod(900, 10, 100)], pool, &settings);
    assert_eq!(ledger.leases.len(), 1);
    assert_eq!(ledger.leases[0].end_reason, EndReason::Empty);
    assert!(ledger.runs.iter().all(|run| run.taken.is_none()));
    // Two types in every zone were asked for at the beginning, and again later.
    let zones = Snapshot::embedded().region("us-east-1").unwrap().zones.len() as u64;
    assert!(ledger.counters.capacity_errors > 2 * zones, "{}", ledger.counters.capacity_errors);
    // The node takes pods again.
    assert_eq!(ledger.runs[1].lease, 0);
}
