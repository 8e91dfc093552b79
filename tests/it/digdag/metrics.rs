//! The estate joined to what Datadog tells of five of its pods.

use super::{clock, fixture, text};
use cost_sim::import::{self, Imported, Options, SourceModel};
use cost_sim::trace::{Trace, WorkMethod};
use cost_sim::units::Span;

fn joined() -> Imported {
    let model = SourceModel { start_up: Some(Span::from_secs(30)), ..SourceModel::default() };
    let options = Options { model, ..Options::default() };
    // Metrics first: the order of files does not matter.
    import::read(&[fixture("estate-datadog"), fixture("estate-db.csv")], &options, &mut |_| {})
        .unwrap_or_else(|error| panic!("{}", error.render()))
}

/// `task/attempt | created start end observed | work in ms, how it was found`, halves of seconds as `.5`.
fn line(trace: &Trace, row: usize) -> String {
    let time = |time: Option<cost_sim::units::Time>| {
        let time = time.unwrap();
        let half = time.ms() % 1_000 == 500;
        let whole = clock(Some(time - Span::from_ms(if half { 500 } else { 0 })));
        if half { format!("{whole}.5") } else { whole }
    };
    let id = trace.task_id.get(row);
    let id = if id.starts_with("digdag-pod-") { text(trace, &trace.labels, row) } else { id.to_owned() };
    format!(
        "{id}/{} | {} {} {} {} | {} {}",
        trace.attempt.get(row).unwrap_or(1),
        time(trace.pod_created_time.get(row)),
        time(trace.start_time.get(row)),
        time(trace.end_time.get(row)),
        time(trace.finish_observed_time.get(row)),
        trace.work.get(row).unwrap().ms(),
        trace.work_method.get(row).unwrap_or(WorkMethod::Measured).name(),
    )
}

/// Points are 15 s apart, so a start is 7.5 s before the first and an end 7.5 s after the last; 60 s for the killed task.
const ROWS: [&str; 8] = [
    // One container, four points from 16:00:45 to 16:01:30: 4 · 15 s. Its creation is in commandStatus.
    "1002/1 | 16:00:04 16:00:37.5 16:01:37.5 16:01:40 | 60000 metric_bounds",
    // The Agent beside it was seen from 16:02:00 to 16:03:15; the container named as the pod from 16:02:15 to 16:02:45.
    "1004/1 | 16:01:43 16:02:07.5 16:02:52.5 16:03:00 | 45000 metric_bounds",
    // No metrics: queued 16:01:41, 30 s of start-up as given; 6 s before 16:04:10 it ended.
    "1005/1 | 16:01:41 16:02:11 16:04:04 16:04:10 | 113000 model_subtracted",
    // Two pods: the first one, of which no creation is known, was seen at 16:11:00 and 16:11:15, and its end noticed 6 s
    // later; the second was created at 16:11:50 as commandStatus says, and seen from 16:12:15 to 16:12:45. The null
    // between is a gap.
    "1011/1 | 16:10:52.5 16:10:52.5 16:11:22.5 16:11:28.5 | 30000 metric_bounds",
    "1011/2 | 16:11:50 16:12:07.5 16:12:52.5 16:13:00 | 45000 metric_bounds",
    // Killed at 17:10:00, as the task knows it…
    "1402/1 | 17:00:03 17:00:30 17:10:00 17:10:00 | 570000 metric_bounds",
    // … but the pod was seen from 17:01:00 to 17:20:00: it ran for ten and a half minutes more.
    "leftover=true/1 | 17:10:00 17:10:00 17:20:30 17:20:30 | 630000 metric_bounds",
    // 1103 has a pod, created at 16:18:38 as commandStatus says, but no metrics: 30 s later it started.
    "1103/1 | 16:18:38 16:19:08 16:19:54 16:20:00 | 46000 model_subtracted",
];

#[test]
fn metrics_say_when_containers_ran() {
    let trace = joined().trace;
    let lines: Vec<String> = (0..trace.rows())
        .filter(|row| trace.kind.get(*row).is_none_or(|kind| kind == cost_sim::trace::Kind::Pod))
        .map(|row| line(&trace, row))
        .collect();
    for expected in ROWS {
        assert!(lines.iter().any(|line| line == expected), "{expected}\nis not among\n{}", lines.join("\n"));
    }
    let pods = super::import_fixture("estate-db.csv").trace;
    let of_estate = (0..pods.rows())
        .filter(|row| pods.kind.get(*row).is_none_or(|kind| kind == cost_sim::trace::Kind::Pod));
    // A row more for the first try of 1011, and one for what ran after the kill.
    assert_eq!(lines.len(), of_estate.count() + 2);
}

#[test]
fn usage_and_requests_are_sums_over_containers() {
    let trace = joined().trace;
    let row = |task: &str, attempt: u32| {
        (0..trace.rows())
            .find(|row| trace.task_id.get(*row) == task && trace.attempt.get(*row).unwrap_or(1) == attempt)
            .unwrap()
    };
    // 100, 200, 300 and 400 million nanocores: mean 250m; the 95th percentile of four by nearest rank is the fourth.
    let one = row("1002", 1);
    assert_eq!(trace.cpu_usage_avg_milli.get(one), Some(250.0));
    assert_eq!(trace.cpu_usage_p95_milli.get(one), Some(400.0));
    assert_eq!(trace.memory_usage_max_mib.get(one), Some(256.0));
    assert_eq!(trace.points.cpu(one), [100.0, 200.0, 300.0, 400.0]);
    // 500m and the Agent's 50m; 600 and 120 MiB; requests of 0.5 and 0.1 cores, where the configuration has 500m.
    let two = row("1004", 1);
    assert_eq!(trace.cpu_usage_max_milli.get(two), Some(550.0));
    assert_eq!(trace.memory_usage_max_mib.get(two), Some(720.0));
    assert_eq!(trace.cpu_request.get(two).map(cost_sim::units::Cpu::milli), Some(600));
    // The second try waited 21.5 s after the end of the first was noticed.
    let retry = row("1011", 2);
    assert_eq!(trace.trigger_delay.get(retry), Some(Span::from_ms(21_500)));
    assert!(trace.files.iter().any(|file| file.meta.synthetic));
}
