//! Workloads that nobody thought of: strategies for whole traces and for the settings to replay them with.

use cost_sim::platform::{
    BalancedAllocation, BillUntil, CapacityType, GroupSize, Kind, LeftoverPods, Platform, Replay, Scoring,
    Settings, Step, Support, Taint, TaintEffect,
};
use cost_sim::units::Span;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{NEW_YEAR, Row, fargate, group, recorded};

/// The same cases in every run of the tests, nothing written beside them.
pub fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        rng_seed: RngSeed::Fixed(20_240_101),
        failure_persistence: None,
        max_shrink_iters: 500,
        ..ProptestConfig::default()
    }
}

/// What a generated trace may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Pods that no machine can hold, and selectors that no node satisfies.
    pub impossible: bool,
    /// Failed, canceled, retried and skipped rows, and rows without a state.
    pub endings: bool,
    /// Dependencies on other runs.
    pub across: bool,
    pub images: bool,
}

impl Features {
    pub const ALL: Self = Self { impossible: true, endings: true, across: true, images: true };
}

#[derive(Clone, Debug)]
struct StepShape {
    control: bool,
    work: i64,
    size: usize,
    image: usize,
    ending: u8,
    predecessors: u8,
    across: bool,
    priority: i32,
    selector: usize,
    protected: bool,
    retry_limit: Option<i64>,
    checkpoint: Option<i64>,
    /// Trigger, dispatch, start and detection.
    delays: [i64; 4],
    gives_trigger: bool,
}

#[derive(Clone, Debug)]
struct RunShape {
    at: i64,
    workflow: u8,
    steps: Vec<StepShape>,
}

fn delay() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0i64), 2 => 1i64..10_000, 1 => Just(1_000)]
}

prop_compose! {
    fn step()(
        control in prop::bool::weighted(0.2),
        work in prop_oneof![1 => Just(0i64), 1 => Just(1), 2 => Just(60_000), 6 => 1i64..400_000, 1 => Just(7_200_000)],
        size in 0usize..8,
        image in 0usize..4,
        ending in 0u8..12,
        predecessors in any::<u8>(),
        across in prop::bool::weighted(0.1),
        priority in prop_oneof![4 => Just(0), 1 => -2..3i32],
        selector in 0usize..12,
        protected in prop::bool::weighted(0.1),
        (retry_limit, checkpoint) in (prop::option::weighted(0.2, 0i64..3), prop::option::weighted(0.2, 1i64..200_000)),
        delays in [delay(), delay(), delay(), delay()],
        gives_trigger in any::<bool>(),
    ) -> StepShape {
        StepShape {
            control, work, size, image, ending, predecessors, across, priority, selector, protected, retry_limit,
            checkpoint, delays, gives_trigger,
        }
    }
}

prop_compose! {
    fn run()(
        at in prop_oneof![2 => Just(0i64), 1 => Just(60_000), 3 => 0i64..3_600_000],
        workflow in 0u8..3,
        steps in prop::collection::vec(step(), 1..9),
    ) -> RunShape {
        RunShape { at, workflow, steps }
    }
}

/// Requests as (millicores, MiB); the last two fit no node that is used here, and the very last no Fargate size.
const SIZES: [(i64, i64); 8] = [
    (250, 256),
    (500, 1_024),
    (1_000, 512),
    (1, 1),
    (1_750, 6_783),
    (750, 3_000),
    (9_000, 20_000),
    (500, 125_000),
];

const IMAGES: [(&str, i64); 4] = [("", 0), ("small", 20), ("app", 350), ("large", 2_000)];

const SELECTORS: [&str; 3] = [
    "topology.kubernetes.io/zone=us-east-1a",
    "kubernetes.io/arch=amd64;kubernetes.io/os=linux",
    "disk=tape",
];

/// Traces with (recorded) or without the times of the source platform. Recorded traces agree with themselves:
/// replaying their delays gives back their times.
pub fn traces(features: Features, recorded: impl Strategy<Value = bool>) -> impl Strategy<Value = Vec<Row>> {
    (recorded, prop::collection::vec(run(), 1..7))
        .prop_map(move |(recorded, runs)| rows(features, recorded, &runs))
}

fn rows(features: Features, recorded: bool, runs: &[RunShape]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    // The end of each run's first step, as an orchestrator would have noticed it.
    let mut first_ends: Vec<i64> = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        let mut ends: Vec<i64> = Vec::new();
        for (index, shape) in run.steps.iter().enumerate() {
            let mut depends_on: Vec<String> = Vec::new();
            let mut last: Option<i64> = None;
            for (before, end) in ends.iter().enumerate().take(8) {
                if shape.predecessors >> before & 1 == 1 {
                    depends_on.push(format!("t{before}"));
                    last = last.max(Some(*end));
                }
            }
            if features.across && shape.across && number > 0 {
                depends_on.push(format!("run{}/t0", number - 1));
                last = last.max(Some(first_ends[number - 1]));
            }
            let eligible = match last {
                Some(last) => last + shape.delays[0],
                None => NEW_YEAR + run.at + shape.delays[0] * index as i64,
            };
            let row = row(features, recorded, shape, eligible, last.is_some());
            let row = Row { workflow: format!("flow{}", run.workflow), ..row };
            let row = Row { run: format!("run{number}"), task: format!("t{index}"), depends_on, ..row };
            let skipped = row.state == "skipped";
            let retried = features.endings && shape.ending == 4 && !shape.control;
            let end = if skipped { eligible } else { end_of(shape, eligible) };
            rows.push(row.clone());
            ends.push(end);
            if retried {
                let again = eligible_again(end, shape);
                let next = self::row(features, recorded, shape, again, true);
                rows.last_mut().expect("just pushed").state = "failed";
                rows.push(Row {
                    attempt: 2,
                    state: "succeeded",
                    submit: next.submit,
                    created: next.created,
                    start: next.start,
                    end: next.end,
                    observed: next.observed,
                    trigger_delay: shape.gives_trigger.then_some(again - end),
                    ..row
                });
                *ends.last_mut().expect("just pushed") = end_of(shape, again);
            }
        }
        first_ends.push(ends[0]);
    }
    rows
}

fn eligible_again(end: i64, shape: &StepShape) -> i64 {
    end + shape.delays[0] + 30_000
}

fn end_of(shape: &StepShape, eligible: i64) -> i64 {
    let [_, dispatch, start, detection] = shape.delays;
    eligible + dispatch + start + shape.work + detection
}

fn row(features: Features, recorded: bool, shape: &StepShape, eligible: i64, follows: bool) -> Row {
    let (cpu, memory) = SIZES[if features.impossible { shape.size } else { shape.size % 6 }];
    let (image, image_size) = if features.images { IMAGES[shape.image] } else { IMAGES[0] };
    let selectors = if features.impossible { 3 } else { 2 };
    let state = match shape.ending {
        _ if !features.endings => "succeeded",
        0 => "failed",
        1 => "canceled",
        2 | 3 => "",
        5 if !shape.control => "skipped",
        6 => "running",
        _ => "succeeded",
    };
    let skipped = state == "skipped";
    let times = recorded && !skipped;
    let [trigger, dispatch, start, detection] = shape.delays;
    let created = eligible + dispatch;
    let started = created + start;
    let ended = started + shape.work;
    Row {
        attempt: 1,
        kind: if shape.control { "control" } else { "pod" },
        state,
        trigger_delay: (follows && shape.gives_trigger).then_some(trigger),
        submit: eligible,
        created: times.then_some(created),
        start: times.then_some(started),
        end: times.then_some(ended),
        observed: times.then_some(ended + detection),
        work: (!skipped).then_some(shape.work),
        cpu: Some(cpu),
        memory: Some(memory),
        image,
        image_size: Some(image_size),
        priority: shape.priority,
        node_selector: if shape.selector < selectors { SELECTORS[shape.selector] } else { "" },
        protected: shape.protected,
        retry_limit: shape.retry_limit,
        checkpoint: shape.checkpoint,
        ..Row::default()
    }
}

fn start_up() -> impl Strategy<Value = Step> {
    prop_oneof![Just(Step::seconds(0, 0)), Just(Step::seconds(2, 2)), Just(Step::seconds(5, 20))]
}

prop_compose! {
    pub fn settings()(
        seed in 0u64..1_000,
        steps in [start_up(), start_up(), start_up(), start_up()],
        (replay, recorded_delays) in (prop_oneof![3 => Just(Replay::Auto), 1 => Just(Replay::Open)], any::<bool>()),
        (serialize_pulls, packs, absolute) in any::<(bool, bool, bool)>(),
        (share_ppm, deletion) in (prop_oneof![2 => Just(0u32), 1 => Just(300_000), 1 => Just(1_000_000)], 0i64..90),
        (nat_gateways, pull_through_nat, extended) in (0u32..3, any::<bool>(), any::<bool>()),
    ) -> Settings {
        let mut s = Settings { seed, replay, ..Settings::default() };
        s.startup.container_create = steps[0];
        s.startup.fargate_register = steps[1];
        s.orchestrator.dispatch_delay = steps[2];
        s.orchestrator.detection_lag = steps[3];
        s.orchestrator.use_recorded_delays = recorded_delays;
        s.orchestrator.deletion_delay = Span::from_secs(deletion);
        s.orchestrator.leftover_pods = LeftoverPods { share_ppm, kept: Span::from_secs(1_800) };
        s.images.serialize_pulls = serialize_pulls;
        s.scheduler.scoring = if packs { Scoring::MostAllocated } else { Scoring::LeastAllocated };
        s.scheduler.balanced_allocation =
            if absolute { BalancedAllocation::Absolute } else { BalancedAllocation::Improvement };
        s.cluster.nat_gateways = nat_gateways;
        s.cluster.pull_through_nat = pull_through_nat;
        s.cluster.support = if extended { Support::Extended } else { Support::Standard };
        s
    }
}

prop_compose! {
    /// Fargate with some quota, and a group of some kind and size.
    pub fn platforms()(
        (burst, rate, finished) in (1u32..30, 1u32..30, any::<bool>()),
        (kind, nodes) in (0usize..4, 1u32..6),
        max_pods in prop::option::of(5i64..12),
        (taint, spot) in (prop::bool::weighted(0.2), prop::bool::weighted(0.2)),
    ) -> Vec<Platform> {
        let mut fargate = fargate();
        if let Kind::Fargate(f) = &mut fargate.kind {
            (f.launch_burst, f.launch_rate) = (burst, rate);
            f.bill_until = if finished { BillUntil::PodFinished } else { BillUntil::PodDeleted };
        }
        let mut nodes = group(["m5.large", "c5.xlarge", "m6i.2xlarge", "m5.large"][kind], nodes);
        if let Kind::NodeGroups(groups) = &mut nodes.kind {
            let g = &mut groups.groups[0];
            g.max_pods = max_pods;
            if kind == 3 {
                g.size = GroupSize::HoldPeak;
            }
            if spot {
                g.capacity_type = CapacityType::Spot;
            }
            if taint {
                g.taints = vec![Taint { key: "soft".into(), value: String::new(), effect: TaintEffect::PreferNoSchedule }];
            }
        }
        vec![fargate, nodes]
    }
}

/// `platforms` with `recorded` where the trace has all times.
pub fn with_recorded(rows: &[Row], mut platforms: Vec<Platform>) -> Vec<Platform> {
    if rows.iter().filter(|row| row.kind == "pod" && row.state != "skipped").all(|row| row.start.is_some()) {
        platforms.push(recorded());
    }
    platforms
}

/// Whether there is a pod to replay; a trace without one is refused.
pub fn has_pods(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.kind == "pod" && row.state != "skipped")
}

/// The rows in another order, the same for the same number.
pub fn shuffled(rows: &[Row], order: u64) -> Vec<Row> {
    let key = |index: usize| cost_sim::rng::key_of(&[], order.wrapping_add(index as u64));
    let mut rows: Vec<(u64, Row)> = rows.iter().cloned().enumerate().map(|(i, row)| (key(i), row)).collect();
    rows.sort_by_key(|(key, _)| *key);
    rows.into_iter().map(|(_, row)| row).collect()
}
