//! What waits for what where one thing stands for many: arrays, nodes of a job, mapped tasks, items.

use super::*;

/// A job of 60 s from `start` seconds after May began, all created then; `more` are further fields.
fn job(id: &str, start: i64, more: &str) -> String {
    let created = MAY * 1_000;
    let (start, stop) = (created + start * 1_000, created + start * 1_000 + 60_000);
    format!(
        r#"{{"jobId": "{id}", "status": "SUCCEEDED", "createdAt": {created}, "startedAt": {start},
        "stoppedAt": {stop}, {more}}}"#
    )
}

fn batch(jobs: &[String]) -> Trace {
    import(&[("jobs.json", format!("{{\"jobs\": [{}]}}", jobs.join(",")).as_bytes())]).trace
}

#[test]
fn children_of_an_array_wait_for_what_their_parent_waits_for() {
    for (kind, of_first, of_second) in [("", "a:0;a:1", "a:0;a:1"), ("N_TO_N", "a:0", "a:1")] {
        let depends =
            format!(r#""arrayProperties": {{"size": 2}}, "dependsOn": [{{"jobId": "a", "type": "{kind}"}}]"#);
        let index = |index: usize| format!(r#""arrayProperties": {{"index": {index}}}"#);
        let trace = batch(&[
            job("b", 80, &depends),
            job("a", 10, r#""arrayProperties": {"size": 2}"#),
            job("a:0", 10, &index(0)),
            job("a:1", 10, &index(1)),
            job("b:0", 80, &index(0)),
            job("b:1", 80, &index(1)),
        ]);
        // a ended 10 + 60 s after its creation.
        assert_eq!(
            steps(&trace, MAY),
            [
                "a:0#1 pod succeeded [] +0".to_owned(),
                "a:1#1 pod succeeded [] +0".to_owned(),
                format!("b:0#1 pod succeeded [{of_first}] +70"),
                format!("b:1#1 pod succeeded [{of_second}] +70"),
            ]
        );
    }
}

#[test]
fn nodes_of_a_job_are_rows_with_what_their_range_asks_for() {
    let nodes = r#""nodeProperties": {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": [
        {"targetNodes": "0:", "container": {"image": "i", "vcpus": 4, "memory": 8192}},
        {"targetNodes": "1", "container": {"image": "j", "vcpus": 2, "memory": 1024}}]}"#;
    let trace = batch(&[job("m", 10, nodes), job("after", 80, r#""dependsOn": [{"jobId": "m"}]"#)]);
    assert_eq!(
        steps(&trace, MAY),
        [
            "after#1 pod succeeded [m#0;m#1;m#2] +70",
            "m#0#1 pod succeeded [] +0",
            "m#1#1 pod succeeded [] +0",
            "m#2#1 pod succeeded [] +0",
        ]
    );
    let requests = ["m#0", "m#1", "m#2"].map(|id| request(&trace, row(&trace, id, 1)));
    assert_eq!(requests, [(4_000, 8_192), (2_000, 1_024), (4_000, 8_192)], "the inner range counts");
    assert_eq!(word(&trace, &trace.image, row(&trace, "m#1", 1)), "j");
    let run = |id: &str| word(&trace, &trace.run_id, row(&trace, id, 1)).to_owned();
    assert_eq!(run("m#0"), run("m#2"));
}

/// What is expected of nine rows before nine others: 81 edges are more than 64, so a row stands between them.
fn assert_joined(trace: &Trace, join: &str, after: &str, ended: i64) {
    assert_eq!(trace.rows(), 19);
    let (join, after) = (row(trace, join, 1), row(trace, after, 1));
    assert_eq!(word(trace, &trace.depends_on, join).split(';').count(), 9);
    assert_eq!(word(trace, &trace.depends_on, after), trace.task_id.get(join));
    assert_eq!(trace.kind.get(join).unwrap_or_default().name(), "control");
    let seconds = |time: Option<cost_sim::units::Time>| time.map(|time| time.ms() / 1_000);
    for column in [&trace.submit_time, &trace.start_time, &trace.end_time, &trace.finish_observed_time] {
        assert_eq!(seconds(column.get(join)), Some(ended), "it takes no time, at the last end before it");
    }
    assert_eq!(trace.word(&trace.run_id, join), trace.word(&trace.run_id, after));
}

#[test]
fn a_row_stands_between_arrays_of_aws_batch() {
    let mut jobs = vec![job("a", 10, r#""arrayProperties": {"size": 9}"#)];
    jobs.push(job("b", 90, r#""arrayProperties": {"size": 9}, "dependsOn": [{"jobId": "a"}]"#));
    for index in 0..9 {
        let more = format!(r#""arrayProperties": {{"index": {index}}}"#);
        jobs.extend([job(&format!("a:{index}"), 10 + index, &more), job(&format!("b:{index}"), 90, &more)]);
    }
    let trace = batch(&jobs);
    // The last child began at 18.
    assert_joined(&trace, "a^end", "b:3", MAY + 78);
    assert_eq!(trace.submit_time.get(row(&trace, "b:3", 1)).unwrap().ms(), (MAY + 78) * 1_000);
}

#[test]
fn a_row_stands_between_items_of_argo() {
    let node = |id: &str, kind: &str, children: &str, start: i64| {
        format!(
            r#""{id}": {{"id": "{id}", "name": "w.{id}", "type": "{kind}", "phase": "Succeeded", "children": [{children}],
            "startedAt": "2024-05-01T00:{start:02}:00Z", "finishedAt": "2024-05-01T00:{:02}:00Z"}}"#,
            start + 1
        )
    };
    let names = |letter: &str| (0..9).map(|n| format!("\"{letter}{n}\"")).collect::<Vec<_>>().join(",");
    let mut nodes = vec![node("g", "StepGroup", &names("a"), 0), node("h", "StepGroup", &names("b"), 2)];
    for n in 0..9 {
        nodes.push(node(&format!("a{n}"), "Pod", "\"h\"", 0));
        nodes.push(node(&format!("b{n}"), "Pod", "", 2));
    }
    let workflow = format!(
        r#"{{"kind": "Workflow", "metadata": {{"name": "w", "uid": "u"}}, "status": {{"nodes": {{{}}}}}}}"#,
        nodes.join(",")
    );
    // One workflow, or a list of them.
    for text in [workflow.clone(), format!(r#"{{"items": [{workflow}], "kind": "List"}}"#)] {
        let trace = import(&[("workflows.json", text.as_bytes())]).trace;
        assert_joined(&trace, "b0^after", "b5", MAY + 60);
    }
}

#[test]
fn a_row_stands_between_mapped_tasks_of_airflow() {
    let mut instances = Vec::new();
    for (task, minute) in [("a", 0), ("b", 2)] {
        instances.extend((0..9).map(|index| {
            format!(
                r#"{{"dag_id": "d", "dag_run_id": "r", "task_id": "{task}", "map_index": {index}, "state": "success",
                "try_number": 1, "operator": "PythonOperator", "start_date": "2024-05-01T00:0{minute}:00Z",
                "end_date": "2024-05-01T00:0{}:00Z"}}"#,
                minute + 1
            )
        }));
    }
    let instances = format!(r#"{{"task_instances": [{}]}}"#, instances.join(","));
    let tasks = r#"{"dag_id": "d", "tasks": [{"task_id": "a", "downstream_task_ids": ["b"]},
        {"task_id": "b", "downstream_task_ids": []}]}"#;
    let trace = import(&[("i.json", instances.as_bytes()), ("d.json", tasks.as_bytes())]).trace;
    assert_joined(&trace, "a^end", "b[7]", MAY + 60);
}

#[test]
fn workers_of_celery_are_no_pods_of_the_kubernetes_executor() {
    let kinds = |host: &str| {
        let text = format!(
            r#"{{"task_instances": [
            {{"dag_id": "airflow", "dag_run_id": "r", "task_id": "my_task", "state": "success", "operator": "PythonOperator",
            "hostname": "{host}", "start_date": "2024-05-01T00:00:00Z", "end_date": "2024-05-01T00:01:00Z"}},
            {{"dag_id": "d", "dag_run_id": "r", "task_id": "pod", "state": "success", "operator": "KubernetesPodOperator",
            "start_date": "2024-05-01T00:00:00Z", "end_date": "2024-05-01T00:01:00Z"}}]}}"#
        );
        let trace = import(&[("i.json", text.as_bytes())]).trace;
        trace.kind.get(row(&trace, "my_task", 1)).unwrap_or_default().name()
    };
    assert_eq!(kinds("airflow-worker-0.airflow-worker.airflow.svc.cluster.local"), "control");
    assert_eq!(kinds("airflow-my-task-k3x9q2ab"), "pod");
}

#[test]
fn tables_of_airflow_may_be_separated_by_tabs() {
    let table = "dag_id\ttask_id\trun_id\ttry_number\tstate\tstart_date\tend_date\n\
                 d\ta\tr\t1\tsuccess\t2024-05-01 00:00:01+00\t2024-05-01 00:00:31+00\n";
    let trace = import(&[("task_instance.tsv", table.as_bytes())]).trace;
    assert_eq!(steps(&trace, MAY), ["a#1 pod succeeded [] +1"]);
}
