//! The charts of a comparison, as SVG and PNG: one file per chart here, and what they share beside them.
//!
//! A chart is a pure function of [`ChartData`], a few plain series per platform; `data` computes them from ledger and
//! bill. It becomes a `Figure` (shapes and labels in logical pixels), which `render` writes as SVG and as PNG. Titles
//! say what was found; lines and bars carry their names; dashes tell platforms apart without colour.

mod axis;
mod backtest;
mod cost_by_item;
mod cost_vs_latency;
mod cumulative_cost;
mod data;
mod figure;
mod font;
mod front;
mod labels;
mod nodes_and_pending;
mod plot;
mod render;
mod start_delay;
#[cfg(test)]
mod tests;
mod theme;
mod words;

pub use data::ChartData;
pub use front::{FrontData, FrontDot, front_chart};

use figure::Figure;
use rayon::prelude::*;

type Draw = fn(&ChartData) -> Figure;

/// The one chart that may have nothing to show; then it says why.
pub(super) const BACK_TEST: &str = "backtest";

/// The charts, in the order in which they are shown.
const CHARTS: [(&str, Draw); 6] = [
    ("cumulative-cost", cumulative_cost::draw),
    ("cost-by-item", cost_by_item::draw),
    ("cost-vs-latency", cost_vs_latency::draw),
    ("start-delay", start_delay::draw),
    ("nodes-and-pending", nodes_and_pending::draw),
    (BACK_TEST, backtest::draw),
];

/// A rendered chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Of its files, without their endings.
    pub name: &'static str,
    /// The finding.
    pub title: String,
    /// A whole SVG document without identifiers, so that several can stand in one page.
    pub svg: String,
    pub png: Vec<u8>,
}

/// Names of all charts, in the order of [`charts`].
pub const NAMES: [&str; 6] = {
    let mut names = [""; 6];
    let mut i = 0;
    while i < 6 {
        names[i] = CHARTS[i].0;
        i += 1;
    }
    names
};

/// Draws and renders every chart.
pub fn charts(data: &ChartData) -> Vec<Chart> {
    CHARTS
        .into_par_iter()
        .map(|(name, draw)| {
            let figure = draw(data);
            let (svg, png) = (render::svg(&figure), render::png(&figure));
            Chart { name, title: figure.title, svg, png }
        })
        .collect()
}
