//! A figure as SVG text and as PNG bytes.
//!
//! plotters is the canvas: it writes the elements of the SVG and fills the pixels. Layout, ticks and labels are ours,
//! since labels that may not overlap have to be placed by who knows all of them.

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::prelude::{Color as _, DrawingBackend, RGBColor};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontFamily, FontStyle, IntoTextStyle as _, ShapeStyle, TextStyle};

use super::figure::{Align, Figure, HEIGHT, Point, Shape, Text, WIDTH};
use super::font;
use super::theme::{Color, PAPER};

/// Both backends know whole pixels only. SVG is drawn on a finer grid and scaled back by its `viewBox`.
const SVG_SCALE: f64 = 4.0;
/// 1920 × 1080, sharp on a slide.
pub const PNG_SCALE: f64 = 2.0;
/// plotters divides the size of SVG text by this.
const PLOTTERS_EM: f64 = 1.24;
/// Where plotters puts the baseline below the top of SVG text, in sizes.
const TOP_TO_BASELINE: f64 = 0.76;
/// Why drawing cannot fail.
const MEMORY: &str = "memory takes everything";

fn rgb(color: Color) -> RGBColor {
    RGBColor(color.0, color.1, color.2)
}

pub fn svg(figure: &Figure) -> String {
    let mut text = String::new();
    {
        let mut back = SVGBackend::with_string(&mut text, size(SVG_SCALE));
        let (width, height) = size(SVG_SCALE);
        let paper = rgb(PAPER).to_rgba();
        back.draw_rect((0, 0), (width as i32, height as i32), &paper, true).expect(MEMORY);
        shapes(figure, &mut back, SVG_SCALE);
        for label in &figure.texts {
            svg_text(&mut back, label);
        }
        back.present().expect(MEMORY);
    }
    let body = text.split_once(">\n").map_or("", |(_, body)| body);
    let (width, height) = size(SVG_SCALE);
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n",
        escape(&figure.title),
        escape(&figure.subtitle),
    );
    // Nothing is transparent. Quotes in names are escaped, so that only attributes are found.
    head + &body.replace(" opacity=\"1\"", "")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn svg_text(back: &mut SVGBackend, label: &Text) {
    let anchor = match label.align {
        Align::Left => HPos::Left,
        Align::Center => HPos::Center,
        Align::Right => HPos::Right,
    };
    let size = label.size * SVG_SCALE;
    let weight = if label.bold { FontStyle::Bold } else { FontStyle::Normal };
    let color = rgb(label.color);
    let style: TextStyle = (FontFamily::Name(font::FAMILIES), size * PLOTTERS_EM, weight, &color)
        .into_text_style(&(0, 0))
        .pos(Pos::new(anchor, VPos::Top));
    let (x, baseline) = (label.at.0 * SVG_SCALE, label.at.1 * SVG_SCALE);
    let at = (x.round() as i32, (baseline - size * TOP_TO_BASELINE).round() as i32);
    back.draw_text(&label.text, &style, at).expect(MEMORY);
}

pub fn png(figure: &Figure) -> Vec<u8> {
    let (width, height) = size(PNG_SCALE);
    // White, as the paper is.
    let mut pixels = vec![0xff; (width * height * 3) as usize];
    {
        let mut back = BitMapBackend::with_buffer(&mut pixels, (width, height));
        shapes(figure, &mut back, PNG_SCALE);
        for label in &figure.texts {
            png_text(&mut back, label);
        }
    }
    encode(&pixels, width, height)
}

fn png_text(back: &mut BitMapBackend, label: &Text) {
    let size = label.size * PNG_SCALE;
    let width = font::width(&label.text, size, label.bold);
    let x = label.at.0 * PNG_SCALE;
    let x = match label.align {
        Align::Left => x,
        Align::Center => x - width / 2.0,
        Align::Right => x - width,
    };
    // Baselines on whole pixels keep horizontal strokes sharp.
    let at = (x, (label.at.1 * PNG_SCALE).round());
    let color = rgb(label.color);
    font::draw(&label.text, size, label.bold, at, |x, y, coverage| {
        let ink = color.mix(f64::from(coverage)).to_backend_color();
        back.draw_pixel((x, y), ink).expect(MEMORY);
    });
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 << 17);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    // Lines repeat: as differences from the one above they are zeros, which cost least to write.
    encoder.set_filter(png::Filter::Up);
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: 5_669, yppu: 5_669, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header().expect(MEMORY);
    writer.write_image_data(pixels).expect("the buffer has the size of the image");
    writer.finish().expect(MEMORY);
    bytes
}

fn size(scale: f64) -> (u32, u32) {
    ((WIDTH * scale) as u32, (HEIGHT * scale) as u32)
}

fn shapes<B: DrawingBackend>(figure: &Figure, back: &mut B, scale: f64) {
    let at = |(x, y): Point| ((x * scale).round() as i32, (y * scale).round() as i32);
    for shape in &figure.shapes {
        let drawn = match shape {
            Shape::Line { points, width, color } => {
                let style: ShapeStyle = rgb(*color).stroke_width((width * scale).round().max(1.0) as u32);
                back.draw_path(points.iter().map(|p| at(*p)), &style)
            }
            Shape::Area { points, color } => {
                back.fill_polygon(points.iter().map(|p| at(*p)), &rgb(*color).to_rgba())
            }
            Shape::Disc { center, radius, color } => {
                back.draw_circle(at(*center), (radius * scale).round() as u32, &rgb(*color).to_rgba(), true)
            }
        };
        drawn.expect(MEMORY);
    }
}
