//! What a platform costs a month against how long the slowest work takes: which ones nothing beats in both.

use super::axis::{self, Scale, Tick};
use super::data::{ChartData, CostSeries, Series};
use super::figure::{Align, Figure, Point, Rect, SMALL, Text};
use super::labels::{Floating, float};
use super::plot;
use super::theme::{self, AXIS, GRID, PAPER, SOFT};
use crate::report::finding::change;
use crate::report::text::{Places, seconds};

const DOT: f64 = 7.0;

/// A platform that has both a cost and a latency.
struct Dot<'a> {
    index: usize,
    platform: &'a Series,
    cost: &'a CostSeries,
    latency: f64,
    best: bool,
}

pub fn draw(data: &ChartData) -> Figure {
    let dots = dots(data);
    let (dollars, xs) = range(dots.iter().map(|dot| dot.cost.per_month.to_f64()), axis::money);
    let (times, ys) = range(dots.iter().map(|dot| dot.latency), axis::spans);
    let (mut figure, page) = Figure::new(title(data, &dots), subtitle(data, dollars, times, dots.len()));
    let field = Rect {
        left: page.left + plot::tick_room(&ys),
        top: page.top + 34.0,
        right: page.right - 24.0,
        bottom: page.bottom - plot::AXIS_HEIGHT - 20.0,
    };
    let scale = |ticks: &[Tick], at: f64, end: f64| {
        let (from, to) = (ticks.first().map_or(0.0, |t| t.at), ticks.last().map_or(1.0, |t| t.at));
        Scale { from, to, at, end }
    };
    let (x, y) = (scale(&xs, field.left, field.right), scale(&ys, field.bottom, field.top));
    plot::horizontal_grid(&mut figure, &field, &ys, y);
    for tick in &xs {
        let at = x.place(tick.at);
        figure.line(vec![(at, field.top), (at, field.bottom)], 1.0, GRID);
    }
    plot::horizontal_axis(&mut figure, &field, &xs, x, &page);
    let what = format!("p99 {} ↑", latency_name(data));
    figure.text(Text::new(what, (page.left, page.top + 14.0), Align::Left).size(SMALL).color(SOFT));
    let at = (field.right, field.bottom + 40.0);
    figure.text(Text::new("cost per month →", at, Align::Right).size(SMALL).color(SOFT));
    let places: Vec<Point> =
        dots.iter().map(|d| (x.place(d.cost.per_month.to_f64()), y.place(d.latency))).collect();
    let front = front(&dots, &places);
    figure.dashed(&front, 1.5, AXIS, &[3.0, 4.0]);
    for (dot, at) in dots.iter().zip(&places) {
        let color = theme::color(dot.index);
        figure.disc(*at, DOT + 2.0, PAPER);
        figure.disc(*at, DOT, color);
        if !dot.best {
            figure.disc(*at, DOT - 2.5, PAPER);
        }
    }
    labels(&mut figure, &dots, &places, &front, &field);
    figure
}

fn dots(data: &ChartData) -> Vec<Dot<'_>> {
    let dot = |(index, platform, cost)| -> Option<Dot<'_>> {
        let platform: &Series = platform;
        Some(Dot { index, platform, cost, latency: platform.latency?, best: false })
    };
    let mut dots: Vec<Dot> = data.billed().filter_map(dot).collect();
    let beaten = |a: &Dot| {
        dots.iter().filter(|b| b.platform.is_candidate()).any(|b| {
            let (cost, latency) = (b.cost.per_month.cmp(&a.cost.per_month), b.latency.total_cmp(&a.latency));
            cost.is_le() && latency.is_le() && (cost.is_lt() || latency.is_lt())
        })
    };
    let best: Vec<bool> = dots.iter().map(|dot| dot.platform.is_candidate() && !beaten(dot)).collect();
    for (dot, best) in dots.iter_mut().zip(best) {
        dot.best = best;
    }
    dots
}

/// Names of the platforms that are marked.
#[cfg(test)]
pub fn best(data: &ChartData) -> Vec<&str> {
    dots(data).into_iter().filter(|dot| dot.best).map(|dot| &*dot.platform.name).collect()
}

/// Ticks around the values, and whether they begin at zero: they do unless the values are so close that all would lie
/// on one spot.
pub fn range(
    values: impl Iterator<Item = f64>,
    ticks: fn(f64, f64, usize) -> Vec<Tick>,
) -> (bool, Vec<Tick>) {
    let (least, most) = values.fold((f64::MAX, 0.0f64), |(lo, hi), v| (lo.min(v), hi.max(v)));
    if least >= most || least < 0.7 * most {
        return (true, ticks(0.0, most * 1.05, 5));
    }
    let pad = (most - least).max(0.02 * most) * 0.4;
    (false, ticks((least - pad).max(0.0), most + pad, 5))
}

/// The line that joins the best: what lies above and to the right of it is beaten.
fn front(dots: &[Dot], places: &[Point]) -> Vec<Point> {
    let mut best: Vec<Point> =
        dots.iter().zip(places).filter(|(dot, _)| dot.best).map(|(_, at)| *at).collect();
    best.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    plot::simplify(best.windows(2).flat_map(|w| [w[0], (w[1].0, w[0].1), w[1]]))
}

fn labels(figure: &mut Figure, dots: &[Dot], places: &[Point], front: &[Point], field: &Rect) {
    let texts: Vec<[String; 2]> = dots.iter().map(|dot| [dot.platform.label(), detail(dot)]).collect();
    let lines = |nth: usize| [&*texts[nth][0], &*texts[nth][1]];
    let floating: Vec<Floating> =
        places.iter().enumerate().map(|(nth, at)| plot::floating(*at, lines(nth))).collect();
    let around = |(x, y): &Point| {
        let reach = DOT + 3.0;
        Rect { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach }
    };
    let obstacles: Vec<Rect> = places.iter().map(around).chain(plot::boxes(front)).collect();
    let area = Rect { right: field.right + 20.0, top: field.top - 14.0, ..*field };
    for (nth, place) in float(&floating, &obstacles, &area).into_iter().enumerate() {
        let Some(place) = place else { continue };
        plot::floating_label(figure, &floating[nth], &place, lines(nth), theme::color(dots[nth].index));
    }
}

fn detail(dot: &Dot) -> String {
    let month = Places::of([Some(dot.cost.per_month)]).show(Some(dot.cost.per_month));
    let mut text = format!("{month}, {}", seconds(Some(dot.latency)));
    if !dot.platform.complete {
        text.push_str(" · incomplete");
    } else if dot.platform.recorded {
        text.push_str(" · what happened");
    }
    text
}

const fn latency_name(data: &ChartData) -> &'static str {
    if data.has_makespans { "makespan" } else { "turnaround" }
}

fn title(data: &ChartData, dots: &[Dot]) -> String {
    let candidates = || dots.iter().filter(|dot| dot.platform.is_candidate());
    let by_cost =
        |a: &&Dot, b: &&Dot| a.cost.per_month.cmp(&b.cost.per_month).then(a.latency.total_cmp(&b.latency));
    let by_time =
        |a: &&Dot, b: &&Dot| a.latency.total_cmp(&b.latency).then(a.cost.per_month.cmp(&b.cost.per_month));
    let (Some(cheap), Some(fast)) = (candidates().min_by(by_cost), candidates().min_by(by_time)) else {
        return data.no_finding();
    };
    let (name, what) = (cheap.platform.label(), latency_name(data));
    if candidates().count() == 1 {
        let month = Places::of([Some(cheap.cost.per_month)]).show(Some(cheap.cost.per_month));
        return format!(
            "{name} costs {month} a month, with a p99 {what} of {}",
            seconds(Some(cheap.latency))
        );
    }
    if cheap.index == fast.index {
        return format!("{name} costs least a month and has the shortest p99 {what}");
    }
    let percent = (1.0 - fast.latency / cheap.latency) * 100.0;
    let change = change(cheap.cost.per_month, fast.cost.per_month).alone();
    let fast = fast.platform.label();
    format!("{fast} has a {percent:.0} % shorter p99 {what} than {name}, for {change} a month")
}

fn subtitle(data: &ChartData, dollars_from_zero: bool, times_from_zero: bool, shown: usize) -> String {
    let other = if data.platforms.iter().all(|p| p.complete) { "other" } else { "complete platform" };
    let what = latency_name(data);
    let mut text = format!(
        "Cost per month in USD against the p99 {what}. Filled: no {other} is both cheaper and faster"
    );
    match (dollars_from_zero, times_from_zero) {
        (true, true) => {}
        (false, true) => text.push_str(". The cost axis does not begin at zero"),
        (true, false) => text.push_str(". The time axis does not begin at zero"),
        (false, false) => text.push_str(". The axes do not begin at zero"),
    }
    let without = data.billed().count() - shown;
    if without > 0 {
        text.push_str(". Platforms on which nothing was completed are left out");
    }
    data.subtitle(&text, true)
}
