use proptest::prelude::*;

use super::*;
use crate::ledger::{EndReason, LeaseId, NodeTemplate};
use crate::report::sample;
use crate::units::{Cpu, Memory, Resources};

fn at(ms: i64) -> Time {
    Time::from_ms(ms)
}

fn lease(running: i64, ready: i64, terminated: i64) -> Lease {
    Lease {
        template: 0,
        zone: 0,
        end_reason: EndReason::WindowEnd,
        requested: at(0),
        running: at(running),
        ready: at(ready),
        terminated: at(terminated),
        shared_us: 0,
        pulled: Memory::ZERO,
    }
}

fn run(created: i64, started: i64, ended: i64) -> PodRun {
    let lease = if started == i64::MAX { LeaseId::MAX } else { 0 };
    PodRun { lease, started: at(started), ended: at(ended), ..PodRun::new(0, 1, at(created)) }
}

fn ledger(leases: Vec<Lease>, runs: Vec<PodRun>, end: i64) -> Ledger {
    let fargate =
        Machine::Fargate { cpu: Cpu::from_milli(250), memory: Memory::from_gib(1), ephemeral: Memory::ZERO };
    let template = NodeTemplate {
        pool: "fargate".into(),
        machine: fargate,
        allocatable: Resources::default(),
        daemons: Resources::default(),
        root_volume: Memory::ZERO,
        auto_mode: false,
        role: crate::ledger::Role::Jobs,
    };
    let window = Window { start: at(0), end: at(end) };
    Ledger { templates: vec![template], leases, runs, window, ..Ledger::default() }
}

fn usd(text: &str) -> Usd {
    Usd::parse(text).unwrap()
}

/// The series of the sample report's first platform.
fn series_of(ledger: &Ledger, bill: Option<&Bill>) -> (ChartData, Series) {
    let records = [PlatformRecords { name: "fargate", ledger, bill }];
    let mut data = ChartData::new(&sample::report(), &records);
    let series = data.platforms.remove(0);
    (data, series)
}

#[test]
fn money_is_spent_while_leases_run_and_the_rest_evenly() {
    // $6 from 100 to 200 ms, and of the total of $10 the other $4 over all 400 ms: at 100 ms $1, at 150 ms
    // 1.5 + 3, at 200 ms 2 + 6, at 400 ms all.
    let ledger = ledger(vec![lease(100, 110, 200)], vec![], 400);
    let bill = Bill { total: usd("10"), leases: vec![usd("6")], ..Bill::default() };
    let (data, series) = series_of(&ledger, Some(&bill));
    assert_eq!((data.step, data.window), (Span::from_ms(1), ledger.window));
    let spent = series.cost.unwrap().cumulative;
    assert_eq!(spent.len(), 401);
    for (ms, expected) in [(0, "0"), (100, "1"), (150, "4.5"), (200, "8"), (300, "9"), (400, "10")] {
        assert_eq!(spent[ms], usd(expected), "at {ms} ms");
    }
}

#[test]
fn what_was_never_billed_counts_as_nothing() {
    let never = [lease(i64::MAX, i64::MAX, 300), lease(200, 200, 200), lease(300, i64::MAX, 250)];
    let ledger = ledger(never.to_vec(), vec![], 400);
    let bill = Bill { total: usd("1"), leases: vec![Usd::ZERO; 3], ..Bill::default() };
    let (_, series) = series_of(&ledger, Some(&bill));
    assert_eq!(series.nodes.peak(), 0);
    assert_eq!(series.cost.unwrap().cumulative[200], usd("0.5"));
}

#[test]
fn pods_wait_until_they_run_or_the_time_is_over() {
    let runs = vec![run(0, 100, 200), run(50, i64::MAX, i64::MAX), run(60, i64::MAX, 90)];
    let (_, series) = series_of(&ledger(vec![], runs, 400), None);
    let waiting: Vec<u32> = [10, 55, 70, 95, 150, 399].map(|ms: usize| series.pending.most[ms]).into();
    assert_eq!(waiting, [1, 2, 3, 2, 1, 1]);
    assert_eq!((series.micro_vms, series.nodes.peak()), (None, 0));
    assert!(series.cost.is_none());
}

#[test]
fn distributions_are_short_and_whole() {
    let runs: Vec<PodRun> = (0..5_000).map(|n| run(n, n + 10 * (n % 100), 6_000)).collect();
    let (_, series) = series_of(&ledger(vec![], runs, 6_000), None);
    let delays = series.delays;
    assert!(delays.len() <= QUANTILES && delays.is_sorted_by(|a, b| a.0 <= b.0 && a.1 < b.1));
    assert_eq!(delays.last(), Some(&(Span::from_ms(990), 1.0)));
    // Half of the delays are below 500 ms.
    assert_eq!(delays.iter().find(|(_, share)| *share >= 0.5).unwrap().0, Span::from_ms(490));
}

#[test]
fn the_time_axis_has_few_and_round_steps() {
    const DAY: i64 = 86_400_000;
    let cases = [
        (1, 1, 1),
        (60_000, 100, 600),
        (DAY, 300_000, 288),
        (7 * DAY, 1_800_000, 336),
        (366 * DAY, DAY, 366),
    ];
    for (length, step, steps) in cases {
        let grid = Grid::of(Window { start: at(-5), end: at(length - 5) });
        assert_eq!((grid.step.ms(), grid.steps), (step, steps), "{length} ms");
        assert_eq!(grid.point(grid.steps), at(length - 5));
    }
}

proptest! {
    #[test]
    fn the_last_cumulative_value_is_the_bill(
        leases in prop::collection::vec((0i64..50_000, -10i64..60_000, 0i128..1_000_000_000_000_000_000), 0..20),
        rest in 0i128..1_000_000_000_000_000_000,
        end in 0i64..60_000,
    ) {
        let shapes = leases.iter().map(|(from, length, _)| lease(*from, *from, from + length)).collect();
        let ledger = ledger(shapes, vec![], end);
        let costs: Vec<Usd> =
            leases.iter().map(|(_, length, usd)| Usd::from_femto(if *length > 0 { *usd } else { 0 })).collect();
        let total = costs.iter().copied().sum::<Usd>() + Usd::from_femto(rest);
        let bill = Bill { total, leases: costs, ..Bill::default() };
        let spent = series_of(&ledger, Some(&bill)).1.cost.unwrap().cumulative;
        prop_assert_eq!(spent.last(), Some(&total));
        prop_assert!(spent.is_sorted() && spent[0] >= Usd::ZERO);
    }

    #[test]
    fn counts_are_those_of_every_millisecond(
        intervals in prop::collection::vec((0i64..1_500, 0i64..600), 0..12),
        length in 1i64..1_500,
    ) {
        let grid = Grid::of(Window { start: at(0), end: at(length) });
        let intervals: Vec<(Time, Time)> = intervals.iter().map(|(from, l)| (at(*from), at(from + l))).collect();
        let counts = counts(intervals.iter().copied(), &grid);
        for step in 0..grid.steps {
            let times = grid.point(step).ms()..grid.point(step + 1).ms();
            let held = |ms: i64| intervals.iter().filter(|(a, b)| a.ms() <= ms && ms < b.ms()).count() as u32;
            prop_assert_eq!(counts.most[step], times.clone().map(held).max().unwrap());
            let average = f64::from(times.clone().map(held).sum::<u32>()) / times.count() as f64;
            prop_assert!((counts.average[step] - average).abs() < 1e-9);
        }
    }
}
