//! Objects as kubectl prints them.

use cost_sim::trace::{OwnerKind, SourcePlatform, State, WorkMethod};
use serde_json::{Value, json};

use super::*;

/// A pod of one container that ran from second 60 to second 360.
fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "batch", "creationTimestamp": "2026-01-05T00:00:00Z"},
        "spec": {
            "nodeName": "ip-10-0-0-1.ap-northeast-1.compute.internal",
            "containers": [{"name": "work", "image": "registry/work:1", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}],
        },
        "status": {
            "phase": "Succeeded",
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-05T00:00:42Z"}],
            "containerStatuses": [{"name": "work", "restartCount": 0, "state": {"terminated": {
                "startedAt": "2026-01-05T00:01:00Z", "finishedAt": "2026-01-05T00:06:00Z", "reason": "Completed", "exitCode": 0,
            }}}],
        },
    })
}

fn list(items: &[Value]) -> String {
    json!({"apiVersion": "v1", "items": items, "kind": "List"}).to_string()
}

#[test]
fn a_pod_that_ran_has_all_its_times() {
    for text in [
        list(&[pod("a")]),
        pod("a").to_string(),
        json!({"kind": "PodList", "apiVersion": "v1", "items": [pod("a")]}).to_string(),
    ] {
        let trace = import(&[("pods.json", &text)]).trace;
        let times = [&trace.pod_created_time, &trace.scheduled_time, &trace.start_time, &trace.end_time];
        assert_eq!(times.map(|time| second(time.get(0))), [Some(0.0), Some(42.0), Some(60.0), Some(360.0)]);
        assert_eq!(
            (trace.work_method.get(0), trace.state.get(0)),
            (Some(WorkMethod::PodStatus), Some(State::Succeeded))
        );
        assert_eq!(request(&trace, 0), (Some(500), Some(1_024)));
        assert_eq!(trace.source_platform.get(0), Some(SourcePlatform::Ec2));
        assert_eq!(trace.words.get(trace.word(&trace.image, 0)), "registry/work:1");
    }
}

#[test]
fn yaml_is_the_same() {
    let text = "\
apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    creationTimestamp: \"2026-01-05T00:00:00Z\"
    name: a
    namespace: batch
  spec:
    containers:
    - name: work
      resources:
        requests:
          cpu: 2
          memory: 1Gi
  status:
    phase: Pending
kind: List
---
apiVersion: v1
kind: Pod
metadata:
  creationTimestamp: 2026-01-05T00:01:00Z
  name: b
spec: {}
status:
  phase: Pending
";
    let trace = import(&[("pods.yaml", text)]).trace;
    let a = row(&trace, "a");
    assert_eq!(
        (trace.rows(), request(&trace, a), trace.state.get(a)),
        (2, (Some(2_000), Some(1_024)), Some(State::Pending))
    );
    assert_eq!(second(trace.submit_time.get(row(&trace, "b"))), Some(60.0));
}

#[test]
fn objects_that_are_no_pods_are_left_out() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"priority": "high"}});
    let mut daemon = pod("daemon");
    daemon["metadata"]["ownerReferences"] = json!([{"kind": "DaemonSet", "name": "agent"}]);
    let imported = import(&[("pods.json", &list(&[service.clone(), daemon, pod("a")]))]);
    assert_eq!(imported.trace.rows(), 1);
    assert!(refused("x.json", &list(&[service])).contains("objects of kind Service"));
}

#[test]
fn runs_that_are_forgotten_count_and_agents_do_not_bound_the_work() {
    let mut pod = pod("a");
    pod["spec"]["containers"] = json!([
        {"name": "work", "resources": {"requests": {"cpu": "500m"}}},
        {"name": "datadog-agent", "resources": {"requests": {"cpu": "100m"}}},
    ]);
    pod["status"]["phase"] = json!("Running");
    pod["status"]["containerStatuses"] = json!([
        {"name": "datadog-agent", "state": {"running": {"startedAt": "2026-01-05T00:00:50Z"}}},
        {"name": "work", "restartCount": 2,
         "state": {"waiting": {"reason": "CrashLoopBackOff"}},
         "lastState": {"terminated": {"startedAt": "2026-01-05T00:09:00Z", "finishedAt": "2026-01-05T00:10:00Z",
                                      "reason": "OOMKilled", "exitCode": 137}}},
    ]);
    let imported = import(&[("pods.json", &list(&[pod]))]);
    let trace = &imported.trace;
    // Of three runs the status knows the last; the first cannot have begun before the pod was scheduled.
    assert_eq!((second(trace.start_time.get(0)), second(trace.end_time.get(0))), (Some(42.0), Some(600.0)));
    assert_eq!((trace.state.get(0), request(trace, 0).0), (Some(State::Failed), Some(600)));
    assert_eq!(trace.words.get(trace.word(&trace.exit_reason, 0)), "OOMKilled");
    assert!(
        says(&imported, "started again in place: their work is all from the first known start"),
        "{:?}",
        imported.warnings
    );
}

#[test]
fn a_pod_that_is_restarted_keeps_its_room_between_its_runs() {
    let mut pod = pod("a");
    pod["status"]["containerStatuses"] = json!([{
        "name": "work", "restartCount": 1,
        "state": {"terminated": {"startedAt": "2026-01-05T01:00:00Z", "finishedAt": "2026-01-05T01:00:30Z", "exitCode": 0}},
        "lastState": {"terminated": {"startedAt": "2026-01-05T00:01:00Z", "finishedAt": "2026-01-05T00:59:50Z", "exitCode": 1}},
    }]);
    let imported = import(&[("pods.json", &list(&[pod]))]);
    let trace = &imported.trace;
    // From the first run's start to the last one's end: 3,630 - 60 s, of which the last run is 30 s.
    assert_eq!((second(trace.start_time.get(0)), second(trace.end_time.get(0))), (Some(60.0), Some(3_630.0)));
    assert_eq!(trace.state.get(0), Some(State::Succeeded));
}

#[test]
fn snapshots_of_a_pod_are_one_in_any_order_of_the_files() {
    let mut running = pod("a");
    running["status"]["phase"] = json!("Running");
    running["status"]["containerStatuses"] = json!([{"name": "work", "restartCount": 0, "state": {"running": {"startedAt": "2026-01-05T00:01:00Z"}}}]);
    let mut pending = pod("a");
    pending["spec"]["nodeName"] = json!("");
    pending["status"] = json!({"phase": "Pending"});
    let mut texts = [
        ("over.json", list(&[pod("a")])),
        ("running.json", list(&[running])),
        ("pending.json", list(&[pending])),
    ];
    for _ in 0..2 {
        for _ in 0..3 {
            texts.rotate_left(1);
            let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
            let imported = import(&files);
            let trace = &imported.trace;
            let names: Vec<&str> = files.iter().map(|file| file.0).collect();
            assert_eq!(trace.rows(), 1, "{names:?}");
            let times = [&trace.scheduled_time, &trace.start_time, &trace.end_time];
            assert_eq!(
                times.map(|time| second(time.get(0))),
                [Some(42.0), Some(60.0), Some(360.0)],
                "{names:?}"
            );
            assert_eq!(trace.state.get(0), Some(State::Succeeded), "{names:?}");
        }
        texts.swap(0, 1);
    }
}

#[test]
fn a_pod_that_still_runs_is_counted_until_the_export() {
    let mut running = pod("running");
    running["status"]["phase"] = json!("Running");
    running["status"]["containerStatuses"] =
        json!([{"name": "work", "state": {"running": {"startedAt": "2026-01-05T00:02:00Z"}}}]);
    let imported = import(&[("pods.json", &list(&[running, pod("a")]))]);
    let trace = &imported.trace;
    let row = row(trace, "running");
    // The last time that the export mentions is the end of the other pod.
    assert_eq!(
        (second(trace.start_time.get(row)), second(trace.end_time.get(row))),
        (Some(120.0), Some(360.0))
    );
    assert_eq!(trace.state.get(row), Some(State::Running));
    assert!(says(&imported, "1 pod was still running"), "{:?}", imported.warnings);
}

#[test]
fn what_decides_where_it_may_run_is_kept() {
    let mut pod = pod("a");
    pod["metadata"]["annotations"] =
        json!({"karpenter.sh/do-not-disrupt": "true", "CapacityProvisioned": "0.5vCPU 1GB"});
    pod["metadata"]["ownerReferences"] = json!([{"kind": "Job", "name": "nightly"}]);
    pod["metadata"]["deletionTimestamp"] = json!("2026-01-05T00:07:00Z");
    pod["spec"]["nodeName"] = json!("fargate-ip-10-0-0-1.ap-northeast-1.compute.internal");
    pod["spec"]["nodeSelector"] =
        json!({"disk": "ssd", "kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux"});
    pod["spec"]["tolerations"] = json!([{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}]);
    pod["spec"]["priority"] = json!(100);
    pod["spec"]["overhead"] = json!({"cpu": "50m"});
    let trace = import(&[("pods.json", &list(&[pod]))]).trace;
    let text = |column| trace.words.get(trace.word(column, 0));
    assert_eq!(trace.source_platform.get(0), Some(SourcePlatform::Fargate));
    assert_eq!((trace.owner_kind.get(0), trace.priority.get(0)), (Some(OwnerKind::Job), Some(100)));
    assert_eq!(
        (text(&trace.node_selector), text(&trace.tolerations)),
        ("disk=ssd;kubernetes.io/arch=arm64", "batch:NoSchedule")
    );
    assert_eq!((trace.do_not_disrupt.get(0), request(&trace, 0).0), (Some(true), Some(550)));
    assert_eq!(second(trace.deleted_time.get(0)), Some(420.0));
}

#[test]
fn events_say_when_a_pod_was_scheduled_and_how_long_its_image_took() {
    let event = |reason: &str, message: &str| {
        json!({"kind": "Event", "metadata": {"name": "e"}, "reason": reason, "message": message,
               "involvedObject": {"kind": "Pod", "namespace": "batch", "name": "a", "fieldPath": "spec.containers{work}"},
               "firstTimestamp": "2026-01-05T00:00:40Z", "eventTime": null})
    };
    let mut pod = pod("a");
    pod["status"]["conditions"] = Value::Null;
    let pulled = "Successfully pulled image \"registry/work:1\" in 12.5s (14s including waiting). Image size: 104857600 bytes.";
    let text = list(&[
        event("Scheduled", "Successfully assigned batch/a"),
        event("Pulled", pulled),
        event("Killing", "x"),
    ]);
    let trace = import(&[("pods.json", &list(&[pod])), ("events.json", &text)]).trace;
    assert_eq!(second(trace.scheduled_time.get(0)), Some(40.0));
    assert_eq!(trace.image_pull.get(0).map(cost_sim::units::Span::ms), Some(12_500));
    assert_eq!(trace.image_size.get(0), Some(Memory::from_mib(100)));
}

#[test]
fn objects_and_metrics_of_a_pod_are_joined_and_objects_believed() {
    let points =
        |from: i64| -> Vec<Value> { (from..from + 4).map(|m| json!([MONDAY + m * 60_000, 250e6])).collect() };
    let metrics = json!({"status": "ok", "series": [
        {"metric": "kubernetes.cpu.usage.total", "tag_set": ["pod_name:a", "kube_namespace:batch"], "pointlist": points(2)},
        {"metric": "kubernetes.cpu.requests", "tag_set": ["pod_name:a", "kube_namespace:batch"], "pointlist": [[MONDAY, 4.0]]},
    ]});
    for files in [["a.json", "b.json"], ["b.json", "a.json"]] {
        let (objects, metrics) = (list(&[pod("a")]), metrics.to_string());
        let mut contents = [(files[0], objects.as_str()), (files[1], metrics.as_str())];
        contents.sort_unstable();
        let trace = import(&contents).trace;
        assert_eq!(
            (second(trace.start_time.get(0)), second(trace.end_time.get(0))),
            (Some(60.0), Some(360.0))
        );
        assert_eq!((request(&trace, 0).0, trace.cpu_usage_avg_milli.get(0)), (Some(500), Some(250.0)));
    }
}

#[test]
fn a_watch_with_its_events_is_read() {
    let event = |kind: &str| json!({"type": kind, "object": pod("a")}).to_string();
    let text = format!("{}\n{}\n", event("ADDED"), event("MODIFIED"));
    let trace = import(&[("watch.json", &text)]).trace;
    assert_eq!((trace.rows(), second(trace.end_time.get(0))), (1, Some(360.0)));
}
