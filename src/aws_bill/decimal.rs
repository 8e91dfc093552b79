//! Numbers as bills write them: `0.0000416667`, `1.2E-8`, `-3`.

/// Decimals that are kept; further ones are rounded away.
const PLACES: i64 = 15;
/// Digits of the largest number: 10¹³ units and more are no bill.
const MOST_DIGITS: usize = 28;

/// A decimal number in 10⁻¹⁵; `None` if the text is not one.
pub(super) fn parse(text: &str) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok().filter(|e| e.abs() <= 60)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0
        || whole.len() + fraction.len() > 80
        || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let all = format!("{whole}{fraction}");
    let shift = PLACES + exponent - fraction.len() as i64;
    let (kept, round_up) = if shift >= 0 {
        (format!("{all}{}", "0".repeat(shift as usize)), false)
    } else {
        let keep = all.len().saturating_sub(shift.unsigned_abs() as usize);
        let first_dropped = if (all.len() as i64) < -shift { b'0' } else { all.as_bytes()[keep] };
        (all[..keep].to_owned(), first_dropped >= b'5')
    };
    let kept = kept.trim_start_matches('0');
    if kept.len() > MOST_DIGITS {
        return None;
    }
    let value: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let value = value + i128::from(round_up);
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn decimals_are_exact_to_fifteen_places() {
        let cases = [
            ("0", Some(0)),
            ("1", Some(1_000_000_000_000_000)),
            ("-0.5", Some(-500_000_000_000_000)),
            ("0.0000416667", Some(41_666_700_000)),
            ("1.2E-8", Some(12_000_000)),
            ("1E+3", Some(1_000_000_000_000_000_000)),
            (".5", Some(500_000_000_000_000)),
            // The sixteenth decimal is rounded away: 4 down, 5 up.
            ("0.0000000000000014", Some(1)),
            ("0.0000000000000015", Some(2)),
            ("1e-40", Some(0)),
            ("0009999999999999.0", Some(9_999_999_999_999_000_000_000_000_000)),
            ("10000000000000", None),
            ("1e60", None),
            ("", None),
            (".", None),
            ("-", None),
            ("1.2.3", None),
            ("NaN", None),
            ("1e", None),
            ("１", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
