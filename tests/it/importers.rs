//! What orchestrators and archives export becomes the right rows: the traps of each format, with the arithmetic.
//!
//! Files are small and synthetic, except two of Argo's own (see `fixtures/argo/README.md`).

mod edges;

use cost_sim::error::Error;
use cost_sim::import::{self, Imported, Options};
use cost_sim::trace::{Column, PodArch, ReadOptions, SourcePlatform, Trace, Word, WorkMethod};
use cost_sim::units::Span;

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../fixtures/", $name)).as_slice())
    };
}

fn import(files: &[(&str, &[u8])]) -> Imported {
    import_with(files, &Options::default())
}

fn import_with(files: &[(&str, &[u8])], options: &Options) -> Imported {
    import::read_contents(files, options).unwrap_or_else(|error| panic!("{}", error.render()))
}

fn refused(files: &[(&str, &[u8])]) -> String {
    let error = import::read_contents(files, &Options::default()).expect_err("it is wrong");
    assert!(matches!(error, Error::Input(_)), "{error}");
    error.render()
}

fn word<'t>(trace: &'t Trace, column: &Column<Word>, row: usize) -> &'t str {
    trace.words.get(trace.word(column, row))
}

/// A line for each row: task, try, state, what it waits for, and when it was submitted, in seconds after `origin`.
fn steps(trace: &Trace, origin: i64) -> Vec<String> {
    let mut lines: Vec<String> = (0..trace.rows())
        .map(|row| {
            format!(
                "{}#{} {} {} [{}] +{}",
                trace.task_id.get(row),
                trace.attempt.get(row).unwrap_or(1),
                trace.kind.get(row).unwrap_or_default().name(),
                trace.state.get(row).unwrap_or_default().name(),
                word(trace, &trace.depends_on, row),
                trace.submit_time.get(row).unwrap().ms() / 1_000 - origin,
            )
        })
        .collect();
    lines.sort();
    lines
}

fn row(trace: &Trace, task: &str, attempt: u32) -> usize {
    let is_it =
        |row: &usize| trace.task_id.get(*row) == task && trace.attempt.get(*row).unwrap_or(1) == attempt;
    (0..trace.rows()).find(is_it).unwrap_or_else(|| panic!("no {task}#{attempt}"))
}

/// Request of CPU and memory in millicores and MiB, 0 where there is none.
fn request(trace: &Trace, row: usize) -> (i64, i64) {
    let cpu = trace.cpu_request.get(row).unwrap_or_default().milli();
    (cpu, trace.memory_request.get(row).unwrap_or_default().bytes() >> 20)
}

/// Milliseconds.
fn work(trace: &Trace, row: usize) -> i64 {
    trace.work.get(row).unwrap().ms()
}

/// 2024-05-01T00:00:00Z.
const MAY: i64 = 1_714_521_600;

#[test]
fn pods_of_argo_wait_for_pods_through_nodes_that_are_none() {
    let imported = import(&[fixture!("argo/dag-disable-fail-fast.yaml")]);
    let trace = &imported.trace;
    // 2019-06-26T09:11:58Z. Five tasks; C was tried twice, and D follows the only try of B.
    assert_eq!(
        steps(trace, 1_561_540_318),
        [
            "A#1 pod succeeded [] +0",
            "B#1 pod succeeded [A] +5",
            "C#1 pod failed [A] +5",
            "C#2 pod failed [] +11",
            "D#1 pod succeeded [B] +39",
            "E#1 pod succeeded [D] +44",
        ]
    );
    let d = row(trace, "D", 1);
    assert_eq!(word(trace, &trace.run_id, d), "734516b5-97f2-11e9-9fea-00163e00cf4e");
    assert_eq!(word(trace, &trace.workflow, d), "dag-disable-fail-fast");
    // startedAt is the creation of the pod: D was created at 09:12:37 and seen to end at 09:12:41.
    let observed = trace.finish_observed_time.get(d).unwrap();
    assert_eq!((observed - trace.pod_created_time.get(d).unwrap()).secs_ceil(), 4);
    assert_eq!(trace.end_time.get(d), Some(observed), "finishedAt is the container's own end");
    assert_eq!(request(trace, d), (0, 0), "resourcesDuration is no request");
}

#[test]
fn tries_and_omitted_tasks_of_argo() {
    let trace = import(&[fixture!("argo/dag-exhausted-retries-xfail.yaml")]).trace;
    // 2020-06-02T00:26:32Z.
    assert_eq!(
        steps(&trace, 1_591_057_592),
        [
            "sub-dag1.fail#1 pod failed [success1] +5",
            "sub-dag1.fail#2 pod failed [] +10",
            "success1#1 pod succeeded [] +0",
            "success2#1 pod skipped [sub-dag1.fail] +16",
        ]
    );
    // 3 s x 1 core and 1 x 100 MiB: indicative, so only a label.
    let first = row(&trace, "sub-dag1.fail", 1);
    assert_eq!(word(&trace, &trace.labels, first), "argo_cpu_seconds=3;argo_memory_mib_seconds=100");
}

#[test]
fn steps_items_and_sizes_of_argo() {
    let trace = import(&[fixture!("argo/steps.json")]).trace;
    assert_eq!(
        steps(&trace, MAY),
        [
            "[0].crunch(0:x)#1 pod succeeded [] +0",
            "[0].crunch(1:y)#1 pod failed [] +0",
            "[1].approve#1 wait succeeded [[0].crunch(0:x);[0].crunch(1:y)] +120",
            "[2].done#1 pod succeeded [[1].approve] +300",
            "[2].report#1 pod running [[1].approve] +300",
        ]
    );
    let (x, y) = (row(&trace, "[0].crunch(0:x)", 1), row(&trace, "[0].crunch(1:y)", 1));
    // CPU: max(500m + 100m of the sidecar's limit, 2 of the init container). Memory: 1 GiB of the patch + 64 MiB.
    assert_eq!(request(&trace, x), (2_000, 1_088));
    // CPU: max(3 + 100m, 2).
    assert_eq!(request(&trace, y), (3_100, 1_088));
    assert_eq!(word(&trace, &trace.exit_reason, y), "OOMKilled");
    assert_eq!(word(&trace, &trace.task_name, y), "crunch");
    assert_eq!(word(&trace, &trace.pod_name, x), "synthetic-1-crunch-12");
    assert_eq!(trace.source_platform.get(x).map(SourcePlatform::name), Some("fargate"));
    assert_eq!(trace.retry_limit.get(x), Some(2));
    // The approval took 00:02 to 00:05.
    assert_eq!(work(&trace, row(&trace, "[1].approve", 1)), 180_000);
}

#[test]
fn workflows_of_argo_without_their_nodes_say_how_to_get_them() {
    let object = |status: &str| {
        format!(
            r#"{{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {{"name": "w"}}, "status": {{{status}}}}}"#
        )
    };
    for (status, message) in [
        (r#""compressedNodes": "H4sIAAAA""#, "are compressed"),
        (r#""offloadNodeStatusVersion": "fnv:1""#, "are kept in Argo's database"),
        ("", "have no status"),
        (r#""nodes": {"w": {"type": "Pod", "startedAt": "yesterday"}}"#, "is not an RFC 3339 time"),
        (r#""nodes": {"w": {"type": "Pod", "startedAt": {"a": 1}}}"#, "expected a text or a number"),
    ] {
        let text = refused(&[("w.json", object(status).as_bytes())]);
        assert!(text.contains(message) && text.starts_with("error: w.json"), "{text}");
    }
}

#[test]
fn task_instances_of_airflow_with_their_tries_and_edges() {
    let files = [
        fixture!("airflow/instances.json"),
        fixture!("airflow/tries.json"),
        fixture!("airflow/etl.tasks.json"),
    ];
    let imported = import(&files);
    let trace = &imported.trace;
    // 2024-05-02T00:00:00Z. The sensor waits; the operator for Slack runs in a worker, since others are pods.
    assert_eq!(
        steps(trace, MAY + 86_400),
        [
            "extract[0]#1 pod failed [wait] +65",
            "extract[0]#2 pod succeeded [wait] +180",
            "extract[1]#1 pod succeeded [wait] +65",
            "load#1 pod succeeded [extract[0];extract[1]] +305",
            "notify#1 control running [load] +912",
            "undo#1 control skipped [extract[0];extract[1]] +-86400",
            "wait#1 wait succeeded [] +0",
        ]
    );
    // With the KubernetesExecutor start_date is inside the pod: 00:03:40 to 00:05:00.
    let second = row(trace, "extract[0]", 2);
    assert_eq!((work(trace, second), request(trace, second)), (80_000, (500, 1_024)));
    assert_eq!(trace.work_method.get(second).map(WorkMethod::name), Some("measured"));
    // KubernetesPodOperator: the pod is created after start_date, so 600 s are more than its work.
    let load = row(trace, "load", 1);
    assert_eq!(request(trace, load), (2_000, 4_096));
    assert_eq!(word(trace, &trace.image, load), "loader:7");
    assert!(work(trace, load) <= 600_000);
    assert_ne!(trace.work_method.get(load).map(WorkMethod::name), Some("measured"));
    // Try 2 of extract[0] is in two files, and counts once.
    assert_eq!(trace.evidence.dropped.iter().map(|dropped| dropped.count).sum::<u64>(), 1);
}

#[test]
fn airflow_without_tries_or_lists_of_tasks_says_what_is_missing() {
    let warnings = import(&[fixture!("airflow/instances.json")]).warnings.join("\n");
    assert!(warnings.contains("1 earlier try is missing"), "{warnings}");
    assert!(warnings.contains("1 DAG has no list of tasks"), "{warnings}");
}

#[test]
fn times_of_airflows_database_need_a_zone() {
    let files = [fixture!("airflow/task_instance.csv")];
    let text = refused(&files);
    assert!(text.contains("task_instance.csv:2") && text.contains("--timezone"), "{text}");
    let timezone = Some("Asia/Tokyo".parse().unwrap());
    let options = Options { read: ReadOptions { timezone, ..ReadOptions::default() }, ..Options::default() };
    let imported = import_with(&files, &options);
    // 09:00:00 in Tokyo is 00:00:00 UTC; the task ran from 09:00:10 to 09:01:10.
    assert_eq!(steps(&imported.trace, 1_704_067_200), ["count#1 pod succeeded [] +0"]);
    assert_eq!(work(&imported.trace, 0), 60_000);
    assert!(
        imported.warnings.iter().any(|warning| warning.contains("each taken for a pod")),
        "{:?}",
        imported.warnings
    );
}

#[test]
fn jobs_of_aws_batch_with_attempts_arrays_and_pods() {
    let trace = import(&[fixture!("batch/describe-jobs.json")]).trace;
    // All were created at once: the children wait for the last attempt of job-a (stopped at 1714522100, that is +500),
    // job-c for the later of the children (1714522290).
    assert_eq!(
        steps(&trace, MAY),
        [
            "job-a#1 pod failed [] +0",
            "job-a#2 pod succeeded [] +300",
            "job-b:0#1 pod succeeded [job-a] +500",
            "job-b:1#1 pod failed [job-a] +500",
            "job-c#1 pod running [job-b:0;job-b:1] +690",
            "job-d#1 pod succeeded [] +0",
        ]
    );
    let reason = |row: usize| word(&trace, &trace.exit_reason, row).to_owned();
    let platform = |row: usize| trace.source_platform.get(row).map(SourcePlatform::name);
    let (first, second) = (row(&trace, "job-a", 1), row(&trace, "job-a", 2));
    // 00:01:00 to 00:05:00, then 00:06:40 to 00:08:20.
    assert_eq!((work(&trace, first), work(&trace, second)), (240_000, 100_000));
    assert_eq!((reason(first).as_str(), platform(first)), ("SpotInterruption", Some("spot")));
    // resourceRequirements win over the older vcpus and memory.
    assert_eq!(request(&trace, second), (500, 2_048));
    assert_eq!(trace.retry_limit.get(second), Some(2), "three attempts are two retries");
    assert_eq!(word(&trace, &trace.project, second), "spot");
    assert_eq!(word(&trace, &trace.workflow, second), "crunch");
    let (old, oom) = (row(&trace, "job-b:0", 1), row(&trace, "job-b:1", 1));
    assert_eq!((request(&trace, old), reason(oom).as_str()), ((2_000, 4_096), "OOMKilled"));
    // All that wait for each other are one run.
    let run = |row: usize| word(&trace, &trace.run_id, row).to_owned();
    let (running, pod) = (row(&trace, "job-c", 1), row(&trace, "job-d", 1));
    assert_eq!((run(running), run(oom), run(pod)), (run(first), run(first), "job-d".to_owned()));
    assert_eq!(platform(running), Some("fargate"));
    // It runs until the last thing that the answers tell of: 1714522400 - 1714522300.
    assert_eq!(work(&trace, running), 100_000);
    assert_eq!((word(&trace, &trace.pod_name, pod), request(&trace, pod)), ("aws-batch.d", (250, 1_024)));
}

#[test]
fn jobs_of_aws_batch_that_cannot_be_are_refused_with_their_place() {
    for (job, message) in [
        (r#"{"jobId": "j", "status": "SUCCEEDED"}"#, "has no createdAt"),
        (r#"{"jobId": "j", "createdAt": 1714521600}"#, "is out of range"),
        (r#"{"jobId": "j", "createdAt": 1e300}"#, "invalid type"),
        (
            r#"{"jobId": "j", "createdAt": 1714521600000, "startedAt": 1714521700000, "stoppedAt": 1714521600000}"#,
            "stopped before",
        ),
        (r#"{"jobId": "j", "jobId": "k"}"#, "duplicate field"),
        (r#"{"jobId": "j", "createdAt": NaN}"#, "expected value"),
    ] {
        let text = refused(&[("jobs.json", format!("{{\"jobs\": [\n{job}\n]}}").as_bytes())]);
        assert!(text.starts_with("error: jobs.json:") && text.contains(message), "{text}");
    }
}

#[test]
fn arrays_of_aws_batch_wait_index_by_index_or_in_order() {
    // Each ran for 100 s, from as many seconds after the creation of all as is said.
    let child = |id: &str, start: i64, depends: &str| {
        let (index, created) = (&id[2..], MAY * 1_000);
        let (start, stop) = (created + start * 1_000, created + start * 1_000 + 100_000);
        format!(
            r#"{{"jobId": "{id}", "status": "SUCCEEDED", "createdAt": {created}, "startedAt": {start},
            "stoppedAt": {stop}, "arrayProperties": {{"index": {index}}}, "dependsOn": [{depends}]}}"#
        )
    };
    let jobs = [
        child("a:0", 10, r#"{"type": "SEQUENTIAL"}"#),
        child("a:1", 120, r#"{"type": "SEQUENTIAL"}"#),
        child("b:0", 130, r#"{"jobId": "a", "type": "N_TO_N"}"#),
        child("b:1", 240, r#"{"jobId": "a", "type": "N_TO_N"}"#),
    ];
    let trace = import(&[("jobs.json", format!("{{\"jobs\": [{}]}}", jobs.join(",")).as_bytes())]).trace;
    assert_eq!(
        steps(&trace, MAY),
        [
            "a:0#1 pod succeeded [] +0",
            "a:1#1 pod succeeded [a:0] +110",
            "b:0#1 pod succeeded [a:0] +110",
            "b:1#1 pod succeeded [a:1] +220",
        ]
    );
}

#[test]
fn a_diamond_in_wfformat_1_5() {
    let imported = import(&[fixture!("wfformat/diamond-1.5.json")]);
    let trace = &imported.trace;
    assert_eq!(
        steps(trace, MAY),
        [
            "join_ID04#1 pod succeeded [left_ID02;right_ID03] +0",
            "left_ID02#1 pod succeeded [split_ID01] +0",
            "right_ID03#1 pod succeeded [split_ID01] +0",
            "split_ID01#1 pod succeeded [] +0",
        ]
    );
    // coreCount, or avgCPU / 100 rounded up: 92.7 % is 1 core, 101 % is 2.
    let split = row(trace, "split_ID01", 1);
    assert_eq!(request(trace, split), (1_000, 1_024));
    assert_eq!(request(trace, row(trace, "left_ID02", 1)), (4_000, 0));
    assert_eq!(request(trace, row(trace, "right_ID03", 1)), (2_000, 0));
    assert_eq!((work(trace, split), word(trace, &trace.task_name, split)), (10_500, "split"));
    // 10.5 + 20 + 7 = 37.5 s is within the makespan of 45 s.
    let warnings = imported.warnings.join("\n");
    assert!(!warnings.contains("makespan"), "{warnings}");
    assert!(warnings.contains("3 of 4 tasks"), "{warnings}");
}

#[test]
fn a_chain_that_takes_longer_than_its_makespan_is_told() {
    let text = String::from_utf8_lossy(fixture!("wfformat/diamond-1.5.json").1)
        .replace("\"makespanInSeconds\": 45", "\"makespanInSeconds\": 36");
    let warnings = import(&[("short.json", text.as_bytes())]).warnings.join("\n");
    // 37.5 s > 36 s + 1 s of rounding.
    assert!(
        warnings.contains("longest chain of tasks takes 37s, longer than the recorded makespan of 36s"),
        "{warnings}"
    );
}

#[test]
fn wfformat_1_3_has_names_kilobytes_and_one_end_of_each_dependency() {
    let imported = import(&[fixture!("wfformat/chain-1.3.json")]);
    let trace = &imported.trace;
    assert_eq!(
        steps(trace, MAY),
        ["first_ID01#1 pod succeeded [] +0", "second_ID02#1 pod succeeded [first_ID01] +0"]
    );
    let first = row(trace, "first_ID01", 1);
    // 2,000,000 KB x 1,000 = 2 x 10^9 bytes = 1,907 MiB.
    assert_eq!(request(trace, first), (2_000, 1_907));
    assert_eq!(trace.arch.get(first).map(PodArch::name), Some("arm64"));
    assert!(
        imported.warnings.iter().any(|line| line.contains("1 row with work_seconds 0")),
        "{:?}",
        imported.warnings
    );
}

#[test]
fn memory_of_wfformat_in_another_unit_is_told_and_left() {
    let text = String::from_utf8_lossy(fixture!("wfformat/diamond-1.5.json").1)
        .replace("131795984000", "196483612")
        .replace("1073741824", "1048576");
    let imported = import(&[("kib.json", text.as_bytes())]);
    // 196,483,612 / 2^20 = 187 MiB for a machine with 48 cores.
    assert!(
        imported.warnings.iter().any(|line| line.contains("suspicious unit") && line.contains("187 MiB"))
    );
    assert_eq!(request(&imported.trace, row(&imported.trace, "split_ID01", 1)).1, 1, "as it is written");
}

#[test]
fn wfformat_whose_tasks_disagree_is_refused() {
    let text = String::from_utf8_lossy(fixture!("wfformat/diamond-1.5.json").1).into_owned();
    for (from, to, message) in [
        (
            r#""children": ["left_ID02", "right_ID03"]"#,
            r#""children": ["left_ID02"]"#,
            "does not have it as a child",
        ),
        (r#""parents": ["left_ID02", "right_ID03"]"#, r#""parents": ["left_ID02", "x"]"#, "which is no task"),
        (r#""id": "left_ID02", "parents""#, r#""id": "split_ID01", "parents""#, "is there twice"),
        (r#""runtimeInSeconds": 5,"#, "", "has no runtime"),
        (r#""runtimeInSeconds": 5,"#, r#""runtimeInSeconds": -5,"#, "is negative"),
        ("20240501T000000+0000", "20240501T000000", "--timezone"),
        ("20240501T000000+0000", "a while ago", "is not an RFC 3339 time"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = refused(&[("wf.json", changed.as_bytes())]);
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn jobs_of_the_standard_workload_format() {
    let imported = import(&[fixture!("swf/small.swf")]);
    let trace = &imported.trace;
    assert_eq!(
        steps(trace, MAY),
        [
            "1#1 pod succeeded [] +0",
            "2#1 pod failed [1] +200",
            "4#1 pod succeeded [] +20",
            "6#1 pod succeeded [] +40",
        ]
    );
    // Requested memory: 1,048,576 KB for each of 4 processors is 4 GiB.
    assert_eq!(request(trace, 0), (4_000, 4_096));
    // It waited for 30 s, and ran for 100 s.
    let start = trace.start_time.get(0).unwrap();
    assert_eq!(start.ms() / 1_000, MAY + 30);
    // Allocated processors are unknown, so those it asked for; 50.25 s; 10 s of think time after job 1.
    assert_eq!((request(trace, 1), work(trace, 1)), ((2_000, 0), 50_250));
    assert_eq!(trace.trigger_delay.get(1).map(Span::secs_ceil), Some(10));
    assert_eq!(word(trace, &trace.run_id, 1), "1", "the chain is one run");
    // Job 4 claims 2 x 10^9 KB: bytes, no doubt. Job 6 waits for a job that is not there.
    assert_eq!(request(trace, 2), (1_000, 0));
    let warnings = imported.warnings.join("\n");
    assert!(warnings.contains("1 job with more than 64 GiB"), "{warnings}");
    assert!(warnings.contains("1 job waiting for a job that is not in the trace"), "{warnings}");
    // Job 3 was canceled before it ran, job 5 is larger than any node.
    let dropped: Vec<_> = trace.evidence.dropped.iter().map(|one| (one.reason.as_str(), one.count)).collect();
    assert_eq!(
        dropped,
        [("asking for more than 192 processors, which no node has", 1), ("canceled before they ran", 1)]
    );
}

#[test]
fn lines_of_the_standard_workload_format_are_refused_with_their_column() {
    let header = "; Version: 2.2\r\n; UnixStartTime: 0\r\n";
    let line = "1 0 0 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1";
    for (from, to, place) in [
        ("1 0 0 10", "1 0 0 x10", "log.swf:3:7: field 4 is no number"),
        ("1 0 0 10", "1 0 0 NaN", "log.swf:3:7: field 4 is no number"),
        ("1 0 0 10", "1 0 0 1e99", "log.swf:3:7: field 4"),
        ("1 0 0 10", "1 9999999999999999999 0 10", "log.swf:3:3: field 2 is out of range"),
        ("1 0 0 10 1 -1", "1 0 0 10 1", "log.swf:3: a job has 18 fields, this line has 17"),
    ] {
        let text = format!("{header}{}\r\n", line.replacen(from, to, 1));
        let error = refused(&[("log.swf", text.as_bytes())]);
        assert!(error.contains(place), "{place}: {error}");
    }
    // Run times of -1 and of an overflow are unknown alike.
    let text = format!("{header}{line}\r\n{}\r\n", line.replacen("1 0 0 10", "2 0 0 -1360000000", 1));
    assert_eq!(import(&[("log.swf", text.as_bytes())]).trace.rows(), 1);
}

#[test]
fn pods_of_openb() {
    let files = [fixture!("openb/pods.csv")];
    let text = refused(&files);
    assert!(text.contains("pods.csv:3: 1 pods ask for a GPU") && text.contains("--drop-gpu"), "{text}");
    let read = ReadOptions { drop_gpu: true, ..ReadOptions::default() };
    let imported = import_with(&files, &Options { read, ..Options::default() });
    let trace = &imported.trace;
    // 2023-01-01T00:00:00Z stands for the origin that the publisher does not give.
    assert_eq!(
        steps(trace, 1_672_531_200),
        [
            "p0#1 pod succeeded [] +0",
            "p1#1 pod skipped [] +100",
            "p2#1 pod running [] +200",
            "p3#1 pod pending [] +300",
            "p4#1 pod failed [] +400",
        ]
    );
    // 125 - 5; p2 runs until the last time in the list, 900 - 210.
    assert_eq!((work(trace, 0), work(trace, 2)), (120_000, 690_000));
    assert_eq!(trace.interruptible.get(2), Some(true), "best effort");
    assert_eq!(trace.interruptible.get(0), None);
    let origin = imported.warnings.iter().filter(|line| line.contains("an origin of its own")).count();
    assert_eq!(origin, 1);
}

#[test]
fn what_is_none_of_the_formats_says_what_it_lacks() {
    let text = refused(&[("x.csv", b"dag_id,task,state\n1,2,3\n")]);
    assert!(text.contains("airflow") && text.contains("has no column task_id"), "{text}");
    let text = refused(&[("pods.csv", b"name,cpu_milli,memory_mib,num_gpu,qos\np,1,1,0,BE\n")]);
    assert!(text.contains("has pods without times"), "{text}");
}
