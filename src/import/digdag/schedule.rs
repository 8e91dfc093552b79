//! When a session was planned to start.
//!
//! Digdag's session time is the beginning of the period, not the start of the run: a `daily>: 07:00:00` has sessions of
//! 00:00 and starts them seven hours later. All schedules are a cron pattern for session times and a fixed delay
//! (`CronScheduler`, `DailySchedulerFactory` and so on of Digdag); a session that somebody started by hand matches no
//! pattern and has no planned start.

use chrono::{Datelike as _, TimeZone as _, Timelike as _};
use chrono_tz::Tz;

use super::record::Schedule;
use crate::units::{Span, Time};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    zone: Tz,
    period: Period,
    /// From session time to start.
    delay: Span,
}

/// Which session times a schedule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Minutes(u32),
    Hour,
    Day,
    /// Days from Sunday.
    Week(u32),
    /// The day of the month.
    Month(u32),
    /// Any minute: patterns are not looked at.
    Cron,
}

impl Plan {
    /// `None` if there is no schedule, or none that is understood.
    pub fn of(schedule: &Schedule, zone: &str) -> Option<Self> {
        let zone = zone.parse().ok()?;
        let plan = |period, delay| Some(Self { zone, period, delay });
        if let Some(text) = schedule.hourly.get() {
            return plan(Period::Hour, clock(&format!("00:{text}"))?);
        }
        if let Some(text) = schedule.daily.get() {
            return plan(Period::Day, clock(text)?);
        }
        if let Some(text) = schedule.weekly.get() {
            let (day, time) = text.split_once(',')?;
            return plan(Period::Week(weekday(day.trim())?), clock(time)?);
        }
        if let Some(text) = schedule.monthly.get() {
            let (day, time) = text.split_once(',')?;
            return plan(Period::Month(day.trim().parse().ok()?), clock(time)?);
        }
        if let Some(text) = schedule.minutes_interval.get() {
            let minutes = text.parse().ok().filter(|minutes| (1..=60).contains(minutes))?;
            return plan(Period::Minutes(minutes), Span::ZERO);
        }
        schedule.cron.get()?;
        plan(Period::Cron, Span::ZERO)
    }

    /// The planned start of the session of that time, if the schedule has such a session.
    pub fn start(&self, session: Time) -> Option<Time> {
        let local = self.zone.timestamp_millis_opt(session.ms()).single()?;
        let is_midnight = local.num_seconds_from_midnight() == 0;
        let is_session = local.second() == 0
            && match self.period {
                Period::Minutes(minutes) => local.minute() % minutes == 0,
                Period::Hour => local.minute() == 0,
                Period::Day => is_midnight,
                Period::Week(day) => is_midnight && local.weekday().num_days_from_sunday() == day,
                Period::Month(day) => is_midnight && local.day() == day,
                Period::Cron => true,
            };
        is_session.then(|| session + self.delay)
    }
}

/// `HH:MM:SS`, or `HH:MM`.
fn clock(text: &str) -> Option<Span> {
    let mut parts = text.trim().split(':').map(|part| part.trim().parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let valid = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
    (valid && parts.next().is_none()).then(|| Span::from_secs((hours * 60 + minutes) * 60 + seconds))
}

fn weekday(text: &str) -> Option<u32> {
    const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let name = text.to_ascii_lowercase();
    let named = NAMES.iter().position(|known| name.get(..3) == Some(known)).map(|day| day as u32);
    named.or_else(|| text.parse().ok().filter(|day| *day <= 7).map(|day: u32| day % 7))
}

#[cfg(test)]
mod tests {
    use super::super::value::{Str, instant};
    use super::*;

    #[test]
    fn starts_follow_session_times_by_the_schedule_s_delay() {
        let text = |text: &str| Str(text.to_owned().into());
        let none = Schedule::default;
        let daily = Schedule { daily: text("07:30:00"), ..none() };
        let weekly = Schedule { weekly: text("Sun,09:00:00"), ..none() };
        // 2024-03-31 is a Sunday, on which Berlin's clocks skip an hour: the delay is the same nevertheless.
        for (schedule, zone, session, start) in [
            (&daily, "Asia/Tokyo", "2024-01-31T00:00:00+09:00", Some("2024-01-31T07:30:00+09:00")),
            (&daily, "Asia/Tokyo", "2024-01-31T13:37:42+09:00", None),
            (&daily, "UTC", "2024-01-31T00:00:00+09:00", None),
            (&weekly, "Europe/Berlin", "2024-03-31T00:00:00+01:00", Some("2024-03-31T10:00:00+02:00")),
            (&weekly, "Europe/Berlin", "2024-03-30T00:00:00+01:00", None),
            (
                &Schedule { hourly: text("15:00"), ..none() },
                "UTC",
                "2024-01-31T05:00:00Z",
                Some("2024-01-31T05:15:00Z"),
            ),
            (
                &Schedule { minutes_interval: text("5"), ..none() },
                "UTC",
                "2024-01-31T05:10:00Z",
                Some("2024-01-31T05:10:00Z"),
            ),
            (
                &Schedule { monthly: text("1,00:10:00"), ..none() },
                "UTC",
                "2024-02-01T00:00:00Z",
                Some("2024-02-01T00:10:00Z"),
            ),
            (&Schedule { daily: text("later"), ..none() }, "UTC", "2024-02-01T00:00:00Z", None),
            (&daily, "Mars/Olympus", "2024-02-01T00:00:00Z", None),
        ] {
            let session = instant(session).unwrap().unwrap();
            let expected = start.and_then(|start| instant(start).unwrap());
            let got = Plan::of(schedule, zone).and_then(|plan| plan.start(session));
            assert_eq!(got, expected, "{schedule:?} {session:?}");
        }
    }
}
