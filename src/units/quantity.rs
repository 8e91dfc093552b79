//! Reads what people write: Kubernetes quantities (`500m`, `1.5Gi`), decimals and durations (`90s`, `1h30m`).
//!
//! Everything is computed in integers: `0.1` CPU is 100 millicores, not 99.99999.

use super::money::div_half_even;
use super::{Cpu, Memory, Span};

/// Why a quantity was refused; completes "`text` is not a …: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    #[error("it is empty")]
    Empty,
    #[error("it is not a decimal number with a known suffix")]
    Malformed,
    #[error("it is negative")]
    Negative,
    #[error("it is out of range")]
    OutOfRange,
}

/// A CPU quantity: `500m`, `2`, `0.25`, `1k`. Finer than a millicore is rounded up, as Kubernetes does.
pub fn parse_cpu(text: &str) -> Result<Cpu, QuantityError> {
    let (number, exponent, binary) = split_suffix(text)?;
    to_units(number, exponent + 3, binary).map(Cpu::from_milli)
}

/// A memory or storage quantity in bytes: `512Mi`, `1G`, `1.5Gi`, `128974848`. Part bytes are rounded up.
pub fn parse_memory(text: &str) -> Result<Memory, QuantityError> {
    let (number, exponent, binary) = split_suffix(text)?;
    to_units(number, exponent, binary).map(Memory::from_bytes)
}

/// A quantity as an integer of `10^-places`, rounded up: `500m` with 9 places is 500,000,000.
pub fn parse_scaled(text: &str, places: u32) -> Result<i64, QuantityError> {
    let (number, exponent, binary) = split_suffix(text)?;
    to_units(number, exponent + places as i32, binary)
}

/// A non-negative decimal as an integer of `10^-places`, rounded half to even: `1.25` with 3 places is 1250.
pub fn parse_decimal(text: &str, places: u32) -> Result<i64, QuantityError> {
    let number = Decimal::parse(text)?;
    let unit = 10i128.pow(number.places);
    let value = div_half_even(number.digits * 10i128.pow(places), unit);
    i64::try_from(value).map_err(|_| QuantityError::OutOfRange)
}

/// A duration such as `90s`, `1h30m`, `250ms`, `2d`; a plain `0` is allowed, other bare numbers are not.
pub fn parse_duration(text: &str) -> Result<Span, QuantityError> {
    if text.is_empty() {
        return Err(QuantityError::Empty);
    }
    if text == "0" {
        return Ok(Span::ZERO);
    }
    if text.starts_with('-') {
        return Err(QuantityError::Negative);
    }
    let mut rest = text;
    let mut total = 0i64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or(QuantityError::Malformed)?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let ms: i128 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(QuantityError::Malformed),
        };
        let number = Decimal::parse(number)?;
        let part = div_half_even(number.digits * ms, 10i128.pow(number.places));
        let part = i64::try_from(part).map_err(|_| QuantityError::OutOfRange)?;
        total = total.checked_add(part).ok_or(QuantityError::OutOfRange)?;
        rest = tail;
    }
    if total > 100 * 366 * 86_400_000 { Err(QuantityError::OutOfRange) } else { Ok(Span::from_ms(total)) }
}

/// `digits / 10^places`, with `places` at most 18.
struct Decimal {
    digits: i128,
    places: u32,
}

impl Decimal {
    fn parse(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Empty);
        }
        if let Some(rest) = text.strip_prefix('-') {
            // `-` and `-x` are malformed before they are negative.
            return Err(Self::parse(rest).map_or(QuantityError::Malformed, |_| QuantityError::Negative));
        }
        let text = text.strip_prefix('+').unwrap_or(text);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(QuantityError::Malformed);
        }
        if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(QuantityError::Malformed);
        }
        if whole.trim_start_matches('0').len() > 18 || fraction.len() > 18 {
            return Err(QuantityError::OutOfRange);
        }
        let mut digits = 0i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            digits = digits.checked_mul(10).ok_or(QuantityError::OutOfRange)? + i128::from(byte - b'0');
        }
        Ok(Self { digits, places: fraction.len() as u32 })
    }
}

/// Splits a Kubernetes quantity into its number, decimal exponent and binary exponent.
fn split_suffix(text: &str) -> Result<(Decimal, i32, u32), QuantityError> {
    if text.is_empty() {
        return Err(QuantityError::Empty);
    }
    let digits_end =
        text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits_end);
    let (exponent, binary) = match suffix {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => match suffix.strip_prefix(['e', 'E']).map(str::parse::<i32>) {
            Some(Ok(e)) if (-18..=18).contains(&e) => (e, 0),
            Some(Ok(_)) => return Err(QuantityError::OutOfRange),
            _ => return Err(QuantityError::Malformed),
        },
    };
    Ok((Decimal::parse(number)?, exponent, binary))
}

/// `number × 10^exponent × 2^binary`, rounded up to a whole number.
fn to_units(number: Decimal, exponent: i32, binary: u32) -> Result<i64, QuantityError> {
    let exponent = exponent - number.places as i32;
    let value = number.digits.checked_mul(1i128 << binary).ok_or(QuantityError::OutOfRange)?;
    let value = if exponent >= 0 {
        value.checked_mul(10i128.pow(exponent as u32)).ok_or(QuantityError::OutOfRange)?
    } else {
        let divisor = 10i128.pow(exponent.unsigned_abs());
        value.div_euclid(divisor) + i128::from(value.rem_euclid(divisor) != 0)
    };
    i64::try_from(value).map_err(|_| QuantityError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_quantities() {
        for (text, milli) in [("500m", 500), ("2", 2_000), ("0.25", 250), ("1e-1", 100), ("1k", 1_000_000)] {
            assert_eq!(parse_cpu(text), Ok(Cpu::from_milli(milli)), "{text}");
        }
        // Kubernetes rounds what is finer than a millicore up.
        assert_eq!(parse_cpu("100u"), Ok(Cpu::from_milli(1)));
        assert_eq!(parse_cpu("1n"), Ok(Cpu::from_milli(1)));
        for (text, bytes) in [
            ("512Mi", 512 << 20),
            ("1G", 1_000_000_000),
            ("1.5Gi", 3 << 29),
            ("128974848", 128_974_848),
            ("1500m", 2),
        ] {
            assert_eq!(parse_memory(text), Ok(Memory::from_bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn malformed_quantities_are_refused() {
        use QuantityError::*;
        let cases = [
            ("", Empty),
            ("m", Empty),
            ("5mm", Malformed),
            ("1.2.3", Malformed),
            ("--1", Malformed),
            ("-500m", Negative),
            ("NaN", Malformed),
            ("1GiB", Malformed),
            ("1e99", OutOfRange),
            ("99999999999999999999", OutOfRange),
            ("9999999999999E", OutOfRange),
        ];
        for (text, error) in cases {
            assert_eq!(parse_memory(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn durations() {
        for (text, ms) in
            [("90s", 90_000), ("1h30m", 5_400_000), ("250ms", 250), ("1.5s", 1_500), ("2d", 172_800_000)]
        {
            assert_eq!(parse_duration(text), Ok(Span::from_ms(ms)), "{text}");
        }
        for text in ["", "90", "s", "1h30", "-5s", "1w", "1 s", "99999999d"] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn decimals_round_half_even() {
        assert_eq!(parse_decimal("1.25", 3), Ok(1_250));
        assert_eq!(parse_decimal("0.0005", 3), Ok(0));
        assert_eq!(parse_decimal("0.0015", 3), Ok(2));
        assert_eq!(parse_decimal("-1", 3), Err(QuantityError::Negative));
    }
}
