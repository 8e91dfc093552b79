//! Schedules in cron's notation, as NodePools' budgets have them: five fields or a word such as `@daily`, in UTC.
//!
//! The rules are those of the parser that Karpenter uses (robfig/cron, version 3, `ParseStandard`): days of the week go
//! from 0, Sunday, to 6; where both the day of the month and that of the week are restricted, either suffices; and a
//! schedule that has no time within five years has none.

use std::fmt;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::units::Time;

/// When something happens, to the minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    /// As bits.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Neither days of the month nor days of the week suffice alone: one of them is `*`.
    needs_both_days: bool,
}

/// A field's least and greatest value, and the names of its values from the least on.
struct Field(u32, u32, &'static [&'static str]);

const MINUTES: Field = Field(0, 59, &[]);
const HOURS: Field = Field(0, 23, &[]);
const DAYS: Field = Field(1, 31, &[]);
const MONTHS: Field =
    Field(1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]);
const WEEKDAYS: Field = Field(0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]);

impl Schedule {
    /// Reads `0 9 * * mon-fri` or `@daily`. The error says what a schedule looks like.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const MALFORMED: &str = "must be a cron schedule of five fields or a word such as @daily";
        let fields = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            fields => fields,
        };
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else { return Err(MALFORMED) };
        let (days, any_day) = DAYS.bits(days).ok_or(MALFORMED)?;
        let (weekdays, any_weekday) = WEEKDAYS.bits(weekdays).ok_or(MALFORMED)?;
        Ok(Self {
            text: text.trim().to_owned(),
            minutes: MINUTES.bits(minutes).ok_or(MALFORMED)?.0,
            hours: HOURS.bits(hours).ok_or(MALFORMED)?.0,
            days,
            months: MONTHS.bits(months).ok_or(MALFORMED)?.0,
            weekdays,
            needs_both_days: any_day || any_weekday,
        })
    }

    /// The first time of the schedule that is later than `time`. `None` if there is none within five years.
    pub fn next(&self, time: Time) -> Option<Time> {
        let from = DateTime::from_timestamp_millis(time.ms())?.naive_utc();
        // The next whole second, and from there the next whole minute.
        let second = from.with_nanosecond(0)? + chrono::TimeDelta::seconds(1);
        let minute = second.with_second(0)?;
        let first = if second.second() == 0 { minute } else { minute + chrono::TimeDelta::minutes(1) };
        let last_year = first.year() + 5;
        let mut date = first.date();
        while date.year() <= last_year {
            let earliest = if date == first.date() { first.time() } else { NaiveTime::MIN };
            if self.has_day(date)
                && let Some(time) = self.time_from(earliest)
            {
                let found = NaiveDateTime::new(date, time);
                return Some(Time::from_ms(found.and_utc().timestamp_millis()));
            }
            date = date.checked_add_days(Days::new(1))?;
        }
        None
    }

    fn has_day(&self, date: NaiveDate) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().num_days_from_sunday());
        has(self.months, date.month()) && if self.needs_both_days { day && weekday } else { day || weekday }
    }

    fn time_from(&self, earliest: NaiveTime) -> Option<NaiveTime> {
        let hour = earliest.hour();
        let minute = (earliest.minute()..60).find(|minute| has(self.minutes, *minute));
        if let Some(minute) = minute.filter(|_| has(self.hours, hour)) {
            return NaiveTime::from_hms_opt(hour, minute, 0);
        }
        let hour = (hour + 1..24).find(|hour| has(self.hours, *hour))?;
        NaiveTime::from_hms_opt(hour, self.minutes.trailing_zeros(), 0)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

fn has(bits: u64, value: u32) -> bool {
    bits >> value & 1 == 1
}

impl Field {
    /// The values of a field as bits, and whether it is `*`.
    fn bits(&self, text: &str) -> Option<(u64, bool)> {
        let mut all = (0, false);
        for part in text.split(',') {
            let (bits, any) = self.range(part)?;
            all = (all.0 | bits, all.1 || any);
        }
        Some(all)
    }

    /// `*`, `5`, `1-5`, each with `/2`, and `5/2` for every second one from 5 on.
    fn range(&self, text: &str) -> Option<(u64, bool)> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0)?)),
            None => (text, None),
        };
        let (first, last, any) = match range.split_once('-') {
            _ if range == "*" || range == "?" => (self.0, self.1, step.is_none_or(|step| step == 1)),
            Some((first, last)) => (self.value(first)?, self.value(last)?, false),
            None => {
                let only = self.value(range)?;
                (only, if step.is_some() { self.1 } else { only }, false)
            }
        };
        if first < self.0 || last > self.1 || first > last {
            return None;
        }
        let values = (first..=last).step_by(step.unwrap_or(1) as usize);
        Some((values.fold(0, |bits, value| bits | 1 << value), any))
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = (self.0..).zip(self.2).find(|(_, name)| name.eq_ignore_ascii_case(text));
        named.map(|(value, _)| value).or_else(|| text.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap();
        Time::from_ms(time.and_utc().timestamp_millis())
    }

    #[test]
    fn the_next_time_is_later_and_to_the_minute() {
        // 1 January 2025 is a Wednesday.
        for (schedule, after, expected) in [
            ("0 9 * * *", "2025-01-01 08:59:59.999", Some("2025-01-01 09:00:00")),
            ("0 9 * * *", "2025-01-01 09:00:00", Some("2025-01-02 09:00:00")),
            ("0 9 * * mon-fri", "2025-01-03 10:00:00", Some("2025-01-06 09:00:00")), // A Friday.
            ("0 0 * * 0", "2025-01-01 00:00:00", Some("2025-01-05 00:00:00")),
            ("*/15 * * * *", "2025-01-01 00:31:00", Some("2025-01-01 00:45:00")),
            ("50/5 23 31 12 *", "2025-01-01 00:00:00", Some("2025-12-31 23:50:00")),
            ("0 0 29 2 *", "2025-01-01 00:00:00", Some("2028-02-29 00:00:00")),
            ("0 0 30 2 *", "2025-01-01 00:00:00", None),
            // Either day suffices where both are given: the 13th or a Friday.
            ("0 0 13 * FRI", "2025-01-01 00:00:00", Some("2025-01-03 00:00:00")),
            ("0 0 13 * FRI", "2025-01-10 00:00:00", Some("2025-01-13 00:00:00")),
            ("0 0 * * FRI", "2025-01-03 00:00:00", Some("2025-01-10 00:00:00")),
            // With a step, `*` counts as given: every second day from the 1st on, or a Friday.
            ("0 0 */2 * FRI", "2025-01-09 00:00:00", Some("2025-01-10 00:00:00")),
            ("@hourly", "2025-01-01 23:00:00", Some("2025-01-02 00:00:00")),
            ("@weekly", "2025-01-01 00:00:00", Some("2025-01-05 00:00:00")),
            ("@monthly", "2025-01-31 00:00:00", Some("2025-02-01 00:00:00")),
            ("@annually", "2025-01-01 00:00:00", Some("2026-01-01 00:00:00")),
            ("1,3-4 5 * * *", "2025-01-01 05:01:00", Some("2025-01-01 05:03:00")),
        ] {
            let next =
                Schedule::parse(schedule).unwrap().next(at(&format!("{after}.0").replace(".999.0", ".999")));
            assert_eq!(next, expected.map(|text| at(&format!("{text}.0"))), "{schedule} after {after}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "5-1 * * * *",
            "*/0 * * * *",
            "a * * * *",
            "@fortnightly",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Schedule::parse(" 0 9 * * Mon ").unwrap().to_string(), "0 9 * * Mon");
    }
}
