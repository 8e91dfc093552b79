//! Input that makes no sense: one message with its place, and nothing on stdout.

use super::run;

const GOOD: &str = r#"{"mode": "solve"}"#;

#[test]
fn a_mistake_is_named_with_its_place() {
    let pod = |spec: &str| {
        format!(r#"{{"mode": "solve", "pods": [{{"metadata": {{"name": "a"}}, "spec": {spec}}}]}}"#)
    };
    let types = |entry: &str| {
        let pools = r#""nodePools": [{"metadata": {"name": "default"}}]"#;
        format!(r#"{{"mode": "solve", {pools}, "instanceTypes": {{"default": [{entry}]}}}}"#)
    };
    let settings = |settings: &str| format!(r#"{{"mode": "solve", "settings": {settings}}}"#);
    // (the case, parts of the message)
    let table: Vec<(String, &[&str])> = vec![
        ("{\"mode\": \"solve\"".to_owned(), &["stdin:2:16: this is not JSON", "on a line of its own"]),
        ("[]".to_owned(), &["stdin:2: an object is expected", "[]"]),
        ("{}".to_owned(), &["stdin:2: `mode` is missing"]),
        (r#"{"mode": "solv"}"#.to_owned(), &["mode: ", "\"solv\"", "one of solve, consolidate,"]),
        (r#"{"mode": "solve", "podz": []}"#.to_owned(), &["unknown field `podz`", "did you mean `pods`?"]),
        (r#"{"mode": "solve", "pods": {}}"#.to_owned(), &["pods: a list is expected"]),
        (r#"{"mode": "solve", "pods": [{}]}"#.to_owned(), &["pods[0].metadata: has no name"]),
        (
            pod(r#"{"containers": [{"resources": {"requests": {"cpu": "much"}}}]}"#),
            &["pods[0].spec.containers[0].resources.requests.cpu: ", "much", "500m"],
        ),
        (pod(r#"{"nodeName": "n1"}"#), &["pods[0].spec.nodeName: there is no such node", "\"n1\""]),
        (
            types(r#"{"name": "t", "capacity": {"cpu": "2"}, "offerings": [{"price": "free"}]}"#),
            &["instanceTypes.default[0].offerings[0].price: a number is expected", "\"free\""],
        ),
        (types(r#"{"name": "t", "capacity": {"pods": "-1"}}"#), &["default[0].capacity.pods: ", "negative"]),
        (types(r#"{"capacity": {}}"#), &["instanceTypes.default[0]: `name` is missing"]),
        (
            types(r#"{"name": "t", "capacity": {}, "requirements": [{"key": "k", "operator": "Is"}]}"#),
            &["requirements[0].operator: unknown operator `Is`", "In, NotIn"],
        ),
        (
            r#"{"mode": "solve", "nodePools": [{"metadata": {"name": "a"}}], "instanceTypes": {"b": []}}"#.to_owned(),
            &["instanceTypes: unknown NodePool `b`", "did you mean `a`?"],
        ),
        (
            settings(r#"{"preferncePolicy": "Ignore"}"#),
            &["unknown setting `preferncePolicy`", "did you mean `preferencePolicy`?"],
        ),
        (settings(r#"{"scale-down-unneeded-time": "soon"}"#), &["settings.scale-down-unneeded-time: a duration"]),
        (settings(r#"{"region": "mars-1"}"#).replace(r#""mode""#, r#""nodePools": [{"metadata": {"name": "a"}}], "mode""#), &["settings.region: ", "mars-1"]),
        (r#"{"mode": "score", "pods": []}"#.to_owned(), &["pods: one pending pod is scored", "for each pod"]),
        (
            r#"{"mode": "cluster-autoscaler", "nodeGroups": [{"name": "g", "min": 3, "max": 2}]}"#.to_owned(),
            &["nodeGroups[0]: ", "at most as many as `max`"],
        ),
        (
            r#"{"mode": "solve", "nodes": [{"node": {"metadata": {"name": "n"}}}, {"node": {"metadata": {"name": "n"}}}]}"#
                .to_owned(),
            &["nodes[1]: there is another node of this name"],
        ),
        (r#"{"mode": "solve", "now": "noon"}"#.to_owned(), &["now: a time is expected", "2026-"]),
    ];
    for (case, parts) in table {
        let input = format!("{GOOD}\n{case}\n{GOOD}\n");
        let output = run(&["pack", "--input", "-"], input.as_bytes());
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{case}\n{message}");
        assert!(output.stdout.is_empty(), "{case}: nothing is decided where something is wrong");
        assert!(message.starts_with("error: stdin:2"), "{case}\n{message}");
        assert_eq!(message.matches("error: ").count(), 1, "{case}\n{message}");
        for part in parts {
            assert!(message.contains(part), "{case}\n{part}\n{message}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = run(&["pack", "--input", "no-such.ndjson"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such.ndjson"));
}

#[test]
fn no_cases_give_no_lines() {
    let output = run(&["pack", "--input", "-"], b"\n\n");
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
}
