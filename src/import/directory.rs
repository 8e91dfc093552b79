//! Directories stand for the files in them.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// How names of data files end; what else lies about in a directory is meant for people.
const DATA: [&str; 10] = ["json", "jsonl", "ndjson", "csv", "tsv", "yaml", "yml", "swf", "parquet", "gz"];
/// How many names a note has room for.
const SHOWN: usize = 5;

#[derive(Debug, Default)]
pub(super) struct List {
    pub files: Vec<PathBuf>,
    /// Files of directories that are no data by their names.
    left_out: Vec<PathBuf>,
}

/// What a shell's `*.json` names along with the file whose side file it is.
fn is_side_file(path: &Path, inputs: &[PathBuf]) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(of) = name.and_then(|name| name.strip_suffix(".meta.json")) else { return false };
    let names = ["", ".csv", ".gz", ".csv.gz", ".parquet"].map(|suffix| format!("{of}{suffix}"));
    names.iter().any(|name| inputs.contains(&path.with_file_name(name)))
}

/// Files that are named are taken whatever their names are, except side files of others.
pub(super) fn list(inputs: &[PathBuf]) -> Result<List> {
    let mut list = List::default();
    for path in inputs {
        if is_side_file(path, inputs) {
            continue;
        }
        if path.as_os_str() == "-" || !path.is_dir() {
            list.files.push(path.clone());
            continue;
        }
        let first = list.files.len();
        list.directory(path)?;
        if list.files.len() == first {
            let hint = format!("data files there are those that end in .{}; or name files", DATA.join(", ."));
            return Err(Error::usage(format!("the directory {} has no data files", path.display()), hint));
        }
    }
    Ok(list)
}

impl List {
    /// What was left out, for the user.
    pub fn note(&self) -> Option<String> {
        let names = self.left_out.iter().take(SHOWN).map(|path| path.display().to_string());
        let names = names.collect::<Vec<_>>().join(", ");
        let more = if self.left_out.len() > SHOWN { ", …" } else { "" };
        (!self.left_out.is_empty()).then(|| {
            format!("left out of directories, since their names are not those of data: {names}{more}")
        })
    }

    fn directory(&mut self, path: &Path) -> Result<()> {
        let failed = |error| Error::io("read the directory", path, error);
        let entries = path.read_dir().map_err(failed)?;
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
        let mut paths = paths.map_err(failed)?;
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // Side files belong to the file beside them; hidden files to nobody.
            if name.starts_with('.') || name.ends_with(".meta.json") {
                continue;
            }
            let is_data = match path.extension() {
                Some(extension) => DATA.iter().any(|known| extension.eq_ignore_ascii_case(known)),
                // Names as `27` and `attempts` are what people give to answers.
                None => name != "README" && name != "LICENSE" && name != "SHA256SUMS",
            };
            if path.is_dir() {
                self.directory(&path)?;
            } else if is_data {
                self.files.push(path);
            } else {
                self.left_out.push(path);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_files_of_files_that_are_named_are_no_data() {
        let files = |names: &[&str]| {
            let inputs: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
            let list = list(&inputs).unwrap();
            list.files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(files(&["d/a.json", "d/a.json.meta.json"]), ["d/a.json"]);
        assert_eq!(files(&["t.meta.json", "t.csv.gz"]), ["t.csv.gz"]);
        // Not beside it, or alone: it is what the user asked for.
        assert_eq!(files(&["d/a.json", "a.json.meta.json"]).len(), 2);
        assert_eq!(files(&["t.meta.json"]), ["t.meta.json"]);
    }
}
