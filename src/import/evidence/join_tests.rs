use super::*;

const UUID: &str = "0f8e1c52-7d1b-4b6e-9c3a-2f5d6a7b8c9d";

fn s(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

/// Rows of one task each: id, run, workflow, path, queued and observed in seconds.
fn rows(of: &[(u64, &str, &str, &str, i64, i64)]) -> (Trace, Vec<Span>) {
    let mut trace = Trace::default();
    let mut spans = Vec::new();
    for (row, (id, run, workflow, path, queued, observed)) in of.iter().enumerate() {
        trace.task_id.push(&id.to_string());
        let [run, workflow, path] = [run, workflow, path].map(|text| trace.words.intern(text));
        trace.run_id.set(row, run);
        trace.workflow.set(row, workflow);
        trace.task_name.set(row, path);
        spans.push(Span {
            row: row as u32,
            queued: s(*queued),
            observed: s(*observed),
            first_log: None,
            pod: PodKey::DigdagTask(*id),
        });
    }
    (trace, spans)
}

/// A pod that metrics saw from `first` to `last`.
fn pod(name: &str, first: i64, last: i64) -> NamedPod {
    let seen = PodSeen { first_point: Some(s(first)), last_point: Some(s(last)), ..PodSeen::default() };
    NamedPod { namespace: "jobs".to_owned(), name: name.to_owned(), seen }
}

fn digdag_pod(task: u64, first: i64, last: i64) -> NamedPod {
    pod(&format!("digdag-pod-{task}-0-{UUID}"), first, last)
}

#[test]
fn names_of_digdags_pods_have_the_task() {
    assert_eq!(digdag_task(&format!("digdag-pod-4711-0-{UUID}")), Some(4711));
    for name in ["digdag-pod-4711-0-abc", "digdag-web-1", &format!("x-digdag-pod-1-0-{UUID}")] {
        assert_eq!(digdag_task(name), None, "{name}");
    }
}

#[test]
fn pods_are_found_by_task_and_tries_are_in_order_of_time() {
    let (trace, spans) = rows(&[(7, "1", "w", "+w+a", 0, 100), (8, "1", "w", "+w+b", 100, 200)]);
    let pods = [digdag_pod(7, 60, 90), digdag_pod(9, 0, 10), digdag_pod(8, 110, 190), digdag_pod(7, 10, 40)];
    let join = join(&trace, &spans, &pods, None);
    assert_eq!(join.of_span, BTreeMap::from([(0, vec![3, 0]), (1, vec![2])]));
    assert_eq!((join.unmatched, join.ambiguous), (vec![1], 0));
}

#[test]
fn a_users_pattern_finds_pods_by_task_name_and_time() {
    let (trace, spans) = rows(&[
        (1, "10", "daily", "+daily+load_items", 0, 100),
        (2, "11", "daily", "+daily+load_items", 1_000, 1_100),
        (3, "11", "weekly", "+weekly+load_items", 1_000, 1_100),
        (4, "11", "daily", "+daily+rank", 1_000, 1_100),
    ]);
    let by_name = pattern("^(?<workflow>[a-z]+)-(?<task_name>.+)-[a-z0-9]{5}$").unwrap();
    let any_workflow = pattern("^[a-z]+-(?<task_name>.+)-[a-z0-9]{5}$").unwrap();
    let by_id = pattern("^job-(?<task_id>[0-9]+)-").unwrap();
    let whole = pattern("^(?<task_name>.+)-[a-z0-9]{5}$").unwrap();
    let cases: [(&Regex, NamedPod, Option<usize>, u64); 9] = [
        (&by_name, pod("daily-load-items-x1y2z", 10, 50), Some(0), 0),
        (&by_name, pod("daily-load-items-x1y2z", 1_010, 1_050), Some(1), 0),
        // Nothing of the name ran then.
        (&by_name, pod("daily-load-items-x1y2z", 500, 600), None, 0),
        // Both workflows have a task of that name at that time.
        (&any_workflow, pod("weekly-load-items-x1y2z", 1_010, 1_050), None, 1),
        (&whole, pod("weekly-load-items-x1y2z", 1_010, 1_050), Some(2), 0),
        (&by_id, pod("job-4-abcde", 1_010, 1_050), Some(3), 0),
        // Clocks differ by up to a minute; a pod of another day is another cluster's.
        (&by_id, pod("job-4-abcde", 1_150, 1_155), Some(3), 0),
        (&by_id, pod("job-4-abcde", 5_000, 5_001), None, 0),
        (&by_id, pod("other-4-abcde", 1_010, 1_050), None, 0),
    ];
    for (pattern, pod, span, ambiguous) in cases {
        let name = pod.name.clone();
        let join = join(&trace, &spans, &[pod], Some(pattern));
        assert_eq!(join.of_span.keys().next().copied(), span, "{name} by {pattern}");
        assert_eq!(join.ambiguous, ambiguous, "{name} by {pattern}");
    }
}

#[test]
fn rows_that_have_the_name_of_their_pod_need_no_rule() {
    let mut trace = Trace::default();
    for (row, namespace) in ["jobs", "other"].into_iter().enumerate() {
        trace.task_id.push("a");
        let [name, namespace] = ["p", namespace].map(|text| trace.words.intern(text));
        trace.pod_name.set(row, name);
        trace.namespace.set(row, namespace);
    }
    let join = join(&trace, &[], &[pod("p", 0, 1), pod("q", 0, 1)], None);
    assert_eq!(join.of_row, BTreeMap::from([(0, 0)]));
    assert_eq!(join.unmatched, [1]);
}

#[test]
fn patterns_say_what_is_wrong_with_them() {
    let cases = [
        ("(", "unclosed group"),
        ("^job-.*$", "name the group task_id or task_name"),
        ("(?<attempt_id>.*)", "name the group task_id or task_name"),
        ("(?<task>.*)", "there is no group task; the groups are task_id, attempt_id, task_name, workflow"),
    ];
    for (text, expected) in cases {
        let error = pattern(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
