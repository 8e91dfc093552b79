//! What series tell of one pod, by container, until all files are read.

use std::collections::BTreeMap;

use super::points::Points;
use super::{Level, Measure};
use crate::trace::{State, Word};
use crate::units::{Span, Time};

/// Which container of the pod, and what else tells series of it apart (an id, an image): those are added up. The
/// empty container stands for series of the whole pod.
pub(in crate::import) type Part = (Word, Word);

/// How points over a time were made one number by who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::import) enum Statistic {
    Average,
    Maximum,
}

#[derive(Clone, Debug, Default)]
pub(in crate::import) struct Series {
    pub(super) usage: BTreeMap<(Measure, Part), Points>,
    /// With the rank of the source, the smallest of which is believed, and the time of the last point.
    pub(super) levels: BTreeMap<(Level, u8, Part), (Time, f64)>,
    /// Answers without times.
    pub(super) scalars: BTreeMap<(Measure, Statistic, Part), f64>,
    pub(super) containers: BTreeMap<Word, Life>,
    /// The latest that t - age was, and t - uptime: never later than the truth, and a step earlier at most.
    pub(super) created: Option<Time>,
    pub(super) scheduled: Option<Time>,
    /// When the kubelet took it: a moment after it was scheduled.
    pub(super) acknowledged: Option<Time>,
    /// Of events: when the scheduler bound the pod, when the last container started, and how long the image of each
    /// container was pulled.
    pub event_scheduled: Option<Time>,
    pub event_started: Option<Time>,
    pub pulls: BTreeMap<String, Span>,
    pub(super) state: Option<(Time, State)>,
    pub(super) reason: Option<(Time, String)>,
}

/// One container, as far as series tell of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub first: Option<Time>,
    pub last: Option<Time>,
    pub step: Option<Span>,
    /// Of its last run.
    pub started: Option<Time>,
    /// The last point, and for how long it had run then.
    pub uptime: Option<(Time, Span)>,
    pub reason: Option<(Time, String)>,
    pub image: Option<String>,
}

impl Life {
    pub(super) fn see(&mut self, time: Time) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    fn step(&mut self, step: Option<Span>) {
        self.step = [self.step, step].into_iter().flatten().min();
    }
}

impl Series {
    /// Points of usage, in millicores, CPU-seconds or MiB; `step` is the time between two of them.
    pub fn usage(&mut self, measure: Measure, part: Part, points: &[(Time, f64)], step: Option<Span>) {
        if points.is_empty() {
            return;
        }
        let kept = self.usage.entry((measure, part)).or_default();
        let life = self.containers.entry(part.0).or_default();
        life.step(step);
        for (time, value) in points {
            kept.push(time.ms(), *value);
            life.see(*time);
        }
    }

    /// One number for usage over a time that is not said.
    pub fn scalar(&mut self, measure: Measure, statistic: Statistic, part: Part, value: f64) {
        self.scalars.insert((measure, statistic, part), value);
    }

    /// Times at which a container was seen running.
    pub fn alive(&mut self, container: Word, times: impl Iterator<Item = Time>, step: Option<Span>) {
        let life = self.containers.entry(container).or_default();
        life.step(step);
        times.for_each(|time| life.see(time));
    }

    /// How long a container had been running at a time.
    pub fn uptime(&mut self, container: Word, points: &[(Time, f64)], step: Option<Span>) {
        self.alive(container, points.iter().map(|point| point.0), step);
        let life = self.containers.entry(container).or_default();
        for (time, seconds) in points {
            let Some(uptime) = Span::from_secs_f64(*seconds) else { continue };
            if life.uptime.is_none_or(|(last, _)| last <= *time) {
                life.uptime = Some((*time, uptime));
            }
        }
    }

    /// A request, limit or capacity: of several points the last one that is not zero.
    pub fn level(&mut self, level: Level, rank: u8, part: Part, points: &[(Time, f64)]) {
        let Some(last) = points.iter().rev().find(|point| point.1 > 0.0) else { return };
        let kept = self.levels.entry((level, rank, part)).or_insert(*last);
        if kept.0 <= last.0 {
            *kept = *last;
        }
    }

    /// Seconds since the pod was created.
    pub fn age(&mut self, points: &[(Time, f64)]) {
        self.created = self.created.max(latest_origin(points));
    }

    /// Seconds since the kubelet took it.
    pub fn pod_uptime(&mut self, points: &[(Time, f64)]) {
        self.scheduled = self.scheduled.max(latest_origin(points));
    }

    /// When the kubelet took the pod, exactly.
    pub fn acknowledged(&mut self, time: Option<Time>) {
        self.acknowledged = self.acknowledged.max(time);
    }

    /// When the last run of a container started.
    pub fn started(&mut self, container: Word, time: Time) {
        let life = self.containers.entry(container).or_default();
        life.started = life.started.max(Some(time));
    }

    pub fn image(&mut self, container: Word, image: &str) {
        self.containers.entry(container).or_default().image.get_or_insert_with(|| image.to_owned());
    }

    /// How a container ended, as seen at a time.
    pub fn terminated(&mut self, container: Word, time: Time, reason: &str) {
        let life = self.containers.entry(container).or_default();
        if life.reason.as_ref().is_none_or(|(seen, _)| *seen <= time) {
            life.reason = Some((time, reason.to_owned()));
        }
    }

    /// The state of the pod at a time.
    pub fn state(&mut self, time: Time, state: State) {
        if self.state.is_none_or(|(seen, _)| seen <= time) {
            self.state = Some((time, state));
        }
    }

    /// Why the pod ended, as seen at a time.
    pub fn reason(&mut self, time: Time, reason: &str) {
        if self.reason.as_ref().is_none_or(|(seen, _)| *seen <= time) {
            self.reason = Some((time, reason.to_owned()));
        }
    }

    /// Takes in what was told of the same pod under another key.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, points) in other.usage {
            self.usage.entry(key).or_default().append(points);
        }
        for ((level, rank, part), last) in other.levels {
            self.level(level, rank, part, &[last]);
        }
        self.scalars.extend(other.scalars);
        for (container, told) in other.containers {
            let life = self.containers.entry(container).or_default();
            [told.first, told.last].into_iter().flatten().for_each(|time| life.see(time));
            life.step(told.step);
            life.started = life.started.max(told.started);
            life.uptime = life.uptime.max(told.uptime);
            life.image = life.image.take().or(told.image);
            life.reason = life.reason.take().max(told.reason);
        }
        self.created = self.created.max(other.created);
        self.scheduled = self.scheduled.max(other.scheduled);
        self.acknowledged = self.acknowledged.max(other.acknowledged);
        self.event_scheduled = self.event_scheduled.max(other.event_scheduled);
        self.event_started = self.event_started.max(other.event_started);
        self.pulls.extend(other.pulls);
        if let Some((time, state)) = other.state {
            self.state(time, state);
        }
        self.reason = self.reason.take().max(other.reason);
    }
}

fn latest_origin(points: &[(Time, f64)]) -> Option<Time> {
    let origin = |(time, seconds): &(Time, f64)| Some(*time - Span::from_secs_f64(*seconds)?);
    points.iter().filter_map(origin).filter(|time| time.ms() >= 0).max()
}
