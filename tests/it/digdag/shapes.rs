//! Forms, arrangements and sizes of exports that the estate does not have.

use std::fmt::Write as _;

use cost_sim::import::{self, Options};
use serde_json::{Value, json};

use super::{import_contents, import_fixture, lines, recorded};

fn at(seconds: u32) -> String {
    format!("2024-01-30T{:02}:{:02}:{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// An archived task; `run` is its start and end in seconds of the day.
fn task(id: u64, name: &str, parent: Option<u64>, upstreams: &[u64], run: Option<(u32, u32)>) -> Value {
    json!({
        "id": id, "fullName": name, "parentId": parent, "upstreams": upstreams, "state": "success",
        "startedAt": run.map(|run| at(run.0)), "updatedAt": run.map(|run| at(run.1)),
        "config": {"local": {"sh>": "x"}, "export": {}},
    })
}

fn row(tasks: &[Value]) -> String {
    json!({
        "attempt_id": 1, "session_id": 1, "project": "p", "workflow_name": "w", "session_time": 1706572800,
        "state_flags": 6, "created_at": at(0), "finished_at": at(9_000), "tasks": tasks,
    })
    .to_string()
}

fn attempt(id: u64, created: u32, finished: Option<u32>) -> Value {
    json!({
        "id": id.to_string(), "project": {"id": "1", "name": "p"}, "workflow": {"name": "w", "id": null},
        "sessionId": "7", "sessionUuid": "u", "sessionTime": "2024-01-30T00:00:00+00:00",
        "done": finished.is_some(), "createdAt": at(created),
        "finishedAt": finished.map_or(String::new(), at),
    })
}

fn answer(tasks: &[Value]) -> String {
    json!({"tasks": tasks}).to_string()
}

fn two_tasks(first: u64, start: u32) -> Vec<Value> {
    vec![
        task(first, "+w", None, &[], None),
        task(first + 1, "+w+a", Some(first), &[], Some((start, start + 60))),
    ]
}

#[test]
fn a_thousand_after_a_thousand_are_few_edges() {
    let mut tasks = vec![task(1, "+w", None, &[], None), task(2, "+w+a", Some(1), &[], None)];
    tasks.push(task(3, "+w+b", Some(1), &[2], None));
    for i in 0..1_000u32 {
        tasks.push(task(1_000 + u64::from(i), &format!("+w+a+{i}"), Some(2), &[], Some((10, 100 + i))));
        tasks.push(task(
            5_000 + u64::from(i),
            &format!("+w+b+{i}"),
            Some(3),
            &[],
            Some((1_200 + i, 3_000 + i)),
        ));
    }
    let trace = import_contents(&[("w.jsonl", &row(&tasks))]).unwrap().trace;
    // A row between the two groups, named after the second one's first task.
    assert_eq!(trace.rows(), 2_001);
    let rows = lines(&trace);
    let join = rows.iter().find(|row| row.contains("5000^after control")).unwrap();
    // The last of the first thousand ends at 1,099 s = 00:18:19, and so does the join.
    assert!(join.ends_with("| 00:18:19 +0 | 00:18:19"), "{join}");
    assert!(rows.contains(&"1/5002 pod ok | 5000^after | 00:20:02 +103 | 00:50:02".to_owned()), "{rows:?}");
    for (row, times) in recorded(&trace) {
        assert_eq!(Some(times.observed), trace.finish_observed_time.get(row));
    }
}

#[test]
fn files_of_tasks_find_their_attempts() {
    // Attempts 27 and 28 run the same workflow at different times.
    let list =
        json!({"attempts": [attempt(28, 2_000, Some(2_100)), attempt(27, 1_000, Some(1_100))]}).to_string();
    let (early, late) = (answer(&two_tasks(100, 1_010)), answer(&two_tasks(200, 2_010)));
    let rows = ["27/101 pod ok |  | 00:16:40 +- | 00:17:50", "28/201 pod ok |  | 00:33:20 +- | 00:34:30"];
    for names in [
        ["attempt_27_tasks.json", "attempt_28_tasks.json"],
        ["27/tasks.json", "28/tasks.json"],
        ["2024/01/tasks-27.json", "2024/01/tasks-28.json"],
        // By their times alone.
        ["one.json", "other.json"],
    ] {
        let files = [("list.json", &*list), (names[0], &*early), (names[1], &*late)];
        let trace = import_contents(&files).unwrap().trace;
        assert_eq!(lines(&trace), rows, "{names:?}");
    }
    // Both in one file.
    let both = format!("{early}\n{late}\n");
    assert_eq!(lines(&import_contents(&[("a.json", &list), ("b.jsonl", &both)]).unwrap().trace), rows);
    // Nothing tells attempts apart that ran at the same time.
    let same = json!({"attempts": [attempt(27, 1_000, None), attempt(28, 1_000, None)]}).to_string();
    let error = import_contents(&[("a.json", &same), ("b.json", &early)]).unwrap_err();
    assert!(error.contains("b.json:1: these tasks fit attempts 27 and 28"), "{error}");
    assert!(error.contains("attempt_27_tasks.json"), "{error}");
}

#[test]
fn tasks_without_any_attempt_are_a_run() {
    let imported = import_contents(&[("tasks-27.json", &answer(&two_tasks(100, 1_010)))]).unwrap();
    // It begins with its first task.
    assert_eq!(lines(&imported.trace), ["27/101 pod ok |  | 00:16:50 +- | 00:17:50"]);
    let warnings = imported.warnings.join("\n");
    assert!(warnings.contains("1 attempt of which only tasks are known"), "{warnings}");
    let imported = import_contents(&[("evening.json", &answer(&two_tasks(100, 1_010)))]).unwrap();
    assert_eq!(lines(&imported.trace), ["evening/101 pod ok |  | 00:16:50 +- | 00:17:50"]);
    // Archived tasks say their attempt themselves.
    let mut tasks = two_tasks(100, 1_010);
    for task in &mut tasks {
        task["attemptId"] = json!(33);
    }
    let bare = Value::Array(tasks).to_string();
    assert_eq!(
        lines(&import_contents(&[("bare.json", &bare)]).unwrap().trace)[0].split(' ').next(),
        Some("33/101")
    );
}

#[test]
fn an_archive_alone_is_a_run() {
    let tasks = Value::Array(two_tasks(100, 1_010));
    let archive = json!({"id": 5, "tasks": tasks.to_string(), "created_at": at(1_080)}).to_string();
    let csv =
        format!("created_at,id,tasks\n{},5,\"{}\"\n", at(1_080), tasks.to_string().replace('"', "\"\""));
    for (name, content) in [("archive.jsonl", archive), ("archive.csv", csv)] {
        let trace = import_contents(&[(name, &content)]).unwrap().trace;
        assert_eq!(lines(&trace), ["5/101 pod ok |  | 00:16:50 +- | 00:17:50"], "{name}");
    }
}

#[test]
fn what_still_runs_is_cut_at_the_end_of_the_export() {
    let mut tasks = two_tasks(100, 1_010);
    tasks.push(task(102, "+w+b", Some(100), &[101], Some((1_080, 1_090))));
    tasks[2]["state"] = json!("retry_waiting");
    tasks.push(task(103, "+w+c", Some(100), &[102], None));
    tasks[3]["state"] = json!("blocked");
    let list = attempt(27, 1_000, None).to_string();
    let trace = import_contents(&[("27.json", &list), ("27-tasks.json", &answer(&tasks))]).unwrap().trace;
    let rows =
        ["27/101 pod ok |  | 00:16:40 +- | 00:17:50", "27/102 pod running | 101 | 00:18:00 +10 | 00:18:10"];
    // Its last poll, at 1,090 s = 00:18:10, is the last that is known of anything: 10 s after its start.
    assert_eq!(lines(&trace), rows);
    let row = (0..2).find(|row| trace.task_id.get(*row) == "102").unwrap();
    assert_eq!(trace.work.get(row).map(cost_sim::units::Span::ms), Some(10_000));
}

#[test]
fn an_attempt_counts_once_and_as_it_ended() {
    let tasks = two_tasks(100, 1_010);
    let (running, ended) =
        (attempt(27, 1_000, None).to_string(), attempt(27, 1_000, Some(1_100)).to_string());
    let answers = answer(&tasks);
    for order in [[&running, &ended], [&ended, &running]] {
        let files = [("a/27.json", &**order[0]), ("b/27.json", &**order[1]), ("27/tasks.json", &*answers)];
        assert_eq!(lines(&import_contents(&files).unwrap().trace).len(), 1);
    }
    let twice = format!("{}\n{}\n", row(&tasks), row(&tasks));
    let imported = import_contents(&[("w.jsonl", &twice)]).unwrap();
    assert_eq!(imported.trace.rows(), 1);
    assert!(
        imported.warnings.join("\n").contains("1 attempt exported more than once"),
        "{:?}",
        imported.warnings
    );
}

#[test]
fn without_tasks_there_is_nothing_to_replay() {
    let list = json!({"attempts": [attempt(27, 1_000, Some(1_100))]}).to_string();
    let error = import_contents(&[("list.json", &list)]).unwrap_err();
    assert!(error.contains("the Digdag files have no tasks"), "{error}");
    assert!(error.contains("GET /api/attempts/27/tasks"), "{error}");
    let error = import_contents(&[("list.json", r#"{"attempts":[]}"#)]).unwrap_err();
    assert!(error.contains("GET /api/attempts/ID/tasks"), "{error}");
}

#[test]
fn old_servers_are_read() {
    // 0.9: numbers for ids, no error, no cancelRequested, an empty text for what there is not; CRLF.
    let text = "{\"tasks\":[\r\n{\"id\":1,\"fullName\":\"+w\",\"parentId\":\"\",\"config\":{},\"upstreams\":null,\
                \"state\":\"success\",\"updatedAt\":\"2024-01-30T00:01:00Z\",\"startedAt\":\"\",\"isGroup\":true},\r\n\
                {\"id\":2,\"fullName\":\"+w+a\",\"parentId\":1,\"config\":{\"_type\":\"sh\",\"_command\":\"x\"},\
                \"upstreams\":[],\"state\":\"success\",\"updatedAt\":\"2024-01-30T00:01:00Z\",\
                \"startedAt\":\"2024-01-30T00:00:30Z\"}]}\r\n";
    assert_eq!(
        lines(&import_contents(&[("9.json", text)]).unwrap().trace),
        ["9/2 pod ok |  | 00:00:30 +- | 00:01:00"]
    );
}

#[test]
fn where_many_rows_end_a_run_one_row_stands_for_them() {
    let mut tasks = vec![task(1, "+w", None, &[], None)];
    for i in 0..20 {
        tasks.push(task(10 + i, &format!("+w+{i}"), Some(1), &[], Some((10, 100))));
    }
    let mut waits = vec![task(1_000, "+v", None, &[], None)];
    let mut wait = task(1_001, "+v+r", Some(1_000), &[], Some((50, 9_005)));
    wait["config"] = json!({"local": {"require>": "w"}});
    wait["stateParams"] = json!({"target_attempt_id": 1});
    waits.push(wait);
    let second = row(&waits).replace("\"attempt_id\":1", "\"attempt_id\":2").replace("\"w\"", "\"v\"");
    // The wait comes first in the file: the run that it waits for is looked up when all is read.
    let trace = import_contents(&[("w.jsonl", &format!("{second}\n{}\n", row(&tasks)))]).unwrap().trace;
    let rows = lines(&trace);
    assert!(rows.contains(&"2/1001 wait ok | 1/^end | 00:01:40 +0 | 02:30:05".to_owned()), "{rows:?}");
    let mut ids = String::new();
    for id in 10..30 {
        write!(ids, "{}{id}", if id > 10 { ";" } else { "" }).unwrap();
    }
    assert!(rows.contains(&format!("1/^end control ok | {ids} | 00:01:40 +0 | 00:01:40")), "{rows:?}");
}

#[test]
fn digdag_files_and_others_can_be_mixed() {
    // The same estate from the database and from the REST API: every attempt counts once.
    let database = std::fs::read_to_string(super::fixture("estate-db.jsonl")).unwrap();
    let list = std::fs::read_to_string(super::fixture("estate-rest/attempts/page-1.json")).unwrap();
    let tasks = std::fs::read_to_string(super::fixture("estate-rest/attempts/103/tasks.json")).unwrap();
    let files = [("a.jsonl", &*database), ("list.json", &*list), ("103/tasks.json", &*tasks)];
    let imported = import_contents(&files).unwrap();
    assert_eq!(lines(&imported.trace), lines(&import_fixture("estate-db.csv").trace));
    let canonical = "task_id,run_id,submit_time,work_seconds,state\nx,y,2024-01-30T00:00:00Z,5,succeeded\n";
    let imported = import_contents(&[("a.jsonl", &database), ("b.csv", canonical)]).unwrap();
    assert_eq!(imported.trace.rows(), 28);
}

#[test]
fn a_date_in_the_name_is_no_attempt() {
    let (early, late) = (answer(&two_tasks(100, 1_010)), answer(&two_tasks(200, 2_010)));
    let rows =
        |names: [&str; 2]| lines(&import_contents(&[(names[0], &early), (names[1], &late)]).unwrap().trace);
    // 1,010 s = 00:16:50 and 2,010 s = 00:33:30; each task takes a minute.
    let expected = |runs: [&str; 2]| {
        [
            format!("{}/101 pod ok |  | 00:16:50 +- | 00:17:50", runs[0]),
            format!("{}/201 pod ok |  | 00:33:30 +- | 00:34:30", runs[1]),
        ]
    };
    for (names, runs) in [
        (["attempt_27_tasks_20240131.json", "attempt_28_tasks_20240131.json"], ["27", "28"]),
        (["27/tasks-2024-01-31.json", "28/tasks-2024-01-31.json"], ["27", "28"]),
        (["tasks_27_part5000.json", "tasks_28_part5000.json"], ["27", "28"]),
        // The same name for different tasks: two runs all the same.
        (["a/tasks-20240131.json", "b/tasks-20240131.json"], ["tasks-20240131", "tasks-20240131-2"]),
        (["a/attempt_27.json", "b/attempt_27.json"], ["27", "attempt_27"]),
    ] {
        let mut expected = expected(runs);
        expected.sort();
        assert_eq!(rows(names), expected, "{names:?}");
    }
    // The same tasks twice are one attempt.
    let again = import_contents(&[("a/attempt_27.json", &early), ("b/attempt_27.json", &early)]).unwrap();
    assert_eq!(again.trace.rows(), 1);
    let warnings = again.warnings.join("\n");
    assert!(warnings.contains("1 attempt exported more than once"), "{warnings}");
}

#[test]
fn several_answers_in_a_file_are_runs_of_their_own() {
    let (early, late) = (answer(&two_tasks(100, 1_010)), answer(&two_tasks(200, 2_010)));
    for (name, run) in [("alltasks.json", "alltasks"), ("tasks-2024-01.json", "tasks-2024-01")] {
        let trace = import_contents(&[(name, &format!("{early}\n{late}\n"))]).unwrap().trace;
        let expected = [
            format!("{run}-2/201 pod ok |  | 00:33:30 +- | 00:34:30"),
            format!("{run}/101 pod ok |  | 00:16:50 +- | 00:17:50"),
        ];
        assert_eq!(lines(&trace), expected, "{name}");
    }
}

#[test]
fn tasks_of_two_attempts_under_one_id_are_an_error() {
    let list = attempt(27, 1_000, Some(2_100)).to_string();
    let (early, late) = (answer(&two_tasks(100, 1_010)), answer(&two_tasks(200, 2_010)));
    let files = [("list.json", &*list), ("a/27.json", &*early), ("b/27.json", &*late)];
    let error = import_contents(&files).unwrap_err();
    assert!(error.contains("begin with 200") && error.contains("cannot both be attempt 27"), "{error}");
}

const HEADER: [&str; 10] = [
    "attempt_id",
    "index",
    "session_id",
    "project",
    "workflow_name",
    "session_time",
    "state_flags",
    "created_at",
    "finished_at",
    "tasks",
];

fn cells() -> [String; 10] {
    let tasks = Value::Array(two_tasks(100, 1_010)).to_string();
    ["33", "1", "7", "p", "w", "1706572800", "6", &at(1_000), &at(1_100), &tasks].map(str::to_owned)
}

fn table(header: &[&str; 10], cells: &[String; 10], separator: &str) -> String {
    let quoted: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    format!("{}\n{}\n", header.join(separator), quoted.join(separator))
}

/// Created at 1,000 s = 00:16:40; without that, the run would begin with its task at 00:16:50.
const ROW_33: [&str; 1] = ["33/101 pod ok |  | 00:16:40 +- | 00:17:50"];

#[test]
fn tables_are_read_as_tools_spell_them() {
    let with = |column: usize, text: &str| {
        let mut cells = cells();
        text.clone_into(&mut cells[column]);
        table(&HEADER, &cells, ",")
    };
    let mut id = HEADER;
    id[0] = "id";
    let upper = HEADER.map(str::to_uppercase);
    let camel = [
        "attemptId",
        "index",
        "sessionId",
        "project",
        "workflowName",
        "sessionTime",
        "stateFlags",
        "createdAt",
        "finishedAt",
        "tasks",
    ];
    // COPY quotes nothing, and doubles backslashes; a command with quotes has some.
    let mut copied = cells();
    copied[9] = copied[9].replace("\"x\"", r#""echo \"x\"""#);
    assert!(copied[9].contains('\\'), "{}", copied[9]);
    let quoted_tabs = table(&HEADER, &copied, "\t");
    copied[9] = copied[9].replace('\\', r"\\");
    copied[1] = r"\N".to_owned();
    let copied = format!("{}\n{}\n", HEADER.join("\t"), copied.join("\t"));
    for (what, text) in [
        ("as it is", table(&HEADER, &cells(), ",")),
        ("id for attempt_id", table(&id, &cells(), ",")),
        ("upper case", table(&upper.each_ref().map(String::as_str), &cells(), ",")),
        ("camel case", table(&camel, &cells(), ",")),
        ("NULL", with(1, "NULL")),
        (r"\N", with(1, r"\N")),
        ("a float for an id", with(1, "1.0")),
        ("a float for an epoch", with(5, "1706572800.0")),
        ("semicolons", table(&HEADER, &cells(), ";")),
        ("tabs, quoted", quoted_tabs),
        ("tabs, of COPY", copied),
    ] {
        let imported = import_contents(&[("w.txt", &text)]).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(lines(&imported.trace), ROW_33, "{what}");
    }
    let error = import_contents(&[("w.csv", &with(1, "1.5"))]).unwrap_err();
    assert!(error.contains("\"1.5\" is no id"), "{error}");
}

#[test]
fn times_without_an_offset_are_of_the_zone_that_is_said() {
    let mut cells = cells();
    // 09:16:40.5 in Tokyo is 00:16:40.5 UTC.
    cells[7] = "2024-01-30 09:16:40.5".to_owned();
    cells[8] = "2024-01-30 09:18:20".to_owned();
    let csv = table(&HEADER, &cells, ",");
    let mut object: Value = serde_json::from_str(&row(&two_tasks(100, 1_010))).unwrap();
    object["attempt_id"] = json!(33);
    object["created_at"] = json!("2024-01-30T09:16:40.5");
    object["finished_at"] = json!("2024-01-30T09:18:20");
    for (name, text) in [("w.csv", csv), ("w.jsonl", object.to_string())] {
        let error = import_contents(&[(name, &text)]).unwrap_err();
        assert!(error.contains("has no offset from UTC: give --timezone"), "{error}");
        let mut options = Options::default();
        options.read.timezone = "Asia/Tokyo".parse().ok();
        let trace = import::read_contents(&[(name, text.as_bytes())], &options)
            .unwrap_or_else(|error| panic!("{name}: {}", error.render()))
            .trace;
        assert_eq!(lines(&trace), ROW_33, "{name}");
    }
}

#[test]
fn a_long_row_of_an_archive_is_known_by_its_beginning() {
    // More text than is looked at to know the format, before `created_at`.
    let mut tasks = two_tasks(100, 1_010);
    tasks[1]["config"]["local"]["sh>"] = json!("x".repeat(300 << 10));
    let tasks = Value::Array(tasks).to_string();
    let text = format!("{{\"id\":5,\"tasks\":{},\"created_at\":\"{}\"}}\n", json!(tasks), at(1_080));
    let trace = import_contents(&[("archive.jsonl", &text)]).unwrap().trace;
    assert_eq!(lines(&trace), ["5/101 pod ok |  | 00:16:50 +- | 00:17:50"]);
}

#[test]
fn digdag_files_without_tasks_do_not_stop_others() {
    let projects = r#"{"projects":[{"id":"1","name":"p","archiveType":"db","archiveMd5":"x"}]}"#;
    let canonical = "task_id,run_id,submit_time,work_seconds,state\nx,y,2024-01-30T00:00:00Z,5,succeeded\n";
    let imported = import_contents(&[("projects.json", projects), ("b.csv", canonical)]).unwrap();
    assert_eq!(imported.trace.rows(), 1);
    let warnings = imported.warnings.join("\n");
    assert!(warnings.contains("projects.json: the Digdag files have no tasks"), "{warnings}");
}

#[test]
fn the_order_of_files_does_not_matter() {
    let (database, answers) = (super::fixture("estate-db.csv"), super::fixture("estate-rest"));
    let read = |inputs: &[&std::path::PathBuf]| {
        let inputs: Vec<_> = inputs.iter().map(|path| (*path).clone()).collect();
        let read = cost_sim::import::read(&inputs, &cost_sim::import::Options::default(), &mut |_| {});
        let trace = read.unwrap_or_else(|error| panic!("{}", error.render())).trace;
        let mut rows = lines(&trace);
        rows.sort_unstable();
        rows
    };
    let mut alone = lines(&import_fixture("estate-db.csv").trace);
    alone.sort_unstable();
    assert_eq!(read(&[&database, &answers]), alone);
    assert_eq!(read(&[&answers, &database]), alone);
}

#[test]
fn ids_of_two_servers_are_not_one_attempt() {
    let mut other = attempt(27, 1_000, Some(1_100));
    other["workflow"]["name"] = json!("v");
    let (first, other) = (attempt(27, 1_000, Some(1_100)).to_string(), other.to_string());
    let tasks = answer(&two_tasks(100, 1_010));
    let files = [("a/27.json", &*first), ("a/27/tasks.json", &*tasks), ("b/27.json", &*other)];
    let error = import_contents(&files).unwrap_err();
    assert!(
        error.contains("b/27.json: attempt 27 has another workflow or session here than in a/27.json"),
        "{error}"
    );
    assert!(error.contains("import exports of different servers apart"), "{error}");
    // Only tasks are there of the second server's attempt.
    let error = import_contents(&[("a/27.json", &*other), ("b/27/tasks.json", &*tasks)]).unwrap_err();
    assert!(error.contains("not those of attempt 27 in a/27.json"), "{error}");
}
