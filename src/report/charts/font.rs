//! The one font of all charts, embedded: it measures labels and draws those of the PNGs, so that neither depends on
//! the machine. SVGs name what readers have; those fonts are narrower, and boxes have [`SLACK`] for the ones that
//! are not.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _, point};

/// Families for SVG. The embedded one comes after the two that most readers have, which are a little narrower.
pub const FAMILIES: &str = "Helvetica, Arial, 'DejaVu Sans Condensed', sans-serif";

/// What a label may be wider in a reader's font than in the embedded one. DejaVu Sans, the widest usual fallback, is
/// wider by a ninth.
pub const SLACK: f64 = 1.12;

static REGULAR: LazyLock<FontRef<'static>> =
    LazyLock::new(|| font(include_bytes!("fonts/DejaVuSansCondensed.ttf")));
static BOLD: LazyLock<FontRef<'static>> =
    LazyLock::new(|| font(include_bytes!("fonts/DejaVuSansCondensed-Bold.ttf")));

fn font(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the embedded font is whole")
}

fn face(bold: bool) -> &'static FontRef<'static> {
    if bold { &BOLD } else { &REGULAR }
}

/// `ab_glyph` counts a size from ascender to descender, CSS and everybody else by the em.
fn scale(font: &FontRef<'_>, size: f64) -> PxScale {
    let em = font.units_per_em().expect("the embedded font has an em");
    PxScale::from(size as f32 * font.height_unscaled() / em)
}

/// Pixels that `text` takes at a size of `size` pixels. Characters that the font lacks count as wide ones.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    let font = face(bold);
    let scaled = font.as_scaled(scale(font, size));
    let of = |c: char| match font.glyph_id(c) {
        missing if missing.0 == 0 => size,
        glyph => f64::from(scaled.h_advance(glyph)),
    };
    text.chars().map(of).sum()
}

/// Calls `ink` with the coverage of each pixel of `text`, whose first letter stands at `x` on the baseline `y`.
pub fn draw(text: &str, size: f64, bold: bool, (x, y): (f64, f64), mut ink: impl FnMut(i32, i32, f32)) {
    let font = face(bold);
    let scale = scale(font, size);
    let scaled = font.as_scaled(scale);
    let mut x = x as f32;
    for c in text.chars() {
        let id = font.glyph_id(c);
        // Glyphs stand between pixels where their widths put them: rounded to whole ones, words look uneven.
        let glyph = id.with_scale_and_position(scale, point(x, y as f32));
        x += if id.0 == 0 { size as f32 } else { scaled.h_advance(id) };
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let corner = outline.px_bounds().min;
        outline.draw(|dx, dy, coverage| {
            ink(corner.x as i32 + dx as i32, corner.y as i32 + dy as i32, coverage);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_letters() {
        let is = |width: f64, expected: f64| (width - expected).abs() < 1e-6;
        assert!(is(width("", 20.0, false), 0.0) && is(width("日", 20.0, false), 20.0));
        let (one, two) = (width("m", 20.0, false), width("mm", 20.0, false));
        assert!(is(two, 2.0 * one) && one > 10.0);
        assert!(width("mm", 20.0, true) > two);
    }

    #[test]
    fn everything_that_charts_write_is_in_the_font() {
        for bold in [false, true] {
            for c in " …–−·≤×%$⚠éñ".chars() {
                assert_ne!(face(bold).glyph_id(c).0, 0, "{c:?}");
            }
        }
    }
}
