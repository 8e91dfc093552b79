//! How much a result rests on start-up times that were assumed: the same trace with other ones.
//!
//! A pure function of the canonical columns, so it works for traces that were imported long ago, too.

use super::calibrate::of_platform;
use crate::trace::{Kind, Trace, WorkMethod};
use crate::units::Span;

/// Which share of the assumed start-up is taken instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// Half of it: more work is left.
    Half,
    /// One and a half of it: less work is left.
    OneAndAHalf,
}

/// Work is at least this much, as in the import.
const FLOOR: Span = Span::from_secs(1);

/// Whether the work of `row` is no measurement: its method stands after `metric_bounds`.
pub fn is_weak(trace: &Trace, row: usize) -> bool {
    trace.kind.get(row).unwrap_or_default() == Kind::Pod
        && trace.work_method.get(row).is_some_and(|method| method > WorkMethod::MetricBounds)
}

/// `trace` with half more or half less of the start-up in the rows whose work is no measurement.
///
/// - `model_subtracted`: what lies between pod_created_time and start_time was subtracted; start_time moves by half of
///   it, and work is what is left until end_time.
/// - `raw_span` and `scheduled_to_deleted`: nothing was subtracted, so less cannot be; for more, start_time moves by
///   half of what the model of the row's platform takes (that of Fargate where none is named).
///
/// Work stays at least a second. Rows without times, and all others, are as they were.
pub fn shifted(trace: &Trace, shift: Shift) -> Trace {
    let mut shifted = trace.clone();
    for row in (0..trace.rows()).filter(|row| is_weak(trace, *row)) {
        let method = trace.work_method.get(row).unwrap_or_default();
        let (start, end) = (trace.start_time.get(row), trace.end_time.get(row));
        let created = trace.pod_created_time.get(row).or(trace.submit_time.get(row));
        let half = match (method, shift) {
            (WorkMethod::ModelSubtracted, _) => start.zip(created).map(|(start, created)| start - created),
            (_, Shift::Half) => None,
            (_, Shift::OneAndAHalf) => {
                let platform = trace.source_platform.get(row).unwrap_or_default();
                of_platform(platform).or(of_platform(crate::trace::SourcePlatform::Fargate))
            }
        };
        let half = Span::from_ms(half.unwrap_or_default().max(Span::ZERO).ms() / 2);
        let Some(work) = trace.work.get(row) else { continue };
        if half == Span::ZERO {
            continue;
        }
        let Some((start, end)) = start.zip(end) else {
            if shift == Shift::OneAndAHalf {
                shifted.work.set(row, (work - half).max(FLOOR.min(work)));
            }
            continue;
        };
        let start = match shift {
            Shift::Half => start - half,
            // A second of work stays where there was one.
            Shift::OneAndAHalf => (start + half).min(end - FLOOR).max(start),
        };
        shifted.start_time.set(row, start);
        shifted.work.set(row, (end - start).max(FLOOR));
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::SourcePlatform;
    use crate::units::Time;

    /// created, start and end in seconds.
    fn trace(method: WorkMethod, times: [i64; 3]) -> Trace {
        let mut trace = Trace::default();
        trace.task_id.push("a");
        let [created, start, end] = times.map(|s| Time::from_ms(s * 1_000));
        trace.pod_created_time.set(0, created);
        trace.start_time.set(0, start);
        trace.end_time.set(0, end);
        trace.work.set(0, end - start);
        trace.work_method.set(0, method);
        trace
    }

    fn work(trace: &Trace, shift: Shift) -> (i64, i64) {
        let shifted = shifted(trace, shift);
        (shifted.start_time.get(0).unwrap().ms() / 1_000, shifted.work.get(0).unwrap().ms() / 1_000)
    }

    #[test]
    fn what_was_subtracted_is_halved_and_grown_by_half() {
        use Shift::{Half, OneAndAHalf};
        use WorkMethod::{MetricBounds, ModelSubtracted, PodStatus};
        let cases = [
            // 40 s were subtracted: 20 s more or less.
            (ModelSubtracted, [100, 140, 200], Half, (120, 80)),
            (ModelSubtracted, [100, 140, 200], OneAndAHalf, (160, 40)),
            // 10 s of work, of which 20 cannot be taken: a second stays.
            (ModelSubtracted, [100, 140, 150], OneAndAHalf, (149, 1)),
            (ModelSubtracted, [100, 100, 150], OneAndAHalf, (100, 50)),
            (PodStatus, [100, 140, 200], Half, (140, 60)),
            (MetricBounds, [100, 140, 200], OneAndAHalf, (140, 60)),
        ];
        for (method, times, shift, expected) in cases {
            assert_eq!(work(&trace(method, times), shift), expected, "{method:?} {times:?} {shift:?}");
        }
    }

    #[test]
    fn spans_that_are_whole_can_only_get_shorter() {
        let start_up = of_platform(SourcePlatform::Ec2).unwrap();
        for method in [WorkMethod::RawSpan, WorkMethod::ScheduledToDeleted] {
            let mut trace = trace(method, [100, 100, 400]);
            trace.source_platform.set(0, SourcePlatform::Ec2);
            assert_eq!(work(&trace, Shift::Half), (100, 300));
            let shorter = shifted(&trace, Shift::OneAndAHalf);
            assert_eq!(shorter.work.get(0), Some(Span::from_secs(300) - Span::from_ms(start_up.ms() / 2)));
        }
    }
}
