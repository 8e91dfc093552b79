//! From series to what is kept of pods.

use super::labels::Labels;
use super::metrics::Meaning;
use crate::import::draft::Draft;
use crate::import::pods::{Level, Measure, PodSeen, Source};
use crate::trace::{OwnerKind, Place, State};
use crate::units::{Span, Time};

/// Points further apart than this miss most of what a workflow runs.
const COARSE: Span = Span::from_secs(60);

/// One series with its points in order; gaps, NaN and infinities are left out.
pub(super) struct Series {
    pub labels: Labels,
    pub meaning: Meaning,
    pub points: Vec<(Time, f64)>,
    pub step: Option<Span>,
}

/// Takes in a series of a pod.
pub(super) fn take(series: Series, draft: &mut Draft) {
    let Series { labels, meaning, mut points, step } = series;
    let place = Place { file: draft.file, line: 0 };
    let pods = &mut draft.pods;
    let before = points.len();
    points.retain(|(_, value)| *value >= 0.0);
    points.sort_by_key(|point| point.0);
    pods.unusable_points += (before - points.len()) as u64;
    // The pause container that holds the pod's network is none of the pod's.
    if points.is_empty() || labels.container() == "POD" {
        return;
    }
    if let Some(step) = step {
        pods.step = Some(pods.step.map_or(step, |known| known.min(step)));
        if step > COARSE && matches!(meaning, Meaning::CpuCounter | Meaning::CpuRate | Meaning::Memory(_)) {
            pods.coarse = (pods.coarse.0 + 1, pods.coarse.1.max(step));
        }
    }
    let part = (pods.word(labels.container()), pods.word(&labels.rest()));
    let pod = pods.pod_at(place, labels.namespace(), labels.pod(), labels.uid());
    let last = points.last().copied();
    let holds = points.iter().rev().find(|point| point.1 > 0.0).map(|point| point.0);
    // The last point that says something else than nothing.
    let instant = points.iter().rev().find_map(|(_, value)| epoch(*value));
    let mut scale = |factor: f64| points.iter_mut().for_each(|point| point.1 *= factor);
    match meaning {
        Meaning::Created => pod.created = instant.or(pod.created),
        Meaning::Scheduled => pod.scheduled = instant.or(pod.scheduled),
        Meaning::Acknowledged => pod.series.acknowledged(instant),
        Meaning::Completed => pod.ended = instant.or(pod.ended),
        Meaning::Deleted => pod.deleted = instant.or(pod.deleted),
        Meaning::ContainerStarted => {
            if let Some(time) = instant {
                pod.series.started(part.0, time);
            }
        }
        Meaning::Level(level) => {
            scale(if is_cpu(level) { 1_000.0 } else { 1.0 });
            pod.series.level(level, 0, part, &points);
        }
        Meaning::Requests | Meaning::Limits | Meaning::InitRequests => {
            let [cpu, memory] = match meaning {
                Meaning::Requests => [Level::CpuRequest, Level::MemoryRequest],
                Meaning::Limits => [Level::CpuLimit, Level::MemoryLimit],
                _ => [Level::InitCpuRequest, Level::InitMemoryRequest],
            };
            let level = match labels.get("resource") {
                "cpu" => cpu,
                "memory" => memory,
                "ephemeral_storage" if meaning == Meaning::Requests => Level::EphemeralRequest,
                resource => {
                    if resource.contains("gpu") && meaning == Meaning::Requests {
                        pod.gpu_request_milli = last.map(|point| (point.1 * 1_000.0) as i64);
                    }
                    return;
                }
            };
            scale(if is_cpu(level) { 1_000.0 } else { 1.0 });
            pod.series.level(level, 0, part, &points);
        }
        Meaning::Phase => {
            if let (Some(state), Some(time)) = (phase(labels.get("phase")), holds) {
                pod.series.state(time, state);
            }
        }
        Meaning::Terminated => {
            if let Some(time) = holds {
                pod.series.terminated(part.0, time, labels.get("reason"));
            }
        }
        Meaning::PodReason => {
            if let Some(time) = holds {
                pod.series.reason(time, labels.get("reason"));
            }
        }
        Meaning::Image => {
            let image = ["image_spec", "image"].map(|name| labels.get(name));
            if let Some(image) = image.into_iter().find(|image| !image.is_empty()) {
                pod.series.image(part.0, image);
            }
        }
        Meaning::Running => pod.series.alive(part.0, points.iter().filter(|p| p.1 > 0.0).map(|p| p.0), step),
        Meaning::CpuCounter => pod.series.usage(Measure::CpuCounter, part, &points, step),
        Meaning::CpuRate => {
            scale(1_000.0);
            pod.series.usage(Measure::Cpu(Source::Kubelet), part, &points, step);
        }
        Meaning::Memory(measure) => {
            scale(1.0 / 1_048_576.0);
            pod.series.usage(measure, part, &points, step);
        }
        Meaning::Restarts => pod.restarts = pod.restarts.max(last.map_or(0, |point| point.1 as u32)),
        Meaning::Node | Meaning::Owner | Meaning::PodLabels => {}
    }
    describe(pod, &labels, meaning);
}

/// What labels say whatever the metric is, and what they say only in some.
fn describe(pod: &mut PodSeen, labels: &Labels, meaning: Meaning) {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    pod.node = pod.node.take().or_else(|| text(labels.node()));
    if matches!(meaning, Meaning::Node | Meaning::Owner)
        && let Some((kind, name)) = labels.owner()
    {
        pod.owner = kind;
        pod.owner_name = Some(name.to_owned());
    }
    if meaning == Meaning::PodLabels {
        let job = ["label_batch_kubernetes_io_job_name", "label_job_name"].map(|name| labels.get(name));
        if let Some(job) = job.into_iter().find(|job| !job.is_empty()) {
            pod.owner = OwnerKind::Job;
            pod.owner_name.get_or_insert_with(|| job.to_owned());
        }
        let kind = labels.get("label_node_kubernetes_io_instance_type");
        pod.instance_type = pod.instance_type.take().or_else(|| text(kind));
    }
}

fn is_cpu(level: Level) -> bool {
    use Level::*;
    matches!(level, CpuRequest | CpuLimit | InitCpuRequest | CpuOverhead | CpuCapacity)
}

/// Epoch seconds as a time; 0 and what is before 2001 stand for nothing.
fn epoch(seconds: f64) -> Option<Time> {
    (1e9..7_289_654_400.0).contains(&seconds).then(|| Time::from_ms((seconds * 1_000.0).round() as i64))
}

fn phase(name: &str) -> Option<State> {
    Some(match name {
        "Pending" => State::Pending,
        "Running" => State::Running,
        "Succeeded" => State::Succeeded,
        "Failed" => State::Failed,
        _ => return None,
    })
}
