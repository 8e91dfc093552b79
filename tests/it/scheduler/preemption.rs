//! Pods of higher priority take the place of others, in the course of a whole replay.

use cost_sim::ledger::EndReason;

use super::*;

/// 1000 of the 1750 millicores that one m5.large has for pods.
fn pod(task: &str, at: i64, work: i64, priority: i32) -> Row {
    Row { cpu: Some(1_000), priority, retry_limit: Some(1), ..Row::pod(task, at, work) }
}

/// Of each pod: step, when it was bound, when it ended, and why it was taken away.
fn course(rows: &[Row], settings: Settings, nodes: u32) -> Vec<(u32, i64, i64, Option<EndReason>)> {
    let (_, run, _) = replay_one(rows, settings, group("m5.large", nodes));
    run.ledger.runs.iter().map(|run| (run.step, ms(run.scheduled), ms(run.ended), run.taken)).collect()
}

#[test]
fn a_pod_of_lower_priority_makes_room_and_starts_anew() {
    let rows = [pod("low", 0, 60_000, 0), pod("high", 10_000, 10_000, 5)];
    // 10 s: high fits nowhere; low is asked to stop and does so after 2 s.
    // 12 s: high, whose back-off was over at 11 s, takes the node until 22 s. low is created again and waits.
    // 22 s: low runs for its 60 s.
    let expected =
        [(0, 0, 12_000, Some(EndReason::Preempted)), (1, 12_000, 22_000, None), (0, 22_000, 82_000, None)];
    assert_eq!(course(&rows, instant_settings(), 1), expected);

    let mut polite = instant_settings();
    polite.scheduler.preemption = false;
    assert_eq!(course(&rows, polite, 1), [(0, 0, 60_000, None), (1, 60_000, 70_000, None)]);
}

#[test]
fn room_that_victims_leave_is_kept_for_the_pod_they_left_it_to() {
    let small = |at, priority| Row { cpu: Some(600), ..pod("small", at, 5_000, priority) };
    let rows = |priority| [pod("low", 0, 60_000, 0), pod("high", 10_000, 10_000, 5), small(11_000, priority)];
    // At 11 s 750m are free, but the 1000m of high leave 750m of 1750m only once low is gone: 1000 + 600 + 1000 are too
    // much. At 12 s low is gone and both fit; the small pod's back-off has just ended.
    let runs = course(&rows(0), instant_settings(), 1);
    assert_eq!(runs[1..3], [(1, 12_000, 22_000, None), (2, 12_000, 17_000, None)]);
    // A pod that is more important still need not wait.
    let runs = course(&rows(9), instant_settings(), 1);
    assert_eq!(runs[1..3], [(1, 12_000, 22_000, None), (2, 11_000, 16_000, None)]);
}

#[test]
fn the_least_important_pods_go() {
    let rows = [
        pod("middle", 0, 60_000, 3),
        pod("low", 1_000, 60_000, 1),
        pod("high", 10_000, 10_000, 5),
        pod("lowest", 20_000, 1_000, 0),
    ];
    let runs = course(&rows, instant_settings(), 2);
    let taken: Vec<u32> = runs.iter().filter(|run| run.3.is_some()).map(|run| run.0).collect();
    assert_eq!(taken, [1], "low and nobody else: {runs:?}");
}
