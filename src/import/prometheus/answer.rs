//! Answers in JSON, one or many in a file, series by series as they stream by: whole answers, their `data`, or the list
//! of results alone.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::labels::Labels;
use super::metrics::{METRICS, Meaning, meaning};
use super::sink::{self, Series};
use crate::error::Result;
use crate::import::draft::Draft;
use crate::import::text::{self, Keys, Mark, Origin};
use crate::import::{Format, Options};
use crate::trace::open::Text;
use crate::units::{Span, Time};

pub(super) fn read(text: Text, draft: &mut Draft, options: &Options) -> Result<()> {
    let origin = Origin::of(&text);
    let said = match &options.metric {
        Some(name) => Some(meaning(name).ok_or_else(|| {
            let known: Vec<&str> = METRICS.iter().map(|metric| metric.0).collect();
            origin
                .diagnostic(format!("the metric {name} says nothing of pods that is understood"))
                .hint(format!("the metrics are {}", known.join(", ")))
        })?),
        None => meaning(origin.name.rsplit(['/', '\\']).next().unwrap_or_default()),
    };
    let mut file = File { draft, said, nameless: 0, with_pod: 0, without_pod: 0, errors: Vec::new() };
    text::json_documents(text, |json, mark| Node { file: &mut file, mark }.deserialize(json))?;
    let File { draft, nameless, with_pod, without_pod, errors, .. } = file;
    if let Some(message) = errors.into_iter().next() {
        return Err(origin
            .diagnostic(format!("this is no answer but an error of Prometheus: {message}"))
            .hint("mend the query, and export it again")
            .into());
    }
    if nameless > 0 {
        return Err(origin
            .diagnostic(format!("{nameless} series do not say of which metric they are"))
            .hint(
                "aggregations such as sum by (pod) drop the name: give --metric, or name the file after the metric, \
                 such as container_memory_working_set_bytes.json; rate_container_cpu_usage_seconds_total.json for a rate",
            )
            .into());
    }
    if with_pod == 0 && without_pod > 0 {
        return Err(origin
            .diagnostic("no series has the label pod, so nothing here can be joined to pods")
            .hint("keep it in aggregations: sum by (namespace, pod, container) (…)")
            .into());
    }
    for _ in 0..without_pod {
        draft.drop(Format::Prometheus, "series without the label pod");
    }
    Ok(())
}

struct File<'d> {
    draft: &'d mut Draft,
    /// What the user or the file's name says of series without a name.
    said: Option<Meaning>,
    nameless: u64,
    with_pod: u64,
    without_pod: u64,
    errors: Vec<String>,
}

/// An answer, its data, a series, or a list of any of them.
struct Node<'s, 'd> {
    file: &'s mut File<'d>,
    mark: &'s Mark,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an answer to a query: series with metric and values")
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        let Self { file, mark } = self;
        loop {
            mark.record();
            if list.next_element_seed(Node { file, mark })?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<(), A::Error> {
        let Self { file, mark } = self;
        let mut seen = Keys::default();
        let mut labels: Option<BTreeMap<String, String>> = None;
        let mut points: Option<Vec<Point>> = None;
        let (mut values, mut timestamps) = (None, None);
        let (mut failed, mut message, mut has_histogram) = (false, None, false);
        while let Some(key) = fields.next_key::<String>()? {
            seen.add(&key).map_err(A::Error::custom)?;
            match key.as_str() {
                "status" => failed = fields.next_value::<String>()? == "error",
                "error" => message = Some(fields.next_value::<String>()?),
                "data" | "result" => fields.next_value_seed(Node { file, mark })?,
                "resultType" => {
                    let kind = fields.next_value::<String>()?;
                    if kind != "matrix" && kind != "vector" {
                        return Err(A::Error::custom(format!(
                            "the result is a {kind}, which has no series of pods: a matrix or a vector is needed"
                        )));
                    }
                }
                "metric" => labels = Some(fields.next_value()?),
                "values" => match fields.next_value()? {
                    Values::Points(all) => points = Some(all),
                    Values::Bare(all) => values = Some(all),
                },
                "timestamps" => timestamps = Some(fields.next_value::<Vec<f64>>()?),
                "value" => points = Some(vec![fields.next_value()?]),
                _ => {
                    has_histogram |= key.starts_with("histogram");
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        if failed || message.is_some() {
            file.errors.push(message.unwrap_or_else(|| "its status is error".to_owned()));
        }
        // Series without points say nothing in either form.
        if let Some(values) = values {
            let timestamps = timestamps.unwrap_or_default();
            points = Some(zip(&values, &timestamps).map_err(A::Error::custom)?);
        }
        match (labels, points) {
            (Some(labels), Some(points)) => file.series(Labels(labels), &points),
            (Some(_), None) if !has_histogram => {
                return Err(A::Error::custom("a series has neither values nor value"));
            }
            _ => {}
        }
        Ok(())
    }
}

impl File<'_> {
    fn series(&mut self, labels: Labels, points: &[Point]) {
        if labels.pod().is_empty() {
            self.without_pod += 1;
            return;
        }
        self.with_pod += 1;
        let name = labels.get("__name__");
        let meaning = if name.is_empty() { self.said } else { meaning(name) };
        let Some(meaning) = meaning else {
            if name.is_empty() {
                self.nameless += 1;
            } else {
                self.draft.pods.unknown_metric(name);
            }
            return;
        };
        let steps = points.windows(2).map(|pair| Span::from_ms((pair[1].time - pair[0].time).ms().abs()));
        let step = steps.filter(|step| *step > Span::ZERO).min();
        let points = points.iter().filter_map(|point| Some((point.time, point.value?))).collect();
        sink::take(Series { labels, meaning, points, step }, self.draft);
    }
}

/// The values of a series: points, or of VictoriaMetrics' `/api/v1/export` numbers, whose times (ms) are `timestamps`.
enum Values {
    Points(Vec<Point>),
    Bare(Vec<Option<f64>>),
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_seq(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Values, A::Error> {
        let (mut points, mut bare) = (Vec::new(), Vec::new());
        while let Some(value) = list.next_element::<Value>()? {
            match value {
                Value::Point(point) => points.push(point),
                Value::Bare(value) => bare.push(value),
            }
        }
        match (points.is_empty(), bare.is_empty()) {
            (_, true) => Ok(Values::Points(points)),
            (true, false) => Ok(Values::Bare(bare)),
            (false, false) => Err(A::Error::custom("values are both points and numbers without times")),
        }
    }
}

enum Value {
    Point(Point),
    Bare(Option<f64>),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a point [time, \"value\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> std::result::Result<Value, A::Error> {
        Point::deserialize(serde::de::value::SeqAccessDeserializer::new(list)).map(Value::Point)
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(Value::Bare(Some(value)))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(Value::Bare(Some(value as f64)))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::Bare(Some(value as f64)))
    }

    /// What is no number, such as the infinities.
    fn visit_str<E>(self, _: &str) -> std::result::Result<Value, E> {
        Ok(Value::Bare(None))
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Bare(None))
    }
}

/// Values with their times in milliseconds.
fn zip(values: &[Option<f64>], timestamps: &[f64]) -> std::result::Result<Vec<Point>, String> {
    if values.len() != timestamps.len() {
        return Err(format!("a series has {} values and {} timestamps", values.len(), timestamps.len()));
    }
    let point = |(value, ms): (&Option<f64>, &f64)| {
        if !(0.0..7_289_654_400_000.0).contains(ms) {
            return Err("a timestamp is out of range: milliseconds from 1970 to 2200 are expected".to_owned());
        }
        Ok(Point { time: Time::from_ms(*ms as i64), value: *value })
    };
    values.iter().zip(timestamps).map(point).collect()
}

/// `[1641343852.781, "0.25"]`; values that are no finite numbers are none.
struct Point {
    time: Time,
    value: Option<f64>,
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (seconds, text) = <(f64, String)>::deserialize(deserializer)?;
        if !(0.0..7_289_654_400.0).contains(&seconds) {
            return Err(D::Error::custom(
                "a time of a point is out of range: seconds from 1970 to 2200 are expected",
            ));
        }
        // Rust reads NaN, Inf and +Inf as Prometheus writes them.
        let value: f64 = text
            .parse()
            .map_err(|_| D::Error::custom(format!("the value {text:?} of a point is no number")))?;
        let time = Time::from_ms((seconds * 1_000.0).round() as i64);
        Ok(Self { time, value: Some(value).filter(|value| value.is_finite()) })
    }
}
