//! Numbers in cells: read digit by digit into integers, and refused with the hint that fits.

use std::borrow::Cow;

use super::cell::Refusal;
use super::schema::Rule;
use crate::units::{QuantityError, parse_cpu, parse_decimal, parse_memory};

/// A non-negative decimal with at most three places as thousandths: nearly every cell of seconds is one.
pub(super) fn plain_decimal(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 15 || !text[0].is_ascii_digit() {
        return None;
    }
    let mut value = 0i64;
    let mut places = None;
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + i64::from(byte - b'0');
                places = places.map(|p: u32| p + 1);
            }
            b'.' if places.is_none() => places = Some(0),
            _ => return None,
        }
    }
    match places {
        None => Some(value * 1_000),
        Some(p @ 1..=3) => Some(value * 10i64.pow(3 - p)),
        _ => None,
    }
}

/// A whole number; `512.0`, as spreadsheets and data frames write it, is one.
pub(super) fn integer(text: &str) -> Result<i64, Refusal> {
    let bytes = text.as_bytes();
    if (1..=18).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
        return Ok(bytes.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0')));
    }
    let kind = "a whole number";
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') && !fraction.is_empty() => whole,
        _ => text,
    };
    let value = or_too_much(parse_decimal(whole, 0)).map_err(|error| number_refusal(text, error, kind))?;
    if whole.contains('.') { Err(Refusal::new(format!("is not {kind}"))) } else { Ok(value) }
}

/// What is too large to be held is too large for any column: let the column's limits say so.
pub(super) fn or_too_much(value: Result<i64, QuantityError>) -> Result<i64, QuantityError> {
    if value == Err(QuantityError::OutOfRange) { Ok(i64::MAX) } else { value }
}

/// Decimals beyond the eighteenth place as one digit that is not zero if they are not, which is all that
/// rounding needs. Floats print up to 17 digits after any number of zeros.
pub(super) fn cut_places(text: &str) -> Cow<'_, str> {
    match text.split_once('.') {
        Some((whole, places)) if places.len() > 18 && places.bytes().all(|b| b.is_ascii_digit()) => {
            let (kept, rest) = places.split_at(17);
            let sticky = u8::from(rest.bytes().any(|b| b != b'0'));
            Cow::Owned(format!("{whole}.{kept}{sticky}"))
        }
        _ => Cow::Borrowed(text),
    }
}

pub(super) fn within(value: i64, rule: &Rule, limits: impl Fn() -> String) -> Result<i64, Refusal> {
    if (rule.min..=rule.max).contains(&value) {
        Ok(value)
    } else {
        Err(Refusal::new("is out of range").hint(format!("it must be {}", limits())))
    }
}

pub(super) fn number_refusal(text: &str, error: QuantityError, kind: &str) -> Refusal {
    let lower = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    match error {
        _ if matches!(lower.as_str(), "nan" | "inf" | "infinity") => {
            Refusal::new("is not finite").hint("leave the cell empty if it is unknown")
        }
        QuantityError::Negative => Refusal::new("is negative"),
        QuantityError::OutOfRange => Refusal::new("is out of range"),
        QuantityError::Empty | QuantityError::Malformed => {
            let refusal = Refusal::new(format!("is not {kind}"));
            if text.trim() != text {
                refusal.hint("remove the spaces around it")
            } else if matches!(lower.as_str(), "null" | "none" | "na" | "n/a" | "-") {
                refusal.hint("leave the cell empty if it is unknown")
            } else if text.contains(',') {
                refusal.hint("write it without thousands separators, with a point before the decimals")
            } else if lower.contains('e') && lower.parse::<f64>().is_ok() {
                refusal.hint("write it without an exponent")
            } else {
                refusal
            }
        }
    }
}

/// A quantity in a column of plain numbers is the likeliest mistake of all.
pub(super) fn or_quantity(refusal: Refusal, text: &str, rule: &Rule) -> Refusal {
    let alias = rule.name.trim_end_matches("_milli").trim_end_matches("_mib");
    let has_unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
    if has_unit && (parse_memory(text).is_ok() || parse_cpu(text).is_ok()) {
        refusal.hint(format!("name the column {alias} to give Kubernetes quantities"))
    } else {
        refusal
    }
}
