//! Scales and their ticks: money and counts from zero, times of day, and delays on a logarithm.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveTime};

use crate::units::{Span, Time};

/// A value's place: `from` lies at pixel `at`, `to` at pixel `end`.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub from: f64,
    pub to: f64,
    pub at: f64,
    pub end: f64,
}

impl Scale {
    pub fn place(&self, value: f64) -> f64 {
        let part = if self.to > self.from { (value - self.from) / (self.to - self.from) } else { 0.0 };
        self.at + part.clamp(0.0, 1.0) * (self.end - self.at)
    }
}

/// A value on an axis and its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub at: f64,
    pub label: String,
}

/// Round steps from `from` to at least `to`, about `count` of them.
pub fn linear(from: f64, to: f64, count: usize) -> Vec<f64> {
    let span = (to - from).max(1e-12);
    let rough = span / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|f| f * power).into_iter().find(|s| *s >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let first = (from / step + 1e-9).floor();
    let last = (to / step - 1e-9).ceil();
    (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect()
}

/// Ticks for amounts in USD; the last is at or above `most`.
pub fn money(from: f64, most: f64, count: usize) -> Vec<Tick> {
    let values = linear(from, if most > from { most } else { from + 1.0 }, count);
    let step = values[1] - values[0];
    let places = (0..=6).find(|p| is_whole(step * 10f64.powi(*p))).unwrap_or(6);
    // Either no cents or both digits of them.
    let places = if places == 1 { 2 } else { places as usize };
    let label = |value: f64| format!("${}", grouped(value, places));
    values.into_iter().map(|at| Tick { at, label: label(at) }).collect()
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 * value.abs().max(1.0)
}

fn grouped(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let (whole, fraction) = text.split_once('.').map_or((&*text, ""), |(w, f)| (w, f));
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps that clocks and calendars have, below a month.
const STEPS: [i64; 21] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    7 * DAY,
    14 * DAY,
];

/// At most `count` ticks at round UTC times within the window, each with what its label has to say: the time of day,
/// the day, the month or the year. Values are milliseconds since the Unix epoch.
pub fn time(start: Time, end: Time, count: usize) -> Vec<Tick> {
    let span = (end - start).ms().max(1);
    let fits = |step: &&i64| span / **step < count as i64;
    let Some(step) = STEPS.iter().find(fits).copied() else { return months(start, end, count) };
    let first = start.ms().div_euclid(step) + i64::from(start.ms().rem_euclid(step) != 0);
    let label = |ms: i64| {
        let time = DateTime::from_timestamp_millis(ms)?.naive_utc();
        let midnight = time.time() == NaiveTime::MIN;
        let format = match step {
            // Once a day the date, so that it is seen where days change.
            _ if midnight && (step >= DAY || span > DAY) => "%b %-d",
            ..MINUTE => "%H:%M:%S",
            _ => "%H:%M",
        };
        Some(Tick { at: ms as f64, label: time.format(format).to_string() })
    };
    (first..=end.ms().div_euclid(step)).map(|n| n * step).filter_map(label).collect()
}

fn months(start: Time, end: Time, count: usize) -> Vec<Tick> {
    let date = |time: Time| DateTime::from_timestamp_millis(time.ms()).map(|t| t.date_naive());
    let (Some(from), Some(to)) = (date(start), date(end)) else { return Vec::new() };
    let span = (to.year() - from.year()) as i64 * 12 + i64::from(to.month()) - i64::from(from.month());
    let steps = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 6_000, 12_000, 120_000];
    let step = steps.into_iter().find(|step| span / i64::from(*step) < count as i64).unwrap_or(1_200_000);
    let years = (step / 12).max(1) as i32;
    let month = if step < 12 { 1 + from.month0() / step * step } else { 1 };
    let year = if step < 12 { from.year() } else { from.year().div_euclid(years) * years };
    let first = NaiveDate::from_ymd_opt(year, month, 1);
    let format = if step < 12 { "%b %Y" } else { "%Y" };
    std::iter::successors(first, |date| date.checked_add_months(Months::new(step)))
        .take_while(|date| *date <= to)
        .map(|date| (date, date.and_time(NaiveTime::MIN).and_utc().timestamp_millis()))
        .filter(|(_, ms)| *ms >= start.ms())
        .map(|(date, ms)| Tick { at: ms as f64, label: date.format(format).to_string() })
        .collect()
}

/// Delays that people have words for, in milliseconds.
const DELAYS: [(i64, &str); 22] = [
    (100, "0.1 s"),
    (300, "0.3 s"),
    (SECOND, "1 s"),
    (3 * SECOND, "3 s"),
    (10 * SECOND, "10 s"),
    (30 * SECOND, "30 s"),
    (MINUTE, "1 min"),
    (3 * MINUTE, "3 min"),
    (10 * MINUTE, "10 min"),
    (30 * MINUTE, "30 min"),
    (HOUR, "1 h"),
    (3 * HOUR, "3 h"),
    (10 * HOUR, "10 h"),
    (DAY, "1 d"),
    (3 * DAY, "3 d"),
    (10 * DAY, "10 d"),
    (30 * DAY, "30 d"),
    (100 * DAY, "100 d"),
    (365 * DAY, "1 y"),
    (1_095 * DAY, "3 y"),
    (3_650 * DAY, "10 y"),
    (36_500 * DAY, "100 y"),
];

/// Delays as their logarithm in milliseconds; what is shorter than a tenth of a second counts as that.
pub fn log(delay: Span) -> f64 {
    (delay.ms().max(DELAYS[0].0) as f64).ln()
}

/// Ticks around the delays from `least` to `most`, on a logarithm.
pub fn delays(least: Span, most: Span) -> Vec<Tick> {
    let last = DELAYS.iter().position(|d| d.0 >= most.ms()).unwrap_or(DELAYS.len() - 1).max(1);
    let first = DELAYS.iter().rposition(|d| d.0 <= least.ms()).unwrap_or(0).min(last - 1);
    let tick = |(ms, label): &(i64, &str)| Tick { at: log(Span::from_ms(*ms)), label: (*label).to_owned() };
    DELAYS[first..=last].iter().map(tick).collect()
}

/// Ticks for lengths of time; the last is at or above `most`. All in seconds.
pub fn spans(from: f64, most: f64, count: usize) -> Vec<Tick> {
    let most = if most > from { most } else { from + 1.0 };
    let unit = [86_400.0, 3_600.0, 60.0, 1.0].into_iter().find(|unit| most >= 2.0 * unit).unwrap_or(1.0);
    let name = match unit as i64 {
        86_400 => "d",
        3_600 => "h",
        60 => "min",
        _ => "s",
    };
    let values = linear(from / unit, most / unit, count);
    let step = values[1] - values[0];
    let places = (0..=3).find(|p| is_whole(step * 10f64.powi(*p))).unwrap_or(3) as usize;
    let tick = |v: f64| Tick { at: v * unit, label: format!("{} {name}", grouped(v, places)) };
    values.into_iter().map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> String {
        ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn at(text: &str) -> Time {
        Time::from_ms(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn steps_are_round_and_reach_the_end() {
        assert_eq!(linear(0.0, 104.3, 5), [0.0, 25.0, 50.0, 75.0, 100.0, 125.0]);
        assert_eq!(linear(0.0, 100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(linear(0.0, 3.0, 4), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(labels(&money(0.0, 0.094, 4)), "$0.000 $0.025 $0.050 $0.075 $0.100");
        assert_eq!(labels(&money(0.0, 4_321.0, 4)), "$0 $2,000 $4,000 $6,000");
        assert_eq!(labels(&money(0.0, 1.9, 4)), "$0.00 $0.50 $1.00 $1.50 $2.00");
        assert_eq!(labels(&money(0.0, 0.0, 2)), "$0.00 $0.50 $1.00");
        assert_eq!(labels(&spans(0.0, 1_344.0, 4)), "0 min 10 min 20 min 30 min");
        assert_eq!(labels(&spans(0.0, 0.0, 2)), "0.0 s 0.5 s 1.0 s");
    }

    #[test]
    fn time_is_told_in_the_units_of_the_window() {
        let cases = [
            (
                "2026-01-05T00:00:10Z",
                "2026-01-05T00:01:10Z",
                "00:00:10 00:00:20 00:00:30 00:00:40 00:00:50 00:01:00 00:01:10",
            ),
            ("2026-01-05T00:00:00Z", "2026-01-05T00:31:40Z", "00:00 00:05 00:10 00:15 00:20 00:25 00:30"),
            ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", "00:00 06:00 12:00 18:00 00:00"),
            ("2026-01-05T09:00:00Z", "2026-01-06T21:00:00Z", "12:00 18:00 Jan 6 06:00 12:00 18:00"),
            ("2024-04-26T01:38:00Z", "2024-05-07T23:37:00Z", "Apr 27 Apr 29 May 1 May 3 May 5 May 7"),
            (
                "2025-01-01T00:00:00Z",
                "2026-01-01T00:00:00Z",
                "Jan 2025 Mar 2025 May 2025 Jul 2025 Sep 2025 Nov 2025 Jan 2026",
            ),
            ("1970-01-01T00:00:00Z", "2050-01-01T00:00:00Z", "1970 1980 1990 2000 2010 2020 2030 2040 2050"),
        ];
        for (start, end, expected) in cases {
            let ticks = time(at(start), at(end), 8);
            assert!(ticks.iter().all(|t| t.at >= at(start).ms() as f64 && t.at <= at(end).ms() as f64));
            assert_eq!(labels(&ticks), expected, "{start} to {end}");
        }
    }

    #[test]
    fn delays_have_human_ticks() {
        let span = Span::from_ms;
        assert_eq!(labels(&delays(span(1_000), span(136_000))), "1 s 3 s 10 s 30 s 1 min 3 min");
        assert_eq!(labels(&delays(span(0), span(0))), "0.1 s 0.3 s");
        assert_eq!(labels(&delays(span(2_000), span(2_000))), "1 s 3 s");
    }
}
