use super::*;
use crate::platform::Defaults;
use crate::trace::times::print_time;
use crate::trace::{Factor, ReadOptions, read, sha256};
use crate::workload::{self, Built};

/// A row: run, task, workflow, depends_on, minute of submission; five minutes of work that end at once when noticed.
type Row = (&'static str, &'static str, &'static str, &'static str, i64);

const HEADER: &str = "run_id,task_id,workflow,depends_on,submit_time,start_time,end_time,finish_observed_time,\
    deadline_time,pod_name,team,queue_seconds\n";

fn trace(rows: &[Row]) -> Trace {
    let mut text = HEADER.to_owned();
    for (run, task, workflow, depends_on, minute) in rows {
        let at = |minutes: i64| {
            let ms = 1_704_067_200_000 + (minute + minutes) * 60_000;
            let mut text = Vec::new();
            print_time(Time::from_ms(ms), &mut text);
            String::from_utf8(text).unwrap()
        };
        let (submit, start, end, deadline) = (at(0), at(1), at(6), at(60));
        let row = format!(
            "{run},{task},{workflow},{depends_on},{submit},{start},{end},{end},{deadline},pod-{task},blue,60\n"
        );
        text.push_str(&row);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.csv");
    #[expect(clippy::disallowed_methods, reason = "tests prepare files")]
    std::fs::write(&path, text).unwrap();
    let (trace, _) =
        read(&[path], &ReadOptions::default(), &mut |_| {}).unwrap_or_else(|e| panic!("{}", e.render()));
    trace
}

fn times(factor: &str) -> Growth {
    Growth::of(Growth::parse_factor(factor).unwrap())
}

fn grown(rows: &[Row], growth: &Growth) -> Trace {
    grow(&trace(rows), growth, 7).unwrap_or_else(|e| panic!("{}", e.render()))
}

fn build(trace: &Trace) -> Built {
    let window = trace.files[0].window();
    workload::build(trace, &canonical_order(trace), &Defaults::default(), window)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn hash(trace: &Trace) -> String {
    sha256(trace, &canonical_order(trace))
}

/// (run, task, depends_on, minutes after the new year) of all rows, in canonical order.
fn content(trace: &Trace) -> Vec<(String, String, String, i64)> {
    let of_row = |row: u32| {
        let row = row as usize;
        let text = |column| trace.words.get(trace.word(column, row)).to_owned();
        let submit = trace.submit_time.get(row).unwrap().ms() - 1_704_067_200_000;
        let task = trace.task_id.get(row).to_owned();
        (text(&trace.run_id), task, text(&trace.depends_on), submit.div_euclid(60_000))
    };
    canonical_order(trace).into_iter().map(of_row).collect()
}

/// Three daily runs of two tasks, a run of another workflow that waits for one of them, and a pod without a run.
const ROWS: [Row; 9] = [
    ("d1", "a", "daily", "", 0),
    ("d1", "b", "daily", "a", 7),
    ("d2", "a", "daily", "", 1_440),
    ("d2", "b", "daily", "a", 1_447),
    ("d3", "a", "daily", "", 2_880),
    ("d3", "b", "daily", "d3/a", 2_887),
    ("r1", "sum", "report", "d1/b;d2/b", 1_460),
    ("r1", "mail", "report", "sum", 1_470),
    ("", "ad-hoc", "", "", 100),
];

#[test]
fn as_much_as_before_is_the_same_trace() {
    let original = trace(&ROWS);
    let same = grow(&original, &Growth::of(Factor::ONE), 7).unwrap();
    assert_eq!(hash(&same), hash(&original));
    assert_eq!(build(&same).workload.window, build(&original).workload.window);
}

#[test]
fn twice_as_much_is_two_of_every_run_and_of_every_edge() {
    let original = build(&trace(&ROWS)).workload;
    let twice = grown(&ROWS, &times("2"));
    assert_eq!(twice.files[0].rows, 18);
    let twice = build(&twice).workload;
    assert_eq!((original.runs.len(), original.steps.len()), (5, 9));
    assert_eq!((twice.runs.len(), twice.steps.len()), (10, 18));
    let edges = |w: &crate::workload::Workload| -> usize {
        (0..w.steps.len() as u32).map(|step| w.graph.predecessors(step).len()).sum()
    };
    // Three daily ones, two from days to the report and one within it.
    assert_eq!((edges(&original), edges(&twice)), (6, 12));
    assert_eq!(twice.window, original.window);
}

#[test]
fn copies_refer_to_copies_and_all_that_is_tied_moves_together() {
    let twice = grown(&ROWS, &times("x2"));
    let all = content(&twice);
    let of = |run: &str, task: &str| all.iter().find(|row| row.0 == run && row.1 == task).unwrap();
    let list = |run: &str, task: &str| of(run, task).2.as_str();
    assert_eq!(list("d1~2", "b"), "a");
    assert_eq!(list("d3", "b"), "d3/a");
    assert_eq!(list("d3~2", "b"), "d3~2/a");
    assert_eq!(list("r1", "sum"), "d1/b;d2/b");
    assert_eq!(list("r1~2", "sum"), "d1~2/b;d2~2/b");
    let shift = |run: &str, task: &str| of(&format!("{run}~2"), task).3 - of(run, task).3;
    // d1, d2 and r1 are tied: the first of them starts a day before the workflow's next run.
    let by = shift("d1", "a");
    assert!((0..1_440).contains(&by), "{by}");
    for (run, task) in [("d1", "b"), ("d2", "a"), ("d2", "b"), ("r1", "sum"), ("r1", "mail")] {
        assert_eq!(shift(run, task), by, "{run}/{task}");
    }
    // After the last day the window ends: its copy lies between the day before and itself.
    assert!((-1_440..=0).contains(&shift("d3", "a")), "{}", shift("d3", "a"));
}

#[test]
fn every_time_of_a_copy_moves_alike_and_everything_else_stays() {
    let original = trace(&ROWS);
    let twice = grow(&original, &times("2"), 7).unwrap();
    let find = |run: &str, task: &str| {
        (0..twice.rows())
            .find(|row| {
                twice.words.get(twice.word(&twice.run_id, *row)) == run && twice.task_id.get(*row) == task
            })
            .unwrap()
    };
    let (a, b) = (find("d2", "b"), find("d2~2", "b"));
    let by = twice.submit_time.get(b).unwrap() - twice.submit_time.get(a).unwrap();
    for column in [&twice.start_time, &twice.end_time, &twice.finish_observed_time, &twice.deadline_time] {
        assert_eq!(column.get(b).unwrap() - column.get(a).unwrap(), by);
    }
    assert_eq!(twice.work.get(a), twice.work.get(b));
    assert_eq!(twice.queue.get(b), Some(Span::from_secs(60)));
    assert_eq!(twice.place[a], twice.place[b]);
    let word = |column: &crate::trace::Column<Word>, row| twice.words.get(twice.word(column, row)).to_owned();
    assert_eq!([word(&twice.pod_name, a), word(&twice.pod_name, b)], ["pod-b", "pod-b~2"]);
    assert_eq!(word(&twice.unknown[0].1, b), "blue");
}

#[test]
fn fractions_take_every_second_run_and_factors_are_by_workflow() {
    // daily: k = 0, 1, 2 give 1, 2, 1 runs; report ×0.5: ⌊0.5⌋ = 0; the rest ×1.
    let mut growth = Growth::of(Factor::ONE);
    growth.by_workflow.insert("daily".into(), Growth::parse_factor("1.5").unwrap());
    growth.by_workflow.insert("report".into(), Growth::parse_factor("0.5").unwrap());
    let runs = |trace: &Trace| {
        let mut runs: Vec<String> = content(trace).into_iter().map(|row| row.0).collect();
        runs.sort();
        runs.dedup();
        runs
    };
    assert_eq!(runs(&grown(&ROWS, &growth)), ["", "d1", "d2", "d2~2", "d3"]);
    // A copy without a copy to refer to refers to the original; what refers to a dropped run no longer waits for it.
    growth.by_workflow.insert("report".into(), Growth::parse_factor("2").unwrap());
    let rows = content(&grown(&ROWS, &growth));
    let report = rows.iter().find(|row| row.0 == "r1~2" && row.1 == "sum").unwrap();
    assert_eq!(report.2, "d1/b;d2~2/b");
    let half = grown(
        &ROWS,
        &Growth {
            by_workflow: [("daily".into(), Growth::parse_factor("0.5").unwrap())].into(),
            default: Factor::ONE,
        },
    );
    // daily ×0.5 keeps d2 only.
    assert_eq!(runs(&half), ["", "d2", "r1"]);
    let rows = content(&half);
    assert_eq!(rows.iter().find(|row| row.1 == "sum").unwrap().2, "d2/b");
    build(&half);
}

#[test]
fn a_pod_without_a_run_is_copied_under_another_task_id() {
    let rows = content(&grown(&ROWS, &times("3")));
    let alone: Vec<&str> = rows.iter().filter(|row| row.0.is_empty()).map(|row| row.1.as_str()).collect();
    assert_eq!(alone.len(), 3);
    for name in ["ad-hoc", "ad-hoc~2", "ad-hoc~3"] {
        assert!(alone.contains(&name), "{alone:?}");
    }
    // It starts once, takes six minutes, and lies in the middle of the window: up to six minutes before or after.
    for row in rows.iter().filter(|row| row.0.is_empty()) {
        assert!((94..=106).contains(&row.3), "{row:?}");
    }
}

#[test]
fn ids_of_copies_meet_no_other_id_and_keep_their_escapes() {
    let rows: [Row; 4] = [
        ("a/b", "t", "w", "", 0),
        ("a/b~2", "t", "w", "", 10),
        ("c;d", "u", "w", "", 20),
        ("e", "u", "w", "a\\/b/t;c\\;d/u", 30),
    ];
    let twice = grown(&rows, &times("2"));
    let all = content(&twice);
    let runs: Vec<&str> = all.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(all.len(), 8);
    for run in ["a/b~~2", "a/b~2~~2", "c;d~~2", "e~~2"] {
        assert!(runs.contains(&run), "{runs:?}");
    }
    assert_eq!(all.iter().find(|row| row.0 == "e~~2").unwrap().2, "a\\/b~~2/t;c\\;d~~2/u");
    assert_eq!(build(&twice).workload.runs.len(), 8);
}

#[test]
fn the_order_of_rows_and_nothing_but_the_seed_decides() {
    let mut reversed = ROWS;
    reversed.reverse();
    let growth = times("2.5");
    assert_eq!(hash(&grown(&ROWS, &growth)), hash(&grown(&reversed, &growth)));
    let other = grow(&trace(&ROWS), &growth, 8).unwrap();
    assert_ne!(hash(&grown(&ROWS, &growth)), hash(&other));
}

#[test]
fn what_cannot_grow_is_refused() {
    let mut growth = times("2");
    growth.by_workflow.insert("dayly".into(), Factor::ONE);
    let error = grow(&trace(&ROWS), &growth, 7).unwrap_err().render();
    assert_eq!(
        error,
        "error: the trace has no workflow dayly, which is to grow\n  hint: did you mean daily?\n"
    );
}

#[test]
fn copies_of_one_run_are_spread_over_the_time_to_the_next() {
    // 1,000 copies in 100 minutes: each tenth of the time holds 100 ± 5 standard deviations (±47).
    let rows: [Row; 2] = [("r1", "t", "w", "", 0), ("r2", "t", "w", "", 100)];
    let trace = grown(&rows, &times("1000"));
    let mut tenths = [0i32; 11];
    let all = content(&trace);
    for row in all.iter().filter(|row| row.0.starts_with("r1~")) {
        tenths[usize::try_from(row.3 / 10).unwrap()] += 1;
    }
    assert_eq!(tenths.iter().sum::<i32>(), 999);
    assert!(tenths[..10].iter().all(|n| (n - 100).abs() < 47), "{tenths:?}");
}
