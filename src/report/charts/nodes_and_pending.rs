//! How many nodes each platform had over time, and how many pods were waiting for one.

use super::axis::Scale;
use super::data::{ChartData, Series};
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
    let peak = |p: &Series| room(&peak(&p.nodes), SMALL, true).max(room(&peak(&p.pending), SMALL, true));
    let peaks = data.platforms.iter().map(peak).fold(room("peak 0", SMALL, true), f64::max) + 8.0;
    let width = (page.right - left - 2.0 * peaks - GAP) / 2.0;
    let columns = [left, left + width + peaks + GAP];
    for (x, head) in columns.into_iter().zip(["ready nodes", "pending pods"]) {
        figure.text(Text::new(head, (x, page.top + 14.0), Align::Left).size(SMALL).color(SOFT));
    }
    let rows = data.platforms.len().max(1) as f64;
    let top = page.top + HEAD;
    let height = (page.bottom - plot::AXIS_HEIGHT - top) / rows;
    let most_pending = data.platforms.iter().flat_map(|p| &p.pending).max().copied().unwrap_or(0);
    for (index, platform) in data.platforms.iter().enumerate() {
        let row = Rect {
            left: page.left,
            right: page.right,
            top: top + index as f64 * height + (height * 0.2).min(14.0),
            bottom: top + (index + 1) as f64 * height,
        };
        name(&mut figure, index, platform, &row);
        let most_nodes = platform.nodes.iter().max().copied().unwrap_or(0);
        let panels = [(&platform.nodes, most_nodes), (&platform.pending, most_pending)];
        for (x, (values, most)) in columns.into_iter().zip(panels) {
            let field = Rect { left: x, right: x + width, ..row };
            if x == left && platform.micro_vms.is_none() {
                let at = (x, row.bottom - 8.0);
                figure.text(Text::new("nodes are not known", at, Align::Left).size(SMALL).color(SOFT));
            } else {
                panel(&mut figure, index, values, most, &field);
            }
            figure.line(vec![(field.left, field.bottom), (field.right, field.bottom)], 1.0, AXIS);
        }
    }
    for x in columns {
        let field = Rect { left: x, right: x + width, top, bottom: page.bottom - plot::AXIS_HEIGHT };
        plot::time_axis(&mut figure, data, &field, &Rect { left: x - 20.0, right: x + width + peaks, ..page });
    }
    figure
}

fn name(figure: &mut Figure, index: usize, platform: &Series, row: &Rect) {
    let mut baseline = row.bottom - (row.height() / 2.0).min(24.0);
    if platform.complete {
        baseline += 6.0;
    }
    let label = Text::new(platform.label(), (row.left, baseline), Align::Left);
    figure.text(label.bold().color(theme::color(index)));
    if !platform.complete {
        figure.text(Text::new("incomplete", (row.left, baseline + 16.0), Align::Left).size(SMALL));
    }
}

fn panel(figure: &mut Figure, index: usize, values: &[u32], most: u32, field: &Rect) {
    let color = theme::color(index);
    let y = Scale { from: 0.0, to: f64::from(most.max(1)), at: field.bottom, end: field.top };
    let line = plot::steps(values.iter().map(|n| f64::from(*n)), field, y);
    let mut area = line.clone();
    area.extend([(field.right, field.bottom), (field.left, field.bottom)]);
    figure.area(area, color.tint(0.25));
    figure.line(line, 1.5, color);
    let own = values.iter().max().copied().unwrap_or(0);
    let height = y.place(f64::from(own)).clamp(field.top + 0.35 * SMALL, field.bottom - 2.0 - 0.25 * SMALL);
    let at = (field.right + 8.0, height + 0.35 * SMALL);
    figure.text(Text::new(peak(values), at, Align::Left).size(SMALL).bold().color(color));
}

fn peak(values: &[u32]) -> String {
    format!("peak {}", count(u64::from(values.iter().max().copied().unwrap_or(0))))
}

fn title(data: &ChartData) -> String {
    let peak = |p: &Series| u64::from(p.pending.iter().max().copied().unwrap_or(0));
    let simulated = || data.platforms.iter().filter(|p| !p.recorded);
    let (Some(most), Some(least)) = (simulated().rev().max_by_key(|p| peak(p)), simulated().min_by_key(|p| peak(p)))
    else {
        let Some(only) = data.platforms.first() else { return "No platform was simulated".to_owned() };
        return format!("Up to {} at once on {}", waits(peak(only)), only.label());
    };
    match (peak(most), peak(least)) {
        (0, _) => "No pod waits on any platform".to_owned(),
        (all, other) if all == other && simulated().count() > 1 => {
            format!("Up to {} at once on every platform", waits(all))
        }
        (many, few) if many == few => format!("Up to {} at once on {}", waits(many), most.label()),
        (many, few) => format!(
            "Up to {} at once on {}, at most {} on {}",
            waits(many),
            most.label(),
            count(few),
            least.label()
        ),
    }
}

/// `1 pod waits`, `12 pods wait`.
fn waits(pods: u64) -> String {
    format!("{} wait{}", plural(pods, "pod"), if pods == 1 { "s" } else { "" })
}

fn shown(data: &ChartData) -> String {
    let vms = data.platforms.iter().any(|p| p.micro_vms == Some(true));
    let vms = if vms { " (on Fargate micro-VMs), each on its own scale" } else { ", each on its own scale" };
    format!(
        "Ready nodes{vms}; pods created and not yet running, on one scale. The most at once in every {}, UTC",
        data.step
    )
}
