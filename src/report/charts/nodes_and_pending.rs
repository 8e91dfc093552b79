//! How many nodes each platform had over time, and how many pods were waiting for one.

use super::axis::Scale;
use super::data::{ChartData, Counts, Series};
use super::figure::{Align, Figure, LABEL, Rect, SMALL, Text, room};
use super::plot;
use super::theme::{self, AXIS, SOFT};
use crate::report::text::{count, plural};

const HEAD: f64 = 24.0;
const GAP: f64 = 26.0;

pub fn draw(data: &ChartData) -> Figure {
    let (mut figure, page) = Figure::new(title(data), data.subtitle(&shown(data), false));
    let names = |p: &Series| room(&p.label(), LABEL, true).max(room("incomplete", SMALL, false));
    let left = page.left + data.platforms.iter().map(names).fold(0.0, f64::max) + 18.0;
    let counts = data.platforms.iter().flat_map(|p| [&p.nodes, &p.pending]);
    let peaks = counts.map(|counts| room(&peak(counts), SMALL, true)).fold(0.0, f64::max) + 8.0;
    let width = (page.right - left - 2.0 * peaks - GAP) / 2.0;
    let columns = [left, left + width + peaks + GAP];
    for (x, head) in columns.into_iter().zip(["ready nodes", "pending pods"]) {
        figure.text(Text::new(head, (x, page.top + 14.0), Align::Left).size(SMALL).color(SOFT));
    }
    let rows = data.platforms.len().max(1) as f64;
    let top = page.top + HEAD;
    let height = (page.bottom - plot::AXIS_HEIGHT - top) / rows;
    let most_pending = data.platforms.iter().map(|p| p.pending.peak()).max().unwrap_or(0);
    for (index, platform) in data.platforms.iter().enumerate() {
        let row = Rect {
            left: page.left,
            right: page.right,
            top: top + index as f64 * height + (height * 0.2).min(14.0),
            bottom: top + (index + 1) as f64 * height,
        };
        name(&mut figure, index, platform, &row);
        let panels = [(&platform.nodes, platform.nodes.peak()), (&platform.pending, most_pending)];
        for (column, (counts, most)) in panels.into_iter().enumerate() {
            let x = columns[column];
            let field = Rect { left: x, right: x + width, ..row };
            if column == 0 && platform.recorded && platform.micro_vms.is_none() {
                let at = (x, row.bottom - 8.0);
                figure.text(Text::new("nodes are not known", at, Align::Left).size(SMALL).color(SOFT));
            } else {
                panel(&mut figure, data, index, counts, most, &field);
            }
            figure.line(vec![(field.left, field.bottom), (field.right, field.bottom)], 1.0, AXIS);
        }
    }
    for x in columns {
        let field = Rect { left: x, right: x + width, top, bottom: page.bottom - plot::AXIS_HEIGHT };
        plot::time_axis(
            &mut figure,
            data,
            &field,
            &Rect { left: x - 20.0, right: x + width + peaks, ..page },
        );
    }
    figure
}

fn name(figure: &mut Figure, index: usize, platform: &Series, row: &Rect) {
    let middle = (row.top + row.bottom) / 2.0;
    let baseline = if platform.complete { middle + 5.0 } else { middle - 2.0 };
    let label = Text::new(platform.label(), (row.left, baseline), Align::Left);
    figure.text(label.bold().color(theme::color(index)));
    if !platform.complete {
        figure.text(Text::new("incomplete", (row.left, baseline + 16.0), Align::Left).size(SMALL));
    }
}

/// The averages, and behind them, pale, the most: a second's peak in an hour's step is not an hour of it.
fn panel(figure: &mut Figure, data: &ChartData, index: usize, counts: &Counts, most: u32, field: &Rect) {
    let color = theme::color(index);
    let y = Scale { from: 0.0, to: f64::from(most.max(1)), at: field.bottom, end: field.top };
    let mut area = |values: &mut dyn Iterator<Item = f64>, color| {
        let mut area = plot::steps(data, values, field, y);
        area.extend([(field.right, field.bottom), (field.left, field.bottom)]);
        figure.area(area, color);
    };
    area(&mut counts.most.iter().map(|n| f64::from(*n)), color.tint(0.3));
    area(&mut counts.average.iter().copied(), color.tint(0.85));
    let height = y.place(f64::from(counts.peak()));
    let height = height.clamp(field.top + 0.35 * SMALL, field.bottom - 2.0 - 0.25 * SMALL);
    let at = (field.right + 8.0, height + 0.35 * SMALL);
    figure.text(Text::new(peak(counts), at, Align::Left).size(SMALL).bold().color(color));
}

fn peak(counts: &Counts) -> String {
    format!("peak {}", count(u64::from(counts.peak())))
}

fn title(data: &ChartData) -> String {
    let peak = |p: &Series| u64::from(p.pending.peak());
    let compared = data.compared();
    let most = compared.iter().rev().max_by_key(|p| peak(p));
    let (Some(most), Some(least)) = (most, compared.iter().min_by_key(|p| peak(p))) else {
        let Some(only) = data.platforms.first() else { return "No platform was simulated".to_owned() };
        return format!("Up to {} at once on {}", waits(peak(only)), only.label());
    };
    let (many, few) = (peak(most), peak(least));
    match (many == few, compared.len()) {
        _ if many == 0 => "No pod waits on any platform".to_owned(),
        (true, 1) => format!("Up to {} at once on {}", waits(many), most.label()),
        (true, _) => format!("Up to {} at once on every platform", waits(many)),
        _ => {
            let (most, least) = (most.label(), least.label());
            format!("Up to {} at once on {most}, at most {} on {least}", waits(many), count(few))
        }
    }
}

/// `1 pod waits`, `12 pods wait`.
fn waits(pods: u64) -> String {
    format!("{} wait{}", plural(pods, "pod"), if pods == 1 { "s" } else { "" })
}

fn shown(data: &ChartData) -> String {
    let vms = data.platforms.iter().any(|p| p.micro_vms == Some(true));
    let vms = if vms { " (on Fargate micro-VMs)" } else { "" };
    format!(
        "Ready nodes{vms}, each on its own scale, and pods created but not yet running, on one scale: the average, \
         and pale the most at once, of every {}",
        step(data.step.ms())
    )
}

/// Steps are round, so one unit says them.
fn step(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..86_400_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}
