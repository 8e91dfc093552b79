//! Traces from files and back: what is accepted, what is refused and how that is said, and that nothing panics.

#![expect(clippy::disallowed_methods, reason = "tests prepare and list files")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use cost_sim::error::Error;
use cost_sim::trace::{self, ReadOptions, State, Trace};
use proptest::prelude::*;
use proptest::sample::Index;

const BAD: &str = "fixtures/traces/bad";
const GOOD: &str = "fixtures/traces/good";

fn read(path: impl Into<PathBuf>) -> Result<(Trace, Vec<String>), Error> {
    trace::read(&[path.into()], &ReadOptions::default(), &mut |_| {})
}

fn read_text(text: impl AsRef<[u8]>) -> Result<(Trace, Vec<String>), Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.csv");
    std::fs::write(&path, text).unwrap();
    read(path)
}

fn csv(trace: &Trace) -> String {
    let mut out = Vec::new();
    trace::write_csv(trace, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn hash(trace: &Trace) -> String {
    trace::sha256(trace, &trace::canonical_order(trace))
}

/// Every file of `fixtures/traces/bad` is refused, and this is what the user sees.
#[test]
fn bad_traces_are_refused_with_place_and_hint() {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(BAD).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut said = String::new();
    for path in paths.into_iter().filter(|path| !path.to_string_lossy().ends_with(".meta.json")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Err(error) = read(path) else { panic!("{name} is accepted") };
        assert!(matches!(error, Error::Input(_)), "{name}: {error:?}");
        writeln!(said, "--- {name}\n{}", error.render()).unwrap();
    }
    insta::with_settings!({
        snapshot_path => "../../fixtures/traces",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("bad", said);
    });
}

#[test]
fn a_full_trace_is_read_and_written_canonically() {
    let (trace, warnings) = read(format!("{GOOD}/full.csv")).unwrap();
    insta::assert_snapshot!(csv(&trace), @r#"
task_id,run_id,attempt,kind,state,workflow,task_name,depends_on,trigger_delay_seconds,session_time,submit_time,start_time,end_time,work_seconds,work_seconds_method,cpu_request_milli,memory_request_mib,image,image_size_mib,node_selector,interruptible,priority,labels,team
extract,r1,1,pod,succeeded,nightly,+nightly+extract,,1.5,2023-12-31T15:00:00Z,2023-12-31T15:00:02Z,2023-12-31T15:00:50.250Z,2023-12-31T15:02:00Z,69.75,measured,500,1024,"registry/app:1,amd64",350,disk=ssd;zone=a,true,,k=v,data
check,r1,1,control,succeeded,nightly,+nightly+check,extract,0.25,2023-12-31T15:00:00Z,2023-12-31T15:02:10Z,,,1,,,,,,,,,,
load,r1,1,pod,failed,nightly,+nightly+load,check,,2023-12-31T15:00:00Z,2023-12-31T15:02:11.124Z,,,60,pod_status,1000,512,app:2,350,,false,-5,,data
load,r1,2,pod,succeeded,nightly,+nightly+load,check,30,2023-12-31T15:00:00Z,2023-12-31T15:04:00Z,,,61,raw_span,1500,512,app:2,350,,false,-5,,data
publish,r2,,,skipped,nightly,+nightly+publish,r1/load;ot\/her,,2024-01-01T15:00:00Z,2024-01-01T15:00:00Z,,,,,,,,,,,,,
"#);
    insta::assert_snapshot!(warnings.join("\n"), @r#"
unknown columns are kept as labels: team
1 row with estimated work_seconds: 1 raw_span
"#);
    assert_eq!(trace.place.iter().map(|place| place.line).collect::<Vec<_>>(), [2, 3, 5, 6, 7]);
    assert_eq!(trace.files[0].rows, 5);
}

#[test]
fn the_examples_of_the_documentation_are_valid() {
    let page = std::fs::read_to_string("docs/trace-format.md").unwrap();
    let examples: Vec<&str> =
        page.split("```csv\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let (_, warnings) = read_text(example).unwrap_or_else(|error| panic!("{}", error.render()));
        assert_eq!(warnings, [""; 0]);
    }
}

#[test]
fn gzip_byte_order_mark_and_windows_line_ends_change_nothing() {
    let plain = "task_id,submit_time,work_seconds\na,2024-01-01T00:00:00Z,1\nb,2024-01-01T00:00:01Z,2\n";
    let expected = hash(&read_text(plain).unwrap().0);
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let (head, tail) = plain.as_bytes().split_at(50);
    let variants: [Vec<u8>; 5] = [
        format!("\u{feff}{plain}").into_bytes(),
        plain.replace('\n', "\r\n").into_bytes(),
        plain.trim_end().into(),
        gzip(plain.as_bytes()),
        // Two members, as `cat a.gz b.gz` makes them.
        [gzip(head), gzip(tail)].concat(),
    ];
    for variant in variants {
        assert_eq!(hash(&read_text(&variant).unwrap().0), expected, "{variant:?}");
    }
}

#[test]
fn the_hash_does_not_depend_on_the_order_of_rows_columns_and_files() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let whole = file(
        "whole.csv",
        "task_id,submit_time,work_seconds,workflow,zz_team,aa_cost\n\
         b,2024-01-01T00:00:01Z,2,w,x,1\na,2024-01-01T00:00:00Z,1,,y,\nc,2024-01-01T00:00:01Z,3,v,,2\n",
    );
    let one = file(
        "one.csv",
        "aa_cost,work_seconds,submit_time,task_id,workflow,zz_team\n2,3.0,2024-01-01T09:00:01+09:00,c,v,\n",
    );
    let two = file(
        "two.csv",
        "task_id,zz_team,submit_time,work_seconds,workflow,aa_cost\n\
         a,y,2024-01-01T00:00:00Z,1,,\nb,x,2024-01-01T00:00:01Z,2,w,1\n",
    );
    let read = |paths: &[PathBuf]| trace::read(paths, &ReadOptions::default(), &mut |_| {}).unwrap();
    let (trace, warnings) = read(&[whole]);
    assert_eq!(trace::canonical_order(&trace), [1, 0, 2]);
    assert_eq!(warnings, ["unknown columns are kept as labels: aa_cost, zz_team"]);
    let expected = hash(&trace);
    assert_eq!(hash(&read(&[one.clone(), two.clone()]).0), expected);
    let (trace, _) = read(&[two, one]);
    assert_eq!(hash(&trace), expected);
    assert_eq!(trace.place[2], trace::Place { file: 1, line: 2 });
}

#[test]
fn gpu_rows_are_kept_as_skipped_on_request() {
    let path = PathBuf::from(format!("{BAD}/gpu.csv"));
    let options = ReadOptions { drop_gpu: true, ..ReadOptions::default() };
    let (trace, warnings) = trace::read(&[path], &options, &mut |_| {}).unwrap();
    assert_eq!((trace.state.get(0), trace.state.get(1)), (None, Some(State::Skipped)));
    assert_eq!(warnings, ["1 row asking for a GPU left out of the replay"]);
}

#[test]
fn a_time_zone_may_be_given_for_times_without_an_offset() {
    let path = PathBuf::from(format!("{BAD}/time_naive.csv"));
    let options = ReadOptions { timezone: "Asia/Tokyo".parse().ok(), ..ReadOptions::default() };
    let (trace, _) = trace::read(&[path], &options, &mut |_| {}).unwrap();
    assert_eq!(trace.submit_time.get(0).map(cost_sim::units::Time::ms), Some(1_704_034_800_000));
}

#[test]
fn what_is_odd_but_usable_is_counted_in_warnings() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("odd.csv");
    std::fs::write(
        &path,
        "task_id,submit_time,start_time,end_time,work_seconds,kind,work_seconds_method\n\
         a,2024-01-01T00:00:00Z,,,0,,\n\
         b,2024-01-01T00:00:00Z,,,0,control,\n\
         c,2024-01-01T00:00:05Z,2024-01-01T00:00:04Z,2024-01-01T00:00:06Z,,,raw_span\n\
         d,2023-12-31T23:59:59Z,2024-01-01T00:00:04Z,2024-01-01T00:00:06Z,4,,model_subtracted\n\
         e,2024-01-01T00:00:00Z,,,1,,model_subtracted\n",
    )
    .unwrap();
    let meta = r#"{"window_start": "2024-01-01T00:00:00Z", "source_platform": "fargate", "owner": 1}"#;
    std::fs::write(dir.path().join("odd.meta.json"), meta).unwrap();
    let (trace, warnings) = read(&path).unwrap();
    insta::assert_snapshot!(warnings.join("\n").replace(&path.display().to_string(), "odd.csv"), @r#"
unknown keys in the side file of odd.csv are ignored: owner
2 rows already running or waiting when the trace begins: when they arrived is not known
1 row with work_seconds 0: the source may count whole seconds only
1 row where work_seconds and end_time - start_time differ by more than 1 s: work_seconds is used
3 rows with estimated work_seconds: 2 model_subtracted, 1 raw_span
"#);
    assert_eq!(trace.work.get(2), Some(cost_sim::units::Span::from_secs(2)));
    assert_eq!(trace.work.get(3), Some(cost_sim::units::Span::from_secs(4)));
    assert_eq!(trace.source_platform.get(4), Some(trace::SourcePlatform::Fargate));
}

#[test]
fn progress_counts_the_bytes_on_disk() {
    let path = PathBuf::from(format!("{GOOD}/full.csv"));
    let size = std::fs::metadata(&path).unwrap().len();
    let mut seen = 0;
    trace::read(&[path], &ReadOptions::default(), &mut |bytes| seen += bytes).unwrap();
    assert_eq!(seen, size);
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_input_and_output() {
    for path in ["no-such-file.csv", "fixtures"] {
        assert!(matches!(read(path), Err(Error::Io { .. })), "{path}");
    }
}

/// A column of the format with texts that are right for it.
fn column() -> impl Strategy<Value = (&'static str, BoxedStrategy<String>)> {
    let word = r#"[a-z;/\\ ,"\n\ré]{0,5}"#;
    let time =
        "(20[0-9]{2}-0[1-9]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,5})?(Z|[+-]0[0-9]:30))?";
    let seconds = "([0-9]{1,6}(\\.[0-9]{1,20})?)?";
    prop_oneof![
        prop::sample::select(vec!["workflow", "image", "labels", "pod_name", "my_own_label", "another"])
            .prop_map(move |name| (name, word.boxed())),
        prop::sample::select(vec!["session_time", "pod_created_time", "deleted_time", "deadline_time"])
            .prop_map(move |name| (name, time.boxed())),
        prop::sample::select(vec!["trigger_delay_seconds", "queue_seconds", "image_pull_seconds"])
            .prop_map(move |name| (name, seconds.boxed())),
        prop::sample::select(vec!["cpu_request_milli", "memory_request_mib", "attempt"])
            .prop_map(|name| (name, "([1-9][0-9]{0,4}(\\.0)?)?".boxed())),
        Just(("cpu_limit", "([1-9][0-9]{0,3}(m|\\.5)?)?".boxed())),
        prop::sample::select(vec!["memory_limit", "image_size", "ephemeral_storage"])
            .prop_map(|name| (name, "([1-9][0-9]{0,3}(Mi|Gi|M|k|\\.5Ki)?)?".boxed())),
        prop::sample::select(vec!["cpu_usage_avg_milli", "memory_usage_max_mib", "cpu_seconds"])
            .prop_map(|name| (name, "([0-9]{1,5}(\\.[0-9]{1,18})?(e-[0-9])?)?".boxed())),
        Just(("state", "(succeeded|failed|running|skipped)?".boxed())),
        Just(("kind", "(pod|control|wait)?".boxed())),
        Just(("interruptible", "(true|False|1)?".boxed())),
        Just(("priority", "(-?[0-9]{1,9})?".boxed())),
        Just(("owner_kind", "(none|Job)?".boxed())),
    ]
}

/// A valid table: header and rows.
fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::btree_map(0..1_000u32, column(), 0..6).prop_flat_map(|columns| {
        let mut names = vec!["task_id".to_owned(), "submit_time".to_owned(), "work_seconds".to_owned()];
        let mut cells = vec![
            r#"[a-z;/"\\, \n]{1,8}"#.boxed(),
            "202[0-9]-0[1-9]-0[1-9]T0[0-9]:00:00(\\.[0-9]{1,9})?Z".boxed(),
            "[0-9]{1,7}(\\.[0-9]{1,4})?".boxed(),
        ];
        for (name, texts) in columns.into_values() {
            if !names.iter().any(|other| other == name) {
                names.push(name.to_owned());
                cells.push(texts);
            }
        }
        prop::collection::vec(cells, 1..8).prop_map(move |mut rows| {
            rows.insert(0, names.clone());
            rows
        })
    })
}

fn table_csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

const SMALL: &str = "\
task_id,run_id,submit_time,start_time,end_time,work_seconds,cpu_request,memory_request_mib,depends_on,state,image
a,r1,2024-01-01T00:00:00Z,2024-01-01T00:00:10Z,2024-01-01T00:01:00Z,50,500m,1024,,succeeded,\"app:1,2\"
b,r1,2024-01-01T00:00:00.5+09:00,,,1.25,2,512,a;r0/x,failed,\"say \"\"hi\"\"
twice\"
c,r1,2024-01-01T00:00:00Z,,,,,,b,skipped,
";

/// polars panics over some of these; here that is an error like any other.
#[test]
fn a_parquet_file_with_a_flipped_byte_is_read_or_refused() {
    cost_sim::guard::install_hook();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.parquet");
    trace::write_parquet(&read_text(SMALL).unwrap().0, &path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for n in 0..200 {
        let mut bytes = whole.clone();
        // Spread over the file, half of them in the footer at its end, with other bits each time.
        let at = if n % 2 == 0 { n * bytes.len() / 200 } else { bytes.len() - 8 - n * 5 };
        bytes[at] ^= [0x01, 0x80, 0xff, 0x10, 0x7f][n % 5];
        std::fs::write(&path, &bytes).unwrap();
        match read(&path) {
            Ok((trace, _)) => assert!(trace.rows() > 0),
            Err(Error::Input(found)) => {
                assert!(!found.is_empty());
                for diagnostic in found.list() {
                    assert!(Path::new(&diagnostic.file).ends_with("trace.parquet"), "{diagnostic}");
                }
                refused += 1;
            }
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(refused > 100, "{refused}");
}

proptest! {
    #[test]
    fn csv_and_parquet_hold_the_same(rows in table()) {
        let (trace, _) = read_text(table_csv(&rows)).map_err(|e| TestCaseError::fail(e.render()))?;
        let canonical = csv(&trace);
        let (again, _) = read_text(&canonical).map_err(|e| TestCaseError::fail(e.render()))?;
        prop_assert_eq!(&csv(&again), &canonical);
        prop_assert_eq!(hash(&again), hash(&trace));

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace.parquet");
        trace::write_parquet(&trace, &path).map_err(|e| TestCaseError::fail(e.render()))?;
        let (from_parquet, _) = read(path).map_err(|e| TestCaseError::fail(e.render()))?;
        prop_assert_eq!(&csv(&from_parquet), &canonical);
    }

    #[test]
    fn a_damaged_trace_is_still_valid_or_refused_with_its_place(
        changes in prop::collection::vec((any::<Index>(), prop::option::of(any::<u8>()), any::<bool>()), 1..6),
        cut in prop::option::weighted(0.2, any::<Index>()),
        gzip: bool,
    ) {
        let mut bytes = SMALL.as_bytes().to_vec();
        for (at, byte, insert) in changes {
            let at = at.index(bytes.len());
            match byte {
                Some(byte) if insert => bytes.insert(at, byte),
                Some(byte) => bytes[at] = byte,
                None => drop(bytes.remove(at)),
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if gzip {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
        }
        match read_text(&bytes) {
            Ok((trace, _)) => prop_assert!(trace.rows() > 0),
            Err(Error::Input(found)) => {
                prop_assert!(!found.is_empty());
                for diagnostic in found.list() {
                    prop_assert!(Path::new(&diagnostic.file).ends_with("trace.csv"));
                    let whole_file = ["the file is ", "there are no rows", "this is "];
                    let is_whole = whole_file.iter().any(|start| diagnostic.message.starts_with(start));
                    prop_assert!(diagnostic.line.is_some() || is_whole, "{}", diagnostic);
                }
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
