//! Small workloads on a pool of two types, simulated from beginning to end.

use std::collections::BTreeMap;

use crate::catalog::{CapacityType, Catalog, Snapshot, labels};
use crate::control::Karpenter;
use crate::control::karpenter::pool::{Pool, PoolType, template};
use crate::control::karpenter::solve::Scheduler;
use crate::decide::karpenter::model::Options;
use crate::ledger::{EndReason, Ledger, Machine, NodeTemplate, Role, TemplateId};
use crate::platform::{self, Budget, ConsolidationPolicy, ControllerSpeed, NodePool, Settings, Step};
use crate::sim::kube_scheduler::{ARCH_LABEL, NodeLabels};
use crate::sim::{Fleet, Input, NodeType, Placement, PullRates, run};
use crate::trace::{OwnerKind, PodArch, Word, Words};
use crate::units::{Cpu, Memory, Resources, Span, Time};
use crate::workload::{Ending, Image, PodClass, Run, StepKind, Window, Workload};

pub(super) fn s(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

pub(super) const fn secs(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

pub(super) fn resources(cores_milli: i64, pods: i64) -> Resources {
    let (cpu, memory) = (Cpu::from_milli(cores_milli), Memory::from_mib(100 * pods));
    Resources { cpu, memory, ephemeral: Memory::ZERO, pods }
}

#[derive(Clone, Copy, Default)]
pub(super) struct Pod {
    pub submit: i64,
    pub work: i64,
    pub milli: i64,
    pub do_not_disrupt: bool,
}

pub(super) const fn pod(submit: i64, work: i64, milli: i64) -> Pod {
    Pod { submit, work, milli, do_not_disrupt: false }
}

/// Each pod is of a class of its own.
pub(super) fn workload(pods: &[Pod]) -> Workload {
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
            namespace: Word::EMPTY,
            labels: 0,
            template: 0,
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

pub(super) fn settings() -> Settings {
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
pub(super) const TYPES: [(&str, i64); 2] = [("m5.large", 2_000), ("m5.xlarge", 4_000)];

pub(super) fn pool(
    capacity_types: &[CapacityType],
    policy: ConsolidationPolicy,
    after: Option<i64>,
) -> NodePool {
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
        budgets: vec![Budget::percent(100)],
        ..NodePool::default()
    }
}

pub(super) fn node_type(name: &str, catalog: &Catalog, milli: i64, capacity_type: CapacityType) -> NodeType {
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

pub(super) fn simulate(pods: &[Pod], pool: NodePool, settings: &Settings) -> Ledger {
    simulate_at(ControllerSpeed::Unlimited, pods, pool, settings)
}

pub(super) fn simulate_at(
    speed: ControllerSpeed,
    pods: &[Pod],
    pool: NodePool,
    settings: &Settings,
) -> Ledger {
    let config = platform::Karpenter { controller_speed: speed, ..platform::Karpenter::default() };
    simulate_as(config, pods, pool, settings)
}

/// With these settings of Karpenter, but for its NodePools.
pub(super) fn simulate_as(
    config: platform::Karpenter,
    pods: &[Pod],
    pool: NodePool,
    settings: &Settings,
) -> Ledger {
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
    let specs = workload.pod_specs(&words);
    let scheduler =
        Scheduler::new(vec![prepared], &specs, &node_types, &catalog.zones, Options::default());
    let config = platform::Karpenter { node_pools: vec![pool], ..config };
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

pub(super) fn on_demand(policy: ConsolidationPolicy, after: Option<i64>) -> NodePool {
    pool(&[CapacityType::OnDemand], policy, after)
}

/// Type, Ready, end and its reason of each node; times in whole seconds.
pub(super) fn nodes(ledger: &Ledger) -> Vec<(&str, i64, i64, EndReason)> {
    let leases = ledger.leases.iter().map(|lease| {
        let Machine::Ec2 { instance_type, .. } = &ledger.templates[lease.template as usize].machine else {
            unreachable!("there is no Fargate here")
        };
        let (ready, end) = (lease.ready.ms() / 1_000, lease.terminated.ms() / 1_000);
        (instance_type.as_str(), ready, end, lease.end_reason)
    });
    leases.collect()
}
