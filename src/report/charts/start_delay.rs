//! How long pods waited from their creation until they ran: the distribution on each platform.

use super::axis::{self, Scale};
use super::data::{ChartData, Series};
use super::figure::{Align, Figure, LABEL, Point, Rect, SMALL, Text, room};
use super::labels::{Floating, float};
use super::plot;
use super::theme::{self, GRID, INK};
use crate::report::text::seconds;
use crate::units::Span;

const LABEL_HEIGHT: f64 = 38.0;

pub fn draw(data: &ChartData) -> Figure {
    let shown = "Share of the pods that started within a time, from their creation to running; logarithmic time axis";
    let (mut figure, page) = Figure::new(title(data), data.subtitle(shown, false));
    let delays = || data.platforms.iter().flat_map(|p| &p.delays).map(|(delay, _)| *delay);
    let least = delays().min().unwrap_or(Span::from_secs(1));
    let most = delays().max().unwrap_or(Span::from_secs(100));
    let ticks = axis::delays(least, most);
    let shares: Vec<axis::Tick> = [0, 25, 50, 75, 100]
        .into_iter()
        .map(|n| axis::Tick { at: f64::from(n) / 100.0, label: format!("{n} %") })
        .collect();
    let field = Rect {
        left: page.left + plot::tick_room(&shares),
        top: page.top + 12.0,
        right: page.right - 20.0,
        bottom: page.bottom - plot::AXIS_HEIGHT,
    };
    let y = Scale { from: 0.0, to: 1.0, at: field.bottom, end: field.top };
    let (from, to) = (ticks.first().map_or(0.0, |t| t.at), ticks.last().map_or(1.0, |t| t.at));
    let x = Scale { from, to, at: field.left, end: field.right };
    plot::horizontal_grid(&mut figure, &field, &shares, y);
    for tick in &ticks {
        let at = x.place(tick.at);
        figure.line(vec![(at, field.top), (at, field.bottom)], 1.0, GRID);
    }
    plot::horizontal_axis(&mut figure, &field, &ticks, x, &page);
    let curves: Vec<(usize, &Series, Vec<Point>)> = data
        .platforms
        .iter()
        .enumerate()
        .filter(|(_, platform)| !platform.delays.is_empty())
        .map(|(index, platform)| (index, platform, curve(platform, x, y)))
        .collect();
    for (index, _, curve) in &curves {
        figure.dashed(curve, 2.5, theme::color(*index), theme::dash(*index));
    }
    labels(&mut figure, &curves, &field);
    figure
}

/// Steps: the share rises where pods started.
fn curve(platform: &Series, x: Scale, y: Scale) -> Vec<Point> {
    let first = platform.delays.first().map(|(delay, _)| (x.place(axis::log(*delay)), y.place(0.0)));
    let mut share = 0.0;
    let steps = platform.delays.iter().flat_map(|(delay, after)| {
        let at = x.place(axis::log(*delay));
        let before = std::mem::replace(&mut share, *after);
        [(at, y.place(before)), (at, y.place(*after))]
    });
    plot::simplify(first.into_iter().chain(steps))
}

/// Each beside its curve. Where curves lie close, labels start at different heights of theirs, and keep off all of
/// them.
fn labels(figure: &mut Figure, curves: &[(usize, &Series, Vec<Point>)], field: &Rect) {
    let obstacles: Vec<Rect> = curves.iter().flat_map(|(_, _, curve)| boxes(curve)).collect();
    let floating: Vec<Floating> = curves
        .iter()
        .enumerate()
        .map(|(nth, (_, platform, curve))| {
            let part = 0.25 + 0.5 * (nth as f64 + 0.5) / curves.len() as f64;
            let height = field.bottom - part * field.height();
            let width = room(&platform.label(), LABEL, true).max(room(&detail(platform), SMALL, false));
            Floating { anchor: at_height(curve, height), width: width + 4.0, height: LABEL_HEIGHT }
        })
        .collect();
    let places = float(&floating, &obstacles, field);
    for (((index, platform, _), wanted), place) in curves.iter().zip(&floating).zip(places) {
        let Some(place) = place else { continue };
        let color = theme::color(*index);
        leader(figure, wanted.anchor, &place, color);
        let (left, top) = (place.left + 2.0, place.top);
        figure.text(Text::new(platform.label(), (left, top + 15.0), Align::Left).bold().color(color));
        let at = (left, top + 32.0);
        figure.text(Text::new(detail(platform), at, Align::Left).size(SMALL).color(INK));
    }
}

/// A thin line from a point to the nearest place of its label's border, unless they are close.
pub fn leader(figure: &mut Figure, from: Point, label: &Rect, color: theme::Color) {
    let to = (from.0.clamp(label.left, label.right), from.1.clamp(label.top, label.bottom));
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    if length > 16.0 {
        let start = 7.0 / length;
        let from = (from.0 + (to.0 - from.0) * start, from.1 + (to.1 - from.1) * start);
        figure.line(vec![from, to], 1.0, color);
    }
}

fn detail(platform: &Series) -> String {
    let mut text = format!("p50 {}, p99 {}", seconds(platform.delay_p50), seconds(platform.delay_p99));
    if !platform.complete {
        text.push_str(" · incomplete");
    }
    text
}

/// Where a curve passes `height`.
fn at_height(curve: &[Point], height: f64) -> Point {
    let crossing = curve.windows(2).find(|pair| pair[0].1 >= height && pair[1].1 <= height);
    crossing.map_or_else(|| curve.last().copied().unwrap_or_default(), |pair| {
        let (a, b) = (pair[0], pair[1]);
        let part = if a.1 > b.1 { (a.1 - height) / (a.1 - b.1) } else { 0.0 };
        (a.0 + (b.0 - a.0) * part, height)
    })
}

/// Boxes around the pieces of a curve, which has no slanted ones longer than a few pixels.
fn boxes(curve: &[Point]) -> impl Iterator<Item = Rect> {
    let pad = 4.0;
    curve.windows(2).map(move |pair| Rect {
        left: pair[0].0.min(pair[1].0) - pad,
        right: pair[0].0.max(pair[1].0) + pad,
        top: pair[0].1.min(pair[1].1) - pad,
        bottom: pair[0].1.max(pair[1].1) + pad,
    })
}

fn title(data: &ChartData) -> String {
    let started = || data.platforms.iter().filter_map(|p| Some((p.delay_p50.filter(|_| !p.recorded)?, p)));
    let by_delay = |a: &(f64, &Series), b: &(f64, &Series)| a.0.total_cmp(&b.0);
    let (Some((fast, best)), Some((slow, worst))) = (started().min_by(by_delay), started().max_by(by_delay)) else {
        return "No simulated pod started".to_owned();
    };
    let half = |value| seconds(Some(value));
    match started().count() {
        1 => format!("Half of the pods start within {} on {}", half(fast), best.label()),
        _ if half(fast) == half(slow) => format!("Half of the pods start within {} on every platform", half(fast)),
        _ => format!(
            "Half of the pods start within {} on {}, within {} on {}",
            half(fast),
            best.label(),
            half(slow),
            worst.label()
        ),
    }
}
