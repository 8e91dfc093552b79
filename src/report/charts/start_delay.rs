//! How long pods waited from their creation until they ran: the distribution on each platform.

use super::axis::{self, Scale};
use super::data::{ChartData, Series};
use super::figure::{Figure, Point, Rect};
use super::labels::{Floating, float};
use super::plot;
use super::theme;
use crate::report::text::seconds;
use crate::units::Span;

pub fn draw(data: &ChartData) -> Figure {
    let shown =
        "Share of the pods that started within a time, from their creation to running; logarithmic time axis";
    let (mut figure, page) = Figure::new(title(data), data.subtitle(shown, false));
    let delays = || data.platforms.iter().flat_map(|p| &p.delays).map(|(delay, _)| *delay);
    let least = delays().min().unwrap_or(Span::from_secs(1));
    let most = delays().max().unwrap_or(Span::from_secs(100));
    let (field, x, y) = plot::shares_by_delay(&mut figure, &page, (12.0, 30.0), (least, most));
    let curves: Vec<(usize, &Series, Vec<Point>)> = data
        .platforms
        .iter()
        .enumerate()
        .filter(|(_, platform)| !platform.delays.is_empty())
        .map(|(index, platform)| (index, platform, curve(&platform.delays, x, y)))
        .collect();
    for (index, _, curve) in &curves {
        figure.dashed(curve, 2.5, theme::color(*index), theme::dash(*index));
    }
    labels(&mut figure, &curves, &field);
    figure
}

/// Rises lower than this are drawn as slopes: so many that they are not seen one by one.
const STEP: f64 = 2.0;

/// Steps: the share rises where pods started.
pub(super) fn curve(delays: &[(Span, f64)], x: Scale, y: Scale) -> Vec<Point> {
    let first = delays.first().map(|(delay, _)| (x.place(axis::log(*delay)), y.place(0.0)));
    let mut before = y.place(0.0);
    let steps = delays.iter().flat_map(|(delay, share)| {
        let (at, height) = (x.place(axis::log(*delay)), y.place(*share));
        let foot = if before - height > STEP { (at, before) } else { (at, height) };
        before = height;
        [foot, (at, height)]
    });
    plot::simplify(first.into_iter().chain(steps))
}

/// Each beside its curve. Where curves lie close, labels start at different heights of theirs, and keep off all of
/// them.
fn labels(figure: &mut Figure, curves: &[(usize, &Series, Vec<Point>)], field: &Rect) {
    let obstacles: Vec<Rect> = curves.iter().flat_map(|(_, _, curve)| plot::boxes(curve)).collect();
    let texts: Vec<[String; 2]> = curves.iter().map(|(_, p, _)| [p.label(), detail(p)]).collect();
    let lines = |nth: usize| [&*texts[nth][0], &*texts[nth][1]];
    let floating: Vec<Floating> = curves
        .iter()
        .enumerate()
        .map(|(nth, (_, _, curve))| {
            let part = 0.25 + 0.5 * (nth as f64 + 0.5) / curves.len() as f64;
            let height = field.bottom - part * field.height();
            plot::floating(at_height(curve, height), lines(nth))
        })
        .collect();
    for (nth, place) in float(&floating, &obstacles, field).into_iter().enumerate() {
        let Some(place) = place else { continue };
        plot::floating_label(figure, &floating[nth], &place, lines(nth), theme::color(curves[nth].0));
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
pub(super) fn at_height(curve: &[Point], height: f64) -> Point {
    let crossing = curve.windows(2).find(|pair| pair[0].1 >= height && pair[1].1 <= height);
    crossing.map_or_else(
        || curve.last().copied().unwrap_or_default(),
        |pair| {
            let (a, b) = (pair[0], pair[1]);
            let part = if a.1 > b.1 { (a.1 - height) / (a.1 - b.1) } else { 0.0 };
            (a.0 + (b.0 - a.0) * part, height)
        },
    )
}

fn title(data: &ChartData) -> String {
    let compared = data.compared();
    let started = || compared.iter().filter_map(|p| Some((p.delay_p50?, *p)));
    let by_delay = |a: &(f64, &Series), b: &(f64, &Series)| a.0.total_cmp(&b.0);
    let (Some((fast, best)), Some((slow, worst))) = (started().min_by(by_delay), started().max_by(by_delay))
    else {
        return "No simulated pod started".to_owned();
    };
    let half = |value| seconds(Some(value));
    match started().count() {
        1 => format!("Half of the pods start within {} on {}", half(fast), best.label()),
        _ if half(fast) == half(slow) => {
            format!("Half of the pods start within {} on every platform", half(fast))
        }
        _ => format!(
            "Half of the pods start within {} on {}, within {} on {}",
            half(fast),
            best.label(),
            half(slow),
            worst.label()
        ),
    }
}
