//! What no Digdag ever wrote: refused with its place, or read for what it is, and never a panic.

use super::import_contents;

const TASK: &str = r#"{"id":1,"fullName":"+w","parentId":null,"upstreams":[],"state":"success","startedAt":"2024-01-30T00:00:01Z","updatedAt":"2024-01-30T00:00:02Z","config":{"local":{"sh>":""}}}"#;

fn row(tasks: &str) -> String {
    format!(
        r#"{{"attempt_id":1,"workflow_name":"w","state_flags":6,"created_at":"2024-01-30T00:00:00Z","finished_at":"2024-01-30T01:00:00Z","tasks":{tasks}}}"#
    )
}

#[test]
fn broken_graphs_are_refused_with_their_task() {
    let child = |id: u64, parent: &str, upstreams: &str| {
        TASK.replace("\"id\":1", &format!("\"id\":{id}"))
            .replace("\"parentId\":null", &format!("\"parentId\":{parent}"))
            .replace("\"upstreams\":[]", &format!("\"upstreams\":{upstreams}"))
    };
    for (tasks, expected) in [
        (vec![child(1, "1", "[]")], "task 1 (+w) is inside itself"),
        (vec![child(1, "2", "[]"), child(2, "1", "[]")], "is inside itself"),
        (
            vec![child(1, "null", "[]"), child(2, "9", "[]")],
            "task 2 (+w) has the parent 9, which the attempt does not have",
        ),
        (vec![child(1, "null", "[1]")], "waits for task 1, which begins only later"),
        (vec![child(1, "null", "[2]"), child(2, "null", "[1]")], "begins only later"),
        (vec![child(1, "null", "[7]")], "waits for task 7, which the attempt does not have"),
        (
            vec![child(1, "null", "[]"), child(2, "1", "[]"), child(3, "null", "[2]")],
            "task 3 (+w) waits for task 2, which is in another group",
        ),
        (vec![TASK.to_owned(), TASK.to_owned()], "task 1 (+w) stands in the attempt twice"),
        (vec![TASK.replace("\"success\"", "\"lost\"")], "has the unknown state \"lost\""),
        (vec![TASK.replace("\"+w\"", "null")], "task 1 () has no fullName"),
        (vec![TASK.replace("\"id\":1", "\"id\":null")], "task 0 of the attempt has no id"),
    ] {
        let text = format!("\n{}\n", row(&format!("[{}]", tasks.join(","))));
        let error = import_contents(&[("w.jsonl", &text)]).unwrap_err();
        assert!(error.contains("w.jsonl:2: attempt 1: "), "{error}");
        assert!(error.contains(expected), "{expected}:\n{error}");
    }
}

#[test]
fn broken_json_is_refused_with_its_place() {
    let good = row(&format!("[{TASK}]"));
    let error = |text: String| import_contents(&[("w.jsonl", &text)]).map(|i| i.trace.rows()).unwrap_err();
    for (text, place, message) in [
        (format!("{good}\n{}\n", &good[..300]), "w.jsonl:2:", "the file ends early"),
        (
            good.replace("\"attempt_id\":1", "\"attempt_id\":1,\"attempt_id\":2"),
            "w.jsonl:1:",
            "duplicate field",
        ),
        (good.replace("\"id\":1,", "\"id\":1,\"id\":2,"), "w.jsonl:1:", "duplicate field"),
        (good.replace("\"id\":1,", "\"id\":\"NaN\","), "w.jsonl:1:", "\"NaN\" is no id"),
        (good.replace("\"id\":1,", "\"id\":99999999999999999999,"), "w.jsonl:1:", "an id"),
        (
            good.replace("2024-01-30T00:00:01Z", "yesterday"),
            "w.jsonl:1:",
            "\"yesterday\" is not an RFC 3339 time",
        ),
        (good.replace("2024-01-30T00:00:01Z", "9024-01-30T00:00:01Z"), "w.jsonl:1:", "is out of range"),
        (good.replace("\"sh>\":\"\"", &format!("\"sh>\":{}", "[".repeat(100_000))), "w.jsonl:1:", ""),
    ] {
        let error = error(text);
        assert!(error.contains(place) && error.contains(message), "{place} {message}:\n{error}");
    }
    let deep = row(&format!("[{TASK}]"))
        .replace("\"sh>\":\"\"", &format!("\"sh>\":{}{}", "[".repeat(50), "]".repeat(50)));
    assert_eq!(import_contents(&[("w.jsonl", &deep)]).unwrap().trace.rows(), 1);
    // A table tells the column.
    let csv = "attempt_id,workflow_name,created_at,tasks\n1,w,then,[]\n";
    let error = import_contents(&[("w.csv", csv)]).unwrap_err();
    assert!(
        error.contains("w.csv:2: created_at is wrong: the time \"then\" is not an RFC 3339 time"),
        "{error}"
    );
}

#[test]
fn deep_and_long_graphs_need_no_stack() {
    // A group in a group, 20,000 times; and as many tasks one after the other.
    let mut tasks = vec![];
    for id in 1..=20_000u64 {
        let parent = if id == 1 { "null".to_owned() } else { (id - 1).to_string() };
        let started = if id == 20_000 { "\"2024-01-30T00:00:01Z\"" } else { "null" };
        tasks.push(format!(
            r#"{{"id":{id},"fullName":"+w","parentId":{parent},"upstreams":[],"state":"success","startedAt":{started},"updatedAt":"2024-01-30T00:00:02Z"}}"#
        ));
    }
    assert_eq!(
        import_contents(&[("w.jsonl", &row(&format!("[{}]", tasks.join(","))))]).unwrap().trace.rows(),
        1
    );
    tasks.truncate(1);
    for id in 2..=20_000u64 {
        let upstreams = if id == 2 { String::new() } else { (id - 1).to_string() };
        tasks.push(format!(
            r#"{{"id":{id},"fullName":"+w+{id}","parentId":1,"upstreams":[{upstreams}],"state":"success","startedAt":"2024-01-30T00:00:02Z","updatedAt":"2024-01-30T00:00:02Z"}}"#
        ));
    }
    let rows = import_contents(&[("w.jsonl", &row(&format!("[{}]", tasks.join(","))))]).unwrap().trace.rows();
    assert_eq!(rows, 19_999);
}

#[test]
fn ids_and_times_at_their_limits_are_read() {
    let text = row(&format!("[{TASK}]")).replace("\"id\":1,", "\"id\":1000000000000000000,");
    let trace = import_contents(&[("w.jsonl", &text)]).unwrap().trace;
    assert_eq!(trace.task_id.get(0), "1000000000000000000");
    // It ended before it began: no time, and a note.
    let text = row(&format!("[{TASK}]")).replace("00:00:02Z", "00:00:00Z");
    let imported = import_contents(&[("w.jsonl", &text)]).unwrap();
    assert!(imported.warnings.join("\n").contains("1 task ended before it began"), "{:?}", imported.warnings);
}

#[test]
fn values_of_other_types_than_digdag_s_are_nothing() {
    let odd = TASK
        .replace(
            r#"{"local":{"sh>":""}}"#,
            r#"{"local":[1],"export":7,"docker":"x","kubernetes":null,"_retry":"often"}"#,
        )
        .replace("\"id\":1,", "\"id\":1,\"stateParams\":[],\"exportParams\":\"\",\"resumingTaskId\":null,");
    let imported = import_contents(&[("w.jsonl", &row(&format!("[{odd}]")))]).unwrap();
    assert_eq!(imported.trace.rows(), 1);
}
