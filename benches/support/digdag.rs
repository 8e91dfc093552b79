//! A synthetic export of a Digdag database: made-up attempts of ten tasks, with as much configuration, parameters and
//! SQL as attempts of data pipelines have. About 1.6 kB a task.

use std::io::{self, Write};

use serde_json::{Value, json};

/// How the export is written.
#[derive(Clone, Copy)]
pub enum Form {
    /// `\copy … csv header`, with `tasks` as a text.
    Csv,
    /// `row_to_json`, with `tasks` as JSON.
    Lines,
}

const CHILDREN: u64 = 9;
/// 2024-01-01T00:00:00Z.
const START: i64 = 1_704_067_200;

/// Writes attempts until `bytes` are written; gives how many tasks there are.
pub fn write(out: &mut impl Write, form: Form, bytes: usize) -> io::Result<u64> {
    let mut written = 0;
    let mut attempts = 0;
    if let Form::Csv = form {
        let header = "attempt_id,index,session_id,project,workflow_name,session_time,timezone,state_flags,created_at,\
                      finished_at,tasks\n";
        out.write_all(header.as_bytes())?;
    }
    while written < bytes {
        attempts += 1;
        let record = attempt(attempts, form);
        out.write_all(record.as_bytes())?;
        written += record.len();
    }
    out.flush()?;
    Ok(attempts * (CHILDREN + 1))
}

fn attempt(number: u64, form: Form) -> String {
    let created = START + number as i64 * 20;
    let first = number * 1_000;
    let mut tasks = vec![task(number, first, None, 0, created)];
    tasks.extend((1..=CHILDREN).map(|child| task(number, first + child, Some(first), child, created)));
    let workflow = format!("synthetic_{}", number % 50);
    let finished = created + 60 * CHILDREN as i64 + 60;
    match form {
        Form::Csv => {
            let tasks = Value::Array(tasks).to_string().replace('"', "\"\"");
            format!(
                "{number},1,{number},synthetic,{workflow},{START},UTC,6,{},{},\"{tasks}\"\n",
                time(created).replace('T', " ").replace('Z', ".123456+00"),
                time(finished).replace('T', " ").replace('Z', ".654321+00"),
            )
        }
        Form::Lines => {
            let row = json!({
                "attempt_id": number, "index": 1, "session_id": number, "project": "synthetic",
                "workflow_name": workflow, "session_time": START, "timezone": "UTC", "state_flags": 6,
                "created_at": time(created), "finished_at": time(finished), "tasks": tasks,
            });
            format!("{row}\n")
        }
    }
}

/// The root, or its child of that number: one after the other, a minute each.
fn task(attempt: u64, id: u64, parent: Option<u64>, child: u64, created: i64) -> Value {
    let start = created + child as i64 * 60;
    let query = "select item_id, count(*) as views\nfrom \"access_log\"\nwhere day = '${session_date}'\n\
                 group by 1 order by 2 desc\n"
        .repeat(4);
    let parameters = json!({
        "session_date": "2024-01-01", "session_time": "2024-01-01T00:00:00+00:00", "timezone": "UTC",
        "last_session_time": "2023-12-31T00:00:00+00:00", "target": {"database": "example", "table": "ranking"},
    });
    let local = match parent {
        None => json!({}),
        Some(_) => json!({"sh>": format!("run.sh <<'SQL'\n{query}\nSQL"), "_retry": 2, "_env": parameters}),
    };
    let export = match parent {
        None => json!({
            "docker": {"image": "registry.example.com/batch:1"},
            "kubernetes": {"Pod": {"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}},
        }),
        Some(_) => json!({}),
    };
    json!({
        "id": id, "attemptId": attempt, "upstreams": if child > 1 { vec![id - 1] } else { vec![] },
        "updatedAt": time(start + 55), "retryAt": null, "startedAt": parent.map(|_| time(start)),
        "stateParams": {"commandStatus": {"pod_name": format!("digdag-pod-{id}-1-00000000-0000-4000-8000-{id:012}"),
                                          "pod_creation_timestamp": start + 2, "io_directory": ".digdag/tmp/digdag-sh"}},
        "retryCount": 5, "parentId": parent,
        "fullName": parent.map_or_else(|| "+synthetic".to_owned(), |_| format!("+synthetic+step_{child}")),
        "config": {"local": local, "export": export}, "taskType": u8::from(parent.is_none()), "state": "success",
        "stateFlags": 8, "subtaskConfig": {}, "exportParams": parameters, "resetStoreParams": [],
        "storeParams": {"rows": 12_345, "sample": "a \"quoted\" value"}, "report": {"inputs": [], "outputs": []},
        "error": {}, "resumingTaskId": null,
    })
}

fn time(seconds: i64) -> String {
    let time = chrono::DateTime::from_timestamp(seconds, 0).expect("a time of this century");
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
