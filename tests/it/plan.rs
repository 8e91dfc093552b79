//! Plans: that a search finds what simulating everything finds, keeps its promises, and says what it did.

use cost_sim::catalog::{Arch, CapacityType, Snapshot};
use cost_sim::plan::{self, Budget, Input, Narrowing, Outcome, Planned, Request, RightSize, Volume, output};
use cost_sim::platform::{Limits, Platform, RegionSource, Scenario, Settings};
use cost_sim::replay::{Demand, Study, floor};
use cost_sim::rightsize::Rule;
use cost_sim::trace::{Factor, Growth, ReadOptions, read};
use cost_sim::units::{Rate, Span, Usd};
use proptest::prelude::*;

use super::support::generate::{Features, cases, has_pods, shuffled, traces};
use super::support::{Row, csv, replay};

fn request() -> Request {
    Request {
        limits: Limits::default(),
        narrowing: Narrowing::default(),
        right_size: RightSize::No,
        rule: Rule::default(),
        reference: None,
        budget: Budget::Candidates(100_000),
        within_permille: 2_000,
        growth: Vec::new(),
    }
}

/// A space of a few dozen candidates.
fn small() -> Narrowing {
    Narrowing {
        kinds: vec!["fargate".into(), "node-group".into()],
        families: vec!["m6i".into()],
        archs: vec![Arch::Amd64],
        capacity_types: vec![CapacityType::OnDemand],
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.region.name = "us-east-1".into();
    settings
}

fn scenario(settings: Settings) -> Scenario {
    Scenario { settings, ..Scenario::default() }
}

#[expect(clippy::disallowed_methods, reason = "tests prepare files")]
fn study(text: &str, scenario: &Scenario) -> Study {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.csv");
    std::fs::write(&path, text).unwrap();
    let read = read(&[path], &ReadOptions::default(), &mut |_| {}).unwrap();
    Study::new(scenario.clone(), Snapshot::embedded(), read, false).unwrap()
}

fn plan_of(text: &str, request: &Request) -> Outcome {
    plan_in(&scenario(settings()), text, request)
}

fn plan_in(scenario: &Scenario, text: &str, request: &Request) -> Outcome {
    try_plan(scenario, text, request, false).unwrap_or_else(|error| panic!("{error}"))
}

/// The plan, or the complaint as it is shown.
fn try_plan(scenario: &Scenario, text: &str, request: &Request, strict: bool) -> Result<Outcome, String> {
    let snapshot = Snapshot::embedded();
    let study = study(text, scenario);
    let input = Input { scenario, snapshot: &snapshot, study: &study, strict };
    plan::plan(&input, request, &|| ()).map_err(|error| error.render())
}

fn plan_rows(rows: &[Row], request: &Request) -> Outcome {
    plan_of(&csv(rows), request)
}

/// Two hours with a wave of pods every ten minutes, on Fargate until now.
fn waves() -> Vec<Row> {
    let pod = |wave: i64, n: i64| {
        let row = Row::pod(&format!("t{n}"), wave * 600_000, 60_000 + 30_000 * (n % 4));
        Row { cpu: Some(500 + 500 * (n % 2)), source_platform: "fargate", ..row.of(&format!("r{wave}"), &[]) }
    };
    (0..12).flat_map(|wave| (0..6).map(move |n| pod(wave, n))).collect()
}

fn total(candidate: &Planned) -> Usd {
    Usd::parse(candidate.total_usd.as_deref().unwrap()).unwrap()
}

fn winner(outcome: &Outcome) -> &Planned {
    let name = outcome.plan.result.recommended.as_deref().expect("something is feasible");
    outcome.plan.result.candidates.iter().find(|c| c.name == name).unwrap()
}

fn front(outcome: &Outcome) -> Vec<&str> {
    outcome.plan.result.candidates.iter().filter(|c| c.on_front).map(|c| &*c.name).collect()
}

/// What must hold of every plan.
fn check(outcome: &Outcome) {
    let result = &outcome.plan.result;
    let counts = result.counts;
    assert_eq!(counts.space, counts.simulated + counts.pruned + counts.left_out);
    assert_eq!(result.candidates.len() as u64, counts.simulated);
    for candidate in result.candidates.iter().filter(|c| c.complete) {
        if let Some(bound) = &candidate.lower_bound_usd {
            assert!(total(candidate) >= Usd::parse(bound).unwrap(), "{candidate:?}");
        }
    }
    if result.recommended.is_some() {
        let best = winner(outcome);
        assert!(best.feasible);
        for other in result.candidates.iter().filter(|c| c.feasible && c.eligible) {
            assert!(total(best) <= total(other), "{} is dearer than {}", best.name, other.name);
        }
        assert!(total(best) >= Usd::parse(&result.least_usd).unwrap());
    }
}

#[test]
fn a_search_that_stops_early_finds_what_one_that_does_not_finds() {
    let limits = [
        Limits::default(),
        Limits { max_p99_start_delay: Some(Span::from_secs(30)), ..Limits::default() },
        Limits { max_p99_makespan_increase_ppm: Some(0), max_tasks_restarted: Some(0), ..Limits::default() },
    ];
    for limits in limits {
        let request = Request { limits, narrowing: small(), within_permille: 1_200, ..request() };
        let outcome = plan_rows(&waves(), &request);
        check(&outcome);
        let counts = outcome.plan.result.counts;
        assert_eq!(counts.left_out, 0);
        // Everything, since nothing is above a million times the best.
        let all = plan_rows(&waves(), &Request { within_permille: 1_000_000, ..request });
        check(&all);
        assert_eq!((all.plan.result.counts.pruned, all.plan.result.counts.left_out), (0, 0));
        assert_eq!(winner(&outcome), winner_as_in(&all, &outcome));
        // The front of everything, as far as the first one goes.
        let most = total(winner(&all)).scaled(1_200, 1_000);
        let shown = all.plan.result.candidates.iter().filter(|c| c.on_front && total(c) <= most);
        assert_eq!(front(&outcome), shown.map(|c| &*c.name).collect::<Vec<_>>());
    }
}

/// The recommendation of `all`; where the front ends is the only thing in which the two may differ.
fn winner_as_in<'a>(all: &'a Outcome, one: &Outcome) -> &'a Planned {
    let best = winner(all);
    assert_eq!(best.on_front, winner(one).on_front);
    best
}

/// Every candidate is simulated here, one by one, and judged here: neither the search nor its front has a part in it.
fn check_by_brute_force(rows: &[Row], narrowing: Narrowing) {
    const WITHIN_PERMILLE: u32 = 1_200;
    let most_delay = Span::from_secs(100);
    let limits = Limits { max_p99_start_delay: Some(most_delay), ..Limits::default() };
    let request = Request { limits, narrowing, within_permille: WITHIN_PERMILLE, ..request() };
    let (scenario, snapshot) = (scenario(settings()), Snapshot::embedded());
    let study = study(&csv(rows), &scenario);
    let input = Input { scenario: &scenario, snapshot: &snapshot, study: &study, strict: false };
    let volume = Volume::new(&input, study.trace.clone(), None).unwrap();
    let space = volume.space(&request, false);
    // Cost, latency and number of what completes, cheapest first.
    let mut bills: Vec<(Usd, Span, usize)> = Vec::new();
    for (id, (candidate, floor)) in space.candidates.iter().zip(&space.floors).enumerate() {
        let report = volume.as_is.setup().report_on(&candidate.platform);
        if !report.complete {
            // Its consolidation takes pods away that nobody starts again.
            assert_eq!(report.name, "auto-mode");
            continue;
        }
        let bill = Usd::parse(&report.cost.as_ref().unwrap().total_usd).unwrap();
        assert!(bill >= floor.bill(), "{}: {bill} < {floor:?}", report.name);
        // What the narrowing excludes is simulated for comparison, and is neither recommended nor on the front.
        if candidate.eligible {
            bills.push((bill, Span::from_secs_f64(report.latency.start_delay_s.p99.unwrap()).unwrap(), id));
        }
    }
    bills.sort_unstable();
    let name = |id: usize| &*space.candidates[id].platform.name;
    let feasible = bills.iter().find(|(_, delay, _)| *delay <= most_delay);
    let (least, _, cheapest) = *feasible.expect("something is feasible");
    let mut fastest = Span::MAX;
    let mut expected = Vec::new();
    for (bill, delay, id) in &bills {
        if *delay < fastest && *bill <= least.scaled(WITHIN_PERMILLE.into(), 1_000) {
            fastest = *delay;
            expected.push(name(*id));
        }
    }
    let outcome = plan::plan(&input, &request, &|| ()).unwrap_or_else(|error| panic!("{}", error.render()));
    check(&outcome);
    assert_eq!(outcome.plan.result.counts.space, space.candidates.len() as u64);
    assert_eq!(winner(&outcome).name, name(cheapest));
    assert_eq!(front(&outcome), expected);
}

#[test]
fn a_search_finds_what_brute_force_finds_among_karpenter_on_spot() {
    let kinds = vec!["fargate".into(), "karpenter".into()];
    let capacity_types = vec![CapacityType::Spot];
    check_by_brute_force(&waves(), Narrowing { kinds, capacity_types, ..small() });
}

#[test]
fn a_search_finds_what_brute_force_finds_among_node_groups_on_spot() {
    // Pods of one to twenty minutes, one every three minutes, in turn small and large.
    let pod = |n: i64| {
        let row = Row::pod(&format!("t{n}"), n * 180_000, 60_000 * (1 + n * 7 % 20));
        Row { cpu: Some(500 + 1_500 * (n % 2)), ..row.of(&format!("r{n}"), &[]) }
    };
    let rows: Vec<Row> = (0..30).map(pod).collect();
    let capacity_types = vec![CapacityType::Spot];
    check_by_brute_force(&rows, Narrowing { kinds: vec!["node-group".into()], capacity_types, ..small() });
}

#[test]
fn strict_searches_only_what_has_observed_prices() {
    let mut scenario = scenario(settings());
    scenario.settings.region.source = RegionSource::Given;
    let rows: Vec<Row> = waves().into_iter().map(|row| Row { memory: Some(1_024), ..row }).collect();
    let capacity_types = vec![CapacityType::OnDemand, CapacityType::Spot];
    let request = Request { narrowing: Narrowing { capacity_types, ..small() }, ..request() };
    let strict = try_plan(&scenario, &csv(&rows), &request, true).unwrap_or_else(|error| panic!("{error}"));
    let free = plan_in(&scenario, &csv(&rows), &request).plan.result.counts;
    let result = &strict.plan.result;
    // All Spot prices of the embedded snapshot are inferred.
    assert!(result.counts.inferred > 0 && free.inferred == 0);
    assert_eq!(result.counts.space + result.counts.inferred, free.space);
    assert!(result.candidates.iter().all(|candidate| !candidate.name.contains("spot")));
    assert!(strict.plan.inputs.prices.inferred.is_empty());
    let said = format!("{} candidates have inferred prices, which --strict refuses", result.counts.inferred);
    let text = output::table(&strict, 400, false);
    assert!(text.contains(&said), "{text}");
}

#[test]
fn a_reference_that_cannot_run_all_pods_is_said_or_refused() {
    // Fargate has at most 16 vCPU.
    let rows: Vec<Row> =
        waves().into_iter().map(|row| Row { cpu: Some(20_000), source_platform: "", ..row }).collect();
    let (scenario, request) = (scenario(settings()), Request { narrowing: small(), ..request() });
    let outcome = plan_in(&scenario, &csv(&rows), &request);
    assert!(outcome.plan.reference != "fargate");
    let instead = format!("compared with {} instead of fargate: some pods can", outcome.plan.reference);
    assert!(outcome.plan.warnings.iter().any(|w| w.starts_with(&instead)), "{:?}", outcome.plan.warnings);
    let note = "fargate was left out: some pods can never run there: ";
    assert!(outcome.plan.notes.iter().any(|n| n.len() > note.len() && n.starts_with(note)));
    let named = Request { reference: Some("fargate".into()), ..request };
    let refused = try_plan(&scenario, &csv(&rows), &named, false).err().expect("fargate was asked for");
    assert!(refused.contains("fargate was left out, so nothing can be compared with it: "), "{refused}");
}

#[test]
fn what_is_excluded_is_compared_with_but_not_recommended() {
    let narrowing =
        Narrowing { kinds: vec!["karpenter".into()], capacity_types: vec![CapacityType::Spot], ..small() };
    let request = Request { narrowing, budget: Budget::Candidates(30), ..request() };
    let outcome = plan_rows(&waves(), &request);
    check(&outcome);
    let candidates = &outcome.plan.result.candidates;
    for candidate in candidates.iter().filter(|c| c.on_front || c.name == winner(&outcome).name) {
        assert!(candidate.kind == "karpenter" && candidate.name.contains("m6i-spot"), "{candidate:?}");
    }
    // Fargate is there to be compared with. Named by the user, it may win too.
    let fargate = candidates.iter().find(|c| c.name == "fargate").unwrap();
    assert!(fargate.complete && !fargate.eligible && !fargate.on_front);
    let (mut scenario, snapshot) = (scenario(settings()), Snapshot::embedded());
    scenario.platforms = vec![Platform::built_in("fargate").unwrap()];
    let study = study(&csv(&waves()), &scenario);
    let input = Input { scenario: &scenario, snapshot: &snapshot, study: &study, strict: false };
    let named = plan::plan(&input, &request, &|| ()).unwrap().plan;
    assert!(named.result.candidates.iter().all(|c| c.eligible == (c.name == "fargate" || !c.given)));
    // Without narrowing everything may win.
    let all = Request { narrowing: Narrowing::default(), budget: Budget::Candidates(1), ..request };
    assert!(plan_rows(&waves(), &all).plan.result.candidates.iter().all(|c| c.eligible));
}

#[test]
fn bounds_rule_out_what_could_not_win() {
    // Fixed groups of large nodes cost their hours in any case.
    let request = Request { narrowing: small(), within_permille: 1_000, ..request() };
    let counts = plan_rows(&waves(), &request).plan.result.counts;
    assert!(counts.pruned > 0, "{counts:?}");
}

#[test]
fn a_budget_is_kept_but_for_what_is_given() {
    let simulated = |budget| {
        let request =
            Request { budget, narrowing: Narrowing { families: Vec::new(), ..small() }, ..request() };
        let outcome = plan_rows(&waves(), &request);
        check(&outcome);
        let result = &outcome.plan.result;
        assert!(result.counts.left_out > 0);
        (result.counts.simulated, result.candidates.iter().filter(|c| c.given).count() as u64)
    };
    let (all, given) = simulated(Budget::Candidates(1));
    // Every built-in platform that can run these pods: Graviton cannot.
    assert_eq!((all, given), (7, 7));
    assert_eq!(simulated(Budget::Candidates(40)).0, 40);
    // The trace covers 2 h less 10 min and some: 20 times 1 h 52 min 30 s.
    let window =
        plan_rows(&waves(), &Request { budget: Budget::Candidates(1), narrowing: small(), ..request() });
    let hours = window.report.platforms[0].cost.as_ref().unwrap().billed_hours;
    assert!(hours < 2.0);
    let (all, _) = simulated(Budget::Simulated(Span::from_secs(20 * 6_600)));
    assert!((20..=21).contains(&all), "{all}");
}

#[test]
fn the_same_plan_for_any_number_of_threads_and_order_of_rows() {
    let request = Request {
        budget: Budget::Candidates(40),
        narrowing: Narrowing { kinds: Vec::new(), ..small() },
        limits: Limits { max_p99_start_delay: Some(Span::from_secs(120)), ..Limits::default() },
        growth: vec![("x2".into(), Growth::of(Factor::from_ppm(2_000_000).unwrap()))],
        ..request()
    };
    let on_threads = |threads: usize, rows: &[Row]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut outcome = pool.install(|| plan_rows(rows, &request));
        outcome.plan.inputs.traces[0].path.clear();
        output::json(&outcome.plan)
    };
    let expected = on_threads(1, &waves());
    assert!(on_threads(2, &waves()) == expected, "another plan on 2 threads");
    assert!(on_threads(8, &shuffled(&waves(), 7)) == expected, "another plan on 8 threads, shuffled");
}

#[test]
fn the_limit_that_costs_is_named_with_its_price() {
    // Without a limit Fargate or a small group wins; ten seconds need nodes that are there already.
    let delay = Limits { max_p99_start_delay: Some(Span::from_secs(10)), ..Limits::default() };
    let free = plan_rows(&waves(), &Request { narrowing: small(), ..request() });
    let tight = plan_rows(&waves(), &Request { limits: delay, narrowing: small(), ..request() });
    assert!(total(winner(&tight)) > total(winner(&free)));
    let binding = &tight.plan.result.binding;
    assert_eq!(binding.len(), 1, "{binding:?}");
    assert_eq!(binding[0].limits, ["maxP99StartDelay"]);
    assert_eq!(binding[0].platform, winner(&free).name);
    let saves = 1.0 - total(winner(&free)).to_f64() / total(winner(&tight)).to_f64();
    assert!((binding[0].saves - saves).abs() < 1e-12);
    assert!(free.plan.result.binding.is_empty());
    // A second limit that excludes nothing cheaper binds nothing.
    let both = Limits { max_unschedulable: Some(0), ..delay };
    let both = plan_rows(&waves(), &Request { limits: both, narrowing: small(), ..request() });
    assert_eq!(both.plan.result.binding, *binding);
}

#[test]
fn without_a_feasible_candidate_the_nearest_is_said() {
    let limits = Limits { max_usd_per_month: Some(Usd::ZERO), ..Limits::default() };
    let outcome = plan_rows(&waves(), &Request { limits, narrowing: small(), ..request() });
    check(&outcome);
    let result = &outcome.plan.result;
    assert_eq!(result.recommended, None);
    let nearest = result.nearest.as_ref().unwrap();
    assert!(nearest.exceeds[0].starts_with("maxUsdPerMonth by "), "{nearest:?}");
    assert!(
        outcome.plan.scenario.starts_with("# This is not within the limits; nothing is. It exceeds maxUsd")
    );
    // All exceed it: the cheapest comes nearest. Nothing was ruled out by a bill that does not exist.
    assert_eq!(nearest.name, result.candidates[0].name);
    assert_eq!(result.counts.pruned, 0);
}

#[test]
fn the_nearest_is_the_least_above_all_limits_not_the_one_above_fewest() {
    // Half of what the cheapest costs, and 30 s: who keeps the one may be far above the other.
    let free = plan_rows(&waves(), &Request { narrowing: small(), ..request() });
    let month = Usd::parse(winner(&free).usd_per_month.as_deref().unwrap()).unwrap();
    let limits = Limits {
        max_usd_per_month: Some(month.scaled(1, 2)),
        max_p99_start_delay: Some(Span::from_secs(30)),
        ..Limits::default()
    };
    let outcome = plan_rows(&waves(), &Request { limits, narrowing: small(), ..request() });
    let result = &outcome.plan.result;
    let above = |c: &Planned| {
        let usd = Usd::parse(c.usd_per_month.as_deref().unwrap()).unwrap().to_f64();
        let part = |now: f64, most: f64| (now / most - 1.0).max(0.0);
        part(usd, month.to_f64() / 2.0) + part(c.p99_start_delay_s.unwrap(), 30.0)
    };
    let nearest = result.nearest.as_ref().unwrap();
    let found = result.candidates.iter().find(|c| c.name == nearest.name).unwrap();
    for other in result.candidates.iter().filter(|c| c.complete && c.eligible) {
        assert!(above(found) <= above(other) + 1e-5, "{} is nearer than {}", other.name, found.name);
    }
}

#[test]
fn the_scenario_of_a_plan_replays_to_its_numbers() {
    let limits = Limits { max_p99_start_delay: Some(Span::from_secs(600)), ..Limits::default() };
    let only = |kind: &str| Narrowing { kinds: vec![kind.into()], ..small() };
    for narrowing in [only("fargate"), only("node-group"), only("karpenter")] {
        let request = Request { limits, narrowing, budget: Budget::Candidates(30), ..request() };
        let outcome = plan_rows(&waves(), &request);
        let best = winner(&outcome);
        let read = cost_sim::platform::read("scenario.yaml".as_ref(), &outcome.plan.scenario).unwrap();
        assert_eq!(read.limits, limits);
        let (_, report) = replay(&study(&csv(&waves()), &read));
        let again = &report.platforms[0];
        assert_eq!(again.name, best.name);
        assert_eq!(Some(&again.cost.as_ref().unwrap().total_usd), best.total_usd.as_ref());
        assert_eq!(again.latency.start_delay_s.p99, best.p99_start_delay_s);
        assert_eq!(*again, outcome.report.platforms[0]);
    }
}

#[test]
fn right_sized_requests_are_searched_where_usage_is_known() {
    let header = "run_id,task_id,task_name,workflow,submit_time,work_seconds,cpu_request_milli,memory_request_mib,\
                  cpu_usage_p95_milli,memory_usage_max_mib\n";
    let row = |n: i64| {
        let at = super::support::time_text(super::support::NEW_YEAR + n * 300_000);
        format!("r{n},a,a,w,{at},120,4000,16384,400,900\n")
    };
    let text = header.to_owned() + &(0..12).map(row).collect::<String>();
    let narrowing = Narrowing { kinds: vec!["fargate".into()], ..Narrowing::default() };
    let request = Request { right_size: RightSize::Both, narrowing, ..request() };
    let outcome = plan_of(&text, &request);
    check(&outcome);
    assert_eq!(winner(&outcome).name, "fargate-rightsized");
    let sized = &outcome.plan.right_sizing.as_ref().unwrap().requests;
    // 400m × 1.2 = 480m; 900 MiB × 1.25 = 1125 MiB, up to 71 × 16 = 1136 MiB.
    assert_eq!((sized[0].cpu.as_deref(), sized[0].memory.as_deref()), (Some("480m"), Some("1136Mi")));
    assert_eq!((&*sized[0].cpu_before, &*sized[0].memory_before), ("4", "16Gi"));
    assert!(outcome.plan.scenario.starts_with("# This needs the changed requests of rightsized.csv"));
    assert!(outcome.manifests.as_ref().unwrap().starts_with("# This needs the changed requests"));
    let page = output::markdown(&outcome);
    assert!(page.contains("| w | a | 12 | 4 | 480m | 16Gi | 1136Mi |"), "{page}");
    let shown = output::table(&outcome, 200, false);
    assert!(shown.contains("requests of 1 task change; see plan.md"), "{shown}");
    assert_eq!(outcome.right_sized.unwrap().cpu_request.get(3).unwrap().milli(), 480);
    let no = plan_of(&text, &Request { right_size: RightSize::No, ..request.clone() });
    assert!(no.plan.result.candidates.iter().all(|c| !c.right_sized));
    assert!(total(winner(&no)) > total(&outcome.plan.result.candidates[0]));
    let only = plan_of(&text, &Request { right_size: RightSize::Only, ..request });
    assert!(only.plan.result.candidates.iter().all(|c| c.right_sized || c.given));
}

#[test]
fn the_answer_flips_where_growth_changes_it() {
    let growth = [4_000_000, 60_000_000]
        .map(|ppm| (format!("x{}", ppm / 1_000_000), Growth::of(Factor::from_ppm(ppm).unwrap())));
    let kinds = ["fargate", "node-group"].map(str::to_owned).to_vec();
    let narrowing = Narrowing { kinds, families: vec!["m6i".into()], ..Narrowing::default() };
    let request = Request { narrowing, growth: growth.to_vec(), ..request() };
    let few: Vec<Row> =
        (0..24).map(|n| Row::pod(&format!("t{n}"), n * 300_000, 240_000).of(&format!("r{n}"), &[])).collect();
    let outcome = plan_rows(&few, &request);
    check(&outcome);
    let names: Vec<&str> = outcome.plan.growth.iter().map(|g| &*g.winner.as_ref().unwrap().name).collect();
    let all: Vec<&str> = [winner(&outcome).name.as_str()].into_iter().chain(names).collect();
    let changes = all.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes > 0, "{all:?}");
    assert_eq!(outcome.plan.flips.len(), changes);
    for flip in &outcome.plan.flips {
        let [low, high] = flip.between;
        assert!(low < high && high <= low * 1.051, "{flip:?}");
    }
    assert_eq!(outcome.plan.growth[0].pods, 96);
}

fn times(factor: u64) -> (String, Growth) {
    (format!("x{factor}"), Growth::of(Factor::from_ppm(factor * 1_000_000).unwrap()))
}

#[test]
fn a_volume_at_which_nothing_keeps_the_limits_is_said_and_changes_no_answer() {
    let narrowing = Narrowing { kinds: vec!["fargate".into()], ..Narrowing::default() };
    let plan = |limits: Limits| {
        let request =
            Request { limits, narrowing: narrowing.clone(), growth: vec![times(2), times(60)], ..request() };
        plan_rows(&waves(), &request)
    };
    let month = |w: &Planned| Usd::parse(w.usd_per_month.as_deref().unwrap()).unwrap();
    let free = plan(Limits::default());
    let most = month(free.plan.growth[0].winner.as_ref().unwrap());
    let outcome = plan(Limits { max_usd_per_month: Some(most), ..Limits::default() });
    assert!(outcome.plan.growth[0].winner.is_some() && outcome.plan.growth[1].winner.is_none());
    assert!(outcome.plan.flips.iter().all(|flip| flip.between[1] <= 2.0));
    let text = output::table(&outcome, 200, false);
    assert!(text.contains("nothing keeps the limits at x60"), "{text}");
}

#[test]
fn a_commitment_is_judged_at_the_discounted_prices() {
    use cost_sim::platform::{Committed, Discounts, PlanScope, SavingsPlan};
    let scope = PlanScope::Compute { fargate_ppm: 150_000, ec2_ppm: 250_000, families: Vec::new() };
    let plan = SavingsPlan { committed: Committed::PerHour(Rate::parse("0.02").unwrap()), scope };
    let discounts = Discounts { ec2_ppm: 100_000, fargate_ppm: 100_000, ..Discounts::default() };
    let scenario = scenario(Settings { savings_plan: Some(plan), discounts, ..settings() });
    let outcome = plan_in(&scenario, &csv(&waves()), &Request { narrowing: small(), ..request() });
    let existing = outcome.plan.savings_plan.as_ref().unwrap().existing.as_ref().unwrap();
    assert_eq!(Some(&existing.total_usd), winner(&outcome).total_usd.as_ref());
}

proptest! {
    #![proptest_config(cases(24))]

    /// No bill is below its floor, whatever the platform and the trace.
    #[test]
    fn no_bill_is_below_its_floor(
        rows in traces(Features { impossible: false, ..Features::ALL }, Just(false)).prop_filter("pods", |r| has_pods(r)),
        settings in super::support::autoscaled::eventful(),
        platforms in super::support::autoscaled::platforms(),
        more in super::support::generate::platforms(),
    ) {
        let platforms: Vec<Platform> = platforms.into_iter().chain(more).collect();
        let study = super::support::study(&rows, settings, &platforms);
        let (runs, _) = replay(&study);
        let setup = study.setup();
        let demand = Demand::new(&setup);
        for (platform, run) in study.resolve().unwrap().platforms.iter().zip(&runs) {
            let (floor, Ok(bill)) = (floor(&setup, &demand, platform), &run.bill) else { continue };
            if run.report.complete {
                prop_assert!(bill.total >= floor.bill(), "{}: {} < {:?}", run.name, bill.total, floor);
                prop_assert!(floor.refused == 0, "{}: {floor:?}", run.name);
            }
        }
    }
}
