use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::platform::Defaults;
use crate::trace::{Kind, State};
use crate::workload::{self, StepKind};

fn week(seed: u64, scale_milli: u32, requests: Requests) -> Trace {
    trace(&Params { days: 7, scale_milli, seed, requests })
}

fn pods(trace: &Trace) -> impl Iterator<Item = usize> {
    (0..trace.rows()).filter(|row| trace.kind.get(*row) == Some(Kind::Pod))
}

/// The whole seconds of a cell that every row has.
fn secs(column: &crate::trace::Column<Time>, row: usize) -> i64 {
    column.get(row).unwrap().ms() / 1_000
}

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}

struct Shape {
    sessions_a_day: f64,
    pods_a_day: f64,
    /// Median, mean, 95th and 99th percentile.
    work_secs: [f64; 4],
    work_hours_a_day: f64,
    /// Mean, median, 95th percentile and peak over time of pods between creation and end.
    concurrent: [f64; 4],
    /// What of a pod's life is start-up.
    startup: f64,
}

fn shape(trace: &Trace) -> Shape {
    let runs: BTreeSet<_> = (0..trace.rows()).map(|row| trace.run_id.get(row)).collect();
    let mut work: Vec<i64> = pods(trace).map(|row| trace.work.get(row).unwrap().ms() / 1_000).collect();
    work.sort_unstable();
    let count = work.len();
    let total: i64 = work.iter().sum();

    let mut changes = BTreeMap::new();
    let (mut starting, mut living) = (0, 0);
    for row in pods(trace) {
        let [created, start, end] =
            [&trace.pod_created_time, &trace.start_time, &trace.end_time].map(|column| secs(column, row));
        *changes.entry(created).or_insert(0) += 1;
        *changes.entry(end).or_insert(0) -= 1;
        starting += start - created;
        living += end - created;
    }
    // Seconds spent with each number of pods, within the window.
    let (from, until) = (START.ms() / 1_000, (START.ms() + 7 * DAY.ms()) / 1_000);
    let (mut held, mut now, mut since) = (BTreeMap::new(), 0i64, from);
    for (at, change) in changes.into_iter().chain([(until, 0)]) {
        let at = at.min(until);
        *held.entry(now).or_insert(0) += at - since;
        since = at;
        now += change;
    }
    held.retain(|_, secs| *secs > 0);
    let at_share = |share: f64| {
        let mut left = share * (until - from) as f64;
        let found = held.iter().find(|(_, secs)| {
            left -= **secs as f64;
            left <= 0.0
        });
        *found.unwrap().0 as f64
    };
    let mean = held.iter().map(|(pods, secs)| pods * secs).sum::<i64>() as f64 / (until - from) as f64;
    Shape {
        sessions_a_day: runs.len() as f64 / 7.0,
        pods_a_day: count as f64 / 7.0,
        work_secs: [
            work[count / 2] as f64,
            total as f64 / count as f64,
            work[count * 95 / 100] as f64,
            work[count * 99 / 100] as f64,
        ],
        work_hours_a_day: total as f64 / 3_600.0 / 7.0,
        concurrent: [mean, at_share(0.5), at_share(0.95), *held.keys().next_back().unwrap() as f64],
        startup: starting as f64 / living as f64,
    }
}

/// The classes were first tried in another generator, which drew the pods and the median work of every workflow without
/// spreading them evenly. Left are the least and the most of three of its seeds at scale 1; here is the mean of three.
/// Most agree to 15 %. Its medians were above what the classes give on average: 64 s, below which are 80 % of the
/// 10,200 pods of every five minutes (log-normal around 35 s, sigma √(0.5² + 0.5²)), 53 % of 10,900 (60 s, 0.78), 25 %
/// of 10,000 (120 s, 0.94) and 14 % of 2,700 (240 s, 1.21): 16,800 of 34,000.
#[test]
fn a_week_has_the_shape_that_was_planned() {
    let shapes = [1, 2, 3].map(|seed| shape(&week(seed, 1_000, Requests::AsIs)));
    let mean = |of: &dyn Fn(&Shape) -> f64| shapes.iter().map(of).sum::<f64>() / 3.0;
    let cases: [(&str, f64, f64, f64); 12] = [
        ("sessions a day", 2_400.0, 2_410.0, mean(&|s| s.sessions_a_day)),
        ("pods a day", 4_500.0, 4_800.0, mean(&|s| s.pods_a_day)),
        ("work, median", 64.0, 64.0, mean(&|s| s.work_secs[0])),
        ("work, mean", 142.0, 157.0, mean(&|s| s.work_secs[1])),
        ("work, p95", 430.0, 510.0, mean(&|s| s.work_secs[2])),
        ("work, p99", 1_130.0, 1_340.0, mean(&|s| s.work_secs[3])),
        ("work hours a day", 185.0, 209.0, mean(&|s| s.work_hours_a_day)),
        ("concurrent, mean", 11.0, 12.0, mean(&|s| s.concurrent[0])),
        ("concurrent, median", 10.0, 10.0, mean(&|s| s.concurrent[1])),
        ("concurrent, p95", 24.0, 27.0, mean(&|s| s.concurrent[2])),
        ("concurrent, peak", 41.0, 46.0, mean(&|s| s.concurrent[3])),
        ("start-up share", 0.30, 0.32, mean(&|s| s.startup)),
    ];
    for (what, least, most, got) in cases {
        assert!(got >= least * 0.85 && got <= most * 1.15, "{what}: {got:.2}, planned {least} to {most}");
    }
}

#[test]
fn half_the_workflows_start_half_the_pods() {
    let (whole, half) = (shape(&week(42, 1_000, Requests::AsIs)), shape(&week(42, 500, Requests::AsIs)));
    assert!((half.pods_a_day / whole.pods_a_day - 0.5).abs() < 0.05, "{}", half.pods_a_day);
    assert!((half.concurrent[0] / whole.concurrent[0] - 0.5).abs() < 0.05, "{}", half.concurrent[0]);
}

/// Shares of pods, of which 16,000 leave a standard deviation of 0.1 % for the rarest.
#[test]
fn requests_images_and_failures_come_in_the_planned_shares() {
    let trace = week(42, 500, Requests::AsIs);
    let count = pods(&trace).count();
    let is_close = |what: &str, part: usize, of: usize, planned: f64| {
        let got = share(part, of);
        assert!((got - planned).abs() < 0.01, "{what}: {got:.3}, planned {planned}");
    };
    for (cpu, mib, planned) in
        [(512, 1_024, 0.30), (1_000, 2_048, 0.45), (2_000, 4_096, 0.20), (4_000, 8_192, 0.05)]
    {
        let same = pods(&trace).filter(|row| {
            (trace.cpu_request.get(*row).unwrap().milli(), trace.memory_request.get(*row).unwrap().mib_ceil())
                == (cpu, mib)
        });
        is_close(&format!("{cpu}m"), same.count(), count, planned);
    }
    for (mib, planned) in [(180, 0.10), (350, 0.50), (600, 0.30), (1_100, 0.10)] {
        let same = pods(&trace).filter(|row| trace.image_size.get(*row).unwrap().mib_ceil() == mib);
        is_close(&format!("image of {mib} MiB"), same.count(), count, planned);
    }
    is_close("control steps", trace.rows() - count, trace.rows(), 0.15);
    let failed = pods(&trace).filter(|row| trace.state.get(*row) == Some(State::Failed)).count();
    assert!((0.007..0.013).contains(&share(failed, count)), "{failed} of {count}");
    assert!((0.003..0.007).contains(&share(trace.deleted_time.count(), count)), "pods that nobody deleted");

    let firm: BTreeSet<&str> = pods(&trace)
        .filter(|row| trace.interruptible.get(*row) == Some(false))
        .map(|row| trace.words.get(trace.word(&trace.workflow, row)))
        .collect();
    assert_eq!(firm, BTreeSet::from(["daily-15", "daily-5"]), "a tenth of 23 daily workflows");
}

/// The recorded times must follow from the graph and the delays: then whatever replays them replays this history.
#[test]
fn the_recorded_delays_give_back_every_time() {
    let trace = week(7, 200, Requests::AsIs);
    let order = crate::trace::canonical_order(&trace);
    let built = workload::build(&trace, &order, &Defaults::default(), (None, None)).unwrap();
    assert_eq!(built.warnings, [""; 0]);
    let steps = &built.workload.steps;
    let times = workload::recorded_timeline(&built.workload);
    let mut retries = 0;
    for (step, times) in times.iter().enumerate() {
        let row = steps.row[step] as usize;
        let recorded = [&trace.submit_time, &trace.start_time, &trace.end_time, &trace.finish_observed_time]
            .map(|column| column.get(row).unwrap());
        assert_eq!([times.eligible, times.started, times.ended, times.observed], recorded, "row {row}");
        if steps.kind[step] == StepKind::Pod {
            assert_eq!(Some(times.created), trace.pod_created_time.get(row));
            let delays =
                [times.created - times.eligible, times.started - times.created, times.observed - times.ended];
            let [dispatch, start, detection] = delays.map(|delay| delay.ms() / 1_000);
            assert!((0..=2).contains(&dispatch) && (45..=90).contains(&start), "{dispatch} {start}");
            assert!((0..=10).contains(&detection), "{detection}");
            retries += usize::from(trace.attempt.get(row) == Some(2));
        }
    }
    let failed = pods(&trace).filter(|row| trace.state.get(*row) == Some(State::Failed));
    let first_failed = failed.filter(|row| trace.attempt.get(*row) == Some(1)).count();
    assert!(retries > 20 && retries == first_failed, "{retries} further tries of {first_failed}");
}

#[test]
fn right_sizing_changes_requests_and_nothing_else() {
    let (before, after) = (week(42, 200, Requests::AsIs), week(42, 200, Requests::RightSized));
    let mut stripped = (before.clone(), after.clone());
    for trace in [&mut stripped.0, &mut stripped.1] {
        trace.cpu_request = crate::trace::Column::default();
        trace.memory_request = crate::trace::Column::default();
    }
    assert_eq!(csv(&stripped.0), csv(&stripped.1));

    let mut sizes = BTreeMap::new();
    let mut smaller = 0;
    for row in pods(&after) {
        let request = |trace: &Trace| {
            (trace.cpu_request.get(row).unwrap().milli(), trace.memory_request.get(row).unwrap().mib_ceil())
        };
        let ((old_cpu, old_memory), (cpu, memory)) = (request(&before), request(&after));
        assert!(cpu <= old_cpu && memory <= old_memory, "never raised");
        let peak = after.memory_usage_max_mib.get(row).unwrap();
        assert!(memory as f64 >= peak * 1.25 || memory == old_memory, "{memory} MiB for {peak}");
        assert!(cpu % 10 == 0 || cpu == old_cpu);
        assert!(memory % 16 == 0);
        smaller += usize::from(cpu < old_cpu);
        let task = (after.word(&after.workflow, row), after.task_id.get(row));
        assert_eq!(*sizes.entry(task).or_insert((cpu, memory)), (cpu, memory), "one size a task");
    }
    assert!(share(smaller, pods(&after).count()) > 0.5);
}

fn csv(trace: &Trace) -> String {
    let mut out = Vec::new();
    crate::trace::write_csv(trace, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn more_days_add_sessions_and_change_none() {
    let params = Params { days: 2, scale_milli: 100, seed: 3, requests: Requests::AsIs };
    let (two, three) = (csv(&trace(&params)), csv(&trace(&Params { days: 3, ..params })));
    let rows = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (two, three) = (rows(&two), rows(&three));
    assert!(two.is_subset(&three) && three.len() > two.len() * 5 / 4);
    let other = rows(&csv(&trace(&Params { seed: 4, ..params })));
    assert!(!two.is_subset(&other));
}
