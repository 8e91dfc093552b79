//! Answers of v2: timeseries with times beside the values, and scalars, which are one number for each group.
//!
//! They do not name their metric, only the index of its query. The request beside the answer does; else the user or
//! the name of the file; else nanocores can only be the usage of CPU, and everything else is refused: bytes may be
//! usage as well as requests, and taking one for the other would size pods wrongly without a sign of it.

use serde::Deserialize;

use super::answer::{Stamp, named, step};
use super::metrics::Metric;
use super::sink::{Series, Sink};
use super::tags::Tags;
use super::units::{self, Units};
use crate::import::pods::Statistic;

/// Under `data`.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    attributes: Option<Attributes>,
}

/// Of an answer, or of a request that stands in the same file.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    series: Option<Vec<V2Series>>,
    times: Option<Vec<Stamp>>,
    values: Option<Vec<Vec<Option<f64>>>>,
    columns: Option<Vec<Column>>,
    queries: Option<Vec<Query>>,
    formulas: Option<Vec<Formula>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct V2Series {
    group_tags: Option<Vec<String>>,
    query_index: Option<usize>,
    unit: Units,
}

#[derive(Deserialize)]
struct Column {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    values: Vec<Cell>,
    #[serde(default)]
    meta: Option<ColumnMeta>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ColumnMeta {
    unit: Units,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Cell {
    Number(f64),
    Group(Vec<String>),
    Text(String),
    None(()),
}

/// What was asked: `{"data":{"attributes":{"queries":[…],"formulas":[…]}}}`.
#[derive(Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    data: Option<Answer>,
}

impl Envelope {
    pub fn request(self) -> Option<Request> {
        self.data?.attributes?.request()
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    queries: Vec<Query>,
    formulas: Vec<Formula>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    name: Option<String>,
    query: Option<String>,
    aggregator: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Formula {
    formula: String,
}

impl Attributes {
    fn request(&mut self) -> Option<Request> {
        let queries = self.queries.take()?;
        Some(Request { queries, formulas: self.formulas.take().unwrap_or_default() })
    }
}

impl Request {
    /// What a series is of. Indices count formulas where there are any, and a formula names its query.
    fn query(&self, index: usize) -> Option<&Query> {
        match self.formulas.get(index) {
            Some(formula) => self.of_name(&formula.formula),
            None if self.formulas.is_empty() => self.queries.get(index),
            None => None,
        }
    }

    fn of_name(&self, name: &str) -> Option<&Query> {
        self.queries.iter().find(|query| query.name.as_deref() == Some(name.trim()))
    }
}

/// Takes in what `answer` has; a request is kept for the answers after it.
pub(super) fn read(
    answer: Answer,
    request: &mut Option<Request>,
    query: Option<&str>,
    sink: &mut Sink,
) -> Result<(), String> {
    let Some(mut attributes) = answer.attributes else { return Ok(()) };
    if let Some(asked) = attributes.request() {
        *request = Some(asked);
    }
    if let Some(columns) = attributes.columns {
        return scalars(&columns, request.as_ref(), query, sink);
    }
    let Some(list) = attributes.series else { return Ok(()) };
    let (times, values) = (attributes.times.unwrap_or_default(), attributes.values.unwrap_or_default());
    if list.len() != values.len() {
        return Err(format!("there are {} series and {} lists of values", list.len(), values.len()));
    }
    if list.is_empty() {
        sink.empty_answers += 1;
    }
    for (number, (series, values)) in list.into_iter().zip(values).enumerate() {
        if values.len() != times.len() {
            return Err(format!(
                "series {number} has {} values, and there are {} times",
                values.len(),
                times.len()
            ));
        }
        let tags = series.group_tags.unwrap_or_default();
        let tags = Tags::of(tags.iter().map(String::as_str));
        if !sink.has_pod(&tags) {
            continue;
        }
        let unit = units::name(&series.unit);
        let asked = request.as_ref().and_then(|request| request.query(series.query_index.unwrap_or(0)));
        let text = asked.and_then(|query| query.query.as_deref()).or(query);
        let Some(metric) = metric_of(text, request.is_some(), None, unit, sink)? else { continue };
        let points =
            times.iter().zip(&values).filter_map(|(time, value)| Some((time.0, (*value)?))).collect();
        let step = step(times.iter().map(|time| time.0));
        sink.series(Series { metric, tags, unit, points, step, query: text })?;
    }
    Ok(())
}

fn scalars(
    columns: &[Column],
    request: Option<&Request>,
    query: Option<&str>,
    sink: &mut Sink,
) -> Result<(), String> {
    let groups: Vec<&Column> = columns.iter().filter(|column| column.kind == "group").collect();
    let rows = columns.iter().map(|column| column.values.len()).max().unwrap_or(0);
    if let Some(column) = columns.iter().find(|column| column.values.len() != rows) {
        return Err(format!("the column {} has {} values, others {rows}", column.name, column.values.len()));
    }
    for row in 0..rows {
        let tags: Vec<String> = groups
            .iter()
            .filter_map(|column| match &column.values[row] {
                Cell::Group(values) => values.first().map(|value| format!("{}:{value}", column.name)),
                Cell::Text(value) => Some(format!("{}:{value}", column.name)),
                Cell::Number(_) | Cell::None(()) => None,
            })
            .collect();
        let tags = Tags::of(tags.iter().map(String::as_str));
        if !sink.has_pod(&tags) {
            continue;
        }
        let numbers = columns.iter().filter(|column| column.kind != "group");
        for (index, column) in numbers.enumerate() {
            let Cell::Number(value) = column.values[row] else { continue };
            let unit = column.meta.as_ref().and_then(|meta| units::name(&meta.unit));
            let asked =
                request.and_then(|request| request.of_name(&column.name).or_else(|| request.query(index)));
            let text = asked.and_then(|query| query.query.as_deref()).or(query);
            let Some(metric) = metric_of(text, request.is_some(), Some(&column.name), unit, sink)? else {
                continue;
            };
            if let Some(doubt) = text.and_then(|text| super::query::doubt(metric, text)) {
                sink.draft.pods.notes.insert(doubt);
            }
            let statistic = match asked.and_then(|query| query.aggregator.as_deref()) {
                None | Some("avg" | "mean") => Statistic::Average,
                Some("max") => Statistic::Maximum,
                Some(other) => {
                    sink.unknown(&format!("{} as {other} over time", metric.name));
                    continue;
                }
            };
            sink.scalar(metric, &tags, unit, statistic, value)?;
        }
    }
    Ok(())
}

/// The metric of a series or column; none if it is known and says nothing of pods.
fn metric_of(
    query: Option<&str>,
    is_asked: bool,
    column: Option<&str>,
    unit: Option<&str>,
    sink: &mut Sink,
) -> Result<Option<&'static Metric>, String> {
    if let Some(query) = query {
        let metric = named(query);
        if metric.is_none() {
            sink.unknown(query);
        }
        return Ok(metric);
    }
    if let Some(metric) = column.and_then(named).or(sink.metric) {
        return Ok(Some(metric));
    }
    if is_asked {
        sink.unknown("(a formula)");
        return Ok(None);
    }
    match unit {
        Some("nanocore") => Ok(Metric::of_name("kubernetes.cpu.usage.total")),
        unit => Err(format!(
            "the answer does not say of which metric it is, and {} can be of several: give --metric, or name the \
             file after the metric, such as kubernetes.memory.working_set.json",
            unit.map_or("a series without a unit".to_owned(), |unit| format!("a series in {unit}s"))
        )),
    }
}
