//! What line charts have in common: the field with its axes, and labels at the ends of lines.

use super::axis::{self, Scale, Tick};
use super::data::ChartData;
use super::figure::{Align, Figure, LABEL, Point, Rect, SMALL, Text, room};
use super::labels::{Floating, leader, spread};
use super::theme::{AXIS, Color, GRID, INK, SOFT};
use crate::units::Span;

/// Below a field: tick labels of its axis.
pub const AXIS_HEIGHT: f64 = 26.0;

/// Horizontal lines at `ticks`, labelled on their left outside of `field`.
pub fn horizontal_grid(figure: &mut Figure, field: &Rect, ticks: &[Tick], y: Scale) {
    for tick in ticks {
        let at = y.place(tick.at);
        figure.line(vec![(field.left, at), (field.right, at)], 1.0, GRID);
        let label = Text::new(&*tick.label, (field.left - 8.0, at + 0.35 * SMALL), Align::Right);
        figure.text(label.size(SMALL).color(SOFT));
    }
}

/// The field of curves that say which share of all took at most so long, with its axes: the logarithm of the time from
/// the `least` to the `most`, and shares. `top` and `right` are what stays free of the page there.
pub fn shares_by_delay(
    figure: &mut Figure,
    page: &Rect,
    (top, right): (f64, f64),
    (least, most): (Span, Span),
) -> (Rect, Scale, Scale) {
    let ticks = axis::delays(least, most);
    let shares = [0, 25, 50, 75, 100].map(|n| Tick { at: f64::from(n) / 100.0, label: format!("{n} %") });
    let field = Rect {
        left: page.left + tick_room(&shares),
        top: page.top + top,
        right: page.right - right,
        bottom: page.bottom - AXIS_HEIGHT,
    };
    let y = Scale { from: 0.0, to: 1.0, at: field.bottom, end: field.top };
    let (from, to) = (ticks.first().map_or(0.0, |t| t.at), ticks.last().map_or(1.0, |t| t.at));
    let x = Scale { from, to, at: field.left, end: field.right };
    horizontal_grid(figure, &field, &shares, y);
    for tick in &ticks {
        let at = x.place(tick.at);
        figure.line(vec![(at, field.top), (at, field.bottom)], 1.0, GRID);
    }
    horizontal_axis(figure, &field, &ticks, x, page);
    (field, x, y)
}

/// How much room the labels of `ticks` take on the left of a field.
pub fn tick_room(ticks: &[Tick]) -> f64 {
    ticks.iter().map(|tick| room(&tick.label, SMALL, false)).fold(0.0, f64::max) + 8.0
}

/// The lower border of `field` with `ticks`, of which those are labelled that have room.
pub fn horizontal_axis(figure: &mut Figure, field: &Rect, ticks: &[Tick], x: Scale, page: &Rect) {
    figure.line(vec![(field.left, field.bottom), (field.right, field.bottom)], 1.5, AXIS);
    let mut last: Option<Rect> = None;
    for tick in ticks {
        let at = x.place(tick.at);
        let label = Text::new(&*tick.label, (at, field.bottom + 20.0), Align::Center).size(SMALL).color(SOFT);
        let bounds = label.bounds();
        let too_close = |last: &Rect| bounds.left < last.right + 6.0;
        if bounds.right > page.right || bounds.left < page.left || last.as_ref().is_some_and(too_close) {
            continue;
        }
        figure.line(vec![(at, field.bottom), (at, field.bottom + 5.0)], 1.5, AXIS);
        figure.text(label);
        last = Some(bounds);
    }
}

pub fn time_scale(data: &ChartData, field: &Rect) -> Scale {
    let (start, end) = (data.window.start, data.window.end);
    Scale {
        from: start.ms() as f64,
        to: end.ms().max(start.ms() + 1) as f64,
        at: field.left,
        end: field.right,
    }
}

pub fn time_axis(figure: &mut Figure, data: &ChartData, field: &Rect, page: &Rect) {
    let count = (field.width() / 85.0).max(2.0) as usize;
    let ticks = axis::time(data.window.start, data.window.end, count);
    horizontal_axis(figure, field, &ticks, time_scale(data, field), page);
}

/// A label of two lines at the right end of a line.
pub struct EndLabel {
    pub name: String,
    pub detail: String,
    pub color: Color,
    /// The height at which the line ends.
    pub y: f64,
}

impl EndLabel {
    pub fn room(&self) -> f64 {
        room(&self.name, LABEL, true).max(room(&self.detail, SMALL, false))
    }
}

/// From an end of a line to its label.
pub const LEADER: f64 = 22.0;
const END_LABEL_HEIGHT: f64 = 36.0;

/// Labels on the right of `field`, moved apart where their lines end together.
pub fn end_labels(figure: &mut Figure, field: &Rect, labels: &[EndLabel]) {
    let wanted: Vec<f64> = labels.iter().map(|label| label.y).collect();
    // Above the labels of the axis, and below the sub-title.
    let (lo, hi) = (field.top + 4.0, field.bottom - 14.0);
    let gap = END_LABEL_HEIGHT.min((hi - lo) / (labels.len().max(2) - 1) as f64);
    let centers = spread(&wanted, gap, lo, hi);
    for (label, center) in labels.iter().zip(centers) {
        let x = field.right + LEADER;
        figure.line(vec![(field.right + 3.0, label.y), (x - 4.0, center)], 1.0, label.color);
        figure.text(Text::new(&*label.name, (x, center - 1.5), Align::Left).bold().color(label.color));
        figure.text(Text::new(&*label.detail, (x, center + 15.0), Align::Left).size(SMALL).color(INK));
    }
}

/// A label of two lines in its place, on paper, with a line to what it names where that is not beside it.
pub fn floating_label(figure: &mut Figure, label: &Floating, place: &Rect, lines: [&str; 2], color: Color) {
    if let Some((from, to)) = leader(label.anchor, place) {
        figure.line(vec![from, to], 1.0, color);
    }
    let (left, top) = (place.left + 2.0, place.top);
    figure.text_on_paper(Text::new(lines[0], (left, top + 15.0), Align::Left).bold().color(color));
    figure.text_on_paper(Text::new(lines[1], (left, top + 32.0), Align::Left).size(SMALL).color(INK));
}

/// The room for one near `anchor`.
pub fn floating(anchor: Point, lines: [&str; 2]) -> Floating {
    let width = room(lines[0], LABEL, true).max(room(lines[1], SMALL, false)) + 4.0;
    Floating { anchor, width, height: 38.0 }
}

/// Boxes around a curve, each of a short piece of it.
pub fn boxes(curve: &[Point]) -> impl Iterator<Item = Rect> {
    const PIECE: f64 = 8.0;
    const PAD: f64 = 4.0;
    curve.windows(2).flat_map(|pair| {
        let (from, to) = (pair[0], pair[1]);
        let pieces = ((to.0 - from.0).hypot(to.1 - from.1) / PIECE).ceil().max(1.0);
        let at = move |n: f64| (from.0 + (to.0 - from.0) * n / pieces, from.1 + (to.1 - from.1) * n / pieces);
        (0..pieces as usize).map(move |n| {
            let (a, b) = (at(n as f64), at(n as f64 + 1.0));
            Rect {
                left: a.0.min(b.0) - PAD,
                right: a.0.max(b.0) + PAD,
                top: a.1.min(b.1) - PAD,
                bottom: a.1.max(b.1) + PAD,
            }
        })
    })
}

/// Without the points that a straight line goes through anyway.
pub fn simplify(points: impl IntoIterator<Item = Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for point in points {
        if let [.., a, b] = kept[..] {
            let off = (b.0 - a.0) * (point.1 - a.1) - (point.0 - a.0) * (b.1 - a.1);
            let forward = (b.0 - a.0) * (point.0 - b.0) + (b.1 - a.1) * (point.1 - b.1) >= 0.0;
            if off.abs() <= 0.05 * (point.0 - a.0).hypot(point.1 - a.1) && forward {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}

/// A line that holds each of `values` for a step of the time axis.
pub fn steps(data: &ChartData, values: &mut dyn Iterator<Item = f64>, field: &Rect, y: Scale) -> Vec<Point> {
    let x = time_scale(data, field);
    let start = data.window.start.ms() as f64;
    let time = |n: usize| x.place(start + n as f64 * data.step.ms() as f64);
    let step = |(n, value)| [(time(n), y.place(value)), (time(n + 1), y.place(value))];
    simplify(values.enumerate().flat_map(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simplified_lines_keep_their_corners() {
        let line = [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (2.0, 5.0), (2.0, 1.0), (3.0, 1.0)];
        assert_eq!(simplify(line), [(0.0, 0.0), (2.0, 0.0), (2.0, 5.0), (2.0, 1.0), (3.0, 1.0)]);
    }
}
