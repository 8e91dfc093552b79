//! What had been spent on each platform, over the window.

use super::axis::{self, Scale};
use super::data::{ChartData, CostSeries, Series};
use super::figure::{Figure, Rect};
use super::plot::{self, EndLabel};
use super::theme;
use super::words::against;
use crate::report::text::window;
use crate::units::Usd;

pub fn draw(data: &ChartData) -> Figure {
    let (mut figure, page) = Figure::new(title(data), data.subtitle(&shown(data), true));
    let most = data.billed().flat_map(|(_, _, cost)| &cost.cumulative).max().copied().unwrap_or_default();
    let ticks = axis::money(0.0, most.to_f64(), 5);
    let top = ticks.last().map_or(1.0, |tick| tick.at);
    let labels: Vec<EndLabel> =
        data.billed().map(|(index, platform, cost)| label(data, index, platform, cost)).collect();
    let labels_room = labels.iter().map(EndLabel::room).fold(0.0, f64::max);
    let field = Rect {
        left: page.left + plot::tick_room(&ticks),
        top: page.top + 10.0,
        right: page.right - plot::LEADER - labels_room,
        bottom: page.bottom - plot::AXIS_HEIGHT,
    };
    let y = Scale { from: 0.0, to: top, at: field.bottom, end: field.top };
    let x = plot::time_scale(data, &field);
    plot::horizontal_grid(&mut figure, &field, &ticks, y);
    plot::time_axis(&mut figure, data, &field, &page);
    let best = data.cheapest().map(|(index, ..)| index);
    for (index, _, cost) in data.billed() {
        let start = data.window.start.ms() as f64;
        let point = |(n, usd): (usize, &Usd)| {
            (x.place(start + n as f64 * data.step.ms() as f64), y.place(usd.to_f64()))
        };
        let points = plot::simplify(cost.cumulative.iter().enumerate().map(point));
        let width = if best == Some(index) { 3.5 } else { 2.0 };
        figure.dashed(&points, width, theme::color(index), theme::dash(index));
    }
    let at_end = |label: EndLabel| EndLabel { y: y.place(label.y), ..label };
    let labels: Vec<EndLabel> = labels.into_iter().map(at_end).collect();
    plot::end_labels(&mut figure, &field, &labels);
    figure
}

/// Its height is in dollars until the axis is known.
fn label(data: &ChartData, index: usize, platform: &Series, cost: &CostSeries) -> EndLabel {
    let mut detail = data.places().show(Some(cost.total));
    if !platform.complete {
        detail.push_str(" · incomplete");
    }
    EndLabel { name: platform.label(), detail, color: theme::color(index), y: cost.total.to_f64() }
}

fn title(data: &ChartData) -> String {
    let Some((best, platform, cost)) = data.cheapest() else { return data.no_finding() };
    let others = || data.billed().filter(|(index, other, _)| other.is_candidate() && *index != best);
    // The first is what all are compared with; if it is the best itself, the next best is.
    let other = others().find(|(index, ..)| *index == 0).or_else(|| others().min_by_key(|(_, _, c)| c.total));
    let (name, by) = (platform.label(), data.by_the_end());
    match other {
        None => format!("{name} costs {} {by}", data.places().show(Some(cost.total))),
        Some((_, other, base)) => {
            format!("{name} costs {} {} {by}", against(base.total, cost.total), other.label())
        }
    }
}

fn shown(data: &ChartData) -> String {
    let time = |time: crate::units::Time| {
        chrono::DateTime::from_timestamp_millis(time.ms()).map(|t| t.to_rfc3339()).unwrap_or_default()
    };
    format!("Cumulative cost in USD, {}", window(&time(data.window.start), &time(data.window.end)))
}
