//! What must hold for every workload, platform and seed. Cases are generated, the same ones in every run.

#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::collections::BTreeMap;

use cost_sim::bill::{Bill, Item, ItemKind, bill};
use cost_sim::catalog::{CapacityType, Catalog, PriceSeries, ZoneId};
use cost_sim::ledger::{Lease, Ledger, Outcome, PodRun};
use cost_sim::platform::{Platform, Replay, Settings, Step};
use cost_sim::units::{Rate, Span, Time, Usd};
use cost_sim::workload::recorded_timeline;
use proptest::prelude::*;

use crate::support::generate::*;
use crate::support::*;

const SOUND: Features = Features { impossible: false, endings: false, across: false, images: true };

fn json(report: &cost_sim::report::Report) -> String {
    serde_json::to_string(report).unwrap()
}

/// The items that pods cause on Fargate: all but the surroundings.
fn pod_items(bill: &Bill) -> BTreeMap<(ItemKind, String), (i128, Usd)> {
    let of_pods = |item: &&Item| {
        !matches!(item.kind, ItemKind::ControlPlane | ItemKind::NatGateway | ItemKind::NatTraffic)
    };
    let entry = |item: &Item| ((item.kind, item.detail.clone()), (item.quantity.amount, item.usd));
    bill.items.iter().filter(of_pods).map(entry).collect()
}

/// Start-up and orchestrator without random draws.
fn constant(mut settings: Settings) -> Settings {
    let steady = |step: &mut Step| step.p95 = step.median;
    steady(&mut settings.startup.container_create);
    steady(&mut settings.startup.fargate_register);
    steady(&mut settings.orchestrator.dispatch_delay);
    steady(&mut settings.orchestrator.detection_lag);
    settings.orchestrator.leftover_pods.share_ppm = 0;
    settings
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn the_laws_hold_for_every_workload(
        rows in traces(Features::ALL, any::<bool>()), settings in settings(), platforms in platforms(),
    ) {
        prop_assume!(has_pods(&rows));
        let study = study(&rows, settings, &with_recorded(&rows, platforms));
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn recorded_delays_give_back_the_recorded_times(rows in traces(SOUND, Just(true)), settings in settings()) {
        prop_assume!(has_pods(&rows));
        let study = study(&rows, settings, &[recorded()]);
        for (step, times) in recorded_timeline(&study.workload).iter().enumerate() {
            let row = &rows[study.workload.steps.row[step] as usize];
            let got = [times.eligible, times.created, times.started, times.ended, times.observed].map(Time::ms);
            let expected = [Some(row.submit), row.created, row.start, row.end, row.observed].map(Option::unwrap);
            prop_assert_eq!(got, expected, "{:?}", row);
        }
        let (runs, report) = replay(&study);
        assert_laws(&study.setup(), &runs, &report);
    }

    #[test]
    fn with_ample_nodes_and_no_delays_a_run_takes_its_critical_path(
        rows in traces(Features { endings: true, across: true, ..SOUND }, any::<bool>()),
    ) {
        prop_assume!(has_pods(&rows));
        let images = rows.iter().cloned().map(|row| Row { image: "", image_size: Some(0), ..row });
        // A row without a state would not run after a failure: let every row say that it did.
        let rows: Vec<Row> = images.map(|row| if row.state.is_empty() { Row { state: "succeeded", ..row } } else { row }).collect();
        let (study, run, report) = replay_one(&rows, instant_settings(), group("m5.24xlarge", 20));
        prop_assert!(report.platforms[0].complete);
        let observed = longest_paths(&rows);
        for step in 0..rows.len() {
            let row = study.workload.steps.row[step] as usize;
            prop_assert_eq!(run.ledger.spans[step].observed.ms(), observed[row], "{:?}", rows[row]);
        }
    }

    #[test]
    fn neither_threads_nor_the_order_of_rows_show_in_a_report(
        rows in traces(Features::ALL, any::<bool>()), settings in settings(), platforms in platforms(),
        order in any::<u64>(),
    ) {
        prop_assume!(has_pods(&rows));
        let platforms = with_recorded(&rows, platforms);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace.csv");
        let mut reports = Vec::new();
        for (threads, rows) in [(1, rows.clone()), (2, rows.clone()), (8, shuffled(&rows, order))] {
            std::fs::write(&path, csv(&rows)).unwrap();
            let study = study_of_files(&path, settings.clone(), &platforms).unwrap_or_else(|e| panic!("{}", e.render()));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (runs, report) = pool.install(|| replay(&study));
            let ledgers: Vec<String> = runs.iter().map(|run| format!("{:?}", run.ledger)).collect();
            reports.push((json(&report), ledgers));
        }
        prop_assert_eq!(&reports[0], &reports[1]);
        prop_assert_eq!(&reports[0], &reports[2]);
    }

    #[test]
    fn moving_a_trace_in_time_changes_no_wait_and_no_bill(
        rows in traces(Features::ALL, any::<bool>()), settings in settings(), platforms in platforms(),
        shift in prop_oneof![Just(-86_400_000i64), Just(1), 0i64..5_000_000_000_000],
    ) {
        prop_assume!(has_pods(&rows));
        let platforms = with_recorded(&rows, platforms);
        let moved: Vec<Row> = rows.iter().cloned().map(|row| row.shifted(shift)).collect();
        let [(here, _), (there, _)] = [&rows, &moved].map(|rows| replay(&study(rows, settings.clone(), &platforms)));
        for (here, there) in here.iter().zip(&there) {
            prop_assert_eq!(&here.bill, &there.bill);
            prop_assert_eq!(&here.ledger.outcomes, &there.ledger.outcomes);
            prop_assert_eq!(times(&here.ledger, shift), times(&there.ledger, 0));
        }
    }

    #[test]
    fn another_seed_moves_the_draws_and_never_the_work(
        rows in traces(Features { impossible: true, ..SOUND }, Just(false)), settings in settings(), platforms in platforms(),
    ) {
        prop_assume!(has_pods(&rows));
        let mut one = settings;
        one.startup.container_create = Step::seconds(5, 20);
        let other = Settings { seed: one.seed + 1, ..one.clone() };
        let [(one, _), (other, _)] = [one, other].map(|settings| replay(&study(&rows, settings, &platforms)));
        for (one, other) in one.iter().zip(&other) {
            prop_assert_eq!(&one.ledger.outcomes, &other.ledger.outcomes);
            let work = |ledger: &Ledger| -> BTreeMap<u32, Span> {
                let ran = ledger.runs.iter().filter(|run| run.has_started());
                ran.map(|run| (run.step, run.ended - run.started)).collect()
            };
            prop_assert_eq!(work(&one.ledger), work(&other.ledger));
            let delays = |ledger: &Ledger| -> BTreeMap<u32, Option<Span>> {
                ledger.runs.iter().map(|run| (run.step, run.start_delay())).collect()
            };
            let some_ran = one.ledger.runs.iter().any(PodRun::has_started);
            prop_assert!(!some_ran || delays(&one.ledger) != delays(&other.ledger));
        }
    }

    #[test]
    fn on_fargate_a_workflow_costs_the_same_whatever_else_runs(
        rows in traces(Features { across: false, ..Features::ALL }, any::<bool>()), settings in settings(), odd in any::<u8>(),
    ) {
        // Draws are keyed by pod, so this holds with random start-up too. Parts are runs, chosen by bits.
        let runs: Vec<&str> = rows.iter().map(|row| row.run.as_str()).collect();
        let in_first = |row: &&Row| odd >> (row.run.as_bytes()[3] - b'0') & 1 == 1;
        let (first, second): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(in_first);
        let parts = [first, second].map(|part| part.into_iter().cloned().collect::<Vec<_>>());
        prop_assume!(has_pods(&parts[0]) && has_pods(&parts[1]) && !runs.is_empty());
        // Whether a trace has dependencies decides whether it is closed: settle that for the parts alike.
        let settings = Settings { replay: Replay::Open, ..settings };
        let cost = |rows: &[Row]| {
            let (_, run, _) = replay_one(rows, settings.clone(), fargate());
            pod_items(&run.bill.unwrap())
        };
        let mut sum = cost(&parts[0]);
        for (item, (amount, usd)) in cost(&parts[1]) {
            let known = sum.entry(item).or_default();
            *known = (known.0 + amount, known.1 + usd);
        }
        prop_assert_eq!(cost(&rows), sum);
    }

    #[test]
    fn on_fargate_k_copies_of_a_trace_cost_k_times_as_much(
        rows in traces(Features::ALL, any::<bool>()), settings in settings(), k in 2usize..4,
    ) {
        prop_assume!(has_pods(&rows));
        let settings = constant(settings);
        let copies: Vec<Row> = (0..k).flat_map(|copy| rows.iter().map(move |row| copied(row, copy))).collect();
        let (_, one, _) = replay_one(&rows, settings.clone(), fargate());
        let (_, many, _) = replay_one(&copies, settings, fargate());
        let factor = k as i128;
        let expected: BTreeMap<_, _> = pod_items(&one.bill.unwrap())
            .into_iter()
            .map(|(item, (amount, usd))| (item, (amount * factor, Usd::from_femto(usd.femto() * factor))))
            .collect();
        prop_assert_eq!(pod_items(&many.bill.unwrap()), expected);
    }

    #[test]
    fn prices_times_k_make_the_bill_times_k(
        rows in traces(Features::ALL, Just(false)), settings in settings(), platforms in platforms(), k in 2i128..1_000,
    ) {
        prop_assume!(has_pods(&rows));
        let study = study(&rows, settings.clone(), &platforms);
        let dearer = with_prices_times(&study.catalog, k);
        let (runs, _) = replay(&study);
        for run in runs {
            let one = run.bill.unwrap();
            let many = bill(&run.ledger, &dearer, &settings.cluster, None).unwrap();
            // A charge is rounded to within half a unit, before and after: k charges of the first are up to k / 2
            // away. A lease has at most three charges twice; the surroundings are three.
            let charges = 6 * run.ledger.leases.len() as i128 + 3;
            let difference = many.total.femto() - one.total.femto() * k;
            prop_assert!(difference.abs() <= charges * (k + 1) / 2, "{difference} for {charges} charges");
            let quantities = |bill: &Bill| bill.items.iter().map(|i| i.quantity).collect::<Vec<_>>();
            prop_assert_eq!(quantities(&many), quantities(&one));
        }
    }
}

/// Times of every pod run and lease, moved by `shift`.
fn times(ledger: &Ledger, shift: i64) -> Vec<Vec<i64>> {
    let moved = |time: &Time| if *time == Time::MAX { i64::MAX } else { time.ms() + shift };
    let of_run = |run: &PodRun| {
        let times =
            [run.created, run.scheduled, run.pull_started, run.started, run.ended, run.observed, run.deleted];
        times.iter().map(moved).collect()
    };
    let of_lease = |lease: &Lease| {
        [lease.requested, lease.running, lease.ready, lease.terminated].iter().map(moved).collect()
    };
    ledger.runs.iter().map(of_run).chain(ledger.leases.iter().map(of_lease)).collect()
}

/// When the end of each row would be noticed on an infinitely fast platform: its predecessors', its own delays
/// and its work added up along the longest path.
fn longest_paths(rows: &[Row]) -> Vec<i64> {
    let mut observed: Vec<Option<i64>> = vec![None; rows.len()];
    // A task is over with its last try.
    let last_try = |run: &str, task: &str| {
        rows.iter().rposition(|row| row.run == run && row.task == task).expect("references are valid")
    };
    let predecessors: Vec<Vec<usize>> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            if row.attempt > 1 {
                return vec![index - 1];
            }
            let of = |reference: &String| match reference.split_once('/') {
                Some((run, task)) => last_try(run, task),
                None => last_try(&row.run, reference),
            };
            row.depends_on.iter().map(of).collect()
        })
        .collect();
    while observed.iter().any(Option::is_none) {
        for (index, row) in rows.iter().enumerate() {
            let ends: Option<Vec<i64>> = predecessors[index].iter().map(|p| observed[*p]).collect();
            let Some(ends) = ends else { continue };
            let recorded_ends: Option<Vec<i64>> =
                predecessors[index].iter().map(|p| rows[*p].observed).collect();
            let skipped = row.state == "skipped";
            // The trigger delay is given, or what the source shows between the last end and this row.
            let shown = recorded_ends
                .and_then(|ends| ends.into_iter().max())
                .map_or(0, |end| (row.submit - end).max(0));
            let trigger = row.trigger_delay.unwrap_or(if skipped { 0 } else { shown });
            let eligible = ends.into_iter().max().map_or(row.submit, |end| end + trigger);
            let recorded =
                |from: Option<i64>, to: Option<i64>| from.zip(to).map_or(0, |(from, to)| to - from);
            observed[index] = Some(if skipped {
                eligible
            } else {
                let own_queue = if row.kind == "control" { recorded(row.created, row.start) } else { 0 };
                eligible
                    + recorded(Some(row.submit), row.created)
                    + own_queue
                    + row.work.unwrap()
                    + recorded(row.end, row.observed)
            });
        }
    }
    observed.into_iter().flatten().collect()
}

/// The row in a copy of its trace: the same task of another run.
fn copied(row: &Row, copy: usize) -> Row {
    let reference = |reference: &String| {
        if reference.contains('/') { format!("copy{copy}-{reference}") } else { reference.clone() }
    };
    let depends_on = row.depends_on.iter().map(reference).collect();
    Row { run: format!("copy{copy}-{}", row.run), depends_on, ..row.clone() }
}

fn with_prices_times(catalog: &Catalog, k: i128) -> Catalog {
    let times = |rate: Rate| Rate::from_femto(rate.femto() * k);
    let mut dearer = catalog.clone();
    for id in catalog.offered() {
        for zone in 0..catalog.zones.len() {
            for capacity_type in [CapacityType::OnDemand, CapacityType::Spot] {
                if let Some(offering) = dearer.offering_mut(id, ZoneId(zone as u8), capacity_type) {
                    let points = offering.price.points().iter().map(|(time, rate)| (*time, times(*rate)));
                    offering.price = PriceSeries::new(points.collect()).unwrap();
                }
            }
        }
    }
    if let Some(fargate) = &mut dearer.fargate {
        fargate.vcpu_hour.rate = times(fargate.vcpu_hour.rate);
        fargate.gb_hour.rate = times(fargate.gb_hour.rate);
    }
    let services = &mut dearer.services;
    for price in [
        &mut services.gp3_storage,
        &mut services.eks_cluster,
        &mut services.eks_cluster_extended,
        &mut services.nat_gateway,
        &mut services.nat_gateway_processing,
    ]
    .into_iter()
    .flatten()
    {
        price.rate = times(price.rate);
    }
    dearer
}

#[test]
fn recorded_failures_hold_back_only_what_did_not_run_after_them() {
    use Outcome::*;
    // The source shows: `a` failed twice and then succeeded; `b`, behind it, says nothing; `c` ran although `x`
    // had failed; `d`, behind `x`, says nothing and so does not run, and neither does `e`.
    let pod = |task: &str| Row { state: "succeeded", ..Row::pod(task, 0, 1_000) };
    let rows = [
        Row { state: "failed", ..pod("a").of("r", &[]) },
        Row { state: "failed", attempt: 2, ..pod("a").of("r", &[]) },
        Row { attempt: 3, trigger_delay: Some(30_000), ..pod("a").of("r", &[]) },
        Row { state: "", ..pod("b").of("r", &["a"]) },
        Row { state: "failed", ..pod("x").of("r", &[]) },
        pod("c").of("r", &["x"]),
        Row { state: "", ..pod("d").of("r", &["x"]) },
        Row { state: "", ..pod("e").of("r", &["d", "a"]) },
    ];
    let platforms: [Platform; 2] = [fargate(), group("m5.large", 1)];
    for platform in platforms {
        let (study, run, report) = replay_one(&rows, instant_settings(), platform);
        let setup = study.setup();
        let outcome = |task| run.ledger.outcomes[step_of(&setup, "r", task) as usize];
        assert_eq!(
            ["a", "b", "x", "c", "d", "e"].map(outcome),
            [Failed, Succeeded, Failed, Succeeded, NotRun, NotRun]
        );
        // That they did not run is what the record shows: the platform is complete.
        assert!(report.platforms[0].complete, "{:?}", report.platforms[0].incomplete_reasons);
        assert_eq!(
            ms(run.ledger.spans[step_of(&setup, "r", "b") as usize].eligible),
            1_000 + 1_000 + 30_000 + 1_000
        );
    }
}

#[test]
fn a_step_that_can_start_before_its_recorded_arrival_is_created_once() {
    // Run `r` took long on its source: `b` arrived 100 s after `a`, which works for 10 s. Here it can start at 10 s,
    // and runs still when the root of `s` arrives at 50 s and when its own recorded arrival comes.
    let rows = [
        Row::pod("a", 0, 10_000).of("r", &[]),
        Row::pod("b", 100_000, 200_000).of("r", &["a"]),
        Row::pod("c", 50_000, 1_000).of("s", &[]),
    ];
    for platform in [fargate(), group("m5.large", 1)] {
        let (study, run, _) = replay_one(&rows, instant_settings(), platform);
        let setup = study.setup();
        assert_eq!(run.ledger.runs.len(), 3);
        assert_eq!(ms(run.ledger.spans[step_of(&setup, "r", "b") as usize].eligible), 10_000);
    }
}
