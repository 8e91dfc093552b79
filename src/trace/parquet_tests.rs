//! Tests of the types that Parquet files of other programs have.

use polars::prelude::{Column as Frame, NamedFrom as _};

use super::*;

fn write_frame(columns: Vec<Frame>) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.parquet");
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test writes its input")]
    let file = File::create(&path).unwrap();
    ParquetWriter::new(file).finish(&mut frame).unwrap();
    (dir, path)
}

fn read_frame(columns: Vec<Frame>, options: ReadOptions) -> Result<Trace> {
    let (_dir, path) = write_frame(columns);
    crate::trace::read(&[path], &options, &mut |_| {}).map(|(trace, _)| trace)
}

fn ids(count: i64) -> Frame {
    Frame::new("task_id".into(), (0..count).collect::<Vec<i64>>())
}

fn times(unit: TimeUnit, zone: Option<TimeZone>, values: &[i64]) -> Frame {
    Int64Chunked::from_slice("submit_time".into(), values).into_datetime(unit, zone).into_column()
}

#[test]
fn timestamps_of_any_unit_are_read_in_utc() {
    let cases = [
        (TimeUnit::Milliseconds, vec![1_500, 2_000]),
        (TimeUnit::Microseconds, vec![1_500_500, 1_999_500]),
        (TimeUnit::Nanoseconds, vec![1_500_500_000, 1_999_500_001]),
    ];
    for (unit, values) in cases {
        for zone in [None, Some(TimeZone::UTC)] {
            let work = Frame::new("work_seconds".into(), [1i32, 2]);
            let columns = vec![ids(2), times(unit, zone, &values), work];
            let trace = read_frame(columns, ReadOptions::default()).unwrap();
            let read: Vec<_> = (0..2).map(|row| trace.submit_time.get(row).unwrap().ms()).collect();
            assert_eq!(read, [1_500, 2_000], "{unit:?}");
            assert_eq!(trace.task_id.get(1), "1");
        }
    }
}

#[test]
fn timestamps_without_a_zone_are_in_the_users() {
    let options = ReadOptions { timezone: "Asia/Tokyo".parse().ok(), drop_gpu: false };
    let hours = 9 * 3_600_000;
    for (zone, expected) in [(None, 0), (Some(TimeZone::UTC), hours)] {
        let work = Frame::new("work_seconds".into(), [1.5f32]);
        let columns = vec![ids(1), times(TimeUnit::Milliseconds, zone, &[hours]), work];
        let trace = read_frame(columns, options).unwrap();
        assert_eq!(trace.submit_time.get(0).unwrap().ms(), expected);
    }
}

#[test]
fn numbers_of_any_width_and_empty_cells_are_read() {
    let columns = vec![
        ids(2),
        Frame::new("submit_time".into(), ["2024-01-01T00:00:00Z"; 2]),
        Frame::new("work_seconds".into(), [0.1f64, 12.345]),
        Frame::new("attempt".into(), [Some(1u32), None]),
        Frame::new("priority".into(), [-5i32, 5]),
        Frame::new("memory_request".into(), [1_000_000_000u64, 1 << 30]),
        Frame::new("interruptible".into(), [true, false]),
        Frame::new("team".into(), [Some("a"), None]),
    ];
    let trace = read_frame(columns, ReadOptions::default()).unwrap();
    let mut out = Vec::new();
    crate::trace::write_csv(&trace, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "task_id,attempt,submit_time,work_seconds,memory_request,interruptible,priority,team\n\
         0,1,2024-01-01T00:00:00Z,0.1,1000000000,true,-5,a\n\
         1,,2024-01-01T00:00:00Z,12.345,1073741824,false,5,\n"
    );
}

#[test]
fn nested_columns_are_left_out_with_a_warning() {
    let list = Series::new("nested".into(), [Series::new("".into(), [1i64, 2])]);
    let columns = vec![
        ids(1),
        times(TimeUnit::Milliseconds, None, &[0]),
        Frame::new("work_seconds".into(), [1i64]),
        list.into_column(),
    ];
    let (_dir, path) = write_frame(columns);
    let (trace, warnings) = crate::trace::read(&[path], &ReadOptions::default(), &mut |_| {}).unwrap();
    assert_eq!(warnings, ["columns of nested or binary types are left out: nested"]);
    assert_eq!(trace.rows(), 1);
}
