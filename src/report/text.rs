//! How numbers and names are shown to people: one spelling for the table, Markdown and HTML.
//!
//! Amounts are rounded here and nowhere else. Names come from traces and scenario files, so what could steer a
//! terminal is taken out of them.

use std::borrow::Cow;

use crate::units::{Span, Usd};

/// What stands where there is no value.
pub(crate) const NONE: &str = "–";

/// How many decimals the amounts of one column get, so that their points are under each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places(usize);

impl Places {
    pub const CENTS: Self = Self(2);

    /// By the largest amount: `$0.0123`, `$1,234.56`, `$123,457`.
    pub fn of(amounts: impl IntoIterator<Item = Option<Usd>>) -> Self {
        let most = amounts.into_iter().flatten().map(|usd| usd.femto().abs()).max().unwrap_or(0);
        match most / Usd::parse("1").map_or(1, Usd::femto) {
            0 if most > 0 => Self(4),
            0..100_000 => Self::CENTS,
            _ => Self(0),
        }
    }

    /// Whole dollars where the largest amount has four digits.
    pub fn coarser(self, amounts: impl IntoIterator<Item = Option<Usd>>) -> Self {
        let most = amounts.into_iter().flatten().map(|usd| usd.femto().abs()).max().unwrap_or(0);
        if most >= Usd::parse("1000").map_or(0, Usd::femto) { Self(0) } else { self }
    }

    pub fn show(self, usd: Option<Usd>) -> String {
        let Some(usd) = usd else { return NONE.to_owned() };
        let smallest = Usd::from_femto(10i128.pow(15 - self.0 as u32));
        let rounded = usd.rounded(self.0);
        let (sign, digits) = rounded.strip_prefix('-').map_or(("", &*rounded), |digits| ("-", digits));
        if usd != Usd::ZERO && digits.bytes().all(|b| matches!(b, b'0' | b'.')) {
            let sign = if usd < Usd::ZERO { "-" } else { "" };
            return format!("{sign}<${}", smallest.rounded(self.0));
        }
        format!("{sign}${}", grouped(digits))
    }
}

/// Reads an amount of a report; `None` where there is none.
pub(crate) fn usd(text: &str) -> Option<Usd> {
    Usd::parse(text)
}

/// One amount by itself.
pub(crate) fn money(text: &str) -> String {
    let amount = usd(text);
    Places::of([amount]).show(amount)
}

/// A rate in full, with at least two decimals: prices are never rounded.
pub(super) fn rate(text: &str) -> String {
    format!("${text}")
}

/// `1234567.5` as `1,234,567.5`.
fn grouped(decimal: &str) -> String {
    let (whole, fraction) = decimal.split_once('.').map_or((decimal, None), |(w, f)| (w, Some(f)));
    let mut text = String::with_capacity(decimal.len() + decimal.len() / 3);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

pub(crate) fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// `1 pod`, `1,234 pods`.
pub fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A quantity with three or more significant digits.
pub(crate) fn quantity(number: f64) -> String {
    if !number.is_finite() {
        return NONE.to_owned();
    }
    let places = match number.abs() {
        n if n >= 1_000.0 || n == 0.0 => 0,
        n if n >= 10.0 => 1,
        n if n >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{:.places$}", number.abs());
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", grouped(&text))
}

/// Seconds as `46s`, `1m31s`, `2h05m`.
pub(crate) fn seconds(value: Option<f64>) -> String {
    value.and_then(Span::from_secs_f64).map_or_else(|| NONE.to_owned(), |span| span.to_string())
}

pub(crate) fn hours(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { seconds(Some(value * 3_600.0)) }
}

/// `45 %` of a ratio.
pub(crate) fn ratio(value: Option<f64>) -> String {
    match value {
        Some(ratio) if ratio.is_finite() => {
            let percent = ratio * 100.0;
            if ratio > 0.0 && percent < 0.5 { "<1 %".to_owned() } else { format!("{percent:.0} %") }
        }
        _ => NONE.to_owned(),
    }
}

/// The change from `base` to `other` in percent: `-37 %`, `+3.2 %`, `±0 %`.
pub(crate) fn change(base: Option<Usd>, other: Option<Usd>) -> String {
    let (Some(base), Some(other)) = (base, other) else { return NONE.to_owned() };
    if base <= Usd::ZERO {
        return NONE.to_owned();
    }
    // A clamp far outside of what is shown keeps the product in range.
    let difference = (other - base).femto().clamp(-(1 << 100), 1 << 100);
    let per_mille = Usd::from_femto(difference).scaled(1_000, base.femto()).femto();
    let sign = if difference < 0 { '-' } else { '+' };
    let size = per_mille.abs();
    match size {
        0 if difference == 0 => "±0 %".to_owned(),
        0 => format!("{sign}<0.1 %"),
        1..100 => format!("{sign}{}.{} %", size / 10, size % 10),
        100..99_995 => format!("{sign}{} %", grouped(&((size + 5) / 10).to_string())),
        _ => ">+9,999 %".to_owned(),
    }
}

/// `2026-03-01 to 2026-03-08 UTC`, with the time of day unless both are midnights. `start` and `end` are RFC 3339.
pub(super) fn window(start: &str, end: &str) -> String {
    let utc = |text: &str| chrono::DateTime::parse_from_rfc3339(text).map(|time| time.naive_utc());
    let (Ok(from), Ok(to)) = (utc(start), utc(end)) else {
        return clean(&format!("{start} to {end}")).into_owned();
    };
    let are_midnights = [from, to].iter().all(|t| t.time() == chrono::NaiveTime::MIN);
    let format = if are_midnights { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" };
    format!("{} to {} UTC", from.format(format), to.format(format))
}

/// The time from `start` to `end`, both RFC 3339.
pub(super) fn between(start: &str, end: &str) -> Option<Span> {
    let ms = |text: &str| Some(chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis());
    Some(Span::from_ms(ms(end)? - ms(start)?))
}

/// A name without control characters and without what turns the direction of text.
pub(crate) fn clean(name: &str) -> Cow<'_, str> {
    let is_bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if name.contains(is_bad) {
        name.chars().map(|c| if is_bad(c) { '\u{fffd}' } else { c }).collect::<String>().into()
    } else {
        name.into()
    }
}

/// Columns that `text` takes in a terminal. Narrower than Unicode's tables: it knows wide scripts and accents.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// `text` in at most `most` columns, with `…` where it was cut.
pub(crate) fn truncate(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return text.into();
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += char_width(c);
        if used > most {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut.into()
}

/// `text` in lines of at most `most` columns, later ones indented. Words longer than a line are cut into pieces.
pub(crate) fn wrap(text: &str, most: usize, indent: usize) -> String {
    let indent = if indent * 2 < most { indent } else { 0 };
    let mut out = String::new();
    let mut used = 0;
    let mut at_start = true;
    let break_line = |out: &mut String, used: &mut usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
        *used = indent;
    };
    for word in text.split_whitespace() {
        let word_width = width(word);
        if !at_start {
            if used + 1 + word_width <= most {
                out.push(' ');
                used += 1;
            } else {
                break_line(&mut out, &mut used);
            }
        }
        at_start = false;
        for c in word.chars() {
            if used + char_width(c) > most && used > indent {
                break_line(&mut out, &mut used);
            }
            out.push(c);
            used += char_width(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(text: &str) -> String {
        money(text)
    }

    #[test]
    fn amounts_have_the_precision_that_tells_something() {
        let cases = [
            ("0", "$0.00"),
            ("0.0123", "$0.0123"),
            ("0.000000000000001", "<$0.0001"),
            ("-0.00000001", "-<$0.0001"),
            ("1234.561", "$1,234.56"),
            ("-1234.5", "-$1,234.50"),
            ("123456.5", "$123,456"),
            ("999999999999.99", "$1,000,000,000,000"),
        ];
        for (amount, shown) in cases {
            assert_eq!(alone(amount), shown);
        }
        let places = Places::of([usd("0.001"), usd("20"), None]);
        assert_eq!([places.show(usd("0.001")), places.show(None)], ["<$0.01", "–"]);
    }

    #[test]
    fn changes_are_percent_with_a_sign() {
        let cases = [
            ("100", "63", "-37 %"),
            ("100", "103.24", "+3.2 %"),
            ("100", "100", "±0 %"),
            ("100", "99.999", "-<0.1 %"),
            ("1", "13.345", "+1,235 %"),
            ("0.000000000000001", "999999999999", ">+9,999 %"),
            ("0", "5", "–"),
            ("100", "0", "-100 %"),
        ];
        for (base, other, shown) in cases {
            assert_eq!(change(usd(base), usd(other)), shown, "{base} → {other}");
        }
    }

    #[test]
    fn text_is_cut_and_wrapped_by_width() {
        assert_eq!(truncate("karpenter", 6), "karpe…");
        assert_eq!(truncate("日本語の名前", 6), "日本…");
        assert_eq!(wrap("one two three", 7, 2), "one two\n  three");
        assert_eq!(wrap("abcdefghij", 4, 0), "abcd\nefgh\nij");
        assert_eq!(clean("a\u{1b}[31mb\u{202e}"), "a\u{fffd}[31mb\u{fffd}");
    }

    #[test]
    fn quantities_and_ratios_are_short() {
        assert_eq!(
            [0.0, 0.01234, 1.5, 12.34, 1_234_567.8].map(quantity),
            ["0", "0.0123", "1.50", "12.3", "1,234,568"]
        );
        assert_eq!(
            [None, Some(0.0), Some(0.001), Some(0.446), Some(f64::NAN)].map(ratio),
            ["–", "0 %", "<1 %", "45 %", "–"]
        );
        assert_eq!(plural(1, "pod"), "1 pod");
        assert_eq!(plural(1_234, "pod"), "1,234 pods");
    }
}
