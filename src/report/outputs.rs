//! Puts every output into a directory, all or nothing.
//!
//! All files are first written under temporary names beside their final ones, and renamed only when all are
//! whole. A full disk or a killed run therefore leaves the files of the last run as they were. `report.json` is
//! renamed last: who sees a new one sees all files of its run.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::columns::{PlatformRecords, write_nodes, write_pods};
use super::{BackTestSamples, ChartData, Report, charts, html, json, markdown, summary_csv};
use crate::error::{Error, Result};
use crate::trace::Trace;
use crate::workload::Workload;

/// The files beside the charts, in the order in which they appear.
pub const NAMES: [&str; 6] =
    ["report.html", "report.md", "summary.csv", "pods.parquet", "nodes.parquet", "report.json"];

/// Directory of the charts.
const CHARTS: &str = "charts";

/// Every file, in the order in which they appear: the charts first, since `report.json` is last.
pub fn paths(dir: &Path) -> Vec<PathBuf> {
    let chart = |name: &str| ["svg", "png"].map(|ending| dir.join(CHARTS).join(format!("{name}.{ending}")));
    let charts = charts::NAMES.into_iter().flat_map(chart);
    charts.chain(NAMES.map(|name| dir.join(name))).collect()
}

/// Finds out whether the outputs can be written to `dir`, before the work. Leaves nothing behind, since the work may
/// fail for another reason.
pub fn check_writable(dir: &Path) -> Result<()> {
    check_paths(dir, &paths(dir))
}

/// The same for other files in `dir` and in its directory of charts.
pub(crate) fn check_paths(dir: &Path, paths: &[PathBuf]) -> Result<()> {
    let charts = dir.join(CHARTS);
    let missing: Vec<&Path> =
        charts.ancestors().filter(|d| !d.as_os_str().is_empty() && !d.exists()).collect();
    let result = prepare(dir, paths);
    for dir in missing {
        // Fails where it was not created after all.
        let _ = std::fs::remove_dir(dir);
    }
    result
}

/// Creates `dir` and the directory of the charts where they are missing, and tries to write to both.
#[expect(clippy::disallowed_methods, reason = "writers are an edge")]
pub(crate) fn prepare(dir: &Path, paths: &[PathBuf]) -> Result<()> {
    let charts = dir.join(CHARTS);
    for dir in [dir, &charts] {
        std::fs::create_dir_all(dir).map_err(|e| Error::io("create the directory", dir, e))?;
    }
    for path in paths {
        if path.is_dir() {
            return Err(Error::io("write", path, io::ErrorKind::IsADirectory.into()));
        }
    }
    for dir in [dir, &charts] {
        let probe = Pending::new(dir.join("probe"));
        File::create(&probe.temporary).map_err(|e| Error::io("write to", dir, e))?;
    }
    Ok(())
}

/// Writes every file and gives their paths in the order of [`paths`].
pub fn write_all(
    dir: &Path,
    report: &Report,
    records: &[PlatformRecords],
    back_test: Option<&BackTestSamples>,
    trace: &Trace,
    workload: &Workload,
    zones: &[String],
) -> Result<Vec<PathBuf>> {
    prepare(dir, &paths(dir))?;
    let charts = charts::charts(&ChartData::new(report, records).with_back_test(report, back_test));
    let page = html(report, &charts);
    let text = |text: String| bytes(text.into_bytes());
    let pods = |out: &mut BufWriter<File>| write_pods(out, records, trace, workload, zones);
    let nodes = |out: &mut BufWriter<File>| write_nodes(out, records, zones);
    let charts = charts.into_iter().flat_map(|chart| [text(chart.svg), bytes(chart.png)]);
    let mut contents: Vec<Content> = charts.collect();
    contents.extend([
        text(page),
        text(markdown(report)),
        text(summary_csv(report)),
        Box::new(pods) as Content,
        Box::new(nodes),
        text(json(report)),
    ]);
    write_files(paths(dir).into_iter().zip(contents))
}

fn bytes<'a>(bytes: Vec<u8>) -> Content<'a> {
    Box::new(move |out| out.write_all(&bytes))
}

/// Writes what a file holds.
pub type Content<'a> = Box<dyn FnOnce(&mut BufWriter<File>) -> io::Result<()> + 'a>;

/// Writes files that appear, or change, in this order and only when all of them are whole; gives their paths.
pub fn write_files<'a>(files: impl IntoIterator<Item = (PathBuf, Content<'a>)>) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (path, content) in files {
        let file = Pending::new(path);
        file.write(content).map_err(|e| Error::io("write", &file.path, e))?;
        written.push(file);
    }
    written.into_iter().map(Pending::publish).collect()
}

/// A file under its temporary name, which is removed unless it is published.
struct Pending {
    temporary: PathBuf,
    path: PathBuf,
}

impl Pending {
    /// The name holds the process, so that two runs into one directory do not write into each other's files.
    fn new(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        Self { temporary, path }
    }

    #[expect(clippy::disallowed_methods, reason = "writers are an edge")]
    fn write(&self, content: Content) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 18, File::create(&self.temporary)?);
        content(&mut out)?;
        out.flush()
    }

    #[expect(clippy::disallowed_methods, reason = "writers are an edge")]
    fn publish(self) -> Result<PathBuf> {
        std::fs::rename(&self.temporary, &self.path).map_err(|e| Error::io("write", &self.path, e))?;
        Ok(self.path.clone())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Fails where it was published, or never created: nothing is left then either.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at what was written")]
mod tests {
    use super::*;
    use crate::report::sample;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            dir.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_file_is_written_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("new/report");
        let report = sample::report();
        for _ in 0..2 {
            let paths =
                write_all(&out, &report, &[], None, &Trace::default(), &Workload::default(), &[]).unwrap();
            assert_eq!(paths, super::paths(&out));
            let mut expected = NAMES.to_vec();
            expected.push(CHARTS);
            expected.sort_unstable();
            assert_eq!(names(&out), expected);
            let charts = names(&out.join(CHARTS));
            assert_eq!(charts.len(), 2 * charts::NAMES.len());
            assert!(charts.iter().all(|name| !name.starts_with('.')), "{charts:?}");
        }
        assert_eq!(std::fs::read_to_string(out.join("report.json")).unwrap(), json(&report));
    }

    #[test]
    fn a_failed_write_keeps_the_old_files_and_removes_its_own() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("report.md"), "old").unwrap();
        let full = |out: &mut BufWriter<File>| {
            out.write_all(b"half a f")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        let whole = |out: &mut BufWriter<File>| out.write_all(b"new");
        let path = |name| dir.path().join(name);
        let files: [(PathBuf, Content); 2] =
            [(path("report.md"), Box::new(whole)), (path("report.json"), Box::new(full))];
        let error = write_files(files).unwrap_err();
        assert!(error.to_string().contains("report.json: no storage space"), "{error}");
        assert_eq!(names(dir.path()), ["report.md"]);
        assert_eq!(std::fs::read_to_string(dir.path().join("report.md")).unwrap(), "old");
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_found_before_the_work() {
        let dir = tempfile::tempdir().unwrap();
        check_writable(&dir.path().join("a/b")).unwrap();
        assert_eq!(names(dir.path()), [""; 0]);
        check_writable(dir.path()).unwrap();
        assert_eq!(names(dir.path()), [""; 0]);

        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = check_writable(&file.join("report")).unwrap_err();
        assert!(matches!(error, Error::Io { action: "create the directory", .. }), "{error:?}");

        let taken = dir.path().join("taken");
        std::fs::create_dir_all(taken.join("report.html")).unwrap();
        let error = check_writable(&taken).unwrap_err();
        assert!(error.to_string().contains("report.html: is a directory"), "{error}");

        let taken = dir.path().join("charts-taken");
        std::fs::create_dir_all(&taken).unwrap();
        std::fs::write(taken.join(CHARTS), "a file").unwrap();
        let error = check_writable(&taken).unwrap_err();
        assert!(matches!(error, Error::Io { action: "create the directory", .. }), "{error:?}");
    }
}
