//! Hand-worked cases, with the engine around the controller. Start-up takes constant times: a node is Ready 35 s after
//! its request (2 + 8 + 20 + 5), a container runs 1 s after its pod was bound.

use proptest::prelude::*;

use super::super::GroupKind;
use super::*;
use crate::catalog::{CapacityType, Snapshot as Prices};
use crate::ledger::{Ledger, Machine, NodeTemplate, Outcome, Role};
use crate::platform::{Expander, Settings, SpotEvent, Step};
use crate::sim::kube_scheduler::NodeLabels;
use crate::sim::{Fleet, Input, NodeType, Placement, PullRates, run};
use crate::trace::{OwnerKind, PodArch, Word, Words};
use crate::units::{Cpu, Memory, Resources};
use crate::workload::{Ending, Image, PodClass, Run, StepKind, Window, Workload};

fn s(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

fn size(milli: i64, mib: i64) -> Resources {
    Resources { cpu: Cpu::from_milli(milli), memory: Memory::from_mib(mib), ephemeral: Memory::ZERO, pods: 1 }
}

/// A pod of so many millicores and little memory; times in seconds.
#[derive(Clone, Copy, Debug)]
struct Pod {
    at: i64,
    work: i64,
    milli: i64,
    owner: OwnerKind,
    selector: &'static str,
    /// Must not be disrupted.
    held: bool,
}

fn pod(at: i64, work: i64, milli: i64) -> Pod {
    Pod { at, work, milli, owner: OwnerKind::None, selector: "", held: false }
}

/// A group of nodes with 1,900m allocatable that EC2 says to have 2,000m.
#[derive(Clone, Copy, Debug)]
struct Pool {
    name: &'static str,
    min: u32,
    max: u32,
    desired: u32,
    spot: bool,
}

const POOL: Pool = Pool { name: "a", min: 0, max: 100, desired: 0, spot: false };

/// A platform and what it has to do.
struct Case {
    pods: Vec<Pod>,
    pools: Vec<Pool>,
    flags: Flags,
    settings: Settings,
    every_loop: bool,
    upgrades: Vec<Upgrade>,
}

impl Case {
    fn new(pods: &[Pod]) -> Self {
        let mut settings = Settings::default();
        let constant = |secs| Step::constant(Span::from_secs(secs));
        settings.startup.launch_to_pending = constant(2);
        settings.startup.pending_to_kernel = constant(8);
        settings.startup.kernel_to_registered = constant(20);
        settings.startup.registered_to_ready = constant(5);
        settings.startup.container_create = constant(1);
        settings.orchestrator.detection_lag = constant(0);
        settings.spot.hazard_permille = 0;
        let flags = Flags::default();
        Self {
            pods: pods.to_vec(),
            pools: vec![POOL],
            flags,
            settings,
            every_loop: false,
            upgrades: Vec::new(),
        }
    }

    fn pools(self, pools: &[Pool]) -> Self {
        Self { pools: pools.to_vec(), ..self }
    }

    fn run(&self) -> Ledger {
        let mut words = Words::default();
        let mut workload = Workload {
            images: vec![Image { name: Word::EMPTY, size: Memory::ZERO }],
            window: Window { start: s(0), end: s(1_000) },
            ..Workload::default()
        };
        let mut pods = self.pods.clone();
        pods.sort_by_key(|pod| pod.at);
        for (index, pod) in pods.iter().enumerate() {
            let class = PodClass {
                requests: size(pod.milli, 100),
                image: 0,
                arch: PodArch::Amd64,
                node_selector: words.intern(pod.selector),
                tolerations: Word::EMPTY,
                namespace: Word::EMPTY,
                labels: 0,
                template: 0,
                priority: 0,
                owner: pod.owner,
                do_not_disrupt: pod.held,
                interruptible: true,
            };
            let known = workload.classes.iter().position(|c| *c == class);
            let class = known.unwrap_or_else(|| {
                workload.classes.push(class);
                workload.classes.len() - 1
            });
            let steps = &mut workload.steps;
            steps.row.push(index as u32);
            steps.run.push(index as u32);
            steps.kind.push(StepKind::Pod);
            steps.ending.push(Ending::Succeeded);
            steps.never_ran.push(false);
            steps.class.push(class as u32);
            steps.work.push(Span::from_secs(pod.work));
            steps.submit.push(s(pod.at));
            steps.key.push(index as u64);
            workload.runs.push(Run { id: Word::EMPTY, workflow: Word::EMPTY, submit: s(pod.at) });
        }
        let catalog = Prices::embedded().region("us-east-1").unwrap();
        let input = Input {
            workload: &workload,
            words: &words,
            settings: &self.settings,
            zones: &catalog.zones,
            catalog: &catalog,
            closed: false,
        };
        let node_types = self.pools.iter().map(|pool| node_type(pool, &self.settings, &catalog)).collect();
        let groups = self.pools.iter().zip(0..).map(|(pool, kind)| ManagedGroup {
            name: pool.name.to_owned(),
            kinds: vec![GroupKind {
                kind,
                zones: vec![0, 1, 2],
                nominal: Resources { pods: 110, ..size(2_000, 8_192) },
                capacity: Resources { pods: 29, ..size(2_000, 7_577) },
            }],
            is_spot: pool.spot,
            min: pool.min,
            max: pool.max,
            desired: pool.desired,
        });
        let mut controller = ClusterAutoscaler::new(
            self.flags.clone(),
            groups.collect(),
            self.settings.spot.asg_retry,
            Draws::new(1),
        )
        .with_upgrades(self.upgrades.clone());
        if self.every_loop {
            controller = controller.run_every_loop();
        }
        let fleet = Fleet {
            node_types,
            fargate_sizes: Vec::new(),
            homes: Vec::new(),
            placement: Placement::KubeScheduler,
            bill_until_deleted: true,
            controllers: vec![Box::new(controller)],
        };
        run(&input, fleet)
    }

    /// (requested, Ready, terminated) of each node in seconds.
    fn nodes(&self) -> Vec<(i64, i64, i64)> {
        let seconds = |time: Time| time.ms() / 1_000;
        let leases = self.run().leases;
        leases.iter().map(|l| (seconds(l.requested), seconds(l.ready), seconds(l.terminated))).collect()
    }
}

fn node_type(pool: &Pool, settings: &Settings, catalog: &crate::catalog::Catalog) -> NodeType {
    let capacity_type = if pool.spot { CapacityType::Spot } else { CapacityType::OnDemand };
    NodeType {
        instance: catalog.find("m5.large").unwrap(),
        template: NodeTemplate {
            pool: pool.name.into(),
            machine: Machine::Ec2 { instance_type: "m5.large".into(), capacity_type },
            allocatable: Resources { pods: 29, ..size(1_900, 7_000) },
            daemons: Resources::ZERO,
            root_volume: Memory::ZERO,
            auto_mode: false,
            role: Role::Jobs,
        },
        labels: NodeLabels {
            labels: [("pool", pool.name), ("kubernetes.io/arch", "amd64")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            is_spot: pool.spot,
            ..NodeLabels::default()
        },
        pull_rates: PullRates::new(&settings.images, settings.images.network_rate),
        scored_daemons: (Cpu::ZERO, Memory::ZERO),
    }
}

#[test]
fn a_pod_gets_a_node_from_zero_and_the_node_goes_when_it_was_idle_for_long() {
    let case = Case::new(&[pod(100, 60, 1_500)]);
    let ledger = case.run();
    // 100: fits nowhere, a loop runs at once, but the pod is younger than 2 s. 110: the next loop scales up. 145: Ready,
    // the pod is bound; it runs from 146 to 206. 210: the first loop that finds the node empty. 710: end of the cooldown
    // after the scale-up. 810: unneeded for ten minutes, tainted; terminated 5 s later.
    let run = &ledger.runs[0];
    assert_eq!((run.scheduled, run.started, run.ended), (s(145), s(146), s(206)));
    assert_eq!(case.nodes(), [(110, 145, 815)]);
    let lease = &ledger.leases[0];
    assert_eq!((lease.running, lease.end_reason), (s(120), EndReason::ScaledDown));
}

#[test]
fn a_bare_pod_on_a_node_with_much_room_blocks_it_for_five_minutes_more() {
    // As above, but half of the node is free: at 150 it is a candidate, its pod has no controller, and it is not looked at
    // again before 450. Empty then; deleted after ten more minutes, at 1,050.
    assert_eq!(Case::new(&[pod(100, 60, 500)]).nodes(), [(110, 145, 1_055)]);
    // A Job's pod does not block; but at 150 it has nowhere to go, which is remembered as well.
    let job = Pod { owner: OwnerKind::Job, ..pod(100, 60, 500) };
    assert_eq!(Case::new(&[job]).nodes(), [(110, 145, 1_055)]);
}

#[test]
fn pods_that_are_not_all_new_are_helped_at_once() {
    // 0: too new. 3: the second pod makes a loop run, and the first is 3 s old: both get a node. Without frequent loops
    // the next loop is at 10.
    let pods = [pod(0, 60, 1_500), pod(3, 60, 1_500)];
    let requested = |case: &Case| case.nodes().iter().map(|node| node.0).collect::<Vec<_>>();
    let mut case = Case::new(&pods);
    assert_eq!(requested(&case), [3, 3]);
    case.flags.frequent_loops_enabled = false;
    assert_eq!(requested(&case), [10, 10]);
    // With a delay of 8 s, the first one is helped at 13 (ten seconds after the loop at 3), and so is the second.
    case.flags.frequent_loops_enabled = true;
    case.flags.new_pod_scale_up_delay = Span::from_secs(8);
    assert_eq!(requested(&case), [13, 13]);
}

#[test]
fn a_group_from_zero_is_overestimated_until_its_first_node_is_a_minute_old() {
    // 1,950m fit the 2,000m that EC2 states and not the 1,900m that a node has. 10: scale-up. 45: Ready, too small. 50: the
    // node is no template yet: another. 85: Ready. 90: the first is Ready for 45 s: another. 105: it becomes the template,
    // and the pod fits no group any more; an hour after its creation it is given up.
    // All nodes stay empty: since 50, 90 and 130. The cooldown of the last scale-up ends at 690.
    let case = Case::new(&[pod(0, 60, 1_950)]);
    assert_eq!(case.nodes(), [(10, 45, 695), (50, 85, 695), (90, 125, 735)]);
    let ledger = case.run();
    assert_eq!((ledger.outcomes[0], ledger.spans[0].observed), (Outcome::Unschedulable, s(3_600)));
}

#[test]
fn any_scale_up_postpones_all_deletions() {
    // Node a: Ready at 45, its pod ends at 106, unneeded since 110, due at 710.
    let first = Pod { selector: "pool=a", ..pod(0, 60, 1_500) };
    let pools = [POOL, Pool { name: "b", ..POOL }];
    assert_eq!(Case::new(&[first]).pools(&pools).nodes(), [(10, 45, 715)]);
    // A pod for group b makes loops run at 600 (too new) and 610 (scale-up): nothing is deleted before 1,210. Node b:
    // Ready at 645, in use until 706, unneeded since 710, due at 1,310.
    let second = Pod { selector: "pool=b", ..pod(600, 60, 1_500) };
    let nodes = Case::new(&[first, second]).pools(&pools).nodes();
    assert_eq!(nodes, [(10, 45, 1_215), (610, 645, 1_315)]);
}

#[test]
fn one_loop_out_of_the_set_takes_a_nodes_time_away() {
    // Unneeded since 110, due at 710. A pod at 405 is bound at once and runs from 406 to 416: the loop at 410 sees it, and
    // the node is unneeded since 420. One from 401 to 407 is seen by no loop.
    let first = pod(0, 60, 1_500);
    assert_eq!(Case::new(&[first, pod(405, 10, 1_500)]).nodes(), [(10, 45, 1_025)]);
    assert_eq!(Case::new(&[first, pod(401, 5, 1_500)]).nodes(), [(10, 45, 715)]);
}

#[test]
fn pods_that_fit_a_coming_node_cause_no_scale_up() {
    // The node that comes for the first pod has room for the second, not for the third.
    let pods = [pod(0, 60, 1_000), pod(20, 60, 900), pod(30, 60, 900)];
    let requested: Vec<i64> = Case::new(&pods).nodes().iter().map(|node| node.0).collect();
    // The third comes at 30 (too new), and is helped at 40.
    assert_eq!(requested, [10, 40]);
}

#[test]
fn groups_grow_one_by_one_in_loops_without_pause() {
    // Three pods, each for a node of its own. Both groups waste the same; each may have two nodes at most. Chance takes
    // one for two pods, and the next loop, at the same instant, the other for the third.
    let pools = [Pool { max: 2, ..POOL }, Pool { name: "b", max: 2, ..POOL }];
    let ledger = Case::new(&[pod(0, 60, 1_500); 3]).pools(&pools).run();
    assert!(ledger.leases.iter().all(|lease| lease.requested == s(10)));
    let kinds: Vec<u32> = ledger.leases.iter().map(|lease| lease.template).collect();
    assert!(kinds == [0, 0, 1] || kinds == [1, 1, 0], "{kinds:?}");
    // An Auto Scaling group spreads its instances over the zones.
    let zones: Vec<u8> = ledger.leases.iter().map(|lease| lease.zone).collect();
    assert_eq!(zones, [0, 1, 0]);
}

#[test]
fn a_group_never_grows_beyond_its_maximum() {
    // Five pods for two nodes: 46 to 106 two, at once the next two to 167 (a second for the container), then the last.
    let case = Case::new(&[pod(0, 60, 1_500); 5]).pools(&[Pool { max: 2, ..POOL }]);
    let ledger = case.run();
    assert_eq!(ledger.leases.len(), 2);
    let ends: Vec<Time> = ledger.runs.iter().map(|run| run.ended).collect();
    assert_eq!(ends.iter().max(), Some(&s(228)));
}

#[test]
fn nodes_of_the_start_are_adopted_and_ten_empty_ones_go_at_once() {
    // Twelve idle nodes, one must stay: ten are tainted at 600 and gone at 605, which the loop at 610 sees. A pod far away
    // keeps the clock running; it finds the last node.
    let case = Case::new(&[pod(2_000, 10, 500)]).pools(&[Pool { min: 1, desired: 12, ..POOL }]);
    let mut ends: Vec<i64> = case.nodes().iter().map(|node| node.2).collect();
    ends.sort_unstable();
    assert_eq!(ends, [vec![605; 10], vec![615], vec![2_011]].concat());
}

#[test]
fn pods_of_jobs_are_moved_and_bare_pods_are_not() {
    // Two nodes, idle at first, then with a pod each (kube-scheduler spreads them), a quarter used. Pods of Jobs can move:
    // from 10 on only one of the nodes is unneeded, and has been since 0. It is drained at 600: its pod stops by 602,
    // begins again, and the node goes at 605.
    let pools = [Pool { desired: 2, ..POOL }];
    let job = Pod { owner: OwnerKind::Job, ..pod(5, 1_000, 500) };
    let ledger = Case::new(&[job; 2]).pools(&pools).run();
    let taken: Vec<_> = ledger.runs.iter().filter_map(|run| run.taken.map(|why| (why, run.ended))).collect();
    assert_eq!(taken, [(EndReason::ScaledDown, s(602))]);
    let gone: Vec<Time> = ledger.leases.iter().map(|l| l.terminated).filter(|end| *end < s(1_000)).collect();
    assert_eq!(gone, [s(605)]);
    assert_eq!(ledger.outcomes, [Outcome::Succeeded; 2]);
    // Nothing would start bare pods again.
    let case = Case::new(&[pod(5, 1_000, 500); 2]).pools(&pools);
    assert!(case.run().runs.iter().all(|run| run.taken.is_none()));
}

fn without_capacity_until(seconds: i64) -> SpotEvent {
    SpotEvent {
        at: Span::ZERO,
        instance_type: None,
        zone: None,
        reclaims_ppm: 0,
        shortage: Span::from_secs(seconds),
    }
}

#[test]
fn a_group_that_gets_no_capacity_is_given_up_and_backed_off_from() {
    // EC2 has no Spot capacity before 1,200; CA waits 300 s for nodes. 10: scale-up; the Auto Scaling group tries its three
    // zones and again every minute until 310: back-off of 5 min. 610: tried again until 910: back-off of 10 min. 1,510:
    // the third scale-up succeeds.
    let mut case = Case::new(&[pod(0, 60, 1_500)]).pools(&[Pool { spot: true, ..POOL }]);
    case.flags.max_node_provision_time = Span::from_secs(300);
    case.settings.spot.events = vec![without_capacity_until(1_200)];
    let nodes = case.nodes();
    assert_eq!((nodes.len(), nodes[0].0, nodes[0].1), (1, 1_510, 1_545));
    // Each of the two scale-ups: at 0, 60, 120, 180 and 240 s, three zones each. (The answers take milliseconds, so the
    // try of 300 s would come after the end.)
    assert_eq!(case.run().counters.capacity_errors, 2 * 5 * 3);
    // Beside an on-demand group, the pod gets a node there as soon as the Spot group is given up.
    let pools = [Pool { spot: true, ..POOL }, Pool { name: "b", ..POOL }];
    let spot_only = Pod { selector: "pool=a", ..pod(0, 60, 1_500) };
    case = Case { pods: vec![spot_only, pod(700, 60, 1_500)], ..case.pools(&pools) };
    let nodes = case.nodes();
    // At 710 group a is upcoming for the first pod and full with it; the second is helped by b or waits beside it.
    assert!(nodes.iter().any(|node| node.0 == 710), "{nodes:?}");
}

#[test]
fn a_spot_node_is_drained_at_the_notice_and_replaced() {
    // All instances are taken back, each within 3 min of 300; there is capacity again at once.
    let mut case = Case::new(&[pod(0, 1_000, 1_500)]).pools(&[Pool { spot: true, ..POOL }]);
    let taken = SpotEvent { at: Span::from_secs(300), reclaims_ppm: 1_000_000, ..without_capacity_until(0) };
    case.settings.spot.events = vec![taken];
    let ledger = case.run();
    let (lost, next) = (&ledger.leases[0], &ledger.leases[1]);
    assert_eq!(lost.end_reason, EndReason::DrainedAtNotice);
    // The replacement is asked for at the notice, when the pod is asked to stop: 2 s before the end.
    assert_eq!(next.requested, lost.terminated - Span::from_secs(2));
    assert_eq!((ledger.runs.len(), ledger.outcomes[0]), (2, Outcome::Succeeded));
    assert_eq!(ledger.leases.len(), 2);
}

#[test]
fn a_replacement_comes_first_where_ec2_advises_to_rebalance() {
    // As above, but EC2 says so 100 s before its notice: the replacement is Ready 35 s later, and the old node is drained
    // then: its pod stops within 2 s.
    let mut case = Case::new(&[pod(0, 1_000, 1_500)]).pools(&[Pool { spot: true, ..POOL }]);
    case.settings.spot.rebalance_lead = Span::from_secs(100);
    let taken = SpotEvent { at: Span::from_secs(300), reclaims_ppm: 1_000_000, ..without_capacity_until(0) };
    case.settings.spot.events = vec![taken];
    let ledger = case.run();
    let (lost, next) = (&ledger.leases[0], &ledger.leases[1]);
    assert_eq!((ledger.leases.len(), lost.end_reason), (2, EndReason::DrainedAtNotice));
    assert_eq!(next.ready - next.requested, Span::from_secs(35));
    assert_eq!(lost.terminated - next.ready, Span::from_secs(2));
    assert_eq!(ledger.counters.interruptions, 0);
}

/// Six nodes over three zones, and a pod far away that keeps the clock running.
fn upgraded(pods: &[Pod], nodes: u32, force: bool) -> Case {
    let pods = [pods, &[pod(9_000, 10, 500)]].concat();
    let mut case = Case::new(&pods).pools(&[Pool { desired: nodes, ..POOL }]);
    case.flags.scale_down_enabled = false;
    case.upgrades = vec![Upgrade { at: Span::from_secs(100), group: 0, force, max_unavailable: 1 }];
    case
}

#[test]
fn an_upgrade_brings_twice_as_many_nodes_as_zones_first() {
    // 100: six more, Ready at 135. All six old ones are cordoned, and one after the other is drained and stays for 60 s:
    // they end at 195, 255, ..., 495, each replaced at once. The last replacement is Ready at 530: six nodes go.
    let ledger = upgraded(&[], 6, false).run();
    let s_of = |time: Time| time.ms() / 1_000;
    let of_upgrade = ledger.leases.iter().filter(|lease| lease.end_reason == EndReason::Upgraded);
    let mut ends: Vec<i64> = of_upgrade.map(|lease| s_of(lease.terminated)).collect();
    ends.sort_unstable();
    assert_eq!(ends, [vec![195, 255, 315, 375, 435, 495], vec![530; 6]].concat());
    let mut asked: Vec<i64> = ledger.leases.iter().map(|lease| s_of(lease.requested)).collect();
    asked.sort_unstable();
    assert_eq!(asked, [vec![0; 6], vec![100; 6], vec![195, 255, 315, 375, 435, 495]].concat());
}

#[test]
fn pods_that_do_not_go_stop_an_upgrade_unless_it_is_forced() {
    // Drained from 135 on. The pod must not be disrupted; after 15 minutes the upgrade fails, and of the seven nodes one new
    // one stays: the old one, as the oldest, goes when its pod ends.
    let held = Pod { held: true, ..pod(5, 3_000, 500) };
    let ledger = upgraded(&[held], 1, false).run();
    let ends = |ledger: &Ledger| {
        let gone = ledger.leases.iter().filter(|lease| lease.end_reason == EndReason::Upgraded);
        gone.map(|lease| lease.terminated.ms() / 1_000).collect::<Vec<_>>()
    };
    assert!(ledger.runs[0].taken.is_none());
    // Five new ones at 1,035, and the old one with its pod: bound at 5, running from 6 to 3,006.
    assert_eq!(ends(&ledger), [vec![3_006], vec![1_035; 5]].concat());
    // By force its pod is ended by 1,035; six others are to go when the replacement is Ready, at 1,070. One of them may have
    // the pod, which began again.
    let ledger = upgraded(&[held], 1, true).run();
    assert_eq!((ledger.runs[0].taken, ledger.runs[0].ended), (Some(EndReason::Upgraded), s(1_035)));
    let ends = ends(&ledger);
    let at_once = ends.iter().filter(|end| **end == 1_070).count();
    assert!(ends[0] == 1_035 && ends.len() == 7 && at_once >= 5, "{ends:?}");
}

#[test]
fn a_pod_of_a_job_is_started_again_on_a_new_node() {
    let job = Pod { owner: OwnerKind::Job, ..pod(5, 1_000, 500) };
    let ledger = upgraded(&[job], 1, false).run();
    // 135: asked to stop, over by 137.
    assert_eq!((ledger.runs[0].taken, ledger.runs[0].ended), (Some(EndReason::Upgraded), s(137)));
    assert_eq!(ledger.outcomes[0], Outcome::Succeeded);
    assert!(ledger.leases[0].terminated == s(195));
}

/// Pods and pools of all kinds, and flags that make scale-down frequent.
fn cases() -> impl Strategy<Value = (Vec<Pod>, Vec<Pool>, bool, i64)> {
    let one = (0i64..3_000, 0i64..1_500, 1usize..6, any::<bool>(), 0usize..6);
    let pods = prop::collection::vec(one, 1..40).prop_map(|pods| {
        let of = |(at, work, size, job, selector): (i64, i64, usize, bool, usize)| Pod {
            at,
            work,
            milli: [50, 400, 700, 950, 1_500, 1_890][size],
            owner: if job { OwnerKind::Job } else { OwnerKind::None },
            selector: ["pool=a", "pool=b", "", "", "", ""][selector],
            held: false,
        };
        pods.into_iter().map(of).collect()
    });
    let pool = |name| {
        (0u32..3, 0u32..4, 0u32..5, any::<bool>()).prop_map(move |(min, more, desired, spot)| {
            let max = min + more.max(1);
            Pool { name, min, max, desired: desired.clamp(min, max), spot }
        })
    };
    (pods, (pool("a"), pool("b")), any::<bool>(), prop_oneof![Just(60i64), Just(600)])
        .prop_map(|(pods, (a, b), frequent, unneeded)| (pods, vec![a, b], frequent, unneeded))
}

fn generated((pods, pools, frequent, unneeded): (Vec<Pod>, Vec<Pool>, bool, i64)) -> Case {
    let mut case = Case::new(&pods).pools(&pools);
    case.flags.frequent_loops_enabled = frequent;
    case.flags.scale_down_unneeded_time = Span::from_secs(unneeded);
    case.flags.scale_down_delay_after_add = Span::from_secs(unneeded);
    case.flags.max_node_provision_time = Span::from_secs(200);
    case.flags.expanders = vec![if frequent { Expander::LeastWaste } else { Expander::Random }];
    let shortage =
        SpotEvent { at: Span::from_secs(900), reclaims_ppm: 500_000, ..without_capacity_until(1_000) };
    case.settings.spot.events = vec![shortage];
    case
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_240_102),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn loops_that_are_left_out_would_have_changed_nothing(input in cases()) {
        let mut case = generated(input);
        let ledger = case.run();
        case.every_loop = true;
        let stepped = case.run();
        prop_assert_eq!(ledger.leases, stepped.leases);
        prop_assert_eq!(ledger.runs, stepped.runs);
        prop_assert_eq!(ledger.outcomes, stepped.outcomes);
    }

    #[test]
    fn groups_keep_their_bounds(input in cases()) {
        let case = generated(input);
        let ledger = case.run();
        for (kind, pool) in case.pools.iter().enumerate() {
            let leases: Vec<_> = ledger.leases.iter().filter(|l| l.template == kind as u32).collect();
            // A Spot instance that drains is replaced before it is gone.
            let counts = |at: Time| {
                let leaves = |l: &&&crate::ledger::Lease| {
                    l.requested <= at && at < l.terminated && !matches!(l.end_reason, EndReason::DrainedAtNotice | EndReason::Interrupted)
                };
                leases.iter().filter(leaves).count() as u32
            };
            for lease in &leases {
                prop_assert!(counts(lease.requested) <= pool.max, "{:?} at {:?}", pool, lease.requested);
                let after = lease.terminated;
                // The books of nodes that stay are closed at the end of the window.
                let is_open = after < ledger.window.end;
                if lease.end_reason == EndReason::ScaledDown && !pool.spot && is_open {
                    prop_assert!(counts(after) >= pool.min, "{:?} at {:?}", pool, after);
                }
            }
        }
    }

    #[test]
    fn no_node_is_asked_for_whose_pods_fit_coming_nodes(
        pods in prop::collection::vec((0i64..400, 1i64..900), 1..60), (milli, per_node) in prop_oneof![
            Just((1_500, 1)), Just((700, 2)), Just((600, 3)),
        ],
    ) {
        // Equal pods, of which a node holds equally many by its template and in truth. Whenever a group grows, all nodes
        // that are coming but one are full with pods that wait.
        let pods: Vec<Pod> = pods.into_iter().map(|(at, work)| pod(at, work, milli)).collect();
        let ledger = Case::new(&pods).run();
        for at in ledger.leases.iter().map(|lease| lease.requested) {
            let coming = ledger.leases.iter().filter(|l| l.requested <= at && at < l.ready).count();
            let waiting = ledger.runs.iter().filter(|run| run.created <= at && at < run.scheduled).count();
            prop_assert!((coming - 1) * per_node < waiting, "{coming} nodes for {waiting} pods at {at:?}");
        }
    }
}
