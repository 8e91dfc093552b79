//! Answers to metrics queries, and tables of points.

use cost_sim::import::{Mapping, Options};
use cost_sim::trace::{SourcePlatform, State};
use serde_json::{Value, json};

use super::*;

/// A series of v1 whose points are (minutes after Monday, value).
fn series(metric: &str, tags: &[&str], unit: &Value, points: &[(i64, Option<f64>)]) -> Value {
    let points: Vec<Value> = points.iter().map(|(at, value)| json!([MONDAY + at * 60_000, value])).collect();
    json!({
        "metric": metric, "tag_set": tags, "scope": tags.join(","), "interval": 60, "unit": unit, "pointlist": points,
    })
}

fn answer(series: &[Value]) -> String {
    json!({"status": "ok", "res_type": "time_series", "series": series}).to_string()
}

fn nanocores() -> Value {
    json!([{"family": "cpu", "name": "nanocore"}, null])
}

fn bytes() -> Value {
    json!([{"family": "bytes", "name": "byte"}, null])
}

const CPU: &str = "kubernetes.cpu.usage.total";
const MEMORY: &str = "kubernetes.memory.working_set";
const MIB: f64 = 1_048_576.0;

fn points(values: &[f64]) -> Vec<(i64, Option<f64>)> {
    values.iter().enumerate().map(|(at, value)| (at as i64, Some(*value))).collect()
}

#[test]
fn usage_is_summed_over_the_containers_of_a_pod() {
    let main = ["pod_name:a", "kube_namespace:batch", "kube_container_name:work"];
    let agent = ["pod_name:a", "kube_namespace:batch", "kube_container_name:datadog-agent"];
    let text = answer(&[
        series(CPU, &main, &nanocores(), &points(&[200e6, 400e6, 600e6])),
        series(CPU, &agent, &nanocores(), &points(&[10e6, 10e6, 30e6])),
        series(MEMORY, &main, &bytes(), &points(&[100.0 * MIB, 300.0 * MIB])),
        series(MEMORY, &agent, &bytes(), &points(&[50.0 * MIB, 50.0 * MIB])),
    ]);
    let imported = import(&[("answer.json", &text)]);
    let trace = &imported.trace;
    let row = row(trace, "a");
    // 200 + 10, 400 + 10 and 600 + 30 millicores: 1,250 / 3 on average, 630 at most.
    assert_eq!(trace.points.cpu(row), [210.0, 410.0, 630.0]);
    assert_eq!(trace.cpu_usage_avg_milli.get(row), Some(1_250.0 / 3.0));
    assert_eq!(trace.cpu_usage_max_milli.get(row), Some(630.0));
    // 100 + 50 and 300 + 50 MiB.
    assert_eq!(
        (trace.memory_usage_avg_mib.get(row), trace.memory_usage_max_mib.get(row)),
        (Some(250.0), Some(350.0))
    );
}

#[test]
fn a_sidecar_adds_to_the_size_and_not_to_the_time() {
    let main = ["pod_name:job-x", "kube_container_name:work"];
    let agent = ["pod_name:job-x", "kube_container_name:datadog-agent"];
    let some = |from: i64, to: i64| (from..=to).map(|at| (at, Some(100e6))).collect::<Vec<_>>();
    let request = |milli: f64| vec![(0, Some(milli / 1_000.0))];
    let text = answer(&[
        series(CPU, &main, &nanocores(), &some(5, 8)),
        series(CPU, &agent, &nanocores(), &some(0, 20)),
        series("kubernetes.cpu.requests", &main, &Value::Null, &request(500.0)),
        series("kubernetes.cpu.requests", &agent, &Value::Null, &request(100.0)),
        series("kubernetes.memory.requests", &main, &bytes(), &[(0, Some(1_024.0 * MIB))]),
        series("kubernetes.memory.requests", &agent, &bytes(), &[(0, Some(256.0 * MIB))]),
    ]);
    let imported = import(&[("answer.json", &text)]);
    let trace = &imported.trace;
    let row = row(trace, "job-x");
    // Requests of both: 500 + 100 millicores, 1,024 + 256 MiB.
    assert_eq!(super::request(trace, row), (Some(600), Some(1_280)));
    // Four points of the main container at minutes 5 to 8: it ran from half a step before until half a step after them.
    assert_eq!(second(trace.start_time.get(row)), Some(270.0));
    assert_eq!(second(trace.end_time.get(row)), Some(510.0));
    // What the agent used before and after is not the work's: 100 + 100 in each of four minutes.
    assert_eq!(trace.points.cpu(row), [200.0; 4]);
}

#[test]
fn windows_overlap_and_the_last_file_is_believed() {
    let tags = ["pod_name:a", "kube_namespace:batch"];
    let of = |list: &[(i64, Option<f64>)]| answer(&[series(CPU, &tags, &nanocores(), list)]);
    let first = of(&[(0, Some(100e6)), (1, Some(200e6)), (2, Some(300e6))]);
    let second = of(&[(1, Some(200e6)), (2, Some(500e6)), (3, Some(400e6))]);
    let imported = import(&[("a.json", &first), ("b.json", &second)]);
    let trace = &imported.trace;
    // Minute 1 is the same in both; at minute 2 the first said 300 and the last 500.
    assert_eq!(trace.points.cpu(row(trace, "a")), [100.0, 200.0, 500.0, 400.0]);
    assert!(says(&imported, "1 point is in several files with different values"), "{:?}", imported.warnings);
    // All of it in one file, one answer after the other, is the same; so is a list of answers.
    for text in [format!("{first}\n{second}\n"), format!("{first}{second}"), format!("[{first},{second}]")] {
        let together = import(&[("all.json", &text)]).trace;
        assert_eq!(together.points.cpu(0), trace.points.cpu(0));
    }
}

#[test]
fn gaps_are_no_zeros() {
    let list = [(0, Some(100e6)), (1, None), (2, Some(300e6)), (3, None)];
    let text = answer(&[series(CPU, &["pod_name:a"], &nanocores(), &list)]);
    let imported = import(&[("answer.json", &text)]);
    let trace = &imported.trace;
    // (100 + 300) / 2, not / 4; and the last point is that of minute 2.
    assert_eq!(trace.cpu_usage_avg_milli.get(0), Some(200.0));
    assert_eq!(second(trace.end_time.get(0)), Some(2.0 * 60.0 + 30.0));
}

#[test]
fn the_step_is_that_of_the_points_whatever_the_interval_says() {
    let list = [(0, Some(1e6)), (5, Some(1e6)), (10, Some(1e6))];
    for interval in [300, 300_000, 20, 1] {
        let mut one = series(CPU, &["pod_name:a"], &nanocores(), &list);
        one["interval"] = json!(interval);
        let imported = import(&[("answer.json", &answer(&[one]))]);
        // 300 s apart: the end is half of that after the last point at 600 s.
        assert_eq!(second(imported.trace.end_time.get(0)), Some(750.0), "{interval}");
        assert!(says(&imported, "points up to 300 s apart"), "{:?}", imported.warnings);
    }
}

#[test]
fn a_missing_unit_is_the_documented_one() {
    let text = answer(&[
        series(CPU, &["pod_name:a"], &Value::Null, &points(&[250e6, 250e6])),
        series(MEMORY, &["pod_name:a"], &json!([null, null]), &points(&[512.0 * MIB, 512.0 * MIB])),
        series("kubernetes.cpu.requests", &["pod_name:a"], &Value::Null, &points(&[0.5])),
    ]);
    let trace = import(&[("answer.json", &text)]).trace;
    // 250,000,000 nanocores, 536,870,912 bytes, 0.5 cores.
    assert_eq!(
        (trace.cpu_usage_avg_milli.get(0), trace.memory_usage_max_mib.get(0)),
        (Some(250.0), Some(512.0))
    );
    assert_eq!(request(&trace, 0).0, Some(500));
}

#[test]
fn units_that_cannot_be_are_refused() {
    let text = answer(&[series(CPU, &["pod_name:a"], &bytes(), &points(&[1.0]))]);
    assert!(
        refused("answer.json", &text)
            .contains("kubernetes.cpu.usage.total in the unit byte is not understood")
    );
}

#[test]
fn averages_over_containers_are_warned_of() {
    for (query, is_doubtful) in [
        ("avg:kubernetes.cpu.usage.total{*} by {pod_name}.rollup(avg, 60)", true),
        ("kubernetes.cpu.usage.total{*} by {pod_name}", true),
        ("sum:kubernetes.cpu.usage.total{*} by {pod_name}.rollup(avg, 60)", false),
        ("avg:kubernetes.cpu.usage.total{*} by {pod_name,kube_container_name}", false),
    ] {
        let one = series(CPU, &["pod_name:a"], &nanocores(), &points(&[1e6, 1e6]));
        // In the series, before the series, and after them.
        let mut inside = one.clone();
        inside["expression"] = json!(query);
        let texts = [
            json!({"status": "ok", "series": [inside]}).to_string(),
            format!(r#"{{"query": {}, "series": [{one}]}}"#, json!(query)),
            format!(r#"{{"series": [{one}], "query": {}}}"#, json!(query)),
        ];
        for text in texts {
            let imported = import(&[("answer.json", &text)]);
            assert_eq!(
                says(&imported, "of a pod with two containers"),
                is_doubtful,
                "{text}: {:?}",
                imported.warnings
            );
        }
    }
}

#[test]
fn pods_with_one_point_have_unknown_usage() {
    let text = answer(&[
        series(CPU, &["pod_name:short"], &nanocores(), &points(&[0.0])),
        series(CPU, &["pod_name:long"], &nanocores(), &points(&[100e6, 100e6])),
    ]);
    let imported = import(&[("answer.json", &text)]);
    let trace = &imported.trace;
    let short = row(trace, "short");
    assert_eq!((trace.cpu_usage_avg_milli.get(short), trace.points.cpu(short)), (None, &[][..]));
    assert!(
        says(&imported, "1 pod has fewer than two points of usage: it is unknown there"),
        "{:?}",
        imported.warnings
    );
    // It was seen once in steps of a minute, as the others show: half a step to either side of the point.
    assert_eq!(second(trace.end_time.get(short)), Some(30.0));
}

#[test]
fn uptime_age_and_reason_say_when_and_how() {
    let tags = ["pod_name:a", "kube_namespace:batch", "kube_container_name:work"];
    let pod = ["pod_name:a", "kube_namespace:batch"];
    let reason = ["pod_name:a", "kube_namespace:batch", "kube_container_name:work", "reason:OOMKilled"];
    let none = Value::Null;
    let text = answer(&[
        series("container.uptime", &tags, &none, &[(2, Some(40.0)), (3, Some(100.0)), (4, None)]),
        series("kubernetes_state.pod.age", &pod, &none, &[(2, Some(110.0)), (3, Some(170.0))]),
        series("kubernetes_state.pod.uptime", &pod, &none, &[(2, Some(65.0)), (3, Some(125.0))]),
        series(
            "kubernetes_state.container.status_report.count.terminated",
            &reason,
            &none,
            &[(4, Some(1.0))],
        ),
        series("eks.fargate.cpu.capacity", &pod, &none, &[(2, Some(0.25))]),
        series("eks.fargate.memory.capacity", &pod, &none, &[(2, Some(512.0 * MIB))]),
    ]);
    let imported = import(&[("answer.json", &text)]);
    let trace = &imported.trace;
    // At 180 s the pod was 170 s old, its node had it for 125 s and its container had run for 100 s.
    assert_eq!(second(trace.pod_created_time.get(0)), Some(10.0));
    assert_eq!(second(trace.scheduled_time.get(0)), Some(55.0));
    assert_eq!(second(trace.start_time.get(0)), Some(80.0));
    assert_eq!(trace.state.get(0), Some(State::Failed));
    assert_eq!(trace.words.get(trace.word(&trace.exit_reason, 0)), "OOMKilled");
    assert_eq!(trace.source_platform.get(0), Some(SourcePlatform::Fargate));
    // No request in any file: what Fargate gave, less the 256 MiB that it adds for itself.
    assert_eq!(request(trace, 0), (Some(250), Some(256)));
    assert!(says(&imported, "what Fargate gave them is taken"), "{:?}", imported.warnings);
}

#[test]
fn answers_of_version_2_take_their_metric_from_the_request() {
    let data = json!({"type": "timeseries_response", "attributes": {
        "series": [
            {"group_tags": ["pod_name:a", "kube_namespace:batch"], "query_index": 0, "unit": [{"name": "byte"}, null]},
            {"group_tags": ["pod_name:a", "kube_namespace:batch"], "query_index": 1, "unit": null},
        ],
        "times": [MONDAY, MONDAY + 60_000, MONDAY + 120_000],
        "values": [[MIB, null, 3.0 * MIB], [100e6, 200e6, 300e6]],
    }});
    let request = json!({"data": {"type": "timeseries_request", "attributes": {
        "formulas": [{"formula": "m"}, {"formula": "c"}],
        "queries": [
            {"name": "c", "data_source": "metrics", "query": "sum:kubernetes.cpu.usage.total{*} by {pod_name}"},
            {"name": "m", "data_source": "metrics", "query": "sum:kubernetes.memory.usage{*} by {pod_name}"},
        ],
    }}});
    let texts = [
        json!({"request": request, "response": {"data": data}}).to_string(),
        json!({"data": data, "request": request}).to_string(),
        format!("{request}\n{}", json!({"data": data})),
    ];
    for text in texts {
        let trace = import(&[("answer.json", &text)]).trace;
        assert_eq!(trace.points.cpu(0), [100.0, 200.0, 300.0], "{text}");
        assert_eq!(trace.points.memory(0), [1.0, 3.0], "{text}");
    }
}

#[test]
fn answers_of_version_2_that_name_no_metric() {
    let of = |unit: &str| {
        json!({"data": {"type": "timeseries_response", "attributes": {
            "series": [{"group_tags": ["pod_name:a"], "query_index": 0, "unit": [{"name": unit}, null]}],
            "times": [MONDAY, MONDAY + 60_000], "values": [[MIB, 2.0 * MIB]],
        }}})
        .to_string()
    };
    // Nanocores are usage; bytes may be usage, a request or a limit.
    assert!(import(&[("x.json", &of("nanocore"))]).trace.cpu_usage_avg_milli.get(0).is_some());
    let said = refused("x.json", &of("byte"));
    assert!(said.contains("--metric") && said.contains("kubernetes.memory.working_set.json"), "{said}");
    let named = import(&[("out/kubernetes.memory.working_set-17.json", &of("byte"))]).trace;
    assert_eq!(named.points.memory(0), [1.0, 2.0]);
    let options = Options { metric: Some("kubernetes.memory.rss".to_owned()), ..Options::default() };
    let told = import_with(&[("x.json", &of("byte"))], &options).unwrap().trace;
    assert_eq!(told.points.memory(0), [1.0, 2.0]);
    let options = Options { metric: Some("system.load".to_owned()), ..Options::default() };
    assert!(import_with(&[("x.json", &of("byte"))], &options).is_err());
}

#[test]
fn scalars_are_numbers_without_times() {
    let cpu = answer(&[series(CPU, &["pod_name:b"], &nanocores(), &points(&[1e6, 1e6]))]);
    let text = json!({
        "request": {"data": {"attributes": {"queries": [
            {"name": "a", "aggregator": "avg", "query": "sum:kubernetes.cpu.usage.total{*} by {pod_name}"},
            {"name": "m", "aggregator": "max", "query": "sum:kubernetes.memory.working_set{*} by {pod_name}"},
        ]}}},
        "data": {"type": "scalar_response", "attributes": {"columns": [
            {"name": "pod_name", "type": "group", "values": [["b"], ["c"]]},
            {"name": "a", "type": "number", "values": [250e6, null], "meta": {"unit": [{"name": "nanocore"}, null]}},
            {"name": "m", "type": "number", "values": [64.0 * MIB, 32.0 * MIB], "meta": {"unit": null}},
        ]}},
    });
    let imported = import(&[("cpu.json", &cpu), ("scalar.json", &text.to_string())]);
    let trace = &imported.trace;
    let row = row(trace, "b");
    // Points of CPU go before the average; memory has its maximum only.
    assert_eq!(trace.cpu_usage_avg_milli.get(row), Some(1.0));
    assert_eq!(
        (trace.memory_usage_avg_mib.get(row), trace.memory_usage_max_mib.get(row)),
        (None, Some(64.0))
    );
    // Nothing says when c ran.
    assert_eq!(trace.rows(), 1);
}

#[test]
fn recorded_answers_about_hosts_are_refused() {
    for name in ["v1_query_system.cpu.idle.json", "v2_query_scalar.json"] {
        let path = std::path::PathBuf::from("fixtures/datadog").join(name);
        let Err(error) = cost_sim::import::read(&[path], &Options::default(), &mut |_| {}) else {
            panic!("{name} is accepted")
        };
        let said = error.render();
        assert!(said.contains("no series has the tag pod_name") && said.contains("by {pod_name,"), "{said}");
    }
}

#[test]
fn errors_of_datadog_are_said() {
    let said = refused("a.json", r#"{"errors": ["Forbidden"]}"#);
    assert!(said.contains("Forbidden"), "{said}");
    let said = refused("a.json", r#"{"status": "error", "error": "Rate limit", "series": []}"#);
    assert!(said.contains("Rate limit"), "{said}");
}

#[test]
fn windows_without_pods_are_no_error() {
    let full = answer(&[series(CPU, &["pod_name:a"], &nanocores(), &points(&[1e6, 1e6]))]);
    assert_eq!(import(&[("a.json", &answer(&[])), ("b.json", &full)]).trace.rows(), 1);
}

#[test]
fn metrics_that_say_nothing_are_counted_by_name() {
    let text = answer(&[
        series(CPU, &["pod_name:a"], &nanocores(), &points(&[1e6, 1e6])),
        series("kubernetes.network.rx_bytes", &["pod_name:a"], &Value::Null, &points(&[1.0])),
        series("(kubernetes.cpu.usage.total / 1000)", &["pod_name:a"], &Value::Null, &points(&[1.0])),
        series(CPU, &["host:i-1"], &nanocores(), &points(&[1.0])),
        series(CPU, &["pod_name:N/A"], &nanocores(), &points(&[1.0])),
    ]);
    let imported = import(&[("a.json", &text)]);
    assert!(says(&imported, "kubernetes.network.rx_bytes (1)"), "{:?}", imported.warnings);
    assert!(says(&imported, "(kubernetes.cpu.usage.total / 1000) (1)"), "{:?}", imported.warnings);
    assert!(says(&imported, "series without the tag pod_name are left out: 2"), "{:?}", imported.warnings);
    assert_eq!(imported.trace.points.cpu(0), [1.0, 1.0]);
}

#[test]
fn a_pod_told_of_with_and_without_its_namespace_is_one() {
    let without = answer(&[series(CPU, &["pod_name:a"], &nanocores(), &points(&[1e6, 2e6]))]);
    let with = answer(&[series(MEMORY, &["pod_name:a", "kube_namespace:x"], &bytes(), &points(&[MIB, MIB]))]);
    let trace = import(&[("a.json", &without), ("b.json", &with)]).trace;
    assert_eq!(
        (trace.rows(), trace.points.cpu(0), trace.points.memory(0)),
        (1, &[1.0, 2.0][..], &[1.0, 1.0][..])
    );
}

#[test]
fn tables_with_usual_names_need_no_mapping() {
    let text = "\
timestamp,pod_name,kube_namespace,metric,value
2026-01-05T00:00:00Z,a,batch,kubernetes.cpu.usage.total,100000000
2026-01-05T00:01:00Z,a,batch,kubernetes.cpu.usage.total,
2026-01-05T00:02:00Z,a,batch,kubernetes.cpu.usage.total,300000000
2026-01-05T00:00:00Z,a,batch,kubernetes.memory.working_set,1048576
2026-01-05T00:01:00Z,a,batch,kubernetes.memory.working_set,2097152
";
    let trace = import(&[("points.csv", text)]).trace;
    assert_eq!((trace.points.cpu(0), trace.points.memory(0)), (&[100.0, 300.0][..], &[1.0, 2.0][..]));
    // Points a minute apart; the last at minute 2.
    assert_eq!(second(trace.end_time.get(0)), Some(150.0));
    let wide = "\
time,\"sum:kubernetes.cpu.usage.total{pod_name:a,kube_namespace:batch}\",\"sum:kubernetes.cpu.usage.total{pod_name:b}\"
1767571200000,100000000,
1767571260000,200000000,50000000
1767571320000,,70000000
";
    let trace = import(&[("wide.csv", wide)]).trace;
    assert_eq!(trace.points.cpu(row(&trace, "a")), [100.0, 200.0]);
    assert_eq!(trace.points.cpu(row(&trace, "b")), [50.0, 70.0]);
    let metrics = "\
date,pod_name,kubernetes.cpu.usage.total,kubernetes.memory.usage
1767571200,a,100000000,1048576
1767571260,a,200000000,1048576
";
    let trace = import(&[("metrics.csv", metrics)]).trace;
    assert_eq!((trace.points.cpu(0), trace.points.memory(0)), (&[100.0, 200.0][..], &[1.0, 1.0][..]));
}

#[test]
fn tables_with_other_names_need_one() {
    let text = "Zeit;x\n";
    assert!(import_with(&[("a.csv", text)], &Options::default()).is_err());
    let text = "Wann,Wer,Wieviel\n2026-01-05T00:00:00Z,a,0.25\n2026-01-05T00:01:00Z,a,0.5\n";
    let mapping = "time=Wann,pod=Wer,value=Wieviel,metric=kubernetes.cpu.usage.total,unit=core";
    let options = Options {
        from: cost_sim::import::Format::of_name("datadog"),
        columns: Some(Mapping::parse(mapping).unwrap()),
        ..Options::default()
    };
    let trace = import_with(&[("a.csv", text)], &options).unwrap().trace;
    assert_eq!(trace.points.cpu(0), [250.0, 500.0]);
    let options = Options { columns: Some(Mapping::parse("time=When").unwrap()), ..options };
    let said = import_with(&[("a.csv", text)], &options).unwrap_err().render();
    assert!(said.contains("there is no column When") && said.contains("Wann, Wer, Wieviel"), "{said}");
}

#[test]
fn lines_of_logs_are_signs_of_life() {
    let text = "\
Date,Host,Service,Content
2026-01-05T00:00:10.000Z,i-1,job,\"{\"\"kubernetes\"\":{\"\"pod_name\"\":\"\"a\"\"},\"\"message\"\":\"\"begin\"\"}\"
2026-01-05T00:03:00.000Z,i-1,job,\"{\"\"kubernetes\"\":{\"\"pod_name\"\":\"\"a\"\"},\"\"message\"\":\"\"end\"\"}\"
";
    let trace = import(&[("extract-2026-01-05T00_10_00.000Z.csv", text)]).trace;
    assert_eq!((second(trace.start_time.get(0)), second(trace.end_time.get(0))), (Some(10.0), Some(180.0)));
}

#[test]
fn what_the_query_is_limited_to_counts_as_well_as_what_it_is_grouped_by() {
    // As v1 answers to sum:…{kube_namespace:a} by {pod_name}: pods of one name in two namespaces are two.
    let of = |namespace: &str, nanocores: f64| {
        let mut series = series(CPU, &["pod_name:etl"], &self::nanocores(), &points(&[nanocores, nanocores]));
        series["scope"] = json!(format!("kube_namespace:{namespace},pod_name:etl"));
        answer(&[series])
    };
    let trace = import(&[("a.json", &of("a", 100e6)), ("b.json", &of("b", 900e6))]).trace;
    let cpu: Vec<&[f64]> = (0..trace.rows()).map(|row| trace.points.cpu(row)).collect();
    assert_eq!(cpu, [[100.0, 100.0], [900.0, 900.0]]);
}

#[test]
fn times_in_seconds_are_refused() {
    let seconds = json!({
        "metric": CPU, "tag_set": ["pod_name:a"], "unit": nanocores(),
        "pointlist": [[MONDAY / 1_000, 1e8], [MONDAY / 1_000 + 60, 1e8]],
    });
    let said = refused("answer.json", &answer(&[seconds]));
    assert!(said.contains("answer.json:1:") && said.contains("are these seconds?"), "{said}");
}

#[test]
fn a_table_must_say_which_metric_it_is_of() {
    let text =
        "Timestamp,pod_name,kube_namespace,Value\n1767571200000,a,batch,0.25\n1767571260000,a,batch,0.25\n";
    let said = refused("points.csv", text);
    assert!(said.contains("--metric") && said.contains("--columns metric="), "{said}");
    // The name of the file says it; the unit is the metric's own, bytes.
    let trace = import(&[("kubernetes.memory.working_set.csv", &text.replace("0.25", "1048576"))]).trace;
    assert_eq!(trace.points.memory(0), [1.0, 1.0]);
}
