//! How fast exports of orchestrators become traces, in bytes of the file.
//!
//! For files of any size: `--write-digdag PATH MIB` writes a synthetic export (JSON lines if the path ends so, else CSV),
//! `--read PATH` only imports one and says how many rows it has.

#[path = "support/digdag.rs"]
mod digdag;

use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Duration;

use cost_sim::import::{self, Options};
use criterion::{Criterion, Throughput};

const SIZE: usize = 16 << 20;

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("import");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for (name, form) in [("export.csv", digdag::Form::Csv), ("export.jsonl", digdag::Form::Lines)] {
        let mut content = Vec::new();
        digdag::write(&mut content, form, SIZE).expect("memory takes any text");
        group.throughput(Throughput::Bytes(content.len() as u64));
        group.bench_function(format!("digdag/{name}"), |b| {
            b.iter(|| import::read_contents(&[(name, &content)], &Options::default()).expect("it is valid"));
        });
    }
    group.finish();
}

#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool for people")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--write-digdag", path, mib, ..] => {
            let form = if path.ends_with("jsonl") { digdag::Form::Lines } else { digdag::Form::Csv };
            let bytes = mib.parse::<usize>().expect("a number of MiB") << 20;
            let file = std::fs::File::create(path).expect("a place for the file");
            let tasks = digdag::write(&mut BufWriter::new(file), form, bytes).expect("room for the file");
            println!("{tasks} tasks");
        }
        ["--read", path, ..] => {
            let read = import::read(&[PathBuf::from(path)], &Options::default(), &mut |_| {});
            println!("{} rows", read.expect("it is valid").trace.rows());
        }
        _ => {
            let mut criterion = Criterion::default().configure_from_args();
            bench(&mut criterion);
            criterion.final_summary();
        }
    }
}
