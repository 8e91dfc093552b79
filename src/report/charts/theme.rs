//! Colours and dashes. Each platform has one of each, in the order of the report, so that charts can be read in
//! black and white and the same platform looks the same everywhere.

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

pub const PAPER: Color = Color(0xff, 0xff, 0xff);
pub const INK: Color = Color(0x1b, 0x1f, 0x27);
pub const SOFT: Color = Color(0x5d, 0x66, 0x75);
pub const GRID: Color = Color(0xe2, 0xe6, 0xec);
pub const AXIS: Color = Color(0x9a, 0xa2, 0xae);

/// Dark enough for text on white (4.5 : 1), and apart for eyes that see red and green alike.
const PLATFORMS: [Color; 8] = [
    Color(0x1f, 0x5f, 0xbf),
    Color(0xb3, 0x47, 0x0b),
    Color(0x0b, 0x72, 0x5a),
    Color(0x84, 0x3f, 0xa8),
    Color(0xa8, 0x12, 0x3e),
    Color(0x4f, 0x5a, 0x6b),
    Color(0x7a, 0x5a, 0x00),
    Color(0x0b, 0x62, 0x7a),
];

/// Lengths of ink and gap, in turn; nothing for a solid line.
const DASHES: [&[f64]; 8] = [
    &[],
    &[9.0, 4.0],
    &[2.5, 3.5],
    &[12.0, 4.0, 2.5, 4.0],
    &[5.0, 3.0],
    &[16.0, 4.0],
    &[9.0, 3.0, 2.5, 3.0, 2.5, 3.0],
    &[1.5, 2.5],
];

pub fn color(platform: usize) -> Color {
    PLATFORMS[platform % PLATFORMS.len()]
}

pub fn dash(platform: usize) -> &'static [f64] {
    DASHES[platform % DASHES.len()]
}

impl Color {
    /// Mixed with paper: 1 is the colour itself.
    pub fn tint(self, strength: f64) -> Self {
        let mix = |c: u8, paper: u8| (f64::from(paper) + (f64::from(c) - f64::from(paper)) * strength) as u8;
        Self(mix(self.0, PAPER.0), mix(self.1, PAPER.1), mix(self.2, PAPER.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.
    fn luminance(color: Color) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
    }

    #[test]
    fn text_in_every_colour_can_be_read_on_paper() {
        for color in PLATFORMS.into_iter().chain([INK, SOFT]) {
            let contrast = 1.05 / (luminance(color) + 0.05);
            assert!(contrast >= 4.5, "{color:?}: {contrast}");
        }
    }

    #[test]
    fn no_two_platforms_look_the_same() {
        for a in 0..8 {
            for b in 0..a {
                assert!(color(a) != color(b) && dash(a) != dash(b));
            }
        }
    }
}
