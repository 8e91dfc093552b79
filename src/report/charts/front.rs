//! The front of a plan: cost a month against the latency that matters, every candidate a pale dot, what nothing beats a
//! line with names.

use super::axis::{self, Scale, Tick};
use super::cost_vs_latency::range;
use super::figure::{Align, Figure, Point, Rect, SMALL, Text};
use super::labels::{Floating, float, shorten};
use super::theme::{self, AXIS, Color, GRID, INK, PAPER, SOFT};
use super::{Chart, plot, render};
use crate::report::text::{Places, seconds};
use crate::units::{Span, Usd};

/// Name of the chart's files, without their endings.
pub const NAME: &str = "front";
const DOT: f64 = 6.5;
const PALE: f64 = 3.0;
/// Points with a name; beside the special ones as many of the front as there is room for.
const NAMED: usize = 6;
const LONGEST_NAME: usize = 30;

/// What the chart shows.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontData {
    pub title: String,
    /// `p99 start delay`.
    pub metric: String,
    pub synthetic: bool,
    /// Everything that completed.
    pub candidates: Vec<FrontDot>,
    /// Seconds.
    pub limit: Option<f64>,
}

/// A candidate of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontDot {
    pub name: String,
    pub per_month: Usd,
    /// Seconds.
    pub latency: f64,
    pub on_front: bool,
    /// What it is called beside its name: `recommended`, `knee`.
    pub role: Option<&'static str>,
    /// Within all limits.
    pub feasible: bool,
}

/// Draws and renders the front.
pub fn front_chart(data: &FrontData) -> Chart {
    let figure = draw(data);
    let (svg, png) = (render::svg(&figure), render::png(&figure));
    Chart { name: NAME, title: figure.title, svg, png }
}

pub(super) fn draw(data: &FrontData) -> Figure {
    // The front and what has a role set the axes; what lies beyond says nothing more.
    let special = || data.candidates.iter().filter(|dot| dot.on_front || dot.role.is_some());
    let (dollars, xs) = range(special().map(|dot| dot.per_month.to_f64()), axis::money);
    // Delays of seconds and of minutes are both on a front: only a logarithm shows them apart.
    let times: Vec<Span> = special().map(|dot| dot.latency).chain(data.limit).map(span).collect();
    let ends_of = |spans: &[Span]| (spans.iter().min().copied(), spans.iter().max().copied());
    let (least, most) = ends_of(&times);
    let ys = axis::delays(least.unwrap_or_default(), most.unwrap_or_default());
    let ends = |ticks: &[Tick]| (ticks.first().map_or(0.0, |t| t.at), ticks.last().map_or(1.0, |t| t.at));
    let (cost_ends, time_ends) = (ends(&xs), ends(&ys));
    let within = |value: f64, (from, to): (f64, f64)| value >= from && value <= to;
    let shown: Vec<&FrontDot> = data
        .candidates
        .iter()
        .filter(|dot| {
            within(dot.per_month.to_f64(), cost_ends) && within(axis::log(span(dot.latency)), time_ends)
        })
        .collect();
    let (mut figure, page) = Figure::new(&*data.title, subtitle(data, shown.len(), dollars));
    let field = Rect {
        left: page.left + plot::tick_room(&ys),
        top: page.top + 34.0,
        right: page.right - 24.0,
        bottom: page.bottom - plot::AXIS_HEIGHT - 20.0,
    };
    let scale = |(from, to): (f64, f64), at: f64, end: f64| Scale { from, to, at, end };
    let (x, y) = (scale(cost_ends, field.left, field.right), scale(time_ends, field.bottom, field.top));
    plot::horizontal_grid(&mut figure, &field, &ys, y);
    for tick in &xs {
        let at = x.place(tick.at);
        figure.line(vec![(at, field.top), (at, field.bottom)], 1.0, GRID);
    }
    plot::horizontal_axis(&mut figure, &field, &xs, x, &page);
    let what = format!("{} ↑", data.metric);
    figure.text(Text::new(what, (page.left, page.top + 14.0), Align::Left).size(SMALL).color(SOFT));
    let at = (field.right, field.bottom + 40.0);
    figure.text(Text::new("cost per month →", at, Align::Right).size(SMALL).color(SOFT));
    let place = |dot: &FrontDot| (x.place(dot.per_month.to_f64()), y.place(axis::log(span(dot.latency))));
    for dot in &shown {
        figure.disc(place(dot), PALE, AXIS.tint(0.55));
    }
    let mut limit_box = None;
    if let Some(limit) = data.limit {
        let at = y.place(axis::log(span(limit)));
        figure.dashed(&[(field.left, at), (field.right, at)], 1.5, LIMIT, &[9.0, 4.0]);
        limit_box = Some(Rect { left: field.left, right: field.right, top: at - 20.0, bottom: at + 4.0 });
        let text = format!("limit {}", seconds(Some(limit)));
        figure.text_on_paper(Text::new(text, (field.right, at - 5.0), Align::Right).size(SMALL).color(LIMIT));
    }
    let mut front: Vec<&FrontDot> = shown.iter().copied().filter(|dot| dot.on_front).collect();
    front.sort_by(|a, b| a.per_month.cmp(&b.per_month).then(b.latency.total_cmp(&a.latency)));
    let places: Vec<Point> = front.iter().map(|dot| place(dot)).collect();
    let line = plot::simplify(places.windows(2).flat_map(|w| [w[0], (w[1].0, w[0].1), w[1]]));
    figure.dashed(&line, 1.5, AXIS, &[3.0, 4.0]);
    let others = shown.iter().copied().filter(|dot| !dot.on_front && dot.role.is_some());
    let dots: Vec<&FrontDot> = front.iter().copied().chain(others).collect();
    for dot in &dots {
        let at = place(dot);
        figure.disc(at, DOT + 2.0, PAPER);
        figure.disc(at, DOT, color(dot));
        if !dot.feasible {
            figure.disc(at, DOT - 2.5, PAPER);
        }
    }
    labels(&mut figure, &named(&dots), &place, &line, limit_box, &field);
    figure
}

fn span(seconds: f64) -> Span {
    Span::from_secs_f64(seconds).unwrap_or_default()
}

const LIMIT: Color = Color(0xa8, 0x12, 0x3e);

fn color(dot: &FrontDot) -> Color {
    if dot.role.is_some() { theme::color(0) } else { INK }
}

/// Who gets a name: roles, the ends of the front, and of the rest evenly.
fn named<'a>(dots: &[&'a FrontDot]) -> Vec<&'a FrontDot> {
    let fronts = dots.iter().filter(|dot| dot.on_front).count();
    let must = |index: usize| dots[index].role.is_some() || index == 0 || index + 1 == fronts;
    let mut chosen: Vec<usize> = (0..dots.len()).filter(|index| must(*index)).collect();
    let rest: Vec<usize> = (0..dots.len()).filter(|index| !must(*index)).collect();
    let room = NAMED.saturating_sub(chosen.len()).min(rest.len());
    chosen.extend((0..room).map(|n| rest[(2 * n + 1) * rest.len() / (2 * room)]));
    chosen.sort_unstable();
    chosen.into_iter().map(|index| dots[index]).collect()
}

fn labels(
    figure: &mut Figure,
    dots: &[&FrontDot],
    place: &dyn Fn(&FrontDot) -> Point,
    line: &[Point],
    limit: Option<Rect>,
    field: &Rect,
) {
    let texts: Vec<[String; 2]> =
        dots.iter().map(|dot| [shorten(&dot.name, LONGEST_NAME).into_owned(), detail(dot)]).collect();
    let lines = |nth: usize| [&*texts[nth][0], &*texts[nth][1]];
    let floating: Vec<Floating> =
        dots.iter().enumerate().map(|(nth, dot)| plot::floating(place(dot), lines(nth))).collect();
    let around = |dot: &&FrontDot| {
        let ((x, y), reach) = (place(dot), DOT + 3.0);
        Rect { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach }
    };
    let obstacles: Vec<Rect> = dots.iter().map(around).chain(plot::boxes(line)).chain(limit).collect();
    let area = Rect { right: field.right + 20.0, top: field.top - 14.0, ..*field };
    for (nth, place) in float(&floating, &obstacles, &area).into_iter().enumerate() {
        let Some(place) = place else { continue };
        plot::floating_label(figure, &floating[nth], &place, lines(nth), color(dots[nth]));
    }
}

fn detail(dot: &FrontDot) -> String {
    let month = Places::of([Some(dot.per_month)]).show(Some(dot.per_month));
    let role = dot.role.map(|role| format!(" · {role}")).unwrap_or_default();
    format!("{month}, {}{role}", seconds(Some(dot.latency)))
}

fn subtitle(data: &FrontData, shown: usize, dollars_from_zero: bool) -> String {
    let synthetic = if data.synthetic { "SYNTHETIC trace. " } else { "" };
    let axes = if dollars_from_zero { "" } else { " The cost axis does not begin at zero." };
    let beyond = match data.candidates.len() - shown {
        0 => String::new(),
        n => format!(" {} beyond the axes are not shown.", crate::report::plural(n as u64, "candidate")),
    };
    format!(
        "{synthetic}Cost per month in USD against the {} (logarithmic). The line joins what no candidate beats in both; filled: within \
         all limits.{axes}{beyond}",
        data.metric
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(name: &str, usd: &str, latency: f64, on_front: bool, role: Option<&'static str>) -> FrontDot {
        let per_month = Usd::parse(usd).unwrap();
        FrontDot { name: name.to_owned(), per_month, latency, on_front, role, feasible: latency < 90.0 }
    }

    fn data() -> FrontData {
        let mut candidates = vec![
            dot("cheap", "100", 140.0, true, None),
            dot("good", "120", 40.0, true, Some("recommended")),
            dot("fast", "190", 10.0, true, None),
            dot("today", "180", 120.0, false, Some("today")),
            dot("absurd", "9000", 500.0, false, None),
        ];
        candidates.extend((0..30).map(|n| dot(&format!("c{n}"), "150", 60.0 + f64::from(n), false, None)));
        let title = "good would cost 33 % less than today".to_owned();
        FrontData { title, metric: "p99 start delay".into(), synthetic: true, candidates, limit: Some(90.0) }
    }

    #[test]
    fn the_front_its_roles_and_the_limit_are_named_and_no_labels_overlap() {
        let figure = draw(&data());
        let texts: Vec<&str> = figure.texts.iter().map(|text| &*text.text).collect();
        for expected in ["cheap", "good", "fast", "today", "limit 1m30s", "$120.00, 40s · recommended"] {
            assert!(texts.contains(&expected), "{expected}: {texts:?}");
        }
        assert!(!texts.contains(&"c7"), "only the front is named");
        assert!(figure.subtitle.starts_with("SYNTHETIC"), "{}", figure.subtitle);
        assert!(figure.subtitle.contains("1 candidate beyond"), "{}", figure.subtitle);
        let bounds: Vec<Rect> = figure.texts.iter().map(Text::bounds).collect();
        for (a, one) in bounds.iter().enumerate() {
            for (b, other) in bounds.iter().enumerate().skip(a + 1) {
                assert!(!one.overlaps(other), "{:?} on {:?}", texts[a], texts[b]);
            }
        }
    }

    #[test]
    fn nothing_and_one_candidate_can_be_drawn() {
        for candidates in [vec![], vec![dot("one", "10", 5.0, true, Some("recommended"))]] {
            let chart = front_chart(&FrontData { candidates, limit: None, ..data() });
            assert!(chart.svg.starts_with("<svg") && !chart.png.is_empty());
        }
    }
}
