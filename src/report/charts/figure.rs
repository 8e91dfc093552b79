//! What a chart is before it is a file: shapes and labels in logical pixels, drawn alike into SVG and PNG.
//!
//! Labels know their boxes, so charts can keep them apart and tests can see that they are.

use super::font::{self, SLACK};
use super::theme::{Color, INK, PAPER, SOFT};

/// Logical pixels: half of a full-HD slide each way.
pub const WIDTH: f64 = 960.0;
pub const HEIGHT: f64 = 540.0;
/// Left and right of everything.
pub const MARGIN: f64 = 36.0;

const TITLE: f64 = 22.0;
const SUBTITLE: f64 = 15.0;
/// Labels and tick labels.
pub const LABEL: f64 = 15.0;
pub const SMALL: f64 = 13.5;
/// From one line of text to the next, in sizes.
pub const LEADING: f64 = 1.25;

pub type Point = (f64, f64);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    pub fn holds(&self, other: &Self) -> bool {
        self.left <= other.left
            && self.right >= other.right
            && self.top <= other.top
            && self.bottom >= other.bottom
    }

    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

#[derive(Clone, Debug)]
pub enum Shape {
    Line { points: Vec<Point>, width: f64, color: Color },
    Area { points: Vec<Point>, color: Color },
    Disc { center: Point, radius: f64, color: Color },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
}

#[derive(Clone, Debug)]
pub struct Text {
    pub text: String,
    /// The end of the baseline that `align` names, or its middle.
    pub at: Point,
    pub size: f64,
    pub bold: bool,
    pub color: Color,
    pub align: Align,
}

impl Text {
    pub fn new(text: impl Into<String>, at: Point, align: Align) -> Self {
        Self { text: text.into(), at, size: LABEL, bold: false, color: INK, align }
    }

    pub fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub fn color(self, color: Color) -> Self {
        Self { color, ..self }
    }

    /// The room it takes, with what another font may need.
    pub fn bounds(&self) -> Rect {
        let width = room(&self.text, self.size, self.bold);
        let left = match self.align {
            Align::Left => self.at.0,
            Align::Center => self.at.0 - width / 2.0,
            Align::Right => self.at.0 - width,
        };
        let (top, bottom) = (self.at.1 - 0.8 * self.size, self.at.1 + 0.25 * self.size);
        Rect { left, top, right: left + width, bottom }
    }
}

/// How wide `text` may be in any reader's font.
pub fn room(text: &str, size: f64, bold: bool) -> f64 {
    font::width(text, size, bold) * SLACK
}

/// A chart that is drawn but not rendered.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    pub title: String,
    pub subtitle: String,
    pub shapes: Vec<Shape>,
    pub texts: Vec<Text>,
}

impl Figure {
    /// With its title and sub-title. Also gives what is left of the page for the chart.
    pub fn new(title: impl Into<String>, subtitle: impl Into<String>) -> (Self, Rect) {
        let mut figure = Self { title: title.into(), subtitle: subtitle.into(), ..Self::default() };
        let mut baseline = 42.0;
        let page = WIDTH - 2.0 * MARGIN;
        let title = balanced(&figure.title.replace(" %", "\u{a0}%"), page, TITLE, true);
        let subtitle = wrap(&figure.subtitle, page, SUBTITLE, false);
        for line in title {
            figure.text(Text::new(line, (MARGIN, baseline), Align::Left).size(TITLE).bold());
            baseline += TITLE * LEADING;
        }
        for line in subtitle {
            figure.text(Text::new(line, (MARGIN, baseline - 3.0), Align::Left).size(SUBTITLE).color(SOFT));
            baseline += SUBTITLE * 1.35;
        }
        let left = Rect { left: MARGIN, top: baseline + 6.0, right: WIDTH - MARGIN, bottom: HEIGHT - 20.0 };
        (figure, left)
    }

    pub fn text(&mut self, text: Text) {
        self.texts.push(text);
    }

    pub fn line(&mut self, points: Vec<Point>, width: f64, color: Color) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line { points, width, color });
        }
    }

    /// A line of ink and gaps, in turn of the lengths in `dash`; a solid one if there are none.
    pub fn dashed(&mut self, points: &[Point], width: f64, color: Color, dash: &[f64]) {
        if dash.is_empty() {
            return self.line(points.to_vec(), width, color);
        }
        for piece in dashes(points, dash) {
            self.line(piece, width, color);
        }
    }

    pub fn area(&mut self, points: Vec<Point>, color: Color) {
        self.shapes.push(Shape::Area { points, color });
    }

    pub fn rect(&mut self, rect: Rect, color: Color) {
        let Rect { left, top, right, bottom } = rect;
        self.area(vec![(left, top), (right, top), (right, bottom), (left, bottom)], color);
    }

    pub fn disc(&mut self, center: Point, radius: f64, color: Color) {
        self.shapes.push(Shape::Disc { center, radius, color });
    }

    /// A text on paper, which takes lines behind it away.
    pub fn text_on_paper(&mut self, text: Text) {
        let Rect { left, top, right, bottom } = text.bounds();
        let pad = 2.0;
        self.rect(Rect { left: left - pad, top: top - pad, right: right + pad, bottom: bottom + pad }, PAPER);
        self.text(text);
    }
}

/// `text` in lines of at most `most` pixels in any reader's font.
pub fn wrap(text: &str, most: f64, size: f64, bold: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if room(&format!("{line} {word}"), size, bold) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The same number of lines, as even as they can be: no word is left alone.
fn balanced(text: &str, most: f64, size: f64, bold: bool) -> Vec<String> {
    let lines = wrap(text, most, size, bold);
    let narrower = (1..).map(|n| most - f64::from(n) * 6.0).take_while(|width| *width > 0.5 * most);
    let as_many = |width| Some(wrap(text, width, size, bold)).filter(|other| other.len() == lines.len());
    let last = if lines.len() > 1 { narrower.map_while(as_many).last() } else { None };
    last.unwrap_or(lines)
}

/// The inked pieces of a dashed line.
fn dashes(points: &[Point], dash: &[f64]) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = points.first().map(|first| vec![*first]).unwrap_or_default();
    let (mut index, mut left) = (0, dash[0]);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            let inked = index % 2 == 0;
            if length <= left {
                left -= length;
                if inked {
                    piece.push(to);
                }
                break;
            }
            let part = left / length;
            from = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            if inked {
                piece.push(from);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![from];
            }
            index = (index + 1) % dash.len();
            left = dash[index];
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(points: &[Point]) -> f64 {
        points.windows(2).map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1)).sum()
    }

    #[test]
    fn dashes_follow_the_line_around_corners() {
        // 20 px in all: ink 0–6, gap 6–8, ink 8–14, gap 14–16, ink 16–20; the corner is at 10.
        let pieces = dashes(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], &[6.0, 2.0]);
        let lengths: Vec<f64> = pieces.iter().map(|piece| length(piece)).collect();
        assert_eq!(lengths, [6.0, 6.0, 4.0]);
        assert_eq!(pieces[1], [(8.0, 0.0), (10.0, 0.0), (10.0, 4.0)]);
    }

    #[test]
    fn lines_are_wrapped_to_the_page() {
        let text = "node-group costs two and a half times as much as fargate by the end of the week and more";
        let lines = wrap(text, 300.0, 15.0, false);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| room(line, 15.0, false) <= 300.0));
        assert_eq!(lines.join(" "), text);
    }
}
