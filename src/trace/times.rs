//! Points in time as traces write them: RFC 3339 in, RFC 3339 in UTC out.
//!
//! A time without an offset means something only in a named zone, and in that zone one hour a year happens
//! twice and one not at all. Both are errors here: a guess would move a whole night's batch by an hour.

use chrono::{LocalResult, NaiveDate, Offset as _, TimeZone as _};
use chrono_tz::Tz;

use super::cell::Refusal;
use crate::units::Time;

const DAY_MS: i64 = 86_400_000;
/// 2201-01-01T00:00:00Z, the first instant that is refused.
const TOO_LATE_MS: i64 = 7_289_654_400_000;

const HINT: &str = "write it as 2024-01-31T09:30:00Z or 2024-01-31T18:30:00+09:00";

/// Reads an RFC 3339 time, or one without an offset when the `zone` is known. Parts of a millisecond are
/// rounded half to even.
pub fn parse_time(text: &str, zone: Option<Tz>) -> Result<Time, Refusal> {
    let Some((days, ms, rest)) = local(text.as_bytes()) else {
        return Err(malformed(text));
    };
    let local_ms = days * DAY_MS + ms;
    let utc_ms = match rest {
        b"Z" | b"z" => local_ms,
        b"" => in_zone(local_ms, zone)?,
        _ => local_ms - offset_ms(rest).ok_or_else(|| malformed(text))?,
    };
    in_range(utc_ms)
}

pub(super) fn in_range(utc_ms: i64) -> Result<Time, Refusal> {
    if (0..TOO_LATE_MS).contains(&utc_ms) {
        Ok(Time::from_ms(utc_ms))
    } else {
        Err(Refusal::new("is out of range").hint("times from 1970 to 2200 are accepted"))
    }
}

/// Days since the epoch, milliseconds of the day, and what follows them, if `text` starts with a date and time.
fn local(text: &[u8]) -> Option<(i64, i64, &[u8])> {
    let [a, b, c, d, b'-', e, f, b'-', g, h, b'T' | b't' | b' ', i, j, b':', k, l, b':', m, n, rest @ ..] =
        text
    else {
        return None;
    };
    let (year, month, day) = (number(&[*a, *b, *c, *d])?, number(&[*e, *f])?, number(&[*g, *h])?);
    let (hour, minute, second) = (number(&[*i, *j])?, number(&[*k, *l])?, number(&[*m, *n])?);
    // A leap second is the second after it: nothing here is measured that finely.
    if !(1..=12).contains(&month)
        || !(1..=days_in(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let mut ms = ((hour * 60 + minute) * 60 + second) * 1_000;
    let mut rest = rest;
    if let [b'.', fraction @ ..] = rest {
        let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, tail) = fraction.split_at(length);
        if digits.is_empty() {
            return None;
        }
        ms += fraction_ms(digits);
        rest = tail;
    }
    Some((days_from_civil(year, month, day), ms, rest))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

/// The digits after the point of a second, as milliseconds, rounded half to even.
fn fraction_ms(digits: &[u8]) -> i64 {
    let ms = (0..3).fold(0, |ms, i| ms * 10 + digits.get(i).map_or(0, |b| i64::from(b - b'0')));
    let Some((first, rest)) = digits.get(3..).and_then(<[u8]>::split_first) else {
        return ms;
    };
    let above_half = *first > b'5' || (*first == b'5' && rest.iter().any(|b| *b != b'0'));
    let half = *first == b'5' && !above_half;
    ms + i64::from(above_half || (half && ms % 2 == 1))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, years starting in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn offset_ms(text: &[u8]) -> Option<i64> {
    let [sign @ (b'+' | b'-'), a, b, b':', c, d] = text else {
        return None;
    };
    let (hours, minutes) = (number(&[*a, *b])?, number(&[*c, *d])?);
    let ms = (hours * 60 + minutes) * 60_000;
    (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -ms } else { ms })
}

fn in_zone(local_ms: i64, zone: Option<Tz>) -> Result<i64, Refusal> {
    let zone = zone.ok_or_else(|| {
        Refusal::new("has no offset from UTC").hint("add Z or an offset such as +09:00, or give --timezone")
    })?;
    let naive = chrono::DateTime::from_timestamp_millis(local_ms)
        .ok_or_else(|| Refusal::new("is out of range"))?
        .naive_utc();
    match zone.from_local_datetime(&naive) {
        LocalResult::Single(time) => Ok(time.timestamp_millis()),
        LocalResult::Ambiguous(first, second) => Err(Refusal::new(format!("happened twice in {zone}"))
            .hint(format!("add the offset: {} or {}", first.offset().fix(), second.offset().fix()))),
        LocalResult::None => Err(Refusal::new(format!("never happened in {zone}: the clocks skipped it"))
            .hint("add the offset that the clock of the source had")),
    }
}

fn malformed(text: &str) -> Refusal {
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Refusal::new("is a bare number")
            .hint(format!("an epoch number does not say its unit: {HINT}"));
    }
    if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
        return Refusal::new("is a date without a time of day").hint(HINT);
    }
    Refusal::new("is not an RFC 3339 time").hint(HINT)
}

/// Appends `time` in UTC, with milliseconds only when there are any.
pub(super) fn print_time(time: Time, out: &mut Vec<u8>) {
    let (days, ms) = (time.ms().div_euclid(DAY_MS), time.ms().rem_euclid(DAY_MS));
    let (year, month, day) = civil_from_days(days);
    let secs = ms / 1_000;
    pad(out, year, 4);
    for (mark, value) in
        [(b'-', month), (b'-', day), (b'T', secs / 3_600), (b':', secs / 60 % 60), (b':', secs % 60)]
    {
        out.push(mark);
        pad(out, value, 2);
    }
    if ms % 1_000 != 0 {
        out.push(b'.');
        pad(out, ms % 1_000, 3);
    }
    out.push(b'Z');
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `value`, not negative, in at least `width` digits.
pub(super) fn pad(out: &mut Vec<u8>, value: i64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    while rest > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(text: &str, zone: &str) -> Result<i64, String> {
        let zone = zone.parse().ok();
        parse_time(text, zone).map(Time::ms).map_err(|refusal| refusal.message)
    }

    #[test]
    fn rfc_3339_times_are_read() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T12:34:56Z", 1_709_210_096_000),
            ("2024-02-29t12:34:56z", 1_709_210_096_000),
            ("2024-02-29 21:34:56+09:00", 1_709_210_096_000),
            ("2024-02-28T23:34:56.000-13:00", 1_709_210_096_000),
            ("2024-02-29T12:34:56.789Z", 1_709_210_096_789),
            ("2024-02-29T12:34:56.7Z", 1_709_210_096_700),
            ("2024-02-29T12:34:56.7885Z", 1_709_210_096_788),
            ("2024-02-29T12:34:56.7895Z", 1_709_210_096_790),
            ("2024-02-29T12:34:56.78850000000000001Z", 1_709_210_096_789),
            ("2024-12-31T23:59:59.9996Z", 1_735_689_600_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2200-12-31T23:59:59.999Z", TOO_LATE_MS - 1),
        ];
        for (text, expected) in cases {
            assert_eq!(ms(text, ""), Ok(expected), "{text}");
        }
    }

    #[test]
    fn times_without_an_offset_need_a_zone() {
        assert_eq!(ms("2024-01-01T09:00:00", "Asia/Tokyo"), Ok(1_704_067_200_000));
        assert_eq!(ms("2024-10-27T03:00:00", "Europe/Berlin"), Ok(1_729_994_400_000));
        assert_eq!(ms("2024-01-01T00:00:00Z", "Asia/Tokyo"), Ok(1_704_067_200_000));
        assert!(ms("2024-10-27T02:59:59.9", "Europe/Berlin").is_err());
        assert!(ms("2024-03-31T02:00:00", "Europe/Berlin").is_err());
        assert!(ms("2024-01-01T09:00:00", "").is_err());
    }

    #[test]
    fn broken_times_are_refused() {
        for text in [
            "",
            "Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:00ZZ",
            "2024-01-01T00:00:00+9:00",
            "２024-01-01T00:00:00Z",
            "-024-01-01T00:00:00Z",
        ] {
            assert!(ms(text, "UTC").is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printed_times_are_those_of_chrono_and_read_back(ms in 0..TOO_LATE_MS) {
            let mut out = Vec::new();
            print_time(Time::from_ms(ms), &mut out);
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(parse_time(&text, None).map(Time::ms), Ok(ms));
            let chrono = chrono::DateTime::parse_from_rfc3339(&text).unwrap();
            prop_assert_eq!(chrono.timestamp_millis(), ms);
        }

        #[test]
        fn reading_agrees_with_chrono(text in "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,3})?(Z|[+-][01][0-9]:[0-5][0-9])") {
            let expected = chrono::DateTime::parse_from_rfc3339(&text).ok().map(|time| time.timestamp_millis());
            prop_assert_eq!(parse_time(&text, None).ok().map(Time::ms), expected);
        }
    }
}
