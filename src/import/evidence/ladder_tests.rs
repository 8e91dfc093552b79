use super::*;

fn s(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

fn secs(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

/// Queued at 100, seen to end at 300; nothing waited for an agent; detection lag 6 s.
fn around(start_up: Option<i64>) -> Around {
    Around {
        queued: s(100),
        observed: s(300),
        agent_wait: Span::ZERO,
        start_up: start_up.map(secs),
        lag: secs(6),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where an option does")]
fn points(first: i64, last: i64, step: i64) -> Option<Points> {
    Some(Points { first: s(first), last: s(last), step: secs(step) })
}

/// created, started, ended, observed and work in seconds, and the method.
type Expected = (i64, i64, i64, i64, i64, WorkMethod);

#[track_caller]
fn assert_life(what: &str, life: Life, expected: Expected) {
    let at = |time: Time| time.ms() / 1_000;
    let found = (
        at(life.created),
        at(life.started),
        at(life.ended),
        at(life.observed),
        life.work.ms() / 1_000,
        life.method,
    );
    assert_eq!(found, expected, "{what}");
}

#[test]
fn each_rung_of_the_ladder() {
    use WorkMethod::{MetricBounds, ModelSubtracted, PodStatus, RawSpan};
    let none = Seen::default();
    let status = Seen { created: Some(s(103)), started: Some(s(150)), ended: Some(s(290)), ..none };
    let cases: [(&str, Seen, Around, Expected); 10] = [
        ("1. status: 290 - 150 = 140", status, around(Some(45)), (103, 150, 290, 300, 140, PodStatus)),
        (
            "2. points at 160, 175 … 280 (n = 9, g = 15): 9·15 = 135, from 160 - 7.5 to 280 + 7.5",
            Seen { created: Some(s(103)), points: points(160, 280, 15), ..none },
            around(Some(45)),
            (103, 152, 287, 300, 135, MetricBounds),
        ),
        (
            "2. one point: one step of work",
            Seen { points: points(200, 200, 30), ..none },
            around(Some(45)),
            (100, 185, 215, 300, 30, MetricBounds),
        ),
        (
            "2. the estimate stays within the span: 295 + 30 is after 300",
            Seen { points: points(115, 295, 60), ..none },
            around(Some(45)),
            (100, 100, 300, 300, 200, MetricBounds),
        ),
        (
            "1 and 2. start of the status, end of the points: 285 + 7.5 - 150",
            Seen { started: Some(s(150)), points: points(160, 285, 15), ..none },
            around(Some(45)),
            (100, 150, 292, 300, 142, MetricBounds),
        ),
        (
            "3. start seen, end not: 300 - 6 - 150 = 144",
            Seen { created: Some(s(103)), started: Some(s(150)), ..none },
            around(Some(45)),
            (103, 150, 294, 300, 144, ModelSubtracted),
        ),
        (
            "3. created seen: 300 - 6 - (103 + 45) = 146",
            Seen { created: Some(s(103)), ..none },
            around(Some(45)),
            (103, 148, 294, 300, 146, ModelSubtracted),
        ),
        (
            "3. scheduled later than the model starts it: 300 - 6 - 170 = 124",
            Seen { created: Some(s(103)), scheduled: Some(s(170)), ..none },
            around(Some(45)),
            (103, 170, 294, 300, 124, ModelSubtracted),
        ),
        (
            "4. 200 - 4 - 45 - 6 = 145",
            none,
            Around { agent_wait: secs(4), ..around(Some(45)) },
            (104, 149, 294, 300, 145, ModelSubtracted),
        ),
        ("5. nothing known of the start: 200 - 6", none, around(None), (100, 100, 294, 300, 194, RawSpan)),
    ];
    for (what, seen, around, expected) in cases {
        let life = within(&seen, &around);
        assert_life(what, life, expected);
        assert!(!life.at_floor, "{what}");
    }
}

#[test]
fn what_is_subtracted_leaves_a_second() {
    use WorkMethod::ModelSubtracted;
    // (span, created … work): the start-up gives way first to the floor, then the lag does.
    let cases = [
        ("span 40 < 45 + 6: ends at 134, starts a second before", 140, (100, 133, 134, 140, 1)),
        ("span 4 < 6: the lag is what a second leaves of it", 104, (100, 100, 101, 104, 1)),
        ("span 0: a second of work that the clock did not see", 100, (100, 100, 100, 100, 1)),
        ("a clock that runs backwards is span 0", 90, (100, 100, 100, 100, 1)),
    ];
    for (what, observed, (created, started, ended, seen, work)) in cases {
        let life = within(&Seen::default(), &Around { observed: s(observed), ..around(Some(45)) });
        assert_life(what, life, (created, started, ended, seen, work, ModelSubtracted));
        assert!(life.at_floor, "{what}");
    }
}

#[test]
fn clocks_that_differ_keep_their_order_and_the_measured_work() {
    let seen = Seen { created: Some(s(98)), started: Some(s(150)), ended: Some(s(303)), ..Seen::default() };
    let life = within(&seen, &around(None));
    assert_life("303 - 150 = 153, within 100 … 300", life, (100, 150, 300, 300, 153, WorkMethod::PodStatus));
}

#[test]
fn pods_without_a_task_live_by_their_own_times() {
    use WorkMethod::{MetricBounds, PodStatus, RawSpan, ScheduledToDeleted};
    let none = Seen::default();
    let status = Seen { created: Some(s(10)), started: Some(s(50)), ended: Some(s(90)), ..none };
    let scheduled = Seen { created: Some(s(10)), scheduled: Some(s(20)), ..none };
    let cases: [(&str, Seen, Option<i64>, Option<Expected>); 8] = [
        ("status", status, None, Some((10, 50, 90, 90, 40, PodStatus))),
        (
            "points 60 … 120 by 20: four of them, 80",
            Seen { points: points(60, 120, 20), ..none },
            None,
            Some((50, 50, 130, 130, 80, MetricBounds)),
        ),
        (
            "a pod is not alive before it is created: 130 - 55",
            Seen { created: Some(s(55)), points: points(60, 120, 20), ..none },
            None,
            Some((55, 55, 130, 130, 75, MetricBounds)),
        ),
        ("scheduled to deleted", scheduled, Some(100), Some((10, 20, 100, 100, 80, ScheduledToDeleted))),
        (
            "created to deleted",
            Seen { created: Some(s(10)), ..none },
            Some(100),
            Some((10, 10, 100, 100, 90, RawSpan)),
        ),
        (
            "started, then gone",
            Seen { created: Some(s(10)), started: Some(s(30)), ..none },
            Some(100),
            Some((10, 30, 100, 100, 70, ScheduledToDeleted)),
        ),
        ("never ended", Seen { started: Some(s(30)), ..none }, None, None),
        ("only created", Seen { created: Some(s(30)), ..none }, None, None),
    ];
    for (what, seen, deleted, expected) in cases {
        let life = alone(&seen, deleted.map(s));
        match (life, expected) {
            (Some(life), Some(expected)) => assert_life(what, life, expected),
            (life, expected) => assert_eq!(life.is_some(), expected.is_some(), "{what}"),
        }
    }
}
