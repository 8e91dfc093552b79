//! The engine under a scripted controller: what it does with actions, triggers and wake-ups.

mod drain;

use super::*;
use crate::catalog::{CapacityType, Snapshot};
use crate::control::{Launch, LaunchPath, Offer};
use crate::ledger::Role;
use crate::ledger::{Machine, Outcome};
use crate::platform::{self, Step, Taint, TaintEffect};
use crate::sim::kube_scheduler::NodeLabels;
use crate::trace::{Column, OwnerKind, PodArch, Word};
use crate::units::{Cpu, Memory, Resources, Span};
use crate::workload::{Ending, Image, PodClass, Run, StepKind, Steps};

fn s(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

fn resources(milli: i64) -> Resources {
    Resources { cpu: Cpu::from_milli(milli), memory: Memory::from_mib(100), ephemeral: Memory::ZERO, pods: 1 }
}

/// Pods of (submit, work, millicores) in seconds, all of one image.
fn workload(pods: &[(i64, i64, i64)]) -> Workload {
    let mut w = Workload {
        images: vec![Image { name: Word::EMPTY, size: Memory::ZERO }],
        window: Window { start: s(0), end: s(1_000) },
        ..Workload::default()
    };
    for (i, (submit, work, milli)) in pods.iter().enumerate() {
        let class = PodClass {
            requests: resources(*milli),
            image: 0,
            arch: PodArch::Amd64,
            node_selector: Word::EMPTY,
            tolerations: Word::EMPTY,
            namespace: Word::EMPTY,
            labels: 0,
            template: 0,
            priority: 0,
            owner: OwnerKind::None,
            do_not_disrupt: false,
            interruptible: true,
        };
        let known = w.classes.iter().position(|c| *c == class);
        let class = known.unwrap_or_else(|| {
            w.classes.push(class);
            w.classes.len() - 1
        });
        let Steps {
            row,
            run,
            kind,
            ending,
            never_ran,
            class: classes,
            work: works,
            submit: submits,
            key,
            ..
        } = &mut w.steps;
        row.push(i as u32);
        run.push(i as u32);
        kind.push(StepKind::Pod);
        ending.push(Ending::Succeeded);
        never_ran.push(false);
        classes.push(class as u32);
        works.push(Span::from_secs(*work));
        submits.push(s(*submit));
        key.push(i as u64);
        w.steps.detection = Column::default();
        w.runs.push(Run { id: Word::EMPTY, workflow: Word::EMPTY, submit: s(*submit) });
    }
    w
}

/// One kind of node with 1,000 millicores, 10 pods and no DaemonSets.
fn node_type(settings: &Settings, taints: Vec<Taint>) -> NodeType {
    NodeType {
        instance: Snapshot::embedded().region("us-east-1").unwrap().find("m5.large").unwrap(),
        template: NodeTemplate {
            pool: "pool".into(),
            machine: Machine::Ec2 { instance_type: "m5.large".into(), capacity_type: CapacityType::OnDemand },
            allocatable: Resources { pods: 10, memory: Memory::from_gib(4), ..resources(1_000) },
            daemons: Resources::ZERO,
            root_volume: Memory::ZERO,
            auto_mode: false,
            role: Role::Jobs,
        },
        labels: NodeLabels { taints, ..NodeLabels::default() },
        pull_rates: PullRates::new(&settings.images, settings.images.network_rate),
        scored_daemons: (Cpu::ZERO, Memory::ZERO),
    }
}

/// Every start-up step takes a constant time: 2, 8, 20, 5 s of boot, 1 s for a container.
fn settings() -> Settings {
    let mut settings = Settings::default();
    let constant = |secs| Step::constant(Span::from_secs(secs));
    settings.startup.launch_to_pending = constant(2);
    settings.startup.pending_to_kernel = constant(8);
    settings.startup.kernel_to_registered = constant(20);
    settings.startup.registered_to_ready = constant(5);
    settings.startup.container_create = constant(1);
    settings
}

/// Does what a function says and remembers what it saw.
struct Scripted<'t, F> {
    seen: &'t std::sync::Mutex<Vec<(i64, Vec<Trigger>)>>,
    script: F,
}

impl<F> Controller for Scripted<'_, F>
where
    F: FnMut(Time, &[Trigger], &View, &mut Vec<Action>) -> NextWake,
{
    fn step(&mut self, now: Time, triggers: &[Trigger], view: &View, actions: &mut Vec<Action>) -> NextWake {
        self.seen.lock().unwrap().push((now.ms(), triggers.to_vec()));
        (self.script)(now, triggers, view, actions)
    }

    fn wants(&self) -> Wants {
        Wants { unschedulable_pods: true, nodes: true, ..Wants::default() }
    }
}

/// Runs `pods` under `script`; gives the ledger and what the controller saw.
fn simulate(
    pods: &[(i64, i64, i64)],
    script: impl FnMut(Time, &[Trigger], &View, &mut Vec<Action>) -> NextWake + Send,
) -> (Ledger, Vec<(i64, Vec<Trigger>)>) {
    simulate_on(vec![node_type(&settings(), Vec::new())], pods, script)
}

/// The same with these kinds of nodes.
fn simulate_on(
    node_types: Vec<NodeType>,
    pods: &[(i64, i64, i64)],
    script: impl FnMut(Time, &[Trigger], &View, &mut Vec<Action>) -> NextWake + Send,
) -> (Ledger, Vec<(i64, Vec<Trigger>)>) {
    simulate_with(&workload(pods), &settings(), node_types, script)
}

fn simulate_with(
    workload: &Workload,
    settings: &Settings,
    node_types: Vec<NodeType>,
    script: impl FnMut(Time, &[Trigger], &View, &mut Vec<Action>) -> NextWake + Send,
) -> (Ledger, Vec<(i64, Vec<Trigger>)>) {
    let seen = std::sync::Mutex::new(Vec::new());
    let ledger =
        simulate_under(workload, settings, node_types, vec![Box::new(Scripted { seen: &seen, script })]);
    (ledger, seen.into_inner().unwrap())
}

fn simulate_under(
    workload: &Workload,
    settings: &Settings,
    node_types: Vec<NodeType>,
    controllers: Vec<Box<dyn Controller + Send + '_>>,
) -> Ledger {
    let catalog = Snapshot::embedded().region("us-east-1").unwrap();
    let words = Words::default();
    let input =
        Input { workload, words: &words, settings, zones: &catalog.zones, catalog: &catalog, closed: false };
    let fleet = Fleet {
        node_types,
        fargate_sizes: Vec::new(),
        placement: Placement::KubeScheduler,
        bill_until_deleted: true,
        homes: Vec::new(),
        controllers,
    };
    run(&input, fleet)
}

/// Through an Auto Scaling group.
fn launch() -> Action {
    let offers = vec![Offer { kind: 0, zone: 0 }];
    Action::Launch(Launch { token: 7, offers, through: LaunchPath::AutoScalingGroup })
}

#[test]
fn a_node_boots_step_by_step_and_pods_follow_when_it_is_ready() {
    let (ledger, seen) = simulate(&[(100, 30, 500)], |_, triggers, _, actions| {
        if matches!(triggers, [Trigger::PodUnschedulable { .. }]) {
            actions.push(launch());
        }
        NextWake::OnTrigger
    });
    let lease = &ledger.leases[0];
    // Asked for at 100 s; instance running (billed) after 2 + 8 s; Ready after 20 + 5 s more.
    assert_eq!((lease.requested, lease.running, lease.ready), (s(100), s(110), s(135)));
    // The pod failed at 100 s; its back-off of 1 s is long over at 135 s. Container 1 s, work 30 s.
    let pod = &ledger.runs[0];
    assert_eq!((pod.created, pod.scheduled, pod.started, pod.ended), (s(100), s(135), s(136), s(166)));
    let seconds: Vec<i64> = seen.iter().map(|(ms, _)| ms / 1_000).collect();
    // EC2 answers at 102 s.
    assert_eq!(seconds, [0, 100, 102, 135, 166]);
    assert_eq!(seen[2].1, [Trigger::Launched { token: 7, lease: 0, kind: 0, zone: 0 }]);
    assert_eq!(seen[4].1, [Trigger::NodeEmpty(0)]);
    // Nobody removed it: it is paid to the end of the window.
    assert_eq!((lease.terminated, lease.end_reason), (s(1_000), EndReason::WindowEnd));
}

#[test]
fn an_empty_node_can_be_terminated_and_its_place_taken() {
    let (ledger, _) = simulate(&[(0, 10, 500), (100, 10, 500)], |_, triggers, _, actions| {
        for trigger in triggers {
            match trigger {
                Trigger::PodUnschedulable { .. } => actions.push(launch()),
                Trigger::NodeEmpty(lease) => actions.push(Action::Delete {
                    lease: *lease,
                    reason: EndReason::ScaledDown,
                    at_least: Span::ZERO,
                    grace: None,
                }),
                _ => {}
            }
        }
        NextWake::OnTrigger
    });
    // First node: Ready at 35 s, its pod runs 36 s to 46 s. Second: asked for at 100 s, in the first one's place.
    let ends: Vec<_> =
        ledger.leases.iter().map(|l| (l.requested, l.ready, l.terminated, l.end_reason)).collect();
    let scaled_down = EndReason::ScaledDown;
    assert_eq!(ends, [(s(0), s(35), s(46), scaled_down), (s(100), s(135), s(146), scaled_down)]);
    assert_eq!((ledger.runs[0].lease, ledger.runs[1].lease), (0, 1));
    assert!(ledger.outcomes.iter().all(|o| *o == Outcome::Succeeded));
}

#[test]
fn a_controller_is_woken_when_it_asked_to_be() {
    let (_, seen) = simulate(&[(50, 1, 500)], |now, triggers, _, actions| {
        if triggers.contains(&Trigger::Start) {
            actions.push(Action::Adopt { kind: 0, zone: 0 });
        }
        if now < s(30) { NextWake::At(now + Span::from_secs(10)) } else { NextWake::OnTrigger }
    });
    let at = |ms: i64| seen.iter().rfind(|(t, _)| *t == ms).map(|(_, triggers)| triggers.clone());
    // Adopting a node is news at the same instant.
    assert_eq!((seen[0].1.as_slice(), at(0)), (&[Trigger::Start][..], Some(vec![Trigger::NodeReady(0)])));
    assert_eq!((at(10_000), at(20_000), at(30_000)), (Some(vec![]), Some(vec![]), Some(vec![])));
    assert_eq!(at(40_000), None);
}

#[test]
fn adopted_nodes_are_seen_ready_at_the_start() {
    let mut ready = 0;
    let (ledger, _) = simulate(&[(0, 10, 500)], |_, triggers, view, actions| {
        if triggers.contains(&Trigger::Start) {
            actions.extend([Action::Adopt { kind: 0, zone: 0 }, Action::Adopt { kind: 0, zone: 1 }]);
        }
        ready = view.cluster.nodes.iter().filter(|n| n.state == NodeState::Ready).count().max(ready);
        NextWake::OnTrigger
    });
    assert_eq!(ready, 2);
    assert_eq!(ledger.runs[0].scheduled, s(0));
    assert!(ledger.leases.iter().all(|l| l.running == s(0) && l.ready == s(0) && l.terminated == s(1_000)));
}

#[test]
fn a_pod_that_nothing_can_hold_is_given_up_after_an_hour() {
    let (ledger, _) = simulate(&[(0, 10, 1_500), (0, 10, 500)], |_, triggers, _, actions| {
        if triggers.contains(&Trigger::Start) {
            actions.push(Action::Adopt { kind: 0, zone: 0 });
        }
        NextWake::OnTrigger
    });
    assert_eq!(ledger.outcomes, [Outcome::Unschedulable, Outcome::Succeeded]);
    assert_eq!(ledger.spans[0].observed, s(3_600));
    assert!(!ledger.runs[0].was_bound());
}

#[test]
fn a_pod_that_waits_for_room_is_not_given_up() {
    // The first pod takes the whole node for two hours; the second only needs patience.
    let (ledger, _) = simulate(&[(0, 7_200, 1_000), (0, 10, 1_000)], |_, triggers, _, actions| {
        if triggers.contains(&Trigger::Start) {
            actions.push(Action::Adopt { kind: 0, zone: 0 });
        }
        NextWake::OnTrigger
    });
    assert_eq!(ledger.outcomes, [Outcome::Succeeded, Outcome::Succeeded]);
    // Room at 7,201 s (1 s of container, 7,200 s of work): the back-off is long over.
    assert_eq!(ledger.runs[1].scheduled, s(7_201));
}

#[test]
fn shares_of_a_full_node_never_exceed_it() {
    // Two pods of 900m and 100m CPU but each with the same memory: shares 0.9 and 0.1 of CPU. Together 1.0.
    let (ledger, _) = simulate(&[(0, 99, 900), (0, 99, 100)], |_, triggers, _, actions| {
        if triggers.contains(&Trigger::Start) {
            actions.push(Action::Adopt { kind: 0, zone: 0 });
        }
        NextWake::OnTrigger
    });
    // 100 s on the node (1 s container + 99 s work): 90 s and 10 s of its time, less the rounding of 2⁻²⁰ shares.
    let us: Vec<u64> = ledger.runs.iter().map(|r| r.node_share_us).collect();
    assert!((89_999_800..=90_000_000).contains(&us[0]), "{us:?}");
    assert!((9_999_800..=10_000_000).contains(&us[1]), "{us:?}");
}

#[test]
fn preferred_taints_repel_only_while_there_is_a_choice() {
    let taint = Taint { key: "old".into(), value: String::new(), effect: TaintEffect::PreferNoSchedule };
    let node_types = [vec![taint], Vec::new()].map(|taints| node_type(&settings(), taints)).to_vec();
    let (ledger, _) = simulate_on(node_types, &[(0, 100, 800), (0, 100, 800)], |_, triggers, _, actions| {
        if triggers.contains(&Trigger::Start) {
            actions.extend([Action::Adopt { kind: 0, zone: 0 }, Action::Adopt { kind: 1, zone: 0 }]);
        }
        NextWake::OnTrigger
    });
    // The first pod takes the untainted node; the second has no other place than the tainted one.
    assert_eq!((ledger.runs[0].lease, ledger.runs[1].lease), (1, 0));
}

/// A node on which EC2 has a claim: Spot, of m5.large in the first zone.
fn spot_node() -> NodeType {
    let mut node = node_type(&settings(), Vec::new());
    node.template.machine =
        Machine::Ec2 { instance_type: "m5.large".into(), capacity_type: CapacityType::Spot };
    node.labels.is_spot = true;
    node
}

/// All of zone a is taken back at this second, and nothing is to be had for `shortage` seconds.
fn taken_back(at: i64, shortage: i64) -> platform::Spot {
    let event = platform::SpotEvent {
        at: Span::from_secs(at),
        instance_type: None,
        zone: Some("a".into()),
        reclaims_ppm: 1_000_000,
        shortage: Span::from_secs(shortage),
    };
    platform::Spot { hazard_permille: 0, events: vec![event], ..platform::Spot::default() }
}

/// What to change in the workload and the settings before a run.
type Change<'c> = &'c dyn Fn(&mut Workload, &mut Settings);

/// Runs `pods` on `node_types` under `script` after `change`.
fn simulate_changed(
    node_types: Vec<NodeType>,
    pods: &[(i64, i64, i64)],
    change: Change,
    script: impl FnMut(Time, &[Trigger], &View, &mut Vec<Action>) -> NextWake + Send,
) -> (Ledger, Vec<(i64, Vec<Trigger>)>) {
    let (mut workload, mut settings) = (workload(pods), settings());
    settings.orchestrator.detection_lag = Step::constant(Span::from_secs(6));
    change(&mut workload, &mut settings);
    simulate_with(&workload, &settings, node_types, script)
}

/// Launches a node for each pod that finds none, and drains nodes at their notice.
fn launch_and_drain(drain: bool) -> impl FnMut(Time, &[Trigger], &View, &mut Vec<Action>) -> NextWake + Send {
    move |_, triggers, _, actions| {
        for trigger in triggers {
            match trigger {
                Trigger::PodUnschedulable { .. } => actions.push(launch()),
                Trigger::SpotNotice(lease) if drain => actions.push(Action::Delete {
                    lease: *lease,
                    reason: EndReason::DrainedAtNotice,
                    at_least: Span::from_secs(5),
                    grace: None,
                }),
                _ => {}
            }
        }
        NextWake::OnTrigger
    }
}

/// The notice of the only node, in milliseconds.
fn notice(seen: &[(i64, Vec<Trigger>)]) -> i64 {
    seen.iter().find(|(_, all)| all.contains(&Trigger::SpotNotice(0))).map(|(ms, _)| *ms).expect("a notice")
}

#[test]
fn a_reclaimed_spot_node_takes_its_pod_with_it_and_the_task_starts_again() {
    let change = |_: &mut Workload, settings: &mut Settings| settings.spot = taken_back(100, 0);
    let (ledger, seen) =
        simulate_changed(vec![spot_node()], &[(0, 600, 500)], &change, launch_and_drain(false));
    let notice = notice(&seen);
    assert!((100_000..280_000).contains(&notice), "within three minutes of the event: {notice}");
    // Nobody reacts: the instance ends 120 s after the notice, and the pod with it.
    let (first, second) = (&ledger.runs[0], &ledger.runs[1]);
    let gone = Time::from_ms(notice + 120_000);
    assert_eq!((first.started, first.ended, first.taken), (s(36), gone, Some(EndReason::Interrupted)));
    assert_eq!((ledger.leases[0].terminated, ledger.leases[0].end_reason), (gone, EndReason::Interrupted));
    // The orchestrator sees that 6 s later and creates a new pod at once, which needs a new node: 35 s. Then 1 s for the
    // container and all the work again.
    let created = gone + Span::from_secs(6);
    assert_eq!((second.attempt, second.created), (2, created));
    assert_eq!(
        (second.scheduled, second.ended),
        (created + Span::from_secs(35), created + Span::from_secs(636))
    );
    assert_eq!(ledger.outcomes, [Outcome::Succeeded]);
    // Lost: what had run until then.
    assert_eq!(ledger.counters.lost_work_ms as i64, (gone - s(36)).ms());
    assert_eq!(ledger.counters.interruptions, 1);
}

#[test]
fn draining_at_the_notice_ends_the_pod_early_and_the_node_with_it() {
    let change = |_: &mut Workload, settings: &mut Settings| settings.spot = taken_back(100, 0);
    let (ledger, seen) =
        simulate_changed(vec![spot_node()], &[(0, 600, 500)], &change, launch_and_drain(true));
    // SIGTERM at the notice; the pod stops 2 s later; the node goes after the 5 s that a drain takes at least.
    let at = |seconds: i64| Time::from_ms(notice(&seen) + seconds * 1_000);
    assert_eq!((ledger.runs[0].ended, ledger.leases[0].terminated), (at(2), at(5)));
    assert_eq!(ledger.leases[0].end_reason, EndReason::DrainedAtNotice);
    assert_eq!(ledger.runs[1].created, at(8));
}

#[test]
fn a_pod_that_ends_by_itself_while_it_stops_has_succeeded() {
    // Ready at 35 s, container at 36 s. The notice comes at some time n within 100..280 s; work that ends 1 s after it
    // ends before the 2 s of grace are over.
    let change = |_: &mut Workload, settings: &mut Settings| settings.spot = taken_back(100, 0);
    let (_, seen) = simulate_changed(vec![spot_node()], &[(0, 600, 500)], &change, launch_and_drain(true));
    let n = notice(&seen);
    let ends_by_itself = |workload: &mut Workload, settings: &mut Settings| {
        change(workload, settings);
        workload.steps.work[0] = Span::from_ms(n + 1_000 - 36_000);
    };
    let (ledger, _) =
        simulate_changed(vec![spot_node()], &[(0, 600, 500)], &ends_by_itself, launch_and_drain(true));
    assert_eq!((ledger.runs.len(), ledger.runs[0].taken), (1, None));
    assert_eq!((ledger.outcomes[0], ledger.runs[0].ended.ms()), (Outcome::Succeeded, n + 1_000));
}

#[test]
fn checkpoints_save_work() {
    let change = |workload: &mut Workload, settings: &mut Settings| {
        settings.spot = taken_back(100, 0);
        workload.steps.checkpoint_interval.set(0, Span::from_secs(60));
    };
    let (ledger, _) = simulate_changed(vec![spot_node()], &[(0, 600, 500)], &change, launch_and_drain(false));
    let ran = (ledger.runs[0].ended - s(36)).ms();
    let saved = ran - ran % 60_000;
    assert!(saved >= 120_000, "the pod ran for at least 100 + 120 − 36 s");
    let second = &ledger.runs[1];
    assert_eq!((second.ended - second.started).ms(), 600_000 - saved);
    assert_eq!(ledger.counters.lost_work_ms as i64, ran % 60_000);
}

#[test]
fn a_task_that_may_not_be_started_again_is_lost() {
    let change = |workload: &mut Workload, settings: &mut Settings| {
        settings.spot = taken_back(100, 0);
        workload.steps.retry_limit.set(0, 0);
    };
    let (ledger, _) = simulate_changed(vec![spot_node()], &[(0, 600, 500)], &change, launch_and_drain(false));
    assert_eq!((ledger.runs.len(), ledger.outcomes[0]), (1, Outcome::Lost));
}

#[test]
fn a_pool_without_capacity_refuses_a_launch() {
    // Zone a is short from 100 s to 160 s. A pod of 101 s asks in vain; the script asks again each 30 s.
    let change = |_: &mut Workload, settings: &mut Settings| settings.spot = taken_back(100, 60);
    let mut refused = 0;
    let (ledger, _) =
        simulate_changed(vec![spot_node()], &[(101, 10, 500)], &change, |now, triggers, view, actions| {
            refused += triggers.iter().filter(|t| **t == Trigger::LaunchFailed { token: 7 }).count();
            let wants_more =
                view.pending() > 0 && view.cluster.nodes.iter().all(|n| n.state == NodeState::Gone);
            let asked = now.ms() % 10_000 == 1_000
                || triggers.iter().any(|t| matches!(t, Trigger::PodUnschedulable { .. }));
            if wants_more && asked {
                actions.push(launch());
            }
            NextWake::At(Time::from_ms(
                (now.ms() / 10_000) * 10_000 + if now.ms() % 10_000 < 1_000 { 1_000 } else { 11_000 },
            ))
        });
    // Asked at 101, 111, … 151 s in vain, at 161 s with success.
    assert_eq!((refused, ledger.counters.capacity_errors), (6, 6));
    assert_eq!((ledger.leases.len(), ledger.leases[0].requested), (1, s(161)));
    assert_eq!(ledger.outcomes, [Outcome::Succeeded]);
}

#[test]
fn a_protected_pod_is_not_evicted_and_its_node_waits() {
    let change = |workload: &mut Workload, _: &mut Settings| {
        for class in &mut workload.classes {
            class.do_not_disrupt = true;
        }
    };
    let node = vec![node_type(&settings(), Vec::new())];
    let (ledger, _) =
        simulate_changed(node, &[(0, 100, 500), (0, 20, 400)], &change, |_, triggers, _, actions| {
            if triggers.contains(&Trigger::Start) {
                actions.push(Action::Adopt { kind: 0, zone: 0 });
            }
            // The second pod ends at 21 s and leaves room.
            if triggers.contains(&Trigger::NodeReady(0)) {
                actions.push(Action::Cordon { lease: 0, on: true });
            }
            NextWake::OnTrigger
        });
    // Cordoned before anything came, the node takes no pod at all.
    assert!(ledger.runs.iter().all(|run| !run.was_bound()));
    let node = vec![node_type(&settings(), Vec::new())];
    let (ledger, _) = simulate_changed(node, &[(0, 100, 500)], &change, |now, triggers, _, actions| {
        if triggers.contains(&Trigger::Start) {
            actions.push(Action::Adopt { kind: 0, zone: 0 });
        }
        if now < s(50) {
            return NextWake::At(s(50));
        }
        if now == s(50) {
            let (lease, at_least) = (0, Span::from_secs(5));
            actions.push(Action::Delete { lease, reason: EndReason::Consolidated, at_least, grace: None });
        }
        NextWake::OnTrigger
    });
    // Drained from 50 s on, but the pod runs from 1 s to 101 s.
    assert_eq!((ledger.runs[0].taken, ledger.runs[0].ended), (None, s(101)));
    assert_eq!((ledger.leases[0].terminated, ledger.leases[0].end_reason), (s(101), EndReason::Consolidated));
}

#[test]
fn ec2_answers_the_controller_that_asked() {
    // Both ask at the start, with the same token. EC2 answers both at 2 s.
    let both_ask = |_: Time, triggers: &[Trigger], _: &View, actions: &mut Vec<Action>| {
        if triggers.contains(&Trigger::Start) {
            actions.push(launch());
        }
        NextWake::OnTrigger
    };
    let seen = [(), ()].map(|()| std::sync::Mutex::new(Vec::new()));
    let controllers: Vec<Box<dyn Controller + Send + '_>> =
        seen.iter().map(|seen| Box::new(Scripted { seen, script: both_ask }) as Box<_>).collect();
    let node = vec![node_type(&settings(), Vec::new())];
    simulate_under(&workload(&[(100, 1, 500)]), &settings(), node, controllers);
    let answers = seen.map(|seen| {
        let seen = seen.into_inner().unwrap();
        let all = seen.into_iter().flat_map(|(ms, all)| all.into_iter().map(move |trigger| (ms, trigger)));
        all.filter(|(_, trigger)| matches!(trigger, Trigger::Launched { .. })).collect::<Vec<_>>()
    });
    let answer = |lease| vec![(2_000, Trigger::Launched { token: 7, lease, kind: 0, zone: 0 })];
    assert_eq!(answers, [answer(0), answer(1)]);
}

#[test]
fn no_capacity_is_made_for_a_pod_whose_victims_are_leaving() {
    // 1000 millicores: the second pod fits only without the first.
    let mut workload = workload(&[(0, 500, 700), (100, 10, 600)]);
    workload.classes[1].priority = 5;
    let kinds = || vec![node_type(&settings(), Vec::new())];
    let told = |preemption| {
        let mut settings = settings();
        settings.scheduler.preemption = preemption;
        let (ledger, seen) = simulate_with(&workload, &settings, kinds(), |_, triggers, _, actions| {
            if triggers.contains(&Trigger::Start) {
                actions.push(Action::Adopt { kind: 0, zone: 0 });
            }
            NextWake::OnTrigger
        });
        let is_told = |trigger: &Trigger| matches!(trigger, Trigger::PodUnschedulable { run: 1, .. });
        let told = seen.iter().any(|(_, triggers)| triggers.iter().any(is_told));
        (told, ledger.runs[0].taken, ledger.runs[1].scheduled)
    };
    // The container of the first starts at 1 s and would end at 501 s; asked to stop at 100 s it ends at 102 s.
    assert_eq!(told(true), (false, Some(EndReason::Preempted), s(102)));
    assert_eq!(told(false), (true, None, s(501)));
}
