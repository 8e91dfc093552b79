//! Answers to range and instant queries.

use cost_sim::import::Options;
use cost_sim::trace::{OwnerKind, State, WorkMethod};
use serde_json::{Value, json};

use super::*;

/// A series whose points are (seconds after Monday, value).
fn series(labels: Value, points: &[(f64, &str)]) -> Value {
    let at = |second: f64| MONDAY as f64 / 1_000.0 + second;
    let points: Vec<Value> = points.iter().map(|(second, value)| json!([at(*second), value])).collect();
    json!({"metric": labels, "values": points})
}

fn answer(result: &[Value]) -> String {
    json!({"status": "success", "data": {"resultType": "matrix", "result": result}}).to_string()
}

/// A series of pod `a` with one value.
fn one(name: &str, more: &[(&str, &str)], value: &str) -> Value {
    let mut labels = json!({"__name__": name, "namespace": "batch", "pod": "a", "instance": "ksm:8080"});
    for (key, value) in more {
        labels[*key] = json!(value);
    }
    series(labels, &[(600.0, value), (615.0, value)])
}

fn epoch(second: i64) -> String {
    // As Prometheus prints large numbers.
    format!("{:e}", (MONDAY / 1_000 + second) as f64)
}

#[test]
fn kube_state_metrics_say_when_a_pod_ran() {
    let text = answer(&[
        one("kube_pod_created", &[], &epoch(0)),
        one("kube_pod_status_scheduled_time", &[], &epoch(42)),
        one("kube_pod_start_time", &[], &epoch(43)),
        one("kube_pod_container_state_started", &[("container", "work")], &epoch(60)),
        one("kube_pod_container_state_started", &[("container", "istio-proxy")], &epoch(50)),
        one("kube_pod_completion_time", &[], &epoch(360)),
        one(
            "kube_pod_container_resource_requests",
            &[("container", "work"), ("resource", "cpu"), ("unit", "core")],
            "0.5",
        ),
        one(
            "kube_pod_container_resource_requests",
            &[("container", "istio-proxy"), ("resource", "cpu")],
            "0.1",
        ),
        one("kube_pod_container_resource_requests_memory_bytes", &[("container", "work")], "1.073741824e+09"),
        one(
            "kube_pod_init_container_resource_requests",
            &[("container", "prepare"), ("resource", "cpu")],
            "0.7",
        ),
        one(
            "kube_pod_info",
            &[("node", "fargate-ip-10-0-0-1"), ("created_by_kind", "Job"), ("created_by_name", "nightly")],
            "1",
        ),
        one("kube_pod_container_info", &[("container", "work"), ("image", "registry/work:1")], "1"),
        one("kube_pod_status_phase", &[("phase", "Succeeded")], "1"),
        one("kube_pod_status_phase", &[("phase", "Failed")], "0"),
    ]);
    let imported = import(&[("answer.json", &text)]);
    let trace = &imported.trace;
    let times = [&trace.pod_created_time, &trace.scheduled_time, &trace.start_time, &trace.end_time];
    // The main container's start, not the proxy's; scheduled is not the kubelet's word for it.
    assert_eq!(times.map(|time| second(time.get(0))), [Some(0.0), Some(42.0), Some(60.0), Some(360.0)]);
    assert_eq!(trace.work_method.get(0), Some(WorkMethod::PodStatus));
    // The init container's 700 millicores are more than 500 + 100.
    assert_eq!(request(trace, 0), (Some(700), Some(1_024)));
    assert_eq!((trace.state.get(0), trace.owner_kind.get(0)), (Some(State::Succeeded), Some(OwnerKind::Job)));
    assert_eq!(trace.words.get(trace.word(&trace.image, 0)), "registry/work:1");
}

#[test]
fn counters_become_rates_and_count_on_after_a_reset() {
    let labels = json!({"__name__": "container_cpu_usage_seconds_total", "namespace": "b", "pod": "a", "container": "w"});
    let values = [(0.0, "10"), (15.0, "25"), (30.0, "31"), (45.0, "3"), (60.0, "NaN"), (75.0, "9")];
    let trace = import(&[("answer.json", &answer(&[series(labels, &values)]))]).trace;
    // 15 s / 15 s, 6 / 15, after the reset 3 / 15, and 6 s in the 30 s around the gap.
    assert_eq!(trace.points.cpu(0), [1_000.0, 400.0, 200.0, 200.0]);
    // 31 until the reset, and 9 since.
    assert_eq!(trace.cpu_seconds.get(0), Some(40.0));
}

#[test]
fn cgroups_of_the_pod_and_of_its_pause_container_are_not_added() {
    let of = |container: &str, id: &str, value: &str| {
        let mut labels = json!({
            "__name__": "container_memory_working_set_bytes", "namespace": "b", "pod": "a", "id": id,
        });
        if !container.is_empty() {
            labels["container"] = json!(container);
        }
        series(labels, &[(0.0, value), (15.0, value)])
    };
    let text = answer(&[
        of("", "/kubepods/pod1", "4194304"),
        of("POD", "/kubepods/pod1/p", "1048576"),
        of("w", "/kubepods/pod1/w", "2097152"),
        of("istio-proxy", "/kubepods/pod1/i", "1048576"),
    ]);
    // 2 + 1 MiB of the containers; the pod's 4 MiB hold them already.
    assert_eq!(import(&[("answer.json", &text)]).trace.points.memory(0), [3.0, 3.0]);
}

#[test]
fn the_same_series_from_two_servers_counts_once() {
    let of = |replica: &str| {
        let labels = json!({
            "__name__": "container_memory_working_set_bytes", "namespace": "b", "pod": "a", "container": "w",
            "prometheus_replica": replica,
        });
        series(labels, &[(0.0, "1048576"), (15.0, "1048576")])
    };
    assert_eq!(import(&[("answer.json", &answer(&[of("0"), of("1")]))]).trace.points.memory(0), [1.0, 1.0]);
}

#[test]
fn not_a_number_and_infinity_are_gaps() {
    let labels = json!({"__name__": "container_memory_working_set_bytes", "namespace": "b", "pod": "a", "container": "w"});
    let values = [(0.0, "1048576"), (15.0, "NaN"), (30.0, "+Inf"), (45.0, "3145728"), (60.0, "-Inf")];
    let trace = import(&[("answer.json", &answer(&[series(labels, &values)]))]).trace;
    assert_eq!(trace.points.memory(0), [1.0, 3.0]);
}

#[test]
fn renamed_labels_are_the_pods_own() {
    let labels = json!({
        "__name__": "kube_pod_created", "pod": "kube-state-metrics-7", "namespace": "monitoring",
        "exported_pod": "a", "exported_namespace": "batch",
    });
    let created = series(labels, &[(0.0, epoch(5).as_str())]);
    let pending = one("kube_pod_status_phase", &[("phase", "Pending")], "1");
    let trace = import(&[("answer.json", &answer(&[created, pending]))]).trace;
    assert_eq!((trace.rows(), second(trace.submit_time.get(row(&trace, "a")))), (1, Some(5.0)));
}

#[test]
fn series_without_a_name_take_it_from_the_file_or_the_user() {
    let text = answer(&[series(json!({"namespace": "b", "pod": "a"}), &[(0.0, "0.25"), (15.0, "0.5")])]);
    let said = refused("answer.json", &text);
    assert!(said.contains("1 series do not say") && said.contains("--metric"), "{said}");
    let trace = import(&[("rate_container_cpu_usage_seconds_total.json", &text)]).trace;
    assert_eq!(trace.points.cpu(0), [250.0, 500.0]);
    let options =
        Options { metric: Some("rate(container_cpu_usage_seconds_total)".to_owned()), ..Options::default() };
    assert_eq!(import_with(&[("answer.json", &text)], &options).unwrap().trace.points.cpu(0), [250.0, 500.0]);
}

#[test]
fn answers_come_in_several_wrappings() {
    let result =
        [one("kube_pod_created", &[], &epoch(0)), one("kube_pod_status_phase", &[("phase", "Pending")], "1")];
    let whole = answer(&result);
    let vector: Vec<Value> = result
        .iter()
        .map(|series| json!({"metric": series["metric"], "value": series["values"][0]}))
        .collect();
    for text in [
        json!(result).to_string(),
        json!({"resultType": "matrix", "result": result}).to_string(),
        json!({"status": "success", "data": {"result": vector, "resultType": "vector"}}).to_string(),
        format!("{whole}\n{whole}"),
        format!("[{whole}]"),
        format!("{}\n{}", result[0], result[1]),
    ] {
        let trace = import(&[("answer.json", &text)]).trace;
        assert_eq!((trace.rows(), trace.state.get(0)), (1, Some(State::Pending)), "{text}");
    }
}

#[test]
fn errors_of_prometheus_are_said() {
    let said =
        refused("a.json", r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected x"}"#);
    assert!(said.contains("parse error: unexpected x"), "{said}");
    let said = refused("a.json", r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"1"]}}"#);
    assert!(said.contains("scalar"), "{said}");
    let without = answer(&[series(json!({"__name__": "up", "job": "x"}), &[(0.0, "1")])]);
    assert!(refused("a.json", &without).contains("no series has the label pod"));
}

#[test]
fn exports_of_victoria_metrics_are_read() {
    let line = |name: &str, value: i64| {
        json!({
            "metric": {"__name__": name, "pod": "a", "namespace": "batch"},
            "values": [value, null], "timestamps": [MONDAY + 400_000, MONDAY + 430_000],
        })
        .to_string()
    };
    let seconds = MONDAY / 1_000;
    let text = [
        line("kube_pod_created", seconds),
        line("kube_pod_container_state_started", seconds + 60),
        line("kube_pod_completion_time", seconds + 360),
    ]
    .join("\n");
    let trace = import(&[("vm.jsonl", &text)]).trace;
    let times = [&trace.pod_created_time, &trace.start_time, &trace.end_time];
    assert_eq!(times.map(|time| second(time.get(0))), [Some(0.0), Some(60.0), Some(360.0)]);
}
