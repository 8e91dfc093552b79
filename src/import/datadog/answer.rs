//! Answers in JSON, one or many in a file: of v1 series by series as they stream by, of v2 answer by answer.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::metrics::Metric;
use super::sink::{Series, Sink};
use super::tags::Tags;
use super::units::{self, Units};
use super::v2;
use crate::error::Result;
use crate::import::Options;
use crate::import::draft::Draft;
use crate::import::text::{self, Keys, Mark, Origin};
use crate::trace::open::Text;
use crate::units::{Span, Time};

/// 2001: there was no Datadog before, and seconds since the epoch are smaller until far beyond [`TOO_LATE_MS`].
const TOO_EARLY_MS: f64 = 1e12;

/// 2201, as for times in traces.
const TOO_LATE_MS: f64 = 7_289_654_400_000.0;

pub(super) fn read(text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let mut sink = Sink::new(draft, Origin::of(&text), options)?;
    // A request that stands before its answer says which metrics that has.
    let mut request = None;
    let mut errors = Vec::new();
    text::json_documents(text, |json, mark| {
        Answers { sink: &mut sink, mark, request: &mut request, errors: &mut errors }.deserialize(json)
    })?;
    if let Some(message) = errors.into_iter().next() {
        return Err(sink
            .origin
            .diagnostic(format!("this is no answer but an error of Datadog: {message}"))
            .hint("mend the query or the keys, and export it again")
            .into());
    }
    if !sink.has_answer {
        return Err(sink
            .origin
            .diagnostic("this has no series, as answers to metrics queries have")
            .hint("leave out --from, or see cost-sim import --how datadog")
            .into());
    }
    sink.finish()
}

/// An answer, or a list of them.
struct Answers<'s, 'd> {
    sink: &'s mut Sink<'d>,
    mark: &'s Mark,
    request: &'s mut Option<v2::Request>,
    errors: &'s mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Answers<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Answers<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an answer to a metrics query, or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut answers: A) -> std::result::Result<(), A::Error> {
        let Self { sink, mark, request, errors } = self;
        loop {
            mark.record();
            let answer = Answers { sink, mark, request, errors };
            if answers.next_element_seed(answer)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<(), A::Error> {
        let Self { sink, mark, request, errors } = self;
        let mut answer: Option<v2::Answer> = None;
        let mut seen = Keys::default();
        let (mut failed, mut messages) = (false, Vec::new());
        let mut query: Option<String> = None;
        let mut doubted = None;
        while let Some(key) = fields.next_key::<String>()? {
            seen.add(&key).map_err(A::Error::custom)?;
            sink.has_answer |= matches!(key.as_str(), "series" | "data");
            match key.as_str() {
                "series" => {
                    let series = fields.next_value_seed(V1 { sink, mark, query: query.as_deref() })?;
                    doubted = series.filter(|_| query.is_none());
                }
                "query" => query = fields.next_value::<Loose>()?.text(),
                "data" => answer = fields.next_value()?,
                "request" => *request = fields.next_value::<v2::Envelope>()?.request(),
                "response" => fields.next_value_seed(Answers { sink, mark, request, errors })?,
                "error" | "errors" => messages.extend(fields.next_value::<Loose>()?.text()),
                "status" => failed = fields.next_value::<Loose>()?.text().as_deref() == Some("error"),
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        if failed && messages.is_empty() {
            messages.push("its status is error".to_owned());
        }
        errors.append(&mut messages);
        // The query may stand after the series.
        if let (Some(metric), Some(query)) = (doubted, &query)
            && let Some(doubt) = super::query::doubt(metric, query)
        {
            sink.draft.pods.notes.insert(doubt);
        }
        if let Some(answer) = answer {
            v2::read(answer, request, query.as_deref(), sink).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// What is looked at only if it is a text, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Text(String),
    Texts(Vec<String>),
    Other(IgnoredAny),
}

impl Loose {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text).filter(|text| !text.is_empty()),
            Self::Texts(texts) => Some(texts.join("; ")).filter(|text| !text.is_empty()),
            Self::Other(_) => None,
        }
    }
}

/// The series of an answer of v1. Gives a metric for which the query is to be looked at.
struct V1<'s, 'd> {
    sink: &'s mut Sink<'d>,
    mark: &'s Mark,
    query: Option<&'s str>,
}

impl<'de> DeserializeSeed<'de> for V1<'_, '_> {
    type Value = Option<&'static Metric>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for V1<'_, '_> {
    type Value = Option<&'static Metric>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self::Value, A::Error> {
        self.mark.record();
        let mut any = false;
        let mut found = None;
        while let Some(series) = list.next_element::<V1Series>()? {
            any = true;
            self.mark.record();
            found = take(series, self.sink, self.query).map_err(A::Error::custom)?.or(found);
        }
        if !any {
            self.sink.empty_answers += 1;
        }
        Ok(found)
    }
}

#[derive(Deserialize)]
struct V1Series {
    #[serde(default)]
    metric: Option<String>,
    #[serde(default)]
    expression: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    tag_set: Option<Vec<String>>,
    #[serde(default)]
    unit: Units,
    #[serde(default)]
    interval: Option<f64>,
    pointlist: Vec<(Stamp, Option<f64>)>,
}

fn take(
    series: V1Series,
    sink: &mut Sink,
    query: Option<&str>,
) -> std::result::Result<Option<&'static Metric>, String> {
    let V1Series { metric, expression, scope, tag_set, unit, interval, pointlist } = series;
    let tags = tag_set.unwrap_or_default();
    let scope = scope.unwrap_or_default();
    // The scope has what the query was limited to, the tags only what it is grouped by; the tags come first, since
    // values with commas are cut in the scope.
    let mut known: Vec<&str> = tags.iter().map(String::as_str).collect();
    let keys: std::collections::BTreeSet<&str> =
        known.iter().filter_map(|tag| Some(tag.split_once(':')?.0)).collect();
    let of_scope = scope.split(',').map(str::trim);
    known.extend(of_scope.filter(|tag| tag.split_once(':').is_some_and(|(key, _)| !keys.contains(key))));
    let tags = Tags::of(known);
    if !sink.has_pod(&tags) {
        return Ok(None);
    }
    let name = metric.as_deref().or(expression.as_deref()).unwrap_or_default();
    let Some(metric) = named(name).or(sink.metric.filter(|_| name.is_empty())) else {
        sink.unknown(if name.is_empty() { "(no name)" } else { name });
        return Ok(None);
    };
    let step = step(pointlist.iter().map(|point| point.0.0)).or(interval.and_then(step_of_interval));
    let points = pointlist.iter().filter_map(|(time, value)| Some((time.0, (*value)?))).collect();
    let query = expression.as_deref().filter(|text| text.contains(metric.name)).or(query);
    let unit = units::name(&unit);
    sink.series(Series { metric, tags, unit, points, step, query })?;
    Ok(Some(metric))
}

/// The metric that a series names, alone or in a query. In a formula it is another number than the metric's.
pub(super) fn named(name: &str) -> Option<&'static Metric> {
    Metric::of_name(name).or_else(|| {
        let outside = name.split('{').map(|part| part.rsplit_once('}').map_or(part, |(_, rest)| rest));
        let is_formula = outside.flat_map(str::chars).any(|c| "+-*/".contains(c));
        let is_rate = ["diff(", "per_second(", "derivative(", "cumsum(", "integral("];
        if is_formula || is_rate.iter().any(|function| name.contains(function)) {
            return None;
        }
        Metric::in_text(name)
    })
}

/// The time between two points: the shortest there is, gaps included.
pub(super) fn step(times: impl Iterator<Item = Time>) -> Option<Span> {
    let times: Vec<Time> = times.collect();
    times
        .windows(2)
        .map(|pair| Span::from_ms((pair[1] - pair[0]).ms().abs()))
        .filter(|step| *step > Span::ZERO)
        .min()
}

/// `interval` is documented as milliseconds, and recorded answers have seconds. Rollups divide a day.
fn step_of_interval(interval: f64) -> Option<Span> {
    let whole = interval as i64;
    match interval {
        _ if !(1.0..=86_400_000.0).contains(&interval) => None,
        _ if whole <= 86_400 && 86_400 % whole == 0 => Some(Span::from_secs(whole)),
        _ => Some(Span::from_ms(whole)),
    }
}

/// The time of a point in milliseconds since the epoch, which may be written as 1.6413441e12.
#[derive(Clone, Copy)]
pub(super) struct Stamp(pub Time);

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let ms = f64::deserialize(deserializer)?;
        if (TOO_EARLY_MS..TOO_LATE_MS).contains(&ms) {
            Ok(Self(Time::from_ms(ms as i64)))
        } else if (TOO_EARLY_MS / 1_000.0..TOO_EARLY_MS).contains(&ms) {
            Err(D::Error::custom(format!(
                "a time of a point, {ms}, is out of range: are these seconds? Milliseconds from 2001 to 2200 are \
                 expected, as Datadog answers them: multiply the times by 1000, or export the answer as it is"
            )))
        } else {
            Err(D::Error::custom(
                "a time of a point is out of range: milliseconds from 2001 to 2200 are expected",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_seconds_unless_no_rollup_is_so_long() {
        // Recorded: 300 for points 300,000 ms apart. Documented: 60,000 for a minute.
        assert_eq!(step_of_interval(300.0), Some(Span::from_secs(300)));
        assert_eq!(step_of_interval(60_000.0), Some(Span::from_secs(60)));
        assert_eq!(step_of_interval(15_000.0), Some(Span::from_secs(15)));
        assert_eq!(step_of_interval(3_600.0), Some(Span::from_secs(3_600)));
        assert_eq!(
            (step_of_interval(0.0), step_of_interval(f64::NAN), step_of_interval(-5.0)),
            (None, None, None)
        );
    }

    #[test]
    fn formulas_are_not_the_metric() {
        let name = |text: &str| named(text).map(|metric| metric.name);
        assert_eq!(name("kubernetes.cpu.usage.total"), Some("kubernetes.cpu.usage.total"));
        let query = "sum:kubernetes.cpu.usage.total{team:a-b} by {pod_name}";
        assert_eq!(name(query), Some("kubernetes.cpu.usage.total"));
        assert_eq!(name("(kubernetes.cpu.usage.total / 1000000)"), None);
        assert_eq!(name("per_second(container.uptime)"), None);
    }
}
