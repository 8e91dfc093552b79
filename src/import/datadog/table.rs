//! Tables of points: graphs and notebooks exported as CSV, and exports of the Log Explorer.
//!
//! There is no one header. A row may hold one value of one pod, a value for each of several metrics, or a value for
//! each of several series; a row without values, as a line of a log, says that its pod was alive then.

use super::answer::named;
use super::mapping::{Mapping, Role, usual};
use super::metrics::{METRICS, Metric};
use super::sink::{Series, Sink};
use super::tags::Tags;
use crate::error::Result;
use crate::import::draft::Draft;
use crate::import::text::Table;
use crate::import::{Options, Shape};
use crate::trace::open::Text;
use crate::trace::parse_time;
use crate::units::Time;

pub(super) fn recognise(header: &[String], first: &[String]) -> std::result::Result<(), String> {
    if usual(header, Role::Time).is_none() {
        return Err("is a table without a column time, timestamp or date".to_owned());
    }
    let in_header = header.iter().any(|name| name.contains("pod_name:"));
    let in_series =
        usual(header, Role::Series).and_then(|at| first.get(at)).is_some_and(|s| s.contains("pod_name:"));
    let has_values = usual(header, Role::Value).is_some() || header.iter().any(|name| named(name).is_some());
    let is_log = is_log(header);
    if in_header || (has_values && (in_series || usual(header, Role::Pod).is_some())) || is_log {
        return Ok(());
    }
    Err("is a table without a column pod_name, and without values of pods".to_owned())
}

/// What the Log Explorer exports.
fn is_log(header: &[String]) -> bool {
    ["Date", "Host", "Service"].iter().all(|name| header.iter().any(|column| column == name))
}

/// Where a row's values are.
struct Layout {
    time: usize,
    pod: Option<usize>,
    namespace: Option<usize>,
    container: Option<usize>,
    node: Option<usize>,
    series: Option<usize>,
    metric: Option<usize>,
    unit: Option<usize>,
    /// The metric and unit of all values.
    all: (Option<&'static Metric>, Option<String>),
    values: Vec<Value>,
}

/// A column of values, with what its header says.
struct Value {
    column: usize,
    metric: Option<&'static Metric>,
    tags: Option<Tags>,
    header: String,
}

pub(super) fn read(text: Text, head: &[u8], draft: &mut Draft, options: &Options) -> Result<()> {
    let tabs = matches!(Shape::of(head), Shape::Table { ref header, .. } if header.len() > 1)
        && !head.split(|byte| *byte == b'\n').next().unwrap_or_default().contains(&b',');
    let mut table = Table::new(text, if tabs { b'\t' } else { b',' })?;
    let origin = table.origin.clone();
    let mut sink = Sink::new(draft, origin, options)?;
    let layout = layout(&table, options.columns.as_ref(), sink.metric)
        .map_err(|(message, hint)| table.origin.diagnostic(message).line(1).hint(hint))?;
    let zone = options.read.timezone;
    while table.next()? {
        let text = table.get(Some(layout.time));
        let time = match time_of(text, zone) {
            Ok(time) => time,
            Err(message) => {
                let wrong = table.wrong(Some(layout.time), message);
                sink.draft.error(wrong);
                continue;
            }
        };
        row(&table, &layout, time, &mut sink);
    }
    sink.finish()
}

fn layout(
    table: &Table,
    mapping: Option<&Mapping>,
    file: Option<&'static Metric>,
) -> std::result::Result<Layout, (String, String)> {
    let header = &table.header;
    let said = |role| mapping.and_then(|mapping| mapping.get(role));
    let missing = |name: &str| {
        (
            format!("there is no column {name}, which --columns names"),
            format!("the columns are {}", header.join(", ")),
        )
    };
    let column = |role| match said(role) {
        Some(name) => table.column(name).map(Some).ok_or_else(|| missing(name)),
        None => Ok(usual(header, role)),
    };
    let hint = "say what the columns are, such as --columns time=Date,pod=pod_name,value=Value";
    let time =
        column(Role::Time)?.ok_or_else(|| ("there is no column of times".to_owned(), hint.to_owned()))?;
    // Both may also be said for all values.
    let metric = said(Role::Metric).map_or_else(|| usual(header, Role::Metric), |name| table.column(name));
    let unit = said(Role::Unit).map_or_else(|| usual(header, Role::Unit), |name| table.column(name));
    let all_metric = match said(Role::Metric).filter(|_| metric.is_none()) {
        Some(name) => Some(Metric::of_name(name).ok_or_else(|| {
            let known: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
            (
                format!("{name} is neither a column nor a metric that is understood"),
                format!("the metrics are {}", known.join(", ")),
            )
        })?),
        None => file,
    };
    let all_unit = said(Role::Unit).filter(|_| unit.is_none()).map(str::to_owned);
    let mut layout = Layout {
        time,
        pod: column(Role::Pod)?,
        namespace: column(Role::Namespace)?,
        container: column(Role::Container)?,
        node: column(Role::Node)?,
        series: column(Role::Series)?,
        metric,
        unit,
        all: (all_metric, all_unit),
        values: Vec::new(),
    };
    let taken = |at: usize| {
        let roles =
            [layout.pod, layout.namespace, layout.container, layout.node, layout.series, metric, unit];
        at == time || roles.contains(&Some(at))
    };
    let is_all = said(Role::Value) == Some("*");
    let one = if is_all { None } else { column(Role::Value)? };
    let values: Vec<usize> = match one {
        Some(value) => vec![value],
        None => (0..header.len())
            .filter(|at| {
                !taken(*at) && (is_all || header[*at].contains("pod_name:") || named(&header[*at]).is_some())
            })
            .collect(),
    };
    let of_header = |column: usize| {
        let name = &header[column];
        let inside = name
            .split_once('{')
            .and_then(|(_, rest)| rest.rsplit_once('}'))
            .map_or(name.as_str(), |(s, _)| s);
        let tags = name.contains("pod_name:").then(|| Tags::of(inside.split(',')));
        Value { column, metric: named(name), tags, header: name.clone() }
    };
    layout.values = values.into_iter().map(of_header).collect();
    if layout.values.is_empty() && layout.pod.is_none() && !is_log(header) {
        return Err(("there is no column of values, and none of pods".to_owned(), hint.to_owned()));
    }
    Ok(layout)
}

fn row(table: &Table, layout: &Layout, time: Time, sink: &mut Sink) {
    let cell = |column: Option<usize>| table.get(column).trim();
    let mut tags = Tags::of(cell(layout.series).split(','));
    for (slot, column) in [
        (&mut tags.pod, layout.pod),
        (&mut tags.namespace, layout.namespace),
        (&mut tags.container, layout.container),
        (&mut tags.node, layout.node),
    ] {
        let text = cell(column);
        if !text.is_empty() && text != "N/A" {
            text.clone_into(slot);
        }
    }
    if layout.values.is_empty() {
        if tags.pod.is_empty() {
            tags = in_json_cells(table);
        }
        if sink.has_pod(&tags) {
            sink.seen(&tags, time);
        }
        return;
    }
    for value in &layout.values {
        let tags = value.tags.as_ref().unwrap_or(&tags);
        let text = cell(Some(value.column));
        // What is empty is no series of no pod, but a gap.
        if text.is_empty() || ["null", "nan", "none", "-"].contains(&text.to_ascii_lowercase().as_str()) {
            continue;
        }
        if !sink.has_pod(tags) {
            continue;
        }
        let Some(number) = text.parse().ok().filter(|number: &f64| number.is_finite()) else {
            let wrong = table.wrong(Some(value.column), "is no finite number");
            sink.draft.error(wrong);
            continue;
        };
        let name = cell(layout.metric);
        let metric = if name.is_empty() { value.metric.or(layout.all.0) } else { named(name) };
        let Some(metric) = metric else {
            // The header of a series of another metric names that.
            if name.is_empty() && !names_metric(&value.header) {
                sink.nameless.0 += 1;
                if sink.nameless.0 == 1 {
                    sink.nameless.1.clone_from(&value.header);
                }
            } else {
                sink.unknown(if name.is_empty() { &value.header } else { name });
            }
            continue;
        };
        let unit = Some(cell(layout.unit)).filter(|unit| !unit.is_empty()).or(layout.all.1.as_deref());
        let query = Some(name).filter(|name| name.contains(':')).or(Some(value.header.as_str()));
        let query = query.filter(|query| query.contains(metric.name) && query.contains(':'));
        let series =
            Series { metric, tags: tags.clone(), unit, points: vec![(time, number)], step: None, query };
        if let Err(message) = sink.series(series) {
            let wrong = table.origin.diagnostic(message).line(table.line());
            sink.draft.error(wrong);
        }
    }
}

/// Whether a header names some metric: those have dots, before the tags.
fn names_metric(header: &str) -> bool {
    header.split('{').next().is_some_and(|name| name.contains('.'))
}

/// Attributes of a log line stand in one cell as JSON.
fn in_json_cells(table: &Table) -> Tags {
    let mut tags = Tags::default();
    for column in 0..table.header.len() {
        let text = table.get(Some(column)).trim();
        let Some(value) =
            text.starts_with('{').then(|| serde_json::from_str::<serde_json::Value>(text).ok()).flatten()
        else {
            continue;
        };
        let find = |paths: [&str; 4]| {
            let text =
                |path: &str| value.pointer(path).and_then(serde_json::Value::as_str).map(str::to_owned);
            paths.into_iter().find_map(text)
        };
        let pod = find(["/pod_name", "/kubernetes/pod_name", "/kubernetes/pod/name", "/kube/pod_name"]);
        let Some(pod) = pod else { continue };
        tags.pod = pod;
        let namespace =
            find(["/kube_namespace", "/kubernetes/namespace_name", "/kubernetes/namespace", "/namespace"]);
        tags.namespace = namespace.unwrap_or_default();
        let container = find([
            "/kube_container_name",
            "/kubernetes/container_name",
            "/kubernetes/container/name",
            "/container_name",
        ]);
        tags.container = container.unwrap_or_default();
        break;
    }
    tags
}

/// RFC 3339, or seconds or milliseconds since the epoch, which their number of digits tells apart.
fn time_of(text: &str, zone: Option<chrono_tz::Tz>) -> std::result::Result<Time, String> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        match (text.len(), text.parse::<i64>()) {
            (9 | 10, Ok(seconds)) => return Ok(Time::from_ms(seconds * 1_000)),
            (12 | 13, Ok(ms)) if ms < 7_289_654_400_000 => return Ok(Time::from_ms(ms)),
            _ => {}
        }
    }
    parse_time(text, zone).map_err(|refusal| match refusal.hint {
        Some(hint) => format!("{}; {hint}", refusal.message),
        None => refusal.message,
    })
}
