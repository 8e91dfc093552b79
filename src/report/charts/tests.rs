//! What charts say and that they can be read, on series by hand.

use proptest::prelude::*;

use super::data::{CostSeries, Counts, Series};
use super::figure::{HEIGHT, Rect, WIDTH};
use super::*;
use crate::units::{Span, Time, Usd};
use crate::workload::Window;

const STEPS: usize = 336;

/// A platform with a cost and a p99 latency; its series are straight.
fn platform(name: &str, usd: f64, latency: f64) -> Series {
    let femto = |usd: f64| Usd::from_femto((usd * 1e15) as i128);
    let cumulative = (0..=STEPS).map(|n| femto(usd * n as f64 / STEPS as f64)).collect();
    Series {
        name: name.to_owned(),
        complete: true,
        recorded: false,
        cost: Some(CostSeries {
            total: femto(usd),
            per_month: femto(usd * 730.0 / 168.0),
            cumulative,
            items: vec![
                ("EC2 on-demand", femto(usd * 0.8)),
                ("root volumes", femto(usd * 0.05)),
                ("control plane", femto(usd * 0.15)),
            ],
        }),
        micro_vms: Some(false),
        nodes: Counts { most: vec![3; STEPS], average: vec![2.5; STEPS] },
        pending: Counts { most: vec![latency as u32; STEPS], average: vec![latency / 2.0; STEPS] },
        delays: (1..=100)
            .map(|n| (Span::from_secs_f64(latency * f64::from(n) / 100.0).unwrap(), f64::from(n) / 100.0))
            .collect(),
        delay_p50: Some(latency / 2.0),
        delay_p99: Some(latency * 0.99),
        latency: Some(latency),
    }
}

fn unbilled(name: &str) -> Series {
    Series { cost: None, ..platform(name, 1.0, 30.0) }
}

fn incomplete(name: &str, usd: f64, latency: f64) -> Series {
    Series { complete: false, ..platform(name, usd, latency) }
}

fn data(platforms: Vec<Series>) -> ChartData {
    const WEEK: i64 = 7 * 86_400_000;
    ChartData {
        synthetic: false,
        window: Window {
            start: Time::from_ms(1_772_323_200_000),
            end: Time::from_ms(1_772_323_200_000 + WEEK),
        },
        covered: Span::from_ms(WEEK),
        step: Span::from_ms(1_800_000),
        has_makespans: true,
        platforms,
        left_out: 0,
        back_test: Err("the trace does not have every pod's start".to_owned()),
    }
}

fn titles(data: &ChartData) -> String {
    CHARTS.map(|(_, draw)| draw(data).title).join("\n")
}

#[test]
fn titles_state_the_finding() {
    let two = data(vec![platform("fargate", 100.0, 60.0), platform("karpenter", 62.0, 90.0)]);
    insta::assert_snapshot!(titles(&two), @r"
    karpenter costs 38 % less than fargate by the end of the week
    Most is paid for EC2 on-demand: 80 % on karpenter, 80 % on fargate
    fargate has a 33 % shorter p99 makespan than karpenter, for 61 % more a month
    Half of the pods start within 30s on fargate, within 45s on karpenter
    Up to 90 pods wait at once on karpenter, at most 60 on fargate
    There is no back-test
    ");
    let better = data(vec![platform("fargate", 100.0, 60.0), platform("karpenter", 62.0, 40.0)]);
    insta::assert_snapshot!(titles(&better), @r"
    karpenter costs 38 % less than fargate by the end of the week
    Most is paid for EC2 on-demand: 80 % on karpenter, 80 % on fargate
    karpenter costs least a month and has the shortest p99 makespan
    Half of the pods start within 20s on karpenter, within 30s on fargate
    Up to 60 pods wait at once on fargate, at most 40 on karpenter
    There is no back-test
    ");
    // The cheapest could not run everything, so it is not what is found.
    let cut = data(vec![platform("fargate", 100.0, 60.0), incomplete("small", 10.0, 5.0)]);
    insta::assert_snapshot!(titles(&cut), @r"
    fargate costs $100.00 by the end of the week
    fargate pays most for EC2 on-demand: 80 % of its cost
    fargate costs $434.52 a month, with a p99 makespan of 1m00s
    Half of the pods start within 30s on fargate
    Up to 60 pods wait at once on fargate
    There is no back-test
    ");
}

#[test]
fn there_is_a_title_where_there_is_nothing_to_find() {
    insta::assert_snapshot!(titles(&data(vec![])), @r"
    What it costs is not known on any platform
    What it costs is not known on any platform
    What it costs is not known on any platform
    No simulated pod started
    No platform was simulated
    There is no back-test
    ");
    insta::assert_snapshot!(titles(&data(vec![unbilled("a"), Series { recorded: true, ..unbilled("recorded") }])), @r"
    What it costs is not known on any platform
    What it costs is not known on any platform
    What it costs is not known on any platform
    Half of the pods start within 15s on a
    Up to 30 pods wait at once on a
    There is no back-test
    ");
    insta::assert_snapshot!(titles(&data(vec![incomplete("a", 1.0, 30.0)])), @r"
    No platform with a bill ran the whole trace
    No platform with a bill ran the whole trace
    No platform with a bill ran the whole trace
    Half of the pods start within 15s on a
    Up to 30 pods wait at once on a
    There is no back-test
    ");
    let equal = data(vec![platform("a", 0.0, 0.0), platform("b", 0.0, 0.0)]);
    insta::assert_snapshot!(titles(&equal), @r"
    a costs about as much as b by the end of the week
    a costs nothing
    a costs least a month and has the shortest p99 makespan
    Half of the pods start within 0ms on every platform
    No pod waits on any platform
    There is no back-test
    ");
}

#[test]
fn subtitles_say_what_a_reader_must_know() {
    let mut data = data(vec![platform("fargate", 100.0, 60.0), unbilled("recorded"), unbilled("here")]);
    data.synthetic = true;
    data.left_out = 2;
    insta::assert_snapshot!(cumulative_cost::draw(&data).subtitle, @"SYNTHETIC trace. Cumulative cost in USD, 2026-03-01 to 2026-03-08 UTC. recorded and here have no bill and are left out. There is no room for 2 more platforms.");
    insta::assert_snapshot!(cost_vs_latency::draw(&data).subtitle, @"SYNTHETIC trace. Cost per month in USD against the p99 makespan. Filled: no other is both cheaper and faster. recorded and here have no bill and are left out. There is no room for 2 more platforms.");
    insta::assert_snapshot!(nodes_and_pending::draw(&data).subtitle, @"SYNTHETIC trace. Ready nodes, each on its own scale, and pods created but not yet running, on one scale: the average, and pale the most at once, of every 30 min. There is no room for 2 more platforms.");
}

#[test]
fn the_week_is_only_called_so_when_it_is_one() {
    const HOUR: i64 = 3_600_000;
    let cases = [
        (24, "by the end of the day"),
        (7 * 24, "by the end of the week"),
        (30 * 24, "by the end of the month"),
        (365 * 24, "by the end of the year"),
        (36, "after 1d12h"),
        (10 * 24, "after 10d00h"),
    ];
    for (hours, words) in cases {
        assert_eq!(ChartData { covered: Span::from_ms(hours * HOUR), ..data(vec![]) }.by_the_end(), words);
    }
}

/// Names of the platforms with a filled dot.
fn best(data: &ChartData) -> Vec<&str> {
    cost_vs_latency::best(data)
}

#[test]
fn the_best_are_those_that_nothing_beats_in_both() {
    let all = vec![
        platform("cheap", 50.0, 90.0),
        platform("fast", 90.0, 30.0),
        platform("between", 70.0, 60.0),
        platform("beaten", 80.0, 61.0),
        incomplete("incomplete", 1.0, 1.0),
        Series { recorded: true, ..platform("recorded", 2.0, 2.0) },
        platform("fast-too", 90.0, 30.0),
    ];
    assert_eq!(best(&data(all)), ["cheap", "fast", "between", "fast-too"]);
}

#[test]
fn files_are_well_formed_whatever_names_are() {
    let hostile = "</text><script>alert(\"1\")</script>&amp; opacity=\"1\" 日本 \u{1b}[31m";
    let mut data = data(vec![platform(hostile, 100.0, 60.0), incomplete("<b>&", 0.5, 7.0)]);
    data.platforms[0].name = crate::report::text::clean(hostile).into_owned();
    for chart in charts(&data) {
        well_formed(&chart.svg);
        assert!(!chart.svg.contains("<script") && !chart.svg.contains(" id="), "{}", chart.name);
        let mut reader = png::Decoder::new(std::io::Cursor::new(&chart.png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (1_920, 1_080));
        let inked = pixels.chunks(3).filter(|p| p.iter().all(|c| *c < 0x40)).count();
        assert!(inked > 2_000, "{}: {inked} dark pixels", chart.name);
    }
}

/// Every element is closed in turn, and text holds no raw markup.
fn well_formed(svg: &str) {
    let mut open = Vec::new();
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("every < has its >");
        assert!(text.split('&').skip(1).all(|rest| rest.find(';').is_some_and(|end| end < 6)), "{text}");
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn a_small_chart_has_these_labels() {
    let data = data(vec![platform("fargate", 100.0, 60.0), incomplete("node-group", 62.0, 90.0)]);
    let texts = cumulative_cost::draw(&data).texts;
    let lines: Vec<String> =
        texts.iter().map(|t| format!("{:.0},{:.0} {}", t.at.0, t.at.1, t.text)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    36,42 fargate costs $100.00 by the end of the week
    36,66 Cumulative cost in USD, 2026-03-01 to 2026-03-08 UTC.
    71,499 $0
    71,421 $20
    71,343 $40
    71,266 $60
    71,188 $80
    71,110 $100
    79,514 Mar 1
    177,514 Mar 2
    275,514 Mar 3
    373,514 Mar 4
    471,514 Mar 5
    569,514 Mar 6
    667,514 Mar 7
    766,514 Mar 8
    788,108 fargate
    788,125 $100.00
    788,252 node-group
    788,268 $62.00 · incomplete
    ");
}

fn series() -> impl Strategy<Value = Series> {
    let names = prop::sample::select(vec![
        "fargate",
        "karpenter-spot",
        "a",
        "jobs-on-karpenter-consolidate-after-10m-in-us-east-1",
    ]);
    let usd = prop_oneof![Just(0.0), Just(100.0), 0.0001..0.01, 90.0..110.0, 1.0..1e7];
    let latency = prop_oneof![Just(0.0), Just(60.0), 50.0..70.0, 0.01..1e6];
    (names, usd, latency, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(name, usd, latency, complete, billed, plan)| {
            let mut series = Series { complete, ..platform(name, usd, latency) };
            if let (true, Some(cost)) = (plan, &mut series.cost) {
                let minus = Usd::ZERO - cost.total;
                cost.items.extend([
                    ("Fargate vCPU", cost.total),
                    ("Savings Plan", minus),
                    ("Fargate memory", cost.total),
                    ("NAT", cost.total),
                    ("Auto Mode fee", minus),
                ]);
            }
            if !billed {
                series.cost = None;
            }
            series
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn labels_never_overlap_and_stay_on_the_page(
        platforms in prop::collection::vec(series(), 0..11),
        synthetic in any::<bool>(),
        covered in prop_oneof![Just(60_000i64), Just(86_400_000), Just(7 * 86_400_000), Just(366 * 86_400_000)],
    ) {
        let count = platforms.len();
        let mut data = ChartData { synthetic, ..data(platforms) };
        data.window.end = data.window.start + Span::from_ms(covered);
        data.step = Span::from_ms(covered / STEPS as i64 + 1);
        data.covered = Span::from_ms(covered);
        let page = Rect { left: 0.0, top: 0.0, right: WIDTH, bottom: HEIGHT };
        for (name, draw) in CHARTS {
            let figure = draw(&data);
            let boxes: Vec<Rect> = figure.texts.iter().map(super::figure::Text::bounds).collect();
            for (index, a) in boxes.iter().enumerate() {
                prop_assert!(page.holds(a), "{name}: {:?}", figure.texts[index]);
                for (other, b) in boxes[..index].iter().enumerate() {
                    prop_assert!(!a.overlaps(b), "{name}, {count}: {:?} on {:?}", figure.texts[index], figure.texts[other]);
                }
            }
        }
    }
}
