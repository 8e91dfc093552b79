//! From series, however an answer writes them, to what is kept of pods.

use super::metrics::{Meaning, Metric};
use super::tags::Tags;
use super::{query, units};
use crate::error::Result;
use crate::import::draft::Draft;
use crate::import::pods::{Measure, Statistic};
use crate::import::text::Origin;
use crate::import::{Format, Options};
use crate::trace::{Place, SourcePlatform, State};
use crate::units::{Span, Time};

/// Points further apart than this miss most of what a workflow runs.
const COARSE: Span = Span::from_secs(60);

/// One file.
pub(super) struct Sink<'d> {
    pub draft: &'d mut Draft,
    pub origin: Origin,
    /// What the user or the file's name says of series that do not name their metric.
    pub metric: Option<&'static Metric>,
    place: Place,
    with_pod: u64,
    without_pod: u64,
    pub empty_answers: u64,
    /// The file has an answer, be it one without series.
    pub has_answer: bool,
    /// Values of a table of which nothing says the metric, with the header of the first one.
    pub nameless: (u64, String),
}

/// A series with its points in order, in the unit of the answer.
pub(super) struct Series<'s> {
    pub metric: &'static Metric,
    pub tags: Tags,
    pub unit: Option<&'s str>,
    pub points: Vec<(Time, f64)>,
    pub step: Option<Span>,
    pub query: Option<&'s str>,
}

impl<'d> Sink<'d> {
    pub fn new(draft: &'d mut Draft, origin: Origin, options: &Options) -> Result<Self> {
        let metric = match &options.metric {
            Some(name) => {
                let unknown = || {
                    origin
                        .diagnostic(format!("the metric {name} says nothing of pods that is understood"))
                        .hint("docs/datadog.md lists the metrics, such as kubernetes.memory.working_set")
                };
                Some(Metric::of_name(name).ok_or_else(unknown)?)
            }
            None => Metric::in_text(origin.name.rsplit(['/', '\\']).next().unwrap_or_default()),
        };
        let place = Place { file: draft.file, line: 0 };
        Ok(Self {
            draft,
            origin,
            metric,
            place,
            with_pod: 0,
            without_pod: 0,
            empty_answers: 0,
            has_answer: false,
            nameless: (0, String::new()),
        })
    }

    /// Whether the series is of a pod; if not, it is counted.
    pub fn has_pod(&mut self, tags: &Tags) -> bool {
        let has = !tags.pod.is_empty();
        *(if has { &mut self.with_pod } else { &mut self.without_pod }) += 1;
        has
    }

    /// A series of a metric that is not understood.
    pub fn unknown(&mut self, name: &str) {
        self.draft.pods.unknown_metric(name);
    }

    /// Takes in a series of a pod, or says what is wrong with its unit.
    pub fn series(&mut self, series: Series) -> std::result::Result<(), String> {
        let Series { metric, tags, unit, mut points, step, query } = series;
        let factor = factor(metric, unit)?;
        if let Some(doubt) = query.and_then(|query| query::doubt(metric, query)) {
            self.draft.pods.notes.insert(doubt);
        }
        let pods = &mut self.draft.pods;
        let before = points.len();
        points.retain(|(_, value)| value.is_finite() && *value >= 0.0);
        points.sort_by_key(|point| point.0);
        pods.unusable_points += (before - points.len()) as u64;
        for (_, value) in &mut points {
            *value *= factor;
        }
        let step = step.filter(|step| *step > Span::ZERO);
        if let Some(step) = step {
            pods.step = Some(pods.step.map_or(step, |known| known.min(step)));
            if step > COARSE && matches!(metric.meaning, Meaning::Usage(_)) {
                pods.coarse = (pods.coarse.0 + 1, pods.coarse.1.max(step));
            }
        }
        let part = (pods.word(&tags.container), pods.word(&tags.rest()));
        let pod = pods.pod_at(self.place, &tags.namespace, &tags.pod);
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        pod.node = pod.node.take().or_else(|| text(&tags.node));
        pod.instance_type = pod.instance_type.take().or_else(|| text(&tags.instance_type));
        if !tags.job.is_empty() {
            pod.owner = crate::trace::OwnerKind::Job;
            pod.owner_name.get_or_insert_with(|| tags.job.clone());
        }
        if tags.is_fargate || metric.name.starts_with("eks.fargate.") {
            pod.platform = Some(SourcePlatform::Fargate);
        }
        if let Some(image) = tags.image() {
            pod.series.image(part.0, &image);
        }
        let running = || points.iter().filter(|point| point.1 > 0.0);
        match metric.meaning {
            Meaning::Usage(measure) => {
                if metric.quantity == units::Quantity::Bytes {
                    for point in &mut points {
                        point.1 /= 1_048_576.0;
                    }
                }
                pod.series.usage(measure, part, &points, step);
            }
            Meaning::Level(level, rank) => pod.series.level(level, rank, part, &points),
            Meaning::Uptime => pod.series.uptime(part.0, &points, step),
            Meaning::Age => pod.series.age(&points),
            Meaning::PodUptime => pod.series.pod_uptime(&points),
            Meaning::Running => pod.series.alive(part.0, running().map(|point| point.0), step),
            Meaning::Phase => {
                if let (Some(state), Some(last)) = (phase(&tags.phase), running().next_back()) {
                    pod.series.state(last.0, state);
                }
            }
            Meaning::Terminated => {
                if let Some(last) = running().next_back().filter(|_| !tags.reason.is_empty()) {
                    pod.series.terminated(part.0, last.0, &tags.reason);
                }
            }
            Meaning::Restarts => {
                let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
                pod.restarts = pod.restarts.max(most as u32);
            }
        }
        Ok(())
    }

    /// Takes in that a pod was there at a time.
    pub fn seen(&mut self, tags: &Tags, time: Time) {
        let container = self.draft.pods.word(&tags.container);
        let pod = self.draft.pods.pod_at(self.place, &tags.namespace, &tags.pod);
        pod.series.alive(container, std::iter::once(time), None);
    }

    /// Takes in one number for a pod over a time that is not said.
    pub fn scalar(
        &mut self,
        metric: &'static Metric,
        tags: &Tags,
        unit: Option<&str>,
        statistic: Statistic,
        value: f64,
    ) -> std::result::Result<(), String> {
        let value = value * factor(metric, unit)?;
        if !value.is_finite() || value < 0.0 {
            self.draft.pods.unusable_points += 1;
            return Ok(());
        }
        let pods = &mut self.draft.pods;
        let part = (pods.word(&tags.container), pods.word(&tags.rest()));
        let pod = pods.pod_at(self.place, &tags.namespace, &tags.pod);
        match metric.meaning {
            Meaning::Usage(measure @ Measure::Cpu(_)) => pod.series.scalar(measure, statistic, part, value),
            Meaning::Usage(measure) => pod.series.scalar(measure, statistic, part, value / 1_048_576.0),
            Meaning::Level(level, rank) => pod.series.level(level, rank, part, &[(Time::from_ms(0), value)]),
            _ => self.unknown(&format!("{} without times", metric.name)),
        }
        Ok(())
    }

    /// What the file as a whole is worth.
    pub fn finish(self) -> Result<()> {
        if self.with_pod == 0 && self.without_pod > 0 {
            return Err(self
                .origin
                .diagnostic("no series has the tag pod_name, so nothing here can be joined to pods")
                .hint(
                    "group the query by it: sum:kubernetes.cpu.usage.total{…} by \
                     {pod_name,kube_namespace,kube_container_name}; docs/datadog.md has all queries",
                )
                .into());
        }
        let (nameless, header) = self.nameless;
        if nameless > 0 {
            return Err(self
                .origin
                .diagnostic(format!(
                    "{nameless} values in the column {header} do not say of which metric they are"
                ))
                .hint(
                    "give --metric kubernetes.memory.working_set, or --columns metric=… with the metric or its column, \
                     or name the file after the metric, such as kubernetes.memory.working_set.csv",
                )
                .into());
        }
        for _ in 0..self.without_pod {
            self.draft.drop(Format::Datadog, "series without the tag pod_name");
        }
        if self.without_pod > 0 {
            self.draft.notes.push(format!(
                "{}: series without the tag pod_name are left out: {}",
                self.origin.name, self.without_pod
            ));
        }
        for _ in 0..self.empty_answers {
            self.draft.drop(Format::Datadog, "answers without series");
        }
        Ok(())
    }
}

fn factor(metric: &Metric, unit: Option<&str>) -> std::result::Result<f64, String> {
    let unit = unit.unwrap_or(metric.unit);
    units::factor(metric.quantity, unit)
        .ok_or_else(|| format!("{} in the unit {unit} is not understood", metric.name))
}

fn phase(name: &str) -> Option<State> {
    Some(match name.to_ascii_lowercase().as_str() {
        "pending" => State::Pending,
        "running" => State::Running,
        "succeeded" => State::Succeeded,
        "failed" => State::Failed,
        _ => return None,
    })
}
