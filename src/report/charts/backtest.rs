//! How well the simulation gives back what was recorded: start delays and makespans of the platform that the trace ran
//! on, both as distributions.

use super::data::{ChartData, distribution};
use super::figure::{Align, Figure, Point, Rect, Text};
use super::labels::{Floating, float, shorten};
use super::plot;
use super::start_delay::{at_height, curve};
use super::theme::{self, Color, INK};
use crate::report::backtest::signed_percent;
use crate::report::text::seconds;
use crate::report::{BackTest, BackTestSamples, Compared, Samples};
use crate::units::Span;

/// What a back-test shows.
#[derive(Clone, Debug)]
pub struct BackTestSeries {
    pub platform: String,
    pub start_delay: Panel,
    pub makespan: Panel,
}

/// One kind of time, twice.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Ascending, each with the share of values that are at most as large.
    pub recorded: Vec<(Span, f64)>,
    pub simulated: Vec<(Span, f64)>,
    pub compared: Compared,
}

impl BackTestSeries {
    pub fn new(test: &BackTest, samples: &BackTestSamples) -> Self {
        let panel = |samples: &Samples, compared: &Compared| Panel {
            recorded: distribution(&samples.recorded),
            simulated: distribution(&samples.simulated),
            compared: compared.clone(),
        };
        Self {
            platform: crate::report::text::clean(&test.platform).into_owned(),
            start_delay: panel(&samples.start_delay, &test.start_delay_s),
            makespan: panel(&samples.makespan, &test.makespan_s),
        }
    }
}

const RECORDED: Color = INK;
/// Between the two panels.
const GAP: f64 = 36.0;

pub fn draw(data: &ChartData) -> Figure {
    let series = match &data.back_test {
        Ok(series) => series,
        Err(why) => {
            return Figure::new(
                "There is no back-test",
                format!("It is not known how well the simulation gives back what happened: {why}."),
            )
            .0;
        }
    };
    let synthetic = if data.synthetic { "SYNTHETIC trace. " } else { "" };
    let starts_observed = !series.start_delay.recorded.is_empty();
    let share = if starts_observed {
        "Share of pods that started, and of workflow runs that ended, within a time"
    } else {
        "No start was observed. Share of workflow runs that ended within a time"
    };
    let shown = format!(
        "{synthetic}{share}, on {}: as recorded and as simulated; logarithmic time axes",
        shorten(&series.platform, 26)
    );
    let (mut figure, page) = Figure::new(title(series), shown);
    let mut makespans = page;
    if starts_observed {
        let middle = (page.left + page.right) / 2.0;
        let left = Rect { right: middle - GAP / 2.0, ..page };
        makespans.left = middle + GAP / 2.0;
        panel(&mut figure, &left, "Start delay of pods", &series.start_delay);
    }
    panel(&mut figure, &makespans, "Makespan of workflow runs", &series.makespan);
    figure
}

fn panel(figure: &mut Figure, page: &Rect, title: &str, panel: &Panel) {
    figure.text(Text::new(title, (page.left, page.top + 12.0), Align::Left).bold());
    if panel.recorded.is_empty() {
        let text = Text::new("none was observed", (page.left, page.top + 36.0), Align::Left);
        figure.text(text);
        return;
    }
    let values = || panel.recorded.iter().chain(&panel.simulated).map(|(value, _)| *value);
    let least = values().min().unwrap_or(Span::from_secs(1));
    let most = values().max().unwrap_or(Span::from_secs(100));
    let (field, x, y) = plot::shares_by_delay(figure, page, (30.0, 16.0), (least, most));
    let recorded = curve(&panel.recorded, x, y);
    let simulated = curve(&panel.simulated, x, y);
    figure.dashed(&recorded, 2.5, RECORDED, &[]);
    figure.dashed(&simulated, 2.5, theme::color(0), theme::dash(1));
    labels(figure, [&recorded, &simulated], &panel.compared, &field);
}

fn labels(figure: &mut Figure, curves: [&[Point]; 2], compared: &Compared, field: &Rect) {
    let Compared { recorded, simulated, relative_error } = compared;
    let texts = [
        ["recorded".to_owned(), format!("p50 {}, p99 {}", seconds(recorded.p50), seconds(recorded.p99))],
        [
            format!("simulated ({})", signed_percent(relative_error.p50)),
            format!("p50 {}, p99 {}", seconds(simulated.p50), seconds(simulated.p99)),
        ],
    ];
    let lines = |nth: usize| [&*texts[nth][0], &*texts[nth][1]];
    let obstacles: Vec<Rect> = curves.iter().flat_map(|curve| plot::boxes(curve)).collect();
    let floating: Vec<Floating> = [0.7, 0.35]
        .into_iter()
        .enumerate()
        .map(|(nth, part)| {
            let height = field.bottom - part * field.height();
            plot::floating(at_height(curves[nth], height), lines(nth))
        })
        .collect();
    let colors = [RECORDED, theme::color(0)];
    for (nth, place) in float(&floating, &obstacles, field).into_iter().enumerate() {
        let Some(place) = place else { continue };
        plot::floating_label(figure, &floating[nth], &place, lines(nth), colors[nth]);
    }
}

/// The median of both, in a sentence.
fn title(series: &BackTestSeries) -> String {
    let found = |what: &str, panel: &Panel| {
        let error = panel.compared.relative_error.p50?;
        let percent = error * 100.0;
        let than = if percent < 0.0 { "shorter" } else { "longer" };
        Some(match percent.abs() {
            p if p < 0.5 => format!("{what} as long as recorded"),
            p => format!("{what} {p:.0} % {than} than recorded"),
        })
    };
    let parts: Vec<String> = [
        found("the median start delay is", &series.start_delay),
        found("the median makespan", &series.makespan),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        return "Nothing that was observed can be compared with the simulation".to_owned();
    }
    format!("As simulated, {}", parts.join(", "))
}
