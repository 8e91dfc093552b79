//! How long pods took from their creation to their container running, where nobody measured it: fitted to the trace
//! itself, image by image, before any model of a platform is used.

use std::collections::BTreeMap;

use crate::platform::{Defaults, Images, Startup};
use crate::sim::PullRates;
use crate::trace::{SourcePlatform, StartUp, StartUpSource, Word, Words};
use crate::units::Span;

/// From so many tasks on, the shortest of them say what a task takes that does nothing.
const ENOUGH_TASKS: usize = 20;
/// In percent. The very shortest may have failed in a way that nobody saw.
const SHORTEST: usize = 5;
/// No image takes longer to start: where even the shortest tasks do, all of them work.
const LONGEST: Span = Span::from_secs(300);
/// A node that is there takes so long to start a container whose image it has.
const WARM_NODE: Span = Span::from_secs(5);

/// What is known of one row's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub image: Word,
    /// Creation to container running, of the pod's own status.
    pub measured: Option<Span>,
    /// Creation to half a step before the first point of metrics, where points are close.
    pub bounded: Option<Span>,
    /// Creation to the orchestrator's notice, of a task that succeeded.
    pub span: Option<Span>,
}

/// Start-up times by image.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    by_image: BTreeMap<Word, StartUp>,
    other: StartUp,
}

impl Fit {
    /// `given` goes before everything; `platform` is what the pods ran on, if that is known.
    pub fn new(
        samples: &[Sample],
        words: &Words,
        given: Option<Span>,
        lag: Span,
        platform: Option<SourcePlatform>,
    ) -> Self {
        let entry = |image: &str, value: Span, how, from: usize| StartUp {
            image: image.to_owned(),
            value,
            how,
            from: from as u64,
            used: 0,
        };
        if let Some(value) = given {
            return Self { by_image: BTreeMap::new(), other: entry("", value, StartUpSource::Given, 0) };
        }
        let mut measured: BTreeMap<Word, Vec<Span>> = BTreeMap::new();
        let mut bounded: BTreeMap<Word, Vec<Span>> = BTreeMap::new();
        let mut spans: BTreeMap<Word, Vec<Span>> = BTreeMap::new();
        for sample in samples {
            let image = sample.image;
            measured.entry(image).or_default().extend(sample.measured);
            bounded.entry(image).or_default().extend(sample.bounded);
            spans.entry(image).or_default().extend(sample.span);
        }
        let pool = |by_image: &BTreeMap<Word, Vec<Span>>| by_image.values().flatten().copied().collect();
        let mut all_measured: Vec<Span> = pool(&measured);
        let mut all_bounded: Vec<Span> = pool(&bounded);
        let mut all_spans: Vec<Span> = pool(&spans);
        let mut by_image = BTreeMap::new();
        // Rows that name no image are like all others.
        for (image, times) in measured.iter_mut().filter(|(image, _)| !image.is_empty()) {
            let name = words.get(*image);
            let count = times.len();
            if let Some(value) = percentile(times, 50) {
                by_image.insert(*image, entry(name, value, StartUpSource::Measured, count));
            } else if let Some(times) = bounded.get_mut(image)
                && let Some(value) = percentile(times, 50)
            {
                by_image.insert(*image, entry(name, value, StartUpSource::Points, times.len()));
            } else if let Some(spans) = spans.get_mut(image)
                && let Some(value) = shortest(spans, lag)
            {
                by_image.insert(*image, entry(name, value, StartUpSource::Shortest, spans.len()));
            }
        }
        let (measured, bounded, spans) = (all_measured.len(), all_bounded.len(), all_spans.len());
        let other = if let Some(value) = percentile(&mut all_measured, 50) {
            entry("", value, StartUpSource::MeasuredOfAll, measured)
        } else if let Some(value) = percentile(&mut all_bounded, 50) {
            entry("", value, StartUpSource::PointsOfAll, bounded)
        } else if let Some(value) = shortest(&mut all_spans, lag) {
            entry("", value, StartUpSource::ShortestOfAll, spans)
        } else if let Some(value) = platform.and_then(of_platform) {
            entry("", value, StartUpSource::Platform, 0)
        } else {
            entry("", Span::ZERO, StartUpSource::Nothing, 0)
        };
        Self { by_image, other }
    }

    /// The start-up of a row with this image; `None` if nothing is known.
    pub fn of(&mut self, image: Word) -> Option<Span> {
        let entry = self.by_image.get_mut(&image).unwrap_or(&mut self.other);
        entry.used += 1;
        (entry.how != StartUpSource::Nothing).then_some(entry.value)
    }

    /// What was used, images in order of their names.
    pub fn used(self) -> Vec<StartUp> {
        let mut used: Vec<StartUp> =
            self.by_image.into_values().chain([self.other]).filter(|entry| entry.used > 0).collect();
        used.sort_by(|a, b| (a.image.is_empty(), &a.image).cmp(&(b.image.is_empty(), &b.image)));
        used
    }
}

/// The span that `percent` of all do not exceed, by nearest rank.
fn percentile(spans: &mut [Span], percent: usize) -> Option<Span> {
    spans.sort_unstable();
    let rank = (spans.len() * percent).div_ceil(100).max(1);
    spans.get(rank - 1).copied()
}

/// What is left of the shortest spans without the lag; `None` if there are too few of them, or all tasks work alike or
/// long: then the shortest of them work, too.
fn shortest(spans: &mut [Span], lag: Span) -> Option<Span> {
    if spans.len() < ENOUGH_TASKS {
        return None;
    }
    let (short, median) = (percentile(spans, SHORTEST)?, percentile(spans, 50)?);
    let value = (short - lag).max(Span::ZERO);
    (value <= LONGEST && 3 * short.ms() <= 2 * median.ms()).then_some(value)
}

/// What a simulated pod with the default image takes there; `None` where nothing is known of the platform.
pub(crate) fn of_platform(platform: SourcePlatform) -> Option<Span> {
    let (startup, images) = (Startup::default(), Images::default());
    let pull = PullRates::new(&images, images.network_rate).alone(Defaults::default().image_size);
    match platform {
        SourcePlatform::Fargate | SourcePlatform::Ecs => {
            Some(startup.fargate_register.median + startup.container_create.median + pull)
        }
        SourcePlatform::Ec2 | SourcePlatform::Spot => Some(WARM_NODE + pull),
        SourcePlatform::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(image: Word, seconds: i64) -> Sample {
        Sample { image, measured: None, bounded: None, span: Some(Span::from_secs(seconds)) }
    }

    fn measured(image: Word, seconds: i64) -> Sample {
        Sample { image, measured: Some(Span::from_secs(seconds)), bounded: None, span: None }
    }

    fn bounded(image: Word, seconds: i64) -> Sample {
        Sample { image, measured: None, bounded: Some(Span::from_secs(seconds)), span: None }
    }

    #[test]
    fn the_best_evidence_of_each_image_is_used() {
        let mut words = Words::default();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| words.intern(name));
        let mut samples = vec![measured(a, 30), measured(a, 90), measured(a, 40), span(a, 1)];
        // b: 40 tasks of 51, 53 … 129 s. Rank ⌈40 · 5 %⌉ = 2: 53 s, less 6 s of lag; the median of 89 s is far above.
        samples.extend((0..40).map(|n| span(b, 51 + 2 * n)));
        // c: 19 tasks are one too few. d: 20 tasks, of which rank 1 is longer than any start-up.
        samples.extend((0..19).map(|_| span(c, 20)));
        samples.extend((0..20).map(|_| span(d, 307)));
        let mut fit = Fit::new(&samples, &words, None, Span::from_secs(6), Some(SourcePlatform::Fargate));
        let cases = [
            (a, 40, StartUpSource::Measured, 3),
            (b, 47, StartUpSource::Shortest, 40),
            // The median of all three that were measured.
            (c, 40, StartUpSource::MeasuredOfAll, 3),
            (d, 40, StartUpSource::MeasuredOfAll, 3),
        ];
        for (image, seconds, ..) in cases {
            assert_eq!(fit.of(image), Some(Span::from_secs(seconds)), "{}", words.get(image));
        }
        let used: Vec<_> =
            fit.used().into_iter().map(|entry| (entry.image, entry.how, entry.from, entry.used)).collect();
        let expected = [
            ("a".to_owned(), StartUpSource::Measured, 3, 1),
            ("b".to_owned(), StartUpSource::Shortest, 40, 1),
            (String::new(), StartUpSource::MeasuredOfAll, 3, 2),
        ];
        assert_eq!(used, expected);
    }

    #[test]
    fn a_start_between_points_goes_after_a_measured_one_and_before_the_shortest_spans() {
        let mut words = Words::default();
        let [a, b, c] = ["a", "b", "c"].map(|name| words.intern(name));
        let lag = Span::from_secs(6);
        let mut samples = vec![bounded(a, 50), bounded(a, 70), bounded(a, 60)];
        samples.extend((0..20).map(|_| span(a, 20)));
        let mut fit = Fit::new(&samples, &words, None, lag, None);
        // c has no sample: the same three say it. Without them it would be 20 s - 6 s.
        assert_eq!([a, c].map(|image| fit.of(image)), [Some(Span::from_secs(60)); 2]);
        let how: Vec<_> = fit.used().into_iter().map(|entry| (entry.how, entry.from)).collect();
        assert_eq!(how, [(StartUpSource::Points, 3), (StartUpSource::PointsOfAll, 3)]);
        samples.extend([measured(b, 30), measured(a, 40)]);
        let mut fit = Fit::new(&samples, &words, None, lag, None);
        // Of 30 s and 40 s, rank ⌈2 · 50 %⌉ = 1.
        assert_eq!([a, b, c].map(|image| fit.of(image).unwrap().ms() / 1_000), [40, 30, 30]);
    }

    #[test]
    fn without_a_sample_of_the_image_all_tasks_say_it_and_then_the_platform() {
        let mut words = Words::default();
        let [a, b] = ["a", "b"].map(|name| words.intern(name));
        let lag = Span::from_secs(6);
        // 12 + 8 tasks: rank ⌈20 · 5 %⌉ = 1 is 30 s, less 6 s.
        let both: Vec<_> =
            (0..12).map(|n| span(a, 30 + 4 * n)).chain((0..8).map(|n| span(b, 60 + n))).collect();
        let mut fit = Fit::new(&both, &words, None, lag, None);
        assert_eq!(fit.of(b), Some(Span::from_secs(24)));
        assert_eq!(fit.used()[0].how, StartUpSource::ShortestOfAll);
        // One fewer are too few: Fargate's model has 45 s to register, 1 s to create the container, and the pull.
        let pull = of_platform(SourcePlatform::Ec2).unwrap() - WARM_NODE;
        let mut fit = Fit::new(&both[1..], &words, None, lag, Some(SourcePlatform::Fargate));
        assert_eq!(fit.of(b), Some(Span::from_secs(46) + pull));
        let mut fit = Fit::new(&both[1..], &words, None, lag, None);
        assert_eq!(fit.of(b), None);
        let mut fit = Fit::new(&both, &words, Some(Span::from_secs(7)), lag, None);
        assert_eq!(fit.of(b), Some(Span::from_secs(7)));
    }

    #[test]
    fn start_up_is_never_negative() {
        let words = Words::default();
        let samples: Vec<_> = (2..22).map(|seconds| span(Word::EMPTY, seconds)).collect();
        let mut fit = Fit::new(&samples, &words, None, Span::from_secs(6), None);
        assert_eq!(fit.of(Word::EMPTY), Some(Span::ZERO));
    }

    #[test]
    fn tasks_that_all_take_as_long_say_nothing_of_their_start() {
        // The only task of an image, thirty times some 195 s: what it does nobody knows, but it is not nothing.
        let words = Words::default();
        let samples: Vec<_> = (0..30).map(|n| span(Word::EMPTY, 190 + n % 10)).collect();
        let lag = Span::from_secs(6);
        let mut fit = Fit::new(&samples, &words, None, lag, Some(SourcePlatform::Fargate));
        assert_eq!(fit.of(Word::EMPTY), of_platform(SourcePlatform::Fargate));
        assert_eq!(Fit::new(&samples, &words, None, lag, None).of(Word::EMPTY), None);
    }
}
