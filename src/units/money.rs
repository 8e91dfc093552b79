//! Exact money: amounts and rates as integers of 10⁻¹⁵ USD.
//!
//! A charge multiplies a rate by an integer quantity in `i128` and is rounded once, half to even. AWS list
//! prices have at most ten decimals, so no rate is ever rounded; only the product is.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// 10⁻¹⁵ USD in one USD.
const SCALE: i128 = 1_000_000_000_000_000;
const DECIMALS: usize = 15;

/// An amount of money, exact to 10⁻¹⁵ USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i128);

/// A price per unit (hour, GB-month …), exact to 10⁻¹⁵ USD. What the unit is, the holder knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i128);

impl Usd {
    pub const ZERO: Self = Self(0);

    /// The raw count of 10⁻¹⁵ USD.
    pub const fn femto(self) -> i128 {
        self.0
    }

    /// From a raw count of 10⁻¹⁵ USD.
    pub const fn from_femto(femto: i128) -> Self {
        Self(femto)
    }

    /// Reads a decimal amount such as `120.5`.
    pub fn parse(text: &str) -> Option<Self> {
        parse_scaled(text).map(Self)
    }

    /// For display and statistics only: bills never go through a float.
    #[expect(clippy::float_arithmetic, reason = "for display")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }

    /// The amount rounded half to even to `places` decimals, as text with a dot and no separators.
    pub fn rounded(self, places: usize) -> String {
        let step = 10i128.pow((DECIMALS - places.min(DECIMALS)) as u32);
        decimal(div_half_even(self.0, step), places.min(DECIMALS))
    }

    /// This amount scaled by `numerator / denominator`, rounded once, half to even.
    pub fn scaled(self, numerator: i128, denominator: i128) -> Self {
        Self(div_half_even(self.0 * numerator, denominator))
    }
}

impl Rate {
    pub const ZERO: Self = Self(0);

    /// Reads a decimal price such as `0.04048`; `None` if it is negative, malformed or has over 15 decimals.
    pub fn parse(text: &str) -> Option<Self> {
        parse_scaled(text).filter(|v| *v >= 0).map(Self)
    }

    /// The raw count of 10⁻¹⁵ USD per unit.
    pub const fn femto(self) -> i128 {
        self.0
    }

    pub const fn from_femto(femto: i128) -> Self {
        Self(femto)
    }

    /// The charge for `quantity / per_unit` units, rounded once, half to even.
    ///
    /// For an hourly rate and a quantity in seconds, `per_unit` is 3,600.
    pub fn charge(self, quantity: i128, per_unit: i128) -> Usd {
        Usd(div_half_even(self.0 * quantity, per_unit))
    }

    /// This rate times `numerator / denominator`, rounded half to even (fees that are a share of a price).
    pub fn scaled(self, numerator: i128, denominator: i128) -> Self {
        Self(div_half_even(self.0 * numerator, denominator))
    }

    /// As a controller that decides in `f64` sees it, and for display.
    #[expect(clippy::float_arithmetic, reason = "for display")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }
}

/// Splits `total` in proportion to `weights`, so that the parts sum to it exactly.
///
/// Parts are floored, then the missing units go to the largest remainders (ties to the lower index).
/// With all weights zero the whole goes to the first part.
pub fn largest_remainder(total: Usd, weights: &[u64], parts: &mut Vec<Usd>) {
    parts.clear();
    let sum: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if sum == 0 {
        parts.resize(weights.len(), Usd::ZERO);
        if let Some(first) = parts.first_mut() {
            *first = total;
        }
        return;
    }
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given = 0;
    for (index, weight) in weights.iter().enumerate() {
        let product = total.0 * i128::from(*weight);
        let part = product.div_euclid(sum);
        given += part;
        parts.push(Usd(part));
        remainders.push((product.rem_euclid(sum), index));
    }
    let missing = usize::try_from(total.0 - given).expect("fewer units are missing than there are parts");
    if missing == 0 {
        return;
    }
    let by_remainder = |a: &(i128, usize), b: &(i128, usize)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
    if missing < remainders.len() {
        remainders.select_nth_unstable_by(missing, by_remainder);
    }
    for (_, index) in &remainders[..missing] {
        parts[*index].0 += 1;
    }
}

/// `numerator / denominator` rounded to the nearest integer, ties to even. `denominator` is positive.
pub(super) fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.div_euclid(denominator);
    let twice = 2 * numerator.rem_euclid(denominator);
    let up = twice > denominator || (twice == denominator && quotient % 2 != 0);
    quotient + i128::from(up)
}

fn parse_scaled(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty())
        || whole.len() > 12
        || fraction.len() > DECIMALS
        || !only_digits(whole)
        || !only_digits(fraction)
    {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let value = whole * SCALE + part * 10i128.pow((DECIMALS - fraction.len()) as u32);
    Some(if negative { -value } else { value })
}

fn decimal(value: i128, places: usize) -> String {
    let unit = 10i128.pow(places as u32);
    let sign = if value < 0 { "-" } else { "" };
    let value = value.abs();
    if places == 0 {
        return format!("{sign}{value}");
    }
    format!("{sign}{}.{:0places$}", value / unit, value % unit)
}

/// Full precision without trailing zeros, with at least two decimals: `12.50`, `0.000000000000001`.
fn fmt_exact(value: i128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = decimal(value, DECIMALS);
    let least = text.len() - DECIMALS + 2;
    let end = text.trim_end_matches('0').len().max(least);
    f.write_str(&text[..end])
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_exact(self.0, f)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_exact(self.0, f)
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Usd {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_as_they_were_read() {
        for text in ["0.00", "12.50", "0.04048", "-1.25", "0.000000000000001", "999999999999.99"] {
            assert_eq!(Usd::parse(text).unwrap().to_string(), text);
        }
        for text in ["", ".", "-", "1e3", "1.2.3", "0.0000000000000001", " 1", "NaN", "1234567890123"] {
            assert_eq!(Usd::parse(text), None, "{text:?}");
        }
        assert_eq!(Rate::parse("-0.1"), None);
    }

    #[test]
    fn a_charge_is_rounded_once_half_to_even() {
        // 1 and 3 units of 10⁻¹⁵ USD over 2: 0.5 goes down to 0, 1.5 goes up to 2.
        assert_eq!(Rate(1).charge(1, 2), Usd(0));
        assert_eq!(Rate(3).charge(1, 2), Usd(2));
        assert_eq!(Rate(5).charge(1, 2), Usd(2));
        assert_eq!(div_half_even(-3, 2), -2);
        assert_eq!(div_half_even(-5, 2), -2);
    }

    #[test]
    fn rounding_for_display_is_half_even_too() {
        assert_eq!(Usd::parse("1.005").unwrap().rounded(2), "1.00");
        assert_eq!(Usd::parse("1.015").unwrap().rounded(2), "1.02");
        assert_eq!(Usd::parse("-0.5").unwrap().rounded(0), "0");
        assert_eq!(Usd::parse("1234.5").unwrap().rounded(2), "1234.50");
    }

    #[test]
    fn shares_sum_to_the_total() {
        let mut parts = Vec::new();
        largest_remainder(Usd(10), &[1, 1, 1], &mut parts);
        assert_eq!(parts, [Usd(4), Usd(3), Usd(3)]);
        largest_remainder(Usd(10), &[0, 0], &mut parts);
        assert_eq!(parts, [Usd(10), Usd(0)]);
        largest_remainder(Usd(-7), &[2, 3, 2], &mut parts);
        assert_eq!(parts.iter().copied().sum::<Usd>(), Usd(-7));
        largest_remainder(Usd(5), &[], &mut parts);
        assert!(parts.is_empty());
    }
}
