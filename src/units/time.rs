//! Points in time and lengths of time, in whole milliseconds.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// A length of time in milliseconds. Negative only where a subtraction made it so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Time {
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    pub const fn ms(self) -> i64 {
        self.0
    }
}

impl Span {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1_000)
    }

    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Seconds begun: what per-second billing counts.
    pub const fn secs_ceil(self) -> i64 {
        self.0.div_euclid(1_000) + (self.0.rem_euclid(1_000) != 0) as i64
    }

    /// For display and statistics only.
    #[expect(clippy::float_arithmetic, reason = "for display")]
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Rounds seconds, which may come from a float computation, half to even to milliseconds.
    /// `None` when they are not finite or out of range.
    #[expect(clippy::float_arithmetic, reason = "rounded at once to whole milliseconds")]
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        let ms = (secs * 1_000.0).round_ties_even();
        (ms.abs() < 9.0e15).then_some(Self(ms as i64))
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0 + span.0)
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        self.0 += span.0;
    }
}

impl Sub<Span> for Time {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0 - span.0)
    }
}

impl Sub for Time {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0 - earlier.0)
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Span {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// Short and human: `850ms`, `46s`, `1m31s`, `2h05m`, `3d04h`. Rounded down to what is shown.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let ms = self.0.unsigned_abs();
        let secs = ms / 1_000;
        let text = match secs {
            0 => format!("{sign}{ms}ms"),
            1..60 if !ms.is_multiple_of(1_000) && secs < 10 => format!("{sign}{secs}.{}s", ms % 1_000 / 100),
            1..60 => format!("{sign}{secs}s"),
            60..3_600 => format!("{sign}{}m{:02}s", secs / 60, secs % 60),
            3_600..86_400 => format!("{sign}{}h{:02}m", secs / 3_600, secs % 3_600 / 60),
            _ => format!("{sign}{}d{:02}h", secs / 86_400, secs % 86_400 / 3_600),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_short() {
        let cases = [
            (0, "0ms"),
            (850, "850ms"),
            (1_250, "1.2s"),
            (46_999, "46s"),
            (91_000, "1m31s"),
            (7_500_000, "2h05m"),
            (273_600_000, "3d04h"),
        ];
        for (ms, text) in cases {
            assert_eq!(Span(ms).to_string(), text);
        }
    }

    #[test]
    fn billing_counts_begun_seconds() {
        for (ms, secs) in [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(Span(ms).secs_ceil(), secs);
        }
    }

    #[test]
    fn float_seconds_round_half_even() {
        assert_eq!(Span::from_secs_f64(0.0005), Some(Span(0)));
        assert_eq!(Span::from_secs_f64(0.0015), Some(Span(2)));
        assert_eq!(Span::from_secs_f64(f64::NAN), None);
        assert_eq!(Span::from_secs_f64(1e300), None);
    }
}
