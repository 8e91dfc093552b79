//! Events of a pod: when it was scheduled, and how long its images took.

use super::objects::Object;
use crate::import::pods::Pods;
use crate::trace::Place;
use crate::units::{Memory, Span, parse_duration};

/// Takes in an event, if it says something of a pod's times.
pub(super) fn take(object: Object, place: Place, pods: &mut Pods) -> bool {
    let event = object.event;
    let Some(involved) = event.involved.filter(|involved| involved.kind == "Pod") else { return false };
    let namespace = involved.namespace.or(object.metadata.namespace).unwrap_or_default();
    pods.latest = pods.latest.max(event.time);
    if !["Scheduled", "Pulled", "Started"].contains(&event.reason.as_str()) {
        return false;
    }
    let pod = pods.pod_at(place, &namespace, &involved.name, involved.uid.as_deref().unwrap_or_default());
    match event.reason.as_str() {
        "Scheduled" => pod.series.event_scheduled = pod.series.event_scheduled.max(event.time),
        "Started" => pod.series.event_started = pod.series.event_started.max(event.time),
        _ => {
            let message = event.message.as_str();
            let part = involved.field_path.unwrap_or_default();
            if let Some(pull) = duration(message) {
                pod.series.pulls.insert(part, pull);
            } else if message.contains("already present") {
                pod.series.pulls.insert(part, Span::ZERO);
            }
            pod.image_size = pod.image_size.or(size(message));
        }
    }
    true
}

/// `Successfully pulled image "x" in 2.134s (2.134s including waiting)`.
fn duration(message: &str) -> Option<Span> {
    let (_, rest) = message.split_once("pulled image ")?;
    let (_, rest) = rest.split_once(" in ")?;
    parse_duration(rest.split(' ').next()?.trim_end_matches('.')).ok()
}

/// `Image size: 29542 bytes.`, which newer kubelets say and containerd counts compressed.
fn size(message: &str) -> Option<Memory> {
    let (_, rest) = message.split_once("Image size: ")?;
    let bytes: i64 = rest.split(' ').next()?.parse().ok()?;
    (1..1 << 50).contains(&bytes).then(|| Memory::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_times_are_read_from_messages() {
        for (message, ms, bytes) in [
            (r#"Successfully pulled image "a:1" in 2.134s (2.134s including waiting)"#, Some(2_134), None),
            (
                r#"Successfully pulled image "a:1" in 1m3.5s (2m including waiting). Image size: 29542 bytes."#,
                Some(63_500),
                Some(29_542),
            ),
            (r#"Successfully pulled image "a:1" in 812ms (812ms including waiting)"#, Some(812), None),
            (r#"Container image "a:1" already present on machine"#, None, None),
            ("Image size: lots", None, None),
        ] {
            assert_eq!(duration(message).map(Span::ms), ms, "{message}");
            assert_eq!(size(message).map(Memory::bytes), bytes, "{message}");
        }
    }
}
